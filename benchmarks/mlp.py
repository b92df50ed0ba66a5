"""Benchmark of the multi-layer perceptrons of skrnn and scikit-learn."""

import warnings

import numpy as np
from report import Figure, Table
from sklearn.datasets import load_digits
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPClassifier
from sklearn.preprocessing import scale
from timing import alternately, ratio_of, time_of

from skrnn import XORMLPClassifier
from skrnn.datasets import make_gate

CLASSIFIERS = {"skrnn": XORMLPClassifier, "scikit-learn": MLPClassifier}
ITERATION_TARGET, FIT_TARGET, WIDE_TARGET = 8, 2, 1


def run(quick: bool = False) -> list[Table]:
    """Run all benchmarks of this module."""
    return [iterations_on_xor(quick), fits_on_digits(quick), fits_of_wide_networks(quick)]


def iterations_on_xor(quick):
    """Time an iteration on four samples, where overhead dominates."""
    n_iter = 100 if quick else 2000
    table = Table(
        "One iteration of a perceptron on XOR (Adam, one batch of four samples)",
        ["hidden units", *CLASSIFIERS, "scikit-learn / skrnn"],
        note=f"The time of a fit of {n_iter} iterations, divided by the number of iterations.",
    )
    X, y = make_gate("xor")
    for units in (4, 100):
        calls = fits(X, y, units, n_iter)
        samples = {name: t / n_iter for name, t in alternately(calls, 3 if quick else 15).items()}
        table.add(str(units), *figures(samples, ITERATION_TARGET))
    return table


def fits_on_digits(quick):
    """Time a fit on 1797 samples of 64 features in batches of 200."""
    n_iter = 3 if quick else 20
    table = Table(
        f"Whole fit of a perceptron on the digits (Adam, {n_iter} epochs)",
        ["hidden units", "dtype", *CLASSIFIERS, "scikit-learn / skrnn", "accuracy of both"],
    )
    X, y = load_digits(return_X_y=True)
    for units in (16, 100, 256):
        for dtype in (np.float32, np.float64):
            x = scale(X).astype(dtype)
            calls = fits(x, y, units, n_iter)
            samples = alternately(calls, 3 if quick else 11)
            accuracies = [str(Figure(call().score(x, y))) for call in calls.values()]
            table.add(
                str(units), dtype.__name__, *figures(samples, FIT_TARGET), ", ".join(accuracies)
            )
    return table


def fits_of_wide_networks(quick):
    """Time a fit on rows as wide as an image of 28 by 28 pixels, in batches of 200."""
    n_samples = 2000 if quick else 10_000
    table = Table(
        f"Whole fit of a wide perceptron (Adam, {n_samples} samples of 784 features)",
        ["hidden units", "dtype", "epochs", *CLASSIFIERS, "scikit-learn / skrnn"],
        note="Both libraries may use all cores. Before the first epoch, skrnn also computes the "
        "loss of the initial weights.",
    )
    rng = np.random.default_rng(0)
    X, y = rng.random((n_samples, 784)), rng.integers(0, 10, n_samples)
    for units in (512, 1024):
        for dtype in (np.float32, np.float64):
            for n_iter in (1, 5):
                calls = fits(X.astype(dtype), y, units, n_iter)
                samples = alternately(calls, 1 if quick else 5)
                of_row = figures(samples, WIDE_TARGET)
                table.add(str(units), dtype.__name__, str(n_iter), *of_row)
    return table


def fits(X, y, units, n_iter):
    """Return functions that fit each classifier for exactly `n_iter` iterations."""
    params = {
        "hidden_layer_sizes": (units,),
        "solver": "adam",
        "max_iter": n_iter,
        "tol": 0,
        "n_iter_no_change": 10**6,
        "random_state": 0,
    }

    def make(classifier):
        def fit():
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", ConvergenceWarning)
                return classifier(**params).fit(X, y)

        return fit

    return {name: make(classifier) for name, classifier in CLASSIFIERS.items()}


def figures(samples, target):
    """Return both times and their ratio."""
    times = [time_of(samples, name) for name in CLASSIFIERS]
    return [*times, ratio_of(samples, "scikit-learn", at_least=target)]
