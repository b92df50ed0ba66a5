"""Large integers, which become other numbers where they are converted to floats."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from skrnn._input.frames import column_names, is_frame, read_frame, select_columns
from skrnn._input.sequences import Sequences
from skrnn._input.values import is_nested

LIMIT = 2**53  # float64 holds all integers up to here


def refuse_rounding(X: Any, sequences: Sequences) -> None:
    """Raise an error if an integer of X is another number in the floats for a transformer.

    Integers may identify something. Two of them could become one category.

    Parameters
    ----------
    X : list, tuple, object array, Series, Sequences, 2-D or 3-D array, or DataFrame
        Sequences as they were passed.

    sequences : Sequences
        What was read from X.
    """
    values = sequences.values
    if _are_floats(X.values if isinstance(X, Sequences) else X):
        return
    if isinstance(X, (list, tuple)) and all(map(_are_floats, X)):
        return
    if isinstance(values, np.ndarray):
        if not _are_large(values):
            return
        items = sequences if values.dtype.kind in "iu" else X
        columns = _columns(X) if is_frame(X) else [items]
    elif is_frame(values) and is_frame(X):  # columns of sequences
        read = zip(column_names(values) or [], _columns(values), strict=True)
        large = [name for name, column in read if _are_floats(column) and _are_large(column)]
        columns = _columns(X, [name in large for name in column_names(X) or []])
    else:
        return
    for i, item in ((i, item) for column in columns for i, item in enumerate(column)):
        if integer := _first_rounded(item):
            raise ValueError(
                f"Sequence {i} of X contains the integer {integer}, which becomes "
                f"{float(integer):.0f} as a float. If it identifies something, pass it as text, or "
                "in a frame for each sequence. If it measures something, subtract a start, or "
                "divide by a unit."
            )


def first_rounded(given: Any, floats: np.ndarray) -> int | None:
    """Return the first integer that is another number among the floats made of it."""
    return _first_rounded(given) if _are_large(floats) else None


def _first_rounded(values: Any) -> int | None:
    return next((i for i in _integers(values) if i != float(i)), None)


def _are_large(values: np.ndarray) -> bool:
    if values.dtype.kind not in "iuf" or not values.size:
        return False
    with np.errstate(invalid="ignore"):  # NumPy warns of some NaN
        lowest, highest = np.fmin.reduce(values, axis=None), np.fmax.reduce(values, axis=None)
    return bool(highest.item() > LIMIT or lowest.item() < -LIMIT)


def _are_floats(values: Any) -> bool:
    return getattr(getattr(values, "dtype", None), "kind", "") == "f"


def _columns(frame: Any, chosen: list[bool] | None = None) -> list[np.ndarray]:
    """Read columns of a frame one by one, since integers beside floats become floats."""
    positions = range(frame.shape[1]) if chosen is None else np.flatnonzero(chosen).tolist()
    return [read_frame(select_columns(frame, [k]))[:, 0] for k in positions]


def _integers(values: Any) -> Iterator[int]:
    """Yield the integers in nested containers."""
    values = values.as_py() if hasattr(values, "as_py") else values  # scalars of pyarrow
    if isinstance(values, (int, np.integer)):
        yield int(values)
    elif is_nested(values) and not _are_floats(values):
        for value in values:
            yield from _integers(value)
