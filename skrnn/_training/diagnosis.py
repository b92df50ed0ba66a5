"""Find out which values need scaling, and whether that explains a failure of a fit."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from skrnn._numeric.lags import rows_of_last_steps
from skrnn._numeric.networks import RNN
from skrnn._numeric.recurrent import CELLS
from skrnn._numeric.training import Ragged, Rows
from skrnn._training.monitor import Scaling
from skrnn._training.run import Run
from skrnn._training.skip import spread

if TYPE_CHECKING:
    from skrnn._numeric.types import Matrix

# The largest absolute value of a column that is about of unit scale. A root mean square above it
# hinders any fit of a recurrent network.
_LARGE = 100.0
_SMALL = 0.01

# A column has outliers if one of its values is _FAR interquartile ranges from the median. They do
# little harm in a recurrent network if the interquartile range is above _NARROW. A scaler that
# divides by the standard deviation makes this range smaller.
_FAR = 300.0
_NARROW = 0.02
_SUSPICIOUS = 5.0  # standard deviations: the distance of outliers in one of 26 rows
# The hidden units of a perceptron are not bounded.
_FAR_IN_TABLES = _LARGE_IN_TABLES = 3000.0

_LARGEST_CODE = 1e6
_OF_TABLES = "StandardScaler()"
_ONE_HOT = "OneHotEncoder(handle_unknown='ignore')"
_ROBUST, _BY_QUANTILES = "RobustScaler()", "QuantileTransformer(output_distribution='normal')"

_PIECE = 2**12  # rows at a time


class Finding(NamedTuple):
    """What is wrong with the scale of some values, in words; empty if nothing is."""

    facts: str = ""  # to be said if the network is no better than a constant
    outliers: str = ""  # to be said in any case
    is_needed: bool = False  # whether the facts are to be said in any case


def needed_scaling(
    run: Run,
    scaler_of_y: str,
    useful: Callable[[Run, Rows | Ragged], float],
    names: Sequence[str] | None = None,
) -> Scaling:
    """Find out whether X or y is far from unit scale, and whether that explains a failure.

    Outliers and large columns of X are described whether the run failed or not: a network can learn
    its training samples by heart even if they hide what new samples have in common with them.

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
    scaler = "PerStep(StandardScaler())" if isinstance(samples, Ragged) else _OF_TABLES
    part = _some(samples)
    found = {"X": _of_columns(samples.x, _entering(run, part), "X", scaler, names)}
    if isinstance(samples, Ragged) and samples.static is not None:
        scaler = "TableTransformer(static=StandardScaler())"
        found["X.static"] = _of_columns(samples.static, samples.static, "X.static", scaler)
    outliers = "".join(finding.outliers for finding in found.values())
    facts = {name: finding.facts for name, finding in found.items()}
    if scaler_of_y and run.target_scale is None:
        facts["y"] = _extent(_largest(samples.y), "y", scaler_of_y)
    facts = {name: fact for name, fact in facts.items() if fact}
    if not facts:
        return Scaling(outliers=outliers)
    is_needed = any(finding.is_needed for finding in found.values())
    return Scaling(
        " and ".join(facts),
        "".join(facts.values()),
        _is_useless(run, part, useful),
        is_needed,
        outliers=outliers,
    )


def _is_useless(
    run: Run, part: Rows | Ragged, useful: Callable[[Run, Rows | Ragged], float]
) -> bool:
    """Whether a run that ended as planned is no better than a constant on some samples."""
    has_skip = run.target_scale is not None and run.target_scale.skip is not None
    # A skip connection alone is better than a constant.
    if has_skip or run.monitor.outcome in ("diverged", "interrupted", "stopped"):
        return False
    with np.errstate(over="ignore", invalid="ignore"):
        limit = useful(run, part)  # 0 if all targets are equal
        return bool(limit != 0 and run.loss_of(part) > limit)


def _some(samples: Rows | Ragged) -> Rows | Ragged:
    """Select samples that are spread evenly, of about 4096 rows at most."""
    n_rows = max(samples.x.shape[0], 1)
    at_most = max(samples.n_samples * _PIECE // n_rows, 1)
    return samples.subset(spread(samples.n_samples, at_most))


def _entering(run: Run, samples: Rows | Ragged) -> Matrix:
    """Get X as it enters the network, with some columns as differences to their last value.

    No rows are returned if large values do no harm: if all columns are differences, which have a
    linear path to the output and hide no others; or if there are no hidden units. Of the inputs of
    GRU-D, only the values are returned.
    """
    x, scale, network = samples.x, run.target_scale, run.network
    if isinstance(samples, Rows) or not isinstance(network, RNN) or not isinstance(x, np.ndarray):
        return x
    differences = [] if scale is None else list(scale.differences)
    if len(differences) == x.shape[1] or not network.hidden_layer_sizes:
        return x[:0]
    if CELLS[network.cell].decays:
        return x[:, : x.shape[1] // 3]
    if differences:
        last = x[rows_of_last_steps(samples.lengths, 1)[:, 0]][:, differences]
        x = x.copy()
        x[:, differences] -= np.repeat(last, samples.lengths[samples.lengths > 0], axis=0)
    return x


def _not_finite(x: Matrix, names: Sequence[str] | None) -> str:
    """Say where X is not finite, which `sklearn.set_config(assume_finite=True)` permits in rows."""
    largest = _largest(x)
    if np.isfinite(largest).all():
        return ""
    column = int(largest.argmax())  # the first with NaN, if there is one
    what = "NaN" if np.isnan(largest[column]) else "infinity"
    return f" X contains {what}{_where(column, largest, names)}."


def _largest(values: Matrix) -> np.ndarray:
    """Find the largest absolute value of each column; 0 without rows."""
    if not values.shape[0]:
        return np.zeros(values.shape[1])
    largest: np.ndarray = np.maximum(_dense(values.max(axis=0)), -_dense(values.min(axis=0)))
    return largest


def _where(column: int, largest: np.ndarray, columns: Sequence[str] | None) -> str:
    """Name a column, if there are several."""
    return f" in column {column if columns is None else repr(columns[column])}" * (len(largest) > 1)


def _extent(
    largest: np.ndarray, name: str, scaler: str, columns: Sequence[str] | None = None
) -> str:
    """Say how large values are if they are far from unit scale."""
    worst = int(largest.argmax())
    if _SMALL <= largest[worst] <= _LARGE or largest[worst] == 0:
        return ""
    if largest[worst] > _LARGE:
        return _reach(worst, largest, name, scaler, columns)
    return f" No value of {name} exceeds {largest[worst]:.3g}; use for instance {scaler}."


def _reach(
    column: int, largest: np.ndarray, name: str, scaler: str, columns: Sequence[str] | None
) -> str:
    where = _where(column, largest, columns)
    return f" The values of {name} reach {largest[column]:.3g}{where}; use for instance {scaler}."


def _of_columns(
    values: Matrix, entering: Matrix, name: str, scaler: str, columns: Sequence[str] | None = None
) -> Finding:
    """Say how large values are, if they need scaling, and what hinders any fit.

    `entering` are some of the values as they enter the network. Sparse matrices have columns of
    rare events and are not examined for what hinders any fit.
    """
    largest = _largest(values)
    facts = _extent(largest, name, scaler, columns)
    if not isinstance(values, np.ndarray) or len(values) <= _SUSPICIOUS**2:
        return Finding(facts)
    found = _hindering_outliers(values, scaler)
    outliers = ""
    if len(found):
        scalers = [_BY_QUANTILES] if scaler == _OF_TABLES else [_ROBUST, _BY_QUANTILES]
        advice = _instead(scaler, *scalers)
        outliers = _describe_outliers(values, found, name, advice, columns)
    hindering = _too_large(entering, scaler)
    if outliers and (hindering is None or hindering in found):
        return Finding(outliers=outliers)  # the other values may be of unit scale
    if hindering is not None:
        facts = _reach(hindering, largest, name, scaler, columns)
        if _may_be_codes(entering[:, hindering]):
            advice = _instead(scaler, _ONE_HOT)
            facts += f" If these integers are codes of categories, use {advice}."
    if facts:
        worst = [int(largest.argmax()) if hindering is None else hindering]
        if len(_extreme(values[:, worst], values[:, worst])):
            # RobustScaler would leave the outliers as far away as they are.
            advice = _instead(scaler, _BY_QUANTILES)
            facts = _describe_outliers(values, worst, name, advice, columns)
    return Finding(facts, outliers, hindering is not None)


def _may_be_codes(values: np.ndarray) -> bool:
    """Whether values are integers of which most occur again; larger ones are times."""
    are_integers = (values == np.rint(values)).all() and values.max() < _LARGEST_CODE
    return bool(are_integers and 2 * len(np.unique(values)) <= len(values))


def _hindering_outliers(values: np.ndarray, scaler: str) -> np.ndarray:
    """Find the columns with outliers that hinder any fit."""
    found = _suspects(values)
    # First by a part of the rows. Those at equal distances may be the same steps of all sequences.
    for n_rows in (_PIECE, len(values)):
        some = values[:: -(-len(values) // n_rows), found]
        found = found[_extreme(values[:, found], some, scaler)] if len(found) else found
    return found


def _too_large(values: np.ndarray, scaler: str) -> int | None:
    """Find the column that is too large for any fit, without the largest hundredth of its rows."""
    limit = _LARGE_IN_TABLES if scaler == _OF_TABLES else _LARGE
    n_kept = len(values) - max(1, len(values) // 100)
    large = np.flatnonzero(_largest(values) > limit)
    if not len(large) or n_kept < 1:
        return None
    most = np.partition(np.abs(values[:, large]), n_kept - 1, axis=0)[:n_kept]
    with np.errstate(over="ignore"):
        sizes = np.sqrt(np.square(most, dtype=np.float64).mean(axis=0))
    worst = int(sizes.argmax())
    return int(large[worst]) if sizes[worst] > limit else None


def _instead(scaler: str, *others: str) -> str:
    """Name other transformers in the place of StandardScaler."""
    return " or ".join(scaler.replace("StandardScaler()", other) for other in others)


def _describe_outliers(
    values: np.ndarray,
    found: Sequence[int] | np.ndarray,
    name: str,
    advice: str,
    columns: Sequence[str] | None,
) -> str:
    """Name the worst of some columns with outliers, and the transformers to use."""
    ranges, distances = _ranges_and_distances(values[:, found], values[:, found])
    with np.errstate(over="ignore"):
        worst = int((distances / ranges).argmax())
    where = _where(int(found[worst]), values[0], columns)
    return (
        f" A few values of {name} are very far from all others{where}: half of them lie in an "
        f"interval of {ranges[worst]:.2g}, and one is {distances[worst]:.3g} from the median. If "
        "they are errors, or stand for missing values, replace them by NaN and impute. Otherwise "
        f"scale X with {advice}."
    )


def _suspects(values: np.ndarray) -> np.ndarray:
    """Find the columns of which a value is far from the mean of some rows, which is quick."""
    some = values[:: -(-len(values) // (_PIECE // 8))]
    with np.errstate(over="ignore", invalid="ignore"):
        mean, deviation = some.mean(axis=0), some.std(axis=0)
        distances = np.maximum(values.max(axis=0) - mean, mean - values.min(axis=0))
        return np.flatnonzero(~(distances <= _SUSPICIOUS * deviation) | ~np.isfinite(deviation))


def _ranges_and_distances(values: np.ndarray, some: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Compute interquartile ranges of some rows, and the largest distances from their medians."""
    with np.errstate(over="ignore"):
        first, median, third = np.percentile(some, (25, 50, 75), axis=0).astype(float)
        distances = np.maximum(values.max(axis=0) - median, median - values.min(axis=0))
        return third - first, distances


def _extreme(values: np.ndarray, some: np.ndarray, scaler: str | None = None) -> np.ndarray:
    """Find the columns with outliers; with a scaler, those with outliers that hinder any fit.

    Quartiles that are equal, as in columns of rare events, are no sign of outliers.
    """
    ranges, distances = _ranges_and_distances(values, some)
    with np.errstate(divide="ignore", over="ignore", invalid="ignore"):
        ratios = distances / ranges
    extreme = (ranges > 0) & (ratios > _FAR)
    if scaler is not None:
        extreme &= (ranges < _NARROW) | ((ratios > _FAR_IN_TABLES) & (scaler == _OF_TABLES))
    return np.flatnonzero(extreme)


def _dense(extremes: Matrix) -> np.ndarray:
    """Make an array of the extremes of columns, which are sparse if the matrix is."""
    dense = extremes.toarray() if hasattr(extremes, "toarray") else np.asarray(extremes)
    return dense.ravel()
