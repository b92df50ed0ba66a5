"""The Japanese vowels have the values, counts and names of the original."""

import numpy as np
import pytest

from skrnn.datasets import load_japanese_vowels

N_TEST = [31, 35, 88, 44, 29, 24, 40, 50, 29]

# The first and the last step of the first training utterance and of the last test utterance, as
# printed in the original.
TRAIN_FIRST = """
1.860936 -0.207383 0.261557 -0.214562 -0.171253 -0.118167
-0.277557 0.025668 0.126701 -0.306756 -0.213076 0.088728

1.261441 -0.63835 0.217443 0.263384 0.391115 -0.176897
-0.510697 0.020526 -0.217709 -0.219071 -0.033314 -0.175986
"""
TEST_LAST = """
1.421622 -0.386758 -0.187715 -0.504102 -0.026528 -0.56274
0.087821 0.168902 -0.137287 0.087146 -0.142142 0.101818

1.177449 -0.40408 0.052026 -0.284812 0.42984 -0.203484
-0.072393 -0.080955 -0.244424 -0.001849 -0.016634 0.224688
"""


@pytest.mark.parametrize(
    ("subset", "n_per_speaker", "shortest", "longest"),
    [("train", [30] * 9, 7, 26), ("test", N_TEST, 7, 29)],
)
def test_counts_and_lengths(subset, n_per_speaker, shortest, longest):
    vowels = load_japanese_vowels(subset=subset)
    np.testing.assert_array_equal(vowels.target, np.repeat(np.arange(1, 10), n_per_speaker))
    assert vowels.data.shape == (sum(n_per_speaker),)
    lengths = [len(x) for x in vowels.data]
    assert (min(lengths), max(lengths)) == (shortest, longest)


def test_types_and_shapes():
    X, y = load_japanese_vowels(subset="all", return_X_y=True)
    assert X.shape == y.shape == (640,)
    assert X.dtype == object
    assert y.dtype == int
    assert sum(len(x) for x in X) == 9961
    for x in X:
        assert x.shape == (len(x), 12)
        assert x.dtype == np.float64
        assert x.flags.c_contiguous
        assert x.flags.writeable


def test_values_are_exactly_the_printed_ones():
    first = load_japanese_vowels(subset="train").data[0]
    last = load_japanese_vowels(subset="test").data[-1]
    assert (len(first), len(last)) == (20, 11)
    assert first[[0, -1]].ravel().tolist() == [float(v) for v in TRAIN_FIRST.split()]
    assert last[[0, -1]].ravel().tolist() == [float(v) for v in TEST_LAST.split()]


def test_all_is_train_then_test():
    X, y = load_japanese_vowels(subset="all", return_X_y=True)
    parts = [load_japanese_vowels(subset=s, return_X_y=True) for s in ("train", "test")]
    np.testing.assert_array_equal(y, np.concatenate([part[1] for part in parts]))
    for x, expected in zip(X, np.concatenate([part[0] for part in parts]), strict=True):
        np.testing.assert_array_equal(x, expected)


def test_train_is_the_default():
    X, y = load_japanese_vowels(return_X_y=True)
    vowels = load_japanese_vowels(subset="train")
    assert len(X) == 270
    np.testing.assert_array_equal(np.concatenate(X), np.concatenate(vowels.data))
    np.testing.assert_array_equal(y, vowels.target)


def test_names():
    vowels = load_japanese_vowels()
    assert vowels.target_names == [f"speaker {i}" for i in np.unique(vowels.target)]
    assert vowels.feature_names[0] == "lpc_1"
    assert vowels.feature_names[-1] == "lpc_12"
    assert len(vowels.feature_names) == vowels.data[0].shape[1]


@pytest.mark.parametrize(
    "text",
    ["UCI Machine Learning", "CC BY 4.0", "10.24432/C5NS47", "Mineichi Kudo"],
)
def test_the_description_gives_credit(text):
    assert text in load_japanese_vowels().DESCR


def test_each_call_returns_new_arrays():
    load_japanese_vowels().data[0][:] = 0
    assert load_japanese_vowels().data[0][0, 0] == 1.860936


def test_unknown_subset():
    with pytest.raises(ValueError, match=r"'subset' parameter .* Got 'validation'") as refused:
        load_japanese_vowels(subset="validation")
    assert all(repr(subset) in str(refused.value) for subset in ("train", "test", "all"))


def test_return_X_y_is_a_boolean():
    with pytest.raises(ValueError, match=r"The 'return_X_y' parameter .* Got 'yes' instead\."):
        load_japanese_vowels(return_X_y="yes")
