"""Files that hold nested dictionaries of arrays, and are whole at any moment."""

from __future__ import annotations

import contextlib
import glob
import hashlib
import io
import json
import os
import time
import uuid
from pathlib import Path
from typing import Any

import numpy as np

_DIGEST = 32  # bytes of SHA-256, which end the file
_STALE = 600  # seconds; a write takes less, so an older temporary file has nobody to finish it


def write(path: Path, content: dict[str, Any]) -> None:
    """Replace a file, which at any moment is the old one or the new one, and whole.

    `content` may hold dictionaries, arrays and what JSON has.
    """
    temporary = path.with_name(f".{path.name}.{uuid.uuid4().hex}.tmp")
    try:
        with open(temporary, "xb") as file:
            file.write(_encoded(content))
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(temporary)
        raise
    if hasattr(os, "O_DIRECTORY"):  # elsewhere, folders cannot be synchronised
        folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def sweep(path: Path) -> None:
    """Delete temporary files that a killed process left behind."""
    for name in path.parent.glob(f".{glob.escape(path.name)}.*.tmp"):
        with contextlib.suppress(FileNotFoundError):  # another process sweeps too
            if time.time() - name.stat().st_mtime > _STALE:
                name.unlink()


def read(path: Path) -> dict[str, Any] | None:
    """Read what `write` wrote; None if there is no such file."""
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return None
    if hashlib.sha256(data[:-_DIGEST]).digest() != data[-_DIGEST:]:
        raise ValueError(
            f"{path} is not a checkpoint, or was changed or damaged. Delete it, or give Checkpoint "
            "another path."
        )
    return _decoded(data)


def _encoded(content):
    """Put nested dictionaries into the bytes of an .npz file, with a digest at the end."""
    arrays: dict[str, np.ndarray] = {}

    def without_arrays(value, name):
        if isinstance(value, dict):
            return {k: without_arrays(v, f"{name}.{k}") for k, v in value.items()}
        if isinstance(value, np.ndarray | np.generic):  # a float32 compares otherwise than a float
            arrays[name[1:]] = np.asarray(value)
            return {"array": name[1:]}
        return value

    arrays["json"] = np.array(json.dumps(without_arrays(content, "")))
    file = io.BytesIO()
    np.savez(file, **arrays)  # type: ignore[arg-type]  # takes any names
    data = file.getvalue()
    return data + hashlib.sha256(data).digest()


def _decoded(data):
    """Get the nested dictionaries back; readers of .npz pass over the digest."""
    with np.load(io.BytesIO(data), allow_pickle=False) as file:
        tree = json.loads(file["json"].item())

        def with_arrays(value):
            if isinstance(value, dict):
                if value.keys() == {"array"}:
                    return file[value["array"]][()]
                return {k: with_arrays(v) for k, v in value.items()}
            return value

        return with_arrays(tree)
