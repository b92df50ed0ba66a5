"""Files, pages and anchors named in the documentation exist, and addresses are well-formed.

``make linkcheck`` tests whether the addresses answer; it needs the network.
"""

import re
from pathlib import Path
from urllib.parse import urlsplit

import pytest

ROOT = Path(__file__).resolve().parents[1]
GENERATED = ("docs/_build", "docs/auto_examples", "docs/generated", "docs/sg_execution_times.rst")
PROSE = [
    path
    for pattern in ("*.md", "docs/**/*.rst", "docs/*.md")
    for path in sorted(ROOT.glob(pattern))
    if not str(path.relative_to(ROOT)).startswith(GENERATED)
]
CODE = [path for part in ("skrnn", "examples") for path in sorted((ROOT / part).rglob("*.py"))]
MARKDOWN_LINK = re.compile(r"\]\(([^)\s]+)\)")
ADDRESS = re.compile(r"\bhttps?:[^\s<>\"'`)\]}]*[^\s<>\"'`)\]},.;:]")
INCLUDED = re.compile(r"^\s*(?:\.\. (?:literal)?include::|:file:) (\S+)", re.MULTILINE)
FILE = re.compile(r"(?:[\w.-]+/)*[\w.-]+\.(?:py|rst|md|toml|svg|png)")


def named(path):
    return str(path.relative_to(ROOT))


def anchors(markdown):
    """List the anchors that GitHub creates for headings."""
    for heading in re.findall(r"^#+ (.+)$", markdown, re.MULTILINE):
        yield re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


@pytest.mark.parametrize("path", [p for p in PROSE if p.suffix == ".md"], ids=named)
def test_targets_of_markdown_links_exist(path):
    for target in MARKDOWN_LINK.findall(path.read_text(encoding="utf-8")):
        if urlsplit(target).scheme:
            continue
        file, _, anchor = target.partition("#")
        page = path.parent / file if file else path
        assert page.is_file(), target
        if anchor:
            assert anchor in anchors(page.read_text(encoding="utf-8")), target


@pytest.mark.parametrize("path", [p for p in PROSE if p.suffix == ".rst"], ids=named)
def test_pages_and_includes_exist(path):
    text = path.read_text(encoding="utf-8")
    for target in re.findall(r":doc:`(?:[^`<]*<)?([^`>]+)>?`", text):
        page = path.parent / target
        assert any(page.with_suffix(suffix).is_file() for suffix in (".rst", ".md")), target
    for target in re.findall(
        r"^\s*(?:\.\. (?:literal)?include::|:file:) (\S+)", text, re.MULTILINE
    ):
        assert (path.parent / target).is_file(), target


@pytest.fixture(scope="module")
def files():
    """List the files of the project as ``/folder/name``, without generated files."""
    folders = ("benchmarks", "docs", "examples", "mutation", "skrnn", "tests")
    found = [path for folder in folders for path in (ROOT / folder).rglob("*.*")]
    names = [named(path) for path in found + list(ROOT.glob("*.*"))]
    return [f"/{name}" for name in names if not name.startswith(GENERATED)]


@pytest.mark.parametrize("path", PROSE, ids=named)
def test_files_named_in_prose_exist(path, files):
    for quoted in re.findall(r"``?([^`\n]+)``?", path.read_text(encoding="utf-8")):
        if FILE.fullmatch(quoted):
            assert any(file.endswith(f"/{quoted}") for file in files), quoted


@pytest.mark.parametrize("path", PROSE + CODE, ids=named)
def test_addresses_are_well_formed(path):
    for address in ADDRESS.findall(path.read_text(encoding="utf-8")):
        parts = urlsplit(address)
        assert parts.scheme == "https", address
        assert re.fullmatch(r"(?:[a-z0-9-]+\.)+[a-z]{2,}", parts.hostname or ""), address
        assert re.fullmatch(r"[\w\-.~/%+@:,=&#?]*", address.split("://", 1)[1]), address


def test_the_patterns_find_links():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert len(ADDRESS.findall(readme)) >= 10
    assert len(MARKDOWN_LINK.findall(readme)) >= 15
    assert ADDRESS.findall("see <https://a.org/b.html>, and (https://c.org/d).") == [
        "https://a.org/b.html",
        "https://c.org/d",
    ]
    assert list(anchors("# Two words, `code`\n")) == ["two-words-code"]
