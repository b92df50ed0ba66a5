"""Targets that are numbers: how raw predictions become numbers, quantiles and spreads."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.metrics import r2_score
from sklearn.utils.validation import check_array, column_or_1d

from skrnn._compat import d2_pinball_score
from skrnn._input import refuse_types
from skrnn._numeric.losses import mean_std, ordered
from skrnn._numeric.training import Ragged, Rows
from skrnn._training.labels import refuse_arrays, refuse_text
from skrnn._training.targets import Target, check_finite

if TYPE_CHECKING:
    from skrnn._numeric.losses import NumberLoss

    Quantiles = float | tuple[float, ...] | None

_SAME_LEVEL = 1e-9  # levels of quantiles may have rounding errors


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
        Predictions of quantiles, or of a mean and its spread, are multiplied by `scale`, and `mean`
        is added. None means no change.

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
    def has_spread(self) -> bool:
        """Whether a distribution is predicted whose spread can be multiplied."""
        return self.out_activation == "mean_std" or (self.n_columns > 1 and bool(self._median))

    @property
    def _median(self) -> list[int]:
        """Positions of the quantiles whose mean is the median; none if the median is not known.

        They are that of the quantile 0.5, or those of the two quantiles in the middle if the levels
        are symmetric about 0.5.
        """
        levels = np.atleast_1d(np.asarray(self.quantiles, float))  # NaN for None
        from_half = np.abs(levels - 0.5)
        if (from_half < _SAME_LEVEL).any():
            return [int(from_half.argmin())]
        if (np.abs(levels + levels[::-1] - 1) < _SAME_LEVEL).all():
            return [len(levels) // 2 - 1, len(levels) // 2]
        return []

    @property
    def widening(self) -> np.ndarray:
        """Linear map of all quantiles (n_quantiles, n_quantiles) that makes their spread wider.

        Without a median, nothing is changed.
        """
        n, positions = self.n_columns, self._median
        if not positions:
            return np.eye(n)
        median = np.zeros((n, n))
        median[positions] = 1 / len(positions)
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
    def n_columns(self) -> int:
        """Number of outputs for each target."""
        if isinstance(self.quantiles, tuple):
            return len(self.quantiles)
        return 2 if self.out_activation == "mean_std" else 1

    @property
    def shape(self) -> list[int]:
        """Shape of the prediction for a row, with an axis of one if it is a single number."""
        several = [len(self.quantiles)] if isinstance(self.quantiles, tuple) else []
        n_targets = [self.n_outputs // self.n_columns]
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

    def candidates(self, samples: Any, n_held_out: int) -> None:
        """Let all samples be held out."""

    def is_one_hot(self, targets: np.ndarray) -> bool:
        """Return False: numbers are not classes."""
        return False
