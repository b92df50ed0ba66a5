"""Estimators and pipelines work with other libraries for scikit-learn."""

import warnings

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from recipes import ONE_DIRECTION
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import balanced_accuracy_score, recall_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skrnn import PerStep, SequencePadder, SequenceRNNClassifier, as_sequences

END = {
    "pooling": "last",
    "max_iter": 40,
    "learning_rate": "cosine",
    "random_state": 0,
    **ONE_DIRECTION,
}


def rising_or_falling(n, share, seed, noise):
    """Make ragged sequences of one feature that rise (class 1, a `share` of them) or fall."""
    rng = np.random.RandomState(seed)
    y = (rng.uniform(size=n) < share).astype(int)
    X = []
    for label in y:
        t = np.linspace(-1, 1, rng.randint(5, 13))
        X.append(((2 * label - 1) * t + noise * rng.normal(size=len(t)))[:, None])
    return X, y


# imbalanced-learn ------------------------------------------------------------------------


@pytest.fixture
def rare():
    """Make imbalanced training sequences, of which few rise, and balanced test sequences."""
    pytest.importorskip("imblearn")
    return *rising_or_falling(500, 0.06, 0, 2.0), *rising_or_falling(500, 0.5, 1, 2.0)


def test_oversampling_increases_the_recall(rare):
    from imblearn.over_sampling import RandomOverSampler
    from imblearn.pipeline import make_pipeline

    X, y, X_test, y_test = rare
    padder, clf = SequencePadder(12, flat=True), SequenceRNNClassifier(8, cell="gru", **END)
    plain = make_pipeline(padder, clone(clf)).fit(X, y)
    sampled = make_pipeline(padder, RandomOverSampler(random_state=0), clone(clf)).fit(X, y)
    assert sampled[-1].t_ > 1.8 * plain[-1].t_  # both classes have the same number of sequences
    recalls = [recall_score(y_test, pipe.predict(X_test)) for pipe in (plain, sampled)]
    balanced = [balanced_accuracy_score(y_test, pipe.predict(X_test)) for pipe in (plain, sampled)]
    print(f"recall {recalls}, balanced accuracy {balanced}")
    assert recalls[1] > recalls[0] + 0.2
    assert balanced[1] > balanced[0] + 0.05


def test_synthetic_samples_of_hidden_states(rare):
    from imblearn.over_sampling import SMOTE
    from imblearn.pipeline import make_pipeline

    X, y, X_test, y_test = rare
    states = make_pipeline(
        PerStep(StandardScaler()), SequenceRNNClassifier(8, cell="gru", **END), LogisticRegression()
    )
    sampled = clone(states)
    sampled.steps.insert(2, ("smote", SMOTE(random_state=0)))
    plain = states.fit(X, y)
    sampled.fit(X, y)
    assert_array_equal(plain[:2].transform(X), sampled[:2].transform(X))
    recalls = [recall_score(y_test, pipe.predict(X_test)) for pipe in (plain, sampled)]
    print(f"recall {recalls}")
    assert recalls[1] > recalls[0] + 0.2


# MAPIE -----------------------------------------------------------------------------------


@pytest.mark.parametrize("form", ["objects", "flat"])
def test_conformal_sets_cover_the_truth(form):
    classification = pytest.importorskip("mapie.classification")
    parts = [rising_or_falling(600, 0.5, seed, 1.2) for seed in range(3)]
    if form == "flat":
        parts = [(SequencePadder(12, flat=True).fit_transform(X), y) for X, y in parts]
    else:  # MAPIE reads an object array as one column, the value of n_features_in_ here
        parts = [(as_sequences(X).to_ragged(), y) for X, y in parts]
    (X, y), (X_conform, y_conform), (X_test, y_test) = parts
    first = [] if form == "flat" else [PerStep(StandardScaler())]
    pipe = make_pipeline(*first, SequenceRNNClassifier(8, cell="gru", **END)).fit(X, y)
    levels = [0.8, 0.9, 0.95]
    sets = classification.SplitConformalClassifier(pipe, confidence_level=levels, prefit=True)
    predicted, kept = sets.conformalize(X_conform, y_conform).predict_set(X_test)
    assert_array_equal(predicted, pipe.predict(X_test))
    coverage = kept[np.arange(len(y_test)), y_test].mean(axis=0)
    sizes = kept.sum(axis=1).mean(axis=0)
    print(f"{form}: coverage {coverage}, mean size of the sets {sizes}")
    # Three standard errors: of the conformal quantile and of the share of covered samples.
    assert_allclose(coverage, levels, rtol=0, atol=3 * np.sqrt(2 * 0.2 * 0.8 / 600))
    assert (np.diff(coverage) > 0).all()
    assert (np.diff(sizes) > 0).all()
    assert sizes[-1] < 2  # fewer than all classes


# SHAP ------------------------------------------------------------------------------------


@pytest.fixture
def shap():
    with warnings.catch_warnings():
        # Its import uses a deprecated function of Matplotlib.
        warnings.filterwarnings("ignore", "The set_bad function", PendingDeprecationWarning)
        return pytest.importorskip("shap")


def test_shap_finds_the_relevant_step(shap):
    rng = np.random.RandomState(0)
    X = rng.normal(size=(400, 8))  # flat sequences of eight steps
    y = (X[:, 5] > 0).astype(int)
    pipe = make_pipeline(
        StandardScaler(),
        SequenceRNNClassifier(8, cell="gru", max_iter=40, random_state=0),
    )
    assert pipe.fit(X, y).score(X, y) > 0.9

    def probability(X):
        return pipe.predict_proba(X)[:, 1]

    # All 2 ** 8 subsets of steps are evaluated; the other steps are those of twenty sequences.
    explained = shap.KernelExplainer(probability, X[-20:])(X[:20], silent=True)
    share = np.abs(explained.values).mean(axis=0)
    print(f"mean |SHAP| of each step: {share.round(3)}")
    assert share.argmax() == 5
    assert share[5] > 4 * np.delete(share, 5).max()
    # The contributions of the steps and the mean add up to the prediction.
    total = explained.base_values + explained.values.sum(axis=1)
    assert_allclose(total, probability(X[:20]), rtol=0, atol=1e-10)
    assert (np.sign(explained.values[:, 5]) == np.sign(X[:20, 5])).mean() > 0.9
