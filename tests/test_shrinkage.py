"""The shrinkage of SequenceRNNRegressor: the rule, and when it applies."""

import numpy as np
import pytest
from numeric_helpers import assert_close
from sklearn.exceptions import ConvergenceWarning

from skrnn import SequenceRNNRegressor
from skrnn.solvers import LBFGS, SGD

RNG = np.random.RandomState(0)
X = [RNG.normal(size=(3 + i % 4, 2)) for i in range(60)]
WALKS = [x.cumsum(axis=0) for x in X]
NOISE = RNG.normal(size=60)
SUMS = np.array([x.sum() for x in X])
LAST = np.array([walk[-1, 0] for walk in WALKS])
SMALL = {"hidden_layer_sizes": 6, "random_state": 0}


def shrunk_and_not(X, y, weight=None, **params):
    return [
        SequenceRNNRegressor(**{**SMALL, **params}, shrinkage=shrinkage).fit(X, y, weight)
        for shrinkage in ("auto", None)
    ]


def factor(y, outputs, weight=None, q=30.0):
    """Compute the factor of the smallest squared error, less the covariance of the noise."""
    weight = np.ones(len(y)) if weight is None else weight
    n = weight.sum() ** 2 / (weight**2).sum()
    mean_of = weight / weight.sum()
    variance = mean_of @ (y - outputs) ** 2 / (1 - q / n)
    return np.clip((mean_of @ (y * outputs) - q / n * variance) / (mean_of @ outputs**2), 0, 1)


def assert_equal_weights(a, b):
    assert a.weights_.keys() == b.weights_.keys()
    for layer, of_layer in a.weights_.items():
        for name, values in of_layer.items():
            np.testing.assert_array_equal(values, b.weights_[layer][name], err_msg=layer)


def test_outputs_are_shrunk_towards_the_mean():
    y = 5 + SUMS + 2 * NOISE
    shrunk, unchanged = shrunk_and_not(X, y, skip_connection=None)
    outputs = unchanged.predict(X) - y.mean()
    left = factor(y - y.mean(), outputs)
    assert 0.2 < left < 0.9
    assert_close(shrunk.predict(X) - y.mean(), left * outputs, 1e-9)


def test_weighted_samples_count_by_their_effective_number():
    weight = RNG.uniform(0.5, 2, size=60)
    y = 5 + SUMS + 2 * NOISE
    shrunk, unchanged = shrunk_and_not(X, y, weight, skip_connection=None)
    mean = np.average(y, weights=weight)
    outputs = unchanged.predict(X) - mean
    n = weight.sum() ** 2 / (weight**2).sum()
    left = factor(y - mean, outputs, weight, q=min(30, n / 2))
    assert 0.2 < left < 0.9
    assert_close(shrunk.predict(X) - mean, left * outputs, 1e-9)


def test_outputs_are_shrunk_towards_the_skip_connection():
    y = 3 * LAST + SUMS + 2 * NOISE
    shrunk, unchanged = shrunk_and_not(WALKS, y, skip_connection="last")
    weights = unchanged.weights_["skip"]["W"]
    np.testing.assert_array_equal(shrunk.weights_["skip"]["W"], weights)
    simple = np.array([walk[-1] for walk in WALKS]) @ weights[:, 0]
    simple += np.mean(y - simple)
    outputs = unchanged.predict(WALKS) - simple
    left = factor(y - simple, outputs)
    assert 0.1 < left < 0.9
    assert_close(shrunk.predict(WALKS) - simple, left * outputs, 1e-9)


def test_less_training_learns_less_noise():
    y = SUMS + 2 * NOISE
    shrunk, unchanged = shrunk_and_not(X, y, max_iter=40, learning_rate_init=0.005)
    outputs = unchanged.predict(X) - y.mean()
    part = 0.005 * 40 * 2 / (0.003 * 400)  # two batches in each epoch
    left = factor(y - y.mean(), outputs, q=30 * part)
    assert 0.2 < left < 0.98
    assert_close(shrunk.predict(X) - y.mean(), left * outputs, 1e-9)


def test_each_output_has_its_own_factor():
    Y = np.column_stack([SUMS, 100 * NOISE, np.full(60, 3.0)])
    shrunk, unchanged = shrunk_and_not(X, Y, skip_connection=None)
    after, before = (model.weights_["output"]["W"] for model in (shrunk, unchanged))
    np.testing.assert_array_equal(after[:, 0], before[:, 0])
    assert not after[:, 1].any()
    assert_close(shrunk.predict(X)[:, 1:], np.tile([100 * NOISE.mean(), 3], (60, 1)), 1e-6)


def test_the_network_adds_nothing_to_a_walk():
    walk = np.random.RandomState(1).normal(size=400).cumsum()
    windows, y = [walk[i : i + 12, None] for i in range(388)], walk[12:]
    reg = SequenceRNNRegressor(random_state=0).fit(windows[:200], y[:200])
    last = np.array([window[-1, 0] for window in windows])
    slope, intercept = np.polyfit(last[:200], y[:200], 1)
    assert_close(reg.predict(windows[200:]), slope * last[200:] + intercept, 1e-9)


def test_many_features_have_a_limited_number_of_degrees_of_freedom():
    rng = np.random.RandomState(2)
    wide = [rng.normal(size=(4, 30)) for _ in range(500)]
    y = np.array([x[:, :3].sum() for x in wide]) + 9 * rng.normal(size=500)
    shrunk, unchanged = shrunk_and_not(wide, y, skip_connection=None, max_iter=30)
    outputs = unchanged.predict(wide) - y.mean()
    part = 0.003 * 30 * 16 / (0.003 * 400)  # 16 batches in each epoch
    assert part > 1
    left = factor(y - y.mean(), outputs, q=100)
    assert 0.2 < left < 0.98
    assert_close(shrunk.predict(wide) - y.mean(), left * outputs, 1e-9)


def test_outputs_of_zero_and_huge_outputs_keep_their_weights():
    zeros = {**SMALL, "init": "zeros", "learning_rate_init": 1e-300, "max_iter": 1}
    reg = SequenceRNNRegressor(**zeros).fit(X, SUMS)
    assert_close(reg.predict(X), np.full(60, SUMS.mean()), 1e-9)
    first = SequenceRNNRegressor(**SMALL, max_iter=1).fit(X, SUMS)
    huge = {**first.weights_, "output": {k: 1e200 * p for k, p in first.weights_["output"].items()}}
    params = {**SMALL, "max_iter": 1, "learning_rate_init": 1e-300, "max_grad_norm": None}
    with pytest.warns(ConvergenceWarning, match="diverged"):
        assert_equal_weights(*shrunk_and_not(X, SUMS, **params, init=huge))


def test_a_factor_of_all_weights_changes_nothing():
    weight = RNG.uniform(0.1, 3, size=60)
    fits = [shrunk_and_not(X, SUMS + 2 * NOISE, w, alpha=0)[0] for w in (weight, 4 * weight)]
    np.testing.assert_array_equal(fits[0].predict(X), fits[1].predict(X))


@pytest.mark.parametrize(
    "params",
    [
        {"loss": "absolute_error"},
        {"early_stopping": True},
        {"warm_start": True},
        {"normalize_y": False},
        {"normalize_y": False, "skip_connection": "last"},
        {"hidden_layer_sizes": ()},
        {"solver": SGD(), "learning_rate_init": 0.1},
        {"solver": LBFGS(), "max_iter": 50},
    ],
    ids=str,
)
@pytest.mark.filterwarnings("ignore:Maximum iterations:sklearn.exceptions.ConvergenceWarning")
def test_other_training_is_not_followed_by_shrinkage(params):
    y = LAST + 2 * NOISE
    assert_equal_weights(*shrunk_and_not(WALKS, y, **params))


def test_few_sequences_are_not_followed_by_shrinkage():
    y = SUMS + 5 * NOISE
    assert_equal_weights(*shrunk_and_not(X[:32], y[:32]))
    shrunk, unchanged = shrunk_and_not(X[:33], y[:33])
    assert abs(shrunk.weights_["output"]["W"]).max() < abs(unchanged.weights_["output"]["W"]).max()


def test_partial_fit_does_not_shrink():
    both = [SequenceRNNRegressor(**SMALL, shrinkage=shrinkage) for shrinkage in ("auto", None)]
    for reg in both:
        reg.partial_fit(X, NOISE).partial_fit(X, NOISE)
    assert_equal_weights(*both)


@pytest.mark.parametrize("value", [True, 0.5, "stein"])
def test_other_values_are_refused(value):
    with pytest.raises(ValueError, match="'shrinkage' parameter of SequenceRNNRegressor must be"):
        SequenceRNNRegressor(shrinkage=value).fit(X, SUMS)
