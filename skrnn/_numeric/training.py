"""From samples to batches, from a network to an objective, and the two ways down.

``objective(theta, batch) -> (value, gradient)`` is all that optimizers, L-BFGS and the gradient
tests ever see.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from itertools import pairwise
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

import numpy as np
from scipy.linalg import norm as nrm2
from scipy.optimize import minimize
from scipy.sparse import issparse

from skrnn._numeric.networks import RNN
from skrnn._numeric.packing import Packing, starts_of, take_rows
from skrnn._numeric.params import Params
from skrnn._numeric.pieces import PIECE, SIZE, evaluate, pieces, split

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from numpy.random import RandomState

    from skrnn._numeric.losses import Loss
    from skrnn._numeric.networks import Network
    from skrnn._numeric.optimizers import State, Update
    from skrnn._numeric.pieces import Piece
    from skrnn._numeric.types import MapLike

    Index = np.ndarray | slice


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


class Shared(NamedTuple):
    """A batch in parts of about equal work, for a thread each."""

    parts: tuple[Batch, ...]
    total: float


class Parts(NamedTuple):
    """A batch in parts that are computed one after the other, which bounds the memory."""

    parts: tuple[Batch | Shared, ...]
    total: float


AnyBatch = Batch | Shared | Parts
Objective = Callable[[np.ndarray, AnyBatch], tuple[float, np.ndarray]]


@dataclass(frozen=True)
class Samples:
    """Samples, their targets and weights; the part that `Rows` and `Ragged` share.

    With `unit_weight`, weights are relative to it instead of to their mean.
    """

    x: np.ndarray
    y: np.ndarray
    weight: np.ndarray
    unit_weight: float | None = field(default=None, kw_only=True)

    @cached_property
    def _sum_of_weights(self) -> float:
        return float(self.weight.sum())

    def total(self, n_rows: int) -> float:
        """Weight that this number of rows has on average."""
        if self.unit_weight is not None:
            return self.unit_weight * n_rows
        if n_rows == len(self.weight):
            return self._sum_of_weights  # not rounded again
        return self._sum_of_weights * n_rows / len(self.weight)


@dataclass(frozen=True)
class Rows(Samples):
    """Samples that are rows of x (n_samples, n_features), dense or sparse."""

    # Multiplications in a layer, from which on two threads gain more than their start costs: with
    # 2^24 they lost a sixth, with 2^26 they gained a fifth (two cores).
    two_parts_from: ClassVar[int] = 2**25

    per_step: ClassVar[bool] = False

    @property
    def n_samples(self) -> int:
        """Number of samples."""
        n_samples: int = self.x.shape[0]
        return n_samples

    def n_outputs(self, index: Index) -> np.ndarray:
        """Count the outputs of some samples: one each."""
        return np.ones_like(self.weight[index], int)

    def pieces(self, width: int, size: int = PIECE) -> list[Piece]:
        """Group the samples into pieces; see `pieces`."""
        return pieces(self.n_samples, width=width, size=size)

    def take(self, index: Index) -> Batch:
        """Gather some samples."""
        y, weight = self.y[index], self.weight[index]
        total = self.total(len(y))
        return Batch(self.x[index], y, weight / total, total)

    def share(self, index: Index, n_parts: int) -> Shared:
        """Gather some samples in parts, which are consecutive rows of the batch."""
        x, y, weight, total, _ = self.take(index)
        ends = [len(y) * i // n_parts for i in range(n_parts + 1)]
        parts = [Batch(x[i:j], y[i:j], weight[i:j], total) for i, j in pairwise(ends)]
        return Shared(tuple(parts), total)

    def work(self, index: Index, network: Network) -> tuple[int, float]:
        """Count the rows of a batch, and the multiplications of a network's largest layer.

        Those in double precision take twice the time, and count twice.
        """
        n_rows = len(self.weight[index])
        n_inputs = self.x.nnz / self.n_samples if issparse(self.x) else self.x.shape[1]  # type: ignore
        return n_rows, n_rows * network.work(n_inputs) * self.x.dtype.itemsize / 4

    def subset(self, index: Index) -> Rows:
        """Select some samples."""
        x, y, weight = self.x[index], self.y[index], self.weight[index]
        return Rows(x, y, weight, unit_weight=self.unit_weight)


@dataclass(frozen=True)
class Ragged(Samples):
    """Samples that are sequences, one after the other in x (n_steps_total, n_features).

    x is dense or in CSR format. Lengths may be 0. With `per_step`, y and weight have a row for each
    step instead of one for each sequence. `static` (n_sequences, n_static) holds static features.
    """

    # Multiplications in a layer at a step, from which on half of them keep a thread busy between
    # one call of NumPy and the next. On sequences of 100 steps, an Elman network and a GRU with
    # 2^21 and 2^22.6 gain a factor of 1.8; on 20 steps, the start of the threads takes the gain.
    two_parts_from: ClassVar[int] = 2**21

    lengths: np.ndarray
    per_step: bool = False
    static: np.ndarray | None = None

    @property
    def n_samples(self) -> int:
        """Number of sequences."""
        return len(self.lengths)

    def n_outputs(self, index: Index) -> np.ndarray:
        """Count the outputs of some sequences: one each, or one for each step."""
        lengths = self.lengths[index]
        return lengths if self.per_step else np.ones_like(lengths)

    def pieces(self, width: int, size: int = PIECE) -> list[Piece]:
        """Group the sequences into pieces; see `pieces`."""
        n_rows, per_step = self.x.shape[0], self.per_step
        of_all = n_rows, self.lengths, self.static
        return pieces(*of_all, per_step=per_step, width=width, size=size)

    @cached_property
    def _starts(self) -> np.ndarray:
        return starts_of(self.lengths)

    def take(self, index: Index) -> Batch:
        """Gather and pack some sequences."""
        chosen = self.subset(index)
        packing = Packing(chosen.lengths, chosen.static)
        total = self.total(len(chosen.y))
        x = take_rows(chosen.x, packing.to_packed)
        return Batch(x, chosen.y, chosen.weight / total, total, packing)

    def share(self, index: Index, n_parts: int) -> Shared:
        """Gather and pack some sequences in parts, whose sequences have about the same lengths."""
        index = np.arange(self.n_samples)[index]
        longest_first = index[np.argsort(-self.lengths[index], kind="stable")]
        parts = tuple(self.take(longest_first[i::n_parts]) for i in range(n_parts))
        return Shared(parts, sum(part.total for part in parts))

    def work(self, index: Index, network: Network) -> tuple[int, float]:
        """Count the sequences of a batch, and the multiplications of a layer at a step."""
        lengths = self.lengths[index]
        n_sequences = lengths.sum() / max(lengths.max(), 1)  # at a step, on average
        return len(lengths), network.work(n_sequences)

    def subset(self, index: Index) -> Ragged:
        """Select some sequences."""
        lengths, starts = self.lengths[index], self._starts[index]
        rows = np.arange(lengths.sum()) + np.repeat(starts - starts_of(lengths), lengths)
        targets = rows if self.per_step else index
        x, y, weight = take_rows(self.x, rows), self.y[targets], self.weight[targets]
        static = None if self.static is None else self.static[index]
        parts = lengths, self.per_step, static
        return Ragged(x, y, weight, *parts, unit_weight=self.unit_weight)


# More parts than two have at least so many multiplications, and so many sequences or rows. So on
# two cores they take little longer than two parts.
_PART_FROM, _ROWS_FROM = 2**23, 64

MOST_PARTS = 16  # each has a gradient of its own, and they are added up in one thread


def n_parts(n_rows: int, work: float, two_from: int) -> int:
    """Choose the number of parts of a batch, a power of two; 1 for less work than `two_from`."""
    if n_rows < 2 or work < two_from:
        return 1
    n = 2
    while n < MOST_PARTS and work >= 2 * n * _PART_FROM and n_rows >= 2 * n * _ROWS_FROM:
        n *= 2
    return n


def gather(samples: Rows | Ragged, index: Index, network: Network | None = None) -> AnyBatch:
    """Take a batch; in parts if it has many outputs, or enough work for several threads.

    That is decided by sizes alone, and not by the number of threads: the parts add up to the same
    bits whether they are computed at the same time or one after the other.
    """
    if network is None or samples.x.shape[0] * network.n_outputs <= SIZE:
        return _gather_at_once(samples, index, network)
    sizes = samples.n_outputs(index)
    if len(sizes) < 2 or int(sizes.sum()) * network.n_outputs <= SIZE:
        return _gather_at_once(samples, index, network)
    groups = np.split(np.arange(samples.n_samples)[index], split(sizes, network.n_outputs))
    parts = tuple(_gather_at_once(samples, group, network) for group in groups)
    return Parts(parts, sum(part.total for part in parts))


def _gather_at_once(
    samples: Rows | Ragged, index: Index, network: Network | None
) -> Batch | Shared:
    n = 1
    if network is not None:
        n = n_parts(*samples.work(index, network), samples.two_parts_from)
    return samples.take(index) if n == 1 else samples.share(index, n)


def make_objective(
    network: Network,
    params: Params,
    loss: Loss,
    alpha: float = 0.0,
    rng: RandomState | None = None,
    mapped: MapLike = map,
) -> Objective:
    """Mean loss of a batch plus ``alpha / 2 / total`` times the sum of squared weights.

    The gradient is one vector, which each call overwrites. `theta` is usually ``params.flat``
    itself; another vector is copied into it first. Dropout draws from `rng`. `mapped` computes the
    parts of a batch as `map` does, perhaps at the same time.
    """
    g, of_parts = params.like(), list[Params]()

    def value_of(batch: Batch, rng: RandomState | None, g: Params) -> float:
        raw_prediction, back = network.run(params, batch.x, batch.packing, rng)
        value, gradient = loss(raw_prediction, batch.y, batch.weight)
        back(gradient, g)
        return value

    def share_of(part: Batch, total: float, rng: RandomState | None, g: Params) -> float:
        value, share = value_of(part, rng, g), part.total / total
        if share != 1:
            g.flat *= share
        return share * value

    def value_of_parts(batch: Shared) -> float:
        n = len(batch.parts)
        of_parts.extend(params.like() for _ in range(n - 1 - len(of_parts)))
        each = batch.parts, [batch.total] * n, _spawn(network, rng, n), [g, *of_parts[: n - 1]]
        value: float
        value, *others = mapped(share_of, *each)
        for of_part, other in zip(others, of_parts, strict=False):  # always in this order
            value += of_part
            np.add(g.flat, other.flat, out=g.flat)
        return value

    def mean_of(batch: Shared | Parts) -> float:
        if isinstance(batch, Shared):
            return value_of_parts(batch)
        value, gradient = 0.0, np.zeros_like(g.flat)
        for part in batch.parts:
            share = part.total / batch.total
            of_part = value_of(part, rng, g) if isinstance(part, Batch) else mean_of(part)
            value += share * of_part
            gradient += share * g.flat
        g.flat[:] = gradient
        return value

    def objective(theta: np.ndarray, batch: AnyBatch) -> tuple[float, np.ndarray]:
        if theta is not params.flat:
            params.flat[:] = theta
        value = value_of(batch, rng, g) if isinstance(batch, Batch) else mean_of(batch)
        penalty, decay = l2(params.weights, alpha, batch.total)
        np.add(g.weights, decay, out=g.weights)
        return value + penalty, g.flat

    return objective


def _spawn(network: Network, rng: RandomState | None, n: int) -> list[RandomState | None]:
    """Make n generators for dropout. With a common one, draws would depend on the scheduling.

    Recurrent networks draw the seeds even without dropout. So fits have the same order of samples
    as in 0.1.0.
    """
    if rng is None or not (network.dropout or isinstance(network, RNN)):
        return [None] * n
    seeds = rng.randint(2**31 - 1, size=n)
    return [np.random.RandomState(seed) if network.dropout else None for seed in seeds]


def l2(weights: np.ndarray, alpha: float, total: float) -> tuple[float, np.ndarray]:
    """Penalty on large weights, ``alpha / 2 / total`` times their squares, and its gradient."""
    decay = alpha / total * weights
    return 0.5 * decay.dot(weights), decay


def mean_loss(
    network: Network,
    params: Params,
    samples: Rows | Ragged,
    loss: Loss,
    *,
    keep: Callable[[Any, slice], Any] | None = None,
    size: int = PIECE,
    mapped: MapLike = map,
) -> tuple[float, tuple[Any, ...]]:
    """Mean loss of all samples, without penalty, and a list of what is kept of each piece.

    That is ``keep(raw_prediction, outputs)`` for a slice of the targets, if `keep` is passed.
    `mapped` computes the pieces.
    """
    total = samples.weight.sum()

    def use(raw_prediction: Any, piece: Piece) -> tuple[float, Any]:
        y, weight = samples.y[piece.outputs], samples.weight[piece.outputs] / total
        value = float(loss(raw_prediction, y, weight)[0])
        return value, keep and keep(raw_prediction, piece.outputs)

    parts = samples.pieces(network.n_outputs, size)
    results = evaluate(network.run, params, samples.x, parts, use, mapped, network=network)
    values, kept = zip(*results, strict=True)
    return sum(values), kept


def epochs(
    samples: Rows | Ragged,
    batch_size: int,
    rng: RandomState,
    shuffle: bool = True,
    network: Network | None = None,
    order: np.ndarray | None = None,
) -> Iterator[Iterable[AnyBatch]]:
    """Pass over the samples again and again; each pass is an iterable of batches for a network.

    Each pass permutes `order` (n_samples,) once more, in place. The caller can continue from it.
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
    optimizer: Update,
    state: State,
    passes: Iterable[Iterable[AnyBatch]],
    learning_rate: Callable[[], float],
    max_norm: float | None,
    on_epoch: Callable[[float], bool],
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
    batch: AnyBatch,
    max_iter: int,
    max_fun: int,
    tol: float,
    on_epoch: Callable[[float], bool],
) -> Any:
    """Minimize over one batch by L-BFGS, in place, until ``on_epoch(loss)`` returns True.

    During `on_epoch`, theta holds the weights after the iteration. Returns the result of SciPy.
    """

    def on_iteration(intermediate_result: Any) -> None:
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
