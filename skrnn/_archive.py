"""Archives of arrays and JSON, which NumPy reads too, and which hold nothing else.

An archive is an uncompressed .npz file, followed by the SHA-256 of all its bytes. The arrays are
``array0.npy``, ``array1.npy`` and so on. ``json.npy`` is a tree in JSON, in which ``{"array": 0}``
stands for ``array0``. The reader checks every size against the bytes that are there before it
allocates memory, so an archive of any content needs memory in proportion to its own size.
"""

from __future__ import annotations

import hashlib
import io
import json
import math
import re
import stat
import struct
from typing import TYPE_CHECKING, Any
from zipfile import ZIP_STORED, BadZipFile, ZipFile, ZipInfo

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator

MAX_DEPTH = 100  # of the tree
_MAX_MEMBERS = 2**16
_MAX_AXES = 32
_MAX_EMPTY = 2**31  # product of the other axes of an array that has an axis of length 0
_ZIP_HEADER = 30  # bytes before the name of the first member
_DIGEST = 32  # bytes of SHA-256 at the end; the CRC of zip leaves its headers out

_HEADER = re.compile(
    rb"\{'descr': '([<>|][biufSU][1-9][0-9]{0,9})', 'fortran_order': (False|True), "
    rb"'shape': \(((?:[0-9]{1,18}, ?)*(?:[0-9]{1,18})?)\), \} *\n"
)
_TEXT_IN_JSON = re.compile(rb'"(?:[^"\\]|\\.)*"', re.DOTALL)
_SIZES = {"b": {1}, "i": {1, 2, 4, 8}, "u": {1, 2, 4, 8}, "f": {2, 4, 8}}
_LAST_CHARACTER = 0x10FFFF
# What the standard library raises for malformed archives and JSON.
_MALFORMED = (
    *(BadZipFile, struct.error, EOFError),
    *(ValueError, KeyError, IndexError, OverflowError, NotImplementedError, RuntimeError),
)


# Write -----------------------------------------------------------------------------------


def encode(content: dict[str, Any]) -> bytes:
    """Convert nested dictionaries and lists to an archive.

    Parameters
    ----------
    content : dict
        May hold dictionaries, lists, arrays, NumPy's scalars and what JSON can represent.

    Returns
    -------
    data : bytes
        The archive.

    Raises
    ------
    TypeError
        If `content` holds anything else.

    ValueError
        If it is deeper, or has more arrays, than `decode` reads.
    """
    arrays: dict[str, np.ndarray] = {}

    def store(value: Any) -> dict[str, int]:
        array = np.asarray(value) if isinstance(value, np.ndarray | np.generic) else None
        if array is None or not is_plain(array.dtype):
            raise TypeError(f"A file of arrays cannot hold {value!r}.")
        arrays[f"array{len(arrays)}"] = array
        return {"array": len(arrays) - 1}

    tree = json.dumps(content, default=store).encode()
    if _depth(tree) > MAX_DEPTH or len(arrays) >= _MAX_MEMBERS:
        raise ValueError(
            f"The content has more than {MAX_DEPTH} levels or {_MAX_MEMBERS - 1} arrays."
        )
    file = io.BytesIO()
    np.savez(file, json=np.array(tree), **arrays)  # type: ignore[arg-type]
    data = file.getvalue()
    return data + hashlib.sha256(data).digest()


def is_plain(dtype: np.dtype) -> bool:
    """Whether the values are numbers, booleans or text of a size that every machine reads."""
    return dtype.itemsize > 0 and dtype.itemsize in _SIZES.get(
        dtype.kind, {dtype.itemsize} if dtype.kind in "SU" else ()
    )


# Read ------------------------------------------------------------------------------------


def is_archive(data: bytes) -> bool:
    """Whether data begin as `encode` begins: with the zip header of the tree."""
    return data.startswith(b"PK\x03\x04") and data.startswith(b"json.npy", _ZIP_HEADER)


def decode(data: bytes) -> dict[str, Any]:
    """Convert an archive back to nested dictionaries and lists.

    Parameters
    ----------
    data : bytes
        The archive. It may come from anywhere.

    Returns
    -------
    content : dict
        The content, in which tuples are lists.

    Raises
    ------
    ValueError
        If it is no archive, was changed, or holds what `encode` does not write. The message says
        what is wrong.
    """
    if hashlib.sha256(data[:-_DIGEST]).digest() != data[-_DIGEST:]:
        raise ValueError("The digest at the end does not match the content.")
    try:
        arrays = {name: _array(member) for name, member in _members(data[:-_DIGEST])}
        tree = arrays.pop("json.npy")
        if tree.ndim or tree.dtype.kind not in "SU":
            raise ValueError("The tree is not a text.")
        content = _tree(tree.item(), arrays)
    except _MALFORMED as error:
        raise ValueError(str(error) or type(error).__name__) from error
    if type(content) is not dict:
        raise ValueError("The tree is not a dictionary.")
    return content


def _members(data: bytes) -> Iterator[tuple[str, bytes]]:
    """Yield name and bytes of each member, once all of them are known to be as `encode` writes."""
    if data.count(b"PK\x01\x02") > _MAX_MEMBERS:  # entries, each of which takes memory
        raise ValueError(f"The archive has more than {_MAX_MEMBERS} members.")
    with ZipFile(io.BytesIO(data)) as file:
        members = file.infolist()
        names = [member.filename for member in members]
        expected = {"json.npy", *(f"array{i}.npy" for i in range(len(members) - 1))}
        if len(names) != len(expected) or set(names) != expected:
            raise ValueError("Arrays are missing, or the archive has other members.")
        if not all(map(_is_stored, members)) or sum(m.file_size for m in members) > len(data):
            raise ValueError("Compressed, encrypted or overlapping members are not supported.")
        for member in members:
            yield member.filename, file.read(member)


def _is_stored(member: ZipInfo) -> bool:
    """Whether a member is a regular file whose bytes are in the archive as they are."""
    kind = stat.S_IFMT(member.external_attr >> 16)
    is_stored = member.compress_type == ZIP_STORED and member.compress_size == member.file_size
    return is_stored and not member.flag_bits & 0x1 and kind in (0, stat.S_IFREG)


def _array(data: bytes) -> np.ndarray:
    """Read an .npy file. `numpy.load` would allocate what the header claims, whatever follows."""
    start = 10 + int.from_bytes(data[8:10], "little")
    found = _HEADER.fullmatch(data[10:start])
    if data[:8] != b"\x93NUMPY\x01\x00" or found is None:
        raise ValueError("An array has a header that is not supported.")
    descr, is_fortran = found[1].decode(), found[2] == b"True"
    shape = tuple(int(n) for n in found[3].split(b",") if n.strip())
    if int(descr[2:]) not in _SIZES.get(descr[1], {int(descr[2:])}) or len(shape) > _MAX_AXES:
        raise ValueError("An array has a type that is not supported.")
    dtype = np.dtype(descr)
    if math.prod(shape) * dtype.itemsize != len(data) - start:
        raise ValueError("An array has another size than its header says.")
    if 0 in shape and math.prod(n or 1 for n in shape) > _MAX_EMPTY:
        raise ValueError("An empty array has axes that are too long.")
    flat = np.frombuffer(data, dtype, offset=start) if 0 not in shape else np.empty(0, dtype)
    if dtype.kind == "b" and flat.view(np.uint8).max(initial=0) > 1:
        raise ValueError("An array of booleans holds other values.")
    codes = flat.view(dtype.str[0] + "u4") if dtype.kind == "U" else flat[:0]
    if codes.size and codes.max() > _LAST_CHARACTER:
        raise ValueError("A text holds a character that does not exist.")
    return flat.reshape(shape, order="F" if is_fortran else "C").copy(order="K")


def _tree(text: str | bytes, arrays: dict[str, np.ndarray]) -> Any:
    """Read JSON, in which references are replaced by their arrays."""
    text = text.encode() if isinstance(text, str) else text
    if _depth(text) > MAX_DEPTH:
        raise ValueError(f"The tree is deeper than {MAX_DEPTH} levels.")

    def restore(pairs: list[tuple[str, Any]]) -> Any:
        found = dict(pairs)
        if len(found) < len(pairs):
            raise ValueError("The tree has a name twice.")
        if found.keys() != {"array"}:
            return found
        if type(found["array"]) is not int:
            raise ValueError("A reference to an array is not a number.")
        return arrays[f"array{found['array']}.npy"][()]

    return json.loads(text, object_pairs_hook=restore)


def _depth(text: bytes) -> int:
    """Compute the depth of JSON before it is parsed, which takes a call for each level."""
    characters = np.frombuffer(_TEXT_IN_JSON.sub(b"", text), np.uint8)
    opened, closed = (np.isin(characters, list(both)) for both in (b"[{", b"]}"))
    return int((opened.astype(int) - closed).cumsum().max(initial=0))
