"""Save estimators in files that hold no code, and load them."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import Any

import numpy as np
import sklearn

from skrnn._version import __version__

_FORMAT = 1
_KIND = "skrnn estimator"


def save(estimator: Any, file: Any) -> None:
    """Save an estimator in a file that holds arrays and JSON, and no code.

    Parameters
    ----------
    estimator : estimator
        An estimator, transformer, solver or loss of skrnn, or a pipeline or preprocessor of
        scikit-learn, fitted or not. :ref:`saving` lists the classes.

    file : str, path-like or binary file
        Where to write. A file at a path is replaced at once, when it is complete.

    Raises
    ------
    ValueError
        If it is or holds an object of another class, a function, a callback, or an attribute
        that its class does not set. The message names the place.

    TypeError
        If `file` is no path and no binary file.

    OSError
        If the file cannot be written, such as in a folder that does not exist.

    See Also
    --------
    load : Load the estimator.

    Examples
    --------
    >>> import io
    >>> import skrnn
    >>> clf = skrnn.SequenceRNNClassifier(4, random_state=0).fit([[0, 1], [1], [0]], [1, 1, 0])
    >>> file = io.BytesIO()
    >>> skrnn.save(clf, file)
    >>> loaded = skrnn.load(io.BytesIO(file.getvalue()))
    >>> bool((loaded.predict_proba([[1, 1]]) == clf.predict_proba([[1, 1]])).all())
    True
    """
    from skrnn._archive import encode  # as below: not needed by those who only train
    from skrnn._saving.nodes import to_tree
    from skrnn._training.storage import write

    _check_file(file, "write")
    tree = to_tree(estimator)
    if not _is_object(tree):
        raise ValueError(f"{type(estimator).__name__} is no estimator; save each of several alone.")
    content = {
        "kind": _KIND,
        "format": _FORMAT,
        "versions": {
            "skrnn": __version__,
            "scikit-learn": sklearn.__version__,
            "numpy": np.__version__,
        },
        "estimator": tree,
    }
    if hasattr(file, "write"):
        file.write(encode(content))
    else:
        write(Path(file).absolute(), content)


def load(file: Any) -> Any:
    """Load an estimator that `save` has written.

    The file may come from anywhere. No code of it is run, only the classes that :ref:`saving` lists
    are imported, and the memory that is needed is bounded by a multiple of its size.

    Parameters
    ----------
    file : str, path-like or binary file
        The file.

    Returns
    -------
    estimator : estimator
        The estimator. It makes the same predictions as the one that was saved, and its training
        can be continued.

    Raises
    ------
    ValueError
        If it is no file of `save`, was changed or damaged, was written by a later release in
        another format, or holds attributes that its classes would not have set. The message says
        which.

    TypeError
        If `file` is no path and no binary file.

    OSError
        If the file cannot be read.

    Warns
    -----
    InconsistentVersionWarning
        If an object of scikit-learn was saved with another version of it.

    See Also
    --------
    save : Save an estimator, with an example.
    """
    from skrnn._archive import decode, is_archive

    _check_file(file, "read")
    name = "The file" if hasattr(file, "read") else os.fspath(file)
    data = _bytes_of(file)
    if not is_archive(data):
        why = "does not begin like one" if data else "is empty"
        if data.startswith(b"\x80"):
            why = "is a pickle, which joblib.load or pickle.load reads if you trust it"
        raise ValueError(f"{name} is not a file of skrnn.save: it {why}.")
    try:
        content = decode(data)
    except ValueError as error:
        raise ValueError(
            f"{name} was changed or damaged after it was written: {error} Copy or save it again."
        ) from error
    try:
        return _estimator(content)
    except ValueError as error:
        raise ValueError(
            f"{name} is not a file of skrnn.save that this version can load: {error}"
        ) from error


def _is_object(tree: Any) -> bool:
    return isinstance(tree, dict) and "class" in tree


def _check_file(file: Any, method: str) -> None:
    if not isinstance(file, str | os.PathLike) and not hasattr(file, method):
        given = type(file).__name__
        advice = " Wrap bytes in io.BytesIO." if isinstance(file, bytes) else ""
        raise TypeError(f"file must be a path or a binary file, got {given}.{advice}")


def _bytes_of(file: Any) -> bytes:
    """Read a file; special files, which may have no end, are refused."""
    if hasattr(file, "read"):
        data = file.read()
        if not isinstance(data, bytes):
            raise TypeError(f"file must be opened in binary mode, got {type(data).__name__}.")
        return data
    if not stat.S_ISREG(os.stat(file).st_mode):
        raise ValueError(f"{os.fspath(file)} is not a regular file.")
    return Path(file).read_bytes()


def _estimator(content: dict[str, Any]) -> Any:
    """Make the estimator of the content of a file, of a format that is known."""
    if content.get("kind") != _KIND:
        raise ValueError("It holds no estimator, but for instance a checkpoint.")
    form, versions = content.get("format"), content.get("versions")
    if form != _FORMAT:
        version = versions.get("skrnn") if type(versions) is dict else None
        raise ValueError(
            f"It has format {str(form)[:20]!r} of skrnn {str(version)[:20]!r}, but skrnn "
            f"{__version__} reads format {_FORMAT}. Load it with the version that saved it, or a "
            "later one."
        )
    if content.keys() != {"kind", "format", "versions", "estimator"}:
        raise ValueError("It has other parts.")
    if not _is_object(content["estimator"]):
        raise ValueError("It holds no estimator.")
    from skrnn._saving.nodes import from_tree

    return from_tree(content["estimator"])
