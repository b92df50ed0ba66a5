"""Transformed targets: for steps with skrnn, for sequences with scikit-learn."""

import pickle

import numpy as np
import pandas as pd
import pytest
import sklearn
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import BaseEstimator, clone, is_regressor
from sklearn.compose import TransformedTargetRegressor
from sklearn.decomposition import PCA
from sklearn.exceptions import NotFittedError, UnsetMetadataPassedError
from sklearn.model_selection import GridSearchCV, cross_val_predict, cross_validate
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, MinMaxScaler, StandardScaler
from sklearn.utils import get_tags

from skrnn import (
    PerStep,
    SequenceRNNRegressor,
    StepRNNRegressor,
    TransformedStepTargetRegressor,
    as_sequences,
)
from skrnn.metrics import flat_r2_score, flat_r2_scorer

RNG = np.random.RandomState(0)
LENGTHS = [3, 1, 4, 2, 6, 1, 2, 5]
X = [RNG.normal(size=(length, 2)) for length in LENGTHS]
TARGETS = {
    "numbers": [1000 + 300 * x[:, 0].cumsum() for x in X],
    "vectors": [[1000, -5] + [300, 0.01] * x.cumsum(axis=0) for x in X],
}
OPTIONS = {"max_iter": 5, "learning_rate": "cosine", "learning_rate_init": 0.1, "random_state": 0}
NET = StepRNNRegressor(3, **OPTIONS)
SCALED = TransformedStepTargetRegressor(NET, transformer=StandardScaler())
PIPELINE = make_pipeline(PerStep(StandardScaler()), NET)


def in_object_array(ragged):
    array = np.empty(len(ragged), dtype=object)
    array[:] = ragged
    return array


def padded(ragged, junk):
    array = np.full((len(ragged), 7, *ragged[0].shape[1:]), junk)
    for row, of_one in zip(array, ragged, strict=True):
        row[: len(of_one)] = of_one
    return array


def apply(function, ragged):
    """Apply a function of tables to the targets of all steps."""
    rows = np.concatenate(ragged)
    result = function(rows.reshape(len(rows), -1))
    result = result[:, 0] if rows.ndim == 1 else result
    return np.split(result, np.cumsum([len(of_one) for of_one in ragged])[:-1])


def by_hand(regressor, y, transformer=None, **fit_params):
    """Return predictions for X of a regressor fitted to transformed targets."""
    rows = np.concatenate(y)
    transformer = clone(transformer or StandardScaler()).fit(rows.reshape(len(rows), -1))
    fitted = clone(regressor).fit(X, apply(transformer.transform, y), **fit_params)
    return apply(transformer.inverse_transform, fitted.predict(X))


def assert_same(found, expected):
    assert (found.shape, found.dtype) == ((len(expected),), object)
    for one, other in zip(found, expected, strict=True):
        assert one.shape == other.shape
        assert_allclose(one, other)


FORMS = {
    "lists": (list, lambda y: [of_one.tolist() for of_one in y]),
    "arrays": (list, list),
    "object arrays": (in_object_array, in_object_array),
    "Series": (pd.Series, pd.Series),
    "list of Series": (list, lambda y: [pd.Series(list(of_one)) for of_one in y]),
    "Sequences": (as_sequences, list),
    "padded": (lambda X: padded(X, np.nan), lambda y: padded(y, 7e9)),
    "padded targets only": (list, lambda y: padded(y, np.nan)),
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("kind", TARGETS)
def test_predictions_equal_those_of_targets_scaled_by_hand(kind, form):
    of_X, of_y = FORMS[form]
    y = TARGETS[kind]
    fitted = clone(SCALED).fit(of_X(X), of_y(y))
    assert_same(fitted.predict(of_X(X)), by_hand(NET, y))
    assert_allclose(fitted.score(of_X(X), of_y(y)), flat_r2_score(y, by_hand(NET, y)))
    assert_allclose(fitted.transformer_.mean_, np.atleast_1d(np.concatenate(y).mean(axis=0)))


def test_targets_of_a_flat_table():
    table = np.array([[1.0, 2, 3], [4, np.nan, np.nan], [5, 6, np.nan]])
    y = [[10.0, 20, 30], [40], [50, 60]]
    in_table = np.where(np.isnan(table), -1e9, 10 * table)
    found = clone(SCALED).fit(table, in_table).predict(table)
    ragged = [[1.0, 2, 3], [4.0], [5.0, 6]]
    assert_same(found, clone(SCALED).fit(ragged, y).predict(ragged))


@pytest.mark.parametrize(
    "transformer",
    [
        MinMaxScaler((-1, 1)),
        FunctionTransformer(np.log, inverse_func=np.exp),
        StandardScaler().set_output(transform="pandas"),
        make_pipeline(FunctionTransformer(np.log, inverse_func=np.exp), StandardScaler()),
    ],
    ids=["min-max", "log", "pandas", "pipeline"],
)
def test_transformers(transformer):
    y = TARGETS["numbers"]
    if transformer.__class__.__name__ != "StandardScaler":
        y = [np.abs(of_one) + 1 for of_one in y]
    found = TransformedStepTargetRegressor(NET, transformer=transformer).fit(X, y).predict(X)
    if isinstance(transformer, StandardScaler):
        transformer = StandardScaler()
    assert_same(found, by_hand(NET, y, transformer))


def test_fewer_outputs_than_targets():
    y = [np.column_stack([of_one, 2 * of_one + 1]) for of_one in TARGETS["numbers"]]
    transformer = make_pipeline(StandardScaler(), PCA(1))
    reduced = TransformedStepTargetRegressor(NET, transformer=transformer).fit(X, y)
    assert reduced.regressor_.n_outputs_ == 1
    predicted = np.concatenate(reduced.predict(X))
    assert predicted.shape == (sum(LENGTHS), 2)
    assert_allclose(predicted[:, 1], 2 * predicted[:, 0] + 1)


def test_targets_of_one_column_give_predictions_of_one_column():
    column = [of_one[:, None] for of_one in TARGETS["numbers"]]
    expected = [of_one[:, None] for of_one in by_hand(NET, TARGETS["numbers"])]
    assert_same(clone(SCALED).fit(X, column).predict(X), expected)


def test_float32_is_kept():
    X32, y32 = ([of_one.astype("f4") for of_one in one] for one in (X, TARGETS["vectors"]))
    predicted = clone(SCALED).fit(X32, y32).predict(X32)
    assert {of_one.dtype for of_one in predicted} == {np.dtype("f4")}


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_scaling_helps():
    y = [1000 * x[:, 0].cumsum() for x in X]
    net = clone(NET).set_params(max_iter=100, normalize_y=False)
    assert net.fit(X, y).score(X, y) < 0.1
    assert clone(SCALED).set_params(regressor=net).fit(X, y).score(X, y) > 0.9


# Parameters of fit


def scaled_scores(y, y_val, **options):
    """Validation scores of a network that was fitted to targets scaled by hand."""
    rows = np.concatenate(y)
    scaler = StandardScaler().fit(rows.reshape(len(rows), -1))
    y, y_val = (apply(scaler.transform, targets) for targets in (y, y_val))
    return clone(NET).fit(X, y, X_val=X[:4], y_val=y_val, **options).validation_scores_


@pytest.mark.parametrize("kind", TARGETS)
@pytest.mark.parametrize("form", ["arrays", "padded"])
def test_validation_targets_are_transformed(kind, form):
    of_X, of_y = FORMS[form]
    y, y_val = TARGETS[kind], [of_one + 1 for of_one in TARGETS[kind][:4]]
    given = {"X_val": of_X(X[:4]), "y_val": of_y(y_val)}
    fitted = clone(SCALED).fit(X, y, **given)
    assert_allclose(fitted.regressor_.validation_scores_, scaled_scores(y, y_val))
    assert list(given) == ["X_val", "y_val"]
    assert_array_equal(np.ma.masked_invalid(given["y_val"][0]), of_y(y_val)[0])  # unchanged


def test_validation_targets_of_a_pipeline_are_transformed():
    y, y_val = TARGETS["numbers"], [of_one + 1 for of_one in TARGETS["numbers"][:4]]
    regressor = make_pipeline(PerStep(FunctionTransformer()), NET)
    model = TransformedStepTargetRegressor(regressor, transformer=StandardScaler())
    for of_y in (list, lambda ragged: padded(ragged, 1e9)):
        given = {"X_val": X[:4], "y_val": of_y(y_val)}
        named = {f"steprnnregressor__{name}": value for name, value in given.items()}
        scores = clone(model).fit(X, y, **named).regressor_[-1].validation_scores_
        assert_allclose(scores, scaled_scores(y, y_val))
        assert clone(model).fit(X, y, steprnnregressor__y_val=None)
    with sklearn.config_context(enable_metadata_routing=True):
        requesting = clone(NET).set_fit_request(X_val=True, y_val=True)
        model.set_params(regressor=make_pipeline(PerStep(FunctionTransformer()), requesting))
        scores = model.fit(X, y, **given).regressor_[-1].validation_scores_
    assert_allclose(scores, scaled_scores(y, y_val))


def test_weights_are_passed_to_the_regressor():
    y, weight = TARGETS["numbers"], np.arange(8.0)
    for given in (weight, [np.linspace(1, 2, n) for n in LENGTHS]):
        found = clone(SCALED).fit(X, y, sample_weight=given).predict(X)
        assert_same(found, by_hand(NET, y, sample_weight=given))
        assert not np.allclose(found[0], by_hand(NET, y)[0])
        expected = flat_r2_score(y, clone(SCALED).fit(X, y).predict(X), sample_weight=given)
        assert clone(SCALED).fit(X, y).score(X, y, sample_weight=given) == expected


class Recorder(BaseEstimator):
    """Predict the first feature, times `factor`; record what fit received."""

    def fit(self, X, y, sample_weight=None):
        self.y_, self.sample_weight_ = y, sample_weight
        return self

    def predict(self, X, factor=1):
        return [factor * x[:, 0] for x in X]


def test_missing_targets_are_left_to_the_regressor():
    # It ignores them if their weight is 0.
    y = [[1.0, np.nan, 5.0], [None], [3.0, 3.0]]
    X = [[1, 2, 3], [1], [2, 2]]
    fitted = TransformedStepTargetRegressor(Recorder(), transformer=StandardScaler()).fit(X, y)
    assert_allclose(fitted.transformer_.mean_, 3)
    expected = np.array([-2, np.nan, 2, np.nan, 0, 0]) / np.sqrt(2)
    assert_allclose(np.concatenate(fitted.regressor_.y_), expected)


@pytest.mark.parametrize("kind", TARGETS)
def test_prediction_for_sequences_without_steps(kind):
    model = TransformedStepTargetRegressor(Recorder(), transformer=StandardScaler())
    model.fit(X, TARGETS[kind])
    n_outputs = TARGETS[kind][0].shape[1:]
    model.regressor_.predict = lambda X: [np.zeros((len(x), *n_outputs)) for x in X]
    for lengths in ([0], [0, 2], [0, 0]):
        predicted = model.predict([np.zeros((n, 2)) for n in lengths])
        assert [of_one.shape for of_one in predicted] == [(n, *n_outputs) for n in lengths]


def test_metadata_routing():
    y, weight = TARGETS["numbers"], np.arange(8.0)
    model = TransformedStepTargetRegressor(Recorder(), transformer=FunctionTransformer())
    assert_allclose(model.fit(X, y).predict(X, factor=2)[0], 2 * X[0][:, 0])
    with sklearn.config_context(enable_metadata_routing=True):
        with pytest.raises(UnsetMetadataPassedError, match=r"\[sample_weight\] are passed but"):
            model.fit(X, y, sample_weight=weight)
        model.regressor.set_fit_request(sample_weight="w").set_predict_request(factor=True)
        assert model.fit(X, y, w=weight).regressor_.sample_weight_ is weight
        assert_allclose(model.predict(X, factor=3)[0], 3 * X[0][:, 0])
        scaled = TransformedStepTargetRegressor(
            clone(NET).set_fit_request(sample_weight=True), transformer=StandardScaler()
        ).set_score_request(sample_weight=True)
        both = [(np.arange(8), np.arange(8))]
        found = cross_validate(scaled, X, y, cv=both, params={"sample_weight": weight})
        fitted = scaled.fit(X, y, sample_weight=weight)
        assert_allclose(found["test_score"], fitted.score(X, y, sample_weight=weight))


# As an estimator of scikit-learn


def test_parameters_of_both_parts():
    model = clone(SCALED).set_params(regressor__alpha=0.5, transformer__with_mean=False)
    assert model.get_params()["regressor__alpha"] == 0.5
    copy = clone(model)
    assert copy.regressor is not model.regressor
    assert repr(copy) == repr(model)
    model.fit(X, TARGETS["numbers"])
    assert not hasattr(model.regressor, "weights_")
    assert not hasattr(model.transformer, "scale_")
    assert model.regressor_.alpha == 0.5
    assert model.transformer_.mean_ is None or not model.transformer_.with_mean
    assert "StandardScaler" in model._repr_html_()


@pytest.mark.parametrize("scoring", [None, flat_r2_scorer])
def test_grid_search(scoring):
    y = TARGETS["numbers"]
    grid = {"regressor__max_iter": [1, 60], "transformer": [StandardScaler(), MinMaxScaler()]}
    search = GridSearchCV(SCALED, grid, cv=2, scoring=scoring, n_jobs=2, error_score="raise")
    search.fit(X, y)
    assert search.best_params_["regressor__max_iter"] == 60
    assert search.score(X, y) == flat_r2_score(y, search.predict(X))
    by_cv = cross_val_predict(search.best_estimator_, X, y, cv=2)
    assert [of_one.shape for of_one in by_cv] == [(n,) for n in LENGTHS]


def test_inside_and_around_a_pipeline():
    y = TARGETS["numbers"]
    around = TransformedStepTargetRegressor(PIPELINE, transformer=StandardScaler()).fit(X, y)
    inside = make_pipeline(PerStep(StandardScaler()), clone(SCALED)).fit(X, y)
    assert_same(around.predict(X), by_hand(PIPELINE, y))
    assert_same(inside.predict(X), by_hand(PIPELINE, y))


def test_pickle():
    fitted = clone(SCALED).fit(X, TARGETS["vectors"])
    loaded = pickle.loads(pickle.dumps(fitted))
    for one, other in zip(loaded.predict(X), fitted.predict(X), strict=True):
        assert_array_equal(one, other, strict=True)


def test_features_are_those_of_the_regressor():
    table = pd.DataFrame({"a": [1.0, 2, 3], "b": [2.0, 3, 4]})
    y = [[1.0, 2], [2.0, 3], [3.0, 5]]
    model = clone(SCALED)
    assert not hasattr(model, "n_features_in_")
    assert not hasattr(model, "feature_names_in_")
    with pytest.raises(NotFittedError, match="TransformedStepTargetRegressor instance is not"):
        model.predict(table)
    model.fit(table, y)
    assert_array_equal(model.feature_names_in_, ["a", "b"])
    assert model.n_features_in_ == 2
    model.fit(X, TARGETS["numbers"])
    assert not hasattr(model, "feature_names_in_")


def test_tags():
    tags, of_network = get_tags(SCALED), get_tags(NET)
    assert tags.input_tags == of_network.input_tags
    assert tags.target_tags == of_network.target_tags
    assert not is_regressor(SCALED)


# Errors


Y = TARGETS["numbers"]
BAD = {
    "none": ({"y": None}, ValueError, "requires y to be passed, but the target y is None"),
    "one number for each sequence": (
        {"y": np.arange(8.0)},
        ValueError,
        "y holds a single value for each sequence, but a value for each step is required",
    ),
    "text": ({"y": [list("abc"), *Y[1:]]}, ValueError, "mixes numbers with values of other types"),
    "all text": ({"y": [["a"] * n for n in LENGTHS]}, ValueError, "y holds text, such as 'a'"),
    "infinity": ({"y": [[np.inf] * 3, *Y[1:]]}, ValueError, "Input y contains infinity"),
    "NaN": (
        {"y": [[np.nan] * 3, *Y[1:]]},
        ValueError,
        "Input y contains NaN|y is missing at step 0 of sequence 0",  # the regressor's message
    ),
    "masked": (
        {"y": [np.ma.masked_array([1.0, 2, 3], [0, 1, 0]), *Y[1:]]},
        ValueError,
        "y holds ma",
    ),
    "another length": (
        {"y": [Y[0][:2], *Y[1:]]},
        ValueError,
        r"Sequence 0 of y has shape \(2,\), but \(3,\) is required",
    ),
    "fewer sequences": ({"y": Y[1:]}, ValueError, "inconsistent numbers of samples"),
    "mixed columns": (
        {"y": [Y[0][:, None], *Y[1:]]},
        ValueError,
        r"Sequence 1 of y has shape \(1,\), but \(1, 1\) is required",
    ),
    "columns of y_val": (
        {"y": Y, "X_val": X[:2], "y_val": TARGETS["vectors"][:2]},
        ValueError,
        r"y_val has targets of shape \(2,\) at each step, but y has targets of shape \(\)",
    ),
    "infinity in y_val": (
        {"y": Y, "X_val": X[:2], "y_val": [[np.inf] * 3, [1.0]]},
        ValueError,
        "Input y_val contains infinity",
    ),
    "y_val alone": ({"y": Y, "y_val": Y}, ValueError, "X_val and y_val go together"),
    "unknown parameter": ({"y": Y, "other": 1}, TypeError, "unexpected keyword argument 'other'"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input(case):
    arguments, error, message = BAD[case]
    fitted = clone(SCALED).fit(X, TARGETS["vectors"])
    before = dict(vars(fitted))
    with pytest.raises(error, match=message):
        fitted.fit(X, **arguments)
    assert vars(fitted) == before


@pytest.mark.parametrize(
    ("parameters", "name"),
    [
        ({"regressor": StandardScaler(), "transformer": StandardScaler()}, "regressor"),
        ({"regressor": NET, "transformer": None}, "transformer"),
        ({"regressor": NET, "transformer": NET}, "transformer"),
    ],
)
def test_bad_parameters(parameters, name):
    with pytest.raises(
        ValueError, match=f"The '{name}' parameter of TransformedStepTargetRegressor"
    ):
        TransformedStepTargetRegressor(**parameters).fit(X, Y)


# One target for each sequence: scikit-learn's TransformedTargetRegressor


@pytest.mark.parametrize(
    "form", ["lists", "arrays", "object arrays", "Series", "Sequences", "padded"]
)
@pytest.mark.parametrize("vectors", [False, True])
def test_sequence_regressor_with_transformed_targets(form, vectors):
    of_X = FORMS[form][0] if form != "lists" else lambda X: [x.tolist() for x in X]
    y = np.array([1000 * x.sum(axis=0) for x in X])
    y = y if vectors else y[:, 0]
    net = SequenceRNNRegressor(3, **OPTIONS)
    model = TransformedTargetRegressor(net, transformer=StandardScaler()).fit(of_X(X), y)
    scaler = StandardScaler().fit(y.reshape(8, -1))
    scaled = scaler.transform(y.reshape(8, -1))
    net.fit(X, scaled if vectors else scaled[:, 0])
    expected = scaler.inverse_transform(net.predict(X).reshape(8, -1))
    assert_allclose(model.predict(of_X(X)), expected if vectors else expected[:, 0])
