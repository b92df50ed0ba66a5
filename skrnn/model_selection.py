"""Cross-validated predictions for the steps of sequences."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

import numpy as np
from sklearn.model_selection import check_cv, cross_validate
from sklearn.utils import _safe_indexing
from sklearn.utils.validation import _num_samples, check_consistent_length

from skrnn._input import flatten_steps
from skrnn._input.values import missing_in

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, Literal

    from numpy.typing import ArrayLike

# What scikit-learn's cross_val_predict returns for classes that a training fold lacks.
_OF_ABSENT_CLASSES: dict[str, Callable[[Any], float]] = {
    "predict_proba": lambda dtype: 0,
    "predict_log_proba": lambda dtype: np.finfo(dtype).min,
    "decision_function": lambda dtype: np.finfo(dtype).min,
}


def cross_val_predict_steps(
    estimator: Any,
    X: Any,
    y: Any,
    *,
    groups: ArrayLike | None = None,
    cv: Any = None,
    n_jobs: int | None = None,
    method: Literal[
        "predict_proba", "predict_log_proba", "decision_function", "predict"
    ] = "predict_proba",
    params: dict[str, Any] | None = None,
) -> np.ndarray:
    """Predict each sequence with an estimator that was fitted without it.

    `sklearn.model_selection.cross_val_predict` does this for ``method="predict"``. For
    probabilities it needs one class label per sample, and fails with labels of steps.

    Parameters
    ----------
    estimator : estimator
        `StepRNNClassifier`, or another estimator with a prediction for each step, such as a
        pipeline.

    X : list, tuple, object array, Series, Sequences, 2-D or 3-D array, or DataFrame
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
        One array for each sequence. If `method` is 'predict_proba', 'predict_log_proba' or
        'decision_function', there is a column for each label in `y`, in sorted order (for
        multilabel targets, in the order of the columns of `y`). The decision function of two
        classes has no columns. As in scikit-learn, a class that is absent from a training fold
        has probability 0 there, and the lowest value of the dtype as log-probability and
        decision value.

    Raises
    ------
    ValueError
        If the test folds do not contain each sequence exactly once, or a training fold has
        fewer classes than `y` and the decision function of its two classes no columns.

    Warns
    -----
    RuntimeWarning
        If a class is absent from a training fold.

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
        params=params or {},  # before scikit-learn 1.7, metadata routing requires a dict
        return_estimator=True,
        error_score="raise",
    )
    predictions = np.empty(n_sequences, dtype=object)
    for (_, test), fitted in zip(splits, fits["estimator"], strict=True):
        predicted = getattr(fitted, method)(_safe_indexing(X, test))
        predictions[test] = np.fromiter(predicted, dtype=object)
    if method in _OF_ABSENT_CLASSES:
        labels = _labels(y, [len(steps) for steps in predictions])
        for (_, test), fitted in zip(splits, fits["estimator"], strict=True):
            columns = _columns(fitted.classes_, labels, method)
            if len(columns) < len(labels):
                for i in test:
                    predictions[i] = _insert_absent(predictions[i], columns, len(labels), method)
    return predictions


def _labels(y: Any, lengths: list[int]) -> np.ndarray:
    """Find the labels of all steps, sorted; the column numbers for multilabel targets."""
    y = flatten_steps(y, np.array(lengths), "y")
    if y.ndim == 2 and y.shape[1] > 1:
        return np.arange(y.shape[1])
    y = y.ravel()
    return np.unique(y[~missing_in(y)])


def _columns(classes: np.ndarray, labels: np.ndarray, method: str) -> np.ndarray:
    """Find the column of each class of a fit among those of all labels."""
    if not np.isin(classes, labels).all():
        raise ValueError(
            f"A fitted estimator has classes {np.setdiff1d(classes, labels).tolist()}, which are "
            f"not among the labels of y, {labels.tolist()}."
        )
    if len(classes) < len(labels):
        absent = np.setdiff1d(labels, classes).tolist()
        remedy = "Choose a cv whose training folds contain every class."
        if method == "decision_function" and len(classes) <= 2:
            raise ValueError(
                f"A training fold contains only the classes {classes.tolist()} of "
                f"{labels.tolist()}, and their decision function has no column for each. {remedy}"
            )
        warnings.warn(
            f"Classes {absent} are absent from a training fold, so the estimator fitted on it "
            f"cannot predict them. {remedy}",
            RuntimeWarning,
            stacklevel=3,
        )
    return np.searchsorted(labels, classes)


def _insert_absent(
    predicted: np.ndarray, columns: np.ndarray, n_labels: int, method: str
) -> np.ndarray:
    """Insert the columns of classes that are absent from a training fold."""
    value = _OF_ABSENT_CLASSES[method](predicted.dtype)
    every = np.full((len(predicted), n_labels), value, predicted.dtype)
    every[:, columns] = predicted
    return every


def _no_score(estimator: Any, X: Any, y: Any) -> float:
    """Replace the score, which `cross_validate` requires, at no cost."""
    return 0.0
