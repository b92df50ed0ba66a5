"""The container of sequences: one table of all steps, and the length of each sequence."""

from __future__ import annotations

import re
from collections.abc import Mapping
from itertools import pairwise
from reprlib import repr as short_repr
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np
from scipy.sparse import issparse

from skrnn._input.frames import column_names, is_frame, refuse_equal_names, refuse_lazy, take
from skrnn._input.order import refuse_order_of
from skrnn._input.values import object_array
from skrnn._numeric.packing import starts_of

if TYPE_CHECKING:
    from collections.abc import Iterator


class Sequences:
    """Sequences of any lengths, one after the other in one table.

    The collection has a length, can be indexed and is iterable, so that scikit-learn can split
    it: ``X[3]`` is the table of the steps of one sequence, and ``X[[3, 5]]``, ``X[:10]`` and
    ``X[mask]`` are `Sequences`.

    Parameters
    ----------
    values : array-like, sparse matrix or frame of shape (n_steps_total, n_features)
        All steps of the first sequence, then all steps of the second, and so on. A frame of
        pandas, polars or pyarrow keeps the names and types of its columns. Sparse matrices
        become CSR.

    lengths : array-like of int of shape (n_sequences,)
        Number of steps of each sequence. A sequence may have no step.

    static : array-like or frame of shape (n_sequences, n_static), default=None
        Values that belong to a sequence and not to its steps. Rows are paired with sequences by
        position. A pandas frame whose index holds the ids in another order is refused.

    ids : array-like of shape (n_sequences,), default=None
        A name for each sequence.

    rows : array-like of int of shape (n_steps_total,), default=None
        The row of each step in the table that the sequences were read from; see
        `skrnn.convert.to_rows`.

    Attributes
    ----------
    values, lengths, static, ids, rows
        As passed, in arrays, frames or a CSR matrix.

    Raises
    ------
    ValueError
        If the parts do not fit together, or if the index of `static` holds the ids in another
        order.

    See Also
    --------
    skrnn.as_sequences : Read sequences from a list, array or frame.
    skrnn.convert.from_long : Read sequences from a table that has a row for each step.

    Examples
    --------
    >>> import numpy as np
    >>> from skrnn import Sequences
    >>> X = Sequences(np.array([[1.0], [2.0], [3.0], [4.0]]), [3, 1], ids=["a", "b"])
    >>> X
    Sequences(2 sequences, 1 to 3 steps, 1 feature, ids='a', 'b')
    >>> X[1]
    array([[4.]])
    >>> X[::-1].ids.tolist()
    ['b', 'a']
    >>> len(X), X.shape, [len(steps) for steps in X]
    (2, (2,), [3, 1])
    """

    # The name of the column of the ids, a tuple for several, and the time of each step, if known.
    _id_name: Any = None
    _times: np.ndarray | None = None

    def __init__(
        self,
        values: Any,
        lengths: np.typing.ArrayLike,
        *,
        static: Any = None,
        ids: Any = None,
        rows: np.typing.ArrayLike | None = None,
    ) -> None:
        self.values = _as_table(values, "values")
        self.lengths = _as_lengths(lengths)
        self.static = None if static is None else _as_table(static, "static")
        self.ids = None if ids is None else _as_ids(ids)
        self.rows = None if rows is None else _as_rows(rows)
        self._check()

    def _check(self) -> None:
        self._check_values()
        lengths, n_rows = self.lengths, self.values.shape[0]
        self.lengths = lengths.astype(np.intp, copy=False)  # unsigned ones cannot be subtracted
        wanted = {"static": len(lengths), "ids": len(lengths), "rows": n_rows}
        for name, n_wanted in wanted.items():
            part = getattr(self, name)
            n_axes = 2 if name == "static" else 1
            if part is not None and (len(part.shape), *part.shape[:1]) != (n_axes, n_wanted):
                hint = ""
                if name == "static" and hasattr(part, "loc"):
                    hint = " If its index holds ids, static.loc[ids] has a row for each of them."
                raise ValueError(
                    f"{name} has shape {part.shape}, but needs {n_wanted} rows and {n_axes} axes."
                    f"{hint}"
                )
        if self.static is not None and self.ids is not None:
            refuse_order_of(self.static, self.ids, "static", id_name=self._id_name)

    def _check_values(self) -> None:
        lengths, n_rows = self.lengths, self.values.shape[0]
        if len(self.values.shape) != 2:
            hint = ""
            if len(self.values.shape) == 3:
                hint = " as_sequences(values) reads an array of the steps of each sequence."
            raise ValueError(
                "Sequences need values of shape (n_steps_total, n_features), but got values of "
                f"shape {self.values.shape}.{hint}"
            )
        if (total := np.add.reduce(lengths)) != n_rows:
            raise ValueError(
                f"Sequences need values of shape (n_steps_total, n_features), but there are "
                f"{n_rows} rows, and the lengths add up to {total}."
            )

    @classmethod
    def _of_parts(cls, values: Any, lengths: np.ndarray, **parts: Any) -> Sequences:
        """Make sequences of parts that fit together, without a check."""
        sequences = object.__new__(cls)
        missing = {"static": None, "ids": None, "rows": None}
        sequences.__dict__.update(missing, values=values, lengths=lengths, **parts)
        return sequences

    def _with_steps(self, values: Any, lengths: np.ndarray, rows: Any = None) -> Sequences:
        """Return as many sequences of other steps, with the same static table and ids."""
        part = Sequences(values, lengths, rows=rows)
        part.static, part.ids, part._id_name = self.static, self.ids, self._id_name
        return part

    # As a collection ---------------------------------------------------------------------

    @property
    def shape(self) -> tuple[int]:
        """Number of sequences, as the shape of a 1-D array."""
        return (len(self.lengths),)

    @property
    def n_features(self) -> int:
        """Number of features of a step."""
        n_features: int = self.values.shape[1]
        return n_features

    def __len__(self) -> int:
        return len(self.lengths)

    def __iter__(self) -> Iterator[Any]:
        values, is_table = self.values, is_frame(self.values)
        bounds = [0, *self.lengths.cumsum().tolist()]
        for start, stop in pairwise(bounds):
            # `take` would cost more than the slice of an array itself.
            yield take(values, slice(start, stop)) if is_table else values[start:stop]

    def __getitem__(self, key: Any) -> Any:
        """Get one sequence by an integer, or several by a slice, indices or a mask.

        The mask may not be a Series of pandas whose index holds the ids in another order.
        """
        if isinstance(key, tuple):  # scikit-learn passes (key, ...)
            if key[1:] not in ((), (Ellipsis,)):
                raise IndexError(f"Sequences have one axis, but were indexed by {key}.")
            key = key[0]
        if self.ids is not None and str(getattr(key, "dtype", "")).startswith("bool"):
            refuse_order_of(key, self.ids, "mask", self.static, id_name=self._id_name)
        try:
            chosen = np.arange(len(self))[key]
        except (IndexError, TypeError) as error:
            if re.search("out of bounds|did not match", str(error)):
                raise
            raise IndexError(
                "Sequences are indexed by positions, or by a boolean mask without missing values, "
                f"not by {' '.join(short_repr(key).split())}. The position of an id is "
                "list(X.ids).index(id)."
            ) from error
        if chosen.ndim > 1:
            raise IndexError(f"Sequences have one axis, but were indexed by {key}.")
        starts, lengths = starts_of(self.lengths)[chosen], self.lengths[chosen]
        if chosen.ndim == 0:
            return take(self.values, slice(int(starts), int(starts + lengths)))
        steps: slice | np.ndarray
        if isinstance(key, slice) and key.step in (None, 1):  # a view where possible
            first = int(starts[0]) if len(chosen) else 0
            steps = slice(first, first + int(lengths.sum()))
        else:
            before = np.repeat(starts - starts_of(lengths), lengths)
            steps = before + np.arange(lengths.sum())
        return Sequences._of_parts(
            take(self.values, steps),
            lengths,
            static=None if self.static is None else take(self.static, chosen),
            ids=None if self.ids is None else self.ids[chosen],
            rows=None if self.rows is None else self.rows[steps],
            _id_name=self._id_name,
            _times=None if self._times is None else self._times[steps],
        )

    def __array__(
        self, dtype: np.typing.DTypeLike | None = None, copy: bool | None = None
    ) -> np.ndarray:
        if dtype is not None and np.dtype(dtype).kind != "O":
            raise TypeError(
                f"Sequences cannot become one array of {np.dtype(dtype)}; use to_padded()."
            )
        return self.to_ragged()

    def __repr__(self) -> str:
        parts = [_count(len(self), "sequence")]
        if len(self):
            steps = range(int(self.lengths.min()), int(self.lengths.max()) + 1)
            ends = f"{steps[0]} to {steps[-1]} steps" if len(steps) > 1 else ""
            parts.append(ends or _count(steps[0], "step"))
        names = column_names(self.values)
        kind = "sparse feature" if issparse(self.values) else "feature"
        parts.append(f"features={first_few(names)}" if names else _count(self.n_features, kind))
        if self.static is not None:
            names = column_names(self.static) or list(range(self.static.shape[1]))
            parts.append(f"static={first_few(names)}")
        if self.ids is not None:
            parts.append(f"ids={first_few(self.ids.tolist())}")
        return f"Sequences({', '.join(parts)})"

    # Other forms -------------------------------------------------------------------------

    def with_values(self, values: Any) -> Sequences:
        """Return the same sequences with other values, for instance scaled ones.

        Parameters
        ----------
        values : array-like, sparse matrix or frame of shape (n_steps_total, n_features)
            A row for each row of `values`; the number of features may be another.

        Returns
        -------
        sequences : Sequences
            With the same lengths, static table, ids and rows.

        Examples
        --------
        >>> from skrnn import as_sequences
        >>> X = as_sequences([[1, 2, 3], [4]])
        >>> X.with_values(X.values / 10)[1]
        array([[0.4]])
        """
        part = object.__new__(Sequences)
        part.__dict__.update(self.__dict__, values=_as_table(values, "values"))
        part._check_values()
        return part

    def with_static(self, static: Any) -> Sequences:
        """Return the same sequences with another static table, for instance some of its columns.

        Parameters
        ----------
        static : array-like, sparse matrix or frame of shape (n_sequences, n_static)
            A row for each sequence, in the order of the sequences.

        Returns
        -------
        sequences : Sequences
            With the same values, lengths, ids and rows.

        Raises
        ------
        ValueError
            If the table does not have a row for each sequence, or if it is a pandas frame whose
            index holds the ids in another order.

        Examples
        --------
        >>> from skrnn import Sequences
        >>> X = Sequences([[1.0], [2.0], [3.0]], [2, 1], static=[[60, 1], [40, 0]])
        >>> X.with_static(X.static[:, :1]).static
        array([[60],
               [40]])
        """
        part = Sequences(self.values, self.lengths, static=static, rows=self.rows)
        if self.ids is not None:
            refuse_order_of(part.static, self.ids, "static", self.static, id_name=self._id_name)
        part.ids, part._id_name, part._times = self.ids, self._id_name, self._times
        return part

    def without_static(self) -> Sequences:
        """Return the same sequences without the static table.

        Returns
        -------
        sequences : Sequences
            With the same values, lengths, ids and rows.

        Examples
        --------
        >>> from skrnn import Sequences
        >>> Sequences([[1.0], [2.0]], [1, 1], static=[[60], [40]]).without_static()
        Sequences(2 sequences, 1 step, 1 feature)
        """
        return self.with_static(None)

    def to_ragged(self) -> np.ndarray:
        """Split the steps into one table for each sequence.

        Returns
        -------
        ragged : ndarray of shape (n_sequences,) and dtype object
            One array, sparse matrix or frame ``(n_steps, n_features)`` for each sequence. Arrays
            are views of `values`.

        Examples
        --------
        >>> from skrnn import as_sequences
        >>> [steps.shape for steps in as_sequences([[1, 2, 3], [4]]).to_ragged()]
        [(3, 1), (1, 1)]
        """
        return object_array(list(self))

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

        Raises
        ------
        ValueError
            If a sequence has more than `n_steps` steps.

        TypeError
            If the values are sparse or a frame.

        Examples
        --------
        >>> from skrnn import as_sequences
        >>> as_sequences([[1, 2, 3], [4]]).to_padded(fill_value=0)[..., 0]
        array([[1., 2., 3.],
               [4., 0., 0.]])
        """
        if not isinstance(self.values, np.ndarray):
            raise TypeError(
                f"Only arrays can be padded, but the steps are a {type(self.values).__name__}. "
                "Convert a frame with as_sequences, and a sparse matrix with its toarray()."
            )
        longest = int(self.lengths.max())
        n_steps = longest if n_steps is None else n_steps
        if n_steps < longest:
            raise ValueError(f"n_steps={n_steps} is less than the longest sequence has: {longest}.")
        shape = (len(self.lengths), n_steps, self.values.shape[1])
        dtype = np.result_type(self.values, np.min_scalar_type(fill_value))
        padded = np.full(shape, fill_value, dtype)
        padded[np.arange(n_steps) < self.lengths[:, None]] = self.values
        return padded


def _as_table(values: Any, name: str) -> Any:
    if is_frame(values):
        refuse_equal_names(values, name)
        return values
    if issparse(values):
        return values.tocsr()
    of_what = "step" if name == "values" else "sequence"
    if isinstance(values, Mapping):
        refused = f"a dictionary. Of columns, pass a frame, such as pandas.DataFrame({name})"
    else:
        refuse_lazy(values, name)
        refused = type(values).__name__
        try:
            table = np.asarray(values)
        except ValueError as error:  # lists of unequal lengths
            hint = ""
            if name == "values":
                hint = " A list of one array for each sequence is read by as_sequences(values)."
            raise ValueError(
                f"{name} must be a table with a row for each {of_what}, and its rows must have "
                f"one length.{hint}"
            ) from error
        if table.ndim == 1:
            _refuse_one_axis(values, table, name, of_what)
        if table.ndim:
            return table
    raise TypeError(f"{name} must be a table with a row for each {of_what}; got {refused}.")


def _refuse_one_axis(values: Any, table: np.ndarray, name: str, of_what: str) -> NoReturn:
    """Say how to make a table of a Series or array that has one axis."""
    if len(table) and isinstance(table[0], Mapping):
        advice = f"pandas.DataFrame({name})"
    elif not hasattr(values, "to_frame"):
        advice = f"np.reshape({name}, (-1, 1))"
    elif isinstance(values.name, str) and values.name:
        advice = f"frame[[{values.name!r}]], or {name}.to_frame()"
    else:
        advice = f"{name}.to_frame()"
    raise ValueError(
        f"{name} must be a table with a row for each {of_what}, but has one axis, of shape "
        f"{table.shape}. For a single column, pass {advice}."
    )


def _as_lengths(lengths: Any) -> np.ndarray:
    """Make an array of the numbers of steps of sequences."""
    try:
        array = np.asarray(lengths)
    except ValueError:  # lists of unequal lengths
        array = np.empty(0, dtype=object)
    if (
        array.ndim != 1
        or not array.size
        or array.dtype.kind not in "iu"
        or np.minimum.reduce(array) < 0
    ):
        kind = "" if array.dtype.kind in "iuO" else f" of type {array.dtype}"
        raise ValueError(
            "lengths must be integers of at least 0, the number of steps of each sequence; got "
            f"{lengths!r}{kind}."
        )
    return array


def _as_ids(ids: Any) -> np.ndarray:
    """Make a 1-D array of ids, which may be tuples."""
    array = np.asarray(ids) if not isinstance(ids, (list, tuple)) else object_array(ids)
    if not array.ndim:
        raise TypeError(f"ids must be a list or array of a name for each sequence; got {ids!r}.")
    return array if array.ndim == 1 else object_array(list(map(tuple, array)))


def _as_rows(rows: Any) -> np.ndarray:
    """Make an array of the numbers of the rows that the steps were read from."""
    array = np.asarray(rows)
    if array.size and array.dtype.kind not in "iu":
        raise ValueError(f"rows must be integers, the row of each step in a table; got {rows!r}.")
    return array


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def first_few(names: list[Any]) -> str:
    """List the first names or numbers, for a message."""
    shown = ", ".join(map(repr, names[:5]))
    return f"{shown}, ..." if len(names) > 5 else shown
