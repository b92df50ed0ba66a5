"""Callbacks for the networks, beside those of `sklearn.callback`."""

from __future__ import annotations

import copy
import hashlib
import json
import os
from dataclasses import fields, replace
from numbers import Integral
from pathlib import Path
from reprlib import repr as short

import numpy as np
from scipy import sparse

from skrnn._base import Job, NeuralNetwork
from skrnn._progress import Progress
from skrnn._storage import read, sweep, write
from skrnn._version import __version__

_FORMAT = 1  # of the file


class Checkpoint:
    """Keep the progress of ``fit`` in a file, and go on from there after a crash.

    ``fit`` writes the file after every epoch, and once more as it ends. Whatever ends the
    process, be it ``kill -9`` in the middle of a write, the file is whole: it holds the last
    epoch that was written or the one before. Call the same ``fit`` again, in a new process, and
    it goes on from there. It ends with the weights of an uninterrupted run, bit for bit, on the
    same machine and library versions. If the file says that training had ended, ``fit`` returns
    the result at once.

    Parameters
    ----------
    path : str or path-like
        The file; it need not exist. Or an existing folder, where each fit has a file of its own,
        named after its parameters and data: so a search or cross-validation can be taken up
        again, and the fits that had ended are not repeated.

    every : int, default=1
        Number of epochs from one write to the next.

    See Also
    --------
    sklearn.callback.ScoringMonitor : Records a score of each epoch.

    Notes
    -----
    The file is in NumPy's format .npz: arrays, numbers and strings. No code is in it, and none
    is run when it is read. It does not hold the data, only digests of them. Its size is four to
    five times that of the weights, and eight bytes for each sample.

    A file goes with the parameters, data and version of the fit that wrote it, and is refused
    elsewhere. Only `verbose` may change, and `max_iter` (not with ``learning_rate="cosine"``,
    which depends on it): with more of it, training goes on. `random_state` may be None.

    L-BFGS cannot be taken up, for SciPy does not hand out its state, nor can several starts
    (`n_init`). ``partial_fit`` needs no checkpoint: between two calls the estimator itself holds
    everything. Other callbacks are told of the epochs that are left.

    Examples
    --------
    >>> import tempfile
    >>> from skrnn import SequenceRNNClassifier
    >>> from skrnn.callbacks import Checkpoint
    >>> from skrnn.datasets import make_parity
    >>> X, y = make_parity(100, max_length=5, random_state=0)
    >>> folder = tempfile.TemporaryDirectory()
    >>> clf = SequenceRNNClassifier(4, tol=0.1, random_state=0)
    >>> clf = clf.set_callbacks(Checkpoint(f"{folder.name}/parity.ckpt"))
    >>> n_iter = clf.fit(X, y).n_iter_
    >>> clf.fit(X, y).n_iter_ == n_iter  # read from the file
    True
    >>> clf.set_params(alpha=0.1).fit(X, y)
    Traceback (most recent call last):
        ...
    ValueError: .../parity.ckpt is the checkpoint of another fit: alpha is 0.0001 there and 0.1
    here. ...
    >>> folder.cleanup()
    """

    def __init__(self, path, every=1):
        if not isinstance(path, str | os.PathLike):
            raise TypeError(f"path must be a string or path, got {path!r}.")
        if not isinstance(every, Integral) or isinstance(every, bool):
            raise TypeError(f"every must be an integer number of epochs, got {every!r}.")
        if every < 1:
            raise ValueError(f"every must be at least 1 epoch, got {every}.")
        self.path = path
        self.every = every

    def __repr__(self):
        return f"Checkpoint({os.fspath(self.path)!r}, every={self.every})"

    def setup(self, estimator, context):
        """Refuse what cannot keep a checkpoint.

        Parameters
        ----------
        estimator : estimator
            The estimator about to be fitted.

        context : `sklearn.callback.CallbackContext`
            Not looked at.

        Raises
        ------
        TypeError
            If the estimator is not a network of skrnn.

        ValueError
            If it has another checkpoint too, or the folder of the file does not exist.
        """
        if not isinstance(estimator, NeuralNetwork):
            raise TypeError(
                f"{self!r} was given to {type(estimator).__name__}, but is for the networks of "
                "skrnn only. Call set_callbacks of the network inside, such as pipe[-1]."
            )
        if sum(isinstance(callback, Checkpoint) for callback in estimator._skl_callbacks) > 1:
            raise ValueError(f"{type(estimator).__name__} can keep one Checkpoint, not several.")
        if not Path(self.path).absolute().parent.is_dir():
            raise ValueError(f"The folder of {os.fspath(self.path)!r} does not exist; create it.")

    def teardown(self, estimator, context):
        """Do nothing.

        Parameters
        ----------
        estimator : estimator
            Not looked at.

        context : `sklearn.callback.CallbackContext`
            Not looked at.
        """

    def on_fit_task_begin(self, estimator, context):
        """Do nothing.

        Parameters
        ----------
        estimator : estimator
            Not looked at.

        context : `sklearn.callback.CallbackContext`
            Not looked at.
        """

    def on_fit_task_end(self, estimator, context):
        """Do nothing: an epoch is written once all callbacks have said whether to go on.

        Parameters
        ----------
        estimator : estimator
            Not looked at.

        context : `sklearn.callback.CallbackContext`
            Not looked at.
        """

    def keep_progress(self, estimator, job: Job, n_starts: int, incremental: bool) -> Job:
        """Take charge of a fit, which calls this once its data are known to be valid.

        Parameters
        ----------
        estimator : estimator
            The network about to be fitted.

        job : Job
            What its ``fit`` has to do.

        n_starts : int
            Number of starts.

        incremental : bool
            Whether this is ``partial_fit``.

        Returns
        -------
        job : Job
            The same, with a keeper, and the source of random numbers as it was when the fit of
            the file began.

        Raises
        ------
        ValueError
            If such a fit cannot be taken up, or the file belongs to another.
        """
        _check_resumable(job, n_starts, incremental)
        identity = _identity(estimator, job)
        path = Path(self.path).absolute()
        if path.is_dir():
            kind = type(estimator).__name__
            path /= f"{kind}-{hashlib.sha256(json.dumps(identity).encode()).hexdigest()[:20]}.npz"
        sweep(path)
        kept = read(path)
        if kept is not None:
            _check_same(path, json.loads(kept["identity"]), identity)
            rng = copy.deepcopy(job.rng)  # which is the user's, or NumPy's
            assert rng is not None  # as fit draws
            rng.set_state(kept["first_rng"])
            job = replace(job, rng=rng)
        return replace(job, keeper=_Keeper(path, self.every, identity, job.rng, kept))


class _Keeper:
    """Keeps the progress of one run in one file."""

    def __init__(self, path, every, identity, rng, kept):
        self.path, self.every, self.identity, self.kept = path, every, identity, kept
        self.first_rng = rng.get_state(legacy=False)

    def begin(self, progress: Progress) -> None:
        """Set the progress to that of the file, if there is one."""
        self.start = _digest(progress.theta)
        if self.kept is None:
            return
        # They differ if warm_start goes on from another fit.
        name = "initial weights"
        _check_same(self.path, {"data": {name: self.kept["start"]}}, {"data": {name: self.start}})
        progress.set(self.kept["progress"])
        self.kept = None
        if progress.watch.n_iter > progress.watch.recipe.max_iter:
            raise ValueError(
                f"{self.path} holds {progress.watch.n_iter} epochs, which is more than "
                f"max_iter={progress.watch.recipe.max_iter}."
            )

    def keep(self, progress: Progress) -> None:
        """Write the file if it is time to, or the run is at its end."""
        if progress.watch.finished or progress.watch.n_iter % self.every == 0:
            content = {
                "identity": json.dumps(self.identity),
                "first_rng": self.first_rng,
                "start": self.start,
                "progress": progress.get(),
            }
            write(self.path, content)


def _check_resumable(job, n_starts, incremental):
    if incremental:
        raise ValueError(
            "Checkpoint is for fit. Between two calls of partial_fit the estimator itself holds "
            "everything: save it, for instance with joblib.dump."
        )
    if job.recipe.is_lbfgs:
        raise ValueError(
            "Checkpoint is not available with L-BFGS, for SciPy does not hand out its state. Use "
            "solver='adam' or 'sgd', or call set_callbacks without it."
        )
    if n_starts > 1:
        raise ValueError(
            f"Checkpoint keeps one start, but n_init={n_starts}. Use n_init=1, with one file for "
            "each of several values of random_state if several starts are needed."
        )


# Whose file it is ------------------------------------------------------------------------


def _identity(estimator, job):
    """Describe a fit: two of the same description go the same way."""
    free = {"verbose"} if job.recipe.schedule == "cosine" else {"verbose", "max_iter"}
    given = {k: v for k, v in estimator.get_params(deep=True).items() if k not in free}
    names = {"x": "X", "weight": "sample_weight"}
    data = {}
    for samples, suffix in ((job.samples, ""), (job.held_out, "_val")):
        for field in fields(samples) if samples is not None else ():
            value, name = getattr(samples, field.name), names.get(field.name, field.name)
            if not isinstance(value, bool):
                data[name + suffix] = _digest(value)
    return {
        "version": {"format of the file": _FORMAT, "skrnn": __version__},
        "estimator": {"estimator": type(estimator).__name__},
        "parameters": {name: _plain(value) for name, value in sorted(given.items())},
        "data": data,
    }


def _plain(value):
    """Describe a parameter in terms that JSON has."""
    if isinstance(value, np.generic):
        value = value.item()
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, dict):
        return {str(name): _plain(item) for name, item in value.items()}
    if isinstance(value, list | tuple | range):
        return [_plain(item) for item in value]
    if isinstance(value, np.ndarray) and value.dtype != object:
        return _digest(value)
    if isinstance(value, np.random.RandomState):  # the file says where it stood
        return f"RandomState of {type(value._bit_generator).__name__}"
    # Objects such as solvers have parameters of their own, which get_params lists too.
    return type(value).__name__


def _digest(array):
    parts = (array.data, array.indices, array.indptr) if sparse.issparse(array) else (array,)
    sha = hashlib.sha256(repr((array.shape, array.dtype.str)).encode())
    for part in parts:
        sha.update(np.ascontiguousarray(part).view(np.uint8).data)
    return sha.hexdigest()


def _check_same(path, there, here):
    """Refuse the file of another fit; the message says what differs."""
    differences = []
    for part in here:
        ours, theirs = here[part], there.get(part, {})
        for name in (name for name in {**theirs, **ours} if theirs.get(name) != ours.get(name)):
            values = f"{name} is {short(theirs.get(name))} there and {short(ours.get(name))} here"
            differences.append(f"other {name}" if part == "data" else values)
    if differences:
        raise ValueError(
            f"{path} is the checkpoint of another fit: {'; '.join(differences)}. Repeat the call "
            "that wrote it, or delete it, or give Checkpoint another path; a folder has room for "
            "many fits."
        )
