"""Metrics as scikit-learn 1.9 computes them, for older versions."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from sklearn import metrics

if TYPE_CHECKING:
    from typing import Any


def d2_pinball_score(y_true: Any, y_pred: Any, *, sample_weight: Any = None, alpha: float) -> Any:
    """Compute D² of predicted quantiles; weights that are all equal are the same as none.

    D² compares with the quantile of `y_true`. scikit-learn before 1.9 interpolates it without
    weights, and takes one of the values with them.

    Parameters
    ----------
    y_true : array-like of shape (n_samples,) or (n_samples, n_outputs)
        The targets.

    y_pred : array-like of the shape of y_true
        The predictions.

    sample_weight : array-like of shape (n_samples,), default=None
        The weights.

    alpha : float
        The level of the quantile.

    Returns
    -------
    score : float
        D², 1 at best.
    """
    if _are_equal(sample_weight, len(y_true)):
        sample_weight = None
    return metrics.d2_pinball_score(y_true, y_pred, sample_weight=sample_weight, alpha=alpha)


def _are_equal(sample_weight: Any, n_samples: int) -> bool:
    """Whether all weights are the same positive number; scikit-learn checks all others."""
    weight = np.asarray(sample_weight)
    if weight.shape != (n_samples,) or weight.dtype.kind not in "iuf" or not n_samples:
        return False
    return bool((weight == weight[0]).all() and 0 < weight[0] < np.inf)
