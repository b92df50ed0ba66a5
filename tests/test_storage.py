"""Files of nested dictionaries of arrays: round trip, and files that another program has made."""

import hashlib
import io
import json
import stat
import zipfile

import numpy as np
import pytest

from skrnn._training.storage import read, write

CONTENT = {
    "numbers": {"float": 0.1, "none": None, "infinite": float("inf"), "list": [1, "two"]},
    "arrays": {
        "columns first": np.asfortranarray(np.arange(6.0).reshape(2, 3)),
        "empty": np.zeros((0, 2), np.float32),
        "scalar": np.float32(0.1),
        "text": np.array(["a", "ä"]),
        "flags": np.array([True, False]),
    },
}


def test_round_trip(tmp_path):
    path = tmp_path / "file"
    assert read(path) is None
    write(path, CONTENT)
    found = read(path)
    assert found["numbers"] == CONTENT["numbers"]
    assert found["arrays"].keys() == CONTENT["arrays"].keys()
    for name, expected in CONTENT["arrays"].items():
        assert found["arrays"][name].dtype == expected.dtype
        np.testing.assert_array_equal(found["arrays"][name], expected, strict=True)
    found["arrays"]["columns first"][0, 0] = 7  # the arrays are writeable
    assert [file.name for file in tmp_path.iterdir()] == ["file"]


def npy(array):
    file = io.BytesIO()
    np.save(file, array)
    return file.getvalue()


def header(shape, descr="<f8"):
    file = io.BytesIO()
    fields = {"descr": descr, "fortran_order": False, "shape": shape}
    np.lib.format.write_array_header_1_0(file, fields)
    return file.getvalue()


def archive(compression=zipfile.ZIP_STORED, **members):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", compression) as zipped:
        for name, data in members.items():
            zipped.writestr(f"{name}.npy", data)
    return file.getvalue()


def linked(name, data):
    """Make an archive of one symbolic link."""
    file, member = io.BytesIO(), zipfile.ZipInfo(name)
    member.external_attr = (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(file, "w") as zipped:
        zipped.writestr(member, data)
    return file.getvalue()


def encrypted(data):
    """Say in the entry of the only member that it is encrypted."""
    flags = data.index(b"PK\1\2") + 8
    return data[:flags] + b"\1" + data[flags + 1 :]


TREE = npy(np.array(json.dumps({"a": {"array": 0}}).encode()))
FORGED = {
    "nothing": b"",
    "text": b"hello",
    "one array": npy(np.arange(3)),
    "no tree": archive(array0=npy(np.arange(3))),
    "no array": archive(json=TREE),
    "tree of numbers": archive(json=npy(np.arange(3))),
    "deep tree": archive(json=npy(np.array("[" * 100_000))),
    "pickle": archive(json=TREE, array0=npy(np.array([{}], dtype=object))),
    "pointers": archive(json=TREE, array0=header((1,), "|O") + bytes(8)),
    "256 GiB": archive(json=TREE, array0=header((2**35,)) + bytes(8)),
    "too short": archive(json=TREE, array0=header((2,)) + bytes(8)),
    "another member": archive(json=TREE, array0=npy(np.arange(3)), other=npy(np.arange(3))),
    "absolute name": archive(**{"json": TREE, "/etc/array0": npy(np.arange(3))}),
    "empty but long": archive(json=TREE, array0=header((0, 2**40))),
    "numbers of 16 bytes": archive(json=TREE, array0=header((1,), "<f16") + bytes(16)),
    "no boolean": archive(json=TREE, array0=header((1,), "|b1") + b"\2"),
    "no character": archive(json=TREE, array0=header((1,), "<U1") + b"\xff" * 4),
    "name twice": archive(json=npy(np.array(b'{"a": 1, "a": 2}'))),
    "list": archive(json=npy(np.array(b"[]"))),
    "unknown array": archive(json=npy(np.array(b'{"a": {"array": 7}}'))),
    "array by name": archive(json=npy(np.array(b'{"a": {"array": "0"}}'))),
    "symbolic link": linked("json.npy", TREE),
    "encrypted": encrypted(archive(json=npy(np.array(b"{}")))),
    "negative": archive(json=TREE, array0=header((-1, -1)) + bytes(8)),
    "compressed": archive(zipfile.ZIP_DEFLATED, json=TREE, array0=header((2**20,)) + bytes(2**23)),
}


def test_members_twice_are_refused(tmp_path):
    content = npy(np.array(b"{}"))
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as zipped:
        zipped.writestr("json.npy", content)
        with pytest.warns(UserWarning, match="Duplicate name"):
            zipped.writestr("json.npy", content)
    data = file.getvalue()
    (tmp_path / "forged").write_bytes(data + hashlib.sha256(data).digest())
    with pytest.raises(ValueError, match="forged is not a checkpoint"):
        read(tmp_path / "forged")


@pytest.mark.parametrize("value", [range(2), np.array([{}]), np.zeros(1, complex)], ids=str)
def test_what_a_file_cannot_hold_is_refused(value, tmp_path):
    with pytest.raises(TypeError, match="A file of arrays cannot hold"):
        write(tmp_path / "file", {"a": value})
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", FORGED)
def test_forged_files_are_refused(name, tmp_path):
    path = tmp_path / "forged"
    path.write_bytes(FORGED[name] + hashlib.sha256(FORGED[name]).digest())
    with pytest.raises(ValueError, match=r"forged is not a checkpoint, or was changed or damaged"):
        read(path)


def test_every_flipped_byte_is_noticed(tmp_path):
    path = tmp_path / "file"
    write(path, {"weights": np.arange(3.0), "epoch": 3})
    whole = path.read_bytes()
    for i in range(len(whole)):
        path.write_bytes(whole[:i] + bytes([whole[i] ^ 0x55]) + whole[i + 1 :])
        with pytest.raises(ValueError, match=r"file is not a checkpoint, or was changed"):
            read(path)
