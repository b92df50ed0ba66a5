"""Metrics of predictions for the steps of sequences, for use in ``scoring=``.

Targets and predictions are lists or object arrays of one array for each sequence. A *flat*
metric puts the steps of all sequences together and calls scikit-learn's. `flat_score` does this
with any metric; the others are shorthands for common ones. A *span* metric compares the spans that
labels such as 'B-PER' and 'I-PER' mark. A span is predicted correctly if its type, its first and
its last step are.
"""

from __future__ import annotations

import numpy as np
from sklearn import metrics
from sklearn.metrics import make_scorer
from sklearn.utils import assert_all_finite

from skrnn._compat import check_sample_weight
from skrnn._input import flatten_steps, flatten_weights, refuse_masked, refuse_overflow
from skrnn._input.containers import list_or_array, read_list
from skrnn._input.sequences import place_of_row
from skrnn._input.values import missing_in
from skrnn._numeric.packing import starts_of
from skrnn._spans import find_all_spans


def _flatten(y_true, y_pred, sample_weight):
    """Flatten targets, predictions and weights; also return each step's sequence and number.

    A step without a target is left out if its weight is 0.
    """
    ragged = read_list(list_or_array(y_pred, "y_pred"), "y_pred")
    lengths = np.array([len(steps) for steps in ragged])
    sequence = np.repeat(np.arange(len(lengths)), lengths)
    places = np.column_stack([sequence, np.arange(len(sequence)) - starts_of(lengths)[sequence]])
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
            places = places[kept]
    assert_all_finite(truth, input_name="y_true")
    assert_all_finite(predictions, input_name="y_pred")
    return truth, predictions, sample_weight, places


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
    truth, predictions, _, places = _flatten(y_true, y_pred, sample_weight)
    truth, predictions = np.atleast_2d(truth.T).T, np.atleast_2d(predictions.T).T
    if truth.shape != predictions.shape:
        n_true, n_pred = truth.shape[1], predictions.shape[1]
        raise ValueError(f"y_true has {n_true} values for each step, but y_pred has {n_pred}.")
    wrong = (truth != predictions).any(axis=1)
    correct = np.bincount(places[wrong, 0], minlength=len(y_pred)) == 0
    refuse_masked(sample_weight, "sample_weight")
    weight = _check_weights(sample_weight, correct)
    return float(weight @ correct / weight.sum())


def _check_weights(sample_weight, rows):
    """Make an array of the weights of rows; all are 1 if None is given."""
    with refuse_overflow("sample_weight"):
        weight = check_sample_weight(sample_weight, rows, dtype=float, ensure_non_negative=True)
        total = weight.sum()
    if not 0 < total < np.inf:
        raise ValueError(f"The sum of sample_weight must be positive and finite, got {total}.")
    return weight


def spans(labels, *, scheme="BIO", strict=False):
    """List the spans in the labels of one sequence.

    Parameters
    ----------
    labels : array-like of str of shape (n_steps,)
        Labels of the steps: 'O' for a step outside of any span, otherwise a prefix, a hyphen and
        the type of the span, such as 'B-PER'. A prefix alone is a label of the type '_'.

    scheme : {'BIO', 'BIOES', 'BILOU'}, default='BIO'
        The prefixes of the labels:

        - 'BIO' (also called IOB2): B for the first step of a span, I for the others.
        - 'BIOES': as 'BIO', with E for the last of several steps, and S for the only step of a
          span.
        - 'BILOU': as 'BIOES', with L instead of E, and U instead of S.

    strict : bool, default=False
        Whether to leave out spans whose first or last step has the wrong prefix, which a
        classifier may predict. By default, each step that is not 'O' belongs to a span, as in the
        script ``conlleval`` of the CoNLL tasks and in seqeval. A step of another type then begins
        a new span, whatever its prefix.

    Returns
    -------
    spans : list of tuple (type, start, stop)
        The type, the first step, and the step after the last, in the order of the steps.

    Raises
    ------
    ValueError
        If a label is not of the scheme.

    Notes
    -----
    If `strict` is False, 'BIO' also reads labels of the scheme IOB1, where B only separates
    adjacent spans of the same type, and 'BIOES' those of IOE1 and IOE2.

    Examples
    --------
    >>> from skrnn.metrics import spans
    >>> spans(["B-PER", "I-PER", "O", "B-LOC"])
    [('PER', 0, 2), ('LOC', 3, 4)]
    >>> spans(["B-PER", "E-PER", "S-LOC"], scheme="BIOES")
    [('PER', 0, 2), ('LOC', 2, 3)]

    A span that begins with the wrong prefix:

    >>> spans(["O", "I-PER", "I-PER"])
    [('PER', 1, 3)]
    >>> spans(["O", "I-PER", "I-PER"], strict=True)
    []
    """
    (labels,) = read_list([labels], "labels")
    places = np.column_stack([np.zeros(len(labels), int), np.arange(len(labels))])
    found = find_all_spans(labels, places, "labels", scheme, strict)
    return [(kind, start, stop) for _, kind, start, stop in found]


def _compare_spans(y_true, y_pred, labels, scheme, strict, sample_weight):
    """Make a row of each span that is true or predicted, to be counted by scikit-learn.

    Returns
    -------
    truth, predictions : list of int of length n_spans + 1
        Index in `types` of each span, or -1 where it is not true or not predicted. The last row is
        -1 in both: it counts for no type, but a metric needs a row.

    types : list of str
        Types of the spans that count.

    weight : list of float of length n_spans + 1, or None
        Weight of each row.
    """
    truth, predictions, weight, places = _flatten(y_true, y_pred, sample_weight)
    if weight is not None:
        weight = _check_weights(weight, places)
        kept = weight > 0
        truth, predictions, places = truth[kept], predictions[kept], places[kept]
        sequence = places[:, 0]
        weight = np.bincount(sequence, weight[kept]) / np.maximum(np.bincount(sequence), 1)
    true = find_all_spans(truth, places, "y_true", scheme, strict)
    predicted = find_all_spans(predictions, places, "y_pred", scheme, strict)
    types = _types_of_spans(labels, {kind for _, kind, *_ in true + predicted})
    rows = [row for row in dict.fromkeys(true + predicted) if row[1] in types]
    columns = [
        [types.index(row[1]) if row in found else -1 for row in rows] + [-1]
        for found in (set(true), set(predicted))
    ]
    return *columns, types, weight if weight is None else [*(weight[row[0]] for row in rows), 1.0]


def _types_of_spans(labels, present):
    """List the types of spans that count: those in `labels`, or all that are present."""
    if labels is None:
        return sorted(present)
    types = np.asarray(labels)
    if types.ndim != 1:
        raise ValueError(f"labels must be a list of types of spans, got {labels!r}.")
    for kind in types.tolist():
        if not isinstance(kind, str) or (kind[1:2] == "-" and kind not in present):
            raise ValueError(
                "labels must hold types of spans, such as 'PER', and not labels of steps; got "
                f"{kind!r}."
            )
    return types.tolist()


def _score_spans(
    metric, y_true, y_pred, *, average, labels, scheme, strict, sample_weight, **options
):
    """Compute a metric of scikit-learn from the spans that are true or predicted."""
    if average not in (None, "micro", "macro", "weighted"):
        raise ValueError(f"average must be 'micro', 'macro', 'weighted' or None, got {average!r}.")
    truth, predictions, types, weight = _compare_spans(
        y_true, y_pred, labels, scheme, strict, sample_weight
    )
    codes = [types.index(kind) for kind in types]
    if not types and average is not None:
        codes = [0]  # a type without spans, because there is no mean over no types
    return metric(
        truth, predictions, labels=codes, average=average, sample_weight=weight, **options
    )


def span_precision_score(
    y_true,
    y_pred,
    *,
    average="micro",
    labels=None,
    scheme="BIO",
    strict=False,
    zero_division="warn",
    sample_weight=None,
):
    """Compute the precision of spans: how many predicted spans are true.

    Parameters
    ----------
    y_true : array-like of n_sequences arrays of shape (n_steps,)
        Labels of the steps, such as 'O', 'B-PER' and 'I-PER'; also a padded 2-D array, whose
        values in the padding are ignored. A label may be missing (None or NaN) if the weight of
        its step is 0.

    y_pred : array-like of n_sequences arrays of shape (n_steps,)
        Predicted labels of the steps.

    average : {'micro', 'macro', 'weighted'} or None, default='micro'
        How the scores of the types are averaged. 'micro' counts the spans of all types together,
        'macro' is the mean over the types, and 'weighted' is this mean with the number of true
        spans as weights. None returns a score for each type.

    labels : array-like of str, default=None
        Types of spans that count, such as ``["PER", "LOC"]``, in the order of the results. By
        default all types that occur in `y_true` or `y_pred`, sorted.

    scheme : {'BIO', 'BIOES', 'BILOU'}, default='BIO'
        The prefixes of the labels; see `spans`.

    strict : bool, default=False
        Whether to leave out spans whose first or last step has the wrong prefix; see `spans`.

    zero_division : {'warn', 0.0, 1.0, nan}, default='warn'
        Value of a score whose denominator is 0. 'warn' means 0 and a warning.

    sample_weight : array-like, default=None
        A weight for each sequence, which is that of its spans; or one for each step in the form of
        `y_true`. Steps of weight 0 are then left out, and the weight of a sequence is the mean of
        the other weights.

    Returns
    -------
    score : float or ndarray of float
        1 at best; one for each type with ``average=None``.

    Raises
    ------
    ValueError
        If the number of sequences, or of the steps of one, is not the same in both, a label is
        missing at a step whose weight is not 0, or a label is not of the scheme.

    Examples
    --------
    >>> from skrnn.metrics import span_precision_score
    >>> y_true = [["B-PER", "I-PER", "O", "B-LOC"], ["O", "B-PER"]]
    >>> y_pred = [["B-PER", "I-PER", "O", "B-PER"], ["O", "O"]]
    >>> span_precision_score(y_true, y_pred)
    0.5
    """
    return _score_spans(
        metrics.precision_score,
        y_true,
        y_pred,
        average=average,
        labels=labels,
        scheme=scheme,
        strict=strict,
        zero_division=zero_division,
        sample_weight=sample_weight,
    )


def span_recall_score(
    y_true,
    y_pred,
    *,
    average="micro",
    labels=None,
    scheme="BIO",
    strict=False,
    zero_division="warn",
    sample_weight=None,
):
    """Compute the recall of spans: how many true spans are predicted.

    Parameters
    ----------
    y_true : array-like of n_sequences arrays of shape (n_steps,)
        Labels of the steps, such as 'O', 'B-PER' and 'I-PER'; also a padded 2-D array, whose
        values in the padding are ignored. A label may be missing (None or NaN) if the weight of
        its step is 0.

    y_pred : array-like of n_sequences arrays of shape (n_steps,)
        Predicted labels of the steps.

    average : {'micro', 'macro', 'weighted'} or None, default='micro'
        How the scores of the types are averaged. 'micro' counts the spans of all types together,
        'macro' is the mean over the types, and 'weighted' is this mean with the number of true
        spans as weights. None returns a score for each type.

    labels : array-like of str, default=None
        Types of spans that count, such as ``["PER", "LOC"]``, in the order of the results. By
        default all types that occur in `y_true` or `y_pred`, sorted.

    scheme : {'BIO', 'BIOES', 'BILOU'}, default='BIO'
        The prefixes of the labels; see `spans`.

    strict : bool, default=False
        Whether to leave out spans whose first or last step has the wrong prefix; see `spans`.

    zero_division : {'warn', 0.0, 1.0, nan}, default='warn'
        Value of a score whose denominator is 0. 'warn' means 0 and a warning.

    sample_weight : array-like, default=None
        A weight for each sequence, which is that of its spans; or one for each step in the form of
        `y_true`. Steps of weight 0 are then left out, and the weight of a sequence is the mean of
        the other weights.

    Returns
    -------
    score : float or ndarray of float
        1 at best; one for each type with ``average=None``.

    Raises
    ------
    ValueError
        If the number of sequences, or of the steps of one, is not the same in both, a label is
        missing at a step whose weight is not 0, or a label is not of the scheme.

    Examples
    --------
    >>> from skrnn.metrics import span_recall_score
    >>> y_true = [["B-PER", "I-PER", "O", "B-LOC"], ["O", "B-PER"]]
    >>> y_pred = [["B-PER", "I-PER", "O", "B-PER"], ["O", "O"]]
    >>> round(span_recall_score(y_true, y_pred), 2)
    0.33
    """
    return _score_spans(
        metrics.recall_score,
        y_true,
        y_pred,
        average=average,
        labels=labels,
        scheme=scheme,
        strict=strict,
        zero_division=zero_division,
        sample_weight=sample_weight,
    )


def span_f1_score(
    y_true,
    y_pred,
    *,
    average="micro",
    labels=None,
    scheme="BIO",
    strict=False,
    zero_division="warn",
    sample_weight=None,
):
    """Compute the F1 score of spans: the harmonic mean of precision and recall.

    Parameters
    ----------
    y_true : array-like of n_sequences arrays of shape (n_steps,)
        Labels of the steps, such as 'O', 'B-PER' and 'I-PER'; also a padded 2-D array, whose
        values in the padding are ignored. A label may be missing (None or NaN) if the weight of
        its step is 0.

    y_pred : array-like of n_sequences arrays of shape (n_steps,)
        Predicted labels of the steps.

    average : {'micro', 'macro', 'weighted'} or None, default='micro'
        How the scores of the types are averaged. 'micro' counts the spans of all types together,
        'macro' is the mean over the types, and 'weighted' is this mean with the number of true
        spans as weights. None returns a score for each type.

    labels : array-like of str, default=None
        Types of spans that count, such as ``["PER", "LOC"]``, in the order of the results. By
        default all types that occur in `y_true` or `y_pred`, sorted.

    scheme : {'BIO', 'BIOES', 'BILOU'}, default='BIO'
        The prefixes of the labels; see `spans`.

    strict : bool, default=False
        Whether to leave out spans whose first or last step has the wrong prefix; see `spans`.

    zero_division : {'warn', 0.0, 1.0, nan}, default='warn'
        Value of a score whose denominator is 0. 'warn' means 0 and a warning.

    sample_weight : array-like, default=None
        A weight for each sequence, which is that of its spans; or one for each step in the form of
        `y_true`. Steps of weight 0 are then left out, and the weight of a sequence is the mean of
        the other weights.

    Returns
    -------
    score : float or ndarray of float
        1 at best; one for each type with ``average=None``.

    Raises
    ------
    ValueError
        If the number of sequences, or of the steps of one, is not the same in both, a label is
        missing at a step whose weight is not 0, or a label is not of the scheme.

    Examples
    --------
    >>> from skrnn.metrics import span_f1_score
    >>> y_true = [["B-PER", "I-PER", "O", "B-LOC"], ["O", "B-PER"]]
    >>> y_pred = [["B-PER", "I-PER", "O", "B-PER"], ["O", "O"]]
    >>> round(span_f1_score(y_true, y_pred), 2)
    0.4
    >>> span_f1_score(y_true, y_pred, average=None, labels=["PER", "LOC"])
    array([0.5, 0. ])

    A scorer for a search, as the mean over the types:

    >>> from sklearn.metrics import make_scorer
    >>> scorer = make_scorer(span_f1_score, average="macro", zero_division=0.0)
    """
    return _score_spans(
        metrics.f1_score,
        y_true,
        y_pred,
        average=average,
        labels=labels,
        scheme=scheme,
        strict=strict,
        zero_division=zero_division,
        sample_weight=sample_weight,
    )


def span_precision_recall_fscore_support(
    y_true,
    y_pred,
    *,
    beta=1.0,
    average=None,
    labels=None,
    scheme="BIO",
    strict=False,
    zero_division="warn",
    sample_weight=None,
):
    """Compute precision, recall, F-score and number of true spans.

    Parameters
    ----------
    y_true : array-like of n_sequences arrays of shape (n_steps,)
        Labels of the steps, such as 'O', 'B-PER' and 'I-PER'; also a padded 2-D array, whose
        values in the padding are ignored. A label may be missing (None or NaN) if the weight of
        its step is 0.

    y_pred : array-like of n_sequences arrays of shape (n_steps,)
        Predicted labels of the steps.

    beta : float, default=1.0
        Weight of the recall in the F-score, as in `sklearn.metrics.fbeta_score`.

    average : {'micro', 'macro', 'weighted'} or None, default=None
        How the scores of the types are averaged. 'micro' counts the spans of all types together,
        'macro' is the mean over the types, and 'weighted' is this mean with the number of true
        spans as weights. None returns a score for each type.

    labels : array-like of str, default=None
        Types of spans that count, such as ``["PER", "LOC"]``, in the order of the results. By
        default all types that occur in `y_true` or `y_pred`, sorted.

    scheme : {'BIO', 'BIOES', 'BILOU'}, default='BIO'
        The prefixes of the labels; see `spans`.

    strict : bool, default=False
        Whether to leave out spans whose first or last step has the wrong prefix; see `spans`.

    zero_division : {'warn', 0.0, 1.0, nan}, default='warn'
        Value of a score whose denominator is 0. 'warn' means 0 and a warning.

    sample_weight : array-like, default=None
        A weight for each sequence, which is that of its spans; or one for each step in the form of
        `y_true`. Steps of weight 0 are then left out, and the weight of a sequence is the mean of
        the other weights.

    Returns
    -------
    precision, recall, fscore : float or ndarray of float of shape (n_types,)
        Scores; one for each type with ``average=None``.

    support : ndarray of shape (n_types,) or None
        Number of true spans of each type, or the sum of their weights; None if `average` is not
        None, as in scikit-learn.

    Raises
    ------
    ValueError
        If the number of sequences, or of the steps of one, is not the same in both, a label is
        missing at a step whose weight is not 0, or a label is not of the scheme.

    Examples
    --------
    >>> from skrnn.metrics import span_precision_recall_fscore_support
    >>> y_true = [["B-PER", "I-PER", "O", "B-LOC"], ["O", "B-PER"]]
    >>> y_pred = [["B-PER", "I-PER", "O", "B-PER"], ["O", "O"]]
    >>> scores = span_precision_recall_fscore_support(y_true, y_pred, labels=["PER"])
    >>> precision, recall, fscore, support = scores
    >>> precision, recall, support
    (array([0.5]), array([0.5]), array([2]))
    """
    return _score_spans(
        metrics.precision_recall_fscore_support,
        y_true,
        y_pred,
        beta=beta,
        average=average,
        labels=labels,
        scheme=scheme,
        strict=strict,
        zero_division=zero_division,
        sample_weight=sample_weight,
    )


def span_classification_report(
    y_true,
    y_pred,
    *,
    labels=None,
    scheme="BIO",
    strict=False,
    digits=2,
    output_dict=False,
    zero_division="warn",
    sample_weight=None,
):
    """Report precision, recall, F1 score and number of true spans of each type.

    Parameters
    ----------
    y_true : array-like of n_sequences arrays of shape (n_steps,)
        Labels of the steps, such as 'O', 'B-PER' and 'I-PER'; also a padded 2-D array, whose
        values in the padding are ignored. A label may be missing (None or NaN) if the weight of
        its step is 0.

    y_pred : array-like of n_sequences arrays of shape (n_steps,)
        Predicted labels of the steps.

    labels : array-like of str, default=None
        Types of spans that count, such as ``["PER", "LOC"]``, in the order of the results. By
        default all types that occur in `y_true` or `y_pred`, sorted.

    scheme : {'BIO', 'BIOES', 'BILOU'}, default='BIO'
        The prefixes of the labels; see `spans`.

    strict : bool, default=False
        Whether to leave out spans whose first or last step has the wrong prefix; see `spans`.

    digits : int, default=2
        Number of digits of the scores in the text.

    output_dict : bool, default=False
        Whether to return a dictionary.

    zero_division : {'warn', 0.0, 1.0, nan}, default='warn'
        Value of a score whose denominator is 0. 'warn' means 0 and a warning.

    sample_weight : array-like, default=None
        A weight for each sequence, which is that of its spans; or one for each step in the form of
        `y_true`. Steps of weight 0 are then left out, and the weight of a sequence is the mean of
        the other weights.

    Returns
    -------
    report : str or dict
        The report, in the form of `sklearn.metrics.classification_report`.

    Raises
    ------
    ValueError
        If the number of sequences, or of the steps of one, is not the same in both, a label is
        missing at a step whose weight is not 0, a label is not of the scheme, or there is no span.

    Examples
    --------
    >>> from skrnn.metrics import span_classification_report
    >>> y_true = [["B-PER", "I-PER", "O", "B-LOC"], ["O", "B-PER"]]
    >>> y_pred = [["B-PER", "I-PER", "O", "B-PER"], ["O", "O"]]
    >>> print(span_classification_report(y_true, y_pred, zero_division=0.0))
                  precision    recall  f1-score   support
    <BLANKLINE>
             LOC       0.00      0.00      0.00         1
             PER       0.50      0.50      0.50         2
    <BLANKLINE>
       micro avg       0.50      0.33      0.40         3
       macro avg       0.25      0.25      0.25         3
    weighted avg       0.33      0.33      0.33         3
    <BLANKLINE>
    """
    truth, predictions, types, weight = _compare_spans(
        y_true, y_pred, labels, scheme, strict, sample_weight
    )
    if not types:
        raise ValueError(
            "There is nothing to report: y_true and y_pred have no span. Pass labels for a report "
            "of these types."
        )
    return metrics.classification_report(
        truth,
        predictions,
        labels=[types.index(kind) for kind in types],
        target_names=types,
        digits=digits,
        output_dict=output_dict,
        zero_division=zero_division,
        sample_weight=weight,
    )


flat_accuracy_scorer = make_scorer(flat_accuracy_score)
flat_precision_scorer = make_scorer(flat_precision_score)
flat_recall_scorer = make_scorer(flat_recall_score)
flat_f1_scorer = make_scorer(flat_f1_score)
flat_r2_scorer = make_scorer(flat_r2_score)
sequence_accuracy_scorer = make_scorer(sequence_accuracy_score)
span_f1_scorer = make_scorer(span_f1_score)
