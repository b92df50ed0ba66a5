"""Columns of frames of any library, as `skrnn.convert` needs them: ids, times, features, cells."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from skrnn._containers import as_array, column_names, is_missing, is_nested


def names_of(frame) -> list:
    """Names of the columns of a frame, or of a mapping, which is checked to be one."""
    names = list(frame) if isinstance(frame, Mapping) else column_names(frame)
    if names is None:
        raise TypeError(f"A frame or mapping of columns is needed, got {type(frame).__name__}.")
    if len(set(names)) < len(names):
        raise ValueError(f"Names of columns must differ, got {names}.")
    n_rows = {name: len(frame[name]) for name in names} if isinstance(frame, Mapping) else {}
    if len(set(n_rows.values())) > 1:
        raise ValueError(f"Columns must have one number of rows, got {n_rows}.")
    return names


def levels_of_index(frame, time) -> list:
    """Names of the two levels of a MultiIndex: of the sequences, and of their steps."""
    levels = list(getattr(getattr(frame, "index", None), "names", []))
    if len(levels) != 2 or None in levels or time is not None:
        raise ValueError(
            "id must name the column that says which sequence a row belongs to. Only for a pandas "
            "frame with a MultiIndex of two named levels, sequence and step, can it be left out, "
            f"and time with it; here the levels are {levels}, and time is {time!r}."
        )
    return levels


def column_of(frame, names: list, name, nested: bool = False) -> np.ndarray:
    """Take a column, or a level of the index of a pandas frame."""
    index = getattr(frame, "index", None)
    if name in names:
        column = one_dimensional(frame[name])
    elif index is not None and name in getattr(index, "names", ()):
        column = np.asarray(index.get_level_values(name))
    else:
        raise ValueError(f"There is no column {name!r}; the columns are {names}.")
    if column.ndim != 1 and not nested:
        raise ValueError(f"Column {name!r} has shape {column.shape}, but needs one value a row.")
    return column


def one_dimensional(values) -> np.ndarray:
    """Make an array that has one entry for each value, whatever the values are."""
    if not isinstance(values, (list, tuple)):
        return as_array(values)
    array = np.empty(len(values), dtype=object)
    for i, value in enumerate(values):
        array[i] = value
    kinds = {type(value) for value in values}
    return np.asarray(values) if kinds <= {int, float, bool} else array  # [1, "1"] stays as it is


def number_sequences(of_rows: np.ndarray, name) -> tuple[np.ndarray, np.ndarray]:
    """Enumerate sequences by first appearance: the number of each row, the id of each number."""
    missing = _missing_in(of_rows)
    if missing.any() or not len(of_rows):
        fault = f"is missing in row {missing.argmax()}" if len(of_rows) else "has no rows"
        raise ValueError(f"The id in {name!r} {fault}, but every step must belong to a sequence.")
    numbers: dict = {}
    try:
        codes = np.array([numbers.setdefault(value, len(numbers)) for value in of_rows.tolist()])
    except TypeError as error:
        raise ValueError(f"The ids in {name!r} must be single values: {error}.") from error
    first = np.unique(codes, return_index=True)[1]
    return codes, of_rows[first]


def in_time(codes: np.ndarray, ids: np.ndarray, name, times: np.ndarray | None) -> np.ndarray:
    """Order rows by sequence, and within each by time."""
    if times is None:
        return np.argsort(codes, kind="stable")
    missing = _missing_in(times)
    if missing.any():
        row = missing.argmax()
        raise ValueError(
            f"The time in {name!r} is missing in row {row}, of id {_show(ids, codes[row])}."
        )
    text = times.dtype == object and any(isinstance(time, (str, bytes)) for time in times)
    if text or times.dtype.kind in "cSU":
        raise ValueError(
            f"The times in {name!r} must be numbers or dates, whose order is known; as text, '10' "
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
    return repr(values[i : i + 1].tolist()[0]) if values.dtype.kind not in "mM" else str(values[i])


def _missing_in(values: np.ndarray) -> np.ndarray:
    if values.dtype.kind in "fc":
        return np.isnan(values)
    if values.dtype.kind in "mM":
        return np.isnat(values)
    if values.dtype != object:
        return np.zeros(len(values), dtype=bool)
    return np.array([is_missing(value) for value in values], dtype=bool)


def side_by_side(columns: dict) -> np.ndarray:
    """Make a table of columns of numbers; one of objects if some hold text."""
    features = [_feature(column, name) for name, column in columns.items()]
    if any(feature.dtype == object for feature in features):
        features = [feature.astype(object) for feature in features]
    return np.column_stack(features)


def _feature(column: np.ndarray, name) -> np.ndarray:
    if column.dtype.kind in "biuf":
        return column
    try:
        if column.dtype.kind in "US" or any(isinstance(v, (str, bytes)) for v in column):
            return column.astype(object)
        if column.dtype != object:
            raise TypeError(f"they are of type {column.dtype}")
        return np.array([np.nan if is_missing(v) else v for v in column], dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"Column {name!r} cannot be a feature, since its values are no numbers and no text: "
            f"{error}."
        ) from error


def cell_of(value, row: int, name) -> np.ndarray:
    """Take the steps of one feature out of a cell."""
    array = as_array(value) if is_nested(value) else np.empty(0)
    if array.ndim != 1 or not len(array):
        raise ValueError(
            f"Row {row} of column {name!r} holds no sequence of at least one step, but "
            f"{type(value).__name__}{f' of shape {array.shape}' if is_nested(value) else ''}."
        )
    return array


def names_of_features(columns, n_features: int) -> list:
    names = [f"x{k}" for k in range(n_features)] if columns is None else list(columns)
    if len(names) != n_features or len(set(names)) < n_features:
        raise ValueError(f"columns must hold {n_features} different names, got {columns!r}.")
    return names
