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

from skrnn._input.values import TEXT, TIMES, as_array, is_awkward, is_nested, object_array, types_in


def list_or_array(X, name: str = "X") -> list | np.ndarray:
    """Return a list if X holds one array for each sequence, an array if X is one for all."""
    if isinstance(X, (list, tuple)):
        return list(X)
    if is_awkward(X):
        return _split_awkward(X)
    if column_names(X) is not None:
        array = read_frame(X)
        nested = array.shape[1:] == (1,) and any(map(is_nested, array[:, 0]))
        return list(array[:, 0]) if nested else array
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
    if not hasattr(X, "__array__") or not hasattr(type(X), "columns"):
        return None
    return list(getattr(X, "column_names", X.columns))  # `columns` of pyarrow are not names


def read_column(values) -> np.ndarray:
    """Make a 1-D array of a column; the items of a list of other things than numbers stay."""
    if isinstance(values, (list, tuple)) and not {type(v) for v in values} <= {int, float, bool}:
        return object_array(values)
    array = as_array(values)
    return array if array.ndim == 1 else object_array(list(array))


def read_frame(X) -> np.ndarray:
    """Make one array of the columns of a frame, of objects if some hold no numbers."""
    if hasattr(X, "iloc"):
        return as_array(X)
    # The frames of other libraries than pandas convert dates to numbers.
    columns = [read_column(X[name]) for name in column_names(X) or []]
    if any(column.dtype.kind not in "biuf" for column in columns):
        columns = [object_array(column) for column in columns]
    return np.array(columns).T


def check_columns(X, array: np.ndarray) -> None:
    """Refuse text, dates and sequences in the columns of a frame, and name the converter."""
    for name, column in zip(column_names(X) or [], array.T, strict=True):
        if any(map(is_nested, column)):
            found, hint = "sequences", "from_nested reads a column of them for each feature"
        elif types_in(column, TEXT + TIMES):
            found, hint = "text or dates", "from_long reads a row for each step"
        else:
            continue
        raise ValueError(
            f"Column {name!r} of X holds {found}, but a frame must hold the numbers of a sequence "
            f"in each row. In skrnn.convert, {hint}."
        )


def read_list(items, name: str) -> list[np.ndarray]:
    """Make an array (n_steps, n_features) or (n_steps,) of each item."""
    if not len(items):
        raise ValueError(f"{name} is empty: at least one sequence is required.")
    arrays = []
    for i, item in enumerate(items):
        try:
            array = read_steps(item)
        except (TypeError, ValueError) as error:
            raise ValueError(f"Sequence {i} of {name} is not an array: {error}") from error
        if array.ndim not in (1, 2) or not array.size:
            raise ValueError(
                f"Sequence {i} of {name} has shape {array.shape} and type {type(item).__name__}, "
                "but a value for each step is required: (n_steps,) or (n_steps, n_features)."
            )
        arrays.append(array)
    return arrays


def read_steps(sequence) -> np.ndarray:
    """Make one array of a sequence, also of one that holds an array or null for each step."""
    if type(sequence) not in (np.ndarray, list) and column_names(sequence):
        return read_frame(sequence)
    array = as_array(sequence)
    if array.dtype.kind != "O" or array.ndim != 1 or not any(map(is_nested, array)):
        return array
    missing = np.full(max(len(step) for step in array if is_nested(step)), np.nan, dtype=object)
    return np.array([missing if step is None else step for step in array])


def _split_awkward(X) -> list:
    ak = sys.modules["awkward"]
    try:
        lengths = np.asarray(ak.num(X, axis=1))
        return np.split(as_array(ak.flatten(X, axis=1)), np.cumsum(lengths)[:-1])
    except (TypeError, ValueError):  # one by one, so that an error can name the sequence
        return list(X)
