"""Install a wheel or sdist into a new environment, and test it outside of the checkout.

Run as ``python install.py dist/skrnn-*.whl``. Everything is tested in processes of that
environment, with nothing on the path but what pip installed.
"""

import os
import statistics
import subprocess
import sys
import tempfile
import venv
from pathlib import Path

LIMIT = 0.1  # of the time of the import of scikit-learn, which that of skrnn may add
RUNS, TRIES = 7, 3

SMOKE = """
import socket, sys

def refuse(*args, **kwargs):
    raise AssertionError("a connection to the network was opened")

socket.socket.connect = socket.create_connection = socket.getaddrinfo = refuse
import skrnn
heavy = {"matplotlib", "pandas", "torch", "PIL", "rich", "onnx", "polars", "pyarrow", "dask"}
assert not heavy & set(sys.modules), heavy & set(sys.modules)
from skrnn.datasets import load_japanese_vowels, make_xor
X, y = load_japanese_vowels(return_X_y=True)
clf = skrnn.SequenceRNNClassifier(16, learning_rate="cosine", max_iter=10, random_state=0)
score = clf.fit(X, y).score(X, y)
assert score > 0.9, score
X, y = make_xor()
assert skrnn.XORMLPClassifier(random_state=0).fit(X, y).score(X, y) == 1
assert not heavy & set(sys.modules), heavy & set(sys.modules)
import importlib.metadata as metadata
extras = metadata.metadata("skrnn").get_all("Provides-Extra")
print("skrnn", skrnn.__version__, "vowels", round(score, 3), "extras", *extras)
"""

TIME = """
import time
start = time.process_time()  # of this process: others do not count
import sklearn.neural_network
middle = time.process_time()
import skrnn
print((time.process_time() - middle) / (middle - start))
"""


def run(python, *args):
    """Run Python outside of the checkout, isolated from the environment of the caller."""
    with tempfile.TemporaryDirectory() as elsewhere:
        command = [python, "-I", *args]
        done = subprocess.run(command, capture_output=True, text=True, cwd=elsewhere)
    if done.returncode:
        raise SystemExit(f"{' '.join(map(str, command))}\n{done.stdout}{done.stderr}")
    return done.stdout


def share_added(python):
    """Measure the median share that ``import skrnn`` adds to the time of scikit-learn's import."""
    run(python, "-c", TIME)  # compiles the modules, and fills the file cache
    return statistics.median(float(run(python, "-c", TIME)) for _ in range(RUNS))


# Every module can be imported without the optional libraries, and errors name existing extras.
OPTIONAL = """
import importlib.metadata as metadata, importlib.util, pkgutil, re
import skrnn

extras = set(metadata.metadata("skrnn").get_all("Provides-Extra"))
named = set()
for module in pkgutil.walk_packages(skrnn.__path__, "skrnn."):
    source = importlib.util.find_spec(module.name).loader.get_source(module.name)
    named |= set(re.findall(r"skrnn\\[(\\w+)\\]", source))
    importlib.import_module(module.name)  # none needs an optional library to be imported
assert named <= extras, named - extras
print("extras named in errors:", *sorted(named))
"""


def main(archive):
    with tempfile.TemporaryDirectory() as home:
        venv.create(home, with_pip=True)
        python = str(Path(home) / ("Scripts" if os.name == "nt" else "bin") / "python")
        pip = ["-m", "pip", "--disable-pip-version-check"]
        run(python, *pip, "install", "-q", str(Path(archive).resolve()))
        print(archive, f"{Path(archive).stat().st_size / 1024:.0f} KiB")
        print(run(python, *pip, "check").strip())
        print(run(python, "-c", SMOKE).strip())
        print(run(python, "-c", OPTIONAL).strip())
        for _ in range(TRIES):  # other processes may slow one down
            if (added := share_added(python)) < LIMIT:
                break
        print(f"import skrnn adds {added:.1%} to the time of import sklearn.neural_network")
        if added >= LIMIT:
            raise SystemExit(f"more than {LIMIT:.0%}")


if __name__ == "__main__":
    main(*sys.argv[1:])
