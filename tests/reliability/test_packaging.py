"""Extras named in messages exist, and the oldest tested versions are those required."""

import re
import runpy
import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
EXTRAS = set(PROJECT["optional-dependencies"])
NAMED = re.compile(r"skrnn\[([\w,]+)\]")


INSTALLED = re.compile(r"pip install [^`\n]*")
QUOTED = re.compile(r'"[\w.]+\[[\w,]+\][^"\s]*"')


def texts():
    """Get the texts that tell users and contributors what to install."""
    files = [
        path for folder in ("skrnn", "docs", "examples") for path in (ROOT / folder).rglob("*")
    ]
    files += ROOT.glob("*.md")
    return [
        path.read_text(encoding="utf-8")
        for path in sorted(files)
        if path.suffix in {".py", ".rst", ".md"} and "_build" not in path.parts
    ]


def test_named_extras_exist():
    assert NAMED.findall('pip install "skrnn[plot,onnx]"') == ["plot,onnx"]
    named = {
        extra for text in texts() for found in NAMED.findall(text) for extra in found.split(",")
    }
    assert {"onnx", "plot"} <= named <= EXTRAS
    inside = [text for of_one in PROJECT["optional-dependencies"].values() for text in of_one]
    assert {e for text in inside for es in NAMED.findall(text) for e in es.split(",")} <= EXTRAS


def test_extras_are_in_double_quotes():
    """Brackets are a pattern in zsh, and single quotes do not quote in the shell of Windows."""
    commands = [command for text in texts() for command in INSTALLED.findall(text)]
    with_extras = [command for command in commands if "[" in command]
    assert len(commands) > len(with_extras) >= 4
    for command in with_extras:
        assert "[" not in QUOTED.sub("", command), command
    assert "[" in QUOTED.sub("", "pip install skrnn[onnx]")
    assert "[" in QUOTED.sub("", "pip install 'skrnn[onnx]'")


def test_oldest_tested_versions_are_those_required():
    script = ROOT / "tests" / "smoke" / "floors.py"
    pins = subprocess.run([sys.executable, script], capture_output=True, text=True, check=True)
    pinned = dict(pin.split("==") for pin in pins.stdout.split())
    assert pinned == dict(requirement.split(">=") for requirement in PROJECT["dependencies"])
    assert set(pinned) == {"numpy", "scipy", "scikit-learn", "narwhals"}


PYTHONS = runpy.run_path(str(ROOT / "tests" / "smoke" / "pythons.py"))


def test_versions_of_python_that_are_declared_are_tested():
    tested = {f"3.{minor}" for minor in PYTHONS["minors"](PROJECT)}
    declared = set(re.findall(r"Python :: (3\.\d+)", " ".join(PROJECT["classifiers"])))
    assert f"3.{sys.version_info.minor}" in tested
    assert {"3.11", "3.12", "3.13"} <= declared <= tested


def test_every_version_of_python_is_named_as_run_or_skipped(capsys):
    found = PYTHONS["main"]().split()
    report = capsys.readouterr().err
    for minor in PYTHONS["minors"](PROJECT):
        version = f"3.{minor}"
        (line,) = (line for line in report.splitlines() if line.startswith(f"Python {version}: "))
        assert ("skipped" in line) == (version not in found)
    assert f"3.{sys.version_info.minor}" not in found


def make_python(folder, *answer):
    """Make an executable that gives this answer to whatever it is asked."""
    folder.mkdir(parents=True)
    path = folder / "python3.99"
    path.write_text("#!/bin/sh\nprintf '%s\\n' " + " ".join(map(str, answer)), encoding="utf-8")
    path.chmod(0o755)
    return str(path)


def test_the_newest_usable_python_is_found(monkeypatch, tmp_path):
    versions = tmp_path / "versions"
    monkeypatch.setenv("PYENV_ROOT", str(tmp_path))
    assert PYTHONS["find"](99) is None
    for patch in (9, 10, 2):
        make_python(versions / f"3.99.{patch}" / "bin", f"path{patch}", 3, 99, patch, "final")
    make_python(versions / "3.99.11b1" / "bin", "path11", 3, 99, 11, "beta")
    make_python(versions / "no-venv" / "bin", "python: No module named ensurepip")
    monkeypatch.setenv("PATH", str(tmp_path / "on_path"), prepend=":")
    assert PYTHONS["find"](99) == "path10"
    make_python(tmp_path / "on_path", "path12", 3, 99, 12, "final")
    assert PYTHONS["find"](99) == "path12"


def test_a_version_of_python_that_is_missing_is_named():
    script = ROOT / "tests" / "smoke" / "pythons.py"
    asked = subprocess.run([sys.executable, script, "3.99"], capture_output=True, text=True)
    assert asked.returncode == 1
    assert asked.stderr == "Python 3.99 is not installed, or cannot make environments.\n"
