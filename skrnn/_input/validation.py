"""X for an estimator: read once, and checked against what `fit` learned."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.utils.validation import _check_feature_names, _get_feature_names, validate_data

from skrnn._input.frames import feature_names, is_frame
from skrnn._input.reading import Reading, read
from skrnn._input.sequences import Sequences
from skrnn._input.static import static_names


def read_X(estimator: Any, X: Any, *, reset: bool) -> tuple[Reading, dict[str, Any]]:
    """Read X for an estimator; its values are of any type.

    With ``reset=True``, also returns the attributes that `fit` learns about X, which the
    estimator sets with `set_learned`:

    - `n_features_in_`: the number of columns of a 2-D X, else of features of a step;
    - `n_step_features_`: the number of features of a step;
    - `feature_names_in_`: the names of the columns of a 2-D X, or of the features of a step, only
      if X has names;
    - `_fitted_on_table`: whether X is 2-D;
    - `_n_columns`: the number of values in a row of a 2-D X, or in each sequence of a list of flat
      sequences of equal lengths, else None.

    With ``reset=False``, checks X against these attributes, and returns an empty dict.
    """
    reading = read(X, estimator.step_features)
    if reset:
        return reading, _learn(X, reading)
    return reading._replace(sequences=_check(estimator, X, reading)), {}


def set_learned(estimator: Any, learned: dict[str, Any]) -> None:
    """Set the attributes that `fit` learned of X; the names of an earlier fit are removed."""
    if learned:
        vars(estimator).pop("feature_names_in_", None)
        vars(estimator).pop("static_feature_names_in_", None)
        vars(estimator).update(learned)


def refuse_static(estimator: Any, sequences: Sequences) -> None:
    """Raise an error if sequences have static features, which the estimator does not use."""
    if sequences.static is not None:
        raise ValueError(
            f"X has the static features {static_names(sequences.static)}, which "
            f"{type(estimator).__name__} does not use. Pass X.without_static(). Another estimator "
            "can use X.static, for instance in a FeatureUnion."
        )


def _learn(X: Any, reading: Reading) -> dict[str, Any]:
    sequences, is_table = reading.sequences, reading.n_axes == 2
    if not sequences.n_features:
        raise ValueError(
            "All sequences of X are empty lists, which do not show the number of features. At "
            "least one step is required, or arrays of shape (0, n_features)."
        )
    names = _get_feature_names(X) if is_table else feature_names(sequences.values)
    return {
        "n_features_in_": reading.n_columns if is_table else sequences.n_features,
        "n_step_features_": sequences.n_features,
        "_fitted_on_table": is_table,
        "_n_columns": reading.n_columns,
        **({} if names is None else {"feature_names_in_": names}),
    }


def _check(estimator: Any, X: Any, reading: Reading) -> Sequences:
    """Check names and numbers of features, with scikit-learn's messages for tables."""
    sequences, name = reading.sequences, type(estimator).__name__
    is_table = reading.n_axes == 2
    if is_table and estimator._fitted_on_table:
        validate_data(estimator, X, reset=False, skip_check_array=True)
    elif is_table and estimator._n_columns not in (None, reading.n_columns):
        raise ValueError(
            f"X has {reading.n_columns} columns, but {name} was fitted on sequences of "
            f"{estimator._n_columns} values each."
        )
    elif is_table and estimator._n_columns is None:
        _refuse_single_sequence(name, reading)
    if not sequences.values.shape[0]:  # only empty sequences
        return sequences.with_values(np.empty((0, estimator.n_step_features_)))
    may_differ = is_frame(sequences.values) or hasattr(estimator, "feature_names_in_")
    if may_differ and not is_table and not estimator._fitted_on_table:
        _check_feature_names(estimator, sequences.values, reset=False)
    if sequences.n_features != estimator.n_step_features_:
        hint = (
            " In a 2-D X each row is a flat sequence. Pass a single sequence as [X], and sequences "
            "of one step as X[:, None, :]."
        )
        raise ValueError(
            f"X has {sequences.n_features} features per step, but {name} is expecting "
            f"{estimator.n_step_features_} features per step, as in fit."
            f"{hint if is_table else ''}"
        )
    return sequences


def _refuse_single_sequence(name: str, reading: Reading) -> None:
    """Refuse a 2-D X that may be one sequence, (n_steps, n_features), or a step in each row.

    With a single row, both are the same.
    """
    n_sequences, n_columns = len(reading.sequences), reading.n_columns
    if n_columns == reading.sequences.n_features and n_sequences > 1:
        raise ValueError(
            f"X has shape ({n_sequences}, {n_columns}), and {name} was fitted on sequences in "
            f"another form, with n_step_features_={n_columns}. Pass [X] if X is one sequence of "
            f"{n_sequences} steps, and X[:, None, :] if it is {n_sequences} sequences of one step."
        )
