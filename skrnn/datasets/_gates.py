"""Logic gates, which require no memory."""

from __future__ import annotations

from collections.abc import Callable
from numbers import Integral, Real

import numpy as np
from numpy.random import RandomState
from numpy.typing import NDArray
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import Interval, StrOptions

from skrnn.datasets._decorators import validate_params

# Functions of the number of inputs that are 1: (n_ones, n_inputs) -> output.
_GATES: dict[str, Callable[[NDArray[np.int_], int], NDArray[np.bool_]]] = {
    "and": lambda n_ones, n_inputs: n_ones == n_inputs,
    "or": lambda n_ones, n_inputs: n_ones > 0,
    "nand": lambda n_ones, n_inputs: n_ones < n_inputs,
    "nor": lambda n_ones, n_inputs: n_ones == 0,
    "xor": lambda n_ones, n_inputs: n_ones % 2 == 1,
    "xnor": lambda n_ones, n_inputs: n_ones % 2 == 0,
}


@validate_params(
    {
        "gate": [StrOptions(set(_GATES))],
        "n_inputs": [Interval(Integral, 1, None, closed="left")],
    },
    prefer_skip_nested_validation=True,
)
def make_gate(
    gate: str = "xor", *, n_inputs: int = 2
) -> tuple[NDArray[np.float64], NDArray[np.int_]]:
    """Make the truth table of a logic gate.

    Parameters
    ----------
    gate : {"and", "or", "nand", "nor", "xor", "xnor"}, default="xor"
        The gate. With more than two inputs "xor" is 1 for an odd number of ones
        (the parity problem) and "xnor" for an even number.

    n_inputs : int, default=2
        Number of inputs of the gate, at least 1.

    Returns
    -------
    X : ndarray of shape (2**n_inputs, n_inputs), dtype=float64
        Every combination of zeros and ones, in counting order: the last input
        changes fastest.

    y : ndarray of shape (2**n_inputs,), dtype=int
        The output of the gate, 0 or 1, for each row of `X`.

    Raises
    ------
    ValueError
        If `gate` is unknown or `n_inputs` is not an integer of at least 1.

    See Also
    --------
    make_xor : Noisy points around the truth table of the two-input "xor".
    make_parity : The parity of sequences of any length.

    Notes
    -----
    With two inputs "and", "or", "nand" and "nor" can each be drawn with one straight
    line between the zeros and the ones; "xor" and "xnor" cannot, so they need a
    hidden layer [1]_.

    References
    ----------
    .. [1] M. Minsky and S. Papert (1969). "Perceptrons: An Introduction to
       Computational Geometry". MIT Press.

    Examples
    --------
    >>> from skrnn.datasets import make_gate
    >>> X, y = make_gate("xor")
    >>> X
    array([[0., 0.],
           [0., 1.],
           [1., 0.],
           [1., 1.]])
    >>> y
    array([0, 1, 1, 0])
    """
    bits = np.indices((2,) * n_inputs).reshape(n_inputs, -1).T
    y = _GATES[gate](bits.sum(axis=1), n_inputs).astype(int)
    return np.ascontiguousarray(bits, dtype=np.float64), y


@validate_params(
    {
        "n_samples": [Interval(Integral, 1, None, closed="left"), None],
        "noise": [Interval(Real, 0, np.inf, closed="left")],
        "random_state": ["random_state"],
    },
    prefer_skip_nested_validation=True,
)
def make_xor(
    n_samples: int | None = None,
    *,
    noise: float = 0.0,
    random_state: int | RandomState | None = None,
) -> tuple[NDArray[np.float64], NDArray[np.int_]]:
    """Make the exclusive-or problem: its truth table, or noisy points around it.

    Parameters
    ----------
    n_samples : int or None, default=None
        Number of points, spread over the four corners of the unit square as evenly
        as possible and shuffled. None makes one point per corner, in the order of
        the truth table.

    noise : float, default=0.0
        Standard deviation of the Gaussian noise added to `X`.

    random_state : int, RandomState instance or None, default=None
        Determines the order of the points and their noise. Pass an int for the same
        output on every call.

    Returns
    -------
    X : ndarray of shape (n_samples, 2), dtype=float64
        The points; four of them when `n_samples` is None.

    y : ndarray of shape (n_samples,), dtype=int
        1 where exactly one coordinate of the corner is 1, otherwise 0.

    Raises
    ------
    ValueError
        If `n_samples` is neither None nor an integer of at least 1, or if `noise`
        is not a finite number of at least 0.

    See Also
    --------
    make_gate : The truth tables of other gates.

    References
    ----------
    .. [1] D. E. Rumelhart, G. E. Hinton and R. J. Williams (1986). "Learning
       Internal Representations by Error Propagation". In Parallel Distributed
       Processing, vol. 1, 318-362. MIT Press.

    Examples
    --------
    >>> from skrnn.datasets import make_xor
    >>> make_xor()[1]
    array([0, 1, 1, 0])
    >>> X, y = make_xor(200, noise=0.1, random_state=0)
    >>> X.shape
    (200, 2)
    >>> y.mean()
    np.float64(0.5)
    """
    X, y = make_gate("xor")
    rng = check_random_state(random_state)
    if n_samples is not None:
        corner = rng.permutation(np.arange(n_samples) % len(X))
        X, y = X[corner], y[corner]
    if noise > 0:
        X = X + rng.normal(scale=noise, size=X.shape)
    return X, y
