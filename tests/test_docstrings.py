"""Docstrings are the same on every Python, and the package imports without them."""

import inspect
import subprocess
import sys

import pytest

import skrnn

PUBLIC = [getattr(skrnn, name) for name in skrnn.__all__]
RECURRENT = [cls for cls in PUBLIC if "RNN" in cls.__name__]


@pytest.mark.parametrize("cls", RECURRENT, ids=lambda cls: cls.__name__)
def test_docstrings_document_every_parameter(cls):
    doc = inspect.cleandoc(cls.__doc__)
    for name in inspect.signature(cls).parameters:
        assert f"\n{name} : " in doc
    for section in ("Parameters", "Attributes", "See Also", "References", "Examples"):
        assert f"\n{section}\n{'-' * len(section)}\n" in doc


@pytest.mark.parametrize("flag", ["-O", "-OO"])
def test_import_with_optimization(flag):
    code = "import skrnn; print(len(skrnn.SequenceRNNClassifier.__doc__ or ''))"
    done = subprocess.run([sys.executable, flag, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert (int(done.stdout) > 5000) == (flag == "-O")
