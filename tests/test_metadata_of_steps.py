"""Weights, targets, other metadata and validation data that belong to sequences or their steps."""

from functools import cache

import numpy as np
import pandas as pd
import pytest
import sklearn
from numpy.testing import assert_allclose, assert_array_equal
from scipy.sparse import csr_array
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.exceptions import UnsetMetadataPassedError
from sklearn.metrics import get_scorer
from sklearn.model_selection import GridSearchCV, cross_validate
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
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
    as_sequences,
)
from skrnn.metrics import flat_accuracy_score, flat_r2_score, sequence_accuracy_score

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

RNG = np.random.RandomState(0)
LENGTHS = np.array([3, 1, 4, 2, 1, 3, 2, 4])
N = len(LENGTHS)
ARRAYS = [RNG.normal(i % 3, 1, (n, 2)) for i, n in enumerate(LENGTHS)]
STEPS = np.concatenate(ARRAYS)
LABELS = np.arange(N) % 2
OF_SEQUENCES = np.arange(1.0, N + 1)
OF_STEPS = np.arange(1.0, len(STEPS) + 1)
QUICK = {"hidden_layer_sizes": 2, "max_iter": 2, "solver": "sgd", "random_state": 0}


def split(values):
    return np.split(values, np.cumsum(LENGTHS)[:-1])


@pytest.fixture
def routing():
    with sklearn.config_context(enable_metadata_routing=True):
        yield


def weighted():
    return PerStep(StandardScaler().set_fit_request(sample_weight=True))


class Recorder(TransformerMixin, BaseEstimator):
    """Keeps the metadata that are passed to fit."""

    def fit(self, X, y=None, sample_weight=None, note=None):
        self.n_, self.weight_, self.note_ = len(X), sample_weight, note
        return self

    def transform(self, X):
        return np.asarray(X)


WEIGHTS = {
    "of sequences": (OF_SEQUENCES, np.repeat(OF_SEQUENCES, LENGTHS)),
    "list of sequences": (OF_SEQUENCES.tolist(), np.repeat(OF_SEQUENCES, LENGTHS)),
    "Series of sequences": (
        pd.Series(OF_SEQUENCES, index=range(N, 0, -1)),
        np.repeat(OF_SEQUENCES, LENGTHS),
    ),
    "of steps": (split(OF_STEPS), OF_STEPS),
    "Series of steps": (pd.Series(split(OF_STEPS), index=range(N, 0, -1)), OF_STEPS),
    "flat": (OF_STEPS, OF_STEPS),
}
FORMS = {
    "list": ARRAYS,
    "3-D": as_sequences(ARRAYS).to_padded(),
    "Sequences": as_sequences(ARRAYS),
    "list of frames": [pd.DataFrame(x, columns=["a", "b"]) for x in ARRAYS],
    "frame of sequences": pd.DataFrame(
        {"a": [x[:, 0] for x in ARRAYS], "b": [x[:, 1] for x in ARRAYS]}
    ),
}


@pytest.mark.parametrize("method", ["fit", "fit_transform"])
@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("case", WEIGHTS)
def test_weights_reach_the_transformer(case, form, method, routing):
    weights, of_steps = WEIGHTS[case]
    expected = StandardScaler().fit(STEPS, sample_weight=of_steps)
    per_step = weighted()
    output = getattr(per_step, method)(FORMS[form], sample_weight=weights)
    assert_allclose(per_step.transformer_.mean_, expected.mean_)
    assert_allclose(per_step.transformer_.scale_, expected.scale_)
    if method == "fit_transform":
        assert_allclose(as_sequences(output).values, expected.transform(STEPS))


def test_other_metadata(routing):
    inner = Recorder().set_fit_request(sample_weight=True, note=True)
    per_step = PerStep(inner)
    for note in ("a" * N, {"a": 1}, 3, None, len, range(N + 1)):  # nothing for each sequence
        per_step.fit(ARRAYS, note=note)
        assert per_step.transformer_.note_ is note
        assert per_step.transformer_.weight_ is None
    words = [f"sequence {i}" for i in range(N)]
    per_step.fit(ARRAYS, note=words)
    assert_array_equal(per_step.transformer_.note_, np.repeat(words, LENGTHS))
    vectors = np.arange(3 * N).reshape(N, 3)
    per_step.fit(ARRAYS, note=vectors)
    assert_array_equal(per_step.transformer_.note_, np.repeat(vectors, LENGTHS, axis=0))


def test_weights_of_steps_that_do_not_fit(routing):
    wrong = [*split(OF_STEPS)[:-1], OF_STEPS[:3]]
    with pytest.raises(ValueError, match=r"7 of sample_weight has shape \(3,\), but \(4,\)"):
        weighted().fit(ARRAYS, sample_weight=wrong)
    with pytest.raises(ValueError, match=r"sample_weight.shape == \(7,\), expected \(20,\)"):
        weighted().fit(ARRAYS, sample_weight=OF_SEQUENCES[:7])


@pytest.mark.parametrize("method", ["fit", "fit_transform"])
def test_metadata_are_never_dropped(method):
    with pytest.raises(ValueError, match=r"only supported if enable_metadata_routing=True"):
        getattr(PerStep(StandardScaler()), method)(ARRAYS, sample_weight=OF_SEQUENCES)
    with sklearn.config_context(enable_metadata_routing=True):
        with pytest.raises(UnsetMetadataPassedError, match=r"sample_weight.* not explicitly set"):
            getattr(PerStep(StandardScaler()), method)(ARRAYS, sample_weight=OF_SEQUENCES)
        with pytest.raises(TypeError, match="unexpected"):
            getattr(weighted(), method)(ARRAYS, groups=OF_SEQUENCES)
        ignoring = PerStep(StandardScaler().set_fit_request(sample_weight=False))
        with pytest.raises(TypeError, match="not routed to any object"):
            getattr(ignoring, method)(ARRAYS, sample_weight=OF_SEQUENCES)
    for transformer in (
        SequencePadder(),
        PerSequence(StandardScaler()),
        ForwardImputer(),
        Frames(),
        Neighbors(),
    ):
        with pytest.raises(TypeError, match="unexpected keyword argument 'sample_weight'"):
            getattr(transformer, method)(ARRAYS, sample_weight=OF_SEQUENCES)


@pytest.mark.parametrize("weights", [OF_SEQUENCES, split(OF_STEPS)], ids=["sequences", "steps"])
def test_weights_in_a_pipeline(weights, routing):
    network = StepRNNClassifier(**QUICK).set_fit_request(sample_weight=True)
    y = split((STEPS[:, 0] > 1).astype(int))
    pipeline = make_pipeline(weighted(), network).fit(ARRAYS, y, sample_weight=weights)
    scaler = weighted().fit(ARRAYS, sample_weight=weights)
    assert_array_equal(pipeline[0].transformer_.mean_, scaler.transformer_.mean_)
    alone = StepRNNClassifier(**QUICK).fit(scaler.transform(ARRAYS), y, sample_weight=weights)
    assert pipeline[-1].loss_curve_ == alone.loss_curve_
    unweighted = StepRNNClassifier(**QUICK).fit(scaler.transform(ARRAYS), y)
    assert unweighted.loss_curve_ != alone.loss_curve_


@pytest.mark.parametrize("form", FORMS)
def test_weights_in_a_search_follow_the_split(form, routing):
    network = SequenceRNNClassifier(**QUICK).set_fit_request(sample_weight=True)
    pipeline = make_pipeline(weighted(), network)
    scorer = get_scorer("neg_log_loss").set_score_request(sample_weight=True)
    splits = [([7, 0, 2, 5], [1, 3, 4, 6]), ([1, 3, 4, 6], [7, 0, 2, 5])]
    found = cross_validate(
        pipeline,
        FORMS[form],
        LABELS,
        cv=splits,
        scoring=scorer,
        params={"sample_weight": OF_SEQUENCES},
        return_estimator=True,
    )
    for (train, _), fitted in zip(splits, found["estimator"], strict=True):
        steps = np.concatenate([ARRAYS[i] for i in train])
        of_steps = np.repeat(OF_SEQUENCES[train], LENGTHS[train])
        expected = np.average(steps, axis=0, weights=of_steps)
        assert_allclose(fitted[0].transformer_.mean_, expected)
    search = GridSearchCV(pipeline, {"sequencernnclassifier__alpha": [0, 1]}, cv=splits)
    search.set_params(scoring=scorer).fit(FORMS[form], LABELS, sample_weight=OF_SEQUENCES)
    assert_allclose(
        search.best_estimator_[0].transformer_.mean_,
        np.average(STEPS, axis=0, weights=np.repeat(OF_SEQUENCES, LENGTHS)),
    )


# Targets of steps -----------------------------------------------------------------------------


def library_lists(library):
    def make(values):
        made = pytest.importorskip(library)
        series = {"pyarrow": "array"}.get(library, "Series")
        return [getattr(made, series)(of_one.tolist()) for of_one in split(values)]

    return make


TARGETS = {
    "Sequences": lambda values: Sequences(values[:, None], LENGTHS),
    "Sequences of a frame": lambda values: Sequences(pd.DataFrame({"y": values}), LENGTHS),
    "list of Series with an index": lambda values: [
        pd.Series(of_one, index=range(9, 9 + len(of_one))) for of_one in split(values)
    ],
    "Series of Series": lambda values: pd.Series([pd.Series(x) for x in split(values)]),
    "object array": lambda values: pd.Series(split(values)).to_numpy(),
    **{f"list of {name}": library_lists(name) for name in ("pandas", "polars", "pyarrow")},
}
STEP_TARGETS = {
    "numbers": (StepRNNRegressor(**QUICK), STEPS[:, 0] * 2),
    "labels": (StepRNNClassifier(**QUICK), (STEPS[:, 0] > 1).astype(int)),
    "words": (StepRNNClassifier(**QUICK), np.where(STEPS[:, 0] > 1, "high", "low")),
}


@cache
def of_plain_targets(name):
    estimator, values = STEP_TARGETS[name]
    fitted = sklearn.base.clone(estimator).fit(ARRAYS, split(values))
    return fitted.loss_curve_, fitted.predict(ARRAYS)


@pytest.mark.parametrize("form", TARGETS)
@pytest.mark.parametrize("name", STEP_TARGETS)
def test_forms_of_targets(name, form):
    estimator, values = STEP_TARGETS[name]
    y = TARGETS[form](values)
    fitted = sklearn.base.clone(estimator).fit(ARRAYS, y)
    curve, predicted = of_plain_targets(name)
    assert fitted.loss_curve_ == curve
    for one, other in zip(fitted.predict(ARRAYS), predicted, strict=True):
        assert_array_equal(one, other, strict=True)
    metric = flat_r2_score if name == "numbers" else flat_accuracy_score
    expected = metric(split(values), predicted)
    assert metric(y, predicted) == expected
    assert fitted.score(ARRAYS, y) == pytest.approx(expected)


def test_sparse_targets_and_weights_in_sequences():
    values = (STEPS[:, :1] > 1).astype(float)
    of_dense = StepRNNRegressor(**QUICK).fit(ARRAYS, split(values[:, 0]), split(OF_STEPS))
    of_sparse = StepRNNRegressor(**QUICK).fit(
        ARRAYS, Sequences(csr_array(values), LENGTHS), Sequences(OF_STEPS[:, None], LENGTHS)
    )
    assert of_sparse.loss_curve_ == of_dense.loss_curve_
    two = StepRNNRegressor(**QUICK).fit(ARRAYS, Sequences(STEPS, LENGTHS))
    assert two.loss_curve_ == StepRNNRegressor(**QUICK).fit(ARRAYS, ARRAYS).loss_curve_
    assert two.predict(ARRAYS)[0].shape == (3, 2)


def test_targets_of_other_lengths():
    y = Sequences(np.zeros((len(STEPS), 1)), LENGTHS[::-1])
    with pytest.raises(ValueError, match=r"Sequence 0 of y has shape \(4,\), but \(3,\)"):
        StepRNNRegressor(**QUICK).fit(ARRAYS, y)
    weights = Sequences(np.ones((len(STEPS), 1)), LENGTHS[::-1])
    with pytest.raises(ValueError, match=r"0 of sample_weight has shape \(4,\), but \(3,\)"):
        StepRNNRegressor(**QUICK).fit(ARRAYS, split(STEPS[:, 0]), weights)


# Validation data --------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [SequenceRNNClassifier, SequenceRNNRegressor, StepRNNClassifier])
@pytest.mark.parametrize("form", FORMS)
def test_forms_of_validation_data(form, kind):
    options = {**QUICK, "max_iter": 4, "early_stopping": True}
    y = split((STEPS[:, 0] > 1).astype(int)) if kind is StepRNNClassifier else LABELS
    of_form, of_list = (kind(**options).fit(X, y, X_val=X, y_val=y) for X in (FORMS[form], ARRAYS))
    assert_allclose(of_form.validation_loss_curve_, of_list.validation_loss_curve_, rtol=1e-12)
    empty = Sequences(np.vstack([STEPS[:1]] * 2), [0, 1, 0, 1])
    y = [[], [1], [], [0]] if kind is StepRNNClassifier else [0, 1, 0, 1]
    assert np.isfinite(kind(**options).fit(empty, y, X_val=empty, y_val=y).loss_curve_).all()


# Empty sequences --------------------------------------------------------------------------------


def test_metrics_ignore_empty_sequences():
    y, predicted = [[], [1, 0], [], [1]], [[], [1, 1], [], [1]]
    assert flat_accuracy_score(y, predicted) == pytest.approx(2 / 3)
    assert flat_accuracy_score(
        Sequences([[1], [0], [1]], [0, 2, 0, 1]), predicted
    ) == pytest.approx(2 / 3)
    assert flat_r2_score(y, predicted) == flat_r2_score(y[1::2], predicted[1::2])
    assert sequence_accuracy_score(y, predicted) == pytest.approx(3 / 4)
    if sklearn_before("1.8"):
        # There, accuracy_score of scikit-learn is NaN, with a warning.
        with pytest.warns(RuntimeWarning):
            assert np.isnan(flat_accuracy_score([[], []], [[], []]))
    else:
        with pytest.raises(ValueError, match=r"minimum of 1 sample is required|empty"):
            flat_accuracy_score([[], []], [[], []])


@pytest.mark.parametrize("empty", [[], np.empty((0, 2)), np.empty(0), ()], ids=repr)
def test_transformers_keep_empty_sequences(empty):
    X = [empty, ARRAYS[0], empty, ARRAYS[1]]
    kept = [ARRAYS[0], ARRAYS[1]]
    scaled = PerStep(StandardScaler()).fit_transform(X)
    expected = PerStep(StandardScaler()).fit_transform(kept)
    shapes = [(0, 2), (3, 2), (0, 2), (1, 2)]
    assert [steps.shape for steps in scaled] == shapes
    for one, other in zip(scaled[1::2], expected, strict=True):
        assert_array_equal(one, other)
    padder = SequencePadder().fit(X)
    padded = padder.transform(X)
    assert np.isnan(padded[::2]).all()
    assert_array_equal(padded[1::2], SequencePadder().fit_transform(kept))
    assert [steps.shape for steps in padder.inverse_transform(padded)] == shapes
    assert_array_equal(padder.transform([empty, empty]), np.full((2, 3, 2), np.nan))
    clf = SequenceRNNClassifier(**QUICK).fit(X, [0, 1, 0, 1])
    assert_array_equal(clf.predict_proba(X)[0], clf.predict_proba(X)[2])
    of_padded = SequenceRNNClassifier(**QUICK).fit(padded, [0, 1, 0, 1])
    assert_array_equal(of_padded.predict_proba(padded), clf.predict_proba(X))


@pytest.mark.parametrize("library", ["pandas", "polars"])
def test_empty_frames(library):
    made = pytest.importorskip(library)
    frame = made.DataFrame({"a": [1.0, 2.0, 3.0], "b": [1.0, 5.0, 3.0]})
    X = [frame[:0], frame[:2], frame[2:], frame[:0]]
    per_step = PerStep(StandardScaler())
    assert [steps.shape for steps in per_step.fit_transform(X)] == [(0, 2), (2, 2), (1, 2), (0, 2)]
    assert [steps.shape for steps in per_step.transform(X[:1])] == [(0, 2)]
    output = per_step.set_output(transform=library).fit_transform(X)
    assert [list(steps.columns) for steps in output] == [["a", "b"]] * 4
    clf = SequenceRNNClassifier(**QUICK).fit(X, [0, 1, 0, 1])
    assert_array_equal(clf.predict_proba(X)[0], clf.predict_proba(X)[3])
    assert_array_equal(clf.predict_proba(X[:1]), clf.predict_proba(X)[:1])
