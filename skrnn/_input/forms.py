"""Returning sequences in the form of X."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, Literal

import narwhals.stable.v2 as nw
import numpy as np
from scipy.sparse import issparse

from skrnn._input.frames import column_names, is_frame
from skrnn._input.reading import Reading
from skrnn._input.sequences import Sequences
from skrnn._input.values import missing_in

if TYPE_CHECKING:
    from collections.abc import Callable

    Container = Literal["default", "pandas", "polars"]


def in_form_of(
    X: Any,
    reading: Reading,
    sequences: Sequences,
    container: Container = "default",
    names: Callable[[], list[str]] | None = None,
) -> Any:
    """Return transformed sequences in the form of X.

    `names` is a function that returns the names of the features, for arrays in frames.

    - `Sequences` stay `Sequences`. A frame with static features becomes `Sequences`, unless
      `container` is 'pandas' or 'polars'.
    - A list or tuple becomes a list of one array (sparse matrix, frame) for each sequence. A
      table in nested lists is treated like a 2-D array, as in scikit-learn, unless the last
      step of a sequence is missing: in an array, it would be padding.
    - A frame becomes a frame of sequences, if `container` is 'pandas' or 'polars'. Its static
      features come first. A 2-D frame stays 2-D if its shape does not change.
    - A Series or frame of sequences of pandas becomes a Series with the same index.
    - A 3-D array stays 3-D. A 2-D one stays 2-D if the numbers of features and of steps do not
      change, and becomes 3-D if they do. Sparse steps are not padded.
    - Everything else becomes a 1-D object array.
    """
    if isinstance(X, Sequences):
        return sequences
    if is_frame(X) and container != "default":
        return _in_frame(X, reading, sequences, container, names)
    if sequences.static is not None:
        return sequences
    is_array, is_list = isinstance(sequences.values, np.ndarray), isinstance(X, (list, tuple))
    is_table = is_list and is_array and _is_table(X, reading) and not _ends_missing(sequences)
    if is_list and not is_table:
        return list(sequences)
    if not is_array or (reading.n_axes == 1 and not is_table):
        ragged = sequences.to_ragged()
        if not hasattr(X, "iloc"):
            return ragged
        name = getattr(X, "name", None)
        return sys.modules["pandas"].Series(ragged, index=X.index, name=name, dtype=object)
    padded = sequences.to_padded(max(reading.n_steps or 0, sequences.lengths.max()))
    same = _are_alike(sequences, reading.sequences)
    # A table of another width than X would be read as another number of steps.
    return padded.reshape(len(padded), -1) if reading.n_axes < 3 and same else padded


def _are_alike(sequences: Sequences, others: Sequences) -> bool:
    """Return whether sequences have the same numbers of features and of steps as others."""
    same = sequences.n_features == others.n_features
    return same and np.array_equal(sequences.lengths, others.lengths)


def _in_frame(
    X: Any,
    reading: Reading,
    sequences: Sequences,
    container: Literal["pandas", "polars"],
    get_names: Callable[[], list[str]] | None,
) -> Any:
    """Make a frame with a column of sequences for each feature, or of numbers if X is 2-D."""
    if reading.n_axes == 2 and _are_alike(sequences, reading.sequences):
        columns = dict(zip(column_names(X) or [], _padded(sequences, reading).T, strict=True))
    elif is_frame(sequences.values):
        names, cells = column_names(sequences.values) or [], list(sequences)
        columns = {name: [np.asarray(steps[name]) for steps in cells] for name in names}
    else:
        names = get_names() if get_names else [f"x{k}" for k in range(sequences.n_features)]
        columns = {name: [s[:, k] for s in sequences] for k, name in enumerate(names)}
    if sequences.static is not None:
        columns = _static_columns(sequences.static, columns) | columns
    frame = nw.from_dict(columns, backend=container).to_native()
    if hasattr(X, "iloc") and container == "pandas":
        frame.index = X.index
    return frame


def _static_columns(table: Any, others: dict[str, Any]) -> dict[str, Any]:
    """Return the columns of a static table, with names that differ from those of the others."""
    if not is_frame(table):
        values = table.toarray() if issparse(table) else table
        return {f"static{k}": column for k, column in enumerate(values.T)}
    columns = {name: list(table[name]) for name in column_names(table) or []}
    if same := columns.keys() & others.keys():
        raise ValueError(
            f"Static features and features of steps have the same names, {sorted(same)}, so they "
            "cannot be columns of one frame. Use set_output(transform='default')."
        )
    return columns


def _padded(sequences: Sequences, reading: Reading) -> np.ndarray:
    """Make a 2-D array, with the padding of X."""
    return sequences.to_padded(reading.n_steps).reshape(len(sequences), -1)


def _ends_missing(sequences: Sequences) -> bool:
    """Return whether the last step of a sequence is missing in all features."""
    last = np.cumsum(sequences.lengths)[sequences.lengths > 0] - 1
    return bool(missing_in(sequences.values[last]).all(axis=1).any())


def _is_table(X: Any, reading: Reading) -> bool:
    """Return whether X is nested lists of numbers, all of one length: a table in scikit-learn."""
    return bool(reading.n_columns) and all(isinstance(row, (list, tuple)) for row in X)
