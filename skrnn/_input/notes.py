"""Notes that complete the messages of transformers, which name no sequences."""

from __future__ import annotations

import re
from collections.abc import Iterator
from numbers import Real
from typing import Any

import numpy as np
from scipy.sparse import issparse

from skrnn._input.frames import column_names, is_frame, read_frame
from skrnn._input.reading import NOT_NUMBERS, missing_steps, place_of
from skrnn._input.sequences import Sequences
from skrnn._input.static import as_static_array, place_of_static, static_names
from skrnn._input.values import instances_in, missing_in, na_in, types_in

# Words in messages about values that are no numbers, and about missing ones.
_OF_TYPES = r"string|numeric|non-number|DType|dtype|instances? of|operand|has no attribute|convert"
_OF_MISSING = r"(?i:\bnan\b|missing)|\bNone|\bNA\b|'float' object has no attribute"

_NA = "NA of pandas"
_ADVICE = {_NA: " SimpleImputer(missing_values=pandas.NA) imputes NA in text."}


def describe_steps(sequences: Sequences, message: str) -> str:
    """Say where the values are that the message of a transformer is about."""
    if issparse(sequences.values):
        missing = missing_steps(sequences)
        found = [("missing", missing)] if re.search(_OF_MISSING, message) and missing.any() else []
    else:
        found = list(_find(_array_of(sequences.values), message))
    parts = []
    for what, at in found:
        several = _several_columns(at, sequences.values)
        place = place_of(np.any(at, axis=1) if several else at, sequences)
        is_number = what in ("missing", "infinite")
        start = f"The first {what} value of X is" if is_number else f"X contains {what}, first"
        columns = f" Columns with such values: {several}." if several else ""
        parts.append(f"{start} at {place}.{columns}{_ADVICE.get(what, '')}")
    return " ".join(parts)


def describe_static(table: Any, message: str) -> str:
    """Say that the input is the static table, and where the values are that a message is about."""
    places = ""
    for what, at in _find(as_static_array(table), message):
        several = _several_columns(at, table)
        some = f"Some values of the static features {several} are"
        places += f" {some if several else f'{place_of_static(at, table)} is'} {what}."
        places += _ADVICE.get(what, "")
    return f"The input is the static table of X, {static_names(table)}.{places}"


def _several_columns(at: np.ndarray, table: Any) -> list[Any]:
    """List the columns of values; empty for one, which is the one that a message is about."""
    columns = np.flatnonzero(at.any(axis=0)).tolist() if at.ndim == 2 else []
    names = column_names(table)
    return [names[k] if names else k for k in columns] if len(columns) > 1 else []


def _array_of(values: Any) -> np.ndarray:
    return read_frame(values) if is_frame(values) else values


def _find(values: np.ndarray, message: str) -> Iterator[tuple[str, np.ndarray]]:
    """Yield each kind of values that a message is about, and which values are of this kind."""
    words = re.sub(r"\[.*?\]", "", message)  # without lists of values, such as categories
    if re.search(r"\bNA(Type)?\b", words) and (na := na_in(values)).any():
        yield _NA, na
    elif re.search(_OF_MISSING, words) and (missing := missing_in(values)).any():
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
    if quoted is None:
        return at
    is_equal = [isinstance(v, str) and v == quoted[2] for v in values.flat]
    equal = at & np.reshape(is_equal, at.shape)
    return equal if equal.any() else at
