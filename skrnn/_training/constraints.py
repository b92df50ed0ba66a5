"""Allowed transitions between labels of steps: by schemes of tags, by tables, or by the data.

A table of allowed transitions is boolean, ``(n_classes + 1, n_classes + 1)``, from the label of the
row to that of the column. The last row is for the first label of a sequence, the last column for
the last label.
"""

from __future__ import annotations

from typing import Any, NoReturn

import numpy as np

from skrnn._input.places import place_of_row
from skrnn._numeric.packing import Packing
from skrnn._spans import OUTSIDE, SCHEMES, Scheme, continues, parse_label


def allowed_transitions(constraints: Any, classes: np.ndarray) -> np.ndarray:
    """Make the table of the constraints of a `CRF`, but for 'seen'.

    Raises
    ------
    ValueError
        If the classes do not fit a scheme, or a table does not have their shape, is not boolean, or
        allows no label at the beginning of a sequence or at its end.
    """
    if constraints is None:
        return np.ones((len(classes) + 1, len(classes) + 1), bool)
    if isinstance(constraints, str):
        return _of_scheme(constraints, classes.tolist())
    return _of_tables(constraints, len(classes))


def seen_transitions(
    labels: np.ndarray, lengths: np.ndarray, weight: np.ndarray, n_classes: int
) -> np.ndarray:
    """Make the table of the transitions in labels (n_steps_total,); weight 0 means unlabelled."""
    packing, is_labelled = Packing(lengths), weight > 0
    seen = np.zeros((n_classes + 1, n_classes + 1), bool)
    labels, starts = np.where(is_labelled, labels, n_classes), packing.offsets[lengths > 0]
    is_first = np.zeros(len(labels), bool)
    is_first[starts] = True
    rows = np.flatnonzero(~is_first)
    seen[labels[rows - 1], labels[rows]] = True
    seen[n_classes] = seen[:, n_classes] = False  # of unlabelled steps
    seen[n_classes, labels[starts]] = True
    seen[labels[starts + lengths[lengths > 0] - 1], n_classes] = True
    seen[n_classes, n_classes] = False
    return seen


def refuse_forbidden(
    labels: np.ndarray,
    lengths: np.ndarray,
    weight: np.ndarray,
    allowed: np.ndarray,
    classes: np.ndarray,
) -> None:
    """Raise a ValueError that names the first step at which labels take a forbidden transition.

    A step of weight 0 is unlabelled, and may have any label.
    """
    packing, is_free = Packing(lengths), weight == 0
    possible = is_free[:, None] | (np.arange(len(classes)) == labels[:, None])
    table = allowed.astype(np.float32)  # a product of booleans would be slow
    reached = np.repeat(table[-1:, :-1], packing.n_sequences, axis=0)
    last = np.zeros((packing.n_sequences, len(classes)), np.float32)
    for t, (now, _) in enumerate(packing.steps):
        n = now.stop - now.start
        rows = packing.to_packed[now]
        reached = reached[:n] @ table[:-1, :-1] if t else reached[:n]
        reached = ((reached > 0) & possible[rows]).astype(np.float32)
        if not reached.any(axis=1).all():
            _refuse(
                int(rows[reached.any(axis=1).argmin()]), t == 0, labels, is_free, lengths, classes
            )
        last[:n] = reached
    may_end = (last @ table[:-1, -1] > 0) | (packing.lengths[packing.order] == 0)
    if not may_end.all():
        sequence = packing.order[may_end.argmin()]
        row = int(packing.offsets[sequence] + lengths[sequence] - 1)
        label = "" if is_free[row] else f" with {_plain(classes[labels[row]])!r}"
        raise ValueError(
            f"y ends{label} at {place_of_row(row, lengths)}, which the constraints forbid."
        )


def _refuse(
    row: int,
    is_first: bool,
    labels: np.ndarray,
    is_free: np.ndarray,
    lengths: np.ndarray,
    classes: np.ndarray,
) -> NoReturn:
    label = "an unlabelled step" if is_free[row] else repr(_plain(classes[labels[row]]))
    if is_first:
        before = "at the beginning"
    else:
        is_known = not is_free[row - 1]
        before = f"after {_plain(classes[labels[row - 1]])!r}" if is_known else "after these labels"
    raise ValueError(
        f"y has {label} {before} at {place_of_row(row, lengths)}, which the constraints forbid."
    )


def _plain(label: object) -> object:
    return label.item() if isinstance(label, np.generic) else label


def _of_scheme(scheme: str, classes: list[Any]) -> np.ndarray:
    names = [name if isinstance(name, str) else "" for name in classes]
    parsed = [parse_label(name, scheme) for name in names]
    wrong = [name for name, part in zip(classes, parsed, strict=True) if part is None]
    if wrong:
        prefixes = ", ".join(SCHEMES[scheme].prefixes)
        raise ValueError(
            f"constraints={scheme!r} does not fit the labels {wrong[:5]}. Labels of this scheme "
            f"are 'O', or a prefix ({prefixes}), a hyphen and a type, such as 'B-PER'."
        )
    places = [part for part in parsed if part is not None] + [OUTSIDE]
    return np.array([[_may_follow(b, n, SCHEMES[scheme], scheme) for n in places] for b in places])


def _may_follow(
    before: tuple[str, str], now: tuple[str, str], prefixes: Scheme, scheme: str
) -> bool:
    is_open = before != OUTSIDE and before[0] not in prefixes.last
    is_inner = now != OUTSIDE and now[0] not in prefixes.first
    return not (is_open or is_inner) or continues(before, now, scheme)


def _of_tables(constraints: Any, n_classes: int) -> np.ndarray:
    tables = constraints if isinstance(constraints, dict) else {"W": constraints}
    shapes = {"W": (n_classes, n_classes), "start": (n_classes,), "end": (n_classes,)}
    if unknown := [key for key in tables if key not in shapes]:
        raise ValueError(
            f"constraints has the key {unknown[0]!r}, but only 'W', 'start' and 'end' are accepted."
        )
    allowed = np.ones((n_classes + 1, n_classes + 1), bool)
    places: dict[str, Any] = {"W": np.s_[:-1, :-1], "start": np.s_[-1, :-1], "end": np.s_[:-1, -1]}
    for key, given in tables.items():
        table, name = np.asarray(given), "constraints" + f"[{key!r}]" * (tables is constraints)
        if table.shape != shapes[key]:
            raise ValueError(
                f"{name} has shape {table.shape}, but {shapes[key]} is required: an entry for each "
                "class, in the order of classes_."
            )
        if not np.isin(table, [0, 1]).all():
            raise ValueError(f"{name} must hold booleans, got values of type {table.dtype}.")
        if not table.any():
            raise ValueError(f"{name} allows nothing; at least one entry must be True.")
        allowed[places[key]] = table
    return allowed
