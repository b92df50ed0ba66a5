"""What the tests of the numerical core share: derivatives, networks, batches, textbook cells."""

from itertools import product

import numpy as np
from numpy.random import RandomState
from scipy.special import expit

from skrnn._numeric.activations import ACTIVATIONS
from skrnn._numeric.layers import POOLINGS
from skrnn._numeric.losses import LOSSES
from skrnn._numeric.networks import MLP, RNN
from skrnn._numeric.params import Params
from skrnn._numeric.recurrent import CELLS
from skrnn._numeric.training import Ragged, Rows

LENGTHS = [3, 1, 5, 3, 1, 2]  # ties, ones and repeats, in no order
N_FEATURES, N_OUTPUTS = 2, 3


def complex_step(f, x, step=1e-30):
    """Gradient of f at x as ``Im f(x + i step) / step``: nothing cancels, so it is exact."""
    x, gradient = x.astype(complex), np.empty(x.shape)
    for entry in np.ndindex(x.shape):
        x[entry] += 1j * step
        gradient[entry] = f(x).imag / step
        x[entry] = x[entry].real
    return gradient


def assert_close(actual, desired, tol=1e-12):
    """Compare by the largest error, relative to the largest entry or 1."""
    assert np.shape(actual) == np.shape(desired)
    error = np.max(np.abs(np.subtract(actual, desired)), initial=0.0)
    assert error <= tol * np.max(np.abs(desired), initial=1.0)


def random_params(shapes, seed=0, dtype=np.float64, scale=0.7):
    """Biases too, so that none can be forgotten unseen."""
    params = Params(shapes, dtype)
    params.flat[:] = RandomState(seed).normal(scale=scale, size=params.flat.size)
    return params


def random_samples(network, loss, lengths=LENGTHS, seed=1, dtype=np.float64):
    """Samples that suit a network and the name of a loss, all of unequal weight."""
    rng = RandomState(seed)
    per_step = isinstance(network, RNN) and network.pooling is None
    n_rows = sum(lengths)
    n_targets = n_rows if per_step else len(lengths)
    n_outputs = network.n_outputs if isinstance(network, RNN) else network.units[-1]
    if "softmax" in loss:
        y = rng.randint(n_outputs, size=n_targets)
    else:
        y = rng.random_sample((n_targets, n_outputs)).astype(dtype)
    weight = rng.uniform(0.5, 2, n_targets).astype(dtype)
    if isinstance(network, MLP):
        return Rows(rng.normal(size=(n_targets, network.units[0])).astype(dtype), y, weight)
    x = rng.normal(size=(n_rows, network.n_features)).astype(dtype)
    return Ragged(x, y, weight, np.array(lengths), per_step)


def recurrent_networks(**options):
    """Every cell with every pooling, in one direction and in two, two layers high."""
    return [
        RNN(
            N_FEATURES,
            (3, 2),
            N_OUTPUTS,
            cell,
            bidirectional=bidirectional,
            pooling=pooling,
            **options,
        )
        for cell, pooling, bidirectional in product(CELLS, [*POOLINGS, "attention"], (False, True))
    ]


def describe(value):
    """Name the networks and losses of parametrised tests in a few words."""
    if isinstance(value, MLP):
        return f"mlp-{value.activation}"
    if isinstance(value, RNN):
        words = [value.cell, *["bi"] * value.bidirectional, value.pooling or "each_step"]
        return "-".join(words + [value.activation] * (value.activation != "tanh"))
    if isinstance(value, tuple) and value in LOSSES:
        return "-".join(value)
    return None


def rnn_step(p, x, h, activation="tanh"):
    return (ACTIVATIONS[activation].f(x @ p["W"][0] + p["b"][0] + h @ p["U"][0]),)


def gru_step(p, x, h):
    z_u, z_r, z_n = (x @ W + b for W, b in zip(p["W"], p["b"], strict=True))
    U_u, U_r, U_n = p["U"]
    u = logistic(z_u + h @ U_u)
    r = logistic(z_r + h @ U_r)
    n = np.tanh(z_n + r * (h @ U_n + p["b_rec"]))
    return ((1 - u) * n + u * h,)


def lstm_step(p, x, h, c):
    i, o, f, n = (x @ W + h @ U + b for W, U, b in zip(p["W"], p["U"], p["b"], strict=True))
    c = logistic(f) * c + logistic(i) * np.tanh(n)
    return logistic(o) * np.tanh(c), c


def logistic(x):
    return 1 / (1 + np.exp(-x)) if np.iscomplexobj(x) else expit(x)


STEPS = {"rnn": rnn_step, "gru": gru_step, "lstm": lstm_step}


def one_by_one(cell, p, sequences, starts, reach=None):
    """Run a cell as textbooks do, one sequence and one step at a time.

    Returns the outputs of all steps, sequence after sequence. Every `reach` steps the states
    lose their imaginary part: to a complex step, they are then constants.
    """
    outputs = []
    for sequence, states in zip(sequences, starts, strict=True):
        for t, x in enumerate(sequence):
            if reach and t % reach == 0:
                states = [np.real(state) for state in states]
            states = STEPS[cell](p, x, *states)
            outputs.append(states[0])
    return np.array(outputs)


def split(x, lengths):
    """Cut concatenated rows into sequences."""
    return np.split(x, np.cumsum(lengths)[:-1])
