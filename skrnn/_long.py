"""The ids, times and static columns of a table that has a row for each step."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any, NamedTuple

import numpy as np

from skrnn._dates import first_not_iso, no_order
from skrnn._input.frames import column_names
from skrnn._input.sequences import first_few
from skrnn._input.values import TEXT, as_array, is_nested, missing_in, object_array, types_in


def read_levels(frame: Any) -> dict[Any, np.ndarray]:
    """Read the named levels of the index of a pandas frame; others have none."""
    index = getattr(frame, "index", None)
    names = [name for name in getattr(index, "names", []) if name is not None]
    return {name: as_array(frame.index.get_level_values(name)) for name in names}


class Names(NamedTuple):
    """The names of columns of a table.

    Parameters
    ----------
    ids, static, features : list
        Those of the ids, of the static table, and of the features of a step.

    time : object
        That of the times; None without.

    single : bool
        Whether the feature was named by itself, not in a list.
    """

    ids: list[Any]
    time: Any
    static: list[Any]
    features: list[Any]
    single: bool


def read_names(
    frame: Any,
    given: dict[str, Any],
    levels: dict[Any, np.ndarray],
    features: dict[Any, np.ndarray],
) -> Names:
    """Read the parameters of `from_long` that name levels of the index or columns of a table."""
    table = levels | features
    for name, value in given.items():
        _refuse_values(name, value, table)
    id, time, columns, static = (
        value.tolist() if isinstance(value, np.ndarray) else value for value in given.values()
    )
    if id is None:
        if len(levels) < 2 or time is not None or len(levels) < frame.index.nlevels:
            raise ValueError(
                "id must name a column, except for a pandas frame with a MultiIndex of two or "
                f"more named levels, the last for time; got levels {list(levels)} and "
                f"time={time!r}."
            )
        *id, time = levels
    ids = list(id) if is_nested(id) else [id]
    static = [] if static is None else list(static) if is_nested(static) else [static]
    if columns is None:
        columns = [name for name in features if name not in (*ids, time, *static)]
    single = not is_nested(columns)
    if single and static:
        raise ValueError(
            f"columns={columns!r}, a single name, gives an array without a static table. Pass "
            f"columns=[{columns!r}], or leave out static={static}."
        )
    names = Names(ids, time, static, [columns] if single else list(columns), single)
    used = [*ids, *([] if time is None else [time]), *static, *names.features]
    unknown = [name for name in used if not isinstance(name, Hashable) or name not in table]
    if not ids:
        raise ValueError(f"id={id!r} names no column; the columns are {list(table)}.")
    if unknown or not names.features:
        fault = f"There is no column {unknown[0]!r}" if unknown else "No column is left as feature"
        raise ValueError(f"{fault}; the columns are {list(table)}.")
    return names


def _refuse_values(name: str, given: Any, table: dict[Any, np.ndarray]) -> None:
    """Raise an error if a parameter is the values of a column, in place of its name."""
    if not is_nested(given) or isinstance(given, tuple):
        return
    if name == "time" and isinstance(given, list):
        advice = f" Pass time={given[0]!r}." if len(given) == 1 else ""
        raise ValueError(f"time must be the name of one column, but is a list: {given!r}.{advice}")
    if name != "time":
        is_array = hasattr(given, "__array__") and column_names(given) is None
        if not is_array or any(item in table for item in np.asarray(given).ravel().tolist()):
            return
    column = getattr(given, "name", None)
    known = isinstance(column, Hashable) and column in table
    or_names = "" if name == "time" else ", or a list of names"
    advice = f"Pass {name}={column!r}." if known else "Put the values into a column of the table."
    raise ValueError(
        f"{name} must be the name of a column{or_names}, not its values; got a "
        f"{type(given).__name__} of length {len(given)}. {advice}"
    )


def number_sequences(columns: list[np.ndarray], names: list[Any]) -> tuple[np.ndarray, np.ndarray]:
    """Assign numbers to ids by first appearance; return the number of each row, and the ids."""
    for column, name in zip(columns, names, strict=True):
        _refuse_missing(column, name, "id")
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


def refuse_ordered_categories(frame: Any, name: Any, table: dict[Any, np.ndarray]) -> None:
    """Raise an error for times that are ordered categories in another order than their values."""
    if name is None:
        return
    in_index = name in getattr(getattr(frame, "index", None), "names", [])
    dtype = getattr(frame.index.get_level_values(name) if in_index else frame[name], "dtype", None)
    if dtype is None or not getattr(dtype, "ordered", False):
        return
    _refuse_missing(table[name], name, "time")  # whose code would be -1
    categories = dtype.categories
    are_iso = first_not_iso(categories) is None
    are_text = any(isinstance(category, TEXT) for category in categories)
    if not categories.is_monotonic_increasing or (are_text and not are_iso):
        column = f"index.get_level_values({name!r})" if in_index else f"[{name!r}].cat"
        raise ValueError(
            f"The times in {name!r} must be numbers or dates, but are ordered categories: "
            f"{first_few(categories.tolist())}. To order the steps as the categories are, use "
            f"their numbers as times: table{'.' * in_index}{column}.codes. To order them by their "
            "values, convert them to numbers or dates."
        )


def order_by_time(
    codes: np.ndarray, ids: np.ndarray, times: np.ndarray | None, name: Any, id_names: list[Any]
) -> tuple[np.ndarray, np.ndarray | None]:
    """Return the order of rows by sequence, and within each by time; and the times in it."""
    if times is None:
        return np.argsort(codes, kind="stable"), None
    _refuse_missing(times, name, "time")
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
        first, second = sorted(order[repeated.argmax() :][:2].tolist())
        keys = [*id_names, name]
        raise ValueError(
            f"The sequence of id {ids[codes[first]]} has more than one step at {name!r} "
            f"{times[first]}, such as in rows {first} and {second}. Name all columns of the id. Or "
            f"make one step of these rows, in pandas with table.groupby({keys}, as_index=False)"
            f".mean(numeric_only=True) or table.drop_duplicates({keys}) (levels of the index "
            "become columns by reset_index). Or sort the table and leave out time, which keeps "
            "the order of the rows."
        )
    return order, times[order]


def _refuse_missing(values: np.ndarray, name: Any, what: str) -> None:
    missing = missing_in(values)
    if missing.any():
        others = int(missing.sum()) - 1
        more = f", and in {others} more" if others else ""
        raise ValueError(
            f"The {what} in column {name!r} is missing in row {missing.argmax()}{more}. Fill it, "
            f"or leave such rows out, in pandas with table.dropna(subset=[{name!r}]) (a level of "
            "the index becomes a column by reset_index)."
        )
