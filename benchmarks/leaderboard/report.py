"""The tables of the leaderboard, from the rows of a record."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

import numpy as np
from scipy.stats import rankdata

from benchmarks.leaderboard.data import CLASSES, NUMBERS, STEP_CLASSES, STEP_NUMBERS, DataSet
from benchmarks.leaderboard.evaluate import TEST, TUNE
from benchmarks.report import Table

GROUPS = {
    "Classes of sequences": CLASSES,
    "Forecasts and other numbers": NUMBERS,
    "Classes of steps": STEP_CLASSES,
    "Numbers for steps": STEP_NUMBERS,
}
NOTHING = "–"
Cells = Mapping[tuple[str, str], list[dict]]  # by estimator and set


def current(rows: Iterable[dict], part: str, sets: Sequence[DataSet]) -> Cells:
    """Return the rows of each estimator and set, with the newest settings, code and data only."""
    cells = defaultdict(list)
    names = {data.name for data in sets}
    for row in rows:
        if row["part"] == part and row["set"] in names:
            cells[row["estimator"], row["set"]].append(row)
    newest = {}
    for cell, found in cells.items():
        last = [found[-1][key] for key in ("settings", "package", "data")]
        newest[cell] = [
            row for row in found if [row[key] for key in ("settings", "package", "data")] == last
        ]
    return newest


def mean_score(rows: Sequence[dict]) -> float:
    """Return the mean over the seeds, or NaN without a score."""
    scores = [row["score"] for row in rows if "score" in row]
    return float(np.mean(scores)) if scores else np.nan


def matrix(cells: Cells, names: Sequence[str], sets: Sequence[DataSet]) -> np.ndarray:
    """Return mean scores, of shape (n_estimators, n_sets)."""
    return np.array(
        [[mean_score(cells.get((name, data.name), [])) for data in sets] for name in names]
    )


def ranks(scores: np.ndarray, sets: Sequence[DataSet]) -> np.ndarray:
    """Return the rank of each estimator on each set; NaN without a score."""
    signs = np.array([-1 if data.larger_is_better else 1 for data in sets])
    return rankdata(scores * signs, axis=0, nan_policy="omit")


def regrets(scores: np.ndarray, sets: Sequence[DataSet]) -> np.ndarray:
    """Return the loss against the best: a difference of scores, or a fraction of the RMSE."""
    out = np.full_like(scores, np.nan)
    for column, data in enumerate(sets):
        of_set = scores[:, column]
        if np.isnan(of_set).all():
            continue
        if data.larger_is_better:
            out[:, column] = np.nanmax(of_set) - of_set
        else:
            out[:, column] = of_set / np.nanmin(of_set) - 1
    return out


def names_of(cells: Cells, sets: Sequence[DataSet]) -> list[str]:
    """Return the estimators that have a row for one of the sets."""
    chosen = {data.name for data in sets}
    return list(dict.fromkeys(estimator for estimator, name in cells if name in chosen))


def score_tables(rows: Iterable[dict], sets: Sequence[DataSet]) -> list[Table]:
    """Return a table for each kind of data: estimators in rows, sets in columns."""
    rows = list(rows)
    cells, tables = current(rows, TEST, sets), []
    for title, kind in GROUPS.items():
        of_kind = [d for d in sets if d.kind == kind and any(d.name == name for _, name in cells)]
        if not of_kind:
            continue
        names = names_of(cells, of_kind)
        scores = matrix(cells, names, of_kind)
        best = regrets(scores, of_kind) == 0
        columns = [f"{data.name} ({data.metric})" for data in of_kind]
        table = Table(title, ["estimator", *columns, "mean rank (sets)", "settings tried"])
        tried = settings_tried(rows, of_kind)
        of_each = ranks(scores, of_kind)
        order = np.argsort(np.nan_to_num([_mean(rank) for rank in of_each], nan=np.inf))
        for i in order:
            found = [cell(cells.get((names[i], data.name), [])) for data in of_kind]
            found = [f"**{text}**" if best[i, j] else text for j, text in enumerate(found)]
            n_sets = np.sum(~np.isnan(scores[i]))
            rank = f"{_mean(of_each[i]):.1f} ({n_sets})" if n_sets else NOTHING
            table.add(names[i], *found, rank, str(tried[names[i]]))
        tables.append(table)
    return tables


def cell(rows: Sequence[dict]) -> str:
    """Return the mean score, the deviation over several seeds, and the least seconds of a fit."""
    scored = [row for row in rows if "score" in row]
    if not scored:
        return NOTHING
    scores = [row["score"] for row in scored]
    spread = f" ± {np.std(scores, ddof=1):.2g}" if len(scores) > 1 else ""
    seconds = min(row["seconds"] for row in scored)  # the first fit of aeon compiles its code
    return f"{np.mean(scores):.4g}{spread} ({seconds:.1f} s)"


def settings_tried(rows: Sequence[dict], sets: Sequence[DataSet]) -> Mapping[str, int]:
    """Return the largest number of settings or versions of each estimator scored on a test part."""
    chosen = {data.name for data in sets}
    found = defaultdict(set)
    for row in rows:
        if row["part"] == TEST and row["set"] in chosen and "score" in row:
            found[row["estimator"], row["set"]].add((row["settings"], row["package"]))
    counts: dict[str, int] = defaultdict(int)
    for (estimator, _), settings in found.items():
        counts[estimator] = max(counts[estimator], len(settings))
    return counts


def skipped(rows: Iterable[dict], sets: Sequence[DataSet], absent: Mapping[str, str]) -> list[str]:
    """Return a line for each reason that an estimator or a set is absent."""
    reasons = defaultdict(list)
    for (estimator, name), found in current(rows, TEST, sets).items():
        if "skipped" in found[-1]:
            reasons[estimator, found[-1]["skipped"]].append(name)
    lines = [f"{name}: no data, because {needs} is not installed" for name, needs in absent.items()]
    lines += [f"{who} ({', '.join(names)}): {why}" for (who, why), names in reasons.items()]
    return lines


def tuning_tables(rows: Iterable[dict], sets: Sequence[DataSet]) -> list[Table]:
    """Return a table for each kind of data, of candidates by mean regret."""
    cells, tables = current(rows, TUNE, sets), []
    for title, kind in GROUPS.items():
        of_kind = [d for d in sets if d.kind == kind and any(d.name == name for _, name in cells)]
        if not of_kind:
            continue
        names = names_of(cells, of_kind)
        scores = matrix(cells, names, of_kind)
        of_each, lost = ranks(scores, of_kind), regrets(scores, of_kind)
        columns = [f"{data.name} ({data.metric})" for data in of_kind]
        table = Table(
            f"{title}: candidates, scored by cross-validation on the training parts",
            ["candidate", "mean rank", "mean regret", "largest regret", "sets", *columns],
        )
        for i in np.argsort(np.nan_to_num([_mean(row) for row in lost], nan=np.inf)):
            n_sets = int(np.sum(~np.isnan(scores[i])))
            if not n_sets:
                table.add(names[i], *[NOTHING] * (len(columns) + 4))
                continue
            found = [cell(cells.get((names[i], data.name), [])) for data in of_kind]
            figures = [f"{_mean(of_each[i]):.1f}", f"{_mean(lost[i]):.3f}"]
            table.add(names[i], *figures, f"{np.nanmax(lost[i]):.3f}", str(n_sets), *found)
        tables.append(table)
    return tables


def _mean(values):
    return np.nan if np.isnan(values).all() else float(np.nanmean(values))


INTRODUCTION = """\
# Leaderboard

This page was written by `make leaderboard`. It compares the recurrent networks of skrnn with
methods that users have without it, on data sets that skrnn or other packages provide. Each
estimator is fitted on the training part of a set and scored on its test part, once for each seed. A
cell contains the mean score, the standard deviation over the seeds, and the processor time of the
fastest fit with its predictions. The best score of a set is in bold. Differences smaller than two
or three standard deviations mean nothing. A cell without a deviation comes from one seed, or from
an estimator that is not random.

- *skrnn, untouched*: `make_pipeline(PerStep(StandardScaler()), Estimator())` with all defaults.
  Missing values become the mean. A `TableTransformer` scales static columns, if there are any.
- *skrnn, recommended*: {recommended}
- *PyTorch GRU*: a GRU with as many units, Adam at a rate of 0.001, 100 epochs. Characters and words
  get an embedding with as many units. For classes of steps, it has two directions.
- *last value*, *seasonal value*: the column and the period are chosen on the training part.
- *gradient boosting*: on mean, deviation, least, largest, first and last value of each column.
- *CRFsuite*: with the word, its neighbours and its ending, and the settings of its tutorial.
- *static columns*: static features of the networks of skrnn. Ridge regression, boosting and the
  flat MLP get them once, beside their other features, if there is a target for each sequence. Last
  and seasonal values do not use them. Other methods get them at every step.
- *settings tried*: how many settings of an estimator, or versions of the code of skrnn, were scored
  on the same test part, according to the record. With more than one, the score may be too good.
- *mean rank*: over the sets on which the estimator has a score; their number is in parentheses.

To repeat it, or to compare on other data (`--help` explains the options):

    make leaderboard
    .venv/bin/python -m benchmarks.leaderboard --data FOLDER --only "skrnn, untouched" vowels
"""


def page(
    tables: Sequence[Table], absent: Sequence[str], machines: Sequence[str], recommended: str
) -> str:
    """Return the page of the documentation."""
    parts = [INTRODUCTION.format(recommended=recommended).rstrip()]
    parts += [table.as_markdown().replace("### ", "## ", 1) for table in tables]
    if absent:
        parts.append("## Skipped\n\n" + "\n".join(f"- {line}" for line in absent))
    parts.append("## Machines\n\n" + "\n".join(f"- {line}" for line in machines))
    return "\n\n".join(parts) + "\n"
