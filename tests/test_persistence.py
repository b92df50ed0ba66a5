"""Saved estimators are loaded unchanged, from this release and from earlier ones."""

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
from recipes import ONE_DIRECTION
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import skrnn
from skrnn import (
    LBFGS,
    SGD,
    Adam,
    ForwardImputer,
    Frames,
    Gaussian,
    Huber,
    Neighbors,
    PerStep,
    Quantile,
    SequencePadder,
    SequenceRNNClassifier,
    SequenceRNNRegressor,
    StepRNNClassifier,
    StepRNNRegressor,
    XORMLPClassifier,
    XORMLPRegressor,
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
    """List the names to trust for an estimator: those of all classes of skrnn in it."""
    inner = [v for v in model.get_params().values() if hasattr(v, "get_params")]
    own = {type(v) for v in [model, *inner] if type(v).__module__.startswith("skrnn")}
    return sorted(map(public_name, own))


FORMATS = {
    "pickle": lambda model: pickle.loads(pickle.dumps(model)),
    "joblib": joblib_round_trip,
    "copy": copy.deepcopy,
    "skops": skops_round_trip,
}


@pytest.mark.parametrize("form", FORMATS)
def test_round_trips(form, models):
    before = make_models.outputs(models)
    loaded = {name: FORMATS[form](model) for name, model in models.items()}
    after = make_models.outputs(loaded)
    assert set(after) == set(before)
    for name in before:
        np.testing.assert_array_equal(after[name], before[name])
    for name, model in models.items():
        assert type(loaded[name]) is type(model)
        assert set(vars(loaded[name])) == set(vars(model))


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("solver", ["adam", "sgd", Adam(beta_1=0.5)], ids=str)
def test_training_continues_after_loading(form, solver, sequences):
    X, y = sequences
    clf = SequenceRNNClassifier(4, solver=solver, max_iter=3, random_state=0).fit(X, y)
    loaded = FORMATS[form](clf)
    for estimator in (clf, loaded):
        estimator.partial_fit(X, y).partial_fit(X[::-1], y[::-1])
    np.testing.assert_equal(loaded.weights_, clf.weights_)


def test_joblib_maps_weights_into_memory(sequences, tmp_path):
    """Weights in read-only files serve for all methods; partial_fit replaces them."""
    X, y = sequences
    clf = SequenceRNNClassifier(4, max_iter=3, random_state=0, **ONE_DIRECTION).fit(X, y)
    joblib.dump(clf, tmp_path / "clf")
    loaded = joblib.load(tmp_path / "clf", mmap_mode="r")
    assert not loaded.weights_["output"]["W"].flags.writeable
    np.testing.assert_array_equal(loaded.predict_proba(X), clf.predict_proba(X))
    predicted, _ = loaded.step(X[0][0], loaded.initial_state())
    np.testing.assert_array_equal(predicted, clf.step(X[0][0], clf.initial_state())[0])
    loaded.partial_fit(X, y)
    np.testing.assert_equal(loaded.weights_, clf.partial_fit(X, y).weights_)


# Types to trust -------------------------------------------------------------------------------


SEQUENCES = [np.random.RandomState(n).normal(size=(n, 2)) for n in (1, 2, 3, 4)]
LABELS = np.array(["a", "b", "a", "b"])
FITTED = [
    (XORMLPClassifier((3,), random_state=0), [[0], [1]], [0, 1]),
    (XORMLPClassifier((3,), solver="adam", max_iter=2, class_weight={0: 2.0}), [[0], [1]], [0, 1]),
    (XORMLPRegressor("poisson", (3,), random_state=0), [[0], [1]], [0, 1]),
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
    (SequenceRNNRegressor(3, max_iter=2, loss="poisson"), SEQUENCES, np.eye(4, 3)),
    (SequencePadder(), SEQUENCES, None),
    (PerStep(StandardScaler()), SEQUENCES, None),
    (ForwardImputer(add_elapsed=True), SEQUENCES, None),
    (Frames(2), SEQUENCES, None),
    (Neighbors(2), SEQUENCES, None),
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
def test_one_more_name_for_a_solver_object(solver):
    skops_io = pytest.importorskip("skops.io")
    (name,) = skops_io.get_untrusted_types(data=skops_io.dumps(solver))
    assert name == public_name(type(solver))
    clf = SequenceRNNClassifier(3, solver=solver, max_iter=2).fit(SEQUENCES, LABELS)
    names = skops_io.get_untrusted_types(data=skops_io.dumps(clf))
    assert sorted(names) == public_names(clf)
    assert len(names) == 2


@pytest.mark.parametrize("loss", [Huber(), Quantile(), Quantile(0.3), Gaussian()], ids=str)
def test_one_more_name_for_a_loss_object(loss):
    skops_io = pytest.importorskip("skops.io")
    (name,) = skops_io.get_untrusted_types(data=skops_io.dumps(loss))
    assert name == public_name(type(loss))
    reg = SequenceRNNRegressor(3, loss=loss, max_iter=2).fit(SEQUENCES, np.eye(4, 3))
    dumped = skops_io.dumps(reg)
    assert sorted(skops_io.get_untrusted_types(data=dumped)) == public_names(reg)
    loaded = skops_io.loads(dumped, trusted=public_names(reg))
    np.testing.assert_array_equal(loaded.predict(SEQUENCES), reg.predict(SEQUENCES))
    with zipfile.ZipFile(io.BytesIO(dumped)) as archive:
        assert not set(loaders(json.loads(archive.read("schema.json")))) - DATA_NODES


def test_pipelines_add_no_names():
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
    """Yield the kinds of nodes in the tree that skops writes; for types, their names."""
    if isinstance(node, dict):
        if node.get("__loader__") == "TypeNode":
            yield f"{node['__module__']}.{node['__class__']}"
        elif "__loader__" in node:
            yield node["__loader__"]
        node = list(node.values())
    for inner in node if isinstance(node, list) else []:
        yield from loaders(inner)


# Plain data, and objects with the name of their class; nothing that is called.
DATA_NODES = {
    *("DictNode", "ListNode", "TupleNode", "JsonNode", "NdArrayNode", "ObjectNode"),
    *("RandomStateNode", "builtins.str", "builtins.int"),  # types of the keys of dictionaries
}


@pytest.mark.parametrize(("estimator", "X", "y"), FITTED, ids=lambda v: type(v).__name__)
def test_a_file_holds_data_only(estimator, X, y):
    """A file contains no functions, methods, partials or types."""
    skops_io = pytest.importorskip("skops.io")
    dumped = skops_io.dumps(copy.deepcopy(estimator).fit(X, y))
    with zipfile.ZipFile(io.BytesIO(dumped)) as archive:
        schema = json.loads(archive.read("schema.json"))
    found = set(loaders(schema))
    assert "ObjectNode" in found
    if not isinstance(estimator, PerStep):  # scalers of scikit-learn hold types of NumPy
        assert not found - DATA_NODES


class Foreign:
    """An object that does not belong in a file."""


def test_foreign_objects_in_a_file_are_not_loaded(models):
    skops_io = pytest.importorskip("skops.io")
    exceptions = pytest.importorskip("skops.io.exceptions")
    tampered = copy.deepcopy(models["classifier"])
    tampered.loss_curve_ = Foreign()
    dumped = skops_io.dumps(tampered)
    with pytest.raises(
        exceptions.UntrustedTypesFoundException,
        match=r"Untrusted types found in the file: .*Foreign",
    ):
        skops_io.loads(dumped, trusted=public_names(models["classifier"]))


# Other versions -------------------------------------------------------------------------------


def test_this_format_has_a_stored_example():
    assert RELEASES
    for folder in RELEASES:
        names = {path.name for path in folder.iterdir() if path.suffix != ".skrnn"}
        assert names == {"models.pickle", "models.skops", "expected.npz"}
        has_files = folder.name != "models-0.1.0"  # which had no `skrnn.save`
        assert any(folder.glob("*.skrnn")) == has_files


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.InconsistentVersionWarning")
@pytest.mark.parametrize("form", ["pickle", "skops", "skrnn"])
@pytest.mark.parametrize("folder", RELEASES, ids=lambda folder: folder.name)
def test_files_of_releases_are_read(folder, form):
    if form == "pickle":
        loaded = pickle.loads((folder / "models.pickle").read_bytes())
    elif form == "skrnn":
        loaded = {path.stem: skrnn.load(path) for path in folder.glob("*.skrnn")}
        if not loaded:
            pytest.skip("this release had no skrnn.save")
    else:
        skops_io = pytest.importorskip("skops.io")
        path = folder / "models.skops"
        own = {public_name(getattr(skrnn, name)) for name in skrnn.__all__ if name[0].isupper()}
        names = skops_io.get_untrusted_types(file=path)
        assert not set(names) - own
        loaded = skops_io.load(path, trusted=names)
    with np.load(folder / "expected.npz", allow_pickle=False) as expected:
        computed = make_models.outputs(loaded)
        assert set(computed) == set(expected.files)
        for name, array in expected.items():
            if array.dtype.kind == "f":
                np.testing.assert_allclose(computed[name], array, rtol=1e-6, atol=1e-9)
            else:
                np.testing.assert_array_equal(computed[name], array)
    # They can be trained further.
    data = make_models.data()
    loaded["classifier"].partial_fit(data["X"], data["classes"])
    loaded["step regressor"].partial_fit(data["X"], data["step vectors"])


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.InconsistentVersionWarning")
@pytest.mark.parametrize("name", ["regressor", "step regressor"])
def test_regressors_of_0_1_0_do_not_standardize_their_targets(name):
    loaded = pickle.loads((DATA / "models-0.1.0" / "models.pickle").read_bytes())[name]
    assert loaded.normalize_y is False
    data = make_models.data()
    y = data["step vectors"] if name == "step regressor" else data["numbers"]
    y = [1000 * np.asarray(of_one) for of_one in y]
    assert loaded.partial_fit(data["X"], y).loss_ > 1e4
    assert loaded.set_params(normalize_y=True).partial_fit(data["X"], y).loss_ < 100


def test_parameters_missing_in_a_file_have_their_default(models, sequences):
    """As if `bptt_steps`, a parameter and a field of the network, were newer than the file."""
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
def test_files_of_other_formats_are_refused(name, form, models):
    model = models["classifier"].solver if name == "solver" else models[name]
    state = model.__getstate__()
    assert (state["_skrnn_format"], state["_skrnn_version"]) == (FORMAT, skrnn.__version__)
    state |= {"_skrnn_format": form, "_skrnn_version": "9.0.0"}
    loaded = type(model).__new__(type(model))
    message = rf"saved by skrnn 9.0.0 in format {form}, but .* reads format {FORMAT}\. Load it with"
    with pytest.raises(ValueError, match=message):
        loaded.__setstate__(state)
    assert not vars(loaded)


def test_the_format_is_not_an_attribute(models):
    for model in models.values():
        loaded = pickle.loads(pickle.dumps(model))
        assert not [name for name in vars(loaded) if name.startswith("_skrnn")]
