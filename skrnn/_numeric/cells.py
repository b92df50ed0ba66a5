"""The equations of the cells: a step forwards, and the local derivatives of many steps.

In the equations, ``a = x W + b + h.(t-1) U`` is the pre-activation of a gate, ``*`` is the
elementwise product and ``.t`` marks the step. The Elman network (Elman, 1990) is ``h.t = f(a.t)``,
with `f` and its derivative in ``activations``.

All that runs a cell calls these functions: training, see ``recurrent``, and predictions and
streams, see ``forward``. Arrays of gates are ``(n_gates, ..., n, n_units)``, all others
``(..., n, n_units)``. The gates that are logistic functions come first. A step reads half of their
pre-activation, as ``logistic(a) = (1 + tanh(a / 2)) / 2``. A single call of tanh then serves all
gates. `half` is the number 0.5 as an array, see `half_of`.

A step gets the gates as views, see `views_of_gates`. It writes to the given arrays, or to new ones.
A derivative overwrites the gates. With few sequences, the time of a step is that of the calls of
NumPy, about 0.2 microseconds each, and of what surrounds them. So the functions of NumPy are
imported by name, and get `out` by position.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy import add, multiply, subtract, tanh

from skrnn._numeric.activations import tanh_to_logistic

# Number of logistic gates of each cell.
LOGISTIC_GATES = {"rnn": 0, "gru": 2, "gru_d": 2, "lstm": 3}


def views_of_gates(cell: str, a: np.ndarray) -> tuple[np.ndarray, ...]:
    """View an array of gates: all of them, those that are logistic, and each of them."""
    return a, a[: LOGISTIC_GATES[cell]], *a


def gru_step(
    gates: tuple[np.ndarray, ...],
    n: np.ndarray,
    h: np.ndarray,
    half: np.ndarray,
    out: np.ndarray | None = None,
) -> np.ndarray:
    """Gated recurrent unit (Cho et al., 2014), the variant of cuDNN and PyTorch: returns ``h.t``.

    The update gate is ``z = logistic(a_z)`` and the reset gate ``r = logistic(a_r)``. The reset
    gate is applied after the product ``q = h.(t-1) U_n + b_rec``. The new gate is
    ``n = tanh(x W_n + b_n + r * q)`` and ``h.t = n + z * (h.(t-1) - n)``.

    `gates` hold half of a_z and a_r, and q. They are overwritten by z, r and q. `n` holds
    ``x W_n + b_n``, and is overwritten by n. `h` is ``h.(t-1)``.
    """
    _, zr, z, r, q = gates
    tanh_to_logistic(tanh(zr, zr), half)
    out = multiply(r, q, out)
    add(n, out, n)
    tanh(n, n)
    subtract(h, n, out)
    multiply(out, z, out)
    add(out, n, out)
    return out


def differentiate_gru(gates: np.ndarray, n: np.ndarray, h: np.ndarray, keep: np.ndarray) -> None:
    """Overwrite z, r, q and n by the derivatives of h.t with respect to a_z, a_r, q and a_n.

    `gates` holds z, r and q, and `h` is ``h.t``. Copies z to `keep`.
    """
    z, r, q = gates
    keep[...] = z
    not_z = 1 - z
    np.multiply(h - n, not_z, out=z)  # h - n is z * (h.(t-1) - n)
    np.multiply(1 - n * n, not_z, out=n)
    of_q = n * r
    np.multiply(of_q * q, 1 - r, out=r)
    q[...] = of_q


def lstm_step(
    gates: tuple[np.ndarray, ...],
    c: np.ndarray,
    half: np.ndarray,
    out: np.ndarray | None = None,
    c_out: np.ndarray | None = None,
    tanh_c: np.ndarray | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """Long short-term memory with a forget gate (Gers et al., 2000): returns ``h.t`` and ``c.t``.

    The input, output and forget gates are ``i = logistic(a_i)``, ``o = logistic(a_o)`` and
    ``f = logistic(a_f)``, the new values are ``g = tanh(a_g)``. The memory is
    ``c.t = f * c.(t-1) + i * g`` and the output ``h.t = o * tanh(c.t)``.

    `gates` hold half of a_i, a_o and a_f, and a_g. They are overwritten by i, o, f and g. `c` is
    ``c.(t-1)``. The results are written to `out` and `c_out`, and ``tanh(c.t)`` to `tanh_c`.
    """
    a, iof, i, o, f, g = gates
    tanh(a, a)
    tanh_to_logistic(iof, half)
    tanh_c = multiply(i, g, tanh_c)
    c = multiply(f, c, c_out)
    add(c, tanh_c, c)
    tanh(c, tanh_c)
    return multiply(o, tanh_c, out), c


def differentiate_lstm(
    gates: np.ndarray, c_before: np.ndarray, h: np.ndarray, tanh_c: np.ndarray, keep: np.ndarray
) -> None:
    """Overwrite i, o, f, g and tanh(c.t) by local derivatives, and copy f to `keep`.

    Those of i, f and g are the derivatives of c.t with respect to a_i, a_f and a_g. In the place
    of o is that of h.t with respect to c.t, in the place of tanh(c.t) that with respect to a_o.
    """
    i, o, f, g = gates
    keep[...] = f
    of_i = g * i
    np.subtract(i, of_i * g, out=g)
    np.multiply(of_i, 1 - i, out=i)
    np.multiply(c_before * f, 1 - f, out=f)
    not_o = 1 - o
    np.subtract(o, h * tanh_c, out=o)
    np.multiply(h, not_o, out=tanh_c)


@lru_cache(maxsize=16)
def halves(cell: str, n_gates: int, dtype: np.dtype) -> np.ndarray:
    """Return 0.5 for each logistic gate and 1 for the others: (n_gates, 1, 1).

    By these factors, the input projection and U give half of the pre-activation of logistic gates.
    """
    factors = np.ones((n_gates, 1, 1), dtype)
    factors[: LOGISTIC_GATES[cell]] = half_of(dtype)
    return factors


@lru_cache(maxsize=8)
def half_of(dtype: np.dtype) -> np.ndarray:
    """Return 0.5 as an array: with a Python number, small operations take twice as long."""
    return np.array(0.5, dtype)
