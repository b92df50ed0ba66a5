"""Validation data, partial_fit, initial weights, learning rates, solvers and callbacks."""

import copy
import gc
import io
import os
import weakref
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from recipes import CONSTANT_RATE, LAST_STATE, PLAIN
from sklearn import config_context
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import log_loss
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler

from skrnn import (
    LBFGS,
    SGD,
    Adam,
    PerStep,
    SequenceRNNClassifier,
    SequenceRNNRegressor,
    StepRNNClassifier,
    StepRNNRegressor,
)
from skrnn._numeric import optimizers
from skrnn._numeric.initializers import glorot_bound
from skrnn.metrics import flat_accuracy_scorer, flat_r2_scorer

RNG = np.random.RandomState(0)
LENGTHS = [3, 1, 4, 2, 5, 1, 3, 2, 4, 5, 2, 3]
N = len(LENGTHS)
X = [RNG.normal(size=(length, 2)) for length in LENGTHS]
X_VAL = [RNG.normal(size=(length, 2)) for length in (2, 4, 1, 3, 3)]
KINDS = {  # estimator, targets of sequences
    "labels": (SequenceRNNClassifier, lambda X: np.array([int(x[0, 0] > 0) for x in X])),
    "numbers": (SequenceRNNRegressor, lambda X: np.array([x[:, 0].sum() for x in X])),
    "step labels": (StepRNNClassifier, lambda X: [np.digitize(x[:, 0], [-0.4, 0.4]) for x in X]),
    "step numbers": (StepRNNRegressor, lambda X: [x.cumsum(axis=0) for x in X]),
}
Y = {kind: targets(X) for kind, (_, targets) in KINDS.items()}
Y_VAL = {kind: targets(X_VAL) for kind, (_, targets) in KINDS.items()}
SOLVERS = ["adam", "sgd", "lbfgs"]
every_kind = pytest.mark.parametrize("kind", KINDS)
every_solver = pytest.mark.parametrize("solver", SOLVERS)

# Most runs here end at a small `max_iter` on purpose.
pytestmark = [
    pytest.mark.filterwarnings("ignore:Maximum iterations"),
    pytest.mark.filterwarnings("ignore:L-BFGS evaluated"),
]


def make(kind, **params):
    defaults = {"hidden_layer_sizes": 3, "max_iter": 5, "batch_size": 32, "random_state": 0}
    defaults |= CONSTANT_RATE
    if "step" not in kind:
        defaults |= LAST_STATE
    if kind == "numbers":
        defaults |= PLAIN
    return KINDS[kind][0](**{**defaults, **params})


def weights(estimator):
    return [array for layer in estimator.weights_.values() for array in layer.values()]


def assert_equal_weights(actual, expected, tol=0.0):
    for a, e in zip(weights(actual), weights(expected), strict=True):
        assert_allclose(a, e, rtol=0, atol=tol)


def differ(one, other):
    return any((a != b).any() for a, b in zip(weights(one), weights(other), strict=True))


class Callback:
    """A callback that does nothing."""

    def setup(self, estimator, context):
        pass

    def teardown(self, estimator, context):
        pass

    def on_fit_task_begin(self, estimator, context):
        pass

    def on_fit_task_end(self, estimator, context):
        return False


class Snapshots(Callback):
    """A callback that keeps a fitted copy of the estimator after each epoch."""

    def __init__(self):
        self.fitted = []

    def on_fit_task_end(self, estimator, context, *, fitted_estimator=None):
        if context.task_name == "epoch":
            self.fitted.append(fitted_estimator)
        return False


# Validation data


def check_validation(kind, snapshots, estimator, weight=None):
    """Compare the validation curves with the scores and losses of the snapshots."""
    args = (X_VAL, Y_VAL[kind], weight)
    assert len(snapshots) == estimator.n_iter_
    assert_allclose(estimator.validation_scores_, [each.score(*args) for each in snapshots])
    steps = [1 if "step" not in kind else len(x) for x in X_VAL]
    rows = np.repeat(np.ones(len(X_VAL)) if weight is None else weight, steps)
    losses = []
    for each in snapshots:
        if "labels" in kind:
            truth, predicted = Y_VAL[kind], each.predict_proba(X_VAL)
            if "step" in kind:
                truth, predicted = np.concatenate(truth), np.concatenate(list(predicted))
            losses.append(log_loss(truth, predicted, sample_weight=rows, labels=each.classes_))
        else:
            variance = np.concatenate(Y[kind]).var(axis=0) if "step" in kind else Y[kind].var()
            errors = [
                np.reshape((predicted - truth) ** 2 / 2 / variance, (n_rows, -1))
                for predicted, truth, n_rows in zip(
                    each.predict(X_VAL), args[1], steps, strict=True
                )
            ]
            errors = np.concatenate(errors)
            losses.append(np.average(errors.sum(axis=1), weights=rows))
    assert_allclose(estimator.validation_loss_curve_, losses)
    assert estimator.best_validation_score_ == max(estimator.validation_scores_)


@every_kind
@every_solver
@pytest.mark.parametrize("weight", [None, np.arange(1.0, 6.0)])
def test_validation_curves(kind, solver, weight):
    estimator, snapshots = make(kind, solver=solver), Snapshots()
    estimator.set_callbacks(snapshots)
    given = {"X_val": X_VAL, "y_val": Y_VAL[kind], "sample_weight_val": weight}
    estimator.fit(X, Y[kind], **given)
    check_validation(kind, snapshots.fitted, estimator, weight)


@every_kind
@pytest.mark.parametrize("solver", ["adam", "sgd"])
def test_early_stopping_by_validation_data(kind, solver):
    estimator = make(kind, solver=solver, early_stopping=True, n_iter_no_change=3, max_iter=200)
    snapshots = Snapshots()
    estimator.set_params(learning_rate_init=0.1).set_callbacks(snapshots)
    estimator.fit(X, Y[kind], X_val=X_VAL, y_val=Y_VAL[kind])
    check_validation(kind, snapshots.fitted, estimator)
    best = int(np.argmin(estimator.validation_loss_curve_))
    assert_equal_weights(estimator, snapshots.fitted[best])
    assert estimator.score(X_VAL, Y_VAL[kind]) == pytest.approx(estimator.validation_scores_[best])
    assert estimator.best_loss_ is None
    assert estimator.t_ == estimator.n_iter_ * N  # nothing was held out


@every_kind
@every_solver
def test_validation_data_alone_do_not_change_the_fit(kind, solver):
    options = {"max_iter": 30, "n_iter_no_change": 2, "learning_rate_init": 0.05}
    estimator = make(kind, solver=solver, **options)
    without = clone(estimator).fit(X, Y[kind])
    validated = estimator.fit(X, Y[kind], X_val=X_VAL, y_val=Y_VAL[kind])
    assert validated.loss_curve_ == without.loss_curve_
    assert_equal_weights(validated, without)
    assert validated.best_loss_ == without.best_loss_
    assert len(validated.validation_scores_) == validated.n_iter_


@every_kind
def test_validation_data_in_single_precision(kind):
    estimator = make(kind, early_stopping=True)
    estimator.fit([np.float32(x) for x in X], Y[kind], X_val=X_VAL, y_val=Y_VAL[kind])
    assert {array.dtype for array in weights(estimator)} == {np.dtype(np.float32)}


INCONSISTENT = r"Found input variables with inconsistent numbers of samples: \[4, 5\]"
BAD_VALIDATION_DATA = {  # arguments of fit, and the message for sequences and for steps
    "no y_val": (lambda y: {"X_val": X_VAL}, "X_val and y_val go together"),
    "no X_val": (lambda y: {"y_val": y}, "X_val and y_val go together"),
    "weights only": (lambda y: {"sample_weight_val": np.ones(5)}, "X_val and y_val go together"),
    "fewer sequences": (
        lambda y: {"X_val": X_VAL[:-1], "y_val": y},
        "X holds 4 sequences, but y holds 5 targets",
        INCONSISTENT,
    ),
    "fewer features": (
        lambda y: {"X_val": [x[:, :1] for x in X_VAL], "y_val": y},
        "X has 1 features per step, but .* is expecting 2 features per step",
    ),
    "fewer weights": (
        lambda y: {"X_val": X_VAL, "y_val": y, "sample_weight_val": np.ones(4)},
        r"sample_weight.shape == \(4,\), expected \(5,\)",
        INCONSISTENT,
    ),
    "negative weights": (
        lambda y: {"X_val": X_VAL, "y_val": y, "sample_weight_val": -np.ones(5)},
        "Negative values in data passed to `sample_weight`",
    ),
    "zero weights": (
        lambda y: {"X_val": X_VAL, "y_val": y, "sample_weight_val": np.zeros(5)},
        "at least one non-zero number|sample_weight is zero for every sample",
    ),
}


@every_kind
@pytest.mark.parametrize("case", BAD_VALIDATION_DATA)
def test_bad_validation_data_leave_the_estimator_unchanged(kind, case):
    args, *messages = BAD_VALIDATION_DATA[case]
    estimator = make(kind).fit(X, Y[kind])
    before = dict(vars(estimator))
    with pytest.raises(ValueError, match=messages[-1 if "step" in kind else 0]):
        estimator.fit(X, Y[kind], **args(Y_VAL[kind]))
    assert vars(estimator) == before


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        ("labels", "y holds an array for each sample"),
        ("numbers", "y holds an array for each sample"),
        ("step labels", r"y has classes \['new'\] that are not among \[0, 1, 2\]"),
        ("step numbers", "y holds text, such as 'new', but a regressor needs numbers"),
    ],
)
def test_bad_validation_targets_are_refused(kind, message):
    with pytest.raises(ValueError, match=f"In the validation data X_val and y_val: {message}"):
        make(kind).fit(X, Y[kind], X_val=X_VAL, y_val=[["new"] * len(x) for x in X_VAL])


def test_unknown_classes_in_validation_data_are_refused():
    with pytest.raises(
        ValueError, match=r"validation data .*: y has classes \[7\] that are not among \[0, 1\]"
    ):
        make("labels").fit(X, Y["labels"], X_val=X_VAL, y_val=[0, 1, 7, 0, 1])


@every_kind
def test_validation_data_pass_through_a_pipeline(kind):
    scale = PerStep(StandardScaler())
    scaled, scaled_val = scale.fit_transform(X), scale.transform(X_VAL)
    expected = make(kind, early_stopping=True)
    expected.fit(scaled, Y[kind], X_val=scaled_val, y_val=Y_VAL[kind])
    with config_context(enable_metadata_routing=True):
        estimator = make(kind, early_stopping=True).set_fit_request(X_val=True, y_val=True)
        pipeline = Pipeline([("scale", scale), ("net", estimator)], transform_input=["X_val"])
        pipeline.fit(X, Y[kind], X_val=X_VAL, y_val=Y_VAL[kind])
        weighted = make(kind).set_fit_request(sample_weight=True, sample_weight_val=True)
        routed = weighted.get_metadata_routing().fit.requests
    assert routed["sample_weight"] is routed["sample_weight_val"] is True
    assert pipeline["net"].validation_scores_ == expected.validation_scores_
    assert_equal_weights(pipeline["net"], expected)


# partial_fit


def unscaled(kind):
    """Parameters with which a fit that continues is exact: standardization rounds the weights."""
    return {"normalize_y": False} if "numbers" in kind else {}


def first_classes(kind):
    return {"labels": {"classes": [0, 1]}, "step labels": {"classes": [0, 1, 2]}}.get(kind, {})


@every_kind
@pytest.mark.parametrize("solver", ["adam", "sgd", Adam(beta_1=0.5), SGD(momentum=0.5)])
def test_two_partial_fits_are_two_epochs(kind, solver):
    exact = {"solver": solver, **unscaled(kind)}
    whole = make(kind, max_iter=2, **exact).fit(X, Y[kind])
    assert whole.loss_curve_[1] < whole.loss_curve_[0]
    in_parts = make(kind, **exact).partial_fit(X, Y[kind], **first_classes(kind))
    assert (in_parts.n_iter_, in_parts.t_) == (1, N)
    alone = make(kind, init=in_parts.weights_, **exact).partial_fit(
        X, Y[kind], **first_classes(kind)
    )
    assert in_parts.partial_fit(X, Y[kind]) is in_parts
    assert_equal_weights(in_parts, whole)
    assert in_parts.loss_curve_ == whole.loss_curve_
    assert in_parts.t_ == 2 * N
    assert differ(alone, in_parts)  # the state of the solver continues too


@every_kind
def test_batches_of_any_size(kind):
    estimator, sizes = make(kind, learning_rate_init=0.05), []
    for n in (1, 3, 7, N, N):
        classes = first_classes(kind) if not sizes else {}
        estimator.partial_fit(X[:n], Y[kind][:n], **classes)
        sizes.append(n)
        assert estimator.t_ == sum(sizes)
        assert len(estimator.loss_curve_) == len(sizes)
        assert len(estimator.predict(X)) == N
    if "labels" in kind:
        assert estimator.classes_.tolist() == list(first_classes(kind)["classes"])


@pytest.mark.parametrize("kind", ["labels", "step labels"])
def test_classes_in_the_first_call(kind):
    with pytest.raises(ValueError, match="classes must be passed on the first call"):
        make(kind).partial_fit(X, Y[kind])
    estimator = make(kind).partial_fit(X[:1], Y[kind][:1], classes=[2, 0, 1])
    assert estimator.classes_.tolist() == [0, 1, 2]
    estimator.partial_fit(X, Y[kind], classes=[0, 1, 2])
    for classes in ([0, 1], [0, 1, 2, 3]):
        with pytest.raises(
            ValueError, match=r"classes=\[.*\] is not the same as in the first call of partial_fit"
        ):
            estimator.partial_fit(X, Y[kind], classes=classes)


@every_kind
def test_partial_fit_after_fit(kind):
    estimator = make(kind, **unscaled(kind)).fit(X, Y[kind])
    loss = estimator.loss_
    assert estimator.partial_fit(X, Y[kind]).loss_ < loss
    assert estimator.t_ == 6 * N
    longer = make(kind, max_iter=6, **unscaled(kind)).fit(X, Y[kind])
    assert_equal_weights(estimator, longer)


@every_kind
def test_partial_fit_needs_a_solver_with_batches(kind):
    for solver in ("lbfgs", LBFGS()):
        assert not hasattr(make(kind, solver=solver), "partial_fit")
    with pytest.raises(ValueError, match="partial_fit does not support early_stopping=True"):
        make(kind, early_stopping=True).partial_fit(X, Y[kind], **first_classes(kind))


@every_kind
def test_partial_fit_with_another_solver(kind):
    estimator = make(kind, solver="adam", alpha=0.01).fit(X, Y[kind])
    changed = {"solver": "sgd", "init": estimator.weights_, "max_iter": 1}
    expected = make(kind, alpha=0.01, **changed).fit(X, Y[kind])
    assert_equal_weights(estimator.set_params(solver="sgd").partial_fit(X, Y[kind]), expected)


@pytest.mark.parametrize("solver", ["adam", "sgd"])
def test_a_failed_partial_fit_leaves_the_estimator_unchanged(solver):
    class Failing(Callback):
        def on_fit_task_end(self, estimator, context):
            raise RuntimeError("no more disk space")

    kind = "numbers"
    estimator = make(kind, solver=solver).partial_fit(X, Y[kind])
    expected = copy.deepcopy(estimator).partial_fit(X, Y[kind])
    estimator.set_callbacks(Failing())
    with pytest.raises(RuntimeError, match="no more disk space"):
        estimator.partial_fit(X, Y[kind])
    assert_equal_weights(estimator.set_callbacks().partial_fit(X, Y[kind]), expected)


@every_kind
@pytest.mark.parametrize("learning_rate", ["constant", "invscaling"])
def test_warm_start_continues(kind, learning_rate):
    options = {"solver": SGD(momentum=0), "learning_rate": learning_rate, **unscaled(kind)}
    estimator = make(kind, warm_start=True, max_iter=2, **options)
    whole = make(kind, max_iter=4, **options).fit(X, Y[kind])
    estimator.fit(X, Y[kind]).fit(X, Y[kind])
    assert estimator.loss_curve_ == whole.loss_curve_
    assert_equal_weights(estimator, whole)
    fresh = estimator.set_params(warm_start=False).fit(X, Y[kind])
    assert_equal_weights(fresh, make(kind, max_iter=2, **options).fit(X, Y[kind]))


# Initial weights

STILL = {"max_iter": 1, "learning_rate_init": 1e-12}


@every_kind
@pytest.mark.parametrize("cell", ["rnn", "gru", "lstm"])
@pytest.mark.parametrize("solver", ["adam", "sgd"])
def test_given_weights(kind, cell, solver):
    params = {"cell": cell, "hidden_layer_sizes": (3, 2), "bidirectional": True, "solver": solver}
    source = make(kind, **params).fit(X, Y[kind])
    kept = copy.deepcopy(source.weights_)
    target = make(kind, init=source.weights_, random_state=1, **{**params, **STILL})
    assert_equal_weights(target.fit(X, Y[kind]), source, 1e-10)
    target.set_params(learning_rate_init=0.01, max_iter=3).fit(X, Y[kind])
    assert differ(target, source)
    np.testing.assert_equal(source.weights_, kept)
    np.testing.assert_equal(target.init, kept)
    in_clone = clone(target).fit(X, Y[kind])
    assert_equal_weights(in_clone, target)


def test_weights_of_another_estimator():
    source = make("labels").fit(X, Y["labels"])
    regressor = make("numbers", init=source.weights_, **STILL).fit(X, Y["numbers"])
    assert_allclose(regressor.predict(X), source.decision_function(X), atol=1e-9)
    steps = make("step numbers", init=source.weights_, **STILL)
    steps.fit(X, [t[:, 0] for t in Y["step numbers"]])
    last = [of_sequence[-1] for of_sequence in steps.predict(X)]
    assert_allclose(last, source.decision_function(X), atol=1e-9)
    in_single = make("labels", init=source.weights_, **STILL)
    in_single.fit([np.float32(x) for x in X], Y["labels"])
    assert_equal_weights(in_single, source, 1e-6)
    assert weights(in_single)[0].dtype == np.float32


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda w: w.pop("output"), r"The weights of output\['W'\] are missing"),
        (
            lambda w: w["recurrent_0"].pop("U"),
            r"The weights of recurrent_0\['U'\] are missing",
        ),
        (
            lambda w: w.update(other={"W": np.ones(2)}),
            r"given for other\['W'\], which the network does not have",
        ),
        (
            lambda w: w["output"].update(W=np.ones((4, 1))),
            r"shape \(4, 1\), but the network needs \(3, 1\)",
        ),
        (lambda w: w["output"].update(extra=np.ones(1)), r"given for output\['extra'\], which the"),
    ],
)
def test_weights_of_other_shapes_are_refused(change, message):
    given = copy.deepcopy(make("labels").fit(X, Y["labels"]).weights_)
    change(given)
    estimator = make("labels", init=given)
    with pytest.raises(ValueError, match=message):
        estimator.fit(X, Y["labels"])
    assert not hasattr(estimator, "weights_")


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_weights_that_are_not_finite_are_refused(value):
    given = copy.deepcopy(make("labels").fit(X, Y["labels"]).weights_)
    given["output"]["W"][0] = value
    with pytest.raises(ValueError, match=r"given for output\['W'\] are not all finite"):
        make("labels", init=given).fit(X, Y["labels"])


def is_uniform(bound):
    """Make a check whether weights fill the range from -bound to bound."""
    return lambda w: 0.8 * bound(*w.shape[-2:]) < np.abs(w).max() <= bound(*w.shape[-2:])


def is_orthogonal(w):
    products = [
        m.T @ m if m.shape[0] >= m.shape[1] else m @ m.T for m in w.reshape(-1, *w.shape[-2:])
    ]
    return all(np.allclose(p, np.eye(len(p)), atol=1e-9) for p in products)


def has_norm_one(w):
    norms = np.linalg.norm(w.reshape(-1, *w.shape[-2:]), 2, axis=(1, 2))
    return np.allclose(norms, 1, atol=1e-9) and not is_orthogonal(w)


INITS = {  # of input and output weights, of recurrent weights
    "glorot_uniform": [is_uniform(glorot_bound)] * 2,
    "he_uniform": [is_uniform(lambda n_in, n_out: (6 / n_in) ** 0.5)] * 2,
    "uniform": [is_uniform(lambda n_in, n_out: 0.1)] * 2,
    "orthogonal": [is_orthogonal] * 2,
    "svd": [has_norm_one] * 2,
    "zeros": [lambda w: np.abs(w).max() < 1e-11] * 2,
    "auto": [is_uniform(glorot_bound), is_orthogonal],
}


@pytest.mark.parametrize("cell", ["rnn", "gru", "lstm"])
@pytest.mark.parametrize("init", INITS)
def test_initial_weights_have_the_property_of_their_name(init, cell):
    is_right, is_right_recurrent = INITS[init]
    params = {"hidden_layer_sizes": (12, 9), "bidirectional": True, "cell": cell}
    drawn = make("step labels", init=init, **{**params, **STILL}).fit(X, Y["step labels"]).weights_
    assert len(drawn) == 5
    for name, layer in drawn.items():
        assert is_right(layer["W"])
        if name != "output":
            assert is_right_recurrent(layer["U"])
        for bias, array in layer.items():
            if bias.startswith("b"):
                expected = np.zeros(array.shape)
                if cell == "lstm" and name != "output":
                    expected[2] = 1
                assert_allclose(array, expected, atol=1e-11)


@pytest.mark.parametrize("kind", ["numbers", "step numbers"])
def test_the_best_of_several_starts_is_kept(kind):
    rng, runs = np.random.RandomState(0), []
    for _ in range(4):
        runs.append(make(kind, random_state=rng).fit(X, Y[kind]))
    losses = [run.best_loss_ for run in runs]
    assert len(set(losses)) == 4
    best = runs[int(np.argmin(losses))]
    several = make(kind, n_init=4).fit(X, Y[kind])
    assert_equal_weights(several, best)
    assert several.loss_curve_ == best.loss_curve_


def test_a_start_that_classifies_everything_correctly_is_the_last(monkeypatch):
    starts, init_weights = [], SequenceRNNClassifier._init_weights

    def counted(self, params, rng, attempt):
        starts.append(attempt)
        init_weights(self, params, rng, attempt)

    monkeypatch.setattr(SequenceRNNClassifier, "_init_weights", counted)
    clf = make("labels", solver="lbfgs", n_init=5, max_iter=100)
    assert clf.fit(X, Y["labels"]).score(X, Y["labels"]) == 1
    assert starts == [0]
    starts.clear()
    clf.set_params(max_iter=1, alpha=100).fit(X, RNG.permutation(Y["labels"]))
    assert starts == [0, 1, 2, 3, 4]


# Learning rates


@pytest.fixture
def rates(monkeypatch):
    """Record the learning rates of all steps of Adam and SGD."""
    recorded = []
    for optimizer in (optimizers.AdamUpdate, optimizers.SGDUpdate):

        def step(self, theta, gradient, rate, state, step=optimizer.step):
            recorded.append(rate)
            step(self, theta, gradient, rate, state)

        monkeypatch.setattr(optimizer, "step", step)
    return recorded


FORMULAS = {
    "constant": lambda epoch, n_epochs: 1.0,
    "invscaling": lambda epoch, n_epochs: (N * epoch + 1) ** -0.5,
    "cosine": lambda epoch, n_epochs: (1 + np.cos(np.pi * epoch / n_epochs)) / 2,
}


@pytest.mark.parametrize("solver", ["adam", "sgd"])
@pytest.mark.parametrize("schedule", FORMULAS)
@pytest.mark.parametrize("batch_size", [N, 5])
def test_schedules(schedule, solver, batch_size, rates):
    params = {"solver": solver, "learning_rate": schedule, "learning_rate_init": 0.002}
    make("numbers", batch_size=batch_size, max_iter=6, **params).fit(X, Y["numbers"])
    n_batches = 1 if batch_size == N else 3
    expected = [0.002 * FORMULAS[schedule](epoch, 6) for epoch in range(6)]
    assert_allclose(rates, np.repeat(expected, n_batches))


@pytest.mark.parametrize("solver", ["adam", "sgd"])
@pytest.mark.parametrize("validated", [False, True])
def test_adaptive_rate_decreases_when_progress_stalls(solver, validated, rates):
    params = {"learning_rate": "adaptive", "learning_rate_init": 1e-4, "n_iter_no_change": 2}
    reg = make("numbers", solver=solver, tol=10.0, max_iter=100, early_stopping=validated, **params)
    given = {"X_val": X_VAL, "y_val": Y_VAL["numbers"]} if validated else {}
    reg.fit(X, Y["numbers"], **given)
    # The first epoch counts as an improvement. Three epochs without one end each rate.
    assert_allclose(rates, np.repeat([1e-4, 2e-5, 4e-6, 8e-7], [4, 3, 3, 3]))
    assert reg.n_iter_ == 13


def test_invscaling_continues_in_partial_fit(rates):
    reg = make("numbers", learning_rate="invscaling", learning_rate_init=0.002)
    for n in (3, N, 5):
        reg.partial_fit(X[:n], Y["numbers"][:n])
    assert_allclose(rates, 0.002 / np.sqrt([1, 4, 4 + N]))


def test_length_of_the_first_step():
    in_units_of_y = {"normalize_y": False, "alpha": 0}
    init = make("numbers", **in_units_of_y, **STILL).fit(X, Y["numbers"])
    adam = make("numbers", init=init.weights_, max_iter=1, learning_rate_init=0.003)
    adam.set_params(**in_units_of_y)
    adam.fit(X, Y["numbers"])
    steps = [abs(a - b).ravel() for a, b in zip(weights(adam), weights(init), strict=True)]
    assert_allclose(np.concatenate(steps), 0.003, rtol=1e-2)
    sgd = clone(adam).set_params(solver=SGD(momentum=0), max_grad_norm=1e-3).fit(X, Y["numbers"])
    steps = [(a - b).ravel() for a, b in zip(weights(sgd), weights(init), strict=True)]
    assert_allclose(np.linalg.norm(np.concatenate(steps)), 0.003 * 1e-3)


# Settings that are chosen by the number of sequences


def data(n, kind):
    """Make n sequences of one step and their targets."""
    X = [RNG.normal(size=(1, 2)) for _ in range(n)]
    return X, KINDS[kind][1](X)


def auto(kind, **params):
    """An estimator of one unit whose settings are 'auto', which trains to the end."""
    return KINDS[kind][0](1, cell="rnn", random_state=0, **{"early_stopping": False} | params)


# A 16th of the sequences from 8 to 32, or 32, and the epochs that give about 450 steps, or 700.
SIZES = {  # number of sequences: batch size and epochs
    "classes": {12: (32, 200), 16: (32, 200), 17: (8, 150), 32: (8, 112), 33: (8, 90),
                100: (8, 35), 160: (10, 28), 200: (12, 26), 600: (32, 24), 1000: (32, 20)},
    "numbers": {12: (32, 200), 32: (32, 200), 33: (32, 200), 100: (32, 112), 600: (32, 24)},
    "step": {12: (32, 200), 33: (8, 140), 100: (8, 54), 200: (12, 41), 1000: (32, 30)},
}  # fmt: skip


@every_kind
def test_batches_and_epochs_by_the_number_of_sequences(kind, rates):
    sizes = SIZES.get(kind, SIZES["step" if kind.startswith("step") else "classes"])
    for n, (batch_size, max_iter) in sizes.items():
        rates.clear()
        given, y = data(n, kind)
        estimator = auto(kind).fit(given, y)
        n_batches = -(-n // batch_size)
        assert estimator.n_iter_ == max_iter
        assert len(rates) == max_iter * n_batches
        initial = estimator.learning_rate_init
        expected = [initial * FORMULAS["cosine"](epoch, max_iter) for epoch in range(max_iter)]
        assert_allclose(rates, np.repeat(expected, n_batches))
    explicit = {"batch_size": batch_size, "max_iter": max_iter, "n_iter_no_change": np.inf}
    assert_equal_weights(auto(kind, **explicit).fit(given, y), estimator)


@every_kind
@pytest.mark.parametrize(("batch_size", "n_batches"), [(1, 40), (5, 8), (100, 1)])
def test_epochs_by_the_number_of_given_batches(kind, batch_size, n_batches):
    n_steps, least = (700, 30) if kind.startswith("step") else (450, 20)
    expected = min(max(round(n_steps / n_batches), least), 200)
    given, y = data(40, kind)
    assert auto(kind, batch_size=batch_size).fit(given, y).n_iter_ == expected


@pytest.mark.parametrize(
    ("n", "given", "rate"),
    [
        (32, {}, 0), (33, {}, 0.3), (33, {"dropout": 0.1}, 0.1), (33, {"solver": "lbfgs"}, 0),
    ],
)  # fmt: skip
def test_dropout_by_the_number_of_sequences(n, given, rate):
    X, y = data(n, "numbers")
    fitted = auto("numbers", **{"max_iter": 1} | given).fit(X, y)
    assert fitted._fitted_network().dropout == rate
    assert (
        not fitted.set_params(hidden_layer_sizes=(), dropout="auto")
        .fit(X, y)
        ._fitted_network()
        .dropout
    )


@every_kind
@pytest.mark.parametrize("learning_rate", ["constant", "invscaling"])
def test_other_schedules_have_at_most_200_epochs(kind, learning_rate):
    endless = {"tol": 0.0, "n_iter_no_change": np.inf}
    estimator = auto(kind, learning_rate=learning_rate, **endless)
    with pytest.warns(ConvergenceWarning, match=r"Maximum iterations \(200\) reached"):
        assert estimator.fit(X, Y[kind]).n_iter_ == 200


@every_kind
def test_lbfgs_has_at_most_200_iterations(kind):
    class Limits(Callback):
        def on_fit_task_begin(self, estimator, context):
            limits.add(estimator._training_run.options.max_iter)

    limits = set()
    auto(kind, solver="lbfgs", tol=1.0).set_callbacks(Limits()).fit(X, Y[kind])
    assert limits == {200}


@every_kind
@pytest.mark.parametrize(
    ("params", "n_iter"),
    [
        ({}, 30),  # the schedule ends training
        ({"early_stopping": True}, 12),
        ({"learning_rate": "constant"}, 12),
        ({"learning_rate": "adaptive"}, 67),  # until the rate is 1e-6
        ({"n_iter_no_change": 4}, 6),
        ({"n_iter_no_change": np.inf, "early_stopping": True}, 30),
    ],
    ids=str,
)
def test_epochs_without_improvement(kind, params, n_iter):
    max_iter = 30 if n_iter <= 30 else "auto"
    params = {"learning_rate_init": 0.002, "tol": 10.0, "max_iter": max_iter, **params}
    validation = {"X_val": X_VAL, "y_val": Y_VAL[kind]}
    # The first epoch counts as an improvement; one more than 10 without any ends training.
    assert auto(kind, **params).fit(X, Y[kind], **validation).n_iter_ == n_iter


@every_kind
def test_a_warm_start_chooses_by_its_own_sequences(kind, rates):
    long, short = data(100, kind), data(20, kind)
    estimator = auto(kind, warm_start=True).fit(*long)
    first = estimator.n_iter_
    assert first == {"numbers": 112, "labels": 35}.get(kind, 54)
    rates.clear()
    estimator.fit(*short)
    assert estimator.n_iter_ == (150 if kind == "labels" else 200)
    assert rates[0] == estimator.learning_rate_init  # the schedule starts again
    assert len(estimator.loss_curve_) == first + estimator.n_iter_


@every_kind
def test_partial_fit_chooses_batches_and_takes_one_pass_at_the_initial_rate(kind, rates):
    estimator, n_batches = auto(kind), 1
    for _ in range(3):
        estimator.partial_fit(X, Y[kind], **(first_classes(kind) if not rates else {}))
    assert rates == [estimator.learning_rate_init] * 3 * n_batches
    assert estimator.n_iter_ == 1
    assert len(estimator.loss_curve_) == 3


# Solvers


@pytest.mark.parametrize(("name", "solver"), [("adam", Adam()), ("sgd", SGD()), ("lbfgs", LBFGS())])
def test_names_of_solvers_mean_their_defaults(name, solver):
    named = make("numbers", solver=name).fit(X, Y["numbers"])
    assert_equal_weights(make("numbers", solver=solver).fit(X, Y["numbers"]), named)


@pytest.mark.parametrize(
    ("solver", "grid"),
    [
        (Adam(), {"solver__beta_1": [0.0, 0.9]}),
        (Adam(), {"solver__beta_2": [0.1, 0.9]}),
        (Adam(), {"solver__epsilon": [1e-8, 1.0]}),
        (SGD(), {"solver__momentum": [0.0, 0.9]}),
        (SGD(), {"solver__nesterovs_momentum": [False, True]}),
        (LBFGS(), {"solver__max_fun": [2, 100]}),
        ("adam", {"solver": [Adam(), SGD(momentum=0), LBFGS(), "sgd"]}),
    ],
)
@pytest.mark.parametrize("kind", ["numbers", "step numbers"])
def test_search_over_solvers(kind, solver, grid):
    search = GridSearchCV(make(kind, solver=solver), grid, cv=2).fit(X, Y[kind])
    (name, values), scores = *grid.items(), search.cv_results_["mean_test_score"]
    assert len(set(scores)) == len(values)
    best = values[int(np.argmax(scores))]
    assert repr(search.best_estimator_.get_params()[name]) == repr(best)
    assert solver == "adam" or repr(solver) == repr(type(solver)())  # it is copied


def test_lbfgs_ends_at_max_fun():
    with pytest.warns(match="L-BFGS evaluated the loss max_fun=3 times"):
        reg = make("numbers", solver=LBFGS(max_fun=3), max_iter=50).fit(X, Y["numbers"])
    assert reg.n_iter_ <= 3
    assert make("numbers", solver="lbfgs", max_iter=50).fit(X, Y["numbers"]).n_iter_ > 3


# Truncated backpropagation

TINY = {"recurrent_0": {"W": 0.7, "U": -0.5, "b": 0.2}, "output": {"W": 1.5, "b": -0.3}}
TINY_SHAPES = {"W": (1, 1, 1), "U": (1, 1, 1), "b": (1, 1)}


def gradient_of_two_steps(x, y, n_steps, per_step):
    """Differentiate half the squared error of an Elman network of one unit, by hand."""
    (w, u, b), (v, c) = TINY["recurrent_0"].values(), TINY["output"].values()
    h_0 = np.tanh(w * x[0] + b)
    h_1 = np.tanh(w * x[1] + b + u * h_0)
    e_0, e_1 = (v * h_0 + c - y[0]) * per_step, v * h_1 + c - y[1]
    a_1 = e_1 * v * (1 - h_1**2)
    a_0 = (e_0 * v + (a_1 * u if n_steps > 1 else 0)) * (1 - h_0**2)
    gradient = {
        "recurrent_0": {"W": a_0 * x[0] + a_1 * x[1], "U": a_1 * h_0, "b": a_0 + a_1},
        "output": {"W": e_0 * h_0 + e_1 * h_1, "b": e_0 + e_1},
    }
    scale = 2 if per_step else 1  # the loss is a mean over targets
    return {k: {name: g / scale for name, g in of.items()} for k, of in gradient.items()}


@pytest.mark.parametrize("per_step", [False, True])
@pytest.mark.parametrize("bptt_steps", [1, 2, None])
def test_truncated_gradients_by_hand(bptt_steps, per_step):
    x, y = np.array([0.9, -1.3]), np.array([0.4, 1.1])
    init = {
        layer: {
            name: np.full(TINY_SHAPES[name] if layer != "output" else TINY_SHAPES[name][1:], value)
            for name, value in of_layer.items()
        }
        for layer, of_layer in TINY.items()
    }
    reg = make(
        "step numbers" if per_step else "numbers",
        hidden_layer_sizes=1,
        cell="rnn",
        solver=SGD(momentum=0),
        bptt_steps=bptt_steps,
        init=init,
        normalize_y=False,
        alpha=0,
        max_iter=1,
        max_grad_norm=None,
        learning_rate_init=0.25,
    )
    reg.fit([x], [y] if per_step else y[1:])
    expected = gradient_of_two_steps(x, y, bptt_steps or 2, per_step)
    for layer, of_layer in expected.items():
        for name, g in of_layer.items():
            assert_allclose(init[layer][name] - reg.weights_[layer][name], 0.25 * g, rtol=1e-12)


@every_kind
@pytest.mark.parametrize("cell", ["rnn", "gru", "lstm"])
def test_bptt_steps_beyond_the_longest_sequence_have_no_effect(kind, cell):
    longest = max(LENGTHS)
    whole = make(kind, cell=cell).fit(X, Y[kind])
    for n_steps in (longest, longest + 10):
        assert_equal_weights(make(kind, cell=cell, bptt_steps=n_steps).fit(X, Y[kind]), whole)
    assert differ(make(kind, cell=cell, bptt_steps=longest - 2).fit(X, Y[kind]), whole)


# Callbacks

SCORING = {
    "labels": "accuracy",
    "numbers": "r2",
    "step labels": flat_accuracy_scorer,
    "step numbers": flat_r2_scorer,
}


def pipeline_of(estimator):
    return Pipeline([("scale", PerStep(StandardScaler())), ("net", estimator)])


@every_kind
@every_solver
def test_scoring_monitor_in_pipelines_and_searches(kind, solver, sklearn_callback):
    monitor = sklearn_callback.ScoringMonitor(scoring=SCORING[kind])
    estimator = make(kind, solver=solver, max_iter=3, tol=0).set_callbacks(monitor)
    pipeline = pipeline_of(estimator).fit(X, Y[kind])
    rows = [row for row in monitor.get_logs().data if row["task_name"] == "epoch"]
    name = SCORING[kind] if isinstance(SCORING[kind], str) else "score"
    assert len(rows) == 3
    if solver == "lbfgs":  # which keeps the last weights
        assert rows[-1][name] == pytest.approx(pipeline.score(X, Y[kind]))

    search = GridSearchCV(pipeline_of(estimator), {"net__alpha": [0, 1]}, cv=2).fit(X, Y[kind])
    rows = [row for row in monitor.get_logs().data if row["task_name"] == "epoch"]
    assert len(rows) == 3 * 5  # two candidates on two folds, and the refit
    assert all(np.isfinite(row[name]) for row in rows)
    without = GridSearchCV(
        pipeline_of(make(kind, solver=solver, max_iter=3, tol=0)), search.param_grid
    )
    without.set_params(cv=2).fit(X, Y[kind])
    scores = [each.cv_results_["mean_test_score"] for each in (search, without)]
    assert_array_equal(*scores)


@every_kind
@every_solver
def test_progress_bar_in_pipelines_and_searches(kind, solver, monkeypatch, sklearn_callback):
    pytest.importorskip("rich")
    screen = io.StringIO()
    monkeypatch.setattr("sys.stdout", screen)
    pipeline = pipeline_of(make(kind, solver=solver, max_iter=2))
    pipeline.set_callbacks(sklearn_callback.ProgressBar()).fit(X, Y[kind])
    assert KINDS[kind][0].__name__ in screen.getvalue()
    screen.seek(screen.truncate(0))
    plain = pipeline_of(make(kind, solver=solver, max_iter=2))
    search = GridSearchCV(plain, {"net__alpha": [0, 1]}, cv=2)
    search.set_callbacks(sklearn_callback.ProgressBar()).fit(X, Y[kind])
    assert "GridSearchCV" in screen.getvalue()
    assert "100%" in screen.getvalue()


@every_kind
@every_solver
def test_weights_are_copied_only_for_callbacks_that_take_them(kind, solver, monkeypatch):
    copied = []

    def deepcopy(value):
        copied.append(value)
        return copy.deepcopy(value)

    monkeypatch.setattr("skrnn._training.task.copy", SimpleNamespace(deepcopy=deepcopy))
    estimator = make(kind, solver=solver, max_iter=3, tol=0)
    estimator.set_callbacks(Callback()).fit(X, Y[kind])
    assert copied == []
    estimator.set_callbacks(Callback(), Snapshots(), Snapshots()).fit(X, Y[kind])
    assert len(copied) == 3  # once for each epoch


@every_kind
@every_solver
def test_snapshots_are_complete_and_independent(kind, solver):
    snapshots = Snapshots()
    estimator = make(kind, solver=solver, max_iter=3, tol=0).set_callbacks(snapshots)
    estimator.fit(X, Y[kind])
    for epoch, each in enumerate(snapshots.fitted, start=1):
        assert each.n_iter_ == len(each.loss_curve_) == epoch
        shorter = make(kind, solver=solver, max_iter=epoch, tol=0).fit(X, Y[kind])
        assert_equal_weights(each, shorter)
        assert vars(each).keys() >= vars(shorter).keys()
        assert len(each.predict(X)) == N
        for kept, own in zip(weights(each), weights(estimator), strict=True):
            assert not np.shares_memory(kept, own)


# Memory


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="reads /proc")
def test_memory_does_not_grow():
    def resident():
        gc.collect()
        return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")

    def fit(n):
        for i in range(n):
            kind = list(KINDS)[i % 4]
            estimator = make(kind, solver=SOLVERS[i // 4 % 3], hidden_layer_sizes=32, max_iter=2)
            estimator.fit(X, Y[kind]).predict(X)
            estimator.step(X[0][:1], estimator.initial_state())

    fit(60)
    before = resident()
    fit(200)  # each has at least 30 kB of weights
    assert resident() - before < 5e6


@every_kind
@every_solver
def test_estimators_are_freed_after_their_last_use(kind, solver):
    snapshots = Snapshots()
    estimator = make(kind, solver=solver, n_init=2).set_callbacks(snapshots).fit(X, Y[kind])
    references = [weakref.ref(each) for each in (estimator, *snapshots.fitted)]
    assert len(references) > 2
    snapshots.fitted.clear()
    del estimator
    gc.collect()
    assert [ref() for ref in references] == [None] * len(references)
