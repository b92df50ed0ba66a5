"""Cross-validation of answers for the steps of sequences, where scikit-learn's cannot help."""

from __future__ import annotations

import numpy as np
from sklearn.base import clone
from sklearn.model_selection import check_cv
from sklearn.utils import _safe_indexing
from sklearn.utils.parallel import Parallel, delayed
from sklearn.utils.validation import check_consistent_length


def cross_val_predict_steps(
    estimator, X, y, *, groups=None, cv=None, n_jobs=None, method="predict_proba", params=None
):
    """Predict each sequence by an estimator that was fitted without it.

    `sklearn.model_selection.cross_val_predict` does this for ``method="predict"``; for
    probabilities it takes the targets of all steps for class labels of samples, and fails.

    Parameters
    ----------
    estimator : estimator
        `StepRNNClassifier`, or anything else that answers each step, such as a pipeline.

    X : list, tuple, object array, Series, 2-D or 3-D array of sequences
        Sequences in any form that the estimator takes.

    y : list or array-like of n_sequences arrays
        Targets of the steps.

    groups : array-like of shape (n_sequences,), default=None
        Groups that the splitter keeps together.

    cv : int, splitter or iterable, default=None
        How to split; None means 5 folds of neighbouring sequences.

    n_jobs : int, default=None
        Number of parallel jobs.

    method : str, default='predict_proba'
        What to call on each fitted estimator.

    params : dict, default=None
        Passed to ``fit``; what has an entry for each sequence is split like X.

    Returns
    -------
    predictions : ndarray of shape (n_sequences,) and dtype object
        One array for each sequence.

    Raises
    ------
    ValueError
        If the folds do not hold each sequence exactly once.

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
    splits = list(check_cv(cv, classifier=False).split(X, y, groups))
    if not splits:
        raise ValueError("cv yields no split of X into training and test sequences.")
    tested = np.concatenate([test for _, test in splits])
    if not np.array_equal(np.sort(tested), np.arange(len(X))):
        raise ValueError("cv must put each sequence into exactly one test fold.")
    answers = Parallel(n_jobs=n_jobs)(
        delayed(_fit_and_call)(clone(estimator), X, y, train, test, method, params or {})
        for train, test in splits
    )
    predictions = np.empty(len(X), dtype=object)
    for (_, test), of_fold in zip(splits, answers, strict=True):
        for i, of_one in zip(test, of_fold, strict=True):
            predictions[i] = of_one
    return predictions


def _fit_and_call(estimator, X, y, train, test, method, params):
    split = {
        name: _safe_indexing(value, train)
        if hasattr(value, "__len__") and len(value) == len(X)
        else value
        for name, value in params.items()
    }
    estimator.fit(_safe_indexing(X, train), _safe_indexing(y, train), **split)
    return getattr(estimator, method)(_safe_indexing(X, test))
