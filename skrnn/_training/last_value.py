"""The forecast that a series stays where it is, beside what a network has learned."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from scipy.sparse import issparse
from sklearn.model_selection import KFold

from skrnn._numeric.lags import rows_of_last_steps
from skrnn._training.options import LARGEST_BATCH
from skrnn._training.skip import fit_each, moments, skipped

if TYPE_CHECKING:
    from skrnn._training.scaling import TargetScale

# An output is a later value of the same series if the last value explains this share of its
# variance, and its mean and deviation are near those of the output that it explains best.
_LEAST_EXPLAINED, _NEAR_MEANS, _NEAR_DEVIATIONS = 0.25, 0.25, 1.25
# The share of the forecast before any data are seen, and how many sequences this counts as.
_PRIOR_SHARE, _PRIOR_SEQUENCES = 0.5, 300
_N_FOLDS = 5


class Line(NamedTuple):
    """Linear functions of one value: one for each output."""

    slopes: np.ndarray  # (n_outputs,)
    intercepts: np.ndarray  # (n_outputs,)

    def __call__(self, x: np.ndarray) -> np.ndarray:
        """Compute them for values (n,), as rows (n, n_outputs)."""
        y: np.ndarray = x[:, None] * self.slopes + self.intercepts
        return y


def share_of_last_value(
    samples: Any, scale: TargetScale, left: np.ndarray | float
) -> tuple[np.ndarray, np.ndarray]:
    """Choose what is added to a prediction to move it towards the last value.

    The skip connection of a forecast is a line that returns to the mean of the training targets. It
    returns too fast: slopes of least squares are too small in short series [1]_, and a series that
    leaves the range of the training data often does not come back. The mean of two forecasts is
    often better than each [2]_, so the line is moved towards the forecast that the series stays
    where it is, as in regressions with the random walk as prior [3]_.

    The share of the last value is that of the smallest squared error of the sum, by
    cross-validation in blocks of consecutive sequences. It is averaged with 1/2, which counts as
    300 sequences. What the network explains of the rest is not moved.

    Parameters
    ----------
    samples : Ragged
        The training samples, with standardized targets less the skip connection.

    scale : TargetScale
        Mean, deviation and skip connection of the targets. Nothing is added to outputs for which
        the connection is not the line of least squares on the last value of a column that is read
        as differences, nor if a sequence has no steps, or up to 32 sequences count.

    left : ndarray of shape (n_outputs,) or float
        The share of the variance of the targets that a network does not explain.

    Returns
    -------
    weights : ndarray of shape (n_features, n_outputs)
        The weights of the last step, for standardized targets.

    intercept : ndarray of shape (n_outputs,)
        What is added besides.

    References
    ----------
    .. [1] M. G. Kendall, "Note on bias in the estimation of autocorrelation", Biometrika 41 (1954).
    .. [2] J. M. Bates and C. W. J. Granger, "The combination of forecasts", Operational Research
       Quarterly 20 (1969).
    .. [3] R. B. Litterman, "Forecasting with Bayesian vector autoregressions", Journal of Business
       and Economic Statistics 4 (1986).
    """
    n_features, n_outputs = samples.x.shape[1], samples.y.shape[1]
    weights, intercept = np.zeros((n_features, n_outputs)), np.zeros(n_outputs)
    skip, counts = scale.skip, samples.weight > 0
    is_last_step = skip is not None and len(skip) == n_features
    if not is_last_step or not samples.lengths.all() or counts.sum() <= LARGEST_BATCH:
        return weights, intercept
    last = samples.x[rows_of_last_steps(samples.lengths, 1)[counts, 0]]
    y = (samples.y * scale.scale + scale.mean + skipped(samples, skip))[counts]
    weight = samples.weight[counts].astype(np.float64)
    left = np.broadcast_to(left, n_outputs)
    for column in scale.differences:
        outputs = np.flatnonzero(skip[column])
        x = last[:, [column]].toarray() if issparse(last) else last[:, [column]]
        x = x[:, 0].astype(np.float64)
        share = _choose_share(x, y[:, outputs], weight)
        line, to_last_value = _fit(x, y[:, outputs], weight)
        is_line = np.isclose(skip[column, outputs], line.slopes, rtol=0.01)
        factor = is_line * share * left[outputs] / scale.scale[outputs]
        weights[column, outputs] = factor * to_last_value.slopes
        intercept[outputs] = factor * to_last_value.intercepts
    return weights, intercept


def _choose_share(x: np.ndarray, y: np.ndarray, weight: np.ndarray) -> float:
    """Choose the share of the last value, the same for all outputs of a column."""
    moved, missing = np.zeros_like(y), np.zeros_like(y)
    for train, held in KFold(_N_FOLDS).split(x):
        line, to_last_value = _fit(x[train], y[train], weight[train])
        moved[held], missing[held] = to_last_value(x[held]), y[held] - line(x[held])
    weight = weight / weight.sum()
    with np.errstate(all="ignore"):  # nothing may be moved, and squares may overflow
        unit = moments(y, weight)[1] ** 2
        best = np.sum(weight @ (moved * missing) / unit) / np.sum(weight @ moved**2 / unit)
    best = np.clip(best, 0, 1) if np.isfinite(best) else 0
    n = 1 / (weight @ weight)
    return float((_PRIOR_SEQUENCES * _PRIOR_SHARE + n * best) / (_PRIOR_SEQUENCES + n))


def _fit(x: np.ndarray, y: np.ndarray, weight: np.ndarray) -> tuple[Line, Line]:
    """Fit y (n, n_outputs) to values x (n,) by least squares, and find what is left to the value.

    The second line is the difference between the last value and the first line. The last value is
    in the unit of the output that it explains best, since x may be scaled. The difference is 0 for
    outputs that are no later values of the same series.
    """
    slopes, explained = (fit[0] for fit in fit_each(x[:, None], y, weight))
    weight = weight / weight.sum()
    (mean_x,), (deviation_x,) = moments(x[:, None], weight)
    mean, deviation = moments(y, weight)
    line = Line(slopes, mean - slopes * mean_x)
    explained = np.where(slopes > 0, explained, 0)
    best = explained.argmax()
    is_later = explained >= _LEAST_EXPLAINED
    is_later &= np.abs(mean - mean[best]) <= _NEAR_MEANS * deviation[best]
    is_later &= deviation <= _NEAR_DEVIATIONS * deviation[best]
    is_later &= deviation[best] <= _NEAR_DEVIATIONS * deviation
    slope = deviation[best] / deviation_x if deviation_x > 0 else 0.0
    to_slope, to_mean = slope - slopes, mean[best] - mean
    to_last_value = Line(is_later * to_slope, is_later * (to_mean - to_slope * mean_x))
    return line, to_last_value
