"""What a fitted recurrent network can show, and do step by step as data arrive."""

from __future__ import annotations

from dataclasses import replace
from numbers import Integral

import numpy as np
from sklearn.base import ClassNamePrefixFeaturesOutMixin, TransformerMixin

from skrnn._base import NeuralNetwork
from skrnn._input import unflatten
from skrnn._numeric.networks import StreamState
from skrnn._numeric.params import Params
from skrnn._numeric.training import pieces
from skrnn._targets import check_finite


class HiddenStates(NeuralNetwork):
    """Hidden states of a recurrent network: all of them, their gradients, one at a time."""

    def hidden_states(self, X):
        """Compute the states of the last recurrent layer at every step.

        Parameters
        ----------
        X : array-like
            Sequences in any form that `fit` takes.

        Returns
        -------
        states : ndarray of shape (n_sequences,) and dtype object
            One array ``(n_steps, n_units)`` for each sequence; of twice as many columns if
            bidirectional, forwards first.
        """
        network = replace(self._fitted_network(), pooling=None)
        return unflatten(*self._evaluate(network.encode, X))

    def input_gradients(self, X, target=None):
        """Compute how each feature of each step moves the answer.

        Parameters
        ----------
        X : array-like
            Sequences in any form that `fit` takes.

        target : int, default=None
            Which output to follow: a column of `decision_function` for more than two classes,
            or of vector-valued predictions. None means the largest output of each sequence (of
            each step, for an estimator that answers steps). For two classes there is one
            output, which speaks for the second class.

        Returns
        -------
        gradients : ndarray of shape (n_sequences,) and dtype object
            One array ``(n_steps, n_step_features_)`` for each sequence: the derivative of the
            output, before softmax or logistic, with respect to the input. With an answer for
            each step, the derivative of the sum of the answers.

        Raises
        ------
        ValueError
            If there is no output `target`.
        """
        # Truncation belongs to training; here the true derivative is asked for.
        network = replace(self._fitted_network(), bptt_steps=None)
        if target is not None and not (
            isinstance(target, Integral) and 0 <= int(target) < self.n_outputs_
        ):
            raise ValueError(
                f"target={target!r} is no output; there are {self.n_outputs_}, from 0 to "
                f"{self.n_outputs_ - 1}."
            )
        values, lengths = self._read_X(X, reset=False)
        weights = self._weights()
        dtype = np.result_type(values, weights["output"]["W"])
        unused = Params(network.shapes, dtype)
        gradients = []
        for piece in pieces(lengths):
            x, packing = piece.pack(values)
            with np.errstate(over="ignore", invalid="ignore"):
                scores, back = network.run(weights, x, packing)
                followed = scores.argmax(axis=1) if target is None else target
                dscores = np.zeros_like(scores)
                dscores[np.arange(len(scores)), followed] = 1
                dx = back(dscores, unused, want_dx=True)
            gradients.append(dx[packing.to_concatenated])
        return unflatten(check_finite(np.concatenate(gradients)), lengths)

    def initial_state(self, n_streams=1):
        """Begin to read parallel streams of steps.

        Parameters
        ----------
        n_streams : int, default=1
            Number of streams.

        Returns
        -------
        state : StreamState
            A named tuple of arrays, to be handed to `step`. It is never changed, so that it can
            be kept, copied and taken up again.

        Raises
        ------
        ValueError
            If the network is bidirectional, and so would have to know the end of the streams,
            or `n_streams` is no positive integer.
        """
        network = self._fitted_network()
        if network.bidirectional:
            raise ValueError(
                f"This {type(self).__name__} is bidirectional: it reads sequences from their "
                "ends too, and cannot answer before they have come. Use bidirectional=False."
            )
        if not isinstance(n_streams, Integral) or int(n_streams) < 1:
            raise ValueError(f"n_streams must be an integer >= 1, got {n_streams!r}.")
        return network.initial_state(n_streams, self.weights_["output"]["W"].dtype)

    def step(self, x_t, state: StreamState):
        """Read one more step of every stream.

        Parameters
        ----------
        x_t : array-like of shape ``(n_streams, n_step_features_)``
            The step of each stream; also ``(n_step_features_,)`` for a single stream.

        state : StreamState
            What `initial_state` or the previous `step` returned.

        Returns
        -------
        answer : ndarray
            For each stream, what `predict_proba` of a classifier or `predict` of a regressor
            would say of its steps so far (of the last one, if it answers each step).

        state : StreamState
            The state after this step.

        Raises
        ------
        ValueError
            If `x_t` does not fit the streams, or is not finite, or the state is that of another
            network.

        Examples
        --------
        >>> from skrnn import SequenceRNNClassifier
        >>> clf = SequenceRNNClassifier(random_state=0, max_iter=500)
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
        n_streams = network.n_streams(state)
        x_t = _numbers(x_t, state.layers[0][0].dtype)
        if x_t.ndim == 1 and n_streams == 1:
            x_t = x_t[None]
        if x_t.shape != (n_streams, self.n_step_features_):
            raise ValueError(
                f"x_t has shape {x_t.shape}, but (n_streams, n_step_features_) = "
                f"({n_streams}, {self.n_step_features_}) is needed."
            )
        if not np.isfinite(x_t).all():
            raise ValueError(
                f"x_t contains NaN or infinity in stream {np.isfinite(x_t).all(axis=1).argmin()}."
            )
        with np.errstate(over="ignore", invalid="ignore"):
            scores, state = network.step(self.weights_, x_t, state)
        return self._answer(check_finite(scores)), state


def _numbers(x_t, dtype):
    """Read one step of every stream; text and dates are none, whatever NumPy makes of them."""
    try:
        array = np.asarray(x_t)
        if array.dtype.kind not in "biufO" or np.ma.is_masked(x_t):
            raise TypeError(f"could not convert masked values or type {array.dtype}")
        with np.errstate(over="ignore"):
            return array.astype(dtype, copy=False)
    except (OverflowError, TypeError, ValueError) as error:
        raise ValueError(
            f"x_t must hold a real number for each feature of each stream: {error}."
        ) from error


class PooledStates(ClassNamePrefixFeaturesOutMixin, TransformerMixin, HiddenStates):
    """The pooled hidden states as features of a sequence, for another estimator to use."""

    def transform(self, X):
        """Represent each sequence by the pooled states that the output layer reads.

        Parameters
        ----------
        X : array-like
            Sequences in any form that `fit` takes.

        Returns
        -------
        representation : ndarray of shape (n_sequences, n_units)
            One row for each sequence; twice as many columns if bidirectional.
        """
        return self._evaluate(self._fitted_network().encode, X)[0]

    @property
    def _n_features_out(self):
        return len(self.weights_["output"]["W"])

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags
