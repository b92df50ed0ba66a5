"""Values of losses against formulas. Gradients are checked in test_gradients."""

from itertools import product

import numpy as np
import pytest
from numeric_helpers import assert_close, describe
from numpy.random import RandomState
from scipy.special import expit, softmax
from sklearn.metrics import log_loss, mean_squared_error

from skrnn._numeric.losses import LOSSES

N, K = 7, 3
RNG = RandomState(0)
SCORES, CLASSES = 2 * RNG.normal(size=(N, K)), RNG.permutation(np.arange(N) % K)
YES_NO, VALUES = RNG.randint(2, size=(N, K)), RNG.normal(size=(N, K))
WEIGHT = RNG.uniform(0.1, 2, N)
ONE_HOT = np.eye(K)[CLASSES]

losses = pytest.mark.parametrize("key", LOSSES, ids=describe)


def half_squared_error(predictions, targets):
    # scikit-learn averages over the outputs. We sum, and so does its MLPRegressor for one output.
    error = mean_squared_error(targets, predictions, sample_weight=WEIGHT)
    return error * K / 2 * WEIGHT.sum()


def binary_log_loss(output):
    probabilities = expit(SCORES[:, output])
    return log_loss(YES_NO[:, output], probabilities, normalize=False, sample_weight=WEIGHT)


EXPECTED = {
    ("log_loss", "softmax"): lambda: log_loss(
        CLASSES, softmax(SCORES, axis=1), normalize=False, sample_weight=WEIGHT
    ),
    ("log_loss", "logistic"): lambda: sum(map(binary_log_loss, range(K))),
    ("squared_error", "softmax"): lambda: half_squared_error(softmax(SCORES, axis=1), ONE_HOT),
    ("squared_error", "logistic"): lambda: half_squared_error(expit(SCORES), YES_NO),
    ("squared_error", "identity"): lambda: half_squared_error(SCORES, VALUES),
}


def targets_of(key):
    return {"softmax": CLASSES, "logistic": YES_NO, "identity": VALUES}[key[1]]


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
@losses
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
