"""Labels of steps as a path through a conditional random field."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from skrnn._numeric.crf import best_paths, marginals, viterbi
from skrnn._numeric.packing import Packing, reduce_steps
from skrnn._numeric.training import Ragged, Rows, pieces
from skrnn._training.targets import ClassTarget

# Numbers in the largest array of a search of several paths.
_SEARCH_SIZE = 2**22


@dataclass(frozen=True)
class PathTarget(ClassTarget):
    """Class labels of steps, whose raw predictions are a `Chain`.

    The methods raise a ValueError if the constraints leave no path of the length of a sequence.
    """

    def labels(self, raw: Any) -> np.ndarray:
        """Predict the labels of the best path."""
        index, is_allowed = viterbi(raw)
        _refuse_no_path(is_allowed, raw.packing.lengths)
        return self.classes[index]

    def decision(self, raw: Any) -> np.ndarray:
        """Compute scikit-learn's decision values from the emissions."""
        return super().decision(raw.emissions)

    def probabilities(self, raw: Any) -> np.ndarray:
        """Compute the marginal probability of each class."""
        p, lengths = marginals(raw), raw.packing.lengths
        _refuse_no_path(reduce_steps(np.maximum, p.max(axis=1), lengths, empty=1) > 0, lengths)
        return p

    def log_probabilities(self, raw: Any) -> np.ndarray:
        """Compute the logarithm of the marginals, ``-inf`` where they are 0."""
        with np.errstate(divide="ignore"):
            return np.log(self.probabilities(raw))

    def predictions(self, raw: np.ndarray) -> np.ndarray:
        """Compute probabilities (n_streams, n_classes) from logarithms, for streams."""
        if np.isnan(raw).any():
            stream = np.isnan(raw).any(axis=1).argmax()
            raise ValueError(f"The constraints allow no label at this step of stream {stream}.")
        return np.exp(raw)

    def score(self, raw: Any, samples: Rows | Ragged) -> float:
        """Compute the share of the steps whose label in the best path is right."""
        right = viterbi(raw)[0] == samples.y
        return float(samples.weight @ right / samples.weight.sum())

    def best_paths(self, raw: Any, n_paths: int) -> tuple[list, list]:
        """Find the most probable paths of each sequence, and their probabilities."""
        n_labels, lengths = len(self.classes), raw.packing.lengths
        n_rows = max(1, _SEARCH_SIZE // (n_paths * n_labels**2))
        paths, probabilities = [], []
        for piece in pieces(lengths, n_rows=n_rows):
            rows = slice(piece.first_row, piece.first_row + piece.lengths.sum())
            chain = raw._replace(emissions=raw.emissions[rows], packing=Packing(piece.lengths))
            labels, log_p = best_paths(chain, n_paths)
            exist = (log_p > -np.inf).sum(axis=1)
            parts = np.split(labels, np.cumsum(piece.lengths)[:-1])
            paths += [self.classes[p[:, :n].T] for p, n in zip(parts, exist, strict=True)]
            probabilities += [np.exp(p[:n]) for p, n in zip(log_p, exist, strict=True)]
        _refuse_no_path(np.array([len(p) > 0 for p in probabilities]), lengths)
        return paths, probabilities


def _refuse_no_path(is_allowed, lengths):
    if not is_allowed.all():
        i = int(is_allowed.argmin())
        raise ValueError(
            f"The constraints allow no labels for all {lengths[i]} steps of sequence {i}."
        )
