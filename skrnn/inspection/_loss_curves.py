"""Plot the losses of each epoch."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
from sklearn.utils._optional_dependencies import check_matplotlib_support
from sklearn.utils.validation import check_is_fitted

from skrnn.inspection._plotting import split_pipeline

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any, Self, TypeAlias

    # Keywords for the curves of all estimators, or of each.
    Curves: TypeAlias = dict[str, Any] | list[dict[str, Any]] | tuple[dict[str, Any], ...] | None


class LossCurveDisplay:
    """Training and validation losses of one estimator, or of several on the same axes.

    Use `from_estimator` to create a display. All parameters are stored as attributes.

    Parameters
    ----------
    training_losses : list of ndarray of shape (n_epochs,)
        Training loss of each epoch, for each estimator.

    validation_losses : list of ndarray of shape (n_epochs,) or None
        Validation loss after each epoch, for each estimator; None for an estimator without
        validation data.

    names : list of str or None
        Names of the estimators in the legend; None for an estimator without a name.

    Attributes
    ----------
    ax_ : matplotlib Axes
        Axes with the curves.

    figure_ : matplotlib Figure
        Figure of these axes.

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

    def __init__(
        self,
        *,
        training_losses: list[np.ndarray],
        validation_losses: list[np.ndarray | None],
        names: list[str | None],
    ) -> None:
        self.training_losses = training_losses
        self.validation_losses = validation_losses
        self.names = names

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        *,
        name: str | Sequence[str] | None = None,
        ax: Any = None,
        curve_kwargs: Curves = None,
    ) -> Self:
        """Plot the losses of fitted estimators.

        Parameters
        ----------
        estimator : estimator, list of estimators, or dict of str to estimator
            Fitted estimators with a `loss_curve_`: those of skrnn, scikit-learn's multi-layer
            perceptrons, and pipelines and searches that end in one. The keys of a dict are the
            names in the legend.

        name : str or list of str, default=None
            Name of the estimator, or a name for each estimator of a list. None uses the names of
            the classes for a list, and no name for a single estimator.

        ax : matplotlib Axes, default=None
            Axes to plot on. None creates a new figure. Several displays can share the same axes.

        curve_kwargs : dict or list of dict, default=None
            Keyword arguments of ``ax.plot``: one dict for all estimators, or one for each.

        Returns
        -------
        display : LossCurveDisplay
            The display with its plot.

        Raises
        ------
        ImportError
            If Matplotlib is not installed.

        sklearn.exceptions.NotFittedError
            If an estimator is not fitted.

        TypeError
            If an estimator has no `loss_curve_`.

        ValueError
            If there is no estimator, or the number of names or of dicts in `curve_kwargs` is not
            that of the estimators.

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
        check_matplotlib_support(f"{cls.__name__}.from_estimator")
        estimators, names = _with_names(estimator, name)
        training, validation = zip(*map(_losses, estimators), strict=True)
        display = cls(
            training_losses=list(training), validation_losses=list(validation), names=names
        )
        return display.plot(ax=ax, curve_kwargs=curve_kwargs)

    def plot(
        self,
        ax: Any = None,
        *,
        curve_kwargs: Curves = None,
    ) -> Self:
        """Plot the stored losses: training as solid lines, validation as dashed lines.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Axes to plot on. None creates a new figure.

        curve_kwargs : dict or list of dict, default=None
            Keyword arguments of ``ax.plot``: one dict for all estimators, or one for each.

        Returns
        -------
        display : LossCurveDisplay
            This object.

        Raises
        ------
        ImportError
            If Matplotlib is not installed.

        ValueError
            If `curve_kwargs` is a list without one dict for each estimator.
        """
        check_matplotlib_support(f"{type(self).__name__}.plot")
        import matplotlib.pyplot as plt

        n_estimators = len(self.names)
        if not isinstance(curve_kwargs, list | tuple):
            curve_kwargs = [curve_kwargs or {}] * n_estimators
        if len(curve_kwargs) != n_estimators:
            raise ValueError(
                f"curve_kwargs holds {len(curve_kwargs)} dicts for {n_estimators} estimators."
            )
        if ax is None:
            _, ax = plt.subplots(layout="constrained")
        any_validation = any(losses is not None for losses in self.validation_losses)
        self.lines_, self.validation_lines_ = [], []
        for name, training, validation, kwargs in zip(
            self.names, self.training_losses, self.validation_losses, curve_kwargs, strict=True
        ):
            prefix = "" if name is None else f"{name}, "
            label = f"{prefix}training" if any_validation or name is None else name
            line = _plot_losses(ax, training, label, kwargs)
            self.lines_.append(line)
            dashed = None
            if validation is not None:
                kwargs = {"linestyle": "--", "color": line.get_color(), **kwargs}
                dashed = _plot_losses(ax, validation, f"{prefix}validation", kwargs)
            self.validation_lines_.append(dashed)
        ax.set(xlabel="epoch", ylabel="loss")
        ax.legend()
        self.ax_, self.figure_ = ax, ax.figure
        return self


def _with_names(
    estimator: Any, name: str | Sequence[str] | None
) -> tuple[list[Any], list[str | None]]:
    """List the estimators and their names in the legend."""
    names: Any
    if isinstance(estimator, Mapping):
        if name is not None:
            raise ValueError(f"name={name!r} was passed with a dict, whose keys are the names.")
        estimators, names = [*estimator.values()], [str(key) for key in estimator]
    elif isinstance(estimator, list | tuple):
        estimators, names = [*estimator], _class_names(estimator) if name is None else name
    else:
        estimators, names = [estimator], [name]
    if not estimators:
        raise ValueError("There is no estimator to plot the losses of.")
    if isinstance(names, str) or len(names) != len(estimators):
        raise ValueError(
            f"name={names!r} was passed for {len(estimators)} estimators. Pass a list of names."
        )
    return estimators, list(names)


def _class_names(estimators: Sequence[Any]) -> list[str]:
    """Name estimators after their classes, with numbers if a class occurs more than once."""
    names = [type(split_pipeline(estimator)[1]).__name__ for estimator in estimators]
    return [
        f"{name} {names[: i + 1].count(name)}" if names.count(name) > 1 else name
        for i, name in enumerate(names)
    ]


def _losses(estimator: Any) -> tuple[np.ndarray, np.ndarray | None]:
    """Get the training losses of a fitted estimator, and its validation losses or None."""
    check_is_fitted(estimator)
    model = split_pipeline(estimator)[1]
    if not hasattr(model, "loss_curve_"):
        raise TypeError(
            f"{type(model).__name__} has no loss_curve_. Pass a neural network of skrnn or "
            "scikit-learn, or a pipeline or search that ends in one."
        )
    validation = getattr(model, "validation_loss_curve_", None)
    return np.array(model.loss_curve_), None if validation is None else np.array(validation)


def _plot_losses(ax: Any, losses: np.ndarray, label: str, kwargs: dict[str, Any]) -> Any:
    epochs = np.arange(1, len(losses) + 1)
    return ax.plot(epochs, losses, **{"label": label, **kwargs})[0]
