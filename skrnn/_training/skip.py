"""Weights of a skip connection from the last step of a sequence to the output."""

from __future__ import annotations

import numpy as np
from scipy.sparse import issparse

from skrnn._numeric.training import Ragged

_LEAST_EXPLAINED = 0.5


def last_steps(samples: Ragged) -> np.ndarray:
    """Get the last step of each sequence (n_sequences, n_features); zeros if it has none."""
    lengths = samples.lengths
    rows = np.cumsum(lengths)[lengths > 0] - 1
    last = np.zeros((len(lengths), samples.x.shape[1]), samples.x.dtype)
    last[lengths > 0] = samples.x[rows]
    return last


def choose_skip(samples: Ragged) -> np.ndarray | None:
    """Choose for each output the column of which the last value says most about the target.

    In a forecast this is the column of the series itself: the best simple forecast of many series
    is their last value (a random walk). The weight is the ratio of the standard deviation of the
    target to that of the column over all steps, with the sign of their covariance. It is 1 if
    target and column are the same quantity. It is not a regression coefficient, which would be
    smaller, and wrong as soon as a series leaves the range of the training data.

    Parameters
    ----------
    samples : Ragged
        The training samples, with one row of targets for each sequence.

    Returns
    -------
    skip : ndarray of shape (n_features, n_outputs) or None
        At most one weight in each column is not 0. A column is chosen if it explains at least half
        of the variance of the target. None if none is, or if the steps are sparse.
    """
    if issparse(samples.x) or not samples.lengths.any():
        return None
    weight = samples.weight / samples.weight.sum(dtype=np.float64)
    with np.errstate(all="ignore"):
        x = last_steps(samples).astype(np.float64)
        x -= weight @ x
        y = samples.y - weight @ samples.y.astype(np.float64)
        scale_x = samples.x.std(axis=0, dtype=np.float64)[:, None]  # (n_features, 1)
        variance_x = (weight @ x**2)[:, None]
        scale_y = np.sqrt(weight @ y**2)  # (n_outputs,)
        covariance = (x * weight[:, None]).T @ y  # (n_features, n_outputs)
        # 1 - var(y - w x) / var(y), with w = sign(covariance) scale_y / scale_x
        explained = 2 * np.abs(covariance) / (scale_x * scale_y) - variance_x / scale_x**2
        weights = np.sign(covariance) * scale_y / scale_x
    explained[~np.isfinite(explained) | ~np.isfinite(weights)] = 0  # constant or too large
    columns, outputs = explained.argmax(axis=0), np.arange(len(scale_y))
    is_chosen = explained[columns, outputs] >= _LEAST_EXPLAINED
    skip = np.zeros_like(weights)
    skip[columns, outputs] = np.where(is_chosen, weights[columns, outputs], 0)
    return skip if is_chosen.any() else None
