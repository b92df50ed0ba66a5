"""Checks that scikit-learn makes from 1.9 on, for older versions."""

import sklearn.utils
from sklearn.utils import validation


def get_tags(estimator):
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


def check_sample_weight(sample_weight, X, **options):
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
    weight = validation._check_sample_weight(sample_weight, X, **options)
    if not weight.any():
        raise ValueError("Sample weights must contain at least one non-zero number.")
    return weight
