"""Metrics of steps, compared with scikit-learn on one long array; cross-validated predictions."""

from itertools import product

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn import metrics as reference
from sklearn.base import clone
from sklearn.exceptions import UndefinedMetricWarning
from sklearn.model_selection import (
    GridSearchCV,
    GroupKFold,
    KFold,
    RepeatedKFold,
    ShuffleSplit,
    TimeSeriesSplit,
    cross_val_score,
    cross_validate,
)
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils import _safe_indexing
from versions import needs_sklearn

from skrnn import PerStep, StepRNNClassifier, StepRNNRegressor, as_sequences
from skrnn import metrics as ours
from skrnn.model_selection import cross_val_predict_steps

RNG = np.random.RandomState(0)
LENGTHS = [3, 1, 4, 2, 6, 1, 2, 5]
N, TOTAL = len(LENGTHS), sum(LENGTHS)


def split(rows):
    return np.split(rows, np.cumsum(LENGTHS)[:-1])


def padded(ragged, junk=-1):
    array = np.full((N, 8, *ragged[0].shape[1:]), junk, np.result_type(ragged[0], type(junk)))
    for row, of_one in zip(array, ragged, strict=True):
        row[: len(of_one)] = of_one
    return array


def in_object_array(ragged):
    array = np.empty(len(ragged), dtype=object)
    array[:] = ragged
    return array


NAMES = np.array(["a", "bb", "ccc"])
ANSWERS = {  # truth and prediction of all steps
    "binary": (RNG.randint(2, size=TOTAL), RNG.randint(2, size=TOTAL)),
    "multiclass": (RNG.randint(3, size=TOTAL), RNG.randint(3, size=TOTAL)),
    "text": (NAMES[RNG.randint(3, size=TOTAL)], NAMES[RNG.randint(3, size=TOTAL)]),
    "multilabel": (RNG.randint(2, size=(TOTAL, 3)), RNG.randint(2, size=(TOTAL, 3))),
    "scalar": (RNG.normal(size=TOTAL), RNG.normal(size=TOTAL)),
    "vector": (RNG.normal(size=(TOTAL, 2)), RNG.normal(size=(TOTAL, 2))),
}
METRICS = {  # our name, scikit-learn's, options
    "accuracy": ("flat_accuracy_score", "accuracy_score", {}, {}),
    "count": (
        "flat_accuracy_score",
        "accuracy_score",
        {"normalize": False},
        {"normalize": False},
    ),
    "f1": ("flat_f1_score", "f1_score", {}, {"average": "macro"}),
    "f1 weighted": ("flat_f1_score", "f1_score", *[{"average": "weighted"}] * 2),
    "f1 of each": ("flat_f1_score", "f1_score", *[{"average": None}] * 2),
    "precision": ("flat_precision_score", "precision_score", {}, {"average": "macro"}),
    "precision of each": (
        "flat_precision_score",
        "precision_score",
        *[{"average": None, "zero_division": 1.0}] * 2,
    ),
    "recall": ("flat_recall_score", "recall_score", {}, {"average": "macro"}),
    "recall weighted": ("flat_recall_score", "recall_score", *[{"average": "weighted"}] * 2),
    "any": (
        "flat_score",
        "jaccard_score",
        {"metric": reference.jaccard_score, "average": "macro"},
        {"average": "macro"},
    ),
    "report": (
        "flat_classification_report",
        "classification_report",
        *[{"zero_division": 0.0}] * 2,
    ),
    "report as dict": (
        "flat_classification_report",
        "classification_report",
        *[{"output_dict": True, "zero_division": 0.0}] * 2,
    ),
    "r2": ("flat_r2_score", "r2_score", {}, {}),
    "r2 of each": ("flat_r2_score", "r2_score", *[{"multioutput": "raw_values"}] * 2),
}
OF_NUMBERS = ["r2", "r2 of each"]
LABELS = ["binary", "multiclass", "text", "multilabel"]
CASES = [
    *product([name for name in METRICS if name not in OF_NUMBERS], LABELS),
    *product(OF_NUMBERS, ["scalar", "vector"]),
]
FORMS = {
    "lists": lambda ragged: [of_one.tolist() for of_one in ragged],
    "list of arrays": list,
    "tuple": tuple,
    "object array": in_object_array,
    "Series": lambda ragged: pd.Series(ragged, index=range(N)[::-1]),
}


@pytest.mark.parametrize(("name", "kind"), CASES)
@pytest.mark.parametrize("weights", [None, "sequences", "steps"])
def test_flat_metrics_equal_those_of_one_long_array(name, kind, weights):
    our_name, its_name, options, its_options = METRICS[name]
    truth, answer = ANSWERS[kind]
    per_step = RNG.uniform(0, 2, TOTAL)
    given, expected_weight = {
        None: (None, None),
        "sequences": (np.arange(N), np.repeat(np.arange(N), LENGTHS)),
        "steps": (split(per_step), per_step),
    }[weights]
    expected = getattr(reference, its_name)(
        truth, answer, sample_weight=expected_weight, **its_options
    )
    metric = getattr(ours, our_name)
    for form in FORMS.values():
        actual = metric(form(split(truth)), form(split(answer)), sample_weight=given, **options)
        np.testing.assert_equal(actual, expected)
    if kind != "text":
        junk = np.nan if name in OF_NUMBERS else 77
        actual = metric(padded(split(truth), junk), split(answer), sample_weight=given, **options)
        np.testing.assert_equal(actual, expected)


def test_options_of_f1():
    truth, answer = (split(part) for part in ANSWERS["text"])
    flat = ANSWERS["text"]
    for options in ({"labels": ["a", "bb"]}, {"labels": ["ccc"], "average": "micro"}):
        expected = reference.f1_score(*flat, **{"average": "macro", **options})
        assert ours.flat_f1_score(truth, answer, **options) == expected
    truth, answer = (NAMES[part] for part in ANSWERS["binary"])
    options = {"average": "binary", "pos_label": "bb"}
    expected = reference.f1_score(truth, answer, **options)
    assert ours.flat_f1_score(split(truth), split(answer), **options) == expected


@pytest.mark.parametrize("form", ["list of arrays", "padded"])
def test_weights_in_the_form_of_padded_targets(form):
    truth, answer = (split(part) for part in ANSWERS["multiclass"])
    weight = RNG.uniform(0, 2, TOTAL)
    given = padded(split(weight), np.nan) if form == "padded" else split(weight)
    expected = reference.accuracy_score(*ANSWERS["multiclass"], sample_weight=weight)
    assert ours.flat_accuracy_score(truth, answer, sample_weight=given) == expected


METRIC_NAMES = [name for name in vars(ours) if name.endswith(("_score", "_report"))]
METRIC_NAMES = [name for name in METRIC_NAMES if name.startswith(("flat_", "sequence_"))]


def call(name, *args, **options):
    """Call one of our metrics; `flat_score` computes the accuracy."""
    if name == "flat_score":
        options["metric"] = reference.accuracy_score
    return getattr(ours, name)(*args, **options)


def test_every_metric_is_tested():
    assert len(METRIC_NAMES) == 8
    assert {METRICS[name][0] for name in METRICS} | {"sequence_accuracy_score"} == set(METRIC_NAMES)


@pytest.mark.parametrize("name", METRIC_NAMES)
@pytest.mark.parametrize(
    ("truth", "answer", "weight", "message"),
    [
        ([[0, 1], [1]], [[0, 1]], None, "inconsistent numbers"),
        ([[0, 1]], [[0, 1], [1]], None, "inconsistent numbers"),
        (
            [[0, 1], [1]],
            [[0, 1], [1, 1]],
            None,
            r"Sequence 1 of y_true has shape \(1,\), but \(2,\)",
        ),
        (
            [[0, 1, 1], [1]],
            [[0, 1], [1]],
            None,
            r"Sequence 0 of y_true has shape \(3,\), but \(2,\)",
        ),
        ([0, 1], [[0], [1]], None, r"y_true holds a single value for each sequence"),
        (np.zeros((2, 1)), [[0, 1], [1]], None, "y_true has shape"),
        (
            [[0, 1], [1]],
            [[0, 1], [1]],
            [1, 1, 1],
            r"inconsistent numbers|sample_weight.shape == \(3,\)",
        ),
        ([], [], None, "y_pred is empty"),
    ],
)
def test_inconsistent_shapes_are_refused(name, truth, answer, weight, message):
    with pytest.raises(ValueError, match=message):
        call(name, truth, answer, sample_weight=weight)


@pytest.mark.parametrize("name", [name for name in METRIC_NAMES if name.startswith("flat_")])
def test_weights_of_other_lengths_are_refused(name):
    with pytest.raises(
        ValueError, match=r"Sequence 0 of sample_weight has shape \(1,\), but \(2,\)"
    ):
        call(name, [[0, 1], [1]], [[0, 1], [1]], sample_weight=[[1], [1]])


@pytest.mark.parametrize("library", ["pandas", "polars"])
def test_labels_in_columns(library):
    column = {"pandas": pd.Series, "polars": pytest.importorskip(library).Series}[library]
    truth, answer = (
        [column(labels.tolist()) for labels in split(part)] for part in ANSWERS["text"]
    )
    expected = reference.f1_score(*ANSWERS["text"], average="macro")
    assert ours.flat_f1_score(truth, answer) == expected
    assert ours.flat_f1_score(column(split(ANSWERS["text"][0])), answer) == expected


def test_zero_division():
    truth, answer = [["O", "B"], ["O"]], [["O", "O"], ["O"]]
    for metric in (ours.flat_precision_score, ours.flat_f1_score):
        scores = [metric(truth, answer, average=None, zero_division=z)[0] for z in (0, 1)]
        assert scores == ([0, 1] if metric is ours.flat_precision_score else [0, 0])
    with pytest.warns(UndefinedMetricWarning, match="Precision is ill-defined"):
        ours.flat_precision_score(truth, answer)


def test_any_metric_of_scikit_learn():
    truth, answer = (split(part) for part in ANSWERS["multiclass"])
    for metric in (reference.confusion_matrix, reference.balanced_accuracy_score):
        found = ours.flat_score(truth, answer, metric=metric)
        np.testing.assert_equal(found, metric(*ANSWERS["multiclass"]))
    numbers = ANSWERS["scalar"]
    found = ours.flat_score(*map(split, numbers), metric=reference.max_error)  # takes no weights
    assert found == reference.max_error(*numbers)
    probabilities = RNG.dirichlet([1, 1, 1], TOTAL)
    weight = RNG.uniform(size=TOTAL)
    found = ours.flat_score(
        truth, split(probabilities), metric=reference.log_loss, sample_weight=split(weight)
    )
    expected = reference.log_loss(ANSWERS["multiclass"][0], probabilities, sample_weight=weight)
    assert found == expected


def test_names_of_metrics_are_refused():
    with pytest.raises(TypeError, match="metric must be a function, such as f1_score, got 'f1'"):
        ours.flat_score([[0, 1]], [[0, 1]], metric="f1")


MISSING = {  # true values, of which two are missing
    "text": [np.array(["a", None, "b"], dtype=object), np.array(["b", "a"]), np.array([None])],
    "numbers in objects": [np.array([0, None, 1], dtype=object), [1, 0], [pd.NA]],
    "floats": [[0, np.nan, 1], [1.0, 0.0], [np.nan]],
}


@pytest.mark.parametrize("form", MISSING)
def test_steps_without_a_true_value_are_left_out_at_weight_0(form):
    answer = [["a", "b", "b"], ["a", "a"], ["a"]] if form == "text" else [[0, 1, 1], [0, 0], [0]]
    weight = [[1, 0, 2], [3, 4], [0]]
    found = ours.flat_accuracy_score(MISSING[form], answer, sample_weight=weight)
    assert found == pytest.approx(7 / 10)
    found = ours.flat_f1_score(MISSING[form], answer, sample_weight=weight, average=None)
    assert found == pytest.approx([2 * 5 / (8 + 5), 4 / (5 + 2)])
    sequences = [0, 2, 0]
    assert ours.sequence_accuracy_score(MISSING[form], answer, sample_weight=sequences) == 0


@pytest.mark.parametrize("name", METRIC_NAMES)
@pytest.mark.parametrize("form", MISSING)
def test_missing_values_are_refused(name, form):
    answer = [["a", "b", "b"], ["a", "a"], ["a"]]
    message = "has no value at step 1 of sequence 0, where a label or number is required"
    for weight in (None, [1, 1, 0]):
        with pytest.raises(ValueError, match="y_true " + message):
            call(name, MISSING[form], answer, sample_weight=weight)
    with pytest.raises(ValueError, match="y_true has no value at step 0 of sequence 2"):
        call(name, MISSING[form], answer, sample_weight=[0, 1, 1])
    for weight in (None, [0, 0, 0]):
        with pytest.raises(ValueError, match="y_pred " + message):
            call(name, answer, MISSING[form], sample_weight=weight)


@pytest.mark.parametrize("name", METRIC_NAMES)
@pytest.mark.parametrize("side", ["y_true", "y_pred"])
def test_infinity_is_refused(name, side):
    values = [[0.0, 1.0], [np.inf]], [[0.0, 1.0], [1.0]]
    with pytest.raises(ValueError, match=f"Input {side} contains infinity"):
        call(name, *(values if side == "y_true" else values[::-1]))


@pytest.mark.parametrize(
    ("truth", "answer", "weight", "expected"),
    [
        ([[0, 1, 1], [1]], [[0, 1, 0], [1]], None, 0.5),
        ([[0, 1, 1], [1], [2, 2]], [[0, 1, 1], [1], [2, 1]], None, 2 / 3),
        ([["a", "bb"], ["a"]], [["a", "bb"], ["bb"]], None, 0.5),
        ([["a"], ["a"]], [["b"], ["b"]], None, 0.0),
        ([[0, 1, 1], [1]], [[0, 1, 0], [1]], [1, 3], 0.75),
        ([[0], [1]], [[0], [0]], [0, 1], 0.0),
        ([[[0, 1], [1, 1]], [[0, 0]]], [[[0, 1], [1, 0]], [[0, 0]]], None, 0.5),
        (np.array([[0, 1, 1], [1, 9, 9]]), [[0, 1, 1], [1]], None, 1.0),
        (np.array([[0, 1, 1], [1, 9, 9]]), np.array([[0, 1, 1], [1, 9, 8]]), None, 0.5),
    ],
)
def test_sequence_accuracy(truth, answer, weight, expected):
    score = ours.sequence_accuracy_score(truth, answer, sample_weight=weight)
    assert isinstance(score, float)
    assert_allclose(score, expected)


def test_sequence_accuracy_of_columns():
    column = [np.array([[0], [1]]), np.array([[1]])]
    assert ours.sequence_accuracy_score([[0, 1], [1]], column) == 1.0


# Estimators


X = [RNG.normal(size=(length, 2)) for length in LENGTHS]
Y = [(x[:, 0] > 0).astype(int) for x in X]
TARGETS = {"labels": Y, "numbers": [x[:, 0].cumsum() for x in X]}
OPTIONS = {"max_iter": 5, "learning_rate": "cosine", "learning_rate_init": 0.1, "random_state": 0}
CLF, REG = StepRNNClassifier(3, **OPTIONS), StepRNNRegressor(3, **OPTIONS)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.UndefinedMetricWarning")
@pytest.mark.parametrize(
    ("estimator", "scorer", "metric"),
    [
        (CLF, ours.flat_accuracy_scorer, ours.flat_accuracy_score),
        (CLF, ours.flat_f1_scorer, ours.flat_f1_score),
        (CLF, ours.flat_precision_scorer, ours.flat_precision_score),
        (CLF, ours.flat_recall_scorer, ours.flat_recall_score),
        (CLF, ours.sequence_accuracy_scorer, ours.sequence_accuracy_score),
        (REG, ours.flat_r2_scorer, ours.flat_r2_score),
    ],
)
def test_scorers_in_cross_validation(estimator, scorer, metric):
    y = TARGETS["labels" if estimator is CLF else "numbers"]
    expected = []
    for train, test in KFold(2).split(X):
        fitted = clone(estimator).fit([X[i] for i in train], [y[i] for i in train])
        expected.append(metric([y[i] for i in test], fitted.predict([X[i] for i in test])))
    assert_allclose(cross_val_score(estimator, X, y, cv=2, scoring=scorer), expected)
    junk = 77 if estimator is CLF else np.nan
    tables = as_sequences(X).to_padded(), padded(y, junk)
    assert_allclose(cross_val_score(estimator, *tables, cv=2, scoring=scorer), expected)
    fitted, weight = clone(estimator).fit(X, y), np.arange(N)
    scored = scorer(fitted, X, y, sample_weight=weight)
    assert_allclose(scored, metric(y, fitted.predict(X), sample_weight=weight))


OWN_SCORERS = {  # scorer, and what it computes of true labels and a fitted estimator
    "options": (
        reference.make_scorer(ours.flat_precision_score, average="weighted", zero_division=1.0),
        lambda y, fitted: reference.precision_score(
            np.concatenate(y),
            np.concatenate(fitted.predict(X)),
            average="weighted",
            zero_division=1.0,
        ),
    ),
    "any metric": (
        reference.make_scorer(ours.flat_score, metric=reference.matthews_corrcoef),
        lambda y, fitted: reference.matthews_corrcoef(
            np.concatenate(y), np.concatenate(fitted.predict(X))
        ),
    ),
    "probabilities": (
        reference.make_scorer(
            ours.flat_score,
            metric=reference.log_loss,
            response_method="predict_proba",
            greater_is_better=False,
        ),
        lambda y, fitted: (
            -reference.log_loss(np.concatenate(y), np.concatenate(fitted.predict_proba(X)))
        ),
    ),
}


OF_STEPS = needs_sklearn("1.9", "make_scorer refuses probabilities of estimators without a kind")
KINDS_OF_SCORERS = [
    pytest.param(kind, marks=OF_STEPS if kind == "probabilities" else ()) for kind in OWN_SCORERS
]


@pytest.mark.parametrize("kind", KINDS_OF_SCORERS)
@pytest.mark.parametrize("pipeline", [False, True])
def test_own_scorers(kind, pipeline):
    scorer, expected = OWN_SCORERS[kind]
    estimator = make_pipeline(PerStep(StandardScaler()), CLF) if pipeline else CLF
    fitted = clone(estimator).fit(X, Y)
    assert_allclose(scorer(fitted, X, Y), expected(Y, fitted))
    both = [(np.arange(N), np.arange(N))]  # trained and tested on all
    found = cross_validate(estimator, X, Y, cv=both, scoring={"own": scorer}, error_score="raise")
    assert_allclose(found["test_own"], expected(Y, fitted))


@pytest.mark.parametrize(
    ("estimator", "y", "scorer"),
    [
        pytest.param(CLF, Y, OWN_SCORERS["probabilities"][0], marks=OF_STEPS),
        (CLF, Y, ours.flat_accuracy_scorer),
        (REG, TARGETS["numbers"], ours.flat_r2_scorer),
    ],
)
def test_search_selects_by_the_scorer(estimator, y, scorer):
    search = GridSearchCV(
        estimator, {"max_iter": [1, 40]}, cv=2, scoring=scorer, n_jobs=2, error_score="raise"
    ).fit(X, y)
    assert search.best_params_ == {"max_iter": 40}
    expected = [
        cross_val_score(clone(estimator).set_params(max_iter=n), X, y, cv=2, scoring=scorer).mean()
        for n in (1, 40)
    ]
    assert_allclose(search.cv_results_["mean_test_score"], expected)
    assert_allclose(search.score(X, y), scorer(search.best_estimator_, X, y))


def predict_by_hand(estimator, X, y, splits, method, weight=None):
    answers = {}
    for train, test in splits:
        fitted = clone(estimator).fit(
            [X[i] for i in train],
            [y[i] for i in train],
            weight if weight is None else _safe_indexing(weight, train),
        )
        answers.update(zip(test, getattr(fitted, method)([X[i] for i in test]), strict=True))
    return [answers[i] for i in range(len(X))]


def assert_equal_answers(actual, expected):
    assert (actual.shape, actual.dtype) == ((len(expected),), object)
    for a, e in zip(actual, expected, strict=True):
        assert_array_equal(a, e, strict=True)


GROUPS = np.array([0, 1, 2, 0, 1, 2, 0, 1])
SPLITS = {  # arguments of cross_val_predict_steps, splits by hand
    "default": ({}, KFold(5).split(X)),
    "number": ({"cv": 3}, KFold(3).split(X)),
    "shuffled": (
        {"cv": KFold(3, shuffle=True, random_state=1)},
        KFold(3, shuffle=True, random_state=1).split(X),
    ),
    "groups": (
        {"cv": GroupKFold(3), "groups": GROUPS},
        GroupKFold(3).split(X, Y, GROUPS),
    ),
    "iterable": ({"cv": iter(list(KFold(4).split(X)))}, KFold(4).split(X)),
    "parallel": ({"cv": 3, "n_jobs": 2}, KFold(3).split(X)),
}


@pytest.mark.parametrize("case", SPLITS)
def test_cross_val_predict_steps(case):
    args, splits = SPLITS[case]
    expected = predict_by_hand(CLF, X, Y, list(splits), "predict_proba")
    assert_equal_answers(cross_val_predict_steps(CLF, X, Y, **args), expected)


@pytest.mark.parametrize(
    ("estimator", "method"),
    [
        (CLF, "predict"),
        (CLF, "predict_proba"),
        (CLF, "predict_log_proba"),
        (CLF, "decision_function"),
        (REG, "predict"),
        (make_pipeline(PerStep(StandardScaler()), CLF), "predict_proba"),
    ],
    ids=lambda value: value if isinstance(value, str) else type(value).__name__,
)
def test_methods_and_forms(estimator, method):
    y = TARGETS["numbers" if estimator is REG else "labels"]
    expected = []
    for train, test in KFold(2).split(X):
        fitted = clone(estimator).fit([X[i] for i in train], [y[i] for i in train])
        expected.extend(getattr(fitted, method)([X[i] for i in test]))
    for arguments in (
        (X, y),
        (in_object_array(X), in_object_array(y)),
        (pd.Series(X, index=range(N)[::-1]), pd.Series(y)),
        (as_sequences(X).to_padded(), padded(y)),
    ):
        actual = cross_val_predict_steps(estimator, *arguments, cv=2, method=method)
        assert_equal_answers(actual, expected)
    assert not hasattr(estimator, "weights_")


@pytest.mark.parametrize(
    "cv",
    [
        ShuffleSplit(3, random_state=0),
        RepeatedKFold(n_splits=2, n_repeats=2),
        TimeSeriesSplit(3),
        [([0, 1, 2, 3], [4, 5, 6])],
        [([0, 1, 2, 3], [4, 5, 6, 7]), ([4, 5, 6, 7], [0, 1, 2, 2])],
    ],
    ids=lambda cv: type(cv).__name__,
)
def test_folds_must_be_a_partition(cv):
    with pytest.raises(ValueError, match="exactly one test fold"):
        cross_val_predict_steps(CLF, X, Y, cv=cv)


def test_unequal_numbers_are_refused():
    for arguments in ({"y": Y[:-1]}, {"y": Y, "groups": GROUPS[:-1]}):
        with pytest.raises(ValueError, match="inconsistent numbers"):
            cross_val_predict_steps(CLF, X, **arguments)


RAGGED = [RNG.uniform(0, 2, length) for length in LENGTHS]
WEIGHTS = {
    "list": list(range(1, N + 1)),
    "array": np.arange(1, N + 1),
    "Series": pd.Series(range(1, N + 1)),
    "object array": in_object_array(RAGGED),
    "padded": padded(RAGGED, np.nan),
}


@pytest.mark.parametrize("form", WEIGHTS)
def test_params_are_split(form):
    weight = WEIGHTS[form]
    expected = predict_by_hand(CLF, X, Y, KFold(2).split(X), "predict_proba", weight)
    params = {"sample_weight": weight}
    assert_equal_answers(cross_val_predict_steps(CLF, X, Y, cv=2, params=params), expected)
    without = predict_by_hand(CLF, X, Y, KFold(2).split(X), "predict_proba")
    assert not np.array_equal(expected[0], without[0])


def test_ragged_lists_are_split():
    expected = predict_by_hand(CLF, X, Y, KFold(2).split(X), "predict_proba", RAGGED)
    params = {"sample_weight": RAGGED}
    assert_equal_answers(cross_val_predict_steps(CLF, X, Y, cv=2, params=params), expected)


def test_other_params_are_passed_whole():
    params = {"X_val": np.zeros((3, 4, 2)), "y_val": np.zeros((3, 4), int)}
    whole = cross_val_predict_steps(CLF, X, Y, cv=2, params=params)
    expected = []
    for train, test in KFold(2).split(X):
        fitted = clone(CLF).fit([X[i] for i in train], [Y[i] for i in train], **params)
        expected.extend(fitted.predict_proba([X[i] for i in test]))
    assert_equal_answers(whole, expected)


def test_ignored_steps_count_in_the_place_of_a_missing_value():
    with pytest.raises(ValueError, match="y_true has no value at step 2 of sequence 1"):
        ours.flat_accuracy_score(
            [[1], [None, 0, None]], [[1], [0, 0, 1]], sample_weight=[[1], [0, 1, 1]]
        )
