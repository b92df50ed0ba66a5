"""Conversion between sequences and the layouts of other libraries.

These layouts need information that the data alone do not contain: where a sequence ends, which
sequence a row belongs to, or which axis is time. The functions ``from_...`` take it as arguments,
and return one array ``(n_steps, n_features)`` for each sequence in a 1-D object array, which
scikit-learn can split. Each has an inverse, ``to_...``.
"""

from __future__ import annotations

import numpy as np

from skrnn._input import as_sequences, object_array, unflatten
from skrnn._input import columns as _columns
from skrnn._input.containers import column_names, list_or_array
from skrnn._input.values import as_array, is_nested


def as_ragged(X, *, step_features: int | None = None) -> np.ndarray:
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


def from_lengths(X, lengths) -> np.ndarray:
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
        If a length is no positive integer, or they do not add up to the rows of X.

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
    if given.ndim != 1 or given.size == 0 or given.dtype.kind not in "iu" or (given < 1).any():
        raise ValueError(
            f"lengths must hold a positive integer for each sequence, not none; got {lengths!r}."
        )
    if given.sum() != len(rows):
        raise ValueError(f"lengths add up to {given.sum()} steps, but X has {len(rows)} rows.")
    return unflatten(rows, given)


def to_lengths(X, *, step_features: int | None = None) -> tuple[np.ndarray, np.ndarray]:
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
    values, lengths = as_sequences(X, step_features=step_features, numeric=False)
    return values, lengths


def from_long(frame, id=None, time=None, *, columns=None) -> tuple[np.ndarray, np.ndarray]:
    """Collect the sequences of a table that has a row for each step.

    Do not split the rows of such a table for cross-validation: steps of one sequence would be in
    both the training and the test set. Collect the sequences first, then split these.

    Parameters
    ----------
    frame : DataFrame, Table or mapping of columns
        pandas, polars or pyarrow, or a dictionary of arrays. The rows may be in any order.

    id : str, default=None
        Column, or level of the index of a pandas frame, that says which sequence a row belongs
        to. None means the first of the two levels of a MultiIndex.

    time : str, default=None
        Column or level of the index by which the steps of each sequence are ordered: numbers or
        dates. None means the second level of a MultiIndex if `id` is None too, else the order of
        the rows.

    columns : str or list of str, default=None
        The columns that become the features of a step; a single name, not in a list, gives
        arrays ``(n_steps,)``, which suits labels. None means all that are neither `id` nor
        `time`.

    Returns
    -------
    sequences : ndarray of shape (n_sequences,) and dtype object
        One array ``(n_steps, n_features)`` for each sequence.

    ids : ndarray of shape (n_sequences,)
        The id of each sequence, in the order of first appearance.

    Raises
    ------
    ValueError
        If a column is missing or holds dates or nested values, if an id or a time is missing, if
        times are text, or if two steps of a sequence have the same time. The message names the
        column, or the sequence by its id.

    See Also
    --------
    to_long : The inverse.

    Examples
    --------
    >>> from skrnn.convert import from_long
    >>> table = {"who": ["a", "b", "a"], "t": [2, 1, 1], "u": [3.0, 5.0, 1.0]}
    >>> sequences, ids = from_long(table, "who", "t")
    >>> ids
    array(['a', 'b'], dtype=object)
    >>> [x.tolist() for x in sequences]
    [[[1.0], [3.0]], [[5.0]]]
    """
    if column_names(frame) is None and hasattr(frame, "to_frame"):
        frame = frame.to_frame()  # a pandas Series, with ids and times in its index
    names = _columns.check_column_names(frame)
    if id is None:
        id, time = _columns.index_levels(frame, time)
    codes, ids = _columns.number_sequences(_columns.read_column(frame, names, id), id)
    times = None if time is None else _columns.read_column(frame, names, time)
    order = _columns.in_time_order(codes, ids, time, times)
    if columns is None:
        columns = [name for name in names if name not in (id, time)]
    single = not is_nested(columns)
    wanted = [columns] if single else columns
    features = {name: _columns.read_column(frame, names, name) for name in wanted}
    if not features:
        raise ValueError(f"No column is left for the features; the columns are {names}.")
    rows = _columns.features_of_rows(features)[order]
    return unflatten(rows[:, 0] if single else rows, np.bincount(codes)), ids


def to_long(X, ids=None, *, id="id", time="time", columns=None, step_features=None) -> dict:
    """Put sequences into a table that has a row for each step.

    Parameters
    ----------
    X : list, tuple, object array, Series, list array, 2-D or 3-D array, or DataFrame
        Sequences in any form that `skrnn.as_sequences` reads.

    ids : array-like of shape (n_sequences,), default=None
        The id of each sequence, all different. None means 0, 1, 2 and so on.

    id, time : str, default='id' and 'time'
        Names of the columns for `ids` and for the number of the step, from 0 on.

    columns : list of str of length n_features, default=None
        Names of the features; None means ``x0``, ``x1`` and so on.

    step_features : int, default=None
        Number of features of a step where a sequence is given flat. None means 1.

    Returns
    -------
    table : dict of str to ndarray of shape (n_steps_total,)
        The columns, which can be passed to ``pandas.DataFrame``, ``polars.DataFrame`` and
        ``pyarrow.table``.

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
    values, lengths = as_sequences(X, step_features=step_features, numeric=False)
    ids = np.arange(len(lengths)) if ids is None else _columns.read_items(ids)
    if len(ids) != len(lengths):
        raise ValueError(f"X holds {len(lengths)} sequences, but there are {len(ids)} ids.")
    if len(set(ids.tolist())) < len(ids):
        raise ValueError("ids must be all different; rows of equal ids would become one sequence.")
    names = _columns.feature_names(columns, values.shape[1])
    if len({id, time, *names}) < 2 + len(names):
        raise ValueError(f"Names of columns must differ, got {[id, time, *names]}.")
    steps = np.concatenate([np.arange(length) for length in lengths])
    features = dict(zip(names, np.ascontiguousarray(values.T), strict=True))
    return {id: np.repeat(ids, lengths), time: steps, **features}


def from_channels_first(X) -> np.ndarray:
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
        If there is no sequence, or one is not two-dimensional. The message says which.

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


def to_channels_first(X) -> np.ndarray | list:
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
        If there is no sequence, or one is not two-dimensional. The message says which.

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


def from_nested(frame) -> np.ndarray:
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
    names = _columns.check_column_names(frame)
    columns = [_columns.read_column(frame, names, name, nested=True) for name in names]
    rows = list(zip(*columns, strict=True))
    if not rows:
        raise ValueError("The frame is empty: at least one row and one column are required.")
    return object_array(
        [_join_cells(dict(zip(names, row, strict=True)), i) for i, row in enumerate(rows)]
    )


def to_nested(X, columns=None, *, step_features=None) -> dict:
    """Put sequences into a table that has a column of sequences for each feature.

    Parameters
    ----------
    X : list, tuple, object array, Series, list array, 2-D or 3-D array, or DataFrame
        Sequences in any form that `skrnn.as_sequences` reads.

    columns : list of str of length n_features, default=None
        Names of the features; None means ``x0``, ``x1`` and so on.

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
    values, lengths = as_sequences(X, step_features=step_features, numeric=False)
    names = _columns.feature_names(columns, values.shape[1])
    features = np.ascontiguousarray(values.T)
    return {name: list(unflatten(row, lengths)) for name, row in zip(names, features, strict=True)}


def _join_cells(cells: dict, i: int) -> np.ndarray:
    """Join the features in row i of a nested frame to an array (n_steps, n_features)."""
    cells = {name: _columns.read_cell(cell, i, name) for name, cell in cells.items()}
    n_steps = {name: len(cell) for name, cell in cells.items()}
    if len(set(n_steps.values())) > 1:
        raise ValueError(f"The cells of row {i} differ in their numbers of steps: {n_steps}.")
    return _columns.features_of_rows(cells)


def _exchange_axes(X, shape: str) -> np.ndarray:
    """Exchange the axes of steps and features, where `shape` is that of each sequence in X."""
    if isinstance(X, np.ndarray) and X.dtype == object and X.ndim == 2 and 1 in X.shape:
        X = X.ravel()  # a cell array of MATLAB, which has two axes
    contents = list_or_array(X)
    if isinstance(contents, np.ndarray):
        if contents.ndim != 3:
            raise ValueError(
                f"X has shape {contents.shape}, but one array for all sequences must have three "
                f"axes, (n_sequences, ...) and then {shape}."
            )
        return np.ascontiguousarray(contents.transpose(0, 2, 1))
    if not contents:
        raise ValueError("X is empty: at least one sequence is required.")
    arrays = [as_array(sequence) for sequence in contents]
    for i, array in enumerate(arrays):
        if array.ndim != 2:
            raise ValueError(f"Sequence {i} of X has shape {array.shape}, but {shape} is required.")
    return object_array([np.ascontiguousarray(array.T) for array in arrays])
