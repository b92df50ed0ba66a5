"""Layers against textbook formulas, cells and optimizers against PyTorch and scikit-learn."""

from itertools import chain

import numpy as np
import pytest
from numeric_helpers import (
    LENGTHS,
    STEPS,
    assert_close,
    one_by_one,
    random_params,
    rnn_step,
    split,
)
from numpy.random import RandomState
from scipy.special import softmax
from sklearn.neural_network._stochastic_optimizers import AdamOptimizer, SGDOptimizer

from skrnn._numeric.activations import ACTIVATIONS
from skrnn._numeric.layers import POOLINGS, attend, dropout, each_step
from skrnn._numeric.networks import MLP, RNN
from skrnn._numeric.optimizers import AdamUpdate, SGDUpdate
from skrnn._numeric.packing import Packing
from skrnn._numeric.recurrent import CELLS
from skrnn._numeric.static import initial_if_empty

N_FEATURES, UNITS = 3, 3


# --- Textbook loops ------------------------------------------------------------------------


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("started", [False, True], ids=["zeros", "start"])
def test_cell(cell, started):
    packing = Packing(LENGTHS)
    p = random_params({"layer": CELLS[cell].shapes(N_FEATURES, UNITS)})["layer"]
    x = RandomState(1).normal(size=(packing.n_rows, N_FEATURES))
    start = started * RandomState(2).normal(size=(CELLS[cell].n_states, len(LENGTHS), UNITS))
    sorted_start = start[:, packing.order]

    states, _ = CELLS[cell].run(p, x[packing.to_packed], packing, sorted_start)
    expected = one_by_one(cell, p, split(x, LENGTHS), start.swapaxes(0, 1))
    assert_close(states[0][packing.to_concatenated], expected, tol=1e-13)
    assert len(states) == CELLS[cell].n_states


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_elman_activation(activation):
    p = random_params({"layer": CELLS["rnn"].shapes(N_FEATURES, UNITS)})["layer"]
    x = RandomState(1).normal(size=(4, N_FEATURES))
    (states,), _ = CELLS["rnn"].run(p, x, Packing([4]), (0,), activation=activation)
    h = np.zeros(UNITS)
    for x_t, state in zip(x, states, strict=True):
        (h,) = rnn_step(p, x_t, h, activation)
        assert_close(state, h, tol=1e-13)


def test_lstm_returns_its_memory():
    p = random_params({"layer": CELLS["lstm"].shapes(N_FEATURES, UNITS)})["layer"]
    x = RandomState(1).normal(size=(1, N_FEATURES))
    (h, c), _ = CELLS["lstm"].run(p, x, Packing([1]), (0, 0))
    expected = STEPS["lstm"](p, x[0], np.zeros(UNITS), np.zeros(UNITS))
    assert_close([h[0], c[0]], expected, tol=1e-13)


STATES = RandomState(3).normal(size=(sum(LENGTHS), UNITS))


@pytest.mark.parametrize(
    ("pooling", "of_sequence"),
    [
        ("last", lambda h: h[-1:]),
        ("mean", lambda h: h.mean(axis=0, keepdims=True)),
        ("max", lambda h: h.max(axis=0, keepdims=True)),
        (None, lambda h: h),
    ],
)
def test_pooling(pooling, of_sequence):
    packing = Packing(LENGTHS)
    pool = initial_if_empty(POOLINGS[pooling]) if pooling else each_step
    y, _ = pool({}, STATES[packing.to_packed], packing)
    of_empty = np.zeros((1, UNITS)) if pooling else STATES[:0]
    expected = [of_sequence(h) if len(h) else of_empty for h in split(STATES, LENGTHS)]
    assert_close(y, np.concatenate(expected), tol=1e-15)


def test_attention():
    packing, W = Packing(LENGTHS), RandomState(3).normal(size=(STATES.shape[1], 1))
    pool = initial_if_empty(attend)
    y, _ = pool({"W": W}, STATES[packing.to_packed], packing)
    expected = [softmax(h @ W[:, 0]) @ h if len(h) else h.sum(0) for h in split(STATES, LENGTHS)]
    assert_close(y, np.array(expected), tol=1e-14)
    y, _ = pool({"W": 1000 * W}, STATES[packing.to_packed], packing)
    nonempty = [h for h in split(STATES, LENGTHS) if len(h)]
    expected = [h[(h @ W[:, 0]).argmax()] for h in nonempty]
    assert_close(y[np.array(LENGTHS) > 0], expected)


@pytest.mark.parametrize("rate", [0.2, 0.7])
def test_dropout(rate):
    y, _ = dropout(rate)({}, np.full((200, 50), 3.0), rng=RandomState(0))
    assert_close(np.unique(y), [0, 3 / (1 - rate)])
    assert np.mean(y == 0) == pytest.approx(rate, abs=0.02)


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_mlp(activation):
    network = MLP((2, 4, 3, 1), activation)
    params, x = random_params(network.shapes), RandomState(1).normal(size=(5, 2))
    scores, _ = network.run(params, x)
    f = ACTIVATIONS[activation].f
    first, second, output = params.values()
    h = f(f(x @ first["W"] + first["b"]) @ second["W"] + second["b"])
    assert_close(scores, h @ output["W"] + output["b"], tol=1e-13)


# --- PyTorch -------------------------------------------------------------------------------

# Our gates in the order of PyTorch: i, f, g, o from i, o, f, g, and r, z, n from z, r, n.
TORCH_GATES = {"rnn": [0], "gru": [1, 0, 2], "lstm": [0, 2, 3, 1]}


def to_torch(cell, p):
    """Parameters of one layer in PyTorch's layout: W_ih, W_hh, b_ih, b_hh."""
    W, U, b = (p[name][TORCH_GATES[cell]] for name in "WUb")
    b_hh = np.zeros_like(b)
    if cell == "gru":
        b_hh[2] = p["b_rec"]
    return [np.hstack(W).T, np.hstack(U).T, b.ravel(), b_hh.ravel()]


def torch_module(torch, network, params):
    kind = {"rnn": torch.nn.RNN, "gru": torch.nn.GRU, "lstm": torch.nn.LSTM}[network.cell]
    module = kind(
        network.n_features,
        UNITS,
        num_layers=len(network.layers),
        bidirectional=network.bidirectional,
        dtype=torch.float64,
        **({"nonlinearity": network.activation} if network.cell == "rnn" else {}),
    )
    theirs = module.parameters()
    for name in chain(*network.layers):
        for ours in to_torch(network.cell, params[name]):
            next(theirs).data = torch.from_numpy(np.ascontiguousarray(ours))
    assert next(theirs, None) is None
    return module


def assert_same_gradients(network, g, module):
    theirs = iter(module.parameters())
    for name in chain(*network.layers):
        *ours, db_rec = to_torch(network.cell, g[name])
        for gradient in ours:
            assert_close(gradient, next(theirs).grad.numpy())
        db_hh = next(theirs).grad.numpy()
        if (
            network.cell == "gru"
        ):  # the other recurrent biases have the same gradients as the input biases
            assert_close(db_rec[-UNITS:], db_hh[-UNITS:])


@pytest.mark.parametrize("pooling", ["last", None])
@pytest.mark.parametrize("bidirectional", [False, True], ids=["uni", "bi"])
@pytest.mark.parametrize("n_layers", [1, 2])
@pytest.mark.parametrize(
    ("cell", "activation"), [("rnn", "tanh"), ("rnn", "relu"), ("gru", "tanh"), ("lstm", "tanh")]
)
def test_torch(cell, activation, n_layers, bidirectional, pooling):
    torch = pytest.importorskip("torch")
    n_outputs = UNITS * (1 + bidirectional)
    network = RNN(
        N_FEATURES, (UNITS,) * n_layers, n_outputs, cell, activation, bidirectional, pooling
    )
    params = random_params(network.shapes)
    params["output"]["W"][:] = np.eye(n_outputs)  # scores are the states themselves
    params["output"]["b"][:] = 0
    lengths = [length for length in LENGTHS if length]  # PyTorch refuses 0
    packing = Packing(lengths)
    x = RandomState(1).normal(size=(packing.n_rows, N_FEATURES))
    scores, back = network.run(params, x[packing.to_packed], packing)
    dscores, g = RandomState(2).normal(size=scores.shape), params.like()
    dx = back(dscores, g, want_dx=True)[packing.to_concatenated]

    module, x = torch_module(torch, network, params), torch.from_numpy(x).requires_grad_()
    rnn = torch.nn.utils.rnn
    packed = rnn.pack_sequence(torch.split(x, lengths), enforce_sorted=False)
    outputs, final = module(packed)
    if pooling is None:
        expected = torch.cat(rnn.unpack_sequence(outputs))
    else:
        h_n = final[0] if cell == "lstm" else final
        expected = torch.cat(tuple(h_n[-1 - bidirectional :]), dim=1)
    assert_close(scores, expected.detach().numpy())

    expected.backward(torch.from_numpy(dscores))
    assert_close(dx, x.grad.numpy())
    assert_same_gradients(network, g, module)


# --- Optimizers ----------------------------------------------------------------------------

CURVATURE, RATE = np.array([1.0, 5.0, 0.2]), 0.05
SGDS = [SGDUpdate(momentum, nesterov) for momentum in (0, 0.9) for nesterov in (False, True)]


def trajectory(step, n_steps=50):
    """Walk down ``sum(curvature * theta**2) / 2``."""
    theta, path = np.array([3.0, -2.0, 1.0]), []
    for _ in range(n_steps):
        step(theta, CURVATURE * theta)
        path.append(theta.copy())
    return path


def our_trajectory(optimizer):
    state = optimizer.start(np.zeros(3))
    return trajectory(lambda theta, gradient: optimizer.step(theta, gradient, RATE, state))


@pytest.mark.parametrize("optimizer", [*SGDS, AdamUpdate(), AdamUpdate(0.5, 0.8, 1e-3)], ids=repr)
def test_sklearn_optimizer(optimizer):
    kind = SGDOptimizer if isinstance(optimizer, SGDUpdate) else AdamOptimizer
    theirs = []

    def step(theta, gradient):
        if not theirs:
            options = {k: v for k, v in vars(optimizer).items() if k != "weight_decay"}
            theirs.append(kind([theta], RATE, **options))
        theirs[0].update_params([theta], [gradient])

    assert_close(our_trajectory(optimizer), trajectory(step), tol=1e-14)


@pytest.mark.parametrize(
    "optimizer",
    [*SGDS, AdamUpdate(epsilon=1e-20), AdamUpdate(epsilon=1e-20, weight_decay=0.3)],
    ids=repr,
)
def test_torch_optimizer(optimizer):
    torch = pytest.importorskip("torch")
    theta = torch.tensor([3.0, -2.0, 1.0], dtype=torch.float64, requires_grad=True)
    if isinstance(optimizer, SGDUpdate):
        nesterov = optimizer.nesterov and optimizer.momentum > 0  # as PyTorch requires
        theirs = torch.optim.SGD([theta], RATE, optimizer.momentum, nesterov=nesterov)
    else:
        betas = optimizer.beta_1, optimizer.beta_2
        theirs = torch.optim.AdamW([theta], RATE, betas, 1e-20, optimizer.weight_decay)
    for ours in our_trajectory(optimizer):
        theirs.zero_grad()
        (torch.from_numpy(CURVATURE) * theta**2 / 2).sum().backward()
        theirs.step()
        assert_close(ours, theta.detach().numpy())
