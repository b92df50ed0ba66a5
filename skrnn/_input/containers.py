"""Containers of sequences: lists, arrays, and columns and arrays of other libraries.

No such library is imported here. Objects of pandas, polars and pyarrow are recognized by their
attributes. Nulls become NaN.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any

import numpy as np
from scipy.sparse import issparse

from skrnn._input.frames import column_names, read_frame, refuse_lazy
from skrnn._input.values import PLAIN, TEXT, advice_to_parse, as_array, is_awkward, is_nested

ONE_SERIES = (
    "Pass a single sequence as [X]. If X is a series to forecast, cut it into sequences with "
    "X, y = skrnn.convert.make_windows(X, window=...)."
)


def list_or_array(X: Any, name: str = "X") -> list[Any] | np.ndarray:
    """Return a list if X holds one array for each sequence, an array if X is one for all."""
    if isinstance(X, (list, tuple)):
        _refuse_pair(X, name)
        return list(X)
    if is_awkward(X):
        return _split_awkward(X)
    if column_names(X) is not None:
        array = read_frame(X)
        nested = array.shape[1:] == (1,) and any(map(is_nested, array[:, 0]))
        return list(array[:, 0]) if nested else array
    if hasattr(X, "__array__"):  # arrays, Series, tensors, Sequences
        array = as_array(X)
        if not array.ndim and name != "X":  # for X, the message is that of scikit-learn
            _refuse_other_collections(array, name)
        # The items of a column are sequences, even where their lengths are equal.
        is_column = hasattr(X, "to_frame") and array.ndim > 1
        return list(array) if is_column or (array.dtype == object and array.ndim == 1) else array
    _refuse_other_collections(X, name)
    return list(X)


def _refuse_pair(X: Any, name: str) -> None:
    """Refuse the pairs that functions of skrnn.convert return, and lists of `Sequences`."""
    first: Any = X[0] if len(X) else None
    if not hasattr(first, "to_ragged"):  # Sequences; else an array of all sequences
        is_array = isinstance(first, np.ndarray) and first.dtype == object
        is_pair = is_array and isinstance(X, tuple) and len(X) == 2 and is_nested(X[1])
        if not is_pair or len(first) != len(X[1]):
            return
        if not any(map(is_nested, first)) or any(map(is_nested, X[1])):
            return
    if isinstance(X, tuple):
        raise TypeError(
            f"{name} is a pair of sequences and what belongs to them, but only the sequences are "
            "accepted. Unpack it: X, ids = from_long(...), or X, y = make_windows(...)."
        )
    raise TypeError(
        f"{name} is a list of Sequences, but a list holds one array for each sequence. Pass one "
        "object Sequences, not in a list."
    )


def _refuse_other_collections(X: Any, name: str) -> None:
    """Refuse what is no collection of sequences, and say what to pass instead."""
    refuse_lazy(X, name)
    hint = "A sequence is an array of shape (n_steps, n_features) or (n_steps,)."
    if issparse(X):
        hint = "For sparse steps, use skrnn.Sequences(matrix, lengths)."
    elif isinstance(X, Mapping):
        hint = f"Pass list({name}.values()), or a frame with a column for each feature."
    elif isinstance(X, TEXT):
        hint = "A sequence of characters is list(text)."
    elif isinstance(X, np.ndarray):
        hint = f"It holds the single value {X.item()!r}. {hint}"
    elif hasattr(X, "groups") or hasattr(X, "agg"):  # of pandas, of polars
        hint = (
            f"Of a groupby object, pass [group for _, group in {name}], or read its table by "
            "skrnn.convert.from_long."
        )
    elif hasattr(X, "__len__"):
        return
    elif hasattr(X, "__iter__"):
        hint = f"Of an iterator, pass list({name})."
    raise TypeError(f"{name} must be a list or array of sequences; got {type(X).__name__}. {hint}")


def read_list(items: Any, name: str) -> list[np.ndarray]:
    """Make an array (n_steps, n_features) or (n_steps,) of each item."""
    if not len(items):
        raise ValueError(f"{name} is empty: at least one sequence is required.")
    arrays = []
    for i, item in enumerate(items):
        if type(item) not in PLAIN:
            refuse_lazy(item, f"Sequence {i} of {name}")
        try:
            array = read_steps(item)
        except (TypeError, ValueError) as error:
            raise ValueError(f"Sequence {i} of {name} is not an array: {error}") from error
        if array.ndim not in (1, 2) or (array.ndim == 2 and not array.shape[1]):
            raise ValueError(
                f"Sequence {i} of {name} has shape {array.shape} and type {type(item).__name__}, "
                "but a value for each step is required: (n_steps,) or (n_steps, n_features)."
                f"{_hint(item, name, array.ndim)}"
            )
        arrays.append(array)
    return arrays


def _hint(item: Any, name: str, n_axes: int) -> str:
    """Say how to pass a single value that was found where a sequence is required."""
    if isinstance(item, TEXT):
        return advice_on_text(item)
    if isinstance(item, Mapping):
        if name != "X":
            return ""
        return (
            " If each dictionary is a step, pass a list of them for each sequence, "
            "[[{...}, {...}], ...], and make numbers of them by PerStep(DictVectorizer())."
        )
    if not n_axes and (advice := advice_on_iterators(item, name)):
        return advice
    if is_nested(item):
        return ""
    return f" {ONE_SERIES}" if name == "X" else f" Pass a single sequence as [{name}]."


def advice_on_text(item: str | bytes) -> str:
    """Say how to pass a text that was found where a sequence is required."""
    advice = f" A text is one value; of its characters, list({item[:20]!r}) makes a sequence."
    return advice + advice_to_parse([item])


def advice_on_iterators(item: Any, name: str) -> str:
    """Say how to pass an iterator, or another iterable that is no array, as a sequence; else ''."""
    if not hasattr(item, "__iter__") or hasattr(item, "__array__") or isinstance(item, Mapping):
        return ""
    if isinstance(item, (set, frozenset)):
        return " A set has no order; pass its values in a list, in the order of the steps."
    return f" Pass a list for each sequence: [list(steps) for steps in {name}]."


def read_steps(sequence: Any) -> np.ndarray:
    """Make one array of a sequence, also of one that holds an array or null for each step."""
    if type(sequence) not in PLAIN:
        if column_names(sequence):
            return read_frame(sequence)
        if isinstance(sequence, tuple) and any(map(column_names, sequence)):
            raise ValueError("it is a pair of a key and a frame; pass the frames only.")
    array = as_array(sequence)
    if array.dtype.kind != "O" or array.ndim != 1 or not any(map(is_nested, array)):
        return array
    missing = np.full(max(len(step) for step in array if is_nested(step)), np.nan, dtype=object)
    return np.array([missing if step is None else step for step in array])


def _split_awkward(X: Any) -> list[Any]:
    ak = sys.modules["awkward"]
    try:
        lengths = np.asarray(ak.num(X, axis=1))
        return np.split(as_array(ak.flatten(X, axis=1)), np.cumsum(lengths)[:-1])
    except (TypeError, ValueError):  # one by one, so that an error can name the sequence
        return list(X)
