"""Properties that hold for all inputs."""

from dataclasses import replace
from functools import partial

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from numeric_helpers import (
    LENGTHS,
    LOSSES,
    N_FEATURES,
    N_OUTPUTS,
    assert_close,
    describe,
    networks_with_static,
    random_params,
    random_samples,
    recurrent_networks,
)
from numpy.random import RandomState
from scipy.sparse import csr_array, csr_matrix

from skrnn._numeric.activations import ACTIVATIONS
from skrnn._numeric.networks import MLP, RNN
from skrnn._numeric.packing import Packing
from skrnn._numeric.params import Params
from skrnn._numeric.training import Ragged, gather, make_objective

CROSS_ENTROPY = "log_loss", "softmax"
RECURRENT = recurrent_networks()
FEEDFORWARD = [MLP((N_FEATURES, 4, N_OUTPUTS), activation) for activation in ACTIVATIONS]
WITH_STATIC = networks_with_static()
NETWORKS = RECURRENT + WITH_STATIC + FEEDFORWARD

ragged_lengths = st.lists(st.integers(0, 6), min_size=1, max_size=6)
layouts = st.sampled_from([np.asarray, csr_array])
recurrent_network = st.sampled_from(RECURRENT)
any_network = st.sampled_from(NETWORKS)
few = settings(max_examples=60, deadline=None)


def scores_of(network, samples, index=slice(None)):
    """Scores of some samples, one row (or one block of steps) for each."""
    batch = samples.take(index)
    scores, _ = network.run(random_params(network.shapes), batch.x, batch.packing)
    if isinstance(samples, Ragged) and samples.per_step:
        return np.split(scores, np.cumsum(samples.lengths[index])[:-1])
    return list(scores)


def value_and_gradient(network, batch, loss=CROSS_ENTROPY, alpha=0.0, rng=None):
    params = random_params(network.shapes)
    return make_objective(network, params, LOSSES[loss], alpha, rng)(params.flat, batch)


# --- Samples are independent ----------------------------------------------------------------


@few
@given(any_network, ragged_lengths, layouts)
def test_a_batch_gives_the_same_as_single_samples(network, lengths, layout):
    samples = random_samples(network, CROSS_ENTROPY, lengths)
    samples = replace(samples, x=layout(samples.x))
    for i, together in enumerate(scores_of(network, samples)):
        (alone,) = scores_of(network, samples, [i])
        assert_close(together, alone)


@few
@given(any_network, st.permutations(range(len(LENGTHS))), layouts)
def test_the_order_of_a_batch_does_not_matter(network, permutation, layout):
    samples = random_samples(network, CROSS_ENTROPY)
    samples = replace(samples, x=layout(samples.x))
    scores = scores_of(network, samples)
    for i, permuted in zip(permutation, scores_of(network, samples, permutation), strict=True):
        assert_close(permuted, scores[i])
    value, gradient = value_and_gradient(network, samples.take(slice(None)))
    permuted_value, permuted_gradient = value_and_gradient(network, samples.take(permutation))
    assert_close(permuted_value, value)
    assert_close(permuted_gradient, gradient)


@few
@given(any_network, ragged_lengths, st.data())
def test_a_weight_of_two_is_the_sample_twice(network, lengths, data):
    twice = data.draw(st.integers(0, len(lengths) - 1))
    samples = random_samples(network, CROSS_ENTROPY, lengths)
    assume(len(samples.y))
    of_sample = np.arange(len(lengths))
    if getattr(samples, "per_step", False):
        of_sample = np.repeat(of_sample, lengths)
    heavier = replace(samples, weight=samples.weight * np.where(of_sample == twice, 2, 1))

    expected = samples.subset([*range(len(lengths)), twice]).take(slice(None))
    value, gradient = value_and_gradient(network, heavier.take(slice(None)), alpha=0.5)
    expected_value, expected_gradient = value_and_gradient(network, expected, alpha=0.5)
    assert_close(value, expected_value)
    assert_close(gradient, expected_gradient)


@few
@given(any_network, st.integers(1, len(LENGTHS) - 1))
def test_batches_add_up(network, cut):
    samples = random_samples(network, CROSS_ENTROPY)
    whole = samples.take(slice(None))
    parts = [samples.take(slice(cut)), samples.take(slice(cut, None))]
    assume(all(len(part.y) for part in parts))
    expected = value_and_gradient(network, whole)
    for of_whole, *of_parts in zip(
        expected, *(value_and_gradient(network, part) for part in parts), strict=True
    ):
        total = sum(part.total * of for part, of in zip(parts, of_parts, strict=True))
        assert_close(total / whole.total, of_whole)


@pytest.mark.parametrize(
    "network", [n for n in RECURRENT if n.bidirectional and not n.embedding_size], ids=describe
)
def test_swapped_directions_on_reversed_sequences(network):
    network = replace(network, hidden_layer_sizes=(3,))
    params, packing = random_params(network.shapes), Packing(LENGTHS)
    forwards, backwards, *readers = [dict(p) for p in params.values()]
    # Each pooling has three columns of the forward direction, then three of the other.
    for reader in readers:
        W = reader["W"].reshape(-1, 2, 3, reader["W"].shape[1])
        reader["W"] = W[:, ::-1].reshape(reader["W"].shape)
    swapped = params.like().fill(dict(zip(params, (backwards, forwards, *readers), strict=True)))

    x = RandomState(0).normal(size=(packing.n_rows, N_FEATURES))
    scores, _ = network.run(params, x, packing)
    in_reverse, _ = network.run(swapped, x[packing.reverse], packing)
    if network.pooling is None:
        in_reverse = in_reverse[packing.to_packed][packing.reverse][packing.to_concatenated]
    assert_close(in_reverse, scores)


# --- What gradients depend on ---------------------------------------------------------------


@pytest.mark.parametrize(
    "network", [n for n in RECURRENT if n.pooling == "last" and not n.bidirectional], ids=describe
)
def test_truncation_limits_the_reach_of_gradients(network):
    packing = Packing(LENGTHS)
    params = random_params(network.shapes)
    x = RandomState(0).normal(size=(packing.n_rows, N_FEATURES))

    def reached(**options):
        scores, back = replace(network, **options).run(params, x, packing)
        dx = back(np.ones_like(scores), params.like(), want_dx=True)
        return np.any(dx[packing.to_concatenated], axis=1)

    assert reached().all()  # from the last step to the first
    for bptt_steps in (1, 2, 3):
        near = [
            t // bptt_steps == (length - 1) // bptt_steps
            for length in LENGTHS
            for t in range(length)
        ]
        assert np.array_equal(reached(bptt_steps=bptt_steps), near)


@pytest.mark.parametrize("network", NETWORKS, ids=describe)
def test_a_gradient_of_zero_gives_zeros(network):
    batch = random_samples(network, CROSS_ENTROPY).take(slice(None))
    params = random_params(network.shapes)
    scores, back = network.run(params, batch.x, batch.packing)
    g = params.like()
    g.flat[:] = np.nan  # must be overwritten, not added to
    dx = back(np.zeros_like(scores), g, want_dx=True)
    assert not dx.any()
    assert not g.flat.any()
    _, back = network.run(params, batch.x, batch.packing)
    assert back(np.zeros_like(scores), g) is None  # dx was not requested


@pytest.mark.parametrize("network", NETWORKS, ids=describe)
def test_back_is_linear_and_repeatable(network):
    batch = random_samples(network, CROSS_ENTROPY).take(slice(None))
    params = random_params(network.shapes)
    scores, _ = network.run(params, batch.x, batch.packing)
    dscores = RandomState(0).normal(size=(2, *scores.shape))

    def gradients(dscores):
        g = params.like()
        _, back = network.run(params, batch.x, batch.packing)
        return np.concatenate([back(dscores, g, want_dx=True).ravel(), g.flat])

    once = gradients(dscores[0])
    assert_close(gradients(dscores[0] - 2 * dscores[1]), once - 2 * gradients(dscores[1]))
    assert np.array_equal(gradients(dscores[0]), once)


# --- Types, and inputs that are not changed --------------------------------------------------


@pytest.mark.parametrize("loss", LOSSES, ids=describe)
@pytest.mark.parametrize("network", NETWORKS, ids=describe)
def test_float32_is_kept(network, loss):
    network = replace(network, dropout=0.2)
    batch = random_samples(network, loss, dtype=np.float32).take(slice(None))
    params = random_params(network.shapes, dtype=np.float32)
    assert batch.x.dtype == batch.weight.dtype == np.float32

    scores, back = network.run(params, batch.x, batch.packing, RandomState(0))
    value, dscores = LOSSES[loss](scores, batch.y, batch.weight)
    g = params.like()
    dx = back(dscores, g, want_dx=True)
    assert {a.dtype for a in (scores, value, dscores, dx, g.flat)} == {np.dtype(np.float32)}

    exact = random_params(network.shapes)
    exact.flat[:] = params.flat
    objective = make_objective(network, exact, LOSSES[loss], rng=RandomState(0))
    assert_close(g.flat, objective(exact.flat, batch)[1], tol=1e-5)


@pytest.mark.parametrize("loss", LOSSES, ids=describe)
@pytest.mark.parametrize("network", NETWORKS, ids=describe)
def test_inputs_are_not_changed(network, loss):
    network = replace(network, dropout=0.2)
    batch = random_samples(network, loss).take(slice(None))
    params = random_params(network.shapes)
    theta = params.flat.copy()
    for array in (batch.x, batch.y, batch.weight):
        array.flags.writeable = False  # a write would raise
    scores, back = network.run(params, batch.x, batch.packing, RandomState(0))
    scores.flags.writeable = False
    _, dscores = LOSSES[loss](scores, batch.y, batch.weight)
    dscores.flags.writeable = False
    back(dscores, params.like(), want_dx=True)
    assert np.array_equal(params.flat, theta)


@pytest.mark.parametrize("bptt_steps", [None, 2])
@pytest.mark.parametrize("dropout", [0.0, 0.3])
@pytest.mark.parametrize("network", NETWORKS, ids=describe)
def test_sparse_input_equals_dense(network, dropout, bptt_steps):
    truncation = {"bptt_steps": bptt_steps} if isinstance(network, RNN) else {}
    network = replace(network, dropout=dropout, **truncation)
    samples = random_samples(network, CROSS_ENTROPY)
    samples.x[::2, 0] = 0
    layouts = [replace(samples, x=layout(samples.x)) for layout in (csr_array, csr_matrix)]
    for index in (slice(None), np.array([3, 0, 4, 1])):
        for take in (type(samples).take, partial(type(samples).share, n_parts=2)):
            expected = value_and_gradient(network, take(samples, index), rng=RandomState(0))
            for sparse in layouts:
                given = value_and_gradient(network, take(sparse, index), rng=RandomState(0))
                for of_sparse, of_dense in zip(given, expected, strict=True):
                    assert_close(of_sparse, of_dense)


@pytest.mark.parametrize("network", NETWORKS, ids=describe)
def test_sparse_input_keeps_float32(network):
    batch = random_samples(network, CROSS_ENTROPY, dtype=np.float32).take(slice(None))
    params = random_params(network.shapes, dtype=np.float32)
    scores, back = network.run(params, csr_array(batch.x), batch.packing)
    dx = back(scores, params.like(), want_dx=True)
    assert scores.dtype == dx.dtype == np.float32
    expected, back = network.run(params, batch.x, batch.packing)
    assert_close(scores, expected, tol=1e-5)
    assert_close(dx, back(expected, params.like(), want_dx=True), tol=1e-4)


# --- Sequences without steps -----------------------------------------------------------------

POOLED = [network for network in RECURRENT if network.pooling is not None]


@pytest.mark.parametrize("layout", [np.asarray, csr_array])
@pytest.mark.parametrize("lengths", [[0], [0, 0, 0], [0, 2, 0, 0, 1], [2, 0], [0, 3]], ids=str)
@pytest.mark.parametrize("network", POOLED, ids=describe)
def test_the_pooled_state_of_an_empty_sequence_is_zero(network, lengths, layout):
    samples = random_samples(network, CROSS_ENTROPY, lengths)
    batch = replace(samples, x=layout(samples.x)).take(slice(None))
    params = random_params(network.shapes)
    pooled, _ = network.encode(params, batch.x, batch.packing)
    assert pooled.shape == (len(lengths), len(params["output"]["W"]))
    assert np.array_equal(pooled.any(axis=1), np.array(lengths) > 0)


@pytest.mark.parametrize("lengths", [[0], [0, 2, 0, 1]], ids=str)
@pytest.mark.parametrize("network", [n for n in WITH_STATIC if n.poolings], ids=describe)
def test_the_pooled_state_of_an_empty_sequence_is_the_initial_one(network, lengths):
    samples, params = random_samples(network, CROSS_ENTROPY, lengths), random_params(network.shapes)
    batch = samples.take(slice(None))
    pooled, _ = network.encode(params, batch.x, batch.packing)
    is_empty = samples.lengths == 0
    initial = [samples.static @ params[name]["W"][0] for name in network.initial[-1]]
    if network.static_at_steps:
        initial = [np.zeros((len(lengths), 2 * len(network.layers[-1])))]
    expected = np.tile(np.hstack(initial), len(network.poolings))
    assert_close(pooled[is_empty], expected[is_empty])
    scores, _ = network.run(params, batch.x, batch.packing)
    of_output = np.hstack([expected, samples.static]) @ params["output"]["W"]
    assert_close(scores[is_empty], of_output[is_empty] + params["output"]["b"])


@pytest.mark.parametrize("network", WITH_STATIC, ids=describe)
def test_static_weights_of_zero_equal_no_static_features(network):
    without = replace(network, n_static=0, static_at_steps=False)
    samples, params = random_samples(network, CROSS_ENTROPY), random_params(network.shapes)
    for names in network.initial:
        for name in names:
            params[name]["W"][...] = 0
    params["output"]["W"][-network.n_static :] = 0
    weights = {name: dict(p) for name, p in params.items() if not name.startswith("initial")}
    if network.static_at_steps:
        for name in network.layers[0]:
            params[name]["W"][:, -network.n_static :] = 0
            weights[name]["W"] = params[name]["W"][:, : -network.n_static]
    batch = samples.take(slice(None))
    scores, back = network.run(params, batch.x, batch.packing)
    weights["output"]["W"] = params["output"]["W"][: -network.n_static]
    expected, back_without = without.run(weights, batch.x, Packing(samples.lengths))
    assert_close(scores, expected)
    dx = back(scores, params.like(), want_dx=True)
    assert_close(dx, back_without(scores, Params(without.shapes), want_dx=True))


@pytest.mark.parametrize("network", WITH_STATIC, ids=describe)
def test_every_output_depends_on_the_static_features(network):
    samples, params = random_samples(network, CROSS_ENTROPY), random_params(network.shapes)
    other = replace(samples, static=samples.static + 1)
    outputs = [
        network.run(params, batch.x, batch.packing)[0]
        for batch in (samples.take(slice(None)), other.take(slice(None)))
    ]
    assert np.all(outputs[0] != outputs[1])


@pytest.mark.parametrize("lengths", [[0], [0, 0, 0]], ids=str)
@pytest.mark.parametrize("network", POOLED, ids=describe)
def test_a_batch_of_empty_sequences_trains_the_output_bias_only(network, lengths):
    network = replace(network, bptt_steps=2)
    samples, params = random_samples(network, CROSS_ENTROPY, lengths), random_params(network.shapes)
    for batch in (samples.take(slice(None)), gather(samples, slice(None), network)):
        value, gradient = value_and_gradient(network, batch)
        assert value > 0
        g = params.like()
        g.flat[:] = gradient
        assert g["output"]["b"].all()
        g["output"]["b"][:] = 0
        assert not g.flat.any()


@pytest.mark.parametrize("network", [n for n in RECURRENT if n.pooling is None], ids=describe)
def test_empty_sequences_contribute_nothing_to_the_loss_of_steps(network):
    samples = random_samples(network, CROSS_ENTROPY, LENGTHS)
    without = replace(samples, lengths=samples.lengths[samples.lengths > 0])
    for of_all, of_nonempty in zip(
        value_and_gradient(network, samples.take(slice(None)), alpha=0.5),
        value_and_gradient(network, without.take(slice(None)), alpha=0.5),
        strict=True,
    ):
        assert_close(of_all, of_nonempty)
    params = random_params(network.shapes)
    scores, _ = network.run(params, samples.x[:0], Packing([0, 0]))
    assert scores.shape == (0, N_OUTPUTS)


@pytest.mark.parametrize("network", NETWORKS, ids=describe)
def test_dropout_needs_a_generator(network):
    batch = random_samples(network, CROSS_ENTROPY).take(slice(None))
    params, dropped = random_params(network.shapes), replace(network, dropout=0.5)
    expected, _ = network.run(params, batch.x, batch.packing)
    for rng, run in [(None, dropped), (RandomState(0), network)]:
        assert np.array_equal(run.run(params, batch.x, batch.packing, rng)[0], expected)
    scores, _ = dropped.run(params, batch.x, batch.packing, RandomState(0))
    assert not np.allclose(scores, expected)


@pytest.mark.parametrize("n_parts", [2, 3])
@pytest.mark.parametrize("network", NETWORKS, ids=describe)
def test_parts_add_up_to_the_whole(network, n_parts):
    samples = random_samples(network, CROSS_ENTROPY)
    index = np.array([3, 0, 4, 1])
    value, gradient = value_and_gradient(network, samples.take(index), alpha=0.5)
    shared = samples.share(index, n_parts)
    in_parts, of_parts = value_and_gradient(network, shared, alpha=0.5)
    assert len(shared.parts) == n_parts
    assert_close(shared.total, samples.take(index).total)
    assert_close(in_parts, value)
    assert_close(of_parts, gradient)
