"""Predictions that cannot be fed back as the next steps of sequences."""

from __future__ import annotations

import numpy as np

_ADVICE = (
    "Fit on the series in the form in which predictions are fed back. For instance, if it grows, "
    "take the logarithm of the series before make_windows, and np.exp of the forecast, and do not "
    "transform the targets alone."
)


def refuse_not_finite(vectors: np.ndarray, numbers: np.ndarray, ahead: np.ndarray) -> None:
    """Refuse predictions (n, n_targets) that are not finite, for the sequences of these numbers.

    `ahead` is how many steps after the end of each sequence they are.
    """
    at_fault = ~np.isfinite(vectors)
    if at_fault.any():
        row, target = np.argwhere(at_fault)[0].tolist()
        of_target = f" of target {target}" if vectors.shape[1] > 1 else ""
        what = f"is {vectors[row, target]}{of_target}"
        raise ValueError(not_finite(numbers[row], ahead[row], what))


def not_finite(number: int, ahead: int, what: str) -> str:
    """Say which prediction is not finite, and why."""
    source = "It was predicted from X; nothing was fed back before it."
    if ahead > 1:
        source = (
            "It was predicted from earlier predictions, which were appended to X as its next "
            f"steps. {_ADVICE}"
        )
    return f"The prediction {_steps(ahead)} after the end of sequence {number} {what}. {source}"


def refused(error: ValueError, vectors: np.ndarray, ahead: int) -> str:
    """Say that an estimator refused X after predictions were appended, the last of them `vectors`.

    X may hold values that the user has not passed, such as the logarithm of a negative prediction.
    """
    return (
        f"The estimator refused X after its predictions up to {_steps(ahead)} ahead were appended "
        f"as next steps: {error} The predictions appended last are between {vectors.min():.3g} and "
        f"{vectors.max():.3g}. If they are at fault: {_ADVICE}"
    )


def _steps(number: int) -> str:
    return f"{number} step{'' if number == 1 else 's'}"
