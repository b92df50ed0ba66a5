from dataclasses import replace
from itertools import chain, combinations, islice

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numeric_helpers import assert_close, random_params, random_samples, split
from numpy.random import RandomState
from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression

from skrnn._numeric.losses import LOSSES, squared_error
from skrnn._numeric.networks import MLP, RNN
from skrnn._numeric.optimizers import SGDUpdate
from skrnn._numeric.params import Params
from skrnn._numeric.training import (
    Batch,
    Parts,
    Ragged,
    Rows,
    _spawn,
    clip,
    descend,
    epochs,
    gather,
    lbfgs,
    make_objective,
    n_parts,
)

# --- Samples -------------------------------------------------------------------------------

ROWS = Rows(np.arange(20.0).reshape(10, 2), np.arange(10), np.arange(1.0, 11))


def ragged(lengths, per_step=False):
    n = sum(lengths) if per_step else len(lengths)
    x = np.arange(2.0 * sum(lengths)).reshape(-1, 2)
    return Ragged(x, np.arange(n), np.arange(1.0, 1 + n), np.array(lengths), per_step)


@pytest.mark.parametrize("index", [slice(None), slice(3, 7), [2], [5, 0, 5]], ids=str)
def test_take_rows(index):
    batch = ROWS.take(index)
    assert np.array_equal(batch.x, ROWS.x[index])
    assert np.array_equal(batch.y, ROWS.y[index])
    assert batch.total == 5.5 * len(batch.y)  # the mean weight of all rows is 5.5
    assert_close(batch.weight * batch.total, ROWS.weight[index])
    assert batch.packing is None
    assert ROWS.n_samples == 10


@settings(deadline=None)
@given(st.lists(st.integers(1, 6), min_size=1, max_size=6), st.booleans(), st.data())
def test_take_sequences(lengths, per_step, data):
    samples = ragged(lengths, per_step)
    index = data.draw(st.lists(st.integers(0, len(lengths) - 1), min_size=1, max_size=8))
    batch = samples.take(index)

    of_targets = lengths if per_step else [1] * len(lengths)

    def gather(values, lengths=lengths):
        return np.concatenate([split(values, lengths)[i] for i in index])

    assert samples.n_samples == len(lengths)
    assert np.array_equal(batch.x[batch.packing.to_concatenated], gather(samples.x))
    assert np.array_equal(batch.y, gather(samples.y, of_targets))
    assert_close(batch.total, samples.weight.mean() * len(batch.y))
    assert_close(batch.weight * batch.total, gather(samples.weight, of_targets))


@pytest.mark.parametrize("per_step", [False, True])
def test_take_all_sequences(per_step):
    samples = ragged([2, 4, 1], per_step)
    whole, listed = samples.take(slice(None)), samples.take([0, 1, 2])
    for name in ("x", "y", "weight", "total"):
        assert np.array_equal(getattr(whole, name), getattr(listed, name))


@settings(deadline=None)
@given(st.lists(st.integers(1, 6), min_size=1, max_size=6), st.booleans(), st.data())
def test_subset(lengths, per_step, data):
    for samples in (ROWS, ragged(lengths, per_step)):
        index = np.array(data.draw(st.lists(st.integers(0, len(lengths) - 1), min_size=1)))
        again = data.draw(st.lists(st.integers(0, len(index) - 1), min_size=1))
        subset, expected = samples.subset(index).subset(again), samples.subset(index[again])
        for name in ("x", "y", "weight"):
            assert np.array_equal(getattr(subset, name), getattr(expected, name))
        assert subset.total(2) == expected.total(2)


@pytest.mark.parametrize("samples", [ROWS, ragged([2, 4, 1]), ragged([2, 4, 1], True)], ids=type)
def test_total_of_all_rows_is_the_sum_of_the_weights(samples):
    uneven = replace(samples, weight=samples.weight / 3)
    assert uneven.total(len(uneven.weight)) == uneven.weight.sum()
    assert uneven.take(slice(None)).weight.sum() == pytest.approx(1)


@pytest.mark.parametrize("samples", [ROWS, ragged([2, 4, 1]), ragged([2, 4, 1], True)], ids=type)
def test_weights_relative_to_a_unit(samples):
    samples = replace(samples, unit_weight=2.0)
    batch = samples.take([0, 2])
    assert batch.total == 2 * len(batch.y)
    assert_close(samples.subset([0, 2]).take(slice(None)).weight, batch.weight)


# --- Passes --------------------------------------------------------------------------------


def passes(n, samples=ROWS, batch_size=4, seed=0, **options):
    """Samples seen in each of n passes, batch by batch."""
    generator = epochs(samples, batch_size, RandomState(seed), **options)
    return [[batch.y.tolist() for batch in batches] for batches in islice(generator, n)]


@pytest.mark.parametrize("samples", [ROWS, ragged([2, 4, 1, 1, 3, 2, 2, 1, 5, 3])], ids=type)
@pytest.mark.parametrize("batch_size", [1, 3, 4, 5, 9, 10, 99])
def test_each_pass_sees_each_sample_once(samples, batch_size):
    for batches in passes(3, samples, batch_size):
        assert sorted(chain(*batches)) == list(range(10))
        *full, last = map(len, batches)
        assert all(n == batch_size for n in full)
        assert last == (10 % batch_size or batch_size)


def test_the_generator_determines_the_order():
    assert passes(3, seed=0) == passes(3, seed=0) != passes(3, seed=1)
    first, second = passes(2)
    assert first != second


def test_no_shuffling():
    assert passes(2, shuffle=False) == [[[0, 1, 2, 3], [4, 5, 6, 7], [8, 9]]] * 2


def test_a_single_batch_is_not_shuffled():
    assert passes(2, batch_size=10) == [[list(range(10))]] * 2


# --- Objective -----------------------------------------------------------------------------

NETWORK, LOSS = MLP((2, 3, 2)), ("log_loss", "softmax")


def test_only_weights_decay():
    params, batch = random_params(NETWORK.shapes), random_samples(NETWORK, LOSS).take(slice(None))
    value, gradient = make_objective(NETWORK, params, LOSSES[LOSS])(params.flat, batch)
    decay, expected = 0.6 / batch.total, gradient.copy()
    expected[: params.weights.size] += decay * params.weights
    decayed, gradient = make_objective(NETWORK, params, LOSSES[LOSS], alpha=0.6)(params.flat, batch)
    assert_close(gradient, expected)
    assert_close(decayed, value + decay / 2 * np.sum(params.weights**2))


def test_theta_may_be_another_vector():
    params, theta = Params(NETWORK.shapes), random_params(NETWORK.shapes).flat
    batch = random_samples(NETWORK, LOSS).take(slice(None))
    value, gradient = make_objective(NETWORK, params, LOSSES[LOSS])(theta, batch)
    assert np.array_equal(params.flat, theta)
    again, same = make_objective(NETWORK, params, LOSSES[LOSS])(params.flat, batch)
    assert value == again
    assert np.array_equal(gradient, same)


def all_batches(samples, batch_size):
    """Mean value and gradient over all batches of a size: their expectation if shuffled."""
    params, results = random_params(NETWORK.shapes), []
    objective = make_objective(NETWORK, params, LOSSES[LOSS])
    for index in combinations(range(samples.n_samples), batch_size):
        value, gradient = objective(params.flat, samples.take(list(index)))
        results.append(np.append(gradient, value))
    return np.mean(results, axis=0)


@pytest.mark.parametrize("batch_size", [1, 2, 3, 4])
@pytest.mark.parametrize("position", range(4))
def test_a_weight_equals_copies_in_expectation(batch_size, position):
    samples = random_samples(NETWORK, LOSS, [1] * 4)
    samples = replace(samples, weight=np.ones(4))
    index = np.append(np.arange(4), [position] * 2)
    tripled = replace(samples, weight=np.bincount(index).astype(float))
    expected = all_batches(samples.subset(index), batch_size)
    assert_close(all_batches(tripled, batch_size), expected)
    assert not np.allclose(all_batches(samples, batch_size), expected)


# --- Descent -------------------------------------------------------------------------------


def toward(theta, batch):
    """Half the squared distance to a target, and its gradient."""
    return 0.5 * np.sum((theta - batch.y) ** 2), theta - batch.y


def target(y, total=1.0):
    return Batch(np.zeros(1), np.array([y]), np.ones(1), total)


def walk(batches, n_epochs=1, rate=lambda: 0.5, max_norm=None, objective=toward):
    """Run gradient descent from 0; returns the loss of each epoch and theta after it."""
    theta, reports, optimizer = np.zeros(1), [], SGDUpdate(0.0, False)

    def on_epoch(loss):
        reports.append((loss, *theta))
        return len(reports) == n_epochs

    def forever():
        while True:
            yield iter(batches)

    state = optimizer.start(theta)
    descend(objective, theta, optimizer, state, forever(), rate, max_norm, on_epoch)
    return reports


def test_descend():
    assert walk([target(4.0)], n_epochs=3) == [(8, 2), (2, 3), (0.5, 3.5)]


def test_loss_is_the_mean_over_the_epoch():
    ((loss, _),) = walk([target(4.0, total=1), target(4.0, total=3)])
    assert loss == (8 * 1 + 2 * 3) / 4


def test_the_rate_is_computed_once_an_epoch():
    rates = iter([0.5, 0.25])
    reports = walk([target(4.0), target(4.0)], n_epochs=2, rate=lambda: next(rates))
    assert [theta for _, theta in reports] == [3, 3.4375]
    assert next(rates, "none left") == "none left"


def test_clipped():
    assert walk([target(4.0)], max_norm=0.5) == [(8, 0.25)]
    assert walk([target(-4.0)], max_norm=0.5) == [(8, -0.25)]


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_a_loss_that_is_not_finite_ends_the_epoch_without_a_step(bad):
    seen = []

    def objective(theta, batch):
        seen.append(batch.y[0])
        return (bad if batch.y[0] == 0 else toward(theta, batch)[0]), theta - batch.y

    ((loss, theta),) = walk([target(4.0), target(0.0), target(1.0)], objective=objective)
    assert not np.isfinite(loss)
    assert theta == 2  # only the step of the first batch
    assert seen == [4, 0]


@pytest.mark.parametrize(
    ("max_norm", "expected"),
    [(None, [3, -4]), (5, [3, -4]), (99, [3, -4]), (1, [0.6, -0.8]), (0.5, [0.3, -0.4])],
)
def test_clip(max_norm, expected):
    np.testing.assert_allclose(clip(np.array([3.0, -4.0]), max_norm), expected, rtol=1e-15)


def test_clipping_zeros_gives_zeros():
    assert not clip(np.zeros(3), 1.0).any()


# --- L-BFGS --------------------------------------------------------------------------------

C = 0.7  # scikit-learn's inverse of alpha


def logistic_regression(classes, end_epoch=lambda loss, theta: False, **options):
    """Fit a network without hidden layers; returns the data, the parameters and the result."""
    x, y = load_iris(return_X_y=True)
    x, y = x[np.isin(y, classes)], y[np.isin(y, classes)]
    weight = RandomState(0).uniform(0.5, 2, len(y))
    binary = len(classes) == 2
    targets = (y == classes[1])[:, None].astype(float) if binary else y
    network = MLP((4, 1 if binary else 3))
    params = Params(network.shapes)
    loss = LOSSES["log_loss", "logistic" if binary else "softmax"]
    objective = make_objective(network, params, loss, alpha=1 / C)
    batch = Rows(x, targets, weight).take(slice(None))
    options = {"max_iter": 500, "max_fun": 1000, "tol": 1e-9, **options}
    result = lbfgs(
        objective,
        params.flat,
        batch,
        on_epoch=lambda loss: end_epoch(loss, params.flat),
        **options,
    )
    return (x, y, weight), params, result


@pytest.mark.parametrize("classes", [[1, 2], [0, 1, 2]], ids=["binary", "multinomial"])
def test_lbfgs_agrees_with_logistic_regression(classes):
    losses = []
    (x, y, weight), params, result = logistic_regression(
        classes, end_epoch=lambda loss, theta: losses.append(loss)
    )
    expected = LogisticRegression(C=C, tol=1e-9, max_iter=1000).fit(x, y, weight)
    assert_close(params["dense_0"]["W"].T, expected.coef_, tol=1e-3)
    assert_close(params["dense_0"]["b"], expected.intercept_, tol=1e-3)
    assert np.array_equal(result.x, params.flat)
    assert len(losses) == result.nit
    assert np.all(np.diff(losses) <= 0)
    assert losses[-1] == result.fun


def test_on_epoch_stops_lbfgs():
    seen = []

    def end_epoch(loss, theta):
        seen.append(theta.copy())
        return len(seen) == 3

    _, params, result = logistic_regression([1, 2], end_epoch)
    assert len(seen) == result.nit == 3
    assert np.array_equal(params.flat, seen[-1])
    assert not np.array_equal(*seen[-2:])


@pytest.mark.parametrize(("limit", "count"), [({"max_iter": 2}, "nit"), ({"max_fun": 4}, "nfev")])
def test_lbfgs_respects_its_limits(limit, count):
    _, _, result = logistic_regression([1, 2], **limit)
    assert not result.success
    assert getattr(result, count) <= next(iter(limit.values())) + 1


@pytest.mark.parametrize(
    ("n_rows", "work", "n"),
    [
        (1, 2**40, 1),
        (2, 2**21, 2),
        (2, 2**21 - 1, 1),
        (10**6, 2**25, 4),
        (10**6, 2**25 - 1, 2),
        (255, 2**40, 2),
        (256, 2**40, 4),
        (10**6, 2**40, 16),
    ],
)
def test_the_number_of_parts(n_rows, work, n):
    assert n_parts(n_rows, work, Ragged.two_parts_from) == n


def test_the_work_of_a_batch():
    x = np.zeros((9, 5), np.float32)
    rows = Rows(x, np.zeros(9), np.ones(9))
    network = MLP((5, 7, 2))
    assert rows.work(slice(4), network) == (4, 4 * 5 * 7)
    assert replace(rows, x=x.astype(np.float64)).work(slice(4), network) == (4, 2 * 4 * 5 * 7)
    sequences = Ragged(x, np.zeros(4), np.ones(4), np.array([6, 3, 0, 0]), False)
    network = RNN(5, (3, 2), 1, cell="rnn")
    assert sequences.work(slice(2), network) == (2, 9 / 6 * 3**2)
    assert sequences.work([2, 3], network) == (2, 0)
    short = replace(sequences, x=x[:4], lengths=np.ones(4, int))
    assert short.work(slice(None), network) == (4, 4 * 3**2)


def test_parts_are_consecutive_rows():
    rows = Rows(np.arange(7.0)[:, None], np.arange(7.0), np.ones(7))
    parts = rows.share(slice(None), 3).parts
    assert [part.y.tolist() for part in parts] == [[0, 1], [2, 3], [4, 5, 6]]
    assert [part.x.ravel().tolist() for part in parts] == [[0, 1], [2, 3], [4, 5, 6]]


def test_each_part_has_a_generator_of_its_own_for_dropout():
    plain, dropped = MLP((5, 2)), MLP((5, 2), dropout=0.5)
    rng, after = RandomState(0), RandomState(0)
    assert _spawn(plain, rng, 2) == _spawn(dropped, None, 2) == [None, None]
    assert rng.randint(9**9) == after.randint(9**9)  # nothing was drawn
    seeds = after.randint(2**31 - 1, size=9)
    drawn = [each.randint(9**9) for each in _spawn(dropped, rng, 9)]
    assert drawn == [RandomState(seed).randint(9**9) for seed in seeds]
    after.randint(2**31 - 1, size=2)
    assert _spawn(RNN(5, (2,), 1), rng, 2) == [None, None]  # seeds were drawn all the same
    assert rng.randint(9**9) == after.randint(9**9)


def test_each_part_has_a_gradient_which_the_next_batch_overwrites(monkeypatch):
    made, like = [], Params.like
    monkeypatch.setattr(Params, "like", lambda params: made.append(1) or like(params))
    network, params = MLP((1, 1)), Params(MLP((1, 1)).shapes)
    objective = make_objective(network, params, squared_error)
    rows = Rows(np.ones((6, 1)), np.ones((6, 1)), np.ones(6))
    for n in (3, 2, 3):
        objective(params.flat, rows.share(slice(None), n))
        assert len(made) == 3


@pytest.mark.parametrize(("loss", "velocity"), [(np.inf, 0), (1.0, -1)])
def test_an_overflow_resets_the_state_of_the_optimizer(loss, velocity):
    losses, sgd, theta = iter([1.0, loss]), SGDUpdate(1.0, nesterov=False), np.zeros(1)
    state, batch = sgd.start(theta), Batch(None, None, None, 1.0)
    objective = lambda theta, batch: (next(losses), np.array([0.5]))  # noqa: E731
    passes = [[batch, batch]]
    descend(objective, theta, sgd, state, passes, lambda: 1.0, None, lambda loss: True)
    assert state["velocity"] == velocity


def test_few_features_of_many_rows_are_split(monkeypatch):
    monkeypatch.setattr("skrnn._numeric.pieces.SIZE", 6)
    monkeypatch.setattr("skrnn._numeric.training.SIZE", 6)
    network = RNN(2, (4,), 3, pooling=None)
    samples = random_samples(network, ("log_loss", "softmax"))
    assert isinstance(gather(samples, slice(None), network), Parts)
