"""Checks of the parameters and containers that the data sets share."""

from __future__ import annotations

from collections.abc import Sequence
from numbers import Integral
from typing import Any

import numpy as np
from numpy.typing import NDArray


def check_count(name: str, value: int, *, minimum: int = 1) -> None:
    """Raise a ValueError unless `value` is an integer of at least `minimum`."""
    # NumPy counts spans of time among the integers.
    if not isinstance(value, Integral) or isinstance(value, np.timedelta64) or value < minimum:
        raise ValueError(f"{name} must be an integer >= {minimum}, got {value!r}.")


def check_choice(name: str, value: str, choices: Sequence[str]) -> None:
    """Raise a ValueError unless `value` is one of `choices`."""
    if not isinstance(value, str) or value not in choices:
        raise ValueError(f"{name} must be one of {', '.join(choices)}; got {value!r}.")


def check_flag(name: str, value: bool) -> None:
    """Raise a ValueError unless `value` is True or False."""
    if not isinstance(value, bool | np.bool_):
        raise ValueError(f"{name} must be True or False, got {value!r}.")


def as_ragged(sequences: Sequence[NDArray[Any]]) -> NDArray[np.object_]:
    """Put arrays of any lengths into a 1-D object array.

    ``np.array(sequences, dtype=object)`` would not do: it makes an array of more
    dimensions where all the lengths happen to be equal.
    """
    ragged = np.empty(len(sequences), dtype=object)
    for i, sequence in enumerate(sequences):
        ragged[i] = sequence
    return ragged
