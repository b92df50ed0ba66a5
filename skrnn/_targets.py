"""Class labels and the scores of a network: how the one is written as the other.

A network has a score for each class and a softmax, or a score for each yes/no question and
the logistic function: one question for two classes, one for each label of multilabel data.
Softmax targets are class indices ``(n,)``, logistic ones 0 and 1 ``(n, n_outputs)``.
"""

from __future__ import annotations

import numpy as np
from sklearn.utils import assert_all_finite
from sklearn.utils.multiclass import check_classification_targets, type_of_target, unique_labels
from sklearn.utils.validation import column_or_1d

from skrnn._numeric.activations import log_logistic, log_softmax, logistic, softmax


def check_labels(y) -> tuple[np.ndarray, np.ndarray]:
    """Check class labels; returns them as an array, and the classes among them.

    Multilabel targets are indicator matrices ``(n_samples, n_labels)``, whose classes are the
    column numbers; any others are made 1-D.
    """
    _refuse_strange(y)
    check_classification_targets(y)
    kind = type_of_target(y, input_name="y")
    if kind == "multilabel-indicator":
        y = y.toarray() if hasattr(y, "toarray") else np.asarray(y)
        return y, np.arange(y.shape[1])
    if kind == "multiclass-multioutput":
        raise ValueError(
            f"y has several columns of more than two classes, shape {np.shape(y)}; accepted are "
            "one column of classes, or a multilabel matrix of 0 and 1."
        )
    y = column_or_1d(y, warn=True)
    return y, unique_labels(y)


def _refuse_strange(y):
    """Refuse what scikit-learn would refuse less clearly, or only after a warning of NumPy's."""
    try:
        array = np.asarray(y)
    except ValueError:
        array = None  # lists of unequal lengths
    if array is None or (array.ndim and isinstance(array.flat[0] if array.size else 0, np.ndarray)):
        raise ValueError(
            "y holds an array for each sequence, but one label for each is needed; "
            "StepRNNClassifier takes a label for each step."
        )
    if array.dtype.kind == "f":
        assert_all_finite(array, input_name="y")


def output_of(y: np.ndarray, classes: np.ndarray, wanted: str) -> tuple[str, int]:
    """Name the output activation and count the outputs for labels `y`."""
    if y.ndim == 2:
        return "logistic", len(classes)
    if wanted == "softmax" or len(classes) > 2:
        return "softmax", len(classes)
    return "logistic", 1


def encode(y: np.ndarray, classes: np.ndarray, out_activation: str, dtype) -> np.ndarray:
    """Write labels as targets of the loss."""
    if y.ndim == 2:
        return y.astype(dtype)
    index = np.searchsorted(classes, y)
    return index if out_activation == "softmax" else index[:, None].astype(dtype)


def labels(targets: np.ndarray, classes: np.ndarray, out_activation: str) -> np.ndarray:
    """Undo `encode`."""
    if out_activation == "softmax":
        return classes[targets]
    return classes[targets[:, 0].astype(int)] if targets.shape[1] == 1 else targets.astype(int)


def decode(scores: np.ndarray, classes: np.ndarray, out_activation: str) -> np.ndarray:
    """Read the predicted labels off the scores."""
    if out_activation == "softmax":
        return classes[scores.argmax(axis=1)]
    if scores.shape[1] == 1:
        return classes[(scores[:, 0] > 0).astype(int)]
    return (scores > 0).astype(int)


def margins(scores: np.ndarray, out_activation: str) -> np.ndarray:
    """Make scores what scikit-learn calls decision values: one column less for two classes."""
    if scores.shape[1] == 1:
        return scores[:, 0]
    if out_activation == "softmax" and scores.shape[1] == 2:
        return scores[:, 1] - scores[:, 0]
    return scores


def probabilities(scores: np.ndarray, out_activation: str) -> np.ndarray:
    """Turn scores into one probability for each class, two columns for two classes."""
    if out_activation == "softmax":
        return softmax(scores)
    p = logistic(scores)
    return np.hstack([1 - p, p]) if p.shape[1] == 1 else p


def log_probabilities(scores: np.ndarray, out_activation: str) -> np.ndarray:
    """Turn scores into log-probabilities, finite where the probability itself would be 0."""
    if out_activation == "softmax":
        return log_softmax(scores)
    yes = log_logistic(scores)
    return np.hstack([log_logistic(-scores), yes]) if scores.shape[1] == 1 else yes


def accuracy(scores, targets, weight, out_activation: str) -> float:
    """Weighted share of the samples whose every label the scores get right."""
    if out_activation == "softmax":
        right = scores.argmax(axis=1) == targets
    else:
        right = ((scores > 0) == (targets > 0.5)).all(axis=1)
    return float(weight @ right / weight.sum())


def attainable_accuracy(keys: list[bytes], targets: np.ndarray, weight: np.ndarray) -> float:
    """Bound the accuracy of any classifier of these samples: equal ones get equal answers.

    `keys` has something for each sample that is equal for equal samples only.
    """
    votes: dict[bytes, dict] = {}
    for key, target, w in zip(keys, targets.tolist(), weight.tolist(), strict=True):
        ballot = votes.setdefault(key, {})
        answer = str(target)
        ballot[answer] = ballot.get(answer, 0) + w
    return sum(max(ballot.values()) for ballot in votes.values()) / float(weight.sum())


def check_finite(outputs):
    """Refuse outputs that overflowed."""
    if not np.isfinite(outputs).all():
        first = np.isfinite(outputs).all(axis=1).argmin()
        raise ValueError(
            f"Output {first} for X is not finite: its values are too large for the weights. Scale "
            "X as in fit."
        )
    return outputs
