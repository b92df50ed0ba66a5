"""From the layouts of other libraries to sequences, and back.

What the estimators cannot tell by looking, these functions are told: where one sequence ends,
which row belongs to which, which axis is time. Each has its inverse, and each gives one array
``(n_steps, n_features)`` for each sequence, in a 1-D object array that scikit-learn can split.
"""

from __future__ import annotations

import numpy as np

from skrnn import _columns
from skrnn._containers import as_array, column_names, is_nested, list_or_array
from skrnn.sequences import as_sequences, cut


def as_ragged(X, *, step_features: int | None = None) -> np.ndarray:
    """Make a 1-D object array of one array for each sequence, whatever they are kept in.

    This is the form to choose where something else must index, split or store sequences: NumPy
    itself makes a 3-D array of a list in which all lengths happen to be equal, or an error.

    Parameters
    ----------
    X : list, tuple, object array, Series, list array, 2-D or 3-D array, or DataFrame
        Sequences in any form that `skrnn.as_sequences` reads.

    step_features : int, default=None
        Number of features of a step where a sequence is given flat. None means 1.

    Returns
    -------
    sequences : ndarray of shape (n_sequences,) and dtype object
        One array ``(n_steps, n_features)`` for each sequence. Values stay as they are: text and
        missing values before the end of a sequence too, which estimators refuse.

    Raises
    ------
    ValueError, TypeError
        If X holds no sequences of one number of features; see `skrnn.as_sequences`.

    See Also
    --------
    skrnn.SequencePadder : The opposite, one array for all.

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
    """Cut one table of the steps of all sequences at the given lengths.

    Parameters
    ----------
    X : array-like of shape (n_steps_total, n_features) or (n_steps_total,)
        All steps of the first sequence, then all steps of the second, and so on, as hmmlearn
        takes them.

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
    return cut(rows, given)


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
    """Gather the sequences of a table that has a row for each step.

    Never split the rows of such a table for cross-validation: steps of one sequence would be on
    both sides. Gather the sequences first, and split those.

    Parameters
    ----------
    frame : DataFrame, Table or mapping of columns
        pandas, polars or pyarrow, or a dictionary of arrays. The rows may stand in any order.

    id : str, default=None
        Column, or level of the index of a pandas frame, that says which sequence a row belongs
        to. None means the first of the two levels of a MultiIndex.

    time : str, default=None
        Column or level of the index by which the steps of each sequence are ordered: numbers or
        dates. None means the second level of a MultiIndex if `id` is None too, else the order in
        which the rows stand.

    columns : str or list of str, default=None
        The columns that become the features of a step; a single name, not in a list, gives
        arrays ``(n_steps,)``, which suits labels. None means all that are neither `id` nor
        `time`.

    Returns
    -------
    sequences : ndarray of shape (n_sequences,) and dtype object
        One array ``(n_steps, n_features)`` for each sequence.

    ids : ndarray of shape (n_sequences,)
        What each sequence is called, in the order of first appearance.

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
        frame = frame.to_frame()  # a pandas Series, whose index says the rest
    names = _columns.names_of(frame)
    if id is None:
        id, time = _columns.levels_of_index(frame, time)
    of_rows = _columns.column_of(frame, names, id)
    codes, ids = _columns.number_sequences(of_rows, id)
    order = _columns.in_time(
        codes, ids, time, None if time is None else _columns.column_of(frame, names, time)
    )
    if columns is None:
        columns = [name for name in names if name not in (id, time)]
    single = not is_nested(columns)
    features = {
        name: _columns.column_of(frame, names, name) for name in ([columns] if single else columns)
    }
    if not features:
        raise ValueError(f"No column is left for the features; the columns are {names}.")
    rows = _columns.side_by_side(features)[order]
    return cut(rows[:, 0] if single else rows, np.bincount(codes)), ids


def to_long(X, ids=None, *, id="id", time="time", columns=None, step_features=None) -> dict:
    """Lay sequences out in a table that has a row for each step.

    Parameters
    ----------
    X : list, tuple, object array, Series, list array, 2-D or 3-D array, or DataFrame
        Sequences in any form that `skrnn.as_sequences` reads.

    ids : array-like of shape (n_sequences,), default=None
        What each sequence is called, all different. None means 0, 1, 2 and so on.

    id, time : str, default='id' and 'time'
        Names of the columns for `ids` and for the number of the step, from 0 on.

    columns : list of str of length n_features, default=None
        Names of the features; None means ``x0``, ``x1`` and so on.

    step_features : int, default=None
        Number of features of a step where a sequence is given flat. None means 1.

    Returns
    -------
    table : dict of str to ndarray of shape (n_steps_total,)
        The columns, of which ``pandas.DataFrame``, ``polars.DataFrame`` and ``pyarrow.table``
        make theirs.

    Raises
    ------
    ValueError
        If ids or names do not fit the sequences, or are not all different.

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
    called = np.arange(len(lengths)) if ids is None else _columns.one_dimensional(ids)
    if len(called) != len(lengths):
        raise ValueError(f"X holds {len(lengths)} sequences, but there are {len(called)} ids.")
    if len(set(called.tolist())) < len(called):
        raise ValueError("ids must be all different; rows of equal ids would become one sequence.")
    names = _columns.names_of_features(columns, values.shape[1])
    if len({id, time, *names}) < 2 + len(names):
        raise ValueError(f"Names of columns must differ, got {[id, time, *names]}.")
    steps = np.concatenate([np.arange(length) for length in lengths])
    features = dict(zip(names, np.ascontiguousarray(values.T), strict=True))
    return {id: np.repeat(called, lengths), time: steps, **features}


def from_channels_first(X) -> np.ndarray:
    """Turn sequences round whose last axis is time, as those of aeon, sktime and MATLAB.

    Parameters
    ----------
    X : ndarray of shape ``(n_sequences, n_features, n_steps)``, or list
        One array for all, or a list or object array (such as a cell array from MATLAB) of one
        array ``(n_features, n_steps)`` for each sequence.

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
    return _turned(X, "(n_features, n_steps)")


def to_channels_first(X) -> np.ndarray | list:
    """Turn sequences round so that the last axis is time, as aeon, sktime and MATLAB have it.

    Parameters
    ----------
    X : ndarray of shape ``(n_sequences, n_steps, n_features)``, list or object array
        One array for all, or one array ``(n_steps, n_features)`` for each sequence.

    Returns
    -------
    sequences : ndarray of shape ``(n_sequences, n_features, n_steps)``, or list
        A 3-D array if X was one, else a list of one array for each sequence, which aeon takes.

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
    turned = _turned(X, "(n_steps, n_features)")
    return turned if turned.ndim == 3 else list(turned)


def from_nested(frame) -> np.ndarray:
    """Join the features of a frame that has a column of sequences for each of them.

    This is the layout of sktime's nested frames, whose cells are pandas Series, and of what
    polars gives for ``group_by("id").agg(...)``.

    Parameters
    ----------
    frame : DataFrame, Table or mapping of columns
        A row for each sequence, a column for each feature; each cell holds the values of one
        feature at all steps of one sequence. What index the Series in the cells have is not
        looked at.

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
    names = _columns.names_of(frame)
    columns = {name: list(_columns.column_of(frame, names, name, nested=True)) for name in names}
    if not any(columns.values()):
        raise ValueError("The frame is empty: at least one row and one column are required.")
    ragged = np.empty(len(columns[names[0]]), dtype=object)
    for i in range(len(ragged)):
        cells = {name: _columns.cell_of(column[i], i, name) for name, column in columns.items()}
        n_steps = {name: len(cell) for name, cell in cells.items()}
        if len(set(n_steps.values())) > 1:
            raise ValueError(f"The cells of row {i} differ in their numbers of steps: {n_steps}.")
        ragged[i] = _columns.side_by_side(cells)
    return ragged


def to_nested(X, columns=None, *, step_features=None) -> dict:
    """Make a column of sequences of each feature.

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
        The columns, of which ``pandas.DataFrame``, ``polars.DataFrame`` and ``pyarrow.table``
        make theirs. sktime wants Series in the cells, as from
        ``pandas.DataFrame(table).map(pandas.Series)``.

    Raises
    ------
    ValueError
        If names do not fit the sequences.

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
    names = _columns.names_of_features(columns, values.shape[1])
    features = np.ascontiguousarray(values.T)
    return {name: list(cut(of_one, lengths)) for name, of_one in zip(names, features, strict=True)}


def _turned(X, shape: str) -> np.ndarray:
    """Exchange steps and features of each sequence."""
    if isinstance(X, np.ndarray) and X.dtype == object and X.ndim == 2 and 1 in X.shape:
        X = X.ravel()  # MATLAB's cell arrays have two axes
    given = list_or_array(X)
    if isinstance(given, np.ndarray):
        if given.ndim != 3:
            raise ValueError(
                f"X has shape {given.shape}, but one array for all sequences must have three axes, "
                f"(n_sequences, ...) and then {shape}."
            )
        return np.ascontiguousarray(given.transpose(0, 2, 1))
    if not given:
        raise ValueError("X is empty: at least one sequence is required.")
    ragged = np.empty(len(given), dtype=object)
    for i, sequence in enumerate(given):
        array = as_array(sequence)
        if array.ndim != 2:
            raise ValueError(f"Sequence {i} of X has shape {array.shape}, but {shape} is required.")
        ragged[i] = np.ascontiguousarray(array.T)
    return ragged
