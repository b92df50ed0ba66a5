"""A skip connection from several last steps of a sequence to the output."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from scipy.sparse import issparse

from skrnn._numeric.lags import rows_of_last_steps, weigh
from skrnn._training.options import LARGEST_BATCH
from skrnn._training.skip import FOLDS, LEAST_EXPLAINED, LinearPart, fit_each, moments, spread

# How many steps are considered, and the share of the sequences that may be shorter.
_MOST_STEPS, _SHORTER = 100, 0.1
_MANY_SEQUENCES = 2000  # no more are needed for so few weights
_PENALTIES = np.logspace(-2, 5, 15)
_LEAST_WEIGHT = 1e-10  # of a sequence, as a share of the largest
_LITTLE = 1e-3  # the penalty of the last value, as a share of that of the others


def add_earlier_values(
    samples: Any, skip: np.ndarray | None, differences: tuple[int, ...]
) -> np.ndarray | None:
    """Replace a skip connection from the last step by one from several steps, where that is better.

    A series with a season repeats the value of one season before, and many series are nearly linear
    functions of their last values. Such a linear path beside the network [1]_ leaves to the network
    what is not linear. For each output, there are three candidates: the single value
    that says most about the target; and this value, or the last one, with what ridge regression
    on the last values of a column adds to it. The one with the smallest error is used if it leaves
    less than half of the variance that the last value leaves, or the mean if no last value is used.
    Values and columns are chosen among many, so these errors count more than they are [2]_.

    Parameters
    ----------
    samples : Ragged
        The training samples, with one row of targets for each sequence.

    skip : ndarray of shape (n_features, n_outputs) or None
        The weights of the last step.

    differences : tuple of int
        The columns that enter the network as differences to their last value. They enter the
        regression in the same way, so that the prediction follows the level of the series.

    Returns
    -------
    skip : ndarray of shape (n_steps * n_features, n_outputs) or None
        The weights of the last steps, the newest first. If earlier values are of no use to any
        output, `skip` as given.

    References
    ----------
    .. [1] G. Lai, W.-C. Chang, Y. Yang and H. Liu, "Modeling long- and short-term temporal patterns
       with deep neural networks", SIGIR (2018).
    .. [2] D. P. Foster and E. I. George, "The risk inflation criterion for multiple regression",
       Annals of Statistics 22 (1994).
    """
    values = _EarlierValues.of(samples, differences)
    if values is None:
        return skip
    last, single = np.zeros_like(values.slopes), values.best_single()
    last[0] = 0 if skip is None else skip
    candidates = [
        (last, values.error(last)),
        (single, values.error(single)),
        values.with_ridge(last),
        values.with_ridge(single, unlike=last),
    ]
    weights, errors = (np.array(part) for part in zip(*candidates, strict=True))
    errors[1:] *= values.inflation
    is_better = errors.min(axis=0) < (1 - LEAST_EXPLAINED) * errors[0]
    best = np.where(is_better, errors.argmin(axis=0), 0)
    chosen = np.stack([weights[k, :, :, output] for output, k in enumerate(best)], axis=-1)
    return chosen.reshape(-1, chosen.shape[-1]) if chosen[1:].any() else skip


def fit_linear_part(samples: Any, differences: tuple[int, ...]) -> LinearPart | None:
    """Fit ridge regression on the last values of the column that says most about each target.

    Parameters
    ----------
    samples : Ragged
        The training samples, with one row of targets for each sequence.

    differences : tuple of int
        The columns that enter the regression as differences to their last value.

    Returns
    -------
    part : LinearPart or None
        None if there are too few sequences or steps, if a sequence has no steps, of which the
        intercept would not be right, or if the steps are sparse.
    """
    values = _EarlierValues.of(samples, differences) if samples.lengths.all() else None
    if values is None:
        return None
    weights, predicted = values.fit_ridge(values.y, np.ones(values.y.shape[1], bool))
    weight = values.weight / len(values.weight)
    # The column was chosen among all columns, so the errors count more than they are.
    inflation = values.x.shape[1] ** (2 / len(weight))
    error = inflation * (weight @ (values.y - predicted) ** 2)
    is_of_use = error < values.error(np.zeros_like(values.slopes))
    weights, predicted = weights * is_of_use, predicted * is_of_use
    weights = weights.reshape(-1, weights.shape[2])
    intercept = weight @ (values.y - weigh(values.x, values.rows, weights)) * is_of_use
    return LinearPart(weights, intercept, values.sequences, predicted)


@dataclass(frozen=True)
class _EarlierValues:
    """The last values of some sequences, and their targets.

    Weights are arrays (n_steps, n_features, n_outputs), the newest step first.
    """

    x: np.ndarray  # (n_rows, n_features)
    rows: np.ndarray  # (n, n_steps): the last rows of each sequence
    y: np.ndarray  # (n, n_outputs)
    weight: np.ndarray  # (n,), 1 in the mean
    sequences: np.ndarray  # (n,): the numbers of these sequences
    differences: tuple[int, ...]

    @classmethod
    def of(cls, samples: Any, differences: tuple[int, ...]) -> _EarlierValues | None:
        """Take the last steps that most sequences have.

        Returns None if there are too few sequences or steps, if the steps are sparse, or if
        squares of the targets overflow.
        """
        counts = samples.weight > _LEAST_WEIGHT * samples.weight.max()
        with_steps = np.flatnonzero((samples.lengths > 0) & counts)
        if len(with_steps) <= LARGEST_BATCH or issparse(samples.x):
            return None
        n_steps = min(_MOST_STEPS, int(np.quantile(samples.lengths[with_steps], _SHORTER)))
        if n_steps < 2:
            return None
        chosen = with_steps[spread(len(with_steps), _MANY_SEQUENCES)]
        rows = rows_of_last_steps(samples.lengths, n_steps, chosen)
        y, weight = (part[chosen].astype(np.float64) for part in (samples.y, samples.weight))
        with np.errstate(over="ignore"):
            overflows = not np.isfinite(np.square([y.max(), y.min()]).sum() * len(y))
        if overflows:
            return None
        return cls(samples.x, rows, y, weight / weight.mean(), chosen, differences)

    @cached_property
    def _fits(self) -> tuple[np.ndarray, np.ndarray]:
        fits = [fit_each(self.x[step], self.y, self.weight) for step in self.rows.T]
        slopes, explained = (np.array(part) for part in zip(*fits, strict=True))
        return slopes, explained

    @property
    def slopes(self) -> np.ndarray:
        """Weight of each value alone, by least squares."""
        return self._fits[0]

    @property
    def inflation(self) -> float:
        """By what the errors of what was chosen among all values are multiplied."""
        n_values = self.rows.shape[1] * self.x.shape[1]
        return float(n_values ** (2 / len(self.y)))

    @cached_property
    def _best(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Step, column and output of the single value that explains most of each output."""
        explained = self._fits[1]
        n_outputs = explained.shape[2]
        places = explained.reshape(-1, n_outputs).argmax(axis=0)
        return (*np.unravel_index(places, explained.shape[:2]), np.arange(n_outputs))

    def best_single(self) -> np.ndarray:
        """Get the weights of the single value that explains most of each output."""
        weights = np.zeros_like(self.slopes)
        weights[self._best] = self.slopes[self._best]
        return weights

    def _rest(self, weights: np.ndarray) -> np.ndarray:
        """Compute what weights leave of the targets; 0 if that is no more than rounding errors."""
        rest = self.y - weigh(self.x, self.rows, weights.reshape(-1, weights.shape[2]))
        rounding = 100 * np.finfo(self.x.dtype).eps * np.abs(self.y).max(axis=0)
        return np.where(np.ptp(rest, axis=0) > rounding, rest, 0)

    def error(self, weights: np.ndarray) -> np.ndarray:
        """Compute the variance that weights leave of each output."""
        rest = self._rest(weights)
        center = np.average(rest, axis=0, weights=self.weight)
        return np.average((rest - center) ** 2, axis=0, weights=self.weight)

    def with_ridge(
        self, weights: np.ndarray, unlike: np.ndarray | None = None
    ) -> tuple[np.ndarray, np.ndarray]:
        """Add a ridge regression on the last values of the best column: weights and errors.

        The errors are those of a cross-validation with blocks of consecutive sequences. Those of
        outputs with the weights `unlike`, which are known already, are infinite.
        """
        wanted = True if unlike is None else (weights != unlike).any(axis=(0, 1))
        rest = self._rest(weights)
        slopes, predicted = self.fit_ridge(rest, np.broadcast_to(wanted, rest.shape[1]))
        errors = np.average((rest - predicted) ** 2, axis=0, weights=self.weight)
        return weights + slopes, np.where(wanted, errors, np.inf)

    def fit_ridge(self, y: np.ndarray, wanted: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Fit ridge regression on the last values of the best column: weights and predictions.

        Each prediction is by a regression on other blocks of consecutive sequences. Weights and
        predictions are 0 for outputs that are not `wanted`.
        """
        weights, predicted, columns = np.zeros_like(self.slopes), np.zeros_like(y), self._best[1]
        for column in np.unique(columns[wanted]):
            outputs = wanted & (columns == column)
            values = self.x[self.rows, column].astype(np.float64)
            is_level = column in self.differences
            values[:, 1:] -= values[:, :1] if is_level else 0
            slopes, predicted[:, outputs] = _fit_ridge(values, y[:, outputs], self.weight, is_level)
            slopes[0] -= slopes[1:].sum(axis=0) if is_level else 0
            weights[:, column, outputs] = slopes
        return weights, predicted


def _fit_ridge(
    values: np.ndarray, y: np.ndarray, weight: np.ndarray, first_is_level: bool
) -> tuple[np.ndarray, np.ndarray]:
    """Fit y (n, n_outputs) to values (n, n_steps): slopes (n_steps, n_outputs) and predictions.

    Each prediction is by a regression on other rows. Values are standardized. With
    `first_is_level`, the first slope has hardly any penalty.
    """
    from sklearn.linear_model import RidgeCV  # takes 25 ms

    with np.errstate(over="ignore", invalid="ignore"):
        scale = moments(values, weight / weight.sum())[1]
    is_of_use = np.isfinite(scale) & (scale > 0)
    factors = np.divide(1, scale, where=is_of_use, out=np.zeros_like(scale))
    factors[0] /= _LITTLE if first_is_level else 1
    values = np.where(is_of_use, values, 0) * factors
    ridge, predicted = RidgeCV(_PENALTIES, alpha_per_target=True), np.empty_like(y)
    for train, test in FOLDS.split(values):
        ridge.fit(values[train], y[train], sample_weight=weight[train])
        predicted[test] = ridge.predict(values[test]).reshape(len(test), -1)
    slopes = np.atleast_2d(ridge.fit(values, y, sample_weight=weight).coef_) * factors
    return slopes.T, predicted
