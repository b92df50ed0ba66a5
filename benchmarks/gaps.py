"""Compare methods for sequences with missing values, uneven times and static columns.

``python -m benchmarks.gaps FILE.npz`` reads the layout of ``NAME.npz`` in `leaderboard.folder`,
with two classes and a static table. All methods are fitted to the training part and scored by the
area under the ROC curve on the test part, alternately, with several seeds. All networks have the
same width, number of epochs, batches and learning rates.
"""

import argparse
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from time import perf_counter

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.impute import SimpleImputer
from sklearn.metrics import roc_auc_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from benchmarks.leaderboard.features import summarize
from benchmarks.torch_models import grud_classifier, pad
from skrnn import (
    EnsembleClassifier,
    ForwardImputer,
    PerStep,
    SequenceRNNClassifier,
    Sequences,
    TableTransformer,
)

# Chosen by cross-validation on the training part, from about 40 settings.
UNITS = 64
RECIPE = {"max_iter": 10, "learning_rate_init": 0.002, "dropout": 0.5, "batch_size": 32}
NETWORK = {"hidden_layer_sizes": UNITS, "bidirectional": False, **RECIPE}


def read(path: Path, missing):
    """Return training and test part: sequences with a static table, and their classes."""
    with np.load(path) as file:
        data = {key: file[key] for key in file.files}
    static = data["static"].astype(float)
    if missing is not None:
        static[static == missing] = np.nan
    X, n = (
        Sequences(data["values"].astype(np.float32), data["lengths"], static=static),
        data["n_train"],
    )
    return X[:n], data["y"][:n], X[n:], data["y"][n:]


def scaled():
    """Return a transformer that scales both tables, and imputes the static one."""
    return TableTransformer(
        steps=StandardScaler(), static=make_pipeline(SimpleImputer(), StandardScaler())
    )


def boosting(seed):
    """Return gradient boosting on summaries of the columns and the static columns."""
    classifier = HistGradientBoostingClassifier(random_state=seed)
    return make_pipeline(FunctionTransformer(summarize), classifier)


def untouched(seed):
    """Return the default network, with the mean in place of missing values."""
    imputer = PerStep(SimpleImputer(keep_empty_features=True))
    return make_pipeline(scaled(), imputer, SequenceRNNClassifier(random_state=seed))


def gru(seed):
    """Return a GRU that receives values carried forward, what is missing, and times."""
    gaps = ForwardImputer(add_indicator=True, add_elapsed=True)
    network = SequenceRNNClassifier(cell="gru", random_state=seed, **NETWORK)
    return make_pipeline(scaled(), gaps, PerStep(StandardScaler()), network)


def gru_d(seed):
    """Return the cell whose state decays with the time since the last observation."""
    gaps = ForwardImputer(add_indicator=True, add_elapsed=True)
    network = SequenceRNNClassifier(cell="gru_d", random_state=seed, **NETWORK)
    return make_pipeline(scaled(), gaps, network)


def ensemble(seed):
    """Return five networks with this cell, whose probabilities are averaged."""
    *prepare, network = gru_d(seed)
    return make_pipeline(*prepare, EnsembleClassifier(network, 5, random_state=seed))


def torch_gru_d(seed):
    """Return the same cell in PyTorch."""
    gaps = ForwardImputer(add_indicator=True, add_elapsed=True)
    return make_pipeline(scaled(), gaps, TorchGRUD(random_state=seed))


class TorchGRUD(BaseEstimator):
    """GRU-D in PyTorch, trained with the recipe of the other networks."""

    def __init__(self, random_state=None):
        self.random_state = random_state

    def fit(self, X, y):
        """Train the network."""
        torch = import_module("torch")
        torch.manual_seed(self.random_state)
        x, lengths, static = self._tensors(X)
        shape = X.n_features // 3, UNITS, static.shape[1], RECIPE["dropout"]
        self.model_ = grud_classifier(torch, *shape)
        targets = torch.from_numpy(np.asarray(y, np.float32))
        optimizer = torch.optim.Adam(self.model_.parameters(), RECIPE["learning_rate_init"])
        schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, RECIPE["max_iter"])
        loss = torch.nn.functional.binary_cross_entropy_with_logits
        self.model_.train()
        for _ in range(RECIPE["max_iter"]):
            for batch in torch.randperm(len(x)).split(RECIPE["batch_size"]):
                optimizer.zero_grad()
                steps = lengths[batch]
                given = x[batch, : steps.max()], steps, static[batch]
                loss(self.model_(*given), targets[batch]).backward()
                torch.nn.utils.clip_grad_norm_(self.model_.parameters(), 1.0)
                optimizer.step()
            schedule.step()
        self.model_.eval()
        return self

    def predict_proba(self, X):
        """Return the probabilities of classes."""
        with import_module("torch").inference_mode():
            p = self.model_(*self._tensors(X)).sigmoid().numpy()
        return np.stack([1 - p, p], axis=1)

    def _tensors(self, X):
        torch = import_module("torch")
        x, lengths = pad(torch, [steps.astype(np.float32) for steps in X])
        return x, lengths, torch.from_numpy(np.asarray(X.static, np.float32))


METHODS = {
    "gradient boosting on summaries": boosting,
    "skrnn, untouched, mean imputation": untouched,
    "skrnn, GRU, carried forward": gru,
    "skrnn, GRU-D": gru_d,
    "skrnn, five GRU-D": ensemble,
    "PyTorch, GRU-D": torch_gru_d,
}


def main() -> None:
    """Fit all methods alternately, and print a table."""
    parser = argparse.ArgumentParser(description="Compare methods for sequences with gaps.")
    parser.add_argument("file", type=Path)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--missing", type=float, help="value of the static table that is missing")
    options = parser.parse_args()
    X, y, X_test, y_test = read(options.file, options.missing)
    methods = METHODS if find_spec("torch") else {k: v for k, v in METHODS.items() if "Py" not in k}
    scores, seconds = ({name: [] for name in methods} for _ in range(2))
    for seed in range(options.seeds):
        for name, make in methods.items():
            start = perf_counter()
            model = make(seed).fit(X, y)
            seconds[name].append(perf_counter() - start)
            scores[name].append(roc_auc_score(y_test, model.predict_proba(X_test)[:, 1]))
            print(f"seed {seed}  {name}: {scores[name][-1]:.4f}  {seconds[name][-1]:.1f} s")
    print("\n| method | AUROC | seconds of a fit |\n|---|---|---|")
    for name in methods:
        auroc = f"{np.mean(scores[name]):.3f} ± {np.std(scores[name]):.3f}"
        print(f"| {name} | {auroc} | {np.median(seconds[name]):.1f} |")


if __name__ == "__main__":
    main()
