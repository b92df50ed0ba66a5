"""Labels or numbers of steps, joined for a metric."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from sklearn.utils import assert_all_finite

from skrnn._compat import check_sample_weight
from skrnn._input.containers import list_or_array, read_list
from skrnn._input.places import place_of_row
from skrnn._input.steps import flatten_steps, flatten_weights
from skrnn._input.values import missing_in, refuse_overflow
from skrnn._numeric.packing import starts_of

if TYPE_CHECKING:
    from typing import Any


def flatten(
    y_true: Any, y_pred: Any, sample_weight: Any
) -> tuple[np.ndarray, np.ndarray, np.ndarray | None, np.ndarray]:
    """Flatten targets, predictions and weights; also return each step's sequence and number.

    A step without a target is left out if its weight is 0.
    """
    ragged = read_list(list_or_array(y_pred, "y_pred"), "y_pred")
    lengths = np.array([len(steps) for steps in ragged])
    sequence = np.repeat(np.arange(len(lengths)), lengths)
    places = np.column_stack([sequence, np.arange(len(sequence)) - starts_of(lengths)[sequence]])
    truth = flatten_steps(y_true, lengths, "y_true")
    predictions = flatten_steps(ragged, lengths, "y_pred")
    _require_values(_without_value(predictions), lengths, "y_pred")
    missing = _without_value(truth)
    if sample_weight is None:
        _require_values(missing, lengths, "y_true")
    else:
        sample_weight = flatten_weights(sample_weight, lengths)
        _require_values(missing & (sample_weight != 0), lengths, "y_true")
        if missing.any():
            kept = ~missing
            truth = np.array(truth[kept].tolist())  # no longer of objects
            predictions, sample_weight = predictions[kept], sample_weight[kept]
            places = places[kept]
    assert_all_finite(truth, input_name="y_true")
    assert_all_finite(predictions, input_name="y_pred")
    return truth, predictions, sample_weight, places


def _without_value(values: np.ndarray) -> np.ndarray:
    """Return at which steps a value is missing."""
    return np.asarray(missing_in(values).any(axis=tuple(range(1, values.ndim))))


def _require_values(missing: np.ndarray, lengths: np.ndarray, name: str) -> None:
    if missing.any():
        raise ValueError(
            f"{name} has no value at {place_of_row(int(missing.argmax()), lengths)}, where a label "
            "or number is required. A step may lack its true value only if its weight is 0."
        )


def check_weights(sample_weight: Any, rows: np.ndarray) -> np.ndarray:
    """Make an array of the weights of rows; all are 1 if None is given."""
    with refuse_overflow("sample_weight"):
        weight: np.ndarray = check_sample_weight(
            sample_weight, rows, dtype=float, ensure_non_negative=True
        )
        total = weight.sum()
    if not 0 < total < np.inf:
        raise ValueError(f"The sum of sample_weight must be positive and finite, got {total}.")
    return weight
