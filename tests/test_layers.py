"""The structure of the code: imports between modules, length of functions, depth of calls."""

import ast
import csv
import io
import re
import subprocess
import sys
import tokenize
from pathlib import Path

import pytest

import skrnn

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "skrnn"
TABLE = ROOT / "docs" / "layers.csv"


def layers(table):
    """Read the layer of each module from the table; a package means its __init__.py."""
    found = {}
    for row in csv.DictReader(table):
        for name in re.findall(r"``([\w.]+)``", row["modules"]):
            name = name if name == "skrnn" else f"skrnn.{name}"
            assert name not in found, f"{name} is in two rows of the table of layers"
            found[name] = None if row["layer"] == "apart" else int(row["layer"])
    return found


with open(TABLE, encoding="utf-8", newline="") as file:
    LAYER_OF = layers(file)
DATASETS = "skrnn.datasets"  # apart: imports no other part of skrnn

WITH_SKLEARN = {"joblib", "narwhals", "threadpoolctl"}
REQUIRED = {"numpy", "scipy", "sklearn", *WITH_SKLEARN}
# Imported only inside the functions that need them.
OPTIONAL = {"matplotlib", "PIL", "rich", "pandas", "onnx", "skl2onnx"}

# Lines of code: docstrings, comments and blank lines do not count.
MAX_MODULE_LINES = 300
MAX_FUNCTION_LINES = 50
MAX_OWN_CLASSES = 6  # in the method resolution order of a public class
MAX_OWN_FRAMES = 9  # from fit to a cell


def module_name(path):
    parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


SOURCES = {module_name(path): path for path in sorted(PACKAGE.rglob("*.py"))}


def in_datasets(module):
    return module == DATASETS or module.startswith(DATASETS + ".")


def is_known(module):
    return module in LAYER_OF or in_datasets(module)


def lazy_nodes(tree):
    """Nodes that do not run on import: function bodies and TYPE_CHECKING blocks."""
    found = set()
    for node in ast.walk(tree):
        function = isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
        typing_only = isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)
        if function or typing_only:
            found.update(ast.walk(node))
    return found


def imported_modules(module, node, is_package):
    """Get the full names of the modules that one import statement of `module` imports."""
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    base = node.module or ""
    if node.level:
        up = node.level - is_package
        parents = module.split(".")[: -up or None]
        base = ".".join([*parents, base] if base else parents)
    # `from package import name` imports package.name if that is a module.
    inner = [f"{base}.{alias.name}" for alias in node.names]
    return [name if name in SOURCES or is_known(name) else base for name in inner]


def import_faults(module, source, is_package=False):
    """Yield a line for each import of `module` that breaks a rule."""
    tree = ast.parse(source)
    lazy = lazy_nodes(tree)
    for node in ast.walk(tree):
        if not isinstance(node, ast.Import | ast.ImportFrom):
            continue
        for target in imported_modules(module, node, is_package):
            where = f"{module}:{node.lineno} imports {target}"
            if target.split(".")[0] == "skrnn":
                fault = inner_fault(module, target)
            else:
                fault = outer_fault(module, target.split(".")[0], node in lazy)
            if fault:
                yield f"{where}: {fault}"


def inner_fault(module, target):
    if in_datasets(module):
        return None if in_datasets(target) else "datasets imports no other part of skrnn"
    if not is_known(target):
        return "not in docs/layers.csv: add it there"
    if in_datasets(target):
        return None if module == "skrnn" else "only skrnn/__init__.py may import datasets"
    if LAYER_OF[target] >= LAYER_OF[module]:
        return f"layer {LAYER_OF[module]} may not import layer {LAYER_OF[target]}"
    return None


def outer_fault(module, library, lazy):
    if library in sys.stdlib_module_names:
        return None
    if module.startswith("skrnn._numeric"):
        return None if library in {"numpy", "scipy"} else "_numeric needs numpy and scipy only"
    if in_datasets(module):
        return None if library in {"numpy", "sklearn"} else "datasets needs numpy and sklearn only"
    if library in REQUIRED:
        return None
    if library not in OPTIONAL:
        return "not a dependency of skrnn"
    return None if lazy else "optional; import it inside the function that needs it"


def test_slow_parts_of_sklearn_are_imported_only_where_they_are_needed():
    """The import of skrnn adds little to that of scikit-learn's networks."""
    code = """
import sys
import sklearn.neural_network, sklearn.pipeline
before = set(sys.modules)
import skrnn
new = {name for name in set(sys.modules) - before if name.count(".") == 1}
print(*sorted(name for name in new if name.split(".")[0] in {"sklearn", "scipy"}))
"""
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.split() == []


LAYOUT = {
    *(tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT),
    *(tokenize.ENCODING, tokenize.ENDMARKER),
}
DOCUMENTED = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)


def code_lines(source):
    """Get the numbers of the lines of code: without docstrings, comments and blank lines."""
    docstrings = {
        (node.body[0].lineno, node.body[0].col_offset)
        for node in ast.walk(ast.parse(source))
        if isinstance(node, DOCUMENTED) and ast.get_docstring(node, clean=False) is not None
    }
    lines, found = source.splitlines(), set()
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type not in LAYOUT and token.start not in docstrings:
            found.update(range(token.start[0], token.end[0] + 1))
    return {n for n in found if lines[n - 1].strip()}  # strings of several lines have blank ones


def lengths(source):
    """Yield name and number of code lines of the module (name None) and each function."""
    code = code_lines(source)
    yield None, len(code)
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node.name, len(code.intersection(range(node.lineno, node.end_lineno + 1)))


def own_classes(cls):
    """List the names of the base classes in skrnn, without what stands in for scikit-learn's."""
    modules = [(base.__name__, base.__module__.split(".")) for base in cls.__mro__]
    return [name for name, path in modules if path[0] == "skrnn" and "_compat" not in path]


def public_classes():
    """List the estimators, transformers and solvers that users import from skrnn."""
    named = (getattr(skrnn, name) for name in skrnn.__all__)
    return [thing for thing in named if hasattr(thing, "get_params")]


def own_frames(call, name):
    """List the functions of skrnn on the stack when `call` first enters the function `name`."""
    found = []

    def profile(frame, event, argument):
        code = frame.f_code
        if event == "call" and not found and code.co_name == name and is_own(code):
            while frame is not None:
                if is_own(frame.f_code):
                    found.append(frame.f_code.co_qualname)
                frame = frame.f_back

    before = sys.getprofile()
    sys.setprofile(profile)
    try:
        call()
    finally:
        sys.setprofile(before)
    return found[::-1]


def is_own(code):
    path = Path(code.co_filename)
    return path.is_relative_to(PACKAGE) and "_compat" not in path.parts  # as scikit-learn's own


def project_files():
    """List the files that git tracks or would add; all files if this is no git checkout."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    try:
        listing = subprocess.run(command, cwd=ROOT, capture_output=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError):
        listing = b""
    files = [ROOT / name.decode() for name in listing.split(b"\0") if name]
    if Path(__file__).resolve() not in files:  # not a checkout, e.g. an unpacked sdist
        files = [
            path
            for path in ROOT.rglob("*")
            if not {".git", ".venv", "__pycache__"} & set(path.relative_to(ROOT).parts)
        ]
    return [path for path in files if path.is_file()]


def test_package_was_found():
    assert "skrnn" in SOURCES


@pytest.mark.parametrize("module", SOURCES)
def test_module_is_in_the_table_of_layers(module):
    assert is_known(module), f"{module} has no layer: add it to {TABLE}"


def test_table_of_layers_names_modules_that_exist():
    assert set(LAYER_OF) <= set(SOURCES)


def test_table_of_layers_is_shown_in_the_docs_and_linked_elsewhere():
    assert ":file: layers.csv" in (ROOT / "docs" / "house.rst").read_text(encoding="utf-8")
    assert "](docs/layers.csv)" in (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")


def test_a_module_has_one_layer():
    table = ["layer,modules,purpose", "0,``a`` and ``b.c``,x", "apart,``d``,x"]
    assert layers(table) == {"skrnn.a": 0, "skrnn.b.c": 0, "skrnn.d": None}
    with pytest.raises(AssertionError, match=r"skrnn\.a is in two rows"):
        layers([*table, "1,``a``,x"])


@pytest.mark.parametrize("module", [name for name in SOURCES if is_known(name)])
def test_imports_only_from_below(module):
    path = SOURCES[module]
    source = path.read_text(encoding="utf-8")
    faults = list(import_faults(module, source, path.name == "__init__.py"))
    assert not faults, "\n".join(faults)


@pytest.mark.parametrize(
    ("module", "source", "fault"),
    [
        ("skrnn._numeric.losses", "from ..solvers import x", "layer 1 may not import layer 2"),
        ("skrnn._numeric.layers", "from . import networks", "layer 1 may not import layer 3"),
        ("skrnn._numeric.layers", "def f():\n from skrnn import rnn", "may not import layer 10"),
        ("skrnn._numeric.losses", "from sklearn.utils import x", "numpy and scipy only"),
        ("skrnn.mlp", "import skrnn._recurrent", "layer 9 may not import layer 9"),
        ("skrnn.rnn", "from . import __version__", "layer 10 may not import layer 15"),
        ("skrnn._training.run", "from .. import _base", "layer 6 may not import layer 8"),
        ("skrnn.rnn", "from .novelty import x", "add it there"),
        ("skrnn.rnn", "from .datasets import x", "only skrnn/__init__.py"),
        ("skrnn.rnn", "import torch", "not a dependency"),
        ("skrnn.inspection", "import matplotlib.pyplot", "inside the function"),
        ("skrnn.datasets._names", "from .._input import x", "no other part of skrnn"),
        ("skrnn.datasets._names", "import pandas", "numpy and sklearn only"),
    ],
)
def test_checker_catches(module, source, fault):
    (found,) = import_faults(module, source)
    assert fault in found


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("skrnn._numeric.losses", "import math\nimport numpy as np\nfrom . import activations"),
        ("skrnn._numeric.networks", "from .layers import Dense"),
        ("skrnn.rnn", "from ._numeric.networks import x\nfrom ._base import y\nimport sklearn"),
        ("skrnn.inspection", "def f():\n import matplotlib.pyplot as plt"),
        ("skrnn.datasets._names", "from . import _io\nfrom sklearn.utils import Bunch"),
    ],
)
def test_checker_accepts(module, source):
    assert list(import_faults(module, source)) == []


@pytest.mark.parametrize("module", SOURCES)
def test_modules_and_functions_stay_short(module):
    for name, length in lengths(SOURCES[module].read_text(encoding="utf-8")):
        if name is None:
            assert length <= MAX_MODULE_LINES, f"{module} has {length} lines of code"
        elif name != "__init__":  # constructors of estimators have two lines for each parameter
            assert length <= MAX_FUNCTION_LINES, f"{module}.{name} has {length} lines of code"


CODE = '''"""Module.

Docstring."""
import os  # 1

# comment
TEXT = """two

lines"""  # 2 and 3, without the blank one


class A:  # 4
    """Class."""

    @property  # 5, not of the function
    def f(self):  # 6
        """Function
        docstring."""
        # comment
        def g(): "on the line of def"  # 7
        return (  # 8
            self.g,

            # comment
        )  # 10, and 9 above


async def h():  # 11
    "only text" + TEXT  # 12
'''


def test_code_lines_leave_out_docstrings_comments_and_blanks():
    assert dict(lengths(CODE)) == {None: 12, "f": 5, "g": 1, "h": 2}


@pytest.mark.parametrize("cls", public_classes())
def test_classes_inherit_from_few_classes_of_skrnn(cls):
    own = own_classes(cls)
    assert len(own) <= MAX_OWN_CLASSES, f"{len(own)} classes of skrnn: {', '.join(own)}"


def test_public_classes_are_found():
    assert {cls.__name__ for cls in public_classes()} >= {
        *("Adam", "PerStep", "SequencePadder", "StepRNNRegressor", "XORMLPClassifier"),
    }


def test_few_frames_from_fit_to_a_cell():
    clf = skrnn.SequenceRNNClassifier(2, cell="gru", max_iter=1)
    frames = own_frames(lambda: clf.fit([[1, 2], [3]], [0, 1]), "gru")
    assert frames[0].endswith(".fit")
    assert frames[-1] == "gru"
    assert len(frames) <= MAX_OWN_FRAMES, f"{len(frames)} frames: {' > '.join(frames)}"


def test_no_file_refers_outside_the_project():
    outside = "/".join(["..", "shared"]).encode()  # spelled so that this file passes
    found = [str(p.relative_to(ROOT)) for p in project_files() if outside in p.read_bytes()]
    assert found == []
