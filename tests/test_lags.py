"""The skip connection from several last steps: when there is one, and that everything knows it."""

import pickle

import numpy as np
import pytest
from numeric_helpers import assert_close
from scipy.sparse import csr_array
from sklearn import config_context
from sklearn.linear_model import Ridge, RidgeCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import skrnn
from skrnn import Quantile, SequenceRNNRegressor, Sequences
from skrnn._numeric.lags import rows_of_last_steps, weigh
from skrnn._numeric.training import Ragged
from skrnn._training.earlier import add_earlier_values
from skrnn._training.skip import choose_differences, choose_skip, fit_last_values, skipped
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
    nothing = np.zeros((24, 2, 1))  # instead of the value of a year before
    monkeypatch.setattr("skrnn._training.earlier._EarlierValues.best_single", lambda self: nothing)
    skip = skip_of(samples(X, Y)).reshape(24, 2)
    last = np.array([x[-1, 0] for x in X])
    slope = np.polyfit(last, Y, 1)[0]
    differences = np.array([x[-2::-1, 0] - x[-1, 0] for x in X])
    alphas = np.logspace(-2, 5, 15)
    model = make_pipeline(StandardScaler(), RidgeCV(alphas)).fit(differences, Y - slope * last)
    weights = model[-1].coef_ / model[0].scale_
    assert_close(skip[1:, 0], weights, 1e-6)
    assert_close(skip[:, 0].sum(), slope, 1e-9)  # so the forecast follows the level as before
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
    earlier, other = np.array([x[5, 1] for x in X]), RNG.normal(size=len(X))
    last = np.array([x[-1, 0] for x in X])
    for share, chosen in ((0.3, False), (0.8, True)):
        left = np.sqrt(share) * earlier + np.sqrt(1 - share) * other
        lone = [x[:, 1:] for x in X]
        assert is_from_several(lone, left) == chosen
    assert not is_from_several(X, last)


def test_few_sequences_have_none():
    assert is_from_several(X[:33], Y[:33])
    assert not is_from_several(X[:32], Y[:32])


def test_sparse_steps_have_none():
    given = samples(X, Y)
    sparse = Ragged(csr_array(given.x), given.y, given.weight, given.lengths)
    assert len(skip_of(sparse)) == 2


def test_most_sequences_must_have_the_steps():
    lengths = np.where(np.arange(len(X)) % 20 == 0, 3, np.where(np.arange(len(X)) % 2, 24, 15))
    given = [x[-n:] for x, n in zip(X, lengths, strict=True)]
    assert len(skip_of(samples(given, Y))) == 2 * 15


def test_at_most_a_hundred_steps():
    X, y = windows(np.tile(QUARTERS, 2)[:360], 110)
    assert len(skip_of(samples(X, y))) == 200


def test_many_sequences_are_thinned_out(monkeypatch):
    monkeypatch.setattr("skrnn._training.earlier._MANY_SEQUENCES", 110)
    given = samples([X[0][:0], *X], [0, *Y])  # 217 sequences, of which one has no steps
    every_second = samples(X[::2], Y[::2])
    last_values = fit_last_values(given)
    skip = choose_skip(last_values)
    differences = choose_differences(last_values, skip)
    expected = add_earlier_values(every_second, skip, differences)
    assert_close(add_earlier_values(given, skip, differences), expected, 1e-9)


def test_the_weights_of_sequences_count():
    weight = RNG.randint(1, 4, size=len(X)).astype(float)
    plain, weighted = skip_of(samples(X, Y)), skip_of(samples(X, Y, weight))
    assert_close(skip_of(samples(X, Y, 3 * np.ones(len(X)))), plain, 1e-2)
    assert np.abs(weighted - plain).max() > 1e-3


@pytest.mark.parametrize(("of_x", "of_y"), [(1e200, 1), (1, 1e200), (1e200, 1e200)])
def test_values_too_large_for_squares_have_none(of_x, of_y):
    assert skip_of(samples([x * of_x for x in X], Y * of_y)) is None


def test_each_output_has_its_own():
    y = np.column_stack([Y, RNG.normal(size=len(X)), [x[-1, 0] for x in X]])
    skip = skip_of(samples(X, y)).reshape(24, 2, 3)
    assert np.count_nonzero(skip.any(axis=1), axis=0).tolist() == [24, 0, 1]


@pytest.mark.parametrize("parameters", [{"skip_connection": "last"}, {"loss": Quantile(0.5)}])
def test_others_have_none(parameters):
    weights = SequenceRNNRegressor(**FEW, **parameters).fit(X, Y).weights_
    assert len(weights.get("skip", {"W": ()})["W"]) in (0, 2)


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
        for entry in np.ndindex(gradient.shape):
            moved = [x.copy(), x.copy()]
            moved[0][entry] += 1e-5
            moved[1][entry] -= 1e-5
            plus, minus = reg.predict(moved)
            assert abs((plus - minus) / 2e-5 - gradient[entry]) < 1e-6


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
    wrong = {**reg.weights_, "skip": {"W": np.ones((5, 1))}}
    with pytest.raises(ValueError, match=r"skip\['W'\] have shape \(5, 1\).*needs \(4, 1\)"):
        SequenceRNNRegressor(4, init=wrong).fit(X, Y)


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
    pytest.importorskip("skl2onnx")
    runtime = pytest.importorskip("onnxruntime")
    from skrnn.onnx import to_onnx

    reg = SequenceRNNRegressor(**FEW).fit(X, Y)
    model = runtime.InferenceSession(to_onnx(reg, lengths=lengths).SerializeToString())
    given = [*X[:4], X[0][:0], X[5][:3], X[6][:1]]
    padded = np.full((7, 26, 2), np.nan, np.float32)
    for row, x in zip(padded, given, strict=True):
        row[: len(x)] = x
    feed = {"X": padded}
    if lengths == "input":
        feed["lengths"] = np.array([len(x) for x in given])
    (predicted,) = model.run(None, feed)
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
