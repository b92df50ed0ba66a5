"""The Python blocks of the README run, and print the text blocks after them."""

import contextlib
import io
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
NUMBER = re.compile(r"\d+(?:\.\d+)?")


def examples():
    """Yield each Python block and the output that the README shows for it."""
    blocks = BLOCK.findall(README)
    for (kind, code), (next_kind, shown) in zip(blocks, [*blocks[1:], ("", "")], strict=True):
        if kind == "python":
            yield code, shown if next_kind == "text" else ""


def output_of(code, namespace):
    """Run code; returns what it prints, ended by the error if one is raised."""
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        try:
            exec(compile(code, "README.md", "exec"), namespace)
        except Exception as error:
            print(f"{type(error).__name__}: {error}")
    return printed.getvalue()


def assert_same_output(actual, shown):
    """Compare text exactly, and numbers loosely: rounding differs between machines."""
    assert NUMBER.sub("#", actual) == NUMBER.sub("#", shown), f"printed:\n{actual}"
    numbers = [[float(n) for n in NUMBER.findall(text)] for text in (actual, shown)]
    assert numbers[0] == pytest.approx(numbers[1], rel=0, abs=0.02)


def test_examples_print_what_the_readme_shows():
    namespace = {}
    pairs = list(examples())
    assert len(pairs) >= 4
    for code, shown in pairs:
        assert_same_output(output_of(code, namespace), shown)


@pytest.mark.parametrize(
    ("actual", "message"),
    [
        ("accuracy: 0.95\n", r"== approx\(\[0\.98"),
        ("accuracy: 0.98", r"printed:\s+accuracy: 0\.98"),
        ("ValueError: no\n", r"printed:\s+ValueError: no"),
    ],
)
def test_comparison_catches_differences(actual, message):
    with pytest.raises(AssertionError, match=message):
        assert_same_output(actual, "accuracy: 0.98\n")


@pytest.mark.parametrize("target", re.findall(r"\]\((?!https?:)([^)]+)\)", README))
def test_links_lead_to_files(target):
    assert (ROOT / target).is_file()


def test_every_make_target_named_exists():
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for target in re.findall(r"^    make ([\w-]+)", README, re.MULTILINE):
        assert re.search(rf"^{target}:", makefile, re.MULTILINE)


def test_readme_stays_short():
    assert len(README.splitlines()) < 150
