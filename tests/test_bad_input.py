"""Input that classifiers refuse; an error leaves them unchanged."""

import copy
import datetime

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
from numpy.testing import assert_array_equal
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skrnn import LBFGS, SGD, Adam, PerStep, SequenceRNNClassifier, XORMLPClassifier

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


def objects(items):
    """Put items into an object array, lists too."""
    array = np.empty(len(items), dtype=object)
    array[:] = items
    return array


SEVERAL_LABELS = r"If a sample has several labels, pass MultiLabelBinarizer\(\).fit_transform\(y\)"

# X that neither fit nor predict accepts: estimator, X, part of the message.
BAD_X = {
    "no rows": ("mlp", [], "Expected 2D array, got 1D array"),
    "no samples": ("mlp", ROWS[:0], r"Found array with 0 sample\(s\)"),
    "no columns": ("mlp", ROWS[:, :0], r"Found array with 0 feature\(s\)"),
    "NaN in a row": ("mlp", put(NAN, (3, 1), ROWS), "Input X contains NaN"),
    "inf in a row": ("mlp", put(INF, (3, 1), ROWS), "Input X contains infinity"),
    "None in a row": ("mlp", [[None, 1, 2]] * 12, "Input X contains NaN"),
    "text in rows": ("mlp", [["a", "b", "c"]] * 12, "could not convert string"),
    "ragged rows": ("mlp", [[1, 2, 3], [1, 2]] * 6, "has an inhomogeneous shape"),
    "complex rows": ("mlp", ROWS + 1j, "Complex data not supported"),
    "records": ("mlp", np.zeros(12, "f8,f8,f8"), "values of type .*f8.*; pass an array of them"),
    "bytes in rows": ("mlp", ROWS.view("V8"), "values of type .V8, but real numbers are required"),
    "one row": ("mlp", ROWS[0], "Expected 2D array, got 1D array"),
    "3-D": ("mlp", ROWS[None], "Found array with dim 3"),
    "NaN in sparse rows": ("mlp", sp.csr_array(put(NAN, (3, 1), ROWS)), "Input X contains NaN"),
    "no sequences": ("rnn", [], "X is empty: at least one sequence is required"),
    "only NaN": ("rnn", with_sequence(np.full((2, 3), NAN)), "NaN at step 0 of sequence 11, feat"),
    "NaN inside": (
        "rnn",
        with_sequence([[1] * 3, [NAN] * 3, [1] * 3]),
        "X contains NaN at step 1 of sequence 11",
    ),
    "partial NaN": (
        "rnn",
        with_sequence([[1] * 3, [1, 1, NAN]]),
        "X contains NaN at step 1 of sequence 11",
    ),
    "inf inside": (
        "rnn",
        with_sequence([[1, INF, 1]]),
        "X contains infinity at step 0 of sequence 11",
    ),
    "text": (
        "rnn",
        with_sequence([["a", "b", "c"]]),
        "X contains text, which is not a number, at step 0 of sequence",
    ),
    "ragged widths": ("rnn", with_sequence(np.ones((2, 4))), "Sequence 11 of X has 4 features"),
    "ragged steps": ("rnn", with_sequence([[1, 1, 1], [1]]), "Sequence 11 of X is not an array"),
    "complex": (
        "rnn",
        with_sequence(np.ones((1, 3), complex)),
        "Sequence 11 of X must hold real numbers, or NaN; got complex128",
    ),
    "sparse": ("rnn", sp.csr_array(ROWS), "For sparse steps, use skrnn.Sequences"),
    "sparse sequence": (
        "rnn",
        with_sequence(sp.csr_array(ROWS)),
        "Sequence 0 of X is a ndarray, but sequence 11 is sparse",
    ),
    "4-D": (
        "rnn",
        np.ones((12, 2, 2, 3)),
        "X has shape \\(12, 2, 2, 3\\), but \\(n_sequences, n_steps",
    ),
    "dict": (
        "rnn",
        dict(enumerate(SEQUENCES)),
        r"must be a list or array of sequences; got dict. Pass list\(X.values",
    ),
}
BAD_TYPE = (ValueError, TypeError)

# y and sample_weight that fit does not accept.
BAD_TARGETS = {
    "shorter y": ({"y": Y[:-1]}, r"X holds \d+ (samples|sequences), but y holds \d+"),
    "no y": ({"y": None}, "requires y to be passed"),
    "NaN in y": ({"y": put(NAN, 0, Y)}, "y is missing (at row|for sequence) 0"),
    "inf in y": ({"y": put(INF, 0, Y)}, "Input y contains infinity"),
    "continuous y": ({"y": Y + 0.5 * (Y == 1)}, "Unknown label type: continuous"),
    "y of several columns": (
        {"y": np.c_[Y, Y]},
        "y has several columns of more than two classes.*StepRNNClassifier takes a label",
    ),
    "records in y": (
        {"y": np.zeros(12, "i4,f8")},
        r"y has the type \[.*which scikit-learn does not",
    ),
    "text of variable width in y": (
        {"y": np.array(["a", "b"], getattr(np.dtypes, "StringDType", lambda: "V1")())[Y % 2]},
        "y has the type .*, which scikit-learn does not support. Convert text with y.astype",
    ),
    "3-D y": ({"y": np.zeros((12, 2, 2), int)}, "y holds an array for each sample"),
    "ragged y": (
        {"y": [[0], [0, 1]] * 6},
        "y holds an array for each sample, but one target for each is required",
    ),
    "y of mixed types": (
        {"y": np.array([0, "a", 1] * 4, dtype=object)},
        "y mixes labels of the types",
    ),
    "ragged text in y": ({"y": [["a"], ["a", "b"]] * 6}, SEVERAL_LABELS),
    "ragged lists in an array": ({"y": objects([["a"], ["a", "b"]] * 6)}, SEVERAL_LABELS),
    "pairs of text in y": (
        {"y": [["a", "c"], ["a", "b"]] * 6},
        f"several columns.*{SEVERAL_LABELS}",
    ),
    "sets in y": (
        {"y": [{"a"}, {"b"}] * 6},
        f"y holds {{'a'}} of type set, but a label must be text, a number or a b.*{SEVERAL_LABELS}",
    ),
    "dates in y": (
        {"y": objects([datetime.date(2020, 1, 1), datetime.date(2020, 1, 2)] * 6)},
        r"y holds datetime.date\(2020, 1, 1\) of type date, but a label must be text, a number or",
    ),
    "text in a list of numbers": ({"y": [1, "a", 2] * 4}, r"mixes .* types \['int', 'str'\]"),
    "text in a list of bools": ({"y": [True, "a"] * 6}, r"mixes .* types \['bool', 'str'\]"),
    "fractions in objects": ({"y": objects([0.5, 1] * 6)}, "Unknown label type: continuous"),
    "negative weight": (
        {"sample_weight": put(-1.0, 2, np.ones(12))},
        "Negative values in data passed to `sample_weight`",
    ),
    "no weight": (
        {"sample_weight": np.zeros(12)},
        "at least one non-zero number|is zero for every",
    ),
    "shorter weight": (
        {"sample_weight": np.ones(11)},
        r"sample_weight.shape == \(11,\), expected \(12,\)",
    ),
    "2-D weight": (
        {"sample_weight": np.ones((12, 1))},
        "Sample weights must be 1D array or scalar",
    ),
    "weights of steps": (
        {"sample_weight": [[1.0], [1.0, 2.0]] * 6},
        "sample_weight holds an array for each sample, but one weight for each is required",
    ),
    "weights of steps in an array": (
        {"sample_weight": objects([np.ones(2), np.ones(3)] * 6)},
        "sample_weight holds an array for each sample.* StepRNNRegressor take a weight for each",
    ),
    "weights of as many steps": (
        {"sample_weight": [[1.0, 2.0]] * 12},
        "sample_weight holds an array for each sample",
    ),
    "NaN weight": ({"sample_weight": put(NAN, 2, np.ones(12))}, "Input sample_weight contains NaN"),
    "infinite weight": (
        {"sample_weight": put(INF, 2, np.ones(12))},
        "Input sample_weight contains infinity",
    ),
    "text weight": ({"sample_weight": ["a"] * 12}, "could not convert string to float"),
}

# Values that scikit-learn's validation of parameters refuses: for both, then for each.
BAD_PARAMS = {
    "hidden_layer_sizes": [0, -1, 2.5, "3", None],
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
    "class_weight": ["equal", [1, 1, 1]],
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
}
BAD_PARAMS_OF_RNN = {
    "cell": ["elman", None],
    "bidirectional": ["yes", None],
    "pooling": ["sum", None, 3],
    "bptt_steps": [0, -1, 2.5],
    "step_features": [0, -1, 2.5, "3"],
    "embedding_size": [0, -1, 2.5, "auto"],
    "max_grad_norm": [0, -1.0, NAN, "1"],
}
# Other values, and combinations of them: parameters, part of the message.
SIZES = "hidden_layer_sizes must be > 0 and integer, got "
FRACTION = "early_stopping cannot hold out validation_fraction="
BAD_VALUES = [
    *[
        ({"hidden_layer_sizes": v}, SIZES)
        for v in ((3, 0), (-1,), (2.5,), ((2, 3), (4, 5)), (NAN,))
    ],
    *[
        ({"class_weight": {0: v}}, "has weights that are negative or not finite")
        for v in (-1.0, NAN)
    ],
    ({"class_weight": {7: 2.0}}, r"class_weight names \[7\], which are not among the classes"),
    ({"dropout": 0.1, "solver": "lbfgs"}, "dropout=0.1 makes the loss random, which L-BFGS"),
    (
        {"early_stopping": True, "solver": "lbfgs"},
        "L-BFGS does not support early_stopping=True; use solver='adam' or 'sgd', or",
    ),
    (
        {"early_stopping": True, "validation_fraction": 0.0},
        "validation_fraction=0.0 of 12 samples: it must be more than 0. Change",
    ),
    ({"early_stopping": True, "validation_fraction": 0.99}, FRACTION + "0.99 of 12 samples"),
]
PAIR = r"init must be a pair \(coefs, intercepts\) of one array for each layer"
MISSING = r"The weights of {}\['W'\] are missing"
POOLING = r"pooling=.* must be one of 'last', 'mean', 'max', 'attention', or a tuple of different"
BAD_VALUES_OF_MLP = [
    ({"init": ([np.ones((3, 4))], [np.ones(4)])}, MISSING.format("dense_1")),
    ({"init": ([np.ones((3, 4)), np.ones((4, 2))], [])}, PAIR),
    ({"init": ()}, PAIR),
    ({"init": (1, 1)}, PAIR),
]
BAD_VALUES_OF_RNN = [
    ({"hidden_layer_sizes": (), "dropout": 0.5}, r"dropout=0.5 has no effect with hidden_layer"),
    *[({"pooling": v}, POOLING) for v in ((), ("last", "sum"), ["max", "max"])],
    ({"init": {}}, MISSING.format("recurrent_0")),
    ({"init": {"output": {"W": np.ones((4, 3)), "b": np.ones(2)}}}, MISSING.format("recurrent_0")),
    ({"solver": Adam(beta_1=1)}, "The 'beta_1' parameter of Adam must be a float"),
    ({"solver": Adam(epsilon=0)}, "The 'epsilon' parameter of Adam must be a float"),
    ({"solver": Adam(weight_decay=-1)}, "The 'weight_decay' parameter of Adam must be a float"),
    ({"solver": SGD(momentum=-1)}, "The 'momentum' parameter of SGD must be a float"),
    ({"solver": LBFGS(max_fun=0)}, "The 'max_fun' parameter of LBFGS must be an int"),
    ({"activation": "relu"}, "activation='relu' has no effect with cell='gru'"),
    ({"activation": "relu", "cell": "lstm"}, "activation='relu' has no effect with cell='lstm'"),
]


def cases():
    """Yield bad parameters and data: estimator, parameters, arguments of fit, message."""
    for name in CLASSIFIERS:
        own_params = BAD_PARAMS_OF_MLP if name == "mlp" else BAD_PARAMS_OF_RNN
        own_values = BAD_VALUES_OF_MLP if name == "mlp" else BAD_VALUES_OF_RNN
        for table in (BAD_PARAMS, own_params):
            for param, values in table.items():
                message = f"The '{param}' parameter of .*Classifier must be"
                for value in values:
                    case = f"{name}-{param}={value}"
                    yield pytest.param(name, {param: value}, {}, message, id=case)
        for params, message in BAD_VALUES + own_values:
            yield pytest.param(name, params, {}, message, id=f"{name}-{params}")
        for case, (args, message) in BAD_TARGETS.items():
            yield pytest.param(name, {}, args, message, id=f"{name}-{case}")
    for case, (name, X, message) in BAD_X.items():
        yield pytest.param(name, {}, {"X": X}, message, id=f"{name}-{case}")


def snapshot(clf):
    """Return all attributes, and deep copies of those that a fit sets."""
    attributes = dict(vars(clf))
    fitted = {name: attributes[name] for name in attributes.keys() - clf.get_params().keys()}
    return attributes, copy.deepcopy(fitted)


def assert_unchanged(clf, before):
    attributes, fitted = before
    assert list(vars(clf)) == list(attributes)
    assert all(vars(clf)[name] is attributes[name] for name in attributes)
    np.testing.assert_equal({name: vars(clf)[name] for name in fitted}, fitted)


@pytest.mark.parametrize(("name", "params", "args", "message"), list(cases()))
def test_bad_fit_leaves_the_estimator_unchanged(name, params, args, message):
    args = {"X": GOOD_X[name], "y": Y, **args}
    X = GOOD_X[name]

    clf = clone(CLASSIFIERS[name]).set_params(**params)
    before = snapshot(clf)
    with pytest.raises(BAD_TYPE, match=message):
        clf.fit(**args)
    assert list(vars(clf)) == list(before[0])
    with pytest.raises(NotFittedError, match="instance is not fitted yet"):
        clf.predict(X)

    clf = clone(CLASSIFIERS[name]).fit(X, Y)
    expected = clf.predict_proba(X)
    for warm_start in [False, True][: 1 if "init" in params else 2]:  # which ignores `init`
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
        ({"X": put(NAN, (3, 1), ROWS)}, "Input X contains NaN"),
        ({"X": ROWS[:, :2]}, "X has 2 features, but XORMLPClassifier is expecting 3"),
        ({"y": Y[:-1]}, "X holds 12 samples, but y holds 11 targets"),
        ({"y": np.where(Y == 2, 7, Y)}, r"y has classes \[7\] that are not among \[0, 1, 2\]"),
        ({"y": None}, "requires y to be passed"),
        ({"classes": [0, 1]}, r"classes=\[0, 1\] is not the same as in the first call"),
        ({"classes": [0, 1, 2, 3]}, r"classes=.* is not the same as in the first call"),
        ({"sample_weight": -np.ones(12)}, "Negative values in data passed"),
        ({"sample_weight": np.zeros(12)}, "at least one non-zero number|is zero for every"),
    ],
)
def test_bad_partial_fit_leaves_the_estimator_unchanged(args, message):
    clf = clone(MLP).partial_fit(ROWS, Y, classes=[0, 1, 2])
    expected, before = clf.predict_proba(ROWS), snapshot(clf)
    with pytest.raises(ValueError, match=message):
        clf.partial_fit(**{"X": ROWS, "y": Y, **args})
    assert_unchanged(clf, before)
    assert_array_equal(clf.predict_proba(ROWS), expected)


@pytest.mark.parametrize(
    ("params", "args", "error", "message"),
    [
        ({}, {}, ValueError, "classes must be passed on the first call to partial_fit"),
        ({}, {"classes": [0, 1]}, ValueError, r"y has classes \[2\] that are not among"),
        (
            {"early_stopping": True},
            {"classes": [0, 1, 2]},
            ValueError,
            "does not support early_stopping=True",
        ),
        (
            {"class_weight": "balanced"},
            {"classes": [0, 1, 2]},
            ValueError,
            "class_weight='balanced' needs all labels at once",
        ),
        ({"solver": "lbfgs"}, {}, AttributeError, "has no attribute 'partial_fit'"),
    ],
)
def test_bad_first_partial_fit_leaves_the_estimator_unchanged(params, args, error, message):
    clf = clone(MLP).set_params(**params)
    before = snapshot(clf)
    with pytest.raises(error, match=message):
        clf.partial_fit(ROWS, Y, **args)
    assert_unchanged(clf, before)


BAD_X_OF_PREDICT = {
    **BAD_X,
    "fewer columns": ("mlp", ROWS[:, :2], "X has 2 features, but XORMLPClassifier is expecting 3"),
    "more columns": ("mlp", np.c_[ROWS, ROWS], "X has 6 features, but XORMLPClassifier is"),
    "fewer features": (
        "rnn",
        [np.ones((2, 2))],
        "X has 2 features per step, but SequenceRNNClassifier is",
    ),
    "more features": (
        "rnn",
        np.ones((2, 5, 4)),
        "X has 4 features per step, but SequenceRNNClassifier is",
    ),
}


@pytest.mark.parametrize("case", BAD_X_OF_PREDICT)
@pytest.mark.parametrize(
    "method", ["predict", "predict_proba", "predict_log_proba", "decision_function"]
)
def test_bad_prediction_leaves_the_estimator_unchanged(case, method):
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
def test_predictions_for_huge_values_are_finite_or_refused(clf, scale, fit_dtype):
    if clf.__class__ is XORMLPClassifier:
        X, huge = ROWS.astype(fit_dtype), ROWS * scale
    else:
        X, huge = [x.astype(fit_dtype) for x in SEQUENCES], [x * scale for x in SEQUENCES]
    clf = clone(clf).fit(X, Y)
    try:
        probabilities = clf.predict_proba(huge)
    except ValueError as error:
        assert "for X is not finite" in str(error)  # noqa: PT017
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


BOOLS = np.arange(12) % 2 > 0


@pytest.mark.parametrize("kind", CLASSIFIERS)
@pytest.mark.parametrize(
    ("y", "classes"),
    [
        (BOOLS.astype(object), [False, True]),
        (pd.Series(BOOLS, dtype="category"), [False, True]),
        (pd.Series(BOOLS, dtype=object), [False, True]),
        ((BOOLS + 1).astype(object), [1, 2]),
        ((BOOLS + 1.0).astype(object), [1.0, 2.0]),
        ([True, 2] * 6, [1, 2]),
    ],
)
def test_labels_in_objects_keep_their_type(kind, y, classes):
    clf = clone(CLASSIFIERS[kind]).fit(GOOD_X[kind], y)
    assert clf.classes_.dtype == np.array(classes).dtype
    assert clf.classes_.tolist() == classes
    assert set(clf.predict(GOOD_X[kind])) <= set(classes)


def test_several_labels_of_sequences_after_a_transformer():
    model = make_pipeline(PerStep(StandardScaler()), RNN)
    y = [["a"], ["a", "b"], ["b"]] * 4
    with pytest.raises(ValueError, match=r"pass MultiLabelBinarizer\(\)\.fit_transform\(y\)"):
        model.fit([*SEQUENCES[:11], np.ones((5, 3))], y)
    y = [np.zeros(len(x)) for x in SEQUENCES]
    y[4] = y[4][1:]
    with pytest.raises(ValueError, match=r"Sequence 4 of y has shape .*: a value for each step.$"):
        model.fit(SEQUENCES, y)
