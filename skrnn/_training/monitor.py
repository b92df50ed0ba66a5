"""The history of one training run, and the decisions made after each epoch."""

from __future__ import annotations

import copy
import math
import warnings
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from scipy.optimize import OptimizeResult
from sklearn.exceptions import ConvergenceWarning

from skrnn._numeric.schedules import SCHEDULES
from skrnn._training.options import TrainingOptions

# After so many times, the learning rate is a thousandth of its first value, and is not the cause.
_MAX_ROLLBACKS = 10


@dataclass(frozen=True)
class Scaling:
    """What to scale, for the advice in warnings.

    Parameters
    ----------
    what : str
        'X', 'y' or 'X and y'.

    facts : str
        How large their values are, and how to scale them; empty if they are of about unit scale.

    is_useless : bool
        Whether their scale explains that a fit is no better than a constant prediction.

    is_needed : bool
        Whether values of this scale hinder any fit, however good it seems.

    advice : str
        What to do instead of scaling; empty if nothing else is known.

    outliers : str
        Which values of X are very far from all others, and what to do; empty if there are none.
    """

    what: str = "X"
    facts: str = ""
    is_useless: bool = False
    is_needed: bool = False
    advice: str = ""
    outliers: str = ""


@dataclass
class Monitor:
    """Record the epochs of a run, decide when to stop, and keep the best weights.

    The loss of an epoch is the mean over its batches, each computed before the step on it. With
    several batches, the weights it describes best are those at the end of the epoch. With one
    batch, it is exactly the loss of the weights at the start (`loss_of_start`). L-BFGS reports
    the loss of the weights it has arrived at.

    Parameters
    ----------
    options : TrainingOptions
        The settings of the fit.

    last_theta : ndarray of shape (n_parameters,)
        A copy of the initial weights; later, of the weights after the last epoch.

    n_samples : int
        Number of training samples.

    loss_of_start : bool
        Whether an epoch is a single step, so that its loss is that of the weights before it.

    n_seen : int, default=0
        Number of samples seen before this run, counted once for each epoch.

    useful_loss : float, default=-inf
        Loss below which a fit is better than a constant prediction, for early stopping.

    loss_before, loss_after : float, default=None
        With dropout, the losses without it before the first epoch and after the last. The losses
        of the epochs are random, so that they do not show whether training diverged.

    Attributes
    ----------
    best_theta : ndarray of shape (n_parameters,)
        The weights of the lowest loss, which is `best_loss`, or `initial_loss` if no epoch was
        better than the initial weights.

    safe_theta : ndarray of shape (n_parameters,)
        The weights at the start of the epoch of the lowest loss. Training resumes from them
        after an overflow, which the last step of that epoch may have caused.

    outcome : {'running', 'converged', 'max_fun', 'stopped', 'interrupted', 'diverged'}
        How the run ended; 'running' also if it ended at `max_iter`.
    """

    options: TrainingOptions
    last_theta: np.ndarray
    n_samples: int
    loss_of_start: bool
    n_seen: int = 0
    useful_loss: float = -math.inf
    n_iter: int = 0
    loss_curve: list[float] = field(default_factory=list)
    validation_scores: list[float] = field(default_factory=list)
    validation_losses: list[float] = field(default_factory=list)
    initial_loss: float = math.inf
    loss_before: float | None = None
    loss_after: float | None = None
    best_loss: float = math.inf
    best_score: float = -math.inf
    best_validation_loss: float = math.inf
    best_validated_theta: np.ndarray | None = None
    outcome: str = "running"
    n_rollbacks: int = 0
    n_stalled: int = 0
    rate_divisor: float = 1.0

    def __post_init__(self) -> None:
        self.best_theta = self.safe_theta = self.last_theta

    # During the run ----------------------------------------------------------------------

    def learning_rate(self) -> float:
        """Compute the learning rate of the next epoch."""
        o = self.options
        factor = SCHEDULES[o.learning_rate](self.n_iter, self.n_seen, o.max_iter, o.power_t)
        return o.learning_rate_init * factor / self.rate_divisor

    def report(
        self,
        loss: float,
        theta: np.ndarray,
        validation: tuple[float, float] | None = None,
        penalty: float = 0.0,
    ) -> None:
        """Record an epoch and decide whether to continue; see `finished`.

        Parameters
        ----------
        loss : float
            Loss of the epoch.

        theta : ndarray of shape (n_parameters,)
            The weights after the epoch. After an overflow they are overwritten by `safe_theta`.

        validation : tuple of float, default=None
            Score and loss on the validation data, if there are any.

        penalty : float, default=0.0
            The part of the loss that is the penalty, which a constant prediction does not have.
        """
        start, self.last_theta = self.last_theta, theta.copy()
        self.n_iter += 1
        self.n_seen += self.n_samples
        self.loss_curve.append(loss)
        if self.options.verbose:
            print(f"Iteration {self.n_iter}, loss = {loss:.8f}")
        validation_improved = validation is not None and self._record_validation(*validation)
        if not math.isfinite(loss):
            self._roll_back(theta)
            return
        improved = self._record_loss(loss, start)
        if self.options.early_stopping:
            # Overfitting has not begun while the network is no better than a constant prediction.
            before = loss - penalty > self.useful_loss
            improved = validation_improved or (before and improved)
        self.n_stalled = 0 if improved else self.n_stalled + 1
        if self.options.uses_lbfgs or self.n_stalled <= self.options.n_iter_no_change:
            return
        if self.options.learning_rate == "adaptive" and self.learning_rate() > 1e-6:
            self.rate_divisor *= 5
            self.n_stalled = 0
        else:
            self.outcome = "converged"

    @property
    def finished(self) -> bool:
        """Whether the run has ended, or has no epoch left."""
        return self.outcome != "running" or self.n_iter >= self.options.max_iter

    def _record_loss(self, loss: float, start: np.ndarray) -> bool:
        improved = loss <= self.best_loss - self.options.tol
        if loss < min(self.best_loss, self.initial_loss):
            self.safe_theta = start
            self.best_theta = start if self.loss_of_start else self.last_theta
        if self.n_iter == 1:
            self.initial_loss = min(self.initial_loss, loss)
        self.best_loss = min(self.best_loss, loss)
        return improved

    def _record_validation(self, score: float, loss: float) -> bool:
        self.validation_scores.append(score)
        self.validation_losses.append(loss)
        if self.options.verbose:
            print(f"Validation score: {score:f}")
        # The accuracy of a few samples is often constant while their loss decreases. The score of
        # numbers, unlike their loss, does not depend on their unit.
        tol = self.options.tol
        improved = score >= self.best_score + tol or loss <= self.best_validation_loss - tol
        if score > self.best_score:  # False for NaN, after an overflow
            self.best_score = score
        if loss < self.best_validation_loss:
            self.best_validation_loss = loss
            if self.options.early_stopping:
                self.best_validated_theta = self.last_theta
        return improved

    def _roll_back(self, theta: np.ndarray) -> None:
        """Resume from safe weights at half the learning rate, unless that failed too often."""
        self.rate_divisor *= 2
        self.n_rollbacks += 1
        self.n_stalled = 0
        self._avoid_weights_after(self.loss_curve[:-1])
        if self.options.uses_lbfgs or self.n_rollbacks > _MAX_ROLLBACKS:
            self.outcome = "diverged"
            return
        theta[:] = self.safe_theta
        self.last_theta = theta.copy()

    def _avoid_weights_after(self, losses: list[float]) -> None:
        """Since the weights after these epochs overflow, keep others if they are the best."""
        if losses and losses[-1] == self.best_loss:
            self.best_theta = self.safe_theta

    # At its end --------------------------------------------------------------------------

    def end(self, result: OptimizeResult) -> None:
        """Record how SciPy ended L-BFGS."""
        if not math.isfinite(result.fun):
            self.outcome = "diverged"
        elif result.status in (0, 2):  # at a minimum, or as close as rounding permits
            self.outcome = "converged"
        elif result.status == 1 and self.n_iter < self.options.max_iter:
            self.outcome = "max_fun"

    def finish(self, theta: np.ndarray) -> None:
        """Overwrite theta by the weights to keep.

        These are the weights after the last epoch, as a rule. With early stopping, they are
        those of the lowest validation loss. If the run diverged or was interrupted, or if
        `keep_best` is set and the loss ended above the lowest, they are those of the lowest
        loss.
        """
        if self.outcome == "interrupted":
            theta[:] = self.last_theta  # the epoch under way does not count
        elif self.outcome == "diverged" or not np.isfinite(theta).all():
            self.outcome = "diverged"
            self._avoid_weights_after(self.loss_curve)
        elif self._loss_rose():
            self.outcome = "diverged"
        if self.best_validated_theta is not None:
            theta[:] = self.best_validated_theta
        elif self._keeps_best():
            theta[:] = self.best_theta

    def _keeps_best(self) -> bool:
        if self.outcome == "diverged":
            return True
        if self.outcome == "interrupted":
            return self._last_loss() > self.best_loss
        return self.options.keep_best and self._last_loss() > self.best_loss + self.options.tol

    @property
    def kept_value(self) -> float:
        """Minus the loss of the kept weights, on validation data if these decide."""
        if self.best_validated_theta is not None:
            return -self.best_validation_loss
        lowest = min(self.best_loss, self.initial_loss)
        return -(lowest if self._keeps_best() else self._last_loss())

    def _last_loss(self) -> float:
        return self.loss_curve[-1] if self.loss_curve else math.inf

    def _first_and_last_loss(self) -> tuple[float, float]:
        if self.loss_before is None or self.loss_after is None:
            return self.initial_loss, self.loss_curve[-1]
        return self.loss_before, self.loss_after

    def _loss_rose(self) -> bool:
        """Whether the loss ended clearly above its first value.

        The difference must exceed `tol` too: a loss near 0 varies by factors.
        """
        if not self.loss_curve:
            return False
        first, last = self._first_and_last_loss()
        return not math.isfinite(last) or last > max(1.1 * first, first + self.options.tol)

    def warn(self, stacklevel: int, scaling: Scaling) -> None:
        """Warn if the run did not converge, or if its result or outliers call for other scaling."""
        options, n_iter, what = self.options, self.n_iter, scaling.what
        advice = f"Scale {what}."
        if not options.uses_lbfgs:
            advice = f"Scale {what}, or lower learning_rate_init={options.learning_rate_init:g}."
        advice = scaling.advice or advice
        if self.outcome == "diverged":
            what = "the last step led to outputs that overflow"
            if not self.loss_curve:
                what = "the loss overflows"
            elif self._loss_rose():
                first, last = self._first_and_last_loss()
                what = f"the loss was {last:g}, from {first:g} at the start"
            message = (
                f"Training diverged: after {n_iter} iterations {what}. The best weights seen are "
                f"kept. {advice}"
            )
        elif self.outcome == "interrupted":
            message = (
                f"Training was interrupted after {n_iter} iterations. The best weights are kept."
            )
        elif self.n_rollbacks:
            message = (
                f"The loss overflowed {self.n_rollbacks} times. Each time training resumed from "
                f"the weights before the best epoch, at half the learning rate. {advice}"
            )
        elif self.outcome == "max_fun":
            message = (
                f"L-BFGS evaluated the loss max_fun={options.solver.max_fun} times and has not "
                f"converged yet. Increase max_fun, or scale {what}."
            )
        elif self.outcome == "running" and (
            options.uses_lbfgs or options.learning_rate != "cosine"
        ):
            message = (
                f"Maximum iterations ({options.max_iter}) reached and the optimization hasn't "
                f"converged yet. Increase max_iter, or scale {what}."
            )
        elif scaling.is_useless or scaling.is_needed:
            message = f"Scale {what}."
        else:
            message = ""
        if scaling.is_useless:
            message = f"The predictions are no better than a constant. {message}"
        message += (scaling.facts if message else "") + scaling.outliers
        if message:
            warnings.warn(message.lstrip(), ConvergenceWarning, stacklevel=stacklevel + 1)

    @property
    def curves(self) -> dict[str, list[float] | None]:
        """Fitted attributes of an estimator: the losses and the scores of all epochs."""
        return {
            "loss_curve_": self.loss_curve,
            "validation_scores_": self.validation_scores or None,
            "validation_loss_curve_": self.validation_losses or None,
        }

    # What a checkpoint stores ------------------------------------------------------------

    def state_dict(self) -> dict[str, Any]:
        """Copy everything but the options: arrays, lists, numbers, strings and None."""
        state = {name: value for name, value in vars(self).items() if name != "options"}
        return copy.deepcopy(state)

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Replace everything but the options by a copy of a `state_dict`."""
        vars(self).update(copy.deepcopy(state))
