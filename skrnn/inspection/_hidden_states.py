"""Plot the hidden states over time."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.sparse import issparse
from sklearn.utils._optional_dependencies import check_matplotlib_support
from sklearn.utils.validation import check_is_fitted

from skrnn._input import Sequences, read_X
from skrnn._input.frames import take
from skrnn._recurrent import RecurrentNetwork
from skrnn.inspection._plotting import holds_sequences, split_pipeline

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any, Self

_MAX_CURVES = 3  # in one panel; more columns are a heat map
_MAX_NAMES = 12  # beside a heat map


class HiddenStateDisplay:
    """Inputs, hidden states and predictions of a recurrent network for one sequence.

    Three panels share the time axis. Up to three inputs or predictions are plotted as curves,
    more as a heat map. The hidden states are a heat map of units against steps.

    Use `from_estimator` to create a display. All parameters are stored as attributes.

    Parameters
    ----------
    inputs : ndarray of shape (n_steps, n_features)
        Sequence that the network reads.

    states : ndarray of shape (n_steps, n_units)
        State of each unit of the last recurrent layer after each step.

    predictions : ndarray of shape (n_steps, n_outputs)
        Prediction of the network after each step.

    feature_names : list of str
        Names of the features.

    output_names : list of str
        Names of the outputs.

    prediction_name : str, default="prediction"
        Label of the predictions.

    Attributes
    ----------
    ax_ : matplotlib Axes
        Middle panel, with the hidden units.

    axes_ : ndarray of shape (3,) and dtype object
        All panels, from top to bottom.

    bounding_ax_ : matplotlib Axes or None
        Axes that the panels replace, if one was passed.

    figure_ : matplotlib Figure
        Figure of the panels.

    image_ : matplotlib AxesImage
        Heat map of the hidden units.

    See Also
    --------
    occlusion_importance : Importance of each step for a prediction.
    LossCurveDisplay : Losses of each epoch.

    Examples
    --------
    >>> from skrnn import StepRNNClassifier
    >>> from skrnn.datasets import make_shift
    >>> from skrnn.inspection import HiddenStateDisplay
    >>> X, y = make_shift(100, random_state=0)
    >>> clf = StepRNNClassifier(hidden_layer_sizes=8, random_state=0).fit(X, y)
    >>> display = HiddenStateDisplay.from_estimator(clf, [1, 1, 0, 1])
    >>> display.states.shape
    (4, 8)
    >>> display.predictions.round().ravel()
    array([0., 1., 1., 0.])
    """

    def __init__(
        self,
        *,
        inputs: np.ndarray,
        states: np.ndarray,
        predictions: np.ndarray,
        feature_names: list[str],
        output_names: list[str],
        prediction_name: str = "prediction",
    ) -> None:
        self.inputs = inputs
        self.states = states
        self.predictions = predictions
        self.feature_names = feature_names
        self.output_names = output_names
        self.prediction_name = prediction_name

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        sequence: Any,
        *,
        feature_names: Sequence[Any] | None = None,
        ax: Any = None,
        cmap: Any = None,
    ) -> Self:
        """Plot inputs, hidden states and predictions of a fitted network for one sequence.

        For an estimator with one prediction per sequence, the prediction after a step is that for
        the sequence up to this step.

        Parameters
        ----------
        estimator : estimator
            Fitted recurrent estimator of skrnn, or a pipeline or search that ends in one. The
            inputs are plotted after the earlier steps of a pipeline have transformed them.

        sequence : array-like of shape (n_steps, n_features) or (n_steps,), Sequences or DataFrame
            One sequence, in a form that `estimator` accepts as an item of a list. With static
            features, `Sequences` of one sequence, such as ``X[:1]``, or a DataFrame of one row
            whose columns hold sequences and static features.

        feature_names : list of str, default=None
            Names of the features of the network. None numbers them.

        ax : matplotlib Axes or array-like of 3 Axes, default=None
            Axes that the three panels replace, or one axes for each panel. None creates a new
            figure.

        cmap : str or matplotlib Colormap, default=None
            Colormap of the hidden units. None shows positive states in red, negative ones in blue
            and 0 in white: in the middle of the scale if there are negative states, otherwise at
            its lower end.

        Returns
        -------
        display : HiddenStateDisplay
            The display with its plot.

        Raises
        ------
        ImportError
            If Matplotlib is not installed.

        sklearn.exceptions.NotFittedError
            If the estimator is not fitted.

        TypeError
            If the estimator is not a recurrent estimator of skrnn.

        ValueError
            If `sequence` is not one valid sequence with the features seen in fit, has no step, or
            `feature_names` does not have one name for each feature.
        """
        check_matplotlib_support(f"{cls.__name__}.from_estimator")
        check_is_fitted(estimator)
        transformers, network = split_pipeline(estimator)
        if not isinstance(network, RecurrentNetwork):
            raise TypeError(
                f"{type(network).__name__} has no hidden states over time. Pass a recurrent "
                "estimator of skrnn, or a pipeline or search that ends in one."
            )
        X = _as_X(sequence)
        X = X if transformers is None else transformers.transform(X)
        inputs = network._read_X(X, reset=False)[0]
        inputs = inputs.toarray() if issparse(inputs) else inputs
        given = read_X(network, X, reset=False)[0].sequences  # with names, if there are any
        n_steps, n_features = inputs.shape
        if not n_steps:
            raise ValueError("`sequence` has no step, so there is nothing to plot.")
        if feature_names is None:
            feature_names = range(n_features)
        if len(feature_names) != n_features:
            raise ValueError(
                f"feature_names holds {len(feature_names)} names for {n_features} features."
            )
        predictions, output_names = _predictions_after_steps(network, given)
        display = cls(
            inputs=inputs,
            states=network.hidden_states(given)[0],
            predictions=predictions,
            feature_names=[str(name) for name in feature_names],
            output_names=output_names,
            prediction_name="probability" if hasattr(network, "classes_") else "prediction",
        )
        return display.plot(ax=ax, cmap=cmap)

    def plot(self, ax: Any = None, *, cmap: Any = None) -> Self:
        """Plot the stored arrays.

        Parameters
        ----------
        ax : matplotlib Axes or array-like of 3 Axes, default=None
            Axes that the three panels replace, or one axes for each panel. None creates a new
            figure.

        cmap : str or matplotlib Colormap, default=None
            Colormap of the hidden units. None shows positive states in red, negative ones in blue
            and 0 in white: in the middle of the scale if there are negative states, otherwise at
            its lower end.

        Returns
        -------
        display : HiddenStateDisplay
            This object.

        Raises
        ------
        ImportError
            If Matplotlib is not installed.

        ValueError
            If `ax` holds a number of axes other than 3.
        """
        check_matplotlib_support(f"{type(self).__name__}.plot")
        top, middle, bottom = self.axes_ = self._panels(ax)
        _plot_columns(top, self.inputs, self.feature_names)
        largest, signed = np.abs(self.states).max() or 1.0, self.states.min() < 0
        cmap = cmap or ("RdBu_r" if signed else "Reds")
        self.image_ = _plot_heat_map(middle, self.states, cmap, -largest if signed else 0, largest)
        bounds = (0, 1) if self.prediction_name == "probability" else (None, None)
        _plot_columns(bottom, self.predictions, self.output_names, "Blues", *bounds)
        for panel in self.axes_:
            panel.locator_params(axis="x", integer=True)
            panel.set_xlim(-0.5, len(self.states) - 0.5)
        name = self.prediction_name
        if name == "probability" and len(self.output_names) == 1:
            name = f"probability\nof {self.output_names[0]}"
        top.set_ylabel("input")
        middle.set_ylabel("hidden unit")
        bottom.set(xlabel="step", ylabel=name)
        self.ax_, self.figure_ = middle, middle.figure
        self.figure_.align_ylabels(self.axes_)
        return self

    def _panels(self, ax: Any) -> Any:
        """Get three axes, which are new unless three were passed."""
        import matplotlib.pyplot as plt

        self.bounding_ax_ = None
        if np.ndim(ax):
            if np.size(ax) != 3:
                raise ValueError(f"ax holds {np.size(ax)} axes. Pass 3 axes, or a single one.")
            return np.ravel(ax)
        if ax is None:
            grid = plt.figure(figsize=(7, 7), layout="constrained").add_gridspec(3, 1)
        else:
            self.bounding_ax_ = ax
            ax.set_axis_off()
            grid = ax.get_subplotspec().subgridspec(3, 1)
        return grid.subplots(sharex=True)


def _as_X(sequence: Any) -> Any:
    """Return X of one sequence, which is X itself if it holds static features."""
    if not holds_sequences(sequence):
        return [sequence]
    if len(sequence) != 1:
        raise ValueError(f"`sequence` holds {len(sequence)} sequences. Pass one, such as X[:1].")
    return sequence


def _predictions_after_steps(network: Any, sequence: Sequences) -> tuple[np.ndarray, list[str]]:
    """Predict after each step; returns an array (n_steps, n_outputs) and the output names."""
    predict, n_steps = getattr(network, "predict_proba", network.predict), int(sequence.lengths[0])
    if network._per_step:
        predictions = predict(sequence)[0]
    else:
        steps = np.nonzero(np.tri(n_steps))[1]  # those up to the first, up to the second, ...
        values, static = take(sequence.values, steps), sequence[np.zeros(n_steps, int)].static
        predictions = predict(Sequences(values, np.arange(1, n_steps + 1), static=static))
    predictions = np.reshape(predictions, (n_steps, -1))
    names = [str(name) for name in getattr(network, "classes_", range(predictions.shape[1]))]
    if len(names) == 2 and network.n_outputs_ == 1:  # the first is 1 minus the second
        return predictions[:, 1:], names[1:]
    return predictions, names


def _plot_columns(
    ax: Any,
    values: np.ndarray,
    names: list[str],
    cmap: Any = "viridis",
    low: float | None = None,
    high: float | None = None,
) -> None:
    """Plot a few columns as curves, or more as a heat map."""
    if len(names) > _MAX_CURVES:
        _plot_heat_map(ax, values, cmap, low, high)
        if len(names) <= _MAX_NAMES:
            ax.set_yticks(range(len(names)), names)
        return
    lines = ax.plot(values, "o-", markersize=4)
    if low is not None and high is not None:
        ax.set_ylim(low - 0.05, high + 0.05)
    if len(names) > 1:
        ax.legend(lines, names, loc="center left", bbox_to_anchor=(1, 0.5))


def _plot_heat_map(
    ax: Any, values: np.ndarray, cmap: Any, low: float | None, high: float | None
) -> Any:
    """Plot columns as rows of a heat map, with a colour bar outside the axes."""
    image = ax.imshow(values.T, cmap=cmap, vmin=low, vmax=high, aspect="auto")
    ax.figure.colorbar(image, cax=ax.inset_axes([1.02, 0, 0.025, 1]))
    ax.locator_params(axis="y", integer=True)
    return image
