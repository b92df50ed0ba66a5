"""The order of what belongs to sequences: it is paired with them by position.

Frames and Series of pandas have an index, by which a user may expect them to be paired. pandas is
not imported here; its objects are recognized by their attributes.
"""

from __future__ import annotations

from collections import Counter
from itertools import permutations
from typing import Any, NamedTuple

import numpy as np

from skrnn._input.frames import column_names, read_column
from skrnn._input.places import place_of_row
from skrnn._input.values import is_nested

_MANY_LEVELS = 5  # of an index: more have too many orders to try


def refuse_other_order(X: Any, **parts: Any) -> None:
    """Raise an error if a part has the ids of X in another order, or other times of its steps.

    Parameters
    ----------
    X : object
        The ids are those of `Sequences`, or the index of their static table, or the index of a
        frame or Series of pandas whose cells hold sequences. The times are those of `Sequences`.
        All else is accepted.

    **parts : object
        What is paired with the sequences of X, or with their steps, by position, by its name in
        the message.
    """
    for columns in _check_ids(X, parts):
        raise ValueError(
            f"{columns.fault} of the sequences, in place of targets or weights. Pass "
            f"{columns.by_position}."
        )
    for name, values in parts.items():
        advice = (
            "Read both from one table with from_long, by the same time column. To pair them by "
            f"position, pass Sequences({name}.values, {name}.lengths)."
        )
        refuse_other_times(values, X, name, "X", advice)


def refuse_other_ids(X: Any, **parts: Any) -> None:
    """Raise an error if a part has the ids of X in another order."""
    _check_ids(X, parts)


def _check_ids(X: Any, parts: dict[str, Any]) -> list[_Labels]:
    """Raise an error if a part has the ids of X in another order; return columns that hold them."""
    ids, paired, source, id_name = _ids_and_source(X)
    if ids is None:
        return []
    found = [
        refuse_order_of(values, ids, name, paired, source, id_name)
        for name, values in parts.items()
    ]
    return [columns for columns in found if columns is not None]


def _ids_and_source(X: Any) -> tuple[Any, Any, str, Any]:
    """Get the ids of X or None, what is paired with them already, what has them, and their name."""
    ids, paired = _ids_of(X), getattr(X, "static", None)
    if ids is None and _holds_sequences(X):
        return np.asarray(X.index), X, "X.index", _name_of(X.index)
    if ids is None and hasattr(X, "to_ragged") and (index := index_of(paired)) is not None:
        return np.asarray(index), paired, "X.static.index", _name_of(index)
    return ids, paired, "ids", getattr(X, "_id_name", None)


def refuse_other_times(part: Any, whole: Any, name: str, of: str, advice: str) -> None:
    """Raise an error if `from_long` read the steps of two `Sequences` beside different times.

    Times of different kinds are not compared. `name` and `of` are the names of both in the message.
    """
    others, times = _times_of_steps(part), _times_of_steps(whole)
    if times is None or others is None or _type_of(times) is not _type_of(others):
        return
    if not np.array_equal(part.lengths, whole.lengths):
        return  # refused where the steps are counted
    differs = times != others
    if differs.any():
        row = int(differs.argmax())
        raise ValueError(
            f"{name} has the time {others[row]} at {place_of_row(row, whole.lengths)}, but "
            f"{of} has {times[row]}. {advice}"
        )


def _type_of(times: np.ndarray) -> type:
    """Return the type of the first time, which is one type for all numbers."""
    if times.dtype.kind in "biuf" or not len(times):
        return float
    return str if isinstance(times[0], str) else type(times[0])


class _Labels(NamedTuple):
    """Labels of the rows of a part, and how to pair it with sequences.

    Parameters
    ----------
    found : list
        The label of each row.

    are_ids : bool
        Whether they are known to be ids.

    fault : str
        The start of the message.

    by_id, by_position : str
        The advice: what to pass instead.
    """

    found: list[Any]
    are_ids: bool
    fault: str
    by_id: str
    by_position: str


def refuse_order_of(
    values: Any,
    ids: np.ndarray,
    name: str,
    paired: Any = None,
    source: str = "ids",
    id_name: Any = None,
) -> _Labels | None:
    """Raise an error if values are labelled with the ids in another order.

    The labels are the index of a frame or Series of pandas, the ids of `Sequences`, or the columns
    of a frame with the names of the ids. Numbers of rows are no labels: a RangeIndex, or some of
    its rows in their order. Nor is the index of `paired`, a table that is paired with the ids
    already, such as some rows of another table. `source` is what has the ids, for the message.
    `id_name` is the name of their column, if known; a tuple of names if the ids are tuples.

    Returns the columns beside others that hold the ids in their order; None without.
    """
    index = index_of(values)
    if index is None and _ids_of(values) is None and column_names(values) is None:
        return None  # an array or a list
    wanted = _as_list(ids)
    columns = _labels_in_columns(values, name, source, id_name)
    if index is None or not index.equals(index_of(paired)):
        for labels in (_labels_of_rows(values, index, wanted, name, source, id_name), columns):
            if labels is not None:
                _check_labels(labels, wanted, name, source)
    return columns if columns is not None and columns.found == wanted else None


def _check_labels(labels: _Labels, wanted: list[Any], name: str, source: str) -> None:
    """Raise an error if labels are the ids in another order, or more or fewer ids."""
    if len(labels.found) != len(wanted):
        _refuse_other_count(labels, wanted, name)
        return
    row = _first_misplaced(labels.found, wanted, labels.are_ids)
    if row is not None:
        by_id = labels.by_id
        if len(set(wanted)) < len(wanted):
            by_id = f"the rows in the order of {source}"
        raise ValueError(
            f"{labels.fault} of the sequences in another order: row {row} of {name} is "
            f"{labels.found[row]!r}, but the id of sequence {row} is {wanted[row]!r}. To pair "
            f"them by id, pass {by_id}. To pair them by position, pass {labels.by_position}."
        )


def _labels_of_rows(
    values: Any, index: Any, wanted: list[Any], name: str, source: str, id_name: Any
) -> _Labels | None:
    """Get the index of a frame or Series of pandas, or the ids of `Sequences`; None without."""
    labels = _ids_of(values) if index is None else np.asarray(index)
    if labels is None or labels.ndim != 1 or _are_row_numbers(index):
        return None
    are_ids = labels.dtype.kind not in "iuf" or _names_ids(index, id_name, source)
    found = _as_list(labels)
    if index is None:
        by_id = f"{name}[[list({name}.ids).index(i) for i in {source}]]"
        return _Labels(found, are_ids, f"The ids of {name} are those", by_id, f"{name}.to_ragged()")
    fault, by_id = f"The index of {name} holds the ids", f"{name}{_located(source)}"
    order = _order_of_levels(found, index, wanted, id_name)
    if order is not None:
        found = [tuple(label[k] for k in order) for label in found]
        levels = [index.names[k] for k in order]
        given = order if None in levels else levels
        fault = (
            f"The index of {name} has the levels {list(index.names)}, in another order than the "
            f"ids. With its levels in the order {given}, it holds the ids"
        )
        by_id = f"{name}.reorder_levels({given}){_located(source)}"
    return _Labels(found, are_ids, fault, by_id, f"{name}.to_numpy()")


def _labels_in_columns(values: Any, name: str, source: str, id_name: Any) -> _Labels | None:
    """Get the columns of a frame that have the names of the ids, beside others; None without."""
    names, of_ids = column_names(values), _as_names(id_name)
    if names is None or not of_ids or len(set(names)) < len(names):
        return None
    if not set(of_ids) < set(names):
        return None
    columns = [_as_list(read_column(values[of_id])) for of_id in of_ids]
    found = columns[0] if len(columns) == 1 else list(zip(*columns, strict=True))
    given = of_ids[0] if len(of_ids) == 1 else of_ids
    fault = f"The column {given!r} of {name} holds the ids"
    by_id, by_position = "its rows in the order of the ids", f"{name} without this column"
    if len(of_ids) > 1:
        fault, by_position = f"The columns {given} of {name} hold the ids", "it without them"
    if index_of(values) is not None:
        by_id = f"{name}.set_index({given!r}){_located(source)}"
        by_position = f"{name}.drop(columns={given!r})"
    by_position += ", or rename a column that holds other values than ids"
    return _Labels(found, True, fault, by_id, by_position)


def _located(source: str) -> str:
    """Write the code that takes the rows of the ids."""
    return ".loc[list(ids)], where ids are those of X" if source == "ids" else f".loc[{source}]"


def _order_of_levels(
    found: list[Any], index: Any, wanted: list[Any], id_name: Any
) -> list[int] | None:
    """Return the order of the levels of an index in which they are those of the ids.

    It is that of their names, if these are the names of the ids. Otherwise it is an order in which
    the labels are the ids, if they are others as they stand. None means that of the index.
    """
    n_levels = getattr(index, "nlevels", 1)
    are_tuples = bool(wanted) and isinstance(wanted[0], tuple) and len(wanted[0]) == n_levels
    if n_levels < 2 or not found or not are_tuples:
        return None
    numbers, names = list(range(n_levels)), list(index.names)
    if set(names) == set(_as_names(id_name)) and len(set(names)) == n_levels:
        order = [names.index(name) for name in _as_names(id_name)]
        return None if order == numbers else order
    ids = Counter(wanted)
    for order in map(list, permutations(numbers) if n_levels <= _MANY_LEVELS else [numbers]):
        if tuple(found[0][k] for k in order) in ids and ids == Counter(
            tuple(label[k] for k in order) for label in found
        ):
            return None if order == numbers else order
    return None


def _refuse_other_count(labels: _Labels, wanted: list[Any], name: str) -> None:
    """Raise an error that names an id, if labels are ids, but are more or fewer than sequences."""
    try:
        found, known = set(labels.found), set(wanted)
    except TypeError:  # labels that have no hash
        return
    if not labels.are_ids or not found & known or len(found) < len(labels.found):
        return
    lacking = next((i for i, label in enumerate(wanted) if label not in found), None)
    unknown = next((i for i, label in enumerate(labels.found) if label not in known), None)
    fault = ""
    if lacking is not None:
        fault += (
            f" {name} lacks the id {wanted[lacking]!r} of sequence {lacking}; add it, or leave out "
            "the sequence."
        )
    if unknown is not None:
        fault += f" The sequences lack the id {labels.found[unknown]!r} of row {unknown} of {name}."
    raise ValueError(
        f"There are {len(wanted)} sequences, but {name} has the ids of {len(labels.found)}."
        f"{fault or ' The ids of the sequences are repeated.'}"
    )


def _name_of(index: Any) -> Any:
    """Return the name of an index; of several levels, a tuple of their names."""
    return tuple(index.names) if index.nlevels > 1 else index.name


def _as_names(id_name: Any) -> list[Any]:
    """List the names of the columns of the ids, as far as they are known."""
    names = list(id_name) if isinstance(id_name, tuple) else [id_name]
    return [name for name in names if name is not None]


def _times_of_steps(values: Any) -> Any:
    """Return the times of the steps of `Sequences`, else None."""
    return getattr(values, "_times", None) if hasattr(values, "to_ragged") else None


def index_of(values: Any) -> Any:
    """Return the index of a frame or Series of pandas, else None; lists have a method `index`."""
    index = getattr(values, "index", None)
    return index if hasattr(index, "names") else None


def _holds_sequences(X: Any) -> bool:
    """Return whether X is a frame or Series of pandas with a sequence in a cell of its first row.

    Tables of numbers are paired by position, as in scikit-learn.
    """
    return index_of(X) is not None and any(map(is_nested, np.asarray(X[:1]).flat))


def _ids_of(values: Any) -> Any:
    """Return the ids of `Sequences`, else None."""
    return getattr(values, "ids", None) if hasattr(values, "to_ragged") else None


def _are_row_numbers(index: Any) -> bool:
    """Return whether an index may be that of a table without one, or of some of its rows."""
    if index is None or getattr(index, "nlevels", 1) > 1 or index.name is not None:
        return False
    is_integer = getattr(index.dtype, "kind", "") in ("i", "u")
    return bool(is_integer and index.is_monotonic_increasing and index.is_unique)


def _names_ids(index: Any, id_name: Any, source: str) -> bool:
    """Return whether numbers are ids because of where they are, or of the name of their index.

    Ids of `Sequences` are. An index is if it has the name of the ids; or any name, if the ids are
    known to be ids, but not by which name.
    """
    if index is None:
        return True
    if id_name is None:
        return source == "ids" and index.name is not None
    return bool(index.name == id_name)


def _as_list(labels: np.ndarray) -> list[Any]:
    """Make a list of labels that compare by value; equal times of any unit become equal."""
    if labels.dtype.kind in "mM":
        return list(labels.astype(f"{labels.dtype.kind}8[ns]"))
    items: list[Any] = labels.tolist()
    return items


def _first_misplaced(found: list[Any], wanted: list[Any], are_ids: bool) -> int | None:
    """Return the first row whose label is the id of another sequence; None if there is none.

    In a fold of cross-validation, some labels are not among the ids. But if it is not known that
    they are ids, they may count other things, so all of them must be among the ids.
    """
    try:
        known = set(wanted)
        if found == wanted or (not are_ids and Counter(found) != Counter(wanted)):
            return None
        pairs = enumerate(zip(found, wanted, strict=True))
        return next((i for i, (a, b) in pairs if a != b and a in known), None)
    except TypeError:  # ids that have no hash
        return None
