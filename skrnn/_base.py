"""What all estimators share: validate, train, keep the result, predict."""

from __future__ import annotations

import copy
import warnings
from abc import abstractmethod
from contextlib import contextmanager
from dataclasses import dataclass
from numbers import Integral, Real

import numpy as np
from scipy.sparse import issparse
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.callback import CallbackSupportMixin, with_callbacks
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import train_test_split
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import Interval, Options, StrOptions
from sklearn.utils.class_weight import compute_sample_weight
from sklearn.utils.validation import (
    _check_sample_weight,
    check_consistent_length,
    check_is_fitted,
)

from skrnn import _targets
from skrnn._epochs import Watch, train
from skrnn._numeric.losses import LOSSES
from skrnn._numeric.optimizers import LBFGS
from skrnn._numeric.params import Params
from skrnn._numeric.training import Ragged, Rows, evaluate


class NeuralNetwork(CallbackSupportMixin, BaseEstimator):
    """Fit and evaluate a network described by the hooks below."""

    _parameter_constraints: dict = {
        "hidden_layer_sizes": ["array-like", Interval(Integral, 1, None, closed="left")],
        "activation": [StrOptions({"identity", "logistic", "tanh", "relu"})],
        "alpha": [Interval(Real, 0, None, closed="left")],
        "batch_size": [StrOptions({"auto"}), Interval(Integral, 1, None, closed="left")],
        "learning_rate": [StrOptions({"constant", "invscaling", "adaptive", "cosine"})],
        "learning_rate_init": [Interval(Real, 0, None, closed="neither")],
        "max_iter": [Interval(Integral, 1, None, closed="left")],
        "random_state": ["random_state"],
        "tol": [Interval(Real, 0, None, closed="left")],
        "verbose": ["verbose"],
        "warm_start": ["boolean"],
        "early_stopping": ["boolean"],
        "validation_fraction": [Interval(Real, 0, 1, closed="left")],
        "n_iter_no_change": [Interval(Integral, 1, None, closed="left"), Options(Real, {np.inf})],
        "dropout": [Interval(Real, 0, 1, closed="left")],
        "n_init": [Interval(Integral, 1, None, closed="left")],
    }

    # What a subclass says of itself ------------------------------------------------------

    @abstractmethod
    def _read_X(self, X, *, reset):
        """Validate X; returns its values, and the lengths of the sequences or None."""

    @abstractmethod
    def _read_y(self, y, *, again, classes):
        """Validate y and set what fit learns of it; returns labels and encoded targets."""

    @abstractmethod
    def _network(self):
        """Describe the network for the data seen in fit."""

    @abstractmethod
    def _recipe(self, n_samples, partial):
        """Say how to train."""

    @abstractmethod
    def _draw(self, params, rng, attempt):
        """Set initial weights; `attempt` counts the restarts."""

    @abstractmethod
    def _weights(self):
        """Get the weights as a mapping of layer to mapping of name to array."""

    @abstractmethod
    def _weight_attributes(self, params):
        """Get the fitted attributes that hold the weights."""

    @abstractmethod
    def _score_outputs(self, scores, samples):
        """Rate scores on held-out samples; the larger, the better."""

    # Training ----------------------------------------------------------------------------

    def _fit(self, X, y, sample_weight=None, *, partial=False, classes=None):
        with _unchanged_on_error(self):
            return self._fit_with_callbacks(X, y, sample_weight, partial, classes)

    @with_callbacks
    def _fit_with_callbacks(self, X, y, sample_weight, partial, classes):
        again = (partial or self.warm_start) and hasattr(self, "n_iter_")
        rng = check_random_state(self.random_state)
        samples = self._samples(X, y, sample_weight, again, partial, classes)
        network, recipe = self._network(), self._recipe(samples.n_samples, partial)
        n_starts = 1 if again else self._n_starts(recipe, samples.n_samples)
        context = self._init_callback_context(
            max_subtasks=recipe.max_iter if n_starts == 1 else None
        )
        context.call_on_fit_task_begin(estimator=self, X=X, y=y)
        best: _Run | None = None
        ceiling = self._attainable(samples) if n_starts > 1 else None
        for attempt in range(n_starts):
            run = self._run(network, recipe, samples, rng, attempt, again, partial, context)
            right = n_starts > 1 and self._rate(network, run.params, samples) >= ceiling
            if best is None or right or run.watch.best_loss < best.watch.best_loss:
                best = run
            # Only a run that has settled in a minimum can hope for a better one elsewhere.
            if right or run.watch.outcome != "converged":
                break
        self.__dict__.update(self._fitted_attributes(best, again))
        context.call_on_fit_task_end(estimator=self, X=X, y=y)
        if not partial:
            _warn_of(best.watch)
        return self

    def _samples(self, X, y, sample_weight, again, partial, classes):
        """Validate everything given to fit; samples of weight zero are dropped."""
        if y is None:
            raise ValueError(
                f"{type(self).__name__} requires y to be passed, but the target y is None."
            )
        x, lengths = self._read_X(X, reset=not again)
        labels, targets = self._read_y(y, again=again, classes=classes)
        n_samples = x.shape[0] if lengths is None else len(lengths)
        check_consistent_length(np.empty(n_samples), targets)
        weight = self._sample_weight(sample_weight, labels, n_samples, x.dtype, partial)
        if targets.dtype.kind == "f":
            targets = targets.astype(x.dtype, copy=False)
        samples = (
            Rows(x, targets, weight) if lengths is None else Ragged(x, targets, weight, lengths)
        )
        return samples if weight.all() else samples.subset(np.flatnonzero(weight))

    def _sample_weight(self, sample_weight, labels, n_samples, dtype, partial):
        weight = _check_sample_weight(
            sample_weight, np.empty(n_samples), dtype=dtype, ensure_non_negative=True
        )
        if getattr(self, "class_weight", None) is not None:
            if partial and isinstance(self.class_weight, str):
                raise ValueError(
                    f"class_weight={self.class_weight!r} needs all labels at once and is not "
                    "available in partial_fit; pass a dictionary instead."
                )
            weight = weight * compute_sample_weight(self.class_weight, labels).astype(dtype)
        if not weight.any():
            raise ValueError("sample_weight is zero for every sample; at least one must count.")
        return weight

    def _run(self, network, recipe, samples, rng, attempt, again, partial, context):
        """Train once, from new weights or from those of the last fit."""
        params = Params(network.shapes, samples.x.dtype)
        if again:
            params.fill(self._weights())
        else:
            self._draw(params, rng, attempt)
        validate = None
        if self.early_stopping and not isinstance(recipe.optimizer, LBFGS):
            samples, held_out = self._hold_out(samples, rng)

            def validate(theta):
                return self._rate(network, params, held_out)

        watch = Watch(recipe, params.flat.copy(), samples.n_samples, validate)
        watch.n_seen = self.t_ if again else 0
        run = _Run(params, watch)
        if hasattr(self, "_skl_callbacks"):
            watch.report = self._reporter(context, run, again)
        state = self._optimizer_state if partial and again else None
        run.state = train(network, params, samples, recipe, rng, watch, state)
        return run

    def _hold_out(self, samples, rng):
        """Set validation samples aside, stratified by class where that makes sense."""
        stratify = samples.y if self._stratifies() else None
        kept, held_out = train_test_split(
            np.arange(samples.n_samples),
            test_size=self.validation_fraction,
            random_state=rng,
            stratify=stratify,
        )
        if len(held_out) < 2:
            raise ValueError(
                f"early_stopping needs at least 2 validation samples, but validation_fraction="
                f"{self.validation_fraction} of {samples.n_samples} samples leaves "
                f"{len(held_out)}. Increase it, or turn early_stopping off."
            )
        return samples.subset(kept), samples.subset(held_out)

    def _rate(self, network, params, samples):
        scores = evaluate(network, params, samples.x, getattr(samples, "lengths", None))
        return self._score_outputs(scores, samples)

    def _attainable(self, samples):
        """Bound `_rate` on the training samples: where it is reached, no restart does better."""
        return np.inf

    def _n_starts(self, recipe, n_samples):
        return self.n_init

    def _stratifies(self):
        return False

    def _fitted_attributes(self, run, again):
        """Everything that a fit sets at its end."""
        watch = run.watch
        validated = bool(watch.validation_scores)
        return {
            **self._weight_attributes(run.params),
            "n_iter_": watch.n_iter,
            "t_": watch.n_seen,
            "loss_": watch.loss_curve[-1] if watch.loss_curve else np.nan,
            "loss_curve_": (self.loss_curve_ if again else []) + watch.loss_curve,
            "best_loss_": None if validated else watch.best_loss,
            "validation_scores_": watch.validation_scores if validated else None,
            "best_validation_score_": watch.best_score if validated else None,
            "_optimizer_state": run.state,
        }

    def _reporter(self, context, run, again):
        """Tell the callbacks of scikit-learn of each epoch; a fitted copy only if one asks."""

        def report(theta):
            if theta is not run.params.flat:
                run.params.flat[:] = theta
            epoch = context.subcontext(task_name="epoch")
            epoch.call_on_fit_task_begin(estimator=self)
            return epoch.call_on_fit_task_end(
                estimator=self,
                reconstruction_attributes=lambda: copy.deepcopy(
                    self._fitted_attributes(run, again)
                ),
            )

        return report

    # Prediction --------------------------------------------------------------------------

    def _scores(self, X):
        """Raw outputs for X, checked to be finite."""
        check_is_fitted(self)
        x, lengths = self._read_X(X, reset=False)
        with np.errstate(over="ignore", invalid="ignore"):
            scores = evaluate(self._network(), self._weights(), x, lengths)
        if not (finite := np.isfinite(scores).all(axis=1)).all():
            raise ValueError(
                f"The outputs for sample {finite.argmin()} of X are not finite: its values are "
                "too large for the weights. Scale X as in fit."
            )
        return scores

    def __sklearn_is_fitted__(self):
        return hasattr(self, "n_iter_")


@dataclass
class _Run:
    """One start of training: its weights, its history, the state of its optimizer."""

    params: Params
    watch: Watch
    state: dict | None = None


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

    def _score_outputs(self, scores, samples):
        return _targets.accuracy(scores, samples.y, samples.weight, self.out_activation_)

    def _attainable(self, samples):
        if isinstance(samples, Rows):
            rows = (samples.x[[i]] for i in range(samples.n_samples))
            keys = [(row.toarray() if issparse(row) else row).tobytes() for row in rows]
        else:
            keys = [x.tobytes() for x in np.split(samples.x, np.cumsum(samples.lengths)[:-1])]
        attainable = _targets.attainable_accuracy(keys, samples.y, samples.weight)
        return attainable * (1 - 1e-6)  # sums of weights round differently

    def _stratifies(self):
        return self.out_activation_ == "softmax" or self.n_outputs_ == 1

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


@contextmanager
def _unchanged_on_error(estimator):
    """Give an estimator its attributes back if something goes wrong: all of fit, or nothing."""
    before = dict(vars(estimator))
    try:
        yield
    except BaseException:
        vars(estimator).clear()
        vars(estimator).update(before)
        raise


def _warn_of(watch):
    """Say what a user should know about how training ended."""
    recipe = watch.recipe
    if watch.outcome == "diverged":
        message = (
            f"Training diverged: after {watch.n_iter} iterations the loss was "
            f"{watch.loss_curve[-1]:g}, from {watch.loss_curve[0]:g} in the first. The best "
            f"weights seen are kept. Scale X, or lower learning_rate_init={recipe.rate_init:g}."
        )
    elif watch.outcome == "interrupted":
        message = (
            f"Training was interrupted after {watch.n_iter} iterations. The best weights seen "
            "are kept."
        )
    elif watch.outcome == "max_iter" and recipe.schedule != "cosine":
        message = (
            f"Maximum iterations ({recipe.max_iter}) reached and the optimization hasn't "
            "converged yet. Increase max_iter, or scale X."
        )
    else:
        return
    warnings.warn(message, ConvergenceWarning, stacklevel=5)
