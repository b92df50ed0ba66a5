"""The default solver of XORMLPClassifier: the same for a part of the data as for the whole."""

import numpy as np
import pytest
from numpy.random import RandomState
from numpy.testing import assert_array_equal
from scipy import sparse
from sklearn.base import clone
from sklearn.datasets import load_iris, make_moons
from sklearn.model_selection import cross_val_score
from sklearn.neural_network import MLPClassifier

from skrnn import XORMLPClassifier
from skrnn.datasets import make_gate, make_xor

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

XOR, Y_XOR = make_gate("xor")
PARITY, Y_PARITY = make_gate("xor", n_inputs=4)


def points(n, seed=0):
    """Draw points in a square, and the XOR of the signs of their coordinates."""
    X = RandomState(seed).uniform(-1, 1, (n, 2))
    return X, (X[:, 0] > 0) ^ (X[:, 1] > 0)


def binary(n, n_features, seed=0):
    """Draw rows of two values, and classes that depend on the first two of them, with noise."""
    rng = RandomState(seed)
    X = rng.randint(2, size=(n, n_features))
    return X, np.where(rng.uniform(size=n) < 0.2, 1, X[:, 0] ^ X[:, 1])


def one_feature_of_three_values():
    X, y = binary(60, 4)
    X[::3, 2] = 2
    return X, y


TABLES = {
    "xor": make_gate("xor"),
    "xor, each row 100 times": (np.tile(XOR, (100, 1)), np.tile(Y_XOR, 100)),
    "parity of six bits": make_gate("xor", n_inputs=6),
    "minus one and one": (2 * XOR - 1, Y_XOR),
    "booleans": (XOR > 0, Y_XOR),
    "two other values of each feature": (XOR * [255, 0.1] + [0, 7], Y_XOR),
    "a constant feature": (np.c_[XOR, np.ones(4)], Y_XOR),
    "sparse": (sparse.csr_array(PARITY), Y_PARITY),
    "float32": (PARITY.astype(np.float32), Y_PARITY),
    "equal rows with different classes": binary(400, 5),
    "multilabel": (PARITY, np.c_[Y_PARITY, PARITY[:, :2].any(axis=1)].astype(int)),
}
OTHER_DATA = {
    "few points": points(20),
    "64 points": points(64),
    "65 points": points(65),
    "1000 points": points(1000),
    "xor with noise": make_xor(40, noise=0.1, random_state=0),
    "moons": make_moons(60, noise=0.2, random_state=0),
    "iris": load_iris(return_X_y=True),
    "one feature of three values": one_feature_of_three_values(),
    "seven features of two values": make_gate("xor", n_inputs=7),
    "many sparse features": (sparse.csr_array(binary(50, 30)[0]), binary(50, 30)[1]),
}
KINDS = [pytest.param("lbfgs", *data, id=name) for name, data in TABLES.items()]
KINDS += [pytest.param("adam", *data, id=name) for name, data in OTHER_DATA.items()]


def trains_by(solver, X, y, **params):
    """Whether the default solver gives the weights that this solver gives."""
    default = XORMLPClassifier(5, max_iter=8, random_state=0, **params)
    named = clone(default).set_params(solver=solver)
    pairs = zip(default.fit(X, y).coefs_, named.fit(X, y).coefs_, strict=True)
    return all(np.array_equal(ours, theirs) for ours, theirs in pairs)


@pytest.mark.parametrize(("solver", "X", "y"), KINDS)
def test_any_part_of_the_data_trains_like_the_whole(solver, X, y):
    n_samples = X.shape[0]
    assert trains_by(solver, X, y)
    assert not trains_by({"lbfgs": "adam", "adam": "lbfgs"}[solver], X, y)
    for share in (0.9, 0.5):  # a fold, and a point of a learning curve
        for seed in range(3):
            part = RandomState(seed).permutation(n_samples)[: max(3, int(share * n_samples))]
            assert len(np.unique(y[part], axis=0)) > 1
            assert trains_by(solver, X[part], y[part])


def test_folds_and_refit_of_seventy_points_train_like_MLPClassifier():
    X, y = points(70)
    ours, theirs = (cls(random_state=0) for cls in (XORMLPClassifier, MLPClassifier))
    assert_array_equal(cross_val_score(ours, X, y, cv=10), cross_val_score(theirs, X, y, cv=10))
    new = points(2000, seed=1)
    assert ours.fit(X, y).score(*new) == theirs.fit(X, y).score(*new)


@pytest.mark.parametrize("n_samples", [20, 200, 1000])
def test_lbfgs_is_more_accurate_on_points_without_noise(n_samples):
    """As the documentation says."""
    scores = {"lbfgs": [], "adam": []}
    for seed in range(5):
        for solver, of_solver in scores.items():
            clf = XORMLPClassifier(solver=solver, random_state=seed).fit(*points(n_samples, seed))
            of_solver.append(clf.score(*points(2000, seed=100 + seed)))
    assert np.mean(scores["lbfgs"]) > np.mean(scores["adam"])


@pytest.mark.parametrize(
    ("params", "fit"),
    [
        ({"early_stopping": True}, "fit"),
        ({"dropout": 0.3}, "fit"),
        ({"warm_start": True, "dropout": 0.1}, "fit"),
        ({}, "partial_fit"),
    ],
)
def test_truth_tables_train_by_adam_where_lbfgs_is_not_possible(params, fit):
    X, y = TABLES["xor, each row 100 times"]
    default = XORMLPClassifier(5, max_iter=8, random_state=0, **params)
    adam = clone(default).set_params(solver="adam")
    for clf in (default, adam):
        clf.partial_fit(X, y, classes=[0, 1]) if fit == "partial_fit" else clf.fit(X, y)
    assert_array_equal(default.coefs_[0], adam.coefs_[0])
    held_out = params.get("early_stopping", False)
    assert (default.validation_scores_ is not None) == held_out
    assert default.t_ == (360 if held_out else 400) * default.n_iter_


# --- Restarts ------------------------------------------------------------------------------


@pytest.mark.parametrize("activation", ["tanh", "relu", "logistic"])
@pytest.mark.parametrize("share", [0.0, 0.2, 0.4])
def test_xor_with_wrong_classes_among_many_samples(activation, share):
    """Two hidden units: many starts end in a bad minimum."""
    X, y = TABLES["xor, each row 100 times"]
    wrong = np.arange(400) % 10 < 10 * share  # of each of the four rows
    y = np.where(wrong, 1 - y, y)
    for seed in range(10):
        clf = XORMLPClassifier(2, activation, random_state=seed).fit(X, y)
        assert_array_equal(clf.predict(XOR), Y_XOR)


def of_three_classes(X):
    return np.array(["a", "b", "c"])[X.sum(axis=1).astype(int)]


def of_two_labels(X):
    return np.c_[X[:, 0] != X[:, 1], X.any(axis=1)].astype(int)


@pytest.mark.parametrize("X", [XOR, sparse.csr_array(XOR)], ids=["dense", "sparse"])
@pytest.mark.parametrize("make_y", [of_three_classes, of_two_labels])
def test_starts_end_when_each_row_has_its_most_frequent_class(make_y, X):
    """Further starts could not classify more samples correctly."""
    right = make_y(XOR)
    index = np.repeat(np.arange(4), 10)
    y = right[index]
    y[::10] = right[(index[::10] + 1) % 4]  # one of ten is wrong
    X = X[index]
    many = XORMLPClassifier(random_state=0).fit(X, y)
    one = clone(many).set_params(n_init=1).fit(X, y)
    assert_array_equal(many.predict(XOR), right)
    assert_array_equal(many.coefs_[0], one.coefs_[0])


def test_sample_weights_count_in_the_most_frequent_class():
    X, y, weight = np.tile(XOR, (3, 1)), np.tile(Y_XOR, 3), np.repeat([1.0, 1.0, 5.0], 4)
    y[8:] = 1 - y[8:]  # a third of the samples, with most of the weight
    for seed in range(10):
        clf = XORMLPClassifier(2, "tanh", random_state=seed).fit(X, y, weight)
        assert_array_equal(clf.predict(XOR), 1 - Y_XOR)


SEEDS = [range(3), pytest.param(range(3, 20), marks=pytest.mark.slow)]


@pytest.mark.parametrize("seeds", SEEDS, ids=str)
def test_ten_thousand_points_with_three_hidden_units(seeds):
    """As the documentation says: a single start often predicts two thirds or three quarters."""
    X, y = points(10_000)
    new = points(10_000, seed=1)
    clf = XORMLPClassifier(3, solver="lbfgs")
    one, ten = (
        [clf.set_params(n_init=n_init, random_state=seed).fit(X, y).score(*new) for seed in seeds]
        for n_init in (1, 10)
    )
    assert min(ten) > 0.99
    assert min(one) < 0.9
