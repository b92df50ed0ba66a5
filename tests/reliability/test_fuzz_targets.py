"""Fuzz targets, weights, and the input of metrics."""

import numpy as np
import pandas as pd
import pytest
from fuzzing import (
    JUNK,
    LAYOUTS,
    assert_finite,
    assert_same_output,
    freeze,
    one_by_one,
    outcome,
    put,
)
from hypothesis import strategies as st
from sklearn.base import clone

from skrnn import (
    SequenceRNNClassifier,
    SequenceRNNRegressor,
    StepRNNClassifier,
    StepRNNRegressor,
    XORMLPClassifier,
    XORMLPRegressor,
    metrics,
)

pytestmark = pytest.mark.filterwarnings(
    "ignore::sklearn.exceptions.ConvergenceWarning",
    "ignore::sklearn.exceptions.UndefinedMetricWarning",
)

QUICK = {"hidden_layer_sizes": 2, "max_iter": 1, "solver": "sgd", "random_state": 0}
OF_SAMPLES = {
    "table": XORMLPClassifier(**QUICK),
    "table of numbers": XORMLPRegressor(**QUICK),
    "labels": SequenceRNNClassifier(**QUICK),
    "numbers": SequenceRNNRegressor(**QUICK, cell="rnn"),
}
OF_STEPS = {
    "step labels": StepRNNClassifier(**QUICK),
    "step numbers": StepRNNRegressor(**QUICK, cell="lstm"),
}
ESTIMATORS = OF_SAMPLES | OF_STEPS
LENGTHS = np.array([3, 1, 4, 2, 2, 3])
RAGGED = [np.random.RandomState(i).normal(size=(n, 2)) for i, n in enumerate(LENGTHS)]
TABLE = np.random.RandomState(0).normal(size=(6, 3))


def X_of(name):
    return TABLE if "table" in name else RAGGED


def split(values):
    return np.split(np.asarray(values), np.cumsum(LENGTHS)[:-1])


def fit(name, method, y, weight=None):
    """Fit a new estimator; returns what it learned and predicts, and the error if any."""
    estimator = clone(ESTIMATORS[name])
    before, given = freeze(vars(estimator)), freeze((y, weight))

    def run():
        if method == "partial_fit" and "numbers" not in name:
            labels = np.concatenate(y) if name in OF_STEPS else y
            estimator.partial_fit(X_of(name), y, weight, classes=sorted(set(labels)))
        else:
            getattr(estimator, method)(X_of(name), y, weight)
        weights = getattr(estimator, "weights_", None) or estimator.coefs_
        return [weights, estimator.predict(X_of(name))], estimator.loss_curve_

    result, error = outcome(run)
    assert freeze((y, weight)) == given, "the input was changed"
    if error is not None:
        assert freeze(vars(estimator)) == before, "the estimator was changed"
    return result, error


CODES = st.lists(st.integers(0, 2), min_size=15, max_size=15).filter(
    lambda codes: len(set(codes[:6])) > 1
)
NUMBERS = st.lists(
    st.floats(-1e3, 1e3, width=32) | st.sampled_from([1e30, 1e-320, -1e200, 1.7e308]),
    min_size=15,
    max_size=15,
)
LABELS = {  # forms of the labels 0, 1 and 2 that keep their order
    "int8": lambda c: c.astype("i1"),
    "uint64": lambda c: c.astype("u8"),
    "big-endian": lambda c: c.astype(">i4"),
    "floats": lambda c: c.astype("f4"),
    "words": lambda c: np.array(["a", "b", "c"])[c],
    "words as objects": lambda c: np.array(["a", "b", "c"], object)[c],
    "list": lambda c: c.tolist(),
    "list of words": lambda c: np.array(["a", "b", "c"])[c].tolist(),
    "tuple": lambda c: tuple(c.tolist()),
    "read-only": LAYOUTS["read-only"],
    "memory-mapped": LAYOUTS["memory-mapped"],
    "every second": LAYOUTS["strided"],
    "reversed": LAYOUTS["reversed"],
    "nothing masked": np.ma.masked_array,
    "Series": lambda c: pd.Series(c, index=np.arange(len(c)) + 5),
    "Int64": lambda c: pd.Series(c, dtype="Int64"),
    "string": lambda c: pd.Series(np.array(["a", "b", "c"])[c], dtype="string"),
    "category": lambda c: pd.Series(np.array(["a", "b", "c"])[c]).astype("category"),
    "array of pandas": lambda c: pd.array(c, dtype="Int8"),
}
TARGETS = {
    "f4": lambda t: t.astype("f4"),
    "big-endian": lambda t: t.astype(">f8"),
    "list": lambda t: t.tolist(),
    "tuple": lambda t: tuple(t.tolist()),
    "objects": lambda t: t.astype(object),
    "read-only": LAYOUTS["read-only"],
    "memory-mapped": LAYOUTS["memory-mapped"],
    "every second": LAYOUTS["strided"],
    "reversed": LAYOUTS["reversed"],
    "Series": lambda t: pd.Series(t, index=np.arange(len(t)) + 5),
    "Float64": lambda t: pd.Series(t, dtype="Float64"),
}
CONTAINERS = {"list": list, "tuple": tuple, "object array": one_by_one}


@pytest.mark.parametrize("method", ["fit", "partial_fit"])
@pytest.mark.parametrize("name", ESTIMATORS)
def test_any_form_of_targets(name, method, count_inputs):
    numeric = "numbers" in name
    forms = TARGETS if numeric else LABELS

    def check(form, values):
        plain = np.array(values) if numeric else np.array(values, int)
        if numeric and form == "f4":
            plain = np.clip(plain, -3e38, 3e38).astype("f4").astype("f8")
        if name in OF_STEPS:
            y, plain = [forms[form](of_one) for of_one in split(plain)], split(plain)
        else:
            y, plain = forms[form](plain[:6]), plain[:6]
        expected, expected_error = fit(name, method, plain)
        result, error = fit(name, method, y)
        assert (error is None) == (expected_error is None), (error, expected_error)
        if error is None:
            assert_same_output(result[0][0], expected[0][0])
            assert_finite(result[0])

    for form in forms:
        count_inputs(lambda v, form=form: check(form, v), NUMBERS if numeric else CODES, 3, form)


def bad_targets(numeric):
    """List damages to the six targets of samples, or to those of one sequence of steps."""
    bad = {
        "NaN": lambda t: put(t.astype(float), 0, np.nan),
        "infinity": lambda t: put(t.astype(float), 0, np.inf),
        "None": lambda t: put(t.astype(object), 0, None),
        "pd.NA": lambda t: put(t.astype(object), 0, pd.NA),
        "missing in pandas": lambda t: pd.Series(put(t.astype(float), 0, np.nan), dtype="Float64"),
        "masked": lambda t: np.ma.masked_array(t, put(0 * t, 0, 1)),
        "complex": lambda t: t + 1j,
        "fewer": lambda t: t[:-1],
        "more": lambda t: np.append(t, t),
        "none at all": lambda t: t[:0],
        "3-D": lambda t: np.stack([t, t])[..., None] * np.ones(2, int),
        "number": lambda t: 1,
        "nothing": lambda t: None,
        "a word": lambda t: "word",
        "dict": lambda t: dict(enumerate(t)),
        "set": lambda t: set(t.tolist()),
        "generator": lambda t: (value for value in t),
        "ragged": lambda t: [[1], [1, 0]] * 3,
        "mixed": lambda t: put(t.astype(object), 0, "word"),
    }
    if numeric:
        bad["words"] = lambda t: np.full(len(t), "word")
        bad["dates"] = lambda t: t.astype("M8[s]")
        bad["huge"] = lambda t: put(t.astype(object), 0, 10**400)
    else:
        bad["fractions"] = lambda t: t + 0.5
    return bad


@pytest.mark.parametrize("name", ESTIMATORS)
def test_damaged_targets(name, count_inputs):
    def check(spoil, values):
        plain = np.array(values)
        y = spoil(plain[:6])
        if name in OF_STEPS:
            y = [*split(plain)[:-1], spoil(split(plain)[-1])]
        _, error = fit(name, "fit", y)
        assert error is not None, "accepted"

    for damage, spoil in bad_targets("numbers" in name).items():
        count_inputs(lambda v, spoil=spoil: check(spoil, v), CODES, 2, damage)


@pytest.mark.parametrize("name", ESTIMATORS)
def test_junk_instead_of_targets(name, count_inputs):
    def check(y):
        result, error = fit(name, "fit", y)
        if error is None:
            assert_finite(result[0])
            assert len(result[0][1]) == 6

    count_inputs(check, JUNK, 40, "junk")


WEIGHTS = {
    "list": lambda w: w.tolist(),
    "tuple": lambda w: tuple(w.tolist()),
    "big-endian": lambda w: w.astype(">f8"),
    "objects": lambda w: w.astype(object),
    "read-only": LAYOUTS["read-only"],
    "memory-mapped": LAYOUTS["memory-mapped"],
    "every second": LAYOUTS["strided"],
    "Series": lambda w: pd.Series(w, index=range(7, 13)),
    "Float64": lambda w: pd.Series(w, dtype="Float64"),
}
BAD_WEIGHTS = {
    "negative": lambda w: put(w, 0, -1.0),
    "NaN": lambda w: put(w, 0, np.nan),
    "infinity": lambda w: put(w, 0, np.inf),
    "None inside": lambda w: put(w.astype(object), 0, None),
    "words": lambda w: np.full(6, "word"),
    "complex": lambda w: w + 1j,
    "fewer": lambda w: w[:-1],
    "more": lambda w: np.append(w, w),
    "all zero": lambda w: 0 * w,
    "masked": lambda w: np.ma.masked_array(w, put(0 * w, 0, 1)),
    "3-D": lambda w: w[:, None, None],
    "dict": lambda w: dict(enumerate(w)),
    "a word": lambda w: "word",
    "generator": lambda w: (value for value in w),
    "ragged": lambda w: [[1.0], [1.0, 2.0]] * 3,
}
POSITIVE = st.lists(
    st.floats(0, 10) | st.sampled_from([5e-324, 1e-200, 1e200, 1.7e308]), min_size=6, max_size=6
).filter(any)


@pytest.mark.parametrize("name", ESTIMATORS)
def test_any_form_of_weights(name, count_inputs):
    y = np.arange(15) % 2
    y = split(y) if name in OF_STEPS else y[:6]

    def check(form, values):
        plain = np.array(values)
        expected, expected_error = fit(name, "fit", y, plain)
        result, error = fit(name, "fit", y, WEIGHTS[form](plain))
        assert (error is None) == (expected_error is None), (error, expected_error)
        if error is None:
            assert_same_output(result[0][0], expected[0][0])
            assert_finite(result[0])

    for form in WEIGHTS:
        count_inputs(lambda v, form=form: check(form, v), POSITIVE, 4, form)


@pytest.mark.parametrize("name", ESTIMATORS)
def test_damaged_weights(name, count_inputs):
    y = np.arange(15) % 2
    y = split(y) if name in OF_STEPS else y[:6]

    def check(spoil, values):
        _, error = fit(name, "fit", y, spoil(np.array(values)))
        assert error is not None, "accepted"

    for damage, spoil in BAD_WEIGHTS.items():
        count_inputs(lambda v, spoil=spoil: check(spoil, v), POSITIVE, 2, damage)


METRICS = {
    "flat_accuracy_score": metrics.flat_accuracy_score,
    "flat_precision_score": metrics.flat_precision_score,
    "flat_recall_score": metrics.flat_recall_score,
    "flat_f1_score": metrics.flat_f1_score,
    "flat_classification_report": metrics.flat_classification_report,
    "sequence_accuracy_score": metrics.sequence_accuracy_score,
    "flat_r2_score": metrics.flat_r2_score,
}


@pytest.mark.parametrize("name", METRICS)
def test_metrics_of_any_form(name, count_inputs):
    def check(given):
        form, container, values, weight = given
        y, other = split(values), split(values[::-1])
        arguments = [[LABELS[form](of_one) for of_one in one] for one in (y, other)]
        if container in CONTAINERS:
            arguments = [CONTAINERS[container](argument) for argument in arguments]
        before = freeze(arguments)
        numeric = np.asarray(arguments[0][0]).dtype.kind in "iuf"
        score, error = outcome(lambda: METRICS[name](*arguments, sample_weight=weight))
        expected, expected_error = outcome(lambda: METRICS[name](y, other, sample_weight=weight))
        assert freeze(arguments) == before
        if name == "flat_r2_score" and not numeric:
            assert error is not None
            return
        assert error is None, error
        assert expected_error is None
        if name == "flat_classification_report":
            assert isinstance(score, str)
        else:
            np.testing.assert_allclose(score, expected, rtol=1e-4)

    inputs = st.tuples(
        st.sampled_from([*LABELS]),
        st.sampled_from([*CONTAINERS]),
        st.lists(st.integers(0, 2), min_size=15, max_size=15),
        st.none() | st.just(LENGTHS.tolist()),
    )
    count_inputs(check, inputs, 40)


@pytest.mark.parametrize("name", METRICS)
def test_metrics_of_junk(name, count_inputs):
    y = split(np.arange(15) % 3)

    def check(given):
        junk, as_truth, as_weight = given
        arguments = [y, y, junk] if as_weight else [junk, y, None] if as_truth else [y, junk, None]
        before = freeze(arguments)
        score, error = outcome(lambda: METRICS[name](*arguments[:2], sample_weight=arguments[2]))
        assert freeze(arguments) == before
        if error is None and not isinstance(score, str):
            assert np.isfinite(score)

    count_inputs(check, st.tuples(JUNK, st.booleans(), st.booleans()), 40)


@pytest.mark.parametrize("name", METRICS)
def test_metrics_of_damage(name, count_inputs):
    def check(given):
        spoil, i, as_truth, values = given
        y = split(values)
        spoilt = [*y[:i], spoil(y[i]), *y[i + 1 :]]
        arguments = (spoilt, y) if as_truth else (y, spoilt)
        _, error = outcome(lambda: METRICS[name](*arguments))
        assert error is not None, "accepted"

    damages = {
        "NaN": lambda t: put(t.astype(float), 0, np.nan),
        "None": lambda t: put(t.astype(object), 0, None),
        "masked": lambda t: np.ma.masked_array(t, put(0 * t, 0, 1)),
        "fewer": lambda t: t[:-1],
        "more": lambda t: np.append(t, t),
        "number": lambda t: 1,
        "nothing": lambda t: None,
        "dict": lambda t: dict(enumerate(t)),
        "3-D": lambda t: t[:, None, None] + np.zeros((2, 2), int),
    }
    for damage, spoil in damages.items():
        inputs = st.tuples(st.just(spoil), st.integers(0, 5), st.booleans(), CODES)
        count_inputs(check, inputs, 4, damage)
