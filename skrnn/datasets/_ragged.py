"""Object arrays of sequences."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray


def as_ragged(sequences: Sequence[NDArray[Any]]) -> NDArray[np.object_]:
    """Put arrays of any lengths into a 1-D object array.

    ``np.array(sequences, dtype=object)`` would return an array of more dimensions if all lengths
    were equal.
    """
    ragged = np.empty(len(sequences), dtype=object)
    for i, sequence in enumerate(sequences):
        ragged[i] = sequence
    return ragged
