"""Names of places in sequences, for messages."""

from __future__ import annotations

import numpy as np


def place_of_row(row: int, lengths: np.ndarray) -> str:
    """Name the step and the sequence of a row of the table of all steps."""
    ends = np.cumsum(lengths)
    i = int(np.searchsorted(ends, row, side="right"))
    return f"step {row - int(ends[i] - lengths[i])} of sequence {i}"
