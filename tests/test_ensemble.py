"""Ensembles: members are the networks fitted alone, and predictions are their means."""

import copy
import pickle

import numpy as np
import pytest
import sklearn
from numpy.testing import assert_allclose, assert_array_equal
from recipes import CONSTANT_RATE, ONE_DIRECTION
from sklearn.base import clone, is_classifier, is_regressor
from sklearn.compose import TransformedTargetRegressor
from sklearn.exceptions import ConvergenceWarning, NotFittedError, UnsetMetadataPassedError
from sklearn.model_selection import GridSearchCV, cross_val_predict, cross_val_score
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC
from sklearn.utils import get_tags
from test_onnx import SEQUENCE_TASKS, TOLERANCE, network, outputs_of, ragged, run, targets

from skrnn import (
    EnsembleClassifier,
    EnsembleRegressor,
    Gaussian,
    PerStep,
    Quantile,
    SequencePadder,
    SequenceRNNClassifier,
    SequenceRNNRegressor,
    StepRNNClassifier,
    StepRNNRegressor,
    TransformedStepTargetRegressor,
    XORMLPClassifier,
    XORMLPRegressor,
    as_sequences,
)
from skrnn._numeric.activations import log_softmax
from skrnn.callbacks import Checkpoint
from skrnn.metrics import flat_accuracy_score, flat_r2_score
from skrnn.onnx import to_onnx

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

X = ragged()
N = len(X)
KINDS = [(task, pooling) for task in SEQUENCE_TASKS for pooling in ("max", None)]
QUICK = {"hidden_layer_sizes": 3, "max_iter": 2}


def targets_of(task, pooling):
    """Make targets for X: of sequences, or without pooling of their steps."""
    rng = np.random.RandomState(0)
    if pooling is not None:
        return targets(task, N, rng)
    y = [targets(task, len(x), rng) for x in X]
    if task == "binary":
        y[1][:2] = "no", "yes"
    return y


def ensemble(task, estimator, n_estimators=3, **parameters):
    cls = EnsembleRegressor if task in ("number", "vector") else EnsembleClassifier
    return cls(estimator, n_estimators, **{"random_state": 0} | parameters)


def fitted(task, pooling, scaled=False, **parameters):
    net = network(task, pooling, **{"max_iter": 3} | ONE_DIRECTION | parameters)
    estimator = make_pipeline(PerStep(StandardScaler()), net) if scaled else net
    return ensemble(task, estimator).fit(X, targets_of(task, pooling))


def rows(values, pooling):
    return np.concatenate(values) if pooling is None else values


# Members and means ----------------------------------------------------------------------------


@pytest.mark.parametrize("scaled", [False, True])
@pytest.mark.parametrize(("task", "pooling"), KINDS)
def test_members_are_the_networks_fitted_alone(task, pooling, scaled):
    ens = fitted(task, pooling, scaled)
    y = targets_of(task, pooling)
    networks = []
    for member in ens.estimators_:
        alone = clone(member).fit(X, y)
        of_member, of_alone = (m[-1] if scaled else m for m in (member, alone))
        np.testing.assert_equal(of_member.weights_, of_alone.weights_)
        networks.append(of_member)
    assert len({net.random_state for net in networks}) == 3
    assert len({net.weights_["output"]["W"].ravel()[0] for net in networks}) == 3


@pytest.mark.parametrize("scaled", [False, True])
@pytest.mark.parametrize(("task", "pooling"), KINDS)
def test_predictions_are_means(task, pooling, scaled):
    ens = fitted(task, pooling, scaled)
    y = rows(targets_of(task, pooling), pooling)
    found = rows(ens.predict(X), pooling)
    if task in ("number", "vector"):
        of_members = np.stack([rows(m.predict(X), pooling) for m in ens.estimators_])
        assert_allclose(found, of_members.mean(axis=0), rtol=1e-12)
        mean, std = (rows(part, pooling) for part in ens.predict(X, return_std=True))
        assert_array_equal(mean, found)
        assert_allclose(std, of_members.std(axis=0), rtol=1e-9)
        assert (std > 0).all()
    else:
        of_members = np.stack([rows(m.predict_proba(X), pooling) for m in ens.estimators_])
        probabilities = of_members.mean(axis=0)
        assert_allclose(rows(ens.predict_proba(X), pooling), probabilities, rtol=1e-12)
        of_logs = rows(ens.predict_log_proba(X), pooling)
        assert_allclose(of_logs, np.log(probabilities), rtol=1e-9)
        labels = ens.classes_[probabilities.argmax(axis=1)]
        expected = (probabilities > 0.5).astype(int) if task == "multilabel" else labels
        assert_array_equal(found, expected)
    assert found.shape == y.shape
    assert found.dtype.kind == y.dtype.kind


@pytest.mark.parametrize(("task", "pooling"), KINDS)
def test_scores_are_those_of_the_estimator(task, pooling):
    """An ensemble with one member has its score, with and without weights."""
    y = targets_of(task, pooling)
    ens = ensemble(task, network(task, pooling, max_iter=3), 1).fit(X, y)
    (member,) = ens.estimators_
    weights = np.arange(N) + 1.0
    assert ens.score(X, y) == member.score(X, y)
    assert ens.score(X, y, sample_weight=weights) == member.score(X, y, sample_weight=weights)
    assert ens.score(X, y) != ens.score(X, y, sample_weight=weights)
    metric = flat_r2_score if ens._kind is EnsembleRegressor._kind else flat_accuracy_score
    if pooling is None:
        assert_allclose(ens.score(X, y), metric(y, ens.predict(X)))


@pytest.mark.parametrize("pooling", ["max", None])
@pytest.mark.parametrize("task", ["number", "vector"])
def test_quantiles(task, pooling):
    y = targets_of(task, pooling)
    net = network(task, pooling, max_iter=3, loss=Quantile((0.1, 0.5, 0.9)))
    ens = ensemble(task, net).fit(X, y)
    of_members = np.stack([rows(m.predict(X), pooling) for m in ens.estimators_])
    found = rows(ens.predict(X), pooling)
    assert_allclose(found, of_members.mean(axis=0), rtol=1e-12)
    assert (np.diff(found, axis=-1) > 0).all()
    alone = ensemble(task, net, 1).fit(X, y)
    assert alone.score(X, y) == alone.estimators_[0].score(X, y)
    assert ens.score(X, y) != alone.score(X, y)


@pytest.mark.parametrize("scaled", [False, True])
@pytest.mark.parametrize("pooling", ["max", None])
@pytest.mark.parametrize("task", ["number", "vector"])
def test_law_of_total_variance(task, pooling, scaled):
    ens = fitted(task, pooling, scaled, loss=Gaussian())
    answers = [m.predict(X, return_std=True) for m in ens.estimators_]
    means, stds = (
        np.stack([rows(part, pooling) for part in parts]) for parts in zip(*answers, strict=True)
    )
    mean, std = (rows(part, pooling) for part in ens.predict(X, return_std=True))
    assert_allclose(mean, means.mean(axis=0), rtol=1e-12)
    # The mixture of the members has the second moment of a member, averaged.
    moment = (means**2 + stds**2).mean(axis=0)
    assert_allclose(std**2, moment - mean**2, rtol=1e-9)
    assert_array_equal(rows(ens.predict(X), pooling), mean)


def test_logarithms_of_probabilities_are_finite():
    ens = EnsembleClassifier(SequenceRNNClassifier(**QUICK), 2, random_state=0)
    ens.fit(X, np.arange(N) % 3)
    raw = np.array([[2000.0, 0.0, -2000.0], [0.0, 2000.0, -1000.0]])
    for member, bias in zip(ens.estimators_, raw, strict=True):
        member.weights_["output"]["W"][...] = 0
        member.weights_["output"]["b"][...] = bias
    found = ens.predict_log_proba(X[:1])
    assert_allclose(found, [[-np.log(2), -np.log(2), log_softmax(raw)[1, 2] - np.log(2)]])
    assert (ens.predict_proba(X[:1])[0, 2]) == 0


def test_float32_stays():
    X32 = [x.astype(np.float32) for x in X]
    clf = EnsembleClassifier(SequenceRNNClassifier(**QUICK), 2).fit(X32, np.arange(N) % 3)
    assert clf.predict_proba(X32).dtype == np.float32
    assert clf.predict_log_proba(X32).dtype == np.float32
    reg = EnsembleRegressor(SequenceRNNRegressor(**QUICK), 2).fit(X32, np.arange(N))
    assert [part.dtype for part in reg.predict(X32, return_std=True)] == [np.float32] * 2


def test_sequences_without_steps():
    for task in ("multiclass", "number"):
        ens = fitted(task, None)
        first, empty = ens.predict([X[0], np.zeros((0, 3))])
        assert (len(first), len(empty)) == (len(X[0]), 0)


def test_default_estimators():
    y = np.arange(N) % 2
    clf = EnsembleClassifier(n_estimators=1).fit(X, y)
    reg = EnsembleRegressor(n_estimators=1).fit(X, y)
    assert isinstance(clf.estimators_[0], SequenceRNNClassifier)
    assert isinstance(reg.estimators_[0], SequenceRNNRegressor)
    assert clf.estimator is reg.estimator is None


def test_multilayer_perceptron():
    table, y = [[0, 0], [0, 1], [1, 0], [1, 1]], [0, 1, 1, 0]
    clf = EnsembleClassifier(XORMLPClassifier((4,)), 3, random_state=0).fit(table, y)
    assert clf.score(table, y) == 1
    assert not hasattr(clf, "step")


# Seeds and processes --------------------------------------------------------------------------


def weights_of(ens):
    return [member.weights_ for member in ens.estimators_]


def test_same_seed_gives_the_same_bits_for_any_n_jobs():
    y = np.arange(N) % 3
    clf = EnsembleClassifier(SequenceRNNClassifier(**QUICK), 3, random_state=5)
    expected = clone(clf).fit(X, y)
    for n_jobs in (1, 2, -1):
        found = clone(clf).set_params(n_jobs=n_jobs).fit(X, y)
        np.testing.assert_equal(weights_of(found), weights_of(expected))
        assert_array_equal(found.predict_proba(X), expected.predict_proba(X))
    other = clone(clf).set_params(random_state=6).fit(X, y)
    assert not np.array_equal(other.predict_proba(X), expected.predict_proba(X))


def test_a_smaller_ensemble_has_the_first_members():
    y = np.arange(N) % 3
    clf = EnsembleClassifier(SequenceRNNClassifier(**QUICK), 5, random_state=5).fit(X, y)
    smaller = clone(clf).set_params(n_estimators=3).fit(X, y)
    np.testing.assert_equal(weights_of(smaller), weights_of(clf)[:3])


def test_every_random_state_of_a_pipeline_is_set():
    from sklearn.decomposition import PCA

    pipe = make_pipeline(PerStep(PCA(2, random_state=1)), SequenceRNNClassifier(**QUICK))
    clf = EnsembleClassifier(pipe, 2, random_state=0).fit(X, np.arange(N) % 3)
    names = [name for name in pipe.get_params() if name.endswith("random_state")]
    seeds = [member.get_params()[name] for member in clf.estimators_ for name in names]
    assert len(names) == 2
    assert len({*seeds, 1}) == 5
    assert pipe.get_params()["perstep__transformer__random_state"] == 1


# Parameters of fit ----------------------------------------------------------------------------


def test_weights_and_validation_data_reach_the_members():
    y, weights = np.arange(N) % 3, np.arange(N) + 1.0
    net = SequenceRNNClassifier(**QUICK, class_weight="balanced")
    clf = EnsembleClassifier(net, 2, random_state=0)
    clf.fit(X, y, sample_weight=weights, X_val=X[:5], y_val=y[:5])
    for member in clf.estimators_:
        assert len(member.validation_scores_) == 2
        alone = clone(member).fit(X, y, weights)
        np.testing.assert_equal(alone.weights_, member.weights_)
        unweighted = clone(member).fit(X, y)
        assert not np.array_equal(
            unweighted.weights_["output"]["W"], member.weights_["output"]["W"]
        )
    pipe = make_pipeline(PerStep(StandardScaler()), net)
    clf = EnsembleClassifier(pipe, 2, random_state=0)
    clf.fit(X, y, sequencernnclassifier__sample_weight=weights)
    alone = clone(clf.estimators_[0]).fit(X, y, sequencernnclassifier__sample_weight=weights)
    np.testing.assert_equal(alone[-1].weights_, clf.estimators_[0][-1].weights_)
    with pytest.raises(ValueError, match=r"Pass fit\(X, y, sequencernnclassifier__sample_weight="):
        clf.fit(X, y, sample_weight=weights)


@pytest.mark.parametrize("method", ["fit", "partial_fit"])
def test_metadata_routing(method):
    y, weights = np.arange(N) % 3, np.arange(N) + 1.0
    net = SequenceRNNClassifier(**QUICK)
    extra = {"classes": [0, 1, 2]} if method == "partial_fit" else {}
    expected = EnsembleClassifier(net, 2, random_state=0)
    getattr(expected, method)(X, y, sample_weight=weights, **extra)
    with sklearn.config_context(enable_metadata_routing=True):
        clf = EnsembleClassifier(clone(net), 2, random_state=0)
        with pytest.raises(UnsetMetadataPassedError, match=r"\[sample_weight\] are passed"):
            getattr(clf, method)(X, y, sample_weight=weights, **extra)
        net.set_fit_request(sample_weight=True).set_partial_fit_request(sample_weight=True)
        clf = EnsembleClassifier(net, 2, random_state=0)
        getattr(clf, method)(X, y, sample_weight=weights, **extra)
    np.testing.assert_equal(weights_of(clf), weights_of(expected))


def test_metadata_routing_of_a_search():
    y, weights = np.arange(N) % 3, np.arange(N) + 1.0
    with sklearn.config_context(enable_metadata_routing=True):
        net = SequenceRNNClassifier(**QUICK).set_fit_request(sample_weight=True)
        clf = EnsembleClassifier(net, 2, random_state=0).set_score_request(sample_weight=True)
        assert not hasattr(clf, "set_fit_request")
        search = GridSearchCV(clf, {"n_estimators": [2]}, cv=2).fit(X, y, sample_weight=weights)
    expected = clone(clf).fit(X, y, sample_weight=weights)
    np.testing.assert_equal(weights_of(search.best_estimator_), weights_of(expected))


# Training in parts ----------------------------------------------------------------------------


@pytest.mark.parametrize("n_jobs", [None, 2])
@pytest.mark.parametrize(("task", "pooling"), [("binary", "max"), ("number", None)])
def test_partial_fit(task, pooling, n_jobs):
    y, weights = targets_of(task, pooling), np.arange(N) + 1.0
    ens = ensemble(task, network(task, pooling), 2, n_jobs=n_jobs)
    first = {"classes": ["no", "yes"]} if task == "binary" else {}
    ens.partial_fit(X, y, **first)
    alone = [clone(member).partial_fit(X, y, **first) for member in ens.estimators_]
    ens.partial_fit(X, y, weights)
    for member, other in zip(ens.estimators_, alone, strict=True):
        np.testing.assert_equal(member.weights_, other.partial_fit(X, y, weights).weights_)


def test_partial_fit_is_available_if_the_members_have_it():
    net = SequenceRNNClassifier(**QUICK, solver="lbfgs")
    with pytest.raises(AttributeError, match="has no attribute 'partial_fit'") as caught:
        EnsembleClassifier(net).partial_fit(X, np.arange(N) % 3)
    reason = caught.value.__cause__.__cause__
    assert str(reason) == "partial_fit is not available with solver='lbfgs'."
    assert not hasattr(EnsembleRegressor(make_pipeline(SequenceRNNRegressor())), "partial_fit")


# Errors ---------------------------------------------------------------------------------------


WRONG = {
    "numbers for classes": (EnsembleClassifier, SequenceRNNRegressor(), "predicts classes"),
    "classes for numbers": (EnsembleRegressor, StepRNNClassifier(), "predicts numbers"),
    "of scikit-learn": (EnsembleClassifier, SVC(), r"estimator is SVC\(\)"),
    "transformer at the end": (
        EnsembleClassifier,
        make_pipeline(SequencePadder(flat=True), SVC()),
        "a pipeline that ends in one",
    ),
    "empty pipeline": (EnsembleRegressor, Pipeline([]), r"Got Pipeline\(steps=\[\]\)"),
    "transformed targets": (
        EnsembleRegressor,
        TransformedTargetRegressor(SequenceRNNRegressor()),
        "needs a network of skrnn that predicts numbers",
    ),
    "no estimator": (EnsembleRegressor, "gru", "The 'estimator' parameter of EnsembleRegressor"),
    "class": (EnsembleClassifier, SequenceRNNClassifier, "estimator is <class '"),
}


@pytest.mark.parametrize("case", WRONG)
def test_estimators_that_are_no_networks(case):
    cls, estimator, message = WRONG[case]
    with pytest.raises(ValueError, match=message):
        cls(estimator).fit(X, np.arange(N) % 2)


@pytest.mark.parametrize(
    ("name", "value"), [("n_estimators", 0), ("n_jobs", "two"), ("random_state", "seed")]
)
def test_parameters_that_are_wrong(name, value):
    clf = EnsembleClassifier(SequenceRNNClassifier(**QUICK)).set_params(**{name: value})
    with pytest.raises(ValueError, match=f"The '{name}' parameter of EnsembleClassifier must be"):
        clf.fit(X, np.arange(N) % 2)


def test_before_fit():
    clf, reg = EnsembleClassifier(), EnsembleRegressor()
    calls = [
        *(getattr(clf, name) for name in ("predict", "predict_proba", "predict_log_proba")),
        *(lambda X, e=e: e.score(X, np.zeros(N)) for e in (clf, reg)),
        reg.predict,
        lambda X: reg.predict(X, return_std=True),
        lambda X: clf.initial_state(),
        lambda X: clf.step(X[0][0], ()),
    ]
    for call in calls:
        with pytest.raises(NotFittedError, match="instance is not fitted yet"):
            call(X)
    with pytest.raises(NotFittedError, match="EnsembleClassifier instance is not fitted yet"):
        to_onnx(clf)
    for name in ("classes_", "n_features_in_", "feature_names_in_", "estimators_"):
        assert not hasattr(clf, name)


class FailsInMember:
    """A callback that raises an error in the first epoch of the n-th fit."""

    def __init__(self, n, error):
        self.left, self.error = n, error

    def __deepcopy__(self, memo):
        return self

    def setup(self, estimator, context):
        self.left -= 1

    def teardown(self, estimator, context): ...

    def on_fit_task_begin(self, estimator, context): ...

    def on_fit_task_end(self, estimator, context):
        if self.left == 0:
            raise self.error
        return False


@pytest.mark.parametrize("error", [RuntimeError("no more power"), KeyboardInterrupt()], ids=repr)
@pytest.mark.parametrize("method", ["fit", "partial_fit"])
def test_an_error_in_a_member_leaves_the_ensemble_unchanged(method, error):
    """Ctrl-C ends the loop over the members, as it ends a search."""
    y = np.arange(N) % 3
    clf = EnsembleClassifier(SequenceRNNClassifier(**QUICK), 3, random_state=0).fit(X, y)
    before = copy.deepcopy(clf)
    failing = FailsInMember(2, error)
    clf.estimator.set_callbacks(failing)
    for member in clf.estimators_:
        member.set_callbacks(failing)
    members = list(clf.estimators_)
    with pytest.raises(type(error)):
        getattr(clf, method)(X, y)
    assert failing.left == 0
    assert clf.estimators_ == members
    np.testing.assert_equal(weights_of(clf), weights_of(before))
    assert [m.t_ for m in clf.estimators_] == [m.t_ for m in before.estimators_]
    np.testing.assert_equal(
        [m._optimizer_state for m in clf.estimators_],
        [m._optimizer_state for m in before.estimators_],
    )


def test_bad_data_leave_the_ensemble_unchanged():
    y = np.arange(N) % 3
    clf = EnsembleClassifier(SequenceRNNClassifier(**QUICK), 2, random_state=0).fit(X, y)
    before = clf.predict_proba(X)
    with pytest.raises(ValueError, match="X contains NaN at step 0 of sequence 0"):
        clf.fit([np.full((2, 3), np.nan)] * 2, [0, 1])
    with pytest.raises(ValueError, match="X holds 17 sequences, but y holds 16 targets"):
        clf.partial_fit(X, y[:-1])
    assert_array_equal(clf.predict_proba(X), before)


# Streams --------------------------------------------------------------------------------------


@pytest.mark.parametrize(("task", "pooling"), KINDS)
def test_streams_give_the_predictions(task, pooling):
    ens = fitted(task, pooling)
    predict = ens.predict if task in ("number", "vector") else ens.predict_proba
    steps = np.stack([x[:2] for x in X if len(x) > 1])
    state = ens.initial_state(len(steps))
    for t in (1, 2):
        found, state = ens.step(steps[:, t - 1], state)
        expected = predict(list(steps[:, :t]))
        expected = np.stack([of_one[-1] for of_one in expected]) if pooling is None else expected
        assert found.shape == expected.shape
        assert_allclose(found, expected, rtol=1e-10)


def test_states_of_streams():
    ens = fitted("number", "max")
    state = ens.initial_state()
    stored = pickle.loads(pickle.dumps(state))
    found = ens.step(X[1][0], state)[0]
    assert_array_equal(ens.step(X[1][0], stored)[0], found)
    for wrong in (state[:2], list(state), None):
        with pytest.raises(ValueError, match="state must be a tuple of 3 states"):
            ens.step(X[1][0], wrong)
    with pytest.raises(ValueError, match="state must be a tuple of 3 states"):
        ens.step(X[1][0], state[0])
    with pytest.raises(ValueError, match="n_streams must be an integer >= 1, got 0"):
        ens.initial_state(0)
    assert not hasattr(fitted("number", "max", scaled=True), "step")
    assert not hasattr(fitted("number", "max", scaled=True), "initial_state")
    bidirectional = fitted("number", "max", bidirectional=True)
    with pytest.raises(ValueError, match="Streams need bidirectional=False"):
        bidirectional.initial_state()


# In scikit-learn ------------------------------------------------------------------------------


def test_tags_are_those_of_the_estimator():
    for net in (SequenceRNNClassifier(), StepRNNClassifier(), XORMLPClassifier()):
        assert is_classifier(EnsembleClassifier(net)) == is_classifier(net)
    for net in (SequenceRNNRegressor(), StepRNNRegressor(), XORMLPRegressor()):
        assert is_regressor(EnsembleRegressor(net)) == is_regressor(net)
        assert get_tags(EnsembleRegressor(net)).target_tags.multi_output
    assert is_classifier(EnsembleClassifier(make_pipeline(SequenceRNNClassifier())))
    assert get_tags(EnsembleClassifier()).transformer_tags is None


def test_search_and_cross_validation_over_ragged_sequences():
    y = np.resize(["no", "yes"], N)
    clf = EnsembleClassifier(SequenceRNNClassifier(**QUICK), 2, random_state=0)
    search = GridSearchCV(clf, {"estimator__hidden_layer_sizes": [2, 4]}, cv=2).fit(X, y)
    hidden = search.best_params_["estimator__hidden_layer_sizes"]
    weights = search.best_estimator_.estimators_[0].weights_
    assert weights["recurrent_0"]["b_rec"].shape == (hidden,)
    assert weights["output"]["W"].shape[1] == 1
    assert cross_val_score(clf, X, y, cv=2, scoring="roc_auc").shape == (2,)
    tagger = EnsembleClassifier(StepRNNClassifier(**QUICK), 2, random_state=0)
    tags = [np.arange(len(x)) % 2 for x in X]
    assert cross_val_score(tagger, X, tags, cv=2).shape == (2,)
    assert [len(p) for p in cross_val_predict(tagger, X, tags, cv=2)] == [len(x) for x in X]


def test_names_and_numbers_of_features():
    pd = pytest.importorskip("pandas")
    frames = [pd.DataFrame(x, columns=["a", "b", "c"]) for x in X]
    clf = EnsembleClassifier(SequenceRNNClassifier(**QUICK), 2).fit(frames, np.arange(N) % 2)
    assert (clf.n_features_in_, list(clf.feature_names_in_)) == (3, ["a", "b", "c"])
    with pytest.raises(ValueError, match="must be in the same order"):
        clf.predict([frame[["b", "a", "c"]] for frame in frames])
    clf.fit(X, np.arange(N) % 2)
    assert not hasattr(clf, "feature_names_in_")


def test_transformed_targets():
    y = targets_of("number", "max")
    ens = EnsembleRegressor(SequenceRNNRegressor(**QUICK), 2, random_state=0)
    outer = TransformedTargetRegressor(ens, func=np.log, inverse_func=np.exp).fit(X, y)
    assert_allclose(outer.predict(X), np.exp(clone(ens).fit(X, np.log(y)).predict(X)))
    y = targets_of("number", None)
    ens = EnsembleRegressor(StepRNNRegressor(**QUICK), 2, random_state=0)
    outer = TransformedStepTargetRegressor(ens, transformer=StandardScaler()).fit(X, y)
    assert [len(p) for p in outer.predict(X)] == [len(x) for x in X]


def test_checkpoints_of_members(tmp_path):
    """In a folder, each member has a file of its own, and is loaded from it."""
    y = np.arange(N) % 3
    net = SequenceRNNClassifier(**QUICK).set_callbacks(Checkpoint(tmp_path))
    clf = EnsembleClassifier(net, 3, random_state=0).fit(X, y)
    assert len(list(tmp_path.iterdir())) == 3
    np.testing.assert_equal(weights_of(clone(clf).fit(X, y)), weights_of(clf))


def test_warnings_of_members_are_shown():
    net = SequenceRNNClassifier(**QUICK, **CONSTANT_RATE)
    clf = EnsembleClassifier(net, 2, random_state=0)
    with pytest.warns(ConvergenceWarning, match="Maximum iterations"):
        clf.fit(X, np.arange(N) % 3)


# Saving and exporting -------------------------------------------------------------------------


@pytest.mark.parametrize("scaled", [False, True])
@pytest.mark.parametrize(("task", "pooling"), [("multiclass", "max"), ("number", None)])
def test_saving(task, pooling, scaled):
    skops_io = pytest.importorskip("skops.io")
    ens = fitted(task, pooling, scaled)
    dumped = skops_io.dumps(ens)
    own = {type(ens), type(network(task, pooling)), *([PerStep] if scaled else [])}
    names = sorted(f"{cls.__module__}.{cls.__name__}" for cls in own)
    assert sorted(skops_io.get_untrusted_types(data=dumped)) == names
    for loaded in (skops_io.loads(dumped, trusted=names), pickle.loads(pickle.dumps(ens))):
        assert_array_equal(
            rows(loaded.predict(X), pooling),
            rows(ens.predict(X), pooling),
        )


@pytest.mark.parametrize("scaled", [False, True])
@pytest.mark.parametrize("lengths", ["input", "nan"])
@pytest.mark.parametrize(("task", "pooling"), KINDS)
def test_exported_ensembles_give_the_predictions(task, pooling, lengths, scaled):
    ens = fitted(task, pooling, scaled)
    outputs = outputs_of(to_onnx(ens, lengths=lengths), X)
    assert list(outputs) == (
        ["variable"] if task in ("number", "vector") else ["label", "probabilities"]
    )
    for name, given in outputs.items():
        expected = ens.predict_proba(X) if name == "probabilities" else ens.predict(X)
        if pooling is None:
            expected = np.concatenate(expected)
            given = np.concatenate([of_one[: len(x)] for of_one, x in zip(given, X, strict=True)])
        if name == "label":
            assert_array_equal(given, expected)
        else:
            assert np.abs(given - expected.reshape(given.shape)).max() < TOLERANCE


def test_export_of_ensembles_inside_and_around_pipelines():
    y = np.resize(["no", "yes"], N)
    net = SequenceRNNClassifier(**QUICK)
    inner = make_pipeline("passthrough", make_pipeline(PerStep(StandardScaler())), net)
    clf = EnsembleClassifier(net, 2, random_state=0)
    for estimator in (
        make_pipeline(PerStep(StandardScaler()), clf),
        make_pipeline(SequencePadder(), EnsembleClassifier(inner, 2, random_state=0)),
        GridSearchCV(clf, {"n_estimators": [2]}, cv=2),
    ):
        outputs = outputs_of(to_onnx(estimator.fit(X, y)), X)
        assert np.abs(outputs["probabilities"] - estimator.predict_proba(X)).max() < TOLERANCE
        assert_array_equal(outputs["label"], estimator.predict(X))


def test_export_of_tables():
    table = np.random.RandomState(0).normal(size=(30, 4))
    clf = EnsembleClassifier(XORMLPClassifier((4,), max_iter=5), 2, random_state=0)
    clf.fit(table, np.arange(30) % 3)
    outputs = run(to_onnx(clf), {"X": table.astype(np.float32)})
    assert np.abs(outputs["probabilities"] - clf.predict_proba(table)).max() < TOLERANCE


def test_export_of_quantiles_and_means():
    for loss in (Quantile((0.1, 0.9)), Gaussian()):
        ens = fitted("vector", "max", loss=loss)
        given = outputs_of(to_onnx(ens), X)["variable"]
        assert np.abs(given - ens.predict(X)).max() < TOLERANCE


def test_pipelines_that_cannot_be_exported():
    padded = as_sequences(X).to_padded()
    table = np.nan_to_num(padded.reshape(N, -1))
    pipe = make_pipeline(
        PerStep(StandardScaler()), StandardScaler(), SequenceRNNClassifier(**QUICK)
    )
    clf = EnsembleClassifier(pipe, 2).fit(table, np.arange(N) % 2)
    with pytest.raises(ValueError, match="StandardScaler follows PerStep, which outputs sequences"):
        to_onnx(clf)
