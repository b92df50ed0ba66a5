"""A fit that was killed resumes from its checkpoint, and ends with the same bits."""

import json
import os
import pickle
import re
import subprocess
import sys
import time
from pathlib import Path

import joblib
import numpy as np
import pytest
from killed_fits import PHASES, case, fitted, result, sequences
from numpy.testing import assert_array_equal
from recipes import CONSTANT_RATE, LAST_STATE, PLAIN
from scipy import sparse
from sklearn.base import clone
from sklearn.ensemble import BaggingClassifier, VotingClassifier
from sklearn.model_selection import GridSearchCV, cross_validate
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skrnn import (
    SGD,
    EnsembleClassifier,
    PerStep,
    SequencePadder,
    SequenceRNNClassifier,
    SequenceRNNRegressor,
    StepRNNClassifier,
    XORMLPClassifier,
    XORMLPRegressor,
    callbacks,
)
from skrnn._training import storage
from skrnn.callbacks import Checkpoint

HERE = Path(__file__).resolve().parent
pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

CLF = SequenceRNNClassifier(4, batch_size=8, max_iter=9, tol=0.0, n_iter_no_change=np.inf)
CLF.set_params(random_state=0, **CONSTANT_RATE)


class Crash(Exception):
    pass


class CrashAt:
    """A callback that counts epochs, and raises an error at one of them."""

    def __init__(self, epoch=None, error=Crash):
        self.epoch, self.error, self.n_epochs = epoch, error, 0

    def setup(self, estimator, context): ...
    def teardown(self, estimator, context): ...
    def on_fit_task_begin(self, estimator, context): ...

    def on_fit_task_end(self, estimator, context):
        if context.task_name == "epoch":
            self.n_epochs += 1
            if self.n_epochs == self.epoch:
                raise self.error(f"after epoch {self.epoch}")


def assert_same(actual, expected):
    for a, b in zip(result(actual), result(expected), strict=True):
        assert a.dtype == b.dtype
        # The sign of NaN, the loss after an overflow, is arbitrary.
        assert (
            np.where(np.isnan(a), np.nan, a).tobytes() == np.where(np.isnan(b), np.nan, b).tobytes()
        )


def crashed(estimator, args, path, epoch, every=1, **kwargs):
    estimator = clone(estimator).set_callbacks(CrashAt(epoch), Checkpoint(path, every))
    with pytest.raises(Crash, match="after epoch"):
        estimator.fit(*args, **kwargs)
    assert not hasattr(estimator, "n_iter_")


# Killed ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name",
    [
        "adam",
        *[pytest.param(name, marks=pytest.mark.slow) for name in ("sgd", "steps", "mlp")],
    ],
)
def test_killed_at_any_moment(name, tmp_path):
    script = [sys.executable, str(HERE / "killed_fits.py"), name, str(tmp_path)]
    threads = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    path = {"PYTHONPATH": os.pathsep.join([str(HERE.parent), os.environ.get("PYTHONPATH", "")])}
    run = subprocess.run(
        script, capture_output=True, text=True, timeout=120, env={**os.environ, **threads, **path}
    )
    assert run.returncode == 0, run.stderr
    report = json.loads(run.stdout)
    print(f"{name}: {report}")
    assert report["uninterrupted"], "a checkpoint changes the result"
    assert report["kills"] >= 10
    assert len(report["epochs"]) >= 5, "the kills were not spread over the fit"
    assert report["killed"], "the resumed fit ended with other bits"
    for phase in PHASES:
        assert report[phase], f"{phase}: the fit was not killed, or ended with other bits"


# Resumed ---------------------------------------------------------------------------------

X, Y = sequences()
NUMBERS = np.array([x.sum() for x in X])
ROWS = np.array([x.mean(axis=0) for x in X])
TRAINED = {
    "adam": (CLF, (X, Y)),
    "sgd": (clone(CLF).set_params(solver="sgd", max_grad_norm=0.1), (X, Y)),
    "dropout": (clone(CLF).set_params(dropout=0.4, hidden_layer_sizes=(4, 3)), (X, Y)),
    "early stopping": (
        clone(CLF).set_params(early_stopping=True, validation_fraction=0.3, n_iter_no_change=4),
        (X, Y),
    ),
    "whole batches": (clone(CLF).set_params(batch_size=100, dropout=0.2), (X, Y)),
    "adaptive": (
        clone(CLF).set_params(
            solver=SGD(nesterovs_momentum=False), learning_rate="adaptive", n_iter_no_change=1,
            tol=0.1,
        ),
        (X, Y),
    ),
    "invscaling": (clone(CLF).set_params(solver="sgd", learning_rate="invscaling"), (X, Y)),
    "two threads": (
        clone(CLF).set_params(
            hidden_layer_sizes=200, dropout=0.2, batch_size=36, max_iter=4, **LAST_STATE
        ),
        (X, Y),
    ),
    "cosine": (clone(CLF).set_params(learning_rate="cosine"), (X, Y)),
    "weights": (
        clone(CLF).set_params(class_weight="balanced"), (X, Y, np.arange(len(Y)) % 3.0)
    ),
    "float32": (CLF, ([x.astype(np.float32) for x in X], Y)),
    "diverging": (
        clone(CLF).set_params(solver="sgd", learning_rate_init=1e4, max_grad_norm=None), (X, Y)
    ),
    "overflowing": (
        SequenceRNNRegressor(
            8, cell="rnn", activation="relu", solver="sgd", max_grad_norm=None, batch_size=10,
            max_iter=12, random_state=0, **CONSTANT_RATE, **{**PLAIN, "learning_rate_init": 1.0},
        ),
        (X, NUMBERS),
    ),
    "numbers": (
        SequenceRNNRegressor(4, cell="gru", bidirectional=True, max_iter=9, random_state=1),
        (X, NUMBERS),
    ),
    "steps": (
        StepRNNClassifier(4, cell="lstm", max_iter=9, random_state=1), (X, [x[:, 0] > 0 for x in X])
    ),
    "table": (
        XORMLPClassifier(5, solver="adam", batch_size=7, max_iter=9, random_state=1), (ROWS, Y)
    ),
    "table of numbers": (
        XORMLPRegressor("squared_error", 5, solver="adam", max_iter=9, random_state=1), (ROWS, Y)
    ),
    "sparse table": (
        XORMLPClassifier(5, solver="sgd", shuffle=False, max_iter=9, random_state=1),
        (sparse.csr_array(ROWS), Y),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", TRAINED)
@pytest.mark.parametrize("every", [1, 3])
def test_a_crashed_fit_ends_with_the_same_bits(name, every, tmp_path):
    estimator, args = TRAINED[name]
    expected = fitted(estimator, args, {})
    path = tmp_path / "run.ckpt"
    n_epochs = expected.n_iter_
    for epoch in {2, n_epochs // 2 + 1, n_epochs} - {0, 1}:
        path.unlink(missing_ok=True)
        crashed(estimator, args, path, epoch, every)
        again, counter = clone(estimator), CrashAt()
        again.set_callbacks(counter, Checkpoint(path, every)).fit(*args)
        assert_same(again, expected)
        assert counter.n_epochs == n_epochs - (epoch - 1) // every * every


def test_a_crashed_fit_with_validation_data(tmp_path):
    estimator, args, kwargs = case("sgd")
    estimator.set_params(max_iter=12, early_stopping=True)
    expected = fitted(estimator, args, kwargs)
    crashed(estimator, args, tmp_path / "run", 6, **kwargs)
    again = clone(estimator).set_callbacks(Checkpoint(tmp_path / "run")).fit(*args, **kwargs)
    assert_same(again, expected)
    assert again.validation_scores_ == expected.validation_scores_


def test_many_crashes_of_one_fit(tmp_path):
    estimator, args = TRAINED["dropout"]
    for _ in range(estimator.max_iter - 1):  # each adds the epoch before its crash
        crashed(estimator, args, tmp_path / "run", 2)
    again = clone(estimator).set_callbacks(Checkpoint(tmp_path / "run")).fit(*args)
    assert_same(again, fitted(estimator, args, {}))


@pytest.mark.parametrize("kind", ["MT19937", "PCG64"])
def test_a_generator_as_random_state(kind, tmp_path):
    def generator():
        return np.random.RandomState(getattr(np.random, kind)(3))

    estimator = clone(CLF).set_params(early_stopping=True, validation_fraction=0.3, dropout=0.1)
    expected = clone(estimator).set_params(random_state=generator()).fit(X, Y)
    used = generator()
    whole = clone(estimator).set_params(random_state=used)
    whole.random_state = used  # clone copies it
    whole.set_callbacks(Checkpoint(tmp_path / "whole")).fit(X, Y)
    assert_same(whole, expected)
    assert used.randint(2**30) == expected.random_state.randint(2**30)
    crashed(estimator.set_params(random_state=generator()), (X, Y), tmp_path / "run", 5)
    another = np.random.RandomState(getattr(np.random, kind)(99))
    estimator.set_params(random_state=another).set_callbacks(Checkpoint(tmp_path / "run"))
    assert_same(estimator.fit(X, Y), expected)


def test_no_random_state(tmp_path):
    estimator = clone(CLF).set_params(random_state=None, dropout=0.2, early_stopping=True)
    before = np.random.get_state(legacy=False)  # noqa: NPY002 - what random_state=None means
    try:
        np.random.seed(5)  # noqa: NPY002
        expected = clone(estimator).fit(X, Y)
        np.random.seed(5)  # noqa: NPY002
        crashed(estimator, (X, Y), tmp_path / "run", 4)
        np.random.seed(6)  # noqa: NPY002
        drawn = np.random.RandomState(6).randint(2**30)
        again = clone(estimator).set_callbacks(Checkpoint(tmp_path / "run")).fit(X, Y)
        assert np.random.randint(2**30) == drawn  # noqa: NPY002 - unchanged
    finally:
        np.random.set_state(before)  # noqa: NPY002
    assert_same(again, expected)


def test_a_fit_that_was_interrupted(tmp_path):
    stopped = clone(CLF).set_callbacks(CrashAt(4, KeyboardInterrupt), Checkpoint(tmp_path / "run"))
    assert stopped.fit(X, Y).n_iter_ == 4
    again = clone(CLF).set_callbacks(Checkpoint(tmp_path / "run")).fit(X, Y)
    assert_same(again, clone(CLF).fit(X, Y))


# Ended -----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["early stopping", "adaptive", "diverging", "cosine"])
def test_a_fit_that_had_ended_is_not_repeated(name, tmp_path):
    estimator, args = TRAINED[name]
    first = clone(estimator).set_callbacks(Checkpoint(tmp_path / "run", every=1000)).fit(*args)
    counter = CrashAt()
    again = clone(estimator).set_callbacks(counter, Checkpoint(tmp_path / "run")).fit(*args)
    assert counter.n_epochs == 0
    assert again.n_iter_ == first.n_iter_
    for a, b in zip(first.loss_curve_, again.loss_curve_, strict=True):
        assert a == b
    for layer, arrays in first.weights_.items():
        for key, array in arrays.items():
            assert_array_equal(again.weights_[layer][key], array)


@pytest.mark.parametrize("checkpoint_is_last", [False, True])
def test_a_fit_that_a_callback_stopped_is_not_resumed(checkpoint_is_last, tmp_path):
    class Stop(CrashAt):
        def on_fit_task_end(self, estimator, context):
            super().on_fit_task_end(estimator, context)
            return self.n_epochs == 3

    callbacks = [Checkpoint(tmp_path / "run"), Stop()]
    if checkpoint_is_last:
        callbacks.reverse()
    first = clone(CLF).set_callbacks(*callbacks).fit(X, Y)
    again = clone(CLF).set_callbacks(Checkpoint(tmp_path / "run")).fit(X, Y)
    assert first.n_iter_ == 3
    assert_same(again, first)


def test_a_larger_max_iter_continues_the_fit(tmp_path):
    short = clone(CLF).set_callbacks(Checkpoint(tmp_path / "run"))
    assert short.fit(X, Y).n_iter_ == 9
    longer = clone(CLF).set_params(max_iter=15, verbose=0)
    again = clone(longer).set_callbacks(Checkpoint(tmp_path / "run")).fit(X, Y)
    assert_same(again, longer.fit(X, Y))
    with pytest.raises(ValueError, match="holds 15 epochs, more than max_iter=9"):
        short.fit(X, Y)
    assert short.n_iter_ == 9


def test_another_max_iter_is_another_fit_if_the_rate_depends_on_it(tmp_path):
    given = clone(CLF).set_params(learning_rate="cosine").set_callbacks(Checkpoint(tmp_path / "a"))
    given.fit(X, Y)
    with pytest.raises(ValueError, match="max_iter is 9 there and 15 here"):
        given.set_params(max_iter=15).fit(X, Y)
    auto = clone(given).set_params(max_iter="auto", batch_size=2)
    auto.set_callbacks(Checkpoint(tmp_path / "b")).fit(X, Y)  # 20 steps an epoch
    assert auto.n_iter_ == 22
    with pytest.raises(ValueError, match="max_iter is 'auto' there and 22 here"):
        auto.set_params(max_iter=22).fit(X, Y)


@pytest.mark.parametrize("seed", range(10))
def test_a_larger_max_iter_continues_a_single_epoch(seed, tmp_path):
    # The rate is so high that the loss may rise, and earlier weights be kept.
    clf = clone(CLF).set_params(learning_rate_init=0.5, batch_size=4, random_state=seed)
    clone(clf).set_params(max_iter=1).set_callbacks(Checkpoint(tmp_path / "run")).fit(X, Y)
    clf.set_params(max_iter=2)
    assert_same(clone(clf).set_callbacks(Checkpoint(tmp_path / "run")).fit(X, Y), clf.fit(X, Y))


def test_the_layout_of_the_data_in_memory_does_not_matter(tmp_path):
    clf = XORMLPClassifier(4, solver="adam", max_iter=3, random_state=0)
    looked_at = sparse.csr_array(ROWS)
    assert looked_at.has_sorted_indices  # which SciPy stores in the object
    every_second = np.zeros((len(ROWS), 2 * ROWS.shape[1]))[:, ::2]
    every_second[:] = ROWS
    np.save(tmp_path / "rows.npy", ROWS)
    on_disk = np.load(tmp_path / "rows.npy", mmap_mode="r")
    for kind, layouts in {
        "dense": [ROWS, np.asfortranarray(ROWS), every_second, on_disk],
        "sparse": [looked_at, sparse.csr_array(ROWS)],
    }.items():
        clf.set_callbacks(Checkpoint(tmp_path / kind))
        for rows in layouts:
            assert clf.fit(rows, Y).n_iter_ == 3


# Refused ---------------------------------------------------------------------------------


@pytest.fixture
def saved(tmp_path):
    """A checkpoint after four epochs of CLF on X and Y."""
    crashed(CLF, (X, Y), tmp_path / "run.ckpt", 5)
    return tmp_path / "run.ckpt"


DIFFERENT = {
    "alpha is 0.0001 there and 0.5 here": ({"alpha": 0.5}, {}),
    "hidden_layer_sizes is 4 there and [4, 4] here": ({"hidden_layer_sizes": (4, 4)}, {}),
    "solver is 'adam' there and 'SGD' here": ({"solver": SGD()}, {}),
    "learning_rate is 'constant' there and 'cosine' here": ({"learning_rate": "cosine"}, {}),
    "random_state is 0 there and 1 here": ({"random_state": 1}, {}),
    "class_weight is None there and {'0': 2} here": ({"class_weight": {0: 2}}, {}),
    "another fit: other y.": ({}, {"y": Y[::-1]}),
    "another fit: other X.": ({}, {"X": [x + (i == 7) for i, x in enumerate(X)]}),
    "other X; other lengths.": ({}, {"X": [x[-1:] for x in X]}),
    "other sample_weight.": ({}, {"sample_weight": np.arange(len(Y)) + 1}),
    "other X_val; other y_val; other sample_weight_val; other lengths_val.": (
        {},
        {"X_val": X[:5], "y_val": Y[:5]},
    ),
}


@pytest.mark.parametrize("message", DIFFERENT)
def test_the_checkpoint_of_another_fit_is_refused(message, saved):
    params, data = DIFFERENT[message]
    before = saved.read_bytes()
    clf = clone(CLF).set_params(**params).set_callbacks(Checkpoint(saved))
    with pytest.raises(ValueError, match=re.escape(message)):
        clf.fit(**{"X": X, "y": Y, **data})
    assert not hasattr(clf, "n_iter_")
    assert saved.read_bytes() == before


def test_the_checkpoint_of_another_estimator_or_version_is_refused(saved, monkeypatch):
    reg = SequenceRNNRegressor(4).set_callbacks(Checkpoint(saved))
    with pytest.raises(ValueError, match="estimator is 'SequenceRNNClassifier' there and 'Sequ"):
        reg.fit(X, NUMBERS)
    monkeypatch.setattr(callbacks, "__version__", "99.0")
    with pytest.raises(ValueError, match=r"skrnn is '0\..*' there and '99.0' here"):
        clone(CLF).set_callbacks(Checkpoint(saved)).fit(X, Y)


def test_the_checkpoint_of_other_initial_weights_is_refused(tmp_path):
    clf = clone(CLF).set_params(warm_start=True).set_callbacks(Checkpoint(tmp_path / "run"))
    clf.fit(X, Y)
    before = result(clf)
    with pytest.raises(ValueError, match="other initial weights"):
        clf.fit(X, Y)
    for a, b in zip(result(clf), before, strict=True):
        assert_array_equal(a, b)


def test_damaged_files_are_refused(saved):
    whole, rng = saved.read_bytes(), np.random.RandomState(0)
    clf = clone(CLF).set_callbacks(Checkpoint(saved))
    shortened = [whole[:n] for n in (0, 1, 31, 32, 33, len(whole) // 2, len(whole) - 1)]
    flipped = []
    for position in rng.randint(len(whole), size=60):
        changed = bytearray(whole)
        changed[position] ^= 1 << rng.randint(8)
        flipped.append(bytes(changed))
    for damaged in [*shortened, *flipped, whole + b"\0", pickle.dumps(clf), b"hello" * 100]:
        saved.write_bytes(damaged)
        with pytest.raises(ValueError, match=r"run\.ckpt is not a checkpoint, or was changed"):
            clf.fit(X, Y)
        assert saved.read_bytes() == damaged
    saved.write_bytes(whole)
    assert clf.fit(X, Y).n_iter_ == 9


FORGED = {
    "no identity": lambda content: content.pop("identity"),
    "identity of numbers": lambda content: content.update(identity="[1]"),
    "deep identity": lambda content: content.update(identity="[" * 10**5),
    "no run": lambda content: content.pop("run"),
    "no generator": lambda content: content["run"].pop("rng"),
    "position beyond the generator": lambda content: content["run"]["rng"]["state"].update(pos=625),
    "position before the generator": lambda content: content["run"]["rng"]["state"].update(pos=-1),
    "generator of zeros": lambda content: content["run"]["rng"]["state"]["key"].fill(0),
    "weights of one number": lambda content: content["run"].update(theta=np.ones(1)),
    "weights of another type": lambda content: content["run"].update(
        theta=content["run"]["theta"].astype(np.float32)
    ),
    "weights that are NaN": lambda content: content["run"]["theta"].fill(np.nan),
    "best weights that are NaN": lambda content: content["run"]["monitor"]["best_theta"].fill(
        np.nan
    ),
    "order out of range": lambda content: content["run"]["order"].fill(10**9),
    "order of another length": lambda content: content["run"].update(order=np.arange(3)),
    "split that is not used": lambda content: content["run"].update(
        split={"train": np.arange(9), "test": np.arange(9, 60)}
    ),
    "unknown state of the solver": lambda content: content["run"]["optimizer"].update(x=1),
    "negative time of the solver": lambda content: content["run"]["optimizer"].update(t=-1),
    "number of epochs in text": lambda content: content["run"]["monitor"].update(n_iter="x"),
    "other number of epochs": lambda content: content["run"]["monitor"].update(n_iter=1),
    "curve of text": lambda content: content["run"]["monitor"].update(loss_curve=["a"] * 4),
    "unknown outcome": lambda content: content["run"]["monitor"].update(outcome="x"),
    "rate of NaN": lambda content: content["run"]["monitor"].update(rate_divisor=float("nan")),
    "huge count": lambda content: content["run"]["monitor"].update(n_seen=10**400),
}


@pytest.mark.parametrize("name", FORGED)
def test_forged_states_are_refused(name, saved):
    content = storage.read(saved)
    FORGED[name](content)
    storage.write(saved, content)
    clf = clone(CLF).set_callbacks(Checkpoint(saved))
    with pytest.raises(ValueError, match=r"run\.ckpt is not a checkpoint, or was changed"):
        clf.fit(X, Y)
    assert not hasattr(clf, "n_iter_")


def test_the_file_holds_no_code(saved):
    with np.load(saved, allow_pickle=False) as file:
        kinds = {file[name].dtype.kind for name in file.files}
    assert kinds <= set("fiuS")


@pytest.mark.parametrize(
    ("clf", "message"),
    [
        (
            clone(CLF).set_params(solver="lbfgs"),
            "not available with L-BFGS, since SciPy does not provide its state",
        ),
        (
            clone(CLF).set_params(n_init=3),
            "Checkpoint supports one start, but n_init=3. Use n_init=1",
        ),
    ],
)
def test_fits_that_cannot_be_resumed_are_refused(clf, message, tmp_path):
    clf.set_callbacks(Checkpoint(tmp_path / "run"))
    with pytest.raises(ValueError, match=message):
        clf.fit(X, Y)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("shared", [False, True])
@pytest.mark.parametrize("copies", ["fits", "clones", "voting", "search"])
def test_a_folder_needs_an_integer_seed(copies, shared, tmp_path):
    """Otherwise fits that differ by their random numbers only would have one file together."""
    random_state = np.random.RandomState(0) if shared else None
    clf = clone(CLF).set_params(random_state=random_state).set_callbacks(Checkpoint(tmp_path))
    several = {
        "fits": clf,
        "clones": clone(clf),
        "voting": VotingClassifier([("a", clf), ("b", clf)]),
        "search": GridSearchCV(clf, {"alpha": [0.1]}, cv=2, error_score="raise"),
    }
    with pytest.raises(ValueError, match=r"folder needs an integer as random_state, but it is "):
        several[copies].fit(X, Y)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("ensemble", [EnsembleClassifier, BaggingClassifier])
def test_members_of_ensembles_have_seeds_of_their_own(ensemble, tmp_path):
    """Both ensembles draw integers; that of the network has no effect."""
    X = ROWS[:30]
    net = XORMLPClassifier(2, solver="adam", max_iter=1).set_callbacks(Checkpoint(tmp_path))
    members = ensemble(net, n_estimators=3).fit(X, Y[:30]).estimators_
    assert len({member.coefs_[0].tobytes() for member in members}) == 3
    assert len(list(tmp_path.iterdir())) == 3


def test_partial_fit_is_refused(tmp_path):
    clf = clone(CLF).set_callbacks(Checkpoint(tmp_path / "run"))
    with pytest.raises(
        ValueError, match=r"Checkpoint is for fit\. Between two calls of partial_fit"
    ):
        clf.partial_fit(X, Y, classes=[0, 1, 2])


def test_checkpoints_of_other_estimators_and_folders_are_refused(tmp_path):
    one = Checkpoint(tmp_path / "run")
    with pytest.raises(ValueError, match="one Checkpoint, not several"):
        clone(CLF).set_callbacks(one, Checkpoint(tmp_path / "more")).fit(X, Y)
    with pytest.raises(TypeError, match=r"given to SequencePadder.*such as pipe\[-1\]"):
        SequencePadder().set_callbacks(one).fit(X)
    with pytest.raises(ValueError, match=r"The folder of '.*' does not exist"):
        clone(CLF).set_callbacks(Checkpoint(tmp_path / "no" / "run")).fit(X, Y)


@pytest.mark.usefixtures("sklearn_callback")
def test_a_checkpoint_of_a_pipeline_is_refused(tmp_path):
    pipe = make_pipeline(PerStep(StandardScaler()), clone(CLF))
    pipe.set_callbacks(Checkpoint(tmp_path / "run"))
    with pytest.raises(TypeError, match=r"given to Pipeline.*such as pipe\[-1\]"):
        pipe.fit(X, Y)


@pytest.mark.parametrize(
    ("args", "error", "message"),
    [
        ((None,), TypeError, "path must be a string or path, got None"),
        (("run", 1.5), TypeError, "every must be an integer number of epochs, got 1.5"),
        (("run", True), TypeError, "every must be an integer number of epochs, got True"),
        (("run", 0), ValueError, "every must be at least 1 epoch, got 0"),
    ],
)
def test_arguments_are_checked(args, error, message):
    with pytest.raises(error, match=message):
        Checkpoint(*args)


# Files -----------------------------------------------------------------------------------


def test_temporary_files_of_killed_processes(saved):
    half = saved.read_bytes()[:1000]
    fresh, stale, other = (
        saved.with_name(name)
        for name in (".run.ckpt.aa.tmp", ".run.ckpt.bb.tmp", ".other.ckpt.cc.tmp")
    )
    for path in (fresh, stale, other):
        path.write_bytes(half)
    for path in (stale, other):
        os.utime(path, (time.time() - 3600,) * 2)
    clf = clone(CLF).set_callbacks(Checkpoint(saved)).fit(X, Y)
    assert_same(clf, clone(CLF).fit(X, Y))
    assert fresh.exists()  # another process may be writing it
    assert not stale.exists()
    assert other.exists()


def test_a_full_disk_leaves_everything_unchanged(saved, monkeypatch):
    before = saved.read_bytes()

    def full(descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    clf = clone(CLF).set_callbacks(Checkpoint(saved))
    with pytest.raises(OSError, match="No space left"):
        clf.fit(X, Y)
    assert not hasattr(clf, "n_iter_")
    assert saved.read_bytes() == before
    assert [path.name for path in saved.parent.iterdir()] == ["run.ckpt"]


def test_every_sets_how_often_the_file_is_written(tmp_path, monkeypatch):
    written = []
    replace = os.replace
    monkeypatch.setattr(os, "replace", lambda a, b: (written.append(b), replace(a, b)))
    clone(CLF).set_callbacks(Checkpoint(tmp_path / "run", every=4)).fit(X, Y)
    assert written == [tmp_path / "run"] * 3  # after epochs 4 and 8, and at the end


def test_a_relative_path_and_a_pipeline(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    pipe = make_pipeline(PerStep(StandardScaler()), clone(CLF))
    expected = clone(pipe).fit(X, Y)[-1]
    pipe[-1].set_callbacks(Checkpoint("run.ckpt"))
    assert_same(pipe.fit(X, Y)[-1], expected)
    assert (tmp_path / "run.ckpt").exists()


# Searches --------------------------------------------------------------------------------


def test_a_search_in_threads_is_resumed(tmp_path):
    grid = {"alpha": [0.01, 0.1], "cell": ["rnn", "gru"]}
    expected = GridSearchCV(CLF, grid, cv=2).fit(X, Y)
    clf = clone(CLF).set_callbacks(Checkpoint(tmp_path))
    with joblib.parallel_config(backend="threading"):
        search = GridSearchCV(clf, grid, cv=2, n_jobs=2).fit(X, Y)
    files = sorted(tmp_path.iterdir())
    assert len(files) == 9  # four candidates on two folds, and the refit
    times = [path.stat().st_mtime_ns for path in files]
    files[3].unlink()
    again = GridSearchCV(clf, grid, cv=2).fit(X, Y)
    for result_of in (search, again):
        scores = "mean_test_score"
        assert_array_equal(result_of.cv_results_[scores], expected.cv_results_[scores])
        assert_same(result_of.best_estimator_, expected.best_estimator_)
    assert sorted(tmp_path.iterdir()) == files
    changed = [a != b.stat().st_mtime_ns for a, b in zip(times, files, strict=True)]
    assert changed == [i == 3 for i in range(9)]  # only the missing fit was repeated


def test_cross_validation_needs_a_folder(tmp_path):
    clf = clone(CLF).set_callbacks(Checkpoint(tmp_path / "run"))
    with pytest.raises(ValueError, match=r"other X.*in a folder, each fit has its own file"):
        cross_validate(clf, X, Y, cv=2, error_score="raise")
