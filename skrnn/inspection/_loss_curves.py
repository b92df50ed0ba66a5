"""Losses through training, as a picture."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

import numpy as np
from sklearn.utils.validation import check_is_fitted

from skrnn.inspection._plotting import check_plotting, chosen, split_pipeline


class LossCurveDisplay:
    """Training and validation losses of one estimator, or of several on the same axes.

    Use `from_estimator` to make one. All parameters are stored as attributes.

    Parameters
    ----------
    training_losses : list of ndarray of shape (n_epochs,)
        Loss of each epoch, for each estimator.

    validation_losses : list of ndarray of shape (n_epochs,) or None
        Validation loss after each epoch, for each estimator; None where it had no validation
        data.

    names : list of str or None
        Names of the estimators for the legend; None for one that needs no name.

    Attributes
    ----------
    ax_ : matplotlib Axes
        Axes with the curves.

    figure_ : matplotlib Figure
        Figure that holds them.

    lines_ : list of matplotlib Line2D
        Training curve of each estimator.

    validation_lines_ : list of matplotlib Line2D or None
        Validation curve of each estimator.

    See Also
    --------
    HiddenStateDisplay : Hidden states of a recurrent network over time.
    sklearn.model_selection.LearningCurveDisplay : Score against the number of samples.

    Examples
    --------
    >>> from skrnn import SequenceRNNClassifier
    >>> from skrnn.datasets import make_parity
    >>> from skrnn.inspection import LossCurveDisplay
    >>> X, y = make_parity(200, max_length=6, random_state=0)
    >>> clf = SequenceRNNClassifier(8, early_stopping=True, random_state=0).fit(X, y)
    >>> display = LossCurveDisplay.from_estimator(clf)
    >>> [line.get_label() for line in display.ax_.get_lines()]
    ['training', 'validation']
    """

    def __init__(self, *, training_losses, validation_losses, names):
        self.training_losses = training_losses
        self.validation_losses = validation_losses
        self.names = names

    @classmethod
    def from_estimator(cls, estimator, *, name=None, ax=None, curve_kwargs=None):
        """Draw the losses that fitted estimators remember.

        Parameters
        ----------
        estimator : estimator, list of estimators, or dict of str to estimator
            Fitted estimators with a `loss_curve_`: those of skrnn, scikit-learn's multi-layer
            perceptrons, and pipelines and searches that end in one. The keys of a dict are
            names for the legend.

        name : str or list of str, default=None
            Name of the estimator, or of each of a list. None names several estimators by their
            classes, and a single one not at all.

        ax : matplotlib Axes, default=None
            Axes to draw on; None makes a new figure. Draw on the same axes again to compare.

        curve_kwargs : dict or list of dict, default=None
            Arguments of ``ax.plot``, for all estimators or for each.

        Returns
        -------
        display : LossCurveDisplay
            The losses, drawn.

        Raises
        ------
        ImportError
            If Matplotlib is not installed.

        sklearn.exceptions.NotFittedError
            If an estimator is not fitted.

        TypeError
            If an estimator keeps no losses.

        ValueError
            If there is no estimator, or the names are not as many as these.

        Examples
        --------
        >>> from skrnn import XORMLPClassifier
        >>> from skrnn.datasets import make_xor
        >>> from skrnn.inspection import LossCurveDisplay
        >>> X, y = make_xor()
        >>> models = {n: XORMLPClassifier(n, random_state=0).fit(X, y) for n in (4, 100)}
        >>> display = LossCurveDisplay.from_estimator(models)
        >>> [line.get_label() for line in display.ax_.get_lines()]
        ['4', '100']
        """
        check_plotting(f"{cls.__name__}.from_estimator")
        estimators, names = _named(estimator, name)
        training, validation = zip(*map(_losses, estimators), strict=True)
        display = cls(
            training_losses=list(training), validation_losses=list(validation), names=names
        )
        return display.plot(ax=ax, curve_kwargs=curve_kwargs)

    def plot(self, ax=None, *, curve_kwargs=None):
        """Draw the stored losses: training as lines, validation as broken ones.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Axes to draw on; None makes a new figure.

        curve_kwargs : dict or list of dict, default=None
            Arguments of ``ax.plot``, for all estimators or for each.

        Returns
        -------
        display : LossCurveDisplay
            This object.

        Raises
        ------
        ImportError
            If Matplotlib is not installed.

        ValueError
            If there is a list of `curve_kwargs`, but not one for each estimator.
        """
        check_plotting(f"{type(self).__name__}.plot")
        import matplotlib.pyplot as plt

        looks = self._looks(curve_kwargs)
        if ax is None:
            _, ax = plt.subplots(layout="constrained")
        any_validation = any(losses is not None for losses in self.validation_losses)
        self.lines_, self.validation_lines_ = [], []
        for name, training, validation, look in zip(
            self.names, self.training_losses, self.validation_losses, looks, strict=True
        ):
            what = "training" if any_validation or name is None else None
            self.lines_.append(_curve(ax, training, _label(name, what), look))
            look = {"linestyle": "--", "color": self.lines_[-1].get_color(), **look}
            self.validation_lines_.append(
                None
                if validation is None
                else _curve(ax, validation, _label(name, "validation"), look)
            )
        ax.set(xlabel="epoch", ylabel="loss")
        ax.legend()
        self.ax_, self.figure_ = ax, ax.figure
        return self

    def _looks(self, curve_kwargs):
        if curve_kwargs is None or isinstance(curve_kwargs, Mapping):
            return [dict(curve_kwargs or {})] * len(self.names)
        if len(curve_kwargs) != len(self.names):
            raise ValueError(
                f"curve_kwargs holds {len(curve_kwargs)} dicts, but there are {len(self.names)} "
                "estimators; give one dict for each, or a single one for all."
            )
        return [dict(look) for look in curve_kwargs]


def _named(estimator, name):
    """List the estimators and their names."""
    if isinstance(estimator, Mapping):
        if name is not None:
            raise ValueError("name does not go with a dict of estimators, whose keys are names.")
        estimators, names = list(estimator.values()), [str(key) for key in estimator]
    elif isinstance(estimator, list | tuple):
        estimators = list(estimator)
        names = _class_names(estimators) if name is None else name
    else:
        estimators, names = [estimator], [name]
    if not estimators:
        raise ValueError("There is no estimator to draw the losses of.")
    if isinstance(names, str) or len(names) != len(estimators):
        raise ValueError(f"name={names!r} does not name {len(estimators)} estimators.")
    return estimators, list(names)


def _class_names(estimators):
    """Name estimators by their classes, numbered where there are several of one."""
    names = [type(split_pipeline(chosen(estimator))[1]).__name__ for estimator in estimators]
    total, seen = Counter(names), Counter[str]()
    for i, name in enumerate(names):
        seen[name] += 1
        if total[name] > 1:
            names[i] = f"{name} {seen[name]}"
    return names


def _losses(estimator):
    check_is_fitted(estimator)
    model = split_pipeline(chosen(estimator))[1]
    if not hasattr(model, "loss_curve_"):
        raise TypeError(
            f"{type(model).__name__} has no loss_curve_; expected a neural network of skrnn or "
            "scikit-learn, or a pipeline or search that ends in one."
        )
    validation = getattr(model, "validation_loss_curve_", None)
    return np.array(model.loss_curve_), None if validation is None else np.array(validation)


def _label(name, what):
    return ", ".join(part for part in (name, what) if part is not None)


def _curve(ax, losses, label, look):
    look = {"label": label, **look}
    return ax.plot(np.arange(1, len(losses) + 1), losses, **look)[0]
