"""What all estimators and transformers share: saving, links, and undoing a fit that fails.

A later release loads what an earlier one saved. Two kinds of change need nothing for that: a new
parameter of a constructor, which a saved estimator that lacks it gets by its default; and a new
field of a network with a default. Both defaults must mean what was done before; if that of a
parameter does not, its class has another in `_values_before`. Any other change of what an estimator
holds needs a new `FORMAT`, and code here that reads the old one.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from inspect import signature
from typing import Any, ClassVar

from sklearn.base import BaseEstimator

from skrnn._version import __version__

FORMAT = 1
DOCUMENTATION = "https://skrnn.readthedocs.io"
PAGE = f"{DOCUMENTATION}/en/v{__version__}/generated/skrnn.{{estimator_name}}.html"


class Persistent(BaseEstimator):
    """Store the number of the format in what is saved, and check it on loading.

    ``__getstate__`` and ``__setstate__`` serve pickle, joblib, copy, skops and `skrnn.save`. The
    link in the HTML representation leads to the page of the class, in the documentation of this
    version.
    """

    # Values of later parameters that mean what was done before there was the parameter.
    _values_before: ClassVar[dict[str, Any]] = {}

    _doc_link_module = "skrnn"
    _doc_link_template = PAGE

    def _store(self, parameters: dict[str, Any]) -> None:
        """Set the parameters of a constructor, given as its ``locals()``."""
        del parameters["self"]
        self.__dict__.update(parameters)

    def __getstate__(self) -> dict[str, Any]:
        state = super().__getstate__()
        return {**state, "_skrnn_format": FORMAT, "_skrnn_version": __version__}

    def __setstate__(self, state: dict[str, Any]) -> None:
        state = dict(state)
        form, version = state.pop("_skrnn_format", None), state.pop("_skrnn_version", None)
        if form != FORMAT:
            raise ValueError(
                f"This {type(self).__name__} was saved by skrnn {version or '(of no release)'} in "
                f"format {form}, but skrnn {__version__} reads format {FORMAT}. Load it with the "
                "version that saved it, or a later one."
            )
        for name, parameter in signature(type(self).__init__).parameters.items():
            if parameter.default is not parameter.empty:
                state.setdefault(name, self._values_before.get(name, parameter.default))
        super().__setstate__(state)


@contextmanager
def unchanged_on_error(estimator: object) -> Iterator[None]:
    """Restore the attributes of an estimator if an exception is raised."""
    before = dict(vars(estimator))
    try:
        yield
    except BaseException:
        vars(estimator).clear()
        vars(estimator).update(before)
        raise
