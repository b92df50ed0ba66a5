"""Move a prediction towards the last value, the forecast that a series stays where it is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from skrnn._numeric.lags import rows_of_last_steps
from skrnn._training.few import LARGEST_BATCH
from skrnn._training.skip import FOLDS, dense_columns, fit_each, moments

if TYPE_CHECKING:
    from skrnn._training.scaling import TargetScale

# An output is a later value of the same series if the last value explains this share of its
# variance, and its mean and deviation are near those of the output that it explains best.
_LEAST_EXPLAINED, _NEAR_MEANS, _NEAR_DEVIATIONS = 0.25, 0.25, 1.25
# The share of the last value before data are used, and the number of sequences that it counts as.
_PRIOR_SHARE, _PRIOR_SEQUENCES = 0.5, 300


class Line(NamedTuple):
    """Linear functions of one value: one for each output."""

    slopes: np.ndarray  # (n_outputs,)
    intercepts: np.ndarray  # (n_outputs,)

    @classmethod
    def through(cls, x: float, y: np.ndarray, slopes: np.ndarray) -> Line:
        """Make lines through the points (x, y)."""
        return cls(slopes, y - slopes * x)

    def __call__(self, x: np.ndarray) -> np.ndarray:
        """Compute them for values (n,), as rows (n, n_outputs)."""
        y: np.ndarray = x[:, None] * self.slopes + self.intercepts
        return y


def share_of_last_value(
    samples: Any, scale: TargetScale, unexplained: np.ndarray | float
) -> tuple[np.ndarray, np.ndarray]:
    """Choose what is added to a prediction to move it towards the last value.

    The skip connection of a forecast is a line that returns to the mean of the training targets. It
    returns too fast: slopes of least squares are too small in short series [1]_, and a series that
    leaves the range of the training data often does not come back. The mean of two forecasts is
    often better than each [2]_, so the line is moved towards the forecast that the series stays
    where it is, as in regressions with the random walk as prior [3]_.

    The share of the last value has the smallest squared error of the sum, by cross-validation in
    blocks of consecutive sequences. It is averaged with 1/2, which counts as 300 sequences. It is
    multiplied by the part of the variance that the network does not explain.

    Parameters
    ----------
    samples : Ragged
        The training samples, with standardized targets less the skip connection.

    scale : TargetScale
        Mean, deviation and skip connection of the targets. Nothing is added to outputs for which
        the connection is not the line of least squares on the last value of a column that is read
        as differences, nor if a sequence has no steps, or up to 32 sequences count.

    unexplained : ndarray of shape (n_outputs,) or float
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
    skip, has_weight = scale.skip, samples.weight > 0
    is_last_step = skip is not None and len(skip) == n_features
    if not is_last_step or not samples.lengths.all() or has_weight.sum() <= LARGEST_BATCH:
        return weights, intercept
    last = samples.x[rows_of_last_steps(samples.lengths, 1)[has_weight, 0]]
    y = scale.original_targets(samples)[has_weight]
    weight = samples.weight[has_weight].astype(np.float64)
    unexplained = np.broadcast_to(unexplained, n_outputs)
    for column in scale.differences:
        outputs = np.flatnonzero(skip[column])
        x = dense_columns(last, [column])[:, 0].astype(np.float64)
        share = _choose_share(x, y[:, outputs], weight)
        line, difference = _fit(x, y[:, outputs], weight)
        is_line = np.isclose(skip[column, outputs], line.slopes, rtol=0.01)
        factor = is_line * share * unexplained[outputs] / scale.scale[outputs]
        weights[column, outputs] = factor * difference.slopes
        intercept[outputs] = factor * difference.intercepts
    return weights, intercept


def _choose_share(x: np.ndarray, y: np.ndarray, weight: np.ndarray) -> float:
    """Choose the share of the last value, the same for all outputs of a column.

    For residuals r of the line and differences d of the last value to it, in new sequences, the
    share is ``E[d r] / E[d²]``, averaged with the prior. Outputs are in units of their deviation.
    """
    d, r = np.zeros_like(y), np.zeros_like(y)
    for train, test in FOLDS.split(x):
        line, difference = _fit(x[train], y[train], weight[train])
        d[test], r[test] = difference(x[test]), y[test] - line(x[test])
    weight = weight / weight.sum()
    with np.errstate(all="ignore"):  # all differences may be 0, and squares may overflow
        variance = moments(y, weight)[1] ** 2
        best = np.sum(weight @ (d * r) / variance) / np.sum(weight @ d**2 / variance)
    best = np.clip(best, 0, 1) if np.isfinite(best) else 0
    n = 1 / (weight @ weight)
    return float((_PRIOR_SEQUENCES * _PRIOR_SHARE + n * best) / (_PRIOR_SEQUENCES + n))


def _fit(x: np.ndarray, y: np.ndarray, weight: np.ndarray) -> tuple[Line, Line]:
    """Fit y (n, n_outputs) to last values x (n,): a line, and what leads from it to the last value.

    The first line is that of least squares. The last value as a forecast is a line too: it gets the
    mean and deviation of the output that it explains best, because x may be scaled. The second line
    is the difference from the first line to that one. It is 0 for outputs that are not later values
    of the same series.
    """
    slopes, explained = (fit[0] for fit in fit_each(x[:, None], y, weight))
    explained = np.where(slopes > 0, explained, 0)
    weight = weight / weight.sum()
    (mean_x,), (deviation_x,) = moments(x[:, None], weight)
    mean, deviation = moments(y, weight)
    best = int(explained.argmax())
    slope_of_last = deviation[best] / deviation_x if deviation_x > 0 else 0.0
    is_later = (explained >= _LEAST_EXPLAINED) & _are_same_series(best, mean, deviation)
    difference_of_means = is_later * (mean[best] - mean)
    difference_of_slopes = is_later * (slope_of_last - slopes)
    return (
        Line.through(mean_x, mean, slopes),
        Line.through(mean_x, difference_of_means, difference_of_slopes),
    )


def _are_same_series(output: int, mean: np.ndarray, deviation: np.ndarray) -> np.ndarray:
    """Whether outputs have about the mean and deviation of one, as later values of its series."""
    unit = deviation[output]
    has_same_mean = np.abs(mean - mean[output]) <= _NEAR_MEANS * unit
    is_no_wider = deviation <= _NEAR_DEVIATIONS * unit
    is_no_narrower = unit <= _NEAR_DEVIATIONS * deviation
    are_same: np.ndarray = has_same_mean & is_no_wider & is_no_narrower
    return are_same
