"""Predictions: of one sequence, of many, and step by step as data arrive."""

import warnings

import numpy as np
from environment import peer
from report import Table
from sklearn.exceptions import ConvergenceWarning
from timing import alternately, ratio_of, time_of
from torch_models import copy_dense, copy_gru, gru_classifier, pad

from skrnn import SequenceRNNClassifier

FEATURES, UNITS, CLASSES = 8, 32, 3
N_SEQUENCES, SHORTEST, LONGEST = 10_000, 10, 50
TORCH_PIECE = 1000  # sequences that PyTorch gets at a time, to spare it memory
STREAMING_TARGET = 30e-6


def run(quick: bool = False) -> list[Table]:
    """Time predictions for one and many sequences, and steps of a stream."""
    return [predictions(quick), streaming(quick)]


def predictions(quick):
    """From a list of arrays to labels, with the same weights in both libraries."""
    table = Table(
        f"Prediction with a GRU of {UNITS} units (float32)",
        ["sequences", "skrnn", "PyTorch", "PyTorch / skrnn"],
        note=f"From a list of arrays of {SHORTEST} to {LONGEST} steps of {FEATURES} features to "
        "an array of labels. PyTorch pads and packs.",
    )
    sequences = draw_sequences(1000 if quick else N_SEQUENCES)
    clf = fitted("gru")
    predictors = {"skrnn": clf.predict}
    if torch := peer("torch"):
        predictors["torch"] = torch_predictor(torch, clf.weights_)
        assert np.array_equal(predictors["torch"](sequences[:50]), clf.predict(sequences[:50]))
    for n in (1, len(sequences)):
        calls = {
            name: lambda predict=predict, some=sequences[:n]: predict(some)
            for name, predict in predictors.items()
        }
        table.add(str(n), *figures(alternately(calls, 3 if quick else 15)))
    return table


def streaming(quick):
    """One step at a time, for one stream."""
    table = Table(
        f"One step of a stream with an Elman network of {UNITS} units (float32)",
        ["streams", "skrnn", "PyTorch", "PyTorch / skrnn"],
        note="From an array of features to an array of class probabilities, and the next state.",
    )
    clf = fitted("rnn")
    calls = {"skrnn": stream_of_skrnn(clf)}
    if torch := peer("torch"):
        calls["torch"] = stream_of_torch(torch)
    table.add("1", *figures(alternately(calls, 3 if quick else 31), STREAMING_TARGET))
    return table


def figures(samples, at_most=None):
    """Both times and their ratio."""
    ours = time_of(samples, "skrnn", at_most=at_most)
    return [ours, time_of(samples, "torch"), ratio_of(samples, "torch")]


def draw_sequences(n):
    """Noise of any length; the first of them of the mean length."""
    rng = np.random.default_rng(0)
    lengths = rng.integers(SHORTEST, LONGEST, n, endpoint=True)
    lengths[0] = (SHORTEST + LONGEST) // 2
    return [rng.standard_normal((length, FEATURES), dtype=np.float32) for length in lengths]


def fitted(cell):
    """Make a classifier of random weights."""
    X = draw_sequences(30)
    clf = SequenceRNNClassifier(UNITS, cell=cell, max_iter=1, random_state=0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return clf.fit(X, np.arange(len(X)) % CLASSES)


def torch_predictor(torch, weights):
    """Make a function from a list of arrays to labels."""
    model = gru_classifier(torch, FEATURES, UNITS, CLASSES)
    copy_gru(torch, model.gru, weights["recurrent_0"])
    copy_dense(torch, model.output, weights["output"])

    def predict(sequences):
        pieces = [
            sequences[first : first + TORCH_PIECE]
            for first in range(0, len(sequences), TORCH_PIECE)
        ]
        with torch.inference_mode():
            scores = torch.cat([model(*pad(torch, piece)) for piece in pieces])
        return scores.argmax(dim=1).numpy()

    return predict


def stream_of_skrnn(clf):
    """Make a function that reads one more step."""
    x_t, state = draw_sequences(1)[0][0], clf.initial_state()

    def step():
        nonlocal state
        _, state = clf.step(x_t, state)

    return step


def stream_of_torch(torch):
    """Make the same of an RNNCell and a dense layer."""
    cell, output = torch.nn.RNNCell(FEATURES, UNITS), torch.nn.Linear(UNITS, CLASSES)
    x_t, state = draw_sequences(1)[0][0], torch.zeros(1, UNITS)

    def step():
        nonlocal state
        with torch.inference_mode():
            state = cell(torch.from_numpy(x_t)[None], state)
            return torch.softmax(output(state), dim=1).numpy()

    return step
