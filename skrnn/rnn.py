"""The recurrent estimators: labels or numbers, for each sequence or for each step of it.

Each class writes out its signature and documentation, as scikit-learn does. `RecurrentNetwork`
and the two classes of predictions hold the code.
"""

from __future__ import annotations

from dataclasses import replace
from numbers import Integral
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from sklearn.base import ClassifierMixin, RegressorMixin
from sklearn.utils._param_validation import Interval, StrOptions

from skrnn._input import check_beside
from skrnn._numeric.layers import POOLINGS
from skrnn._numeric.losses import NUMBER_LOSSES
from skrnn._paths import PathPredictions
from skrnn._predictions import ClassPredictions, NumberPredictions, score_numbers
from skrnn._recurrent import PooledStates, RecurrentNetwork
from skrnn._training.earlier import fit_linear_part
from skrnn._training.few import may_be_all_cases
from skrnn._training.framing import choose_frame_length
from skrnn._training.last_value import share_of_last_value
from skrnn._training.shrinkage import choose_shares, choose_spread, has_known_degrees_of_freedom
from skrnn.forecasting import forecast
from skrnn.losses import CRF, Gaussian, Huber, Quantile
from skrnn.metrics import flat_accuracy_score

if TYPE_CHECKING:
    from typing import Any, Literal

    from sklearn.utils import Tags

    from skrnn._numeric.networks import RNN
    from skrnn._numeric.training import Ragged
    from skrnn._training.run import Run
    from skrnn._types import (
        Activation,
        Cell,
        ClassWeight,
        HiddenLayers,
        Initializer,
        LearningRate,
        NumberLossName,
        Pooling,
        RandomState,
        Solver,
        Window,
    )


class SequenceRNNClassifier(ClassPredictions, ClassifierMixin, PooledStates, RecurrentNetwork):
    """Recurrent classifier of sequences of any lengths: one label for each sequence.

    Recurrent layers read a sequence step by step. The hidden states of the last layer are pooled
    over time, and a dense layer turns them into class scores. Sequences are not padded for this:
    the prediction for a sequence does not depend on the other sequences in the batch.

    Parameters
    ----------
    hidden_layer_sizes : int or array-like of int, default=(32,)
        Number of units of each recurrent layer, in each direction. Without layers, ``()``, the
        output is a linear function of each step, or of the pooled steps if a sequence has one
        target.

    cell : {'rnn', 'gru', 'gru_d', 'lstm'}, default='gru'
        Elman network [1]_, gated recurrent unit, its variant for missing values [2]_, or long
        short-term memory [3]_. 'gru_d' takes the output of ``ForwardImputer(add_indicator=True,
        add_elapsed=True)``. The longer a feature has not been observed, the more its value decays
        towards 0, so its mean should be 0, and the more the states of the first layer decay. The
        backward direction uses the same times as the forward direction, those since the last
        observation before the step. The layers above the first are 'gru'.

    activation : {'tanh', 'relu', 'logistic', 'identity'}, default='tanh'
        Activation function of the 'rnn' cell. The other cells have fixed activation functions and
        accept 'tanh' only.

    bidirectional : bool, default=True
        Whether each layer also reads the sequences backwards. Streams (`step`) need False.

    pooling : {'last', 'mean', 'max', 'attention'} or tuple of str, default=('last', 'mean', 'max')
        How the hidden states of a sequence become one vector. 'last' takes the state after the last
        step of each direction, 'mean' and 'max' take the mean and the maximum over the steps, and
        'attention' takes a mean with learned weights, the softmax of a linear function of the
        states [5]_. The vectors of several poolings are put side by side.

    dropout : float or 'auto', default='auto'
        Fraction of the outputs of each recurrent layer set to zero at random in each training step.
        Not available with 'lbfgs'. 'auto' is 0.3, but 0 for so few sequences that they are one
        batch (see `batch_size`), without recurrent layers and with 'lbfgs'.

    bptt_steps : int, default=None
        Truncate backpropagation through time. Sequences are divided into blocks of `bptt_steps`
        steps, and the gradient does not pass from one block to the previous block. With 1, the
        previous state is always treated as a constant. None means no truncation.

    step_features : int, default=None
        Number of features of a step if sequences are flat, as in a 2-D `X`. None means 1.

    embedding_size : int, default=None
        Number of outputs of a linear layer without bias, through which the features of a step pass
        before the first recurrent layer. For one-hot encoded tokens it is an embedding: each token
        has a vector of this size, which is learned. For many numeric features it is a learned
        projection. None means no such layer. Not available for 'gru_d', or for a single feature.

    frame_length : int or 'auto', default='auto'
        Number of consecutive steps that the first layer reads as one step (a frame), with the
        features of all of them. So the recurrent layers take fewer steps, which is faster, and as
        accurate in most cases. The last frame ends with the last step, and the first frame is
        completed by copies of the first step, as by `Frames`. 'auto' is the median length of the
        sequences divided by 32, rounded, but at least 1, which leaves about 32 frames of a
        sequence. It is 1 if there is one direction, which streams need, for sparse steps, with
        `embedding_size`, for 'gru_d' and without layers. `bptt_steps` counts frames.

    loss : {'auto', 'log_loss', 'squared_error'}, default='auto'
        'log_loss' is the cross-entropy. 'squared_error' is half the squared error of the
        probabilities. 'auto' means 'log_loss'.

    temperature : {'auto', None}, default='auto'
        Whether to correct predicted distributions at the end of `fit`. They are too narrow, because
        networks memorize the training targets. Class scores (logits) are divided by a number of at
        least 1, which is temperature scaling (Guo et al., ICML 2017). They are then shifted so that
        the mean probability of each class or label is about its weighted frequency in the training
        samples. The spread of `Gaussian` and the distances of several quantiles to the median are
        multiplied by a number of at least 1. With 'auto', the number depends on how much the
        training loss decreases after the first tenth of the training. It is 1 for sequences that
        may be all cases of a logic problem: up to 32, of which at most 16 differ or in which no
        column has more than two values, unless more than 500 of their steps have targets. It is
        also 1 without recurrent layers, with another loss, for quantiles that neither contain 0.5
        nor are symmetric about it, with another solver than 'adam', with `early_stopping` and with
        `warm_start`. None means no correction. Set it if training is to continue after `fit`.

    solver : {'adam', 'sgd', 'lbfgs'}, `Adam`, `SGD` or `LBFGS`, default='adam'
        The optimization algorithm. An object has further parameters, which a grid search sets by
        names such as ``solver__beta_1``.

    learning_rate_init : float, default=0.01
        Initial learning rate of 'adam' and 'sgd'.

    learning_rate : {'constant', 'invscaling', 'adaptive', 'cosine'}, default='cosine'
        Schedule of the learning rate. 'invscaling' divides the initial rate by the square root
        of the number of sequences seen. 'adaptive' divides the rate by 5 whenever the loss (or
        validation loss) has not improved for `n_iter_no_change` epochs. 'cosine' decreases the
        rate to 0 at `max_iter`.

    alpha : float, default=0.0001
        Strength of the L2 penalty ``alpha / 2 * sum(W ** 2)``. Added to the mean loss, it is
        divided by the number of sequences, or by the sum of their weights.

    batch_size : int or 'auto', default='auto'
        Number of sequences in a batch of 'adam' and 'sgd'. 'auto' is a 16th of the sequences, but
        at least 8 and at most 32. Up to 32 sequences are one batch if at most 16 of them differ, or
        if no column has more than two values: they may be all cases of a logic problem.

    max_iter : int or 'auto', default='auto'
        Maximum number of epochs (passes over the sequences) of 'adam' and 'sgd', or of iterations
        of 'lbfgs'. With the schedule 'cosine', 'auto' is as many epochs as give about 450 steps
        of the solver, but at least 20 and at most 200. Otherwise it is 200.

    max_grad_norm : float or None, default=5.0
        Larger gradients are scaled down to this Euclidean norm [4]_. None means no limit. Not used
        by 'lbfgs'.

    tol : float, default=1e-4
        Training ends when the loss (or validation loss) has not improved by `tol` for
        `n_iter_no_change` epochs; with 'lbfgs', when no entry of the gradient exceeds `tol`.

    n_iter_no_change : int, inf or 'auto', default='auto'
        Number of epochs without improvement that end training. 'auto' is 10, but infinity with the
        schedule 'cosine' if training does not stop early: then it ends at `max_iter`.

    early_stopping : bool, default=False
        Whether to stop training when neither the loss nor the score on validation data improves,
        and to keep the weights of the lowest validation loss. The validation data are those passed
        to `fit`, or else `validation_fraction` of the sequences, stratified by class
        where each class has enough of them. Not supported by 'lbfgs'.

    validation_fraction : float, default=0.1
        Fraction of the sequences to hold out for `early_stopping`, at least 2.

    class_weight : dict, 'balanced' or None, default=None
        Weight of each class, by which sample weights are multiplied, also those of validation
        data. 'balanced' uses the frequencies of the classes in the training data. For multilabel
        targets it is the product of the weights of the labels, divided by the mean over samples.

    n_init : int, default=1
        Number of starts from different initial weights, of which the one of lowest loss is kept.
        The first start that classifies all training data correctly ends the search.

    init : str or dict, default='auto'
        How initial weights are drawn: 'glorot_uniform', 'he_uniform', 'orthogonal', 'uniform'
        (in [-0.1, 0.1)), 'svd' (uniform, of spectral norm 1) or 'zeros'. 'auto' is 'glorot_uniform'
        for input and output weights, 'orthogonal' for recurrent weights and 'zeros' for attention.
        Biases are 0, and 1 for the forget gate of an LSTM. The weights of the decays of 'gru_d'
        start with 0.01: a decay of 1 % in a unit of time. A dictionary in the form of `weights_`
        sets the weights themselves.

    warm_start : bool, default=False
        Whether `fit` continues from the weights of the previous call.

    random_state : int, RandomState instance or None, default=None
        Determines initial weights, order of the sequences, validation split and dropout.

    verbose : bool, default=False
        Whether to print the loss of each epoch.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        Class labels; column numbers for multilabel problems.

    weights_ : dict of str to dict of str to ndarray
        Weights of each layer. A recurrent layer (``recurrent_0``, then ``recurrent_0_reverse`` if
        bidirectional, and so on) has input weights ``W`` (n_gates, n_in, n_units), recurrent
        weights ``U`` (n_gates, n_units, n_units) and biases ``b`` (n_gates, n_units). The gates
        of a GRU are z, r, n (update, reset, new); it has a further bias ``b_rec`` (n_units,). A
        GRU-D has those of a GRU, where ``W`` is (n_gates, 2 n, n_units) for ``n_in = 3 n``, and
        the weights of the decays, ``W_x`` (n,) and ``b_x`` (n,) for values, ``W_h`` (n, n_units)
        and ``b_h`` (n_units,) for states. The gates of an LSTM are i, o, f, g (input, output,
        forget, cell). ``attention`` has ``W`` (n_in, 1) if `pooling` is 'attention'. ``output``
        has ``W`` (n_in, n_outputs) and ``b`` (n_outputs,). With `embedding_size`, ``embedding``
        has ``W`` (n_step_features_, embedding_size), one row for each feature. With frames, the
        first layer has ``n_in = frame_length * n_step_features_``, the oldest step first. The last
        rows of ``W`` of the first layer and of ``output`` are those of static features. With a
        GRU-D, the first layer has no such rows. Instead, ``initial_0`` and so on have ``W``
        (n_states, n_static_features, n_units), which maps static features to the initial states of
        a layer.

    n_features_in_ : int
        Number of columns of a 2-D `X`, else the same as `n_step_features_`.

    n_step_features_ : int
        Number of features of a step.

    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the columns, if X is a DataFrame with names that are all strings.

    n_static_features_ : int
        Number of static features, 0 if there are none.

    static_feature_names_in_ : ndarray of shape (`n_static_features_`,)
        Names of the static features, if they have names that are all strings.

    loss_ : float
        Loss of the last epoch: the mean over its batches, each computed before the step on it.

    best_loss_ : float or None
        Lowest loss of an epoch; None with early stopping, unless the validation targets are equal.

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

    n_iter_ : int
        Number of epochs or iterations.

    n_outputs_ : int
        Number of outputs.

    out_activation_ : str
        'softmax' or 'logistic'.

    t_ : int
        Number of training sequences seen, counted once for each epoch.

    temperature_ : float
        The number by which class scores were divided at the end of the last fit; 1 after
        `partial_fit`.
        Losses and scores of the fit are computed before the division and the shift.

    See Also
    --------
    SequenceRNNRegressor : A number or vector for each sequence.
    StepRNNClassifier : A label for each step.
    SequencePadder : Make ragged sequences rectangular.
    PerStep : Apply any transformer to the steps of sequences.
    TableTransformer : Apply a transformer to the steps, and another to the static features.

    References
    ----------
    .. [1] J. L. Elman, "Finding structure in time", Cognitive Science 14, 179-211 (1990).
    .. [2] K. Cho et al., "Learning phrase representations using RNN encoder-decoder for
       statistical machine translation", EMNLP (2014); for missing values, Z. Che et al.,
       "Recurrent neural networks for multivariate time series with missing values", Scientific
       Reports 8, 6085 (2018).
    .. [3] S. Hochreiter and J. Schmidhuber, "Long short-term memory", Neural Computation 9,
       1735-1780 (1997); with the forget gate of F. A. Gers, J. Schmidhuber and F. Cummins,
       "Learning to forget", Neural Computation 12, 2451-2471 (2000).
    .. [4] R. Pascanu, T. Mikolov and Y. Bengio, "On the difficulty of training recurrent neural
       networks", ICML (2013).
    .. [5] C. Raffel and D. P. W. Ellis, "Feed-forward networks with attention can solve some
       long-term memory problems", arXiv:1512.08756 (2015).

    Examples
    --------
    Is there a 1 among these bits?

    >>> from skrnn import SequenceRNNClassifier
    >>> X = [[0, 0, 1], [0], [1], [0, 0], [0, 1, 0, 0], [0, 0, 0]]
    >>> y = ["yes", "no", "yes", "no", "yes", "no"]
    >>> clf = SequenceRNNClassifier(hidden_layer_sizes=8, random_state=0).fit(X, y)
    >>> clf.predict([[0, 0, 0, 1, 0], [0, 0, 0, 0]])
    array(['yes', 'no'], dtype='<U3')
    """

    _parameter_constraints: dict[str, Any] = {
        **RecurrentNetwork._parameter_constraints,
        "pooling": [StrOptions(set(POOLINGS)), tuple, list],
        "loss": [StrOptions({"auto", "log_loss", "squared_error"})],
        "class_weight": [dict, StrOptions({"balanced"}), None],
        "dropout": [StrOptions({"auto"}), *RecurrentNetwork._parameter_constraints["dropout"]],
        "frame_length": [StrOptions({"auto"}), Interval(Integral, 1, None, closed="left")],
        "temperature": [StrOptions({"auto"}), None],
    }
    _values_before: ClassVar = {"frame_length": 1, "temperature": None}

    def __init__(
        self,
        hidden_layer_sizes: HiddenLayers = (32,),
        *,
        cell: Cell = "gru",
        activation: Activation = "tanh",
        bidirectional: bool = True,
        pooling: Pooling | tuple[Pooling, ...] = ("last", "mean", "max"),
        dropout: float | Literal["auto"] = "auto",
        bptt_steps: int | None = None,
        step_features: int | None = None,
        embedding_size: int | None = None,
        frame_length: int | Literal["auto"] = "auto",
        loss: Literal["auto", "log_loss", "squared_error"] = "auto",
        temperature: Literal["auto"] | None = "auto",
        solver: Solver = "adam",
        learning_rate_init: float = 0.01,
        learning_rate: LearningRate = "cosine",
        alpha: float = 0.0001,
        batch_size: int | Literal["auto"] = "auto",
        max_iter: int | Literal["auto"] = "auto",
        max_grad_norm: float | None = 5.0,
        tol: float = 1e-4,
        n_iter_no_change: float | Literal["auto"] = "auto",
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        class_weight: ClassWeight = None,
        n_init: int = 1,
        init: Initializer | dict[str, Any] = "auto",
        warm_start: bool = False,
        random_state: RandomState = None,
        verbose: bool = False,
    ) -> None:
        self._store(locals())

    def _is_one_batch(self, samples: Ragged) -> bool:
        return may_be_all_cases(samples)

    def _network(self, samples: Ragged, warm_start: bool = False) -> RNN:
        network = super()._network(samples, warm_start)
        if warm_start:
            length = self._architecture.get("frame_length", 1)  # older estimators have none
        else:
            length = choose_frame_length(self.frame_length, network, samples, self.init)
        return replace(network, frame_length=length)

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        return tags


class SequenceRNNRegressor(NumberPredictions, RegressorMixin, PooledStates, RecurrentNetwork):
    """Recurrent regressor of sequences of any lengths: a number or vector for each sequence.

    The network is that of `SequenceRNNClassifier`, with outputs that are the predictions.
    Targets may be of any size, since they are standardized in training.

    Parameters
    ----------
    hidden_layer_sizes : int or array-like of int, default=(32,)
        Number of units of each recurrent layer, in each direction. Without layers, ``()``, the
        output is a linear function of each step, or of the pooled steps if a sequence has one
        target.

    cell : {'rnn', 'gru', 'gru_d', 'lstm'}, default='gru'
        Elman network [1]_, gated recurrent unit, its variant for missing values [2]_, or long
        short-term memory [3]_. 'gru_d' takes the output of ``ForwardImputer(add_indicator=True,
        add_elapsed=True)``. The longer a feature has not been observed, the more its value decays
        towards 0, so its mean should be 0, and the more the states of the first layer decay. The
        backward direction uses the same times as the forward direction, those since the last
        observation before the step. The layers above the first are 'gru'.

    activation : {'tanh', 'relu', 'logistic', 'identity'}, default='tanh'
        Activation function of the 'rnn' cell. The other cells have fixed activation functions and
        accept 'tanh' only.

    bidirectional : bool, default=True
        Whether each layer also reads the sequences backwards. Streams (`step`) need False.

    pooling : {'last', 'mean', 'max', 'attention'} or tuple of str, default=('last', 'mean', 'max')
        How the hidden states of a sequence become one vector. 'last' takes the state after the last
        step of each direction, 'mean' and 'max' take the mean and the maximum over the steps, and
        'attention' takes a mean with learned weights, the softmax of a linear function of the
        states [5]_. The vectors of several poolings are put side by side.

    dropout : float or 'auto', default='auto'
        Fraction of the outputs of each recurrent layer set to zero at random in each training step.
        Not available with 'lbfgs'. 'auto' is 0.3, but 0 for so few sequences that they are one
        batch (see `batch_size`), without recurrent layers and with 'lbfgs'.

    bptt_steps : int, default=None
        Truncate backpropagation through time. Sequences are divided into blocks of `bptt_steps`
        steps, and the gradient does not pass from one block to the previous block. With 1, the
        previous state is always treated as a constant. None means no truncation.

    step_features : int, default=None
        Number of features of a step if sequences are flat, as in a 2-D `X`. None means 1.

    embedding_size : int, default=None
        Number of outputs of a linear layer without bias, through which the features of a step pass
        before the first recurrent layer. For one-hot encoded tokens it is an embedding: each token
        has a vector of this size, which is learned. For many numeric features it is a learned
        projection. None means no such layer. Not available for 'gru_d', or for a single feature.

    loss : str, `Huber`, `Quantile` or `Gaussian`, default='auto'
        'auto' means 'squared_error', which is half the squared error. 'absolute_error' is the
        absolute error. 'poisson', for targets of at least 0, and 'gamma', for targets above 0, are
        half the deviance; predictions are the exponential of the output. `Huber` and `Quantile`
        have parameters, which a grid search sets by names such as ``loss__delta``. `Quantile` may
        predict several numbers for a target, and `Gaussian` predicts a mean and a spread.

    normalize_y : bool, default=True
        Whether to subtract the mean of the targets and divide by their standard deviation, for
        each output, in training. The output layer undoes this at the end, so predictions and
        `weights_` are in the units of `y`. The losses, the penalty and `tol` refer to the
        standardized targets. Training that continues (`warm_start`, `partial_fit`) uses the mean
        and deviation of the first fit, or of the first chunk. `delta` of `Huber` refers to
        standardized targets too. For 'poisson' and 'gamma', targets are divided by their mean.

    skip_connection : {'auto', 'last', None}, default='auto'
        Linear connection from the last steps of a sequence to the output. The network is trained on
        the difference between the targets and this linear function, whose weights are not trained
        further. With 'last', `fit` chooses for each output the column whose last value explains
        most of the variance of the target, if this is at least half of the variance. In most
        forecasts this is the series itself, so training starts from the forecast that the series
        stays where it is. The weight is that of least squares. With 'auto', if the last value
        explains at least 0.6 of the variance, the network also reads the column as differences to
        its last value. It then does not depend on the level of the series. All other outputs
        without a column get a weight of this column too. There are no differences if an output
        depends on the distance of the last value to its mean, as a square does, or if the spread
        of a target depends on the last value. With more than 32 sequences, 'auto' also considers up
        to 100 last steps: a single earlier value, such as that of one season before, and ridge
        regression on the last values of a column. They are used if they leave less than half of
        the variance that the last value leaves. Otherwise `shrinkage` may add a share of the ridge
        regression. Streams need 'last' or None. With `Gaussian`, the connection is added to the
        mean, and with `Quantile` to all quantiles. It is not used with 'poisson' and 'gamma'. None
        means no connection.

    shrinkage : {'auto', None}, default='auto'
        Whether to shrink what the network adds to the skip connection, or to the mean of the
        targets, because a part of it is noise of the training targets [6]_. At the end of `fit`,
        'auto' multiplies the output layer by a factor from 0 to 1. It is smaller after a larger
        training error and with fewer sequences. With ``skip_connection='auto'``, ridge regression
        on the last values of a column is added, multiplied by another factor, as far as this
        makes the estimated error smaller (stacking [7]_). If a column is read as differences,
        the prediction is then moved towards its last value by a share of the way. The share is
        about 1/2 with few sequences, and chosen by cross-validation with many. It is multiplied by
        the part of the variance that the network does not explain. All this needs squared errors,
        standardized targets, recurrent layers, more than 32 sequences, 'adam' and the schedule
        'cosine'. It is not done for 'gru_d' or with `warm_start`. Nor is it done with
        `early_stopping`, weight decay or `dropout` above 0.5, because networks then learn less
        noise and the factor would be too small. None means no shrinkage. Set it if training is to
        continue after `fit`.

    temperature : {'auto', None}, default='auto'
        Whether to correct predicted distributions at the end of `fit`. They are too narrow, because
        networks memorize the training targets. Class scores (logits) are divided by a number of at
        least 1, which is temperature scaling (Guo et al., ICML 2017). They are then shifted so that
        the mean probability of each class or label is about its weighted frequency in the training
        samples. The spread of `Gaussian` and the distances of several quantiles to the median are
        multiplied by a number of at least 1. With 'auto', the number depends on how much the
        training loss decreases after the first tenth of the training. It is 1 for sequences that
        may be all cases of a logic problem: up to 32, of which at most 16 differ or in which no
        column has more than two values, unless more than 500 of their steps have targets. It is
        also 1 without recurrent layers, with another loss, for quantiles that neither contain 0.5
        nor are symmetric about it, with another solver than 'adam', with `early_stopping` and with
        `warm_start`. None means no correction. Set it if training is to continue after `fit`.

    solver : {'adam', 'sgd', 'lbfgs'}, `Adam`, `SGD` or `LBFGS`, default='adam'
        The optimization algorithm. An object has further parameters, which a grid search sets by
        names such as ``solver__beta_1``.

    learning_rate_init : float, default=0.003
        Initial learning rate of 'adam' and 'sgd'.

    learning_rate : {'constant', 'invscaling', 'adaptive', 'cosine'}, default='cosine'
        Schedule of the learning rate. 'invscaling' divides the initial rate by the square root
        of the number of sequences seen. 'adaptive' divides the rate by 5 whenever the loss (or
        validation loss) has not improved for `n_iter_no_change` epochs. 'cosine' decreases the
        rate to 0 at `max_iter`.

    alpha : float or 'auto', default='auto'
        Strength of the L2 penalty ``alpha / 2 * sum(W ** 2)``. Added to the mean loss of a
        batch, it is divided by the number of its sequences, or the sum of their weights. 'auto' is
        the share of a batch in all sequences, times the dispersion of the loss. Divided by its
        dispersion, a loss is a negative log-likelihood. The dispersion is 1 for squared errors and
        `Gaussian`, the squared coefficient of variation of the targets for 'poisson' and 'gamma',
        and the mean loss of the best constant for 'absolute_error' and each quantile. With up to 32
        sequences, 'auto' is 10 times as large for several quantiles and `Gaussian`, and 3 times for
        other losses but 'squared_error'. It is 0.0001 with 'lbfgs' or ``normalize_y=False``, for
        logic problems such as XOR, and in `partial_fit`. Use a larger value for very noisy targets,
        and 0.0001 for exact functions, which the default may not learn from few sequences.

    batch_size : int or 'auto', default='auto'
        Number of sequences in a batch of 'adam' and 'sgd'. 'auto' is 32, or all if there are fewer.

    max_iter : int or 'auto', default='auto'
        Maximum number of epochs (passes over the sequences) of 'adam' and 'sgd', or of iterations
        of 'lbfgs'. With the schedule 'cosine', 'auto' is as many epochs as give about 450 steps
        of the solver, but at least 20 and at most 200. Otherwise it is 200.

    max_grad_norm : float or None, default=5.0
        Larger gradients are scaled down to this Euclidean norm [4]_. None means no limit. Not used
        by 'lbfgs'.

    tol : float, default=1e-4
        Training ends when the loss (or validation loss) has not improved by `tol` for
        `n_iter_no_change` epochs; with 'lbfgs', when no entry of the gradient exceeds `tol`.

    n_iter_no_change : int, inf or 'auto', default='auto'
        Number of epochs without improvement that end training. 'auto' is 10, but infinity with the
        schedule 'cosine' if training does not stop early: then it ends at `max_iter`.

    early_stopping : bool, default=False
        Whether to stop training when neither the loss nor the score on validation data improves,
        and to keep the weights of the lowest validation loss. The validation data are those passed
        to `fit`, or else `validation_fraction` of the sequences. Not supported by 'lbfgs'.

    validation_fraction : float, default=0.1
        Fraction of the sequences to hold out for `early_stopping`, at least 2.

    n_init : int, default=1
        Number of starts from different initial weights, of which the one of lowest loss is kept.

    init : str or dict, default='auto'
        How initial weights are drawn: 'glorot_uniform', 'he_uniform', 'orthogonal', 'uniform'
        (in [-0.1, 0.1)), 'svd' (uniform, of spectral norm 1) or 'zeros'. 'auto' is 'glorot_uniform'
        for input and output weights, 'orthogonal' for recurrent weights and 'zeros' for attention.
        Biases are 0, and 1 for the forget gate of an LSTM. The weights of the decays of 'gru_d'
        start with 0.01: a decay of 1 % in a unit of time. A dictionary in the form of `weights_`
        sets the weights themselves.

    warm_start : bool, default=False
        Whether `fit` continues from the weights of the previous call.

    random_state : int, RandomState instance or None, default=None
        Determines initial weights, order of the sequences, validation split and dropout.

    verbose : bool, default=False
        Whether to print the loss of each epoch.

    Attributes
    ----------
    weights_ : dict of str to dict of str to ndarray
        Weights of each layer. A recurrent layer (``recurrent_0``, then ``recurrent_0_reverse`` if
        bidirectional, and so on) has input weights ``W`` (n_gates, n_in, n_units), recurrent
        weights ``U`` (n_gates, n_units, n_units) and biases ``b`` (n_gates, n_units). The gates
        of a GRU are z, r, n (update, reset, new); it has a further bias ``b_rec`` (n_units,). A
        GRU-D has those of a GRU, where ``W`` is (n_gates, 2 n, n_units) for ``n_in = 3 n``, and
        the weights of the decays, ``W_x`` (n,) and ``b_x`` (n,) for values, ``W_h`` (n, n_units)
        and ``b_h`` (n_units,) for states. The gates of an LSTM are i, o, f, g (input, output,
        forget, cell). ``attention`` has ``W`` (n_in, 1) if `pooling` is 'attention'. ``output``
        has ``W`` (n_in, n_outputs) and ``b`` (n_outputs,). With `embedding_size`, ``embedding``
        has ``W`` (n_step_features_, embedding_size), one row for each feature. The last rows of
        ``W`` of the first layer and of ``output`` are those of static features. With a GRU-D, the
        first layer has no such rows. Instead, ``initial_0`` and so on have ``W`` (n_states,
        n_static_features, n_units), which maps static features to the initial states of a layer.

    n_features_in_ : int
        Number of columns of a 2-D `X`, else the same as `n_step_features_`.

    n_step_features_ : int
        Number of features of a step.

    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the columns, if X is a DataFrame with names that are all strings.

    n_static_features_ : int
        Number of static features, 0 if there are none.

    static_feature_names_in_ : ndarray of shape (`n_static_features_`,)
        Names of the static features, if they have names that are all strings.

    loss_ : float
        Loss of the last epoch: the mean over its batches, each computed before the step on it.

    best_loss_ : float or None
        Lowest loss of an epoch; None with early stopping, unless the validation targets are equal.

    temperature_ : float
        The number by which the spread, or the distances of quantiles to the median, are multiplied.

    shrinkage_ : ndarray of shape (n_outputs_,)
        The part of each output of the network that was removed, between 0 and 1. With 1, only the
        skip connection or the mean of the targets is left. Losses and validation scores are
        computed before it is removed.

    loss_curve_ : list of float
        Loss of each epoch.

    validation_scores_ : list of float or None
        ``score`` on the validation data after each epoch, if there are any.

    best_validation_score_ : float or None
        The highest of `validation_scores_`. The weights that early stopping keeps are those of the
        lowest validation loss. Their score may be lower, and is
        ``validation_scores_[np.argmin(validation_loss_curve_)]``.

    validation_loss_curve_ : list of float or None
        Loss on the validation data after each epoch, if there are any.

    n_iter_ : int
        Number of epochs or iterations.

    n_outputs_ : int
        Number of outputs.

    out_activation_ : str
        The function from outputs to predictions: 'identity', 'exp' for 'poisson' and 'gamma',
        'ordered' for `Quantile`, 'mean_std' for `Gaussian`.

    quantiles_ : float, tuple of float or None
        The quantiles that are predicted, if `loss` is `Quantile`.

    t_ : int
        Number of training sequences seen, counted once for each epoch.

    See Also
    --------
    SequenceRNNClassifier : A label for each sequence.
    StepRNNRegressor : A number or vector for each step.

    References
    ----------
    .. [1] J. L. Elman, "Finding structure in time", Cognitive Science 14, 179-211 (1990).
    .. [2] K. Cho et al., "Learning phrase representations using RNN encoder-decoder for
       statistical machine translation", EMNLP (2014); for missing values, Z. Che et al.,
       "Recurrent neural networks for multivariate time series with missing values", Scientific
       Reports 8, 6085 (2018).
    .. [3] S. Hochreiter and J. Schmidhuber, "Long short-term memory", Neural Computation 9,
       1735-1780 (1997); with the forget gate of F. A. Gers, J. Schmidhuber and F. Cummins,
       "Learning to forget", Neural Computation 12, 2451-2471 (2000).
    .. [4] R. Pascanu, T. Mikolov and Y. Bengio, "On the difficulty of training recurrent neural
       networks", ICML (2013).
    .. [5] C. Raffel and D. P. W. Ellis, "Feed-forward networks with attention can solve some
       long-term memory problems", arXiv:1512.08756 (2015).
    .. [6] B. Efron, "The estimation of prediction error: covariance penalties and
       cross-validation", Journal of the American Statistical Association 99 (2004).
    .. [7] D. H. Wolpert, "Stacked generalization", Neural Networks 5, 241-259 (1992).

    Examples
    --------
    How many of these bits are 1?

    >>> from skrnn import SequenceRNNRegressor
    >>> X = [[0, 0, 1], [0], [1, 1], [1, 0, 1, 1], [0, 1, 0, 0], [0, 0, 0]]
    >>> reg = SequenceRNNRegressor(hidden_layer_sizes=8, solver="lbfgs", random_state=1)
    >>> reg.fit(X, [1, 0, 2, 3, 1, 0]).predict([[1, 1], [1, 0, 1, 1]]).round()
    array([2., 3.])
    """

    _parameter_constraints: dict[str, Any] = {
        **RecurrentNetwork._parameter_constraints,
        "pooling": [StrOptions(set(POOLINGS)), tuple, list],
        "loss": [StrOptions({"auto", *NUMBER_LOSSES}), Huber, Quantile, Gaussian],
        "normalize_y": ["boolean"],
        "alpha": [StrOptions({"auto"}), *RecurrentNetwork._parameter_constraints["alpha"]],
        "dropout": [StrOptions({"auto"}), *RecurrentNetwork._parameter_constraints["dropout"]],
        "skip_connection": [StrOptions({"auto", "last"}), None],
        "shrinkage": [StrOptions({"auto"}), None],
        "temperature": [StrOptions({"auto"}), None],
    }
    _least_batch_size = 32

    def __init__(
        self,
        hidden_layer_sizes: HiddenLayers = (32,),
        *,
        cell: Cell = "gru",
        activation: Activation = "tanh",
        bidirectional: bool = True,
        pooling: Pooling | tuple[Pooling, ...] = ("last", "mean", "max"),
        dropout: float | Literal["auto"] = "auto",
        bptt_steps: int | None = None,
        step_features: int | None = None,
        embedding_size: int | None = None,
        loss: Literal["auto"] | NumberLossName | Huber | Quantile | Gaussian = "auto",
        normalize_y: bool = True,
        skip_connection: Literal["auto", "last"] | None = "auto",
        shrinkage: Literal["auto"] | None = "auto",
        temperature: Literal["auto"] | None = "auto",
        solver: Solver = "adam",
        learning_rate_init: float = 0.003,
        learning_rate: LearningRate = "cosine",
        alpha: float | Literal["auto"] = "auto",
        batch_size: int | Literal["auto"] = "auto",
        max_iter: int | Literal["auto"] = "auto",
        max_grad_norm: float | None = 5.0,
        tol: float = 1e-4,
        n_iter_no_change: float | Literal["auto"] = "auto",
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        n_init: int = 1,
        init: Initializer | dict[str, Any] = "auto",
        warm_start: bool = False,
        random_state: RandomState = None,
        verbose: bool = False,
    ) -> None:
        self._store(locals())

    def _corrections(self, run: Run) -> dict[str, Any]:
        if self.warm_start:
            return {}
        if self.shrinkage and self.loss in ("auto", "squared_error"):
            return self._shrink(run)
        if self.temperature and self._target.has_spread:
            are_quantiles = isinstance(self.loss, Quantile)
            factor = choose_spread(run, self._best_constant(), are_quantiles)
            return {"spread_factor": factor}
        return {}

    def _shrink(self, run: Run) -> dict[str, Any]:
        """Shrink what the network adds, and add shares of two simple forecasts.

        These are ridge regression on the last values, and the last value.
        """
        scale, linear = run.target_scale, None
        if scale is None or not has_known_degrees_of_freedom(run):
            return {}
        adds_forecasts = self.skip_connection == "auto" and not isinstance(self.init, dict)
        if adds_forecasts:
            linear = fit_linear_part(run.samples, scale.differences)
        if linear is not None and scale.overflows(linear.weights, run.params.flat.dtype):
            linear = None
        shares = choose_shares(run, self._target, linear)
        corrected = scale
        if linear is not None:
            by_ridge = linear.weights * shares.linear, linear.intercept * shares.linear
            corrected = corrected.with_linear_part(*by_ridge)
        if adds_forecasts:
            by_last_value = share_of_last_value(run.samples, scale, shares.unexplained)
            corrected = corrected.with_linear_part(*by_last_value)
        return {"output_factor": shares.network, "target_scale": corrected}

    def _learned_from(self, run: Run) -> dict[str, Any]:
        left = np.broadcast_to(run.output_factor, run.network.n_outputs)
        found = {"shrinkage_": 1.0 - left, "temperature_": run.spread_factor}
        return {**super()._learned_from(run), **found}

    def forecast(
        self, X: Any, horizon: int, exogenous: Any = None, *, window: Window = "auto"
    ) -> np.ndarray:
        """Forecast several steps after each sequence, by feeding back the predictions.

        Parameters
        ----------
        X : array-like
            Sequences in any form that `fit` accepts.

        horizon : int
            Number of steps.

        exogenous : array-like of shape (n_sequences, horizon - 1, n_exogenous), default=None
            Values of the exogenous features, those after the targets, at the steps that are
            appended. The last prediction is not fed back.

        window : 'auto', int or None, default='auto'
            Predict from so many last steps of each sequence only. 'auto' means the number of steps
            that the sequence has in `X`, so pass sequences as long as those in training, or their
            length as `window`. None means that sequences grow. So does 'auto' for networks of one
            direction that predict from their last state (``bidirectional=False`` and
            ``pooling="last"``, or an estimator of steps), which stay accurate on longer
            sequences.

        Returns
        -------
        y : ndarray of shape (n_sequences, horizon) or (n_sequences, horizon, n_targets)
            The forecasts; 3-D if the targets are vectors.

        Raises
        ------
        ValueError
            As `skrnn.forecasting.forecast`, which explains more, and also accepts pipelines.
        """
        return forecast(self, X, horizon, exogenous, window=window)

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags


class StepRNNClassifier(PathPredictions, RecurrentNetwork):
    """Recurrent classifier of the steps of sequences: a label for each step.

    Recurrent layers read a sequence step by step, and a dense layer turns the state after each
    step into class scores. The loss is the mean over all steps. With ``loss="crf"``, the labels of
    a sequence are predicted together, by a conditional random field.

    Targets and predictions are 1-D object arrays (or lists) of one array for each sequence.
    scikit-learn does not support such targets. So its tags do not mark this estimator as a
    classifier, and cross-validation does not stratify.

    Parameters
    ----------
    hidden_layer_sizes : int or array-like of int, default=(32,)
        Number of units of each recurrent layer, in each direction. Without layers, ``()``, the
        output is a linear function of each step, or of the pooled steps if a sequence has one
        target.

    cell : {'rnn', 'gru', 'gru_d', 'lstm'}, default='gru'
        Elman network [1]_, gated recurrent unit, its variant for missing values [2]_, or long
        short-term memory [3]_. 'gru_d' takes the output of ``ForwardImputer(add_indicator=True,
        add_elapsed=True)``. The longer a feature has not been observed, the more its value decays
        towards 0, so its mean should be 0, and the more the states of the first layer decay. The
        backward direction uses the same times as the forward direction, those since the last
        observation before the step. The layers above the first are 'gru'.

    activation : {'tanh', 'relu', 'logistic', 'identity'}, default='tanh'
        Activation function of the 'rnn' cell. The other cells have fixed activation functions and
        accept 'tanh' only.

    bidirectional : bool, default=False
        Whether each layer also reads the sequences backwards.

    dropout : float, default=0.0
        Fraction of the outputs of each recurrent layer set to zero at random in each training step.
        Not available with 'lbfgs'.

    bptt_steps : int, default=None
        Truncate backpropagation through time. Sequences are divided into blocks of `bptt_steps`
        steps, and the gradient does not pass from one block to the previous block. With 1, the
        previous state is always treated as a constant. None means no truncation.

    step_features : int, default=None
        Number of features of a step if sequences are flat, as in a 2-D `X`. None means 1.

    embedding_size : int, default=None
        Number of outputs of a linear layer without bias, through which the features of a step pass
        before the first recurrent layer. For one-hot encoded tokens it is an embedding: each token
        has a vector of this size, which is learned. For many numeric features it is a learned
        projection. None means no such layer. Not available for 'gru_d', or for a single feature.

    loss : {'auto', 'log_loss', 'squared_error', 'crf'} or `CRF`, default='auto'
        'log_loss' is the cross-entropy. 'squared_error' is half the squared error of the
        probabilities. 'crf' is the negative log-likelihood of a conditional random field, whose
        object `CRF` has constraints on the order of labels. 'auto' means 'log_loss'.

    temperature : {'auto', None}, default='auto'
        Whether to correct predicted distributions at the end of `fit`. They are too narrow, because
        networks memorize the training targets. Class scores (logits) are divided by a number of at
        least 1, which is temperature scaling (Guo et al., ICML 2017). They are then shifted so that
        the mean probability of each class or label is about its weighted frequency in the training
        samples. The spread of `Gaussian` and the distances of several quantiles to the median are
        multiplied by a number of at least 1. With 'auto', the number depends on how much the
        training loss decreases after the first tenth of the training. It is 1 for sequences that
        may be all cases of a logic problem: up to 32, of which at most 16 differ or in which no
        column has more than two values, unless more than 500 of their steps have targets. It is
        also 1 without recurrent layers, with another loss, for quantiles that neither contain 0.5
        nor are symmetric about it, with another solver than 'adam', with `early_stopping` and with
        `warm_start`. None means no correction. Set it if training is to continue after `fit`.

    solver : {'adam', 'sgd', 'lbfgs'}, `Adam`, `SGD` or `LBFGS`, default='adam'
        The optimization algorithm. An object has further parameters, which a grid search sets by
        names such as ``solver__beta_1``.

    learning_rate_init : float, default=0.01
        Initial learning rate of 'adam' and 'sgd'.

    learning_rate : {'constant', 'invscaling', 'adaptive', 'cosine'}, default='cosine'
        Schedule of the learning rate. 'invscaling' divides the initial rate by the square root
        of the number of sequences seen. 'adaptive' divides the rate by 5 whenever the loss (or
        validation loss) has not improved for `n_iter_no_change` epochs. 'cosine' decreases the
        rate to 0 at `max_iter`.

    alpha : float, default=0.0001
        Strength of the L2 penalty ``alpha / 2 * sum(W ** 2)``. Added to the mean loss, it is
        divided by the number of steps, or by the sum of their weights.

    batch_size : int or 'auto', default='auto'
        Number of sequences in a batch of 'adam' and 'sgd'. 'auto' is a 16th of the sequences, but
        at least 8 and at most 32. Up to 32 sequences are one batch.

    max_iter : int or 'auto', default='auto'
        Maximum number of epochs (passes over the sequences) of 'adam' and 'sgd', or of iterations
        of 'lbfgs'. With the schedule 'cosine', 'auto' is as many epochs as give about 700 steps
        of the solver, but at least 30 and at most 200. Otherwise it is 200.

    max_grad_norm : float or None, default=5.0
        Larger gradients are scaled down to this Euclidean norm [4]_. None means no limit. Not used
        by 'lbfgs'.

    tol : float, default=1e-4
        Training ends when the loss (or validation loss) has not improved by `tol` for
        `n_iter_no_change` epochs; with 'lbfgs', when no entry of the gradient exceeds `tol`.

    n_iter_no_change : int, inf or 'auto', default='auto'
        Number of epochs without improvement that end training. 'auto' is 10, but infinity with the
        schedule 'cosine' if training does not stop early: then it ends at `max_iter`.

    early_stopping : bool or 'auto', default='auto'
        Whether to stop training when neither the loss nor the score on validation data improves,
        and to keep the weights of the lowest validation loss. The validation data are those passed
        to `fit`, or else `validation_fraction` of the sequences or of their steps. 'auto' stops
        early with more than 500 steps of a weight above 0, because networks memorize noisy labels
        of steps. It does not stop early if there are up to 32 sequences and all steps of a label
        might be held out, nor if `max_iter`, another schedule than 'cosine', or
        ``validation_fraction=0`` is given. Not supported by 'lbfgs'.

    validation_fraction : float, default=0.1
        Fraction of the sequences to hold out for `early_stopping`, at least 2. Of fewer than 8
        sequences, this fraction of the steps of each is held out, at its end.

    class_weight : dict, 'balanced' or None, default=None
        Weight of each class, by which sample weights are multiplied, also those of validation
        data. 'balanced' uses the frequencies of the classes in the training data. For multilabel
        targets it is the product of the weights of the labels, divided by the mean over samples.

    n_init : int, default=1
        Number of starts from different initial weights, of which the one of lowest loss is kept.
        The first start that classifies all training data correctly ends the search.

    init : str or dict, default='auto'
        How initial weights are drawn: 'glorot_uniform', 'he_uniform', 'orthogonal', 'uniform'
        (in [-0.1, 0.1)), 'svd' (uniform, of spectral norm 1) or 'zeros'. 'auto' is 'glorot_uniform'
        for input and output weights, 'orthogonal' for recurrent weights and 'zeros' for attention.
        Biases are 0, and 1 for the forget gate of an LSTM. The weights of the decays of 'gru_d'
        start with 0.01: a decay of 1 % in a unit of time. A dictionary in the form of `weights_`
        sets the weights themselves.

    warm_start : bool, default=False
        Whether `fit` continues from the weights of the previous call.

    random_state : int, RandomState instance or None, default=None
        Determines initial weights, order of the sequences, validation split and dropout.

    verbose : bool, default=False
        Whether to print the loss of each epoch.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        Class labels; column numbers for multilabel problems.

    weights_ : dict of str to dict of str to ndarray
        Weights of each layer. A recurrent layer (``recurrent_0``, then ``recurrent_0_reverse`` if
        bidirectional, and so on) has input weights ``W`` (n_gates, n_in, n_units), recurrent
        weights ``U`` (n_gates, n_units, n_units) and biases ``b`` (n_gates, n_units). The gates
        of a GRU are z, r, n (update, reset, new); it has a further bias ``b_rec`` (n_units,). A
        GRU-D has those of a GRU, where ``W`` is (n_gates, 2 n, n_units) for ``n_in = 3 n``, and
        the weights of the decays, ``W_x`` (n,) and ``b_x`` (n,) for values, ``W_h`` (n, n_units)
        and ``b_h`` (n_units,) for states. The gates of an LSTM are i, o, f, g (input, output,
        forget, cell). ``output`` has ``W`` (n_in, n_outputs) and ``b`` (n_outputs,). With
        `embedding_size`, ``embedding`` has ``W`` (n_step_features_, embedding_size), one row for
        each feature. With static features, ``initial_0`` and so on have ``W`` (n_states,
        n_static_features, n_units), which maps static features to the initial states of a layer,
        and the last rows of ``W`` of ``output`` are those of static features. With a conditional
        random field, ``transitions`` has ``W`` (n_classes, n_classes), from the label of the row to
        that of the column, and ``start`` and ``end`` (n_classes,), for the first label and the
        last.

    n_features_in_ : int
        Number of columns of a 2-D `X`, else the same as `n_step_features_`.

    n_step_features_ : int
        Number of features of a step.

    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the columns, if X is a DataFrame with names that are all strings.

    n_static_features_ : int
        Number of static features, 0 if there are none.

    static_feature_names_in_ : ndarray of shape (`n_static_features_`,)
        Names of the static features, if they have names that are all strings.

    loss_ : float
        Loss of the last epoch: the mean over its batches, each computed before the step on it.

    best_loss_ : float or None
        Lowest loss of an epoch; None with early stopping, unless the validation targets are equal.

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

    n_iter_ : int
        Number of epochs or iterations.

    n_outputs_ : int
        Number of outputs.

    out_activation_ : str
        'softmax', 'logistic' or 'crf'.

    t_ : int
        Number of training sequences seen, counted once for each epoch.

    temperature_ : float
        The number by which class scores were divided at the end of the last fit; 1 after
        `partial_fit`.
        Losses and scores of the fit are computed before the division and the shift.

    See Also
    --------
    SequenceRNNClassifier : A label for each sequence.
    StepRNNRegressor : A number or vector for each step.
    skrnn.metrics.flat_f1_score : Metrics of labels of steps.
    skrnn.metrics.span_f1_score : Metrics of spans of steps, such as named entities.

    References
    ----------
    .. [1] J. L. Elman, "Finding structure in time", Cognitive Science 14, 179-211 (1990).
    .. [2] K. Cho et al., "Learning phrase representations using RNN encoder-decoder for
       statistical machine translation", EMNLP (2014); for missing values, Z. Che et al.,
       "Recurrent neural networks for multivariate time series with missing values", Scientific
       Reports 8, 6085 (2018).
    .. [3] S. Hochreiter and J. Schmidhuber, "Long short-term memory", Neural Computation 9,
       1735-1780 (1997); with the forget gate of F. A. Gers, J. Schmidhuber and F. Cummins,
       "Learning to forget", Neural Computation 12, 2451-2471 (2000).
    .. [4] R. Pascanu, T. Mikolov and Y. Bengio, "On the difficulty of training recurrent neural
       networks", ICML (2013).

    Examples
    --------
    Was the previous bit a 1?

    >>> from skrnn import StepRNNClassifier
    >>> from skrnn.datasets import make_shift
    >>> X, y = make_shift(100, random_state=0)
    >>> clf = StepRNNClassifier(hidden_layer_sizes=8, random_state=0).fit(X, y)
    >>> clf.predict([[1, 1, 0, 1]])[0]
    array([0, 1, 1, 0])
    """

    _parameter_constraints: dict[str, Any] = {
        **RecurrentNetwork._parameter_constraints,
        "loss": [StrOptions({"auto", "log_loss", "squared_error", "crf"}), CRF],
        "temperature": [StrOptions({"auto"}), None],
        "early_stopping": ["boolean", StrOptions({"auto"})],
        "class_weight": [dict, StrOptions({"balanced"}), None],
    }
    _values_before: ClassVar = {"temperature": None}
    _takes_static_at_steps = False
    _per_step = True

    def __init__(
        self,
        hidden_layer_sizes: HiddenLayers = (32,),
        *,
        cell: Cell = "gru",
        activation: Activation = "tanh",
        bidirectional: bool = False,
        dropout: float = 0.0,
        bptt_steps: int | None = None,
        step_features: int | None = None,
        embedding_size: int | None = None,
        loss: Literal["auto", "log_loss", "squared_error", "crf"] | CRF = "auto",
        temperature: Literal["auto"] | None = "auto",
        solver: Solver = "adam",
        learning_rate_init: float = 0.01,
        learning_rate: LearningRate = "cosine",
        alpha: float = 0.0001,
        batch_size: int | Literal["auto"] = "auto",
        max_iter: int | Literal["auto"] = "auto",
        max_grad_norm: float | None = 5.0,
        tol: float = 1e-4,
        n_iter_no_change: float | Literal["auto"] = "auto",
        early_stopping: bool | Literal["auto"] = "auto",
        validation_fraction: float = 0.1,
        class_weight: ClassWeight = None,
        n_init: int = 1,
        init: Initializer | dict[str, Any] = "auto",
        warm_start: bool = False,
        random_state: RandomState = None,
        verbose: bool = False,
    ) -> None:
        self._store(locals())

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """Accuracy over all steps of all sequences.

        Parameters
        ----------
        X : array-like
            Sequences in any form that `fit` accepts.

        y : array-like
            Labels of the steps, as in `fit`.

        sample_weight : array-like, default=None
            Weights as in `fit`.

        Returns
        -------
        score : float
            Share of the steps whose label is right.
        """
        check_beside(X, y, sample_weight, per_step=True)
        return flat_accuracy_score(y, self.predict(X), sample_weight=sample_weight)


class StepRNNRegressor(NumberPredictions, RecurrentNetwork):
    """Recurrent regressor of the steps of sequences: a number or vector for each step.

    Recurrent layers read a sequence step by step, and a dense layer computes the prediction from
    the state after each step. The loss is the mean over all steps.

    Targets and predictions are 1-D object arrays (or lists) of one array for each sequence.
    scikit-learn would read these as targets of another kind, so this estimator does not declare
    itself a regressor.

    Parameters
    ----------
    hidden_layer_sizes : int or array-like of int, default=(32,)
        Number of units of each recurrent layer, in each direction. Without layers, ``()``, the
        output is a linear function of each step, or of the pooled steps if a sequence has one
        target.

    cell : {'rnn', 'gru', 'gru_d', 'lstm'}, default='gru'
        Elman network [1]_, gated recurrent unit, its variant for missing values [2]_, or long
        short-term memory [3]_. 'gru_d' takes the output of ``ForwardImputer(add_indicator=True,
        add_elapsed=True)``. The longer a feature has not been observed, the more its value decays
        towards 0, so its mean should be 0, and the more the states of the first layer decay. The
        backward direction uses the same times as the forward direction, those since the last
        observation before the step. The layers above the first are 'gru'.

    activation : {'tanh', 'relu', 'logistic', 'identity'}, default='tanh'
        Activation function of the 'rnn' cell. The other cells have fixed activation functions and
        accept 'tanh' only.

    bidirectional : bool, default=False
        Whether each layer also reads the sequences backwards.

    dropout : float, default=0.0
        Fraction of the outputs of each recurrent layer set to zero at random in each training step.
        Not available with 'lbfgs'.

    bptt_steps : int, default=None
        Truncate backpropagation through time. Sequences are divided into blocks of `bptt_steps`
        steps, and the gradient does not pass from one block to the previous block. With 1, the
        previous state is always treated as a constant. None means no truncation.

    step_features : int, default=None
        Number of features of a step if sequences are flat, as in a 2-D `X`. None means 1.

    embedding_size : int, default=None
        Number of outputs of a linear layer without bias, through which the features of a step pass
        before the first recurrent layer. For one-hot encoded tokens it is an embedding: each token
        has a vector of this size, which is learned. For many numeric features it is a learned
        projection. None means no such layer. Not available for 'gru_d', or for a single feature.

    loss : str, `Huber`, `Quantile` or `Gaussian`, default='auto'
        'auto' means 'squared_error', which is half the squared error. 'absolute_error' is the
        absolute error. 'poisson', for targets of at least 0, and 'gamma', for targets above 0, are
        half the deviance; predictions are the exponential of the output. `Huber` and `Quantile`
        have parameters, which a grid search sets by names such as ``loss__delta``. `Quantile` may
        predict several numbers for a target, and `Gaussian` predicts a mean and a spread.

    normalize_y : bool, default=True
        Whether to subtract the mean of the targets and divide by their standard deviation, for
        each output, in training. The output layer undoes this at the end, so predictions and
        `weights_` are in the units of `y`. The losses, the penalty and `tol` refer to the
        standardized targets. Training that continues (`warm_start`, `partial_fit`) uses the mean
        and deviation of the first fit, or of the first chunk. `delta` of `Huber` refers to
        standardized targets too. For 'poisson' and 'gamma', targets are divided by their mean.

    skip_connection : {'auto', None}, default='auto'
        Linear connection from the features of a step to its output. The network is trained on the
        difference between the targets and this linear function, whose weights are not trained
        further. With 'auto', `fit` chooses for each output the column that explains most of the
        variance of the target at the same step. The weight is that of least squares. No column is
        chosen if less than 0.8 of the variance is explained, because the noise of the column would
        then be larger than what the network has to learn. If a column is chosen for one output, the
        outputs without a column get a weight of it too. With `Gaussian`, the connection is added to
        the mean, and with `Quantile` to all quantiles. It is not used with 'poisson' and 'gamma'.
        None means no connection.

    solver : {'adam', 'sgd', 'lbfgs'}, `Adam`, `SGD` or `LBFGS`, default='adam'
        The optimization algorithm. An object has further parameters, which a grid search sets by
        names such as ``solver__beta_1``.

    learning_rate_init : float, default=0.01
        Initial learning rate of 'adam' and 'sgd'.

    learning_rate : {'constant', 'invscaling', 'adaptive', 'cosine'}, default='cosine'
        Schedule of the learning rate. 'invscaling' divides the initial rate by the square root
        of the number of sequences seen. 'adaptive' divides the rate by 5 whenever the loss (or
        validation loss) has not improved for `n_iter_no_change` epochs. 'cosine' decreases the
        rate to 0 at `max_iter`.

    alpha : float or 'auto', default='auto'
        Strength of the L2 penalty ``alpha / 2 * sum(W ** 2)``. Added to the mean loss of a
        batch, it is divided by the number of its steps, or the sum of their weights. 'auto' is the
        smaller of 1 and 8 times the share of a batch in all sequences, times the dispersion of the
        loss. Divided by its dispersion, a loss is a negative log-likelihood. The dispersion is 1
        for squared errors and `Gaussian`, the squared coefficient of variation of the targets for
        'poisson' and 'gamma', and the mean loss of the best constant for 'absolute_error' and each
        quantile. 'auto' is 0.0001 with 'lbfgs' or ``normalize_y=False``, for logic problems such as
        XOR, and in `partial_fit`. Use a larger value for very noisy targets, and 0.0001 for those
        without noise.

    batch_size : int or 'auto', default='auto'
        Number of sequences in a batch of 'adam' and 'sgd'. 'auto' is a 16th of the sequences, but
        at least 8 and at most 32. Up to 32 sequences are one batch.

    max_iter : int or 'auto', default='auto'
        Maximum number of epochs (passes over the sequences) of 'adam' and 'sgd', or of iterations
        of 'lbfgs'. With the schedule 'cosine', 'auto' is as many epochs as give about 700 steps
        of the solver, but at least 30 and at most 200. Otherwise it is 200.

    max_grad_norm : float or None, default=5.0
        Larger gradients are scaled down to this Euclidean norm [4]_. None means no limit. Not used
        by 'lbfgs'.

    tol : float, default=1e-4
        Training ends when the loss (or validation loss) has not improved by `tol` for
        `n_iter_no_change` epochs; with 'lbfgs', when no entry of the gradient exceeds `tol`.

    n_iter_no_change : int, inf or 'auto', default='auto'
        Number of epochs without improvement that end training. 'auto' is 10, but infinity with the
        schedule 'cosine' if training does not stop early: then it ends at `max_iter`.

    early_stopping : bool, default=False
        Whether to stop training when neither the loss nor the score on validation data improves,
        and to keep the weights of the lowest validation loss. The validation data are those passed
        to `fit`, or else `validation_fraction` of the sequences or of their steps. Not supported by
        'lbfgs'.

    validation_fraction : float, default=0.1
        Fraction of the sequences to hold out for `early_stopping`, at least 2. Of fewer than 8
        sequences, this fraction of the steps of each is held out, at its end.

    n_init : int, default=1
        Number of starts from different initial weights, of which the one of lowest loss is kept.

    init : str or dict, default='uniform'
        How initial weights are drawn: 'glorot_uniform', 'he_uniform', 'orthogonal', 'uniform'
        (in [-0.1, 0.1)), 'svd' (uniform, of spectral norm 1) or 'zeros'. 'auto' is 'glorot_uniform'
        for input and output weights, 'orthogonal' for recurrent weights and 'zeros' for attention.
        Biases are 0, and 1 for the forget gate of an LSTM. The weights of the decays of 'gru_d'
        start with 0.01: a decay of 1 % in a unit of time. A dictionary in the form of `weights_`
        sets the weights themselves.

    warm_start : bool, default=False
        Whether `fit` continues from the weights of the previous call.

    random_state : int, RandomState instance or None, default=None
        Determines initial weights, order of the sequences, validation split and dropout.

    verbose : bool, default=False
        Whether to print the loss of each epoch.

    Attributes
    ----------
    weights_ : dict of str to dict of str to ndarray
        Weights of each layer. A recurrent layer (``recurrent_0``, then ``recurrent_0_reverse`` if
        bidirectional, and so on) has input weights ``W`` (n_gates, n_in, n_units), recurrent
        weights ``U`` (n_gates, n_units, n_units) and biases ``b`` (n_gates, n_units). The gates
        of a GRU are z, r, n (update, reset, new); it has a further bias ``b_rec`` (n_units,). A
        GRU-D has those of a GRU, where ``W`` is (n_gates, 2 n, n_units) for ``n_in = 3 n``, and
        the weights of the decays, ``W_x`` (n,) and ``b_x`` (n,) for values, ``W_h`` (n, n_units)
        and ``b_h`` (n_units,) for states. The gates of an LSTM are i, o, f, g (input, output,
        forget, cell). ``output`` has ``W`` (n_in, n_outputs) and ``b`` (n_outputs,). With
        `embedding_size`, ``embedding`` has ``W`` (n_step_features_, embedding_size), one row for
        each feature. The last rows of ``W`` of the first layer and of ``output`` are those of
        static features. With a GRU-D, the first layer has no such rows. Instead, ``initial_0`` and
        so on have ``W`` (n_states, n_static_features, n_units), which maps static features to the
        initial states of a layer.

    n_features_in_ : int
        Number of columns of a 2-D `X`, else the same as `n_step_features_`.

    n_step_features_ : int
        Number of features of a step.

    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the columns, if X is a DataFrame with names that are all strings.

    n_static_features_ : int
        Number of static features, 0 if there are none.

    static_feature_names_in_ : ndarray of shape (`n_static_features_`,)
        Names of the static features, if they have names that are all strings.

    loss_ : float
        Loss of the last epoch: the mean over its batches, each computed before the step on it.

    best_loss_ : float or None
        Lowest loss of an epoch; None with early stopping, unless the validation targets are equal.

    loss_curve_ : list of float
        Loss of each epoch.

    validation_scores_ : list of float or None
        ``score`` on the validation data after each epoch, if there are any.

    best_validation_score_ : float or None
        The highest of `validation_scores_`. The weights that early stopping keeps are those of the
        lowest validation loss. Their score may be lower, and is
        ``validation_scores_[np.argmin(validation_loss_curve_)]``.

    validation_loss_curve_ : list of float or None
        Loss on the validation data after each epoch, if there are any.

    n_iter_ : int
        Number of epochs or iterations.

    n_outputs_ : int
        Number of outputs.

    out_activation_ : str
        The function from outputs to predictions: 'identity', 'exp' for 'poisson' and 'gamma',
        'ordered' for `Quantile`, 'mean_std' for `Gaussian`.

    quantiles_ : float, tuple of float or None
        The quantiles that are predicted, if `loss` is `Quantile`.

    t_ : int
        Number of training sequences seen, counted once for each epoch.

    See Also
    --------
    SequenceRNNRegressor : A number or vector for each sequence.
    StepRNNClassifier : A label for each step.
    TransformedStepTargetRegressor : Transform the targets of steps, for instance by a logarithm.
    skrnn.metrics.flat_r2_score : Metric of numbers at steps.

    References
    ----------
    .. [1] J. L. Elman, "Finding structure in time", Cognitive Science 14, 179-211 (1990).
    .. [2] K. Cho et al., "Learning phrase representations using RNN encoder-decoder for
       statistical machine translation", EMNLP (2014); for missing values, Z. Che et al.,
       "Recurrent neural networks for multivariate time series with missing values", Scientific
       Reports 8, 6085 (2018).
    .. [3] S. Hochreiter and J. Schmidhuber, "Long short-term memory", Neural Computation 9,
       1735-1780 (1997); with the forget gate of F. A. Gers, J. Schmidhuber and F. Cummins,
       "Learning to forget", Neural Computation 12, 2451-2471 (2000).
    .. [4] R. Pascanu, T. Mikolov and Y. Bengio, "On the difficulty of training recurrent neural
       networks", ICML (2013).

    Examples
    --------
    Running sums:

    >>> import numpy as np
    >>> from skrnn import StepRNNRegressor
    >>> rng = np.random.RandomState(0)
    >>> X = [rng.uniform(-0.3, 0.3, n) for n in rng.randint(1, 9, 50)]
    >>> reg = StepRNNRegressor(cell="rnn", activation="identity", solver="lbfgs", random_state=0)
    >>> reg.fit(X, [x.cumsum() for x in X]).predict([[0.1, 0.1, 0.2]])[0].round(1)
    array([0.1, 0.2, 0.4])
    """

    _parameter_constraints: dict[str, Any] = {
        **RecurrentNetwork._parameter_constraints,
        "loss": [StrOptions({"auto", *NUMBER_LOSSES}), Huber, Quantile, Gaussian],
        "normalize_y": ["boolean"],
        "alpha": [StrOptions({"auto"}), *RecurrentNetwork._parameter_constraints["alpha"]],
        "skip_connection": [StrOptions({"auto"}), None],
    }
    _per_step = True

    def __init__(
        self,
        hidden_layer_sizes: HiddenLayers = (32,),
        *,
        cell: Cell = "gru",
        activation: Activation = "tanh",
        bidirectional: bool = False,
        dropout: float = 0.0,
        bptt_steps: int | None = None,
        step_features: int | None = None,
        embedding_size: int | None = None,
        loss: Literal["auto"] | NumberLossName | Huber | Quantile | Gaussian = "auto",
        normalize_y: bool = True,
        skip_connection: Literal["auto"] | None = "auto",
        solver: Solver = "adam",
        learning_rate_init: float = 0.01,
        learning_rate: LearningRate = "cosine",
        alpha: float | Literal["auto"] = "auto",
        batch_size: int | Literal["auto"] = "auto",
        max_iter: int | Literal["auto"] = "auto",
        max_grad_norm: float | None = 5.0,
        tol: float = 1e-4,
        n_iter_no_change: float | Literal["auto"] = "auto",
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        n_init: int = 1,
        init: Initializer | dict[str, Any] = "uniform",
        warm_start: bool = False,
        random_state: RandomState = None,
        verbose: bool = False,
    ) -> None:
        self._store(locals())

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """Coefficient of determination over all steps, for ``loss=Quantile(...)`` D².

        Parameters
        ----------
        X : array-like
            Sequences in any form that `fit` accepts.

        y : array-like
            Targets of the steps, as in `fit`.

        sample_weight : array-like, default=None
            Weights as in `fit`.

        Returns
        -------
        score : float
            R², 1 at best. For quantiles, the mean over the quantiles of
            `sklearn.metrics.d2_pinball_score`, 1 at best.
        """
        check_beside(X, y, sample_weight, per_step=True)
        return score_numbers(y, self.predict(X), self._target, sample_weight)

    def forecast(
        self, X: Any, horizon: int, exogenous: Any = None, *, window: Window = "auto"
    ) -> np.ndarray:
        """Forecast several steps after each sequence, by feeding back the predictions.

        Parameters
        ----------
        X : array-like
            Sequences in any form that `fit` accepts.

        horizon : int
            Number of steps.

        exogenous : array-like of shape (n_sequences, horizon - 1, n_exogenous), default=None
            Values of the exogenous features, those after the targets, at the steps that are
            appended. The last prediction is not fed back.

        window : 'auto', int or None, default='auto'
            Predict from so many last steps of each sequence only. 'auto' means the number of steps
            that the sequence has in `X`, so pass sequences as long as those in training, or their
            length as `window`. None means that sequences grow. So does 'auto' for networks of one
            direction that predict from their last state (``bidirectional=False`` and
            ``pooling="last"``, or an estimator of steps), which stay accurate on longer
            sequences.

        Returns
        -------
        y : ndarray of shape (n_sequences, horizon) or (n_sequences, horizon, n_targets)
            The forecasts; 3-D if the targets are vectors.

        Raises
        ------
        ValueError
            As `skrnn.forecasting.forecast`, which explains more, and also accepts pipelines.
        """
        return forecast(self, X, horizon, exogenous, window=window)

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags
