"""Threads can share an estimator, and fits in threads are independent."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import joblib
import numpy as np
import pytest
from recipes import ONE_DIRECTION
from sklearn.base import clone
from sklearn.model_selection import cross_validate

from skrnn import (
    SequenceRNNClassifier,
    SequenceRNNRegressor,
    StepRNNClassifier,
    StepRNNRegressor,
    XORMLPClassifier,
)

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

N_THREADS, N_ROUNDS = 16, 20
RNG = np.random.RandomState(0)
RAGGED = [RNG.normal(size=(length, 3)) for length in RNG.randint(1, 30, size=60)]
TABLE = RNG.normal(size=(200, 3))
QUICK = {"hidden_layer_sizes": 8, "max_iter": 3, "random_state": 0}
STEPS = [x[:, 0] > 0 for x in RAGGED]
CASES = {
    "table": (XORMLPClassifier(**QUICK, dropout=0.1), TABLE, TABLE[:, 0] > 0),
    "labels": (
        SequenceRNNClassifier(**QUICK, **ONE_DIRECTION, dropout=0.1),
        RAGGED,
        np.arange(60) % 3,
    ),
    "numbers": (
        SequenceRNNRegressor(**QUICK, **ONE_DIRECTION, cell="lstm", bptt_steps=5),
        RAGGED,
        np.arange(60.0),
    ),
    "step labels": (StepRNNClassifier(**QUICK, bidirectional=True), RAGGED, STEPS),
    "step numbers": (StepRNNRegressor(**QUICK, cell="rnn"), RAGGED, [x[:, 0] for x in RAGGED]),
    "lbfgs": (SequenceRNNClassifier(**QUICK, solver="lbfgs"), RAGGED, np.arange(60) % 2),
}


def bits(value):
    """Concatenate the bytes of all numbers in a value."""
    if isinstance(value, dict):
        value = list(value.values())
    ragged = isinstance(value, np.ndarray) and value.dtype.hasobject
    if isinstance(value, list | tuple) or ragged:
        return b"".join(bits(item) for item in value)
    return np.asarray(value).tobytes()


def in_threads(task, n_tasks):
    """Run a task in 16 threads that begin at the same moment; returns all results."""
    barrier = Barrier(N_THREADS)

    def run(thread):
        barrier.wait()
        return [task(i) for i in range(thread, n_tasks, N_THREADS)]

    with ThreadPoolExecutor(N_THREADS) as pool:
        return [result for results in pool.map(run, range(N_THREADS)) for result in results]


@pytest.mark.parametrize("name", CASES)
def test_predictions_in_16_threads_have_the_same_bits(name, record_property):
    estimator, X, y = CASES[name]
    estimator = clone(estimator).fit(X, y)
    methods = ["predict", "predict_proba", "hidden_states", "input_gradients", "transform"]
    methods = [method for method in methods if hasattr(estimator, method)]
    for method in methods:
        expected = bits(getattr(estimator, method)(X))
        outputs = in_threads(
            lambda _, method=method: bits(getattr(estimator, method)(X)), N_THREADS * N_ROUNDS
        )
        assert len(outputs) == N_THREADS * N_ROUNDS
        assert set(outputs) == {expected}
    record_property("calls from threads", len(methods) * N_THREADS * N_ROUNDS)


@pytest.mark.parametrize("name", ["labels", "numbers", "step numbers"])
def test_streams_in_16_threads_have_the_same_bits(name, record_property):
    estimator, X, y = CASES[name]
    estimator = clone(estimator).fit(X, y)

    def stream(i):
        state, outputs = estimator.initial_state(), []
        for x_t in X[i % len(X)]:
            output, state = estimator.step(x_t, state)
            outputs.append(output)
        return i, bits(outputs)

    expected = dict(stream(i) for i in range(len(X)))
    outputs = in_threads(stream, N_THREADS * N_ROUNDS)
    assert {i for i, _ in outputs} == set(range(N_THREADS * N_ROUNDS))
    assert all(output == expected[i % len(X)] for i, output in outputs)
    record_property("calls from threads", len(outputs))


def fitted_bits(estimator, X, y, seed):
    fitted = clone(estimator).set_params(random_state=seed).fit(X, y)
    return bits(getattr(fitted, "weights_", None) or [fitted.coefs_, fitted.intercepts_])


@pytest.mark.parametrize("name", CASES)
def test_fits_in_16_threads_are_independent(name, record_property):
    alone = [fitted_bits(*CASES[name], seed) for seed in range(4)]
    assert len(set(alone)) == 4
    together = in_threads(lambda i: (i, fitted_bits(*CASES[name], i % 4)), 2 * N_THREADS)
    assert all(found == alone[i % 4] for i, found in together)
    record_property("fits in threads", len(together))


def test_fits_of_different_estimators_in_threads_are_independent():
    alone = {name: fitted_bits(*case, 0) for name, case in CASES.items()}
    names = [*CASES] * 6
    together = in_threads(lambda i: (names[i], fitted_bits(*CASES[names[i]], 0)), len(names))
    assert all(found == alone[name] for name, found in together)


@pytest.mark.parametrize("name", ["table", "labels", "step numbers"])
def test_jobs_in_threads_and_processes_have_the_same_bits(name):
    estimator, X, y = CASES[name]

    def run(backend, n_jobs):
        scoring = None if hasattr(estimator, "score") else "neg_mean_absolute_error"
        if name.startswith("step"):
            from skrnn.metrics import flat_r2_scorer as scoring
        with joblib.parallel_config(backend=backend, n_jobs=n_jobs):
            found = cross_validate(
                estimator, X, y, cv=3, n_jobs=n_jobs, scoring=scoring, return_estimator=True
            )
        fitted = [
            getattr(one, "weights_", None) or [one.coefs_, one.intercepts_]
            for one in found["estimator"]
        ]
        return bits(fitted), bits(found["test_score"])

    expected = run("threading", 1)
    assert run("threading", 2) == expected
    assert run("loky", 1) == expected
    assert run("loky", 2) == expected
