"""The skip connection of regressors: what it is, and that everything else knows it."""

from dataclasses import replace

import numpy as np
import pytest
from numeric_helpers import assert_close, assert_gradient_is_exact, onnx_numbers
from scipy.sparse import csr_array
from sklearn.base import clone
from sklearn.metrics import r2_score

import skrnn
from skrnn import (
    Gaussian,
    Huber,
    Quantile,
    SequenceRNNClassifier,
    SequenceRNNRegressor,
    Sequences,
    StepRNNClassifier,
    StepRNNRegressor,
)
from skrnn._numeric.training import Ragged
from skrnn._training.scaling import TargetScale
from skrnn._training.skip import (
    choose_differences,
    choose_skip,
    fit_last_values,
    follow_level,
    moments,
    skipped,
)
from skrnn.convert import make_windows
from skrnn.pytorch import from_state_dict, to_state_dict

RNG = np.random.RandomState(0)
WALK = 300 + np.cumsum(RNG.normal(size=260))
# Windows of a random walk beside a column of noise; the next value of the walk is the target.
X = [
    np.column_stack([WALK[i : i + 4 + i % 5] - 300, RNG.normal(size=4 + i % 5)]) for i in range(240)
]
Y = np.array([WALK[i + 4 + i % 5] for i in range(240)])
FEW = {"hidden_layer_sizes": 4, "max_iter": 3, "random_state": 0}


def skip_of(samples):
    return choose_skip(fit_last_values(samples))


def samples(X, y, weight=None):
    lengths = np.array([len(x) for x in X])
    y = np.asarray(y, dtype=float).reshape(len(X), -1)
    weight = np.ones(len(X)) if weight is None else weight
    return Ragged(np.concatenate(X), y, weight, lengths)


def test_the_weight_is_that_of_least_squares():
    skip = skip_of(samples(X, np.column_stack([Y, -3 * Y])))
    last = np.array([x[-1, 0] for x in X])
    expected = np.polyfit(last, Y, 1)[0]
    assert_close(skip, [[expected, -3 * expected], [0, 0]], 1e-9)
    assert abs(expected - 1) < 0.05  # of a random walk


def test_no_column_is_chosen_that_explains_less_than_half():
    noise = RNG.normal(size=240)
    last = np.array([x[-1, 1] for x in X])
    assert skip_of(samples(X, noise)) is None
    for correlation, chosen in ((0.6, False), (0.8, True)):
        y = correlation * last + np.sqrt(1 - correlation**2) * noise
        assert (skip_of(samples(X, y)) is not None) == chosen


def test_weights_are_counts():
    weight = RNG.randint(1, 4, size=240)
    index = np.repeat(np.arange(240), weight)
    weighted = skip_of(samples(X, Y, weight.astype(float)))
    assert_close(weighted, skip_of(samples([X[i] for i in index], Y[index])))


@pytest.mark.parametrize(
    "changed",
    [
        pytest.param([x[:0] for x in X], id="no steps"),
        pytest.param([np.zeros_like(x) for x in X], id="constant columns"),
        pytest.param([x * 1e200 for x in X], id="squares overflow"),
    ],
)
def test_nothing_is_chosen_without_a_finite_ratio(changed):
    assert skip_of(samples(changed, Y)) is None


def test_constant_targets_have_none():
    assert skip_of(samples(X, np.ones(240))) is None


@pytest.mark.parametrize("level", [3e7, 1e9, -1e11])
def test_the_level_of_series_does_not_count(level):
    expected = skip_of(samples(X, Y))
    assert_close(skip_of(samples(X, Y + level)), expected, 1e-4)
    moved = [x + np.array([level, 0]) for x in X]
    last_values = fit_last_values(samples(moved, Y + level))
    assert_close(choose_skip(last_values), expected, 1e-4)
    assert choose_differences(last_values, expected) == (0,)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_rounding_errors_are_no_deviation(dtype):
    values, weight = np.full((20_001, 3), [0.1, 1e8, -3.7], dtype), RNG.uniform(size=20_001)
    weight /= weight.sum()
    mean, deviation = moments(values, weight)
    assert deviation.tolist() == [0, 0, 0]
    np.testing.assert_array_equal(mean, values[0])
    values[::2] = np.nextafter(values[::2], dtype(0))
    for of_values in (values, values.astype(np.float64)):
        assert moments(of_values, weight, dtype)[1].tolist() == [0, 0, 0]
    values[::2] *= 1 - 100 * np.finfo(dtype).eps
    assert moments(values, weight)[1].all()


def test_sparse_steps():
    given = samples(X, np.column_stack([Y, RNG.normal(size=240)]))
    sparse = Ragged(csr_array(given.x), given.y, given.weight, given.lengths)
    assert_close(skip_of(sparse), skip_of(given))
    skip = RNG.normal(size=(2, 2))
    assert_close(skipped(sparse, skip), skipped(given, skip))
    x = Sequences(csr_array(np.concatenate(X)), [len(x) for x in X])
    assert_close(
        SequenceRNNRegressor(**FEW).fit(x, Y).predict(x),
        SequenceRNNRegressor(**FEW).fit(X, Y).predict(X),
        1e-9,
    )


@pytest.mark.parametrize("n_empty", [1, 30])
def test_the_level_does_not_count_beside_empty_sequences(n_empty):
    """As a difference to 0, their targets would be far from all others."""
    predicted, params = [], {**FEW, "max_iter": 10}
    for level in (0, 1000):
        given = [x + np.array([level, 0]) for x in X]
        reg = SequenceRNNRegressor(**params).fit(
            given + [np.empty((0, 2))] * n_empty, np.append(Y - 300, [0] * n_empty) + level
        )
        predicted.append(reg.predict(given) - level)
        assert reg.predict([np.empty((0, 2))]) < 100  # without steps there is no level
    assert_close(predicted[1], predicted[0], 1e-6)


def test_targets_of_empty_sequences_have_the_mean_of_the_connection_in_training():
    given, y = [X[0], X[1], X[2][:0], X[3]], np.array([3.0, 5.0, 9.0, 1.0])
    weight, skip = np.array([1.0, 2.0, 1.0, 0.0]), np.array([[2.0], [0.5]])
    ragged = samples(given, y, weight)
    added = np.array([X[0][-1] @ skip, X[1][-1] @ skip, [0], X[3][-1] @ skip])
    of_static = replace(ragged, static=np.ones((4, 1)))
    scale = TargetScale.only_skip(skip)
    assert_close(scale.standardize(of_static).y, y[:, None] - added)
    added[2] = (added[0] + 2 * added[1]) / 3
    standardized = scale.standardize(ragged)
    assert_close(standardized.y, y[:, None] - added)
    raw, again = scale.add_skip(np.zeros((4, 1)), standardized)
    assert_close(again.y, ragged.y)
    assert_close(raw, added)
    empty = samples(given, y, np.array([0, 0, 1.0, 0]))
    assert_close(scale.standardize(empty).y[2], [9.0])


def test_an_empty_sequence_adds_nothing():
    given = [X[0], X[1][:0], X[2]]
    expected = [X[0][-1], [0, 0], X[2][-1]]
    assert skipped(samples(given, [1, 2, 3]), np.eye(2)).tolist() == np.array(expected).tolist()


def test_the_forecast_starts_from_the_last_value():
    train, rest = slice(150), slice(150, None)
    with_skip = SequenceRNNRegressor(random_state=0).fit(X[train], Y[train])
    without = SequenceRNNRegressor(skip_connection=None, random_state=0).fit(X[train], Y[train])
    last = np.array([x[-1, 0] + 300 for x in X[rest]])
    errors = {
        name: np.sqrt(np.mean((predicted - Y[rest]) ** 2))
        for name, predicted in {
            "last": last,
            "with": with_skip.predict(X[rest]),
            "without": without.predict(X[rest]),
        }.items()
    }
    assert errors["with"] < 1.15 * errors["last"]
    assert errors["without"] > 1.2 * errors["with"]
    assert "skip" not in without.weights_


def test_the_chosen_column_enters_as_the_difference_to_its_last_value():
    reg = SequenceRNNRegressor(**FEW).fit(X, Y)
    shifted = [x + np.array([1000.0, 0.0]) for x in X]
    assert_close(reg.transform(shifted), reg.transform(X), 1e-9)
    assert_close(reg.predict(shifted), reg.predict(X) + 1000 * reg.weights_["skip"]["W"][0], 1e-9)
    other = [x + np.array([0.0, 1.0]) for x in X]  # the column of noise enters as it is
    assert np.abs(reg.transform(other) - reg.transform(X)).max() > 0.01


def test_differences_are_those_of_a_network_without_skip_connection():
    params = {**FEW, "shrinkage": None}
    reg = SequenceRNNRegressor(**params).fit(X, Y)
    differences = [x - [x[-1, 0], 0] for x in X]
    added = skipped(samples(X, Y), reg.weights_["skip"]["W"])[:, 0]
    alone = SequenceRNNRegressor(**params, skip_connection=None).fit(differences, Y - added)
    assert_close(reg.predict(X), alone.predict(differences) + added)


def test_several_outputs_with_different_columns():
    y = np.column_stack([Y, [x[-1, 1] for x in X], RNG.normal(size=240)])
    reg = SequenceRNNRegressor(**FEW, shrinkage=None).fit(X, y)
    moved = [x + np.array([5.0, -3.0]) for x in X]
    expected = reg.predict(X) + np.array([5.0, -3.0]) @ reg.weights_["skip"]["W"]
    assert np.count_nonzero(reg.weights_["skip"]["W"]) == 3
    assert_close(reg.predict(moved), expected, 1e-9)


def test_each_output_gets_a_weight_beside_a_level():
    walk = np.array([x[-1, 0] for x in X])
    distance = np.abs(walk - walk.mean())
    noise = walk.std() * RNG.normal(size=240)
    y = np.column_stack([Y, walk + 1.5 * noise, noise, 0 * noise, distance, distance + 9 * noise])
    skip = skip_of(samples(X, y))
    last_values = fit_last_values(samples(X, y))
    np.testing.assert_array_equal(skip, [last_values.weights[0], np.zeros(6)])
    assert (skip[0] != 0).tolist() == [True, True, True, False, True, True]
    assert skip_of(samples(X, y[:, 1:])) is None  # there is no level
    for columns, differences in (((0, 1), (0,)), ((0, 2, 3), (0,)), ((0, 4), ()), ((0, 5), (0,))):
        last_values = fit_last_values(samples(X, y[:, columns]))
        assert choose_differences(last_values, choose_skip(last_values)) == differences


def test_a_function_of_the_level_is_learned_beside_the_level():
    walks = np.random.RandomState(1).normal(size=(300, 10)).cumsum(axis=1)
    walks += 3 * np.random.RandomState(2).normal(size=(300, 1))
    y = np.column_stack([walks[:, -1], walks[:, -1] ** 2])
    reg = SequenceRNNRegressor(random_state=0).fit(walks[:200, :, None], y[:200])
    assert r2_score(y[200:, 1], reg.predict(walks[200:, :, None])[:, 1]) > 0.7


def test_values_many_steps_ahead_keep_the_level():
    noise, series = np.random.RandomState(0).normal(size=700), np.zeros(700)
    for t in range(1, 700):
        series[t] = 0.95 * series[t - 1] + noise[t]
    X, y = make_windows(series[:500], window=12, horizon=10)
    X_new, y_new = make_windows(series[488:], window=12, horizon=10)
    reg = SequenceRNNRegressor(8, random_state=0).fit(X, y)
    error = np.mean((reg.predict(X_new) - y_new) ** 2, axis=0)
    assert (
        error < 1.2 * np.mean((0.95 ** np.arange(1, 11) * X_new[:, -1] - y_new) ** 2, axis=0)
    ).all()


@pytest.mark.parametrize("normalize_y", [True, False])
@pytest.mark.parametrize("loss", [Gaussian(), Quantile(0.5), Quantile((0.1, 0.5, 0.9))], ids=str)
def test_distributions_follow_the_level(loss, normalize_y):
    reg = SequenceRNNRegressor(**FEW, loss=loss, normalize_y=normalize_y).fit(X, Y)
    skip = reg.weights_["skip"]["W"]
    assert skip[0, 0] > 0
    assert not skip[:, 1:].any()
    moved = [x + np.array([50.0, 0.0]) for x in X]
    scale = 1.0 if not normalize_y else reg._target_scale["scale"][0]
    expected = reg.predict(X) + 50 * skip[0, 0] * scale
    assert_close(reg.predict(moved), expected, 1e-9)
    if isinstance(loss, Gaussian):
        of_moved, of_given = (reg.predict(x, return_std=True)[1] for x in (moved, X))
        assert_close(of_moved, of_given, 1e-9)


def test_distributions_of_several_targets_follow_their_levels():
    y = np.column_stack([Y, [x[-1, 1] for x in X]])
    reg = SequenceRNNRegressor(**FEW, loss=Quantile((0.2, 0.5, 0.8))).fit(X, y)
    expected = reg.predict(X) + np.array([5.0, -3.0])[:, None] * 0.99
    moved = reg.predict([x + np.array([5.0, -3.0]) for x in X])
    assert_close(moved, expected, 0.1)
    assert np.count_nonzero(reg.weights_["skip"]["W"]) == 2


@pytest.mark.parametrize("loss", [Gaussian(), Quantile((0.1, 0.9))], ids=str)
def test_exports_of_distributions_know_the_last_value(loss, tmp_path):
    reg = SequenceRNNRegressor(**FEW, loss=loss).fit(X, Y)
    skrnn.save(reg, tmp_path / "model.skrnn")
    np.testing.assert_array_equal(skrnn.load(tmp_path / "model.skrnn").predict(X), reg.predict(X))
    found = onnx_numbers(reg, X, "input", 9)
    assert_close(found.reshape(240, -1), reg.predict(X).reshape(240, -1), 1e-2)


def test_intervals_of_a_walk():
    walk = (0.2 + np.random.RandomState(0).normal(size=600)).cumsum()
    X, y = make_windows(walk[:400], window=20)
    X_new, y_new = make_windows(walk[380:], window=20)
    low, high = (
        SequenceRNNRegressor(loss=Quantile((0.1, 0.9)), random_state=0).fit(X, y).predict(X_new).T
    )
    assert 0.7 < np.mean((low < y_new) & (y_new < high)) < 0.9
    assert 2 < np.mean(high - low) < 3  # 2.56 for the normal distribution


def test_validation_scores_of_distributions_are_those_of_predictions():
    params = {**FEW, "early_stopping": True, "n_iter_no_change": 100}
    reg = SequenceRNNRegressor(**params, loss=Gaussian())
    reg.fit(X[:200], Y[:200], X_val=X[200:], y_val=Y[200:])
    best = np.argmin(reg.validation_loss_curve_)
    assert_close(reg.score(X[200:], Y[200:]), reg.validation_scores_[best], 1e-9)


def test_a_sequence_without_steps_among_differences():
    reg = SequenceRNNRegressor(**FEW).fit(X, Y)
    given = [X[0], X[1][:0], X[2]]
    alone = [reg.predict(Sequences(x, [len(x)]))[0] for x in given]
    assert_close(reg.predict(Sequences(np.concatenate(given), [len(x) for x in given])), alone)


def test_cells_with_decay_read_values_as_they_are():
    from skrnn import ForwardImputer

    gaps = [np.where(RNG.rand(*x.shape) < 0.2, np.nan, x) for x in X]
    filled = ForwardImputer(add_indicator=True, add_elapsed=True).fit_transform(gaps)
    reg = SequenceRNNRegressor(**FEW, cell="gru_d").fit(filled, Y)
    assert reg.weights_["skip"]["W"].any()
    assert not reg._fitted_network().differences


def test_the_fitted_network_is_the_trained_one_plus_the_last_step():
    reg = SequenceRNNRegressor(**FEW, skip_connection="last").fit(X, Y)
    skip = reg.weights_["skip"]["W"]
    output = reg.weights_["output"]
    expected = reg.transform(X) @ output["W"] + output["b"] + skipped(samples(X, Y), skip)
    assert_close(reg.predict(X), expected[:, 0])
    alone = SequenceRNNRegressor(**FEW, skip_connection=None)
    alone.fit(X, Y - (skipped(samples(X, Y), skip))[:, 0])
    assert_close(reg.weights_["output"]["W"], alone.weights_["output"]["W"])


@pytest.mark.parametrize("loss", ["squared_error", "absolute_error", Huber(0.5)])
def test_losses_whose_output_is_the_prediction(loss):
    reg = SequenceRNNRegressor(**FEW, loss=loss).fit(X, Y)
    assert np.count_nonzero(reg.weights_["skip"]["W"]) == 1


@pytest.mark.parametrize("loss", ["poisson", "gamma"])
def test_other_losses_have_none(loss):
    assert "skip" not in SequenceRNNRegressor(**FEW, loss=loss).fit(X, Y).weights_


@pytest.mark.parametrize("normalize_y", [True, False])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_streams(normalize_y, dtype):
    given = [x.astype(dtype) for x in X]
    one_way = {"bidirectional": False, "skip_connection": "last"}
    reg = SequenceRNNRegressor(**FEW, **one_way, normalize_y=normalize_y).fit(given, Y)
    state = reg.initial_state()
    for t, x_t in enumerate(given[3]):
        predicted, state = reg.step(x_t, state)
        assert predicted.dtype == dtype
        np.testing.assert_allclose(predicted, reg.predict([given[3][: t + 1]]), rtol=1e-6)


def test_streams_are_refused_with_differences():
    reg = SequenceRNNRegressor(**FEW, bidirectional=False).fit(X, Y)
    with pytest.raises(
        ValueError, match=r"skip_connection='last' or None in fit.*columns \[0\] as diff"
    ):
        reg.initial_state()


def test_input_gradients_are_exact():
    reg = SequenceRNNRegressor(**FEW).fit(X, np.column_stack([Y, -Y]))
    for target in (0, 1):
        (gradient,) = reg.input_gradients(X[2:3], target=target)
        assert_gradient_is_exact(gradient, lambda x, k=target: reg.predict(x)[:, k], X[2])


def test_training_goes_on_with_the_same_skip_connection():
    reg = SequenceRNNRegressor(**FEW).fit(X[:100], Y[:100])
    skip = reg.weights_["skip"]["W"].copy()
    reg.partial_fit(X[100:], 5 * Y[100:] - 4 * Y[100:].mean())
    assert np.array_equal(reg.weights_["skip"]["W"], skip)
    reg.set_params(warm_start=True, learning_rate_init=1e-12).fit(X, Y)
    assert np.array_equal(reg.weights_["skip"]["W"], skip)


def test_normalize_y_may_change_between_calls():
    y = 1e4 * Y
    reg = SequenceRNNRegressor(**{**FEW, "dropout": 0}).fit(X, y)
    assert reg.loss_ < 10
    reg.set_params(normalize_y=False, learning_rate_init=1e-12).partial_fit(X, y)
    skip, raw_loss = reg.weights_["skip"]["W"], reg.loss_
    assert_close(raw_loss, np.mean((reg.predict(X) - y) ** 2) / 2, 1e-3)
    reg.set_params(normalize_y=True).partial_fit(X, y)
    difference = y - skipped(samples(X, y), skip)[:, 0]
    assert_close(reg.loss_, raw_loss / difference.var(), 1e-3)
    assert np.array_equal(reg.weights_["skip"]["W"], skip)


def test_loaded_weights_are_trained_further_on_standardized_targets():
    reg = SequenceRNNRegressor(**{**FEW, "dropout": 0}).fit(X, 1e4 * Y)
    loaded = from_state_dict(clone(reg), to_state_dict(reg))
    assert "skip" in loaded.weights_
    loaded.set_params(learning_rate_init=1e-12).partial_fit(X, 1e4 * Y)
    assert loaded.loss_ < 10
    assert_close(loaded.predict(X), reg.predict(X), 1e-8)


def test_initial_weights_with_and_without_a_skip_connection():
    reg = SequenceRNNRegressor(**FEW).fit(X, Y)
    same = SequenceRNNRegressor(
        4, init=reg.weights_, max_iter=1, learning_rate_init=1e-12, dropout=0
    ).fit(X, Y)
    assert_close(same.predict(X), reg.predict(X), 1e-8)
    without = {layer: p for layer, p in reg.weights_.items() if layer != "skip"}
    assert "skip" not in SequenceRNNRegressor(4, init=without, max_iter=1).fit(X, Y).weights_
    wrong = {**reg.weights_, "skip": {"W": np.ones((3, 1))}}
    with pytest.raises(ValueError, match=r"skip\['W'\] have shape \(3, 1\).*needs \(2, 1\)"):
        SequenceRNNRegressor(4, init=wrong).fit(X, Y)


def test_estimators_without_skip_connection_refuse_its_weights():
    weights = SequenceRNNRegressor(**FEW).fit(X, Y).weights_
    clf = StepRNNClassifier(4, bidirectional=True, init=weights)
    with pytest.raises(ValueError, match=r"Weights are given for skip\['W'\], which the network"):
        clf.fit(X, [x[:, 0] > 0 for x in X])


@pytest.mark.parametrize("loss", [Quantile(0.5), Quantile((0.1, 0.9)), Gaussian()], ids=str)
def test_distributions_refuse_weights_of_a_skip_connection(loss):
    weights = SequenceRNNRegressor(**FEW, loss=loss).fit(X, Y).weights_
    with pytest.raises(ValueError, match="init holds weights of a skip connection, which are in"):
        SequenceRNNRegressor(4, loss=loss, init=weights).fit(X, Y)
    without = {layer: p for layer, p in weights.items() if layer != "skip"}
    assert "skip" not in SequenceRNNRegressor(4, loss=loss, init=without).fit(X, Y).weights_


def spread_by_level(n=900):
    rng = np.random.RandomState(0)
    level = rng.uniform(1, 9, size=n)
    steps = [level[i] + rng.normal(size=(4 + i % 5, 1)).cumsum(axis=0)[::-1] for i in range(n)]
    last = np.array([x[-1, 0] for x in steps])
    return steps, last + (0.1 + 0.25 * np.maximum(last, 0)) * rng.normal(size=n), last


def test_a_spread_that_depends_on_the_level_is_learned():
    steps, y, last = spread_by_level()
    reg = SequenceRNNRegressor(loss=Gaussian(), random_state=0).fit(steps[:600], y[:600])
    assert reg.weights_["skip"]["W"].any()
    assert reg._architecture["differences"] == ()
    std = reg.predict(steps[600:], return_std=True)[1]
    low, high = last[600:] < 3, last[600:] > 7
    assert std[high].mean() > 2 * std[low].mean()
    squared = SequenceRNNRegressor(**FEW).fit(steps, y)
    assert squared._architecture["differences"] == (0,)


@pytest.mark.parametrize("loss", ["poisson", "gamma"])
def test_losses_without_skip_connection_refuse_its_weights(loss):
    weights = SequenceRNNRegressor(**FEW).fit(X, Y).weights_
    weights["output"] = {"W": np.ones((24, 1)), "b": np.ones(1)}
    with pytest.raises(ValueError, match=r"Weights are given for skip\['W'\], which the network"):
        SequenceRNNRegressor(4, loss=loss, init=weights).fit(X, Y)


@pytest.mark.parametrize(
    "estimator",
    [
        SequenceRNNClassifier(),
        StepRNNClassifier(),
        StepRNNRegressor(loss="poisson"),
        SequenceRNNRegressor(loss="poisson"),
        SequenceRNNRegressor(loss="gamma"),
        SequenceRNNRegressor(loss=Quantile(0.5)),
        SequenceRNNRegressor(loss=Gaussian()),
    ],
)
def test_modules_with_a_skip_connection_are_refused_where_there_is_none(estimator):
    written = to_state_dict(SequenceRNNRegressor(**FEW, pooling="last").fit(X, Y))
    if hasattr(estimator, "pooling"):
        estimator = clone(estimator).set_params(pooling="last")
    with pytest.raises(
        ValueError, match=rf"'skip.weight', but {type(estimator).__name__}\(.*has no"
    ):
        from_state_dict(estimator, written)
    network = {key: array for key, array in written.items() if not key.startswith("skip")}
    if isinstance(getattr(estimator, "loss", None), Gaussian):
        network["output.weight"] = np.repeat(network["output.weight"], 2, axis=0)
        network["output.bias"] = np.repeat(network["output.bias"], 2)
    assert "skip" not in from_state_dict(estimator, network).weights_


def test_validation_scores_are_those_of_the_forecast():
    reg = SequenceRNNRegressor(**FEW, dropout=0, shrinkage=None)
    reg.fit(X[:100], Y[:100], X_val=X[100:], y_val=Y[100:])
    assert_close(reg.validation_scores_[-1], reg.score(X[100:], Y[100:]))


def test_exchange_with_pytorch():
    reg = SequenceRNNRegressor(**FEW).fit(X, Y)
    written = to_state_dict(reg)
    assert list(written)[-2:] == ["skip.weight", "skip.differences"]
    assert written["skip.weight"].shape == (1, 2)
    assert written["skip.differences"].tolist() == [1, 0]
    assert_close(from_state_dict(SequenceRNNRegressor(), written).predict(X), reg.predict(X))
    alone = {key: array for key, array in written.items() if key != "skip.differences"}
    as_they_are = from_state_dict(SequenceRNNRegressor(), alone)
    assert as_they_are.skip_connection == "last"
    network = {layer: p for layer, p in reg.weights_.items() if layer != "skip"}
    assert_close(
        as_they_are.predict(X) - skipped(samples(X, Y), reg.weights_["skip"]["W"])[:, 0],
        as_they_are.transform(X) @ network["output"]["W"][:, 0] + network["output"]["b"],
        1e-9,
    )
    with pytest.raises(ValueError, match=r"'skip.differences' must hold zeros and ones"):
        from_state_dict(SequenceRNNRegressor(), {**written, "skip.differences": np.array([2.0, 0])})
    wrong = {**written, "skip.weight": np.ones((1, 3))}
    with pytest.raises(ValueError, match=r"'skip.weight' has shape \(1, 3\), but \(1, 2\)"):
        from_state_dict(SequenceRNNRegressor(), wrong)


@pytest.mark.parametrize("lengths", ["input", "nan"])
def test_onnx(lengths):
    reg = SequenceRNNRegressor(**FEW).fit(X, Y - 300)
    given = [*X[:7], X[0][:0]]
    predicted = onnx_numbers(reg, given, lengths, n_steps=10)
    expected = reg.predict(Sequences(np.concatenate(given), [len(x) for x in given]))
    np.testing.assert_allclose(predicted.ravel(), expected, rtol=1e-4, atol=1e-4)


# --- Levels beside differences -------------------------------------------------------------------


def drifting(n=300):
    rng = np.random.RandomState(0)
    lengths = rng.randint(5, 40, size=n)
    return [3 * rng.normal() + np.cumsum(rng.normal(0.3, 1, (k, 1)), axis=0) for k in lengths]


@pytest.mark.parametrize(
    ("function", "weight"),
    [
        (lambda x: x[-1] - x[0], 0),
        (lambda x: 3 * (x[-1] - x.mean()), 0),
        (lambda x: x.mean() + 5, 1),
        (lambda x: 1.5 * x[-1] - x[0], 0.5),
    ],
)
def test_the_weight_of_a_level_is_that_beside_differences(function, weight):
    drift = drifting()
    y = np.array([function(x[:, 0]) for x in drift])
    given = samples(drift, y)
    assert abs(skip_of(given)[0, 0] - weight) > 0.1
    skip = follow_level(given, skip_of(given), (0,))
    assert_close(skip, [[weight]], 1e-9)
    reg = SequenceRNNRegressor(random_state=0).fit(drift[:200], y[:200])
    assert reg._architecture["differences"] == (0,)
    assert reg.score(drift[200:], y[200:]) > 0.98
    moved = reg.predict([x + 100 for x in drift[200:]]) - reg.predict(drift[200:])
    assert np.abs(moved - 100 * weight).max() < 5  # ridge regression adds a little


def test_levels_keep_the_weight_of_least_squares_if_differences_say_little():
    drift = drifting()
    y = np.array([x[-1, 0] for x in drift]) + RNG.normal(size=300)
    given = samples(drift, np.column_stack([y, y]))
    assert np.array_equal(follow_level(given, skip_of(given), (0,)), skip_of(given))


def test_weights_of_levels_do_not_depend_on_empty_sequences_or_storage():
    drift = drifting()
    y = np.array([x[-1, 0] - x[0, 0] for x in drift])
    expected = follow_level(samples(drift, y), skip_of(samples(drift, y)), (0,))
    with_empty = samples([*drift[:5], drift[0][:0], *drift[5:]], np.insert(y, 5, 99))
    assert_close(follow_level(with_empty, skip_of(with_empty), (0,)), expected, 1e-9)
    sparse = samples(drift, y)
    sparse = Ragged(csr_array(sparse.x), sparse.y, sparse.weight, sparse.lengths)
    assert_close(follow_level(sparse, skip_of(sparse), (0,)), expected, 1e-9)


# --- Targets of steps ----------------------------------------------------------------------------

# The next value of the walk at each step; beside it, the same with the noise of the second column.
Y_OF_STEPS = [WALK[i + 1 : i + 5 + i % 5] for i in range(240)]
VECTORS_OF_STEPS = [
    np.column_stack([y, y + 9 * x[:, 1]]) for x, y in zip(X, Y_OF_STEPS, strict=True)
]


def step_samples(X, y, weight=None):
    y = np.concatenate([np.asarray(of_one, float).reshape(len(of_one), -1) for of_one in y])
    weight = np.ones(len(y)) if weight is None else weight
    return Ragged(np.concatenate(X), y, weight, np.array([len(x) for x in X]), per_step=True)


def test_the_weight_for_steps_is_that_of_least_squares():
    reg = StepRNNRegressor(**FEW).fit(X, Y_OF_STEPS)
    x, y = np.concatenate(X), np.concatenate(Y_OF_STEPS)
    expected = np.polyfit(x[:, 0], y, 1)[0]
    assert_close(reg.weights_["skip"]["W"], [[expected], [0]], 1e-9)
    assert reg._architecture["differences"] == ()
    assert "skip" not in StepRNNRegressor(**FEW, skip_connection=None).fit(X, Y_OF_STEPS).weights_


def test_no_column_is_chosen_for_steps_that_explains_less_than_four_fifths():
    for share, is_chosen in ((0.75, False), (0.85, True)):
        y = [
            np.sqrt(share) * x[:, 1] + np.sqrt(1 - share) * RNG.normal(size=len(x)) for x in X
        ]  # the column of noise has the variance 1
        assert ("skip" in StepRNNRegressor(**FEW).fit(X, y).weights_) == is_chosen


def test_other_outputs_of_steps_get_a_weight_too():
    W = StepRNNRegressor(**FEW).fit(X, VECTORS_OF_STEPS).weights_["skip"]["W"]
    assert W.shape == (2, 2)
    assert (W[0] != 0).all()
    assert not W[1].any()


def test_steps_without_a_target_do_not_count():
    weight = np.ones(sum(map(len, X)))
    weight[::3] = 0
    y = [y.copy() for y in Y_OF_STEPS]
    flat = np.concatenate(y)
    flat[::3] = 1e6
    given = step_samples(X, np.split(flat, np.cumsum([len(x) for x in X])[:-1]), weight)
    fits = fit_last_values(given)
    x, counts = np.concatenate(X), weight > 0
    assert_close(fits.weights[0, 0], np.polyfit(x[counts, 0], flat[counts], 1)[0], 1e-9)
    nothing = fit_last_values(step_samples(X, y, np.zeros(len(weight))))
    assert not nothing.weights.any()


def test_weights_of_many_steps_are_those_of_some(monkeypatch):
    monkeypatch.setattr("skrnn._training.skip._MANY_STEPS", 500)
    some = fit_last_values(step_samples(X, Y_OF_STEPS)).weights[0, 0]
    monkeypatch.undo()
    every = fit_last_values(step_samples(X, Y_OF_STEPS)).weights[0, 0]
    assert some != every
    assert_close(some, every, 0.02)


@pytest.mark.filterwarnings("ignore:Scale X:sklearn.exceptions.ConvergenceWarning")
def test_levels_outside_the_training_range_are_followed():
    series = np.cumsum(0.5 + RNG.normal(size=900))
    pieces = [(series[i : i + 20, None], series[i + 1 : i + 21]) for i in range(0, 880, 20)]
    (X_train, y_train), (X_test, y_test) = (
        zip(*part, strict=True) for part in (pieces[:30], pieces[30:])
    )
    target, last = np.concatenate(y_test), np.concatenate(X_test)[:, 0]
    error = {}
    for skip in ("auto", None):
        reg = StepRNNRegressor(skip_connection=skip, random_state=0).fit(X_train, y_train)
        error[skip] = np.sqrt(np.mean((np.concatenate(list(reg.predict(X_test))) - target) ** 2))
    assert error["auto"] < 1.5 * np.sqrt(np.mean((last - target) ** 2))
    assert error[None] > 10 * error["auto"]


@pytest.mark.parametrize("loss", ["auto", Quantile((0.1, 0.5)), Gaussian()], ids=str)
@pytest.mark.parametrize("bidirectional", [False, True])
def test_the_skip_connection_of_steps_is_saved_and_exported(loss, bidirectional, tmp_path):
    reg = StepRNNRegressor(**FEW, loss=loss, bidirectional=bidirectional)
    reg.fit(X, Y_OF_STEPS)
    given = [*X[:5], X[0][:0]]
    expected = np.concatenate(
        list(reg.predict(Sequences(np.concatenate(given), [len(x) for x in given])))
    )
    skrnn.save(reg, tmp_path / "reg.skrnn")
    loaded = skrnn.load(tmp_path / "reg.skrnn")
    assert np.array_equal(np.concatenate(list(loaded.predict(X[:5]))), expected)
    given = [x.astype(np.float32) for x in X[:5]]
    as_onnx = onnx_numbers(reg, given, "input", n_steps=10)
    flat = np.concatenate([y[: len(x)] for y, x in zip(as_onnx, given, strict=True)])
    np.testing.assert_allclose(flat.reshape(expected.shape), expected, rtol=1e-4, atol=1e-3)


def test_streams_of_steps_add_the_skip_connection():
    reg = StepRNNRegressor(**FEW).fit(X, Y_OF_STEPS)
    state, predicted = reg.initial_state(), []
    for x_t in X[3]:
        y, state = reg.step(x_t, state)
        predicted.append(y[0])
    assert_close(predicted, reg.predict([X[3]])[0], 1e-12)


def test_gradients_of_steps_with_a_skip_connection():
    reg = StepRNNRegressor(**FEW).fit(X, Y_OF_STEPS)
    (gradient,) = reg.input_gradients([X[2]])

    def predict_sums(sequences):
        return [y.sum() for y in reg.predict(sequences)]

    assert_gradient_is_exact(gradient, predict_sums, X[2], tol=1e-3)


def test_exchange_of_steps_with_pytorch():
    reg = StepRNNRegressor(**FEW).fit(X, Y_OF_STEPS)
    written = to_state_dict(reg)
    assert list(written)[-1] == "skip.weight"
    again = from_state_dict(StepRNNRegressor(), written)
    assert again.skip_connection == "auto"
    assert_close(again.predict(X[:1])[0], reg.predict(X[:1])[0])
    for of_sequences in (
        {"skip.differences": np.array([1.0, 0])},
        {"skip.weight": np.ones((1, 4))},
    ):
        with pytest.raises(ValueError, match="reads several last steps of a sequence, or diff"):
            from_state_dict(StepRNNRegressor(), written | of_sequences)


def test_continued_training_keeps_the_skip_connection_of_steps():
    reg = StepRNNRegressor(**FEW, warm_start=True).fit(X, Y_OF_STEPS)
    W = reg.weights_["skip"]["W"].copy()
    reg.fit(X[:100], Y_OF_STEPS[:100])
    assert np.array_equal(reg.weights_["skip"]["W"], W)
    other = StepRNNRegressor(**FEW, init=reg.weights_).fit(X[:50], Y_OF_STEPS[:50])
    assert np.array_equal(other.weights_["skip"]["W"], W)
    reg.partial_fit(X[:10], Y_OF_STEPS[:10])
    assert np.array_equal(reg.weights_["skip"]["W"], W)


def test_sparse_steps_with_a_skip_connection():
    X_sparse = [csr_array(x) for x in X]
    dense, sparse = (StepRNNRegressor(**FEW).fit(given, Y_OF_STEPS) for given in (X, X_sparse))
    assert_close(sparse.predict(X_sparse[:1])[0], dense.predict(X[:1])[0], 1e-9)


def test_validation_scores_of_steps_are_those_of_the_predictions():
    reg = StepRNNRegressor(**FEW)
    reg.fit(X[:100], Y_OF_STEPS[:100], X_val=X[100:], y_val=Y_OF_STEPS[100:])
    assert_close(reg.validation_scores_[-1], reg.score(X[100:], Y_OF_STEPS[100:]))
