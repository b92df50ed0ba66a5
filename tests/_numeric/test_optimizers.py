"""Properties of single steps. Trajectories are compared with other libraries in test_oracles."""

import pickle

import numpy as np
import pytest

from skrnn._numeric import optimizers as module
from skrnn._numeric.optimizers import AdamUpdate, ChunkedUpdate, SGDUpdate, chunked
from skrnn._training.threads import thread_map

OPTIMIZERS = [SGDUpdate(0.0, False), SGDUpdate(0.9, False), SGDUpdate(0.9, True), AdamUpdate()]
optimizers = pytest.mark.parametrize("optimizer", OPTIMIZERS, ids=repr)


def walk(optimizer, theta, state, n_steps, rate=0.1):
    for _ in range(n_steps):
        optimizer.step(theta, 2 * theta, rate, state)  # the gradient of theta**2
    return theta


@optimizers
def test_steps_down_and_in_place(optimizer):
    theta = np.array([1.0, -2.0])
    start, gradient = theta.copy(), 2 * theta
    optimizer.step(theta, gradient, 0.1, optimizer.start(theta))
    assert np.all(np.abs(theta) < np.abs(start))
    assert np.array_equal(gradient, 2 * start)


@optimizers
def test_finds_the_minimum(optimizer):
    theta = np.array([1.0, -2.0])
    assert np.abs(walk(optimizer, theta, optimizer.start(theta), 1000)).max() < 1e-6


@optimizers
def test_a_pickled_state_continues_the_run(optimizer):
    theta = np.array([1.0, -2.0])
    expected = walk(optimizer, theta.copy(), optimizer.start(theta), 7)
    state = optimizer.start(theta)
    walk(optimizer, theta, state, 4)
    assert np.array_equal(walk(optimizer, theta, pickle.loads(pickle.dumps(state)), 3), expected)


@optimizers
def test_runs_do_not_share_state(optimizer):
    first, second = optimizer.start(np.ones(2)), optimizer.start(np.ones(2))
    walk(optimizer, np.ones(2), first, 3)
    fresh = optimizer.start(np.ones(2))
    assert all(np.array_equal(second[name], fresh[name]) for name in fresh)


@optimizers
def test_float32_is_kept(optimizer):
    theta = np.ones(2, np.float32)
    state = optimizer.start(theta)
    walk(optimizer, theta, state, 3)
    arrays = [theta, *(value for value in state.values() if isinstance(value, np.ndarray))]
    assert {array.dtype for array in arrays} == {np.dtype(np.float32)}


@pytest.mark.parametrize(
    ("optimizer", "expected"),
    [  # positions after two steps of rate 1 along a gradient of 1
        (SGDUpdate(0.0, False), [-1, -2]),
        (SGDUpdate(0.0, True), [-1, -2]),
        (SGDUpdate(0.5, False), [-1, -2.5]),
        (SGDUpdate(0.5, True), [-1.5, -3.25]),
        (AdamUpdate(epsilon=0), [-1, -2]),
        (AdamUpdate(epsilon=0, weight_decay=0.5), [-1, -1.5]),
    ],
    ids=repr,
)
def test_by_hand(optimizer, expected):
    theta, path = np.zeros(1), []
    state = optimizer.start(theta)
    for _ in expected:
        optimizer.step(theta, np.ones(1), 1.0, state)
        path.append(theta[0])
    np.testing.assert_allclose(path, expected, rtol=1e-12)


def test_adam_is_invariant_to_the_scale_of_gradients():
    steps = []
    for scale in (1e-3, 1, 1e3):
        theta, adam = np.zeros(2), AdamUpdate(epsilon=0)
        adam.step(theta, scale * np.array([1.0, -3.0]), 0.1, adam.start(theta))
        steps.append(theta)
    np.testing.assert_allclose(steps, [[-0.1, 0.1]] * 3)


@pytest.mark.parametrize(("beta_1", "beta_2"), [(0.0, 0.0), (0.25, 0.375), (0.9, 0.999)])
def test_adam_by_the_formulas_of_the_paper(beta_1, beta_2):
    rng = np.random.RandomState(0)
    theta, m, v = rng.normal(size=3), np.zeros(3), np.zeros(3)
    adam, expected = AdamUpdate(beta_1, beta_2, epsilon=0), theta.copy()
    state = adam.start(theta)
    for t in range(1, 5):
        g = rng.normal(size=3)
        m, v = beta_1 * m + (1 - beta_1) * g, beta_2 * v + (1 - beta_2) * g**2
        expected -= 0.1 * m / (1 - beta_1**t) / np.sqrt(v / (1 - beta_2**t))
        adam.step(theta, g, 0.1, state)
        np.testing.assert_allclose(theta, expected, rtol=1e-12)


@pytest.mark.parametrize("n_threads", [1, 2])
@pytest.mark.parametrize(
    "n", [module._TWO_THREADS_FROM // 8 - 1, module._TWO_THREADS_FROM // 8 + 5]
)
@pytest.mark.parametrize("optimizer", [*OPTIMIZERS, AdamUpdate(weight_decay=0.1)], ids=repr)
def test_chunks_give_the_same_bits(optimizer, n, n_threads):
    rng = np.random.default_rng(0)
    expected, gradients = rng.normal(size=n), rng.normal(size=(3, n))
    theta, state = expected.copy(), optimizer.start(expected)
    with thread_map(n_threads) as mapped:
        in_chunks = chunked(optimizer, n, mapped)
        state_of_chunks = in_chunks.start(theta)
        for gradient in gradients:
            optimizer.step(expected, gradient, 0.1, state)
            in_chunks.step(theta, gradient, 0.1, state_of_chunks)
    assert np.array_equal(theta, expected)
    assert state_of_chunks.keys() == state.keys()
    assert all(np.array_equal(state_of_chunks[name], state[name]) for name in state)


def test_only_long_vectors_are_divided():
    rule = AdamUpdate()
    assert chunked(rule, module._IN_CHUNKS_FROM - 1) is rule
    assert chunked(rule, module._IN_CHUNKS_FROM) == ChunkedUpdate(rule)


@pytest.mark.parametrize(("n", "dtype"), [(2**18, np.float64), (2**19, np.float32)])
def test_very_long_vectors_are_updated_in_two_threads(n, dtype):
    parts = []

    def mapped(update, halves):
        parts.append([len(half) for half in halves])
        return map(update, halves)

    update, n_chunks = ChunkedUpdate(SGDUpdate(), mapped), n // module._CHUNK
    for size in (n - 1, n):
        theta = np.zeros(size, dtype)
        update.step(theta, np.ones(size, dtype), 0.1, update.start(theta))
        assert np.all(theta == theta[0])
    assert parts == [[n_chunks], [n_chunks // 2, n_chunks // 2]]
