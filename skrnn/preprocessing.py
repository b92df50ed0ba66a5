"""Transformers of ragged sequences."""

from __future__ import annotations

import warnings
from functools import partial
from numbers import Integral, Real
from typing import TYPE_CHECKING

import numpy as np
from scipy.sparse import issparse
from sklearn import config_context
from sklearn.base import clone
from sklearn.utils._param_validation import HasMethods, Hidden, Interval, StrOptions
from sklearn.utils.metadata_routing import (
    MetadataRouter,
    MethodMapping,
    _raise_for_params,
    process_routing,
)
from sklearn.utils.validation import _num_samples, check_is_fitted

from skrnn._compat.decorators import available_if, fit_context
from skrnn._framing import Frames as Frames
from skrnn._gaps import ForwardImputer as ForwardImputer
from skrnn._input import (
    Reading,
    Sequences,
    check_numeric,
    in_form_of,
    read_X,
    refuse_rounding,
    refuse_static,
    set_learned,
)
from skrnn._input.frames import column_names, is_frame
from skrnn._input.notes import describe_steps
from skrnn._input.reading import join_tables
from skrnn._neighbors import Neighbors as Neighbors
from skrnn._transformers import (
    SequenceTransformer,
    accepts_missing,
    as_input,
    call_on_table,
    check_steps,
    fits,
    names_of_features,
    read_again,
    refuse_requests,
    refuse_sequence_transformers,
    repeat_for_steps,
)

if TYPE_CHECKING:
    from typing import Any, Literal, Self

    from numpy.typing import ArrayLike
    from sklearn.utils import Tags


class SequencePadder(SequenceTransformer):
    """Put ragged sequences into one array, with NaN as padding after the shorter ones.

    The estimators of this package read such an array as the original sequences. Other libraries
    that mark the end of a series by NaN do so too.

    Parameters
    ----------
    n_steps : int, default=None
        Number of steps of the output. None means that of the longest sequence seen in `fit`.

    longer : {'grow', 'error', 'truncate'}, default='grow'
        What to do with a sequence of more than `n_steps` steps: increase the number of steps of
        the output, raise an error, or drop the steps beyond `n_steps`.

    flat : bool, default=False
        Whether to return one row of ``n_steps * n_features`` values for each sequence, step
        after step, instead of a 3-D array. The number of columns is fixed in `fit`, so a longer
        sequence is an error unless ``longer="truncate"``.

    fill_value : float, default=NaN
        Value of the padding. With another value than NaN, the output does not show where a
        sequence ends.

    step_features : int, default=None
        Number of features of a step where a sequence is given flat. None means 1.

    Attributes
    ----------
    n_steps_ : int
        Number of steps of the output, unless a longer sequence is transformed.

    n_step_features_ : int
        Number of features of a step.

    n_features_in_ : int
        Number of columns of a 2-D `X` in `fit`, else the same as `n_step_features_`.

    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the columns of a DataFrame in `fit`.

    See Also
    --------
    PerStep : Apply any transformer to the steps of sequences.

    Examples
    --------
    >>> from skrnn import SequencePadder
    >>> padder = SequencePadder()
    >>> padder.fit_transform([[1, 2, 3], [4]])[..., 0]
    array([[ 1.,  2.,  3.],
           [ 4., nan, nan]])
    >>> SequencePadder(flat=True, fill_value=0).fit_transform([[1, 2, 3], [4]])
    array([[1., 2., 3.],
           [4., 0., 0.]])
    """

    _parameter_constraints: dict[str, Any] = {
        "n_steps": [None, Interval(Integral, 1, None, closed="left")],
        "longer": [StrOptions({"grow", "error", "truncate"})],
        "flat": ["boolean"],
        "fill_value": [Interval(Real, None, None, closed="neither"), "nan"],
        "step_features": [None, Interval(Integral, 1, None, closed="left")],
    }

    def __init__(
        self,
        n_steps: int | None = None,
        *,
        longer: Literal["grow", "error", "truncate"] = "grow",
        flat: bool = False,
        fill_value: float = np.nan,
        step_features: int | None = None,
    ) -> None:
        self._store(locals())

    @fit_context(prefer_skip_nested_validation=True)
    @fits
    def fit(self, X: Any, y: Any = None) -> Self:
        """Learn the number of steps and of features.

        Parameters
        ----------
        X : list, tuple, object array, Series, Sequences, 2-D or 3-D array, or DataFrame
            Sequences in any form that `skrnn.as_sequences` reads.

        y : Ignored
            Not used, present for consistency.

        Returns
        -------
        self : SequencePadder
            The fitted transformer.

        Raises
        ------
        ValueError, TypeError
            If X holds no valid sequences; see `skrnn.as_sequences`.
        """
        with self._fitting(X, y):
            sequences, learned = self._read_numbers(X, reset=True)
            set_learned(self, learned)
            self.n_steps_ = int(sequences.lengths.max() if self.n_steps is None else self.n_steps)
        return self

    def transform(self, X: Any) -> np.ndarray:
        """Pad sequences.

        Parameters
        ----------
        X : list, tuple, object array, Series, Sequences, 2-D or 3-D array, or DataFrame
            Sequences in any form that `skrnn.as_sequences` reads.

        Returns
        -------
        padded : ndarray of shape ``(n_sequences, n_steps, n_step_features_)``
            The steps of each sequence, then `fill_value`; two-dimensional if `flat`, and then
            in the container chosen by `set_output`.

        Raises
        ------
        ValueError
            If a sequence is longer than `n_steps_`, and the array must not grow.
        """
        check_is_fitted(self)
        sequences, _ = self._read_numbers(X, reset=False)
        longest, n_steps = int(sequences.lengths.max()), self.n_steps_
        if self.longer == "truncate":
            kept = [steps[:n_steps] for steps in sequences]
            sequences = Sequences(np.concatenate(kept), np.minimum(sequences.lengths, n_steps))
        elif self.longer == "grow" and not self.flat:
            n_steps = max(n_steps, longest)
        elif longest > n_steps:
            raise ValueError(
                f"Sequence {sequences.lengths.argmax()} of X has {longest} steps, more than the "
                f"{n_steps} of the output. longer='truncate' would drop the steps beyond."
            )
        padded = sequences.to_padded(n_steps, self.fill_value)
        return padded.reshape(len(padded), -1) if self.flat else padded

    @available_if(lambda self: np.isnan(self.fill_value))
    def inverse_transform(self, X: Any) -> np.ndarray:
        """Remove the padding. Only available if `fill_value` is NaN.

        Parameters
        ----------
        X : ndarray of shape ``(n_sequences, n_steps, n_step_features_)``
            Padded sequences; two-dimensional if `flat`.

        Returns
        -------
        sequences : ndarray of shape (n_sequences,) and dtype object
            One array ``(n_steps, n_step_features_)`` for each sequence.
        """
        check_is_fitted(self)
        return check_numeric(read_again(X, self.n_step_features_).sequences).to_ragged()

    @available_if(lambda self: self.flat)  # with names, scikit-learn makes a table of the output
    def get_feature_names_out(self, input_features: ArrayLike | None = None) -> np.ndarray:
        """Return the names of the columns of flat output. Only available if `flat`.

        Parameters
        ----------
        input_features : array-like of str, default=None
            Names of the features of a step. None means those seen in `fit`, or ``x0``, ``x1``
            and so on.

        Returns
        -------
        names : ndarray of str of shape (`n_steps_` * `n_step_features_`,)
            ``step0_x0``, ``step0_x1`` and so on: the step, then the feature.
        """
        features = names_of_features(self, input_features)
        if features is None:
            features = [f"x{k}" for k in range(self.n_step_features_)]
        steps = range(self.n_steps_)
        return np.array([f"step{t}_{name}" for t in steps for name in features], dtype=object)

    def _read_numbers(self, X: Any, reset: bool) -> tuple[Sequences, dict[str, Any]]:
        reading, learned = read_X(self, X, reset=reset)
        refuse_static(self, reading.sequences)
        if issparse(reading.sequences.values):
            raise TypeError(
                "X has sparse steps, but SequencePadder returns a dense array. Make them dense "
                "first, for instance with PerStep(OneHotEncoder(sparse_output=False))."
            )
        refuse_rounding(X, reading.sequences)
        return check_numeric(reading.sequences), learned


class PerStep(SequenceTransformer, auto_wrap_output_keys=None):  # type: ignore[call-arg]
    """Apply any transformer to the steps of all sequences together.

    The steps of all sequences are put into one table, with a row for each step. The transformer
    is fitted on that table and applied to it, and the result is split into sequences. So
    ``PerStep(StandardScaler())`` scales each feature by its mean and standard deviation over all
    training steps, not each sequence by its own.

    The table is a frame if the steps have names, as in lists of DataFrames, DataFrames of
    sequences, and `Sequences` of `skrnn.convert.from_long`. So a ColumnTransformer can select
    columns by name and by type. A transformer of texts or dictionaries, such as
    ``CountVectorizer()``, gets one of them for each step.

    Parameters
    ----------
    transformer : estimator
        Transformer of tables, texts or dictionaries, such as ``StandardScaler()``, ``PCA(3)``,
        ``OneHotEncoder()``, ``ColumnTransformer(...)`` or ``DictVectorizer()``. It must return a
        row for each row, and must not depend on the order of the rows: see `PerSequence`.

    allow_missing : bool, default="deprecated"
        Has no effect. Missing values are passed to the transformer if its tags say that it
        accepts them, as those of ``SimpleImputer()`` do.

    step_features : int, default=None
        Number of features of a step where a sequence is given flat. None means 1.

    Attributes
    ----------
    transformer_ : estimator
        The fitted transformer.

    n_step_features_ : int
        Number of features of a step.

    n_features_in_ : int
        Number of columns of a 2-D `X` in `fit`, else the same as `n_step_features_`.

    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the columns of a 2-D `X`, or of the features of a step, if there are names.

    See Also
    --------
    PerSequence : Apply a function or transformer to each sequence by itself.
    SequencePadder : Put ragged sequences into one array, with padding.

    Examples
    --------
    >>> from sklearn.preprocessing import MinMaxScaler, OneHotEncoder
    >>> from skrnn import PerStep
    >>> [steps.ravel() for steps in PerStep(MinMaxScaler()).fit_transform([[0, 5, 10], [20]])]
    [array([0.  , 0.25, 0.5 ]), array([1.])]

    Sparse output stays sparse: each sequence is a CSR matrix.

    >>> PerStep(OneHotEncoder()).fit_transform([list("ab"), list("a")])[0].toarray()
    array([[1., 0.],
           [0., 1.]])
    """

    _parameter_constraints: dict[str, Any] = {
        "transformer": [HasMethods(["fit", "transform"])],
        "allow_missing": ["boolean", Hidden(StrOptions({"deprecated"}))],
        "step_features": [None, Interval(Integral, 1, None, closed="left")],
    }

    def __init__(
        self,
        transformer: Any,
        *,
        allow_missing: bool | Literal["deprecated"] = "deprecated",
        step_features: int | None = None,
    ) -> None:
        self._store(locals())

    @fit_context(prefer_skip_nested_validation=False)
    @fits
    def fit(self, X: Any, y: Any = None, **params: Any) -> Self:
        """Fit the transformer on all steps of all sequences.

        Parameters
        ----------
        X : list, tuple, object array, Series, Sequences, 2-D or 3-D array, or DataFrame
            Sequences in any form that `skrnn.as_sequences` reads, with values of any type that
            the transformer accepts.

        y : array-like of shape (n_sequences,), default=None
            Targets for the transformer. The target of a sequence is repeated for its steps; an
            array with a target for each step is accepted for each sequence too.

        **params : dict
            Metadata that the transformer requests, such as `sample_weight`; metadata routing
            must be enabled. What has one entry for each sequence is repeated for its steps.

        Returns
        -------
        self : PerStep
            The fitted transformer.

        Raises
        ------
        ValueError, TypeError
            If X holds no valid sequences (see `skrnn.as_sequences`), or if values are missing
            and the transformer does not accept missing values.
        """
        with self._fitting(X, y, **params):
            sequences = self._read(X, reset=True).sequences
            refuse_sequence_transformers(self, self.transformer)
            y, params = self._for_steps("fit", y, params, sequences.lengths)
            self.transformer_ = clone(self.transformer)
            self._call("fit", sequences, y, **params)
            first = int(np.argmax(sequences.lengths > 0))
            copied = sequences[[first]]  # the transformer may work in place
            self._n_features_out = self._call("transform", copied).shape[1]
        return self

    @fit_context(prefer_skip_nested_validation=False)
    @fits
    def fit_transform(self, X: Any, y: Any = None, **params: Any) -> Any:
        """Fit and transform at once, with the `fit_transform` of the transformer.

        For transformers that use `y`, such as ``TargetEncoder()``, the result differs from that
        of `transform`: they keep the target of a step from leaking into its features.

        Parameters
        ----------
        X : list, tuple, object array, Series, Sequences, 2-D or 3-D array, or DataFrame
            Sequences as in `fit`.

        y : array-like of shape (n_sequences,), default=None
            Targets as in `fit`.

        **params : dict
            Metadata as in `fit`.

        Returns
        -------
        sequences : list, Sequences, Series, DataFrame or ndarray
            The transformed sequences, in the form that `transform` returns.
        """
        if not hasattr(self.transformer, "fit_transform"):
            return self.fit(X, y, **params).transform(X)
        with self._fitting(X, y, **params):
            reading = self._read(X, reset=True)
            refuse_sequence_transformers(self, self.transformer)
            y, params = self._for_steps("fit_transform", y, params, reading.sequences.lengths)
            self.transformer_ = clone(self.transformer)
            values = self._call("fit_transform", reading.sequences, y, **params)
            self._n_features_out = values.shape[1]
        return self._in_form_of(X, reading, reading.sequences.with_values(values))

    def transform(self, X: Any) -> Any:
        """Transform all steps of all sequences.

        Parameters
        ----------
        X : list, tuple, object array, Series, Sequences, 2-D or 3-D array, or DataFrame
            Sequences in any form that `skrnn.as_sequences` reads.

        Returns
        -------
        sequences : list, Sequences, Series, DataFrame or ndarray
            The transformed sequences, in the form of X:

            - `Sequences`, or a list or object array of one ``(n_steps, n_features_out)`` array
              for each sequence;
            - a Series with the index of X, for a Series or DataFrame of sequences of pandas;
            - for a 3-D or 2-D X, or a table in nested lists, an array with the same number of
              dimensions; 3-D if the number of features changes.

            If the transformer returns a sparse matrix, each sequence is a sparse matrix. With
            ``set_output(transform="pandas")`` or "polars", a list of frames becomes a list of
            frames, and a DataFrame of sequences a DataFrame of sequences.
        """
        reading = self._read(X, reset=False)
        values = np.empty((0, self._n_features_out))
        if reading.sequences.values.shape[0]:
            values = self._call("transform", reading.sequences)
        return self._in_form_of(X, reading, reading.sequences.with_values(values))

    @available_if(lambda self: hasattr(self.transformer, "inverse_transform"))
    def inverse_transform(self, X: Any) -> Any:
        """Invert `transform`. Only available if the transformer has an `inverse_transform`.

        Parameters
        ----------
        X : list, Sequences, Series or ndarray
            Sequences as returned by `transform`.

        Returns
        -------
        sequences : list, Sequences, Series or ndarray
            In the form of X.
        """
        check_is_fitted(self)
        reading = read_again(X, self._n_features_out)
        sequences = check_steps(reading.sequences, allow_missing=True)
        values = self.transformer_.inverse_transform(sequences.values)
        return in_form_of(X, reading, sequences.with_values(values))

    @available_if(lambda self: hasattr(self.transformer, "get_feature_names_out"))
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
            The names that the transformer gives.
        """
        of_steps = names_of_features(self, input_features)
        names: np.ndarray = self.transformer_.get_feature_names_out(of_steps)
        return names

    def get_metadata_routing(self) -> MetadataRouter:
        """Get the metadata routing of this transformer, which routes to the inner one.

        Returns
        -------
        routing : MetadataRouter
            What `fit` and `fit_transform` pass to the methods of the same name.
        """
        mapping = MethodMapping().add(caller="fit", callee="fit")
        both = hasattr(self.transformer, "fit_transform")
        mapping.add(caller="fit_transform", callee="fit_transform" if both else "fit")
        return MetadataRouter(owner=self).add(transformer=self.transformer, method_mapping=mapping)

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = accepts_missing(self.transformer)
        return tags

    def _read(self, X: Any, reset: bool) -> Reading:
        if reset and self.allow_missing != "deprecated":
            warnings.warn(
                "allow_missing has no effect and will be removed: missing values are passed to "
                "transformers whose tags accept them.",
                FutureWarning,
                stacklevel=4,
            )
        return super()._read(X, reset)

    def _for_steps(
        self, method: str, y: Any, params: dict[str, Any], lengths: np.ndarray
    ) -> tuple[Any, dict[str, Any]]:
        """Repeat targets and metadata of sequences for their steps."""
        _raise_for_params(params, self, method)
        routed = process_routing(self, method, **params)["transformer"][method]
        routed = {name: repeat_for_steps(value, lengths, name) for name, value in routed.items()}
        if y is not None and _num_samples(y) != len(lengths):
            raise ValueError(
                f"X holds {len(lengths)} sequences, but y holds {_num_samples(y)} targets."
            )
        return repeat_for_steps(y, lengths, "y"), routed

    def _call(self, method: str, sequences: Sequences, *args: Any, **params: Any) -> Any:
        """Call the fitted transformer with the table of steps."""
        describe = partial(describe_steps, sequences)
        given = method, sequences.values, self._container(), describe, "step"
        return call_on_table(self.transformer_, *given, *args, **params)


class PerSequence(SequenceTransformer, auto_wrap_output_keys=None):  # type: ignore[call-arg]
    """Apply a function or transformer to each sequence by itself.

    Use it for transformations that depend on the order of the steps, or on one sequence only:
    differences, rolling means, resampling, or scaling each sequence by its own mean and standard
    deviation. The result for a sequence does not depend on the other sequences, nor on those
    passed to `fit`.

    Parameters
    ----------
    transformer : callable or estimator
        A function ``function(steps) -> steps``, or a transformer, of which a copy is fitted to
        each sequence. `steps` is an array ``(n_steps, n_features)``, or a frame if the steps have
        names. The result has a row for each new step: the number of steps may change, the
        number of features must be the same for all sequences. An array ``(n_steps,)`` is one
        feature.

    step_features : int, default=None
        Number of features of a step where a sequence is given flat. None means 1.

    Attributes
    ----------
    n_step_features_ : int
        Number of features of a step.

    n_features_in_ : int
        Number of columns of a 2-D `X` in `fit`, else the same as `n_step_features_`.

    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the columns of a 2-D `X`, or of the features of a step, if there are names.

    See Also
    --------
    PerStep : Apply a transformer to the steps of all sequences together.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.preprocessing import MaxAbsScaler
    >>> from skrnn import PerSequence
    >>> X = [[1.0, 2.0, 4.0], [10.0, 15.0]]
    >>> difference = PerSequence(lambda steps: np.diff(steps, axis=0, prepend=steps[:1]))
    >>> [steps.ravel().tolist() for steps in difference.fit_transform(X)]
    [[0.0, 1.0, 2.0], [0.0, 5.0]]
    >>> [steps.ravel().round(2).tolist() for steps in PerSequence(MaxAbsScaler()).fit_transform(X)]
    [[0.25, 0.5, 1.0], [0.67, 1.0]]
    """

    _parameter_constraints: dict[str, Any] = {
        "transformer": [HasMethods(["fit", "transform"]), callable],
        "step_features": [None, Interval(Integral, 1, None, closed="left")],
    }

    def __init__(self, transformer: Any, *, step_features: int | None = None) -> None:
        self._store(locals())

    @fit_context(prefer_skip_nested_validation=False)
    @fits
    def fit(self, X: Any, y: Any = None) -> Self:
        """Learn the names and the number of features, and try the first sequence.

        Parameters
        ----------
        X : list, tuple, object array, Series, Sequences, 2-D or 3-D array, or DataFrame
            Sequences in any form that `skrnn.as_sequences` reads.

        y : Ignored
            Not used, present for consistency.

        Returns
        -------
        self : PerSequence
            The fitted transformer.

        Raises
        ------
        ValueError, TypeError
            If X holds no valid sequences (see `skrnn.as_sequences`), or if the function fails.
        """
        if hasattr(self.transformer, "fit"):
            refuse_requests(self, self.transformer)
            refuse_sequence_transformers(self, self.transformer)
        with self._fitting(X, y):
            sequences = self._read(X, reset=True).sequences
            first = int(np.argmax(sequences.lengths > 0))
            table = self._transform_one(first, sequences[first])
            self._n_features_out = table.shape[1]
            self._names_out = column_names(table)
        return self

    def transform(self, X: Any) -> Any:
        """Transform each sequence.

        Parameters
        ----------
        X : list, tuple, object array, Series, Sequences, 2-D or 3-D array, or DataFrame
            Sequences in any form that `skrnn.as_sequences` reads.

        Returns
        -------
        sequences : list, Sequences, Series, DataFrame or ndarray
            The transformed sequences, in the form of X, as `PerStep.transform` returns them.
            `Sequences` whose numbers of steps change lose their `rows`.

        Raises
        ------
        ValueError
            If the function fails, or returns another number of features than in `fit`. The
            message names the sequence.
        """
        reading = self._read(X, reset=False)
        sequences = reading.sequences
        lengths, tables = sequences.lengths.copy(), []
        for i, steps in enumerate(sequences):
            if lengths[i]:
                tables.append(self._transform_one(i, steps))
                lengths[i] = tables[-1].shape[0]
                self._check_features(i, tables[-1], tables[0])
        values = join_tables(tables) if tables else np.empty((0, self._n_features_out))
        rows = sequences.rows if np.array_equal(lengths, sequences.lengths) else None
        return self._in_form_of(X, reading, sequences._with_steps(values, lengths, rows))

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
            The columns of a frame that the function returns. For arrays, the names of the
            features before, if their number has not changed, else ``persequence0`` and so on.
        """
        names = names_of_features(self, input_features)
        if self._names_out is not None:
            return np.array(self._names_out, dtype=object)
        if len(names) == self._n_features_out:
            return names
        made = [f"persequence{k}" for k in range(self._n_features_out)]
        return np.array(made, dtype=object)

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = not hasattr(self.transformer, "fit") or accepts_missing(
            self.transformer
        )
        return tags

    def _check_features(self, i: int, table: Any, first: Any) -> None:
        """Refuse a transformed sequence with other features than in fit, or than the first."""
        found, expected = (column_names(one) or one.shape[1] for one in (table, first))
        if table.shape[1] != self._n_features_out or found != expected:
            raise ValueError(
                f"Sequence {i} of X was transformed to other features than the first sequence or "
                f"those in fit: {found}, not {expected}; {self._n_features_out} in fit."
            )

    def _transform_one(self, i: int, steps: Any) -> Any:
        steps = steps.copy() if hasattr(steps, "copy") else steps  # may be changed in place
        container = self._container() if is_frame(steps) else "default"
        try:
            with config_context(transform_output=container):
                if hasattr(self.transformer, "fit"):
                    table = as_input(self.transformer, steps)
                    result = clone(self.transformer).fit(table).transform(table)
                else:
                    result = self.transformer(steps)
        except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
            kind = TypeError if isinstance(error, TypeError) else ValueError
            cause = f"{type(error).__name__}: {error}"
            raise kind(f"Sequence {i} of X cannot be transformed. {cause}") from error
        result = result if is_frame(result) or issparse(result) else np.asarray(result)
        if len(result.shape) == 1:
            result = np.reshape(result, (-1, 1))
        if len(result.shape) != 2:
            raise ValueError(
                f"Sequence {i} of X was transformed to shape {result.shape}, but "
                "(n_steps, n_features) is required."
            )
        return result
