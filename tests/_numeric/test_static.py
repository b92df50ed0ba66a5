"""Layers that use static features, one at a time."""

import numpy as np
import pytest
from numeric_helpers import assert_close, complex_step, random_params
from numpy.random import RandomState
from scipy.sparse import csr_array

from skrnn._numeric.combine import concatenate
from skrnn._numeric.layers import POOLINGS
from skrnn._numeric.networks import RNN
from skrnn._numeric.packing import Packing
from skrnn._numeric.recurrent import CELLS, recurrent_layer
from skrnn._numeric.static import initial_if_empty, read_static_at_steps


def test_sequences_without_steps_pass_their_gradient_to_their_initial_states():
    """Two directions of one unit, and two poolings: the outputs are ``[f, b, f, b]``.

    There are two kinds of states, as in an LSTM. The first is the output.
    """
    names, packing = ("forwards", "backwards"), Packing([1, 0, 0])
    params = {name: {"state": np.full((2, 3, 1), 9.0)} for name in names}
    params["forwards"]["state"][0, 1:] = [[0], [1]]
    params["backwards"]["state"][0, 1:] = [[2], [3]]
    grad = {name: {"state": np.ones((2, 3, 1))} for name in names}
    layer = initial_if_empty(concatenate(POOLINGS["last"], POOLINGS["mean"]), names)
    y, back = layer(params, np.array([[7.0, 8.0]]), packing)
    assert y.tolist() == [[7, 8, 7, 8], [0, 2, 0, 2], [1, 3, 1, 3]]
    dy = np.array([[1.0, 2, 3, 4], [5, 6, 7, 8], [50, 60, 70, 80]])
    assert back(dy, grad).tolist() == [[1 + 3, 2 + 4]]
    assert grad["forwards"]["state"][0].ravel().tolist() == [1, 1 + 5 + 7, 1 + 50 + 70]
    assert grad["backwards"]["state"][0].ravel().tolist() == [1, 1 + 6 + 8, 1 + 60 + 80]
    assert all(np.all(of["state"][1] == 1) for of in grad.values())


@pytest.mark.parametrize("n_layers", [1, 2, 3])
def test_a_sequence_without_steps_has_the_initial_state_of_the_last_layer(n_layers):
    network = RNN(2, (3, 4, 5)[:n_layers], 1, "lstm", n_static=2, bidirectional=True)
    params, static = random_params(network.shapes), np.array([[1.0, 2.0], [3.0, 4.0]])
    encoded, _ = network.encode(params, np.ones((3, 2)), Packing([0, 3], static))
    W = [params[f"initial_{n_layers - 1}{end}"]["W"][0] for end in ("", "_reverse")]
    assert_close(encoded[0], np.hstack([static[0] @ W[0], static[0] @ W[1]]))


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


@pytest.mark.parametrize("layout", [np.asarray, csr_array])
def test_static_features_stand_beside_the_steps_of_their_sequence(layout):
    """The longest sequence comes first in packed rows, and each step of all before the next."""
    packing, found = Packing([1, 0, 2], np.array([[1.0, 10], [2, 20], [3, 30]])), []

    def layer(params, x, packing, rng):
        found.append(x)
        return x @ params["W"], lambda dy, grad, want_dx: dy @ params["W"].T if want_dx else None

    x, W = layout(np.array([[7.0], [8], [9]])), RandomState(0).normal(size=(3, 2))
    y, back = read_static_at_steps(layer)({"W": W}, x, packing)
    read = np.array([[7.0, 3, 30], [8, 1, 10], [9, 3, 30]])
    assert type(found[0]) is type(x)
    assert_close(layout(read) @ W, y)
    assert (found[0] != layout(read)).sum() == 0
    dy = RandomState(1).normal(size=(3, 2))
    assert_close(back(dy, {}, True), dy @ W[:1].T)
    assert back(dy, {}, False) is None
