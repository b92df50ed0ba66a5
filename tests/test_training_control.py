"""Ends of training, interruption, warm starts, weights, restarts and callbacks."""

import io

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from recipes import CONSTANT_RATE, LAST_STATE, PLAIN
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import log_loss

from skrnn import LBFGS, SGD, SequenceRNNClassifier, SequenceRNNRegressor, XORMLPClassifier
from skrnn._training.monitor import Monitor
from skrnn._training.options import TrainingOptions

MLP = XORMLPClassifier(8, solver="adam", learning_rate_init=0.01, max_iter=20, random_state=0)
RNN = SequenceRNNClassifier(
    6, dropout=0, temperature=None, max_iter=20, random_state=0, **CONSTANT_RATE
)
REG = SequenceRNNRegressor(8, alpha=0.0001, random_state=0, **CONSTANT_RATE, **LAST_STATE, **PLAIN)
QUIET = {"tol": 0.0, "n_iter_no_change": np.inf}
IGNORED = "ignore::sklearn.exceptions.ConvergenceWarning"


@pytest.fixture(params=["mlp", "rnn"])
def case(request, table, sequences):
    """An estimator with data of its kind."""
    return (clone(MLP), *table) if request.param == "mlp" else (clone(RNN), *sequences)


def weights(clf):
    if hasattr(clf, "coefs_"):
        return [*clf.coefs_, *clf.intercepts_]
    return [array for layer in clf.weights_.values() for array in layer.values()]


class Recorder:
    """A callback that records its calls, and calls `action` at the end of an epoch."""

    def __init__(self, at_epoch=None, action=None):
        self.at_epoch, self.action = at_epoch, action
        self.epochs, self.events = 0, []

    def setup(self, estimator, context):
        self.events.append("setup")

    def teardown(self, estimator, context):
        self.events.append("teardown")

    def on_fit_task_begin(self, estimator, context):
        self.events.append(f"begin {context.task_name}")

    def on_fit_task_end(self, estimator, context):
        self.events.append(f"end {context.task_name}")
        if context.task_name != "fit":
            self.epochs += 1
            if self.epochs == self.at_epoch:
                return self.action()
        return False


def interrupt():
    raise KeyboardInterrupt


# Divergence


@pytest.mark.parametrize("solver", ["adam", "sgd"])
@pytest.mark.parametrize("rate", [1e2, 1e6, 1e30, 1e300])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("batch_size", [1000, 20])
def test_divergence_ends_in_a_warning_and_usable_weights(case, solver, rate, dtype, batch_size):
    clf, X, y = case
    X = [np.asarray(x, dtype) for x in X] if isinstance(X, list) else X.astype(dtype)
    clf.set_params(solver=solver, alpha=0, max_iter=30, batch_size=batch_size, **QUIET)
    if isinstance(clf, SequenceRNNClassifier):
        clf.set_params(max_grad_norm=None)
    slow = clone(clf).set_params(learning_rate_init=1e-30, max_iter=1)
    with pytest.warns(ConvergenceWarning, match=r"Maximum iterations \(1\) reached"):
        initial = log_loss(y, slow.fit(X, y).predict_proba(X))
    clf.set_params(learning_rate_init=rate)
    with pytest.warns(
        ConvergenceWarning,
        match=r"diverged: after|overflowed \d+ times|Maximum iterations",
    ):
        clf.fit(X, y)
    assert all(np.isfinite(array).all() for array in weights(clf))
    assert log_loss(y, clf.predict_proba(X)) <= initial * (1 + 1e-5)


@pytest.mark.parametrize("rate", [1e20, 1e30])
def test_weights_before_a_last_step_that_overflows_are_kept(table, rate):
    X, y = table
    params = {"solver": "sgd", "activation": "relu", "learning_rate_init": rate}
    clf = XORMLPClassifier((8, 8), max_iter=1, random_state=0, **params)
    X = np.asarray(X, np.float32)
    for fit in (clf.fit, clf.partial_fit, clf.partial_fit):
        message = (
            "diverged: after 1 iterations the last step led to outputs that overflow. The best"
        )
        with pytest.warns(ConvergenceWarning, match=message):
            fit(X, y)
        assert np.isfinite(clf.predict_proba(X)).all()
        assert max(np.abs(array).max() for array in weights(clf)) < 10


def kept_weights(losses, thetas, initial_loss=np.inf, **settings):
    """Weights that a monitor keeps after epochs of several batches, from a single weight of 0."""
    options = TrainingOptions(
        loss=None, solver=SGD(), alpha=0, batch_size=2, max_iter=10, **QUIET, **settings
    )
    monitor = Monitor(options, np.zeros(1), n_samples=10, loss_of_start=False)
    monitor.initial_loss = initial_loss
    theta = np.zeros(1)
    for loss, new in zip(losses, thetas, strict=True):
        theta[:] = new
        monitor.report(loss, theta)
    monitor.finish(theta)
    return theta[0]


def test_weights_after_a_best_first_epoch_are_kept():
    assert kept_weights([0.5, 0.6], [1, 2], initial_loss=0.7, keep_best=True) == 1
    assert kept_weights([0.7, 0.8], [1, 2], initial_loss=0.6, keep_best=True) == 0


def test_weights_of_a_last_and_best_epoch_are_not_kept_if_they_overflow():
    assert kept_weights([0.6, 0.5], [1, np.nan], initial_loss=0.7) == 1
    assert kept_weights([0.6], [np.inf]) == 0
    assert kept_weights([0.6, 0.5], [1, 2], initial_loss=0.7) == 2


@pytest.mark.parametrize("rate", [1, 3, 10])
def test_the_learning_rate_is_halved_after_each_overflow(sequences, rate):
    X, _ = sequences
    y = np.array([x[:, 0].sum() for x in X])
    params = {"cell": "rnn", "activation": "relu", "max_grad_norm": None, "batch_size": 10}
    net = clone(REG).set_params(solver=SGD(momentum=0.0), **params)
    with pytest.warns(ConvergenceWarning, match=r"overflowed \d times\. .* half the learning rate"):
        net.set_params(learning_rate_init=rate, max_iter=400).fit(X, y)
    assert len(net.loss_curve_) == net.n_iter_
    assert not np.isfinite(net.loss_curve_).all()
    assert net.score(X, y) > 0.05


@pytest.mark.parametrize("rate", [1, 10])
def test_validation_scores_are_nan_after_an_overflow(sequences, rate):
    X, _ = sequences
    y = np.array([x[:, 0].sum() for x in X])
    params = {"cell": "rnn", "activation": "relu", "max_grad_norm": None, "batch_size": 40}
    net = clone(REG).set_params(solver="sgd", max_iter=40, **params)
    with pytest.warns(ConvergenceWarning, match=r"overflowed \d+ times|Training diverged"):
        net.set_params(learning_rate_init=rate).fit(X, y, X_val=X[:9], y_val=y[:9])
    assert len(net.validation_loss_curve_) == len(net.validation_scores_) == net.n_iter_
    assert np.isnan(net.validation_scores_).any()
    assert net.best_validation_score_ == np.nanmax(net.validation_scores_)


def test_training_ends_after_eleven_overflows(sequences):
    X, y = sequences
    net = clone(REG).set_params(normalize_y=False, solver="sgd", max_iter=400)
    with pytest.warns(ConvergenceWarning, match="diverged: after 11 iterations the loss was inf"):
        net.fit(X, y * 1e200)
    assert all(np.isfinite(array).all() for array in weights(net))


def test_lbfgs_warns_if_the_first_loss_overflows(sequences):
    X, y = sequences
    net = clone(REG).set_params(normalize_y=False, solver="lbfgs")
    with pytest.warns(
        ConvergenceWarning,
        match=r"after 0 iterations the loss overflows\. .* Scale y\. The values of y reach 2e\+200",
    ):
        net.fit(X, y * 1e200)
    assert all(np.isfinite(array).all() for array in weights(net))


# Interruption


@pytest.mark.parametrize("solver", ["adam", "sgd", "lbfgs"])
def test_interruption_keeps_the_best_weights(case, solver):
    clf, X, y = case
    clf.set_params(solver=solver, **QUIET).set_callbacks(Recorder(7, interrupt))
    with pytest.warns(
        ConvergenceWarning,
        match=r"interrupted after 7 iterations\. The best weights",
    ):
        clf.fit(X, y)
    assert clf.n_iter_ == len(clf.loss_curve_) == 7
    assert clf.best_loss_ == min(clf.loss_curve_)
    assert log_loss(y, clf.predict_proba(X)) < clf.loss_curve_[0]
    assert clf.predict(X).shape == y.shape


def test_interruption_of_a_later_start_is_told(sequences):
    # The best start had converged before.
    clf = clone(RNN).set_params(n_init=3, tol=10.0).set_callbacks(Recorder(14, interrupt))
    with pytest.warns(ConvergenceWarning, match=r"interrupted after 2 iterations\. The best"):
        clf.fit(*sequences)
    assert clf.n_iter_ == 12


@pytest.mark.parametrize("solver", ["lbfgs", "adam"])
def test_callbacks_find_the_run_of_each_start(sequences, solver):
    class Runs(Recorder):
        def on_fit_task_end(self, estimator, context):
            run = estimator._training_run
            if context.task_name == "epoch" and run.monitor.n_iter == 1:
                runs.append(run)

    runs = []
    clf = clone(RNN).set_params(n_init=3, max_iter=2, solver=solver, **QUIET)
    with pytest.warns(ConvergenceWarning, match="Maximum iterations"):
        clf.set_callbacks(Runs()).fit(*sequences)
    assert len(set(map(id, runs))) == 3


# Ordinary ends


@pytest.mark.parametrize("solver", ["adam", "sgd", "lbfgs"])
def test_warning_at_max_iter(case, solver):
    clf, X, y = case
    with pytest.warns(ConvergenceWarning, match=r"Maximum iterations \(3\) reached"):
        clf.set_params(solver=solver, max_iter=3).fit(X, y)
    assert clf.n_iter_ == len(clf.loss_curve_) == 3


def test_no_warning_at_max_iter_with_cosine(case):
    clf, X, y = case
    clf.set_params(solver="sgd", learning_rate="cosine", max_iter=3).fit(X, y)
    assert clf.n_iter_ == 3


def test_a_stalled_loss_ends_training(case):
    clf, X, y = case
    clf.set_params(tol=10.0, n_iter_no_change=4, max_iter=100).fit(X, y)
    assert clf.n_iter_ == 6  # the first epoch counts as an improvement; the five after it do not


def test_history(case):
    clf, X, y = case
    with pytest.warns(ConvergenceWarning, match=r"Maximum iterations \(20\) reached"):
        clf.fit(X, y)
    assert clf.loss_ == clf.loss_curve_[-1]
    assert clf.best_loss_ == min(clf.loss_curve_)
    assert clf.t_ == clf.n_iter_ * len(y)
    assert clf.validation_scores_ is None
    assert clf.best_validation_score_ is None


@pytest.mark.filterwarnings(IGNORED)
def test_early_stopping_keeps_the_best_validated_weights(case):
    clf, X, y = case
    clf.set_params(early_stopping=True, validation_fraction=0.25, n_iter_no_change=5, max_iter=60)
    clf.set_params(learning_rate_init=0.05)
    clf.fit(X, y)
    scores = clf.validation_scores_
    assert len(scores) == clf.n_iter_
    assert clf.best_validation_score_ == max(scores)
    assert clf.best_loss_ is None
    # The same run, ended after its best epoch, has the same weights.
    best = int(np.argmin(clf.validation_loss_curve_)) + 1
    assert best < clf.n_iter_
    shorter = clone(clf).set_params(max_iter=best).fit(X, y)
    for kept, expected in zip(weights(clf), weights(shorter), strict=True):
        assert_array_equal(kept, expected)


@pytest.mark.filterwarnings(IGNORED)
@pytest.mark.parametrize("solver", ["adam", "sgd", "lbfgs"])
def test_warm_start_continues(case, solver):
    clf, X, y = case
    clf.set_params(warm_start=True, max_iter=5, solver=solver).fit(X, y)
    first, loss = list(clf.loss_curve_), clf.loss_
    clf.fit(X, y)
    assert clf.loss_curve_[:5] == first
    assert len(clf.loss_curve_) == 10
    assert clf.loss_ < loss
    assert clf.t_ == 10 * len(y)


@pytest.mark.filterwarnings(IGNORED)
def test_partial_fit_equals_epochs_of_fit(table):
    X, y = table
    whole = clone(MLP).set_params(max_iter=5, shuffle=False, batch_size=50, **QUIET).fit(X, y)
    in_parts = clone(whole)
    for _ in range(5):
        in_parts.partial_fit(X, y, classes=[0, 1, 2])
    assert in_parts.loss_curve_ == whole.loss_curve_
    for actual, expected in zip(weights(in_parts), weights(whole), strict=True):
        assert_array_equal(actual, expected)


# Weights of samples and classes


@pytest.mark.filterwarnings(IGNORED)
@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
def test_class_weight_equals_sample_weight(case, solver):
    clf, X, y = case
    keep = np.flatnonzero((y != 0) | (np.arange(len(y)) % 3 == 0))
    X, y = [X[i] for i in keep], y[keep]
    clf.set_params(solver=solver, max_iter=8)
    balanced = len(y) / (3 * np.bincount(y))
    expected = clone(clf).fit(X, y, balanced[y]).predict_proba(X)
    unweighted = clone(clf).fit(X, y).predict_proba(X)
    assert np.abs(unweighted - expected).max() > 1e-3
    for class_weight in ("balanced", dict(enumerate(balanced))):
        clf.set_params(class_weight=class_weight).fit(X, y)
        assert_allclose(clf.predict_proba(X), expected, rtol=0, atol=1e-12)
    ones = clf.fit(X, y, np.full(len(y), 2.0)).predict_proba(X)
    twice = clone(clf).set_params(class_weight=None).fit(X, y, 2 * balanced[y])
    assert_allclose(ones, twice.predict_proba(X), rtol=0, atol=1e-12)


@pytest.mark.filterwarnings(IGNORED)
@pytest.mark.parametrize("solver", ["adam", "sgd", "lbfgs"])
def test_weights_equal_copies_in_one_batch(case, solver):
    clf, X, y = case
    weight = np.arange(len(y)) // 3 % 3
    clf.set_params(solver=solver, batch_size=1000, max_iter=8)
    weighted = clone(clf).fit(X, y, weight)
    index = np.repeat(np.arange(len(y)), weight)
    repeated = clone(clf).fit([X[i] for i in index], y[index])
    assert_allclose(weighted.loss_curve_, repeated.loss_curve_, rtol=1e-9)
    assert_allclose(weighted.predict_proba(X), repeated.predict_proba(X), rtol=0, atol=1e-8)


def gradient_steps(clf, fit):
    """Get the sum of the steps of a fit, which are so short that their order has no effect."""
    rate = 1e-6
    clf.set_params(learning_rate_init=rate, max_iter=1, alpha=0)
    if isinstance(clf, XORMLPClassifier):
        clf.set_params(solver="sgd", momentum=0, activation="tanh")
    else:
        clf.set_params(solver=SGD(momentum=0), max_grad_norm=None)
    start, end = clone(clf).set_params(learning_rate_init=1e-300), clone(clf)
    fit(start)
    fit(end)
    moves = [(a - b).ravel() for a, b in zip(weights(end), weights(start), strict=True)]
    return np.concatenate(moves) / rate


@pytest.mark.filterwarnings(IGNORED)
@pytest.mark.parametrize("incremental", [False, True])
@pytest.mark.parametrize("batch_size", [1, 8, 1000])
def test_weights_equal_copies_in_expectation(case, batch_size, incremental):
    clf, X, y = case
    X, y = X[:16], y[:16]
    weight = np.resize([1, 2, 4, 9], 16)
    index = np.repeat(np.arange(16), weight)  # 64
    clf.set_params(batch_size=batch_size)

    def steps(index, weight):
        given = [X[i] for i in index], y[index], weight
        if incremental:
            moved = gradient_steps(clf, lambda c: c.partial_fit(*given, classes=[0, 1, 2]))
        else:
            moved = gradient_steps(clf, lambda c: c.fit(*given))
        return moved, max(1, len(index) // batch_size)

    (weighted, n_steps), (repeated, n_more_steps) = steps(np.arange(16), weight), steps(index, None)
    assert np.abs(repeated).max() > 0.01
    mean_weight = 4 if incremental else 1
    actual, expected = weighted / n_steps, repeated / n_more_steps * mean_weight
    assert_allclose(actual, expected, rtol=0, atol=1e-3 * np.abs(expected).max())


@pytest.mark.parametrize("solver", ["adam", "sgd"])
@pytest.mark.parametrize(
    ("batch_size", "max_iter"), [(1, 10), (8, 50), (32, 100), (200, 500), (1000, 1500)]
)
def test_balanced_weights_of_a_rare_class(batch_size, max_iter, solver):
    y = np.random.RandomState(0).permutation((np.arange(1000) < 5).astype(int))
    X = np.ones((1000, 1))
    init = [np.full((1, 2), 0.5), np.ones((2, 1))], [np.zeros(2), np.full(1, -3.0)]  # P = 0.11
    clf = XORMLPClassifier(2, "tanh", solver=solver, momentum=0, alpha=0, random_state=0, **QUIET)
    clf.set_params(batch_size=batch_size, max_iter=max_iter, class_weight="balanced", init=init)
    clf.set_params(learning_rate="cosine", learning_rate_init=0.01 if solver == "sgd" else 0.004)
    assert abs(clf.fit(X, y).predict_proba(X[:1])[0, 1] - 0.5) < 0.06


@pytest.mark.parametrize("shift", [0, 0.7])
def test_balanced_weights_of_a_rare_class_of_sequences(shift):
    rng = np.random.RandomState(0)
    y = rng.permutation((np.arange(1000) < 5).astype(int))
    X = [rng.normal(c * shift, 1, (3, 2)) for c in y]
    # A larger network would separate the five by heart.
    clf = SequenceRNNClassifier(4, class_weight="balanced", random_state=0, **LAST_STATE)
    clf.set_params(learning_rate="cosine", max_iter=20)  # for which there is no warning
    assert abs(clf.fit(X, y).predict_proba(X)[:, 1].mean() - 0.5) < 0.2
    assert clf.loss_ < clf.loss_curve_[0]


@pytest.mark.parametrize("dtype", ["u8", "f8"])
def test_integers_above_2_53_are_compared_exactly_with_classes_of_another_type(case, dtype):
    """NumPy compares int64 with uint64 or float64 as floats, in which 2**60 equals 2**60 + 1."""
    clf, X, y = case
    step = 1 if dtype == "u8" else 2**8  # floats differ by 2**8 from there on
    classes = 2**60 + step * np.arange(3)
    of_same_type = clone(clf).partial_fit(X, classes[y], classes=classes)
    expected = of_same_type.partial_fit(X, classes[y]).predict_proba(X)
    net = clone(clf).partial_fit(X, classes[y], classes=classes)
    assert_array_equal(net.partial_fit(X, classes[y].astype(dtype)).predict_proba(X), expected)
    other = (classes[y] + 2 * step).astype(dtype)
    with pytest.raises(ValueError, match=rf"y has classes \[.*\] that are not among \[{2**60}, "):
        net.partial_fit(X, other)
    of_neighbours = clone(clf).partial_fit(X, 2**60 + y, classes=2**60 + np.arange(3))
    with pytest.raises(ValueError, match=r"y has classes .* that are not among"):
        of_neighbours.partial_fit(X, (2**60 + 3 + y).astype("u8"))


def test_class_weights_in_partial_fit_of_single_samples(case):
    clf, X, y = case
    weight_of = {0: 0.5, 1: 7.0, 2: 1.0}

    def fitted(class_weight, weights):
        net = clone(clf).set_params(class_weight=class_weight)
        for i in range(30):
            net.partial_fit(X[i : i + 1], y[i : i + 1], weights[y[i : i + 1]], classes=[0, 1, 2])
        return net.predict_proba(X)

    expected = fitted(None, np.array([*weight_of.values()]))
    assert_array_equal(fitted(weight_of, np.ones(3)), expected)
    assert np.abs(fitted(None, np.ones(3)) - expected).max() > 0.01


@pytest.mark.filterwarnings(IGNORED)
def test_samples_of_weight_zero_are_dropped(case):
    clf, X, y = case
    clf.set_params(max_iter=3, batch_size=7, early_stopping=True, validation_fraction=0.3)
    weight = (np.arange(len(y)) % 4 > 0).astype(float)
    absent = clone(clf).fit([x for x, w in zip(X, weight, strict=True) if w], y[weight > 0])
    assert_array_equal(clf.fit(X, y, weight).predict_proba(X), absent.predict_proba(X))


# Restarts


@pytest.mark.filterwarnings(IGNORED)
def test_restarts_find_a_lower_loss():
    X, y = [[0, 0], [0, 1], [1, 0], [1, 1]], [0, 1, 1, 0]
    clf = XORMLPClassifier(2, "tanh", solver="lbfgs", n_init=1)
    alone = [clone(clf).set_params(random_state=seed).fit(X, y).score(X, y) for seed in range(20)]
    clf.set_params(n_init=20)
    best = [clone(clf).set_params(random_state=seed).fit(X, y).score(X, y) for seed in range(20)]
    assert min(alone) < 1
    assert min(best) == 1


@pytest.mark.parametrize(("clf", "rate"), [(MLP, 0.1), (RNN, 0.01)], ids=["mlp", "rnn"])
def test_restarts_keep_the_best_of_runs_that_converged(clf, rate, table, sequences):
    X, y = table if clf is MLP else sequences
    y = np.random.RandomState(0).permutation(y)  # cannot be learned
    settings = {"tol": 1e-2, "n_iter_no_change": 1, "max_iter": 500, "learning_rate_init": rate}
    gains = []
    for seed in range(4):
        one, five = (
            clone(clf).set_params(n_init=n, random_state=seed, **settings).fit(X, y) for n in (1, 5)
        )
        gains.append(one.best_loss_ - five.best_loss_)
    assert min(gains) >= 0
    assert max(gains) > 0


# Output and callbacks


@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
@pytest.mark.filterwarnings(IGNORED)
def test_verbose_prints_every_epoch(case, solver, capsys):
    clf, X, y = case
    clf.set_params(max_iter=3, solver=solver).fit(X, y)
    assert capsys.readouterr().out == ""
    clf.set_params(verbose=True).fit(X, y)
    lines = capsys.readouterr().out.splitlines()
    assert lines == [f"Iteration {i + 1}, loss = {clf.loss_curve_[i]:.8f}" for i in range(3)]


@pytest.mark.filterwarnings(IGNORED)
def test_verbose_prints_validation_scores(case, capsys):
    clf, X, y = case
    clf.set_params(max_iter=2, early_stopping=True, validation_fraction=0.2, verbose=True)
    clf.fit(X, y)
    out = capsys.readouterr().out
    assert [f"Validation score: {s:f}" in out for s in clf.validation_scores_] == [True, True]


SOLVERS = ["adam", "sgd", "lbfgs"]


@pytest.mark.filterwarnings(IGNORED)
@pytest.mark.parametrize("solver", SOLVERS)
def test_callbacks_are_called_for_every_epoch(case, solver):
    clf, X, y = case
    recorder = Recorder()
    clf.set_params(max_iter=4, solver=solver).set_callbacks(recorder)
    clf.fit(X, y)
    epochs = ["begin epoch", "end epoch"] * 4
    assert recorder.events == ["setup", "begin fit", *epochs, "end fit", "teardown"]


@pytest.mark.filterwarnings(IGNORED)
@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("kind", ["Recorder", "ScoringMonitor"])
def test_callbacks_do_not_change_the_result(case, solver, kind, request):
    clf, X, y = case
    if kind == "Recorder":
        callback = Recorder()
    else:
        callback = request.getfixturevalue("sklearn_callback").ScoringMonitor(scoring="accuracy")
    clf.set_params(max_iter=4, solver=solver)
    expected = clone(clf).fit(X, y).predict_proba(X)
    clf.set_callbacks(callback)
    assert_array_equal(clf.fit(X, y).predict_proba(X), expected)


@pytest.mark.parametrize("solver", SOLVERS)
def test_callback_stops_the_fit(case, solver):
    clf, X, y = case
    clf.set_params(solver=solver, **QUIET).set_callbacks(Recorder(3, lambda: True))
    clf.fit(X, y)  # no warning
    assert clf.n_iter_ == len(clf.loss_curve_) == 3


@pytest.mark.filterwarnings(IGNORED)
@pytest.mark.parametrize("solver", SOLVERS)
def test_scoring_monitor_logs_a_score_for_every_epoch(case, solver, sklearn_callback):
    clf, X, y = case
    monitor = sklearn_callback.ScoringMonitor(scoring="neg_log_loss")
    clf.set_params(max_iter=4, solver=solver, alpha=0, **QUIET).set_callbacks(monitor)
    clf.fit(X, y)
    logged = [row for row in monitor.get_logs().data if row["task_name"] == "epoch"]
    scores = [row["neg_log_loss"] for row in logged]
    assert len(scores) == 4
    assert len(set(scores)) == 4
    assert_allclose(-scores[-1], log_loss(y, clf.predict_proba(X)), rtol=1e-9)


@pytest.mark.filterwarnings(IGNORED)
@pytest.mark.parametrize("solver", SOLVERS)
def test_progress_bar_runs(case, solver, monkeypatch, sklearn_callback):
    pytest.importorskip("rich")
    screen = io.StringIO()
    monkeypatch.setattr("sys.stdout", screen)
    clf, X, y = case
    clf.set_params(max_iter=4, solver=solver).set_callbacks(sklearn_callback.ProgressBar())
    clf.fit(X, y)
    assert type(clf).__name__ in screen.getvalue()


@pytest.mark.filterwarnings(IGNORED)
def test_an_error_in_a_callback_leaves_the_estimator_unchanged(case):
    clf, X, y = case

    def fail():
        raise RuntimeError("no more disk space")

    recorder = Recorder(2, fail)
    clf.set_callbacks(recorder)
    before = dict(vars(clf))
    with pytest.raises(RuntimeError, match="no more disk space"):
        clf.fit(X, y)
    assert vars(clf) == before
    assert recorder.events[-1] == "teardown"


def test_lbfgs_ends_at_max_fun(sequences):
    X, y = sequences
    with pytest.warns(ConvergenceWarning, match="evaluated the loss max_fun=2 times"):
        clf = clone(RNN).set_params(solver=LBFGS(max_fun=2)).fit(X, y)
    assert clf.n_iter_ <= 2
