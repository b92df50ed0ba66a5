"""Missing values in every form, for numbers and text: padding, passed on, or named in the error."""

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.sparse import csr_array
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.compose import ColumnTransformer
from sklearn.decomposition import PCA
from sklearn.feature_extraction import DictVectorizer
from sklearn.feature_extraction.text import CountVectorizer, HashingVectorizer
from sklearn.impute import SimpleImputer
from sklearn.pipeline import FeatureUnion, Pipeline, make_pipeline
from sklearn.preprocessing import (
    FunctionTransformer,
    MaxAbsScaler,
    OneHotEncoder,
    OrdinalEncoder,
    StandardScaler,
)

from skrnn import (
    PerSequence,
    PerStep,
    SequencePadder,
    SequenceRNNClassifier,
    SequenceRNNRegressor,
    Sequences,
    StepRNNClassifier,
    StepRNNRegressor,
    TableTransformer,
    as_sequences,
)

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

NAN = np.nan
QUICK = {"hidden_layer_sizes": 2, "max_iter": 1, "solver": "sgd", "random_state": 0}
# Where values are missing in sequences of 4, 2 and 3 steps.
PLACES = {
    "leading": {(0, 0)},
    "interior": {(0, 1), (2, 1)},
    "last": {(2, 2)},
    "a whole sequence": {(1, 0), (1, 1)},
}
COMPLETE = [[1.0, 2.0, 3.0, 4.0], [5.0, 6.0], [7.0, 8.0, 9.0]]
WORDS = [list("abca"), list("ab"), list("cab")]


def with_gaps(place, sequences, missing):
    return [
        [missing if (i, t) in PLACES[place] else value for t, value in enumerate(sequence)]
        for i, sequence in enumerate(sequences)
    ]


def one_by_one(sequences):
    array = np.empty(len(sequences), object)
    array[:] = [np.array(steps, object) for steps in sequences]
    return array


def frames(library):
    def make(sequences):
        made = pytest.importorskip(library)
        kind = {"pyarrow": "table"}.get(library, "DataFrame")
        return [getattr(made, kind)({"v": steps}) for steps in sequences]

    return make


def arrow(sequences):
    return pytest.importorskip("pyarrow").array(sequences, from_pandas=True)


def polars(sequences):
    return pytest.importorskip("polars").Series(sequences, strict=False)


RAGGED = {
    "lists": list,
    "object arrays": lambda sequences: [np.array(steps, object) for steps in sequences],
    "object array": one_by_one,
    "Series": lambda sequences: pd.Series(sequences, index=list("xyz")),
    "frame of sequences": lambda sequences: pd.DataFrame({"v": sequences}),
    "polars Series": polars,
    "pyarrow array": arrow,
    "frames, pandas": frames("pandas"),
    "frames, polars": frames("polars"),
    "frames, pyarrow": frames("pyarrow"),
    "Sequences": lambda sequences: Sequences(
        np.array([v for steps in sequences for v in steps], object)[:, None], [4, 2, 3]
    ),
    "Sequences of a frame": lambda sequences: Sequences(
        pd.concat(map(pd.DataFrame, frames("pandas")(sequences))), [4, 2, 3]
    ),
}
OF_LIBRARIES = [form for form in RAGGED if "polars" in form or "pyarrow" in form]


def first_place(place):
    i, t = min(PLACES[place])
    return f"NaN at step {t} of sequence {i}"


def cases(forms=RAGGED):
    """List the forms with each kind of missing value that they can hold.

    In a frame of pandas, NaN is for floats, and NA for its nullable types; see
    `test_types_of_pandas`.
    """
    for form in forms:
        kinds = [NAN] if "frame" in form else [NAN, None, pd.NA]
        for missing in [None] if form in OF_LIBRARIES else kinds:
            yield form, missing


# Numbers in ragged forms --------------------------------------------------------------------


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize(("form", "missing"), list(cases()))
def test_numbers_in_ragged_forms(form, missing, place):
    X = RAGGED[form](with_gaps(place, COMPLETE, missing))
    message = first_place(place)
    with pytest.raises(ValueError, match=message):
        as_sequences(X)
    assert_array_equal(as_sequences(X, numeric=False).lengths, [4, 2, 3])
    for estimator, y in [
        (SequenceRNNClassifier(**QUICK), [0, 1, 0]),
        (StepRNNRegressor(**QUICK), COMPLETE),
        (SequencePadder(), None),
        (PerStep(PCA()), None),
        (PerSequence(PCA()), None),
    ]:
        with pytest.raises(ValueError, match=message):
            estimator.fit(X, y)
    imputer = SimpleImputer(strategy="constant", fill_value=-1.0)
    for transformer in (PerStep(imputer), PerStep(make_pipeline(imputer, FunctionTransformer()))):
        filled = as_sequences(transformer.fit_transform(X))
        assert_array_equal(filled.values.ravel(), np.concatenate(with_gaps(place, COMPLETE, -1.0)))
        assert_array_equal(filled.lengths, [4, 2, 3])


@pytest.mark.parametrize("name", ["predict", "transform", "hidden_states"])
@pytest.mark.parametrize("form", RAGGED)
def test_missing_values_after_fit(form, name):
    X = RAGGED[form](with_gaps("interior", COMPLETE, None))
    clf = SequenceRNNRegressor(**QUICK).fit(RAGGED[form](COMPLETE), [0.0, 1.0, 2.0])
    with pytest.raises(ValueError, match="NaN at step 1 of sequence 0"):
        getattr(clf, name)(X)


# Rectangular forms ------------------------------------------------------------------------

RECTANGULAR = {
    "2-D": lambda rows: np.array(rows, object),
    "2-D frame": lambda rows: pd.DataFrame(rows, columns=list("pqrs")),
    "3-D": lambda rows: np.array(rows, object)[..., None],
    "3-D, two features": lambda rows: np.stack([np.array(rows, object)] * 2, axis=2),
    "nested lists": None,
}


def in_rows(sequences, missing):
    return [[*steps, *[missing] * (4 - len(steps))] for steps in sequences]


@pytest.mark.parametrize("missing", [NAN, None, pd.NA])
@pytest.mark.parametrize("form", list(RECTANGULAR)[:-1])
@pytest.mark.parametrize("values", [COMPLETE, WORDS], ids=["numbers", "text"])
def test_the_end_of_a_rectangular_form_is_padding(values, form, missing):
    make = RECTANGULAR[form]
    X = make(in_rows(values, missing))
    n_features = 2 if "two" in form else 1
    read = as_sequences(X, numeric=False)
    assert_array_equal(read.lengths, [4, 2, 3])
    assert_array_equal(read.values, np.repeat(np.concatenate(values)[:, None], n_features, axis=1))
    for gap in PLACES:
        if gap == "last":
            continue
        with_gap = make(in_rows(with_gaps(gap, values, missing), missing))
        lengths = [4, 0, 3] if gap == "a whole sequence" else [4, 2, 3]
        assert_array_equal(as_sequences(with_gap, numeric=False).lengths, lengths)
        if gap != "a whole sequence" and values is COMPLETE:
            with pytest.raises(ValueError, match=first_place(gap)):
                as_sequences(with_gap)
    if values is COMPLETE:
        transformer, expected = PerStep(StandardScaler()), StandardScaler()
    else:
        transformer, expected = PerStep(OrdinalEncoder()), OrdinalEncoder()
    output = as_sequences(transformer.fit_transform(X))
    rows = np.concatenate([np.array(steps, object) for steps in values])[:, None]
    assert_allclose(output.values[:, :1], expected.fit_transform(rows))
    assert_array_equal(output.lengths, [4, 2, 3])


def test_a_step_that_is_missing_in_one_feature_is_no_padding():
    X = np.array([[[1.0, 2.0], [3.0, NAN]], [[4.0, 5.0], [NAN, NAN]]])
    assert_array_equal(as_sequences(X, numeric=False).lengths, [2, 1])
    with pytest.raises(ValueError, match="NaN at step 1 of sequence 0, feature 1"):
        as_sequences(X)


def test_the_same_values_in_a_ragged_form_are_not_padding():
    """The last reading of a patient may be missing, which is no end of the sequence."""
    table = np.array([[1.0, 2.0, NAN], [3.0, 4.0, 5.0]])
    assert_array_equal(as_sequences(table).lengths, [2, 3])
    for X in (list(table), Sequences(table.reshape(-1, 1), [3, 3]), pd.Series(list(table))):
        assert_array_equal(as_sequences(X, numeric=False).lengths, [3, 3])
        steps = PerStep(SimpleImputer()).fit_transform(X)
        assert_array_equal(as_sequences(steps).lengths, [3, 3])


# Text and categories ------------------------------------------------------------------------


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize(
    ("form", "missing"), [case for case in cases() if case[1] is not pd.NA or case[0] == "lists"]
)
def test_text_in_ragged_forms(form, missing, place):
    X = RAGGED[form](with_gaps(place, WORDS, missing))
    encoder = OneHotEncoder(sparse_output=False, handle_unknown="ignore").fit(
        np.array(list("abc"))[:, None]
    )
    expected = encoder.transform(np.concatenate(with_gaps(place, WORDS, "missing"))[:, None])
    per_step = PerStep(OneHotEncoder(sparse_output=False)).fit(X)
    assert per_step.transformer_.categories_[0][:3].tolist() == ["a", "b", "c"]
    encoded = as_sequences(per_step.transform(X))
    assert_array_equal(encoded.lengths, [4, 2, 3])
    assert_array_equal(encoded.values[:, :3], expected)
    for transformer in (CountVectorizer(analyzer="char"), HashingVectorizer()):
        with pytest.raises(ValueError, match=first_place(place)):
            PerStep(transformer).fit(X)
    with pytest.raises(ValueError, match=r"X contains text, .* at step \d of sequence 0"):
        SequenceRNNClassifier(**QUICK).fit(X, [0, 1, 0])


@pytest.mark.parametrize("missing", [NAN, None, pd.NA])
def test_dictionaries(missing):
    X = with_gaps("interior", [[{"a": 1}] * 4, [{"b": 2}] * 2, [{"a": 3}] * 3], missing)
    with pytest.raises(ValueError, match="NaN at step 1 of sequence 0"):
        PerStep(DictVectorizer()).fit(X)


@pytest.mark.parametrize("dtype", ["category", "string", "Int64", "Float64", "boolean"])
def test_types_of_pandas(dtype):
    values = {"Int64": [1, 2], "Float64": [0.5, 2.0], "boolean": [True, False]}.get(
        dtype, ["a", "b"]
    )
    frame = pd.DataFrame({"u": [1.0] * 4, "v": pd.array([values[0], None, *values], dtype=dtype)})
    X = [frame[:1], frame[1:]]
    with pytest.raises(ValueError, match=r"NaN at step 0 of sequence 1, column 'v'"):
        PerStep(PCA()).fit(X)
    if dtype in ("category", "string"):
        with pytest.raises(ValueError, match="X contains text"):
            SequenceRNNClassifier(**QUICK).fit(X, [0, 1])
    else:
        with pytest.raises(ValueError, match="NaN at step 0 of sequence 1, column 'v'"):
            SequenceRNNClassifier(**QUICK).fit(X, [0, 1])
        imputed = PerStep(SimpleImputer(strategy="most_frequent")).fit_transform(X)
        assert_array_equal(np.concatenate(imputed)[:, 1], [values[0], values[0], *values])


# The tags decide ----------------------------------------------------------------------------


class Untagged:
    """A transformer that is no BaseEstimator, so that it has no tags."""

    def get_params(self, deep=True):
        return {}

    def set_params(self):
        return self

    def fit(self, X, y=None):
        return self

    def transform(self, X):
        return np.asarray(X)


class Tolerant(TransformerMixin, BaseEstimator):
    """Accepts missing values, and says so in its tags."""

    def fit(self, X, y=None):
        return self

    def transform(self, X):
        return np.asarray(X)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        return tags


class Strict(Tolerant):
    """Has the default tags."""

    def __sklearn_tags__(self):
        return super(Tolerant, self).__sklearn_tags__()


IMPUTER = SimpleImputer()
ACCEPTING = {
    "tag": Tolerant(),
    "function": FunctionTransformer(),
    "imputer": IMPUTER,
    "pipeline": make_pipeline(IMPUTER, PCA()),
    "passthrough first": make_pipeline("passthrough", IMPUTER, PCA()),
    "None first": Pipeline([("none", None), ("impute", IMPUTER)]),
    "nested pipeline": make_pipeline(make_pipeline(make_pipeline(IMPUTER)), PCA()),
    "nested passthrough": make_pipeline(make_pipeline("passthrough"), IMPUTER),
    "columns": ColumnTransformer([("impute", IMPUTER, [0])]),
    "columns in a pipeline": make_pipeline(ColumnTransformer([("impute", IMPUTER, [0])]), PCA()),
    "union": FeatureUnion([("impute", IMPUTER), ("keep", "passthrough")]),
    "union in a pipeline": make_pipeline(FeatureUnion([("impute", IMPUTER)]), PCA()),
}
REFUSING = {
    "tag": Strict(),
    "no tags": Untagged(),
    "validating function": FunctionTransformer(validate=True),
    "pipeline": make_pipeline(PCA(), IMPUTER),
    "passthrough first": make_pipeline("passthrough", PCA(), IMPUTER),
    "nested pipeline": make_pipeline(make_pipeline(make_pipeline(PCA())), IMPUTER),
}
TWO_COLUMNS = [np.array([[1.0, 2.0], [NAN, 5.0], [3.0, 1.0]]), np.array([[0.5, 2.5]])]


@pytest.mark.parametrize("kind", [PerStep, PerSequence])
@pytest.mark.parametrize("case", ACCEPTING)
def test_missing_values_pass_if_the_tags_allow_it(case, kind):
    transformer = kind(ACCEPTING[case])
    assert transformer.__sklearn_tags__().input_tags.allow_nan
    X = TWO_COLUMNS if kind is PerStep else [TWO_COLUMNS[0], TWO_COLUMNS[0]]
    for form in (X, [pd.DataFrame(x) for x in X]):
        output = transformer.fit_transform(form)
        assert [len(steps) for steps in output] == [len(x) for x in X]


@pytest.mark.parametrize("kind", [PerStep, PerSequence])
@pytest.mark.parametrize("case", REFUSING)
def test_missing_values_are_refused_if_the_tags_do_not_allow_them(case, kind):
    transformer = kind(REFUSING[case])
    assert not transformer.__sklearn_tags__().input_tags.allow_nan
    named = [pd.DataFrame(x, columns=["u", "v"]) for x in TWO_COLUMNS]
    for X, column in ((TWO_COLUMNS, "feature 0"), (named, "column 'u'")):
        clean = [x.fillna(0) if hasattr(x, "fillna") else np.nan_to_num(x) for x in X]
        message = f"NaN at step 1 of sequence 0, {column}. Impute missing values first"
        with pytest.raises(ValueError, match=message):
            transformer.fit(X)
        with pytest.raises(ValueError, match=message):
            kind(transformer.transformer).fit(clean).transform(X)


@pytest.mark.parametrize(
    "transformer",
    [
        ColumnTransformer([("project", PCA(), [1, 0])]),
        FeatureUnion([("impute", IMPUTER), ("project", PCA())]),
        FunctionTransformer(lambda X: PCA().fit_transform(X)),
    ],
    ids=["columns", "union", "function"],
)
def test_an_error_of_an_inner_transformer_names_the_place(transformer):
    message = "(?s)NaN.*The first missing value of X is at step 1 of sequence 0, feature 0"
    with pytest.raises(ValueError, match=message):
        PerStep(transformer).fit(TWO_COLUMNS)
    with pytest.raises(ValueError, match=r"(?s)Sequence 0 of X cannot be transformed\. .*NaN"):
        PerSequence(transformer).fit(TWO_COLUMNS)


@pytest.mark.parametrize("library", ["pandas", "polars"])
def test_an_error_about_missing_text_names_the_place(library):
    """scikit-learn raises AttributeError for None."""
    made = pytest.importorskip(library)
    X = [
        made.DataFrame({"n": [1.0, 2.0], "w": ["a", "b"]}),
        made.DataFrame({"n": [1.0], "w": [None]}),
    ]
    if library == "polars":
        X[1] = X[1].with_columns(X[1]["w"].cast(made.String))
    columns = ColumnTransformer([("count", CountVectorizer(), "w"), ("n", "passthrough", ["n"])])
    message = (
        "(?s)document|lower.*The first missing value of X is at step 0 of sequence 1, column 'w'"
    )
    with pytest.raises(ValueError, match=message):
        PerStep(columns).fit(X)


NULLABLE = pd.DataFrame(
    {
        "n": [1.0, NAN, 2.0],
        "k": pd.array([15, None, 3], dtype="Int64"),
        "w": pd.array(["a", None, "b"], dtype="string"),
        "v": pd.array([None, "c", "d"], dtype="string"),
    }
)


@pytest.mark.parametrize("columns", [["k", "w"], ["n", "k", "w", "v"]])
def test_an_error_about_text_beside_na_is_kept(columns):
    X = Sequences(NULLABLE[columns], [2, 1])
    message = "could not convert string to float: 'a'\nX contains text, first at step 0 of "
    with pytest.raises(ValueError, match=f"{message}sequence 0, column 'w'"):
        PerStep(StandardScaler()).fit(X)
    X = Sequences(np.ones((3, 1)), [1] * 3, static=NULLABLE[columns])
    with pytest.raises(ValueError, match=r"float: 'a'\n.* feature 'w' of sequence 0 of X is text"):
        TableTransformer(static=StandardScaler()).fit(X)


@pytest.mark.parametrize(
    ("columns", "place", "static"),
    [
        (["n", "w"], r"1 of sequence 0, column 'w'\. ", "static feature 'w' of sequence 1 of X is"),
        (
            ["n", "k", "w", "v"],
            r"0 of sequence 0\. Columns with such values: \['k', 'w', 'v'\]\. ",
            r"of the static features \['k', 'w', 'v'\] are",
        ),
    ],
)
def test_an_error_about_na_names_all_columns_that_hold_it(columns, place, static):
    imputer = ColumnTransformer([("w", SimpleImputer(strategy="most_frequent"), ["w"])])
    advice = r"SimpleImputer\(missing_values=pandas.NA\)"
    with pytest.raises(
        TypeError, match=f"NA is ambiguous\nX .* NA .*first at step {place}{advice}"
    ):
        PerStep(imputer).fit(Sequences(NULLABLE[columns], [2, 1]))
    X = Sequences(np.ones((3, 1)), [1] * 3, static=NULLABLE[columns])
    with pytest.raises(TypeError, match=rf"{static} NA of pandas\. {advice}"):
        TableTransformer(static=imputer).fit(X)


def test_an_error_about_values_of_several_columns_names_no_single_one():
    X = [[[NAN, 1.0], [2.0, NAN]], [[3.0, 4.0]]]
    message = r"is at step 0 of sequence 0\. Columns with such values: \[0, 1\]\."
    with pytest.raises(ValueError, match=message):
        PerStep(ColumnTransformer([("project", PCA(), [1])])).fit(X)


@pytest.mark.parametrize("form", ["frame", "array"])
@pytest.mark.parametrize("kind", ["M8[ns]", "m8[ns]", "M8[s]"])
def test_static_times_are_named(form, kind):
    times = np.array([[1], [2]]).astype(kind)
    static = pd.DataFrame(times, columns=["day"]) if form == "frame" else times
    X = Sequences(np.ones((2, 1)), [1, 1], static=static)
    name = "'day'" if form == "frame" else 0
    with pytest.raises(ValueError, match=f"static feature {name} of sequence 0 of X is a date"):
        SequenceRNNClassifier(**QUICK).fit(X, [0, 1])


def test_text_of_the_type_string_is_imputed():
    imputer = PerStep(SimpleImputer(missing_values=pd.NA, strategy="most_frequent"))
    imputed = imputer.fit_transform(Sequences(NULLABLE[["w"]], [2, 1]))
    assert imputed.values.ravel().tolist() == ["a", "a", "b"]


@pytest.mark.parametrize("library", ["polars", "list"])
def test_text_that_is_none_is_imputed(library):
    X = [["x", "x", None], ["y"]]
    if library == "polars":
        X = [pytest.importorskip("polars").DataFrame({"w": words}) for words in X]
    imputer = PerStep(SimpleImputer(missing_values=None, strategy="most_frequent"))
    imputed = imputer.fit_transform(X)
    assert [steps.ravel().tolist() for steps in imputed] == [["x", "x", "x"], ["y"]]


def test_sparse_steps():
    X = Sequences(csr_array([[1.0, 0], [NAN, 0], [0, 3]]), [1, 2])
    with pytest.raises(ValueError, match="NaN at step 0 of sequence 1"):
        as_sequences(X)
    for transformer in (Strict(), PCA()):
        with pytest.raises(ValueError, match="NaN at step 0 of sequence 1"):
            PerStep(transformer).fit(X)
    scaled = PerStep(MaxAbsScaler()).fit_transform(X).values.toarray()
    assert_array_equal(scaled, [[1, 0], [NAN, 0], [0, 1]])
    for labels in ([[0], [1, 0]],):
        with pytest.raises(ValueError, match="NaN at step 0 of sequence 1"):
            StepRNNClassifier(**QUICK).fit(X, labels)
