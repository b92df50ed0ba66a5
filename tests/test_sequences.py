"""Reading sequences in every form, and what estimators learn about X in fit."""

import sys

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.testing import assert_array_equal
from sklearn.decomposition import PCA
from sklearn.preprocessing import StandardScaler

from skrnn import (
    PerStep,
    SequencePadder,
    SequenceRNNClassifier,
    Sequences,
    as_sequences,
)
from skrnn._input import read_X, set_learned

NAN, INF = np.nan, np.inf
TWO_STEPS, ONE_STEP = np.array([[1.0, 2.0], [3.0, 4.0]]), np.array([[5.0, 6.0]])
RAGGED = [TWO_STEPS, ONE_STEP]
PADDED = np.array([TWO_STEPS, [[5, 6], [NAN, NAN]]])
VALUES = np.vstack(RAGGED)


def in_object_array(*sequences):
    array = np.empty(len(sequences), dtype=object)
    for i, sequence in enumerate(sequences):
        array[i] = sequence
    return array


def memmap(path, array):
    array.tofile(path)
    return np.memmap(path, array.dtype, "r", shape=array.shape)


def read_only(array):
    array = array.copy()
    array.flags.writeable = False
    return array


class ListLike:
    """A collection with a length and items that is not a list."""

    def __len__(self):
        return len(RAGGED)

    def __getitem__(self, i):
        return RAGGED[i]


FORMS = {
    "list": RAGGED,
    "tuple": tuple(RAGGED),
    "nested lists": [sequence.tolist() for sequence in RAGGED],
    "nested tuples": tuple(tuple(map(tuple, sequence)) for sequence in RAGGED),
    "flat": [sequence.ravel() for sequence in RAGGED],
    "flat lists": [[1, 2, 3, 4], [5, 6]],
    "object array": in_object_array(*RAGGED),
    "object array of lists": in_object_array([[1, 2], [3, 4]], [[5, 6]]),
    "object arrays": [sequence.astype(object) for sequence in RAGGED],
    "Series": pd.Series(RAGGED, index=["b", "a"]),
    "list of DataFrames": [pd.DataFrame(sequence) for sequence in RAGGED],
    "like a list": ListLike(),
    "Sequences": Sequences(VALUES, [2, 1]),
    "Sequences of a frame": Sequences(pd.DataFrame(VALUES, columns=["a", "b"]), [2, 1]),
    "list of named DataFrames": [pd.DataFrame(x, columns=["a", "b"]) for x in RAGGED],
    "nested DataFrame": pd.DataFrame({"a": [[1, 3], [5]], "b": [[2, 4], [6]]}),
    "3-D": PADDED,
    "padded further": np.concatenate([PADDED, np.full((2, 3, 2), NAN)], axis=1),
    "3-D of objects": PADDED.astype(object),
    "2-D": PADDED.reshape(2, -1),
    "2-D of objects": PADDED.reshape(2, -1).astype(object),
    "DataFrame": pd.DataFrame(PADDED.reshape(2, -1)),
    "read-only": read_only(PADDED),
    "read-only list": [read_only(sequence) for sequence in RAGGED],
    "Fortran order": np.asfortranarray(PADDED),
    "strided": np.repeat(PADDED, 2, axis=1)[:, ::2],
    "reversed": PADDED[::-1].copy()[::-1],
    "big-endian": PADDED.astype(">f8"),
    "big-endian list": [sequence.astype(">f8") for sequence in RAGGED],
    "integers": [sequence.astype(int) for sequence in RAGGED],
    "mixed": [TWO_STEPS.astype(np.float32), ONE_STEP.astype(np.int8)],
}


@pytest.mark.parametrize("form", FORMS)
def test_every_form_is_read(form):
    step_features = None if form == "nested DataFrame" else 2
    sequences = as_sequences(FORMS[form], step_features=step_features)
    values, lengths = sequences.values, sequences.lengths
    assert_array_equal(values, VALUES)
    assert_array_equal(lengths, [2, 1])
    assert type(values) is np.ndarray
    assert values.dtype == np.float64
    assert values.dtype.isnative
    assert lengths.dtype.kind == "i"


def test_memmap_is_read(tmp_path):
    sequences = as_sequences(memmap(tmp_path / "padded", PADDED))
    values, lengths = sequences.values, sequences.lengths
    assert_array_equal(values, VALUES)
    assert_array_equal(lengths, [2, 1])


@pytest.mark.parametrize(
    "X",
    [
        [[1, 2], [3]],
        ([1, 2], [3]),
        [[[1], [2]], [[3]]],
        in_object_array([1, 2], [3]),
        pd.Series([[1, 2], [3]]),
        [pd.Series([1, 2], index=[7, 5]), pd.Series([3])],
        [range(1, 3), (3,)],
        np.array([[1, 2], [3, NAN]]),
        np.array([[[1], [2]], [[3], [NAN]]]),
    ],
    ids=repr,
)
def test_one_feature(X):
    sequences = as_sequences(X)
    values, lengths = sequences.values, sequences.lengths
    assert_array_equal(values, [[1], [2], [3]])
    assert_array_equal(lengths, [2, 1])


def test_object_array_of_arrays_of_equal_length():
    sequences = as_sequences(in_object_array(TWO_STEPS, TWO_STEPS + 4))
    values, lengths = sequences.values, sequences.lengths
    assert_array_equal(values, [[1, 2], [3, 4], [5, 6], [7, 8]])
    assert_array_equal(lengths, [2, 2])


@pytest.mark.parametrize(
    ("dtypes", "expected"),
    [
        (["f4", "f4"], "f4"),
        (["f4", "f8"], "f8"),
        (["f8", "f8"], "f8"),
        (["f4", "i1"], "f8"),
        (["f2", "f2"], "f8"),
        (["i8", "i8"], "f8"),
        (["u1", "u1"], "f8"),
        (["?", "?"], "f8"),
        (["O", "O"], "f8"),
    ],
    ids=str,
)
def test_float32_is_kept_and_other_types_become_float64(dtypes, expected):
    first, second = (np.array([[0, 1], [1, 1]], dtype) for dtype in dtypes)
    forms = [[first, second], in_object_array(first, second), pd.Series([first, second])]
    if dtypes[0] == dtypes[1]:
        forms += [np.stack([first, second]), first]
    for X in forms:
        assert as_sequences(X).values.dtype == expected


def test_values_are_not_converted_with_numeric_false():
    text = as_sequences([["a", "b"], ["c"]], numeric=False)
    assert_array_equal(text.values, [["a"], ["b"], ["c"]])
    assert_array_equal(text.lengths, [2, 1])
    table = np.array([[1, 2], [3, 4]])
    for X in (table, table[..., None], pd.DataFrame(table)):
        assert as_sequences(X, numeric=False).values.dtype == table.dtype
    missing = as_sequences([[NAN, 1, None], [INF]], numeric=False)
    assert_array_equal(missing.values, [[NAN], [1], [NAN], [INF]])


FLOATS = st.floats(allow_nan=False, allow_infinity=False, width=32)


@st.composite
def ragged(draw):
    n_features = draw(st.integers(1, 3))
    lengths = draw(st.lists(st.integers(1, 5), min_size=1, max_size=5))
    dtype = draw(st.sampled_from([np.float32, np.float64]))
    return [draw(arrays(dtype, (n, n_features), elements=FLOATS)) for n in lengths]


def assert_same(sequences, expected):
    """Check that sequences equal a list of arrays, bit for bit."""
    assert_array_equal(sequences.values, np.concatenate(expected), strict=True)
    assert_array_equal(sequences.lengths, [len(steps) for steps in expected])


@given(X=ragged(), extra=st.integers(0, 2))
def test_round_trips(X, extra):
    sequences = as_sequences(X)
    n_features = X[0].shape[1]
    padded = sequences.to_padded(sequences.lengths.max() + extra)
    assert_same(sequences, X)
    assert_same(as_sequences(sequences.to_ragged()), X)
    assert_same(as_sequences(padded), X)
    assert_same(as_sequences(padded.reshape(len(X), -1), step_features=n_features), X)
    assert_same(as_sequences([steps.ravel() for steps in X], step_features=n_features), X)


@given(X=ragged(), flat=st.booleans())
def test_padder_is_inverted(X, flat):
    padder = SequencePadder(flat=flat)
    assert_same(as_sequences(padder.inverse_transform(padder.fit_transform(X))), X)


def test_to_ragged_makes_a_one_dimensional_object_array():
    for lengths in ([2, 2], [4], [1, 3]):
        ragged = Sequences(np.arange(8.0).reshape(4, 2), np.array(lengths)).to_ragged()
        assert ragged.dtype == object
        assert [steps.shape for steps in ragged] == [(n, 2) for n in lengths]


def test_to_padded_refuses_to_drop_steps():
    with pytest.raises(ValueError, match="n_steps=1 is less than the longest sequence has: 2"):
        Sequences(np.ones((3, 1)), np.array([1, 2])).to_padded(1)


@pytest.mark.parametrize(
    ("values", "lengths"),
    [
        (np.ones((5, 1)), [2, 2]),
        (np.ones((3, 1)), [2, 2]),
        (np.ones((1, 1)), [2, -1]),
        (np.ones((2, 1)), [1.0, 1.0]),
        (np.ones((2, 1)), []),
        (np.ones(2), [1, 1]),
    ],
)
def test_sequences_that_do_not_fit_together_are_refused(values, lengths):
    message = "Sequences need values of shape|lengths must be integers|values must be a table"
    with pytest.raises(ValueError, match=message):
        as_sequences(Sequences(values, np.array(lengths)))
    with pytest.raises(ValueError, match=message):
        as_sequences(Sequences(values, lengths))


def test_to_padded_takes_a_length_and_a_value():
    padded = Sequences(np.array([[1.0], [2], [3]]), np.array([1, 2])).to_padded(3, -1)
    assert_array_equal(padded[..., 0], [[1, -1, -1], [2, 3, -1]])


GOOD = [[1.0, 2.0], [3.0]]
SPARSE = sp.csr_array(np.eye(2))
# Input that as_sequences refuses: X, the exception, part of its message.
REFUSED = {
    "empty list": ([], ValueError, "X is empty"),
    "empty object array": (in_object_array(), ValueError, "X is empty"),
    "empty Series": (pd.Series([], dtype=object), ValueError, "X is empty"),
    "no features": ([np.ones((2, 0))], ValueError, "Sequence 0 of X has shape"),
    "no samples": (np.ones((0, 3, 2)), ValueError, "0 sample"),
    "no samples in 2-D": (np.ones((0, 3)), ValueError, "0 sample"),
    "no time": (np.ones((3, 0, 2)), ValueError, r"shape \(3, 0, 2\)"),
    "no depth": (np.ones((3, 2, 0)), ValueError, r"shape \(3, 2, 0\)"),
    "no columns": (np.ones((3, 0)), ValueError, "0 feature"),
    "only NaN": ([[1.0], [NAN, NAN]], ValueError, "NaN at step 0 of sequence 1"),
    "NaN at the end of a list": ([[1.0], [2, NAN]], ValueError, "NaN at step 1 of sequence 1"),
    "NaN inside": ([[1.0], [1, NAN, 1]], ValueError, "NaN at step 1 of sequence 1"),
    "NaN at the start": (np.array([[1, 1], [NAN, 1]]), ValueError, "NaN at step 0 of sequence 1"),
    "NaN inside 3-D": (
        np.array([[[1.0, 1], [NAN, 1], [1, 1]]]),
        ValueError,
        "NaN at step 1 of sequence 0",
    ),
    "partial NaN in the last step": (
        [np.ones((2, 2)), [[1, 1], [1, 1], [1, NAN], [NAN, NAN]]],
        ValueError,
        "NaN at step 2 of sequence 1, feature 1",
    ),
    "inf": ([[1.0], [1, 1, INF]], ValueError, "infinity at step 2 of sequence 1"),
    "-inf in 3-D": (np.full((1, 1, 1), -INF), ValueError, "infinity at step 0 of sequence 0"),
    "integer beyond float64": ([[10**400]], ValueError, "Sequence 0 of X .* too large to convert"),
    "text": ([["a", "b"], ["c"]], ValueError, "text, .* at step 0 of sequence 0"),
    "text as objects": (
        [np.array([1, "a"], dtype=object)],
        ValueError,
        "text, .* at step 1 of seq",
    ),
    "text in 2-D": (np.array([["a", "b"]]), ValueError, "text, .* at step 0 of sequence 0"),
    "a text for each sequence": (
        np.array(["ab", "b"]),
        ValueError,
        r"\[list\(text\) for text in X",
    ),
    "a column of texts": (np.array([["ab"], ["b"]]), ValueError, r"\[list\(text\) for text in X"),
    "list of texts": (["ab", "b"], ValueError, r"of its characters, list\('ab'\) makes a sequence"),
    "dictionaries": ([[{"a": 1}]], TypeError, "a dictionary, .* at step 0 of .*DictVectorizer"),
    "text beside numbers": (
        [[["a", 1.0]]],
        ValueError,
        "text, .* at step 0 of sequence 0, feature 0",
    ),
    "numbers as text": ([["1", "2"], ["3"]], ValueError, "text, .* at step 0 of sequence 0"),
    "numbers as text in 2-D": (np.array([["1", "2"]]), ValueError, "text, .* at step 0 of seq"),
    "numbers as text in 2-D of objects": (
        np.array([[1, "2"]], dtype=object),
        ValueError,
        "text, .* at step 1 of sequence 0",
    ),
    "None": ([[1.0, None]], ValueError, "NaN at step 1 of sequence 0"),
    "ragged widths": (
        [np.ones((2, 2)), np.ones((2, 3))],
        ValueError,
        "Sequence 1 of X has 3 features per step, but sequence 0 has 2",
    ),
    "ragged steps": ([[[1, 2], [3]]], ValueError, "Sequence 0 of X is not an array"),
    "3-D element": ([np.ones((1, 1, 1))], ValueError, "Sequence 0 of X has shape"),
    "complex": ([[1j]], ValueError, "Sequence 0 of X must hold real .* got complex"),
    "complex 3-D": (np.ones((1, 1, 1), complex), ValueError, "[Cc]omplex"),
    "dates": ([np.array(["2020-01-01"], "M8[D]")], ValueError, "real numbers.* got datetime64"),
    "dates as objects": (
        [in_object_array(np.datetime64("2020-01-01", "ns"))],
        ValueError,
        "real numbers.* got datetime64",
    ),
    "sparse": (SPARSE, TypeError, "got csr_array. For sparse steps, use skrnn.Sequences"),
    "sparse elements": (
        [[[1.0, 0]], SPARSE],
        ValueError,
        "Sequence 0 of X is a list, but sequence 1 is sparse",
    ),
    "scalars": ([1.0, 2.0], ValueError, r"Sequence 0 of X has shape \(\)"),
    "1-D array": (np.array([1.0, 2.0]), ValueError, "1D array"),
    "scalar": (1.0, TypeError, "float"),
    "0-D array": (np.array(1.0), ValueError, "got scalar array instead"),
    "4-D": (np.ones((1, 1, 1, 1)), ValueError, r"X has shape \(1, 1, 1, 1\)"),
    "dict": ({0: [1.0]}, TypeError, r"got dict. Pass list\(X.values\(\)\)"),
    "str": ("abc", TypeError, r"got str. A sequence of characters is list\(text\)"),
    "bytes": (b"abc", TypeError, "bytes"),
    "generator": ((sequence for sequence in GOOD), TypeError, r"generator. .* pass list\(X\)"),
    "groups": (pd.DataFrame({"i": [1], "x": [1]}).groupby("i"), TypeError, "for _, group in X"),
    "pairs": ([(1, pd.DataFrame({"x": [1]}))], ValueError, "a pair of a key and a frame"),
    "None alone": (None, TypeError, "NoneType"),
}
REFUSED_STEP_FEATURES = {
    "does not divide": (2, "Sequence 1 of X holds 1 values"),
    "zero": (0, "step_features"),
    "negative": (-1, "step_features"),
    "float": (1.0, "step_features"),
    "text": ("1", "step_features"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_refused(case):
    X, exception, message = REFUSED[case]
    with pytest.raises(exception, match=message):
        as_sequences(X)


@pytest.mark.parametrize("case", REFUSED_STEP_FEATURES)
def test_step_features_refused(case):
    step_features, message = REFUSED_STEP_FEATURES[case]
    with pytest.raises(ValueError, match=message):
        as_sequences(GOOD, step_features=step_features)


def test_number_of_columns_that_is_no_multiple_of_step_features():
    with pytest.raises(ValueError, match="X holds 3 values in a row"):
        as_sequences(np.ones((2, 3)), step_features=2)


# What estimators and transformers learn about X in fit.

Y = [0, 1]
NAMES = ["a", "b", "c", "d"]
FRAME = pd.DataFrame(PADDED.reshape(2, -1), columns=NAMES)


@pytest.fixture(params=["classifier", "padder", "per step"])
def estimator(request):
    return {
        "classifier": SequenceRNNClassifier(
            2, step_features=2, max_iter=1, learning_rate="cosine", random_state=0
        ),
        "padder": SequencePadder(step_features=2),
        "per step": PerStep(StandardScaler(), step_features=2),
    }[request.param]


def apply(estimator, X):
    return (estimator.predict if hasattr(estimator, "predict") else estimator.transform)(X)


@pytest.mark.parametrize(
    ("form", "n_features_in"),
    [("list", 2), ("flat", 2), ("object array", 2), ("3-D", 2), ("2-D", 4), ("DataFrame", 4)],
)
def test_number_of_features_learned(estimator, form, n_features_in):
    estimator.fit(FORMS[form], Y)
    assert estimator.n_features_in_ == n_features_in
    assert estimator.n_step_features_ == 2
    assert not hasattr(estimator, "feature_names_in_")


def test_feature_names_learned_and_forgotten(estimator):
    assert_array_equal(estimator.fit(FRAME, Y).feature_names_in_, NAMES)
    assert not hasattr(estimator.fit(RAGGED, Y), "feature_names_in_")
    estimator.fit(FRAME, Y)
    assert not hasattr(estimator.fit(FRAME.to_numpy(), Y), "feature_names_in_")


def test_feature_names_checked(estimator):
    estimator.fit(FRAME, Y)
    apply(estimator, FRAME)
    apply(estimator, RAGGED)
    with pytest.raises(ValueError, match="feature names should match"):
        apply(estimator, FRAME[NAMES[::-1]])
    with pytest.warns(UserWarning, match="does not have valid feature names"):
        apply(estimator, FRAME.to_numpy())


@pytest.mark.parametrize(
    ("fitted", "X", "message"),
    [
        ("2-D", np.ones((2, 6)), "X has 6 features, but .* expecting 4 features"),
        ("2-D", np.ones((2, 2, 3)), "X has 3 features per step, but .* expecting 2"),
        ("2-D", [np.ones((2, 3))], "X has 3 features per step, but .* expecting 2"),
        ("list", np.ones((2, 2, 3)), "X has 3 features per step, but .* expecting 2"),
        ("list", [np.ones((2, 1))], "X has 1 features per step, but .* expecting 2"),
        ("3-D", [np.ones((2, 1))], "X has 1 features per step, but .* expecting 2"),
        ("3-D", np.ones((2, 3)), "not a multiple of step_features=2"),
        ("equal flat lists", np.ones((2, 6)), "X has 6 columns, but .* 4 values each"),
    ],
)
def test_other_widths_are_refused(estimator, fitted, X, message):
    estimator.fit({**FORMS, "equal flat lists": [[1, 2, 3, 4], [5, 6, 7, 8]]}[fitted], Y)
    with pytest.raises(ValueError, match=message):
        apply(estimator, X)


@pytest.mark.parametrize("fitted", ["list", "3-D", "2-D"])
def test_other_lengths_are_accepted(estimator, fitted):
    estimator.fit(FORMS[fitted], Y)
    assert len(apply(estimator, [np.ones((9, 2)), ONE_STEP, np.ones((7, 2))])) == 3
    assert len(apply(estimator, np.ones((3, 9, 2)))) == 3


def test_reading_changes_no_estimator(estimator):
    estimator.fit(FRAME, Y)
    before = dict(vars(estimator))
    for X in (FRAME, RAGGED, PADDED):
        for reset in (True, False):
            read_X(estimator, X, reset=reset)
            assert vars(estimator) == before


def test_attributes_that_fit_learns(estimator):
    reading, learned = read_X(estimator, FRAME, reset=True)
    assert_same(reading.sequences, RAGGED)
    assert (reading.n_axes, reading.n_steps, reading.n_columns) == (2, 2, 4)
    assert learned.pop("feature_names_in_").tolist() == NAMES
    expected = {"n_features_in_": 4, "_fitted_on_table": True, "_n_columns": 4}
    assert learned == {"n_step_features_": 2, **expected}
    expected = {"n_features_in_": 2, "_fitted_on_table": False, "_n_columns": None}
    assert read_X(estimator, RAGGED, reset=True)[1] == {"n_step_features_": 2, **expected}
    assert read_X(estimator.fit(RAGGED, Y), RAGGED, reset=False)[1] == {}


def test_names_of_an_earlier_fit_are_removed():
    padder = SequencePadder()
    set_learned(padder, {"n_features_in_": 1, "feature_names_in_": ["a"]})
    set_learned(padder, {})
    assert padder.feature_names_in_ == ["a"]
    set_learned(padder, {"n_features_in_": 2})
    assert padder.n_features_in_ == 2
    assert not hasattr(padder, "feature_names_in_")


@pytest.mark.parametrize("case", [name for name in REFUSED if "text" not in name])
def test_estimators_refuse_what_as_sequences_refuses(estimator, case):
    X, exception, message = REFUSED[case]
    estimator.step_features = None
    if isinstance(estimator, PerStep):  # a transformer that does not accept missing values
        estimator.transformer = PCA()
        message = message.replace("a dictionary, .*", "a dictionary, first")
        message = message.replace(".*DictVectorizer", "")
    y = Y[: len(X)] if case == "dictionaries" else Y
    with pytest.raises(exception, match=message):
        estimator.fit(X, y)
    estimator.fit(GOOD, Y)
    # The number of features is checked before the values.
    with pytest.raises(exception, match=f"{message}|X has 2 features per step"):
        apply(estimator, X)


@pytest.mark.parametrize("dtype", ["f4", "f2", "i8", "i4", "u1", "?"])
@pytest.mark.parametrize("shape", [(50, 40, 3), (50, 40)])
def test_no_type_of_numbers_is_read_value_by_value(dtype, shape):
    """Python calls about as many functions for a sequence as if it were of floats."""

    def calls(X):
        count = 0

        def profile(frame, event, argument):
            nonlocal count
            count += event in ("call", "c_call")

        as_sequences(X)  # imports and caches come before
        sys.setprofile(profile)
        try:
            as_sequences(X)
        finally:
            sys.setprofile(None)
        return count

    floats = list(np.ones(shape))
    others = [x.astype(dtype) for x in floats]
    assert calls(others) <= calls(floats) + 4 * len(floats)  # 6,000 or 2,000 values
