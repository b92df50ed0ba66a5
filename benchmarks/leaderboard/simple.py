"""Simple methods as estimators: last value, seasonal value, and nearest neighbour by warping."""

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin

from benchmarks.leaderboard.features import as_arrays

CELLS = 4_000_000  # of the table that `warping_distances` holds at once


class LastValue(RegressorMixin, BaseEstimator):
    """Predict the last value of one column.

    The column is the one that has the smallest error on the training part.
    """

    def fit(self, X, y):
        """Choose the column."""
        y = np.asarray(y).reshape(len(X), -1)
        last = np.array([x[-1] for x in X])
        self.n_outputs_ = y.shape[1]
        self.column_ = int(np.argmin([np.mean((y - x[:, None]) ** 2) for x in last.T]))
        return self

    def predict(self, X):
        """Return the last value, repeated if there are several targets."""
        last = np.array([x[-1, self.column_] for x in X])
        return last if self.n_outputs_ == 1 else np.repeat(last[:, None], self.n_outputs_, axis=1)


class SeasonalValue(RegressorMixin, BaseEstimator):
    """Predict the value of one period before.

    The period and the column are those with the smallest error on the training part. With several
    targets, the last period is repeated.
    """

    def fit(self, X, y):
        """Choose the column and the period."""
        self.n_outputs_ = 1 if np.ndim(y) == 1 else np.shape(y)[1]
        shortest = min(map(len, X))
        choices = [(c, p) for c in range(X[0].shape[1]) for p in range(2, shortest + 1)]
        errors = [np.mean((self._repeat(X, *choice) - y) ** 2) for choice in choices]
        self.column_, self.period_ = choices[int(np.argmin(errors))]
        return self

    def predict(self, X):
        """Return the values of the last period."""
        return self._repeat(X, self.column_, self.period_)

    def _repeat(self, X, column, period):
        steps = np.arange(self.n_outputs_) % period - period
        values = np.array([x[steps, column] for x in X])
        return values[:, 0] if self.n_outputs_ == 1 else values


class WarpingNeighbour(ClassifierMixin, BaseEstimator):
    """Predict the class of the nearest training sequence by dynamic time warping."""

    def fit(self, X, y):
        """Store the training sequences."""
        self.X_, self.y_ = as_arrays(X), np.asarray(y)
        self.classes_ = np.unique(self.y_)
        return self

    def predict(self, X):
        """Return the classes of the nearest sequences."""
        return self.y_[warping_distances(as_arrays(X), self.X_).argmin(axis=1)]

    def predict_proba(self, X):
        """Return 1 for the predicted class and 0 for the others."""
        return (self.predict(X)[:, None] == self.classes_).astype(float)


def warping_distances(X, others):
    """Return the squared distances by dynamic time warping of all pairs of sequences.

    The distance of two sequences is the least sum of squared differences of steps over all paths
    that align them. All pairs advance together; later steps than their ends change nothing.
    """
    longest = max(map(len, others))
    at_once = max(1, CELLS // (len(others) * longest))
    chunks = [X[start : start + at_once] for start in range(0, len(X), at_once)]
    B, ends = _padded(others)
    return np.vstack([_distances(*_padded(chunk), B, ends) for chunk in chunks])


def _padded(X):
    lengths = np.array([len(x) for x in X])
    out = np.zeros((len(X), lengths.max(), X[0].shape[1]))
    for row, x in zip(out, X, strict=True):
        row[: len(x)] = x
    return out, lengths


def _distances(A, lengths, B, ends):
    """Return the distances of the sequences in `A` to those in `B`."""
    result = np.empty((len(A), len(B)))
    above = np.full((B.shape[1] + 1, len(A), len(B)), np.inf)  # sums up to the previous step of A
    above[0] = 0
    of_B = np.sum(B**2, axis=2).T[:, None, :]
    for i in range(A.shape[1]):
        products = np.tensordot(B, A[:, i], axes=([2], [1])).transpose(1, 2, 0)
        costs = np.maximum(of_B + np.sum(A[:, i] ** 2, axis=1)[:, None] - 2 * products, 0)
        sums = np.full_like(above, np.inf)
        least = np.minimum(above[1:], above[:-1])
        for j, cost in enumerate(costs):
            np.add(cost, np.minimum(least[j], sums[j]), out=sums[j + 1])
        ended = lengths == i + 1
        result[ended] = sums[ends, :, np.arange(len(B))].T[ended]
        above = sums
    return result
