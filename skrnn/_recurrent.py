"""What the four recurrent estimators share: constructor, network, initial weights, fit."""

from __future__ import annotations

from inspect import cleandoc
from numbers import Integral, Real

from sklearn.base import _fit_context
from sklearn.utils._param_validation import Interval, StrOptions

from skrnn._base import NeuralNetwork
from skrnn._epochs import Recipe
from skrnn._input import read_X, set_learned
from skrnn._numeric.initializers import INITIALIZERS
from skrnn._numeric.networks import RNN
from skrnn.solvers import LBFGS, SGD, SOLVERS, Adam

_PARAMETERS = """\
hidden_layer_sizes : int or array-like of int, default=(32,)
    Number of units of each recurrent layer, in each direction.

cell : {'rnn', 'gru', 'lstm'}, default='gru'
    Elman network [1]_, gated recurrent unit [2]_ or long short-term memory [3]_.

activation : {'tanh', 'relu', 'logistic', 'identity'}, default='tanh'
    Activation function of the 'rnn' cell; the other cells have their own.

bidirectional : bool, default=False
    Whether each layer also reads the sequences backwards.

pooling : {'last', 'mean', 'max', 'attention'}, default='last'
    How states become one vector: the state after the last step (of each direction in its
    own time), the mean or maximum over the steps, or a mean whose weights are learned
    (attention [5]_: the softmax of a linear function of the states). Estimators that answer
    each step do not pool.

dropout : float, default=0.0
    Share of the outputs of each recurrent layer left out at random in each training step.
    Not available with 'lbfgs'.

bptt_steps : int, default=None
    Truncate backpropagation through time: the gradient is cut between blocks of so many
    steps. With 1, the previous state is always taken as a constant. None means never.

step_features : int, default=None
    Number of features of a step where a sequence is given flat, as in a 2-D `X`. None
    means 1.

loss : {'auto', 'log_loss', 'squared_error'}, default='auto'
    Cross-entropy, for classes, or half the squared error, for numbers or for the probabilities
    of classes. 'auto' is cross-entropy for classifiers and squared error for regressors.

solver : {'adam', 'sgd', 'lbfgs'}, `Adam`, `SGD` or `LBFGS`, default='adam'
    How the weights are found; an object carries further parameters, which a grid search
    reaches as ``solver__beta_1``.

learning_rate_init : float, default=0.01
    Initial learning rate of 'adam' and 'sgd'.

learning_rate : {'constant', 'invscaling', 'adaptive', 'cosine'}, default='constant'
    Schedule of the learning rate. 'invscaling' divides the initial rate by the square root
    of the number of sequences seen; 'adaptive' divides it by 5 whenever the loss (or
    validation score) stalls for `n_iter_no_change` epochs; 'cosine' lets it fall to 0 at
    `max_iter`.

alpha : float, default=0.0001
    Strength of the L2 penalty ``alpha / 2 * sum(W ** 2)``, which is divided by the number
    of sequences (of steps, for estimators that answer each step; the sum of their weights, if
    there are any) when added to the mean loss.

batch_size : int or 'auto', default='auto'
    Sequences in a batch of 'adam' and 'sgd'; 'auto' is ``min(32, n_sequences)``.

max_iter : int, default=200
    Most epochs (passes over the sequences) of 'adam' and 'sgd', or iterations of 'lbfgs'.

max_grad_norm : float or None, default=5.0
    Larger gradients are scaled down to this Euclidean norm [4]_. None means never.

tol : float, default=1e-4
    Training ends when the loss (or validation score) has not improved by `tol` for
    `n_iter_no_change` epochs; with 'lbfgs', when no entry of the gradient exceeds `tol`.

n_iter_no_change : int, default=10
    Number of epochs without improvement that end training.

early_stopping : bool, default=False
    Whether to hold out `validation_fraction` of the sequences (stratified by class where there
    is one class for each), or use the validation data given to `fit`, end when the score on
    them stalls, and keep the weights for which it was best. Not used by 'lbfgs'.

validation_fraction : float, default=0.1
    Share of the sequences to hold out for `early_stopping`.

class_weight : dict, 'balanced' or None, default=None
    Weight of each class, by which sample weights are multiplied. For classifiers only.

n_init : int, default=1
    Number of starts from different initial weights, of which the one of lowest loss is kept.
    The first that classifies everything in the training data right ends the search.

init : str or dict, default='auto'
    How weights are drawn: 'glorot_uniform', 'he_uniform', 'orthogonal', 'uniform'
    (within 0.1), 'svd' (uniform, of spectral norm 1) or 'zeros'. 'auto' is Glorot's uniform
    for input and output weights, orthogonal for recurrent ones and 0 for attention. Biases
    are 0, but 1 for the forget gate of an LSTM. A dictionary in the form of `weights_` gives
    the weights themselves.

warm_start : bool, default=False
    Whether `fit` goes on from the weights of the previous call.

random_state : int, RandomState instance or None, default=None
    Determines initial weights, order of the sequences, validation split and dropout.

verbose : bool, default=False
    Whether to print the loss of each epoch.
"""

_ATTRIBUTES = """\
weights_ : dict of str to dict of str to ndarray
    Weights of each layer: ``recurrent_0``, ``recurrent_0_reverse`` if bidirectional, and so
    on, each of input weights ``W`` (n_gates, n_in, n_units), recurrent weights ``U``
    (n_gates, n_units, n_units) and biases ``b`` (n_gates, n_units), ``attention`` of ``W``
    (n_in, 1) if states are pooled so, and ``output`` of ``W`` (n_in, n_outputs) and ``b``
    (n_outputs,). Gates are in the order u, r, n (update,
    reset, new) for a GRU, which has a further bias ``b_rec`` (n_units,), and i, o, f, n
    (input, output, forget, new) for an LSTM.

n_features_in_ : int
    Number of columns of a 2-D `X`, else the same as `n_step_features_`.

n_step_features_ : int
    Number of features of a step.

feature_names_in_ : ndarray of shape (`n_features_in_`,)
    Names of the columns, if X was a DataFrame with names that are all strings.

loss_ : float
    Loss of the last epoch.

best_loss_ : float or None
    Lowest loss of an epoch; None with early stopping.

loss_curve_ : list of float
    Loss of each epoch.

validation_scores_ : list of float or None
    Accuracy (of classes) or R² (of numbers) on the validation data after each epoch, if there
    are any.

best_validation_score_ : float or None
    The highest of them.

validation_loss_curve_ : list of float or None
    Validation loss after each epoch.

n_iter_ : int
    Number of epochs or iterations.

n_outputs_ : int
    Number of outputs.

out_activation_ : str
    'softmax', 'logistic' or 'identity'.

t_ : int
    Number of training sequences seen, counted once for each epoch.
"""

_REFERENCES = """\
References
----------
.. [1] J. L. Elman, "Finding structure in time", Cognitive Science 14, 179-211 (1990).
.. [2] K. Cho et al., "Learning phrase representations using RNN encoder-decoder for
   statistical machine translation", EMNLP (2014).
.. [3] S. Hochreiter and J. Schmidhuber, "Long short-term memory", Neural Computation 9,
   1735-1780 (1997); with the forget gate of F. A. Gers, J. Schmidhuber and F. Cummins,
   "Learning to forget", Neural Computation 12, 2451-2471 (2000).
.. [4] R. Pascanu, T. Mikolov and Y. Bengio, "On the difficulty of training recurrent neural
   networks", ICML (2013).
.. [5] C. Raffel and D. P. W. Ellis, "Feed-forward networks with attention can solve some
   long-term memory problems", arXiv:1512.08756 (2015).
"""


def documented(cls):
    """Write into a docstring what is the same for all recurrent estimators.

    Python 3.13 strips the common indentation of docstrings when it compiles them, and earlier
    versions do not. `inspect.cleandoc` makes them alike, so that nothing depends on indentation.
    """
    if cls.__doc__ is not None:  # None with -OO
        doc = cleandoc(cls.__doc__)
        texts = {"parameters": _PARAMETERS, "attributes": _ATTRIBUTES, "references": _REFERENCES}
        for name, text in texts.items():
            doc = doc.replace(f"{{{name}}}\n", text)
        cls.__doc__ = doc
    return cls


class RecurrentNetwork(NeuralNetwork):
    """The constructor that all recurrent estimators inherit, and what it means."""

    _parameter_constraints: dict = {
        **NeuralNetwork._parameter_constraints,
        "cell": [StrOptions({"rnn", "gru", "lstm"})],
        "bidirectional": ["boolean"],
        "pooling": [StrOptions({"last", "mean", "max", "attention"})],
        "bptt_steps": [None, Interval(Integral, 1, None, closed="left")],
        "step_features": [None, Interval(Integral, 1, None, closed="left")],
        "loss": [StrOptions({"auto", "log_loss", "squared_error"})],
        "solver": [StrOptions(set(SOLVERS)), Adam, SGD, LBFGS],
        "max_grad_norm": [None, Interval(Real, 0, None, closed="neither")],
        "class_weight": [dict, StrOptions({"balanced"}), None],
        "init": [StrOptions({"auto", *INITIALIZERS}), dict],
    }

    _network_type = RNN

    def __init__(
        self,
        hidden_layer_sizes=(32,),
        *,
        cell="gru",
        activation="tanh",
        bidirectional=False,
        pooling="last",
        dropout=0.0,
        bptt_steps=None,
        step_features=None,
        loss="auto",
        solver="adam",
        learning_rate_init=0.01,
        learning_rate="constant",
        alpha=0.0001,
        batch_size="auto",
        max_iter=200,
        max_grad_norm=5.0,
        tol=1e-4,
        n_iter_no_change=10,
        early_stopping=False,
        validation_fraction=0.1,
        class_weight=None,
        n_init=1,
        init="auto",
        warm_start=False,
        random_state=None,
        verbose=False,
    ):
        self.hidden_layer_sizes = hidden_layer_sizes
        self.cell = cell
        self.activation = activation
        self.bidirectional = bidirectional
        self.pooling = pooling
        self.dropout = dropout
        self.bptt_steps = bptt_steps
        self.step_features = step_features
        self.loss = loss
        self.solver = solver
        self.learning_rate_init = learning_rate_init
        self.learning_rate = learning_rate
        self.alpha = alpha
        self.batch_size = batch_size
        self.max_iter = max_iter
        self.max_grad_norm = max_grad_norm
        self.tol = tol
        self.n_iter_no_change = n_iter_no_change
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.class_weight = class_weight
        self.n_init = n_init
        self.init = init
        self.warm_start = warm_start
        self.random_state = random_state
        self.verbose = verbose

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y, sample_weight=None, *, X_val=None, y_val=None, sample_weight_val=None):
        """Fit the weights to sequences and their targets.

        Parameters
        ----------
        X : list, tuple, object array, Series, 2-D or 3-D array of sequences
            Sequences in any form that `skrnn.as_sequences` reads. float32 stays float32
            throughout; everything else becomes float64.

        y : array-like of shape (n_sequences,) or (n_sequences, n_outputs)
            Class labels, or a multilabel indicator matrix, for a classifier; numbers or
            vectors for a regressor. An estimator that answers each step wants a list or object
            array of one array ``(n_steps,)`` or ``(n_steps, n_outputs)`` for each sequence, or
            beside a padded `X` a padded array, of which nothing behind the ends is looked at.

        sample_weight : array-like of shape (n_sequences,), default=None
            Weights of the sequences; a weight of 2 counts as the sequence twice. For an
            estimator that answers each step, also weights of the steps, in the form of `y`.

        X_val, y_val, sample_weight_val : array-like, default=None
            Validation data, used instead of a share of the training data: for
            `validation_scores_` in any case, and with `early_stopping` to end training.

        Returns
        -------
        self : object
            The fitted estimator.

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

    def _n_starts(self, recipe, n_samples):
        return 1 if isinstance(self.init, dict) else self.n_init

    def _read_X(self, X, *, reset):
        sequences, learned = read_X(self, X, reset=reset)
        set_learned(self, learned)
        return sequences

    def _network(self):
        hidden = self._hidden_units()
        if not hidden:
            raise ValueError("hidden_layer_sizes is empty; at least one recurrent layer is needed.")
        return RNN(
            n_features=self.n_step_features_,
            hidden_layer_sizes=hidden,
            n_outputs=self.n_outputs_,
            cell=self.cell,
            activation=self.activation,
            bidirectional=self.bidirectional,
            pooling=None if self._per_step else self.pooling,
            dropout=float(self.dropout),
            bptt_steps=None if self.bptt_steps is None else int(self.bptt_steps),
        )

    def _recipe(self, n_samples, incremental):
        solver = SOLVERS[self.solver]() if isinstance(self.solver, str) else self.solver
        return Recipe(
            loss=self._loss(),
            optimizer=solver._optimizer(),
            alpha=self.alpha,
            batch_size=32 if self.batch_size == "auto" else self.batch_size,
            max_iter=1 if incremental else self.max_iter,
            tol=self.tol,
            n_iter_no_change=self.n_iter_no_change,
            early_stopping=self.early_stopping and not isinstance(solver, LBFGS),
            rate_init=self.learning_rate_init,
            schedule=self.learning_rate,
            max_norm=self.max_grad_norm,
            keep_best=True,  # losses of recurrent networks spike
            verbose=self.verbose,
        )

    def _draw(self, params, rng, attempt):
        """Glorot's uniform weights, orthogonal recurrent ones, LSTM forget gates open.

        Attention begins as the mean: its weights are 0.
        """
        if isinstance(self.init, dict):
            params.fill(self.init)
            return
        auto = self.init == "auto"
        input_init = INITIALIZERS["glorot_uniform" if auto else self.init]
        recurrent_init = INITIALIZERS["orthogonal" if auto else self.init]
        for name, p in params.items():
            if name == "attention" and auto:
                continue
            p["W"][...] = input_init(rng, p["W"].shape)
            if "U" in p:
                p["U"][...] = recurrent_init(rng, p["U"].shape)
                if self.cell == "lstm":
                    p["b"][2] = 1  # (Gers et al., 2000; Jozefowicz et al., 2015)

    def _weights(self):
        return self.weights_

    def _weight_attributes(self, params):
        return {"weights_": {layer: dict(p) for layer, p in params.items()}}

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.three_d_array = True
        return tags
