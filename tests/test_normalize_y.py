"""Targets of any size and offset: standardized in training, undone by the output layer."""

import copy
import pickle

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from recipes import CONSTANT_RATE, LAST_STATE, PLAIN
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import r2_score
from sklearn.model_selection import GridSearchCV

from skrnn import LBFGS, SequenceRNNRegressor, StepRNNRegressor
from skrnn.callbacks import Checkpoint
from skrnn.pytorch import from_state_dict, to_state_dict

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

RNG = np.random.RandomState(0)
X = [RNG.normal(size=(RNG.randint(2, 8), 2)) for _ in range(40)]
NUMBERS = np.array([x[:, 0].sum() + x[-1, 1] for x in X])
VECTORS = np.array([[x[:, 0].sum(), x[-1, 1]] for x in X])
STEPS = [x[:, 0].cumsum() for x in X]
STEP = StepRNNRegressor(6, max_iter=30, alpha=0.0001, random_state=0, **CONSTANT_RATE)
SEQUENCE = SequenceRNNRegressor(6, max_iter=30, alpha=0.0001, random_state=0, **CONSTANT_RATE)
SEQUENCE.set_params(**LAST_STATE, **PLAIN, shrinkage=None)
CASES = {"numbers": (SEQUENCE, NUMBERS), "vectors": (SEQUENCE, VECTORS), "steps": (STEP, STEPS)}
KINDS = pytest.mark.parametrize("kind", list(CASES))


def affine(y, a, b):
    return [a * of_one + b for of_one in y] if isinstance(y, list) else a * y + b


def table(y):
    return np.concatenate(y) if isinstance(y, list) or y.dtype == object else y


def fitted(kind, a=1.0, b=0.0, **parameters):
    net, y = CASES[kind]
    return clone(net).set_params(**parameters).fit(X, affine(y, a, b))


@KINDS
@pytest.mark.parametrize("solver", ["adam", "sgd", LBFGS()], ids=str)
@pytest.mark.parametrize(("a", "b"), [(5000, 20000), (1e-3, -2), (1e6, 0), (0.5, 1e4)])
def test_predictions_follow_the_targets(kind, solver, a, b):
    of_unit = table(fitted(kind, solver=solver).predict(X))
    found = table(fitted(kind, a, b, solver=solver).predict(X))
    # L-BFGS amplifies the rounding errors of the targets.
    assert_allclose(
        (found - b) / a, of_unit, rtol=0, atol=1e-9 if isinstance(solver, str) else 1e-5
    )


@KINDS
@pytest.mark.parametrize("a", [1e-300, 1e-9, 1e9, 1e300, 5e306])
def test_targets_of_any_size(kind, a):
    of_unit = fitted(kind)
    found = fitted(kind, a)
    assert_allclose(table(found.predict(X)) / a, table(of_unit.predict(X)), rtol=0, atol=1e-9)
    assert_allclose(found.loss_curve_, of_unit.loss_curve_, rtol=1e-9)


@KINDS
def test_accuracy_without_scaling(kind):
    reg = fitted(kind, 5000, 20000, max_iter=300)
    y = table(affine(CASES[kind][1], 5000, 20000))
    assert r2_score(y, table(reg.predict(X))) > 0.9
    raw = fitted(kind, 5000, 20000, max_iter=300, normalize_y=False)
    assert r2_score(y, table(raw.predict(X))) < 0


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_outputs_of_different_sizes(dtype):
    sizes, offsets = np.array([1e-6, 1e6]), np.array([0, 1e7])
    x = [of_one.astype(dtype) for of_one in X]
    net = clone(SEQUENCE).set_params(max_iter=300)
    found = net.fit(x, VECTORS * sizes + offsets).predict(x)
    assert found.dtype == dtype
    of_each = r2_score(VECTORS, (found - offsets) / sizes, multioutput="raw_values")
    assert of_each.min() > 0.9


def test_large_mean_in_float32():
    x = [of_one.astype(np.float32) for of_one in X]
    y = (1e6 + NUMBERS / np.abs(NUMBERS).max()).astype(np.float32)  # multiples of 1/16
    reg = clone(SEQUENCE).set_params(max_iter=300).fit(x, y)
    assert r2_score(y.astype(float), reg.predict(x)) > 0.9


@KINDS
def test_loss_is_that_of_standardized_targets(kind):
    reg = fitted(kind, 5000, 20000, learning_rate_init=1e-12, max_iter=1, alpha=0)
    y = table(affine(CASES[kind][1], 5000, 20000)).reshape(-1, reg.n_outputs_)
    errors = (table(reg.predict(X)).reshape(y.shape) - y) / y.std(axis=0)
    assert_allclose(reg.loss_, (errors**2).sum(axis=1).mean() / 2, rtol=1e-6)


def test_weights_equal_copies():
    weight = RNG.randint(0, 4, 40)
    net, y = clone(SEQUENCE).set_params(batch_size=500), 5000 * VECTORS + 20000
    weighted = clone(net).fit(X, y, sample_weight=weight).predict(X)
    copies = [x for x, n in zip(X, weight, strict=True) for _ in range(n)]
    assert_allclose(net.fit(copies, y.repeat(weight, axis=0)).predict(X), weighted, rtol=1e-7)


def test_missing_targets_do_not_count():
    y = [5000 * of_one + 20000 for of_one in STEPS]
    weight = [np.ones(len(of_one)) for of_one in y]
    y[3][1], weight[3][1] = np.nan, 0
    found = clone(STEP).fit(X, y, sample_weight=weight)
    y[3][1] = -1e9
    assert_array_equal(
        table(clone(STEP).fit(X, y, sample_weight=weight).predict(X)), table(found.predict(X))
    )


# Constant targets ------------------------------------------------------------------------


@pytest.mark.parametrize("constant", [0.0, 0.1, -7.0, 1e-9, 2e9, 1e300])
def test_constant_targets(constant):
    reg = clone(SEQUENCE).set_params(max_iter=500, tol=1e-8).fit(X, np.full(40, constant))
    assert_allclose(reg.predict(X), constant, rtol=0.02, atol=0 if constant else 0.02)
    assert_array_equal(reg._target_scale["mean"], [constant])


def test_rounding_errors_are_not_a_deviation():
    y = np.where(np.arange(40) % 2, 0.3, 0.1 + 0.2)
    assert clone(SEQUENCE).fit(X, y)._target_scale["scale"] == pytest.approx([0.3])


def test_one_constant_output():
    y = np.c_[20000 + 5000 * NUMBERS, np.full(40, 7.0)]
    found = clone(SEQUENCE).set_params(max_iter=300).fit(X, y).predict(X)
    assert r2_score(y[:, 0], found[:, 0]) > 0.9
    assert_allclose(found[:, 1], 7, rtol=0.2)


# Targets that are too large --------------------------------------------------------------


TOO_LARGE = "targets y are too large for {} to standardize them by their mean .* Divide y by"


def test_targets_of_the_whole_range():
    y = np.where(np.arange(40) % 20 == 0, -1.7e308, 1.7e308)
    with pytest.raises(ValueError, match=TOO_LARGE.format("float64")):
        clone(SEQUENCE).fit(X, y)


def test_output_layer_that_overflows():
    x = [of_one.astype(np.float32) for of_one in X]
    y = np.where(NUMBERS > 0, 3e38, -3e38)
    net = clone(SEQUENCE).set_params(max_iter=200)
    with pytest.raises(ValueError, match=TOO_LARGE.format("float32")):
        net.fit(x, y)


def test_huge_validation_targets():
    with pytest.raises(ValueError, match=TOO_LARGE.format("float64")):
        clone(SEQUENCE).fit(X, 1e-9 * NUMBERS, X_val=X, y_val=1e300 * NUMBERS)


def test_huge_targets_in_a_later_chunk():
    reg = clone(SEQUENCE).partial_fit(X, 1e-9 * NUMBERS)
    before = reg.predict(X)
    with pytest.raises(ValueError, match=TOO_LARGE.format("float64")):
        reg.partial_fit(X, 1e300 * NUMBERS)
    assert_array_equal(reg.predict(X), before)


# Training that continues -----------------------------------------------------------------


@KINDS
@pytest.mark.parametrize("by", ["partial_fit", "warm_start"])
def test_the_first_scale_stays(kind, by):
    net, y = CASES[kind]
    reg = clone(net).set_params(warm_start=True, max_iter=3)
    train = reg.partial_fit if by == "partial_fit" else reg.fit
    train(X, affine(y, 5000, 20000))
    first = copy.deepcopy(reg._target_scale)
    train(X[:20], affine(y[:20], 100, 0))
    for name, values in first.items():
        assert_array_equal(reg._target_scale[name], values)
    assert clone(reg).fit(X, y)._target_scale["mean"] != pytest.approx(first["mean"])


@KINDS
def test_partial_fit_continues_as_fit_would(kind):
    net, y = CASES[kind]
    net = clone(net).set_params(batch_size=500, max_iter=8, tol=0)
    whole = clone(net).fit(X, affine(y, 5000, 20000))
    parts = clone(net)
    for _ in range(8):
        parts.partial_fit(X, affine(y, 5000, 20000))
    assert_allclose(table(parts.predict(X)), table(whole.predict(X)), rtol=1e-7)


@pytest.mark.parametrize("size", [1, 2, 10])
def test_chunks_of_any_size(size):
    y = 20000 + 5000 * NUMBERS
    reg = clone(SEQUENCE).set_params(hidden_layer_sizes=8)
    for _ in range(30):
        for i in range(0, 40, size):
            reg.partial_fit(X[i : i + size], y[i : i + size])
    assert reg.score(X, y) > 0.9


def test_parameter_that_changes():
    y = 20000 + 5000 * NUMBERS
    reg = clone(SEQUENCE).set_params(normalize_y=False).partial_fit(X, y)
    assert reg.loss_ > 1e7
    before = reg.weights_["output"]["b"].copy()
    reg.set_params(normalize_y=True, learning_rate_init=1e-12).partial_fit(X, y)
    assert_allclose(reg.weights_["output"]["b"], before, atol=1e-5)
    assert reg.loss_ == pytest.approx(((reg.predict(X) - y) ** 2).mean() / 2 / y.var(), rel=1e-3)
    assert reg.set_params(normalize_y=False).partial_fit(X, y).loss_ > 1e7


# Weights are in the units of the targets -------------------------------------------------


@KINDS
def test_init_takes_weights_in_units_of_the_targets(kind):
    first = fitted(kind, 5000, 20000)
    again = fitted(
        kind, 5000, 20000, init=first.weights_, learning_rate_init=1e-12, max_iter=1, alpha=0
    )
    assert_allclose(table(again.predict(X)), table(first.predict(X)), rtol=1e-8)
    assert again.loss_curve_[0] < first.loss_curve_[0] / 2


@KINDS
def test_state_dict(kind):
    net, y = CASES[kind]
    y = affine(y, 5000, 20000)
    reg = clone(net).fit(X, y)
    loaded = from_state_dict(clone(net), to_state_dict(reg))
    assert_array_equal(table(loaded.predict(X)), table(reg.predict(X)))
    loaded.set_params(batch_size=500, learning_rate_init=1e-12).partial_fit(X, y)
    assert_allclose(table(loaded.predict(X)), table(reg.predict(X)), rtol=1e-8)
    assert loaded.loss_ < 1  # of standardized targets


def test_stream():
    reg = fitted("steps", 5000, 20000)
    state = reg.initial_state()
    for x_t, expected in zip(X[0], reg.predict(X[:1])[0], strict=True):
        prediction, state = reg.step(x_t, state)
        assert_allclose(prediction, expected, rtol=1e-12)


def test_input_gradients():
    reg = fitted("numbers", 5000, 20000)
    x, step = X[0], 1e-6 * np.eye(2)[1]
    difference = reg.predict([x + step])[0] - reg.predict([x - step])[0]
    assert_allclose(reg.input_gradients([x])[0][:, 1].sum(), difference / 2e-6, rtol=1e-5)


@KINDS
def test_saved(kind):
    reg = fitted(kind, 5000, 20000)
    loaded = pickle.loads(pickle.dumps(reg))
    y = affine(CASES[kind][1], 5000, 20000)
    assert_array_equal(
        table(loaded.partial_fit(X, y).predict(X)), table(reg.partial_fit(X, y).predict(X))
    )


# Other parts of a fit --------------------------------------------------------------------


@KINDS
def test_validation_data_and_early_stopping(kind):
    y = CASES[kind][1]
    parameters = {"early_stopping": True, "max_iter": 60}
    net = clone(CASES[kind][0]).set_params(**parameters)
    of_unit = clone(net).fit(X, y, X_val=X[:9], y_val=y[:9])
    scaled, y = clone(net), affine(y, 5000, 20000)
    scaled.fit(X, y, X_val=X[:9], y_val=y[:9])
    assert_allclose(scaled.validation_scores_, of_unit.validation_scores_, atol=1e-8)
    assert_allclose(scaled.validation_loss_curve_, of_unit.validation_loss_curve_, rtol=1e-6)
    best = scaled.best_validation_score_
    assert best == pytest.approx(max(scaled.validation_scores_))
    split = fitted(kind, 5000, 20000, **parameters)
    assert split.best_validation_score_ == pytest.approx(
        fitted(kind, **parameters).best_validation_score_
    )


def test_several_starts():
    one, three = fitted("numbers", 5000, 20000), fitted("numbers", 5000, 20000, n_init=3)
    assert three.score(X, 5000 * NUMBERS + 20000) >= one.score(X, 5000 * NUMBERS + 20000)
    assert_allclose(three._target_scale["scale"], one._target_scale["scale"])


def test_a_callback_sees_predictions_in_units_of_the_targets(sklearn_callback):
    y = 5000 * NUMBERS + 20000
    monitor = sklearn_callback.ScoringMonitor(scoring="r2")
    reg = clone(SEQUENCE).set_callbacks(monitor).fit(X, y)
    assert reg.score(X, y) == pytest.approx(monitor.get_logs().data[-1]["r2"])


def test_checkpoint(tmp_path):
    y = 5000 * NUMBERS + 20000
    whole = clone(SEQUENCE).fit(X, y)
    net = clone(SEQUENCE).set_callbacks(Checkpoint(tmp_path / "file"))
    clone(net).set_params(max_iter=11).fit(X, y)
    assert_array_equal(clone(net).fit(X, y).predict(X), whole.predict(X))
    with pytest.raises(ValueError, match="normalize_y is True there and False here"):
        clone(net).set_params(normalize_y=False).fit(X, y)
    with pytest.raises(ValueError, match="other y"):
        clone(net).fit(X, y + NUMBERS**2)


def test_search():
    y = 20000 + 5000 * NUMBERS
    search = GridSearchCV(
        clone(SEQUENCE).set_params(max_iter=100), {"normalize_y": [False, True]}, cv=3
    )
    assert search.fit(X, y).best_params_ == {"normalize_y": True}


def test_divergence_still_warns():
    reg = clone(SEQUENCE).set_params(
        solver="sgd", learning_rate_init=1e3, max_grad_norm=None, max_iter=60
    )
    with pytest.warns(ConvergenceWarning, match=r"(diverged|overflowed).* Scale X, or lower"):
        reg.fit(X, 20000 + 5000 * NUMBERS)
