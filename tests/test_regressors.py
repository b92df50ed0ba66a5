"""SequenceRNNRegressor: a number or vector for each sequence."""

import copy

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from recipes import PLAIN
from sklearn.base import clone, is_regressor
from sklearn.compose import TransformedTargetRegressor
from sklearn.exceptions import ConvergenceWarning, DataConversionWarning
from sklearn.metrics import r2_score
from sklearn.model_selection import GridSearchCV, KFold, cross_val_predict, cross_val_score
from sklearn.multioutput import MultiOutputRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skrnn import (
    PerStep,
    SequenceRNNClassifier,
    SequenceRNNRegressor,
    StepRNNClassifier,
    StepRNNRegressor,
    XORMLPRegressor,
    as_sequences,
)

RNG = np.random.RandomState(0)
X = [RNG.normal(size=(length, 2)) for length in RNG.randint(1, 6, 30)]
Y = {
    "scalar": np.array([x[:, 0].sum() for x in X]),
    "vector": np.array([[x[:, 0].sum(), x[:, 1].mean(), len(x)] for x in X]),
}
REG = SequenceRNNRegressor(4, max_iter=5, learning_rate="cosine", random_state=0, **PLAIN)
KINDS = pytest.mark.parametrize("kind", Y)


@KINDS
def test_shapes(kind):
    reg = clone(REG).fit(X, Y[kind])
    assert is_regressor(reg)
    assert reg.predict(X).shape == Y[kind].shape
    assert reg.n_outputs_ == (3 if kind == "vector" else 1)
    assert reg.out_activation_ == "identity"
    assert not hasattr(reg, "classes_")
    assert not hasattr(reg, "predict_proba")


@pytest.mark.parametrize(
    ("kind", "form"),
    [
        ("scalar", np.ndarray.tolist),
        ("scalar", lambda y: y.astype(object)),
        ("scalar", lambda y: pd.Series(y, index=np.arange(30)[::-1])),
        ("vector", np.ndarray.tolist),
        ("vector", pd.DataFrame),
    ],
)
def test_forms_of_targets(kind, form):
    expected = clone(REG).fit(X, Y[kind]).predict(X)
    assert_array_equal(clone(REG).fit(X, form(Y[kind])).predict(X), expected)


@KINDS
def test_targets_are_converted_to_the_type_of_the_sequences(kind):
    expected = clone(REG).fit(X, np.float32(Y[kind]).astype(float)).predict(X)
    assert_array_equal(clone(REG).fit(X, np.float32(Y[kind])).predict(X), expected, strict=True)
    X32 = [np.float32(x) for x in X]
    in_single = clone(REG).fit(X32, Y[kind]).predict(X32)
    assert in_single.dtype == np.float32
    assert_allclose(in_single, expected, atol=1e-4)


@KINDS
def test_integers_as_targets(kind):
    y = Y[kind].round().astype(int)
    expected = clone(REG).fit(X, y.astype(float)).predict(X)
    assert_array_equal(clone(REG).fit(X, y).predict(X), expected)


@KINDS
@pytest.mark.parametrize("options", [{}, {"bidirectional": True}, {"cell": "lstm"}])
def test_it_learns(kind, options):
    reg = SequenceRNNRegressor(8, solver="lbfgs", max_iter=150, tol=1e-2, random_state=0, **options)
    assert reg.fit(X, Y[kind]).score(X, Y[kind]) > 0.95


@KINDS
def test_score_is_r2(kind):
    reg, weight = clone(REG).fit(X, Y[kind]), np.linspace(0, 1, 30)
    assert_allclose(reg.score(X, Y[kind]), r2_score(Y[kind], reg.predict(X)))
    expected = r2_score(Y[kind], reg.predict(X), sample_weight=weight)
    assert_allclose(reg.score(X, Y[kind], weight), expected)


@KINDS
def test_loss_is_half_the_squared_error(kind):
    reg = clone(REG).set_params(normalize_y=False)
    reg.set_params(learning_rate_init=1e-12, max_iter=1, alpha=0)
    reg.fit(X, Y[kind], np.linspace(0.5, 1, 30))
    errors = ((reg.predict(X) - Y[kind]) ** 2).reshape(30, -1).sum(axis=1) / 2
    assert_allclose(reg.loss_, np.average(errors, weights=np.linspace(0.5, 1, 30)))
    named = clone(reg).set_params(loss="squared_error").fit(X, Y[kind], np.linspace(0.5, 1, 30))
    assert named.loss_ == reg.loss_


@KINDS
def test_transformed_targets(kind):
    y = 1e4 + 1e3 * Y[kind]
    reg = TransformedTargetRegressor(
        clone(REG).set_params(max_iter=30, learning_rate_init=0.1), transformer=StandardScaler()
    )
    reg.fit(X, y)
    scaler = StandardScaler().fit(y.reshape(30, -1))
    inner = clone(reg.regressor).fit(X, scaler.transform(y.reshape(30, -1)).reshape(y.shape))
    by_hand = scaler.inverse_transform(inner.predict(X).reshape(30, -1)).reshape(y.shape)
    assert_allclose(reg.predict(X), by_hand)
    unscaled = clone(reg.regressor).set_params(normalize_y=False)
    with pytest.warns(ConvergenceWarning, match=r"Scale y\. The values of y reach 1\.\d+e\+04"):
        unscaled.fit(X, y)
    assert reg.score(X, y) > 0.2 > unscaled.score(X, y)


@KINDS
@pytest.mark.parametrize("form", [list, lambda X: as_sequences(X).to_padded()])
def test_cross_validation(kind, form):
    pipeline = make_pipeline(PerStep(StandardScaler()), clone(REG))
    scores = cross_val_score(pipeline, form(X), Y[kind], cv=KFold(3))
    predicted = cross_val_predict(pipeline, form(X), Y[kind], cv=KFold(3))
    assert predicted.shape == Y[kind].shape
    for score, (train, test) in zip(scores, KFold(3).split(X), strict=True):
        fitted = clone(pipeline).fit([X[i] for i in train], Y[kind][train])
        assert_array_equal(predicted[test], fitted.predict([X[i] for i in test]))
        assert_allclose(score, r2_score(Y[kind][test], predicted[test]))


@KINDS
def test_search(kind):
    search = GridSearchCV(clone(REG), {"pooling": ["last", "max"]}, cv=2).fit(X, Y[kind])
    assert len(set(search.cv_results_["mean_test_score"])) == 2


def test_multi_output_regressor():
    columns = MultiOutputRegressor(clone(REG)).fit(X, Y["vector"])
    assert columns.predict(X).shape == (30, 3)
    assert_array_equal(columns.predict(X)[:, 1], clone(REG).fit(X, Y["vector"][:, 1]).predict(X))


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"loss": "log_loss"}, "The 'loss' parameter of {} must be a str among"),
        ({"activation": "relu", "cell": "gru"}, "activation='relu' has no effect with cell='gru'"),
        (
            {"activation": "relu", "cell": "lstm"},
            "activation='relu' has no effect with cell='lstm'",
        ),
    ],
)
@pytest.mark.parametrize("fit", ["fit", "partial_fit"])
@pytest.mark.parametrize("cls", [SequenceRNNRegressor, StepRNNRegressor])
def test_parameters_without_effect_are_refused(cls, fit, params, message):
    reg = cls(**params)
    with pytest.raises(ValueError, match=message.format(cls.__name__)):
        getattr(reg, fit)(X, Y["scalar"] if cls is SequenceRNNRegressor else [x[:, 0] for x in X])
    assert vars(reg) == cls(**params).get_params()


def test_parameters_of_other_estimators_do_not_exist():
    names = {
        cls: cls().get_params().keys()
        for cls in (
            SequenceRNNClassifier, SequenceRNNRegressor, StepRNNClassifier, StepRNNRegressor
        )
    }  # fmt: skip
    of_numbers = {"normalize_y", "skip_connection", "shrinkage"}
    every = names[SequenceRNNClassifier] | of_numbers
    assert every - names[SequenceRNNClassifier] == of_numbers
    assert every - names[SequenceRNNRegressor] == {"class_weight", "frame_length"}
    of_sequences = {"pooling", "shrinkage", "frame_length"}
    of_step_numbers = {"normalize_y", "skip_connection"}
    assert every - names[StepRNNClassifier] == of_step_numbers | of_sequences
    assert every - names[StepRNNRegressor] == {"class_weight", "temperature", *of_sequences}
    assert all(of_class <= every for of_class in names.values())


@pytest.mark.parametrize(
    ("y", "message"),
    [
        (np.full(30, np.nan), "y is missing for sequence 0; give it sample_weight 0"),
        (np.where(np.arange(30) == 4, np.inf, 0), "Input y contains infinity"),
        (
            ["a"] * 30,
            "y holds text, such as 'a', but a regressor needs numbers.*SequenceRNNClassifier",
        ),
        ([b"a"] * 30, "y holds text, such as b'a', but a regressor needs numbers"),
        ([1.5, "x"] * 15, "y holds text, such as 'x', but a regressor needs numbers"),
        (
            np.ones(sum(map(len, X))),
            "targets. If there is a target for each step, use StepRNNClass",
        ),
        (np.zeros(29), "X holds 30 sequences, but y holds 29 targets"),
        (np.zeros((30, 2, 2)), "y holds an array for each sample, but one target"),
        (np.zeros((30, 0)), r"Found array with 0 feature\(s\)"),
        (None, "requires y to be passed"),
        (1j * np.ones(30), "Complex data not supported"),
    ],
)
def test_bad_targets_leave_the_estimator_unchanged(y, message):
    reg = clone(REG).fit(X, Y["scalar"])
    expected, before = reg.predict(X), dict(vars(reg))
    with pytest.raises(ValueError, match=message):
        reg.fit(X, y)
    assert vars(reg) == before
    assert_array_equal(reg.predict(X), expected)


@pytest.mark.parametrize("cls", [SequenceRNNRegressor, StepRNNRegressor, XORMLPRegressor])
@pytest.mark.parametrize("dtype", ["M8[s]", "m8[h]"])
def test_dates_and_durations_as_targets_are_refused(cls, dtype):
    """Their numbers depend on the unit of time."""
    reg = cls(hidden_layer_sizes=2)
    y = np.arange(3).astype(dtype)
    X = [[1.0], [2.0], [3.0]]
    message = r"y contains values of type .*\[.\], but real numbers are required; divide by a unit"
    with pytest.raises(ValueError, match=message):
        reg.fit(X, y[:, None] if cls is StepRNNRegressor else y)


def test_warning_about_column_vectors():
    expected = clone(REG).fit(X, Y["scalar"]).predict(X)
    with pytest.warns(DataConversionWarning, match="column-vector y"):
        reg = clone(REG).fit(X, Y["scalar"][:, None])
    assert_array_equal(reg.predict(X), expected)
    columns = [np.zeros((len(x), 1)) + i for i, x in enumerate(X)]
    with pytest.warns(DataConversionWarning, match="column-vector y"):
        step = StepRNNRegressor(2, max_iter=1, learning_rate="cosine").fit(X, columns)
    assert step.predict(X)[0].shape == (len(X[0]),)


@KINDS
def test_partial_fit_continues(kind):
    reg = clone(REG)
    losses = []
    for _ in range(3):
        assert reg.partial_fit(X, Y[kind]) is reg
        losses.append(reg.loss_)
    assert reg.loss_curve_ == losses
    assert losses[0] > losses[1] > losses[2]
    assert reg.t_ == 90
    assert reg.n_iter_ == 1
    expected, before = reg.predict(X), copy.deepcopy(vars(reg))
    other = "vector" if kind == "scalar" else "scalar"
    with pytest.raises(ValueError, match=r"y has \d columns, but \d in the earlier fit"):
        reg.partial_fit(X, Y[other])
    np.testing.assert_equal(vars(reg), before)
    assert_array_equal(reg.predict(X), expected)


def test_partial_fit_needs_a_solver_with_batches():
    assert not hasattr(clone(REG).set_params(solver="lbfgs"), "partial_fit")
    with pytest.raises(ValueError, match="partial_fit does not support early_stopping=True"):
        clone(REG).set_params(early_stopping=True).partial_fit(X, Y["scalar"])


@pytest.mark.filterwarnings("ignore:Maximum iterations")
@KINDS
def test_weights_equal_copies(kind):
    weight = np.arange(30) % 3
    index = np.repeat(np.arange(30), weight)
    reg = clone(REG).set_params(solver="lbfgs", alpha=0.1, tol=0)
    weighted = clone(reg).fit(X, Y[kind], weight)
    repeated = clone(reg).fit([X[i] for i in index], Y[kind][index])
    assert_allclose(weighted.predict(X), repeated.predict(X), atol=1e-8)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_restarts_keep_the_lowest_loss():
    one, four = (
        clone(REG).set_params(n_init=n, learning_rate="constant").fit(X, Y["scalar"])
        for n in (1, 4)
    )
    assert four.best_loss_ < one.best_loss_


def test_one_sequence_is_enough():
    reg = clone(REG).set_params(n_init=2, alpha=0, max_iter=50)
    assert abs(reg.fit(X[:1], [0.3]).predict(X[:1])[0] - 0.3) < 0.1


def test_a_single_validation_sequence_is_refused():
    with pytest.raises(
        ValueError, match="X_val holds a single sample; at least 2 are needed for a score"
    ):
        clone(REG).fit(X, Y["scalar"], X_val=X[1:2], y_val=[0.0])


def test_targets_that_overflow_in_float32_are_refused():
    X32 = [np.float32(x) for x in X]
    with pytest.raises(ValueError, match="Input y contains infinity or a value too large"):
        clone(REG).fit(X32, np.full(len(X), 1e39))


def test_an_array_of_targets_for_each_sequence_is_refused():
    with pytest.raises(
        ValueError, match="y holds an array for each sample, but one target for each is"
    ):
        clone(REG).fit(X, [np.ones(len(x)) for x in X])
    reg = clone(REG).fit(X, Y["scalar"])
    with pytest.raises(ValueError, match="StepRNNRegressor take a target for each step"):
        reg.score(X, [np.ones(len(x)) for x in X])


def test_numbers_in_text_are_numbers():
    of_text = clone(REG).fit(X, [str(value) for value in Y["scalar"]])
    assert_array_equal(of_text.predict(X), clone(REG).fit(X, Y["scalar"]).predict(X))


def test_a_warm_start_of_another_network_is_refused():
    reg = clone(REG).set_params(max_iter=1, warm_start=True).fit(X, np.ones(len(X)))
    for change in ({"hidden_layer_sizes": 5}, {"bidirectional": False}, {"cell": "lstm"}):
        with pytest.raises(ValueError, match="The network differs from that of the earlier fit"):
            copy.deepcopy(reg).set_params(**change).fit(X, np.ones(len(X)))
