"""Containers of sequences: lists, arrays, and columns, frames and arrays of other libraries.

No such library is imported here. Objects of pandas, polars and pyarrow are recognized by their
attributes. Nulls become NaN.

narwhals, which scikit-learn uses for frames, is not used: it refuses arrays of pyarrow and frames
with a column name twice, and it takes longer to wrap an input than NumPy takes to read it.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping

import numpy as np
from scipy.sparse import issparse

from skrnn._input.values import as_array, as_float, holds_text, holds_times, is_awkward, is_nested


def list_or_array(X, name: str = "X") -> list | np.ndarray:
    """Return a list if X holds one array for each sequence, an array if X is one for all."""
    if isinstance(X, (list, tuple)):
        return list(X)
    if is_awkward(X):
        return _read_awkward(X)
    if (names := column_names(X)) is not None:
        if len(names) == 1:
            column = list_or_array(X[names[0]], name)
            if isinstance(column, list) and any(map(is_nested, column)):
                return column
        return _read_frame(X)
    if hasattr(X, "__array__"):  # arrays, Series, tensors
        array = as_array(X)
        # The items of a column are sequences, even where their lengths are equal.
        is_column = hasattr(X, "to_frame") and array.ndim > 1
        return list(array) if is_column or (array.dtype == object and array.ndim == 1) else array
    if isinstance(X, (str, bytes, Mapping)) or issparse(X) or not hasattr(X, "__len__"):
        raise TypeError(
            f"{name} must be a list or array of sequences, not sparse; got {type(X).__name__}. A "
            "sequence is an array of shape (n_steps, n_features) or (n_steps,)."
        )
    return list(X)


def column_names(X) -> list | None:
    """Return the names of the columns of a frame of any library; None if X is no frame."""
    if not hasattr(X, "__array__") or is_awkward(X):  # its fields are attributes, of any name
        return None
    names = getattr(X, "column_names", None)  # pyarrow, where `columns` are the columns
    names = getattr(X, "columns", None) if names is None else names
    return None if names is None else list(names)


def check_frame(X, array: np.ndarray) -> np.ndarray:
    """Return the array of a frame of numbers, or say which column holds something else."""
    numbers = array.dtype.kind in "biufc"
    if numbers and hasattr(X, "iloc"):
        return array  # frames of other libraries than pandas convert dates to numbers
    for name, column in zip(column_names(X) or [], _columns_of(X), strict=True):
        _check_column(as_array(column), name)
    return array if numbers else as_float(array, "X")


def _check_column(values: np.ndarray, name) -> None:
    if values.ndim > 1 or (values.dtype == object and any(map(is_nested, values))):
        layout, converter = "sequences, beside other columns", "from_nested"
    elif holds_text(values) or holds_times(values):
        layout, converter = "text or dates", "from_long"
    else:
        return
    raise ValueError(
        f"Column {name!r} of X holds {layout}. A frame holds the numbers of one sequence in each "
        "row, or all sequences in its only column. For a frame with a row for each step, use "
        "skrnn.convert.from_long; with a column of sequences for each feature, "
        f"skrnn.convert.from_nested. This one looks like a case for {converter}."
    )


def read_steps(sequence) -> np.ndarray:
    """Make one array of a sequence, also of one that holds an array or null for each step."""
    plain = type(sequence) in (np.ndarray, list) or hasattr(sequence, "iloc")
    if not plain and column_names(sequence):
        # Columns one by one: as a whole, polars and pyarrow convert dates to numbers.
        return np.stack([as_array(column) for column in _columns_of(sequence)], axis=1)
    array = as_array(sequence)
    if array.dtype.kind != "O" or array.ndim != 1 or not any(map(is_nested, array)):
        return array
    missing = np.full(max(len(step) for step in array if is_nested(step)), np.nan, dtype=object)
    return np.array([missing if step is None else step for step in array])


def _columns_of(X) -> list:
    names = column_names(X) or []
    return [X[name] for name in names] if len(set(names)) == len(names) else list(np.asarray(X).T)


def _read_frame(X) -> np.ndarray:
    try:
        return np.asarray(X)
    except TypeError:  # pyarrow, for columns without a common type
        return np.stack([np.asarray(column).astype(object) for column in _columns_of(X)], axis=1)


def _read_awkward(X) -> list:
    ak = sys.modules["awkward"]
    try:
        lengths = ak.num(X, axis=1)
        values = as_array(ak.flatten(X, axis=1))
    except (TypeError, ValueError):  # one by one, so that an error can name the sequence
        return list(X)
    offsets = np.cumsum(as_array(ak.fill_none(lengths, 0)))
    sequences = np.split(values, offsets[:-1]) if len(X) else []
    return [None if null else steps for null, steps in zip(ak.is_none(X), sequences, strict=True)]
