"""The shrinkage of SequenceRNNRegressor: the rule, and when it applies."""

import numpy as np
import pytest
from numeric_helpers import assert_close, assert_equal_weights, two_forecasts
from scipy.optimize import lsq_linear
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import RidgeCV
from sklearn.model_selection import KFold, cross_val_predict
from sklearn.preprocessing import StandardScaler

from skrnn import ForwardImputer, SequenceRNNRegressor, Sequences
from skrnn._numeric.training import Ragged
from skrnn._training.earlier import fit_linear_part
from skrnn._training.shrinkage import _best_sum, choose_shares
from skrnn.callbacks import Checkpoint
from skrnn.convert import make_windows
from skrnn.solvers import LBFGS, SGD, Adam

RNG = np.random.RandomState(0)
X = [RNG.normal(size=(3 + i % 4, 1)) for i in range(200)]
WALKS = [x.cumsum(axis=0) for x in X]
NOISE = RNG.normal(size=200)
SUMS = np.array([x.sum() for x in X])
LAST = np.array([walk[-1, 0] for walk in WALKS])
SEED = {"random_state": 0, "alpha": 0}


def shrunk_and_not(X, y, weight=None, **params):
    return [
        SequenceRNNRegressor(**{**SEED, **params}, shrinkage=shrinkage).fit(X, y, weight)
        for shrinkage in ("auto", None)
    ]


def factor(y, outputs, weight=None, q=20.0):
    """Compute the factor of the smallest squared error, less the covariance of the noise."""
    weight = np.ones(len(y)) if weight is None else weight
    n = weight.sum() ** 2 / (weight**2).sum()
    mean_of = weight / weight.sum()
    variance = mean_of @ (y - outputs) ** 2 / (1 - q / n)
    return np.clip((mean_of @ (y * outputs) - q / n * variance) / (mean_of @ outputs**2), 0, 1)


def test_outputs_are_shrunk_towards_the_mean():
    y = 5 + SUMS + 8 * NOISE
    shrunk, unchanged = shrunk_and_not(X, y, skip_connection=None)
    outputs = unchanged.predict(X) - y.mean()
    left = factor(y - y.mean(), outputs)
    assert 0.2 < left < 0.9
    assert_close(shrunk.predict(X) - y.mean(), left * outputs, 1e-9)


@pytest.mark.parametrize("alpha", [0.1, "auto"])
def test_with_a_penalty_there_are_fewer_degrees_of_freedom(alpha):
    y = 5 + SUMS + 8 * NOISE
    shrunk, unchanged = shrunk_and_not(X, y, skip_connection=None, alpha=alpha)
    outputs = unchanged.predict(X) - y.mean()
    penalty = {"auto": 32 / 200}.get(alpha, alpha)
    q = 20 / (1 + 350 * penalty / 32)
    left = factor(y - y.mean(), outputs, q=q)
    assert 0.2 < left < 0.95
    assert_close(shrunk.predict(X) - y.mean(), left * outputs, 1e-9)


@pytest.mark.parametrize("size", [201, 6000])
def test_a_batch_is_no_larger_than_all_samples(size):
    params = {**SEED, "alpha": 0.1, "skip_connection": None, "max_iter": 100}
    whole, larger = (
        SequenceRNNRegressor(**params, batch_size=n).fit(X, SUMS + 8 * NOISE) for n in (200, size)
    )
    assert 0.01 < whole.shrinkage_ < 0.9
    assert_equal_weights(larger, whole)


@pytest.mark.parametrize("unit", [1 / 256, 16])
def test_the_unit_of_weights_does_not_count_beside_a_penalty_in_it(unit):
    params = {**SEED, "skip_connection": None, "max_iter": 20}
    before, after = (
        SequenceRNNRegressor(**{**params, "alpha": 0.5 * c}).fit(
            X, SUMS + 8 * NOISE, np.full(200, c)
        )
        for c in (1, unit)
    )
    assert 0.01 < before.shrinkage_ < 0.9
    assert_close(after.shrinkage_, before.shrinkage_, 1e-9)
    assert_close(after.predict(X), before.predict(X), 1e-9)


def test_weighted_samples_count_by_their_effective_number():
    weight = RNG.uniform(0.1, 3, size=200)
    y = 5 + SUMS + 8 * NOISE
    options = {"skip_connection": None, "max_iter": 40, "batch_size": 200}
    shrunk, unchanged = shrunk_and_not(X, y, weight, **options)
    mean = np.average(y, weights=weight)
    outputs = unchanged.predict(X) - mean
    left = factor(y - mean, outputs, weight, q=20 * 0.1)  # a tenth of the default training
    assert left != pytest.approx(factor(y - mean, outputs, q=2), rel=1e-3)
    assert_close(shrunk.predict(X) - mean, left * outputs, 1e-9)
    assert_close(shrunk.shrinkage_, [1 - left], 1e-9)


def test_static_features_count():
    sequences = Sequences(np.concatenate(X), [len(x) for x in X], static=RNG.normal(size=(200, 3)))
    shrunk, unchanged = shrunk_and_not(sequences, NOISE, skip_connection=None)
    outputs = unchanged.predict(sequences) - NOISE.mean()
    left = factor(NOISE - NOISE.mean(), outputs, q=50)
    assert left < 0.98
    assert_close(shrunk.predict(sequences) - NOISE.mean(), left * outputs, 1e-9)


@pytest.mark.parametrize(
    ("params", "q"),
    [
        ({"hidden_layer_sizes": 8}, 20 / 4),
        ({"hidden_layer_sizes": (4, 4)}, 20 / 4),
        ({"hidden_layer_sizes": 64}, 20),
    ],
    ids=str,
)
def test_smaller_networks_learn_less_noise(params, q):
    y = SUMS + 8 * NOISE
    shrunk, unchanged = shrunk_and_not(X, y, skip_connection=None, **params)
    outputs = unchanged.predict(X) - y.mean()
    left = factor(y - y.mean(), outputs, q=q)
    assert left < 0.99
    assert_close(shrunk.predict(X) - y.mean(), left * outputs, 1e-9)


def test_float32():
    x, y = [of_one.astype(np.float32) for of_one in X], (SUMS + 8 * NOISE).astype(np.float32)
    shrunk, unchanged = shrunk_and_not(x, y, skip_connection=None)
    assert {p.dtype for p in shrunk.weights_["output"].values()} == {np.dtype("float32")}
    outputs = unchanged.predict(x) - y.mean()
    left = factor(y.astype(float) - y.mean(), outputs.astype(float))
    assert_close(shrunk.predict(x) - y.mean(), left * outputs, 1e-5)


def test_outputs_are_shrunk_towards_the_skip_connection():
    y = 3 * LAST + SUMS + 8 * NOISE
    shrunk, unchanged = shrunk_and_not(WALKS, y, skip_connection="last")
    weights = unchanged.weights_["skip"]["W"]
    np.testing.assert_array_equal(shrunk.weights_["skip"]["W"], weights)
    simple = np.array([walk[-1] for walk in WALKS]) @ weights[:, 0]
    simple += np.mean(y - simple)
    outputs = unchanged.predict(WALKS) - simple
    left = factor(y - simple, outputs)
    assert left < 0.9
    assert_close(shrunk.predict(WALKS) - simple, left * outputs, 1e-9)


def test_less_training_learns_less_noise():
    y = SUMS + 8 * NOISE
    shrunk, unchanged = shrunk_and_not(X, y, max_iter=10, learning_rate_init=0.005)
    outputs = unchanged.predict(X) - y.mean()
    part = 0.005 * 10 * 7 / (0.003 * 400)  # 7 batches in each epoch
    assert part < 0.5
    left = factor(y - y.mean(), outputs, q=20 * part)
    assert 0.2 < left < 0.98
    assert_close(shrunk.predict(X) - y.mean(), left * outputs, 1e-9)


def test_each_output_has_its_own_factor():
    Y = np.column_stack([SUMS, 100 * NOISE, np.full(200, 3.0)])
    shrunk, unchanged = shrunk_and_not(X, Y, skip_connection=None)
    after, before = (model.weights_["output"]["W"] for model in (shrunk, unchanged))
    np.testing.assert_array_equal(after[:, 0], before[:, 0])
    assert not after[:, 1].any()
    assert_close(shrunk.predict(X)[:, 1:], np.tile([100 * NOISE.mean(), 3], (200, 1)), 1e-6)


def test_the_network_adds_nothing_to_a_walk():
    walk = np.random.RandomState(1).normal(size=400).cumsum()
    windows, y = [walk[i : i + 12, None] for i in range(388)], walk[12:]
    reg = SequenceRNNRegressor(**SEED).fit(windows[:200], y[:200])
    assert_close(reg.shrinkage_, [1])
    last = np.array([window[-1, 0] for window in windows])
    returns, stays, share = two_forecasts(last[:200], y[:200])
    expected = returns(last) + share * (stays(last) - returns(last))
    assert_close(reg.predict(windows), expected, 1e-9)


def test_many_features_have_a_limited_number_of_degrees_of_freedom():
    rng = np.random.RandomState(2)
    wide, y = list(rng.normal(size=(700, 3, 30))), rng.normal(size=700)
    params = {"batch_size": 700, "learning_rate_init": 0.1, "max_iter": 12}
    shrunk, unchanged = shrunk_and_not(wide, y, skip_connection=None, **params)
    outputs = unchanged.predict(wide) - y.mean()
    left = factor(y - y.mean(), outputs, q=100)
    assert left < 0.98
    assert_close(shrunk.predict(wide) - y.mean(), left * outputs, 1e-9)


def test_outputs_of_zero_and_huge_outputs_keep_their_weights():
    first = SequenceRNNRegressor(**SEED, max_iter=1, skip_connection=None).fit(X, SUMS)
    zeros = {k: 0 * p for k, p in first.weights_["output"].items()}
    params = {**SEED, "max_iter": 1, "learning_rate_init": 1e-300, "max_grad_norm": None}
    params |= {"skip_connection": None, "dropout": 0}
    zeros = {**first.weights_, "output": {**zeros, "b": zeros["b"] + SUMS.mean()}}
    reg = SequenceRNNRegressor(**params, init=zeros).fit(X, SUMS)
    assert_close(reg.predict(X), np.full(200, SUMS.mean()), 1e-9)
    assert_close(reg.shrinkage_, [0])
    huge = {**first.weights_, "output": {k: 1e200 * p for k, p in first.weights_["output"].items()}}
    with pytest.warns(ConvergenceWarning, match="diverged"):
        assert_equal_weights(*shrunk_and_not(X, SUMS, **params, init=huge))


def test_a_factor_of_all_weights_changes_nothing():
    weight = RNG.uniform(0.1, 3, size=200)
    fits = [shrunk_and_not(X, SUMS + 8 * NOISE, w, alpha=0)[0] for w in (weight, 4 * weight)]
    np.testing.assert_array_equal(fits[0].predict(X), fits[1].predict(X))


@pytest.mark.parametrize(
    "params",
    [
        {"loss": "absolute_error"},
        {"early_stopping": True},
        {"warm_start": True},
        {"normalize_y": False},
        {"normalize_y": False, "skip_connection": "last"},
        {"hidden_layer_sizes": ()},
        {"solver": SGD(), "learning_rate_init": 0.1},
        {"solver": Adam(weight_decay=0.1)},
        {"dropout": 0.6},
        {"learning_rate": "constant", "max_iter": 50},
        {"solver": LBFGS(), "max_iter": 50},
    ],
    ids=str,
)
@pytest.mark.filterwarnings("ignore:Maximum iterations:sklearn.exceptions.ConvergenceWarning")
def test_other_training_is_not_followed_by_shrinkage(params):
    y = LAST + 2 * NOISE
    assert_equal_weights(*shrunk_and_not(WALKS, y, **params))


def test_a_cell_for_missing_values_is_not_followed_by_shrinkage():
    gaps = ForwardImputer(add_indicator=True, add_elapsed=True).fit_transform(X)
    assert_equal_weights(*shrunk_and_not(gaps, SUMS + 8 * NOISE, cell="gru_d", max_iter=30))


def test_few_sequences_are_not_followed_by_shrinkage():
    y = SUMS + 8 * NOISE
    assert_equal_weights(*shrunk_and_not(X[:32], y[:32]))
    shrunk, unchanged = shrunk_and_not(X[:33], y[:33])
    assert abs(shrunk.weights_["output"]["W"]).max() < abs(unchanged.weights_["output"]["W"]).max()


def test_part_that_was_removed():
    reg = SequenceRNNRegressor(**SEED).fit(X, np.column_stack([SUMS, 100 * NOISE]))
    assert_close(reg.shrinkage_, [0, 1])
    assert_close(reg.set_params(shrinkage=None).fit(X, 100 * NOISE).shrinkage_, [0])
    assert_close(SequenceRNNRegressor(**SEED, max_iter=1).partial_fit(X, NOISE).shrinkage_, [0])


def test_ctrl_c_while_the_factor_is_computed(press_ctrl_c, monkeypatch):
    press_ctrl_c("skrnn.rnn.choose_shares")
    reg = SequenceRNNRegressor(**SEED)
    with pytest.warns(ConvergenceWarning, match="interrupted"):
        reg.fit(X, NOISE)
    monkeypatch.undo()
    unchanged = SequenceRNNRegressor(**SEED, shrinkage=None).fit(X, NOISE)
    assert_equal_weights(reg, unchanged)


def test_a_resumed_fit_is_shrunk_once(tmp_path):
    y = SUMS + 8 * NOISE
    whole = SequenceRNNRegressor(**SEED).fit(X, y)
    assert 0.1 < whole.shrinkage_ < 0.9
    again = SequenceRNNRegressor(**SEED).set_callbacks(Checkpoint(tmp_path / "file"))
    for _ in range(2):
        assert_equal_weights(clone(again).fit(X, y), whole)


def test_older_estimators_are_not_shrunk():
    state = SequenceRNNRegressor(**SEED).fit(X, NOISE).__getstate__()
    del state["shrinkage"], state["shrinkage_"]
    older = SequenceRNNRegressor()
    older.__setstate__(state)
    assert older.shrinkage is None


def test_partial_fit_does_not_shrink():
    both = [SequenceRNNRegressor(**SEED, shrinkage=shrinkage) for shrinkage in ("auto", None)]
    for reg in both:
        reg.partial_fit(X, NOISE).partial_fit(X, NOISE)
    assert_equal_weights(*both)


@pytest.mark.parametrize("value", [True, 0.5, "stein"])
def test_other_values_are_refused(value):
    with pytest.raises(ValueError, match="'shrinkage' parameter of SequenceRNNRegressor must be"):
        SequenceRNNRegressor(shrinkage=value).fit(X, SUMS)


# --- The share of ridge regression on the last values -------------------------------------------


def linear_series(n=240):
    """Make a series of which one value is hardly a linear function of the values before it."""
    noise = np.random.RandomState(3).normal(size=n + 200)
    series = np.zeros(n + 200)
    for t in range(200, n + 200):
        series[t] = 0.3 * series[t - 1] + 0.35 * series[t - 5] + noise[t]
    return series[200:]


def test_ridge_regression_gets_a_share():
    series = linear_series(1700)
    X, y = make_windows(series[:700], window=12)
    X_new, y_new = make_windows(series[700:], window=12)
    both, last = (
        SequenceRNNRegressor(skip_connection=skip, random_state=0).fit(X, y)
        for skip in ("auto", "last")
    )
    assert both.weights_["skip"]["W"].shape == (12, 1)
    assert "skip" not in last.weights_ or len(last.weights_["skip"]["W"]) == 1
    errors = [np.mean((model.predict(X_new) - y_new) ** 2) for model in (both, last)]
    assert errors[0] < 0.97 * errors[1]  # the noise has a variance of 1


def test_the_sum_of_both_is_what_is_predicted(monkeypatch):
    X, y = make_windows(linear_series(), window=12)
    found = []

    def spy(run, target, linear):
        shares = choose_shares(run, target, linear)
        found.append((linear, *shares[:2]))
        return shares

    monkeypatch.setattr("skrnn.rnn.choose_shares", spy)
    shrunk, unchanged = shrunk_and_not(X, y)
    (linear, of_network, of_linear), *_ = found
    assert 0 < of_linear[0] < 1
    assert 0 < of_network[0] < 1
    np.testing.assert_array_equal(shrunk.shrinkage_, 1 - of_network)
    skip = unchanged.weights_.get("skip", {"W": np.zeros((1, 1))})["W"]
    simple = X[:, ::-1, 0][:, : len(skip)] @ skip[:, 0]
    mean, scale = np.mean(y - simple), np.std(y - simple)
    outputs = unchanged.predict(X) - simple - mean
    by_ridge = X[:, ::-1, 0] @ linear.weights[:, 0] + linear.intercept[0]
    expected = simple + mean + of_network[0] * outputs + of_linear[0] * scale * by_ridge
    assert_close(shrunk.predict(X), expected, 1e-9)


def test_the_linear_part_is_ridge_regression():
    X, y = make_windows(linear_series(), window=12)
    steps = X.reshape(-1, 1)
    samples = Ragged(steps, y[:, None], np.ones(len(y)), np.full(len(y), 12))
    part = fit_linear_part(samples, ())
    scaled = StandardScaler().fit_transform(X[:, ::-1, 0])
    ridge = RidgeCV(np.logspace(-2, 5, 15))
    assert_close(part.predicted[:, 0], cross_val_predict(ridge, scaled, y, cv=KFold(5)), 1e-9)
    assert_close(
        X[:, ::-1, 0] @ part.weights[:, 0] + part.intercept,
        ridge.fit(scaled, y).predict(scaled),
        1e-9,
    )
    np.testing.assert_array_equal(part.sequences, np.arange(len(y)))


def test_the_linear_part_is_0_where_it_says_nothing():
    X, y = make_windows(linear_series(), window=12)
    Y = np.column_stack([y, RNG.normal(size=len(y)), np.zeros(len(y))])
    part = fit_linear_part(Ragged(X.reshape(-1, 1), Y, np.ones(len(y)), np.full(len(y), 12)), ())
    assert part.weights.any(axis=0).tolist() == [True, False, False]
    assert part.predicted.any(axis=0).tolist() == [True, False, False]
    assert part.intercept[1:].tolist() == [0, 0]


@pytest.mark.parametrize("seed", range(20))
def test_the_shares_are_those_of_the_smallest_error(seed):
    rng = np.random.RandomState(seed)
    y, r, g = rng.normal(size=(3, 50, 2)) @ rng.normal(size=(2, 4))
    weight = rng.dirichlet(np.ones(50))
    noise = 0.1 * rng.uniform(size=4)
    *shares, unexplained = _best_sum(y, r, g, weight, noise, np.ones(4))
    shares = np.array(shares)
    for k in range(4):
        A = np.sqrt(weight)[:, None] * np.column_stack([r[:, k], g[:, k]])
        b = A.T @ (np.sqrt(weight) * y[:, k]) - [noise[k], 0]
        factor = np.linalg.cholesky(A.T @ A)
        best = lsq_linear(factor.T, np.linalg.solve(factor, b), bounds=(0, 1), tol=1e-14).x
        assert_close(shares[:, k], best, 1e-6)
        whole = weight @ y[:, k] ** 2
        assert_close(unexplained[k], 1 + (best @ A.T @ A @ best - 2 * b @ best) / whole, 1e-6)


def test_without_a_linear_part_the_share_is_that_of_the_network():
    y, r, g = RNG.normal(size=(3, 30, 2))
    g[:, 0] = 0
    r[:, 1] = np.nan
    with np.errstate(all="ignore"):
        a, b, _ = _best_sum(y, r, g, np.full(30, 1 / 30), np.zeros(2), np.array([0.3, 1.0]))
    assert a.tolist() == [0.3, 1.0]
    assert b.tolist() == [0.0, 0.0]


@pytest.mark.parametrize("share", [{"skip_connection": "last"}, {"shrinkage": None}])
def test_other_settings_have_no_share(share):
    X, y = make_windows(linear_series(), window=12)
    weights = SequenceRNNRegressor(**SEED, **share).fit(X, y).weights_
    assert "skip" not in weights or len(weights["skip"]["W"]) == 1


def test_an_empty_sequence_has_no_share():
    X, y = make_windows(100 + linear_series(), window=12)
    with_empty = [*X, X[0][:0]]
    with pytest.warns(ConvergenceWarning, match="Scale X"):
        reg = SequenceRNNRegressor(**SEED).fit(with_empty, [*y, 100.0])
    assert "skip" not in reg.weights_
    assert abs(reg.predict(with_empty)[-1] - 100) < 5


@pytest.mark.parametrize(("of_x", "of_y"), [(1e-3, 1e37), (1e-25, 1e20), (1e-40, 1.0)])
def test_there_is_no_share_whose_weights_overflow(of_x, of_y):
    X, y = make_windows(linear_series(), window=12)
    X, y = (X * of_x).astype(np.float32), (y * of_y).astype(np.float32)
    with pytest.warns(ConvergenceWarning, match="Scale X"):
        reg = SequenceRNNRegressor(**SEED).fit(X, y)
    assert np.isfinite(reg.predict(X)).all()
