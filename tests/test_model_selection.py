"""Cross-validated predictions of steps: scikit-learn's conventions and errors."""

import warnings

import numpy as np
import pytest
import sklearn
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import BaseEstimator, clone
from sklearn.exceptions import UnsetMetadataPassedError
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, GroupKFold, KFold, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skrnn import PerStep, StepRNNClassifier
from skrnn.datasets import make_shift
from skrnn.model_selection import cross_val_predict_steps

X, y = make_shift(12, min_length=1, random_state=0)


class Recorder(BaseEstimator):
    """Predict the number of training sequences at each step; record what fit received."""

    def fit(self, X, y, sample_weight=None):
        self.n_, self.total_ = len(X), None if sample_weight is None else sample_weight.sum()
        self.classes_ = np.array([0, 1])
        return self

    def predict_proba(self, X):
        return [np.full(len(x), self.total_ or self.n_) for x in X]


class Unfittable(Recorder):
    def fit(self, X, y):
        raise RuntimeError("cannot be fitted")


def first_steps(**kwargs):
    return [prediction[0] for prediction in cross_val_predict_steps(Recorder(), X, y, **kwargs)]


def test_groups_and_params_without_metadata_routing():
    groups = np.arange(12) // 5
    found = first_steps(groups=groups, cv=GroupKFold(3))
    assert_array_equal(found, 12 - np.bincount(groups)[groups])
    weight = np.arange(12.0)
    found = first_steps(cv=KFold(2), params={"sample_weight": weight})
    assert_array_equal(found, np.repeat([weight[6:].sum(), weight[:6].sum()], 6))


def test_groups_and_params_with_metadata_routing():
    groups, weight = np.arange(12) // 5, np.arange(12.0)
    with sklearn.config_context(enable_metadata_routing=True):
        found = first_steps(groups=groups, cv=GroupKFold(3))
        assert_array_equal(found, 12 - np.bincount(groups)[groups])
        arguments = {"cv": KFold(2), "params": {"sample_weight": weight}}
        with pytest.raises(UnsetMetadataPassedError, match=r"\['?sample_weight'?\] are passed"):
            cross_val_predict_steps(Recorder(), X, y, **arguments)
        requesting = Recorder().set_fit_request(sample_weight=True)
        found = cross_val_predict_steps(requesting, X, y, **arguments)
    expected = np.repeat([weight[6:].sum(), weight[:6].sum()], 6)
    assert_array_equal([prediction[0] for prediction in found], expected)


def test_the_error_of_a_fit_is_raised():
    with pytest.raises(RuntimeError, match="cannot be fitted"):
        cross_val_predict_steps(Unfittable(), X, y, cv=2)


def test_no_split_is_refused():
    with pytest.raises(ValueError, match="cv must put each sequence into exactly one test fold"):
        cross_val_predict_steps(Recorder(), X, y, cv=[])


def test_an_unknown_method_is_refused():
    with pytest.raises(AttributeError, match="has no attribute 'transform'"):
        cross_val_predict_steps(Recorder(), X, y, cv=2, method="transform")


# Classes that a training fold lacks


class EachStep(BaseEstimator):
    """Apply an estimator of scikit-learn to each step by itself."""

    def __init__(self, estimator):
        self.estimator = estimator

    def fit(self, X, y):
        self.fitted_ = clone(self.estimator).fit(np.concatenate(X), np.concatenate(y))
        self.classes_ = self.fitted_.classes_
        return self

    def predict_proba(self, X):
        return [self.fitted_.predict_proba(x) for x in X]

    def predict_log_proba(self, X):
        return [self.fitted_.predict_log_proba(x) for x in X]

    def decision_function(self, X):
        return [self.fitted_.decision_function(x) for x in X]


METHODS = ["predict_proba", "predict_log_proba", "decision_function"]
RNG = np.random.RandomState(0)
STEPS = [RNG.normal(size=(2, 2)) for _ in range(8)]  # two steps each, so that folds agree
FOUR = [["d", "a"], ["a", "b"], ["b", "d"], ["a", "b"], ["a", "d"], ["d", "b"], ["c", "c"], "ac"]
FOUR = [np.array(list(labels)) for labels in FOUR]  # the last fold of four alone has "c"
NET = StepRNNClassifier(3, max_iter=2, learning_rate="cosine", random_state=0)


@pytest.mark.parametrize("method", METHODS)
def test_columns_of_absent_classes_equal_those_of_scikit_learn(method):
    logistic = LogisticRegression()
    rows, labels = np.concatenate(STEPS), np.concatenate(FOUR)
    with pytest.warns(RuntimeWarning, match="Number of classes in training fold"):
        expected = cross_val_predict(logistic, rows, labels, cv=KFold(4), method=method)
    with pytest.warns(RuntimeWarning, match=r"Classes \['c'\] are absent from a training fold"):
        found = cross_val_predict_steps(EachStep(logistic), STEPS, FOUR, cv=4, method=method)
    assert_allclose(np.concatenate(found), expected)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(
    "estimator",
    [
        NET,
        make_pipeline(PerStep(StandardScaler()), NET),
        GridSearchCV(NET, {"alpha": [0.1]}, cv=[([0, 1, 2], [3])]),
    ],
    ids=["network", "pipeline", "search"],
)
def test_columns_are_those_of_all_labels(estimator, dtype, method):
    X = [x.astype(dtype) for x in STEPS]
    with pytest.warns(RuntimeWarning, match=r"Classes \['c'\] are absent"):
        found = cross_val_predict_steps(estimator, X, FOUR, cv=4, method=method)
    last = getattr(clone(estimator).fit(X[:6], FOUR[:6]), method)(X[6:])
    lowest = 0 if method == "predict_proba" else np.finfo(dtype).min
    for predicted, expected in zip(found[6:], last, strict=True):
        assert predicted.dtype == dtype
        assert_array_equal(predicted, np.insert(expected, 2, lowest, axis=1))
    assert all(predicted.shape == (2, 4) for predicted in found)


def test_decision_of_two_of_three_classes_is_refused():
    # Without columns, the values of two classes and of three cannot be put side by side.
    labels = [np.array(list(text)) for text in ("ab", "ba", "ab", "ca")]
    message = r"only the classes \['a', 'b'\] of \['a', 'b', 'c'\].* training folds contain every"
    with pytest.raises(ValueError, match=message):
        cross_val_predict_steps(NET, STEPS[:4], labels, cv=4, method="decision_function")


@pytest.mark.parametrize("method", METHODS)
def test_nothing_changes_where_no_class_is_absent(method):
    two = [np.array(["a", "b"])] * 4
    several = [RNG.randint(2, size=(2, 3)) for _ in range(4)]
    several[2:] = [labels * [1, 0, 1] for labels in several[2:]]  # no class is lost
    for targets in (two, several):
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            found = cross_val_predict_steps(NET, STEPS[:4], targets, cv=2, method=method)
        by_hand = clone(NET).fit(STEPS[:2], targets[:2])
        for predicted, expected in zip(
            found[2:], getattr(by_hand, method)(STEPS[2:4]), strict=True
        ):
            assert_array_equal(predicted, expected)


def test_labels_in_padding_have_no_column():
    padded = np.array([["a", "b", "?"], ["b", "a", "a"], ["b", "a", "?"], ["a", "b", "b"]])
    X = np.array([[1.0, 2, np.nan], [1, 2, 3], [3, 1, np.nan], [1, 2, 3]])
    found = cross_val_predict_steps(NET, X, padded, cv=2)
    assert [predicted.shape for predicted in found] == [(2, 2), (3, 2), (2, 2), (3, 2)]


def test_a_missing_label_has_no_column():
    for missing in (None, np.nan):
        labels = [[0, 1], [1, missing], [0, 1], [1, 0]]
        found = cross_val_predict_steps(Recorder(), STEPS[:4], labels, cv=2)
        assert_array_equal(found[0], [2, 2])


def test_classes_that_y_lacks_are_refused():
    message = r"classes \[0, 1\], which are not among the labels of y, \[5, 6\]"
    with pytest.raises(ValueError, match=message):
        cross_val_predict_steps(Recorder(), X, [labels + 5 for labels in y], cv=2)
