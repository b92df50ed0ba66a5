"""Recurrent layers in predictions and streams: forward passes alone, without a backward pass.

With few sequences, the time of a step is the number of calls of NumPy, and not that of
multiplications. So both directions of a layer are computed together. Arrays of a step are
``(n_directions, n, n_units)``, where n counts the sequences that have the step. Arrays of gates are
``(n_gates, n_directions, n, n_units)``. Streams have no axis of directions.

Each step calls the function of ``cells`` that training calls, so the states of a layer in one
direction are the same to the bit.
"""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy import add, matmul, multiply
from scipy.sparse import issparse

from skrnn._numeric.activations import ACTIVATIONS
from skrnn._numeric.affine import project
from skrnn._numeric.cells import (
    gru_step,
    half_of,
    halves,
    lstm_step,
    views_of_gates,
)
from skrnn._numeric.decay import decay_states, fade
from skrnn._numeric.packing import take_rows

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
        orders = packing.orders(len(names))
        ps, xs = [params[name] for name in names], [take_rows(x, order) for order in orders]
        starts = [params[name]["state"][:, packing.order] for name in initial]
        h = _run(cell, ps, xs, packing, starts, activation)
        if len(names) == 1:
            return h[0], None
        return np.concatenate([h[0], take_rows(h[1], orders[1])], axis=1), None

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
        decay = np.stack([decay_states(p, x)[0] for p, x in zip(ps, xs, strict=True)])
        xs = [fade(p, x)[0] for p, x in zip(ps, xs, strict=True)]
    factors = halves(cell, len(ps[0]["U"]), ps[0]["U"].dtype)
    inputs = _side_by_side([project(p, x, factors)[0] for p, x in zip(ps, xs, strict=True)])
    U = _side_by_side([p["U"] * factors for p in ps])
    n_gates, n_directions, _, n_units = U.shape
    out = np.empty((n_directions, packing.n_rows, n_units), inputs.dtype)
    zeros = np.zeros((2, n_directions, packing.n_sequences, n_units), out.dtype)
    states: States = tuple(np.stack(starts, axis=1) if starts else zeros)
    for rows, size in _blocks(packing.sizes, n_gates * n_directions * n_units):
        states = tuple(state[:, :size] for state in states)
        x = inputs[:, :, rows].reshape(n_gates, n_directions, -1, size, n_units)
        of_block = None if decay is None else _in_steps(decay[:, rows], size)
        of_out = _in_steps(out[:, rows], size)
        # NumPy takes longer for strided arrays of a step. With one direction, they are contiguous.
        h = np.ascontiguousarray(of_out)
        block = _Block(ps, U, x.transpose(2, 0, 1, 3, 4).copy(), h, of_block, activation)
        states = FORWARD[cell](block, states)
        of_out[...] = h
    return out


def _side_by_side(gates: list[np.ndarray]) -> np.ndarray:
    """Put arrays of gates of one direction or two together, along the second axis."""
    views = [of_one[:, None] for of_one in gates]
    return np.concatenate(views, axis=1) if len(views) > 1 else views[0]


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
    """View rows (n_directions, n_rows, n_units) as (n_steps, n_directions, size, n_units)."""
    n_directions, _, n_units = rows.shape
    return rows.reshape(n_directions, -1, size, n_units).swapaxes(0, 1)


class _Block(NamedTuple):
    """Consecutive steps of a number of sequences, in one direction or two.

    Logistic gates of U and x are halved, see `halves`.
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
        matmul(h, U, a)
        add(a, x, a)
        h = f(a[0], out)
    return (h,)


def _gru_steps(block: _Block, states: States) -> States:
    (h, *_), U, decay, half = states, block.U, block.decay, half_of(block.x.dtype)
    new = block.x[:, 2].copy()
    block.x[:, 2] = np.array([p["b_rec"] for p in block.ps])[:, None]
    a = np.empty_like(block.x[0])
    gates = views_of_gates("gru", a)
    for t, (x, n, out) in enumerate(zip(block.x, new, block.out, strict=True)):
        h = h if decay is None else h * decay[t]
        matmul(h, U, a)
        add(a, x, a)
        h = gru_step(gates, n, h, half, out)
    return (h,)


def _lstm_steps(block: _Block, states: States) -> States:
    (h, c), U, half = states, block.U, half_of(block.x.dtype)
    c = np.ascontiguousarray(c)
    a, tanh_c = np.empty_like(block.x[0]), np.empty_like(c)
    gates = views_of_gates("lstm", a)
    for x, out in zip(block.x, block.out, strict=True):
        matmul(h, U, a)
        add(a, x, a)
        h, c = lstm_step(gates, c, half, out, c, tanh_c)
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
    if isinstance(x, np.ndarray):
        inputs = matmul(x, p["W"])
        add(inputs, p["b"][:, None], inputs)
    else:
        inputs = project(p, x)[0]
    a = matmul(h, p["U"])  # (n_gates, n, n_units)
    if "b_rec" in p:
        new, inputs[2] = inputs[2].copy(), p["b_rec"]
    add(a, inputs, a)
    if cell == "rnn":
        return (ACTIVATIONS[activation].f(a[0]),)
    gates = views_of_gates(cell, a)
    multiply(gates[1], half, gates[1])
    if cell == "lstm":
        return lstm_step(gates, states[1], half)
    return (gru_step(gates, new, h, half),)
