"""`skrnn.save` and `skrnn.load`: what is kept, what is refused, and where."""

import io
import json
import os
import pickle
import re
import sys
import warnings
from pathlib import Path

import make_models
import numpy as np
import pandas as pd
import pytest
from hostile_files import members_of, with_tree
from sklearn import config_context
from sklearn.base import clone
from sklearn.compose import ColumnTransformer, TransformedTargetRegressor, make_column_selector
from sklearn.decomposition import PCA, IncrementalPCA, TruncatedSVD
from sklearn.exceptions import InconsistentVersionWarning
from sklearn.feature_extraction import DictVectorizer, FeatureHasher
from sklearn.feature_extraction.text import (
    CountVectorizer,
    HashingVectorizer,
    TfidfTransformer,
    TfidfVectorizer,
)
from sklearn.feature_selection import SelectKBest, VarianceThreshold, f_regression
from sklearn.impute import KNNImputer, MissingIndicator, SimpleImputer
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import FeatureUnion, Pipeline, make_pipeline
from sklearn.preprocessing import (
    Binarizer,
    FunctionTransformer,
    KBinsDiscretizer,
    LabelBinarizer,
    LabelEncoder,
    MaxAbsScaler,
    MinMaxScaler,
    MultiLabelBinarizer,
    Normalizer,
    OneHotEncoder,
    OrdinalEncoder,
    PolynomialFeatures,
    PowerTransformer,
    QuantileTransformer,
    RobustScaler,
    StandardScaler,
    TargetEncoder,
)
from sklearn.svm import SVC

import skrnn
from skrnn import (
    CRF,
    LBFGS,
    SGD,
    Adam,
    EnsembleClassifier,
    EnsembleRegressor,
    ForwardImputer,
    Frames,
    Gaussian,
    Huber,
    Neighbors,
    PerSequence,
    PerStep,
    Quantile,
    SequencePadder,
    SequenceRNNClassifier,
    SequenceRNNRegressor,
    StepRNNClassifier,
    StepRNNRegressor,
    TableTransformer,
    TransformedStepTargetRegressor,
    XORMLPClassifier,
    XORMLPRegressor,
)
from skrnn._saving.classes import _CLASSES, class_of
from skrnn.callbacks import Checkpoint

pytestmark = pytest.mark.filterwarnings(
    "ignore::sklearn.exceptions.ConvergenceWarning", "ignore:n_quantiles:UserWarning"
)

RNG = np.random.RandomState(0)
X = [RNG.normal(size=(n, 2)) for n in (1, 2, 3, 4, 2, 3)]
LABELS = np.array(list("abcabc"))
NUMBERS = np.arange(6.0)
STEPS = [np.resize(LABELS, len(x)) for x in X]
ROWS = RNG.normal(size=(6, 3))
FRAME = pd.DataFrame({"a": NUMBERS, "b": list("xyzxyz"), "c": NUMBERS % 2})
TABLE = skrnn.Sequences(
    np.concatenate(X), [len(x) for x in X], static=pd.DataFrame({"age": NUMBERS})
)
FRAMES = [pd.DataFrame(x, columns=["u", "v"]) for x in X]
QUICK = {"max_iter": 2, "random_state": 0}
RNN = SequenceRNNClassifier(2, **QUICK)


def fitted(estimator, x=X, *y):
    return estimator.fit(x, *y), x


def models():
    """Make fitted estimators, each with an input."""
    step_regressor = StepRNNRegressor(2, solver=SGD(), **QUICK)
    regressor, scaler = XORMLPRegressor(**QUICK), StandardScaler()
    numbers_of_steps = [x[:, 0] for x in X]
    columns = ColumnTransformer(
        [("n", StandardScaler(), ["a"]), ("o", OneHotEncoder(), make_column_selector("b"))],
        remainder="passthrough",
    )
    return [
        *(fitted(RNN, X, LABELS), fitted(clone(RNN), FRAMES, LABELS.astype(object))),
        fitted(SequenceRNNClassifier((3, 2), cell="lstm", **QUICK), X, np.eye(6, 3, dtype=int)),
        fitted(SequenceRNNClassifier(2, cell="rnn", pooling="attention", **QUICK), TABLE, LABELS),
        fitted(SequenceRNNClassifier((), class_weight={"a": 2.0}, **QUICK), X, LABELS),
        fitted(SequenceRNNRegressor(2, embedding_size=2, **QUICK), TABLE, NUMBERS),
        fitted(SequenceRNNRegressor(2, loss=Huber(2.0), max_iter=2, random_state=RNG), X, NUMBERS),
        fitted(SequenceRNNRegressor(2, loss=Quantile(), **QUICK), X, np.eye(6, 2)),
        fitted(SequenceRNNRegressor(2, loss=Gaussian(), solver=LBFGS(), **QUICK), X, NUMBERS),
        fitted(SequenceRNNRegressor(2, loss="poisson", early_stopping=True, **QUICK), X, NUMBERS),
        fitted(StepRNNClassifier(2, loss=CRF("seen"), solver=Adam(), **QUICK), X, STEPS),
        fitted(StepRNNClassifier(2, bptt_steps=2, dropout=0.1, **QUICK), X, STEPS),
        fitted(step_regressor, [x.astype(np.float32) for x in X], X),
        fitted(XORMLPClassifier((3,), solver="adam", **QUICK), ROWS, LABELS),
        fitted(XORMLPClassifier((3, 2), dropout=0, random_state=0), FRAME[["a"]], NUMBERS > 2),
        fitted(XORMLPRegressor(Huber(), (3,), random_state=0), ROWS, ROWS),
        fitted(EnsembleClassifier(clone(RNN), n_estimators=2, random_state=0), X, LABELS),
        fitted(EnsembleRegressor(step_regressor, n_estimators=2), X, numbers_of_steps),
        fitted(
            TransformedStepTargetRegressor(step_regressor, transformer=scaler), X, numbers_of_steps
        ),
        fitted(PerStep(MinMaxScaler()), FRAMES),
        fitted(PerSequence(StandardScaler()).set_output(transform="pandas"), FRAMES),
        fitted(make_pipeline(ForwardImputer(), Neighbors(1), Frames(2))),
        *(fitted(SequencePadder(flat=True)), fitted(Neighbors(1), FRAMES)),
        fitted(TableTransformer(StandardScaler(), static=StandardScaler()), TABLE),
        fitted(TableTransformer(static=MinMaxScaler()), TABLE),
        fitted(ColumnTransformer([("n", "drop", ["a"])], remainder="passthrough"), FRAME),
        *(fitted(columns, FRAME), fitted(StandardScaler().set_output(transform="pandas"), ROWS)),
        fitted(FeatureUnion([("a", StandardScaler()), ("b", Binarizer())]), ROWS),
        fitted(
            Pipeline([("a", StandardScaler()), ("b", "passthrough"), ("c", Normalizer())]), ROWS
        ),
        fitted(
            TransformedTargetRegressor(regressor, transformer=scaler),
            ROWS,
            NUMBERS,
        ),
        *(fitted(t, ROWS) for t in (MaxAbsScaler(), RobustScaler(), KBinsDiscretizer(3))),
        *(fitted(t, ROWS) for t in (PCA(2), IncrementalPCA(2), TruncatedSVD(2), KNNImputer())),
        *(fitted(t, ROWS) for t in (PolynomialFeatures(), PowerTransformer(), VarianceThreshold())),
        *(fitted(t, ROWS) for t in (QuantileTransformer(), FunctionTransformer())),
        *(
            fitted(SelectKBest(f_regression, k=1), ROWS, NUMBERS),
            fitted(SelectKBest(), ROWS, LABELS),
        ),
        fitted(SimpleImputer(add_indicator=True), np.where(ROWS > 0, ROWS, np.nan)),
        fitted(MissingIndicator(), np.where(ROWS > 0, ROWS, np.nan)),
        fitted(OneHotEncoder(min_frequency=3, handle_unknown="ignore"), FRAME[["b"]]),
        fitted(OneHotEncoder(dtype=np.float32, sparse_output=False), np.array([["a"], ["b"]])),
        fitted(OrdinalEncoder(), np.array([["a", 1], ["b", None]], dtype=object)),
        fitted(TargetEncoder(random_state=0, cv=2), FRAME[["b"]], NUMBERS),
        *(fitted(LabelEncoder(), LABELS), fitted(LabelBinarizer(), LABELS)),
        fitted(MultiLabelBinarizer(), [["a"], ["b", "c"]]),
        *(fitted(t, [{"a": 1, "b": "x"}]) for t in (DictVectorizer(), FeatureHasher())),
        *(fitted(t, ["one two", "two"]) for t in (CountVectorizer(), TfidfVectorizer())),
        *(fitted(HashingVectorizer(), ["one two"]), fitted(TfidfTransformer(), np.abs(ROWS))),
    ]


def saved(estimator):
    file = io.BytesIO()
    skrnn.save(estimator, file)
    return file.getvalue()


def loaded(data):
    return skrnn.load(io.BytesIO(data))


def tree_of(data):
    return json.loads(np.load(io.BytesIO(data))["json"].item())


def outputs(estimator, x):
    """Call every method that computes something of X; each result as arrays of numbers."""
    for method in ("predict", "predict_proba", "transform", "score_samples"):
        if hasattr(estimator, method):
            found = getattr(estimator, method)(x)
            found = found.toarray() if hasattr(found, "toarray") else found
            found = found.to_ragged() if isinstance(found, skrnn.Sequences) else found
            ragged = isinstance(found, list) or getattr(found, "dtype", None) == np.dtype(object)
            yield from (np.asarray(part) for part in found) if ragged else [np.asarray(found)]


@pytest.fixture(scope="module")
def all_models():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return models()


def test_every_estimator_is_loaded_as_it_was(all_models):
    classes = set()

    def collect(value):
        if hasattr(value, "get_params") and not isinstance(value, type):
            classes.add(type(value))
            for inner in value.get_params().values():
                collect(inner)

    for estimator, x in all_models:
        collect(estimator)
        before = list(outputs(estimator, x))
        data = saved(estimator)
        again = loaded(data)
        assert type(again) is type(estimator)
        assert vars(again).keys() == vars(estimator).keys()
        for a, b in zip(outputs(again, x), before, strict=True):
            np.testing.assert_array_equal(a, b, strict=True)
        assert saved(again) == data
        unfitted = clone(estimator)
        assert saved(loaded(saved(unfitted))) == saved(unfitted)
    listed = {class_of(f"{module}.{name}") for module, names in _CLASSES.items() for name in names}
    assert listed - classes == {make_column_selector}


def test_the_list_of_classes_is_that_of_the_public_ones():
    public = {name for name in skrnn.__all__ if isinstance(getattr(skrnn, name), type)}
    assert set(_CLASSES["skrnn"]) == public - {"Sequences"}
    for module in ("sklearn.feature_selection", "skrnn"):
        assert class_of(f"{module}.{_CLASSES[module][0]}").__name__ == _CLASSES[module][0]


@pytest.mark.parametrize("solver", ["adam", "sgd", Adam(beta_1=0.5)], ids=str)
def test_training_continues(solver):
    clf = SequenceRNNClassifier(2, solver=solver, **QUICK).fit(X, LABELS)
    again = loaded(saved(clf))
    for estimator in (clf, again):
        estimator.partial_fit(X, LABELS).partial_fit(X[::-1], LABELS[::-1])
    np.testing.assert_equal(again.weights_, clf.weights_)
    for estimator in (clf, again):
        estimator.set_params(warm_start=True).fit(X, LABELS)
    np.testing.assert_equal(again.weights_, clf.weights_)


def test_a_generator_continues():
    clf = SequenceRNNClassifier(2, max_iter=2, random_state=np.random.RandomState(7))
    clf.random_state.normal()  # of two numbers, one is kept for the next call
    again = loaded(saved(clf))
    assert again.random_state.normal() == clf.random_state.normal()
    np.testing.assert_equal(again.fit(X, LABELS).weights_, clf.fit(X, LABELS).weights_)


def test_streams_of_a_loaded_network():
    clf = SequenceRNNClassifier(2, bidirectional=False, **QUICK).fit(X, LABELS)
    again, state = loaded(saved(clf)), clf.initial_state()
    for step in X[3]:
        expected, state_after = clf.step(step, state)
        np.testing.assert_array_equal(again.step(step, state)[0], expected)
        state = state_after


def test_requests_of_metadata_are_kept():
    with config_context(enable_metadata_routing=True):
        clf = clone(RNN).set_fit_request(sample_weight="w").set_score_request(sample_weight=False)
        again = loaded(saved(clf))
        assert str(again.get_metadata_routing()) == str(clf.get_metadata_routing())
        pipe = make_pipeline(PerStep(StandardScaler()), clf)
        loaded(saved(pipe)).fit(X, LABELS, w=np.ones(6))


def test_arrays_mapped_into_memory_are_saved(tmp_path):
    np.save(tmp_path / "mean.npy", np.ones(3))
    scaler = StandardScaler().fit(ROWS)
    scaler.mean_ = np.load(tmp_path / "mean.npy", mmap_mode="r")
    np.testing.assert_array_equal(loaded(saved(scaler)).mean_, np.ones(3))


def test_models_of_earlier_releases_can_be_saved():
    path = Path(__file__).resolve().parent / "data" / "models-0.1.0" / "models.pickle"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", InconsistentVersionWarning)
        before = pickle.loads(path.read_bytes())
    found = make_models.outputs({name: loaded(saved(model)) for name, model in before.items()})
    for name, array in make_models.outputs(before).items():
        np.testing.assert_array_equal(found[name], array)


# Files -----------------------------------------------------------------------------------


def test_a_path_is_replaced_by_a_complete_file(tmp_path, monkeypatch):
    path = tmp_path / "model.skrnn"
    skrnn.save(RNN, str(path))
    before = path.read_bytes()
    assert skrnn.load(path).get_params() == RNN.get_params()
    with pytest.raises(ValueError, match=r"is an object of sklearn\.svm"):
        skrnn.save(make_pipeline(SVC()), path)
    monkeypatch.setattr(os, "fsync", lambda descriptor: (_ for _ in ()).throw(OSError(28, "full")))
    with pytest.raises(OSError, match="full"):
        skrnn.save(SequencePadder(), path)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_numpy_shows_the_content(tmp_path):
    skrnn.save(fitted(clone(RNN), X, LABELS)[0], tmp_path / "model")
    with np.load(tmp_path / "model", allow_pickle=False) as file:
        tree = json.loads(file["json"].item())
        weights = tree["estimator"]["state"]["classes_"]["array"]
        np.testing.assert_array_equal(file[f"array{weights}"], ["a", "b", "c"])
    assert tree["estimator"]["class"] == "skrnn.SequenceRNNClassifier"
    assert tree["versions"].keys() == {"skrnn", "scikit-learn", "numpy"}


def test_the_file_must_be_a_path_or_binary(tmp_path):
    for function in (lambda file: skrnn.save(RNN, file), skrnn.load):
        with pytest.raises(TypeError, match="file must be a path or a binary file, got int"):
            function(3)
    with pytest.raises(TypeError, match="opened in binary mode, got str"):
        skrnn.load(io.StringIO("text"))
    with pytest.raises(FileNotFoundError):
        skrnn.load(tmp_path / "none")
    with pytest.raises(ValueError, match=f"^{re.escape(str(tmp_path))} is not a regular file"):
        skrnn.load(tmp_path)


def test_errors_of_writing_name_the_path_that_was_given(tmp_path):
    (tmp_path / "file").write_bytes(b"")
    for path, kind in {
        "no/folder/model": FileNotFoundError,
        "file/model": (NotADirectoryError, FileNotFoundError),  # the latter on Windows
        ".": (IsADirectoryError, PermissionError),
        "n" * 300: OSError,
    }.items():
        with pytest.raises(kind) as caught:
            skrnn.save(RNN, str(tmp_path / path))
        assert Path(caught.value.filename) == tmp_path / path
        assert ".tmp" not in str(caught.value)
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def numpy_archive():
    file = io.BytesIO()
    np.savez(file, x=np.arange(20), y=np.arange(3.0))
    return file.getvalue()


FOREIGN = {
    "is empty": lambda: b"",
    "does not begin like one": lambda: b"a text of some length that is no archive" * 5,
    "does not begin like": numpy_archive,
    "is a pickle, which joblib.load or pickle.load reads": lambda: pickle.dumps(RNN),
}


@pytest.mark.parametrize("message", FOREIGN)
def test_files_from_elsewhere_are_not_called_damaged(message, tmp_path):
    path = tmp_path / "model"
    path.write_bytes(FOREIGN[message]())
    with pytest.raises(ValueError, match=f"model is not a file of skrnn.save: it {message}"):
        skrnn.load(path)


@pytest.mark.parametrize(
    "change",
    [
        lambda data: data[:-10],
        lambda data: data[: len(data) // 2],
        lambda data: data[:50],
        lambda data: data + b"\n",
        lambda data: data[:200] + bytes([data[200] ^ 1]) + data[201:],
        lambda data: data.replace(b"\n", b"\r\n"),
    ],
)
def test_damaged_files_are_called_so(change):
    with pytest.raises(ValueError, match=r"^The file was changed or damaged after it was written"):
        loaded(change(saved(RNN)))


def test_a_checkpoint_is_no_saved_estimator_and_the_reverse(tmp_path):
    model, checkpoint = tmp_path / "model", tmp_path / "checkpoint"
    skrnn.save(RNN, model)
    before = model.read_bytes()
    with pytest.raises(ValueError, match=r"not a checkpoint, .* Pass another path to Checkpoint"):
        clone(RNN).set_callbacks(Checkpoint(model)).fit(X, LABELS)
    assert model.read_bytes() == before
    clone(RNN).set_callbacks(Checkpoint(checkpoint)).fit(X, LABELS)
    with pytest.raises(ValueError, match="holds no estimator, but for instance a checkpoint"):
        skrnn.load(checkpoint)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
def test_files_without_an_end_are_refused(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(ValueError, match="not a regular file"):
        skrnn.load(tmp_path / "pipe")


# Refused by save -------------------------------------------------------------------------


class Derived(StandardScaler):
    """A class from elsewhere."""


def with_attribute(name, value):
    clf = clone(RNN).fit(X, LABELS)
    setattr(clf, name, value)
    return clf


REFUSED = {
    "step 'log', parameter 'func' of FunctionTransformer is log": lambda: make_pipeline(
        Pipeline([("log", FunctionTransformer(np.log))])
    ),
    "step 'n', transformer 't' is an object of tests.test_saving.Derived": lambda: Pipeline(
        [("n", FeatureUnion([("t", Derived())]))]
    ),
    "step 'svc' is an object of sklearn.svm._classes.SVC": lambda: make_pipeline(SVC()),
    "parameter 'transformer' of PerSequence is len": lambda: PerSequence(len),
    "parameter 'transformer' of PerStep, parameter 'func' of FunctionTransformer is <lambda>": (
        lambda: PerStep(FunctionTransformer(lambda x: x))
    ),
    "The object is an object of sklearn.model_selection._search.GridSearchCV": lambda: GridSearchCV(
        RNN, {}
    ),
    "list is no estimator; save each of several alone": lambda: [RNN],
    "SequenceRNNClassifier has callbacks": lambda: clone(RNN).set_callbacks(Checkpoint("a")),
    "parameter 'random_state' of SequenceRNNClassifier is a RandomState of PCG64": (
        lambda: clone(RNN).set_params(random_state=np.random.RandomState(np.random.PCG64(0)))
    ),
    "SequenceRNNClassifier: the attribute 'note_' is not one that": lambda: with_attribute(
        "note_", 1
    ),
    "SequenceRNNClassifier: the attribute 'weights_' is not one that": lambda: with_attribute(
        "weights_", {}
    ),
    "The 'alpha' parameter of SequenceRNNClassifier must be a float": lambda: clone(RNN).set_params(
        alpha=-1
    ),
    "parameter 'init' of SequenceRNNClassifier ['W'] is a ndarray of type complex128": (
        lambda: clone(RNN).set_params(init={"W": np.zeros(1, complex)})
    ),
}


@pytest.mark.parametrize("message", REFUSED)
def test_what_cannot_be_saved_is_named_with_its_place(message):
    with pytest.raises(ValueError, match=re.escape(message)):
        saved(REFUSED[message]())


def test_deep_estimators_are_refused():
    pipe = make_pipeline(StandardScaler())
    for _ in range(15):
        pipe = make_pipeline(pipe)
    assert saved(loaded(saved(pipe))) == saved(pipe)
    for _ in range(15):
        pipe = make_pipeline(pipe)
    with pytest.raises(ValueError, match="The content has more than 100 levels"):
        saved(pipe)
    endless = []
    endless.append(endless)
    with pytest.raises(ValueError, match="nested too deeply: parameter 'init' of Seq"):
        saved(clone(RNN).set_params(init={"W": endless}))


# Refused by load -------------------------------------------------------------------------


def edited(data, change):
    """Change the tree, and compute the digest again."""
    tree = tree_of(data)
    change(tree)
    return with_tree(members_of(data), tree)


EDITS = {
    "skrnn 0.* reads format 1. Load it": lambda tree: tree.update(format=2),
    "of skrnn '9.0'": lambda tree: tree.update(format=2, versions={"skrnn": "9.0"}),
    "It holds no estimator, but for instance a checkpoint": lambda tree: tree.update(
        kind="checkpoint"
    ),
    "It holds no estimator": lambda tree: tree.update(estimator=[tree["estimator"]]),
    "It has other parts": lambda tree: tree.update(more=1),
    "'os.system' is not a class that a file may hold": (
        lambda tree: tree["estimator"].update({"class": "os.system"})
    ),
    "'skrnn.rnn.SequenceRNNClassifier' is not a class": (
        lambda tree: tree["estimator"].update({"class": "skrnn.rnn.SequenceRNNClassifier"})
    ),
    "'antigravity.fly' is not a function": (
        lambda tree: tree["estimator"]["state"].update(alpha={"function": "antigravity.fly"})
    ),
    "'numpy.lib' is no type": (
        lambda tree: tree["estimator"]["state"].update(alpha={"type": "numpy.lib"})
    ),
    "a state of skrnn.SequenceRNNClassifier": (
        lambda tree: tree["estimator"]["state"].update(predict=1)
    ),
    "saved by skrnn .* in format 99": lambda tree: tree["estimator"]["state"].update(
        _skrnn_format=99
    ),
    "The 'alpha' parameter of": lambda tree: tree["estimator"]["state"].update(alpha=-1.0),
    "attribute 'n_iter_' is not": lambda tree: tree["estimator"]["state"].update(n_iter_=0.5),
    "attribute '_architecture' is not": (
        lambda tree: tree["estimator"]["state"]["_architecture"]["dict"][0].__setitem__(1, 10**12)
    ),
    "attribute 'weights_' is not": lambda tree: tree["estimator"]["state"].update(
        weights_={"dict": []}
    ),
    "attribute 'out_activation_' is not": lambda tree: tree["estimator"]["state"].update(
        out_activation_="crf"
    ),
    "attribute 't_' is not": lambda tree: tree["estimator"]["state"].pop("t_"),
    "The random state in the file": lambda tree: tree["estimator"]["state"].update(
        random_state={"random_state": 1}
    ),
}


@pytest.mark.parametrize("message", EDITS)
def test_edited_files_are_refused(message):
    data = saved(fitted(clone(RNN), X, LABELS)[0])
    loaded(with_tree(members_of(data), tree_of(data)))
    with pytest.raises(ValueError, match=f"not a file of skrnn.save that .*{message}"):
        loaded(edited(data, EDITS[message]))
    assert "antigravity" not in sys.modules


@pytest.mark.parametrize("change", [{"pos": 625}, {"pos": -1}, {"key": "zeros"}])
def test_a_random_state_that_numpy_would_not_check_is_refused(change):
    """NumPy would read beyond the array, or draw zeros without an end."""
    data = saved(SequenceRNNClassifier(random_state=np.random.RandomState(0)))

    def edit(tree):
        state = tree["estimator"]["state"]["random_state"]["random_state"]["state"]
        state.update(change)

    forged = edited(data, edit)
    if "key" in change:
        members = members_of(data)
        file = io.BytesIO()
        np.save(file, np.zeros(624, np.uint32))
        forged = with_tree(members | {"array0.npy": file.getvalue()}, tree_of(data))
    with pytest.raises(ValueError, match="The random state in the file cannot be"):
        loaded(forged)


def test_another_version_of_scikit_learn_warns():
    def edit(tree):
        tree["estimator"]["state"]["_sklearn_version"] = "9.9"

    scaler = StandardScaler().fit(ROWS)
    with pytest.warns(InconsistentVersionWarning, match="StandardScaler from version 9.9"):
        again = loaded(edited(saved(scaler), edit))
    np.testing.assert_array_equal(again.transform(ROWS), scaler.transform(ROWS))
