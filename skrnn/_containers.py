"""What sequences are kept in: lists, arrays, and the columns, frames and arrays of other libraries.

None of these libraries is imported here. pandas, polars and pyarrow are known by what their objects
can do; awkward arrays, which cannot become NumPy arrays as a whole, by their class, which exists
only where somebody has imported awkward. What is null there becomes NaN, as in NumPy's world.
"""

from __future__ import annotations

import datetime
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import numpy as np
from numpy.ma import MaskedArray, getdata, getmaskarray
from scipy.sparse import issparse

_NO_NUMBERS = (
    *(str, bytes),
    *(datetime.date, datetime.time, datetime.timedelta, np.datetime64, np.timedelta64),
)


def list_or_array(X, name: str = "X") -> list | np.ndarray:
    """Tell one array for each sequence (a list) from one array for all (an ndarray)."""
    if isinstance(X, (list, tuple)):
        return list(X)
    if issparse(X):
        raise TypeError(
            f"Sparse data was passed for {name}, but sequences must be dense: pass "
            f"{name}.toarray(), or a list of dense arrays."
        )
    names = column_names(X)
    if names is not None and len(names) == 1:
        column = list_or_array(X[names[0]], name)
        if isinstance(column, list) and any(is_nested(value) for value in column):
            return column
    if is_awkward(X):
        return _of_awkward(X)
    if hasattr(X, "__array__"):  # arrays, Series, DataFrames, tensors
        array = _of_frame(X, names) if names is not None else as_array(X)
        # The rows of a column are sequences, not a table, even where all lengths are equal.
        is_column = names is None and hasattr(X, "to_frame") and array.ndim > 1
        return list(array) if is_column or (array.dtype == object and array.ndim == 1) else array
    if isinstance(X, (str, bytes, Mapping)) or not hasattr(X, "__len__"):
        raise TypeError(
            f"{name} must be a list or array of sequences, got {type(X).__name__}. A sequence is "
            "an array of shape (n_steps, n_features) or (n_steps,)."
        )
    return list(X)


def collection_of(X) -> list | np.ndarray:
    """Read X by `list_or_array`, and refuse frames of another layout."""
    array = list_or_array(X)
    if isinstance(array, list) or (names := column_names(X)) is None:
        return array
    numbers = array.dtype.kind in "biufc"
    if numbers and hasattr(X, "iloc"):
        return array  # other frames than those of pandas make numbers of dates
    for name, column in zip(names, _columns_of(X), strict=True):
        _check_column(as_array(column), name)
    return array if numbers else as_float(array, "X")


def _check_column(values: np.ndarray, name) -> None:
    if values.ndim > 1 or (values.dtype == object and any(map(is_nested, values))):
        layout, way = "sequences, beside other columns", "from_nested"
    elif values.dtype.kind in "SUMm" or (
        values.dtype == object and any(isinstance(value, _NO_NUMBERS) for value in values)
    ):
        layout, way = "text or dates", "from_long"
    else:
        return
    raise ValueError(
        f"Column {name!r} of X holds {layout}. A frame holds the numbers of one sequence in each "
        "row, or all sequences in its only column. For a frame with a row for each step there is "
        "skrnn.convert.from_long; with a column of sequences for each feature, "
        f"skrnn.convert.from_nested. This one looks like a case for {way}."
    )


def column_names(X) -> list | None:
    """Names of the columns of a frame of any library; None if X is no frame."""
    if not hasattr(X, "__array__") or is_awkward(X):  # whose fields may have any name
        return None
    names = getattr(X, "column_names", None)  # pyarrow, where `columns` are the columns
    names = getattr(X, "columns", None) if names is None else names
    return None if names is None else list(names)


def _columns_of(X) -> list:
    names = column_names(X) or []
    if len(set(names)) == len(names):
        return [X[name] for name in names]
    return list(np.asarray(X).T)


def is_nested(value) -> bool:
    """Tell what holds further values, text apart."""
    if isinstance(value, (str, bytes)) or not hasattr(value, "__len__"):
        return False
    return getattr(value, "ndim", 1) > 0  # an array of no dimension is one value


def is_awkward(X) -> bool:
    """Tell an awkward array, which nobody can have without having imported awkward."""
    return isinstance(X, getattr(sys.modules.get("awkward"), "Array", ()))


def as_array(sequence) -> np.ndarray:
    """Make an array of what NumPy takes for one, with NaN where something is masked or null."""
    if isinstance(sequence, MaskedArray):
        return _filled(sequence)
    try:
        return np.asarray(sequence)
    except ValueError:
        if is_awkward(sequence):  # which refuses to leave out what it has no value for
            return _filled(sequence.to_numpy())
        raise


def steps_of(sequence) -> np.ndarray:
    """Make one array of a sequence, also of one that holds an array for each step, or null."""
    if type(sequence) in (np.ndarray, list):  # what there may be many thousands of
        array = np.asarray(sequence)
    elif not hasattr(sequence, "iloc") and column_names(sequence):
        # A frame of another library than pandas would make numbers of dates, as a whole.
        return np.stack([as_array(column) for column in _columns_of(sequence)], axis=1)
    else:
        array = as_array(sequence)
    if array.dtype.kind != "O" or array.ndim != 1:
        return array
    width = next((len(step) for step in array if is_nested(step)), None)
    if width is None:
        return array
    missing = np.full(width, np.nan, dtype=object)
    return np.array([missing if step is None else step for step in array])


def as_float(values: np.ndarray, where: str) -> np.ndarray:
    """Make values float that are no text, with NaN for pandas' NA."""
    if any(value is None for value in values.flat):
        raise ValueError(f"{where} contains None, which is no number; use NaN for padding.")
    try:
        with np.errstate(over="ignore"):  # infinity is refused where its place is known
            return values.astype(np.float64)
    except (OverflowError, TypeError, ValueError) as error:
        is_na = [is_missing(value) and not isinstance(value, float) for value in values.flat]
        if any(is_na):
            return as_float(np.where(np.reshape(is_na, values.shape), np.nan, values), where)
        raise ValueError(f"{where} contains something that is no number: {error}") from error


def is_missing(value) -> bool:
    """Tell None, and NaN, NaT and pandas' NA, which do not say that they equal themselves."""
    if value is None or is_nested(value):
        return value is None
    equal = value == value
    return not equal if isinstance(equal, (bool, np.bool_)) else equal is value  # NA, which is one


def refuse_masked(values, name: str) -> None:
    """Refuse masked values where none may be missing."""
    rows = values if isinstance(values, (list, tuple)) else [values]
    if any(np.ma.is_masked(row) for row in rows):
        raise ValueError(f"{name} holds masked values, but none may be missing.")


def refuse_times(values, name: str) -> None:
    """Refuse dates and spans of time, which NumPy would count in whatever unit they have."""
    columns = [values.dtype] if hasattr(values, "dtype") else getattr(values, "dtypes", [])
    for dtype in columns:
        if getattr(dtype, "kind", "") in ("m", "M"):
            raise ValueError(
                f"{name} contains values of type {dtype}, but real numbers are required; divide by "
                "a unit of time."
            )


@contextmanager
def overflow_refused(name: str) -> Iterator[None]:
    """Let what is too large for a float become infinite, and so be refused by that name."""
    try:
        with np.errstate(over="ignore", invalid="ignore"):
            yield
    except OverflowError as error:
        raise ValueError(f"{name} contains a number that no float can hold: {error}.") from error


def in_native_order(array: np.ndarray) -> np.ndarray:
    """Turn the bytes of numbers round that come in the other order."""
    return array if array.dtype.isnative else array.astype(array.dtype.newbyteorder("="))


def _filled(values: np.ndarray) -> np.ndarray:
    missing = getmaskarray(values)
    values = getdata(values)
    if missing.any():
        numbers = values.dtype.kind in "biuf"
        if values.dtype.kind != "f":
            values = values.astype(np.float64 if numbers else object)
        values = values.copy()
        values[missing] = np.nan if numbers else None
    return values


def _of_frame(X, names: list) -> np.ndarray:
    try:
        return np.asarray(X)
    except TypeError:  # pyarrow, where the columns have nothing in common
        return np.stack([np.asarray(X[name]).astype(object) for name in names], axis=1)


def _of_awkward(X) -> list:
    ak = sys.modules["awkward"]
    try:
        lengths = ak.num(X, axis=1)
        values = as_array(ak.flatten(X, axis=1))
    except (TypeError, ValueError):  # one by one, so that an error can say which is at fault
        return list(X)
    offsets = np.cumsum(as_array(ak.fill_none(lengths, 0)))
    sequences = np.split(values, offsets[:-1]) if len(X) else []
    return [None if gone else of_one for gone, of_one in zip(ak.is_none(X), sequences, strict=True)]
