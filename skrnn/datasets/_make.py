"""Generators of sequences, which require a memory."""

from __future__ import annotations

from numbers import Integral
from typing import Any

import numpy as np
from numpy.random import RandomState
from numpy.typing import NDArray
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import Interval

from skrnn.datasets._decorators import validate_params

_COUNT = Interval(Integral, 1, None, closed="left")
_SEQUENCES = {
    "n_samples": [_COUNT],
    "min_length": [_COUNT],
    "max_length": [_COUNT],
    "random_state": ["random_state"],
}
_LONG_SEQUENCES = _SEQUENCES | {
    "min_length": [Interval(Integral, 2, None, closed="left")],
    "max_length": [_COUNT, None],
}


def _draw_lengths(
    rng: RandomState, n_samples: int, min_length: int, max_length: int
) -> NDArray[np.int_]:
    """Draw `n_samples` lengths, uniform over both ends of the range."""
    if max_length < min_length:
        raise ValueError(f"max_length must be at least min_length={min_length}, got {max_length}.")
    return rng.randint(min_length, max_length + 1, size=n_samples)


def _as_column(bits: NDArray[np.int_]) -> NDArray[np.float64]:
    """Turn bits into a sequence of one feature, of shape (n_steps, 1)."""
    return bits.astype(np.float64).reshape(-1, 1)


@validate_params(_SEQUENCES | {"per_step": ["boolean"]}, prefer_skip_nested_validation=True)
def make_parity(
    n_samples: int = 1000,
    *,
    min_length: int = 1,
    max_length: int = 16,
    per_step: bool = False,
    random_state: int | RandomState | None = None,
) -> tuple[NDArray[np.object_], NDArray[Any]]:
    """Make the parity problem: whether a bit sequence has an odd number of ones.

    A recurrent network needs a single bit of memory, but every step is relevant: a
    change of one input anywhere in the sequence changes the target.

    Parameters
    ----------
    n_samples : int, default=1000
        Number of sequences.

    min_length, max_length : int, default=1 and 16
        The lengths are drawn uniformly from this range, both ends included.

    per_step : bool, default=False
        Whether there is a target for each step, the parity of the sequence up to
        this step, instead of one target for the whole sequence.

    random_state : int, RandomState instance or None, default=None
        Determines the lengths and the bits. Pass an int for the same output on
        every call. `per_step` does not change which sequences are drawn.

    Returns
    -------
    X : ndarray of shape (n_samples,), dtype=object
        The bit sequences, each a float64 array of shape (n_steps, 1).

    y : ndarray of shape (n_samples,), dtype=int or object
        1 for an odd number of ones, otherwise 0. With ``per_step=True`` an object
        array of int arrays of shape (n_steps,): the parity up to and including
        each step.

    Raises
    ------
    ValueError
        If `n_samples` or a length is not an integer of at least 1, or if
        `max_length` is smaller than `min_length`.

    References
    ----------
    .. [1] S. Hochreiter and J. Schmidhuber (1997). "Long Short-Term Memory".
       Neural Computation 9(8), 1735-1780.

    Examples
    --------
    >>> from skrnn.datasets import make_parity
    >>> X, y = make_parity(100, random_state=0)
    >>> X[0].ravel()
    array([1., 0., 0., 1., 0., 0., 0., 1., 1., 0., 1., 0., 0.])
    >>> y[0]
    np.int64(1)
    >>> make_parity(100, per_step=True, random_state=0)[1][0]
    array([1, 1, 1, 0, 0, 0, 0, 1, 0, 0, 1, 1, 1])
    """
    rng = check_random_state(random_state)
    lengths = _draw_lengths(rng, n_samples, min_length, max_length)
    bits = [rng.randint(2, size=n_steps) for n_steps in lengths]
    parities = [np.cumsum(b) % 2 for b in bits]
    X = np.fromiter([_as_column(b) for b in bits], dtype=object)
    if per_step:
        return X, np.fromiter(parities, dtype=object)
    return X, np.array([parity[-1] for parity in parities])


@validate_params(_SEQUENCES, prefer_skip_nested_validation=True)
def make_shift(
    n_samples: int = 1000,
    *,
    min_length: int = 4,
    max_length: int = 10,
    random_state: int | RandomState | None = None,
) -> tuple[NDArray[np.object_], NDArray[np.object_]]:
    """Make the shift problem: repeat a bit sequence one step later.

    This is the smallest problem that requires a memory: without one, no prediction
    after the first step is better than a random guess.

    Parameters
    ----------
    n_samples : int, default=1000
        Number of sequences.

    min_length, max_length : int, default=4 and 10
        The lengths are drawn uniformly from this range, both ends included.

    random_state : int, RandomState instance or None, default=None
        Determines the lengths and the bits. Pass an int for the same output on
        every call.

    Returns
    -------
    X : ndarray of shape (n_samples,), dtype=object
        The bit sequences, each a float64 array of shape (n_steps, 1).

    y : ndarray of shape (n_samples,), dtype=object
        The sequences one step later, each an int array of shape (n_steps,): a 0,
        then all bits but the last.

    Raises
    ------
    ValueError
        If `n_samples` or a length is not an integer of at least 1, or if
        `max_length` is smaller than `min_length`.

    Examples
    --------
    >>> from skrnn.datasets import make_shift
    >>> X, y = make_shift(100, random_state=0)
    >>> X[0].ravel()
    array([0., 1., 1., 1., 1., 1., 0., 1.])
    >>> y[0]
    array([0, 0, 1, 1, 1, 1, 1, 0])
    """
    rng = check_random_state(random_state)
    lengths = _draw_lengths(rng, n_samples, min_length, max_length)
    bits = [rng.randint(2, size=n_steps) for n_steps in lengths]
    X = np.fromiter([_as_column(b) for b in bits], dtype=object)
    return X, np.fromiter([np.append(0, b[:-1]) for b in bits], dtype=object)


def make_nor_next() -> tuple[NDArray[np.object_], NDArray[np.object_]]:
    """Make four sequences of three bits, of which the last is the nor of the first two.

    A network reads two bits and predicts the bit that follows each of them. The third
    bit is 1 only after two zeros, so it does not follow from the second alone: both
    [0, 0, 1] and [1, 0, 0] have a 0 there.

    Returns
    -------
    X : ndarray of shape (4,), dtype=object
        Bits one and two of each sequence, float64 arrays of shape (2, 1).

    y : ndarray of shape (4,), dtype=object
        Bits two and three of each sequence, int arrays of shape (2,).

    Notes
    -----
    The second bit is independent of the first. So at best three targets in four are
    predicted. In the temporal exclusive-or [1]_, the next bit is predicted in the same
    way.

    References
    ----------
    .. [1] J. L. Elman (1990). "Finding Structure in Time". Cognitive Science 14(2),
       179-211.

    Examples
    --------
    >>> from skrnn.datasets import make_nor_next
    >>> X, y = make_nor_next()
    >>> for inputs, targets in zip(X, y):
    ...     print(inputs.ravel(), targets)
    [0. 0.] [0 1]
    [1. 1.] [1 0]
    [1. 0.] [0 0]
    [0. 1.] [1 0]
    """
    sequences = np.array([[0, 0, 1], [1, 1, 0], [1, 0, 0], [0, 1, 0]])
    X = np.fromiter([_as_column(bits[:-1]) for bits in sequences], dtype=object)
    return X, np.fromiter([bits[1:] for bits in sequences], dtype=object)


@validate_params(_LONG_SEQUENCES, prefer_skip_nested_validation=True)
def make_adding(
    n_samples: int = 1000,
    *,
    min_length: int = 100,
    max_length: int | None = None,
    random_state: int | RandomState | None = None,
) -> tuple[NDArray[np.object_], NDArray[np.float64]]:
    """Make the adding problem: add the two marked numbers of a long sequence.

    Each step has a random number and a marker. A network must remember the two
    numbers with a marker until the last step, and ignore the others.

    Parameters
    ----------
    n_samples : int, default=1000
        Number of sequences.

    min_length : int, default=100
        Length of the shortest sequences, at least 2.

    max_length : int or None, default=None
        The lengths are drawn uniformly from `min_length` to `max_length`, both ends
        included. None makes all sequences `min_length` long.

    random_state : int, RandomState instance or None, default=None
        Determines the lengths, numbers and markers. Pass an int for the same output
        on every call.

    Returns
    -------
    X : ndarray of shape (n_samples,), dtype=object
        The sequences, each a float64 array of shape (n_steps, 2). Feature 0 is
        uniform on [0, 1). Feature 1 is the marker: 1 at one step of the first
        ``n_steps // 2`` and at one of the others, elsewhere 0.

    y : ndarray of shape (n_samples,), dtype=float64
        The sum of the two marked numbers.

    Raises
    ------
    ValueError
        If `n_samples` is not an integer of at least 1, `min_length` not one of at
        least 2, or if `max_length` is smaller than `min_length`.

    Notes
    -----
    The constant prediction 1.0 has an expected squared error of 1/6, about 0.167. The
    problem is from [1]_, in the form without rescaled numbers and targets [2]_.

    References
    ----------
    .. [1] S. Hochreiter and J. Schmidhuber (1997). "Long Short-Term Memory".
       Neural Computation 9(8), 1735-1780.
    .. [2] Q. V. Le, N. Jaitly and G. E. Hinton (2015). "A Simple Way to Initialize
       Recurrent Networks of Rectified Linear Units". arXiv:1504.00941.

    Examples
    --------
    >>> from skrnn.datasets import make_adding
    >>> X, y = make_adding(100, min_length=50, random_state=0)
    >>> X[0].shape
    (50, 2)
    >>> values, marker = X[0].T
    >>> bool(values[marker == 1].sum() == y[0])
    True
    """
    if max_length is None:
        max_length = min_length
    rng = check_random_state(random_state)
    lengths = _draw_lengths(rng, n_samples, min_length, max_length)
    X = np.fromiter([_draw_addends(rng, n_steps) for n_steps in lengths], dtype=object)
    return X, np.array([sequence[:, 0] @ sequence[:, 1] for sequence in X])


def _draw_addends(rng: RandomState, n_steps: int) -> NDArray[np.float64]:
    """Draw one sequence of the adding problem, of shape (n_steps, 2)."""
    sequence = np.zeros((n_steps, 2))
    sequence[:, 0] = rng.uniform(size=n_steps)
    half = n_steps // 2
    marked = [rng.randint(half), rng.randint(half, n_steps)]
    sequence[marked, 1] = 1.0
    return sequence
