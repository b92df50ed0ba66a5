"""How time and memory of a fit grow with the data, and what an import and an install cost."""

import os
import subprocess
import sys
import tracemalloc
import warnings
from functools import partial
from importlib.util import find_spec
from math import log
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter

import numpy as np
from report import NOT_INSTALLED, Figure, Table
from sklearn.exceptions import ConvergenceWarning
from timing import alternately, ratio_of, time_of

from skrnn import SequenceRNNClassifier

BASE = {"sequences": 256, "steps": 50, "units": 32}
GROWING = {
    "sequences": (256, 1024, 4096),
    "steps": (50, 200, 800),
    "units": (32, 128, 512),
}
FEATURES, EPOCHS = 8, 2
IMPORTS = {  # name of the row: the statement
    "Python alone": "pass",
    "scikit-learn": "import sklearn.neural_network",
    "skrnn": "import skrnn",
    "PyTorch": "import torch",
    "JAX": "import jax",
}
PACKAGES = {
    "skrnn": ["skrnn"],
    "NumPy, SciPy and scikit-learn": ["numpy", "scipy", "sklearn"],
    "PyTorch": ["torch"],
    "JAX": ["jax", "jaxlib"],
}


def run(quick: bool = False) -> list[Table]:
    """Measure the growth of a fit, imports and sizes."""
    return [growth_of_fit(quick), import_times(quick), install_sizes()]


def growth_of_fit(quick):
    """Let one size grow at a time."""
    table = Table(
        f"Growth of a fit: GRU, {EPOCHS} epochs, {FEATURES} features, float32",
        ["what grows", *BASE, "time", "order in time", "peak memory", "memory / data"],
        note="Sequences of half to one and a half times the number of steps. The order is the "
        "exponent of growth since the row above: 1 is linear. Peak memory is what the fit "
        "allocates beyond the data.",
    )
    for name, values in GROWING.items():
        previous = None
        for value in values[:2] if quick else values:
            size = BASE | {name: value}
            seconds, memory, data = measure(size, rounds=1 if quick else 3)
            order = ""
            if previous:
                order = Figure(log(seconds / previous[1]) / log(value / previous[0]))
            previous = value, seconds
            table.add(
                name,
                *(str(size[key]) for key in BASE),
                Figure(seconds, "s"),
                order,
                Figure(memory, "bytes"),
                Figure(memory / data, "times"),
            )
    return table


def measure(size, rounds):
    """Seconds of a fit (the least of `rounds`), its peak memory, and the size of the data."""
    rng = np.random.default_rng(0)
    steps = size["steps"]
    lengths = rng.integers(steps // 2, steps + steps // 2, size["sequences"], endpoint=True)
    X = [rng.standard_normal((length, FEATURES), dtype=np.float32) for length in lengths]
    y = np.arange(len(X)) % 3
    clf = SequenceRNNClassifier(size["units"], max_iter=EPOCHS, random_state=0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        seconds = min(seconds_of(partial(clf.fit, X, y)) for _ in range(rounds))
        memory = peak_memory(partial(clf.fit, X, y))
    return seconds, memory, sum(sequence.nbytes for sequence in X)


def seconds_of(call):
    """Time one call."""
    start = perf_counter()
    call()
    return perf_counter() - start


def peak_memory(call):
    """Bytes that a call allocates at its peak; arrays of NumPy count."""
    tracemalloc.start()
    try:
        call()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def import_times(quick):
    """Each in a process of its own."""
    table = Table(
        "Import",
        ["what", "statement", "time", "time / scikit-learn"],
        note="Start and end of a Python process included, modules compiled beforehand.",
    )
    with TemporaryDirectory() as cache:
        environment = os.environ | {"PYTHONPYCACHEPREFIX": cache, "PYTHONDONTWRITEBYTECODE": ""}
        calls = {
            name: partial(
                subprocess.run, [sys.executable, "-c", statement], env=environment, check=True
            )
            for name, statement in IMPORTS.items()
            if name == "Python alone" or find_spec(statement.split()[1].split(".")[0])
        }
        samples = alternately(calls, rounds=2 if quick else 11)
    for name, statement in IMPORTS.items():
        ratio = ratio_of(samples, name, "scikit-learn")
        table.add(name, f"`{statement}`", time_of(samples, name), ratio)
    return table


def install_sizes():
    """Files of each library, without those it depends on."""
    table = Table(
        "Installed size",
        ["what", "size"],
        note="Packages and the shared libraries beside them, without bytecode caches. skrnn "
        "needs the second row too, and so does whoever uses scikit-learn.",
    )
    for what, packages in PACKAGES.items():
        if all(find_spec(package) for package in packages):
            size = sum(map(size_of_package, packages))
            table.add(what, Figure(size, "bytes"))
        else:
            table.add(what, NOT_INSTALLED)
    return table


def size_of_package(name):
    """Sum up the files of a package, and of the folder ``name.libs`` that wheels bring."""
    folder = Path(find_spec(name).origin).parent
    wheel_name = {"sklearn": "scikit_learn"}.get(name, name)
    folders = [folder, folder.parent / f"{wheel_name}.libs"]
    files = (path for place in folders for path in place.rglob("*"))
    return sum(path.stat().st_size for path in files if path.is_file() and path.suffix != ".pyc")
