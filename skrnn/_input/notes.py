"""Notes that complete the messages of transformers, which name no sequences."""

from __future__ import annotations

import re
from collections.abc import Iterator
from numbers import Real
from typing import Any

import numpy as np
from scipy.sparse import issparse

from skrnn._input.frames import is_frame, read_frame
from skrnn._input.reading import NOT_NUMBERS, missing_steps, place_of
from skrnn._input.sequences import Sequences
from skrnn._input.static import as_static_array, place_of_static, static_names
from skrnn._input.values import instances_in, missing_in, types_in

# Words in messages about values that are no numbers, and about missing ones.
_OF_TYPES = r"string|numeric|non-number|DType|dtype|instances? of|operand|has no attribute|convert"
_OF_MISSING = r"(?i:\bnan\b|missing)|\bNone|\bNA\b|'float' object has no attribute"


def describe_steps(sequences: Sequences, message: str) -> str:
    """Say where the values are that the message of a transformer is about."""
    if issparse(sequences.values):
        missing = missing_steps(sequences)
        found = [("missing", missing)] if re.search(_OF_MISSING, message) and missing.any() else []
    else:
        found = list(_find(_array_of(sequences.values), message))
    parts = [
        f"The first {what} value of X is at {place_of(at, sequences)}."
        if what in ("missing", "infinite")
        else f"X contains {what}, first at {place_of(at, sequences)}."
        for what, at in found
    ]
    return " ".join(parts)


def describe_static(table: Any, message: str) -> str:
    """Say that the input is the static table, and where the values are that a message is about."""
    found = _find(as_static_array(table), message)
    places = "".join(f" {place_of_static(at, table)} is {what}." for what, at in found)
    return f"The input is the static table of X, {static_names(table)}.{places}"


def _array_of(values: Any) -> np.ndarray:
    return read_frame(values) if is_frame(values) else values


def _find(values: np.ndarray, message: str) -> Iterator[tuple[str, np.ndarray]]:
    """Yield each kind of values that a message is about, and which values are of this kind."""
    words = re.sub(r"\[.*?\]", "", message)  # without lists of values, such as categories
    if re.search(_OF_MISSING, words) and (missing := missing_in(values)).any():
        yield "missing", missing
    if re.search(r"infinity|too large", words) and (infinite := _infinite(values)).any():
        yield "infinite", infinite
    if re.search(_OF_TYPES, words):
        for kinds, what, _ in NOT_NUMBERS:
            if types_in(values, kinds):
                yield what, _named(instances_in(values, kinds), values, words)


def _infinite(values: np.ndarray) -> np.ndarray:
    if values.dtype.kind == "f":
        found: np.ndarray = np.isinf(values)
        return found
    is_infinite = [isinstance(v, Real) and abs(v) == np.inf for v in values.flat]
    return np.reshape(is_infinite, values.shape)


def _named(at: np.ndarray, values: np.ndarray, words: str) -> np.ndarray:
    """Choose the values that a message quotes, if there are any among those of a kind."""
    quoted = re.search(r"to float: \D*?(['\"])(.*)\1", words)
    equal = at & (values == quoted[2]) if quoted else at
    return equal if equal.any() else at
