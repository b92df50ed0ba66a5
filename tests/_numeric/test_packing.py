"""The layout of ragged sequences, compared with loops over lists."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_array

from skrnn._numeric.packing import Packing, reduce_steps, starts_of, take_rows

ragged_lengths = st.lists(st.integers(0, 12), min_size=1, max_size=8)
equal_lengths = st.builds(lambda n, length: [length] * n, st.integers(1, 4), st.integers(0, 5))
nonempty_lengths = st.lists(st.integers(1, 12), min_size=1, max_size=8)
quick = settings(deadline=None)


def rows_of(lengths):
    """Pairs (sequence, step), sequence after sequence."""
    return [(i, t) for i, length in enumerate(lengths) for t in range(length)]


def packed_rows_of(lengths):
    """The same pairs step by step, longest sequence first."""
    order = sorted(range(len(lengths)), key=lambda i: -lengths[i])
    return [(i, t) for t in range(max(lengths)) for i in order if t < lengths[i]]


@quick
@given(ragged_lengths | equal_lengths)
def test_order_of_rows(lengths):
    packing, rows, packed = Packing(lengths), rows_of(lengths), packed_rows_of(lengths)
    assert [rows[i] for i in packing.to_packed] == packed
    assert [packed[i] for i in packing.to_concatenated] == rows
    assert [packed[i] for i in packing.reverse] == [(i, lengths[i] - 1 - t) for i, t in packed]
    assert [packed[i] for i in packing.last] == [(i, n - 1) for i, n in enumerate(lengths) if n]
    assert packing.offsets.tolist() == [sum(lengths[:i]) for i in range(len(lengths))]
    assert [packed[i] for i in packing.first] == [(i, 0) for i, n in enumerate(lengths) if n]
    empty = [i for i, n in enumerate(lengths) if n == 0]
    assert packing.order.tolist() == [i for i, t in packed if t == 0] + empty


@quick
@given(ragged_lengths)
def test_counts(lengths):
    packing = Packing(lengths)
    counts = packing.n_sequences, packing.n_rows, packing.n_steps
    assert counts == (len(lengths), sum(lengths), max(lengths))
    assert len(packing.steps) == packing.n_steps


@quick
@given(ragged_lengths)
def test_steps(lengths):
    packing, packed = Packing(lengths), packed_rows_of(lengths)
    states = [(i, -1) for i in packing.order] + packed  # initial states above the packed rows
    for t, (now, before) in enumerate(packing.steps):
        assert packed[now] == [row for row in packed if row[1] == t]
        assert states[before] == [(i, t - 1) for i, _ in packed[now]]
    befores = np.arange(len(states))[packing.before()]
    assert [states[row] for row in befores] == [(i, t - 1) for i, t in packed]


@quick
@given(ragged_lengths | equal_lengths)
def test_inverses(lengths):
    packing = Packing(lengths)
    identity = np.arange(packing.n_rows)
    assert np.array_equal(packing.to_packed[packing.to_concatenated], identity)
    assert np.array_equal(packing.to_concatenated[packing.to_packed], identity)
    assert np.array_equal(packing.reverse[packing.reverse], identity)


@quick
@given(ragged_lengths)
def test_before_is_a_view_where_lengths_are_equal(lengths):
    assert isinstance(Packing(lengths).before(), slice) == (len(set(lengths)) == 1)


@quick
@given(ragged_lengths, st.integers(1, 2**16))
def test_runs(lengths, n_units):
    packing = Packing(lengths)
    befores = np.arange(packing.n_sequences + packing.n_rows)[packing.before()]
    runs, fitting = packing.runs(n_units), max(2**15 // n_units, 1)
    assert [step for _, steps in runs for step in steps] == packing.steps
    assert [row for rows, _ in runs for row in range(rows.start, rows.stop)] == list(
        range(packing.n_rows)
    )
    for rows, steps in runs:
        assert (rows.start, rows.stop) == (steps[0][0].start, steps[-1][0].stop)
        assert len(steps) == 1 or rows.stop - rows.start <= fitting
        before = np.arange(len(befores) + packing.n_sequences)[packing.before(rows)]
        assert np.array_equal(before, befores[rows])


@quick
@given(nonempty_lengths)
def test_torch_packs_in_the_same_order(lengths):
    torch = pytest.importorskip("torch")
    rows = torch.arange(sum(lengths))
    theirs = torch.nn.utils.rnn.pack_sequence(rows.split(lengths), enforce_sorted=False)
    packing = Packing(lengths)
    sizes = [now.stop - now.start for now, _ in packing.steps]
    assert theirs.batch_sizes.tolist() == sizes
    # PyTorch may order sequences of equal length differently within each step.
    data, length_of = theirs.data.numpy(), np.repeat(lengths, lengths)
    assert np.array_equal(length_of[data], length_of[packing.to_packed])
    if len(set(lengths)) == len(lengths):
        assert np.array_equal(data, packing.to_packed)


@pytest.mark.parametrize("kind", [list, tuple, np.array, lambda n: np.array(n, np.int32)])
def test_lengths_may_be_any_array_like(kind):
    assert Packing(kind([2, 4, 1])).to_packed.tolist() == [2, 0, 6, 3, 1, 4, 5]


@quick
@given(ragged_lengths)
def test_the_packing_without_empty_sequences_has_the_same_rows(lengths):
    packing = Packing(lengths)
    without = packing.without_empty()
    assert without.lengths.tolist() == [n for n in lengths if n]
    for name in ("to_packed", "to_concatenated", "reverse", "last"):
        assert np.array_equal(getattr(without, name), getattr(packing, name))
    assert (without is packing) == (0 not in lengths)


@quick
@given(ragged_lengths, st.integers(1, 4))
def test_blocks_leave_empty_sequences_out(lengths, n_steps):
    packing = Packing(lengths)
    blocks = packing.blocks(n_steps)
    assert all(block.lengths.all() for _, block in blocks)
    rows = [row for rows, _ in blocks for row in range(rows.start, rows.stop)]
    assert rows == list(range(packing.n_rows))


@quick
@given(ragged_lengths, st.sampled_from([(), (3,)]))
def test_reduce_steps(lengths, shape):
    rows = np.random.RandomState(0).normal(size=(sum(lengths), *shape))
    lengths = np.array(lengths)
    sequences = np.split(rows, starts_of(lengths)[1:])
    for ufunc, empty in [(np.add, 0), (np.maximum, -np.inf)]:
        expected = [ufunc.reduce(x) if len(x) else np.full(shape, empty) for x in sequences]
        reduced = reduce_steps(ufunc, rows, lengths, empty)
        np.testing.assert_allclose(reduced, expected, rtol=1e-12, atol=1e-12)
    wrong = np.ones(len(rows), bool)
    assert reduce_steps(np.logical_or, wrong, lengths).tolist() == [len(x) > 0 for x in sequences]


def test_ties_keep_their_order():
    assert Packing([2, 3, 2, 3]).order.tolist() == [1, 3, 0, 2]


def test_runs_take_as_many_steps_as_fit():
    packing = Packing([5, 4, 4, 2])  # 4, 4, 3, 3 and 1 rows at the steps
    rows = {
        n: [(of.start, of.stop, len(steps)) for of, steps in packing.runs(2**15 // n)]
        for n in (1, 7, 8)
    }
    assert rows[1] == [(0, 4, 1), (4, 8, 1), (8, 11, 1), (11, 14, 1), (14, 15, 1)]
    assert rows[7] == [(0, 4, 1), (4, 11, 2), (11, 15, 2)]
    assert rows[8] == [(0, 8, 2), (8, 15, 3)]
    assert len(packing.runs(1)) == 1


def test_first_and_last_steps_leave_empty_sequences_out():
    packing = Packing([2, 0, 4, 1, 0])
    names = np.array(["a0", "a1", "b0", "b1", "b2", "b3", "c0"])[packing.to_packed]
    assert names[packing.first].tolist() == ["a0", "b0", "c0"]
    assert names[packing.last].tolist() == ["a1", "b3", "c0"]


@pytest.mark.parametrize("rows", [slice(1, 3), np.array([2, 0, 2]), np.array([], int)])
@pytest.mark.parametrize("make", [np.asarray, np.asfortranarray, csr_array])
def test_take_rows(rows, make):
    x = np.arange(12.0).reshape(4, 3)
    taken = take_rows(make(x), rows)
    taken = taken if isinstance(taken, np.ndarray) else taken.toarray()
    np.testing.assert_array_equal(taken, x[rows], strict=True)
