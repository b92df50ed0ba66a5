"""Update rules of first-order optimizers: ``update.step(theta, gradient, rate, state)``.

A step changes `theta` and `state` in place. `theta` and `gradient` are the flat vectors of
`Params`, `rate` is the learning rate. The update rule itself holds hyperparameters only. Its
`state` is a plain dictionary made by ``update.start(theta)``. It can be pickled, so that training
can be resumed. (L-BFGS is in ``training.lbfgs``, as it needs the objective.)
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from skrnn._numeric.types import MapLike

State = dict[str, Any]

# The vectors of a chunk fit into the cache. Below 2^18 numbers, chunks gain nothing. Below 2 MiB,
# the start of a second thread takes longer than its gain.
_CHUNK, _IN_CHUNKS_FROM, _TWO_THREADS_FROM = 2**15, 2**18, 2**21


@dataclass(frozen=True)
class SGDUpdate:
    """Gradient descent with momentum (Polyak, 1964), or Nesterov's momentum (Nesterov, 1983)."""

    momentum: float = 0.9
    nesterov: bool = True

    def start(self, theta: np.ndarray) -> State:
        """Make the state before the first step: a velocity of zero."""
        return {"velocity": np.zeros_like(theta)}

    def step(self, theta: np.ndarray, gradient: np.ndarray, rate: float, state: State) -> None:
        """``v = momentum v - rate g``; add v to theta, or ``momentum v - rate g`` (Nesterov)."""
        velocity = state["velocity"]
        velocity *= self.momentum
        velocity -= rate * gradient
        theta += self.momentum * velocity - rate * gradient if self.nesterov else velocity


@dataclass(frozen=True)
class AdamUpdate:
    """Adaptive moment estimation (Kingma & Ba, 2015), in the form of the end of section 2."""

    beta_1: float = 0.9
    beta_2: float = 0.999
    epsilon: float = 1e-8
    weight_decay: float = 0.0

    def start(self, theta: np.ndarray) -> State:
        """Make the state before the first step: moments of zero.

        They are exponentially weighted sums, not means: each is the moment of the paper divided
        by ``1 - beta``, which saves two passes over the gradient. Therefore, a change of `beta_1`
        or `beta_2` between two calls of ``partial_fit`` also changes the scale of the next steps.
        """
        return {"t": 0, "sum": np.zeros_like(theta), "sum_of_squares": np.zeros_like(theta)}

    def step(self, theta: np.ndarray, gradient: np.ndarray, rate: float, state: State) -> None:
        """``theta -= rate_t m / (sqrt(v) + epsilon)``, bias correction folded into rate_t.

        Before that, ``theta -= rate weight_decay theta`` (Loshchilov & Hutter, 2019).
        """
        if self.weight_decay:
            theta *= 1 - rate * self.weight_decay
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


@dataclass(frozen=True)
class ChunkedUpdate:
    """An update rule for long vectors: applied to one chunk after the other, with the same bits.

    It takes 0.7 to 0.85 of the time, because the vectors of a chunk stay in the cache from one
    operation to the next. `mapped` calls a function as `map` does, perhaps in two threads.
    """

    rule: SGDUpdate | AdamUpdate
    mapped: MapLike = map

    def start(self, theta: np.ndarray) -> State:
        """Make the state before the first step, which is that of the rule."""
        return self.rule.start(theta)

    def step(self, theta: np.ndarray, gradient: np.ndarray, rate: float, state: State) -> None:
        """Do as the rule does."""
        vectors = {name for name, value in state.items() if isinstance(value, np.ndarray)}

        def update(starts: range) -> State:
            for start in starts:
                chunk = slice(start, start + _CHUNK)
                part = {n: value[chunk] if n in vectors else value for n, value in state.items()}
                self.rule.step(theta[chunk], gradient[chunk], rate, part)
            return part

        starts = range(0, theta.size, _CHUNK)
        middle = len(starts) // 2 if theta.nbytes >= _TWO_THREADS_FROM else 0
        halves = [half for half in (starts[:middle], starts[middle:]) if half]
        *_, last = self.mapped(update, halves)
        state.update((name, last[name]) for name in state.keys() - vectors)  # such as the count


Update = SGDUpdate | AdamUpdate | ChunkedUpdate


def chunked(rule: SGDUpdate | AdamUpdate, n: int, mapped: MapLike = map) -> Update:
    """Get the rule for vectors of n numbers: a `ChunkedUpdate` if they are long."""
    return rule if n < _IN_CHUNKS_FROM else ChunkedUpdate(rule, mapped)


@lru_cache(maxsize=16)
def _constants(beta_1: float, beta_2: float, epsilon: float, dtype: np.dtype) -> tuple[Any, ...]:
    """Make arrays of the constants of `AdamUpdate`; Python numbers double the time of a call."""
    scale = (1 - beta_2) ** 0.5
    arrays = (np.array(constant, dtype) for constant in (beta_1, beta_2, epsilon / scale))
    return *arrays, (1 - beta_1) / scale
