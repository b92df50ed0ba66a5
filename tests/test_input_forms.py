"""Sequences in every form, with the tools of scikit-learn that take an estimator."""

from functools import cache

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_array_equal
from sklearn.calibration import CalibratedClassifierCV
from sklearn.ensemble import StackingClassifier, VotingClassifier
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import (
    GridSearchCV,
    HalvingGridSearchCV,
    RandomizedSearchCV,
    cross_val_predict,
    cross_val_score,
    learning_curve,
    permutation_test_score,
    train_test_split,
    validation_curve,
)
from sklearn.multiclass import OneVsRestClassifier
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler

from skrnn import PerStep, SequencePadder, SequenceRNNClassifier, as_sequences

N = 40


def make_sequences(n_features):
    rng = np.random.RandomState(0)
    y = np.arange(N) % 2
    return [rng.normal(c, 1, (rng.randint(2, 6), n_features)) for c in y], y


def make_pipeline(n_features):
    return Pipeline(
        [
            ("scale", PerStep(StandardScaler(), step_features=n_features)),
            ("pad", SequencePadder(step_features=n_features)),
            ("classify", make_classifier(n_features)),
        ]
    )


def make_classifier(n_features):
    return SequenceRNNClassifier(
        3, step_features=n_features, max_iter=3, learning_rate="cosine", random_state=0
    )


def in_object_array(sequences):
    array = np.empty(len(sequences), dtype=object)
    array[:] = sequences
    return array


def padded(sequences):
    return as_sequences(sequences).to_padded()


def flat(sequences):
    return padded(sequences).reshape(N, -1)


FORMS = {
    "list": list,
    "tuple": tuple,
    "nested lists": lambda sequences: [sequence.tolist() for sequence in sequences],
    "flat arrays": lambda sequences: [sequence.ravel() for sequence in sequences],
    "object array": in_object_array,
    "Series": lambda sequences: pd.Series(sequences, index=np.arange(N)[::-1]),
    "3-D": padded,
    "flat 2-D": flat,
    "DataFrame": lambda sequences: pd.DataFrame(flat(sequences)).rename(columns="c{}".format),
}


def search(kind, **options):
    """Return a function that collects the scores and predictions of a search over the pipeline."""

    def use(X, y, n_features):
        grid = {"classify__alpha": [0.0, 10.0], "scale__transformer__with_mean": [True, False]}
        found = kind(make_pipeline(n_features), grid, cv=2, scoring="neg_log_loss", **options)
        found.fit(X, y)
        return [*found.cv_results_["mean_test_score"], *found.predict_proba(X).ravel()]

    return use


def fitted(wrap):
    """Return a function that fits a wrapped pipeline and predicts probabilities."""

    def use(X, y, n_features):
        return wrap(make_pipeline(n_features)).fit(X, y).predict_proba(X)

    return use


def split(X, y, n_features):
    X_train, X_test, y_train, _ = train_test_split(X, y, stratify=y, random_state=0)
    return make_classifier(n_features).fit(X_train, y_train).predict_proba(X_test)


def called(function, *args, **options):
    """Return a function that collects the numbers that `function(estimator, X, y)` returns."""

    def use(X, y, n_features):
        result = function(make_pipeline(n_features), X, y, *args, cv=2, **options)
        parts = result if isinstance(result, tuple) else [result]
        return np.concatenate([np.ravel(part) for part in parts])

    return use


LOSS = {"scoring": "neg_log_loss"}
USES = {
    "Pipeline": fitted(lambda pipeline: pipeline),
    "CalibratedClassifierCV": fitted(lambda p: CalibratedClassifierCV(p, cv=2)),
    "StackingClassifier": fitted(
        lambda p: StackingClassifier([("a", p), ("b", p)], LogisticRegression(), cv=2)
    ),
    "VotingClassifier": fitted(lambda p: VotingClassifier([("a", p), ("b", p)], voting="soft")),
    "OneVsRestClassifier": fitted(OneVsRestClassifier),
    "GridSearchCV": search(GridSearchCV),
    "RandomizedSearchCV": search(RandomizedSearchCV, n_iter=2, random_state=0),
    "HalvingGridSearchCV": search(HalvingGridSearchCV, min_resources=20, random_state=0),
    "train_test_split": split,
    "cross_val_predict": called(cross_val_predict, method="predict_proba"),
    "cross_val_score": called(cross_val_score, **LOSS),
    "learning_curve": called(learning_curve, train_sizes=[10, 20], **LOSS),
    "validation_curve": called(
        validation_curve, param_name="classify__alpha", param_range=[0.0, 10.0], **LOSS
    ),
    "permutation_test_score": called(
        permutation_test_score, n_permutations=2, random_state=0, **LOSS
    ),
}


@cache
def of_list(use, n_features):
    sequences, y = make_sequences(n_features)
    return USES[use](sequences, y, n_features)


@pytest.mark.parametrize("use", USES)
@pytest.mark.parametrize("n_features", [1, 2])
@pytest.mark.parametrize("form", list(FORMS)[1:])
def test_results_do_not_depend_on_the_form(form, use, n_features):
    sequences, y = make_sequences(n_features)
    result = USES[use](FORMS[form](sequences), y, n_features)
    assert np.std(result) > 0
    assert_array_equal(result, of_list(use, n_features))


@pytest.mark.parametrize("predicted", [form for form in FORMS if form != "DataFrame"])  # has names
@pytest.mark.parametrize("fitted", ["list", "3-D", "flat 2-D"])
def test_forms_of_fit_and_predict_may_differ(fitted, predicted):
    sequences, y = make_sequences(2)
    clf = make_classifier(2).fit(FORMS[fitted](sequences), y)
    expected = make_classifier(2).fit(sequences, y).predict_proba(sequences)
    assert_array_equal(clf.predict_proba(FORMS[predicted](sequences)), expected)
