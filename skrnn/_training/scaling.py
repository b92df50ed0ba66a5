"""What is done to targets that are numbers before training, and undone in the weights after it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from skrnn._numeric.params import Params
from skrnn._numeric.training import Ragged, Rows
from skrnn._training.skip import skipped


@dataclass(frozen=True)
class TargetScale:
    """Mean and standard deviation of the targets, by which they are standardized in training.

    The output layer is linear, so its weights can undo the standardization: a network with the
    weights ``W, b`` for standardized targets has the weights ``W * scale, b * scale + mean`` for
    the targets themselves. A network that predicts logarithms of standardized targets has ``W, b +
    log(scale)``. A fitted network therefore needs no further step. The outputs of `Quantile` and
    `Gaussian` are other functions of the targets, so for them `NumberTarget` undoes it.

    With a skip connection, mean and deviation are those of ``y - x @ skip``, where x are the last
    steps of each sequence. The network is trained on this difference, and the skip connection
    becomes a layer of the fitted network. A linear part may be added after training. Of the outputs
    of `Quantile` and `Gaussian` for a target, the first is the lowest quantile or the mean, and the
    skip connection is added to it.

    Parameters
    ----------
    mean, scale : ndarray of shape (n_targets,)
        Weighted mean and standard deviation of each target. If its values are all equal, their
        absolute value takes the place of the deviation, or 1 if they are 0. For targets whose
        logarithm is predicted, 0 and the weighted mean, since they stay positive.

    skip : ndarray of shape (n_steps * n_features, n_targets), default=None
        Weights of a skip connection from the last steps of each sequence, the newest first.

    standardizes : bool, default=True
        Whether mean and deviation are those of targets; otherwise they are 0 and 1.

    differences : tuple of int, default=()
        The columns that enter the network as differences to their last value.

    link : {'identity', 'exp', 'ordered', 'mean_std'}, default='identity'
        The function that turns outputs into predictions.
    """

    mean: np.ndarray
    scale: np.ndarray
    skip: Any = None
    standardizes: bool = True
    differences: tuple[int, ...] = ()
    link: str = "identity"

    @classmethod
    def of(
        cls,
        samples: Rows | Ragged,
        skip: np.ndarray | None = None,
        differences: tuple[int, ...] = (),
        link: str = "identity",
    ) -> TargetScale:
        """Compute mean and standard deviation of the targets of samples."""
        targets = _less_skip(samples, skip)
        exponent = np.frexp(np.abs(targets).max(axis=0))[1]
        y = np.ldexp(targets.astype(np.float64, order="C"), -exponent)  # squares cannot overflow
        weight = samples.weight / samples.weight.sum(dtype=np.float64)
        origin = y[weight.argmax()].copy()
        y -= origin  # exactly 0 if all targets are equal
        center = weight @ y
        mean, scale = origin + center, np.sqrt(weight @ (y - center) ** 2)
        # Equal numbers may differ by rounding errors.
        varies = scale > 2 * np.finfo(samples.y.dtype).eps * np.abs(mean)
        if link == "exp":
            mean, scale = np.zeros_like(mean), mean
        else:
            scale = np.where(varies, scale, np.abs(mean))
        scale = np.ldexp(np.where(scale > 0, scale, np.ldexp(1.0, -exponent)), exponent)
        return cls(np.ldexp(mean, exponent), scale, skip, True, differences, link)

    @classmethod
    def only_skip(
        cls, skip: np.ndarray, differences: tuple[int, ...] = (), link: str = "identity"
    ) -> TargetScale:
        """Make a scale that does not standardize, with a skip connection."""
        n_targets = skip.shape[1]
        return cls(np.zeros(n_targets), np.ones(n_targets), skip, False, differences, link)

    def overflows(self, weights: np.ndarray, dtype: np.dtype) -> bool:
        """Whether weights for standardized targets overflow in the unit of the targets."""
        with np.errstate(over="ignore"):
            return not np.isfinite((weights * self.scale).astype(dtype)).all()

    def with_linear_part(self, weights: np.ndarray, intercept: np.ndarray) -> TargetScale:
        """Add a linear function of the last steps, for standardized targets, to the connection."""
        skip = weights * self.scale
        if not skip.any():
            return self
        if self.skip is not None:
            n_rows = max(len(skip), len(self.skip))
            skip = _with_rows(skip, n_rows) + _with_rows(self.skip, n_rows)
        return replace(self, skip=skip, mean=self.mean + intercept * self.scale)

    def in_training(self, network: Any) -> Any:
        """Get the network to be trained, which the skip connection is not a part of."""
        return replace(network, differences=self.differences) if self.differences else network

    def standardize(self, samples: Rows | Ragged) -> Rows | Ragged:
        """Return the same samples with standardized targets, less the skip connection.

        Raises
        ------
        ValueError
            If a standardized target overflows.
        """
        with np.errstate(over="ignore"):
            y = _less_skip(samples, self.skip) - self.mean
            y = (y / self.scale).astype(samples.y.dtype)
        self._refuse_overflow(y)
        return replace(samples, y=y)

    def original_targets(self, standardized: Rows | Ragged) -> np.ndarray:
        """Undo `standardize`: the targets in their own unit, with the skip connection."""
        y: np.ndarray = standardized.y * self.scale + self.mean
        return y if self.skip is None else y + _of_training(standardized, self.skip)

    def add_skip(self, raw_prediction: np.ndarray, samples: Any) -> tuple[np.ndarray, Any]:
        """Add the skip connection to raw predictions and targets, both standardized."""
        added = _of_training(samples, self.skip) / self.scale
        to_outputs = _to_first_outputs(added, raw_prediction.shape[1])
        return raw_prediction + to_outputs, replace(samples, y=samples.y + added)

    def enter(self, params: Params) -> None:
        """Change the output layer, in place, to that for standardized targets."""
        output = params["output"]
        factor, shift = self._of_weights
        output["W"] /= factor
        output["b"][...] = (output["b"] - shift) / factor

    def leave(self, params: Params, factor: Any = 1.0) -> dict[str, dict[str, np.ndarray]]:
        """Get the same weights with the output layer for the targets themselves, and the skip.

        Outputs for standardized targets are multiplied by `factor`, one number or one for each.

        Raises
        ------
        ValueError
            If these weights overflow.
        """
        output, dtype = params["output"], params.flat.dtype
        scale, shift = self._of_weights
        with np.errstate(over="ignore"):
            scale = scale * factor
            W = (output["W"] * scale).astype(dtype)
            b = (output["b"] * scale + shift).astype(dtype)
            largest = np.abs(W).sum(axis=0) + np.abs(b)  # prediction, if no state exceeds 1
            fitted = {**params, "output": {"W": W, "b": b}}
            if self.skip is not None:
                skip = self.skip if self.link == "identity" else self.skip / self.scale
                fitted["skip"] = {"W": _to_first_outputs(skip, len(b)).astype(dtype)}
        self._refuse_overflow(W, b, largest, *fitted.get("skip", {}).values())
        return fitted

    @property
    def _of_weights(self) -> tuple[np.ndarray | float, np.ndarray | float]:
        """By what the output layer is multiplied for the targets themselves, and what is added."""
        if self.link == "identity":
            return self.scale, self.mean
        return 1.0, np.log(self.scale) if self.link == "exp" else 0.0

    def _refuse_overflow(self, *arrays: np.ndarray) -> None:
        if not all(np.isfinite(array).all() for array in arrays):
            raise ValueError(
                f"The targets y are too large for {arrays[0].dtype} to standardize them by their "
                f"mean {self.mean} and standard deviation {self.scale}. Divide y by a constant."
            )


def _with_rows(weights: np.ndarray, n_rows: int) -> np.ndarray:
    return np.pad(weights, ((0, n_rows - len(weights)), (0, 0)))


def _to_first_outputs(of_targets: np.ndarray, n_outputs: int) -> np.ndarray:
    """Write columns of targets into those of the first output of each target, beside zeros."""
    n_columns = n_outputs // of_targets.shape[1]
    if n_columns == 1:
        return of_targets
    of_outputs = np.zeros((len(of_targets), n_outputs), of_targets.dtype)
    of_outputs[:, ::n_columns] = of_targets
    return of_outputs


def _less_skip(samples: Any, skip: np.ndarray | None) -> np.ndarray:
    """Subtract a skip connection, if there is one, from the targets of samples."""
    y: np.ndarray = samples.y
    return y if skip is None else y - _of_training(samples, skip)


def _of_training(samples: Any, skip: np.ndarray) -> np.ndarray:
    """Compute what a skip connection adds in training: its mean to a sequence of no steps.

    With 0, the difference to the target would be the whole level of the series, which would set
    the scale of all. With static features, a network can learn this difference.
    """
    added = skipped(samples, skip)
    if samples.per_step or samples.static is not None or samples.lengths.all():
        return added
    counts = (samples.lengths > 0) & (samples.weight > 0)
    if counts.any():
        mean = np.average(added[counts], axis=0, weights=samples.weight[counts])
        added[samples.lengths == 0] = mean
    return added
