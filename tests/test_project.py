"""What the files of the project say about versions and addresses agrees."""

import re
import tomllib
from datetime import date
from pathlib import Path

import pytest
from sklearn.base import BaseEstimator

import skrnn
from skrnn._estimator import DOCUMENTATION

ROOT = Path(__file__).resolve().parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
MINORS = [f"3.{minor}" for minor in range(11, 15)]
ESTIMATORS = [
    name
    for name in skrnn.__all__
    if isinstance(getattr(skrnn, name), type) and issubclass(getattr(skrnn, name), BaseEstimator)
]


def found(file, pattern):
    """List the matches of a pattern in the lines of a file; there must be some."""
    matches = re.findall(pattern, (ROOT / file).read_text(encoding="utf-8"), re.MULTILINE)
    assert matches, f"{file} has no line like {pattern}"
    return matches


@pytest.mark.parametrize(
    ("file", "pattern"),
    [
        ("CITATION.cff", r"^version: (\S+)$"),
        ("recipe/recipe.yaml", r'^  version: "(\S+)"$'),
        ("CHANGELOG.md", r"^## \[(\d\S*)\]"),
    ],
)
def test_the_version_is_the_same(file, pattern):
    assert found(file, pattern)[0] == skrnn.__version__  # the newest comes first


def test_the_date_of_the_release_is_the_same():
    dates = found("CHANGELOG.md", r"^## \[\d\S*\] - (\S+)$")
    assert found("CITATION.cff", r'^date-released: "(\S+)"$') == dates[:1]
    assert dates == sorted(dates, reverse=True)
    for day in dates:
        date.fromisoformat(day)


def test_changes_to_come_stand_above_the_newest_release():
    headings = found("CHANGELOG.md", r"^## (.*)$")
    assert headings[0] == "[Unreleased]"
    assert headings[1].startswith(f"[{skrnn.__version__}] - ")


def test_the_newest_release_has_saved_models():
    """Later releases are tested with them; make_models.py writes them."""
    assert (ROOT / "tests" / "data" / f"models-{skrnn.__version__}" / "models.pickle").is_file()


def test_the_supported_versions_of_python_are_the_same():
    assert PROJECT["requires-python"] == f">={MINORS[0]}"
    listed = [c.rpartition(" ")[2] for c in PROJECT["classifiers"] if "Python :: 3." in c]
    assert listed == MINORS
    assert found("tests/smoke/pythons.py", r"^NEWEST = (\d+)") == [MINORS[-1].removeprefix("3.")]
    assert found("recipe/recipe.yaml", r'^  python_min: "(\S+)"$') == MINORS[:1]
    hosted = found(".github/workflows/tests.yml", r"^ +python: \[(.*)\]$")
    assert hosted[0] == ", ".join(f'"{minor}"' for minor in MINORS)


def test_the_recipe_has_the_dependencies_of_the_project():
    names = "|".join(re.split(r"[>=]", of)[0] for of in PROJECT["dependencies"])
    recipe = found("recipe/recipe.yaml", rf"^    - ((?:{names}) .*)$")
    assert [requirement.replace(" ", "") for requirement in recipe] == PROJECT["dependencies"]


@pytest.mark.parametrize(
    ("file", "pattern", "name"),
    [
        ("CITATION.cff", r"^repository-code: (\S+)$", "Source"),
        ("CITATION.cff", r"^url: (\S+)$", "Documentation"),
        ("recipe/recipe.yaml", r"^  repository: (\S+)$", "Source"),
        ("recipe/recipe.yaml", r"^  documentation: (\S+)$", "Documentation"),
        ("SECURITY.md", r"<(https://github\S+)/security/advisories/new>", "Source"),
    ],
)
def test_addresses_are_the_same(file, pattern, name):
    assert found(file, pattern) == [PROJECT["urls"][name]]
    assert PROJECT["urls"]["Documentation"] == DOCUMENTATION


@pytest.mark.parametrize("name", ESTIMATORS)
def test_the_html_representation_links_to_the_page_of_the_class(name):
    cls = getattr(skrnn, name)
    link = cls._get_doc_link(cls.__new__(cls))
    page = f"generated/skrnn.{name}.html"
    assert link == f"{DOCUMENTATION}/en/v{skrnn.__version__}/{page}"
    reference = (ROOT / "docs" / "api.rst").read_text(encoding="utf-8")
    tables = re.findall(
        r"^\.\. currentmodule:: skrnn$(.*?)(?=currentmodule|\Z)", reference, re.M | re.S
    )
    assert name in " ".join(tables).split()  # autosummary writes the page


def test_an_estimator_derived_elsewhere_has_no_link():
    class Mine(skrnn.XORMLPClassifier):
        """A class that the documentation of skrnn does not describe."""

    assert Mine()._get_doc_link() == ""
    assert DOCUMENTATION not in Mine()._repr_html_()
    assert f"{DOCUMENTATION}/en/v" in skrnn.XORMLPClassifier()._repr_html_()
