"""How layers are combined, and what a network refuses."""

import inspect
from dataclasses import replace
from functools import partial

import numpy as np
import pytest
from numeric_helpers import LENGTHS, N_FEATURES, describe, random_params, recurrent_networks
from numpy.random import RandomState

from skrnn._numeric import recurrent as cells
from skrnn._numeric.combine import add, chain, concatenate, named
from skrnn._numeric.networks import MLP, RNN
from skrnn._numeric.packing import Packing
from skrnn._numeric.recurrent import CELLS, truncated

PACKING = Packing(LENGTHS)
X = RandomState(0).normal(size=(PACKING.n_rows, N_FEATURES))


# --- Combinators ---------------------------------------------------------------------------


def scale(p, x, packing=None, rng=None):
    """Multiply by a parameter; `back` returns None if dx is not wanted."""

    def back(dy, grad, want_dx=True):
        grad["c"][...] = np.sum(dy * x)
        return dy * p["c"] if want_dx else None

    return p["c"] * x, back


PARAMS = {"a": {"c": np.array(2.0)}, "b": {"c": np.array(5.0)}}


def run(layer, dy, want_dx):
    grad = {name: {"c": np.full((), np.nan)} for name in PARAMS}
    y, back = layer(PARAMS, X, PACKING, None)
    return y, back(np.ones_like(y) * dy, grad, want_dx), grad


def test_chain_and_named():
    y, dx, grad = run(chain(named("a", scale), named("b", scale)), 1.0, True)
    assert np.array_equal(y, 10 * X)
    assert np.array_equal(dx, np.full_like(X, 10))
    np.testing.assert_allclose([grad["a"]["c"], grad["b"]["c"]], [5 * X.sum(), 2 * X.sum()])


def test_concatenate():
    dy = np.repeat([1.0, 3.0], N_FEATURES)
    y, dx, grad = run(concatenate(named("a", scale), named("b", scale)), dy, True)
    assert np.array_equal(y, np.hstack([2 * X, 5 * X]))
    assert np.array_equal(dx, np.full_like(X, 1 * 2 + 3 * 5))
    np.testing.assert_allclose([grad["a"]["c"], grad["b"]["c"]], [X.sum(), 3 * X.sum()])


def test_add():
    dy = np.array([1.0, 2.0, 3.0])
    y, dx, grad = run(add(named("a", scale), named("b", scale)), dy, True)
    np.testing.assert_allclose(y, 7 * X)
    np.testing.assert_allclose(dx, np.tile(7 * dy, (len(X), 1)))
    np.testing.assert_allclose([grad["a"]["c"], grad["b"]["c"]], [(dy * X).sum()] * 2)


@pytest.mark.parametrize(
    "layer",
    [
        chain(named("a", scale), named("b", scale)),
        concatenate(named("a", scale), named("b", scale)),
        add(named("a", scale), named("b", scale)),
    ],
    ids=["chain", "concatenate", "add"],
)
def test_dx_is_not_computed_unless_wanted(layer):
    assert run(layer, 1.0, False)[1] is None


# --- Networks ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "make",
    [
        partial(RNN, 2, (3,), 1, pooling="unknown"),
        partial(RNN, 2, (3,), 1, cell="unknown"),
        partial(RNN, 2, (3,), 1, cell="rnn", activation="unknown"),
        partial(MLP, (2, 3, 1), activation="unknown"),
    ],
    ids=["pooling", "cell", "activation", "MLP"],
)
def test_unknown_names(make):
    network = make()
    with pytest.raises(KeyError, match="unknown"):
        network.run(random_params(network.shapes), X, PACKING)


def test_number_of_outputs():
    assert MLP((2, 5, 4, 3)).n_outputs == 3


def test_work_is_that_of_the_largest_layer():
    """It counts multiplications: of a row of stored values, or of a step of all sequences."""
    assert MLP((100, 4, 5, 3)).work(2) == 4 * 5
    assert MLP((100, 4, 5, 3)).work(10) == 10 * 4
    assert RNN(2, (3, 4, 2), 1, "gru").work(5) == 3 * 5 * 4**2
    assert RNN(2, (), 1).work(5) == 0


@pytest.mark.parametrize("bidirectional", [False, True])
@pytest.mark.parametrize("differences", [(), (0,)])
def test_both_directions_and_differences_need_the_end(bidirectional, differences):
    network = RNN(2, (3,), 1, bidirectional=bidirectional, differences=differences)
    assert network.needs_ends == (bidirectional or differences == (0,))


@pytest.mark.parametrize("network", [*recurrent_networks(dropout=0.2)], ids=describe)
def test_parameters_may_be_plain_dictionaries(network):
    params = random_params(network.shapes)
    plain = {layer: dict(p) for layer, p in params.items()}
    for rng in (None, RandomState(0)):
        copy = None if rng is None else RandomState(0)
        y, back = network.run(params, X, PACKING, rng)
        same, same_back = network.run(plain, X, PACKING, copy)
        assert np.array_equal(y, same)
        grad = params.like()
        plain_grad = {
            name: {k: np.empty_like(a) for k, a in p.items()} for name, p in plain.items()
        }
        assert back(y, grad) is same_back(y, plain_grad) is None
        for name, p in plain_grad.items():
            assert all(np.array_equal(p[k], grad[name][k]) for k in p)


@pytest.mark.parametrize("network", recurrent_networks(), ids=describe)
def test_encode_is_run_without_the_output_layer(network):
    params = random_params(network.shapes)
    y, _ = network.encode(params, X, PACKING)
    expected, _ = network.run(params, X, PACKING)
    output = params["output"]
    np.testing.assert_allclose(y @ output["W"] + output["b"], expected, rtol=1e-12)


@pytest.mark.parametrize("cell", CELLS)
def test_the_cell_is_three_calls_from_run(cell, monkeypatch):
    original, depths = CELLS[cell], []

    def counting(*args, **options):
        frames = [frame.filename for frame in inspect.stack(0) if "_numeric" in frame.filename]
        depths.append(1 + sum("tests" not in name for name in frames))
        return original.run(*args, **options)

    monkeypatch.setitem(CELLS, cell, original._replace(run=counting))
    network = RNN(N_FEATURES, (3, 2), 1, cell)
    network.run(random_params(network.shapes), X, PACKING)
    assert len(depths) == (1 if original.above else 2)
    assert max(depths) <= 3


# --- A backward pass that has run ------------------------------------------------------------

AGAIN = "can be called only once, because it overwrites .* Repeat the forward pass"


@pytest.mark.parametrize("cell", CELLS)
def test_second_backward_pass_of_a_cell(cell):
    p = random_params({"layer": CELLS[cell].shapes(N_FEATURES, 3)})["layer"]
    start = (0,) * CELLS[cell].n_states
    states, back = CELLS[cell].run(p, X, PACKING, start)
    grad = {name: np.empty_like(array) for name, array in p.items()}
    back(np.ones_like(states[0]), grad)
    with pytest.raises(RuntimeError, match=AGAIN):
        back(np.ones_like(states[0]), grad)


@pytest.mark.parametrize("network", recurrent_networks(), ids=describe)
def test_second_backward_pass_of_a_network(network):
    params = random_params(network.shapes)
    y, back = network.run(params, X, PACKING)
    back(np.ones_like(y), params.like())
    with pytest.raises(RuntimeError, match=AGAIN):
        back(np.ones_like(y), params.like())


@pytest.mark.parametrize("cell", CELLS)
def test_truncated_backward_pass_repeats_the_forward_pass(cell):
    p = random_params({"layer": CELLS[cell].shapes(N_FEATURES, 3)})
    states, back = truncated(cell, p["layer"], X, PACKING, (0,) * CELLS[cell].n_states, 2)
    grads = p.like(), p.like()
    (first, _), (second, _) = (back(np.ones_like(states[0]), grad["layer"]) for grad in grads)
    assert np.array_equal(first, second)
    assert np.array_equal(grads[0].flat, grads[1].flat)
    network = RNN(N_FEATURES, (3,), 1, cell, bptt_steps=2)
    y, back = network.run(random_params(network.shapes), X, PACKING)
    for _ in range(2):
        back(y, random_params(network.shapes).like())


@pytest.mark.parametrize("bptt_steps", [None, 2])
@pytest.mark.parametrize("cell", CELLS)
def test_a_backward_pass_replaces_what_the_gradient_held(cell, bptt_steps):
    network = RNN(N_FEATURES, (3, 2), 1, cell, bptt_steps=bptt_steps, bidirectional=True)
    params, gradients = random_params(network.shapes), []
    for before in (0, np.nan):
        y, back = network.run(params, X, PACKING)
        grad = params.like()
        grad.flat[:] = before
        back(np.ones_like(y), grad)
        gradients.append(grad.flat)
    assert np.array_equal(*gradients)


@pytest.mark.parametrize("cell", ["gru", "lstm"])
def test_the_backward_pass_is_split_into_runs_for_the_number_of_units(cell, monkeypatch):
    units, of_packing = [], Packing.runs
    monkeypatch.setattr(
        Packing, "runs", lambda p, n_units: units.append(n_units) or of_packing(p, n_units)
    )
    network = RNN(N_FEATURES, (7, 6), 1, cell)
    y, back = network.run(params := random_params(network.shapes), X, PACKING)
    back(y, params.like())
    assert units == [6, 7]


# --- Facts about cells -----------------------------------------------------------------------


@pytest.mark.parametrize("cell", CELLS)
def test_facts_about_a_cell_agree(cell):
    facts = CELLS[cell]
    assert facts.run is getattr(cells, cell)
    assert sorted(facts.torch_gates) in ([], sorted(facts.gates))  # none if PyTorch lacks the cell
    assert set(facts.initial_bias) <= set(facts.gates)
    assert facts.onnx_operator in (None, cell.upper())
    assert ("b_rec" in facts.shapes(N_FEATURES, 3)) == (facts.recurrent_bias in facts.gates)
    assert ("activation" in inspect.signature(facts.run).parameters) == facts.takes_activation
    assert list(facts.options("relu")) == ["activation"] * facts.takes_activation


@pytest.mark.parametrize(
    ("cell", "expected"), [("rnn", [0]), ("gru", [0, 0, 0]), ("lstm", [0, 0, 1, 0])]
)
def test_initial_bias(cell, expected):
    b = np.full((len(expected), 2), np.nan)
    CELLS[cell].init_bias(b)
    assert b.tolist() == [[value, value] for value in expected]


def test_recurrent_biases():
    b, b_rec = np.ones((3, 2)), np.array([4.0, 5.0])
    assert CELLS["gru"].recurrent_biases({"b": b, "b_rec": b_rec}).tolist() == [
        [0, 0],
        [0, 0],
        [4, 5],
    ]
    assert not CELLS["lstm"].recurrent_biases({"b": np.ones((4, 2))}).any()


# --- States of streams -----------------------------------------------------------------------


def test_states_that_do_not_fit():
    network = RNN(2, (3, 4), 1)
    state = network.initial_state(random_params(network.shapes), 2)
    for other in (replace(network, cell="lstm"), replace(network, hidden_layer_sizes=(3, 3))):
        with pytest.raises(ValueError, match=r"have shapes .*\(2, 3\).* are needed\. Start"):
            other.n_streams(state)
    _, state = network.step(random_params(network.shapes), np.ones((2, 2)), state)
    with pytest.raises(ValueError, match=r"poolings have shapes \[\(2, 4\)\], but \[\(2, 6\)\]"):
        replace(network, pooling="attention").n_streams(state)
