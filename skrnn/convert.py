"""Conversion between sequences and the layouts of other libraries.

These layouts need information that the data alone do not contain: where a sequence ends, which
sequence a row belongs to, or which axis is time. The functions ``from_...`` take it as arguments,
and return sequences that scikit-learn can split: `from_long` returns `skrnn.Sequences`,
`from_crfsuite` a list, the others arrays. Each except `from_crfsuite` has an inverse, ``to_...``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
from scipy.sparse import issparse

from skrnn._crfsuite import from_crfsuite as from_crfsuite
from skrnn._input import (
    Sequences,
    as_sequences,
    flatten_steps,
    object_array,
    unflatten,
)
from skrnn._input.containers import list_or_array, read_list
from skrnn._input.frames import column_names, is_frame, read_column, refuse_lazy, take
from skrnn._input.integers import first_rounded
from skrnn._input.order import refuse_other_ids
from skrnn._input.values import TEXT, as_array, is_nested, missing_in, to_numbers, types_in
from skrnn._long import (
    number_sequences,
    order_by_time,
    read_levels,
    read_names,
    refuse_changes,
    refuse_ordered_categories,
)
from skrnn._numeric.packing import starts_of
from skrnn._windows import make_windows as make_windows

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from numpy.typing import ArrayLike


def as_ragged(X: Any, *, step_features: int | None = None) -> np.ndarray:
    """Put sequences in any form into a 1-D object array of one array for each sequence.

    Use this form where other code must index, split or store sequences. ``np.array`` is no
    substitute: from a list of sequences of equal lengths it makes a 3-D array, and from other
    lists it may raise an error.

    Parameters
    ----------
    X : list, tuple, object array, Series, list array, 2-D or 3-D array, or DataFrame
        Sequences in any form that `skrnn.as_sequences` reads.

    step_features : int, default=None
        Number of features of a step where a sequence is given flat. None means 1.

    Returns
    -------
    sequences : ndarray of shape (n_sequences,) and dtype object
        One array ``(n_steps, n_features)`` for each sequence. Values stay as they are, also text
        and missing values, which estimators do not accept.

    Raises
    ------
    ValueError, TypeError
        If X holds no sequences, or they differ in their number of features; see
        `skrnn.as_sequences`.

    See Also
    --------
    skrnn.SequencePadder : Put all sequences into one 3-D array, with padding.

    Examples
    --------
    >>> import numpy as np
    >>> from skrnn.convert import as_ragged
    >>> np.array([[1, 2], [3, 4]], dtype=object).shape
    (2, 2)
    >>> as_ragged([[1, 2], [3, 4]]).shape
    (2,)
    """
    return as_sequences(X, step_features=step_features, numeric=False).to_ragged()


def from_lengths(X: Any, lengths: ArrayLike) -> np.ndarray:
    """Split one table of the steps of all sequences at the given lengths.

    Parameters
    ----------
    X : array-like of shape (n_steps_total, n_features) or (n_steps_total,)
        All steps of the first sequence, then all steps of the second, and so on. This is the
        layout of hmmlearn.

    lengths : array-like of int of shape (n_sequences,)
        Number of steps of each sequence.

    Returns
    -------
    sequences : ndarray of shape (n_sequences,) and dtype object
        One array ``(n_steps, n_features)`` for each sequence; ``(n_steps,)`` if X is 1-D, which
        suits the labels of steps.

    Raises
    ------
    ValueError
        If a length is no integer of at least 0, or they do not add up to the rows of X.

    See Also
    --------
    to_lengths : The inverse.

    Examples
    --------
    >>> from skrnn.convert import from_lengths
    >>> [x.tolist() for x in from_lengths([[1, 10], [2, 20], [3, 30]], [2, 1])]
    [[[1, 10], [2, 20]], [[3, 30]]]
    """
    rows, given = np.asarray(X), np.asarray(lengths)
    if rows.ndim not in (1, 2):
        raise ValueError(f"X has shape {rows.shape}, but (n_steps_total, n_features) is required.")
    if given.ndim != 1 or given.size == 0 or given.dtype.kind not in "iu" or (given < 0).any():
        raise ValueError(
            f"lengths must hold an integer of at least 0 for each sequence; got {lengths!r}."
        )
    if given.sum() != len(rows):
        raise ValueError(f"lengths add up to {given.sum()} steps, but X has {len(rows)} rows.")
    return unflatten(rows, given)


def to_lengths(X: Any, *, step_features: int | None = None) -> tuple[np.ndarray, np.ndarray]:
    """Put the steps of all sequences into one table.

    Parameters
    ----------
    X : list, tuple, object array, Series, list array, 2-D or 3-D array, or DataFrame
        Sequences in any form that `skrnn.as_sequences` reads.

    step_features : int, default=None
        Number of features of a step where a sequence is given flat. None means 1.

    Returns
    -------
    rows : ndarray of shape (n_steps_total, n_features)
        All steps of the first sequence, then all steps of the second, and so on.

    lengths : ndarray of int of shape (n_sequences,)
        Number of steps of each sequence.

    See Also
    --------
    from_lengths : The inverse.

    Examples
    --------
    >>> from skrnn.convert import to_lengths
    >>> rows, lengths = to_lengths([[1, 2], [3]])
    >>> rows.ravel(), lengths
    (array([1, 2, 3]), array([2, 1]))
    """
    sequences = as_sequences(X, step_features=step_features, numeric=False)
    return sequences.values, sequences.lengths


def from_long(
    frame: Any, id: Any = None, time: Any = None, *, columns: Any = None, static: Any = None
) -> tuple[np.ndarray | Sequences, np.ndarray]:
    """Collect the sequences of a table that has a row for each step.

    Do not split the rows of such a table for cross-validation: steps of one sequence would be in
    both the training and the test set. Collect the sequences first, then split these.

    Parameters
    ----------
    frame : DataFrame, Table or mapping of columns
        pandas, polars or pyarrow, or a dictionary of arrays. The rows may be in any order.

    id : str or list of str, default=None
        Column, or level of the index of a pandas frame, that says which sequence a row belongs
        to; several, if a sequence is identified by all of them together. None means all levels
        of a MultiIndex but the last.

    time : str, default=None
        Column or level of the index by which the steps of each sequence are ordered: numbers or
        dates, or text if all of it is ISO dates of one format, such as '2024-01-31', or quarters
        ('2024Q3'). None means the last level of a MultiIndex if `id` is None too, else the order of
        the rows.

    columns : str or list of str, default=None
        The columns that become the features of a step. A single name, not in a list, gives an
        object array of arrays ``(n_steps,)``, which suits labels. None means all that are not
        named by `id`, `time` and `static`.

    static : str or list of str, default=None
        Columns with one value for each sequence, the same in all its rows. They become the
        static table. None means that there are none.

    Returns
    -------
    sequences : Sequences, or ndarray of shape (n_sequences,) and dtype object
        The steps with their names and types, if `frame` is a frame; with `ids`, `static` and
        `rows`, for `to_rows`. An object array for a single name in `columns`.

    ids : ndarray of shape (n_sequences,)
        The id of each sequence, in the order of first appearance; tuples for several columns.

    Raises
    ------
    ValueError
        If a column does not exist, if an id or a time is missing, if times are text other than
        ISO dates or quarters of one format, or ordered categories in another order than their
        values, if two steps of a sequence have the same time, if a static column changes within a
        sequence, or if `columns` is a single name beside `static`. The message names the column,
        or the sequence by its id.

    See Also
    --------
    to_rows : Put predictions into the order of the rows of the table.
    to_long : The inverse.

    Notes
    -----
    To read columns of two tables with the same ids and times, such as sales and prices, join the
    tables first, for instance with ``sales.merge(prices, on=["shop", "day"])``. Sequences of two
    tables are paired by position, and days may be missing in one of them.

    If features and labels of steps are read one after the other, name the same `id` and `time` for
    both. The steps are paired by position. `fit` refuses other times only if both are `Sequences`
    that were read with a time of one kind.

    Examples
    --------
    >>> from skrnn.convert import from_long
    >>> table = {"who": ["a", "b", "a"], "t": [2, 1, 1], "u": [3.0, 5.0, 1.0]}
    >>> X, ids = from_long(table, "who", "t")
    >>> X
    Sequences(2 sequences, 1 to 2 steps, 1 feature, ids='a', 'b')
    >>> [steps.tolist() for steps in X]
    [[[1.0], [3.0]], [[5.0]]]
    >>> X.rows
    array([2, 0, 1])
    """
    levels = read_levels(frame)
    frame = frame.to_frame() if hasattr(frame, "to_frame") else frame
    features = _read_columns(frame)
    table = levels | features
    given = {"id": id, "time": time, "columns": columns, "static": static}
    names = read_names(frame, given, levels, features)
    time, static = names.time, names.static
    for name in levels.keys() & features.keys() & {*names.ids, time}:
        if not np.array_equal(levels[name], features[name]):
            raise ValueError(f"{name!r} is a column and another level of the index; rename one.")
    codes, ids = number_sequences([table[name] for name in names.ids], names.ids)
    refuse_ordered_categories(frame, time, table)
    rows, times = order_by_time(codes, ids, None if time is None else table[time], time, names.ids)
    lengths = np.bincount(codes)
    if names.single:
        return unflatten(_read_feature(table[columns], columns)[rows], lengths), ids
    for name in names.features:
        _refuse_nested(table[name], name)
    first = rows[starts_of(lengths)]
    for name in static:
        refuse_changes(table[name], codes, first, ids, name)
    id_name = names.ids[0] if len(names.ids) == 1 else tuple(names.ids)
    parts = {"ids": ids, "rows": rows, "_id_name": id_name}
    parts["static"] = _choose(frame, table, static, first) if static else None
    parts["_times"] = times
    # Without the checks: rows of `static` have labels of the table, which may look like other ids.
    return Sequences._of_parts(_choose(frame, table, names.features, rows), lengths, **parts), ids


def to_rows(predictions: Any, X: Any, *, n_rows: int | None = None) -> np.ndarray:
    """Put predictions into the order of the rows of the table that the sequences come from.

    Parameters
    ----------
    predictions : array-like of shape (n_sequences,) or (n_sequences, k)
        An array ``(n_steps,)`` or ``(n_steps, k)`` for each sequence, as step estimators return
        it, or one prediction for each sequence, which is repeated for its steps.

    X : Sequences
        The sequences of `from_long`, or some of them.

    n_rows : int, default=None
        Number of rows of the table. None means that X holds all of them.

    Returns
    -------
    column : ndarray of shape (n_rows,) or (n_rows, k)
        The prediction for each row of the table. Rows of sequences that X does not hold are
        NaN, or None if the predictions are no numbers.

    Raises
    ------
    ValueError
        If X has no row numbers, or does not hold all rows and `n_rows` is None, or if the
        predictions do not fit X, or their index holds the ids of X in another order.

    See Also
    --------
    from_long : Collect sequences from a table.

    Examples
    --------
    >>> from skrnn.convert import from_long, to_rows
    >>> table = {"who": ["a", "b", "a"], "t": [2, 1, 1], "u": [3.0, 5.0, 1.0]}
    >>> X, ids = from_long(table, "who", "t")
    >>> to_rows([[10, 30], [50]], X)
    array([30, 50, 10])
    >>> to_rows(["yes", "no"], X).tolist()
    ['yes', 'no', 'yes']
    """
    rows = getattr(X, "rows", None)
    if rows is None:
        raise ValueError(
            "X must be Sequences with row numbers, as skrnn.convert.from_long returns them, but "
            f"is {'without them' if isinstance(X, Sequences) else type(X).__name__}."
        )
    refuse_other_ids(X, predictions=predictions)
    values = list_or_array(predictions, "predictions")
    if isinstance(values, list) and any(map(is_nested, values)):
        values = flatten_steps(predictions, X.lengths, "predictions")
    elif len(values) == len(X):
        values = np.repeat(np.asarray(values), X.lengths, axis=0)
    else:
        raise ValueError(f"X holds {len(X)} sequences, but there are {len(values)} predictions.")
    missing = len(rows) if n_rows is None else n_rows
    if len(rows) and rows.max() >= missing:
        raise ValueError(
            f"X comes from row {rows.max()} of a table, but n_rows={n_rows} and X holds "
            f"{len(rows)} rows. Pass n_rows=len(table)."
        )
    n_found = np.bincount(rows, minlength=missing)
    if n_found.max(initial=0) > 1:
        raise ValueError(
            f"X holds row {n_found.argmax()} of the table more than once, so that it has more than "
            "one prediction. Predict each sequence once."
        )
    if n_found.all():
        column = np.empty_like(values)
    elif values.dtype.kind in "biuf":
        column = np.full((missing, *values.shape[1:]), np.nan)
    else:
        column = np.full((missing, *values.shape[1:]), None, dtype=object)
    column[rows] = values
    return column


def to_long(
    X: Any,
    ids: ArrayLike | None = None,
    *,
    id: Any = "id",
    time: Any = "time",
    columns: Sequence[Any] | None = None,
    step_features: int | None = None,
) -> dict[Any, np.ndarray]:
    """Put sequences into a table that has a row for each step.

    Parameters
    ----------
    X : list, tuple, object array, Series, list array, 2-D or 3-D array, or DataFrame
        Sequences in any form that `skrnn.as_sequences` reads.

    ids : array-like of shape (n_sequences,), default=None
        The id of each sequence, all different. None means those of `Sequences`, or 0, 1, 2 and
        so on.

    id : str or list of str, default='id'
        Name of the column for `ids`; several names for ids that are tuples.

    time : str, default='time'
        Name of the column for the number of the step, from 0 on.

    columns : list of str of length n_features, default=None
        Names of the features; None means those of X, or ``x0``, ``x1`` and so on.

    step_features : int, default=None
        Number of features of a step where a sequence is given flat. None means 1.

    Returns
    -------
    table : dict of str to ndarray of shape (n_steps_total,)
        The ids, static features, times and features. The table can be passed to
        ``pandas.DataFrame``, ``polars.DataFrame`` and ``pyarrow.table``.

    Raises
    ------
    ValueError
        If the number of ids or names is wrong, or they are not all different.

    See Also
    --------
    from_long : The inverse.

    Examples
    --------
    >>> from skrnn.convert import to_long
    >>> to_long([[1, 2], [3]], ["a", "b"])
    {'id': array(['a', 'a', 'b'], dtype=object), 'time': array([0, 1, 0]), 'x0': array([1, 2, 3])}
    """
    sequences = as_sequences(X, step_features=step_features, numeric=False)
    lengths = sequences.lengths
    ids = sequences.ids if ids is None else read_column(ids)
    ids = np.arange(len(lengths)) if ids is None else ids
    if len(ids) != len(lengths) or len(set(ids.tolist())) < len(ids):
        raise ValueError(
            f"ids must hold {len(lengths)} different ids, one for each sequence; got {ids}."
        )
    id_names = list(id) if is_nested(id) else [id]
    id_columns = [ids] if len(id_names) == 1 else list(zip(*ids, strict=True))
    if len(id_columns) != len(id_names):
        raise ValueError(f"id={id!r} has {len(id_names)} names for ids such as {ids[0]!r}.")
    others = [*id_names, time]
    static = sequences.static
    static = {} if static is None else _columns_of(static, None, "static", *others)
    features = _columns_of(sequences.values, columns, "x", *others, *static)
    steps = np.arange(lengths.sum()) - np.repeat(starts_of(lengths), lengths)
    named = {
        name: np.repeat(read_column(column), lengths)
        for name, column in [*zip(id_names, id_columns, strict=True), *static.items()]
    }
    return {**named, time: steps, **features}


def from_channels_first(X: Any) -> np.ndarray:
    """Exchange the axes of sequences whose last axis is time, as in aeon, sktime and MATLAB.

    Parameters
    ----------
    X : ndarray of shape ``(n_sequences, n_features, n_steps)``, or list
        One array for all sequences, or a list or object array (such as a cell array from MATLAB)
        of one array ``(n_features, n_steps)`` for each sequence.

    Returns
    -------
    sequences : ndarray of shape ``(n_sequences, n_steps, n_features)`` or (n_sequences,)
        A 3-D array if X was one, else a 1-D object array of one array for each sequence.

    Raises
    ------
    ValueError
        If there is no sequence, or a sequence is not two-dimensional. The message says which.

    See Also
    --------
    to_channels_first : The inverse.

    Examples
    --------
    >>> import numpy as np
    >>> from skrnn.convert import from_channels_first
    >>> from_channels_first(np.zeros((10, 3, 50))).shape
    (10, 50, 3)
    >>> [x.shape for x in from_channels_first([np.zeros((3, 50)), np.zeros((3, 20))])]
    [(50, 3), (20, 3)]
    """
    return _exchange_axes(X, "(n_features, n_steps)")


def to_channels_first(X: Any) -> np.ndarray | list[np.ndarray]:
    """Exchange the axes of sequences so that the last is time, as in aeon, sktime and MATLAB.

    Parameters
    ----------
    X : ndarray of shape ``(n_sequences, n_steps, n_features)``, list or object array
        One array for all sequences, or one array ``(n_steps, n_features)`` for each.

    Returns
    -------
    sequences : ndarray of shape ``(n_sequences, n_features, n_steps)``, or list
        A 3-D array if X was one, else a list of one array for each sequence, as aeon expects.

    Raises
    ------
    ValueError
        If there is no sequence, or a sequence is not two-dimensional. The message says which.

    See Also
    --------
    from_channels_first : The inverse.

    Examples
    --------
    >>> import numpy as np
    >>> from skrnn.convert import to_channels_first
    >>> [x.shape for x in to_channels_first([np.zeros((50, 3)), np.zeros((20, 3))])]
    [(3, 50), (3, 20)]
    """
    sequences = _exchange_axes(X, "(n_steps, n_features)")
    return sequences if sequences.ndim == 3 else list(sequences)


def from_nested(frame: Any) -> np.ndarray:
    """Join the features of a frame that has a column of sequences for each of them.

    This is the layout of the nested frames of sktime, whose cells are pandas Series, and of the
    result of ``group_by("id").agg(...)`` in polars.

    Parameters
    ----------
    frame : DataFrame, Table or mapping of columns
        A row for each sequence, a column for each feature; each cell holds the values of one
        feature at all steps of one sequence. The index of a Series in a cell is ignored.

    Returns
    -------
    sequences : ndarray of shape (n_sequences,) and dtype object
        One array ``(n_steps, n_features)`` for each sequence.

    Raises
    ------
    ValueError
        If a cell holds no sequence, or the cells of a row differ in length. The message names
        the row and the column.

    See Also
    --------
    to_nested : The inverse.

    Examples
    --------
    >>> from skrnn.convert import from_nested
    >>> [x.tolist() for x in from_nested({"u": [[1, 2], [3]], "v": [[10, 20], [30]]})]
    [[[1, 10], [2, 20]], [[3, 30]]]
    """
    columns = _read_columns(frame)
    rows = [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
    return object_array([_join_cells(cells, i) for i, cells in enumerate(rows)])


def to_nested(
    X: Any, columns: Sequence[Any] | None = None, *, step_features: int | None = None
) -> dict[Any, list[np.ndarray]]:
    """Put sequences into a table that has a column of sequences for each feature.

    Parameters
    ----------
    X : list, tuple, object array, Series, list array, 2-D or 3-D array, or DataFrame
        Sequences in any form that `skrnn.as_sequences` reads.

    columns : list of str of length n_features, default=None
        Names of the features; None means those of X, or ``x0``, ``x1`` and so on.

    step_features : int, default=None
        Number of features of a step where a sequence is given flat. None means 1.

    Returns
    -------
    table : dict of str to list of ndarray of shape (n_steps,)
        The columns, which can be passed to ``pandas.DataFrame``, ``polars.DataFrame`` and
        ``pyarrow.table``. sktime expects Series in the cells: use
        ``pandas.DataFrame(table).map(pandas.Series)``.

    Raises
    ------
    ValueError
        If the number of names is wrong, or they are not all different.

    See Also
    --------
    from_nested : The inverse.

    Examples
    --------
    >>> from skrnn.convert import to_nested
    >>> to_nested([[[1, 10], [2, 20]], [[3, 30]]], ["u", "v"])["v"]
    [array([10, 20]), array([30])]
    """
    sequences = as_sequences(X, step_features=step_features, numeric=False)
    features = _columns_of(sequences.values, columns, "x")
    return {name: list(unflatten(row, sequences.lengths)) for name, row in features.items()}


def _read_columns(frame: Any) -> dict[Any, np.ndarray]:
    """Read the columns of a frame or mapping as 1-D arrays."""
    refuse_lazy(frame, "The table")
    names = list(frame) if isinstance(frame, Mapping) else column_names(frame)
    if names is None:
        raise TypeError(f"A frame or mapping of columns is needed, got {type(frame).__name__}.")
    if len(set(names)) < len(names):
        raise ValueError(f"Names of columns must differ, got {names}.")
    columns = {name: read_column(frame[name]) for name in names}
    n_rows = {name: len(column) for name, column in columns.items()}
    if len(set(n_rows.values())) != 1 or 0 in n_rows.values():
        raise ValueError(
            f"Columns with one number of rows, at least 1, are required; got {n_rows}."
        )
    return columns


def _choose(frame: Any, table: dict[Any, np.ndarray], names: list[Any], rows: np.ndarray) -> Any:
    """Take columns and rows of a table: a frame of a frame, else an array."""
    if is_frame(frame) and set(names) <= set(column_names(frame) or []):
        return take(frame.select(names) if hasattr(frame, "select") else frame[names], rows)
    return _join_features({name: table[name] for name in names})[rows]


def _refuse_nested(column: np.ndarray, name: Any) -> None:
    if column.dtype == object and any(map(is_nested, column)):
        row = next(i for i, value in enumerate(column) if is_nested(value))
        raise ValueError(
            f"Column {name!r} holds a sequence in row {row}, but a single value is required in "
            "each row. A frame with a sequence in each cell needs no conversion."
        )


def _join_features(columns: dict[Any, np.ndarray]) -> np.ndarray:
    """Join columns of numbers to an array (n_rows, n_columns), of objects if some hold text."""
    features = [_read_feature(column, name) for name, column in columns.items()]
    joined = np.column_stack(features)
    for (name, given), one in zip(columns.items(), joined.T, strict=True):
        if one.dtype.kind == "f" and (integer := first_rounded(given, one)):
            raise ValueError(
                f"Column {name!r} holds the integer {integer}, which becomes {float(integer):.0f} "
                "beside floats. Pass a frame, such as pd.DataFrame(...), which keeps its type."
            )
    return joined


def _read_feature(column: np.ndarray, name: Any) -> np.ndarray:
    if types_in(column, TEXT):
        return column.astype(object)
    if column.dtype == object:
        column = np.where(missing_in(column), np.nan, column)
    return to_numbers(column, f"Column {name!r}")


def _join_cells(cells: dict[Any, Any], row: int) -> np.ndarray:
    """Join the features of one sequence, in the cells of a row, to (n_steps, n_features)."""
    cells = {name: as_array(cell) for name, cell in cells.items()}
    lengths = {cell.size if cell.ndim == 1 else -1 for cell in cells.values()}
    if len(lengths) > 1 or -1 in lengths:
        shapes = {name: cell.shape for name, cell in cells.items()}
        raise ValueError(
            f"The cells of row {row} must be sequences of one length, got shapes {shapes}."
        )
    return _join_features(cells)


def _columns_of(table: Any, names: Any, prefix: str, *others: Any) -> dict[Any, np.ndarray]:
    """Return the columns of a table by the names passed, those of the frame, or made ones.

    None may equal the others.
    """
    n_columns, given = table.shape[1], names
    if names is None:
        names = column_names(table) or [f"{prefix}{k}" for k in range(n_columns)]
    names = list(names)
    if len(names) != n_columns or len({*names, *others}) < n_columns + len(others):
        raise ValueError(
            f"columns must hold {n_columns} different names, other than {list(others)}; got "
            f"{names if given is None else given!r}."
        )
    if is_frame(table):
        columns = [read_column(table[name]) for name in column_names(table) or []]
    else:
        dense = table.toarray() if issparse(table) else table
        columns = list(np.ascontiguousarray(dense.T))
    return dict(zip(names, columns, strict=True))


def _exchange_axes(X: Any, shape: str) -> np.ndarray:
    """Exchange the axes of steps and features, where `shape` is that of each sequence in X."""
    if isinstance(X, np.ndarray) and X.dtype == object and X.ndim == 2 and 1 in X.shape:
        X = X.ravel()  # a cell array of MATLAB, which has two axes
    contents = list_or_array(X)
    if isinstance(contents, np.ndarray):
        if contents.ndim != 3:
            raise ValueError(
                f"X has shape {contents.shape}, but three axes, or a list of {shape}, are required."
            )
        return np.ascontiguousarray(contents.transpose(0, 2, 1))
    arrays = read_list(contents, "X")
    for i, array in enumerate(arrays):
        if array.ndim != 2:
            raise ValueError(f"Sequence {i} of X has shape {array.shape}, but {shape} is required.")
    return object_array([np.ascontiguousarray(array.T) for array in arrays])
