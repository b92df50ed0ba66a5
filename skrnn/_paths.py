"""The methods of a classifier of steps that may have a conditional random field."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from numbers import Integral
from typing import TYPE_CHECKING, Any

import numpy as np

from skrnn._compat.decorators import available_if
from skrnn._numeric.crf import crf, forbid, smooth_labels
from skrnn._numeric.losses import softmax_cross_entropy
from skrnn._predictions import ClassPredictions
from skrnn._training.constant import useful_loss
from skrnn._training.constraints import allowed_transitions, refuse_forbidden, seen_transitions
from skrnn._training.paths import PathTarget
from skrnn._training.targets import ClassTarget
from skrnn.losses import CRF

if TYPE_CHECKING:
    from collections.abc import Iterable

    from skrnn._numeric.losses import Loss
    from skrnn._numeric.networks import RNN
    from skrnn._numeric.training import Ragged, Rows
    from skrnn._training.run import Run

# Numbers in the largest array of a search of several paths.
_SEARCH_SIZE = 2**22


def _has_paths(estimator: Any) -> bool:
    activation = getattr(estimator, "out_activation_", None)
    if activation == "crf" or (activation is None and estimator._random_field() is not None):
        return True
    raise AttributeError("predict_paths needs a conditional random field: loss='crf'.")


class PathPredictions(ClassPredictions):
    """The methods of a classifier of steps.

    With a conditional random field, the labels of a sequence are predicted together.
    """

    def _random_field(self) -> CRF | None:
        """Get the `CRF` of the parameter `loss`, or None."""
        if isinstance(self.loss, CRF):
            self.loss._validate_params()
            return self.loss
        return CRF() if self.loss == "crf" else None

    @property
    def _target(self) -> ClassTarget:
        kind = PathTarget if self.out_activation_ == "crf" else ClassTarget
        return kind(self.n_outputs_, self.out_activation_, self._per_step, self.classes_)

    def _check_parameters(self, incremental: bool) -> None:
        super()._check_parameters(incremental)
        field = self._random_field()
        if field is None:
            return
        if self.class_weight is not None:
            raise ValueError(
                f"class_weight={self.class_weight!r} has no meaning for a conditional random "
                "field, whose loss is that of a path of labels. Use class_weight=None, and "
                "sample_weight for whole sequences."
            )
        if incremental and field._learns:
            raise ValueError(
                "constraints='seen' needs all labels at once; partial_fit accepts a table."
            )

    def _read_targets(
        self, y: Any, fitted: ClassTarget | None, classes: Any
    ) -> tuple[ClassTarget, np.ndarray]:
        if self._random_field() is None:
            return super()._read_targets(y, fitted, classes)
        return PathTarget.from_labels(y, self._per_step, fitted, classes, "crf")

    def _read_samples(
        self, X: Any, y: Any, sample_weight: Any, warm_start: bool, classes: Any = None
    ) -> Rows | Ragged:
        if not warm_start:
            self.__dict__.pop("_seen", None)  # the transitions in the labels of an earlier fit
        samples: Rows | Ragged = super()._read_samples(X, y, sample_weight, warm_start, classes)
        return samples

    def _check_targets(self, targets: np.ndarray, lengths: Any, weight: np.ndarray) -> None:
        """Learn the transitions that occur, if needed. Refuse labels that constraints forbid."""
        field = self._random_field()
        if field is None:
            return
        if field._learns and not hasattr(self, "_seen"):
            self._seen = seen_transitions(targets, lengths, weight, len(self.classes_))
        allowed = self._allowed(field)
        if not allowed.all():
            refuse_forbidden(targets, lengths, weight, allowed, self.classes_)

    def _allowed(self, field: CRF) -> np.ndarray:
        if field._learns:
            return self._seen
        return allowed_transitions(field.constraints, self.classes_)

    def _network(self, samples: Ragged, warm_start: bool = False) -> RNN:
        network: RNN = super()._network(samples, warm_start)
        field = self._random_field()
        if field is None:
            return network
        allowed = self._allowed(field)
        stored = None if allowed.all() else allowed.tobytes()
        return replace(network, transitions=True, allowed=stored)

    def _loss(self) -> Loss:
        return super()._loss() if self._random_field() is None else crf

    def _useful_loss(self, run: Run, part: Rows | Ragged | None = None) -> float:
        if self._random_field() is None:
            useful: float = super()._useful_loss(run, part)
            return useful
        # Without transitions, the loss of a constant prediction is that of a softmax.
        return useful_loss(softmax_cross_entropy, self._best_constant(), "crf", run.samples, part)

    def predict(self, X: Any) -> np.ndarray:
        """Predict the label of each step.

        Parameters
        ----------
        X : array-like
            Sequences in any form that `fit` accepts.

        Returns
        -------
        y : ndarray of shape (n_sequences,) and dtype object
            One array for each sequence, in the form of the targets of `fit`: the most probable
            class of each step; for multilabel problems, 1 for each label that is more probable than
            not. With a conditional random field, the most probable labels of the whole sequence.
        """
        return super().predict(X)

    def predict_proba(self, X: Any) -> np.ndarray:
        """Predict class probabilities of each step.

        Parameters
        ----------
        X : array-like
            Sequences in any form that `fit` accepts.

        Returns
        -------
        probabilities : ndarray of shape (n_sequences,) and dtype object
            One array ``(n_steps, n_classes)`` for each sequence, with the columns in the order of
            `classes_`. With a conditional random field, the marginal probabilities given the whole
            sequence.
        """
        return super().predict_proba(X)

    def predict_log_proba(self, X: Any) -> np.ndarray:
        """Predict the logarithm of class probabilities of each step.

        Parameters
        ----------
        X : array-like
            Sequences in any form that `fit` accepts.

        Returns
        -------
        log_probabilities : ndarray of shape (n_sequences,) and dtype object
            One array ``(n_steps, n_classes)`` for each sequence. All values are finite; only a
            conditional random field has ``-inf`` where a probability is 0.
        """
        return super().predict_log_proba(X)

    @available_if(_has_paths)
    def predict_paths(self, X: Any, n_paths: int = 5) -> tuple[np.ndarray, np.ndarray]:
        """Find the most probable labels of each sequence, and those next to them.

        Available with a conditional random field.

        Parameters
        ----------
        X : array-like
            Sequences in any form that `fit` accepts.

        n_paths : int, default=5
            Number of paths of labels for each sequence. There are fewer if the sequence is short or
            the constraints forbid the others.

        Returns
        -------
        paths : ndarray of shape (n_sequences,) and dtype object
            One array ``(n_paths, n_steps)`` of labels for each sequence, the most probable first.
            The first row is what `predict` returns.

        probabilities : ndarray of shape (n_sequences,) and dtype object
            One array ``(n_paths,)`` for each sequence: the probability of each path.

        Raises
        ------
        ValueError
            If `n_paths` is not a positive integer, or the constraints allow no path of the length
            of a sequence.

        Examples
        --------
        >>> from skrnn import StepRNNClassifier
        >>> from skrnn.datasets import make_shift
        >>> X, y = make_shift(100, random_state=0)
        >>> clf = StepRNNClassifier(hidden_layer_sizes=8, loss="crf", random_state=0).fit(X, y)
        >>> paths, probabilities = clf.predict_paths([[1, 1, 0, 1]], n_paths=2)
        >>> paths[0][0]
        array([0, 1, 1, 0])
        >>> bool(probabilities[0][0] > 0.9)
        True
        """
        if not isinstance(n_paths, Integral) or int(n_paths) < 1:
            raise ValueError(f"n_paths must be an integer >= 1, got {n_paths!r}.")
        decode = partial(self._target.best_paths, n_paths=int(n_paths))
        size = max(1, _SEARCH_SIZE // (int(n_paths) * len(self.classes_) ** 2))
        found, _ = self._evaluate(self._fitted_network(), X, decode, size=size)
        return found[:, 0], found[:, 1]

    @available_if(_has_paths)
    def smooth(self, probabilities: Iterable[Any]) -> np.ndarray:
        """Correct the probabilities of earlier steps of streams by the steps after them.

        ``step`` gives the probabilities of the labels at a step given the steps so far. Later steps
        often show which label was right. Keep the results of the last steps, and call this method
        after each step for decisions that are some steps late (fixed-lag smoothing). Available with
        a conditional random field.

        Parameters
        ----------
        probabilities : array-like of shape (n_steps, n_streams, n_classes)
            What ``step`` returned for consecutive steps, oldest first.

        Returns
        -------
        smoothed : ndarray of shape (n_steps, n_streams, n_classes)
            The probabilities at each of these steps given all steps up to the last. Those of the
            last step do not change. They do not depend on the end of the sequence, which
            ``predict_proba`` takes into account.

        Raises
        ------
        ValueError
            If `probabilities` has another shape.

        Examples
        --------
        Labels that are one step late:

        >>> from collections import deque
        >>> from skrnn import StepRNNClassifier
        >>> from skrnn.datasets import make_shift
        >>> X, y = make_shift(100, random_state=0)
        >>> clf = StepRNNClassifier(hidden_layer_sizes=8, loss="crf", random_state=0).fit(X, y)
        >>> state, last, labels = clf.initial_state(), deque(maxlen=2), []
        >>> for bit in [1, 1, 0, 1]:
        ...     probabilities, state = clf.step([bit], state)
        ...     last.append(probabilities)
        ...     if len(last) == 2:
        ...         labels.append(int(clf.classes_[clf.smooth(last)[0].argmax()]))
        >>> labels
        [0, 1, 1]
        """
        filtered = np.asarray(list(probabilities), dtype=np.float64)
        if filtered.ndim != 3 or filtered.shape[2] != len(self.classes_):
            raise ValueError(
                f"probabilities has shape {filtered.shape}, but (n_steps, n_streams, n_classes) "
                f"with {len(self.classes_)} classes is required: what step returned for each step."
            )
        network = self._fitted_network()
        return smooth_labels(forbid(self.weights_["transitions"], network.table), filtered)
