"""A skip connection from several last steps of a sequence to the output."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from scipy.sparse import issparse

from skrnn._numeric.lags import rows_of_last_steps, weigh
from skrnn._training.few import LARGEST_BATCH
from skrnn._training.skip import FOLDS, LEAST_EXPLAINED, LinearPart, fit_each, moments, spread

# The most steps that are considered, and the share of the sequences that may be shorter.
_MOST_STEPS, _SHORTER = 100, 0.1
_MANY_SEQUENCES = 2000  # no more are needed for so few weights
_PENALTIES = np.logspace(-2, 5, 15)
_LEAST_WEIGHT = 1e-10  # of a sequence, as a share of the largest
_UNIT_OF_LEVEL = 1e-3  # the last value is divided by it, so its weight has hardly any penalty


class _Candidate(NamedTuple):
    """Weights of a skip connection, and what they leave of the variance of each output."""

    weights: np.ndarray  # (n_steps, n_features, n_outputs), the newest step first
    errors: np.ndarray  # (n_outputs,)


def add_earlier_values(
    samples: Any, skip: np.ndarray | None, differences: tuple[int, ...]
) -> np.ndarray | None:
    """Replace a skip connection from the last step by one from several steps, where that is better.

    A series with a season repeats the value of one season before, and many series are nearly linear
    functions of their last values. Such a linear path beside the network [1]_ leaves to the network
    what is not linear. For each output, there are three candidates: the single value that explains
    most of the target; this value plus a ridge regression on the last values of a column; and the
    last value plus such a regression. The candidate with the smallest error is used if it leaves
    less than half of the variance that the last value leaves, or the mean if no last value is used.
    The errors are multiplied by a factor above 1, because values and columns are chosen among
    many [2]_.

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
    steps = _LastSteps.of(samples, differences)
    if steps is None:
        return skip
    single, columns = _best_single_values(steps)
    last = np.zeros_like(single)
    last[0] = 0 if skip is None else skip
    is_other = (single != last).any(axis=(0, 1))  # of equal weights, one regression is enough
    candidates = [
        _Candidate(last, _residual_variance(steps, last)),
        _Candidate(single, _residual_variance(steps, single)),
        _with_ridge(steps, last, columns, np.ones_like(is_other)),
        _with_ridge(steps, single, columns, is_other),
    ]
    n_values = single.shape[0] * single.shape[1]
    chosen = _choose_per_output(candidates, _inflation(n_values, len(steps.y)))
    return chosen.reshape(-1, chosen.shape[-1]) if chosen[1:].any() else skip


def _choose_per_output(candidates: list[_Candidate], inflation: float) -> np.ndarray:
    """Choose the weights of each output: the first, unless others leave less than half as much.

    The errors of the others are multiplied by `inflation`.
    """
    weights, errors = (np.array(part) for part in zip(*candidates, strict=True))
    errors[1:] *= inflation
    is_better = errors.min(axis=0) < (1 - LEAST_EXPLAINED) * errors[0]
    best = np.where(is_better, errors.argmin(axis=0), 0)
    return np.stack([weights[k, ..., output] for output, k in enumerate(best)], axis=-1)


def _inflation(n_choices: int, n: int) -> float:
    """Factor by which the error of the best of some choices is multiplied, for n samples."""
    return float(n_choices ** (2 / n))


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
    steps = _LastSteps.of(samples, differences) if samples.lengths.all() else None
    if steps is None:
        return None
    columns, every = _best_single_values(steps)[1], np.ones(steps.y.shape[1], bool)
    weights, predicted = _fit_columns(steps, steps.y, columns, every)
    weight = steps.weight / len(steps.weight)
    # The errors are multiplied by a factor above 1, because the column was chosen among all.
    error = _inflation(steps.x.shape[1], len(weight)) * (weight @ (steps.y - predicted) ** 2)
    is_of_use = error < _residual_variance(steps, np.zeros_like(weights))
    weights, predicted = weights * is_of_use, predicted * is_of_use
    weights = weights.reshape(-1, weights.shape[2])
    intercept = weight @ (steps.y - weigh(steps.x, steps.rows, weights)) * is_of_use
    return LinearPart(weights, intercept, steps.sequences, predicted)


@dataclass(frozen=True)
class _LastSteps:
    """The last steps of some sequences, and their targets."""

    x: np.ndarray  # (n_rows, n_features)
    rows: np.ndarray  # (n, n_steps): the last rows of each sequence
    y: np.ndarray  # (n, n_outputs)
    weight: np.ndarray  # (n,), 1 in the mean
    sequences: np.ndarray  # (n,): the numbers of these sequences
    differences: tuple[int, ...]

    @classmethod
    def of(cls, samples: Any, differences: tuple[int, ...]) -> _LastSteps | None:
        """Take the last steps that most sequences have.

        Returns None if there are too few sequences or steps, if the steps are sparse, or if
        squares of the targets overflow.
        """
        has_weight = samples.weight > _LEAST_WEIGHT * samples.weight.max()
        usable = np.flatnonzero((samples.lengths > 0) & has_weight)
        if len(usable) <= LARGEST_BATCH or issparse(samples.x):
            return None
        n_steps = min(_MOST_STEPS, int(np.quantile(samples.lengths[usable], _SHORTER)))
        if n_steps < 2:
            return None
        chosen = usable[spread(len(usable), _MANY_SEQUENCES)]
        rows = rows_of_last_steps(samples.lengths, n_steps, chosen)
        y, weight = (part[chosen].astype(np.float64) for part in (samples.y, samples.weight))
        with np.errstate(over="ignore"):
            overflows = not np.isfinite(np.square([y.max(), y.min()]).sum() * len(y))
        if overflows:
            return None
        return cls(samples.x, rows, y, weight / weight.mean(), chosen, differences)


def _best_single_values(steps: _LastSteps) -> tuple[np.ndarray, np.ndarray]:
    """Find the single value that explains most of each output: its weight, and its column.

    The weights (n_steps, n_features, n_outputs) are those of least squares, 0 for other values.
    """
    fits = [fit_each(steps.x[rows], steps.y, steps.weight) for rows in steps.rows.T]
    slopes, explained = (np.array(part) for part in zip(*fits, strict=True))
    n_outputs = explained.shape[2]
    places = explained.reshape(-1, n_outputs).argmax(axis=0)
    best_steps, columns = np.unravel_index(places, explained.shape[:2])
    best = best_steps, columns, np.arange(n_outputs)
    weights = np.zeros_like(slopes)
    weights[best] = slopes[best]
    return weights, columns


def _residuals(steps: _LastSteps, weights: np.ndarray) -> np.ndarray:
    """Subtract what weights explain from the targets; 0 if only rounding errors remain."""
    residuals = steps.y - weigh(steps.x, steps.rows, weights.reshape(-1, weights.shape[2]))
    rounding = 100 * np.finfo(steps.x.dtype).eps * np.abs(steps.y).max(axis=0)
    return np.where(np.ptp(residuals, axis=0) > rounding, residuals, 0)


def _residual_variance(steps: _LastSteps, weights: np.ndarray) -> np.ndarray:
    """Compute the weighted variance of the residuals of each output."""
    residuals = _residuals(steps, weights)
    center = np.average(residuals, axis=0, weights=steps.weight)
    return np.average((residuals - center) ** 2, axis=0, weights=steps.weight)


def _with_ridge(
    steps: _LastSteps, weights: np.ndarray, columns: np.ndarray, outputs: np.ndarray
) -> _Candidate:
    """Add a ridge regression of the residuals on the last values of a column for each output.

    The errors are those of cross-validation. They are infinite for all but some outputs, of which
    `outputs` is the mask.
    """
    residuals = _residuals(steps, weights)
    slopes, predicted = _fit_columns(steps, residuals, columns, outputs)
    errors = np.average((residuals - predicted) ** 2, axis=0, weights=steps.weight)
    return _Candidate(weights + slopes, np.where(outputs, errors, np.inf))


def _fit_columns(
    steps: _LastSteps, y: np.ndarray, columns: np.ndarray, outputs: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Fit some outputs of y to the last values of a column each: weights and predictions.

    Each prediction is by a regression on other blocks of consecutive sequences. Weights and
    predictions are 0 for the outputs that are not in the mask `outputs`.
    """
    weights = np.zeros((steps.rows.shape[1], steps.x.shape[1], y.shape[1]))
    predicted = np.zeros_like(y)
    for column in np.unique(columns[outputs]):
        chosen = outputs & (columns == column)
        values = steps.x[steps.rows, column].astype(np.float64)
        is_level = column in steps.differences
        values[:, 1:] -= values[:, :1] if is_level else 0
        slopes, predicted[:, chosen] = _fit_ridge(values, y[:, chosen], steps.weight, is_level)
        slopes[0] -= slopes[1:].sum(axis=0) if is_level else 0
        weights[:, column, chosen] = slopes
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
    factors[0] /= _UNIT_OF_LEVEL if first_is_level else 1
    values = np.where(is_of_use, values, 0) * factors
    ridge, predicted = RidgeCV(_PENALTIES, alpha_per_target=True), np.empty_like(y)
    for train, test in FOLDS.split(values):
        ridge.fit(values[train], y[train], sample_weight=weight[train])
        predicted[test] = ridge.predict(values[test]).reshape(len(test), -1)
    slopes = np.atleast_2d(ridge.fit(values, y, sample_weight=weight).coef_) * factors
    return slopes.T, predicted
