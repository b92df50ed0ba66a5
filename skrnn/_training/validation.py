"""What early stopping holds out: some sequences, or the last steps of each of few long ones."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from skrnn._numeric.packing import starts_of, take_rows
from skrnn._training.few import LARGEST_BATCH

if TYPE_CHECKING:
    from typing import Any

    Samples = Any  # Rows or Ragged, of a higher layer

_MANY_STEPS = 500  # with labels, which are enough for early stopping
_FEWEST_SEQUENCES = 8  # of which some are held out


def has_many_steps(samples: Samples) -> bool:
    """Whether so many steps have targets that a tenth of them shows when to stop."""
    return bool(samples.per_step and np.count_nonzero(samples.weight) > _MANY_STEPS)


def count_held_out(fraction: float, n_samples: int) -> int:
    """Count the samples that early stopping holds out. At least 2 must be left for training."""
    return max(2, math.ceil(fraction * n_samples))


def can_hold_out(samples: Samples, fraction: float) -> bool:
    """Whether labels of steps can be held out, and none of them is needed to learn a label."""
    if not fraction:
        return False
    if holds_out_ends(samples):
        is_end = _ends(samples, fraction)
        training, validation = _labels(samples, ~is_end), _labels(samples, is_end)
        return training >= validation and _differ(validation)
    n_held_out = count_held_out(fraction, samples.n_samples)
    if samples.n_samples - n_held_out < 2:
        return False
    return len(may_be_held_out(samples, n_held_out)) > n_held_out


def holds_out_ends(samples: Samples) -> bool:
    """Whether there are so few sequences with targets of steps that their ends are held out."""
    return bool(samples.per_step and samples.n_samples < _FEWEST_SEQUENCES)


def split_ends(samples: Samples, fraction: float) -> tuple[Samples, Samples]:
    """Hold out the last steps of each sequence. There they are sequences of their own.

    Parameters
    ----------
    samples : Ragged
        Samples with a target for each step.

    fraction : float
        Share of the targets of a sequence. Steps of weight 0 have none.

    Returns
    -------
    training, validation : Ragged
        The samples without their ends, and the ends.

    Raises
    ------
    ValueError
        If `fraction` is 0, or fewer than 2 targets are in a part.
    """
    is_end, has_target = _ends(samples, fraction), samples.weight > 0
    n_held_out = np.count_nonzero(is_end & has_target)
    n_left = np.count_nonzero(has_target) - n_held_out
    if not fraction or min(n_held_out, n_left) < 2:
        why = f"{n_held_out} of their targets would be held out and {n_left} left, each needs 2"
        raise ValueError(
            f"early_stopping cannot hold out the ends of {samples.n_samples} sequences with "
            f"validation_fraction={fraction}: {why if fraction else 'it must be more than 0'}. "
            "Change validation_fraction, or pass X_val and y_val to fit."
        )
    return _take_steps(samples, ~is_end), _take_steps(samples, is_end)


def _ends(samples: Samples, fraction: float) -> np.ndarray:
    """Mark the last steps of each sequence, with a share of its targets, but not with all."""
    is_end = np.zeros(len(samples.weight), bool)
    for start, length in zip(starts_of(samples.lengths), samples.lengths, strict=True):
        targets = start + np.flatnonzero(samples.weight[start : start + length])
        n_held_out = min(math.ceil(fraction * len(targets)), len(targets) - 1)
        if n_held_out > 0:
            is_end[targets[-n_held_out] : start + length] = True
    return is_end


def _take_steps(samples: Samples, chosen: np.ndarray) -> Samples:
    """Take some steps (n_steps,) of all sequences, which may be none of a sequence."""
    ends = np.cumsum(samples.lengths)
    before = np.concatenate([[0], np.cumsum(chosen)])
    lengths = before[ends] - before[ends - samples.lengths]
    x = take_rows(samples.x, np.flatnonzero(chosen))
    y, weight = samples.y[chosen], samples.weight[chosen]
    return replace(samples, x=x, y=y, weight=weight, lengths=lengths)


def _labels(samples: Samples, chosen: np.ndarray) -> set[tuple[int, float]]:
    """Find the labels of some steps (n_steps,) that count, with the column of each."""
    columns = _columns(samples, chosen & (samples.weight > 0))
    return {(i, label) for i, column in enumerate(columns) for label in np.unique(column)}


def _differ(labels: set[tuple[int, float]]) -> bool:
    """Whether the labels of a column differ. Labels that are all equal show no progress."""
    return len(labels) > len({column for column, _ in labels})


def _columns(samples: Samples, chosen: np.ndarray) -> np.ndarray:
    """Take the labels of some steps: one row for each column of the targets."""
    y: np.ndarray = samples.y[chosen]
    return y.T if y.ndim > 1 else y[np.newaxis]


def may_be_held_out(samples: Samples, n_held_out: int) -> np.ndarray:
    """Find the sequences of which any `n_held_out` can be held out without the loss of a label.

    These are the sequences without labels that are in `n_held_out` sequences or fewer. With more
    than 32 sequences, these are all: rare labels are usual there. There are none if their labels
    are all equal.
    """
    if samples.n_samples > LARGEST_BATCH:
        return np.arange(samples.n_samples)
    counts = samples.weight > 0
    sequences = np.repeat(np.arange(samples.n_samples), samples.lengths)[counts]
    is_needed = np.zeros(samples.n_samples, bool)
    for column in _columns(samples, counts):
        for label in np.unique(column):
            with_label = np.unique(sequences[column == label])
            is_needed[with_label] |= len(with_label) <= n_held_out
    labels = _labels(samples, np.repeat(~is_needed, samples.lengths))
    return np.flatnonzero(~is_needed) if _differ(labels) else np.array([], int)
