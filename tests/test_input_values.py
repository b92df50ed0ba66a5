"""Conversion of values and messages about them, without an estimator."""

import numpy as np
import pandas as pd
import pytest
from scipy.sparse import csr_array

from skrnn import Sequences, as_sequences
from skrnn._input.values import (
    advice_to_parse,
    all_finite,
    as_array,
    refuse_overflow,
    refuse_types,
)


def test_numbers_stay_numbers():
    for values in ([1.0, 2.0], (1.0, 2.0), np.array([1.0, 2.0], ">f8")):
        array = as_array(values)
        assert array.dtype == np.float64
        assert array.dtype.isnative
        assert array.tolist() == [1, 2]


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_a_single_value_that_is_not_finite_is_found(value):
    values = np.full((50, 3), 1e200)
    assert all_finite(values)
    assert all_finite(values[:0])
    values[-1, 1] = value
    assert not all_finite(values)
    assert not all_finite(values.T)


def test_masked_values_become_nan():
    mask = [False, True]
    numbers = as_array(np.ma.array([1, 2], mask=mask))
    assert numbers.dtype == np.float64
    np.testing.assert_array_equal(numbers, [1, np.nan])
    text = as_array(np.ma.array(["a", "b"], mask=mask))
    assert text.dtype == object
    assert text[0] == "a"
    assert np.isnan(text[1])


def test_advice_shows_the_first_twenty_characters():
    expected = " If '[1, 2, 3, 4, 5, 6, 7' is a list written as text, parse it, "
    assert advice_to_parse([None, "[1, 2, 3, 4, 5, 6, 7, 8]"]).startswith(expected)
    assert advice_to_parse(["(1, 2)", "[1]"]) == ""


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (np.zeros(2, "M8[s]"), r"datetime64\[s\], but real numbers .*; divide by a unit of time"),
        (np.zeros(2, "m8[D]"), r"timedelta64\[D\], but real numbers .*; divide by a unit of time"),
        (np.zeros(2, [("a", float)]), "but real numbers are required; pass an array of them"),
        (pd.DataFrame({"a": [1.0], "b": pd.to_datetime(["2020-01-01"])}), "X contains values of"),
    ],
)
def test_refused_types(values, message):
    with pytest.raises(ValueError, match=message):
        refuse_types(values, "X")


def test_accepted_types():
    for values in (np.zeros(2), pd.DataFrame({"a": [1.0]}), [1.0]):
        refuse_types(values, "X")


def test_a_number_that_no_float_can_hold():
    with pytest.raises(ValueError, match="y contains a number that no float can hold: "):  # noqa: SIM117
        with refuse_overflow("y"):
            float(10**400)


def test_ids_of_two_columns_become_tuples():
    X = Sequences([[1.0], [2.0]], [1, 1], ids=np.array([["a", "b"], ["c", "d"]]))
    assert X.ids.tolist() == [("a", "b"), ("c", "d")]


@pytest.mark.parametrize(
    ("X", "message"),
    [
        (
            [np.ones((2, 2)), np.ones((1, 2)), np.ones((1, 3))],
            "Sequence 2 of X has 3 features per step, but sequence 0 has 2",
        ),
        (
            [csr_array((2, 4)), csr_array((2, 3))],
            "Sequence 1 of X is a csr_array, but sequence 0 is sparse with 4 features",
        ),
    ],
)
def test_the_sequences_of_different_widths_are_named(X, message):
    with pytest.raises(ValueError, match=message):
        as_sequences(X)


def test_advice_for_one_sequence_is_for_one_axis_only():
    with pytest.raises(ValueError, match=r"Pass a single sequence as \[X\]\."):
        as_sequences(np.ones(3))
    with pytest.raises(ValueError, match="0 sample") as caught:
        as_sequences(np.empty((0, 3)))
    assert "single sequence" not in str(caught.value)


def test_columns_of_sequences_have_one_feature_each():
    X = pd.DataFrame({"a": [[1.0, 2.0], [3.0]], "b": [[4.0, 5.0], [6.0]]})
    assert as_sequences(X, step_features=1).values.tolist() == [[1, 4], [2, 5], [3, 6]]
    with pytest.raises(ValueError, match=r"step_features must be None, not 2\."):
        as_sequences(X, step_features=2)


def test_numbers_among_python_objects_are_read_as_numbers():
    X = Sequences(np.array([[1], [2.5]], dtype=object), [2])
    assert as_sequences(X).values.dtype == np.float64
    assert as_sequences(X).values.tolist() == [[1], [2.5]]


def test_sequences_of_a_list_that_all_lack_steps():
    for X, n_features in (([[], []], 0), ([np.empty((0, 3)), np.empty((0, 3))], 3)):
        sequences = as_sequences(X)
        assert sequences.lengths.tolist() == [0, 0]
        assert sequences.values.shape == (0, n_features)


@pytest.mark.parametrize("shape", [(2, 0, 3), (2, 3, 0), (2, 2, 2, 2)], ids=str)
def test_arrays_with_too_many_axes_or_an_empty_one_are_refused(shape):
    with pytest.raises(
        ValueError, match=r"X has shape \(2, .*\), but \(n_sequences, n_steps, n_fea"
    ):
        as_sequences(np.ones(shape))
