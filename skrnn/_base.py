"""Fit and predict: the parts that are the same for all networks."""

from __future__ import annotations

import copy
import warnings
from dataclasses import asdict, replace
from functools import partial
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from sklearn.utils import assert_all_finite, check_random_state
from sklearn.utils.validation import check_is_fitted

from skrnn._compat import CallbackSupportMixin, check_sample_weight, with_callbacks
from skrnn._estimator import Persistent
from skrnn._input import (
    check_beside,
    flatten_steps,
    flatten_weights,
    refuse_overflow,
    replace_missing,
)
from skrnn._numeric.networks import network_from
from skrnn._numeric.pieces import PIECE, Piece, evaluate, join, pieces
from skrnn._numeric.training import Ragged, Rows
from skrnn._parameters import CONSTRAINTS, hidden_units, refuse_large_integers
from skrnn._training.constant import useful_loss
from skrnn._training.diagnosis import needed_scaling
from skrnn._training.labels import refuse_other_count
from skrnn._training.options import TrainingOptions
from skrnn._training.run import Run
from skrnn._training.scaling import TargetScale
from skrnn._training.targets import ONE_HOT, check_finite
from skrnn._training.task import FitTask
from skrnn._training.threads import map_for
from skrnn._training.validation import holds_out_ends, split_ends
from skrnn._training.weights import without_weightless
from skrnn.solvers import LBFGS

if TYPE_CHECKING:
    from collections.abc import Callable

    from skrnn._numeric.networks import Network
    from skrnn._numeric.types import Layer

    Given = tuple[Any, Any, Any] | None  # X, y and sample_weight

# The parameters of training in parts.
_ONE_PASS = {"max_iter": 1, "early_stopping": False}


class NeuralNetwork(CallbackSupportMixin, Persistent):
    """Fit a network, and evaluate it.

    A subclass sets `_network_type` and `_per_step`, takes `_target`, `_read_targets`, `_loss`,
    `_best_constant`, `_all_right` and `_y_scaler` from `ClassPredictions` or `NumberPredictions`
    (`_predictions.py`), and defines

    * ``_read_X(X, reset)``: values, lengths and static features (both None for tables), and what
      `fit` learns of X;
    * ``_network(samples, warm_start)``: the architecture, from parameters and fitted attributes;
    * ``_choose_solver(samples, incremental)`` and ``_n_starts(options, samples)``;
    * ``_auto_settings(samples, solver, incremental, validates)``: the values of parameters that may
      be 'auto';
    * ``_init_weights(params, rng, attempt)``: initial weights, in place;
    * ``_weights()`` and ``_weight_attributes(params)``: the weights as a mapping of layers, and
      as fitted attributes.
    """

    _parameter_constraints: dict[str, Any] = CONSTRAINTS
    _network_type: Any  # `MLP` or `RNN`
    _keep_best = False  # whether to keep the weights of the lowest loss if the loss rises again
    _per_step = False  # whether there is a target for each step, instead of one for each sample

    # Fit ---------------------------------------------------------------------------------

    @with_callbacks
    def _fit(
        self,
        X: Any,
        y: Any,
        sample_weight: Any,
        validation: Given = None,
        *,
        incremental: bool = False,
        classes: Any = None,
    ) -> Self:
        """Train from one or more starts, and keep the best."""
        run = self._prepare(X, y, sample_weight, validation, incremental, classes)
        n_starts = run.n_starts
        n_epochs = run.options.max_iter if n_starts == 1 else None
        task = FitTask(self, X, y, sample_weight, n_epochs)
        self._training_run = best = run
        task.begin()  # here a callback may load the state of the run
        for attempt in range(n_starts):
            self._training_run = run = replace(run) if attempt else run
            if not run.is_loaded:
                self._initialize(run, attempt)
            for remark in run.remarks:
                warnings.warn(remark, UserWarning, stacklevel=5)  # at the line that called fit
            run.train(self._target, partial(task.report_epoch, partial(self._learned_from, run)))
            all_right = n_starts > 1 and self._all_right(run)
            if all_right or run.monitor.kept_value > best.monitor.kept_value:
                best = run
            if all_right or self._ends_search(run.monitor.outcome):
                break
        best.finish(self._corrections)
        self.__dict__.update(self._learned_from(best))
        task.end()
        del self._training_run
        ended = run if run.monitor.outcome == "interrupted" else best
        if not incremental or ended.monitor.outcome in ("diverged", "interrupted"):
            names = getattr(self, "feature_names_in_", None)
            ended.monitor.warn(5, needed_scaling(ended, self._y_scaler, self._useful_loss, names))
        return self

    def _prepare(
        self, X: Any, y: Any, sample_weight: Any, validation: Given, incremental: bool, classes: Any
    ) -> Run:
        """Validate everything, encode the targets, and set up the first start."""
        self._check_parameters(incremental)
        warm_start = (incremental or self.warm_start) and self.__sklearn_is_fitted__()
        unweighted = self._read_samples(X, y, sample_weight, warm_start, classes)
        samples = self._weighted(unweighted, unweighted.y)
        if incremental:  # the mean weight of all samples that are to come is not known
            samples = replace(samples, unit_weight=1.0)
        held_out = self._read_validation_samples(validation, unweighted.y)
        scale = self._choose_target_scale(samples, warm_start)
        if scale is not None:
            samples = scale.standardize(samples)
            held_out = None if held_out is None else scale.standardize(held_out)
        options = self._options(samples, incremental, held_out is not None)
        network = self._network(samples, warm_start)
        network = network if scale is None else scale.in_training(network)
        if network.dropout and options.uses_lbfgs:
            raise ValueError(
                f"dropout={self.dropout} makes the loss random, which L-BFGS does not support; "
                "use solver='adam' or 'sgd', or dropout=0."
            )
        if options.early_stopping and held_out is None and holds_out_ends(samples):
            samples, held_out = split_ends(samples, self.validation_fraction)
        n_starts = 1 if warm_start else self._n_starts(options, samples)
        rng = check_random_state(self.random_state)
        run = Run(
            network, options, samples, held_out, rng, n_starts, warm_start, incremental, scale
        )
        if not warm_start and self._target.is_one_hot(samples.y):
            run.remarks.append(ONE_HOT)
        return run

    def _check_parameters(self, incremental: bool) -> None:
        if incremental and self.early_stopping not in (False, "auto"):
            raise ValueError("partial_fit does not support early_stopping=True.")
        class_weight = getattr(self, "class_weight", None)
        if incremental and isinstance(class_weight, str):
            raise ValueError(
                f"class_weight={class_weight!r} needs all labels at once; partial_fit accepts a "
                "dictionary."
            )
        refuse_large_integers(self.get_params(deep=False))

    def _supports_partial_fit(self) -> bool:
        """Whether training can continue batch by batch; the AttributeError says why not."""
        if self.solver == "lbfgs" or isinstance(self.solver, LBFGS):
            raise AttributeError(f"partial_fit is not available with solver={self.solver!r}.")
        return True

    def _options(
        self, samples: Rows | Ragged, incremental: bool, validates: bool = False
    ) -> TrainingOptions:
        solver = self._choose_solver(samples, incremental)
        return TrainingOptions.from_parameters(
            self.get_params(deep=False) | (_ONE_PASS if incremental else {}),
            auto=self._auto_settings(samples, solver, incremental, validates),
            loss=self._loss(),
            solver=solver,
            keep_best=self._keep_best,
        )

    def _hidden_units(self) -> tuple[int, ...]:
        return hidden_units(self.hidden_layer_sizes)

    def _initialize(self, run: Run, attempt: int) -> None:
        """Set the initial weights of a run, and hold validation samples out if it needs them."""
        splits = run.options.early_stopping and run.held_out is None
        if splits and run.n_starts > 1:  # one split for all starts, whose scores are compared
            run.hold_out(self.validation_fraction, self._target)
        if run.warm_start:
            try:
                run.params.fill({k: p for k, p in self._weights().items() if k != "skip"})
            except ValueError as error:
                raise ValueError(
                    "The network differs from that of the earlier fit, whose weights warm_start "
                    f"and partial_fit continue from. {error}"
                ) from error
        else:
            self._init_weights(run.params, run.rng, attempt)
        if run.target_scale is not None and (run.warm_start or isinstance(self.init, dict)):
            run.target_scale.enter(run.params)
        if splits and run.n_starts == 1:  # after the weights, as MLPClassifier does
            run.hold_out(self.validation_fraction, self._target)
        useful = self._useful_loss(run) if run.options.early_stopping else -np.inf
        run.begin(self.t_ if run.warm_start else 0, useful)
        if run.incremental and run.warm_start:
            # A copy: the optimizer works in place, and an error may follow.
            run.optimizer_state = copy.deepcopy(self._optimizer_state)

    def _useful_loss(self, run: Run, part: Rows | Ragged | None = None) -> float:
        """Compute the loss below which a run is better than a constant prediction."""
        loss, out_activation = run.options.loss, self._target.out_activation
        return useful_loss(loss, self._best_constant(), out_activation, run.samples, part)

    def _ends_search(self, outcome: str) -> bool:
        """Whether no further start shall follow one of this outcome."""
        if outcome in ("stopped", "interrupted"):
            return True
        # A run that has not settled needs more iterations, not another start.
        return self.n_init == "auto" and outcome in ("running", "max_fun")

    def _corrections(self, run: Run) -> dict[str, Any]:
        """Choose how to correct the outputs of a trained run for the noise that it has learned."""
        return {}

    def _learned_from(self, run: Run) -> dict[str, Any]:
        """Collect the attributes that a fit sets at its end."""
        monitor, scale = run.monitor, run.target_scale
        curves = monitor.curves
        if run.warm_start:  # the curves of the earlier fit continue
            for name, curve in curves.items():
                if curve is not None:
                    curves[name] = (getattr(self, name) or []) + curve
        return {
            **self._weight_attributes(run.fitted_weights),
            **curves,
            "n_iter_": monitor.n_iter,
            "t_": monitor.n_seen,
            "loss_": monitor.loss_curve[-1] if monitor.loss_curve else np.nan,
            "best_loss_": None if run.options.early_stopping else monitor.best_loss,
            "best_validation_score_": monitor.best_score if monitor.validation_scores else None,
            "_architecture": asdict(run.fitted_network),
            "_optimizer_state": run.optimizer_state,
            "_target_scale": scale and asdict(scale),
        }

    def _become_fitted(
        self, X: Any, y: Any, weights: dict[str, Any], differences: tuple[int, ...] = ()
    ) -> Self:
        """Set all that a fit would, with these weights; X and y show the shapes and classes."""
        self._validate_params()
        samples = self._read_samples(X, y, None, warm_start=False)
        options = self._options(samples, incremental=False)
        network, rng, scale = self._network(samples), check_random_state(None), None
        if "skip" in weights:
            scale = TargetScale.only_skip(weights.pop("skip")["W"], differences)
            network = scale.in_training(network)
        run = Run(network, options, samples, None, rng, target_scale=scale)
        run.params.fill(weights)
        run.begin()
        self.__dict__.update(self._learned_from(run) | {"best_loss_": None})
        return self

    # Data --------------------------------------------------------------------------------

    def _read_samples(
        self, X: Any, y: Any, sample_weight: Any, warm_start: bool, classes: Any = None
    ) -> Rows | Ragged:
        """Validate X, y and weights, and set the attributes that describe their form."""
        if y is None:
            raise ValueError(
                f"{type(self).__name__} requires y to be passed, but the target y is None."
            )
        check_beside(X, y, sample_weight, self._per_step)
        x, lengths, static = self._read_X(X, reset=not warm_start)
        n_rows = x.shape[0] if lengths is None or self._per_step else len(lengths)
        if sample_weight is not None and self._per_step:
            sample_weight = flatten_weights(sample_weight, lengths)
        with refuse_overflow("sample_weight"):
            weight = check_sample_weight(
                sample_weight, np.empty(n_rows), dtype=x.dtype, ensure_non_negative=True
            )
        with refuse_overflow("y"):
            y = flatten_steps(y, lengths, "y") if self._per_step else y
            y = replace_missing(y, weight, lengths, self._per_step)
            target, y = self._read_targets(y, self._target if warm_start else None, classes)
            targets = target.encode(y, x.dtype)
            assert_all_finite(targets, input_name="y")  # float32 holds smaller numbers
        refuse_other_count(y, n_rows, x.shape[0], lengths)
        self.__dict__.update(target.attributes)
        self._check_targets(targets, lengths, weight)
        samples: Rows | Ragged = Rows(x, targets, weight)
        if lengths is not None:
            samples = Ragged(x, targets, weight, lengths, self._per_step, static)
        return without_weightless(samples, "sample_weight")

    def _weighted(self, samples: Rows | Ragged, training: np.ndarray) -> Rows | Ragged:
        """Multiply the weights of samples by those that the training targets give to classes."""
        class_weight = getattr(self, "class_weight", None)
        if class_weight is None:
            return samples
        factors = self._target.weights(class_weight, samples.y, training)
        weight = (samples.weight * factors).astype(samples.x.dtype)
        return without_weightless(replace(samples, weight=weight), "class_weight")

    def _read_validation_samples(
        self, validation: Given, training: np.ndarray
    ) -> Rows | Ragged | None:
        """Validate ``X_val, y_val, sample_weight_val`` if the user passed them."""
        if validation is None or all(given is None for given in validation):
            return None
        if validation[0] is None or validation[1] is None:
            raise ValueError("X_val and y_val go together: pass both of them, or neither.")
        X_val, y_val, sample_weight_val = validation
        try:
            samples = self._read_samples(X_val, y_val, sample_weight_val, warm_start=True)
            samples = self._weighted(samples, training)
        except ValueError as error:
            raise ValueError(f"In the validation data X_val and y_val: {error}") from error
        if len(samples.y) < 2:
            raise ValueError("X_val holds a single sample; at least 2 are needed for a score.")
        return samples

    # Predict -----------------------------------------------------------------------------

    def _fitted_network(self) -> Any:
        """Build the architecture as it was in fit, whatever the parameters are now."""
        if not self.__sklearn_is_fitted__():
            check_is_fitted(self)  # raises; its look at the tags would slow a streamed step
        return network_from(self._network_type, self._architecture)

    def _evaluate(
        self,
        network: Network,
        X: Any,
        decode: Callable[[Any], np.ndarray] | None = None,
        *,
        run: Layer | None = None,
        size: int = PIECE,
    ) -> tuple[np.ndarray, Any]:
        """Compute outputs of a network for X, piece by piece, and decode those of each piece.

        Returns the results in one array, and the lengths of the sequences. `run` is another part of
        the network than all of it.
        """
        x, lengths, static = self._read_X(X, reset=False)
        of_all = x.shape[0], lengths, static
        width = network.n_outputs if run is None else 1
        parts = pieces(*of_all, per_step=network.per_step, width=width, size=size)

        def use(outputs: Any, piece: Piece) -> np.ndarray:
            check_finite(outputs, piece.outputs.start)
            return outputs if decode is None else decode(outputs)

        with np.errstate(all="ignore"), map_for(len(parts), x.shape[0], *network.largest) as mapped:
            run, weights = run or network.predict, self._weights()
            results = evaluate(run, weights, x, parts, use, mapped, network=network)
            # Decoded, they may also have a row for each sequence, which may be more than the steps.
            n_sequences = 0 if lengths is None else len(lengths)
            return join(results, max(parts[-1].outputs.stop, n_sequences)), lengths

    def _predict(self, X: Any, method: str) -> np.ndarray:
        """Decode raw predictions by a method of the target, given by its name."""
        network, target = self._fitted_network(), self._fitted_target
        found = self._evaluate(network, X, getattr(target, method))
        predicted: np.ndarray = target.unflatten(*found)
        return predicted

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "n_iter_")

    def __getstate__(self) -> dict[str, Any]:
        # A copy that a callback makes must not hold the training data.
        return {k: v for k, v in super().__getstate__().items() if k != "_training_run"}
