"""The static table of sequences, for an estimator."""

from __future__ import annotations

from collections.abc import Mapping
from numbers import Integral
from typing import Any

import numpy as np
from scipy.sparse import issparse

from skrnn._input.frames import column_names, feature_names, is_frame, read_frame
from skrnn._input.sequences import Sequences
from skrnn._input.values import (
    TEXT,
    TIMES,
    advice_to_parse,
    instances_in,
    missing_in,
    to_numbers,
    types_in,
)

BOTH_WAYS = (
    "Static features are the columns of single values beside columns of sequences in a frame, or "
    "the table of Sequences(..., static=...)."
)

# What a static feature may be that is no number, and how numbers are made of it.
_NOT_NUMBERS = (
    (
        (*TEXT, Mapping),
        "text or a dictionary",
        "Encode it, for instance with TableTransformer(static=OneHotEncoder()) before the "
        "estimator.",
    ),
    (TIMES, "a date or duration", "Subtract a start, and divide by a unit of time."),
)


def read_static(
    estimator: Any, sequences: Sequences, dtype: np.typing.DTypeLike, *, reset: bool
) -> tuple[np.ndarray | None, dict[str, Any]]:
    """Read the static features as numbers.

    Returns an array (n_sequences, n_static), or None if there are none, and what `fit` learns:

    - `n_static_features_`: the number of static features, 0 if there are none;
    - `static_feature_names_in_`: their names, only if they have names.

    With ``reset=False``, checks them against these attributes, and returns an empty dict.

    Raises
    ------
    ValueError
        If a value is missing, infinite or no number, or the features differ from those in `fit`.
    """
    table = sequences.static
    if not reset:
        check_static(estimator, table)
    values = None if table is None else _numbers(table, dtype)
    return values, learn_static(table) if reset else {}


def read_static_of_streams(
    estimator: Any, static: Any, n_streams: int | None, dtype: np.typing.DTypeLike
) -> tuple[int, np.ndarray | None]:
    """Read the table of ``initial_state(n_streams, static=static)``.

    Returns the number of streams, and an array (n_streams, n_static), or None without static
    features.
    """
    kind, n_fitted = type(estimator).__name__, estimator.n_static_features_
    if n_streams is not None and (not isinstance(n_streams, Integral) or int(n_streams) < 1):
        raise ValueError(f"n_streams must be an integer >= 1, got {n_streams!r}.")
    if static is None and not n_fitted:
        return n_streams or 1, None
    if not n_fitted:
        raise ValueError(
            f"initial_state(static=...) was called, but {kind} was fitted without static features. "
            "Leave out `static`."
        )
    is_table = is_frame(static) or issparse(static)
    shape = static.shape if is_table else np.asarray(static, dtype=object).shape
    n_rows = int(n_streams or (shape[0] if len(shape) == 2 else 1))
    if shape != (n_rows, n_fitted):
        names = getattr(estimator, "static_feature_names_in_", None)
        columns = "" if names is None else f", with the columns {names.tolist()}"
        given = f"one of shape {shape}" if shape else f"{static!r}"
        raise ValueError(
            f"initial_state(static=...) needs a table of shape (n_streams, n_static_features_) = "
            f"({n_rows}, {n_fitted}){columns}, as in the fit of {kind}, but got {given}. After a "
            "TableTransformer in a pipeline, it is pipe[0].transform(X).static."
        )
    streams = Sequences(np.empty((0, 1)), [0] * shape[0], static=static)
    try:
        return n_rows, read_static(estimator, streams, dtype, reset=False)[0]
    except ValueError as error:
        raise ValueError(f"In initial_state(static=...): {error}") from error


def learn_static(table: Any) -> dict[str, Any]:
    """Return the attributes that `fit` learns of a static table, or of none: see `read_static`."""
    names = None if table is None else feature_names(table)
    learned = {"n_static_features_": 0 if table is None else table.shape[1]}
    return learned if names is None else learned | {"static_feature_names_in_": names}


def static_names(table: Any) -> list[Any]:
    """Return the names of static features, or their numbers."""
    return column_names(table) or list(range(table.shape[1]))


def check_static(estimator: Any, table: Any) -> None:
    """Check the number and the names of the static features against those in `fit`."""
    kind, n_fitted = type(estimator).__name__, getattr(estimator, "n_static_features_", 0)
    fitted = getattr(estimator, "static_feature_names_in_", None)
    names = None if table is None else feature_names(table)
    expected = n_fitted if fitted is None else f"{n_fitted}, {fitted.tolist()},"
    if (0 if table is None else table.shape[1]) != n_fitted:
        given = "no static features" if table is None else f"static features {static_names(table)}"
        advice = "Pass X.without_static()." if not n_fitted else BOTH_WAYS
        raise ValueError(f"X has {given}, but {kind} is expecting {expected} as in fit. {advice}")
    if fitted is not None and names is not None and fitted.tolist() != names.tolist():
        raise ValueError(
            f"The static features of X are {names.tolist()}, but {kind} was fitted with "
            f"{fitted.tolist()}, in this order."
        )


def _numbers(table: Any, dtype: np.typing.DTypeLike) -> np.ndarray:
    """Convert a static table to an array of finite numbers."""
    given = as_static_array(table)
    for kinds, what, advice in _NOT_NUMBERS:
        if types_in(given, kinds):
            place = place_of_static(instances_in(given, kinds), table)
            parse = advice_to_parse(given.flat)
            raise ValueError(f"{place} is {what}, not a number. {advice}{parse}")
    values = to_numbers(given, "The static table of X")
    if missing_in(values).any():
        raise ValueError(
            f"{place_of_static(missing_in(values), table)} is missing. Impute it, for instance "
            "with TableTransformer(static=SimpleImputer()) before the estimator."
        )
    with np.errstate(over="ignore"):
        numbers = values.astype(dtype)
    if not np.isfinite(numbers).all():
        place = place_of_static(~np.isfinite(numbers), table)
        raise ValueError(f"{place} is infinite, or too large for {dtype}.")
    return numbers


def as_static_array(table: Any) -> np.ndarray:
    """Make one array of a static table."""
    if issparse(table):
        dense: np.ndarray = table.toarray()
        return dense
    return read_frame(table) if is_frame(table) else np.asarray(table)


def place_of_static(at_fault: np.ndarray, table: Any) -> str:
    """Name the first static value that is at fault."""
    row, column = np.argwhere(at_fault)[0].tolist()
    return f"The static feature {static_names(table)[column]!r} of sequence {row} of X"
