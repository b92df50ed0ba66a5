"""Metrics of answers for the steps of sequences, for use in ``scoring=``.

Targets and predictions are lists or object arrays of one array for each sequence. A *flat*
metric puts the steps of all sequences together and calls scikit-learn's.
"""

from __future__ import annotations

import numpy as np
from sklearn import metrics
from sklearn.metrics import make_scorer

from skrnn._numeric.packing import starts_of
from skrnn.sequences import lay_out_steps, lay_out_weights


def _flat(metric, y_true, y_pred, sample_weight, **options):
    lengths = np.array([len(of_one) for of_one in y_pred])
    if sample_weight is not None:
        sample_weight = lay_out_weights(sample_weight, lengths)
    return metric(
        lay_out_steps(y_true, lengths, "y_true"),
        np.concatenate([np.asarray(of_one) for of_one in y_pred]),
        sample_weight=sample_weight,
        **options,
    )


def flat_accuracy_score(y_true, y_pred, *, sample_weight=None, normalize=True):
    """Share of the steps whose label is right.

    Parameters
    ----------
    y_true : array-like of n_sequences arrays of shape (n_steps,) or (n_steps, n_labels)
        Labels of the steps; also a 2-D or 3-D array with something behind the ends.

    y_pred : array-like of n_sequences arrays of shape (n_steps,) or (n_steps, n_labels)
        Predicted labels of the steps.

    sample_weight : array-like, default=None
        A weight for each sequence, or for each step in the form of `y_true`.

    normalize : bool, default=True
        Whether to give the share of the steps instead of their number.

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
    """F1 score of the labels of all steps, by `sklearn.metrics.f1_score`.

    Parameters
    ----------
    y_true : array-like of n_sequences arrays of shape (n_steps,) or (n_steps, n_labels)
        Labels of the steps; also a 2-D or 3-D array with something behind the ends.

    y_pred : array-like of n_sequences arrays of shape (n_steps,) or (n_steps, n_labels)
        Predicted labels of the steps.

    sample_weight : array-like, default=None
        A weight for each sequence, or for each step in the form of `y_true`.

    labels : array-like, default=None
        Labels to include.

    pos_label : int, str or bool, default=1
        The positive class, with ``average="binary"``.

    average : {'micro', 'macro', 'weighted', 'binary', 'samples'} or None, default='macro'
        How the scores of the labels become one.

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
    """Precision, recall and F1 of each label, by `sklearn.metrics.classification_report`.

    Parameters
    ----------
    y_true : array-like of n_sequences arrays of shape (n_steps,) or (n_steps, n_labels)
        Labels of the steps; also a 2-D or 3-D array with something behind the ends.

    y_pred : array-like of n_sequences arrays of shape (n_steps,) or (n_steps, n_labels)
        Predicted labels of the steps.

    sample_weight : array-like, default=None
        A weight for each sequence, or for each step in the form of `y_true`.

    **options
        Passed on, for instance ``output_dict=True``.

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
    """Coefficient of determination over all steps, by `sklearn.metrics.r2_score`.

    Parameters
    ----------
    y_true : array-like of n_sequences arrays of shape (n_steps,) or (n_steps, n_outputs)
        Numbers of the steps; also a 2-D or 3-D array with something behind the ends.

    y_pred : array-like of n_sequences arrays of shape (n_steps,) or (n_steps, n_outputs)
        Predicted numbers of the steps.

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
    """Share of the sequences in which the label of every step is right.

    Parameters
    ----------
    y_true : array-like of n_sequences arrays of shape (n_steps,) or (n_steps, n_labels)
        Labels of the steps; also a 2-D or 3-D array with something behind the ends.

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
    lengths = np.array([len(of_one) for of_one in y_pred])
    answers = np.concatenate([np.asarray(of_one) for of_one in y_pred])
    labels = lay_out_steps(y_true, lengths, "y_true")
    wrong = (labels.reshape(len(labels), -1) != answers.reshape(len(labels), -1)).any(axis=1)
    right = ~np.logical_or.reduceat(wrong, starts_of(lengths))
    return float(np.average(right, weights=sample_weight))


flat_accuracy_scorer = make_scorer(flat_accuracy_score)
flat_f1_scorer = make_scorer(flat_f1_score)
flat_r2_scorer = make_scorer(flat_r2_score)
sequence_accuracy_scorer = make_scorer(sequence_accuracy_score)
