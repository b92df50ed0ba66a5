"""Values of arrays: conversion to numbers, missing values, and values that are refused."""

from __future__ import annotations

import datetime
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.ma import MaskedArray

PLAIN = (np.ndarray, list)  # types that are no frame of another library, and nothing lazy
TEXT = (str, bytes)
TIMES = (datetime.date, datetime.time, datetime.timedelta, np.datetime64, np.timedelta64)
NOT_REAL = (complex, np.complexfloating, np.void)


def object_array(items: Any) -> np.ndarray:
    """Put items into a 1-D object array, even where they are arrays of one shape."""
    return np.fromiter(items, dtype=object, count=len(items))


def unflatten(rows: np.ndarray, lengths: np.ndarray) -> np.ndarray:
    """Split rows into a 1-D object array of one array for each sequence."""
    bounds = [0, *np.cumsum(lengths).tolist()]
    return object_array([rows[start:stop] for start, stop in pairwise(bounds)])


def is_nested(value: Any) -> bool:
    """Return whether a value holds further values; text and dictionaries are single values."""
    if isinstance(value, (*TEXT, Mapping)) or not hasattr(value, "__len__"):
        return False
    return getattr(value, "ndim", 1) > 0  # an array of no dimension is one value


def is_awkward(X: Any) -> bool:
    """Return whether X is an awkward array. There is none before awkward was imported."""
    return isinstance(X, getattr(sys.modules.get("awkward"), "Array", ()))


def types_in(values: np.ndarray, types: tuple[type, ...]) -> list[type]:
    """Return which types the values of an array have, of these types and their subclasses."""
    objects = values.dtype == object
    found = set(map(type, values.ravel().tolist())) if objects else {values.dtype.type}
    return [kind for kind in found if issubclass(kind, types)]


def instances_in(values: np.ndarray, kinds: tuple[type, ...]) -> np.ndarray:
    """Return which values of an array are of these types, as in `types_in`."""
    if values.dtype != object:  # NumPy would make integers of times in nanoseconds
        return np.full(values.shape, issubclass(values.dtype.type, kinds))
    return np.reshape([isinstance(v, kinds) for v in values.flat], values.shape)


def advice_to_parse(values: Any) -> str:
    """Advise to parse lists that became text, as in CSV files; empty for other text."""
    first = next((value for value in values if isinstance(value, str)), "")
    if not first.lstrip().startswith("["):
        return ""
    return f" If {first[:20]!r} is a list written as text, parse it, for instance with json.loads."


def as_array(values: Any) -> np.ndarray:
    """Make an array in native byte order, with NaN where a value is masked or null."""
    if type(values) not in PLAIN and is_awkward(values):
        values = values.to_numpy()  # masked, if the array has nulls
    array = np.asarray(values)
    if array.dtype.kind in "US" and isinstance(values, (list, tuple)):
        objects = np.array(values, dtype=object)  # numbers beside text stay numbers
        if len(types_in(objects, TEXT)) < len(set(map(type, objects.flat))):
            array = objects
    if isinstance(values, MaskedArray) and values.mask.any():
        array = array if array.dtype.kind in "biuf" else array.astype(object)
        array = np.where(values.mask, np.nan, array)
    if array.dtype.kind == "T":  # variable-width text, with which few functions of NumPy work
        array = array.astype(object)
    return array if array.dtype.isnative else array.astype(array.dtype.newbyteorder("="))


def to_numbers(values: np.ndarray, where: str) -> np.ndarray:
    """Convert objects to float64, with NaN for None and NA; text and dictionaries stay."""
    if values.dtype.kind in "biuf":
        return values
    if types_in(values, (*TEXT, Mapping)):
        return _with_nan(values)
    if found := types_in(values, (*TIMES, *NOT_REAL)):
        raise ValueError(f"{where} must hold real numbers, or NaN; got {found[0].__name__}.")
    try:
        return values.astype(np.float64)
    except (OverflowError, TypeError, ValueError) as error:
        missing = missing_in(values)
        if any(not isinstance(value, float) for value in values[missing]):
            return to_numbers(np.where(missing, np.nan, values), where)
        kind = TypeError if isinstance(error, TypeError) else ValueError
        raise kind(f"{where} contains something that is not a number: {error}") from error


def _with_nan(values: np.ndarray) -> np.ndarray:
    """Replace NA of pandas by NaN, which transformers of text recognize."""
    is_na = na_in(values)
    return np.where(is_na, np.nan, values) if is_na.any() else values


def na_in(values: np.ndarray) -> np.ndarray:
    """Return which values of an array are NA of pandas."""
    kinds = tuple(kind for kind in types_in(values, (object,)) if kind.__name__ == "NAType")
    return instances_in(values, kinds) if kinds else np.zeros(values.shape, bool)


def is_missing(value: Any) -> bool:
    """Return whether a value is None, NaN, NaT or NA of pandas."""
    if value is None or is_nested(value):
        return value is None
    equal = value == value  # False for NaN and NaT; NA for NA, which is a single object
    return not equal if isinstance(equal, (bool, np.bool_)) else equal is value


def missing_in(values: np.ndarray) -> np.ndarray:
    """Return which values of an array are missing."""
    if values.dtype != object:
        is_nan: np.ndarray = values != values
        return is_nan
    return np.reshape([is_missing(value) for value in values.flat], values.shape).astype(bool)


def all_finite(values: np.ndarray) -> bool:
    """Return whether all values are finite; ``all()`` takes four times as long for few values."""
    return bool(np.count_nonzero(np.isfinite(values)) == values.size)


def refuse_masked(values: Any, name: str) -> None:
    """Raise an error if values are masked, where none may be missing."""
    rows = values if isinstance(values, (list, tuple)) else [values]
    if any(np.ma.is_masked(row) for row in rows):
        raise ValueError(f"{name} holds masked values, but none may be missing.")


def refuse_types(values: Any, name: str) -> None:
    """Raise an error for records, and for times, whose numbers depend on their unit."""
    for dtype in [values.dtype] if hasattr(values, "dtype") else getattr(values, "dtypes", []):
        if getattr(dtype, "kind", "") in tuple("mMV"):
            is_record = dtype.kind == "V"
            advice = "pass an array of them" if is_record else "divide by a unit of time"
            raise ValueError(
                f"{name} contains values of type {dtype}, but real numbers are required; {advice}."
            )


@contextmanager
def refuse_overflow(name: str) -> Iterator[None]:
    """Name the input in the error for a number that is too large for a float.

    A number that only overflows in the conversion becomes infinite, without a warning. The check
    for infinity that follows then refuses it.
    """
    try:
        with np.errstate(over="ignore", invalid="ignore"):
            yield
    except OverflowError as error:
        raise ValueError(f"{name} contains a number that no float can hold: {error}.") from error
