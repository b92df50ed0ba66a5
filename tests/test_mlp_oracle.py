"""XORMLPClassifier trains like MLPClassifier, and where it differs.

The documentation names the exceptions: truth tables, early stopping, weights in several batches,
and training that diverges.
"""

import inspect
import warnings

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from sklearn.datasets import load_iris, load_wine, make_moons
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPClassifier
from versions import needs_sklearn, sklearn_before

from skrnn import XORMLPClassifier
from skrnn.datasets import make_gate

HAS_WEIGHT = needs_sklearn("1.7", "MLPClassifier has sample_weight")
SHARED = {"hidden_layer_sizes": (7, 5), "max_iter": 20, "random_state": 3, "tol": 1e-4}
ADAM = {"solver": "adam", "learning_rate_init": 0.01}
SGD = {"solver": "sgd", "learning_rate_init": 0.1}

CASES = [
    ADAM,
    ADAM | {"batch_size": 32},
    ADAM | {"batch_size": 32, "shuffle": False},
    ADAM | {"alpha": 0},
    ADAM | {"alpha": 3.0, "batch_size": 32},
    ADAM | {"beta_1": 0.5, "beta_2": 0.9, "epsilon": 1e-3},
    ADAM | {"hidden_layer_sizes": ()},
    ADAM | {"hidden_layer_sizes": 4},
    ADAM | {"n_iter_no_change": 2, "tol": 0.02, "max_iter": 100},
    *[ADAM | {"activation": name} for name in ("identity", "logistic", "tanh", "relu")],
    SGD,
    SGD | {"batch_size": 32},
    SGD | {"batch_size": 32, "shuffle": False},
    SGD | {"momentum": 0},
    SGD | {"nesterovs_momentum": False, "batch_size": 32},
    SGD | {"learning_rate": "invscaling", "power_t": 0.25, "batch_size": 32},
    SGD | {"learning_rate": "adaptive", "tol": 0.05, "n_iter_no_change": 1, "max_iter": 40},
]


def make_targets(kind, X):
    scores = X @ np.random.RandomState(1).normal(size=(X.shape[1], 3))
    return {
        "binary": np.array(["no", "yes"])[(scores[:, 0] > 0).astype(int)],
        "multiclass": scores.argmax(axis=1) + 5,
        "multilabel": (scores > 0).astype(int),
    }[kind]


def both(params, fit):
    """Fit both classifiers with the same parameters."""
    classifiers = MLPClassifier(**SHARED | params), XORMLPClassifier(**SHARED | params)
    for clf in classifiers:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            fit(clf)
    return classifiers


HISTORY = ("loss_curve_", "loss_", "validation_scores_", "best_validation_score_")


def assert_same_training(theirs, ours, X, tol=1e-9):
    assert ours.n_iter_ == theirs.n_iter_
    assert ours.t_ == theirs.t_
    for name in HISTORY:
        expected, actual = getattr(theirs, name, None), getattr(ours, name)
        assert (actual is None) == (expected is None)
        if expected is not None:
            assert_allclose(actual, expected, rtol=tol, err_msg=name)
    for name in ("coefs_", "intercepts_"):
        for actual, expected in zip(getattr(ours, name), getattr(theirs, name), strict=True):
            assert_allclose(actual, expected, rtol=0, atol=tol, err_msg=name)
    assert_allclose(ours.predict_proba(X), theirs.predict_proba(X), rtol=0, atol=tol)
    assert_allclose(np.exp(ours.predict_log_proba(X)), ours.predict_proba(X), rtol=0, atol=1e-12)
    assert_array_equal(ours.predict(X), theirs.predict(X), strict=True)
    assert_array_equal(ours.classes_, theirs.classes_)
    for name in ("n_layers_", "n_outputs_", "out_activation_", "n_features_in_"):
        assert getattr(ours, name) == getattr(theirs, name)


@pytest.mark.parametrize("params", CASES, ids=repr)
@pytest.mark.parametrize("kind", ["binary", "multiclass", "multilabel"])
def test_whole_trajectory(table, params, kind):
    X, _ = table
    y = make_targets(kind, X)
    theirs, ours = both(params, lambda clf: clf.fit(X, y))
    assert_same_training(theirs, ours, X)


UNTOUCHED = {
    "10 points": make_moons(10, noise=0.2, random_state=0),
    "63 points": make_moons(63, noise=0.2, random_state=0),
    "70 points": make_moons(70, noise=0.2, random_state=0),
    "iris": load_iris(return_X_y=True),
    "wine, not scaled": load_wine(return_X_y=True),
    "parity of eight bits": make_gate(n_inputs=8),
    "sparse": (sparse.random_array((300, 20), random_state=0, format="csr"), np.arange(300) % 3),
}


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("data", UNTOUCHED.values(), ids=UNTOUCHED)
def test_untouched_parameters(data):
    """With any data but truth tables, the defaults give the same weights."""
    X, y = data
    ours, theirs = (cls(random_state=0).fit(X, y) for cls in (XORMLPClassifier, MLPClassifier))
    assert ours.n_iter_ == theirs.n_iter_
    for name in ("coefs_", "intercepts_"):
        for actual, expected in zip(getattr(ours, name), getattr(theirs, name), strict=True):
            assert_allclose(actual, expected, rtol=0, atol=1e-9, err_msg=name)


@pytest.mark.parametrize("params", [ADAM, ADAM | {"validation_fraction": 0.2}, SGD], ids=repr)
@pytest.mark.parametrize("kind", ["binary", "multilabel"])
def test_early_stopping_has_the_same_curves(table, params, kind):
    """The validation samples are the same; another rule may end training earlier or later."""
    X, _ = table
    y = make_targets(kind, X)
    params = params | {"early_stopping": True, "batch_size": 32, "max_iter": 50}

    def fit(clf):
        # MLPClassifier before 1.9 fails if it shall stop early and labels are text.
        is_text = kind == "binary" and isinstance(clf, MLPClassifier) and sklearn_before("1.9")
        clf.fit(X, y == "yes" if is_text else y)

    theirs, ours = both(params, fit)
    shorter = min(theirs.n_iter_, ours.n_iter_)
    assert shorter > 3
    for name in ("loss_curve_", "validation_scores_"):
        expected, actual = getattr(theirs, name)[:shorter], getattr(ours, name)[:shorter]
        assert_allclose(actual, expected, rtol=1e-9, err_msg=name)


def test_validation_samples_of_three_classes_differ(table):
    """MLPClassifier stratifies two classes only."""
    params = ADAM | {"early_stopping": True, "max_iter": 1}
    theirs, ours = both(params, lambda clf: clf.fit(*table))
    assert abs(ours.loss_curve_[0] - theirs.loss_curve_[0]) > 1e-6


@pytest.mark.parametrize("params", [{}, {"n_init": 1}], ids=repr)
def test_truth_tables_differ(params):
    """They train by L-BFGS."""
    X, y = make_gate()
    ours = XORMLPClassifier(random_state=0, **params).fit(X, y)
    theirs = MLPClassifier(random_state=0, solver="lbfgs").fit(X, y)
    assert_allclose(ours.coefs_[0], theirs.coefs_[0], rtol=0, atol=1e-9)
    adam, expected = XORMLPClassifier(solver="adam", random_state=0), MLPClassifier(random_state=0)
    for clf in (adam, expected):
        with pytest.warns(ConvergenceWarning, match="Maximum iterations"):
            clf.fit(X, y)
    assert_same_training(expected, adam, X)


@HAS_WEIGHT
@pytest.mark.parametrize("params", [ADAM, SGD], ids=repr)
@pytest.mark.parametrize("kind", ["binary", "multiclass", "multilabel"])
def test_sample_weight_in_one_batch(table, params, kind):
    X, _ = table
    weight = np.random.RandomState(2).uniform(0.1, 3, len(X))
    theirs, ours = both(params, lambda clf: clf.fit(X, make_targets(kind, X), weight))
    assert_same_training(theirs, ours, X)


@HAS_WEIGHT
def test_sample_weight_in_several_batches_differs(table):
    """In batches of one sample, MLPClassifier divides each weight by itself."""
    X, y = table
    weight = np.where(y == 1, 50.0, 1.0)
    params = SGD | {"batch_size": 1, "momentum": 0, "learning_rate_init": 5e-3, "max_iter": 3}
    theirs, ours = both(params, lambda clf: clf.fit(X, y, weight))
    unweighted, _ = both(params, lambda clf: clf.fit(X, y))
    assert_allclose(theirs.predict_proba(X), unweighted.predict_proba(X), rtol=0, atol=1e-2)
    assert (ours.predict(X) == 1).mean() > 0.9


@pytest.mark.parametrize("params", [ADAM, SGD | {"batch_size": 32}], ids=repr)
def test_partial_fit(table, params):
    X, y = table

    def fit(clf):
        for part in np.array_split(np.arange(len(X)), 4):
            for _ in range(3):
                clf.partial_fit(X[part], y[part], classes=np.unique(y))

    theirs, ours = both(params, fit)
    assert len(ours.loss_curve_) == 12
    assert_same_training(theirs, ours, X)


@pytest.mark.parametrize("params", [ADAM, SGD], ids=repr)
def test_warm_start(table, params):
    X, y = table
    theirs, ours = both(params | {"warm_start": True, "max_iter": 5}, lambda clf: clf.fit(X, y))
    for clf in (theirs, ours):
        with pytest.warns(ConvergenceWarning, match=r"Maximum iterations \(5\) reached"):
            clf.fit(X, y)
    assert_allclose(ours.coefs_[0], theirs.coefs_[0], rtol=0, atol=1e-9)


@pytest.mark.parametrize("kind", ["binary", "multiclass", "multilabel"])
@pytest.mark.parametrize("weighted", [False, pytest.param(True, marks=HAS_WEIGHT)])
def test_lbfgs_reaches_the_same_minimum(table, kind, weighted):
    X, _ = table
    y = make_targets(kind, X)
    weights = [np.random.RandomState(2).uniform(0.1, 3, len(X))] if weighted else []
    params = {"solver": "lbfgs", "alpha": 10.0, "max_iter": 2000, "tol": 1e-7}
    params |= {"hidden_layer_sizes": 3, "activation": "tanh"}
    theirs, ours = both(params, lambda clf: clf.fit(X, y, *weights))
    assert_allclose(ours.loss_, theirs.loss_, rtol=1e-6)
    assert_allclose(ours.predict_proba(X), theirs.predict_proba(X), rtol=0, atol=1e-3)


@pytest.mark.parametrize("kind", ["binary", "multiclass", "multilabel"])
def test_predictions_with_weights_of_MLPClassifier(table, kind):
    X, _ = table
    y = make_targets(kind, X)
    theirs, ours = both(ADAM, lambda clf: clf.fit(X, y))
    expected = MLPClassifier(**SHARED | ADAM | {"random_state": 9, "max_iter": 30})
    with pytest.warns(ConvergenceWarning, match=r"Maximum iterations \(30\) reached"):
        expected.fit(X, y)
    ours.coefs_, ours.intercepts_ = expected.coefs_, expected.intercepts_
    assert_allclose(ours.predict_proba(X), expected.predict_proba(X), rtol=0, atol=1e-12)

    given = (theirs.coefs_, theirs.intercepts_)
    slow = XORMLPClassifier(**SHARED | ADAM | {"learning_rate_init": 1e-12, "max_iter": 1})
    with pytest.warns(ConvergenceWarning, match=r"Maximum iterations \(1\) reached"):
        slow.set_params(init=given).fit(X, y)
    assert_allclose(slow.predict_proba(X), theirs.predict_proba(X), rtol=0, atol=1e-9)


# Every parameter, attribute and method of MLPClassifier exists in XORMLPClassifier too.

THEIRS = inspect.signature(MLPClassifier).parameters
OURS = inspect.signature(XORMLPClassifier).parameters


@pytest.mark.parametrize("name", THEIRS)
def test_parameter(name):
    assert OURS[name].default == ("auto" if name == "solver" else THEIRS[name].default)


def test_parameters_in_the_same_order():
    assert [name for name in OURS if name in THEIRS][: len(THEIRS)] == list(OURS)[: len(THEIRS)]
    positional = inspect.Parameter.POSITIONAL_OR_KEYWORD
    ours = [name for name, p in OURS.items() if p.kind is positional]
    assert ours == list(THEIRS)[: len(ours)]


@pytest.mark.parametrize("solver", ["adam", "sgd", "lbfgs"])
def test_fitted_attributes_and_methods(table, solver):
    theirs, ours = both({"solver": solver}, lambda clf: clf.fit(*table))

    def public(clf):
        return {name for name in dir(clf) if not name.startswith("_") and hasattr(clf, name)}

    assert public(theirs) <= public(ours)
    for name in public(theirs):
        if callable(getattr(theirs, name)):
            expected = list(inspect.signature(getattr(theirs, name)).parameters)
            assert set(expected) <= set(inspect.signature(getattr(ours, name)).parameters)
