"""Objects of a wrong kind are refused with a message that names the argument and what it takes."""

import numpy as np
import pandas as pd
import pytest
from sklearn.preprocessing import StandardScaler

from skrnn import (
    EnsembleClassifier,
    EnsembleRegressor,
    SequenceRNNClassifier,
    SequenceRNNRegressor,
    Sequences,
    StepRNNClassifier,
    StepRNNRegressor,
    XORMLPClassifier,
    XORMLPRegressor,
    as_sequences,
)
from skrnn.compose import TransformedStepTargetRegressor
from skrnn.convert import from_long, from_nested, make_windows

pl = pytest.importorskip("polars")
pytest.importorskip("pyarrow")  # by which polars reads frames of pandas

TABLE = pd.DataFrame(
    {"id": ["c", "a", "c", "a"], "t": [0, 0, 1, 1], "v": [1.0, 2.0, 3.0, 4.0], "age": [5, 6, 5, 6]}
)
LAZY = pl.from_pandas(TABLE).lazy()
X = Sequences(np.arange(4.0)[:, None], [2, 2])
TINY = {"hidden_layer_sizes": 2, "max_iter": 1, "random_state": 0}
FITTED = {
    "classifier": SequenceRNNClassifier(**TINY),
    "regressor": SequenceRNNRegressor(**TINY),
    "ensemble of classifiers": EnsembleClassifier(SequenceRNNClassifier(**TINY), 1),
    "ensemble of regressors": EnsembleRegressor(SequenceRNNRegressor(**TINY), 1),
    "perceptron of classes": XORMLPClassifier(**TINY),
    "perceptron of numbers": XORMLPRegressor(**TINY),
    "step classifier": StepRNNClassifier(**TINY),
    "step regressor": StepRNNRegressor(**TINY),
    "transformed": TransformedStepTargetRegressor(
        StepRNNRegressor(**TINY), transformer=StandardScaler()
    ),
}
pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


def test_no_static_columns_are_none_or_an_empty_list():
    for static in (None, [], ()):
        sequences, _ = from_long(TABLE, "id", "t", static=static)
        assert sequences.static is None
        assert sequences.n_features == 2


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"static": [None]}, "There is no column None"),
        ({"static": {"a": 1}}, "There is no column {'a': 1}"),
        ({"columns": [None]}, "There is no column None"),
        ({"columns": slice(None)}, r"There is no column slice\("),
        (
            {"time": ["t"]},
            r"time must be the name of one column, but is a list: \['t'\]\. Pass time='t'",
        ),
        ({"id": [None]}, "There is no column None"),
        ({"id": []}, r"id=\[\] names no column"),
        ({"columns": "v", "static": "age"}, r"columns='v', .* Pass columns=\['v'\]"),
    ],
)
def test_what_names_no_columns_is_refused(params, message):
    with pytest.raises(ValueError, match=message):
        from_long(TABLE, **{"id": "id", "time": "t", **params})


def refusals_of_sequences():
    values = np.ones((10, 1))
    for lengths in ([5.0, 5.0], ["5", "5"], [True] * 10, [], 10, None, [[5], [2, 3]], [11, -1]):
        yield (values, lengths), {}, ValueError, "lengths must be integers of at least 0"
    of_arrays = [np.ones((6, 1)), np.ones((4, 1))]
    yield (of_arrays, [6, 4]), {}, ValueError, r"read by as_sequences\(values\)"
    yield ([np.ones((5, 1))] * 2, [5, 5]), {}, ValueError, r"\(2, 5, 1\)\. as_sequences\(values\)"
    ones = np.ones(10)
    yield (ones, [5, 5]), {}, ValueError, r"pass np\.reshape\(values, \(-1, 1\)\)"
    yield (pd.Series(ones, name="v"), [5, 5]), {}, ValueError, r"pass frame\[\['v'\]\]"
    yield ({"v": ones}, [5, 5]), {}, TypeError, r"a dictionary\. .*pandas\.DataFrame\(values\)"
    yield (None, [5, 5]), {}, TypeError, "values must be a table .* got NoneType"
    for static, error, message in [
        ({"age": [1, 2]}, TypeError, r"static must be .* pandas\.DataFrame\(static\)"),
        ([{"age": 1}, {"age": 2}], ValueError, r"pandas\.DataFrame\(static\)"),
        (pd.Series([1, 2], name="age"), ValueError, r"frame\[\['age'\]\]"),
        (pl.Series("age", [1, 2]), ValueError, r"frame\[\['age'\]\]"),
        (pd.Series([1, 2]), ValueError, r"pass static\.to_frame\(\)"),
        ([1, 2], ValueError, r"pass np\.reshape\(static, \(-1, 1\)\)"),
        ([[1, 2], [3]], ValueError, "static must be .* one length"),
        (3, TypeError, "static must be a table with a row for each sequence; got int"),
        ((i for i in range(2)), TypeError, "static must be .* got generator"),
    ]:
        yield (values, [5, 5]), {"static": static}, error, message
    for ids in (5, "ab", (i for i in "ab")):
        yield (values, [5, 5]), {"ids": ids}, TypeError, "ids must be a list or array"
    yield (values, [5, 5]), {"rows": np.arange(10.0)}, ValueError, "rows must be integers"
    yield (values, [5, 5]), {"rows": 3}, ValueError, r"rows has shape \(\), but needs 10 rows"


@pytest.mark.parametrize(("args", "params", "error", "message"), list(refusals_of_sequences()))
def test_parts_of_sequences_of_a_wrong_kind_are_refused(args, params, error, message):
    with pytest.raises(error, match=message):
        Sequences(*args, **params)
    if "static" in params:
        with pytest.raises(error if "generator" not in message else TypeError, match=message):
            Sequences(*args).with_static(params["static"])


@pytest.mark.parametrize(
    "call",
    [
        lambda: from_long(LAZY, "id", "t"),
        lambda: from_nested(LAZY),
        lambda: as_sequences(LAZY),
        lambda: as_sequences([LAZY]),
        lambda: make_windows(LAZY, window=2),
        lambda: Sequences(LAZY, [4]),
        lambda: X.with_static(LAZY),
        lambda: X.with_values(LAZY),
        lambda: SequenceRNNClassifier(**TINY).fit(X, LAZY),
        lambda: StepRNNClassifier(**TINY).fit(X, LAZY),
        lambda: SequenceRNNClassifier(**TINY).fit(X, [0, 1], sample_weight=LAZY),
        lambda: XORMLPClassifier(**TINY).fit(LAZY, [0, 1]),
    ],
)
def test_lazy_frames_are_refused_with_advice(call):
    with pytest.raises(TypeError, match=r"is a LazyFrame, .* collect\(\)"):
        call()


def test_grouped_frames_are_refused_with_advice():
    for grouped in (TABLE.groupby("id"), pl.from_pandas(TABLE).group_by("id")):
        with pytest.raises(TypeError, match=r"\[group for _, group in X\]"):
            as_sequences(grouped)


NUMBERS = [lambda: 1.5, lambda: np.array(1), lambda: np.float64(1)]
NO_TARGETS = [
    *NUMBERS,
    lambda: (i for i in [0, 1]),
    lambda: map(int, "01"),
    lambda: {"a": [0, 1]},
    lambda: "ab",
    lambda: b"ab",
    object,
]


@pytest.mark.parametrize("kind", FITTED)
@pytest.mark.parametrize("make", NO_TARGETS)
def test_targets_and_weights_that_are_no_array_are_named(kind, make):
    estimator, given = FITTED[kind], X if "perceptron" not in kind else np.eye(2)
    per_step = kind in ("step classifier", "step regressor", "transformed")
    y = [[0, 1], [1, 0]] if per_step else [0, 1]
    with pytest.raises(TypeError, match=r"^y must be a list or array"):
        estimator.fit(given, make())
    estimator.fit(given, y)
    with pytest.raises(TypeError, match=r"^y(_true)? must be a list or array"):
        estimator.score(given, make())
    if make not in NUMBERS:  # a number is the weight of all
        with pytest.raises(TypeError, match=r"^sample_weight must be a list or array"):
            estimator.fit(given, y, sample_weight=make())


def test_the_message_says_how_to_pass_an_iterator_or_a_dictionary():
    for kind in ("classifier", "step classifier"):
        with pytest.raises(TypeError, match=r"[pP]ass list\(y\)"):
            FITTED[kind].fit(X, iter([0, 1]))
        with pytest.raises(TypeError, match=r"Pass list\(y\.values\(\)\)"):
            FITTED[kind].fit(X, {"a": [0, 1]})
