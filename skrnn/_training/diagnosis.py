"""Whether a fit is better than a constant prediction, and which values need scaling."""

from __future__ import annotations

import numpy as np

from skrnn._numeric.losses import Loss
from skrnn._numeric.training import Ragged, Rows
from skrnn._training.monitor import NO_PROGRESS, Scaling
from skrnn._training.run import Run

# The largest absolute value of a column that is about of unit scale.
_LARGE = 100.0
_SMALL = 0.01

_PIECE = 2**12  # rows at a time


def constant_loss(
    loss: Loss, out_activation: str, samples: Rows | Ragged, part: Rows | Ragged | None = None
) -> float:
    """Compute the mean loss of the best constant prediction of samples, perhaps on a part."""
    constant = _best_constant(out_activation, samples)
    part = samples if part is None else part
    weight = part.weight / part.weight.sum(dtype=np.float64)
    total = 0.0
    for start in range(0, len(weight), _PIECE):
        y, w = part.y[start : start + _PIECE], weight[start : start + _PIECE]
        total += float(loss(np.broadcast_to(constant, (len(w), len(constant))), y, w)[0])
    return total


def _best_constant(out_activation, samples):
    """Compute the constant raw prediction (n_outputs,) of the lowest loss."""
    weight = samples.weight / samples.weight.sum(dtype=np.float64)
    if out_activation == "softmax":
        return np.log(np.bincount(samples.y, weight).clip(min=1e-12))
    mean = weight @ samples.y
    if out_activation == "identity":
        return mean
    p = mean.clip(1e-12, 1 - 1e-12)
    return np.log(p / (1 - p))


def needed_scaling(run: Run, out_activation: str, names=None) -> Scaling:
    """Find out whether X or y is far from unit scale, and whether that explains a failure.

    Parameters
    ----------
    run : Run
        A run that has ended.

    out_activation : {'softmax', 'logistic', 'identity'}
        The function that turns raw predictions into predictions.

    names : sequence of str, default=None
        Names of the columns of X. They are not used if a column of X is a step of a padded array.
    """
    samples, loss = run.samples, run.options.loss
    if names is not None and len(names) != samples.x.shape[1]:
        names = None
    scaler = "PerStep(StandardScaler())" if isinstance(samples, Ragged) else "StandardScaler()"
    facts = {"X": _extent(samples.x, "X", scaler, names)}
    if out_activation == "identity" and run.target_scale is None:
        facts["y"] = _extent(samples.y, "y", "normalize_y=True")
    facts = {name: fact for name, fact in facts.items() if fact}
    if not facts:
        return Scaling()
    is_useless = False
    if run.monitor.outcome not in ("diverged", "interrupted", "stopped"):
        part = _some(samples)
        constant = constant_loss(loss, out_activation, samples, part)
        with np.errstate(over="ignore", invalid="ignore"):
            is_useless = run.evaluate(part)[0] > NO_PROGRESS * constant > 0
    return Scaling(" and ".join(facts), "".join(facts.values()), is_useless)


def _some(samples):
    """Select samples at equal distances, of a few thousand rows at most."""
    n_rows = samples.x.shape[0]
    step = max(1, -(-n_rows // _PIECE))
    return samples.subset(np.arange(0, samples.n_samples, step))


def _extent(values, name, scaler, columns=None):
    """Say how large values are if they are far from unit scale."""
    if not values.shape[0]:
        return ""
    largest = np.maximum(_dense(values.max(axis=0)), -_dense(values.min(axis=0)))
    worst = int(largest.argmax())
    if _SMALL <= largest[worst] <= _LARGE or largest[worst] == 0:
        return ""
    column = worst if columns is None else repr(columns[worst])
    where = f" in column {column}" if len(largest) > 1 else ""
    if largest[worst] > _LARGE:
        fact = f"The values of {name} reach {largest[worst]:.3g}{where}"
    else:
        fact = f"No value of {name} exceeds {largest[worst]:.3g}"
    return f" {fact}; use for instance {scaler}."


def _dense(extremes):
    """Make an array of the extremes of columns, which are sparse if the matrix is."""
    dense = extremes.toarray() if hasattr(extremes, "toarray") else np.asarray(extremes)
    return dense.ravel()
