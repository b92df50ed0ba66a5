"""Move the class scores of a network so that its probabilities have the right means."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.optimize import minimize

from skrnn._input import all_finite
from skrnn._numeric.pieces import SMALL_PIECE
from skrnn._numeric.training import MOST_PARTS, mean_loss
from skrnn._training.skip import spread
from skrnn._training.threads import thread_map

if TYPE_CHECKING:
    from skrnn._training.run import Run

# At most so many numbers are kept, 16 MiB of float64. Rows that are spread evenly are enough.
_MOST_SCORES = 2**21
# A smaller difference between a mean probability and a frequency is rounding.
_ROUNDING = 1e-6
_MOST_ITERATIONS = 100


def choose_shift(run: Run, factor: float) -> np.ndarray | float:
    """Choose what is added to the logits of a classifier that are multiplied by a factor.

    A factor below 1 moves logits towards 0, and the probability of a rare class towards those of
    the others. The shift is that of the lowest log loss of the training samples, with their
    weights, and with a standard normal prior. Then the mean probability of a class or label is its
    frequency less ``shift / n``, with the effective number of samples n.

    Parameters
    ----------
    run : Run
        A run that has ended, with the log loss of classes, or of several labels, of sequences or of
        steps.

    factor : float
        By what the logits are multiplied.

    Returns
    -------
    shift : ndarray of shape (n_outputs,) or float
        0 if an output is not finite.
    """
    samples, loss = run.samples, run.options.loss
    is_used = _spread_evenly(samples.weight, run.network.n_outputs)
    with np.errstate(all="ignore"), thread_map(MOST_PARTS) as mapped:
        _, kept = mean_loss(
            run.network,
            run.params,
            samples,
            loss,
            keep=lambda raw, rows: raw[is_used[rows]],
            size=SMALL_PIECE,
            mapped=mapped,
        )
    raw = np.concatenate(kept).astype(np.float64)
    if not all_finite(raw):
        return 0.0
    raw *= factor
    y, weight = samples.y[is_used], samples.weight[is_used]
    weight = weight / weight.sum(dtype=np.float64)
    n = 1 / (weight @ weight)

    def objective(shift: np.ndarray) -> tuple[float, np.ndarray]:
        value, gradient = loss(raw + shift, y, weight)
        return float(value) + shift @ shift / (2 * n), gradient.sum(axis=0) + shift / n

    limits = {"gtol": _ROUNDING, "ftol": 0.0, "maxiter": _MOST_ITERATIONS}
    start = np.zeros(raw.shape[1])
    shift: np.ndarray = minimize(objective, start, jac=True, method="L-BFGS-B", options=limits).x
    return shift


def _spread_evenly(weight: np.ndarray, n_outputs: int) -> np.ndarray:
    """Mark as many rows with weight as have outputs of at most `_MOST_SCORES` numbers."""
    with_weight = np.flatnonzero(weight)
    is_used = np.zeros(len(weight), bool)
    is_used[with_weight[spread(len(with_weight), max(_MOST_SCORES // n_outputs, 1))]] = True
    return is_used
