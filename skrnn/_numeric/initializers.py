"""Random initial weights: ``initializer(rng, shape) -> ndarray``.

`shape` ends in ``(fan_in, fan_out)``. If there are leading axes (the gates of a cell), each
matrix is drawn separately. `rng` is a ``numpy.random.RandomState``.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.random import RandomState

Initializer = Callable[[RandomState, tuple[int, ...]], np.ndarray]


def glorot_bound(fan_in: int, fan_out: int) -> float:
    """Bound of the uniform distribution of Glorot & Bengio (2010), equation 16."""
    return float(np.sqrt(6.0 / (fan_in + fan_out)))


def glorot_uniform(rng: RandomState, shape: tuple[int, ...]) -> np.ndarray:
    """Uniform with variance ``2 / (fan_in + fan_out)`` (Glorot & Bengio, 2010)."""
    bound = glorot_bound(*shape[-2:])
    return rng.uniform(-bound, bound, shape)


def he_uniform(rng: RandomState, shape: tuple[int, ...]) -> np.ndarray:
    """Uniform with variance ``2 / fan_in`` (He et al., 2015), for relu."""
    bound = np.sqrt(6.0 / shape[-2])
    return rng.uniform(-bound, bound, shape)


def orthogonal(rng: RandomState, shape: tuple[int, ...]) -> np.ndarray:
    """Orthonormal rows or columns, whichever are fewer (Saxe et al., 2014).

    The default for recurrent weights: a product with such a square matrix does not change the
    norm of a state, however often it is repeated.
    """
    return _each_matrix(_orthogonal_matrix, rng, shape)


def uniform(rng: RandomState, shape: tuple[int, ...]) -> np.ndarray:
    """Uniform in [-0.1, 0.1)."""
    return rng.uniform(-0.1, 0.1, shape)


def svd(rng: RandomState, shape: tuple[int, ...]) -> np.ndarray:
    """Uniform in [-1, 1), divided by the largest singular value: a spectral norm of one."""
    return _each_matrix(_unit_norm_matrix, rng, shape)


def zeros(rng: RandomState, shape: tuple[int, ...]) -> np.ndarray:
    """Zeros, for single layers only: hidden units that start equal stay equal."""
    return np.zeros(shape)


def _each_matrix(draw: Initializer, rng: RandomState, shape: tuple[int, ...]) -> np.ndarray:
    matrices = [draw(rng, shape[-2:]) for _ in range(int(np.prod(shape[:-2])))]
    return np.reshape(matrices, shape)


def _orthogonal_matrix(rng: RandomState, shape: tuple[int, ...]) -> np.ndarray:
    tall = rng.standard_normal(shape if shape[0] >= shape[1] else shape[::-1])
    q, r = np.linalg.qr(tall)
    q *= np.where(np.diag(r) < 0, -1.0, 1.0)  # uniform over all such matrices (Mezzadri, 2007)
    return q if shape[0] >= shape[1] else q.T


def _unit_norm_matrix(rng: RandomState, shape: tuple[int, ...]) -> np.ndarray:
    w = rng.uniform(-1, 1, shape)
    return w / np.linalg.norm(w, 2)


INITIALIZERS = {
    "glorot_uniform": glorot_uniform,
    "he_uniform": he_uniform,
    "orthogonal": orthogonal,
    "uniform": uniform,
    "svd": svd,
    "zeros": zeros,
}
