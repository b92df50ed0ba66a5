"""What is promised about installing: extras that errors name, versions that are tested."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
EXTRAS = set(PROJECT["optional-dependencies"])
NAMED = re.compile(r"skrnn\[([\w,]+)\]")


def named_in(*folders):
    """Get the extras that texts below some folders tell users to install."""
    files = [path for folder in folders for path in sorted((ROOT / folder).rglob("*"))]
    found = [
        NAMED.findall(path.read_text(encoding="utf-8"))
        for path in files
        if path.suffix in {".py", ".rst", ".md"} and "_build" not in path.parts
    ]
    return {extra for texts in found for text in texts for extra in text.split(",")}


def test_extras_that_are_named_exist():
    assert NAMED.findall("pip install skrnn[plot,onnx]") == ["plot,onnx"]
    assert named_in("skrnn", "docs", "examples") <= EXTRAS
    inside = [text for of_one in PROJECT["optional-dependencies"].values() for text in of_one]
    assert {e for text in inside for es in NAMED.findall(text) for e in es.split(",")} <= EXTRAS


def test_floors_are_those_of_the_project():
    script = ROOT / "tests" / "smoke" / "floors.py"
    pins = subprocess.run([sys.executable, script], capture_output=True, text=True, check=True)
    pinned = dict(pin.split("==") for pin in pins.stdout.split())
    assert pinned == dict(requirement.split(">=") for requirement in PROJECT["dependencies"])
    assert set(pinned) == {"numpy", "scipy", "scikit-learn"}
