"""Targets, predictions and weights: values for each step of the sequences in X."""

from __future__ import annotations

from collections.abc import Mapping, Set
from numbers import Real
from typing import Any

import numpy as np
from scipy.sparse import issparse
from sklearn.utils.validation import check_consistent_length

from skrnn._input.containers import advice_on_iterators, advice_on_text, list_or_array, read_list
from skrnn._input.frames import read_frame, refuse_lazy
from skrnn._input.order import refuse_other_order
from skrnn._input.places import place_of_row
from skrnn._input.sequences import Sequences
from skrnn._input.values import TEXT, is_missing, is_nested, missing_in, refuse_masked, unflatten

_OF_SEQUENCES = "SequenceRNNClassifier and SequenceRNNRegressor take one target for each sequence."


def flatten_steps(values: Any, lengths: np.ndarray, name: str) -> np.ndarray:
    """Put the values of all steps into one array, a row for each step of X.

    `values` is `Sequences`, a list, object array or Series of arrays ``(n_steps,)`` or
    ``(n_steps, k)``, or, for a padded `X`, a 2-D or 3-D array whose values in the padding are
    ignored. Missing values stay as they are; None or NaN in place of an array means that all
    values of it are missing.
    """
    values = list_or_array(_open_sequences(values), name)
    _refuse_other_counts(values, lengths, name)
    if isinstance(values, np.ndarray):
        if values.shape[1] < lengths.max():
            raise ValueError(
                f"{name} has shape {values.shape}, but needs a value for each step: "
                f"({len(lengths)}, {lengths.max()} or more). {_OF_SEQUENCES}"
            )
        return values[np.arange(values.shape[1]) < lengths[:, None]]
    values = [
        [None] * length if is_missing(item) else item
        for item, length in zip(values, lengths.tolist(), strict=True)
    ]
    arrays = read_list(values, name)
    first = int(np.argmax(lengths > 0))  # an empty list has no type, and only one axis
    for i, (array, length) in enumerate(zip(arrays, lengths.tolist(), strict=True)):
        shape = (length, *arrays[first].shape[1:])
        if array.shape != shape and (length or len(array)):
            raise ValueError(
                f"Sequence {i} of {name} has shape {array.shape}, but {shape} is required: a value "
                f"for each step.{_advice_on_labels(arrays, lengths, name)}"
            )
    return _join([array for array in arrays if len(array)] or arrays[:1], name)


def _advice_on_labels(arrays: list[np.ndarray], lengths: np.ndarray, name: str) -> str:
    """Say that the order may be another one, or how to pass several labels of each sequence."""
    given = np.array([len(array) for array in arrays])
    if np.array_equal(np.sort(given), np.sort(lengths)) and (given != lengths).any():
        return (
            f" {name} has the lengths of the sequences of X in another order. Bring both into one "
            "order, for instance that of the ids of X."
        )
    if max(array.ndim for array in arrays) > 1 or 2 * np.sum(given != lengths) < len(given):
        return ""
    return (
        " If each sequence has several labels, pass MultiLabelBinarizer().fit_transform(y) of "
        "scikit-learn to SequenceRNNClassifier."
    )


def check_beside(X: Any, y: Any, sample_weight: Any, per_step: bool) -> None:
    """Check the kind of targets and weights, and their order if they are labelled with ids.

    The kind of those of steps is checked where they are read.
    """
    refuse_masked(y, "y")
    refuse_masked(sample_weight, "sample_weight")
    refuse_other_order(X, y=y, sample_weight=sample_weight)
    if not per_step:
        _refuse_no_array(y, "y")
        if sample_weight is not None and not isinstance(sample_weight, Real):
            _refuse_no_array(sample_weight, "sample_weight")
            _refuse_weights_of_steps(sample_weight)


def _refuse_weights_of_steps(weights: Any) -> None:
    """Raise an error if there is an array of weights for each sample."""
    items = list_or_array(weights, "sample_weight")
    if isinstance(items, list) and any(map(is_nested, items)):
        raise ValueError(
            "sample_weight holds an array for each sample, but one weight for each is required. "
            "StepRNNClassifier and StepRNNRegressor take a weight for each step."
        )


def _refuse_no_array(values: Any, name: str) -> None:
    """Raise an error if values are not an array or list with an entry for each sample."""
    if isinstance(values, (list, tuple)) or issparse(values):
        return
    refuse_lazy(values, name)
    is_array = hasattr(values, "__array__")
    if (np.asarray(values) if is_array else np.asarray(values, dtype=object)).ndim:
        return
    if isinstance(values, Mapping):
        hint = f" Pass list({name}.values()) if they are in the order of the samples of X."
    elif hasattr(values, "__iter__") and not isinstance(values, (*TEXT, Set)) and not is_array:
        hint = f" Pass list({name})."
    else:
        hint = ""
    is_value = is_array or not hasattr(values, "__iter__")
    given = repr(values) if is_value else type(values).__name__
    raise TypeError(
        f"{name} must be a list or array with an entry for each sample of X; got {given}.{hint}"
    )


def _refuse_other_counts(values: Any, lengths: np.ndarray, name: str) -> None:
    """Refuse one value for each sequence, and the values of all steps in one array."""
    of_one_value = not any(map(is_nested, values))
    if of_one_value and len(values) == len(lengths) and not all(map(is_missing, values)):
        if advice := "" if isinstance(values[0], TEXT) else advice_on_iterators(values[0], name):
            raise ValueError(
                f"Sequence 0 of {name} is a {type(values[0]).__name__}, but a list or array with a "
                f"value for each step is required.{advice}"
            )
        advice = advice_on_text(values[0]) if isinstance(values[0], TEXT) else ""
        raise ValueError(
            f"{name} holds a single value for each sequence, but a value for each step is "
            f"required. {_OF_SEQUENCES}{advice}"
        )
    if of_one_value and len(values) == lengths.sum():
        raise ValueError(
            f"{name} holds the {len(values)} values of all steps in one array, but one array for "
            f"each sequence is required: np.split({name}, np.cumsum(lengths)[:-1])."
        )
    check_consistent_length(lengths, values)


def _open_sequences(values: Any) -> Any:
    """Make arrays of `Sequences`, ``(n_steps,)`` if they have one feature; return all else."""
    if not isinstance(values, Sequences):
        return values
    table = values.values
    if not isinstance(table, np.ndarray):
        table = table.toarray() if issparse(table) else read_frame(table)
    return unflatten(table[:, 0] if table.shape[1] == 1 else table, values.lengths)


def _join(arrays: list[np.ndarray], name: str) -> np.ndarray:
    """Put arrays of values into one; text and numbers do not mix, but text may be missing."""
    if any(array.dtype.kind in "OUS" for array in arrays):
        arrays = [
            array.astype(object) if array.dtype.kind == "f" and np.isnan(array).all() else array
            for array in arrays
        ]
    kinds = {array.dtype.kind for array in arrays}
    if kinds & set("biuf") and kinds & set("mMVUS"):
        raise ValueError(f"{name} mixes numbers with values of other types.")
    return np.concatenate(arrays)


def replace_missing(
    y: Any, weight: np.ndarray, lengths: np.ndarray | None = None, per_step: bool = False
) -> Any:
    """Replace missing targets of weight 0 by a target that is not missing.

    They do not count, but the other checks of targets need a valid value.

    Parameters
    ----------
    y : array-like of shape (n_rows,) or (n_rows, n_outputs)
        Targets. None, NaN, NaT and NA of pandas are missing.

    weight : ndarray of shape (n_rows,)
        Their weights.

    lengths : ndarray of shape (n_sequences,), default=None
        Lengths of the sequences in X, for the error; None for a table.

    per_step : bool, default=False
        Whether the rows of `y` are steps.

    Returns
    -------
    y : array-like
        The same object if nothing is missing, otherwise an array.

    Raises
    ------
    ValueError
        If a target of another weight is missing.
    """
    values = _as_objects_with_missing(y)
    if values is None or values.shape[:1] != weight.shape:
        return y
    missing = missing_in(values).reshape(len(values), -1).any(axis=1)
    if not missing.any():
        return y
    counts = missing & (weight != 0)
    if counts.any() or missing.all():
        place = place_of_target(int(counts.argmax()), lengths, per_step)
        raise ValueError(f"y is missing {place}; give it sample_weight 0, or leave it out.")
    values = values.copy()
    values[missing] = values[~missing][0]
    if values.dtype != object:
        return values
    items = values.ravel().tolist()
    if len({isinstance(item, TEXT) for item in items}) > 1:
        return values  # labels of different types, which are refused later
    return np.array(items).reshape(values.shape)


def place_of_target(row: int, lengths: np.ndarray | None, per_step: bool) -> str:
    """Say which target stands in a row: at a row of a table, for a sequence, or at a step."""
    if lengths is None:
        return f"at row {row}"
    return f"at {place_of_row(row, lengths)}" if per_step else f"for sequence {row}"


def _as_objects_with_missing(y: Any) -> np.ndarray | None:
    """Make an array in which missing values are recognized; None if there can be none."""
    if issparse(y):
        return None
    try:
        values = np.asarray(y)
        if values.dtype.kind in "US" and isinstance(y, (list, tuple)):
            values = np.asarray(y, dtype=object)  # NumPy made text of missing values
    except ValueError:  # lists of unequal lengths, which are refused later
        return None
    if values.dtype.kind == "T":
        values = values.astype(object)
    return values if values.dtype.kind in "fmMO" and values.ndim else None


def flatten_weights(weights: Any, lengths: np.ndarray) -> np.ndarray:
    """Put the weights of all steps into one array; a sequence's weight counts for all its steps."""
    if isinstance(weights, Real):
        return np.full(lengths.sum(), float(weights))
    weights = list_or_array(_open_sequences(weights), "sample_weight")
    if any(map(is_nested, weights)):
        return flatten_steps(weights, lengths, "sample_weight")
    check_consistent_length(weights, lengths)
    return np.repeat(np.asarray(weights), lengths)
