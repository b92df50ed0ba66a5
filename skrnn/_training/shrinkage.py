"""Correct the outputs of a network at the end of training, because they contain noise.

Numbers are shrunk towards the prediction without the network, and logits towards 0. The spread of
predicted distributions becomes wider.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from skrnn._numeric.recurrent import CELLS
from skrnn._numeric.training import MOST_PARTS
from skrnn._training.constant import constant_loss
from skrnn._training.few import LARGEST_BATCH, may_be_all_cases
from skrnn._training.options import count_batches
from skrnn._training.threads import thread_map
from skrnn._training.validation import has_many_steps
from skrnn.solvers import Adam

if TYPE_CHECKING:
    from skrnn._numeric.losses import BestConstant
    from skrnn._training.run import Run, Scored
    from skrnn._training.skip import LinearPart

# The degrees of freedom of training without a penalty, with the other parameters by default: so
# many for each feature and one more, at most so many, and at most this share of the sequences.
_DEGREES_PER_FEATURE, _MOST_DEGREES, _LARGEST_SHARE = 10, 100, 0.5
# The part of the training in which a network learns what many sequences have in common. A later
# decrease of the loss by 0.4 of the loss of the best constant doubles the temperature of a
# classifier. Of a later decrease of the logarithm of a spread, 0.75 is noise.
_FIRST_PART, _DOUBLES, _NOISE_OF_SPREAD = 0.1, 0.4, 0.75
# The default number of units, and the default learning rate times a number of steps of the solver.
# Regressors take at least so many steps for more than 32 sequences.
_UNITS, _TRAINING_FOR_NUMBERS, _TRAINING_FOR_CLASSES = 32, 0.003 * 400, 0.01 * 450
# More dropout learns less noise than the degrees of freedom say. The penalty divides them by 1 plus
# so many times `alpha`, divided by the weight of a batch, as in training.
_LARGEST_DROPOUT, _LESS_BY_ALPHA = 0.5, 350


class Shares(NamedTuple):
    """By what the parts of a prediction are multiplied, and what they do not explain.

    Each is an array (n_outputs,), or one number for all outputs.
    """

    network: np.ndarray | float
    linear: np.ndarray | float
    unexplained: np.ndarray | float  # of the variance of new targets


def choose_shares(run: Run, target: Scored, linear: LinearPart | None = None) -> Shares:
    """Choose by what the outputs of a network and of a linear part are multiplied, from 0 to 1.

    The targets y of a run are standardized, less the skip connection, so an output r of 0 is the
    prediction without the network. The factor of the smallest squared error is ``E[y r] / E[r²]``.
    In the training samples, the mean of ``y r`` is too large, since the network has also learned
    the noise. It is too large by ``q s² / n`` for q degrees of freedom, n samples, and noise of
    variance s² [1]_, which comes from the residuals with n - q degrees of freedom. So the factor is
    ``(mean(y r) - q s² / n) / mean(r²)``. The outputs of a network that explains its targets
    well hardly change.

    With the cross-validated predictions g of a linear part, the two factors are those of the
    smallest squared error of their sum (stacking [2]_). This g has not learned the noise of y.

    For d features, q is ``10 * (d + 1)``, at most 100 and at most n / 2. With fewer units than by
    default, fewer steps of the solver or a lower learning rate, it is less in proportion. A penalty
    divides it by ``1 + 350 * alpha / w`` for batches of the weight w. With weights, n is the
    effective number of samples, which does not change if all weights are doubled. These degrees of
    freedom apply to runs that `has_known_degrees_of_freedom` accepts. If an output is not finite,
    the factors are 1 and 0, and nothing is unexplained.

    Parameters
    ----------
    run : Run
        A run that has ended, with a target for each sequence.

    target : Scored
        Gives the outputs for the training samples.

    linear : LinearPart, default=None
        What is added to the outputs.

    Returns
    -------
    shares : Shares
        By what they should be multiplied, and what they do not explain.

    References
    ----------
    .. [1] B. Efron, "The estimation of prediction error: covariance penalties and
       cross-validation", Journal of the American Statistical Association 99 (2004).
    .. [2] D. H. Wolpert, "Stacked generalization", Neural Networks 5 (1992).
    """
    samples = run.samples
    # Outputs may be 0, or huge after training has diverged.
    with np.errstate(all="ignore"), thread_map(MOST_PARTS) as mapped:
        outputs = run.evaluate(samples, target, mapped)[1]
        if outputs is None:
            return Shares(1.0, 0.0, 0.0)
        weight = samples.weight / samples.weight.sum(dtype=np.float64)
        n = 1 / (weight @ weight)
        q = min(_degrees_of_freedom(run), _LARGEST_SHARE * n)
        y, r = samples.y.astype(np.float64), outputs.astype(np.float64)
        learned_noise = q / (n - q) * (weight @ (y - r) ** 2)
        alone = (weight @ (y * r) - learned_noise) / (weight @ r**2)
        alone = np.where(np.isfinite(alone), np.clip(alone, 0, 1), 1.0)
        g = np.zeros_like(y)
        if linear is not None:
            y, r, weight = (part[linear.sequences] for part in (y, r, weight))
            g = linear.predicted
        return _best_sum(y, r, g, weight / weight.sum(), learned_noise, alone)


def _best_sum(
    y: np.ndarray,
    r: np.ndarray,
    g: np.ndarray,
    weight: np.ndarray,
    learned_noise: np.ndarray,
    alone: np.ndarray,
) -> Shares:
    """Find a and b from 0 to 1 for which ``a r + b g`` is closest to y, each (n, n_outputs).

    The shares ``s = (a, b)`` of each output are a least squares fit within bounds. With E, the
    weighted mean, its normal equations are ``A s = c``::

        A = [[E[r r], E[r g]],    c = [E[y r] - learned_noise,
             [E[r g], E[g g]]]         E[y g]]

    Of some candidates, the one with the largest `_gain` is used. Where g is 0, a is `alone`.
    """
    A = np.array([[weight @ (p * q) for q in (r, g)] for p in (r, g)])  # (2, 2, n_outputs)
    c = np.array([weight @ (y * r) - learned_noise, weight @ (y * g)])  # (2, n_outputs)
    candidates = _candidates(A, c)
    gains = _gain(candidates, A, c)
    is_valid = np.isfinite(gains) & ((candidates >= 0) & (candidates <= 1)).all(axis=1)
    best = np.where(is_valid, gains, -np.inf).argmax(axis=0)
    chosen = candidates[best, :, np.arange(len(best))].T
    is_used = (A[1, 1] > 0) & is_valid.any(axis=0)
    shares = np.where(is_used, chosen, [alone, np.zeros_like(alone)])
    unexplained = 1 - _gain(shares, A, c) / (weight @ y**2)
    unexplained = np.where(np.isfinite(unexplained), np.clip(unexplained, 0, 1), 0.0)
    return Shares(shares[0], shares[1], unexplained)


def _candidates(A: np.ndarray, c: np.ndarray) -> np.ndarray:
    """Compute shares (5, 2, n_outputs): the best of all, and the best on each edge of the square.

    Gains are a concave function of the shares. So the best within the square is one of these.
    """
    (rr, rg), (_, gg) = A
    yr, yg = c
    determinant = rr * gg - rg**2
    zero, one = np.zeros_like(gg), np.ones_like(gg)
    return np.array(
        [
            ((yr * gg - yg * rg) / determinant, (yg * rr - yr * rg) / determinant),
            (zero, np.clip(yg / gg, 0, 1)),
            (one, np.clip((yg - rg) / gg, 0, 1)),
            (np.clip(yr / rr, 0, 1), zero),
            (np.clip((yr - rg) / rr, 0, 1), one),
        ]
    )


def _gain(shares: np.ndarray, A: np.ndarray, c: np.ndarray) -> np.ndarray:
    """Compute how much shares (..., 2, n_outputs) explain of ``E[y y]``: ``2 s·c - s·A s``."""
    a, b = shares[..., 0, :], shares[..., 1, :]
    squares = a**2 * A[0, 0] + 2 * a * b * A[0, 1] + b**2 * A[1, 1]
    gain: np.ndarray = 2 * (a * c[0] + b * c[1]) - squares
    return gain


def choose_temperature(run: Run, best_constant: BestConstant) -> float:
    """Choose by what the logits of a classifier are divided.

    A network first learns what many sequences have in common, and later the label of each single
    sequence [1]_. So the part of the training loss that it has learned later is partly noise, and
    the logits are too large [2]_. The temperature is::

        1 + (L_early - L_last) / (0.4 L_constant)

    with the losses L of an early epoch, of the weights that are kept, and of the best constant
    prediction. Until the early epoch, the run has done a tenth of its epochs, or of the training of
    the default parameters if this is less. L_early is at most L_constant. With fewer units than by
    default, or a smaller product of the learning rate and the number of steps, the second term is
    less in proportion. The formula was found by cross-validation on many sets.

    Parameters
    ----------
    run : Run
        A run that has ended, with the log loss of labels of sequences or of steps.

    best_constant : callable
        ``raw_prediction = best_constant(targets, weight)``.

    Returns
    -------
    temperature : float
        At least 1. It is 1 for runs in which the losses do not show what was learned early, and
        for sequences that may be all cases of a logic problem.

    References
    ----------
    .. [1] D. Arpit et al., "A closer look at memorization in deep networks", ICML (2017).
    .. [2] C. Guo, G. Pleiss, Y. Sun and K. Q. Weinberger, "On calibration of modern neural
       networks", ICML (2017).
    """
    early, last, of_constant = _losses(run, best_constant, _TRAINING_FOR_CLASSES)
    if not early > last:
        return 1.0
    share = _share_of_default(run, _TRAINING_FOR_CLASSES)
    return 1 + share * (early - last) / (_DOUBLES * of_constant)


def choose_spread(run: Run, best_constant: BestConstant, are_quantiles: bool) -> float:
    """Choose by what the spread of predicted distributions is multiplied.

    As a classifier, a network that predicts a mean and its spread, or quantiles, learns the noise
    of single targets late, and the spread becomes too small. For targets with a spread ``s`` that
    is the same for all, the negative log-likelihood is ``log(s)`` plus a constant, and the pinball
    loss is proportional to ``s``. So the spread of an early epoch is that of the kept weights times
    ``exp(L_early - L_last)``, or ``L_early / L_last``; see `choose_temperature` for the losses. The
    result is this ratio to the power 0.75, where the difference is divided by the number of
    targets. The power was found on 28 sets.

    Parameters
    ----------
    run : Run
        A run that has ended, with the loss `Gaussian` or `Quantile`.

    best_constant : callable
        ``raw_prediction = best_constant(targets, weight)``.

    are_quantiles : bool
        Whether the loss is `Quantile`.

    Returns
    -------
    factor : float
        At least 1. It is 1 for runs in which the losses do not show what was learned early, and
        for sequences that may be all cases of a logic problem.
    """
    early, last, _ = _losses(run, best_constant, _TRAINING_FOR_NUMBERS)
    if not early > last:
        return 1.0
    if are_quantiles:
        logarithm = math.log(early / last) if last > 0 else 0.0
    else:
        logarithm = (early - last) / run.samples.y.shape[1]
    return math.exp(_NOISE_OF_SPREAD * _share_of_default(run, _TRAINING_FOR_NUMBERS) * logarithm)


def _losses(run: Run, best_constant: BestConstant, training: float) -> tuple[float, float, float]:
    """Get the losses of an early epoch, of the kept weights, and of the best constant prediction.

    The first two are equal for runs in which they do not show what was learned early.
    """
    losses = run.monitor.loss_curve
    is_logic = may_be_all_cases(run.samples) and not has_many_steps(run.samples)
    if not losses or is_logic or not _is_whole_training(run):
        return 0.0, 0.0, 0.0
    n_early = min(len(losses), training / _training_of_epoch(run))
    early = losses[max(1, math.ceil(_FIRST_PART * n_early)) - 1]
    of_constant = constant_loss(run.options.loss, best_constant, run.samples)
    # An epoch may have overflowed, and the weights of an earlier epoch may be kept.
    return float(np.fmin(early, of_constant)), -run.monitor.kept_value, of_constant


def _is_whole_training(run: Run) -> bool:
    """Whether a run has trained recurrent layers in one fit."""
    network: Any = run.network
    if run.incremental or run.options.early_stopping:
        return False
    return isinstance(run.options.solver, Adam) and bool(network.hidden_layer_sizes)


def has_known_degrees_of_freedom(run: Run) -> bool:
    """Whether a run on more than 32 samples learns as much noise as one with the defaults."""
    network: Any = run.network
    options, scale = run.options, run.target_scale
    if not _is_whole_training(run) or scale is None or not scale.standardizes:
        return False
    return not (
        run.samples.n_samples <= LARGEST_BATCH
        or options.learning_rate != "cosine"
        or options.solver.weight_decay
        or network.dropout > _LARGEST_DROPOUT
        or CELLS[network.cell].decays
    )


def _degrees_of_freedom(run: Run) -> float:
    network: Any = run.network
    n_features = (network.embedding_size or network.n_features) + network.n_static
    of_default: float = min(_DEGREES_PER_FEATURE * (n_features + 1), _MOST_DEGREES)
    of_default *= _share_of_default(run, _TRAINING_FOR_NUMBERS)
    of_batch = run.samples.total(min(run.options.batch_size, run.samples.n_samples))
    return of_default / (1 + _LESS_BY_ALPHA * run.options.alpha / of_batch)


def _share_of_default(run: Run, training: float) -> float:
    """Compare the units and the training of a run with the defaults; at most 1."""
    network: Any = run.network
    of_run = _training_of_epoch(run) * run.monitor.n_iter
    size = min(1, sum(network.hidden_layer_sizes) / _UNITS)
    return float(size * min(1, of_run / training))


def _training_of_epoch(run: Run) -> float:
    """Compute the learning rate times the number of steps of the solver in an epoch."""
    n_batches = count_batches(run.samples.n_samples, run.options.batch_size)
    return run.options.learning_rate_init * n_batches
