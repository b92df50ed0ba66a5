"""Benchmark of predictions for one sequence, for many sequences, and for a stream."""

import warnings

import numpy as np
from environment import peer
from report import Table
from sklearn.exceptions import ConvergenceWarning
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from timing import alternately, ratio_of, time_of
from torch_models import copy_dense, copy_gru, gru_classifier, pad

from skrnn import PerStep, SequenceRNNClassifier

FEATURES, UNITS, CLASSES = 8, 32, 3
N_SEQUENCES, SHORTEST, LONGEST = 10_000, 10, 50
TORCH_PIECE = 1000  # sequences per PyTorch call, to limit its memory
TARGETS = {"1": 150e-6, "1, pipeline": 300e-6}
STREAMING_TARGET = 15e-6
TORCH_CELLS = {"rnn": "RNNCell", "gru": "GRUCell", "lstm": "LSTMCell"}


def run(quick: bool = False) -> list[Table]:
    """Run all benchmarks of this module."""
    return [predictions(quick), streaming(quick)]


def predictions(quick):
    """Time the prediction of labels, with the same weights in both libraries."""
    table = Table(
        f"Prediction with a GRU of {UNITS} units (float32)",
        ["sequences", "skrnn", "PyTorch", "PyTorch / skrnn"],
        note=f"The input is a list of arrays of {SHORTEST} to {LONGEST} steps of {FEATURES} "
        "features, one sequence has 30; the output is an array of labels. The time of PyTorch "
        "includes padding and packing. The pipeline standardizes the features first, in skrnn by "
        "PerStep(StandardScaler()), before PyTorch by StandardScaler.",
    )
    sequences = draw_sequences(1000 if quick else N_SEQUENCES)
    clf = fitted("gru")
    predictors = {"skrnn": clf.predict}
    if torch := peer("torch"):
        predictors["torch"] = torch_predictor(torch, clf.weights_)
        assert np.array_equal(predictors["torch"](sequences[:50]), clf.predict(sequences[:50]))
    pipelines = {"skrnn": fitted("gru", scaled=True).predict}
    if torch:
        scale = StandardScaler().fit(np.concatenate(sequences)).transform
        predict = predictors["torch"]
        pipelines["torch"] = lambda some: predict([scale(sequence) for sequence in some])
    cases = {
        "1": (predictors, sequences[:1]),
        "1, pipeline": (pipelines, sequences[:1]),
        str(len(sequences)): (predictors, sequences),
    }
    for title, (functions, some) in cases.items():
        calls = {
            name: lambda predict=predict, some=some: predict(some)
            for name, predict in functions.items()
        }
        table.add(title, *figures(alternately(calls, 3 if quick else 15), TARGETS.get(title)))
    return table


def streaming(quick):
    """Time one step of one stream."""
    table = Table(
        f"One step of a stream with {UNITS} units (float32)",
        ["cell", "skrnn", "PyTorch", "PyTorch / skrnn"],
        note="The input is an array of features; the output is an array of class probabilities "
        "and the next state.",
    )
    for cell in TORCH_CELLS:
        calls = {"skrnn": stream_of_skrnn(fitted(cell))}
        if torch := peer("torch"):
            calls["torch"] = stream_of_torch(torch, cell)
        samples = alternately(calls, 3 if quick else 31)
        table.add(cell, *figures(samples, STREAMING_TARGET))
    return table


def figures(samples, at_most=None):
    """Return both times and their ratio."""
    ours = time_of(samples, "skrnn", at_most=at_most)
    return [ours, time_of(samples, "torch"), ratio_of(samples, "torch")]


def draw_sequences(n):
    """Return random sequences of random length; the first has the mean length."""
    rng = np.random.default_rng(0)
    lengths = rng.integers(SHORTEST, LONGEST, n, endpoint=True)
    lengths[0] = (SHORTEST + LONGEST) // 2
    return [rng.standard_normal((length, FEATURES), dtype=np.float32) for length in lengths]


def fitted(cell, scaled=False):
    """Return a classifier trained for one epoch on random data."""
    clf = SequenceRNNClassifier(
        UNITS, cell=cell, bidirectional=False, pooling="last", max_iter=1, random_state=0
    )
    if scaled:
        clf = make_pipeline(PerStep(StandardScaler()), clf)
    X = draw_sequences(30)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return clf.fit(X, np.arange(len(X)) % CLASSES)


def torch_predictor(torch, weights):
    """Return a function that predicts labels for a list of arrays."""
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
    """Return a function that processes one more step."""
    x_t, state = draw_sequences(1)[0][0], clf.initial_state()

    def step():
        nonlocal state
        _, state = clf.step(x_t, state)

    return step


def stream_of_torch(torch, name):
    """Return the same function with a cell and a dense layer of PyTorch."""
    cell = getattr(torch.nn, TORCH_CELLS[name])(FEATURES, UNITS)
    output, x_t, state = torch.nn.Linear(UNITS, CLASSES), draw_sequences(1)[0][0], None

    def step():
        nonlocal state
        with torch.inference_mode():
            state = cell(torch.from_numpy(x_t)[None], state)
            h = state[0] if name == "lstm" else state
            return torch.softmax(output(h), dim=1).numpy()

    return step
