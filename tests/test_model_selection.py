"""Cross-validated predictions of steps: scikit-learn's conventions and errors."""

import numpy as np
import pytest
import sklearn
from numpy.testing import assert_array_equal
from sklearn.base import BaseEstimator
from sklearn.exceptions import UnsetMetadataPassedError
from sklearn.model_selection import GroupKFold, KFold

from skrnn.datasets import make_shift
from skrnn.model_selection import cross_val_predict_steps

X, y = make_shift(12, min_length=1, random_state=0)


class Recorder(BaseEstimator):
    """Predict the number of training sequences at each step; record what fit received."""

    def fit(self, X, y, sample_weight=None):
        self.n_, self.total_ = len(X), None if sample_weight is None else sample_weight.sum()
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
        with pytest.raises(UnsetMetadataPassedError, match=r"\[sample_weight\] are passed but"):
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
