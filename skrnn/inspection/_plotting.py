"""Colours of the plots, and the model inside a pipeline or search."""

from __future__ import annotations

from sklearn.pipeline import Pipeline

BLUE, ORANGE = "#0072B2", "#E69F00"  # safe for colour-blind readers (Okabe & Ito, 2008)
PALE = ["#8CC0E0", "white", "#F5CF80"]  # the same hues, as a background of points


def split_pipeline(estimator):
    """Split a pipeline, or the best one of a search, into its transformers and last step.

    Without transformers, the first value is None.
    """
    estimator = getattr(estimator, "best_estimator_", estimator)
    if not isinstance(estimator, Pipeline):
        return None, estimator
    return (estimator[:-1] if len(estimator) > 1 else None), estimator[-1]
