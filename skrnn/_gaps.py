"""Gaps: missing values that are filled by the last observed ones, and the time since then."""

from __future__ import annotations

import warnings
from numbers import Integral
from typing import TYPE_CHECKING

import numpy as np
from scipy.sparse import issparse
from sklearn.utils._param_validation import Interval

from skrnn._compat.decorators import fit_context
from skrnn._input import Sequences, check_numeric
from skrnn._input.reading import place_of
from skrnn._numeric.packing import starts_of
from skrnn._transformers import SequenceTransformer, fits, names_of_features

if TYPE_CHECKING:
    from typing import Any, Self

    from numpy.typing import ArrayLike
    from sklearn.utils import Tags


class ForwardImputer(SequenceTransformer, auto_wrap_output_keys=None):  # type: ignore[call-arg]
    """Replace missing values by the last observed value of the feature in the same sequence.

    This is also called forward filling, or last observation carried forward. Before the first
    observation of a feature in a sequence, its mean over the training data takes the place.
    Nothing passes from one sequence to another, and the output at a step depends only on the
    steps up to it. So it can be computed while steps arrive.

    A value that was carried for long says less than a new one. `add_indicator` and `add_elapsed`
    add features that tell the network which values were missing, and for how long. With both,
    the output is the input of the cell 'gru_d', such as of ``SequenceRNNClassifier(cell="gru_d")``.

    Parameters
    ----------
    add_indicator : bool, default=False
        Whether to add a feature for each feature: 1 where its value was missing, 0 elsewhere.

    add_elapsed : bool, default=False
        Whether to add a feature for each feature: the time from its last observation *before* this
        step to this step, whether or not there is an observation at this step. This is the time
        interval of [1]_. If there was no observation before, the time counts from the first step.
        So it is 0 at the first step.

    time : str or int, default=None
        Name or index of the feature that holds the time of each step, in any unit. It must be
        observed at each step, and must not decrease within a sequence. It stays a feature like
        the others. None means that steps are 1 apart. Only used by `add_elapsed`.

    step_features : int, default=None
        Number of features of a step where a sequence is given flat. None means 1.

    Attributes
    ----------
    statistics_ : ndarray of shape (`n_step_features_`,)
        Mean of the observed training values of each feature; 0 if there is none.

    n_step_features_ : int
        Number of features of a step in `fit`.

    n_features_in_ : int
        Number of columns of a 2-D `X` in `fit`, else the same as `n_step_features_`.

    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the columns of a 2-D `X`, or of the features of a step, if there are names.

    See Also
    --------
    PerStep : Apply a transformer to the steps of all sequences, such as ``SimpleImputer()``.
    PerSequence : Apply any function to each sequence, such as an interpolation.

    Notes
    -----
    All features are imputed; those without a missing value stay as they are, and get an
    indicator and times as well. The user guide shows how to drop these.

    In 2-D and 3-D arrays, steps at the end of a sequence that are missing in all features are
    padding, and stay padding. Pass ``list(X)`` if they are steps without any observation.

    For the cell 'gru_d', put ``PerStep(StandardScaler())`` before this transformer: the scaler
    ignores missing values, and the cell requires indicators of 0 or 1 and times of at least 0.
    A `ColumnTransformer` can scale all features but the time. For other cells, put the scaler
    after this transformer, as the times may be large.

    References
    ----------
    .. [1] Z. Che, S. Purushotham, K. Cho, D. Sontag and Y. Liu, "Recurrent neural networks for
       multivariate time series with missing values", Scientific Reports 8, 6085 (2018).

    Examples
    --------
    >>> import numpy as np
    >>> from skrnn import ForwardImputer
    >>> X = [[5.0, np.nan, np.nan, 7.0], [np.nan, 3.0]]
    >>> [steps.ravel().tolist() for steps in ForwardImputer().fit_transform(X)]
    [[5.0, 5.0, 5.0, 7.0], [5.0, 3.0]]
    >>> imputer = ForwardImputer(add_indicator=True, add_elapsed=True)
    >>> imputer.fit_transform(X)[0]
    array([[5., 0., 0.],
           [5., 1., 1.],
           [5., 1., 2.],
           [7., 0., 3.]])
    >>> imputer.get_feature_names_out().tolist()
    ['x0', 'missingindicator_x0', 'elapsed_x0']
    """

    _parameter_constraints: dict[str, Any] = {
        "add_indicator": ["boolean"],
        "add_elapsed": ["boolean"],
        "time": [None, str, Interval(Integral, 0, None, closed="left")],
        "step_features": [None, Interval(Integral, 1, None, closed="left")],
    }

    def __init__(
        self,
        *,
        add_indicator: bool = False,
        add_elapsed: bool = False,
        time: int | str | None = None,
        step_features: int | None = None,
    ) -> None:
        self._store(locals())

    @fit_context(prefer_skip_nested_validation=True)
    @fits
    def fit(self, X: Any, y: Any = None) -> Self:
        """Compute the mean of the observed values of each feature.

        Parameters
        ----------
        X : list, tuple, object array, Series, Sequences, 2-D or 3-D array, or DataFrame
            Sequences in any form that `skrnn.as_sequences` reads. Values may be missing.

        y : Ignored
            Not used, present for consistency.

        Returns
        -------
        self : ForwardImputer
            The fitted transformer.

        Raises
        ------
        ValueError, TypeError
            If X holds no valid sequences (see `skrnn.as_sequences`), its steps are sparse, or
            the feature `time` does not exist, is missing at a step, or decreases.

        Warns
        -----
        UserWarning
            If a feature is never observed. Its missing values are replaced by 0, as by
            ``SimpleImputer(keep_empty_features=True)``.
        """
        with self._fitting(X, y):
            sequences = _numbers_of(self._read(X, reset=True).sequences)
            self._times(sequences)
            observed = ~np.isnan(sequences.values)
            n_observed = observed.sum(axis=0)
            total = np.where(observed, sequences.values, 0).sum(axis=0, dtype=np.float64)
            self.statistics_ = total / np.maximum(n_observed, 1)
            if not n_observed.all():
                names = names_of_features(self, None)[n_observed == 0].tolist()
                warnings.warn(
                    f"The features {names} of X have no observed value in fit. Their missing "
                    "values are replaced by 0.",
                    stacklevel=5,
                )
        return self

    def transform(self, X: Any) -> Any:
        """Replace missing values, and add indicators and times.

        Parameters
        ----------
        X : list, tuple, object array, Series, Sequences, 2-D or 3-D array, or DataFrame
            Sequences in any form that `skrnn.as_sequences` reads.

        Returns
        -------
        sequences : list, Sequences, Series, DataFrame or ndarray
            The sequences in the form of X, as `PerStep.transform` returns them. The features of
            a step are the values, then the indicators, then the times. `Sequences` keep their
            static table, ids and rows.

        Raises
        ------
        ValueError, TypeError
            As in `fit`, or if X has other features than in `fit`.
        """
        reading = self._read(X, reset=False)
        sequences = reading.sequences
        values = self._impute(_numbers_of(sequences))
        values = self._in_frame_like(sequences.values, values)
        return self._in_form_of(X, reading, sequences.with_values(values))

    def get_feature_names_out(self, input_features: ArrayLike | None = None) -> np.ndarray:
        """Return the names of the features of a transformed step.

        Parameters
        ----------
        input_features : array-like of str, default=None
            Names of the features of a step. None means those seen in `fit`, or ``x0``, ``x1``
            and so on.

        Returns
        -------
        names : ndarray of str of shape (n_features_out,)
            The names of the features, those with ``missingindicator_`` before them, and those
            with ``elapsed_`` before them.
        """
        names = names_of_features(self, input_features)
        prefixes = ["", *["missingindicator_"] * self.add_indicator]
        prefixes += ["elapsed_"] * self.add_elapsed
        return np.array([prefix + name for prefix in prefixes for name in names], dtype=object)

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        return tags

    def _impute(self, sequences: Sequences) -> np.ndarray:
        """Return the new features of all steps, (n_steps_total, n_features_out)."""
        values, dtype = sequences.values, sequences.values.dtype
        row = np.arange(len(values))
        first = np.repeat(starts_of(sequences.lengths), sequences.lengths)
        missing = np.isnan(values)
        # Row of the last observation of each feature; before it, that of the first step.
        last = np.where(missing, first[:, None], row[:, None])
        last = np.maximum.accumulate(last, axis=0)
        carried = np.take_along_axis(values, last, axis=0)
        blocks = [np.where(np.isnan(carried), self.statistics_.astype(dtype), carried)]
        if self.add_indicator:
            blocks.append(missing.astype(dtype))
        if self.add_elapsed:
            times = self._times(sequences)
            before = np.maximum(row - 1, first)
            blocks.append((times[:, None] - times[last[before]]).astype(dtype))
        return np.hstack(blocks)

    def _times(self, sequences: Sequences) -> np.ndarray:
        """Return the time of each step, (n_steps_total,), after checks."""
        if self.time is None or not self.add_elapsed:
            return np.arange(len(sequences.values))
        column, name = self._time_column(), repr(self.time)
        times: np.ndarray = sequences.values[:, column]
        if np.isnan(times).any():
            place = place_of(np.isnan(times), sequences)
            raise ValueError(
                f"The time of a step, feature {name} of X, is missing at {place}. Fill it, or "
                "leave out steps without a time."
            )
        falls = np.zeros(len(times), dtype=bool)
        falls[1:] = np.diff(times) < 0
        falls[starts_of(sequences.lengths)[sequences.lengths > 0]] = False
        if falls.any():
            row = int(np.argmax(falls))
            raise ValueError(
                f"The time of a step, feature {name} of X, decreases from {times[row - 1]:g} to "
                f"{times[row]:g} at {place_of(falls, sequences)}. Sort the steps of each sequence "
                "by time; skrnn.convert.from_long(table, id, time) does so."
            )
        return times

    def _time_column(self) -> int:
        names = [] if self._fitted_on_table else list(getattr(self, "feature_names_in_", []))
        if self.time in names:
            return names.index(self.time)
        if not isinstance(self.time, str) and self.time < self.n_step_features_:
            return int(self.time)
        known = f"its features are {names}"
        if not names:
            known = "its features have no names, as in arrays and in the default output of PerStep"
        raise ValueError(
            f"time={self.time!r} is no feature of X: {known}. An index must be from 0 to "
            f"{self.n_step_features_ - 1}."
        )


def _numbers_of(sequences: Sequences) -> Sequences:
    if issparse(sequences.values):
        raise TypeError(
            "X has sparse steps, but ForwardImputer requires arrays or frames. Make them dense "
            "first, for instance with PerStep(OneHotEncoder(sparse_output=False))."
        )
    return check_numeric(sequences, allow_missing=True)


def check_gaps(sequences: Sequences, cell: str) -> None:
    """Check that steps hold values, indicators and times, as `ForwardImputer` puts them."""
    if sequences.n_features % 3:
        raise ValueError(
            f"{_input_of(cell)} X has {sequences.n_features} features, which is no multiple of 3."
        )
    values = sequences.values.toarray() if issparse(sequences.values) else sequences.values
    at_fault = _no_gaps(values)
    if at_fault.any():
        place = place_of(at_fault, sequences)
        raise ValueError(_message_of(cell, f"X has {values[at_fault][0]:g} at {place}"))


def check_gaps_of_streams(x_t: Any, cell: str) -> None:
    """Check the values, indicators and times of one step of each stream."""
    values = x_t.toarray() if issparse(x_t) else x_t
    at_fault = _no_gaps(values)
    if at_fault.any():
        stream, column = np.argwhere(at_fault)[0].tolist()
        found = f"x_t has {values[stream, column]:g} in stream {stream}, feature {column}"
        raise ValueError(_message_of(cell, found))


def _no_gaps(values: np.ndarray) -> np.ndarray:
    """Return where an indicator is neither 0 nor 1, or a time is negative."""
    n = values.shape[1] // 3
    at_fault = values < 0
    at_fault[:, :n] = False
    indicators = values[:, n : 2 * n]
    at_fault[:, n : 2 * n] = (indicators != 0) & (indicators != 1)
    return at_fault


def _input_of(cell: str) -> str:
    return (
        f"cell={cell!r} takes the output of ForwardImputer(add_indicator=True, add_elapsed=True): "
        "for each feature its value, then for each whether it was missing, then for each the time "
        "since it was observed."
    )


def _message_of(cell: str, found: str) -> str:
    return (
        f"{_input_of(cell)} But {found}, where an indicator of 0 or 1 or a time of at least 0 is "
        "required. Scale the features before that transformer, not after it."
    )
