"""Frames of any library: names, rows, and conversion to arrays.

No such library is imported here. narwhals, which scikit-learn uses for frames, recognizes them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import narwhals.stable.v2 as nw
import numpy as np
from sklearn.utils import _safe_indexing
from sklearn.utils.validation import _get_feature_names

from skrnn._input.values import as_array, missing_in, object_array

# How frames of a library are joined, with types that hold the values of all.
_JOIN: dict[str, Callable[[Any, list[Any]], Any]] = {
    "pandas": lambda pandas, frames: pandas.concat(frames),
    "polars": lambda polars, frames: polars.concat(frames, how="vertical_relaxed"),
    "pyarrow": lambda pyarrow, frames: pyarrow.concat_tables(frames, promote_options="permissive"),
}


def is_frame(X: Any) -> bool:
    """Return whether X is a frame of a library that narwhals supports."""
    if isinstance(X, (np.ndarray, list, tuple)):  # narwhals takes 20 µs to say so
        return False
    return nw.dependencies.is_into_dataframe(X)


def column_names(X: Any) -> list[Any] | None:
    """Return the names of the columns of a frame of any library; None if X is no frame."""
    if not hasattr(X, "__array__") or not hasattr(type(X), "columns"):
        return None
    return list(getattr(X, "column_names", X.columns))  # `columns` of pyarrow are not names


def feature_names(values: Any) -> np.ndarray | None:
    """Return the names of the columns of a table if it is a frame and they are all strings."""
    return _get_feature_names(values) if is_frame(values) else None


def take(table: Any, rows: Any) -> Any:
    """Take rows of an array, sparse matrix or frame, by a slice or an array of indices."""
    return _safe_indexing(table, rows) if is_frame(table) else table[rows]


def make_frame(columns: dict[str, Any], like: Any) -> Any:
    """Make a frame of columns, of the library of another frame."""
    return nw.from_dict(columns, backend=nw.get_native_namespace(like)).to_native()


def select_columns(frame: Any, positions: list[int]) -> Any:
    """Get some columns of a frame by their positions, as a frame of the same library."""
    return _safe_indexing(frame, positions, axis=1)


def refuse_equal_names(frame: Any, name: str) -> None:
    """Raise an error if two columns of a frame have the same name."""
    names = column_names(frame) or []
    if len(set(names)) < len(names):
        raise ValueError(f"The columns of {name} must differ, got {names}.")


def refuse_lazy(table: Any, name: str) -> None:
    """Raise an error for a lazy frame, such as that of polars."""
    if hasattr(type(table), "collect") and hasattr(type(table), "lazy"):
        raise TypeError(
            f"{name} is a {type(table).__name__}, whose values are not computed yet. Pass the "
            "frame that its method collect() returns."
        )


def refuse_levels(frame: Any, name: str) -> None:
    """Raise an error if the columns of a frame of pandas have names of several levels."""
    if getattr(frame.columns, "nlevels", 1) > 1:
        raise ValueError(
            f"The columns of {name} have names of several levels, such as "
            f"{frame.columns[0]!r}, but one name for each column is required: "
            "X.columns = ['_'.join(map(str, levels)) for levels in X.columns]."
        )


def join_frames(frames: list[Any], name: str) -> Any:
    """Put the rows of all frames into one frame; their columns must be the same."""
    names, kind = column_names(frames[0]) or [], type(frames[0])
    for i, frame in enumerate(frames):
        if type(frame) is not kind:
            raise ValueError(
                f"Sequence {i} of {name} is a {_full_name(type(frame))}, but sequence 0 is a "
                f"{_full_name(kind)}. Pass frames of one library only, or arrays only."
            )
        if (column_names(frame) or []) != names:
            raise ValueError(
                f"Sequence {i} of {name} has the columns {column_names(frame)}, but sequence 0 "
                f"has {names}. All sequences need the same columns in the same order."
            )
    refuse_equal_names(frames[0], f"the sequences of {name}")
    library = nw.get_native_namespace(frames[0])
    try:
        return _JOIN[library.__name__](library, frames)
    except KeyError as error:
        known = ", ".join(_JOIN)
        raise TypeError(f"Sequences of {name} must be frames of {known}, or arrays.") from error


def join_columns(tables: list[Any]) -> Any:
    """Put the columns of arrays, or of frames of one library, side by side."""
    if not is_frame(tables[0]):
        return np.hstack(tables)
    if hasattr(tables[0], "set_axis"):  # pandas: by position, which narwhals does from 2.25 on
        tables = [tables[0], *(table.set_axis(tables[0].index) for table in tables[1:])]
    frames = [nw.from_native(table, eager_only=True) for table in tables]
    return nw.concat(frames, how="horizontal").to_native()


def _full_name(kind: type) -> str:
    """Return the name of a class with that of its library."""
    return f"{kind.__module__.split('.')[0]}.{kind.__name__}".removeprefix("builtins.")


def read_column(values: Any) -> np.ndarray:
    """Make a 1-D array of a column; the items of a list of other things than numbers stay."""
    if isinstance(values, (list, tuple)) and not {type(v) for v in values} <= {int, float, bool}:
        return object_array(values)
    array = as_array(values)
    return array if array.ndim == 1 else object_array(list(array))


def read_frame(X: Any) -> np.ndarray:
    """Make one array of the columns of a frame, of objects if some hold no numbers."""
    if hasattr(X, "iloc"):
        return as_array(X)
    refuse_equal_names(X, "X")
    # The frames of other libraries than pandas convert dates to numbers.
    columns = [read_column(X[name]) for name in column_names(X) or []]
    if any(column.dtype.kind not in "biuf" for column in columns):
        columns = [object_array(column) for column in columns]
    return np.array(columns).T


def missing_in_frame(frame: Any) -> np.ndarray:
    """Return which values of a frame are missing, as an array (n_rows, n_columns)."""
    columns = [missing_in(read_column(frame[name])) for name in column_names(frame) or []]
    return np.array(columns).T
