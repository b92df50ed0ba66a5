"""Benchmark of one training step of a recurrent layer: forward and backward pass."""

from functools import partial

import numpy as np
from environment import peer
from report import Table
from timing import alternately, ratio_of, time_of

from skrnn._numeric.networks import RNN
from skrnn._numeric.params import Params
from skrnn._numeric.recurrent import CELLS
from skrnn._numeric.training import Ragged, gather, make_objective
from skrnn._training.threads import keep_freed_memory, thread_map

SIZES = [  # batch, steps, features, units
    (32, 20, 12, 16),
    (32, 50, 1, 32),
    (64, 100, 8, 64),
    (128, 100, 32, 128),
    (128, 100, 32, 256),
]
TORCH_TARGETS = {
    "rnn": (5, 4, 2, 1, 0.95),
    "gru": (4, 3, 1.8, 1.1, 1),
    "lstm": (1.5, 1, 0.8, 1, 1),
}
COLUMNS = [
    "cell",
    "batch, steps, features, units",
    *("skrnn", "floor", "PyTorch", "JAX"),
    *("PyTorch / skrnn", "JAX / skrnn", "skrnn / floor"),
]
JAX_TARGET, FLOOR_TARGET, FLOOR_FROM_UNITS = 1, 1.6, 128


def run(quick: bool = False) -> list[Table]:
    """Time every cell with every size."""
    table = Table(
        "One training step of a recurrent layer (float32)",
        COLUMNS,
        note="Forward pass and gradient of all weights. The floor is the time of the matrix "
        "products alone, in NumPy. JAX is compiled beforehand.",
    )
    for cell in TORCH_TARGETS:
        for size, torch_target in zip(SIZES, TORCH_TARGETS[cell], strict=True):
            if quick and size[-1] not in (16, 128):
                continue
            samples = alternately(training_steps(cell, *size), rounds=3 if quick else 15)
            table.add(
                cell,
                ", ".join(map(str, size)),
                *(time_of(samples, name) for name in ("skrnn", "floor", "torch", "jax")),
                ratio_of(samples, "torch", at_least=torch_target),
                ratio_of(samples, "jax", at_least=JAX_TARGET),
                ratio_of(
                    samples,
                    "skrnn",
                    "floor",
                    at_most=FLOOR_TARGET if size[-1] >= FLOOR_FROM_UNITS else None,
                ),
            )
    return [table]


def training_steps(cell, batch, steps, features, units):
    """Return a training step of each library, on the same data."""
    rng = np.random.default_rng(0)
    x = rng.standard_normal((steps, batch, features), dtype=np.float32)
    dh = rng.standard_normal((steps, batch, units), dtype=np.float32) / units
    made = {
        "skrnn": SkrnnStep(cell, x, dh),
        "floor": products(CELLS[cell].n_gates, x, dh),
    }
    if torch := peer("torch"):
        made["torch"] = torch_step(torch, cell, x, dh)
    if jax := peer("jax"):
        made["jax"] = jax_step(jax, cell, x, dh)
    return made


def draw_weights(rng, *shape):
    """Return random weights with the scale of the default initialization."""
    bound = np.float32(shape[-1] ** -0.5)
    return rng.uniform(-bound, bound, shape).astype(np.float32)


class Layer(RNN):
    """A network that consists of one recurrent layer, without an output layer."""

    @property
    def shapes(self):
        """Shapes of the parameters of the recurrent layer."""
        return {"recurrent_0": super().shapes["recurrent_0"]}

    def run(self, params, x, packing, rng=None):
        """Return the hidden states of all steps, in packed order."""
        start = (0,) * CELLS[self.cell].n_states
        states, back_layer = CELLS[self.cell].run(params["recurrent_0"], x, packing, start)

        def back(dh, g):
            back_layer(dh, g["recurrent_0"], want_dx=False)

        return states[0], back


class SkrnnStep:
    """The computation of a training step on a packed batch.

    It is a context manager, because training creates its threads once and not in every step.
    """

    def __init__(self, cell, x, dh):
        (steps, batch, features), units = x.shape, dh.shape[2]
        self.layer = Layer(features, (units,), 0, cell=cell)
        self.params = Params(self.layer.shapes, np.float32)
        size, bound = self.params.flat.size, units**-0.5
        self.params.flat[:] = np.random.default_rng(1).uniform(-bound, bound, size)
        rows, drows = (array.swapaxes(0, 1).reshape(batch * steps, -1) for array in (x, dh))
        weight, lengths = np.ones(batch * steps, np.float32), np.full(batch, steps)
        samples = Ragged(rows, drows, weight, lengths, per_step=True)
        self.batch = gather(samples, slice(None), self.layer)
        keep_freed_memory()

    def __enter__(self):
        self.threads = thread_map()
        self.objective = make_objective(
            self.layer,
            self.params,
            lambda h, dh, weight: (0.0, dh),
            mapped=self.threads.__enter__(),
        )

    def __exit__(self, *exception):
        self.threads.__exit__(*exception)

    def __call__(self):
        self.objective(self.params.flat, self.batch)


def products(n_gates, x, dh):
    """Return a function with only the matrix products of a step, all gates in one matrix."""
    (steps, batch, features), units = x.shape, dh.shape[2]
    rng, columns = np.random.default_rng(1), n_gates * units
    W, U = draw_weights(rng, features, columns), draw_weights(rng, units, columns)
    UT = np.ascontiguousarray(U.T)
    z = np.empty((steps, batch, columns), np.float32)
    a, dh_before = np.empty((batch, columns), np.float32), np.empty((batch, units), np.float32)
    rows = [array.reshape(steps * batch, -1) for array in (x, dh, z)]

    def step():
        np.matmul(rows[0], W, out=rows[2])
        for h in dh:  # in place of the hidden states
            np.matmul(h, U, out=a)
        for dz in z:
            np.matmul(dz, UT, out=dh_before)
        rows[1].T @ rows[2]
        rows[0].T @ rows[2]

    return step


def torch_step(torch, cell, x, dh):
    """Return a step of the recurrent layer of PyTorch, with the batch as second axis."""
    kind = {"rnn": torch.nn.RNN, "gru": torch.nn.GRU, "lstm": torch.nn.LSTM}[cell]
    layer = kind(x.shape[2], dh.shape[2])
    x, dh = torch.from_numpy(x), torch.from_numpy(dh)

    def step():
        layer.zero_grad()
        layer(x)[0].backward(dh)

    return step


def jax_step(jax, cell, x, dh):
    """Return a compiled step of JAX: input projection, then a scan over time."""
    (_, batch, features), units, n_gates = x.shape, dh.shape[2], CELLS[cell].n_gates
    rng = np.random.default_rng(1)
    weights = {
        "W": draw_weights(rng, features, n_gates * units),
        "U": draw_weights(rng, units, n_gates * units),
        "b": np.zeros(n_gates * units, np.float32),
        "b_rec": np.zeros(units, np.float32),
    }
    weights, x, dh = jax.tree.map(jax.numpy.asarray, (weights, x, dh))
    start = (jax.numpy.zeros((batch, units), np.float32),) * CELLS[cell].n_states

    def loss(weights, x, dh):
        scanned = partial(JAX_CELLS[cell], jax, weights)
        return (jax.lax.scan(scanned, start, x @ weights["W"] + weights["b"])[1] * dh).sum()

    gradient = jax.jit(jax.value_and_grad(loss))

    def step():
        jax.block_until_ready(gradient(weights, x, dh))

    return step


def _jax_rnn(jax, weights, states, z):
    h = jax.numpy.tanh(z + states[0] @ weights["U"])
    return (h,), h


def _jax_gru(jax, weights, states, z):
    np_, (h,) = jax.numpy, states
    z_u, z_r, z_n = np_.split(z, 3, axis=1)
    a_u, a_r, a_n = np_.split(h @ weights["U"], 3, axis=1)
    u, r = jax.nn.sigmoid(z_u + a_u), jax.nn.sigmoid(z_r + a_r)
    n = np_.tanh(z_n + r * (a_n + weights["b_rec"]))
    h = n + u * (h - n)
    return (h,), h


def _jax_lstm(jax, weights, states, z):
    np_, (h, c) = jax.numpy, states
    i, o, f, n = np_.split(z + h @ weights["U"], 4, axis=1)
    c = jax.nn.sigmoid(f) * c + jax.nn.sigmoid(i) * np_.tanh(n)
    h = jax.nn.sigmoid(o) * np_.tanh(c)
    return (h, c), h


JAX_CELLS = {"rnn": _jax_rnn, "gru": _jax_gru, "lstm": _jax_lstm}
