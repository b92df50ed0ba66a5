"""What the pictures share: the libraries they need, their colours, the model in a pipeline."""

from __future__ import annotations

from importlib import import_module

from sklearn.pipeline import Pipeline

BLUE, ORANGE = "#0072B2", "#E69F00"  # told apart by everyone (Okabe & Ito, 2008)
PALE = ["#8CC0E0", "white", "#F5CF80"]  # the same two, to stand behind points


def check_plotting(caller: str, *libraries: str) -> None:
    """Raise an ImportError that says what to install if a library is missing."""
    for library in libraries or ("matplotlib",):
        try:
            import_module(library)
        except ImportError as error:
            name = {"PIL": "Pillow"}.get(library, library)
            raise ImportError(
                f"{caller} needs {name}, which is not installed. Install it with "
                "`pip install skrnn[plot]`."
            ) from error


def chosen(estimator):
    """Get the estimator that a search, such as `GridSearchCV`, has chosen; any other as it is."""
    return getattr(estimator, "best_estimator_", estimator)


def split_pipeline(estimator):
    """Part a pipeline into what comes before its last step, or None, and this step."""
    if not isinstance(estimator, Pipeline):
        return None, estimator
    return (estimator[:-1] if len(estimator) > 1 else None), estimator[-1]
