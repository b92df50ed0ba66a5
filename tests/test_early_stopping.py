"""What decides when early stopping ends a fit, and what is held out for it."""

import re
import warnings

import numpy as np
import pytest
from numpy.testing import assert_allclose
from recipes import CONSTANT_RATE, LAST_STATE, PLAIN
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import accuracy_score, log_loss, recall_score
from sklearn.utils.class_weight import compute_sample_weight

from skrnn import (
    SequenceRNNClassifier,
    SequenceRNNRegressor,
    StepRNNClassifier,
    StepRNNRegressor,
    XORMLPClassifier,
)
from skrnn._numeric.training import Ragged
from skrnn._training.monitor import Monitor
from skrnn._training.run import Run
from skrnn._training.validation import may_be_held_out

IGNORED = "ignore::sklearn.exceptions.ConvergenceWarning"


def rare_class():
    rng = np.random.RandomState(0)
    y = (np.arange(400) % 20 == 0).astype(int)
    X = [rng.rand(10, 1) for _ in y]
    for i in np.flatnonzero(y):
        X[i][3:6] += 0.5
    return X, y


def bursts():
    """Sequences of target 0, and some of target 3."""
    rng = np.random.RandomState(0)
    y = np.where(np.arange(40) % 5 == 0, 3.0, 0.0)
    return [rng.rand(rng.randint(5, 10), 1) + 2 * (target > 0) for target in y], y


# What decides ----------------------------------------------------------------------------


@pytest.mark.filterwarnings(IGNORED)
@pytest.mark.parametrize("seed", range(3))
def test_a_constant_accuracy_does_not_end_training(seed):
    X, y = rare_class()
    clf = SequenceRNNClassifier(8, early_stopping=True, batch_size=32, random_state=seed)
    clf.set_params(**CONSTANT_RATE, **LAST_STATE).fit(X, y)
    assert np.ptp(clf.validation_scores_[:20]) == 0
    assert clf.n_iter_ > 40
    assert recall_score(y, clf.predict(X)) > 0.4


@pytest.mark.filterwarnings(IGNORED)
def test_the_penalty_that_the_monitor_learns_is_that_of_the_loss(monkeypatch):
    report, seen = Monitor.report, []

    def reporting(self, loss, theta, validation, penalty):
        seen.append((loss, penalty))
        report(self, loss, theta, validation, penalty)

    monkeypatch.setattr(Monitor, "report", reporting)
    X, y = bursts()
    for alpha, early_stopping in [(0.7, True), (0.0, True), (0.7, False)]:
        reg = SequenceRNNRegressor(4, alpha=alpha, early_stopping=early_stopping, random_state=0)
        reg.set_params(solver="sgd", learning_rate_init=1e-300, max_iter=1, batch_size=10)
        reg.set_params(normalize_y=False, skip_connection=None, dropout=0).fit(X, y)
    penalized, plain, until_end = seen
    squares = sum(
        np.sum(p[name] ** 2) for p in reg.weights_.values() for name in ("W", "U") if name in p
    )
    assert penalized[1] == pytest.approx(0.7 / 2 / 9 * squares)  # 36 sequences are four batches
    assert penalized[0] - penalized[1] == pytest.approx(plain[0])
    assert plain[1] == until_end[1] == 0


@pytest.mark.parametrize("scale", [1e-2, 1])
def test_the_unit_of_the_targets_does_not_end_training(scale):
    rng = np.random.RandomState(0)
    X = [rng.normal(size=(5, 1)) for _ in range(60)]
    y = scale * np.array([x.sum() / 3 for x in X])
    reg = SequenceRNNRegressor(8, early_stopping=True, random_state=0, **CONSTANT_RATE)
    reg.set_params(**LAST_STATE, **{**PLAIN, "learning_rate_init": 0.003})
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        assert reg.fit(X, y).n_iter_ > 20


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_equal_targets_of_numbers_are_no_measure(seed):
    X, y = bursts()
    reg = SequenceRNNRegressor(8, early_stopping=True, random_state=seed, **CONSTANT_RATE)
    reg.set_params(**LAST_STATE, **PLAIN)
    with pytest.warns(UserWarning, match="the targets of the 4 validation samples are all equal"):
        reg.fit(X, y)
    assert set(reg.validation_scores_) == {0.0}
    assert reg.best_loss_ == min(reg.loss_curve_)  # the loss by which training ended
    assert reg.score(X, y) > 0.9


@pytest.mark.filterwarnings(IGNORED)
@pytest.mark.parametrize("estimator", [StepRNNClassifier, StepRNNRegressor, XORMLPClassifier])
def test_equal_targets_in_the_validation_data_of_the_user(estimator):
    X, y = bursts()
    labels = (y > 0).astype(int)
    if estimator is XORMLPClassifier:
        X = [x.mean(axis=0) for x in X]
    else:
        labels = [np.full(len(x), label) for x, label in zip(X, labels, strict=True)]
    net = estimator(4, early_stopping=True, max_iter=12, random_state=0)
    if estimator is XORMLPClassifier:
        net.set_params(solver="adam")
    if estimator is StepRNNRegressor:
        net.set_params(skip_connection=None)  # less this, the targets would differ
    with pytest.warns(UserWarning, match="the targets of the 4 validation samples are all equal"):
        net.fit(X, labels, X_val=X[1:5], y_val=labels[1:5])
    expected = clone(net).set_params(early_stopping=False).fit(X, labels)
    assert net.loss_curve_ == expected.loss_curve_


@pytest.mark.filterwarnings(IGNORED)
def test_the_start_of_the_lowest_validation_loss_is_kept():
    X, y = rare_class()
    X_val, y_val = X[300:], y[300:]
    clf = SequenceRNNClassifier(3, early_stopping=True, max_iter=8, random_state=2)
    losses = []
    for n_init in (1, 3, 5):
        clf.set_params(n_init=n_init).fit(X[:300], y[:300], X_val=X_val, y_val=y_val)
        losses.append(log_loss(y_val, clf.predict_proba(X_val)))
        assert losses[-1] == pytest.approx(min(clf.validation_loss_curve_))
    assert losses == sorted(losses, reverse=True)
    assert losses[-1] < losses[0]


# Class weights ---------------------------------------------------------------------------

FAMILIES = {
    "table": lambda: (XORMLPClassifier(4, solver="adam"), lambda x: x[0], lambda x, c: c),
    "sequences": lambda: (SequenceRNNClassifier(4), lambda x: x, lambda x, c: c),
    "steps": lambda: (StepRNNClassifier(4), lambda x: x, lambda x, c: [c] * len(x)),
}


@pytest.mark.filterwarnings(IGNORED)
@pytest.mark.parametrize("class_weight", ["balanced", {"no": 1, "yes": 7}], ids=repr)
@pytest.mark.parametrize("family", FAMILIES)
def test_class_weights_reach_the_validation_data(family, class_weight):
    clf, of_x, of_y = FAMILIES[family]()
    rng = np.random.RandomState(0)
    X = [rng.normal(size=(2, 2)) for _ in range(50)]
    labels = np.where(np.arange(50) % 10 < 2, "yes", "no")
    labels_val = labels[[0, 2, 3]]
    X_val = X[:3]
    clf.set_params(max_iter=3, class_weight=class_weight, random_state=0)
    clf.fit(
        [of_x(x) for x in X], [of_y(x, c) for x, c in zip(X, labels, strict=True)],
        X_val=[of_x(x) for x in X_val],
        y_val=[of_y(x, c) for x, c in zip(X_val, labels_val, strict=True)],
    )  # fmt: skip
    # Of 50 training labels, 10 are "yes": their weights are 50 / (2 * 10) and 50 / (2 * 40).
    of_class = {"no": 0.625, "yes": 2.5} if class_weight == "balanced" else class_weight
    p = clf.predict_proba([of_x(x) for x in X_val])
    if family == "steps":
        p, labels_val = np.concatenate(list(p)), np.repeat(labels_val, 2)
    weight = [of_class[c] for c in labels_val]
    loss = log_loss(labels_val, p, sample_weight=weight)
    assert clf.validation_loss_curve_[-1] == pytest.approx(loss)
    predicted = clf.classes_[p.argmax(axis=1)]
    score = accuracy_score(labels_val, predicted, sample_weight=weight)
    assert clf.validation_scores_[-1] == pytest.approx(score)


@pytest.mark.filterwarnings(IGNORED)
def test_balanced_weights_of_multilabel_validation_data():
    rng = np.random.RandomState(0)
    X, Y = rng.normal(size=(40, 3)), (rng.rand(40, 2) < [0.2, 0.6]).astype(int)
    clf = XORMLPClassifier(4, solver="adam", class_weight="balanced", max_iter=2, random_state=0)
    clf.fit(X, Y, X_val=X[:9], y_val=Y[:9])
    of_column = [40 / 2 / np.bincount(column) for column in Y.T]
    weight = of_column[0][Y[:9, 0]] * of_column[1][Y[:9, 1]]
    p = clf.predict_proba(X[:9])
    losses = -np.log(np.where(Y[:9] == 1, p, 1 - p)).sum(axis=1)
    assert_allclose(clf.validation_loss_curve_[-1], np.average(losses, weights=weight))


@pytest.mark.filterwarnings(IGNORED)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_balanced_weights_of_many_rare_labels(dtype):
    rng = np.random.RandomState(0)
    X = rng.normal(size=(40, 3)).astype(dtype)
    Y = (np.arange(40)[:, None] == np.arange(100) % 40).astype(
        int
    )  # each label is that of a sample
    assert compute_sample_weight("balanced", Y).max() < 1e-20
    params = {"solver": "adam", "max_iter": 2, "random_state": 0, "alpha": 1.0}
    clf = XORMLPClassifier(2, class_weight="balanced", **params)
    weight = compute_sample_weight("balanced", Y)
    expected = XORMLPClassifier(2, **params).fit(X, Y, weight / weight.mean()).loss_
    assert clf.fit(X, Y).loss_ == pytest.approx(expected, rel=1e-5)
    many = np.tile(Y, 3)[:, :250]
    many[:5] = 1
    with pytest.raises(ValueError, match="250 labels, some samples would have less than 1e-38"):
        clf.fit(X, many)


@pytest.mark.filterwarnings(IGNORED)
def test_early_stopping_may_keep_other_weights_than_those_of_the_best_score():
    rng = np.random.RandomState(0)
    X = rng.normal(size=(60, 3))
    y = X[:, 0] + rng.normal(size=60) > 0
    params = {"solver": "adam", "learning_rate_init": 0.05, "max_iter": 60, "random_state": 0}
    clf = XORMLPClassifier(8, early_stopping=True, **params)
    X_val, y_val = X[40:], y[40:]
    clf.fit(X[:40], y[:40], X_val=X_val, y_val=y_val)
    kept = clf.validation_scores_[np.argmin(clf.validation_loss_curve_)]
    assert clf.score(X_val, y_val) == kept
    assert clf.best_validation_score_ > kept


@pytest.mark.filterwarnings(IGNORED)
@pytest.mark.parametrize("family", FAMILIES)
def test_class_weight_may_name_classes_that_y_lacks(family):
    clf, of_x, of_y = FAMILIES[family]()
    X = [np.ones((2, 2)) * i for i in range(6)]
    data = [of_x(x) for x in X], [of_y(x, "ab"[i % 2]) for i, x in enumerate(X)]
    clf.set_params(max_iter=2, random_state=0)
    clf.set_params(class_weight={"a": 1, "b": 3}).fit(*data)
    expected = clf.loss_curve_
    assert clf.set_params(class_weight={"a": 1, "b": 3, "c": 9}).fit(*data).loss_curve_ == expected
    clf.set_params(class_weight={"a": 1, "B": 3})
    message = r"class_weight names \['B'\], which are not among .* \['a', 'b'\], and lacks \['b'\]"
    with pytest.raises(ValueError, match=message):
        clf.fit(*data)


# What is held out ------------------------------------------------------------------------


@pytest.mark.filterwarnings(IGNORED)
@pytest.mark.parametrize("estimator", [SequenceRNNClassifier, XORMLPClassifier])
@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (["walk"] * 15 + ["run"] * 14 + ["fall"], r"a single sample of each of .* \['fall'\]"),
        ([5] * 29 + [7], r"a single sample of each of the classes \[7\]"),
        ([10, 20, 30, 40, 50] * 6, r"5 classes, \[10, 20, 30, 40, 50\].* holds out 3 of 30"),
    ],
)
def test_a_class_too_small_for_a_stratified_split(estimator, labels, message):
    X = [[float(i % 7), 1.0] for i in range(30)]
    clf = estimator(4, early_stopping=True, solver="adam", max_iter=2, random_state=0)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", UserWarning)
        clf.fit(X, labels)
    assert caught[0].filename == __file__
    assert caught[0].category is UserWarning
    assert re.search(message, str(caught[0].message))
    assert clf.t_ == clf.n_iter_ * 27
    assert set(clf.classes_) == set(labels)


@pytest.mark.filterwarnings(IGNORED)
@pytest.mark.parametrize("n_samples", [4, 8, 19])
def test_at_least_two_samples_are_held_out(n_samples):
    X = [[float(i % 7), 1.0] for i in range(n_samples)]
    clf = SequenceRNNClassifier(4, early_stopping=True, max_iter=2, random_state=0)
    clf.fit(X, np.arange(n_samples) % 2)
    assert clf.t_ == 2 * (n_samples - 2)


def test_too_few_samples_to_hold_some_out():
    clf = SequenceRNNClassifier(4, early_stopping=True)
    with pytest.raises(
        ValueError, match=r"of 3 samples: 1 are left, and training needs at least 2"
    ):
        clf.fit([[1.0], [2.0], [3.0]], [0, 1, 0])


# By default for labels of steps -----------------------------------------------------------


def noisy_states(n, seed=0):
    """Two states that last about 20 steps, seen through noise."""
    rng = np.random.RandomState(seed)
    y = [(rng.rand(length) < 0.05).cumsum() % 2 for length in rng.randint(30, 80, size=n)]
    return [states[:, None] + 0.7 * rng.normal(size=(len(states), 1)) for states in y], y


def weights_of(X, y, early_stopping, **params):
    clf = StepRNNClassifier(early_stopping=early_stopping, random_state=0, **params).fit(X, y)
    return {name: p.tolist() for layer in clf.weights_.values() for name, p in layer.items()}


@pytest.mark.parametrize(
    ("n", "params", "stops"),
    [
        (33, {}, True),
        (12, {"loss": "crf", "hidden_layer_sizes": 4}, True),
        (12, {"hidden_layer_sizes": 4}, True),  # 614 steps
        (8, {"hidden_layer_sizes": 4}, False),
        (12, {"max_iter": 10}, False),
        (12, {"learning_rate": "constant", "hidden_layer_sizes": 2}, False),
        (12, {"validation_fraction": 0.0, "hidden_layer_sizes": 2}, False),
        (12, {"solver": "lbfgs", "max_iter": 5}, False),
        (12, {"validation_fraction": 0.95, "hidden_layer_sizes": 2}, False),  # too few are left
    ],
    ids=str,
)
@pytest.mark.filterwarnings(IGNORED)
def test_when_step_classifiers_stop_early_by_default(n, params, stops):
    X, y = noisy_states(n)
    assert (sum(map(len, y)) > 500) == (n > 8)
    assert StepRNNClassifier().early_stopping == "auto"
    assert weights_of(X, y, "auto", **params) == weights_of(X, y, stops, **params)


def test_step_classifiers_do_not_memorize_noise():
    X, y = noisy_states(140)
    labels = np.concatenate(y[40:])
    clf = StepRNNClassifier(random_state=0).fit(X[:40], y[:40])
    assert clf.n_iter_ < 100
    assert clf.temperature_ == 1
    probabilities = np.concatenate(clf.predict_proba(X[40:]))
    assert log_loss(labels, probabilities) < 0.35  # .69 without X
    until_end = StepRNNClassifier(random_state=0, early_stopping=False).fit(X[:40], y[:40])
    assert log_loss(labels, np.concatenate(until_end.predict_proba(X[40:]))) > 0.4


def recordings(n, seed=0):
    """Two states seen through noise, in n recordings of about 700 steps in all."""
    X, y = noisy_states(14, seed)
    return ([np.concatenate(part[i::n]) for i in range(n)] for part in (X, y))


def ends_of(X, y, fraction=0.1):
    """Split sequences, all steps of which have a label, into beginnings and ends."""
    cuts = [len(steps) - int(np.ceil(fraction * len(steps))) for steps in y]
    parts = [(part[:cut], part[cut:]) for of in (X, y) for part, cut in zip(of, cuts, strict=True)]
    begin, end = (list(part) for part in zip(*parts, strict=True))
    return begin[: len(y)], begin[len(y) :], end[: len(y)], end[len(y) :]


@pytest.mark.parametrize("n", [1, 2, 7])
@pytest.mark.parametrize("early_stopping", ["auto", True])
def test_the_ends_of_few_recordings_are_held_out(n, early_stopping):
    X, y = recordings(n)
    begin, y_begin, end, y_end = ends_of(X, y)
    clf = StepRNNClassifier(4, early_stopping=early_stopping, random_state=0)
    expected = clone(clf).fit(begin, y_begin, X_val=end, y_val=y_end)
    assert clf.fit(X, y).validation_loss_curve_ == expected.validation_loss_curve_
    assert_allclose(clf.predict_proba(X[:1])[0], expected.predict_proba(X[:1])[0])
    assert clf.n_iter_ < 200


def test_the_ends_of_eight_recordings_are_not_held_out():
    X, y = recordings(8)
    begin, y_begin, end, y_end = ends_of(X, y)
    clf = StepRNNClassifier(4, random_state=0).fit(X, y)
    other = clone(clf).fit(begin, y_begin, X_val=end, y_val=y_end)
    assert clf.validation_loss_curve_[0] != other.validation_loss_curve_[0]
    assert len(clf.validation_loss_curve_) == clf.n_iter_ < 200


def test_one_recording_of_noisy_states_is_not_memorized():
    X, y = noisy_states(34)
    recording, states = [np.concatenate(X[:14])], [np.concatenate(y[:14])]
    clf = StepRNNClassifier(16, random_state=0).fit(recording, states)
    until_end = clone(clf).set_params(early_stopping=False).fit(recording, states)
    labels = np.concatenate(y[14:])
    losses = [log_loss(labels, np.concatenate(c.predict_proba(X[14:]))) for c in (clf, until_end)]
    assert losses[0] < 0.4
    assert losses[0] < 0.8 * losses[1]


def test_steps_without_a_label_are_not_counted_at_the_ends():
    X, y = recordings(2)
    weight = [(np.arange(len(steps)) < 280).astype(float) for steps in y]
    begin, y_begin, end, y_end = ends_of([x[:280] for x in X], [steps[:280] for steps in y])
    clf = StepRNNClassifier(4, random_state=0).fit(X, y, weight)
    expected = clone(clf).fit(begin, y_begin, X_val=end, y_val=y_end)
    assert_allclose(clf.validation_loss_curve_, expected.validation_loss_curve_)


def test_a_label_that_only_ends_have_is_not_held_out():
    X, y = recordings(2)
    y[1][-5:] = 2
    clf = StepRNNClassifier(4, random_state=0).fit(X, y)
    assert clf.validation_scores_ is None
    y[1][5] = 2
    assert StepRNNClassifier(4, random_state=0).fit(X, y).validation_scores_ is not None


def test_equal_labels_at_the_ends_are_not_held_out():
    X, y = recordings(2)
    for steps in y:
        steps[-100:] = 1
    assert StepRNNClassifier(4, random_state=0).fit(X, y).validation_scores_ is None


def test_labels_of_several_outputs_at_the_ends():
    X, y = recordings(2)
    both = [np.column_stack([steps, np.roll(steps, 9)]) for steps in y]
    assert StepRNNClassifier(4, random_state=0).fit(X, both).validation_scores_ is not None


def test_validation_data_of_few_recordings_stop_training():
    X, y = recordings(2)
    validation = dict(zip(["X_val", "y_val"], recordings(2, seed=1), strict=True))
    clf = StepRNNClassifier(4, random_state=0).fit(X, y, **validation)
    assert clf.n_iter_ < 200
    expected = clone(clf).set_params(early_stopping=True).fit(X, y, **validation)
    assert clf.validation_loss_curve_ == expected.validation_loss_curve_


@pytest.mark.parametrize("fraction", [0.0, 0.1])
def test_ends_with_too_few_targets_are_refused(fraction):
    reg = StepRNNRegressor(2, early_stopping=True, validation_fraction=fraction)
    why = r"1 of their targets would be held out and 2 left" if fraction else "more than 0"
    with pytest.raises(ValueError, match=f"cannot hold out the ends of 1 sequences .*{why}"):
        reg.fit([[1.0, 2.0, 4.0]], [[1.0, 2.0, 3.0]])


def test_step_regressors_hold_out_ends():
    X, _ = recordings(3)
    y = [x[:, 0].cumsum() / 10 for x in X]
    reg = StepRNNRegressor(4, early_stopping=True, max_iter=5, random_state=0).fit(X, y)
    assert reg.validation_loss_curve_ is not None
    assert reg.t_ == 3 * reg.n_iter_


def test_sequences_without_steps_have_no_end():
    X, y = recordings(2)
    X, y = [*X, np.empty((0, 1)), X[0][:1]], [*y, np.empty(0, int), y[0][:1]]
    clf = StepRNNClassifier(4, random_state=0).fit(X, y)
    assert clf.n_iter_ < 200
    assert np.isfinite(clf.validation_loss_curve_).all()


def test_only_labels_that_count_are_counted():
    X, y = noisy_states(40)
    weight = [np.arange(len(steps)) == len(steps) - 1 for steps in y]
    clf = StepRNNClassifier(2, max_iter="auto", random_state=0).fit(X, y, weight)
    assert clf.validation_scores_ is None


def rare_label(n_with_label, n=12):
    """Recordings of two states, and a third that only some of the recordings have."""
    X, y = noisy_states(n)
    y = [2 * (i < n_with_label) + steps * (i >= n_with_label) for i, steps in enumerate(y)]
    return [steps + 3 * (i < n_with_label) for i, steps in enumerate(X)], y


@pytest.mark.parametrize("seed", range(5))
def test_recordings_of_a_rare_label_are_not_held_out(seed, monkeypatch):
    X, y = rare_label(2)
    splits, split = [], Run._split
    monkeypatch.setattr(
        Run, "_split", lambda run, *parts: (splits.append(parts), split(run, *parts))
    )
    clf = StepRNNClassifier(4, random_state=seed).fit(X, y)
    ((training, held_out),) = splits
    assert {0, 1} <= set(training)
    assert len(held_out) == 2
    assert sorted([*training, *held_out]) == list(range(12))
    assert clf.n_iter_ < 200
    assert set(clf.predict(X)[0]) == {2}


@pytest.mark.parametrize(
    ("sequences", "n_held_out", "expected"),
    [
        ([[0, 1], [0, 1], [0, 1]], 2, [0, 1, 2]),
        ([[0, 1], [0, 1], [0, 1]], 3, []),
        ([[0, 1], [0, 1], [0, 0]], 2, []),  # 1 is in two, and 0 alone shows no progress
        ([[0, 2], [1, 0], [0, 1], [1]], 1, [1, 2, 3]),
        ([[0, 2], [1, 2], [0, 1], [1], [0], [0]], 2, [2, 3, 4, 5]),
        ([[0, -9], [1, 0], [0, 1], [1]], 1, [0, 1, 2, 3]),  # -9 has no weight
        ([[], [0, 1], [0, 1]], 1, [0, 1, 2]),
        ([[], [0], [0]], 1, []),
    ],
)
def test_which_sequences_may_be_held_out(sequences, n_held_out, expected):
    y = np.concatenate(sequences)
    lengths = np.array([len(sequence) for sequence in sequences])
    samples = Ragged(np.zeros((len(y), 1)), y, (y >= 0) * 1.0, lengths, True)
    assert may_be_held_out(samples, n_held_out).tolist() == expected


def test_a_label_in_each_column_is_kept():
    y = np.zeros((6, 2))
    y[:3, 0] = y[5, 1] = 1  # two columns of yes or no
    samples = Ragged(np.zeros((6, 1)), y, np.ones(6), np.ones(6, int), True)
    assert may_be_held_out(samples, 1).tolist() == [0, 1, 2, 3, 4]


@pytest.mark.parametrize("n_with_label", [1, 3])
def test_a_rare_label_does_not_let_a_network_memorize_noise(n_with_label):
    X, y = noisy_states(130)
    for i in range(n_with_label):
        X[i][5:8], y[i][5:8] = 9, 2
    clf = StepRNNClassifier(random_state=0).fit(X[:30], y[:30])
    assert clf.n_iter_ < 100
    found = np.concatenate(clf.predict_proba(X[30:]))
    assert log_loss(np.concatenate(y[30:]), found, labels=[0, 1, 2]) < 0.4


def test_a_label_of_every_recording_ends_no_training():
    X, y = noisy_states(12)
    y = [steps + 2 * i for i, steps in enumerate(y)]  # each has labels of its own
    clf = StepRNNClassifier(2, random_state=0).fit(X, y)
    assert clf.validation_scores_ is None


def test_training_in_parts_does_not_stop_early():
    X, y = noisy_states(40)
    clf = StepRNNClassifier(random_state=0).partial_fit(X, y, classes=[0, 1])
    assert clf.best_validation_score_ is None
    with pytest.raises(ValueError, match="partial_fit does not support early_stopping=True"):
        clf.set_params(early_stopping=True).partial_fit(X, y)


def test_equal_validation_labels_do_not_matter_by_default():
    X, y = noisy_states(40)
    y = [np.zeros(len(steps), int) for steps in y]
    y[0][3] = 1  # held out with a probability of 0.1 only
    clf = StepRNNClassifier(4, random_state=0).fit(X, y)
    until_end = StepRNNClassifier(4, early_stopping=False, random_state=0).fit(X, y)
    assert clf.n_iter_ == until_end.n_iter_ > 100
    for early_stopping in ("auto", False):  # a number counts
        clf.set_params(early_stopping=early_stopping, n_iter_no_change=3, tol=1.0).fit(X, y)
        assert clf.n_iter_ < 10
    clf.set_params(n_iter_no_change="auto", tol=1e-4)
    with pytest.warns(UserWarning, match="early_stopping has no effect"):
        clf.set_params(early_stopping=True).fit(X, y)


def test_steps_without_weight_may_be_held_out():
    X, y = noisy_states(100)
    weight = [np.full(len(steps), i % 2) for i, steps in enumerate(y)]
    y = [steps if i % 2 else 1 - steps for i, steps in enumerate(y)]
    clf = StepRNNClassifier(4, random_state=0).fit(X, y, weight)
    assert np.isfinite(clf.validation_scores_).all()
    assert clf.score(X[1::2], y[1::2]) > 0.8


@pytest.mark.parametrize("value", ["yes", None, 2])
def test_other_values_of_early_stopping_are_refused(value):
    with pytest.raises(ValueError, match="'early_stopping' parameter of StepRNNClassifier must"):
        StepRNNClassifier(early_stopping=value).fit(*noisy_states(4))
