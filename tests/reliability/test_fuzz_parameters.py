"""Fuzz the parameters of constructors, and arguments other than data."""

import inspect
import warnings
from fractions import Fraction

import numpy as np
import pytest
from fuzzing import JUNK, assert_finite, freeze, outcome
from hypothesis import strategies as st
from sklearn.base import clone
from sklearn.preprocessing import StandardScaler
from sklearn.utils._param_validation import InvalidParameterError, make_constraint

from skrnn import (
    LBFGS,
    SGD,
    Adam,
    Gaussian,
    Huber,
    PerStep,
    Quantile,
    SequencePadder,
    SequenceRNNClassifier,
    SequenceRNNRegressor,
    StepRNNClassifier,
    StepRNNRegressor,
    XORMLPClassifier,
    XORMLPRegressor,
    as_sequences,
    datasets,
)
from skrnn.inspection import occlusion_importance
from skrnn.model_selection import cross_val_predict_steps

pytestmark = [
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
    # NumPy 2.5 warns where scikit-learn's validation compares a timedelta64 with an integer.
    pytest.mark.filterwarnings("ignore:The 'generic' unit for NumPy timedelta is deprecated"),
]

LENGTHS = [3, 1, 4, 2, 2, 3, 3, 1, 2, 2]
RAGGED = [np.random.RandomState(i).normal(size=(n, 2)) for i, n in enumerate(LENGTHS)]
TABLE = np.random.RandomState(0).normal(size=(10, 2))
LABELS = np.arange(10) % 2
STEP_LABELS = [(np.arange(n) + i) % 2 for i, n in enumerate(LENGTHS)]

# With cosine there is no warning at max_iter.
QUICK = {"hidden_layer_sizes": 2, "max_iter": 2, "learning_rate": "cosine", "random_state": 0}
DATA = {
    XORMLPClassifier: (TABLE, LABELS),
    XORMLPRegressor: (TABLE, LABELS * 1.5),
    SequenceRNNClassifier: (RAGGED, LABELS),
    SequenceRNNRegressor: (RAGGED, LABELS * 1.5),
    StepRNNClassifier: (RAGGED, STEP_LABELS),
    StepRNNRegressor: (RAGGED, [y * 1.5 for y in STEP_LABELS]),
    SequencePadder: (RAGGED, None),
    PerStep: (RAGGED, None),
}
BASES = {cls: cls(**QUICK, solver="sgd") for cls in [*DATA][:6]}
BASES |= {SequencePadder: SequencePadder(), PerStep: PerStep(StandardScaler())}
CASES = [(cls, name) for cls, base in BASES.items() for name in base.get_params(deep=False)]

NUMBERS = [-1, 0, 1, 2, 3, 0.5, 0.25, 1.0, 1e-300, 5e-324, 1e300, 0.999999999999, -0.0]
ODD = [np.nan, np.inf, -np.inf, Fraction(1, 3), 1j, True, False, np.bool_(True), None]
ODD += [np.int8(2), np.uint64(1), np.float16(0.5), np.float32(0.1), np.longdouble(0.2)]
WORDS = ["auto", "", "adam", "ADAM", "sgd", "lbfgs", "relu", "tanh", "identity", "logistic"]
WORDS += ["constant", "invscaling", "adaptive", "cosine", "balanced", "gru", "lstm", "rnn", "last"]
WORDS += ["mean", "max", "log_loss", "squared_error", "softmax", "grow", "error", "truncate"]
WORDS += [
    "absolute_error",
    "poisson",
    "gamma",
    "orthogonal",
    "glorot_uniform",
    "he_uniform",
    "lecun_normal",
    "he_normal",
]
OBJECTS = [(), [], {}, (3,), [2, 2], (2, 0), np.array([2, 3]), [2.0], ("a",), {0: 2.0}, {1: 0}]
OBJECTS += [{0: np.nan}, {"x": 1}, {0: "a"}, Adam(), SGD(momentum=0.5), LBFGS(max_fun=3), Adam, len]
OBJECTS += [Huber(), Quantile(), Quantile(0.3), Gaussian(), Huber]
OBJECTS += [StandardScaler(), np.random.RandomState(3), range(2), b"auto", np.array(2), {1, 2}]
VALUES = st.sampled_from([*NUMBERS, *ODD, *WORDS, *OBJECTS]) | JUNK
SLOW = {
    "max_iter",
    "n_init",
    "hidden_layer_sizes",
    "embedding_size",
    "n_steps",
}  # large values take hours or terabytes


def within(cls, name, value):
    """Whether scikit-learn's validation accepts a parameter; None if it fails."""
    constraints = [make_constraint(c) for c in cls._parameter_constraints[name]]
    try:
        return any(constraint.is_satisfied_by(value) for constraint in constraints)
    except TypeError:  # np.isnan of a fraction
        return None


def too_much(name, value):
    if name not in SLOW:
        return False
    sizes = np.ravel(value) if isinstance(value, np.ndarray) else value
    sizes = sizes if isinstance(sizes, list | tuple | np.ndarray) else [sizes]
    return any(isinstance(size, int | np.integer) and size > 50 for size in sizes)


@pytest.mark.parametrize(
    ("cls", "name"), CASES, ids=lambda value: getattr(value, "__name__", value)
)
def test_parameters(cls, name, count_inputs):
    X, y = DATA[cls]

    def check(value):
        if too_much(name, value):
            return
        estimator = clone(BASES[cls])
        estimator.set_params(**{name: value})
        if name in ("dropout", "validation_fraction"):
            estimator.set_params(early_stopping=name != "dropout")
        before = freeze(vars(estimator))
        fitted, error = outcome(lambda: estimator.fit(X, y))
        allowed = within(cls, name, value)
        assert error is not None or allowed
        if allowed is False:
            assert isinstance(error, InvalidParameterError), f"accepted {value!r}"
            assert name in str(error)
        if error is not None:
            assert freeze(vars(estimator)) == before, "the estimator was changed"
            return
        method = "predict" if hasattr(fitted, "predict") else "transform"
        output = getattr(fitted, method)(X)
        assert len(output) == len(X)
        if cls is not SequencePadder:
            assert_finite(output)

    count_inputs(check, VALUES, 15)


SOLVER_CASES = [(cls, name) for cls in (Adam, SGD, LBFGS) for name in cls().get_params()]


@pytest.mark.parametrize(("cls", "name"), SOLVER_CASES, ids=lambda v: getattr(v, "__name__", v))
def test_parameters_of_solvers(cls, name, count_inputs):
    def check(value):
        solver = cls(**{name: value})
        clf = SequenceRNNClassifier(**QUICK, solver=solver)
        before = freeze(vars(clf))
        fitted, error = outcome(lambda: clf.fit(RAGGED, LABELS))
        if error is None:
            assert_finite(fitted.predict_proba(RAGGED))
        else:
            assert freeze(vars(clf)) == before

    count_inputs(check, st.sampled_from([*NUMBERS, *ODD, *WORDS, *OBJECTS]), 40)


LOSS_CASES = [(cls, name) for cls in (Huber, Quantile) for name in cls().get_params()]


@pytest.mark.parametrize(("cls", "name"), LOSS_CASES, ids=lambda v: getattr(v, "__name__", v))
def test_parameters_of_losses(cls, name, count_inputs):
    def check(value):
        reg = SequenceRNNRegressor(**QUICK, loss=cls(**{name: value}))
        before = freeze(vars(reg))
        fitted, error = outcome(lambda: reg.fit(*DATA[SequenceRNNRegressor]))
        if error is None:
            assert_finite(fitted.predict(RAGGED))
        else:
            assert freeze(vars(reg)) == before

    count_inputs(check, st.sampled_from([*NUMBERS, *ODD, *WORDS, *OBJECTS]), 40)


CLF = SequenceRNNClassifier(**QUICK).fit(RAGGED, LABELS)
STEPS = StepRNNRegressor(**QUICK, cell="lstm").fit(*DATA[StepRNNRegressor])
PADDED = as_sequences(RAGGED)
ARGUMENTS = {
    "step": lambda value: CLF.step(value, CLF.initial_state(2)),
    "step of one stream": lambda value: STEPS.step(value, STEPS.initial_state()),
    "state": lambda value: CLF.step([[0.0, 0.0]], value),
    "n_streams": lambda value: CLF.step(np.zeros((2, 2)), CLF.initial_state(value)),
    "target": lambda value: CLF.input_gradients(RAGGED, target=value),
    "step_features": lambda value: as_sequences(TABLE, step_features=value).to_ragged(),
    "window": lambda value: occlusion_importance(CLF, RAGGED[:2], window=value),
    "baseline": lambda value: occlusion_importance(CLF, RAGGED[:2], baseline=value),
    "classes": lambda value: (
        SequenceRNNClassifier(**QUICK)
        .partial_fit(RAGGED, LABELS, classes=value)
        .predict_proba(RAGGED)
    ),
}


@pytest.mark.parametrize("name", ARGUMENTS)
def test_arguments(name, count_inputs):
    before = freeze(vars(CLF)), freeze(vars(STEPS))

    def check(value):
        if name in ("n_streams", "window") and isinstance(value, int) and value > 1000:
            return
        given = freeze(value)
        output, error = outcome(lambda: ARGUMENTS[name](value))
        assert freeze(value) == given
        assert (freeze(vars(CLF)), freeze(vars(STEPS))) == before
        if error is None:
            output = output[0] if name in ("step", "step of one stream", "state") else output
            assert_finite(output[0] if name == "n_streams" else output)

    steps = st.lists(st.floats(), min_size=2, max_size=2)
    count_inputs(check, VALUES | steps | st.lists(steps, min_size=2, max_size=2), 50)


def makers():
    """Yield every function of skrnn.datasets with each of its parameters."""
    for name in datasets.__all__:
        for parameter in inspect.signature(getattr(datasets, name)).parameters:
            yield name, parameter


@pytest.mark.parametrize(("name", "parameter"), [*makers()])
def test_datasets(name, parameter, count_inputs):
    make = getattr(datasets, name)
    small = {"n_samples": 3} if "n_samples" in inspect.signature(make).parameters else {}

    def check(value):
        large = parameter in ("n_samples", "n_inputs", "min_length", "max_length")
        if large and isinstance(value, int | float) and abs(value) > 12:
            return
        made, error = outcome(lambda: make(**{**small, parameter: value}))
        if error is None and isinstance(made, tuple) and isinstance(made[0], np.ndarray):
            assert_finite(made)
            assert len(made[0]) == len(made[1])
        if error is not None:
            assert len(str(error)) > 10

    count_inputs(check, VALUES, 25)


def test_cross_val_predict_steps(count_inputs):
    y = DATA[StepRNNRegressor][1]
    reg = StepRNNRegressor(**QUICK)

    def check(given):
        name, value = given
        options = {"cv": 2, "method": "predict", name: value}
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "The groups parameter is ignored")
            output, error = outcome(lambda: cross_val_predict_steps(reg, RAGGED, y, **options))
        if error is None:
            assert [len(of_one) for of_one in output] == LENGTHS

    values = st.sampled_from([*NUMBERS, *ODD, *WORDS, [], (), {}])
    count_inputs(check, st.tuples(st.sampled_from(["cv", "groups"]), values), 80)
