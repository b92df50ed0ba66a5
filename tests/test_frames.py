"""Columns, frames and ragged arrays of other libraries are read like lists of arrays."""

import pickle
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
import sklearn
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV, cross_val_predict, train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from test_input_forms import USES, make_sequences, of_list
from test_input_forms import make_pipeline as make_scaled

from skrnn import (
    PerStep,
    SequencePadder,
    SequenceRNNClassifier,
    SequenceRNNRegressor,
    Sequences,
    StepRNNClassifier,
    StepRNNRegressor,
    as_sequences,
)
from skrnn.convert import as_ragged, from_long, to_long
from skrnn.inspection import occlusion_importance
from skrnn.metrics import flat_accuracy_scorer

NAN = np.nan
pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


def nested(sequences):
    return [sequence.tolist() for sequence in sequences]


def polars_array_steps(pl, sequences):
    steps = pl.Array(pl.Float64, sequences[0].shape[1])
    return pl.Series("x", nested(sequences), dtype=pl.List(steps))


def pyarrow_fixed_steps(pa, sequences):
    steps = pa.list_(pa.float64(), sequences[0].shape[1])
    return pa.array(nested(sequences), type=pa.list_(steps))


def pyarrow_chunks(pa, sequences):
    return pa.chunked_array([nested(sequences[:3]), nested(sequences[3:])])


def arrow_series(pd, sequences):
    pa = pytest.importorskip("pyarrow")
    kind = pa.list_(pa.list_(pa.float64()))
    return pd.Series(nested(sequences), dtype=pd.ArrowDtype(kind))


def multiindex_frame(pd, sequences):
    frame = pd.DataFrame(to_long(sequences)).set_index(["id", "time"])
    return from_long(frame.sample(frac=1, random_state=0).sort_index())[0]


# Each form: the library, and a function that converts a list of arrays (n_steps, n_features).
FORMS = {
    "polars Series": ("polars", lambda pl, X: pl.Series("x", nested(X))),
    "polars Series, Array steps": ("polars", polars_array_steps),
    "polars frame": ("polars", lambda pl, X: pl.DataFrame({"x": nested(X)})),
    "pyarrow array": ("pyarrow", lambda pa, X: pa.array(nested(X))),
    "pyarrow array, fixed steps": ("pyarrow", pyarrow_fixed_steps),
    "pyarrow chunks": ("pyarrow", pyarrow_chunks),
    "pyarrow table": ("pyarrow", lambda pa, X: pa.table({"x": nested(X)})),
    "awkward": ("awkward", lambda ak, X: ak.Array(nested(X))),
    "pandas Series of lists": ("pandas", lambda pd, X: pd.Series(nested(X))),
    "pandas Series of Arrow lists": ("pandas", arrow_series),
    "pandas frame": ("pandas", lambda pd, X: pd.DataFrame({"x": list(X)})),
    "pandas frame of lists": ("pandas", lambda pd, X: pd.DataFrame({"x": nested(X)})),
    "pandas MultiIndex": ("pandas", multiindex_frame),
}


def in_form(form, sequences):
    library, build = FORMS[form]
    return build(pytest.importorskip(library), sequences)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("n_features", [1, 3])
@pytest.mark.parametrize("lengths", [[3, 1, 4, 2], [2, 2, 2, 2]], ids=["ragged", "equal"])
def test_read_like_a_list_of_arrays(form, n_features, lengths):
    rng = np.random.RandomState(0)
    sequences = [rng.normal(size=(n, n_features)) for n in lengths]
    read = as_sequences(in_form(form, sequences))
    assert_array_equal(read.values, np.concatenate(sequences), strict=True)
    assert_array_equal(read.lengths, lengths)


OF_SEVERAL = {name for name in FORMS if "steps" in name or "Arrow" in name or "Multi" in name}


@pytest.mark.parametrize("form", [name for name in FORMS if name not in OF_SEVERAL])
def test_one_feature_needs_no_axis(form):
    library, build = FORMS[form]
    flat = [np.array([1.0, 2.0, 3.0]), np.array([4.0, 5.0]), np.array([6.0]), np.array([7.0])]
    X = build(pytest.importorskip(library), flat)
    assert_array_equal(as_sequences(X).values.ravel(), [1, 2, 3, 4, 5, 6, 7])
    read = as_sequences(build(pytest.importorskip(library), [*flat[:1], *flat[:1]] * 2))
    assert_array_equal(read.lengths, [3, 3, 3, 3])


@pytest.mark.parametrize("kind", ["float32", "float64", "int64", "bool"])
def test_types_of_numbers(kind):
    pl, pa, ak = map(pytest.importorskip, ["polars", "pyarrow", "awkward"])
    arrays = [np.array([1, 0, 1], kind), np.array([1], kind)]
    lists = pa.list_(pa.from_numpy_dtype(np.dtype(kind)))
    read = [
        pl.Series([pl.Series(a) for a in arrays]),
        pa.array([a.tolist() for a in arrays], type=lists),
        ak.values_astype(ak.Array(arrays), kind),
        pd.Series(arrays),
        pd.Series([pd.array(a) for a in arrays]),
    ]
    for X in read:
        values = as_sequences(X).values
        assert values.dtype == (np.float32 if kind == "float32" else np.float64), type(X)
        assert_array_equal(values.ravel(), [1, 0, 1, 1])


@pytest.mark.parametrize("use", USES)
@pytest.mark.parametrize("form", FORMS)
def test_scikit_learn_tools_accept_every_form(form, use):
    sequences, y = make_sequences(2)
    result = USES[use](in_form(form, sequences), y, make_scaled(2))
    assert np.std(result) > 0
    # Columns of frames are contiguous, so that scikit-learn's sums are rounded differently.
    assert_allclose(result, of_list(use, 2), rtol=1e-12 if "Multi" in form else 0)


OPTIONS = {"max_iter": 2, "learning_rate": "cosine", "random_state": 0}
ESTIMATORS = {
    "classifier": SequenceRNNClassifier(3, **OPTIONS),
    "regressor": SequenceRNNRegressor(3, **OPTIONS),
    "step classifier": StepRNNClassifier(3, **OPTIONS),
    "step regressor": StepRNNRegressor(3, **OPTIONS),
    "padder": SequencePadder(),
    "per step": PerStep(StandardScaler()),
}


def answers(estimator, X, y):
    fitted = clone(estimator).fit(X, y)
    answer = fitted.predict(X) if hasattr(fitted, "predict") else fitted.transform(X)
    return fitted, answer


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("name", ESTIMATORS)
def test_every_estimator_reads_every_form(name, form):
    sequences, y = make_sequences(2)
    X = in_form(form, sequences)
    y_of_list = y_of_form = y
    if name == "step regressor":  # targets of steps in the same form as X
        y_of_list = [steps * 2 for steps in sequences]
        y_of_form = in_form(form, y_of_list)
    elif name == "step classifier":
        y_of_list = y_of_form = [(steps[:, 0] > 0.5).astype(int) for steps in sequences]
    expected, of_list_ = answers(ESTIMATORS[name], sequences, y_of_list)
    fitted, of_form = answers(ESTIMATORS[name], X, y_of_form)
    assert fitted.n_features_in_ == expected.n_features_in_ == 2
    assert hasattr(fitted, "feature_names_in_") == ("Multi" in form)
    for one, other in zip(of_form, of_list_, strict=True):
        assert_allclose(np.ravel(one), np.ravel(other), rtol=1e-12 if "Multi" in form else 0)


@pytest.mark.parametrize("library", ["polars", "pyarrow", "awkward", "pandas"])
@pytest.mark.parametrize("labels", [[0, 1], ["no", "yes"]], ids=["numbers", "text"])
def test_labels_of_steps_in_columns_of_every_library(library, labels):
    made = pytest.importorskip(library)
    make = getattr(made, {"pyarrow": "array", "awkward": "Array"}.get(library, "Series"))
    sequences, _ = make_sequences(2)
    y = [[labels[int(value > 0.5)] for value in steps[:, 0]] for steps in sequences]
    clf, X = ESTIMATORS["step classifier"], make(nested(sequences))
    predicted = cross_val_predict(clf, X, make(y), cv=2)
    of_lists = cross_val_predict(clf, sequences, [np.array(one) for one in y], cv=2)
    for one, other in zip(predicted, of_lists, strict=True):
        assert_array_equal(one, other)
    search = GridSearchCV(clf, {"alpha": [0, 1]}, cv=2, scoring=flat_accuracy_scorer)
    assert 0 <= search.fit(X, make(y)).best_score_ <= 1


def test_per_step_returns_one_array_for_each_sequence():
    sequences, _ = make_sequences(2)
    for form in FORMS:
        X = in_form(form, sequences)
        scaled = PerStep(StandardScaler()).fit_transform(X)
        assert scaled.shape == (len(sequences),)
        assert [steps.shape for steps in scaled] == [steps.shape for steps in sequences]
        if hasattr(X, "iloc"):
            assert scaled.index.equals(X.index)
        elif not isinstance(X, Sequences):
            assert scaled.dtype == object


def test_per_step_encodes_text_and_imputes_nulls():
    from sklearn.impute import SimpleImputer

    pl, pa, ak = map(pytest.importorskip, ["polars", "pyarrow", "awkward"])
    for make in (pl.Series, pa.array, ak.Array, pd.Series):
        one_hot = PerStep(OneHotEncoder(sparse_output=False))
        text = one_hot.fit_transform(make([["a", "b"], ["b"]]))
        assert [steps.tolist() for steps in text] == [[[1, 0], [0, 1]], [[0, 1]]]
    for make in (pl.Series, pa.array, ak.Array):
        for missing in ([[1.0, None, 4.0], [1.0]], [[1, None, 4], [1]]):
            steps = PerStep(SimpleImputer()).fit_transform(make(missing))
            assert [x.ravel().tolist() for x in steps] == [[1, 2, 4], [1]]


def test_occlusion_importance_of_an_awkward_array():
    ak = pytest.importorskip("awkward")
    sequences, y = make_sequences(2)
    clf = clone(ESTIMATORS["classifier"]).fit(sequences, y)
    expected = occlusion_importance(clf, sequences)
    found = occlusion_importance(clf, ak.Array(nested(sequences)))
    for one, other in zip(found, expected, strict=True):
        assert_array_equal(one, other)


def test_awkward_arrays_of_any_inner_form():
    ak = pytest.importorskip("awkward")
    regular = ak.to_regular(ak.Array([[1, 2], [3, 4]]))
    assert_array_equal(as_sequences(regular).lengths, [2, 2])
    assert_array_equal(as_sequences(ak.Array(np.ones((2, 3, 4)))).values, np.ones((6, 4)))
    parts = ak.Array([[[1.0, 2.0]], [[3.0, 4.0], [5.0, 6.0]], [[7.0, 8.0]]])
    assert_array_equal(as_sequences(parts[1:]).values, [[3, 4], [5, 6], [7, 8]])
    assert_array_equal(as_sequences([parts[1], parts[0]]).lengths, [2, 1])
    assert_array_equal(as_sequences(parts[[True, False, True]]).values, [[1, 2], [7, 8]])


def test_masked_steps_are_missing():
    masked = np.ma.array([1.0, 2.0, 3.0], mask=[False, True, False])
    with pytest.raises(ValueError, match="NaN at step 1 of sequence 1"):
        as_sequences([[1.0], masked])
    tail = np.ma.array([[1, 2, 3], [4, 5, 6]], mask=[[False, True, True], [False] * 3])
    assert_array_equal(as_sequences(tail).lengths, [1, 3])
    with pytest.raises(ValueError, match="NaN at step 1 of sequence 0"):
        as_sequences(list(tail))


NULL = "NaN at step 1 of sequence 1"
# Invalid columns, and part of the error message.
REFUSED = {
    "null inside": ([[1.0, 2.0], [1.0, None, 2.0]], NULL),
    "null in an integer": ([[1, 2], [1, None, 2]], NULL),
    "no sequence": ([[1.0], None], r"Sequence 1 of X has shape \(\) and type NoneType"),
    "text": ([["a", "b"], ["c"]], "text"),
    "numbers as text": ([["1", "2"], ["3"]], "text"),
    "ragged features": ([[[1.0, 2.0]], [[1.0, 2.0], [3.0]]], "Sequence 1 of X is not an array"),
    "other width": ([[[1.0, 2.0]], [[1.0]]], "Sequence 1 of X has 1 features per step"),
    "too deep": ([[[[1.0]]]], "Sequence 0 of X (has shape|contains something)"),
    "infinity": ([[1.0], [2.0, np.inf]], "infinity at step 1 of sequence 1"),
    "nothing": ([], "X is empty|0 sample|1D array"),
    "numbers": ([1.0, 2.0], "1D array|Sequence 0 of X has shape"),
}


def column(library, X):
    made = pytest.importorskip(library)
    name = {"pyarrow": "array", "awkward": "Array"}.get(library, "Series")
    options = {"strict": False} if library == "polars" else {}
    return getattr(made, name)(X, **options)


@pytest.mark.parametrize("library", ["polars", "pyarrow", "awkward", "pandas"])
@pytest.mark.parametrize("case", REFUSED)
def test_refused(case, library):
    X, message = REFUSED[case]
    X = column(library, X)
    with pytest.raises(ValueError, match=message):
        as_sequences(X)
    for name in ("classifier", "padder"):
        fitted = clone(ESTIMATORS[name]).fit([[1.0, 2.0], [2.0]], [0, 1])
        before = pickle.dumps(fitted)
        for method in ("fit", "predict" if name == "classifier" else "transform"):
            with pytest.raises(ValueError, match=r"X|array"):
                getattr(fitted, method)(X, *([[0, 1]] if method == "fit" else []))
        assert pickle.dumps(fitted) == before


# Frames in a layout that must be converted

LONG = {"id": ["a", "a", "b"], "time": [0, 1, 0], "u": [1.0, 2.0, 3.0]}
DATED = {"time": np.array(["2020-01-01"] * 3, "M8[ns]"), "u": [1.0, 2.0, 3.0]}
NESTED = {"u": [[1.0, 2.0], [3.0]], "v": [[1.0, 2.0], [3.0]]}
FRAMES = {"pandas": "DataFrame", "polars": "DataFrame", "pyarrow": "table"}


@pytest.mark.parametrize("library", FRAMES)
@pytest.mark.parametrize(
    ("table", "message"),
    [
        (LONG, "Column 'id' of X holds text or dates.*skrnn.convert.from_long"),
        (DATED, "Column 'time' of X holds text or dates.*skrnn.convert.from_long"),
        ({"id": LONG["id"]}, r"one text for each sequence.* \[list\(text\) for text in X\]"),
        ({"u": [[1.0], None]}, r"'u' of X holds a sequence in row 0, but None in row 1.* \[\]"),
        ({"u": [[1.0], [2.0]], "v": [[1.0], [2.0, 3.0]]}, "Row 1 .* lengths: {'u': 1, 'v': 2}"),
    ],
    ids=["ids", "dates", "text alone", "mixed", "lengths"],
)
def test_frames_that_could_mean_two_things_are_refused(library, table, message):
    frame = getattr(pytest.importorskip(library), FRAMES[library])(table)
    for estimator in (*ESTIMATORS.values(), PerStep(OneHotEncoder())):
        with pytest.raises(ValueError, match=message):
            clone(estimator).fit(frame, [0, 1, 0])
    with pytest.raises(ValueError, match=message):
        as_sequences(frame)


@pytest.mark.parametrize("library", FRAMES)
def test_nulls_are_padding_in_frames_with_a_sequence_in_each_row(library):
    frame = getattr(pytest.importorskip(library), FRAMES[library])
    wide = frame({"a": [1, 2], "b": [3, None], "c": [4.0, None]})
    assert_array_equal(as_sequences(wide).lengths, [3, 1])
    fitted = SequencePadder().fit(wide)
    assert fitted.n_features_in_ == 3
    assert_array_equal(fitted.feature_names_in_, ["a", "b", "c"])
    assert_array_equal(fitted.transform(wide)[..., 0], [[1, 3, 4], [2, NAN, NAN]])
    one_column = SequencePadder().fit(frame({"a": [1.0, 2.0]}))
    assert_array_equal(one_column.feature_names_in_, ["a"])


def test_nullable_numbers_of_pandas():
    wide = pd.DataFrame({"a": [1, 2], "b": [3, None]}, dtype="Int64")
    steps = [pd.array([1, None], dtype="Int64"), pd.Series([1.5], dtype="Float64")]
    steps[0] = steps[0][:1]
    for X, values in ((wide, [1, 3, 2]), (steps, [1, 1.5]), (pd.Series(steps), [1, 1.5])):
        assert_array_equal(as_sequences(X).values.ravel(), values)
        assert_array_equal(SequencePadder().fit([[1], [1]]).fit_transform(X)[0, 0], [1])
    with pytest.raises(ValueError, match="NaN at step 0 of sequence 1"):
        as_sequences([[1.0], pd.array([None, 2], dtype="Int64")])


def test_list_of_frames():
    pl, pa = map(pytest.importorskip, ["polars", "pyarrow"])
    table = {"a": [1, 2, 3], "b": [4.0, 5.0, None]}
    for frame in (pl.DataFrame(table), pa.table(table), pd.DataFrame(table)):
        with pytest.raises(ValueError, match="NaN at step 2 of sequence 1"):
            as_sequences([frame[:1], frame])
    for frame in (pl.DataFrame(table)[:2], pa.table(table)[:2], pd.DataFrame(table)[:2]):
        assert_array_equal(as_sequences([frame, frame]).values[1:3], [[2, 5], [1, 4]])
    whole = pd.DataFrame(table, dtype="Int64")
    assert_array_equal(as_sequences([whole[:2], whole[:1]]).lengths, [2, 1])
    with pytest.raises(ValueError, match="NaN at step 2 of sequence 0"):
        as_sequences([whole])
    for frame in (pl.DataFrame(DATED), pa.table(DATED), pd.DataFrame(DATED)):
        with pytest.raises(ValueError, match=r"a date .* at step 0 of sequence 0, column 'time'"):
            as_sequences([frame])
        with pytest.raises(ValueError, match=r"1 of X is a numpy\.ndarray, but sequence 0 is a"):
            as_sequences([frame, np.ones((1, 2))])


class Unknown:
    """Neither a number nor missing; comparison with itself returns a list."""

    def __eq__(self, other):
        return [False]

    __hash__ = None


def test_objects_of_unknown_type_are_not_missing_values():
    for values in ([1.0, Unknown()], [1.0, pd.NA, Unknown()]):
        with pytest.raises(TypeError, match=r"Sequence 0 of X contains something .* not a number"):
            as_sequences([np.array(values, dtype=object)])
    with pytest.raises(ValueError, match="NaN at step 1 of sequence 0"):
        as_sequences([np.array([1.0, pd.NA], dtype=object)])


def test_fields_of_awkward_records_are_not_columns():
    ak = pytest.importorskip("awkward")
    with pytest.raises(ValueError, match="Sequence 0 of X must hold real numbers"):
        as_sequences(ak.Array([[{"columns": 1, "column_names": 2}]]))


def test_frame_with_a_column_name_twice():
    wide = pd.DataFrame([[1.0, 2.0], [3.0, NAN]], columns=["a", "a"])
    assert_array_equal(as_sequences(wide).lengths, [2, 1])
    table = pytest.importorskip("pyarrow").table([[1.0], [2.0]], names=["a", "a"])
    with pytest.raises(ValueError, match=r"columns of X must differ, got \['a', 'a'\]"):
        as_sequences(table)


@pytest.mark.parametrize(
    ("row", "names"),
    [
        ([[1.0], [2.0]], ["a", "a"]),
        ([[1.0], 2.0], ["a", "a"]),
        ([[1.0], 2.0, 3.0], ["a", "b", "b"]),
    ],
    ids=["sequences", "sequences and static", "static"],
)
def test_equal_names_beside_sequences_are_refused(row, names):
    frame = pd.DataFrame([row], columns=names)
    with pytest.raises(ValueError, match=r"columns of X must differ, got \['a', "):
        as_sequences(frame)


def test_equal_names_of_a_table_of_steps_or_of_static_features_are_refused():
    table = pd.DataFrame([[1.0, 2.0]], columns=["a", "a"])
    with pytest.raises(ValueError, match="columns of values must differ"):
        Sequences(table, [1])
    with pytest.raises(ValueError, match="columns of static must differ"):
        Sequences([[1.0]], [1], static=table)


@pytest.mark.parametrize("names", [[0, 1], ["a", 1], [0, "b"]], ids=str)
def test_names_that_are_no_text_beside_sequences(names):
    frame = pd.DataFrame({names[0]: [[1.0, 2.0], [3.0]], names[1]: [4.0, 5.0]}, index=["p", "q"])
    sequences = as_sequences(frame)
    assert_array_equal(sequences.values, [[1], [2], [3]])
    assert sequences.static.columns.tolist() == [names[1]]
    assert_array_equal(sequences.static, [[4], [5]])


@pytest.mark.parametrize(
    "X",
    [
        pd.DataFrame({"u": ["[1, 2]", "[3]"]}),
        pd.DataFrame({"u": ["[1, 2]", "[3]"], "v": ["[1, 2]", "[3]"]}),
        pd.DataFrame({"u": ["[1, 2]", "[3]"], "age": [30, 40]}),
        pd.DataFrame({"u": ["[1, 2]", "[3]"], "v": [[1, 2], [3]]}),
        pd.Series(["[1, 2]", "[3]"]),
        ["[1, 2]", "[3]"],
        [["[1, 2]"], ["[3]"]],
    ],
    ids=["column", "columns", "beside numbers", "beside lists", "Series", "list", "steps"],
)
def test_lists_read_from_csv_as_text(X):
    with pytest.raises(ValueError, match=r"If '\[1, 2\]' is a list .* json\.loads"):
        SequenceRNNClassifier().fit(X, [0, 1])


def test_names_of_several_levels_beside_sequences_are_refused():
    frame = pd.DataFrame({("a", "b"): [[1.0], [2.0]], ("a", "c"): [2.0, 3.0]})
    with pytest.raises(ValueError, match=r"several levels, such as \('a', 'b'\).*'_'\.join"):
        as_sequences(frame)
    frame.columns = ["_".join(map(str, levels)) for levels in frame.columns]
    assert as_sequences(frame).static.columns.tolist() == ["a_c"]


def test_lazy_frame_is_refused():
    lazy = pytest.importorskip("polars").LazyFrame({"x": [[1.0]]})
    with pytest.raises(TypeError, match=r"X is a LazyFrame, .* collect\(\)"):
        as_sequences(lazy)


def test_reading_a_list_imports_no_library():
    code = """
import sys
import narwhals.stable.v2  # of skrnn, as of scikit-learn from 1.9 on
import sklearn.model_selection, sklearn.metrics, sklearn.preprocessing
import sklearn.calibration, sklearn.ensemble
before = set(sys.modules)
import skrnn, skrnn.convert
skrnn.SequenceRNNClassifier(2, max_iter=1, learning_rate="cosine").fit([[1, 2], [3]], [0, 1])
skrnn.convert.from_long(skrnn.convert.to_long([[1, 2], [3]]), "id", "time")
new = {name.split(".")[0] for name in set(sys.modules) - before}
print(new & {"pandas", "polars", "pyarrow", "awkward", "narwhals", "tslearn"})
"""
    run = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code], capture_output=True, text=True, check=True
    )
    assert run.stdout.strip() == "set()"


# Output in frames


CONTAINERS = {"pandas": "DataFrame", "polars": "DataFrame"}


@pytest.mark.parametrize("how", ["set_output", "set_config"])
@pytest.mark.parametrize("library", CONTAINERS)
def test_flat_padder_gives_frames(library, how):
    frame = pytest.importorskip(library).DataFrame
    X = [np.ones((2, 2)), np.zeros((1, 2))]
    padder, expected = SequencePadder(flat=True), SequencePadder(flat=True).fit_transform(X)
    config = {} if how == "set_output" else {"transform_output": library}
    with sklearn.config_context(**config):
        if how == "set_output":
            assert padder.set_output(transform=library) is padder
        padded = clone(padder).fit_transform(X)  # clone keeps the configuration
        assert isinstance(padded, frame)
        assert list(padded.columns) == ["step0_x0", "step0_x1", "step1_x0", "step1_x1"]
        assert_array_equal(padded.to_numpy(), expected)
        fitted = padder.fit(X)
        for one, other in zip(fitted.inverse_transform(fitted.transform(X)), X, strict=True):
            assert_array_equal(one, other)
    assert isinstance(padder.set_output(transform="default").transform(X), np.ndarray)


def test_flat_padder_keeps_the_index_of_a_frame():
    X = pd.DataFrame([[1.0, 2.0], [3.0, NAN]], columns=["a", "b"], index=["p", "q"])
    padded = SequencePadder(flat=True).set_output(transform="pandas").fit_transform(X)
    assert_array_equal(padded.index, ["p", "q"])


@pytest.mark.parametrize("how", ["set_output", "set_config"])
@pytest.mark.parametrize("library", CONTAINERS)
@pytest.mark.parametrize(
    "transformer",
    [SequencePadder(), PerStep(StandardScaler()), PerStep(OneHotEncoder(sparse_output=False))],
    ids=str,
)
def test_output_that_is_no_table_is_not_wrapped(transformer, library, how):
    pytest.importorskip(library)
    X = [np.array([[0.0], [1.0]]), np.array([[1.0]])]
    expected = clone(transformer).fit_transform(X)
    config = {} if how == "set_output" else {"transform_output": library}
    with sklearn.config_context(**config):
        pipeline = make_pipeline(clone(transformer))
        if how == "set_output":
            pipeline.set_output(transform=library)
        for answer in (pipeline.fit_transform(X), pipeline.transform(X)):
            assert type(answer) is type(expected)
            for one, other in zip(answer, expected, strict=True):
                assert_array_equal(one, other, strict=True)


@pytest.mark.parametrize("how", ["set_output", "set_config"])
@pytest.mark.parametrize("library", CONTAINERS)
@pytest.mark.parametrize("name", ["classifier", "regressor"])
def test_features_of_networks_are_wrapped_in_frames(name, library, how):
    frame = pytest.importorskip(library).DataFrame
    sequences, y = make_sequences(2)
    pipeline = make_pipeline(PerStep(StandardScaler()), SequencePadder(), clone(ESTIMATORS[name]))
    expected = pipeline.fit(sequences, y).transform(sequences)
    config = {} if how == "set_output" else {"transform_output": library}
    with sklearn.config_context(**config):
        if how == "set_output":
            pipeline.set_output(transform=library)
        features = pipeline.fit(sequences, y).transform(sequences)
        assert isinstance(features, frame)
        assert_array_equal(features.to_numpy(), expected)
        assert list(features.columns) == list(pipeline[-1].get_feature_names_out())
        predicted = pipeline.predict(sequences)
    assert isinstance(predicted, np.ndarray)


@pytest.mark.parametrize("library", CONTAINERS)
def test_network_reads_a_flat_frame(library):
    pytest.importorskip(library)
    sequences, y = make_sequences(2)
    network = clone(ESTIMATORS["classifier"]).set_params(step_features=2)
    pipeline = make_pipeline(SequencePadder(flat=True), network)
    expected = pipeline.fit(sequences, y).predict_proba(sequences)
    pipeline.set_output(transform=library).fit(sequences, y)
    assert_array_equal(pipeline.predict_proba(sequences), expected)
    assert pipeline[-1].feature_names_in_[0] == "step0_x0"


# Splits, and data sets of other libraries


@pytest.mark.parametrize("form", FORMS)
def test_split_keeps_sequences_whole(form):
    sequences, y = make_sequences(2)
    X_train, X_test, y_train, _ = train_test_split(in_form(form, sequences), y, random_state=0)
    train, test, of_train, _ = train_test_split(sequences, y, random_state=0)
    for of_form, of_list_ in ((X_train, train), (X_test, test)):
        assert_array_equal(as_sequences(of_form).values, np.concatenate(of_list_))
    assert_array_equal(y_train, of_train)


def test_as_ragged_of_every_form():
    sequences, _ = make_sequences(2)
    for form in FORMS:
        ragged = as_ragged(in_form(form, sequences))
        assert ragged.shape == (len(sequences),)
        for one, other in zip(ragged, sequences, strict=True):
            assert_array_equal(one, other, strict=True)


def test_data_set_of_tslearn():
    utils = pytest.importorskip("tslearn.utils")
    sequences, y = make_sequences(2)
    dataset = utils.to_time_series_dataset(sequences)
    assert_array_equal(as_sequences(dataset).values, np.concatenate(sequences))
    for use in ("Pipeline", "GridSearchCV", "train_test_split"):
        assert_array_equal(USES[use](dataset, y, make_scaled(2)), of_list(use, 2))
    padded = SequencePadder().fit_transform(sequences)  # tslearn reads the padded array
    assert_array_equal([utils.ts_size(steps) for steps in padded], [len(x) for x in sequences])
