"""Check class labels, before they are encoded."""

from __future__ import annotations

import reprlib
from collections.abc import Set
from numbers import Real
from typing import Any

import numpy as np
from scipy.sparse import issparse
from sklearn.utils import assert_all_finite
from sklearn.utils.multiclass import check_classification_targets, type_of_target, unique_labels
from sklearn.utils.validation import column_or_1d

_SEVERAL_LABELS = (
    "If a sample has several labels, pass MultiLabelBinarizer().fit_transform(y) of scikit-learn."
)


def check_labels(y: Any) -> tuple[np.ndarray, np.ndarray]:
    """Check class labels; returns them as an array, and the classes among them.

    Multilabel targets are indicator matrices ``(n_rows, n_labels)``, whose classes are the
    column numbers; all others become 1-D.
    """
    refuse_arrays(y, f" {_SEVERAL_LABELS}")
    values = np.asarray(y)
    if values.dtype.kind == "f":
        assert_all_finite(y, input_name="y")  # without a warning of NumPy before it
    if values.dtype.kind in "US" and isinstance(y, (list, tuple)):
        values = np.array(y, dtype=object)  # NumPy made text of numbers beside text
        _refuse_other_labels(values)
    elif values.dtype == object and not issparse(y):
        _refuse_other_labels(values)
        if not any(isinstance(value, (str, bytes)) for value in values.flat):
            y = np.array(values.tolist())  # scikit-learn knows no objects but text
    elif values.dtype.kind == "b":
        y = values  # scikit-learn makes numbers of a categorical Series of bools
    check_classification_targets(y)
    kind = type_of_target(y, input_name="y")
    if kind == "multilabel-indicator":
        y = y.toarray() if hasattr(y, "toarray") else np.asarray(y)
        return y, np.arange(y.shape[1])
    if kind == "multiclass-multioutput":
        raise ValueError(
            f"y has several columns of more than two classes, shape {np.shape(y)}; accepted are "
            "one column of classes, or a multilabel matrix of 0 and 1. StepRNNClassifier takes a "
            f"label for each step. {_SEVERAL_LABELS}"
        )
    y = column_or_1d(y, warn=True)
    return y, unique_labels(y)


def _refuse_other_labels(values: np.ndarray) -> None:
    """Raise a ValueError if objects are no labels, or of kinds that do not mix."""
    for value in values.flat:
        if not isinstance(value, (str, bytes, Real, np.bool_)):
            advice = f" {_SEVERAL_LABELS}" if isinstance(value, (Set, list, tuple)) else ""
            raise ValueError(
                f"y holds {reprlib.repr(value)} of type {type(value).__name__}, but a label must "
                f"be text, a number or a bool.{advice}"
            )
    if len({isinstance(value, (str, bytes)) for value in values.flat}) > 1:
        kinds = sorted({type(value).__name__ for value in values.flat})
        raise ValueError(f"y mixes labels of the types {kinds}, but text and others do not mix.")


def refuse_arrays(y: Any, advice: str = "") -> None:
    """Raise a ValueError if y holds arrays or records, where one target is required for each."""
    try:
        array = np.asarray(y)
    except ValueError:
        array = None  # lists of unequal lengths
    if array is None or array.ndim > 2 or isinstance(_first(array), np.ndarray):
        raise ValueError(
            "y holds an array for each sample, but one target for each is required. "
            f"StepRNNClassifier and StepRNNRegressor take a target for each step.{advice}"
        )
    if array.dtype.kind in "TV":  # variable-width text and records
        raise ValueError(
            f"y has the type {array.dtype}, which scikit-learn does not support. Convert text with "
            "y.astype(object), and pass one field of records."
        )


def _first(array: np.ndarray) -> Any:
    return array.flat[0] if array.size and array.ndim else None


def refuse_text(y: np.ndarray, per_step: bool) -> None:
    """Raise a ValueError if y holds text that is no number, where numbers are required."""
    for value in y.flat if y.dtype.kind in "OSU" else ():
        if isinstance(value, (str, bytes)) and not _is_number(value):
            of_samples = "SequenceRNNClassifier or, for tables, XORMLPClassifier"
            raise ValueError(
                f"y holds text, such as {value[:40]!r}, but a regressor needs numbers. For class "
                f"labels, use {'StepRNNClassifier' if per_step else of_samples}."
            )


def _is_number(text: str | bytes) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def refuse_other_count(y: Any, n_rows: int, n_steps: int, lengths: np.ndarray | None) -> None:
    """Raise a ValueError if there is not one target for each row."""
    if len(y) == n_rows:
        return
    what = "samples" if lengths is None else "sequences"
    advice = ""
    if lengths is not None and len(y) == n_steps:
        advice = (
            " If there is a target for each step, use StepRNNClassifier or StepRNNRegressor, with "
            "one array of targets for each sequence."
        )
    raise ValueError(f"X holds {n_rows} {what}, but y holds {len(y)} targets.{advice}")


def rounded_beside(labels: np.ndarray, classes: np.ndarray) -> bool:
    """Whether NumPy compares labels with classes as floats, which do not hold all of the classes.

    It does so for int64 and uint64, and for integers and floats.
    """
    if labels.dtype == classes.dtype or classes.dtype.kind not in "iu" or not len(classes):
        return False
    if labels.dtype.kind not in "iuf" or np.result_type(labels, classes).kind != "f":
        return False
    return max(abs(int(classes[0])), abs(int(classes[-1]))) > 2**53


def sort_classes(classes: Any) -> np.ndarray:
    """Sort the classes passed to partial_fit."""
    try:
        return np.unique(classes)
    except (TypeError, ValueError) as error:  # of several kinds, missing, or ragged
        raise ValueError(
            f"classes must be an array of labels of one kind, got {classes!r}."
        ) from error
