"""The default penalty of regressors: its strength for each loss, and what it prevents."""

import warnings
from itertools import product

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.optimize import brentq
from scipy.sparse import csr_array
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import mean_pinball_loss, mean_poisson_deviance
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skrnn import (
    LBFGS,
    Gaussian,
    Huber,
    PerStep,
    Quantile,
    SequenceRNNRegressor,
    StepRNNRegressor,
)
from skrnn._numeric.losses import NUMBER_LOSSES
from skrnn._numeric.training import Ragged
from skrnn._training.few import is_logic_problem
from skrnn._training.penalty import default_penalty, dispersion
from skrnn.convert import make_windows

OBJECTS = [Huber(), Huber(0.3), Quantile(0.7), Quantile(), Gaussian()]
LOSSES = [*NUMBER_LOSSES, *OBJECTS]
every_loss = pytest.mark.parametrize("loss", LOSSES, ids=str)


def number_loss(loss):
    return NUMBER_LOSSES[loss] if isinstance(loss, str) else loss._loss()


def expected_dispersion(loss, y, weight=None):
    """Compute the dispersion of one target from its definition for each loss."""
    weight = np.ones(len(y)) if weight is None else weight
    mean = np.average(y, weights=weight)
    variance = np.average((y - mean) ** 2, weights=weight)
    if loss in ("squared_error", "auto") or isinstance(loss, Gaussian):
        return 1.0
    if loss in ("poisson", "gamma"):
        return variance / mean ** {"poisson": 1, "gamma": 2}[loss]
    if isinstance(loss, Huber):

        def psi(center):
            return np.clip(y - center, -loss.delta, loss.delta)

        center = brentq(lambda c: weight @ psi(c), y.min(), y.max(), xtol=1e-14)
        return np.average((y - center) * psi(center), weights=weight)

    def lowest(tau):  # that of one of the targets
        each = (np.full(len(y), q) for q in y)
        return min(mean_pinball_loss(y, q, sample_weight=weight, alpha=tau) for q in each)

    if isinstance(loss, Quantile):
        return np.mean([lowest(tau) for tau in np.atleast_1d(loss.quantiles)])
    return 2 * lowest(0.5)


# The dispersion ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("loss", "targets", "weight", "expected"),
    [
        ("squared_error", [0, 4], [1, 1], 1.0),  # whose targets have variance 1 in training
        (Gaussian(), [0, 4], [1, 1], 1.0),
        ("absolute_error", [0, 1, 5], [1, 1, 1], 5 / 3),  # of 1: distances 1, 0 and 4
        ("absolute_error", [0, 1, 5], [1, 1, 3], 9 / 5),  # of 5: distances 5, 4 and 0
        (Huber(10.0), [0, 1, 5], [1, 1, 1], 14 / 3),  # the variance
        (Huber(1.0), [-2, 0, 2], [1, 1, 1], 4 / 3),  # 2 * 1 + 0 + 2 * 1
        ("poisson", [1, 3], [1, 1], 1 / 2),  # variance 1, mean 2
        ("poisson", [0, 4], [3, 1], 3.0),  # variance 3, mean 1
        ("gamma", [1, 3], [1, 1], 1 / 4),
        (Quantile(0.5), [0, 1, 5], [1, 1, 1], 5 / 6),  # half the absolute error
        (Quantile((0.5, 0.75)), [0, 2], [1, 1], (1 / 2 + 1 / 4) / 2),  # of 0 and 2
    ],
    ids=str,
)
def test_dispersion_of_a_few_targets(loss, targets, weight, expected):
    y, weight = np.array(targets, float)[:, None], np.array(weight, float)
    assert_allclose(dispersion(number_loss(loss), y, weight), expected, rtol=1e-12)


@every_loss
def test_dispersion_of_many_targets_with_weights(loss):
    rng = np.random.RandomState(0)
    y, weight = rng.gamma(2.0, size=(301, 2)), rng.uniform(0.1, 2, size=301)
    expected = np.mean([expected_dispersion(loss, column, weight) for column in y.T])
    assert_allclose(dispersion(number_loss(loss), y, weight), expected, rtol=1e-9)
    assert_allclose(dispersion(number_loss(loss), y, 1e-6 * weight), expected, rtol=1e-9)
    many = np.tile(y, (20, 1)), np.tile(weight, 20)  # several pieces
    assert_allclose(dispersion(number_loss(loss), *many), expected, rtol=1e-9)


@every_loss
def test_targets_of_weight_zero_have_no_dispersion(loss):
    rng = np.random.RandomState(0)
    y, weight = rng.gamma(2.0, size=(50, 1)), rng.randint(0, 3, size=50).astype(float)
    far = np.where(weight[:, None] > 0, y, 1e15)
    expected = dispersion(number_loss(loss), y[weight > 0], weight[weight > 0])
    assert dispersion(number_loss(loss), far, weight) == expected


@every_loss
def test_dispersion_in_single_precision(loss):
    y, weight = np.random.RandomState(0).gamma(2.0, size=(50, 2)), np.ones(50)
    expected = dispersion(number_loss(loss), y, weight)
    single = dispersion(number_loss(loss), np.float32(y), np.float32(weight))
    assert_allclose(single, expected, rtol=1e-6)
    large = dispersion(number_loss(loss), np.float32(1e30 * y), np.float32(weight))
    assert np.isfinite(large)


# The penalty -------------------------------------------------------------------------------------


def samples(n, per_step=False, n_steps=3):
    y = np.random.RandomState(n).gamma(2.0, size=(n * n_steps if per_step else n, 1))
    x, lengths = np.zeros((n * n_steps, 1)), np.full(n, n_steps)
    return Ragged(x, y, np.ones(len(y)), lengths, per_step=per_step)


FOR_FEW = {"squared_error": 1, "Quantile()": 10, "Gaussian()": 10}


@every_loss
@pytest.mark.parametrize("n", [2, 32, 33, 320])
def test_the_penalty_is_stronger_with_up_to_32_sequences(loss, n):
    of_loss = number_loss(loss)
    data = samples(n)
    share = min(1, 32 / n) * dispersion(of_loss, data.y, data.weight)
    strength = FOR_FEW.get(str(loss), 3) if n <= 32 else 1
    assert_allclose(default_penalty(of_loss, data, 32), strength * share, rtol=1e-12)


@every_loss
@pytest.mark.parametrize("n", [2, 32, 33, 320])
def test_the_penalty_for_targets_of_steps(loss, n):
    of_loss = number_loss(loss)
    data = samples(n, per_step=True)
    share = min(1, 8 * 8 / n) * dispersion(of_loss, data.y, data.weight)
    assert_allclose(default_penalty(of_loss, data, 8), share, rtol=1e-12)


@every_loss
def test_the_penalty_of_equal_targets(loss):
    data = samples(20)
    for value in (0.0, 1.0):
        if value or loss != "gamma":
            data.y[:] = value
            found = default_penalty(number_loss(loss), data, 20)
            of_likelihood = {"squared_error": 1.0, "Gaussian()": 10.0}
            assert found == of_likelihood.get(str(loss), 0.0001)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@every_loss
@pytest.mark.parametrize("cls", [SequenceRNNRegressor, StepRNNRegressor])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_targets_that_are_equal_or_huge_are_learned(cls, loss, dtype):
    rng = np.random.RandomState(0)
    X = [rng.normal(size=(3, 1)).astype(dtype) for _ in range(12)]
    per_step = cls is StepRNNRegressor
    reg = cls(3, loss=loss, max_iter=3, random_state=0)
    for unit in (1.0, 1e15):
        for y in (np.full(36, unit), unit * rng.gamma(2.0, size=36)):
            reg.fit(X, list(y.reshape(12, 3)) if per_step else y[:12])
            assert np.isfinite(reg.loss_curve_).all()
            assert np.isfinite(np.concatenate([np.ravel(p) for p in reg.predict(X)])).all()


@pytest.mark.parametrize("cls", [SequenceRNNRegressor, StepRNNRegressor])
@every_loss
def test_regressors_have_the_penalty_of_their_loss(cls, loss):
    rng = np.random.RandomState(0)
    X = [rng.normal(size=(4, 1)) for _ in range(11)]
    y = [np.abs(x[:, 0]) for x in X] if cls is StepRNNRegressor else [abs(x.sum()) for x in X]
    flat = np.ravel(y)
    scaled = flat / (flat.mean() if loss in ("poisson", "gamma") else flat.std())
    alpha = expected_dispersion(loss, scaled)
    alpha *= FOR_FEW.get(str(loss), 3) if cls is SequenceRNNRegressor else 1
    reg = cls(3, loss=loss, max_iter=3, skip_connection=None, random_state=0)
    auto = clone(reg).fit(X, y)
    given, other = (clone(reg).set_params(alpha=a).fit(X, y) for a in (alpha, 1.1 * alpha))
    assert_allclose(auto.loss_curve_, given.loss_curve_, rtol=1e-7)
    assert other.loss_curve_[0] > auto.loss_curve_[0] * (1 + 1e-5)


@every_loss
def test_steps_without_a_target_do_not_weaken_the_penalty(loss):
    of_loss = number_loss(loss)
    data = samples(20, per_step=True)
    data.weight[1::3] = 0
    counts = data.weight > 0
    expected = dispersion(of_loss, data.y[counts], data.weight[counts])
    assert_allclose(default_penalty(of_loss, data, 20), expected, rtol=1e-12)


@pytest.mark.parametrize("n", [30, 60])
def test_half_of_the_absolute_error_has_half_of_its_penalty(n):
    data = samples(n)
    found, half = (
        default_penalty(number_loss(loss), data, 32) for loss in ("absolute_error", Quantile(0.5))
    )
    assert_allclose(half, found / 2, rtol=1e-12)


def parity(n_steps):
    """All sequences of bits, and the parity of each."""
    X = np.array(list(product([0.0, 1.0], repeat=n_steps)))
    return list(X[:, :, None]), X.sum(axis=1) % 2


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("n_steps", [2, 3])
def test_logic_problems_are_learned_as_numbers(n_steps, seed):
    X, y = parity(n_steps)
    assert SequenceRNNRegressor(random_state=seed).fit(X, y).score(X, y) > 0.99


@pytest.mark.parametrize("seed", range(5))
def test_the_parity_of_each_prefix_is_learned_as_a_number(seed):
    X, _ = parity(4)
    y = [x[:, 0].cumsum() % 2 for x in X]
    assert StepRNNRegressor(random_state=seed).fit(X, y).score(X, y) > 0.99


def few_cases(n_steps=3, repeat=1, y=None, static=None, convert=np.asarray, values=(0.0, 1.0)):
    """Samples of all sequences of two values, with parities or other targets."""
    X, parities = parity(n_steps)
    x = convert(np.concatenate(X * repeat) * (values[1] - values[0]) + values[0])
    y = np.tile(parities, repeat) if y is None else np.asarray(y, float)
    lengths = np.full(len(X) * repeat, n_steps)
    return Ragged(x, y[:, None], np.ones(len(lengths)), lengths, False, static)


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (few_cases(), True),
        (few_cases(values=(-1.7, 0.3)), True),
        (few_cases(convert=csr_array), True),
        (few_cases(4), True),
        (few_cases(4, repeat=2), True),
        (few_cases(4, repeat=3), False),  # 48 sequences
        (few_cases(5), False),  # 32 that differ
        (few_cases(y=[0, 1, 2, 3, 3, 2, 1, 0]), True),
        (few_cases(y=[0, 1, 2, 3, 4, 2, 1, 0]), False),  # more than half as many targets
        (few_cases(repeat=2, y=np.arange(16) % 8), False),  # 8 targets of 8 different sequences
        (few_cases(repeat=2, y=[0, 1] * 7 + [1, 1]), False),  # equal sequences, other targets
        (few_cases(static=np.arange(8.0)[:, None]), True),
        (few_cases(convert=lambda x: np.hstack([x, np.arange(24.0)[:, None]])), False),
    ],
    ids=[
        "parity",
        "scaled",
        "sparse",
        "16",
        "16 twice",
        "16 three times",
        "32",
        "half as many targets",
        "more targets",
        "more targets, twice",
        "contradictory",
        "static",
        "a column of numbers",
    ],
)
def test_which_samples_are_a_logic_problem(data, expected):
    assert is_logic_problem(data) is expected
    for loss in ("squared_error", "absolute_error"):
        found = default_penalty(number_loss(loss), data, 32)
        assert (found == 0.0001) is expected
    assert default_penalty(number_loss("poisson"), data, 32) > 0.01


@pytest.mark.parametrize("cls", [SequenceRNNRegressor, StepRNNRegressor])
@pytest.mark.parametrize("loss", ["auto", "poisson", Quantile()], ids=str)
@pytest.mark.parametrize(
    "params", [{"normalize_y": False}, {"solver": "lbfgs"}, {"solver": LBFGS()}], ids=str
)
def test_the_penalty_depends_on_solver_and_scale(cls, loss, params):
    rng = np.random.RandomState(0)
    X = [rng.normal(size=(4, 1)) for _ in range(12)]
    y = [np.abs(x[:, 0]) for x in X] if cls is StepRNNRegressor else [abs(x.sum()) for x in X]
    reg = cls(3, loss=loss, max_iter=3, random_state=0, **params)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        auto = clone(reg).fit(X, y)
        given, other = (clone(reg).set_params(alpha=a).fit(X, y) for a in (0.0001, 0.1))
    assert auto.loss_curve_ == given.loss_curve_
    assert auto.loss_curve_ != other.loss_curve_


@pytest.mark.parametrize(
    ("cls", "n", "batch_size", "alpha"),
    [
        (SequenceRNNRegressor, 20, "auto", 1),
        (SequenceRNNRegressor, 20, 5, 1 / 4),
        (SequenceRNNRegressor, 80, "auto", 32 / 80),
        (StepRNNRegressor, 20, "auto", 1),
        (StepRNNRegressor, 80, "auto", 8 * 8 / 80),
        (StepRNNRegressor, 80, 2, 8 * 2 / 80),
    ],
)
def test_the_penalty_is_that_of_all_sequences(cls, n, batch_size, alpha):
    rng = np.random.RandomState(0)
    X = [rng.normal(size=(4, 1)) for _ in range(n)]
    y = [rng.normal(size=4) if cls is StepRNNRegressor else rng.normal() for _ in range(n)]
    params = {"hidden_layer_sizes": 3, "dropout": 0, "max_iter": 3, "random_state": 0}
    auto = cls(**params, batch_size=batch_size).fit(X, y)
    given = cls(**params, batch_size=batch_size, alpha=alpha).fit(X, y)
    assert auto.loss_curve_ == given.loss_curve_


@pytest.mark.parametrize("loss", ["auto", "absolute_error", Quantile()], ids=str)
@pytest.mark.parametrize("n", [30, 40])
def test_small_weights_of_samples_do_not_strengthen_the_penalty(loss, n):
    rng = np.random.RandomState(0)
    X, y = [rng.normal(size=(4, 1)) for _ in range(n)], rng.normal(size=n)
    reg = SequenceRNNRegressor(3, loss=loss, dropout=0, max_iter=3, random_state=0)
    one, small = (clone(reg).fit(X, y, np.full(n, w)) for w in (1, 2.0**-10))
    assert_allclose(small.loss_curve_, one.loss_curve_, rtol=1e-9)
    twice = clone(reg).fit(X, y, np.full(n, 2.0))
    assert twice.loss_curve_[0] < one.loss_curve_[0]  # since each counts twice


@pytest.mark.parametrize("cls", [SequenceRNNRegressor, StepRNNRegressor])
def test_single_sequences_are_learned_in_parts(cls):
    rng = np.random.RandomState(0)
    X = [rng.normal(size=(5, 1)) for _ in range(60)]
    y = [x[:, 0] if cls is StepRNNRegressor else x.sum() for x in X]
    reg = cls(8, random_state=0, **({} if cls is StepRNNRegressor else {"dropout": 0}))
    for _ in range(15):
        for i in range(60):
            reg.partial_fit(X[i : i + 1], y[i : i + 1])
    assert reg.score(X, y) > 0.9


@pytest.mark.parametrize("n", [30, 50])
@every_loss
def test_the_penalty_does_not_depend_on_the_unit(loss, n):
    rng = np.random.RandomState(0)
    X, y = [rng.normal(size=(4, 1)) for _ in range(n)], rng.gamma(2.0, size=n)
    reg = SequenceRNNRegressor(3, loss=loss, max_iter=10, random_state=0)
    before, after = clone(reg).fit(X, y), clone(reg).fit(X, 1e6 * y)
    assert_allclose(after.predict(X), 1e6 * before.predict(X), rtol=1e-6)
    assert_allclose(after.loss_curve_, before.loss_curve_, rtol=1e-6)


# What it prevents --------------------------------------------------------------------------------


def scaled(**params):
    return make_pipeline(PerStep(StandardScaler()), SequenceRNNRegressor(random_state=0, **params))


def test_few_counts_are_not_memorized():
    """Without the penalty, the deviance was 204 times that of the mean."""
    rng = np.random.RandomState(12)
    day = np.arange(304)
    demand = rng.binomial(1, 0.15 + 0.15 * (day % 7 > 4)) * (1 + rng.poisson(2.0, size=304))
    X, y = make_windows(demand, window=14)
    X, y, X_test, y_test = X[:30], y[:30], X[30:230], y[30:230]
    predicted = scaled(loss="poisson").fit(X, y).predict(X_test)
    of_mean = mean_poisson_deviance(y_test, np.full(len(y_test), y.mean()))
    assert mean_poisson_deviance(y_test, predicted) < 1.2 * of_mean


@pytest.mark.parametrize("loss", [Quantile(), Gaussian()], ids=str)
def test_intervals_of_few_noisy_targets(loss):
    rng = np.random.RandomState(5)
    X = [rng.normal(size=(n, 3)) for n in rng.randint(5, 20, size=230)]
    y = rng.normal(size=230)

    def coverage(**params):
        reg = scaled(loss=loss, **params).fit(X[:30], y[:30])
        if isinstance(loss, Quantile):
            low, _, high = reg.predict(X[30:]).T
        else:
            mean, std = reg.predict(X[30:], return_std=True)
            low, high = mean - 1.2816 * std, mean + 1.2816 * std
        return np.mean((low < y[30:]) & (y[30:] < high))

    assert coverage(alpha=0.0001) < 0.3
    assert coverage() > 0.5
