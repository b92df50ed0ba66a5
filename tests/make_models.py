"""Train small models and save them as this release does: ``python tests/make_models.py``.

Run once for each release; later releases must read its files, which are never replaced. For each
version there is a folder of `models.pickle`, `models.skops`, a file of `skrnn.save` for each model
(from 0.2.0 on), and `expected.npz`, which holds the outputs of each model.
"""

import pickle
from pathlib import Path

import numpy as np
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler

import skrnn

DATA = Path(__file__).resolve().parent / "data"


def data():
    """Make ragged sequences, and a class and a number for each sequence and each step."""
    rng = np.random.RandomState(0)
    X = [rng.normal(size=(n, 2)) for n in (1, 2, 3, 4, 5, 6, 3, 2)]
    classes = np.resize(np.array(["a", "b", "c"]), len(X))
    return {
        "X": X,
        "classes": classes,
        "numbers": rng.normal(size=len(X)),
        "step classes": [np.where(x[:, 0] > 0, "up", "down") for x in X],
        "step vectors": [x.cumsum(axis=0) for x in X],
    }


def train():
    """Train a model of each kind, with settings as different as possible."""
    targets = data()
    X, rows = targets["X"], np.concatenate(targets["X"])
    common = {"max_iter": 5, "random_state": 0, "tol": 1e9, "n_iter_no_change": 4}
    return {
        "mlp": skrnn.XORMLPClassifier((4,), random_state=0).fit(rows, rows[:, 0] > 0),
        "mlp adam": skrnn.XORMLPClassifier(
            (4, 3), "tanh", solver="adam", out_activation="softmax", **common
        ).fit(rows, rows[:, 0] > 0),
        "classifier": skrnn.SequenceRNNClassifier(
            (4, 3), cell="lstm", bidirectional=True, solver=skrnn.Adam(beta_1=0.8), **common
        ).fit(X, targets["classes"]),
        "regressor": skrnn.SequenceRNNRegressor(
            4, cell="rnn", activation="relu", pooling="mean", solver="sgd", **common
        ).fit(X, targets["numbers"]),
        "step classifier": skrnn.StepRNNClassifier(4, **common).fit(X, targets["step classes"]),
        "step regressor": skrnn.StepRNNRegressor(4, bptt_steps=2, solver="sgd", **common).fit(
            [x.astype(np.float32) for x in X], targets["step vectors"]
        ),
        "padder": skrnn.SequencePadder(flat=True, n_steps=8).fit(X),
        "scaler": skrnn.PerStep(MinMaxScaler()).fit(X),
        "mlp regressor": skrnn.XORMLPRegressor("poisson", 4, **common).fit(
            rows, np.abs(rows[:, 0])
        ),
        "quantiles": skrnn.SequenceRNNRegressor(4, loss=skrnn.Quantile((0.1, 0.9)), **common).fit(
            X, targets["numbers"]
        ),
        "skip connection": skrnn.SequenceRNNRegressor(4, **common).fit(X, [x[-1, 0] for x in X]),
        "random field": skrnn.StepRNNClassifier(4, embedding_size=2, loss="crf", **common).fit(
            X, targets["step classes"]
        ),
        "gaps": make_pipeline(
            skrnn.ForwardImputer(add_indicator=True, add_elapsed=True),
            skrnn.SequenceRNNClassifier(4, cell="gru_d", **common),
        ).fit(X, targets["classes"]),
        "ensemble": skrnn.EnsembleClassifier(
            skrnn.SequenceRNNClassifier(3, **common), n_estimators=2, random_state=0
        ).fit(X, targets["classes"]),
    }


def outputs(models):
    """Compute the outputs of every model for the same data, each as one plain array."""
    sequences = data()["X"]
    found = {}
    for name, model in models.items():
        X = np.concatenate(sequences) if name.startswith("mlp") else sequences
        for method in ("predict", "predict_proba", "transform"):
            if hasattr(model, method):
                output = getattr(model, method)(X)
                ragged = isinstance(output, list) or output.dtype == object
                found[f"{name}.{method}"] = np.concatenate(output) if ragged else output
    return found


def main():
    """Write the folder of the current version."""
    from zipfile import ZIP_DEFLATED

    import skops.io

    folder, models = DATA / f"models-{skrnn.__version__}", train()
    folder.mkdir()  # fails if it exists: these files must not change
    with open(folder / "models.pickle", "wb") as file:
        pickle.dump(models, file, protocol=4)
    for name, model in models.items():
        skrnn.save(model, folder / f"{name}.skrnn")
    skops.io.dump(models, folder / "models.skops", compression=ZIP_DEFLATED)
    np.savez_compressed(folder / "expected.npz", **outputs(models))


if __name__ == "__main__":
    main()
