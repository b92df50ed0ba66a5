"""Ragged sequences as rows: where each step of each sequence sits.

A batch of sequences of lengths 2, 4 and 1 holds seven steps. They are stored *longest
sequence first* and *step by step*::

    step            0         1      2   3
    sequence     1  0  2   1  0      1   1
    packed row   0  1  2   3  4      5   6

so that every step is a run of consecutive rows, sequences that have ended simply are not
there, and nothing is ever computed on padding. This is the order of cuDNN and of
``torch.nn.utils.rnn.pack_padded_sequence``.
"""

from __future__ import annotations

import numpy as np

# Numbers in one array of a run of steps (see `Packing.runs`): 128 kB of float32, of which a
# handful fit a second-level cache.
_RUN = 2**15


class Packing:
    """Index arrays that lay a batch of sequences out step by step, from the lengths alone.

    Parameters
    ----------
    lengths : array-like of int of shape (n_sequences,)
        Number of steps of each sequence, at least 1 each, in any order.

    Attributes
    ----------
    n_sequences, n_rows, n_steps : int
        Number of sequences, of steps of all sequences together, and of steps of the
        longest sequence.

    order : ndarray of shape (n_sequences,)
        Sequence at each place when sorted longest first; ties keep their order.

    steps : list of (slice, slice)
        For each step ``(now, before)``: the packed rows of the step, and the rows of the
        same sequences one step earlier in a *states* array, which holds `n_sequences`
        initial states above the packed rows: ``states[before]`` precedes
        ``states[n_sequences:][now]``.

    to_packed : ndarray of shape (n_rows,)
        ``packed = concatenated[to_packed]``, where `concatenated` holds the steps
        of the first sequence, then those of the second, and so on.

    to_concatenated : ndarray of shape (n_rows,)
        The inverse: ``concatenated = packed[to_concatenated]``.

    reverse : ndarray of shape (n_rows,)
        ``packed[reverse]`` is the same batch with every sequence turned back to front.

    last : ndarray of shape (n_sequences,)
        Packed row of the last step of each sequence, in the order of `lengths`.

    offsets : ndarray of shape (n_sequences,)
        First row of each sequence in `concatenated`.

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

    def __init__(self, lengths: np.typing.ArrayLike):
        lengths = np.asarray(lengths)
        self.lengths = lengths
        self.order = np.argsort(-lengths, kind="stable")
        self.n_sequences, self.n_steps = len(lengths), int(lengths.max())
        self.offsets = starts_of(lengths)
        sizes = _sequences_at_each_step(lengths)
        starts = starts_of(sizes)
        self.n_rows = int(sizes.sum())

        # One row above the packed ones for each sequence makes the first step like any other.
        befores = np.concatenate([[0], self.n_sequences + starts[:-1]])
        self.steps = [
            (slice(start, start + size), slice(before, before + size))
            for start, size, before in zip(
                starts.tolist(), sizes.tolist(), befores.tolist(), strict=True
            )
        ]
        # Without ragged ends each row follows the one n_sequences above: a view will do.
        self._before: np.ndarray | None = None
        if sizes[-1] < sizes[0]:
            self._before = np.arange(self.n_rows) + np.repeat(befores - starts, sizes)

        step = np.repeat(np.arange(self.n_steps), sizes)
        sequence = self.order[np.arange(self.n_rows) - starts[step]]
        self.to_packed = self.offsets[sequence] + step
        self.to_concatenated = np.empty_like(self.to_packed)
        self.to_concatenated[self.to_packed] = np.arange(self.n_rows)
        self.reverse = self.to_concatenated[self.offsets[sequence] + lengths[sequence] - 1 - step]
        self.last = self.to_concatenated[self.offsets + lengths - 1]

    def before(self, rows: slice = slice(None)) -> slice | np.ndarray:
        """Get the rows of *states* that precede these packed rows; a slice where one will do."""
        return slice(*rows.indices(self.n_rows)) if self._before is None else self._before[rows]

    def runs(self, n_units: int) -> list[tuple[slice, list[tuple[slice, slice]]]]:
        """Group neighbouring steps, of so many units a row, that fit the cache together.

        Each run is the packed rows of its steps, and the steps.
        """
        stops = np.array([now.stop for now, _ in self.steps])
        runs, first, start = [], 0, 0
        while first < self.n_steps:
            fitting = int(np.searchsorted(stops, start + _RUN // n_units, side="right"))
            after = max(fitting, first + 1)
            stop = int(stops[after - 1])
            runs.append((slice(start, stop), self.steps[first:after]))
            first, start = after, stop
        return runs

    def blocks(self, n_steps: int) -> list[tuple[slice, Packing]]:
        """Cut the batch across time: packed rows of each block of so many steps, and its packing.

        The sequences of a block are in the packed order of the batch, longest first, so that
        those of the next block are the first of them.
        """
        longest_first = self.lengths[self.order]
        blocks = []
        for start in range(0, self.n_steps, n_steps):
            left = longest_first[longest_first > start] - start
            block = Packing(np.minimum(left, n_steps))
            first_row = self.steps[start][0].start
            blocks.append((slice(first_row, first_row + block.n_rows), block))
        return blocks


def starts_of(lengths: np.ndarray) -> np.ndarray:
    """First row of each piece where pieces of these lengths follow one another."""
    return np.cumsum(lengths) - lengths


def _sequences_at_each_step(lengths: np.ndarray) -> np.ndarray:
    """Count the sequences longer than t, for t = 0, 1, ..., longest - 1."""
    ended = np.cumsum(np.bincount(lengths))
    return len(lengths) - ended[:-1]
