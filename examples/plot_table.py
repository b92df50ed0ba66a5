"""
From a table to risks in the table
==================================

A log of milling machines has one row for each minute of each run: numbers, text and gaps. Few runs
break a tool. A network reads the runs, and its risks are written back into the log.
"""

# %%
# A simulated log
# ---------------
# The log is simulated, so the rule behind it is known. A tool heats up by the load while the
# coolant is off, and loses 30 % of its heat in every minute. It breaks if it was too hot at any
# time. So it matters how long the coolant was off without a break, and at which load. Each machine
# has its own level of load. 5 % of the loads are missing. The rows are in the order in which they
# were logged, so those of a run are not together.

import tempfile
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from scipy.signal import lfilter
from sklearn.compose import make_column_transformer
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.impute import SimpleImputer
from sklearn.metrics import (
    PrecisionRecallDisplay,
    average_precision_score,
    precision_score,
    recall_score,
)
from sklearn.model_selection import GridSearchCV, StratifiedGroupKFold
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from skrnn import PerStep, SequenceRNNClassifier
from skrnn.convert import from_long, to_rows


def simulate_run(rng, machine, run, level):
    """Return the rows of one run."""
    n = rng.integers(15, 41)
    load = np.clip(level + rng.normal(scale=0.1, size=n).cumsum(), 0.05, 1.2)
    off = np.cumsum(rng.random(n) < 0.25) % 2 == 1  # each minute, the coolant may be switched
    heat = lfilter([1], [1, -0.7], load * off)
    broken = int(heat.max() + rng.normal(scale=0.1) > 3.2)
    load[rng.random(n) < 0.05] = np.nan
    columns = {"load": load.round(2), "coolant": np.where(off, "off", "on"), "broken": broken}
    return pd.DataFrame({"machine": machine, "run": run, "minute": np.arange(n), **columns})


rng = np.random.default_rng(0)
levels = {f"M{i:02}": level for i, level in enumerate(rng.normal(0.5, 0.15, size=20), 1)}
runs = [simulate_run(rng, name, run, levels[name]) for name in levels for run in range(1, 31)]
folder = tempfile.TemporaryDirectory()
path = Path(folder.name, "log.csv")
pd.concat(runs).sort_values("minute", kind="stable").to_csv(path, index=False)

# %%
# From the file to the risks
# --------------------------
# This part is all that a user has to write. Machine and run together identify a sequence. The
# model is meant for new machines, so all runs of a machine are in the same part of each split: a
# third of the machines is the test set, and the search splits the others. The search compares
# settings of the imputer and of the class weights by the average precision, because accuracy says
# little about a rare class.

table = pd.read_csv(path)
X, ids = from_long(table, ["machine", "run"], "minute", static=["machine", "broken"])
machine, broken = X.static["machine"].to_numpy(), X.static["broken"].to_numpy()
X = X.without_static()

columns = make_column_transformer(
    (make_pipeline(SimpleImputer(), StandardScaler()), ["load"]),
    (OneHotEncoder(handle_unknown="ignore"), ["coolant"]),
)
network = SequenceRNNClassifier(16, random_state=0)
model = Pipeline([("prepare", PerStep(columns)), ("network", network)])
grid = {
    "prepare__transformer__pipeline__simpleimputer__add_indicator": [False, True],
    "network__class_weight": [None, "balanced"],
}
folds = StratifiedGroupKFold(3, shuffle=True, random_state=0)
train, test = next(folds.split(X, broken, machine))
search = GridSearchCV(model, grid, scoring="average_precision", cv=folds)
search.fit(X[train], broken[train], groups=machine[train])

risk = search.predict_proba(X[test])[:, 1]
table["risk"] = to_rows(risk, X[test], n_rows=len(table))
table.to_csv(path, index=False)

# %%
# The rows of the training machines have no risk. These are the last rows of the test machines:

print(f"{len(table)} rows, {len(X)} runs, {broken.sum()} broken tools")
print(search.best_params_)
print(table.dropna(subset="risk").tail(5).round(3).to_string())

# %%
# A baseline
# ----------
# Without sequences, one would describe each run by statistics: mean, standard deviation, extremes,
# last value and number of values of each column. Gradient boosting on these statistics has the same
# training and test machines, and the same search over class weights. A model that returns the same
# risk for all runs would have an average precision of 0.095, the share of broken tools.

by_run = table.assign(off=table["coolant"] == "off").groupby(["machine", "run"])[["load", "off"]]
statistics = by_run.agg(["mean", "std", "min", "max", "last", "count"])
statistics = statistics.loc[pd.MultiIndex.from_tuples(X.ids)].to_numpy(dtype=float)
boosting = GridSearchCV(
    HistGradientBoostingClassifier(max_iter=50, random_state=0),
    {"class_weight": [None, "balanced"]},
    scoring="average_precision",
    cv=folds,
)
boosting.fit(statistics[train], broken[train], groups=machine[train])
scores = {"network": risk, "boosting": boosting.predict_proba(statistics[test])[:, 1]}
for name, score in scores.items():
    print(
        f"{name + ':':10} average precision {average_precision_score(broken[test], score):.3f}, "
        f"precision {precision_score(broken[test], score > 0.5):.3f}, "
        f"recall {recall_score(broken[test], score > 0.5):.3f}"
    )

# %%
# Both models find most of the 20 broken tools of the test machines. The statistics cause more
# false alarms, because they do not contain the order of the minutes. With so few broken tools,
# the figures are uncertain. Over five simulated logs (seeds 0 to 4, without the search) the mean
# of the average precision was 0.88 for the network and 0.81 for boosting, and in one of them
# boosting was better by 0.06. The rule of the simulation suits a recurrent network. Where the
# order of the steps does not matter, expect no advantage.

BLUE, ORANGE = "#0072B2", "#E69F00"  # colorblind-safe (Okabe & Ito, 2008)

figure, (left, right) = plt.subplots(1, 2, figsize=(11, 4.2), layout="constrained")
for (name, score), colour in zip(scores.items(), [BLUE, ORANGE], strict=True):
    PrecisionRecallDisplay.from_predictions(
        broken[test], score, name=name, ax=left, curve_kwargs={"color": colour, "linewidth": 2}
    )
left.set(title="Broken tools of the test machines", xlabel="recall", ylabel="precision")
left.legend(loc="lower left")

names, position = np.unique(machine[test], return_inverse=True)
for is_broken, colour, label in [(0, "0.6", "run without damage"), (1, "#D55E00", "broken tool")]:
    shown = broken[test] == is_broken
    shift = np.random.default_rng(0).uniform(-0.25, 0.25, size=shown.sum())
    right.plot(position[shown] + shift, risk[shown], "o", color=colour, alpha=0.7, label=label)
right.set(title="Risk of each run", xlabel="machine", ylabel="risk", xticks=range(len(names)))
right.set_xticklabels(names)
right.legend(loc="center left")
folder.cleanup()
plt.show()
