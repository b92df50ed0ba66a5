"""Targets: how they are encoded for the loss, and how raw predictions are decoded.

A raw prediction is the output of a network before the output activation, of shape
``(n_rows, n_outputs)``, with a row for each sample or for each step. A classifier has an output
for each class and a softmax, or an output for each yes/no question and the logistic function:
one question for two classes, one for each label of multilabel data. Softmax targets are class
indices of shape ``(n_rows,)``, logistic ones 0 and 1 of shape ``(n_rows, n_outputs)``.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from numbers import Real
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from sklearn.metrics import r2_score
from sklearn.utils.validation import check_array, column_or_1d

from skrnn._compat import d2_pinball_score
from skrnn._input import all_finite, refuse_types, unflatten
from skrnn._numeric.activations import log_logistic, log_softmax, logistic, softmax
from skrnn._numeric.crf import scores_of
from skrnn._numeric.losses import LOSSES, Loss, mean_std, ordered
from skrnn._numeric.pieces import pieces
from skrnn._numeric.training import Ragged, Rows
from skrnn._training.labels import (
    check_labels,
    refuse_arrays,
    refuse_text,
    rounded_beside,
    sort_classes,
)
from skrnn._training.weights import balanced, balanced_labels

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Literal

    from skrnn._numeric.losses import NumberLoss

    ClassWeight = Mapping[Any, float] | Literal["balanced"]
    Quantiles = float | tuple[float, ...] | None

# In so few rows of multilabel targets, one label each may be chance.
_FEW = 5

# The text of a warning.
ONE_HOT = (
    "Each row of y has exactly one 1. y is read as multilabel targets: each column is a separate "
    "yes/no question, and a prediction may have any number of labels. If y is a one-hot encoding "
    "of classes, pass y.argmax(axis=1), for step estimators that of each sequence."
)


@dataclass(frozen=True)
class Target:
    """What targets of classes and of numbers share.

    Parameters
    ----------
    n_outputs : int
        Number of outputs of the network.

    out_activation : str
        The function that turns raw predictions into predictions: 'softmax', 'logistic' or 'crf'
        of classes, for numbers that of the `NumberLoss`.

    per_step : bool
        Whether there is a target for each step, instead of one for each sample.
    """

    n_outputs: int
    out_activation: str
    per_step: bool

    def unflatten(self, predictions: np.ndarray, lengths: np.ndarray) -> np.ndarray:
        """Split predictions for steps into one array for each sequence."""
        return unflatten(predictions, lengths) if self.per_step else predictions


@dataclass(frozen=True)
class ClassTarget(Target):
    """Class labels.

    Parameters
    ----------
    classes : ndarray of shape (n_classes,)
        The labels, sorted; column numbers for multilabel targets.
    """

    classes: np.ndarray

    @classmethod
    def from_labels(
        cls,
        y: Any,
        per_step: bool,
        fitted: ClassTarget | None = None,
        classes: Any = None,
        activation: str | None = None,
    ) -> tuple[Self, np.ndarray]:
        """Learn the classes from labels.

        Parameters
        ----------
        y : array-like of shape (n_rows,) or (n_rows, n_labels)
            Labels, or a multilabel indicator matrix.

        per_step : bool
            Whether the rows are steps.

        fitted : ClassTarget, default=None
            The target of an earlier fit that is continued.

        classes : array-like, default=None
            All classes, if `y` need not contain each of them.

        activation : {'softmax', 'crf'}, default=None
            The output activation. None means 'softmax', but one 'logistic' output for two classes.
            With 'crf', `y` must not be multilabel.

        Returns
        -------
        target : ClassTarget
            The target.

        labels : ndarray
            The checked labels, for `encode`.

        Raises
        ------
        ValueError
            If there are fewer than two classes, or labels that `classes` or `fitted` lacks.
        """
        y, found = check_labels(y)
        given = found if classes is None or y.ndim == 2 else sort_classes(classes)
        known = given if fitted is None else fitted.classes
        if y.ndim == 1 and rounded_beside(y, known):
            y, found = y.astype(object), found.astype(object)  # compared as integers of Python
        if fitted is not None and classes is not None and not np.array_equal(given, known):
            raise ValueError(
                f"classes={classes!r} is not the same as in the first call of partial_fit, "
                f"{known!r}."
            )
        unknown = np.setdiff1d(found, known)
        if len(unknown) or (y.ndim == 2 and len(found) != len(known)):
            raise ValueError(
                f"y has classes {unknown.tolist()} that are not among {known.tolist()}, "
                "the classes known from before."
            )
        if len(known) < 2:
            raise ValueError(f"y has one class, {known.tolist()}; it needs at least 2 classes.")
        if y.ndim == 2 and activation == "crf":
            raise ValueError(
                f"y is multilabel, of shape {y.shape}, but a conditional random field needs one "
                "label for each step."
            )
        if y.ndim == 2:
            outputs = len(known), "logistic"
        elif activation or len(known) > 2:
            outputs = len(known), activation or "softmax"
        else:
            outputs = 1, "logistic"
        if fitted is not None and outputs != (fitted.n_outputs, fitted.out_activation):
            raise ValueError(
                f"y of shape {y.shape} needs {outputs[0]} {outputs[1]} outputs, but the estimator "
                f"was fitted with {fitted.n_outputs} {fitted.out_activation} outputs before; one "
                "label for each sample and multilabel targets cannot be mixed, nor a conditional "
                "random field and other losses."
            )
        return cls(*outputs, per_step, known), y

    @property
    def attributes(self) -> dict[str, Any]:
        """Fitted attributes from which an estimator restores the target."""
        return {
            "classes_": self.classes,
            "n_outputs_": self.n_outputs,
            "out_activation_": self.out_activation,
        }

    @property
    def is_multilabel(self) -> bool:
        """Whether each sample has any number of labels."""
        return self.out_activation == "logistic" and self.n_outputs > 1

    def loss(self, name: str) -> Loss:
        """Look up a loss by its name, or 'auto'."""
        return LOSSES["log_loss" if name == "auto" else name, self.out_activation]

    def best_constant(self, targets: np.ndarray, weight: np.ndarray) -> np.ndarray:
        """Compute the raw prediction (n_outputs,) of the lowest loss; weights sum to 1."""
        if self.out_activation != "logistic":
            log_p: np.ndarray = np.log(np.bincount(targets, weight).clip(min=1e-12))
            return log_p
        parts = pieces(len(targets), width=self.n_outputs)
        p = sum(weight[part.rows] @ targets[part.rows] for part in parts)
        p = p.clip(1e-12, 1 - 1e-12)
        log_odds: np.ndarray = np.log(p / (1 - p))
        return log_odds

    def encode(self, labels: np.ndarray, dtype: np.typing.DTypeLike) -> np.ndarray:
        """Write labels as targets of the loss."""
        if labels.ndim == 2:
            return labels.astype(bool)  # an eighth of the memory; losses multiply them as 0 and 1
        index = np.searchsorted(self.classes, labels)
        return index[:, None].astype(dtype) if self.out_activation == "logistic" else index

    def decode(self, targets: np.ndarray) -> np.ndarray:
        """Undo `encode`."""
        return targets.astype(int) if self.is_multilabel else self.classes[self._index(targets)]

    def _index(self, targets: np.ndarray) -> np.ndarray:
        """Get the index of the class of each target that is not multilabel."""
        return targets[:, 0].astype(int) if self.out_activation == "logistic" else targets

    def labels(self, raw: np.ndarray) -> np.ndarray:
        """Predict labels."""
        if self.out_activation == "softmax":
            likeliest: np.ndarray = self.classes[raw.argmax(axis=1)]
            return likeliest
        yes = (raw > 0).astype(int)
        return yes if self.is_multilabel else self.classes[yes[:, 0]]

    def decision(self, raw: np.ndarray) -> np.ndarray:
        """Compute scikit-learn's decision values: for two classes, positive for the second."""
        if raw.shape[1] == 1:
            return raw[:, 0]
        if self.out_activation != "logistic" and raw.shape[1] == 2:
            difference: np.ndarray = raw[:, 1] - raw[:, 0]
            return difference
        return raw

    def probabilities(self, raw: np.ndarray) -> np.ndarray:
        """Compute a probability for each class, two columns for two classes."""
        if self.out_activation == "softmax":
            return softmax(raw)
        p = logistic(raw)
        return np.hstack([1 - p, p]) if p.shape[1] == 1 else p

    def log_probabilities(self, raw: np.ndarray) -> np.ndarray:
        """Compute log-probabilities, which are finite where the probability rounds to 0."""
        if self.out_activation == "softmax":
            return log_softmax(raw)
        yes = log_logistic(raw)
        return np.hstack([log_logistic(-raw), yes]) if raw.shape[1] == 1 else yes

    predictions = probabilities

    def outcomes(self, raw: np.ndarray, targets: np.ndarray) -> np.ndarray:
        """Find out which rows are right; all labels of a multilabel sample must be."""
        is_right: np.ndarray
        if self.out_activation == "softmax":
            is_right = raw.argmax(axis=1) == targets
        else:
            is_right = ((raw > 0) == (targets > 0.5)).all(axis=1)
        return is_right

    def score(self, outcomes: np.ndarray, samples: Rows | Ragged) -> float:
        """Compute the accuracy from `outcomes`."""
        return float(samples.weight @ outcomes / samples.weight.sum())

    def strata(self, targets: np.ndarray) -> np.ndarray | None:
        """Get the labels by which to stratify a split of samples, if there is one for each."""
        return None if self.per_step or self.is_multilabel else self.decode(targets)

    def is_one_hot(self, targets: np.ndarray) -> bool:
        """Whether multilabel targets look like a one-hot encoding: one 1 in each of many rows."""
        if not self.is_multilabel or len(targets) <= _FEW or (targets.sum(axis=1) != 1).any():
            return False
        return int(targets.any(axis=0).sum()) > 1

    def weights(
        self, class_weight: ClassWeight, targets: np.ndarray, training: np.ndarray
    ) -> np.ndarray:
        """Look up the class weight of each target.

        Parameters
        ----------
        class_weight : dict or 'balanced'
            The parameter of the estimator.

        targets : ndarray
            Encoded targets, of training or validation samples.

        training : ndarray
            Encoded targets of all training samples, whose class frequencies 'balanced' uses.

        Raises
        ------
        ValueError
            If a class is unknown, or a weight is not a finite number of at least 0.
        """
        weights: np.ndarray
        if isinstance(class_weight, dict):
            weights = self._of_classes(class_weight)[self._index(targets)]
        elif self.is_multilabel:
            weights = balanced_labels(targets, training)
        else:
            counts = np.bincount(self._index(training), minlength=len(self.classes))
            weights = balanced(counts)[self._index(targets)]
        if not (np.isfinite(weights) & (weights >= 0)).all():
            raise ValueError(
                f"class_weight={class_weight!r} has weights that are negative or not finite."
            )
        return weights

    def _of_classes(self, class_weight: Mapping[Any, float]) -> np.ndarray:
        if self.is_multilabel:
            raise ValueError("class_weight must not be a dictionary for multilabel targets.")
        names = self.classes.tolist()
        unknown = set(class_weight) - set(names)
        unweighted = [name for name in names if name not in class_weight]
        if unknown and unweighted:  # a class that y lacks is accepted, but not a misspelt one
            raise ValueError(
                f"class_weight names {sorted(unknown, key=str)}, which are not among the classes "
                f"{names}, and lacks {unweighted}."
            )
        weights = [class_weight.get(name, 1.0) for name in names]
        if not all(isinstance(weight, Real) for weight in weights):
            raise ValueError(f"class_weight={class_weight!r} has values that are not numbers.")
        return np.array(weights, dtype=np.float64)


@dataclass(frozen=True)
class NumberTarget(Target):
    """Numbers, or vectors of numbers.

    Parameters
    ----------
    vectors : bool
        Whether targets have two dimensions.

    quantiles : float, tuple of float or None, default=None
        The quantiles that are predicted instead of one number for each target.

    mean, scale : ndarray of shape (n_targets,), default=None
        What predictions of quantiles, or of a mean and its spread, are multiplied by, and what is
        added then. None means nothing.

    spread_factor : float, default=1.0
        By what the spread, or the distances of quantiles to the median, are multiplied.
    """

    vectors: bool
    quantiles: float | tuple[float, ...] | None = None
    mean: np.ndarray | None = None
    scale: np.ndarray | None = None
    spread_factor: float = 1.0

    @classmethod
    def from_numbers(
        cls,
        y: Any,
        per_step: bool,
        loss: NumberLoss,
        quantiles: Quantiles = None,
        fitted: NumberTarget | None = None,
    ) -> tuple[NumberTarget, np.ndarray]:
        """Learn the shape of targets.

        Parameters
        ----------
        y : array-like of shape (n_rows,) or (n_rows, n_outputs)
            Finite numbers.

        per_step : bool
            Whether the rows are steps.

        loss : NumberLoss
            The loss.

        quantiles : float or tuple of float, default=None
            Those of the loss, if it has any.

        fitted : NumberTarget, default=None
            The target of an earlier fit that is continued.

        Returns
        -------
        target : NumberTarget
            The target.

        numbers : ndarray
            The checked targets, for `encode`.

        Raises
        ------
        ValueError
            If `y` is not numeric or finite, has another shape than that of `fitted`, or needs other
            outputs.
        """
        refuse_arrays(y)
        refuse_types(np.asarray(y), "y")
        refuse_text(np.asarray(y), per_step)
        y = check_array(y, ensure_2d=False, dtype=(np.float64, np.float32), input_name="y")
        if y.ndim == 2 and y.shape[1] == 1:
            y = column_or_1d(y, warn=True)
        n_targets = y.shape[1] if y.ndim == 2 else 1
        outputs = n_targets * loss.n_columns, loss.out_activation
        target = cls(*outputs, per_step, y.ndim == 2, quantiles)
        if fitted is None:
            return target, y
        if fitted.out_activation != target.out_activation or (
            np.asarray(fitted.quantiles).shape != np.asarray(quantiles).shape
        ):
            raise ValueError(
                f"The loss needs {target.out_activation!r} outputs, but the earlier fit, which "
                f"warm_start and partial_fit continue, had {fitted.out_activation!r} outputs, or "
                "another number of quantiles."
            )
        if fitted.n_outputs != target.n_outputs or fitted.vectors != target.vectors:
            before = fitted.n_outputs // loss.n_columns
            raise ValueError(f"y has {n_targets} columns, but {before} in the earlier fit.")
        return target, y

    @property
    def attributes(self) -> dict[str, Any]:
        """Fitted attributes from which an estimator restores the target."""
        return {
            "_vectors": self.vectors,
            "n_outputs_": self.n_outputs,
            "out_activation_": self.out_activation,
            "quantiles_": self.quantiles,
        }

    def encode(self, numbers: np.ndarray, dtype: np.typing.DTypeLike) -> np.ndarray:
        """Write numbers as targets of the loss, of shape ``(n_rows, n_targets)``."""
        return numbers.reshape(len(numbers), -1).astype(dtype, copy=False)

    def predictions(self, raw: np.ndarray) -> np.ndarray:
        """Turn raw predictions into numbers in the shape of the targets.

        Several quantiles are along a further axis, the last.
        """
        values = raw if self.out_activation == "identity" else self._values(raw)
        return values if self.vectors else values[:, 0]

    def _values(self, raw: np.ndarray) -> np.ndarray:
        """Compute numbers (n_rows, n_targets), or (n_rows, n_targets, n_quantiles)."""
        if self.out_activation == "exp":
            with np.errstate(over="ignore"):
                values: np.ndarray = check_finite(np.exp(raw))
            return values
        if self.out_activation == "mean_std":
            return self._in_unit(mean_std(raw)[0])
        if isinstance(self.quantiles, tuple):
            return self._in_unit(self._wider(ordered(raw, len(self.quantiles))))
        return self._in_unit(raw)  # of a single quantile

    def _wider(self, quantiles: np.ndarray) -> np.ndarray:
        """Multiply the distances of quantiles (n_rows, n_targets, n_quantiles) to the median."""
        if self.spread_factor == 1:
            return quantiles
        wider: np.ndarray = quantiles @ self.widening.astype(quantiles.dtype)
        return wider

    @property
    def widening(self) -> np.ndarray:
        """Linear map of all quantiles (n_quantiles, n_quantiles) that makes their spread wider.

        If the number of quantiles is even, the mean of the two in the middle takes the place of
        the median.
        """
        n = len(self.quantiles) if isinstance(self.quantiles, tuple) else 1
        median = np.zeros((n, n))
        for middle in ((n - 1) // 2, n // 2):
            median[middle] += 0.5
        found: np.ndarray = median + self.spread_factor * (np.eye(n) - median)
        return found

    def _in_unit(self, values: np.ndarray, are_spreads: bool = False) -> np.ndarray:
        """Undo the standardization of values (n_rows, n_targets), or with a further axis."""
        if self.scale is None or self.mean is None:
            return values
        shape = (1, -1, *[1] * (values.ndim - 2))
        mean = 0 if are_spreads else self.mean.reshape(shape)
        with np.errstate(over="ignore"):
            scaled = values * self.scale.reshape(shape) + mean
        found: np.ndarray = check_finite(scaled.astype(values.dtype, copy=False))
        return found

    @property
    def shape(self) -> list[int]:
        """Shape of the prediction for a row, with an axis of one if it is a single number."""
        several = [len(self.quantiles)] if isinstance(self.quantiles, tuple) else []
        n_columns = 2 if self.out_activation == "mean_std" else math.prod(several)
        n_targets = [self.n_outputs // n_columns]
        return (n_targets if self.vectors or not several else []) + several

    def spread(self, raw: np.ndarray) -> np.ndarray:
        """Compute the standard deviations, in the shape of the targets."""
        std = self._in_unit(mean_std(raw)[1] * self.spread_factor, are_spreads=True)
        return std if self.vectors else std[:, 0]

    def outcomes(self, raw: np.ndarray, targets: np.ndarray) -> np.ndarray:
        """Return the raw predictions, all of which the score needs."""
        return raw

    def score(self, outcomes: np.ndarray, samples: Rows | Ragged) -> float:
        """Compute the metric of raw predictions."""
        predictions = self.predictions(outcomes)
        return float(self.metric(samples.y, predictions, sample_weight=samples.weight))

    def metric(
        self, y: Any, predictions: np.ndarray, *, sample_weight: np.ndarray | None = None
    ) -> float:
        """Compute the coefficient of determination, for quantiles the mean of their D²."""
        if self.quantiles is None:
            score: float = r2_score(y, predictions, sample_weight=sample_weight)
            return score
        y = np.asarray(y)
        of_quantiles = np.reshape(predictions, (*y.shape, -1))
        scores = [
            d2_pinball_score(y, of_quantiles[..., k], sample_weight=sample_weight, alpha=tau)
            for k, tau in enumerate(np.atleast_1d(self.quantiles))
        ]
        return float(np.mean(scores))

    def strata(self, targets: np.ndarray) -> None:
        """Do not stratify."""

    def is_one_hot(self, targets: np.ndarray) -> bool:
        """Return False: numbers are not classes."""
        return False


def check_finite(outputs: Any, first: int = 0) -> Any:
    """Raise a ValueError if outputs of a network overflowed; `first` is the number of the first."""
    if not all_finite(scores_of(outputs)):
        row = first + np.isfinite(scores_of(outputs)).all(axis=1).argmin()
        raise ValueError(
            f"Output {row} for X is not finite: its values are too large for the weights. Scale "
            "X as in fit."
        )
    return outputs
