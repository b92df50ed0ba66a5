"""Ragged sequences: the one door through which they enter."""

from __future__ import annotations

from numbers import Integral, Real
from typing import NamedTuple

import numpy as np
from scipy.sparse import issparse
from sklearn.utils.validation import check_array, check_consistent_length, validate_data

from skrnn._containers import (
    as_float,
    collection_of,
    column_names,
    in_native_order,
    is_nested,
    list_or_array,
    overflow_refused,
    refuse_masked,
    refuse_times,
    steps_of,
)
from skrnn._numeric.packing import starts_of

_FLOATS = (np.float64, np.float32)


class Sequences(NamedTuple):
    """Sequences of any lengths, one after the other in one array.

    Attributes
    ----------
    values : ndarray of shape (n_steps_total, n_features)
        All steps of the first sequence, then all steps of the second, and so on.

    lengths : ndarray of int of shape (n_sequences,)
        Number of steps of each sequence.

    Examples
    --------
    >>> from skrnn import as_sequences
    >>> sequences = as_sequences([[1, 2, 3], [4]])
    >>> sequences.lengths
    array([3, 1])
    >>> sequences.to_padded()[..., 0]
    array([[ 1.,  2.,  3.],
           [ 4., nan, nan]])
    """

    values: np.ndarray
    lengths: np.ndarray

    def to_ragged(self) -> np.ndarray:
        """Make a 1-D object array of one ``(n_steps, n_features)`` array for each sequence."""
        return cut(self.values, self.lengths)

    def to_padded(self, n_steps: int | None = None, fill_value: float = np.nan) -> np.ndarray:
        """Make an array ``(n_sequences, n_steps, n_features)``, filled up behind the ends."""
        n_steps = int(self.lengths.max()) if n_steps is None else n_steps
        shape = (len(self.lengths), n_steps, self.values.shape[1])
        # Integers have no NaN, so that with NaN behind the ends they become floats.
        dtype = np.result_type(self.values, np.min_scalar_type(fill_value))
        padded = np.full(shape, fill_value, dtype)
        padded[np.arange(n_steps) < self.lengths[:, None]] = self.values
        return padded


def as_sequences(X, *, step_features: int | None = None, numeric: bool = True) -> Sequences:
    """Read sequences in any of the forms that the estimators of this package accept.

    Parameters
    ----------
    X : list, tuple, 1-D object array, Series, list array, 2-D or 3-D array, or DataFrame
        - a list, tuple, object array or Series holds one array for each sequence, of shape
          ``(n_steps, n_features)``, or ``(n_steps,)`` for one feature; so do a column of lists
          of polars or pyarrow, a DataFrame or table of one such column, and an awkward array;
        - a 3-D array is ``(n_sequences, n_steps, n_features)``;
        - a 2-D array or DataFrame holds a sequence in each row, `step_features` values
          after `step_features` values.

        In every form, steps at the end of a sequence that are NaN in all features are
        padding, and dropped. Null means the same as NaN.

    step_features : int, default=None
        Number of features of a step where a sequence is given flat. None means 1.

    numeric : bool, default=True
        Whether the values must be finite numbers. They become float32 if all were float32,
        else float64. With False, values stay as they are.

    Returns
    -------
    sequences : Sequences
        A named tuple of `values` (n_steps_total, n_features) and `lengths` (n_sequences,).

    Raises
    ------
    TypeError
        If X is sparse or no collection.

    ValueError
        If there is no sequence, or one is empty, has another number of features than the
        first, or holds NaN before its end, infinity, complex numbers or text. The message
        says which sequence, and which step.

    Examples
    --------
    >>> import numpy as np
    >>> from skrnn import as_sequences
    >>> as_sequences([np.ones((2, 3)), np.zeros((4, 3))]).lengths
    array([2, 4])
    >>> as_sequences(np.array([[1.0, 2.0], [3.0, np.nan]])).lengths
    array([2, 1])
    >>> as_sequences([[1.0, np.nan, 2.0]])
    Traceback (most recent call last):
    ...
    ValueError: X contains NaN at step 1 of sequence 0. NaN is understood as padding only where
    every feature of the last steps of a sequence is NaN; impute missing values first.
    """
    if step_features is not None and (not isinstance(step_features, Integral) or step_features < 1):
        raise ValueError(f"step_features must be None or an integer >= 1, got {step_features!r}.")
    sequences = X if isinstance(X, Sequences) else _read(collection_of(X), step_features)
    return check_numeric(sequences) if numeric else sequences


def _read(X: list | np.ndarray, step_features: int | None) -> Sequences:
    if isinstance(X, list):
        return _without_padding(*_from_list(X, step_features))
    return _without_padding(*_from_array(X, step_features))


def validate_sequences(estimator, X, *, reset: bool, numeric: bool = True) -> Sequences:
    """Read X for an estimator: set what `fit` learns of its shape, or check it against that.

    Sets `n_features_in_`: the number of columns of a 2-D X, the number of features of a step
    otherwise; `n_step_features_`: always the latter; and `feature_names_in_`.
    """
    array = collection_of(X)
    table = not isinstance(array, list) and array.ndim < 3
    n_columns = np.shape(array)[1] if table and np.ndim(array) == 2 else None
    if table and (reset or estimator._fitted_on_table):
        # Names and number of columns, and scikit-learn's own messages about tables.
        frame = X if column_names(X) is not None else in_native_order(np.asarray(array))
        refuse_times(frame, "X")
        with overflow_refused("X"):
            array = validate_data(
                estimator, frame, reset=reset, dtype=_FLOATS, ensure_all_finite="allow-nan"
            )
    X = X if isinstance(X, Sequences) else array
    sequences = as_sequences(X, step_features=estimator.step_features, numeric=numeric)
    if reset:
        if not table:
            vars(estimator).pop("feature_names_in_", None)
        estimator._fitted_on_table = table
        estimator._n_columns = n_columns if table else _common_width(array)
    elif table and estimator._n_columns not in (None, n_columns):
        raise ValueError(
            f"X has {n_columns} columns, but {type(estimator).__name__} was fitted on "
            f"sequences of {estimator._n_columns} values each. Pass sequences of other lengths as "
            "a list."
        )
    n_features = sequences.values.shape[1]
    if reset:
        estimator.n_step_features_ = n_features
        if not table:
            estimator.n_features_in_ = n_features
    elif n_features != estimator.n_step_features_:
        hint = (
            " A 2-D X holds one flat sequence in each row: pass a single sequence as [X], and "
            f"flat ones with step_features={estimator.n_step_features_}."
        )
        raise ValueError(
            f"X has {n_features} features per step, but {type(estimator).__name__} is expecting "
            f"{estimator.n_step_features_} features per step, as in fit.{hint if table else ''}"
        )
    return sequences


def lay_out_steps(values, lengths: np.ndarray, name: str) -> np.ndarray:
    """Lay values that stand beside the steps of sequences out in rows, like the steps.

    `values` is a list, object array or Series of arrays ``(n_steps,)`` or ``(n_steps, k)``, or
    a 2-D or 3-D array beside a padded `X`, where the entries behind the end of a sequence are
    not looked at.
    """
    refuse_masked(values, name)
    values = list_or_array(values, name)
    check_consistent_length(lengths, values)
    if isinstance(values, np.ndarray):
        if values.ndim < 2 or values.shape[1] < lengths.max():
            raise ValueError(
                f"{name} has shape {values.shape}, but needs a value for each step: "
                f"({len(lengths)}, {lengths.max()} or more)."
            )
        return values[np.arange(values.shape[1]) < lengths[:, None]]
    arrays = _arrays_beside_steps(values, name)
    for i, (array, length) in enumerate(zip(arrays, lengths, strict=True)):
        if array.ndim == 0 or len(array) != length:
            raise ValueError(
                f"Sequence {i} of X has {length} steps, but {name} has shape {array.shape} there; "
                "a value for each step is needed."
            )
        if array.shape[1:] != arrays[0].shape[1:] or array.ndim > 2:
            raise ValueError(
                f"{name} has shape {array.shape} for sequence {i} and {arrays[0].shape} for "
                "sequence 0, but (n_steps,) or (n_steps, k) is needed, with the same k for all."
            )
    if len({array.dtype.kind in "biuf" for array in arrays}) > 1 and any(
        array.dtype.kind in "mMVUS" for array in arrays
    ):
        raise ValueError(f"{name} mixes numbers with values of other types.")
    return np.concatenate(arrays)


def _arrays_beside_steps(values, name: str) -> list[np.ndarray]:
    try:
        return [in_native_order(steps_of(of_one)) for of_one in values]
    except (TypeError, ValueError) as error:
        raise ValueError(f"{name} must hold an array for each sequence: {error}") from error


def lengths_of(values, name: str) -> np.ndarray:
    """Count the steps of sequences that are given by what stands beside them."""
    refuse_masked(values, name)
    arrays = _arrays_beside_steps(list_or_array(values, name), name)
    lengths = [len(array) if array.ndim else 0 for array in arrays]
    if not all(lengths) or not lengths:
        raise ValueError(
            f"{name} must hold an array of one value or more for each sequence, got "
            f"{f'none for sequence {lengths.index(0)}' if lengths else 'no sequence'}."
        )
    return np.array(lengths)


def lay_out_weights(weights, lengths: np.ndarray) -> np.ndarray:
    """Lay weights of steps out in rows; a weight for each sequence counts for all its steps."""
    if isinstance(weights, Real):
        return np.full(lengths.sum(), float(weights))
    weights = list_or_array(weights, "sample_weight")
    if not any(is_nested(weight) for weight in weights):
        check_consistent_length(weights, lengths)
        return np.repeat(np.asarray(weights), lengths)
    return lay_out_steps(weights, lengths, "sample_weight")


def cut(rows: np.ndarray, lengths: np.ndarray) -> np.ndarray:
    """Cut rows into a 1-D object array of one array for each sequence."""
    ragged = np.empty(len(lengths), dtype=object)
    for i, of_one in enumerate(np.split(rows, np.cumsum(lengths)[:-1])):
        ragged[i] = of_one
    return ragged


def in_form_of(X, n_features: int, sequences: Sequences) -> list | np.ndarray:
    """Give sequences the form that X, of `n_features` features per step, came in."""
    reshaped = sequences.values.shape[1] != n_features
    if isinstance(X, (list, tuple)) and (reshaped or not _is_plain_table(X)):
        return list(sequences.to_ragged())
    form = np.asarray(X) if isinstance(X, (list, tuple)) else list_or_array(X)
    if isinstance(form, list):
        return sequences.to_ragged()
    if form.ndim == 3:
        return sequences.to_padded(form.shape[1])
    padded = sequences.to_padded(form.shape[1] // n_features)
    # A table of another width than X would be read as another number of steps.
    return padded if reshaped else padded.reshape(len(form), -1)


def _is_plain_table(X) -> bool:
    """Tell nested lists of numbers, all of one length, which scikit-learn takes for a table."""
    return all(isinstance(row, (list, tuple)) for row in X) and _common_width(X) is not None


def _common_width(sequences) -> int | None:
    """Width of the table that a list of flat sequences of equal lengths amounts to."""
    if any(np.ndim(sequence) != 1 for sequence in sequences):
        return None
    widths = {len(sequence) for sequence in sequences}
    return widths.pop() if len(widths) == 1 else None


def _from_array(X: np.ndarray, step_features: int | None) -> tuple[np.ndarray, np.ndarray]:
    refuse_times(X, "X")
    with overflow_refused("X"):
        X = check_array(
            in_native_order(X),
            dtype=_FLOATS,
            ensure_all_finite=False,
            allow_nd=True,
            input_name="X",
        )
    if X.ndim > 3:
        raise ValueError(
            f"X has {X.ndim} dimensions; accepted are (n_sequences, n_steps, n_features), and "
            "(n_sequences, n_steps) for flat sequences."
        )
    if X.ndim == 3:
        n_steps, n_features = X.shape[1:]
    else:
        n_steps, n_features = _steps_of_flat(X.shape[1], step_features, "X")
    if 0 in (n_steps, n_features):
        raise ValueError(f"X has shape {X.shape}, but every axis needs a length of at least 1.")
    return X.reshape(-1, n_features), np.full(len(X), n_steps)


def _from_list(X: list, step_features: int | None) -> tuple[np.ndarray, np.ndarray]:
    if not X:
        raise ValueError("X is empty: at least one sequence is required.")
    arrays = [_steps(sequence, i, step_features) for i, sequence in enumerate(X)]
    n_features = arrays[0].shape[1]
    for i, array in enumerate(arrays):
        if array.shape[1] != n_features:
            raise ValueError(
                f"Sequence {i} of X has {array.shape[1]} features per step, but sequence 0 has "
                f"{n_features}."
            )
    values = np.concatenate(arrays)
    if values.dtype == np.float32 and any(array.dtype != np.float32 for array in arrays):
        values = values.astype(np.float64)  # NumPy would take float32 and int8 for float32
    return values, np.array([len(array) for array in arrays])


def _steps(sequence, i: int, step_features: int | None) -> np.ndarray:
    """Read one sequence of a list as an array (n_steps, n_features)."""
    where = f"Sequence {i} of X"
    try:
        array = in_native_order(steps_of(sequence))
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"{where} is not an array: its steps have different lengths or kinds."
        ) from error
    kind = array.dtype.kind
    if kind in "cMmV" or (kind == "O" and issparse(sequence)):
        given = f"of type {array.dtype}" if kind != "O" else "sparse"
        raise ValueError(f"{where} is {given}, but real numbers in dense arrays are required.")
    if sequence is None:
        raise ValueError(f"{where} is None (null), but every sequence needs at least one step.")
    if kind == "O" and not any(isinstance(value, str) for value in array.flat):
        array = as_float(array, where)
    if array.ndim == 1 and array.size:
        array = array.reshape(_steps_of_flat(array.size, step_features, where))
    if array.ndim != 2 or 0 in array.shape:
        raise ValueError(
            f"{where} has shape {array.shape}, but (n_steps, n_features) or (n_steps,) with at "
            "least one step and one feature is required."
        )
    return array


def _steps_of_flat(n_values: int, step_features: int | None, where: str) -> tuple[int, int]:
    n_features = step_features or 1
    if n_values % n_features:
        raise ValueError(
            f"{where} holds {n_values} values in a row, which is no multiple of "
            f"step_features={n_features}."
        )
    return n_values // n_features, n_features


def _without_padding(values: np.ndarray, lengths: np.ndarray) -> Sequences:
    """Drop the steps at the ends of sequences that are NaN in every feature."""
    if values.dtype.kind != "f" or not (padding := np.isnan(values).all(axis=1)).any():
        return Sequences(values, lengths)
    offsets, rows = starts_of(lengths), np.arange(len(values))
    last = np.maximum.reduceat(np.where(padding, -1, rows), offsets)
    kept = np.maximum(last - offsets + 1, 0)
    if not kept.all():
        raise ValueError(f"Sequence {kept.argmin()} of X is empty: it contains only NaN.")
    return Sequences(values[rows < np.repeat(offsets + kept, lengths)], kept)


def _check_no_text(sequences: Sequences) -> None:
    values, lengths = sequences
    if values.dtype.kind in "US":
        raise ValueError("X contains text, but sequences of numbers are required.")
    if values.dtype == object:
        text = np.array([[isinstance(v, (str, bytes)) for v in step] for step in values])
        if text.any():
            raise ValueError(f"X contains text, which is no number, at {_place(text, lengths)}.")


def _place(at_fault: np.ndarray, lengths: np.ndarray) -> str:
    """Say where the first row is in which a value is at fault."""
    row = np.flatnonzero(at_fault.any(axis=1))[0]
    i = np.searchsorted(np.cumsum(lengths), row, side="right")
    return f"step {row - lengths[:i].sum()} of sequence {i}"


def check_numeric(sequences: Sequences, finite: bool = True) -> Sequences:
    """Make the values float, and insist that they are finite."""
    values, lengths = sequences
    if values.dtype not in _FLOATS:
        _check_no_text(sequences)
        values = as_float(values, "X")
    if not finite or np.isfinite(values).all():
        return sequences if values is sequences.values else Sequences(values, lengths)
    at_fault = ~np.isfinite(values)
    place, missing = _place(at_fault, lengths), np.isnan(values)
    if missing.any() and _place(missing, lengths) == place:
        raise ValueError(
            f"X contains NaN at {place}. NaN is understood as padding only where every feature of "
            "the last steps of a sequence is NaN; impute missing values first."
        )
    raise ValueError(f"X contains infinity at {place}.")
