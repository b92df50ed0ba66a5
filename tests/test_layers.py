"""The shape of the code itself: who imports whom, and how long things get."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "skrnn"

# A module imports only from layers with a smaller number (CONTRIBUTING.md has
# the same table in words). Packages stand for their __init__.py.
LAYERS = {
    0: "_numeric _numeric.params _numeric.packing _numeric.activations _numeric.initializers "
    "_numeric.schedules _atomic _containers _training _training.threads _storage _version",
    1: "_persistence _columns _numeric.losses _numeric.layers _numeric.recurrent "
    "_numeric.optimizers",
    2: "_numeric.networks",
    3: "_numeric.training sequences _targets solvers _progress",
    4: "_epochs preprocessing convert metrics model_selection",
    5: "_base",
    6: "_outputs _states callbacks",
    7: "mlp _recurrent onnx._nodes inspection._plotting",
    8: "rnn onnx._converters inspection._loss_curves inspection._hidden_states "
    "inspection._animation inspection._occlusion",
    9: "inspection onnx pytorch",
}
LAYER_OF = {f"skrnn.{name}": n for n, names in LAYERS.items() for name in names.split()}
LAYER_OF["skrnn"] = 10
DATASETS = "skrnn.datasets"  # outside the tower: imports no other part of skrnn

REQUIRED = {"numpy", "scipy", "sklearn", "threadpoolctl"}  # the last comes with scikit-learn
# Only inside a function, when asked for.
OPTIONAL = {"matplotlib", "PIL", "rich", "pandas", "onnx", "skl2onnx"}

MAX_MODULE_LINES = 450
MAX_FUNCTION_LINES = 60


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
    """Full dotted names that one import statement of `module` reaches."""
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    base = node.module or ""
    if node.level:
        up = node.level - is_package
        parents = module.split(".")[: -up or None]
        base = ".".join([*parents, base] if base else parents)
    # `from package import name` reaches package.name where that is a module.
    inner = [f"{base}.{alias.name}" for alias in node.names]
    return [name if name in SOURCES or is_known(name) else base for name in inner]


def import_faults(module, source, is_package=False):
    """What the imports of `module` break, one line for each fault."""
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
        return "not in the layer table: add it to the table"
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
    return None if lazy else "optional, so import it inside the function that needs it"


def code_lines(function, lines):
    """Lines of a function that hold code: no docstring, blank or comment lines."""
    skip = set()
    if ast.get_docstring(function, clean=False) is not None:
        first = function.body[0]
        skip = set(range(first.lineno, first.end_lineno + 1))
    span = range(function.lineno, function.end_lineno + 1)
    texts = (lines[n - 1].strip() for n in span if n not in skip)
    return sum(bool(text) and not text.startswith("#") for text in texts)


def project_files():
    """Files of the checkout: what git would take, or everything where git cannot say."""
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
def test_module_is_in_the_layer_table(module):
    assert is_known(module), f"{module} has no layer: add it to the table in {__file__}"


@pytest.mark.parametrize("module", [name for name in SOURCES if is_known(name)])
def test_imports_only_from_below(module):
    path = SOURCES[module]
    source = path.read_text(encoding="utf-8")
    faults = list(import_faults(module, source, path.name == "__init__.py"))
    assert not faults, "\n".join(faults)


@pytest.mark.parametrize(
    ("module", "source", "fault"),
    [
        ("skrnn._numeric.losses", "from ..solvers import x", "layer 1 may not import layer 3"),
        ("skrnn._numeric.layers", "from . import networks", "layer 1 may not import layer 2"),
        ("skrnn._numeric.layers", "def f():\n from skrnn import rnn", "may not import layer 8"),
        ("skrnn._numeric.losses", "from sklearn.utils import x", "numpy and scipy only"),
        ("skrnn.mlp", "import skrnn._recurrent", "layer 7 may not import layer 7"),
        ("skrnn.rnn", "from . import __version__", "layer 8 may not import layer 10"),
        ("skrnn.rnn", "from .novelty import x", "add it to the table"),
        ("skrnn.rnn", "from .datasets import x", "only skrnn/__init__.py"),
        ("skrnn.rnn", "import torch", "not a dependency"),
        ("skrnn.inspection", "import matplotlib.pyplot", "inside the function"),
        ("skrnn.datasets._names", "from ..sequences import x", "no other part of skrnn"),
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
def test_checker_lets_pass(module, source):
    assert list(import_faults(module, source)) == []


@pytest.mark.parametrize("module", SOURCES)
def test_modules_and_functions_stay_short(module):
    source = SOURCES[module].read_text(encoding="utf-8")
    lines = source.splitlines()
    assert len(lines) <= MAX_MODULE_LINES, f"{module} has {len(lines)} lines: split it"
    for node in ast.walk(ast.parse(source)):
        # A constructor of scikit-learn's kind has two lines for each parameter, and no logic.
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name != "__init__":
            length = code_lines(node, lines)
            assert length <= MAX_FUNCTION_LINES, f"{module}.{node.name} has {length} lines of code"


def test_code_lines_leave_out_docstring_comments_and_blanks():
    source = 'def f():\n    """Doc\n\n    more."""\n\n    # why\n    x = 1\n    return x\n'
    (function,) = ast.parse(source).body
    assert code_lines(function, source.splitlines()) == 3


def test_no_file_points_outside_the_project():
    outside = "/".join(["..", "shared"]).encode()  # spelled so that this file passes
    guilty = [str(p.relative_to(ROOT)) for p in project_files() if outside in p.read_bytes()]
    assert guilty == []
