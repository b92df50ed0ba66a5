"""What an estimator predicts: how targets become losses, and scores become answers.

Labels or numbers is one question, an answer for each sequence or for each step another; any
class here that says the one combines with any that says the other.
"""

from __future__ import annotations

from numbers import Real

import numpy as np
from sklearn.base import ClassifierMixin, _fit_context
from sklearn.metrics import r2_score
from sklearn.utils.class_weight import compute_sample_weight
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_array, column_or_1d

from skrnn import _targets
from skrnn._base import NeuralNetwork
from skrnn._input import flatten_steps, flatten_weights, unflatten
from skrnn._numeric.losses import LOSSES
from skrnn._numeric.training import Rows


class NeuralClassifier(NeuralNetwork):
    """Class labels in, probabilities out."""

    n_outputs_: int
    out_activation_: str

    def _read_y(self, y, *, again, classes):
        y, found = _targets.check_labels(y)
        if not again:
            self.classes_ = found if classes is None or y.ndim == 2 else _unique(classes)
        elif classes is not None and not np.array_equal(_unique(classes), self.classes_):
            raise ValueError(
                f"classes={classes!r} is not the same as in the first call of partial_fit, "
                f"{self.classes_!r}."
            )
        strange = np.setdiff1d(found, self.classes_)
        if len(strange) or (y.ndim == 2 and len(found) != len(self.classes_)):
            raise ValueError(
                f"y has classes {strange.tolist()} that are not among {self.classes_.tolist()}, "
                "the classes known from before."
            )
        if len(self.classes_) < 2:
            raise ValueError(
                f"{type(self).__name__} needs at least 2 classes in y, but there is only one "
                f"class: {self.classes_.tolist()}."
            )
        output = _targets.output_of(y, self.classes_, getattr(self, "out_activation", "auto"))
        if again and output != (self.out_activation_, self.n_outputs_):
            raise ValueError(
                f"y of shape {y.shape} asks for {output[1]} {output[0]} outputs, but "
                f"{type(self).__name__} was fitted with {self.n_outputs_} {self.out_activation_} "
                "outputs before; one label for each sample and multilabel targets do not mix."
            )
        self.out_activation_, self.n_outputs_ = output
        return _targets.encode(y, self.classes_, self.out_activation_, np.float64)

    def _loss(self):
        name = "log_loss" if self.loss == "auto" else self.loss
        return LOSSES[name, self.out_activation_]

    def _class_weight(self, samples, incremental):
        if self.class_weight is None:
            return None
        if incremental and isinstance(self.class_weight, str):
            raise ValueError(
                f"class_weight={self.class_weight!r} needs all labels at once and is not "
                "available in partial_fit; pass a dictionary instead."
            )
        labels = _targets.labels(samples.y, self.classes_, self.out_activation_)
        if isinstance(self.class_weight, dict):
            factors = self._factors_of_classes(labels)
        else:
            factors = compute_sample_weight(self.class_weight, labels)
        if not (np.isfinite(factors) & (factors >= 0)).all():
            raise ValueError(
                f"class_weight={self.class_weight!r} holds weights that are negative or not finite."
            )
        return factors

    def _factors_of_classes(self, labels):
        """Look up the weight of each label; classes that are not named have a weight of 1."""
        if labels.ndim == 2:
            raise ValueError("class_weight as a dictionary is not for multilabel targets.")
        strange = set(self.class_weight) - set(self.classes_.tolist())
        if strange:
            raise ValueError(
                f"class_weight names {sorted(strange, key=str)}, which are not among the classes "
                f"{self.classes_.tolist()}."
            )
        weights = [self.class_weight.get(c, 1.0) for c in self.classes_.tolist()]
        if not all(isinstance(weight, Real) for weight in weights):
            raise ValueError(f"class_weight={self.class_weight!r} holds what is no number.")
        of_class = np.array(weights, dtype=np.float64)
        return of_class[np.searchsorted(self.classes_, labels)]

    def _answer(self, scores):
        return _targets.probabilities(scores, self.out_activation_)

    def _rate(self, scores, samples):
        return _targets.accuracy(scores, samples.y, samples.weight, self.out_activation_)

    def _attainable(self, samples):
        if self._per_step:
            attainable = 1.0
        else:
            attainable = _targets.attainable_accuracy(_keys(samples), samples.y, samples.weight)
        return attainable * (1 - 1e-6)  # sums of weights round differently

    def _strata(self, samples):
        one_label = samples.y.ndim == 1 or samples.y.shape[1] == 1
        return samples.y if one_label and not self._per_step else None

    @available_if(lambda self: self._goes_on())
    @_fit_context(prefer_skip_nested_validation=True)
    def partial_fit(self, X, y, sample_weight=None, classes=None):
        """Go on training for one pass over the given samples.

        The state of the solver goes on too; a schedule of the learning rate does not, as each
        call is a first epoch.

        Parameters
        ----------
        X : array-like
            Samples in any form that `fit` takes.

        y : array-like
            Targets as in `fit`.

        sample_weight : array-like, default=None
            Weights as in `fit`.

        classes : array-like of shape (n_classes,), default=None
            All classes that may ever come. Needed in the first call.

        Returns
        -------
        self : object
            The estimator, fitted a little further.

        Raises
        ------
        ValueError, TypeError
            If a parameter or the data are invalid. The estimator is left as it was.
        """
        if classes is None and not hasattr(self, "classes_"):
            raise ValueError("classes must be passed on the first call to partial_fit.")
        return self._fit(X, y, sample_weight, incremental=True, classes=classes)

    def predict(self, X):
        """Predict class labels.

        Parameters
        ----------
        X : array-like
            Samples in any form that `fit` takes.

        Returns
        -------
        y : ndarray
            The most probable class of each sample; for multilabel problems, 1 for each label
            that is more probable than not. In the form of the targets of `fit`; those of steps
            in an object array of one array for each sequence.
        """
        scores, lengths = self._scores(X)
        labels = _targets.decode(scores, self.classes_, self.out_activation_)
        return self._give(labels, lengths)

    def decision_function(self, X):
        """Evaluate the network without its output activation.

        Parameters
        ----------
        X : array-like
            Samples in any form that `fit` takes.

        Returns
        -------
        scores : ndarray of shape (n_samples,) or (n_samples, n_classes)
            The larger, the more probable the class; for two classes, positive for the second.
            Those of steps in an object array of one array for each sequence.
        """
        scores, lengths = self._scores(X)
        return self._give(_targets.margins(scores, self.out_activation_), lengths)

    def predict_proba(self, X):
        """Estimate class probabilities.

        Parameters
        ----------
        X : array-like
            Samples in any form that `fit` takes.

        Returns
        -------
        probabilities : ndarray of shape (n_samples, n_classes)
            One column for each class, in the order of `classes_`. Those of steps in an object
            array of one array for each sequence.
        """
        scores, lengths = self._scores(X)
        return self._give(self._answer(scores), lengths)

    def predict_log_proba(self, X):
        """Estimate the logarithm of class probabilities, which stays finite.

        Parameters
        ----------
        X : array-like
            Samples in any form that `fit` takes.

        Returns
        -------
        log_probabilities : ndarray of shape (n_samples, n_classes)
            One column for each class, in the order of `classes_`. Those of steps in an object
            array of one array for each sequence.
        """
        scores, lengths = self._scores(X)
        return self._give(_targets.log_probabilities(scores, self.out_activation_), lengths)


class SampleClassifier(ClassifierMixin, NeuralClassifier):
    """A label for each sample: what scikit-learn calls a classifier."""

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        return tags


class NeuralRegressor(NeuralNetwork):
    """Numbers or vectors in, the same out."""

    n_outputs_: int
    _vectors: bool

    def _read_y(self, y, *, again, classes):
        if self.class_weight is not None:
            raise ValueError(
                f"class_weight={self.class_weight!r} means nothing to {type(self).__name__}, "
                "whose targets are numbers; use sample_weight in fit."
            )
        y = check_array(y, ensure_2d=False, dtype=(np.float64, np.float32), input_name="y")
        if y.ndim == 2 and y.shape[1] == 1:
            y = column_or_1d(y, warn=True)
        targets = y[:, None] if y.ndim == 1 else y
        if again and (targets.shape[1] != self.n_outputs_ or (y.ndim == 2) != self._vectors):
            raise ValueError(
                f"y has {targets.shape[1]} columns, but {type(self).__name__} was fitted with "
                f"{self.n_outputs_} before."
            )
        self._vectors, self.n_outputs_ = y.ndim == 2, targets.shape[1]
        self.out_activation_ = "identity"
        return targets

    def _loss(self):
        if self.loss == "log_loss":
            raise ValueError(
                f"loss='log_loss' is for classes; {type(self).__name__} predicts numbers, and "
                "takes loss='squared_error'."
            )
        return LOSSES["squared_error", self.out_activation_]

    def _answer(self, scores):
        return scores if self._vectors else scores[:, 0]

    def _rate(self, scores, samples):
        return float(r2_score(samples.y, scores, sample_weight=samples.weight))

    @available_if(lambda self: self._goes_on())
    @_fit_context(prefer_skip_nested_validation=True)
    def partial_fit(self, X, y, sample_weight=None):
        """Go on training for one pass over the given samples.

        The state of the solver goes on too; a schedule of the learning rate does not, as each
        call is a first epoch.

        Parameters
        ----------
        X : array-like
            Samples in any form that `fit` takes.

        y : array-like
            Targets as in `fit`.

        sample_weight : array-like, default=None
            Weights as in `fit`.

        Returns
        -------
        self : object
            The estimator, fitted a little further.

        Raises
        ------
        ValueError, TypeError
            If a parameter or the data are invalid. The estimator is left as it was.
        """
        return self._fit(X, y, sample_weight, incremental=True)

    def predict(self, X):
        """Predict numbers or vectors.

        Parameters
        ----------
        X : array-like
            Samples in any form that `fit` takes.

        Returns
        -------
        y : ndarray
            Predictions, in the form of the targets of `fit`; those of steps in an object array
            of one array for each sequence.
        """
        scores, lengths = self._scores(X)
        return self._give(self._answer(scores), lengths)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags


class StepOutputs(NeuralNetwork):
    """An answer for each step of each sequence, instead of one for each sequence.

    scikit-learn takes lists of sequences for an outdated form of multilabel targets when an
    estimator says that it is a classifier or regressor, so these say neither.
    """

    _per_step = True

    def _lay_out(self, values, lengths, name):
        if name == "sample_weight":
            return flatten_weights(values, lengths)
        return flatten_steps(values, lengths, name)

    def _give(self, answers, lengths):
        return unflatten(answers, lengths)


def _unique(classes):
    """Sort the classes that partial_fit is told of."""
    try:
        return np.unique(classes)
    except (TypeError, ValueError) as error:  # not of one kind, missing, or ragged
        raise ValueError(
            f"classes must be an array of labels of one kind, got {classes!r}."
        ) from error


def _keys(samples):
    """Get something for each sample that is equal for equal samples only.

    Adding 0 makes -0, whose bytes are others, into 0.
    """
    if isinstance(samples, Rows):
        rows = (samples.x[[i]] for i in range(samples.n_samples))
        return [(getattr(row, "toarray", row.copy)() + 0.0).tobytes() for row in rows]
    return [(x + 0.0).tobytes() for x in np.split(samples.x, np.cumsum(samples.lengths)[:-1])]
