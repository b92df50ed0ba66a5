"""Recurrent layers in predictions and streams: forward passes alone, without a backward pass.

With few sequences, the time of a step is the number of calls of NumPy, and not that of
multiplications. So both directions of a layer are computed together. Arrays of a step are
``(n_directions, n, n_units)``, where n counts the sequences that have the step. Arrays of gates are
``(n_gates, n_directions, n, n_units)``. Streams have no axis of directions.

Each step calls the function of ``cells`` that training calls, so the states of a layer are the same
to the bit.
"""

from __future__ import annotations

from itertools import groupby

import numpy as np
from scipy.sparse import issparse

from skrnn._numeric.activations import ACTIVATIONS
from skrnn._numeric.affine import project
from skrnn._numeric.cells import gru_step, half_of, halve_logistic_gates, lstm_step
from skrnn._numeric.decay import decay_states, fade

# Size of the array of all gates of consecutive steps, which is copied to be contiguous: as the
# arrays of `Packing.runs`, it fits into the cache.
_BLOCK_SIZE = 2**15


def forward_layer(names, cell, activation="tanh", initial=()):
    """Make a layer that computes what `recurrent_layer` does, for a cell of `FORWARD`.

    In place of a backward pass it returns None.
    """

    def layer(params, x, packing, rng=None):
        orders = [slice(None), packing.reverse] if len(names) > 1 else [slice(None)]
        ps, xs = [params[name] for name in names], [x[order] for order in orders]
        starts = [params[name]["state"][:, packing.order] for name in initial]
        h = _run(cell, ps, xs, packing, starts, activation)
        if len(names) == 1:
            return h[0], None
        return np.concatenate([h[0], h[1][orders[1]]], axis=1), None

    return layer


def _run(cell, ps, xs, packing, starts, activation):
    """Compute the outputs (n_directions, n_rows, n_units) of one direction or two."""
    decay = None
    if "W_h" in ps[0]:
        xs = [x.toarray() if issparse(x) else x for x in xs]
        decay = _stack([decay_states(p, x)[0] for p, x in zip(ps, xs, strict=True)], 0)
        xs = [fade(p, x)[0] for p, x in zip(ps, xs, strict=True)]
    inputs = _stack([project(p, x)[0] for p, x in zip(ps, xs, strict=True)], 1)
    U = _stack([p["U"] for p in ps], 1)
    n_gates, n_directions, _, n_units = U.shape
    U = halve_logistic_gates(cell, inputs, U)
    out = np.empty((n_directions, packing.n_rows, n_units), inputs.dtype)
    zeros = np.zeros((n_directions, packing.n_sequences, n_units), out.dtype)
    states = list(np.stack(starts, axis=1)) if starts else [zeros, zeros]
    for rows, size in _blocks(packing.sizes, n_gates * n_directions * n_units):
        states = [state[:, :size] for state in states]
        x = _in_steps(inputs[:, :, rows], size).copy()
        h = np.empty_like(x[:, 0])
        of_block = None if decay is None else _in_steps(decay[:, rows], size)
        states = FORWARD[cell](ps, U, x, states, h, decay=of_block, activation=activation)
        _in_steps(out[:, rows], size)[...] = h
    return out


def _stack(arrays, axis):
    return np.stack(arrays, axis) if len(arrays) > 1 else np.expand_dims(arrays[0], axis)


def _blocks(sizes, width):
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


def _in_steps(rows, size):
    """View rows (..., n_steps * size, n_units) as steps (n_steps, ..., size, n_units)."""
    steps = rows.reshape(*rows.shape[:-2], -1, size, rows.shape[-1])
    return steps.transpose(steps.ndim - 3, *range(steps.ndim - 3), -2, -1)


# Each function runs the steps of a block: projected inputs x (n_steps, n_gates, n_directions, n,
# n_units). It writes the outputs to `out` (n_steps, n_directions, n, n_units), and returns the last
# states. Logistic gates of x and U are halved. x is overwritten.


def _rnn_steps(ps, U, x, states, out, *, activation, decay):
    h, f = states[0], ACTIVATIONS[activation].f
    a = np.empty(x.shape[1:], x.dtype)
    for x_t, h_t in zip(x, out, strict=True):
        np.matmul(h, U, out=a)
        a += x_t
        h = f(a[0], out=h_t)
    return [h]


def _gru_steps(ps, U, x, states, out, *, activation, decay):
    h, half = states[0], half_of(x.dtype)
    new = x[:, 2].copy()
    x[:, 2] = _stack([p["b_rec"] for p in ps], 0)[:, None]
    a = np.empty(x.shape[1:], x.dtype)
    for t, (x_t, n, h_t) in enumerate(zip(x, new, out, strict=True)):
        h = h if decay is None else h * decay[t]
        np.matmul(h, U, out=a)
        a += x_t
        h = gru_step(a, n, h, half, out=h_t)
    return [h]


def _lstm_steps(ps, U, x, states, out, *, activation, decay):
    h, c, half = states[0], states[1].copy(), half_of(x.dtype)
    a, tanh_c = np.empty(x.shape[1:], x.dtype), np.empty_like(c)
    for x_t, h_t in zip(x, out, strict=True):
        np.matmul(h, U, out=a)
        a += x_t
        h, c = lstm_step(a, c, half, h_t, c, tanh_c)
    return [h, c]


# For each cell, the function that runs its steps.
FORWARD = {"rnn": _rnn_steps, "gru": _gru_steps, "gru_d": _gru_steps, "lstm": _lstm_steps}


def stream_step(cell, p, x, states, activation="tanh"):
    """Compute the states of n streams after a step: x (n, n_in), states (n, n_units) each.

    The cell is one of `FORWARD`. Nothing is prepared for further steps: the weights stay as they
    are, and the pre-activations of logistic gates are halved.
    """
    h, half = states[0], half_of(states[0].dtype)
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
