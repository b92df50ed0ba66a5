"""Fixed-size features of sequences, and sequences made of the steps before each step."""

import warnings

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin, clone

from benchmarks.leaderboard.data import ragged
from skrnn import Sequences


def as_arrays(X):
    """Return an array for each sequence; static columns are repeated at every step."""
    if not isinstance(X, Sequences) or X.static is None:
        return X
    pairs = zip(X, X.static, strict=True)
    return ragged([np.column_stack([x, np.tile(static, (len(x), 1))]) for x, static in pairs])


def beside_static(rows, X):
    """Return the row of each sequence, followed by its static columns if there are any."""
    is_table = isinstance(X, Sequences) and X.static is not None
    return np.hstack([rows, X.static]) if is_table else rows


class Flat(TransformerMixin, BaseEstimator):
    """Put the last steps of sequences into one row each, with zeros before shorter sequences.

    The number of steps is that of the longest training sequence, but at most `at_most`. Static
    columns follow the steps.
    """

    def __init__(self, at_most=None):
        self.at_most = at_most

    def fit(self, X, y=None):
        """Store the number of steps."""
        longest = max(map(len, X))
        self.n_steps_ = longest if self.at_most is None else min(longest, self.at_most)
        return self

    def transform(self, X):
        """Return an array of shape (n_sequences, n_steps * n_features + n_static_columns)."""
        out = np.zeros((len(X), self.n_steps_, X[0].shape[1]))
        for row, sequence in zip(out, X, strict=True):
            end = sequence[-self.n_steps_ :]
            row[len(row) - len(end) :] = end
        return beside_static(out.reshape(len(X), -1), X)


def channels(X, n_steps):
    """Return an array (n_sequences, n_features, n_steps), with zeros after shorter sequences."""
    X = as_arrays(X)
    out = np.zeros((len(X), X[0].shape[1], n_steps))
    for row, sequence in zip(out, X, strict=True):
        row[:, : len(sequence)] = sequence[:n_steps].T
    return out


def summarize(X):
    """Return mean, deviation, least and largest value of each column, and the first and last.

    Missing values are left out. Static columns follow.
    """
    functions = (np.nanmean, np.nanstd, np.nanmin, np.nanmax)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Mean of empty|All-NaN|Degrees of freedom")
        rows = [[f(x, axis=0) for f in functions] + [first(x), first(x[::-1])] for x in X]
    return beside_static(np.array(rows).reshape(len(rows), -1), X)


def first(x):
    """Return the first observed value of each column, or NaN."""
    return x[np.argmax(~np.isnan(x), axis=0), np.arange(x.shape[1])]


def fill_forward(X):
    """Replace missing values by the last observed value of the column, or else by the first.

    Values of a column without any observation become 0.
    """
    filled = []
    for x in X:
        steps = np.arange(len(x))[:, None]
        last = np.maximum.accumulate(np.where(np.isnan(x), -1, steps), axis=0)
        values = np.where(last < 0, first(x), np.take_along_axis(x, last, axis=0))
        filled.append(np.nan_to_num(values))
    return ragged(filled)


class OnWindows(BaseEstimator):
    """Apply an estimator of sequences to each step, with the steps up to it as a sequence.

    A window has `length` steps; before the start of a sequence, its first step is repeated.
    """

    def __init__(self, estimator, length=30):
        self.estimator = estimator
        self.length = length

    def fit(self, X, y):
        """Fit the estimator on the windows of all steps."""
        self.estimator_ = clone(self.estimator).fit(self._windows(X), np.concatenate(list(y)))
        return self

    def predict(self, X):
        """Return an array of predictions for each sequence."""
        flat = self.estimator_.predict(self._windows(X))
        return np.split(flat, np.cumsum([len(x) for x in X])[:-1])

    def _windows(self, X):
        parts = []
        for x in as_arrays(X):
            padded = np.concatenate([np.repeat(x[:1], self.length - 1, axis=0), x])
            view = np.lib.stride_tricks.sliding_window_view(padded, self.length, axis=0)
            parts += list(view.transpose(0, 2, 1))
        return ragged(parts)
