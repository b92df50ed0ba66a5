"""The default strength of the penalty on the weights of regressors."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from skrnn._numeric.losses import squared_error
from skrnn._numeric.pieces import SMALL_PIECE, pieces
from skrnn._training.few import LARGEST_BATCH, is_logic_problem

if TYPE_CHECKING:
    from skrnn._numeric.losses import NumberLoss
    from skrnn._numeric.training import Ragged

# The penalty for targets without noise, such as those of logic problems. It is also for L-BFGS, for
# targets that are not standardized, and for chunks, which are no share of all samples.
WITHOUT_NOISE = 0.0001

# So many targets of steps count as one target, since the errors in a sequence are alike.
_STEPS_PER_TARGET = 8

# Up to 32 sequences are one batch without dropout, so a network learns more noise. For them, the
# penalty is so many times as strong, above all if several outputs describe a distribution. It is
# not stronger with squared errors, since exact functions would not be learned.
_FOR_FEW, _FOR_FEW_DISTRIBUTIONS = 3.0, 10.0

_ROUNDING = 1e-10  # a smaller dispersion is that of equal targets


def default_penalty(loss: NumberLoss, samples: Ragged, batch_size: int) -> float:
    """Choose the strength of the penalty for a regressor whose targets are standardized.

    The penalty is divided by the weight of a batch. If `alpha` is the share of a batch in all
    samples, times the dispersion of the loss, the weights have a standard normal prior [1]_. A
    target of a step counts as an eighth, which was found by cross-validation, but the share is at
    most 1. Samples with a weight below 1 count as one. With up to 32 sequences, the penalty of
    other losses than squared errors is 3 or 10 times as strong, which was found by experiments.

    Parameters
    ----------
    loss : NumberLoss
        The loss.

    samples : Ragged
        All training samples, with the targets of training.

    batch_size : int
        Sequences in a batch; it may be larger than the number of sequences.

    Returns
    -------
    alpha : float
        0.0001 for logic problems such as XOR, and if the dispersion is 0, as it is for most losses
        if all targets are equal.

    References
    ----------
    .. [1] D. J. C. MacKay, "A practical Bayesian framework for backpropagation networks",
       Neural Computation 4 (1992).
    """
    of_loss = dispersion(loss, samples.y, samples.weight)
    if not _ROUNDING < of_loss < np.inf:
        return WITHOUT_NOISE
    if loss.out_activation == "identity" and is_logic_problem(samples):
        return WITHOUT_NOISE
    share = batch_size / samples.n_samples
    share = min(1.0, share * (_STEPS_PER_TARGET if samples.per_step else 1))
    is_few = samples.n_samples <= LARGEST_BATCH and not samples.per_step
    if is_few and loss.function is not squared_error:
        share *= _FOR_FEW if loss.n_columns == 1 else _FOR_FEW_DISTRIBUTIONS
    mean_weight = samples.weight[samples.weight > 0].mean()
    return share * of_loss * min(1.0, float(mean_weight))


def dispersion(loss: NumberLoss, targets: np.ndarray, weight: np.ndarray) -> float:
    """Compute by what a loss must be divided to be a negative log-likelihood.

    This is the dispersion of a quasi-likelihood [1]_: the mean of the error times the derivative
    of the loss with respect to the prediction, at the best constant prediction. It is the variance
    for squared errors, ``variance / mean`` for 'poisson', ``variance / mean ** 2`` for 'gamma', and
    the mean absolute error, which is the scale of a Laplace distribution, for absolute errors. For
    quantiles it is the mean pinball loss of a quantile, because this loss is linear on both sides.

    Parameters
    ----------
    loss : NumberLoss
        The loss.

    targets : ndarray of shape (n, n_targets)
        The targets of training.

    weight : ndarray of shape (n,)
        Their weights. Targets of weight 0 do not count.

    Returns
    -------
    dispersion : float
        The mean over the outputs. It is 1 for squared errors, whose targets are standardized, and
        for a normal distribution, whose loss is a negative log-likelihood.

    References
    ----------
    .. [1] P. McCullagh and J. A. Nelder, "Generalized Linear Models", Chapman and Hall (1989).
    """
    if loss.function is squared_error or loss.out_activation == "mean_std":
        return 1.0
    counts = weight > 0
    y = targets[counts].astype(np.float64)
    weight = weight[counts] / weight.sum(dtype=np.float64)
    total = 0.0
    with np.errstate(over="ignore", invalid="ignore"):
        constant = loss.best_constant(y, weight)
        for piece in pieces(len(y), width=len(constant), size=SMALL_PIECE):
            total += _errors_times_slopes(loss, constant, y[piece.rows], weight[piece.rows])
    return total / len(constant)


def _errors_times_slopes(
    loss: NumberLoss, constant: np.ndarray, y: np.ndarray, weight: np.ndarray
) -> float:
    raw = np.broadcast_to(constant, (len(y), len(constant)))
    value, slope = loss.function(raw, y, weight)
    if loss.out_activation == "ordered":
        return float(value)
    prediction = raw
    if loss.out_activation == "exp":
        prediction = np.exp(raw)
        slope = slope / prediction  # with respect to the prediction
    return float(((prediction - y) * slope).sum())
