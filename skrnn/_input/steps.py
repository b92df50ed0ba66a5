"""Targets, predictions and weights: values for each step of the sequences in X."""

from __future__ import annotations

from numbers import Real

import numpy as np
from sklearn.utils.validation import check_consistent_length

from skrnn._input.containers import list_or_array, read_list
from skrnn._input.values import is_nested


def flatten_steps(values, lengths: np.ndarray, name: str) -> np.ndarray:
    """Put the values of all steps into one array, a row for each step of X.

    `values` is a list, object array or Series of arrays ``(n_steps,)`` or ``(n_steps, k)``, or,
    for a padded `X`, a 2-D or 3-D array whose values in the padding are ignored.
    """
    values = list_or_array(values, name)
    check_consistent_length(lengths, values)
    if isinstance(values, np.ndarray):
        if values.ndim < 2 or values.shape[1] < lengths.max():
            raise ValueError(
                f"{name} has shape {values.shape}, but needs a value for each step: "
                f"({len(lengths)}, {lengths.max()} or more)."
            )
        return values[np.arange(values.shape[1]) < lengths[:, None]]
    arrays = read_list(values, name)
    for i, (array, length) in enumerate(zip(arrays, lengths.tolist(), strict=True)):
        shape = (length, *arrays[0].shape[1:])
        if array.shape != shape:
            raise ValueError(
                f"Sequence {i} of {name} has shape {array.shape}, but {shape} is required: a value "
                "for each step."
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
