"""Append the speed of the current commit to the history: ``python benchmarks/history.py``.

``benchmarks/history.jsonl`` has one line for each commit that was measured: the commit, the date,
the machine, the versions of libraries, and the median and the quartiles of the seconds of each
workload. Times of different machines are compared relative to those of "NumPy alone".

``python benchmarks/history.py --show`` prints the history instead.
"""

import argparse
import json
import subprocess
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from environment import describe, load_average
from report import Figure, Table
from timing import alternately
from workloads import WORKLOADS, prepare

HISTORY = Path(__file__).with_name("history.jsonl")
MACHINE_SPEED = "NumPy alone"


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and append, or print."""
    parser = argparse.ArgumentParser(description="Append the speed of this commit to the history.")
    parser.add_argument("--rounds", type=int, default=15, help="samples of each (default: 15)")
    parser.add_argument("--only", nargs="+", metavar="WORK", help="workloads (default: all)")
    parser.add_argument("--show", action="store_true", help="print the history instead")
    parser.add_argument("--file", type=Path, default=HISTORY, help="default: %(default)s")
    options = parser.parse_args(arguments)
    if not options.show:
        row = measure(options.only or WORKLOADS, options.rounds)
        with open(options.file, "a", encoding="utf-8") as file:
            file.write(json.dumps(row, ensure_ascii=False) + "\n")
    lines = options.file.read_text(encoding="utf-8").splitlines()
    print(as_table([json.loads(line) for line in lines]).as_text())


def measure(names: Iterable[str], rounds: int) -> dict:
    """Time each workload by turns with the one that shows the speed of the machine."""
    row = {"commit": commit(), "time": datetime.now(UTC).isoformat(timespec="seconds")}
    row |= {"load": load_average(), "environment": describe(), "seconds": {}}
    reference = prepare(MACHINE_SPEED)
    for name in names:
        if name != MACHINE_SPEED:
            calls = {MACHINE_SPEED: reference, name: prepare(name)}
            samples = alternately(calls, rounds)
            relative = samples[name] / samples[MACHINE_SPEED]
            row["seconds"][name] = {
                "quartiles": np.percentile(samples[name], [25, 50, 75]).tolist(),
                "relative": float(np.median(relative)),
            }
    return row


def commit() -> str:
    """Return the commit that is checked out, with "+" if files of skrnn were changed since."""

    def git(*arguments):
        done = subprocess.run(["git", *arguments], capture_output=True, text=True, check=True)
        return done.stdout.strip()

    return git("rev-parse", "--short=12", "HEAD") + "+" * bool(
        git("status", "--porcelain", "skrnn")
    )


def as_table(rows: list[dict], newest: int = 5) -> Table:
    """Return the medians of the newest commits, and the ratio of the last two.

    The ratio is that of the times relative to the speed of the machine.
    """
    rows = rows[-newest:]
    table = Table(
        "Seconds of each workload by commit",
        ["work", *(row["commit"] for row in rows), "last but one / last"],
        note="The ratio is corrected by the time of NumPy alone.",
    )
    for name in rows[-1]["seconds"]:
        of_rows = [row["seconds"].get(name) for row in rows]
        cells = [Figure(known["quartiles"][1], "s") if known else "" for known in of_rows]
        ratio: Figure | str = ""
        if len(of_rows) > 1 and all(of_rows[-2:]):
            ratio = Figure(of_rows[-2]["relative"] / of_rows[-1]["relative"], "times")
        table.add(name, *cells, ratio)
    return table


if __name__ == "__main__":
    main()
