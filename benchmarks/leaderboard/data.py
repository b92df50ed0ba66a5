"""A data set, how it is scored and split, and the data sets of skrnn and of installed packages.

The files of other packages are read without importing these packages.
"""

import csv
import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import cached_property
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from sklearn.metrics import accuracy_score, mean_squared_error, roc_auc_score
from sklearn.model_selection import GroupKFold, KFold, StratifiedKFold

from skrnn import Sequences
from skrnn.datasets import load_japanese_vowels
from skrnn.metrics import flat_accuracy_score

CLASSES, NUMBERS = "classes", "numbers"  # a target for each sequence
STEP_CLASSES, STEP_NUMBERS = "step classes", "step numbers"  # a target for each step
RARE = 0.25  # a rarer class of two is scored by the area under the ROC curve


@dataclass(frozen=True)
class DataSet:
    """Sequences with targets, in a training part and a test part.

    If the test part is empty, the set is scored by cross-validation with five folds. Numbers are
    in the order of time, if there is one. Sets with static columns are `Sequences`. `groups` are
    the groups of the training sequences that must not be separated by a split.
    """

    name: str
    kind: str
    X: object
    y: object
    X_test: object = field(default_factory=list)
    y_test: object = field(default_factory=list)
    groups: np.ndarray | None = None

    @cached_property
    def metric(self) -> str:
        """Name of the score."""
        if self.kind == NUMBERS:
            return "RMSE"
        if self.kind == STEP_NUMBERS:
            return "RMSE at the last step"
        if self.kind == CLASSES:
            frequencies = np.unique(self.y, return_counts=True)[1] / len(self.y)
            if len(frequencies) == 2 and frequencies.min() < RARE:
                return "AUROC"
        return "accuracy"

    @property
    def larger_is_better(self) -> bool:
        """Whether a larger score is better."""
        return not self.metric.startswith("RMSE")

    @cached_property
    def is_text(self) -> bool:
        """Whether the steps are texts."""
        return isinstance(self.X[0][0], str)

    @property
    def static(self) -> np.ndarray | None:
        """Static columns of the training part (n_sequences, n_columns), if there are any."""
        return self.X.static if isinstance(self.X, Sequences) else None

    @cached_property
    def missing(self) -> float:
        """Fraction of the values of steps that are missing in the training part."""
        return 0.0 if self.is_text else float(np.isnan(np.concatenate(list(self.X))).mean())

    @property
    def mostly_missing(self) -> bool:
        """Whether most values of steps are missing in the training part."""
        return self.missing > 0.5

    @cached_property
    def fingerprint(self) -> str:
        """Hash of the training part and of the size of the test part."""
        digest = hashlib.sha1(f"{self.kind} {len(self.X_test)}".encode())
        for part in (*self.X, *(() if self.static is None else self.static), *self.y):
            digest.update(str(part).encode() if self.is_text else np.asarray(part).tobytes())
        return digest.hexdigest()[:12]

    def training_part(self, at_most: int | None = None) -> "DataSet":
        """Return the set without test data, with evenly spaced sequences if it is larger."""
        part = replace(self, X_test=[], y_test=[])
        if at_most is None or len(self.X) <= at_most:
            return part
        chosen = np.linspace(0, len(self.X) - 1, at_most).astype(int)
        groups = None if self.groups is None else self.groups[chosen]
        return replace(part, X=take(self.X, chosen), y=take(self.y, chosen), groups=groups)

    def folds(self, n_folds: int) -> list[tuple["DataSet", object, object]]:
        """Split the training part; each fold is a training set, and sequences and targets to score.

        Folds are stratified by class, keep groups together, and are blocks in time for numbers.
        """
        y = self.y if self.kind == CLASSES else None
        splitter = KFold(n_folds)
        if self.groups is not None:
            splitter = GroupKFold(n_folds)
        elif self.kind == CLASSES:
            splitter = StratifiedKFold(n_folds, shuffle=True, random_state=0)
        splits = splitter.split(np.arange(len(self.X)), y, self.groups)
        return [
            (
                replace(self, X=take(self.X, train), y=take(self.y, train), groups=None),
                take(self.X, rest),
                take(self.y, rest),
            )
            for train, rest in splits
        ]

    def score(self, estimator, X, y) -> float:
        """Return the score of a fitted estimator."""
        if self.metric == "AUROC":
            return float(roc_auc_score(y, estimator.predict_proba(X)[:, 1]))
        predicted = estimator.predict(X)
        if self.kind == STEP_CLASSES:
            return float(flat_accuracy_score(y, predicted))
        if self.kind == CLASSES:
            return float(accuracy_score(y, predicted))
        if self.kind == STEP_NUMBERS:
            y, predicted = ([steps[-1] for steps in part] for part in (y, predicted))
        return float(np.sqrt(mean_squared_error(y, predicted)))


def take(items, indices):
    """Return some items of an array, of sequences or of a list."""
    return [items[i] for i in indices] if isinstance(items, list) else items[indices]


def ragged(sequences) -> np.ndarray:
    """Return an object array of sequences."""
    out = np.empty(len(sequences), dtype=object)
    out[:] = list(sequences)
    return out


def windows(series, length: int, n_train: int, name: str) -> DataSet:
    """Return windows of a series as sequences, with the next value of the series as target."""
    X = ragged([series[i : i + length, None] for i in range(len(series) - length)])
    y = np.asarray(series[length:])
    return DataSet(name, NUMBERS, X[:n_train], y[:n_train], X[n_train:], y[n_train:])


def files_of(package: str) -> Path | None:
    """Return the folder of an installed package, or None."""
    spec = find_spec(package)
    return Path(spec.submodule_search_locations[0]) if spec else None


def read_ts(path: Path, numbers: bool):
    """Read a file of aeon in the .ts format: channels separated by colons, then the target."""
    lines = path.read_text(encoding="utf-8").splitlines()
    start = next(i for i, line in enumerate(lines) if line.strip().lower() == "@data")
    X, y = [], []
    for line in filter(str.strip, lines[start + 1 :]):
        *channels, target = line.split(":")
        X.append(np.array([channel.split(",") for channel in channels], dtype=float).T)
        y.append(float(target) if numbers else target.strip())
    return ragged(X), np.array(y)


def from_aeon(folder: Path, name: str) -> DataSet:
    """Read one of the data sets in the wheel of aeon."""
    file, kind = AEON[name]
    parts = (
        read_ts(folder / "datasets" / "data" / file / f"{file}_{part}.ts", kind == NUMBERS)
        for part in ("TRAIN", "TEST")
    )
    (X, y), (X_test, y_test) = parts
    return DataSet(name, kind, X, y, X_test, y_test)


def watch(folder: Path, name: str) -> DataSet:
    """Read exercises with a smartwatch from seglearn: subjects 1 to 7 train, 8 to 10 test.

    The steps are means of two samples. The side of the watch is a static column.
    """
    data = np.load(folder / "data" / "watch_dataset.npy", allow_pickle=True).item()
    halves = [x[: len(x) // 2 * 2].reshape(-1, 2, x.shape[1]).mean(axis=1) for x in data["X"]]
    sides = np.asarray(data["side"], dtype=float)[:, None]
    X = Sequences(np.concatenate(halves), [len(x) for x in halves], static=sides)
    y, subjects = np.asarray(data["y"]), np.asarray(data["subject"])
    train = subjects <= 7
    return DataSet(name, CLASSES, X[train], y[train], X[~train], y[~train], subjects[train])


def sunspots(folder: Path, name: str) -> DataSet:
    """Read yearly sunspots from statsmodels: 30 years, then the next."""
    years = read_columns(folder / "datasets" / "sunspots" / "sunspots.csv")[:, 1]
    return windows(years, 30, 200, name)


def sea_temperature(folder: Path, name: str) -> DataSet:
    """Read monthly temperatures of the Pacific from statsmodels: 24 months, then the next."""
    months = read_columns(folder / "datasets" / "elnino" / "elnino.csv")[:, 1:].ravel()
    return windows(months, 24, 500, name)


def read_columns(path: Path) -> np.ndarray:
    """Read a table of numbers with a line of names."""
    with open(path, encoding="utf-8", newline="") as file:
        return np.array(list(csv.reader(file))[1:], dtype=float)


def vowels(folder: Path, name: str) -> DataSet:
    """Read the Japanese vowels from skrnn."""
    X, y = load_japanese_vowels(return_X_y=True)
    X_test, y_test = load_japanese_vowels(subset="test", return_X_y=True)
    return DataSet(name, CLASSES, ragged(X), y, ragged(X_test), y_test)


AEON = {
    "italy": ("ItalyPowerDemand", CLASSES),
    "gunpoint": ("GunPoint", CLASSES),
    "motions": ("BasicMotions", CLASSES),
    "arrowhead": ("ArrowHead", CLASSES),
    "pickup": ("PickupGestureWiimoteZ", CLASSES),
    "covid": ("Covid3Month", NUMBERS),
}
# Name of the set, the package whose files it is read from, and the function that reads it.
PACKAGED: dict[str, tuple[str, Callable[[Path, str], DataSet]]] = {
    "vowels": ("skrnn", vowels),
    **dict.fromkeys(AEON, ("aeon", from_aeon)),
    "watch": ("seglearn", watch),
    "sunspots-yearly": ("statsmodels", sunspots),
    "sea-temperature": ("statsmodels", sea_temperature),
}


def packaged(names=None) -> tuple[list[DataSet], dict[str, str]]:
    """Return the data sets of installed packages, and the packages that absent ones need."""
    found, absent = [], {}
    for name, (package, read) in PACKAGED.items():
        folder = files_of(package)
        if names is not None and name not in names:
            continue
        if folder is None:
            absent[name] = package
        else:
            found.append(read(folder, name))
    return found, absent
