"""The feed-forward estimators: classes or numbers for each row of a table.

Each class writes out its signature and documentation, as scikit-learn does.
"""

from __future__ import annotations

from dataclasses import replace
from numbers import Integral, Real
from typing import TYPE_CHECKING

import numpy as np
from scipy.sparse import issparse
from sklearn.base import ClassifierMixin, RegressorMixin
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.validation import validate_data

from skrnn._base import NeuralNetwork
from skrnn._compat.decorators import fit_context
from skrnn._estimator import unchanged_on_error
from skrnn._input import Sequences, refuse_masked, refuse_overflow, refuse_types
from skrnn._input.frames import refuse_lazy
from skrnn._numeric.initializers import INITIALIZERS, glorot_bound
from skrnn._numeric.losses import NUMBER_LOSSES
from skrnn._numeric.networks import MLP
from skrnn._predictions import ClassPredictions, NumberPredictions
from skrnn.losses import Gaussian, Huber, Quantile
from skrnn.solvers import LBFGS, SGD, Adam

if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any, Literal, Self

    from numpy.typing import ArrayLike
    from sklearn.utils import Tags

    from skrnn._numeric.training import Ragged, Rows
    from skrnn._training.options import TrainingOptions
    from skrnn._training.run import Run
    from skrnn._types import (
        Activation,
        ClassWeight,
        HiddenLayers,
        Initializer,
        LearningRate,
        NumberLossName,
        RandomState,
        Weights,
    )

# The most features of a truth table. With eight features of two values and 20 % noise, L-BFGS is
# up to five points less accurate than Adam; with six, up to two, and on XOR of three of them it
# is more accurate by up to 23.
_MAX_INPUTS = 6


class FeedForwardNetwork(NeuralNetwork):
    """What the feed-forward estimators share: tables as input, and restarts for truth tables."""

    _parameter_constraints: dict[str, Any] = {
        **NeuralNetwork._parameter_constraints,
        "solver": [StrOptions({"auto", "lbfgs", "sgd", "adam"})],
        "power_t": [Interval(Real, 0, None, closed="left")],
        "shuffle": ["boolean"],
        "momentum": [Interval(Real, 0, 1, closed="both")],
        "nesterovs_momentum": ["boolean"],
        "beta_1": [Interval(Real, 0, 1, closed="left")],
        "beta_2": [Interval(Real, 0, 1, closed="left")],
        "epsilon": [Interval(Real, 0, None, closed="neither")],
        "max_fun": [Interval(Integral, 1, None, closed="left")],
        "n_init": [StrOptions({"auto"}), Interval(Integral, 1, None, closed="left")],
        "init": [StrOptions({"auto", *INITIALIZERS}), tuple, list],
    }

    _network_type = MLP

    @fit_context(prefer_skip_nested_validation=True)
    def fit(
        self,
        X: Any,
        y: ArrayLike,
        sample_weight: ArrayLike | None = None,
        *,
        X_val: Any = None,
        y_val: ArrayLike | None = None,
        sample_weight_val: ArrayLike | None = None,
    ) -> Self:
        """Fit the weights to samples and their targets.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Samples. float32 stays float32 throughout; all other types become float64.

        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            Class labels, or a multilabel indicator matrix, for a classifier; numbers or vectors
            for a regressor.

        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the samples. A weight of 2 counts as the sample twice (in expectation, if
            there are several batches).

        X_val, y_val, sample_weight_val : array-like, default=None
            Validation data, used instead of a fraction of the training data. They give
            `validation_scores_`, and with `early_stopping` they decide when to stop.

        Returns
        -------
        self : object
            The fitted estimator.

        Raises
        ------
        ValueError, TypeError
            If a parameter or the data are invalid. The estimator is left unchanged.

        Warns
        -----
        ConvergenceWarning
            If `max_iter` was reached, or training diverged or was interrupted.
        """
        with unchanged_on_error(self):
            return self._fit(X, y, sample_weight, (X_val, y_val, sample_weight_val))

    def _read_X(self, X: Any, *, reset: bool) -> tuple[Any, None, None]:
        refuse_masked(X, "X")
        refuse_lazy(X, "X")
        refuse_types(X, "X")
        if isinstance(X, Sequences):
            raise ValueError(
                f"X holds {len(X)} sequences, but {type(self).__name__} takes a table. Use a "
                "recurrent estimator, or SequencePadder(flat=True)."
            )
        floats = (np.float64, np.float32)
        with refuse_overflow("X"):
            x = validate_data(self, X, accept_sparse="csr", dtype=floats, reset=reset)
        return x, None, None

    def _network(self, samples: Any, warm_start: bool = False) -> MLP:
        units = (self.n_features_in_, *self._hidden_units(), self.n_outputs_)
        return MLP(units, self.activation, float(self.dropout))

    def _choose_solver(self, samples: Rows | Ragged, incremental: bool) -> Adam | SGD | LBFGS:
        name = self.solver
        if name == "auto":
            needs_adam = incremental or self.dropout or self.early_stopping
            name = "lbfgs" if not needs_adam and _is_truth_table(samples.x) else "adam"
        if name == "adam":
            return Adam(beta_1=self.beta_1, beta_2=self.beta_2, epsilon=self.epsilon)
        if name == "sgd":
            return SGD(momentum=self.momentum, nesterovs_momentum=self.nesterovs_momentum)
        return LBFGS(max_fun=self.max_fun)

    def _auto_settings(
        self,
        samples: Rows | Ragged,
        solver: Adam | SGD | LBFGS,
        incremental: bool,
        validates: bool,
    ) -> dict[str, Any]:
        return {"batch_size": 200}

    def _options(
        self, samples: Rows | Ragged, incremental: bool, validates: bool = False
    ) -> TrainingOptions:
        options = super()._options(samples, incremental, validates)
        if isinstance(options.solver, Adam) and self.learning_rate != "cosine":
            return replace(options, learning_rate="constant")  # as in scikit-learn
        return options

    def _n_starts(self, options: TrainingOptions, samples: Rows | Ragged) -> int:
        if not isinstance(self.init, str):
            return 1
        if self.n_init != "auto":
            return int(self.n_init)
        return 50 if options.uses_lbfgs and _is_truth_table(samples.x) else 1

    def _init_weights(self, params: Any, rng: np.random.RandomState, attempt: int) -> None:
        if not isinstance(self.init, str):
            lengths = [len(part) if hasattr(part, "__len__") else None for part in self.init]
            if len(lengths) != 2 or lengths[0] is None or lengths[0] != lengths[1]:
                raise ValueError(
                    "init must be a pair (coefs, intercepts) of one array for each layer, got "
                    f"{self.init!r}."
                )
            params.fill(_as_mapping(*self.init))
            return
        for p in params.values():
            fan_in, fan_out = p["W"].shape
            if self.init != "auto":
                p["W"][...] = INITIALIZERS[self.init](rng, (fan_in, fan_out))
                continue
            bound = glorot_bound(fan_in, fan_out)
            if self.activation == "logistic":
                bound /= np.sqrt(3)
            bound *= min(1 + attempt, 4)
            p["W"][...] = rng.uniform(-bound, bound, (fan_in, fan_out))
            p["b"][...] = rng.uniform(-bound, bound, fan_out)

    def _weights(self) -> Weights:
        return _as_mapping(self.coefs_, self.intercepts_)

    def _weight_attributes(self, params: Weights) -> dict[str, Any]:
        return {
            "coefs_": [p["W"] for p in params.values()],
            "intercepts_": [p["b"] for p in params.values()],
            "n_layers_": len(params) + 1,
        }

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags


class XORMLPClassifier(ClassPredictions, ClassifierMixin, FeedForwardNetwork):
    """Multi-layer perceptron that solves small logic problems reliably.

    Every parameter, attribute and method of `sklearn.neural_network.MLPClassifier` exists here
    under the same name, and the defaults train in the same way, with one exception. For truth
    tables, the default solver is L-BFGS, with restarts until every sample is classified
    correctly. On XOR, a single start often ends in a bad local minimum.

    A truth table has at most six features, and at most two values of each, in any number of
    samples. The rule does not depend on the number of samples. A fold of cross-validation
    therefore trains by the same algorithm as the whole table.

    Parameters
    ----------
    hidden_layer_sizes : int or array-like of int, default=(100,)
        Number of units of each hidden layer.

    activation : {'identity', 'logistic', 'tanh', 'relu'}, default='relu'
        Activation function of the hidden layers.

    solver : {'auto', 'lbfgs', 'sgd', 'adam'}, default='auto'
        The optimization algorithm. 'auto' is 'lbfgs' for truth tables. For other data, with
        dropout or early stopping, and in `partial_fit`, it is 'adam'. For a few hundred samples
        of little noise, 'lbfgs' is often more accurate.

    alpha : float, default=0.0001
        Strength of the L2 penalty ``alpha / 2 * sum(W ** 2)``, which is divided by the number
        of samples (the sum of their weights) when added to the mean loss.

    batch_size : int or 'auto', default='auto'
        Number of samples in a batch of 'sgd' and 'adam'; 'auto' is ``min(200, n_samples)``.

    learning_rate : {'constant', 'invscaling', 'adaptive', 'cosine'}, default='constant'
        Schedule of the learning rate. 'invscaling' divides the initial rate by
        ``n_samples_seen ** power_t``; 'adaptive' divides it by 5 whenever the loss (or
        validation score) stalls for `n_iter_no_change` epochs; both are for 'sgd' only, as in
        scikit-learn. 'cosine' decreases the rate to 0 at `max_iter`, also with 'adam'.

    learning_rate_init : float, default=0.001
        Initial learning rate of 'sgd' and 'adam'.

    power_t : float, default=0.5
        Exponent of 'invscaling'.

    max_iter : int, default=200
        Maximum number of epochs (passes over the samples) of 'sgd' and 'adam', or of iterations
        of 'lbfgs'.

    shuffle : bool, default=True
        Whether to draw a new order of the samples for each epoch.

    random_state : int, RandomState instance or None, default=None
        Determines initial weights, order of samples, validation split and dropout.

    tol : float, default=1e-4
        Training ends when the loss (or validation score) has not improved by `tol` for
        `n_iter_no_change` epochs; with 'lbfgs', when no entry of the gradient exceeds `tol`.

    verbose : bool, default=False
        Whether to print the loss of each epoch.

    warm_start : bool, default=False
        Whether `fit` continues from the weights of the previous call.

    momentum : float, default=0.9
        Momentum of 'sgd', in [0, 1].

    nesterovs_momentum : bool, default=True
        Whether 'sgd' uses Nesterov's momentum.

    early_stopping : bool, default=False
        Whether to stop training when neither the loss nor the score on validation data improves,
        and to keep the weights of the lowest validation loss. The validation data are those passed
        to `fit`, or else `validation_fraction` of the samples, stratified by class where each class
        has enough of them. Not supported by 'lbfgs'.

    validation_fraction : float, default=0.1
        Fraction of the samples to hold out for `early_stopping`, at least 2.

    beta_1, beta_2 : float, default=0.9, 0.999
        Decay rates of the two moments of 'adam', in [0, 1).

    epsilon : float, default=1e-8
        Numerical stabiliser of 'adam'.

    n_iter_no_change : int, default=10
        Number of epochs without improvement that end training.

    max_fun : int, default=15000
        Maximum number of evaluations of the loss by 'lbfgs'.

    loss : {'log_loss', 'squared_error'}, default='log_loss'
        Cross-entropy, or half the squared error of the probabilities.

    out_activation : {'auto', 'softmax'}, default='auto'
        With 'auto', two classes have one logistic output, as in `MLPClassifier`. With 'softmax',
        they have an output each.

    class_weight : dict, 'balanced' or None, default=None
        Weight of each class, by which sample weights are multiplied, also those of validation
        data. 'balanced' uses the frequencies of the classes in the training data. For multilabel
        targets it is the product of the weights of the labels, divided by the mean over samples.

    n_init : int or 'auto', default='auto'
        Number of starts from different initial weights, of which the one of lowest loss is kept.
        The first start that classifies every training sample correctly ends the search. If
        equal rows of a truth table have different classes, the most frequent one counts as
        correct. 'auto' is 50 for 'lbfgs' and truth tables, and 1 otherwise.

    init : str or pair of lists of arrays, default='auto'
        How initial weights are drawn: 'glorot_uniform', 'he_uniform', 'orthogonal', 'uniform'
        (in [-0.1, 0.1)), 'svd' (uniform, of spectral norm 1) or 'zeros', with biases of 0.
        'auto' is 'glorot_uniform' for weights and biases, as in scikit-learn, and further
        starts draw from wider intervals. A pair ``(coefs, intercepts)`` sets the weights.

    dropout : float, default=0.0
        Fraction of hidden units set to zero at random in each training step of 'sgd' and 'adam'.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        Class labels; column numbers for multilabel problems.

    coefs_ : list of ndarray of shape (n_in, n_out)
        Weights of each layer. `predict` uses them, so they may be modified.

    intercepts_ : list of ndarray of shape (n_out,)
        Biases of each layer.

    loss_ : float
        Loss of the last epoch: the mean over its batches, each computed before the step on it.

    best_loss_ : float or None
        Lowest loss of an epoch; None with early stopping.

    loss_curve_ : list of float
        Loss of each epoch.

    validation_scores_ : list of float or None
        Accuracy on the validation data after each epoch, if there are any.

    best_validation_score_ : float or None
        The highest of `validation_scores_`. The weights that early stopping keeps are those of the
        lowest validation loss. Their score may be lower, and is
        ``validation_scores_[np.argmin(validation_loss_curve_)]``.

    validation_loss_curve_ : list of float or None
        Loss on the validation data after each epoch, if there are any.

    n_features_in_ : int
        Number of features seen in fit.

    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the features, if X had names that are all strings.

    n_iter_ : int
        Number of epochs or iterations.

    n_layers_ : int
        Number of layers, input and output included.

    n_outputs_ : int
        Number of outputs.

    out_activation_ : str
        'softmax' or 'logistic'.

    t_ : int
        Number of training samples seen, counted once for each epoch.

    See Also
    --------
    XORMLPRegressor : Regressor of the rows of a table.
    SequenceRNNClassifier : Classifier of sequences.

    References
    ----------
    .. [1] D. E. Rumelhart, G. E. Hinton and R. J. Williams, "Learning representations by
       back-propagating errors", Nature 323, 533-536 (1986).
    .. [2] X. Glorot and Y. Bengio, "Understanding the difficulty of training deep feedforward
       neural networks", AISTATS (2010).

    Examples
    --------
    >>> from skrnn import XORMLPClassifier
    >>> X, y = [[0, 0], [0, 1], [1, 0], [1, 1]], [0, 1, 1, 0]
    >>> clf = XORMLPClassifier(hidden_layer_sizes=(2,), activation="tanh", random_state=0)
    >>> clf.fit(X, y).predict(X)
    array([0, 1, 1, 0])
    """

    _parameter_constraints: dict[str, Any] = {
        **FeedForwardNetwork._parameter_constraints,
        "loss": [StrOptions({"log_loss", "squared_error"})],
        "out_activation": [StrOptions({"auto", "softmax"})],
        "class_weight": [dict, StrOptions({"balanced"}), None],
    }

    def __init__(
        self,
        hidden_layer_sizes: HiddenLayers = (100,),
        activation: Activation = "relu",
        *,
        solver: Literal["auto", "lbfgs", "sgd", "adam"] = "auto",
        alpha: float = 0.0001,
        batch_size: int | Literal["auto"] = "auto",
        learning_rate: LearningRate = "constant",
        learning_rate_init: float = 0.001,
        power_t: float = 0.5,
        max_iter: int = 200,
        shuffle: bool = True,
        random_state: RandomState = None,
        tol: float = 1e-4,
        verbose: bool = False,
        warm_start: bool = False,
        momentum: float = 0.9,
        nesterovs_momentum: bool = True,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-8,
        n_iter_no_change: int = 10,
        max_fun: int = 15000,
        loss: Literal["log_loss", "squared_error"] = "log_loss",
        out_activation: Literal["auto", "softmax"] = "auto",
        class_weight: ClassWeight = None,
        n_init: int | Literal["auto"] = "auto",
        init: Initializer | tuple[Any, Any] | list[Any] = "auto",
        dropout: float = 0.0,
    ) -> None:
        self._store(locals())

    def _best_score(self, samples: Rows | Ragged) -> float:
        """Compute the accuracy of the most frequent class of equal rows of a truth table."""
        if not _is_truth_table(samples.x):
            return 1.0
        row, y = _row_numbers(samples.x), samples.y
        votes = np.eye(self.n_outputs_)[y] if y.ndim == 1 else y - 0.5
        of_rows = np.zeros((row.max() + 1, self.n_outputs_))
        np.add.at(of_rows, row, samples.weight[:, None] * votes)
        outcomes = self._target.outcomes(of_rows[row], samples.y)
        return float(self._target.score(outcomes, samples))

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        return tags


class XORMLPRegressor(NumberPredictions, RegressorMixin, FeedForwardNetwork):
    """Multi-layer perceptron that learns small functions of logic variables reliably.

    Every parameter, attribute and method of `sklearn.neural_network.MLPRegressor` exists here
    under the same name, and the defaults train in the same way, with one exception. For truth
    tables, the default solver is L-BFGS, with restarts until the predictions explain what the
    rows can explain.

    A truth table has at most six features, and at most two values of each, in any number of
    samples, as for `XORMLPClassifier`. Its targets are any numbers.

    Targets are not standardized. If they are far from unit scale, use
    `sklearn.compose.TransformedTargetRegressor`.

    Parameters
    ----------
    loss : str, `Huber`, `Quantile` or `Gaussian`, default='squared_error'
        'squared_error' is half the squared error, and 'absolute_error' the absolute error.
        'poisson' and 'gamma' are half the deviance, with predictions that are the exponential of
        the output, for targets of at least 0, or above 0. The objects have parameters, which a grid
        search sets by names such as ``loss__delta``, or predict more than one number. The loss of a
        sample is the sum over its outputs.

    hidden_layer_sizes : int or array-like of int, default=(100,)
        Number of units of each hidden layer.

    activation : {'identity', 'logistic', 'tanh', 'relu'}, default='relu'
        Activation function of the hidden layers.

    solver : {'auto', 'lbfgs', 'sgd', 'adam'}, default='auto'
        The optimization algorithm. 'auto' is 'lbfgs' for truth tables. For other data, with
        dropout or early stopping, and in `partial_fit`, it is 'adam'. For a few hundred samples
        of little noise, 'lbfgs' is often more accurate.

    alpha : float, default=0.0001
        Strength of the L2 penalty ``alpha / 2 * sum(W ** 2)``, which is divided by the number
        of samples (the sum of their weights) when added to the mean loss.

    batch_size : int or 'auto', default='auto'
        Number of samples in a batch of 'sgd' and 'adam'; 'auto' is ``min(200, n_samples)``.

    learning_rate : {'constant', 'invscaling', 'adaptive', 'cosine'}, default='constant'
        Schedule of the learning rate. 'invscaling' divides the initial rate by
        ``n_samples_seen ** power_t``; 'adaptive' divides it by 5 whenever the loss (or
        validation score) stalls for `n_iter_no_change` epochs; both are for 'sgd' only, as in
        scikit-learn. 'cosine' decreases the rate to 0 at `max_iter`, also with 'adam'.

    learning_rate_init : float, default=0.001
        Initial learning rate of 'sgd' and 'adam'.

    power_t : float, default=0.5
        Exponent of 'invscaling'.

    max_iter : int, default=200
        Maximum number of epochs (passes over the samples) of 'sgd' and 'adam', or of iterations
        of 'lbfgs'.

    shuffle : bool, default=True
        Whether to draw a new order of the samples for each epoch.

    random_state : int, RandomState instance or None, default=None
        Determines initial weights, order of samples, validation split and dropout.

    tol : float, default=1e-4
        Training ends when the loss (or validation score) has not improved by `tol` for
        `n_iter_no_change` epochs; with 'lbfgs', when no entry of the gradient exceeds `tol`.

    verbose : bool, default=False
        Whether to print the loss of each epoch.

    warm_start : bool, default=False
        Whether `fit` continues from the weights of the previous call.

    momentum : float, default=0.9
        Momentum of 'sgd', in [0, 1].

    nesterovs_momentum : bool, default=True
        Whether 'sgd' uses Nesterov's momentum.

    early_stopping : bool, default=False
        Whether to stop training when neither the loss nor the score on validation data improves,
        and to keep the weights of the lowest validation loss. The validation data are those passed
        to `fit`, or else `validation_fraction` of the samples. Not supported by 'lbfgs'.

    validation_fraction : float, default=0.1
        Fraction of the samples to hold out for `early_stopping`, at least 2.

    beta_1, beta_2 : float, default=0.9, 0.999
        Decay rates of the two moments of 'adam', in [0, 1).

    epsilon : float, default=1e-8
        Numerical stabiliser of 'adam'.

    n_iter_no_change : int, default=10
        Number of epochs without improvement that end training.

    max_fun : int, default=15000
        Maximum number of evaluations of the loss by 'lbfgs'.

    n_init : int or 'auto', default='auto'
        Number of starts from different initial weights, of which the one of lowest loss is kept.
        For truth tables, the first start that explains 99 % of what can be explained ends the
        search: its loss is compared with that of the best constant prediction, and with that of
        the best prediction for each row. 'auto' is 50 for 'lbfgs' and truth tables, and 1
        otherwise.

    init : str or pair of lists of arrays, default='auto'
        How initial weights are drawn: 'glorot_uniform', 'he_uniform', 'orthogonal', 'uniform'
        (in [-0.1, 0.1)), 'svd' (uniform, of spectral norm 1) or 'zeros', with biases of 0.
        'auto' is 'glorot_uniform' for weights and biases, as in scikit-learn, and further
        starts draw from wider intervals. A pair ``(coefs, intercepts)`` sets the weights.

    dropout : float, default=0.0
        Fraction of hidden units set to zero at random in each training step of 'sgd' and 'adam'.

    Attributes
    ----------
    coefs_ : list of ndarray of shape (n_in, n_out)
        Weights of each layer. `predict` uses them, so they may be modified.

    intercepts_ : list of ndarray of shape (n_out,)
        Biases of each layer.

    loss_ : float
        Loss of the last epoch: the mean over its batches, each computed before the step on it.

    best_loss_ : float or None
        Lowest loss of an epoch; None with early stopping.

    loss_curve_ : list of float
        Loss of each epoch.

    validation_scores_ : list of float or None
        Score on the validation data after each epoch, if there are any.

    best_validation_score_ : float or None
        The highest of `validation_scores_`. The weights that early stopping keeps are those of the
        lowest validation loss. Their score may be lower, and is
        ``validation_scores_[np.argmin(validation_loss_curve_)]``.

    validation_loss_curve_ : list of float or None
        Loss on the validation data after each epoch, if there are any.

    n_features_in_ : int
        Number of features seen in fit.

    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the features, if X had names that are all strings.

    n_iter_ : int
        Number of epochs or iterations.

    n_layers_ : int
        Number of layers, input and output included.

    n_outputs_ : int
        Number of outputs. `Quantile` has one for each quantile, and `Gaussian` two for each target.

    out_activation_ : str
        The function that turns outputs into predictions: 'identity', 'exp', 'ordered' for
        `Quantile`, or 'mean_std' for `Gaussian`.

    quantiles_ : float, tuple of float or None
        The quantiles that are predicted, for ``loss=Quantile(...)``.

    t_ : int
        Number of training samples seen, counted once for each epoch.

    See Also
    --------
    XORMLPClassifier : Classifier of the rows of a table.
    SequenceRNNRegressor : Regressor of sequences.

    Notes
    -----
    With several outputs, 'squared_error' is the sum over them. Its gradient is the one that
    `MLPRegressor` uses, which reports the mean over the outputs instead. Training ends later
    therefore, if it ends by `tol`.

    References
    ----------
    .. [1] D. E. Rumelhart, G. E. Hinton and R. J. Williams, "Learning representations by
       back-propagating errors", Nature 323, 533-536 (1986).
    .. [2] X. Glorot and Y. Bengio, "Understanding the difficulty of training deep feedforward
       neural networks", AISTATS (2010).

    Examples
    --------
    >>> from skrnn import XORMLPRegressor
    >>> X, y = [[0, 0], [0, 1], [1, 0], [1, 1]], [0.0, 2.5, 2.5, 1.0]
    >>> reg = XORMLPRegressor(hidden_layer_sizes=(3,), activation="tanh", random_state=0)
    >>> reg.fit(X, y).predict(X).round(1)
    array([0. , 2.5, 2.5, 1. ])
    """

    _parameter_constraints: dict[str, Any] = {
        **FeedForwardNetwork._parameter_constraints,
        "loss": [StrOptions(set(NUMBER_LOSSES)), Huber, Quantile, Gaussian],
    }

    def __init__(
        self,
        loss: NumberLossName | Huber | Quantile | Gaussian = "squared_error",
        hidden_layer_sizes: HiddenLayers = (100,),
        activation: Activation = "relu",
        *,
        solver: Literal["auto", "lbfgs", "sgd", "adam"] = "auto",
        alpha: float = 0.0001,
        batch_size: int | Literal["auto"] = "auto",
        learning_rate: LearningRate = "constant",
        learning_rate_init: float = 0.001,
        power_t: float = 0.5,
        max_iter: int = 200,
        shuffle: bool = True,
        random_state: RandomState = None,
        tol: float = 1e-4,
        verbose: bool = False,
        warm_start: bool = False,
        momentum: float = 0.9,
        nesterovs_momentum: bool = True,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-8,
        n_iter_no_change: int = 10,
        max_fun: int = 15000,
        n_init: int | Literal["auto"] = "auto",
        init: Initializer | tuple[Any, Any] | list[Any] = "auto",
        dropout: float = 0.0,
    ) -> None:
        self._store(locals())

    def _choose_target_scale(self, samples: Rows | Ragged, warm_start: bool) -> None:
        """Return None: targets are not standardized, as in MLPRegressor."""

    def _all_right(self, run: Run) -> bool:
        """Whether a start explains 99 % of what the rows of a truth table can explain."""
        samples = run.samples
        if not _is_truth_table(samples.x):
            return False
        best_constant, y = self._best_constant(), samples.y
        weight = samples.weight / samples.weight.sum(dtype=np.float64)
        numbers = _row_numbers(samples.x)
        of_rows = np.empty((len(y), self.n_outputs_))
        for number in np.unique(numbers):
            rows = numbers == number
            of_rows[rows] = best_constant(y[rows], weight[rows] / weight[rows].sum())
        of_constant = np.broadcast_to(best_constant(y, weight), of_rows.shape)
        if np.allclose(of_rows, of_constant):
            return True  # the targets do not depend on the row
        lowest, highest = (self._loss()(raw, y, weight)[0] for raw in (of_rows, of_constant))
        with np.errstate(over="ignore", invalid="ignore"):
            loss = run.loss_of(samples)
        return bool(loss - lowest <= 0.01 * (highest - lowest))

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags


def _is_truth_table(x: Any) -> bool:
    """Whether there are few features, of at most two values each; so it is for any of the rows."""
    if x.shape[1] > _MAX_INPUTS:
        return False
    x = _dense(x)
    return bool(((x == x.min(axis=0)) | (x == x.max(axis=0))).all())


def _row_numbers(x: Any) -> np.ndarray:
    """Give each row of a truth table a number, which equal rows share."""
    x = _dense(x)
    numbers: np.ndarray = (x == x.max(axis=0)) @ 2 ** np.arange(x.shape[1])
    return numbers


def _dense(x: Any) -> np.ndarray:
    return np.asarray(x.toarray() if issparse(x) else x)


def _as_mapping(coefs: Iterable[np.ndarray], intercepts: Iterable[np.ndarray]) -> Weights:
    """Name weights as `MLP` names its layers."""
    return {
        f"dense_{i}": {"W": W, "b": b}
        for i, (W, b) in enumerate(zip(coefs, intercepts, strict=True))
    }
