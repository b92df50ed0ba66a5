"""The model inside a pipeline or search."""

from __future__ import annotations

from sklearn.pipeline import Pipeline


def split_pipeline(estimator):
    """Split a pipeline, or the best one of a search, into its transformers and last step.

    Without transformers, the first value is None.
    """
    estimator = getattr(estimator, "best_estimator_", estimator)
    if not isinstance(estimator, Pipeline):
        return None, estimator
    return (estimator[:-1] if len(estimator) > 1 else None), estimator[-1]
