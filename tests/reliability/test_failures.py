"""Errors during fit leave the estimator unchanged; an interrupt keeps the best weights."""

import copy

import numpy as np
import pytest
from fuzzing import freeze
from recipes import CONSTANT_RATE
from sklearn.base import clone
from sklearn.decomposition import PCA
from sklearn.exceptions import ConvergenceWarning, NotFittedError

from skrnn import (
    PerStep,
    SequencePadder,
    SequenceRNNClassifier,
    SequenceRNNRegressor,
    StepRNNClassifier,
    StepRNNRegressor,
    XORMLPClassifier,
    XORMLPRegressor,
)
from skrnn._numeric import affine, networks

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

RNG = np.random.RandomState(0)
RAGGED = [RNG.normal(size=(n, 2)) for n in RNG.randint(1, 6, size=30)]
TABLE, LABELS = RNG.normal(size=(30, 2)), np.arange(30) % 2
STEP_LABELS = [(x[:, 0] > 0).astype(int) for x in RAGGED]
QUICK = {
    "hidden_layer_sizes": 4,
    "max_iter": 6,
    "batch_size": 10,
    "random_state": 0,
    **CONSTANT_RATE,
}
CASES = {
    "table": (XORMLPClassifier(**QUICK, solver="adam"), TABLE, LABELS),
    "table of numbers": (XORMLPRegressor(**QUICK, solver="adam"), TABLE, LABELS + 0.5),
    "labels": (SequenceRNNClassifier(**QUICK), RAGGED, LABELS),
    "numbers": (SequenceRNNRegressor(**QUICK, cell="lstm"), RAGGED, LABELS + 0.5),
    "step labels": (StepRNNClassifier(**QUICK, cell="rnn"), RAGGED, STEP_LABELS),
    "step numbers": (StepRNNRegressor(**QUICK, solver="sgd"), RAGGED, [x[:, 1] for x in RAGGED]),
}
ERRORS = [MemoryError, RuntimeError, SystemExit, KeyboardInterrupt]


@pytest.fixture(params=CASES)
def case(request):
    return request.param


class FailingCallback:
    """Raise in the second epoch."""

    def __init__(self, error):
        self.error, self.epochs = error, 0

    def setup(self, estimator, context): ...

    def teardown(self, estimator, context): ...

    def on_fit_task_begin(self, estimator, context): ...

    def on_fit_task_end(self, estimator, context):
        self.epochs += context.task_name == "epoch"
        if self.epochs == 2:
            raise self.error("in the middle")


def fail_after(n_calls, error, monkeypatch):
    """Make the n-th call of a dense layer, the last layer of every network, raise an error."""
    calls = 0
    original = affine.dense

    def failing(*args, **kwargs):
        nonlocal calls
        calls += 1
        if calls == n_calls:
            raise error("in the middle")
        return original(*args, **kwargs)

    monkeypatch.setattr(networks, "dense", failing)


def start(case, state):
    """Create an estimator, which is new, fitted, or fitted with warm_start, and its data."""
    estimator, X, y = CASES[case]
    estimator = clone(estimator)
    if state != "new":
        estimator.fit(X, y)
        estimator.set_params(warm_start=state == "warm")
    return estimator, X, y


def assert_unchanged(estimator, before, X, expected):
    assert freeze(vars(estimator)) == before
    if expected is None:
        with pytest.raises(NotFittedError, match="instance is not fitted yet"):
            estimator.predict(X)
    else:
        assert freeze(estimator.predict(X)) == expected


@pytest.mark.parametrize("state", ["new", "fitted", "warm"])
@pytest.mark.parametrize("error", [MemoryError, RuntimeError, SystemExit])
@pytest.mark.parametrize("n_calls", [1, 3, 8])
def test_error_in_a_layer_leaves_the_estimator_unchanged(case, state, error, n_calls, monkeypatch):
    estimator, X, y = start(case, state)
    before = freeze(vars(estimator))
    expected = None if state == "new" else freeze(estimator.predict(X))
    with monkeypatch.context() as patch:
        fail_after(n_calls, error, patch)
        with pytest.raises(error, match="in the middle"):
            estimator.fit(X, y)
    assert_unchanged(estimator, before, X, expected)
    again = clone(estimator).set_params(warm_start=False).fit(X, y)
    fresh = clone(CASES[case][0]).fit(X, y)
    assert freeze(again.predict(X)) == freeze(fresh.predict(X))


@pytest.mark.parametrize("error", [MemoryError, RuntimeError])
def test_error_in_partial_fit_leaves_the_estimator_unchanged(case, error, monkeypatch):
    estimator, X, y = CASES[case]
    first = {} if "numbers" in case else {"classes": [0, 1]}
    estimator = clone(estimator).partial_fit(X, y, **first)
    twin = copy.deepcopy(estimator)
    before, expected = freeze(vars(estimator)), freeze(estimator.predict(X))
    with monkeypatch.context() as patch:
        fail_after(2, error, patch)
        with pytest.raises(error, match="in the middle"):
            estimator.partial_fit(X, y)
    assert_unchanged(estimator, before, X, expected)
    # The weights and the state of the optimizer are unchanged.
    estimator.set_params(random_state=1).partial_fit(X, y)
    twin.set_params(random_state=1).partial_fit(X, y)
    assert freeze(estimator.predict(X)) == freeze(twin.predict(X))


@pytest.mark.parametrize("state", ["new", "fitted", "warm"])
@pytest.mark.parametrize("error", [MemoryError, RuntimeError, ValueError])
def test_error_in_a_callback_leaves_the_estimator_unchanged(case, state, error):
    estimator, X, y = start(case, state)
    callback = FailingCallback(error)
    estimator.set_callbacks(callback)
    fitted = {k: v for k, v in vars(estimator).items() if k.endswith("_")}
    before, names = freeze(fitted), list(vars(estimator))
    with pytest.raises(error, match="in the middle"):
        estimator.fit(X, y)
    assert callback.epochs == 2
    assert list(vars(estimator)) == names
    assert freeze({k: v for k, v in vars(estimator).items() if k.endswith("_")}) == before


@pytest.mark.parametrize("n_calls", [3, 8, 14])
def test_interrupt_keeps_the_best_weights(case, n_calls, monkeypatch):
    estimator, X, y = CASES[case]
    estimator = clone(estimator)
    with monkeypatch.context() as patch:
        fail_after(n_calls, KeyboardInterrupt, patch)
        with pytest.warns(ConvergenceWarning, match="Training was interrupted after"):
            estimator.fit(X, y)
    assert estimator.n_iter_ < 6
    full = clone(estimator).set_params(max_iter=max(estimator.n_iter_, 1)).fit(X, y)
    assert estimator.loss_curve_ == full.loss_curve_[: estimator.n_iter_]
    for answer in estimator.predict(X):
        assert np.isfinite(answer).all()


@pytest.mark.parametrize("transformer", [SequencePadder(), PerStep(PCA(1))], ids=repr)
@pytest.mark.parametrize("error", [MemoryError, KeyboardInterrupt])
def test_error_in_a_transformer_leaves_it_unchanged(transformer, error, monkeypatch):
    def fail(*args, **kwargs):
        raise error("in the middle")

    transformer = clone(transformer)
    before = freeze(vars(transformer))
    monkeypatch.setattr("skrnn.preprocessing.read_X", fail)
    monkeypatch.setattr("skrnn.preprocessing.call_on_table", fail)
    with pytest.raises(error, match="in the middle"):
        transformer.fit(RAGGED)
    assert freeze(vars(transformer)) == before
