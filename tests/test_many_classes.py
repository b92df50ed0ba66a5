"""With many classes, no array holds the outputs of all rows but a result of that size."""

import tracemalloc

import numpy as np
import pytest
from sklearn.base import clone

from skrnn import (
    EnsembleClassifier,
    SequenceRNNClassifier,
    StepRNNClassifier,
    XORMLPClassifier,
)

pytestmark = [
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
    pytest.mark.filterwarnings("ignore:The number of unique classes"),
]

N, K = 10_000, 1_000  # rows and classes
DENSE = N * K * 4  # bytes of the outputs in single precision
OPTIONS = {"max_iter": 1, "random_state": 0}
CODES = np.arange(N) % K
RNG = np.random.default_rng(0)
DATA = {
    "rows": (RNG.standard_normal((N, 2), dtype=np.float32), CODES),
    "sequences": (list(RNG.standard_normal((N, 2, 2), dtype=np.float32)), CODES),
    "steps": (
        list(RNG.standard_normal((200, 50, 2), dtype=np.float32)),
        list(CODES.reshape(-1, 50)),
    ),
}
ESTIMATORS = {
    "rows": XORMLPClassifier(2, solver="adam", **OPTIONS),
    "sequences": SequenceRNNClassifier(2, batch_size=500, **OPTIONS),
    "steps": StepRNNClassifier(2, **OPTIONS),
}
FITS = [
    ("rows", {}),
    ("rows", {"solver": "lbfgs", "batch_size": "auto"}),
    ("sequences", {"early_stopping": True}),
    ("steps", {"early_stopping": True, "class_weight": "balanced"}),
    ("steps", {"batch_size": N}),
]


@pytest.fixture(scope="module", autouse=True)
def first_fit():
    """Fit once, since the first fit in a process allocates memory to keep it; see `threads`."""
    XORMLPClassifier(2, solver="adam", **OPTIONS).fit([[0], [1]], [0, 1])


def peak_of(call):
    """Peak memory of a call, in bytes."""
    tracemalloc.start()
    try:
        call()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(("kind", "parameters"), FITS, ids=str)
def test_a_fit_takes_less_than_half_of_the_outputs(kind, parameters):
    X, y = DATA[kind]
    clf = clone(ESTIMATORS[kind]).set_params(**parameters)
    assert peak_of(lambda: clf.fit(X, y)) < DENSE * 0.5


@pytest.fixture(scope="module", params=["rows", "steps"])
def fitted(request):
    """Yield an estimator after a short fit, with its data."""
    X, y = DATA[request.param]
    clf = clone(ESTIMATORS[request.param])
    return clf.partial_fit(X[:20], y[:20], classes=np.arange(K)), X, y


def test_training_goes_on_in_less_than_half_of_the_outputs(fitted):
    clf, X, y = fitted
    assert peak_of(lambda: clf.partial_fit(X, y)) < DENSE * 0.5


def test_scores_take_less_than_half_of_the_outputs(fitted):
    clf, X, y = fitted
    assert peak_of(lambda: clf.score(X, y)) < DENSE * 0.5


def test_probabilities_take_little_more_than_the_result(fitted):
    clf, X, _ = fitted
    assert DENSE < peak_of(lambda: clf.predict_log_proba(X)) < 1.6 * DENSE


@pytest.mark.parametrize("kind", ["rows", "steps"])
def test_an_ensemble_predicts_in_less_than_the_outputs(kind):
    X, y = DATA[kind]
    ensemble = EnsembleClassifier(ESTIMATORS[kind], n_estimators=2, random_state=0)
    ensemble.partial_fit(X[:20], y[:20], classes=np.arange(K))
    assert peak_of(lambda: ensemble.predict(X)) < DENSE * 0.75
    labels, probabilities = ensemble.predict(X), ensemble.predict_proba(X)
    assert len(labels) == len(X)
    if kind == "steps":
        labels, probabilities = np.concatenate(labels), np.concatenate(probabilities)
    assert np.array_equal(labels, probabilities.argmax(axis=1))


def test_a_multilabel_fit_takes_less_than_the_outputs():
    X = DATA["rows"][0]
    y = RNG.random((N, K)) < 0.01
    clf = clone(ESTIMATORS["rows"])
    assert peak_of(lambda: clf.fit(X, y)) < DENSE


def test_an_overflow_is_reported_by_its_row_among_all():
    X = np.zeros((20_000, 1))
    X[17_000] = 1e300
    clf = XORMLPClassifier(2, solver="adam", **OPTIONS).fit([[0], [1]], [0, 1])
    clf.coefs_ = [1e300 * np.ones_like(W) for W in clf.coefs_]
    with pytest.raises(ValueError, match="Output 17000 for X is not finite"):
        clf.predict(X)
