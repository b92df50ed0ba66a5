"""The loss of the best constant prediction, with which that of a network is compared."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from skrnn._numeric.pieces import pieces

if TYPE_CHECKING:
    from skrnn._numeric.losses import BestConstant, Loss
    from skrnn._numeric.training import Ragged, Rows

# A loss above this share of that of the best constant prediction shows no progress.
_NO_PROGRESS = 0.95

_PIECE = 2**12  # rows at a time


def useful_loss(
    loss: Loss,
    best_constant: BestConstant,
    out_activation: str,
    samples: Rows | Ragged,
    part: Rows | Ragged | None = None,
) -> float:
    """Compute the loss below which a fit is better than a constant prediction.

    It is 5 % below the loss of the best constant. A negative log-likelihood has no zero to compare
    with. For a normal distribution it is the loss at which the squared errors are 5 % smaller.

    Parameters
    ----------
    loss : callable
        The loss.

    best_constant : callable
        ``raw_prediction = best_constant(targets, weight)``.

    out_activation : str
        The function that turns raw predictions into predictions.

    samples : Rows or Ragged
        All training samples, which give the constant.

    part : Rows or Ragged, default=None
        The samples on which the loss is computed. None means all.
    """
    of_constant = constant_loss(loss, best_constant, samples, part)
    if out_activation == "mean_std":
        n_outputs: int = samples.y.shape[1]
        return of_constant + n_outputs / 2 * math.log(_NO_PROGRESS)
    return _NO_PROGRESS * of_constant


def constant_loss(
    loss: Loss,
    best_constant: BestConstant,
    samples: Rows | Ragged,
    part: Rows | Ragged | None = None,
) -> float:
    """Compute the mean loss of the best constant prediction; see `useful_loss`."""
    constant = best_constant(samples.y, samples.weight / samples.weight.sum(dtype=np.float64))
    part = samples if part is None else part
    weight = part.weight / part.weight.sum(dtype=np.float64)
    total = 0.0
    for piece in pieces(len(weight), width=len(constant), size=_PIECE):
        y, w = part.y[piece.rows], weight[piece.rows]
        total += float(loss(np.broadcast_to(constant, (len(w), len(constant))), y, w)[0])
    return total
