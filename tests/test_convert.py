"""Conversion from layouts of other libraries to sequences and back."""

import datetime

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.testing import assert_array_equal
from scipy.io import loadmat, savemat
from sklearn.model_selection import KFold, cross_val_score, train_test_split
from sklearn.preprocessing import StandardScaler

from skrnn import PerStep, SequenceRNNClassifier, Sequences, StepRNNRegressor, as_sequences
from skrnn._input import object_array
from skrnn.convert import (
    as_ragged,
    from_channels_first,
    from_lengths,
    from_long,
    from_nested,
    make_windows,
    to_channels_first,
    to_lengths,
    to_long,
    to_nested,
)

NAN = np.nan
few = settings(max_examples=50, deadline=None)  # the first import of a library is slow
FLOATS = st.floats(allow_nan=False, allow_infinity=False, width=32)
FRAMES = {"dict": dict, "pandas": "DataFrame", "polars": "DataFrame", "pyarrow": "table"}


@st.composite
def ragged(draw):
    n_features = draw(st.integers(1, 3))
    lengths = draw(st.lists(st.integers(1, 5), min_size=1, max_size=5))
    dtype = draw(st.sampled_from([np.float32, np.float64, np.int64, np.bool_]))
    elements = FLOATS if dtype in (np.float32, np.float64) else None
    return [draw(arrays(dtype, (n, n_features), elements=elements)) for n in lengths]


def assert_same(sequences, expected):
    """Check a 1-D object array of one array for each sequence, bit for bit, with types."""
    if isinstance(sequences, Sequences):
        sequences = object_array([np.asarray(steps) for steps in sequences])
    assert isinstance(sequences, np.ndarray)
    assert sequences.shape == (len(expected),)
    assert sequences.dtype == object
    for one, other in zip(sequences, expected, strict=True):
        assert_array_equal(one, other, strict=True)


def in_frame(library, table):
    if library == "dict":
        return table
    return getattr(pytest.importorskip(library), FRAMES[library])(table)


# as_ragged


@few
@given(X=ragged())
def test_as_ragged_is_the_same_for_every_form(X):
    assert_same(as_ragged(X), X)
    assert_same(as_ragged(as_ragged(X)), X)
    assert_same(as_ragged(as_sequences(X, numeric=False)), X)
    flat = [steps.ravel() for steps in X]
    assert_same(as_ragged(flat, step_features=X[0].shape[1]), X)
    if X[0].dtype.kind == "f":
        assert_same(as_ragged(as_sequences(X).to_padded()), X)


def test_sequences_without_steps_round_trip():
    X = [np.ones((2, 1)), np.empty((0, 1))]
    assert_same(from_lengths(*to_lengths(X)), X)
    assert_same(from_nested(to_nested(X)), X)


@pytest.mark.parametrize("lengths", [[2, 2], [3], [1, 4], [1, 1, 1]])
def test_as_ragged_can_be_indexed_and_split(lengths):
    X = [np.full((n, 2), n, float) for n in lengths]
    ragged = as_ragged(X)
    assert_same(ragged[::-1], X[::-1])
    assert_same(ragged[np.arange(len(X)) == 0], X[:1])
    if len(X) > 1:
        train, test = train_test_split(ragged, test_size=1, random_state=0)
        assert train.ndim == test.ndim == 1


def test_as_ragged_keeps_text_and_missing_values():
    assert_same(as_ragged([["a", "b"], ["c"]]), [np.array([["a"], ["b"]]), np.array([["c"]])])
    assert_same(as_ragged([[1.0, NAN, 2.0]]), [np.array([[1.0], [NAN], [2.0]])])


def test_as_ragged_of_a_3_d_object_array():
    packed = np.array([[[1.0, 2.0]], [[3.0, 4.0]]], dtype=object)  # NumPy stacks equal shapes
    assert packed.ndim == 3
    assert [steps.shape for steps in as_ragged(packed)] == [(1, 2), (1, 2)]


# Lengths


@few
@given(X=ragged())
def test_lengths_round_trip(X):
    rows, lengths = to_lengths(X)
    assert_array_equal(rows, np.concatenate(X), strict=True)
    assert lengths.tolist() == [len(steps) for steps in X]
    assert_same(from_lengths(rows, lengths), X)
    assert_same(from_lengths(rows.tolist(), lengths.tolist()), [x.tolist() for x in X])
    labels = from_lengths(rows[:, 0], lengths)
    assert_same(labels, [steps[:, 0] for steps in X])


@pytest.mark.parametrize(
    ("X", "lengths", "message"),
    [
        (np.ones((3, 1)), [1, 1], "lengths add up to 2 steps, but X has 3 rows"),
        (np.ones((3, 1)), [4], "lengths add up to 4 steps, but X has 3 rows"),
        (np.ones((3, 1)), [4, -1], "integer of at least 0"),
        (np.ones((3, 1)), [1.5, 1.5], "integer of at least 0"),
        (np.ones((3, 1)), [[1, 2]], "integer of at least 0"),
        (np.ones((0, 1)), [], "integer of at least 0"),
        (np.ones((3, 1)), 3, "integer of at least 0"),
        (np.ones((3, 1, 1)), [3], r"X has shape \(3, 1, 1\)"),
        (1.0, [1], r"X has shape \(\)"),
    ],
)
def test_lengths_refused(X, lengths, message):
    with pytest.raises(ValueError, match=message):
        from_lengths(X, lengths)


# Long tables


@few
@given(X=ragged(), data=st.data())
@pytest.mark.parametrize("library", FRAMES)
def test_long_round_trip(library, X, data):
    ids = data.draw(st.lists(st.text("abc", max_size=2), unique=True, min_size=len(X), max_size=9))
    ids = ids[: len(X)]
    names = [f"feature {k}" for k in range(X[0].shape[1])]
    table = to_long(X, ids, id="who", time="when", columns=names)
    assert list(table) == ["who", "when", *names]
    order = data.draw(st.permutations(range(len(table["who"]))))
    shuffled = {name: column[list(order)] for name, column in table.items()}
    for rows in (table, shuffled):
        sequences, found = from_long(in_frame(library, rows), "who", "when")
        assert sorted(found) == sorted(ids)
        assert found.tolist() == list(dict.fromkeys(rows["who"].tolist()))
        by_id = dict(zip(ids, X, strict=True))
        assert_same(sequences, [by_id[name] for name in found])


@few
@given(X=ragged())
def test_long_round_trip_through_a_multiindex(X):
    frame = pd.DataFrame(to_long(X)).set_index(["id", "time"])
    sequences, ids = from_long(frame)
    assert_same(sequences, X)
    assert_array_equal(ids, np.arange(len(X)))
    assert_same(from_long(frame.reset_index("time"), "id", "time")[0], X)
    assert_same(from_long(frame, "id", "time")[0], X)
    of_series = from_long(frame["x0"])[0]  # the index has ids and times
    assert_same(of_series, [steps[:, :1] for steps in X])


def test_long_table_of_ids_times_and_labels():
    pl = pytest.importorskip("polars")
    day = datetime.date(2024, 1, 1), datetime.date(2024, 1, 2), datetime.date(2024, 1, 10)
    rows = {
        "id": [7, 3, 7, 3, 7],
        "day": [day[2], day[1], day[0], day[0], day[1]],
        "u": [2, 10, 0, 11, None],
        "ok": [True, False, True, True, False],
        "tag": ["c", "x", "a", "y", "b"],
    }
    utc = pd.DataFrame(rows).assign(day=lambda frame: pd.to_datetime(frame["day"], utc=True))
    for frame in (pd.DataFrame(rows), pl.DataFrame(rows), rows, utc, utc):
        sequences, ids = from_long(frame, "id", "day", columns=["u", "ok"])
        assert ids.tolist() == [7, 3]
        first, second = (np.asarray(steps).astype(float) for steps in sequences)
        assert_array_equal(first, [[0, 1], [NAN, 0], [2, 1]])
        assert_array_equal(second, [[11, 1], [10, 0]])
        tags, _ = from_long(frame, "id", "day", columns="tag")  # labels of steps
        assert [of_one.tolist() for of_one in tags] == [["a", "b", "c"], ["y", "x"]]
        mixed, _ = from_long(frame, "id", "day", columns=["tag", "ok"])
        assert np.asarray(mixed[0]).tolist() == [["a", True], ["b", False], ["c", True]]


def test_long_table_without_time_keeps_the_order_of_rows():
    sequences, ids = from_long({"id": ["b", "a", "b"], "u": [3.0, 1.0, 2.0]}, "id")
    assert ids.tolist() == ["b", "a"]
    assert_same(sequences, [np.array([[3.0], [2.0]]), np.array([[1.0]])])


def test_ids_of_any_kind():
    for ids in ([1, "1"], [(1, 2), (1, 3)], [0.5, 1.5], [True, False]):
        table = {"id": [ids[0], ids[1], ids[0]], "u": [1.0, 2.0, 3.0]}
        sequences, found = from_long(table, "id")
        assert [type(i) for i in found.tolist()] == [type(i) for i in ids]
        assert found.tolist() == ids
        assert_same(sequences, [np.array([[1.0], [3.0]]), np.array([[2.0]])])
    dates = np.array(["2024-01-01", "2024-01-02"], "M8[D]")
    assert_array_equal(from_long({"id": dates, "u": [1, 2]}, "id")[1], dates)


TABLE = {"id": ["a", "a", "b"], "time": [0.0, 1.0, 0.0], "u": [1.0, 2.0, 3.0]}
DATES = np.array(["2024-01-01", "2024-01-01", "2024-01-01"], "M8[D]")
# Changes of the table, and part of the error message.
BAD_TABLES = {
    "None in ids": ({"id": ["a", None, "b"]}, "column 'id' is missing in row 1"),
    "NaN in ids": ({"id": [1.0, 1.0, NAN]}, "column 'id' is missing in row 2"),
    "NaN in times": (
        {"time": [0.0, 1.0, NAN]},
        "column 'time' is missing in row 2",
    ),
    "a time twice": ({"time": [1.0, 1.0, 0.0]}, "id a has more than one step at 'time' 1.0"),
    "a date twice": ({"time": DATES}, "id a has more than one step at 'time' 2024-01-01"),
    "times of text": (
        {"time": ["9", "10", "1"]},
        r"times in 'time' must be numbers or dates.* row 0 holds '9'.*to_numeric\(table\['time",
    ),
    "sequences": (
        {"u": [[1.0], [2.0], [3.0, 4.0]]},
        "Column 'u' holds a sequence in row 0",
    ),
    "no feature": ({"u": None}, "No column is left"),
    "no id": ({"id": None}, "There is no column 'id'; the columns are"),
    "no time": ({"time": None}, "There is no column 'time'"),
    "no rows": ({"id": [], "time": [], "u": []}, "one number of rows, at least 1.*'id': 0"),
}


@pytest.mark.parametrize("library", FRAMES)
@pytest.mark.parametrize("case", BAD_TABLES)
def test_bad_tables(case, library):
    changes, message = BAD_TABLES[case]
    table = {name: column for name, column in {**TABLE, **changes}.items() if column is not None}
    with pytest.raises(ValueError, match=message):
        from_long(in_frame(library, table), "id", "time")


@pytest.mark.parametrize(
    ("frame", "arguments", "exception", "message"),
    [
        (TABLE, {}, ValueError, "id must name a column"),
        (TABLE, {"time": "time"}, ValueError, "id must name a column"),
        (pd.DataFrame(TABLE).set_index("id"), {}, ValueError, r"got levels \['id'\]"),
        (pd.DataFrame(TABLE).set_index(["id", "time"]), {"time": "time"}, ValueError, "id must"),
        (np.ones((3, 3)), {"id": "id"}, TypeError, "A frame or mapping of columns .* ndarray"),
        ([[1, 2]], {"id": "id"}, TypeError, "A frame or mapping of columns .* list"),
        (pd.DataFrame([[1, 2]], columns=["a", "a"]), {"id": "a"}, ValueError, "must differ"),
        ({"id": [[1], [2]], "u": [1, 2]}, {"id": "id"}, ValueError, "must be single values"),
        ({"id": np.ones((2, 2)), "u": [1, 2]}, {"id": "id"}, ValueError, "must be single values"),
        ({**TABLE, "time": [0, "x", 1]}, {"id": "id", "time": "time"}, ValueError, "must be num"),
        ({**TABLE, "time": [0, 1j, 1]}, {"id": "id", "time": "time"}, ValueError, "no order"),
        ({**TABLE, "u": [1, 2]}, {"id": "id"}, ValueError, "one number of rows.*'u': 2"),
    ],
)
def test_from_long_refuses(frame, arguments, exception, message):
    with pytest.raises(exception, match=message):
        from_long(frame, **arguments)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"ids": ["a"]}, "ids must hold 2 different ids"),
        ({"ids": ["a", "a"]}, "ids must hold 2 different ids"),
        ({"columns": ["u", "v"]}, "columns must hold 1 different names"),
        ({"columns": ["id"]}, "other than \\['"),
        ({"id": "t", "time": "t"}, "other than \\['"),
    ],
)
def test_to_long_refuses(arguments, message):
    with pytest.raises(ValueError, match=message):
        to_long([[1.0], [2.0]], **arguments)


def test_splitting_a_long_table_separates_steps_of_a_sequence():
    table = pd.DataFrame(to_long([[1.0, 2.0, 3.0, 4.0]] * 6))
    train, test = next(KFold(2, shuffle=True, random_state=0).split(table))
    assert set(table["id"].iloc[train]) & set(table["id"].iloc[test])
    sequences, ids = from_long(table, "id", "time")
    train, test = next(KFold(2, shuffle=True, random_state=0).split(sequences))
    assert not set(ids[train]) & set(ids[test])


# Channels first


@few
@given(X=ragged())
def test_channels_first_round_trip(X):
    channels_first = to_channels_first(X)
    assert isinstance(channels_first, list)
    assert [x.shape for x in channels_first] == [steps.shape[::-1] for steps in X]
    assert_same(from_channels_first(channels_first), X)
    padded = as_sequences(X).to_padded()
    channels = to_channels_first(padded)
    assert channels.shape == (len(X), X[0].shape[1], max(map(len, X)))
    assert_array_equal(from_channels_first(channels), padded, strict=True)
    assert_array_equal(channels[0, :, 0], padded[0, 0])  # all features of the first step


def test_channels_first_layouts_of_aeon_and_sktime():
    """A numpy3D array, and a list of 2-D arrays for series of unequal lengths."""
    cases = np.arange(24.0).reshape(2, 3, 4)  # 2 cases, 3 channels, 4 time points
    sequences = from_channels_first(cases)
    assert_array_equal(sequences[1, 2], cases[1, :, 2])
    unequal = [np.zeros((3, 4)), np.ones((3, 2))]
    assert [x.shape for x in from_channels_first(unequal)] == [(4, 3), (2, 3)]
    equal = from_channels_first(
        [np.zeros((3, 4)), np.ones((3, 4))]
    )  # an object array, like the list
    assert equal.shape == (2,)


def test_channels_first_cell_arrays_of_matlab(tmp_path):
    cells = np.empty((2, 1), dtype=object)
    cells[:, 0] = [np.ones((3, 5)), np.zeros((3, 2))]
    savemat(tmp_path / "cells.mat", {"X": cells})
    read = from_channels_first(loadmat(tmp_path / "cells.mat")["X"])
    assert_same(read, [np.ones((5, 3)), np.zeros((2, 3))])
    assert_same(from_channels_first(cells.T), [np.ones((5, 3)), np.zeros((2, 3))])


@pytest.mark.parametrize(
    ("X", "message"),
    [
        (np.ones((2, 3)), r"X has shape \(2, 3\), but three axes"),
        ([np.ones((2, 3)), np.ones(3)], r"Sequence 1 of X has shape \(3,\)"),
        ([[1.0, 2.0]], r"Sequence 0 of X has shape \(2,\)"),
        ([], "X is empty"),
    ],
)
@pytest.mark.parametrize("convert", [from_channels_first, to_channels_first])
def test_channels_first_refuses(convert, X, message):
    with pytest.raises(ValueError, match=message):
        convert(X)


# Nested frames


@few
@given(X=ragged())
@pytest.mark.parametrize("library", FRAMES)
def test_nested_round_trip(library, X):
    table = to_nested(X)
    assert list(table) == [f"x{k}" for k in range(X[0].shape[1])]
    assert_same(from_nested(in_frame(library, table)), X)


@few
@given(X=ragged())
def test_nested_frames_of_sktime(X):
    """The layout nested_univ: a frame whose cells are pandas Series."""
    frame = pd.DataFrame(to_nested(X)).map(pd.Series)
    assert isinstance(frame.iloc[0, 0], pd.Series)
    assert_same(from_nested(frame), X)


def test_polars_groups_are_nested_frames():
    pl = pytest.importorskip("polars")
    long = pl.DataFrame({"id": [1, 1, 2], "u": [1.0, 2.0, 3.0], "v": [10.0, 20.0, 30.0]})
    groups = long.group_by("id", maintain_order=True).agg("u", "v")
    expected = from_long(long, "id")[0]
    assert_same(from_nested(groups.drop("id")), expected)
    with pytest.raises(ValueError, match=r"cells of row 0 must be sequences .*'id': \(\)"):
        from_nested(groups)


@pytest.mark.parametrize(
    ("frame", "exception", "message"),
    [
        (
            {"u": [[1], [2, 3]], "v": [[1], [2]]},
            ValueError,
            r"cells of row 1 must .* of one length, got shapes {'u': \(2,\), 'v': \(1,\)}",
        ),
        ({"u": [[1], None]}, ValueError, r"cells of row 1 must be .*'u': \(\)"),
        ({"u": [[1], [[2]]]}, ValueError, r"cells of row 1 must be .*'u': \(1, 1\)"),
        ({"u": [1, 2]}, ValueError, r"cells of row 0 must be .*'u': \(\)"),
        ({"u": ["ab"]}, ValueError, r"cells of row 0 must be .*'u': \(\)"),
        ({"u": [[1]], "v": [[1], [2]]}, ValueError, "one number of rows"),
        ({"u": []}, ValueError, "one number of rows, at least 1"),
        ({}, ValueError, "one number of rows, at least 1"),
        ([[1]], TypeError, "A frame or mapping of columns"),
        (
            {"u": [np.array(["2024-01-01"], "M8[D]")]},
            ValueError,
            "Column 'u' must hold real numbers.*datetime64",
        ),
    ],
)
def test_from_nested_refuses(frame, exception, message):
    with pytest.raises(exception, match=message):
        from_nested(frame)


def test_to_nested_refuses_wrong_names():
    for columns in (["u"], ["u", "u"], ["u", "v", "w"]):
        with pytest.raises(ValueError, match="columns must hold 2 different names"):
            to_nested(np.ones((2, 3, 2)), columns)


# All converters


def test_cross_validation_of_converted_sequences():
    rng = np.random.RandomState(0)
    y = np.arange(20) % 2
    X = [rng.normal(c, 1, (rng.randint(2, 6), 2)) for c in y]
    clf = SequenceRNNClassifier(3, max_iter=3, learning_rate="cosine", random_state=0)

    def scores(X):
        return cross_val_score(clf, X, y, cv=2, scoring="neg_log_loss")

    given = [
        as_ragged(X),
        from_lengths(*to_lengths(X)),
        from_long(to_long(X), "id", "time")[0],
        from_channels_first(to_channels_first(X)),
        from_channels_first(to_channels_first(as_sequences(X).to_padded())),
        from_nested(to_nested(X)),
    ]
    for form in given:
        assert_array_equal(scores(form), scores(X))


# Pairs ---------------------------------------------------------------------------------------

ROWS = pd.DataFrame({"pid": [1, 1, 2], "hour": [0, 1, 0], "u": [1.0, 2.0, 3.0]})


@pytest.mark.parametrize(
    "make",
    [
        lambda: from_long(ROWS, "pid", "hour"),
        lambda: from_long(ROWS, "pid", "hour", columns="u"),
        lambda: make_windows(from_long(ROWS, "pid", "hour")[0], window=1),
    ],
    ids=["Sequences", "object array", "windows"],
)
@pytest.mark.parametrize(
    "use",
    [
        as_sequences,
        as_ragged,
        lambda pair: SequenceRNNClassifier().fit(pair, [0, 1]),
        lambda pair: PerStep(StandardScaler()).fit(pair),
        lambda pair: make_windows(pair, window=1),
        lambda pair: StepRNNRegressor().fit(from_long(ROWS, "pid", "hour")[0], pair),
    ],
    ids=["as_sequences", "as_ragged", "network", "PerStep", "make_windows", "targets"],
)
def test_pairs_must_be_unpacked(make, use):
    with pytest.raises(TypeError, match=r"(X|series|y) is a pair .* X, ids = from_long\(\.\.\.\)"):
        use(make())


def test_a_list_of_sequences_objects_is_refused():
    X, _ = from_long(ROWS, "pid", "hour")
    with pytest.raises(TypeError, match="X is a list of Sequences"):
        as_sequences([X, X])


def test_a_tuple_of_two_sequences_is_no_pair():
    words = np.array(["a", "b"], dtype=object)
    assert as_sequences((words, words), numeric=False).lengths.tolist() == [2, 2]
    vectors = np.empty(2, dtype=object)
    vectors[:] = [np.ones(3), np.zeros(3)]
    assert as_sequences((vectors, vectors)).values.shape == (4, 3)
