"""Train small models and save them as this release does: ``python tests/make_models.py``.

Run once for each release whose files later ones promise to read; what it wrote is never made
anew. For each version there is a folder of `models.pickle`, `models.skops` and `expected.npz`:
the data, and what each model said of them.
"""

import pickle
from pathlib import Path

import numpy as np
from sklearn.preprocessing import MinMaxScaler

import skrnn

DATA = Path(__file__).resolve().parent / "data"
RECURRENT = (
    skrnn.SequenceRNNClassifier,
    skrnn.SequenceRNNRegressor,
    skrnn.StepRNNClassifier,
    skrnn.StepRNNRegressor,
)


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
    given = data()
    X, rows = given["X"], np.concatenate(given["X"])
    common = {"max_iter": 5, "random_state": 0, "tol": 1e9, "n_iter_no_change": 4}
    return {
        "mlp": skrnn.XORMLPClassifier((4,), random_state=0).fit(rows, rows[:, 0] > 0),
        "mlp adam": skrnn.XORMLPClassifier(
            (4, 3), "tanh", solver="adam", out_activation="softmax", **common
        ).fit(rows, rows[:, 0] > 0),
        "classifier": skrnn.SequenceRNNClassifier(
            (4, 3), cell="lstm", bidirectional=True, solver=skrnn.Adam(beta_1=0.8), **common
        ).fit(X, given["classes"]),
        "regressor": skrnn.SequenceRNNRegressor(
            4, cell="rnn", activation="relu", pooling="mean", solver="sgd", **common
        ).fit(X, given["numbers"]),
        "step classifier": skrnn.StepRNNClassifier(4, **common).fit(X, given["step classes"]),
        "step regressor": skrnn.StepRNNRegressor(4, bptt_steps=2, solver="sgd", **common).fit(
            [x.astype(np.float32) for x in X], given["step vectors"]
        ),
        "padder": skrnn.SequencePadder(flat=True, n_steps=8).fit(X),
        "scaler": skrnn.PerStep(MinMaxScaler()).fit(X),
    }


def answers(models):
    """Ask every model of the same data; the answers, each as one plain array."""
    X = data()["X"]
    given = {}
    for name, model in models.items():
        of = (
            X if isinstance(model, RECURRENT) or name in ("padder", "scaler") else np.concatenate(X)
        )
        for method in ("predict", "predict_proba", "transform"):
            if hasattr(model, method):
                answer = getattr(model, method)(of)
                ragged = isinstance(answer, list) or answer.dtype == object
                given[f"{name}.{method}"] = np.concatenate(answer) if ragged else answer
    return given


def main():
    """Write the folder of the present version."""
    from zipfile import ZIP_DEFLATED

    import skops.io

    folder, models = DATA / f"models-{skrnn.__version__}", train()
    folder.mkdir()  # fails where there is one, for these files are not to change
    with open(folder / "models.pickle", "wb") as file:
        pickle.dump(models, file, protocol=4)
    skops.io.dump(models, folder / "models.skops", compression=ZIP_DEFLATED)
    np.savez_compressed(folder / "expected.npz", **answers(models))


if __name__ == "__main__":
    main()
