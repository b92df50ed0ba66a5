"""Memory of truncated backpropagation."""

import tracemalloc

import numpy as np
import pytest
from numpy.random import RandomState

from skrnn._numeric.packing import Packing
from skrnn._numeric.params import Params
from skrnn._numeric.recurrent import CELLS, truncated

N_FEATURES, N_UNITS, N_SEQUENCES = 9, 32, 4


def peak_over_states(cell, length, n_steps):
    """Peak memory of forward and backward, as a multiple of the states of all steps."""
    params = Params({"layer": CELLS[cell].shapes(N_FEATURES, N_UNITS)})
    params.flat[:] = RandomState(0).normal(size=params.flat.size) / 10
    g, packing = params.like(), Packing(np.full(N_SEQUENCES, length))
    x, dh = np.ones((packing.n_rows, N_FEATURES)), np.ones((packing.n_rows, N_UNITS))
    start = (0,) * CELLS[cell].n_states
    tracemalloc.start()
    _, back = truncated(cell, params["layer"], x, packing, start, n_steps)
    back(dh, g["layer"], want_dx=False)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak / dh.nbytes


@pytest.mark.parametrize("cell", CELLS)
def test_short_blocks_need_little_more_than_the_states(cell):
    whole = peak_over_states(cell, 4000, 4000)
    assert peak_over_states(cell, 4000, 50) < 2.5
    # Gates, states and local derivatives. The gradients of the gates overwrite the gates.
    assert 3 < whole < {"rnn": 4.5, "gru": 10, "gru_d": 15, "lstm": 11}[cell]


@pytest.mark.parametrize("cell", CELLS)
def test_memory_grows_with_the_block_and_not_with_the_length(cell):
    short, long = (peak_over_states(cell, length, 50) * length for length in (1000, 4000))
    states = 4000 - 1000  # of the additional steps: the states alone, twice while they are copied
    assert long - short < 2.5 * states
