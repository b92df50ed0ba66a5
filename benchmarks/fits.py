"""Benchmark of complete fits on ragged sequences."""

import warnings

import numpy as np
from environment import peer
from report import NOT_INSTALLED, Figure, Table
from sklearn.exceptions import ConvergenceWarning
from sklearn.preprocessing import StandardScaler
from timing import alternately, ratio_of, time_of
from torch_models import gru_classifier, pad

from skrnn import PerStep, SequenceRNNClassifier
from skrnn.datasets import load_japanese_vowels

UNITS, BATCH, RATE = 32, 32, 0.01
NAMES = {"skrnn": "skrnn", "torch": "PyTorch, hand-written loop", "skorch": "skorch"}
TARGETS = {"torch": 3, "skorch": 5}


def run(quick: bool = False) -> list[Table]:
    """Time the fit of a classifier to the Japanese vowels with each library."""
    epochs, rounds = (3, 2) if quick else (30, 7)
    table = Table(
        f"Whole fit on the Japanese vowels: GRU of {UNITS} units, {epochs} epochs",
        ["library", "time", "test accuracy", "time / skrnn"],
        note="270 sequences of 7 to 29 steps, batches of 32, Adam with a constant learning rate, "
        "no penalty, no clipping, float32. The accuracy is the mean over the timed fits, which "
        "start from different initial weights.",
    )
    X, y, X_test, y_test = scaled_vowels()
    fitters = make_fitters(X, y, epochs)
    samples = alternately(fitters, rounds)
    for name, title in NAMES.items():
        if name not in fitters:
            table.add(title, *[NOT_INSTALLED] * 3)
            continue
        accuracies = [np.mean(predict(X_test) == y_test) for predict in fitters[name].predictors]
        ratio = ratio_of(samples, name, at_least=TARGETS.get(name))
        ratio = "" if name == "skrnn" else ratio
        table.add(title, time_of(samples, name), Figure(float(np.mean(accuracies))), ratio)
    return [table]


def scaled_vowels():
    """Return scaled training and test sets in float32, with speakers numbered from 0."""
    X, y = load_japanese_vowels(return_X_y=True)
    X_test, y_test = load_japanese_vowels(subset="test", return_X_y=True)
    scaler = PerStep(StandardScaler()).fit(X)
    X, X_test = (
        [sequence.astype(np.float32) for sequence in scaler.transform(part)] for part in (X, X_test)
    )
    return X, y - 1, X_test, y_test - 1


class Fitter:
    """Callable that fits a model with a new seed and stores its predict function."""

    def __init__(self, fit):
        self.fit = fit
        self.predictors = []

    def __call__(self):
        self.predictors.append(self.fit(seed=len(self.predictors)))


def make_fitters(X, y, epochs):
    """Return one `Fitter` for each installed library."""
    fitters = {"skrnn": Fitter(lambda seed: fit_skrnn(X, y, epochs, seed))}
    torch = peer("torch")
    if torch:
        fitters["torch"] = Fitter(lambda seed: fit_torch(torch, X, y, epochs, seed))
    if torch and (skorch := peer("skorch")):
        fitters["skorch"] = Fitter(lambda seed: fit_skorch(torch, skorch, X, y, epochs, seed))
    return fitters


def fit_skrnn(X, y, epochs, seed):
    """Fit with skrnn; returns the predict function."""
    clf = SequenceRNNClassifier(
        UNITS,
        bidirectional=False,
        pooling="last",
        batch_size=BATCH,
        learning_rate_init=RATE,
        learning_rate="constant",
        alpha=0,
        max_grad_norm=None,
        max_iter=epochs,
        tol=0,
        n_iter_no_change=1000,
        random_state=seed,
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return clf.fit(X, y).predict


def fit_torch(torch, X, y, epochs, seed):
    """Fit with a typical PyTorch loop; data are padded once and packed in every batch."""
    torch.manual_seed(seed)
    model = gru_classifier(torch, X[0].shape[1], UNITS, 9)
    optimizer = torch.optim.Adam(model.parameters(), RATE)
    (x, lengths), labels = pad(torch, X), torch.from_numpy(y)
    for _ in range(epochs):
        for batch in torch.randperm(len(x)).split(BATCH):
            optimizer.zero_grad()
            scores = model(x[batch], lengths[batch])
            torch.nn.functional.cross_entropy(scores, labels[batch]).backward()
            optimizer.step()

    def predict(sequences):
        with torch.inference_mode():
            return model(*pad(torch, sequences)).argmax(dim=1).numpy()

    return predict


def fit_skorch(torch, skorch, X, y, epochs, seed):
    """Fit with skorch, with a data set of arrays and a function that pads a batch."""
    torch.manual_seed(seed)

    def collate(pairs):
        sequences, labels = zip(*pairs, strict=True)
        x, lengths = pad(torch, sequences)
        return {"x": x, "lengths": lengths}, torch.tensor(labels)

    net = skorch.NeuralNetClassifier(
        gru_classifier(torch, X[0].shape[1], UNITS, 9),
        criterion=torch.nn.CrossEntropyLoss,
        optimizer=torch.optim.Adam,
        lr=RATE,
        max_epochs=epochs,
        batch_size=BATCH,
        classes=np.arange(9),
        train_split=None,
        iterator_train__shuffle=True,
        iterator_train__collate_fn=collate,
        iterator_valid__collate_fn=collate,
        verbose=0,
    )
    net.fit(pairs_for_torch(torch, X, y), y=None)
    return lambda sequences: net.predict(pairs_for_torch(torch, sequences, y))


def pairs_for_torch(torch, X, y):
    """Return a data set of ``(sequence, label)``; the labels are ignored in prediction."""

    class Pairs(torch.utils.data.Dataset):
        def __len__(self):
            return len(X)

        def __getitem__(self, index):
            return X[index], int(y[index % len(y)])

    return Pairs()
