"""Generated sequences: values, targets, lengths and seeds."""

import numpy as np
import pytest

from skrnn.datasets import (
    make_adding,
    make_nor_next,
    make_parity,
    make_shift,
    make_xor,
)

SEQUENCE_MAKERS = [make_parity, make_shift, make_adding]
RANDOM_MAKERS = [*SEQUENCE_MAKERS, lambda n, **kw: make_xor(n, noise=0.1, **kw)]


def flatten(data):
    """Put the numbers of a ragged or a plain array into one 1-D array."""
    return np.concatenate([np.ravel(part) for part in data])


# --- parity


def test_parity_counts_ones():
    X, y = make_parity(300, random_state=0)
    assert y.dtype == int
    assert y.tolist() == [x.ravel().tolist().count(1.0) % 2 for x in X]


def test_parity_per_step_is_the_parity_of_each_prefix():
    X, y = make_parity(50, per_step=True, random_state=0)
    for x, parity in zip(X, y, strict=True):
        bits = x.ravel().tolist()
        prefixes = [bits[: i + 1] for i in range(len(bits))]
        assert parity.tolist() == [prefix.count(1.0) % 2 for prefix in prefixes]
        assert parity.dtype == int


def test_parity_per_step_keeps_the_sequences():
    X, y = make_parity(50, random_state=3)
    X_per_step, y_per_step = make_parity(50, per_step=True, random_state=3)
    np.testing.assert_array_equal(flatten(X), flatten(X_per_step))
    assert y.tolist() == [parity[-1] for parity in y_per_step]


# --- shift


def test_shift_is_one_step_late():
    X, y = make_shift(100, random_state=0)
    for x, late in zip(X, y, strict=True):
        assert late.tolist() == [0, *x.ravel().astype(int).tolist()[:-1]]
        assert late.dtype == int


def test_shift_of_length_one():
    X, y = make_shift(20, min_length=1, max_length=1, random_state=0)
    assert set(flatten(X)) == {0.0, 1.0}
    assert [late.tolist() for late in y] == [[0]] * 20


# --- nor next


def test_nor_next_by_hand():
    X, y = make_nor_next()
    assert X.shape == y.shape == (4,)
    assert X.dtype == y.dtype == object
    assert [x.tolist() for x in X] == [
        [[0.0], [0.0]],
        [[1.0], [1.0]],
        [[1.0], [0.0]],
        [[0.0], [1.0]],
    ]
    assert [bits.tolist() for bits in y] == [[0, 1], [1, 0], [0, 0], [1, 0]]
    assert all(x.dtype == np.float64 for x in X)
    assert all(bits.dtype == int for bits in y)


def test_nor_next_makes_fresh_arrays():
    X, y = make_nor_next()
    X[0][:] = y[0][:] = 7
    assert make_nor_next()[0][0].tolist() == [[0.0], [0.0]]
    assert make_nor_next()[1][0].tolist() == [0, 1]


# --- adding


@pytest.mark.parametrize(("min_length", "max_length"), [(2, 2), (3, 3), (5, 40)])
def test_adding_has_a_marker_in_each_half(min_length, max_length):
    X, y = make_adding(300, min_length=min_length, max_length=max_length, random_state=0)
    for x, total in zip(X, y, strict=True):
        half = len(x) // 2
        first, second = np.flatnonzero(x[:, 1])
        assert first < half <= second
        assert x[first, 1] == x[second, 1] == 1.0
        assert total == x[first, 0] + x[second, 0]


def test_adding_markers_reach_every_step():
    X, _ = make_adding(300, min_length=5, random_state=0)
    n_marked = np.sum([x[:, 1] for x in X], axis=0)
    # Two steps share the first marker (150 each), three the second (100 each).
    np.testing.assert_allclose(n_marked, [150, 150, 100, 100, 100], atol=40)


def test_adding_values_are_uniform():
    X, y = make_adding(5000, min_length=20, random_state=0)
    values = np.concatenate([x[:, 0] for x in X])
    assert 0 <= values.min() < 0.001
    assert 0.999 < values.max() < 1
    assert values.mean() == pytest.approx(0.5, abs=0.005)
    assert np.mean((y - 1) ** 2) == pytest.approx(1 / 6, abs=0.01)


def test_adding_has_one_length_by_default():
    X, y = make_adding(5, random_state=0)
    assert X.shape == y.shape == (5,)
    assert X.dtype == object
    assert y.dtype == np.float64
    assert [x.shape for x in X] == [(100, 2)] * 5


def test_adding_needs_two_steps():
    message = r"The 'min_length' parameter of make_adding must be an int in the range \[2, inf\)"
    with pytest.raises(ValueError, match=message + r"\. Got 1 instead\."):
        make_adding(min_length=1)


# --- what all sequence makers share


@pytest.mark.parametrize("make", SEQUENCE_MAKERS)
def test_lengths_fill_the_range(make):
    X, _ = make(500, min_length=3, max_length=6, random_state=0)
    assert {len(x) for x in X} == {3, 4, 5, 6}


@pytest.mark.parametrize("make", SEQUENCE_MAKERS)
def test_equal_lengths_stay_an_object_array(make):
    X, y = make(5, min_length=4, max_length=4, random_state=0)
    assert X.shape == y.shape == (5,)
    assert X.dtype == object


@pytest.mark.parametrize("make", [make_shift, lambda n, **kw: make_parity(n, per_step=True, **kw)])
def test_bits_and_targets_per_step(make):
    X, y = make(200, random_state=0)
    assert X.shape == y.shape == (200,)
    assert X.dtype == y.dtype == object
    assert all(x.dtype == np.float64 and x.shape == (len(x), 1) for x in X)
    assert [bits.shape for bits in y] == [(len(x),) for x in X]
    assert set(flatten(X)) == {0.0, 1.0}
    assert flatten(X).mean() == pytest.approx(0.5, abs=0.05)


@pytest.mark.parametrize("make", SEQUENCE_MAKERS)
@pytest.mark.parametrize("name", ["min_length", "max_length"])
@pytest.mark.parametrize("value", [0, -1, 2.5])
def test_rejects_a_length(make, name, value):
    message = rf"The '{name}' parameter of {make.__name__} must be an int .* Got {value} instead\."
    with pytest.raises(ValueError, match=message):
        make(10, **{name: value})


@pytest.mark.parametrize("make", SEQUENCE_MAKERS)
def test_rejects_an_empty_range_of_lengths(make):
    with pytest.raises(ValueError, match=r"max_length must be at least min_length=9, got 8\."):
        make(10, min_length=9, max_length=8)


@pytest.mark.parametrize("make", RANDOM_MAKERS)
@pytest.mark.parametrize("n_samples", [0, -1, 2.5, "2"])
def test_rejects_n_samples(make, n_samples):
    message = r"'n_samples' parameter of \w+ must be an int in the range \[1, inf\)"
    with pytest.raises(ValueError, match=rf"{message}.*\. Got {n_samples!r} instead\."):
        make(n_samples)


def test_rejects_per_step():
    with pytest.raises(ValueError, match=r"The 'per_step' parameter .* Got 'yes' instead\."):
        make_parity(10, per_step="yes")


# --- randomness


@pytest.mark.parametrize("make", RANDOM_MAKERS)
def test_the_same_seed_gives_the_same_data(make):
    X, y = make(50, random_state=1)
    X_same, y_same = make(50, random_state=np.random.RandomState(1))
    np.testing.assert_array_equal(flatten(X), flatten(X_same))
    np.testing.assert_array_equal(flatten(y), flatten(y_same))
    assert not np.array_equal(flatten(X), flatten(make(50, random_state=2)[0]))


@pytest.mark.parametrize("make", RANDOM_MAKERS)
def test_a_seeded_call_leaves_the_global_generator_alone(make):
    before = np.random.get_state(legacy=False)  # noqa: NPY002 (the generator under test)
    make(50, random_state=0)
    after = np.random.get_state(legacy=False)  # noqa: NPY002
    np.testing.assert_equal(after, before)
