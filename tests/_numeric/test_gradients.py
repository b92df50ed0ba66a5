"""Every gradient against a complex step, which is exact to rounding."""

from dataclasses import replace
from functools import partial
from itertools import cycle, product

import numpy as np
import pytest
from numeric_helpers import (
    LENGTHS,
    LOSSES,
    N_FEATURES,
    N_OUTPUTS,
    assert_close,
    complex_step,
    describe,
    networks_with_static,
    one_by_one,
    random_params,
    random_samples,
    recurrent_networks,
    split,
)
from numpy.random import RandomState
from scipy.sparse import csr_array

from skrnn._numeric.activations import ACTIVATIONS
from skrnn._numeric.affine import dense, project
from skrnn._numeric.layers import (
    POOLINGS,
    activate,
    dropout,
    each_step,
    pool_last_of_both,
)
from skrnn._numeric.networks import MLP, RNN
from skrnn._numeric.packing import Packing
from skrnn._numeric.params import Params
from skrnn._numeric.recurrent import CELLS, truncated
from skrnn._numeric.static import initial_if_empty
from skrnn._numeric.training import make_objective

PACKING = Packing(LENGTHS)
UNITS = 3


# --- One layer at a time -------------------------------------------------------------------


def start_of(cell):
    return RandomState(7).normal(size=(CELLS[cell].n_states, len(LENGTHS), UNITS))


def cell_layer(cell, start=None, run=None, **options):
    run = run or CELLS[cell].run
    start = (0,) * CELLS[cell].n_states if start is None else start

    def layer(p, x):
        states, back = run(p, x, PACKING, start, **options)
        return states[0], lambda dh, grad: back(dh, grad)[0]

    return CELLS[cell].shapes(N_FEATURES, UNITS), layer


# Name: shapes of the parameters, and the layer as a function of parameters and input.
LAYERS = {
    "dense": ({"W": (N_FEATURES, UNITS), "b": (UNITS,)}, dense),
    "dense-sparse": (
        {"W": (N_FEATURES, UNITS), "b": (UNITS,)},
        lambda p, x: dense(p, csr_array(x)),
    ),
    "project": ({"W": (4, N_FEATURES, UNITS), "b": (4, UNITS)}, project),
    "project-sparse": (
        {"W": (4, N_FEATURES, UNITS), "b": (4, UNITS)},
        lambda p, x: project(p, csr_array(x)),
    ),
    "dropout": ({}, lambda p, x: dropout(0.4)(p, x, rng=RandomState(0))),
    "dropout-off": ({}, lambda p, x: dropout(0.4)(p, x)),
    **{
        f"activate-{name}": ({}, lambda p, x, name=name: activate(name)(p, x.copy()))
        for name in ACTIVATIONS
    },
    **{
        f"pool-{name}": (
            {"W": (N_FEATURES, 1)} if name == "attention" else {},
            lambda p, x, pool=pool: initial_if_empty(pool)(p, x, PACKING),
        )
        for name, pool in {**POOLINGS, "last-of-both": pool_last_of_both}.items()
    },
    "each-step": ({}, lambda p, x: each_step(p, x, PACKING)),
    "linear": ({"W": (N_FEATURES, UNITS)}, dense),
    "linear-sparse": ({"W": (N_FEATURES, UNITS)}, lambda p, x: dense(p, csr_array(x))),
    **{f"rnn-{name}": cell_layer("rnn", activation=name) for name in ACTIVATIONS},
    **{cell: cell_layer(cell) for cell in CELLS},
    **{f"{cell}-start": cell_layer(cell, start_of(cell)) for cell in CELLS},
}


@pytest.mark.parametrize("name", LAYERS)
def test_layer(name):
    shapes, layer = LAYERS[name]
    params = random_params({"layer": shapes})
    x = RandomState(1).normal(size=(PACKING.n_rows, N_FEATURES))
    y, back = layer(params["layer"], x)
    dy = RandomState(2).normal(size=y.shape)

    def value(flat, x):
        moved = Params(params.shapes, flat.dtype)
        moved.flat[:] = flat
        return (dy * layer(moved["layer"], x)[0]).sum()

    g = params.like()
    assert_close(back(dy, g["layer"]), complex_step(lambda x: value(params.flat, x), x))
    assert_close(g.flat, complex_step(lambda flat: value(flat, x), params.flat))


@pytest.mark.parametrize("reach", [None, 2], ids=["whole", "truncated"])
@pytest.mark.parametrize("cell", CELLS)
def test_initial_states(cell, reach):
    run = CELLS[cell].run if reach is None else partial(truncated, cell, n_steps=reach)
    p = random_params({"layer": CELLS[cell].shapes(N_FEATURES, UNITS)})
    x = RandomState(1).normal(size=(PACKING.n_rows, N_FEATURES))
    (h, *_), back = run(p["layer"], x, PACKING, start_of(cell))
    dy = RandomState(2).normal(size=h.shape)
    if reach is not None:  # later blocks do not depend on it
        dy[PACKING.steps[reach][0].start :] = 0
    _, dstart = back(dy, p.like()["layer"])

    def value(start):
        return (dy * run(p["layer"], x.astype(complex), PACKING, start)[0][0]).sum()

    assert_close(np.array(dstart), complex_step(value, start_of(cell)))
    assert np.any(dstart[0])
    assert not np.any(dstart[0][np.array(LENGTHS)[PACKING.order] == 0])


def test_max_shares_the_gradient_among_ties():
    h = np.array([[1.0, 3.0], [2.0, 3.0], [2.0, 0.0]])
    _, back = POOLINGS["max"]({}, h, Packing([3]))
    assert back(np.array([[6.0, 8.0]])).tolist() == [[0, 4], [3, 4], [3, 0]]


# --- Whole networks ------------------------------------------------------------------------

FEEDFORWARD = [
    (MLP((N_FEATURES, 4, 3, N_OUTPUTS), activation, dropout=rate), loss)
    for activation, loss, rate in product(ACTIVATIONS, LOSSES, (0.0, 0.3))
]
RECURRENT = list(
    zip(
        recurrent_networks(dropout=0.3) + networks_with_static(dropout=0.3),
        cycle(LOSSES),
        strict=False,
    )
)
ELMAN = [
    (RNN(N_FEATURES, (3, 2), N_OUTPUTS, "rnn", activation, pooling=None), loss)
    for activation, loss in zip(ACTIVATIONS, cycle(LOSSES), strict=False)
]
SKIP = [
    (RNN(N_FEATURES, (3, 2), N_OUTPUTS, pooling=pooling, skip=steps, embedding_size=size), loss)
    for (pooling, steps), size, loss in zip(
        [("mean", 1), (None, 1), ("mean", 3)] * 2, [4, 4, 4, None, None, None], LOSSES, strict=False
    )
]
NETWORKS = FEEDFORWARD + RECURRENT + ELMAN + SKIP


class SameDropout:
    """A generator that draws the same numbers in each forward pass of `n_layers` layers."""

    def __init__(self, n_layers):
        self.draws, self.n_layers = 0, n_layers

    def random_sample(self, shape):
        self.draws += 1
        return RandomState(self.draws % self.n_layers).random_sample(shape)


class Forward:
    """A network whose backward pass does nothing: a complex step needs only the value."""

    def __init__(self, network):
        self.network = network

    def run(self, *args):
        scores, _ = self.network.run(*args)
        return scores, lambda dscores, g: None


def same_dropout(network):
    n_layers = len(network.units) - 2 if isinstance(network, MLP) else len(network.layers)
    return SameDropout(n_layers) if network.dropout else None


WEIGHTED = (True, np.asarray)
OTHERS = [(False, np.asarray), (True, csr_array)]
# Weights are a matter of the loss, and the gradients of sparse steps equal those of dense ones by
# test_invariances.py. So the recurrent networks of the fast tests are weighted and dense, and the
# slow tests change both at once.
CASES = [
    *[(network, loss, *WEIGHTED) for network, loss in NETWORKS],
    *[(network, loss, *other) for network, loss in FEEDFORWARD for other in OTHERS],
    *[
        pytest.param(network, loss, False, csr_array, marks=pytest.mark.slow)
        for network, loss in RECURRENT + ELMAN
    ],
]


@pytest.mark.parametrize(("network", "loss", "weighted", "layout"), CASES, ids=describe)
def test_network(network, loss, weighted, layout):
    samples = random_samples(network, loss)
    samples.x[::2, 0] = 0
    if not weighted:
        samples = replace(samples, weight=np.ones_like(samples.weight))
    batch = samples.take(slice(None))
    params, rng = random_params(network.shapes), same_dropout(network)
    moved = Params(params.shapes, complex)

    def objective(network, params):
        of = make_objective(network, params, LOSSES[loss], alpha=0.8, rng=rng)
        return lambda theta, x: of(theta, batch._replace(x=layout(x)))

    value_only = objective(Forward(network), moved)

    def value(theta, x):
        return value_only(theta, x)[0]

    _, gradient = objective(network, params)(params.flat, batch.x)
    assert_close(gradient, complex_step(lambda theta: value(theta, batch.x), params.flat))

    scores, back = network.run(params, layout(batch.x), batch.packing, rng)
    _, dscores = LOSSES[loss](scores, batch.y, batch.weight)
    g = params.like()
    dx = back(dscores, g, want_dx=True)
    assert_close(dx, complex_step(lambda x: value(params.flat, x), batch.x))
    assert all(np.any(block) for layer in g.values() for block in layer.values())


def test_tables_are_complete():
    def seen(table, attribute):
        return {getattr(network, attribute) for network, _ in table}

    assert seen(FEEDFORWARD, "activation") == seen(ELMAN, "activation") == set(ACTIVATIONS)
    assert {loss for _, loss in FEEDFORWARD} == {loss for _, loss in RECURRENT} == set(LOSSES)
    assert seen(RECURRENT, "cell") == set(CELLS)
    assert {name for network, _ in RECURRENT for name in network.poolings} == set(POOLINGS)
    assert any(network.embedding_size for network, _ in RECURRENT)
    assert {f"pool-{name}" for name in POOLINGS} | set(CELLS) <= set(LAYERS)
    assert {f"{layer}-{name}" for layer in ("activate", "rnn") for name in ACTIVATIONS} <= set(
        LAYERS
    )


# --- Truncated backpropagation: states at the start of a block are constants -------------------


@pytest.mark.parametrize("reach", [1, 2, 3, 4, 5, 9])
@pytest.mark.parametrize("cell", CELLS)
def test_truncated(cell, reach):
    start = start_of(cell)
    shapes, layer = cell_layer(cell, start, partial(truncated, cell, n_steps=reach))
    params = random_params({"layer": shapes})
    sequences = RandomState(1).normal(size=(PACKING.n_rows, N_FEATURES))
    starts = start[:, np.argsort(PACKING.order)].swapaxes(0, 1)
    y, back = layer(params["layer"], sequences[PACKING.to_packed])
    dy = RandomState(2).normal(size=y.shape)

    def value(flat, x):
        moved = Params(params.shapes, complex)
        moved.flat[:] = flat
        y = one_by_one(cell, moved["layer"], split(x, LENGTHS), starts, reach)
        return (dy * y[PACKING.to_packed]).sum()

    g = params.like()
    dx = back(dy, g["layer"])[PACKING.to_concatenated]
    assert_close(dx, complex_step(lambda x: value(params.flat, x), sequences))
    assert_close(g.flat, complex_step(lambda flat: value(flat, sequences), params.flat))


@pytest.mark.parametrize("network", recurrent_networks(), ids=describe)
def test_truncation_beyond_the_longest_is_none(network):
    loss, params = ("log_loss", "softmax"), random_params(network.shapes)
    batch = random_samples(network, loss).take(slice(None))

    def gradient(bptt_steps):
        truncated = replace(network, bptt_steps=bptt_steps)
        return make_objective(truncated, params, LOSSES[loss])(params.flat, batch)[1]

    full = gradient(None)
    assert np.array_equal(full, gradient(max(LENGTHS)))
    assert np.array_equal(full, gradient(max(LENGTHS) + 1))
    assert not np.allclose(full, gradient(2))
