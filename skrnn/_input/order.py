"""The order of what belongs to sequences: it is paired with them by position.

Frames and Series of pandas have an index, by which a user may expect them to be paired. pandas is
not imported here; its objects are recognized by their attributes.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np

from skrnn._input.values import is_nested


def refuse_other_order(X: Any, **parts: Any) -> None:
    """Raise an error if a part is labelled with the ids of X in another order.

    Parameters
    ----------
    X : object
        The ids are those of `Sequences`, or the index of their static table, or the index of a
        frame or Series of pandas whose cells hold sequences. All else is accepted.

    **parts : object
        What is paired with the sequences of X by position, by its name in the message.
    """
    ids, paired, source = _ids_of(X), getattr(X, "static", None), "ids"
    id_name = getattr(X, "_id_name", None)
    if ids is None and _holds_sequences(X):
        ids, paired, source, id_name = np.asarray(X.index), X, "X.index", X.index.name
    elif ids is None and hasattr(X, "to_ragged") and (index := index_of(paired)) is not None:
        ids, source, id_name = np.asarray(index), "X.static.index", index.name
    if ids is not None:
        for name, values in parts.items():
            refuse_order_of(values, ids, name, paired, source, id_name)


def refuse_order_of(
    values: Any,
    ids: np.ndarray,
    name: str,
    paired: Any = None,
    source: str = "ids",
    id_name: Any = None,
) -> None:
    """Raise an error if values are labelled with the ids in another order.

    The labels are the index of a frame or Series of pandas, or the ids of `Sequences`. Numbers of
    rows are no labels: a RangeIndex, or some of its rows in their order. Nor is the index of
    `paired`, a table that is paired with the ids already, such as some rows of another table.
    `source` is what has the ids, for the message. `id_name` is the name of their column, if known.
    """
    index = index_of(values)
    if index is not None and index.equals(index_of(paired)):
        return
    labels = _ids_of(values) if index is None else np.asarray(index)
    if labels is None or labels.shape != ids.shape or _are_row_numbers(index):
        return
    found, wanted = _as_list(labels), _as_list(ids)
    are_ids = labels.dtype.kind not in "iuf" or _names_ids(index, id_name, source)
    row = _first_misplaced(found, wanted, are_ids)
    if row is None:
        return
    fault, by_position = f"The index of {name} holds the ids", f"{name}.to_numpy()"
    by_id = f"{name}.loc[{source}]"
    if source == "ids":
        by_id = f"{name}.loc[list(ids)], where ids are those of X"
    if index is None:
        fault, by_position = f"The ids of {name} are those", f"{name}.to_ragged()"
        by_id = f"{name}[[list({name}.ids).index(i) for i in {source}]]"
    if len(set(wanted)) < len(wanted):
        by_id = f"the rows in the order of {source}"
    raise ValueError(
        f"{fault} of the sequences in another order: row {row} of {name} "
        f"is {found[row]!r}, but the id of sequence {row} is {wanted[row]!r}. To pair them by id, "
        f"pass {by_id}. To pair them by position, pass {by_position}."
    )


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
    """Make a list of labels that compare by value; times of any unit become equal numbers."""
    if labels.dtype.kind in "mM":
        labels = labels.astype(f"{labels.dtype.kind}8[ns]")
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
