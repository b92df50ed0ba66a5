"""XORMLPRegressor trains like MLPRegressor, and where it differs.

The documentation names the exceptions: truth tables, early stopping, weights in several batches,
several outputs, and training that diverges.
"""

import inspect
import pickle
import warnings
from itertools import product

import numpy as np
import pytest
from numpy.random import RandomState
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from sklearn.base import clone
from sklearn.compose import TransformedTargetRegressor
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPRegressor
from sklearn.preprocessing import StandardScaler
from test_mlp_oracle import ADAM, SHARED
from test_mlp_oracle import CASES as OF_CLASSIFIER
from versions import needs_sklearn

from skrnn import EnsembleRegressor, Gaussian, Huber, Quantile, XORMLPRegressor
from skrnn.pytorch import from_state_dict, to_state_dict

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

# A squared error is steeper than a log loss.
HAS_LOSS = needs_sklearn("1.7", "MLPRegressor has the parameter loss")
HAS_WEIGHT = needs_sklearn("1.7", "MLPRegressor has sample_weight")
SLOWER = {"learning_rate_init": 0.01}
SGD = {"solver": "sgd"} | SLOWER
CASES = [case | (SLOWER if case["solver"] == "sgd" else {}) for case in OF_CLASSIFIER]

HISTORY = ("loss_curve_", "loss_", "validation_scores_", "best_validation_score_")
ATTRIBUTES = ("n_iter_", "t_", "n_layers_", "n_outputs_", "out_activation_", "n_features_in_")
XOR = np.array(list(product([0.0, 1.0], repeat=2)))
Y_XOR = np.array([0.0, 1, 1, 0])


def make_targets(kind, X):
    scores = X @ RandomState(1).normal(size=(X.shape[1], 3)) / 3
    targets = {"numbers": scores[:, 0], "counts": np.exp(scores[:, 0]).round(), "vectors": scores}
    return targets[kind]


def both(params, fit):
    """Fit both regressors with the same parameters."""
    regressors = MLPRegressor(**SHARED | params), XORMLPRegressor(**SHARED | params)
    for reg in regressors:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            fit(reg)
    return regressors


def assert_same_weights(theirs, ours, tol=1e-9):
    for name in ("coefs_", "intercepts_"):
        for actual, expected in zip(getattr(ours, name), getattr(theirs, name), strict=True):
            assert_allclose(actual, expected, rtol=0, atol=tol, err_msg=name)


def assert_same_training(theirs, ours, X, tol=1e-9):
    for name in ATTRIBUTES:
        assert getattr(ours, name) == getattr(theirs, name)
    for name in HISTORY:
        expected, actual = getattr(theirs, name), getattr(ours, name)
        assert (actual is None) == (expected is None)
        if expected is not None:
            assert_allclose(actual, expected, rtol=tol, err_msg=name)
    assert_same_weights(theirs, ours, tol)
    assert_allclose(ours.predict(X), theirs.predict(X), rtol=0, atol=1e-8)


@pytest.mark.parametrize("params", CASES, ids=repr)
def test_whole_trajectory(table, params):
    X, _ = table
    y = make_targets("numbers", X)
    theirs, ours = both(params, lambda reg: reg.fit(X, y))
    assert_same_training(theirs, ours, X)
    assert_allclose(ours.best_loss_, theirs.best_loss_, rtol=1e-9)


@HAS_LOSS
@pytest.mark.parametrize("params", [ADAM | {"batch_size": 32}, SGD])
def test_whole_trajectory_of_counts(table, params):
    X, _ = table
    y = make_targets("counts", X)
    assert_same_training(*both({"loss": "poisson", **params}, lambda reg: reg.fit(X, y)), X)


@HAS_LOSS
@pytest.mark.parametrize("params", [ADAM, ADAM | {"batch_size": 32}, SGD], ids=repr)
@pytest.mark.parametrize("loss", ["squared_error", "poisson"])
def test_whole_trajectory_of_vectors(table, params, loss):
    """The weights are the same; the loss is the sum over outputs, as that of 'poisson' is."""
    X, _ = table
    y = np.abs(make_targets("vectors", X))
    params = params | {"loss": loss, "alpha": 0, "n_iter_no_change": np.inf}
    theirs, ours = both(params, lambda reg: reg.fit(X, y))
    assert_same_weights(theirs, ours)
    factor = 3 if loss == "squared_error" else 1
    assert_allclose(ours.loss_curve_, factor * np.array(theirs.loss_curve_), rtol=1e-9)
    assert_allclose(ours.predict(X), theirs.predict(X), rtol=0, atol=1e-8)


@pytest.mark.parametrize("form", [np.asarray, sparse.csr_array], ids=["dense", "sparse"])
def test_untouched_parameters(form):
    """With any data but truth tables, the defaults give the same weights."""
    X = form(RandomState(0).uniform(-1, 1, (80, 3)).round(1))
    y = X @ np.array([1.0, -2.0, 0.5])
    assert_same_training(*(cls(random_state=0).fit(X, y) for cls in (MLPRegressor, OURS)), X)


@pytest.mark.parametrize("params", [ADAM, SGD], ids=repr)
def test_early_stopping_has_the_same_curves(table, params):
    """The validation samples are the same; another rule may end training earlier or later."""
    X, _ = table
    y = make_targets("numbers", X)
    params = params | {"early_stopping": True, "batch_size": 32, "max_iter": 30}
    theirs, ours = both(params, lambda reg: reg.fit(X, y))
    shorter = min(theirs.n_iter_, ours.n_iter_)
    assert shorter > 3
    for name in ("loss_curve_", "validation_scores_"):
        expected, actual = getattr(theirs, name)[:shorter], getattr(ours, name)[:shorter]
        assert_allclose(actual, expected, rtol=1e-7, err_msg=name)


@HAS_WEIGHT
@pytest.mark.parametrize("params", [ADAM, SGD], ids=repr)
def test_sample_weight_in_one_batch(table, params):
    X, _ = table
    weight = RandomState(2).uniform(0.1, 3, len(X))
    y = make_targets("numbers", X)
    assert_same_training(*both(params, lambda reg: reg.fit(X, y, weight)), X)


@pytest.mark.parametrize("params", [ADAM, SGD | {"batch_size": 32}], ids=repr)
def test_partial_fit(table, params):
    X, _ = table
    y = make_targets("numbers", X)

    def fit(reg):
        for part in np.array_split(np.arange(len(X)), 4):
            for _ in range(3):
                reg.partial_fit(X[part], y[part])

    theirs, ours = both(params, fit)
    assert len(ours.loss_curve_) == 12
    assert_same_training(theirs, ours, X)


@pytest.mark.parametrize("params", [ADAM, SGD], ids=repr)
def test_warm_start(table, params):
    X, _ = table
    y = make_targets("numbers", X)
    params = params | {"warm_start": True, "max_iter": 5}
    assert_same_weights(*both(params, lambda reg: reg.fit(X, y).fit(X, y)))


@HAS_LOSS
@pytest.mark.parametrize("loss", ["squared_error", "poisson"])
def test_lbfgs_reaches_the_same_minimum(table, loss):
    X, _ = table
    y = make_targets("counts", X)
    weight = RandomState(2).uniform(0.1, 3, len(X))
    params = {"solver": "lbfgs", "loss": loss, "alpha": 10.0, "max_iter": 2000, "tol": 1e-7}
    params |= {"hidden_layer_sizes": 3, "activation": "tanh"}
    theirs, ours = both(params, lambda reg: reg.fit(X, y, weight))
    assert_allclose(ours.loss_, theirs.loss_, rtol=1e-6)
    assert_allclose(ours.predict(X), theirs.predict(X), rtol=0, atol=1e-2)


def test_weights_of_MLPRegressor(table):
    X, _ = table
    y = make_targets("vectors", X)
    theirs, ours = both(ADAM, lambda reg: reg.fit(X, y))
    slow = XORMLPRegressor(**SHARED | ADAM | {"learning_rate_init": 1e-12, "max_iter": 1})
    slow.set_params(init=(theirs.coefs_, theirs.intercepts_)).fit(X, y)
    assert_allclose(slow.predict(X), theirs.predict(X), rtol=0, atol=1e-8)
    theirs.fit(X, y[::-1])
    ours.coefs_, ours.intercepts_ = theirs.coefs_, theirs.intercepts_
    assert_allclose(ours.predict(X), theirs.predict(X), rtol=0, atol=1e-12)


# Every parameter, attribute and method of MLPRegressor exists in XORMLPRegressor too.

OURS = XORMLPRegressor
THEIR_PARAMETERS = inspect.signature(MLPRegressor).parameters
OUR_PARAMETERS = inspect.signature(XORMLPRegressor).parameters


@pytest.mark.parametrize("name", THEIR_PARAMETERS)
def test_parameter(name):
    expected = "auto" if name == "solver" else THEIR_PARAMETERS[name].default
    assert OUR_PARAMETERS[name].default == expected
    assert OUR_PARAMETERS[name].kind == THEIR_PARAMETERS[name].kind


@HAS_LOSS
def test_parameters_in_the_same_order():
    assert list(OUR_PARAMETERS)[: len(THEIR_PARAMETERS)] == list(THEIR_PARAMETERS)


@pytest.mark.parametrize("solver", ["adam", "sgd", "lbfgs"])
def test_fitted_attributes_and_methods(table, solver):
    X, _ = table
    theirs, ours = both({"solver": solver}, lambda reg: reg.fit(X, make_targets("numbers", X)))

    def public(reg):
        return {name for name in dir(reg) if not name.startswith("_") and hasattr(reg, name)}

    # MLPRegressor has partial_fit with L-BFGS too, which it then trains to the end.
    only_theirs = {"partial_fit"} if solver == "lbfgs" else set()
    assert public(theirs) - public(ours) == only_theirs
    assert "normalize_y" not in public(ours)
    for name in public(theirs) & public(ours):
        if callable(getattr(theirs, name)):
            expected = set(inspect.signature(getattr(theirs, name)).parameters)
            assert expected <= set(inspect.signature(getattr(ours, name)).parameters)


# Truth tables --------------------------------------------------------------------------------


@pytest.mark.parametrize("activation", ["tanh", "relu", "logistic"])
@pytest.mark.parametrize("y", [Y_XOR, 2 - 3 * Y_XOR, 1 + XOR[:, 0] * Y_XOR], ids=str)
def test_two_units_learn_the_targets_of_a_table(activation, y):
    for seed in range(10):
        reg = OURS(hidden_layer_sizes=2, activation=activation, random_state=seed).fit(XOR, y)
        assert reg.score(XOR, y) > 0.98


def test_a_single_start_often_does_not_learn_xor():
    reg = OURS(hidden_layer_sizes=2, n_init=1)
    scores = [reg.set_params(random_state=i).fit(XOR, Y_XOR).score(XOR, Y_XOR) for i in range(10)]
    assert sum(score > 0.98 for score in scores) < 5


def test_the_table_with_noise_gives_the_mean_of_each_row():
    rng = RandomState(0)
    row = rng.randint(4, size=400)
    y, weight = Y_XOR[row] + rng.normal(size=400), rng.randint(3, size=400)
    reg = OURS(hidden_layer_sizes=8, random_state=0).fit(XOR[row], y, weight)
    of_rows = [np.average(y[row == i], weights=weight[row == i]) for i in range(4)]
    assert_allclose(reg.predict(XOR), of_rows, atol=0.05)


def starts(monkeypatch, reg, X, y):
    """Count the starts of a fit."""
    attempts = []
    init_weights = OURS._init_weights
    with monkeypatch.context() as patch:
        patch.setattr(
            OURS,
            "_init_weights",
            lambda self, params, rng, attempt: (
                attempts.append(attempt) or init_weights(self, params, rng, attempt)
            ),
        )
        reg.fit(X, y)
    return len(attempts)


def test_starts_end_when_the_table_is_explained(monkeypatch):
    rows = np.tile(XOR, (30, 1))
    noise = RandomState(0).normal(size=120)
    explained = np.tile(Y_XOR, 30) + noise
    assert starts(monkeypatch, OURS(random_state=0), rows, explained) == 1
    linear = OURS(activation="identity", random_state=0)
    assert starts(monkeypatch, linear, XOR, Y_XOR) == 50
    assert starts(monkeypatch, linear.set_params(n_init=3), XOR, Y_XOR) == 3


@pytest.mark.parametrize("constant", [0.0, 1.0, 1000.0])
def test_targets_that_do_not_depend_on_the_row_need_one_start(monkeypatch, constant):
    reg = OURS(hidden_layer_sizes=4, random_state=0)
    assert starts(monkeypatch, reg, XOR, np.full(4, constant)) == 1
    noise = np.array([1.0, -1.0]).repeat(4) + constant
    assert starts(monkeypatch, reg, np.tile(XOR, (2, 1)), noise) == 1


def test_restarts_of_other_tables_never_end_early(monkeypatch):
    X = RandomState(0).uniform(size=(20, 1))
    reg = OURS(hidden_layer_sizes=2, solver="lbfgs", n_init=4, random_state=0)
    assert starts(monkeypatch, reg, X, X[:, 0]) == 4


@pytest.mark.parametrize(
    "params", [{"early_stopping": True, "max_iter": 4}, {"dropout": 0.3, "max_iter": 4}], ids=repr
)
def test_truth_tables_train_by_adam_where_lbfgs_is_not_possible(params):
    X, y = np.tile(XOR, (10, 1)), np.tile(Y_XOR, 10)
    auto = OURS(hidden_layer_sizes=3, random_state=0, **params).fit(X, y)
    adam = clone(auto).set_params(solver="adam").fit(X, y)
    assert_array_equal(auto.coefs_[0], adam.coefs_[0])


# Other losses, and other tools --------------------------------------------------------------


@pytest.mark.parametrize(
    "loss", ["absolute_error", "gamma", Huber(0.1), Quantile((0.1, 0.5, 0.9))], ids=str
)
def test_other_losses_learn_the_table(loss):
    y = 1 + Y_XOR
    prediction = OURS(loss, 8, "tanh", random_state=0).fit(XOR, y).predict(XOR)
    if isinstance(loss, Quantile):
        assert (np.diff(prediction, axis=1) >= 0).all()
        prediction = prediction[:, 1]
    assert_allclose(prediction, y, atol=0.1)


def test_gaussian_learns_the_spread_of_each_row():
    X, rng = np.repeat(XOR, 50, axis=0), RandomState(0)
    y = np.repeat(Y_XOR, 50) + np.repeat([0.1, 0.2, 0.3, 0.4], 50) * rng.normal(size=200)
    reg = OURS(Gaussian(), 8, "tanh", random_state=0).fit(X, y)
    mean, std = reg.predict(XOR, return_std=True)
    assert_allclose(mean, y.reshape(4, 50).mean(axis=1), atol=0.05)
    assert_allclose(std, y.reshape(4, 50).std(axis=1), rtol=0.1)


def test_a_loss_refuses_targets_outside_its_domain():
    with pytest.raises(ValueError, match=r"needs targets >= 0, but y is -1\.0 at row 2"):
        OURS("poisson").fit(XOR, [0, 1, -1, 0])
    with pytest.raises(ValueError, match="The 'loss' parameter of XORMLPRegressor must be"):
        OURS("log_loss").fit(XOR, Y_XOR)


def test_large_targets_need_a_transformer():
    X = RandomState(0).uniform(size=(30, 2))
    y = 1e6 + 1e5 * X[:, 0]
    reg = OURS(hidden_layer_sizes=20, learning_rate_init=0.01, random_state=0)
    scaled = TransformedTargetRegressor(reg, transformer=StandardScaler()).fit(X, y)
    assert scaled.score(X, y) > 0.5 > reg.fit(X, y).score(X, y)


@pytest.mark.parametrize("y", [Y_XOR, np.c_[Y_XOR, XOR]], ids=["numbers", "vectors"])
def test_saved_exchanged_and_averaged(y):
    reg = OURS(hidden_layer_sizes=4, random_state=0).fit(XOR.astype(np.float32), y)
    expected = reg.predict(XOR.astype(np.float32))
    assert expected.dtype == np.float32
    loaded = pickle.loads(pickle.dumps(reg))
    assert vars(loaded).keys() == vars(reg).keys()
    assert_array_equal(loaded.predict(XOR.astype(np.float32)), expected)
    exchanged = from_state_dict(OURS(), to_state_dict(reg))
    assert_array_equal(exchanged.predict(XOR.astype(np.float32)), expected)
    ensemble = EnsembleRegressor(reg, 2, random_state=0).fit(XOR, y)
    mean, std = ensemble.predict(XOR, return_std=True)
    assert_allclose(mean, y, atol=0.1)
    assert std.shape == y.shape
