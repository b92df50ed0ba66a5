"""Losses: ``value, gradient = loss(raw_prediction, targets, weight)``.

`raw_prediction` ``(n, n_outputs)`` are the outputs of a network, before a softmax or logistic
function. The loss applies this function itself, so that no probability has to be clipped.
`weight` ``(n,)`` holds the sample weights, and `value` is the weighted *sum* of the losses of the
rows (a mean if the weights sum to one). `gradient` ``(n, n_outputs)`` is the derivative of `value`
with respect to `raw_prediction`. In the formulas of a row, ``s`` is the raw prediction and ``t``
the target. Where a loss has a kink, the gradient is a subgradient.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from skrnn._numeric.activations import (
    ACTIVATIONS,
    log_softmax,
    logistic,
    softmax,
    softplus,
)

# The raw prediction and its gradient are arrays, or a `Chain` (see ``crf``).
Loss = Callable[[Any, np.ndarray, np.ndarray], tuple[float, Any]]
BestConstant = Callable[[np.ndarray, np.ndarray], np.ndarray]

# The smallest standard deviation, for targets of the order of one. The likelihood of targets that
# are predicted exactly would grow without bound.
MIN_STD = 1e-3

_SMALL = 1e-12  # what replaces 0 before a logarithm


def softmax_cross_entropy(
    raw_prediction: np.ndarray, classes: np.ndarray, weight: np.ndarray
) -> tuple[float, np.ndarray]:
    """Negative log-likelihood of the true class under a softmax.

    ``-log softmax(s)[k] = log(sum_j exp(s_j)) - s_k`` with gradient ``softmax(s) - onehot(k)``.
    `classes` ``(n,)`` holds the index of the true class of each row.
    """
    n_rows = len(raw_prediction)
    log_p = log_softmax(raw_prediction)
    flat = log_p.T.reshape(-1)  # a view, in which an index takes less time
    true = classes * n_rows + np.arange(n_rows)
    value = -weight.dot(flat[true])
    gradient = np.exp(log_p, out=log_p)
    flat[true] -= 1
    gradient *= weight[:, None]
    return value, gradient


def logistic_cross_entropy(
    raw_prediction: np.ndarray, targets: np.ndarray, weight: np.ndarray
) -> tuple[float, np.ndarray]:
    """Negative log-likelihood of independent binary outputs, summed over the outputs.

    ``-t log logistic(s) - (1 - t) log logistic(-s) = softplus(s) - t s`` with gradient
    ``logistic(s) - t``, and ``logistic(s) = exp(s - softplus(s))``. `targets` ``(n, n_outputs)``
    holds 0 and 1, or values between them.
    """
    losses = softplus(raw_prediction)
    gradient = raw_prediction - losses
    np.exp(gradient, out=gradient)
    gradient -= targets
    gradient *= weight[:, None]
    losses -= targets * raw_prediction
    values = weight.dot(losses)  # of each output
    # A sum takes three times as long as the product, even of one number.
    return values[0] if len(values) == 1 else np.add.reduce(values), gradient


def squared_error(
    raw_prediction: np.ndarray, targets: np.ndarray, weight: np.ndarray
) -> tuple[float, np.ndarray]:
    """Half the squared error ``(s - t)^2 / 2``, summed over the outputs; gradient ``s - t``."""
    error = raw_prediction - targets
    gradient = error * weight[:, None]
    return 0.5 * (error * gradient).sum(), gradient


def logistic_squared_error(
    raw_prediction: np.ndarray, targets: np.ndarray, weight: np.ndarray
) -> tuple[float, np.ndarray]:
    """Half the squared error of logistic outputs: ``p = logistic(s)``, ``ds = dp p (1 - p)``."""
    f, derivative = ACTIVATIONS["logistic"]
    p = f(raw_prediction)
    value, dp = squared_error(p, targets, weight)
    return value, dp * derivative(p)


def softmax_squared_error(
    raw_prediction: np.ndarray, classes: np.ndarray, weight: np.ndarray
) -> tuple[float, np.ndarray]:
    """Half the squared error of softmax outputs: ``ds = p (dp - sum_j p_j dp_j)``."""
    p = softmax(raw_prediction)
    onehot = np.zeros(p.shape, p.real.dtype)
    onehot[np.arange(len(p)), classes] = 1
    value, dp = squared_error(p, onehot, weight)
    return value, p * (dp - (p * dp).sum(axis=1, keepdims=True))


# The key is the name of the loss and of the function from raw predictions to predictions.
LOSSES: dict[tuple[str, str], Loss] = {
    ("log_loss", "softmax"): softmax_cross_entropy,
    ("log_loss", "logistic"): logistic_cross_entropy,
    ("squared_error", "softmax"): softmax_squared_error,
    ("squared_error", "logistic"): logistic_squared_error,
}


# Losses of numbers ---------------------------------------------------------------------------


def absolute_error(
    raw_prediction: np.ndarray, targets: np.ndarray, weight: np.ndarray
) -> tuple[float, np.ndarray]:
    """Absolute error ``|s - t|``, summed over the outputs; gradient ``sign(s - t)``, 0 at 0."""
    error = raw_prediction - targets
    gradient = np.sign(error.real).astype(error.dtype, copy=False) * weight[:, None]
    return (error * gradient).sum(), gradient


def huber(
    raw_prediction: np.ndarray, targets: np.ndarray, weight: np.ndarray, delta: float
) -> tuple[float, np.ndarray]:
    """Huber loss, summed over the outputs: squared error up to `delta`, absolute error beyond.

    ``e^2 / 2`` if ``|e| <= delta``, else ``delta (|e| - delta / 2)``, with ``e = s - t``. With the
    error clipped to ``c``, between ``-delta`` and ``delta``, this is ``c (e - c / 2)``, and the
    gradient is ``c``.
    """
    error = raw_prediction - targets
    clipped = np.where(np.abs(error.real) <= delta, error, delta * np.sign(error.real))
    gradient = clipped * weight[:, None]
    return ((error - clipped / 2) * gradient).sum(), gradient


def poisson(
    raw_prediction: np.ndarray, targets: np.ndarray, weight: np.ndarray
) -> tuple[float, np.ndarray]:
    """Half the Poisson deviance of the prediction ``exp(s)``, summed over the outputs.

    ``exp(s) - t s + (t log t - t)`` with gradient ``exp(s) - t``. For targets of at least 0.
    """
    prediction = np.exp(raw_prediction)
    gradient = prediction - targets
    of_perfect = targets * (np.log(np.where(targets > 0, targets, 1)) - 1)
    value = prediction - targets * raw_prediction + of_perfect
    return weight.dot(value).sum(), gradient * weight[:, None]


def gamma(
    raw_prediction: np.ndarray, targets: np.ndarray, weight: np.ndarray
) -> tuple[float, np.ndarray]:
    """Half the gamma deviance of the prediction ``exp(s)``, summed over the outputs.

    ``t exp(-s) + s - log t - 1`` with gradient ``1 - t exp(-s)``. For targets above 0.
    """
    ratio = targets * np.exp(-raw_prediction)
    value = ratio + raw_prediction - np.log(targets) - 1
    return weight.dot(value).sum(), (1 - ratio) * weight[:, None]


def quantile(
    raw_prediction: np.ndarray, targets: np.ndarray, weight: np.ndarray, quantiles: Sequence[float]
) -> tuple[float, np.ndarray]:
    """Pinball loss, summed over the quantiles and the targets, of ordered predictions.

    ``u (tau - [u < 0])`` with ``u = t - q`` and ``q`` the prediction for the quantile ``tau``; see
    `ordered`. The derivative with respect to ``q`` is ``[u < 0] - tau``. That with respect to the
    raw prediction of one quantile is the sum over this quantile and the larger ones, times the
    derivative of the softplus.
    """
    q = ordered(raw_prediction, len(quantiles))
    error = targets[:, :, None] - q
    slope = np.asarray(quantiles, targets.dtype) - (error.real < 0)
    value = weight.dot((slope * error).sum(axis=(1, 2)))
    slope *= -weight[:, None, None]
    gradient = np.cumsum(slope[:, :, ::-1], axis=2)[:, :, ::-1].astype(q.dtype, copy=False)
    gradient[:, :, 1:] *= logistic(raw_prediction.reshape(q.shape)[:, :, 1:])
    return value, gradient.reshape(raw_prediction.shape)


def gaussian(
    raw_prediction: np.ndarray, targets: np.ndarray, weight: np.ndarray
) -> tuple[float, np.ndarray]:
    """Negative log-likelihood of a normal distribution, summed over the targets.

    ``log(std) + z^2 / 2 + log(2 pi) / 2`` with ``z = (t - mean) / std``; see `mean_std`. The
    derivatives are ``-z / std`` for the mean and ``(1 - z^2) / std`` for the standard deviation.
    """
    mean, std = mean_std(raw_prediction)
    z = (targets - mean) / std
    value = weight.dot(np.log(std) + z * z / 2 + 0.5 * math.log(2 * math.pi)).sum()
    gradient = np.empty_like(raw_prediction)
    scale = weight[:, None] / std
    gradient[:, ::2] = -z * scale
    gradient[:, 1::2] = (1 - z * z) * scale * logistic(raw_prediction[:, 1::2])
    return value, gradient


def ordered(raw_prediction: np.ndarray, n_quantiles: int) -> np.ndarray:
    """Quantiles in increasing order, ``(n, n_targets, n_quantiles)``.

    ``q_0 = s_0``, ``q_k = q_(k-1) + softplus(s_k)``. Columns of one target are adjacent in
    `raw_prediction` ``(n, n_targets * n_quantiles)``.
    """
    q = raw_prediction.reshape(len(raw_prediction), -1, n_quantiles).copy()
    q[:, :, 1:] = softplus(q[:, :, 1:])
    return np.cumsum(q, axis=2, out=q)


def mean_std(raw_prediction: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Means and standard deviations, each ``(n, n_targets)``.

    ``mean = s_0``, ``std = MIN_STD + softplus(s_1)``. Columns of one target are adjacent in
    `raw_prediction` ``(n, n_targets * 2)``.
    """
    return raw_prediction[:, ::2], MIN_STD + softplus(raw_prediction[:, 1::2])


# The raw prediction (n_outputs,) of the best constant, from targets and weights that sum to 1.


def best_of_squared_error(targets: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Compute the mean."""
    mean: np.ndarray = weight @ targets
    return mean


def best_of_quantile(
    targets: np.ndarray, weight: np.ndarray, quantiles: Sequence[float]
) -> np.ndarray:
    """Find the quantiles: each the smallest target whose cumulative weight reaches it."""
    order = np.argsort(targets, axis=0)
    cumulative = np.cumsum(weight[order], axis=0)
    q = np.array(
        [
            [column[by[np.searchsorted(share, tau * share[-1])]] for tau in quantiles]
            for column, by, share in zip(targets.T, order.T, cumulative.T, strict=True)
        ]
    )
    q[:, 1:] = _inverse_softplus(np.diff(q, axis=1))
    return q.ravel()


def best_of_absolute_error(targets: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Find the median."""
    return best_of_quantile(targets, weight, (0.5,))


def best_of_log_link(targets: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Compute the logarithm of the mean, for 'poisson' and 'gamma'."""
    log_mean: np.ndarray = np.log((weight @ targets).clip(min=_SMALL))
    return log_mean


def best_of_gaussian(targets: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Compute the mean and the standard deviation."""
    mean = weight @ targets
    std = np.sqrt(weight @ (targets - mean) ** 2)
    return np.column_stack([mean, _inverse_softplus(std - MIN_STD)]).ravel()


def best_by_bisection(targets: np.ndarray, weight: np.ndarray, function: Loss) -> np.ndarray:
    """Find the zero of the gradient of a convex loss with its minimum among the targets."""
    low: np.ndarray = targets.min(axis=0)
    high: np.ndarray = targets.max(axis=0)
    for _ in range(50):
        middle = low + (high - low) / 2
        slope = function(np.broadcast_to(middle, targets.shape), targets, weight)[1].sum(axis=0)
        low, high = np.where(slope > 0, low, middle), np.where(slope > 0, middle, high)
    return high


def _inverse_softplus(y: np.ndarray) -> np.ndarray:
    y = np.maximum(y, _SMALL)
    x: np.ndarray = y + np.log(-np.expm1(-y))
    return x


class NumberLoss(NamedTuple):
    """All facts about a loss of numbers.

    Parameters
    ----------
    function : callable
        ``value, gradient = function(raw_prediction, targets, weight)``.

    best_constant : callable
        ``raw_prediction = best_constant(targets, weight)``, of shape ``(n_outputs,)``, for weights
        that sum to 1.

    out_activation : {'identity', 'exp', 'ordered', 'mean_std'}, default='identity'
        The function that turns raw predictions into predictions.

    n_columns : int, default=1
        Outputs of the network for each target.

    domain : {'', '>= 0', '> 0'}, default=''
        Targets that are valid; empty if all are.
    """

    function: Loss
    best_constant: BestConstant
    out_activation: str = "identity"
    n_columns: int = 1
    domain: str = ""


NUMBER_LOSSES = {
    "squared_error": NumberLoss(squared_error, best_of_squared_error),
    "absolute_error": NumberLoss(absolute_error, best_of_absolute_error),
    "poisson": NumberLoss(poisson, best_of_log_link, "exp", domain=">= 0"),
    "gamma": NumberLoss(gamma, best_of_log_link, "exp", domain="> 0"),
}
