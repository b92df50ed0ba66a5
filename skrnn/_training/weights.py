"""Weights of samples, and weights of classes from their frequencies."""

from __future__ import annotations

import math

import numpy as np

from skrnn._numeric.packing import reduce_steps
from skrnn._numeric.training import Ragged, Rows


def without_weightless(samples: Rows | Ragged, name: str) -> Rows | Ragged:
    """Drop samples of weight 0, which would still count in batches and validation splits."""
    weight = samples.weight
    with np.errstate(over="ignore"):
        if not np.isfinite(weight.sum()):
            raise ValueError(f"The sum of {name} is not finite; divide it by its maximum.")
    if isinstance(samples, Ragged) and samples.per_step:
        weight = reduce_steps(np.add, weight, samples.lengths)  # 0 without steps
    if not weight.any():
        raise ValueError(f"{name} is zero for every sample; at least one must count.")
    return samples if weight.all() else samples.subset(np.flatnonzero(weight))


def balanced(counts: np.ndarray) -> np.ndarray:
    """Compute the weights of classes by 'balanced', from their frequencies in training.

    As in scikit-learn, they are inverse to the frequencies; that of an absent class is 1.
    """
    present = counts > 0
    weights = np.ones(len(counts))
    weights[present] = counts.sum() / (present.sum() * counts[present])
    return weights


def balanced_labels(targets: np.ndarray, training: np.ndarray) -> np.ndarray:
    """Multiply the balanced weights of the columns of multilabel targets, as in scikit-learn.

    The product of many labels is too small or too large for a float. It is divided by the mean, so
    that `alpha` has the same effect for any number of labels.
    """
    logarithms = np.zeros(len(targets))
    for column, n_ones in zip(targets.T, np.count_nonzero(training, axis=0), strict=True):
        of_zero, of_one = balanced(np.array([len(training) - n_ones, n_ones]))
        logarithms[column] += math.log(of_one / of_zero)
    weights: np.ndarray = np.exp(logarithms - logarithms.max())
    weights /= weights.mean()
    smallest = np.finfo(np.float32).tiny
    if weights.min() < smallest:
        raise ValueError(
            "class_weight='balanced' multiplies the weights of all labels of a sample. With these "
            f"{targets.shape[1]} labels, some samples would have less than {smallest:.0e} of the "
            "mean weight, and would not count. Use class_weight=None, and sample_weight if needed."
        )
    return weights
