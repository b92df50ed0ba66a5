"""From samples to batches, from a network to an objective, and the two ways down.

``objective(theta, batch) -> (value, gradient)`` is all that optimizers, L-BFGS and the gradient
tests ever see.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
from scipy.linalg import norm as nrm2
from scipy.optimize import OptimizeResult, minimize

from skrnn._numeric.losses import Loss
from skrnn._numeric.networks import MLP, RNN
from skrnn._numeric.optimizers import SGD, Adam, State
from skrnn._numeric.packing import Packing, starts_of
from skrnn._numeric.params import Arrays, Params


class Batch(NamedTuple):
    """What a network and a loss read in one step; `weight` sums to one, before to `total`."""

    x: np.ndarray
    y: np.ndarray
    weight: np.ndarray
    total: float
    packing: Packing | None = None


@dataclass(frozen=True)
class Rows:
    """Samples that are rows of x (n_samples, n_features), dense or sparse."""

    x: np.ndarray
    y: np.ndarray
    weight: np.ndarray

    @property
    def n_samples(self) -> int:
        """Number of samples."""
        return self.x.shape[0]

    def take(self, index) -> Batch:
        """Gather some samples."""
        weight = self.weight[index]
        total = float(weight.sum())
        return Batch(self.x[index], self.y[index], weight / total, total)

    def subset(self, index) -> Rows:
        """Keep some samples."""
        return Rows(self.x[index], self.y[index], self.weight[index])


@dataclass(frozen=True)
class Ragged:
    """Samples that are sequences, one after the other in x (n_steps_total, n_features).

    With `per_step`, y and weight have a row for each step instead of one for each sequence.
    """

    x: np.ndarray
    y: np.ndarray
    weight: np.ndarray
    lengths: np.ndarray
    per_step: bool = False

    @property
    def n_samples(self) -> int:
        """Number of sequences."""
        return len(self.lengths)

    @cached_property
    def _starts(self):
        return starts_of(self.lengths)

    def take(self, index) -> Batch:
        """Gather and pack some sequences."""
        chosen = self.subset(index)
        packing = Packing(chosen.lengths)
        total = float(chosen.weight.sum())
        x = chosen.x[packing.to_packed]
        return Batch(x, chosen.y, chosen.weight / total, total, packing)

    def subset(self, index) -> Ragged:
        """Keep some sequences."""
        lengths, starts = self.lengths[index], self._starts[index]
        rows = np.arange(lengths.sum()) + np.repeat(starts - starts_of(lengths), lengths)
        targets = rows if self.per_step else index
        return Ragged(self.x[rows], self.y[targets], self.weight[targets], lengths, self.per_step)


Objective = Callable[[np.ndarray, Batch], tuple[float, np.ndarray]]
OnEpoch = Callable[[float, np.ndarray, np.ndarray], bool]


def make_objective(
    network: MLP | RNN,
    params: Params,
    loss: Loss,
    alpha: float = 0.0,
    rng: np.random.RandomState | None = None,
) -> Objective:
    """Mean loss of a batch plus ``alpha / 2 / total`` times the sum of squared weights.

    The gradient is one vector, written anew by each call. `theta` is usually
    ``params.flat`` itself; another vector is copied into it first.
    """
    g = params.like()

    def objective(theta, batch):
        if theta is not params.flat:
            params.flat[:] = theta
        scores, back = network.run(params, batch.x, batch.packing, rng)
        value, dscores = loss(scores, batch.y, batch.weight)
        back(dscores, g)
        g.weights[:] += alpha / batch.total * params.weights
        return value + l2(params, alpha, batch.total), g.flat

    return objective


def l2(params, alpha, total):
    """Penalty on large weights, ``alpha / 2 / total`` times the sum of their squares."""
    return 0.5 * alpha / total * (params.weights @ params.weights)


def mean_loss(
    network: MLP | RNN, params: Params, samples: Rows | Ragged, loss: Loss
) -> tuple[float, np.ndarray]:
    """Mean loss of all samples, without penalty, and their scores."""
    scores = evaluate(network.run, params, samples.x, getattr(samples, "lengths", None))
    value, _ = loss(scores, samples.y, samples.weight / samples.weight.sum())
    return float(value), scores


def evaluate(
    run: Callable, params: Arrays, x, lengths: np.ndarray | None = None, n_rows: int = 2**14
) -> np.ndarray:
    """Collect outputs of ``run(params, x, packing)``, about `n_rows` rows at a time."""
    if lengths is None:
        starts = range(0, x.shape[0], n_rows)
        return np.concatenate([run(params, x[s : s + n_rows], None)[0] for s in starts])
    pieces = pack_in_pieces(x, lengths, n_rows)
    return np.concatenate([run(params, piece, packing)[0] for piece, packing in pieces])


def pack_in_pieces(
    x: np.ndarray, lengths: np.ndarray, n_rows: int = 2**14
) -> Iterator[tuple[np.ndarray, Packing]]:
    """Pack neighbouring sequences together, up to about `n_rows` steps in each piece."""
    ends = np.cumsum(lengths)
    for group in np.split(np.arange(len(lengths)), np.flatnonzero(np.diff(ends // n_rows)) + 1):
        packing = Packing(lengths[group])
        yield x[packing.to_packed + ends[group[0]] - lengths[group[0]]], packing


def epochs(
    samples: Rows | Ragged, batch_size: int, rng: np.random.RandomState, shuffle: bool = True
) -> Iterator[Iterable[Batch]]:
    """Pass over the samples again and again; each pass is an iterable of batches."""
    n_samples = samples.n_samples
    if batch_size >= n_samples:
        whole = samples.take(slice(None))  # in one batch the order means nothing
        while True:
            yield [whole]
    order = np.arange(n_samples)
    while True:
        if shuffle:
            order = order[rng.permutation(n_samples)]
        starts = range(0, n_samples, batch_size)
        yield (samples.take(order[start : start + batch_size]) for start in starts)


def descend(
    objective: Objective,
    theta: np.ndarray,
    optimizer: SGD | Adam,
    state: State,
    passes: Iterator[Iterable[Batch]],
    rate: Callable[[], float],
    max_norm: float | None,
    on_epoch: OnEpoch,
) -> None:
    """Follow the gradient, in place, until ``on_epoch(loss, before, theta)`` says stop.

    `loss` is the mean over the epoch, each batch seen with the weights of its turn; `before`
    is theta as the epoch began. An epoch ends early when the loss is not finite.
    """
    for batches in passes:
        before, rate_now = theta.copy(), rate()
        loss = total = 0.0
        for batch in batches:
            value, gradient = objective(theta, batch)
            loss += float(value) * batch.total
            total += batch.total
            if not math.isfinite(value):
                break
            optimizer.step(theta, clip(gradient, max_norm), rate_now, state)
        if on_epoch(loss / total, before, theta):
            break


def clip(gradient: np.ndarray, max_norm: float | None) -> np.ndarray:
    """Scale a gradient down to a Euclidean norm of `max_norm` (Pascanu et al., 2013)."""
    if max_norm is not None:
        norm = nrm2(gradient, check_finite=False)  # of the BLAS: its squares cannot overflow
        if norm > max_norm:
            gradient *= max_norm / norm
    return gradient


def lbfgs(
    objective: Objective,
    theta: np.ndarray,
    batch: Batch,
    max_iter: int,
    max_fun: int,
    tol: float,
    on_epoch: OnEpoch,
) -> OptimizeResult:
    """Minimise over one batch by L-BFGS; returns SciPy's result, its `x` also in theta."""

    def on_iteration(intermediate_result):
        x = intermediate_result.x.copy()
        if on_epoch(float(intermediate_result.fun), x, x):
            raise StopIteration

    result = minimize(
        objective,
        theta,
        args=(batch,),
        jac=True,
        method="L-BFGS-B",
        options={"maxiter": max_iter, "maxfun": max_fun, "gtol": tol},
        callback=on_iteration,
    )
    theta[:] = result.x
    return result
