"""Static features: values that belong to a sequence and not to its steps.

`Packing.static` holds them for a batch. They have two effects. They stand beside each step in the
input of the first recurrent layer, and beside the input of the output layer. With weights of 0 a
network is the same as one without static features.

In other networks, the initial state of each recurrent layer is a linear function of them, in place
of the columns beside the steps. It reaches the recurrent layers as if it were a parameter,
``params[name]["state"]`` of shape (n_states, n_sequences, n_units), in the order of the batch. So
its gradient is returned in ``grad[name]["state"]``, to which every layer that uses the state adds.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.sparse import csr_array, hstack, issparse

from skrnn._numeric.affine import dense

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.random import RandomState

    from skrnn._numeric.packing import Packing
    from skrnn._numeric.types import Back, Layer, Matrix, Parameters


def start_from_static(network: Layer, names: Iterable[str]) -> Layer:
    """Run a network whose initial states are linear functions of the static features.

    Each of the `names` is a map from static features to an initial state: ``s W`` with W
    (n_states, n_static, n_units), without a bias.
    """

    def run(
        params: Parameters, x: Matrix, packing: Packing, rng: RandomState | None = None
    ) -> tuple[Any, Back]:
        static = packing.static  # (n_sequences, n_static)
        states = {name: {"state": np.matmul(static, params[name]["W"])} for name in names}
        y, back_network = network({**params, **states}, x, packing, rng)

        def back(dy: Any, grad: Parameters, want_dx: bool = False) -> Any:
            dstates = {name: {"state": np.zeros_like(p["state"])} for name, p in states.items()}
            dx = back_network(dy, {**grad, **dstates}, want_dx)
            for name, p in dstates.items():
                np.matmul(static.T, p["state"], out=grad[name]["W"])
            return dx

        return y, back

    return run


def append_static(per_step: bool) -> Layer:
    """Make a layer that puts the static features beside the input, at each step if `per_step`."""

    def layer(
        params: Parameters, h: np.ndarray, packing: Packing, rng: RandomState | None = None
    ) -> tuple[np.ndarray, Back]:
        static, n_units = packing.static, h.shape[1]
        if per_step:
            static = np.repeat(static, packing.lengths, axis=0)

        def back(
            dy: np.ndarray, grad: Parameters | None = None, want_dx: bool = True
        ) -> np.ndarray:
            return dy[:, :n_units]

        return np.concatenate([h, static], axis=1), back

    return layer


def read_static_at_steps(layer: Layer) -> Layer:
    """Run a layer on packed steps with the static features of their sequence beside each of them.

    x (n_rows, n_in) is dense or in CSR format. The layer reads (n_rows, n_in + n_static), in the
    same format.
    """

    def run(
        params: Parameters, x: Matrix, packing: Packing, rng: RandomState | None = None
    ) -> tuple[Any, Back]:
        n_in = x.shape[1]
        y, back_layer = layer(params, put_beside(x, _of_each_step(packing)), packing, rng)

        def back(dy: Any, grad: Parameters, want_dx: bool = True) -> Any:
            dx = back_layer(dy, grad, want_dx)
            return dx[:, :n_in] if want_dx else None

        return y, back

    return run


def put_beside(x: Matrix, static: Matrix) -> Matrix:
    """Put static features beside steps: x (n_rows, n_in) in a dense array or in CSR format."""
    if issparse(x):
        return hstack([x, csr_array(static)], format="csr")
    return np.concatenate([x, static], axis=1)


def _of_each_step(packing: Packing) -> np.ndarray:
    """Repeat the static features for each packed step: (n_rows, n_static)."""
    of_steps: np.ndarray = np.repeat(packing.static, packing.lengths, axis=0)[packing.to_packed]
    return of_steps


def dense_beside_static(
    p: Parameters, x: Matrix, packing: Packing, rng: RandomState | None = None
) -> tuple[np.ndarray, Back]:
    """Affine map of packed steps with the static features beside each of them.

    x (n_rows, n_in) is dense or in CSR format. The last rows of W are those of the static features.
    """
    n_in, b = x.shape[1], p["b"]
    y, back_dense = dense({"W": p["W"][:n_in], "b": b}, x)
    static = _of_each_step(packing)
    y += static.dot(p["W"][n_in:])

    def back(dy: np.ndarray, grad: Parameters, want_dx: bool = True) -> Any:
        np.matmul(static.T, dy, out=grad["W"][n_in:])
        return back_dense(dy, {"W": grad["W"][:n_in], "b": grad["b"]}, want_dx)

    return y, back


def initial_if_empty(pooling: Layer, names: Sequence[str] = ()) -> Layer:
    """Pool the sequences that have steps. The pooled state of the others is their initial state.

    `names` are those of the initial state of each direction, whose units are side by side. Without
    names it is 0. Several poolings side by side have the same initial state.
    """

    def layer(
        params: Parameters, h: np.ndarray, packing: Packing, rng: RandomState | None = None
    ) -> tuple[np.ndarray, Back]:
        with_steps = packing.without_empty()
        y, back_pooling = pooling(params, h, with_steps, rng)
        if with_steps is packing:
            return y, back_pooling
        is_empty = packing.lengths == 0
        pooled = np.zeros((packing.n_sequences, y.shape[1]), y.dtype)
        pooled[~is_empty] = y
        n_copies = y.shape[1] // h.shape[1]
        if names:
            initial = [params[name]["state"][0, is_empty] for name in names]
            pooled[is_empty] = np.tile(np.concatenate(initial, axis=1), n_copies)

        def back(dy: np.ndarray, grad: Any = None, want_dx: bool = True) -> Any:
            if names:
                dinitial = sum(np.split(dy[is_empty], n_copies, axis=1))
                parts = np.split(dinitial, len(names), axis=1)
                for name, part in zip(names, parts, strict=True):
                    grad[name]["state"][0, is_empty] += part
            return back_pooling(dy[~is_empty], grad, want_dx)

        return pooled, back

    return layer
