"""The state of parallel streams, which take one step after the other."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np


class StreamState(NamedTuple):
    """State of parallel streams.

    Holds the states of each layer, those of each pooling over the steps so far, the number of
    steps, the static features, if there are any, and with a conditional random field the logarithm
    of the probability of each label given the steps so far.
    """

    layers: tuple[tuple[np.ndarray, ...], ...]
    pooled: tuple[np.ndarray | None, ...]
    n_steps: int
    static: np.ndarray | None = None
    labels: np.ndarray | None = None


def check_types(state: StreamState, dtype: np.dtype) -> None:
    """Raise a ValueError if a state was changed: other types than that of the weights, or n_steps.

    NumPy would convert the next step to integers beside a state of integers.
    """
    for part in (*state.layers, state.pooled, (state.static, state.labels)):
        for array in part:
            if array is not None and getattr(array, "dtype", object) != dtype:
                given = getattr(array, "dtype", type(array).__name__)
                raise ValueError(
                    f"The state holds values of type {given}, but this network computes with "
                    f"{dtype}. Pass a state as initial_state() or step() returned it."
                )
    if not isinstance(state.n_steps, (int, np.integer)) or state.n_steps < 0:
        raise ValueError(
            f"n_steps of the state must be an integer of at least 0, got {state.n_steps!r}."
        )
