"""Tasks that are learned to a stated score, with many seeds."""

from functools import partial

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from recipes import ONE_DIRECTION, PLAIN
from sklearn.datasets import load_breast_cancer, load_digits, load_iris, load_wine
from sklearn.model_selection import StratifiedKFold, cross_val_score
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skrnn import (
    PerStep,
    SequenceRNNClassifier,
    SequenceRNNRegressor,
    StepRNNClassifier,
    XORMLPClassifier,
)
from skrnn.datasets import (
    load_japanese_vowels,
    make_adding,
    make_gate,
    make_nor_next,
    make_parity,
    make_shift,
)

# A few seeds belong to the quick tests, the others to the slow ones.
SEEDS = [range(3), pytest.param(range(3, 100), marks=pytest.mark.slow)]
TWENTY = [range(1), pytest.param(range(1, 20), marks=pytest.mark.slow)]
FIVE = [0, *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(1, 5))]
CELLS = ["rnn", "gru", "lstm"]


# --- Truth tables --------------------------------------------------------------------------

TABLES = [("xor", 2), ("and", 2), ("or", 2), ("nand", 2), ("xor", 3), ("xor", 4)]
OUTPUTS = [{"loss": "squared_error"}, {"out_activation": "softmax"}]


def seeds_that_fail(table, seeds, **params):
    """List the seeds that do not learn the whole truth table; a warning is an error."""
    X, y = table
    return [
        seed
        for seed in seeds
        if XORMLPClassifier(**params, random_state=seed).fit(X, y).score(X, y) < 1
    ]


@pytest.mark.parametrize("seeds", SEEDS, ids=str)
@pytest.mark.parametrize(("gate", "n_inputs"), TABLES)
def test_truth_table_with_defaults(gate, n_inputs, seeds):
    assert seeds_that_fail(make_gate(gate, n_inputs=n_inputs), seeds) == []


@pytest.mark.parametrize("seeds", SEEDS, ids=str)
@pytest.mark.parametrize("activation", ["tanh", "logistic", "relu"])
def test_xor_with_two_hidden_units(activation, seeds):
    assert seeds_that_fail(make_gate(), seeds, hidden_layer_sizes=(2,), activation=activation) == []


@pytest.mark.parametrize("seeds", TWENTY, ids=str)
@pytest.mark.parametrize("params", OUTPUTS, ids=str)
@pytest.mark.parametrize(("gate", "n_inputs"), TABLES)
def test_truth_table_with_other_outputs(gate, n_inputs, params, seeds):
    assert seeds_that_fail(make_gate(gate, n_inputs=n_inputs), seeds, **params) == []


@pytest.mark.parametrize("seeds", TWENTY, ids=str)
@pytest.mark.parametrize("params", OUTPUTS, ids=str)
@pytest.mark.parametrize("activation", ["tanh", "logistic", "relu"])
def test_xor_with_two_hidden_units_and_other_outputs(activation, params, seeds):
    params = params | {"hidden_layer_sizes": (2,), "activation": activation}
    assert seeds_that_fail(make_gate(), seeds, **params) == []


# --- Tables --------------------------------------------------------------------------------

FOLDS = StratifiedKFold(5, shuffle=True, random_state=0)


def accuracy_of_folds(clf, X, y):
    return cross_val_score(clf, X, y, cv=FOLDS, error_score="raise")


@pytest.mark.slow
@pytest.mark.filterwarnings(
    "ignore::sklearn.exceptions.ConvergenceWarning"
)  # of both classifiers, after 200 epochs
@pytest.mark.parametrize("load", [load_iris, load_breast_cancer, load_wine, load_digits])
def test_no_less_accurate_than_mlp_classifier(load):
    X, y = load(return_X_y=True)
    theirs, ours = (
        accuracy_of_folds(make_pipeline(StandardScaler(), clf(random_state=0)), X, y)
        for clf in (MLPClassifier, XORMLPClassifier)
    )
    one_sample = 1 / np.bincount(np.arange(len(y)) % 5).min()
    assert_allclose(ours, theirs, atol=1.01 * one_sample)  # the same training except for rounding
    standard_error = theirs.std(ddof=1) / np.sqrt(len(theirs))
    assert ours.mean() >= theirs.mean() - standard_error


# --- A label for each sequence -------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize(
    ("params", "least"),
    [({}, 0.97), ({"bidirectional": True, "pooling": "max", "dropout": 0.3}, 0.98)],
    ids=["default", "recommended"],
)
def test_japanese_vowels(params, least):
    X, y = load_japanese_vowels(return_X_y=True)
    X_test, y_test = load_japanese_vowels(subset="test", return_X_y=True)
    scores = []
    for seed in range(10):
        clf = SequenceRNNClassifier(**params, random_state=seed)
        model = make_pipeline(PerStep(StandardScaler()), clf).fit(X, y)
        scores.append(model.score(X_test, y_test))
    assert np.mean(scores) >= least, scores
    assert min(scores) >= least - 0.02, scores


@pytest.mark.slow
def test_digits_read_row_by_row():
    X, y = load_digits(return_X_y=True)
    clf = SequenceRNNClassifier(step_features=8, random_state=0)
    assert accuracy_of_folds(make_pipeline(StandardScaler(), clf), X, y).mean() >= 0.95


# --- A label for each step -----------------------------------------------------------------


def share_of_correct_sequences(make, cell, seed):
    """Fit on 1000 sequences, and predict 1000 others."""
    X, y = make(random_state=seed)
    X_test, y_test = make(random_state=seed + 1000)
    predicted = StepRNNClassifier(cell=cell, random_state=seed).fit(X, y).predict(X_test)
    return np.mean([np.array_equal(p, t) for p, t in zip(predicted, y_test, strict=True)])


@pytest.mark.parametrize("seed", FIVE)
@pytest.mark.parametrize("cell", CELLS)
def test_shift(cell, seed):
    assert share_of_correct_sequences(make_shift, cell, seed) == 1


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("cell", CELLS)
def test_parity_of_each_prefix(cell, seed):
    assert share_of_correct_sequences(partial(make_parity, per_step=True), cell, seed) >= 0.99


@pytest.mark.parametrize("seed", FIVE)
@pytest.mark.parametrize("cell", CELLS)
def test_nor_next(cell, seed):
    X, y = make_nor_next()
    clf = StepRNNClassifier(8, cell=cell, solver="lbfgs", max_iter=500, random_state=seed).fit(X, y)
    assert_array_equal([p[1] for p in clf.predict(X)], [t[1] for t in y])
    # The second bit is independent of the first, so the best prediction is one half.
    assert_allclose([p[0] for p in clf.predict_proba(X)], 0.5, atol=0.01)


# --- Long sequences ------------------------------------------------------------------------


def solves_parity_of_a_thousand_bits(seed):
    """Train on 1 to 16 bits with added noise; test on 1,000 sequences of 1,000 bits.

    With noise, the network learns to keep its two states apart. Without it, the state sometimes
    drifts in runs of equal bits that are longer than those of the training data.
    """
    X, y = make_parity(20_000, random_state=seed)
    rng = np.random.RandomState(seed)
    noisy = [bits + 0.2 * rng.standard_normal(bits.shape) for bits in X]
    clf = SequenceRNNClassifier(
        12,
        cell="rnn",
        dropout=0,
        pooling="last",
        batch_size=100,
        learning_rate="cosine",
        max_iter=20,
        n_iter_no_change=np.inf,
        n_init=5,
        random_state=seed,
        **ONE_DIRECTION,
    ).fit(noisy, y)
    X, y = make_parity(1000, min_length=1000, max_length=1000, random_state=10_000 + seed)
    return clf.score(X, y) == 1


@pytest.mark.slow
def test_parity_of_a_thousand_bits():
    assert all(solves_parity_of_a_thousand_bits(seed) for seed in range(6))


@pytest.mark.slow
@pytest.mark.parametrize("cell", ["gru", "lstm"])
def test_adding_problem(cell):
    X, y = make_adding(5000, random_state=0)
    X_test, y_test = make_adding(1000, random_state=1)
    # Standardized targets, of 2.4 times the size, make steps that are too large for the LSTM.
    reg = SequenceRNNRegressor(
        cell=cell,
        normalize_y=False,
        pooling="last",
        learning_rate="cosine",
        max_iter=8,
        n_iter_no_change=np.inf,
        random_state=0,
        **ONE_DIRECTION,
        **PLAIN,
    ).fit(X, y)
    assert np.mean((reg.predict(X_test) - y_test) ** 2) < 0.005  # the mean of the targets has 0.167
