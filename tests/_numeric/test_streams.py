"""Networks that take one step after the other: the outputs of the steps so far, and the state."""

import numpy as np
import pytest
from numeric_helpers import assert_close, random_params
from numpy.random import RandomState
from scipy.sparse import csr_array

from skrnn._numeric import networks
from skrnn._numeric.forward import FORWARD
from skrnn._numeric.networks import RNN
from skrnn._numeric.packing import Packing
from skrnn._numeric.recurrent import CELLS

N_STEPS, N_STREAMS, N_FEATURES = 3, 2, 6
STATIC_AT_STEPS = {"n_static": 2, "static_at_steps": True}
NETWORKS = {
    **{cell: RNN(N_FEATURES, (3, 4), 2, cell) for cell in CELLS},
    "relu": RNN(N_FEATURES, (3,), 2, "rnn", "relu"),
    "poolings": RNN(N_FEATURES, (3,), 2, pooling=("last", "mean", "max", "attention")),
    "each step": RNN(N_FEATURES, (3,), 2, pooling=None),
    "embedding": RNN(N_FEATURES, (3,), 2, embedding_size=4),
    "skip": RNN(N_FEATURES, (3,), 2, skip=1),
    "static": RNN(N_FEATURES, (3, 4), 2, "lstm", n_static=2),
    "static at each step": RNN(N_FEATURES, (3,), 2, pooling=None, n_static=2, skip=1),
    **{
        f"static at steps, {cell}": RNN(N_FEATURES, (3, 4), 2, cell, **STATIC_AT_STEPS)
        for cell in CELLS
        if not CELLS[cell].decays
    },
    "static at steps, after an embedding": RNN(
        N_FEATURES, (3,), 2, pooling=None, embedding_size=4, **STATIC_AT_STEPS
    ),
    "linear": RNN(N_FEATURES, (), 2, pooling=None),
    "linear with static": RNN(N_FEATURES, (), 2, pooling=None, n_static=2),
    "linear with embedding": RNN(N_FEATURES, (), 2, pooling=None, embedding_size=4),
    "pooled steps": RNN(N_FEATURES, (), 2, pooling=("mean", "attention")),
    "pooled steps with static": RNN(N_FEATURES, (), 2, pooling="max", n_static=2),
    "pooled embedding": RNN(N_FEATURES, (), 2, pooling="attention", embedding_size=4),
}
SPARSE = [name for name in NETWORKS if not name.startswith("pooled steps")]


def inputs_of(network):
    """Steps of all streams (N_STEPS, N_STREAMS, N_FEATURES), and static features."""
    rng = RandomState(1)
    x = np.abs(rng.normal(size=(N_STEPS, N_STREAMS, N_FEATURES)))  # gru_d reads times
    return x, rng.normal(size=(N_STREAMS, 2)) if network.n_static else None


def outputs_so_far(network, params, x, static):
    """Run the network on the first steps, for all numbers of steps."""
    for t in range(1, len(x) + 1):
        packing = Packing([t] * N_STREAMS, static)
        y, _ = network.run(params, x[:t].reshape(-1, N_FEATURES), packing)
        yield y if network.poolings else y.reshape(N_STREAMS, t, -1)[:, -1]


def stream(network, params, x, static=None, convert=np.asarray):
    """Yield the output and the state after each step."""
    state = network.initial_state(params, N_STREAMS, static)
    for of_step in x:
        y, state = network.step(params, convert(of_step), state)
        yield y, state


@pytest.mark.parametrize(
    ("name", "convert"),
    [*((name, np.asarray) for name in NETWORKS), *((name, csr_array) for name in SPARSE)],
    ids=lambda value: getattr(value, "__name__", value),
)
def test_the_output_is_that_of_the_steps_so_far(name, convert):
    network = NETWORKS[name]
    params, (x, static) = random_params(network.shapes), inputs_of(network)
    expected = outputs_so_far(network, params, x, static)
    steps = enumerate(stream(network, params, x, static, convert), 1)
    for (t, (y, state)), of_network in zip(steps, expected, strict=True):
        assert_close(y, of_network)
        assert state.n_steps == t
        assert network.n_streams(state) == N_STREAMS


@pytest.mark.parametrize("name", ["pooled steps", "pooled steps with static"])
def test_poolings_of_the_steps_themselves_refuse_sparse_steps(name):
    network = NETWORKS[name]
    params, (x, static) = random_params(network.shapes), inputs_of(network)
    with pytest.raises(ValueError, match=r"hidden_layer_sizes=\(\) pools the steps themselves"):
        next(stream(network, params, x, static, csr_array))


def test_a_network_whose_cell_has_no_function_for_streams(monkeypatch):
    """A cell that only has a function for sequences runs it on sequences of one step."""
    network = RNN(N_FEATURES, (3,), 2, "lstm")
    params, (x, _) = random_params(network.shapes), inputs_of(network)
    expected = list(outputs_so_far(network, params, x, None))
    monkeypatch.delitem(FORWARD, "lstm")
    monkeypatch.delattr(networks, "stream_step")
    for (y, _), of_network in zip(stream(network, params, x), expected, strict=True):
        assert_close(y, of_network)


def test_labels_hold_their_probabilities_given_the_steps_so_far():
    """If a label can only stay the same, its score is a sum over the steps."""
    table = np.eye(3, dtype=bool)
    table[2] = table[:, 2] = True  # each label may be the first, and the last
    network = RNN(N_FEATURES, (3,), 2, pooling=None, transitions=True, allowed=table.tobytes())
    params, (x, _) = random_params(network.shapes), inputs_of(network)
    transitions, total = params["transitions"], 0
    for t, (y, state) in enumerate(stream(network, params, x)):
        total = total + y
        score = transitions["start"] + t * np.diag(transitions["W"]) + total
        p = np.exp(score) / np.exp(score).sum(axis=1, keepdims=True)
        assert_close(np.exp(state.labels), p)
        assert network.n_streams(state) == N_STREAMS


# --- States that fit ------------------------------------------------------------------------


@pytest.mark.parametrize("name", NETWORKS)
def test_the_state_before_the_first_step(name):
    network = NETWORKS[name]
    params, (_, static) = random_params(network.shapes), inputs_of(network)
    state = network.initial_state(params, N_STREAMS, static)
    assert (state.n_steps, network.n_streams(state)) == (0, N_STREAMS)
    n_states = CELLS[network.cell].n_states
    sizes = network.hidden_layer_sizes or (0,)
    assert [[a.shape for a in layer] for layer in state.layers] == [
        [(N_STREAMS, size)] * n_states for size in sizes
    ]
    assert state.pooled == (None,) * len(network.poolings)
    assert any(np.any(a) for layer in state.layers for a in layer) == (
        network.n_static > 0 and bool(network.hidden_layer_sizes) and not network.static_at_steps
    )


def change(state, part):
    """Drop the arrays of a part, or give them if they are missing."""
    value = getattr(state, part)
    if part in ("layers", "pooled"):
        return state._replace(**{part: value[:-1] if value else (np.zeros((N_STREAMS, 3)),)})
    return state._replace(**{part: np.zeros((N_STREAMS, 2)) if value is None else None})


# Part of a state, its name in the message, and what the network has.
PARTS = [
    ("layers", "layers", {}),
    ("pooled", "poolings", {}),
    ("pooled", "poolings", {"pooling": "attention"}),
    ("static", "static features", {}),
    ("static", "static features", {"n_static": 2}),
    ("labels", "labels", {}),
    ("labels", "labels", {"transitions": True}),
]


@pytest.mark.parametrize("n_steps", [0, 1])
@pytest.mark.parametrize(("part", "name", "options"), PARTS, ids=str)
def test_the_message_names_the_part_of_a_state_that_does_not_fit(part, name, options, n_steps):
    network = RNN(N_FEATURES, (3,), 2, **{"pooling": None, **options})
    params, (x, static) = random_params(network.shapes), inputs_of(network)
    state = network.initial_state(params, N_STREAMS, static)
    if n_steps:
        _, state = network.step(params, x[0], state)
    with pytest.raises(ValueError, match=f"does not fit this network: its {name} have shapes"):
        network.n_streams(change(state, part))


def test_the_number_of_streams_is_that_of_the_first_array():
    network = RNN(N_FEATURES, (3,), 2, "lstm")
    h, c = np.zeros((N_STREAMS, 3)), np.zeros((N_STREAMS + 1, 3))
    state = network.initial_state(random_params(network.shapes), N_STREAMS)
    with pytest.raises(
        ValueError, match=r"shapes \[\[\(2, 3\), \(3, 3\).*\[\(2, 3\), \(2, 3\).* needed"
    ):
        network.n_streams(state._replace(layers=((h, c),)))
