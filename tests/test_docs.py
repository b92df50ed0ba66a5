"""The documentation does what it says: its examples run, in the order of each page."""

import contextlib
import doctest
import io
import re
from pathlib import Path

import pytest

DOCS = Path(__file__).resolve().parents[1] / "docs"
WRITTEN = [path for suffix in ("rst", "md") for path in sorted(DOCS.glob(f"*.{suffix}"))]
PAGES = {path.name: path for path in WRITTEN if not path.name.startswith("sg_")}  # the gallery's
FLAGS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
BLOCK = re.compile(
    r"^\.\. code-block:: (?P<kind>\w+)\n(?P<options>(?:   :.*\n)*)\n(?P<code>(?:(?:   .*)?\n)+)",
    re.MULTILINE,
)
NEEDS = {  # optional packages that the examples of a page use
    "ragged.rst": ["pandas"],
    "exchange.rst": ["onnxruntime", "skl2onnx", "skops", "torch"],
    "layouts.rst": ["pandas", "polars", "pyarrow", "awkward"],
}


def blocks(text):
    """Yield kind, options and dedented code of the code blocks of a page."""
    for found in BLOCK.finditer(text):
        code = re.sub("^   ", "", found["code"], flags=re.MULTILINE)
        yield found["kind"], found["options"], code.strip() + "\n"


def numbers_apart(text):
    """Split a text into its words and its numbers, which differ a little between machines."""
    number = r"\d+(?:\.\d+)?"
    return re.sub(number, "#", text), [float(n) for n in re.findall(number, text)]


@pytest.mark.parametrize("page", PAGES)
def test_doctests(page):
    for package in NEEDS.get(page, []):
        pytest.importorskip(package)
    text = PAGES[page].read_text(encoding="utf-8")
    test = doctest.DocTestParser().get_doctest(text, {}, page, str(PAGES[page]), 0)
    report = io.StringIO()
    doctest.DocTestRunner(optionflags=FLAGS).run(test, out=report.write)
    assert not report.getvalue(), report.getvalue()


@pytest.mark.parametrize("page", PAGES)
def test_python_blocks(page):
    namespace, shown = {}, list(blocks(PAGES[page].read_text(encoding="utf-8")))
    for i, (kind, options, code) in enumerate(shown):
        if kind != "python":
            continue
        compiled = compile(code, page, "exec")
        if "elsewhere" in options:  # the code of another library, which need not be installed
            assert "skrnn" not in code
            continue
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            exec(compiled, namespace)
        following = shown[i + 1] if i + 1 < len(shown) else ("", "", "")
        expected = following[2] if following[0] == "text" else ""
        words, numbers = numbers_apart(printed.getvalue())
        assert words == numbers_apart(expected)[0]
        assert numbers == pytest.approx(numbers_apart(expected)[1], rel=0, abs=0.03)


def test_blocks_are_found():
    kinds = [kind for path in PAGES.values() for kind, _, _ in blocks(path.read_text("utf-8"))]
    written = sum(path.read_text("utf-8").count(".. code-block::") for path in PAGES.values())
    assert len(kinds) == written >= 8


def test_every_public_name_has_a_page():
    import skrnn
    from skrnn import (
        callbacks,
        convert,
        datasets,
        inspection,
        metrics,
        model_selection,
        onnx,
        pytorch,
    )

    reference = PAGES["api.rst"].read_text(encoding="utf-8").split()
    names = [*skrnn.__all__, *datasets.__all__, *inspection.__all__]
    for module in (callbacks, convert, metrics, model_selection, onnx, pytorch):
        names += [
            name
            for name, member in vars(module).items()
            if not name.startswith("_") and getattr(member, "__module__", "") == module.__name__
        ]
    assert not set(names) - set(reference)
