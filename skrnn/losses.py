"""Losses as objects with parameters.

``loss="squared_error"``, ``"absolute_error"``, ``"poisson"``, ``"gamma"`` and ``"crf"`` are names.
These objects have parameters, which a grid search sets by names such as ``loss__delta``, or
predict more than one number for a target.
"""

from __future__ import annotations

from functools import partial
from numbers import Real
from typing import TYPE_CHECKING

import numpy as np
from sklearn.utils._param_validation import Interval, StrOptions

from skrnn._estimator import Persistent
from skrnn._numeric import losses
from skrnn._numeric.losses import NumberLoss

if TYPE_CHECKING:
    from typing import Any, Literal

    from numpy.typing import ArrayLike


class Huber(Persistent):
    """Huber loss: the squared error of small errors, and the absolute error of large ones [1]_.

    With the error ``e``, it is ``e ** 2 / 2`` if ``abs(e) <= delta``, else
    ``delta * (abs(e) - delta / 2)``, summed over the outputs. A target far from the others
    contributes at most `delta` to the gradient. For a large `delta`, the prediction estimates the
    mean of the targets, and for a small one, their median.

    Parameters
    ----------
    delta : float, default=1.0
        The loss is linear for larger errors than this, in the unit of the targets in training.
        With ``normalize_y=True``, these are standardized, so `delta` is a multiple of their
        standard deviation.

    References
    ----------
    .. [1] P. J. Huber, "Robust estimation of a location parameter", Annals of Mathematical
       Statistics 35, 73-101 (1964).

    Examples
    --------
    The target is the last value of the sequence, but a tenth of the targets are too large by 10.
    These are the R² for other sequences, rounded:

    >>> import numpy as np
    >>> from skrnn import Huber, SequenceRNNRegressor
    >>> rng = np.random.RandomState(0)
    >>> X, X_test = rng.uniform(size=(2, 200, 3))
    >>> y = X[:, -1] + 10 * (rng.uniform(size=200) < 0.1)
    >>> params = {"learning_rate_init": 0.01, "dropout": 0, "random_state": 0}
    >>> for loss in ["squared_error", Huber(delta=0.1)]:
    ...     reg = SequenceRNNRegressor(8, loss=loss, **params).fit(X, y)
    ...     print(round(reg.score(X_test, X_test[:, -1])))
    -13
    1
    """

    _parameter_constraints: dict[str, Any] = {"delta": [Interval(Real, 0, None, closed="neither")]}

    def __init__(self, delta: float = 1.0) -> None:
        self._store(locals())

    def _loss(self) -> NumberLoss:
        function = partial(losses.huber, delta=float(self.delta))
        return NumberLoss(function, partial(losses.best_by_bisection, function=function))


class Quantile(Persistent):
    """Pinball loss, whose minimum is a quantile of the targets given the sequence [1]_.

    For a prediction ``q`` of the quantile ``tau`` and the error ``u = y - q``, it is ``tau * u`` if
    ``u >= 0``, else ``(tau - 1) * u``, summed over the quantiles and the outputs. The network has
    an output for each quantile. The first is the lowest quantile, and the softplus
    ``log(1 + exp(s))`` of each of the others is its distance from the one below, so that quantiles
    never cross [2]_.

    Parameters
    ----------
    quantiles : float or array-like of float, default=(0.1, 0.5, 0.9)
        The quantiles, in (0, 1) and increasing. `predict` returns them along a last axis: an array
        ``(n_sequences, n_quantiles)``, for vectors ``(n_sequences, n_outputs, n_quantiles)``. For a
        single number, predictions have the shape of the targets, as in ``numpy.quantile``.

    Notes
    -----
    ``score`` is the mean over the quantiles of `sklearn.metrics.d2_pinball_score`: 1 at best, and 0
    for the constant quantiles of `y`.

    `sklearn.compose.TransformedTargetRegressor` transforms each quantile of a single target back
    like the target. Its transformer must be increasing, such as a logarithm. It is not needed to
    change the scale of the targets, since recurrent regressors standardize them.

    References
    ----------
    .. [1] R. Koenker and G. Bassett, "Regression quantiles", Econometrica 46, 33-50 (1978).
    .. [2] Y. Park, D. Maddix, F.-X. Aubet, K. Kan, J. Gasthaus and Y. Wang, "Learning quantile
       functions without quantile crossing for distribution-free time series forecasting",
       AISTATS (2022).

    Examples
    --------
    The spread of the targets grows with the last value of the sequence:

    >>> import numpy as np
    >>> from skrnn import Quantile, SequenceRNNRegressor
    >>> rng = np.random.RandomState(0)
    >>> X = rng.uniform(size=(500, 3))
    >>> y = X[:, -1] * rng.normal(size=500)
    >>> params = {"learning_rate_init": 0.01, "dropout": 0, "random_state": 0}
    >>> reg = SequenceRNNRegressor(8, loss=Quantile((0.1, 0.9)), **params).fit(X, y)
    >>> reg.predict([[0, 0, 0.2], [0, 0, 0.9]]).round(1)
    array([[-0.2,  0.3],
           [-0.9,  0.9]])
    """

    _parameter_constraints: dict[str, Any] = {
        "quantiles": ["array-like", Interval(Real, 0, 1, closed="neither")]
    }

    def __init__(self, quantiles: ArrayLike = (0.1, 0.5, 0.9)) -> None:
        self._store(locals())

    def _levels(self) -> float | tuple[float, ...]:
        """Get the quantiles as a float, or a tuple of floats."""
        try:
            levels = np.asarray(self.quantiles, dtype=np.float64)
        except (TypeError, ValueError) as error:
            raise ValueError(
                f"quantiles must be numbers in (0, 1), got {self.quantiles!r}."
            ) from error
        inside = ((levels > 0) & (levels < 1)).all()
        if levels.ndim > 1 or not levels.size or not inside or (np.diff(levels.ravel()) <= 0).any():
            raise ValueError(
                "quantiles must be one number in (0, 1), or a sequence of increasing numbers in "
                f"(0, 1), got {self.quantiles!r}."
            )
        return tuple(levels.tolist()) if levels.ndim else levels.item()

    def _loss(self) -> NumberLoss:
        quantiles = tuple(np.atleast_1d(self._levels()).tolist())
        return NumberLoss(
            partial(losses.quantile, quantiles=quantiles),
            partial(losses.best_of_quantile, quantiles=quantiles),
            out_activation="ordered",
            n_columns=len(quantiles),
        )


class Gaussian(Persistent):
    """Negative log-likelihood of a normal distribution, with a mean and a spread [1]_.

    With the predicted mean and standard deviation, it is
    ``log(std) + ((y - mean) / std) ** 2 / 2 + log(2 * pi) / 2``, summed over the outputs. The
    network has two outputs for each target: the mean, and ``s`` of ``std = 0.001 + log(1 +
    exp(s))``, both for standardized targets. Without the lower bound, the likelihood of a few
    samples would be unbounded.

    ``predict(X)`` returns the mean, ``predict(X, return_std=True)`` also the standard deviation, as
    in `sklearn.gaussian_process.GaussianProcessRegressor`. ``score`` is R² of the mean.

    Notes
    -----
    `sklearn.compose.TransformedTargetRegressor` transforms the mean back, and does not support
    `return_std`.

    References
    ----------
    .. [1] D. A. Nix and A. S. Weigend, "Estimating the mean and variance of the target probability
       distribution", IEEE International Conference on Neural Networks (1994).

    Examples
    --------
    The spread of the targets grows with the last value of the sequence:

    >>> import numpy as np
    >>> from skrnn import Gaussian, SequenceRNNRegressor
    >>> rng = np.random.RandomState(0)
    >>> X = rng.uniform(size=(500, 3))
    >>> y = X[:, 0] + X[:, -1] * rng.normal(size=500)
    >>> params = {"learning_rate_init": 0.01, "dropout": 0, "random_state": 0}
    >>> reg = SequenceRNNRegressor(8, loss=Gaussian(), **params).fit(X, y)
    >>> mean, std = reg.predict([[0, 0, 0.2], [1, 0, 0.9]], return_std=True)
    >>> mean.round(1), std.round(1)
    (array([0. , 0.8]), array([0.2, 0.7]))
    """

    _parameter_constraints: dict[str, Any] = {}

    def _loss(self) -> NumberLoss:
        return NumberLoss(
            losses.gaussian, losses.best_of_gaussian, out_activation="mean_std", n_columns=2
        )


class CRF(Persistent):
    """Linear-chain conditional random field: the labels of a sequence are a path [1]_.

    A loss of `StepRNNClassifier`. The score of a path is the sum of the outputs of the network for
    its labels (the emissions), of a weight for each pair of consecutive labels, and of weights for
    the first label and the last. The probability of a path is proportional to the exponential of
    its score, and the loss is the negative log-likelihood of the true path, divided by the number
    of steps. ``loss="crf"`` means ``CRF()``.

    ``predict`` returns the most probable path (Viterbi algorithm), ``predict_proba`` the
    probabilities of the labels at each step given the whole sequence (marginals),
    ``predict_paths`` several paths with their probabilities, and ``decision_function`` the
    emissions.

    Parameters
    ----------
    constraints : {'seen', 'BIO', 'BIOES', 'BILOU'}, array-like, dict or None, default=None
        Transitions that are allowed; the others have probability 0. 'seen' allows those that occur
        in the training data. The schemes of tags are for labels such as 'B-PER', 'I-PER' and 'O':
        'BIO' allows 'I-PER' only after 'B-PER' or 'I-PER', 'BIOES' and 'BILOU' also require the end
        of each span. A boolean table ``(n_classes, n_classes)`` has the label before in the rows
        and the label after in the columns, in the order of ``classes_``. A dictionary may hold such
        a table as ``"W"``, and booleans ``(n_classes,)`` for the first label as ``"start"`` and for
        the last as ``"end"``. None allows all transitions.

    Notes
    -----
    The weights are ``weights_["transitions"]``: ``W`` (n_classes, n_classes), from the label of the
    row to that of the column, ``start`` and ``end``. Like the other weights they are penalized by
    `alpha`. Those of forbidden transitions are not used.

    The weight of a sequence is the mean of the weights of its steps, leaving out those that are 0.
    A step of weight 0 is unlabelled: the likelihood is the sum over all labels that it may have.
    Class weights are not supported, since the likelihood is that of a path.

    References
    ----------
    .. [1] J. Lafferty, A. McCallum and F. Pereira, "Conditional random fields: probabilistic models
       for segmenting and labeling sequence data", ICML (2001).

    Examples
    --------
    >>> from skrnn import CRF, StepRNNClassifier
    >>> X = [[0, 1, 2, 0], [1, 0, 0], [1, 2, 2]] * 5
    >>> y = [["O", "B", "I", "O"], ["B", "O", "O"], ["B", "I", "I"]] * 5
    >>> clf = StepRNNClassifier(8, loss=CRF(constraints="BIO"), random_state=0).fit(X, y)
    >>> clf.predict([[0, 1, 2]])[0]
    array(['O', 'B', 'I'], dtype='<U1')

    A sequence cannot begin with 'I', nor can 'I' follow 'O':

    >>> clf.classes_
    array(['B', 'I', 'O'], dtype='<U1')
    >>> clf.predict_proba([[2, 0, 2]])[0][0, 1]
    np.float64(0.0)
    """

    _parameter_constraints: dict[str, Any] = {
        "constraints": [StrOptions({"seen", "BIO", "BIOES", "BILOU"}), dict, "array-like", None]
    }

    def __init__(
        self,
        constraints: Literal["seen", "BIO", "BIOES", "BILOU"]
        | ArrayLike
        | dict[str, ArrayLike]
        | None = None,
    ) -> None:
        self._store(locals())

    @property
    def _learns(self) -> bool:
        """Whether the allowed transitions are those of the training data."""
        return isinstance(self.constraints, str) and self.constraints == "seen"
