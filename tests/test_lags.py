"""The skip connection from several last steps: when there is one, and that everything knows it."""

import pickle

import numpy as np
import pytest
from numeric_helpers import assert_close, assert_gradient_is_exact, onnx_numbers
from scipy.sparse import csr_array
from sklearn import config_context
from sklearn.linear_model import Ridge, RidgeCV
from sklearn.preprocessing import StandardScaler

import skrnn
from skrnn import SequenceRNNRegressor, Sequences
from skrnn._numeric.lags import rows_of_last_steps, weigh
from skrnn._numeric.training import Ragged
from skrnn._training.earlier import (
    _best_single_values,
    _Candidate,
    _LastSteps,
    _residual_variance,
    add_earlier_values,
)
from skrnn._training.skip import (
    choose_differences,
    choose_skip,
    fit_last_values,
    skipped,
    spread,
)
from skrnn.convert import make_windows
from skrnn.pytorch import from_state_dict, to_state_dict

RNG = np.random.RandomState(0)
MONTHS = np.arange(240)
# A season of 12 steps with a trend, and a season of 4 steps around a constant.
YEARS = 3 * np.sin(2 * np.pi * MONTHS / 12) + MONTHS / 20 + RNG.normal(scale=0.3, size=240)
QUARTERS = np.tile([0.0, 1.0, 0.0, -1.0], 60) + RNG.normal(scale=0.2, size=240)
FEW = {"hidden_layer_sizes": 4, "max_iter": 3, "random_state": 0}


def windows(series, length=24):
    """Make windows of a series beside a column of noise, with the next value as target."""
    X, y = make_windows(series, window=length)
    return [np.column_stack([x, RNG.normal(size=len(x))]) for x in X], y


def samples(X, y, weight=None):
    lengths = np.array([len(x) for x in X])
    y = np.asarray(y, dtype=float).reshape(len(X), -1)
    weight = np.ones(len(X)) if weight is None else weight
    return Ragged(np.concatenate(X), y, weight, lengths)


def skip_of(given):
    last_values = fit_last_values(given)
    skip = choose_skip(last_values)
    differences = () if skip is None else choose_differences(last_values, skip)
    return add_earlier_values(given, skip, differences)


def is_from_several(X, y):
    skip = skip_of(samples(X, y))
    return skip is not None and len(skip) > X[0].shape[1]


X, Y = windows(YEARS)


# --- The function of the last steps ------------------------------------------------------------


def test_the_first_step_takes_the_place_of_those_before_it():
    rows = rows_of_last_steps(np.array([4, 0, 2]), 3)
    assert rows.tolist() == [[3, 2, 1], [5, 4, 4]]


@pytest.mark.parametrize("size", [1, 10, 2**18])
@pytest.mark.parametrize("layout", [np.asarray, csr_array])
def test_steps_are_weighed_in_any_portions(size, layout, monkeypatch):
    monkeypatch.setattr("skrnn._numeric.lags._SIZE", size)
    x, W = RNG.normal(size=(9, 2)), RNG.normal(size=(6, 3))
    rows = np.array([[8, 7, 6], [2, 1, 0]])
    expected = [sum(x[row] @ W[2 * j : 2 * j + 2] for j, row in enumerate(some)) for some in rows]
    assert_close(weigh(layout(x), rows, W), expected)


# --- When there is one ---------------------------------------------------------------------------


def test_the_weights_are_those_of_ridge_regression_on_differences(monkeypatch):
    nothing = np.zeros((24, 2, 1)), np.array([0])  # instead of the value of a year before
    monkeypatch.setattr("skrnn._training.earlier._best_single_values", lambda steps: nothing)
    skip = skip_of(samples(X, Y)).reshape(24, 2)
    last = np.array([x[-1, 0] for x in X])
    differences = np.array([x[-2::-1, 0] - x[-1, 0] for x in X])
    scaled = StandardScaler().fit_transform(np.column_stack([last, differences]))
    scaled[:, 0] *= 1000  # so the last value has hardly any penalty
    slope = np.polyfit(last, Y, 1)[0]
    ridge = RidgeCV(np.logspace(-2, 5, 15)).fit(scaled, Y - slope * last)
    weights = ridge.coef_[1:] / differences.std(axis=0)
    assert_close(skip[1:, 0], weights, 1e-6)
    level = slope + 1000 * ridge.coef_[0] / last.std()
    assert_close(skip[:, 0].sum(), level, 1e-6)
    assert not skip[:, 1].any()


def test_the_value_of_one_season_before_may_take_the_place_of_the_last_one():
    year = RNG.normal(size=12)
    level = np.repeat(np.cumsum(RNG.normal(size=25)), 12)
    series = 9 * np.tile(year, 25) + level  # the same months of the years are random walks
    X, y = windows(series, 12)
    skip = skip_of(samples(X, y)).reshape(12, 2)
    before = np.array([x[-12, 0] for x in X])
    assert np.flatnonzero(skip[:, 0]).tolist() == [11]
    assert_close(skip[11, 0], np.polyfit(before, y, 1)[0], 1e-9)


def test_a_season_without_a_last_value_that_says_much():
    X, y = windows(QUARTERS)
    given = samples(X, y)
    assert choose_skip(fit_last_values(given)) is None
    skip = skip_of(given).reshape(24, 2)
    earlier = np.array([x[::-1, 0] for x in X])
    best = RidgeCV(np.logspace(-2, 5, 15)).fit(earlier / earlier.std(axis=0), y).alpha_
    expected = Ridge(best).fit(earlier / earlier.std(axis=0), y).coef_ / earlier.std(axis=0)
    assert_close(skip[:, 0], expected, 1e-6)


def test_earlier_values_are_left_out_if_they_explain_little():
    walk = np.cumsum(RNG.normal(size=200))
    assert not is_from_several(*windows(walk))
    noise = RNG.normal(size=200)
    assert not is_from_several(*windows(noise))
    assert not is_from_several(X, [x[-1, 0] for x in X])  # rounding errors are all that is left


def test_half_of_what_is_left_must_be_explained():
    rng = np.random.RandomState(0)
    x, other = list(rng.normal(size=(1000, 6, 1))), rng.normal(size=1000)
    earlier = np.array([steps[2, 0] for steps in x])
    for share, chosen in ((0.44, False), (0.56, True)):
        y = np.sqrt(share) * earlier + np.sqrt(1 - share) * other
        assert is_from_several(x, y) == chosen


def test_few_sequences_have_none():
    assert is_from_several(X[:33], Y[:33])
    assert not is_from_several(X[:32], Y[:32])


def test_sparse_steps_have_none():
    given = samples(X, Y)
    sparse = Ragged(csr_array(given.x), given.y, given.weight, given.lengths)
    assert len(skip_of(sparse)) == 2


def test_most_sequences_must_have_the_steps():
    place = np.arange(len(X))
    lengths = np.where(place % 20 == 0, 3, np.where(place % 10 == 1, 15, 24))  # a tenth is shorter
    given = [x[-n:] for x, n in zip(X, lengths, strict=True)]
    assert len(skip_of(samples(given, Y))) == 2 * 15


def test_at_most_a_hundred_steps():
    X, y = windows(np.tile(QUARTERS, 2)[:360], 110)
    assert len(skip_of(samples(X, y))) == 200


def test_of_many_sequences_some_are_used():
    many = samples([x[-2:] for x in X] * 20, np.tile(Y, 20))
    assert 1900 < len(_LastSteps.of(many, ()).y) <= 2000


def test_the_chosen_sequences_are_not_those_of_one_series_or_one_hour():
    for n, period in ((11_904, 12), (240_000, 24), (5_000, 7)):
        places = spread(n, 2000)
        assert 1900 < len(np.unique(places)) <= 2000
        counts = np.bincount(places % period, minlength=period)
        assert counts.min() > 0.7 * counts.max()
    assert spread(40, 2000).tolist() == list(range(40))


def test_sequences_without_steps_are_left_out():
    given = samples([X[0][:0], *X], [0, *Y])
    assert_close(skip_of(given), skip_of(samples(X, Y)))


@pytest.mark.parametrize("factor", [1e-6, 1e6])
def test_the_scale_of_the_weights_of_sequences_does_not_count(factor):
    weight = RNG.randint(1, 4, size=len(X)).astype(float)
    expected = skip_of(samples(X, Y, weight))
    assert_close(skip_of(samples(X, Y, factor * weight)), expected, 1e-9)
    assert np.abs(skip_of(samples(X, Y)) - expected).max() > 1e-3


@pytest.mark.parametrize("little", [1e-8, 1e-300])
def test_sequences_with_little_weight_do_not_count(little):
    noise = RNG.normal(scale=20, size=len(X))
    weight = np.where(np.arange(len(X)) % 2, 1, little)
    y = np.where(np.arange(len(X)) % 2, Y, Y + noise)
    assert not is_from_several(X, y)
    expected = skip_of(samples(X[1::2], Y[1::2]))
    assert_close(skip_of(samples(X, y, weight)), expected, 0.1)


def test_steps_that_are_always_equal_get_no_weight():
    for value in (0.1, 1e-3 / 3, 1 / 3, 7e5):
        x = RNG.normal(size=(68, 10, 1))
        x[:, :3] = value
        y = x[:, -2, 0] + 0.5 * x[:, -3, 0] + 0.1 * RNG.normal(size=68)
        skip = skip_of(samples(list(x), y))
        assert len(skip) == 10
        assert not skip[7:].any()


def test_a_smooth_trend():
    series = np.cumsum(np.cumsum(np.random.RandomState(0).normal(size=300)))
    X, y = make_windows(series, window=20)
    train, rest = slice(150), slice(150, None)
    skip = skip_of(samples(list(X[train]), y[train]))
    reg = SequenceRNNRegressor(random_state=0).fit(X[train], y[train])
    assert np.array_equal(reg.weights_["skip"]["W"], skip)
    error = np.sqrt(np.mean((reg.predict(X[rest]) - y[rest]) ** 2))
    assert error < 0.2 * np.sqrt(np.mean((X[rest, -1, 0] - y[rest]) ** 2))


def test_nothing_is_found_in_many_columns_of_noise():
    for seed in range(10):
        rng = np.random.RandomState(seed)
        x = list(rng.normal(size=(33, 20, 1000)))
        assert skip_of(samples(x, rng.normal(size=33))) is None


def test_each_output_gets_its_own_penalty():
    y = np.column_stack([Y, Y + np.random.RandomState(0).normal(scale=0.7, size=len(X))])
    both = skip_of(samples(X, y))
    alone = [skip_of(samples(X, output)) for output in y.T]
    assert_close(both, np.hstack(alone), 1e-9)


def test_the_error_is_the_weighted_variance():
    weight = RNG.randint(1, 4, size=len(X)).astype(float)
    steps = _LastSteps.of(samples(X, Y + 100, weight), ())
    repeated = np.repeat(Y, weight.astype(int))
    assert_close(_residual_variance(steps, np.zeros((24, 2, 1))), [repeated.var()])


def test_the_candidate_with_the_smallest_error_is_used(monkeypatch):
    single, _ = _best_single_values(_LastSteps.of(samples(X, Y), (0,)))
    last = np.zeros_like(single)
    last[0] = skip = choose_skip(fit_last_values(samples(X, Y)))
    for best in (last, single):

        def with_ridge(steps, weights, columns, outputs, best=best):
            is_best = np.array_equal(weights, best)
            return _Candidate(weights + 0.5, np.array([0.0 if is_best else np.inf]))

        monkeypatch.setattr("skrnn._training.earlier._with_ridge", with_ridge)
        expected = (best + 0.5).reshape(-1, 1)
        assert_close(add_earlier_values(samples(X, Y), skip, (0,)), expected)


@pytest.mark.parametrize(("of_x", "of_y"), [(1e200, 1), (1, 1e200), (1e200, 1e200)])
def test_values_too_large_for_squares_have_none(of_x, of_y):
    assert skip_of(samples([x * of_x for x in X], Y * of_y)) is None


def test_each_output_has_its_own():
    y = np.column_stack([Y, RNG.normal(size=len(X)), [x[-1, 0] for x in X]])
    skip = skip_of(samples(X, y)).reshape(24, 2, 3)
    assert np.count_nonzero(skip.any(axis=1), axis=0).tolist() == [24, 1, 1]


def test_others_have_none():
    of_last = SequenceRNNRegressor(**FEW, skip_connection="last").fit(X, Y)
    assert len(of_last.weights_["skip"]["W"]) == 2
    assert "skip" not in SequenceRNNRegressor(**FEW, loss="poisson").fit(X, abs(Y)).weights_


# --- That everything knows it --------------------------------------------------------------------


def test_the_fitted_network_is_the_trained_one_plus_the_last_steps():
    reg = SequenceRNNRegressor(**FEW).fit(X, Y)
    skip, output = reg.weights_["skip"]["W"], reg.weights_["output"]
    assert skip.shape == (48, 1)
    expected = reg.transform(X) @ output["W"] + output["b"] + skipped(samples(X, Y), skip)
    assert_close(reg.predict(X), expected[:, 0])


def test_the_forecast_follows_the_level():
    reg = SequenceRNNRegressor(**FEW).fit(X, Y)
    shifted = [x + np.array([1000.0, 0.0]) for x in X]
    slope = reg.weights_["skip"]["W"].reshape(24, 2)[:, 0].sum()
    assert_close(reg.predict(shifted), reg.predict(X) + 1000 * slope, 1e-8)


def test_short_and_empty_sequences():
    reg = SequenceRNNRegressor(**FEW).fit(X, Y)
    given = [X[0], X[1][:0], X[2][:5], X[3][:1]]
    together = reg.predict(Sequences(np.concatenate(given), [len(x) for x in given]))
    alone = [reg.predict(Sequences(x, [len(x)]))[0] for x in given]
    assert_close(together, alone)
    empty = Sequences(np.empty((0, 2)), [0, 0])
    assert_close(reg.predict(empty), [alone[1]] * 2)


def test_input_gradients_are_exact():
    reg = SequenceRNNRegressor(**FEW).fit(X, Y)
    for x in (X[2], X[2][:3]):
        (gradient,) = reg.input_gradients([x])
        assert_gradient_is_exact(gradient, reg.predict, x)


def test_training_goes_on_with_the_same_weights():
    reg = SequenceRNNRegressor(**FEW).fit(X[:100], Y[:100])
    skip = reg.weights_["skip"]["W"].copy()
    reg.partial_fit(X[100:], Y[100:])
    assert np.array_equal(reg.weights_["skip"]["W"], skip)
    reg.set_params(warm_start=True).fit(X[50:], Y[50:])
    assert np.array_equal(reg.weights_["skip"]["W"], skip)


def test_given_weights_may_be_those_of_several_steps():
    reg = SequenceRNNRegressor(**FEW).fit(X, Y)
    same = SequenceRNNRegressor(
        4, init=reg.weights_, max_iter=1, learning_rate_init=1e-12, dropout=0
    ).fit(X, Y)
    assert_close(same.predict(X), reg.predict(X), 1e-8)
    for W, message in {
        (5, 1): r"skip\['W'\] have shape \(5, 1\).*needs \(4, 1\)",
        (48, 2): r"skip\['W'\] have shape \(48, 2\).*needs \(48, 1\)",
        (): r"skip\['W'\] have shape \(\).*needs \(2, 1\)",
    }.items():
        wrong = {**reg.weights_, "skip": {"W": np.ones(W)}}
        with pytest.raises(ValueError, match=message):
            SequenceRNNRegressor(4, init=wrong).fit(X, Y)
    wrong = {**reg.weights_, "skip": None}
    with pytest.raises(ValueError, match="skip must be a dictionary of arrays, got NoneType"):
        SequenceRNNRegressor(4, init=wrong).fit(X, Y)
    with pytest.raises(ValueError, match=r"\(48, 1\).*needs \(2, 1\)"):
        SequenceRNNRegressor(4, init=reg.weights_, skip_connection="last").fit(X, Y)


def test_given_weights_make_the_same_network():
    rng = np.random.RandomState(22)
    walks = rng.normal(size=(320, 2)).cumsum(axis=0)
    x = [walks[i : i + 12] for i in range(300)]
    y = np.array([steps[0, 0] for steps in x]) + 0.05 * rng.normal(size=300)
    reg = SequenceRNNRegressor(**FEW).fit(x, y)
    same = SequenceRNNRegressor(
        4, init=reg.weights_, max_iter=1, learning_rate_init=1e-12, dropout=0
    ).fit(x, y)
    assert_close(same.predict(x), reg.predict(x), 1e-8)


def test_streams_are_refused():
    X, y = windows(QUARTERS)
    reg = SequenceRNNRegressor(**FEW, bidirectional=False).fit(X, y)
    with pytest.raises(ValueError, match=r"need skip_connection='last'.*of the last 24 steps"):
        reg.initial_state()


def test_saved_and_loaded(tmp_path):
    reg = SequenceRNNRegressor(**FEW).fit(X, Y)
    skrnn.save(reg, tmp_path / "reg.skrnn")
    for loaded in (skrnn.load(tmp_path / "reg.skrnn"), pickle.loads(pickle.dumps(reg))):
        assert np.array_equal(loaded.predict(X), reg.predict(X))


def test_exchange_with_pytorch():
    reg = SequenceRNNRegressor(**FEW).fit(X, Y)
    written = to_state_dict(reg)
    assert written["skip.weight"].shape == (1, 48)
    assert written["skip.differences"].tolist() == [1, 0]
    read = from_state_dict(SequenceRNNRegressor(), written)
    assert read.skip_connection == "auto"
    assert_close(read.predict(X), reg.predict(X))
    for n_columns in (0, 47):
        wrong = {**written, "skip.weight": np.ones((1, n_columns))}
        with pytest.raises(ValueError, match=rf"'skip.weight' has shape \(1, {n_columns}\)"):
            from_state_dict(SequenceRNNRegressor(), wrong)


@pytest.mark.parametrize("lengths", ["input", "nan"])
def test_onnx(lengths):
    reg = SequenceRNNRegressor(**FEW).fit(X, Y)
    given = [*X[:4], X[0][:0], X[5][:3], X[6][:1]]
    predicted = onnx_numbers(reg, given, lengths, n_steps=26)
    expected = reg.predict(Sequences(np.concatenate(given), [len(x) for x in given]))
    np.testing.assert_allclose(predicted.ravel(), expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("series", [YEARS, QUARTERS])
def test_a_forecast_of_a_season_is_better_than_its_repetition(series):
    X, y = make_windows(series, window=24)
    train, rest = slice(160), slice(160, None)
    reg = SequenceRNNRegressor(random_state=0).fit(X[train], y[train])
    error = np.sqrt(np.mean((reg.predict(X[rest]) - y[rest]) ** 2))
    repeated = np.array([x[-12] for x in X[rest]]).ravel()
    assert error < np.sqrt(np.mean((repeated - y[rest]) ** 2))


def test_settings_of_scikit_learn_change_nothing():
    expected = SequenceRNNRegressor(**FEW).fit(X, Y).predict(X)
    pytest.importorskip("pandas")
    with config_context(enable_metadata_routing=True, transform_output="pandas"):
        reg = SequenceRNNRegressor(**FEW).fit(X, Y, sample_weight=np.ones(len(X)))
    assert np.array_equal(reg.predict(X), expected)
