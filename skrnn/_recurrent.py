"""What the recurrent estimators share: network, initial weights, hidden states, streams."""

from __future__ import annotations

from dataclasses import replace
from numbers import Integral, Real
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from scipy.sparse import csr_array, issparse
from sklearn.base import ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils._param_validation import Interval, Options, StrOptions

from skrnn._base import NeuralNetwork
from skrnn._compat.decorators import fit_context
from skrnn._estimator import unchanged_on_error
from skrnn._gaps import check_gaps, check_gaps_of_streams
from skrnn._input import (
    all_finite,
    check_numeric,
    read_static,
    read_static_of_streams,
    read_X,
    set_learned,
    unflatten,
)
from skrnn._numeric.initializers import INITIALIZERS
from skrnn._numeric.layers import POOLINGS
from skrnn._numeric.networks import RNN
from skrnn._numeric.params import Params
from skrnn._numeric.pieces import pieces
from skrnn._numeric.recurrent import CELLS
from skrnn._numeric.streams import StreamState, check_types
from skrnn._training.few import LARGEST_BATCH
from skrnn._training.initial import draw_weights
from skrnn._training.options import auto_settings
from skrnn._training.targets import check_finite
from skrnn.solvers import LBFGS, SGD, SOLVERS, Adam

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sklearn.utils import Tags

    from skrnn._numeric.training import Ragged, Rows
    from skrnn._numeric.types import Matrix
    from skrnn._training.options import TrainingOptions

    Solver = Adam | SGD | LBFGS
    Weights = Mapping[str, Mapping[str, np.ndarray]]


class RecurrentNetwork(NeuralNetwork):
    """Fit a recurrent network to sequences, and show its hidden states.

    The parameters are those of `SequenceRNNClassifier`.
    """

    _parameter_constraints: dict[str, Any] = {
        **NeuralNetwork._parameter_constraints,
        "cell": [StrOptions(set(CELLS))],
        "max_iter": [StrOptions({"auto"}), Interval(Integral, 1, None, closed="left")],
        "n_iter_no_change": [
            StrOptions({"auto"}),
            Interval(Integral, 1, None, closed="left"),
            Options(Real, {np.inf}),
        ],
        "bidirectional": ["boolean"],
        "bptt_steps": [None, Interval(Integral, 1, None, closed="left")],
        "step_features": [None, Interval(Integral, 1, None, closed="left")],
        "embedding_size": [None, Interval(Integral, 1, None, closed="left")],
        "solver": [StrOptions(set(SOLVERS)), Adam, SGD, LBFGS],
        "max_grad_norm": [None, Interval(Real, 0, None, closed="neither")],
        "init": [StrOptions({"auto", *INITIALIZERS}), dict],
    }

    _network_type = RNN
    _least_batch_size = 8
    _takes_static_at_steps = True
    _keep_best = True  # the losses of recurrent networks have spikes

    @fit_context(prefer_skip_nested_validation=True)
    def fit(
        self,
        X: Any,
        y: Any,
        sample_weight: Any = None,
        *,
        X_val: Any = None,
        y_val: Any = None,
        sample_weight_val: Any = None,
    ) -> Self:
        """Fit the weights to sequences and their targets.

        Parameters
        ----------
        X : list, tuple, object array, Series, Sequences, 2-D or 3-D array, or DataFrame
            Sequences in any form that `skrnn.as_sequences` reads. The columns of single values
            of a DataFrame with columns of sequences, and the table ``static`` of `Sequences`, are
            static features. float32 stays float32 throughout; all other types become float64.

        y : array-like of shape (n_sequences,) or (n_sequences, n_outputs)
            Class labels, or a multilabel indicator matrix, for a classifier; numbers or
            vectors for a regressor. Step estimators take a list or object array of one array
            ``(n_steps,)`` or ``(n_steps, n_outputs)`` for each sequence, or, with a padded `X`,
            a padded array. Values in the padding are ignored. Targets and weights are paired with
            the sequences by position. A pandas index with the ids of `X` in another order is
            refused.

        sample_weight : array-like of shape (n_sequences,), default=None
            Weights of the sequences. A weight of 2 counts as the sequence twice (in
            expectation, if there are several batches). Step estimators also take weights of the
            steps, in the form of `y`.

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

    def _n_starts(self, options: TrainingOptions, samples: Rows | Ragged) -> int:
        return 1 if isinstance(self.init, dict) else self.n_init

    def _read_X(self, X: Any, *, reset: bool) -> tuple[Matrix, np.ndarray, np.ndarray | None]:
        reading, learned = read_X(self, X, reset=reset)
        sequences = check_numeric(reading.sequences)
        cell = self.cell if reset else self._cell  # that of fit, whatever the parameter is now
        if CELLS[cell].decays:
            check_gaps(sequences, cell)
        x = sequences.values
        static, of_static = read_static(self, sequences, x.dtype, reset=reset)
        set_learned(self, learned | of_static | ({"_cell": cell} if reset else {}))
        return x, sequences.lengths, static

    def _network(self, samples: Ragged, warm_start: bool = False) -> RNN:
        hidden = self._hidden_units()
        if self.dropout not in (0, "auto") and not hidden:
            raise ValueError(
                f"dropout={self.dropout} has no effect with hidden_layer_sizes=(), since it is "
                "applied to the outputs of recurrent layers. Use dropout=0."
            )
        if self.activation != "tanh" and not CELLS[self.cell].takes_activation:
            raise ValueError(
                f"activation={self.activation!r} has no effect with cell={self.cell!r}, whose "
                "activation functions are fixed. Use cell='rnn', or activation='tanh'."
            )
        if self.embedding_size is not None and CELLS[self.cell].decays:
            raise ValueError(
                f"embedding_size={self.embedding_size} would mix values, indicators and times, "
                f"which cell={self.cell!r} needs apart. Use embedding_size=None, or another cell."
            )
        if self.embedding_size is not None and self.n_step_features_ == 1:
            raise ValueError(
                f"embedding_size={self.embedding_size} needs several features of each step, but X "
                "has 1, which is a number and no token. If it holds tokens, such as integer ids, "
                "put PerStep(OneHotEncoder()) before the network. Otherwise use "
                "embedding_size=None."
            )
        return RNN(
            n_features=self.n_step_features_,
            hidden_layer_sizes=hidden,
            n_outputs=self.n_outputs_,
            cell=self.cell,
            activation=self.activation,
            bidirectional=self.bidirectional and bool(hidden),
            pooling=self._poolings(),
            dropout=self._choose_dropout(samples, hidden),
            bptt_steps=None if self.bptt_steps is None else int(self.bptt_steps),
            n_static=self.n_static_features_,
            embedding_size=None if self.embedding_size is None else int(self.embedding_size),
            static_at_steps=self._reads_static_at_steps(warm_start) and bool(hidden),
        )

    def _reads_static_at_steps(self, warm_start: bool) -> bool:
        """Whether the first recurrent layer, if there is one, reads static features at each step.

        Otherwise they make the initial states. The input of 'gru_d' has three parts, which have no
        place for them. Classifiers of steps were better with initial states; see design note 7.
        """
        if warm_start:
            return bool(self._architecture.get("static_at_steps", False))  # older ones have none
        if isinstance(self.init, dict) and "initial_0" in self.init:
            return False  # weights of initial states are given
        has_place = self._takes_static_at_steps and not CELLS[self.cell].decays
        return has_place and self.n_static_features_ > 0

    def _is_one_batch(self, samples: Ragged) -> bool:
        """Whether sequences are so few that a weight of 2 must equal a sequence twice.

        Such sequences are one batch without dropout, because with both, this holds in the mean
        only.
        """
        return samples.n_samples <= LARGEST_BATCH

    def _choose_dropout(self, samples: Ragged, hidden: tuple[int, ...]) -> float:
        """Get the rate of dropout."""
        if self.dropout != "auto":
            return float(self.dropout)
        is_lbfgs = self.solver == "lbfgs" or isinstance(self.solver, LBFGS)
        return 0.3 if hidden and not self._is_one_batch(samples) and not is_lbfgs else 0.0

    def _auto_settings(
        self, samples: Ragged, solver: Solver, incremental: bool, validates: bool
    ) -> dict[str, Any]:
        batch_size = LARGEST_BATCH
        if not self._is_one_batch(samples):
            batch_size = int(
                np.clip(samples.n_samples // 16, self._least_batch_size, LARGEST_BATCH)
            )
        given = self.get_params(deep=False)
        return auto_settings(given, samples, solver, batch_size, validates)

    def _poolings(self) -> tuple[str, ...] | None:
        """Get the names of the poolings as a tuple; None if there is an output for each step."""
        if self._per_step:
            return None
        names = (self.pooling,) if isinstance(self.pooling, str) else tuple(self.pooling)
        known = all(isinstance(name, str) and name in POOLINGS for name in names)
        if not names or not known or len(set(names)) < len(names):
            raise ValueError(
                f"pooling={self.pooling!r} must be one of {', '.join(map(repr, POOLINGS))}, or a "
                "tuple of different ones of them."
            )
        return names

    def _choose_solver(self, samples: Rows | Ragged, incremental: bool) -> Solver:
        solver: Solver = SOLVERS[self.solver]() if isinstance(self.solver, str) else self.solver
        solver._validate_params()
        return solver

    def _init_weights(self, params: Params, rng: np.random.RandomState, attempt: int) -> None:
        if isinstance(self.init, dict):
            given = self.init
            if self._takes_skip():  # not a part of the network in training
                given = {layer: p for layer, p in given.items() if layer != "skip"}
            params.fill(given)
            return
        n_static = self.n_static_features_ if self._reads_static_at_steps(False) else 0
        draw_weights(params, self.init, CELLS[self.cell], n_static, rng)

    def _takes_skip(self) -> bool:
        """Whether weights of a skip connection may be given: outputs must be the predictions."""
        if not hasattr(self, "skip_connection"):
            return False
        return bool(self._number_loss().out_activation == "identity")

    def _weights(self) -> Weights:
        weights: Weights = self.weights_
        return weights

    def _weight_attributes(self, params: Weights) -> dict[str, Weights]:
        return {"weights_": {layer: dict(p) for layer, p in params.items()}}

    def __setstate__(self, state: dict[str, Any]) -> None:
        if "n_step_features_" in state:  # fitted; 0.1.0 had no static features, nor `_cell`
            state = {"n_static_features_": 0, "_cell": state["cell"], **state}
        super().__setstate__(state)

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.three_d_array = True
        return tags

    # Hidden states and streams -----------------------------------------------------------

    def hidden_states(self, X: Any) -> np.ndarray:
        """Compute the states of the last recurrent layer at every step.

        Parameters
        ----------
        X : array-like
            Sequences in any form that `fit` accepts.

        Returns
        -------
        states : ndarray of shape (n_sequences,) and dtype object
            One array ``(n_steps, n_units)`` for each sequence; of twice as many columns if
            bidirectional, forwards first. Steps of a frame (`frame_length`) have the same states.

        Raises
        ------
        ValueError
            If there is no recurrent layer.
        """
        if not self._fitted_network().hidden_layer_sizes:
            raise ValueError("There are no hidden states, since hidden_layer_sizes is empty.")
        network = replace(self._fitted_network(), pooling=None)
        states, lengths = self._evaluate(network, X, run=network.encode)
        return unflatten(states[network.frames_of_steps(lengths)], lengths)

    def input_gradients(self, X: Any, target: int | None = None) -> np.ndarray:
        """Compute the gradient of an output with respect to each feature of each step.

        Parameters
        ----------
        X : array-like
            Sequences in any form that `fit` accepts.

        target : int, default=None
            The output: a column of `decision_function` for more than two classes, or of
            vector-valued predictions. None means the largest output of each sequence (of each
            step, for step estimators). For two classes there is one output, which is positive
            for the second class; two with a conditional random field.

        Returns
        -------
        gradients : ndarray of shape (n_sequences,) and dtype object
            One array ``(n_steps, n_step_features_)`` for each sequence: the derivative of the
            raw prediction (before softmax or logistic) with respect to the input. For step
            estimators, the derivative of the sum of the raw predictions of all steps. With a
            conditional random field, these are the emissions. The arrays are dense, also if `X` is
            sparse, so pass a few sequences of many features at a time.

        Raises
        ------
        ValueError
            If there is no output `target`.
        """
        # Truncation is for training only.
        network = replace(self._fitted_network(), bptt_steps=None, transitions=False)
        if target is not None and not (
            isinstance(target, Integral) and 0 <= int(target) < self.n_outputs_
        ):
            raise ValueError(f"target={target!r} is not an output from 0 to {self.n_outputs_ - 1}.")
        values, lengths, static = self._read_X(X, reset=False)
        weights = self._weights()
        dtype = np.result_type(values.dtype, weights["output"]["W"].dtype)
        unused = Params(network.shapes, dtype)
        gradients = []
        of_all = values.shape[0], lengths, static
        for piece in pieces(*of_all, per_step=network.per_step, width=network.n_outputs):
            x, packing = piece.pack(values)
            with np.errstate(over="ignore", invalid="ignore"):
                raw, back = network.run(weights, x, packing)
                output = raw.argmax(axis=1) if target is None else target
                draw = np.zeros_like(raw)
                draw[np.arange(len(raw)), output] = 1
                dx = back(draw, unused, want_dx=True)
            gradients.append(dx[packing.to_concatenated])
        return unflatten(check_finite(np.concatenate(gradients)), lengths)

    def initial_state(self, n_streams: int | None = None, *, static: Any = None) -> StreamState:
        """Create the state before the first step of parallel streams.

        Parameters
        ----------
        n_streams : int, default=None
            Number of streams. None means the number of rows of `static`, or 1.

        static : array-like or frame of shape (n_streams, n_static_features_), default=None
            The static features of each stream, transformed by the earlier steps of a pipeline;
            may be sparse. Required if the estimator was fitted with static features.

        Returns
        -------
        state : StreamState
            A named tuple of arrays, to be passed to `step`. It is never modified, so that it
            can be stored, copied and used again.

        Raises
        ------
        ValueError
            If the network needs the end of the streams first, since it is bidirectional, or reads
            differences to the last value, several last values (``skip_connection="auto"``) or
            frames of steps, if `n_streams` is not a positive integer, or if `static` does not match
            the streams or the static features of `fit`.
        """
        network = self._fitted_network()
        if network.needs_ends:
            needs, does = [], []
            if network.bidirectional:
                needs, does = ["bidirectional=False"], ["reads backwards"]
            if network.differences or network.skip > 1:
                needs.append("skip_connection='last' or None")
            if network.differences:
                columns = list(network.differences)
                does.append(f"reads columns {columns} as differences to their last value")
            if network.frame_length > 1:
                needs.append("frame_length=1")
                does.append(f"reads frames of {network.frame_length} steps")
            if network.skip > 1:
                does.append(f"adds a function of the last {network.skip} steps")
            raise ValueError(
                f"Streams need {' and '.join(needs)} in fit. This network was fitted without, and "
                f"{' and '.join(does)}, but the end of a stream is not known yet."
            )
        dtype = self.weights_["output"]["W"].dtype
        n_streams, static = read_static_of_streams(self, static, n_streams, dtype)
        state: StreamState = network.initial_state(self.weights_, n_streams, static)
        return state

    def step(self, x_t: Any, state: StreamState) -> tuple[np.ndarray, StreamState]:
        """Process the next step of every stream.

        Parameters
        ----------
        x_t : array-like or sparse matrix of shape ``(n_streams, n_step_features_)``
            The step of each stream; also ``(n_step_features_,)`` for a single stream.

        state : StreamState
            The state that `initial_state` or the previous `step` returned.

        Returns
        -------
        prediction : ndarray
            For each stream, what `predict_proba` of a classifier or `predict` of a regressor
            returns for its steps so far (for the last of them, for step estimators). With a
            conditional random field, the probabilities of the label given the steps so far,
            without the scores of the end of a sequence.

        state : StreamState
            The state after this step.

        Raises
        ------
        ValueError
            If `x_t` does not match the streams or is not finite, or if the state belongs to
            another network or its arrays have been converted to another type.

        Examples
        --------
        >>> from skrnn import SequenceRNNClassifier
        >>> clf = SequenceRNNClassifier(bidirectional=False, random_state=0)
        >>> clf = clf.fit([[0, 0, 1], [0], [1], [0, 0]], [1, 0, 1, 0])
        >>> state = clf.initial_state()
        >>> for bit in [0, 0, 1]:
        ...     probabilities, state = clf.step([bit], state)
        >>> bool(abs(probabilities - clf.predict_proba([[0, 0, 1]])).max() < 1e-12)
        True
        """
        network = self._fitted_network()
        if not isinstance(state, StreamState):
            raise ValueError(f"state must come from initial_state() or step(), got {state!r}.")
        dtype = self.weights_["output"]["W"].dtype
        check_types(state, dtype)
        n_streams = network.n_streams(state)
        x_t = _as_numbers(x_t, dtype)
        if x_t.ndim == 1 and n_streams == 1:
            x_t = x_t.reshape((1, -1))
        if x_t.shape != (n_streams, self.n_step_features_):
            raise ValueError(
                f"x_t has shape {x_t.shape}, but (n_streams, n_step_features_) = "
                f"({n_streams}, {self.n_step_features_}) is needed."
            )
        if not all_finite(x_t if isinstance(x_t, np.ndarray) else x_t.data):
            dense = x_t.toarray() if issparse(x_t) else x_t
            stream = np.isfinite(dense).all(axis=1).argmin()
            raise ValueError(f"x_t contains NaN or infinity in stream {stream}.")
        if CELLS[network.cell].decays:
            check_gaps_of_streams(x_t, network.cell)
        raw, state = network.step(self.weights_, x_t, state)
        check_finite(raw)
        return self._fitted_target.predictions(raw if state.labels is None else state.labels), state


class PooledStates(ClassNamePrefixFeaturesOutMixin, TransformerMixin):
    """The method of a transformer: pooled hidden states as features of a sequence."""

    def transform(self, X: Any) -> np.ndarray:
        """Represent each sequence by its pooled hidden states, the input of the output layer.

        Parameters
        ----------
        X : array-like
            Sequences in any form that `fit` accepts.

        Returns
        -------
        representation : ndarray of shape (n_sequences, n_states)
            One row for each sequence. For each pooling, there is one column for each unit of the
            last layer; two if bidirectional, forwards first.
        """
        network = self._fitted_network()
        pooled: np.ndarray = self._evaluate(network, X, run=network.encode)[0]
        return pooled

    @property
    def _n_features_out(self) -> int:
        n_states: int = len(self.weights_["output"]["W"]) - self._fitted_network().n_static
        return n_states

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags


def _as_numbers(x_t: Any, dtype: np.dtype) -> Matrix:
    """Convert one step of every stream; sparse steps stay sparse.

    Text and dates are refused, which NumPy would convert.
    """
    try:
        array = csr_array(x_t) if issparse(x_t) else np.asarray(x_t)
        if array.dtype.kind not in "biufO" or np.ma.is_masked(x_t):
            raise TypeError(f"could not convert masked values or type {array.dtype}")
        if array.dtype == dtype:
            return array
        with np.errstate(over="ignore"):
            return array.astype(dtype)
    except (OverflowError, TypeError, ValueError) as error:
        raise ValueError(
            f"x_t must hold a real number for each feature of each stream: {error}."
        ) from error
