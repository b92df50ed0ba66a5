"""Weights of samples."""

from __future__ import annotations

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
