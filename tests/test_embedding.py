"""An embedding is a linear layer before the recurrent layers; tokens are its sparse input."""

import pickle
import tracemalloc
from functools import partial
from itertools import cycle

import numpy as np
import pandas as pd
import pytest
from numeric_helpers import EMBEDDED_CELLS, assert_close
from recipes import ONE_DIRECTION
from scipy.sparse import csr_array
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder

from skrnn import (
    EnsembleClassifier,
    PerStep,
    SequenceRNNClassifier,
    SequenceRNNRegressor,
    Sequences,
    StepRNNClassifier,
    StepRNNRegressor,
)
from skrnn.pytorch import from_state_dict, to_state_dict

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

RNG = np.random.RandomState(0)
LENGTHS = np.array([3, 1, 0, 4, 2, 5, 1, 3, 2, 4, 5, 2])
N, N_FEATURES, SIZE = len(LENGTHS), 6, 3
VALUES = RNG.normal(size=(LENGTHS.sum(), N_FEATURES))
X = Sequences(VALUES, LENGTHS)
TARGETS = {
    SequenceRNNClassifier: np.arange(N) % 3,
    SequenceRNNRegressor: np.where(LENGTHS, VALUES[np.cumsum(LENGTHS) - 1, 1], 0),
    StepRNNClassifier: np.split(np.arange(len(VALUES)) % 3, np.cumsum(LENGTHS)[:-1]),
    StepRNNRegressor: np.split(RNG.normal(size=(len(VALUES), 2)), np.cumsum(LENGTHS)[:-1]),
}
KINDS = list(TARGETS)
OPTIONS = {"embedding_size": SIZE, "max_iter": 3, "batch_size": 4, "random_state": 0}


def fitted(kind, **params):
    if kind is SequenceRNNRegressor:  # so that its steps are those of the embedding, and stream
        params["skip_connection"] = "last"
    return kind(4, **{**OPTIONS, **params}).fit(X, TARGETS[kind])


def embedded(estimator, X):
    """Multiply the steps by the weights of the embedding."""
    return X.with_values(X.values @ estimator.weights_["embedding"]["W"])


def without_embedding(estimator):
    """Make the same network without the embedding and the skip connection."""
    written = to_state_dict(estimator)
    rest = {k: v for k, v in written.items() if k.split(".")[0] not in ("embedding", "skip")}
    return from_state_dict(estimator, rest, classes=getattr(estimator, "classes_", None))


# --- The network -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("cell", "bidirectional"), list(zip(EMBEDDED_CELLS, cycle([True, False]), strict=False))
)
@pytest.mark.parametrize("kind", KINDS)
def test_the_network_is_that_of_the_embedded_steps(kind, cell, bidirectional):
    estimator = fitted(kind, cell=cell, bidirectional=bidirectional)
    assert next(iter(estimator.weights_)) == "embedding"
    assert estimator.weights_["embedding"]["W"].shape == (N_FEATURES, SIZE)
    assert estimator.weights_["recurrent_0"]["W"].shape[1] == SIZE
    plain, x = without_embedding(estimator), embedded(estimator, X)
    assert plain.embedding_size is None
    expected = plain.predict(x)
    if kind is SequenceRNNRegressor:  # the skip connection has its own way from the input
        last = np.where((LENGTHS > 0)[:, None], VALUES[np.cumsum(LENGTHS) - 1], 0)
        expected += (last @ estimator.weights_["skip"]["W"])[:, 0]
    assert_all_close(estimator.predict(X), expected)
    assert_all_close(estimator.hidden_states(X), plain.hidden_states(x))
    if hasattr(estimator, "transform"):
        assert_close(estimator.transform(X), plain.transform(x))


def assert_all_close(actual, desired):
    """Compare arrays, or object arrays of one array for each sequence."""
    if actual.dtype == object:
        assert list(map(len, actual)) == list(map(len, desired))
        actual, desired = np.concatenate(actual), np.concatenate(desired)
    assert_close(actual, desired)


@pytest.mark.parametrize("kind", KINDS)
def test_input_gradients(kind):
    estimator = fitted(kind)
    plain = without_embedding(estimator)
    W = estimator.weights_["embedding"]["W"]
    given = np.concatenate(estimator.input_gradients(X, 0))
    expected = np.concatenate(plain.input_gradients(embedded(estimator, X), 0)) @ W.T
    if kind is SequenceRNNRegressor:
        expected[np.cumsum(LENGTHS)[LENGTHS > 0] - 1] += estimator.weights_["skip"]["W"].T
    assert_close(given, expected)


@pytest.mark.parametrize("cell", EMBEDDED_CELLS)
@pytest.mark.parametrize("kind", KINDS)
def test_streams(kind, cell):
    estimator = fitted(kind, cell=cell, **ONE_DIRECTION)
    state, x = estimator.initial_state(2), VALUES[:8].reshape(2, 4, -1)
    for t in range(4):
        predicted, state = estimator.step(x[:, t], state)
    whole = getattr(estimator, "predict_proba", estimator.predict)(x)
    assert_close(predicted, [of_one[-1] for of_one in whole] if estimator._per_step else whole)


def test_a_cell_that_reads_indicators_and_times_has_none():
    X, y = np.ones((4, 2, 3)), [0, 1, 0, 1]
    with pytest.raises(ValueError, match="embedding_size=2 would mix values, indicators and times"):
        SequenceRNNClassifier(4, cell="gru_d", embedding_size=2).fit(X, y)


IDS = [[3, 17, 4], [5, 5], [2], [9, 1]]


@pytest.mark.parametrize("X", [IDS, np.ones((4, 5), int), Sequences(np.ones((4, 1)), [1] * 4)])
@pytest.mark.parametrize("kind", KINDS)
def test_a_single_feature_has_none(kind, X):
    """Integers are numbers for the network, so their embedding would be that of one number."""
    y = [[i % 2] * len(x) for i, x in enumerate(X)] if kind._per_step else [0, 1, 0, 1]
    network = kind(4, **OPTIONS)
    message = r"embedding_size=3 needs several features .*tokens.* put PerStep\(OneHotEncoder\(\)\)"
    with pytest.raises(ValueError, match=message):
        network.fit(X, y)
    assert not hasattr(network, "n_step_features_")


# --- Initial weights and training ------------------------------------------------------------


def test_initial_weights():
    """The first draw is that of the embedding, in the range of Glorot and Bengio."""
    first = SequenceRNNClassifier(
        4, embedding_size=50, solver="sgd", learning_rate_init=1e-300, max_iter=1, random_state=3
    ).fit(X, TARGETS[SequenceRNNClassifier])
    bound = np.sqrt(6 / (N_FEATURES + 50))
    drawn = np.random.RandomState(3).uniform(-bound, bound, (N_FEATURES, 50))
    assert_close(first.weights_["embedding"]["W"], drawn)


def test_weights_by_a_dictionary():
    clf = fitted(SequenceRNNClassifier)
    weights = {**clf.weights_, "embedding": {"W": np.eye(N_FEATURES, SIZE)}}
    options = {**OPTIONS, "init": weights, "solver": "sgd", "learning_rate_init": 1e-300}
    again = SequenceRNNClassifier(4, **options).fit(X, TARGETS[SequenceRNNClassifier])
    assert_close(again.weights_["embedding"]["W"], np.eye(N_FEATURES, SIZE))
    del weights["embedding"]
    with pytest.raises(ValueError, match=r"The weights of embedding\['W'\] are missing"):
        again.fit(X, TARGETS[SequenceRNNClassifier])
    message = r"Weights are given for embedding\['W'\], which the network does not have"
    clf.set_params(init=clf.weights_, embedding_size=None)
    with pytest.raises(ValueError, match=message):
        clf.fit(X, TARGETS[SequenceRNNClassifier])


@pytest.mark.parametrize("kind", KINDS)
def test_the_embedding_is_trained(kind):
    for options in ({}, {"solver": "lbfgs"}, {"dropout": 0.3}, {"n_init": 2}, {"bptt_steps": 1}):
        start, end = (
            fitted(kind, **options, max_iter=n_iter).weights_["embedding"]["W"] for n_iter in (1, 6)
        )
        assert (np.abs(end - start) > 1e-6).all()


@pytest.mark.parametrize("kind", KINDS)
def test_training_goes_on(kind):
    estimator = fitted(kind)
    before = estimator.weights_["embedding"]["W"].copy()
    size = {"learning_rate_init": 1e-300}
    estimator.set_params(warm_start=True, **size).fit(X, TARGETS[kind])
    assert_close(estimator.weights_["embedding"]["W"], before, 1e-9)
    estimator.partial_fit(X, TARGETS[kind])
    assert_close(estimator.weights_["embedding"]["W"], before, 1e-9)
    with pytest.raises(ValueError, match="The network differs from that of the earlier fit"):
        estimator.set_params(embedding_size=SIZE + 1).fit(X, TARGETS[kind])


def test_what_holds_a_network_holds_an_embedding():
    y = TARGETS[SequenceRNNClassifier]
    clf = fitted(SequenceRNNClassifier)
    loaded = pickle.loads(pickle.dumps(clf))
    assert np.array_equal(loaded.predict_proba(X), clf.predict_proba(X))
    assert loaded.embedding_size == SIZE
    members = EnsembleClassifier(SequenceRNNClassifier(4, **OPTIONS), 2).fit(X, y).estimators_
    assert [member.weights_["embedding"]["W"].shape for member in members] == [(6, 3), (6, 3)]
    search = GridSearchCV(clf, {"embedding_size": [None, 2]}, cv=2).fit(X, y)
    assert len(search.cv_results_["params"]) == 2
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()


# --- Tokens ----------------------------------------------------------------------------------

WORDS = [list("abac"), list("b"), list("cab"), list("dd"), list("abcd"), list("ca")]
LABELS = [0, 1, 0, 1, 0, 1]
NUMBERS = [0.1, 0.5, 0.2, 0.9, 0.3, 0.4]


def codes(word):
    return np.array([ord(letter) - ord("a") for letter in word])


FORMS = {
    "lists of text": WORDS,
    "arrays of integers": [codes(word) for word in WORDS],
    "a frame with a column of lists": pd.DataFrame({"letters": WORDS}),
    "a frame with a column of arrays": pd.DataFrame({"codes": [codes(word) for word in WORDS]}),
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("form", FORMS)
def test_tokens_have_the_vectors_of_the_embedding(form, kind):
    X, y = FORMS[form], LABELS if "Classifier" in kind.__name__ else NUMBERS
    if kind._per_step:
        y = [[target] * len(word) for word, target in zip(WORDS, y, strict=True)]
    of_sparse, of_dense = (
        make_pipeline(PerStep(OneHotEncoder(sparse_output=is_sparse)), kind(4, **OPTIONS)).fit(X, y)
        for is_sparse in (True, False)
    )
    assert_close(of_sparse[-1].loss_curve_, of_dense[-1].loss_curve_)
    for layer, p in of_dense[-1].weights_.items():
        for name, array in p.items():
            assert_close(of_sparse[-1].weights_[layer][name], array)
    assert_all_close(of_sparse.predict(X), of_dense.predict(X))
    assert_all_close(
        of_sparse[-1].input_gradients(of_sparse[0].transform(X)),
        of_dense[-1].input_gradients(of_dense[0].transform(X)),
    )
    vectors = [of_sparse[-1].weights_["embedding"]["W"][codes(word)] for word in WORDS]
    states = of_sparse[-1].hidden_states(of_sparse[0].transform(X))
    assert_all_close(states, without_embedding(of_sparse[-1]).hidden_states(vectors))


def test_an_unknown_token_is_a_vector_of_zeros():
    pipe = make_pipeline(
        PerStep(OneHotEncoder(handle_unknown="ignore")), SequenceRNNClassifier(4, **OPTIONS)
    ).fit(WORDS, LABELS)
    states = pipe[-1].hidden_states(pipe[0].transform([["a", "?", "b"]]))[0]
    W = pipe[-1].weights_["embedding"]["W"]
    vectors = np.array([W[0], np.zeros(SIZE), W[1]])
    assert_close(states, without_embedding(pipe[-1]).hidden_states([vectors])[0])
    assert np.array_equal(pipe.predict_proba([["?", "a"]]), pipe.predict_proba([["!", "a"]]))


# --- Memory ----------------------------------------------------------------------------------

N_TOKENS, N_SEQUENCES, N_STEPS = 20_000, 50, 20


def tokens():
    kinds = np.random.RandomState(0).randint(N_TOKENS, size=N_SEQUENCES * N_STEPS)
    values = csr_array(
        (np.ones(len(kinds)), kinds, np.arange(len(kinds) + 1)), shape=(len(kinds), N_TOKENS)
    )
    return Sequences(values, np.full(N_SEQUENCES, N_STEPS))


def methods_that_read(estimator, X, y):
    """List calls of all methods that read many sequences."""
    calls = [partial(estimator.fit, X, y), partial(estimator.partial_fit, X, y)]
    calls += [partial(estimator.score, X, y), partial(estimator.fit, X, y, X_val=X, y_val=y)]
    names = ("predict", "predict_proba", "hidden_states", "transform")
    return calls + [partial(getattr(estimator, n), X) for n in names if hasattr(estimator, n)]


def peak_memory(call):
    """Measure the peak of the memory that a call allocates."""
    tracemalloc.start()
    try:
        call()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    ("kind", "units"),
    [(SequenceRNNClassifier, 4), (SequenceRNNRegressor, 4), (StepRNNRegressor, 170)],
    ids=["classifier", "regressor", "halves of batches"],
)
def test_no_step_is_made_dense(kind, units):
    """A dense copy of a batch of 25 sequences would take 80 MB, and one of X 160 MB.

    The embedding takes 0.5 MB, and the recurrent weights of 170 units 0.7 MB, in each direction.
    """
    X, y = tokens(), np.arange(N_SEQUENCES) % 2
    if kind._per_step:
        y = np.split(np.arange(X.values.shape[0]) / 1e3, N_SEQUENCES)
    network = kind(units, embedding_size=3, max_iter=1, batch_size=25, random_state=0)
    early = clone(network).set_params(early_stopping=True, validation_fraction=0.3)
    for call in [*methods_that_read(network.fit(X, y), X, y), partial(early.fit, X, y)]:
        assert peak_memory(call) < 40e6
