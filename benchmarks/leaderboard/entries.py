"""The estimators of the leaderboard: networks of skrnn, and what users have without it."""

from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from itertools import chain

import numpy as np
from sklearn.compose import TransformedTargetRegressor
from sklearn.dummy import DummyClassifier, DummyRegressor
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.feature_extraction import DictVectorizer
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression, RidgeCV
from sklearn.multioutput import MultiOutputRegressor
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from benchmarks.leaderboard.data import (
    CLASSES,
    NUMBERS,
    STEP_CLASSES,
    STEP_NUMBERS,
    DataSet,
)
from benchmarks.leaderboard.features import Flat, OnWindows, fill_forward, summarize
from benchmarks.leaderboard.networks import make_network, make_recommended
from benchmarks.leaderboard.prepare import prepare
from benchmarks.leaderboard.rivals import Codes, OfAeon, OfCRFsuite, TorchGRU
from benchmarks.leaderboard.simple import LastValue, SeasonalValue, WarpingNeighbour
from skrnn import TransformedStepTargetRegressor

ALL = frozenset({CLASSES, NUMBERS, STEP_CLASSES, STEP_NUMBERS})
SEQUENCE = frozenset({CLASSES, NUMBERS})
FEW_STEPS = 10**10  # of dynamic time warping: pairs of sequences times pairs of steps
SEVERAL = "several targets"


@dataclass(frozen=True)
class Entry:
    """An estimator of the leaderboard.

    `make` returns it for a data set and a seed. `kinds` are the kinds of data that it is for,
    `texts` is whether steps are texts, or None for both, and `needs` the package it comes from.
    Only random estimators are fitted with more than one seed. `ours` is whether its score depends
    on the code of skrnn.
    """

    name: str
    make: Callable
    kinds: frozenset[str] = SEQUENCE
    texts: bool | None = False
    needs: str = "sklearn"
    random: bool = False
    ours: bool = False
    one_target: bool = False
    reason: Callable[[DataSet], str] = lambda data: ""

    def is_for(self, data: DataSet) -> bool:
        """Whether the estimator is for this kind of data."""
        return data.kind in self.kinds and self.texts in (None, data.is_text)

    def why_not(self, data: DataSet) -> str:
        """Return why an estimator for this kind of data is skipped, or an empty text."""
        if find_spec(self.needs) is None:
            return f"{self.needs} is not installed"
        if self.one_target and np.ndim(data.y) == 2:
            return SEVERAL
        return self.reason(data)


def baseline(data: DataSet, *steps, classifier, regressor):
    """Return a pipeline with a classifier or a regressor, for sequences or for their steps."""
    is_classes = data.kind in (CLASSES, STEP_CLASSES)
    model = make_pipeline(*steps, classifier if is_classes else regressor)
    return model if data.kind in SEQUENCE else OnWindows(model)


def without_values(X):
    """Return a column of zeros."""
    return np.zeros((len(X), 1))


def constant(data, seed):
    """Predict the commonest class or the mean."""
    return baseline(
        data, FunctionTransformer(without_values),
        classifier=DummyClassifier(), regressor=DummyRegressor(),
    )  # fmt: skip


def ridge(data, seed):
    """Predict by a linear function of the last 100 steps."""
    model = make_pipeline(prepare(data), Flat(100), RidgeCV(np.logspace(-2, 4, 13)))
    return model if data.kind == NUMBERS else OnWindows(model)


def flat_mlp(data, seed):
    """Predict by a perceptron of scikit-learn on padded sequences."""
    return baseline(
        data, prepare(data), Flat(), StandardScaler(),
        classifier=MLPClassifier(random_state=seed),
        regressor=TransformedTargetRegressor(
            MLPRegressor(random_state=seed), transformer=StandardScaler()
        ),
    )  # fmt: skip


def boosting(data, seed):
    """Predict by gradient boosting on summaries of the columns, with smaller leaves for few rows.

    With the default of scikit-learn, 20 rows a leaf, it learns nothing from 40 sequences.
    """
    few = data.kind in SEQUENCE and len(data.X) < 200
    given = {"random_state": seed, "min_samples_leaf": 5 if few else 20}
    regressor = HistGradientBoostingRegressor(**given)
    return baseline(
        data, FunctionTransformer(summarize),
        classifier=HistGradientBoostingClassifier(**given),
        regressor=MultiOutputRegressor(regressor) if np.ndim(data.y) == 2 else regressor,
    )  # fmt: skip


def torch_gru(data, seed):
    """Predict by the network in PyTorch."""
    given = Codes() if data.is_text else prepare(data)
    model = make_pipeline(given, TorchGRU(data.kind, random_state=seed))
    if data.kind == NUMBERS:
        return TransformedTargetRegressor(model, transformer=StandardScaler())
    if data.kind == STEP_NUMBERS:
        return TransformedStepTargetRegressor(model, transformer=StandardScaler())
    return model


def of_aeon(name):
    """Return a function that makes an estimator of aeon."""
    return lambda data, seed: make_pipeline(
        prepare(data), OfAeon(data.kind, name, random_state=seed)
    )


def n_grams(data, seed):
    """Predict by logistic regression on groups of one to four characters."""
    words = TfidfVectorizer(
        analyzer="char_wb", ngram_range=(1, 4), sublinear_tf=True, preprocessor="".join
    )
    return make_pipeline(words, LogisticRegression(C=10, max_iter=1000))


def words_around(sentences):
    """Return the features of the words of each sentence: the word, its neighbours, its ending."""
    features = []
    for words in sentences:
        padded = ["", *words, ""]
        features.append([
            {"word": word, "lower": word.lower(), "before": padded[i], "after": padded[i + 2],
             "end": word[-3:], "capital": word[:1].isupper()}
            for i, word in enumerate(words)
        ])  # fmt: skip
    return features


class WordByWord(LogisticRegression):
    """Logistic regression on each word and its neighbours."""

    def fit(self, X, y):
        """Fit on all words."""
        self.features_ = DictVectorizer()
        rows = list(chain.from_iterable(words_around(X)))
        return super().fit(self.features_.fit_transform(rows), np.concatenate(y))

    def predict(self, X):
        """Return the classes of the words of each sentence."""
        rows = chain.from_iterable(words_around(X))
        flat = super().predict(self.features_.transform(rows))
        return np.split(flat, np.cumsum([len(words) for words in X])[:-1])


def too_long(data):
    """Return why the sequences of a set are too long for dynamic time warping."""
    n_test = len(data.X_test) or len(data.X)
    cost = len(data.X) * n_test * max(map(len, data.X)) ** 2
    return "sequences too long" if cost > FEW_STEPS else ""


def too_short(data):
    """Return why the sequences of a set are too short for the convolutions of aeon."""
    return "" if max(map(len, data.X)) >= 10 else "fewer than 10 steps"


ENTRIES = [
    Entry("skrnn, untouched", lambda data, seed: make_network(data, random_state=seed),
          ALL, None, "skrnn", random=True, ours=True),
    Entry("skrnn, recommended", make_recommended, ALL, None, "skrnn", random=True, ours=True),
    Entry("PyTorch GRU", torch_gru, ALL, None, needs="torch", random=True),
    Entry("constant", constant, ALL),
    Entry("last value",
          lambda data, seed: make_pipeline(FunctionTransformer(fill_forward), LastValue()),
          frozenset({NUMBERS})),
    Entry("seasonal value",
          lambda data, seed: make_pipeline(FunctionTransformer(fill_forward), SeasonalValue()),
          frozenset({NUMBERS})),
    Entry("ridge on lags", ridge, frozenset({NUMBERS, STEP_NUMBERS})),
    Entry("flat MLP", flat_mlp, SEQUENCE, random=True),
    Entry("gradient boosting", boosting, SEQUENCE | {STEP_NUMBERS}),
    Entry("1-NN DTW",
          lambda data, seed: make_pipeline(prepare(data), WarpingNeighbour()),
          frozenset({CLASSES}), reason=too_long),
    Entry("MiniRocket", of_aeon("MiniRocket"), needs="aeon", random=True, one_target=True,
          reason=too_short),
    Entry("MultiRocket-Hydra", of_aeon("MultiRocketHydra"), needs="aeon", random=True,
          one_target=True, reason=too_short),
    Entry("character n-grams", n_grams, frozenset({CLASSES}), True),
    Entry("words and neighbours", lambda data, seed: WordByWord(C=10, max_iter=1000),
          frozenset({STEP_CLASSES}), True),
    Entry("CRFsuite",
          lambda data, seed: make_pipeline(FunctionTransformer(words_around), OfCRFsuite()),
          frozenset({STEP_CLASSES}), True, "sklearn_crfsuite"),
]  # fmt: skip
