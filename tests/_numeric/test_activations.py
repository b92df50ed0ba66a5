import numpy as np
import pytest
import scipy.special

from skrnn._numeric.activations import (
    ACTIVATIONS,
    log_logistic,
    softmax,
    softplus,
    tanh_to_logistic,
)

X = np.array([-1e4, -800, -40, -1, -1e-8, 0, 1e-8, 0.5, 3, 40, 800, 1e4])
EXPECTED = {
    "identity": X,
    "logistic": scipy.special.expit(X),
    "tanh": np.tanh(X),
    "relu": np.where(X > 0, X, 0),
}
names = pytest.mark.parametrize("name", ACTIVATIONS)
dtypes = pytest.mark.parametrize("dtype", [np.float32, np.float64])


@names
@dtypes
def test_values(name, dtype):
    y = ACTIVATIONS[name].f(X.astype(dtype))
    assert y.dtype == dtype
    np.testing.assert_allclose(y, EXPECTED[name], rtol=1e-6, atol=np.finfo(dtype).eps)


@names
def test_out(name):
    f, x = ACTIVATIONS[name].f, X.copy()
    y = f(x)
    assert not np.shares_memory(x, y)
    assert np.array_equal(x, X)
    out = np.empty_like(x)
    assert f(x, out=out) is out
    assert np.array_equal(out, y)
    assert f(x, out=x) is x
    assert np.array_equal(x, y)


@names
@dtypes
def test_derivatives_are_bounded(name, dtype):
    f, derivative = ACTIVATIONS[name]
    y = f(X.astype(dtype))
    before, slope = y.copy(), derivative(y)
    assert slope.dtype == dtype
    assert np.all((slope >= 0) & (slope <= 1))
    assert np.array_equal(y, before)


@names
def test_derivative(name):
    f, derivative = ACTIVATIONS[name]
    x = X[X != 0]  # relu has no derivative there
    np.testing.assert_allclose(derivative(f(x)), f(x + 1e-30j).imag / 1e-30, rtol=1e-12, atol=1e-15)


def test_relu_is_flat_at_zero():
    assert ACTIVATIONS["relu"].derivative(np.zeros(1)) == 0


def test_tanh_to_logistic():
    t = np.tanh(X / 2)
    assert tanh_to_logistic(t) is t
    np.testing.assert_allclose(t, scipy.special.expit(X), atol=1e-15)


@dtypes
def test_softplus_and_log_logistic(dtype):
    x, tol = X.astype(dtype), np.finfo(dtype).eps
    np.testing.assert_allclose(softplus(x), np.logaddexp(0, X), rtol=1e-6, atol=tol)
    np.testing.assert_allclose(log_logistic(x), -np.logaddexp(0, -X), rtol=1e-6, atol=tol)
    assert softplus(x).dtype == log_logistic(x).dtype == dtype


@dtypes
def test_softmax(dtype):
    x = X.reshape(4, 3).astype(dtype)
    p = softmax(x)
    assert p.dtype == dtype
    np.testing.assert_allclose(p, scipy.special.softmax(x, axis=1), atol=np.finfo(dtype).eps)
    np.testing.assert_allclose(p.sum(axis=1), 1, rtol=1e-6)
    np.testing.assert_allclose(softmax(x[1]), p[1])
