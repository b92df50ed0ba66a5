"""Forecasts: predictions that are fed back as the next step."""

import numpy as np
import pytest
from scipy.sparse import csr_matrix
from sklearn.base import BaseEstimator, RegressorMixin, clone
from sklearn.compose import TransformedTargetRegressor, make_column_transformer
from sklearn.linear_model import LinearRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, StandardScaler

import skrnn.forecasting
from skrnn import (
    EnsembleRegressor,
    Gaussian,
    PerStep,
    Quantile,
    SequenceRNNClassifier,
    SequenceRNNRegressor,
    Sequences,
    StepRNNClassifier,
    StepRNNRegressor,
    TransformedStepTargetRegressor,
    as_sequences,
)
from skrnn.convert import from_long, make_windows
from skrnn.forecasting import forecast

QUICK = {"max_iter": 2, "random_state": 0}
WAVE = np.sin(np.arange(40) / 3)


def series(n_columns, n_steps=30):
    """Waves in several columns."""
    return np.sin(np.arange(n_steps)[:, None] / np.arange(2, 2 + n_columns))


def fitted(kind, n_targets, n_exogenous=0, **params):
    """Fit a network to the next step of waves."""
    waves = series(n_targets + n_exogenous)
    exogenous = waves[:, n_targets:] if n_exogenous else None
    X, y = make_windows(waves[:, :n_targets], window=6, exogenous=exogenous)
    if kind is StepRNNRegressor:
        y = [waves[i + 1 : i + 7, :n_targets].squeeze() for i in range(len(X))]
    return kind(3, **QUICK, **params).fit(X, y)


def by_hand(predict, sequences, exogenous, horizon):
    """Forecast one sequence after the other in a loop over predictions of grown sequences."""
    out = []
    for i, sequence in enumerate(sequences):
        steps, answers = np.array(sequence, dtype=float), []
        for k in range(horizon):
            answers.append(np.ravel(predict(steps)))
            if k < horizon - 1:
                row = np.concatenate([answers[-1], [] if exogenous is None else exogenous[i][k]])
                steps = np.vstack([steps, row])
        out.append(answers)
    return np.array(out)


def predict_one(estimator):
    per_step = isinstance(estimator, StepRNNRegressor)

    def predict(steps):
        prediction = estimator.predict([steps])[0]
        return prediction[-1] if per_step else prediction

    return predict


@pytest.mark.parametrize("kind", [SequenceRNNRegressor, StepRNNRegressor])
@pytest.mark.parametrize("bidirectional", [False, True])
@pytest.mark.parametrize(("n_targets", "n_exogenous"), [(1, 0), (2, 0), (1, 2), (2, 1)])
def test_forecast_equals_a_loop_over_predict(kind, bidirectional, n_targets, n_exogenous):
    reg = fitted(kind, n_targets, n_exogenous, bidirectional=bidirectional)
    waves = series(n_targets + n_exogenous)
    X = [waves[:7], waves[3:4], waves[5:17], waves[1:8]]
    exogenous = None
    if n_exogenous:
        exogenous = np.random.RandomState(0).normal(size=(4, 4, n_exogenous))
    answers = reg.forecast(X, 5, exogenous, window=None)
    expected = by_hand(predict_one(reg), X, exogenous, 5)
    assert answers.shape == ((4, 5) if n_targets == 1 else (4, 5, n_targets))
    np.testing.assert_allclose(answers.reshape(expected.shape), expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize("cell", ["rnn", "gru", "lstm"])
@pytest.mark.parametrize("pooling", ["last", "mean", "max", "attention", ("last", "mean", "max")])
def test_streams_give_the_forecasts_of_growing_sequences(cell, pooling, monkeypatch):
    one_way = {"bidirectional": False, "skip_connection": "last"}
    reg = fitted(SequenceRNNRegressor, 1, **one_way, cell=cell, pooling=pooling)
    X = [WAVE[:9], WAVE[:0], WAVE[3:4], WAVE[5:30], WAVE[2:11]]
    streamed = forecast(reg, X, 6, window=None)
    monkeypatch.setattr(skrnn.forecasting, "_is_stream", lambda estimator: False)
    expected = forecast(reg, X, 6, window=None)
    np.testing.assert_allclose(streamed, expected, rtol=0, atol=1e-12)


def test_streams_process_each_step_once(monkeypatch):
    one_way = {"bidirectional": False, "pooling": "last", "skip_connection": "last"}
    reg = fitted(SequenceRNNRegressor, 1, **one_way)
    calls = []
    monkeypatch.setattr(reg, "predict", lambda X: calls.append(len(X)) or np.zeros(len(X)))
    reg.forecast([WAVE[:9], WAVE[:4]], 20)
    assert calls == [2]


def test_one_step_ahead_is_predict():
    reg = fitted(SequenceRNNRegressor, 1, 1)
    X, _ = make_windows(WAVE, window=6, exogenous=WAVE)
    np.testing.assert_array_equal(reg.forecast(X, 1)[:, 0], reg.predict(X))
    nothing = np.empty((len(X), 0, 1))
    np.testing.assert_array_equal(reg.forecast(X, 1, nothing)[:, 0], reg.predict(X))


def test_finished_streams_do_not_overflow():
    """A short sequence is finished long before the others, and is not continued."""
    cell = {"cell": "rnn", "activation": "identity", "bidirectional": False, "pooling": "last"}
    reg = SequenceRNNRegressor(1, **cell, skip_connection=None, **QUICK).fit([[0], [1]], [0, 1])
    for p in reg.weights_.values():
        for weights in p.values():
            weights[...] = 0
    reg.weights_["recurrent_0"]["W"][...] = 1e60
    reg.weights_["output"]["W"][...] = 1
    answers = reg.forecast([[1.0], [0.0] * 50], 3)
    np.testing.assert_allclose(answers, [[1e60, 1e120, 1e180], [0, 0, 0]])


# Predictions that cannot be fed back -----------------------------------------------------------

ADVICE = r"predicted from earlier predictions.* take the logarithm of the series before make_wind"


class Growing(RegressorMixin, BaseEstimator):
    """Predict the last step times a factor for each target."""

    def __init__(self, factors=(1e100,)):
        self.factors = factors

    def fit(self, X, y):
        return self

    def predict(self, X):
        with np.errstate(over="ignore"):
            vectors = np.array([steps[-1] * self.factors for steps in as_sequences(X)])
        return vectors[:, 0] if len(self.factors) == 1 else vectors


def linear_stream(factors, dtype=np.float64):
    """A stream whose prediction is the last step times a factor for each target."""
    n = len(factors)
    linear = {"cell": "rnn", "activation": "identity", "bidirectional": False, "pooling": "last"}
    X, y = np.eye(n, dtype=dtype)[:, None], np.eye(n).squeeze()
    X, y = (X, y) if n > 1 else ([np.ones((1, 1), dtype), np.zeros((1, 1), dtype)], [1, 0])
    reg = SequenceRNNRegressor(n, **linear, skip_connection=None, **QUICK).fit(X, y)
    for p in reg.weights_.values():
        for weights in p.values():
            weights[...] = 0
    reg.weights_["recurrent_0"]["W"][...] = np.diag(factors)[None]
    reg.weights_["output"]["W"][...] = np.eye(n)
    return reg


@pytest.mark.parametrize("window", ["auto", None, 1])
@pytest.mark.parametrize("form", ["array", "Sequences", "frames"])
def test_predictions_that_are_not_finite_are_refused(window, form):
    X = np.array([[[0.0], [0.0]], [[2.0], [0.0]], [[0.0], [1.0]], [[1.0], [1e99]]])
    if form == "Sequences":
        X = as_sequences(X)
    elif form == "frames":
        X = list(map(pytest.importorskip("pandas").DataFrame, X))
    answers = forecast(Growing(), X, 2, window=window)
    np.testing.assert_allclose(answers[-1], [1e199, 1e299])
    for horizon in (3, 7):
        with pytest.raises(
            ValueError, match=rf"prediction 3 steps after the end of sequence 3 is inf\. .*{ADVICE}"
        ):
            forecast(Growing(), X, horizon, window=window)


def test_the_target_that_is_not_finite_is_named():
    X = [[[1.0, -1.0]], [[1.0, -2.0]]]
    for reg in (Growing((1.0, 1e200)), linear_stream([1.0, 1e200])):
        with pytest.raises(ValueError, match=f"2 steps after the end of sequence 0 is .*{ADVICE}"):
            forecast(reg, X, 2)
    with pytest.raises(ValueError, match=r"is -inf of target 1\."):
        forecast(Growing((1.0, 1e200)), X, 2)


def test_a_first_prediction_that_is_not_finite_is_refused():
    for factor, value in ((np.inf, "inf"), (np.nan, "nan")):
        for horizon in (1, 3):
            with pytest.raises(
                ValueError, match=f"1 step after the end of sequence 0 is {value}.*nothing was fed"
            ):
                forecast(Growing((factor,)), [[1.0], [2.0]], horizon)


@pytest.mark.parametrize("n_targets", [1, 2])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_streams_refuse_predictions_that_are_not_finite(n_targets, dtype):
    reg = linear_stream([1e10 if dtype == np.float32 else 1e100] * n_targets, dtype)
    X = [np.full((n, n_targets), value, dtype) for n, value in [(1, 0), (5, 0), (3, 1), (9, 0)]]
    assert np.isfinite(forecast(reg, X, 3)).all()
    with pytest.raises(
        ValueError, match=f"prediction 4 steps after the end of sequence 2 is not fin.*{ADVICE}"
    ):
        forecast(reg, X, 6)


def test_a_mean_of_streams_that_is_not_finite_is_refused():
    """The mean of finite predictions overflows."""
    reg = linear_stream([1e154])
    ensemble = EnsembleRegressor(reg, n_estimators=2).fit([[1.0], [0.0]], [1, 0])
    ensemble.estimators_ = [reg, reg]
    np.testing.assert_allclose(forecast(ensemble, [[1.0]], 1), 1e154)
    with (
        np.errstate(over="ignore"),
        pytest.raises(ValueError, match=r"2 steps after the end of sequence 0 is inf\."),
    ):
        forecast(ensemble, [[1.7]], 2)


def test_a_logarithm_of_the_targets_alone_explodes_and_that_of_the_series_does_not():
    growth = np.exp(np.linspace(3, 8, 60))
    net = make_pipeline(PerStep(StandardScaler()), SequenceRNNRegressor(4, **QUICK))
    X, y = make_windows(growth, window=12)
    alone = TransformedTargetRegressor(net, func=np.log, inverse_func=np.exp).fit(X, y)
    with (
        np.errstate(over="ignore"),
        pytest.raises(ValueError, match=rf"steps after the end of sequence 0 is inf\. .*{ADVICE}"),
    ):
        forecast(alone, [growth[-12:]], 60)
    logarithms = PerStep(FunctionTransformer(np.log))
    both = clone(alone).set_params(regressor=make_pipeline(logarithms, net)).fit(X, y)
    X, y = make_windows(np.log(growth), window=12)
    expected = np.exp(forecast(net.fit(X, y), [np.log(growth[-12:])], 20))
    np.testing.assert_allclose(forecast(both, [growth[-12:]], 20), expected)


def test_predictions_that_a_transformer_refuses():
    """The logarithm of a negative prediction is missing, although X has no such value."""
    X, y = make_windows(np.linspace(1, 2, 30), window=6)
    logarithms = PerStep(FunctionTransformer(np.log))
    model = make_pipeline(logarithms, SequenceRNNRegressor(3, **QUICK)).fit(X, y - 5)
    assert forecast(model, X[:2], 1).max() < 0
    with (
        np.errstate(invalid="ignore"),
        pytest.raises(
            ValueError,
            match=r"predictions up to 1 step ahead were appended .*: X contains NaN at ste"
            r".*between -[34][\d.]* and -[34][\d.]*\. .*Fit on the series in the form",
        ),
    ):
        forecast(model, list(X[:2]), 3)


# Forms of X --------------------------------------------------------------------------------


SHORT = np.array([[0.1, 0.2], [0.3, 0.4], [0.5, 0.6]])  # three sequences of two steps
FORMS = {
    "list": list(SHORT),
    "tuple": tuple(SHORT[:, :, None]),
    "3-D": SHORT[:, :, None],
    "padded 3-D": np.pad(SHORT, [(0, 0), (0, 2)], constant_values=np.nan)[:, :, None],
    "Sequences": as_sequences(list(SHORT)),
    "sparse": [csr_matrix(steps[:, None]) for steps in SHORT],
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("bidirectional", [False, True])
@pytest.mark.parametrize("window", ["auto", None, 2])
def test_every_form_of_X_gives_the_same_forecasts(form, bidirectional, window):
    reg = fitted(SequenceRNNRegressor, 1, bidirectional=bidirectional)
    expected = reg.forecast(SHORT.tolist(), 4, window=window)
    answers = reg.forecast(FORMS[form], 4, window=window)
    np.testing.assert_allclose(answers, expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize("window", ["auto", None, 3])
def test_tables_with_a_sequence_in_each_row(window):
    X = np.random.RandomState(0).normal(size=(8, 6))
    reg = SequenceRNNRegressor(3, step_features=2, **QUICK).fit(X, X[:, :2])
    expected = reg.forecast(X.reshape(8, 3, 2), 3, window=window)
    np.testing.assert_array_equal(reg.forecast(X, 3, window=window), expected)
    model = make_pipeline(PerStep(StandardScaler(), step_features=2), reg)
    model.fit(X, X[:, :2])
    expected = forecast(model, list(X.reshape(8, 3, 2)), 3, window=window)
    np.testing.assert_allclose(forecast(model, X, 3, window=window), expected, atol=1e-12)


def test_one_sequence_in_place_of_several_is_refused():
    reg = fitted(SequenceRNNRegressor, 1)
    with pytest.raises(ValueError, match=r"Pass \[X\] if X is one sequence"):
        reg.forecast(WAVE[:, None], 3)


def test_float32_stays():
    X, y = make_windows(WAVE.astype(np.float32), window=6)
    for bidirectional in (False, True):
        reg = SequenceRNNRegressor(3, bidirectional=bidirectional, **QUICK).fit(X, y)
        assert reg.forecast(X, 3).dtype == np.float32


def test_integers_are_continued_by_floats():
    reg = fitted(SequenceRNNRegressor, 1)
    X = [[0, 1], [1, 0, 1]]
    expected = reg.forecast([np.array(x, dtype=float) for x in X], 4)
    np.testing.assert_array_equal(reg.forecast(X, 4), expected)


@pytest.mark.parametrize("empty", [[[], []], [np.empty((0, 1))], [[0.1], []]])
@pytest.mark.parametrize("bidirectional", [False, True])
def test_empty_sequences_are_continued(empty, bidirectional):
    reg = fitted(SequenceRNNRegressor, 1, bidirectional=bidirectional)
    answers = reg.forecast(empty, 3, window=None)
    first = reg.predict(empty)
    expected = reg.predict([[*np.ravel(x), f] for x, f in zip(empty, first, strict=True)])
    np.testing.assert_allclose(answers[:, :2], np.column_stack([first, expected]), atol=1e-12)


@pytest.mark.parametrize("library", ["pandas", "polars", "pyarrow"])
def test_frames_keep_names_and_text(library):
    module = pytest.importorskip(library)
    make = module.table if library == "pyarrow" else module.DataFrame
    days = np.array(["mo", "tu", "we"])[np.arange(30) % 3]
    frame, day = make({"u": np.arange(30) % 3}), make({"day": days})
    X, y = make_windows(frame, window=6, exogenous=day)
    columns = make_column_transformer((OneHotEncoder(), ["day"]), remainder=StandardScaler())
    model = make_pipeline(PerStep(columns), SequenceRNNRegressor(3, **QUICK)).fit(X, y)
    future = [make({"day": days[k % 3 : k % 3 + 2]}) for k in range(len(X))]
    answers = forecast(model, X, 3, future)
    assert answers.shape == (len(X), 3)
    start = make({"u": [0.0, 1.0], "day": days[:2]})
    again = forecast(model, [start], 2, [make({"day": days[:1]})], window=None)
    np.testing.assert_allclose(
        again[0, 1], model.predict([make({"u": [0.0, 1.0, again[0, 0]], "day": days[[0, 1, 0]]})])
    )
    with pytest.raises(ValueError, match=r"exogenous must be frames with the columns \['day'\]"):
        forecast(model, X, 3, [make({"month": days[:2]})] * len(X))


@pytest.mark.parametrize("library", ["pandas", "polars", "pyarrow"])
def test_numbers_are_accepted_beside_frames(library):
    module = pytest.importorskip(library)
    make = module.table if library == "pyarrow" else module.DataFrame
    known = {"p": np.arange(30) % 4, "q": np.arange(30) / 30}
    X, y = make_windows(make({"u": np.arange(30) % 3}), window=6, exogenous=make(known))
    model = make_pipeline(PerStep(StandardScaler()), SequenceRNNRegressor(3, **QUICK)).fit(X, y)
    future = [make({name: v[k : k + 2] for name, v in known.items()}) for k in range(len(X))]
    array = np.array([np.column_stack([v[k : k + 2] for v in known.values()]) for k in range(24)])
    expected = forecast(model, X, 3, future)
    for given in (array, list(array), Sequences(array.reshape(-1, 2), [2] * 24)):
        np.testing.assert_allclose(forecast(model, X, 3, given), expected)
    for given, has in [
        ([make({"q": [1.0], "p": [1]})] * 24, r"it has the columns \['q', 'p'\]"),
        (np.full((24, 1, 2), "text"), "it has an array of type"),
    ]:
        with pytest.raises(ValueError, match=rf"columns \['p', 'q'\], in this order, .* {has}"):
            forecast(model, X, 2, given)
    other = pytest.importorskip("polars" if library == "pandas" else "pandas").DataFrame
    with pytest.raises(ValueError, match=f"X holds frames of {library}, .* of one library"):
        forecast(model, X, 2, [other({"p": [1], "q": [1.0]})] * 24)


# Estimators --------------------------------------------------------------------------------


def test_pipelines_and_transformed_targets_are_fed_back_in_the_units_of_the_series():
    wave = 1000 + 50 * WAVE
    X, y = make_windows(wave, window=6)
    network = SequenceRNNRegressor(3, bidirectional=False, normalize_y=False, **QUICK)
    network = TransformedTargetRegressor(network, transformer=StandardScaler())
    model = make_pipeline(PerStep(StandardScaler()), network).fit(X, y)
    answers = forecast(model, X[:2], 3, window=None)
    expected = by_hand(lambda steps: model.predict([steps])[0], X[:2], None, 3)[:, :, 0]
    np.testing.assert_allclose(answers, expected)
    grid = {"transformedtargetregressor__regressor__alpha": [network.regressor.alpha]}
    search = GridSearchCV(model, grid, cv=2).fit(X, y)
    np.testing.assert_allclose(forecast(search, X[:2], 3, window=None), expected)


@pytest.mark.parametrize("bidirectional", [False, True])
def test_an_ensemble_feeds_back_its_mean(bidirectional):
    X, y = make_windows(WAVE, window=6)
    network = SequenceRNNRegressor(3, bidirectional=bidirectional, **QUICK)
    ensemble = EnsembleRegressor(network, n_estimators=2, random_state=0).fit(X, y)
    expected = by_hand(lambda steps: ensemble.predict([steps])[0], X[:2], None, 3)[:, :, 0]
    answers = forecast(ensemble, X[:2], 3, window=None)
    np.testing.assert_allclose(answers, expected, rtol=0, atol=1e-12)


def test_transformed_targets_of_steps():
    X = [np.exp(WAVE[i : i + 6]) for i in range(20)]
    y = [np.exp(WAVE[i + 1 : i + 7]) for i in range(20)]
    logarithm = FunctionTransformer(np.log, inverse_func=np.exp)
    reg = TransformedStepTargetRegressor(StepRNNRegressor(3, **QUICK), transformer=logarithm)
    reg.fit(X, y)
    expected = by_hand(lambda x: reg.predict([x])[0][-1], [x[:, None] for x in X[:2]], None, 3)
    np.testing.assert_allclose(forecast(reg, X[:2], 3), expected[:, :, 0])


@pytest.mark.parametrize("axes", [2, 3])
def test_a_regressor_of_flat_windows(axes):
    """Linear regression on two lags continues a wave exactly."""
    X, y = make_windows(WAVE[:30], window=2)
    flatten = FunctionTransformer(lambda windows: windows.reshape(len(windows), -1))
    model = make_pipeline(flatten, LinearRegression(fit_intercept=False)).fit(X, y)
    X = X if axes == 3 else X[:, :, 0]
    for window in ("auto", 2):
        ahead = forecast(model, X[-1:], 9, window=window)
        np.testing.assert_allclose(ahead[0], WAVE[29:38], atol=1e-9)


@pytest.mark.parametrize("bidirectional", [False, True])
def test_window_keeps_the_last_steps(bidirectional):
    reg = fitted(SequenceRNNRegressor, 1, bidirectional=bidirectional)
    X = [WAVE[:9], WAVE[:2], WAVE[3:30]]
    expected = by_hand(
        lambda steps: reg.predict([steps[-4:]])[0], [x[:, None] for x in X], None, 5
    )[:, :, 0]
    np.testing.assert_allclose(reg.forecast(X, 5, window=4), expected, rtol=0, atol=1e-12)


def keeps_length(reg, X):
    """Whether the forecasts by default are those of sequences that keep their length."""
    grown = reg.forecast(X, 5, window=None)
    kept = np.concatenate([reg.forecast([x], 5, window=max(len(x), 1)) for x in X])
    assert abs(grown - kept).max() > 1e-6
    is_kept, is_grown = (abs(reg.forecast(X, 5) - f).max() < 1e-12 for f in (kept, grown))
    assert is_kept != is_grown
    return is_kept


@pytest.mark.parametrize(
    ("kind", "params", "expected"),
    [
        (SequenceRNNRegressor, {}, True),
        (SequenceRNNRegressor, {"bidirectional": False}, True),
        (SequenceRNNRegressor, {"pooling": "last"}, True),
        (SequenceRNNRegressor, {"bidirectional": False, "pooling": ("last", "max")}, True),
        (SequenceRNNRegressor, {"bidirectional": False, "pooling": "last"}, False),
        (SequenceRNNRegressor, {"bidirectional": False, "pooling": ("last",)}, False),
        (StepRNNRegressor, {"bidirectional": True}, True),
        (StepRNNRegressor, {"bidirectional": False}, False),
    ],
)
def test_sequences_keep_their_length_unless_the_prediction_is_from_the_last_state(
    kind, params, expected
):
    X = [WAVE[:9, None], WAVE[:2, None], WAVE[3:30, None]]
    reg = fitted(kind, 1, **params)
    assert keeps_length(reg, X) == expected
    # What counts is the fitted network.
    assert keeps_length(reg.set_params(bidirectional=not reg.bidirectional), X) == expected


@pytest.mark.parametrize("bidirectional", [False, True])
def test_pipelines_and_ensembles_keep_the_length_of_sequences_as_their_networks_do(bidirectional):
    network = SequenceRNNRegressor(3, bidirectional=bidirectional, pooling="last", **QUICK)
    X, y = make_windows(WAVE, window=6)
    model = make_pipeline(PerStep(StandardScaler()), network)
    for estimator in (
        model,
        TransformedTargetRegressor(model, transformer=StandardScaler()),
        GridSearchCV(model, {"sequencernnregressor__alpha": [0]}, cv=2),
        EnsembleRegressor(model, n_estimators=2),
    ):
        estimator.fit(X, y)
        window = 6 if bidirectional else None
        expected = forecast(estimator, X[:2], 4, window=window)
        np.testing.assert_allclose(forecast(estimator, X[:2], 4), expected, rtol=0, atol=1e-12)


def test_an_empty_sequence_becomes_one_of_a_single_step():
    reg = fitted(SequenceRNNRegressor, 1)
    X = [WAVE[:0, None], WAVE[:3, None]]
    expected = [reg.forecast([X[0]], 4, window=1)[0], reg.forecast([X[1]], 4, window=3)[0]]
    np.testing.assert_allclose(reg.forecast(X, 4), expected, rtol=0, atol=1e-12)


def test_the_mean_of_a_gaussian_and_the_median_are_fed_back():
    for loss in (Gaussian(), Quantile(0.5)):
        reg = fitted(SequenceRNNRegressor, 1, loss=loss)
        X = [WAVE[:6, None]]
        expected = by_hand(predict_one(reg), X, None, 3)[:, :, 0]
        answers = reg.forecast(X, 3, window=None)
        np.testing.assert_allclose(answers, expected, rtol=0, atol=1e-12)


# What is refused ---------------------------------------------------------------------------


@pytest.mark.parametrize("quantiles", [0.9, (0.1, 0.5, 0.9)])
def test_other_quantiles_than_the_median_are_refused(quantiles):
    model = make_pipeline(
        PerStep(StandardScaler()), SequenceRNNRegressor(2, loss=Quantile(quantiles))
    )
    X, y = make_windows(WAVE, window=6)
    model[-1].set_params(**QUICK)
    with pytest.raises(ValueError, match="Only the median can be fed back"):
        forecast(model.fit(X, y), X, 3)


def test_the_quantiles_are_those_of_fit():
    X = [WAVE[:6]]
    reg = fitted(SequenceRNNRegressor, 1, loss=Quantile(0.9)).set_params(loss="auto")
    with pytest.raises(ValueError, match=r"predicts the quantiles 0.9. Only the median"):
        reg.forecast(X, 3)
    reg = fitted(SequenceRNNRegressor, 1)
    expected = reg.forecast(X, 3)
    np.testing.assert_array_equal(reg.set_params(loss=Quantile(0.9)).forecast(X, 3), expected)


@pytest.mark.parametrize("kind", [SequenceRNNClassifier, StepRNNClassifier])
def test_classifiers_are_refused(kind):
    X = [[0, 1], [1, 0]]
    clf = kind(2, **QUICK).fit(X, X if kind is StepRNNClassifier else [0, 1])
    with pytest.raises(ValueError, match=f"{kind.__name__} predicts classes"):
        forecast(clf, X, 3)


def test_several_steps_at_once_are_those_of_predict():
    X, y = make_windows(WAVE, window=6, horizon=3)
    reg = SequenceRNNRegressor(2, **QUICK).fit(X, y)
    with pytest.raises(ValueError, match=r"predicts 3 numbers.*predict returns the forecasts"):
        reg.forecast(X, 3)


def test_a_step_must_be_complete():
    reg = fitted(SequenceRNNRegressor, 1, 2)
    X = series(3)[None, :6]
    needed = r"exogenous, \(n_sequences, horizon - 1, n_exogenous\) = \(1, 3, 2\)"
    with pytest.raises(ValueError, match=rf"Either pass {needed}.*or fit on vectors"):
        reg.forecast(X, 4)
    for wrong in (np.zeros((1, 4, 2)), np.zeros((1, 3, 1)), np.zeros((2, 3, 2))):
        with pytest.raises(ValueError, match=r"must have the shape.*\(1, 3, 2\).*not fed back"):
            reg.forecast(X, 4, wrong)
    missing = np.zeros((1, 3, 2))
    missing[0, -1] = np.nan
    with pytest.raises(
        ValueError, match="exogenous contains NaN at step 2 of sequence 0, feature 0"
    ):
        reg.forecast(X, 4, missing)
    with pytest.raises(ValueError, match="predicts all 1 features of a step"):
        fitted(SequenceRNNRegressor, 1).forecast(X[:, :, :1], 4, np.zeros((1, 3, 1)))


def test_invalid_lengths():
    reg = fitted(SequenceRNNRegressor, 1)
    for horizon in (0, 1.5, None):
        with pytest.raises(ValueError, match="horizon must be an integer >= 1"):
            reg.forecast([WAVE], horizon)
    with pytest.raises(ValueError, match="window must be 'auto', None or an integer >= 1, got 0"):
        reg.forecast([WAVE], 2, window=0)
    with pytest.raises(ValueError, match="or an integer >= 1, got 'grow'"):
        reg.forecast([WAVE], 2, window="grow")


def test_estimators_of_steps_need_a_step():
    reg = fitted(StepRNNRegressor, 1)
    with pytest.raises(ValueError, match="Sequence 1 has no step"):
        reg.forecast([WAVE[:2], []], 2)


def test_ids_do_not_matter():
    reg = fitted(SequenceRNNRegressor, 1)
    X = Sequences(WAVE[:6, None], [4, 2], ids=["a", "b"], rows=np.arange(6))
    np.testing.assert_array_equal(reg.forecast(X, 3), reg.forecast([WAVE[:4], WAVE[4:6]], 3))


@pytest.mark.parametrize("bidirectional", [False, True])
def test_static_columns_stay_with_their_sequence(bidirectional):
    waves = Sequences(np.concatenate([WAVE[:20], WAVE[5:19]])[:, None], [20, 14], static=[[1], [2]])
    X, y = make_windows(waves, window=5)
    reg = SequenceRNNRegressor(3, bidirectional=bidirectional, **QUICK).fit(X, y)
    answers = reg.forecast(X[:2], 2, window=None)
    steps = np.hstack([X[:2].values.reshape(2, 5), answers[:, :1]])
    grown = Sequences(steps.reshape(-1, 1), [6, 6], static=X[:2].static)
    np.testing.assert_allclose(answers[:, 1], reg.predict(grown), rtol=0, atol=1e-12)


@pytest.mark.parametrize("container", ["pandas", "polars"])
def test_one_frame_of_exogenous_columns_belongs_into_a_list(container):
    library = pytest.importorskip(container)
    wave = library.DataFrame({"u": WAVE[:30]})
    known = library.DataFrame({"promo": ["a", "b"] * 15, "day": np.arange(30) % 7 / 7})
    X, y = make_windows(wave, window=4, exogenous=known)
    encode = make_column_transformer((OneHotEncoder(), ["promo"]), remainder="passthrough")
    model = make_pipeline(PerStep(encode), SequenceRNNRegressor(2, max_iter=2, random_state=0))
    model.fit(X, y)
    ahead = known[:2]
    assert forecast(model, X[:1], 3, [ahead]).shape == (1, 3)
    for given in (ahead, ahead[["day"]], ahead["promo"]):
        with pytest.raises(
            ValueError, match=r"exogenous must .*\(1, 2, 2\).* such as \[frame\]"
        ) as e:
            forecast(model, X[:1], 3, given)
        assert " X" not in str(e.value)
    with pytest.raises(ValueError, match=r"exogenous must .* Read as X is, it raises this error"):
        forecast(model, X[:1], 3, ["a", "b"])


# Times of the steps ahead ------------------------------------------------------------------

DAYS = np.arange("2024-01-01", "2024-03-01", dtype="M8[D]")
SHOPS = {
    "shop": np.repeat(["a", "b"], 60),
    "day": np.tile(DAYS, 2),
    "sales": np.sin(np.arange(120) / 3),
    "promo": np.cos(np.arange(120)),
}
KINDS = {
    "dates": DAYS,
    "text": DAYS.astype(str),
    "objects": DAYS.astype(object),
    "numbers": np.arange(60),
    "floats": np.arange(60) / 4,
    "durations": np.arange(60).astype("m8[h]"),
}


def of_shops(days, columns, kind="dates"):
    """Read some days of both shops, with times of some kind."""
    rows = np.r_[days, 60 + np.array(days)]
    table = {**SHOPS, "day": np.tile(KINDS[kind], 2)}
    return from_long({name: table[name][rows] for name in table}, "shop", "day", columns=columns)[0]


@pytest.fixture(scope="module")
def of_sales():
    parts = [of_shops(range(50), [name]) for name in ("sales", "promo")]
    X, y = make_windows(parts[0], window=6, exogenous=parts[1])
    return SequenceRNNRegressor(3, **QUICK).fit(X, y)


@pytest.mark.parametrize("kind", KINDS)
def test_steps_ahead_that_are_not_after_X_are_refused(kind, of_sales):
    last = of_shops(range(44, 50), ["sales", "promo"], kind)
    expected = of_sales.forecast(last, 4, of_shops([50, 51, 52], ["promo"], kind))
    for first in (44, 47, 49):
        planned = of_shops(range(first, first + 3), ["promo"], kind)
        with pytest.raises(ValueError, match=r"exogenous has the time .* at step 0 of sequence 0"):
            of_sales.forecast(last, 4, planned)
    after = of_shops([53, 54, 55], ["promo"], kind)
    assert of_sales.forecast(last, 4, after).shape == (2, 4)  # after a gap, such as a weekend
    array = of_shops([50, 51, 52], ["promo"], kind).to_padded()
    np.testing.assert_array_equal(of_sales.forecast(last, 4, array), expected)
    of_sales.forecast(last, 4, planned.to_ragged())


def test_the_sequence_whose_steps_are_in_the_past_is_named(of_sales):
    last = of_shops(range(44, 50), ["sales", "promo"])
    rows = [*range(50, 53), *range(106, 109)]
    table = {name: SHOPS[name][rows] for name in SHOPS}
    planned = from_long(table, "shop", "day", columns=["promo"])[0]
    with pytest.raises(
        ValueError, match=r"time 2024-02-16 at step 0 of sequence 1, .* in X, 2024-02-19\. .*array"
    ):
        of_sales.forecast(last, 4, planned)


def test_as_many_steps_ahead_as_in_X_are_no_steps_of_X(of_sales):
    last = of_shops(range(44, 50), ["sales", "promo"])
    assert of_sales.forecast(last, 7, of_shops(range(50, 56), ["promo"])).shape == (2, 7)


def test_windows_keep_their_times(of_sales):
    parts = [of_shops(range(50), [name]) for name in ("sales", "promo")]
    X, _ = make_windows(parts[0], window=6, exogenous=parts[1])
    assert of_sales.forecast(X[-2:], 4, of_shops([49, 50, 51], ["promo"])).shape == (2, 4)
    with pytest.raises(ValueError, match="exogenous has the time 2024-02-18"):
        of_sales.forecast(X[-2:], 4, of_shops([48, 49, 50], ["promo"]))


def test_times_of_other_kinds_are_not_compared_with_those_of_X(of_sales):
    for kind in KINDS:
        for other in set(KINDS) - {kind}:
            if {kind, other} not in ({"numbers", "floats"}, {"dates", "objects"}):
                last = of_shops(range(44, 50), ["sales", "promo"], kind)
                of_sales.forecast(last, 4, of_shops([0, 1, 2], ["promo"], other))


INDICES = {
    "dates": lambda pandas: pandas.DatetimeIndex(DAYS),
    "periods": lambda pandas: pandas.period_range("2024-01", periods=60, freq="M"),
    "text": lambda pandas: pandas.Index(DAYS.astype(str)),
    "named numbers": lambda pandas: pandas.Index(range(1960, 2020), name="year"),
    "floats": lambda pandas: pandas.Index(np.arange(60) / 4),
}


@pytest.mark.parametrize("index", INDICES)
def test_the_index_of_steps_ahead_is_compared(index):
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame({name: SHOPS[name][:60] for name in ("sales", "promo")})
    frame.index = INDICES[index](pandas)
    last = [frame[44:50], frame[44:50]]
    model = make_pipeline(PerStep(StandardScaler()), SequenceRNNRegressor(3, **QUICK))
    model.fit(*make_windows(frame[["sales"]], window=6, exogenous=frame[["promo"]]))
    good, bad = frame[["promo"]][50:53], frame[["promo"]][47:50]
    expected = forecast(model, last, 4, [good, good])
    np.testing.assert_array_equal(forecast(model, last, 4, [good["promo"]] * 2), expected)
    for X in (last, as_sequences(last, numeric=False)):
        if index in ("named numbers", "floats") and X is not last:
            continue  # numbers in the index of one table may be those of its rows
        for given in ([good, bad], [good["promo"], bad["promo"]]):
            with pytest.raises(ValueError, match=r"exogenous .* the time .* step 0 of sequence 1"):
                forecast(model, X, 4, given)
    without = [bad.reset_index(drop=True)] * 2
    forecast(model, last, 4, without)
    forecast(model, last, 4, np.stack([bad] * 2))


@pytest.mark.parametrize("unsorted", ["X", "exogenous"])
def test_an_index_whose_times_do_not_increase_is_refused(unsorted):
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame({name: SHOPS[name][:60] for name in ("sales", "promo")}, index=DAYS)
    model = SequenceRNNRegressor(3, **QUICK)
    model.fit(*make_windows(frame[["sales"]], window=6, exogenous=frame[["promo"]]))
    last, ahead = frame[44:50], frame[["promo"]][50:53]
    if unsorted == "X":
        last = last[::-1]
    else:
        ahead = ahead.iloc[[0, 2, 1]]
    with pytest.raises(ValueError, match=f"times of {unsorted} must increase, but sequence 0 has"):
        model.forecast([last], 4, [ahead])
    assert model.forecast([last.sort_index()], 4, [ahead.sort_index()]).shape == (1, 4)


def test_numbers_of_rows_are_no_times():
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame({name: SHOPS[name][:60] for name in ("sales", "promo")})
    ahead = frame[["promo"]][50:53]
    model = SequenceRNNRegressor(3, **QUICK)
    model.fit(*make_windows(frame[["sales"]], window=6, exogenous=frame[["promo"]]))
    for labels in (range(3), [0, 2, 5]):
        for name in (None, "row"):
            index = pandas.Index(labels, name=name)
            assert model.forecast([frame[44:50]], 4, [ahead.set_axis(index)]).shape == (1, 4)


@pytest.mark.parametrize("bidirectional", [False, True])
@pytest.mark.parametrize("form", ["array", "frame", "sparse"])
def test_a_missing_value_of_the_steps_ahead_is_named(bidirectional, form):
    pandas = pytest.importorskip("pandas")
    model = fitted(SequenceRNNRegressor, 1, 2, bidirectional=bidirectional, pooling="last")
    steps, ahead = series(3)[:6], series(3)[6:9, 1:].copy()
    ahead[1, 1] = np.nan
    X, given, place = [steps], [ahead], ", feature 1"
    if form == "frame":
        X = [pandas.DataFrame(steps, columns=["u", "v", "w"])]
        given, place = [pandas.DataFrame(ahead, columns=["v", "w"])], ", column 'w'"
        model = make_pipeline(PerStep(StandardScaler()), model).fit(X * 2, [0.0, 1.0])
    if form == "sparse":
        X, given, place = [csr_matrix(steps)], [csr_matrix(ahead)], ""
    with pytest.raises(
        ValueError, match=f"^exogenous contains NaN at step 1 of sequence 0{place}. Impute"
    ):
        forecast(model, X, 4, given)
