"""A skip connection from the last step to the output; `earlier` adds other steps.

For targets of steps, the last step is the one to which the target belongs.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from scipy.sparse import issparse
from sklearn.model_selection import KFold

from skrnn._numeric.lags import rows_of_last_steps, weigh

if TYPE_CHECKING:
    from skrnn._numeric.types import Matrix

# Shares of the variance that a linear function has to explain, to be used.
LEAST_EXPLAINED, LEAST_EXPLAINED_BY_STEP = 0.5, 0.8
_LEAST_FOR_DIFFERENCES = 0.6
_LEAST_BY_DISTANCE = 0.1
FOLDS = KFold(5)  # of cross-validation: blocks of consecutive sequences
_MANY_STEPS = 20_000  # with targets; no more are needed for the weights of columns


class LastValues(NamedTuple):
    """Each target as a linear function of the last value of each column, by least squares.

    Parameters
    ----------
    weights : ndarray of shape (n_features, n_outputs)
        The slopes.

    explained : ndarray of shape (n_features, n_outputs)
        The shares of the variance of the targets that they explain.

    by_distance : ndarray of shape (n_features, n_outputs)
        The shares that the distances of the last values to their means explain. 0 for columns that
        explain less than 0.6 of all targets.
    """

    weights: np.ndarray
    explained: np.ndarray
    by_distance: np.ndarray


class LinearPart(NamedTuple):
    """What ridge regression on the last values of a column says about the targets.

    Parameters
    ----------
    weights : ndarray of shape (n_steps * n_features, n_outputs)
        The weights of the last steps, the newest first. 0 for outputs of which it says nothing.

    intercept : ndarray of shape (n_outputs,)
        What is added.

    sequences : ndarray of shape (n,)
        Numbers of the sequences that were used.

    predicted : ndarray of shape (n, n_outputs)
        Predictions for these, each by a regression on others.
    """

    weights: np.ndarray
    intercept: np.ndarray
    sequences: np.ndarray
    predicted: np.ndarray


def choose_skip(
    last_values: LastValues, least_explained: float = LEAST_EXPLAINED
) -> np.ndarray | None:
    """Choose for each output the column of which the last value says most about the target.

    In a forecast this is the column of the series itself: the best simple forecast of many series
    is their last value (a random walk). The weight is that of least squares.

    Parameters
    ----------
    last_values : LastValues
        The least squares fits to the training samples.

    least_explained : float, default=0.5
        The share of the variance of a target that a column must explain.

    Returns
    -------
    skip : ndarray of shape (n_features, n_outputs) or None
        At most one weight in each column is not 0. If a column explains 0.6 of a target, or
        `least_explained` if that is more, the target continues the series. The column is then also
        chosen for all targets without a column. None if no column is chosen.
    """
    weights, explained = last_values.weights, last_values.explained
    columns, largest = explained.argmax(axis=0), explained.max(axis=0)
    is_explained = largest >= least_explained
    if not is_explained.any():
        return None
    outputs = np.flatnonzero(is_explained)
    threshold = max(least_explained, _LEAST_FOR_DIFFERENCES)
    levels = np.unique(columns[largest >= threshold])
    if len(levels):
        columns = np.where(is_explained, columns, levels[explained[levels].argmax(axis=0)])
        outputs = np.arange(len(columns))
    skip, chosen = np.zeros_like(weights), (columns[outputs], outputs)
    skip[chosen] = weights[chosen]
    return skip


def fit_last_values(samples: Any) -> LastValues:
    """Fit each target to the last value of each column; 0 where a column or a target is constant.

    Parameters
    ----------
    samples : Ragged
        The training samples, with one row of targets for each sequence or for each step. Of many
        steps, some are used.

    Returns
    -------
    last_values : LastValues
        The fits.
    """
    x, y, weight = _last_steps(samples)
    if not len(y):
        nothing = np.zeros((x.shape[1], samples.y.shape[1]))
        return LastValues(nothing, nothing, nothing)
    weights, explained = fit_each(x, y, weight)
    by_distance = np.zeros_like(explained)
    levels = np.flatnonzero((explained >= _LEAST_FOR_DIFFERENCES).any(axis=1))
    values = dense_columns(x, levels)
    with np.errstate(all="ignore"):
        distances = np.abs(values - np.average(values, axis=0, weights=weight))
    by_distance[levels] = fit_each(distances, y, weight)[1]
    return LastValues(weights, explained, by_distance)


def _last_steps(samples: Any) -> tuple[Matrix, np.ndarray, np.ndarray]:
    """Get the last step before each target, beside the targets and their weights."""
    if samples.per_step:
        with_weight = np.flatnonzero(samples.weight)
        rows = targets = with_weight[spread(len(with_weight), _MANY_STEPS)]
    else:
        rows, targets = rows_of_last_steps(samples.lengths, 1)[:, 0], samples.lengths > 0
    return samples.x[rows], samples.y[targets], samples.weight[targets]


def dense_columns(x: Matrix, columns: Any) -> np.ndarray:
    """Take some columns of a dense or sparse matrix as an array."""
    chosen: np.ndarray = x[:, columns].toarray() if issparse(x) else x[:, columns]
    return chosen


def spread(n: int, at_most: int) -> np.ndarray:
    """Choose numbers below n, spread evenly but not at equal distances, which may be a period.

    They are multiples of the golden ratio, without the whole part, times n.
    """
    if n <= at_most:
        return np.arange(n)
    return np.unique((np.arange(at_most) * (np.sqrt(5) - 1) / 2 % 1 * n).astype(int))


def fit_each(x: Matrix, y: np.ndarray, weight: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Fit each column of y to each column of x alone: slopes, and shares of the variance."""
    weight = weight / weight.sum(dtype=np.float64)
    with np.errstate(all="ignore"):
        mean_y, scale_y = moments(y.astype(np.float64), weight, x.dtype)
        mean_x, scale_x = (part[:, None] for part in moments(x, weight))
        from_mean = weight[:, None] * (y - mean_y)
        # The sum of `from_mean` is 0 but for rounding, which large values of x would multiply.
        covariance = x.T @ from_mean - mean_x * from_mean.sum(axis=0)  # (n_features, n_outputs)
        weights = covariance / scale_x**2
        explained = (covariance / (scale_x * scale_y)) ** 2
    is_useless = ~np.isfinite(explained) | ~np.isfinite(weights)  # constant or too large
    weights[is_useless] = explained[is_useless] = 0
    return weights, explained


def choose_differences(last_values: LastValues, skip: np.ndarray | None) -> tuple[int, ...]:
    """Choose the columns that enter the network as differences to their last value.

    These are the columns of the skip connection, so that a network for forecasts does not depend on
    the level of the series: levels often leave the range of the training data (Zeng et al., 2023).
    If the last value explains less than 0.6 of the variance of a target, the series returns to its
    mean, and its level is of use. There are no differences either if another target depends on the
    level in a way that is not linear, such as its square: if the distance of the last value to its
    mean explains more of this target than the last value, and at least a tenth of its variance.
    """
    if skip is None:
        return ()
    is_used = (skip.reshape(-1, *last_values.weights.shape) != 0).any(axis=0)
    is_level = (is_used & (last_values.explained >= _LEAST_FOR_DIFFERENCES)).any(axis=1)
    by_level, by_distance = (
        explained[is_level] for explained in (last_values.explained, last_values.by_distance)
    )
    if (by_distance > np.maximum(by_level, _LEAST_BY_DISTANCE)).any():
        return ()
    return tuple(map(int, np.flatnonzero(is_level)))


def follow_level(samples: Any, skip: np.ndarray, differences: tuple[int, ...]) -> np.ndarray:
    """Choose the weights of levels beside the differences that the network reads instead of them.

    The weight of least squares on the last value alone is wrong if the target also depends on
    other values. For the target ``last - first`` it is above 0, although this target does not
    depend on the level, so the weight of the level should be 0. So first value and mean, as
    differences to the last value, are added to the regression. Their weights are not used.

    Parameters
    ----------
    samples : Ragged
        The training samples, with one row of targets for each sequence.

    skip : ndarray of shape (n_features, n_outputs)
        The weights of the last step.

    differences : tuple of int
        The columns that enter the network as differences to their last value.

    Returns
    -------
    skip : ndarray of shape (n_features, n_outputs)
        The same weights, but those of the larger regression where it leaves less than half of the
        variance that the last value leaves.
    """
    skip, has_steps = skip.copy(), samples.lengths > 0
    y, weight = samples.y[has_steps].astype(np.float64), samples.weight[has_steps]
    root = np.sqrt(weight / weight.sum())[:, None]
    for column in differences:
        x = dense_columns(samples.x, [column])[:, 0].astype(np.float64)
        summaries = _summaries(x, samples.lengths[has_steps])
        if not np.isfinite(summaries).all():
            continue
        outputs = np.flatnonzero(skip[column])
        _, variance_of_last = _fit_weighted(summaries[:, [0, 3]], y[:, outputs], root)
        slopes, variance = _fit_weighted(summaries, y[:, outputs], root)
        explains_more = variance < (1 - LEAST_EXPLAINED) * variance_of_last
        skip[column, outputs[explains_more]] = slopes[0, explains_more]
    return skip


def _summaries(x: np.ndarray, lengths: np.ndarray) -> np.ndarray:
    """Summarize a column of each sequence: ``last, first - last, mean - last, 1`` (n, 4)."""
    ends = np.cumsum(lengths)
    starts = ends - lengths
    with np.errstate(over="ignore", invalid="ignore"):
        last, mean = x[ends - 1], np.add.reduceat(x, starts) / lengths
        return np.column_stack([last, x[starts] - last, mean - last, np.ones_like(last)])


def _fit_weighted(
    values: np.ndarray, y: np.ndarray, root: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Fit by least squares: slopes, and the variance of the residuals by degrees of freedom.

    `root` (n, 1) holds the roots of the weights, which sum to 1.
    """
    slopes = np.linalg.lstsq(root * values, root * y, rcond=None)[0]
    with np.errstate(over="ignore"):
        sum_of_squares = np.sum((root * (y - values @ slopes)) ** 2, axis=0)
    return slopes, sum_of_squares / max(len(y) - values.shape[1], 1)


def spread_depends_on(columns: tuple[int, ...], samples: Any, skip: np.ndarray) -> bool:
    """Whether the last values of some columns explain how far targets are from a skip connection.

    A tenth of the variance of the distances is enough. A network that predicts a spread then needs
    the levels of these columns.
    """
    if not columns:
        return False
    distances = np.abs(samples.y - skipped(samples, skip))
    explained = fit_last_values(replace(samples, y=distances)).explained
    return bool((explained[list(columns)] >= _LEAST_BY_DISTANCE).any())


def skipped(samples: Any, skip: np.ndarray) -> np.ndarray:
    """Compute what a skip connection adds to each target: 0 to a sequence of no steps."""
    if samples.per_step:
        of_steps: np.ndarray = samples.x @ skip
        return of_steps
    rows = rows_of_last_steps(samples.lengths, len(skip) // samples.x.shape[1])
    added = np.zeros((len(samples.lengths), skip.shape[1]))
    added[samples.lengths > 0] = weigh(samples.x, rows, skip)
    return added


def moments(
    x: Matrix, weight: np.ndarray, dtype: np.typing.DTypeLike | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Compute mean and standard deviation of each column of a dense or sparse matrix.

    The deviation of equal values is 0, and so is one that may come from rounding errors of values
    of this dtype, by default that of x. In a sparse matrix it is the root of a difference of
    squares, which has larger rounding errors: it is 0 below 1e-7 of the mean.
    """
    if issparse(x):
        mean, rounding = weight @ x, 1e-7
        variance = weight @ x.power(2) - mean**2
    else:
        origin = x[weight.argmax()]  # so that equal values leave exactly 0
        mean = origin + weight @ (x - origin)
        rounding = 4 * float(np.finfo(dtype or x.dtype).eps)
        variance = weight @ (x - mean) ** 2
    deviation = np.sqrt(np.maximum(variance, 0))
    return mean, np.where(deviation > rounding * np.abs(mean), deviation, 0)
