"""Activation functions, each with its derivative as a function of its own output.

Every function can work in place (``out``) and never overflows. It also accepts complex numbers,
which the tests need to check gradients by complex step.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import NamedTuple

import numpy as np


class Activation(NamedTuple):
    """A function ``y = f(x, out)`` and its derivative ``dy/dx = derivative(y)``."""

    f: Callable[..., np.ndarray]
    derivative: Callable[[np.ndarray], np.ndarray]


def identity(x: np.ndarray, out: np.ndarray | None = None) -> np.ndarray:
    """``x``."""
    y: np.ndarray = np.positive(x, out=out)
    return y


def logistic(x: np.ndarray, out: np.ndarray | None = None) -> np.ndarray:
    """``1 / (1 + exp(-x))`` as ``(1 + tanh(x / 2)) / 2``.

    In this form it cannot overflow, and takes a tenth of the time of ``scipy.special.expit`` in
    float32.
    """
    out = np.multiply(x, 0.5, out=out)
    np.tanh(out, out=out)
    return tanh_to_logistic(out)


def tanh_to_logistic(t: np.ndarray, half: float | np.ndarray = 0.5) -> np.ndarray:
    """``(1 + t) / 2`` in place: the second half of `logistic`, for ``t = tanh(x / 2)``.

    A zero-dimensional array for `half` halves the time of small calls, because NumPy does not
    have to convert a Python number.
    """
    t *= half
    t += half
    return t


def relu(x: np.ndarray, out: np.ndarray | None = None) -> np.ndarray:
    """``max(0, x)``."""
    y: np.ndarray = np.maximum(x, _zero(x.dtype), out=out)
    return y


@lru_cache(maxsize=8)
def _zero(dtype: np.dtype) -> np.ndarray:
    return np.zeros((), dtype)  # a Python number doubles the time of a small call


def softmax(x: np.ndarray) -> np.ndarray:
    """``exp(x)`` of each row, scaled to sum to one: x (n, n_classes)."""
    p = _below_maximum(x.T)
    np.exp(p, out=p)
    p /= np.add.reduce(p)
    return np.ascontiguousarray(p.T)


def log_softmax(x: np.ndarray) -> np.ndarray:
    """Logarithm of `softmax`, finite even where the softmax rounds to 0: x (n, n_classes)."""
    shifted = _below_maximum(x.T)
    shifted -= np.log(np.add.reduce(np.exp(shifted)))
    return shifted.T


def _below_maximum(columns: np.ndarray) -> np.ndarray:
    """Subtract the maximum of each column. For short rows this would take eight times as long."""
    shifted = np.array(columns, order="C")
    shifted -= np.maximum.reduce(shifted)
    return shifted


def log_logistic(x: np.ndarray) -> np.ndarray:
    """Logarithm of `logistic`, ``-softplus(-x)``. It is always finite."""
    y = softplus(-x)
    np.negative(y, out=y)
    return y


def softplus(x: np.ndarray) -> np.ndarray:
    """``log(1 + exp(x))`` as ``max(x, 0) + log(1 + exp(-|x|))``, which is always finite."""
    positive = relu(x)
    y: np.ndarray = x - positive
    y -= positive  # -|x|, also for complex x. In this order nothing overflows.
    np.exp(y, out=y)
    np.log1p(y, out=y)
    y += positive
    return y


def _tanh_derivative(y: np.ndarray) -> np.ndarray:
    d: np.ndarray = y * y
    np.subtract(1, d, out=d)
    return d


def _logistic_derivative(y: np.ndarray) -> np.ndarray:
    d: np.ndarray = y * y
    np.subtract(y, d, out=d)
    return d


def _relu_derivative(y: np.ndarray) -> np.ndarray:
    return (y > _zero(y.dtype)).astype(y.dtype)


ACTIVATIONS = {
    "identity": Activation(identity, np.ones_like),
    "logistic": Activation(logistic, _logistic_derivative),
    "tanh": Activation(np.tanh, _tanh_derivative),
    "relu": Activation(relu, _relu_derivative),
}
