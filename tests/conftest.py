"""Shared by all tests."""

import copy
import os

# SciPy reads this once, on import. Without it, scikit-learn skips its checks of the array API.
os.environ.setdefault("SCIPY_ARRAY_API", "1")

import numpy as np
import pytest
from sklearn.datasets import make_classification

STATES = {}
"""The generator ``RNG`` of each module of tests, as it is after the import of the module."""

# Scripts. Those in smoke import each other, and hostile_skops needs a library that is optional.
collect_ignore = ["smoke", "hostile_skops.py"]


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item):
    """Start the generator ``RNG`` of a module again, so that a test does not depend on others.

    Which tests ran before in the same process depends on the number of processes and their speed.
    """
    module = getattr(item, "module", None)
    if hasattr(module, "RNG"):
        module.RNG = copy.deepcopy(STATES.setdefault(module.__name__, copy.deepcopy(module.RNG)))


@pytest.fixture
def sequences():
    """Forty ragged sequences of two features, and their labels from three classes."""
    rng = np.random.RandomState(0)
    y = np.arange(40) % 3
    return [rng.normal(c, 1, (rng.randint(2, 7), 2)) for c in y], y


@pytest.fixture
def table():
    """Two hundred rows of six features, and their labels from three classes."""
    return make_classification(
        200, 6, n_informative=4, n_redundant=0, n_classes=3, class_sep=0.7, random_state=0
    )


@pytest.fixture
def press_ctrl_c(monkeypatch):
    """Interrupt a fit in the function of this name, as Ctrl-C does."""

    def interrupt(*args):
        raise KeyboardInterrupt

    return lambda name: monkeypatch.setattr(name, interrupt)


@pytest.fixture
def sklearn_callback():
    """Get the callbacks of scikit-learn."""
    return pytest.importorskip("sklearn.callback", reason="scikit-learn has them from 1.9 on")


@pytest.fixture
def count_inputs(request, record_property):
    """Run a check on generated inputs, and add their number to the summary of the run."""
    fuzzing = pytest.importorskip("fuzzing", reason="hypothesis and pandas are needed")

    def run(check, strategy, n_inputs, label=""):
        n = fuzzing.fuzz(check, strategy, n_inputs, label=f"{request.node.name} {label}")
        assert n >= min(n_inputs, 2), "the strategy generates too few inputs"
        record_property("fuzz inputs", n)

    return run


def pytest_terminal_summary(terminalreporter):
    """Print the number of inputs of the fuzz tests."""
    reports = terminalreporter.stats.get("passed", [])
    counts = [
        n for report in reports for what, n in report.user_properties if what == "fuzz inputs"
    ]
    if counts:
        terminalreporter.write_sep("-", f"{sum(counts)} inputs fuzzed")
