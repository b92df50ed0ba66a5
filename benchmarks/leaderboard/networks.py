"""The networks of skrnn: untouched, as recommended, and the candidates for new defaults."""

from inspect import signature

from sklearn.compose import TransformedTargetRegressor
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from benchmarks.leaderboard.data import CLASSES, NUMBERS, STEP_CLASSES, STEP_NUMBERS, DataSet
from skrnn import (
    PerStep,
    SequenceRNNClassifier,
    SequenceRNNRegressor,
    StepRNNClassifier,
    StepRNNRegressor,
)
from skrnn.compose import TransformedStepTargetRegressor

ESTIMATORS = {
    CLASSES: SequenceRNNClassifier,
    NUMBERS: SequenceRNNRegressor,
    STEP_CLASSES: StepRNNClassifier,
    STEP_NUMBERS: StepRNNRegressor,
}
COSINE = {"learning_rate": "cosine", "max_iter": 30}

# The settings that the documentation recommends, for each kind of target.
RECOMMENDED: dict[str, dict] = {
    CLASSES: {"bidirectional": True, "pooling": "max", "dropout": 0.3},
    STEP_CLASSES: {"bidirectional": True, "dropout": 0.3},
    NUMBERS: COSINE,
    STEP_NUMBERS: COSINE,
}

# Settings that --tune compares. `scale_targets` is a parameter of `make_network`.
CANDIDATES: dict[str, dict] = {
    "default": {},
    "cosine 20": COSINE | {"max_iter": 20},
    "cosine 30": COSINE,
    "cosine 50": COSINE | {"max_iter": 50},
    "cosine 100": COSINE | {"max_iter": 100},
    "rate 0.003": {"learning_rate_init": 0.003},
    "rate 0.003, cosine 50": COSINE | {"learning_rate_init": 0.003, "max_iter": 50},
    "early stopping": {"early_stopping": True},
    "uniform": {"init": "uniform"},
    "dropout": {"dropout": 0.3},
    "max": {"pooling": "max"},
    "mean": {"pooling": "mean"},
    "bidirectional": {"bidirectional": True},
    "patience 30": {"n_iter_no_change": 30},
    "batch 8": {"batch_size": 8},
    "cosine 30, batch 8": COSINE | {"batch_size": 8},
    "cosine 100, patience 100": COSINE | {"max_iter": 100, "n_iter_no_change": 100},
    "cosine 30, uniform": COSINE | {"init": "uniform"},
    "cosine 30, dropout": COSINE | {"dropout": 0.3},
    "cosine 50, dropout": COSINE | {"max_iter": 50, "dropout": 0.3},
    "cosine 50, batch 8, max": COSINE | {"max_iter": 50, "batch_size": 8, "pooling": "max"},
    "cosine 30, max": COSINE | {"pooling": "max"},
    "cosine 30, bidirectional": COSINE | {"bidirectional": True},
    "bidirectional, max, dropout": {"bidirectional": True, "pooling": "max", "dropout": 0.3},
    "batch 8, max": {"batch_size": 8, "pooling": "max"},
    "batch 8, bidirectional": {"batch_size": 8, "bidirectional": True},
    "batch 8, bidirectional, max": {"batch_size": 8, "bidirectional": True, "pooling": "max"},
    "bidirectional, max": {"bidirectional": True, "pooling": "max"},
    "targets as they come": {"scale_targets": False},
    "cosine 30, targets as they come": COSINE | {"scale_targets": False},
}


def candidates_for(kind: str) -> dict[str, dict]:
    """Return the candidates whose parameters exist for this kind of target."""
    accepted = set(signature(ESTIMATORS[kind]).parameters)
    if kind in (NUMBERS, STEP_NUMBERS):
        accepted.add("scale_targets")
    return {name: given for name, given in CANDIDATES.items() if set(given) <= accepted}


def prepare_steps(data: DataSet) -> PerStep:
    """Return the preparation of the steps that all networks and several baselines share.

    Numbers are scaled, missing ones become the mean, and texts become indicators.
    """
    if data.is_text:
        return PerStep(OneHotEncoder(handle_unknown="ignore", min_frequency=2))
    if data.has_missing:
        return PerStep(make_pipeline(StandardScaler(), SimpleImputer(keep_empty_features=True)))
    return PerStep(StandardScaler())


def make_network(data: DataSet, *, scale_targets: bool = True, **parameters):
    """Return a pipeline with a network of skrnn for a data set."""
    model = make_pipeline(prepare_steps(data), ESTIMATORS[data.kind](**parameters))
    if scale_targets and data.kind == NUMBERS:
        return TransformedTargetRegressor(model, transformer=StandardScaler())
    if scale_targets and data.kind == STEP_NUMBERS:
        return TransformedStepTargetRegressor(model, transformer=StandardScaler())
    return model
