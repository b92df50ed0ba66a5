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
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from scipy.sparse import issparse

from skrnn._numeric.activations import ACTIVATIONS
from skrnn._numeric.affine import project
from skrnn._numeric.cells import LOGISTIC_GATES, gru_step, half_of, halve_logistic_gates, lstm_step
from skrnn._numeric.decay import decay_states, fade

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from skrnn._numeric.packing import Packing
    from skrnn._numeric.types import Layer, Matrix, Parameters, States

# Size of the array of all gates of consecutive steps, which is copied to be contiguous: as the
# arrays of `Packing.runs`, it fits into the cache.
_BLOCK_SIZE = 2**15


def forward_layer(
    names: Sequence[str], cell: str, activation: str = "tanh", initial: Sequence[str] = ()
) -> Layer:
    """Make a layer that computes what `recurrent_layer` does, for a cell of `FORWARD`.

    In place of a backward pass it returns None.
    """

    def layer(
        params: Parameters, x: Matrix, packing: Packing, rng: Any = None
    ) -> tuple[np.ndarray, Any]:
        orders = [slice(None), packing.reverse] if len(names) > 1 else [slice(None)]
        ps, xs = [params[name] for name in names], [x[order] for order in orders]
        starts = [params[name]["state"][:, packing.order] for name in initial]
        h = _run(cell, ps, xs, packing, starts, activation)
        if len(names) == 1:
            return h[0], None
        return np.concatenate([h[0], h[1][orders[1]]], axis=1), None

    return layer


def _run(
    cell: str,
    ps: list[Parameters],
    xs: list[Matrix],
    packing: Packing,
    starts: list[np.ndarray],
    activation: str,
) -> np.ndarray:
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
    zeros = np.zeros((2, n_directions, packing.n_sequences, n_units), out.dtype)
    states: States = tuple(np.stack(starts, axis=1) if starts else zeros)
    for rows, size in _blocks(packing.sizes, n_gates * n_directions * n_units):
        states = tuple(state[:, :size] for state in states)
        x = _in_steps(inputs[:, :, rows], size).copy()
        of_block = None if decay is None else _in_steps(decay[:, rows], size)
        of_out = _in_steps(out[:, rows], size)
        # NumPy takes longer for strided arrays of a step. With one direction, they are contiguous.
        h = np.ascontiguousarray(of_out)
        block = _Block(ps, U, x, h, of_block, activation)
        states = FORWARD[cell](block, states)
        of_out[...] = h
    return out


def _stack(arrays: list[np.ndarray], axis: int) -> np.ndarray:
    return np.stack(arrays, axis) if len(arrays) > 1 else np.expand_dims(arrays[0], axis)


def _blocks(sizes: np.ndarray, width: int) -> Iterator[tuple[slice, int]]:
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


class _Block(NamedTuple):
    """Consecutive steps of a number of sequences, in one direction or two.

    Logistic gates of U and x are halved, see `halve_logistic_gates`.
    """

    ps: list[Parameters]  # of each direction
    U: np.ndarray  # (n_gates, n_directions, n_units, n_units)
    x: np.ndarray  # (n_steps, n_gates, n_directions, n, n_units): projected inputs
    out: np.ndarray  # (n_steps, n_directions, n, n_units)
    decay: np.ndarray | None  # like out
    activation: str


# Each function runs the steps of a block: it writes the outputs to `out`, may overwrite `x` and
# the given states, and returns the last states.


def _rnn_steps(block: _Block, states: States) -> States:
    (h, *_), U, f = states, block.U, ACTIVATIONS[block.activation].f
    a = np.empty_like(block.x[0])
    for x, out in zip(block.x, block.out, strict=True):
        np.matmul(h, U, out=a)
        a += x
        h = f(a[0], out)
    return (h,)


def _gru_steps(block: _Block, states: States) -> States:
    (h, *_), U, decay, half = states, block.U, block.decay, half_of(block.x.dtype)
    new = block.x[:, 2].copy()
    block.x[:, 2] = _stack([p["b_rec"] for p in block.ps], 0)[:, None]
    a = np.empty_like(block.x[0])
    for t, (x, n, out) in enumerate(zip(block.x, new, block.out, strict=True)):
        h = h if decay is None else h * decay[t]
        np.matmul(h, U, out=a)
        a += x
        h = gru_step(a, n, h, half, out)
    return (h,)


def _lstm_steps(block: _Block, states: States) -> States:
    (h, c), U, half = states, block.U, half_of(block.x.dtype)
    c = np.ascontiguousarray(c)
    a, tanh_c = np.empty_like(block.x[0]), np.empty_like(c)
    for x, out in zip(block.x, block.out, strict=True):
        np.matmul(h, U, out=a)
        a += x
        h, c = lstm_step(a, c, half, out, c, tanh_c)
    return h, c


# For each cell, the function that runs its steps.
FORWARD = {"rnn": _rnn_steps, "gru": _gru_steps, "gru_d": _gru_steps, "lstm": _lstm_steps}


def stream_step(
    cell: str, p: Parameters, x: Matrix, states: States, activation: str = "tanh"
) -> States:
    """Compute the states of n streams after a step: x (n, n_in), states (n, n_units) each.

    The cell is one of `FORWARD`. Nothing is prepared for further steps: the weights stay as they
    are, and the pre-activations of logistic gates are halved.
    """
    h, half = states[0], half_of(states[0].dtype)
    if "W_h" in p:
        x = x.toarray() if issparse(x) else x
        h, x = h * decay_states(p, x)[0], fade(p, x)[0]
    inputs = project(p, x)[0] if issparse(x) else np.matmul(x, p["W"]) + p["b"][:, None]
    a = np.matmul(h, p["U"])  # (n_gates, n, n_units)
    if "b_rec" in p:
        new, inputs[2] = inputs[2].copy(), p["b_rec"]
    a += inputs
    if cell == "rnn":
        return (ACTIVATIONS[activation].f(a[0]),)
    a[: LOGISTIC_GATES[cell]] *= half
    if cell == "lstm":
        return lstm_step(a, states[1], half)
    return (gru_step(a, new, h, half),)
