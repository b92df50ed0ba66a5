"""The feed-forward classifier."""

from __future__ import annotations

from numbers import Integral, Real

import numpy as np
from sklearn.base import _fit_context
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.validation import validate_data

from skrnn._epochs import Recipe
from skrnn._input import refuse_masked, refuse_overflow, refuse_times
from skrnn._numeric.initializers import INITIALIZERS, glorot_bound
from skrnn._numeric.networks import MLP
from skrnn._numeric.optimizers import LBFGS, SGD, Adam
from skrnn._outputs import SampleClassifier

# Up to here a problem counts as a truth table: L-BFGS, and restarts until every row is right.
_TRUTH_TABLE = 64


class XORMLPClassifier(SampleClassifier):
    """Multi-layer perceptron that is sure of small problems.

    Takes the place of `sklearn.neural_network.MLPClassifier`: every parameter, attribute and
    method of it is here under the same name. On more than 64 samples the defaults do just what
    they do there. On fewer, such as truth tables, the default solver is L-BFGS with restarts
    until every sample is classified right, since a single descent into XOR often ends in a bad
    minimum.

    Parameters
    ----------
    hidden_layer_sizes : int or array-like of int, default=(100,)
        Number of units of each hidden layer.

    activation : {'identity', 'logistic', 'tanh', 'relu'}, default='relu'
        Activation function of the hidden layers.

    solver : {'auto', 'lbfgs', 'sgd', 'adam'}, default='auto'
        How the weights are found. 'auto' is 'lbfgs' on up to 64 samples, 'adam' beyond, with
        dropout and in `partial_fit`.

    alpha : float, default=0.0001
        Strength of the L2 penalty ``alpha / 2 * sum(W ** 2)``, which is divided by the number
        of samples (the sum of their weights) when added to the mean loss.

    batch_size : int or 'auto', default='auto'
        Samples in a batch of 'sgd' and 'adam'; 'auto' is ``min(200, n_samples)``.

    learning_rate : {'constant', 'invscaling', 'adaptive', 'cosine'}, default='constant'
        Schedule of the learning rate. 'invscaling' divides the initial rate by
        ``n_samples_seen ** power_t``; 'adaptive' divides it by 5 whenever the loss (or
        validation score) stalls for `n_iter_no_change` epochs; both are for 'sgd' only, as in
        `MLPClassifier`. 'cosine' lets the rate fall to 0 at `max_iter`, with 'adam' too.

    learning_rate_init : float, default=0.001
        Initial learning rate of 'sgd' and 'adam'.

    power_t : float, default=0.5
        Exponent of 'invscaling'.

    max_iter : int, default=200
        Most epochs (passes over the samples) of 'sgd' and 'adam', or iterations of 'lbfgs'.

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
        Whether `fit` goes on from the weights of the previous call.

    momentum : float, default=0.9
        Momentum of 'sgd', in [0, 1].

    nesterovs_momentum : bool, default=True
        Whether 'sgd' uses Nesterov's momentum.

    early_stopping : bool, default=False
        Whether to hold out `validation_fraction` of the samples, stratified by class, end
        when the accuracy on them stalls, and keep the weights for which it was best. Not used
        by 'lbfgs'.

    validation_fraction : float, default=0.1
        Share of the samples to hold out for `early_stopping`.

    beta_1, beta_2 : float, default=0.9, 0.999
        Decay rates of the two moments of 'adam', in [0, 1).

    epsilon : float, default=1e-8
        Numerical stabiliser of 'adam'.

    n_iter_no_change : int, default=10
        Number of epochs without improvement that end training.

    max_fun : int, default=15000
        Most evaluations of the loss by 'lbfgs'.

    loss : {'log_loss', 'squared_error'}, default='log_loss'
        Cross-entropy, or half the squared error of the probabilities.

    out_activation : {'auto', 'softmax'}, default='auto'
        'auto' gives two classes one logistic output, as `MLPClassifier` does; 'softmax' gives
        them an output each.

    class_weight : dict, 'balanced' or None, default=None
        Weight of each class, by which sample weights are multiplied.

    n_init : int or 'auto', default='auto'
        Number of starts from different initial weights, of which the one of lowest loss is kept.
        The first that classifies every training sample right ends the search. 'auto' is 50
        for 'lbfgs' on up to 64 samples and 1 otherwise.

    init : str or pair of lists of arrays, default='auto'
        How weights are drawn: 'glorot_uniform', 'he_uniform', 'orthogonal', 'uniform'
        (within 0.1), 'svd' (uniform, of spectral norm 1) or 'zeros', with biases of 0. 'auto'
        is what `MLPClassifier` does, Glorot's uniform for weights and biases, and restarts
        draw from wider intervals. A pair ``(coefs, intercepts)`` gives the weights themselves.

    dropout : float, default=0.0
        Share of hidden units left out at random in each training step of 'sgd' and 'adam'.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        Class labels; column numbers for multilabel problems.

    coefs_ : list of ndarray of shape (n_in, n_out)
        Weights of each layer. They may be changed; `predict` reads them.

    intercepts_ : list of ndarray of shape (n_out,)
        Biases of each layer.

    loss_ : float
        Loss of the last epoch.

    best_loss_ : float or None
        Lowest loss of an epoch; None with early stopping.

    loss_curve_ : list of float
        Loss of each epoch.

    validation_scores_ : list of float or None
        Validation accuracy after each epoch, if there are validation data.

    best_validation_score_ : float or None
        The highest of them.

    validation_loss_curve_ : list of float or None
        Validation loss after each epoch.

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

    _parameter_constraints: dict = {
        **SampleClassifier._parameter_constraints,
        "solver": [StrOptions({"auto", "lbfgs", "sgd", "adam"})],
        "power_t": [Interval(Real, 0, None, closed="left")],
        "shuffle": ["boolean"],
        "momentum": [Interval(Real, 0, 1, closed="both")],
        "nesterovs_momentum": ["boolean"],
        "beta_1": [Interval(Real, 0, 1, closed="left")],
        "beta_2": [Interval(Real, 0, 1, closed="left")],
        "epsilon": [Interval(Real, 0, None, closed="neither")],
        "max_fun": [Interval(Integral, 1, None, closed="left")],
        "loss": [StrOptions({"log_loss", "squared_error"})],
        "out_activation": [StrOptions({"auto", "softmax"})],
        "class_weight": [dict, StrOptions({"balanced"}), None],
        "n_init": [StrOptions({"auto"}), Interval(Integral, 1, None, closed="left")],
        "init": [StrOptions({"auto", *INITIALIZERS}), tuple, list],
    }

    _network_type = MLP

    def __init__(
        self,
        hidden_layer_sizes=(100,),
        activation="relu",
        *,
        solver="auto",
        alpha=0.0001,
        batch_size="auto",
        learning_rate="constant",
        learning_rate_init=0.001,
        power_t=0.5,
        max_iter=200,
        shuffle=True,
        random_state=None,
        tol=1e-4,
        verbose=False,
        warm_start=False,
        momentum=0.9,
        nesterovs_momentum=True,
        early_stopping=False,
        validation_fraction=0.1,
        beta_1=0.9,
        beta_2=0.999,
        epsilon=1e-8,
        n_iter_no_change=10,
        max_fun=15000,
        loss="log_loss",
        out_activation="auto",
        class_weight=None,
        n_init="auto",
        init="auto",
        dropout=0.0,
    ):
        self.hidden_layer_sizes = hidden_layer_sizes
        self.activation = activation
        self.solver = solver
        self.alpha = alpha
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.learning_rate_init = learning_rate_init
        self.power_t = power_t
        self.max_iter = max_iter
        self.shuffle = shuffle
        self.random_state = random_state
        self.tol = tol
        self.verbose = verbose
        self.warm_start = warm_start
        self.momentum = momentum
        self.nesterovs_momentum = nesterovs_momentum
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.beta_1 = beta_1
        self.beta_2 = beta_2
        self.epsilon = epsilon
        self.n_iter_no_change = n_iter_no_change
        self.max_fun = max_fun
        self.loss = loss
        self.out_activation = out_activation
        self.class_weight = class_weight
        self.n_init = n_init
        self.init = init
        self.dropout = dropout

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y, sample_weight=None, *, X_val=None, y_val=None, sample_weight_val=None):
        """Fit the weights to samples and their classes.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Samples. float32 stays float32 throughout; everything else becomes float64.

        y : array-like of shape (n_samples,) or (n_samples, n_labels)
            Class labels, or a multilabel indicator matrix.

        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the samples; a weight of 2 counts as the sample twice.

        X_val, y_val, sample_weight_val : array-like, default=None
            Validation data, used instead of a share of the training data: for
            `validation_scores_` in any case, and with `early_stopping` to end training.

        Returns
        -------
        self : XORMLPClassifier
            The fitted classifier.

        Raises
        ------
        ValueError, TypeError
            If a parameter or the data are invalid. The estimator is left as it was.

        Warns
        -----
        ConvergenceWarning
            If `max_iter` was reached, or training diverged or was interrupted.
        """
        validation = (X_val, y_val, sample_weight_val)
        return self._fit(X, y, sample_weight, validation=validation)

    def _read_X(self, X, *, reset):
        refuse_masked(X, "X")
        refuse_times(X, "X")
        floats = (np.float64, np.float32)
        with refuse_overflow("X"):
            return validate_data(self, X, accept_sparse="csr", dtype=floats, reset=reset), None

    def _network(self):
        units = (self.n_features_in_, *self._hidden_units(), self.n_outputs_)
        return MLP(units, self.activation, float(self.dropout))

    def _recipe(self, n_samples, incremental):
        solver = self.solver
        if solver == "auto":
            small = n_samples <= _TRUTH_TABLE and not incremental and not self.dropout
            solver = "lbfgs" if small else "adam"
        optimizers: dict[str, Adam | SGD | LBFGS] = {
            "adam": Adam(self.beta_1, self.beta_2, self.epsilon),
            "sgd": SGD(self.momentum, self.nesterovs_momentum),
            "lbfgs": LBFGS(self.max_fun),
        }
        return Recipe(
            loss=self._loss(),
            optimizer=optimizers[solver],
            alpha=self.alpha,
            batch_size=200 if self.batch_size == "auto" else self.batch_size,
            max_iter=1 if incremental else self.max_iter,
            tol=self.tol,
            n_iter_no_change=self.n_iter_no_change,
            early_stopping=self.early_stopping and solver != "lbfgs",
            rate_init=self.learning_rate_init,
            schedule=self.learning_rate
            if solver == "sgd" or self.learning_rate == "cosine"
            # As in MLPClassifier, whose schedules adam does not look at.
            else "constant",
            power_t=self.power_t,
            shuffle=self.shuffle,
            verbose=self.verbose,
        )

    def _n_starts(self, recipe, n_samples):
        if not isinstance(self.init, str):
            return 1
        if self.n_init != "auto":
            return self.n_init
        return 50 if isinstance(recipe.optimizer, LBFGS) and n_samples <= _TRUTH_TABLE else 1

    def _draw(self, params, rng, attempt):
        if not isinstance(self.init, str):
            if len(self.init) != 2 or len(self.init[0]) != len(self.init[1]):
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

    def _weights(self):
        return _as_mapping(self.coefs_, self.intercepts_)

    def _weight_attributes(self, params):
        return {
            "coefs_": [p["W"] for p in params.values()],
            "intercepts_": [p["b"] for p in params.values()],
            "n_layers_": len(params) + 1,
        }

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags


def _as_mapping(coefs, intercepts):
    """Name weights as `MLP` names its layers."""
    return {
        f"dense_{i}": {"W": W, "b": b}
        for i, (W, b) in enumerate(zip(coefs, intercepts, strict=True))
    }
