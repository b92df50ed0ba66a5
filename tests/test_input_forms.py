"""Sequences in every form, with the tools of scikit-learn that take an estimator."""

from functools import cache

import numpy as np
import pandas as pd
import pytest
from joblib import parallel_config
from numpy.testing import assert_allclose, assert_array_equal
from scipy.sparse import csr_array
from sklearn import config_context
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import ColumnTransformer, make_column_selector
from sklearn.ensemble import StackingClassifier, VotingClassifier
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.feature_extraction import DictVectorizer, FeatureHasher
from sklearn.feature_extraction.text import CountVectorizer, HashingVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import (
    GridSearchCV,
    HalvingGridSearchCV,
    RandomizedSearchCV,
    cross_val_predict,
    cross_val_score,
    learning_curve,
    permutation_test_score,
    train_test_split,
    validation_curve,
)
from sklearn.multiclass import OneVsOneClassifier, OneVsRestClassifier
from sklearn.multioutput import ClassifierChain
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, StandardScaler

from skrnn import (
    Frames,
    PerStep,
    SequencePadder,
    SequenceRNNClassifier,
    Sequences,
    StepRNNClassifier,
    as_sequences,
)

N = 40


def make_sequences(n_features):
    rng = np.random.RandomState(0)
    y = np.arange(N) % 2
    return [rng.normal(c, 1, (rng.randint(2, 6), n_features)) for c in y], y


def make_pipeline(n_features, transformer=None):
    return Pipeline(
        [
            ("scale", PerStep(transformer or StandardScaler(), step_features=n_features)),
            ("pad", SequencePadder(step_features=n_features)),
            ("classify", make_classifier(n_features)),
        ]
    )


def make_classifier(n_features):
    return SequenceRNNClassifier(
        3, step_features=n_features, max_iter=3, learning_rate="cosine", random_state=0
    )


def in_object_array(sequences):
    array = np.empty(len(sequences), dtype=object)
    array[:] = sequences
    return array


def padded(sequences):
    return as_sequences(sequences).to_padded()


def flat(sequences):
    return padded(sequences).reshape(N, -1)


FORMS = {
    "list": list,
    "tuple": tuple,
    "nested lists": lambda sequences: [sequence.tolist() for sequence in sequences],
    "flat arrays": lambda sequences: [sequence.ravel() for sequence in sequences],
    "object array": in_object_array,
    "Series": lambda sequences: pd.Series(sequences, index=np.arange(N)[::-1]),
    "3-D": padded,
    "flat 2-D": flat,
    "DataFrame": lambda sequences: pd.DataFrame(flat(sequences)).rename(columns="c{}".format),
    "Sequences": as_sequences,
    "unnamed frames": lambda sequences: [pd.DataFrame(steps) for steps in sequences],
}


def search(kind, **options):
    """Return a function that collects the scores and predictions of a search over a pipeline."""

    def use(X, y, pipeline):
        grid = {"classify__alpha": [0.0, 10.0]}
        if isinstance(pipeline["scale"].transformer, StandardScaler):
            grid["scale__transformer__with_mean"] = [True, False]
        found = kind(pipeline, grid, cv=2, scoring="neg_log_loss", **options).fit(X, y)
        return [*found.cv_results_["mean_test_score"], *found.predict_proba(X).ravel()]

    return use


def fitted(wrap):
    """Return a function that fits a wrapped pipeline and predicts probabilities."""

    def use(X, y, pipeline):
        return wrap(pipeline).fit(X, y).predict_proba(X)

    return use


def split(X, y, pipeline):
    X_train, X_test, y_train, _ = train_test_split(X, y, stratify=y, random_state=0)
    return clone(pipeline).fit(X_train, y_train).predict_proba(X_test)


def called(function, *args, **options):
    """Return a function that collects the numbers that `function(estimator, X, y)` returns."""

    def use(X, y, pipeline):
        result = function(pipeline, X, y, *args, cv=2, **options)
        parts = result if isinstance(result, tuple) else [result]
        return np.concatenate([np.ravel(part) for part in parts])

    return use


def voting_on_frames(pipeline):
    """Average the network of a pipeline with one that reads frames of two steps."""
    network = pipeline["classify"]
    of_frames = clone(network).set_params(step_features=2 * network.step_features)
    frames = Frames(2, step_features=network.step_features)
    framed = Pipeline([("frames", frames), ("classify", of_frames)])
    mean = VotingClassifier([("steps", network), ("frames", framed)], voting="soft")
    return Pipeline([("scale", pipeline["scale"]), ("classify", mean)])


LOSS = {"scoring": "neg_log_loss"}
USES = {
    "Pipeline": fitted(lambda pipeline: pipeline),
    "CalibratedClassifierCV": fitted(lambda p: CalibratedClassifierCV(p, cv=2)),
    "StackingClassifier": fitted(
        lambda p: StackingClassifier([("a", p), ("b", p)], LogisticRegression(), cv=2)
    ),
    "VotingClassifier": fitted(lambda p: VotingClassifier([("a", p), ("b", p)], voting="soft")),
    "VotingClassifier, frames": fitted(voting_on_frames),
    "OneVsRestClassifier": fitted(OneVsRestClassifier),
    "GridSearchCV": search(GridSearchCV),
    "RandomizedSearchCV": search(RandomizedSearchCV, n_iter=2, random_state=0),
    "HalvingGridSearchCV": search(HalvingGridSearchCV, min_resources=20, random_state=0),
    "train_test_split": split,
    "cross_val_predict": called(cross_val_predict, method="predict_proba"),
    "cross_val_score": called(cross_val_score, **LOSS),
    "learning_curve": called(learning_curve, train_sizes=[10, 20], **LOSS),
    "validation_curve": called(
        validation_curve, param_name="classify__alpha", param_range=[0.0, 10.0], **LOSS
    ),
    "permutation_test_score": called(
        permutation_test_score, n_permutations=2, random_state=0, **LOSS
    ),
}


@cache
def of_list(use, n_features):
    sequences, y = make_sequences(n_features)
    return USES[use](sequences, y, make_pipeline(n_features))


@pytest.mark.parametrize("use", USES)
@pytest.mark.parametrize("n_features", [1, 2])
@pytest.mark.parametrize("form", list(FORMS)[1:])
def test_results_do_not_depend_on_the_form(form, use, n_features):
    sequences, y = make_sequences(n_features)
    result = USES[use](FORMS[form](sequences), y, make_pipeline(n_features))
    assert np.std(result) > 0
    # Columns of frames are contiguous, so that scikit-learn's sums are rounded differently.
    assert_allclose(result, of_list(use, n_features), rtol=1e-12 if form == "unnamed frames" else 0)


def test_voting_averages_networks_that_read_different_frames():
    sequences, y = make_sequences(2)
    labels = np.array(["no", "yes"])[y]
    mean = voting_on_frames(make_pipeline(2)).set_params(classify__n_jobs=2)
    with parallel_config("threading"):
        mean.fit(sequences, labels)
    of_members = []
    for member in voting_on_frames(make_pipeline(2))["classify"].estimators:
        alone = Pipeline([("scale", clone(mean["scale"])), ("member", member[1])])
        of_members.append(alone.fit(sequences, labels).predict_proba(sequences))
    assert np.abs(of_members[0] - of_members[1]).max() > 1e-3
    expected = np.mean(of_members, axis=0)
    assert_allclose(mean.predict_proba(sequences), expected, rtol=1e-12)
    assert_array_equal(mean.predict(sequences), np.array(["no", "yes"])[expected.argmax(axis=1)])


def test_voting_passes_weights_to_networks_that_read_frames():
    sequences, y = make_sequences(1)
    weights = np.linspace(0.1, 2, N)
    with config_context(enable_metadata_routing=True):
        network = make_classifier(None).set_fit_request(sample_weight=True)
        framed = Pipeline([("frames", Frames(2)), ("classify", network)])
        mean = VotingClassifier([("steps", network), ("frames", framed)], voting="soft")
        mean.fit(sequences, y, sample_weight=weights)
        for member in (network, framed):
            alone = clone(member).fit(sequences, y, sample_weight=weights)
            plain = clone(member).fit(sequences, y)
            found = mean.named_estimators_["frames" if member is framed else "steps"]
            probabilities = found.predict_proba(sequences)
            assert_array_equal(probabilities, alone.predict_proba(sequences))
            assert np.abs(probabilities - plain.predict_proba(sequences)).max() > 1e-4


@pytest.mark.parametrize("predicted", [form for form in FORMS if form != "DataFrame"])  # has names
@pytest.mark.parametrize("fitted", ["list", "3-D", "flat 2-D"])
def test_forms_of_fit_and_predict_may_differ(fitted, predicted):
    sequences, y = make_sequences(2)
    clf = make_classifier(2).fit(FORMS[fitted](sequences), y)
    expected = make_classifier(2).fit(sequences, y).predict_proba(sequences)
    assert_array_equal(clf.predict_proba(FORMS[predicted](sequences)), expected)


# Names, text, categories, dictionaries and sparse steps ------------------------------------

WORDS = ["be", "not", "or", "that", "to"]


def make_numbers():
    """Sequences of two numbers and a word, and labels that depend on all of them."""
    rng, y = np.random.RandomState(1), np.arange(N) % 2
    lengths = rng.randint(2, 6, N)
    numbers = [rng.normal(c, 1, (n, 2)) for n, c in zip(lengths, y, strict=True)]
    words = [np.array(WORDS)[rng.randint(c, 4 + c, n)] for n, c in zip(lengths, y, strict=True)]
    return numbers, words, y


NUMBERS, TEXTS, LABELS = make_numbers()
MIXED = [
    pd.DataFrame({"u": x[:, 0], "v": x[:, 1], "word": words})
    for x, words in zip(NUMBERS, TEXTS, strict=True)
]
LENGTHS = [len(words) for words in TEXTS]


def one_hot(words):
    return (words[:, None] == np.array(WORDS)).astype(float)


def polars_frames(frames):
    pl = pytest.importorskip("polars")
    return [pl.DataFrame(frame.to_dict("list")) for frame in frames]


def encoder(**options):
    return OneHotEncoder(categories=[WORDS], **options)


COUNTS = CountVectorizer(vocabulary=WORDS)
OF_WORDS = [one_hot(words) for words in TEXTS]
OF_ALL = [np.hstack(pair) for pair in zip(NUMBERS, OF_WORDS, strict=True)]
BY_NAME = ColumnTransformer([("numbers", "passthrough", ["u", "v"]), ("words", COUNTS, "word")])
BY_TYPE = ColumnTransformer(
    [
        ("numbers", "passthrough", make_column_selector(dtype_include=np.number)),
        ("words", encoder(), make_column_selector(dtype_exclude=np.number)),
    ]
)
TEXT_COLUMN = pd.DataFrame({"word": np.concatenate(TEXTS)})
DICTIONARIES = [[{"word": word, "one": 1} for word in words] for words in TEXTS]
HASHED = HashingVectorizer(n_features=8, norm=None, alternate_sign=False)
NOTHING = FunctionTransformer()
# Sequences, a transformer for their steps, and the numbers that it makes of them.
ENCODED = {
    "pandas frames": (lambda: [frame[["u", "v"]] for frame in MIXED], NOTHING, NUMBERS),
    "polars frames": (
        lambda: polars_frames([frame[["u", "v"]] for frame in MIXED]),
        NOTHING,
        NUMBERS,
    ),
    "Sequences of a frame": (
        lambda: Sequences(pd.concat(MIXED)[["u", "v"]], LENGTHS),
        NOTHING,
        NUMBERS,
    ),
    "Sequences of a CSR matrix": (
        lambda: Sequences(csr_array(np.concatenate(OF_ALL)), LENGTHS),
        NOTHING,
        OF_ALL,
    ),
    "list of CSR matrices": (lambda: [csr_array(x) for x in OF_ALL], NOTHING, OF_ALL),
    "words counted": (lambda: TEXTS, COUNTS, OF_WORDS),
    "words counted in a Series": (
        lambda: pd.Series(TEXTS, index=range(N, 0, -1)),
        COUNTS,
        OF_WORDS,
    ),
    "words hashed": (lambda: Sequences(TEXT_COLUMN, LENGTHS), HASHED, None),
    "words as categories": (lambda: [list(words) for words in TEXTS], encoder(), OF_WORDS),
    "frames of words": (
        lambda: [frame[["word"]] for frame in MIXED],
        encoder(sparse_output=False),
        OF_WORDS,
    ),
    "columns by name": (lambda: MIXED, BY_NAME, OF_ALL),
    "columns by name, polars": (lambda: polars_frames(MIXED), BY_NAME, OF_ALL),
    "columns by type": (lambda: Sequences(pd.concat(MIXED), LENGTHS), BY_TYPE, OF_ALL),
    "dictionaries": (lambda: DICTIONARIES, DictVectorizer(), None),
    "dictionaries hashed": (lambda: DICTIONARIES, FeatureHasher(8, alternate_sign=False), None),
}


@cache
def of_numbers(use, case):
    make, transformer, encoded = ENCODED[case]
    if encoded is None:
        encoded = [steps.toarray() for steps in PerStep(transformer).fit_transform(make())]
    if encoded is NUMBERS and case != "pandas frames":
        return of_numbers(use, "pandas frames")
    return USES[use](encoded, LABELS, of_steps(NOTHING))


def of_steps(transformer):
    """Make a pipeline without padding, which needs dense steps."""
    return Pipeline([("scale", PerStep(transformer)), ("classify", make_classifier(None))])


@pytest.mark.parametrize(
    "use",
    [
        "Pipeline",
        "CalibratedClassifierCV",
        "StackingClassifier",
        "GridSearchCV",
        "train_test_split",
        "cross_val_predict",
    ],
)
@pytest.mark.parametrize("case", ENCODED)
def test_results_are_those_of_the_encoded_numbers(case, use):
    make, transformer, _ = ENCODED[case]
    result = USES[use](make(), LABELS, of_steps(transformer))
    assert np.std(result) > 0
    # Products with sparse matrices are rounded differently.
    assert_allclose(result, of_numbers(use, case), rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize(
    ("form", "message"),
    [
        ("list", "setting an array element with a sequence"),
        ("Sequences", "Expected 2D array, got 1D array instead"),
        ("3-D", "Found array with dim 3"),
    ],
)
@pytest.mark.parametrize("tool", [OneVsOneClassifier, ClassifierChain])
def test_tools_that_need_a_table(tool, form, message):
    """They make an array of X themselves, and accept 2-D arrays only."""
    sequences, y = make_sequences(2)
    y = y if tool is OneVsOneClassifier else np.c_[y, 1 - y]
    with pytest.raises(ValueError, match=message):
        tool(make_pipeline(2)).fit(FORMS[form](sequences), y)


SHORT = SequenceRNNClassifier(1, max_iter=1)
ONE_SERIES = (
    r"Pass a single sequence as \[X\]. If X is a series to forecast, cut it into sequences with "
    r"X, y = skrnn.convert.make_windows\(X, window=...\)."
)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize(
    "use",
    [
        as_sequences,
        lambda X: SHORT.fit(X, [0, 1]),
        lambda X: clone(SHORT).fit([[1.0], [2.0, 3.0]], [0, 1]).predict(X),
    ],
    ids=["as_sequences", "fit", "predict"],
)
@pytest.mark.parametrize("library", ["numpy", "pandas", "polars"])
def test_a_single_sequence_is_refused_with_advice(library, use):
    make = getattr(pytest.importorskip(library), "array" if library == "numpy" else "Series")
    with pytest.raises(ValueError, match=f"got 1D array instead: 2 numbers. {ONE_SERIES} Reshape"):
        use(make([1.0, 2.0]))
    if library == "numpy":
        with pytest.raises(ValueError, match=f"Sequence 0 of X has shape .* {ONE_SERIES}$"):
            use([1.0, 2.0])


ITERATORS = {
    "map": lambda: [map(float, [1, 2]), map(float, [3])],
    "zip": lambda: [zip([1, 2], [3, 4], strict=True), zip([1], [2], strict=True)],
    "generator": lambda: [(v for v in [1, 2]), (v for v in [1])],
    "dict_values": lambda: [{"a": 1, "b": 2}.values(), {"a": 1}.values()],
}


@pytest.mark.parametrize("kind", ITERATORS)
def test_iterators_as_sequences_are_refused_with_advice(kind):
    advice = r"Pass a list for each sequence: \[list\(steps\) for steps in "
    for use in (as_sequences, lambda X: SHORT.fit(X, [0, 1]), PerStep(OneHotEncoder()).fit):
        with pytest.raises(ValueError, match=f"type {kind}, but .*{advice}X"):
            use(ITERATORS[kind]())
    steps = StepRNNClassifier(1, max_iter=1)
    for y in (ITERATORS[kind](), [*ITERATORS[kind](), [0]][1:]):
        with pytest.raises(ValueError, match=f"Sequence 0 of y .*{kind}.*{advice}y"):
            steps.fit([[1.0, 2.0], [3.0]], y)


def test_sets_and_dictionaries_as_sequences_are_refused_with_advice():
    with pytest.raises(ValueError, match="A set has no order; pass its values in a list"):
        as_sequences([{1, 2}, {3}])
    for X in ([{"a": 1}, {"a": 2}], np.array([{"a": 1}, {"a": 2}])):
        for use in (as_sequences, lambda X: SHORT.fit(X, [0, 1]), PerStep(DictVectorizer()).fit):
            with pytest.raises(ValueError, match=r"\[\[\{\.\.\.\}, .*PerStep\(DictVectorizer"):
                use(X)
