"""Both directions as one cell, and one after the other: the same outputs and gradients."""

import numpy as np
import pytest
from numeric_helpers import assert_close, random_params
from numpy.testing import assert_array_equal
from scipy.sparse import csr_array

from skrnn._numeric import directions, recurrent
from skrnn._numeric.directions import are_small, join, separate, split_columns
from skrnn._numeric.networks import RNN
from skrnn._numeric.packing import Packing
from skrnn._numeric.recurrent import CELLS

JOINING = [name for name, cell in CELLS.items() if cell.joins]


def outputs_and_gradients(network, lengths, x=None):
    rng, params = np.random.default_rng(0), random_params(network.shapes)
    static = rng.normal(size=(len(lengths), network.n_static)) if network.n_static else None
    packing = Packing(lengths, static)
    x = rng.normal(size=(packing.n_rows, network.n_features)) if x is None else x
    y, back = network.run(params, x, packing)
    gradient = params.like()
    dx = back(rng.normal(size=y.shape), gradient, True)
    return y, dx, gradient.flat


@pytest.fixture
def calls(monkeypatch):
    """Record whether layers join their directions."""
    found = []
    for name in ("back_of_joint", "back_of_each"):
        make, way = getattr(recurrent, name), name.removeprefix("back_of_")
        monkeypatch.setattr(
            recurrent, name, lambda *args, make=make, way=way: found.append(way) or make(*args)
        )
    return found


@pytest.mark.parametrize("bptt_steps", [None, 2])
@pytest.mark.parametrize(("n_static", "at_steps"), [(0, False), (2, False), (2, True)])
@pytest.mark.parametrize("pooling", [None, ("last", "mean", "max")])
@pytest.mark.parametrize("cell", JOINING)
def test_both_ways_give_the_same(cell, pooling, n_static, at_steps, bptt_steps, calls, monkeypatch):
    network = RNN(
        3,
        (4, 4),
        2,
        cell,
        bidirectional=True,
        pooling=pooling,
        n_static=n_static,
        static_at_steps=at_steps,
        bptt_steps=bptt_steps,
    )
    lengths = [3, 0, 5, 1, 5]
    joined = outputs_and_gradients(network, lengths)
    monkeypatch.setattr(directions, "_MOST_WORK", 0)
    separately = outputs_and_gradients(network, lengths)
    assert calls == ["joint"] * 2 + ["each"] * 2
    for actual, expected in zip(joined, separately, strict=True):
        assert_close(actual, expected)


@pytest.mark.parametrize(
    ("network", "lengths", "ways"),
    [
        (RNN(3, (4, 4), 2, bidirectional=True), [2, 3], ["joint", "joint"]),
        (RNN(3, (4, 4), 2), [2, 3], ["each", "each"]),
        (RNN(3, (32,), 2, bidirectional=True), [1] * 8, ["joint"]),
        (RNN(3, (32,), 2, bidirectional=True), [1] * 9, ["each"]),
        (RNN(8, (4,), 2, bidirectional=True), [2, 3], ["joint"]),
        (RNN(9, (4,), 2, bidirectional=True), [2, 3], ["each"]),
        (RNN(3, (4, 4), 2, "gru_d", bidirectional=True), [2], ["each", "joint"]),
    ],
)
def test_small_layers_of_two_directions_are_joined(network, lengths, ways, calls):
    outputs_and_gradients(network, lengths)
    assert calls == ways


def test_directions_that_read_sparse_steps_are_not_joined():
    x, ps = np.eye(3), [random_params({"layer": CELLS["gru"].shapes(3, 4)})["layer"]] * 2
    assert are_small(ps, x, n_sequences=2)
    assert not are_small(ps, csr_array(x), n_sequences=2)


def test_joint_weights_are_block_diagonal():
    ps = [random_params({"layer": CELLS["gru"].shapes(3, 2)}, seed)["layer"] for seed in (0, 1)]
    joint = join(ps)
    assert {name: array.shape for name, array in joint.items()} == CELLS["gru"].shapes(6, 4)
    W, U = joint["W"], joint["U"]
    assert_array_equal(W[:, :3, :2], ps[0]["W"])
    assert_array_equal(U[:, 2:, 2:], ps[1]["U"])
    for zeros in W[:, :3, 2:], W[:, 3:, :2], U[:, :2, 2:], U[:, 2:, :2]:
        assert not zeros.any()
    copies = [{name: np.empty_like(array) for name, array in p.items()} for p in ps]
    separate(joint, copies)
    for copy, p in zip(copies, ps, strict=True):
        for name, array in p.items():
            assert_array_equal(copy[name], array)


def test_columns_are_split_evenly():
    assert [part.tolist() for part in split_columns(np.arange(4), 2)] == [[0, 1], [2, 3]]
    assert split_columns(np.ones((2, 3, 6)), 3)[1].shape == (2, 3, 2)
