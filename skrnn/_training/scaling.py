"""Standardization of targets that are numbers."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from skrnn._numeric.params import Params
from skrnn._numeric.training import Ragged, Rows


@dataclass(frozen=True)
class TargetScale:
    """Mean and standard deviation of the targets, by which they are standardized in training.

    The output layer is linear. So standardization is undone by its weights: a network with the
    weights ``W, b`` for standardized targets has the weights ``W * scale, b * scale + mean`` for
    the targets themselves. A fitted network therefore needs no further step.

    Parameters
    ----------
    mean, scale : ndarray of shape (n_outputs,)
        Weighted mean and standard deviation of each output. The latter is 1 for constant targets.
    """

    mean: np.ndarray
    scale: np.ndarray

    @classmethod
    def of(cls, samples: Rows | Ragged) -> TargetScale:
        """Compute mean and standard deviation of the targets of samples."""
        weight = samples.weight / samples.weight.sum(dtype=np.float64)
        mean = weight @ samples.y
        scale = np.sqrt(weight @ (samples.y - mean) ** 2)
        # The deviations of equal numbers are rounding errors.
        constant = scale <= 10 * np.finfo(samples.y.dtype).eps * np.abs(mean)
        return cls(mean, np.where(constant, 1.0, scale))

    def standardize(self, samples: Rows | Ragged) -> Rows | Ragged:
        """Return the same samples with standardized targets."""
        y = (samples.y - self.mean) / self.scale
        return replace(samples, y=y.astype(samples.y.dtype))

    def enter(self, params: Params) -> None:
        """Change the output layer, in place, to that for standardized targets."""
        output = params["output"]
        output["W"] /= self.scale
        output["b"] -= self.mean
        output["b"] /= self.scale

    def leave(self, params: Params) -> None:
        """Change the output layer, in place, to that for the targets themselves."""
        output = params["output"]
        output["W"] *= self.scale
        output["b"] *= self.scale
        output["b"] += self.mean
