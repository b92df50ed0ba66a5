"""Step estimators: forms of y, searches, weights, and the conventions of scikit-learn.

scikit-learn's own checks use a target for each sample. The important ones are repeated here for a
target for each step.
"""

import copy
import inspect
import pickle
from itertools import product

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone, is_classifier, is_regressor
from sklearn.exceptions import NotFittedError
from sklearn.metrics import accuracy_score, f1_score, r2_score
from sklearn.model_selection import GridSearchCV, KFold, cross_val_predict, cross_validate
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.class_weight import compute_sample_weight
from versions import sklearn_before

from skrnn import PerStep, StepRNNClassifier, StepRNNRegressor, as_sequences
from skrnn.metrics import (
    flat_accuracy_scorer,
    flat_f1_scorer,
    flat_r2_scorer,
    sequence_accuracy_score,
    sequence_accuracy_scorer,
)

N = 14
RNG = np.random.RandomState(0)
LENGTHS = RNG.permutation(np.arange(N) % 5 + 1)
X = [RNG.normal(size=(length, 2)) for length in LENGTHS]
NAMES = np.array(["c", "bb", "aaa"])

TARGETS = {
    "binary": [(x[:, 0] > 0).astype(int) for x in X],
    "multiclass": [np.digitize(x[:, 0], [-0.4, 0.4]) for x in X],
    "text": [NAMES[np.digitize(x[:, 0], [-0.4, 0.4])] for x in X],
    "multilabel": [(x > 0).astype(int) for x in X],
    "scalar": [x[:, 0].cumsum() for x in X],
    "vector": [np.ascontiguousarray(x.cumsum(axis=0)[:, [0, 1, 1]]) for x in X],
}
PADDING = {"text": "padding", "scalar": np.inf, "vector": np.nan}  # of targets; else 99
LABELS = ["binary", "multiclass", "text", "multilabel"]
NUMBERS = ["scalar", "vector"]
OPTIONS = {"max_iter": 4, "learning_rate": "cosine", "random_state": 0}
CLF, REG = StepRNNClassifier(3, **OPTIONS), StepRNNRegressor(3, **OPTIONS)
SHAPES = {  # of the prediction for a step
    "binary": {"predict": (), "predict_proba": (2,), "decision_function": ()},
    "multiclass": {"predict": (), "predict_proba": (3,), "decision_function": (3,)},
    "text": {"predict": (), "predict_proba": (3,), "decision_function": (3,)},
    "multilabel": {"predict": (2,), "predict_proba": (2,), "decision_function": (2,)},
    "scalar": {"predict": ()},
    "vector": {"predict": (3,)},
}
CASES = list(product(["gru-1", "lstm-2"], TARGETS))


def make(kind, network="gru-1"):
    cell, layers = network.split("-")
    params = {"cell": cell, "hidden_layer_sizes": (3,) * int(layers)}
    return clone(CLF if kind in LABELS else REG).set_params(**params)


def raw(estimator, X):
    """Compute the raw predictions of all steps."""
    method = getattr(estimator, "decision_function", estimator.predict)
    return np.concatenate(list(method(X)))


def in_object_array(arrays):
    array = np.empty(len(arrays), dtype=object)
    array[:] = arrays
    return array


def padded_targets(targets, padding=99, width=7):
    first = targets[0]
    dtype = np.asarray([padding]).dtype if first.dtype.kind == "U" else first.dtype
    padded = np.full((len(targets), width, *first.shape[1:]), padding, dtype)
    for row, of_sequence in zip(padded, targets, strict=True):
        row[: len(of_sequence)] = of_sequence
    return padded


FORMS = {  # (X, y) of ragged X, ragged y, and the value of the padding
    "nested lists": lambda X, y, padding: (X, [t.tolist() for t in y]),
    "tuple": lambda X, y, padding: (X, tuple(y)),
    "object array": lambda X, y, padding: (in_object_array(X), in_object_array(y)),
    "Series": lambda X, y, padding: (
        pd.Series(X, index=range(len(X))[::-1]),
        pd.Series(y, index=range(len(X))[::-1]),
    ),
    "padded": lambda X, y, padding: (as_sequences(X).to_padded(), padded_targets(y, padding)),
    "ragged X, padded y": lambda X, y, padding: (X, padded_targets(y, padding)),
    "padded X, ragged y": lambda X, y, padding: (as_sequences(X).to_padded(), y),
}


# Forms


@pytest.mark.parametrize("kind", TARGETS)
@pytest.mark.parametrize("form", FORMS)
def test_equal_targets_give_equal_results(form, kind):
    y = TARGETS[kind]
    expected = make(kind).fit(X, y)
    X_form, y_form = FORMS[form](X, y, PADDING.get(kind, 99))
    actual = make(kind).fit(X_form, y_form)
    assert np.std(raw(actual, X)) > 0
    assert_array_equal(raw(actual, X_form), raw(expected, X), strict=True)
    assert actual.score(X_form, y_form) == expected.score(X, y)
    if kind in LABELS:
        assert_array_equal(actual.classes_, expected.classes_)


@pytest.mark.parametrize("kind", ["binary", "scalar"])
def test_flat_tables_with_tables_of_targets(kind):
    y = TARGETS[kind]
    expected = make(kind).fit(X, y)
    frames = [
        pd.DataFrame(as_sequences(X).to_padded().reshape(N, -1)),
        pd.DataFrame(padded_targets(y)),
    ]
    actual = make(kind).set_params(step_features=2).fit(*frames)
    assert_array_equal(raw(actual, frames[0]), raw(expected, X))


@pytest.mark.parametrize("equal_lengths", [False, True])
@pytest.mark.parametrize(("kind", "method"), [(k, m) for k in SHAPES for m in SHAPES[k]])
def test_predictions_are_object_arrays_of_one_array_for_each_sequence(kind, method, equal_lengths):
    estimator = make(kind).fit(X, TARGETS[kind])
    given = [x[:1] for x in X] if equal_lengths else X
    predicted = getattr(estimator, method)(given)
    assert (predicted.shape, predicted.dtype) == ((N,), object)
    assert [p.shape for p in predicted] == [(len(x), *SHAPES[kind][method]) for x in given]


@pytest.mark.parametrize("kind", LABELS)
def test_methods_of_classifiers_are_consistent(kind):
    clf = make(kind).fit(X, TARGETS[kind])
    proba, label, score = (
        np.concatenate(list(getattr(clf, method)(X)))
        for method in ("predict_proba", "predict", "decision_function")
    )
    log_proba = np.concatenate(list(clf.predict_log_proba(X)))
    assert_allclose(np.exp(log_proba), proba, rtol=1e-12)
    assert label.dtype.kind == TARGETS[kind][0].dtype.kind
    if kind == "multilabel":
        assert_array_equal(label, proba > 0.5)
        assert_array_equal(label, score > 0)
    else:
        assert_allclose(proba.sum(axis=1), 1)
        assert_array_equal(label, clf.classes_[proba.argmax(axis=1)])
        best = score > 0 if kind == "binary" else score.argmax(axis=1)
        assert_array_equal(label, clf.classes_[best.astype(int)])


@pytest.mark.parametrize("kind", TARGETS)
def test_it_learns(kind):
    estimator = make(kind).set_params(solver="lbfgs", max_iter=150, tol=1e-2, alpha=0)
    estimator.set_params(hidden_layer_sizes=8)
    assert estimator.fit(X, TARGETS[kind]).score(X, TARGETS[kind]) > 0.9


@pytest.mark.parametrize("kind", TARGETS)
def test_score_is_that_of_all_steps(kind):
    estimator, y = make(kind).fit(X, TARGETS[kind]), TARGETS[kind]
    truth, predicted = np.concatenate(y), np.concatenate(list(estimator.predict(X)))
    metric = accuracy_score if kind in LABELS else r2_score
    assert_allclose(estimator.score(X, y), metric(truth, predicted))
    weight = np.linspace(0, 2, N)
    expected = metric(truth, predicted, sample_weight=np.repeat(weight, LENGTHS))
    assert_allclose(estimator.score(X, y, weight), expected)


# Searches


SEARCHES = {
    "GridSearchCV": lambda estimator, X, y, scoring: (
        GridSearchCV(estimator, {"learning_rate_init": [0.01, 0.5]}, cv=3, scoring=scoring)
        .fit(X, y)
        .cv_results_["mean_test_score"]
    ),
    "cross_validate": lambda estimator, X, y, scoring: cross_validate(
        estimator, X, y, cv=3, scoring=scoring
    )["test_score"],
    "cross_val_predict": lambda estimator, X, y, scoring: np.concatenate(
        list(cross_val_predict(estimator, X, y, cv=3))
    ),
}
SCORERS = {
    "binary": [None, flat_accuracy_scorer, flat_f1_scorer, sequence_accuracy_scorer],
    "text": [None, flat_accuracy_scorer, flat_f1_scorer, sequence_accuracy_scorer],
    "multilabel": [None, flat_accuracy_scorer, flat_f1_scorer, sequence_accuracy_scorer],
    "scalar": [None, flat_r2_scorer],
    "vector": [None, flat_r2_scorer],
}
METRICS = {
    flat_accuracy_scorer: accuracy_score,
    flat_f1_scorer: lambda truth, predicted: f1_score(truth, predicted, average="macro"),
    flat_r2_scorer: r2_score,
}


@pytest.mark.parametrize("search", SEARCHES)
@pytest.mark.parametrize("kind", SCORERS)
def test_searches_accept_every_form(kind, search):
    estimator = make(kind).set_params(learning_rate_init=0.1, max_iter=6)
    scores = set()
    for scoring in SCORERS[kind]:
        expected = SEARCHES[search](estimator, X, TARGETS[kind], scoring)
        scores.update(expected.ravel().tolist())
        for form in ("object array", "padded", "Series"):
            args = FORMS[form](X, TARGETS[kind], PADDING.get(kind, 99))
            actual = SEARCHES[search](estimator, *args, scoring)
            assert_array_equal(actual, expected)
    assert len(scores) > 1


@pytest.mark.parametrize(("kind", "scoring"), [(k, s) for k in SCORERS for s in SCORERS[k]])
def test_cross_validation_equals_a_loop_by_hand(kind, scoring):
    y, expected, by_hand = TARGETS[kind], [], []
    for train, test in KFold(3).split(X):
        fitted = make(kind).fit([X[i] for i in train], [y[i] for i in train])
        predicted, truth = fitted.predict([X[i] for i in test]), [y[i] for i in test]
        by_hand.extend(predicted)
        if scoring is sequence_accuracy_scorer:
            expected.append(sequence_accuracy_score(truth, predicted))
        else:
            default = flat_accuracy_scorer if kind in LABELS else flat_r2_scorer
            metric = METRICS[scoring or default]
            expected.append(metric(np.concatenate(truth), np.concatenate(list(predicted))))
    scores = cross_validate(make(kind), X, y, cv=3, scoring=scoring)["test_score"]
    assert_allclose(scores, expected)
    predicted = cross_val_predict(make(kind), X, y, cv=3)
    assert (predicted.shape, predicted.dtype) == ((N,), object)
    for actual, desired in zip(predicted, by_hand, strict=True):
        assert_array_equal(actual, desired)


@pytest.mark.parametrize("kind", ["text", "vector"])
def test_search_over_a_pipeline(kind):
    pipeline = make_pipeline(PerStep(StandardScaler()), make(kind))
    name = pipeline.steps[-1][0]
    grid = {f"{name}__hidden_layer_sizes": [1, 5], f"{name}__bidirectional": [False, True]}
    search = GridSearchCV(pipeline, grid, cv=2).fit(X, TARGETS[kind])
    assert len(set(search.cv_results_["mean_test_score"])) > 1
    assert search.score(X, TARGETS[kind]) == search.best_estimator_.score(X, TARGETS[kind])


@pytest.mark.parametrize("kind", ["binary", "vector"])
def test_search_splits_weights(kind):
    y = TARGETS[kind]
    ragged = [RNG.uniform(0, 2, length) for length in LENGTHS]
    for weight in (ragged, in_object_array(ragged), np.linspace(0, 2, N)):
        search = GridSearchCV(make(kind), {"alpha": [0.1]}, cv=KFold(2))
        search.fit(X, y, sample_weight=weight)
        expected = []
        for train, test in KFold(2).split(X):
            fitted = make(kind).set_params(alpha=0.1)
            fitted.fit(*([part[i] for i in train] for part in (X, y, weight)))
            scored = (X, y) if sklearn_before("1.7") else (X, y, weight)  # by the search
            expected.append(fitted.score(*([part[i] for i in test] for part in scored)))
        assert_allclose(search.cv_results_["mean_test_score"], np.mean(expected))


# Conventions of scikit-learn


@pytest.mark.parametrize("estimator", [CLF, REG], ids=repr)
def test_parameters(estimator):
    init = inspect.signature(type(estimator).__init__).parameters
    defaults = {name: p.default for name, p in list(init.items())[1:]}
    fresh = type(estimator)()
    assert vars(fresh) == fresh.get_params(deep=False) == defaults
    changed = {"cell": "lstm", "hidden_layer_sizes": [2, 2], "alpha": 3.0}
    assert estimator.get_params().items() >= OPTIONS.items()
    assert clone(estimator).set_params(**changed).get_params().items() >= changed.items()
    assert clone(estimator).get_params() == estimator.get_params()
    with pytest.raises(ValueError, match="Invalid parameter 'nothing' for estimator"):
        fresh.set_params(nothing=1)


def test_step_estimators_are_neither_classifiers_nor_regressors_of_scikit_learn():
    assert not is_classifier(CLF)
    assert not is_regressor(REG)


@pytest.mark.parametrize(("network", "kind"), CASES)
def test_fit_returns_self_and_leaves_parameters_unchanged(network, kind):
    estimator = make(kind, network)
    params = copy.deepcopy(estimator.get_params())
    assert estimator.fit(X, TARGETS[kind]) is estimator
    assert estimator.get_params() == params
    assert all(
        name.startswith("_") or name.endswith("_") for name in vars(estimator).keys() - params
    )
    assert not {name for name in vars(estimator) if name.endswith("_")} & params.keys()


@pytest.mark.parametrize(("network", "kind"), CASES)
def test_refit_equals_fit(network, kind):
    y = TARGETS[kind]
    estimator = make(kind, network).fit(X, y)
    expected, attributes = raw(estimator, X), set(vars(estimator))
    assert_array_equal(raw(estimator.fit(X, y), X), expected)
    other_X, other_y = [x[:1, :1] for x in X], TARGETS["binary" if kind in LABELS else "scalar"]
    estimator.fit(other_X, [t[:1] for t in other_y])
    assert_array_equal(raw(estimator.fit(X, y), X), expected)
    assert set(vars(estimator)) == attributes


@pytest.mark.parametrize(("network", "kind"), CASES)
def test_pickles_predict_the_same_bits(network, kind):
    estimator = make(kind, network).fit(X, TARGETS[kind])
    loaded = pickle.loads(pickle.dumps(estimator))
    assert_array_equal(raw(loaded, X), raw(estimator, X), strict=True)
    assert_array_equal(raw(copy.deepcopy(estimator), X), raw(estimator, X), strict=True)


@pytest.mark.parametrize("estimator", [CLF, REG], ids=repr)
def test_not_fitted(estimator):
    y = TARGETS["binary"]
    calls = [
        lambda e: e.predict(X),
        lambda e: e.score(X, y),
        lambda e: e.hidden_states(X),
        lambda e: e.input_gradients(X),
        lambda e: e.initial_state(),
    ]
    if estimator is CLF:
        calls += [
            lambda e: e.predict_proba(X),
            lambda e: e.predict_log_proba(X),
            lambda e: e.decision_function(X),
        ]
    for call in calls:
        with pytest.raises(NotFittedError, match="instance is not fitted yet"):
            call(clone(estimator))


@pytest.mark.parametrize("kind", ["multiclass", "vector"])
def test_number_of_features(kind):
    estimator = make(kind).fit(X, TARGETS[kind])
    assert (estimator.n_features_in_, estimator.n_step_features_) == (2, 2)
    for bad in ([x[:, :1] for x in X], [np.c_[x, x] for x in X], np.ones((3, 4, 3))):
        n = np.shape(bad[0])[1]
        with pytest.raises(ValueError, match=f"X has {n} features per step, but Step"):
            estimator.predict(bad)
    with pytest.raises(ValueError, match="Sequence 1 of X has 1 features"):
        estimator.predict([X[0], X[1][:, :1]])


@pytest.mark.parametrize("kind", TARGETS)
@pytest.mark.parametrize("form", ["object array", "padded"])
def test_data_are_not_changed(kind, form):
    X_form, y_form = FORMS[form](X, TARGETS[kind], PADDING.get(kind, 99))
    X_form, y_form, weight = copy.deepcopy((X_form, y_form, [np.ones(n) for n in LENGTHS]))
    before = pickle.dumps((X_form, y_form, weight))
    for array in (*X_form, *y_form, *weight, X_form, y_form):
        array.flags.writeable = False
    estimator = make(kind).fit(X_form, y_form, weight)
    raw(estimator, X_form)
    estimator.score(X_form, y_form, weight)
    estimator.input_gradients(X_form)
    assert pickle.dumps((X_form, y_form, weight)) == before


@pytest.mark.parametrize("bidirectional", [False, True])
@pytest.mark.parametrize(("network", "kind"), CASES)
def test_a_prediction_depends_on_its_sequence_only(network, kind, bidirectional):
    estimator = make(kind, network).set_params(bidirectional=bidirectional).fit(X, TARGETS[kind])
    expected = raw(estimator, X)
    of_each = np.split(expected, np.cumsum(LENGTHS)[:-1])
    order = np.random.RandomState(1).permutation(N)
    for given, desired in [
        ([X[i] for i in order], [of_each[i] for i in order]),
        (X[3:6], of_each[3:6]),
        (X * 2, of_each * 2),
        (as_sequences(X).to_padded(n_steps=9), of_each),
    ]:
        assert_allclose(raw(estimator, given), np.concatenate(desired), rtol=0, atol=1e-12)
    alone = np.concatenate([raw(estimator, [x]) for x in X])
    assert_allclose(alone, expected, rtol=0, atol=1e-12)
    with_a_long_one = raw(estimator, [*X, np.ones((300, 2))])[: len(expected)]
    assert_allclose(with_a_long_one, expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize("kind", TARGETS)
def test_predictions_do_not_depend_on_later_steps(kind):
    estimator = make(kind).fit(X, TARGETS[kind])
    shorter = estimator.predict([x[: max(1, len(x) - 1)] for x in X])
    for part, whole in zip(shorter, estimator.predict(X), strict=True):
        assert_array_equal(part, whole[: len(part)]) if kind in LABELS else assert_allclose(
            part, whole[: len(part)], rtol=0, atol=1e-12
        )


@pytest.mark.parametrize("kind", TARGETS)
def test_float32_stays_float32(kind):
    X32 = [x.astype(np.float32) for x in X]
    estimator = make(kind).fit(X32, TARGETS[kind])
    assert raw(estimator, X32).dtype == np.float32
    assert {p.dtype for layer in estimator.weights_.values() for p in layer.values()} == {
        np.dtype(np.float32)
    }
    if kind in LABELS:
        assert estimator.predict_proba(X32)[0].dtype == np.float32
    in_double = make(kind).fit([x.astype(float) for x in X32], TARGETS[kind])
    assert raw(in_double, X).dtype == np.float64
    assert_allclose(raw(estimator, X32), raw(in_double, X32), atol=1e-4)


# Refused


def put(value, kind, sequence=5):
    """Replace the last label of one sequence."""
    y = [t.astype(np.result_type(t, type(value))) for t in TARGETS[kind]]
    y[sequence][-1] = value
    return y


def without_last_step(values, sequence=5):
    return [v[:-1] if i == sequence else v for i, v in enumerate(values)]


STEP_MISSING = r"Sequence 5 of {} has shape \(3.*, but \(4.* is required: a value for each step"
OF_SEQUENCES = "SequenceRNNClassifier and SequenceRNNRegressor take one target for each sequence"
NO_STEPS = f"y holds a single value for each sequence, but .* each step is required. {OF_SEQUENCES}"
ALL_STEPS = r"y holds the 40 values of all steps in one array.* np.split\(y, np.cumsum\(lengths\)"
ONES = [np.ones(length) for length in LENGTHS]
BAD = {  # kind, arguments of fit, part of the message
    "NaN in labels": (
        "binary",
        {"y": put(np.nan, "binary")},
        "y is missing at step 3 of sequence 5",
    ),
    "inf in labels": ("multiclass", {"y": put(np.inf, "multiclass")}, "Input y contains infinity"),
    "NaN in numbers": (
        "scalar",
        {"y": put(np.nan, "scalar")},
        "y is missing at step 3 of sequence 5",
    ),
    "inf in vectors": ("vector", {"y": put(np.inf, "vector")}, "Input y contains infinity"),
    "a step too few": (
        "binary",
        {"y": without_last_step(TARGETS["binary"])},
        STEP_MISSING.format("y"),
    ),
    "a vector too few": (
        "vector",
        {"y": without_last_step(TARGETS["vector"])},
        STEP_MISSING.format("y"),
    ),
    "1-D list": (
        "binary",
        {"y": [0, 1] * (N // 2)},
        NO_STEPS,
    ),
    "1-D text": ("text", {"y": ["a", "b"] * (N // 2)}, NO_STEPS),
    "a column": ("binary", {"y": np.arange(N)[:, None] % 2}, f"y has shape .* {OF_SEQUENCES}"),
    "all steps": ("binary", {"y": np.concatenate(TARGETS["binary"])}, ALL_STEPS),
    "all steps as a list": ("text", {"y": np.concatenate(TARGETS["text"]).tolist()}, ALL_STEPS),
    "1-D array": ("binary", {"y": np.arange(N) % 2}, NO_STEPS),
    "1-D numbers": ("scalar", {"y": np.arange(N) / 2}, NO_STEPS),
    "short padding": (
        "multiclass",
        {"y": padded_targets(TARGETS["multiclass"], width=5)[:, :4]},
        r"y has shape \(14, 4\), but needs .* \(14, 5 or more\)",
    ),
    "a sequence too few": (
        "binary",
        {"y": TARGETS["binary"][:-1]},
        r"inconsistent numbers of samples: \[14, 13\]",
    ),
    "no y": ("binary", {"y": None}, "requires y to be passed"),
    "no y of numbers": ("scalar", {"y": None}, "requires y to be passed"),
    "numbers as labels": ("binary", {"y": TARGETS["scalar"]}, "Unknown label type: continuous"),
    "labels as numbers": (
        "scalar",
        {"y": TARGETS["text"]},
        "y holds text, such as .* labels, use StepRNNClassifier",
    ),
    "widths of vectors": (
        "vector",
        {"y": [t[:, : 2 + (i > 3)] for i, t in enumerate(TARGETS["vector"])]},
        r"Sequence 4 of y has shape \(3, 3\), but \(3, 2\) is required",
    ),
    "unequal weights": (
        "binary",
        {"sample_weight": without_last_step(ONES)},
        STEP_MISSING.format("sample_weight"),
    ),
    "weights too few": (
        "scalar",
        {"sample_weight": np.ones(N - 1)},
        r"inconsistent numbers of samples: \[13, 14\]",
    ),
    "negative weight": (
        "scalar",
        {"sample_weight": [w - 2 for w in ONES]},
        "Negative values in data passed to `sample_weight`",
    ),
    "NaN weight": (
        "binary",
        {"sample_weight": [w * np.nan for w in ONES]},
        "Input sample_weight contains NaN",
    ),
    "no weight": (
        "binary",
        {"sample_weight": [w * 0 for w in ONES]},
        "at least one non-zero number|is zero for every",
    ),
    "vectors as weights": (
        "scalar",
        {"sample_weight": TARGETS["multilabel"]},
        "Sample weights must be 1D array or scalar",
    ),
    "log loss of numbers": (
        "scalar",
        {"params": {"loss": "log_loss"}},
        "The 'loss' parameter of StepRNNRegressor must be a str among",
    ),
    "activation of gru": (
        "binary",
        {"params": {"activation": "relu"}},
        "activation='relu' has no effect with cell='gru'",
    ),
    "X without its y": ("binary", {"X": X[:-1]}, r"inconsistent numbers of samples: \[13, 14\]"),
    "X_val without y_val": ("binary", {"X_val": X}, "X_val and y_val go together"),
    "bad y_val": (
        "binary",
        {"X_val": X, "y_val": without_last_step(TARGETS["binary"])},
        "In the validation data X_val and y_val: " + STEP_MISSING.format("y"),
    ),
}


def snapshot(estimator):
    attributes = dict(vars(estimator))
    return attributes, copy.deepcopy(attributes)


def assert_unchanged(estimator, before):
    attributes, copies = before
    assert list(vars(estimator)) == list(attributes)
    assert all(vars(estimator)[name] is value for name, value in attributes.items())
    np.testing.assert_equal(vars(estimator), copies)


@pytest.mark.parametrize("case", BAD)
def test_bad_fit_leaves_the_estimator_unchanged(case):
    kind, args, message = BAD[case]
    args = {"X": X, "y": TARGETS[kind], **args}
    params = args.pop("params", {})
    estimator = make(kind).set_params(**params)
    before = snapshot(estimator)
    with pytest.raises(ValueError, match=message):
        estimator.fit(**args)
    assert_unchanged(estimator, before)

    estimator = make(kind).fit(X, TARGETS[kind])
    estimator.set_params(warm_start=True, **params)
    before, expected = snapshot(estimator), raw(estimator, X)
    with pytest.raises(ValueError, match=message):
        estimator.fit(**args)
    assert_unchanged(estimator, before)
    assert_array_equal(raw(estimator, X), expected)


def test_one_class_is_refused():
    for fit in (clone(CLF).fit, lambda X, y: make("binary").partial_fit(X, y, classes=[0])):
        with pytest.raises(ValueError, match="needs at least 2 classes"):
            fit(X, [np.zeros(n) for n in LENGTHS])


OTHER_TARGETS = {  # than those of the first fit
    "unknown class": (
        "multiclass",
        [t + 1 for t in TARGETS["multiclass"]],
        r"y has classes \[3\] that are not among \[0, 1, 2\]",
    ),
    "unknown text": ("text", [np.char.add(t, "!") for t in TARGETS["text"]], "that are not among"),
    "more labels": (
        "multilabel",
        [np.c_[t, t] for t in TARGETS["multilabel"]],
        "that are not among",
    ),
    "other vectors": (
        "vector",
        TARGETS["multilabel"],
        "y has 2 columns, but 3 in the earlier fit",
    ),
    "scalars": (
        "vector",
        TARGETS["scalar"],
        "y has 1 columns, but 3 in the earlier fit",
    ),
}


@pytest.mark.parametrize("call", ["fit", "partial_fit"])
@pytest.mark.parametrize("case", OTHER_TARGETS)
def test_training_cannot_continue_with_other_targets(case, call):
    kind, y, message = OTHER_TARGETS[case]
    estimator = make(kind).set_params(warm_start=True).fit(X, TARGETS[kind])
    before = snapshot(estimator)
    with pytest.raises(ValueError, match=message):
        getattr(estimator, call)(X, y)
    assert_unchanged(estimator, before)


# Weights


def weighted_in(form, weight):
    """Convert weights of sequences to a form, or to weights of their steps."""
    ragged = [np.full(n, w) for n, w in zip(LENGTHS, weight, strict=True)]
    return {
        "array": lambda: np.asarray(weight),
        "list": lambda: list(weight),
        "Series": lambda: pd.Series(weight, index=range(N)[::-1]),
        "ragged": lambda: ragged,
        "ragged lists": lambda: [w.tolist() for w in ragged],
        "Series of arrays": lambda: pd.Series(ragged),
        "padded": lambda: padded_targets(ragged, np.nan),
    }[form]()


@pytest.mark.parametrize("kind", TARGETS)
@pytest.mark.parametrize(
    "form", ["list", "Series", "ragged", "ragged lists", "Series of arrays", "padded"]
)
def test_forms_of_weights(form, kind):
    weight = np.linspace(0.0, 2, N)
    expected = make(kind).fit(X, TARGETS[kind], weight)
    assert not np.array_equal(raw(expected, X), raw(make(kind).fit(X, TARGETS[kind]), X))
    actual = make(kind).fit(X, TARGETS[kind], weighted_in(form, weight))
    assert_array_equal(raw(actual, X), raw(expected, X))


def test_weights_in_tables():
    weight, y = pd.DataFrame(np.ones((N, 7))), TARGETS["binary"]
    weight.iloc[::2] = 2.0
    expected = make("binary").fit(X, y, np.asarray(weight))
    actual = make("binary").fit(X, pd.DataFrame(padded_targets(y)), weight)
    assert_array_equal(raw(actual, X), raw(expected, X))


@pytest.mark.parametrize("kind", TARGETS)
def test_a_single_weight(kind):
    expected = make(kind).set_params(alpha=0).fit(X, TARGETS[kind])
    actual = make(kind).set_params(alpha=0).fit(X, TARGETS[kind], 2.0)
    assert_allclose(raw(actual, X), raw(expected, X), rtol=0, atol=1e-12)


@pytest.mark.filterwarnings("ignore:Maximum iterations")
@pytest.mark.parametrize("kind", TARGETS)
@pytest.mark.parametrize("form", ["array", "ragged", "padded"])
def test_weights_equal_copies(form, kind):
    weight = np.arange(N) % 3
    index = np.repeat(np.arange(N), weight)
    estimator = make(kind).set_params(solver="lbfgs", alpha=0.1, max_iter=4, tol=0)
    weighted = clone(estimator).fit(X, TARGETS[kind], weighted_in(form, weight.astype(float)))
    repeated = clone(estimator).fit([X[i] for i in index], [TARGETS[kind][i] for i in index])
    assert_allclose(weighted.loss_curve_, repeated.loss_curve_, rtol=1e-9)
    assert_allclose(raw(weighted, X), raw(repeated, X), rtol=0, atol=1e-8)


@pytest.mark.parametrize("kind", TARGETS)
def test_sequences_of_weight_zero_are_dropped(kind):
    weight = (np.arange(N) % 4 > 0).astype(float)
    kept = np.flatnonzero(weight)
    estimator = make(kind).set_params(batch_size=3, early_stopping=True, validation_fraction=0.3)
    without = clone(estimator).fit([X[i] for i in kept], [TARGETS[kind][i] for i in kept])
    for form in ("array", "ragged"):
        weighted = clone(estimator).fit(X, TARGETS[kind], weighted_in(form, weight))
        assert_array_equal(raw(weighted, X), raw(without, X))


@pytest.mark.parametrize("kind", TARGETS)
def test_targets_of_weight_zero_have_no_effect(kind):
    weight = [np.ones(n) for n in LENGTHS]
    y = [t.copy() for t in TARGETS[kind]]
    longest = [i for i in range(N) if LENGTHS[i] > 2]
    for i in longest:
        weight[i][1] = 0
        y[i][1] = TARGETS[kind][i][0]
    assert any((a != b).any() for a, b in zip(y, TARGETS[kind], strict=True))
    actual, expected = (make(kind).fit(X, t, weight) for t in (y, TARGETS[kind]))
    assert_array_equal(raw(actual, X), raw(expected, X))


@pytest.mark.parametrize("kind", LABELS)
def test_class_weight_equals_weights_of_steps(kind):
    rows = np.concatenate(TARGETS[kind])
    balanced = compute_sample_weight("balanced", rows)
    ragged = np.split(balanced, np.cumsum(LENGTHS)[:-1])
    expected = raw(make(kind).fit(X, TARGETS[kind], ragged), X)
    assert np.abs(raw(make(kind).fit(X, TARGETS[kind]), X) - expected).max() > 1e-6
    class_weights = ["balanced"]
    if kind != "multilabel":
        of_class = {c: balanced[rows == c][0] for c in np.unique(rows)}
        class_weights.append(of_class)
    for class_weight in class_weights:
        actual = make(kind).set_params(class_weight=class_weight).fit(X, TARGETS[kind])
        assert_allclose(raw(actual, X), expected, rtol=0, atol=1e-12)
    doubled = make(kind).set_params(class_weight="balanced").fit(X, TARGETS[kind], np.full(N, 2.0))
    twice = make(kind).fit(X, TARGETS[kind], [2 * w for w in ragged])
    assert_allclose(raw(doubled, X), raw(twice, X), rtol=0, atol=1e-12)
