"""The public methods of classifiers and of regressors."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Self, overload

import numpy as np

from skrnn._compat.decorators import available_if, fit_context
from skrnn._estimator import unchanged_on_error
from skrnn._input import check_beside
from skrnn._input.steps import place_of_target
from skrnn._numeric.losses import NUMBER_LOSSES
from skrnn._numeric.params import Params
from skrnn._numeric.recurrent import CELLS
from skrnn._training.connection import (
    choose_last_step,
    choose_steps_and_differences,
    differences_beside,
)
from skrnn._training.intercept import choose_shift
from skrnn._training.labels import refuse_arrays
from skrnn._training.numbers import NumberTarget
from skrnn._training.penalty import WITHOUT_NOISE, default_penalty
from skrnn._training.scaling import TargetScale
from skrnn._training.shrinkage import choose_temperature
from skrnn._training.targets import ClassTarget
from skrnn.losses import Quantile
from skrnn.metrics import flat_score
from skrnn.solvers import LBFGS

if TYPE_CHECKING:
    from skrnn._numeric.losses import BestConstant, Loss, NumberLoss
    from skrnn._numeric.training import Ragged, Rows
    from skrnn._training.run import Run
    from skrnn.solvers import SGD, Adam

# The estimators have the attributes that the methods use. mypy does not check them in `Any`.
Mixin: Any = object


class ClassPredictions(Mixin):
    """The methods of a classifier: labels, probabilities, and training in parts."""

    @property
    def _target(self) -> ClassTarget:
        return ClassTarget(self.n_outputs_, self.out_activation_, self._per_step, self.classes_)

    @property
    def _fitted_target(self) -> ClassTarget:
        return self._target

    def _read_targets(
        self, y: Any, fitted: ClassTarget | None, classes: Any
    ) -> tuple[ClassTarget, np.ndarray]:
        softmax = getattr(self, "out_activation", "auto") == "softmax"
        activation = "softmax" if softmax else None
        return ClassTarget.from_labels(y, self._per_step, fitted, classes, activation)

    def _check_targets(
        self, targets: np.ndarray, lengths: np.ndarray | None, weight: np.ndarray
    ) -> None:
        """Do nothing: every class is valid for every loss."""

    def _loss(self) -> Loss:
        return self._target.loss(self.loss)

    def _best_constant(self) -> BestConstant:
        return self._target.best_constant

    def _all_right(self, run: Run) -> bool:
        """Whether a start predicts all training samples correctly that can be."""
        with np.errstate(over="ignore", invalid="ignore"):
            outcomes = run.evaluate(run.samples, self._target)[1]
        if outcomes is None:
            return False
        best = self._best_score(run.samples)
        return self._target.score(outcomes, run.samples) > best - 1e-6  # weights are rounded

    def _choose_target_scale(self, samples: Rows | Ragged, warm_start: bool) -> None:
        """Return None: classes are not standardized."""

    def _corrections(self, run: Run) -> dict[str, Any]:
        temperature = getattr(self, "temperature", None)  # not a parameter of all classifiers
        if not temperature or self.loss not in ("auto", "log_loss") or self.warm_start:
            return {}
        factor = 1 / choose_temperature(run, self._best_constant())
        shift = choose_shift(run, factor) if factor < 1 else 0.0
        return {"output_factor": factor, "output_shift": shift}

    def _learned_from(self, run: Run) -> dict[str, Any]:
        learned: dict[str, Any] = super()._learned_from(run)
        if hasattr(self, "temperature"):
            learned["temperature_"] = 1 / run.output_factor
        return learned

    @property
    def _y_scaler(self) -> str:
        """Return an empty string: classes have no scale."""
        return ""

    def _best_score(self, samples: Rows | Ragged) -> float:
        """Give the highest accuracy that a start may reach."""
        return 1.0

    @available_if(lambda self: self._supports_partial_fit())
    @fit_context(prefer_skip_nested_validation=True)
    def partial_fit(self, X: Any, y: Any, sample_weight: Any = None, classes: Any = None) -> Self:
        """Continue training for one pass over the given samples.

        The state of the solver continues, and so does ``learning_rate="invscaling"``, which
        depends on the number of samples seen. The other schedules use `learning_rate_init` in
        every call.

        Parameters
        ----------
        X : array-like
            Samples in any form that `fit` accepts.

        y : array-like
            Targets as in `fit`.

        sample_weight : array-like, default=None
            Weights as in `fit`, but relative to 1 instead of to their mean, also in `loss_`.

        classes : array-like of shape (n_classes,), default=None
            All classes that may ever occur. Required in the first call.

        Returns
        -------
        self : object
            The estimator, trained a little further.

        Raises
        ------
        ValueError, TypeError
            If a parameter or the data are invalid. The estimator is left unchanged.
        """
        if classes is None and not hasattr(self, "classes_"):
            raise ValueError("classes must be passed on the first call to partial_fit.")
        with unchanged_on_error(self):
            self._fit(X, y, sample_weight, incremental=True, classes=classes)
        return self

    def predict(self, X: Any) -> np.ndarray:
        """Predict class labels.

        Parameters
        ----------
        X : array-like
            Samples in any form that `fit` accepts.

        Returns
        -------
        y : ndarray
            The most probable class of each sample; for multilabel problems, 1 for each label
            that is more probable than not. In the form of the targets of `fit`; labels of steps
            are an object array of one array for each sequence.
        """
        labels: np.ndarray = self._predict(X, "labels")
        return labels

    def decision_function(self, X: Any) -> np.ndarray:
        """Compute the raw predictions, before the output activation.

        Parameters
        ----------
        X : array-like
            Samples in any form that `fit` accepts.

        Returns
        -------
        decision : ndarray of shape (n_samples,) or (n_samples, n_classes)
            The larger, the more probable the class; for two classes, positive for the second.
            Those of steps are an object array of one array for each sequence.
        """
        decision: np.ndarray = self._predict(X, "decision")
        return decision

    def predict_proba(self, X: Any) -> np.ndarray:
        """Predict class probabilities.

        Parameters
        ----------
        X : array-like
            Samples in any form that `fit` accepts.

        Returns
        -------
        probabilities : ndarray of shape (n_samples, n_classes)
            One column for each class, in the order of `classes_`. Those of steps are an object
            array of one array for each sequence.
        """
        probabilities: np.ndarray = self._predict(X, "probabilities")
        return probabilities

    def predict_log_proba(self, X: Any) -> np.ndarray:
        """Predict the logarithm of class probabilities, which is always finite.

        Parameters
        ----------
        X : array-like
            Samples in any form that `fit` accepts.

        Returns
        -------
        log_probabilities : ndarray of shape (n_samples, n_classes)
            One column for each class, in the order of `classes_`. Those of steps are an object
            array of one array for each sequence.
        """
        log_p: np.ndarray = self._predict(X, "log_probabilities")
        return log_p

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """Compute the accuracy.

        Parameters
        ----------
        X : array-like
            Samples in any form that `fit` accepts.

        y : array-like
            Targets as in `fit`.

        sample_weight : array-like, default=None
            Weights as in `fit`.

        Returns
        -------
        score : float
            Share of the samples whose labels are right; all labels of a multilabel sample must be.
        """
        check_beside(X, y, sample_weight, self._per_step)
        accuracy: float = super().score(X, y, sample_weight)
        return accuracy


class NumberPredictions(Mixin):
    """The methods of a regressor: predictions, and training in parts."""

    _values_before: ClassVar = {
        "normalize_y": False,
        "skip_connection": None,
        "shrinkage": None,
        "temperature": None,
    }

    @property
    def _target(self) -> NumberTarget:
        quantiles = self.quantiles_ if self.out_activation_ == "ordered" else None
        outputs = self.n_outputs_, self.out_activation_
        return NumberTarget(*outputs, self._per_step, self._vectors, quantiles)

    @property
    def _fitted_target(self) -> NumberTarget:
        """The target of a fitted network, in the unit of the targets of `fit`."""
        if self.out_activation_ not in ("ordered", "mean_std"):
            return self._target
        unit = getattr(self, "_target_scale", None) or {}
        factor = getattr(self, "temperature_", 1.0)
        mean, scale = unit.get("mean"), unit.get("scale")
        return replace(self._target, mean=mean, scale=scale, spread_factor=factor)

    def _number_loss(self) -> NumberLoss:
        """Look up the loss by its name, or get that of the loss object."""
        if isinstance(self.loss, str):
            return NUMBER_LOSSES["squared_error" if self.loss == "auto" else self.loss]
        self.loss._validate_params()
        loss: NumberLoss = self.loss._loss()
        return loss

    def _read_targets(
        self, y: Any, fitted: NumberTarget | None, classes: Any
    ) -> tuple[NumberTarget, np.ndarray]:
        quantiles = self.loss._levels() if isinstance(self.loss, Quantile) else None
        return NumberTarget.from_numbers(y, self._per_step, self._number_loss(), quantiles, fitted)

    def _check_targets(
        self, targets: np.ndarray, lengths: np.ndarray | None, weight: np.ndarray
    ) -> None:
        """Raise a ValueError if the loss is not defined for a target."""
        domain = self._number_loss().domain
        if not domain:
            return
        valid = (targets > 0 if domain == "> 0" else targets >= 0).all(axis=1)
        if not valid.all():
            row = int(valid.argmin())
            place = place_of_target(row, lengths, self._per_step)
            raise ValueError(
                f"loss={self.loss!r} needs targets {domain}, but y is {targets[row].min()} {place}."
            )

    def _loss(self) -> Loss:
        return self._number_loss().function

    def _best_constant(self) -> BestConstant:
        return self._number_loss().best_constant

    def _auto_settings(
        self,
        samples: Any,
        solver: Adam | SGD | LBFGS,
        incremental: bool,
        validates: bool,
    ) -> dict[str, Any]:
        """Choose the values of the parameters that are 'auto'.

        The penalty is `WITHOUT_NOISE` for a chunk of `partial_fit`, which is no share of all
        samples, for L-BFGS, and for targets that are not standardized.
        """
        values: dict[str, Any] = super()._auto_settings(samples, solver, incremental, validates)
        is_usual = not incremental and not isinstance(solver, LBFGS)
        alpha = WITHOUT_NOISE
        if self.alpha == "auto" and is_usual and self.normalize_y:
            alpha = default_penalty(self._number_loss(), samples, values["batch_size"])
        return values | {"alpha": alpha}

    def _choose_target_scale(self, samples: Rows | Ragged, warm_start: bool) -> TargetScale | None:
        """Decide by what the targets are standardized; None if they are not.

        Continued training keeps the scale of the first fit, which the state of the solver and
        the losses refer to. Weights from elsewhere have none.
        """
        stored = getattr(self, "_target_scale", None) if warm_start else None
        first = stored and TargetScale(**stored)
        if first:
            skip, differences = first.skip, first.differences
        else:
            skip, differences = self._choose_skip(samples, warm_start)
        if not self.normalize_y:
            link = self.out_activation_
            return None if skip is None else TargetScale.only_skip(skip, differences, link)
        if first and first.standardizes:
            return first
        return TargetScale.of(samples, skip, differences, self.out_activation_)

    @property
    def _y_scaler(self) -> str:
        """Name what scales targets; empty for logarithms that no parameter scales."""
        if hasattr(self, "normalize_y"):
            return "normalize_y=True"
        if self.out_activation_ == "exp":
            return ""
        return "TransformedStepTargetRegressor" if self._per_step else "TransformedTargetRegressor"

    def _choose_skip(
        self, samples: Any, warm_start: bool
    ) -> tuple[np.ndarray | None, tuple[int, ...]]:
        """Choose the weights of the skip connection, and the columns that enter as differences.

        Weights from elsewhere decide themselves whether there is one.
        """
        if not hasattr(self, "skip_connection") or self.out_activation_ == "exp":
            return None, ()
        # Cells with decay read values that may be missing in the last step.
        only_last = self._per_step or self.skip_connection != "auto" or CELLS[self.cell].decays
        if isinstance(self.init, dict):
            skip = self._given_skip(samples) if "skip" in self.init else None
            return skip, () if skip is None or only_last else differences_beside(samples, skip)
        if warm_start or self.skip_connection is None:
            return None, ()
        if only_last:
            return choose_last_step(samples), ()
        return choose_steps_and_differences(samples, self.out_activation_)

    def _given_skip(self, samples: Any) -> np.ndarray:
        """Get the weights of the skip connection that `init` gives, of one step or of several."""
        if self.out_activation_ != "identity":
            raise ValueError(
                "init holds weights of a skip connection, which are in the unit of an earlier fit "
                f"for loss={self.loss!r}. Leave 'skip' out, or continue the earlier fit by "
                "warm_start=True."
            )
        given: Any = self.init["skip"]
        n_rows = len(given["W"]) if isinstance(given, dict) and np.iterable(given.get("W")) else 0
        is_one = self._per_step or self.skip_connection == "last"
        n_features, n_targets = samples.x.shape[1], samples.y.shape[1]
        n_steps = 1 if is_one else max(1, n_rows // n_features)
        shapes = {"skip": {"W": (n_steps * n_features, n_targets)}}
        skip: np.ndarray = Params(shapes).fill({"skip": given})["skip"]["W"]
        return skip

    def _all_right(self, run: Run) -> bool:
        """Return False: another start may always be better."""
        return False

    @available_if(lambda self: self._supports_partial_fit())
    @fit_context(prefer_skip_nested_validation=True)
    def partial_fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Continue training for one pass over the given samples.

        The state of the solver continues, and so does ``learning_rate="invscaling"``, which
        depends on the number of samples seen. The other schedules use `learning_rate_init` in
        every call.

        Parameters
        ----------
        X : array-like
            Samples in any form that `fit` accepts.

        y : array-like
            Targets as in `fit`.

        sample_weight : array-like, default=None
            Weights as in `fit`, but relative to 1 instead of to their mean, also in `loss_`.

        Returns
        -------
        self : object
            The estimator, trained a little further.

        Raises
        ------
        ValueError, TypeError
            If a parameter or the data are invalid. The estimator is left unchanged.
        """
        with unchanged_on_error(self):
            self._fit(X, y, sample_weight, incremental=True)
        return self

    @overload
    def predict(self, X: Any, return_std: Literal[False] = ...) -> np.ndarray: ...
    @overload
    def predict(self, X: Any, return_std: Literal[True]) -> tuple[np.ndarray, np.ndarray]: ...
    def predict(self, X: Any, return_std: bool = False) -> Any:
        """Predict numbers or vectors.

        Parameters
        ----------
        X : array-like
            Samples in any form that `fit` accepts.

        return_std : bool, default=False
            Whether to also return the standard deviation, for ``loss=Gaussian()``.

        Returns
        -------
        y : ndarray
            Predictions in the form of the targets of `fit`, with a further axis for several
            quantiles; those of steps are an object array of one array for each sequence. The mean
            for ``loss=Gaussian()``.

        y_std : ndarray
            The standard deviations in the same form, if `return_std` is True.

        Raises
        ------
        ValueError
            If `return_std` is True, and the loss of `fit` was not `Gaussian`.
        """
        if not return_std:
            return self._predict(X, "predictions")
        network, target = self._fitted_network(), self._fitted_target
        raw, lengths = self._evaluate(network, X)
        if target.out_activation != "mean_std":
            raise ValueError(
                "return_std=True needs an estimator fitted with loss=Gaussian(); other losses "
                "estimate no standard deviation."
            )
        return tuple(
            target.unflatten(values, lengths)
            for values in (target.predictions(raw), target.spread(raw))
        )

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """Compute the coefficient of determination, for ``loss=Quantile(...)`` D².

        Parameters
        ----------
        X : array-like
            Samples in any form that `fit` accepts.

        y : array-like
            Targets as in `fit`.

        sample_weight : array-like, default=None
            Weights as in `fit`.

        Returns
        -------
        score : float
            R², 1 at best. For quantiles, the mean over the quantiles of
            `sklearn.metrics.d2_pinball_score`, 1 at best.
        """
        check_beside(X, y, sample_weight, self._per_step)
        return score_numbers(y, self.predict(X), self._target, sample_weight)


def score_numbers(y: Any, predictions: Any, target: NumberTarget, sample_weight: Any) -> float:
    """Score predictions of numbers; those of steps are scored over the steps of all sequences."""
    if not target.per_step:
        refuse_arrays(y)
        return target.metric(y, predictions, sample_weight=sample_weight)
    if target.vectors and isinstance(target.quantiles, tuple):  # metrics take two axes
        predictions = [steps.reshape(len(steps), target.n_outputs) for steps in predictions]
    score: float = flat_score(y, predictions, metric=target.metric, sample_weight=sample_weight)
    return score
