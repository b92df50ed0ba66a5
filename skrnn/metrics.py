"""Metrics of predictions for the steps of sequences, for use in ``scoring=``.

Targets and predictions are lists or object arrays of one array for each sequence. A *flat*
metric puts the steps of all sequences together and calls scikit-learn's. `flat_score` does this
with any metric; the others are shorthands for common ones. A *span* metric compares the spans that
labels such as 'B-PER' and 'I-PER' mark. A span is predicted correctly if its type, its first and
its last step are.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, overload

import numpy as np
from sklearn import metrics
from sklearn.metrics import make_scorer

from skrnn._input import refuse_masked
from skrnn._joined import check_weights, flatten
from skrnn._span_metrics import span_classification_report as span_classification_report
from skrnn._span_metrics import span_f1_score as span_f1_score
from skrnn._span_metrics import (
    span_precision_recall_fscore_support as span_precision_recall_fscore_support,
)
from skrnn._span_metrics import span_precision_score as span_precision_score
from skrnn._span_metrics import span_recall_score as span_recall_score
from skrnn._span_metrics import spans as spans

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from skrnn._types import Average


def flat_score(
    y_true: Any,
    y_pred: Any,
    *,
    metric: Callable[..., Any],
    sample_weight: Any = None,
    **options: Any,
) -> Any:
    """Compute any metric of scikit-learn over all steps.

    Parameters
    ----------
    y_true : array-like of n_sequences arrays of shape (n_steps,) or (n_steps, n_outputs)
        Labels or numbers of the steps; also a padded 2-D or 3-D array, whose values in the
        padding are ignored. A value may be missing (None or NaN) if the weight of its step is
        0. Such a step is left out.

    y_pred : array-like of n_sequences arrays of shape (n_steps,) or (n_steps, n_outputs)
        Predictions for the steps: labels, numbers, or what else `metric` takes, such as the
        probabilities that `sklearn.metrics.log_loss` takes.

    metric : callable
        Function called as ``metric(y_true, y_pred, **options)``, with arrays that hold a row
        for each step of all sequences.

    sample_weight : array-like, default=None
        A weight for each sequence, or for each step in the form of `y_true`. If given, `metric`
        gets an array of one weight for each step.

    **options
        Passed to `metric`.

    Returns
    -------
    score : float or other
        What `metric` returns.

    Raises
    ------
    ValueError
        If the number of sequences, or of the steps of one, is not the same in both, or a value
        is missing or not finite.

    TypeError
        If `metric` is no function.

    Examples
    --------
    >>> from sklearn.metrics import confusion_matrix, log_loss
    >>> from skrnn.metrics import flat_score
    >>> flat_score([[0, 1, 1], [1]], [[0, 1, 0], [1]], metric=confusion_matrix)
    array([[1, 0],
           [1, 2]])

    A scorer of probabilities, with all classes in sorted order, for folds that lack one. From
    scikit-learn 1.9 on, `make_scorer` with ``response_method="predict_proba"`` does the same:

    >>> def scorer(estimator, X, y):
    ...     return -flat_score(y, estimator.predict_proba(X), metric=log_loss, labels=[0, 1])
    >>> from skrnn import StepRNNClassifier
    >>> X, y = [[0, 1, 1], [1]] * 5, [[0, 1, 1], [1]] * 5
    >>> bool(scorer(StepRNNClassifier(8, random_state=0).fit(X, y), X, y) > -0.1)
    True
    """
    if not callable(metric):
        raise TypeError(f"metric must be a function, such as f1_score, got {metric!r}.")
    truth, predictions, sample_weight, _ = flatten(y_true, y_pred, sample_weight)
    if sample_weight is not None:
        options["sample_weight"] = sample_weight
    return metric(truth, predictions, **options)


def flat_accuracy_score(
    y_true: Any, y_pred: Any, *, sample_weight: Any = None, **options: Any
) -> float:
    """Compute the share of the steps whose label is predicted correctly.

    Parameters
    ----------
    y_true : array-like of n_sequences arrays of shape (n_steps,) or (n_steps, n_labels)
        Labels of the steps; also a padded 2-D or 3-D array, whose values in the
        padding are ignored.

    y_pred : array-like of n_sequences arrays of shape (n_steps,) or (n_steps, n_labels)
        Predicted labels of the steps.

    sample_weight : array-like, default=None
        A weight for each sequence, or for each step in the form of `y_true`.

    **options
        Options of `sklearn.metrics.accuracy_score`: ``normalize=False`` returns the number of
        steps instead of their share.

    Returns
    -------
    score : float
        1 at best.

    Raises
    ------
    ValueError
        If the number of sequences, or of the steps of one, is not the same in both, or a value
        is missing at a step whose weight is not 0.

    Examples
    --------
    >>> from skrnn.metrics import flat_accuracy_score
    >>> flat_accuracy_score([[0, 1, 1], [1]], [[0, 1, 0], [1]])
    0.75
    """
    score: float = flat_score(
        y_true, y_pred, metric=metrics.accuracy_score, sample_weight=sample_weight, **options
    )
    return score


@overload
def flat_precision_score(
    y_true: Any,
    y_pred: Any,
    *,
    average: Average = ...,
    sample_weight: Any = ...,
    **options: Any,
) -> float: ...
@overload
def flat_precision_score(
    y_true: Any,
    y_pred: Any,
    *,
    average: None,
    sample_weight: Any = ...,
    **options: Any,
) -> np.ndarray: ...
def flat_precision_score(
    y_true: Any,
    y_pred: Any,
    *,
    average: Average | None = "macro",
    sample_weight: Any = None,
    **options: Any,
) -> float | np.ndarray:
    """Compute the precision over all steps: how many predictions of a label are correct.

    Parameters
    ----------
    y_true : array-like of n_sequences arrays of shape (n_steps,) or (n_steps, n_labels)
        Labels of the steps; also a padded 2-D or 3-D array, whose values in the
        padding are ignored.

    y_pred : array-like of n_sequences arrays of shape (n_steps,) or (n_steps, n_labels)
        Predicted labels of the steps.

    average : {'micro', 'macro', 'weighted', 'binary', 'samples'} or None, default='macro'
        How the scores of the labels are averaged.

    sample_weight : array-like, default=None
        A weight for each sequence, or for each step in the form of `y_true`.

    **options
        Options of `sklearn.metrics.precision_score`: `labels`, `pos_label`, `zero_division`.

    Returns
    -------
    score : float or ndarray of float
        1 at best; one for each label with ``average=None``.

    Raises
    ------
    ValueError
        If the number of sequences, or of the steps of one, is not the same in both, or a value
        is missing at a step whose weight is not 0.

    Examples
    --------
    >>> from skrnn.metrics import flat_precision_score
    >>> flat_precision_score([["a", "b", "b"], ["b"]], [["a", "b", "a"], ["b"]], average=None)
    array([0.5, 1. ])
    """
    score: float | np.ndarray = flat_score(
        y_true,
        y_pred,
        metric=metrics.precision_score,
        average=average,
        sample_weight=sample_weight,
        **options,
    )
    return score


@overload
def flat_recall_score(
    y_true: Any,
    y_pred: Any,
    *,
    average: Average = ...,
    sample_weight: Any = ...,
    **options: Any,
) -> float: ...
@overload
def flat_recall_score(
    y_true: Any,
    y_pred: Any,
    *,
    average: None,
    sample_weight: Any = ...,
    **options: Any,
) -> np.ndarray: ...
def flat_recall_score(
    y_true: Any,
    y_pred: Any,
    *,
    average: Average | None = "macro",
    sample_weight: Any = None,
    **options: Any,
) -> float | np.ndarray:
    """Compute the recall over all steps: how many steps of a label are predicted correctly.

    Parameters
    ----------
    y_true : array-like of n_sequences arrays of shape (n_steps,) or (n_steps, n_labels)
        Labels of the steps; also a padded 2-D or 3-D array, whose values in the
        padding are ignored.

    y_pred : array-like of n_sequences arrays of shape (n_steps,) or (n_steps, n_labels)
        Predicted labels of the steps.

    average : {'micro', 'macro', 'weighted', 'binary', 'samples'} or None, default='macro'
        How the scores of the labels are averaged.

    sample_weight : array-like, default=None
        A weight for each sequence, or for each step in the form of `y_true`.

    **options
        Options of `sklearn.metrics.recall_score`: `labels`, `pos_label`, `zero_division`.

    Returns
    -------
    score : float or ndarray of float
        1 at best; one for each label with ``average=None``.

    Raises
    ------
    ValueError
        If the number of sequences, or of the steps of one, is not the same in both, or a value
        is missing at a step whose weight is not 0.

    Examples
    --------
    >>> from skrnn.metrics import flat_recall_score
    >>> flat_recall_score([["a", "b"], ["b", "b"]], [["a", "a"], ["b", "b"]], average=None).round(2)
    array([1.  , 0.67])
    """
    score: float | np.ndarray = flat_score(
        y_true,
        y_pred,
        metric=metrics.recall_score,
        average=average,
        sample_weight=sample_weight,
        **options,
    )
    return score


@overload
def flat_f1_score(
    y_true: Any,
    y_pred: Any,
    *,
    average: Average = ...,
    sample_weight: Any = ...,
    **options: Any,
) -> float: ...
@overload
def flat_f1_score(
    y_true: Any,
    y_pred: Any,
    *,
    average: None,
    sample_weight: Any = ...,
    **options: Any,
) -> np.ndarray: ...
def flat_f1_score(
    y_true: Any,
    y_pred: Any,
    *,
    average: Average | None = "macro",
    sample_weight: Any = None,
    **options: Any,
) -> float | np.ndarray:
    """Compute the F1 score over all steps: the harmonic mean of precision and recall.

    Parameters
    ----------
    y_true : array-like of n_sequences arrays of shape (n_steps,) or (n_steps, n_labels)
        Labels of the steps; also a padded 2-D or 3-D array, whose values in the
        padding are ignored.

    y_pred : array-like of n_sequences arrays of shape (n_steps,) or (n_steps, n_labels)
        Predicted labels of the steps.

    average : {'micro', 'macro', 'weighted', 'binary', 'samples'} or None, default='macro'
        How the scores of the labels are averaged.

    sample_weight : array-like, default=None
        A weight for each sequence, or for each step in the form of `y_true`.

    **options
        Options of `sklearn.metrics.f1_score`: `labels`, `pos_label`, `zero_division`.

    Returns
    -------
    score : float or ndarray of float
        1 at best; one for each label with ``average=None``.

    Raises
    ------
    ValueError
        If the number of sequences, or of the steps of one, is not the same in both, or a value
        is missing at a step whose weight is not 0.

    Examples
    --------
    >>> from skrnn.metrics import flat_f1_score
    >>> flat_f1_score([["a", "b"], ["b"]], [["a", "b"], ["b"]])
    1.0
    """
    score: float | np.ndarray = flat_score(
        y_true,
        y_pred,
        metric=metrics.f1_score,
        average=average,
        sample_weight=sample_weight,
        **options,
    )
    return score


def flat_classification_report(
    y_true: Any, y_pred: Any, *, sample_weight: Any = None, **options: Any
) -> Any:
    """Report precision, recall and F1 score of each label over all steps.

    Parameters
    ----------
    y_true : array-like of n_sequences arrays of shape (n_steps,) or (n_steps, n_labels)
        Labels of the steps; also a padded 2-D or 3-D array, whose values in the
        padding are ignored.

    y_pred : array-like of n_sequences arrays of shape (n_steps,) or (n_steps, n_labels)
        Predicted labels of the steps.

    sample_weight : array-like, default=None
        A weight for each sequence, or for each step in the form of `y_true`.

    **options
        Options of `sklearn.metrics.classification_report`, such as ``output_dict=True``.

    Returns
    -------
    report : str or dict
        The report.

    Raises
    ------
    ValueError
        If the number of sequences, or of the steps of one, is not the same in both, or a value
        is missing at a step whose weight is not 0.

    Examples
    --------
    >>> from skrnn.metrics import flat_classification_report
    >>> report = flat_classification_report([[0, 1], [1]], [[0, 1], [0]], output_dict=True)
    >>> report["1"]["recall"]
    0.5
    """
    return flat_score(
        y_true, y_pred, metric=metrics.classification_report, sample_weight=sample_weight, **options
    )


def flat_r2_score(y_true: Any, y_pred: Any, *, sample_weight: Any = None, **options: Any) -> Any:
    """Compute the coefficient of determination over all steps.

    Parameters
    ----------
    y_true : array-like of n_sequences arrays of shape (n_steps,) or (n_steps, n_outputs)
        Target values of the steps; also a padded 2-D or 3-D array, whose values in the
        padding are ignored.

    y_pred : array-like of n_sequences arrays of shape (n_steps,) or (n_steps, n_outputs)
        Predicted values of the steps.

    sample_weight : array-like, default=None
        A weight for each sequence, or for each step in the form of `y_true`.

    **options
        Options of `sklearn.metrics.r2_score`: `multioutput` and `force_finite`.

    Returns
    -------
    score : float or ndarray of float
        1 at best, 0 for the mean as a prediction.

    Raises
    ------
    ValueError
        If the number of sequences, or of the steps of one, is not the same in both, or a value
        is missing at a step whose weight is not 0.

    Examples
    --------
    >>> from skrnn.metrics import flat_r2_score
    >>> flat_r2_score([[1.0, 2.0], [3.0]], [[1.0, 2.0], [3.0]])
    1.0
    """
    return flat_score(
        y_true, y_pred, metric=metrics.r2_score, sample_weight=sample_weight, **options
    )


def sequence_accuracy_score(y_true: Any, y_pred: Any, *, sample_weight: Any = None) -> float:
    """Compute the share of the sequences in which the label of every step is correct.

    A sequence without steps counts as correct.

    Parameters
    ----------
    y_true : array-like of n_sequences arrays of shape (n_steps,) or (n_steps, n_labels)
        Labels of the steps; also a padded 2-D or 3-D array, whose values in the
        padding are ignored.

    y_pred : array-like of n_sequences arrays of shape (n_steps,) or (n_steps, n_labels)
        Predicted labels of the steps.

    sample_weight : array-like, default=None
        A weight for each sequence.

    Returns
    -------
    score : float
        1 at best.

    Raises
    ------
    ValueError
        If the number of sequences, or of the steps of one, is not the same in both, or a value
        is missing at a step whose weight is not 0.

    Examples
    --------
    >>> from skrnn.metrics import sequence_accuracy_score
    >>> sequence_accuracy_score([[0, 1, 1], [1]], [[0, 1, 0], [1]])
    0.5
    """
    truth, predictions, _, places = flatten(y_true, y_pred, sample_weight)
    truth, predictions = np.atleast_2d(truth.T).T, np.atleast_2d(predictions.T).T
    if truth.shape != predictions.shape:
        n_true, n_pred = truth.shape[1], predictions.shape[1]
        raise ValueError(f"y_true has {n_true} values for each step, but y_pred has {n_pred}.")
    wrong = (truth != predictions).any(axis=1)
    correct = np.bincount(places[wrong, 0], minlength=len(y_pred)) == 0
    refuse_masked(sample_weight, "sample_weight")
    weight = check_weights(sample_weight, correct)
    return float(weight @ correct / weight.sum())


flat_accuracy_scorer = make_scorer(flat_accuracy_score)
flat_precision_scorer = make_scorer(flat_precision_score)
flat_recall_scorer = make_scorer(flat_recall_score)
flat_f1_scorer = make_scorer(flat_f1_score)
flat_r2_scorer = make_scorer(flat_r2_score)
sequence_accuracy_scorer = make_scorer(sequence_accuracy_score)
span_f1_scorer = make_scorer(span_f1_score)
