"""Several networks that differ by their seed, as one estimator."""

from __future__ import annotations

import copy
import math
from collections.abc import Iterable
from functools import reduce
from numbers import Integral
from typing import TYPE_CHECKING, overload

import numpy as np
from sklearn import get_config
from sklearn.base import clone
from sklearn.metrics import accuracy_score
from sklearn.pipeline import Pipeline
from sklearn.utils import _safe_indexing, check_random_state
from sklearn.utils._param_validation import HasMethods, Interval
from sklearn.utils.metadata_routing import (
    UNUSED,
    MetadataRouter,
    MethodMapping,
    process_routing,
)
from sklearn.utils.parallel import Parallel, delayed
from sklearn.utils.validation import _num_samples, check_is_fitted

from skrnn._compat import get_tags
from skrnn._compat.decorators import available_if, fit_context
from skrnn._estimator import Persistent
from skrnn._input import check_beside, unflatten
from skrnn._numeric.pieces import SIZE
from skrnn._predictions import ClassPredictions, NumberPredictions, score_numbers
from skrnn.metrics import flat_accuracy_score
from skrnn.rnn import SequenceRNNClassifier, SequenceRNNRegressor

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, Literal, Self

    from numpy.typing import ArrayLike
    from sklearn.utils import Tags

    from skrnn._compat.decorators import Decorator
    from skrnn._types import RandomState


def network_of(estimator: Any) -> Any:
    """Get the last step of a pipeline, or of a pipeline that is its last step, and so on."""
    while isinstance(estimator, Pipeline):
        estimator = estimator.steps[-1][1]
    return estimator


def _draw_seeds(estimator: Any, random_state: np.random.RandomState) -> None:
    """Draw each ``random_state`` among the parameters of `estimator`, as scikit-learn does.

    ``sklearn.ensemble`` has a private function for this, but its import takes 60 ms.
    """
    for name in sorted(estimator.get_params()):
        if name == "random_state" or name.endswith("__random_state"):
            estimator.set_params(**{name: random_state.randint(np.iinfo(np.int32).max)})


def _members_have(name: str) -> Decorator:
    """Return a check for `available_if`; its AttributeError is that of the member."""

    def check(self: Ensemble) -> bool:
        getattr(self.estimators_[0] if hasattr(self, "estimators_") else self._wrapped, name)
        return True

    return available_if(check)


class Ensemble(Persistent):
    """Train copies of a network, and average their predictions.

    A subclass sets `_kind`, the class of predictions of its members, `_plural`, the name of what
    they predict, and `_default`, the class of the default estimator.
    """

    _parameter_constraints: dict[str, Any] = {
        "estimator": [HasMethods(["fit", "predict"]), None],
        "n_estimators": [Interval(Integral, 1, None, closed="left")],
        "n_jobs": [Integral, None],
        "random_state": ["random_state"],
    }
    # The members decide whether they need these.
    __metadata_request__fit = {"sample_weight": UNUSED}
    __metadata_request__partial_fit = {"sample_weight": UNUSED, "classes": UNUSED}

    _kind: type
    _plural: str
    _default: type

    @property
    def _wrapped(self) -> Any:
        return self._default() if self.estimator is None else self.estimator

    # Fit ---------------------------------------------------------------------------------

    @fit_context(prefer_skip_nested_validation=False)
    def fit(self, X: Any, y: Any, sample_weight: Any = None, **fit_params: Any) -> Self:
        """Fit the members, each with seeds of its own.

        Parameters
        ----------
        X : array-like
            Sequences in any form that the estimator accepts. It is passed on as it is.

        y : array-like
            Targets as in ``fit`` of the estimator.

        sample_weight : array-like, default=None
            Weights as in ``fit`` of the estimator. For a pipeline, pass
            ``<step>__sample_weight`` instead.

        **fit_params
            Passed to ``fit`` of each member, such as `X_val` and `y_val`. With metadata routing,
            what the estimator requests.

        Returns
        -------
        self : object
            The fitted ensemble.

        Raises
        ------
        ValueError, TypeError
            If a parameter is invalid, or a member raises an error. The ensemble is left unchanged.
        """
        params = self._routed("fit", sample_weight, fit_params)
        return self._train("fit", self._new_members(), X, y, params)

    def _new_members(self) -> list[Any]:
        """Copy the estimator, and set every random_state in each copy."""
        if not isinstance(network_of(self._wrapped), self._kind):
            raise ValueError(
                f"{type(self).__name__} needs a network of skrnn that predicts {self._plural}, or "
                f"a pipeline that ends in one, but estimator is {self.estimator!r}."
            )
        random_state = check_random_state(self.random_state)
        members = [clone(self._wrapped) for _ in range(self.n_estimators)]
        for member in members:
            _draw_seeds(member, random_state)
        return members

    def _train_further(self, X: Any, y: Any, sample_weight: Any, **classes: Any) -> Self:
        params = {**self._routed("partial_fit", sample_weight, {}), **classes}
        fitted = hasattr(self, "estimators_")
        members = [copy.copy(m) for m in self.estimators_] if fitted else self._new_members()
        return self._train("partial_fit", members, X, y, params)

    def _routed(self, method: str, sample_weight: Any, params: dict[str, Any]) -> dict[str, Any]:
        """Choose the parameters for a method of the members: all without metadata routing."""
        if sample_weight is not None:
            params = {**params, "sample_weight": sample_weight}
        if not get_config()["enable_metadata_routing"]:
            if sample_weight is not None and isinstance(self._wrapped, Pipeline):
                name = f"{self._wrapped.steps[-1][0]}__sample_weight"
                raise ValueError(
                    f"The estimator of {type(self).__name__} is a pipeline, which does not accept "
                    f"sample_weight. Pass fit(X, y, {name}=...), or enable metadata routing."
                )
            return params
        routed: dict[str, Any] = process_routing(self, method, **params).estimator[method]
        return routed

    def _train(
        self, method: str, members: list[Any], X: Any, y: Any, params: dict[str, Any]
    ) -> Self:
        """Call a method of the members; the ensemble changes at the end, so never by an error."""
        self.estimators_ = Parallel(n_jobs=self.n_jobs)(
            delayed(getattr(member, method))(X, y, **params) for member in members
        )
        return self

    # Predict -----------------------------------------------------------------------------

    @property
    def _target(self) -> Any:
        return network_of(self.estimators_[0])._target

    def _outputs(self, method: str, X: Any) -> Iterable[np.ndarray]:
        """Compute the output of a method of each member in turn."""
        check_is_fitted(self)
        return (getattr(member, method)(X) for member in self.estimators_)

    def _mean(self, outputs: Iterable[np.ndarray]) -> np.ndarray:
        """Average the outputs of the members; object arrays of arrays are added up as well."""
        outputs = iter(outputs)
        total = next(outputs).copy()
        for output in outputs:
            total += output
        total /= len(self.estimators_)
        return total

    def _in_rows(self, function: Callable[..., np.ndarray], *outputs: np.ndarray) -> np.ndarray:
        """Apply a function to arrays that hold a row for each sample, or for each step."""
        if not self._target.per_step:
            return function(*outputs)
        lengths = np.array([len(steps) for steps in outputs[0]])
        return unflatten(function(*map(np.concatenate, outputs)), lengths)

    # Streams -----------------------------------------------------------------------------

    @_members_have("initial_state")
    def initial_state(self, n_streams: int | None = None, *, static: Any = None) -> tuple[Any, ...]:
        """Create the state before the first step of parallel streams.

        Available if the members are recurrent networks. A pipeline does not stream: scale the
        steps before they are passed to an ensemble of networks.

        Parameters
        ----------
        n_streams : int, default=None
            Number of streams. None means the number of rows of `static`, or 1.

        static : array-like or frame of shape (n_streams, n_static_features), default=None
            The static features of each stream, transformed by the earlier steps of a pipeline;
            may be sparse. Required if the ensemble was fitted with static features.

        Returns
        -------
        state : tuple of StreamState
            The state of each member, to be passed to `step`. It is never modified.

        Raises
        ------
        ValueError
            If the networks are bidirectional, `n_streams` is not a positive integer, or `static`
            does not match the streams or the static features of `fit`.
        """
        check_is_fitted(self)
        return tuple(member.initial_state(n_streams, static=static) for member in self.estimators_)

    @_members_have("step")
    def step(self, x_t: Any, state: tuple[Any, ...]) -> tuple[np.ndarray, tuple[Any, ...]]:
        """Process the next step of every stream.

        Parameters
        ----------
        x_t : array-like or sparse matrix of shape ``(n_streams, n_step_features)``
            The step of each stream; also ``(n_step_features,)`` for a single stream.

        state : tuple of StreamState
            The state that `initial_state` or the previous `step` returned.

        Returns
        -------
        prediction : ndarray
            For each stream, what `predict_proba` of a classifier or `predict` of a regressor
            returns for its steps so far (for the last of them, for step estimators).

        state : tuple of StreamState
            The state after this step.

        Raises
        ------
        ValueError
            If `x_t` does not match the streams or is not finite, or if the state belongs to
            another ensemble.
        """
        check_is_fitted(self)
        members = self.estimators_
        if not isinstance(state, tuple) or len(state) != len(members):
            raise ValueError(
                f"state must be a tuple of {len(members)} states, one for each member, from "
                f"initial_state() or step(), got {state!r}."
            )
        taken = [m.step(x_t, of_member) for m, of_member in zip(members, state, strict=True)]
        predictions, states = zip(*taken, strict=True)
        return self._mean(predictions), states

    # What it takes from the estimator ----------------------------------------------------

    @property
    def n_features_in_(self) -> int:
        """Number of features seen in fit."""
        n_features: int = self.estimators_[0].n_features_in_
        return n_features

    @property
    def feature_names_in_(self) -> np.ndarray:
        """Names of the features seen in fit."""
        names: np.ndarray = self.estimators_[0].feature_names_in_
        return names

    def get_metadata_routing(self) -> MetadataRouter:
        """Get the metadata routing of this estimator.

        Returns
        -------
        routing : MetadataRouter
            The metadata that `score` and `predict` request, and those that the methods `fit` and
            `partial_fit` of the estimator request.
        """
        methods = MethodMapping().add(caller="fit", callee="fit")
        methods.add(caller="partial_fit", callee="partial_fit")
        router = MetadataRouter(owner=self).add_self_request(self)
        return router.add(estimator=self._wrapped, method_mapping=methods)

    def __sklearn_tags__(self) -> Tags:
        tags = get_tags(self._wrapped)
        tags.transformer_tags = None
        return tags


class EnsembleClassifier(Ensemble):
    """Classifier that averages the probabilities of several networks.

    The members are copies of one network, or of a pipeline that ends in one, with different
    seeds ("deep ensemble" [1]_). On small data, their mean is more accurate than one of them, and
    its probabilities are less often too close to 1. Training takes `n_estimators` times as long.

    For an estimator of steps, such as `StepRNNClassifier`, all outputs are per step. As for that
    estimator, the tags of the ensemble are then not those of a classifier.

    Parameters
    ----------
    estimator : estimator, default=None
        `SequenceRNNClassifier`, `StepRNNClassifier`, `XORMLPClassifier`, or a pipeline that ends in
        one of them. None means ``SequenceRNNClassifier()``.

    n_estimators : int, default=5
        Number of members.

    n_jobs : int, default=None
        Number of members that are trained at the same time, in processes of joblib. None means 1
        unless in a ``joblib.parallel_config`` context, -1 means all processors. It does not change
        the result.

    random_state : int, RandomState instance or None, default=None
        Determines every `random_state` in each member; those in `estimator` have no effect. A
        smaller ensemble of the same integer has the first members of a larger one.

    Attributes
    ----------
    estimators_ : list of estimators
        The fitted members.

    classes_ : ndarray of shape (n_classes,)
        The class labels, sorted; for multilabel targets the numbers of the columns.

    n_features_in_ : int
        That of the members.

    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        That of the members, if `X` had names.

    See Also
    --------
    EnsembleRegressor : The mean of the predictions of regressors, and their spread.
    sklearn.ensemble.VotingClassifier : The mean of different classifiers.

    Notes
    -----
    A `warm_start` of the estimator has no effect, since each `fit` trains new copies. Callbacks
    that are set on the estimator are called for each member.

    References
    ----------
    .. [1] B. Lakshminarayanan, A. Pritzel and C. Blundell, "Simple and scalable predictive
       uncertainty estimation using deep ensembles", NeurIPS (2017).

    Examples
    --------
    >>> from skrnn import EnsembleClassifier, SequenceRNNClassifier
    >>> from skrnn.datasets import make_parity
    >>> X, y = make_parity(200, max_length=4, random_state=0)
    >>> net = SequenceRNNClassifier(8)
    >>> clf = EnsembleClassifier(net, n_estimators=3, random_state=0).fit(X, y)
    >>> clf.predict([[1, 0, 1], [1]])
    array([0, 1])

    How much the members disagree:

    >>> import numpy as np
    >>> of_members = [member.predict_proba([[1, 0, 1]]) for member in clf.estimators_]
    >>> np.std(of_members, axis=0).shape
    (1, 2)
    """

    _kind, _plural, _default = ClassPredictions, "classes", SequenceRNNClassifier

    def __init__(
        self,
        estimator: Any = None,
        n_estimators: int = 5,
        *,
        n_jobs: int | None = None,
        random_state: RandomState = None,
    ) -> None:
        self._store(locals())

    @_members_have("partial_fit")
    @fit_context(prefer_skip_nested_validation=False)
    def partial_fit(
        self, X: Any, y: Any, sample_weight: Any = None, classes: ArrayLike | None = None
    ) -> Self:
        """Continue training of each member for one pass over the given samples.

        Available if the estimator has this method. Pipelines do not have it.

        Parameters
        ----------
        X : array-like
            Samples in any form that the estimator accepts.

        y : array-like
            Targets as in `fit`.

        sample_weight : array-like, default=None
            Weights as in ``partial_fit`` of the estimator.

        classes : array-like of shape (n_classes,), default=None
            All classes that may ever occur. Required in the first call.

        Returns
        -------
        self : object
            The ensemble, trained a little further.

        Raises
        ------
        ValueError, TypeError
            If a parameter is invalid, or a member raises an error. The ensemble is left unchanged.
        """
        return self._train_further(X, y, sample_weight, classes=classes)

    @property
    def classes_(self) -> np.ndarray:
        """The class labels."""
        classes: np.ndarray = self.estimators_[0].classes_
        return classes

    def predict(self, X: Any) -> np.ndarray:
        """Predict class labels.

        Parameters
        ----------
        X : array-like
            Samples in any form that `fit` accepts.

        Returns
        -------
        y : ndarray
            The class of the highest mean probability; for multilabel problems, 1 for each label
            whose mean probability is above 0.5. In the form of the targets of `fit`; labels of
            steps are an object array of one array for each sequence.
        """
        check_is_fitted(self)
        n_samples, n_classes, parts, start = _num_samples(X), len(self.classes_), [], 0
        size = max(1, SIZE // (64 * n_classes))
        if n_samples <= size:
            return self._in_rows(self._labels, self.predict_proba(X))
        while start < n_samples:  # a few samples at a time, which bounds the memory
            probabilities = self.predict_proba(_safe_indexing(X, slice(start, start + size)))
            parts.append(self._in_rows(self._labels, probabilities))
            n_rows = sum(map(len, probabilities)) if self._target.per_step else len(probabilities)
            start, size = start + size, min(8 * size, size * SIZE // (n_rows * n_classes + 1)) or 1
        return np.concatenate(parts)

    def _labels(self, probabilities: np.ndarray) -> np.ndarray:
        if self._target.is_multilabel:
            return (probabilities > 0.5).astype(int)
        labels: np.ndarray = self.classes_[probabilities.argmax(axis=1)]
        return labels

    def predict_proba(self, X: Any) -> np.ndarray:
        """Predict class probabilities, the mean of those of the members.

        Parameters
        ----------
        X : array-like
            Samples in any form that `fit` accepts.

        Returns
        -------
        probabilities : ndarray of shape (n_samples, n_classes)
            One column for each class, in the order of `classes_`. Those of steps are an object
            array of one array for each sequence.
        """
        return self._mean(self._outputs("predict_proba", X))

    def predict_log_proba(self, X: Any) -> np.ndarray:
        """Predict the logarithm of class probabilities, which is always finite.

        Parameters
        ----------
        X : array-like
            Samples in any form that `fit` accepts.

        Returns
        -------
        log_probabilities : ndarray of shape (n_samples, n_classes)
            One column for each class, in the order of `classes_`. Those of steps are an object
            array of one array for each sequence.
        """
        return self._in_rows(_log_mean_exp, *self._outputs("predict_log_proba", X))

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """Compute the accuracy, for estimators of steps over all steps of all sequences.

        Parameters
        ----------
        X : array-like
            Samples in any form that `fit` accepts.

        y : array-like
            Targets as in `fit`.

        sample_weight : array-like, default=None
            Weights as in ``score`` of the estimator.

        Returns
        -------
        score : float
            Share of the labels that are right.
        """
        predictions, per_step = self.predict(X), self._target.per_step
        check_beside(X, y, sample_weight, per_step)
        metric = flat_accuracy_score if per_step else accuracy_score
        return metric(y, predictions, sample_weight=sample_weight)


class EnsembleRegressor(Ensemble):
    """Regressor that averages the predictions of several networks.

    The members are copies of one network, or of a pipeline that ends in one, with different
    seeds ("deep ensemble" [1]_). On small data, their mean is more accurate than one of them, and
    their spread shows where the prediction is uncertain. Training takes `n_estimators` times as
    long.

    For an estimator of steps, such as `StepRNNRegressor`, all outputs are per step. As for that
    estimator, the tags of the ensemble are then not those of a regressor.

    Parameters
    ----------
    estimator : estimator, default=None
        `SequenceRNNRegressor`, `StepRNNRegressor`, `XORMLPRegressor`, or a pipeline that ends in
        one of them. None means ``SequenceRNNRegressor()``.

    n_estimators : int, default=5
        Number of members.

    n_jobs : int, default=None
        Number of members that are trained at the same time, in processes of joblib. None means 1
        unless in a ``joblib.parallel_config`` context, -1 means all processors. It does not change
        the result.

    random_state : int, RandomState instance or None, default=None
        Determines every `random_state` in each member; those in `estimator` have no effect. A
        smaller ensemble of the same integer has the first members of a larger one.

    Attributes
    ----------
    estimators_ : list of estimators
        The fitted members.

    n_features_in_ : int
        That of the members.

    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        That of the members, if `X` had names.

    See Also
    --------
    EnsembleClassifier : The mean of the probabilities of classifiers.
    sklearn.ensemble.VotingRegressor : The mean of different regressors.

    Notes
    -----
    A `warm_start` of the estimator has no effect, since each `fit` trains new copies. Callbacks
    that are set on the estimator are called for each member. For transformed targets, use the
    ensemble as the regressor of `sklearn.compose.TransformedTargetRegressor` or
    `TransformedStepTargetRegressor`.

    References
    ----------
    .. [1] B. Lakshminarayanan, A. Pritzel and C. Blundell, "Simple and scalable predictive
       uncertainty estimation using deep ensembles", NeurIPS (2017).

    Examples
    --------
    The members agree on values like those in training, and less on others:

    >>> import numpy as np
    >>> from skrnn import EnsembleRegressor, SequenceRNNRegressor
    >>> rng = np.random.RandomState(0)
    >>> X = [rng.uniform(size=n) for n in rng.randint(1, 9, 100)]
    >>> y = [x.max() for x in X]
    >>> exact = {"alpha": 0.0001, "dropout": 0, "learning_rate_init": 0.01, "max_iter": 100}
    >>> net = SequenceRNNRegressor(8, **exact)
    >>> reg = EnsembleRegressor(net, n_estimators=3, random_state=0).fit(X, y)
    >>> prediction, std = reg.predict([[0.2, 0.9, 0.3], [0.2, 5.0, -4.0]], return_std=True)
    >>> prediction[:1].round(1)
    array([0.9])
    >>> bool(std[1] > 5 * std[0])
    True
    """

    _kind, _plural, _default = NumberPredictions, "numbers", SequenceRNNRegressor

    def __init__(
        self,
        estimator: Any = None,
        n_estimators: int = 5,
        *,
        n_jobs: int | None = None,
        random_state: RandomState = None,
    ) -> None:
        self._store(locals())

    @_members_have("partial_fit")
    @fit_context(prefer_skip_nested_validation=False)
    def partial_fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Continue training of each member for one pass over the given samples.

        Available if the estimator has this method. Pipelines do not have it.

        Parameters
        ----------
        X : array-like
            Samples in any form that the estimator accepts.

        y : array-like
            Targets as in `fit`.

        sample_weight : array-like, default=None
            Weights as in ``partial_fit`` of the estimator.

        Returns
        -------
        self : object
            The ensemble, trained a little further.

        Raises
        ------
        ValueError, TypeError
            If a parameter is invalid, or a member raises an error. The ensemble is left unchanged.
        """
        return self._train_further(X, y, sample_weight)

    @overload
    def predict(self, X: Any, return_std: Literal[False] = False) -> np.ndarray: ...
    @overload
    def predict(self, X: Any, return_std: Literal[True]) -> tuple[np.ndarray, np.ndarray]: ...
    def predict(
        self, X: Any, return_std: bool = False
    ) -> np.ndarray | tuple[np.ndarray, np.ndarray]:
        """Predict numbers or vectors, the mean of those of the members.

        Parameters
        ----------
        X : array-like
            Samples in any form that `fit` accepts.

        return_std : bool, default=False
            Whether to also return the standard deviation.

        Returns
        -------
        y : ndarray
            Predictions in the form of the targets of `fit`, with a further axis for several
            quantiles; those of steps are an object array of one array for each sequence.

        y_std : ndarray
            The standard deviation over the members in the same form, if `return_std` is True. For
            ``loss=Gaussian()``, the standard deviation of the targets: its square is the mean of
            the variances that the members predict, plus the variance of their means.
        """
        check_is_fitted(self)
        within: np.ndarray | int
        if not return_std:
            return self._mean(self._outputs("predict", X))
        if self._target.out_activation == "mean_std":
            answers = [member.predict(X, return_std=True) for member in self.estimators_]
            means = [mean for mean, _ in answers]
            within = self._mean(std**2 for _, std in answers)
        else:
            means, within = list(self._outputs("predict", X)), 0
        prediction = self._mean(means)
        between = self._mean((mean - prediction) ** 2 for mean in means)
        return prediction, (within + between) ** 0.5

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """Compute the coefficient of determination, for ``loss=Quantile(...)`` D².

        For estimators of steps, it is computed over all steps of all sequences.

        Parameters
        ----------
        X : array-like
            Samples in any form that `fit` accepts.

        y : array-like
            Targets as in `fit`.

        sample_weight : array-like, default=None
            Weights as in ``score`` of the estimator.

        Returns
        -------
        score : float
            R², 1 at best. For quantiles, the mean over the quantiles of
            `sklearn.metrics.d2_pinball_score`, 1 at best.
        """
        predictions = self.predict(X)
        check_beside(X, y, sample_weight, self._target.per_step)
        return score_numbers(y, predictions, self._target, sample_weight)


def _log_mean_exp(*logarithms: np.ndarray) -> np.ndarray:
    return reduce(np.logaddexp, logarithms) - math.log(len(logarithms))
