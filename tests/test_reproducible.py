"""Same results by seed, from copies and in parallel; nothing else is changed."""

import pickle
from itertools import product

import joblib
import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV, cross_val_score

from skrnn import SequencePadder, SequenceRNNClassifier, XORMLPClassifier, as_sequences

MLP = XORMLPClassifier(6, solver="adam", batch_size=50, max_iter=5, dropout=0.1, random_state=0)
RNN = SequenceRNNClassifier(4, max_iter=4, batch_size=7, dropout=0.1, random_state=0)
STOPPED = {"early_stopping": True, "validation_fraction": 0.2}
CLASSIFIERS = {
    "mlp-adam": MLP,
    "mlp-sgd": clone(MLP).set_params(solver="sgd"),
    "mlp-lbfgs": clone(MLP).set_params(solver="lbfgs", dropout=0, n_init=2),
    "mlp-stopped": clone(MLP).set_params(**STOPPED),
    "gru": RNN,
    "lstm": clone(RNN).set_params(cell="lstm", bidirectional=True, pooling="mean"),
    "rnn-sgd": clone(RNN).set_params(cell="rnn", solver="sgd", bptt_steps=2, pooling="max"),
    "gru-lbfgs": clone(RNN).set_params(solver="lbfgs", dropout=0),
    "gru-stopped": clone(RNN).set_params(**STOPPED),
}

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


@pytest.fixture(params=CLASSIFIERS)
def case(request, table, sequences):
    """An estimator with data of its kind."""
    clf = clone(CLASSIFIERS[request.param])
    return clf, *(table if isinstance(clf, XORMLPClassifier) else sequences)


def weights(clf):
    if hasattr(clf, "coefs_"):
        return [*clf.coefs_, *clf.intercepts_]
    return [array for layer in clf.weights_.values() for array in layer.values()]


def assert_equal_bits(actual, expected):
    for a, e in zip(weights(actual), weights(expected), strict=True):
        assert_array_equal(a, e, strict=True)
    assert actual.loss_curve_ == expected.loss_curve_


def test_same_seed_same_bits(case):
    clf, X, y = case
    first, second = clf.fit(X, y), clone(clf).fit(X, y)
    assert_equal_bits(second, first)
    other = clone(clf).set_params(random_state=1).fit(X, y)
    assert not np.array_equal(weights(other)[0], weights(first)[0])


def test_refit_equals_fit(case):
    clf, X, y = case
    expected = clone(clf).fit(X, y)
    clf.fit(X[:30], y[:30])
    assert_equal_bits(clf.fit(X, y), expected)
    assert vars(clf).keys() == vars(expected).keys()


def test_other_kinds_of_random_state(case):
    clf, X, y = case
    seeded = clone(clf).set_params(random_state=np.random.RandomState(0)).fit(X, y)
    assert_equal_bits(seeded, clf.fit(X, y))
    clf.set_params(random_state=None).fit(X, y)
    assert np.isfinite(clf.loss_)


def test_global_random_state_is_not_used(case):
    clf, X, y = case
    before = np.random.get_state()[1].copy()  # noqa: NPY002
    clf.fit(X, y).predict(X)
    assert_array_equal(np.random.get_state()[1], before)  # noqa: NPY002


def test_copies_predict_the_same(case, tmp_path):
    clf, X, y = case
    expected = clf.fit(X, y).predict_proba(X)
    joblib.dump(clf, tmp_path / "clf.joblib")
    for copy in (
        pickle.loads(pickle.dumps(clf)),
        joblib.load(tmp_path / "clf.joblib"),
        joblib.load(tmp_path / "clf.joblib", mmap_mode="r"),
    ):
        assert_array_equal(copy.predict_proba(X), expected, strict=True)


@pytest.mark.parametrize("mmap_mode", [None, "r"])
def test_training_continues_after_loading(case, tmp_path, mmap_mode):
    clf, X, y = case
    clf.set_params(warm_start=True, random_state=0).fit(X, y)
    joblib.dump(clf, tmp_path / "clf.joblib")
    copy = joblib.load(tmp_path / "clf.joblib", mmap_mode=mmap_mode)
    assert_equal_bits(copy.fit(X, y), clf.fit(X, y))


@pytest.mark.parametrize("clf", [MLP, RNN], ids=["mlp", "rnn"])
def test_parallel_equals_serial(clf, table, sequences):
    X, y = table if clf is MLP else sequences
    serial, parallel = (cross_val_score(clf, X, y, cv=2, n_jobs=n) for n in (1, 2))
    assert_array_equal(parallel, serial)
    searches = [
        GridSearchCV(clf, {"alpha": [0, 1]}, cv=2, n_jobs=n, scoring="neg_log_loss").fit(X, y)
        for n in (1, 2)
    ]
    scores = [search.cv_results_["mean_test_score"] for search in searches]
    assert_array_equal(scores[1], scores[0])
    assert_equal_bits(searches[1].best_estimator_, searches[0].best_estimator_)


def arrays_of(value):
    """List all arrays in nested attributes."""
    if isinstance(value, np.ndarray):
        return [value]
    if isinstance(value, dict):
        value = list(value.values())
    return [a for item in value for a in arrays_of(item)] if isinstance(value, list | tuple) else []


def test_float32_stays_float32(case):
    clf, X, y = case
    X = [np.float32(x) for x in X] if isinstance(X, list) else np.float32(X)
    clf.fit(X, y)
    found = [a.dtype for a in arrays_of(vars(clf)) if a is not clf.classes_]
    assert len(found) >= len(weights(clf))
    assert set(found) == {np.dtype(np.float32)}
    for method in (clf.predict_proba, clf.predict_log_proba, clf.decision_function):
        assert method(X).dtype == np.float32
    in_double = clone(clf).fit([np.float64(x) for x in X], y)
    assert {a.dtype for a in weights(in_double)} == {np.dtype(np.float64)}
    assert_allclose(clf.loss_curve_[0], in_double.loss_curve_[0], rtol=1e-4)


def test_data_is_not_changed(case):
    clf, X, y = case
    weight = np.linspace(0, 2, len(y))
    before = pickle.dumps((X, y, weight))
    for array in [*X, y, weight] if isinstance(X, list) else [X, y, weight]:
        array.flags.writeable = False
    clf.fit(X, y, weight).predict_proba(X)
    assert pickle.dumps((X, y, weight)) == before


@pytest.mark.parametrize(
    ("cell", "pooling", "bidirectional"),
    list(product(["rnn", "gru", "lstm"], ["last", "mean", "max"], [False, True])),
)
def test_a_prediction_depends_on_its_sequence_only(sequences, cell, pooling, bidirectional):
    X, y = sequences
    clf = clone(RNN).set_params(cell=cell, pooling=pooling, bidirectional=bidirectional)
    expected = clf.set_params(hidden_layer_sizes=(4, 3)).fit(X, y).decision_function(X)
    order = np.random.RandomState(1).permutation(len(X))
    longest = max(len(x) for x in X)
    padder = SequencePadder(n_steps=longest + 5).fit(X)
    for scores, desired in [
        (np.concatenate([clf.decision_function([x]) for x in X]), expected),
        (clf.decision_function(X[:3]), expected[:3]),
        (clf.decision_function([X[i] for i in order]), expected[order]),
        (clf.decision_function(X * 3), np.tile(expected, (3, 1))),
        (clf.decision_function([*X, np.ones((500, 2))])[:-1], expected),
        (clf.decision_function(as_sequences(X).to_padded()), expected),
        (clf.decision_function(padder.transform(X)), expected),
    ]:
        assert_allclose(scores, desired, rtol=0, atol=1e-12)
