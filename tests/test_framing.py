"""Frames: the steps of each frame, in every form; statistics; targets there and back; errors."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.lib.stride_tricks import sliding_window_view
from numpy.testing import assert_allclose, assert_array_equal
from scipy.sparse import csr_array, issparse
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from skrnn import (
    Frames,
    PerStep,
    SequenceRNNClassifier,
    Sequences,
    StepRNNClassifier,
    as_sequences,
    preprocessing,
)
from skrnn.convert import from_long, to_rows

NAN = np.nan
RNG = np.random.RandomState(0)
LENGTHS = [7, 1, 12, 3, 4, 2]
ARRAYS = [RNG.normal(size=(n, 2)) for n in LENGTHS]
DATA_FRAMES = [pd.DataFrame(x, columns=["a", "b"]) for x in ARRAYS]
CUTS = [(1, None), (2, None), (3, None), (5, None), (4, 1), (4, 3), (20, None), (20, 3)]


def steps_of_frames(steps, length, hop):
    """Return the steps of each frame of one sequence, without what completes the first frame."""
    frames, end = [], len(steps)
    while end > 0:
        frames.insert(0, steps[max(end - length, 0) : end])
        if end <= length:
            break
        end -= hop or length
    return frames


def by_hand(steps, length, hop, features="values"):
    rows = []
    for frame in steps_of_frames(steps, length, hop):
        if features == "values":
            rows.append(np.vstack([*[frame[:1]] * (length - len(frame)), frame]).ravel())
        else:
            of_frame = [getattr(np, name)(frame, axis=0) for name in ("mean", "std", "min", "max")]
            rows.append(np.concatenate(of_frame))
    n_features = steps.shape[1] * (length if features == "values" else 4)
    return np.array(rows).reshape(-1, n_features)


def test_a_small_example():
    output = Frames(3, 2).fit_transform([[1.0, 2.0, 3.0, 4.0, 5.0, 6.0], [7.0, 8.0]])
    assert [steps.tolist() for steps in output] == [
        [[1, 1, 2], [2, 3, 4], [4, 5, 6]],
        [[7, 7, 8]],
    ]


@pytest.mark.parametrize("features", ["values", "statistics"])
@pytest.mark.parametrize(("length", "hop"), CUTS)
def test_frames_equal_a_loop(length, hop, features):
    frames = Frames(length, hop, features=features)
    for X in (ARRAYS, [*ARRAYS, np.empty((0, 2))], [np.empty((0, 2)), *ARRAYS]):
        output = frames.fit_transform(X)
        for one, steps in zip(output, X, strict=True):
            expected = by_hand(steps, length, hop, features)
            assert one.shape == expected.shape
            assert_allclose(one, expected, rtol=1e-12, atol=1e-15)


@settings(deadline=None)
@given(
    lengths=st.lists(st.integers(0, 9), min_size=1, max_size=5).filter(any),
    length=st.integers(1, 6),
    hop=st.none() | st.integers(1, 6),
)
def test_no_step_is_lost_and_the_last_frame_ends_with_the_last_step(lengths, length, hop):
    hop = hop if hop is None else min(hop, length)
    X = [np.arange(float(n))[:, None] + 100 * i for i, n in enumerate(lengths)]
    for one, steps in zip(Frames(length, hop).fit_transform(X), X, strict=True):
        assert set(one.ravel()) == set(steps.ravel())
        assert_array_equal(one, by_hand(steps, length, hop))
        if len(steps):
            assert one[-1, -1] == steps[-1, 0]
            assert_array_equal(np.diff(one[:, -1]), (hop or length) * np.ones(len(one) - 1))


@pytest.mark.parametrize(("length", "hop", "n_steps"), [(4, 1, 9), (4, 2, 10), (5, 5, 15)])
def test_frames_that_fit_exactly_equal_sliding_windows(length, hop, n_steps):
    steps = RNG.normal(size=(n_steps, 3))
    windows = sliding_window_view(steps, length, axis=0)[::hop].transpose(0, 2, 1)
    output = Frames(length, hop).fit_transform([steps])[0]
    assert_array_equal(output, windows.reshape(len(windows), -1))


@pytest.mark.parametrize("hop", [None, 2])
def test_frames_equal_those_of_torch(hop):
    torch = pytest.importorskip("torch")
    steps = RNG.normal(size=(12, 2))
    unfolded = torch.from_numpy(steps).unfold(0, 4, hop or 4).transpose(1, 2)
    assert_array_equal(Frames(4, hop).fit_transform([steps])[0], unfolded.reshape(-1, 8))


def test_frames_of_the_blocks_of_a_stream_are_those_of_the_sequence():
    steps = RNG.normal(size=(21, 2))
    frames = Frames(3).fit([steps])
    blocks = np.split(steps, [3, 12, 15])
    assert_array_equal(np.vstack(frames.transform(blocks)), frames.transform([steps])[0])


# Forms ------------------------------------------------------------------------------------

STEPS = np.concatenate(ARRAYS)
SEQUENCES = Sequences(
    STEPS.copy(),
    LENGTHS,
    static=np.arange(6.0)[:, None],
    ids=list("uvwxyz"),
    rows=np.arange(sum(LENGTHS))[::-1],
)
OBJECTS = as_sequences(ARRAYS).to_ragged()
FORMS = {
    "list": ARRAYS,
    "tuple": tuple(ARRAYS),
    "nested lists": [x.tolist() for x in ARRAYS],
    "object array": OBJECTS,
    "Series": pd.Series(OBJECTS, index=list("uvwxyz")),
    "Sequences": SEQUENCES,
    "3-D": as_sequences(ARRAYS).to_padded(15),
    "2-D": as_sequences(ARRAYS).to_padded(15).reshape(6, 30),
    "list of DataFrames": DATA_FRAMES,
    "Sequences of a DataFrame": Sequences(pd.concat(DATA_FRAMES), LENGTHS),
    "DataFrame of sequences": pd.DataFrame(
        {"a": [x[:, 0] for x in ARRAYS], "b": [x[:, 1] for x in ARRAYS]}, index=[3, 1, 2, 0, 5, 4]
    ),
}


@pytest.mark.parametrize("features", ["values", "statistics"])
@pytest.mark.parametrize(("length", "hop"), CUTS)
@pytest.mark.parametrize("form", FORMS)
def test_every_form(form, length, hop, features):
    X = FORMS[form]
    frames = Frames(length, hop, features=features, step_features=2 if form == "2-D" else None)
    output = frames.fit(X).transform(X)
    read = as_sequences(output, step_features=2 if getattr(output, "ndim", 1) == 2 else None)
    expected = Frames(length, hop, features=features).fit_transform(ARRAYS)
    assert_array_equal(read.lengths, [len(steps) for steps in expected])
    assert_array_equal(read.values, np.concatenate(expected))
    kind = type(X)
    if "list" in form or form == "tuple":
        kind = list
    assert type(output) is (pd.Series if form == "DataFrame of sequences" else kind)
    if isinstance(output, pd.Series):
        assert output.index.equals(X.index)
    if getattr(output, "ndim", 1) == 3:  # the padding is shortened like the sequences
        assert output.shape[1] == len(steps_of_frames(np.arange(15), length, hop))
    assert_array_equal(as_sequences(X, step_features=frames.step_features).values, STEPS)


@pytest.mark.parametrize("hop", [None, 2])
def test_parts_of_sequences_are_kept(hop):
    X = SEQUENCES
    output = Frames(4, hop).fit_transform(X)
    assert output.static is X.static
    assert output.ids.tolist() == X.ids.tolist()
    last = [
        steps.iloc[-1]
        for x in np.split(np.arange(29), np.cumsum(LENGTHS)[:-1])
        for steps in steps_of_frames(pd.Series(x), 4, hop)
    ]
    assert_array_equal(output.rows, X.rows[last])


def test_predictions_return_to_the_rows_of_a_table():
    table = pd.DataFrame({"id": list("aababbaa"), "t": range(8), "u": np.arange(8.0)})
    X, _ = from_long(table, "id", "t")
    frames = Frames(2).fit(X)
    predictions = [np.array([0, 3, 7]), np.array([2, 5])]
    of_steps = frames.inverse_transform_targets(predictions, X.lengths)
    # The frames of a hold rows 0, (1, 3), (6, 7); those of b hold rows 2, (4, 5).
    assert to_rows(of_steps, X).tolist() == [0, 3, 2, 3, 5, 5, 7, 7]
    at_ends = to_rows(predictions, frames.transform(X), n_rows=8)
    assert_array_equal(at_ends, [0, NAN, 2, 3, NAN, 5, NAN, 7])


@pytest.mark.parametrize("hop", [None, 2])
def test_sparse_steps_stay_sparse(hop):
    X = Sequences(csr_array(np.maximum(np.concatenate(ARRAYS), 0)), LENGTHS)
    for sparse in (X, list(X)):
        output = as_sequences(Frames(3, hop).fit_transform(sparse))
        assert issparse(output.values)
        assert output.values.format == "csr"
        dense = Frames(3, hop).fit_transform(X.with_values(X.values.toarray()))
        assert_array_equal(output.values.toarray(), dense.values)
        assert_array_equal(output.lengths, dense.lengths)


@pytest.mark.parametrize("features", ["values", "statistics"])
def test_float32_stays(features):
    X = [x.astype(np.float32) for x in ARRAYS]
    frames = Frames(3, features=features).fit(X)
    for one, other in zip(frames.transform(X), frames.transform(ARRAYS), strict=True):
        assert (one.dtype, other.dtype) == (np.float32, np.float64)
        assert_allclose(one, other, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("features", ["values", "statistics"])
def test_only_empty_sequences(features):
    frames = Frames(3, features=features).fit(ARRAYS)
    width = 6 if features == "values" else 8
    assert [steps.shape for steps in frames.transform([[], []])] == [(0, width)] * 2


# Missing values -----------------------------------------------------------------------------


def test_missing_values_stay():
    X = [[NAN, 2.0, 3.0, 4.0, NAN]]
    assert_array_equal(Frames(2).fit_transform([*X, [1.0]])[0], [[NAN] * 2, [2, 3], [4, NAN]])


def test_statistics_are_those_of_the_values_that_are_not_missing():
    steps = np.array([[1, NAN], [NAN, NAN], [3, NAN], [5, 6], [8, NAN]])
    output = Frames(3, features="statistics").fit_transform([steps])[0]
    # Of each statistic, the first feature and then the second one.
    assert_array_equal(output[0], [1, NAN, 0, NAN, 1, NAN, 1, NAN])
    rest = np.array([3, 5, 8])
    assert_allclose(output[1], [rest.mean(), 6, rest.std(), 0, 3, 6, 8, 6])


@pytest.mark.parametrize("length", [1, 2])
def test_a_missing_last_step_of_a_table_in_lists_is_no_padding(length):
    X = [[1.0, 2.0, NAN, NAN], [3.0, 4.0, 5.0, 6.0]]
    output = as_sequences(Frames(length).fit_transform(X), numeric=False)
    assert_array_equal(output.lengths, [4 // length] * 2)
    assert_array_equal(output.values.ravel(), np.ravel(X))


# Names ---------------------------------------------------------------------------------------


def test_names():
    frames = Frames(3).fit(DATA_FRAMES)
    expected = ["a_t-2", "b_t-2", "a_t-1", "b_t-1", "a_t", "b_t"]
    assert frames.feature_names_in_.tolist() == ["a", "b"]
    assert frames.get_feature_names_out().tolist() == expected
    assert Frames(1).fit(ARRAYS).get_feature_names_out().tolist() == ["x0_t", "x1_t"]
    assert frames.get_feature_names_out(["a", "b"]).tolist() == expected
    statistics = Frames(features="statistics").fit(ARRAYS).get_feature_names_out(["u", "v"])
    assert statistics[:3].tolist() == ["u_mean", "v_mean", "u_std"]
    assert statistics[3:].tolist() == ["v_std", "u_min", "v_min", "u_max", "v_max"]
    with pytest.raises(ValueError, match="input_features is not equal to feature_names_in_"):
        frames.get_feature_names_out(["b", "a"])
    with pytest.raises(ValueError, match="feature names should match"):
        frames.transform([x[["b", "a"]] for x in DATA_FRAMES])
    with pytest.raises(NotFittedError):
        Frames().get_feature_names_out()


@pytest.mark.parametrize("features", ["values", "statistics"])
@pytest.mark.parametrize("library", ["pandas", "polars"])
def test_set_output(library, features):
    kind = pytest.importorskip(library).DataFrame
    X = [kind({"a": x[:, 0], "b": x[:, 1]}) for x in ARRAYS]
    frames = Frames(3, features=features).set_output(transform=library)
    output = frames.fit_transform(X)
    expected = Frames(3, features=features).fit_transform(ARRAYS)
    for one, values in zip(output, expected, strict=True):
        assert type(one) is kind
        assert list(one.columns) == frames.get_feature_names_out().tolist()
        assert_array_equal(np.asarray(one), values)
    both = make_pipeline(frames, PerStep(StandardScaler())).set_output(transform=library).fit(X)
    assert both.get_feature_names_out().tolist() == frames.get_feature_names_out().tolist()


def test_rows_of_pandas_have_the_index_of_the_last_step():
    X = [x.set_index(np.arange(len(x)) * 10) for x in DATA_FRAMES]
    output = Frames(3).set_output(transform="pandas").fit_transform(X)
    assert output[0].index.tolist() == [0, 30, 60]
    table = Frames(3).set_output(transform="pandas").fit_transform(FORMS["DataFrame of sequences"])
    assert table.columns.tolist() == ["a_t-2", "b_t-2", "a_t-1", "b_t-1", "a_t", "b_t"]
    assert table.index.equals(FORMS["DataFrame of sequences"].index)
    assert_array_equal(table.loc[3, "a_t"], ARRAYS[0][[0, 3, 6], 0])


# Targets ---------------------------------------------------------------------------------


@pytest.mark.parametrize(("length", "hop"), CUTS)
def test_targets_of_the_last_steps_and_back(length, hop):
    frames = Frames(length, hop)
    y = [np.arange(n) for n in [*LENGTHS, 0]]
    of_frames = frames.transform_targets(y)
    for one, steps in zip(of_frames, y, strict=True):
        assert one.tolist() == [frame[-1] for frame in steps_of_frames(steps, length, hop)]
    of_steps = frames.inverse_transform_targets(of_frames, [*LENGTHS, 0])
    for one, ends, steps in zip(of_steps, of_frames, y, strict=True):
        assert one.tolist() == [min(end for end in ends if end >= t) for t in steps]
    again = frames.transform_targets(of_steps)
    back = frames.inverse_transform_targets(again, [*LENGTHS, 0])
    for one, other in zip(back, of_steps, strict=True):
        assert_array_equal(one, other)


@pytest.mark.parametrize(
    "make",
    [
        lambda n: RNG.choice(["wake", "REM"], n),
        lambda n: RNG.choice(["wake", "REM"], n).astype(object),
        lambda n: RNG.randint(3, size=n),
        lambda n: RNG.normal(size=(n, 2)).astype(np.float32),
        lambda n: RNG.uniform(size=n),
    ],
    ids=["text", "objects", "integers", "two outputs", "numbers"],
)
def test_labels_that_are_constant_within_frames_come_back(make):
    frames, lengths = Frames(3), [9, 2, 7]
    of_frames = [make(3), make(1), make(3)]
    y = [of_frames[0].repeat(3, 0), of_frames[1].repeat(2, 0), of_frames[2].repeat([1, 3, 3], 0)]
    transformed = frames.transform_targets(y)
    back = frames.inverse_transform_targets(transformed, lengths)
    for found, expected in ((transformed, of_frames), (back, y)):
        for one, other in zip(found, expected, strict=True):
            assert one.dtype == other.dtype
            assert_array_equal(one, other)


def test_padded_targets():
    padded = np.array([[1, 2, 3, 4, -1], [5, 6, -1, -1, -1], [7, 8, 9, 10, 11]])
    output = Frames(2).transform_targets(padded, lengths=[4, 2, 5])
    assert [one.tolist() for one in output] == [[2, 4], [6], [7, 9, 11]]
    of_frames = np.array([[2, 4, -1], [6, -1, -1], [7, 9, 11]])
    back = Frames(2).inverse_transform_targets(of_frames, lengths=[4, 2, 5])
    assert [one.tolist() for one in back] == [[2, 2, 4, 4], [6, 6], [7, 9, 9, 11, 11]]


def test_a_step_estimator_of_frames():
    rng = np.random.RandomState(0)
    y = [rng.randint(2, size=5).repeat(4) for _ in range(40)]
    X = [(labels + rng.normal(0, 0.1, len(labels)))[:, None] for labels in y]
    lengths = as_sequences(X).lengths
    frames = Frames(4)
    clf = StepRNNClassifier(8, random_state=0)
    model = make_pipeline(frames, clf).fit(X, frames.transform_targets(y))
    predicted = frames.inverse_transform_targets(model.predict(X), lengths)
    assert_array_equal(np.concatenate(predicted), np.concatenate(y))
    probabilities = frames.inverse_transform_targets(model.predict_proba(X), lengths)
    assert [p.shape for p in probabilities] == [(20, 2)] * 40


# As an estimator ----------------------------------------------------------------------------


def test_in_a_grid_search():
    rng = np.random.RandomState(0)
    y = np.arange(24) % 2
    X = [rng.normal(2 * label, 1, (rng.randint(5, 20), 1)) for label in y]
    model = make_pipeline(
        PerStep(StandardScaler()),
        Frames(),
        SequenceRNNClassifier(4, max_iter=20, learning_rate="cosine", random_state=0),
    )
    grid = {"frames__length": [1, 4, 8], "frames__features": ["values", "statistics"]}
    search = GridSearchCV(model, grid, cv=2, error_score="raise").fit(X, y)
    assert len(set(search.cv_results_["mean_test_score"])) > 1
    assert search.best_score_ > 0.8
    best = clone(search.best_estimator_).fit(X, y)
    assert_array_equal(best.predict_proba(X), search.predict_proba(X))


def test_public_name():
    assert preprocessing.Frames is Frames


def test_parameters_are_checked_in_fit_transform_and_for_targets():
    y = [[1, 2, 3]]
    calls = (
        lambda frames: frames.fit(ARRAYS),
        lambda frames: frames.fit_transform(ARRAYS),
        lambda frames: frames.transform_targets(y),
        lambda frames: frames.inverse_transform_targets(y, [3]),
    )
    for call in calls:
        with pytest.raises(ValueError, match="hop=4 is larger than length=3, so the steps between"):
            call(Frames(3, 4))
        for options in ({"length": 0}, {"hop": 0}, {"length": 2.5}, {"features": "mean"}):
            with pytest.raises(ValueError, match=f"The '{next(iter(options))}' parameter of Fram"):
                call(Frames(**options))
    fitted = Frames(3).fit(ARRAYS).set_params(hop=4)
    with pytest.raises(ValueError, match="hop=4 is larger than length=3"):
        fitted.transform(ARRAYS)


@pytest.mark.parametrize("method", ["fit", "transform"])
def test_errors_of_X(method):
    frames = {name: Frames(2, features=name).fit([[1.0, 2.0]]) for name in ("values", "statistics")}
    sparse = [csr_array(x[:, :1]) for x in ARRAYS]
    with pytest.raises(TypeError, match="X has sparse steps, but features='statistics' requires"):
        getattr(frames["statistics"], method)(sparse)
    getattr(frames["values"], method)(sparse)
    for one in frames.values():
        with pytest.raises(ValueError, match="text, which is not a number, at step 0 of seq"):
            getattr(one, method)([["1", "b"], ["a"]])
        with pytest.raises(ValueError, match="infinity at step 2 of sequence 1"):
            getattr(one, method)([[1.0], [1.0, 2.0, np.inf]])
    with pytest.raises(ValueError, match="X has 2 features per step, but Frames is expecting 1"):
        frames["values"].transform(ARRAYS)
    with pytest.raises(NotFittedError):
        Frames().transform(ARRAYS)


def test_a_failed_fit_changes_nothing():
    frames = Frames(2, features="statistics").fit(DATA_FRAMES)
    before = vars(frames).copy()
    with pytest.raises(TypeError, match="sparse steps"):
        frames.fit([csr_array(x[:, :1]) for x in ARRAYS])
    assert vars(frames) == before


def test_words_are_encoded_first():
    X = [list("abc"), list("b")]
    output = make_pipeline(PerStep(OneHotEncoder()), Frames(2)).fit_transform(X)
    assert [steps.toarray().tolist() for steps in output] == [
        [[1, 0, 0, 1, 0, 0], [0, 1, 0, 0, 0, 1]],
        [[0, 1, 0, 0, 1, 0]],
    ]


def test_errors_of_targets():
    frames = Frames(2)
    for call, message in (
        (lambda: frames.transform_targets(np.ones((2, 3))), r"y has shape \(2, 3\) and may be pad"),
        (
            lambda: frames.transform_targets([[1, 2], [3]], [2, 2]),
            r"Sequence 1 of y has shape \(1,\), but \(2,\) is required",
        ),
        (
            lambda: frames.inverse_transform_targets([[1, 2, 3], [4]], [3, 1]),
            "Sequence 0 of y has 3 predictions, but its 3 steps make 2 frames with length=2",
        ),
        (
            lambda: frames.inverse_transform_targets([[1], [4]], [2]),
            "inconsistent numbers of samples",
        ),
        (lambda: frames.inverse_transform_targets([[1]], [2.0]), r"lengths must .*got \[2.0\]"),
        (lambda: frames.inverse_transform_targets([[1]], [-1]), r"lengths must .*got \[-1\]"),
        (lambda: frames.inverse_transform_targets([[1]], [[2]]), r"lengths must .*got \[\[2\]\]"),
        (lambda: frames.transform_targets([1, 2]), r"Sequence 0 of y has shape \(\)"),
    ):
        with pytest.raises(ValueError, match=message):
            call()
