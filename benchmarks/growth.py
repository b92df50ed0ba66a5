"""Benchmark of the growth of time and memory, of import times and of installed sizes."""

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
CLASSES, SEQUENCES = (10, 1_000, 10_000), (1_000, 10_000, 100_000)
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
    """Run all benchmarks of this module."""
    return [growth_of_fit(quick), growth_of_classes(quick), import_times(quick), install_sizes()]


def growth_of_fit(quick):
    """Measure time and memory of a fit while one size increases."""
    table = Table(
        f"Growth of a fit: GRU, {EPOCHS} epochs, {FEATURES} features, float32",
        ["varied size", *BASE, "time", "order in time", "peak memory", "memory / data"],
        note="The lengths of the sequences are 0.5 to 1.5 times the number of steps. The order is "
        "the exponent of the growth in time compared with the row above: 1 is linear. Peak memory "
        "is the memory allocated by the fit, in addition to the data.",
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
    """Return the time of a fit (minimum of `rounds`), its peak memory and the data size."""
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


def growth_of_classes(quick):
    """Measure time and memory of a fit while the number of classes and of sequences increases."""
    table = Table(
        "Growth with the classes: GRU, 1 epoch, 3 steps, float32",
        ["sequences", "classes", "time", "peak memory", "outputs", "memory / outputs"],
        note="Sequences of 3 steps of 2 features, networks of 8 units, batches of 32. Peak memory "
        "is the memory allocated by the fit, in addition to the data. The outputs are the size of "
        "an array of all sequences and all classes.",
    )
    rng = np.random.default_rng(0)
    for n_sequences in SEQUENCES[:1] if quick else SEQUENCES:
        X = list(rng.standard_normal((n_sequences, 3, 2), dtype=np.float32))
        for n_classes in CLASSES:
            if n_classes > n_sequences:
                continue
            y = np.arange(n_sequences) % n_classes
            clf = SequenceRNNClassifier(8, max_iter=1, batch_size=32, random_state=0)
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                seconds = seconds_of(partial(clf.fit, X, y))
                memory = peak_memory(partial(clf.fit, X, y))
            outputs = n_sequences * n_classes * X[0].itemsize
            table.add(
                str(n_sequences),
                str(n_classes),
                Figure(seconds, "s"),
                Figure(memory, "bytes"),
                Figure(outputs, "bytes"),
                Figure(memory / outputs, "times"),
            )
    return table


def seconds_of(call):
    """Time one call."""
    start = perf_counter()
    call()
    return perf_counter() - start


def peak_memory(call):
    """Return the peak memory allocated by a call in bytes, including NumPy arrays."""
    tracemalloc.start()
    try:
        call()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def import_times(quick):
    """Measure the time of each import in a new process."""
    table = Table(
        "Import",
        ["what", "statement", "time", "time / scikit-learn"],
        note="The time includes the start and end of a Python process. Modules are compiled "
        "beforehand.",
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
    """Measure the size of each library, without its dependencies."""
    table = Table(
        "Installed size",
        ["what", "size"],
        note="Size of the packages and of their shared libraries, without bytecode caches. skrnn "
        "also needs the packages of the second row, which every user of scikit-learn has.",
    )
    for what, packages in PACKAGES.items():
        if all(find_spec(package) for package in packages):
            size = sum(map(size_of_package, packages))
            table.add(what, Figure(size, "bytes"))
        else:
            table.add(what, NOT_INSTALLED)
    return table


def size_of_package(name):
    """Return the size of a package and of the folder ``name.libs`` of its wheel."""
    folder = Path(find_spec(name).origin).parent
    wheel_name = {"sklearn": "scikit_learn"}.get(name, name)
    folders = [folder, folder.parent / f"{wheel_name}.libs"]
    files = (path for place in folders for path in place.rglob("*"))
    return sum(path.stat().st_size for path in files if path.is_file() and path.suffix != ".pyc")
