"""Neighbors: features of the steps before and after, in every form; dictionaries; names; errors."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_array_equal
from scipy.sparse import csr_array, csr_matrix, issparse
from sklearn.exceptions import NotFittedError
from sklearn.feature_extraction import DictVectorizer
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from skrnn import (
    Neighbors,
    PerStep,
    Sequences,
    StepRNNClassifier,
    as_sequences,
    preprocessing,
)

NAN = np.nan
RNG = np.random.RandomState(0)
LENGTHS = [5, 1, 4, 2]
ARRAYS = [RNG.normal(size=(n, 2)) for n in LENGTHS]
SPANS = [(1, 1), (0, 0), (2, 0), (0, 3), (7, 2)]


def by_hand(steps, before, after):
    rows = []
    for t in range(len(steps)):
        row = [*steps[t]]
        for other in [*range(t - before, t), *range(t + 1, t + after + 1)]:
            row += [*steps[other]] if 0 <= other < len(steps) else [0.0] * steps.shape[1]
        row += [t == 0] * (before > 0) + [t == len(steps) - 1] * (after > 0)
        rows.append(row)
    width = (1 + before + after) * steps.shape[1] + (before > 0) + (after > 0)
    return np.array(rows, float).reshape(-1, width)


def sent2features(sentence):
    """The features of the tutorial of sklearn-crfsuite, of one step before and one after."""
    made = []
    for i in range(len(sentence)):
        features = dict(sentence[i])
        if i > 0:
            features.update({f"-1:{key}": value for key, value in sentence[i - 1].items()})
        else:
            features["BOS"] = True
        if i < len(sentence) - 1:
            features.update({f"+1:{key}": value for key, value in sentence[i + 1].items()})
        else:
            features["EOS"] = True
        made.append(features)
    return made


# Numbers --------------------------------------------------------------------------------------


@pytest.mark.parametrize(("before", "after"), SPANS)
def test_neighbors_equal_a_loop(before, after):
    neighbors = Neighbors(before, after)
    for X in (ARRAYS, [*ARRAYS, np.empty((0, 2))], [np.empty((0, 2)), *ARRAYS]):
        output = neighbors.fit_transform(X)
        for one, steps in zip(output, X, strict=True):
            assert_array_equal(one, by_hand(steps, before, after))


@settings(deadline=None)
@given(
    lengths=st.lists(st.integers(0, 6), min_size=1, max_size=5).filter(any),
    before=st.integers(0, 4),
    after=st.integers(0, 4),
)
def test_sequences_do_not_mix(lengths, before, after):
    X = [np.arange(1.0, n + 1)[:, None] + 100 * i for i, n in enumerate(lengths)]
    neighbors = Neighbors(before, after).fit(X)
    for one, alone in zip(neighbors.transform(X), X, strict=True):
        assert_array_equal(one, neighbors.transform([alone])[0])
        assert_array_equal(one, by_hand(alone, before, after))


OBJECTS = as_sequences(ARRAYS).to_ragged()
DATA_FRAMES = [pd.DataFrame(x, columns=["a", "b"]) for x in ARRAYS]
FORMS = {
    "list": ARRAYS,
    "tuple": tuple(ARRAYS),
    "nested lists": [x.tolist() for x in ARRAYS],
    "object array": OBJECTS,
    "Series": pd.Series(OBJECTS, index=list("uvwx")),
    "Sequences": Sequences(
        np.concatenate(ARRAYS),
        LENGTHS,
        static=np.arange(4.0)[:, None],
        ids=list("uvwx"),
        rows=np.arange(sum(LENGTHS))[::-1],
    ),
    "3-D": as_sequences(ARRAYS).to_padded(6),
    "2-D": as_sequences(ARRAYS).to_padded(6).reshape(4, 12),
    "list of DataFrames": DATA_FRAMES,
    "Sequences of a DataFrame": Sequences(pd.concat(DATA_FRAMES), LENGTHS),
    "DataFrame of sequences": pd.DataFrame(
        {"a": [x[:, 0] for x in ARRAYS], "b": [x[:, 1] for x in ARRAYS]}, index=[3, 1, 2, 0]
    ),
}


@pytest.mark.parametrize("form", FORMS)
def test_every_form(form):
    X = FORMS[form]
    neighbors = Neighbors(2, 1, step_features=2 if form == "2-D" else None)
    output = neighbors.fit(X).transform(X)
    read = as_sequences(output)
    assert_array_equal(read.lengths, LENGTHS)
    assert_array_equal(read.values, np.concatenate([by_hand(x, 2, 1) for x in ARRAYS]))
    kind = list if "list" in form or form == "tuple" else type(X)
    assert type(output) is (pd.Series if form == "DataFrame of sequences" else kind)
    if isinstance(output, pd.Series):
        assert output.index.equals(X.index)
    if isinstance(output, np.ndarray) and output.dtype != object:
        assert output.shape == (4, 6, 10)
    if form == "Sequences":
        assert output.static is X.static
        assert output.ids.tolist() == X.ids.tolist()
        assert_array_equal(output.rows, X.rows)


@pytest.mark.parametrize(("before", "after"), SPANS)
@pytest.mark.parametrize("kind", [csr_array, csr_matrix])
def test_sparse_steps_stay_sparse(kind, before, after):
    table = np.maximum(np.concatenate(ARRAYS), 0)
    X = Sequences(kind(table), LENGTHS)
    expected = Neighbors(before, after).fit_transform(X.with_values(table)).values
    for sparse in (X, list(X)):
        output = as_sequences(Neighbors(before, after).fit_transform(sparse))
        assert issparse(output.values)
        assert output.values.format == "csr"
        assert output.values.indices.dtype == X.values.indices.dtype
        assert_array_equal(output.values.toarray(), expected)
        assert_array_equal(output.lengths, LENGTHS)


def test_float32_stays():
    X = [x.astype(np.float32) for x in ARRAYS]
    sparse = Sequences(csr_array(np.concatenate(X)), LENGTHS)
    assert {x.dtype for x in Neighbors().fit_transform(X)} == {np.dtype(np.float32)}
    assert Neighbors().fit_transform(sparse).values.dtype == np.float32
    assert {x.dtype for x in Neighbors().fit_transform(ARRAYS)} == {np.dtype(np.float64)}


def test_missing_values_stay():
    output = Neighbors(1, 0).fit_transform([[NAN, 2.0], [3.0]])
    assert_array_equal(output[0], [[NAN, 0, 1], [2, NAN, 0]])
    padded = Neighbors().fit_transform(np.array([[1.0, NAN], [2.0, 3.0]]))
    assert_array_equal(padded[0], [[1, 0, 0, 1, 1], [NAN] * 5])


def test_only_empty_sequences():
    numbers = Neighbors().fit(ARRAYS)
    assert [x.shape for x in numbers.transform([[], []])] == [(0, 8)] * 2
    dictionaries = Neighbors().fit([[{"a": 1}]])
    assert dictionaries.transform([[], []]) == [[], []]


# Dictionaries ---------------------------------------------------------------------------------

SENTENCES = [
    [{"lower": "the", "title": True}, {"lower": "dog", "n": 2.5}, {"lower": ".", "bias": 1.0}],
    [{"lower": "stop"}],
    [],
    [{"lower": "a", "parts": ["x", "y"]}, {}],
]


def test_dictionaries_get_the_features_of_the_tutorial():
    before = [[dict(step) for step in sentence] for sentence in SENTENCES]
    output = Neighbors().fit_transform(SENTENCES)
    assert output == [sent2features(sentence) for sentence in SENTENCES]
    assert before == SENTENCES


def test_a_wider_window_of_dictionaries():
    output = Neighbors(2, 0).fit_transform([[{"w": "a"}, {"w": "b"}, {"w": "c"}]])
    assert output[0] == [
        {"w": "a", "BOS": True},
        {"w": "b", "-1:w": "a"},
        {"w": "c", "-2:w": "a", "-1:w": "b"},
    ]


@pytest.mark.parametrize("form", ["object array", "Series", "Sequences", "frame", "polars"])
def test_forms_of_dictionaries(form):
    sentences = [sentence for sentence in SENTENCES if sentence]
    if form == "polars":
        polars = pytest.importorskip("polars")
        X = polars.DataFrame({"u": polars.Series(sentences, dtype=polars.Object)})
    else:
        X = as_sequences(sentences, numeric=False)
        X = X if form == "Sequences" else X.to_ragged()
        X = {"Series": pd.Series, "frame": lambda x: pd.DataFrame({"u": x})}.get(form, lambda x: x)(
            X
        )
    neighbors = Neighbors().fit(X)
    output = as_sequences(neighbors.transform(X), numeric=False)
    assert [x[:, 0].tolist() for x in output] == [sent2features(x) for x in sentences]
    assert len(neighbors.get_feature_names_out()) == 1


def test_both_orders_with_a_vectorizer_have_the_same_features():
    one = make_pipeline(Neighbors(), PerStep(DictVectorizer()))
    other = make_pipeline(PerStep(DictVectorizer()), Neighbors())
    tables = []
    for pipeline in (one, other):
        values = as_sequences(pipeline.fit_transform(SENTENCES)).values.toarray()
        table = pd.DataFrame(values, columns=pipeline.get_feature_names_out())
        tables.append(table.loc[:, table.any()].sort_index(axis=1))
    pd.testing.assert_frame_equal(*tables)
    assert {"-1:lower=the", "+1:lower=dog", "BOS", "EOS"} <= set(tables[0].columns)


# Names ----------------------------------------------------------------------------------------


def test_names():
    neighbors = Neighbors(2, 1).fit(DATA_FRAMES)
    expected = ["a", "b", "-2:a", "-2:b", "-1:a", "-1:b", "+1:a", "+1:b", "BOS", "EOS"]
    assert neighbors.get_feature_names_out().tolist() == expected
    assert Neighbors(0, 1).fit(ARRAYS).get_feature_names_out(["u", "v"]).tolist() == [
        *("u", "v", "+1:u", "+1:v", "EOS")
    ]
    assert Neighbors(0, 0).fit(ARRAYS).get_feature_names_out().tolist() == ["x0", "x1"]
    with pytest.raises(ValueError, match="feature names should match"):
        neighbors.transform([x[["b", "a"]] for x in DATA_FRAMES])
    with pytest.raises(NotFittedError):
        Neighbors().get_feature_names_out()


@pytest.mark.parametrize("library", ["pandas", "polars"])
def test_set_output(library):
    kind = pytest.importorskip(library).DataFrame
    X = [kind({"a": x[:, 0], "b": x[:, 1]}) for x in ARRAYS]
    neighbors = Neighbors().set_output(transform=library)
    for one, steps in zip(neighbors.fit_transform(X), ARRAYS, strict=True):
        assert type(one) is kind
        assert list(one.columns) == neighbors.get_feature_names_out().tolist()
        assert_array_equal(np.asarray(one), by_hand(steps, 1, 1))
    if library == "pandas":
        X = [x.set_index(np.arange(len(x)) * 10) for x in DATA_FRAMES]
        assert neighbors.fit_transform(X)[0].index.tolist() == [0, 10, 20, 30, 40]


# As an estimator ------------------------------------------------------------------------------


def test_in_a_grid_search_before_a_linear_model_of_the_steps():
    """The label of a step is the value of the step before."""
    rng = np.random.RandomState(0)
    X = [rng.randint(2, size=(6, 1)).astype(float) for _ in range(12)]
    y = [np.append(0, x[:-1, 0]).astype(int) for x in X]
    network = StepRNNClassifier((), max_iter=30, learning_rate_init=0.5, random_state=0)
    model = make_pipeline(Neighbors(), PerStep(StandardScaler()), network)
    grid = {"neighbors__before": [0, 1]}
    search = GridSearchCV(model, grid, cv=2, error_score="raise").fit(X, y)
    assert search.best_params_ == {"neighbors__before": 1}
    assert search.best_score_ == 1


def test_words_are_encoded_first():
    X = [list("abc"), list("b")]
    model = make_pipeline(PerStep(OneHotEncoder()), Neighbors(1, 0))
    assert [steps.toarray().tolist() for steps in model.fit_transform(X)] == [
        [[1, 0, 0, 0, 0, 0, 1], [0, 1, 0, 1, 0, 0, 0], [0, 0, 1, 0, 1, 0, 0]],
        [[0, 1, 0, 0, 0, 0, 1]],
    ]


def test_public_name():
    assert preprocessing.Neighbors is Neighbors


# Errors ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("X", "name"),
    [
        ([[{"a": 1, "-1:a": 2}, {}]], "-1:a"),
        ([[{"a": 1}, {"BOS": True}]], "BOS"),
        ([pd.DataFrame({"a": [1.0], "EOS": [0.0]})], "EOS"),
        (Neighbors().set_output(transform="pandas").fit_transform(DATA_FRAMES), r"\+1:a"),
    ],
)
def test_names_of_added_features_are_refused(X, name):
    with pytest.raises(ValueError, match=rf"X has features with the names \[.*'{name}'.*which Nei"):
        Neighbors().fit(X)


def test_added_names_are_refused_in_transform():
    neighbors = Neighbors().fit([[{"a": 1}]])
    with pytest.raises(ValueError, match=r"the names \['-1:b'\], which Neighbors adds"):
        neighbors.transform([[{"b": 1, "-1:b": 2}]])


@pytest.mark.parametrize("method", ["fit", "transform"])
def test_errors_of_X(method):
    call = getattr(Neighbors().fit([[{"a": 1}]]), method)
    with pytest.raises(TypeError, match="X holds dictionaries, but str at step 1 of sequence 1"):
        call([[{"a": 1}], [{"a": 1}, "b"]])
    with pytest.raises(TypeError, match="X holds dictionaries, but NoneType at step 0 of seq"):
        call([[None, {"a": 1}]])
    call = getattr(Neighbors().fit([[1.0, 2.0]]), method)
    with pytest.raises(ValueError, match="text, which is not a number, at step 0 of sequence 0"):
        call([["a", "b"]])
    with pytest.raises(TypeError, match="a dictionary, which is not a number, at step 0 of seq"):
        call([[{"a": 1}, 3]])
    with pytest.raises(ValueError, match="infinity at step 2 of sequence 1"):
        call([[1.0], [1.0, 2.0, np.inf]])
    with pytest.raises(TypeError, match="a dictionary, which is not a number, at step 0 of seq"):
        getattr(Neighbors().fit(ARRAYS), method)([[[{"a": 1}, 2.0]]])


def test_other_steps_than_in_fit():
    with pytest.raises(TypeError, match="fitted on dictionaries, but X holds numbers"):
        Neighbors().fit([[{"a": 1}]]).transform([[1.0]])
    with pytest.raises(TypeError, match="fitted on numbers, but X holds dictionaries"):
        Neighbors().fit([[1.0]]).transform([[{"a": 1}]])
    with pytest.raises(ValueError, match="X has 1 features per step, but Neighbors is expecting 2"):
        Neighbors().fit(ARRAYS).transform([[1.0]])


@pytest.mark.parametrize("options", [{"before": -1}, {"after": 0.5}, {"step_features": 0}])
def test_parameters_are_checked(options):
    with pytest.raises(ValueError, match=f"The '{next(iter(options))}' parameter of Neighbors"):
        Neighbors(**options).fit(ARRAYS)


def test_a_failed_fit_changes_nothing():
    neighbors = Neighbors().fit(DATA_FRAMES)
    before = vars(neighbors).copy()
    with pytest.raises(ValueError, match="which Neighbors adds"):
        neighbors.fit([[{"BOS": 1}]])
    assert vars(neighbors) == before
