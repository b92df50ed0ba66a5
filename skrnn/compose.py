"""Steps and static features in one transformer, and regression on transformed targets of steps."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from sklearn import get_config
from sklearn.base import clone
from sklearn.utils import check_array
from sklearn.utils._param_validation import HasMethods
from sklearn.utils.metadata_routing import MetadataRouter, MethodMapping, process_routing
from sklearn.utils.validation import check_is_fitted

from skrnn._compat import get_tags
from skrnn._compat.decorators import fit_context
from skrnn._estimator import Persistent, unchanged_on_error
from skrnn._input import (
    as_sequences,
    flatten_steps,
    refuse_masked,
    refuse_other_order,
    refuse_overflow,
    unflatten,
)
from skrnn._input.containers import list_or_array, read_list
from skrnn._tables import TableTransformer as TableTransformer
from skrnn._training.labels import refuse_text
from skrnn.metrics import flat_r2_score

if TYPE_CHECKING:
    from typing import Any, Self

    from sklearn.utils import Tags


class TransformedStepTargetRegressor(Persistent):
    """Regressor of steps whose targets are transformed, for instance by a logarithm.

    It does for targets of steps what `sklearn.compose.TransformedTargetRegressor` does for one
    target per sample. The targets of all steps of all sequences are put into one table, with a
    column for each output. `fit` fits the transformer on that table, and the regressor on the
    transformed targets. `predict` returns the inverse transform of the regressor's predictions.
    `StepRNNRegressor` standardizes targets itself, so this is for other transformations.

    Parameters
    ----------
    regressor : estimator
        `StepRNNRegressor`, or another regressor with a prediction for each step, such as a
        pipeline.

    transformer : estimator
        Transformer of tables with an `inverse_transform`, such as a ``FunctionTransformer`` or
        ``PowerTransformer()``.

    Attributes
    ----------
    regressor_ : estimator
        The fitted regressor.

    transformer_ : estimator
        The fitted transformer.

    n_features_in_ : int
        That of the fitted regressor.

    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        That of the fitted regressor, if `X` had names.

    See Also
    --------
    StepRNNRegressor : A number or vector for each step.
    PerStep : Transform the features of steps instead of their targets.

    Notes
    -----
    The transformer is fitted without weights, as in scikit-learn.

    Examples
    --------
    The targets are products, whose logarithm is a sum. Without the logarithm, the median of the
    relative errors would be 0.51.

    >>> import numpy as np
    >>> from sklearn.preprocessing import FunctionTransformer
    >>> from skrnn import StepRNNRegressor, TransformedStepTargetRegressor
    >>> rng = np.random.RandomState(0)
    >>> X = [rng.uniform(1, 3, size=(n, 1)) for n in rng.randint(1, 9, 50)]
    >>> y = [x[:, 0].cumprod() for x in X]
    >>> net = StepRNNRegressor(8, learning_rate="cosine", random_state=0)
    >>> logarithm = FunctionTransformer(np.log, inverse_func=np.exp)
    >>> reg = TransformedStepTargetRegressor(net, transformer=logarithm).fit(X, y)
    >>> errors = np.concatenate([abs(p / t - 1) for p, t in zip(reg.predict(X), y)])
    >>> bool(np.median(errors) < 0.1)
    True
    """

    _parameter_constraints: dict[str, Any] = {
        "regressor": [HasMethods(["fit", "predict"])],
        "transformer": [HasMethods(["fit", "transform", "inverse_transform"])],
    }

    def __init__(self, regressor: Any, *, transformer: Any) -> None:
        self._store(locals())

    @fit_context(prefer_skip_nested_validation=False)
    def fit(self, X: Any, y: Any, **fit_params: Any) -> Self:
        """Fit the transformer, then the regressor on the transformed targets.

        Parameters
        ----------
        X : list, tuple, object array, Series, Sequences, 2-D or 3-D array, or DataFrame
            Sequences in any form that the regressor accepts.

        y : array-like of n_sequences arrays of shape (n_steps,) or (n_steps, n_outputs)
            Targets of the steps; with a padded `X` also a padded array, whose values in the
            padding are ignored.

        **fit_params
            Passed to ``fit`` of the regressor; with metadata routing, what it requests. Targets
            of validation data are transformed as `y` is. They are recognized by their name:
            `y_val`, or for a pipeline ``<step>__y_val``. So do not give them an alias.

        Returns
        -------
        self : TransformedStepTargetRegressor
            The fitted regressor.

        Raises
        ------
        ValueError, TypeError
            If `y` holds no number for each step, or the regressor or transformer raise an error.
            The estimator is left unchanged.
        """
        with unchanged_on_error(self):
            params = self._routed("fit", fit_params)
            table, lengths = _read_targets(y, X, "y")
            self._shape_of_step = table.shape[1:]
            self.transformer_ = clone(self.transformer).fit(_in_columns(table))
            for name in params:
                prefix, _, last = name.rpartition("__")
                if last == "y_val" and params[name] is not None:
                    X_val = params.get(f"{prefix}__X_val" if prefix else "X_val")
                    validation = _read_targets(params[name], X_val, name)
                    self._check_shape(validation[0], name)
                    params[name] = self._transform(*validation)
            y = self._transform(table, lengths)
            self._shape_for_regressor = y[0].shape[1:]
            self.regressor_ = clone(self.regressor).fit(X, y, **params)
        return self

    def _routed(self, method: str, params: dict[str, Any]) -> dict[str, Any]:
        """Choose the parameters for a method of the regressor: all without metadata routing."""
        if not get_config()["enable_metadata_routing"]:
            return params
        return dict(process_routing(self, method, **params).regressor[method])

    def _check_shape(self, table: np.ndarray, name: str) -> None:
        if table.shape[1:] != self._shape_of_step:
            raise ValueError(
                f"{name} has targets of shape {table.shape[1:]} at each step, but y has targets of "
                f"shape {self._shape_of_step}."
            )

    def _transform(self, table: np.ndarray, lengths: np.ndarray) -> np.ndarray:
        """Transform a table of targets, and split it into sequences."""
        table = np.asarray(self.transformer_.transform(_in_columns(table)))
        table = table[:, 0] if table.ndim == 2 and table.shape[1] == 1 else table
        return unflatten(table, lengths)

    def predict(self, X: Any, **predict_params: Any) -> np.ndarray:
        """Predict with the regressor, and invert the transform.

        Parameters
        ----------
        X : array-like
            Sequences in any form that the regressor accepts.

        **predict_params
            Passed to ``predict`` of the regressor; with metadata routing, what it requests.

        Returns
        -------
        y : ndarray of shape (n_sequences,) and dtype object
            One array ``(n_steps,)`` or ``(n_steps, n_outputs)`` for each sequence. Several
            quantiles are along a further axis, the last.

        Raises
        ------
        ValueError
            If `predict_params` have ``return_std=True``.
        """
        check_is_fitted(self)
        predicted = self.regressor_.predict(X, **self._routed("predict", predict_params))
        if isinstance(predicted, tuple):
            raise ValueError(
                "return_std=True is not supported: the transformer cannot transform a standard "
                "deviation back. Use predict(X), or call predict of regressor_."
            )
        lengths = np.array([len(steps) for steps in predicted])
        rows = np.concatenate(predicted)
        if len(rows):  # transformers refuse a table without rows
            rows = self._inverse_transform(rows)
        return unflatten(rows, lengths)

    def _inverse_transform(self, rows: np.ndarray) -> np.ndarray:
        """Invert the transform of predictions for steps, perhaps of several quantiles."""
        shape = self._shape_for_regressor
        tables = rows.reshape(len(rows), math.prod(shape), -1)  # the last axis: quantiles
        inverse = self.transformer_.inverse_transform
        values = np.stack([inverse(tables[:, :, k]) for k in range(tables.shape[2])], axis=-1)
        return values.reshape(len(rows), *self._shape_of_step, *rows.shape[1 + len(shape) :])

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """Coefficient of determination over all steps of all sequences.

        Parameters
        ----------
        X : array-like
            Sequences in any form that `fit` accepts.

        y : array-like
            Targets of the steps, as in `fit`.

        sample_weight : array-like, default=None
            A weight for each sequence, or for each step in the form of `y`.

        Returns
        -------
        score : float
            R², 1 at best.
        """
        refuse_other_order(X, y=y, sample_weight=sample_weight)
        score: float = flat_r2_score(y, self.predict(X), sample_weight=sample_weight)
        return score

    @property
    def n_features_in_(self) -> int:
        """Number of features seen in fit."""
        n_features: int = self.regressor_.n_features_in_
        return n_features

    @property
    def feature_names_in_(self) -> np.ndarray:
        """Names of the features seen in fit."""
        names: np.ndarray = self.regressor_.feature_names_in_
        return names

    def get_metadata_routing(self) -> MetadataRouter:
        """Get the metadata routing of this estimator.

        Returns
        -------
        routing : MetadataRouter
            The metadata that `score` requests, and those that the methods `fit` and `predict` of
            the regressor request.
        """
        methods = MethodMapping().add(caller="fit", callee="fit")
        methods.add(caller="predict", callee="predict")
        router = MetadataRouter(owner=self).add_self_request(self)
        return router.add(regressor=self.regressor, method_mapping=methods)

    def __sklearn_tags__(self) -> Tags:
        tags, of_regressor = super().__sklearn_tags__(), get_tags(self.regressor)
        tags.input_tags = of_regressor.input_tags
        tags.target_tags = of_regressor.target_tags
        return tags


def _read_targets(y: Any, X: Any, name: str) -> tuple[np.ndarray, np.ndarray]:
    """Put the targets of all steps into one array; also return the lengths of the sequences.

    Missing values are left to the transformer and the regressor.
    """
    if y is None:
        raise ValueError(
            "TransformedStepTargetRegressor requires y to be passed, but the target y is None."
        )
    refuse_masked(y, name)
    refuse_other_order(X, **{name: y})
    y = list_or_array(y, name)
    if isinstance(y, list):
        y = read_list(y, name)
        lengths = np.array([len(steps) for steps in y])
    else:  # a padded array, in which X shows where the padding begins
        lengths = as_sequences(X, numeric=False).lengths
    flat = flatten_steps(y, lengths, name)
    refuse_text(flat, per_step=True)
    with refuse_overflow(name):
        table = check_array(
            flat,
            ensure_2d=False,
            dtype=(np.float64, np.float32),
            ensure_all_finite="allow-nan",
            input_name=name,
        )
    return table, lengths


def _in_columns(targets: np.ndarray) -> np.ndarray:
    return targets.reshape(len(targets), -1)
