"""What an attribute may be: functions from any value to a boolean."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

_LARGEST = 2**63 - 1


def is_bool(value: Any) -> bool:
    """Whether it is True or False."""
    return type(value) is bool


def is_count(value: Any) -> bool:
    """Whether it is an integer of at least 0, of 64 bits."""
    return type(value) is int and 0 <= value <= _LARGEST


def is_positive(value: Any) -> bool:
    """Whether it is an integer of at least 1, of 64 bits."""
    return is_count(value) and value > 0


def is_number(value: Any) -> bool:
    """Whether it is a float, of Python or NumPy; it may be NaN."""
    return isinstance(value, float | np.floating)


def is_curve(value: Any) -> bool:
    """Whether it is a list of floats."""
    return type(value) is list and all(map(is_number, value))


def is_array(value: Any, shape: tuple[int, ...], kinds: str = "f") -> bool:
    """Whether it is an array of this shape, and of one of these kinds of types."""
    return isinstance(value, np.ndarray) and value.shape == shape and value.dtype.kind in kinds


def is_finite(value: Any, shape: tuple[int, ...]) -> bool:
    """Whether it is an array of finite floats of this shape."""
    return is_array(value, shape) and bool(np.isfinite(value).all())


def is_names(value: Any, n: int) -> bool:
    """Whether it is an array of so many names of features."""
    return is_array(value, (n,), "O") and all(isinstance(name, str) for name in value)


def is_shape(value: Any) -> bool:
    """Whether it is the shape of a step, a tuple of up to one number."""
    return type(value) is tuple and len(value) < 2 and all(map(is_positive, value))


def is_classes(value: Any) -> bool:
    """Whether it is an array of at least two labels, all numbers or all text."""
    if not isinstance(value, np.ndarray) or value.ndim != 1 or len(value) < 2:
        return False
    if value.dtype.kind != "O":
        return value.dtype.kind != "f" or bool(np.isfinite(value).all())
    kinds = str, bytes, (bool, int, float, np.number, np.bool_)
    all_of_one = any(all(isinstance(label, kind) for label in value) for kind in kinds)
    return all_of_one and all(label == label for label in value)  # none is NaN


def optional(check: Callable[[Any], bool]) -> Callable[[Any], bool]:
    """Make a check that also accepts None."""
    return lambda value: value is None or check(value)
