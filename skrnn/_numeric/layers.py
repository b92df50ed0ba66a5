"""Layers that do not depend on the order of steps, and poolings over the steps of sequences.

Every layer has the same form: ``y, back = layer(p, x, packing, rng)``, where `p` maps the names
of its parameters to arrays. Layers without parameters ignore `p`, and only layers over steps use
`packing`. The forward pass returns its own backward pass, a function that still holds whatever it
needs: ``dx = back(dy, grad, want_dx)`` writes the gradient of the parameters into ``grad``, with
the names of ``p``, and returns the gradient of the input. ``dx`` stands for the derivative of the
loss with respect to ``x``. With ``want_dx=False``, as for the data, a layer with parameters
returns None.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.sparse import diags_array, issparse

from skrnn._numeric.activations import ACTIVATIONS
from skrnn._numeric.packing import take_rows

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.random import RandomState

    from skrnn._numeric.packing import Packing
    from skrnn._numeric.types import Back, Layer, Matrix, Parameters


def activate(name: str) -> Layer:
    """Make a layer that applies an activation, overwriting its input: ``dx = dy f'(x)``."""
    f, derivative = ACTIVATIONS[name]

    def layer(
        p: Parameters, x: np.ndarray, packing: Packing | None = None, rng: RandomState | None = None
    ) -> tuple[np.ndarray, Back]:
        y = f(x, out=x)

        def back(
            dy: np.ndarray, grad: Parameters | None = None, want_dx: bool = True
        ) -> np.ndarray:
            dx = derivative(y)
            dx *= dy
            return dx

        return y, back

    return layer


def dropout(rate: float) -> Layer:
    """Make a layer that zeroes entries with probability `rate` (Srivastava et al., 2014).

    The other entries are multiplied by ``1 / (1 - rate)``. With ``rng=None``, as in prediction,
    the layer is the identity.
    """

    def layer(
        p: Parameters, x: np.ndarray, packing: Packing | None = None, rng: RandomState | None = None
    ) -> tuple[np.ndarray, Back]:
        if rng is None:
            return x, lambda dy, grad=None, want_dx=True: dy
        keep = (rng.random_sample(x.shape) >= rate) / (1 - rate)
        keep = keep.astype(x.real.dtype, copy=False)
        return x * keep, lambda dy, grad=None, want_dx=True: dy * keep

    return layer


def subtract_last(network: Layer, columns: Sequence[int]) -> Layer:
    """Run a network on steps of which some columns are differences to their last value.

    From these columns of x (n_rows, n_features), the value at the last step of the sequence is
    subtracted at every step. x is dense or in CSR format, in which only these columns get full.
    """
    columns = list(columns)

    def run(
        params: Parameters, x: Matrix, packing: Packing, rng: RandomState | None = None
    ) -> tuple[Any, Back]:
        has_steps = packing.lengths > 0
        last = np.repeat(packing.last, packing.lengths[has_steps])[packing.to_packed]  # row by row
        if issparse(x):
            is_difference = np.isin(np.arange(x.shape[1]), columns).astype(x.dtype)
            difference = x - x[last] @ diags_array(is_difference)
        else:
            difference = x.copy()
            difference[:, columns] -= x[last][:, columns]
        y, back_network = network(params, difference, packing, rng)

        def back(dy: Any, grad: Parameters, want_dx: bool = False) -> Any:
            dx = back_network(dy, grad, want_dx)
            if want_dx:
                of_steps = take_rows(dx, packing.to_concatenated)[:, columns]
                sums = np.add.reduceat(of_steps, packing.offsets[has_steps])
                dx[packing.last[:, None], columns] -= sums
            return dx

        return y, back

    return run


def pool_last(
    p: Parameters, h: np.ndarray, packing: Packing, rng: RandomState | None = None
) -> tuple[np.ndarray, Back]:
    """State after the last step of each sequence: h (n_rows, units), y (n_sequences, units)."""

    def back(dy: np.ndarray, grad: Parameters | None = None, want_dx: bool = True) -> np.ndarray:
        dh = np.zeros_like(h)
        dh[packing.last] = dy
        return dh

    return take_rows(h, packing.last), back


def pool_last_of_both(
    p: Parameters, h: np.ndarray, packing: Packing, rng: RandomState | None = None
) -> tuple[np.ndarray, Back]:
    """State of each direction after its own last step: h and y hold the forward states first."""
    n_units = h.shape[1] // 2

    def back(dy: np.ndarray, grad: Parameters | None = None, want_dx: bool = True) -> np.ndarray:
        dh = np.zeros_like(h)
        dh[packing.last, :n_units] = dy[:, :n_units]
        dh[packing.first, n_units:] = dy[:, n_units:]
        return dh

    ends = take_rows(h[:, :n_units], packing.last), take_rows(h[:, n_units:], packing.first)
    return np.concatenate(ends, axis=1), back


def pool_mean(
    p: Parameters, h: np.ndarray, packing: Packing, rng: RandomState | None = None
) -> tuple[np.ndarray, Back]:
    """Mean state over the steps of each sequence."""
    lengths = packing.lengths
    y = np.add.reduceat(take_rows(h, packing.to_concatenated), packing.offsets, axis=0)
    y /= lengths[:, None].astype(h.real.dtype)

    def back(dy: np.ndarray, grad: Parameters | None = None, want_dx: bool = True) -> np.ndarray:
        share = dy / lengths[:, None].astype(dy.dtype)  # (n_sequences, units)
        dh: np.ndarray = take_rows(np.repeat(share, lengths, axis=0), packing.to_packed)
        return dh

    return y, back


def pool_max(
    p: Parameters, h: np.ndarray, packing: Packing, rng: RandomState | None = None
) -> tuple[np.ndarray, Back]:
    """Maximum of each unit over the steps. Steps that tie share the gradient equally."""
    lengths, concatenated = packing.lengths, take_rows(h, packing.to_concatenated)
    y = np.maximum.reduceat(concatenated, packing.offsets, axis=0)

    def back(dy: np.ndarray, grad: Parameters | None = None, want_dx: bool = True) -> np.ndarray:
        is_max = concatenated == np.repeat(y, lengths, axis=0)  # (n_rows, units)
        ties = np.add.reduceat(is_max, packing.offsets, axis=0, dtype=dy.dtype)
        dh = np.repeat(dy / ties, lengths, axis=0)
        dh *= is_max
        packed: np.ndarray = take_rows(dh, packing.to_packed)
        return packed

    return y, back


def attend(
    p: Parameters, h: np.ndarray, packing: Packing, rng: RandomState | None = None
) -> tuple[np.ndarray, Back]:
    """Attention over the steps (Raffel & Ellis, 2015): h (n_rows, units), y (n_sequences, units).

    ``y = sum_t a_t h_t``. The attention weights ``a`` of a sequence are the softmax of
    ``h_t W`` over its steps: W (units, 1).
    """
    lengths, starts = packing.lengths, packing.offsets
    h = take_rows(h, packing.to_concatenated)
    a = h.dot(p["W"])  # (n_rows, 1)
    a -= np.repeat(np.maximum.reduceat(a, starts), lengths, axis=0)
    np.exp(a, out=a)
    a /= np.repeat(np.add.reduceat(a, starts), lengths, axis=0)

    def back(dy: np.ndarray, grad: Parameters, want_dx: bool = True) -> np.ndarray:
        dy = np.repeat(dy, lengths, axis=0)  # (n_rows, units)
        de = a * (dy * h).sum(axis=1, keepdims=True)  # of h_t W: (n_rows, 1)
        de -= a * np.repeat(np.add.reduceat(de, starts), lengths, axis=0)
        grad["W"][...] = h.T.dot(de)
        dh = a * dy
        dh += de * p["W"].T
        packed: np.ndarray = take_rows(dh, packing.to_packed)
        return packed

    return np.add.reduceat(a * h, starts), back


def last_step(
    p: Parameters, h: np.ndarray, before: np.ndarray | None, n_steps: int
) -> tuple[np.ndarray, np.ndarray]:
    """Continue `pool_last` by one step of n streams: h (n, units), y (n, units).

    As the other poolings of streams, it also returns what the next step needs as `before`, which
    is None at the first step. The state `h` is that after `n_steps` steps.
    """
    return h, h


def mean_step(
    p: Parameters, h: np.ndarray, before: np.ndarray | None, n_steps: int
) -> tuple[np.ndarray, np.ndarray]:
    """Continue `pool_mean` by one step."""
    y = h if before is None else before + (h - before) / n_steps
    return y, y


def max_step(
    p: Parameters, h: np.ndarray, before: np.ndarray | None, n_steps: int
) -> tuple[np.ndarray, np.ndarray]:
    """Continue `pool_max` by one step."""
    y = h if before is None else np.maximum(before, h)
    return y, y


def attend_step(
    p: Parameters, h: np.ndarray, before: np.ndarray | None, n_steps: int
) -> tuple[np.ndarray, np.ndarray]:
    """Continue `attend` by one step.

    `before` (n, units + 2) holds the sum of ``exp(e_t - peak) h_t``, the sum of
    ``exp(e_t - peak)``, and the peak, which is the maximum of ``e_t = h_t W`` so far.
    """
    peak = e = h.dot(p["W"])  # (n, 1)
    sums = np.concatenate([h, np.ones_like(e)], axis=1)
    if before is not None:
        peak = np.maximum(before[:, -1:], e)
        sums = np.exp(before[:, -1:] - peak) * before[:, :-1] + np.exp(e - peak) * sums
    return sums[:, :-1] / sums[:, -1:], np.concatenate([sums, peak], axis=1)


def refuse_sparse(
    p: Parameters | None, x: Matrix, packing: Packing | None = None, rng: RandomState | None = None
) -> tuple[Matrix, Back]:
    """Do nothing, but raise a ValueError if the input is sparse: poolings need dense arrays."""
    if issparse(x):
        raise ValueError(
            "hidden_layer_sizes=() pools the steps themselves, which must not be sparse. Use a "
            "recurrent layer, or embedding_size."
        )
    return x, lambda dy, grad=None, want_dx=True: dy


def each_step(
    p: Parameters, h: np.ndarray, packing: Packing, rng: RandomState | None = None
) -> tuple[np.ndarray, Back]:
    """No pooling: the states of all steps, sequence after sequence, y (n_rows, units)."""

    def back(dy: np.ndarray, grad: Parameters | None = None, want_dx: bool = True) -> np.ndarray:
        dh: np.ndarray = take_rows(dy, packing.to_packed)
        return dh

    return take_rows(h, packing.to_concatenated), back


POOLINGS = {"last": pool_last, "mean": pool_mean, "max": pool_max, "attention": attend}
POOLINGS_OF_STREAMS: dict[str, Callable[..., tuple[np.ndarray, np.ndarray]]] = {
    "last": last_step,
    "mean": mean_step,
    "max": max_step,
    "attention": attend_step,
}
