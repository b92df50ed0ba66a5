"""Ragged sequences as rows: the row of each step of each sequence.

A batch of sequences of lengths 2, 4 and 1 holds seven steps. They are stored *longest
sequence first* and *step by step*::

    step            0         1      2   3
    sequence     1  0  2   1  0      1   1
    packed row   0  1  2   3  4      5   6

Every step is a run of consecutive rows, and sequences that have ended have no row, so that
nothing is computed on padding. This is the order of cuDNN and of
``torch.nn.utils.rnn.pack_padded_sequence``. A sequence without any step has no row at all.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from skrnn._numeric.types import Matrix

# Size of an array of a run of steps (see `Packing.runs`): 128 kB of float32. A second-level cache
# holds a few such arrays.
_RUN_SIZE = 2**15


class Packing:
    """Index arrays that arrange a batch of sequences step by step.

    Parameters
    ----------
    lengths : array-like of int of shape (n_sequences,)
        Number of steps of each sequence, in any order. It may be 0.

    static : ndarray of shape (n_sequences, n_static), default=None
        Static features of each sequence.

    first_sequence : int, default=0
        Number of the first sequence, if the batch is a piece of others; for messages.

    Attributes
    ----------
    static, first_sequence : ndarray or None, int
        As passed.

    lengths : ndarray of int of shape (n_sequences,)
        The given lengths.

    n_sequences, n_rows, n_steps : int
        Number of sequences, total number of steps, and number of steps of the longest
        sequence.

    order : ndarray of shape (n_sequences,)
        Indices of the sequences, longest first. Ties keep their order.

    sizes : ndarray of int of shape (n_steps,)
        Number of sequences that have each step.

    steps : list of (slice, slice)
        For each step ``(now, before)``: the packed rows of the step, and the rows of the
        same sequences one step earlier in an array of *states*. This array begins with
        `n_sequences` initial states, followed by the packed rows, so that ``states[before]``
        precedes ``states[n_sequences:][now]``.

    to_packed : ndarray of shape (n_rows,)
        ``packed = concatenated[to_packed]``, where `concatenated` holds the steps
        of the first sequence, then those of the second, and so on.

    to_concatenated : ndarray of shape (n_rows,)
        The inverse: ``concatenated = packed[to_concatenated]``.

    reverse : ndarray of shape (n_rows,)
        ``packed[reverse]`` is the same batch with the steps of every sequence reversed.

    offsets : ndarray of shape (n_sequences,)
        First row of each sequence in `concatenated`; of a sequence without steps, the row at
        which the next sequence begins.

    Examples
    --------
    >>> import numpy as np
    >>> from skrnn._numeric.packing import Packing
    >>> packing = Packing([2, 4, 1])
    >>> np.array(["a0", "a1", "b0", "b1", "b2", "b3", "c0"])[packing.to_packed]
    array(['b0', 'a0', 'c0', 'b1', 'a1', 'b2', 'b3'], dtype='<U2')
    >>> packing.steps[1]
    (slice(3, 5, None), slice(3, 5, None))
    """

    def __init__(
        self,
        lengths: np.typing.ArrayLike,
        static: np.ndarray | None = None,
        first_sequence: int = 0,
    ):
        lengths = np.asarray(lengths)
        self.static: Any = static  # an array in every network that uses it
        self.first_sequence = first_sequence
        self.lengths = lengths
        self.sizes = _sequences_at_each_step(lengths)
        self.n_sequences, self.n_steps = len(lengths), len(self.sizes)
        self.n_rows = int(np.add.reduce(lengths))
        # The packed rows of sequences of equal lengths are a table (n_steps, n_sequences).
        is_table = not self.n_steps or self.sizes[-1] == self.n_sequences
        shape = self.n_steps, self.n_sequences
        self._table = np.arange(self.n_rows).reshape(shape) if is_table else None

    # What one kind of network or computation needs, and another does not, is computed when needed.

    @cached_property
    def order(self) -> np.ndarray:
        order: np.ndarray = (-self.lengths).argsort(kind="stable")
        return order

    @cached_property
    def offsets(self) -> np.ndarray:
        return starts_of(self.lengths)

    @cached_property
    def _starts(self) -> np.ndarray:
        return starts_of(self.sizes)

    @cached_property
    def _befores(self) -> np.ndarray:
        # In the array of states, the initial state of each sequence precedes its first step.
        return np.concatenate([[0], self.n_sequences + self._starts])[: self.n_steps]

    @cached_property
    def steps(self) -> list[tuple[slice, slice]]:
        starts, sizes, befores = self._starts.tolist(), self.sizes.tolist(), self._befores.tolist()
        return [
            (slice(start, start + size), slice(before, before + size))
            for start, size, before in zip(starts, sizes, befores, strict=True)
        ]

    @cached_property
    def _before(self) -> np.ndarray | None:
        # With equal lengths, the state before each row is n_sequences rows above: use a slice.
        if self._table is not None:
            return None
        before: np.ndarray = np.arange(self.n_rows) + np.repeat(
            self._befores - self._starts, self.sizes
        )
        return before

    @cached_property
    def _places(self) -> tuple[np.ndarray, np.ndarray]:
        """Sequence and step of each packed row."""
        step = np.repeat(np.arange(self.n_steps), self.sizes)
        return self.order[np.arange(self.n_rows) - self._starts[step]], step

    @cached_property
    def to_packed(self) -> np.ndarray:
        if self._table is not None:
            return self._table.reshape(self.n_sequences, self.n_steps).T.ravel()
        sequence, step = self._places
        rows: np.ndarray = self.offsets[sequence] + step
        return rows

    @cached_property
    def to_concatenated(self) -> np.ndarray:
        if self._table is not None:
            return self._table.T.ravel()
        inverse = np.empty_like(self.to_packed)
        inverse[self.to_packed] = np.arange(self.n_rows)
        return inverse

    @cached_property
    def reverse(self) -> np.ndarray:
        if self._table is not None:
            return self._table[::-1].ravel()
        sequence, step = self._places
        rows: np.ndarray = self.to_concatenated[
            self.offsets[sequence] + self.lengths[sequence] - 1 - step
        ]
        return rows

    def orders(self, n_directions: int) -> list[Any]:
        """Rows in the order in which each direction of a layer reads them, for `take_rows`."""
        return [slice(None), self.reverse] if n_directions > 1 else [slice(None)]

    @cached_property
    def first(self) -> np.ndarray:
        """Packed row of the first step of each sequence that has one, as `last`."""
        if self._table is not None:
            return self._table[:1].ravel()
        rows: np.ndarray = self.to_concatenated[self.offsets[self.lengths > 0]]
        return rows

    @cached_property
    def last(self) -> np.ndarray:
        """Packed row of the last step of each sequence that has one, in the order of `lengths`."""
        if self._table is not None:
            return self._table[-1:].ravel()
        rows: np.ndarray = self.to_concatenated[(self.offsets + self.lengths)[self.lengths > 0] - 1]
        return rows

    def without_empty(self) -> Packing:
        """Get the packing of the sequences that have steps. Its rows are the same."""
        n_with_steps = self.sizes[0] if self.n_steps else 0
        if n_with_steps == self.n_sequences:
            return self
        return Packing(self.lengths[self.lengths > 0])

    def before(self, rows: slice = slice(None)) -> slice | np.ndarray:
        """Get the rows of *states* that precede these packed rows, as a slice if possible."""
        return slice(*rows.indices(self.n_rows)) if self._before is None else self._before[rows]

    def runs(self, n_units: int) -> list[tuple[slice, list[tuple[slice, slice]]]]:
        """Group consecutive steps into runs whose arrays (n_rows, n_units) fit into the cache.

        Each run is a pair: the packed rows of its steps, and the steps.
        """
        stops = np.array([now.stop for now, _ in self.steps])
        runs, first, start = [], 0, 0
        while first < self.n_steps:
            fitting = int(np.searchsorted(stops, start + _RUN_SIZE // n_units, side="right"))
            after = max(fitting, first + 1)
            stop = int(stops[after - 1])
            runs.append((slice(start, stop), self.steps[first:after]))
            first, start = after, stop
        return runs

    def blocks(self, n_steps: int) -> list[tuple[slice, Packing]]:
        """Split the batch over time into blocks of `n_steps` steps.

        Each block is a pair: its packed rows, and its packing. The sequences of a block are in
        the order of the batch, longest first. The first of them continue in the next block. A
        sequence without any step is in none.
        """
        longest_first = self.lengths[self.order]
        blocks = []
        for start in range(0, self.n_steps, n_steps):
            left = longest_first[longest_first > start] - start
            block = Packing(np.minimum(left, n_steps))
            first_row = self.steps[start][0].start
            blocks.append((slice(first_row, first_row + block.n_rows), block))
        return blocks


def take_rows(x: Matrix, rows: slice | np.ndarray) -> Matrix:
    """Take rows of an array or CSR matrix: ``x[rows]``, which takes up to ten times as long.

    Rows are a slice, or an array of indices.
    """
    if isinstance(x, np.ndarray) and isinstance(rows, np.ndarray):
        return x.take(rows, axis=0)
    return x[rows]


def starts_of(lengths: np.ndarray) -> np.ndarray:
    """First row of each sequence, if sequences of these lengths are concatenated."""
    starts: np.ndarray = lengths.cumsum() - lengths
    return starts


def reduce_steps(
    ufunc: np.ufunc, rows: np.ndarray, lengths: np.ndarray, empty: float = 0
) -> np.ndarray:
    """Reduce the steps of each sequence, such as to their sum: rows (n_rows,) or (n_rows, k).

    A sequence without any step gets the value `empty`. ``ufunc.reduceat`` alone would return a
    step of the next sequence for it.
    """
    reduced = ufunc.reduceat(rows, starts_of(lengths)[lengths > 0], axis=0)
    result = np.full((len(lengths), *rows.shape[1:]), empty, reduced.dtype)
    result[lengths > 0] = reduced
    return result


def _sequences_at_each_step(lengths: np.ndarray) -> np.ndarray:
    """Count the sequences longer than t, for t = 0, 1, ..., longest - 1."""
    ended = np.bincount(lengths).cumsum()
    return len(lengths) - ended[:-1]
