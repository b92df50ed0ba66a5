"""PerSequence: functions and transformers, changed lengths, frames, and errors."""

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.sparse import csr_array, issparse
from sklearn.base import clone
from sklearn.decomposition import PCA
from sklearn.feature_extraction import DictVectorizer
from sklearn.feature_extraction.text import HashingVectorizer
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, MaxAbsScaler, StandardScaler

from skrnn import (
    PerSequence,
    PerStep,
    SequencePadder,
    SequenceRNNClassifier,
    Sequences,
    as_sequences,
)
from skrnn.convert import from_long

RNG = np.random.RandomState(0)
LENGTHS = [3, 5, 1, 4]
ARRAYS = [RNG.normal(size=(n, 2)) for n in LENGTHS]
FRAMES = [pd.DataFrame(x, columns=["a", "b"]) for x in ARRAYS]
FORMS = {
    "list": ARRAYS,
    "Series": pd.Series(ARRAYS, index=list("wxyz")),
    "3-D": as_sequences(ARRAYS).to_padded(),
    "Sequences": as_sequences(ARRAYS),
    "Sequences of a frame": Sequences(pd.concat(FRAMES), LENGTHS),
    "list of frames": FRAMES,
    "frame of sequences": pd.DataFrame(
        {"a": [x[:, 0] for x in ARRAYS], "b": [x[:, 1] for x in ARRAYS]}, index=[3, 1, 2, 0]
    ),
}


def first_differences(steps):
    steps = np.asarray(steps)
    return np.diff(steps, axis=0, prepend=steps[:1])


def every_second(steps):
    return np.asarray(steps)[::2]


def twice(steps):
    return np.repeat(np.asarray(steps), 2, axis=0)


def longer_than_three(steps):
    return np.asarray(steps)[: len(steps) * (len(steps) > 3)]


def summary(steps):
    return np.asarray(steps).mean(axis=0, keepdims=True)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(
    "function", [first_differences, every_second, twice, longer_than_three, summary]
)
def test_a_function_is_applied_to_each_sequence(function, form):
    X = FORMS[form]
    expected = [function(steps) for steps in ARRAYS]
    per_sequence = PerSequence(function)
    for output in (per_sequence.fit_transform(X), per_sequence.transform(X)):
        read = as_sequences(output)
        assert_array_equal(read.lengths, [len(steps) for steps in expected])
        assert_array_equal(read.values, np.concatenate(expected))
        kind = pd.Series if form == "frame of sequences" else list if "list" in form else type(X)
        assert type(output) is kind
        if kind is pd.Series:
            assert output.index.equals(X.index)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(
    "transformer",
    [StandardScaler(), MaxAbsScaler(), make_pipeline(StandardScaler(), FunctionTransformer())],
    ids=str,
)
def test_a_transformer_is_fitted_to_each_sequence(transformer, form):
    expected = np.concatenate([clone(transformer).fit_transform(steps) for steps in ARRAYS])
    before = vars(transformer).copy()
    output = PerSequence(transformer).fit(FORMS[form]).transform(FORMS[form])
    assert_allclose(as_sequences(output).values, expected, atol=1e-12)
    assert vars(transformer) == before


def test_nothing_passes_from_fit_to_transform():
    fitted = PerSequence(StandardScaler()).fit([[1000.0, 2000.0]])
    assert_allclose(fitted.transform([[1.0, 3.0]])[0].ravel(), [-1, 1])
    assert not [name for name in vars(fitted) if name.startswith(("mean", "scale", "transformer_"))]


def double_in_place(steps):
    steps *= 2
    return steps


@pytest.mark.parametrize("form", ["list", "3-D", "Sequences", "Sequences of a frame"])
@pytest.mark.parametrize("kind", [PerSequence, PerStep])
@pytest.mark.parametrize(
    "transformer", [FunctionTransformer(double_in_place), MaxAbsScaler(copy=False), "function"]
)
def test_fit_does_not_change_the_steps_of_X(transformer, kind, form):
    if transformer == "function":
        kind, transformer = PerSequence, double_in_place
    X = as_sequences(FORMS[form], numeric=False)
    X = X.with_values(X.values.copy()) if "Seq" in form else clone_of(FORMS[form])
    fitted = kind(transformer).fit(X)
    assert_array_equal(as_sequences(X).values, np.concatenate(ARRAYS))
    if kind is PerSequence:
        fitted.transform(X)
        fitted.fit_transform(X)
        assert_array_equal(as_sequences(X).values, np.concatenate(ARRAYS))


def clone_of(X):
    return X.copy() if isinstance(X, np.ndarray) else [steps.copy() for steps in X]


def test_resampling_of_frames_by_time():
    """The index of a frame is available to the function."""
    X = [
        pd.DataFrame(
            {"v": np.arange(float(n))}, index=pd.date_range("2024-01-01", periods=n, freq="30min")
        )
        for n in (4, 7)
    ]
    hourly = PerSequence(lambda steps: steps.resample("1h").mean())
    frames = hourly.set_output(transform="pandas").fit_transform(X)
    assert [steps["v"].tolist() for steps in frames] == [[0.5, 2.5], [0.5, 2.5, 4.5, 6]]
    assert frames[1].index.equals(pd.date_range("2024-01-01", periods=4, freq="1h"))
    assert_array_equal(as_sequences(frames).lengths, [2, 4])


@pytest.mark.parametrize("library", ["pandas", "polars", "pyarrow"])
def test_frames_reach_the_function(library):
    made = pytest.importorskip(library)
    kind = getattr(made, {"pyarrow": "Table"}.get(library, "DataFrame"))
    make = {"pyarrow": getattr(made, "table", None)}.get(library, kind)
    X = [make({"a": x[:, 0].copy(), "b": x[:, 1].copy()}) for x in ARRAYS]
    seen = []

    def spread(steps):
        seen.append(type(steps))
        return np.asarray(steps["a"]) - np.asarray(steps["b"])

    output = PerSequence(spread).fit_transform(X)
    assert set(seen) == {kind}
    for one, steps in zip(output, ARRAYS, strict=True):
        assert_array_equal(one, steps[:, :1] - steps[:, 1:])


def test_rows_are_dropped_when_lengths_change():
    table = pd.DataFrame(
        {"who": [1, 1, 2, 2, 2], "v": [1.0, 2, 3, 4, 5], "age": [50, 50, 60, 60, 60]}
    )
    X, ids = from_long(table, "who", static=["age"])
    for function, rows in [(first_differences, X.rows), (every_second, None), (twice, None)]:
        output = PerSequence(function).fit_transform(X)
        assert_array_equal(output.rows, rows)
        assert_array_equal(output.ids, ids)
        assert output.static["age"].tolist() == [50, 60]
    part = PerSequence(every_second).fit_transform(X[[1]])
    assert part.ids.tolist() == [2]


def test_sparse_results():
    X = Sequences(csr_array([[0.0, 2], [0, 4], [3, 0]]), [2, 1])
    output = PerSequence(MaxAbsScaler()).fit_transform(X)
    assert issparse(output.values)
    assert_array_equal(output.values.toarray(), [[0, 0.5], [0, 1], [1, 0]])
    hashed = PerSequence(HashingVectorizer(n_features=4, norm=None)).fit_transform(
        [["a b", "c"], ["a"]]
    )
    assert [steps.shape for steps in hashed] == [(2, 4), (1, 4)]
    encoded = PerSequence(DictVectorizer(sparse=False)).fit_transform(
        [[{"a": 1}], [{"a": 2}, {"a": 3}]]
    )
    assert [steps.ravel().tolist() for steps in encoded] == [[1], [2, 3]]


def test_empty_sequences():
    X = Sequences(np.array([[1.0], [2], [5]]), [0, 2, 0, 1])
    calls = []
    per_sequence = PerSequence(lambda steps: calls.append(len(steps)) or steps - steps[0])
    output = per_sequence.fit_transform(X)
    assert 0 not in calls
    assert_array_equal(output.lengths, X.lengths)
    assert_array_equal(output.values.ravel(), [0, 1, 0])
    for nothing in ([[], []], [np.empty((0, 1))] * 2, X[[0, 2]]):
        assert [steps.shape for steps in per_sequence.transform(nothing)] == [(0, 1), (0, 1)]
    with pytest.raises(ValueError, match="All sequences of X are empty"):
        per_sequence.fit([[], []])


def test_sequences_may_become_empty():
    output = PerSequence(longer_than_three).fit_transform(ARRAYS)
    assert [len(steps) for steps in output] == [0, 5, 0, 4]
    assert {steps.shape[1] for steps in output} == {2}
    padded = SequencePadder().fit_transform(output)
    assert np.isnan(padded[0]).all()


# Errors -------------------------------------------------------------------------------------


def fails_for_short(error):
    def function(steps):
        if len(steps) < 2:
            raise error
        return steps

    return function


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (ValueError("too short"), ValueError),
        (TypeError("too short"), TypeError),
        (KeyError("too short"), ValueError),
        (IndexError("too short"), ValueError),
        (ZeroDivisionError("too short"), ValueError),
        (AttributeError("too short"), ValueError),
    ],
    ids=repr,
)
def test_an_error_names_the_sequence(error, kind, form):
    per_sequence = PerSequence(fails_for_short(error)).fit(FORMS[form])
    before = dict(vars(per_sequence))
    message = f"Sequence 2 of X cannot be transformed. {type(error).__name__}: .*too short"
    with pytest.raises(kind, match=message) as caught:
        per_sequence.transform(FORMS[form])
    assert caught.value.__cause__ is error
    assert vars(per_sequence) == before


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (lambda s: np.ones((2, len(s))), "Sequence 1 of X was transformed to other features .* 5"),
        (lambda s: None, r"Sequence 0 of X was transformed to shape \(\)"),
        (lambda s: 3.0, r"Sequence 0 of X was transformed to shape \(\)"),
        (lambda s: np.ones((1, 2, 3)), r"Sequence 0 of X was transformed to shape \(1, 2, 3\)"),
        (lambda s: s @ np.ones(3), "Sequence 0 of X cannot be transformed. ValueError: .*mismatch"),
        (PCA(3), "Sequence 0 of X cannot be transformed. ValueError: n_components=3 must be"),
    ],
)
def test_results_that_are_refused(function, message):
    with pytest.raises(ValueError, match=message):
        PerSequence(function).fit_transform(ARRAYS)


def test_frames_with_other_columns():
    def rename(steps):
        return steps.rename(columns={"a": "c"}) if len(steps) > 4 else steps

    for function in (rename, lambda steps: steps if len(steps) < 5 else steps.to_numpy()):
        with pytest.raises(ValueError, match="Sequence 1 of X was transformed to other features"):
            PerSequence(function).fit_transform(FRAMES)


@pytest.mark.parametrize("transformer", ["scaler", None, 3, StandardScaler])
def test_other_parameters_are_refused(transformer):
    with pytest.raises((TypeError, ValueError), match=r"'transformer' parameter|instance"):
        PerSequence(transformer).fit(ARRAYS)


def test_metadata_is_refused():
    with pytest.raises(TypeError, match="unexpected keyword argument 'sample_weight'"):
        PerSequence(StandardScaler()).fit(ARRAYS, sample_weight=[1, 2, 3, 4])


def test_search_over_functions():
    y = [0, 1, 0, 1] * 3
    clf = SequenceRNNClassifier(2, max_iter=2, learning_rate="cosine", random_state=0)
    grid = {"persequence__transformer": [first_differences, every_second, MaxAbsScaler()]}
    search = GridSearchCV(make_pipeline(PerSequence(summary), clf), grid, cv=2)
    search.set_params(scoring="neg_log_loss", error_score="raise").fit(ARRAYS * 3, y)
    assert len(set(search.cv_results_["mean_test_score"])) == 3


def test_names_of_features():
    frames = [frame.rename(columns={"a": "u", "b": "v"})[:2] for frame in FRAMES]
    of_frame = PerSequence(lambda steps: steps.add_suffix("_change")).fit(frames)
    assert of_frame.get_feature_names_out().tolist() == ["u_change", "v_change"]
    same = PerSequence(lambda steps: np.diff(steps, axis=0, prepend=steps[:1])).fit(frames)
    assert same.get_feature_names_out().tolist() == ["u", "v"]
    other = PerSequence(lambda steps: np.sum(steps, axis=1)).fit(frames)
    assert other.get_feature_names_out().tolist() == ["persequence0"]
    pipeline = make_pipeline(PerSequence(np.asarray), SequencePadder(flat=True)).fit(frames)
    assert pipeline.get_feature_names_out().tolist() == ["step0_u", "step0_v", "step1_u", "step1_v"]
