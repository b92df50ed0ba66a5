"""Reading X: sequences in any form become one array of steps, and the length of each sequence."""

from __future__ import annotations

from numbers import Integral
from typing import NamedTuple

import numpy as np
from scipy.sparse import issparse
from sklearn.utils.validation import _get_feature_names, validate_data

from skrnn._input.containers import check_frame, column_names, list_or_array, read_steps
from skrnn._input.values import FLOATS, as_float, float_block, holds_text, unflatten
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
        n_steps = int(self.lengths.max()) if n_steps is None else n_steps
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

    See Also
    --------
    skrnn.convert : Conversion of other layouts, such as a frame with a row for each step.

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
    is_frame = is_table and column_names(X) is not None
    if is_table and not reset:
        _check_columns(estimator, X if is_frame else contents, contents.shape[1])
    sequences = _join(contents, estimator.step_features)
    n_features = sequences.values.shape[1]
    if not reset and n_features != estimator.n_step_features_:
        expected = estimator.n_step_features_
        hint = (
            " A 2-D X holds one flat sequence in each row: pass a single sequence as [X], and "
            f"flat ones with step_features={expected}."
        )
        raise ValueError(
            f"X has {n_features} features per step, but {type(estimator).__name__} is expecting "
            f"{expected} features per step, as in fit.{hint if is_table else ''}"
        )
    sequences = check_numeric(sequences) if numeric else sequences
    if not reset:
        return sequences, {}
    width = contents.shape[1] if is_table else _common_width(contents)
    names = _get_feature_names(X) if is_frame else None
    return sequences, {
        "n_features_in_": width if is_table else n_features,
        "n_step_features_": n_features,
        "_fitted_on_table": is_table,
        "_n_columns": width,
        **({} if names is None else {"feature_names_in_": names}),
    }


def set_learned(estimator, learned: dict) -> None:
    """Set the attributes that `read_X` returned; the names of an earlier fit are removed."""
    if learned:
        vars(estimator).pop("feature_names_in_", None)
        vars(estimator).update(learned)


def _check_columns(estimator, table, n_columns: int) -> None:
    """Check the names and the number of columns of a table, with scikit-learn's messages."""
    if estimator._fitted_on_table:
        validate_data(estimator, table, reset=False, skip_check_array=True)
    elif estimator._n_columns not in (None, n_columns):
        raise ValueError(
            f"X has {n_columns} columns, but {type(estimator).__name__} was fitted on sequences of "
            f"{estimator._n_columns} values each. Pass sequences of other lengths as a list."
        )


def _read(X):
    """Read X: a list of one array for each sequence, one array of floats for all, or Sequences."""
    if isinstance(X, Sequences):
        return X
    contents = list_or_array(X)
    if isinstance(contents, list):
        if not contents:
            raise ValueError("X is empty: at least one sequence is required.")
        return [_read_sequence(item, f"Sequence {i} of X") for i, item in enumerate(contents)]
    if column_names(X) is not None:
        contents = check_frame(X, contents)
    return float_block(contents)


def _read_sequence(sequence, where: str) -> np.ndarray:
    """Read one sequence of a list: (n_steps, n_features), or flat."""
    try:
        array = read_steps(sequence)
    except (TypeError, ValueError) as error:
        message = f"{where} is not an array: its steps have different lengths or kinds."
        raise ValueError(message) from error
    if array.dtype.kind not in "biuf" and not holds_text(array):
        if issparse(sequence):
            raise ValueError(f"{where} is sparse, but dense arrays are required.")
        array = as_float(array, where)
    if array.ndim not in (1, 2) or not array.size:
        raise ValueError(
            f"{where} has shape {array.shape}, but (n_steps, n_features) or (n_steps,) with at "
            "least one step and one feature is required."
        )
    return array


def _common_width(arrays) -> int | None:
    """Return the number of values in each flat sequence, if it is the same for all."""
    flat = all(array.ndim == 1 for array in arrays)
    widths = {len(array) for array in arrays} if flat else set()
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
    if values.dtype == np.float32 and any(array.dtype != np.float32 for array in arrays):
        values = values.astype(np.float64)  # NumPy would take float32 and int8 for float32
    return values, np.array([len(array) for array in arrays])


def _in_steps(array: np.ndarray, step_features: int | None, where: str) -> np.ndarray:
    """Divide the values of flat sequences, in the last axis, into steps of n_features."""
    n_values, n_features = array.shape[-1], step_features or 1
    if n_values % n_features:
        raise ValueError(
            f"{where} holds {n_values} values in a row, which is no multiple of "
            f"step_features={n_features}."
        )
    return array.reshape(-1, n_features)


def _without_padding(values: np.ndarray, lengths: np.ndarray) -> Sequences:
    """Drop the steps at the ends of sequences that are NaN in every feature."""
    padding, offsets, rows = (
        np.isnan(values).all(axis=1),
        starts_of(lengths),
        np.arange(len(values)),
    )
    last = np.maximum.reduceat(np.where(padding, -1, rows), offsets)
    kept = np.maximum(last - offsets + 1, 0)
    if not kept.all():
        raise ValueError(f"Sequence {kept.argmin()} of X is empty: it contains only NaN.")
    return Sequences(values[rows < np.repeat(offsets + kept, lengths)], kept)


def check_numeric(sequences: Sequences, finite: bool = True) -> Sequences:
    """Convert the values to floats, and check that they are finite."""
    values, lengths = sequences
    if values.dtype not in FLOATS:
        if holds_text(values):
            text = [holds_text(step) for step in values]
            raise ValueError(f"X contains text, which is no number, at {_place(text, lengths)}.")
        sequences = Sequences(values := as_float(values, "X"), lengths)
    if not finite or np.isfinite(values).all():
        return sequences
    at_fault = ~np.isfinite(values).all(axis=1)
    place = _place(at_fault, lengths)
    if not np.isnan(values[at_fault.argmax()]).any():
        raise ValueError(f"X contains infinity at {place}.")
    raise ValueError(
        f"X contains NaN at {place}. NaN is understood as padding only where every feature of the "
        "last steps of a sequence is NaN; impute missing values first."
    )


def _place(at_fault, lengths: np.ndarray) -> str:
    """Name the first of the steps that are at fault."""
    row = np.argmax(at_fault)
    i = np.searchsorted(np.cumsum(lengths), row, side="right")
    return f"step {row - lengths[:i].sum()} of sequence {i}"


def restore_form(X, n_features: int, sequences: Sequences) -> list | np.ndarray:
    """Return sequences in the form of X, which has `n_features` features per step.

    Nested lists of numbers, all of one length, are a table, as in scikit-learn.
    """
    reshaped = sequences.values.shape[1] != n_features
    if isinstance(X, (list, tuple)):
        may_be_table = not reshaped and all(isinstance(row, (list, tuple)) for row in X)
        width = _common_width([read_steps(row) for row in X]) if may_be_table else None
        if width is None:
            return list(sequences.to_ragged())
    else:
        form = list_or_array(X)
        if isinstance(form, list):
            return sequences.to_ragged()
        if form.ndim == 3:
            return sequences.to_padded(form.shape[1])
        width = form.shape[1]
    padded = sequences.to_padded(width // n_features)
    # A table of another width than X would be read as another number of steps.
    return padded if reshaped else padded.reshape(len(padded), -1)
