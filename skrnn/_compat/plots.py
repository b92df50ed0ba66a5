"""Plots of decision boundaries; scikit-learn before 1.7 draws no probabilities of three classes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import sklearn
from sklearn.utils.fixes import parse_version

if TYPE_CHECKING:
    from typing import Any

DRAWS_MULTICLASS_PROBABILITIES = parse_version(sklearn.__version__) >= parse_version("1.7")


def class_colors(plane: Any, n_classes: int) -> Any:
    """Get the colors of three or more classes.

    Parameters
    ----------
    plane : `sklearn.inspection.DecisionBoundaryDisplay`
        The plot. Without probabilities, it has the numbers of the classes from 0 on.

    n_classes : int
        Number of classes.

    Returns
    -------
    colors : array of shape (n_classes, 4)
        A color for each class.
    """
    if DRAWS_MULTICLASS_PROBABILITIES:
        return plane.multiclass_colors_
    return plane.surface_.to_rgba(np.arange(n_classes))
