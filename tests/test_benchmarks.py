"""The commands that compare the speed of commits."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
WORK = "fit, perceptron on XOR"


def run(script, *arguments):
    """Run a script of the benchmarks; returns what it prints."""
    command = [sys.executable, str(ROOT / "benchmarks" / script), *arguments]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.slow
@pytest.mark.skipif(
    shutil.which("git") is None or not (ROOT / ".git").exists(), reason="needs a git checkout"
)
def test_two_commits_are_timed_with_their_own_packages():
    printed = run("compare.py", "HEAD", "--rounds", "2", "--only", WORK)
    name, *cells = printed.strip().splitlines()[-1].split("  ")
    times = [cell for cell in cells if cell.strip().endswith(("µs", "ms", " s"))]
    assert name == WORK
    assert len(times) == 2, printed


@pytest.mark.slow
@pytest.mark.skipif(
    shutil.which("git") is None or not (ROOT / ".git").exists(), reason="needs a git checkout"
)
def test_the_history_gets_one_line_with_machine_and_versions(tmp_path):
    file = tmp_path / "history.jsonl"
    printed = run("history.py", "--rounds", "1", "--only", WORK, "--file", str(file))
    (row,) = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
    low, middle, high = row["seconds"][WORK]["quartiles"]
    assert 0 < low <= middle <= high
    assert "numpy" in row["environment"]["libraries"]
    assert row["commit"][:12] in printed
