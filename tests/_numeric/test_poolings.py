"""Poolings that continue step by step, differences to the last value, and dropout."""

import numpy as np
import pytest
from numeric_helpers import assert_close, complex_step
from numpy.random import RandomState
from scipy.sparse import csr_array, issparse

from skrnn._numeric.layers import (
    POOLINGS,
    POOLINGS_OF_STREAMS,
    dropout,
    refuse_sparse,
    subtract_last,
)
from skrnn._numeric.packing import Packing

LENGTHS = [3, 0, 1, 4, 2]
COLUMNS = [0, 2]


@pytest.mark.parametrize("scale", [1, 400])  # exp(400^2) would overflow
@pytest.mark.parametrize("name", POOLINGS)
def test_a_stream_has_the_pooling_of_the_steps_so_far(name, scale):
    rng = RandomState(0)
    h, p = scale * rng.normal(size=(5, 3, 2)), {"W": scale * rng.normal(size=(2, 1))}
    before = None
    for t in range(5):
        y, before = POOLINGS_OF_STREAMS[name](p, h[t], before, t + 1)
        packing = Packing([t + 1] * 3)
        steps = h[: t + 1].transpose(1, 0, 2).reshape(-1, 2)
        expected, _ = POOLINGS[name](p, steps[packing.to_packed], packing)
        assert_close(y, expected)


def run_differences(x, packing, received=None):
    """Run a network that returns its input through `subtract_last`."""

    def network(params, x, packing, rng):
        if received is not None:
            received.append(x)
        return x, lambda dy, grad, want_dx: dy.copy() if want_dx else None

    return subtract_last(network, COLUMNS)({}, x, packing)


@pytest.mark.parametrize("convert", [np.array, csr_array])
def test_differences_to_the_last_value_of_a_sequence(convert):
    packing = Packing(LENGTHS)
    x = RandomState(0).normal(size=(sum(LENGTHS), 3))
    expected = x.copy()
    for start, length in zip(packing.offsets, LENGTHS, strict=True):
        of_sequence = slice(start, start + length)
        expected[of_sequence, COLUMNS] -= x[start + length - 1, COLUMNS]
    packed, received = convert(x[packing.to_packed]), []
    y, back = run_differences(packed, packing, received)
    assert issparse(received[0]) == issparse(packed)
    dense = y.toarray() if issparse(y) else y
    assert_close(dense[packing.to_concatenated], expected)
    unchanged = packed.toarray() if issparse(packed) else packed
    assert_close(unchanged, x[packing.to_packed])
    assert back(dense, {}) is None


def test_gradient_of_differences():
    packing, rng = Packing(LENGTHS), RandomState(0)
    x, weight = rng.normal(size=(2, sum(LENGTHS), 3))
    _, back = run_differences(x, packing)
    expected = complex_step(lambda x: (weight * run_differences(x, packing)[0] ** 2).sum(), x)
    y = run_differences(x, packing)[0]
    assert_close(back(2 * weight * y, {}, want_dx=True), expected)


def test_dropout_keeps_the_mean():
    x = np.ones((200, 100))
    y, back = dropout(0.75)(None, x, None, RandomState(0))
    assert set(y.ravel()) == {0.0, 4.0}
    assert abs(y.mean() - 1) < 0.05
    assert_close(back(2 * x), 2 * y)
    unchanged, back = dropout(0.75)(None, x)
    assert unchanged is x
    assert back(y) is y


def test_dropout_zeroes_draws_below_its_rate():
    """Draws are at least 0 and less than 1, so a draw that equals the rate is kept."""

    class Draws:
        def random_sample(self, shape):
            return np.array([0, 0.2499, 0.25, 0.9999]).reshape(shape)

    y, _ = dropout(0.25)(None, np.full((2, 2), 3.0), None, Draws())
    assert y.tolist() == [[0, 0], [4, 4]]


def test_steps_that_are_pooled_must_not_be_sparse():
    x = np.ones((2, 1))
    y, back = refuse_sparse(None, x, None)
    assert y is x
    assert back(x) is x
    with pytest.raises(ValueError, match="pools the steps themselves, which must not be sparse"):
        refuse_sparse(None, csr_array(x), None)
