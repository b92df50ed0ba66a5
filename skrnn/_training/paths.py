"""Labels of steps as a path through a conditional random field."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from skrnn._numeric.crf import best_paths, marginals, viterbi
from skrnn._numeric.packing import reduce_steps
from skrnn._training.targets import ClassTarget

if TYPE_CHECKING:
    from skrnn._numeric.packing import Packing


@dataclass(frozen=True)
class PathTarget(ClassTarget):
    """Class labels of steps, whose raw predictions are a `Chain`.

    The methods raise a ValueError if the constraints leave no path of the length of a sequence.
    """

    def labels(self, raw: Any) -> np.ndarray:
        """Predict the labels of the best path."""
        index, is_allowed = viterbi(raw)
        _refuse_no_path(is_allowed, raw.packing)
        labels: np.ndarray = self.classes[index]
        return labels

    def decision(self, raw: Any) -> np.ndarray:
        """Compute scikit-learn's decision values from the emissions."""
        return super().decision(raw.emissions)

    def probabilities(self, raw: Any) -> np.ndarray:
        """Compute the marginal probability of each class."""
        p, packing = marginals(raw), raw.packing
        largest = reduce_steps(np.maximum, p.max(axis=1), packing.lengths, empty=1)
        _refuse_no_path(largest > 0, packing)
        return p

    def log_probabilities(self, raw: Any) -> np.ndarray:
        """Compute the logarithm of the marginals, ``-inf`` where they are 0."""
        with np.errstate(divide="ignore"):
            log_p: np.ndarray = np.log(self.probabilities(raw))
        return log_p

    def predictions(self, raw: np.ndarray) -> np.ndarray:
        """Compute probabilities (n_streams, n_classes) from logarithms, for streams."""
        if np.isnan(raw).any():
            stream = np.isnan(raw).any(axis=1).argmax()
            raise ValueError(f"The constraints allow no label at this step of stream {stream}.")
        p: np.ndarray = np.exp(raw)
        return p

    def outcomes(self, raw: Any, targets: np.ndarray) -> np.ndarray:
        """Find out which steps have the right label in the best path."""
        is_right: np.ndarray = viterbi(raw)[0] == targets
        return is_right

    def best_paths(self, raw: Any, n_paths: int) -> np.ndarray:
        """Find the most probable paths of each sequence, and their probabilities.

        Returns an object array ``(n_sequences, 2)``.
        """
        lengths = raw.packing.lengths
        labels, log_p = best_paths(raw, n_paths)
        exist = (log_p > -np.inf).sum(axis=1)
        _refuse_no_path(exist > 0, raw.packing)
        found = np.empty((len(lengths), 2), object)
        parts = np.split(labels, np.cumsum(lengths)[:-1])
        for i, (of_sequence, n) in enumerate(zip(parts, exist, strict=True)):
            found[i, 0], found[i, 1] = self.classes[of_sequence[:, :n].T], np.exp(log_p[i, :n])
        return found


def _refuse_no_path(is_allowed: np.ndarray, packing: Packing) -> None:
    if not is_allowed.all():
        i = int(is_allowed.argmin())
        raise ValueError(
            f"The constraints allow no labels for all {packing.lengths[i]} steps of sequence "
            f"{packing.first_sequence + i}."
        )
