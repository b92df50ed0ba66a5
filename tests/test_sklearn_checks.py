"""What scikit-learn asks of every estimator: all its checks pass.

None is skipped, except for that of a method which an estimator does not have.
"""

import inspect
from functools import partial
from unittest import SkipTest

import pytest
from sklearn.base import BaseEstimator
from sklearn.preprocessing import Normalizer, PolynomialFeatures, StandardScaler
from sklearn.utils import get_tags
from sklearn.utils.estimator_checks import estimator_checks_generator, parametrize_with_checks

import skrnn
from skrnn import (
    EnsembleClassifier,
    EnsembleRegressor,
    ForwardImputer,
    Frames,
    Neighbors,
    PerSequence,
    PerStep,
    SequencePadder,
    SequenceRNNClassifier,
    SequenceRNNRegressor,
    TableTransformer,
    XORMLPClassifier,
    XORMLPRegressor,
)

# Few iterations, which are fast, at a high rate, because some checks require that the network
# learns. Over hundreds of iterations, the rounding errors that distinguish a weight of 2 from a
# sample given twice grow beyond the 1e-7 that another check allows.
FEW = {"hidden_layer_sizes": 4, "max_iter": 10, "learning_rate_init": 0.05}
OF_NUMBERS = {"hidden_layer_sizes": 6, "max_iter": 40, "learning_rate_init": 0.05}
ESTIMATORS = [
    XORMLPClassifier(),
    XORMLPRegressor(),
    SequenceRNNClassifier(**FEW),
    SequenceRNNClassifier(cell="rnn", **FEW),
    SequenceRNNClassifier(frame_length=2, **FEW),
    SequenceRNNClassifier(cell="lstm", bidirectional=False, pooling="last", **FEW),
    SequenceRNNClassifier(solver="lbfgs", hidden_layer_sizes=8, max_iter=20, alpha=0.1),
    SequenceRNNRegressor(**OF_NUMBERS),
    SequencePadder(),
    SequencePadder(flat=True),
    PerStep(StandardScaler()),
    PerStep(Normalizer()),
    PerStep(PolynomialFeatures()),
    TableTransformer(),
    TableTransformer(StandardScaler()),
    PerSequence(Normalizer()),
    ForwardImputer(),
    ForwardImputer(add_indicator=True, add_elapsed=True),
    Frames(),
    Frames(3, 2, features="statistics"),
    Neighbors(),
    Neighbors(2, 0),
    EnsembleClassifier(SequenceRNNClassifier(**FEW), 2),
    EnsembleRegressor(SequenceRNNRegressor(**OF_NUMBERS), 2),
]
MORE = {"hidden_layer_sizes": 8, "max_iter": 50, "learning_rate_init": 0.01}
SLOW = [
    SequenceRNNClassifier(),
    SequenceRNNRegressor(),
    EnsembleClassifier(SequenceRNNClassifier(**MORE), 2),
    EnsembleRegressor(SequenceRNNRegressor(**MORE), 2),
]
OF_SEQUENCES = [
    estimator
    for estimator in ESTIMATORS
    if not isinstance(estimator, XORMLPClassifier | XORMLPRegressor)
]
LAST_OF_EACH_CLASS = {type(estimator): estimator for estimator in ESTIMATORS}


# A mean of raw predictions would give other labels than the mean of the probabilities.
ABSENT = {(EnsembleClassifier, "check_classifiers_multilabel_output_format_decision_function")}


def run(estimator, check):
    """Run a check; it fails if it is skipped, unless the method that it needs is absent."""
    skips = (type(estimator), check.func.__name__) in ABSENT
    try:
        check(estimator)
        why = ""
    except SkipTest as skip:
        why = str(skip)
    assert bool(why) == skips, f"skipped: {why}"


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@parametrize_with_checks(ESTIMATORS)
def test_check(estimator, check):
    run(estimator, check)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@parametrize_with_checks(SLOW)
def test_check_of_larger_networks(estimator, check):
    run(estimator, check)


def check_nothing(name, estimator):
    raise SkipTest(f"no check of {name}")


def test_a_skipped_check_fails():
    with pytest.raises(AssertionError, match="skipped: no check of Frames"):
        run(Frames(), partial(check_nothing, "Frames"))


@pytest.mark.parametrize("estimator", LAST_OF_EACH_CLASS.values(), ids=repr)
def test_there_are_many_checks(estimator):
    assert len(list(estimator_checks_generator(estimator))) > 40


@pytest.mark.parametrize("estimator", ESTIMATORS, ids=repr)
def test_tags_exempt_from_nothing(estimator):
    tags = get_tags(estimator)
    assert not tags._skip_test
    assert not tags.no_validation
    assert not tags.non_deterministic
    passes_missing = isinstance(estimator, ForwardImputer | Frames | Neighbors) or (
        isinstance(estimator, PerStep) and get_tags(estimator.transformer).input_tags.allow_nan
    )
    if isinstance(estimator, TableTransformer):
        passes_missing = (
            estimator.steps == "passthrough" or get_tags(estimator.steps).input_tags.allow_nan
        )
    assert tags.input_tags.allow_nan == passes_missing
    assert tags.input_tags.two_d_array


@pytest.mark.parametrize("estimator", OF_SEQUENCES, ids=repr)
def test_tags_of_sequence_estimators(estimator):
    assert get_tags(estimator).input_tags.three_d_array


def test_every_public_estimator_is_checked():
    solvers = {skrnn.Adam, skrnn.SGD, skrnn.LBFGS}
    losses = {skrnn.CRF, skrnn.Huber, skrnn.Quantile, skrnn.Gaussian}
    # Their y has a value for each step; the checks only know a value for each sample.
    of_steps = {
        skrnn.StepRNNClassifier,
        skrnn.StepRNNRegressor,
        skrnn.TransformedStepTargetRegressor,
    }
    public = {getattr(skrnn, name) for name in skrnn.__all__}
    estimators = {c for c in public if inspect.isclass(c) and issubclass(c, BaseEstimator)}
    assert estimators - solvers - losses - of_steps == set(LAST_OF_EACH_CLASS)
    assert not any(hasattr(parameter_object, "fit") for parameter_object in solvers | losses)
