"""Files that were damaged or forged are refused, or read right, in bounded memory."""

import contextlib
import io
import json
import os
import subprocess
import sys
import traceback
import tracemalloc
from collections import Counter
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hostile_files import archive, changed_files, npy
from sklearn.base import clone
from sklearn.compose import ColumnTransformer
from sklearn.pipeline import FeatureUnion, make_pipeline
from sklearn.preprocessing import MinMaxScaler, OneHotEncoder, StandardScaler

import skrnn
from skrnn._training.storage import read
from skrnn.callbacks import Checkpoint

N_FAST, N_ALL = 150, 2000
RNG = np.random.RandomState(0)
X = [RNG.normal(size=(n, 2)) for n in (1, 2, 3, 4, 2, 3)]
Y = np.array(list("abcabc"))
STEPS = [Y[: len(x)] for x in X]
NUMBERS = np.arange(6.0)
TABLE = skrnn.Sequences(
    np.concatenate(X), [len(x) for x in X], static=pd.DataFrame({"age": NUMBERS})
)
FRAME = pd.DataFrame({"a": NUMBERS, "b": list("xyzxyz")})
QUICK = {"max_iter": 2, "random_state": 0}


def models():
    """Fit a model of each kind, with its input."""
    clf = skrnn.SequenceRNNClassifier(2, **QUICK)
    columns = ColumnTransformer([("n", StandardScaler(), ["a"]), ("c", OneHotEncoder(), ["b"])])
    numbers = FeatureUnion([("s", StandardScaler()), ("m", MinMaxScaler())])
    found = [
        (make_pipeline(skrnn.PerStep(StandardScaler()), clone(clf)), X, Y),
        (skrnn.StepRNNClassifier(2, loss=skrnn.CRF("seen"), **QUICK), X, STEPS),
        (skrnn.SequenceRNNRegressor(2, solver="sgd", random_state=RNG, max_iter=2), X, NUMBERS),
        (skrnn.SequenceRNNRegressor(2, loss=skrnn.Quantile(), bidirectional=False), TABLE, NUMBERS),
        (skrnn.XORMLPClassifier((2,), solver="adam", **QUICK), FRAME[["a"]], Y),
        (skrnn.XORMLPRegressor(hidden_layer_sizes=(2,), **QUICK), FRAME[["a"]], NUMBERS),
        (skrnn.EnsembleClassifier(clf, n_estimators=2, random_state=0), X, Y),
        (skrnn.TableTransformer(StandardScaler(), static=StandardScaler()), TABLE, None),
        (make_pipeline(skrnn.ForwardImputer(), skrnn.Neighbors(1), skrnn.Frames(2)), X, None),
        (make_pipeline(columns, numbers), FRAME, None),
        (skrnn.SequencePadder(flat=True), X, None),
    ]
    return [(estimator.fit(x, y), x) for estimator, x, y in found]


def flat(values):
    """Put what an estimator returns into one array."""
    if isinstance(values, skrnn.Sequences):
        return np.asarray(values.values)
    ragged = isinstance(values, list) or getattr(values, "dtype", None) == np.dtype(object)
    return np.concatenate([np.asarray(v) for v in values]) if ragged else np.asarray(values)


def use(estimator, x):
    """Use an estimator: a finite result, or a ValueError."""
    method = "predict" if hasattr(estimator, "predict") else "transform"
    values = flat(getattr(estimator, method)(x))
    assert values.dtype.kind != "f" or method == "transform" or np.isfinite(values).all()


@pytest.fixture
def limited():
    """Let the system refuse requests of memory beyond 2 GiB, where that is possible."""
    resource = pytest.importorskip("resource")
    before = resource.getrlimit(resource.RLIMIT_AS)
    with contextlib.suppress(OSError), open("/proc/self/statm", encoding="ascii") as file:
        now = int(file.read().split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (now + 2**31, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_AS, before)


def read_in_bounds(function, data):
    """Read a file by a function, whose memory must be bounded by the size of the file."""
    tracemalloc.start()
    try:
        return function()
    finally:
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert peak < 2**21 + 50 * len(data)


def attempt_to_load(data, like, x):
    """Load a file and use the estimator; returns how that ended."""
    try:
        estimator = read_in_bounds(lambda: skrnn.load(io.BytesIO(data)), data)
    except ValueError as error:
        is_ours = str(error).startswith(
            ("The file is not a file of skrnn.save", "The file was changed or damaged after")
        )
        return "refused" if is_ours else repr(error)
    if type(estimator) is not type(like):
        return "another"
    try:
        use(estimator, x)
    except ValueError:
        return "refused in use"
    except MemoryError:  # the parameters of transformers decide how large the output is
        return "too large" if hasattr(estimator, "transform") else "MemoryError"
    except (AttributeError, TypeError, IndexError, KeyError) as error:
        innermost = traceback.extract_tb(error.__traceback__)[-1]
        if innermost.line.startswith("raise TypeError"):  # for X of another kind than in fit
            return "refused in use"
        # Attributes of the transformers of scikit-learn are checked in part.
        in_sklearn = "sklearn" in Path(innermost.filename).parts
        return "in scikit-learn" if in_sklearn else repr(error)
    return "used"


SIZES = [N_FAST, pytest.param(N_ALL, marks=pytest.mark.slow)]


@pytest.mark.filterwarnings("ignore")  # of NumPy, of scikit-learn for other versions, of zipfile
@pytest.mark.parametrize("n", SIZES)
def test_files_of_estimators(n, limited):
    """Each file is a ValueError of load, or an estimator that works or raises a ValueError."""
    fitted = models()
    wholes = []
    for estimator, _ in fitted:
        file = io.BytesIO()
        skrnn.save(estimator, file)
        wholes.append(file.getvalue())
    counts = Counter()
    for which, data in changed_files(wholes, n, seed=n):
        counts[attempt_to_load(data, *fitted[which])] += 1
    known = {"refused", "refused in use", "used", "another", "too large", "in scikit-learn"}
    assert counts.keys() <= known, counts
    assert counts.total() == n
    assert counts["refused"] > 0.8 * n
    assert counts["used"] > 0.01 * n  # values that another fit could have had
    assert counts["in scikit-learn"] < 0.01 * n


def attempt_to_resume(estimator, x, y):
    """Resume from a checkpoint and use the estimator; returns how that ended."""
    before = dict(vars(estimator))
    try:
        estimator.fit(x, y)
    except ValueError as error:
        is_ours = "is not a checkpoint, or was changed" in str(error)
        is_ours = is_ours or "is the checkpoint of another fit" in str(error)
        return "refused" if is_ours and vars(estimator) == before else repr(error)
    use(estimator, x)
    return "resumed"


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("n", SIZES)
def test_checkpoints(n, limited, tmp_path):
    """Each file is a ValueError that leaves the estimator unchanged, or training resumes."""
    clf = skrnn.SequenceRNNClassifier(2, dropout=0.1, **QUICK)
    early = clone(clf).set_params(early_stopping=True, validation_fraction=0.4, solver="sgd")
    mlp = skrnn.XORMLPRegressor(hidden_layer_sizes=(2,), solver="adam", n_init=1, **QUICK)
    fits = [(clf, X, Y), (early, X, Y), (mlp, np.arange(12.0).reshape(6, 2), NUMBERS)]
    path, wholes = tmp_path / "run", []
    for estimator, *data in fits:
        path.unlink(missing_ok=True)
        clone(estimator).set_callbacks(Checkpoint(path)).fit(*data)
        wholes.append(path.read_bytes())
    counts = Counter()
    for which, changed in changed_files(wholes, n, seed=n):
        path.write_bytes(changed)
        estimator, *data = fits[which]
        with contextlib.suppress(ValueError):
            read_in_bounds(partial(read, path), changed)
        estimator = clone(estimator).set_callbacks(Checkpoint(path))
        counts[attempt_to_resume(estimator, *data)] += 1
    assert counts.keys() == {"refused", "resumed"}, counts
    assert counts.total() == n
    assert counts["refused"] > 0.8 * n


@pytest.mark.slow
@pytest.mark.parametrize("n", [N_ALL])
def test_files_of_skops_run_no_code(n):
    """Whatever a file asks for, no code runs if only the classes of skrnn are trusted by name."""
    pytest.importorskip("skops.io")
    tests = Path(__file__).resolve().parents[1]
    paths = os.pathsep.join([str(tests.parent), str(tests)])
    command = [sys.executable, str(tests / "hostile_skops.py"), str(n)]
    environment = {**os.environ, "PYTHONPATH": paths}
    run = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
    found = json.loads(run.stdout)
    assert sum(found["counts"].values()) == n
    assert found["counts"]["refused"] > n / 3
    assert len(found["control"]) == 1
    assert found["seen"] == []


WIDE = [b"[],", b"{},", b'{"a":0},', b'{"a":{"b":{"c":{}}}},', b'{"tuple":[]},', b'"ab",', b"1.5,"]


@pytest.mark.parametrize("part", WIDE)
@pytest.mark.parametrize("place", [b"[%s0]", b'{"kind":"skrnn estimator","format":1,"a":[%s0]}'])
def test_small_parts_in_large_numbers(part, place):
    """Each needs a Python object, which is larger than its text."""
    text = place % (part * (10**5 // len(part)))
    data = archive([("json.npy", npy(np.array(text)))])

    def load():
        with pytest.raises(ValueError, match=r"is not a file of skrnn|was changed or damaged"):
            skrnn.load(io.BytesIO(data))

    read_in_bounds(load, data)
