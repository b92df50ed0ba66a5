"""Compare the speed of two commits in one run: ``python benchmarks/compare.py A [B]``.

A and B are commits, or ``.`` for the working tree, which is the default of B. Each commit runs in a
process of its own. The two processes take turns, so that other load affects both equally. The
benchmarks are those of the working tree.
"""

import argparse
import io
import os
import subprocess
import sys
import tarfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from environment import describe
from report import Table
from timing import ratio_of, time_of

ROOT = Path(__file__).resolve().parents[1]
WORKER = Path(__file__).with_name("worker.py")


def main(arguments: Sequence[str] | None = None) -> None:
    """Time the workloads with both commits, and print a table."""
    options = parse_arguments(arguments)
    print("\n".join(f"{name}: {value}" for name, value in describe().items()), end="\n\n")
    with ExitStack() as stack:
        workers = {
            commit: stack.enter_context(worker_of(commit)) for commit in (options.A, options.B)
        }
        table = Table(f"{options.A} and {options.B}", ["work", options.A, options.B, "ratio"])
        for name in options.only or names():
            samples = alternately(workers, name, options.rounds)
            ratio = ratio_of(samples, options.A, options.B)
            table.add(name, time_of(samples, options.A), time_of(samples, options.B), ratio)
            print(*(str(cell) for cell in table.rows[-1]), sep="  ", flush=True)
    print("\n" + table.as_text())


def parse_arguments(arguments):
    """Parse the command line."""
    parser = argparse.ArgumentParser(description="Compare the speed of two commits in one run.")
    parser.add_argument("A", help="commit, or . for the working tree")
    parser.add_argument("B", nargs="?", default=".", help="the same (default: the working tree)")
    parser.add_argument("--rounds", type=int, default=15, help="samples of each (default: 15)")
    parser.add_argument("--only", nargs="+", metavar="WORK", help="workloads (default: all)")
    options = parser.parse_args(arguments)
    if options.A == options.B:
        parser.error(f"A and B are both {options.A}; give two commits")
    return options


class Worker:
    """A process that times workloads with the package of one commit."""

    def __init__(self, process: subprocess.Popen):
        self._process = process

    def ask(self, *words: object) -> str:
        """Send a line, and return the answer.

        Raises RuntimeError if the process has ended, for example because the commit lacks a name
        that the workload needs.
        """
        self._process.stdin.write("\t".join(map(str, words)) + "\n")
        self._process.stdin.flush()
        answer = self._process.stdout.readline().strip()
        if not answer:
            raise RuntimeError(f"the process of a commit ended at {words}; see its error above")
        return answer


@contextmanager
def worker_of(commit: str) -> Iterator[Worker]:
    """Start a process with the package of a commit; it is ended on exit."""
    with TemporaryDirectory() as folder:
        tree = ROOT if commit == "." else extract(commit, Path(folder))
        environment = os.environ | {"PYTHONPATH": str(tree)}
        process = subprocess.Popen(
            [sys.executable, str(WORKER)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment, cwd=tree,
        )  # fmt: skip
        with process:
            worker = Worker(process)
            used = Path(worker.ask("package"))
            if used.resolve() != (tree / "skrnn").resolve():
                raise RuntimeError(f"{commit} would be timed with the package in {used}")
            yield worker
            process.stdin.close()


def extract(commit: str, folder: Path) -> Path:
    """Write the package of a commit into a folder, and return the folder."""
    archive = subprocess.run(
        ["git", "archive", commit, "skrnn"], cwd=ROOT, capture_output=True, check=True
    ).stdout
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        tar.extractall(folder, filter="data")
    return folder


def names() -> list[str]:
    """Return the names of all workloads."""
    from workloads import WORKLOADS

    return list(WORKLOADS)


def alternately(workers: dict[str, Worker], name: str, rounds: int) -> dict[str, np.ndarray]:
    """Time a workload in all processes by turns; returns the seconds per call of each round."""
    for worker in workers.values():
        worker.ask("prepare", name)
    samples: dict[str, list[float]] = {commit: [] for commit in workers}
    for index in range(rounds):
        for commit in list(workers)[:: -1 if index % 2 else 1]:
            samples[commit].append(float(workers[commit].ask("time")))
    return {commit: np.array(seconds) for commit, seconds in samples.items()}


if __name__ == "__main__":
    main()
