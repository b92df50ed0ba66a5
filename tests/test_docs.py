"""The examples of the documentation run, in the order of each page."""

import contextlib
import doctest
import inspect
import io
import re
import runpy
from pathlib import Path
from textwrap import dedent

import numpy as np
import pytest
from numeric_helpers import LENGTHS, STEPS, assert_close, one_by_one, random_params, split
from numpy.random import RandomState
from sklearn.utils._param_validation import StrOptions

from skrnn import SequenceRNNClassifier
from skrnn._numeric.activations import ACTIVATIONS
from skrnn._numeric.layers import POOLINGS, POOLINGS_OF_STREAMS
from skrnn._numeric.losses import LOSSES, NUMBER_LOSSES
from skrnn._numeric.packing import Packing
from skrnn._numeric.recurrent import CELLS, rnn, truncated
from skrnn.datasets import load_japanese_vowels

ROOT = Path(__file__).resolve().parents[1]
DOCS = ROOT / "docs"
WRITTEN = [path for suffix in ("rst", "md") for path in sorted(DOCS.glob(f"*.{suffix}"))]
PAGES = {path.name: path for path in WRITTEN if not path.name.startswith("sg_")}  # the gallery's
FLAGS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
BLOCK = re.compile(
    r"^(?P<indent> *)\.\. code-block:: (?P<kind>\w+)\n(?P<options>(?:(?P=indent)   :.*\n)*)\n"
    r"(?P<code>(?:(?:(?P=indent)   .*)?\n)+)",
    re.MULTILINE,
)
NEEDS = {  # optional packages that the examples of a page use
    "ragged.rst": ["pandas"],
    "missing.rst": ["pandas"],
    "preprocessing.rst": ["pandas"],
    "streaming.rst": ["pandas"],
    "exchange.rst": ["skops", "torch"],
    "onnx.rst": ["onnxruntime", "pandas", "skl2onnx"],
    "layouts.rst": ["pandas", "polars", "pyarrow", "awkward"],
    "tables.rst": ["pandas", "polars", "pyarrow"],
}


def blocks(text):
    """Yield kind, options and dedented code of the code blocks of a page."""
    for found in BLOCK.finditer(text):
        yield found["kind"], found["options"], dedent(found["code"]).strip() + "\n"


def numbers_apart(text):
    """Split a text into its words and its numbers, which differ slightly between machines."""
    number = r"\d+(?:\.\d+)?"
    return re.sub(number, "#", text), [float(n) for n in re.findall(number, text)]


@pytest.fixture
def tables():
    """Remove the cells, poolings, losses and activations that a page adds."""
    all_tables = (
        CELLS, LOSSES, NUMBER_LOSSES, ACTIVATIONS, POOLINGS, POOLINGS_OF_STREAMS
    )  # fmt: skip
    before = [table.copy() for table in all_tables]
    yield
    for table, entries in zip(all_tables, before, strict=True):
        table.clear()
        table.update(entries)


def run_doctests(page):
    """Run the examples of a page; returns the names that they define."""
    for package in NEEDS.get(page, []):
        pytest.importorskip(package)
    text = PAGES[page].read_text(encoding="utf-8")
    test = doctest.DocTestParser().get_doctest(text, {}, page, str(PAGES[page]), 0)
    report, names = io.StringIO(), test.globs
    doctest.DocTestRunner(optionflags=FLAGS).run(test, out=report.write, clear_globs=False)
    assert not report.getvalue(), report.getvalue()
    return names


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.usefixtures("tables")
def test_doctests(page):
    run_doctests(page)


@pytest.mark.usefixtures("tables")
def test_the_steps_to_a_new_cell(monkeypatch):
    run_doctests("house.rst")  # steps 1 and 2: the cell, and its place in CELLS
    allowed = SequenceRNNClassifier._parameter_constraints | {"cell": [StrOptions({"leaky"})]}
    monkeypatch.setattr(SequenceRNNClassifier, "_parameter_constraints", allowed)  # step 3
    X, y = [[0, 0, 1], [1, 1, 0, 0], [1], [0, 0]], [1, 0, 1, 0]
    clf = SequenceRNNClassifier(4, cell="leaky", random_state=0)
    assert clf.fit(X, y).score(X, y) == 1

    def leaky_step(p, x, h):  # step 4: a textbook loop
        a = x @ p["W"][0] + p["b"][0] + h @ p["U"][0]
        return ((h + ACTIVATIONS["tanh"].f(a)) / 2,)

    monkeypatch.setitem(STEPS, "leaky", leaky_step)
    p = random_params({"layer": CELLS["leaky"].shapes(2, 3)})["layer"]
    x, packing = RandomState(1).normal(size=(sum(LENGTHS), 2)), Packing(LENGTHS)
    start = RandomState(2).normal(size=(1, len(LENGTHS), 3))
    args = (p, x[packing.to_packed], packing, start[:, packing.order])
    (h,), _ = CELLS["leaky"].run(*args)
    (of_blocks,), _ = truncated("leaky", *args, n_steps=2)
    expected = one_by_one("leaky", p, split(x, LENGTHS), start.swapaxes(0, 1))
    assert_close(h[packing.to_concatenated], expected, tol=1e-13)
    assert_close(of_blocks, h, tol=1e-13)


@pytest.mark.usefixtures("tables")
@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ("dh_now / 2 + da[now] @ U.T", "da[now] @ U.T"),  # of the cell
        ("np.repeat(dy, packing.lengths", "2 * np.repeat(dy, packing.lengths"),  # of the pooling
        ("weight[:, None] * error / root", "weight[:, None] * error"),  # of the loss
        ("(1 - np.sqrt(y * y)) ** 2", "1 - np.sqrt(y * y)"),  # of the activation
    ],
)
def test_the_check_of_a_new_part_finds_a_wrong_gradient(monkeypatch, tmp_path, right, wrong):
    text = PAGES["house.rst"].read_text(encoding="utf-8")
    assert text.count(right) == 1
    page = tmp_path / "house.rst"
    page.write_text(text.replace(right, wrong), encoding="utf-8")
    monkeypatch.setitem(PAGES, "house.rst", page)
    with pytest.raises(AssertionError, match=r"1e-12\)\s+Expected:\s+True\s+Got:\s+False"):
        run_doctests("house.rst")


def test_lines_quoted_next_to_formulas_are_in_the_code():
    table = PAGES["backprop.rst"].read_text("utf-8").split("   * - Formula\n")[1].split("\n\n")[0]
    quoted = re.findall("``([^`]+)``", table)
    assert len(quoted) >= 6
    code = [line.split("  #")[0].strip() for line in inspect.getsource(rnn).splitlines()]
    assert not [line for line in quoted if line not in code]


@pytest.mark.parametrize("page", PAGES)
def test_python_blocks(page):
    namespace, shown = {}, list(blocks(PAGES[page].read_text(encoding="utf-8")))
    for i, (kind, options, code) in enumerate(shown):
        if kind != "python":
            continue
        if "elsewhere" in options:  # code of another library; see below
            continue
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            exec(compile(code, page, "exec"), namespace)
        following = shown[i + 1] if i + 1 < len(shown) else ("", "", "")
        expected = following[2] if following[0] == "text" else ""
        words, numbers = numbers_apart(printed.getvalue())
        assert words == numbers_apart(expected)[0]
        assert numbers == pytest.approx(numbers_apart(expected)[1], rel=0, abs=0.03)


ELSEWHERE = [
    pytest.param(code, id=f"{page}-{i}")
    for page, path in PAGES.items()
    for i, (_, options, code) in enumerate(blocks(path.read_text(encoding="utf-8")))
    if "elsewhere" in options
]


@pytest.fixture(scope="module")
def names_elsewhere():
    """Names that the snippets of other libraries use without defining them."""
    X, y = load_japanese_vowels(return_X_y=True)
    return {
        "np": np,
        "X": X,
        "y": y,
        "data_of_equal_length": np.array([x[:7].T for x in X]),
        "tokens": [[{"word": "the"}, {"word": "Ann"}], [{"word": "Bob"}, {"word": "the"}]] * 5,
        "train": [[("Ann", "NNP", "B-PER"), ("left", "VBD", "O")], [("He", "PRP", "O")]],
        "tags": [["other", "name"], ["name", "other"]] * 5,
    }


@pytest.mark.filterwarnings("ignore")  # of those libraries
@pytest.mark.parametrize("code", ELSEWHERE)
def test_snippets_of_other_libraries(code, names_elsewhere):
    libraries = set(re.findall(r"^(?:import|from) (\w+)", code, re.MULTILINE))
    assert "skrnn" not in code or libraries - {"skrnn", "sklearn"}
    compiled = compile(code, "elsewhere", "exec")
    for library in libraries:
        pytest.importorskip(library)
    exec(compiled, names_elsewhere.copy())


def test_all_code_is_tested():
    """All code on the pages is of a kind that the tests above run, or is taken from a file."""
    kinds = [kind for path in PAGES.values() for kind, _, _ in blocks(path.read_text("utf-8"))]
    texts = [path.read_text("utf-8") for path in PAGES.values()]
    assert len(kinds) == sum(text.count("code-block::") for text in texts) >= 8
    assert set(kinds) == {"python", "text", "bash"}
    shell = [code for text in texts for kind, _, code in blocks(text) if kind == "bash"]
    assert {code.split("#")[0].strip() for code in shell} == {"pip install ."}
    for text in texts:
        assert not re.search(r"^\s*\.\. (code|sourcecode|testcode|parsed-literal)::", text, re.M)
        assert not re.search(r"^(?!\s*\.\. ).*::$", text, re.M)  # a literal block


COMMANDS = (
    r"^(make|pip install|\.venv/bin/python) "  # in a shell; what they run is tested elsewhere
)


@pytest.mark.parametrize(
    "path", [*ROOT.glob("*.md"), *DOCS.glob("*.md")], ids=lambda path: path.name
)
def test_all_code_in_markdown_is_tested(path):
    """Only the README contains Python, which `test_readme` runs."""
    text = path.read_text(encoding="utf-8")
    fences = set(re.findall(r"^```(\S+)", text, re.M))
    assert fences <= {"{include}", *(["python", "text"] if path.name == "README.md" else [])}
    for code in re.findall(r"(?<=\n\n)(?:    .*\n)+", text):
        for line in dedent(code).splitlines():
            assert re.match(COMMANDS, line), line


def test_the_pictures_are_what_the_script_draws(tmp_path):
    image = pytest.importorskip("matplotlib.image")
    pytest.importorskip("statsmodels")
    runpy.run_path(str(DOCS / "picture.py"))["main"](tmp_path)
    pictures = sorted((DOCS / "_static").glob("*.png"))
    assert [path.name for path in pictures] == sorted(path.name for path in tmp_path.iterdir())
    for path in pictures:
        drawn, kept = map(image.imread, (tmp_path / path.name, path))
        assert abs(drawn.shape[0] - kept.shape[0]) < 0.1 * kept.shape[0]
        assert abs(drawn.mean() - kept.mean()) < 0.02
        assert drawn[..., :3].std() > 0.05


FOUND = {  # what a reader may search for, and a page that the search shows first
    "LSTM": "classification",
    "padding": "ragged",
    "variable length": "ragged",
    "uneven": "missing",
    "NaN": "missing",
    "missing": "missing",
    "NER": "tagging",
    "CRF": "tagging",
    "word": "texts",
    "forecast": "forecasting",
    "time series": "forecasting",
    "streaming": "streaming",
    "GridSearchCV": "model_selection",
    "early stopping": "early_stopping",
    "save": "exchange",
    "ONNX": "onnx",
}


@pytest.mark.parametrize("term", FOUND)
def test_the_search_finds_the_page_of_a_term(term):
    """The search shows main entries of the index first; at most three pages have the same one."""
    texts = {name: path.read_text(encoding="utf-8") for name, path in PAGES.items()}
    entries = {
        name: [
            entry.strip()
            for line in re.findall(r"^\.\. index:: (.+)$", text, re.M)
            for entry in line.split(",")
        ]
        for name, text in texts.items()
    }
    pages = [name for name, found in entries.items() if f"! {term}" in found]
    assert f"{FOUND[term]}.rst" in pages
    assert len(pages) <= 3


def test_every_public_name_has_a_page():
    import skrnn
    from skrnn import (
        callbacks,
        convert,
        datasets,
        forecasting,
        inspection,
        metrics,
        model_selection,
        onnx,
        pytorch,
    )

    reference = PAGES["api.rst"].read_text(encoding="utf-8").split()
    names = [*skrnn.__all__, *datasets.__all__, *inspection.__all__, "make_windows"]
    for module in (callbacks, convert, forecasting, metrics, model_selection, onnx, pytorch):
        names += [
            name
            for name, member in vars(module).items()
            if not name.startswith("_") and getattr(member, "__module__", "") == module.__name__
        ]
    assert not set(names) - set(reference)
