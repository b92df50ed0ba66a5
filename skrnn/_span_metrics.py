"""Metrics of the spans in labels of steps, which `skrnn.metrics` exports."""

from __future__ import annotations

from typing import TYPE_CHECKING, overload

import numpy as np
from sklearn import metrics

from skrnn._input.containers import read_list
from skrnn._joined import check_weights, flatten
from skrnn._spans import find_all_spans

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from numpy.typing import ArrayLike

    from skrnn._types import SpanAverage, ZeroDivision


def spans(
    labels: ArrayLike, *, scheme: str = "BIO", strict: bool = False
) -> list[tuple[str, int, int]]:
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


def _compare_spans(
    y_true: Any,
    y_pred: Any,
    labels: ArrayLike | None,
    scheme: str,
    strict: bool,
    sample_weight: Any,
) -> tuple[list[int], list[int], list[str], list[float] | None]:
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
    truth, predictions, weight, places = flatten(y_true, y_pred, sample_weight)
    if weight is not None:
        weight = check_weights(weight, places)
        kept = weight > 0
        truth, predictions, places = truth[kept], predictions[kept], places[kept]
        sequence = places[:, 0]
        weight = np.bincount(sequence, weight[kept]) / np.maximum(np.bincount(sequence), 1)
    true = find_all_spans(truth, places, "y_true", scheme, strict)
    predicted = find_all_spans(predictions, places, "y_pred", scheme, strict)
    types = _types_of_spans(labels, {kind for _, kind, *_ in true + predicted})
    rows = [row for row in dict.fromkeys(true + predicted) if row[1] in types]
    y_true, y_pred = (
        [types.index(row[1]) if row in found else -1 for row in rows] + [-1]
        for found in (set(true), set(predicted))
    )
    of_rows = None if weight is None else [*(weight[row[0]] for row in rows), 1.0]
    return y_true, y_pred, types, of_rows


def _types_of_spans(labels: ArrayLike | None, present: set[str]) -> list[str]:
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
    chosen: list[str] = types.tolist()
    return chosen


def _score_spans(
    metric: Callable[..., Any],
    y_true: Any,
    y_pred: Any,
    *,
    average: SpanAverage | None,
    labels: ArrayLike | None,
    scheme: str,
    strict: bool,
    sample_weight: Any,
    **options: Any,
) -> Any:
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


@overload
def span_precision_score(
    y_true: Any,
    y_pred: Any,
    *,
    average: SpanAverage = ...,
    labels: ArrayLike | None = ...,
    scheme: str = ...,
    strict: bool = ...,
    zero_division: ZeroDivision = ...,
    sample_weight: Any = ...,
) -> float: ...
@overload
def span_precision_score(
    y_true: Any,
    y_pred: Any,
    *,
    average: None,
    labels: ArrayLike | None = ...,
    scheme: str = ...,
    strict: bool = ...,
    zero_division: ZeroDivision = ...,
    sample_weight: Any = ...,
) -> np.ndarray: ...
def span_precision_score(
    y_true: Any,
    y_pred: Any,
    *,
    average: SpanAverage | None = "micro",
    labels: ArrayLike | None = None,
    scheme: str = "BIO",
    strict: bool = False,
    zero_division: ZeroDivision = "warn",
    sample_weight: Any = None,
) -> float | np.ndarray:
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
    score: float | np.ndarray = _score_spans(
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
    return score


@overload
def span_recall_score(
    y_true: Any,
    y_pred: Any,
    *,
    average: SpanAverage = ...,
    labels: ArrayLike | None = ...,
    scheme: str = ...,
    strict: bool = ...,
    zero_division: ZeroDivision = ...,
    sample_weight: Any = ...,
) -> float: ...
@overload
def span_recall_score(
    y_true: Any,
    y_pred: Any,
    *,
    average: None,
    labels: ArrayLike | None = ...,
    scheme: str = ...,
    strict: bool = ...,
    zero_division: ZeroDivision = ...,
    sample_weight: Any = ...,
) -> np.ndarray: ...
def span_recall_score(
    y_true: Any,
    y_pred: Any,
    *,
    average: SpanAverage | None = "micro",
    labels: ArrayLike | None = None,
    scheme: str = "BIO",
    strict: bool = False,
    zero_division: ZeroDivision = "warn",
    sample_weight: Any = None,
) -> float | np.ndarray:
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
    score: float | np.ndarray = _score_spans(
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
    return score


@overload
def span_f1_score(
    y_true: Any,
    y_pred: Any,
    *,
    average: SpanAverage = ...,
    labels: ArrayLike | None = ...,
    scheme: str = ...,
    strict: bool = ...,
    zero_division: ZeroDivision = ...,
    sample_weight: Any = ...,
) -> float: ...
@overload
def span_f1_score(
    y_true: Any,
    y_pred: Any,
    *,
    average: None,
    labels: ArrayLike | None = ...,
    scheme: str = ...,
    strict: bool = ...,
    zero_division: ZeroDivision = ...,
    sample_weight: Any = ...,
) -> np.ndarray: ...
def span_f1_score(
    y_true: Any,
    y_pred: Any,
    *,
    average: SpanAverage | None = "micro",
    labels: ArrayLike | None = None,
    scheme: str = "BIO",
    strict: bool = False,
    zero_division: ZeroDivision = "warn",
    sample_weight: Any = None,
) -> float | np.ndarray:
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
    score: float | np.ndarray = _score_spans(
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
    return score


def span_precision_recall_fscore_support(
    y_true: Any,
    y_pred: Any,
    *,
    beta: float = 1.0,
    average: SpanAverage | None = None,
    labels: ArrayLike | None = None,
    scheme: str = "BIO",
    strict: bool = False,
    zero_division: ZeroDivision = "warn",
    sample_weight: Any = None,
) -> tuple[Any, Any, Any, Any]:
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
    scores: tuple[Any, Any, Any, Any] = _score_spans(
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
    return scores


def span_classification_report(
    y_true: Any,
    y_pred: Any,
    *,
    labels: ArrayLike | None = None,
    scheme: str = "BIO",
    strict: bool = False,
    digits: int = 2,
    output_dict: bool = False,
    zero_division: ZeroDivision = "warn",
    sample_weight: Any = None,
) -> Any:
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
