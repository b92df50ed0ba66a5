"""Fit in processes that are killed with SIGKILL, again and again, until one ends normally.

Run by test_checkpoint.py as a process of its own, with one thread, so that it can fork: a fit
then starts in milliseconds, with everything imported. Prints a report as JSON.

    python killed_fits.py CASE FOLDER [SEED]
"""

import builtins
import json
import os
import random
import signal
import sys
import time
import warnings
from pathlib import Path

import numpy as np
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning

from skrnn import SGD, SequenceRNNClassifier, StepRNNRegressor, XORMLPClassifier
from skrnn.callbacks import Checkpoint

N_WRITES_BEFORE = 3  # of the checkpoint, before a kill in a phase of the next write


def sequences(n=40, seed=0):
    rng = np.random.RandomState(seed)
    y = np.arange(n) % 3
    return [rng.normal(c / 2, 1, (rng.randint(2, 7), 2)) for c in y], y


def case(name):
    """Return an estimator, the arguments of its fit, and keyword arguments."""
    X, y = sequences()
    endless = {"tol": 0.0, "n_iter_no_change": np.inf, "batch_size": 8, "random_state": 0}
    if name == "adam":
        # The split, dropout and orders of an early stopping run all draw random numbers.
        clf = SequenceRNNClassifier(
            5, cell="gru", dropout=0.3, early_stopping=True, validation_fraction=0.25
        )
        return clf.set_params(**endless, max_iter=60), (X, y), {}
    if name == "sgd":
        clf = SequenceRNNClassifier(
            5,
            solver=SGD(momentum=0.8),
            learning_rate="adaptive",
            learning_rate_init=0.3,
            bidirectional=False,
            pooling="last",
        ).set_params(**{**endless, "n_iter_no_change": 4, "tol": 1e-3}, max_iter=150)
        X32 = [x.astype(np.float32) for x in X]
        X_val, y_val = sequences(20, 1)
        return clf, (X32, y), {"X_val": X_val, "y_val": y_val}
    if name == "steps":
        reg = StepRNNRegressor(5, cell="lstm", learning_rate="cosine", bidirectional=True)
        return reg.set_params(**endless, max_iter=100), (X, [x.cumsum(axis=0) for x in X]), {}
    if name == "mlp":
        clf = XORMLPClassifier(6, solver="sgd", learning_rate="invscaling", dropout=0.2)
        rows = np.concatenate(X)
        return clf.set_params(**endless, max_iter=200), (rows, rows[:, 0] > 0), {}
    raise KeyError(name)


def short_case(name):
    """Return a case with only as many epochs as three kills, three writes apart, need."""
    estimator, args, kwargs = case(name)
    return estimator.set_params(max_iter=12), args, kwargs


def weights(estimator):
    if hasattr(estimator, "coefs_"):
        return [*estimator.coefs_, *estimator.intercepts_]
    return [array for layer in estimator.weights_.values() for array in layer.values()]


def result(estimator):
    """List all arrays that must be equal in every bit."""
    curves = [estimator.loss_curve_, estimator.validation_scores_ or []]
    numbers = [estimator.n_iter_, estimator.t_, estimator.best_loss_ or 0]
    state = list((estimator._optimizer_state or {}).values())
    return [np.asarray(value) for value in (*weights(estimator), *curves, *numbers, *state)]


def fitted(estimator, args, kwargs):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return clone(estimator).fit(*args, **kwargs)


def save(path, arrays):
    np.savez(path.with_suffix(".part.npz"), *arrays)
    os.replace(path.with_suffix(".part.npz"), path)


def same(path, arrays):
    with np.load(path) as file:
        there = [file[f"arr_{i}"] for i in range(len(arrays))]
    return len(there) == len(arrays) and all(
        a.dtype == b.dtype and a.tobytes() == b.tobytes()
        for a, b in zip(there, arrays, strict=True)
    )


def kill_me():
    os.kill(os.getpid(), signal.SIGKILL)


class HalfWritten:
    """A file that kills the process when half of the data are written."""

    def __init__(self, file):
        self.file = file

    def __enter__(self):
        return self

    def __exit__(self, *args):
        self.file.close()

    def write(self, data):
        self.file.write(data[: len(data) // 2])
        self.file.flush()
        kill_me()


def die_in(phase):
    """Make this process be killed in a phase of a later write."""
    replace, fsync, opened = os.replace, os.fsync, builtins.open
    done = {"n": 0}

    def late():
        return done["n"] >= N_WRITES_BEFORE

    def replacing(source, target):
        if late() and phase == "before the replacement":
            kill_me()
        replace(source, target)
        if late() and phase == "after the replacement":
            kill_me()
        done["n"] += 1

    def syncing(descriptor):
        if late() and phase == "before the flush to disk":
            kill_me()
        fsync(descriptor)

    def opening(path, mode="r", *args, **kwargs):
        file = opened(path, mode, *args, **kwargs)
        return HalfWritten(file) if late() and phase == "half written" and mode == "xb" else file

    os.replace, os.fsync, builtins.open = replacing, syncing, opening


PHASES = [
    "half written",
    "before the flush to disk",
    "before the replacement",
    "after the replacement",
]


def in_child(name, checkpoint, result_path, phase=None, short_one=False):
    """Start a fit in a child process; returns its id."""
    pid = os.fork()
    if pid:
        return pid
    code = 1
    try:
        if phase is not None:
            die_in(phase)
        estimator, args, kwargs = short_case(name) if short_one else case(name)
        estimator.set_callbacks(Checkpoint(checkpoint))
        save(result_path, result(fitted(estimator, args, kwargs)))
        code = 0
    finally:
        os._exit(code)


def wait(pid):
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def main(name, folder, seed=0):
    folder, rng = Path(folder), random.Random(int(seed))
    expected = result(fitted(*case(name)))
    began = time.perf_counter()
    assert wait(in_child(name, folder / "whole.ckpt", folder / "whole.npz")) == 0
    duration = time.perf_counter() - began
    report = {"uninterrupted": same(folder / "whole.npz", expected), "duration": duration}

    checkpoint, n_kills, epochs = folder / "killed.ckpt", 0, set()
    while True:
        pid = in_child(name, checkpoint, folder / "killed.npz")
        # Longer each time: a process that is killed before its first epoch makes no progress.
        time.sleep(rng.uniform(0, duration / 9) * (1 + n_kills / 50))
        ended, status = os.waitpid(pid, os.WNOHANG)
        if ended:
            assert os.waitstatus_to_exitcode(status) == 0, "a resumed fit failed"
            break
        os.kill(pid, signal.SIGKILL)
        wait(pid)
        n_kills += 1
        if checkpoint.exists():
            with np.load(checkpoint) as file:
                epochs.add(json.loads(file["json"].item())["run"]["monitor"]["n_iter"])
    report |= {"kills": n_kills, "epochs": sorted(epochs)}
    report["killed"] = same(folder / "killed.npz", expected)
    report["temporary files"] = len(list(folder.glob(".killed.ckpt.*.tmp")))

    expected = result(fitted(*short_case(name)))
    for phase in PHASES:
        checkpoint, finished = folder / f"{phase}.ckpt", folder / f"{phase}.npz"
        codes = [wait(in_child(name, checkpoint, finished, phase, True)) for _ in range(3)]
        report[phase] = codes == [-signal.SIGKILL] * 3 and not finished.exists()
        assert wait(in_child(name, checkpoint, finished, None, True)) == 0
        report[phase] &= same(finished, expected)
    print(json.dumps(report))


if __name__ == "__main__":
    main(*sys.argv[1:])
