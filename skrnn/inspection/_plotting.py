"""The model inside a pipeline or search, and the form of X."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sklearn.pipeline import Pipeline

from skrnn._input import Sequences
from skrnn._input.frames import is_frame, read_frame
from skrnn._input.values import is_nested

if TYPE_CHECKING:
    from typing import Any


def holds_sequences(X: Any) -> bool:
    """Return whether X is `Sequences`, or a frame with columns of sequences."""
    if is_frame(X):
        return any(map(is_nested, read_frame(X).flat))
    return isinstance(X, Sequences)


def split_pipeline(estimator: Any) -> tuple[Any, Any]:
    """Split a pipeline, or the best one of a search, into its transformers and last step.

    Without transformers, the first value is None.
    """
    estimator = getattr(estimator, "best_estimator_", estimator)
    if not isinstance(estimator, Pipeline):
        return None, estimator
    return (estimator[:-1] if len(estimator) > 1 else None), estimator[-1]
