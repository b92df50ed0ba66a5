"""Pieces of samples and parts of batches give what the whole gives."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numeric_helpers import (
    LENGTHS,
    assert_close,
    describe,
    random_params,
    random_samples,
    recurrent_networks,
)
from numpy.random import RandomState

from skrnn._numeric import pieces as module
from skrnn._numeric.crf import crf
from skrnn._numeric.losses import LOSSES
from skrnn._numeric.networks import MLP, RNN
from skrnn._numeric.params import Params
from skrnn._numeric.pieces import PIECE, evaluate, join, pieces, split
from skrnn._numeric.training import Parts, Shared, gather, make_objective, mean_loss

NETWORKS = [
    MLP((6, 4, 3)),
    RNN(6, (4,), 3, pooling=None),
    RNN(6, (4,), 3, bidirectional=True, pooling=("max", "mean"), n_static=2),
    RNN(6, (), 3, pooling=None),
]
LOSS = "log_loss", "softmax"
FIELD = RNN(6, (4,), 3, pooling=None, transitions=True)


@pytest.fixture
def limit(monkeypatch):
    """Set how many numbers the outputs of a piece or part may have."""

    def set_limit(size):
        monkeypatch.setattr(module, "SIZE", size)
        monkeypatch.setattr("skrnn._numeric.training.SIZE", size)

    return set_limit


LENGTHS_OF_MANY = st.lists(st.integers(0, 6), min_size=1, max_size=12)


@settings(deadline=None)
@given(LENGTHS_OF_MANY, st.integers(1, 20), st.booleans(), st.sampled_from([1, 2**17, 2**19]))
def test_pieces_are_all_samples_in_order(lengths, size, per_step, width):
    lengths = np.array(lengths)
    static = np.arange(len(lengths))[:, None]
    parts = pieces(lengths.sum(), lengths, static, per_step=per_step, width=width, size=size)
    starts = np.cumsum(lengths) - lengths
    assert np.array_equal(np.concatenate([part.lengths for part in parts]), lengths)
    assert np.array_equal(np.concatenate([part.static for part in parts]), static)
    for part in parts:
        n = len(part.lengths)
        assert part.rows == slice(starts[part.first], starts[part.first] + part.lengths.sum())
        assert part.outputs == (part.rows if per_step else slice(part.first, part.first + n))
        limit = max(1, module.SIZE // width)
        longest = part.lengths.max()
        assert n
        assert part.lengths.sum() <= (min(size, limit) if per_step else size) + longest
        assert per_step or n <= limit


@given(st.integers(1, 50), st.integers(1, 20), st.sampled_from([1, 2**17, 2**19]))
def test_pieces_of_a_table_are_all_rows_in_order(n_rows, size, width):
    parts = pieces(n_rows, width=width, size=size)
    rows = [np.arange(n_rows)[part.rows] for part in parts]
    assert np.array_equal(np.concatenate(rows), np.arange(n_rows))
    assert all(0 < len(of_piece) <= min(size, max(1, module.SIZE // width)) for of_piece in rows)
    assert all(part.outputs == part.rows and part.first == part.rows.start for part in parts)


@settings(deadline=None, max_examples=50)
@given(LENGTHS_OF_MANY.filter(any), st.integers(1, 40), st.sampled_from([1, 2**19]))
def test_outputs_of_pieces_are_those_of_the_whole(lengths, size, width):
    for network in (*NETWORKS, *recurrent_networks()[:8]):
        samples, params = random_samples(network, LOSS, lengths), random_params(network.shapes)
        batch = samples.take(slice(None))
        expected, _ = network.run(params, batch.x, batch.packing)
        parts = samples.pieces(width, size)
        keep = lambda output, piece: output  # noqa: E731
        outputs = evaluate(network.run, params, samples.x, parts, keep, network=network)
        assert_close(join(outputs, parts[-1].outputs.stop), expected)


@pytest.mark.parametrize("size", [1, 3, 100])
@pytest.mark.parametrize("network", [*NETWORKS, FIELD], ids=describe)
def test_the_mean_loss_of_pieces_is_that_of_the_whole(network, size):
    loss = crf if network is FIELD else LOSSES[LOSS]
    samples, params = random_samples(network, LOSS), random_params(network.shapes)
    batch = samples.take(slice(None))
    expected = loss(network.run(params, batch.x, batch.packing)[0], batch.y, batch.weight)[0]
    kept = lambda raw, rows: len(samples.y[rows])  # noqa: E731
    value, counts = mean_loss(network, params, samples, loss, keep=kept, size=size)
    assert_close(value, expected)
    assert sum(counts) == len(samples.y)
    assert len(counts) > 1 or size == 100


@pytest.mark.parametrize("loss", LOSSES, ids="-".join)
@pytest.mark.parametrize("network", NETWORKS, ids=describe)
def test_parts_of_a_batch_add_up_to_the_whole(network, loss, limit):
    samples = random_samples(network, loss)
    samples.weight[::3] = 0  # not labelled
    compare_parts(network, samples, LOSSES[loss], limit)


def test_parts_of_a_batch_with_a_random_field_add_up_to_the_whole(limit):
    samples = random_samples(FIELD, LOSS)
    samples.weight[[1, 5]] = 0
    compare_parts(FIELD, samples, crf, limit)


def test_parts_in_halves_add_up_to_the_whole(limit, monkeypatch):
    network = NETWORKS[1]
    samples = random_samples(network, LOSS, [3, 2, 4, 1, 5])
    monkeypatch.setattr("skrnn._numeric.training.Ragged.two_parts_from", 1)
    parts = compare_parts(network, samples, LOSSES[LOSS], limit)
    assert any(isinstance(part, Shared) for part in parts)


def compare_parts(network, samples, loss, limit):
    """Compare value and gradient of a batch in one part and in several; returns these."""
    params = random_params(network.shapes)
    index = np.arange(samples.n_samples)[::-1]
    objective = make_objective(network, params, loss, alpha=0.5)
    value, gradient = objective(params.flat, samples.take(index))
    gradient = gradient.copy()
    limit(2 * network.n_outputs)
    batch = gather(samples, index, network)
    assert isinstance(batch, Parts)
    assert len(batch.parts) > 1
    assert_close(batch.total, samples.take(index).total)
    in_parts, of_parts = objective(params.flat, batch)
    assert_close(in_parts, value)
    assert_close(of_parts, gradient)
    return batch.parts


def test_dropout_in_parts_draws_anew_for_each(limit):
    network = replace(NETWORKS[1], dropout=0.5)
    samples, params = random_samples(network, LOSS), random_params(network.shapes)
    limit(2 * network.n_outputs)
    batch = gather(samples, slice(None), network)
    twice = Parts(batch.parts[:1] * 2, 2 * batch.parts[0].total)
    values = []
    for of in (Parts(batch.parts[:1], batch.parts[0].total), twice):
        objective = make_objective(network, params, LOSSES[LOSS], rng=RandomState(0))
        values.append(objective(params.flat, of)[0])
    assert abs(values[0] - values[1]) > 1e-6


@given(LENGTHS_OF_MANY.filter(any), st.sampled_from([1, 2**17, 2**18, 2**19, 2**20]))
def test_a_split_is_into_groups_of_about_equal_size(sizes, width):
    groups = np.split(np.array(sizes), split(np.array(sizes), width))
    assert [size for group in groups for size in group] == sizes
    assert all(len(group) for group in groups)
    assert all(group.sum() * width <= module.SIZE + max(sizes) * width for group in groups)


def test_small_batches_are_not_split():
    samples = random_samples(NETWORKS[1], LOSS, LENGTHS)
    assert not isinstance(gather(samples, slice(None), NETWORKS[1]), Parts)


@pytest.mark.parametrize("n_steps", [5, 6])
def test_a_batch_is_split_if_it_has_more_outputs_than_a_part_may_have(n_steps, limit):
    samples = random_samples(NETWORKS[1], LOSS, [1] * 9)
    limit(5 * 3)
    batch = gather(samples, np.arange(n_steps), NETWORKS[1])
    assert isinstance(batch, Parts) == (n_steps == 6)


def test_a_joined_array_of_one_part_is_not_copied():
    array = np.arange(4)
    assert join([array], 4) is array
    assert np.array_equal(join([array[:1], array[:0], array[1:]], 4), array)
    assert len(join([array[:1], array[1:2]], 4)) == 2


@pytest.mark.parametrize(
    ("numbers", "lengths", "options", "n_samples"),
    [
        (2**20, [4] * 5, {"size": 8}, [1, 2, 2]),
        (2**20, [4] * 2, {"size": 8}, [1, 1]),
        (2**20, [4] * 2, {"size": 9}, [2]),
        (6, [1] * 7, {"width": 2}, [3, 3, 1]),
        (1, [1] * 3, {"width": 1}, [1, 1, 1]),
        (1, [1] * 3, {"width": 5}, [1, 1, 1]),
        (2, [1] * 6, {"per_step": True}, [1, 2, 2, 1]),
        (6, [1] * 6, {"per_step": True, "size": 2}, [1, 2, 2, 1]),
        (2, [6, 0, 0, 0, 6], {"per_step": True}, [4, 1]),
    ],
)
def test_pieces_are_no_smaller_than_they_have_to_be(numbers, lengths, options, n_samples, limit):
    limit(numbers)
    parts = pieces(sum(lengths), np.array(lengths), **options)
    assert [len(part.lengths) for part in parts] == n_samples


@pytest.mark.parametrize(
    ("numbers", "sizes", "width", "starts"),
    [
        (6, [1] * 6, 1, []),
        (6, [1] * 7, 1, [4]),
        (6, [3] * 4, 1, [2]),
        (6, [3] * 4, 2, [1, 2, 3]),
        (1, [1] * 3, 1, [1, 2]),
        (6, [0, 0], 1, []),
    ],
)
def test_a_split_is_into_as_few_groups_as_fit(numbers, sizes, width, starts, limit):
    limit(numbers)
    assert split(np.array(sizes), width).tolist() == starts


@pytest.mark.parametrize(
    ("units", "bidirectional", "length", "in_threads"),
    [(48, False, 20, False), (96, False, 20, True), (48, True, 20, True), (96, False, 60, False)],
)
def test_pieces_are_computed_in_threads_if_a_step_has_enough_work(
    units, bidirectional, length, in_threads
):
    n_sequences = 2 * PIECE // length  # the steps are those of two pieces
    network = RNN(1, (units,), 1, cell="rnn", bidirectional=bidirectional, pooling="last")
    parts, called = pieces(n_sequences * length, np.full(n_sequences, length)), []

    def mapped(function, calls):
        called.extend(calls)
        return [None]

    run, params, x = network.predict, Params(network.shapes), np.zeros((n_sequences * length, 1))
    list(evaluate(run, params, x, parts, lambda output, piece: None, mapped, network=network))
    assert called == (parts if in_threads else [])


def test_pieces_of_a_table_are_computed_in_threads():
    assert pieces(2 * PIECE)[0].gains_from_threads(MLP((1, 1, 1)))
