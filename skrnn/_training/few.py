"""Few sequences, and whether they may be all cases of a logic problem, such as XOR."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.sparse import issparse

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
    return _has_two_values(samples) or _n_different(samples) <= _MANY_CASES


def is_logic_problem(samples: Samples) -> bool:
    """Whether numbers are surely a function without noise of all cases of a logic problem.

    There are up to 32 sequences, of which at most 16 differ, and no column has more than two
    values. At most half as many targets differ, because with noise all targets would differ.
    """
    if samples.n_samples > LARGEST_BATCH or not _has_two_values(samples):
        return False
    n_different = _n_different(samples)
    return n_different <= _MANY_CASES and len(np.unique(samples.y, axis=0)) <= n_different // 2


def _has_two_values(samples: Samples) -> bool:
    """Whether each column of the steps has at most two values."""
    return all(len(np.unique(column)) <= 2 for column in _dense(samples.x).T)


def _n_different(samples: Samples) -> int:
    """Count the sequences that differ, with their static features."""
    x = _dense(samples.x)
    if samples.static is not None:
        x = np.hstack([x, np.repeat(samples.static, samples.lengths, axis=0)])
    parts = np.split(x, np.cumsum(samples.lengths)[:-1])
    return len({part.tobytes() for part in parts})


def _dense(x: Any) -> np.ndarray:
    dense: np.ndarray = x.toarray() if issparse(x) else x
    return dense
