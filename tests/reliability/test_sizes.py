"""Very long and very short sequences, very many classes, and constant features."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_allclose
from sklearn.base import clone

from skrnn import (
    SequenceRNNClassifier,
    SequenceRNNRegressor,
    StepRNNClassifier,
    StepRNNRegressor,
    XORMLPClassifier,
    XORMLPRegressor,
)

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

ROOT = Path(__file__).resolve().parents[2]
QUICK = {"hidden_layer_sizes": 4, "max_iter": 2, "random_state": 0}

# Increase of the peak of resident memory over training on the short sequences only.
MEASURE = """
import json, resource, sys, warnings
import numpy as np
from skrnn import SequenceRNNClassifier

warnings.simplefilter("ignore")
n_steps, method, bptt_steps = json.loads(sys.argv[1])
rng = np.random.RandomState(0)
X = [rng.normal(size=(n_steps, 1)), *(rng.normal(size=(10, 1)) for _ in range(1000))]
y = np.arange(1001) % 2
clf = SequenceRNNClassifier(
    4, cell="rnn", bidirectional=False, pooling="last", max_iter=1, bptt_steps=bptt_steps,
    random_state=0,
)
clf.fit(X[1:], y[1:])
alone = clf.predict_proba(X[1:])
peak = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
before = peak()
if method == "fit":
    clf.fit(X, y)
    used = peak() - before
predictions = clf.predict_proba(X)
if method == "predict":
    used = peak() - before
same = method == "fit" or np.allclose(predictions[1:], alone, rtol=0, atol=1e-12)
print(json.dumps([used, bool(np.isfinite(predictions).all()), bool(same)]))
"""


def bytes_used(n_steps, method, bptt_steps=None):
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OPENBLAS_NUM_THREADS": "1"}
    command = [sys.executable, "-c", MEASURE, json.dumps([n_steps, method, bptt_steps])]
    run = subprocess.run(command, capture_output=True, text=True, env=environment, check=True)
    used, finite, same = json.loads(run.stdout)
    assert finite
    assert same
    return used


@pytest.mark.parametrize(("method", "bptt_steps"), [("predict", None), ("fit", None), ("fit", 100)])
@pytest.mark.parametrize(
    "n_steps",
    [pytest.param(50_000, id="50000"), pytest.param(1_000_000, marks=pytest.mark.slow, id="1e6")],
)
def test_memory_prediction_huge_sequence_beside_1000_short_ones(
    n_steps, method, bptt_steps, record_property
):
    used = bytes_used(n_steps, method, bptt_steps)
    record_property("bytes per step", f"{method}, bptt_steps={bptt_steps}: {used / n_steps:.0f}")
    assert used < 1024 * n_steps + 64 * 2**20


ONE_STEP = [np.random.RandomState(i).normal(size=(1, 3)) for i in range(40)]
STEP_TARGETS = {
    StepRNNClassifier: [np.array([i % 3]) for i in range(40)],
    StepRNNRegressor: [np.array([i / 40]) for i in range(40)],
}


@pytest.mark.parametrize("cell", ["rnn", "gru", "lstm"])
@pytest.mark.parametrize(
    "kind", [SequenceRNNClassifier, SequenceRNNRegressor, StepRNNClassifier, StepRNNRegressor]
)
@pytest.mark.parametrize("options", [{}, {"bidirectional": True}, {"bptt_steps": 1}], ids=str)
def test_sequences_of_length_one(kind, cell, options):
    y = STEP_TARGETS.get(kind, np.arange(40) % 3)
    model = kind(**QUICK, cell=cell, **options).fit(ONE_STEP, y)
    predictions = model.predict(ONE_STEP)
    assert len(predictions) == 40
    assert all(
        np.shape(prediction) == np.shape(target)
        for prediction, target in zip(predictions, y, strict=True)
    )
    block = model.predict(np.stack(ONE_STEP))
    assert_allclose(np.hstack(list(block)), np.hstack(list(predictions)), atol=1e-12)
    assert [g.shape for g in model.input_gradients(ONE_STEP)] == [(1, 3)] * 40


N_CLASSES = 10_000


@pytest.mark.slow
@pytest.mark.parametrize("kind", [XORMLPClassifier, SequenceRNNClassifier, StepRNNClassifier])
def test_ten_thousand_classes(kind):
    classes = np.arange(N_CLASSES) * 3 - 7
    y = np.tile(classes, 2)
    X = np.random.RandomState(0).normal(size=(len(y), 2))
    quick = {**QUICK, "max_iter": 1, "batch_size": 500}
    if kind is not XORMLPClassifier:
        X = np.split(X, len(X))
    if kind is StepRNNClassifier:
        y = np.split(y, len(y))
    clf = kind(**quick).fit(X, y)
    assert clf.classes_.tolist() == classes.tolist()
    probabilities = np.vstack(list(clf.predict_proba(X[:50])))
    assert probabilities.shape == (50, N_CLASSES)
    assert_allclose(probabilities.sum(axis=1), 1)
    assert np.isin(np.hstack(list(clf.predict(X[:50]))), classes).all()


@pytest.mark.parametrize("value", [0.0, 1.0, -1e6, 1e-310])
@pytest.mark.parametrize("solver", ["adam", "sgd", "lbfgs"])
@pytest.mark.parametrize(
    "kind", [XORMLPClassifier, XORMLPRegressor, SequenceRNNClassifier, SequenceRNNRegressor]
)
def test_constant_features(kind, solver, value):
    y = np.arange(30) % 2
    rows = np.full((30, 3), value)
    X = (
        rows
        if kind in (XORMLPClassifier, XORMLPRegressor)
        else [np.tile(row, (1 + i % 3, 1)) for i, row in enumerate(rows)]
    )
    model = clone(kind(**QUICK, solver=solver)).fit(X, y)
    predictions = model.predict_proba(X) if hasattr(model, "predict_proba") else model.predict(X)
    assert np.isfinite(predictions).all()
    if kind in (XORMLPClassifier, XORMLPRegressor):
        assert_allclose(
            predictions, predictions[[0] * 30], atol=1e-12
        )  # equal rows have equal predictions
    else:
        assert_allclose(predictions, predictions[np.arange(30) % 3], atol=1e-12)
