"""What an estimator predicts: how targets become losses, and scores become answers."""

from __future__ import annotations

import numpy as np
from sklearn.base import ClassifierMixin
from sklearn.utils.class_weight import compute_sample_weight

from skrnn import _targets
from skrnn._base import NeuralNetwork
from skrnn._numeric.losses import LOSSES
from skrnn._numeric.training import Rows


class NeuralClassifier(ClassifierMixin, NeuralNetwork):
    """Class labels in, probabilities out."""

    def _read_y(self, y, *, again, classes):
        y, found = _targets.check_labels(y)
        if not again:
            self.classes_ = found if classes is None or y.ndim == 2 else np.unique(classes)
        elif classes is not None and not np.array_equal(np.unique(classes), self.classes_):
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
        self.out_activation_, self.n_outputs_ = _targets.output_of(
            y, self.classes_, getattr(self, "out_activation", "auto")
        )
        return y, _targets.encode(y, self.classes_, self.out_activation_, np.float64)

    def _loss(self):
        return LOSSES[self.loss, self.out_activation_]

    def _class_weight(self, labels, partial):
        if self.class_weight is None:
            return 1
        if partial and isinstance(self.class_weight, str):
            raise ValueError(
                f"class_weight={self.class_weight!r} needs all labels at once and is not "
                "available in partial_fit; pass a dictionary instead."
            )
        return compute_sample_weight(self.class_weight, labels)

    def _rate(self, scores, samples):
        return _targets.accuracy(scores, samples.y, samples.weight, self.out_activation_)

    def _attainable(self, samples):
        if isinstance(samples, Rows):
            rows = (samples.x[[i]] for i in range(samples.n_samples))
            keys = [getattr(row, "toarray", row.copy)().tobytes() for row in rows]
        else:
            keys = [x.tobytes() for x in np.split(samples.x, np.cumsum(samples.lengths)[:-1])]
        attainable = _targets.attainable_accuracy(keys, samples.y, samples.weight)
        return attainable * (1 - 1e-6)  # sums of weights round differently

    def _strata(self, samples):
        return samples.y if samples.y.ndim == 1 or samples.y.shape[1] == 1 else None

    def predict(self, X):
        """Predict class labels.

        Parameters
        ----------
        X : array-like
            Samples in any form that `fit` takes.

        Returns
        -------
        y : ndarray of shape (n_samples,) or (n_samples, n_labels)
            The most probable class of each sample; for multilabel problems, 1 for each label
            that is more probable than not.
        """
        return _targets.decode(self._scores(X), self.classes_, self.out_activation_)

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
        """
        return _targets.margins(self._scores(X), self.out_activation_)

    def predict_proba(self, X):
        """Estimate class probabilities.

        Parameters
        ----------
        X : array-like
            Samples in any form that `fit` takes.

        Returns
        -------
        probabilities : ndarray of shape (n_samples, n_classes)
            One column for each class, in the order of `classes_`.
        """
        return _targets.probabilities(self._scores(X), self.out_activation_)

    def predict_log_proba(self, X):
        """Estimate the logarithm of class probabilities, which stays finite.

        Parameters
        ----------
        X : array-like
            Samples in any form that `fit` takes.

        Returns
        -------
        log_probabilities : ndarray of shape (n_samples, n_classes)
            One column for each class, in the order of `classes_`.
        """
        return _targets.log_probabilities(self._scores(X), self.out_activation_)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        return tags
