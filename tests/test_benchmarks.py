"""The commands that compare the speed of commits, and the figures quoted from the benchmarks."""

import json
import re
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


TABLES = (ROOT / "docs" / "benchmarks_table.md").read_text(encoding="utf-8")


def span(table, kind=""):
    """Return the range of the first ratio in the rows of a table, as the texts quote it."""
    (rows,) = re.findall(rf"^### {table}.*?(?=^###|\Z)", TABLES, re.MULTILINE | re.DOTALL)
    rows = [row for row in rows.splitlines() if row.startswith(f"| {kind}")]
    ratios = [float(found[1]) for row in rows if (found := re.search(r"\| (\d+\.\d+)<br>", row))]
    ends = [f"{ratio:.1f}" if ratio < 2 else f"{ratio:.0f}" for ratio in (min(ratios), max(ratios))]
    return " to ".join(dict.fromkeys(ends))


def test_the_readme_and_the_paper_quote_the_measured_ratios():
    elman, gru, lstm = (span("One training step", cell) for cell in ("rnn", "gru", "lstm"))
    fits = [span("Whole fit on the Japanese", of) for of in ("PyTorch", "skorch")]
    xor, digits = span("One iteration of a perceptron"), span("Whole fit of a perceptron")
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    for cells in (f"PyTorch | {elman}, {gru}, {lstm}", f"PyTorch, skorch | {', '.join(fits)}"):
        assert f"| {cells} |" in readme
    assert f"| `MLPClassifier` | {xor}, {digits} |" in readme
    paper = " ".join((ROOT / "paper.md").read_text(encoding="utf-8").split())
    assert f"is {elman} times as fast as in PyTorch, and one of GRUs {gru} times." in paper
    assert f"For LSTMs the ratio is {lstm}:" in paper
