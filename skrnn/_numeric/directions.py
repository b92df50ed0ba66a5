"""Both directions of a small layer as a single cell with the units of both.

With few sequences and units, the time of a step is that of the calls of NumPy. A cell with twice
the units needs as many calls as a cell of one direction, so a step of both takes little longer than
a step of one. Each weight matrix is block diagonal::

    W = [W_forward     0     ]
        [    0     W_backward]

Half of the multiplications are then by zeros, and no unit of one direction affects the other. The
columns of the input are those of the forward direction, then those of the backward direction.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.sparse import issparse

if TYPE_CHECKING:
    from collections.abc import Sequence

    from skrnn._numeric.types import Matrix, Parameters

    CellBack = Callable[..., Any]  # see ``recurrent``
    BackOfAll = Callable[..., Any]

# Multiplications of a gate's recurrent product in a step, in one direction, times the bytes of a
# number, up to which one cell takes less time. With twice as many, products with zeros take the
# gain.
_MOST_WORK = 2**16


def are_small(ps: Sequence[Parameters], x: Matrix, n_sequences: int) -> bool:
    """Whether two directions take less time as one cell: x (n_rows, n_in) in a dense array."""
    n_units = ps[0]["U"].shape[1]
    return (
        len(ps) == 2
        and not issparse(x)
        and x.shape[1] <= 2 * n_units
        and n_sequences * n_units**2 * ps[0]["U"].itemsize <= _MOST_WORK
    )


def join_inputs(
    ps: Sequence[Parameters], xs: Sequence[np.ndarray], starts: Sequence[Any]
) -> tuple[list[Parameters], list[np.ndarray], list[Any]]:
    """Make the parameters, the input and the initial states of the joint cell, as lists of one.

    Initial states are (n_states, n_sequences, n_units), or zeros for all kinds.
    """
    start = starts[0] if np.ndim(starts[0][0]) == 0 else np.concatenate(starts, axis=2)
    return [join(ps)], [np.concatenate(xs, axis=1)], [start]


def back_of_joint(back_cell: CellBack, p: Parameters) -> BackOfAll:
    """Make ``dxs, dstarts = back(dhs, grads, want_dx)`` from the backward pass of the joint cell.

    Arguments and results are lists with an item for each direction.
    """

    def back(dhs: Sequence[np.ndarray], grads: Sequence[Parameters], want_dx: bool) -> Any:
        n, grad = len(dhs), {name: np.empty_like(array) for name, array in p.items()}
        dx, dstart = back_cell(np.concatenate(dhs, axis=1), grad, want_dx)
        separate(grad, grads)
        dxs = split_columns(dx, n) if want_dx else [None] * n
        return dxs, split_columns(np.stack(dstart), n)

    return back


def back_of_each(back_cells: Sequence[CellBack]) -> BackOfAll:
    """Make what `back_of_joint` does, from the backward pass of a cell for each direction."""

    def back(dhs: Sequence[np.ndarray], grads: Sequence[Parameters], want_dx: bool) -> Any:
        parts = zip(back_cells, dhs, grads, strict=True)
        return zip(*(back_cell(dh, grad, want_dx) for back_cell, dh, grad in parts), strict=True)

    return back


def split_columns(array: np.ndarray, n: int) -> list[np.ndarray]:
    """View the columns of each of n directions. `np.split` takes five times as long."""
    width = array.shape[-1] // n
    return [array[..., d * width : (d + 1) * width] for d in range(n)]


def join(ps: Sequence[Parameters]) -> Parameters:
    """Make the parameters of the cell with the units of all directions."""
    joint = {}
    for name, array in ps[0].items():
        shape = *array.shape[:-1], len(ps) * array.shape[-1]
        if array.ndim == 3:  # (n_gates, n_in, n_units)
            shape = shape[0], len(ps) * shape[1], shape[2]
        joint[name] = np.zeros(shape, array.dtype)
    for of_joint, p in zip(_blocks(joint, ps), ps, strict=True):
        for name, block in of_joint.items():
            block[...] = p[name]
    return joint


def separate(joint: Parameters, ps: Sequence[Parameters]) -> None:
    """Copy the arrays of each direction from those of the joint cell."""
    for of_joint, p in zip(_blocks(joint, ps), ps, strict=True):
        for name, block in of_joint.items():
            p[name][...] = block


def _blocks(joint: Parameters, ps: Sequence[Parameters]) -> list[Parameters]:
    """View the blocks of the arrays of a joint cell that belong to each direction."""
    return [
        {name: joint[name][_place(array.shape, d)] for name, array in p.items()}
        for d, p in enumerate(ps)
    ]


@lru_cache(maxsize=64)
def _place(shape: tuple[int, ...], d: int) -> tuple[slice, ...]:
    """Slices of the block of a direction: the last axis, and for weights the axis before it."""
    n_block = 2 if len(shape) == 3 else 1
    blocks = [slice(d * n, (d + 1) * n) for n in shape[-n_block:]]
    return (*[slice(None)] * (len(shape) - n_block), *blocks)
