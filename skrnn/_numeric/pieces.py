"""Compute with a few rows at a time, so that no array holds all rows and all outputs.

A network with many classes has far more outputs than numbers in X. They are computed for one piece
of the samples after the other. Of each piece only what is needed is kept: its loss, its labels, or
whether they are right.
"""

from __future__ import annotations

from itertools import chain, pairwise
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from skrnn._numeric.packing import Packing, starts_of, take_rows

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from skrnn._numeric.types import Layer, MapLike, Matrix, Parameters

# Rows that a thread works on at a time in predictions, which bounds their memory.
PIECE = 2**14

# The same for passes beside training, so that they need no more memory than training, also if two
# pieces are computed at the same time.
SMALL_PIECE = 2**11

# Numbers in the outputs of a piece or of a part of a batch: 8 MiB of float64. Arrays of this size
# stay in the process when they are freed; see `keep_freed_memory`.
SIZE = 2**20

# Multiplications of a recurrent layer at a step, in all directions, from which on two threads
# predict faster than one: from 2^22 on they nearly always did, with 2^20 they took 1.0 to 1.3 times
# as long, and with 2^16 1.6 times (two cores, all cells, 16 to 256 units).
_TWO_THREADS_FROM = 3 * 2**20


class Piece(NamedTuple):
    """Consecutive samples: their rows in x, their outputs among those of all samples.

    `lengths` and `static` are those of sequences, and None for the rows of a table.
    """

    rows: slice
    outputs: slice
    first: int
    lengths: np.ndarray | None = None
    static: np.ndarray | None = None

    def pack(self, x: Matrix) -> tuple[Matrix, Any]:
        """Get the rows of the piece, packed if they are steps; and their packing."""
        if self.lengths is None:
            return x[self.rows], None
        packing = Packing(self.lengths, self.static, self.first)
        return take_rows(x, packing.to_packed + self.rows.start), packing

    def gains_from_threads(self, network: Any) -> bool:
        """Whether two threads take less time for such pieces than one.

        The interpreter runs in one thread at a time. While one thread computes the steps of a
        sequence, in many short calls of NumPy, the other waits. Rows of a table need few calls.
        """
        if self.lengths is None:
            return True
        n_sequences = self.lengths.sum() / max(self.lengths.max(), 1)  # at a step, on average
        work: float = network.work(n_sequences) * (1 + network.bidirectional)
        return work >= _TWO_THREADS_FROM


def pieces(
    n_rows: int,
    lengths: np.ndarray | None = None,
    static: np.ndarray | None = None,
    *,
    per_step: bool = False,
    width: int = 1,
    size: int = PIECE,
) -> list[Piece]:
    """Group samples into pieces of about `size` rows, with at least one sample in each.

    The samples are `n_rows` rows of a table, or sequences of these lengths. Their outputs have
    `width` columns, and a row for each sample, or for each step. The outputs of a piece are about
    `SIZE` numbers at most.
    """
    n_outputs = max(1, SIZE // width)
    if lengths is None:
        size = min(size, n_outputs)
        of_pieces = _slices([*range(0, n_rows, size), n_rows])
        return [Piece(rows, rows, rows.start) for rows in of_pieces]
    n_samples = n_rows if per_step else len(lengths)
    if n_rows < size and n_samples < n_outputs:
        return [Piece(slice(0, n_rows), slice(0, n_samples), 0, lengths, static)]
    ends, number = np.cumsum(lengths), np.arange(len(lengths))
    by_rows = ends // (min(size, n_outputs) if per_step else size)
    by_outputs = number // (len(number) if per_step else n_outputs)
    splits = np.flatnonzero(np.diff(by_rows) | np.diff(by_outputs)) + 1
    bounds = [0, *splits.tolist(), len(lengths)]
    first_rows = [*starts_of(lengths)[bounds[:-1]].tolist(), n_rows]
    found = []
    for samples, rows in zip(_slices(bounds), _slices(first_rows), strict=True):
        of_piece = None if static is None else static[samples]
        outputs = rows if per_step else samples
        found.append(Piece(rows, outputs, samples.start, lengths[samples], of_piece))
    return found


def _slices(bounds: Iterable[int]) -> list[slice]:
    return [slice(start, stop) for start, stop in pairwise(bounds)]


def evaluate(
    run: Layer,
    params: Parameters,
    x: Matrix,
    parts: Sequence[Piece],
    use: Callable[[Any, Piece], Any],
    mapped: MapLike = map,
    *,
    network: Any,
) -> Iterator[Any]:
    """Iterate over ``use(output, piece)`` for the output ``run(params, x, packing)`` of each piece.

    `run` is all of `network`, or a part of it. `mapped` does so as `map` does, perhaps for two
    pieces at the same time, if they gain from it.
    """
    if not parts[0].gains_from_threads(network):
        mapped = map
    return mapped(lambda piece: use(run(params, *piece.pack(x))[0], piece), parts)


def join(arrays: Iterable[np.ndarray], n_rows: int) -> np.ndarray:
    """Join arrays of at most `n_rows` rows in all. Each may be freed as soon as it is copied."""
    arrays, start = iter(arrays), 0
    first = next(arrays)
    if len(first) == n_rows:
        return first
    joined = np.empty((n_rows, *first.shape[1:]), first.dtype)
    for array in chain([first], arrays):
        joined[start : start + len(array)] = array
        start += len(array)
    return joined[:start]


def split(sizes: np.ndarray, width: int) -> np.ndarray:
    """Split consecutive samples into groups of about equal sizes, of about `SIZE` numbers at most.

    `sizes` are the numbers of outputs of the samples, each of `width` columns. Returns where the
    groups begin, but for the first.
    """
    ends = np.cumsum(sizes)
    n_groups = -(-int(ends[-1]) * width // SIZE)
    group = np.maximum(ends - 1, 0) * n_groups // max(ends[-1], 1)
    return np.flatnonzero(np.diff(group)) + 1
