"""Truth tables of the gates, and noisy points around the corners of "xor"."""

import re

import numpy as np
import pytest

from skrnn.datasets import make_gate, make_xor


@pytest.mark.parametrize(
    ("gate", "expected"),
    [
        ("and", [0, 0, 0, 1]),
        ("or", [0, 1, 1, 1]),
        ("nand", [1, 1, 1, 0]),
        ("nor", [1, 0, 0, 0]),
        ("xor", [0, 1, 1, 0]),
        ("xnor", [1, 0, 0, 1]),
    ],
)
def test_gate_truth_table(gate, expected):
    X, y = make_gate(gate)
    np.testing.assert_array_equal(X, [[0, 0], [0, 1], [1, 0], [1, 1]])
    np.testing.assert_array_equal(y, expected)
    assert X.dtype == np.float64
    assert X.flags.c_contiguous
    assert y.dtype == int


@pytest.mark.parametrize(
    ("gate", "expected"),
    [
        ("and", [0, 0, 0, 0, 0, 0, 0, 1]),
        ("or", [0, 1, 1, 1, 1, 1, 1, 1]),
        ("nand", [1, 1, 1, 1, 1, 1, 1, 0]),
        ("nor", [1, 0, 0, 0, 0, 0, 0, 0]),
        ("xor", [0, 1, 1, 0, 1, 0, 0, 1]),
        ("xnor", [1, 0, 0, 1, 0, 1, 1, 0]),
    ],
)
def test_gate_of_three_inputs(gate, expected):
    X, y = make_gate(gate, n_inputs=3)
    counting = [[int(bit) for bit in f"{row:03b}"] for row in range(8)]
    np.testing.assert_array_equal(X, counting)
    np.testing.assert_array_equal(y, expected)


def test_gate_of_one_input():
    X, y = make_gate("nand", n_inputs=1)
    np.testing.assert_array_equal(X, [[0], [1]])
    np.testing.assert_array_equal(y, [1, 0])


def test_an_unknown_gate_is_refused_with_the_known_ones():
    with pytest.raises(ValueError, match=r"'gate' parameter .* Got 'not' instead") as refused:
        make_gate("not")
    assert all(
        repr(gate) in str(refused.value) for gate in ["and", "or", "nand", "nor", "xor", "xnor"]
    )


@pytest.mark.parametrize("n_inputs", [0, -1, 2.0, "2", None])
def test_gate_rejects_n_inputs(n_inputs):
    message = "The 'n_inputs' parameter of make_gate must be an int in the range [1, inf)."
    message += f" Got {n_inputs!r} instead."
    with pytest.raises(ValueError, match=re.escape(message)):
        make_gate(n_inputs=n_inputs)


# --- xor


def test_xor_is_the_truth_table_by_default():
    X, y = make_xor()
    np.testing.assert_array_equal(X, [[0, 0], [0, 1], [1, 0], [1, 1]])
    np.testing.assert_array_equal(y, [0, 1, 1, 0])


@pytest.mark.parametrize("n_samples", [1, 3, 4, 10, 101])
def test_xor_spreads_over_the_corners(n_samples):
    X, y = make_xor(n_samples, random_state=0)
    counts = [np.all(corner == X, axis=1).sum() for corner in make_gate()[0]]
    assert sum(counts) == n_samples
    assert max(counts) - min(counts) <= 1
    np.testing.assert_array_equal(y, X[:, 0] != X[:, 1])


def test_xor_is_shuffled():
    _, y = make_xor(100, random_state=0)
    assert not np.array_equal(y, np.tile([0, 1, 1, 0], 25))


def test_xor_noise_has_the_given_scale():
    clean, _ = make_xor(20_000, random_state=0)
    noisy, y = make_xor(20_000, noise=0.05, random_state=0)
    offset = noisy - clean
    assert offset.std() == pytest.approx(0.05, rel=0.02)
    assert abs(offset.mean()) < 0.002
    # Ten standard deviations from the border: rounding gives the corner back.
    np.testing.assert_array_equal(y, noisy.round().sum(axis=1) == 1)


def test_xor_noise_moves_the_truth_table_too():
    X, y = make_xor(noise=0.1, random_state=0)
    assert X.shape == (4, 2)
    assert np.all(abs(X - make_gate()[0]) > 0)
    np.testing.assert_array_equal(y, [0, 1, 1, 0])


@pytest.mark.parametrize("noise", [-0.1, np.nan, np.inf, "0.1", None])
def test_xor_rejects_noise(noise):
    message = "The 'noise' parameter of make_xor must be a float in the range [0.0, inf)."
    message += f" Got {noise!r} instead."
    with pytest.raises(ValueError, match=re.escape(message)):
        make_xor(10, noise=noise)
