"""Values of losses against formulas, and gradients of those of numbers."""

from functools import partial
from itertools import product

import numpy as np
import pytest
from numeric_helpers import LOSSES, assert_close, complex_step, describe
from numpy.random import RandomState
from scipy.optimize import approx_fprime, minimize
from scipy.special import expit, softmax
from scipy.stats import norm
from sklearn._loss.loss import (
    AbsoluteError,
    HalfGammaLoss,
    HalfPoissonLoss,
    HalfSquaredError,
    HuberLoss,
    PinballLoss,
)
from sklearn.metrics import log_loss, mean_squared_error

from skrnn._numeric.losses import MIN_STD, NUMBER_LOSSES, mean_std, ordered
from skrnn.losses import Gaussian, Huber, Quantile

N, K = 7, 3
RNG = RandomState(0)
SCORES, CLASSES = 2 * RNG.normal(size=(N, K)), RNG.permutation(np.arange(N) % K)
YES_NO, VALUES = RNG.randint(2, size=(N, K)), RNG.normal(size=(N, K))
WEIGHT = RNG.uniform(0.1, 2, N)
ONE_HOT = np.eye(K)[CLASSES]
POSITIVE = np.exp(VALUES)
TAUS = (0.1, 0.5, 0.75)

losses = pytest.mark.parametrize("key", LOSSES, ids=describe)


def half_squared_error(predictions, targets):
    # scikit-learn averages over the outputs. We sum, and so does its MLPRegressor for one output.
    error = mean_squared_error(targets, predictions, sample_weight=WEIGHT)
    return error * K / 2 * WEIGHT.sum()


def binary_log_loss(output):
    probabilities = expit(SCORES[:, output])
    return log_loss(YES_NO[:, output], probabilities, normalize=False, sample_weight=WEIGHT)


def of_sklearn(loss, y):
    """Sum a loss of scikit-learn over the outputs, with its value for a perfect prediction."""
    return sum(
        WEIGHT @ (loss.loss(t, s) + loss.constant_to_optimal_zero(t))
        for t, s in zip(y.T.copy(), SCORES.T.copy(), strict=True)
    )


def huber_of_sklearn(delta):
    loss = HuberLoss(quantile=0.5)
    loss.closs.delta = delta
    return loss


EXPECTED = {
    ("log_loss", "softmax"): lambda: log_loss(
        CLASSES, softmax(SCORES, axis=1), normalize=False, sample_weight=WEIGHT
    ),
    ("log_loss", "logistic"): lambda: sum(map(binary_log_loss, range(K))),
    ("squared_error", "softmax"): lambda: half_squared_error(softmax(SCORES, axis=1), ONE_HOT),
    ("squared_error", "logistic"): lambda: half_squared_error(expit(SCORES), YES_NO),
    ("squared_error", "identity"): lambda: half_squared_error(SCORES, VALUES),
    ("absolute_error", "identity"): lambda: of_sklearn(AbsoluteError(), VALUES),
    ("huber", "identity"): lambda: of_sklearn(huber_of_sklearn(0.4), VALUES),
    ("poisson", "exp"): lambda: of_sklearn(HalfPoissonLoss(), POSITIVE),
    ("gamma", "exp"): lambda: of_sklearn(HalfGammaLoss(), POSITIVE),
    ("quantile", "ordered"): lambda: of_sklearn(PinballLoss(quantile=0.9), VALUES),
}


def targets_of(key):
    targets = {"softmax": CLASSES, "logistic": YES_NO, "exp": POSITIVE}
    return targets.get(key[1], VALUES)


@losses
def test_value(key):
    value, dscores = LOSSES[key](SCORES, targets_of(key), WEIGHT)
    assert_close(value, EXPECTED[key]())
    assert np.ndim(value) == 0
    assert dscores.shape == SCORES.shape


@losses
def test_weights_multiply_the_rows(key):
    loss, y = LOSSES[key], targets_of(key)
    value, dscores = loss(SCORES, y, WEIGHT)
    alone = [loss(SCORES[[i]], y[[i]], WEIGHT[[i]]) for i in range(N)]
    assert_close(sum(v for v, _ in alone), value)
    assert_close(np.concatenate([d for _, d in alone]), dscores)
    nothing, none = loss(SCORES, y, np.zeros(N))
    assert nothing == 0
    assert not none.any()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("key", [key for key in LOSSES if key[1] != "exp"], ids=describe)
def test_extreme_scores(key, dtype):
    scores = np.array(list(product([-1e4, 0, 1e4], repeat=K)), dtype)
    n, weight = len(scores), np.ones(len(scores), dtype)
    for k in range(K):
        y = np.full(n, k) if key[1] == "softmax" else np.eye(K, dtype=dtype)[np.full(n, k)]
        value, dscores = LOSSES[key](scores, y, weight)
        assert np.isfinite(value)
        assert np.isfinite(dscores).all()
        assert np.abs(dscores).max() <= (1 if key[1] != "identity" else 10001)


@pytest.mark.parametrize(
    ("activation", "scores", "target", "expected", "gradient"),
    [
        ("softmax", [1e4, -1e4], 1, 2e4, [1, -1]),
        ("softmax", [1e4, -1e4], 0, 0, [0, 0]),
        ("softmax", [1e4, 1e4], 0, np.log(2), [-0.5, 0.5]),
        ("logistic", [1e4, -1e4], [0, 1], 2e4, [1, -1]),
        ("logistic", [1e4, -1e4], [1, 0], 0, [0, 0]),
        ("logistic", [-50], [0], np.exp(-50), [np.exp(-50)]),  # not rounded to zero
    ],
)
def test_log_loss_where_probabilities_round_to_zero(activation, scores, target, expected, gradient):
    value, dscores = LOSSES["log_loss", activation](
        np.array([scores], float), np.array([target]), np.ones(1)
    )
    np.testing.assert_allclose(value, expected, rtol=1e-12)
    np.testing.assert_allclose(dscores, [gradient], rtol=1e-12, atol=1e-16)


# Losses of numbers ---------------------------------------------------------------------------

PER_TARGET = {
    **NUMBER_LOSSES,
    "huber": Huber(0.4)._loss(),
    "median": Quantile(0.5)._loss(),
    "quantiles": Quantile(TAUS)._loss(),
    "gaussian": Gaussian()._loss(),
}
numbers = pytest.mark.parametrize("name", PER_TARGET)


def raw_and_targets(name, n_targets=2, n_rows=N):
    rng, loss = RandomState(1), PER_TARGET[name]
    raw = rng.normal(size=(n_rows, n_targets * loss.n_columns))
    y = rng.normal(size=(n_rows, n_targets))
    return loss, raw, np.exp(y) if loss.domain else y


@numbers
@pytest.mark.parametrize("n_targets", [1, 2])
def test_gradient_by_complex_step(name, n_targets):
    loss, raw, y = raw_and_targets(name, n_targets)
    _, gradient = loss.function(raw, y, WEIGHT)
    assert_close(gradient, complex_step(lambda s: loss.function(s, y, WEIGHT)[0], raw))


@numbers
def test_gradient_by_finite_differences(name):
    loss, raw, y = raw_and_targets(name)

    def value(flat):
        return loss.function(flat.reshape(raw.shape), y, WEIGHT)[0]

    expected = approx_fprime(raw.ravel(), value, 1e-7).reshape(raw.shape)
    assert_close(loss.function(raw, y, WEIGHT)[1], expected, tol=1e-5)


@pytest.mark.parametrize(
    ("name", "loss", "y"),
    [
        ("squared_error", HalfSquaredError(), VALUES),
        ("absolute_error", AbsoluteError(), VALUES),
        ("huber", huber_of_sklearn(0.4), VALUES),
        ("median", PinballLoss(quantile=0.5), VALUES),
        ("poisson", HalfPoissonLoss(), POSITIVE),
        ("poisson", HalfPoissonLoss(), YES_NO.astype(float)),
        ("gamma", HalfGammaLoss(), POSITIVE),
    ],
)
def test_value_and_gradient_of_scikit_learn(name, loss, y):
    y, raw = y[:, 0].copy(), SCORES[:, 0].copy()
    value, gradient = PER_TARGET[name].function(raw[:, None], y[:, None], WEIGHT)
    expected, slope = loss.loss_gradient(y, raw)
    assert_close(value, WEIGHT @ (expected + loss.constant_to_optimal_zero(y)))
    assert_close(gradient[:, 0], WEIGHT * slope)


def test_several_quantiles_are_the_sum_of_pinball_losses():
    _, raw, y = raw_and_targets("quantiles")
    q = ordered(raw, len(TAUS))
    expected = sum(
        WEIGHT @ PinballLoss(quantile=tau).loss(y[:, i].copy(), q[:, i, k].copy())
        for i in range(2)
        for k, tau in enumerate(TAUS)
    )
    assert_close(PER_TARGET["quantiles"].function(raw, y, WEIGHT)[0], expected)


def test_gaussian_is_the_likelihood_of_scipy():
    loss, raw, y = raw_and_targets("gaussian")
    mean, std = raw[:, ::2], MIN_STD + np.log1p(np.exp(raw[:, 1::2]))
    assert_close(np.array(mean_std(raw)), np.array([mean, std]))
    expected = -WEIGHT @ norm(mean, std).logpdf(y).sum(axis=1)
    assert_close(loss.function(raw, y, WEIGHT)[0], expected)


@pytest.mark.parametrize(
    ("name", "gradient"),
    # scikit-learn has -1 for the absolute error, which is a subgradient too.
    [("absolute_error", 0.0), ("median", -0.5), ("huber", 0.0), ("squared_error", 0.0)],
)
def test_subgradients_of_exact_predictions(name, gradient):
    value, slope = PER_TARGET[name].function(np.ones((1, 1)), np.ones((1, 1)), np.ones(1))
    assert value == 0
    assert slope.item() == gradient


@pytest.mark.parametrize("sign", [-1, 1])
def test_huber_at_its_kinks(sign):
    value, slope = PER_TARGET["huber"].function(
        np.array([[0.4 * sign]]), np.zeros((1, 1)), np.ones(1)
    )
    assert_close(value, 0.08)
    assert slope.item() == 0.4 * sign


@numbers
def test_a_weight_of_two_is_the_row_twice(name):
    loss, raw, y = raw_and_targets(name)
    value, gradient = loss.function(raw, y, np.full(N, 2.0))
    once, slope = loss.function(raw, y, np.ones(N))
    assert_close(value, 2 * once)
    assert_close(gradient, 2 * slope)


@pytest.mark.parametrize("name", ["poisson", "gamma"])
def test_deviances_are_zero_for_a_perfect_prediction(name):
    y = np.array([[0.5], [1.0], [3e4]])
    value, gradient = PER_TARGET[name].function(np.log(y), y, np.ones(3))
    assert abs(value) < 1e-9
    assert np.abs(gradient).max() < 1e-9


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_quantiles_never_cross(dtype):
    raw = np.array(list(product([-1e4, -40, -1, 0, 1, 1e4], repeat=3)), dtype)
    q = ordered(raw, 3)
    assert q.dtype == dtype
    assert np.isfinite(q).all()
    assert (np.diff(q, axis=2) >= 0).all()
    value, gradient = PER_TARGET["quantiles"].function(
        raw, np.zeros((len(raw), 1), dtype), np.ones(len(raw), dtype)
    )
    assert np.isfinite(value)
    assert np.isfinite(gradient).all()
    assert gradient.dtype == dtype


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_gaussian_of_extreme_scores(dtype):
    raw = np.array(list(product([-1e4, 0, 1e4], repeat=2)), dtype)
    value, gradient = PER_TARGET["gaussian"].function(
        raw, np.zeros((len(raw), 1), dtype), np.ones(len(raw), dtype)
    )
    assert np.isfinite(value)
    assert np.isfinite(gradient).all()
    assert gradient.dtype == value.dtype == dtype


@numbers
@pytest.mark.parametrize("n_rows", [1, 2, 40])
def test_no_constant_is_better_than_the_best(name, n_rows):
    loss, raw, y = raw_and_targets(name, n_rows=n_rows)
    weight = RandomState(2).uniform(0.5, 1.5, n_rows)
    weight /= weight.sum()

    def value(constant):
        return loss.function(np.broadcast_to(constant, raw.shape), y, weight)[0]

    constant = loss.best_constant(y, weight)
    assert constant.shape == raw.shape[1:]
    found = minimize(value, constant, method="Nelder-Mead", options={"maxfev": 4000})
    assert value(constant) < found.fun + 1e-6
    assert value(constant + 0.1) > value(constant) - 1e-12


@pytest.mark.parametrize("name", ["squared_error", "poisson", "gamma", "huber", "gaussian"])
def test_the_gradient_at_the_best_constant_is_zero(name):
    loss, raw, y = raw_and_targets(name, n_rows=40)
    constant = np.broadcast_to(loss.best_constant(y, np.full(40, 1 / 40)), raw.shape)
    slope = loss.function(constant, y, np.full(40, 1 / 40))[1].sum(axis=0)
    assert np.abs(slope).max() < 1e-12


@pytest.mark.parametrize("tau", [0.1, 0.5, 0.9])
def test_best_quantile_of_numpy(tau):
    y, weight = RandomState(0).normal(size=(20, 2)), np.arange(20.0)
    expected = np.quantile(
        y, tau, axis=0, weights=np.tile(weight[:, None], 2), method="inverted_cdf"
    )
    assert_close(Quantile(tau)._loss().best_constant(y, weight / weight.sum()), expected)


def test_a_best_quantile_is_not_above_it_by_a_rounding_error():
    """The sum of ten weights of 0.1 is less than 1, and that of nine is less than 0.9."""
    y, weight = np.arange(1.0, 11)[:, None], np.full(10, 0.1)
    assert Quantile(0.9)._loss().best_constant(y, weight) == 9


def test_best_constant_of_equal_targets():
    for name, loss in PER_TARGET.items():
        y, weight = np.full((3, 1), 2.0), np.full(3, 1 / 3)
        raw = np.broadcast_to(loss.best_constant(y, weight), (3, loss.n_columns))
        predicted = {"exp": np.exp, "mean_std": lambda s: mean_std(s)[0]}.get(
            loss.out_activation, partial(ordered, n_quantiles=loss.n_columns)
        )(raw)
        np.testing.assert_allclose(predicted, 2.0, rtol=1e-9, err_msg=name)


def test_the_best_constant_of_absolute_errors_is_the_median():
    y = RandomState(0).normal(size=(9, 2))
    constant = NUMBER_LOSSES["absolute_error"].best_constant(y, np.full(9, 1 / 9))
    assert_close(constant, np.median(y, axis=0))
