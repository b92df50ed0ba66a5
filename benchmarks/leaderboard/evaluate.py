"""Fit estimators on data sets and record their scores: on test parts, or on training parts only."""

import re
import sys
import warnings
from time import process_time

import numpy as np
from sklearn.exceptions import ConvergenceWarning

from benchmarks.leaderboard.data import DataSet
from benchmarks.leaderboard.entries import Entry
from benchmarks.leaderboard.networks import candidates_for, make_network
from benchmarks.leaderboard.record import Record, package

TEST, TUNE = "test", "training"  # the part of the data that a row of the record was scored on
N_FOLDS = 5  # of sets without a test part


def score_on_test(data: DataSet, entry: Entry, seed: int, record: Record) -> dict | None:
    """Score an estimator with one seed on the test part; returns the row if it is a new one.

    A row of the record is not measured again, so that an interrupted run can be continued.
    """
    if not entry.is_for(data) or (seed and not entry.random):
        return None
    key = {
        "part": TEST,
        "set": data.name,
        "data": data.fingerprint,
        "estimator": entry.name,
        "settings": text_of(entry.make(data, None)),
        "package": package() if entry.ours else "",
        "seed": seed,
    }
    known = record.get(key)
    if why := entry.why_not(data):
        return None if known or seed else record.add(key, metric=data.metric, skipped=why)
    if known and "score" in known:
        return None
    splits = [(data, data.X_test, data.y_test)] if len(data.X_test) else data.folds(N_FOLDS)
    return record.add(key, **measure(splits, lambda fold: entry.make(fold, seed)))


def score_candidate(
    data: DataSet, name: str, seed: int, n_folds: int, record: Record
) -> dict | None:
    """Score a candidate by cross-validation; returns the row if it is a new one.

    Raises ValueError if the data set has a test part, which candidates must not be chosen on.
    """
    if len(data.X_test):
        raise ValueError(f"{data.name} has a test part, but candidates are scored on training data")
    parameters = candidates_for(data.kind)[name]
    key = {
        "part": TUNE,
        "set": data.name,
        "data": f"{data.fingerprint}, {n_folds} folds",
        "estimator": name,
        "settings": text_of(make_network(data, **parameters)),
        "package": package(),
        "seed": seed,
    }
    known = record.get(key)
    if known and "score" in known:
        return None
    splits = data.folds(n_folds)
    return record.add(
        key, **measure(splits, lambda fold: make_network(fold, random_state=seed, **parameters))
    )


def measure(splits, make) -> dict:
    """Fit an estimator on each training set and score it; returns what the record keeps.

    The seconds are the processor time of one fit and its predictions, which other programs hardly
    change. An estimator that refuses the data gets no score.
    """
    scores, seconds = [], []
    for data, X, y in splits:
        estimator = make(data)
        start = process_time()
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", ConvergenceWarning)
                estimator.fit(data.X, data.y)
            scores.append(data.score(estimator, X, y))
        except (TypeError, ValueError) as error:
            return {"metric": data.metric, "skipped": f"{type(error).__name__}: {error}"}
        seconds.append(process_time() - start)
    return {
        "metric": data.metric,
        "score": float(np.mean(scores)),
        "scores": scores,
        "seconds": float(np.mean(seconds)),
        "sequences": len(splits[0][0].X),
    }


def text_of(estimator) -> str:
    """Return an estimator on one line, in full length, without addresses of functions."""
    text = estimator.__repr__(N_CHAR_MAX=sys.maxsize)
    return re.sub(r"<function (\S+) at 0x\w+>", r"\1", " ".join(text.split()))
