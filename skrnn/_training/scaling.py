"""Standardization of targets that are numbers."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from skrnn._numeric.params import Params
from skrnn._numeric.training import Ragged, Rows


@dataclass(frozen=True)
class TargetScale:
    """Mean and standard deviation of the targets, by which they are standardized in training.

    The output layer is linear, so its weights can undo the standardization: a network with the
    weights ``W, b`` for standardized targets has the weights ``W * scale, b * scale + mean`` for
    the targets themselves. A fitted network therefore needs no further step.

    Parameters
    ----------
    mean, scale : ndarray of shape (n_outputs,)
        Weighted mean and standard deviation of each output. If its targets are all equal, their
        absolute value takes the place of the deviation, or 1 if they are 0.
    """

    mean: np.ndarray
    scale: np.ndarray

    @classmethod
    def of(cls, samples: Rows | Ragged) -> TargetScale:
        """Compute mean and standard deviation of the targets of samples."""
        exponent = np.frexp(np.abs(samples.y).max(axis=0))[1]
        y = np.ldexp(samples.y.astype(np.float64, order="C"), -exponent)  # squares cannot overflow
        weight = samples.weight / samples.weight.sum(dtype=np.float64)
        origin = y[weight.argmax()].copy()
        y -= origin  # exactly 0 if all targets are equal
        center = weight @ y
        mean, scale = origin + center, np.sqrt(weight @ (y - center) ** 2)
        # Equal numbers may differ by rounding errors.
        varies = scale > 2 * np.finfo(samples.y.dtype).eps * np.abs(mean)
        scale = np.ldexp(np.where(varies, scale, np.abs(mean)), exponent)
        return cls(np.ldexp(mean, exponent), np.where(scale > 0, scale, 1.0))

    def standardize(self, samples: Rows | Ragged) -> Rows | Ragged:
        """Return the same samples with standardized targets.

        Raises
        ------
        ValueError
            If a standardized target overflows.
        """
        with np.errstate(over="ignore"):
            y = ((samples.y - self.mean) / self.scale).astype(samples.y.dtype)
        self._refuse_overflow(y)
        return replace(samples, y=y)

    def enter(self, params: Params) -> None:
        """Change the output layer, in place, to that for standardized targets."""
        output = params["output"]
        output["W"] /= self.scale
        output["b"][...] = (output["b"] - self.mean) / self.scale

    def leave(self, params: Params) -> dict[str, dict[str, np.ndarray]]:
        """Get the same weights with the output layer for the targets themselves.

        Raises
        ------
        ValueError
            If these weights overflow.
        """
        output, dtype = params["output"], params.flat.dtype
        with np.errstate(over="ignore"):
            W = (output["W"] * self.scale).astype(dtype)
            b = (output["b"] * self.scale + self.mean).astype(dtype)
        self._refuse_overflow(W, b)
        return {**params, "output": {"W": W, "b": b}}

    def _refuse_overflow(self, *arrays):
        if not all(np.isfinite(array).all() for array in arrays):
            raise ValueError(
                f"The targets y are too large for {arrays[0].dtype} to standardize them by their "
                f"mean {self.mean} and standard deviation {self.scale}. Divide y by a constant."
            )
