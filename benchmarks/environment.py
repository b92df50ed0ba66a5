"""What the figures were taken on: machine, load and versions; and which peers are there."""

import importlib
import importlib.util
import os
import platform
from importlib import metadata
from pathlib import Path
from types import ModuleType

LIBRARIES = ("skrnn", "numpy", "scipy", "scikit-learn", "torch", "skorch", "jax")


def peer(name: str) -> ModuleType | None:
    """Import a library to compare with, or None where it is not installed."""
    return importlib.import_module(name) if importlib.util.find_spec(name) else None


def describe() -> dict[str, object]:
    """Machine, load average of the last minutes, and versions."""
    return {
        "processor": _processor(),
        "cores": os.cpu_count(),
        "system": platform.platform(),
        "load average": load_average(),
        "Python": platform.python_version(),
        "libraries": ", ".join(f"{name} {_version(name)}" for name in LIBRARIES),
    }


def load_average() -> str:
    """Processes that were running in the last 1, 5 and 15 minutes, these timings included."""
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
