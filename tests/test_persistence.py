"""Saved estimators come back as they were, from this release and from earlier ones."""

import copy
import io
import json
import pickle
import zipfile
from pathlib import Path

import joblib
import make_models
import numpy as np
import pytest
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import skrnn
from skrnn import (
    LBFGS,
    SGD,
    Adam,
    PerStep,
    SequencePadder,
    SequenceRNNClassifier,
    SequenceRNNRegressor,
    StepRNNClassifier,
    StepRNNRegressor,
    XORMLPClassifier,
)
from skrnn._estimator import FORMAT

DATA = Path(__file__).resolve().parent / "data"
RELEASES = sorted(DATA.glob("models-*"))

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


@pytest.fixture(scope="module")
def models():
    return make_models.train()


def joblib_round_trip(model):
    file = io.BytesIO()
    joblib.dump(model, file)
    file.seek(0)
    return joblib.load(file)


def skops_round_trip(model):
    skops_io = pytest.importorskip("skops.io")
    dumped = skops_io.dumps(model)
    return skops_io.loads(dumped, trusted=public_names(model))


def public_name(cls):
    assert getattr(skrnn, cls.__name__) is cls
    return f"{cls.__module__}.{cls.__name__}"


def public_names(model):
    """Get the names to trust for an estimator: its own, and those of estimators of ours in it."""
    inner = [v for v in model.get_params().values() if hasattr(v, "get_params")]
    ours = {type(v) for v in [model, *inner] if type(v).__module__.startswith("skrnn")}
    return sorted(map(public_name, ours))


WAYS = {
    "pickle": lambda model: pickle.loads(pickle.dumps(model)),
    "joblib": joblib_round_trip,
    "copy": copy.deepcopy,
    "skops": skops_round_trip,
}


@pytest.mark.parametrize("way", WAYS)
def test_round_trips(way, models):
    before = make_models.answers(models)
    loaded = {name: WAYS[way](model) for name, model in models.items()}
    after = make_models.answers(loaded)
    assert set(after) == set(before)
    for name in before:
        np.testing.assert_array_equal(after[name], before[name])
    for name, model in models.items():
        assert type(loaded[name]) is type(model)
        assert set(vars(loaded[name])) == set(vars(model))


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("solver", ["adam", "sgd", Adam(beta_1=0.5)], ids=str)
def test_training_goes_on_as_if_never_saved(way, solver, sequences):
    X, y = sequences
    clf = SequenceRNNClassifier(4, solver=solver, max_iter=3, random_state=0).fit(X, y)
    loaded = WAYS[way](clf)
    for estimator in (clf, loaded):
        estimator.partial_fit(X, y).partial_fit(X[::-1], y[::-1])
    np.testing.assert_equal(loaded.weights_, clf.weights_)


def test_joblib_maps_weights_into_memory(sequences, tmp_path):
    """Weights that are read-only files serve for all that does not change them."""
    X, y = sequences
    clf = SequenceRNNClassifier(4, max_iter=3, random_state=0).fit(X, y)
    joblib.dump(clf, tmp_path / "clf")
    loaded = joblib.load(tmp_path / "clf", mmap_mode="r")
    assert not loaded.weights_["output"]["W"].flags.writeable
    np.testing.assert_array_equal(loaded.predict_proba(X), clf.predict_proba(X))
    answer, _ = loaded.step(X[0][0], loaded.initial_state())
    np.testing.assert_array_equal(answer, clf.step(X[0][0], clf.initial_state())[0])
    loaded.partial_fit(X, y)
    np.testing.assert_equal(loaded.weights_, clf.partial_fit(X, y).weights_)


# What to trust --------------------------------------------------------------------------------


SEQUENCES = [np.random.RandomState(n).normal(size=(n, 2)) for n in (1, 2, 3, 4)]
LABELS = np.array(["a", "b", "a", "b"])
FITTED = [
    (XORMLPClassifier((3,), random_state=0), [[0], [1]], [0, 1]),
    (XORMLPClassifier((3,), solver="adam", max_iter=2, class_weight={0: 2.0}), [[0], [1]], [0, 1]),
    (SequenceRNNClassifier(3, max_iter=2), SEQUENCES, LABELS),
    (SequenceRNNClassifier(3, max_iter=2), SEQUENCES, LABELS.astype(object)),
    (
        SequenceRNNClassifier(3, max_iter=2, random_state=np.random.RandomState(0)),
        SEQUENCES,
        LABELS,
    ),
    (SequenceRNNClassifier((3, 2), max_iter=2), SEQUENCES, np.eye(4, 3, dtype=int)),
    (SequenceRNNRegressor(3, max_iter=2, solver="sgd"), SEQUENCES, np.eye(4, 3)),
    (StepRNNClassifier(3, max_iter=2), SEQUENCES, [LABELS[: len(x)] for x in SEQUENCES]),
    (StepRNNRegressor(3, solver="lbfgs", max_iter=2), SEQUENCES, [x[:, 0] for x in SEQUENCES]),
    (SequencePadder(), SEQUENCES, None),
    (PerStep(StandardScaler()), SEQUENCES, None),
]


@pytest.mark.parametrize(("estimator", "X", "y"), FITTED, ids=lambda v: type(v).__name__)
@pytest.mark.parametrize("is_fitted", [True, False])
def test_one_name_to_trust(estimator, X, y, is_fitted):
    skops_io = pytest.importorskip("skops.io")
    if is_fitted:
        estimator = copy.deepcopy(estimator).fit(X, y)
    (name,) = skops_io.get_untrusted_types(data=skops_io.dumps(estimator))
    assert name == public_name(type(estimator))


@pytest.mark.parametrize("solver", [Adam(), SGD(), LBFGS()], ids=str)
def test_one_more_for_the_object_of_a_solver(solver):
    skops_io = pytest.importorskip("skops.io")
    (name,) = skops_io.get_untrusted_types(data=skops_io.dumps(solver))
    assert name == public_name(type(solver))
    clf = SequenceRNNClassifier(3, solver=solver, max_iter=2).fit(SEQUENCES, LABELS)
    names = skops_io.get_untrusted_types(data=skops_io.dumps(clf))
    assert sorted(names) == public_names(clf)
    assert len(names) == 2


def test_pipelines_bring_nothing_further():
    skops_io = pytest.importorskip("skops.io")
    pipe = make_pipeline(
        PerStep(StandardScaler()), SequencePadder(), SequenceRNNClassifier(3, max_iter=2)
    ).fit(SEQUENCES, LABELS)
    dumped = skops_io.dumps(pipe)
    names = skops_io.get_untrusted_types(data=dumped)
    assert sorted(names) == sorted(public_name(type(step)) for step in pipe)
    loaded = skops_io.loads(dumped, trusted=names)
    np.testing.assert_array_equal(loaded.predict_proba(SEQUENCES), pipe.predict_proba(SEQUENCES))


def loaders(node):
    """Collect the kinds of node in the tree that skops writes; of types, which ones."""
    if isinstance(node, dict):
        if node.get("__loader__") == "TypeNode":
            yield f"{node['__module__']}.{node['__class__']}"
        elif "__loader__" in node:
            yield node["__loader__"]
        node = list(node.values())
    for inner in node if isinstance(node, list) else []:
        yield from loaders(inner)


# Plain data, and objects whose class is named; nothing that is called.
DATA_NODES = {
    *("DictNode", "ListNode", "TupleNode", "JsonNode", "NdArrayNode", "ObjectNode"),
    *("RandomStateNode", "builtins.str", "builtins.int"),  # types of the keys of dictionaries
}


@pytest.mark.parametrize(("estimator", "X", "y"), FITTED, ids=lambda v: type(v).__name__)
def test_a_file_holds_data_only(estimator, X, y):
    """No function, method, partial or type of ours or of others stands in a file of ours."""
    skops_io = pytest.importorskip("skops.io")
    dumped = skops_io.dumps(copy.deepcopy(estimator).fit(X, y))
    with zipfile.ZipFile(io.BytesIO(dumped)) as archive:
        schema = json.loads(archive.read("schema.json"))
    found = set(loaders(schema))
    assert "ObjectNode" in found
    if not isinstance(estimator, PerStep):  # scalers of scikit-learn hold types of NumPy
        assert not found - DATA_NODES


class Foreign:
    """Stands for what somebody hid in a file."""


def test_what_is_hidden_in_a_file_is_not_loaded(models):
    skops_io = pytest.importorskip("skops.io")
    exceptions = pytest.importorskip("skops.io.exceptions")
    tampered = copy.deepcopy(models["classifier"])
    tampered.loss_curve_ = Foreign()
    dumped = skops_io.dumps(tampered)
    with pytest.raises(exceptions.UntrustedTypesFoundException, match="Foreign"):
        skops_io.loads(dumped, trusted=public_names(models["classifier"]))


# Other versions -------------------------------------------------------------------------------


def test_this_format_has_a_stored_example():
    assert RELEASES
    for folder in RELEASES:
        assert {path.name for path in folder.iterdir()} == {
            "models.pickle",
            "models.skops",
            "expected.npz",
        }


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.InconsistentVersionWarning")
@pytest.mark.parametrize("form", ["pickle", "skops"])
@pytest.mark.parametrize("folder", RELEASES, ids=lambda folder: folder.name)
def test_files_of_releases_are_read(folder, form):
    if form == "pickle":
        loaded = pickle.loads((folder / "models.pickle").read_bytes())
    else:
        skops_io = pytest.importorskip("skops.io")
        path = folder / "models.skops"
        ours = {public_name(getattr(skrnn, name)) for name in skrnn.__all__ if name[0].isupper()}
        names = skops_io.get_untrusted_types(file=path)
        assert not set(names) - ours
        loaded = skops_io.load(path, trusted=names)
    with np.load(folder / "expected.npz", allow_pickle=False) as expected:
        given = make_models.answers(loaded)
        assert set(given) == set(expected.files)
        for name, array in expected.items():
            if array.dtype.kind == "f":
                np.testing.assert_allclose(given[name], array, rtol=1e-6, atol=1e-9)
            else:
                np.testing.assert_array_equal(given[name], array)
    # And they are whole: they train on.
    told = make_models.data()
    loaded["classifier"].partial_fit(told["X"], told["classes"])
    loaded["step regressor"].partial_fit(told["X"], told["step vectors"])


def test_what_is_new_since_has_its_default(models, sequences):
    """As if `bptt_steps`, a parameter and a field of the network, had come later."""
    X, _ = sequences
    state = models["classifier"].__getstate__()
    del state["bptt_steps"]
    state["_architecture"] = {k: v for k, v in state["_architecture"].items() if k != "bptt_steps"}
    old = SequenceRNNClassifier.__new__(SequenceRNNClassifier)
    old.__setstate__(state)
    assert old.bptt_steps is None
    np.testing.assert_array_equal(old.predict_proba(X), models["classifier"].predict_proba(X))


@pytest.mark.parametrize("name", ["classifier", "mlp", "padder", "scaler", "solver"])
@pytest.mark.parametrize("form", [FORMAT + 1, None])
def test_files_of_the_future_say_what_to_do(name, form, models):
    model = models["classifier"].solver if name == "solver" else models[name]
    state = model.__getstate__()
    assert (state["_skrnn_format"], state["_skrnn_version"]) == (FORMAT, skrnn.__version__)
    state |= {"_skrnn_format": form, "_skrnn_version": "9.0.0"}
    loaded = type(model).__new__(type(model))
    with pytest.raises(
        ValueError, match=rf"saved by skrnn 9.0.0 in format {form}, but .* {FORMAT}"
    ):
        loaded.__setstate__(state)
    assert not vars(loaded)


def test_the_format_is_no_attribute(models):
    for model in models.values():
        loaded = pickle.loads(pickle.dumps(model))
        assert not [name for name in vars(loaded) if name.startswith("_skrnn")]
