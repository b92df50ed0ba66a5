"""Print pins of the oldest versions that pyproject.toml allows, as constraints for pip."""

import tomllib
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2] / "pyproject.toml"


def floors(project):
    """Pin each run-time dependency to its lower bound: ``==2.0`` means 2.0.0, not a later patch."""
    return [requirement.replace(">=", "==") for requirement in project["dependencies"]]


if __name__ == "__main__":
    print("\n".join(floors(tomllib.loads(PROJECT.read_text(encoding="utf-8"))["project"])))
