"""Conditional random fields, and networks without recurrent layers."""

import pickle
from itertools import pairwise, product

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.sparse import csr_array
from scipy.special import softmax
from sklearn.base import clone
from sklearn.feature_extraction import DictVectorizer
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline

from skrnn import (
    CRF,
    LBFGS,
    EnsembleClassifier,
    PerStep,
    SequenceRNNClassifier,
    SequenceRNNRegressor,
    Sequences,
    StepRNNClassifier,
    StepRNNRegressor,
)
from skrnn._training.constraints import allowed_transitions, seen_transitions

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

RNG = np.random.RandomState(0)
LENGTHS = RNG.randint(0, 7, 24)
X = [RNG.normal(size=(n, 3)) for n in LENGTHS]
TAGS = ["B-x", "B-y", "I-x", "I-y", "O"]


def tags(steps):
    """Spans of two kinds, which begin where the first feature is large."""
    labels, kind = [], None
    for step in steps:
        if step[0] > 0.8:
            kind = "x" if step[1] > 0 else "y"
            labels.append(f"B-{kind}")
        elif kind and step[0] > -0.5:
            labels.append(f"I-{kind}")
        else:
            kind = None
            labels.append("O")
    return np.array(labels, dtype="<U3")


Y = [tags(x) for x in X]
TWO = [np.array(["no", "yes"])[(np.cumsum(x[:, 0]) > 0).astype(int)] for x in X]


def make(**params):
    quick = {"hidden_layer_sizes": 4, "loss": "crf", "max_iter": 4, "random_state": 0}
    return StepRNNClassifier(**quick | params)


def rows(arrays):
    return np.concatenate(list(arrays))


def score_of(path, emissions, transitions):
    index = [TAGS.index(label) for label in path]
    score = transitions["start"][index[0]] + transitions["end"][index[-1]]
    score += emissions[np.arange(len(index)), index].sum()
    return score + transitions["W"][index[:-1], index[1:]].sum()


# Fit and predict -------------------------------------------------------------------------------

NETWORKS = {
    "adam": {},
    "sgd": {"solver": "sgd"},
    "lbfgs": {"solver": "lbfgs"},
    "batches": {"batch_size": 5},
    "single sequences": {"batch_size": 1},
    "linear": {"hidden_layer_sizes": ()},
    "linear lbfgs": {"hidden_layer_sizes": (), "solver": "lbfgs"},
    "linear embedding": {"hidden_layer_sizes": (), "embedding_size": 2},
    "embedding": {"embedding_size": 2},
    "bidirectional": {"bidirectional": True},
    "dropout": {"dropout": 0.3},
    "early stopping": {"early_stopping": True},
    "starts": {"n_init": 2},
    "seen": {"loss": CRF("seen")},
    "BIO": {"loss": CRF("BIO")},
}


@pytest.mark.parametrize("params", NETWORKS.values(), ids=NETWORKS)
def test_fit_and_predict(params):
    clf = make(**params).fit(X, Y)
    predicted, probabilities = clf.predict(X), clf.predict_proba(X)
    assert [len(labels) for labels in predicted] == LENGTHS.tolist()
    assert clf.classes_.tolist() == TAGS
    assert (clf.n_outputs_, clf.out_activation_) == (5, "crf")
    assert_allclose(rows(probabilities).sum(axis=1), 1)
    assert_allclose(clf.score(X, Y), np.mean(rows(predicted) == rows(Y)))
    paths, of_paths = clf.predict_paths(X, 3)
    for labels, of_one, p in zip(predicted, paths, of_paths, strict=True):
        assert_array_equal(of_one[0], labels)
        assert of_one.shape == (len(p), len(labels))
        assert (np.diff(p) <= 0).all()
    assert {name: p.shape for name, p in clf.weights_["transitions"].items()} == {
        "W": (5, 5),
        "start": (5,),
        "end": (5,),
    }
    assert clf.weights_["transitions"]["W"].any()


@pytest.mark.parametrize("search_size", [1, 2**22])  # several pieces, or one
@pytest.mark.parametrize("lengths", [[0], [0, 0], [1, 0], [0, 1], [0, 0, 3, 0, 2, 0, 0, 0]])
def test_there_are_paths_for_each_sequence_even_if_there_are_fewer_steps(
    lengths, search_size, monkeypatch
):
    monkeypatch.setattr("skrnn._paths._SEARCH_SIZE", search_size)
    clf, longest = make(max_iter=1).fit(X, Y), X[int(np.argmax(LENGTHS))]
    given = [longest[:n] for n in lengths]
    paths, probabilities = clf.predict_paths(given, 2)
    assert len(paths) == len(probabilities) == len(lengths)
    for x, of_one, p in zip(given, paths, probabilities, strict=True):
        assert of_one.shape == (2 if len(x) else 1, len(x))
        expected, of_expected = clf.predict_paths([x, longest], 2)
        assert_array_equal(of_one, expected[0])
        assert_allclose(p, of_expected[0])


def test_predictions_are_those_of_the_scores():
    clf = make(solver="lbfgs", max_iter=20).fit(X, Y)
    x = X[int(np.argmax(LENGTHS == 3))]
    (emissions,), transitions = clf.decision_function([x]), clf.weights_["transitions"]
    paths = list(product(TAGS, repeat=3))
    p = softmax([score_of(path, emissions, transitions) for path in paths])
    best = np.argsort(-p)[:4]
    found, probabilities = clf.predict_paths([x], 4)
    assert_array_equal(found[0], [paths[i] for i in best])
    assert_allclose(probabilities[0], p[best])
    marginals = [
        [sum(q for path, q in zip(paths, p, strict=True) if path[t] == tag) for tag in TAGS]
        for t in range(3)
    ]
    assert_allclose(clf.predict_proba([x])[0], marginals, atol=1e-12)
    assert_allclose(clf.predict_log_proba([x])[0], np.log(marginals))


def test_loss_is_that_of_the_mean_step():
    clf = make(hidden_layer_sizes=(), solver="lbfgs", max_iter=30, alpha=0.0).fit(X, Y)
    transitions, log_p = clf.weights_["transitions"], 0.0
    for x, y in zip(X, Y, strict=True):
        if len(x):
            (emissions,), ((best, *_),), ((p, *_),) = (
                clf.decision_function([x]),
                *clf.predict_paths([x], 1),
            )
            log_z = score_of(best, emissions, transitions) - np.log(p)
            log_p += score_of(y, emissions, transitions) - log_z
    assert_allclose(clf.loss_, -log_p / LENGTHS.sum(), rtol=1e-6)


def test_order_of_labels_is_learned():
    """Two classes whose steps look alike, but which alternate."""
    X = [np.ones((n, 1)) for n in (3, 6, 5, 8)]
    y = [np.resize(["a", "b"], len(x)) for x in X]
    clf = make(hidden_layer_sizes=(), solver="lbfgs", max_iter=50).fit(X, y)
    assert clf.score(X, y) == 1
    assert clf.predict([np.ones((9, 1))])[0].tolist() == list("ababababa")


def test_two_classes_have_two_outputs():
    clf = make(solver="lbfgs").fit(X, TWO)
    assert clf.n_outputs_ == 2
    assert clf.predict_proba(X)[1].shape[1] == 2
    emissions = clf.decision_function(X)
    assert [e.shape for e in emissions] == [(n,) for n in LENGTHS]  # as of all classifiers


def test_float32():
    clf = make().fit([x.astype(np.float32) for x in X], Y)
    assert clf.predict_proba([X[1].astype(np.float32)])[0].dtype == np.float32
    assert all(p.dtype == np.float32 for p in clf.weights_["transitions"].values())


def test_static_features():
    static = RNG.normal(size=(24, 2))
    sequences = Sequences(rows(X), LENGTHS, static=static)
    for hidden in (4, ()):
        clf = make(hidden_layer_sizes=hidden).fit(sequences, Y)
        state = clf.initial_state(static=static[3:4])
        for t in range(LENGTHS[3]):
            _, state = clf.step(X[3][t], state)
        other = Sequences(rows(X), LENGTHS, static=static + 1)
        assert not np.allclose(rows(clf.predict_proba(other)), rows(clf.predict_proba(sequences)))


# Weights ---------------------------------------------------------------------------------------


def test_weights_of_sequences_count_them():
    weight = RNG.randint(1, 3, 24)
    params = {"solver": LBFGS(), "tol": 1e-9, "max_iter": 300, "alpha": 1.0}
    weighted = make(hidden_layer_sizes=(), **params).fit(X, Y, sample_weight=weight)
    repeated = [i for i, w in enumerate(weight) for _ in range(w)]
    again = make(hidden_layer_sizes=(), **params)
    again.fit([X[i] for i in repeated], [Y[i] for i in repeated])
    assert_allclose(weighted.weights_["output"]["W"], again.weights_["output"]["W"], atol=1e-4)


def test_unlabelled_steps_do_not_count():
    weight = [np.ones(n) for n in LENGTHS]
    other = [y.copy() for y in Y]
    for w, y in zip(weight[:6], other, strict=False):
        w[1::3], y[1::3] = 0, "O"
    clf = make(solver="lbfgs").fit(X, Y, sample_weight=weight)
    same = make(solver="lbfgs").fit(X, other, sample_weight=weight)
    assert_array_equal(rows(clf.predict_proba(X)), rows(same.predict_proba(X)))
    missing = [y.astype(object) for y in Y]
    for y in missing[:6]:
        y[1::3] = None
    same = make(solver="lbfgs").fit(X, missing, sample_weight=weight)
    assert_array_equal(rows(clf.predict_proba(X)), rows(same.predict_proba(X)))


# Constraints -----------------------------------------------------------------------------------


def test_scheme_bio():
    table = allowed_transitions("BIO", np.array(TAGS))
    forbidden = {(TAGS[i], TAGS[j]) for i, j in np.argwhere(~table[:-1, :-1])}
    spans = {("B-x", "I-x"), ("I-x", "I-x"), ("B-y", "I-y"), ("I-y", "I-y")}
    assert forbidden == {(a, b) for a in TAGS for b in ("I-x", "I-y")} - spans
    assert table[-1].tolist() == [True, True, False, False, True, True]
    assert table[:, -1].all()


@pytest.mark.parametrize(("scheme", "end", "single"), [("BIOES", "E", "S"), ("BILOU", "L", "U")])
def test_schemes_with_an_end(scheme, end, single):
    classes = [f"{prefix}-x" for prefix in ("B", "I", end, single)] + ["O"]
    table = allowed_transitions(scheme, np.array(classes))
    inside, outside = [0, 1, 1, 0, 0], [1, 0, 0, 1, 1]  # what may follow
    assert_array_equal(
        table[:-1, :-1],
        [inside, inside, outside, outside, outside],
    )
    assert_array_equal(table[-1, :-1], outside)
    assert_array_equal(table[:-1, -1], [0, 0, 1, 1, 1])


def test_seen_transitions_leave_out_unlabelled_steps():
    labels, lengths = np.array([0, 1, 1, 2, 0, 2]), np.array([2, 0, 4])
    seen = seen_transitions(labels, lengths, np.array([1, 1, 1, 0, 1, 1]), 3)
    expected = np.zeros((4, 4), bool)
    for i, j in [(0, 1), (0, 2), (3, 0), (3, 1), (1, 3), (2, 3)]:
        expected[i, j] = True
    assert_array_equal(seen, expected)


@pytest.mark.parametrize("constraints", ["BIO", "seen"])
def test_forbidden_transitions_have_probability_0(constraints):
    clf = make(loss=CRF(constraints)).fit(X, Y)
    p = clf.predict_proba(X)
    assert all((of_one[0, 2:4] == 0).all() for of_one in p if len(of_one))
    assert (rows(p) >= 0).all()
    steep = [100 * x for x in X]
    for labels in clf.predict(steep):
        for a, b in pairwise(["O", *labels]):
            assert b[0] != "I" or a[1:] == b[1:]
    assert_array_equal(clf.weights_["transitions"]["W"][4, 2:4], 0)  # never used
    log_p = clf.predict_log_proba(X)
    assert (log_p[1][0, 2:4] == -np.inf).all()


def test_table_and_dictionary():
    allowed = np.ones((5, 5), bool)
    allowed[4, 4] = False  # no two steps outside in a row
    y = [np.array(["B-x", "O", "B-y", "I-y", "B-x", "I-x", "O"])[: len(x)] for x in X]
    by_table = make(loss=CRF(allowed)).fit(X, y)
    by_dict = make(loss=CRF({"W": allowed.tolist(), "start": [1, 1, 1, 1, 0]})).fit(X, y)
    for clf in (by_table, by_dict):
        for labels in clf.predict([100 * x for x in X]):
            assert "O O" not in " ".join(labels)
    assert (np.array([p[0, 4] for p in by_dict.predict_proba(X) if len(p)]) == 0).all()


def test_saved_models_keep_the_constraints():
    clf = make(loss=CRF("BIO")).fit(X, Y)
    expected = rows(clf.predict_proba(X))
    assert_array_equal(rows(pickle.loads(pickle.dumps(clf)).predict_proba(X)), expected)
    clf.set_params(loss="log_loss")
    assert_array_equal(rows(clf.predict_proba(X)), expected)


ERRORS = {
    "after O": (
        ["O", "I-x"],
        {},
        r"y has 'I-x' after 'O' at step 1 of sequence 2, which the const",
    ),
    "first": (["I-y", "I-y"], {}, r"y has 'I-y' at the beginning at step 0 of sequence 2, which"),
    "unlabelled": (["O", "O", "I-x"], {"unlabelled": 1}, None),
    "end": (
        ["O", "B-x"],
        {"loss": CRF({"end": [0, 1, 1, 1, 1]})},
        "y ends with 'B-x' at step 1 of",
    ),
}


@pytest.mark.parametrize("case", ERRORS.values(), ids=ERRORS)
def test_forbidden_training_data_are_an_error(case):
    labels, options, message = case
    y = [["B-x", "I-x"], [], labels, ["B-y", "I-y"], ["O"]]
    x = [np.ones((len(labels), 1)) for labels in y]
    weight = [np.ones(len(labels)) for labels in y]
    if "unlabelled" in options:
        weight[2][options["unlabelled"]] = 0
    clf = make(loss=options.get("loss", CRF("BIO")))
    if message is None:
        clf.fit(x, y, sample_weight=weight)
        assert clf.classes_.tolist() == TAGS
        return
    with pytest.raises(ValueError, match=message):
        clf.fit(x, y)
    assert not hasattr(clf, "weights_")


def test_unlabelled_steps_that_lead_nowhere_are_an_error():
    y, weight = [["O", "O", "I-x"], ["B-x", "I-x"]], [[1, 0, 1], [1, 1]]
    x = [np.ones((3, 1)), np.ones((2, 1))]
    table = {"W": [[0, 1, 1], [1, 1, 1], [0, 0, 1]]}  # nothing but O after O
    with pytest.raises(ValueError, match="'I-x' after these labels at step 2 of sequence 0"):
        make(loss=CRF(table)).fit(x, y, sample_weight=weight)


def test_validation_data_with_a_forbidden_transition_are_an_error():
    with pytest.raises(
        ValueError, match=r"In the validation data .* 'I-x' at the beginning at step 0"
    ):
        make(loss=CRF("BIO")).fit(X, Y, X_val=X[1:3], y_val=[["I-x"] * len(x) for x in X[1:3]])


def test_no_allowed_path_is_an_error_in_predictions():
    table = np.zeros((5, 5), bool)
    y = [np.array(TAGS[:n]) for n in (2, 5, 3)]
    table[np.arange(4), np.arange(1, 5)] = True  # each label once, in their order
    clf = make(loss=CRF(table)).fit([np.ones((len(labels), 1)) for labels in y], y)
    too_long = [np.ones((2, 1)), np.ones((6, 1))]
    for method in (clf.predict, clf.predict_proba, clf.predict_paths):
        with pytest.raises(ValueError, match="no labels for all 6 steps of sequence 1"):
            method(too_long)
    state = clf.initial_state()
    for _ in range(5):
        _, state = clf.step([1.0], state)
    with pytest.raises(ValueError, match="no label at this step of stream 0"):
        clf.step([1.0], state)


BAD = {
    "scheme": (CRF("BIO"), TWO, r"constraints='BIO' does not fit the labels \['no', 'yes'\]"),
    "shape": (
        CRF(np.ones((3, 3), bool)),
        Y,
        r"constraints has shape \(3, 3\), but \(5, 5\) is req",
    ),
    "shape of start": (CRF({"start": [True]}), Y, r"constraints\['start'\] has shape \(1,\), but"),
    "numbers": (CRF(np.full((5, 5), 0.5)), Y, "constraints must hold booleans"),
    "nothing": (CRF({"end": [False] * 5}), Y, r"constraints\['end'\] allows nothing"),
    "key": (
        CRF({"begin": [True] * 5}),
        Y,
        "constraints has the key 'begin', but only 'W', 'start'",
    ),
    "name": (CRF("IOB1"), Y, "The 'constraints' parameter of CRF must be"),
}


@pytest.mark.parametrize(("loss", "y", "message"), BAD.values(), ids=BAD)
def test_bad_constraints(loss, y, message):
    with pytest.raises(ValueError, match=message):
        make(loss=loss).fit(X, y)


def test_what_a_random_field_does_not_support():
    with pytest.raises(
        ValueError, match="class_weight='balanced' has no meaning for a conditional"
    ):
        make(class_weight="balanced").fit(X, Y)
    with pytest.raises(ValueError, match=r"y is multilabel, of shape .* needs one label for each"):
        make().fit(X, [np.ones((n, 2), int) for n in LENGTHS])
    with pytest.raises(ValueError, match="constraints='seen' needs all labels at once"):
        make(loss=CRF("seen")).partial_fit(X, Y, classes=TAGS)
    with pytest.raises(AttributeError, match="predict_paths"):
        make(loss="log_loss").fit(X, Y).predict_paths(X)
    with pytest.raises(ValueError, match="n_paths must be an integer >= 1, got 0"):
        make().fit(X, Y).predict_paths(X, 0)
    with pytest.raises(ValueError, match="nor a conditional random field and other losses"):
        make(loss="log_loss", warm_start=True).fit(X, Y).set_params(loss="crf").fit(X, Y)
    for kind in (SequenceRNNClassifier, StepRNNRegressor):
        with pytest.raises(ValueError, match="The 'loss' parameter of"):
            kind(loss="crf").fit(X, Y)


# Training that continues, streams, and the other methods ----------------------------------------


def test_training_continues():
    clf = make(warm_start=True, solver="lbfgs").fit(X, Y)
    before = clf.loss_
    assert clf.fit(X, Y).loss_ < before
    part = make().partial_fit(X, Y, classes=TAGS)
    once = part.loss_
    for _ in range(20):
        part.partial_fit(X, Y)
    assert part.loss_ < once
    seen = make(loss=CRF("seen"), warm_start=True).fit(X, Y)
    with pytest.raises(ValueError, match="'I-x' at the beginning"):
        seen.fit(X, [np.full(n, "I-x") for n in LENGTHS])
    seen.set_params(warm_start=False).fit(X, [np.resize(["I-x", "O"], n) for n in LENGTHS])


def test_weights_as_a_dictionary():
    clf = make().fit(X, Y)
    same = make(init=clf.weights_, solver="sgd", learning_rate_init=1e-12, max_iter=1).fit(X, Y)
    assert_allclose(rows(same.predict_proba(X)), rows(clf.predict_proba(X)), atol=1e-6)


@pytest.mark.parametrize("hidden", [4, ()])
@pytest.mark.parametrize("constraints", [None, "BIO"])
def test_streams_give_the_probabilities_of_the_steps_so_far(hidden, constraints):
    clf = make(hidden_layer_sizes=hidden, loss=CRF(constraints)).fit(X, Y)
    clf.weights_["transitions"]["end"][:] = 0  # which streams do not use
    i, state = int(LENGTHS.argmax()), clf.initial_state()
    for t in range(LENGTHS[i]):
        p, state = clf.step(X[i][t], state)
        assert_allclose(p[0], clf.predict_proba([X[i][: t + 1]])[0][-1], atol=1e-12)
    with pytest.raises(ValueError, match="does not fit this network"):
        clf.step(X[i][0], state._replace(labels=None))


def test_input_gradients_are_those_of_the_emissions():
    clf = make().fit(X, Y)
    x, eps = X[int(LENGTHS.argmax())], 1e-6
    gradient = clf.input_gradients([x], target=2)[0]
    for t, j in [(0, 0), (2, 1)]:
        up, down = x.copy(), x.copy()
        up[t, j] += eps
        down[t, j] -= eps
        change = clf.decision_function([up])[0] - clf.decision_function([down])[0]
        assert_allclose(gradient[t, j], change[:, 2].sum() / (2 * eps), rtol=1e-5, atol=1e-8)


def test_search_ensemble_and_clone():
    search = GridSearchCV(make(loss=CRF(), max_iter=2), {"loss__constraints": [None, "BIO"]}, cv=2)
    search.fit(X, Y)
    assert repr(search.best_params_["loss__constraints"]) in ("None", "'BIO'")
    ensemble = EnsembleClassifier(clone(make(max_iter=2)), n_estimators=2, random_state=0).fit(X, Y)
    members = [rows(member.predict_proba(X)) for member in ensemble.estimators_]
    assert_allclose(rows(ensemble.predict_proba(X)), np.mean(members, axis=0))
    assert repr(CRF("BIO")) == "CRF(constraints='BIO')"


# Without recurrent layers ------------------------------------------------------------------------


def test_sparse_steps_stay_sparse():
    table = csr_array(np.where(rows(X) > 0, rows(X), 0))
    dense, sparse = Sequences(table.toarray(), LENGTHS), Sequences(table, LENGTHS)
    for loss, y in (("crf", Y), ("log_loss", TWO)):
        clf = make(hidden_layer_sizes=(), loss=loss).fit(sparse, y)
        same = make(hidden_layer_sizes=(), loss=loss).fit(dense, y)
        assert_allclose(rows(clf.predict_proba(sparse)), rows(same.predict_proba(dense)))
        state = clf.initial_state()
        p, _ = clf.step(table[[0]], state)
        assert_allclose(p, clf.step(table[[0]].toarray(), state)[0])


def test_wide_sparse_steps_need_little_memory():
    import tracemalloc

    table = csr_array((np.ones(2000), np.arange(2000), np.arange(2001)), shape=(2000, 50_000))
    sequences = Sequences(table, [20] * 100)
    y = [np.resize(["a", "b"], 20)] * 100
    tracemalloc.start()
    make(hidden_layer_sizes=(), max_iter=1).fit(sequences, y)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 50e6  # the dense table has 800e6 bytes


def test_pooled_sparse_steps_are_refused():
    sparse = Sequences(csr_array(rows(X)), LENGTHS)
    y = LENGTHS > 3
    with pytest.raises(ValueError, match=r"hidden_layer_sizes=\(\) pools the steps themselves"):
        SequenceRNNClassifier((), max_iter=1).fit(sparse, y)
    SequenceRNNClassifier((), max_iter=1, embedding_size=2).fit(sparse, y)


@pytest.mark.parametrize("kind", [SequenceRNNClassifier, SequenceRNNRegressor])
@pytest.mark.parametrize("embedding_size", [None, 2])
@pytest.mark.parametrize("pooling", ["last", "mean", "max", "attention", ("mean", "last")])
def test_linear_models_of_pooled_steps(kind, embedding_size, pooling):
    params = {"hidden_layer_sizes": (), "max_iter": 2, "random_state": 0}
    model = kind(pooling=pooling, embedding_size=embedding_size, **params)
    model.fit(X, LENGTHS > 3 if kind is SequenceRNNClassifier else LENGTHS * 0.1)
    i, state = int(LENGTHS.argmax()), model.initial_state()
    for step in X[i]:
        streamed, state = model.step(step, state)
    predict = getattr(model, "predict_proba", model.predict)
    assert_allclose(streamed, predict([X[i]]), atol=1e-12)
    n_columns = (embedding_size or 3) * (1 if isinstance(pooling, str) else 2)
    assert model.transform(X).shape == (24, n_columns)
    if pooling == "last" and embedding_size is None:
        expected = [x[-1] if len(x) else np.zeros(3) for x in X]
        assert_allclose(model.transform(X), expected)
    with pytest.raises(ValueError, match="no hidden states, since hidden_layer_sizes is empty"):
        model.hidden_states(X)


def test_linear_regression_of_steps():
    y = [x @ [1.0, -2.0, 0.5] + 3 for x in X]
    lbfgs = {"solver": "lbfgs", "alpha": 0.0, "tol": 1e-9, "max_iter": 200, "random_state": 0}
    reg = StepRNNRegressor((), **lbfgs, skip_connection=None).fit(X, y)
    assert_allclose(reg.weights_["output"]["W"][:, 0], [1, -2, 0.5], atol=1e-4)
    assert_allclose(reg.weights_["output"]["b"], 3, atol=1e-4)


def test_pipeline_of_dictionaries():
    words = [
        [{"w": w, "first": i == 0} for i, w in enumerate(s.split())] for s in ("a b", "b", "b a")
    ]
    y = [list(s) for s in ("xy", "y", "yx")]
    model = make_pipeline(
        PerStep(DictVectorizer()), make(hidden_layer_sizes=(), solver="lbfgs", max_iter=50)
    )
    assert model.fit(words, y).score(words, y) == 1


@pytest.mark.parametrize("constraints", [None, "BIO"])
def test_smoothed_probabilities_of_streams_are_those_given_all_steps(constraints):
    clf = StepRNNClassifier((), loss=CRF(constraints=constraints), max_iter=20, random_state=0)
    clf.fit(X, [tags(steps) for steps in X])
    clf.weights_["transitions"]["end"][:] = 0  # which streams do not use
    steps = np.random.RandomState(1).normal(size=(6, 2, 3))  # two streams
    state, filtered = clf.initial_state(2), []
    for x_t in steps:
        probabilities, state = clf.step(x_t, state)
        filtered.append(probabilities)
    smoothed = clf.smooth(filtered)
    assert_array_equal(smoothed[-1], filtered[-1])
    for i in range(2):
        assert_allclose(smoothed[:, i], clf.predict_proba([steps[:, i]])[0], atol=1e-12)
        late = clf.smooth(filtered[2:5])[0, i]  # the label of a step, two steps later
        assert_allclose(late, clf.predict_proba([steps[:5, i]])[0][2], atol=1e-12)
    with pytest.raises(ValueError, match=r"shape \(2, 5\), but \(n_steps, n_streams, n_classes\)"):
        clf.smooth(filtered[0])
    softmaxes = StepRNNClassifier((), max_iter=1).fit(X, [tags(steps) for steps in X])
    assert not hasattr(softmaxes, "smooth")


def test_ten_thousand_sequences_have_no_forbidden_transition():
    """The weights are random, so that the best path without constraints is often forbidden."""
    clf = make(hidden_layer_sizes=(), loss=CRF("BIO"), max_iter=1).fit(X, Y)
    rng = np.random.RandomState(2)
    clf.weights_["output"]["W"][...] = 3 * rng.normal(size=(3, 5))
    lengths = rng.randint(1, 12, 10_000)
    many = Sequences(rng.normal(size=(lengths.sum(), 3)), lengths)

    def count_forbidden(model):
        paths = [["O", *path] for path in model.predict(many)]
        pairs = [pair for path in paths for pair in pairwise(path)]
        return sum(now[0] == "I" and before[1:] != now[1:] for before, now in pairs)

    assert count_forbidden(clf) == 0
    free = make(hidden_layer_sizes=(), max_iter=1).fit(X, Y)
    free.weights_ = clf.weights_
    assert count_forbidden(free) > 1000
