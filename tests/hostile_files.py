"""Changed archives: damaged, and forged by someone who computes the digest again."""

import hashlib
import io
import json
import stat
import zipfile

import numpy as np

VALUES = [
    *(None, True, False, 0, 1, -1, 3, 2**31, 2**62, 2**70, 0.5, -1.0, 1e308, float("nan")),
    *(float("inf"), "", "x", "auto", "crf", "gru_d", "passthrough", "__class__", [], {}, [[]]),
    *({"array": 0}, {"array": 1}, {"array": 10**6}, {"array": "0"}, {"array": -1}),
    *({"tuple": []}, {"tuple": [1, 2]}, {"tuple": [10**9] * 3}, {"tuple": 3}, {"dict": []}),
    *({"dict": [["a", 1]]}, {"dict": [[[], 1]]}, {"dict": [1]}, {"bytes": {"array": 0}}),
    *({"scalar": 1}, {"scalar": {"array": 0}}, {"slice": [0, 1, 2]}, {"dtype": "O"}),
    *({"dtype": "x" * 99}, {"dtype": "f8,f8"}, {"type": "numpy.float64"}, {"type": "numpy.save"}),
    *({"type": "numpy.lib"}, {"function": "os.system"}, {"function": "sklearn.show_versions"}),
    {"function": "sklearn.feature_selection.f_classif"},
    *({"objects": {"shape": [2**40, 0], "values": []}}, {"objects": {"shape": [1], "values": []}}),
    {"objects": {"shape": [2], "values": ["a", None]}},
    {"random_state": {"bit_generator": "MT19937", "state": {"key": {"array": 0}, "pos": 10**6}}},
    *({"requests": {"fit": {"x": True}}}, {"requests": {"owner": {}}}, {"requests": 1}),
    *({"class": name, "state": {}} for name in ("os.system", "skrnn.os", "sklearn.svm.SVC", 3)),
    {"class": "skrnn.Adam", "state": {"_skrnn_format": 1}},
    {"class": "skrnn.Adam", "state": {"_skrnn_format": 1, "_optimizer": 3}},
    {"class": "skrnn.Adam", "state": {"_skrnn_format": 1, "beta_1": 2.0}},
    {"class": "skrnn.SequencePadder", "state": {"_skrnn_format": 7}},
    {"class": "skrnn.SequenceRNNClassifier", "state": {"_skrnn_format": 1, "n_iter_": 1}},
    {"class": "sklearn.preprocessing.StandardScaler", "state": {"transform": "x"}},
    {"class": "sklearn.preprocessing.StandardScaler", "state": {"n_features_in_": 2}},
    {"class": "sklearn.preprocessing.StandardScaler", "state": {"__class__": "x"}},
    {"class": "sklearn.pipeline.Pipeline", "state": {"steps": [1]}},
]


def signed(data):
    """Append the digest."""
    return data + hashlib.sha256(data).digest()


def header(shape, descr="<f8"):
    """Make the header of an .npy file."""
    file = io.BytesIO()
    fields = {"descr": descr, "fortran_order": False, "shape": shape}
    np.lib.format.write_array_header_1_0(file, fields)
    return file.getvalue()


def npy(array):
    """Make an .npy file."""
    file = io.BytesIO()
    np.save(file, array)
    return file.getvalue()


def members_of(data):
    """Read the members of an archive as bytes, by name."""
    with zipfile.ZipFile(io.BytesIO(data)) as file:
        return {name: file.read(name) for name in file.namelist()}


def archive(members, compression=zipfile.ZIP_STORED, attributes=0o600 << 16):
    """Make a signed archive of names and bytes; a name may occur twice."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as zipped:
        for name, data in members:
            info = zipfile.ZipInfo(name)
            info.external_attr, info.compress_type = attributes, compression
            zipped.writestr(info, data)
    return signed(file.getvalue())


def with_tree(members, tree):
    """Make an archive with another tree."""
    text = tree if isinstance(tree, bytes) else json.dumps(tree).encode()
    return archive({**members, "json.npy": npy(np.array(text))}.items())


# Each kind of change is a function of the random generator and of the whole file.


def _bytes_flipped(rng, whole):
    changed = bytearray(whole)
    for position in rng.randint(len(whole), size=rng.randint(1, 9)):
        changed[position] ^= 1 << rng.randint(8)
    return bytes(changed)


def _cut(rng, whole):
    start, stop = sorted(rng.randint(len(whole), size=2))
    choices = [whole[:start], whole[start:], whole[:start] + whole[stop:], whole + whole[:start]]
    return choices[rng.randint(4)]


def _flipped_and_signed(rng, whole):
    return signed(_bytes_flipped(rng, whole[:-32]))


def _cut_and_signed(rng, whole):
    return signed(_cut(rng, whole[:-32]))


def _member_flipped(rng, whole):
    """Flip bytes of a member, with the right checksum and digest."""
    members = members_of(whole)
    name = list(members)[rng.randint(len(members))]
    flipped = bytearray(members[name])
    size = len(flipped) if rng.randint(2) else min(len(flipped), 128)  # the header
    for position in rng.randint(size, size=rng.randint(1, 4)):
        flipped[position] ^= 1 << rng.randint(8)
    return archive({**members, name: bytes(flipped)}.items())


def _array_replaced(rng, whole):
    members = members_of(whole)
    names = [name for name in members if name != "json.npy"]
    if not names:
        return _tree_edited(rng, whole)
    name = names[rng.randint(len(names))]
    array = np.load(io.BytesIO(members[name]))
    number = array.dtype.kind in "iuf"
    choices = [
        *(header((2**35,)) + bytes(8), header((2**20, 2**20)), header((0, 2**50))),
        *(header((1,), "|O") + bytes(8), header((1,), "<f16") + bytes(16), header((1,), "<U9")),
        *(header((-1,)) + bytes(8), header((1,), "<M8[s]") + bytes(8), header((), "<c16")),
        *(npy(array[..., :-1] if array.ndim else array), npy(np.append(array, array))),
        *(npy(np.array(3)), npy(np.empty((0, 3))), npy(np.array(["a"])), npy(np.array([True]))),
        npy(array.astype(np.float32) if number else array),
        npy(np.full(array.shape, np.nan)),
        npy(np.full_like(array, 2 ** (8 * array.dtype.itemsize - 1) - 1) if number else array),
        npy(np.zeros_like(array)),
        npy(np.full(array.shape, 1e300)),
        npy(array.reshape(-1)),
        b"",
    ]
    return archive({**members, name: choices[rng.randint(len(choices))]}.items())


def _structure(rng, whole):
    """Change the names, kinds and number of members."""
    members = members_of(whole)
    items, i = list(members.items()), rng.randint(len(members))
    name, data = items[i]
    others = [item for item in items if item[0] != name]
    names = ["/etc/passwd", "../x.npy", "array0", "array00.npy", "ARRAY0.npy", "x/", "json.npy"]
    link = (stat.S_IFLNK | 0o777) << 16
    swollen = header((2**23,), "|u1") + bytes(2**23)
    choices = [
        lambda: archive(others),
        lambda: archive([*others, (names[rng.randint(len(names))], data)]),
        lambda: archive([*items, (name, data)]),
        lambda: archive([*items, ("extra.npy", data)]),
        lambda: archive(items, attributes=link),
        lambda: archive(items, attributes=stat.S_IFDIR << 16),
        lambda: archive(items, compression=zipfile.ZIP_DEFLATED),
        lambda: archive([*others, (name, swollen)], compression=zipfile.ZIP_DEFLATED),
        lambda: archive([*items, *((f"array{k}.npy", b"") for k in range(10**3, 10**3 + 99))]),
        lambda: signed(b"PK\x05\x06" + rng.bytes(18)),
        lambda: signed(bytes(rng.randint(99)) + whole[:-32]),
    ]
    return choices[rng.randint(len(choices))]()


def paths_of(tree, path=()):
    """List the places in a tree."""
    yield path
    keyed = dict(enumerate(tree)) if isinstance(tree, list) else tree
    for key, value in keyed.items() if isinstance(keyed, dict) else ():
        yield from paths_of(value, (*path, key))


def _tree_edited(rng, whole):
    """Replace, remove, rename or repeat parts of the tree."""
    members = members_of(whole)
    tree = json.loads(np.load(io.BytesIO(members["json.npy"])).item())
    paths = [path for path in paths_of(tree) if path]
    for path in (paths[rng.randint(len(paths))] for _ in range(1 + rng.randint(2))):
        node = tree
        for key in path[:-1]:
            node = node[key] if has(node, key) else tree
        key, kind = path[-1], rng.randint(8)
        if not has(node, key):
            continue  # the change before has removed it
        if kind == 0:
            del node[key]
        elif kind == 1 and isinstance(node, dict):
            node[("x", "__init__", "predict", "array", f"{key}_")[rng.randint(5)]] = node.pop(key)
        elif kind == 2 and isinstance(node, list):
            node.append(node[key])
        elif kind == 3:
            other = tree
            for step in paths[rng.randint(len(paths))]:
                other = other[step] if has(other, step) else other
            node[key] = json.loads(json.dumps(other))
        else:
            node[key] = VALUES[rng.randint(len(VALUES))]
    return with_tree(members, tree)


def has(node, key):
    if isinstance(node, dict):
        return key in node
    return isinstance(node, list) and isinstance(key, int) and key < len(node)


def _text_edited(rng, whole):
    """Make JSON that is malformed, deep, or has a name twice."""
    members = members_of(whole)
    text = np.load(io.BytesIO(members["json.npy"])).item()
    position = rng.randint(len(text))
    choices = [
        *(b"[" * 10**5, b'{"a":' * 10**4, text[:position], b"", b"1", b"\xff\xfe", b'"' * 9),
        text.replace(b'"format"', b'"kind": 1, "kind"'),
        text[:position] + b"[" * 500 + b"]" * 500 + text[position:],
        text[:position] + b"9" * 5000 + text[position:],
        text[:-1] + b', "kind": 0}',
        b"[" + b"[]," * 10**5 + b"[]]",
        text + b" {}",
    ]
    return with_tree(members, choices[rng.randint(len(choices))])


CHANGES = [
    *(_bytes_flipped, _cut, _flipped_and_signed, _cut_and_signed, _member_flipped),
    *(_array_replaced, _array_replaced, _structure, _text_edited, *[_tree_edited] * 6),
]


def changed_files(wholes, n, seed):
    """Yield `n` changed files, by turns of each of the files `wholes` and of each kind."""
    rng = np.random.RandomState(seed)
    for i in range(n):
        which = i // len(CHANGES) % len(wholes)
        yield which, CHANGES[i % len(CHANGES)](rng, wholes[which])
