"""Find out which values need scaling, and whether that explains a failure of a fit."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from skrnn._numeric.training import Ragged, Rows
from skrnn._training.monitor import Scaling
from skrnn._training.run import Run

if TYPE_CHECKING:
    from skrnn._numeric.types import Matrix

# The largest absolute value of a column that is about of unit scale.
_LARGE = 100.0
_SMALL = 0.01

_PIECE = 2**12  # rows at a time


def needed_scaling(
    run: Run,
    scaler_of_y: str,
    useful: Callable[[Run, Rows | Ragged], float],
    names: Sequence[str] | None = None,
) -> Scaling:
    """Find out whether X or y is far from unit scale, and whether that explains a failure.

    Parameters
    ----------
    run : Run
        A run that has ended.

    scaler_of_y : str
        What scales the targets; empty if their scale does not matter.

    useful : callable
        ``useful(run, samples)`` computes the loss below which the run is better than a constant
        prediction of these samples.

    names : sequence of str, default=None
        Names of the columns of X. They are not used if a column of X is a step of a padded array.
    """
    samples = run.samples
    if names is not None and len(names) != samples.x.shape[1]:
        names = None
    if samples.x.shape[0] and (not_finite := _not_finite(samples.x, names)):
        return Scaling(facts=not_finite, advice="Fill in or leave out values that are not finite.")
    scaler = "PerStep(StandardScaler())" if isinstance(samples, Ragged) else "StandardScaler()"
    facts = {"X": _extent(samples.x, "X", scaler, names)}
    if isinstance(samples, Ragged) and samples.static is not None:
        scaler = "TableTransformer(static=StandardScaler())"
        facts["X.static"] = _extent(samples.static, "X.static", scaler)
    if scaler_of_y and run.target_scale is None:
        facts["y"] = _extent(samples.y, "y", scaler_of_y)
    facts = {name: fact for name, fact in facts.items() if fact}
    if not facts:
        return Scaling()
    is_useless = False
    if run.monitor.outcome not in ("diverged", "interrupted", "stopped"):
        part = _some(samples)
        with np.errstate(over="ignore", invalid="ignore"):
            # It is 0 if all targets are equal.
            is_useless = run.loss_of(part) > useful(run, part) != 0
    return Scaling(" and ".join(facts), "".join(facts.values()), is_useless)


def _some(samples: Rows | Ragged) -> Rows | Ragged:
    """Select samples at equal distances, of a few thousand rows at most."""
    n_rows = samples.x.shape[0]
    step = max(1, -(-n_rows // _PIECE))
    return samples.subset(np.arange(0, samples.n_samples, step))


def _not_finite(x: Matrix, names: Sequence[str] | None) -> str:
    """Say where X is not finite, which `sklearn.set_config(assume_finite=True)` permits in rows."""
    largest = _largest(x)
    if np.isfinite(largest).all():
        return ""
    column = int(largest.argmax())  # the first with NaN, if there is one
    what = "NaN" if np.isnan(largest[column]) else "infinity"
    return f" X contains {what}{_where(column, largest, names)}."


def _largest(values: Matrix) -> np.ndarray:
    """Find the largest absolute value of each column."""
    largest: np.ndarray = np.maximum(_dense(values.max(axis=0)), -_dense(values.min(axis=0)))
    return largest


def _where(column: int, largest: np.ndarray, columns: Sequence[str] | None) -> str:
    """Name a column, if there are several."""
    return f" in column {column if columns is None else repr(columns[column])}" * (len(largest) > 1)


def _extent(values: Matrix, name: str, scaler: str, columns: Sequence[str] | None = None) -> str:
    """Say how large values are if they are far from unit scale."""
    if not values.shape[0]:
        return ""
    largest = _largest(values)
    worst = int(largest.argmax())
    if _SMALL <= largest[worst] <= _LARGE or largest[worst] == 0:
        return ""
    where = _where(worst, largest, columns)
    if largest[worst] > _LARGE:
        fact = f"The values of {name} reach {largest[worst]:.3g}{where}"
    else:
        fact = f"No value of {name} exceeds {largest[worst]:.3g}"
    return f" {fact}; use for instance {scaler}."


def _dense(extremes: Matrix) -> np.ndarray:
    """Make an array of the extremes of columns, which are sparse if the matrix is."""
    dense = extremes.toarray() if hasattr(extremes, "toarray") else np.asarray(extremes)
    return dense.ravel()
