"""Layers that use static features, one at a time."""

import numpy as np
import pytest
from numeric_helpers import assert_close, complex_step, random_params
from numpy.random import RandomState

from skrnn._numeric.combine import concatenate
from skrnn._numeric.layers import POOLINGS
from skrnn._numeric.packing import Packing
from skrnn._numeric.recurrent import CELLS, recurrent_layer
from skrnn._numeric.static import initial_if_empty


def test_sequences_without_steps_pass_their_gradient_to_their_initial_states():
    """Two directions of one unit, and two poolings: the outputs are ``[f, b, f, b]``."""
    names, packing = ("forwards", "backwards"), Packing([1, 0, 0])
    params = {name: {"state": np.array([[[9.0], [k], [k + 1]]])} for k, name in enumerate(names)}
    grad = {name: {"state": np.ones((1, 3, 1))} for name in names}
    layer = initial_if_empty(concatenate(POOLINGS["last"], POOLINGS["mean"]), names)
    y, back = layer(params, np.array([[7.0, 8.0]]), packing)
    assert y.tolist() == [[7, 8, 7, 8], [0, 1, 0, 1], [1, 2, 1, 2]]
    dy = np.array([[1.0, 2, 3, 4], [5, 6, 7, 8], [50, 60, 70, 80]])
    assert back(dy, grad).tolist() == [[1 + 3, 2 + 4]]
    assert grad["forwards"]["state"].ravel().tolist() == [1, 1 + 5 + 7, 1 + 50 + 70]
    assert grad["backwards"]["state"].ravel().tolist() == [1, 1 + 6 + 8, 1 + 60 + 80]


@pytest.mark.parametrize("bptt_steps", [None, 2])
@pytest.mark.parametrize("cell", CELLS)
def test_a_layer_adds_to_the_gradient_of_its_initial_states(cell, bptt_steps):
    names, packing, rng = ["forwards", "backwards"], Packing([2, 1, 0, 2]), RandomState(0)
    layer = recurrent_layer(names, cell, bptt_steps=bptt_steps, initial=["first", "last"])
    params = random_params({name: CELLS[cell].shapes(3, 1) for name in names})
    x, dy = rng.normal(size=(5, 3)), rng.normal(size=(5, 2))
    states = rng.normal(size=(2, CELLS[cell].n_states, 4, 1))  # of each direction

    def run(states):
        start = {"first": {"state": states[0]}, "last": {"state": states[1]}}
        return layer({**params, **start}, x.astype(states.dtype), packing)

    _, back = run(states)
    gradient = np.ones_like(states)
    of_start = {"first": {"state": gradient[0]}, "last": {"state": gradient[1]}}
    back(dy, {**params.like(), **of_start})
    assert_close(gradient - 1, complex_step(lambda states: (dy * run(states)[0]).sum(), states))
