"""Sequences without any step, among others and alone."""

import numpy as np
import pytest
from numeric_helpers import CELLS, N_FEATURES, POOLINGS, assert_close, steps_for
from recipes import PLAIN
from scipy.special import expit

from skrnn import (
    SequenceRNNClassifier,
    SequenceRNNRegressor,
    Sequences,
    StepRNNClassifier,
    StepRNNRegressor,
)

pytestmark = [
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
]

RNG = np.random.RandomState(0)
LENGTHS = np.array([0, 3, 0, 1, 4, 2, 0, 0, 5, 1, 3, 0])
X = Sequences(steps_for(RNG, LENGTHS.sum()), LENGTHS)
N, EMPTY = len(LENGTHS), LENGTHS == 0
NOTHING = Sequences(np.empty((0, N_FEATURES)), np.zeros(3, int))
POOLINGS = [name for name in POOLINGS if name]


def split(rows):
    return np.split(rows, np.cumsum(LENGTHS)[:-1])


def random_biases(estimator):
    for p in estimator.weights_.values():
        for array in p.values():
            array[...] += RNG.normal(size=array.shape) / 3
    return estimator


@pytest.mark.parametrize("bidirectional", [False, True])
@pytest.mark.parametrize("pooling", POOLINGS)
@pytest.mark.parametrize("cell", CELLS)
def test_answers_come_from_a_state_of_zeros(cell, pooling, bidirectional):
    clf = SequenceRNNClassifier(
        (4, 3), cell=cell, pooling=pooling, bidirectional=bidirectional, max_iter=2, batch_size=3
    )
    clf = random_biases(clf.fit(X, np.arange(N) % 2))
    pooled, p = clf.transform(X), expit(clf.weights_["output"]["b"][0])
    assert np.array_equal(pooled.any(axis=1), ~EMPTY)
    assert_close(clf.predict_proba(X)[EMPTY], np.tile([1 - p, p], (EMPTY.sum(), 1)))
    assert_close(clf.predict_proba(NOTHING), np.tile([1 - p, p], (3, 1)))
    assert clf.transform(NOTHING).shape == (3, pooled.shape[1])
    assert [len(states) for states in clf.hidden_states(X)] == LENGTHS.tolist()
    assert [g.shape for g in clf.input_gradients(X)] == [(n, N_FEATURES) for n in LENGTHS]
    assert [g.shape for g in clf.input_gradients(NOTHING)] == [(0, N_FEATURES)] * 3


@pytest.mark.parametrize("pooling", POOLINGS)
def test_alone_equals_together(pooling):
    reg = SequenceRNNRegressor(4, pooling=pooling, max_iter=2, random_state=0)
    reg.fit(X, RNG.normal(size=N))
    together = reg.predict(X)
    for i, values in enumerate(split(X.values)):
        assert_close(reg.predict(Sequences(values, LENGTHS[[i]]))[0], together[i])


@pytest.mark.parametrize("pooling", POOLINGS)
@pytest.mark.parametrize("options", [{"batch_size": 1}, {"solver": "lbfgs"}])
def test_the_bias_learns_the_targets_of_empty_sequences(options, pooling):
    """Batches of one sequence include some that hold nothing but an empty one."""
    y = np.where(EMPTY, 2.0, X.lengths / 5)
    reg = SequenceRNNRegressor(
        8, pooling=pooling, max_iter=200, bptt_steps=2, random_state=0, **options, **PLAIN
    )
    assert np.abs(reg.fit(X, y).predict(X)[EMPTY] - 2).max() < 0.1
    only = SequenceRNNRegressor(
        8, pooling=pooling, max_iter=300, random_state=0, **options, **PLAIN
    )
    only.fit(NOTHING, np.array([1.0, 2.0, 3.0]))
    assert np.abs(only.predict(NOTHING) - 2).max() < 0.3


@pytest.mark.parametrize("options", [{"batch_size": 2}, {"solver": "lbfgs"}, {"dropout": 0.3}])
@pytest.mark.parametrize("kind", [StepRNNClassifier, StepRNNRegressor])
def test_step_estimators_ignore_them_in_fit_and_return_empty_arrays(kind, options):
    y = split(np.arange(len(X.values)) % 2)
    without = Sequences(X.values, LENGTHS[~EMPTY])
    of_nonempty = [of_one for of_one in y if len(of_one)]
    weight = np.linspace(1, 2, N)
    with_empty = kind(4, max_iter=5, random_state=0, **options).fit(X, y, weight)
    expected = kind(4, max_iter=5, random_state=0, **options).fit(
        without, of_nonempty, weight[~EMPTY]
    )
    assert with_empty.loss_curve_ == expected.loss_curve_
    predicted = with_empty.predict(X)
    assert [len(of_one) for of_one in predicted] == LENGTHS.tolist()
    np.testing.assert_array_equal(
        np.concatenate(predicted), np.concatenate(expected.predict(without))
    )
    assert [len(of_one) for of_one in with_empty.predict(NOTHING)] == [0, 0, 0]
    if kind is StepRNNClassifier:
        assert [p.shape for p in with_empty.predict_proba(NOTHING)] == [(0, 2)] * 3


def test_weights_of_zero_beside_empty_sequences():
    """A sequence whose steps all have weight 0 is dropped, whichever sequence follows it."""
    y = split(np.arange(len(X.values)) % 2)
    weight = [np.full(n, float(n != 3)) for n in LENGTHS]
    kept = (LENGTHS != 3) & ~EMPTY
    rest = Sequences(X.values[np.repeat(kept, LENGTHS)], LENGTHS[kept])
    clf = StepRNNClassifier(4, max_iter=5, batch_size=2, random_state=0)
    losses = clf.fit(X, y, weight).loss_curve_
    expected = clf.fit(rest, [y[i] for i in np.flatnonzero(kept)]).loss_curve_
    assert losses == expected
