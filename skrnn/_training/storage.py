"""Files of nested dictionaries of arrays, which are complete at any moment."""

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
from zipfile import ZIP_STORED, ZipFile

import numpy as np

_DIGEST = 32  # bytes of SHA-256 at the end of the file; the CRC of zip leaves its headers out
_STALE = 600  # seconds; a write takes less, so the process of an older temporary file has ended


def write(path: Path, content: dict[str, Any]) -> None:
    """Replace a file; at any moment it is complete, either the old or the new one.

    `content` may hold dictionaries, arrays and what JSON can represent.
    """
    temporary = path.with_name(f".{path.name}.{uuid.uuid4().hex}.tmp")
    try:
        with open(temporary, "xb") as file:
            file.write(_encoded(content))
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)
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
        data = path.read_bytes()
    except FileNotFoundError:
        return None
    try:
        if hashlib.sha256(data[:-_DIGEST]).digest() != data[-_DIGEST:]:
            raise ValueError("The digest at the end does not match the content.")
        return _decoded(data)
    except Exception as error:
        raise ValueError(
            f"{path} is not a checkpoint, or was changed or damaged. Delete it, or pass another "
            "path to Checkpoint."
        ) from error


def _encoded(content):
    """Convert nested dictionaries to the bytes of an .npz file, followed by a digest."""
    arrays: dict[str, np.ndarray] = {}

    def store(value):
        if not isinstance(value, np.ndarray | np.generic):
            raise TypeError(f"A checkpoint cannot hold {value!r}.")
        name = f"array{len(arrays)}"
        arrays[name] = np.asarray(value)
        return {"array": name}

    arrays["json"] = np.array(json.dumps(content, default=store))
    file = io.BytesIO()
    np.savez(file, **arrays)  # type: ignore[arg-type]  # takes any names
    data = file.getvalue()
    return data + hashlib.sha256(data).digest()


def _decoded(data):
    """Convert the bytes back to nested dictionaries."""
    with ZipFile(io.BytesIO(data)) as file:
        members = file.infolist()
        size = sum(member.file_size for member in members)
        if size > len(data) or any(member.compress_type != ZIP_STORED for member in members):
            raise ValueError("Compressed or overlapping arrays are not supported.")
        arrays = {member.filename: _array(file.read(member)) for member in members}

    def restore(value):
        return arrays[f"{value['array']}.npy"][()] if value.keys() == {"array"} else value

    return json.loads(arrays["json.npy"].item(), object_hook=restore)


def _array(data):
    """Read an .npy file. `numpy.load` would allocate what the header claims, whatever follows."""
    file = io.BytesIO(data)
    np.lib.format.read_magic(file)
    shape, is_fortran, dtype = np.lib.format.read_array_header_1_0(file)
    flat = np.frombuffer(data, dtype, offset=file.tell())
    return flat.reshape(shape, order="F" if is_fortran else "C").copy()
