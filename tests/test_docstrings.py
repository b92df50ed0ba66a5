"""Docstrings are complete and consistent, and the package imports without them."""

import ast
import inspect
import re
import subprocess
import sys
from itertools import combinations

import pytest

import skrnn

PUBLIC = [getattr(skrnn, name) for name in skrnn.__all__]
RECURRENT = [cls for cls in PUBLIC if "RNN" in cls.__name__]
# Parameters whose description depends on the kind of target.
DIFFERENT = {
    *("loss", "alpha", "n_init", "early_stopping", "skip_connection", "validation_fraction"),
}
# Parameters whose default depends on it.
DEFAULTS = {
    *("bidirectional", "dropout", "learning_rate_init", "max_iter", "batch_size", "init"),
    *("early_stopping", "alpha"),
}


def parameters(cls):
    """Read the parameters that a docstring describes: type and text of each name."""
    section = inspect.cleandoc(cls.__doc__).split("\nParameters\n----------\n")[1]
    section = section.split("\n\nAttributes\n")[0]
    found = re.findall(r"^(\w.*?) : (.*)\n((?:(?: .*)?(?:\n|$))+)", section, re.MULTILINE)
    return {name: (kind, inspect.cleandoc(text)) for name, kind, text in found}


@pytest.mark.parametrize("cls", RECURRENT, ids=lambda cls: cls.__name__)
def test_docstrings_document_every_parameter(cls):
    assert list(parameters(cls)) == list(inspect.signature(cls).parameters)
    doc = inspect.cleandoc(cls.__doc__)
    for section in ("Parameters", "Attributes", "See Also", "References", "Examples"):
        assert f"\n{section}\n{'-' * len(section)}\n" in doc


@pytest.mark.parametrize("cls", RECURRENT, ids=lambda cls: cls.__name__)
def test_docstrings_state_the_defaults(cls):
    for name, parameter in inspect.signature(cls).parameters.items():
        _, _, stated = parameters(cls)[name][0].rpartition("default=")
        assert ast.literal_eval(stated) == parameter.default


@pytest.mark.parametrize(
    ("one", "other"), list(combinations(RECURRENT, 2)), ids=lambda cls: cls.__name__
)
def test_parameters_of_the_same_name_are_the_same(one, other):
    defaults = [inspect.signature(cls).parameters for cls in (one, other)]
    documented = [parameters(cls) for cls in (one, other)]
    shared = [name for name in documented[0] if name in documented[1]]
    assert len(shared) >= 24
    for name in shared:
        if name in DEFAULTS:
            continue
        assert defaults[0][name].default == defaults[1][name].default
        if name not in DIFFERENT:
            assert documented[0][name] == documented[1][name]


def test_parameters_of_both_estimators_of_tables_are_the_same():
    one, other = (parameters(cls) for cls in (skrnn.XORMLPClassifier, skrnn.XORMLPRegressor))
    assert one.keys() - other.keys() == {"out_activation", "class_weight"}
    assert {name for name in other if one[name] != other[name]} == {
        *("loss", "early_stopping", "n_init"),
    }


def test_only_the_listed_parameters_differ():
    documented = [parameters(cls) for cls in RECURRENT]
    for name in DIFFERENT:
        assert len({of_class[name] for of_class in documented if name in of_class}) > 1


@pytest.mark.parametrize("flag", ["-O", "-OO"])
def test_import_with_optimization(flag):
    code = "import skrnn; print(len(skrnn.SequenceRNNClassifier.__doc__ or ''))"
    done = subprocess.run([sys.executable, flag, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert (int(done.stdout) > 5000) == (flag == "-O")
