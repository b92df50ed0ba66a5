"""Transformers of sequences: SequencePadder and PerStep."""

import re

import numpy as np
import pandas as pd
import pytest
import sklearn
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import BaseEstimator, TransformerMixin, clone
from sklearn.decomposition import PCA
from sklearn.exceptions import NotFittedError
from sklearn.feature_extraction import DictVectorizer
from sklearn.feature_extraction.text import CountVectorizer, HashingVectorizer
from sklearn.feature_selection import SelectKBest
from sklearn.impute import SimpleImputer
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import FeatureUnion, make_pipeline
from sklearn.preprocessing import (
    FunctionTransformer,
    MaxAbsScaler,
    OneHotEncoder,
    PolynomialFeatures,
    StandardScaler,
)

from skrnn import (
    ForwardImputer,
    Frames,
    Neighbors,
    PerSequence,
    PerStep,
    SequencePadder,
    SequenceRNNClassifier,
    Sequences,
    TableTransformer,
    as_sequences,
)
from skrnn.convert import from_long

NAN = np.nan
LISTS = [[1.0, 2.0, 3.0], [4.0]]
TABLE = np.array([[1, 2, 3], [4, NAN, NAN]])


def in_object_array(sequences):
    array = np.empty(len(sequences), dtype=object)
    array[:] = sequences
    return array


# SequencePadder


@pytest.mark.parametrize(
    ("options", "X", "expected"),
    [
        ({}, LISTS, TABLE),
        ({}, TABLE, TABLE),
        ({}, [[1], [2]], [[1], [2]]),
        ({"fill_value": -1}, LISTS, [[1, 2, 3], [4, -1, -1]]),
        ({"n_steps": 4}, LISTS, [[1, 2, 3, NAN], [4, NAN, NAN, NAN]]),
        ({"n_steps": 2, "longer": "truncate"}, LISTS, [[1, 2], [4, NAN]]),
        ({"n_steps": 1, "longer": "truncate"}, LISTS, [[1], [4]]),
        ({"n_steps": 4, "longer": "error"}, LISTS, [[1, 2, 3, NAN], [4, NAN, NAN, NAN]]),
    ],
)
@pytest.mark.parametrize("flat", [False, True])
def test_padder(options, X, expected, flat):
    padded = SequencePadder(flat=flat, **options).fit_transform(X)
    assert padded.ndim == (2 if flat else 3)
    assert_array_equal(padded if flat else padded[..., 0], expected)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_padder_keeps_features_in_order_and_dtype(dtype):
    X = [np.array([[1, 2], [3, 4]], dtype), np.array([[5, 6]], dtype)]
    padded = SequencePadder().fit_transform(X)
    assert padded.dtype == dtype
    assert_array_equal(padded, [[[1, 2], [3, 4]], [[5, 6], [NAN, NAN]]])
    assert_array_equal(SequencePadder(flat=True).fit_transform(X), padded.reshape(2, 4))


@pytest.mark.parametrize("options", [{"longer": "error"}, {"flat": True}])
def test_padder_refuses_longer_sequences(options):
    padder = SequencePadder(**options).fit(LISTS)
    with pytest.raises(ValueError, match="Sequence 1 of X has 4 steps, more than the 3"):
        padder.transform([[1], [1, 2, 3, 4]])


def test_padder_grows_for_one_call_only():
    padder = SequencePadder().fit(LISTS)
    assert padder.transform([[1, 2, 3, 4]]).shape == (1, 4, 1)
    assert padder.transform([[1]]).shape == (1, 3, 1)
    assert padder.n_steps_ == 3
    assert SequencePadder(n_steps=2).fit_transform(LISTS).shape == (2, 3, 1)


@pytest.mark.parametrize("flat", [False, True])
def test_padder_inverse(flat):
    X = [np.ones((2, 2)), np.zeros((1, 2))]
    padder = SequencePadder(flat=flat).fit(X)
    ragged = padder.inverse_transform(padder.transform(X))
    assert ragged.dtype == object
    for steps, expected in zip(ragged, X, strict=True):
        assert_array_equal(steps, expected)


def test_padder_inverse_needs_nan():
    padder = SequencePadder(fill_value=0).fit(LISTS)
    with pytest.raises(AttributeError, match="inverse_transform"):
        padder.inverse_transform(padder.transform(LISTS))


def test_padder_names_of_flat_columns():
    padder = SequencePadder(flat=True).fit([np.ones((2, 2)), np.ones((1, 2))])
    expected = ["step0_x0", "step0_x1", "step1_x0", "step1_x1"]
    assert_array_equal(padder.get_feature_names_out(), expected)


@pytest.mark.parametrize(
    "options",
    [
        {"n_steps": 0},
        {"n_steps": 1.5},
        {"longer": "shrink"},
        {"flat": "yes"},
        {"fill_value": np.inf},
        {"fill_value": "0"},
        {"step_features": 0},
    ],
    ids=repr,
)
def test_padder_options_refused(options):
    with pytest.raises(ValueError, match=next(iter(options))):
        SequencePadder(**options).fit(LISTS)


# PerStep


@pytest.fixture
def ragged():
    rng = np.random.RandomState(0)
    return [rng.normal(5, [1, 2, 3], (n, 3)) for n in [4, 1, 3, 2]]


def test_statistics_are_over_all_steps_of_all_sequences(ragged):
    scaler = StandardScaler().fit(np.concatenate(ragged))
    per_step = PerStep(StandardScaler()).fit(ragged)
    assert_array_equal(per_step.transformer_.mean_, scaler.mean_)
    assert_array_equal(per_step.transformer_.scale_, scaler.scale_)
    for steps, X in zip(per_step.transform(ragged), ragged, strict=True):
        assert_array_equal(steps, scaler.transform(X))


def test_padding_is_ignored(ragged):
    padded = as_sequences(ragged).to_padded(7)
    assert_array_equal(
        PerStep(StandardScaler()).fit(padded).transformer_.mean_,
        StandardScaler().fit(np.concatenate(ragged)).mean_,
    )


FORMS = {
    "list": (LISTS, list, None),
    "tuple": (tuple(LISTS), list, None),
    "object array": (in_object_array(LISTS), np.ndarray, (2,)),
    "Series": (pd.Series(LISTS), pd.Series, (2,)),
    "Sequences": (as_sequences(LISTS), Sequences, (2,)),
    "2-D": (TABLE, np.ndarray, (2, 3)),
    "DataFrame": (pd.DataFrame(TABLE), np.ndarray, (2, 3)),
    "3-D": (TABLE[..., None], np.ndarray, (2, 3, 1)),
    "table in lists": ([[1.0, 2.0], [3.0, 4.0]], np.ndarray, (2, 2)),
}


@pytest.mark.parametrize("form", FORMS)
def test_output_has_the_form_of_the_input(form):
    X, kind, shape = FORMS[form]
    per_step = PerStep(FunctionTransformer(np.negative, np.negative, check_inverse=False)).fit(X)
    output = per_step.transform(X)
    assert type(output) is kind
    assert shape is None or output.shape == shape
    values, lengths = as_sequences(X).values, as_sequences(X).lengths
    assert_array_equal(as_sequences(output).values, -values)
    assert_array_equal(as_sequences(output).lengths, lengths)
    back = per_step.inverse_transform(output)
    assert type(back) is kind
    assert_array_equal(as_sequences(back).values, values)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("shape", [(2, 3), (2, 3, 1)])
def test_dtype_is_kept(dtype, shape):
    assert PerStep(StandardScaler()).fit_transform(np.ones(shape, dtype)).dtype == dtype


def test_text_becomes_one_hot_steps():
    per_step = PerStep(OneHotEncoder(handle_unknown="ignore")).fit([list("ab"), list("c")])
    first, second = per_step.transform([list("cx"), list("b")])
    assert_array_equal(first.toarray(), [[0, 0, 1], [0, 0, 0]])
    assert_array_equal(second.toarray(), [[0, 1, 0]])


def test_numbers_are_refused_by_transformers_of_text():
    """scikit-learn raises AttributeError."""
    for transformer in (CountVectorizer(), HashingVectorizer()):
        with pytest.raises(ValueError, match=r"(?s)lower.*neither texts nor dictionaries"):
            PerStep(transformer).fit([[1.0, 2.0], [3.0]])


@pytest.mark.parametrize(
    ("transformer", "X"),
    [
        (CountVectorizer(min_df=5), [["a tree", "a house"], ["no tree"]]),
        (CountVectorizer(vocabulary=[]), [["a tree", "a house"], ["no tree"]]),
        (CountVectorizer(), [["a", "b"], ["c"]]),
        (CountVectorizer(min_df=5), np.array([["a tree", "a house"]])),
        (CountVectorizer(min_df=5), [pd.DataFrame({"text": ["a tree", "a house"]})]),
        (DictVectorizer(), [[{"a": [{}]}, {"a": 2}], [{"a": 3}]]),
        (CountVectorizer(), [[{"a": 1.0}], [{"a": 2.0}]]),
    ],
)
def test_other_errors_of_transformers_of_text_do_not_concern_the_types(transformer, X):
    with pytest.raises((AttributeError, TypeError, ValueError)) as error:
        PerStep(transformer).fit(X)
    assert "neither" not in str(error.value)


@pytest.mark.parametrize(
    ("X", "message"),
    [
        ([["a tree", 2], ["no tree"]], "Some steps of X are neither texts nor dictionaries"),
        ([[1, 2], [3]], "The steps of X are neither texts nor dictionaries"),
    ],
)
def test_some_or_all_steps_may_be_no_text(X, message):
    with pytest.raises(ValueError, match=message):
        PerStep(CountVectorizer()).fit(X)


def test_static_values_may_be_no_text():
    X = Sequences([[1.0], [2.0]], [1, 1], static=[[1.0], [2.0]])
    with pytest.raises(ValueError, match="The static values are neither texts nor dictionaries"):
        TableTransformer(static=CountVectorizer()).fit(X)


def test_text_in_an_array_is_read_like_text_in_lists():
    words = [list("ab"), list("ba")]
    one_hot = PerStep(OneHotEncoder(sparse_output=False))
    expected = one_hot.fit_transform(words)
    for X in (np.array(words), np.array(words, dtype=object)):
        assert_array_equal(one_hot.fit_transform(X), np.stack(expected))


def test_text_of_unequal_length_is_not_truncated():
    per_step = PerStep(OneHotEncoder(sparse_output=False)).fit([["a"], ["abc", "b"]])
    assert per_step.transformer_.categories_[0].tolist() == ["a", "abc", "b"]


@pytest.mark.parametrize(
    ("transformer", "width"), [(PCA(2), 2), (PolynomialFeatures(2), 10), (StandardScaler(), 3)]
)
def test_transformer_that_changes_the_number_of_features(ragged, transformer, width):
    lengths = [len(steps) for steps in ragged]
    per_step = PerStep(transformer).fit(ragged)
    assert [steps.shape for steps in per_step.transform(ragged)] == [(n, width) for n in lengths]
    padded = as_sequences(ragged).to_padded()
    assert per_step.transform(padded).shape == (4, 4, width)
    flat = PerStep(transformer, step_features=3).fit(ragged).transform(padded.reshape(4, -1))
    # A table of another width would be read as another number of steps.
    assert flat.shape == ((4, 12) if width == 3 else (4, 4, width))
    step_features = 3 if width == 3 else None
    assert_array_equal(as_sequences(flat, step_features=step_features).lengths, lengths)


def test_inverse_of_a_transformer_that_changes_the_features(ragged):
    per_step = PerStep(PCA(3)).fit(ragged)
    for steps, X in zip(
        per_step.inverse_transform(per_step.transform(ragged)), ragged, strict=True
    ):
        assert_allclose(steps, X, atol=1e-12)


MISSING = [[1.0, NAN, 3.0], [5.0, NAN]]


@pytest.mark.parametrize(
    "transformer",
    [PCA(), make_pipeline(PCA(), StandardScaler()), make_pipeline("passthrough", PCA())],
    ids=str,
)
@pytest.mark.parametrize("dtype", [float, object])
def test_missing_values_are_refused_for_transformers_that_do_not_accept_them(transformer, dtype):
    X = [np.array(steps, dtype) for steps in MISSING]
    with pytest.raises(ValueError, match="NaN at step 1 of sequence 0"):
        PerStep(transformer).fit(X)


@pytest.mark.parametrize(
    "transformer",
    [SimpleImputer(), make_pipeline(SimpleImputer()), FeatureUnion([("one", SimpleImputer())])],
    ids=str,
)
@pytest.mark.parametrize("missing", [NAN, None, pd.NA])
def test_missing_values_pass_to_transformers_that_accept_them(transformer, missing):
    X = [[1.0, missing, 3.0], [5.0, missing]]
    first, second = PerStep(transformer).fit_transform(X)
    assert_array_equal(first.ravel(), [1, 3, 3])
    assert_array_equal(second.ravel(), [5, 3])


def test_allow_missing_is_deprecated():
    with pytest.warns(FutureWarning, match="allow_missing has no effect"):
        PerStep(SimpleImputer(), allow_missing=True).fit(MISSING)


class Recorder(TransformerMixin, BaseEstimator):
    """Keeps the y that is passed to fit."""

    def fit(self, X, y=None):
        self.y_ = y
        return self

    def transform(self, X):
        return X


@pytest.mark.parametrize(
    ("y", "expected"),
    [
        (None, None),
        ([7, 8], [7, 7, 7, 8]),
        (pd.Series(["b", "a"], index=[3, 1]), ["b", "b", "b", "a"]),
        (np.array([[1, 2], [3, 4]]), [[1, 2], [1, 2], [1, 2], [3, 4]]),
        ([[1, 2, 3], [4]], [1, 2, 3, 4]),
    ],
    ids=repr,
)
def test_y_has_a_target_for_each_step(y, expected):
    assert_array_equal(PerStep(Recorder()).fit(LISTS, y).transformer_.y_, expected)


def test_per_sequence_refuses_a_transformer_that_requests_metadata():
    with sklearn.config_context(enable_metadata_routing=True):
        scaler = StandardScaler().set_fit_request(sample_weight=True)
        with pytest.raises(ValueError, match=r"StandardScaler requests \['sample_weight'\]"):
            PerSequence(scaler).fit(LISTS)
        pipeline = make_pipeline(StandardScaler().set_fit_request(sample_weight=False), PCA(1))
        assert len(PerSequence(pipeline).fit_transform(LISTS[:1])) == 1


def test_supervised_transformer():
    rng = np.random.RandomState(0)
    y = np.arange(20) % 2
    X = [np.c_[rng.normal(size=3), c + 0.1 * rng.normal(size=3)] for c in y]
    per_step = PerStep(SelectKBest(k=1)).fit(X, y)
    assert per_step.transformer_.get_support().tolist() == [False, True]


@pytest.mark.parametrize("fit", [lambda p, X: p.fit(X), lambda p, X: p.fit_transform(X)])
def test_passed_transformer_is_not_changed(fit):
    scaler = StandardScaler()
    before = dict(vars(scaler))
    per_step = PerStep(scaler)
    fit(per_step, LISTS)
    assert vars(scaler) == before
    assert per_step.transformer is scaler


@pytest.mark.parametrize(
    ("transformer", "exception", "message"),
    [
        ("scaler", ValueError, "The 'transformer' parameter of PerStep .* Got 'scaler'"),
        (None, ValueError, "The 'transformer' parameter of PerStep .* Got None"),
        (StandardScaler, TypeError, "estimator instance"),
        (SequenceRNNClassifier(), ValueError, "SequenceRNNClassifier is an estimator of sequences"),
    ],
    ids=str,
)
def test_parameter_that_is_no_transformer(transformer, exception, message):
    with pytest.raises(exception, match=message):
        PerStep(transformer).fit(LISTS)


def test_search_over_parameters_of_the_transformer():
    rng = np.random.RandomState(0)
    y = np.arange(12) % 2
    X = [rng.normal(c, 1, rng.randint(1, 4)) for c in y]
    clf = SequenceRNNClassifier(2, max_iter=2, learning_rate="cosine", random_state=0)
    grid = {"perstep__transformer__with_mean": [True, False]}
    search = GridSearchCV(make_pipeline(PerStep(StandardScaler()), clf), grid, cv=2)
    search.set_params(scoring="neg_log_loss").fit(X, y)
    assert np.ptp(search.cv_results_["mean_test_score"]) > 0
    assert clone(search.best_estimator_)["perstep"].get_params()["transformer__with_std"]


# Both transformers


@pytest.mark.parametrize("transformer", [SequencePadder(), PerStep(StandardScaler())])
@pytest.mark.parametrize("output", ["pandas", "default"])
def test_output_configuration_does_not_change_the_output(transformer, output):
    X = pd.DataFrame([[1.0, 2.0], [3.0, NAN]], columns=["a", "b"])
    of_frame, of_list = (clone(transformer).fit_transform(x) for x in (X, LISTS))
    with sklearn.config_context(transform_output=output):
        assert_array_equal(np.asarray(clone(transformer).fit_transform(X)), of_frame, strict=True)
        for steps, expected in zip(clone(transformer).fit_transform(LISTS), of_list, strict=True):
            assert_array_equal(steps, expected, strict=True)


@pytest.mark.parametrize("transformer", [SequencePadder(), PerStep(StandardScaler())])
def test_not_fitted(transformer):
    for method in (transformer.transform, transformer.inverse_transform):
        with pytest.raises(NotFittedError):
            method(LISTS)


@pytest.mark.parametrize("transformer", [SequencePadder(), PerStep(StandardScaler())])
def test_failed_fit_changes_nothing(transformer):
    transformer = clone(transformer).fit(LISTS)
    before = dict(vars(transformer))
    with pytest.raises(ValueError, match="infinity at step 0"):
        transformer.fit([[[np.inf, 1.0], [1.0, 1.0]]])
    with pytest.raises(ValueError, match="features per step"):
        transformer.transform([[[1.0, 1.0]]])
    assert vars(transformer) == before


class Recording:
    """Records the calls of a callback."""

    def __init__(self):
        self.calls = []

    def setup(self, estimator, context):
        self.calls.append("setup")

    def on_fit_task_begin(self, estimator, context):
        self.calls.append("begin")

    def on_fit_task_end(self, estimator, context):
        self.calls.append("end")

    def teardown(self, estimator, context):
        self.calls.append("teardown")


@pytest.mark.parametrize("transformer", [SequencePadder(), PerStep(StandardScaler())], ids=str)
@pytest.mark.parametrize("method", ["fit", "fit_transform"])
def test_callbacks_are_called(transformer, method):
    recording = Recording()
    transformer = clone(transformer).set_callbacks(recording)
    getattr(transformer, method)(LISTS)
    assert recording.calls == ["setup", "begin", "end", "teardown"]
    recording.calls.clear()
    with pytest.raises(ValueError, match="infinity at step 0"):
        getattr(transformer, method)([[np.inf, 1.0]])
    assert recording.calls == ["setup", "begin", "teardown"]
    assert not [name for name in vars(transformer) if name.endswith(("_ctx", "_teardown"))]


class Failing(Recording):
    """A callback that raises an error when one of its methods is called."""

    def __init__(self, name):
        super().__init__()
        setattr(self, name, self.fail)

    def fail(self, estimator, context):
        raise RuntimeError("in the callback")


TRANSFORMERS = [
    SequencePadder(),
    PerStep(StandardScaler()),
    PerSequence(np.cumsum),
    TableTransformer(),
    Frames(1),
    ForwardImputer(),
    Neighbors(1),
]


@pytest.mark.parametrize("name", ["setup", "on_fit_task_begin", "on_fit_task_end", "teardown"])
@pytest.mark.parametrize("transformer", TRANSFORMERS, ids=lambda t: type(t).__name__)
@pytest.mark.parametrize("fitted", [False, True])
def test_an_error_of_a_callback_leaves_a_transformer_unchanged(transformer, name, fitted):
    transformer = clone(transformer)
    if fitted:
        transformer.fit([[[1.0, 2.0]], [[3.0, 4.0]]])
    transformer.set_callbacks(Failing(name))
    before = dict(vars(transformer))
    for method in {"fit", "fit_transform"} & set(dir(transformer)):
        with pytest.raises(RuntimeError, match="in the callback"):
            getattr(transformer, method)([[1.0, 2.0], [3.0]])
        assert vars(transformer) == before


TEXT_OF_ANY_WIDTH = getattr(np.dtypes, "StringDType", None)  # since NumPy 2


@pytest.mark.skipif(not TEXT_OF_ANY_WIDTH, reason="needs NumPy 2")
def test_text_of_variable_width_is_read_as_objects():
    words = [["a", "b"], ["b", "b"], ["a", "c"]]
    array = np.array(words, dtype=TEXT_OF_ANY_WIDTH())[:, :, None]
    encoder = PerStep(OneHotEncoder(sparse_output=False))
    expected = encoder.fit_transform(np.array(words, dtype=object)[:, :, None])
    assert_array_equal(encoder.fit_transform(array), expected)
    assert_array_equal(np.array(encoder.fit_transform(list(array))), expected)
    same = PerSequence(lambda steps: steps)
    assert_array_equal(same.fit_transform(array), array.astype(object))
    with pytest.raises(ValueError, match="X contains text, which is not a number, at step 0 of se"):
        as_sequences(array)
    missing = np.array([["a"], [np.nan]], dtype=TEXT_OF_ANY_WIDTH(na_object=np.nan))
    assert_array_equal(encoder.fit_transform([missing])[0], np.eye(2))


def test_a_table_in_nested_lists_is_transformed_like_an_array():
    table = [[1.0, 2.0], [3.0, 4.0]]
    for transformer in (PolynomialFeatures(2), StandardScaler()):
        of_lists = PerStep(transformer).fit_transform(table)
        of_array = PerStep(transformer).fit_transform(np.array(table))
        assert type(of_lists) is np.ndarray
        assert_array_equal(of_lists, of_array)
    shortened = PerSequence(lambda steps: steps[:1]).fit_transform(table)
    assert_array_equal(shortened, [[[1]], [[3]]])
    assert type(PerStep(PolynomialFeatures(2)).fit_transform([[1.0, 2.0], [3.0]])) is list


@pytest.mark.parametrize("transformer", [PerStep(StandardScaler()), PerSequence(lambda x: x + x)])
def test_a_missing_last_step_in_lists_does_not_become_padding(transformer):
    """In an array, NaN at the end is padding; in lists, it is a missing value."""
    output = transformer.fit_transform([[1.0, NAN], [3.0, 4.0]])
    assert as_sequences(output, numeric=False).lengths.tolist() == [2, 2]
    with pytest.raises(ValueError, match="X contains NaN at step 1 of sequence 0"):
        as_sequences(output)


# Large integers ------------------------------------------------------------------------------

IDS = [[2**60, 2**60 + 1], [2**60 + 2]]
FLAT_IDS = np.array([[i] for ids in IDS for i in ids])


def pyarrow_ids():
    return pytest.importorskip("pyarrow").array([[2**60 + 1, None], [1]])


@pytest.mark.parametrize(
    "make",
    [
        lambda: IDS,
        lambda: [np.array(ids, dtype=np.uint64) for ids in IDS],
        lambda: [np.array([-1]), np.array([2**63 + 1], dtype=np.uint64)],
        lambda: [[2**63 + 1, 5], [7]],
        lambda: [[2**70 + 1]],
        lambda: [[-(2**53) - 1]],
        lambda: [[2**60 + 1, None], [1]],
        lambda: [np.array([2**60 + 1]), np.array([0.5])],
        lambda: in_object_array([np.array(ids, dtype=object) for ids in IDS]),
        lambda: pd.Series(IDS),
        lambda: pd.DataFrame({"a": [[2**60 + 1, None], [1]], "b": [[1, 2], [3]]}),
        lambda: pd.DataFrame({"a": [2**60 + 1, 1], "b": [1.5, 2.0]}),
        lambda: pd.DataFrame({"a": [2**60 + 1, 1], "b": [1, None]}, dtype="Int64"),
        lambda: Sequences(FLAT_IDS, [2, 1]),
        lambda: Sequences(FLAT_IDS.astype(object), [2, 1]),
        lambda: from_long({"id": [1, 1, 2], "token": FLAT_IDS[:, 0]}, "id")[0],
        lambda: FLAT_IDS[:2].reshape(1, 2, 1),
        pyarrow_ids,
    ],
)
def test_integers_that_no_float_holds_are_refused(make):
    X = make()
    for transformer in (PerStep(OneHotEncoder()), SequencePadder(), PerSequence(np.sort)):
        with pytest.raises(ValueError, match=r"Sequence \d of X contains the integer .* as text"):
            transformer.fit(X)
    fitted = PerStep(OneHotEncoder(handle_unknown="ignore")).fit([[2**60], [1]])
    with pytest.raises(ValueError, match=f"Sequence 1 of X .* integer {2**60 + 1},"):
        fitted.transform([[1], [2**60 + 1]])


def test_large_integers_that_stay_as_they_are():
    encoder = PerStep(OneHotEncoder())
    texts = [[str(i) for i in ids] for ids in IDS]
    frames = [pd.DataFrame({"token": ids}) for ids in IDS]
    columns = pd.DataFrame({"token": IDS, "size": [[0.5, 1.5], [2.5]]})[["token"]]
    for X in (texts, frames, columns):
        assert [len(found) for found in encoder.fit(X).transformer_.categories_] == [3]
    half = [np.array([1.0, 2.0], dtype=np.float16)]  # float16 holds no limit for integers
    assert SequencePadder().fit_transform(half).ravel().tolist() == [1, 2]
    scaled = PerStep(StandardScaler()).fit_transform([[2**60, 2**61]])  # floats hold these
    assert_array_equal(np.ravel(scaled), [-1, 1])


def test_a_dictionary_of_large_integers_and_floats_is_refused():
    table = {"id": [1, 1], "token": [2**60 + 1, 3], "size": [1.5, 2.0]}
    with pytest.raises(ValueError, match=r"Column 'token' holds the integer .* Pass a frame"):
        from_long(table, "id")
    X, _ = from_long(pd.DataFrame(table), "id")
    assert X.values["token"].tolist() == [2**60 + 1, 3]


@pytest.mark.parametrize("form", [np.asarray, pd.DataFrame])
@pytest.mark.parametrize("output", ["default", "pandas"])
def test_squares_that_overflow(form, output):
    values = np.random.RandomState(0).uniform(-4e200, 4e200, size=(30, 1))
    values[3] = 4e200
    X = [form(values[:20]), form(values[20:])]
    scaler = PerStep(StandardScaler()).set_output(transform=output)
    message = re.escape(
        "StandardScaler() returned NaN or infinity. All values of X are finite, but reach 4e+200, "
        "so their squares overflow. Correct these values, or divide X by a constant before this "
        "transformer."
    )
    with np.errstate(all="ignore"), pytest.raises(ValueError, match=message):
        scaler.fit_transform(X)
    X = PerStep(MaxAbsScaler()).fit_transform(X)
    assert np.abs(np.concatenate(X)).max() == 1


def test_a_transformer_may_return_nan():
    def known(table):
        return np.where(table == -999, np.nan, table)

    scaled = PerStep(FunctionTransformer(known)).fit_transform([[1.0, -999.0]])
    assert_array_equal(scaled[0], [[1], [np.nan]])
    with pytest.raises(ValueError, match="In a pipeline, an earlier step may have returned NaN"):
        SequenceRNNClassifier(2).fit([*scaled, scaled[0]], [0, 1])


def test_squares_of_static_features_that_overflow():
    static = np.random.RandomState(0).uniform(-4e200, 4e200, size=(30, 1))
    X = Sequences(np.ones((30, 1)), np.ones(30, int), static=static)
    with (
        np.errstate(all="ignore"),
        pytest.raises(ValueError, match=r"X\.static are finite, but reach "),
    ):
        TableTransformer(static=StandardScaler()).fit_transform(X)
