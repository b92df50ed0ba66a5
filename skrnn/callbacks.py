"""Callbacks for the networks, in addition to those of `sklearn.callback`.

During `fit`, a callback finds the state of training in ``estimator._training_run``, a
`skrnn._training.run.Run`. `Checkpoint` uses nothing else of the networks.
"""

from __future__ import annotations

import copy
import json
import os
from dataclasses import fields
from numbers import Integral
from pathlib import Path
from reprlib import repr as short
from typing import TYPE_CHECKING

import joblib
import numpy as np
from scipy.sparse import issparse

from skrnn._base import NeuralNetwork
from skrnn._training.loading import check_state
from skrnn._training.run import Run
from skrnn._training.storage import DAMAGED, read, sweep, write
from skrnn._version import __version__

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

_FORMAT = 3  # of the file


class Checkpoint:
    """Save the progress of ``fit`` in a file, and resume from it after a crash.

    ``fit`` writes the file after every epoch and when it ends. If the process is killed, even in
    the middle of a write, the file is complete: it holds the last epoch that was written or the
    one before. Call the same ``fit`` again, in a new process, and training resumes from the
    file. It ends with the weights of an uninterrupted run, bit for bit, on the same machine and
    library versions. If training had ended, ``fit`` returns the result at once.

    Parameters
    ----------
    path : str or path-like
        The file; it need not exist. Or an existing folder, in which each fit has its own file,
        named after its parameters and data. With a folder, a search or cross-validation can be
        resumed, and the fits that had ended are not repeated.

    every : int, default=1
        Number of epochs from one write to the next.

    See Also
    --------
    sklearn.callback.ScoringMonitor : Records a score of each epoch.

    Notes
    -----
    The file is in NumPy's format .npz and holds arrays, numbers and strings. It contains no
    code, and no code is run when it is read. It does not contain the data, only digests of them.
    Its size is five to seven times that of the weights, plus eight bytes for each sample.

    A file belongs to the parameters, data and version of the fit that wrote it. Other fits
    refuse it. Only `verbose` and `max_iter` may change (`max_iter` not in a folder, and not with
    ``learning_rate="cosine"``, which depends on it); with a larger `max_iter`, training
    continues. `random_state` may be None for a file. In a folder it must be an integer: otherwise
    fits with the same parameters and data could not be told apart.

    Fits by L-BFGS cannot be resumed, since SciPy does not provide its state, nor can fits with
    several starts (`n_init`). ``partial_fit`` needs no checkpoint: between two calls the
    estimator itself holds everything. Other callbacks are called for the remaining epochs. Pass
    the checkpoint to ``set_callbacks`` after them: an epoch is then written when they are done.

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

    def __init__(self, path: str | os.PathLike[str], every: int = 1) -> None:
        if not isinstance(path, str | os.PathLike):
            raise TypeError(f"path must be a string or path, got {path!r}.")
        if not isinstance(every, Integral) or isinstance(every, bool):
            raise TypeError(f"every must be an integer number of epochs, got {every!r}.")
        if every < 1:
            raise ValueError(f"every must be at least 1 epoch, got {every}.")
        self.path: str | os.PathLike[str] = path
        self.every: int = every

    def __repr__(self) -> str:
        return f"Checkpoint({os.fspath(self.path)!r}, every={self.every})"

    def setup(self, estimator: NeuralNetwork, context: Any) -> None:
        """Check that the estimator can have a checkpoint.

        Parameters
        ----------
        estimator : estimator
            The estimator about to be fitted.

        context : `sklearn.callback.CallbackContext`
            Ignored.

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
            raise ValueError(f"{type(estimator).__name__} can have one Checkpoint, not several.")
        if not Path(self.path).absolute().parent.is_dir():
            raise ValueError(f"The folder of {os.fspath(self.path)!r} does not exist; create it.")

    def teardown(self, estimator: NeuralNetwork, context: Any) -> None:
        """Do nothing.

        Parameters
        ----------
        estimator : estimator
            Ignored.

        context : `sklearn.callback.CallbackContext`
            Ignored.
        """

    def on_fit_task_begin(self, estimator: NeuralNetwork, context: Any) -> None:
        """At the beginning of a fit, load the state of training if the file exists.

        Parameters
        ----------
        estimator : estimator
            The network about to be fitted.

        context : `sklearn.callback.CallbackContext`
            The task, a fit or one of its epochs.

        Raises
        ------
        ValueError
            If such a fit cannot be resumed, if the file belongs to another, or if `random_state`
            is not an integer and the path is a folder.
        """
        run = estimator._training_run
        if "checkpoint" in run.callback_data:  # the task is an epoch
            return
        _check_resumable(run)
        identity = _identity(estimator, run)
        path = Path(self.path).absolute()
        if path.is_dir():
            _check_seed(estimator.random_state)
            kind = type(estimator).__name__
            path /= f"{kind}-{joblib.hash([identity, run.options.max_iter])}.npz"
        run.callback_data["checkpoint"] = path, identity
        sweep(path)
        saved = read(path)
        if saved is None:
            return
        _check_same(path, _identity_in(path, saved), identity)
        run.rng = copy.deepcopy(run.rng)  # the generator of the user, or of NumPy, stays as it is
        try:
            check_state(saved["run"], run)
        except ValueError as error:
            raise ValueError(f"{path} {DAMAGED}") from error
        run.load_state_dict(saved["run"])
        n_iter, max_iter = run.monitor.n_iter, run.options.max_iter
        if n_iter > max_iter:
            raise ValueError(f"{path} holds {n_iter} epochs, more than max_iter={max_iter}.")

    def on_fit_task_end(self, estimator: NeuralNetwork, context: Any) -> None:
        """Write the file if it is time to, or if the fit has ended.

        Parameters
        ----------
        estimator : estimator
            The network that is being fitted.

        context : `sklearn.callback.CallbackContext`
            The task, a fit or one of its epochs.
        """
        run = estimator._training_run
        if context.task_name == "epoch":
            due = run.monitor.finished or run.monitor.n_iter % self.every == 0
        else:
            due = run.monitor.outcome == "stopped"  # by another callback, after the last epoch
        if due:
            path, identity = run.callback_data["checkpoint"]
            write(path, {"identity": json.dumps(identity), "run": run.state_dict()})


def _check_resumable(run: Run) -> None:
    if run.incremental:
        raise ValueError(
            "Checkpoint is for fit. Between two calls of partial_fit the estimator itself holds "
            "everything: save it with skrnn.save."
        )
    if run.options.uses_lbfgs:
        raise ValueError(
            "Checkpoint is not available with L-BFGS, since SciPy does not provide its state. Use "
            "solver='adam' or 'sgd', or call set_callbacks without it."
        )
    if run.n_starts > 1:
        raise ValueError(
            f"Checkpoint supports one start, but n_init={run.n_starts}. Use n_init=1, with one "
            "file for each of several values of random_state if several starts are needed."
        )


def _check_seed(random_state: Any) -> None:
    """Refuse, in a folder, a fit that has the same description as others but other random numbers.

    All of them would have the same file, so that an ensemble would be one network many times.
    """
    if not isinstance(random_state, Integral):
        given = "None" if random_state is None else f"a {type(random_state).__name__}"
        raise ValueError(
            f"Checkpoint in a folder needs an integer as random_state, but it is {given}: several "
            "fits with the same parameters and data could not be told apart, and would all load "
            "the result of the first. Set random_state to an integer, another one for each fit, "
            "or give each fit a Checkpoint with a file of its own."
        )


# The fit that a file belongs to ----------------------------------------------------------


def _identity(estimator: NeuralNetwork, run: Run) -> dict[str, Any]:
    """Describe a fit: two fits of the same description have the same result."""
    free = {"verbose"} if run.options.learning_rate == "cosine" else {"verbose", "max_iter"}
    given = {k: v for k, v in estimator.get_params(deep=True).items() if k not in free}
    names = {"x": "X", "weight": "sample_weight"}
    data = {}
    for samples, suffix in ((run.samples, ""), (run.held_out, "_val")):
        for field in fields(samples) if samples is not None else ():
            value, name = getattr(samples, field.name), names.get(field.name, field.name)
            if value is not None and not isinstance(value, bool):
                data[name + suffix] = _digest(value)
    if run.warm_start:
        initial = [array for p in estimator._weights().values() for array in p.values()]
        data["initial weights"] = _digest(*initial)
    return {
        "version": {"format of the file": _FORMAT, "skrnn": __version__},
        "estimator": {"estimator": type(estimator).__name__},
        "parameters": {name: _plain(value) for name, value in sorted(given.items())},
        "data": data,
    }


def _digest(*arrays: Any) -> str:
    """Hash the values of dense or sparse arrays, however they are laid out in memory."""
    parts: list[Any] = []
    for array in arrays:
        sparse = issparse(array)
        parts += [array.shape, array.data, array.indices, array.indptr] if sparse else [array]
    digest: str = joblib.hash([np.ascontiguousarray(part) for part in parts])
    return digest


def _plain(value: Any) -> Any:
    """Describe a parameter by the types of JSON."""
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
    if isinstance(value, np.random.RandomState):  # its state is in the file
        return f"RandomState of {type(value._bit_generator).__name__}"
    # The parameters of an object such as a solver are listed too, by get_params.
    return type(value).__name__


def _identity_in(path: Path, saved: Mapping[str, Any]) -> dict[str, Any]:
    """Get the description of the fit from the content of a file."""
    try:
        identity = json.loads(saved["identity"]) if saved.keys() == {"identity", "run"} else None
    except (TypeError, ValueError, RecursionError):
        identity = None
    if type(identity) is not dict or not all(type(part) is dict for part in identity.values()):
        raise ValueError(f"{path} {DAMAGED}")
    return identity


def _check_same(path: Path, there: dict[str, Any], here: dict[str, Any]) -> None:
    """Raise a ValueError that lists the differences if the file belongs to another fit."""
    differences = []
    for part in here:
        ours, theirs = here[part], there.get(part, {})
        for name in (name for name in {**theirs, **ours} if theirs.get(name) != ours.get(name)):
            values = f"{name} is {short(theirs.get(name))} there and {short(ours.get(name))} here"
            differences.append(f"other {name}" if part == "data" else values)
    if differences:
        raise ValueError(
            f"{path} is the checkpoint of another fit: {'; '.join(differences)}. Repeat the call "
            "that wrote it, or delete it, or give Checkpoint another path; in a folder, each fit "
            "has its own file."
        )
