"""Targets: how they are encoded for the loss, and how raw predictions are decoded.

A raw prediction is the output of a network before the output activation, of shape
``(n_rows, n_outputs)``, with a row for each sample or for each step. A classifier has an output
for each class and a softmax, or an output for each yes/no question and the logistic function:
one question for two classes, one for each label of multilabel data. Softmax targets are class
indices of shape ``(n_rows,)``, logistic ones 0 and 1 of shape ``(n_rows, n_outputs)``.
"""

from __future__ import annotations

from dataclasses import dataclass
from numbers import Real
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from skrnn._input import all_finite, unflatten
from skrnn._numeric.activations import log_logistic, log_softmax, logistic, softmax
from skrnn._numeric.crf import scores_of
from skrnn._numeric.losses import LOSSES, Loss
from skrnn._numeric.pieces import pieces
from skrnn._numeric.training import Ragged, Rows
from skrnn._training.labels import check_labels, rounded_beside, sort_classes
from skrnn._training.validation import may_be_held_out
from skrnn._training.weights import balanced, balanced_labels

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Literal

    ClassWeight = Mapping[Any, float] | Literal["balanced"]

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

    def candidates(self, samples: Any, n_held_out: int) -> np.ndarray | None:
        """Get the numbers of the samples that may be held out; None if all may.

        Some sequences with rare labels of steps are needed in training.
        """
        return may_be_held_out(samples, n_held_out) if self.per_step else None

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


def check_finite(outputs: Any, first: int = 0) -> Any:
    """Raise a ValueError if outputs of a network overflowed; `first` is the number of the first."""
    if not all_finite(scores_of(outputs)):
        row = first + np.isfinite(scores_of(outputs)).all(axis=1).argmin()
        raise ValueError(
            f"Output {row} for X is not finite: its values are too large for the weights. Scale "
            "X as in fit."
        )
    return outputs
