"""Data sets from a folder of the user.

Each file whose name ends as below is one data set, named as the file without its ending. Other
files are ignored. The training part comes first, in all formats.

``NAME.npz`` (sequences of numbers)
    ``values`` (n_steps_of_all, n_features)
        The steps of all sequences, one sequence after the other. NaN is a missing value.
    ``lengths`` (n_sequences,)
        Number of steps of each sequence.
    ``n_train``
        Number of training sequences. If it is the number of sequences, there is no test part, and
        the set is scored by cross-validation.
    ``y``
        Targets: integers or strings are classes, floating-point numbers are regressed. One target
        for each sequence (n_sequences,) or (n_sequences, n_targets), or one for each step
        (n_steps_of_all,). Regressed sequences are in the order of time, so that
        cross-validation leaves out blocks of time. Numbers for each step are scored at the last
        step of each sequence.
    ``static`` (n_sequences, n_columns), optional
        Numbers that do not change in a sequence. NaN is a missing value.
    ``groups`` (n_sequences,), optional
        Sequences of one group are never separated in cross-validation.

``NAME.csv.gz`` (texts, with a class each)
    A table with a line of names and three columns: ``part`` ("train" or "test"), the text, and its
    class. The characters of a text are the steps of its sequence.

``NAME.jsonl.gz`` (lists of words, with a class for each word)
    One JSON list a line: ``["train" or "test", [word, ...], [class, ...]]``.
"""

import csv
import gzip
import json
from pathlib import Path

import numpy as np

from benchmarks.leaderboard.data import (
    CLASSES,
    NUMBERS,
    STEP_CLASSES,
    STEP_NUMBERS,
    DataSet,
    ragged,
)
from skrnn import Sequences


def read_folder(folder: Path, names=None) -> list[DataSet]:
    """Read the data sets of a folder, or those of the given names."""
    readers = {".npz": read_numbers, ".csv.gz": read_texts, ".jsonl.gz": read_words}
    found = []
    for path in sorted(folder.iterdir()):
        for ending, read in readers.items():
            name = path.name.removesuffix(ending)
            if name != path.name and (names is None or name in names):
                found.append(read(path, name))
    return found


def read_numbers(path: Path, name: str) -> DataSet:
    """Read sequences of numbers."""
    with np.load(path) as file:
        data = {key: file[key] for key in file.files}
    lengths, n = data["lengths"], int(data["n_train"])
    ends, y = np.cumsum(lengths)[:-1], data["y"]
    if "static" in data:
        X = Sequences(data["values"], lengths, static=data["static"])
    else:
        X = ragged(np.split(data["values"], ends))
    numbers = np.issubdtype(y.dtype, np.floating)
    if len(y) == len(X):
        kind = NUMBERS if numbers else CLASSES
    else:
        kind, y = STEP_NUMBERS if numbers else STEP_CLASSES, ragged(np.split(y, ends))
    groups = data["groups"][:n] if "groups" in data else None
    return DataSet(name, kind, X[:n], y[:n], X[n:], y[n:], groups)


def read_texts(path: Path, name: str) -> DataSet:
    """Read texts with a class each."""
    with gzip.open(path, "rt", encoding="utf-8", newline="") as file:
        rows = list(csv.reader(file))[1:]
    parts = {part: [row for row in rows if row[0] == part] for part in ("train", "test")}
    X, X_test = ([list(row[1]) for row in part] for part in parts.values())
    y, y_test = (np.array([row[2] for row in part]) for part in parts.values())
    return DataSet(name, CLASSES, X, y, X_test, y_test)


def read_words(path: Path, name: str) -> DataSet:
    """Read lists of words with a class for each word."""
    with gzip.open(path, "rt", encoding="utf-8") as file:
        rows = [json.loads(line) for line in file]
    parts = {part: [row for row in rows if row[0] == part] for part in ("train", "test")}
    X, X_test = ([row[1] for row in part] for part in parts.values())
    y, y_test = ([row[2] for row in part] for part in parts.values())
    return DataSet(name, STEP_CLASSES, X, y, X_test, y_test)
