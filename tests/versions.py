"""Marks of tests that need a version of scikit-learn."""

import pytest
import sklearn
from sklearn.utils.fixes import parse_version


def sklearn_before(version):
    """Return whether the version of scikit-learn that is installed is older."""
    return parse_version(sklearn.__version__) < parse_version(version)


def needs_sklearn(version, reason):
    """Mark a test that older versions of scikit-learn cannot pass, for the reason that is given."""
    return pytest.mark.skipif(
        sklearn_before(version), reason=f"needs scikit-learn {version}: {reason}"
    )
