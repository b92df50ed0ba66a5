"""Few sequences, and whether they may be all cases of a logic problem, such as XOR."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.sparse import issparse

from skrnn._numeric.packing import starts_of

if TYPE_CHECKING:
    from typing import Any

    Samples = Any  # Ragged, of a higher layer

# Up to so many sequences are one batch, so that a weight of 2 equals a sequence twice. This does
# not hold for methods that choose among samples, so 'auto' uses them with more sequences only.
LARGEST_BATCH = 32
_MANY_CASES = 16  # different sequences


def may_be_all_cases(samples: Samples) -> bool:
    """Whether sequences are so few or so simple that they may be all cases of a logic problem.

    There are up to 32 sequences. At most 16 of them differ, or no column has more than two values.
    """
    if samples.n_samples > LARGEST_BATCH:
        return False
    return _has_two_values(samples) or len(set(_as_bytes(samples))) <= _MANY_CASES


def is_logic_problem(samples: Samples) -> bool:
    """Whether numbers seem to be a function without noise of all cases of a logic problem.

    There are up to 32 sequences, up to 16 of which differ, with at most two values of a column.
    Equal sequences have equal targets, which are standardized, and at most half as many targets
    differ as sequences. Noise would make them differ.
    """
    if samples.n_samples > LARGEST_BATCH or not _has_two_values(samples):
        return False
    y = np.round(samples.y, 4) + 0.0  # equal but for rounding, and 0 instead of -0
    sequences = _as_bytes(samples)
    targets = np.split(y, starts_of(samples.lengths)[1:]) if samples.per_step else y
    pairs = set(zip(sequences, (target.tobytes() for target in targets), strict=True))
    n_different, n_targets = len(set(sequences)), len(np.unique(y, axis=0))
    return len(pairs) == n_different <= _MANY_CASES and n_targets <= n_different // 2


def _has_two_values(samples: Samples) -> bool:
    """Whether each column of the steps has at most two values."""
    return all(len(np.unique(column)) <= 2 for column in _dense(samples.x).T)


def _as_bytes(samples: Samples) -> list[bytes]:
    """Write each sequence, with its static features, as bytes."""
    x = _dense(samples.x)
    if samples.static is not None:
        x = np.hstack([x, np.repeat(samples.static, samples.lengths, axis=0)])
    return [part.tobytes() for part in np.split(x, starts_of(samples.lengths)[1:])]


def _dense(x: Any) -> np.ndarray:
    dense: np.ndarray = x.toarray() if issparse(x) else x
    return dense
