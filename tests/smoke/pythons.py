"""Find the other Pythons that the tests can run on.

``python pythons.py`` prints the versions found, without that of the Python that runs it, and on
stderr which versions are run and skipped. ``python pythons.py 3.12`` prints the path of that one.

The versions are those from requires-python of pyproject.toml up to `NEWEST`. Interpreters are
looked for on the PATH, beside the interpreter that runs this (where pyenv, uv, asdf and conda
install other versions) and in the folder of pyenv.
"""

import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2] / "pyproject.toml"
NEWEST = 14  # the minor version of the newest Python 3 that is released

# Fails where no virtual environment can be made, as on a Debian without python3-venv.
PROBE = "import ensurepip, sys, venv; print(sys.executable, *sys.version_info[:4], sep='\\n')"


def minors(project):
    """List the minor versions to run, from the floor of requires-python on."""
    (floor,) = re.fullmatch(r">=3\.(\d+)", project["requires-python"]).groups()
    return range(int(floor), NEWEST + 1)


def folders():
    """List the folders that may hold interpreters."""
    managed = [Path(sys.base_prefix).parent]
    managed.append(Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions")
    on_path = [Path(folder) for folder in os.get_exec_path()]
    return on_path + [folder for place in managed for folder in sorted(place.glob("*/bin"))]


def probe(path):
    """Get the patch version and the path of an interpreter; None if it is unusable."""
    try:
        command = [path, "-I", "-c", PROBE]
        done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
        executable, _, _, patch, level = done.stdout.splitlines()
    except (OSError, subprocess.SubprocessError, ValueError):
        return None
    return (int(patch), executable) if level == "final" else None


def find(minor):
    """Find the path of the newest usable interpreter of Python 3.`minor`; None if there is none."""
    names = {folder / f"python3.{minor}" for folder in folders()}
    found = [probe(path) for path in sorted(names) if path.is_file()]
    return max(filter(None, found), default=(0, None))[1]


def main(version=None):
    """Print what was found."""
    if version is not None:
        path = find(int(version.removeprefix("3.")))
        return path or sys.exit(f"Python {version} is not installed, or cannot make environments.")
    project = tomllib.loads(PROJECT.read_text(encoding="utf-8"))["project"]
    found = []
    for minor in minors(project):
        name = f"3.{minor}"
        if minor == sys.version_info.minor:
            print(f"Python {name}: skipped, as `make test` runs everything on it", file=sys.stderr)
        elif path := find(minor):
            print(f"Python {name}: {path}", file=sys.stderr)
            found.append(name)
        else:
            print(f"Python {name}: skipped, as none was found", file=sys.stderr)
    return "\n".join(found)


if __name__ == "__main__":
    print(main(*sys.argv[1:]))
