"""Recurrent layers without a backward pass: the same states as with one."""

from dataclasses import replace
from functools import partial

import numpy as np
import pytest
from numeric_helpers import assert_close, random_params
from numpy.testing import assert_array_equal
from scipy.sparse import csr_array

from skrnn._numeric import forward
from skrnn._numeric.forward import FORWARD, stream_step
from skrnn._numeric.networks import RNN
from skrnn._numeric.packing import Packing
from skrnn._numeric.recurrent import CELLS

STATIC_OF_CELLS = [
    (cell, n_static, at_steps)
    for cell in FORWARD
    for n_static, at_steps in [(0, False), (2, False), (2, True)]
    if not (at_steps and CELLS[cell].decays)
]
LENGTHS = [[7], [5, 5, 5], [3, 0, 6, 1, 6]]


@pytest.mark.parametrize("bidirectional", [False, True])
@pytest.mark.parametrize("lengths", LENGTHS, ids=str)
@pytest.mark.parametrize(("cell", "n_static", "at_steps"), STATIC_OF_CELLS)
def test_predictions_are_those_of_training(cell, lengths, bidirectional, n_static, at_steps):
    """To the bit in one direction. Training may join two, whose sums are then rounded otherwise."""
    same = partial(assert_close, tol=1e-14) if bidirectional else assert_array_equal
    network = RNN(6, (4, 3), 2, cell, bidirectional=bidirectional, n_static=n_static)
    network = replace(network, static_at_steps=at_steps)
    rng, params = np.random.default_rng(0), random_params(network.shapes)
    packing = Packing(lengths, rng.normal(size=(len(lengths), n_static)) if n_static else None)
    x = np.abs(rng.normal(size=(packing.n_rows, 6)))
    expected, _ = network.run(params, x, packing)
    same(network.predict(params, x, packing)[0], expected)
    of_steps = replace(network, pooling=None)
    expected, _ = of_steps.run(params, x, packing)
    same(of_steps.predict(params, x, packing)[0], expected)


@pytest.mark.parametrize("cell", FORWARD)
def test_blocks_of_steps_do_not_change_the_states(cell, monkeypatch):
    network = RNN(6, (4,), 2, cell, pooling=None, bidirectional=True)
    params, packing = random_params(network.shapes), Packing([9, 9, 4])
    x = np.abs(np.random.default_rng(1).normal(size=(packing.n_rows, 6)))
    expected, _ = network.predict(params, x, packing)
    monkeypatch.setattr(forward, "_BLOCK_SIZE", 2 * 3 * 4 * 3 * 2)  # two steps of a GRU
    assert_array_equal(network.predict(params, x, packing)[0], expected)


@pytest.mark.parametrize(
    ("block_size", "n_steps"),
    [(1, [1] * 9), (143, [1, 1, 1, 1, 2, 2, 1]), (144, [2, 2, 3, 2]), (2**15, [4, 5])],
)
def test_a_block_has_as_many_steps_as_fit(block_size, n_steps, monkeypatch):
    """Three gates, two directions and four units: 72 numbers a step of three sequences."""
    network, found = RNN(6, (4,), 2, pooling=None, bidirectional=True), []
    run_steps = FORWARD["gru"]
    packing = Packing([9, 9, 4])
    monkeypatch.setattr(forward, "_BLOCK_SIZE", block_size)
    monkeypatch.setitem(FORWARD, "gru", lambda block, s: found.append(block) or run_steps(block, s))
    network.predict(random_params(network.shapes), np.ones((packing.n_rows, 6)), packing)
    assert [len(block.x) for block in found] == n_steps


@pytest.mark.parametrize("sparse", [False, True])
@pytest.mark.parametrize("cell", FORWARD)
def test_a_streamed_step_is_that_of_a_sequence(cell, sparse):
    network = RNN(6, (4,), 2, cell, pooling=None)
    p, rng = random_params(network.shapes)["recurrent_0"], np.random.default_rng(2)
    x = np.abs(rng.normal(size=(3, 6)))
    start = tuple(rng.normal(size=(CELLS[cell].n_states, 3, 4)))
    expected, _ = CELLS[cell].run(p, x, Packing([1, 1, 1]), start)
    states = stream_step(cell, p, csr_array(x) if sparse else x, start)
    np.testing.assert_allclose(states, expected, rtol=1e-13, atol=1e-15)
