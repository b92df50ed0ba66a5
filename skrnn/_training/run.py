"""One start of training: its state, and the loop over its epochs."""

from __future__ import annotations

import copy
import math
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from types import FrameType
from typing import Any

import numpy as np
from sklearn.model_selection import train_test_split

from skrnn._numeric.networks import MLP, RNN
from skrnn._numeric.optimizers import State
from skrnn._numeric.params import Params
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
from skrnn._training.monitor import Monitor
from skrnn._training.options import TrainingOptions
from skrnn._training.threads import keep_freed_memory, thread_map

# No careful scaling of the data leads to weights of this size.
_HUGE_WEIGHT = 1e6


@dataclass
class Run:
    """The state of one start of training.

    A run into which the state of another is loaded continues as the other would have, with the
    same bits.

    Parameters
    ----------
    network : MLP or RNN
        The architecture.

    options : TrainingOptions
        The settings.

    samples : Rows or Ragged
        Training samples; without the validation samples after `hold_out`.

    held_out : Rows, Ragged or None
        Validation samples.

    rng : RandomState
        Source of the initial weights, the validation split, the order of samples, and dropout.

    n_starts : int, default=1
        Number of starts of the fit, of which this is one.

    warm_start : bool, default=False
        Whether the run continues from the weights of an earlier fit.

    incremental : bool, default=False
        Whether the run is a call of ``partial_fit``.

    Attributes
    ----------
    params : Params
        The weights.

    optimizer_state : dict or None
        State of the solver; None before the first epoch, for L-BFGS, and if it overflowed.

    monitor : Monitor
        The history, from `begin` on.

    order : ndarray of int of shape (n_samples,)
        The order in which the last epoch saw the samples. The next epoch permutes it.

    split : tuple of ndarray or None
        Indices of the training and validation samples, if `hold_out` separated them.

    is_loaded : bool
        Whether the state was loaded, so that the run has begun already.

    callback_data : dict
        Data that callbacks keep for this run. One callback may serve several fits at a time.
    """

    network: MLP | RNN
    options: TrainingOptions
    samples: Rows | Ragged
    held_out: Rows | Ragged | None
    rng: np.random.RandomState
    n_starts: int = 1
    warm_start: bool = False
    incremental: bool = False
    params: Params = field(init=False)
    monitor: Monitor = field(init=False)
    order: np.ndarray = field(init=False)
    optimizer_state: State | None = field(default=None, init=False)
    split: tuple[np.ndarray, np.ndarray] | None = field(default=None, init=False)
    is_loaded: bool = field(default=False, init=False)
    callback_data: dict[str, Any] = field(default_factory=dict, init=False)

    def __post_init__(self):
        self.params = Params(self.network.shapes, self.samples.x.dtype)

    def begin(self, n_seen: int = 0) -> None:
        """Start the history once the initial weights are set, `n_seen` samples seen before."""
        n_samples = self.samples.n_samples
        one_batch = self.options.batch_size >= n_samples
        loss_of_start = one_batch and not self.options.uses_lbfgs
        theta = self.params.flat.copy()
        self.monitor = Monitor(self.options, theta, n_samples, loss_of_start, n_seen)
        self.order = np.arange(n_samples)

    def hold_out(self, fraction: float, strata: np.ndarray | None) -> None:
        """Set a share of the samples aside for validation.

        Raises
        ------
        ValueError
            If too few samples are left on either side, or a class has too few.
        """
        n_samples = self.samples.n_samples
        if not fraction:
            raise ValueError(
                "early_stopping=True needs validation data: validation_fraction > 0, got "
                f"{fraction}, or X_val and y_val in fit."
            )
        try:
            split = train_test_split(
                np.arange(n_samples), test_size=fraction, random_state=self.rng, stratify=strata
            )
        except ValueError as error:
            raise ValueError(
                f"early_stopping cannot hold out validation_fraction={fraction} of {n_samples} "
                f"samples: {error}"
            ) from error
        if len(split[1]) < 2:
            raise ValueError(
                f"early_stopping needs at least 2 validation samples, but validation_fraction="
                f"{fraction} of {n_samples} samples leaves {len(split[1])}. Increase it, or turn "
                "early_stopping off."
            )
        self._apply_split(*split)

    def _apply_split(self, train, test):
        self.split = train, test
        self.samples, self.held_out = self.samples.subset(train), self.samples.subset(test)

    def state_dict(self) -> dict[str, Any]:
        """Copy the state into nested dictionaries of arrays, numbers, strings, lists and None."""
        return {
            "theta": self.params.flat.copy(),
            "optimizer": copy.deepcopy(self.optimizer_state),
            "order": self.order.copy(),
            "rng": self.rng.get_state(legacy=False),
            "split": self.split and {"train": self.split[0], "test": self.split[1]},
            "monitor": self.monitor.state_dict(),
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Replace the state by a copy of a `state_dict`."""
        if state["split"] is not None:
            self._apply_split(state["split"]["train"], state["split"]["test"])
        self.params.flat[:] = state["theta"]
        self.begin()
        self.monitor.load_state_dict(state["monitor"])
        self.order[:] = state["order"]
        self.rng.set_state(state["rng"])
        self.optimizer_state = copy.deepcopy(state["optimizer"])
        self.is_loaded = True

    # Epochs ------------------------------------------------------------------------------

    def train(
        self,
        score: Callable[[np.ndarray, Rows | Ragged], float],
        report: Callable[[], bool] | None = None,
    ) -> None:
        """Train the weights until the monitor or a callback ends the run.

        Ctrl-C ends the run and keeps the best weights of the whole epochs. In a loop of fits that
        joblib runs, such as a search, it ends the loop instead: a fit that was interrupted must
        not count as a result.

        Parameters
        ----------
        score : callable
            ``score(raw_prediction, samples) -> float`` for validation.

        report : callable, default=None
            ``report() -> stop``, called after each epoch, when all about it is decided.
        """
        theta, monitor = self.params.flat, self.monitor

        def end_epoch(loss):
            monitor.report(loss, theta, self._validate(loss, score))
            if report is not None and report():
                monitor.outcome = "stopped"
            return monitor.finished

        keep_freed_memory()
        try:
            # Divergence shows in the loss; NumPy need not warn of it too.
            with (
                np.errstate(over="ignore", invalid="ignore", divide="ignore"),
                thread_map() as mapped,
            ):
                if self.options.uses_lbfgs:
                    self._minimize(mapped, end_epoch)
                else:
                    if not monitor.finished:
                        self._descend(mapped, end_epoch)
                    if self._overflows():
                        monitor.outcome = "diverged"
        except KeyboardInterrupt:
            if _runs_in_joblib():
                raise
            monitor.outcome = "interrupted"
        monitor.finish(theta)
        if monitor.outcome == "diverged" or _is_not_finite(self.optimizer_state):
            self.optimizer_state = None

    def _minimize(self, mapped, end_epoch):
        options, monitor = self.options, self.monitor
        whole = gather(self.samples, slice(None), self.network)
        result = lbfgs(
            self._objective(mapped),
            self.params.flat,
            whole,
            max_iter=options.max_iter,
            max_fun=options.solver.max_fun,
            tol=options.tol,
            on_epoch=end_epoch,
        )
        if result.status in (0, 2):  # at a minimum, or as close as rounding permits
            monitor.outcome = "converged"
        elif result.status == 1 and monitor.n_iter < options.max_iter:
            monitor.outcome = "max_fun"

    def _descend(self, mapped, end_epoch):
        options, monitor, theta = self.options, self.monitor, self.params.flat
        optimizer = options.solver._optimizer()
        fresh = optimizer.start(theta)
        if self.optimizer_state is None or self.optimizer_state.keys() != fresh.keys():
            self.optimizer_state = fresh
        if monitor.n_iter == 0 and not monitor.loss_of_start and options.max_iter > 1:
            # The first epoch may overflow before its own loss is known.
            monitor.initial_loss = self._loss_of_batches()
        passes: Iterator = epochs(
            self.samples, options.batch_size, self.rng, options.shuffle, self.network, self.order
        )
        descend(
            self._objective(mapped),
            theta,
            optimizer,
            self.optimizer_state,
            passes,
            monitor.learning_rate,
            options.max_grad_norm,
            end_epoch,
        )

    def _objective(self, mapped):
        o = self.options
        return make_objective(self.network, self.params, o.loss, o.alpha, self.rng, mapped)

    def _validate(self, loss, score):
        """Score and loss on the validation data, NaN after an overflow; None without data."""
        if self.held_out is None:
            return None
        if not math.isfinite(loss):
            return math.nan, math.nan
        loss, raw_prediction = mean_loss(
            self.network, self.params, self.held_out, self.options.loss
        )
        if not np.isfinite(raw_prediction).all():
            return math.nan, math.nan
        return score(raw_prediction, self.held_out), loss

    def _loss_of_batches(self):
        """Mean loss of the batches of an epoch in which no step is taken."""
        samples, options = self.samples, self.options
        total = samples.weight.sum() / -(-samples.n_samples // options.batch_size)
        loss, _ = mean_loss(self.network, self.params, samples, options.loss)
        return loss + l2(self.params, options.alpha, total)[0]

    def _overflows(self):
        """Whether the last step, after which no loss was computed, leads to infinite outputs.

        Only huge weights can, so that an ordinary fit need not pay for another pass.
        """
        if np.abs(self.params.flat).max() < _HUGE_WEIGHT:
            return False
        _, raw = mean_loss(self.network, self.params, self.samples, self.options.loss)
        return not np.isfinite(raw).all()


def _is_not_finite(optimizer_state):
    """Whether moments of the gradient overflowed, although the loss may not have."""
    values = (optimizer_state or {}).values()
    return not all(np.isfinite(value).all() for value in values)


def _runs_in_joblib():
    """Whether joblib called the function that is running, as one of several."""
    frame: FrameType | None = sys._getframe()
    while frame is not None:
        if frame.f_globals.get("__name__", "").partition(".")[0] == "joblib":
            return True
        frame = frame.f_back
    return False
