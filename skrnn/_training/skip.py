"""The weights of a skip connection from the last steps of a sequence to the output."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from scipy.sparse import issparse
from sklearn.metrics import r2_score
from sklearn.model_selection import KFold

from skrnn._numeric.lags import rows_of_last_steps, weigh

if TYPE_CHECKING:
    from skrnn._numeric.types import Matrix

# Shares of the variance that a linear function has to explain, to be used.
_LEAST_EXPLAINED = 0.5
_LEAST_FOR_DIFFERENCES = 0.6

# Earlier values: how many of them, and the share of the sequences that may be shorter.
_MOST_LAGS, _SHORTER = 100, 0.1
# Up to so many sequences are one batch, in which a weight of 2 equals a sequence twice. The folds
# of a cross-validation would not be the same.
_FEW_SEQUENCES = 32
_MANY_SEQUENCES = 10_000  # no more are needed for so few weights
_N_FOLDS, _PENALTIES = 5, np.logspace(-2, 5, 15)


class LastValues(NamedTuple):
    """Each target as a linear function of the last value of each column, by least squares.

    Parameters
    ----------
    weights : ndarray of shape (n_features, n_outputs)
        The slopes.

    explained : ndarray of shape (n_features, n_outputs)
        The shares of the variance of the targets that they explain.
    """

    weights: np.ndarray
    explained: np.ndarray


def choose_skip(last_values: LastValues) -> np.ndarray | None:
    """Choose for each output the column of which the last value says most about the target.

    In a forecast this is the column of the series itself: the best simple forecast of many series
    is their last value (a random walk). The weight is that of least squares.

    Parameters
    ----------
    last_values : LastValues
        The least squares fits to the training samples.

    Returns
    -------
    skip : ndarray of shape (n_features, n_outputs) or None
        At most one weight in each column is not 0. A column is chosen if it explains at least half
        of the variance of the target. None if none is.
    """
    weights, explained = last_values
    columns, outputs = explained.argmax(axis=0), np.arange(explained.shape[1])
    is_chosen = explained[columns, outputs] >= _LEAST_EXPLAINED
    skip = np.zeros_like(weights)
    skip[columns, outputs] = np.where(is_chosen, weights[columns, outputs], 0)
    return skip if is_chosen.any() else None


def fit_last_values(samples: Any) -> LastValues:
    """Fit each target to the last value of each column; 0 where a column or a target is constant.

    Parameters
    ----------
    samples : Ragged
        The training samples, with one row of targets for each sequence.

    Returns
    -------
    last_values : LastValues
        The fits.
    """
    has_steps = samples.lengths > 0
    x = samples.x[rows_of_last_steps(samples.lengths, 1).ravel()]
    if not has_steps.any():
        nothing = np.zeros((x.shape[1], samples.y.shape[1]))
        return LastValues(nothing, nothing)
    return _fit_each(x, samples.y[has_steps], samples.weight[has_steps])


def _fit_each(x: Matrix, y: np.ndarray, weight: np.ndarray) -> LastValues:
    """Fit each column of y to each column of x alone."""
    weight = weight / weight.sum(dtype=np.float64)
    with np.errstate(all="ignore"):
        mean_y, scale_y = _moments(y.astype(np.float64), weight)
        scale_x = _moments(x, weight)[1][:, None]
        covariance = x.T @ (weight[:, None] * (y - mean_y))  # (n_features, n_outputs)
        weights = covariance / scale_x**2
        explained = (covariance / (scale_x * scale_y)) ** 2
    explained[~np.isfinite(explained) | ~np.isfinite(weights)] = 0  # constant or too large
    return LastValues(weights, explained)


def choose_differences(last_values: LastValues, skip: np.ndarray) -> tuple[int, ...]:
    """Choose the columns that enter the network as differences to their last value.

    These are the columns of the skip connection, so that a network for forecasts does not depend on
    the level of the series: levels often leave the range of the training data (Zeng et al., 2023).
    If the last value explains less than 0.6 of the variance of a target, the series returns to its
    mean, and its level is of use.
    """
    is_used = (skip.reshape(-1, *last_values.weights.shape) != 0).any(axis=0)
    is_level = is_used & (last_values.explained >= _LEAST_FOR_DIFFERENCES)
    return tuple(map(int, np.flatnonzero(is_level.any(axis=1))))


def add_lags(
    samples: Any, skip: np.ndarray | None, differences: tuple[int, ...]
) -> np.ndarray | None:
    """Add weights of earlier values to a skip connection, where they are of use.

    A seasonal series repeats the value of one season before, and many series are nearly linear
    functions of their last values. A linear path beside the network (Lai et al., 2018) leaves to
    the network only what is not linear. For each output, ridge regression fits what the last value
    leaves to the last values of one column, the one with the value that says most about the target.
    The weights are used if they explain at least half of the variance that is left, in a
    cross-validation with blocks of consecutive sequences.

    A column that enters the network as differences enters the regression as differences too. Then
    the prediction follows the level of the series as it did before.

    Parameters
    ----------
    samples : Ragged
        The training samples, with one row of targets for each sequence.

    skip : ndarray of shape (n_features, n_outputs) or None
        The weights of the last step.

    differences : tuple of int
        The columns that enter the network as differences.

    Returns
    -------
    skip : ndarray of shape (n_lags * n_features, n_outputs) or None
        The weights of the last steps, the newest first. If earlier values are of no use to any
        output, `skip` as given.

    References
    ----------
    G. Lai, W.-C. Chang, Y. Yang and H. Liu, "Modeling long- and short-term temporal patterns with
    deep neural networks", SIGIR (2018).
    """
    has_steps = samples.lengths > 0
    n_lags = _count_lags(samples.lengths[has_steps])
    if n_lags < 2 or issparse(samples.x):
        return skip
    step = -(-np.count_nonzero(has_steps) // _MANY_SEQUENCES)
    some = np.flatnonzero(has_steps)[::step]
    rows = rows_of_last_steps(samples.lengths, n_lags)[::step]
    left = _left(samples, skip)[some]
    fits = [_fit_each(samples.x[step], samples.y[some], samples.weight[some]) for step in rows.T]
    columns = np.max([fit.explained for fit in fits], axis=0).argmax(axis=0)
    weights = np.zeros((n_lags, *fits[0].weights.shape))
    for column in np.unique(columns[left.any(axis=0)]):
        outputs = left.any(axis=0) & (columns == column)
        values = samples.x[rows, column].astype(np.float64)
        values -= values[:, :1] if column in differences else 0
        slopes = _fit_lags(values, left[:, outputs], samples.weight[some])
        slopes[0] -= slopes.sum(axis=0) if column in differences else 0
        weights[:, column, outputs] = slopes
    if not weights.any():
        return skip
    weights[0] += 0 if skip is None else skip
    return weights.reshape(-1, weights.shape[-1])


def _count_lags(lengths: np.ndarray) -> int:
    """Count the last steps that most sequences have; 0 if there are few sequences."""
    if len(lengths) <= _FEW_SEQUENCES:
        return 0
    return min(_MOST_LAGS, int(np.quantile(lengths, _SHORTER)))


def _left(samples: Any, skip: np.ndarray | None) -> np.ndarray:
    """Compute the targets less the skip connection; 0 for an output without more than rounding."""
    y = samples.y.astype(np.float64)
    left: np.ndarray = y if skip is None else y - skipped(samples, skip)
    rounding = 100 * np.finfo(samples.x.dtype).eps * np.abs(y).max(axis=0)
    return np.where(np.ptp(left, axis=0) > rounding, left, 0)


def _fit_lags(values: np.ndarray, left: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Fit `left` (n, n_outputs) to values (n, n_lags): slopes (n_lags, n_outputs), 0 if no use."""
    from sklearn.linear_model import RidgeCV  # takes 25 ms

    nothing = np.zeros((values.shape[1], left.shape[1]))
    with np.errstate(all="ignore"):
        if not np.isfinite([values.var(axis=0).sum(), left.var(axis=0).sum()]).all():
            return nothing
    scale = values.std(axis=0)
    scale[scale == 0] = 1
    values = values / scale
    ridge, predicted = RidgeCV(_PENALTIES, alpha_per_target=True), np.empty_like(left)
    for train, rest in KFold(_N_FOLDS).split(values):
        ridge.fit(values[train], left[train], sample_weight=weight[train])
        predicted[rest] = ridge.predict(values[rest]).reshape(len(rest), -1)
    explained = r2_score(left, predicted, sample_weight=weight, multioutput="raw_values")
    if not (explained >= _LEAST_EXPLAINED).any():
        return nothing
    slopes = np.atleast_2d(ridge.fit(values, left, sample_weight=weight).coef_) / scale
    return np.where(explained >= _LEAST_EXPLAINED, slopes.T, 0)


def skipped(samples: Any, skip: np.ndarray) -> np.ndarray:
    """Compute what a skip connection adds (n_sequences, n_outputs): 0 to a sequence of no steps."""
    rows = rows_of_last_steps(samples.lengths, len(skip) // samples.x.shape[1])
    added = np.zeros((len(samples.lengths), skip.shape[1]))
    added[samples.lengths > 0] = weigh(samples.x, rows, skip)
    return added


def _moments(x: Matrix, weight: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Compute mean and standard deviation of each column of a dense or sparse matrix.

    The deviation of equal values is 0, without rounding errors.
    """
    mean = weight @ x
    variance = weight @ x.power(2) - mean**2 if issparse(x) else weight @ (x - mean) ** 2
    deviation = np.sqrt(np.maximum(variance, 0))
    return mean, np.where(deviation > 1e-7 * np.abs(mean), deviation, 0)
