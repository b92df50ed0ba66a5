"""Fuzz frames, `Sequences`, text, dictionaries and gaps: right, or refused with the place."""

import copy
import re
from functools import cache
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
from fuzzing import ORDINARY, assert_finite, assert_same_output, freeze, one_by_one, outcome
from hypothesis import strategies as st
from sklearn.base import clone
from sklearn.compose import ColumnTransformer
from sklearn.feature_extraction import DictVectorizer, FeatureHasher
from sklearn.feature_extraction.text import CountVectorizer, HashingVectorizer
from sklearn.impute import SimpleImputer
from sklearn.pipeline import FeatureUnion, make_pipeline
from sklearn.preprocessing import (
    FunctionTransformer,
    MaxAbsScaler,
    OneHotEncoder,
    OrdinalEncoder,
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
    SequenceRNNRegressor,
    Sequences,
    StepRNNClassifier,
    StepRNNRegressor,
    as_sequences,
)

pytestmark = pytest.mark.filterwarnings(
    "ignore::sklearn.exceptions.ConvergenceWarning",
    "ignore:X (does not have valid|has) feature names:UserWarning",
)

NAMES = ["u", "v"]
LIBRARIES = {"pandas": "DataFrame", "polars": "DataFrame", "pyarrow": "table"}


def frame(library, columns):
    return getattr(pytest.importorskip(library), LIBRARIES[library])(columns)


def frames(library):
    def make(arrays, names=NAMES):
        return [frame(library, {n: x[:, k].copy() for k, n in enumerate(names)}) for x in arrays]

    return make


def of_sequences(library):
    def make(arrays):
        return frame(library, {n: [x[:, k].copy() for x in arrays] for k, n in enumerate(NAMES)})

    return make


def in_one(make_table):
    def make(arrays):
        return Sequences(make_table(np.concatenate(arrays)), [len(x) for x in arrays])

    return make


def one_frame(library):
    return lambda values: frame(library, {n: values[:, k].copy() for k, n in enumerate(NAMES)})


NUMBERS = {
    **{f"frames, {name}": frames(name) for name in LIBRARIES},
    "frame of sequences, pandas": of_sequences("pandas"),
    "frame of sequences, polars": of_sequences("polars"),
    "Sequences": in_one(np.array),
    "Sequences of CSR": in_one(sp.csr_array),
    **{f"Sequences, {name}": in_one(one_frame(name)) for name in LIBRARIES},
    "CSR matrices": lambda arrays: [sp.csr_array(x) for x in arrays],
    "object array": one_by_one,
}
QUICK = {"hidden_layer_sizes": 2, "max_iter": 1, "solver": "sgd", "random_state": 0}
ESTIMATORS = {
    "labels": SequenceRNNClassifier(**QUICK),
    "numbers": SequenceRNNRegressor(**QUICK, cell="lstm", pooling="mean"),
    "step labels": StepRNNClassifier(**QUICK, cell="rnn"),
    "step numbers": StepRNNRegressor(**QUICK),
    "padder": SequencePadder(),
    "per step": PerStep(MaxAbsScaler()),
    "per sequence": PerSequence(MaxAbsScaler()),
    "forward imputer": ForwardImputer(add_indicator=True, add_elapsed=True),
    "frames": Frames(2),
    "statistics of frames": Frames(2, features="statistics"),
    "neighbors": Neighbors(1, 2),
    "reader": None,
}
METHODS = {
    "labels": ["fit", "partial_fit", "predict_proba", "transform", "hidden_states"],
    "numbers": ["fit", "predict", "input_gradients"],
    "step labels": ["fit", "predict_proba"],
    "step numbers": ["fit", "predict"],
    "padder": ["fit_transform", "transform"],
    "per step": ["fit_transform", "transform"],
    "per sequence": ["fit_transform", "transform"],
    "forward imputer": ["fit_transform", "transform"],
    "frames": ["fit_transform", "transform"],
    "statistics of frames": ["fit_transform", "transform"],
    "neighbors": ["fit_transform", "transform"],
    "reader": ["as_sequences"],
}
# What refuses sparse steps, and what passes missing values on.
DENSE = {"padder", "forward imputer", "statistics of frames"}
PASS_MISSING = {"forward imputer", "frames", "statistics of frames", "neighbors"}
ENTRIES = [(name, method) for name, methods in METHODS.items() for method in methods]
RAGGED = [np.random.RandomState(i).normal(size=(n, 2)) for i, n in enumerate([3, 1, 4, 2])]


def targets(name, lengths):
    if name == "step labels":
        return [(np.arange(length) + i) % 2 for i, length in enumerate(lengths)]
    if name == "step numbers":
        return [np.linspace(-1, 1, length) + i for i, length in enumerate(lengths)]
    return np.arange(len(lengths)) % 2


@cache
def fitted(name):
    lengths = [len(x) for x in RAGGED]
    return clone(ESTIMATORS[name]).fit(RAGGED, targets(name, lengths))


def call(estimator, name, method, X, lengths):
    """Call a method with X; the output of a fit is the weights."""
    if method == "as_sequences":
        return table_of(X)
    if method in ("fit", "partial_fit"):
        options = {"classes": [0, 1]} if method == "partial_fit" else {}
        getattr(estimator, method)(X, targets(name, lengths), **options)
        return [*estimator.weights_["output"].values(), estimator.loss_curve_]
    output = getattr(estimator, method)(X)
    return table_of(output) if name.startswith("per ") else output


def table_of(X, numeric=True):
    """Read sequences as one dense table and their lengths, whatever their form."""
    read = as_sequences(X, numeric=numeric)
    values = read.values.toarray() if sp.issparse(read.values) else np.asarray(read.values)
    return [values, read.lengths]


def check(name, method, X, clean):
    """Call with X; the outcome must equal that of the list of arrays, or be an error if None."""
    lengths = [len(x) for x in clean] if clean else [1] * len(X)
    estimator = None if name == "reader" else copy.deepcopy(fitted(name))
    before, given = freeze(estimator), freeze(X)
    output, error = outcome(lambda: call(estimator, name, method, X, lengths))
    assert freeze(X) == given, "the input was changed"
    if error is not None or "fit" not in method:
        assert freeze(estimator) == before, "the estimator was changed"
    if clean is None:
        assert error is not None, f"accepted, with output {output}"
        return error
    other = None if name == "reader" else copy.deepcopy(fitted(name))
    expected, expected_error = outcome(lambda: call(other, name, method, clean, lengths))
    assert (error is None) == (expected_error is None), (error, expected_error)
    if error is None:
        assert_same_output(output, expected)
        if name != "padder":  # whose padding is NaN
            assert_finite(output)
    return error


class Strict(StandardScaler):
    """Its tags do not allow missing values."""

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = False
        return tags


@st.composite
def ragged(draw, min_size=2, min_steps=0):
    """Arrays of two features, of which some may be empty, but not all."""
    lengths = draw(st.lists(st.integers(min_steps, 4), min_size=min_size, max_size=5).filter(any))
    values = st.sampled_from([0.0, 0.0, 1.0]) | ORDINARY
    n_values = 2 * sum(lengths)
    table = np.array(draw(st.lists(values, min_size=n_values, max_size=n_values))).reshape(-1, 2)
    return np.split(table, np.cumsum(lengths)[:-1])


@pytest.mark.parametrize(("name", "method"), ENTRIES)
def test_any_form(name, method, count_inputs):
    for form, make in NUMBERS.items():
        if name in DENSE and "CSR" in form:
            continue
        # A frame does not show that an empty list of polars holds numbers.
        inputs = ragged(min_steps=1) if "frame of" in form else ragged()
        count_inputs(lambda X, make=make: check(name, method, make(X), X), inputs, 3, form)


# Corruptions --------------------------------------------------------------------------------


def put(x, value):
    x = x.astype(object)
    x[len(x) // 2, 1] = value
    return x


def in_frame(x, names=NAMES):
    return pd.DataFrame(dict(zip(names, x.T.tolist(), strict=True)))


# What replaces one of a list of frames, and what else the message names beside the sequence.
OF_FRAMES = {
    "order": (lambda x: in_frame(x[:, ::-1], ["v", "u"]), "columns"),
    "names": (lambda x: in_frame(x, ["u", "w"]), "columns"),
    "missing column": (lambda x: in_frame(x[:, :1], ["u"]), "columns"),
    "extra column": (lambda x: in_frame(np.c_[x, x[:, 0]], ["u", "v", "w"]), "columns"),
    "array": (lambda x: x, "ndarray"),
    "list": (lambda x: x.tolist(), "list"),
    "None": (lambda x: None, "None"),
    "word": (lambda x: "word", "str"),
    "NaN": (lambda x: in_frame(put(x, np.nan)), "'v'"),
    "None inside": (lambda x: in_frame(put(x, None)), "'v'"),
    "NA inside": (lambda x: in_frame(put(x, pd.NA)), "'v'"),
    "infinity": (lambda x: in_frame(put(x, np.inf)), ""),
    "text": (lambda x: in_frame(put(x, "a")), "'v'"),
    "number as text": (lambda x: in_frame(put(x, "1.5")), "'v'"),
    "date": (lambda x: in_frame(put(x, pd.Timestamp("2024-01-01"))), "'v'"),
    "duration": (lambda x: in_frame(put(x, pd.Timedelta(3, "s"))), "'v'"),
    "dictionary": (lambda x: in_frame(put(x, {"a": 1})), "'v'"),
    "complex": (lambda x: in_frame(put(x, 1j)), None),
    "sparse": (sp.csr_array, "csr_array"),
}


@st.composite
def one_damaged(draw, damage, make):
    """Sequences of which one is damaged, not the first; and its index."""
    arrays = draw(ragged(min_steps=1))
    i = draw(st.integers(1, len(arrays) - 1))
    items = make(arrays)
    items[i] = damage(arrays[i])
    return items, i


def assert_names(error, i, text):
    """Check that an error names the sequence, and what else is expected."""
    if text is None:  # the message names X only
        return
    assert re.search(rf"equence {i}\b", str(error)), f"does not name sequence {i}: {error!r}"
    assert text in str(error)


PLACES = [entry for entry in ENTRIES if entry[0] not in ("per step", "per sequence")]


@pytest.mark.parametrize(("name", "method"), PLACES)
def test_damaged_frames(name, method, count_inputs):
    for damage, (spoil, text) in OF_FRAMES.items():
        if name in PASS_MISSING and damage in ("NaN", "None inside", "NA inside"):
            continue

        def run(given, text=text):
            X, i = given
            assert_names(check(name, method, X, None), i, text)

        count_inputs(run, one_damaged(spoil, frames("pandas")), 2, damage)


@pytest.mark.parametrize("method", ["fit_transform", "transform"])
@pytest.mark.parametrize("kind", [PerStep, PerSequence])
def test_damaged_frames_in_transformers(kind, method, count_inputs):
    """The transformer does not accept missing values, and converts its input to numbers."""
    fit = kind(Strict()).fit(frames("pandas")([np.arange(8.0).reshape(4, 2) ** 2]))

    def run(given, text):
        X, i = given
        _, error = outcome(lambda: getattr(copy.deepcopy(fit), method)(X))
        assert error is not None, "accepted"
        if "infinity" not in str(error):  # scikit-learn does not name the row
            assert_names(error, i, text)

    for damage, (spoil, text) in OF_FRAMES.items():
        if damage in ("complex", "number as text", "date", "duration", "dictionary"):
            continue  # scikit-learn reads numbers in text; the message is its own
        count_inputs(
            lambda given, text=text: run(given, text if text != "'v'" else ""),
            one_damaged(spoil, frames("pandas")),
            3,
            damage,
        )


BAD_PARTS = {
    "lengths": lambda x: {"lengths": [len(x) + 1]},
    "negative": lambda x: {"lengths": [len(x) + 1, -1]},
    "float": lambda x: {"lengths": [float(len(x))]},
    "nested": lambda x: {"lengths": [[len(x)]]},
    "words": lambda x: {"lengths": ["1"]},
    "none": lambda x: {"lengths": None},
    "static": lambda x: {"static": x},
    "ids": lambda x: {"ids": [1, 2, 3]},
    "rows": lambda x: {"rows": [1] * (len(x) + 1)},
    "one axis": lambda x: {"values": x[:, 0]},
    "three axes": lambda x: {"values": x[None]},
}


def test_damaged_sequences(count_inputs):
    def run(given, spoil):
        x = np.vstack([*given, given[0][:1], given[0][:1]])
        parts = {"values": x, "lengths": [len(x)], **spoil(x)}
        _, error = outcome(lambda: Sequences(parts.pop("values"), parts.pop("lengths"), **parts))
        assert error is not None, "accepted"

    for damage, spoil in BAD_PARTS.items():
        count_inputs(lambda X, s=spoil: run(X, s), ragged(min_steps=1), 3, damage)


VALUES = {"NaN": np.nan, "infinity": np.inf, "None": None, "NA": pd.NA, "text": "a", "complex": 1j}


@pytest.mark.parametrize(("name", "method"), PLACES)
def test_damaged_tables_in_sequences(name, method, count_inputs):
    def run(given, damage, make):
        arrays = [put(x, VALUES[damage]) if i == 1 else x for i, x in enumerate(given)]
        values = np.concatenate(arrays)
        X = Sequences(make(values), [len(x) for x in arrays])
        error = check(name, method, X, None)
        if damage != "complex":
            assert_names(error, 1, "")

    for damage in VALUES:
        if name in PASS_MISSING and damage in ("NaN", "None", "NA"):
            continue
        tables = [np.array, lambda values: pd.DataFrame(values, columns=NAMES)]
        if damage in ("NaN", "infinity") and name not in DENSE:
            tables.append(lambda values: sp.csr_array(values.astype(float)))
        for make in tables:
            count_inputs(
                lambda X, damage=damage, make=make: run(X, damage, make),
                ragged(min_steps=1),
                2,
                damage,
            )


# Text, categories, dictionaries and mixed columns ----------------------------------------------

WORDS = st.text(st.characters(exclude_characters="\0", codec="utf-8"), max_size=4)
LETTERS = st.sampled_from("abc")
DICTIONARIES = st.dictionaries(LETTERS, st.integers(0, 3) | LETTERS, max_size=3)
HASHED = {"n_features": 8, "alternate_sign": False}
OF_TEXT = {
    "counts": CountVectorizer(analyzer="char"),
    "hashes": HashingVectorizer(analyzer="char", **HASHED),
    "union": FeatureUnion(
        [("none", "drop"), ("a", CountVectorizer(analyzer="char", vocabulary=list("abc ")))]
    ),
    "pipeline": make_pipeline(CountVectorizer(analyzer="char", lowercase=False), MaxAbsScaler()),
}
OF_CATEGORIES = {
    "one-hot": OneHotEncoder(handle_unknown="ignore"),
    "ordinal": OrdinalEncoder(),
    "function": FunctionTransformer(lambda X: np.char.str_len(np.asarray(X).astype(str))),
}
OF_DICTIONARIES = {
    "vectors": DictVectorizer(),
    "dense": DictVectorizer(sparse=False),
    "hashes": FeatureHasher(**HASHED),
}


@st.composite
def sequences_of(draw, values, min_steps=0):
    return draw(st.lists(st.lists(values, min_size=min_steps, max_size=4), min_size=2, max_size=5))


def text_frames(library):
    def make(sequences):
        made = pytest.importorskip(library)
        text = {"pandas": object, "polars": getattr(made, "String", None)}.get(library)
        if library == "pandas":
            return [made.DataFrame({"w": np.array(s, text)}) for s in sequences]
        return [made.DataFrame({"w": s}, schema={"w": text}) for s in sequences]

    return make


TEXT_FORMS = {
    "lists": list,
    "object arrays": lambda sequences: [np.array(s, object) for s in sequences],
    "Series": lambda sequences: pd.Series(sequences, index=range(9, 9 + len(sequences))),
    "Sequences": lambda sequences: Sequences(
        one_by_one([v for s in sequences for v in s])[:, None], [len(s) for s in sequences]
    ),
    "frames, pandas": text_frames("pandas"),
    "frames, polars": text_frames("polars"),
    "Sequences of a frame": lambda sequences: Sequences(
        pd.concat(text_frames("pandas")(sequences)), [len(s) for s in sequences]
    ),
}


def check_encoded(transformer, X, table, lengths):
    """Compare PerStep with the transformer on the table of all steps."""
    given = freeze(X)
    per_step = PerStep(transformer)
    output, error = outcome(lambda: table_of(per_step.fit_transform(X), numeric=False))
    assert freeze(X) == given, "the input was changed"
    try:
        encoded = clone(transformer).fit_transform(table)
    except ValueError:  # such as an empty vocabulary
        assert error is not None, "accepted"
        return
    assert error is None, f"refused: {error!r}"
    encoded = encoded.toarray() if sp.issparse(encoded) else np.asarray(encoded)
    np.testing.assert_allclose(output[0], encoded, rtol=1e-12)
    assert output[1].tolist() == lengths
    again = table_of(per_step.transform(X), numeric=False)
    np.testing.assert_allclose(again[0], encoded, rtol=1e-12)


@pytest.mark.parametrize("name", [*OF_TEXT, *OF_CATEGORIES])
@pytest.mark.parametrize("form", TEXT_FORMS)
def test_text(form, name, count_inputs):
    transformer = (OF_TEXT | OF_CATEGORIES)[name]

    def run(sequences):
        flat = [value for s in sequences for value in s]
        if not flat:
            _, error = outcome(lambda: PerStep(transformer).fit(TEXT_FORMS[form](sequences)))
            assert error is not None, "accepted"
            return
        table = flat if name in OF_TEXT else one_by_one(flat)[:, None]
        lengths = [len(s) for s in sequences]
        check_encoded(transformer, TEXT_FORMS[form](sequences), table, lengths)

    count_inputs(run, sequences_of(LETTERS) | sequences_of(WORDS), 5, form)


@pytest.mark.parametrize("name", OF_DICTIONARIES)
@pytest.mark.parametrize("form", ["lists", "object arrays", "Series", "Sequences"])
def test_dictionaries(form, name, count_inputs):
    def run(sequences):
        flat = [value for s in sequences for value in s]
        lengths = [len(s) for s in sequences]
        if not any(flat) and name == "dense":
            return  # no feature at all
        check_encoded(OF_DICTIONARIES[name], TEXT_FORMS[form](sequences), flat, lengths)

    count_inputs(run, sequences_of(DICTIONARIES, min_steps=1), 5, form)


BAD_STEPS = {"number": 3.5, "None": None, "NaN": np.nan, "NA": pd.NA, "list": ["a", "b"]}


@pytest.mark.parametrize("name", ["counts", "hashes", "union", "pipeline", "vectors"])
@pytest.mark.parametrize("damage", BAD_STEPS)
def test_damaged_text_and_dictionaries(damage, name, count_inputs):
    good = {"a": 1} if name == "vectors" else "abc"

    def run(given):
        n, i, t = given
        sequences = [[good] * n for _ in range(3)]
        sequences[i][t % n] = BAD_STEPS[damage]
        transformer = OF_DICTIONARIES[name] if name == "vectors" else OF_TEXT[name]
        _, error = outcome(lambda: PerStep(transformer).fit_transform(sequences))
        assert error is not None, "accepted"
        if damage != "number":
            assert re.search(rf"(?i)sequence {i}\b", str(error)), error

    count_inputs(run, st.tuples(st.integers(1, 3), st.integers(0, 2), st.integers(0, 2)), 5)


MIXED = {
    "by name": ColumnTransformer(
        [("u", StandardScaler(), ["u"]), ("w", OneHotEncoder(), ["w"])], sparse_threshold=0
    ),
    "text": ColumnTransformer(
        [("u", "passthrough", ["u"]), ("w", CountVectorizer(analyzer="char"), "w")],
        sparse_threshold=0,
    ),
    "imputed": ColumnTransformer(
        [
            ("u", SimpleImputer(strategy="constant", fill_value=-1.0), ["u"]),
            ("w", OrdinalEncoder(), ["w"]),
        ]
    ),
}


@pytest.mark.parametrize("library", ["pandas", "polars"])
@pytest.mark.parametrize("form", ["frames", "Sequences"])
@pytest.mark.parametrize("name", MIXED)
def test_mixed_columns(name, form, library, count_inputs):
    made = pytest.importorskip(library)

    def run(given):
        lengths, values = given
        values = values[: sum(lengths)]
        gap = [None if name == "imputed" and v > 90 else v for v, _ in values]
        if library == "pandas":
            table = made.DataFrame({"u": np.array(gap, float), "w": [w for _, w in values]})
        else:
            table = made.DataFrame(
                {"u": gap, "w": [w for _, w in values]},
                schema={"u": made.Float64, "w": made.String},
            )
        bounds = [0, *np.cumsum(lengths).tolist()]
        X = [table[a:b] for a, b in pairwise(bounds)]
        X = Sequences(table, lengths) if form == "Sequences" else X
        check_encoded(MIXED[name], X, table, list(lengths))

    lengths = st.lists(st.integers(0, 4), min_size=1, max_size=4).filter(any)
    rows = st.lists(st.tuples(ORDINARY, LETTERS), min_size=16, max_size=16)
    count_inputs(run, st.tuples(lengths, rows), 6)


# Missing values ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "form", [form for form in NUMBERS if form not in ("frame of sequences, polars",)]
)
def test_missing_values_pass_through(form, count_inputs):
    """The answers are those of the transformer on the table of all steps, gaps included."""

    def run(given):
        arrays, gaps = given
        arrays = [
            np.where(np.resize(gaps, x.shape), np.nan, x) if i % 2 else x
            for i, x in enumerate(arrays)
        ]
        table = np.concatenate(arrays)
        X = NUMBERS[form](arrays)
        if np.isnan(table).any():
            for estimator in (SequenceRNNClassifier(**QUICK), PerStep(Strict()), SequencePadder()):
                if isinstance(estimator, SequencePadder) and "CSR" in form:
                    continue
                _, error = outcome(lambda e=estimator: e.fit(X, np.arange(len(arrays)) % 2))
                assert error is not None, "accepted"
                first = next(i for i, x in enumerate(arrays) if np.isnan(x).any())
                assert re.search(rf"NaN at step \d of sequence {first}\b", str(error)), error
        if np.isnan(table).all(axis=0).any():
            return
        lengths = [len(x) for x in arrays]
        check_encoded(MaxAbsScaler(), X, table, lengths)
        if "CSR" not in form:
            check_encoded(SimpleImputer(strategy="constant", fill_value=-1.0), X, table, lengths)

    gaps = st.lists(st.booleans(), min_size=6, max_size=6)
    count_inputs(run, st.tuples(ragged(min_steps=1), gaps), 8)
