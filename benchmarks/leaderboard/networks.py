"""The networks of skrnn: untouched, as recommended, and settings to choose defaults from."""

from inspect import signature

from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.model_selection import GridSearchCV, StratifiedKFold
from sklearn.pipeline import Pipeline, make_pipeline
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
    CLASSES: {},
    NUMBERS: {},
    STEP_CLASSES: {"bidirectional": True, "dropout": 0.3},
    STEP_NUMBERS: {},
}
N_MEMBERS = 5
LONG = 60  # steps of the longest sequence, from which on frames are tried
FRAMES = [
    "passthrough",
    Frames(8),
    Frames(16),
    Frames(4, features="statistics"),
    Frames(8, features="statistics"),
    Frames(16, features="statistics"),
]

OF_0_1_0 = {
    "learning_rate": "constant",
    "max_iter": 200,
    "n_iter_no_change": 10,
    "batch_size": 32,
    "bidirectional": False,
    "pooling": "last",
    "dropout": 0.0,
    "learning_rate_init": 0.01,
    "skip_connection": None,
    "init": "auto",
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
    """Return the recommended estimator: an ensemble, with a search for frames if steps are many."""
    given = RECOMMENDED[data.kind] | settings_as_recommended(data)
    estimator = ESTIMATORS[data.kind](random_state=seed, **given)
    network = make_pipeline(prepare_as_recommended(data), estimator)
    if data.kind in (NUMBERS, STEP_NUMBERS):
        return EnsembleRegressor(network, N_MEMBERS, random_state=seed)
    can_be_framed = data.kind == CLASSES and not (data.is_text or data.mostly_missing)
    if can_be_framed and max(map(len, data.X)) >= LONG:
        return FramesThenEnsemble(network, seed)
    return EnsembleClassifier(network, N_MEMBERS, random_state=seed)


class FramesThenEnsemble(ClassifierMixin, BaseEstimator):
    """Choose frames by cross-validation with one network, then average networks with them."""

    def __init__(self, network, random_state=None):
        self.network = network
        self.random_state = random_state

    def fit(self, X, y):
        """Search, then fit the ensemble."""
        scale, network = self.network
        steps = [("scale", scale), ("frames", None), ("again", PerStep(StandardScaler()))]
        framed = Pipeline([*steps, ("network", network)])
        folds = StratifiedKFold(3, shuffle=True, random_state=self.random_state)
        search = GridSearchCV(framed, {"frames": FRAMES}, cv=folds).fit(X, y)
        best = clone(framed).set_params(**search.best_params_)
        self.ensemble_ = EnsembleClassifier(best, N_MEMBERS, random_state=self.random_state)
        self.ensemble_.fit(X, y)
        self.classes_ = self.ensemble_.classes_
        return self

    def predict(self, X):
        """Return the classes."""
        return self.ensemble_.predict(X)

    def predict_proba(self, X):
        """Return the mean probabilities of the members."""
        return self.ensemble_.predict_proba(X)
