"""A linear function of the last steps of each sequence: the skip connection of a network."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from skrnn._numeric.packing import starts_of, take_rows

if TYPE_CHECKING:
    from skrnn._numeric.packing import Packing
    from skrnn._numeric.types import Back, Matrix, Parameters

# Numbers that are gathered at a time: 2 MiB of float64.
_SIZE = 2**18


def rows_of_last_steps(
    lengths: np.ndarray, n_steps: int, sequences: np.ndarray | None = None
) -> np.ndarray:
    """Find the last steps of some sequences, the newest first: rows (n, n_steps).

    The rows count the steps of all sequences, one sequence after another. In a shorter sequence,
    the first step takes the place of those before it. By default, `sequences` are the numbers of
    those that have steps.
    """
    if sequences is None:
        sequences = np.flatnonzero(lengths)
    starts = starts_of(lengths)[sequences, None]
    ends = starts + lengths[sequences, None] - 1
    rows: np.ndarray = np.maximum(ends - np.arange(n_steps), starts)
    return rows


def weigh(x: Matrix, rows: np.ndarray, W: np.ndarray) -> np.ndarray:
    """Weigh several rows of x for each sequence: ``sum_j x[rows[:, j]] W_j``.

    x is (n_rows, n_features), rows (n, n_steps), and W (n_steps * n_features, n_outputs) holds
    W_0, W_1 and so on, one below the other.
    """
    n_features = x.shape[1]
    y = np.zeros((len(rows), W.shape[1]), np.result_type(x.dtype, W.dtype))
    at_once = max(1, _SIZE // max(1, len(rows) * n_features))
    for first in range(0, rows.shape[1], at_once):
        W_of_some = W[first * n_features : (first + at_once) * n_features]
        y += side_by_side(x, rows[:, first : first + at_once]) @ W_of_some
    return y


def side_by_side(x: Matrix, rows: np.ndarray) -> Matrix:
    """Take several rows of x for each sequence: (n, n_steps * n_features)."""
    n, n_steps = rows.shape
    steps = take_rows(x, rows.ravel())
    shape = n, n_steps * x.shape[1]
    return steps.reshape(shape) if isinstance(x, np.ndarray) else steps.reshape(shape).tocsr()


def add_to_rows(d_of_rows: np.ndarray, rows: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """Backward pass of `side_by_side`: the gradient of x, which has this shape."""
    dx = np.zeros(shape, d_of_rows.dtype)
    np.add.at(dx, rows.ravel(), d_of_rows.reshape(-1, shape[1]))
    return dx


def weigh_last_steps(
    p: Parameters, x: Matrix, packing: Packing, rng: Any = None
) -> tuple[np.ndarray, Back]:
    """Linear function of the last steps: x (n_rows, n_features), y (n_sequences, n_outputs).

    ``y = sum_j x.(T-j) W_j``, where T is the last step, with W as in `weigh`. A sequence without
    steps gets 0. The form is that of the layers in ``layers``.
    """
    W, has_steps = p["W"], packing.lengths > 0
    last = rows_of_last_steps(packing.lengths, len(W) // x.shape[1])
    rows = packing.to_concatenated[last]
    weighed = weigh(x, rows, W)
    y = np.zeros((packing.n_sequences, W.shape[1]), weighed.dtype)
    y[has_steps] = weighed

    def back(dy: np.ndarray, grad: Parameters, want_dx: bool = True) -> np.ndarray | None:
        dy = dy[has_steps]
        grad["W"][...] = side_by_side(x, rows).T @ dy
        return add_to_rows(dy @ W.T, rows, x.shape) if want_dx else None

    return y, back
