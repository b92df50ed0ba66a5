"""Describe the environment of a benchmark, and import the libraries to compare with."""

import importlib
import importlib.util
import os
import platform
from collections.abc import Sequence
from importlib import metadata
from pathlib import Path
from types import ModuleType

LIBRARIES = ("skrnn", "numpy", "scipy", "scikit-learn", "torch", "skorch", "jax")


def peer(name: str) -> ModuleType | None:
    """Import a library to compare with; returns None if it is not installed."""
    return importlib.import_module(name) if importlib.util.find_spec(name) else None


def describe(libraries: Sequence[str] = LIBRARIES) -> dict[str, object]:
    """Return the machine, the load average and the versions of libraries."""
    return {
        "processor": _processor(),
        "cores": os.cpu_count(),
        "system": platform.platform(),
        "load average": load_average(),
        "Python": platform.python_version(),
        "libraries": ", ".join(f"{name} {_version(name)}" for name in libraries),
    }


def load_average() -> str:
    """Return the load averages over the last 1, 5 and 15 minutes, including the benchmark."""
    return ", ".join(f"{load:.2f}" for load in os.getloadavg())


def _version(name):
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return "not installed"


def _processor():
    info = Path("/proc/cpuinfo")
    lines = info.read_text(encoding="utf-8").splitlines() if info.exists() else []
    names = (line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.processor() or "unknown")
