"""Files of nested dictionaries of arrays: round trip, and files that another program has made."""

import hashlib
import io
import json
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


TREE = npy(np.array(json.dumps({"a": {"array": "a"}})))
FORGED = {
    "nothing": b"",
    "text": b"hello",
    "one array": npy(np.arange(3)),
    "no tree": archive(a=npy(np.arange(3))),
    "no array": archive(json=TREE),
    "tree of numbers": archive(json=npy(np.arange(3))),
    "deep tree": archive(json=npy(np.array("[" * 100_000))),
    "pickle": archive(json=TREE, a=npy(np.array([{}], dtype=object))),
    "pointers": archive(json=TREE, a=header((1,), "|O") + bytes(8)),
    "256 GiB": archive(json=TREE, a=header((2**35,)) + bytes(8)),
    "too short": archive(json=TREE, a=header((2,)) + bytes(8)),
    "negative": archive(json=TREE, a=header((-1, -1)) + bytes(8)),
    "compressed": archive(zipfile.ZIP_DEFLATED, json=TREE, a=header((2**20,)) + bytes(2**23)),
}


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
