"""All numbers that a fit reports, and the weights it keeps, recomputed from recorded weights."""

import copy
import re
import signal
import warnings

import numpy as np
import pytest
from numpy.testing import assert_allclose
from recipes import CONSTANT_RATE
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skrnn import PerStep, SequenceRNNClassifier, SequenceRNNRegressor, XORMLPClassifier

N, ALPHA, RATE = 36, 0.01, 0.05


def sequences(n, seed):
    rng = np.random.RandomState(seed)
    y = np.arange(n) % 3
    return [rng.normal(c / 2, 1, (rng.randint(1, 6), 2)) for c in y], y


X, Y = sequences(N, 0)
X_VAL, Y_VAL = sequences(30, 1)
TABLE, TABLE_VAL = (np.array([x.mean(axis=0) for x in xs]) for xs in (X, X_VAL))
SETTINGS = {"alpha": ALPHA, "learning_rate_init": RATE, "max_iter": 12, "random_state": 3}


def with_initial_weights(estimator, X):
    """Set `init` to random weights, so that a fit draws the order of samples only."""
    fitted = slow(estimator).set_params(random_state=5).fit(X, Y)
    if hasattr(fitted, "weights_"):
        return estimator.set_params(init=fitted.weights_)
    return estimator.set_params(init=(fitted.coefs_, fitted.intercepts_))


def slow(estimator):
    """Make a copy whose fit does not change the weights."""
    return clone(estimator).set_params(solver="sgd", learning_rate_init=1e-300, max_iter=1)


with warnings.catch_warnings():
    warnings.simplefilter("ignore", ConvergenceWarning)
    RNN = with_initial_weights(
        SequenceRNNClassifier(5, dropout=0, temperature=None, **SETTINGS, **CONSTANT_RATE), X
    )
    MLP = with_initial_weights(XORMLPClassifier(5, **SETTINGS), TABLE)


class Recorder:
    """Keep a fitted copy of the estimator after each epoch."""

    def __init__(self, at=None, action=None):
        self.fitted, self.at, self.action = [], at, action

    def setup(self, estimator, context): ...
    def teardown(self, estimator, context): ...
    def on_fit_task_begin(self, estimator, context): ...

    def on_fit_task_end(self, estimator, context, *, fitted_estimator):
        if context.task_name == "epoch":
            self.fitted.append(fitted_estimator.set_callbacks())  # its arrays are copies
            if len(self.fitted) == self.at:
                self.action()


def weights(estimator):
    if hasattr(estimator, "coefs_"):
        return np.concatenate([a.ravel() for a in estimator.coefs_ + estimator.intercepts_])
    return np.concatenate([a.ravel() for p in estimator.weights_.values() for a in p.values()])


def penalty(estimator, total):
    if hasattr(estimator, "coefs_"):
        squares = sum((W**2).sum() for W in estimator.coefs_)
    else:
        squares = sum(
            (a**2).sum() for p in estimator.weights_.values() for k, a in p.items() if k in "WU"
        )
    return ALPHA / 2 / total * squares


def mean_loss(estimator, X, y):
    return -estimator.predict_log_proba(X)[np.arange(len(y)), y].mean()


def loss_of(estimator, X, y):
    return mean_loss(estimator, X, y) + penalty(estimator, len(y))


def assert_same_weights(fitted, expected):
    assert_allclose(weights(fitted), weights(expected), rtol=0, atol=1e-250)  # see `slow`


def fit_recorded(estimator, X, **kwargs):
    recorder = Recorder()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        fitted = clone(estimator).set_callbacks(recorder).fit(X, Y, **kwargs)
        start = slow(estimator).fit(X, Y)
    messages = [str(w.message) for w in caught if "(1) reached" not in str(w.message)]
    return fitted, start, recorder.fitted, messages


def check_history(fitted, epochs, X_val=None):
    assert fitted.n_iter_ == len(epochs) == len(fitted.loss_curve_)
    assert fitted.t_ == N * len(epochs)
    assert fitted.loss_ == fitted.loss_curve_[-1]
    assert fitted.best_loss_ in (None, min(fitted.loss_curve_))
    for n, epoch in enumerate(epochs, start=1):
        assert (epoch.n_iter_, epoch.loss_curve_) == (n, fitted.loss_curve_[:n])
    if X_val is None:
        assert fitted.validation_scores_ is fitted.best_validation_score_ is None
        return
    assert_allclose(fitted.validation_scores_, [e.score(X_val, Y_VAL) for e in epochs], rtol=1e-12)
    losses = [mean_loss(epoch, X_val, Y_VAL) for epoch in epochs]
    assert_allclose(fitted.validation_loss_curve_, losses, rtol=1e-9)
    assert fitted.best_validation_score_ == max(fitted.validation_scores_)


class Rates:
    """The learning rate of each epoch, by formulas of its own."""

    def __init__(self, estimator):
        self.e, self.best, self.stalled, self.divisor = estimator, np.inf, 0, 1

    def of_epoch(self, epoch):
        rate = self.e.learning_rate_init
        if self.e.learning_rate == "invscaling":
            return rate / (epoch * N + 1) ** 0.5
        if self.e.learning_rate == "cosine":
            return rate * (1 + np.cos(np.pi * epoch / self.e.max_iter)) / 2
        return rate / self.divisor

    def end_epoch(self, loss):
        self.stalled = 0 if loss <= self.best - self.e.tol else self.stalled + 1
        self.best = min(self.best, loss)
        if self.e.learning_rate == "adaptive" and self.stalled > self.e.n_iter_no_change:
            self.stalled, self.divisor = 0, self.divisor * 5


def follow_by_partial_fit(estimator, start, X, epochs):
    """Repeat the steps by partial_fit and compare the weights; returns the loss of each epoch."""
    rng, rates = np.random.RandomState(estimator.random_state), Rates(estimator)
    other, order, losses = copy.deepcopy(start), np.arange(N), []
    other.set_params(solver=estimator.solver, learning_rate="constant", batch_size=N)
    other._optimizer_state = None
    for n, epoch in enumerate(epochs):
        order, loss = order[rng.permutation(N)], 0
        other.set_params(learning_rate_init=rates.of_epoch(n))
        for batch in np.split(order, range(estimator.batch_size, N, estimator.batch_size)):
            other.partial_fit([X[i] for i in batch], Y[batch])
            loss += other.loss_ * len(batch) / N
        assert_allclose(weights(other), weights(epoch), rtol=1e-6, atol=1e-8)
        rates.end_epoch(loss)
        losses.append(loss)
    return losses


FIRST_ORDER = {
    "adam": {"solver": "adam"},
    "sgd": {"solver": "sgd"},
    "invscaling": {"solver": "sgd", "learning_rate": "invscaling"},
    "adaptive": {
        "solver": "sgd", "learning_rate": "adaptive", "n_iter_no_change": 1, "tol": 0.05
    },
    "cosine": {"solver": "sgd", "learning_rate": "cosine"},
    "spikes": {"solver": "sgd", "learning_rate_init": 1.0},
    "large spikes": {"solver": "sgd", "learning_rate_init": 3.0},
}  # fmt: skip
FAMILIES = {"rnn": (RNN, X, X_VAL), "mlp": (MLP, TABLE, TABLE_VAL)}


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("validated", [False, True])
@pytest.mark.parametrize("batch_size", [N, 8])
@pytest.mark.parametrize("case", FIRST_ORDER)
def test_first_order_solvers(case, batch_size, validated, family):
    estimator, X, X_val = FAMILIES[family]
    estimator = clone(estimator).set_params(**FIRST_ORDER[case], batch_size=batch_size)
    given = {"X_val": X_val, "y_val": Y_VAL} if validated else {}
    fitted, start, epochs, messages = fit_recorded(estimator, X, **given)
    check_history(fitted, epochs, X_val if validated else None)
    follow = epochs[:2] if case == "large spikes" else epochs  # there, rounding errors grow
    if batch_size == N:  # the loss of an epoch is that of the weights before its step
        described = [start, *epochs[:-1]]
        expected = [loss_of(e, X, Y) for e in described]
        start_loss = expected[0]
    else:  # it is the mean over the steps; the weights after them are kept
        described = epochs
        expected = follow_by_partial_fit(estimator, start, X, follow)
        start_loss = loss_of(start, X, Y) + penalty(start, N / 5) - penalty(start, N)
    assert_allclose(fitted.loss_curve_[: len(expected)], expected, rtol=1e-6)
    best, last = min(fitted.loss_curve_), fitted.loss_
    best_weights = start if start_loss <= best else described[np.argmin(fitted.loss_curve_)]
    rose = last > max(1.1 * start_loss, start_loss + estimator.tol)
    if rose:
        (message,) = messages
        assert f"after {len(epochs)} iterations the loss was {last:g}, from " in message
        assert_allclose(float(re.search(r"from (\S+) at", message)[1]), start_loss, rtol=1e-5)
    else:
        assert not any("diverged" in message for message in messages)
    spiked = family == "rnn" and last > best + estimator.tol
    assert_same_weights(fitted, best_weights if rose or spiked else epochs[-1])


def test_the_cases_include_spikes_and_divergence():
    ends = {"spiked": 0, "diverged": 0, "ordinary": 0}
    for case in FIRST_ORDER:
        for batch_size in (N, 8):
            estimator = clone(RNN).set_params(**FIRST_ORDER[case], batch_size=batch_size)
            fitted, _, _, messages = fit_recorded(estimator, X)
            if any("diverged" in message for message in messages):
                ends["diverged"] += 1
            else:
                spiked = fitted.loss_ > fitted.best_loss_ + estimator.tol
                ends["spiked" if spiked else "ordinary"] += 1
    assert min(ends.values()) >= 1


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("validated", [False, True])
def test_lbfgs(validated, family):
    estimator, X, X_val = FAMILIES[family]
    estimator = clone(estimator).set_params(solver="lbfgs")
    given = {"X_val": X_val, "y_val": Y_VAL} if validated else {}
    fitted, _, epochs, messages = fit_recorded(estimator, X, **given)
    check_history(fitted, epochs, X_val if validated else None)
    assert_allclose(fitted.loss_curve_, [loss_of(e, X, Y) for e in epochs], rtol=1e-9)
    assert_same_weights(fitted, epochs[-1])
    assert messages == [
        "Maximum iterations (12) reached and the optimization hasn't converged yet. Increase "
        "max_iter, or scale X."
    ]


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("batch_size", [N, 8])
@pytest.mark.parametrize("held_out", [False, True])
def test_early_stopping(held_out, batch_size, family):
    estimator, X, X_val = FAMILIES[family]
    estimator = clone(estimator).set_params(
        solver="adam", batch_size=batch_size, early_stopping=True, n_iter_no_change=3,
        validation_fraction=0.25, max_iter=40,
    )  # fmt: skip
    given = {} if held_out else {"X_val": X_val, "y_val": Y_VAL}
    fitted, _, epochs, _ = fit_recorded(estimator, X, **given)
    assert len(epochs) == fitted.n_iter_ == len(fitted.validation_scores_)
    assert fitted.best_loss_ is None
    if not held_out:
        check_history(fitted, epochs, X_val)
    best = int(np.argmin(fitted.validation_loss_curve_))
    assert best < len(epochs) - 1
    assert_same_weights(fitted, epochs[best])
    constant = -np.sum(np.full(3, 1 / 3) * np.log(1 / 3))  # three classes of equal frequency
    assert fitted.n_iter_ == epoch_that_ends(fitted, 0.95 * constant)


def epoch_that_ends(fitted, no_progress):
    """Find the epoch after which early stopping ends a fit, by formulas of its own."""
    loss, own_loss, score, stalled = np.inf, np.inf, -np.inf, 0
    curves = fitted.validation_loss_curve_, fitted.validation_scores_, fitted.loss_curve_
    for n, (new_loss, new_score, new_own_loss) in enumerate(zip(*curves, strict=True), start=1):
        better = new_loss <= loss - fitted.tol or new_score >= score + fitted.tol
        learning = new_own_loss > no_progress and new_own_loss <= own_loss - fitted.tol
        stalled = 0 if better or learning else stalled + 1
        loss, own_loss, score = (
            min(loss, new_loss),
            min(own_loss, new_own_loss),
            max(score, new_score),
        )
        if stalled > fitted.n_iter_no_change:
            return n
    return fitted.max_iter


# Dropout: the losses of the epochs are random ------------------------------------------------


@pytest.mark.parametrize("batch_size", [N, 8])
@pytest.mark.parametrize("rate", [0.01, 30.0])
def test_divergence_is_judged_by_losses_without_dropout(rate, batch_size):
    settings = {"dropout": 0.5, "solver": "sgd", "learning_rate_init": rate}
    estimator = clone(RNN).set_params(**settings, batch_size=batch_size, max_grad_norm=None)
    fitted, start, epochs, messages = fit_recorded(estimator, X)
    n_batches = -(-N // batch_size)
    first, last = (
        mean_loss(e, X, Y) + penalty(e, N / n_batches)
        for e in (start.set_params(dropout=0), epochs[-1])
    )
    diverged = [message for message in messages if "Training diverged" in message]
    assert (last > 1.1 * first) == (rate == 30.0) == (len(diverged) == 1)
    for message in diverged:
        found = re.search(r"the loss was (\S+), from (\S+) at the start", message).groups()
        assert_allclose([float(number) for number in found], [last, first], rtol=1e-5)
        assert abs(fitted.loss_ - last) > 1e-3 * last  # with dropout


@pytest.mark.parametrize(
    ("n", "is_constant", "params"),
    [(2, True, {}), (6, True, {}), (6, False, {"max_iter": 2}), (20, False, {"max_iter": 2})],
)
def test_noise_is_no_divergence_with_dropout(n, is_constant, params):
    rose = 0
    for seed in range(30):
        rng = np.random.RandomState(seed)
        X = [rng.normal(size=(rng.randint(1, 6), 2)) for _ in range(n)]
        X = [np.ones((3, 2))] * n if is_constant else X
        reg = SequenceRNNRegressor(dropout=0.3, alpha=0.0001, random_state=seed, **params)
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            reg.fit(X, rng.normal(size=n))
        rose += reg.loss_ > 1.1 * reg.loss_curve_[0]
    assert rose > 0  # by chance, as the losses of the epochs do with dropout


# Good weights at the start ---------------------------------------------------------------


@pytest.mark.parametrize("batch_size", [N, 8])
def test_a_tiny_loss_that_varies_has_not_diverged(batch_size):
    y = np.arange(N) % 2
    X = [np.full((3, 1), 2.0 * c - 1) for c in y]
    clf = SequenceRNNClassifier(4, alpha=0, batch_size=batch_size, max_iter=300, random_state=0)
    clf.set_params(learning_rate_init=0.02, tol=0, n_iter_no_change=np.inf, **CONSTANT_RATE)
    with pytest.warns(ConvergenceWarning, match=r"Maximum iterations \(300\) reached"):
        clf.fit(X, y)
    good = clf.weights_
    again = clone(clf).set_params(init=good, solver="sgd", tol=1e-4, learning_rate_init=1.0)
    again.set_params(max_iter=30, n_iter_no_change=10)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        again.fit(X, y)
    assert again.loss_ < 0.01
    assert not np.array_equal(weights(again), weights(clf))


# Ctrl-C ----------------------------------------------------------------------------------


def interrupt():
    signal.raise_signal(signal.SIGINT)


@pytest.fixture
def ctrl_c():
    """Let SIGINT raise KeyboardInterrupt; shells start background processes that ignore it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("params", [{"solver": "adam"}, {"solver": "lbfgs"}], ids=repr)
@pytest.mark.parametrize("batch_size", [N, 8])
@pytest.mark.parametrize("n_epochs", [1, 2, 5])
@pytest.mark.usefixtures("ctrl_c")
def test_ctrl_c_keeps_the_weights_of_whole_epochs(n_epochs, batch_size, params, family):
    estimator, X, _ = FAMILIES[family]
    estimator = clone(estimator).set_params(**params, batch_size=batch_size)
    with pytest.warns(ConvergenceWarning, match=rf"Maximum iterations \({n_epochs}\) reached"):
        whole = clone(estimator).set_params(max_iter=n_epochs).fit(X, Y)
    message = f"interrupted after {n_epochs} iterations. The best weights are kept"
    with pytest.warns(ConvergenceWarning, match=message):
        interrupted = clone(estimator).set_callbacks(Recorder(n_epochs, interrupt)).fit(X, Y)
    assert_same_weights(interrupted, whole)
    assert interrupted.n_iter_ == n_epochs
    for name in ("loss_", "best_loss_", "loss_curve_", "t_"):
        assert getattr(interrupted, name) == getattr(whole, name)


class InterruptingLoss:
    """A loss that is interrupted in its n-th call."""

    def __init__(self, loss, n):
        self.loss, self.n = loss, n

    def __call__(self, *args):
        self.n -= 1
        if self.n == 0:
            raise KeyboardInterrupt
        return self.loss(*args)


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize(("step", "n_whole"), [(3, 0), (7, 1), (16, 3)])
def test_ctrl_c_within_an_epoch_discards_its_steps(step, n_whole, family, monkeypatch):
    estimator, X, _ = FAMILIES[family]
    estimator = clone(estimator).set_params(solver="adam", batch_size=8)  # 5 steps an epoch
    options = type(estimator)._options

    def interrupting(self, *args):
        given = options(self, *args)
        object.__setattr__(given, "loss", InterruptingLoss(given.loss, step + 1))
        return given

    monkeypatch.setattr(type(estimator), "_options", interrupting)
    with pytest.warns(ConvergenceWarning, match=f"interrupted after {n_whole} iterations"):
        interrupted = clone(estimator).fit(X, Y)
    monkeypatch.undo()
    _, start, epochs, _ = fit_recorded(estimator, X)
    assert_same_weights(interrupted, [start, *epochs][n_whole])


@pytest.mark.parametrize("wrapped", [False, True])
@pytest.mark.usefixtures("ctrl_c")
def test_ctrl_c_ends_a_search(wrapped):
    callback = Recorder(2, interrupt)
    clf = clone(RNN).set_params(solver="adam").set_callbacks(callback)
    grid = {"alpha": [0.1, 0.2, 0.3]}
    if wrapped:
        clf = make_pipeline(PerStep(StandardScaler()), clf)
        grid = {f"sequencernnclassifier__{name}": values for name, values in grid.items()}
    search = GridSearchCV(clf, grid, cv=2, error_score="raise")
    with pytest.raises(KeyboardInterrupt):
        search.fit(X, Y)
    assert not hasattr(search, "best_estimator_")
    assert not hasattr(search, "cv_results_")
