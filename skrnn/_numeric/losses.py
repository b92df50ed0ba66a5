"""Losses: ``loss(scores, targets, weight) -> (value, dscores)``.

Shapes, throughout: `scores` ``(n, n_outputs)`` are raw outputs, before any softmax or
logistic; `weight` ``(n,)`` is what each row counts for; `value` is the weighted *sum* over
rows of the row's loss (weights that sum to one make it a mean); `dscores` ``(n, n_outputs)``
is its gradient. Softmax and logistic live inside, so that no probability is ever clipped.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from skrnn._numeric.activations import ACTIVATIONS, log_logistic, log_softmax, softmax

Loss = Callable[[np.ndarray, np.ndarray, np.ndarray], tuple[float, np.ndarray]]


def softmax_cross_entropy(scores, classes, weight):
    """Negative log-likelihood of the right class under a softmax.

    ``-log softmax(s)[k] = log(sum_j exp(s_j)) - s_k`` with gradient ``softmax(s) - onehot(k)``.
    `classes` ``(n,)`` holds the index of the right class of each row.
    """
    rows = np.arange(len(scores))
    log_p = log_softmax(scores)
    value = -weight.dot(log_p[rows, classes])
    dscores = np.exp(log_p)
    dscores[rows, classes] -= 1
    dscores *= weight[:, None]
    return value, dscores


def logistic_cross_entropy(scores, targets, weight):
    """Negative log-likelihood of independent yes/no outputs, summed over the outputs.

    ``-t log logistic(s) - (1 - t) log logistic(-s) = -log logistic(-s) - t s`` with gradient
    ``logistic(s) - t``. `targets` ``(n, n_outputs)`` holds 0 and 1 (or anything between).
    """
    log_not_p = log_logistic(-scores)
    gains = targets * scores
    gains += log_not_p
    dscores = np.exp(log_not_p + scores)
    dscores -= targets
    dscores *= weight[:, None]
    return -np.add.reduce(weight.dot(gains)), dscores


def squared_error(scores, targets, weight):
    """Half the squared error ``(s - t)^2 / 2``, summed over the outputs; gradient ``s - t``."""
    error = scores - targets
    dscores = error * weight[:, None]
    return 0.5 * (error * dscores).sum(), dscores


def logistic_squared_error(scores, targets, weight):
    """Half the squared error of logistic outputs: ``p = logistic(s)``, ``ds = dp p (1 - p)``."""
    f, derivative = ACTIVATIONS["logistic"]
    p = f(scores)
    value, dp = squared_error(p, targets, weight)
    return value, dp * derivative(p)


def softmax_squared_error(scores, classes, weight):
    """Half the squared error of softmax outputs: ``ds = p (dp - sum_j p_j dp_j)``."""
    p = softmax(scores)
    onehot = np.zeros(p.shape, p.real.dtype)
    onehot[np.arange(len(p)), classes] = 1
    value, dp = squared_error(p, onehot, weight)
    return value, p * (dp - (p * dp).sum(axis=1, keepdims=True))


# By the name of the loss and of the function that turns scores into predictions.
LOSSES: dict[tuple[str, str], Loss] = {
    ("log_loss", "softmax"): softmax_cross_entropy,
    ("log_loss", "logistic"): logistic_cross_entropy,
    ("squared_error", "softmax"): softmax_squared_error,
    ("squared_error", "logistic"): logistic_squared_error,
    ("squared_error", "identity"): squared_error,
}
