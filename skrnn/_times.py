"""The times of steps, in the index of a frame or Series of pandas or as `from_long` read them.

pandas is not imported here; its objects are recognized by their attributes.
"""

from __future__ import annotations

import itertools
from datetime import date
from numbers import Real
from typing import Any

import numpy as np

from skrnn._dates import are_dates, as_numbers, first_not_iso, no_order
from skrnn._input.containers import list_or_array
from skrnn._input.frames import is_frame
from skrnn._input.order import index_of
from skrnn._input.sequences import Sequences
from skrnn._input.values import is_nested, unflatten
from skrnn._numeric.packing import starts_of


def check_index(series: Any, name: str) -> None:
    """Refuse a frame or Series of pandas whose steps are not in the order of their dates."""
    index = index_of(series)
    if index is None:
        return
    if index.nlevels > 1:
        raise ValueError(
            f"{name} has an index of {index.nlevels} levels. skrnn.convert.from_long reads several "
            "series from such a table."
        )
    kind = _kind_of_times(index)
    if kind == "text":
        texts = index.tolist()
        fault = no_order(texts, first_not_iso(texts) or 0, "index")
        raise ValueError(f"The index of {name} holds dates as text. {fault}")
    if kind and not _increases(index, kind):
        hint = ""
        if kind == "numbers":
            hint = " If the numbers are no times, pass it with reset_index(drop=True)."
        raise ValueError(
            f"The {kind} in the index of {name} must be increasing. Sort the steps by time; if the "
            f"table holds several series, read it with skrnn.convert.from_long.{hint}"
        )


def _increases(index: Any, kind: str) -> bool:
    """Whether each label is larger than the one before; text of numbers has their order."""
    numbers = as_numbers(index.tolist()) if kind == "numbers" else None
    if numbers is not None:
        return bool((np.diff(numbers) > 0).all())
    return bool(index.is_monotonic_increasing and index.is_unique)


def _kind_of_times(index: Any) -> str:
    """Return what the times in an index are called, or '' if it holds no times.

    'text' is that of dates whose order is not known. Numbers may be written as text.
    """
    if hasattr(index, "freq"):  # the other indices of pandas have no frequency
        return "dates"
    if getattr(index.dtype, "kind", "") in ("i", "u", "f"):
        return "numbers"
    labels = index.tolist()
    if as_numbers(labels) is not None:
        return "numbers"
    if first_not_iso(labels) is None or all(isinstance(label, date) for label in labels):
        return "dates"
    return "text" if are_dates(labels) else ""


def _indices_of(series: Any) -> list[Any]:
    """Return the index of each series, or None; those of `Sequences` only if they hold times.

    Another index of `Sequences` holds labels of the rows of a table, which may be any table.
    """
    if isinstance(series, Sequences):
        index = index_of(series.values)
        if index is None or not (index.nlevels > 1 or _kind_of_times(index) in ("dates", "text")):
            return []
        starts = starts_of(series.lengths).tolist()
        return [index[a : a + n] for a, n in zip(starts, series.lengths.tolist(), strict=True)]
    items = [] if is_frame(series) else list_or_array(series)
    if isinstance(items, list) and any(map(is_nested, items)):
        return list(map(index_of, items))
    return [index_of(series)]


def refuse_other_steps(series: Any, exogenous: Any) -> None:
    """Refuse exogenous columns of pandas whose index is not that of the series."""
    # The index of a frame or Series of several series holds their ids.
    pairs = [("", "", index_of(series), index_of(exogenous))]
    indices, others = _indices_of(series), _indices_of(exogenous)
    for i, (index, other) in enumerate(zip(indices, others, strict=False)):
        pairs.append((f"Series {i} of ", f"series {i} of ", index, other))
    for of_one, of_other, index, other in pairs:
        if index is None or other is None or len(index) != len(other):
            continue
        if index.nlevels == other.nlevels and not index.equals(other):
            raise ValueError(
                f"{of_one}exogenous has another index than {of_other}series; both need the same "
                "steps."
            )


def refuse_past(X: Any, past: Sequences, exogenous: Any, future: Sequences) -> None:
    """Refuse exogenous features of the steps after X whose times are not after those of X.

    `past` and `future` are what was read from X and `exogenous`. Times of different kinds are not
    compared, nor are numbers in an index that may be numbers of rows. The times of each must
    increase, too.
    """
    pairs = zip(_by_sequence(X, past), _by_sequence(exogenous, future), strict=False)
    for i, (before, after) in enumerate(pairs):
        if before is None or after is None or not len(before) or not len(after):
            continue
        if _may_be_rows(before, after):
            continue
        _refuse_decrease(before, "X", i)
        _refuse_decrease(after, "exogenous", i)
        if not _is_up_to(after[0], before[-1]):
            continue
        raise ValueError(
            f"exogenous has the time {after[0]} at step 0 of sequence {i}, but it must be after "
            f"the last time of this sequence in X, {before[-1]}. exogenous holds the steps right "
            "after the last step of X. To pass these values for them anyway, pass an array, which "
            "has no times."
        )


def _refuse_decrease(times: Any, name: str, number: int) -> None:
    """Refuse an index of times that do not increase; those of `from_long` do."""
    if not hasattr(times, "names") or _increases(times, _kind_of_times(times)):
        return
    for k, (first, second) in enumerate(itertools.pairwise(times)):
        if _is_up_to(second, first):
            raise ValueError(
                f"The times of {name} must increase, but sequence {number} has {second} at step "
                f"{k + 1}, after {first}. Sort its steps by time."
            )


def _by_sequence(X: Any, sequences: Sequences) -> list[Any]:
    """Return the times of the steps of each sequence, or None; shorter if there are none."""
    if sequences._times is not None:
        return list(unflatten(sequences._times, sequences.lengths))
    if is_frame(X):
        return []  # a row for each sequence
    indices = _indices_of(X)
    are_times = [index is not None and _kind_of_times(index) != "" for index in indices]
    return [index if is_time else None for index, is_time in zip(indices, are_times, strict=True)]


def _may_be_rows(before: Any, after: Any) -> bool:
    """Return whether integers may be numbers of rows: they are in an index of another name."""
    indices = [times for times in (before, after) if hasattr(times, "names")]
    if not any(index.dtype.kind in "iu" for index in indices):
        return False
    return len(indices) < 2 or before.name is None or before.name != after.name


def _is_up_to(first: Any, last: Any) -> bool:
    """Return whether a time is another or before it; False for times of different kinds."""
    if isinstance(first, str) and isinstance(last, str):
        return first_not_iso([last, first]) is None and first <= last
    if _is_number(first) is not _is_number(last):
        return False
    try:
        return bool(first <= last)
    except TypeError:  # dates and periods, or with and without a time zone
        return False


def _is_number(time: Any) -> bool:
    return isinstance(time, Real) and not isinstance(time, np.timedelta64)  # a kind of integer
