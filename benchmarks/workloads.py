"""Work that is timed in the history and in comparisons of commits.

Only public names that every version has are used, so that any two commits can run it.
"""

import warnings
from collections.abc import Callable

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skrnn import (
    PerStep,
    SequenceRNNClassifier,
    SequenceRNNRegressor,
    StepRNNClassifier,
    XORMLPClassifier,
)

Call = Callable[[], object]
FEATURES = 8
SETTINGS = {"learning_rate": "constant", "tol": 0, "n_iter_no_change": 10**6, "random_state": 0}


def numpy_alone() -> Call:
    """Exponentials and sums of NumPy alone, which show the speed of one core of the machine."""
    a = np.random.default_rng(0).standard_normal((256, 256), dtype=np.float32)
    return lambda: [np.exp(a).sum() for _ in range(20)]


def fit_of_cell(cell: str, units: int) -> Call:
    """Two epochs of a recurrent layer in one direction, on 320 sequences of 10 to 50 steps."""
    X = draw(320)
    clf = SequenceRNNClassifier(
        units, cell=cell, max_iter=2, batch_size=32, bidirectional=False, pooling="last", **SETTINGS
    )
    return lambda: clf.fit(X, np.arange(len(X)) % 3)


def fit_untouched() -> Call:
    """A fit of the regressor with its defaults, on 100 sequences."""
    X = draw(100)
    y = np.array([x.mean() for x in X])
    return lambda: SequenceRNNRegressor(random_state=0).fit(X, y)


def fit_of_steps() -> Call:
    """Two epochs of a classifier of steps with 50 classes."""
    X = draw(320)
    y = [np.arange(len(x)) % 50 for x in X]
    clf = StepRNNClassifier(32, max_iter=2, batch_size=32, **SETTINGS)
    return lambda: clf.fit(X, y)


def predictions(n_sequences: int) -> Call:
    """Predictions of a GRU of 32 units in one direction for a list of arrays."""
    X = draw(max(n_sequences, 30))
    clf = SequenceRNNClassifier(32, max_iter=1, bidirectional=False, pooling="last", random_state=0)
    clf.fit(X[:30], np.arange(30) % 3)
    return lambda: clf.predict(X[:n_sequences])


def prediction_of_pipeline() -> Call:
    """A prediction for one sequence with scaled steps."""
    X = draw(30)
    clf = SequenceRNNClassifier(32, max_iter=1, bidirectional=False, pooling="last", random_state=0)
    model = make_pipeline(PerStep(StandardScaler()), clf).fit(X, np.arange(30) % 3)
    return lambda: model.predict(X[:1])


def step_of_stream(cell: str) -> Call:
    """One step of one stream."""
    X = draw(30)
    clf = SequenceRNNClassifier(
        32, cell=cell, max_iter=1, bidirectional=False, pooling="last", random_state=0
    ).fit(X, np.arange(30) % 3)
    state = clf.initial_state()

    def step():
        nonlocal state
        state = clf.step(X[0][0], state)[1]

    return step


def scaling_of_steps() -> Call:
    """Scale the steps of 10,000 arrays."""
    X = draw(10_000)
    return lambda: PerStep(StandardScaler()).fit_transform(X)


def fit_of_perceptron(n_samples: int, units: int, n_iter: int) -> Call:
    """A fit of a perceptron; four samples are XOR."""
    X, y = np.array([[0.0, 0], [0, 1], [1, 0], [1, 1]]), np.array([0, 1, 1, 0])
    if n_samples > 4:
        rng = np.random.default_rng(0)
        X, y = rng.standard_normal((n_samples, 64)), rng.integers(10, size=n_samples)
    clf = XORMLPClassifier((units,), solver="adam", max_iter=n_iter, **SETTINGS)
    return lambda: clf.fit(X, y)


WORKLOADS: dict[str, Callable[[], Call]] = {
    "NumPy alone": numpy_alone,
    **{
        f"fit, {cell} of {units} units": lambda cell=cell, units=units: fit_of_cell(cell, units)
        for cell in ("rnn", "gru", "lstm")
        for units in (16, 32, 64)
    },
    "fit, untouched regressor": fit_untouched,
    "fit, classes of steps": fit_of_steps,
    "predict, 1 sequence": lambda: predictions(1),
    "predict, 1 sequence, pipeline": prediction_of_pipeline,
    "predict, 10,000 sequences": lambda: predictions(10_000),
    "step of a stream, rnn": lambda: step_of_stream("rnn"),
    "step of a stream, gru": lambda: step_of_stream("gru"),
    "scale the steps of 10,000 arrays": scaling_of_steps,
    "fit, perceptron on XOR": lambda: fit_of_perceptron(4, 100, 200),
    "fit, perceptron on 1,800 samples": lambda: fit_of_perceptron(1800, 100, 5),
}


def draw(n_sequences: int) -> list[np.ndarray]:
    """Draw sequences of 10 to 50 steps; the first has 30."""
    rng = np.random.default_rng(0)
    lengths = rng.integers(10, 50, n_sequences, endpoint=True)
    lengths[0] = 30
    return [rng.standard_normal((n_steps, FEATURES), dtype=np.float32) for n_steps in lengths]


def prepare(name: str) -> Call:
    """Return the call of a workload, without warnings about convergence."""
    warnings.simplefilter("ignore", ConvergenceWarning)
    return WORKLOADS[name]()
