"""Tags of estimators for scikit-learn before 1.9."""

import sklearn.utils


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
