"""Cross-validated predictions for the steps of sequences."""

from __future__ import annotations

import numpy as np
from sklearn.model_selection import check_cv, cross_validate
from sklearn.utils import _safe_indexing
from sklearn.utils.validation import _num_samples, check_consistent_length


def cross_val_predict_steps(
    estimator, X, y, *, groups=None, cv=None, n_jobs=None, method="predict_proba", params=None
):
    """Predict each sequence with an estimator that was fitted without it.

    `sklearn.model_selection.cross_val_predict` does this for ``method="predict"``. For
    probabilities it needs one class label per sample, and fails with labels of steps.

    Parameters
    ----------
    estimator : estimator
        `StepRNNClassifier`, or another estimator with a prediction for each step, such as a
        pipeline.

    X : list, tuple, object array, Series, 2-D or 3-D array of sequences
        Sequences in any form that the estimator accepts.

    y : list or array-like of n_sequences arrays
        Targets of the steps.

    groups : array-like of shape (n_sequences,), default=None
        Group of each sequence, for splitters such as `sklearn.model_selection.GroupKFold`.

    cv : int, splitter or iterable, default=None
        Splitting strategy. None means 5 folds of consecutive sequences.

    n_jobs : int, default=None
        Number of fits that run in parallel, as in `sklearn.model_selection.cross_validate`.

    method : str, default='predict_proba'
        Method that is called on each fitted estimator.

    params : dict, default=None
        Parameters passed to ``fit``. Those with one entry per sequence are split like X. With
        metadata routing enabled, the estimator has to request them.

    Returns
    -------
    predictions : ndarray of shape (n_sequences,) and dtype object
        One array for each sequence.

    Raises
    ------
    ValueError
        If the test folds do not contain each sequence exactly once.

    Examples
    --------
    >>> from skrnn import StepRNNClassifier
    >>> from skrnn.datasets import make_shift
    >>> from skrnn.model_selection import cross_val_predict_steps
    >>> X, y = make_shift(60, random_state=0)
    >>> clf = StepRNNClassifier(8, random_state=0)
    >>> probabilities = cross_val_predict_steps(clf, X, y, cv=2)
    >>> [p.shape == (len(x), 2) for p, x in zip(probabilities, X)] == [True] * 60
    True
    """
    check_consistent_length(X, y, groups)
    n_sequences = _num_samples(X)
    splits = list(check_cv(cv, classifier=False).split(X, y, groups))
    tested = [i for _, test in splits for i in test]
    if sorted(tested) != list(range(n_sequences)):
        raise ValueError("cv must put each sequence into exactly one test fold.")
    fits = cross_validate(
        estimator,
        X,
        y,
        cv=splits,
        scoring=_no_score,
        n_jobs=n_jobs,
        params=params,
        return_estimator=True,
        error_score="raise",
    )
    predictions = np.empty(n_sequences, dtype=object)
    for (_, test), fitted in zip(splits, fits["estimator"], strict=True):
        predicted = getattr(fitted, method)(_safe_indexing(X, test))
        predictions[test] = np.fromiter(predicted, dtype=object)
    return predictions


def _no_score(estimator, X, y):
    """Replace the score, which `cross_validate` requires, at no cost."""
    return 0.0
