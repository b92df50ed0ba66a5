"""What a saved estimator says of its own form.

A later release reads what an earlier one saved. Two kinds of change need nothing for that: a new
parameter of a constructor, which a saved estimator that lacks it gets by its default; and a new
field of a network with a default. Both defaults must mean what was done before. Any other change
of what an estimator holds needs a new `FORMAT`, and here a way to read the old one.
"""

from __future__ import annotations

from inspect import signature

from sklearn.base import BaseEstimator

from skrnn._version import __version__

FORMAT = 1


class Persistent(BaseEstimator):
    """Put the number of the format into what is saved, and look at it when it is loaded.

    By ``__getstate__`` and ``__setstate__``, which pickle, joblib, copy and skops all go through.
    """

    def __getstate__(self):
        state = super().__getstate__()
        return {**state, "_skrnn_format": FORMAT, "_skrnn_version": __version__}

    def __setstate__(self, state):
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
                state.setdefault(name, parameter.default)
        super().__setstate__(state)
