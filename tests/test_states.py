"""Hidden states, pooled features, input gradients, occlusion and streams."""

import copy
import pickle
from itertools import product

import numpy as np
import pandas as pd
import pytest
from numeric_helpers import (
    CELLS,
    N_FEATURES,
    POOLINGS,
    assert_close,
    one_by_one,
    steps_for,
)
from numpy.testing import assert_allclose, assert_array_equal
from recipes import LAST_STATE, PLAIN
from scipy.special import softmax
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import make_pipeline, make_union
from sklearn.preprocessing import StandardScaler

from skrnn import (
    PerStep,
    SequenceRNNClassifier,
    SequenceRNNRegressor,
    Sequences,
    StepRNNClassifier,
    StepRNNRegressor,
    as_sequences,
)
from skrnn.inspection import occlusion_importance

RNG = np.random.RandomState(3)
LENGTHS = [3, 1, 5, 2, 5, 1, 4, 2, 3]
X = [steps_for(RNG, length) for length in LENGTHS]
N = len(X)
POOLINGS = [name for name in POOLINGS if name]
OPTIONS = {"max_iter": 2, "batch_size": 32, "learning_rate": "cosine", "random_state": 0}
TARGETS = {
    "binary": np.arange(N) % 2,
    "multiclass": np.arange(N) % 3,
    "multilabel": RNG.randint(2, size=(N, 2)),
    "scalar": RNG.normal(size=N),
    "vector": RNG.normal(size=(N, 2)),
    "step binary": [(x[:, 0] > 0).astype(int) for x in X],
    "step multiclass": [np.digitize(x[:, 0], [-0.4, 0.4]) for x in X],
    "step multilabel": [(x[:, :2] > [0, 0.5]).astype(int) for x in X],
    "step scalar": [x[:, 0].cumsum() for x in X],
    "step vector": [x[:, :2].cumsum(axis=0) for x in X],
}


def make(kind, **params):
    numbers = "scalar" in kind or "vector" in kind
    classifier, regressor = (
        (StepRNNClassifier, StepRNNRegressor)
        if kind.startswith("step")
        else (SequenceRNNClassifier, SequenceRNNRegressor)
    )
    defaults = {"hidden_layer_sizes": 3, **OPTIONS}
    if not kind.startswith("step"):
        defaults |= LAST_STATE | (PLAIN if numbers else {})
    return (regressor if numbers else classifier)(**{**defaults, **params})


def fitted(kind, X=X, **params):
    return make(kind, **params).fit(X, TARGETS[kind])


def raw(estimator, X):
    """Raw predictions, with an axis of outputs."""
    predicted = getattr(estimator, "decision_function", estimator.predict)(X)
    if predicted.dtype == object:
        return [of_sequence.reshape(len(of_sequence), -1) for of_sequence in predicted]
    return predicted.reshape(len(predicted), -1)


# Hidden states


def states_by_hand(estimator, x):
    """Run the layers by textbook formulas, one step at a time."""
    p, n_states = estimator.weights_, CELLS[estimator.cell].n_states
    layer, cell = 0, estimator.cell
    while f"recurrent_{layer}" in p:
        directions = []
        for name, sign in (("", 1), ("_reverse", -1)):
            if (of_layer := p.get(f"recurrent_{layer}{name}")) is not None:
                start = [np.zeros(of_layer["U"].shape[1])] * n_states
                states = one_by_one(cell, of_layer, [x[::sign]], [start])
                directions.append(states[::sign])
        x, layer, cell = np.hstack(directions), layer + 1, CELLS[cell].above or cell
    return x


@pytest.mark.parametrize("kind", ["multiclass", "vector", "step binary", "step scalar"])
@pytest.mark.parametrize(("cell", "bidirectional"), list(product(CELLS, [False, True])))
def test_hidden_states(kind, cell, bidirectional):
    estimator = fitted(kind, hidden_layer_sizes=(4, 3), cell=cell, bidirectional=bidirectional)
    states = estimator.hidden_states(X)
    assert (states.shape, states.dtype) == ((N,), object)
    for x, of_sequence in zip(X, states, strict=True):
        assert of_sequence.shape == (len(x), 6 if bidirectional else 3)
        assert_close(of_sequence, states_by_hand(estimator, x))
    assert estimator.hidden_states([x[:1] for x in X]).shape == (N,)
    padded = estimator.hidden_states(as_sequences(X).to_padded())
    assert_array_equal(np.concatenate(list(padded)), np.concatenate(list(states)))


@pytest.mark.parametrize("pooling", POOLINGS)
def test_hidden_states_do_not_depend_on_the_pooling(pooling):
    clf, weights = fitted("binary", pooling=pooling), fitted("binary").weights_
    clf.weights_ = clf.weights_ | weights
    expected = fitted("binary").hidden_states(X)
    assert_array_equal(np.concatenate(list(clf.hidden_states(X))), np.concatenate(list(expected)))


TORCH_GATES = {
    "rnn": [0],
    "gru": [1, 0, 2],
    "lstm": [0, 2, 3, 1],
}  # positions of its gates in `weights_`


@pytest.mark.parametrize(("cell", "bidirectional"), list(product(TORCH_GATES, [False, True])))
def test_hidden_states_equal_those_of_torch(cell, bidirectional):
    torch = pytest.importorskip("torch")
    estimator = fitted("binary", hidden_layer_sizes=(3, 3), cell=cell, bidirectional=bidirectional)
    module = getattr(torch.nn, cell.upper())(
        N_FEATURES,
        3,
        num_layers=2,
        batch_first=True,
        bidirectional=bidirectional,
        dtype=torch.float64,
    )
    order = TORCH_GATES[cell]
    for layer, p in estimator.weights_.items():
        if layer != "output":
            suffix = "_l" + layer.removeprefix("recurrent_")
            of_state = np.zeros_like(p["b"])
            if cell == "gru":
                of_state[2] = p["b_rec"]
            for name, array in [
                ("weight_ih", p["W"][order].transpose(0, 2, 1).reshape(len(order) * 3, -1)),
                ("weight_hh", p["U"][order].transpose(0, 2, 1).reshape(len(order) * 3, -1)),
                ("bias_ih", p["b"][order].ravel()),
                ("bias_hh", of_state[order].ravel()),
            ]:
                with torch.no_grad():
                    getattr(module, name + suffix).copy_(torch.from_numpy(array.copy()))
    for x, states in zip(X, estimator.hidden_states(X), strict=True):
        with torch.no_grad():
            expected = module(torch.from_numpy(x[None]))[0][0].numpy()
        assert_close(states, expected)


# Pooled states as features


@pytest.mark.parametrize("kind", ["multiclass", "vector"])
@pytest.mark.parametrize(
    ("cell", "pooling", "bidirectional"), list(product(CELLS, POOLINGS, [False, True]))
)
def test_transform_pools_hidden_states(kind, cell, pooling, bidirectional):
    estimator = fitted(kind, cell=cell, pooling=pooling, bidirectional=bidirectional)
    expected = []
    for h in estimator.hidden_states(X):
        # The backward direction ends at the first step.
        last = np.r_[h[-1, :3], h[0, 3:]]
        pooled = {"last": last, "mean": h.mean(axis=0), "max": h.max(axis=0)}
        if "attention" in pooling:
            pooled["attention"] = softmax(h @ estimator.weights_["attention"]["W"][:, 0]) @ h
        names = [pooling] if isinstance(pooling, str) else pooling
        expected.append(np.concatenate([pooled[name] for name in names]))
    features = estimator.transform(X)
    assert_close(features, np.array(expected))
    output = estimator.weights_["output"]
    assert_close(raw(estimator, X), features @ output["W"] + output["b"])


@pytest.mark.parametrize(("bidirectional", "width"), [(False, 3), (True, 6)])
def test_names_of_features(bidirectional, width):
    reg = fitted("scalar", hidden_layer_sizes=(5, 3), bidirectional=bidirectional)
    names = [f"sequencernnregressor{i}" for i in range(width)]
    assert reg.get_feature_names_out().tolist() == names
    frame = clone(reg).set_output(transform="pandas").fit(X, TARGETS["scalar"]).transform(X)
    assert isinstance(frame, pd.DataFrame)
    assert frame.columns.tolist() == names
    assert_array_equal(frame.to_numpy(), reg.transform(X))


def test_features_keep_the_index_of_tables():
    table = pd.DataFrame(RNG.normal(size=(N, 4)), index=list("abcdefghi")).add_prefix("c")
    clf = make("binary").set_output(transform="pandas").fit(table, TARGETS["binary"])
    assert clf.transform(table).index.tolist() == list("abcdefghi")


@pytest.mark.parametrize("kind", ["binary", "scalar"])
def test_features_in_pipelines_and_unions(kind):
    y, scale = TARGETS["binary"], PerStep(StandardScaler())
    features = make(kind).fit(PerStep(StandardScaler()).fit_transform(X), y)
    scaled = scale.fit_transform(X)
    pipeline = make_pipeline(scale, make(kind), LogisticRegression()).fit(X, y)
    expected = LogisticRegression().fit(features.transform(scaled), y)
    assert_close(pipeline.predict_proba(X), expected.predict_proba(features.transform(scaled)))
    assert np.isfinite(cross_val_score(pipeline, X, y, cv=2)).all()
    both = make_union(make(kind), make(kind, cell="lstm", bidirectional=True)).fit(X, y)
    assert both.transform(X).shape == (N, 9)
    assert len(set(both.get_feature_names_out())) == 9
    assert_array_equal(make(kind).fit_transform(X, y), make(kind).fit(X, y).transform(X))


def test_features_of_single_precision():
    X32 = [np.float32(x) for x in X]
    clf = fitted("binary", X32)
    assert clf.transform(X32).dtype == np.float32
    assert clf.hidden_states(X32)[0].dtype == np.float32
    assert clf.input_gradients(X32)[0].dtype == np.float32


def test_step_estimators_have_no_transform():
    assert not hasattr(make("step binary"), "transform")
    for method in ("transform", "hidden_states", "input_gradients"):
        with pytest.raises(NotFittedError, match="instance is not fitted yet"):
            getattr(make("binary"), method)(X)


# Input gradients


def derivative(f, x, columns, step=1e-3):
    """Central differences of fourth order; f maps a list of arrays to a number for each."""
    of_columns = np.ravel_multi_index(np.ix_(range(len(x)), columns), x.shape).ravel()
    shifts = np.zeros((x.size, *x.shape))
    shifts.reshape(x.size, -1)[np.diag_indices(x.size)] = step
    shifts = shifts[of_columns]
    far, near = ([*(x + k * shifts), *(x - k * shifts)] for k in (2, 1))
    values = np.asarray(f(far + near)).reshape(2, 2, len(shifts))
    far, near = values[:, 0] - values[:, 1]
    return ((8 * near - far) / (12 * step)).reshape(len(x), -1)


def output_of(estimator, x, target):
    """Make a function that computes the output at `target` for sequences like x."""
    of_x = np.atleast_2d(raw(estimator, [x])[0])
    columns = of_x.argmax(axis=1) if target is None else np.full(len(of_x), target)

    def f(sequences):
        predictions = [np.atleast_2d(predicted) for predicted in raw(estimator, sequences)]
        return [predicted[np.arange(len(columns)), columns].sum() for predicted in predictions]

    return f


NETWORKS = list(product(CELLS, POOLINGS, [False, True]))


def check_gradients(estimator, target=None):
    gradients = estimator.input_gradients(X, target=target)
    assert (gradients.shape, gradients.dtype) == ((N,), object)
    columns = range(N_FEATURES)
    if CELLS[estimator.cell].decays:  # indicators are 0 or 1, without differences
        columns = [0, 2]
    for x, gradient in zip(X, gradients, strict=True):
        expected = derivative(output_of(estimator, x, target), x, columns)
        assert_close(gradient[:, columns], expected, 1e-9)
        assert np.abs(gradient).max() > 1e-6


@pytest.mark.parametrize(("cell", "pooling", "bidirectional"), NETWORKS)
def test_input_gradients(cell, pooling, bidirectional):
    params = {"cell": cell, "pooling": pooling, "bidirectional": bidirectional}
    clf = fitted("multiclass", hidden_layer_sizes=(4, 3), **params)
    check_gradients(clf)
    check_gradients(clf, target=1)


@pytest.mark.parametrize("bidirectional", [False, True])
@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("kind", [kind for kind in TARGETS if kind != "multiclass"])
def test_input_gradients_of_other_targets(kind, cell, bidirectional):
    estimator = fitted(kind, cell=cell, bidirectional=bidirectional)
    for target in (None, *range(estimator.n_outputs_)):
        check_gradients(estimator, target)


@pytest.mark.parametrize("kind", ["binary", "step scalar"])
def test_input_gradients_ignore_bptt_steps(kind):
    check_gradients(fitted(kind, bptt_steps=2))


def test_input_gradients_ignore_dropout():
    clf, dropped = fitted("binary"), fitted("binary", dropout=0.5)
    dropped.weights_ = clf.weights_
    for actual, expected in zip(dropped.input_gradients(X), clf.input_gradients(X), strict=True):
        assert_array_equal(actual, expected)


@pytest.mark.parametrize(
    ("kind", "target", "n_outputs"),
    [
        ("multiclass", 3, 3),
        ("multiclass", -1, 3),
        ("binary", 1, 1),
        ("step vector", 2, 2),
        ("multiclass", "a", 3),
        ("multiclass", 0.5, 3),
    ],
)
def test_input_gradients_of_a_missing_output_are_refused(kind, target, n_outputs):
    message = f"target={target!r} is not an output from 0 to {n_outputs - 1}"
    with pytest.raises(ValueError, match=message):
        fitted(kind).input_gradients(X, target=target)


def test_input_gradients_leave_the_estimator_unchanged():
    clf = fitted("multiclass")
    before = copy.deepcopy(vars(clf))
    clf.input_gradients(X, target=0)
    np.testing.assert_equal(vars(clf), before)


# Occlusion


def occlusion_by_hand(estimator, x, window, baseline):
    """Hide one window after the other."""
    losses, width = [[] for _ in x], min(window, len(x))
    for start in range(len(x) - width + 1):
        hidden = x.copy()
        hidden[start : start + width] = baseline
        if hasattr(estimator, "predict_proba"):
            before, after = estimator.predict_proba([x])[0], estimator.predict_proba([hidden])[0]
            lost = before.max() - after[before.argmax()]
        else:
            lost = np.abs(estimator.predict([x]) - estimator.predict([hidden])).sum()
        for step in range(start, start + width):
            losses[step].append(lost)
    return np.array([np.mean(lost) for lost in losses])


@pytest.mark.parametrize("kind", ["binary", "multiclass", "scalar", "vector"])
@pytest.mark.parametrize("window", [1, 2, 4, np.int64(9)])
@pytest.mark.parametrize("scaled", [False, True])
@pytest.mark.parametrize("baseline", [None, 0, 0.5, [1.0, -1.0, 0.5]])
def test_occlusion(kind, window, scaled, baseline):
    estimator = make(kind)
    if scaled:
        estimator = make_pipeline(PerStep(StandardScaler()), estimator)
    estimator.fit(X, TARGETS[kind])
    importance = occlusion_importance(estimator, X, window=window, baseline=baseline)
    assert (importance.shape, importance.dtype) == ((N,), object)
    values = np.concatenate(X).mean(axis=0) if baseline is None else baseline
    for x, of_sequence in zip(X, importance, strict=True):
        assert_close(of_sequence, occlusion_by_hand(estimator, x, window, values))


class LastStepMatters:
    """A regressor whose predictions depend on the last step only."""

    def predict(self, X):
        return np.array([10 * x[-1, 0] for x in X])


def test_occlusion_by_hand():
    importance = occlusion_importance(LastStepMatters(), [[1, 2, 3], [4]], baseline=1)
    assert_allclose(importance[0], [0, 0, 20])
    assert_allclose(importance[1], [30])
    wide = occlusion_importance(LastStepMatters(), [[1, 2, 3], [4]], window=2, baseline=1)
    assert_allclose(wide[0], [0, 10, 20])
    mean = occlusion_importance(LastStepMatters(), [[1, 2, 3], [4]])
    assert_allclose(mean[0], [0, 0, 5])


@pytest.mark.parametrize("form", [tuple, lambda X: as_sequences(X).to_padded()])
def test_occlusion_accepts_every_form_of_X(form):
    clf = fitted("multiclass")
    expected = occlusion_importance(clf, X)
    for actual, desired in zip(occlusion_importance(clf, form(X)), expected, strict=True):
        assert_array_equal(actual, desired)


@pytest.mark.parametrize(
    ("args", "message"),
    [
        *[({"window": window}, "window must be an integer >= 1") for window in (0, -1, 1.5, "2")],
        ({"X": []}, "X is empty: at least one sequence is required"),
        ({"X": [[1.0, np.nan, 2.0]]}, "X contains NaN at step 1 of sequence 0"),
        (
            {"baseline": [1.0, 2.0]},
            "baseline must be a finite number, or one for each of the 3",
        ),
    ],
)
def test_occlusion_refuses(args, message):
    with pytest.raises(ValueError, match=message):
        occlusion_importance(fitted("binary"), **{"X": X, **args})


# Streams


def last_predictions(estimator, sequences):
    """Compute what `step` should return after the last step of each sequence."""
    predicted = getattr(estimator, "predict_proba", estimator.predict)(sequences)
    return np.array([p[-1] for p in predicted]) if predicted.dtype == object else predicted


def check_stream(estimator, n_streams, dtype=float, tol=1e-12):
    streams = steps_for(np.random.RandomState(1), n_streams * 6).astype(dtype)
    streams = streams.reshape(n_streams, 6, N_FEATURES)
    state = estimator.initial_state(n_streams)
    for t in range(6):
        predicted, state = estimator.step(streams[:, t], state)
        expected = last_predictions(estimator, streams[:, : t + 1])
        assert predicted.dtype == expected.dtype == dtype
        assert_close(predicted, expected, tol)
    assert state.n_steps == 6


@pytest.mark.parametrize("n_streams", [1, 3])
@pytest.mark.parametrize(
    ("cell", "pooling", "layers"), list(product(CELLS, POOLINGS, [(3,), (4, 3)])), ids=str
)
def test_stream_of_a_classifier(cell, pooling, layers, n_streams):
    params = {"cell": cell, "pooling": pooling, "hidden_layer_sizes": layers}
    check_stream(fitted("multiclass", **params), n_streams)


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("n_streams", [1, 3])
@pytest.mark.parametrize("kind", TARGETS)
def test_stream_of_all_targets(kind, cell, n_streams):
    pooling = {} if kind.startswith("step") else {"pooling": "mean"}
    check_stream(fitted(kind, cell=cell, **pooling), n_streams)
    check_stream(fitted(kind, cell=cell, bptt_steps=2), n_streams)


@pytest.mark.parametrize("kind", ["binary", "step vector"])
def test_stream_of_single_precision(kind):
    X32 = [np.float32(x) for x in X]
    check_stream(fitted(kind, X32), 2, np.float32, 1e-6)


def test_a_single_stream_needs_no_axis():
    clf = fitted("binary")
    predicted = [
        clf.step(x_t, clf.initial_state())[0]
        for x_t in ([1, 2, 3], [[1, 2, 3]], np.array([1, 2, 3]))
    ]
    assert_array_equal(predicted[0], predicted[1], strict=True)
    assert_array_equal(predicted[0], predicted[2], strict=True)


@pytest.mark.parametrize(("cell", "pooling"), list(product(CELLS, POOLINGS)))
def test_states_are_never_changed(cell, pooling):
    clf = fitted("multiclass", cell=cell, pooling=pooling, hidden_layer_sizes=(3, 2))
    _, saved = clf.step(X[0][0], clf.initial_state())
    before = copy.deepcopy(saved)
    for future in (X[2], X[4]):
        state = saved
        for t, x_t in enumerate(future):
            predicted, state = clf.step(x_t, state)
            prefix = np.vstack([X[0][:1], future[: t + 1]])
            assert_close(predicted, clf.predict_proba([prefix]))
    np.testing.assert_equal(saved, before)
    x_t = X[2][:1].copy()
    predicted, state = clf.step(x_t, saved)
    copies = predicted.copy(), copy.deepcopy(state)
    clf.step(x_t, state)
    x_t[:] = 99
    assert_array_equal(predicted, copies[0])
    np.testing.assert_equal(state, copies[1])


def test_states_can_be_pickled():
    reg = fitted("step vector", cell="lstm", hidden_layer_sizes=(3, 2))
    _, state = reg.step(X[0][:2], reg.initial_state(2))
    loaded_reg, loaded = pickle.loads(pickle.dumps((reg, state)))
    assert type(loaded) is type(state)
    expected, actual = reg.step(X[2][:2], state)[0], loaded_reg.step(X[2][:2], loaded)[0]
    assert_array_equal(actual, expected)


def test_bidirectional_networks_have_no_streams():
    for kind in ("binary", "step scalar"):
        with pytest.raises(
            ValueError, match=r"bidirectional=False in fit. .* fitted without, and reads backwards"
        ):
            fitted(kind, bidirectional=True).set_params(bidirectional=False).initial_state()


@pytest.mark.parametrize(
    ("n_streams", "x_t", "message"),
    [
        (1, [1.0], r"x_t has shape \(1, 1\), but .* \(1, 3\)"),
        (1, [1.0, 2.0, 3.0, 4.0], r"x_t has shape \(1, 4\), but"),
        (1, 1.0, r"x_t has shape \(\), but"),
        (2, [1.0, 2.0], r"x_t has shape \(2,\), but .* = \(2, 3\)"),
        (2, np.ones((3, 3)), r"x_t has shape \(3, 3\), but"),
        (2, np.ones((2, 3, 1)), r"x_t has shape \(2, 3, 1\), but"),
        (2, [[1, 2, 3], [np.nan, 1, 2]], "x_t contains NaN or infinity in stream 1"),
        (1, [np.inf, 1, 2], "x_t contains NaN or infinity in stream 0"),
        (
            1,
            ["a", "b", "c"],
            "x_t must hold a real number for each feature of each stream: could not convert",
        ),
    ],
)
def test_bad_steps_are_refused(n_streams, x_t, message):
    clf = fitted("binary")
    with pytest.raises(ValueError, match=message):
        clf.step(x_t, clf.initial_state(n_streams))


@pytest.mark.parametrize(
    "other", [{"cell": "lstm"}, {"hidden_layer_sizes": (3, 3)}, {"hidden_layer_sizes": 4}]
)
def test_states_of_another_network_are_refused(other):
    with pytest.raises(ValueError, match=r"The state does not fit this network: .* have shapes"):
        fitted("binary").step(X[0][0], fitted("binary", **other).initial_state())


LAST, TWO, ATTENTION = ({"pooling": name} for name in ("last", ("last", "mean"), "attention"))


@pytest.mark.parametrize(
    ("own", "other", "n_steps"),
    [(LAST, TWO, 0), (LAST, TWO, 2), (TWO, LAST, 0), (TWO, LAST, 2), (LAST, ATTENTION, 2)],
)
def test_states_of_other_poolings_are_refused(own, other, n_steps):
    clf = fitted("binary", **other)
    state = clf.initial_state()
    for x_t in X[0][:n_steps]:
        _, state = clf.step(x_t, state)
    with pytest.raises(ValueError, match="does not fit this network: its poolings have shapes"):
        fitted("binary", **own).step(X[0][0], state)


@pytest.mark.parametrize("kind", ["binary", "step multiclass"])
def test_states_with_or_without_static_features_are_refused(kind):
    static = RNG.normal(size=(N, 2))
    with_static = make(kind).fit(Sequences(np.vstack(X), LENGTHS, static=static), TARGETS[kind])
    without = fitted(kind)
    state = with_static.initial_state(static=static[:1])
    message = r"its static features have shapes {}, but {} are needed"
    with pytest.raises(ValueError, match=message.format(r"\[\(1, 2\)\]", r"\[None\]")):
        without.step(X[0][0], state)
    with pytest.raises(ValueError, match=message.format(r"\[None\]", r"\[\(1, 2\)\]")):
        with_static.step(X[0][0], without.initial_state())
    with pytest.raises(ValueError, match=message.format(r"\[\(1, 3\)\]", r"\[\(1, 2\)\]")):
        with_static.step(X[0][0], state._replace(static=np.ones((1, 3))))


def test_states_with_or_without_probabilities_of_labels_are_refused():
    kind = "step multiclass"
    crf, plain = fitted(kind, loss="crf"), fitted(kind)
    states = [clf.step(X[0][0], clf.initial_state())[1] for clf in (crf, plain)]
    for clf, state in zip((plain, crf), states, strict=True):
        with pytest.raises(ValueError, match="does not fit this network: its labels have shapes"):
            clf.step(X[0][1], state)


@pytest.mark.parametrize("dtype", [int, "f4", "f2", bool, object, complex])
@pytest.mark.parametrize("part", ["layers", "pooled"])
def test_states_of_another_type_are_refused(dtype, part):
    """NumPy would round the next step to the type of the state, as integers for instance."""
    clf = fitted("binary", pooling="mean")
    _, state = clf.step(X[0][0], clf.initial_state())
    converted = {
        "layers": tuple(tuple(array.astype(dtype) for array in one) for one in state.layers),
        "pooled": tuple(array.astype(dtype) for array in state.pooled),
    }
    message = f"The state holds values of type {np.dtype(dtype)}, but this network computes with"
    with pytest.raises(ValueError, match=f"{message} float64"):
        clf.step(X[0][0], state._replace(**{part: converted[part]}))


def test_a_state_of_lists_or_of_nothing_is_refused():
    clf = fitted("binary")
    state = clf.initial_state()
    lists = tuple(tuple(array.tolist() for array in one) for one in state.layers)
    with pytest.raises(ValueError, match="The state holds values of type list, but this network"):
        clf.step(X[0][0], state._replace(layers=lists))
    with pytest.raises(ValueError, match=r"does not fit this network: its layers have shapes \[\]"):
        clf.step(X[0][0], state._replace(layers=()))


@pytest.mark.parametrize("n_steps", [-1, 1.5, "1", None])
def test_a_state_that_counts_no_steps_is_refused(n_steps):
    clf = fitted("binary")
    message = f"n_steps of the state must be an integer of at least 0, got {n_steps!r}"
    with pytest.raises(ValueError, match=message):
        clf.step(X[0][0], clf.initial_state()._replace(n_steps=n_steps))


@pytest.mark.parametrize("n_streams", [0, -1, 1.5])
def test_bad_number_of_streams_is_refused(n_streams):
    with pytest.raises(ValueError, match=f"n_streams must be an integer >= 1, got {n_streams}"):
        fitted("binary").initial_state(n_streams)
