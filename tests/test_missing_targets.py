"""Missing targets: they are ignored at weight 0, and otherwise named."""

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_array_equal

from skrnn import (
    SequenceRNNClassifier,
    SequenceRNNRegressor,
    StepRNNClassifier,
    StepRNNRegressor,
    XORMLPClassifier,
    XORMLPRegressor,
)

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

TABLE = [[0.0, 1.0], [1.0, 0.0], [1.0, 1.0], [0.0, 0.0]]
SEQUENCES = [[1.0], [2.0, 3.0], [3.0], [4.0]]
WEIGHT = [1, 0, 1, 1]
LABELS = {  # the same labels complete, and with a missing one
    "None in a list": (["a", "b", "b", "a"], ["a", None, "b", "a"]),
    "NaN in a list": (["a", "b", "b", "a"], ["a", np.nan, "b", "a"]),
    "Series": (["a", "b", "b", "a"], pd.Series(["a", None, "b", "a"])),
    "Series of strings": (["a", "b", "b", "a"], pd.Series(["a", None, "b", "a"], dtype="string")),
    "categories": (["a", "b", "b", "a"], pd.Series(["a", None, "b", "a"], dtype="category")),
    "integers": ([1, 2, 2, 1], [1, None, 2, 1]),
    "booleans": ([True, False, False, True], [True, None, False, True]),
    "nullable integers": ([1, 2, 2, 1], pd.Series([1, None, 2, 1], dtype="Int64")),
    "floats": ([0.0, 1.0, 1.0, 0.0], [0.0, np.nan, 1.0, 0.0]),
    "multilabel": ([[0, 1], [1, 1], [1, 0], [0, 0]], [[0, 1], [np.nan, 1], [1, 0], [0, 0]]),
}


def same_fit(estimator, X, complete, y, weight):
    expected = estimator.fit(X, complete, weight).predict(X)
    actual = estimator.fit(X, y, weight).predict(X)
    for a, b in zip(actual, expected, strict=True):
        assert_array_equal(a, b)
    return estimator


@pytest.mark.parametrize("case", LABELS)
@pytest.mark.parametrize(
    ("estimator", "X", "place"),
    [(XORMLPClassifier, TABLE, "at row 1"), (SequenceRNNClassifier, SEQUENCES, "for sequence 1")],
)
def test_labels(estimator, X, place, case):
    complete, y = LABELS[case]
    clf = same_fit(estimator(4, max_iter=3, random_state=0), X, complete, y, WEIGHT)
    if "multilabel" not in case:
        assert clf.classes_.tolist() == np.unique(complete).tolist()
    with pytest.raises(ValueError, match=f"y is missing {place}; give it sample_weight 0"):
        clf.fit(X, y)


@pytest.mark.parametrize(
    "y",
    [
        [1.0, None, 2.0, 3.0],
        np.array([1.0, np.nan, 2.0, 3.0]),
        pd.Series([1, None, 2, 3], dtype="Int64"),
        [[1.0, 2.0], [np.nan, 1.0], [2.0, 3.0], [3.0, 4.0]],
    ],
)
@pytest.mark.parametrize(
    ("estimator", "X", "place"),
    [(XORMLPRegressor, TABLE, "at row 1"), (SequenceRNNRegressor, SEQUENCES, "for sequence 1")],
)
def test_numbers(estimator, X, place, y):
    complete = [[1.0, 2.0], [5, 1.0], [2.0, 3.0], [3.0, 4.0]] if np.ndim(y) == 2 else [1, 5, 2, 3]
    reg = estimator(hidden_layer_sizes=4, max_iter=3, random_state=0)
    same_fit(reg, X, complete, y, WEIGHT)
    with pytest.raises(ValueError, match=f"y is missing {place}"):
        reg.fit(X, y)


STEPS = [[1.0, 2.0], [3.0, 5.0], [1.0, 2.0, 3.0]]
TAGS = [["a", "b"], ["b", "a"], ["a", "b", "b"]]
MISSING_TAGS = {
    "None": ["a", None],
    "NaN": ["a", np.nan],
    "NaN in a Series": pd.Series(["a", None]),
    "NaN for all": [np.nan, np.nan],
    "None for all": [None, None],
    "no list": None,
}


@pytest.mark.parametrize("case", MISSING_TAGS)
@pytest.mark.parametrize("whole", [False, True])
def test_tags_of_steps(case, whole):
    y = [MISSING_TAGS[case], *TAGS[1:]]
    step = 1 if case in ("None", "NaN", "NaN in a Series") else 0
    weight = [0, 1, 1] if whole else [[1 - (step == 0), 0], [1, 1], [1, 1, 1]]
    clf = StepRNNClassifier(4, max_iter=3, random_state=0)
    same_fit(clf, STEPS, TAGS, y, weight)
    assert clf.classes_.tolist() == ["a", "b"]
    with pytest.raises(ValueError, match=f"y is missing at step {step} of sequence 0; give it"):
        clf.fit(STEPS, y)


@pytest.mark.parametrize("missing", [None, np.nan])
@pytest.mark.parametrize("estimator", [StepRNNClassifier, StepRNNRegressor])
def test_numbers_of_steps(estimator, missing):
    complete = [[1, 0], [1, 0], [0, 1, 1]]
    y = [[1, 0], [1, 0], [0, 1, missing]]
    weight = [[1, 1], [1, 1], [1, 1, 0]]
    net = estimator(4, max_iter=3, random_state=0)
    same_fit(net, STEPS, complete, y, weight)
    with pytest.raises(ValueError, match="y is missing at step 2 of sequence 2"):
        net.fit(STEPS, y)


def test_padded_targets():
    X = np.array([[1.0, 2.0, np.nan], [3.0, 4.0, 5.0]])
    y = np.array([[0.0, np.nan, np.nan], [1.0, 0.0, 1.0]])  # the last of the first is padding
    reg = StepRNNRegressor(4, max_iter=3, random_state=0)
    with pytest.raises(ValueError, match="y is missing at step 1 of sequence 0"):
        reg.fit(X, y)
    weight = np.array([[1.0, 0.0, 0.0], [1.0, 1.0, 1.0]])
    same_fit(reg, X, np.nan_to_num(y), y, weight)


def test_validation_data():
    reg = StepRNNRegressor(4, max_iter=3, random_state=0)
    y = [[1.0, None], [2.0, 3.0], [1.0, 1.0, 1.0]]
    weight = [[1, 0], [1, 1], [1, 1, 1]]
    data = STEPS, [[1.0, 2.0], [2.0, 3.0], [1.0, 1.0, 1.0]]
    reg.fit(*data, X_val=STEPS, y_val=y, sample_weight_val=weight)
    assert np.isfinite(reg.validation_scores_).all()
    with pytest.raises(ValueError, match="X_val and y_val: y is missing at step 1 of sequence 0"):
        reg.fit(*data, X_val=STEPS, y_val=y)


@pytest.mark.parametrize("y", [[None] * 4, [np.nan] * 4])
def test_all_targets_missing(y):
    with pytest.raises(ValueError, match="y is missing for sequence 0"):
        SequenceRNNClassifier(4).fit(SEQUENCES, y)
    with pytest.raises(ValueError, match="at least one non-zero number"):
        SequenceRNNClassifier(4).fit(SEQUENCES, y, [0, 0, 0, 0])


def test_text_and_numbers_do_not_mix():
    with pytest.raises(ValueError, match=r"y mixes labels of the types \['int', 'str'\]"):
        StepRNNClassifier(4).fit(STEPS, [["a", 1], ["b", "a"], ["a", "b", "b"]])
