"""What all estimators share: validate, train, keep the result, evaluate."""

from __future__ import annotations

import copy
from abc import abstractmethod
from dataclasses import asdict, dataclass, replace
from functools import lru_cache, partial
from numbers import Integral, Real
from typing import Any

import numpy as np
from sklearn.callback import CallbackSupportMixin, with_callbacks
from sklearn.model_selection import train_test_split
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import Interval, Options, StrOptions
from sklearn.utils.validation import (
    _check_sample_weight,
    check_is_fitted,
)

from skrnn import _targets
from skrnn._atomic import unchanged_on_error
from skrnn._containers import overflow_refused, refuse_masked
from skrnn._epochs import Keeper, Recipe, Watch, train
from skrnn._numeric.networks import MLP, RNN
from skrnn._numeric.packing import starts_of
from skrnn._numeric.params import Params
from skrnn._numeric.training import Ragged, Rows, evaluate, mean_loss
from skrnn._persistence import Persistent
from skrnn._training.threads import thread_map
from skrnn.solvers import LBFGS

_LARGEST = 2**63 - 1  # of the integers that parameters may be


@dataclass(frozen=True)
class Job:
    """What one call of fit has to do, once everything given to it is known to be valid."""

    network: MLP | RNN
    recipe: Recipe
    samples: Rows | Ragged
    held_out: Rows | Ragged | None  # validation samples, if the user gave some
    rng: np.random.RandomState | None  # None where nothing is drawn
    again: bool  # from the weights of the last fit, instead of new ones
    context: Any  # of scikit-learn's callbacks
    told: dict[str, Any]  # what callbacks are told of the data
    keeper: Keeper | None = None  # of the progress, if a callback wants to


@dataclass
class Run:
    """One start of training: its weights, its history, the state of its optimizer."""

    params: Params
    watch: Watch
    state: dict | None = None


class NeuralNetwork(CallbackSupportMixin, Persistent):
    """Fit and evaluate a network; subclasses say of what kind, and for which data."""

    _parameter_constraints: dict = {
        "hidden_layer_sizes": ["array-like", Interval(Integral, 1, None, closed="left")],
        "activation": [StrOptions({"identity", "logistic", "tanh", "relu"})],
        "alpha": [Interval(Real, 0, None, closed="left")],
        "batch_size": [StrOptions({"auto"}), Interval(Integral, 1, None, closed="left")],
        "learning_rate": [StrOptions({"constant", "invscaling", "adaptive", "cosine"})],
        "learning_rate_init": [Interval(Real, 0, None, closed="neither")],
        "max_iter": [Interval(Integral, 1, None, closed="left")],
        "random_state": ["random_state"],
        "tol": [Interval(Real, 0, None, closed="left")],
        "verbose": ["verbose"],
        "warm_start": ["boolean"],
        "early_stopping": ["boolean"],
        "validation_fraction": [Interval(Real, 0, 1, closed="left")],
        "n_iter_no_change": [Interval(Integral, 1, None, closed="left"), Options(Real, {np.inf})],
        "dropout": [Interval(Real, 0, 1, closed="left")],
        "n_init": [Interval(Integral, 1, None, closed="left")],
    }

    # What a subclass says of itself ------------------------------------------------------

    @abstractmethod
    def _read_X(self, X, *, reset):
        """Validate X; returns its values, and the lengths of the sequences or None."""

    @abstractmethod
    def _read_y(self, y, *, again, classes):
        """Validate targets and set what fit learns of them; returns them as the loss wants."""

    @abstractmethod
    def _network(self):
        """Describe the network for the data seen in fit."""

    @abstractmethod
    def _recipe(self, n_samples, incremental):
        """Say how to train."""

    @abstractmethod
    def _draw(self, params, rng, attempt):
        """Set initial weights; `attempt` counts the restarts."""

    @abstractmethod
    def _weights(self):
        """Get the weights as a mapping of layer to mapping of name to array."""

    @abstractmethod
    def _weight_attributes(self, params):
        """Get the fitted attributes that hold the weights."""

    @abstractmethod
    def _answer(self, scores):
        """Turn scores into probabilities or predictions."""

    @abstractmethod
    def _rate(self, scores, samples):
        """Rate scores, as ``score`` would; the larger, the better."""

    def _class_weight(self, samples, incremental):
        """Get factors of the sample weights, from the targets."""
        return None

    # Targets may stand beside samples, as here, or beside the steps of sequences.
    _per_step = False

    def _lay_out(self, values, lengths, name):
        """Lay targets or weights out in rows, in the order of the scores."""
        return values

    def _give(self, answers, lengths):
        """Give answers the form that targets came in."""
        return answers

    def _n_starts(self, recipe, n_samples):
        """Count the starts from different initial weights."""
        return self.n_init

    def _attainable(self, samples):
        """Bound `_rate` on the training samples: where it is reached, no restart does better."""
        return np.inf

    def _strata(self, samples):
        """Get what a validation split should keep the shares of, if anything."""
        return None

    # Training ----------------------------------------------------------------------------

    def _hidden_units(self):
        sizes = self.hidden_layer_sizes
        sizes = [sizes] if isinstance(sizes, Integral) else list(sizes)
        if not all(isinstance(n_units, Integral) and int(n_units) > 0 for n_units in sizes):
            raise ValueError(f"hidden_layer_sizes must be > 0 and integer, got {sizes}.")
        return tuple(int(n_units) for n_units in sizes)

    def _goes_on(self):
        """Whether training can go on batch by batch; says why not by an AttributeError."""
        if self.solver == "lbfgs" or isinstance(self.solver, LBFGS):
            raise AttributeError(f"partial_fit is not available with solver={self.solver!r}.")
        return True

    def _fit(self, X, y, sample_weight=None, *, validation=None, incremental=False, classes=None):
        if incremental and self.early_stopping:
            raise ValueError("partial_fit does not support early_stopping=True.")
        for name, value in self.get_params(deep=False).items():
            if isinstance(value, Integral) and abs(int(value)) > _LARGEST:
                raise ValueError(f"{name} is too large a number: more than {_LARGEST}.")
        with unchanged_on_error(self):
            return self._fit_with_callbacks(X, y, sample_weight, validation, incremental, classes)

    @with_callbacks
    def _fit_with_callbacks(self, X, y, sample_weight, validation, incremental, classes):
        again = (incremental or self.warm_start) and hasattr(self, "n_iter_")
        samples = self._samples(X, y, sample_weight, again=again, classes=classes)
        samples = _without_weightless(samples, "sample_weight")
        if (factors := self._class_weight(samples, incremental)) is not None:
            weight = (samples.weight * factors).astype(samples.x.dtype)
            samples = _without_weightless(replace(samples, weight=weight), "class_weight")
        recipe = self._recipe(samples.n_samples, incremental).in_plain_numbers()
        if self.dropout and recipe.is_lbfgs:
            raise ValueError(
                f"dropout={self.dropout} makes the loss random, which L-BFGS cannot follow; use "
                "solver='adam' or 'sgd', or dropout=0."
            )
        n_starts = 1 if again else self._n_starts(recipe, samples.n_samples)
        metadata = None if sample_weight is None else {"sample_weight": sample_weight}
        job = Job(
            network=self._network(),
            recipe=recipe,
            samples=samples,
            held_out=self._validation_samples(validation),
            rng=check_random_state(self.random_state),
            again=again,
            context=self._init_callback_context(
                max_subtasks=recipe.max_iter if n_starts == 1 else None
            ),
            told={"estimator": self, "X": X, "y": y, "metadata": metadata},
        )
        for callback in getattr(self, "_skl_callbacks", []):
            if hasattr(callback, "keep_progress"):
                job = callback.keep_progress(self, job, n_starts, incremental)
        job.context.call_on_fit_task_begin(**job.told)
        # A copy, for the optimizer works in place and something may yet go wrong.
        state = copy.deepcopy(self._optimizer_state) if incremental and again else None
        best = self._best_of(n_starts, job) if n_starts > 1 else self._run(job, 0, state)
        self.__dict__.update(self._fitted_attributes(job, best))
        job.context.call_on_fit_task_end(**job.told, reconstruction_attributes={})
        if not incremental or best.watch.outcome in ("diverged", "interrupted"):
            best.watch.warn(stacklevel=6)  # at the line that called fit
        return self

    def _samples(self, X, y, sample_weight, *, again, classes=None):
        """Put validated samples, targets and weights side by side."""
        if y is None:
            raise ValueError(
                f"{type(self).__name__} requires y to be passed, but the target y is None."
            )
        refuse_masked(y, "y")
        refuse_masked(sample_weight, "sample_weight")
        x, lengths = self._read_X(X, reset=not again)
        with overflow_refused("y"):
            targets = self._read_y(self._lay_out(y, lengths, "y"), again=again, classes=classes)
        n_rows = x.shape[0] if lengths is None or self._per_step else len(lengths)
        if len(targets) != n_rows:
            what = "samples" if lengths is None else "sequences"
            raise ValueError(f"X holds {n_rows} {what}, but y holds {len(targets)} targets.")
        if sample_weight is not None:
            sample_weight = self._lay_out(sample_weight, lengths, "sample_weight")
        with overflow_refused("sample_weight"):
            weight = _check_sample_weight(
                sample_weight, np.empty(n_rows), dtype=x.dtype, ensure_non_negative=True
            )
        if targets.dtype.kind == "f":
            targets = targets.astype(x.dtype, copy=False)
        if lengths is None:
            return Rows(x, targets, weight)
        return Ragged(x, targets, weight, lengths, self._per_step)

    def _validation_samples(self, validation):
        """Validate ``X_val, y_val, sample_weight_val`` if the user gave them."""
        if validation is None or all(given is None for given in validation):
            return None
        if validation[0] is None or validation[1] is None:
            raise ValueError(
                "X_val and y_val go together, with or without sample_weight_val, but were not "
                "both passed."
            )
        try:
            samples = self._samples(*validation, again=True)
        except ValueError as error:
            raise ValueError(f"In the validation data X_val and y_val: {error}") from error
        if len(samples.y) < 2:
            raise ValueError("X_val holds a single sample; at least 2 are needed for a score.")
        return samples

    def _best_of(self, n_starts, job):
        """Train from several starts; keep the lowest loss, or the first that is all right."""
        ceiling, best = self._attainable(job.samples), None
        if job.recipe.early_stopping and job.held_out is None:
            # One split for all, for scores on different ones do not compare.
            kept, held_out = self._hold_out(job.samples, job.rng)
            job = replace(job, samples=kept, held_out=held_out)
        for attempt in range(n_starts):
            run = self._run(job, attempt)
            right = ceiling < np.inf and (
                self._rating(job.network, run.params, job.samples) >= ceiling
            )
            if best is None or right or run.watch.merit > best.watch.merit:
                best = run
            # A run that has not settled is not stuck: it wants more iterations, not a restart.
            unsettled = self.n_init == "auto" and run.watch.outcome in ("max_iter", "max_fun")
            if right or unsettled or run.watch.outcome in ("stopped", "interrupted"):
                break
        return best

    def _run(self, job, attempt, state=None):
        """Train once, from new weights or from those of the last fit."""
        params = Params(job.network.shapes, job.samples.x.dtype)
        if job.again:
            params.fill(self._weights())
        else:
            self._draw(params, job.rng, attempt)
        if job.recipe.early_stopping and job.held_out is None:
            kept, held_out = self._hold_out(job.samples, job.rng)
            job = replace(job, samples=kept, held_out=held_out)
        watch = Watch(job.recipe, params.flat.copy(), job.samples.n_samples)
        if job.held_out is not None:
            watch.validate = partial(self._validate, job, params)
        watch.n_seen = self.t_ if job.again else 0
        run = Run(params, watch)
        if hasattr(self, "_skl_callbacks"):
            watch.report = self._reporter(job, run)
        run.state = train(
            job.network, params, job.samples, job.recipe, job.rng, watch, state, job.keeper
        )
        return run

    def _hold_out(self, samples, rng):
        """Set validation samples aside."""
        if not self.validation_fraction:
            raise ValueError(
                "early_stopping=True needs validation data: validation_fraction > 0, got "
                f"{self.validation_fraction}, or X_val and y_val in fit."
            )
        try:
            kept, held_out = train_test_split(
                np.arange(samples.n_samples),
                test_size=self.validation_fraction,
                random_state=rng,
                stratify=self._strata(samples),
            )
        except ValueError as error:
            raise ValueError(
                f"early_stopping cannot hold out validation_fraction={self.validation_fraction} of "
                f"{samples.n_samples} samples: {error}"
            ) from error
        if len(held_out) < 2:
            raise ValueError(
                f"early_stopping needs at least 2 validation samples, but validation_fraction="
                f"{self.validation_fraction} of {samples.n_samples} samples leaves "
                f"{len(held_out)}. Increase it, or turn early_stopping off."
            )
        return samples.subset(kept), samples.subset(held_out)

    def _validate(self, job, params, theta):
        """Rate the current weights on the held-out samples; returns score and loss."""
        if theta is not params.flat:
            params.flat[:] = theta
        loss, scores = mean_loss(job.network, params, job.held_out, job.recipe.loss)
        if not np.isfinite(scores).all():
            return np.nan, np.nan
        return self._rate(scores, job.held_out), loss

    def _rating(self, network, params, samples):
        with np.errstate(over="ignore", invalid="ignore"):
            scores = evaluate(network.run, params, samples.x, getattr(samples, "lengths", None))
        return self._rate(scores, samples)

    def _reporter(self, job, run):
        """Tell the callbacks of scikit-learn of each epoch; a fitted copy only if one asks."""

        def fitted_attributes():
            return copy.deepcopy(self._fitted_attributes(job, run))

        def report(theta):
            if theta is not run.params.flat:
                run.params.flat[:] = theta
            epoch = job.context.subcontext(task_name="epoch")
            epoch.call_on_fit_task_begin(**job.told)
            return epoch.call_on_fit_task_end(
                **job.told, reconstruction_attributes=fitted_attributes
            )

        return report

    def _fitted_attributes(self, job, run):
        """Everything that a fit sets at its end."""
        watch = run.watch
        validated = bool(watch.validation_scores)
        return {
            **self._weight_attributes(run.params),
            "n_iter_": watch.n_iter,
            "t_": watch.n_seen,
            "loss_": watch.loss_curve[-1] if watch.loss_curve else np.nan,
            "loss_curve_": self._gone_on("loss_curve_", job) + watch.loss_curve,
            "best_loss_": None if job.recipe.early_stopping else watch.best_loss,
            "validation_scores_": (
                self._gone_on("validation_scores_", job) + watch.validation_scores
                if validated
                else None
            ),
            "validation_loss_curve_": (
                self._gone_on("validation_loss_curve_", job) + watch.validation_losses
                if validated
                else None
            ),
            "best_validation_score_": watch.best_score if validated else None,
            "_architecture": asdict(job.network),
            "_optimizer_state": run.state,
        }

    def _become_fitted(self, X, y, weights):
        """Set all that a fit would, with these weights; X and y show the shapes and classes."""
        self._validate_params()
        samples = self._samples(X, y, None, again=False)
        network, recipe = self._network(), self._recipe(samples.n_samples, False)
        params = Params(network.shapes, samples.x.dtype).fill(weights)
        job = Job(network, recipe, samples, None, None, again=False, context=None, told={})
        run = Run(params, Watch(recipe, params.flat, samples.n_samples))
        self.__dict__.update(self._fitted_attributes(job, run) | {"best_loss_": None})
        return self

    def _gone_on(self, curve, job):
        """Get the curve that this fit goes on with."""
        return (getattr(self, curve) or []) if job.again else []

    # Evaluation --------------------------------------------------------------------------

    def _fitted_network(self):
        """Describe the network as it was in fit, whatever the parameters say now."""
        if not self.__sklearn_is_fitted__():
            check_is_fitted(self)  # which raises, after asking for tags: 15 us of a streamed step
        return _described(self._network_type, *self._architecture.items())

    def _scores(self, X):
        """Raw outputs for X, and the lengths of its sequences."""
        return self._evaluate(self._fitted_network().run, X)

    def _evaluate(self, run, X):
        """Compute outputs of ``run`` for X, and the lengths of its sequences."""
        x, lengths = self._read_X(X, reset=False)
        with np.errstate(over="ignore", invalid="ignore"), thread_map() as mapped:
            outputs = evaluate(run, self._weights(), x, lengths, mapped=mapped)
        return _targets.check_finite(outputs), lengths

    def __sklearn_is_fitted__(self):
        return hasattr(self, "n_iter_")


@lru_cache(maxsize=64)
def _described(kind, *architecture):
    """Make a network from its description; of a streamed step, that would take a fifth."""
    return kind(**dict(architecture))


def _without_weightless(samples, name):
    """Drop samples that count for nothing.

    They could still act by their presence: on batches, class weights and validation splits.
    """
    weight = samples.weight
    with np.errstate(over="ignore"):
        if not np.isfinite(weight.sum()):
            raise ValueError(f"The sum of {name} is not finite; divide it by its maximum.")
    if isinstance(samples, Ragged) and samples.per_step:
        weight = np.add.reduceat(weight, starts_of(samples.lengths))
    if not weight.any():
        raise ValueError(f"{name} is zero for every sample; at least one must count.")
    return samples if weight.all() else samples.subset(np.flatnonzero(weight))
