"""Reading sequences: every form becomes one table of steps, and the length of each sequence."""

from __future__ import annotations

from collections.abc import Mapping
from numbers import Integral
from typing import Any, NamedTuple

import numpy as np
from scipy.sparse import issparse, vstack
from sklearn.utils.validation import check_array

from skrnn._input.containers import ONE_SERIES, list_or_array, read_list
from skrnn._input.frames import (
    column_names,
    is_frame,
    join_frames,
    make_frame,
    missing_in_frame,
    read_frame,
    refuse_equal_names,
    refuse_levels,
    select_columns,
)
from skrnn._input.places import place_of_row
from skrnn._input.sequences import Sequences
from skrnn._input.values import (
    TEXT,
    TIMES,
    advice_to_parse,
    all_finite,
    instances_in,
    is_nested,
    missing_in,
    to_numbers,
    types_in,
)
from skrnn._numeric.packing import starts_of

# What a step may hold that is no number, and how numbers are made of it.
NOT_NUMBERS = (
    (
        TEXT,
        "text",
        "Encode it with PerStep(OneHotEncoder()), or with a ColumnTransformer in PerStep.",
    ),
    (
        (Mapping,),
        "a dictionary",
        "An argument must be a string or a number. PerStep(DictVectorizer()) makes numbers of "
        "dictionaries.",
    ),
    (TIMES, "a date or duration", "Subtract a start, and divide by a unit of time."),
)


def as_sequences(X: Any, *, step_features: int | None = None, numeric: bool = True) -> Sequences:
    """Read sequences in any of the forms that the estimators of this package accept.

    Parameters
    ----------
    X : list, tuple, object array, Series, list array, Sequences, 2-D or 3-D array, or DataFrame
        In *ragged forms*, the length of each sequence is known:

        - A list, tuple, object array or Series holds one array for each sequence, of shape
          ``(n_steps, n_features)``, or ``(n_steps,)`` for one feature. So does a column of
          lists of polars or pyarrow, and an awkward array.
        - A list of DataFrames holds one frame for each sequence, with a row for each step. All
          need the same columns in the same order.
        - A DataFrame whose columns hold sequences has a row for each sequence, and a column for
          each feature.
        - `Sequences`, for instance from `skrnn.convert.from_long`.

        NaN, None and NA are missing values there, wherever they stand. A sequence may be empty.

        In *rectangular forms*, shorter sequences are padded:

        - A 3-D array has shape ``(n_sequences, n_steps, n_features)``.
        - A 2-D array or DataFrame holds a sequence in each row: `step_features` values for the
          first step, then `step_features` values for the second, and so on.

        There, steps at the end of a sequence that are missing in all features are padding, and
        dropped.

    step_features : int, default=None
        Number of features of a step where a sequence is given flat. None means 1.

    numeric : bool, default=True
        Whether the values must be finite numbers, which become an array: float32 if all were
        float32, else float64; sparse values stay sparse. With False, values stay as they are,
        also frames, text and missing values.

    Returns
    -------
    sequences : Sequences
        Its `values` have shape (n_steps_total, n_features), its `lengths` (n_sequences,).

    Raises
    ------
    TypeError
        If X is a sparse matrix or no collection.

    ValueError
        If there is no sequence, or one has another number of features or other columns than the
        first, or a value is missing, infinite, complex or no number. The message says which
        sequence, step and column.

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
    ValueError: X contains NaN at step 1 of sequence 0. Impute missing values first, for instance
    with ForwardImputer() or PerStep(SimpleImputer()). Only at the end of the sequences of a 2-D or
    3-D array, NaN is padding. In a pipeline, an earlier step may have returned NaN.
    """
    if step_features is not None and (not isinstance(step_features, Integral) or step_features < 1):
        raise ValueError(f"step_features must be None or an integer >= 1, got {step_features!r}.")
    sequences = read(X, step_features).sequences
    return check_numeric(sequences) if numeric else sequences


class Reading(NamedTuple):
    """What was read from X.

    Parameters
    ----------
    sequences : Sequences
        Values of any type.

    n_axes : {1, 2, 3}, default=1
        Number of axes of a rectangular X; 1 for ragged forms.

    n_steps : int, default=None
        Number of steps of a rectangular X, padding included.

    n_columns : int, default=None
        Number of values in a row of a 2-D X, or in each of a list of flat sequences of one
        length.
    """

    sequences: Sequences
    n_axes: int = 1
    n_steps: int | None = None
    n_columns: int | None = None


def read(X: Any, step_features: int | None) -> Reading:
    """Read X with values of any type."""
    if isinstance(X, Sequences):
        of_objects = isinstance(X.values, np.ndarray) and X.values.dtype == object
        return Reading(X.with_values(to_numbers(X.values, "X")) if of_objects else X)
    if is_frame(X):
        contents = read_frame(X)
        nested = [any(map(is_nested, cells)) for cells in contents.T if contents.dtype == object]
        if any(nested):
            return Reading(_read_nested(X, contents, nested, step_features))
        _refuse_long_table(X, contents)
        return _split_array(contents, step_features)
    opened = list_or_array(X)
    if isinstance(opened, list):
        return _join_list(opened, step_features)
    return _split_array(opened, step_features)


def _refuse_long_table(X: Any, contents: np.ndarray) -> None:
    """Refuse a frame of several types, which is no table with a sequence in each row."""
    names = column_names(X) or []
    holds_text = [bool(types_in(column, TEXT)) for column in contents.T]
    holds_times = [bool(types_in(column, TIMES)) for column in contents.T]
    are_missing = [bool(missing_in(column).all()) for column in contents.T]
    only_text = all(map(max, holds_text, are_missing))
    if any(holds_times) or (any(holds_text) and not only_text):
        found = [a or b for a, b in zip(holds_text, holds_times, strict=True)]
        column = found.index(True)
        raise ValueError(
            f"Column {names[column]!r} of X holds text or dates, but a frame must hold "
            "the values of one sequence in each row. skrnn.convert.from_long reads a table that "
            f"has a row for each step.{advice_to_parse(contents[:, column])}"
        )


def _split_array(contents: np.ndarray, step_features: int | None) -> Reading:
    """Read one array of all sequences, and drop padding."""
    one_value = contents.size and contents.shape[1:] in ((), (1,))
    if one_value and isinstance(contents.flat[0], TEXT):
        raise ValueError(
            "X holds one text for each sequence. For sequences of characters, pass "
            "[list(text) for text in X]; for sequences of one text, [[text] for text in X]."
            f"{advice_to_parse(contents.flat)}"
        )
    if contents.ndim == 1:
        raise ValueError(
            "Expected a list of sequences, a 2D array or a 3D array, got 1D array instead: "
            f"{len(contents)} numbers. {ONE_SERIES} Reshape your data to (n, 1) if each number is "
            "a sequence of one step."
        )
    contents = check_array(contents, dtype=None, ensure_all_finite=False, allow_nd=True)
    if contents.ndim > 3 or 0 in contents.shape:
        raise ValueError(
            f"X has shape {contents.shape}, but (n_sequences, n_steps, n_features) or "
            "(n_sequences, n_columns) without an empty axis is required."
        )
    contents = to_numbers(contents, "X")
    n_columns = contents.shape[1] if contents.ndim == 2 else None
    values = _in_steps(contents, step_features if n_columns else contents.shape[2], "X")
    n_steps = len(values) // len(contents)
    lengths = np.full(len(contents), n_steps)
    # The first feature shows that most X have no padding.
    if missing_in(values[:, 0]).any():
        values, lengths = _without_padding(values, lengths)
    return Reading(Sequences(values, lengths), contents.ndim, n_steps, n_columns)


def _without_padding(values: np.ndarray, lengths: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Drop the steps at the ends of sequences that are missing in every feature."""
    offsets, rows = starts_of(lengths), np.arange(len(values))
    last = np.maximum.reduceat(np.where(missing_in(values).all(axis=1), -1, rows), offsets)
    kept = np.maximum(last - offsets + 1, 0)
    return values[rows < np.repeat(offsets + kept, lengths)], kept


def _join_list(items: list[Any], step_features: int | None) -> Reading:
    """Put the steps of one array, sparse matrix or frame for each sequence into one table."""
    one_of_each_type = {type(item): item for item in items}.values()
    if any(map(is_frame, one_of_each_type)):
        return Reading(Sequences(join_frames(items, "X"), [item.shape[0] for item in items]))
    if any(map(issparse, one_of_each_type)):
        return Reading(_join_sparse(items))
    arrays = read_list(items, "X")
    for i, array in enumerate(arrays):
        if array.dtype.kind not in "biuf":
            arrays[i] = to_numbers(array, f"Sequence {i} of X")
    flat = all(array.ndim == 1 for array in arrays)
    same = flat and len({len(array) for array in arrays}) == 1
    return Reading(_join_arrays(arrays, step_features), n_columns=len(arrays[0]) if same else None)


def _join_sparse(items: list[Any]) -> Sequences:
    first = [issparse(item) for item in items].index(True)
    for i, item in enumerate(items):
        if not issparse(item) or item.shape[1] != items[first].shape[1]:
            raise ValueError(
                f"Sequence {i} of X is a {type(item).__name__}, but sequence {first} is sparse "
                f"with {items[first].shape[1]} features. Pass sparse matrices of the same number "
                "of features only, or arrays only."
            )
    return Sequences(join_tables(items), [item.shape[0] for item in items])


def join_tables(tables: list[Any]) -> Any:
    """Put the rows of arrays, sparse matrices or frames into one table."""
    if is_frame(tables[0]):
        return join_frames(tables, "X")
    if issparse(tables[0]):
        return vstack(tables, format="csr")
    return np.concatenate(tables)


def _join_arrays(arrays: list[np.ndarray], step_features: int | None) -> Sequences:
    known = [array.shape[1] for array in arrays[:1] if array.ndim == 2]
    arrays = [
        array if array.ndim == 2 else _in_steps(array, step_features, f"Sequence {i} of X")
        for i, array in enumerate(arrays)
    ]
    lengths = [len(array) for array in arrays]
    # An empty list does not show its number of features.
    not_empty = [i for i, length in enumerate(lengths) if length]
    arrays = [arrays[i] for i in not_empty] or [np.empty((0, *(known or [0])))]
    widths = [array.shape[1] for array in arrays]
    if len(set(widths)) > 1:
        other = next(k for k, width in enumerate(widths) if width != widths[0])
        raise ValueError(
            f"Sequence {not_empty[other]} of X has {widths[other]} features per step, but sequence "
            f"{not_empty[0]} has {widths[0]}."
        )
    values = np.concatenate(arrays)
    if values.dtype.kind in "SU" and any(array.dtype.kind not in "SU" for array in arrays):
        values = np.concatenate([array.astype(object) for array in arrays])  # numbers stay numbers
    if values.dtype == np.float32 and any(array.dtype != np.float32 for array in arrays):
        values = values.astype(np.float64)  # NumPy would take float32 and int8 for float32
    return Sequences._of_parts(values, np.array(lengths, np.intp))


def _in_steps(array: np.ndarray, step_features: int | None, where: str) -> np.ndarray:
    """Divide the values of flat sequences, in the last axis, into steps of n_features."""
    n_values, n_features = array.shape[-1], step_features or 1
    if n_values % n_features:
        raise ValueError(
            f"{where} holds {n_values} values in a row, which is not a multiple of "
            f"step_features={n_features}."
        )
    return array.reshape(-1, n_features)


def _read_nested(
    X: Any, contents: np.ndarray, nested: list[bool], step_features: int | None
) -> Sequences:
    """Read a frame whose columns hold sequences; the other columns are its static table."""
    refuse_levels(X, "X")
    refuse_equal_names(X, "X")
    given = column_names(X) or []
    columns = {
        name: _read_cells(cells, name)
        for name, cells, is_one in zip(given, contents.T, nested, strict=True)
        if is_one
    }
    names = list(columns)
    single = [k for k, is_one in enumerate(nested) if not is_one]
    static = select_columns(X, single) if single else None
    of_one_feature = all(cell.ndim == 1 for cells in columns.values() for cell in cells)
    if not of_one_feature or step_features not in (None, 1):
        if len(columns) > 1:
            raise ValueError(
                f"Each cell of the columns {names} of X must hold the values of one feature, "
                f"(n_steps,), and step_features must be None, not {step_features}. A frame of one "
                "column may hold arrays (n_steps, n_features)."
            )
        sequences = _join_arrays(columns[names[0]], step_features)
        return Sequences(sequences.values, sequences.lengths, static=static)
    for row, of_row in enumerate(zip(*columns.values(), strict=True)):
        found = dict(zip(names, map(len, of_row), strict=True))
        if len(set(found.values())) > 1:
            raise ValueError(
                f"Row {row} of X holds sequences of different lengths: {found}. The features "
                "of a sequence need one length; use an estimator for each column, in a "
                "ColumnTransformer, if they do not have the same steps."
            )
    joined = {name: _join_arrays(cells, None) for name, cells in columns.items()}
    features = {name: sequences.values.ravel() for name, sequences in joined.items()}
    return Sequences(make_frame(features, X), joined[names[0]].lengths, static=static)


def _read_cells(cells: np.ndarray, name: object) -> list[np.ndarray]:
    where = f"Column {name!r} of X"
    are_nested = [is_nested(cell) for cell in cells]
    if not all(are_nested):
        row, other = are_nested.index(False), are_nested.index(True)
        raise ValueError(
            f"{where} holds a sequence in row {other}, but {cells[row]!r} in row {row}. A sequence "
            "of one step is [value], and one without steps []. In a column of static features, "
            "each row holds a single value."
        )
    arrays = read_list(list(cells), where)
    return [to_numbers(array, f"Sequence {i} of {where}") for i, array in enumerate(arrays)]


# Checks ----------------------------------------------------------------------------------


def check_numeric(sequences: Sequences, allow_missing: bool = False, name: str = "X") -> Sequences:
    """Convert the values to floats, and check that they are finite, or missing if allowed.

    `name` is that of the sequences in messages.
    """
    values = sequences.values
    if issparse(values):
        return _check_sparse(sequences, allow_missing, name)
    if not isinstance(values, np.ndarray):
        values = np.ascontiguousarray(read_frame(values))
    if values.dtype not in (np.float32, np.float64):
        _refuse_other_than_numbers(values, sequences, name)
        with np.errstate(over="ignore"):  # infinity is refused below
            values = to_numbers(values, name).astype(np.float64)
    if not all_finite(values):
        if not allow_missing:
            refuse_missing(np.isnan(values), sequences, name)
        if np.isinf(values).any():
            place = place_of(np.isinf(values), sequences)
            raise ValueError(f"{name} contains infinity at {place}.")
    return sequences if values is sequences.values else sequences.with_values(values)


def _check_sparse(sequences: Sequences, allow_missing: bool, name: str) -> Sequences:
    values = sequences.values
    if values.dtype not in (np.float32, np.float64):
        return sequences.with_values(values.astype(np.float64))
    if not all_finite(values.data):
        if not allow_missing:
            refuse_missing(missing_steps(sequences), sequences, name)
        if np.isinf(values.data).any():
            place = place_of(_rows_with(values, np.isinf(values.data)), sequences)
            raise ValueError(f"{name} contains infinity at {place}.")
    return sequences


def _rows_with(matrix: Any, at_fault: np.ndarray) -> np.ndarray:
    """Return in which rows of a CSR matrix a stored value is at fault."""
    rows = np.repeat(np.arange(matrix.shape[0]), np.diff(matrix.indptr))
    return np.isin(np.arange(matrix.shape[0]), rows[at_fault])


def missing_steps(sequences: Sequences) -> np.ndarray:
    """Return which values are missing, (n_steps_total, n_features), or which rows have one."""
    values = sequences.values
    if issparse(values):
        return _rows_with(values, np.isnan(values.data))
    return missing_in_frame(values) if is_frame(values) else missing_in(values)


def _refuse_other_than_numbers(values: np.ndarray, sequences: Sequences, name: str) -> None:
    for kinds, what, advice in NOT_NUMBERS:
        if types_in(values, kinds):
            place = place_of(instances_in(values, kinds), sequences)
            kind = TypeError if Mapping in kinds else ValueError
            advice += advice_to_parse(values.flat) if kinds is TEXT else ""
            raise kind(f"{name} contains {what}, which is not a number, at {place}. {advice}")


def refuse_missing(missing: np.ndarray, sequences: Sequences, name: str = "X") -> None:
    """Raise an error that names the first missing value."""
    if missing.any():
        padding = (
            " Only at the end of the sequences of a 2-D or 3-D array, NaN is padding. In a "
            "pipeline, an earlier step may have returned NaN."
        )
        raise ValueError(
            f"{name} contains NaN at {place_of(missing, sequences)}. Impute missing values first, "
            "for instance with ForwardImputer() or PerStep(SimpleImputer())."
            f"{padding if name == 'X' else ''}"
        )


def place_of(at_fault: np.ndarray, sequences: Sequences) -> str:
    """Name the step, sequence and column of the first value that is at fault."""
    rows = at_fault.any(axis=1) if at_fault.ndim == 2 else at_fault
    row = int(np.argmax(rows))
    place = place_of_row(row, sequences.lengths)
    if at_fault.ndim == 2 and sequences.n_features > 1:
        column = int(np.argmax(at_fault[row]))
        names = column_names(sequences.values)
        place += f", column {names[column]!r}" if names else f", feature {column}"
    return place
