import numpy as np
import pytest
from numpy.random import RandomState

from skrnn._numeric.decay import init_decay
from skrnn._numeric.initializers import INITIALIZERS, glorot_bound

SHAPES = [(6, 4), (4, 6), (5, 5), (3, 6, 4), (3, 4, 4), (2, 3, 4, 1)]
BOUNDS = {
    "glorot_uniform": lambda fan_in, fan_out: np.sqrt(6 / (fan_in + fan_out)),
    "he_uniform": lambda fan_in, fan_out: np.sqrt(6 / fan_in),
    "uniform": lambda fan_in, fan_out: 0.1,
    "zeros": lambda fan_in, fan_out: 0,
}
shapes = pytest.mark.parametrize("shape", SHAPES, ids=str)


def matrices(w):
    return w.reshape(-1, *w.shape[-2:])


@shapes
@pytest.mark.parametrize("name", INITIALIZERS)
def test_shape_and_seed(name, shape):
    draw = INITIALIZERS[name]
    w = draw(RandomState(0), shape)
    assert w.shape == shape
    assert w.dtype == np.float64
    assert np.array_equal(draw(RandomState(0), shape), w)
    assert name == "zeros" or not np.allclose(draw(RandomState(1), shape), w)


@pytest.mark.parametrize("shape", [s for s in SHAPES if len(s) > 2], ids=str)
@pytest.mark.parametrize("name", INITIALIZERS)
def test_each_gate_is_drawn_separately(name, shape):
    rng = RandomState(0)
    one_by_one = [INITIALIZERS[name](rng, shape[-2:]) for _ in range(int(np.prod(shape[:-2])))]
    gates = matrices(INITIALIZERS[name](RandomState(0), shape))
    assert np.array_equal(gates, one_by_one)
    assert name == "zeros" or not np.allclose(gates[0], gates[1])


@pytest.mark.parametrize("shape", [(50, 30), (30, 50), (3, 50, 30)], ids=str)
@pytest.mark.parametrize("name", BOUNDS)
def test_draws_fill_the_bounds(name, shape):
    w, bound = INITIALIZERS[name](RandomState(0), shape), BOUNDS[name](*shape[-2:])
    assert np.abs(w).max() <= bound
    for end in (-bound, bound):
        assert np.abs(w - end).min() <= 0.02 * bound
    assert abs(w.mean()) <= 0.1 * bound


@shapes
def test_orthogonal(shape):
    for w in matrices(INITIALIZERS["orthogonal"](RandomState(0), shape)):
        tall = w if w.shape[0] >= w.shape[1] else w.T
        np.testing.assert_allclose(tall.T @ tall, np.eye(tall.shape[1]), atol=1e-14)


def test_orthogonal_is_uniform_over_rotations():
    draws = INITIALIZERS["orthogonal"](RandomState(0), (2000, 2, 2))
    assert np.abs(draws.mean(axis=0)).max() < 0.06  # each entry has mean 0, deviation 0.7
    assert abs(np.mean(np.linalg.det(draws) > 0) - 0.5) < 0.05


@shapes
def test_svd_has_unit_norm(shape):
    for w in matrices(INITIALIZERS["svd"](RandomState(0), shape)):
        assert np.linalg.svd(w, compute_uv=False)[0] == pytest.approx(1, abs=1e-14)


def test_svd_draws_are_symmetric():
    w = INITIALIZERS["svd"](RandomState(0), (50, 30))
    assert w.max() == pytest.approx(-w.min(), rel=0.01)
    assert abs(w.mean()) <= 0.1 * w.max()


def test_glorot_bound():
    assert glorot_bound(2, 4) == 1
    assert isinstance(glorot_bound(2, 4), float)


def test_values_first_decay_with_their_time_and_states_with_the_mean_of_the_times():
    p = {"W_x": np.full(4, np.nan), "W_h": np.full((4, 3), np.nan)}
    init_decay(p)
    assert p["W_x"].tolist() == [0.01] * 4
    assert p["W_h"].tolist() == [[0.0025] * 3] * 4


def test_tables_are_complete():
    assert {*BOUNDS, "orthogonal", "svd"} == set(INITIALIZERS)
