"""Features of sklearn-crfsuite: the same attributes and the same numbers."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from sklearn.feature_extraction import DictVectorizer
from sklearn.pipeline import make_pipeline

from skrnn import PerStep, StepRNNClassifier, as_sequences
from skrnn.convert import from_crfsuite

VALUES = {
    "string": "x",
    "empty string": "",
    "integer": 2,
    "zero": 0,
    "float": 0.5,
    "true": True,
    "false": False,
    "string of NumPy": np.str_("x"),
    "float of NumPy": np.float32(0.5),
    "list": ["p", "q"],
    "empty list": [],
    "set": {"p", "q"},
    "dictionary": {"a": "x", "b": 2.0, "c": True},
    "two levels": {"a": {"b": "x", "c": ["p"]}},
}
# What DictVectorizer alone does not read.
ONLY_CONVERTED = {"dictionary", "two levels"}


@pytest.mark.parametrize("value", VALUES.values(), ids=VALUES)
def test_values_become_the_attributes_of_crfsuite(value):
    pycrfsuite = pytest.importorskip("pycrfsuite")
    sequence = [{"f": value, "g": 1.0}, {"f": value}]
    assert from_crfsuite([sequence]) == [pycrfsuite.ItemSequence(sequence).items()]


@pytest.mark.parametrize("item", [["a", "b=c"], ("a", "b"), {"a", "b"}, [], {}])
def test_items_become_those_of_crfsuite(item):
    pycrfsuite = pytest.importorskip("pycrfsuite")
    assert from_crfsuite([[item]]) == [pycrfsuite.ItemSequence([item]).items()]


@pytest.mark.parametrize("name", [name for name in VALUES if name not in ONLY_CONVERTED])
def test_a_vectorizer_makes_the_same_features(name):
    X = [[{"f": VALUES[name], "g": 1.0}, {"g": 2.0}], [{"h": True}]]
    tables, names = [], []
    for features in (X, from_crfsuite(X)):
        transformer = PerStep(DictVectorizer(separator=":"))
        tables.append(as_sequences(transformer.fit_transform(features)).values.toarray())
        names.append(transformer.get_feature_names_out())
    assert_array_equal(*names)
    assert_array_equal(*tables)


def test_a_repeated_attribute_is_added():
    item = {"f": ["p", "p", "q"], "f:q": 0.5}
    assert from_crfsuite([[item], []]) == [[{"f:p": 2.0, "f:q": 1.5}], []]
    values = PerStep(DictVectorizer(separator=":")).fit_transform([[item]])[0]
    assert_array_equal(values.toarray(), [[2.0, 1.5]])


def test_a_bool_of_numpy_is_a_number():
    assert from_crfsuite([[{"f": np.bool_(True)}]]) == [[{"f": 1.0}]]


@pytest.mark.parametrize(
    ("item", "message"),
    [
        ({"f": None}, r"Feature 'f' at step 1 of sequence 0 of X is None, but a number, string"),
        ({"f": {"g": b"x"}}, r"Feature 'f:g' at step 1 of sequence 0 of X is b'x'"),
        ({"f": 1j}, r"Feature 'f' at step 1 of sequence 0 of X is 1j"),
        ({1: "a"}, r"must be strings, got 1 at step 1 of sequence 0"),
        ({"f": [1, 2]}, r"must be strings, got 1 in 'f' at step 1 of sequence 0"),
        ("word", r"A dictionary or a list of strings is required at step 1 .* got str"),
        (None, r"A dictionary or a list of strings is required at step 1 .* got NoneType"),
    ],
)
def test_errors(item, message):
    with pytest.raises(TypeError, match=message):
        from_crfsuite([[{"f": 1}, item]])


def test_the_penalty_of_crfsuite_is_half_of_alpha():
    """The models differ in the weights of ends and intercepts, which matter little here."""
    sklearn_crfsuite = pytest.importorskip("sklearn_crfsuite")
    rng = np.random.RandomState(0)
    y = [list(rng.permutation(list("ab" * 5))) for _ in range(20)]
    X = [[{k: str(rng.rand() < (tag == "a") / 2 + 0.25) for k in "uvw"} for tag in t] for t in y]
    options = {"all_possible_states": True, "all_possible_transitions": True}
    crf = sklearn_crfsuite.CRF(c2=20.0, epsilon=1e-8, delta=1e-10, **options).fit(X, y)
    marginals = [step["a"] for steps in crf.predict_marginals(X) for step in steps]
    difference = {}
    for alpha in (20.0, 40.0, 80.0):
        network = StepRNNClassifier((), loss="crf", solver="lbfgs", alpha=alpha, random_state=0)
        model = make_pipeline(PerStep(DictVectorizer()), network).fit(X, y)
        probability = np.concatenate(model.predict_proba(X))[:, 0]
        difference[alpha] = np.abs(probability - marginals).mean()
    assert difference[40.0] < 0.01 < min(difference[20.0], difference[80.0])
