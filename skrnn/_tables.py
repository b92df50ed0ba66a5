"""The two tables of sequences, each with its transformer: steps and static features."""

from __future__ import annotations

from functools import partial
from numbers import Integral
from typing import TYPE_CHECKING

import numpy as np
from sklearn import config_context
from sklearn.base import clone
from sklearn.utils._param_validation import HasMethods, Interval, StrOptions
from sklearn.utils.metadata_routing import (
    MetadataRouter,
    MethodMapping,
    _raise_for_params,
    process_routing,
)
from sklearn.utils.validation import check_is_fitted

from skrnn._compat.decorators import available_if, fit_context
from skrnn._input.frames import take
from skrnn._input.notes import describe_static
from skrnn._input.static import (
    BOTH_WAYS,
    check_static,
    learn_static,
)
from skrnn._transformers import (
    SequenceTransformer,
    accepts_missing,
    call_on_table,
    fits,
    names_of_features,
    refuse_sequence_transformers,
)
from skrnn.preprocessing import PerStep

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, Self

    from numpy.typing import ArrayLike
    from sklearn.utils import Tags

    from skrnn._input import Reading, Sequences


def _names_its_output(name: str) -> Callable[[Any], bool]:
    """Return whether a transformer, or 'passthrough', names its output."""

    def check(self: Any) -> bool:
        transformer = getattr(self, name)
        return isinstance(transformer, str) or hasattr(transformer, "get_feature_names_out")

    return check


class TableTransformer(  # type: ignore[call-arg]
    SequenceTransformer, auto_wrap_output_keys=None
):
    """Apply a transformer to the steps, and another one to the static features.

    Static features belong to a sequence and not to its steps, such as the age of a patient. They
    are the columns of single values beside columns of sequences in a frame, or the table
    ``static`` of `Sequences`. The networks of this package take numbers, so text must be encoded
    and missing values imputed, in the steps and in the static features.

    Parameters
    ----------
    steps : estimator or 'passthrough', default='passthrough'
        Transformer of tables that is applied to the steps of all sequences together, as `PerStep`
        applies it. 'passthrough' leaves the steps as they are.

    static : estimator or 'passthrough', default='passthrough'
        Transformer of tables that is applied to the static features, which are a table with a
        row for each sequence. 'passthrough' leaves them as they are.

    step_features : int, default=None
        Number of features of a step where a sequence is given flat. None means 1.

    Attributes
    ----------
    steps_ : estimator or 'passthrough'
        The fitted transformer of the steps.

    static_ : estimator or 'passthrough'
        The fitted transformer of the static features.

    n_step_features_ : int
        Number of features of a step.

    n_features_in_ : int
        Number of columns of a 2-D `X` in `fit`, else the same as `n_step_features_`.

    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the columns of a 2-D `X`, or of the features of a step, if there are names.

    n_static_features_ : int
        Number of static features, 0 if there are none.

    static_feature_names_in_ : ndarray of shape (`n_static_features_`,)
        Names of the static features, if there are names.

    See Also
    --------
    PerStep : Apply a transformer to the steps only.
    sklearn.compose.ColumnTransformer : Apply transformers to some of the columns of a table.

    Examples
    --------
    >>> import pandas as pd
    >>> from sklearn.preprocessing import MinMaxScaler, OneHotEncoder
    >>> from skrnn import TableTransformer
    >>> X = pd.DataFrame({"pulse": [[70, 75, 90], [80]], "sex": ["f", "m"]})
    >>> tables = TableTransformer(MinMaxScaler(), OneHotEncoder(sparse_output=False))
    >>> transformed = tables.fit_transform(X)
    >>> transformed
    Sequences(2 sequences, 1 to 3 steps, 1 feature, static=0, 1)
    >>> transformed.static
    array([[1., 0.],
           [0., 1.]])
    """

    _parameter_constraints: dict[str, Any] = {
        "steps": [HasMethods(["fit", "transform"]), StrOptions({"passthrough"})],
        "static": [HasMethods(["fit", "transform"]), StrOptions({"passthrough"})],
        "step_features": [None, Interval(Integral, 1, None, closed="left")],
    }

    def __init__(
        self,
        steps: Any = "passthrough",
        static: Any = "passthrough",
        *,
        step_features: int | None = None,
    ) -> None:
        self._store(locals())

    @fit_context(prefer_skip_nested_validation=False)
    @fits
    def fit(self, X: Any, y: Any = None, **params: Any) -> Self:
        """Fit both transformers.

        Parameters
        ----------
        X : list, tuple, object array, Series, Sequences, 2-D or 3-D array, or DataFrame
            Sequences in any form that `skrnn.as_sequences` reads. A DataFrame with columns of
            sequences and columns of single values, and `Sequences`, can have static features.

        y : array-like of shape (n_sequences,), default=None
            Targets for the transformers. That of the steps gets the target of a sequence for each
            of its steps, as in `PerStep`.

        **params : dict
            Metadata that the transformers request, such as `sample_weight`; metadata routing must
            be enabled. For the steps, what has one entry for each sequence is repeated.

        Returns
        -------
        self : TableTransformer
            The fitted transformer.

        Raises
        ------
        ValueError, TypeError
            If X holds no valid sequences (see `skrnn.as_sequences`), a transformer fails, or X has
            no static features and `static` is a transformer.
        """
        with self._fitting(X, y, **params):
            self._fit_both("fit", X, y, params)
        return self

    @fit_context(prefer_skip_nested_validation=False)
    @fits
    def fit_transform(self, X: Any, y: Any = None, **params: Any) -> Any:
        """Fit and transform at once, with the `fit_transform` of the transformers.

        For transformers that use `y`, such as ``TargetEncoder()``, the result differs from that
        of `transform`.

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
        with self._fitting(X, y, **params):
            reading, steps, static = self._fit_both("fit_transform", X, y, params)
        return self._in_form_of(X, reading, steps.with_static(static))

    def transform(self, X: Any) -> Any:
        """Transform the steps and the static features.

        Parameters
        ----------
        X : list, tuple, object array, Series, Sequences, 2-D or 3-D array, or DataFrame
            Sequences as in `fit`, with the same static features.

        Returns
        -------
        sequences : list, Sequences, Series, DataFrame or ndarray
            The transformed sequences, in the form of X, as `PerStep.transform` returns them. A
            DataFrame with static features becomes `Sequences`, or a DataFrame with
            ``set_output(transform="pandas")`` or "polars".

        Raises
        ------
        ValueError, TypeError
            If X holds no valid sequences, its static features differ from those in `fit`, or a
            transformer fails.
        """
        reading = self._read(X, reset=False)
        steps, static = reading.sequences, reading.sequences.static
        check_static(self, static)
        if self._step_transformer:
            with config_context(transform_output=self._container()):
                steps = self._step_transformer.transform(steps)
        if not isinstance(self.static_, str):
            static = self._call_static("transform", static)
        return self._in_form_of(X, reading, steps.with_static(static))

    @available_if(_names_its_output("steps"))
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
            The names that the transformer of the steps gives.
        """
        names = names_of_features(self, input_features)
        if isinstance(self.steps_, str):
            return names
        return self.steps_.get_feature_names_out(names)

    @available_if(_names_its_output("static"))
    def get_static_feature_names_out(self) -> np.ndarray:
        """Return the names of the transformed static features.

        Returns
        -------
        names : ndarray of str of shape (n_static_features_out,)
            The names that the transformer of the static features gives.
        """
        check_is_fitted(self)
        if not isinstance(self.static_, str):
            return self.static_.get_feature_names_out()
        names = [f"x{k}" for k in range(self.n_static_features_)]
        return getattr(self, "static_feature_names_in_", np.array(names, dtype=object))

    def get_metadata_routing(self) -> MetadataRouter:
        """Get the metadata routing of this transformer, which routes to the inner ones.

        Returns
        -------
        routing : MetadataRouter
            What `fit` and `fit_transform` pass to the methods of the same name.
        """
        router = MetadataRouter(owner=self)
        if not isinstance(self.steps, str):
            both = MethodMapping().add(caller="fit", callee="fit")
            both.add(caller="fit_transform", callee="fit_transform")
            router.add(steps=PerStep(self.steps), method_mapping=both)
        if not isinstance(self.static, str):
            own = "fit_transform" if hasattr(self.static, "fit_transform") else "fit"
            mapping = MethodMapping().add(caller="fit", callee="fit")
            mapping.add(caller="fit_transform", callee=own)
            router.add(static=self.static, method_mapping=mapping)
        return router

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.string = isinstance(self.steps, str)
        tags.input_tags.allow_nan = isinstance(self.steps, str) or accepts_missing(self.steps)
        return tags

    def _fit_both(
        self, method: str, X: Any, y: Any, params: dict[str, Any]
    ) -> tuple[Reading, Sequences, Any]:
        """Fit both transformers; 'fit_transform' also returns what was read and transformed."""
        _raise_for_params(params, self, method)
        routed = process_routing(self, method, **params)
        reading = self._read(X, reset=True)
        steps, static = reading.sequences, reading.sequences.static
        for name, value in learn_static(static).items():
            setattr(self, name, value)
        self._step_transformer: PerStep | None = None
        self.steps_ = self.static_ = "passthrough"
        if not isinstance(self.steps, str):
            refuse_sequence_transformers(self, self.steps)
            self._step_transformer = PerStep(self.steps)
            with config_context(transform_output=self._container()):
                steps = getattr(self._step_transformer, method)(steps, y, **routed["steps"][method])
            self.steps_ = self._step_transformer.transformer_
        if not isinstance(self.static, str):
            refuse_sequence_transformers(self, self.static)
            static = self._fit_static(method, static, y, routed["static"])
            self._n_static_features_out = static.shape[1]
        return reading, steps, static

    def _fit_static(self, method: str, table: Any, y: Any, routed: Any) -> Any:
        """Fit the transformer of a static table; 'fit' returns the first row transformed."""
        if table is None:
            raise ValueError(
                f"static={self.static!r} needs static features, but X has none. {BOTH_WAYS}"
            )
        self.static_ = clone(self.static)
        if method == "fit_transform" and hasattr(self.static, method):
            return self._call_static(method, table, y, **routed[method])
        self._call_static("fit", table, y, **routed["fit"])
        copied = take(table, [0])  # the transformer may work in place
        return self._call_static("transform", copied if method == "fit" else table)

    def _call_static(self, method: str, table: Any, *args: Any, **params: Any) -> Any:
        given = method, table, self._container(), partial(describe_static, table), "sequence"
        return call_on_table(self.static_, *given, *args, **params)
