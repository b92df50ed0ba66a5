"""Metrics of predictions for the steps of sequences, for use in ``scoring=``.

Targets and predictions are lists or object arrays of one array for each sequence. A *flat*
metric puts the steps of all sequences together and calls scikit-learn's. `flat_score` does this
with any metric; the others are shorthands for common ones.
"""

from __future__ import annotations

import numpy as np
from sklearn import metrics
from sklearn.metrics import make_scorer
from sklearn.utils import assert_all_finite
from sklearn.utils.validation import _check_sample_weight

from skrnn._input import flatten_steps, flatten_weights, refuse_masked, refuse_overflow
from skrnn._input.containers import list_or_array, read_list
from skrnn._input.sequences import place_of_row
from skrnn._input.values import missing_in


def _flatten(y_true, y_pred, sample_weight):
    """Flatten targets, predictions and weights; also return the number of each step's sequence.

    A step without a target is left out if its weight is 0.
    """
    ragged = read_list(list_or_array(y_pred, "y_pred"), "y_pred")
    lengths = np.array([len(steps) for steps in ragged])
    sequence = np.repeat(np.arange(len(lengths)), lengths)
    truth = flatten_steps(y_true, lengths, "y_true")
    predictions = flatten_steps(ragged, lengths, "y_pred")
    _require_values(_without_value(predictions), lengths, "y_pred")
    missing = _without_value(truth)
    if sample_weight is None:
        _require_values(missing, lengths, "y_true")
    else:
        sample_weight = flatten_weights(sample_weight, lengths)
        _require_values(missing & (sample_weight != 0), lengths, "y_true")
        if missing.any():
            kept = ~missing
            truth = np.array(truth[kept].tolist())  # no longer of objects
            predictions, sample_weight = predictions[kept], sample_weight[kept]
            sequence = sequence[kept]
    assert_all_finite(truth, input_name="y_true")
    assert_all_finite(predictions, input_name="y_pred")
    return truth, predictions, sample_weight, sequence


def _without_value(values):
    """Return at which steps a value is missing."""
    return missing_in(values).any(axis=tuple(range(1, values.ndim)))


def _require_values(missing, lengths, name):
    if missing.any():
        raise ValueError(
            f"{name} has no value at {place_of_row(int(missing.argmax()), lengths)}, where a label "
            "or number is required. A step may lack its true value only if its weight is 0."
        )


def flat_score(y_true, y_pred, *, metric, sample_weight=None, **options):
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
    >>> from sklearn.metrics import confusion_matrix, make_scorer, log_loss
    >>> from skrnn.metrics import flat_score
    >>> flat_score([[0, 1, 1], [1]], [[0, 1, 0], [1]], metric=confusion_matrix)
    array([[1, 0],
           [1, 2]])

    A scorer of probabilities, with all classes in sorted order, for folds that lack one:

    >>> scorer = make_scorer(
    ...     flat_score, metric=log_loss, labels=[0, 1],
    ...     response_method="predict_proba", greater_is_better=False,
    ... )
    >>> from skrnn import StepRNNClassifier
    >>> X, y = [[0, 1, 1], [1]] * 5, [[0, 1, 1], [1]] * 5
    >>> bool(scorer(StepRNNClassifier(8, random_state=0).fit(X, y), X, y) > -0.1)
    True
    """
    if not callable(metric):
        raise TypeError(f"metric must be a function, such as f1_score, got {metric!r}.")
    truth, predictions, sample_weight, _ = _flatten(y_true, y_pred, sample_weight)
    if sample_weight is not None:
        options["sample_weight"] = sample_weight
    return metric(truth, predictions, **options)


def flat_accuracy_score(y_true, y_pred, *, sample_weight=None, **options):
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
    return flat_score(
        y_true, y_pred, metric=metrics.accuracy_score, sample_weight=sample_weight, **options
    )


def flat_precision_score(y_true, y_pred, *, average="macro", sample_weight=None, **options):
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
    return flat_score(
        y_true,
        y_pred,
        metric=metrics.precision_score,
        average=average,
        sample_weight=sample_weight,
        **options,
    )


def flat_recall_score(y_true, y_pred, *, average="macro", sample_weight=None, **options):
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
    return flat_score(
        y_true,
        y_pred,
        metric=metrics.recall_score,
        average=average,
        sample_weight=sample_weight,
        **options,
    )


def flat_f1_score(y_true, y_pred, *, average="macro", sample_weight=None, **options):
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
    return flat_score(
        y_true,
        y_pred,
        metric=metrics.f1_score,
        average=average,
        sample_weight=sample_weight,
        **options,
    )


def flat_classification_report(y_true, y_pred, *, sample_weight=None, **options):
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


def flat_r2_score(y_true, y_pred, *, sample_weight=None, **options):
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


def sequence_accuracy_score(y_true, y_pred, *, sample_weight=None):
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
    truth, predictions, _, sequence = _flatten(y_true, y_pred, sample_weight)
    truth, predictions = np.atleast_2d(truth.T).T, np.atleast_2d(predictions.T).T
    if truth.shape != predictions.shape:
        n_true, n_pred = truth.shape[1], predictions.shape[1]
        raise ValueError(f"y_true has {n_true} values for each step, but y_pred has {n_pred}.")
    wrong = (truth != predictions).any(axis=1)
    correct = np.bincount(sequence[wrong], minlength=len(y_pred)) == 0
    refuse_masked(sample_weight, "sample_weight")
    with refuse_overflow("sample_weight"):
        weight = _check_sample_weight(sample_weight, correct, dtype=float, ensure_non_negative=True)
        total = weight.sum()
    if not 0 < total < np.inf:
        raise ValueError(f"The sum of sample_weight must be positive and finite, got {total}.")
    return float(weight @ correct / total)


flat_accuracy_scorer = make_scorer(flat_accuracy_score)
flat_precision_scorer = make_scorer(flat_precision_score)
flat_recall_scorer = make_scorer(flat_recall_score)
flat_f1_scorer = make_scorer(flat_f1_score)
flat_r2_scorer = make_scorer(flat_r2_score)
sequence_accuracy_scorer = make_scorer(sequence_accuracy_score)
