"""Sparse steps give what the same steps in a dense array give, and are never made dense."""

import tracemalloc

import numpy as np
import pytest
from numeric_helpers import CELLS, POOLINGS, assert_close, steps_for
from recipes import ONE_DIRECTION
from scipy.sparse import csr_array, csr_matrix

from skrnn import (
    SequenceRNNClassifier,
    SequenceRNNRegressor,
    Sequences,
    StepRNNClassifier,
    StepRNNRegressor,
)
from skrnn.inspection import occlusion_importance

pytestmark = [
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
]

RNG = np.random.RandomState(0)
LENGTHS = np.array([3, 1, 0, 4, 2, 5, 1, 3, 2, 0, 4, 5, 2, 3])
VALUES = steps_for(RNG, LENGTHS.sum(), 6) * (RNG.uniform(size=(LENGTHS.sum(), 6)) < 0.3)
DENSE = Sequences(VALUES, LENGTHS)
N = len(LENGTHS)
TARGETS = {
    SequenceRNNClassifier: np.arange(N) % 3,
    SequenceRNNRegressor: RNG.normal(size=(N, 2)),
    StepRNNClassifier: np.split(np.arange(len(VALUES)) % 3, np.cumsum(LENGTHS)[:-1]),
    StepRNNRegressor: np.split(RNG.normal(size=len(VALUES)), np.cumsum(LENGTHS)[:-1]),
}


def sparse(layout=csr_array, dtype=np.float64):
    return Sequences(layout(VALUES.astype(dtype)), LENGTHS)


def assert_same_fit(estimator, X, y, tol=1e-9, **fit_params):
    """Fit to dense and to sparse steps, and compare the curves, the weights and all answers."""
    of_dense, of_sparse = (
        type(estimator)(**estimator.get_params()).fit(given, y, **fit_params)
        for given in (DENSE, X)
    )
    assert len(of_sparse.loss_curve_) == len(of_dense.loss_curve_)
    assert_close(of_sparse.loss_curve_, of_dense.loss_curve_, tol)
    for layer, p in of_dense.weights_.items():
        for name, array in p.items():
            assert_close(of_sparse.weights_[layer][name], array, tol)
    for method in ("predict", "predict_proba", "transform", "hidden_states", "input_gradients"):
        if hasattr(of_dense, method):
            expected, given = (getattr(of_dense, method)(x) for x in (DENSE, X))
            if expected.dtype == object:
                assert [len(of_one) for of_one in given] == [len(of_one) for of_one in expected]
                expected, given = np.concatenate(expected), np.concatenate(given)
            assert_close(given, expected, 1e-12)


@pytest.mark.parametrize("options", [{}, {"bidirectional": True}, {"bptt_steps": 2}], ids=str)
@pytest.mark.parametrize("pooling", [name for name in POOLINGS if name])
@pytest.mark.parametrize("cell", CELLS)
def test_cells_and_poolings(cell, pooling, options):
    y = TARGETS[SequenceRNNClassifier]
    options = ONE_DIRECTION | options
    clf = SequenceRNNClassifier(
        (4, 3), cell=cell, pooling=pooling, batch_size=5, max_iter=3, random_state=0, **options
    )
    assert_same_fit(clf, sparse(), y)


@pytest.mark.parametrize(
    "options",
    [
        {"batch_size": 4},
        {"batch_size": 4, "dropout": 0.4},
        {"batch_size": 4, "solver": "sgd", "learning_rate": "cosine"},
        {"solver": "lbfgs"},
        {"n_init": 2},
        {"early_stopping": True, "validation_fraction": 0.3},
    ],
    ids=str,
)
@pytest.mark.parametrize("kind", TARGETS)
def test_estimators_and_solvers(kind, options):
    estimator = kind(4, max_iter=4, random_state=0, **options)
    assert_same_fit(estimator, sparse(), TARGETS[kind])


@pytest.mark.parametrize("layout", [csr_array, csr_matrix])
def test_layouts_and_weights(layout):
    y, weight = TARGETS[SequenceRNNClassifier], np.arange(N) % 3
    clf = SequenceRNNClassifier(4, batch_size=4, max_iter=4, random_state=0)
    assert_same_fit(clf, sparse(layout), y, sample_weight=weight)


@pytest.mark.parametrize("cell", CELLS)
def test_single_precision_is_kept(cell):
    X = sparse(dtype=np.float32)
    clf = SequenceRNNClassifier(4, cell=cell, max_iter=3, random_state=0)
    clf.fit(X, TARGETS[SequenceRNNClassifier])
    assert {a.dtype for p in clf.weights_.values() for a in p.values()} == {np.dtype(np.float32)}
    assert clf.predict_proba(X).dtype == clf.transform(X).dtype == np.float32


def test_streams_continue_a_fit_on_sparse_steps():
    clf = SequenceRNNClassifier(4, max_iter=3, random_state=0, **ONE_DIRECTION)
    clf.fit(sparse(), TARGETS[SequenceRNNClassifier])
    state = clf.initial_state()
    for x_t in VALUES[: LENGTHS[0]]:
        predicted, state = clf.step(x_t, state)
    assert_close(predicted[0], clf.predict_proba(sparse())[0])


def test_partial_fit():
    y, classes = TARGETS[SequenceRNNClassifier], [0, 1, 2]
    of_dense, of_sparse = (
        SequenceRNNClassifier(4, random_state=0)
        .partial_fit(X, y, classes=classes)
        .partial_fit(X, y)
        for X in (DENSE, sparse())
    )
    assert_close(of_sparse.predict_proba(sparse()), of_dense.predict_proba(DENSE))


@pytest.mark.parametrize("baseline", [None, 0])
def test_occlusion(baseline):
    clf = SequenceRNNClassifier(4, max_iter=3, random_state=0)
    clf.fit(DENSE, TARGETS[SequenceRNNClassifier])
    of_sparse, of_dense = (
        occlusion_importance(clf, X, baseline=baseline, window=2) for X in (sparse(), DENSE)
    )
    assert [len(of_one) for of_one in of_sparse] == LENGTHS.tolist()
    assert_close(np.concatenate(of_sparse), np.concatenate(of_dense))


@pytest.mark.parametrize("kind", [SequenceRNNClassifier, StepRNNRegressor])
@pytest.mark.parametrize(
    "options", [{}, {"bidirectional": True}, {"bptt_steps": 4}, {"solver": "lbfgs"}], ids=str
)
def test_memory(kind, options):
    """A dense copy of a batch of 25 sequences would take 16 MB, and one of X 256 MB.

    The weights take 0.4 MB for each direction.
    """
    n, n_steps, n_tokens, units = 400, 20, 4000, 4
    tokens = np.random.RandomState(0).randint(n_tokens, size=n * n_steps)
    values = csr_array((np.ones(len(tokens)), tokens, np.arange(len(tokens) + 1)))
    X, y = Sequences(values, np.full(n, n_steps)), np.arange(n) % 2
    y = y if kind is SequenceRNNClassifier else np.split(tokens / n_tokens, n)
    options = ONE_DIRECTION | options
    network = kind(units, max_iter=2, batch_size=25, random_state=0, **options)
    network.fit(X, y)  # memory that is allocated once does not count
    tracemalloc.start()
    try:
        network.fit(X, y).predict(X)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < (24e6 if "solver" in options else 9e6)  # L-BFGS keeps 20 copies of the weights
