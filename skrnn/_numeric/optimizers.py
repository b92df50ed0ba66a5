"""Optimizers.

Those of first order: ``optimizer.step(theta, gradient, rate, state)``, in place.
`theta` and `gradient` are the flat vectors of `Params`; the optimizer itself holds
hyperparameters only. Its `state` is a plain dictionary made by ``optimizer.start(theta)``,
which can be pickled, so that training can go on where it stopped.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

State = dict[str, Any]


@dataclass(frozen=True)
class SGD:
    """Gradient descent with momentum (Polyak, 1964), looking ahead by it (Nesterov, 1983)."""

    momentum: float = 0.9
    nesterov: bool = True

    def start(self, theta: np.ndarray) -> State:
        """Make the state before the first step: a velocity of zero."""
        return {"velocity": np.zeros_like(theta)}

    def step(self, theta: np.ndarray, gradient: np.ndarray, rate: float, state: State) -> None:
        """``v = momentum v - rate g``; theta moves by v, or by the v after next (Nesterov)."""
        velocity = state["velocity"]
        velocity *= self.momentum
        velocity -= rate * gradient
        theta += self.momentum * velocity - rate * gradient if self.nesterov else velocity


@dataclass(frozen=True)
class Adam:
    """Adaptive moment estimation (Kingma & Ba, 2015), in the form of the end of section 2."""

    beta_1: float = 0.9
    beta_2: float = 0.999
    epsilon: float = 1e-8

    def start(self, theta: np.ndarray) -> State:
        """Make the state before the first step: moments of zero.

        They are sums of fading weights, not means: each is the moment of the paper divided by
        ``1 - beta``, which saves two passes over the gradient. So a change of `beta_1` or
        `beta_2` between two calls of ``partial_fit`` changes the scale of the next steps too.
        """
        return {"t": 0, "sum": np.zeros_like(theta), "sum_of_squares": np.zeros_like(theta)}

    def step(self, theta: np.ndarray, gradient: np.ndarray, rate: float, state: State) -> None:
        """``theta -= rate_t m / (sqrt(v) + epsilon)``, bias correction folded into rate_t."""
        state["t"] += 1
        t, m, v = state["t"], state["sum"], state["sum_of_squares"]
        constants = _constants(self.beta_1, self.beta_2, self.epsilon, theta.dtype)
        beta_1, beta_2, epsilon, factor = constants
        m *= beta_1
        m += gradient
        v *= beta_2
        step = gradient * gradient
        v += step
        np.sqrt(v, out=step)
        step += epsilon
        np.divide(m, step, out=step)
        rate *= (1 - self.beta_2**t) ** 0.5 / (1 - self.beta_1**t)
        step *= rate * factor
        theta -= step


@lru_cache(maxsize=16)
def _constants(beta_1, beta_2, epsilon, dtype):
    """Make arrays of what `Adam` multiplies by, as numbers double the time of a small call."""
    scale = (1 - beta_2) ** 0.5
    arrays = (np.array(constant, dtype) for constant in (beta_1, beta_2, epsilon / scale))
    return *arrays, (1 - beta_1) / scale


@dataclass(frozen=True)
class LBFGS:
    """Limited-memory BFGS over the whole data; ``training.lbfgs`` hands the work to SciPy."""

    max_fun: int = 15000
