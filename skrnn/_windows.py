"""Windows of series, as sequences for a forecast."""

from __future__ import annotations

from numbers import Integral
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.sparse import issparse

from skrnn._input.containers import list_or_array
from skrnn._input.frames import column_names, is_frame, join_columns, read_frame, take
from skrnn._input.order import refuse_other_times
from skrnn._input.places import place_of_row
from skrnn._input.reading import NOT_NUMBERS, read
from skrnn._input.sequences import Sequences, first_few
from skrnn._input.values import as_array, is_nested, to_numbers, types_in
from skrnn._numeric.packing import starts_of
from skrnn._times import check_index, refuse_other_steps

if TYPE_CHECKING:
    from typing import Literal, NoReturn

_JOIN = (
    "Join the two tables by id and time, for instance with pandas.merge, and read both from the "
    "joined table with from_long."
)


def make_windows(
    series: Any,
    *,
    window: int,
    horizon: int = 1,
    stride: int = 1,
    exogenous: Any = None,
    missing_targets: Literal["error", "drop"] = "error",
) -> tuple[np.ndarray | Sequences, np.ndarray]:
    """Cut series into windows, with the values that follow each window as targets.

    Parameters
    ----------
    series : array-like, Series or frame of shape (n_steps,) or (n_steps, n_targets), or several
        The steps of one series in the order of time. Several series, of any lengths, are a list
        of these, a 3-D array, or `Sequences`, for instance from `from_long`. All columns are
        targets.

    window : int
        Number of steps of a window.

    horizon : int, default=1
        Number of steps after a window that are its targets.

    stride : int, default=1
        Number of steps from one window of a series to the next. The first window starts with the
        series.

    exogenous : in the form of `series`, default=None
        Further columns at the same steps, which are features and no targets. They may hold text,
        if they are frames. They are paired with `series` by position. Columns of another table
        must be joined by id and time before `from_long`.

    missing_targets : {'error', 'drop'}, default='error'
        What to do if a target is missing: raise an error, or leave the window out.

    Returns
    -------
    X : ndarray of shape (n_windows, window, n_targets + n_exogenous), or Sequences
        The windows, targets first. `Sequences` if `series` is a frame or several series: they keep
        the names of the columns and the static columns of each series, and their `ids` are the id
        of the series of each window, or its number. float32 stays float32; other numbers in arrays
        become float64.

    y : ndarray of shape (n_windows,), (n_windows, horizon), (n_windows, n_targets) or \
            (n_windows, horizon * n_targets)
        The targets. Both axes are left out where they are 1. With several steps of several
        targets, all targets of the first step come first:
        ``y.reshape(n_windows, horizon, n_targets)``.

    Raises
    ------
    ValueError
        If no series has ``window + horizon`` steps, or the lengths, ids, indices or times of
        `series` and `exogenous` differ. If the dates or numbers in an index are not increasing, or
        its dates are text in another format than that of ISO dates or quarters ('2024Q3'). If a
        target is missing, infinite or no number. If a window in an array ends with a step that is
        missing in all columns, which would be padding.

    See Also
    --------
    skrnn.forecasting.forecast : Forecast several steps by feeding back the predictions.
    from_long : Read series from a table that has a column of ids.

    Notes
    -----
    Windows never cross the end of a series. Those of several series are ordered by their step: the
    first window of each series, then the second of each, and so on. So
    `sklearn.model_selection.TimeSeriesSplit` tests on later windows than it trains on, if the
    series start at the same time. With ``gap=n_series * ceil(horizon / stride) - 1``, no
    target of a training window lies at or after the first target of a test window, which is
    ``gap=horizon - 1`` for one series and ``stride=1``. With ``window + horizon`` in place of
    ``horizon``, training and test windows share no step.

    If series are independent of each other, ``GroupKFold`` with ``groups=X.ids`` tests on series
    that were not in training. If they start at different times and are not independent, cut them
    at a date: make windows of the steps before it for training, and of the last `window` steps
    before it and all after it for the test.

    Networks refuse missing values in windows. Fill them before, or with an imputer in a pipeline.

    A value that is known for the step that is predicted, such as its month, belongs to the step
    before: shift this column of `exogenous` by one step.

    Examples
    --------
    >>> import numpy as np
    >>> from skrnn.convert import make_windows
    >>> X, y = make_windows([1, 2, 3, 4, 5, 6], window=3, horizon=2)
    >>> X[..., 0]
    array([[1., 2., 3.],
           [2., 3., 4.]])
    >>> y
    array([[4., 5.],
           [5., 6.]])

    Two series:

    >>> X, y = make_windows([[1, 2, 3, 4], [10, 20, 30]], window=2)
    >>> X
    Sequences(3 sequences, 2 steps, 1 feature, ids=0, 1, 0)
    >>> y
    array([ 3., 30.,  4.])
    """
    for name, value in [("window", window), ("horizon", horizon), ("stride", stride)]:
        if not isinstance(value, Integral) or value < 1:
            raise ValueError(f"{name} must be an integer >= 1, got {value!r}.")
    window, horizon, stride = int(window), int(horizon), int(stride)
    if missing_targets not in ("error", "drop"):
        raise ValueError(f"missing_targets must be 'error' or 'drop', got {missing_targets!r}.")
    if is_frame(exogenous) and hasattr(series, "to_frame"):
        series = series.to_frame()
    targets, in_array = _read_series(series, "series")
    numbers = _as_floats(targets, "series")
    table = numbers if isinstance(targets.values, np.ndarray) else targets.values
    if exogenous is not None:
        table = join_columns([table, _read_exogenous(exogenous, series, targets)])
    first, of_series = _first_steps(targets.lengths, window, horizon, stride)
    y = numbers[first[:, None] + np.arange(window, window + horizon)]
    missing = np.isnan(y).any(axis=(1, 2))
    if missing.any():
        if missing_targets == "error" or missing.all():
            row = first[missing.argmax()] + window
            _refuse_missing_targets(targets, numbers, row, missing_targets)
        first, of_series, y = first[~missing], of_series[~missing], y[~missing]
    n_windows, single = len(first), y[0].size == 1
    y = y.reshape(n_windows) if single else y.reshape(n_windows, -1)
    steps = (first[:, None] + np.arange(window)).ravel()
    if in_array:
        X = table[steps].reshape(n_windows, window, -1)
        _refuse_padding(X)
        return X, y
    ids = np.arange(len(targets)) if targets.ids is None else targets.ids
    static = None if targets.static is None else take(targets.static, of_series)
    rows = None if targets.rows is None else targets.rows[steps]
    times = None if targets._times is None else targets._times[steps]
    parts = {"static": static, "ids": ids[of_series], "rows": rows}
    parts |= {"_id_name": targets._id_name, "_times": times}
    return Sequences._of_parts(take(table, steps), np.full(n_windows, window), **parts), y


def _read_series(series: Any, name: str) -> tuple[Sequences, bool]:
    """Read one or several series; also return whether they are one series in an array."""
    if isinstance(series, Sequences):
        return series, False
    if is_frame(series):
        if any(map(is_nested, read_frame(take(series, slice(1))).ravel())):
            return read(series, None).sequences, False  # a row for each series
        check_index(series, name)
        return Sequences(series, [series.shape[0]]), False
    opened = list_or_array(series, name)
    if isinstance(opened, list) and any(map(is_nested, opened)):
        for i, item in enumerate(opened):
            check_index(item, f"Series {i} of {name}")
        return read(opened, None).sequences, False
    check_index(series, name)
    array = as_array(opened)
    if array.ndim == 3:
        return read(array, None).sequences, False
    if array.ndim not in (1, 2) or not array.size:
        raise ValueError(
            f"{name} has shape {array.shape}, but (n_steps,) or (n_steps, n_columns) is required, "
            "or a list of series."
        )
    array = array.reshape(len(array), -1)
    return Sequences(array, [len(array)]), True


def _read_exogenous(exogenous: Any, series: Any, targets: Sequences) -> Any:
    """Read the exogenous columns, which must be those of the same steps."""
    columns, _ = _read_series(exogenous, "exogenous")
    if not np.array_equal(columns.lengths, targets.lengths):
        advice = "" if targets._times is None else f" {_JOIN}"
        raise ValueError(
            f"exogenous has series of {first_few(columns.lengths.tolist())} steps, but series has "
            f"{first_few(targets.lengths.tolist())}; both need the same steps.{advice}"
        )
    ids, others = targets.ids, columns.ids
    if ids is not None and others is not None and ids.tolist() != others.tolist():
        raise ValueError(
            f"exogenous has series with the ids {first_few(others.tolist())}, but series has "
            f"{first_few(ids.tolist())}."
        )
    refuse_other_steps(series, exogenous)
    refuse_other_times(columns, targets, "exogenous", "series", _JOIN)
    if columns.static is not None:
        raise ValueError("exogenous has static columns; pass them with series.")
    if isinstance(targets.values, np.ndarray) and isinstance(columns.values, np.ndarray):
        return _as_floats(columns, "exogenous")
    if type(targets.values) is not type(columns.values):
        raise ValueError(
            f"series is a {type(targets.values).__name__} and exogenous a "
            f"{type(columns.values).__name__}; pass frames of one library, or arrays."
        )
    names = [*(column_names(targets.values) or []), *(column_names(columns.values) or [])]
    if len(set(names)) < len(names):
        raise ValueError(f"The columns of series and exogenous must differ, got {names}.")
    return columns.values


def _as_floats(series: Sequences, name: str) -> np.ndarray:
    """Convert the values to finite floats, or NaN."""
    values = series.values
    if issparse(values):
        raise ValueError(f"{name} is sparse, but an array or frame is required.")
    values = to_numbers(read_frame(values) if is_frame(values) else values, name)
    if values.dtype.kind not in "biuf":
        columns = column_names(series.values) or range(values.shape[1])
        kinds = [(kind, what) for kind, what, _ in NOT_NUMBERS]
        column, what = next(
            (column, what)
            for column, cells in zip(columns, values.T, strict=True)
            for kind, what in kinds
            if types_in(cells, kind)
        )
        raise ValueError(
            f"Column {column!r} of {name} holds {what}, but numbers are required. If it says which "
            "series a row belongs to, read the table with skrnn.convert.from_long."
        )
    values = values if values.dtype == np.float32 else values.astype(np.float64, copy=False)
    infinite = np.isinf(values).any(axis=1)
    if infinite.any():
        place = place_of_row(int(infinite.argmax()), series.lengths)
        raise ValueError(f"{name} contains infinity at {place}.")
    return values


def _first_steps(
    lengths: np.ndarray, window: int, horizon: int, stride: int
) -> tuple[np.ndarray, np.ndarray]:
    """Find the row of the first step of each window, and its series; in the order of time."""
    n_windows = np.maximum((lengths - window - horizon) // stride + 1, 0)
    if not n_windows.any():
        raise ValueError(
            f"No series has window + horizon = {window + horizon} steps; the longest has "
            f"{lengths.max()}."
        )
    of_series = np.repeat(np.arange(len(lengths)), n_windows)
    number = np.arange(len(of_series)) - np.repeat(starts_of(n_windows), n_windows)
    order = np.argsort(number, kind="stable")
    return (starts_of(lengths)[of_series] + number * stride)[order], of_series[order]


def _refuse_missing_targets(
    series: Sequences, numbers: np.ndarray, row: int, missing_targets: str
) -> NoReturn:
    row += int(np.isnan(numbers[row:]).any(axis=1).argmax())
    advice = (
        ", or leave out the windows without complete targets with missing_targets='drop'."
        if missing_targets == "error"
        else ". No window has complete targets, so missing_targets='drop' leaves none."
    )
    raise ValueError(
        f"series has a missing value at {place_of_row(int(row), series.lengths)}, which is a "
        f"target. Fill it before, for instance by interpolation{advice}"
    )


def _refuse_padding(X: np.ndarray) -> None:
    """Refuse an array in which missing steps at the end of a window would be read as padding."""
    padding = np.isnan(X[:, -1]).all(axis=1)
    if padding.any():
        raise ValueError(
            f"Window {padding.argmax()} ends with a missing step, which is padding in a 3-D array. "
            "Fill it before, or pass the series as a frame or as Sequences, as_sequences([series], "
            "numeric=False), where it is a missing value."
        )
