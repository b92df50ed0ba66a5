"""Affine maps ``x W + b``: of a dense layer, and of all gates of a cell.

The input may be dense or in the CSR format of SciPy. Of a sparse input only the stored values are
multiplied, and nothing of its size is made dense but the gradient ``dx``, if that is requested.
See ``layers`` for the form of a layer.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.sparse import issparse

if TYPE_CHECKING:
    from skrnn._numeric.types import Back, Matrix, Parameters

# Multiplications in a product that OpenBLAS treats as small: fewer than a million, with a margin.
# With fewer rows in a block, adding up large gradients would take longer.
_SMALL_PRODUCT, _LEAST_BLOCK = 3 * 2**18, 192


def dense(
    p: Parameters, x: Matrix, packing: Any = None, rng: Any = None
) -> tuple[np.ndarray, Back]:
    """Affine map ``y = x W + b``: x (n, n_in), W (n_in, n_out), b (n_out,), y (n, n_out).

    Without a parameter b it is linear.
    """
    W = p["W"]
    y = x.dot(W)  # half the time of a small x @ W, and works for sparse x
    if "b" in p:
        y += p["b"]

    def back(dy: np.ndarray, grad: Parameters, want_dx: bool = True) -> np.ndarray | None:
        if "b" in p:
            _ones(len(dy), dy.dtype).dot(dy, out=grad["b"])  # a fifth of the time of a sum
        if isinstance(x, np.ndarray):
            x.T.dot(dy, out=grad["W"])
        else:
            grad["W"][...] = x.T.dot(dy)
        return dy.dot(W.T) if want_dx else None

    return y, back


@lru_cache(maxsize=8)
def _ones(n: int, dtype: np.dtype) -> np.ndarray:
    return np.ones(n, dtype)


def project(p: Parameters, x: Matrix, factors: np.ndarray | None = None) -> tuple[np.ndarray, Back]:
    """Input projection of every gate and step, ``x W + b``: x (n_rows, n_in).

    W is (n_gates, n_in, n_units), b (n_gates, n_units) and the result (n_gates, n_rows, n_units).
    The result is multiplied by `factors` (n_gates, 1, 1), which the backward pass does not know.

    The bias is the weight of one more input that is always 1. One product then serves both in
    each direction. For few inputs this takes a fifth of the time of a separate addition and sum.
    A sparse x has many inputs. To avoid copies of their weights, each gate is a dense layer.
    """
    if issparse(x):
        of_gates, back_of_gates = _project_each_gate(p, x)
        if factors is not None:
            of_gates *= factors
        return of_gates, back_of_gates
    (n_gates, n_in, n_units), dtype = p["W"].shape, p["W"].dtype
    x_1 = np.empty((len(x), n_in + 1), x.dtype)
    x_1[:, :-1], x_1[:, -1] = x, 1
    W_b = np.empty((n_gates, n_in + 1, n_units), dtype)
    W_b[:, :-1], W_b[:, -1] = p["W"], p["b"]
    if factors is not None:
        W_b *= factors
    projected = np.matmul(x_1, W_b)  # (n_gates, n_rows, n_units)

    def back(dprojected: np.ndarray, grad: Parameters, want_dx: bool = True) -> Any:
        dW_b = np.empty_like(W_b)
        gradient_of_weights(x_1, dprojected, out=dW_b)
        grad["W"][...], grad["b"][...] = dW_b[:, :-1], dW_b[:, -1]
        return (dprojected @ p["W"].transpose(0, 2, 1)).sum(axis=0) if want_dx else None

    return projected, back


def gradient_of_weights(x: np.ndarray, dy: np.ndarray, out: np.ndarray) -> None:
    """Gradient ``x.T dy`` of the weights of each gate.

    x is (n_rows, n_in), dy (n_gates, n_rows, n_out) and `out` (n_gates, n_in, n_out).

    It is added up over blocks of rows. OpenBLAS multiplies small matrices without copying them
    first. For 64 units, one product of all rows takes 1.3 times as long, and for few inputs twice.
    """
    n_block = max(_LEAST_BLOCK, _SMALL_PRODUCT // out[0].size)
    np.matmul(x[:n_block].T, dy[:, :n_block], out=out)
    for start in range(n_block, len(x), n_block):
        out += np.matmul(x[start : start + n_block].T, dy[:, start : start + n_block])


def _project_each_gate(p: Parameters, x: Matrix) -> tuple[np.ndarray, Back]:
    projected, backs = zip(*(dense(of_gate, x) for of_gate in _gates(p)), strict=True)

    def back(dprojected: np.ndarray, grad: Parameters, want_dx: bool = True) -> Any:
        gates = zip(backs, dprojected, _gates(grad), strict=True)
        dxs = [back(da, of_gate, want_dx) for back, da, of_gate in gates]
        return sum(dxs) if want_dx else None

    return np.stack(projected), back


def _gates(p: Parameters) -> list[Parameters]:
    """Get the weights and biases of each gate, as views."""
    return [{"W": W, "b": b} for W, b in zip(p["W"], p["b"], strict=True)]
