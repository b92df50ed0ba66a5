"""Weights by the names of features and classes: those of the prediction, in every kind of model."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from sklearn.feature_extraction import DictVectorizer
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skrnn import (
    CRF,
    Neighbors,
    PerStep,
    Sequences,
    StepRNNClassifier,
    StepRNNRegressor,
    as_sequences,
)
from skrnn.inspection import state_features, transition_features

X = [
    [{"w": "to", "n": 1.0}, {"w": "Rome"}],
    [{"w": "in"}, {"w": "Oslo"}, {"w": "now", "n": 2.0}],
    [{"w": "to"}, {"w": "Oslo"}, {"w": "Rome"}],
]
Y = [["O", "B-place"], ["O", "B-place", "O"], ["O", "B-place", "I-place"]]
OPTIONS = {"solver": "lbfgs", "max_iter": 20, "random_state": 0}


def tagger(**options):
    network = StepRNNClassifier((), **{"loss": "crf", **OPTIONS, **options})
    return make_pipeline(Neighbors(), PerStep(DictVectorizer()), network)


def scores(model, weights):
    """Compute the scores of classes from the weights by name, (n_steps_total, n_classes)."""
    features = as_sequences(model[:-1].transform(X)).values.toarray()
    names = model[:-1].get_feature_names_out()
    table = [[weights.get((name, c), 0.0) for c in model.classes_] for name in names]
    return features @ np.array(table) + model[-1].weights_["output"]["b"]


@pytest.mark.parametrize("options", [{}, {"loss": "log_loss"}, {"embedding_size": 2}], ids=str)
def test_the_weights_give_the_scores(options):
    model = tagger(**options).fit(X, Y)
    found = scores(model, state_features(model))
    if model[-1].loss == "crf":  # without transitions, the emissions are the decision values
        for array in model[-1].weights_["transitions"].values():
            array[:] = 0
    probability = np.concatenate(model.predict_proba(X))
    assert_allclose(np.exp(found) / np.exp(found).sum(1, keepdims=True), probability, rtol=1e-6)


def test_the_largest_come_first():
    model = tagger().fit(X, Y)
    weights = state_features(model)
    assert list(weights.values()) == sorted(weights.values(), reverse=True)
    largest = state_features(model, n=5)
    assert list(largest.values()) == sorted(largest.values(), reverse=True)
    by_size = sorted(weights, key=lambda pair: -abs(weights[pair]))
    assert set(largest) == set(by_size[:5])
    assert largest.items() <= weights.items()
    assert state_features(model, n=0) == {}
    assert state_features(model, n=10**6) == weights


def test_transitions_are_those_of_the_network():
    model = tagger().fit(X, Y)
    weights = transition_features(model)
    table, classes = model[-1].weights_["transitions"]["W"], model.classes_
    assert classes.tolist() == ["B-place", "I-place", "O"]
    assert weights["B-place", "I-place"] == table[0, 1]
    assert weights["I-place", "B-place"] == table[1, 0]
    assert len(weights) == 9
    assert list(weights.values()) == sorted(weights.values(), reverse=True)


def test_transitions_that_are_not_allowed_are_left_out():
    for options in ({}, {"solver": "adam"}):
        model = tagger(loss=CRF(constraints="BIO"), **options).fit(X, Y)
        assert transition_features(model).keys() == {
            (before, after)
            for before in model.classes_
            for after in model.classes_
            if (before, after) != ("O", "I-place")
        }


def test_two_classes_without_a_crf_have_the_weights_of_the_second():
    y = [[label[0] for label in labels] for labels in Y[:2]]
    model = tagger(loss="log_loss").fit(X[:2], y)
    assert {label for _, label in state_features(model)} == {"O"}
    assert {label for _, label in state_features(tagger().fit(X[:2], y))} == {"B", "O"}


def test_numbers_names_and_static_features():
    rng = np.random.RandomState(0)
    values, lengths = rng.normal(size=(6, 2)), [4, 2]
    y = [[0, 1, 1, 0], [1, 0]]
    network = StepRNNClassifier((), loss="crf", **OPTIONS)
    sequences = Sequences(values, lengths, static=[[1.0], [2.0]])
    assert {name for name, _ in state_features(network.fit(sequences, y))} == {"x0", "x1"}
    assert transition_features(network).keys() == {(0, 0), (0, 1), (1, 0), (1, 1)}
    pandas = pytest.importorskip("pandas")
    frames = [pandas.DataFrame(part, columns=["a", "b"]) for part in np.split(values, [4])]
    assert {name for name, _ in state_features(network.fit(frames, y))} == {"a", "b"}
    model = make_pipeline(PerStep(StandardScaler()), Neighbors(1, 0), network).fit(frames, y)
    assert {name for name, _ in state_features(model)} == {*("a", "b", "-1:a", "-1:b", "BOS")}


def test_of_a_search():
    search = GridSearchCV(tagger(), {"neighbors__before": [0, 2]}, cv=2)
    search.fit(X * 2, Y * 2)
    assert state_features(search) == state_features(search.best_estimator_)
    assert transition_features(search) == transition_features(search.best_estimator_)


def test_errors():
    hidden = make_pipeline(PerStep(DictVectorizer()), StepRNNClassifier(3, max_iter=1)).fit(X, Y)
    with pytest.raises(
        ValueError, match=r"hidden_layer_sizes=\(\), but the fitted network has the layers \(3,\)"
    ):
        state_features(hidden)
    with pytest.raises(
        ValueError, match=r"conditional random field, .* but this model was fitted without one"
    ):
        transition_features(hidden)
    hidden[-1].set_params(hidden_layer_sizes=(), loss="crf")  # what counts is the fitted network
    with pytest.raises(ValueError, match=r"the fitted network has the layers \(3,\)"):
        state_features(hidden)
    with pytest.raises(ValueError, match="this model was fitted without one"):
        transition_features(hidden)
    numbers = [[1.0, 2.0], [3.0]]
    regressor = StepRNNRegressor(2, max_iter=1).fit(numbers, numbers)
    for function in (state_features, transition_features):
        with pytest.raises(ValueError, match=r"fitted StepRNNClassifier, .* got StepRNNRegressor"):
            function(regressor)
        with pytest.raises(ValueError, match=r"fitted StepRNNClassifier, .* got StepRNNClassifier"):
            function(StepRNNClassifier(()))
    without_names = make_pipeline(Neighbors(), PerStep(DictVectorizer()), StepRNNClassifier(()))
    with pytest.raises(ValueError, match="got StepRNNClassifier"):
        state_features(without_names)
