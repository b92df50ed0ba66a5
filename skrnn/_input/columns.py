"""Columns of frames of any library, for `skrnn.convert`: ids, times, features and cells."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from skrnn._input.containers import column_names
from skrnn._input.values import as_array, as_float, holds_text, is_nested, missing_in, object_array


def check_column_names(frame) -> list:
    """Return the names of the columns of a frame or mapping, after checking that it is one."""
    names = list(frame) if isinstance(frame, Mapping) else column_names(frame)
    if names is None:
        raise TypeError(f"A frame or mapping of columns is needed, got {type(frame).__name__}.")
    if len(set(names)) < len(names):
        raise ValueError(f"Names of columns must differ, got {names}.")
    n_rows = {name: len(frame[name]) for name in names} if isinstance(frame, Mapping) else {}
    if len(set(n_rows.values())) > 1:
        raise ValueError(f"Columns must have one number of rows, got {n_rows}.")
    return names


def index_levels(frame, time) -> list:
    """Return the names of the two levels of a MultiIndex: of the sequences, and of their steps."""
    levels = list(getattr(getattr(frame, "index", None), "names", []))
    if len(levels) != 2 or None in levels or time is not None:
        raise ValueError(
            "id must name the column with the id of the sequence of each row. Without id and time, "
            "a pandas frame with a MultiIndex of two named levels, sequence and step, is needed; "
            f"got levels {levels} and time={time!r}."
        )
    return levels


def read_column(frame, names: list, name, nested: bool = False) -> np.ndarray:
    """Read a column, or a level of the index of a pandas frame, as an array."""
    index = getattr(frame, "index", None)
    if name in names:
        column = read_items(frame[name])
    elif index is not None and name in getattr(index, "names", ()):
        column = np.asarray(index.get_level_values(name))
    else:
        raise ValueError(f"There is no column {name!r}; the columns are {names}.")
    if column.ndim != 1 and not nested:
        raise ValueError(f"Column {name!r} has shape {column.shape}, but needs one value a row.")
    return column


def read_items(values) -> np.ndarray:
    """Make an array of one entry for each item; the items of a list keep their types."""
    if not isinstance(values, (list, tuple)):
        return as_array(values)
    numbers = {type(value) for value in values} <= {int, float, bool}
    return np.asarray(values) if numbers else object_array(values)  # [1, "1"] stays as it is


def number_sequences(ids_of_rows: np.ndarray, name) -> tuple[np.ndarray, np.ndarray]:
    """Assign numbers to ids by first appearance; return the number of each row, and the ids."""
    missing = missing_in(ids_of_rows)
    if missing.any() or not len(missing):
        fault = f"is missing in row {missing.argmax()}" if len(missing) else "has no rows"
        raise ValueError(f"The id in {name!r} {fault}, but every step must belong to a sequence.")
    numbers: dict = {}
    try:
        codes = [numbers.setdefault(value, len(numbers)) for value in ids_of_rows.tolist()]
    except TypeError as error:
        raise ValueError(f"The ids in {name!r} must be single values: {error}.") from error
    return np.array(codes), ids_of_rows[np.unique(codes, return_index=True)[1]]


def in_time_order(codes: np.ndarray, ids: np.ndarray, name, times: np.ndarray | None) -> np.ndarray:
    """Return the order of rows by sequence, and within each sequence by time."""
    if times is None:
        return np.argsort(codes, kind="stable")
    missing = missing_in(times)
    if missing.any():
        row = missing.argmax()
        raise ValueError(
            f"The time in {name!r} is missing in row {row}, of id {_show(ids, codes[row])}."
        )
    if times.dtype.kind == "c" or holds_text(times):
        raise ValueError(
            f"The times in {name!r} must be numbers or dates, which have an order; as text, '10' "
            "comes before '9'."
        )
    try:
        rank = np.unique(times, return_inverse=True)[1]
    except TypeError as error:
        raise ValueError(f"The times in {name!r} have no order: {error}.") from error
    order = np.lexsort((rank, codes))
    repeated = (np.diff(codes[order]) == 0) & (np.diff(rank[order]) == 0)
    if repeated.any():
        row = order[repeated.argmax()]
        raise ValueError(
            f"The sequence of id {_show(ids, codes[row])} has more than one step at {name!r} "
            f"{_show(times, row)}."
        )
    return order


def _show(values: np.ndarray, i: int) -> str:
    return str(values[i]) if values.dtype.kind in "mM" else repr(values[i : i + 1].tolist()[0])


def features_of_rows(columns: dict) -> np.ndarray:
    """Join columns of numbers to an array (n_rows, n_columns), of objects if some hold text."""
    features = [_feature(column, name) for name, column in columns.items()]
    if any(feature.dtype == object for feature in features):
        features = [feature.astype(object) for feature in features]
    return np.column_stack(features)


def _feature(column: np.ndarray, name) -> np.ndarray:
    if column.dtype.kind in "biuf":
        return column
    if holds_text(column):
        return column.astype(object)
    if column.dtype == object:
        column = np.where(missing_in(column), np.nan, column)
    return as_float(column, f"Column {name!r}")


def read_cell(value, row: int, name) -> np.ndarray:
    """Read the steps of one feature from a cell."""
    array = as_array(value) if is_nested(value) else np.empty(0)
    if array.ndim != 1 or not len(array):
        raise ValueError(
            f"Row {row} of column {name!r} holds no sequence of at least one step, but "
            f"{type(value).__name__}{f' of shape {array.shape}' if is_nested(value) else ''}."
        )
    return array


def feature_names(columns, n_features: int) -> list:
    """Return the names of features that were passed, or make names."""
    names = [f"x{k}" for k in range(n_features)] if columns is None else list(columns)
    if len(names) != n_features or len(set(names)) < n_features:
        raise ValueError(f"columns must hold {n_features} different names, got {columns!r}.")
    return names
