"""Losses: ``value, gradient = loss(raw_prediction, targets, weight)``.

`raw_prediction` ``(n, n_outputs)`` are the outputs of a network, before a softmax or logistic
function. The loss applies this function itself, so that no probability has to be clipped.
`weight` ``(n,)`` holds the sample weights, and `value` is the weighted *sum* of the losses of the
rows (a mean if the weights sum to one). `gradient` ``(n, n_outputs)`` is the derivative of `value`
with respect to `raw_prediction`. In the formulas of a row, ``s`` is the raw prediction and ``t``
the target.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from skrnn._numeric.activations import ACTIVATIONS, log_logistic, log_softmax, softmax

Loss = Callable[[np.ndarray, np.ndarray, np.ndarray], tuple[float, np.ndarray]]


def softmax_cross_entropy(raw_prediction, classes, weight):
    """Negative log-likelihood of the true class under a softmax.

    ``-log softmax(s)[k] = log(sum_j exp(s_j)) - s_k`` with gradient ``softmax(s) - onehot(k)``.
    `classes` ``(n,)`` holds the index of the true class of each row.
    """
    rows = np.arange(len(raw_prediction))
    log_p = log_softmax(raw_prediction)
    value = -weight.dot(log_p[rows, classes])
    gradient = np.exp(log_p)
    gradient[rows, classes] -= 1
    gradient *= weight[:, None]
    return value, gradient


def logistic_cross_entropy(raw_prediction, targets, weight):
    """Negative log-likelihood of independent binary outputs, summed over the outputs.

    ``-t log logistic(s) - (1 - t) log logistic(-s) = -log logistic(-s) - t s`` with gradient
    ``logistic(s) - t``. `targets` ``(n, n_outputs)`` holds 0 and 1, or values between them.
    """
    log_not_p = log_logistic(-raw_prediction)
    gains = targets * raw_prediction
    gains += log_not_p
    gradient = np.exp(log_not_p + raw_prediction)
    gradient -= targets
    gradient *= weight[:, None]
    return -np.add.reduce(weight.dot(gains)), gradient


def squared_error(raw_prediction, targets, weight):
    """Half the squared error ``(s - t)^2 / 2``, summed over the outputs; gradient ``s - t``."""
    error = raw_prediction - targets
    gradient = error * weight[:, None]
    return 0.5 * (error * gradient).sum(), gradient


def logistic_squared_error(raw_prediction, targets, weight):
    """Half the squared error of logistic outputs: ``p = logistic(s)``, ``ds = dp p (1 - p)``."""
    f, derivative = ACTIVATIONS["logistic"]
    p = f(raw_prediction)
    value, dp = squared_error(p, targets, weight)
    return value, dp * derivative(p)


def softmax_squared_error(raw_prediction, classes, weight):
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
    ("squared_error", "identity"): squared_error,
}
