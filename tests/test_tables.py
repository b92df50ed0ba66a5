"""`TableTransformer`: a transformer for the steps and one for the static features."""

import pickle

import numpy as np
import pandas as pd
import pytest
import sklearn
from numpy.testing import assert_allclose, assert_array_equal
from scipy.sparse import issparse
from sklearn.base import BaseEstimator, TransformerMixin, clone
from sklearn.compose import make_column_transformer
from sklearn.decomposition import PCA
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.impute import SimpleImputer
from sklearn.model_selection import GridSearchCV, KFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import (
    FunctionTransformer,
    MinMaxScaler,
    OneHotEncoder,
    StandardScaler,
    TargetEncoder,
)
from sklearn.utils import estimator_html_repr
from versions import needs_sklearn

from skrnn import (
    Frames,
    Neighbors,
    PerSequence,
    PerStep,
    SequencePadder,
    SequenceRNNClassifier,
    SequenceRNNRegressor,
    Sequences,
    StepRNNClassifier,
    TableTransformer,
    as_sequences,
)

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

FRAMES = {"pandas": "DataFrame", "polars": "DataFrame", "pyarrow": "table"}
LENGTHS = [3, 0, 2, 1]
COLUMNS = {
    "age": [60.0, None, 35.0, 52.0],
    "pulse": [[71.0, None, 80.0], [], [64.0, 66.0], [90.0]],
    "sex": ["f", "m", "f", "f"],
    "device": [["cuff", "line", "cuff"], [], ["line", "line"], ["cuff"]],
}
Y = np.array([0, 1, 0, 1])
QUICK = {"hidden_layer_sizes": 3, "max_iter": 2, "random_state": 0}


def scaler():
    return make_pipeline(SimpleImputer(), StandardScaler())


def tables(**params):
    """Return a transformer of all columns; both tables have numbers, text and missing values."""
    steps = make_column_transformer((scaler(), ["pulse"]), (OneHotEncoder(), ["device"]))
    static = make_column_transformer((scaler(), ["age"]), (OneHotEncoder(), ["sex"]))
    return TableTransformer(steps, static, **params)


@pytest.fixture
def frame():
    return pd.DataFrame(COLUMNS, index=[7, 3, 9, 1])


def dense(table):
    return table.toarray() if issparse(table) else np.asarray(table)


# What is transformed -----------------------------------------------------------------------------


@pytest.mark.parametrize("library", FRAMES)
def test_each_table_is_transformed_as_by_its_transformer(library):
    frame = getattr(pytest.importorskip(library), FRAMES[library])(COLUMNS)
    both = tables()
    transformed = both.fit_transform(frame)
    assert isinstance(transformed, Sequences)
    read = as_sequences(frame, numeric=False)
    expected = PerStep(both.steps).fit_transform(read)
    assert_array_equal(transformed.lengths, LENGTHS)
    assert_array_equal(dense(transformed.values), dense(expected.values))
    expected = clone(both.static).fit_transform(read.static)
    assert_array_equal(dense(transformed.static), dense(expected))
    again = both.transform(frame)
    assert_array_equal(dense(again.values), dense(transformed.values))
    assert_array_equal(dense(again.static), dense(transformed.static))
    assert both.n_static_features_ == 2
    assert both.static_feature_names_in_.tolist() == ["age", "sex"]
    assert both.feature_names_in_.tolist() == ["pulse", "device"]
    assert both.n_features_in_ == both.n_step_features_ == 2


def test_passthrough_leaves_a_table(frame):
    of_steps = TableTransformer(steps=tables().steps).fit(frame)
    assert of_steps.static_ == "passthrough"
    assert of_steps.transform(frame).static.equals(frame[["age", "sex"]])
    of_static = TableTransformer(static=tables().static).fit(frame)
    assert of_static.steps_ == "passthrough"
    assert of_static.transform(frame).values.equals(as_sequences(frame, numeric=False).values)
    nothing = TableTransformer().fit_transform(frame)
    assert nothing.static.equals(frame[["age", "sex"]])
    assert nothing.values.equals(as_sequences(frame, numeric=False).values)


@pytest.mark.parametrize(
    "X",
    [
        [[1.0, 2.0], [3.0]],
        [np.ones((2, 2)), np.zeros((1, 2))],
        np.arange(12.0).reshape(2, 3, 2),
        np.arange(6.0).reshape(2, 3),
        pd.DataFrame({"u": [[1.0, 2.0], [3.0]]}),
        Sequences([[1.0], [2.0], [4.0]], [2, 1], ids=["a", "b"], rows=[2, 1, 0]),
    ],
    ids=["lists", "arrays", "3-D", "2-D", "frame", "Sequences"],
)
def test_without_static_features_it_is_per_step(X):
    given = TableTransformer(StandardScaler()).fit(X).transform(X)
    expected = PerStep(StandardScaler()).fit(X).transform(X)
    assert type(given) is type(expected)
    for ours, theirs in zip(given, expected, strict=True):
        assert_array_equal(ours, theirs)
    if isinstance(X, Sequences):
        assert given.ids is X.ids
        assert given.rows is X.rows


def test_flat_sequences_with_step_features():
    X = [[1, 10, 2, 20], [3, 30]]
    both = TableTransformer(MinMaxScaler(), step_features=2)
    assert_allclose(both.fit_transform(X)[0], [[0, 0], [0.5, 0.5]])


def test_static_tables_that_are_arrays_and_texts():
    X = Sequences([[1.0], [2.0]], [1, 1], static=np.array([[1.0], [3.0]]))
    assert_array_equal(TableTransformer(static=MinMaxScaler()).fit_transform(X).static, [[0], [1]])
    texts = pd.DataFrame({"note": ["short of breath", "breath"], "u": [[1.0], [2.0]]})
    counts = TableTransformer(static=CountVectorizer()).fit_transform(texts).static
    assert_array_equal(counts.toarray(), [[1, 1, 1], [1, 0, 0]])


@needs_sklearn("1.9", "TargetEncoder takes a splitter")
def test_targets_are_used_by_both_transformers(frame):
    encoder = TargetEncoder(cv=KFold(2), target_type="continuous")
    both = TableTransformer(
        make_column_transformer((encoder, ["device"])), make_column_transformer((encoder, ["sex"]))
    )
    y = np.array([0.0, 1.0, 4.0, 2.0])
    transformed, again = both.fit_transform(frame, y), both.fit(frame, y).transform(frame)
    of_steps = PerStep(both.steps).fit_transform(frame, y).values
    assert_array_equal(transformed.values, of_steps)
    of_static = clone(both.static).fit_transform(frame[["age", "sex"]], y)
    assert_array_equal(transformed.static, of_static)
    assert np.any(again.static != transformed.static)
    assert np.any(again.values != transformed.values)


def test_sequences_without_steps_only(frame):
    both = tables().fit(frame)
    empty = both.transform(frame.iloc[[1, 1]])
    assert_array_equal(empty.lengths, [0, 0])
    assert empty.values.shape == (0, 3)
    assert dense(empty.static).shape == (2, 3)
    model = make_pipeline(tables(), SequenceRNNClassifier(**QUICK)).fit(frame, Y)
    assert_allclose(model.predict_proba(frame.iloc[[1]]), model.predict_proba(frame)[[1]])


def test_fit_leaves_the_data_unchanged_by_transformers_that_work_in_place():
    X = Sequences(np.array([[1.0], [3.0]]), [1, 1], static=np.array([[1.0], [3.0]]))
    TableTransformer(StandardScaler(copy=False), StandardScaler(copy=False)).fit(X)
    assert_array_equal(X.values, [[1], [3]])
    assert_array_equal(X.static, [[1], [3]])


def test_metadata_reaches_the_transformer_that_requests_it():
    X = Sequences([[1.0], [2.0], [4.0]], [2, 1], static=[[1.0], [3.0]])
    weight = np.array([1.0, 3.0])
    with sklearn.config_context(enable_metadata_routing=True):
        of_steps = StandardScaler().set_fit_request(sample_weight="weight")
        of_static = StandardScaler().set_fit_request(sample_weight=True)
        both = TableTransformer(of_steps, of_static)
        both.fit(X, weight=weight)
        assert_allclose(both.steps_.mean_, (1 + 2 + 3 * 4) / 5)
        assert_allclose(both.static_.mean_, 2)
        both.fit(X, sample_weight=weight)
        assert_allclose(both.steps_.mean_, 7 / 3)
        assert_allclose(both.static_.mean_, 2.5)
        with pytest.raises(TypeError, match="unexpected argument"):
            both.fit(X, other=weight)
        pipeline = make_pipeline(both, PerStep(MinMaxScaler()))
        pipeline.fit_transform(X, weight=weight)
        assert_allclose(pipeline[0].steps_.mean_, (1 + 2 + 3 * 4) / 5)
    with pytest.raises(ValueError, match="enable_metadata_routing=True"):
        both.fit(X, sample_weight=weight)


def test_with_static_and_without_static_keep_all_else():
    X = Sequences([[1.0], [2.0]], [1, 1], static=[[1.0], [3.0]], ids=["a", "b"], rows=[1, 0])
    for other in (X.with_static(X.static * 2), X.without_static()):
        assert_array_equal(other.values, X.values)
        assert other.ids.tolist() == ["a", "b"]
        assert other.rows.tolist() == [1, 0]
    assert X.with_static(X.static * 2).static.tolist() == [[2], [6]]
    assert X.without_static().static is None
    with pytest.raises(ValueError, match=r"static has shape \(1, 1\), but needs 2 rows"):
        X.with_static([[1.0]])


# As scikit-learn's transformers ------------------------------------------------------------------


@needs_sklearn("1.7", "searches of 1.6 take a column named device for that of an array")
@pytest.mark.parametrize("kind", [SequenceRNNClassifier, StepRNNClassifier])
def test_search_in_a_pipeline(kind, frame):
    many = pd.concat([frame] * 4, ignore_index=True)
    y = np.tile(Y, 4)
    if kind is StepRNNClassifier:
        y = [np.arange(n) % 2 for n in LENGTHS * 4]
    pipeline = make_pipeline(tables(), kind(**QUICK))
    grid = {
        "tabletransformer__static__pipeline__simpleimputer__add_indicator": [True],
        "tabletransformer__steps__pipeline__simpleimputer__strategy": ["mean", "median"],
    }
    search = GridSearchCV(pipeline, grid, cv=2).fit(many, y)
    assert len(search.cv_results_["params"]) == 2
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()
    assert len(search.predict(many)) == 16
    assert "OneHotEncoder" in estimator_html_repr(pipeline)
    loaded = pickle.loads(pickle.dumps(search))
    assert_array_equal(
        np.concatenate([*map(np.ravel, loaded.predict(many))]),
        np.concatenate([*map(np.ravel, search.predict(many))]),
    )


def test_names_of_the_output(frame):
    both = tables().fit(frame)
    names = ["pipeline__pulse", "onehotencoder__device_cuff", "onehotencoder__device_line"]
    assert both.get_feature_names_out().tolist() == names
    names = ["pipeline__age", "onehotencoder__sex_f", "onehotencoder__sex_m"]
    assert both.get_static_feature_names_out().tolist() == names
    nothing = TableTransformer().fit(frame)
    assert nothing.get_feature_names_out().tolist() == ["pulse", "device"]
    assert nothing.get_static_feature_names_out().tolist() == ["age", "sex"]
    X = Sequences([[1.0], [2.0]], [1, 1], static=[[1.0, 2.0], [3.0, 4.0]])
    assert TableTransformer().fit(X).get_static_feature_names_out().tolist() == ["x0", "x1"]
    unnamed = TableTransformer(static=FunctionTransformer())
    assert not hasattr(unnamed, "get_static_feature_names_out")


@pytest.mark.parametrize("library", ["pandas", "polars"])
def test_frames_as_output(library):
    frame = pytest.importorskip(library).DataFrame(COLUMNS)
    steps = make_column_transformer((scaler(), ["pulse"]), verbose_feature_names_out=False)
    encoder = OneHotEncoder(sparse_output=False)
    static = make_column_transformer((encoder, ["sex"]), verbose_feature_names_out=False)
    both = TableTransformer(steps, static)
    expected = both.fit_transform(frame)
    as_frame = both.set_output(transform=library).fit_transform(frame)
    assert list(as_frame.columns) == ["sex_f", "sex_m", "pulse"]
    read = as_sequences(as_frame)
    assert_array_equal(read.values, expected.values)
    assert_array_equal(read.static, expected.static)
    if library == "pandas":
        shuffled = frame.iloc[::-1]
        assert both.transform(shuffled).index.tolist() == [3, 2, 1, 0]


class Unnamed(TransformerMixin, BaseEstimator):
    """Return an array, whatever the output is set to."""

    def fit(self, X, y=None):
        return self

    def transform(self, X):
        return np.ones((len(X), 2))


def test_static_features_without_names_in_a_frame_of_output(frame):
    both = TableTransformer(tables().steps.transformers[0][1], Unnamed())
    as_frame = both.set_output(transform="pandas").fit_transform(frame[["pulse", "age"]])
    assert list(as_frame.columns) == ["static0", "static1", "pulse"]
    assert as_frame.index.tolist() == [7, 3, 9, 1]


def test_equal_names_in_a_frame_of_output():
    X = pd.DataFrame({"a": [1.0, 2.0, 4.0], "u": [[1.0], [2.0, 5.0], [0.0]]})
    both = TableTransformer(PCA(1), PCA(1))
    assert both.fit_transform(X).static.shape == (3, 1)
    with pytest.raises(ValueError, match=r"have the same names, \['pca0'\], so they cannot be"):
        both.set_output(transform="pandas").fit_transform(X)


# Errors ------------------------------------------------------------------------------------------


def test_a_transformer_of_static_features_needs_some(frame):
    message = (
        r"static=OneHotEncoder\(\) needs static features, but X has none. .* columns of single "
        r"values beside columns of sequences in a frame, or the table of Sequences\(..., static="
    )
    for X in ([[1.0], [2.0]], frame[["pulse"]]):
        with pytest.raises(ValueError, match=message):
            TableTransformer(static=OneHotEncoder()).fit(X)


def test_static_features_of_fit_are_required(frame):
    expecting = r"TableTransformer is expecting 2, \['age', 'sex'\], as in fit"
    for both in (tables().fit(frame), TableTransformer().fit(frame)):
        with pytest.raises(ValueError, match=f"X has no static features, but {expecting}"):
            both.transform(frame[["pulse", "device"]])
        with pytest.raises(ValueError, match=rf"static features \['sex'\], but {expecting}"):
            both.transform(frame.drop(columns="age"))
        swapped = frame[["sex", "age", "pulse", "device"]]
        with pytest.raises(ValueError, match=r"\['sex', 'age'\], but TableTransformer was fitted"):
            both.transform(swapped)
    without = TableTransformer(tables().steps).fit(frame[["pulse", "device"]])
    with pytest.raises(ValueError, match=r"expecting 0 as in fit. Pass X.without_static\(\)"):
        without.transform(frame)
    refitted = tables().fit(frame).set_params(static="passthrough")
    assert refitted.fit(frame[["pulse", "device"]]).n_static_features_ == 0
    assert not hasattr(refitted, "static_feature_names_in_")


@pytest.mark.parametrize(
    "inner",
    [
        PerStep(StandardScaler()),
        PerSequence(np.abs),
        Frames(2),
        Neighbors(),
        SequencePadder(),
        SequenceRNNClassifier(),
        SequenceRNNRegressor(),
    ],
    ids=repr,
)
def test_estimators_of_sequences_are_refused_inside(inner, frame):
    """They would read each row of a table as a flat sequence."""
    X = frame.iloc[1:][["pulse", "age"]]
    nested = make_column_transformer((inner, ["age"]))
    message = rf"takes transformers of tables, but {type(inner).__name__} is .* in a pipeline"
    for outer in (
        TableTransformer(steps=inner),
        TableTransformer(static=inner),
        TableTransformer(static=nested),
        PerStep(make_pipeline(SimpleImputer(), inner)),
        PerSequence(inner),
    ):
        with pytest.raises(ValueError, match=f"{type(outer).__name__} {message}"):
            outer.fit(X)
        with pytest.raises(ValueError, match=f"{type(outer).__name__} {message}"):
            outer.fit_transform(X)


def test_errors_about_categories_accuse_no_other_value():
    X = pd.DataFrame({"pulse": [[1.0], [2.0]], "sex": ["f", "m"], "age": [None, 3.0]})
    tables = TableTransformer(static=OneHotEncoder()).fit(X)
    with pytest.raises(ValueError, match=r"unknown categories \['x string'\].*\n.*'age'\]\.$"):
        tables.transform(X.assign(sex=["f", "x string"]))
    steps = PerStep(OneHotEncoder()).fit([["a", "b", None]])
    with pytest.raises(ValueError, match=r"unknown categories \[.*'z'.*\] in column 0 [\w ]*$"):
        steps.transform([["a", None, "z"]])


def test_the_text_that_a_message_quotes_is_named():
    X = [pd.DataFrame({"sex": ["f", "m"], "age": ["1", "old"]})]
    columns = make_column_transformer((OneHotEncoder(), ["sex"]), (StandardScaler(), ["age"]))
    with pytest.raises(ValueError, match="text, first at step 1 of sequence 0, column 'age'"):
        PerStep(columns).fit(X)
    with pytest.raises(ValueError, match="first infinite value of X is at step 1 of sequence 0"):
        PerStep(StandardScaler()).fit([pd.DataFrame({"age": [1.0, np.inf]})])


def test_errors_of_transformers_name_the_table_and_the_place(frame):
    message = (
        r"(?s)could not convert .*static table of X, \['age', 'sex'\]. The .* 'sex' of sequence 0"
    )
    with pytest.raises(ValueError, match=f"{message} of X is text"):
        TableTransformer(static=StandardScaler()).fit(frame)
    infinite = frame.assign(age=[1.0, np.inf, 2.0, 3.0], sex=1.0)
    with pytest.raises(ValueError, match=r"(?s)infinity.* 'age' of sequence 1 of X is infinite"):
        TableTransformer(static=StandardScaler()).fit(infinite)
    with pytest.raises(ValueError, match="X contains NaN at step 1 of sequence 0, column 'pulse'"):
        TableTransformer(steps=PCA()).fit(frame)
    two = pd.DataFrame({"a": ["x", "y"], "b": ["x", "y"], "u": [[1.0], [2.0]]})
    with pytest.raises(ValueError, match="text or dictionary for each sequence, but there are 2"):
        TableTransformer(static=CountVectorizer()).fit(two)

    both = TableTransformer(static=FunctionTransformer(lambda table: table[:2]))
    with pytest.raises(ValueError, match=r"shape \(2, 2\) for 4 sequences, but a row for each seq"):
        both.fit_transform(frame)


@pytest.mark.parametrize("name", ["steps", "static"])
def test_parameters_that_are_no_transformers(name, frame):
    for value in ("scale", None, 3):
        with pytest.raises(ValueError, match=f"The '{name}' parameter of TableTransformer must"):
            TableTransformer(**{name: value}).fit(frame)
    with pytest.raises(TypeError, match=r"instance.* of a class|estimator instance"):
        TableTransformer(**{name: StandardScaler}).fit(frame)


def test_advice_of_the_networks_is_right(frame):
    """The errors of networks name a TableTransformer that mends the table."""
    X = frame[["pulse", "sex", "age"]].assign(pulse=[[1.0]] * 4)
    clf = SequenceRNNClassifier(**QUICK)
    with pytest.raises(ValueError, match=r"text.* TableTransformer\(static=OneHotEncoder\(\)\)"):
        clf.fit(X[["pulse", "sex"]], Y)
    make_pipeline(TableTransformer(static=OneHotEncoder()), clf).fit(X[["pulse", "sex"]], Y)
    with pytest.raises(ValueError, match=r"missing.* TableTransformer\(static=SimpleImputer\(\)"):
        clf.fit(X[["pulse", "age"]], Y)
    make_pipeline(TableTransformer(static=SimpleImputer()), clf).fit(X[["pulse", "age"]], Y)


# ONNX --------------------------------------------------------------------------------------------

NUMBERS = pd.DataFrame(
    {
        "age": [60.0, 41.0, 35.0, 52.0],
        "weight": [80.0, 55.0, 66.0, 70.0],
        "u": [[1.0, 2.0], [], [3.0, 4.0, 1.0], [0.0]],
        "v": [[7.0, 5.0], [], [1.0, 4.0, 1.0], [3.0]],
    }
)
SEX = np.array([["f"], ["m"], ["f"], ["x"]], dtype=object)


def run_onnx(model, X, initial_types=None, **static):
    """Export a fitted model and run it, with 1000 in the padding; return the named outputs."""
    onnxruntime = pytest.importorskip("onnxruntime")
    pytest.importorskip("skl2onnx")
    from skrnn.onnx import to_onnx

    exported = to_onnx(model, initial_types=initial_types)
    session = onnxruntime.InferenceSession(exported.SerializeToString())
    sequences = as_sequences(X)
    values = np.asarray(sequences.values, np.float32)
    padded = Sequences(values, sequences.lengths).to_padded(fill_value=1e3)
    names = [output.name for output in session.get_outputs()]
    feed = {"X": padded, "lengths": sequences.lengths, **static}
    assert [given.name for given in session.get_inputs()] == list(feed)
    return dict(zip(names, session.run(None, feed), strict=True))


def fitted_pipeline(X, *steps):
    """Fit a pipeline that ends in a network, and give the network random weights."""
    model = make_pipeline(*steps, SequenceRNNClassifier(**QUICK)).fit(X, Y)
    rng = np.random.RandomState(0)
    for p in model[-1].weights_.values():
        for array in p.values():
            array[...] = rng.normal(0, 0.5, array.shape)
    return model


def by_name(*names):
    return make_column_transformer(*[(StandardScaler(), [name]) for name in names])


@pytest.mark.parametrize(
    "steps",
    [
        [TableTransformer(StandardScaler(), MinMaxScaler())],
        [TableTransformer(static=scaler()), PerStep(StandardScaler())],
        [PerStep(StandardScaler()), TableTransformer()],
        [TableTransformer(by_name("v", "u"), by_name("weight", "age"))],
        [PerStep(by_name("v", "u")), TableTransformer(static=by_name("age"))],
    ],
    ids=["both", "static", "nothing", "columns", "some columns"],
)
def test_onnx(steps):
    model = fitted_pipeline(NUMBERS, *steps)
    static = NUMBERS[["age", "weight"]].to_numpy(np.float32)
    probabilities = run_onnx(model, NUMBERS, static=static)["probabilities"]
    assert_allclose(probabilities, model.predict_proba(NUMBERS), atol=1e-5)


def test_onnx_of_transformers_alone():
    both = TableTransformer(StandardScaler(), MinMaxScaler()).fit(NUMBERS)
    static = NUMBERS[["age", "weight"]].to_numpy(np.float32)
    for model in (both, make_pipeline(both, PerStep(MinMaxScaler())).fit(NUMBERS)):
        expected = model.transform(NUMBERS)
        outputs = run_onnx(model, NUMBERS, static=static)
        assert list(outputs) == ["sequences", "n_steps", "transformed_static"]
        assert_allclose(outputs["transformed_static"], expected.static, atol=1e-6)
        mask = np.arange(outputs["sequences"].shape[1]) < outputs["n_steps"][:, None]
        assert_allclose(outputs["sequences"][mask], expected.values, atol=1e-6)


def test_onnx_of_text_in_static_features():
    pytest.importorskip("skl2onnx")
    from skl2onnx.common.data_types import FloatTensorType, Int64TensorType, StringTensorType

    sequences = [("X", FloatTensorType([None, None, 2])), ("lengths", Int64TensorType([None]))]
    number, text = FloatTensorType([None, 1]), StringTensorType([None, 1])
    X = NUMBERS[["u", "v"]].assign(sex=SEX[:, 0])
    model = fitted_pipeline(X, TableTransformer(StandardScaler(), OneHotEncoder()))
    outputs = run_onnx(model, X, [*sequences, ("static", text)], static=SEX)
    assert_allclose(outputs["probabilities"], model.predict_proba(X), atol=1e-5)

    X = NUMBERS.assign(sex=SEX[:, 0])
    columns = make_column_transformer((scaler(), ["weight", "age"]), (OneHotEncoder(), ["sex"]))
    types = [*sequences, ("age", number), ("weight", number), ("sex", text)]
    static = {name: NUMBERS[[name]].to_numpy(np.float32) for name in ("age", "weight")}
    for steps in (
        [TableTransformer(StandardScaler(), columns)],
        [PerStep(StandardScaler()), TableTransformer(static=columns)],
    ):
        model = fitted_pipeline(X, *steps)
        outputs = run_onnx(model, X, types, **static, sex=SEX)
        assert_allclose(outputs["probabilities"], model.predict_proba(X), atol=1e-5)
    model = fitted_pipeline(NUMBERS, PerStep(StandardScaler()))
    outputs = run_onnx(model, NUMBERS, types[:-1], **static)
    assert_allclose(outputs["probabilities"], model.predict_proba(NUMBERS), atol=1e-5)
