"""The temperature of predicted distributions: the rule, and when it applies."""

import numpy as np
import pytest
from numeric_helpers import assert_close, assert_equal_weights
from scipy.sparse import csr_array
from scipy.special import softmax
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import log_loss

import skrnn
from skrnn import (
    CRF,
    ForwardImputer,
    Gaussian,
    Quantile,
    SequenceRNNClassifier,
    SequenceRNNRegressor,
    Sequences,
    StepRNNClassifier,
    XORMLPClassifier,
)
from skrnn._training.monitor import Monitor
from skrnn._training.skip import spread
from skrnn.callbacks import Checkpoint
from skrnn.pytorch import from_state_dict, to_state_dict
from skrnn.solvers import LBFGS, SGD, Adam

RNG = np.random.RandomState(0)
X = [RNG.normal(size=(3 + i % 4, 2)) for i in range(160)]
SIGNS = np.array([x[:, 0].sum() > 0 for x in X]).astype(int)
NOISE = RNG.randint(0, 2, 160)
TEXT = np.array(["no", "yes", "maybe"])[RNG.randint(0, 3, 160)]
LABELS = RNG.randint(0, 2, (160, 3))
SHORT = {"random_state": 0, "max_iter": 20}


def with_and_without(X, y, weight=None, **params):
    return [
        SequenceRNNClassifier(**{**SHORT, **params}, temperature=temperature).fit(X, y, weight)
        for temperature in ("auto", None)
    ]


def expected(losses, of_constant, share=None):
    """Compute the temperature; the default share is that of SHORT, of the steps of the solver."""
    share = len(losses) * 16 / 450 if share is None else share  # 160 sequences are 16 batches
    early = losses[int(np.ceil(min(len(losses) / 10, 45 / 16))) - 1]
    return 1 + share * (min(early, of_constant) - kept(losses)) / (0.4 * of_constant)


def shift_between(scores, divided, atol=1e-9):
    """Get what is added to all class scores, the same for each sample."""
    difference = scores - divided
    assert_close(difference, np.broadcast_to(difference[0], difference.shape), atol)
    return difference[0]


def kept(losses):
    """Get the loss of the weights that are kept: the lowest, if the last is clearly higher."""
    return min(losses) if losses[-1] > min(losses) + 1e-4 else losses[-1]


def entropy(y, weight=None):
    weight = np.ones(len(y)) if weight is None else weight
    shares = np.array([weight[y == label].sum() for label in np.unique(y)]) / weight.sum()
    return -shares @ np.log(shares)


@pytest.mark.parametrize(
    ("y", "of_constant"),
    [
        (NOISE, entropy(NOISE)),
        (TEXT, entropy(TEXT)),
        (LABELS, sum(entropy(column) for column in LABELS.T)),
    ],
    ids=["two classes", "three classes", "three labels"],
)
@pytest.mark.parametrize("max_iter", [15, 20])
def test_class_scores_are_divided(y, of_constant, max_iter):
    fitted, before = with_and_without(X, y, max_iter=max_iter)
    divisor = expected(before.loss_curve_, of_constant)
    assert divisor > 1.1
    assert_close(fitted.temperature_, divisor, 1e-9)
    assert before.temperature_ == 1
    shift_between(fitted.decision_function(X), before.decision_function(X) / divisor)
    assert fitted.loss_curve_ == before.loss_curve_


def test_weights_of_samples_count():
    weight = RNG.uniform(0.1, 3, 160)
    fitted, before = with_and_without(X, NOISE, weight, alpha=0)
    assert_close(fitted.temperature_, expected(before.loss_curve_, entropy(NOISE, weight)), 1e-9)
    assert clone(fitted).fit(X, NOISE, 4 * weight).temperature_ == fitted.temperature_


def test_weights_of_classes_count():
    y = (RNG.uniform(size=160) < 0.2).astype(int)
    fitted, before = with_and_without(X, y, class_weight="balanced")
    assert_close(fitted.temperature_, expected(before.loss_curve_, np.log(2)), 1e-6)


def test_probabilities_of_labels_that_are_noise_become_better():
    test = [RNG.normal(size=(5, 2)) for _ in range(300)]
    y = RNG.randint(0, 2, 300)
    fitted, before = with_and_without(X, NOISE, max_iter="auto")
    assert fitted.temperature_ > 2.5
    after, at_first = (log_loss(y, clf.predict_proba(test)) for clf in (fitted, before))
    assert after < 0.7 * at_first


def test_what_is_learned_early_changes_little():
    fitted, _ = with_and_without(X, SIGNS, max_iter="auto")
    assert 1 < fitted.temperature_ < 1.7
    assert log_loss(SIGNS, fitted.predict_proba(X)) < 0.1


def test_long_training_is_compared_after_as_many_steps():
    fitted, before = with_and_without(X, NOISE, max_iter=100)
    losses = before.loss_curve_
    assert losses[9] < losses[2]
    divisor = 1 + (min(losses[2], entropy(NOISE)) - kept(losses)) / (0.4 * entropy(NOISE))
    assert divisor > 2
    assert_close(fitted.temperature_, divisor, 1e-9)


def test_float32():
    fitted, before = with_and_without([x.astype(np.float32) for x in X], NOISE)
    assert {p.dtype for p in fitted.weights_["output"].values()} == {np.dtype("float32")}
    assert type(fitted.temperature_) is float
    scores = before.decision_function(X) / fitted.temperature_
    shift_between(fitted.decision_function(X), scores, 1e-5)


def test_each_fit_has_its_own_temperature():
    clf = SequenceRNNClassifier(**SHORT).fit(X, NOISE)
    first = clf.temperature_
    assert clf.fit(X, SIGNS).temperature_ < first
    assert clf.fit(X, NOISE).temperature_ == first


@pytest.mark.parametrize(
    ("params", "share"),
    [
        ({"hidden_layer_sizes": 8}, 320 / 450 / 4),
        ({"hidden_layer_sizes": (4, 4), "cell": "lstm"}, 320 / 450 / 4),
        ({"hidden_layer_sizes": 64, "max_iter": 40, "frame_length": 2}, 1),
        ({"learning_rate_init": 0.005}, 160 / 450),
        ({"batch_size": 32}, 100 / 450),
        ({"batch_size": 30}, 120 / 450),
        ({"loss": "log_loss"}, 320 / 450),
        ({"dropout": 0.6, "solver": Adam(weight_decay=0.1)}, 320 / 450),
        ({"learning_rate": "constant", "alpha": 0.1}, 320 / 450),
    ],
    ids=str,
)
@pytest.mark.filterwarnings("ignore:Maximum iterations:sklearn.exceptions.ConvergenceWarning")
def test_smaller_networks_and_less_training_memorize_less(params, share):
    fitted, before = with_and_without(X, NOISE, **params)
    divisor = expected(before.loss_curve_, entropy(NOISE), share)
    assert divisor > 1.001
    assert_close(fitted.temperature_, divisor, 1e-9)


@pytest.mark.parametrize(
    "params",
    [
        {"loss": "squared_error"},
        {"early_stopping": True},
        {"warm_start": True},
        {"hidden_layer_sizes": ()},
        {"solver": SGD(), "learning_rate_init": 0.3},
        {"solver": LBFGS(), "max_iter": 40},
    ],
    ids=str,
)
@pytest.mark.filterwarnings("ignore:Maximum iterations:sklearn.exceptions.ConvergenceWarning")
def test_other_training_has_a_temperature_of_1(params):
    fitted, before = with_and_without(X, NOISE, **params)
    assert_equal_weights(fitted, before)
    assert fitted.temperature_ == 1


def test_a_cell_for_missing_values():
    gaps = ForwardImputer(add_indicator=True, add_elapsed=True).fit_transform(X)
    fitted, before = with_and_without(gaps, NOISE, cell="gru_d")
    divisor = expected(before.loss_curve_, entropy(NOISE))
    assert divisor > 1.1
    assert_close(fitted.temperature_, divisor, 1e-9)


STEP_LABELS = [RNG.randint(0, 3, len(x)) for x in X]


def fit_steps(temperature, **params):
    clf = StepRNNClassifier(**{**SHORT, **params}, temperature=temperature)
    return clf.fit(X, STEP_LABELS)


def test_class_scores_of_steps_are_divided():
    fitted, before = fit_steps("auto"), fit_steps(None)
    divisor = expected(before.loss_curve_, entropy(np.concatenate(STEP_LABELS)))
    assert divisor > 1.01
    assert_close(fitted.temperature_, divisor, 1e-9)
    scores = [np.concatenate(list(clf.decision_function(X))) for clf in (fitted, before)]
    shift_between(scores[0], scores[1] / divisor)
    stream, _ = fitted.step([X[0][0]], fitted.initial_state(1))
    assert_close(stream[0], fitted.predict_proba(X[:1])[0][0], 1e-9)


def test_weights_of_steps_count():
    weight = [RNG.uniform(0.1, 3, len(x)) for x in X]
    clf = StepRNNClassifier(**SHORT).fit(X, STEP_LABELS, weight)
    of_constant = entropy(np.concatenate(STEP_LABELS), np.concatenate(weight))
    assert_close(clf.temperature_, expected(clf.loss_curve_, of_constant), 1e-9)


@pytest.mark.parametrize("loss", ["crf", CRF(), "squared_error"])
def test_other_losses_of_steps_have_a_temperature_of_1(loss):
    fitted = fit_steps("auto", loss=loss)
    assert fitted.temperature_ == 1
    assert_equal_weights(fitted, fit_steps(None, loss=loss))


def test_few_sequences_have_a_temperature_of_1():
    assert_equal_weights(*with_and_without(X[:16], NOISE[:16]))
    fitted, _ = with_and_without(X[:17], NOISE[:17])
    assert fitted.temperature_ > 1


@pytest.mark.filterwarnings("ignore:Training diverged:sklearn.exceptions.ConvergenceWarning")
def test_a_loss_above_that_of_a_constant_does_not_count():
    clf = SequenceRNNClassifier(**SHORT, learning_rate_init=1e3, max_grad_norm=None)
    clf.fit(X, NOISE)
    assert clf.loss_curve_[1] > clf.loss_curve_[-1] > 100
    assert clf.temperature_ == 1


def change_losses(monkeypatch, changed):
    """Let the monitor of training see other losses of some epochs; no weights are changed."""
    report = Monitor.report

    def reporting(self, loss, theta, *args):
        report(self, changed.get(self.n_iter + 1, loss), theta, *args)

    monkeypatch.setattr(Monitor, "report", reporting)


@pytest.mark.filterwarnings("ignore:Maximum iterations:sklearn.exceptions.ConvergenceWarning")
def test_the_loss_of_the_kept_weights_counts(monkeypatch):
    change_losses(monkeypatch, {20: 5.0})
    clf = SequenceRNNClassifier(**SHORT, learning_rate="constant").fit(X, NOISE)
    assert clf.loss_ == 5
    assert_close(clf.temperature_, expected(clf.loss_curve_, entropy(NOISE)), 1e-9)
    assert clf.temperature_ > 1.1


@pytest.mark.filterwarnings("ignore:The loss overflowed:sklearn.exceptions.ConvergenceWarning")
def test_an_early_epoch_that_overflows(monkeypatch):
    change_losses(monkeypatch, {2: np.nan})
    clf = SequenceRNNClassifier(**SHORT).fit(X, NOISE)
    share, of_constant = 320 / 450, entropy(NOISE)
    divisor = 1 + share * (of_constant - kept(clf.loss_curve_[2:])) / (0.4 * of_constant)
    assert divisor > 1.1
    assert_close(clf.temperature_, divisor, 1e-9)


def test_the_best_start_counts():
    starts = [SequenceRNNClassifier(**SHORT, n_init=n).fit(X, NOISE) for n in (1, 2, 3, 4)]
    best = min(starts, key=lambda clf: clf.loss_)
    assert_close(best.temperature_, expected(best.loss_curve_, entropy(NOISE)), 1e-9)
    assert_close(starts[3].temperature_, best.temperature_)


def test_a_run_that_ends_early(monkeypatch):
    clf = SequenceRNNClassifier(random_state=0, learning_rate="constant", tol=10.0)
    clf.fit(X, NOISE)
    assert clf.n_iter_ == 12 < 200
    share = 12 * 16 / 450
    assert_close(clf.temperature_, expected(clf.loss_curve_, entropy(NOISE), share), 1e-9)


def test_other_classifiers_have_none():
    assert not hasattr(XORMLPClassifier().fit([[0, 1], [1, 0]], [0, 1]), "temperature_")


@pytest.mark.parametrize("value", [0.5, np.nan, np.inf, "2"])
def test_other_temperatures_are_not_saved(value, tmp_path):
    clf = SequenceRNNClassifier(**SHORT).fit(X, NOISE)
    clf.temperature_ = value
    with pytest.raises(ValueError, match="'temperature_' is not one that its class sets"):
        skrnn.save(clf, tmp_path / "file")


def test_ctrl_c_in_the_first_epoch(press_ctrl_c):
    press_ctrl_c("skrnn._training.run.descend")
    clf = SequenceRNNClassifier(**SHORT)
    with pytest.warns(ConvergenceWarning, match="interrupted after 0 iterations"):
        clf.fit(X, NOISE)
    assert clf.temperature_ == 1


def test_partial_fit_does_not_divide():
    both = [SequenceRNNClassifier(random_state=0, temperature=t) for t in ("auto", None)]
    for clf in both:
        clf.partial_fit(X, NOISE, classes=[0, 1]).partial_fit(X, NOISE)
    assert_equal_weights(*both)


def test_a_resumed_fit_is_divided_once(tmp_path):
    whole = SequenceRNNClassifier(**SHORT).fit(X, NOISE)
    assert whole.temperature_ > 1.2
    again = SequenceRNNClassifier(**SHORT).set_callbacks(Checkpoint(tmp_path / "file"))
    for _ in range(2):
        assert_equal_weights(clone(again).fit(X, NOISE), whole)


def test_saved_estimators_keep_it(tmp_path):
    clf = SequenceRNNClassifier(**SHORT).fit(X, NOISE)
    skrnn.save(clf, tmp_path / "file")
    assert skrnn.load(tmp_path / "file").temperature_ == clf.temperature_


def test_older_estimators_have_none():
    for clf, y in (
        (SequenceRNNClassifier(**SHORT), NOISE),
        (StepRNNClassifier(**SHORT), STEP_LABELS),
    ):
        state = clf.fit(X, y).__getstate__()
        del state["temperature"], state["temperature_"]
        older = type(clf)()
        older.__setstate__(state)
        assert older.temperature is None


@pytest.mark.parametrize("value", [True, 2.0, "scaling"])
def test_other_values_are_refused(value):
    with pytest.raises(ValueError, match="'temperature' parameter of SequenceRNNClassifier must"):
        SequenceRNNClassifier(temperature=value).fit(X, NOISE)


def test_few_recordings_of_many_steps():
    rng = np.random.RandomState(0)
    X = [rng.normal(size=(300, 1)) for _ in range(2)]
    y = [rng.randint(0, 2, 300) for _ in X]
    assert StepRNNClassifier(random_state=0).fit(X, y).temperature_ == 1  # it stops early
    clf = StepRNNClassifier(random_state=0, max_iter=150).fit(X, y)
    assert clf.temperature_ > 1.2
    few = clf.fit([x[:250] for x in X], [labels[:250] for labels in y])  # 500 steps
    assert few.temperature_ == 1


# Few sequences ----------------------------------------------------------------------------


def is_one_batch(clf, n):
    """Whether a fitted classifier took all sequences at once, without dropout and temperature."""
    network, n_steps = clf._fitted_network(), clf._optimizer_state["t"]
    found = {n_steps == clf.n_iter_, network.dropout == 0, clf.temperature_ == 1}
    assert len(found) == 1
    assert clf.t_ == n * clf.n_iter_
    return found.pop()


@pytest.mark.parametrize(
    ("sequences", "expected"),
    [
        (X[:17], False),
        (X[:16], True),
        (X[:16] * 2, True),  # as weights of 2
        (X[:11] * 3, False),  # 33
        ([np.sign(x) for x in X[:32]], True),
        ([np.sign(x) for x in X[:33]], False),
        ([np.column_stack([np.sign(x[:, 0]), x[:, 1]]) for x in X[:32]], False),
        ([csr_array(x) for x in X[:17]], False),
        ([csr_array(x) for x in X[:16] * 2], True),
    ],
    ids=[
        "17",
        "16",
        "16 twice",
        "33",
        "two values",
        "33 with two values",
        "a column of numbers",
        "17 sparse",
        "16 sparse twice",
    ],
)
def test_sequences_that_may_be_all_cases_are_one_batch(sequences, expected):
    n = len(sequences)
    clf = SequenceRNNClassifier(4, random_state=0).fit(sequences, NOISE[:n])
    assert is_one_batch(clf, n) is expected


def test_static_features_make_sequences_different():
    static = np.arange(20.0)[:, None]
    for values, expected in ((static, False), (static // 2, True)):
        sequences = Sequences(np.concatenate(X[:1] * 20), [len(X[0])] * 20, static=values)
        clf = SequenceRNNClassifier(4, random_state=0).fit(sequences, NOISE[:20])
        assert is_one_batch(clf, 20) is expected


def test_probabilities_learned_from_few_sequences_are_not_certain():
    test = [RNG.normal(size=(5, 2)) for _ in range(300)]
    y = RNG.randint(0, 2, 300)
    clf = SequenceRNNClassifier(random_state=0)
    one_batch = clone(clf).set_params(batch_size=32, dropout=0.0, temperature=None)
    losses = [log_loss(y, c.fit(X[:30], NOISE[:30]).predict_proba(test)) for c in (clf, one_batch)]
    assert losses[0] < 0.7 * losses[1]


# Mean probabilities ----------------------------------------------------------------------

RARE = (np.random.RandomState(1).uniform(size=160) < 0.1).astype(int)
RARE_TEXT = np.where(np.arange(160) % 11 == 3, "maybe", np.array(["no", "yes"])[RARE])
RARE_LABELS = LABELS * (np.arange(160)[:, None] % [1, 2, 5] == 0)
RARE_STEPS = [(labels > 1) * (i % 2) for i, labels in enumerate(STEP_LABELS)]


def test_a_rare_class_has_its_rate_as_mean_probability_of_new_samples():
    test = [RNG.normal(size=(5, 2)) for _ in range(300)]
    fitted, before = with_and_without(X, RARE, max_iter="auto")
    assert fitted.temperature_ > 2
    rate = RARE.mean()
    assert 0.05 < rate < 0.15
    means = [clf.predict_proba(test)[:, 1].mean() for clf in (fitted, before)]
    assert abs(means[0] - rate) < 0.04
    y = (RNG.uniform(size=300) < rate).astype(int)
    after, at_first = (log_loss(y, clf.predict_proba(test)) for clf in (fitted, before))
    assert after < 0.7 * at_first
    # The order of the probabilities is kept.
    divided = before.decision_function(test) / fitted.temperature_
    assert shift_between(fitted.decision_function(test), divided) < -0.5


def mean_probabilities(fitted, before, X, weight=None):
    """Compute the mean probabilities, and what they lack: ``shift / n``, as the prior says."""
    scores, divided = fitted.decision_function(X), before.decision_function(X)
    p = fitted.predict_proba(X)
    if scores.dtype == object:
        scores, divided, p = (np.concatenate(list(part)) for part in (scores, divided, p))
    shift = shift_between(scores, divided / fitted.temperature_, 1e-5)
    weight = np.ones(len(scores)) if weight is None else weight
    n = weight.sum() ** 2 / (weight @ weight)
    shift = np.array([-shift, shift]) if scores.ndim == 1 else shift
    return np.average(p, axis=0, weights=weight), shift / n


@pytest.mark.parametrize(
    ("y", "rates"),
    [
        (RARE, [1 - RARE.mean(), RARE.mean()]),
        (RARE_TEXT, [(name == RARE_TEXT).mean() for name in np.unique(RARE_TEXT)]),
        (RARE_LABELS, RARE_LABELS.mean(axis=0)),
    ],
    ids=["two classes", "three classes", "three labels"],
)
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_mean_probabilities_are_about_the_frequencies(y, rates, dtype):
    sequences = [x.astype(dtype) for x in X]
    fitted, before = with_and_without(sequences, y)
    means, missing = mean_probabilities(fitted, before, sequences)
    assert_close(means, rates - missing, 1e-5)
    assert 0.05 / 160 < np.abs(missing).max() < 0.01


def test_rare_classes_among_three_have_their_rates_as_mean_probabilities_of_new_samples():
    test = [RNG.normal(size=(5, 2)) for _ in range(300)]
    fitted, before = with_and_without(X, RARE_TEXT, max_iter="auto")
    rates = [(name == RARE_TEXT).mean() for name in fitted.classes_]
    assert sorted(rates)[1] < 0.2
    divided = softmax(before.decision_function(test) / fitted.temperature_, axis=1)
    gaps = [np.abs(p.mean(axis=0) - rates).max() for p in (fitted.predict_proba(test), divided)]
    assert gaps[0] < 0.05
    assert gaps[0] < 0.7 * gaps[1]


def test_frequencies_have_the_weights_of_samples():
    weight = np.linspace(0.1, 3, 160) * (1 + RARE)
    fitted, before = with_and_without(X, RARE, weight)
    rate = np.average(RARE, weights=weight)
    assert abs(rate - RARE.mean()) > 1e-3
    means, missing = mean_probabilities(fitted, before, X, weight)
    assert_close(means, [1 - rate, rate] - missing, 1e-5)


def test_frequencies_have_the_weights_of_classes():
    fitted, before = with_and_without(X, RARE, class_weight="balanced")
    weight = np.where(RARE, 1 / RARE.mean(), 1 / (1 - RARE.mean()))
    means, missing = mean_probabilities(fitted, before, X, weight)
    assert_close(means, [0.5, 0.5] - missing, 1e-5)


@pytest.mark.parametrize("weights", [None, [np.linspace(0.1, 3, len(x)) for x in X]])
def test_mean_probabilities_of_steps_are_about_the_frequencies(weights):
    fitted, before = (
        StepRNNClassifier(**SHORT, temperature=t).fit(X, RARE_STEPS, weights)
        for t in ("auto", None)
    )
    assert fitted.temperature_ > 1.01
    flat = None if weights is None else np.concatenate(weights)
    y = np.concatenate(RARE_STEPS)
    rates = np.array([np.average(y == label, weights=flat) for label in range(2)])
    means, missing = mean_probabilities(fitted, before, X, flat)
    assert_close(means, rates - missing, 1e-5)


@pytest.mark.parametrize("join", [False, True])  # all sequences into one
def test_many_steps_are_represented_by_some(join, monkeypatch):
    monkeypatch.setattr(skrnn._training.intercept, "_MOST_SCORES", 300)
    rows, y, lengths = np.concatenate(X), np.concatenate(RARE_STEPS), [len(x) for x in X]
    weight = (np.arange(len(y)) % 7 > 0) * 1.0
    counts = np.flatnonzero(weight)
    some = np.zeros(len(y))
    some[counts[spread(len(counts), 300)]] = 1
    assert 200 < some.sum() < len(counts)
    cuts = [] if join else np.cumsum(lengths)[:-1]
    data = [np.split(part, cuts) for part in (rows, y, weight)]
    fitted, before = (StepRNNClassifier(**SHORT, temperature=t).fit(*data) for t in ("auto", None))
    assert fitted.temperature_ > 1
    means, missing = mean_probabilities(fitted, before, data[0], some)
    rate = np.average(y, weights=some)
    assert_close(means, [1 - rate, rate] - missing, 1e-5)


def test_ctrl_c_leaves_scores_without_half_of_a_correction(press_ctrl_c):
    press_ctrl_c("skrnn._predictions.choose_shift")
    clf = SequenceRNNClassifier(**SHORT)
    with pytest.warns(ConvergenceWarning, match="Training was interrupted"):
        clf.fit(X, RARE)
    before = SequenceRNNClassifier(**SHORT, temperature=None).fit(X, RARE)
    assert clf.temperature_ == 1
    assert np.array_equal(clf.decision_function(X), before.decision_function(X))


def test_labels_that_none_or_all_samples_have_move_a_little():
    y = np.column_stack([RARE, np.zeros(160, int), np.ones(160, int)])
    fitted, before = with_and_without(X, y)
    means, missing = mean_probabilities(fitted, before, X)
    assert_close(means, y.mean(axis=0) - missing, 1e-5)
    assert missing[1] < 0 < missing[2]
    assert np.abs(missing).max() < 0.02


def test_samples_of_weight_0_do_not_count():
    weight = (np.arange(160) % 3 > 0).astype(float)
    fitted, before = with_and_without(X, RARE, weight)
    means, missing = mean_probabilities(fitted, before, X, weight)
    rate = np.average(RARE, weights=weight)
    assert_close(means, [1 - rate, rate] - missing, 1e-5)


def test_without_a_temperature_nothing_is_moved():
    before = SequenceRNNClassifier(**SHORT, temperature=None).fit(X, RARE)
    assert abs(before.predict_proba(X)[:, 1].mean() - RARE.mean()) > 1e-3
    stopped = [
        SequenceRNNClassifier(**SHORT, early_stopping=True, temperature=t).fit(X, RARE)
        for t in ("auto", None)
    ]
    assert_equal_weights(*stopped)


def test_a_shift_within_rounding_is_left_out(monkeypatch):
    monkeypatch.setattr(skrnn._training.intercept, "_ROUNDING", 1.0)
    fitted, before = with_and_without(X, RARE)
    divided = before.decision_function(X) / fitted.temperature_
    assert_close(fitted.decision_function(X), divided, 1e-12)


@pytest.mark.parametrize("y", [RARE, RARE_LABELS], ids=["classes", "labels"])
def test_files_and_streams_have_the_shift(y, tmp_path):
    clf = SequenceRNNClassifier(**SHORT, pooling="last", bidirectional=False).fit(X, y)
    p = clf.predict_proba(X)
    skrnn.save(clf, tmp_path / "file")
    np.testing.assert_array_equal(skrnn.load(tmp_path / "file").predict_proba(X), p)
    state = clf.initial_state(1)
    for row in X[3]:
        stream, state = clf.step([row], state)
    assert_close(stream[0], p[3], 1e-9)


def test_pytorch_has_the_shift():
    params = {**SHORT, "pooling": "last", "bidirectional": False}
    clf = SequenceRNNClassifier(**params).fit(X, RARE)
    again = from_state_dict(SequenceRNNClassifier(**params).fit(X, NOISE), to_state_dict(clf))
    assert_close(again.predict_proba(X), clf.predict_proba(X), 1e-6)


def test_onnx_has_the_shift():
    pytest.importorskip("skl2onnx")
    runtime = pytest.importorskip("onnxruntime")
    from skrnn.onnx import to_onnx

    clf = SequenceRNNClassifier(**SHORT).fit(X, RARE)
    session = runtime.InferenceSession(to_onnx(clf).SerializeToString())
    one = X[3].astype(np.float32)
    outputs = session.run(None, {"X": one[None], "lengths": np.array([len(one)])})
    assert_close(np.asarray(outputs[-1])[0], clf.predict_proba([one])[0], 1e-4)


# Spread of numbers -----------------------------------------------------------------------

NUMBERS = 50 + 3 * RNG.normal(size=160)
VECTORS = NUMBERS[:, None] * [1.0, 10.0] + RNG.normal(size=(160, 2))
every_target = pytest.mark.parametrize("y", [NUMBERS, VECTORS], ids=["number", "vector"])


def fit_spreads(loss, y, **params):
    """Fit regressors with a temperature and without."""
    params = {"random_state": 0, "max_iter": 80, "dropout": 0, "loss": loss, **params}
    params = {"alpha": 0.0001, **params}
    return [SequenceRNNRegressor(**params, temperature=t).fit(X, y) for t in ("auto", None)]


def early_and_last(losses, of_constant):
    """Get the losses at the end of the first tenth of the epochs, and of the last."""
    return min(losses[len(losses) // 10 - 1], of_constant), kept(losses)


@every_target
def test_spreads_of_a_normal_distribution_are_multiplied(y):
    fitted, before = fit_spreads(Gaussian(), y)
    n = y.size / 160
    early, last = early_and_last(before.loss_curve_, n * 0.5 * np.log(2 * np.pi * np.e))
    factor = np.exp(0.75 * (early - last) / n)
    assert factor > 1.05
    assert_close(fitted.temperature_, factor, 1e-4)  # the spread of a constant is at least 0.001
    means, spreads = zip(
        *(reg.predict(X, return_std=True) for reg in (fitted, before)), strict=True
    )
    np.testing.assert_array_equal(*means)
    assert_close(spreads[0], fitted.temperature_ * spreads[1], 1e-9)
    assert before.temperature_ == 1


@every_target
@pytest.mark.parametrize("normalize_y", [True, False])
def test_distances_of_quantiles_to_the_median_are_multiplied(y, normalize_y):
    if not normalize_y:
        y = (y - y.mean(axis=0)) / y.std(axis=0)
    fitted, before = fit_spreads(Quantile((0.1, 0.5, 0.7)), y, normalize_y=normalize_y)
    assert fitted.temperature_ > 1.05
    wide, narrow = fitted.predict(X), before.predict(X)
    median = narrow[..., [1]]
    assert_close(wide, median + fitted.temperature_ * (narrow - median), 1e-9)


def test_the_losses_of_quantiles_are_compared_by_their_ratio():
    fitted, before = fit_spreads(Quantile((0.1, 0.5, 0.9)), NUMBERS)
    y = (NUMBERS - NUMBERS.mean()) / NUMBERS.std()
    error = y[:, None] - np.quantile(y, [0.1, 0.5, 0.9], method="inverted_cdf")
    of_constant = np.maximum(error * [0.1, 0.5, 0.9], error * [-0.9, -0.5, -0.1]).sum(axis=1).mean()
    early, last = early_and_last(before.loss_curve_, of_constant)
    assert_close(fitted.temperature_, (early / last) ** 0.75, 1e-9)


def test_spreads_of_little_training_are_multiplied_by_less():
    fitted, before = fit_spreads(Gaussian(), NUMBERS, max_iter=20, hidden_layer_sizes=16)
    early, last = early_and_last(before.loss_curve_, 0.5 * np.log(2 * np.pi * np.e))
    logarithm = 0.75 * (20 / 80 / 2) * (early - last)
    assert logarithm > 1e-3
    assert_close(np.log(fitted.temperature_), logarithm, 1e-4)


def test_spreads_of_long_training_are_compared_after_as_many_steps():
    fitted, before = fit_spreads(Gaussian(), NUMBERS, max_iter=160)
    early = min(before.loss_curve_[7], 0.5 * np.log(2 * np.pi * np.e))
    assert_close(np.log(fitted.temperature_), 0.75 * (early - kept(before.loss_curve_)), 1e-4)


def test_two_quantiles_keep_their_mean():
    fitted, before = fit_spreads(Quantile((0.1, 0.9)), NUMBERS)
    wide, narrow = fitted.predict(X), before.predict(X)
    assert_close(wide.mean(axis=1), narrow.mean(axis=1), 1e-9)
    assert_close(np.diff(wide), fitted.temperature_ * np.diff(narrow), 1e-9)


@pytest.mark.parametrize("levels", [(0.5, 0.8, 0.95), (0.05, 0.1, 0.5), (0.2, 0.3 + 0.2, 0.9)])
def test_the_quantile_of_one_half_does_not_change(levels):
    fitted, before = fit_spreads(Quantile(levels), NUMBERS)
    wide, narrow = fitted.predict(X), before.predict(X)
    median = narrow[:, [levels.index(0.5)]]
    assert fitted.temperature_ > 1.05
    assert_close(wide, median + fitted.temperature_ * (narrow - median), 1e-9)


@pytest.mark.parametrize("levels", [(0.8, 0.9, 0.95), (0.9, 0.99), (0.1, 0.4, 0.6, 0.95)], ids=str)
def test_quantiles_without_a_median_are_not_spread(levels):
    fitted, before = fit_spreads(Quantile(levels), NUMBERS)
    assert fitted.temperature_ == 1
    np.testing.assert_array_equal(fitted.predict(X), before.predict(X))


@pytest.mark.parametrize("levels", [(0.1, 0.9), np.linspace(0.05, 0.95, 4)], ids=str)
def test_levels_that_are_symmetric_but_for_rounding_have_a_median(levels):
    assert fit_spreads(Quantile(levels), NUMBERS)[0].temperature_ > 1.05


@pytest.mark.parametrize("loss", [Quantile(0.7), Quantile([0.5]), "absolute_error", "poisson"])
def test_single_numbers_have_no_spread(loss):
    fitted, before = fit_spreads(loss, NUMBERS)
    assert fitted.temperature_ == 1
    assert_equal_weights(fitted, before)


@pytest.mark.parametrize("params", [{"early_stopping": True}, {"warm_start": True}], ids=str)
def test_other_training_of_numbers_has_a_temperature_of_1(params):
    fitted, _ = fit_spreads(Gaussian(), NUMBERS, **params)
    assert fitted.temperature_ == 1


@pytest.mark.parametrize("loss", [Gaussian(), Quantile((0.1, 0.9))], ids=str)
def test_intervals_contain_more_new_targets(loss):
    rng = np.random.RandomState(3)
    test, y = [rng.normal(size=(5, 2)) for _ in range(300)], 50 + 3 * rng.normal(size=300)

    def coverage(reg):
        if isinstance(loss, Gaussian):
            mean, std = reg.predict(test, return_std=True)
            return np.mean(np.abs(y - mean) < 1.28 * std)
        low, high = reg.predict(test).T
        return np.mean((low < y) & (y < high))

    with_it, without = (coverage(reg) for reg in fit_spreads(loss, NUMBERS, max_iter="auto"))
    assert without + 0.15 < with_it < 0.9


@pytest.mark.parametrize("loss", [Gaussian(), Quantile((0.1, 0.5, 0.9))], ids=str)
def test_spreads_are_saved_and_exported(loss, tmp_path):
    reg, _ = fit_spreads(loss, VECTORS)
    assert reg.temperature_ > 1.05
    skrnn.save(reg, tmp_path / "file")
    again = skrnn.load(tmp_path / "file")
    np.testing.assert_array_equal(again.predict(X), reg.predict(X))
    assert again.temperature_ == reg.temperature_


@pytest.mark.parametrize("loss", [Gaussian(), Quantile((0.1, 0.9))], ids=str)
def test_pytorch_has_no_place_for_the_temperature(loss):
    y = (NUMBERS - NUMBERS.mean()) / NUMBERS.std()
    last = {"pooling": "last", "skip_connection": None}
    corrected, plain = fit_spreads(loss, y, normalize_y=False, **last)
    assert corrected.temperature_ > 1.03
    with pytest.raises(ValueError, match=r"no place for .* temperature"):
        to_state_dict(corrected)
    again = from_state_dict(clone(plain), to_state_dict(plain))
    assert_close(again.predict(X), plain.predict(X))


@pytest.mark.parametrize("quantiles", [(0.1, 0.4, 0.6, 0.9), (0.5, 0.8, 0.95)], ids=str)
@every_target
def test_quantiles_in_onnx(quantiles, y):
    pytest.importorskip("skl2onnx")
    runtime = pytest.importorskip("onnxruntime")
    from skrnn.onnx import to_onnx

    reg, _ = fit_spreads(Quantile(quantiles), y)
    assert reg.temperature_ > 1.05
    session = runtime.InferenceSession(to_onnx(reg).SerializeToString())
    one = X[3].astype(np.float32)
    inputs = {"X": one[None], "lengths": np.array([len(one)])}
    (found,) = session.run(None, inputs)
    assert_close(found[0], reg.predict([one])[0], 1e-4)
