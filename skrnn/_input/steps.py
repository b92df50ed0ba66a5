"""Targets, answers and weights: values for each step of the sequences in X."""

from __future__ import annotations

from numbers import Real

import numpy as np
from sklearn.utils.validation import check_consistent_length

from skrnn._input.containers import list_or_array, read_steps
from skrnn._input.values import is_nested, refuse_masked


def flatten_steps(values, lengths: np.ndarray, name: str) -> np.ndarray:
    """Put the values of all steps into one array, a row for each step of X.

    `values` is a list, object array or Series of arrays ``(n_steps,)`` or ``(n_steps, k)``, or,
    for a padded `X`, a 2-D or 3-D array whose values in the padding are ignored.
    """
    refuse_masked(values, name)
    values = list_or_array(values, name)
    check_consistent_length(lengths, values)
    if isinstance(values, np.ndarray):
        if values.ndim < 2 or values.shape[1] < lengths.max():
            raise ValueError(
                f"{name} has shape {values.shape}, but needs a value for each step: "
                f"({len(lengths)}, {lengths.max()} or more)."
            )
        return values[np.arange(values.shape[1]) < lengths[:, None]]
    arrays = _read_each(values, name)
    for i, (array, length) in enumerate(zip(arrays, lengths.tolist(), strict=True)):
        if array.ndim == 0 or len(array) != length:
            raise ValueError(
                f"Sequence {i} of X has {length} steps, but {name} has shape {array.shape} there; "
                "a value for each step is needed."
            )
        if array.shape[1:] != arrays[0].shape[1:] or array.ndim > 2:
            raise ValueError(
                f"{name} has shape {array.shape} for sequence {i} and {arrays[0].shape} for "
                "sequence 0, but (n_steps,) or (n_steps, k) is needed, with the same k for all."
            )
    kinds = {array.dtype.kind for array in arrays}
    if kinds & set("biuf") and kinds & set("mMVUS"):
        raise ValueError(f"{name} mixes numbers with values of other types.")
    return np.concatenate(arrays)


def flatten_weights(weights, lengths: np.ndarray) -> np.ndarray:
    """Put the weights of all steps into one array; a sequence's weight counts for all its steps."""
    if isinstance(weights, Real):
        return np.full(lengths.sum(), float(weights))
    weights = list_or_array(weights, "sample_weight")
    if any(map(is_nested, weights)):
        return flatten_steps(weights, lengths, "sample_weight")
    check_consistent_length(weights, lengths)
    return np.repeat(np.asarray(weights), lengths)


def lengths_of(values, name: str) -> np.ndarray:
    """Count the steps of each sequence in a list or object array of one array for each."""
    refuse_masked(values, name)
    arrays = _read_each(list_or_array(values, name), name)
    lengths = [len(array) if array.ndim else 0 for array in arrays]
    if not all(lengths) or not lengths:
        raise ValueError(
            f"{name} must hold an array of one value or more for each sequence, got "
            f"{f'none for sequence {lengths.index(0)}' if lengths else 'no sequence'}."
        )
    return np.array(lengths)


def _read_each(values, name: str) -> list[np.ndarray]:
    try:
        return [read_steps(steps) for steps in values]
    except (TypeError, ValueError) as error:
        raise ValueError(f"{name} must hold an array for each sequence: {error}") from error
