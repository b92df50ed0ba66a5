"""Losses of the regressors: names, objects, and what they estimate."""

import pickle
import warnings

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from recipes import CONSTANT_RATE, ONE_DIRECTION, PLAIN
from scipy.stats import norm
from sklearn.base import clone
from sklearn.compose import TransformedTargetRegressor
from sklearn.metrics import d2_pinball_score, r2_score
from sklearn.model_selection import GridSearchCV, cross_val_predict, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

import skrnn
from skrnn import (
    SGD,
    Adam,
    Gaussian,
    Huber,
    PerStep,
    Quantile,
    SequenceRNNRegressor,
    StepRNNRegressor,
    TransformedStepTargetRegressor,
    XORMLPRegressor,
)
from skrnn._numeric.losses import NUMBER_LOSSES
from skrnn._numeric.training import Rows
from skrnn._training.constant import useful_loss

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

RNG = np.random.RandomState(0)
X = [RNG.normal(size=(n, 2)) for n in RNG.randint(1, 6, 24)]
Y = {
    "number": RNG.uniform(0.5, 2, 24),
    "vector": RNG.uniform(0.5, 2, (24, 3)),
}
STEPS = {
    "number": [RNG.uniform(0.5, 2, len(x)) for x in X],
    "vector": [RNG.uniform(0.5, 2, (len(x), 3)) for x in X],
}
LOSSES = [
    "absolute_error",
    "poisson",
    "gamma",
    Huber(0.3),
    Quantile(0.7),
    Quantile((0.2, 0.5, 0.9)),
    Gaussian(),
]
POSITIVE = ["poisson", "gamma"]
every_loss = pytest.mark.parametrize("loss", LOSSES, ids=str)
every_form = pytest.mark.parametrize("form", ["number", "vector"])
per_step = pytest.mark.parametrize("per_step", [False, True])


def make(per_step=False, **params):
    """Make a regressor that can stream and has no part but the network itself."""
    quick = {"hidden_layer_sizes": 4, "max_iter": 4, "random_state": 0}
    if per_step:
        return StepRNNRegressor(**quick | params)
    return SequenceRNNRegressor(**quick | ONE_DIRECTION | PLAIN | params)


def targets(form, per_step):
    return (STEPS if per_step else Y)[form]


def rows(predictions, per_step):
    return np.concatenate(predictions) if per_step else predictions


def quantiles_of(loss):
    return np.shape(loss.quantiles) if isinstance(loss, Quantile) else ()


# Shapes, scores and streams --------------------------------------------------------------------


@every_loss
@every_form
@per_step
def test_shapes(loss, form, per_step):
    y = targets(form, per_step)
    reg = make(per_step, loss=loss).fit(X, y)
    predicted = reg.predict(X)
    assert rows(predicted, per_step).shape == rows(y, per_step).shape + quantiles_of(loss)
    if per_step:
        assert [len(steps) for steps in predicted] == [len(x) for x in X]
    if loss in POSITIVE:
        assert (rows(predicted, per_step) > 0).all()
    if quantiles_of(loss):
        assert (np.diff(rows(predicted, per_step), axis=-1) >= 0).all()


@every_loss
@every_form
@per_step
def test_score_is_that_of_the_predictions(loss, form, per_step):
    y, weight = targets(form, per_step), np.linspace(0.5, 1, 24)
    reg = make(per_step, loss=loss).fit(X, y)
    flat, predicted = rows(y, per_step), rows(reg.predict(X), per_step)
    of_rows = np.repeat(weight, [len(x) for x in X]) if per_step else weight
    if isinstance(loss, Quantile):
        each = predicted.reshape(*flat.shape, -1)
        expected = [
            d2_pinball_score(flat, each[..., k], sample_weight=of_rows, alpha=tau)
            for k, tau in enumerate(np.atleast_1d(loss.quantiles))
        ]
    else:
        expected = r2_score(flat, predicted, sample_weight=of_rows)
    assert_allclose(reg.score(X, y, weight), np.mean(expected))
    assert_allclose(reg.score(X, y, np.full(24, 3.0)), reg.score(X, y), rtol=1e-12)


@every_loss
@every_form
@per_step
def test_validation_curves(loss, form, per_step):
    y = targets(form, per_step)
    reg = make(per_step, loss=loss, early_stopping=True, learning_rate_init=1e-12)
    reg.fit(X, y, X_val=X, y_val=y)
    assert_allclose(reg.validation_scores_, reg.score(X, y), rtol=1e-6)
    alone = clone(reg).set_params(early_stopping=False, max_iter=1, alpha=0, batch_size=24)
    assert_allclose(reg.validation_loss_curve_[0], alone.fit(X, y).loss_, rtol=1e-6)


@every_loss
@every_form
@per_step
def test_streams_give_the_predictions_of_predict(loss, form, per_step):
    reg = make(per_step, loss=loss).fit(X, targets(form, per_step))
    state, x = reg.initial_state(), X[3]
    for t, step in enumerate(x):
        streamed, state = reg.step(step, state)
        expected = reg.predict([x[: t + 1]])[0]
        assert_allclose(streamed[0], expected[-1] if per_step else expected, rtol=1e-12)


@every_loss
@every_form
@per_step
def test_float32(loss, form, per_step):
    y, X32 = targets(form, per_step), [np.float32(x) for x in X]
    reg = make(per_step, loss=loss).fit(X32, y)
    predicted = rows(reg.predict(X32), per_step)
    assert predicted.dtype == np.float32
    expected = rows(make(per_step, loss=loss).fit(X, y).predict(X), per_step)
    assert_allclose(predicted, expected, atol=2e-3)


@every_loss
@per_step
def test_weights_equal_copies(loss, per_step):
    y, weight = targets("number", per_step), np.arange(24) % 3
    index = np.repeat(np.arange(24), weight)
    reg = make(per_step, loss=loss, solver=SGD(momentum=0), batch_size=100, learning_rate_init=0.1)
    weighted = clone(reg).fit(X, y, weight)
    repeated = clone(reg).fit([X[i] for i in index], [y[i] for i in index])
    assert_allclose(
        rows(weighted.predict(X), per_step), rows(repeated.predict(X), per_step), rtol=1e-8
    )


@every_loss
def test_predictions_do_not_depend_on_later_parameters(loss):
    reg = make(loss=loss).fit(X, Y["number"])
    expected = reg.predict(X)
    for other in ("squared_error", Quantile((0.3, 0.4)), Gaussian()):
        assert_array_equal(reg.set_params(loss=other).predict(X), expected)


def test_a_fit_with_another_loss_leaves_nothing_behind():
    reg = make(loss=Quantile()).fit(X, Y["number"])
    assert reg.quantiles_ == (0.1, 0.5, 0.9)
    reg.set_params(loss="absolute_error").fit(X, Y["number"])
    assert reg.quantiles_ is None
    assert_array_equal(reg.predict(X), make(loss="absolute_error").fit(X, Y["number"]).predict(X))


def test_squared_error_is_the_default():
    expected = make().fit(X, Y["number"]).predict(X)
    assert_array_equal(make(loss="squared_error").fit(X, Y["number"]).predict(X), expected)


# What the losses estimate ----------------------------------------------------------------------

ZEROS = [np.zeros(1)] * 200
SKEWED = np.random.RandomState(1).exponential(size=200) + 0.1
CONSTANTS = {
    "absolute_error": (np.median(SKEWED), 0.02),
    "poisson": (SKEWED.mean(), 1e-3),
    "gamma": (SKEWED.mean(), 1e-3),
}


@per_step
@pytest.mark.parametrize("loss", [*CONSTANTS, Quantile(0.8), Quantile(), Gaussian()], ids=str)
def test_constant_input_gives_the_best_constant(loss, per_step):
    """A network of constant input can only predict a constant, which the loss decides."""
    y = SKEWED[:, None] if per_step else SKEWED
    X = [x[:, None] for x in ZEROS]
    params = {"max_iter": 2000, "learning_rate": "cosine", "alpha": 0, "tol": 0}
    reg = make(per_step, loss=loss, batch_size=200, n_iter_no_change=np.inf, **params)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of columns of y
        reg.fit(X, list(y))
    predicted = rows(reg.predict(X[:1]), per_step)[0]
    if isinstance(loss, Quantile):
        assert_allclose(predicted, np.quantile(SKEWED, loss.quantiles), atol=0.03)
    elif isinstance(loss, Gaussian):
        mean, std = reg.predict(X[:1], return_std=True)
        assert_allclose(rows(mean, per_step), SKEWED.mean(), rtol=1e-3)
        assert_allclose(rows(std, per_step), SKEWED.std(), rtol=1e-3)
    else:
        expected, tolerance = CONSTANTS[loss]
        assert_allclose(predicted, expected, atol=tolerance)


def noisy(seed, n=600):
    """Make sequences whose last value is the spread of the target."""
    rng = np.random.RandomState(seed)
    X = rng.uniform(0.1, 1, size=(n, 3, 1))
    return X, X[:, 0, 0] + X[:, -1, 0] * rng.normal(size=n)


@pytest.mark.parametrize("seed", range(3))
def test_quantiles_cover_their_share_of_new_targets(seed):
    X, y = noisy(seed)
    X_test, y_test = noisy(100 + seed, 2000)
    reg = make(loss=Quantile(), hidden_layer_sizes=8, max_iter=40, learning_rate="cosine")
    predicted = reg.fit(X, y).predict(X_test)
    share = (y_test[:, None] <= predicted).mean(axis=0)
    assert_allclose(share, [0.1, 0.5, 0.9], atol=0.06)
    widths, spread = predicted[:, 2] - predicted[:, 0], X_test[:, -1, 0]
    assert np.corrcoef(widths, spread)[0, 1] > 0.9


@pytest.mark.parametrize("seed", range(3))
def test_gaussian_finds_the_spread(seed):
    X, y = noisy(seed)
    X_test, y_test = noisy(100 + seed, 2000)
    reg = make(loss=Gaussian(), hidden_layer_sizes=8, max_iter=40, learning_rate="cosine")
    mean, std = reg.fit(X, y).predict(X_test, return_std=True)
    assert np.corrcoef(std, X_test[:, -1, 0])[0, 1] > 0.9
    assert 0.85 < ((y_test - mean) / std).std() < 1.15
    assert_array_equal(mean, reg.predict(X_test))


@pytest.mark.parametrize("loss", ["absolute_error", Huber(0.1)], ids=str)
def test_outliers_do_not_dominate(loss):
    X, _ = noisy(0, 200)
    truth = X[:, -1, 0]
    y = truth + 10 * (np.arange(200) % 10 == 0)
    params = {"max_iter": 50, "learning_rate": "cosine"}
    assert make(loss=loss, **params).fit(X, y).score(X, truth) > 0.9
    assert make(**params).fit(X, y).score(X, truth) < 0


@pytest.mark.parametrize("scale", [1.0, 1e4])
def test_counts_need_no_scaling(scale):
    rng = np.random.RandomState(0)
    X = rng.uniform(size=(300, 3, 1))
    rate = scale * np.exp(2 * X[:, 0, 0])
    reg = make(loss="poisson", max_iter=100, learning_rate="cosine", hidden_layer_sizes=8)
    assert reg.fit(X, rng.poisson(rate)).score(X, rate) > 0.9


@pytest.mark.parametrize("loss", [Gaussian(), Quantile()], ids=str)
def test_advice_to_scale_targets(loss):
    y = 1e5 + 1e4 * RNG.normal(size=24)
    with pytest.warns(match=r"[Ss]cale y\. The values of y reach .* use for instance normalize_y"):
        make(loss=loss, normalize_y=False).fit(X, y)


def test_logarithms_of_a_perceptron_need_no_advice():
    with warnings.catch_warnings(record=True) as issued:
        warnings.simplefilter("always")
        XORMLPRegressor("poisson", max_iter=1, solver="adam").fit(
            np.eye(24), np.full(24, 1e5) + np.arange(24)
        )
    assert issued
    assert not any("cale y" in str(warning.message) for warning in issued)


UNITS = [(1e-6, 0.0), (1e5, 3e6), (40.0, -273.0)]


@pytest.mark.parametrize(("unit", "origin"), UNITS)
@pytest.mark.parametrize("loss", [Gaussian(), Quantile(), Quantile(0.7)], ids=str)
@every_form
def test_quantiles_and_spreads_do_not_depend_on_the_unit(loss, form, unit, origin):
    y = np.asarray(Y[form])
    before, after = make(loss=loss).fit(X, y), make(loss=loss).fit(X, unit * y + origin)
    scale = 1e6 * np.finfo(float).eps * (abs(unit) + abs(origin))
    assert_allclose(after.predict(X), unit * before.predict(X) + origin, atol=scale)
    assert_allclose(after.loss_curve_, before.loss_curve_, rtol=1e-6, atol=1e-9)
    assert_allclose(after.score(X, unit * y + origin), before.score(X, y), atol=1e-6)
    if isinstance(loss, Gaussian):
        spreads = [reg.predict(X, return_std=True)[1] for reg in (before, after)]
        assert_allclose(spreads[1], unit * spreads[0], rtol=1e-6)


@pytest.mark.parametrize("unit", [1e-4, 1e6])
@pytest.mark.parametrize("loss", ["poisson", "gamma"])
@every_form
def test_amounts_do_not_depend_on_the_unit(loss, form, unit):
    y = np.abs(np.asarray(Y[form])) + 0.1
    before, after = make(loss=loss).fit(X, y), make(loss=loss).fit(X, unit * y)
    assert_allclose(after.predict(X), unit * before.predict(X), rtol=1e-6)
    assert_allclose(after.loss_curve_, before.loss_curve_, rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("loss", ["poisson", "gamma"])
def test_targets_are_divided_by_their_weighted_mean(loss):
    y, weight = np.arange(1.0, 25), np.arange(24) % 3 + 1.0
    reg = make(loss=loss, max_iter=1, solver="sgd", learning_rate_init=1e-300, init="zeros")
    assert_allclose(reg.fit(X, y, weight).predict(X), np.average(y, weights=weight))


def test_counts_that_are_all_zero():
    reg = make(loss="poisson", max_iter=100).fit(X, np.zeros(24))
    assert (reg.predict(X) < 0.2).all()


@pytest.mark.parametrize("loss", ["poisson", Gaussian(), Quantile((0.1, 0.9))], ids=str)
def test_continued_training_keeps_the_unit(loss):
    y = 1000 + 50 * np.abs(Y["number"])
    start = make(loss=loss).fit(X, y)
    reg = clone(start).set_params(warm_start=True).fit(X, y)
    assert_allclose(reg.predict(X), start.predict(X), rtol=1e-6)
    reg.set_params(solver="sgd", learning_rate_init=1e-300).fit(X[:20], 3 * y[:20])
    assert_allclose(reg.predict(X), start.predict(X), rtol=1e-6)
    chunks = make(loss=loss).partial_fit(X, y)
    first = chunks.predict(X)
    chunks.set_params(solver="sgd", learning_rate_init=1e-300).partial_fit(X, 9 * y)
    assert_allclose(chunks.predict(X), first, rtol=1e-6)


@pytest.mark.parametrize("loss", [Gaussian(), Quantile((0.1, 0.9))], ids=str)
def test_saved_and_streamed_predictions_are_in_the_unit_of_the_targets(loss, tmp_path):
    y = 1000 + 50 * Y["number"]
    reg = make(loss=loss, bidirectional=False, pooling="last").fit(X, y)
    skrnn.save(reg, tmp_path / "file")
    assert_array_equal(skrnn.load(tmp_path / "file").predict(X), reg.predict(X))
    state = reg.initial_state()
    for x_t in X[0]:
        prediction, state = reg.step(x_t, state)
    assert_allclose(np.squeeze(prediction), reg.predict(X[:1])[0])


def test_a_likelihood_is_compared_by_a_difference():
    """5 % of a likelihood depend on the unit of the targets; 5 % of the squared errors do not."""
    y = np.random.RandomState(0).normal(size=(50, 2))
    squared, gaussian = NUMBER_LOSSES["squared_error"], Gaussian()._loss()
    for unit in (1.0, 0.01, 1e4):
        samples = Rows(y, unit * y, np.ones(50))
        std = unit * y.std(axis=0)
        useful = useful_loss(*squared[:3], samples)
        assert_allclose(useful, 0.95 * (std**2).sum() / 2)
        useful = useful_loss(*gaussian[:3], samples)
        assert_allclose(useful, norm(scale=np.sqrt(0.95) * std).entropy().sum(), atol=1e-9)


@every_loss
def test_early_stopping(loss):
    X, y = noisy(0, 200)
    reg = make(
        loss=loss, early_stopping=True, max_iter=300, learning_rate_init=0.02, **CONSTANT_RATE
    )
    reg.fit(X, np.abs(y) + 0.1)
    assert reg.n_iter_ < 300
    best = np.argmin(reg.validation_loss_curve_)
    shorter = clone(reg).set_params(max_iter=best + 1, n_iter_no_change=400)
    assert_array_equal(shorter.fit(X, np.abs(y) + 0.1).predict(X), reg.predict(X))


# Parameters and targets ------------------------------------------------------------------------


@per_step
@pytest.mark.parametrize(
    ("loss", "grid"),
    [
        ("auto", {"loss": ["squared_error", "absolute_error", "poisson", Huber(0.1), Gaussian()]}),
        (Huber(), {"loss__delta": [0.01, 0.1, 10.0]}),
        (Quantile(), {"loss__quantiles": [0.5, (0.4, 0.6), [0.1, 0.9]]}),
    ],
)
def test_search(loss, grid, per_step):
    y = targets("number", per_step)
    search = GridSearchCV(make(per_step, loss=loss), grid, cv=2).fit(X, y)
    (name, values), scores = *grid.items(), search.cv_results_["mean_test_score"]
    assert len(set(scores)) == len(values)
    assert np.isfinite(scores).all()
    best = values[int(np.argmax(scores))]
    assert repr(search.best_estimator_.get_params()[name]) == repr(best)


@pytest.mark.parametrize(
    ("loss", "message"),
    [
        (Huber(0), r"The 'delta' parameter of Huber must be a float in the range \(0.0, inf\)"),
        (Huber("1"), "The 'delta' parameter of Huber must be a float"),
        (Quantile(1.0), r"quantiles must be one number in \(0, 1\), or a sequence .*, got 1.0"),
        (Quantile(()), r"quantiles must be one number in \(0, 1\), or a sequence .*, got \(\)"),
        (Quantile((0.5, 0.1)), r"increasing numbers in \(0, 1\), got \(0.5, 0.1\)"),
        (Quantile((0.5, 0.5)), r"increasing numbers in \(0, 1\), got \(0.5, 0.5\)"),
        (Quantile([[0.1, 0.5]]), r"increasing numbers in \(0, 1\), got \[\[0.1, 0.5\]\]"),
        (Quantile((0.1, np.nan)), r"increasing numbers in \(0, 1\), got \(0.1, nan\)"),
        (Quantile("median"), r"quantiles must be numbers in \(0, 1\), got 'median'"),
        (Quantile(None), "quantiles must be"),
        (Huber, "The 'loss' parameter of .* must be a str among .*Huber.* or an instance of"),
        ("quantile", "The 'loss' parameter of .* must be a str among"),
    ],
)
@per_step
def test_parameters_that_are_refused(loss, message, per_step):
    reg = make(per_step, loss=loss)
    before = dict(vars(reg))
    with pytest.raises(ValueError, match=message):
        reg.fit(X, targets("number", per_step))
    assert vars(reg) == before


@pytest.mark.parametrize(
    ("loss", "value", "message"),
    [
        ("poisson", -1.0, r"loss='poisson' needs targets >= 0, but y is -1\.0 "),
        ("gamma", -1.0, r"loss='gamma' needs targets > 0, but y is -1\.0 "),
        ("gamma", 0.0, r"loss='gamma' needs targets > 0, but y is 0\.0 "),
    ],
)
@every_form
def test_targets_that_a_loss_refuses(loss, value, message, form):
    y = Y[form].copy()
    y[5:7] = value
    with pytest.raises(ValueError, match=message + "for sequence 5"):
        make(loss=loss).fit(X, y)
    with pytest.raises(ValueError, match="In the validation data.*" + message):
        make(loss=loss).fit(X, Y[form], X_val=X, y_val=y)
    steps = [targets.copy() for targets in STEPS[form]]
    i = next(i for i, x in enumerate(X) if i and len(x) > 2)
    steps[i][2] = value
    with pytest.raises(ValueError, match=message + f"at step 2 of sequence {i}"):
        make(True, loss=loss).fit(X, steps)


def test_targets_that_a_loss_accepts():
    y = np.where(np.arange(24) % 2, 0.0, Y["number"])
    assert np.isfinite(make(loss="poisson").fit(X, y).loss_)
    tiny = np.full(24, 1e-60)
    assert np.isfinite(make(loss="gamma").fit(X, tiny).loss_)
    with pytest.raises(ValueError, match=r"needs targets > 0, but y is 0\.0 for sequence 0"):
        make(loss="gamma").fit([np.float32(x) for x in X], tiny)  # float32 rounds them to 0


@pytest.mark.parametrize("loss", POSITIVE)
def test_missing_targets_of_weight_zero(loss):
    y, weight = STEPS["number"], [np.ones(len(x)) for x in X]
    holed = [targets.copy() for targets in y]
    holed[0][0], weight[0][0] = np.nan, 0
    reg = make(True, loss=loss, max_iter=2).fit(X, holed, weight)
    assert np.isfinite(reg.loss_)
    assert_array_equal(
        rows(reg.predict(X), True),
        rows(make(True, loss=loss, max_iter=2).fit(X, y, weight).predict(X), True),
    )


def test_overflowing_predictions():
    reg = make(loss="poisson", cell="rnn", activation="relu").fit(X, Y["number"])
    with pytest.raises(ValueError, match="for X is not finite"):
        reg.predict([1e6 * np.array([step]) for step in ([1, 1], [1, -1], [-1, 1], [-1, -1])])


def test_standard_deviation_of_other_losses():
    for loss in ("squared_error", Quantile()):
        reg = make(loss=loss).fit(X, Y["number"])
        with pytest.raises(ValueError, match=r"return_std=True needs .* loss=Gaussian\(\)"):
            reg.predict(X, return_std=True)


@every_form
@per_step
def test_standard_deviations_have_the_shape_of_the_means(form, per_step):
    mean, std = (
        make(per_step, loss=Gaussian()).fit(X, targets(form, per_step)).predict(X, return_std=True)
    )
    assert rows(mean, per_step).shape == rows(std, per_step).shape
    assert rows(std, per_step).shape == rows(targets(form, per_step), per_step).shape
    assert (rows(std, per_step) >= 1e-3).all()


@pytest.mark.parametrize(
    ("first", "then", "message"),
    [
        ("squared_error", "poisson", "The loss needs 'exp' outputs, but the earlier fit"),
        ("squared_error", Gaussian(), "The loss needs 'mean_std' outputs, but the earlier fit"),
        (Quantile(), Quantile((0.1, 0.9)), "another number of quantiles"),
        (Quantile(0.5), Quantile((0.5,)), "another number of quantiles"),
    ],
)
def test_training_continues_with_the_same_outputs_only(first, then, message):
    reg = make(loss=first).partial_fit(X, Y["number"])
    with pytest.raises(ValueError, match=message):
        reg.set_params(loss=then).partial_fit(X, Y["number"])


def test_training_continues_with_another_loss_of_the_same_outputs():
    reg = make(loss="squared_error").partial_fit(X, Y["number"])
    reg.set_params(loss=Huber()).partial_fit(X, Y["number"])
    reg = make(loss=Quantile((0.2, 0.4))).partial_fit(X, Y["number"])
    reg.set_params(loss=Quantile((0.3, 0.6))).partial_fit(X, Y["number"])
    assert reg.quantiles_ == (0.3, 0.6)
    with pytest.raises(ValueError, match="y has 3 columns, but 1 in the earlier fit"):
        reg.partial_fit(X, Y["vector"])


def test_objects_are_parameters():
    reg = make(loss=Huber(2.0))
    assert reg.get_params()["loss__delta"] == 2.0
    assert clone(reg).set_params(loss__delta=3.0).loss.delta == 3.0
    assert reg.loss.delta == 2.0
    assert repr(Huber()) == "Huber()"
    assert repr(Quantile((0.1,))) == "Quantile(quantiles=(0.1,))"


@every_loss
def test_pickle(loss):
    reg = make(loss=loss, solver=Adam()).fit(X, Y["number"])
    loaded = pickle.loads(pickle.dumps(reg))
    assert_array_equal(loaded.predict(X), reg.predict(X), strict=True)
    for each in (reg, loaded):
        each.partial_fit(X, Y["number"])
    assert_array_equal(loaded.predict(X), reg.predict(X), strict=True)


# Around the regressors -------------------------------------------------------------------------


@pytest.mark.parametrize("loss", [Quantile(0.7), Quantile(), Gaussian()], ids=str)
def test_transformed_targets(loss):
    y = 500 + 100 * Y["number"]
    reg = TransformedTargetRegressor(make(loss=loss), transformer=StandardScaler()).fit(X, y)
    inner = make(loss=loss).fit(X, (y - y.mean()) / y.std())
    assert_allclose(reg.predict(X), y.mean() + y.std() * inner.predict(X))


@every_form
@pytest.mark.parametrize("loss", [Quantile(0.7), Quantile(), Gaussian()], ids=str)
def test_transformed_targets_of_steps(loss, form):
    y = [500 + 100 * steps for steps in STEPS[form]]
    flat = np.concatenate(y)
    mean, std = flat.mean(axis=0), flat.std(axis=0)
    reg = TransformedStepTargetRegressor(make(True, loss=loss), transformer=StandardScaler())
    reg.fit(X, y)
    inner = make(True, loss=loss).fit(X, [(steps - mean) / std for steps in y])
    if quantiles_of(loss):
        mean, std = np.expand_dims(mean, -1), np.expand_dims(std, -1)
    expected = mean + std * np.concatenate(inner.predict(X))
    assert_allclose(np.concatenate(reg.predict(X)), expected)
    predicted = reg.predict([np.ones((0, 2)), np.ones((2, 2))])
    assert predicted[0].shape == (0, *expected.shape[1:])


def test_no_transformed_standard_deviation_of_steps():
    reg = TransformedStepTargetRegressor(
        make(True, loss=Gaussian()), transformer=FunctionTransformer()
    )
    reg.fit(X, STEPS["number"])
    with pytest.raises(ValueError, match="return_std=True is not supported"):
        reg.predict(X, return_std=True)


@every_loss
def test_pipelines_and_cross_validation(loss):
    pipeline = make_pipeline(PerStep(StandardScaler()), make(loss=loss))
    assert np.isfinite(cross_val_score(pipeline, X, Y["number"], cv=2)).all()
    predicted = cross_val_predict(pipeline, X, Y["number"], cv=2)
    assert predicted.shape == (24, *quantiles_of(loss))


@every_loss
@every_form
def test_pytorch(loss, form):
    from skrnn.pytorch import from_state_dict, to_state_dict

    reg = make(loss=loss, normalize_y=not isinstance(loss, Quantile | Gaussian)).fit(X, Y[form])
    again = from_state_dict(make(loss=loss), to_state_dict(reg))
    assert_array_equal(again.predict(X), reg.predict(X))


@pytest.mark.parametrize("loss", [Gaussian(), Quantile()], ids=str)
def test_pytorch_has_no_place_for_the_unit_of_the_targets(loss):
    from skrnn.pytorch import to_state_dict

    with pytest.raises(ValueError, match="no place for the mean and deviation of the targets"):
        to_state_dict(make(loss=loss).fit(X, Y["number"]))


def test_pytorch_needs_the_outputs_of_the_loss():
    from skrnn.pytorch import from_state_dict, to_state_dict

    state_dict = to_state_dict(make().fit(X, Y["vector"]))
    message = "The module has 3 outputs, but the loss needs 2 for each target"
    with pytest.raises(ValueError, match=message):
        from_state_dict(make(loss=Gaussian()), state_dict)
