"""Transformers of ragged sequences."""

from __future__ import annotations

from contextlib import contextmanager
from numbers import Integral, Real

import numpy as np
from sklearn import config_context
from sklearn.base import TransformerMixin, _fit_context, clone
from sklearn.callback import CallbackSupportMixin, with_callbacks
from sklearn.utils._param_validation import HasMethods, Interval, StrOptions
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted

from skrnn._estimator import Persistent, unchanged_on_error
from skrnn._input import Sequences, as_sequences, check_numeric, read_X, restore_form, set_learned


class _SequenceTransformer(CallbackSupportMixin, TransformerMixin, Persistent):
    """Tags, callbacks and `set_output` of both transformers."""

    @contextmanager
    def _fitting(self, X, y):
        """Call callbacks for a fit, which is one task; restore the attributes after an error."""
        context = self._init_callback_context()
        context.call_on_fit_task_begin(estimator=self, X=X, y=y)
        with unchanged_on_error(self), config_context(transform_output="default"):
            yield
        context.call_on_fit_task_end(estimator=self, X=X, y=y, reconstruction_attributes={})

    def set_output(self, *, transform=None):
        """Choose the container of output that is a table.

        Ragged and three-dimensional output does not change. So a pipeline can be configured to
        return DataFrames, whatever its steps are.

        Parameters
        ----------
        transform : {'default', 'pandas', 'polars'}, default=None
            Container of the flat output of `SequencePadder`. None leaves the configuration
            unchanged.

        Returns
        -------
        self : estimator
            The transformer itself.
        """
        # scikit-learn only has the method for output that it wraps, but a pipeline calls it.
        if transform is not None:
            self._sklearn_output_config = {"transform": transform}
        return self

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.three_d_array = True
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags


class SequencePadder(_SequenceTransformer):
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
        Value of the padding. With another value than NaN, the end of a sequence cannot be
        recognized any more.

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

    _parameter_constraints: dict = {
        "n_steps": [None, Interval(Integral, 1, None, closed="left")],
        "longer": [StrOptions({"grow", "error", "truncate"})],
        "flat": ["boolean"],
        "fill_value": [Interval(Real, None, None, closed="neither"), "nan"],
        "step_features": [None, Interval(Integral, 1, None, closed="left")],
    }

    def __init__(
        self, n_steps=None, *, longer="grow", flat=False, fill_value=np.nan, step_features=None
    ):
        self._store(locals())

    @_fit_context(prefer_skip_nested_validation=True)
    @with_callbacks
    def fit(self, X, y=None):
        """Learn the number of steps and of features.

        Parameters
        ----------
        X : list, tuple, object array, Series, 2-D or 3-D array of sequences
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
            sequences, learned = read_X(self, X, reset=True)
            set_learned(self, learned)
            self.n_steps_ = int(sequences.lengths.max() if self.n_steps is None else self.n_steps)
        return self

    def transform(self, X):
        """Pad sequences.

        Parameters
        ----------
        X : list, tuple, object array, Series, 2-D or 3-D array of sequences
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
        sequences, _ = read_X(self, X, reset=False)
        longest, n_steps = int(sequences.lengths.max()), self.n_steps_
        if self.longer == "truncate":
            kept = [steps[:n_steps] for steps in sequences.to_ragged()]
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
    def inverse_transform(self, X):
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
        return _read_again(X, self.n_step_features_).to_ragged()

    @available_if(lambda self: self.flat)  # with names, scikit-learn makes a table of the output
    def get_feature_names_out(self, input_features=None):
        """Return the names of the columns of flat output. Only available if `flat`.

        Parameters
        ----------
        input_features : Ignored
            Not used, present for consistency.

        Returns
        -------
        names : ndarray of str of shape (`n_steps_` * `n_step_features_`,)
            ``step0_x0``, ``step0_x1`` and so on: the step, then the feature.
        """
        check_is_fitted(self)
        steps, features = range(self.n_steps_), range(self.n_step_features_)
        return np.array([f"step{t}_x{k}" for t in steps for k in features], dtype=object)


class PerStep(_SequenceTransformer):
    """Apply any transformer to the steps of all sequences together.

    The steps of all sequences are put into one table, with a row for each step. The transformer
    is fitted on that table and applied to it, and the result is split into sequences. So
    ``PerStep(StandardScaler())`` scales each feature by its mean and standard deviation over all
    training steps, not each sequence by its own.

    Parameters
    ----------
    transformer : estimator
        Transformer of tables, such as ``StandardScaler()``, ``PCA(3)`` or ``OneHotEncoder()``.

    allow_missing : bool, default=False
        Whether to pass NaN before the end of a sequence to the transformer, as
        ``PerStep(SimpleImputer())`` needs. Otherwise NaN is an error.

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
        Names of the columns of a DataFrame in `fit`.

    See Also
    --------
    SequencePadder : Put ragged sequences into one array, with padding.

    Examples
    --------
    >>> from sklearn.preprocessing import MinMaxScaler, OneHotEncoder
    >>> from skrnn import PerStep
    >>> [steps.ravel() for steps in PerStep(MinMaxScaler()).fit_transform([[0, 5, 10], [20]])]
    [array([0.  , 0.25, 0.5 ]), array([1.])]
    >>> PerStep(OneHotEncoder()).fit_transform([list("ab"), list("a")])[0]
    array([[1., 0.],
           [0., 1.]])
    """

    _parameter_constraints: dict = {
        "transformer": [HasMethods(["fit", "transform"])],
        "allow_missing": ["boolean"],
        "step_features": [None, Interval(Integral, 1, None, closed="left")],
    }

    def __init__(self, transformer, *, allow_missing=False, step_features=None):
        self._store(locals())

    @_fit_context(prefer_skip_nested_validation=False)
    @with_callbacks
    def fit(self, X, y=None):
        """Fit the transformer on all steps of all sequences.

        Parameters
        ----------
        X : list, tuple, object array, Series, 2-D or 3-D array of sequences
            Sequences in any form that `skrnn.as_sequences` reads; lists and arrays may also
            hold text, for a transformer that accepts text.

        y : array-like of shape (n_sequences,), default=None
            Targets for the transformer. The target of a sequence is repeated for its steps; an
            array with a target for each step is accepted for each sequence too.

        Returns
        -------
        self : PerStep
            The fitted transformer.

        Raises
        ------
        ValueError, TypeError
            If X holds no valid sequences; see `skrnn.as_sequences`.
        """
        with self._fitting(X, y):
            values, lengths = self._read(X, reset=True)
            self.transformer_ = clone(self.transformer).fit(values, _flatten_targets(y, lengths))
            one_step = self.transformer_.transform(values[:1].copy())
            self._n_features_out = _as_dense(one_step).shape[1]
        return self

    @_fit_context(prefer_skip_nested_validation=False)
    @with_callbacks
    def fit_transform(self, X, y=None):
        """Fit and transform at once, with the `fit_transform` of the transformer.

        For transformers that use `y`, such as ``TargetEncoder()``, the result differs from that
        of `transform`: they keep the target of a step from leaking into its features.

        Parameters
        ----------
        X : list, tuple, object array, Series, 2-D or 3-D array of sequences
            Sequences as in `fit`.

        y : array-like of shape (n_sequences,), default=None
            Targets as in `fit`.

        Returns
        -------
        sequences : list or ndarray
            The transformed sequences, in the form that `transform` returns.
        """
        if not hasattr(self.transformer, "fit_transform"):
            return self.fit(X, y).transform(X)
        with self._fitting(X, y):
            values, lengths = self._read(X, reset=True)
            self.transformer_ = clone(self.transformer)
            y = _flatten_targets(y, lengths)
            values = _as_dense(self.transformer_.fit_transform(values, y))
            self._n_features_out = values.shape[1]
        return restore_form(X, self.n_step_features_, Sequences(values, lengths))

    def transform(self, X):
        """Transform all steps of all sequences.

        Parameters
        ----------
        X : list, tuple, object array, Series, 2-D or 3-D array of sequences
            Sequences in any form that `skrnn.as_sequences` reads.

        Returns
        -------
        sequences : list or ndarray
            The transformed sequences, in the form of X: a list or object array of one
            ``(n_steps, n_features_out)`` array for each sequence, or for a 3-D or 2-D X, or a
            table in nested lists, an array with the same number of dimensions. If the number of
            features changes, a 2-D X becomes 3-D, and nested lists become a list of arrays.
        """
        check_is_fitted(self)
        values, lengths = self._read(X, reset=False)
        with config_context(transform_output="default"):  # the table is split into sequences
            sequences = Sequences(_as_dense(self.transformer_.transform(values)), lengths)
        return restore_form(X, self.n_step_features_, sequences)

    def inverse_transform(self, X):
        """Invert `transform`, if the transformer has an `inverse_transform`.

        Parameters
        ----------
        X : list or ndarray
            Sequences as returned by `transform`.

        Returns
        -------
        sequences : list or ndarray
            In the form of X.
        """
        check_is_fitted(self)
        values, lengths = _read_again(X, self._n_features_out)
        sequences = Sequences(self.transformer_.inverse_transform(values), lengths)
        return restore_form(X, self._n_features_out, sequences)

    def _read(self, X, reset):
        sequences, learned = read_X(self, X, reset=reset, numeric=False)
        if sequences.values.dtype.kind not in "OUS":  # text is left to the transformer
            sequences = check_numeric(sequences, finite=not self.allow_missing)
        set_learned(self, learned)
        return sequences


def _read_again(X, n_features: int) -> Sequences:
    """Read sequences that `transform` returned, with `n_features` features per step."""
    sequences = as_sequences(X, step_features=n_features)
    found = sequences.values.shape[1]
    if found != n_features:
        raise ValueError(f"X has {found} features per step, but transform returns {n_features}.")
    return sequences


def _flatten_targets(y, lengths: np.ndarray) -> np.ndarray | None:
    """Make a target for each step: the target of a sequence is repeated for its steps."""
    if y is None:
        return None
    y = y if isinstance(y, (list, tuple)) else np.asarray(y)
    if len(y) != len(lengths):
        raise ValueError(f"X holds {len(lengths)} sequences, but y holds {len(y)} targets.")
    if np.ndim(y[0]) and [len(steps) for steps in y] == lengths.tolist():
        return np.concatenate([np.asarray(steps) for steps in y])
    return np.repeat(np.asarray(y), lengths, axis=0)


def _as_dense(values) -> np.ndarray:
    return values.toarray() if hasattr(values, "toarray") else np.asarray(values)
