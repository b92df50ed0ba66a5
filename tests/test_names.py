"""Names of features: learned, checked, given back, and joined with the right rows."""

import copy
from functools import cache

import numpy as np
import pandas as pd
import pytest
import sklearn
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.compose import ColumnTransformer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_predict
from sklearn.pipeline import FeatureUnion, Pipeline, make_pipeline
from sklearn.preprocessing import FunctionTransformer, PolynomialFeatures, StandardScaler
from versions import sklearn_before

from skrnn import (
    ForwardImputer,
    Frames,
    Neighbors,
    PerSequence,
    PerStep,
    SequencePadder,
    SequenceRNNClassifier,
    SequenceRNNRegressor,
    Sequences,
    StepRNNClassifier,
    StepRNNRegressor,
    XORMLPClassifier,
    as_sequences,
)
from skrnn.inspection import occlusion_importance

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

RNG = np.random.RandomState(0)
LENGTHS = [3, 1, 4, 2, 5, 2]
N = len(LENGTHS)
ARRAYS = [RNG.normal(size=(n, 2)) for n in LENGTHS]
LABELS = np.arange(N) % 2
STEP_LABELS = [np.arange(n) % 2 for n in LENGTHS]
FRAMES = {"pandas": "DataFrame", "polars": "DataFrame", "pyarrow": "table"}
WIDE = np.arange(4.0 * N).reshape(N, 4)


def frame(library, columns):
    return getattr(pytest.importorskip(library), FRAMES[library])(columns)


def frames(library):
    """Return a function that makes a list of frames of arrays with these names."""
    return lambda arrays, names: [
        frame(library, dict(zip(names, steps.T.copy(), strict=True))) for steps in arrays
    ]


def of_sequences(library):
    """Return a function that makes a frame with a column of sequences for each name."""
    return lambda arrays, names: frame(
        library, {name: [steps[:, k] for steps in arrays] for k, name in enumerate(names)}
    )


def in_sequences(library):
    def make(arrays, names):
        columns = dict(zip(names, np.concatenate(arrays).T.copy(), strict=True))
        return Sequences(frame(library, columns), [len(steps) for steps in arrays])

    return make


FORMS = {
    f"{kind}, {library}": make(library)
    for kind, make in [
        ("list of frames", frames),
        ("frame of sequences", of_sequences),
        ("Sequences", in_sequences),
    ]
    for library in FRAMES
}
QUICK = {"hidden_layer_sizes": 2, "max_iter": 1, "solver": "sgd", "random_state": 0}
ESTIMATORS = {
    "classifier": SequenceRNNClassifier(**QUICK),
    "regressor": SequenceRNNRegressor(**QUICK),
    "step classifier": StepRNNClassifier(**QUICK),
    "step regressor": StepRNNRegressor(**QUICK),
    "padder": SequencePadder(),
    "flat padder": SequencePadder(flat=True),
    "per step": PerStep(StandardScaler()),
    "per sequence": PerSequence(StandardScaler()),
    "forward imputer": ForwardImputer(),
    "frames": Frames(2),
    "neighbors": Neighbors(),
}
TRANSFORMERS = [
    "padder",
    "flat padder",
    "per step",
    "per sequence",
    "forward imputer",
    "frames",
    "neighbors",
]
PREDICTIONS = ["predict", "predict_proba", "predict_log_proba", "decision_function"]
METHODS = {
    "classifier": [*PREDICTIONS, "transform", "hidden_states", "input_gradients"],
    "regressor": ["predict", "transform", "hidden_states", "input_gradients"],
    "step classifier": [*PREDICTIONS, "hidden_states", "input_gradients"],
    "step regressor": ["predict", "hidden_states", "input_gradients"],
    **{name: ["transform"] for name in TRANSFORMERS},
}
CALLS = [(name, method) for name, methods in METHODS.items() for method in methods]


def targets(name):
    return STEP_LABELS if "step " in name else LABELS


@cache
def fitted(name, form=None):
    """Fit once for all tests, none of which may change the estimator."""
    X = ARRAYS if form is None else FORMS[form](ARRAYS, ["a", "b"])
    return clone(ESTIMATORS[name]).fit(X, targets(name))


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("name", ESTIMATORS)
def test_names_are_learned_in_every_form(name, form):
    estimator = fitted(name, form)
    assert estimator.feature_names_in_.tolist() == ["a", "b"]
    assert estimator.feature_names_in_.dtype == object
    assert estimator.n_features_in_ == estimator.n_step_features_ == 2
    expected = fitted(name)
    assert not hasattr(expected, "feature_names_in_")
    answer = "predict" if hasattr(estimator, "predict") else "transform"
    X = FORMS[form](ARRAYS, ["a", "b"])
    of_frames, of_arrays = getattr(estimator, answer)(X), getattr(expected, answer)(ARRAYS)
    if answer == "transform" and "padder" not in name:
        of_frames, of_arrays = as_sequences(of_frames).values, as_sequences(of_arrays).values
        assert_allclose(of_frames, of_arrays, rtol=1e-12)
    else:
        for one, other in zip(of_frames, of_arrays, strict=True):
            assert_allclose(one, other, rtol=1e-12)
    clone(estimator).fit(ARRAYS, targets(name))


OTHER_NAMES = {
    "order": (["b", "a"], "must be in the same order"),
    "names": (["a", "c"], "unseen at fit time:\n- c\nFeature names seen at fit time, yet now miss"),
    "missing": (["a"], "seen at fit time, yet now missing:\n- b"),
    "extra": (["a", "b", "c"], "unseen at fit time:\n- c"),
}


def renamed(form, case):
    names = OTHER_NAMES[case][0]
    return FORMS[form]([np.resize(steps, (len(steps), len(names))) for steps in ARRAYS], names)


@pytest.mark.parametrize("case", OTHER_NAMES)
@pytest.mark.parametrize(("name", "method"), CALLS)
@pytest.mark.parametrize("form", ["list of frames, pandas", "Sequences, polars"])
def test_other_names_are_refused(form, name, method, case):
    estimator = fitted(name, form)
    before = dict(vars(estimator))
    with pytest.raises(ValueError, match=OTHER_NAMES[case][1]):
        getattr(estimator, method)(renamed(form, case))
    assert vars(estimator) == before


@pytest.mark.parametrize("case", OTHER_NAMES)
@pytest.mark.parametrize("form", FORMS)
def test_other_names_are_refused_in_every_form(form, case):
    message = OTHER_NAMES[case][1]
    X = renamed(form, case)
    clf = fitted("classifier", form)
    calls = [clf.predict, lambda X: clf.score(X, LABELS), lambda X: occlusion_importance(clf, X)]
    other = copy.deepcopy(clf)
    calls += [lambda X: other.partial_fit(X, LABELS)]
    other.warm_start = True
    calls += [lambda X: other.fit(X, LABELS)]
    before = copy.deepcopy(vars(other)["weights_"])
    for call in calls:
        with pytest.raises(ValueError, match=message):
            call(X)
    for layer, p in before.items():
        for array in p:
            assert_array_equal(other.weights_[layer][array], p[array])
    stopped = SequenceRNNClassifier(**QUICK, early_stopping=True)
    with pytest.raises(ValueError, match=r"In the validation data .*feature names should match"):
        stopped.fit(FORMS[form](ARRAYS, ["a", "b"]), LABELS, X_val=X, y_val=LABELS)


@pytest.mark.parametrize("library", FRAMES)
@pytest.mark.parametrize("case", OTHER_NAMES)
@pytest.mark.parametrize("name", ESTIMATORS)
def test_frames_of_one_list_must_have_the_same_columns(name, case, library):
    form = f"list of frames, {library}"
    good, bad = FORMS[form](ARRAYS, ["a", "b"]), renamed(form, case)
    names = OTHER_NAMES[case][0]
    X = [*good[:2], bad[2], *good[3:]]
    message = rf"Sequence 2 of X has the columns .*{names[-1]}.*, but sequence 0 has \['a', 'b'\]"
    with pytest.raises(ValueError, match=message):
        clone(ESTIMATORS[name]).fit(X, targets(name))
    for method in METHODS[name]:
        with pytest.raises(ValueError, match=message):
            getattr(fitted(name, form), method)(X)


@pytest.mark.filterwarnings("ignore:.* StandardScaler was fitted with:UserWarning")
@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("name", ESTIMATORS)
def test_names_in_only_one_of_fit_and_predict_cause_a_warning(name, form):
    method = METHODS[name][0]
    X = FORMS[form](ARRAYS, ["a", "b"])
    kind = type(ESTIMATORS[name]).__name__
    message = f"X does not have valid feature names, but {kind} was fitted with feature names"
    with pytest.warns(UserWarning, match=message):
        getattr(fitted(name, form), method)(ARRAYS)
    message = f"X has feature names, but {kind} was fitted without feature names"
    with pytest.warns(UserWarning, match=message):
        getattr(fitted(name), method)(X)


def test_frames_of_different_libraries():
    good = FORMS["list of frames, pandas"](ARRAYS, ["a", "b"])
    X = [*good[:1], *FORMS["list of frames, polars"](ARRAYS[1:], ["a", "b"])]
    with pytest.raises((TypeError, ValueError), match=r"Sequence 1 of X is a polars\.DataFrame"):
        as_sequences(X)


def test_frames_and_arrays_in_one_list():
    good = FORMS["list of frames, pandas"](ARRAYS, ["a", "b"])
    for X, message in [
        ([good[0], ARRAYS[1]], "1 of X is a numpy.ndarray, but sequence 0 is a pandas.DataFrame"),
        ([ARRAYS[0], good[1]], "1 of X is a pandas.DataFrame, but sequence 0 is a numpy.ndarray"),
        ([*ARRAYS[:2], pd.DataFrame(ARRAYS[2])], "Sequence 2 of X is a pandas.DataFrame"),
        ([good[0], None], "1 of X is a NoneType, but sequence 0 is a pandas.DataFrame"),
    ]:
        with pytest.raises(ValueError, match=message):
            as_sequences(X)


@pytest.mark.parametrize("names", [[0, 1], [("a", 1), ("a", 2)]], ids=str)
def test_columns_that_are_not_named_by_text(names):
    """They are no names, as in scikit-learn, but frames of one list must have the same."""
    X = [pd.DataFrame(steps, columns=pd.Index(names)) for steps in ARRAYS]
    for estimator in ESTIMATORS.values():
        if "Step" not in type(estimator).__name__ or isinstance(estimator, PerStep):
            assert not hasattr(clone(estimator).fit(X, LABELS), "feature_names_in_")
    X[1] = X[1][X[1].columns[::-1]]
    with pytest.raises(ValueError, match="Sequence 1 of X has the columns"):
        as_sequences(X)


def test_columns_of_text_and_numbers_are_refused():
    X = [pd.DataFrame(steps, columns=["a", 0]) for steps in ARRAYS]
    for name, estimator in ESTIMATORS.items():
        with pytest.raises(TypeError, match="Feature names are only supported if all input"):
            clone(estimator).fit(X, targets(name))


def test_a_column_name_twice():
    X = [pd.DataFrame(steps, columns=["a", "a"]) for steps in ARRAYS]
    with pytest.raises(ValueError, match=r"columns .* must differ, got \['a', 'a'\]"):
        as_sequences(X)


# get_feature_names_out ----------------------------------------------------------------------


@pytest.mark.parametrize("form", FORMS)
def test_names_of_transformed_steps(form):
    X = FORMS[form](ARRAYS, ["a", "b"])
    per_step = PerStep(PolynomialFeatures(2, include_bias=False)).fit(X)
    names = ["a", "b", "a^2", "a b", "b^2"]
    assert per_step.get_feature_names_out().tolist() == names
    assert per_step.get_feature_names_out(["a", "b"]).tolist() == names
    with pytest.raises(ValueError, match="input_features is not equal to feature_names_in_"):
        per_step.get_feature_names_out(["b", "a"])
    padder = SequencePadder(flat=True, n_steps=2, longer="truncate").fit(X)
    assert padder.get_feature_names_out().tolist() == ["step0_a", "step0_b", "step1_a", "step1_b"]
    with pytest.raises(ValueError, match="input_features is not equal to feature_names_in_"):
        padder.get_feature_names_out(["b", "a"])


def test_names_without_names():
    per_step = PerStep(PolynomialFeatures(2, include_bias=False)).fit(ARRAYS)
    assert per_step.get_feature_names_out().tolist() == ["x0", "x1", "x0^2", "x0 x1", "x1^2"]
    assert per_step.get_feature_names_out(["u", "v"]).tolist() == ["u", "v", "u^2", "u v", "v^2"]
    with pytest.raises(ValueError, match="input_features should have length equal to"):
        per_step.get_feature_names_out(["u"])
    for estimator in (per_step, SequencePadder(flat=True).fit(ARRAYS)):
        wide = clone(estimator).fit(pd.DataFrame(WIDE, columns=list("abcd")))
        assert wide.get_feature_names_out()[:2].tolist() in (
            ["x0", "x0^2"],
            ["step0_x0", "step1_x0"],
        )


@pytest.mark.parametrize("library", ["pandas", "polars"])
def test_names_pass_through_a_pipeline(library):
    X = FORMS[f"list of frames, {library}"](ARRAYS, ["a", "b"])
    pipeline = make_pipeline(
        PerStep(PolynomialFeatures(2, include_bias=False)),
        PerStep(StandardScaler()),
        SequencePadder(flat=True, n_steps=1, longer="truncate"),
    )
    names = ["step0_a", "step0_b", "step0_a^2", "step0_a b", "step0_b^2"]
    pipeline.fit(X)
    assert pipeline.get_feature_names_out().tolist() == names
    pipeline.set_output(transform=library)
    assert list(pipeline.fit_transform(X).columns) == names
    assert pipeline[1].feature_names_in_.tolist() == ["a", "b", "a^2", "a b", "b^2"]
    network = make_pipeline(PerStep(PolynomialFeatures(2)), SequenceRNNClassifier(**QUICK))
    network.set_output(transform=library).fit(X, LABELS)
    assert network[-1].feature_names_in_.tolist() == ["1", "a", "b", "a^2", "a b", "b^2"]
    expected = clone(network).set_output(transform="default").fit(ARRAYS, LABELS)
    assert_allclose(network.predict_proba(X), expected.predict_proba(ARRAYS), rtol=1e-9)


# set_output -------------------------------------------------------------------------------


@pytest.mark.parametrize("how", ["set_output", "set_config"])
@pytest.mark.parametrize("library", ["pandas", "polars"])
@pytest.mark.parametrize("form", FORMS)
def test_frames_in_give_frames_out(form, library, how):
    made = pytest.importorskip(library)
    X = FORMS[form](ARRAYS, ["a", "b"])
    expected = PerStep(PolynomialFeatures(2)).fit_transform(ARRAYS)
    per_step = PerStep(PolynomialFeatures(2))
    names = ["1", "a", "b", "a^2", "a b", "b^2"]
    with sklearn.config_context(**({"transform_output": library} if how == "set_config" else {})):
        if how == "set_output":
            assert per_step.set_output(transform=library) is per_step
        for output in (per_step.fit_transform(X), per_step.transform(X)):
            if "Sequences" in form:
                assert isinstance(output, Sequences)
                assert isinstance(output.values, made.DataFrame)
                assert list(output.values.columns) == names
            elif "list" in form:
                assert all(isinstance(steps, made.DataFrame) for steps in output)
                assert list(output[0].columns) == names
            else:
                assert isinstance(output, made.DataFrame)
                assert list(output.columns) == names
            read = as_sequences(output)
            assert_array_equal(read.lengths, LENGTHS)
            assert_array_equal(read.values, np.concatenate(expected))


@pytest.mark.parametrize("library", ["pandas", "polars"])
@pytest.mark.parametrize("transformer", [StandardScaler(), PolynomialFeatures(2)], ids=str)
def test_wide_frames_and_series_with_set_output(transformer, library):
    made = pytest.importorskip(library)
    wide = pd.DataFrame(WIDE, columns=list("abcd"), index=list("uvwxyz"))
    plain = PerStep(transformer).fit_transform(wide.to_numpy())
    output = PerStep(transformer).set_output(transform=library).fit_transform(wide)
    assert isinstance(output, made.DataFrame)
    if isinstance(transformer, StandardScaler):
        assert list(output.columns) == list("abcd")
        assert_array_equal(output.to_numpy(), plain)
    else:  # a column of sequences for each new feature
        assert list(output.columns) == ["1", "x0", "x0^2"]
        assert_array_equal(as_sequences(output).values, np.concatenate(list(plain)))
    if library == "pandas":
        assert list(output.index) == list("uvwxyz")
    column = pd.Series(ARRAYS, index=list("uvwxyz"), name="steps")
    scaled = PerStep(transformer).set_output(transform=library).fit_transform(column)
    assert scaled.index.equals(column.index)
    assert scaled.name == "steps"


# Rows -------------------------------------------------------------------------------------

INDICES = {
    "shuffled": np.array([3, 5, 0, 1, 4, 2]),
    "filtered": np.array([10, 20, 30, 40, 50, 60]),
    "duplicated": np.array([1, 1, 0, 0, 1, 0]),
    "strings": np.array(list("zyxwvu")),
    "dates": pd.date_range("2024-01-01", periods=N)[::-1],
    "MultiIndex": pd.MultiIndex.from_product([["p", "q", "r"], [2, 1]], names=["who", "visit"]),
}


FEW = ["duplicated", "strings"]


def patients(index):
    """A table with a row for each sequence: two columns of sequences, and a number."""
    table = {name: [steps[:, k] for steps in ARRAYS] for k, name in enumerate("ab")}
    return pd.DataFrame({**table, "age": np.arange(N) * 10.0}, index=index)


@pytest.mark.parametrize("index", INDICES)
def test_transformers_keep_the_index(index):
    table, network = patients(INDICES[index]), SequenceRNNClassifier(**QUICK)
    features = table[["a", "b"]]
    for transformer in (
        PerStep(StandardScaler()),
        PerSequence(np.abs),
        PerSequence(lambda steps: steps[:1]),
        ForwardImputer(add_indicator=True),
        Frames(2),
        Frames(3, features="statistics"),
        Neighbors(2),
        SequencePadder(flat=True),
        network,
    ):
        plain = clone(transformer).fit(ARRAYS, LABELS).transform(ARRAYS)
        pandas = clone(transformer).set_output(transform="pandas")
        for X in (features, features["a"]):
            output = pandas.fit(X, LABELS).transform(X)
            if sklearn_before("1.7") and X is not features and output.ndim == 2:
                continue  # a table of a Series gets no index
            assert output.index.equals(table.index), transformer
            if transformer is not network and not isinstance(transformer, SequencePadder):
                default = clone(transformer).fit(X).transform(X)
                assert default.index.equals(table.index)
        output = pandas.fit(features, LABELS).transform(features)
        if isinstance(plain, list):
            output, plain = as_sequences(output).values, as_sequences(plain).values
        assert_allclose(np.asarray(output), plain, rtol=1e-12)


def combined(sequence_part):
    return Pipeline(
        [
            (
                "columns",
                ColumnTransformer(
                    [("steps", sequence_part, ["a", "b"]), ("age", "passthrough", ["age"])]
                ),
            ),
            ("classify", LogisticRegression()),
        ]
    )


PARTS = {
    "padder": SequencePadder(flat=True, n_steps=5, fill_value=0),
    "pipeline": make_pipeline(
        PerStep(StandardScaler()), SequencePadder(flat=True, n_steps=5, fill_value=0)
    ),
    "per sequence": make_pipeline(
        PerSequence(lambda steps: np.asarray(steps).cumsum(axis=0)),
        SequencePadder(flat=True, n_steps=5, fill_value=0),
    ),
    "network": SequenceRNNClassifier(**QUICK),
    "union": FeatureUnion(
        [
            ("padder", SequencePadder(flat=True, n_steps=5, fill_value=0)),
            ("network", SequenceRNNClassifier(**QUICK)),
        ]
    ),
}


def joined_by_hand(part, train, test):
    """Transform the arrays, join the ages by position, and return the rows of the test part."""
    part = clone(part).fit([ARRAYS[i] for i in train], LABELS[train])
    rows = [np.asarray(part.transform([ARRAYS[i] for i in part_])) for part_ in (train, test)]
    ages = np.arange(N)[:, None] * 10.0
    return [np.hstack([r, ages[i]]) for r, i in zip(rows, (train, test), strict=True)]


@pytest.mark.parametrize("container", ["default", "pandas", "polars"])
@pytest.mark.parametrize(
    ("part", "index"),
    [(part, index) for part in PARTS for index in INDICES if part == "pipeline" or index in FEW],
)
def test_the_right_rows_are_joined_in_cross_validation(part, index, container):
    if container == "polars":
        pytest.importorskip("polars")
    table = patients(INDICES[index])
    splits = [([5, 0, 3, 2], [4, 1]), ([1, 4, 2, 3], [0, 5])]
    model = combined(PARTS[part]).set_output(transform=container)
    predicted = cross_val_predict(
        model, table, LABELS, cv=[*splits, ([0, 1, 4, 5], [2, 3])], method="predict_proba"
    )
    for train, test in splits:
        of_train, of_test = joined_by_hand(PARTS[part], train, test)
        fitted_model = clone(model).fit(table.iloc[train], LABELS[train])
        rows = fitted_model["columns"].transform(table.iloc[test])
        assert_allclose(np.asarray(rows), of_test, rtol=1e-9)
        if container == "pandas":
            assert rows.index.equals(table.iloc[test].index)
        by_hand = LogisticRegression().fit(of_train, LABELS[train]).predict_proba(of_test)
        assert_allclose(predicted[test], by_hand, rtol=1e-6)


def test_frames_within_a_list_keep_their_own_index():
    X = [
        pd.DataFrame(steps, columns=["a", "b"], index=np.arange(len(steps))[::-1] + 7)
        for steps in ARRAYS
    ]
    scaled = PerStep(StandardScaler()).set_output(transform="pandas").fit_transform(X)
    for one, steps in zip(scaled, X, strict=True):
        assert one.index.equals(steps.index)
    rolled = PerSequence(lambda steps: steps.rolling(2, min_periods=1).mean())
    for one, steps in zip(rolled.set_output(transform="pandas").fit_transform(X), X, strict=True):
        pd.testing.assert_frame_equal(one, steps.rolling(2, min_periods=1).mean())


@pytest.mark.parametrize("form", FORMS)
def test_occlusion_keeps_the_names(form):
    clf, X = fitted("classifier", form), FORMS[form](ARRAYS, ["a", "b"])
    expected = occlusion_importance(fitted("classifier"), ARRAYS)
    for one, other in zip(occlusion_importance(clf, X), expected, strict=True):
        assert_allclose(one, other, atol=1e-12)


def test_tables_of_rows_check_names_like_scikit_learn():
    """An estimator of tables, for comparison: the messages are the same."""
    wide = pd.DataFrame(WIDE, columns=list("abcd"))
    mlp = XORMLPClassifier(**QUICK).fit(wide, LABELS)
    rnn = SequenceRNNClassifier(**QUICK).fit(wide, LABELS)
    for X in (wide[list("abdc")], wide[list("abc")], wide.rename(columns={"a": "z"})):
        messages = []
        for estimator in (mlp, rnn):
            with pytest.raises(ValueError, match="feature names should match") as caught:
                estimator.predict(X)
            messages.append(str(caught.value))
        assert messages[0] == messages[1]


def test_a_function_transformer_gets_the_names():
    def energy(steps):
        return steps.assign(energy=steps["a"] ** 2 + steps["b"] ** 2)

    X = FORMS["Sequences, pandas"](ARRAYS, ["a", "b"])
    for transformer in (PerStep(FunctionTransformer(energy)), PerSequence(energy)):
        output = transformer.set_output(transform="pandas").fit_transform(X)
        assert list(output.values.columns) == ["a", "b", "energy"]
        assert_allclose(output.values["energy"], (np.concatenate(ARRAYS) ** 2).sum(axis=1))
