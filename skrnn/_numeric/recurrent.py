"""The recurrent cells, on packed rows (see ``packing``).

A *cell* is an input projection, computed for all steps at once, and a loop over time. Weights are
``W (n_gates, n_in, n_units)``, ``U (n_gates, n_units, n_units)`` and ``b (n_gates, n_units)``.
Arrays of gates are ``(n_gates, n_rows, n_units)``, contiguous for each gate. The order of the
gates is that of ONNX; `Cell` names them.

The equations are in ``cells``. Each cell is ``states, back = cell(p, x, packing, start)``:

* `x` ``(n_rows, n_in)`` is the input, dense or in CSR format;
* `start` holds the initial state of each kind that the cell has (the LSTM has two): an array
  ``(n_sequences, n_units)``, longest sequence first, or 0;
* `states` holds the states after each step, one array ``(n_rows, n_units)`` of each kind. The
  first is the output of the layer;
* ``dx, dstart = back(dh, grad, want_dx)`` is the backward pass of a layer (see ``layers``), which
  also returns the gradients of the initial states, one array ``(n_sequences, n_units)`` of each
  kind.

To save memory, the gates overwrite the projected input, and their gradients overwrite the gates.
So a backward pass can run only once (see `single_use`). The gradient of a gate is the incoming
gradient times a local derivative. The local derivatives are computed for a run of steps at once,
as many as fit into the cache, and the gradients of the weights after the loop, for all steps. Only
what depends on the following step is computed step by step: `dstate` and `dmemory`
``(n_sequences, n_units)`` hold what it passes to the step before. Of a sequence without the step,
this is 0, and stays so.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from scipy.sparse import issparse

from skrnn._numeric.activations import ACTIVATIONS
from skrnn._numeric.affine import gradient_of_weights, project
from skrnn._numeric.cells import (
    differentiate_gru,
    differentiate_lstm,
    gru_step,
    half_of,
    halves,
    lstm_step,
    views_of_gates,
)
from skrnn._numeric.decay import decay_states, fade, shapes_of_decay
from skrnn._numeric.directions import (
    are_small,
    back_of_each,
    back_of_joint,
    join_inputs,
    split_columns,
)
from skrnn._numeric.packing import take_rows

if TYPE_CHECKING:
    from skrnn._numeric.packing import Packing
    from skrnn._numeric.types import Back, Layer, Matrix, Parameters, States

Start = Sequence[Any]  # an array or 0 of each kind


def single_use(back: Back) -> Back:
    """Make a second call of a backward pass an error.

    The first call overwrites arrays that the forward pass has kept, so that a second one would
    return wrong gradients.
    """
    unused = [back]

    def back_once(dh: np.ndarray, grad: Parameters, want_dx: bool = True) -> Any:
        if not unused:
            raise RuntimeError(
                "The backward pass of a recurrent layer can be called only once, because it "
                "overwrites the arrays kept by the forward pass. Repeat the forward pass first."
            )
        return unused.pop()(dh, grad, want_dx)

    return back_once


def rnn(
    p: Parameters, x: Matrix, packing: Packing, start: Start, activation: str = "tanh"
) -> tuple[States, Back]:
    """Run an Elman network: ``h.t = f(a.t)``."""
    f, derivative = ACTIVATIONS[activation]
    U = p["U"][0]  # (n_units, n_units)
    projected, back_projection = project(p, x)
    states, h = state_rows(packing, start[0], projected)
    for now, before in packing.steps:
        a = np.dot(states[before], U, out=h[now])  # (n_now, n_units)
        a += projected[0, now]
        f(a, out=a)

    @single_use
    def back(dh: np.ndarray, grad: Parameters, want_dx: bool = True) -> tuple[Any, States]:
        dstate = np.zeros_like(states[: packing.n_sequences])
        da = derivative(h)  # (n_rows, n_units), multiplied by dh in the loop
        UT = np.ascontiguousarray(U.T)  # products with a transposed view are slower
        for now, _ in reversed(packing.steps):
            dh_now, da_now = dstate[: now.stop - now.start], da[now]  # (n_now, n_units)
            dh_now += dh[now]
            da_now *= dh_now
            np.dot(da_now, UT, out=dh_now)
        gradient_of_weights(states[packing.before()], da[None], out=grad["U"])
        return back_projection(da[None], grad, want_dx), (dstate,)

    return (h,), back


def gru(p: Parameters, x: Matrix, packing: Packing, start: Start) -> tuple[States, Back]:
    """Run a gated recurrent unit, see `gru_step`. Gates are stored in the order z, r, n.

    If `p` has a ``decay`` (n_rows, n_units), ``h.(t-1)`` is first multiplied by it; see `gru_d`.
    """
    U, half, factors = p["U"], half_of(p["U"].dtype), halves("gru", 3, p["U"].dtype)
    gates, back_projection = project(p, x, factors)  # (3, n_rows, n_units): z, r and q at the end
    U_halved = U * factors
    new = gates[2].copy()  # (n_rows, n_units), overwritten by n
    gates[2] = p["b_rec"]
    states, h = state_rows(packing, start[0], gates)
    decay = p.get("decay")
    decayed = states if decay is None else np.empty_like(states)  # what the gates receive
    for now, before in packing.steps:
        h_before = decayed[before]  # (n_now, n_units)
        if decay is not None:
            np.multiply(states[before], decay[now], out=h_before)
        a = np.matmul(h_before, U_halved)  # (3, n_now, n_units)
        a += gates[:, now].copy()  # adding the strided slice without a copy is slower
        gru_step(views_of_gates("gru", a), new[now], h_before, half, out=h[now])
        gates[:, now] = a

    @single_use
    def back(dh: np.ndarray, grad: Parameters, want_dx: bool = True) -> tuple[Any, States]:
        dstate, total = np.zeros_like(states[: packing.n_sequences]), np.empty_like(h)
        keep = np.empty_like(h)  # z of all steps: the share of dh that h.(t-1) receives directly
        UT = np.ascontiguousarray(U.transpose(0, 2, 1))  # (3, n_units, n_units)
        for run, steps in reversed(packing.runs(U.shape[1])):
            differentiate_gru(gates[:, run], new[run], h[run], keep[run])
            for now, before in reversed(steps):
                dh_before, da = dstate[: now.stop - now.start], gates[:, now]  # of n_now rows
                dh_now = np.add(dh_before, dh[now], out=total[now])
                da *= dh_now
                np.multiply(keep[now], dh_now, out=dh_before)
                dh_before += np.add.reduce(np.matmul(da, UT))
                if decay is not None:
                    np.multiply(states[before], dh_before, out=grad["decay"][now])
                    dh_before *= decay[now]
        gradient_of_weights(decayed[packing.before()], gates, out=grad["U"])
        grad["b_rec"][...] = gates[2].sum(axis=0)
        np.multiply(new, total, out=gates[2])
        return back_projection(gates, grad, want_dx), (dstate,)

    return (h,), back


def gru_d(p: Parameters, x: Matrix, packing: Packing, start: Start) -> tuple[States, Back]:
    """GRU with decay, for missing values (Che et al., 2018).

    `x` holds values, what is missing, and times, as in ``decay``. A `gru` reads what `fade` makes
    of the values. Its previous state ``h.(t-1)`` is first multiplied by
    ``exp(-max(0, elapsed W_h + b_h))``.
    """
    x = x.toarray() if issparse(x) else x  # few times are 0, so there is no use in a sparse x
    inputs, back_inputs = fade(p, x)
    decay, back_decay = decay_states(p, x)
    states, back_states = gru({**p, "decay": decay}, inputs, packing, start)

    def back(dh: np.ndarray, grad: Parameters, want_dx: bool = True) -> tuple[Any, States]:
        ddecay = np.empty_like(decay)
        dinputs, dstart = back_states(dh, {**grad, "decay": ddecay})
        dx = back_inputs(dinputs, grad, want_dx)
        delapsed = back_decay(ddecay, grad, want_dx)
        if want_dx:
            dx[:, -delapsed.shape[1] :] += delapsed
        return dx, dstart

    return states, back


def lstm(p: Parameters, x: Matrix, packing: Packing, start: Start) -> tuple[States, Back]:
    """Run a long short-term memory, see `lstm_step`. Gates are stored in the order i, o, f, g."""
    U, half, factors = p["U"], half_of(p["U"].dtype), halves("lstm", 4, p["U"].dtype)
    gates, back_projection = project(p, x, factors)  # (4, n_rows, n_units): i, o, f, g at the end
    U_halved = U * factors
    states, h = state_rows(packing, start[0], gates)
    memories, c = state_rows(packing, start[1], gates)
    tanh_c = np.empty_like(h)  # (n_rows, n_units)
    for now, before in packing.steps:
        a = np.matmul(states[before], U_halved)  # (4, n_now, n_units)
        a += gates[:, now].copy()  # adding the strided slice without a copy is slower
        lstm_step(views_of_gates("lstm", a), memories[before], half, h[now], c[now], tanh_c[now])
        gates[:, now] = a

    @single_use
    def back(dh: np.ndarray, grad: Parameters, want_dx: bool = True) -> tuple[Any, States]:
        dstate, dmemory = np.zeros((2, packing.n_sequences, h.shape[1]), h.dtype)
        keep = np.empty_like(h)  # f of all steps: the share of dc that c.(t-1) receives
        UT = np.ascontiguousarray(U.transpose(0, 2, 1))  # (4, n_units, n_units)
        for run, steps in reversed(packing.runs(U.shape[1])):
            c_before = memories[packing.before(run)]
            differentiate_lstm(gates[:, run], c_before, h[run], tanh_c[run], keep[run])
            for now, _ in reversed(steps):
                rows, da = slice(now.stop - now.start), gates[:, now]  # (4, n_now, n_units)
                dh_now, dc_now = dstate[rows], dmemory[rows]  # (n_now, n_units)
                dh_now += dh[now]
                dc_now += dh_now * da[1]
                da *= dc_now
                np.multiply(tanh_c[now], dh_now, out=da[1])
                dc_now *= keep[now]
                np.add.reduce(np.matmul(da, UT), out=dh_now)
        gradient_of_weights(states[packing.before()], gates, out=grad["U"])
        return back_projection(gates, grad, want_dx), (dstate, dmemory)

    return (h, c), back


def state_rows(
    packing: Packing, start: Any, projected: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Make the array of states, which begins with the initial ones, and its view after them.

    States are (n_sequences + n_rows, n_units), so that ``states[before]`` also works for the first
    step. The view holds the packed rows (n_rows, n_units).
    """
    shape = packing.n_sequences + packing.n_rows, projected.shape[2]
    states = np.empty(shape, projected.dtype)
    states[: packing.n_sequences] = start
    return states, states[packing.n_sequences :]


class Cell(NamedTuple):
    """All facts about a cell.

    Parameters
    ----------
    run : callable
        The function ``states, back = run(p, x, packing, start)``.

    gates : tuple of str
        Names of the gates in the order in which they are stored.

    n_states : int, default=1
        Number of kinds of states.

    takes_activation : bool, default=False
        Whether `run` has a parameter `activation`.

    recurrent_bias : str, default=None
        Gate that has a second bias ``b_rec`` (n_units,), added to the recurrent product.

    initial_bias : mapping of str to float, default={}
        Initial bias of the gates for which it is not 0.

    torch_gates : tuple of str, default=()
        The gates in the order of PyTorch. Empty if PyTorch lacks the cell.

    onnx_operator : str, default=None
        Name of the operator of ONNX. None if ONNX lacks the cell.

    onnx_attributes : mapping of str to object, default={}
        Attributes of the operator of ONNX.

    decays : bool, default=False
        Whether the input is values, what is missing, and times, with the parameters of ``decay``.

    joins : bool, default=False
        Whether two directions can be computed as one cell, see ``directions``: all parameters are
        those of `shapes`, and a unit affects others only by the product with ``U``.

    above : str, default=None
        Name of the cell of the layers above the first, with the same `n_states`. None means the
        same cell.
    """

    run: Callable[..., tuple[States, Back]]
    gates: tuple[str, ...]
    n_states: int = 1
    takes_activation: bool = False
    recurrent_bias: str | None = None
    initial_bias: Mapping[str, float] = {}
    torch_gates: tuple[str, ...] = ()
    onnx_operator: str | None = None
    onnx_attributes: Mapping[str, Any] = {}
    decays: bool = False
    joins: bool = False
    above: str | None = None

    @property
    def n_gates(self) -> int:
        """Number of gates."""
        return len(self.gates)

    def shapes(self, n_in: int, n_units: int) -> dict[str, tuple[int, ...]]:
        """Shape of each parameter of a layer."""
        n_inputs = n_in - n_in // 3 if self.decays else n_in  # the gates do not receive the times
        shapes: dict[str, tuple[int, ...]] = {
            "W": (self.n_gates, n_inputs, n_units),
            "U": (self.n_gates, n_units, n_units),
            "b": (self.n_gates, n_units),
        }
        if self.recurrent_bias:
            shapes["b_rec"] = (n_units,)
        return shapes | (shapes_of_decay(n_in // 3, n_units) if self.decays else {})

    def options(self, activation: str) -> dict[str, str]:
        """Keyword arguments of `run`."""
        return {"activation": activation} if self.takes_activation else {}

    def recurrent_biases(self, p: Mapping[str, np.ndarray]) -> np.ndarray:
        """Second biases of all gates (n_gates, n_units): `b_rec` for its gate, and 0 for others."""
        biases = np.zeros_like(p["b"])
        if self.recurrent_bias:
            biases[self.gates.index(self.recurrent_bias)] = p["b_rec"]
        return biases

    def init_bias(self, b: np.ndarray) -> None:
        """Set biases to their initial values, in place: b (n_gates, n_units)."""
        b[...] = [[self.initial_bias.get(gate, 0.0)] for gate in self.gates]


CELLS = {
    "rnn": Cell(
        rnn,
        gates=("h",),
        takes_activation=True,
        torch_gates=("h",),
        onnx_operator="RNN",
        joins=True,
    ),
    "gru": Cell(
        gru,
        gates=("z", "r", "n"),
        recurrent_bias="n",
        torch_gates=("r", "z", "n"),
        onnx_operator="GRU",
        onnx_attributes={"linear_before_reset": 1},
        joins=True,
    ),
    "gru_d": Cell(gru_d, gates=("z", "r", "n"), recurrent_bias="n", decays=True, above="gru"),
    "lstm": Cell(
        lstm,
        gates=("i", "o", "f", "g"),
        n_states=2,
        # Remember at first (Gers et al., 2000; Jozefowicz et al., 2015).
        initial_bias={"f": 1.0},
        torch_gates=("i", "f", "g", "o"),
        onnx_operator="LSTM",
        joins=True,
    ),
}


def truncated(
    cell: str,
    p: Parameters,
    x: Matrix,
    packing: Packing,
    start: Start,
    n_steps: int,
    **options: str,
) -> tuple[States, Back]:
    """Run a cell; no gradient passes from one block of `n_steps` steps to another.

    This is truncated backpropagation through time (Williams & Peng, 1990): the initial states of
    a block are constants, except for those of the first. With ``n_steps=1`` every previous state
    is one. The outputs are those of the cell. Only the states of all steps are kept, not the gates:
    `back` repeats the forward pass of one block at a time.
    """
    run, blocks, starts = CELLS[cell].run, packing.blocks(n_steps), []
    h = np.empty((packing.n_rows, p["U"].shape[2]), np.result_type(x.dtype, p["W"].dtype))
    for rows, block in blocks:
        start = [state if np.ndim(state) == 0 else state[: block.n_sequences] for state in start]
        starts.append(start)
        states, _ = run(p, x[rows], block, start, **options)
        h[rows] = states[0]
        start = [state[block.last] for state in states]

    def back(dh: np.ndarray, grad: Parameters, want_dx: bool = True) -> tuple[Any, np.ndarray]:
        dx = np.empty(x.shape, x.dtype) if want_dx else None  # (n_rows, n_in)
        dstart = np.zeros((CELLS[cell].n_states, packing.n_sequences, h.shape[1]), h.dtype)
        of_block = {name: np.empty_like(total) for name, total in grad.items()}
        for total in grad.values():
            total[...] = 0
        for (rows, block), start in zip(blocks, starts, strict=True):
            _, back_block = run(p, x[rows], block, start, **options)
            dx_block, dstart_block = back_block(dh[rows], of_block, want_dx)
            if rows.start == 0:
                dstart[:, : block.n_sequences] = dstart_block
            if dx is not None:
                dx[rows] = dx_block
            for name, total in grad.items():
                total += of_block[name]
        return dx, dstart

    return (h,), back


def recurrent_layer(
    names: Sequence[str],
    cell: str,
    activation: str = "tanh",
    bptt_steps: int | None = None,
    initial: Sequence[str] = (),
) -> Layer:
    """Make a layer of one direction or two: run a cell with the parameters of each name.

    The output is the first state of the cell after each step: h (n_rows, n_units) of each
    direction, side by side. The second direction reads every sequence from its end. `initial`
    holds the name of the initial state of each direction (see ``static``). Without it, the initial
    states are 0.
    """
    run, zeros = CELLS[cell].run, (0,) * CELLS[cell].n_states
    options = CELLS[cell].options(activation)
    if bptt_steps is not None:
        run = partial(truncated, cell, n_steps=bptt_steps)

    def layer(
        params: Parameters, x: Matrix, packing: Packing, rng: Any = None
    ) -> tuple[np.ndarray, Back]:
        ps, orders = [params[name] for name in names], packing.orders(len(names))
        xs = _reorder([x] * len(names), orders)
        starts = [params[n]["state"][:, packing.order] for n in initial] or [zeros] * len(names)
        is_joint = CELLS[cell].joins and are_small(ps, x, packing.n_sequences)
        if is_joint:
            ps, xs, starts = join_inputs(ps, xs, starts)
        hs, backs = [], []
        for p, inputs, start in zip(ps, xs, starts, strict=True):
            (h, *_), back_cell = run(p, inputs, packing, start, **options)
            hs.append(h)
            backs.append(back_cell)
        if is_joint:
            hs, back_all = split_columns(hs[0], len(names)), back_of_joint(backs[0], ps[0])
        else:
            back_all = back_of_each(backs)

        def back(dh: np.ndarray, grad: Parameters, want_dx: bool = True) -> Any:
            dhs = _reorder(split_columns(dh, len(names)), orders)
            dxs, dstarts = back_all(dhs, [grad[name] for name in names], want_dx)
            for name, dstart in zip(initial, dstarts, strict=False):
                grad[name]["state"][:, packing.order] += dstart
            return sum(_reorder(dxs, orders)) if want_dx else None

        outputs = _reorder(hs, orders)
        return outputs[0] if len(outputs) == 1 else np.concatenate(outputs, axis=1), back

    return layer


def _reorder(rows: Sequence[Matrix], orders: Sequence[Any]) -> list[Matrix]:
    """Take the rows of each direction in its order."""
    return [take_rows(of_one, order) for of_one, order in zip(rows, orders, strict=True)]
