"""Shared by all tests."""

import os

# Before SciPy is imported, which reads it once: so that scikit-learn's checks of array API
# support run rather than skip.
os.environ.setdefault("SCIPY_ARRAY_API", "1")

import numpy as np
import pytest
from sklearn.datasets import make_classification


@pytest.fixture
def sequences():
    """Forty ragged sequences of two features, and which of three classes each is of."""
    rng = np.random.RandomState(0)
    y = np.arange(40) % 3
    return [rng.normal(c, 1, (rng.randint(2, 7), 2)) for c in y], y


@pytest.fixture
def table():
    """Two hundred rows of six features, and which of three classes each is of."""
    return make_classification(
        200, 6, n_informative=4, n_redundant=0, n_classes=3, class_sep=0.7, random_state=0
    )
