"""The recurrent cells, on packed rows (see ``packing``).

A recurrent layer is an input projection, done for all steps at once, and a *cell*, which
walks through time. All arrays of gates are blocks ``(gate, rows, units)``, contiguous in each
gate; weights are ``W (gate, n_in, units)``, ``U (gate, units, units)`` and biases
``b (gate, units)``, with gates in ONNX order. In the equations ``z`` stands for the projected
input ``x W + b``, ``*`` for the elementwise product and ``.t`` for the step.

Each cell is ``states, back = cell(p, z, packing, start)``:

* `z` is the cell's own, to overwrite;
* `start` holds the initial states, one array ``(n_sequences, units)``, longest sequence first,
  or 0, for each kind of state of the cell;
* `states` holds the states after each step, each ``(rows, units)``; the first is the output;
* ``dz = back(dh, g)``, called once, writes the gradient of the recurrent parameters into `g`.

Where there are gates, they take the place of `z`, and their gradients that of the gates. Backwards,
what does not depend on the incoming gradient is computed for a run of steps at once, as many as fit
the cache, and the gradients of the weights in one product at the end, so that the loop over steps
holds only what must be done in order.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from skrnn._numeric.activations import ACTIVATIONS, tanh_to_logistic


def project(p, x):
    """Input projection of every gate and step, ``z = x W + b``: x (rows, n_in).

    The bias is the weight of one more input that is always 1: one product each way serves
    both, which for few inputs takes a fifth of the time of adding and summing apart.
    """
    (n_gates, n_in, n_units), dtype = p["W"].shape, p["W"].dtype
    x_1, W_b = np.empty((len(x), n_in + 1), x.dtype), np.empty((n_gates, n_in + 1, n_units), dtype)
    x_1[:, :-1], x_1[:, -1] = x, 1
    W_b[:, :-1], W_b[:, -1] = p["W"], p["b"]
    z = np.matmul(x_1, W_b)

    def back(dz, g, want_dx=True):
        dW_b = x_1.T @ dz
        g["W"][...], g["b"][...] = dW_b[:, :-1], dW_b[:, -1]
        return (dz @ p["W"].transpose(0, 2, 1)).sum(axis=0) if want_dx else None

    return z, back


def rnn(p, z, packing, start, activation="tanh"):
    """Elman network (Elman, 1990): ``h.t = f(z.t + h.(t-1) U)``."""
    f, derivative = ACTIVATIONS[activation]
    U = p["U"][0]
    states, h = _state_rows(packing, start[0], z)
    for now, before in packing.steps:
        a = np.dot(states[before], U, out=h[now])
        a += z[0, now]
        f(a, out=a)

    def back(dh, g):
        dstates, dh = _gradient_rows(packing, states, dh)
        dz = derivative(h)
        UT = np.ascontiguousarray(U.T)
        for now, before in reversed(packing.steps):
            da = dz[now]
            da *= dh[now]
            dstates[before] += np.dot(da, UT)
        np.dot(states[packing.before()].T, dz, out=g["U"][0])
        return dz[None]

    return (h,), back


def gru(p, z, packing, start):
    """Gated recurrent unit (Cho et al., 2014), reset after the product as in cuDNN.

    ``u = logistic(z_u + h U_u)``, ``r = logistic(z_r + h U_r)``, ``q = h U_n + b_rec``,
    ``n = tanh(z_n + r * q)`` and ``h.t = n + u * (h.(t-1) - n)``, gates in the order u, r, n.
    """
    U, halved, half = p["U"], _halve_logistic_gates(p["U"], z, 2), np.array(0.5, z.dtype)
    states, h = _state_rows(packing, start[0], z)
    b_rec = np.broadcast_to(p["b_rec"], states[: packing.n_sequences].shape).copy()
    new = np.empty_like(h)
    for now, before in packing.steps:
        h_before = states[before]
        a = np.matmul(h_before, halved)
        ur, q = a[:2], a[2]
        ur += z[:2, now].copy()
        tanh_to_logistic(np.tanh(ur, out=ur), half)
        q += b_rec[: len(q)]
        n = np.multiply(ur[1], q, out=new[now])
        n += z[2, now]
        np.tanh(n, out=n)
        h_now = np.subtract(h_before, n, out=h[now])
        h_now *= ur[0]
        h_now += n
        z[:, now] = a
    gates = z  # u, r and q, which have taken its place

    def back(dh, g):
        dstates, dh = _gradient_rows(packing, states, dh)
        carried, UT = np.empty_like(h), np.ascontiguousarray(U.transpose(0, 2, 1))
        for run, steps in reversed(packing.runs(U.shape[1])):
            # What each pre-activation passes on for a unit of dh; that of n takes the place of n.
            (u, r, q), n = gates[:, run], new[run]
            carried[run] = u  # the share of dh that goes to the state before
            np.multiply((states[packing.before(run)] - n) * u, 1 - u, out=u)
            np.multiply(1 - carried[run], 1 - n * n, out=n)
            of_q = n * r
            np.multiply(of_q * q, 1 - r, out=r)
            q[...] = of_q
            for now, before in reversed(steps):
                dh_now, dh_before, da = dh[now], dstates[before], gates[:, now]
                da *= dh_now
                dh_before += carried[now] * dh_now
                dh_before += np.add.reduce(np.matmul(da, UT))
        np.matmul(states[packing.before()].T, gates, out=g["U"])
        g["b_rec"][...] = gates[2].sum(axis=0)
        np.multiply(new, dh, out=gates[2])
        return gates

    return (h,), back


def lstm(p, z, packing, start):
    """Long short-term memory with a forget gate (Gers et al., 2000).

    ``i, o, f = logistic(z + h U)`` of each gate, ``n = tanh(z_n + h U_n)``,
    ``c.t = f * c.(t-1) + i * n`` and ``h.t = o * tanh(c.t)``, gates in the order i, o, f, n.
    """
    U, halved, half = p["U"], _halve_logistic_gates(p["U"], z, 3), np.array(0.5, z.dtype)
    states, h = _state_rows(packing, start[0], z)
    memories, c = _state_rows(packing, start[1], z)
    tanh_c = np.empty_like(h)
    for now, before in packing.steps:
        a = np.matmul(states[before], halved)
        a += z[:, now].copy()
        np.tanh(a, out=a)
        tanh_to_logistic(a[:3], half)
        z[:, now] = a
        i, o, f, n = a
        c_now = np.multiply(f, memories[before], out=c[now])
        c_now += np.multiply(i, n, out=i)
        np.multiply(o, np.tanh(c_now, out=tanh_c[now]), out=h[now])
    gates = z  # which they have taken the place of

    def back(dh, g):
        dstates, dh = _gradient_rows(packing, states, dh)
        dmemories, dc = _gradient_rows(packing, memories, 0)
        forget, local_o, dc_of_dh = np.empty_like(h), np.empty_like(h), tanh_c
        UT = np.ascontiguousarray(U.transpose(0, 2, 1))
        for run, steps in reversed(packing.runs(U.shape[1])):
            # What each pre-activation passes on for a unit of dc, and the output gate of dh.
            (i, o, f, n), t = gates[:, run], tanh_c[run]
            forget[run] = f
            of_i = n * i
            np.multiply(i, 1 - n * n, out=n)
            np.multiply(of_i, 1 - i, out=i)
            np.multiply(memories[packing.before(run)] * f, 1 - f, out=f)
            np.multiply(t * o, 1 - o, out=local_o[run])
            np.multiply(o, 1 - t * t, out=dc_of_dh[run])
            o[...] = 0  # which stands for what dh is about to say
            for now, before in reversed(steps):
                dh_now, dh_before, dc_now, da = dh[now], dstates[before], dc[now], gates[:, now]
                dc_now += dh_now * dc_of_dh[now]
                da *= dc_now
                np.multiply(local_o[now], dh_now, out=da[1])
                np.multiply(dc_now, forget[now], out=dmemories[before])
                dh_before += np.add.reduce(np.matmul(da, UT))
        np.matmul(states[packing.before()].T, gates, out=g["U"])
        return gates

    return (h, c), back


def _state_rows(packing, start, z):
    """Allocate initial states above the packed rows, and name the packed rows apart."""
    states = np.empty((packing.n_sequences + packing.n_rows, z.shape[2]), z.dtype)
    states[: packing.n_sequences] = start
    return states, states[packing.n_sequences :]


def _gradient_rows(packing, states, dh):
    """Gradients laid out as the states are, to which each later step adds its share."""
    dstates = np.zeros_like(states)
    packed = dstates[packing.n_sequences :]
    packed[...] = dh
    return dstates, packed


def _halve_logistic_gates(U, z, n_gates):
    """Fold the halving of ``logistic(x) = (1 + tanh(x / 2)) / 2`` into U, copied, and z, in place.

    Once per batch here instead of once per step, and a single tanh serves all gates.
    """
    z[:n_gates] *= 0.5
    halved = U.copy()
    halved[:n_gates] *= 0.5
    return halved


class Cell(NamedTuple):
    """A cell's function, its number of gates and of kinds of state."""

    run: Callable
    n_gates: int
    n_states: int


CELLS = {"rnn": Cell(rnn, 1, 1), "gru": Cell(gru, 3, 1), "lstm": Cell(lstm, 4, 2)}


def recurrent_shapes(cell: str, n_in: int, n_units: int) -> dict[str, tuple[int, ...]]:
    """Shape of each parameter of a recurrent layer."""
    gates = CELLS[cell].n_gates
    shapes = {"W": (gates, n_in, n_units), "U": (gates, n_units, n_units), "b": (gates, n_units)}
    return shapes | ({"b_rec": (n_units,)} if cell == "gru" else {})


def recurrent(cell, p, x, packing, start, **options):
    """Run a recurrent layer, projection and cell: x (rows, n_in), h (rows, units)."""
    z, back_projection = project(p, x)
    states, back_cell = CELLS[cell].run(p, z, packing, start, **options)

    def back(dh, g, want_dx=True):
        return back_projection(back_cell(dh, g), g, want_dx)

    return states, back


def truncated(cell, p, x, packing, start, n_steps, **options):
    """Run a recurrent layer whose gradient is cut between blocks of `n_steps` steps.

    Truncated backpropagation through time (Williams & Peng, 1990): the states that a block
    begins with are constants. With ``n_steps=1`` the previous state always is one. What `back`
    needs is computed anew for one block at a time, so that only the states of all steps are
    kept, and not the gates; the outputs are those of `recurrent`.
    """
    blocks, starts = packing.blocks(n_steps), []
    h = np.empty((packing.n_rows, p["U"].shape[2]), np.result_type(x, p["W"]))
    for rows, block in blocks:
        start = tuple(
            state if np.ndim(state) == 0 else state[: block.n_sequences] for state in start
        )
        starts.append(start)
        states, _ = recurrent(cell, p, x[rows], block, start, **options)
        h[rows] = states[0]
        start = tuple(state[block.last] for state in states)

    def back(dh, g, want_dx=True):
        dx = np.empty_like(x)
        of_block = {name: np.empty_like(total) for name, total in g.items()}
        for total in g.values():
            total[...] = 0
        for (rows, block), start in zip(blocks, starts, strict=True):
            _, back_block = recurrent(cell, p, x[rows], block, start, **options)
            dx_block = back_block(dh[rows], of_block, want_dx)
            if want_dx:
                dx[rows] = dx_block
            for name, total in g.items():
                total += of_block[name]
        return dx if want_dx else None

    return (h,), back
