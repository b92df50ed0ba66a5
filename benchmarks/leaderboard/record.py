"""A record of measured scores: one JSON object a line, appended as soon as it is measured."""

import json
import os
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

from benchmarks.environment import describe, load_average

ROOT = Path(__file__).resolve().parents[2]
LIBRARIES = ("skrnn", "numpy", "scipy", "scikit-learn", "torch", "aeon")
# What makes two measurements the same: a row with the same values is not measured again.
KEY = ("part", "set", "data", "estimator", "settings", "package", "seed")


class Record:
    """The rows of a file; later rows replace earlier rows with the same key."""

    def __init__(self, path: Path):
        self.path = path
        self._rows: dict[tuple, dict] = {}
        if path.exists():
            for line in path.read_text(encoding="utf-8").splitlines():
                self._keep(json.loads(line))

    @staticmethod
    def _key(row: dict) -> tuple:
        return tuple(row[name] for name in KEY)

    def _keep(self, row):
        self._rows.pop(self._key(row), None)  # so that the newest row is the last
        self._rows[self._key(row)] = row

    def __iter__(self) -> Iterator[dict]:
        return iter(self._rows.values())

    def get(self, key: dict) -> dict | None:
        """Return the row of a key, or None."""
        return self._rows.get(self._key(key))

    def add(self, key: dict, **values) -> dict:
        """Append a row, with the commit, the machine and the time."""
        row = key | values | {"commit": commit(), "machine": machine()}
        row |= {"load": load_average(), "time": datetime.now(UTC).isoformat(timespec="seconds")}
        self._keep(row)
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with open(self.path, "a", encoding="utf-8") as file:
            file.write(json.dumps(row, ensure_ascii=False) + "\n")
        return row


def git(*arguments: str) -> str:
    """Return the output of git, or an empty text without git or outside a repository."""
    try:
        done = subprocess.run(
            ["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=True
        )
    except (OSError, subprocess.CalledProcessError):
        return ""
    return done.stdout.strip()


@cache
def commit() -> str:
    """Return the commit that is checked out."""
    return git("rev-parse", "--short=12", "HEAD")


@cache
def package() -> str:
    """Return the hash of the code of skrnn, with "+" if it was changed since the commit."""
    return git("rev-parse", "--short=12", "HEAD:skrnn") + "+" * bool(
        git("status", "--porcelain", "skrnn")
    )


@cache
def machine() -> str:
    """Return the processor, the cores in use and the versions of libraries."""
    found = describe(LIBRARIES)
    threads = os.environ.get("OMP_NUM_THREADS", "all")
    return (
        f"{found['processor']}, {found['cores']} cores, OMP_NUM_THREADS={threads}, "
        f"Python {found['Python']}, {found['libraries']}"
    )
