"""One start of training: its state, and the loop over its epochs."""

from __future__ import annotations

import copy
import math
import traceback
from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from sklearn.model_selection import train_test_split

from skrnn._input import all_finite
from skrnn._numeric.crf import scores_of
from skrnn._numeric.networks import MLP, RNN
from skrnn._numeric.optimizers import State, chunked
from skrnn._numeric.params import Params
from skrnn._numeric.pieces import SMALL_PIECE
from skrnn._numeric.training import (
    MOST_PARTS,
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
from skrnn._training.options import TrainingOptions, count_batches
from skrnn._training.scaling import TargetScale
from skrnn._training.threads import keep_freed_memory, thread_map
from skrnn._training.validation import count_held_out
from skrnn.solvers import LBFGS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from skrnn._numeric.optimizers import Update
    from skrnn._numeric.training import AnyBatch
    from skrnn._numeric.types import MapLike

    class Scored(Protocol):
        """What gives the score of validation: a `ClassTarget` or a `NumberTarget`."""

        def outcomes(self, raw: Any, targets: np.ndarray) -> np.ndarray:
            """Compute what the score needs of each row."""

        def score(self, outcomes: np.ndarray, samples: Any) -> float:
            """Compute the score."""

        def strata(self, targets: np.ndarray) -> np.ndarray | None:
            """Get the labels by which to stratify a split."""

        def candidates(self, samples: Any, n_held_out: int) -> np.ndarray | None:
            """Get the numbers of the samples that may be held out; None if all may."""


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

    target_scale : TargetScale, default=None
        By what the targets of the samples were standardized, if they were.

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

    output_factor : float or ndarray of shape (n_outputs,)
        By what the outputs of the fitted network are multiplied. `params` do not contain it.

    output_shift : float or ndarray of shape (n_outputs,)
        What is added to the outputs then, if targets are not standardized.

    spread_factor : float
        By what the spread of predicted distributions is multiplied.

    remarks : list of str
        Texts of warnings about the data, which `fit` issues.
    """

    network: MLP | RNN
    options: TrainingOptions
    samples: Rows | Ragged
    held_out: Rows | Ragged | None
    rng: np.random.RandomState
    n_starts: int = 1
    warm_start: bool = False
    incremental: bool = False
    target_scale: TargetScale | None = None
    params: Params = field(init=False)
    monitor: Monitor = field(init=False)
    order: np.ndarray = field(init=False)
    optimizer_state: State | None = field(default=None, init=False)
    split: tuple[np.ndarray, np.ndarray] | None = field(default=None, init=False)
    is_loaded: bool = field(default=False, init=False)
    output_factor: Any = field(default=1.0, init=False)
    output_shift: Any = field(default=0.0, init=False)
    spread_factor: float = field(default=1.0, init=False)
    callback_data: dict[str, Any] = field(default_factory=dict, init=False)
    remarks: list[str] = field(default_factory=list, init=False)

    def __post_init__(self) -> None:
        self.params = Params(self.network.shapes, self.samples.x.dtype)

    @property
    def fitted_network(self) -> MLP | RNN:
        """The architecture of the fitted network, with the skip connection if there is one."""
        skip = None if self.target_scale is None else self.target_scale.skip
        if skip is None:
            return self.network
        return replace(self.network, skip=len(skip) // self.network.n_features)  # type: ignore

    @property
    def fitted_weights(self) -> dict[str, dict[str, np.ndarray]]:
        """The weights of the fitted network, with `output_factor` and `output_shift`."""
        if self.target_scale is not None:
            return self.target_scale.leave(self.params, self.output_factor)
        if np.all(self.output_factor == 1):
            return self.params
        output = {name: p * self.output_factor for name, p in self.params["output"].items()}
        output["b"] = (output["b"] + self.output_shift).astype(self.params.flat.dtype)
        return {**self.params, "output": output}

    def begin(self, n_seen: int = 0, useful_loss: float = -math.inf) -> None:
        """Start the history once the initial weights are set; see `Monitor` for the parameters.

        If all held-out targets are equal, a constant prediction has the best score and loss, so
        early stopping would end every fit at its start. It is then turned off.
        """
        held_out = self.held_out if self.options.early_stopping else None
        if held_out is not None and _is_constant(held_out) and not _is_constant(self.samples):
            patience = self.options.patience_without
            self.options = replace(self.options, early_stopping=False)
            if patience is not None:
                self.options = replace(self.options, n_iter_no_change=patience)
            else:
                self.remarks.append(
                    f"early_stopping has no effect: the targets of the {held_out.n_samples} "
                    "validation samples are all equal, so they cannot show progress. Training ends "
                    "by the training loss. Increase validation_fraction, or pass X_val and y_val "
                    "to fit."
                )
        n_samples = self.samples.n_samples
        one_batch = self.options.batch_size >= n_samples
        loss_of_start = one_batch and not self.options.uses_lbfgs
        theta = self.params.flat.copy()
        self.monitor = Monitor(
            self.options, theta, n_samples, loss_of_start, n_seen, useful_loss=useful_loss
        )
        self.order = np.arange(n_samples)

    def hold_out(self, fraction: float, target: Scored) -> None:
        """Set a share of the samples aside for validation, at least 2.

        Parameters
        ----------
        fraction : float
            Share of the samples.

        target : ClassTarget or NumberTarget
            Gives the classes by which to stratify where each class has enough samples, and the
            samples that ``early_stopping='auto'`` may hold out.

        Raises
        ------
        ValueError
            If `fraction` is 0, or fewer than 2 samples are left for training.
        """
        n_samples = self.samples.n_samples
        n_held_out = count_held_out(fraction, n_samples)
        if not fraction or n_samples - n_held_out < 2:
            why = f"{max(n_samples - n_held_out, 0)} are left, and training needs at least 2"
            raise ValueError(
                f"early_stopping cannot hold out validation_fraction={fraction} of {n_samples} "
                f"samples: {why if fraction else 'it must be more than 0'}. Change "
                "validation_fraction, or pass X_val and y_val to fit."
            )
        labels = target.strata(self.samples.y)
        if labels is not None and (obstacle := _obstacle(labels, n_held_out)):
            labels = None
            self.remarks.append(
                f"{obstacle}, so early_stopping holds out {n_held_out} of {n_samples} samples "
                "without stratification. Some classes may be absent from the training samples or "
                "from the validation samples. Pass X_val and y_val to fit to choose them."
            )
        index = np.arange(n_samples)
        candidates = None
        if self.options.patience_without is not None:  # 'auto' chose to stop early
            candidates = target.candidates(self.samples, n_held_out)
        candidates = index if candidates is None else candidates
        train, test = train_test_split(
            candidates, test_size=n_held_out, random_state=self.rng, stratify=labels
        )
        self._split(np.concatenate([train, np.setdiff1d(index, candidates)]), test)

    def _split(self, train: np.ndarray, test: np.ndarray) -> None:
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
            self._split(**state["split"])
        self.params.flat[:] = state["theta"]
        self.begin()
        self.monitor.load_state_dict(state["monitor"])
        self.order[:] = state["order"]
        self.rng.set_state(state["rng"])
        self.optimizer_state = copy.deepcopy(state["optimizer"])
        self.is_loaded = True

    def train(
        self,
        target: Scored,
        report: Callable[[], bool],
    ) -> None:
        """Train the weights until the monitor or a callback ends the run.

        Ctrl-C ends the run and keeps the best weights of the whole epochs. In a loop of fits that
        joblib runs, such as a search, it ends the loop instead: a fit that was interrupted must
        not count as a result.

        Parameters
        ----------
        target : ClassTarget or NumberTarget
            Gives the score of validation.

        report : callable
            ``report() -> stop``, called after each epoch, when all about it is decided.
        """
        options, monitor, theta = self.options, self.monitor, self.params.flat

        def end_epoch(loss: float) -> bool:
            penalty = self._penalty() if options.early_stopping else 0.0
            monitor.report(loss, theta, self._validate(loss, target), penalty)
            if report():
                monitor.outcome = "stopped"
            return monitor.finished

        keep_freed_memory()
        # Divergence shows in the loss; NumPy need not warn of it too.
        with (
            self._ended_by_ctrl_c(),
            np.errstate(over="ignore", invalid="ignore", divide="ignore"),
            thread_map(MOST_PARTS) as mapped,
        ):
            objective = make_objective(
                self.network, self.params, options.loss, options.alpha, self.rng, mapped
            )
            if isinstance(options.solver, LBFGS):
                whole = gather(self.samples, slice(None), self.network)
                limits = options.max_iter, options.solver.max_fun, options.tol
                monitor.end(lbfgs(objective, theta, whole, *limits, end_epoch))
            elif not monitor.finished:
                rate, limit = monitor.learning_rate, options.max_grad_norm
                optimizer, state, passes = self._prepare_descent(mapped)
                descend(objective, theta, optimizer, state, passes, rate, limit, end_epoch)
            if self._overflows():
                monitor.outcome = "diverged"
            elif self.network.dropout and not self.incremental:
                monitor.loss_after = self._loss_of_batches(mapped)
        monitor.finish(theta)
        if monitor.outcome == "diverged" or _is_not_finite(self.optimizer_state):
            self.optimizer_state = None

    def finish(self, correct: Callable[[Run], dict[str, Any]]) -> None:
        """Set the attributes that correct the outputs; Ctrl-C leaves all of them as they are."""
        with self._ended_by_ctrl_c():
            vars(self).update(correct(self))

    @contextmanager
    def _ended_by_ctrl_c(self) -> Iterator[None]:
        """Let Ctrl-C end the block and the run, or the loop of fits in which joblib runs it."""
        try:
            yield
        except KeyboardInterrupt:
            if _runs_in_joblib():
                raise
            self.monitor.outcome = "interrupted"

    def _prepare_descent(
        self, mapped: MapLike
    ) -> tuple[Update, State, Iterator[Iterable[AnyBatch]]]:
        """Get the optimizer, its state and the batches, and compute the initial loss."""
        options, monitor, state = self.options, self.monitor, self.optimizer_state
        optimizer = chunked(options.solver._optimizer(), self.params.flat.size, mapped)
        fresh = optimizer.start(self.params.flat)
        if state is None or state.keys() != fresh.keys():  # of another solver
            self.optimizer_state = state = fresh
        start_is_known = monitor.loss_of_start and not self.network.dropout
        if monitor.n_iter == 0 and not self.incremental and not start_is_known:
            loss = self._loss_of_batches(mapped)
            if self.network.dropout:
                monitor.loss_before = loss
            if not monitor.loss_of_start:  # the first epoch may overflow before its loss is known
                monitor.initial_loss = loss
        size, shuffle = options.batch_size, options.shuffle
        passes = epochs(self.samples, size, self.rng, shuffle, self.network, self.order)
        return optimizer, state, passes

    def _validate(self, loss: float, target: Scored) -> tuple[float, float] | None:
        """Score and loss on the validation data, NaN after an overflow; None without data."""
        if self.held_out is None:
            return None
        if math.isfinite(loss):
            loss, outcomes = self.evaluate(self.held_out, target)
            if outcomes is not None:
                return self._score(target, outcomes), loss
        return math.nan, math.nan

    def _score(self, target: Scored, outcomes: np.ndarray) -> float:
        """Score the validation data, as a fitted network would predict them."""
        scale = self.target_scale
        if scale is None or scale.skip is None:
            return target.score(outcomes, self.held_out)
        return target.score(*scale.add_skip(outcomes, self.held_out))

    def evaluate(
        self, samples: Rows | Ragged, target: Scored, mapped: MapLike = map
    ) -> tuple[float, np.ndarray | None]:
        """Compute the mean loss of samples, without penalty, and their outcomes for the score.

        The outcomes are None if an output of the network is not finite.
        """

        def keep(raw: Any, rows: slice) -> np.ndarray | None:
            return target.outcomes(raw, samples.y[rows]) if all_finite(scores_of(raw)) else None

        loss, parts = self._mean_loss(samples, keep=keep, mapped=mapped)
        is_finite = all(part is not None for part in parts)
        return loss, np.concatenate(parts) if is_finite else None

    def loss_of(self, samples: Rows | Ragged) -> float:
        """Compute the mean loss of samples, without penalty."""
        return self._mean_loss(samples)[0]

    def _mean_loss(self, samples: Rows | Ragged, **options: Any) -> tuple[float, tuple[Any, ...]]:
        return mean_loss(self.network, self.params, samples, self.options.loss, **options)

    def _loss_of_batches(self, mapped: MapLike) -> float:
        """Mean loss of the batches of an epoch in which no step is taken."""
        loss, _ = self._mean_loss(self.samples, size=SMALL_PIECE, mapped=mapped)
        return loss + self._penalty()

    def _penalty(self) -> float:
        """Mean penalty of the batches of an epoch with the weights as they are."""
        samples, options = self.samples, self.options
        total = samples.weight.sum() / count_batches(samples.n_samples, options.batch_size)
        return l2(self.params.weights, options.alpha, total)[0]

    def _overflows(self) -> bool:
        """Whether the last step, after which no loss was computed, leads to infinite outputs.

        Only huge weights can, so an ordinary fit needs no further pass.
        """
        if np.abs(self.params.flat).max() < _HUGE_WEIGHT:
            return False
        _, are_finite = self._mean_loss(
            self.samples, keep=lambda raw, rows: all_finite(scores_of(raw))
        )
        return not all(are_finite)


def _is_constant(samples: Rows | Ragged) -> bool:
    """Whether all targets that count are equal."""
    targets = samples.y[samples.weight > 0]
    return bool((targets == targets[:1]).all())


def _obstacle(labels: np.ndarray, n_held_out: int) -> str:
    """Say which classes prevent a stratified split; an empty string if it is possible."""
    classes, counts = np.unique(labels, return_counts=True)
    if counts.min() < 2:
        return f"There is a single sample of each of the classes {classes[counts < 2].tolist()}"
    if min(n_held_out, len(labels) - n_held_out) < len(classes):
        return f"There are {len(classes)} classes, {classes.tolist()}"
    return ""


def _is_not_finite(optimizer_state: State | None) -> bool:
    """Whether moments of the gradient overflowed, although the loss may not have."""
    values = (optimizer_state or {}).values()
    return not all(np.isfinite(value).all() for value in values)


def _runs_in_joblib() -> bool:
    """Whether joblib called the function that is running, as one of several."""
    names = (frame.f_globals.get("__name__", "") for frame, _ in traceback.walk_stack(None))
    return any(name.partition(".")[0] == "joblib" for name in names)
