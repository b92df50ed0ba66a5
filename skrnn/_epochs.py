"""One training run, and who watches it.

The loops of ``_numeric.training`` only descend. Everything that is decided between two epochs
is decided here: is the loss still falling, which weights were the best, what is printed, who
else wants to know.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, fields, replace
from functools import partial
from numbers import Integral, Real
from typing import Protocol

import numpy as np
from sklearn.exceptions import ConvergenceWarning

from skrnn._numeric.losses import Loss
from skrnn._numeric.networks import MLP, RNN
from skrnn._numeric.optimizers import LBFGS, SGD, Adam, State
from skrnn._numeric.params import Params
from skrnn._numeric.schedules import SCHEDULES
from skrnn._numeric.training import (
    Ragged,
    Rows,
    descend,
    epochs,
    gather,
    l2,
    lbfgs,
    make_objective,
    mean_loss,
)
from skrnn._progress import Progress
from skrnn._training.threads import keep_freed_memory, thread_map


@dataclass(frozen=True)
class Recipe:
    """Everything about training that does not depend on the data."""

    loss: Loss
    optimizer: Adam | SGD | LBFGS
    alpha: float
    batch_size: int
    max_iter: int
    tol: float
    n_iter_no_change: float
    rate_init: float = 0.001
    schedule: str = "constant"
    power_t: float = 0.5
    shuffle: bool = True
    max_norm: float | None = None
    early_stopping: bool = False
    keep_best: bool = False
    verbose: bool = False

    @property
    def is_lbfgs(self) -> bool:
        """Whether training is one call to L-BFGS."""
        return isinstance(self.optimizer, LBFGS)

    def in_plain_numbers(self) -> Recipe:
        """Write NumPy's scalars as Python's numbers, which neither overflow nor widen arrays."""
        plain: dict = {}
        for item in fields(self):
            value = getattr(self, item.name)
            if isinstance(value, Real) and not isinstance(value, bool):
                plain[item.name] = int(value) if isinstance(value, Integral) else float(value)
        return replace(self, **plain)


# By then the learning rate is a thousandth of what it was, and not the cause.
_MOST_ROLLBACKS = 10

# Weights that no data scaled with any care lead to.
_ABSURD = 1e6


@dataclass
class Watch:
    """The history of a run, which decides after each epoch whether to go on.

    Parameters
    ----------
    recipe : Recipe
        Says when enough is enough.

    best_theta : ndarray
        The initial weights, to begin with; those of the lowest loss, later.

    n_samples : int
        Number of training samples.

    validate : callable, default=None
        ``validate(theta) -> (score, loss)`` on held-out data. With early stopping, the score
        instead of the training loss decides when to end and which weights are the best.

    report : callable, default=None
        ``report(theta) -> stop``, called after each epoch.

    keep : callable, default=None
        Called after each epoch, when all about it is decided.

    n_seen : int, default=0
        Samples seen before this run.

    initial_loss : float, default=inf
        Loss before the first step. With small batches the first epoch may explode before its
        own mean is known; otherwise it can be left to the first epoch to tell.
    """

    recipe: Recipe
    best_theta: np.ndarray
    n_samples: int
    validate: Callable[[np.ndarray], tuple[float, float]] | None = None
    report: Callable[[np.ndarray], bool] | None = None
    keep: Callable[[], None] | None = None
    n_seen: int = 0
    initial_loss: float = math.inf
    n_iter: int = 0
    loss_curve: list[float] = field(default_factory=list)
    validation_scores: list[float] = field(default_factory=list)
    validation_losses: list[float] = field(default_factory=list)
    best_loss: float = math.inf
    best_score: float = -math.inf
    best_valid_theta: np.ndarray | None = None
    outcome: str = "max_iter"
    merit: float = -math.inf  # of the weights kept in the end: validation score, or minus loss
    n_rollbacks: int = 0
    _stalled: int = 0
    _divisor: float = 1.0

    def rate(self) -> float:
        """Learning rate of the next epoch."""
        r = self.recipe
        factor = SCHEDULES[r.schedule](self.n_iter, self.n_seen, r.max_iter, r.power_t)
        return r.rate_init * factor / self._divisor

    def __call__(self, loss: float, before: np.ndarray, theta: np.ndarray) -> bool:
        """Take note of an epoch; returns whether to stop."""
        self.n_iter += 1
        self.n_seen += self.n_samples
        self.loss_curve.append(loss)
        if self.recipe.verbose:
            print(f"Iteration {self.n_iter}, loss = {loss:.8f}")
        stop = self._judge(loss, before, theta)
        if self.report is not None and self.report(theta):
            self.outcome, stop = "stopped", True
        if self.keep is not None:
            self.keep()
        return stop or self.finished

    @property
    def finished(self) -> bool:
        """Whether training has ended, or has nothing left to do."""
        return self.outcome != "max_iter" or self.n_iter >= self.recipe.max_iter

    def _judge(self, loss, before, theta):
        if not math.isfinite(loss):
            return self._roll_back(theta)
        better = loss <= self.best_loss - self.recipe.tol
        if self.n_iter == 1:
            self.initial_loss = min(self.initial_loss, loss)
        if loss < min(self.best_loss, self.initial_loss):
            self.best_theta = before
        self.best_loss = min(self.best_loss, loss)
        if self.validate is not None:
            improved = self._validated(*self.validate(theta), theta)
            better = improved if self.recipe.early_stopping else better
        self._stalled = 0 if better else self._stalled + 1
        if self.recipe.is_lbfgs or self._stalled <= self.recipe.n_iter_no_change:
            return False
        if self.recipe.schedule == "adaptive" and self.rate() > 1e-6:
            self._divisor *= 5
            self._stalled = 0
            return False
        self.outcome = "converged"
        return True

    def _roll_back(self, theta):
        """Go back to the best weights and halve the rate, unless that has not helped before."""
        self._divisor *= 2
        self.n_rollbacks += 1
        if self.validate is not None:
            self._validated(math.nan, math.nan, theta)
        if self.recipe.is_lbfgs or self.n_rollbacks > _MOST_ROLLBACKS:
            self.outcome = "diverged"
            return True
        theta[:] = self.best_theta
        self._stalled = 0
        return False

    def _validated(self, score, loss, theta):
        self.validation_scores.append(score)
        self.validation_losses.append(loss)
        if self.recipe.verbose:
            print(f"Validation score: {score:f}")
        better = score >= self.best_score + self.recipe.tol
        if score > self.best_score:
            self.best_score = score
            if self.recipe.early_stopping:
                self.best_valid_theta = theta.copy()
        return better

    def finish(self, theta: np.ndarray) -> np.ndarray:
        """Name the outcome, and choose the weights to keep: as a rule the last ones.

        The best validated ones if there are validation data; the best seen if the run blew up
        or was interrupted, or, if the recipe says so, whenever the last were not the best.
        """
        if self.outcome != "interrupted" and (not np.isfinite(theta).all() or self._rose()):
            self.outcome = "diverged"
        last_loss = self.loss_curve[-1] if self.loss_curve else math.inf
        spiked = self.recipe.keep_best and last_loss > self.best_loss + self.recipe.tol
        keep_best = spiked or self.outcome in ("diverged", "interrupted")
        self.merit = -(self.best_loss if keep_best else last_loss)
        if self.best_valid_theta is not None:
            self.merit = self.best_score
            return self.best_valid_theta
        return self.best_theta if keep_best else theta

    def _rose(self):
        """Whether the loss ended clearly above where it began."""
        last = self.loss_curve[-1] if self.loss_curve else 0.0
        return not math.isfinite(last) or last > 1.1 * self.initial_loss

    def warn(self, stacklevel: int) -> None:
        """Tell the user how training ended, if it did not converge."""
        recipe = self.recipe
        if self.outcome == "diverged":
            what = "the last step led to outputs that overflow"
            if self._rose():
                first, last = self.loss_curve[0], self.loss_curve[-1]
                what = f"the loss was {last:g}, from {first:g} in the first"
            message = (
                f"Training diverged: after {self.n_iter} iterations {what}. The best weights seen "
                f"are kept. Scale X, or lower learning_rate_init={recipe.rate_init:g}."
            )
        elif self.outcome == "interrupted":
            message = (
                f"Training was interrupted after {self.n_iter} iterations. The best weights seen "
                "are kept."
            )
        elif self.n_rollbacks:
            message = (
                f"The loss overflowed {self.n_rollbacks} times. Each time training went on from "
                "the best weights seen, at half the learning rate. Scale X, or lower "
                f"learning_rate_init={recipe.rate_init:g}."
            )
        elif self.outcome == "max_fun" and isinstance(recipe.optimizer, LBFGS):
            message = (
                f"L-BFGS evaluated the loss max_fun={recipe.optimizer.max_fun} times and has not "
                "converged yet. Increase max_fun, or scale X."
            )
        elif self.outcome == "max_iter" and (recipe.is_lbfgs or recipe.schedule != "cosine"):
            message = (
                f"Maximum iterations ({recipe.max_iter}) reached and the optimization hasn't "
                "converged yet. Increase max_iter, or scale X."
            )
        else:
            return
        warnings.warn(message, ConvergenceWarning, stacklevel=stacklevel + 1)


class Keeper(Protocol):
    """Who keeps the progress of a run."""

    def begin(self, progress: Progress) -> None:
        """Set the progress to what was kept, if anything was."""

    def keep(self, progress: Progress) -> None:
        """Keep the progress after an epoch."""


def train(
    network: MLP | RNN,
    params: Params,
    samples: Rows | Ragged,
    recipe: Recipe,
    rng: np.random.RandomState,
    watch: Watch,
    state: State | None = None,
    keeper: Keeper | None = None,
) -> State | None:
    """Train `params` in place; returns the state of the optimizer.

    Ctrl-C ends the run, not the program: the weights of the best epoch are kept.
    """
    theta, optimizer = params.flat, recipe.optimizer
    keep_freed_memory()
    try:
        # Divergence is seen in the loss; NumPy need not warn of it too.
        with (
            np.errstate(over="ignore", invalid="ignore", divide="ignore"),
            thread_map() as mapped,
        ):
            objective = make_objective(network, params, recipe.loss, recipe.alpha, rng, mapped)
            if isinstance(optimizer, LBFGS):
                whole = gather(samples, slice(None), network)
                _minimise(objective, optimizer, theta, whole, recipe, watch)
            else:
                fresh = optimizer.start(theta)
                state = state if state is not None and state.keys() == fresh.keys() else fresh
                if recipe.batch_size < samples.n_samples and recipe.max_iter > 1:
                    watch.initial_loss = _loss_of_batches(network, params, samples, recipe)
                order = np.arange(samples.n_samples)
                if keeper is not None:
                    progress = Progress(theta, state, order, rng, watch)
                    keeper.begin(progress)
                    watch.keep = partial(keeper.keep, progress)
                passes: Iterator = epochs(
                    samples, recipe.batch_size, rng, recipe.shuffle, network, order
                )
                if not watch.finished:
                    clip_at = recipe.max_norm
                    descend(objective, theta, optimizer, state, passes, watch.rate, clip_at, watch)
                    if _overflows(network, params, samples, recipe.loss):
                        watch.outcome = "diverged"
    except KeyboardInterrupt:
        watch.outcome = "interrupted"
    theta[:] = watch.finish(theta)
    return None if watch.outcome == "diverged" or _exploded(state) else state


def _minimise(objective, optimizer, theta, whole, recipe, watch):
    """Run L-BFGS, and tell the watch how it ended."""
    result = lbfgs(objective, theta, whole, recipe.max_iter, optimizer.max_fun, recipe.tol, watch)
    if result.status in (0, 2):  # at a minimum, or as close as rounding lets it come
        watch.outcome = "converged"
    elif result.status == 1 and watch.n_iter < recipe.max_iter:
        watch.outcome = "max_fun"


def _loss_of_batches(network, params, samples, recipe):
    """Loss before the first step, with the penalty that a batch of mean weight bears."""
    total = samples.weight.sum() / -(-samples.n_samples // recipe.batch_size)
    loss, _ = mean_loss(network, params, samples, recipe.loss)
    return loss + l2(params, recipe.alpha, total)[0]


def _overflows(network, params, samples, loss):
    """Whether the last step, whose loss no epoch has seen, led to where scores are infinite.

    Only weights of absurd size can, so that an ordinary fit does not pay for another epoch.
    """
    if np.abs(params.flat).max() < _ABSURD:
        return False
    _, scores = mean_loss(network, params, samples, loss)
    return not np.isfinite(scores).all()


def _exploded(state: State | None) -> bool:
    """Whether moments of the gradient overflowed, though the loss may not have."""
    return state is not None and not all(np.isfinite(value).all() for value in state.values())
