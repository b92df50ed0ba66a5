"""The command line of the leaderboard."""

import argparse
from collections.abc import Sequence
from itertools import product
from pathlib import Path

from threadpoolctl import threadpool_limits

from benchmarks.leaderboard.data import PACKAGED, DataSet, packaged
from benchmarks.leaderboard.entries import ENTRIES
from benchmarks.leaderboard.evaluate import TEST, score_candidate, score_on_test
from benchmarks.leaderboard.folder import read_folder
from benchmarks.leaderboard.networks import (
    CANDIDATES,
    FRAMES,
    N_MEMBERS,
    RECOMMENDED,
    candidates_for,
)
from benchmarks.leaderboard.prepare import GAPS, TAGS
from benchmarks.leaderboard.record import ROOT, Record
from benchmarks.leaderboard.report import page, score_tables, skipped, tuning_tables

RECORD = ROOT / "benchmarks" / "leaderboard.jsonl"
PAGE = ROOT / "docs" / "leaderboard.md"


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure what the record lacks, and print the tables."""
    options = parse_arguments(arguments)
    sets, absent = find_sets(options)
    record = Record(options.record)
    with threadpool_limits(1):
        if options.tune:
            tune(sets, options, record)
            tables = tuning_tables(record, [data.training_part(options.at_most) for data in sets])
        else:
            compare(sets, options, record)
            tables = score_tables(record, sets)
    lines = [] if options.tune else skipped(record, sets, absent)
    print("\n".join([*(table.as_text() for table in tables), *lines]))
    if options.markdown and not options.tune:
        shown = {data.name for data in sets}
        rows = [row for row in record if row["part"] == TEST and row["set"] in shown]
        machines = list(dict.fromkeys(f"{row['machine']}, commit {row['commit']}" for row in rows))
        text = page(tables, lines, machines, recommended_as_text())
        options.markdown.write_text(text, encoding="utf-8")


def parse_arguments(arguments):
    """Parse the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.leaderboard",
        description="Score skrnn and other methods on real data. Results are appended to a record; "
        "what is in the record is not measured again.",
    )
    parser.add_argument(
        "--data",
        type=Path,
        help="folder of data sets; see benchmarks/leaderboard/folder.py",
    )
    parser.add_argument("--seeds", type=int, default=5, help="number of seeds (default: 5)")
    parser.add_argument(
        "--only",
        nargs="+",
        default=(),
        metavar="NAME",
        help="sets, estimators or candidates",
    )
    parser.add_argument(
        "--tune",
        action="store_true",
        help="compare candidate settings by cross-validation on the training parts only",
    )
    parser.add_argument("--folds", type=int, default=3, help="folds of --tune (default: 3)")
    parser.add_argument(
        "--at-most", type=int, help="largest number of training sequences of --tune (default: all)"
    )
    parser.add_argument(
        "--record", type=Path, default=RECORD, help="JSON-lines file (default: %(default)s)"
    )
    parser.add_argument(
        "--markdown", nargs="?", type=Path, const=PAGE, metavar="PATH",
        help="also write the page of the documentation (default path: %(const)s)",
    )  # fmt: skip
    return parser.parse_args(arguments)


def find_sets(options) -> tuple[list[DataSet], dict[str, str]]:
    """Read the data sets that are to be run, and find the packages that absent ones need.

    Raises ValueError if a name after --only is neither a set, an estimator nor a candidate.
    """
    methods = {*CANDIDATES, *(entry.name for entry in ENTRIES)}
    names = set(options.only) - methods or None
    sets, absent = packaged(names)
    if options.data:
        sets += read_folder(options.data, names)
    unknown = (names or set()) - {data.name for data in sets} - set(absent)
    if unknown:
        known = ", ".join([*PACKAGED, *methods])
        raise ValueError(f"--only got {sorted(unknown)}; known are {known}, and sets of --data")
    return sets, absent


def compare(sets: Sequence[DataSet], options, record: Record) -> None:
    """Score estimators on the test parts, all of them with the first seed first."""
    chosen = [entry for entry in ENTRIES if entry.name in options.only] or ENTRIES
    for seed, data, entry in product(range(options.seeds), sets, chosen):
        announce(score_on_test(data, entry, seed, record))


def tune(sets: Sequence[DataSet], options, record: Record) -> None:
    """Score candidates on the training parts; the test parts are removed first."""
    parts = [data.training_part(options.at_most) for data in sets]
    for seed, data in product(range(options.seeds), parts):
        candidates = candidates_for(data.kind)
        for name in [name for name in candidates if name in options.only] or candidates:
            announce(score_candidate(data, name, seed, options.folds, record))


def announce(row: dict | None) -> None:
    """Print one line about a new row."""
    if row:
        result = row.get("skipped") or f"{row['score']:.4g} ({row['seconds']:.1f} s)"
        print(f"{row['set']}, {row['estimator']}, seed {row['seed']}: {result}", flush=True)


def recommended_as_text() -> str:
    """Return the recommended settings as sentences."""
    cases = {
        **RECOMMENDED,
        "classes of words": TAGS,
        "sequences with most values missing": GAPS,
    }
    texts = [
        f"for {case}, " + ", ".join(f"`{name}={value!r}`" for name, value in given.items())
        for case, given in cases.items()
        if given
    ]
    frames = ", ".join(f"`{frames}`" for frames in FRAMES.values())
    return (
        f"the mean of {N_MEMBERS} networks that differ by their seed (`EnsembleClassifier`, "
        f"`EnsembleRegressor`); {'; '.join(texts)}. For other classes of sequences that are not "
        f"texts, the mean of networks that read the steps or frames (`VotingClassifier`): {frames}"
        ". Missing values become the last observed ones (`ForwardImputer`); if most are missing, "
        "with indicators and times. Words to be classified become dictionaries of features."
    )
