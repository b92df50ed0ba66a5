"""Weights go to PyTorch and come from it, and mean the same there."""

import subprocess
import sys
from itertools import product

import numpy as np
import pytest
from numeric_helpers import CELLS
from scipy.sparse import csr_array
from sklearn.exceptions import NotFittedError

from skrnn import (
    CRF,
    SequenceRNNClassifier,
    SequenceRNNRegressor,
    StepRNNClassifier,
    StepRNNRegressor,
    XORMLPClassifier,
)
from skrnn.pytorch import from_state_dict, to_state_dict

TOLERANCE = 1e-12
# A usual module applies its Linear layer to the last state.
LAST = {"pooling": "last"}
needs_torch = pytest.mark.skipif("not __import__('importlib').util.find_spec('torch')")
KINDS = [
    *product(["rnn", "gru", "lstm"], [(5,), (4, 4, 4), (4, 3)], [False, True], ["tanh"]),
    ("rnn", (4, 4), True, "relu"),
]


def ragged(n_sequences=13, n_features=3):
    rng = np.random.RandomState(0)
    return [rng.normal(size=(1 + i % 6, n_features)) for i in range(n_sequences)]


def module(cell, hidden, bidirectional, activation, n_outputs, bias=True, n_poolings=1):
    """Make a torch module as its users write one, with weights it draws itself."""
    import torch

    torch.manual_seed(0)
    kind = {"rnn": torch.nn.RNN, "gru": torch.nn.GRU, "lstm": torch.nn.LSTM}[cell]
    options = {"bidirectional": bidirectional, "bias": bias, "dtype": torch.float64}
    if cell == "rnn":
        options["nonlinearity"] = activation
    width = 1 + bidirectional
    if len(set(hidden)) == 1:
        layers = [kind(3, hidden[0], num_layers=len(hidden), **options)]
        names = [cell]
    else:
        n_in = [3, *(width * n for n in hidden[:-1])]
        layers = [kind(n, units, **options) for n, units in zip(n_in, hidden, strict=True)]
        names = [f"{cell}_{i}" for i in range(len(hidden))]
    n_pooled = n_poolings * width * hidden[-1]
    output = torch.nn.Linear(n_pooled, n_outputs, bias=bias, dtype=torch.float64)
    return torch.nn.ModuleDict({**dict(zip(names, layers, strict=True)), "output": output})


def torch_scores(modules, X, pooling):
    """Run a torch module on packed sequences."""
    import torch
    from torch.nn.utils.rnn import PackedSequence, pack_sequence, pad_packed_sequence

    *layers, output = modules.values()
    x = pack_sequence([torch.from_numpy(x) for x in X], enforce_sorted=False)
    with torch.no_grad():
        for layer in layers:
            x, last = layer(x)
        assert isinstance(x, PackedSequence)
        states, lengths = pad_packed_sequence(x, batch_first=True)
        states = [s[:n] for s, n in zip(states, lengths, strict=True)]
        if pooling is None:
            return [output(s).numpy() for s in states]
        last = last[0] if isinstance(last, tuple) else last
        pooled = {
            "last": lambda: torch.cat(list(last[-2 if layer.bidirectional else -1 :]), dim=1),
            "mean": lambda: torch.stack([s.mean(dim=0) for s in states]),
            "max": lambda: torch.stack([s.max(dim=0).values for s in states]),
        }
        names = [pooling] if isinstance(pooling, str) else pooling
        return output(torch.cat([pooled[name]() for name in names], dim=1)).numpy()


def largest_difference(a, b):
    return max(np.abs(np.asarray(x) - np.asarray(y)).max() for x, y in zip(a, b, strict=True))


@needs_torch
@pytest.mark.parametrize("kind", KINDS, ids=str)
@pytest.mark.parametrize("pooling", ["last", "mean", "max", ("max", "last"), None])
def test_from_torch_and_back(kind, pooling):
    cell, hidden, bidirectional, activation = kind
    n_poolings = len(pooling) if isinstance(pooling, tuple) else 1
    X, modules = ragged(), module(*kind, n_outputs=2, n_poolings=n_poolings)
    if pooling is None:
        estimator = StepRNNRegressor(activation=activation)
    else:
        estimator = SequenceRNNRegressor(activation=activation, pooling=pooling)
    fitted = from_state_dict(estimator, modules.state_dict())
    assert not hasattr(estimator, "weights_")
    assert (fitted.cell, fitted.hidden_layer_sizes) == (cell, hidden)
    assert fitted.bidirectional is bidirectional
    expected = torch_scores(modules, X, pooling)
    assert largest_difference(fitted.predict(X), expected) < TOLERANCE

    # Back into another module of the same shape, whose own weights are others.
    import torch

    other = module(*kind, n_outputs=2, n_poolings=n_poolings)
    for weight in other.parameters():
        torch.nn.init.zeros_(weight)
    written = to_state_dict(fitted)
    assert list(written) == list(other.state_dict())
    other.load_state_dict({name: torch.from_numpy(array) for name, array in written.items()})
    assert largest_difference(torch_scores(other, X, pooling), expected) < TOLERANCE
    again = from_state_dict(estimator, written)
    np.testing.assert_equal(again.weights_, fitted.weights_)


@needs_torch
@pytest.mark.parametrize("cell", ["rnn", "gru", "lstm"])
def test_trained_here_evaluated_there(cell, sequences):
    import torch

    X, y = sequences
    X = [np.c_[x, x[:, :1]] for x in X]
    clf = SequenceRNNClassifier(
        6, cell=cell, bidirectional=True, **LAST, max_iter=20, random_state=0
    )
    clf.fit(X, y)
    modules = module(cell, (6,), True, "tanh", n_outputs=3)
    written = {name: torch.from_numpy(array) for name, array in to_state_dict(clf).items()}
    modules.load_state_dict(written)
    scores = torch.from_numpy(torch_scores(modules, X, "last"))
    probabilities = torch.softmax(scores, dim=1).numpy()
    assert np.abs(probabilities - clf.predict_proba(X)).max() < TOLERANCE


@needs_torch
@pytest.mark.parametrize("bidirectional", [False, True])
def test_embedding(bidirectional):
    import torch

    n_tokens, size = 7, 3  # the recurrent layers of `module` have 3 inputs
    modules = module("gru", (4, 4), bidirectional, "tanh", n_outputs=3)
    embedding = torch.nn.Embedding(n_tokens, size, padding_idx=0, dtype=torch.float64)
    whole = torch.nn.ModuleDict({"words": embedding, **modules})
    fitted = from_state_dict(SequenceRNNRegressor(**LAST), whole.state_dict())
    assert (fitted.embedding_size, fitted.n_step_features_) == (size, n_tokens)
    tokens = [np.random.RandomState(i).randint(n_tokens, size=1 + i) for i in range(5)]
    vectors = [embedding.weight.detach().numpy()[kinds] for kinds in tokens]
    expected = torch_scores(modules, vectors, "last")
    encoded = [np.eye(n_tokens)[kinds] for kinds in tokens]
    for X in (encoded, [csr_array(x) for x in encoded]):
        assert largest_difference(fitted.predict(X), expected) < TOLERANCE
    written = to_state_dict(fitted)
    assert next(iter(written)) == "embedding.weight"
    names = {name.replace("words", "embedding"): a for name, a in whole.state_dict().items()}
    for name, array in names.items():
        if "bias" not in name:  # one of the two biases of PyTorch takes the sum
            np.testing.assert_array_equal(written[name], array.numpy())
    other = torch.nn.ModuleDict(
        {"embedding": torch.nn.Embedding(n_tokens, size, dtype=torch.float64), **modules}
    )
    other.load_state_dict({k: torch.from_numpy(v) for k, v in written.items()})
    assert largest_difference(torch_scores(modules, vectors, "last"), expected) < TOLERANCE


@needs_torch
@pytest.mark.parametrize("cell", ["rnn", "gru", "lstm"])
def test_modules_without_biases(cell):
    X, modules = ragged(), module(cell, (4, 4), False, "tanh", n_outputs=1, bias=False)
    fitted = from_state_dict(SequenceRNNRegressor(**LAST), modules.state_dict())
    expected = torch_scores(modules, X, "last")[:, 0]
    assert np.abs(fitted.predict(X) - expected).max() < TOLERANCE


@needs_torch
def test_parameters_that_want_gradients_and_float32():
    import torch

    modules = module("gru", (4,), False, "tanh", n_outputs=2).to(torch.float32)
    fitted = from_state_dict(SequenceRNNClassifier(**LAST), dict(modules.named_parameters()))
    assert {w.dtype for p in fitted.weights_.values() for w in p.values()} == {np.dtype("f4")}
    X = [x.astype(np.float32) for x in ragged()]
    assert fitted.predict_proba(X).dtype == np.float32
    scores = torch.from_numpy(torch_scores(modules, X, "last"))
    assert np.abs(torch.softmax(scores, dim=1).numpy() - fitted.predict_proba(X)).max() < 1e-6


@needs_torch
@pytest.mark.parametrize("activation", ["identity", "logistic", "tanh", "relu"])
def test_multilayer_perceptron(activation):
    import torch

    torch.manual_seed(0)
    layer = {
        "identity": torch.nn.Identity,
        "logistic": torch.nn.Sigmoid,
        "tanh": torch.nn.Tanh,
        "relu": torch.nn.ReLU,
    }[activation]
    net = torch.nn.Sequential(
        *(torch.nn.Linear(3, 5), layer(), torch.nn.Linear(5, 4), layer(), torch.nn.Linear(4, 3))
    ).double()
    X = np.random.RandomState(0).normal(size=(20, 3))
    clf = from_state_dict(XORMLPClassifier(activation=activation), net.state_dict())
    with torch.no_grad():
        expected = torch.softmax(net(torch.from_numpy(X)), dim=1).numpy()
    assert np.abs(clf.predict_proba(X) - expected).max() < TOLERANCE
    written = to_state_dict(clf)
    assert list(written) == list(net.state_dict())
    for name, array in net.state_dict().items():
        np.testing.assert_array_equal(written[name], array.numpy())


# From here on, no torch is needed. ------------------------------------------------------------


def state_dict(n_outputs=1, cell="gru", n_units=2, dtype=np.float64):
    rng = np.random.RandomState(0)
    rows = {"rnn": 1, "gru": 3, "lstm": 4}[cell] * n_units
    arrays = {
        "net.weight_ih_l0": rng.normal(size=(rows, 3)),
        "net.weight_hh_l0": rng.normal(size=(rows, n_units)),
        "net.bias_ih_l0": rng.normal(size=rows),
        "net.bias_hh_l0": rng.normal(size=rows),
        "head.weight": rng.normal(size=(n_outputs, n_units)),
        "head.bias": rng.normal(size=n_outputs),
    }
    return {name: array.astype(dtype) for name, array in arrays.items()}


def raw(state, X):
    return from_state_dict(SequenceRNNRegressor(**LAST), state).predict(X)


def test_classes_in_the_order_of_the_outputs():
    X = ragged()
    scores = raw(state_dict(3), X)
    labels = np.array(["c", "a", "b"])
    clf = from_state_dict(SequenceRNNClassifier(**LAST), state_dict(3), classes=labels)
    assert clf.classes_.tolist() == ["a", "b", "c"]
    np.testing.assert_array_equal(clf.predict(X), labels[scores.argmax(axis=1)])
    default = from_state_dict(SequenceRNNClassifier(**LAST), state_dict(3))
    np.testing.assert_array_equal(default.predict(X), scores.argmax(axis=1))


@pytest.mark.parametrize("classes", [["no", "yes"], ["yes", "no"]])
def test_two_classes_by_two_outputs_or_one(classes):
    X = ragged()
    clf = from_state_dict(SequenceRNNClassifier(**LAST), state_dict(2), classes=classes)
    e = np.exp(raw(state_dict(2), X))
    expected = (e / e.sum(axis=1, keepdims=True))[:, np.argsort(classes)]
    assert np.abs(clf.predict_proba(X) - expected).max() < TOLERANCE
    clf = from_state_dict(SequenceRNNClassifier(**LAST), state_dict(1), classes=classes)
    second = 1 / (1 + np.exp(-raw(state_dict(1), X)))
    given = clf.predict_proba(X)[:, clf.classes_.tolist().index(classes[1])]
    assert np.abs(given - second).max() < TOLERANCE


@pytest.mark.parametrize("out_activation", ["auto", "softmax"])
def test_two_outputs_of_a_perceptron(out_activation):
    rng = np.random.RandomState(0)
    state = {"a.weight": rng.normal(size=(2, 3)), "a.bias": rng.normal(size=2)}
    X = rng.normal(size=(10, 3))
    clf = from_state_dict(
        XORMLPClassifier(out_activation=out_activation), state, classes=["b", "a"]
    )
    assert clf.coefs_[0].shape == (3, 1 if out_activation == "auto" else 2)
    chosen = (X @ state["a.weight"].T + state["a.bias"]).argmax(axis=1)
    np.testing.assert_array_equal(clf.predict(X), np.array(["b", "a"])[chosen])


def test_multilabel():
    X = ragged()
    clf = from_state_dict(SequenceRNNClassifier(**LAST), state_dict(3), multilabel=True)
    expected = 1 / (1 + np.exp(-raw(state_dict(3), X)))
    assert np.abs(clf.predict_proba(X) - expected).max() < TOLERANCE


@pytest.mark.parametrize("cls", [StepRNNClassifier, StepRNNRegressor])
@pytest.mark.parametrize("n_outputs", [1, 3])
def test_steps(cls, n_outputs):
    X = ragged()
    fitted = from_state_dict(cls(), state_dict(n_outputs))
    scores = from_state_dict(StepRNNRegressor(), state_dict(n_outputs)).predict(X)
    for given, x, s in zip(fitted.predict(X), X, scores, strict=True):
        assert given.shape[0] == len(x)
        if cls is StepRNNClassifier:
            expected = s.argmax(axis=1) if n_outputs > 1 else (s > 0).astype(int)
            np.testing.assert_array_equal(given, expected)


def test_layers_may_stand_in_any_order():
    state = {f"rnn.{key[4:]}": value for key, value in state_dict(3).items() if "net" in key}
    for i in range(1, 11):
        state |= {f"rnn.{k[4:-1]}{i}": v for k, v in state_dict(3).items() if "net" in k}
        state[f"rnn.weight_ih_l{i}"] = state["rnn.weight_hh_l0"] / (1 + i)
    state |= {"head.weight": np.ones((3, 2))}
    X = ragged()
    np.testing.assert_array_equal(raw(state, X), raw(dict(sorted(state.items())), X))
    assert len(from_state_dict(SequenceRNNRegressor(**LAST), state).hidden_layer_sizes) == 11


def test_an_embedding_precedes_the_layers():
    W = np.random.RandomState(1).normal(size=(5, 3))
    state = {"words.weight": W} | state_dict(3)
    X = [np.eye(5)[[4, 0]], np.eye(5)[[1]]]
    np.testing.assert_allclose(raw(state, X), raw(state_dict(3), [x @ W for x in X]), rtol=1e-12)
    fitted = from_state_dict(SequenceRNNRegressor(**LAST), state)
    assert list(to_state_dict(fitted, names=["words", "net", "head"])) == list(state)
    again = from_state_dict(fitted, state_dict(3))
    assert again.embedding_size is None
    square = W[:3]
    embedded = raw({"embed.weight": square} | state_dict(3), ragged())
    np.testing.assert_allclose(
        embedded, raw(state_dict(3), [x @ square for x in ragged()]), rtol=1e-12
    )


def test_a_whole_estimator_comes_out(sequences):
    """It streams, shows its states, trains on, is cloned, and says that it has no history."""
    X, y = sequences
    state = state_dict(3)
    state["net.weight_ih_l0"] = state["net.weight_ih_l0"][:, :2]
    clf = from_state_dict(SequenceRNNClassifier(**LAST, random_state=0), state, classes=[0, 1, 2])
    assert clf.n_features_in_ == clf.n_step_features_ == 2
    assert (clf.n_iter_, clf.t_, clf.loss_curve_, clf.best_loss_) == (0, 0, [], None)
    assert np.isnan(clf.loss_)
    before = clf.predict_proba(X)
    streamed = clf.initial_state()
    for step in X[0]:
        answer, streamed = clf.step(step, streamed)
    assert np.abs(answer - before[:1]).max() < TOLERANCE
    assert clf.transform(X).shape == (40, 2)
    score = clf.score(X, y)
    for _ in range(30):
        clf.partial_fit(X, y)
    assert clf.score(X, y) > score
    assert clf.n_iter_ > 0
    with pytest.raises(ValueError, match="features per step"):
        clf.predict([np.zeros((2, 3))])
    np.testing.assert_equal(clf.get_params()["hidden_layer_sizes"], (2,))


def test_names():
    fitted = from_state_dict(SequenceRNNRegressor(**LAST), state_dict())
    assert next(iter(to_state_dict(fitted))) == "gru.weight_ih_l0"
    assert list(to_state_dict(fitted, names=["net", "head"])) == list(state_dict())
    with pytest.raises(ValueError, match=r"names must be 2 different names, like \['gru', 'output"):
        to_state_dict(fitted, names=["net"])
    with pytest.raises(ValueError, match="2 different"):
        to_state_dict(fitted, names=["net", "net"])


def changed(**arrays):
    state = state_dict(3)
    for name, array in arrays.items():
        key = next(key for key in state if name in key)
        if array is None:
            del state[key]
        else:
            state[key] = array
    return state


@pytest.mark.parametrize(
    ("state", "message"),
    [
        ({}, "0 recurrent and 0 Linear"),
        ({"a.weight": np.ones((3, 2))}, "0 recurrent and 1 Linear"),
        (state_dict() | {"b.weight": np.ones((1, 1))}, "1 recurrent and 2 Linear"),
        (
            {"words.weight": np.ones((5, 4))} | state_dict(),
            r"'words.weight' .* \(any, 3\) is needed",
        ),
        ({"in.weight": np.ones((3, 3))} | state_dict(), "Embedding, or of a Linear without bias"),
        ({"in.weight": np.ones((5, 3)), "in.bias": np.ones(5)} | state_dict(), "1 recurrent and 2"),
        ({"conv.weight": np.ones((3, 2, 2))}, "'conv.weight' of shape .* is not a weight or bias"),
        (state_dict() | {"net.weight_hr_l0": np.ones((1, 2))}, "without proj_size"),
        (changed(weight_hh=None), r"lacks 'net.weight_hh_l0'"),
        (changed(weight_hh=np.ones((4, 2))), "not that of an RNN, GRU or LSTM"),
        (
            changed(weight_hh=np.ones((7, 2))),
            r"weight_hh_l0' has shape \(7, 2\), which is not",
        ),
        (changed(weight_ih=np.ones((5, 3))), r"'net.weight_ih_l0' has .* \(6, any\) is needed"),
        (changed(bias_hh=np.ones(5)), r"'net.bias_hh_l0' has .* \(6,\) is needed"),
        ({**changed(), "head.weight": np.ones((3, 4))}, r"'head.weight' has .* \(any, 2\) is"),
        ({**changed(), "head.bias": np.ones(4)}, r"'head.bias' has shape .* \(3,\) is needed"),
        ({**changed(), "head.bias": np.ones(3, int)}, "'head.bias' has dtype int"),
        ({**changed(), "head.bias": np.full(3, np.nan)}, "not all finite"),
        (changed(**{"head.weight": None}), "lacks 'head.weight'"),
        (state_dict() | {"x.weight_hh_l0_reverse": np.ones((6, 2))}, "are bidirectional"),
        (
            {f"z{k}": v for k, v in state_dict(cell="lstm").items() if "net" in k}
            | {"znet.weight_ih_l0": np.ones((8, 2))}
            | state_dict(),
            r"must be of one kind, got \['gru', 'lstm'\]",
        ),
    ],
    ids=str,
)
def test_what_does_not_fit(state, message):
    ordered = dict(sorted(state.items(), key=lambda item: item[0].startswith("znet")))
    with pytest.raises(ValueError, match=message):
        from_state_dict(SequenceRNNRegressor(**LAST), ordered)


@pytest.mark.parametrize("kind", [SequenceRNNClassifier, SequenceRNNRegressor])
def test_a_module_of_one_pooling_needs_an_estimator_of_one(kind):
    message = (
        r"'head.weight' has shape \(3, 2\), which fits one pooling, but the estimator has pooling="
        r"\('last', 'mean', 'max'\). Set pooling='last', or the pooling that the module uses"
    )
    with pytest.raises(ValueError, match=message):
        from_state_dict(kind(), state_dict(3))
    for pooling in ("last", "mean", "max", ("mean",)):
        assert from_state_dict(kind(pooling=pooling), state_dict(3)).n_outputs_ == 3
    # Neither one pooling nor three.
    wider = {**state_dict(3), "head.weight": np.ones((3, 4))}
    with pytest.raises(ValueError, match=r"'head.weight' has shape \(3, 4\), but \(any, 6\) is"):
        from_state_dict(kind(), wider)
    assert from_state_dict(kind(pooling=("last", "max")), wider).n_outputs_ == 3


def test_misuse():
    with pytest.raises(TypeError, match="state_dict must be a mapping, got list"):
        from_state_dict(SequenceRNNClassifier(**LAST), [1])
    with pytest.raises(TypeError, match="one of this package's networks, got 'gru'"):
        from_state_dict("gru", {})
    with pytest.raises(TypeError, match="one of this package's networks, got None"):
        to_state_dict(None)
    with pytest.raises(ValueError, match="3 outputs, which does not fit classes="):
        from_state_dict(SequenceRNNClassifier(**LAST), state_dict(3), classes=[0, 1])
    with pytest.raises(ValueError, match="hold only Linear layers; it holds 1 recurrent"):
        from_state_dict(XORMLPClassifier(), state_dict())
    chain = {"0.weight": np.ones((4, 2)), "1.weight": np.ones((3, 5))}
    with pytest.raises(ValueError, match=r"'1.weight' has shape \(3, 5\), but \(any, 4\)"):
        from_state_dict(XORMLPClassifier(), chain)
    with pytest.raises(NotFittedError):
        to_state_dict(SequenceRNNClassifier())
    odd = SequenceRNNRegressor(**LAST, activation="logistic")
    fitted = from_state_dict(odd, state_dict(cell="rnn"))
    with pytest.raises(ValueError, match="no RNN with activation='logistic'"):
        to_state_dict(fitted)


def test_cells_that_torch_lacks(monkeypatch):
    gru = from_state_dict(SequenceRNNRegressor(**LAST), state_dict())
    monkeypatch.setitem(CELLS, "gru", CELLS["gru"]._replace(torch_gates=()))
    with pytest.raises(ValueError, match="PyTorch has no cell='gru'; it has 'rnn', 'lstm'"):
        to_state_dict(gru)


def test_torch_is_never_imported():
    code = (
        "import sys\n"
        "import numpy as np\n"
        "from skrnn import XORMLPClassifier\n"
        "from skrnn.pytorch import from_state_dict, to_state_dict\n"
        "clf = from_state_dict(XORMLPClassifier(), {'0.weight': np.eye(2)})\n"
        "print(list(to_state_dict(clf)), 'torch' in sys.modules)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "['0.weight', '0.bias'] False\n"


def test_conditional_random_field():
    X = ragged()
    y = [np.resize(["B-x", "I-x", "O"], len(x)) for x in X]
    clf = StepRNNClassifier(4, loss=CRF("BIO"), max_iter=2, random_state=0).fit(X, y)
    state_dict, transitions = to_state_dict(clf), clf.weights_["transitions"]
    W = transitions["W"].copy()
    W[2, 1] = -1e4  # 'I-x' may not follow 'O'
    np.testing.assert_array_equal(state_dict["crf.transitions"], W)
    assert state_dict["crf.start_transitions"][1] == -1e4
    np.testing.assert_array_equal(state_dict["crf.end_transitions"], transitions["end"])
    np.testing.assert_array_equal(state_dict["output.weight"], clf.weights_["output"]["W"].T)
    with pytest.raises(ValueError, match="a conditional random field cannot be read from PyTorch"):
        from_state_dict(StepRNNClassifier(loss="crf"), state_dict)
