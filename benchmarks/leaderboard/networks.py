"""The networks of skrnn: untouched, as recommended, and settings to choose defaults from."""

from inspect import signature

from sklearn.ensemble import VotingClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from benchmarks.leaderboard.data import CLASSES, NUMBERS, STEP_CLASSES, STEP_NUMBERS, DataSet
from benchmarks.leaderboard.prepare import (
    prepare,
    prepare_as_recommended,
    settings_as_recommended,
)
from skrnn import (
    EnsembleClassifier,
    EnsembleRegressor,
    Frames,
    PerStep,
    SequenceRNNClassifier,
    SequenceRNNRegressor,
    StepRNNClassifier,
    StepRNNRegressor,
)

ESTIMATORS = {
    CLASSES: SequenceRNNClassifier,
    NUMBERS: SequenceRNNRegressor,
    STEP_CLASSES: StepRNNClassifier,
    STEP_NUMBERS: StepRNNRegressor,
}
# What the documentation recommends for each kind of target, beside the ensemble and the frames.
RECOMMENDED: dict[str, dict] = {
    CLASSES: {"frame_length": 1, "dropout": 0.0},  # the mean replaces dropout
    NUMBERS: {},
    STEP_CLASSES: {"bidirectional": True, "dropout": 0.3},
    STEP_NUMBERS: {},
}
N_MEMBERS = 5
# Frames that further networks read, beside one that reads the steps.
FRAMES = {
    "pairs": Frames(2),
    "frames": Frames(8),
    "statistics": Frames(4, features="statistics"),
}

OF_0_1_0 = {
    "learning_rate": "constant",
    "max_iter": 200,
    "n_iter_no_change": 10,
    "batch_size": 32,
    "bidirectional": False,
    "pooling": "last",
    "dropout": 0.0,
    "learning_rate_init": 0.01,
    "alpha": 0.0001,
    "skip_connection": None,
    "shrinkage": None,
    "temperature": None,
    "init": "auto",
    "frame_length": 1,
    "early_stopping": False,
}
# Settings that --tune compares.
CANDIDATES: dict[str, dict] = {
    "default": {},
    "0.1.0": OF_0_1_0,
    "one direction": {"bidirectional": False},
    "both directions": {"bidirectional": True},
    "last": {"pooling": "last"},
    "max": {"pooling": "max"},
    "last, max": {"pooling": ("last", "max")},
    "attention": {"pooling": "attention"},
    "constant rate": {"learning_rate": "constant", "max_iter": 200},
    "early stopping": {"early_stopping": True},
    "epochs 20": {"max_iter": 20},
    "epochs 50": {"max_iter": 50},
    "epochs 100": {"max_iter": 100},
    "rate 0.003": {"learning_rate_init": 0.003},
    "rate 0.005": {"learning_rate_init": 0.005},
    "rate 0.01": {"learning_rate_init": 0.01},
    "dropout 0": {"dropout": 0.0},
    "dropout 0.3": {"dropout": 0.3},
    "batch 8": {"batch_size": 8},
    "batch 16": {"batch_size": 16},
    "batch 32": {"batch_size": 32},
    "no skip connection": {"skip_connection": None},
    "16 units": {"hidden_layer_sizes": 16},
    "64 units": {"hidden_layer_sizes": 64},
    "LSTM": {"cell": "lstm"},
}


def candidates_for(kind: str) -> dict[str, dict]:
    """Return the candidates for this kind of target; those of 0.1.0 without what it lacks."""
    accepted = set(signature(ESTIMATORS[kind]).parameters)
    of_0_1_0 = {name: value for name, value in OF_0_1_0.items() if name in accepted}
    candidates = CANDIDATES | ({"0.1.0": of_0_1_0} if "0.1.0" in CANDIDATES else {})
    return {name: given for name, given in candidates.items() if set(given) <= accepted}


def make_network(data: DataSet, **parameters):
    """Return a pipeline with a network of skrnn for a data set."""
    return make_pipeline(prepare(data), ESTIMATORS[data.kind](**parameters))


def make_recommended(data: DataSet, seed):
    """Return the recommended estimator: the mean of several networks.

    For classes of sequences, they read different frames, unless the steps are texts or have many
    gaps. Otherwise, they differ by their seed.
    """
    given = RECOMMENDED[data.kind] | settings_as_recommended(data)
    network = ESTIMATORS[data.kind](random_state=seed, **given)
    if data.kind == CLASSES and not (data.is_text or data.mostly_missing):
        return make_pipeline(prepare_as_recommended(data), make_mixture(network))
    kind = EnsembleRegressor if data.kind in (NUMBERS, STEP_NUMBERS) else EnsembleClassifier
    pipeline = make_pipeline(prepare_as_recommended(data), network)
    return kind(pipeline, N_MEMBERS, random_state=seed)


def make_mixture(network) -> VotingClassifier:
    """Return the mean of networks that read scaled steps in different frames."""
    again = PerStep(StandardScaler())
    framed = [(name, make_pipeline(frames, again, network)) for name, frames in FRAMES.items()]
    return VotingClassifier([("steps", network), *framed], voting="soft")
