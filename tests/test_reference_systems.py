"""Six small networks by other authors, reproduced with the public interface only.

The numbers that the authors printed are in ``data/reference_systems.json``, and are reproduced.
Without a fixed seed, the result of training has to be the same. Their losses are sums over samples
or steps, whereas those of skrnn are means. Therefore learning rates and losses differ by a factor:
the number of samples or steps.
"""

import json
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_allclose
from recipes import CONSTANT_RATE, LAST_STATE

from skrnn import SGD, SequenceRNNClassifier, StepRNNClassifier, XORMLPClassifier
from skrnn.datasets import make_gate, make_nor_next, make_parity, make_shift, make_xor

ROOT = Path(__file__).resolve().parents[1]
PRINTED = json.loads((ROOT / "tests/data/reference_systems.json").read_text(encoding="utf-8"))
SEEDS = range(20)

# As many passes as in the original, with or without convergence.
pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
PLAIN_MLP = {
    "solver": "sgd", "momentum": 0, "shuffle": False, "tol": 0, "n_iter_no_change": np.inf,
}  # fmt: skip
PLAIN_RNN = {
    "cell": "rnn", "solver": SGD(momentum=0), "batch_size": 1, "alpha": 0, "max_grad_norm": None,
    "n_iter_no_change": np.inf, "learning_rate": "constant",
}  # fmt: skip


# A. Logic gates with a softmax layer (a small Theano network) ------------------------------


@pytest.mark.parametrize(("gate", "y"), [("xor", [0, 1, 1, 0]), ("or", [1, 1, 1, 0])])
def test_a_losses_to_six_digits(gate, y):
    printed = PRINTED["A"]
    rng = np.random.RandomState(0)
    coefs = [rng.randn(2, 4) / np.sqrt(2), rng.randn(4, 2) / np.sqrt(4)]
    clf = XORMLPClassifier(
        4, "tanh", out_activation="softmax", init=(coefs, [np.zeros(4), np.zeros(2)]),
        alpha=printed["alpha"], learning_rate_init=printed["gd_rate"], max_iter=printed["passes"],
        **PLAIN_MLP,
    )  # fmt: skip
    X = [[1, 1], [1, 0], [0, 1], [0, 0]]
    clf.fit(X, y)
    assert clf.coefs_[1].shape == (4, 2)  # two outputs for two classes
    losses = np.array(clf.loss_curve_)[printed["loss_after_step"]]  # [k] is before step k + 1
    assert_allclose(np.round(losses, printed["digits"]), printed[gate], rtol=0, atol=1e-12)
    assert clf.predict(X).tolist() == y


# B. Exclusive or with logistic units (a network checked by automatic differentiation) -------


def weights_of_b():
    rng = np.random.RandomState(0)
    coefs, intercepts = [], []
    for n_in, n_out in [(2, 2), (2, 1)]:
        coefs.append(rng.randn(n_out, n_in).T)
        intercepts.append(rng.randn(n_out, 1)[:, 0])
    return coefs, intercepts


def make_b():
    """A learning rate of 1 for the sum over four samples is 4 for their mean."""
    return XORMLPClassifier(
        2, "logistic", init=weights_of_b(), alpha=0, learning_rate_init=4, max_iter=140, **PLAIN_MLP
    )


def test_b_network_set_by_hand():
    X, y = make_xor()
    clf = XORMLPClassifier(2).fit(X, y)
    clf.coefs_ = [np.array([[1.0, 1.0], [1.0, 1.0]]), np.array([[1.0], [-2.0]])]
    clf.intercepts_ = [np.array([0.0, -1.0]), np.array([0.0])]
    output = np.maximum(0, clf.decision_function(X))  # the output unit of the original is a ReLU
    assert output.tolist() == [0, 1, 1, 0]


@pytest.mark.parametrize("by", ["fit", "partial_fit", "warm_start"])
def test_b_losses(by):
    X, y = make_xor()
    clf = make_b()
    if by == "fit":
        clf.fit(X, y)
    elif by == "partial_fit":
        for _ in range(140):
            clf.partial_fit(X, y, classes=[0, 1])
    else:
        clf.set_params(warm_start=True, max_iter=20)
        for _ in range(7):
            clf.fit(X, y)
    printed = PRINTED["B"]["summed_loss_before_epoch"]
    losses = 4 * np.array(clf.loss_curve_)[[int(epoch) for epoch in printed]]
    assert_allclose(losses, list(printed.values()), rtol=PRINTED["B"]["rtol"])
    assert len(clf.loss_curve_) == 140
    assert clf.predict(X).tolist() == y.tolist()


def first_gradients():
    """Compute the gradient of the mean loss: the change of one step, divided by the rate."""
    X, y = make_xor()
    clf = make_b().partial_fit(X, y, classes=[0, 1])
    coefs, intercepts = weights_of_b()
    before, after = [*coefs, *intercepts], [*clf.coefs_, *clf.intercepts_]
    return [(b - a) / 4 for b, a in zip(before, after, strict=True)]


def test_b_first_gradient():
    gradients = first_gradients()
    assert_allclose(4 * gradients[1].T, PRINTED["B"]["gradient_W2"], rtol=0, atol=5e-9)
    assert_allclose(4 * gradients[3][None], PRINTED["B"]["gradient_b2"], rtol=0, atol=5e-9)


def test_b_every_gradient_by_complex_step():
    X, y = make_xor()
    clf = make_b().partial_fit(X, y, classes=[0, 1])
    coefs, intercepts = weights_of_b()
    weights = [w.astype(complex) for w in (*coefs, *intercepts)]
    clf.coefs_, clf.intercepts_ = weights[:2], weights[2:]
    for weight, gradient in zip(weights, first_gradients(), strict=True):
        for index in np.ndindex(weight.shape):
            weight[index] += 1e-30j
            scores = clf.decision_function(X)
            loss = np.mean(np.log1p(np.exp(scores)) - y * scores)
            assert_allclose(loss.imag / 1e-30, gradient[index], rtol=0, atol=1e-15)
            weight[index] -= 1e-30j


# C. A label for each step (a small Theano network, published without data) ----------------------

SYMBOLS = np.array(list("BEPSTVX"))
REBER = [  # of each node: (symbol, next node)
    [("B", 1)], [("T", 2), ("P", 3)], [("S", 2), ("X", 4)], [("T", 3), ("V", 5)],
    [("X", 3), ("S", 6)], [("P", 4), ("V", 6)], [("E", 0)],
]  # fmt: skip


def make_reber(n_samples, n_steps, random_state):
    """Make one-hot symbols of Reber's grammar, the next symbols, and the possible next ones."""
    rng = np.random.RandomState(random_state)
    X, y, allowed = [], [], []
    for _ in range(n_samples):
        node, written, possible = 0, [], []
        for _ in range(n_steps + 1):
            possible.append(np.isin(SYMBOLS, [symbol for symbol, _ in REBER[node]]))
            symbol, node = REBER[node][rng.randint(len(REBER[node]))]
            written.append(symbol)
        X.append(np.equal.outer(written[:-1], SYMBOLS).astype(np.float32))
        y.append(np.array(written[1:]))
        allowed.append(np.array(possible[1:], dtype=int))
    return X, y, allowed


@pytest.mark.slow
@pytest.mark.parametrize("loss", ["log_loss", "squared_error"])
@pytest.mark.parametrize("init", ["svd", "glorot_uniform", "uniform"])
def test_c_predicts_the_possible_next_symbols(loss, init):
    X, y, _ = make_reber(100, 100, 0)
    X_test, y_test, allowed = make_reber(30, 100, 1)
    clf = StepRNNClassifier(
        50, init=init, loss=loss, learning_rate_init=0.1, max_iter=25, random_state=0, **PLAIN_RNN
    ).fit(X, y)
    assert clf.weights_["output"]["W"].dtype == np.float32
    chosen = np.concatenate(clf.predict_proba(X_test)) > 0.25
    right = (chosen == np.concatenate(allowed)).all(axis=1)
    assert right.mean() > 0.98
    ways = np.concatenate(allowed).sum(axis=1)
    assert clf.score(X_test, y_test) == pytest.approx((1 / ways).mean(), abs=0.05)


@pytest.mark.slow
@pytest.mark.parametrize("loss", ["log_loss", "squared_error"])
def test_c_as_multilabel(loss):
    """Predict for each symbol whether it is possible: binary cross-entropy, logistic outputs."""
    X, _, allowed = make_reber(100, 100, 0)
    X_test, _, allowed_test = make_reber(30, 100, 1)
    clf = StepRNNClassifier(
        50, init="svd", loss=loss, learning_rate_init=0.1, max_iter=25, random_state=0, **PLAIN_RNN
    ).fit(X, allowed)
    right = np.concatenate(clf.predict(X_test)) == np.concatenate(allowed_test)
    assert right.all(axis=1).mean() > 0.98


# D. Two units that shift bits (a network in plain Python) ----------------------------------

BY_HAND = {
    "recurrent_0": {
        "W": np.array([[[10.0, 0.0]]]),
        "U": np.array([[[0.0, 10.0], [0.0, 0.0]]]),
        "b": np.array([[5.0, -5.0]]),
    },
    "output": {"W": np.array([[0.0], [10.0]]), "b": np.array([-5.0])},
}
BITS = [0, 1, 0, 1, 1, 1, 1, 1]
SHIFT = {"hidden_layer_sizes": 2, "cell": "rnn", "activation": "logistic"}


def update_d(bptt_steps):
    """Make one update. A learning rate of 1 for the sum over two steps is 2 for their mean."""
    clf = StepRNNClassifier(
        **PLAIN_RNN | SHIFT, init=BY_HAND, bptt_steps=bptt_steps, learning_rate_init=2
    )
    return clf.partial_fit([[1, 1]], [[0, 1]], classes=[0, 1])


def probabilities(clf, x):
    return clf.predict_proba([x])[0][:, 1]


def loss_on_bits(clf):
    return -clf.predict_log_proba([BITS])[0][range(8), [0, *BITS[:-1]]].sum()


def test_d_network_set_by_hand():
    clf = update_d(1)
    clf.weights_ = BY_HAND
    assert_allclose(
        probabilities(clf, [0, 1]), PRINTED["D"]["predict_01"], rtol=0, atol=PRINTED["D"]["atol"]
    )


def test_d_update_with_truncated_gradient():
    printed, clf = PRINTED["D"], update_d(1)
    after, atol = probabilities(clf, [0, 1, 1, 0, 0]), printed["atol"]
    assert_allclose(2 * clf.loss_, printed["loss_11_to_01"], rtol=0, atol=atol)
    assert_allclose(after, printed["after_one_update_predict_01100"], rtol=0, atol=atol)
    assert clf.weights_["recurrent_0"]["b"][0, 0] == printed["hidden_bias_after_update"]
    full = np.array(printed["full_backpropagation_would_give"])
    assert np.abs(after - full).max() > 4 * atol


def test_d_update_with_whole_gradient():
    printed, clf = PRINTED["D"], update_d(None)
    after, atol = probabilities(clf, [0, 1, 1, 0, 0]), printed["atol"]
    assert_allclose(after, printed["full_backpropagation_would_give"], rtol=0, atol=atol)
    truncated = np.array(printed["after_one_update_predict_01100"])
    assert np.abs(after - truncated).max() > 4 * atol
    assert clf.weights_["recurrent_0"]["b"][0, 0] != printed["hidden_bias_after_update"]


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize(
    "parameters",
    [{}, {**SHIFT, "learning_rate_init": 0.1, "max_iter": 500, "n_init": 5}],
    ids=["default", "two_units"],
)
def test_d_not_stuck(parameters, seed):
    """In the original, the loss on this sequence was 2.80, and rising."""
    clf = StepRNNClassifier(random_state=seed, **parameters).fit([BITS], [[0, *BITS[:-1]]])
    assert loss_on_bits(clf) < 0.4
    assert clf.predict([BITS])[0].tolist() == [0, *BITS[:-1]]


@pytest.mark.slow
def test_d_two_units_learn_from_random_sequences():
    X, y = make_shift(1000, random_state=0)
    X_test, y_test = make_shift(200, random_state=1)
    for seed in SEEDS:
        clf = StepRNNClassifier(
            **SHIFT, **CONSTANT_RATE, learning_rate_init=0.03, max_iter=60, random_state=seed
        ).fit(X, y)
        assert loss_on_bits(clf) < 0.4
        assert clf.score(X_test, y_test) == 1


# E. Squared error: by sample, by batch, by sequence (NumPy networks) -----------


def share(name, learned):
    print(f"{name}: {sum(learned)} of {len(learned)} seeds learn the task")
    return np.mean(learned)


N_PASSES, COPIES = 10_000, 250  # over the data


def learns(estimator, X, y, is_right):
    """Train for at most as many passes as in the original, and stop when the outputs stay right."""
    n_right = 0
    for _ in range(N_PASSES // COPIES):
        estimator.partial_fit([*X] * COPIES, [*y] * COPIES, classes=[0, 1])
        n_right = n_right + 1 if is_right(estimator) else 0
        if n_right == 2:
            return True
    return is_right(estimator)


def make_e_mlp(rate, batch_size, seed):
    rng = np.random.RandomState(seed)
    shapes = [(2, 3), (3, 1)]
    coefs = [rng.uniform(-1, 1, shape) for shape in shapes]
    intercepts = [rng.uniform(-1, 1, n_out) for _, n_out in shapes]
    return XORMLPClassifier(
        3, "logistic", loss="squared_error", init=(coefs, intercepts), alpha=0,
        learning_rate_init=rate, batch_size=batch_size, max_iter=N_PASSES, **PLAIN_MLP,
    )  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize(
    ("rate", "batch_size", "at_least"), [(0.1, 1, 0.9), (0.4, 4, 0.9)], ids=["sample", "batch"]
)
def test_e_exclusive_or(rate, batch_size, at_least):
    X, y = make_xor()

    def right(clf):
        return clf.score(X, y) == 1

    original = [learns(make_e_mlp(rate, batch_size, seed), X, y, right) for seed in SEEDS]
    assert share("original", original) >= at_least
    assert right(make_e_mlp(rate, batch_size, SEEDS[1]).fit(X, y))  # all passes; 0 is stuck
    default = [XORMLPClassifier(random_state=seed).fit(X, y).score(X, y) == 1 for seed in SEEDS]
    assert share("default estimator", default) == 1


def make_e_rnn(seed):
    """A learning rate of 0.1 for the sum over two steps is 0.2 for their mean."""
    rng = np.random.RandomState(seed)
    weights = {
        "recurrent_0": {
            "W": rng.uniform(-1, 1, (1, 1, 3)),
            "U": rng.uniform(-1, 1, (1, 3, 3)),
            # The original has an input bias and a recurrent bias; only their sum matters.
            "b": rng.uniform(-1, 1, (1, 3)) + rng.uniform(-1, 1, (1, 3)),
        },
        "output": {"W": rng.uniform(-1, 1, (3, 1)), "b": rng.uniform(-1, 1, 1)},
    }
    return StepRNNClassifier(
        3, activation="logistic", loss="squared_error", init=weights, bptt_steps=1,
        learning_rate_init=0.2, max_iter=N_PASSES, random_state=seed, **PLAIN_RNN,
    )  # fmt: skip


@pytest.mark.slow
def test_e_third_bit():
    X, y = make_nor_next()

    def right(clf):
        return all(p[-1] == t[-1] for p, t in zip(clf.predict(X), y, strict=True))

    original = [learns(make_e_rnn(seed), X, y, right) for seed in SEEDS]
    assert share("original", original) >= 0.9
    assert right(make_e_rnn(SEEDS[1]).fit(X, y))  # all passes
    default = [right(StepRNNClassifier(random_state=seed).fit(X, y)) for seed in SEEDS]
    assert share("default estimator", default) == 1


# F. Parity ---------------------------------------------------------------------------------


@pytest.mark.parametrize("n_bits", [2, 3, 4])
def test_f_truth_tables(n_bits):
    X, y = make_gate("xor", n_inputs=n_bits)
    for seed in SEEDS:
        assert XORMLPClassifier(random_state=seed).fit(X, y).score(X, y) == 1


@pytest.mark.slow
@pytest.mark.parametrize(("cell", "at_least"), [("rnn", 1.0), ("gru", 0.97)])
def test_f_a_thousand_bits(cell, at_least):
    """Saturated units keep a bit; a GRU may lose it in longer runs of zeros than in training."""
    X, y = make_parity(10_000, random_state=0)
    X_test, y_test = make_parity(500, min_length=1000, max_length=1000, random_state=1)
    for seed in range(3):
        clf = SequenceRNNClassifier(
            8, cell=cell, dropout=0, learning_rate_init=0.02, batch_size=64, max_iter=40,
            random_state=seed, **LAST_STATE, **CONSTANT_RATE,
        ).fit(X, y)  # fmt: skip
        assert clf.score(X_test, y_test) >= at_least
