"""Metrics of predictions for the steps of sequences, for use in ``scoring=``.

Targets and predictions are lists or object arrays of one array for each sequence. A *flat*
metric puts the steps of all sequences together and calls scikit-learn's.
"""

from __future__ import annotations

import numpy as np
from sklearn import metrics
from sklearn.metrics import make_scorer
from sklearn.utils import assert_all_finite
from sklearn.utils.validation import _check_sample_weight

from skrnn._input import flatten_steps, flatten_weights, refuse_masked, refuse_overflow
from skrnn._input.containers import list_or_array, read_list
from skrnn._numeric.packing import starts_of


def _read_steps(y_true, y_pred):
    """Flatten the targets and predictions of all steps; also return the lengths of sequences."""
    predictions = read_list(list_or_array(y_pred, "y_pred"), "y_pred")
    lengths = np.array([len(steps) for steps in predictions])
    flat = []
    for values, name in ((y_true, "y_true"), (predictions, "y_pred")):
        values = flatten_steps(values, lengths, name)
        assert_all_finite(values, input_name=name)
        if values.dtype == object and any(value is None for value in values.flat):
            raise ValueError(f"{name} contains None, where a label or number is required.")
        flat.append(values)
    return *flat, lengths


def _flat(metric, y_true, y_pred, sample_weight, **options):
    truth, predictions, lengths = _read_steps(y_true, y_pred)
    if sample_weight is not None:
        sample_weight = flatten_weights(sample_weight, lengths)
    return metric(truth, predictions, sample_weight=sample_weight, **options)


def flat_accuracy_score(y_true, y_pred, *, sample_weight=None, normalize=True):
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

    normalize : bool, default=True
        Whether to return the share of the steps instead of their number.

    Returns
    -------
    score : float
        1 at best.

    Raises
    ------
    ValueError
        If the number of sequences, or of the steps of one, is not the same in both.

    Examples
    --------
    >>> from skrnn.metrics import flat_accuracy_score
    >>> flat_accuracy_score([[0, 1, 1], [1]], [[0, 1, 0], [1]])
    0.75
    """
    return _flat(metrics.accuracy_score, y_true, y_pred, sample_weight, normalize=normalize)


def flat_f1_score(y_true, y_pred, *, sample_weight=None, labels=None, pos_label=1, average="macro"):
    """Compute the F1 score over all steps with `sklearn.metrics.f1_score`.

    Parameters
    ----------
    y_true : array-like of n_sequences arrays of shape (n_steps,) or (n_steps, n_labels)
        Labels of the steps; also a padded 2-D or 3-D array, whose values in the
        padding are ignored.

    y_pred : array-like of n_sequences arrays of shape (n_steps,) or (n_steps, n_labels)
        Predicted labels of the steps.

    sample_weight : array-like, default=None
        A weight for each sequence, or for each step in the form of `y_true`.

    labels : array-like, default=None
        Labels to include.

    pos_label : int, str or bool, default=1
        The positive class, with ``average="binary"``.

    average : {'micro', 'macro', 'weighted', 'binary', 'samples'} or None, default='macro'
        How the scores of the labels are averaged.

    Returns
    -------
    score : float or ndarray of float
        1 at best.

    Raises
    ------
    ValueError
        If the number of sequences, or of the steps of one, is not the same in both.

    Examples
    --------
    >>> from skrnn.metrics import flat_f1_score
    >>> flat_f1_score([["a", "b"], ["b"]], [["a", "b"], ["b"]])
    1.0
    """
    options = {"labels": labels, "pos_label": pos_label, "average": average}
    return _flat(metrics.f1_score, y_true, y_pred, sample_weight, **options)


def flat_classification_report(y_true, y_pred, *, sample_weight=None, **options):
    """Report precision, recall and F1 with `sklearn.metrics.classification_report`.

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
        Passed to scikit-learn, for instance ``output_dict=True``.

    Returns
    -------
    report : str or dict
        The report.

    Raises
    ------
    ValueError
        If the number of sequences, or of the steps of one, is not the same in both.

    Examples
    --------
    >>> from skrnn.metrics import flat_classification_report
    >>> report = flat_classification_report([[0, 1], [1]], [[0, 1], [0]], output_dict=True)
    >>> report["1"]["recall"]
    0.5
    """
    return _flat(metrics.classification_report, y_true, y_pred, sample_weight, **options)


def flat_r2_score(y_true, y_pred, *, sample_weight=None):
    """Compute the coefficient of determination over all steps with `sklearn.metrics.r2_score`.

    Parameters
    ----------
    y_true : array-like of n_sequences arrays of shape (n_steps,) or (n_steps, n_outputs)
        Target values of the steps; also a padded 2-D or 3-D array, whose values in the
        padding are ignored.

    y_pred : array-like of n_sequences arrays of shape (n_steps,) or (n_steps, n_outputs)
        Predicted values of the steps.

    sample_weight : array-like, default=None
        A weight for each sequence, or for each step in the form of `y_true`.

    Returns
    -------
    score : float
        1 at best, 0 for the mean as a prediction.

    Raises
    ------
    ValueError
        If the number of sequences, or of the steps of one, is not the same in both.

    Examples
    --------
    >>> from skrnn.metrics import flat_r2_score
    >>> flat_r2_score([[1.0, 2.0], [3.0]], [[1.0, 2.0], [3.0]])
    1.0
    """
    return _flat(metrics.r2_score, y_true, y_pred, sample_weight)


def sequence_accuracy_score(y_true, y_pred, *, sample_weight=None):
    """Compute the share of the sequences in which the label of every step is correct.

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
        If the number of sequences, or of the steps of one, is not the same in both.

    Examples
    --------
    >>> from skrnn.metrics import sequence_accuracy_score
    >>> sequence_accuracy_score([[0, 1, 1], [1]], [[0, 1, 0], [1]])
    0.5
    """
    truth, predictions, lengths = _read_steps(y_true, y_pred)
    truth, predictions = truth.reshape(len(truth), -1), predictions.reshape(len(truth), -1)
    if truth.shape != predictions.shape:
        n_true, n_pred = truth.shape[1], predictions.shape[1]
        raise ValueError(f"y_true has {n_true} values for each step, but y_pred has {n_pred}.")
    wrong = (truth != predictions).any(axis=1)
    correct = ~np.logical_or.reduceat(wrong, starts_of(lengths))
    refuse_masked(sample_weight, "sample_weight")
    with refuse_overflow("sample_weight"):
        weight = _check_sample_weight(sample_weight, correct, dtype=float, ensure_non_negative=True)
        total = weight.sum()
    if not 0 < total < np.inf:
        raise ValueError(f"The sum of sample_weight must be positive and finite, got {total}.")
    return float(weight @ correct / total)


flat_accuracy_scorer = make_scorer(flat_accuracy_score)
flat_f1_scorer = make_scorer(flat_f1_score)
flat_r2_scorer = make_scorer(flat_r2_score)
sequence_accuracy_scorer = make_scorer(sequence_accuracy_score)
