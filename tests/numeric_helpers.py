"""Shared by tests of networks: derivatives, networks, batches, textbook cells, ONNX Runtime."""

from dataclasses import replace
from functools import partial
from itertools import cycle, product

import numpy as np
import pytest
from numpy.random import RandomState
from scipy.special import expit
from sklearn.model_selection import KFold

from skrnn import Sequences
from skrnn._numeric import layers, losses
from skrnn._numeric.activations import ACTIVATIONS
from skrnn._numeric.networks import MLP, RNN
from skrnn._numeric.params import Params
from skrnn._numeric.recurrent import CELLS
from skrnn._numeric.training import Ragged, Rows

# Losses of classes, and of numbers with one output for each target.
LOSSES = {
    **losses.LOSSES,
    **{(name, loss.out_activation): loss.function for name, loss in losses.NUMBER_LOSSES.items()},
    ("huber", "identity"): partial(losses.huber, delta=0.4),
    ("quantile", "ordered"): partial(losses.quantile, quantiles=(0.9,)),
}
POOLINGS = [*layers.POOLINGS, ("last", "mean", "attention", "max"), None]
EMBEDDED_CELLS = [name for name, cell in CELLS.items() if not cell.decays]
LENGTHS = [3, 0, 1, 5, 3, 1, 2, 0]  # ties, ones, zeros and repeats, in no order
N_FEATURES, N_OUTPUTS = 3, 3  # the cell gru_d takes three features for each observed one


def complex_step(f, x, step=1e-30):
    """Gradient of f at x as ``Im f(x + i step) / step``, exact because nothing cancels."""
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


def assert_equal_weights(a, b):
    """Compare the weights of two recurrent estimators, bit by bit."""
    assert a.weights_.keys() == b.weights_.keys()
    for layer, of_layer in a.weights_.items():
        for name, values in of_layer.items():
            np.testing.assert_array_equal(values, b.weights_[layer][name], err_msg=layer)


def assert_gradient_is_exact(gradient, predict, x, tol=1e-6):
    """Compare the gradient of a prediction for a sequence x with central differences."""
    assert gradient.shape == x.shape
    for entry in np.ndindex(gradient.shape):
        moved = [x.copy(), x.copy()]
        moved[0][entry] += 1e-5
        moved[1][entry] -= 1e-5
        plus, minus = predict(moved)
        assert abs((plus - minus) / 2e-5 - gradient[entry]) < tol


def onnx_numbers(estimator, sequences, lengths, n_steps):
    """Run an estimator in ONNX Runtime on sequences padded to n_steps: its output of numbers."""
    pytest.importorskip("skl2onnx")
    runtime = pytest.importorskip("onnxruntime")
    from skrnn.onnx import to_onnx

    model = runtime.InferenceSession(to_onnx(estimator, lengths=lengths).SerializeToString())
    given = Sequences(np.concatenate(sequences), [len(x) for x in sequences])
    feed = {"X": given.to_padded(n_steps).astype(np.float32)}
    if lengths == "input":
        feed["lengths"] = given.lengths
    (numbers,) = [output for output in model.run(None, feed) if output.dtype.kind == "f"]
    return numbers


def random_params(shapes, seed=0, dtype=np.float64, scale=0.7):
    """Draw all parameters, including the biases.

    The biases of decays are small, so that some steps decay and some do not.
    """
    params = Params(shapes, dtype)
    params.flat[:] = RandomState(seed).normal(scale=scale, size=params.flat.size)
    for p in params.values():
        for name in {"b_x", "b_h"} & set(p):
            p[name] /= 10
    return params


def random_samples(network, loss, lengths=LENGTHS, seed=1, dtype=np.float64):
    """Draw samples for a network and a loss, with unequal weights."""
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
    static = rng.normal(size=(len(lengths), network.n_static)).astype(dtype)
    return Ragged(x, y, weight, np.array(lengths), per_step, static if network.n_static else None)


def recurrent_networks(**options):
    """Two recurrent layers of every cell, with every pooling, in one direction and in two.

    At the end, there is one network with an embedding for each cell that may have one.
    """
    variants = [
        {"cell": cell, "pooling": pooling, "bidirectional": bidirectional}
        for cell, pooling, bidirectional in product(CELLS, POOLINGS, (False, True))
    ]
    embedded = [("last", False), (None, False), (("attention", "max"), True)]
    variants += [
        {"cell": cell, "pooling": pooling, "bidirectional": bidirectional, "embedding_size": 4}
        for cell, (pooling, bidirectional) in zip(EMBEDDED_CELLS, cycle(embedded), strict=False)
    ]
    return [RNN(N_FEATURES, (3, 2), N_OUTPUTS, **variant, **options) for variant in variants]


def networks_with_static(**options):
    """Recurrent networks that start from static features, or read them at each step."""
    return [
        replace(network, n_static=2, static_at_steps=at_steps)
        for network, at_steps in product(recurrent_networks(**options), (False, True))
        if network.pooling in ("last", ("last", "mean", "attention", "max"), None)
        and not (at_steps and CELLS[network.cell].decays)
    ]


def describe(value):
    """Make short test ids of networks and losses."""
    if isinstance(value, MLP):
        return f"mlp-{value.activation}"
    if isinstance(value, RNN):
        words = [value.cell, *["bi"] * value.bidirectional, *(value.poolings or ["each_step"])]
        words += ["embedding"] * bool(value.embedding_size) + ["skip"] * value.skip
        words += ["static"] * bool(value.n_static) + ["at_steps"] * value.static_at_steps
        return "-".join(words + [value.activation] * (value.activation != "tanh"))
    if isinstance(value, tuple) and value in LOSSES:
        return "-".join(value)
    return None


def rnn_step(p, x, h, activation="tanh"):
    return (ACTIVATIONS[activation].f(x @ p["W"][0] + p["b"][0] + h @ p["U"][0]),)


def gru_step(p, x, h):
    x_z, x_r, x_n = (x @ W + b for W, b in zip(p["W"], p["b"], strict=True))
    U_z, U_r, U_n = p["U"]
    z = logistic(x_z + h @ U_z)
    r = logistic(x_r + h @ U_r)
    n = np.tanh(x_n + r * (h @ U_n + p["b_rec"]))
    return ((1 - z) * n + z * h,)


def gru_d_step(p, x, h):
    values, missing, elapsed = np.split(x, 3)
    decay_x = np.exp(-np.maximum(0, elapsed * p["W_x"] + p["b_x"]))
    decay_h = np.exp(-np.maximum(0, elapsed @ p["W_h"] + p["b_h"]))
    values = (1 - missing) * values + missing * decay_x * values  # eq. 11 with a mean of 0
    return gru_step(p, np.concatenate([values, missing]), decay_h * h)


def lstm_step(p, x, h, c):
    i, o, f, g = (x @ W + h @ U + b for W, U, b in zip(p["W"], p["U"], p["b"], strict=True))
    c = logistic(f) * c + logistic(i) * np.tanh(g)
    return logistic(o) * np.tanh(c), c


def logistic(x):
    return 1 / (1 + np.exp(-x)) if np.iscomplexobj(x) else expit(x)


def steps_for(rng, n_rows, n_features=N_FEATURES):
    """Draw steps that every cell accepts: values, then indicators, then times."""
    k = n_features // 3
    values, times = rng.normal(size=(n_rows, k)), rng.uniform(0.1, 3, (n_rows, k))
    return np.hstack([values, rng.randint(2, size=(n_rows, k)), times])


STEPS = {"rnn": rnn_step, "gru": gru_step, "gru_d": gru_d_step, "lstm": lstm_step}


def one_by_one(cell, p, sequences, starts, reach=None):
    """Run a cell as in textbooks, one sequence and one step at a time.

    Returns the outputs of all steps, sequence after sequence. Every `reach` steps the imaginary
    part of the states is dropped, so that they are constants for a complex step.
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
    """Split concatenated rows into sequences."""
    return np.split(x, np.cumsum(lengths)[:-1])


def two_forecasts(last, y):
    """Fit a line and the last value to one output, and the share of the second."""

    def fit(last, y):
        slope, intercept = np.polyfit(last, y, 1)
        ratio = np.std(y) / np.std(last)
        stays = np.mean(y) - ratio * np.mean(last)
        return (lambda x: slope * x + intercept), (lambda x: ratio * x + stays)

    moved, missing = np.zeros_like(y), np.zeros_like(y)
    for train, held in KFold(5).split(last):
        returns, stays = fit(last[train], y[train])
        predicted = returns(last[held])
        moved[held], missing[held] = stays(last[held]) - predicted, y[held] - predicted
    best = np.clip(moved @ missing / (moved @ moved), 0, 1)
    return *fit(last, y), (300 * 0.5 + len(y) * best) / (300 + len(y))
