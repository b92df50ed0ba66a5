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
from skrnn._numeric.optimizers import AdamUpdate, SGDUpdate, State
from skrnn._numeric.packing import Packing, starts_of
from skrnn._numeric.params import Arrays, Params


class Batch(NamedTuple):
    """What a network and a loss read in one step.

    `total` is the weight that the batch has on average, ``n_rows`` times the mean weight of all
    rows; `weight` is divided by it. So a batch of heavy rows has a larger gradient, and a weight
    of 2 equals the row twice, in expectation over batches of any size.
    """

    x: np.ndarray
    y: np.ndarray
    weight: np.ndarray
    total: float
    packing: Packing | None = None

    @property
    def parts(self) -> tuple[Batch, ...]:
        """The parts whose gradients are computed one by one."""
        return (self,)


class Halves(NamedTuple):
    """A batch of sequences in two halves of about equal work, for a thread each."""

    parts: tuple[Batch, Batch]

    @property
    def total(self) -> float:
        """Sum of the weights of both."""
        return self.parts[0].total + self.parts[1].total


class Samples:
    """Samples, their targets and weights; the part that `Rows` and `Ragged` share.

    With `unit_weight`, weights are relative to it instead of to their mean.
    """

    weight: np.ndarray
    unit_weight: float | None

    @cached_property
    def _sum_of_weights(self):
        return float(self.weight.sum())

    def total(self, n_rows: int) -> float:
        """Weight that so many rows have on average."""
        if self.unit_weight is not None:
            return self.unit_weight * n_rows
        if n_rows == len(self.weight):
            return self._sum_of_weights  # not rounded again
        return self._sum_of_weights * n_rows / len(self.weight)


@dataclass(frozen=True)
class Rows(Samples):
    """Samples that are rows of x (n_samples, n_features), dense or sparse."""

    x: np.ndarray
    y: np.ndarray
    weight: np.ndarray
    unit_weight: float | None = None

    @property
    def n_samples(self) -> int:
        """Number of samples."""
        return self.x.shape[0]

    def take(self, index) -> Batch:
        """Gather some samples."""
        y, weight = self.y[index], self.weight[index]
        total = self.total(len(y))
        return Batch(self.x[index], y, weight / total, total)

    def subset(self, index) -> Rows:
        """Select some samples."""
        return Rows(self.x[index], self.y[index], self.weight[index], self.unit_weight)


@dataclass(frozen=True)
class Ragged(Samples):
    """Samples that are sequences, one after the other in x (n_steps_total, n_features).

    With `per_step`, y and weight have a row for each step instead of one for each sequence.
    """

    x: np.ndarray
    y: np.ndarray
    weight: np.ndarray
    lengths: np.ndarray
    per_step: bool = False
    unit_weight: float | None = None

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
        total = self.total(len(chosen.y))
        x = chosen.x[packing.to_packed]
        return Batch(x, chosen.y, chosen.weight / total, total, packing)

    def halves(self, index) -> Halves:
        """Gather and pack some sequences, every second of them by length in one half."""
        index = np.arange(self.n_samples)[index]
        longest_first = index[np.argsort(-self.lengths[index], kind="stable")]
        return Halves((self.take(longest_first[::2]), self.take(longest_first[1::2])))

    def subset(self, index) -> Ragged:
        """Select some sequences."""
        lengths, starts = self.lengths[index], self._starts[index]
        rows = np.arange(lengths.sum()) + np.repeat(starts - starts_of(lengths), lengths)
        targets = rows if self.per_step else index
        y, weight = self.y[targets], self.weight[targets]
        return Ragged(self.x[rows], y, weight, lengths, self.per_step, self.unit_weight)


# Rows that a thread works on at a time in predictions, which bounds their memory.
PIECE = 2**14

# Multiplications in a layer at a step, from which on half of them keep a thread busy between
# one call of NumPy and the next. With 128 sequences and units, an Elman network has as many, and
# gains a factor of 1.7; with 64 of each, a GRU has a third of it and would lose a fifth.
_HALVES_FROM = 2**21

Objective = Callable[[np.ndarray, Batch | Halves], tuple[float, np.ndarray]]
OnEpoch = Callable[[float], bool]


def gather(samples: Rows | Ragged, index, network: MLP | RNN | None = None) -> Batch | Halves:
    """Take a batch; in halves where the work is enough for two threads.

    That is decided by sizes alone, and not by the threads there are: the halves add up to the
    same bits whether they are computed side by side or one after the other.
    """
    if isinstance(network, RNN) and isinstance(samples, Ragged):
        lengths = samples.lengths[index]
        if len(lengths) > 1 and network.work(lengths.sum() / lengths.max()) >= _HALVES_FROM:
            return samples.halves(index)
    return samples.take(index)


def make_objective(
    network: MLP | RNN,
    params: Params,
    loss: Loss,
    alpha: float = 0.0,
    rng: np.random.RandomState | None = None,
    mapped: Callable = map,
) -> Objective:
    """Mean loss of a batch plus ``alpha / 2 / total`` times the sum of squared weights.

    The gradient is one vector, written anew by each call. `theta` is usually
    ``params.flat`` itself; another vector is copied into it first. `mapped` computes the parts
    of a batch as `map` does, perhaps side by side.
    """
    g, of_half = params.like(), params.like()

    def part_of(part, rng, g):
        scores, back = network.run(params, part.x, part.packing, rng)
        value, dscores = loss(scores, part.y, part.weight)
        back(dscores, g)
        return value

    def objective(theta, batch):
        if theta is not params.flat:
            params.flat[:] = theta
        parts = batch.parts
        if len(parts) == 1:
            value = part_of(parts[0], rng, g)
        else:
            values = tuple(mapped(part_of, parts, _spawn(rng), (g, of_half)))
            shares = [part.total / batch.total for part in parts]
            value = shares[0] * values[0] + shares[1] * values[1]
            g.flat[:] = shares[0] * g.flat + shares[1] * of_half.flat
        penalty, decay = l2(params, alpha, batch.total)
        g.weights += decay
        return value + penalty, g.flat

    return objective


def _spawn(rng):
    """Make a generator for each of two threads, who could not take turns in order."""
    if rng is None:
        return None, None
    return tuple(np.random.RandomState(seed) for seed in rng.randint(2**31 - 1, size=2))


def l2(params, alpha, total):
    """Penalty on large weights, ``alpha / 2 / total`` times their squares, and its gradient."""
    decay = alpha / total * params.weights
    return 0.5 * decay.dot(params.weights), decay


def mean_loss(
    network: MLP | RNN, params: Params, samples: Rows | Ragged, loss: Loss
) -> tuple[float, np.ndarray]:
    """Mean loss of all samples, without penalty, and their scores."""
    scores = evaluate(network.run, params, samples.x, getattr(samples, "lengths", None))
    value, _ = loss(scores, samples.y, samples.weight / samples.weight.sum())
    return float(value), scores


def evaluate(
    run: Callable,
    params: Arrays,
    x,
    lengths: np.ndarray | None = None,
    n_rows: int = PIECE,
    mapped: Callable = map,
) -> np.ndarray:
    """Collect outputs of ``run(params, x, packing)``, about `n_rows` rows at a time."""
    if lengths is None:
        starts = range(0, x.shape[0], n_rows)
        return np.concatenate([run(params, x[s : s + n_rows], None)[0] for s in starts])
    outputs = mapped(lambda piece: run(params, *piece.pack(x))[0], pieces(lengths, n_rows))
    return np.concatenate(list(outputs))


class Piece(NamedTuple):
    """Some neighbouring sequences, from this row of all steps on."""

    first_row: int
    lengths: np.ndarray

    def pack(self, x: np.ndarray) -> tuple[np.ndarray, Packing]:
        """Pack the sequences of the piece."""
        packing = Packing(self.lengths)
        return x[packing.to_packed + self.first_row], packing


def pieces(lengths: np.ndarray, n_rows: int = PIECE) -> list[Piece]:
    """Cut sequences into pieces of about `n_rows` steps, one sequence at least in each."""
    ends = np.cumsum(lengths)
    cuts = np.flatnonzero(np.diff(ends // n_rows)) + 1
    first_rows = ends[[0, *cuts]] - lengths[[0, *cuts]]
    return [Piece(*of) for of in zip(first_rows, np.split(lengths, cuts), strict=True)]


def epochs(
    samples: Rows | Ragged,
    batch_size: int,
    rng: np.random.RandomState,
    shuffle: bool = True,
    network: MLP | RNN | None = None,
    order: np.ndarray | None = None,
) -> Iterator[Iterable[Batch | Halves]]:
    """Pass over the samples again and again; each pass is an iterable of batches for a network.

    Each pass permutes `order` (n_samples,) once more, in place: who holds it can go on from there.
    """
    n_samples = samples.n_samples
    if batch_size >= n_samples:
        whole = gather(samples, slice(None), network)  # in one batch the order means nothing
        while True:
            yield [whole]
    order = np.arange(n_samples) if order is None else order
    while True:
        if shuffle:
            order[:] = order[rng.permutation(n_samples)]
        starts = range(0, n_samples, batch_size)
        yield (gather(samples, order[start : start + batch_size], network) for start in starts)


def descend(
    objective: Objective,
    theta: np.ndarray,
    optimizer: SGDUpdate | AdamUpdate,
    state: State,
    passes: Iterator[Iterable[Batch | Halves]],
    learning_rate: Callable[[], float],
    max_norm: float | None,
    on_epoch: OnEpoch,
) -> None:
    """Follow the gradient, in place, until ``on_epoch(loss)`` returns True.

    `loss` is the mean over the batches of an epoch, each computed before the step on it. An
    epoch ends early when the loss is not finite. The state of the optimizer is then reset, and
    `on_epoch` may set theta to better weights.
    """
    for batches in passes:
        rate, loss, total = learning_rate(), 0.0, 0.0
        for batch in batches:
            value, gradient = objective(theta, batch)
            loss += float(value) * batch.total
            total += batch.total
            if not math.isfinite(value):
                break
            optimizer.step(theta, clip(gradient, max_norm), rate, state)
        if not math.isfinite(loss):
            state.update(optimizer.start(theta))
        if on_epoch(loss / total):
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
    batch: Batch | Halves,
    max_iter: int,
    max_fun: int,
    tol: float,
    on_epoch: OnEpoch,
) -> OptimizeResult:
    """Minimize over one batch by L-BFGS, in place, until ``on_epoch(loss)`` returns True.

    During `on_epoch`, theta holds the weights after the iteration. Returns the result of SciPy.
    """

    def on_iteration(intermediate_result):
        theta[:] = intermediate_result.x
        if on_epoch(float(intermediate_result.fun)):
            raise StopIteration

    result = minimize(
        objective,
        theta.copy(),
        args=(batch,),
        jac=True,
        method="L-BFGS-B",
        options={"maxiter": max_iter, "maxfun": max_fun, "gtol": tol},
        callback=on_iteration,
    )
    theta[:] = result.x
    return result
