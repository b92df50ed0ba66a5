"""Frames: several consecutive steps of a sequence as one step."""

from __future__ import annotations

from numbers import Integral
from typing import TYPE_CHECKING

import numpy as np
from scipy.sparse import issparse
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.validation import check_is_fitted

from skrnn._compat.decorators import fit_context
from skrnn._input import Sequences, check_numeric, flatten_steps, unflatten
from skrnn._input.containers import list_or_array, read_list
from skrnn._numeric.frames import (
    count_frames,
    frame_of_each_step,
    last_steps_of_frames,
    rows_of_frames,
)
from skrnn._numeric.lags import side_by_side
from skrnn._transformers import SequenceTransformer, fits, names_of_features

if TYPE_CHECKING:
    from typing import Any, Literal, Self

    from numpy.typing import ArrayLike
    from sklearn.utils import Tags


class Frames(SequenceTransformer, auto_wrap_output_keys=None):  # type: ignore[call-arg]
    """Make one step of several consecutive steps.

    A *frame* is a block of `length` consecutive steps. Frames begin `hop` steps apart. This is
    called framing in speech processing [1]_, and is what ``librosa.util.frame`` and
    ``torch.Tensor.unfold`` do. A sequence of frames has fewer steps, each with more features. So
    a recurrent network needs less time, and gradients pass fewer steps.

    The frames are aligned at the end of a sequence: the last frame ends with the last step.
    Forecasts, and networks that use the last hidden state, depend most on the end, so the last
    frame holds observed steps only. No step is left out. If the first frame would begin before
    the sequence, it is completed by copies of the first step. A sequence that is shorter than
    `length` has one frame, and a sequence without any step has none.

    Parameters
    ----------
    length : int, default=8
        Number of steps of a frame.

    hop : int, default=None
        Number of steps between the ends of consecutive frames, at most `length`. None means
        `length`: the frames do not overlap.

    features : {'values', 'statistics'}, default='values'
        Features of a frame:

        - 'values': the features of its first step, then those of its second step, and so on;
        - 'statistics': the mean, standard deviation, minimum and maximum of each feature over
          the steps of the frame. Missing values and the copies that complete the first frame do
          not count. A feature that is missing at all steps of a frame has missing statistics.

    step_features : int, default=None
        Number of features of a step where a sequence is given flat. None means 1.

    Attributes
    ----------
    n_step_features_ : int
        Number of features of a step in `fit`.

    n_features_in_ : int
        Number of columns of a 2-D `X` in `fit`, else the same as `n_step_features_`.

    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the columns of a 2-D `X`, or of the features of a step, if there are names.

    See Also
    --------
    PerSequence : Apply any function to each sequence, also one that changes the number of steps.
    PerStep : Apply a transformer to the steps of all sequences, also to frames.

    Notes
    -----
    Here, a frame is not a table of pandas or polars, which is called DataFrame below.

    With frames that overlap, the output is about ``length / hop`` times as large as X.

    In a stream, frames that do not overlap can be made while steps arrive: the frames of
    consecutive blocks of a multiple of `length` steps are the frames of the whole sequence.

    References
    ----------
    .. [1] L. Rabiner, R. Schafer, "Introduction to Digital Speech Processing", Foundations and
       Trends in Signal Processing 1 (2007).

    Examples
    --------
    >>> from skrnn import Frames
    >>> frames = Frames(3).fit([[1, 2, 3, 4, 5, 6, 7]])
    >>> frames.transform([[1, 2, 3, 4, 5, 6, 7]])[0]
    array([[1., 1., 1.],
           [2., 3., 4.],
           [5., 6., 7.]])
    >>> frames.get_feature_names_out().tolist()
    ['x0_t-2', 'x0_t-1', 'x0_t']
    >>> Frames(3, features="statistics").fit_transform([[1, 2, 3, 4, 5, 6, 7]])[0].round(2)
    array([[1.  , 0.  , 1.  , 1.  ],
           [3.  , 0.82, 2.  , 4.  ],
           [6.  , 0.82, 5.  , 7.  ]])

    The labels of steps become labels of frames, and predictions for frames become predictions
    for steps:

    >>> y = [[0, 1, 1, 1, 0, 0, 0]]
    >>> frames.transform_targets(y)[0]
    array([0, 1, 0])
    >>> frames.inverse_transform_targets([[0, 1, 0]], lengths=[7])[0]
    array([0, 1, 1, 1, 0, 0, 0])
    """

    _parameter_constraints: dict[str, Any] = {
        "length": [Interval(Integral, 1, None, closed="left")],
        "hop": [None, Interval(Integral, 1, None, closed="left")],
        "features": [StrOptions({"values", "statistics"})],
        "step_features": [None, Interval(Integral, 1, None, closed="left")],
    }

    def __init__(
        self,
        length: int = 8,
        hop: int | None = None,
        *,
        features: Literal["values", "statistics"] = "values",
        step_features: int | None = None,
    ) -> None:
        self._store(locals())

    @fit_context(prefer_skip_nested_validation=True)
    @fits
    def fit(self, X: Any, y: Any = None) -> Self:
        """Learn the names and the number of features of a step.

        Parameters
        ----------
        X : list, tuple, object array, Series, Sequences, 2-D or 3-D array, or DataFrame
            Sequences in any form that `skrnn.as_sequences` reads. Values may be missing.
            Encode text first, for instance with ``PerStep(OneHotEncoder())``.

        y : Ignored
            Not used, present for consistency.

        Returns
        -------
        self : Frames
            The fitted transformer.

        Raises
        ------
        ValueError, TypeError
            If `hop` is larger than `length`, X holds no valid sequences (see
            `skrnn.as_sequences`) or something else than numbers, or its steps are sparse and
            ``features="statistics"``.
        """
        self._check_hop()
        with self._fitting(X, y):
            self._numbers_of(self._read(X, reset=True).sequences)
        return self

    def transform(self, X: Any) -> Any:
        """Make frames of the steps of each sequence.

        Parameters
        ----------
        X : list, tuple, object array, Series, Sequences, 2-D or 3-D array, or DataFrame
            Sequences in any form that `skrnn.as_sequences` reads.

        Returns
        -------
        sequences : list, Sequences, Series, DataFrame or ndarray
            Sequences of frames, in the form of X, as `PerStep.transform` returns them. Each is
            ``(n_frames, length * n_features)``, or ``(n_frames, 4 * n_features)`` with
            statistics, where ``n_frames = 1 + ceil((n_steps - length) / hop)``, at least 1.
            `Sequences` keep their static table and ids; their `rows` are those of the last step
            of each frame. Sparse steps stay sparse.

        Raises
        ------
        ValueError, TypeError
            As in `fit`, or if X has other features than in `fit`.
        """
        check_is_fitted(self)
        self._check_hop()
        reading = self._read(X, reset=False)
        sequences = reading.sequences
        n_frames, rows, is_step = rows_of_frames(sequences.lengths, *self._size)
        values, last = self._make_frames(sequences, rows, is_step), rows[:, -1]
        values = self._in_frame_like(sequences.values, values, last)
        of_table = None if sequences.rows is None else sequences.rows[last]
        framed = sequences._with_steps(values, n_frames, of_table)
        if reading.n_steps is not None:  # the padding is shortened as the sequences are
            reading = reading._replace(
                n_steps=int(count_frames(np.array(reading.n_steps), *self._size))
            )
        return self._in_form_of(X, reading, framed)

    def transform_targets(self, y: Any, lengths: ArrayLike | None = None) -> np.ndarray:
        """Make targets of frames from targets of steps.

        The target of a frame is that of its last step. This suits numbers and labels of any
        type, and uses nothing that comes after the frame. The same holds for weights of steps.
        The method needs no fit.

        Parameters
        ----------
        y : array-like of n_sequences arrays of shape (n_steps,) or (n_steps, n_outputs)
            Targets of the steps.

        lengths : array-like of int of shape (n_sequences,), default=None
            Number of steps of each sequence, such as ``as_sequences(X).lengths``. It is required
            if `y` is a 2-D or 3-D array, which may be padded. None means that of each array in
            `y`.

        Returns
        -------
        y_frames : ndarray of shape (n_sequences,) and dtype object
            One array ``(n_frames,)`` or ``(n_frames, n_outputs)`` for each sequence.

        Raises
        ------
        ValueError
            If `y` does not hold a target for each step.

        Examples
        --------
        >>> from skrnn import Frames
        >>> Frames(2).transform_targets([["a", "a", "b"], ["b"]]).tolist()
        [array(['a', 'b'], dtype='<U1'), array(['b'], dtype='<U1')]
        """
        self._check_parameters()
        if lengths is None:
            items = list_or_array(y, "y")
            if isinstance(items, np.ndarray):
                raise ValueError(
                    f"y has shape {items.shape} and may be padded. Pass the number of steps of "
                    "each sequence too: lengths=as_sequences(X).lengths."
                )
            lengths = [len(array) for array in read_list(items, "y")]
        lengths = _as_lengths(lengths)
        n_frames, last = last_steps_of_frames(lengths, *self._size)
        return unflatten(flatten_steps(y, lengths, "y")[last], n_frames)

    def inverse_transform_targets(self, y: Any, lengths: ArrayLike) -> np.ndarray:
        """Make predictions for steps from predictions for frames.

        The prediction for a step is that of the first frame that ends with the step or after
        it. Targets that are constant over these steps pass through `transform_targets` and back
        unchanged. The method needs no fit.

        Parameters
        ----------
        y : array-like of n_sequences arrays of shape (n_frames,) or (n_frames, n_outputs)
            Predictions for frames, for instance of `predict` or `predict_proba` of
            `StepRNNClassifier`.

        lengths : array-like of int of shape (n_sequences,)
            Number of steps of each sequence before `transform`, such as
            ``as_sequences(X).lengths``.

        Returns
        -------
        y_steps : ndarray of shape (n_sequences,) and dtype object
            One array ``(n_steps,)`` or ``(n_steps, n_outputs)`` for each sequence.

        Raises
        ------
        ValueError
            If `y` does not hold a prediction for each frame.

        Examples
        --------
        >>> from skrnn import Frames
        >>> Frames(2).inverse_transform_targets([[0.5, 0.75]], lengths=[3])[0]
        array([0.5 , 0.75, 0.75])
        """
        self._check_parameters()
        lengths = _as_lengths(lengths)
        n_frames = count_frames(lengths, *self._size)
        items = list_or_array(y, "y")
        if isinstance(items, list):
            found = [len(array) for array in read_list(items, "y")]
            self._check_counts(found, lengths, n_frames)
        values = flatten_steps(y, n_frames, "y")
        return unflatten(values[frame_of_each_step(lengths, *self._size)], lengths)

    def get_feature_names_out(self, input_features: ArrayLike | None = None) -> np.ndarray:
        """Return the names of the features of a frame.

        Parameters
        ----------
        input_features : array-like of str, default=None
            Names of the features of a step. None means those seen in `fit`, or ``x0``, ``x1``
            and so on.

        Returns
        -------
        names : ndarray of str of shape (n_features_out,)
            ``x0_t-2``, ``x0_t-1``, ``x0_t``: the feature, and its distance to the last step of
            the frame. With statistics, ``x0_mean``, ``x0_std``, ``x0_min``, ``x0_max``.
        """
        names = names_of_features(self, input_features)
        parts = [*(f"t-{k}" for k in range(self.length - 1, 0, -1)), "t"]
        if self.features == "statistics":
            parts = ["mean", "std", "min", "max"]
        return np.array([f"{name}_{part}" for part in parts for name in names], dtype=object)

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        return tags

    def _check_parameters(self) -> None:
        self._validate_params()
        self._check_hop()

    def _check_hop(self) -> None:
        if self.hop is not None and self.hop > self.length:
            raise ValueError(
                f"hop={self.hop} is larger than length={self.length}, so the steps between two "
                "frames would be lost. Choose a hop of at most the length, or None for the length."
            )

    def _check_counts(self, found: Any, lengths: np.ndarray, n_frames: np.ndarray) -> None:
        """Refuse predictions that are not one for each frame."""
        for i, (n_found, n_steps, n_wanted) in enumerate(
            zip(found, lengths.tolist(), n_frames.tolist(), strict=False)
        ):
            if n_found != n_wanted:
                raise ValueError(
                    f"Sequence {i} of y has {n_found} predictions, but its {n_steps} steps make "
                    f"{n_wanted} frames with length={self.length} and hop={self.hop}. `lengths` "
                    "are the numbers of steps before transform."
                )

    @property
    def _size(self) -> tuple[int, int]:
        """Length and hop."""
        return self.length, self.hop or self.length

    def _numbers_of(self, sequences: Sequences) -> Any:
        """Return the steps as an array of numbers, or a CSR matrix if the features allow it."""
        if self.features == "statistics" and issparse(sequences.values):
            raise TypeError(
                "X has sparse steps, but features='statistics' requires arrays. Make them dense "
                "first, for instance with PerStep(OneHotEncoder(sparse_output=False)), or use "
                "features='values'."
            )
        return check_numeric(sequences, allow_missing=True).values

    def _make_frames(self, sequences: Sequences, rows: np.ndarray, is_step: np.ndarray) -> Any:
        """Return the features of all frames, (n_frames_total, n_features_out).

        `rows` (n_frames_total, length) are the steps of the frames, of which some complete them.
        """
        table = self._numbers_of(sequences)
        if self.features == "statistics":
            return _statistics(table[rows], is_step)
        return side_by_side(table, rows)


def _statistics(frames: np.ndarray, is_step: np.ndarray) -> np.ndarray:
    """Return mean, standard deviation, minimum and maximum over the steps of each frame.

    `frames` has shape (n_frames, length, n_features). `is_step` (n_frames, length) is False where
    a frame was completed. Copies of a step change neither minimum nor maximum.
    """
    counted = ~np.isnan(frames) & is_step[:, :, None]
    n_counted = counted.sum(axis=1).astype(frames.dtype)
    with np.errstate(invalid="ignore"):  # of no value at all, 0 / 0 is NaN
        mean = np.where(counted, frames, 0).sum(axis=1) / n_counted
        deviations = np.where(counted, frames - mean[:, None], 0)
        std = np.sqrt((deviations**2).sum(axis=1) / n_counted)
    smallest, largest = (ufunc.reduce(frames, axis=1) for ufunc in (np.fmin, np.fmax))
    return np.hstack([mean, std, smallest, largest])


def _as_lengths(lengths: ArrayLike) -> np.ndarray:
    lengths = np.asarray(lengths)
    if lengths.dtype.kind not in "iu" or lengths.ndim != 1 or (lengths < 0).any():
        raise ValueError(
            f"lengths must hold the number of steps of each sequence, got {lengths.tolist()}."
        )
    return lengths.astype(np.intp)  # unsigned integers could not be subtracted
