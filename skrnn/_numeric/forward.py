"""Recurrent layers in predictions and streams: forward passes alone, without a backward pass.

With few sequences, the time of a step is the number of calls of NumPy, and not that of
multiplications. So both directions of a layer are computed together. Arrays of a step are
``(n_directions, n, n_units)``, where n counts the sequences that have the step. Arrays of gates are
``(n_gates, n_directions, n, n_units)``. Streams have no axis of directions.

The equations are in ``recurrent``. The operations have the same order here, so the states of a
layer are the same to the bit.
"""

from __future__ import annotations

from functools import lru_cache
from itertools import groupby
from typing import TYPE_CHECKING

import numpy as np
from scipy.sparse import issparse

from skrnn._numeric.activations import ACTIVATIONS, tanh_to_logistic
from skrnn._numeric.affine import project
from skrnn._numeric.decay import decay_states, fade

if TYPE_CHECKING:
    from typing import Any

    from skrnn._numeric.types import Layer, Matrix, Parameters

# Size of the array of all gates of consecutive steps, which is copied to be contiguous: as the
# arrays of `Packing.runs`, it fits into the cache.
_BLOCK_SIZE = 2**15


def gru_step(
    a: np.ndarray, x_n: np.ndarray, h: np.ndarray, half: np.ndarray, out: np.ndarray | None = None
) -> Any:
    """Compute ``h.t`` of a GRU: `a` holds half of a_z, half of a_r, and q. It is overwritten.

    `x_n` is the projected input of the new gate, and `h` the state before.
    """
    zr, q = a[:2], a[2]
    tanh_to_logistic(np.tanh(zr, out=zr), half)
    q *= zr[1]
    q += x_n
    n = np.tanh(q, out=q)
    out = np.subtract(h, n, out=out)
    out *= zr[0]
    out += n
    return out


def lstm_step(a: np.ndarray, c: np.ndarray, half: np.ndarray, out: np.ndarray | None = None) -> Any:
    """Compute ``h.t`` and ``c.t`` of an LSTM: `a` holds half of a_i, a_o and a_f, and a_g."""
    np.tanh(a, out=a)
    tanh_to_logistic(a[:3], half)
    i, o, f, g = a
    c = f * c
    i *= g
    c += i
    return np.multiply(o, np.tanh(c), out=out), c


def forward_layer(names: Any, cell: Any, activation: str = "tanh", initial: Any = ()) -> Layer:
    """Make a layer that computes what `recurrent_layer` does, for a cell of `FORWARD`.

    In place of a backward pass it returns None.
    """

    def layer(params: Parameters, x: Matrix, packing: Any, rng: Any = None) -> tuple[Any, Any]:
        orders = [slice(None), packing.reverse] if len(names) > 1 else [slice(None)]
        ps, xs = [params[name] for name in names], [x[order] for order in orders]
        starts = [params[name]["state"][:, packing.order] for name in initial]
        h = _run(cell, ps, xs, packing, starts, activation)
        if len(names) == 1:
            return h[0], None
        return np.concatenate([h[0], h[1][orders[1]]], axis=1), None

    return layer


def _run(cell: Any, ps: Any, xs: Any, packing: Any, starts: Any, activation: str) -> Any:
    """Compute the outputs (n_directions, n_rows, n_units) of one direction or two."""
    steps, n_logistic = FORWARD[cell]
    decay = None
    if "W_h" in ps[0]:
        xs = [x.toarray() if issparse(x) else x for x in xs]
        decay = _stack([decay_states(p, x)[0] for p, x in zip(ps, xs, strict=True)], 0)
        xs = [fade(p, x)[0] for p, x in zip(ps, xs, strict=True)]
    inputs = _stack([project(p, x)[0] for p, x in zip(ps, xs, strict=True)], 1)
    U = _stack([p["U"] for p in ps], 1)
    n_gates, n_directions, _, n_units = U.shape
    scale = _scale_of_gates(n_gates, n_logistic, inputs.dtype)
    inputs *= scale
    U = U * scale
    out = np.empty((n_directions, packing.n_rows, n_units), inputs.dtype)
    zeros = np.zeros((n_directions, packing.n_sequences, n_units), out.dtype)
    states = list(np.stack(starts, axis=1)) if starts else [zeros, zeros]
    for rows, size in _blocks(packing.sizes, n_gates * n_directions * n_units):
        states = [state[:, :size] for state in states]
        x, h = _in_steps(inputs[:, :, rows], size).copy(), _in_steps(out[:, rows], size)
        of_block = None if decay is None else _in_steps(decay[:, rows], size)
        states = steps(ps, U, x, states, h, decay=of_block, activation=activation)
    return out


@lru_cache
def _scale_of_gates(n_gates: int, n_logistic: int, dtype: np.dtype) -> np.ndarray:
    """Factors (n_gates, 1, 1, 1) of the gates: 0.5 for logistic functions, which come first.

    For ``logistic(x) = (1 + tanh(x / 2)) / 2``, half the pre-activation is needed.
    """
    scale = np.ones((n_gates, 1, 1, 1), dtype)
    scale[:n_logistic] = 0.5
    return scale


@lru_cache
def _half(dtype: np.dtype) -> np.ndarray:
    return np.array(0.5, dtype)


def _stack(arrays: Any, axis: int) -> np.ndarray:
    return np.stack(arrays, axis) if len(arrays) > 1 else np.expand_dims(arrays[0], axis)


def _blocks(sizes: Any, width: int) -> Any:
    """Group consecutive steps of one number of sequences: yields their rows, and that number.

    The arrays of a block have `width` columns.
    """
    start = 0
    for size, equal in groupby(sizes.tolist()):
        n_steps, most = len(list(equal)), max(_BLOCK_SIZE // (size * width), 1)
        while n_steps:
            n_now = min(n_steps, most)
            yield slice(start, start + n_now * size), size
            start, n_steps = start + n_now * size, n_steps - n_now


def _in_steps(rows: np.ndarray, size: int) -> np.ndarray:
    """View rows (..., n_steps * size, n_units) as steps (n_steps, ..., size, n_units)."""
    steps = rows.reshape(*rows.shape[:-2], -1, size, rows.shape[-1])
    return steps.transpose(steps.ndim - 3, *range(steps.ndim - 3), -2, -1)


# Each function runs the steps of a block: projected inputs x (n_steps, n_gates, n_directions, n,
# n_units). It writes the outputs to `out` (n_steps, n_directions, n, n_units), and returns the last
# states. Logistic gates of x and U are halved. x is overwritten.


def _rnn_steps(
    ps: Any, U: Any, x: Any, states: Any, out: Any, *, activation: str, decay: Any
) -> Any:
    h, f = states[0], ACTIVATIONS[activation].f
    a = np.empty(x.shape[1:], x.dtype)
    for x_t, h_t in zip(x, out, strict=True):
        np.matmul(h, U, out=a)
        a += x_t
        h = f(a[0], out=h_t)
    return [h]


def _gru_steps(
    ps: Any, U: Any, x: Any, states: Any, out: Any, *, activation: str, decay: Any
) -> Any:
    h, half = states[0], _half(x.dtype)
    x_n = x[:, 2].copy()
    x[:, 2] = _stack([p["b_rec"] for p in ps], 0)[:, None]
    a = np.empty(x.shape[1:], x.dtype)
    for t, (x_t, x_n_t, h_t) in enumerate(zip(x, x_n, out, strict=True)):
        h = h if decay is None else h * decay[t]
        np.matmul(h, U, out=a)
        a += x_t
        h = gru_step(a, x_n_t, h, half, out=h_t)
    return [h]


def _lstm_steps(
    ps: Any, U: Any, x: Any, states: Any, out: Any, *, activation: str, decay: Any
) -> Any:
    (h, c), half = states, _half(x.dtype)
    a = np.empty(x.shape[1:], x.dtype)
    for x_t, h_t in zip(x, out, strict=True):
        np.matmul(h, U, out=a)
        a += x_t
        h, c = lstm_step(a, c, half, out=h_t)
    return [h, c]


# For each cell, the function that runs its steps, and the number of its logistic gates.
FORWARD = {
    "rnn": (_rnn_steps, 0),
    "gru": (_gru_steps, 2),
    "gru_d": (_gru_steps, 2),
    "lstm": (_lstm_steps, 3),
}


def stream_step(cell: Any, p: Parameters, x: Matrix, states: Any, activation: str = "tanh") -> Any:
    """Compute the states of n streams after a step: x (n, n_in), states (n, n_units) each.

    The cell is one of `FORWARD`. Nothing is prepared for further steps: the weights stay as they
    are, and the pre-activations of logistic gates are halved.
    """
    h, half = states[0], _half(states[0].dtype)
    if "W_h" in p:
        x = x.toarray() if issparse(x) else x
        h, x = h * decay_states(p, x)[0], fade(p, x)[0]
    if issparse(x):
        inputs = project(p, x)[0]
    else:
        inputs = np.matmul(x, p["W"])
        inputs += p["b"][:, None]
    a = np.matmul(h, p["U"])  # (n_gates, n, n_units)
    if cell == "rnn":
        a += inputs
        return (ACTIVATIONS[activation].f(a[0]),)
    if cell == "lstm":
        a += inputs
        a[:3] *= half
        return lstm_step(a, states[1], half)
    zr, q = a[:2], a[2]
    zr += inputs[:2]
    zr *= half
    q += p["b_rec"]
    return (gru_step(a, inputs[2], h, half),)
