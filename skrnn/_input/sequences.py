"""Reading X: sequences in any form become one array of steps, and the length of each sequence."""

from __future__ import annotations

from numbers import Integral
from typing import NamedTuple

import numpy as np
from sklearn.utils.validation import _get_feature_names, check_array, validate_data

from skrnn._input.containers import check_columns, column_names, list_or_array, read_list
from skrnn._input.values import TEXT, is_nested, to_numbers, types_in, unflatten
from skrnn._numeric.packing import starts_of


class Sequences(NamedTuple):
    """Sequences of any lengths, one after the other in one array.

    Attributes
    ----------
    values : ndarray of shape (n_steps_total, n_features)
        All steps of the first sequence, then all steps of the second, and so on.

    lengths : ndarray of int of shape (n_sequences,)
        Number of steps of each sequence.

    See Also
    --------
    skrnn.as_sequences : Read sequences from a list, array or frame.

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
        """Split the steps into one array for each sequence.

        Returns
        -------
        ragged : ndarray of shape (n_sequences,) and dtype object
            One array ``(n_steps, n_features)`` for each sequence, a view of `values`.

        Examples
        --------
        >>> from skrnn import as_sequences
        >>> [steps.shape for steps in as_sequences([[1, 2, 3], [4]]).to_ragged()]
        [(3, 1), (1, 1)]
        """
        return unflatten(self.values, self.lengths)

    def to_padded(self, n_steps: int | None = None, fill_value: float = np.nan) -> np.ndarray:
        """Put the sequences into one 3-D array, with padding after the shorter ones.

        Parameters
        ----------
        n_steps : int, default=None
            Number of steps of the array. None means that of the longest sequence.

        fill_value : float, default=NaN
            Value of the padding.

        Returns
        -------
        padded : ndarray of shape ``(n_sequences, n_steps, n_features)``
            The steps of each sequence, then `fill_value`. Integers become floats if
            `fill_value` is NaN.

        Examples
        --------
        >>> from skrnn import as_sequences
        >>> as_sequences([[1, 2, 3], [4]]).to_padded(fill_value=0)[..., 0]
        array([[1., 2., 3.],
               [4., 0., 0.]])
        """
        longest = int(self.lengths.max())
        n_steps = longest if n_steps is None else n_steps
        if n_steps < longest:
            raise ValueError(f"n_steps={n_steps} is less than the longest sequence has: {longest}.")
        shape = (len(self.lengths), n_steps, self.values.shape[1])
        dtype = np.result_type(self.values, np.min_scalar_type(fill_value))
        padded = np.full(shape, fill_value, dtype)
        padded[np.arange(n_steps) < self.lengths[:, None]] = self.values
        return padded


def as_sequences(X, *, step_features: int | None = None, numeric: bool = True) -> Sequences:
    """Read sequences in any of the forms that the estimators of this package accept.

    Parameters
    ----------
    X : list, tuple, 1-D object array, Series, list array, 2-D or 3-D array, or DataFrame
        - A list, tuple, object array or Series holds one array for each sequence, of shape
          ``(n_steps, n_features)``, or ``(n_steps,)`` for one feature. So does a column of
          lists of polars or pyarrow, a DataFrame or table of one such column, and an awkward
          array.
        - A 3-D array has shape ``(n_sequences, n_steps, n_features)``.
        - A 2-D array or DataFrame holds a sequence in each row: `step_features` values for the
          first step, then `step_features` values for the second, and so on.

        In every form, steps at the end of a sequence that are NaN in all features are
        padding, and dropped. A null of a data frame, and None in a 2-D or 3-D array, mean the
        same as NaN.

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

    See Also
    --------
    skrnn.convert.from_long : Read a table that has a row for each step.

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
    sequences = _join(_read(X), step_features)
    return check_numeric(sequences) if numeric else sequences


def read_X(estimator, X, *, reset: bool, numeric: bool = True) -> tuple[Sequences, dict]:
    """Read X for an estimator.

    With ``reset=True``, returns the sequences and the attributes that `fit` learns about X, which
    the estimator sets with `set_learned`:

    - `n_features_in_`: the number of columns of a 2-D X, else of features of a step;
    - `n_step_features_`: the number of features of a step;
    - `feature_names_in_`: the names of the columns, only if X has names;
    - `_fitted_on_table`: whether X is 2-D;
    - `_n_columns`: the number of values in a row of a 2-D X, or in each sequence of a list of flat
      sequences of equal lengths, else None.

    With ``reset=False``, checks X against these attributes, and returns an empty dict.
    """
    contents = _read(X)
    is_table = isinstance(contents, np.ndarray) and contents.ndim == 2
    width = _common_width(contents)
    if is_table and not reset:
        _check_table(estimator, X, width)
    sequences = _join(contents, estimator.step_features)
    n_features = sequences.values.shape[1]
    if not reset and n_features != estimator.n_step_features_:
        hint = " In a 2-D X each row is a flat sequence; pass a single sequence as [X]."
        raise ValueError(
            f"X has {n_features} features per step, but {type(estimator).__name__} is expecting "
            f"{estimator.n_step_features_} features per step, as in fit.{hint if is_table else ''}"
        )
    sequences = check_numeric(sequences) if numeric else sequences
    if not reset:
        return sequences, {}
    learned = {
        "n_features_in_": width if is_table else n_features,
        "n_step_features_": n_features,
        "_fitted_on_table": is_table,
        "_n_columns": width,
    }
    if is_table and (names := _get_feature_names(X)) is not None:
        learned["feature_names_in_"] = names
    return sequences, learned


def set_learned(estimator, learned: dict) -> None:
    """Set the attributes that `read_X` returned; the names of an earlier fit are removed."""
    if learned:
        vars(estimator).pop("feature_names_in_", None)
        vars(estimator).update(learned)


def _check_table(estimator, X, n_columns: int | None) -> None:
    """Check the names and the number of columns of a table, with scikit-learn's messages."""
    if estimator._fitted_on_table:
        validate_data(estimator, X, reset=False, skip_check_array=True)
    elif estimator._n_columns not in (None, n_columns):
        raise ValueError(
            f"X has {n_columns} columns, but {type(estimator).__name__} was fitted on sequences of "
            f"{estimator._n_columns} values each. Pass sequences of other lengths as a list."
        )


def _read(X) -> Sequences | list[np.ndarray] | np.ndarray:
    """Read X: one array of numbers or text for each sequence or for all, or Sequences."""
    if isinstance(X, Sequences):
        _check_sequences(X)
        return X
    contents = list_or_array(X)
    if isinstance(contents, list):
        arrays = read_list(contents, "X")
        return [to_numbers(array, f"Sequence {i} of X") for i, array in enumerate(arrays)]
    if column_names(X) is not None and contents.dtype.kind not in "biufc":
        check_columns(X, contents)
    contents = check_array(contents, dtype=None, ensure_all_finite=False, allow_nd=True)
    if contents.ndim > 3 or 0 in contents.shape:
        raise ValueError(
            f"X has shape {contents.shape}, but (n_sequences, n_steps, n_features) or "
            "(n_sequences, n_columns) without an empty axis is required."
        )
    if contents.dtype == object:  # in an array, None is padding as NaN is
        is_none = np.reshape([value is None for value in contents.flat], contents.shape)
        contents = np.where(is_none, np.nan, contents)
    return to_numbers(contents, "X")


def _check_sequences(sequences: Sequences) -> None:
    """Refuse `Sequences` that were not made by `as_sequences`, and do not fit together."""
    values, lengths = np.asarray(sequences.values), np.asarray(sequences.lengths)
    integers = lengths.dtype.kind in "iu" and lengths.ndim == 1
    if not integers or values.ndim != 2 or not (lengths > 0).all() or lengths.sum() != len(values):
        raise ValueError(
            "Sequences need values of shape (n_steps_total, n_features), and positive integer "
            f"lengths whose sum is n_steps_total; got values of shape {values.shape} and lengths "
            f"{lengths}."
        )


def _common_width(contents) -> int | None:
    """Return the number of values in each flat sequence, if it is the same for all."""
    if isinstance(contents, np.ndarray) and contents.ndim == 2:
        return contents.shape[1]
    flat = isinstance(contents, list) and all(array.ndim == 1 for array in contents)
    widths = {len(array) for array in contents} if flat else set()
    return widths.pop() if len(widths) == 1 else None


def _join(contents, step_features: int | None) -> Sequences:
    """Put the steps of all sequences into one array, and drop padding."""
    if isinstance(contents, Sequences):
        return contents
    if isinstance(contents, list):
        values, lengths = _join_list(contents, step_features)
    else:
        step_features = step_features if contents.ndim == 2 else contents.shape[2]
        values = _in_steps(contents, step_features, "X")
        lengths = np.full(len(contents), len(values) // len(contents))
    # The first feature shows that most X have no padding.
    if values.dtype.kind != "f" or not np.isnan(values[:, 0]).any():
        return Sequences(values, lengths)
    return _without_padding(values, lengths)


def _join_list(contents: list[np.ndarray], step_features: int | None):
    arrays = [
        array if array.ndim == 2 else _in_steps(array, step_features, f"Sequence {i} of X")
        for i, array in enumerate(contents)
    ]
    n_features = arrays[0].shape[1]
    for i, array in enumerate(arrays):
        if array.shape[1] != n_features:
            raise ValueError(
                f"Sequence {i} of X has {array.shape[1]} features per step, but sequence 0 has "
                f"{n_features}."
            )
    values = np.concatenate(arrays)
    if values.dtype.kind in "SU" and any(array.dtype.kind not in "SU" for array in arrays):
        values = np.concatenate([array.astype(object) for array in arrays])  # numbers stay numbers
    if values.dtype == np.float32 and any(array.dtype != np.float32 for array in arrays):
        values = values.astype(np.float64)  # NumPy would take float32 and int8 for float32
    return values, np.array([len(array) for array in arrays])


def _in_steps(array: np.ndarray, step_features: int | None, where: str) -> np.ndarray:
    """Divide the values of flat sequences, in the last axis, into steps of n_features."""
    n_values, n_features = array.shape[-1], step_features or 1
    if n_values % n_features:
        raise ValueError(
            f"{where} holds {n_values} values in a row, which is not a multiple of "
            f"step_features={n_features}."
        )
    return array.reshape(-1, n_features)


def _without_padding(values: np.ndarray, lengths: np.ndarray) -> Sequences:
    """Drop the steps at the ends of sequences that are NaN in every feature."""
    offsets, rows = starts_of(lengths), np.arange(len(values))
    last = np.maximum.reduceat(np.where(np.isnan(values).all(axis=1), -1, rows), offsets)
    kept = np.maximum(last - offsets + 1, 0)
    if not kept.all():
        raise ValueError(f"Sequence {kept.argmin()} of X is empty: it contains only NaN.")
    return Sequences(values[rows < np.repeat(offsets + kept, lengths)], kept)


def check_numeric(sequences: Sequences, finite: bool = True) -> Sequences:
    """Convert the values to floats, and check that they are finite."""
    values, lengths = sequences
    if types_in(values, TEXT):
        place = _place([bool(types_in(step, TEXT)) for step in values], lengths)
        raise ValueError(f"X contains text, which is not a number, at {place}.")
    if values.dtype not in (np.float32, np.float64):
        with np.errstate(over="ignore"):  # infinity is refused below
            values = to_numbers(values, "X").astype(np.float64)
        sequences = Sequences(values, lengths)
    if finite and not np.isfinite(values).all():
        at_fault = ~np.isfinite(values).all(axis=1)
        place = _place(at_fault, lengths)
        if not np.isnan(values[at_fault.argmax()]).any():
            raise ValueError(f"X contains infinity at {place}.")
        raise ValueError(
            f"X contains NaN at {place}. NaN is understood as padding only where every feature of "
            "the last steps of a sequence is NaN; impute missing values first."
        )
    return sequences


def _place(at_fault, lengths: np.ndarray) -> str:
    """Name the first of the steps that are at fault."""
    row = np.argmax(at_fault)
    i = np.searchsorted(np.cumsum(lengths), row, side="right")
    return f"step {row - lengths[:i].sum()} of sequence {i}"


def restore_form(X, n_features: int, sequences: Sequences) -> list | np.ndarray:
    """Return sequences in the form of X, which has `n_features` features per step."""
    reshaped = sequences.values.shape[1] != n_features
    form = np.array(X) if _is_table_in_lists(X) and not reshaped else list_or_array(X)
    if isinstance(form, list):
        ragged = sequences.to_ragged()
        return list(ragged) if isinstance(X, (list, tuple)) else ragged
    if form.ndim == 3:
        return sequences.to_padded(form.shape[1])
    padded = sequences.to_padded(form.shape[1] // n_features)
    # A table of another width than X would be read as another number of steps.
    return padded if reshaped else padded.reshape(len(padded), -1)


def _is_table_in_lists(X) -> bool:
    """Return whether X is nested lists of numbers, all of one length: a table in scikit-learn."""
    rows = isinstance(X, (list, tuple)) and all(isinstance(row, (list, tuple)) for row in X)
    return rows and len({len(row) for row in X}) == 1 and not any(is_nested(row[0]) for row in X)
