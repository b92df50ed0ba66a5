"""Checks that scikit-learn makes from 1.9 on, for older versions."""

from __future__ import annotations

from typing import TYPE_CHECKING

import sklearn.utils
from sklearn.utils import validation

if TYPE_CHECKING:
    from typing import Any

    import numpy as np
    from sklearn.utils import Tags


def get_tags(estimator: Any) -> Tags:
    """Get the tags of an estimator, and refuse a class, as scikit-learn 1.9 does.

    Parameters
    ----------
    estimator : estimator
        An instance.

    Returns
    -------
    tags : `sklearn.utils.Tags`
        Its tags.

    Raises
    ------
    TypeError
        If it is a class.
    """
    if isinstance(estimator, type):
        raise TypeError(
            f"Expected an estimator instance ({estimator.__name__}()), got "
            f"estimator class instead ({estimator.__name__})."
        )
    return sklearn.utils.get_tags(estimator)


def check_sample_weight(sample_weight: Any, X: Any, **options: Any) -> np.ndarray:
    """Check sample weights, and refuse those that are zero for every sample.

    Parameters
    ----------
    sample_weight : array-like of shape (n_samples,), number or None
        The weights.

    X : array-like of length n_samples
        The samples.

    **options : dict
        As in scikit-learn.

    Returns
    -------
    sample_weight : ndarray of shape (n_samples,)
        The weights.

    Raises
    ------
    ValueError
        If the weights are invalid.
    """
    weight: np.ndarray = validation._check_sample_weight(sample_weight, X, **options)
    if not weight.any():
        raise ValueError("Sample weights must contain at least one non-zero number.")
    return weight
