"""Shrinkage of the outputs of a network towards the prediction without it."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from skrnn._training.options import LARGEST_BATCH
from skrnn.solvers import Adam

if TYPE_CHECKING:
    from skrnn._training.run import Run
    from skrnn._training.targets import NumberTarget

# The degrees of freedom of training with the default parameters: so many more for each feature, but
# no more than these, nor than this share of the number of sequences.
_DEGREES_PER_FEATURE, _MOST_DEGREES, _LARGEST_SHARE = 10, 100, 0.5
# The learning rate multiplied by the number of steps of the solver, with the default parameters.
_TRAINING = 0.003 * 400


def choose_output_factor(run: Run, target: NumberTarget) -> np.ndarray | float:
    """Choose the best factor between 0 and 1 for each output of a network.

    The targets y of a run are standardized, less the skip connection, so an output r of 0 is the
    prediction without the network. The factor of the smallest squared error is ``E[y r] / E[r²]``.
    In the training samples, the mean of ``y r`` is too large, since the network has also learned
    the noise. It is too large by ``q s² / n`` for q degrees of freedom, n samples, and noise of
    variance s² [1]_, which comes from the residuals with n - q degrees of freedom. So the factor is
    ``(mean(y r) - q s² / n) / mean(r²)``. The outputs of a network that explains its targets
    well hardly change.

    For d features, q is ``10 * (d + 1)``, at most 100 and at most n / 2. It is less in proportion
    after fewer steps of the solver than by default, or smaller ones. With weights, n is the
    effective number of samples. The factor is 1 if the targets are not standardized, without
    recurrent layers, with other solvers than Adam, in training that continues, and with up to 32
    samples.

    Parameters
    ----------
    run : Run
        A run that has ended, with a target for each sequence.

    target : NumberTarget
        Gives the outputs for the training samples.

    Returns
    -------
    factor : ndarray of shape (n_outputs,) or float
        By what the outputs should be multiplied.

    References
    ----------
    .. [1] B. Efron, "The estimation of prediction error: covariance penalties and
       cross-validation", Journal of the American Statistical Association 99 (2004).
    """
    samples, network = run.samples, run.network
    with np.errstate(all="ignore"):  # outputs may be 0, or huge after training has diverged
        outputs = run.evaluate(samples, target)[1] if _is_suitable(run) else None
        if outputs is None:
            return 1.0
        weight = samples.weight / samples.weight.sum(dtype=np.float64)
        n = 1 / (weight @ weight)
        n_features: int = network.n_features + network.n_static  # type: ignore[union-attr]
        q = min(_DEGREES_PER_FEATURE * (n_features + 1), _MOST_DEGREES, _LARGEST_SHARE * n)
        q *= min(1, _training(run) / _TRAINING)
        y, r = samples.y.astype(np.float64), outputs.astype(np.float64)
        learned_noise = q / (n - q) * (weight @ (y - r) ** 2)
        best = (weight @ (y * r) - learned_noise) / (weight @ r**2)
    factor: np.ndarray = np.where(np.isfinite(best), np.clip(best, 0, 1), 1.0)
    return factor


def _is_suitable(run: Run) -> bool:
    """Whether a run has ended as the rule assumes, with standardized targets."""
    if run.incremental or run.warm_start or not isinstance(run.options.solver, Adam):
        return False
    hidden = run.network.hidden_layer_sizes  # type: ignore[union-attr]
    is_standardized = run.target_scale is not None and run.target_scale.standardizes
    return is_standardized and bool(hidden) and run.samples.n_samples > LARGEST_BATCH


def _training(run: Run) -> float:
    """Multiply the number of steps of the solver by the learning rate."""
    n_batches = math.ceil(run.samples.n_samples / run.options.batch_size)
    return run.options.learning_rate_init * run.monitor.n_iter * n_batches
