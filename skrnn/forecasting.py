"""Forecasts of several steps, by feeding predictions back as the next step."""

from __future__ import annotations

from numbers import Integral
from typing import TYPE_CHECKING

import numpy as np
from scipy.sparse import csr_matrix, issparse

from skrnn._compat import get_tags
from skrnn._fed_back import not_finite, refuse_not_finite, refused
from skrnn._input import (
    Reading,
    Sequences,
    check_numeric,
    in_form_of,
    missing_steps,
    read,
    refuse_missing,
)
from skrnn._input.frames import (
    column_names,
    is_frame,
    join_columns,
    make_frame,
    read_frame,
    take,
)
from skrnn._input.order import refuse_other_ids
from skrnn._input.reading import join_tables
from skrnn._input.values import is_nested
from skrnn._numeric.packing import starts_of
from skrnn._times import refuse_past
from skrnn.losses import Quantile

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from skrnn._types import Window


def forecast(
    estimator: Any, X: Any, horizon: int, exogenous: Any = None, *, window: Window = "auto"
) -> np.ndarray:
    """Forecast several steps after each sequence, from an estimator of the next step.

    The prediction for a sequence is appended to it as its next step, and the estimator predicts
    the step after it, until `horizon` steps are predicted. By default, the oldest step is dropped
    if the estimator may not be accurate on longer sequences.

    Parameters
    ----------
    estimator : estimator
        A fitted regressor of the next step of sequences: `SequenceRNNRegressor`,
        `StepRNNRegressor`, an ensemble, or a pipeline, search or regressor with transformed
        targets that contains one of them. The features of a step are the targets, followed by
        exogenous features if there are any; see `skrnn.convert.make_windows`.

    X : array-like
        Sequences in any form that ``predict`` of `estimator` accepts. The forecasts begin after
        their last steps.

    horizon : int
        Number of steps to forecast.

    exogenous : array-like of shape (n_sequences, horizon - 1, n_exogenous), default=None
        Values of the exogenous features at the steps that are appended, in any form in which
        sequences are accepted. If `X` has names, these are frames with the same names, or numbers
        in the order of the columns. There is one step less than `horizon`, because the last
        prediction is not fed back. Not needed for a horizon of 1. The steps must be those right
        after the last steps of `X`. If both have times, by which `skrnn.convert.from_long` ordered
        them or in the index of pandas frames, steps that are not after `X` are refused. A gap
        between them is not noticed, because it may be a weekend.

    window : 'auto', int or None, default='auto'
        Predict from so many last steps of each sequence only. 'auto' means the number of steps
        that the sequence has in `X`, so pass sequences as long as those in training, or their
        length as `window`. None means that sequences grow. So does 'auto' for networks of one
        direction that predict from their last state (``bidirectional=False`` and
        ``pooling="last"``, or an estimator of steps), which stay accurate on longer
        sequences.

    Returns
    -------
    y : ndarray of shape (n_sequences, horizon) or (n_sequences, horizon, n_targets)
        The forecasts; 3-D if the targets are vectors.

    Raises
    ------
    ValueError
        If the predictions and `exogenous` together are not the features of a step, if the times of
        `exogenous` are not after those of `X`, if the estimator is a classifier or predicts other
        quantiles than the median, if a sequence without steps is given to an estimator of steps, if
        a prediction is not finite, or if the estimator refuses the predictions that are fed back.

    See Also
    --------
    skrnn.convert.make_windows : Cut series into windows, with the next values as targets.

    Notes
    -----
    If sequences grow, networks of one direction (``bidirectional=False``) keep their state, and so
    process each step once. Otherwise, ``predict`` is called for each step. Both give the same
    forecasts, up to rounding. If `X` is an array, ``predict`` is called with arrays,
    so that a pipeline may also end in a regressor of tables, such as ridge regression on flat
    windows. Other forms become `skrnn.Sequences`.

    For ``loss=Gaussian()``, the mean is fed back. The standard deviation is only valid for one
    step. `Quantile` is accepted for the median only, since feeding back another quantile does not
    give this quantile of later steps.

    If the targets alone are transformed by a logarithm, a forecast often grows beyond all bounds.
    Take the logarithm of the series before `make_windows`, and ``np.exp`` of the forecast.

    An estimator fitted on several steps at once, ``make_windows(..., horizon=h)``, is no estimator
    of the next step: its ``predict`` returns the forecasts.

    Examples
    --------
    >>> import numpy as np
    >>> from skrnn import SequenceRNNRegressor
    >>> from skrnn.convert import make_windows
    >>> from skrnn.forecasting import forecast
    >>> wave = np.sin(np.arange(100) / 3)
    >>> X, y = make_windows(wave[:90], window=20)
    >>> reg = SequenceRNNRegressor(8, random_state=0).fit(X, y)
    >>> errors = forecast(reg, [wave[70:90]], horizon=10) - wave[90:]
    >>> bool(abs(errors).max() < 0.2)
    True
    """
    estimator = getattr(estimator, "best_estimator_", estimator)
    if not isinstance(horizon, Integral) or horizon < 1:
        raise ValueError(f"horizon must be an integer >= 1, got {horizon!r}.")
    is_length = isinstance(window, Integral) and window >= 1
    if not is_length and window is not None and not (isinstance(window, str) and window == "auto"):
        raise ValueError(f"window must be 'auto', None or an integer >= 1, got {window!r}.")
    params = estimator.get_params()
    _check_kind(estimator, params)
    reading = _read(X, params)
    limits = _limits(window, reading.sequences.lengths, estimator, params)
    sequences = reading.sequences if limits is None else _last_steps(reading.sequences, limits)

    def next_step(sequences: Sequences) -> np.ndarray:
        given = in_form_of(X, reading, sequences) if isinstance(X, np.ndarray) else sequences
        return _next_step(estimator, X if sequences is reading.sequences else given)

    first = next_step(sequences)
    vectors = first.reshape(len(first), -1)
    if not sequences.n_features:  # empty lists do not show their number of features
        sequences = sequences.with_values(np.empty((0, vectors.shape[1])))
    refuse_not_finite(vectors, np.arange(len(vectors)), np.ones(len(vectors), int))
    future = _read_exogenous(exogenous, sequences, vectors.shape[1], int(horizon))
    if future is not None:
        refuse_past(X, reading.sequences, exogenous, future)
    if limits is None and sequences.static is None and _is_stream(estimator):
        answers = _carry_on(estimator, sequences, vectors, future, int(horizon))
    else:
        answers = _feed_back(next_step, sequences, vectors, future, int(horizon), limits)
    return answers[:, :, 0] if first.ndim == 1 else answers


def _check_kind(estimator: Any, params: dict[str, Any]) -> None:
    if hasattr(estimator, "classes_"):
        raise ValueError(
            f"{type(estimator).__name__} predicts classes, but a forecast feeds back numbers. Use "
            "a regressor."
        )
    for part in (estimator, *params.values()):
        levels = getattr(part, "quantiles_", None)  # of fit, whatever the parameter is now
        if not hasattr(part, "quantiles_") and isinstance(getattr(part, "loss", None), Quantile):
            levels = part.loss._levels()
        if levels is not None and levels != 0.5:
            raise ValueError(
                f"The estimator predicts the quantiles {levels}. Only the median can be "
                "fed back, loss=Quantile(0.5): another quantile is not this quantile of later "
                "steps. For quantiles of several steps, fit on targets of several steps, "
                "make_windows(..., horizon=h), and call predict."
            )


def _limits(
    window: Window, lengths: np.ndarray, estimator: Any, params: dict[str, Any]
) -> np.ndarray | None:
    """Get the largest number of steps of each sequence; None if they grow."""
    if window is None or (window == "auto" and _reads_last_state(estimator, params)):
        return None
    return np.maximum(lengths, 1) if window == "auto" else np.full(len(lengths), window)


def _reads_last_state(estimator: Any, params: dict[str, Any]) -> bool:
    """Return whether the networks in an estimator have one direction, and predict from its end."""
    parts = [part for part in (estimator, *params.values()) if hasattr(part, "bidirectional")]
    networks = [p._fitted_network() if hasattr(p, "_architecture") else p for p in parts]
    return bool(networks) and all(
        not network.bidirectional and getattr(network, "pooling", None) in (None, "last", ("last",))
        for network in networks
    )


def _next_step(estimator: Any, X: Any) -> np.ndarray:
    """Predict the step after each sequence, (n_sequences,) or (n_sequences, n_targets)."""
    predictions = np.asarray(estimator.predict(X))
    if predictions.dtype != object:
        return predictions
    lengths = np.array([len(steps) for steps in predictions])
    if not lengths.all():
        raise ValueError(
            f"Sequence {lengths.argmin()} has no step, but an estimator of steps predicts after "
            "each step. Pass at least one step."
        )
    return np.array([steps[-1] for steps in predictions])


def _read(X: Any, params: dict[str, Any]) -> Reading:
    """Read X as the estimator does, whose first part may read flat sequences."""
    widths = {value for name, value in params.items() if name.split("__")[-1] == "step_features"}
    widths -= {None}
    return read(X, widths.pop() if len(widths) == 1 else None)


def _read_exogenous(
    exogenous: Any, sequences: Sequences, n_targets: int, horizon: int
) -> Sequences | None:
    """Read the exogenous features of the steps ahead, and check that they complete a step."""
    n_sequences, n_features = len(sequences), sequences.n_features
    n_exogenous = n_features - n_targets
    if n_exogenous < 0:
        raise ValueError(
            f"The estimator predicts {n_targets} numbers, but a step has {n_features} features. To "
            "feed predictions back, fit on the features of the next step. If it was fitted on "
            "several steps ahead, predict returns the forecasts."
        )
    if exogenous is None and (horizon == 1 or not n_exogenous):
        return None
    shape = f"({n_sequences}, {horizon - 1}, {n_exogenous})"
    what = "(n_sequences, horizon - 1, n_exogenous)"
    if exogenous is None:
        raise ValueError(
            f"A step has {n_features} features, but the estimator predicts {n_targets} of them. "
            f"Either pass exogenous, {what} = {shape}, with the other features of the steps that "
            "are appended (one less than horizon: the last prediction is not fed back), or fit on "
            "vectors of all features of the next step."
        )
    if not n_exogenous:
        raise ValueError(
            f"The estimator predicts all {n_targets} features of a step, so exogenous must be None."
        )
    if isinstance(exogenous, np.ndarray):
        exogenous = list(exogenous)  # in which no step is padding
    advice = _advice_on_one_frame(exogenous)
    try:
        future = read(exogenous, None).sequences
    except (TypeError, ValueError) as error:
        kind = TypeError if isinstance(error, TypeError) else ValueError
        raise kind(
            f"exogenous must have the shape {what} = {shape}."
            f"{advice or f' Read as X is, it raises this error: {error}'}"
        ) from error
    same_lengths = len(future) == n_sequences and (future.lengths == horizon - 1).all()
    if not same_lengths or (horizon > 1 and future.n_features != n_exogenous):
        raise ValueError(
            f"exogenous must have the shape {what} = {shape}: a step less than horizon, because "
            f"the last prediction is not fed back. It holds {len(future)} sequences of "
            f"{sorted(set(future.lengths.tolist()))} steps and {future.n_features} features."
            f"{advice}"
        )
    refuse_other_ids(sequences, exogenous=exogenous)
    return _with_names(future, sequences, n_targets) if horizon > 1 else future


def _advice_on_one_frame(exogenous: Any) -> str:
    """Say how to pass a frame or Series of values, which is read as sequences in rows; else ''."""
    if is_frame(exogenous):
        cells = read_frame(take(exogenous, slice(1)))
    elif hasattr(exogenous, "to_frame"):
        cells = np.asarray(exogenous[:1])
    else:
        return ""
    if any(map(is_nested, cells.flat)):
        return ""
    return " Pass a list of one frame for each sequence, such as [frame]."


def _with_names(future: Sequences, sequences: Sequences, n_targets: int) -> Sequences:
    """Make exogenous features a frame if the steps are in one; check their names."""
    table, values = sequences.values, future.values
    if not is_frame(table):
        return future
    names = (column_names(table) or [])[n_targets:]
    if isinstance(values, np.ndarray) and values.dtype.kind in "biuf":
        return future.with_values(make_frame(dict(zip(names, values.T, strict=True)), table))
    given = f"an array of type {values.dtype}" if hasattr(values, "dtype") else ""
    if given or column_names(values) != names:
        raise ValueError(
            f"X has the columns {column_names(table)}, so exogenous must be frames with the "
            f"columns {names}, in this order, or an array of numbers; it has "
            f"{given or f'the columns {column_names(values)}'}. Pass one frame for each sequence, "
            f"such as [frame[{names}] for frame in frames]."
        )
    if type(values) is not type(table):
        raise ValueError(
            f"X holds frames of {type(table).__module__.split('.')[0]}, but exogenous holds frames "
            f"of {type(values).__module__.split('.')[0]}. Pass frames of one library."
        )
    return future


# Any estimator: predict for each step -------------------------------------------------------


def _feed_back(
    next_step: Callable[[Sequences], np.ndarray],
    sequences: Sequences,
    vectors: np.ndarray,
    future: Sequences | None,
    horizon: int,
    limits: np.ndarray | None,
) -> np.ndarray:
    """Predict each step from the sequences to which the steps before it are appended."""
    answers = [vectors]
    for k in range(horizon - 1):
        sequences = _append(sequences, _new_rows(sequences.values, answers[-1], future, k))
        if limits is not None:
            sequences = _last_steps(sequences, limits)
        try:
            answers.append(next_step(sequences).reshape(len(vectors), -1))
        except ValueError as error:
            if future is not None and "NaN" in str(error):
                _refuse_missing_at(future, k)
            raise ValueError(refused(error, answers[-1], k + 1)) from error
        refuse_not_finite(answers[-1], np.arange(len(vectors)), np.full(len(vectors), k + 2))
    return np.stack(answers, axis=1)


def _new_rows(table: Any, vectors: np.ndarray, future: Sequences | None, k: int) -> Any:
    """Make the rows that are appended to a table of steps: predictions, exogenous features."""
    if is_frame(table):
        names = (column_names(table) or [])[: vectors.shape[1]]
        vectors = make_frame(dict(zip(names, vectors.T, strict=True)), table)
    rows = vectors
    if future is not None:
        of_step = take(future.values, starts_of(future.lengths) + k)
        rows = join_columns([vectors, of_step.toarray() if issparse(of_step) else of_step])
    if getattr(table, "dtype", None) == np.float32:
        rows = rows.astype(np.float32)
    return csr_matrix(rows) if issparse(table) else rows


def _refuse_missing_at(future: Sequences, k: int) -> None:
    """Refuse exogenous features that are missing at a step which an estimator has refused."""
    rows, missing = starts_of(future.lengths) + k, missing_steps(future)
    at_step = np.zeros_like(missing)
    at_step[rows] = missing[rows]
    refuse_missing(at_step, future, "exogenous")


def _append(sequences: Sequences, rows: Any) -> Sequences:
    """Append a step to each sequence."""
    number = np.arange(len(sequences))
    of_row = np.concatenate([np.repeat(number, sequences.lengths), number])
    values = take(join_tables([sequences.values, rows]), np.argsort(of_row, kind="stable"))
    return sequences._with_steps(values, sequences.lengths + 1)


def _last_steps(sequences: Sequences, limits: np.ndarray) -> Sequences:
    """Keep the last steps of each sequence."""
    lengths = np.minimum(sequences.lengths, limits)
    if (lengths == sequences.lengths).all():
        return sequences
    ends = np.cumsum(sequences.lengths)
    steps = np.repeat(ends - np.cumsum(lengths), lengths) + np.arange(lengths.sum())
    return sequences._with_steps(take(sequences.values, steps), lengths)


# Networks that stream: step by step ---------------------------------------------------------


def _is_stream(estimator: Any) -> bool:
    """Return whether the estimator is a network that streams, or an ensemble of them."""
    if not hasattr(estimator, "step"):
        return False
    members = getattr(estimator, "estimators_", [estimator])
    return not any(member._fitted_network().needs_ends for member in members)


def _carry_on(
    estimator: Any,
    sequences: Sequences,
    vectors: np.ndarray,
    future: Sequences | None,
    horizon: int,
) -> np.ndarray:
    """Predict each step from the state after the steps before it.

    All sequences start together. After its last step, a sequence goes on with its predictions. They
    are ordered by length, so that those that still go on are the first ones.
    """
    order = np.argsort(-sequences.lengths, kind="stable")
    lengths, starts = sequences.lengths[order], starts_of(sequences.lengths)[order]
    allow_nan = get_tags(estimator).input_tags.allow_nan
    values = check_numeric(sequences, allow_nan).values
    n_sequences, n_targets = vectors.shape
    answers = np.empty((n_sequences, horizon, n_targets), vectors.dtype)
    answers[:, 0] = vectors[order]
    appended = np.empty((n_sequences, horizon - 1, sequences.n_features), values.dtype)
    if future is not None:
        known = check_numeric(future, allow_nan, "exogenous").values
        known = known.toarray() if issparse(known) else known
        appended[:, :, n_targets:] = known.reshape(n_sequences, horizon - 1, -1)[order]
    x = np.empty((n_sequences, sequences.n_features), values.dtype)
    state = estimator.initial_state(n_sequences)
    for t in range(lengths[0] + horizon - 1):
        n_read, n_on = np.searchsorted(t - lengths, [0, horizon - 1])
        given = values[starts[:n_read] + t]
        x[:n_read] = given.toarray() if issparse(given) else given
        fed = np.arange(n_read, n_on)
        ahead = t - lengths[fed]
        appended[fed, ahead, :n_targets] = answers[fed, ahead]
        x[fed] = appended[fed, ahead]
        state = _streams(state, slice(n_on))
        try:
            predictions, state = estimator.step(x[:n_on], state)
        except ValueError as error:
            for i, k in zip(fed, ahead, strict=True):
                if _is_refused(estimator, x[i : i + 1], _streams(state, slice(i, i + 1))):
                    raise ValueError(not_finite(order[i], k + 2, "is not finite")) from error
            raise
        answers[fed, ahead + 1] = predictions.reshape(n_on, -1)[n_read:]
        refuse_not_finite(answers[fed, ahead + 1], order[fed], ahead + 2)
    return answers[np.argsort(order)]


def _is_refused(estimator: Any, x: np.ndarray, state: Any) -> bool:
    """Return whether a step is refused, because it or its prediction is not finite."""
    try:
        estimator.step(x, state)
    except ValueError:
        return True
    return False


def _streams(state: Any, part: slice) -> Any:
    """Keep some streams of a state, which is a tuple of tuples of arrays."""
    if isinstance(state, np.ndarray):
        return state[part]
    if not isinstance(state, tuple):
        return state  # the number of steps
    parts = [_streams(item, part) for item in state]
    return state._make(parts) if hasattr(state, "_make") else tuple(parts)
