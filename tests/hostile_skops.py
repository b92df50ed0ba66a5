"""Load forged files of skops in this process, and print what happened: ``hostile_skops.py 100``."""

import io
import json
import os
import sys
import warnings
import zipfile
from collections import Counter

import numpy as np
import skops.io
from hostile_files import VALUES, has, paths_of
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import skrnn

NAMES = [
    *(("os", "system"), ("builtins", "eval"), ("builtins", "exec"), ("subprocess", "Popen")),
    *(("posix", "system"), ("antigravity", "fly"), ("this", "s"), ("pickle", "loads")),
    *(("skrnn.callbacks", "Checkpoint"), ("skrnn", "load"), ("sklearn.utils", "os.system")),
    *(("operator", "methodcaller"), ("numpy", "load"), ("functools", "partial")),
]
LOADERS = [
    *("ObjectNode", "ReduceNode", "FunctionNode", "MethodNode", "PartialNode", "TypeNode"),
    *("OperatorFuncNode", "JsonNode", "NdArrayNode", "SparseMatrixNode", "LossNode", "TreeNode"),
]
# What running code, starting a process or a pickle would report to an audit hook.
FORBIDDEN = {"os.system", "subprocess.Popen", "os.exec", "os.posix_spawn", "pickle.find_class"}
FORBIDDEN |= {"socket.connect", "os.remove", "os.rename", "shutil.rmtree", "os.fork"}
MODULES = {"antigravity", "this"}
seen: list[str] = []
watching = False


def watch(event, args):
    """Record the forbidden events while a file is loaded."""
    writes = event == "open" and isinstance(args[1], str) and set(args[1]) & set("wax+")
    imports = event == "import" and args[0] in MODULES
    if watching and (event in FORBIDDEN or writes or imports):
        seen.append(f"{event} {args}")


def forged(rng, whole):
    """Change some parts of the schema: names of classes and loaders, and other values."""
    with zipfile.ZipFile(io.BytesIO(whole)) as file:
        members = {name: file.read(name) for name in file.namelist()}
    schema = json.loads(members["schema.json"])
    paths = [path for path in paths_of(schema) if path]
    named = [path[:-1] for path in paths if path[-1] == "__module__"]
    for _ in range(1 + rng.randint(3)):
        kind, node = rng.randint(4), schema
        path = named[rng.randint(len(named))] if kind < 3 else paths[rng.randint(len(paths))]
        for key in path if kind < 3 else path[:-1]:
            node = node[key] if has(node, key) else schema
        if kind == 3 and has(node, path[-1]):
            node[path[-1]] = VALUES[rng.randint(len(VALUES))]
        elif isinstance(node, dict) and kind:
            node["__module__"], node["__class__"] = NAMES[rng.randint(len(NAMES))]
        if isinstance(node, dict) and kind in (0, 1):
            node["__loader__"] = LOADERS[rng.randint(len(LOADERS))]
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as zipped:
        for name, data in members.items():
            zipped.writestr(name, json.dumps(schema) if name == "schema.json" else data)
    return file.getvalue()


def main(n):
    """Load `n` files, and print the counts of outcomes and the forbidden events."""
    global watching
    clf = skrnn.SequenceRNNClassifier(2, max_iter=2, solver=skrnn.Adam(), random_state=0)
    pipe = make_pipeline(skrnn.PerStep(StandardScaler()), clf)
    pipe.fit([[0, 1], [1], [0]], ["a", "b", "a"])
    whole = skops.io.dumps(pipe)
    trusted = skops.io.get_untrusted_types(data=whole)
    skops.io.loads(whole, trusted=trusted)  # imports what it needs
    rng, counts = np.random.RandomState(n), Counter()
    sys.addaudithook(watch)
    watching = True
    os.system("true")  # the hook records it
    control = list(seen)
    seen.clear()
    for _ in range(n):
        data = forged(rng, whole)
        watching = True
        try:
            skops.io.loads(data, trusted=trusted)
            counts["loaded"] += 1
        except Exception:  # skops raises many kinds
            counts["refused"] += 1
        watching = False
    print(json.dumps({"counts": counts, "control": control, "seen": seen}))


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    main(int(sys.argv[1]))
