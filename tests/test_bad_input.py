"""What both classifiers refuse, and that an error leaves them as they were."""

import copy

import numpy as np
import pytest
import scipy.sparse as sp
from numpy.testing import assert_array_equal
from sklearn.base import clone
from sklearn.exceptions import NotFittedError

from skrnn import LBFGS, SGD, Adam, SequenceRNNClassifier, XORMLPClassifier

NAN, INF = np.nan, np.inf
RNG = np.random.RandomState(0)
ROWS = RNG.normal(size=(12, 3))
Y = np.arange(12) % 3
SEQUENCES = [RNG.normal(size=(2 + i % 3, 3)) for i in range(12)]

MLP = XORMLPClassifier(4, solver="sgd", max_iter=3, n_iter_no_change=np.inf, random_state=0)
RNN = SequenceRNNClassifier(4, max_iter=3, learning_rate="cosine", random_state=0)
GOOD_X = {"mlp": ROWS, "rnn": SEQUENCES}
CLASSIFIERS = {"mlp": MLP, "rnn": RNN}

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


def put(value, where, array):
    """Copy an array with one value replaced."""
    array = np.array(array, dtype=np.result_type(array, type(value)))
    array[where] = value
    return array


def with_sequence(sequence):
    return [*SEQUENCES[:11], sequence]


# X that neither fit nor predict takes: whose, X, part of the message.
BAD_X = {
    "no rows": ("mlp", [], "."),
    "no samples": ("mlp", ROWS[:0], "0 sample"),
    "no columns": ("mlp", ROWS[:, :0], "0 feature"),
    "NaN in a row": ("mlp", put(NAN, (3, 1), ROWS), "NaN"),
    "inf in a row": ("mlp", put(INF, (3, 1), ROWS), "infinity"),
    "None in a row": ("mlp", [[None, 1, 2]] * 12, "."),
    "text in rows": ("mlp", [["a", "b", "c"]] * 12, "could not convert string"),
    "ragged rows": ("mlp", [[1, 2, 3], [1, 2]] * 6, "inhomogeneous"),
    "complex rows": ("mlp", ROWS + 1j, "[Cc]omplex"),
    "one row": ("mlp", ROWS[0], "1D array"),
    "3-D": ("mlp", ROWS[None], "dim 3"),
    "NaN in sparse rows": ("mlp", sp.csr_array(put(NAN, (3, 1), ROWS)), "NaN"),
    "no sequences": ("rnn", [], "empty"),
    "empty sequence": ("rnn", with_sequence(np.ones((0, 3))), "Sequence 11 of X"),
    "only NaN": ("rnn", with_sequence(np.full((2, 3), NAN)), "Sequence 11 of X is empty"),
    "NaN inside": ("rnn", with_sequence([[1] * 3, [NAN] * 3, [1] * 3]), "step 1 of sequence 11"),
    "partial NaN": ("rnn", with_sequence([[1] * 3, [1, 1, NAN]]), "step 1 of sequence 11"),
    "inf inside": ("rnn", with_sequence([[1, INF, 1]]), "infinity at step 0 of sequence 11"),
    "text": ("rnn", with_sequence([["a", "b", "c"]]), "."),
    "ragged widths": ("rnn", with_sequence(np.ones((2, 4))), "Sequence 11 of X has 4 features"),
    "ragged steps": ("rnn", with_sequence([[1, 1, 1], [1]]), "Sequence 11 of X is not an array"),
    "complex": ("rnn", with_sequence(np.ones((1, 3), complex)), "complex"),
    "sparse": ("rnn", sp.csr_array(ROWS), "[Ss]parse"),
    "sparse sequence": ("rnn", with_sequence(sp.csr_array(ROWS)), "Sequence 11 of X .* csr_array"),
    "4-D": ("rnn", np.ones((12, 2, 2, 3)), r"shape \(12, 2, 2, 3\)"),
    "dict": ("rnn", dict(enumerate(SEQUENCES)), "dict"),
}
BAD_TYPE = (ValueError, TypeError)

# y and sample_weight that fit does not take.
BAD_TARGETS = {
    "shorter y": ({"y": Y[:-1]}, r"X holds \d+ (samples|sequences), but y holds \d+"),
    "no y": ({"y": None}, "requires y to be passed"),
    "NaN in y": ({"y": put(NAN, 0, Y)}, "NaN"),
    "inf in y": ({"y": put(INF, 0, Y)}, "infinity"),
    "continuous y": ({"y": Y + 0.5 * (Y == 1)}, "[Uu]nknown label type"),
    "y of several columns": ({"y": np.c_[Y, Y]}, "several columns"),
    "3-D y": ({"y": np.zeros((12, 2, 2), int)}, "."),
    "ragged y": ({"y": [[0], [0, 1]] * 6}, "."),
    "y of mixed types": ({"y": np.array([0, "a", 1] * 4, dtype=object)}, "."),
    "negative weight": ({"sample_weight": put(-1.0, 2, np.ones(12))}, "[Nn]egative"),
    "no weight": ({"sample_weight": np.zeros(12)}, "zero"),
    "shorter weight": ({"sample_weight": np.ones(11)}, r"sample_weight.shape"),
    "2-D weight": ({"sample_weight": np.ones((12, 1))}, "[Ss]ample weights must be 1D"),
    "NaN weight": ({"sample_weight": put(NAN, 2, np.ones(12))}, "NaN"),
    "infinite weight": ({"sample_weight": put(INF, 2, np.ones(12))}, "infinity"),
    "text weight": ({"sample_weight": ["a"] * 12}, "."),
}

# Parameters of both, then of each, with values that neither may have.
BAD_PARAMS = {
    "hidden_layer_sizes": [0, -1, (3, 0), (-1,), 2.5, (2.5,), "3", None, ((2, 3), (4, 5)), (NAN,)],
    "activation": ["sigmoid", None, np.tanh],
    "solver": ["sdg", None, 3, Adam],
    "alpha": [-1e-9, NAN, INF, "0", None],
    "batch_size": [0, -1, 2.5, "all", None],
    "learning_rate": ["fast", 0.1, None],
    "learning_rate_init": [0, -0.1, NAN, INF, "0.1", None],
    "max_iter": [0, -1, 2.5, INF, None],
    "tol": [-1e-9, NAN, "0", None],
    "n_iter_no_change": [0, -1, 2.5, None],
    "early_stopping": ["yes", None],
    "validation_fraction": [-0.1, 1, 1.5, NAN, "0.1", None],
    "dropout": [1, 1.0, -0.1, NAN, "0.1", None],
    "n_init": [0, -1, 2.5, "all", None],
    "init": ["gauss", None, 0.1],
    "loss": ["hinge", None],
    "class_weight": ["equal", [1, 1, 1], {0: -1.0}, {0: NAN}, {7: 2.0}],
    "warm_start": ["yes", None],
    "verbose": [-1, "yes"],
    "random_state": ["seed", -1, 0.5],
}
BAD_PARAMS_OF_MLP = {
    "power_t": [-0.1, "0.5", None],
    "shuffle": ["yes", None],
    "momentum": [-0.1, 1.1, None],
    "nesterovs_momentum": ["yes", None],
    "beta_1": [-0.1, 1, None],
    "beta_2": [-0.1, 1, None],
    "epsilon": [0, -1, None],
    "max_fun": [0, 2.5, None],
    "out_activation": ["logistic", None],
    "init": [([np.ones((3, 4))], [np.ones(4)]), ([np.ones((3, 4)), np.ones((4, 2))], []), ()],
}
BAD_PARAMS_OF_RNN = {
    "hidden_layer_sizes": [(), []],
    "cell": ["elman", None],
    "bidirectional": ["yes", None],
    "pooling": ["sum", None],
    "bptt_steps": [0, -1, 2.5],
    "step_features": [0, -1, 2.5, "3"],
    "max_grad_norm": [0, -1.0, NAN, "1"],
    "init": [{}, {"output": {"W": np.ones((4, 3)), "b": np.ones(2)}}],
    "solver": [Adam(beta_1=1), Adam(epsilon=0), SGD(momentum=-1), LBFGS(max_fun=0)],
}
BAD_TOGETHER = {
    "dropout with lbfgs": {"dropout": 0.1, "solver": "lbfgs"},
    "too few to validate": {"early_stopping": True, "validation_fraction": 0.01},
    "nothing to validate on": {"early_stopping": True, "validation_fraction": 0.0},
    "nothing left to train on": {"early_stopping": True, "validation_fraction": 0.99},
}


def cases():
    """All wrong parameters and data, as (which classifier, parameters, arguments of fit)."""
    for name in CLASSIFIERS:
        own = BAD_PARAMS_OF_MLP if name == "mlp" else BAD_PARAMS_OF_RNN
        for table in (BAD_PARAMS, own):
            for param, values in table.items():
                for value in values:
                    yield pytest.param(name, {param: value}, {}, ".", id=f"{name}-{param}={value}")
        for case, params in BAD_TOGETHER.items():
            yield pytest.param(name, params, {}, ".", id=f"{name}-{case}")
        for case, (args, message) in BAD_TARGETS.items():
            yield pytest.param(name, {}, args, message, id=f"{name}-{case}")
    for case, (name, X, message) in BAD_X.items():
        yield pytest.param(name, {}, {"X": X}, message, id=f"{name}-{case}")


def snapshot(clf):
    """All attributes, and deep copies of those that a fit sets."""
    attributes = dict(vars(clf))
    fitted = {name: attributes[name] for name in attributes.keys() - clf.get_params().keys()}
    return attributes, copy.deepcopy(fitted)


def assert_unchanged(clf, before):
    attributes, fitted = before
    assert list(vars(clf)) == list(attributes)
    assert all(vars(clf)[name] is attributes[name] for name in attributes)
    np.testing.assert_equal({name: vars(clf)[name] for name in fitted}, fitted)


@pytest.mark.parametrize(("name", "params", "args", "message"), list(cases()))
def test_bad_fit_is_refused_and_leaves_no_trace(name, params, args, message):
    args = {"X": GOOD_X[name], "y": Y, **args}
    X = GOOD_X[name]

    clf = clone(CLASSIFIERS[name]).set_params(**params)
    before = snapshot(clf)
    with pytest.raises(BAD_TYPE, match=message):
        clf.fit(**args)
    assert list(vars(clf)) == list(before[0])
    with pytest.raises(NotFittedError):
        clf.predict(X)

    clf = clone(CLASSIFIERS[name]).fit(X, Y)
    expected = clf.predict_proba(X)
    for warm_start in [False, True][: 1 if "init" in params else 2]:  # which then is not read
        clf.set_params(**{"warm_start": warm_start, **params})
        before = snapshot(clf)
        with pytest.raises(BAD_TYPE, match=message):
            clf.fit(**args)
        assert_unchanged(clf, before)
        clf.set_params(**CLASSIFIERS[name].get_params())
        assert_array_equal(clf.predict_proba(X), expected)


@pytest.mark.parametrize("name", CLASSIFIERS)
def test_hidden_layer_sizes_in_an_array_without_dimensions_are_refused(name):
    clf = clone(CLASSIFIERS[name]).set_params(hidden_layer_sizes=np.array(3))
    with pytest.raises(ValueError, match=r"hidden_layer_sizes must be .* got \[array\(3\)\]"):
        clf.fit(GOOD_X[name], Y)


@pytest.mark.parametrize("name", CLASSIFIERS)
def test_one_class_is_refused(name):
    clf = clone(CLASSIFIERS[name])
    before = snapshot(clf)
    with pytest.raises(ValueError, match="needs at least 2 classes"):
        clf.fit(GOOD_X[name], np.zeros(12))
    assert_unchanged(clf, before)


@pytest.mark.parametrize(
    ("args", "message"),
    [
        ({"X": put(NAN, (3, 1), ROWS)}, "NaN"),
        ({"X": ROWS[:, :2]}, "2 features"),
        ({"y": Y[:-1]}, "but y holds"),
        ({"y": np.where(Y == 2, 7, Y)}, "7"),
        ({"y": None}, "requires y"),
        ({"classes": [0, 1]}, "classes"),
        ({"classes": [0, 1, 2, 3]}, "classes"),
        ({"sample_weight": -np.ones(12)}, "[Nn]egative"),
        ({"sample_weight": np.zeros(12)}, "zero"),
    ],
)
def test_bad_partial_fit_leaves_no_trace(args, message):
    clf = clone(MLP).partial_fit(ROWS, Y, classes=[0, 1, 2])
    expected, before = clf.predict_proba(ROWS), snapshot(clf)
    with pytest.raises(ValueError, match=message):
        clf.partial_fit(**{"X": ROWS, "y": Y, **args})
    assert_unchanged(clf, before)
    assert_array_equal(clf.predict_proba(ROWS), expected)


@pytest.mark.parametrize(
    ("params", "args", "error", "message"),
    [
        ({}, {}, ValueError, "classes must be passed"),
        ({}, {"classes": [0, 1]}, ValueError, "2"),
        ({"early_stopping": True}, {"classes": [0, 1, 2]}, ValueError, "early_stopping"),
        ({"class_weight": "balanced"}, {"classes": [0, 1, 2]}, ValueError, "balanced"),
        ({"solver": "lbfgs"}, {"classes": [0, 1, 2]}, AttributeError, "lbfgs|partial_fit"),
    ],
)
def test_bad_first_partial_fit_leaves_no_trace(params, args, error, message):
    clf = clone(MLP).set_params(**params)
    before = snapshot(clf)
    with pytest.raises(error, match=message):
        clf.partial_fit(ROWS, Y, **args)
    assert_unchanged(clf, before)


BAD_X_OF_PREDICT = {
    **BAD_X,
    "fewer columns": ("mlp", ROWS[:, :2], "2 features"),
    "more columns": ("mlp", np.c_[ROWS, ROWS], "6 features"),
    "fewer features": ("rnn", [np.ones((2, 2))], "2 features per step"),
    "more features": ("rnn", np.ones((2, 5, 4)), "4 features per step"),
}


@pytest.mark.parametrize("case", BAD_X_OF_PREDICT)
@pytest.mark.parametrize(
    "method", ["predict", "predict_proba", "predict_log_proba", "decision_function"]
)
def test_bad_prediction_leaves_no_trace(case, method):
    name, X, message = BAD_X_OF_PREDICT[case]
    clf = clone(CLASSIFIERS[name]).fit(GOOD_X[name], Y)
    expected, before = clf.predict_proba(GOOD_X[name]), snapshot(clf)
    with pytest.raises(BAD_TYPE, match=message):
        getattr(clf, method)(X)
    assert_unchanged(clf, before)
    assert_array_equal(clf.predict_proba(GOOD_X[name]), expected)


@pytest.mark.parametrize("fit_dtype", [np.float32, np.float64])
@pytest.mark.parametrize("scale", [1e3, 1e30, 1e38, 1e100, 1e200, 1e300, 1e307])
@pytest.mark.parametrize(
    "clf",
    [
        MLP,
        clone(MLP).set_params(activation="identity"),
        clone(MLP).set_params(activation="logistic"),
        RNN,
        clone(RNN).set_params(cell="lstm", pooling="mean"),
        clone(RNN).set_params(pooling="attention"),
        clone(RNN).set_params(cell="rnn", activation="relu", bidirectional=True, pooling="max"),
    ],
    ids=repr,
)
def test_huge_values_are_never_answered_with_nan(clf, scale, fit_dtype):
    if clf.__class__ is XORMLPClassifier:
        X, huge = ROWS.astype(fit_dtype), ROWS * scale
    else:
        X, huge = [x.astype(fit_dtype) for x in SEQUENCES], [x * scale for x in SEQUENCES]
    clf = clone(clf).fit(X, Y)
    try:
        probabilities = clf.predict_proba(huge)
    except ValueError as error:
        assert "not finite" in str(error)  # noqa: PT017  # either is right
    else:
        assert np.isfinite(probabilities).all()
        assert np.allclose(probabilities.sum(axis=1), 1)
        assert np.isfinite(clf.predict_log_proba(huge)).all()


@pytest.mark.parametrize("form", [sp.csr_array, sp.csc_array, sp.coo_array, sp.csr_matrix])
@pytest.mark.parametrize("solver", ["adam", "sgd", "lbfgs"])
def test_sparse_rows_equal_dense_ones(form, solver):
    X = ROWS * (ROWS > 0)
    clf = clone(MLP).set_params(solver=solver, batch_size=5)
    dense = clone(clf).fit(X, Y)
    sparse = clone(clf).fit(form(X), Y)
    np.testing.assert_allclose(sparse.predict_proba(form(X)), dense.predict_proba(X), atol=1e-10)
    np.testing.assert_allclose(sparse.predict_proba(X), sparse.predict_proba(form(X)), atol=1e-12)
