"""The share of the last value in the forecasts of SequenceRNNRegressor."""

import numpy as np
import pytest
from numeric_helpers import assert_close, two_forecasts
from scipy.sparse import csr_array

from skrnn import SequenceRNNRegressor
from skrnn._numeric.training import Ragged
from skrnn._training.last_value import share_of_last_value
from skrnn._training.scaling import TargetScale
from skrnn._training.skip import choose_differences, choose_skip, fit_last_values
from skrnn.convert import make_windows

RNG = np.random.RandomState(0)


def persistent(n, slope=0.95, seed=0):
    """Make a series that returns slowly to its mean, as last values (n, 1) and next values (n,)."""
    noise = np.random.RandomState(seed).normal(size=n + 50)
    series = np.zeros(n + 50)
    for t in range(1, n + 50):
        series[t] = slope * series[t - 1] + noise[t]
    return series[49:-1, None], series[50:]


def share_of(last, Y, weight=None, left=1.0):
    """Compute weights and intercepts in the unit of the targets, and those of the line."""
    weight = np.ones(len(Y)) if weight is None else weight
    samples = Ragged(last, Y, weight, np.ones(len(Y), int))
    last_values = fit_last_values(samples)
    skip = choose_skip(last_values)
    scale = TargetScale.of(samples, skip, choose_differences(last_values, skip))
    weights, intercept = share_of_last_value(scale.standardize(samples), scale, left)
    return weights * scale.scale, intercept * scale.scale, scale


def moved_by(last, Y, weight=None, left=1.0):
    """Compute by how much the share of the last value moves the predictions."""
    weights, intercept, _ = share_of(last, Y, weight, left)
    return last @ weights + intercept


def test_few_sequences_move_half_way_or_as_cross_validation_says():
    last, y = persistent(100)
    returns, stays, share = two_forecasts(last[:, 0], y)
    assert 0.5 < share < 0.7
    expected = share * (stays(last[:, 0]) - returns(last[:, 0]))
    assert_close(moved_by(last, y[:, None])[:, 0], expected, 1e-9)


def test_many_sequences_decide_for_themselves():
    last = RNG.normal(size=(30_000, 1))
    y = 0.8 * last[:, 0] + 0.6 * RNG.normal(size=30_000)
    returns, stays, share = two_forecasts(last[:, 0], y)
    assert 0 < share < 0.02  # the line is right
    expected = share * (stays(last[:, 0]) - returns(last[:, 0]))
    assert_close(moved_by(last, y[:, None])[:, 0], expected, 1e-9)


def test_the_units_of_steps_and_targets_do_not_matter():
    last, y = persistent(150)
    expected = moved_by(last, y[:, None])
    assert abs(expected).max() > 0.05
    assert_close(moved_by(1000 * last - 5, y[:, None]), expected, 1e-9)
    assert_close(moved_by(last, 1000 * y[:, None] - 5), 1000 * expected, 1e-9)
    assert_close(moved_by(csr_array(last), y[:, None]), expected, 1e-9)


def test_what_the_network_explains_is_not_moved():
    last, y = persistent(150)
    whole = moved_by(last, y[:, None])
    assert_close(moved_by(last, y[:, None], left=np.array([0.25])), whole / 4, 1e-9)
    assert not moved_by(last, y[:, None], left=0.0).any()


def test_later_values_of_the_same_series_are_forecast_by_the_same_value():
    last, y = persistent(153)
    later, last, y = y[3:], last[:-3], y[:-3]
    noise = y.std() * RNG.normal(size=150)
    Y = np.column_stack([y, later, 50 + later, 10 * later, noise, -y])
    weights, intercept, scale = share_of(last, Y)
    assert (weights[0] != 0).tolist() == [True, True, False, False, False, False]
    assert not intercept[2:].any()
    slope = y.std() / last.std()
    share = weights[0, 0] / (slope - scale.skip[0, 0])
    assert 0.2 < share < 1
    assert_close(scale.skip[0, :2] + weights[0, :2] / share, [slope, slope], 1e-9)
    stays = scale.mean[:2] + intercept[:2] / share
    assert_close(stays, np.full(2, y.mean() - slope * last.mean()), 1e-9)


def test_each_column_moves_its_own_outputs():
    last, y = persistent(150)
    other, z = persistent(150, seed=1)
    both = moved_by(np.hstack([last, other]), np.column_stack([z, y]))
    assert_close(both[:, 0], moved_by(other, z[:, None])[:, 0], 1e-9)
    assert_close(both[:, 1], moved_by(last, y[:, None])[:, 0], 1e-9)


def test_sequences_without_weight_do_not_count():
    last, y = persistent(150)
    weight = np.repeat([1.0, 0.0], [120, 30])
    expected = moved_by(last[:120], y[:120, None])
    assert_close(moved_by(last, y[:, None], weight)[:120], expected, 1e-9)
    weight = RNG.uniform(0.5, 2, size=150)
    expected = moved_by(last, y[:, None], weight)
    assert_close(moved_by(last, y[:, None], 4 * weight), expected, 1e-9)


def test_few_sequences_that_count_have_no_share():
    last, y = persistent(150)
    for n, is_moved in ((32, False), (33, True)):
        weight = np.repeat([1.0, 0.0], [n, 150 - n])
        assert moved_by(last, y[:, None], weight).any() == is_moved


@pytest.mark.parametrize("slope", [0.7, -0.95])  # .49 is less than 0.6
def test_targets_that_do_not_continue_a_column_are_not_moved(slope):
    last = RNG.normal(size=(150, 1))
    y = slope * last[:, 0] + np.sqrt(1 - slope**2) * RNG.normal(size=150)
    assert not moved_by(last, y[:, None]).any()


def test_huge_targets_are_not_moved_to_infinity():
    last, y = persistent(150)
    weights, intercept, _ = share_of(last, 1e200 * y[:, None])
    assert np.isfinite(weights).all()
    assert np.isfinite(intercept).all()


def test_a_fitted_estimator_predicts_the_sum():
    series = np.append(persistent(250)[0], 0)
    X, y = make_windows(series, window=10)
    reg = SequenceRNNRegressor(random_state=0).fit(X, y)
    by_line = SequenceRNNRegressor(random_state=0, skip_connection="last").fit(X, y)
    assert reg.weights_["skip"]["W"][0, 0] > by_line.weights_["skip"]["W"][0, 0] + 0.005


def test_sequences_without_steps_have_no_share():
    last, y = persistent(150)
    samples = Ragged(
        last, np.append(y, 0.0)[:, None], np.ones(151), np.append(np.ones(150, int), 0)
    )
    last_values = fit_last_values(samples)
    skip = choose_skip(last_values)
    scale = TargetScale.of(samples, skip, choose_differences(last_values, skip))
    assert scale.differences == (0,)
    assert not share_of_last_value(scale.standardize(samples), scale, 1.0)[0].any()


def test_sums_are_learned_as_before():
    X = [RNG.normal(size=(3 + i % 4, 1)).cumsum(axis=0) for i in range(200)]
    y = np.array([x[-1, 0] + x.sum() for x in X])
    shrunk, unchanged = (
        SequenceRNNRegressor(random_state=0, dropout=0, shrinkage=shrinkage).fit(X, y).predict(X)
        for shrinkage in ("auto", None)
    )
    assert np.std(shrunk - y) < 1.05 * np.std(unchanged - y)


def test_original_targets_undo_the_standardization():
    last, y = persistent(150)
    samples = Ragged(last, y[:, None], np.ones(150), np.ones(150, int))
    for skip in (None, np.array([[0.9]])):
        scale = TargetScale.of(samples, skip)
        assert_close(scale.original_targets(scale.standardize(samples)), y[:, None], 1e-12)
