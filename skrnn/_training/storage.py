"""Files of nested dictionaries of arrays, which are complete at any moment."""

from __future__ import annotations

import contextlib
import glob
import os
import time
import uuid
from pathlib import Path
from typing import Any

from skrnn._archive import decode, encode

DAMAGED = (
    "is not a checkpoint, or was changed or damaged. Pass another path to Checkpoint, or delete "
    "the file if it is a damaged checkpoint."
)
_STALE = 600  # seconds; a write takes less, so the process of an older temporary file has ended


def write(path: Path, content: dict[str, Any]) -> None:
    """Replace a file; at any moment it is complete, either the old or the new one.

    `content` may hold dictionaries, arrays and what JSON can represent. An OSError is about the
    file, not about the temporary file that is written first.
    """
    data = encode(content)
    temporary = path.with_name(f".{path.name}.{uuid.uuid4().hex}.tmp")
    try:
        try:
            with open(temporary, "xb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            os.replace(temporary, path)
        finally:
            temporary.unlink(missing_ok=True)
    except OSError as error:  # whose message is about the temporary file
        raise OSError(error.errno, error.strerror, os.fspath(path)) from None
    if hasattr(os, "O_DIRECTORY"):  # elsewhere, folders cannot be synchronised
        folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def sweep(path: Path) -> None:
    """Delete temporary files that killed processes have left behind."""
    for name in path.parent.glob(f".{glob.escape(path.name)}.*.tmp"):
        with contextlib.suppress(FileNotFoundError):  # another process may delete it first
            if time.time() - name.stat().st_mtime > _STALE:
                name.unlink()


def read(path: Path) -> dict[str, Any] | None:
    """Read a file that `write` has written; returns None if it does not exist.

    The file may come from elsewhere: any content that cannot be read is a ValueError, and the
    memory that is used is bounded by the size of the file.
    """
    try:
        return decode(path.read_bytes())
    except FileNotFoundError:
        return None
    except ValueError as error:
        raise ValueError(f"{path} {DAMAGED}") from error
