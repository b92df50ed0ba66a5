"""Conditional random fields against an enumeration of all paths."""

from itertools import pairwise, product

import numpy as np
import pytest
from numeric_helpers import assert_close, complex_step, random_params
from numpy.random import RandomState

from skrnn._numeric import crf as fields
from skrnn._numeric.activations import softmax
from skrnn._numeric.crf import (
    Chain,
    best_paths,
    crf,
    filter_labels,
    forbid,
    log_partition,
    marginals,
    score_transitions,
    smooth_labels,
    viterbi,
)
from skrnn._numeric.losses import softmax_cross_entropy
from skrnn._numeric.networks import RNN
from skrnn._numeric.packing import Packing
from skrnn._numeric.params import Params
from skrnn._numeric.training import Ragged, make_objective

K = 3
LENGTHS = [3, 0, 1, 4, 3, 2, 1]
SHAPES = {"transitions": {"W": (K, K), "start": (K,), "end": (K,)}}
ALLOWED = np.array([[1, 1, 0, 1], [0, 1, 1, 1], [1, 0, 1, 0], [1, 0, 1, 1]], bool)

TRIANGLE = np.vstack([np.triu(np.ones((3, 4), bool)), np.ones(4, bool)])


def make_chain(lengths=LENGTHS, scale=1.0, allowed=None, dtype=np.float64, seed=0):
    rng, params = RandomState(seed), Params(SHAPES, dtype)
    params.flat[:] = rng.normal(scale=scale, size=params.flat.size)
    emissions = rng.normal(scale=scale, size=(sum(lengths), K)).astype(dtype)
    return Chain(emissions, forbid(params["transitions"], allowed), Packing(lengths))


def split(rows, lengths):
    return np.split(rows, np.cumsum(lengths)[:-1])


def score_of(path, emissions, transitions):
    """Add up the scores of a path, as in the definition."""
    if not path:
        return 0.0
    score = transitions["start"][path[0]] + transitions["end"][path[-1]]
    score += sum(emissions[t, label] for t, label in enumerate(path))
    return score + sum(transitions["W"][i, j] for i, j in pairwise(path))


def all_paths(chain):
    """Scores of all paths of each sequence: a dictionary from paths."""
    return [
        {
            path: score_of(path, emissions, chain.transitions)
            for path in product(range(K), repeat=len(emissions))
        }
        for emissions in split(chain.emissions, chain.packing.lengths)
    ]


def log_sum(scores):
    return np.logaddexp.reduce(np.array(list(scores), float))


def log_likelihood(paths, labels, is_free):
    """Sum over the paths with the given labels, by enumeration."""
    agree = [
        score
        for path, score in paths.items()
        if all(f or a == b for a, b, f in zip(path, labels, is_free, strict=True))
    ]
    return log_sum(agree) - log_sum(paths.values())


def labels_and_weight(lengths=LENGTHS, seed=1, unlabelled=()):
    rng = RandomState(seed)
    weight = rng.uniform(0.5, 2, sum(lengths))
    weight[list(unlabelled)] = 0
    return rng.randint(K, size=sum(lengths)), weight


VARIANTS = {
    "labelled": {},
    "unlabelled steps": {"unlabelled": (0, 2, 3, 5)},
    "unlabelled sequences": {"unlabelled": (0, 1, 2, 3, 8)},
}
variants = pytest.mark.parametrize("variant", VARIANTS.values(), ids=VARIANTS)
scales = pytest.mark.parametrize("scale", [1.0, 30.0, 900.0])
allowed_tables = pytest.mark.parametrize("allowed", [None, ALLOWED], ids=["free", "forbidden"])


def allowed_labels(lengths, seed=2):
    """Draw labels along allowed transitions."""
    chain = make_chain(lengths, allowed=ALLOWED, seed=seed)
    return viterbi(chain)[0]


@variants
@scales
def test_value_by_enumeration(variant, scale):
    chain = make_chain(scale=scale)
    y, weight = labels_and_weight(**variant)
    expected = 0.0
    paths = all_paths(chain)
    for of_one, labels, w in zip(paths, split(y, LENGTHS), split(weight, LENGTHS), strict=True):
        if (w > 0).any():
            expected -= w[w > 0].mean() * log_likelihood(of_one, labels, w == 0)
    assert_close(crf(chain, y, weight)[0], expected, tol=1e-12)


@variants
@scales
@allowed_tables
def test_gradient_by_complex_step(variant, scale, allowed):
    chain = make_chain(scale=scale, allowed=allowed)
    y, weight = labels_and_weight(**variant)
    if allowed is not None:
        y = allowed_labels(LENGTHS)
    value, gradient = crf(chain, y, weight)
    assert np.isfinite(value)

    def of_emissions(emissions):
        return crf(chain._replace(emissions=emissions), y, weight)[0]

    assert_close(gradient.emissions, complex_step(of_emissions, chain.emissions))
    for name, array in chain.transitions.items():
        changed = np.where(np.isfinite(array), array, 0.0)

        def of_transitions(p, name=name, array=array):
            p = np.where(np.isfinite(array), p, -np.inf)
            transitions = {**chain.transitions, name: p}
            return crf(chain._replace(transitions=transitions), y, weight)[0]

        assert_close(gradient.transitions[name], complex_step(of_transitions, changed))
        assert not gradient.transitions[name][np.isinf(array)].any()


@scales
@allowed_tables
def test_marginals_by_enumeration(scale, allowed):
    chain = make_chain(scale=scale, allowed=allowed)
    expected = []
    for of_one, n_steps in zip(all_paths(chain), LENGTHS, strict=True):
        p = np.zeros((n_steps, K))
        total = log_sum(of_one.values())
        for path, score in of_one.items():
            p[np.arange(n_steps), list(path)] += np.exp(score - total)
        expected.append(p)
    assert_close(marginals(chain), np.concatenate(expected), tol=1e-10)
    assert_close(log_partition(chain), [log_sum(p.values()) for p in all_paths(chain)], tol=1e-12)


@scales
@allowed_tables
def test_best_paths_by_enumeration(scale, allowed):
    chain = make_chain(scale=scale, allowed=allowed)
    n_paths = 5
    labels, log_p = best_paths(chain, n_paths)
    best, is_allowed = viterbi(chain)
    assert is_allowed.all()
    for i, (of_one, rows, one) in enumerate(
        zip(all_paths(chain), split(labels, LENGTHS), split(best, LENGTHS), strict=True)
    ):
        ranked = sorted((s, path) for path, s in of_one.items() if s > -np.inf)[::-1][:n_paths]
        total = log_sum(of_one.values())
        expected = [s - total for s, _ in ranked]
        assert_close(log_p[i, : len(ranked)], expected, tol=1e-10)
        assert (log_p[i, len(ranked) :] == -np.inf).all()
        assert [tuple(path) for path in rows.T[: len(ranked)]] == [path for _, path in ranked]
        assert tuple(one) == ranked[0][1]


def test_forbidden_paths_have_probability_0():
    chain = make_chain(allowed=ALLOWED)
    chain.emissions[:, 2] += 50  # label 2 may not end a sequence
    p, last = marginals(chain), np.cumsum(LENGTHS)[np.array(LENGTHS) > 0] - 1
    assert (p[last, 2] == 0).all()
    assert (viterbi(chain)[0][last] != 2).all()
    y = np.full(sum(LENGTHS), 2)
    assert crf(chain, y, np.ones(len(y)))[0] == np.inf


def test_no_allowed_path_has_no_nan():
    allowed = np.zeros((K + 1, K + 1), bool)
    allowed[3, 0] = allowed[0, 1] = allowed[1, 3] = True  # 0, 1 is the only path
    chain = make_chain([2, 1, 3], allowed=allowed)
    labels, is_allowed = viterbi(chain)
    assert is_allowed.tolist() == [True, False, False]
    assert labels[:2].tolist() == [0, 1]
    assert_close(marginals(chain), np.vstack([np.eye(K)[:2], np.zeros((4, K))]))
    log_p = best_paths(make_chain([2], allowed=allowed), 3)[1]
    assert_close(np.exp(log_p), [[1, 0, 0]])


@pytest.mark.parametrize("allowed", [None, ALLOWED, TRIANGLE], ids=["free", "cycle", "triangle"])
def test_steps_that_underflow_are_exact(allowed):
    """Labels that are impossible at one step may be needed at the next."""
    lengths = [6, 4]
    chain = make_chain(lengths, allowed=allowed)
    chain.emissions[1::2, 0] += 2000
    chain.emissions[2::2, 1:] += [3000, 5000]
    y = allowed_labels(lengths) if allowed is ALLOWED else viterbi(chain)[0]
    expected = -sum(
        score_of(tuple(labels), emissions, chain.transitions) - log_sum(paths.values())
        for paths, labels, emissions in zip(
            all_paths(chain), split(y, lengths), split(chain.emissions, lengths), strict=True
        )
    )
    weight = np.ones(10)
    value, gradient = crf(chain, y, weight)
    assert_close(value, expected, tol=1e-10)  # a difference of scores of 1e4

    def of_emissions(emissions):
        return crf(chain._replace(emissions=emissions), y, weight)[0]

    assert_close(gradient.emissions, complex_step(of_emissions, chain.emissions))


def test_ties_take_the_first_label():
    zero = {"W": np.zeros((K, K)), "start": np.zeros(K), "end": np.zeros(K)}
    chain = Chain(np.zeros((3, K)), zero, Packing([2, 1]))
    assert viterbi(chain)[0].tolist() == [0, 0, 0]
    labels, log_p = best_paths(chain, 3)
    assert labels.T.tolist() == [[0, 0, 0], [1, 0, 1], [2, 0, 2]]
    assert_close(np.exp(log_p), [[1 / 9] * 3, [1 / 3] * 3])


def test_large_blocks_of_viterbi_are_split(monkeypatch):
    chain = make_chain(RandomState(0).randint(0, 9, 40))
    expected = viterbi(chain)[0]
    monkeypatch.setattr(fields, "_BLOCK", 8)
    assert viterbi(chain)[0].tolist() == expected.tolist()


def test_sequences_do_not_affect_each_other():
    chain, (y, weight) = make_chain(), labels_and_weight(unlabelled=(1, 7))
    value, gradient = crf(chain, y, weight)
    alone = [
        crf(Chain(emissions, chain.transitions, Packing([len(emissions)])), labels, w)
        for emissions, labels, w in zip(
            *(split(rows, LENGTHS) for rows in (chain.emissions, y, weight)), strict=True
        )
    ]
    assert_close(sum(v for v, _ in alone), value)
    assert_close(np.concatenate([g.emissions for _, g in alone]), gradient.emissions)
    for name, array in gradient.transitions.items():
        assert_close(sum(g.transitions[name] for _, g in alone), array)


def test_without_transitions_it_is_the_softmax():
    chain = make_chain()._replace(transitions=Params(SHAPES)["transitions"])
    y, weight = labels_and_weight()[0], np.ones(sum(LENGTHS))
    value, gradient = softmax_cross_entropy(chain.emissions, y, weight)
    assert_close(crf(chain, y, weight)[0], value)
    assert_close(crf(chain, y, weight)[1].emissions, gradient)
    assert_close(marginals(chain), softmax(chain.emissions))


def test_no_steps():
    chain = make_chain([0, 0])
    value, gradient = crf(chain, np.empty(0, int), np.empty(0))
    assert value == 0
    assert gradient.emissions.shape == marginals(chain).shape == (0, K)
    assert not gradient.transitions["W"].any()
    assert viterbi(chain)[0].shape == (0,)
    labels, log_p = best_paths(chain, 2)
    assert labels.shape == (0, 2)
    assert log_p.tolist() == [[0, -np.inf]] * 2


def test_weights_of_zero():
    chain = make_chain()
    y, _ = labels_and_weight()
    value, gradient = crf(chain, y, np.zeros(len(y)))
    assert value == 0
    assert not gradient.emissions.any()


@pytest.mark.parametrize("scale", [1.0, 200.0])
def test_float32(scale):
    lengths = [300, 7]
    chain = make_chain(lengths, scale, dtype=np.float32)
    wide = make_chain(lengths, scale)
    y, weight = labels_and_weight(lengths)
    value, gradient = crf(chain, y, weight.astype(np.float32))
    expected, exact = crf(wide, y, weight)
    assert gradient.emissions.dtype == marginals(chain).dtype == np.float32
    assert_close(value, expected, tol=1e-6)
    assert_close(gradient.emissions, exact.emissions, tol=1e-3)
    assert_close(marginals(chain).sum(axis=1), np.ones(307), tol=1e-6)


def test_layer_passes_the_gradient_apart():
    params = Params(SHAPES)
    params.flat[:] = RandomState(0).normal(size=params.flat.size)
    emissions = RandomState(1).normal(size=(sum(LENGTHS), K))
    chain, back = score_transitions()(params["transitions"], emissions, Packing(LENGTHS))
    y, weight = labels_and_weight()
    gradient = crf(chain, y, weight)[1]
    grad = params.like()
    assert back(gradient, grad["transitions"]) is gradient.emissions
    for name, array in gradient.transitions.items():
        assert_close(grad["transitions"][name], array)


def test_filtered_labels_are_marginals_of_the_steps_so_far():
    chain = make_chain([4])
    transitions = {**chain.transitions, "end": np.zeros(K)}
    before = None
    for t in range(4):
        before = filter_labels(transitions, chain.emissions[t : t + 1], before)
        so_far = Chain(chain.emissions[: t + 1], transitions, Packing([t + 1]))
        assert_close(np.exp(before), marginals(so_far)[-1:])


@pytest.mark.parametrize("allowed", [None, ALLOWED])
def test_smoothed_labels_are_marginals_of_all_steps(allowed):
    chain = make_chain([4], scale=3.0, allowed=allowed)
    transitions, before, filtered = {**chain.transitions, "end": np.zeros(K)}, None, []
    for t in range(4):
        before = filter_labels(transitions, chain.emissions[t : t + 1], before)
        filtered.append(np.exp(before))
    smoothed = smooth_labels(transitions, np.array(filtered))
    assert_close(smoothed[:, 0], marginals(chain._replace(transitions=transitions)))
    assert_close(filtered[0], np.exp(filter_labels(transitions, chain.emissions[:1], None)))


def test_smoothed_labels_are_not_nan_where_a_label_cannot_follow():
    never = {"W": np.array([[0.0, -np.inf], [0.0, -np.inf]])}
    filtered = np.array([[[0.25, 0.75]], [[1.0, 0.0]]])
    assert_close(smooth_labels(never, filtered), filtered)


NETWORKS = {
    "recurrent": {"hidden_layer_sizes": (2,)},
    "linear": {"hidden_layer_sizes": ()},
    "linear with static features": {"hidden_layer_sizes": (), "n_static": 2},
    "linear with an embedding": {"hidden_layer_sizes": (), "embedding_size": 2},
    "forbidden": {"hidden_layer_sizes": (), "allowed": ALLOWED.tobytes()},
    "both directions": {"hidden_layer_sizes": (2,), "bidirectional": True, "n_static": 2},
}


@pytest.mark.parametrize("fields", NETWORKS.values(), ids=NETWORKS)
def test_gradient_of_a_network(fields):
    network = RNN(2, n_outputs=K, pooling=None, transitions=True, **fields)
    rng, params = RandomState(0), random_params(network.shapes)
    y, weight = labels_and_weight(unlabelled=(4, 8))
    if network.table is not None:
        y = allowed_labels(LENGTHS)
    static = rng.normal(size=(len(LENGTHS), 2)) if network.n_static else None
    x = rng.normal(size=(sum(LENGTHS), 2))
    batch = Ragged(x, y, weight, np.array(LENGTHS), True, static).take(slice(None))
    gradient = make_objective(network, params, crf, alpha=0.3)(params.flat, batch)[1]
    objective = make_objective(network, Params(network.shapes, complex), crf, alpha=0.3)
    assert_close(gradient, complex_step(lambda theta: objective(theta, batch)[0], params.flat))


@pytest.mark.parametrize("pooling", ["last", "mean", "max", "attention", ("max", "last")])
@pytest.mark.parametrize("n_static", [0, 2])
def test_gradient_of_pooled_steps(pooling, n_static):
    network = RNN(2, (), K, pooling=pooling, n_static=n_static)
    rng, params = RandomState(0), random_params(network.shapes)
    static = rng.normal(size=(len(LENGTHS), 2)) if n_static else None
    x, y = rng.normal(size=(sum(LENGTHS), 2)), rng.randint(K, size=len(LENGTHS))
    batch = Ragged(x, y, np.ones(len(y)), np.array(LENGTHS), False, static).take(slice(None))
    loss = softmax_cross_entropy
    gradient = make_objective(network, params, loss)(params.flat, batch)[1]
    objective = make_objective(network, Params(network.shapes, complex), loss)
    batch = batch._replace(x=batch.x.astype(complex))
    assert_close(gradient, complex_step(lambda theta: objective(theta, batch)[0], params.flat))
