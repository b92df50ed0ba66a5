"""Frames: blocks of consecutive steps that a network reads as one step."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from skrnn._numeric.lags import add_to_rows, side_by_side
from skrnn._numeric.packing import Packing, starts_of

if TYPE_CHECKING:
    from numpy.random import RandomState

    from skrnn._numeric.types import Back, Layer, Matrix, Parameters


def count_frames(lengths: np.ndarray, length: int, hop: int) -> np.ndarray:
    """Count the frames of sequences of these lengths; see `last_steps_of_frames`."""
    after_first = np.maximum(lengths - length, 0)
    return np.where(lengths > 0, 1 - -after_first // hop, 0)


def last_steps_of_frames(
    lengths: np.ndarray, length: int, hop: int
) -> tuple[np.ndarray, np.ndarray]:
    """Count the frames of each sequence, and find the row of the last step of each frame.

    The last frame of a sequence ends with its last step, and the frames before it end `hop` steps
    earlier each. Rows count the steps of all sequences, one sequence after another.
    """
    n_frames = count_frames(lengths, length, hop)
    ends, ends_of_frames = np.cumsum(lengths), np.cumsum(n_frames)
    after = np.repeat(ends_of_frames, n_frames) - 1 - np.arange(n_frames.sum())
    return n_frames, np.repeat(ends, n_frames) - 1 - after * hop


def rows_of_frames(
    lengths: np.ndarray, length: int, hop: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Find the steps of all frames: the number of frames, their rows, and which are of the frame.

    Rows and booleans are (n_frames_total, length). Where a frame begins before its sequence, the
    first step takes the place of those before it, with False.
    """
    n_frames, last = last_steps_of_frames(lengths, length, hop)
    first = np.repeat(starts_of(lengths), n_frames)[:, None]
    rows = last[:, None] + np.arange(1 - length, 1)
    return n_frames, np.maximum(rows, first), rows >= first


def frame_of_each_step(lengths: np.ndarray, length: int, hop: int) -> np.ndarray:
    """Find the first frame that ends with a step or after it, for each step."""
    last = last_steps_of_frames(lengths, length, hop)[1]
    return np.searchsorted(last, np.arange(lengths.sum()))


def read_frames(network: Layer, length: int) -> Layer:
    """Run a network on frames that do not overlap: x (n_rows, n_features) has packed steps.

    The network reads rows (n_frames, length * n_features). Without pooling, its output has a row
    for each frame.
    """

    def run(
        params: Parameters, x: Matrix, packing: Packing, rng: RandomState | None = None
    ) -> tuple[Any, Back]:
        n_frames, rows, _ = rows_of_frames(packing.lengths, length, length)
        of_frames = Packing(n_frames, packing.static, packing.first_sequence)
        rows = packing.to_concatenated[rows[of_frames.to_packed]]
        y, back_network = network(params, side_by_side(x, rows), of_frames, rng)

        def back(dy: Any, grad: Parameters, want_dx: bool = False) -> Any:
            dframes = back_network(dy, grad, want_dx)
            return add_to_rows(dframes, rows, x.shape) if want_dx else None

        return y, back

    return run
