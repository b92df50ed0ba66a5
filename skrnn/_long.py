"""The ids, times and static columns of a table that has a row for each step."""

from __future__ import annotations

from typing import Any

import numpy as np

from skrnn._dates import first_not_iso, no_order
from skrnn._input.values import TEXT, as_array, missing_in, object_array, types_in


def read_levels(frame: Any) -> dict[Any, np.ndarray]:
    """Read the named levels of the index of a pandas frame; others have none."""
    index = getattr(frame, "index", None)
    names = [name for name in getattr(index, "names", []) if name is not None]
    return {name: as_array(frame.index.get_level_values(name)) for name in names}


def number_sequences(columns: list[np.ndarray], names: list[Any]) -> tuple[np.ndarray, np.ndarray]:
    """Assign numbers to ids by first appearance; return the number of each row, and the ids."""
    for column, name in zip(columns, names, strict=True):
        _refuse_missing(column, name)
    values = columns[0].tolist()
    if len(columns) > 1:
        values = list(zip(*(column.tolist() for column in columns), strict=True))
    numbers: dict[Any, int] = {}
    try:
        codes = [numbers.setdefault(value, len(numbers)) for value in values]
    except TypeError as error:
        raise ValueError(f"The ids in {names} must be single values: {error}.") from error
    if len(columns) > 1:
        return np.array(codes), object_array(list(numbers))
    return np.array(codes), columns[0][np.unique(codes, return_index=True)[1]]


def refuse_changes(
    column: np.ndarray, codes: np.ndarray, first: np.ndarray, ids: np.ndarray, name: Any
) -> None:
    """Refuse a static column that changes within a sequence."""
    expected = column[first][codes]
    differs = (column != expected) & ~(missing_in(column) & missing_in(expected))
    if differs.any():
        row = int(np.argmax(differs))
        raise ValueError(
            f"The static column {name!r} changes within the sequence of id {ids[codes[row]]}: "
            f"{expected.tolist()[row]!r}, then {column.tolist()[row]!r}."
        )


def order_by_time(
    codes: np.ndarray, ids: np.ndarray, times: np.ndarray | None, name: Any
) -> tuple[np.ndarray, np.ndarray | None]:
    """Return the order of rows by sequence, and within each by time; and the times in it."""
    if times is None:
        return np.argsort(codes, kind="stable"), None
    _refuse_missing(times, name)
    if times.dtype.kind == "c":
        raise ValueError(f"The times in {name!r} must be numbers or dates, not complex numbers.")
    if types_in(times, TEXT) and (row := first_not_iso(times.tolist())) is not None:
        fault = no_order(times.tolist(), row, f"table[{name!r}]")
        raise ValueError(f"The times in {name!r} must be numbers or dates. {fault}")
    if times.dtype.kind == "f" and np.isinf(times).any():
        raise ValueError(
            f"The time in column {name!r} is infinite in row {np.isinf(times).argmax()}."
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
            f"The sequence of id {ids[codes[row]]} has more than one step at {name!r} {times[row]}"
            ". Name all columns of the id, or sort the table and leave out time, which keeps the "
            "order of the rows."
        )
    return order, times[order]


def _refuse_missing(values: np.ndarray, name: Any) -> None:
    missing = missing_in(values)
    if missing.any():
        raise ValueError(f"The id or time in column {name!r} is missing in row {missing.argmax()}.")
