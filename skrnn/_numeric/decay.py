"""Decay of values and states with the time since the last observation, for the cell `gru_d`.

The input ``x`` (n_rows, 3 n) has three blocks of n columns each:

* *values*: the last observed value of each feature;
* *missing*: 1 where the value is missing, and 0 where it is observed;
* *elapsed*: the time from the last observation of the feature before this step.

A decay is ``exp(-max(0, a))``, where ``a`` is an affine map of the times: at most 1, and less the
longer a feature has not been observed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from skrnn._numeric.activations import ACTIVATIONS
from skrnn._numeric.affine import dense

if TYPE_CHECKING:
    from collections.abc import Callable

    from skrnn._numeric.types import Back, Parameters

# Decay of the first weights in a unit of time: about 1 %.
_INITIAL_RATE = 0.01


def shapes_of_decay(n_features: int, n_units: int) -> dict[str, tuple[int, ...]]:
    """Shape of each parameter: ``W_x``, ``b_x`` for the values and ``W_h``, ``b_h`` for states."""
    return {
        "W_x": (n_features,),
        "b_x": (n_features,),
        "W_h": (n_features, n_units),
        "b_h": (n_units,),
    }


def init_decay(p: Parameters) -> None:
    """Set the weights of the decays to their initial values, in place.

    They are positive, because ``max(0, a)`` has no gradient where ``a`` is negative, and small, so
    that nothing is forgotten at first. A state first decays with the mean of the times.
    """
    p["W_x"][...] = _INITIAL_RATE
    p["W_h"][...] = _INITIAL_RATE / len(p["W_h"])


def fade(p: Parameters, x: np.ndarray) -> tuple[np.ndarray, Back]:
    """Let missing values decay from the last observed ones to 0: ``[values * left, missing]``.

    Of a value that is missing, ``left = exp(-max(0, elapsed * W_x + b_x))`` is left: x (n_rows,
    3 n), W_x (n,), result (n_rows, 2 n). Of an observed value, all is left.
    """
    values, missing, elapsed = np.split(x, 3, axis=1)
    decay, back_decay = _decay(elapsed * p["W_x"] + p["b_x"])
    left = missing * (decay - 1)
    left += 1

    def back(dy: np.ndarray, grad: Parameters, want_dx: bool = True) -> np.ndarray | None:
        dvalues, dmissing = np.split(dy, 2, axis=1)
        dleft = dvalues * values
        da = back_decay(dleft * missing)
        grad["W_x"][...] = (da * elapsed).sum(axis=0)
        grad["b_x"][...] = da.sum(axis=0)
        if not want_dx:
            return None
        return np.hstack([dvalues * left, dmissing + dleft * (decay - 1), da * p["W_x"]])

    return np.hstack([values * left, missing]), back


def decay_states(p: Parameters, x: np.ndarray) -> tuple[np.ndarray, Back]:
    """Compute ``exp(-max(0, elapsed W_h + b_h))``: x (n_rows, 3 n), result (n_rows, n_units).

    The backward pass returns the gradient of the times alone, (n_rows, n).
    """
    a, back_a = dense({"W": p["W_h"], "b": p["b_h"]}, np.split(x, 3, axis=1)[2])
    decay, back_decay = _decay(a)

    def back(dy: np.ndarray, grad: Parameters, want_dx: bool = True) -> Any:
        return back_a(back_decay(dy), {"W": grad["W_h"], "b": grad["b_h"]}, want_dx)

    return decay, back


def _decay(a: np.ndarray) -> tuple[np.ndarray, Callable[[np.ndarray], np.ndarray]]:
    """Compute ``exp(-max(0, a))``, overwriting `a`; the backward pass returns ``da``."""
    relu, derivative = ACTIVATIONS["relu"]
    rate = relu(a, out=a)
    decay = np.exp(-rate)

    def back(dy: np.ndarray) -> np.ndarray:
        da: np.ndarray = -dy * decay * derivative(rate)
        return da

    return decay, back
