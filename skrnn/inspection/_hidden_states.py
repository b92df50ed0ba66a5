"""Hidden states over time, as a picture."""

from __future__ import annotations

import numpy as np
from sklearn.utils.validation import check_is_fitted

from skrnn._recurrent import RecurrentNetwork
from skrnn.inspection._plotting import BLUE, check_plotting, chosen, split_pipeline

_MOST_LINES = 3  # curves that one panel shows clearly; more of them become a heat map
_MOST_NAMES = 12  # ticks with names that fit beside a heat map
_HEIGHTS = [1, 1.6, 1]  # of the three panels


class HiddenStateDisplay:
    """What a recurrent network reads, holds and says while it goes through a sequence.

    Three panels on one time axis: inputs, hidden units against steps, and predictions. Up to
    three inputs or predictions are drawn as curves, more as a heat map.

    Use `from_estimator` to make one. All parameters are stored as attributes.

    Parameters
    ----------
    inputs : ndarray of shape (n_steps, n_features)
        The sequence, as the network reads it.

    states : ndarray of shape (n_steps, n_units)
        State of each unit of the last recurrent layer after each step.

    predictions : ndarray of shape (n_steps, n_outputs)
        Answer of the network after each step.

    feature_names : list of str
        Names of the features.

    output_names : list of str
        Names of the outputs.

    prediction_name : str, default="prediction"
        What the predictions are.

    Attributes
    ----------
    ax_ : matplotlib Axes
        The middle panel, of the hidden units.

    axes_ : ndarray of shape (3,) and dtype object
        All panels, from top to bottom.

    bounding_ax_ : matplotlib Axes or None
        The axes whose place the panels took, if there was one.

    figure_ : matplotlib Figure
        Figure that holds the panels.

    image_ : matplotlib AxesImage
        Heat map of the hidden units.

    See Also
    --------
    occlusion_importance : Which steps an answer depends on.
    LossCurveDisplay : Losses through training.

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
        inputs,
        states,
        predictions,
        feature_names,
        output_names,
        prediction_name="prediction",
    ):
        self.inputs = inputs
        self.states = states
        self.predictions = predictions
        self.feature_names = feature_names
        self.output_names = output_names
        self.prediction_name = prediction_name

    @classmethod
    def from_estimator(cls, estimator, sequence, *, feature_names=None, ax=None, cmap=None):
        """Let a fitted network read one sequence, and draw what happens.

        An estimator of one answer for each sequence is asked after every step what it would say
        if the sequence ended there.

        Parameters
        ----------
        estimator : estimator
            Fitted recurrent estimator of skrnn, or a pipeline or search that ends in one; the
            sequence goes through the earlier steps of a pipeline, and is shown as the network
            reads it.

        sequence : array-like of shape (n_steps, n_features) or (n_steps,)
            One sequence, in a form which `estimator` takes if it stands in a list.

        feature_names : list of str, default=None
            Names of the features that the network reads. None numbers them.

        ax : matplotlib Axes or array-like of 3 Axes, default=None
            Axes whose place is divided between the three panels, or an axes for each. None
            makes a new figure.

        cmap : str or matplotlib Colormap, default=None
            Colours of the hidden units. None makes 0 white, positive states red and negative ones
            blue. If there are negative states, 0 is in the middle of the scale, else at its end.

        Returns
        -------
        display : HiddenStateDisplay
            The arrays, drawn.

        Raises
        ------
        ImportError
            If Matplotlib is not installed.

        sklearn.exceptions.NotFittedError
            If the estimator is not fitted.

        TypeError
            If it is no recurrent estimator of skrnn.

        ValueError
            If `sequence` is not one valid sequence with the features seen in fit, or
            `feature_names` are not as many as these.
        """
        check_plotting(f"{cls.__name__}.from_estimator")
        check_is_fitted(estimator)
        head, network = split_pipeline(chosen(estimator))
        if not isinstance(network, RecurrentNetwork):
            raise TypeError(
                f"{type(network).__name__} has no hidden states over time; expected a recurrent "
                "estimator of skrnn, or a pipeline or search that ends in one."
            )
        X = [sequence] if head is None else head.transform([sequence])
        inputs, _ = network._read_X(X, reset=False)
        if feature_names is not None and len(feature_names) != inputs.shape[1]:
            raise ValueError(
                f"feature_names holds {len(feature_names)} names, but the network reads "
                f"{inputs.shape[1]} features."
            )
        predictions, output_names = _answers(network, inputs)
        display = cls(
            inputs=inputs,
            states=network.hidden_states([inputs])[0],
            predictions=predictions,
            feature_names=list(map(str, feature_names or range(inputs.shape[1]))),
            output_names=output_names,
            prediction_name="probability" if hasattr(network, "classes_") else "prediction",
        )
        return display.plot(ax=ax, cmap=cmap)

    def plot(self, ax=None, *, cmap=None):
        """Draw the stored arrays.

        Parameters
        ----------
        ax : matplotlib Axes or array-like of 3 Axes, default=None
            Axes whose place is divided between the three panels, or an axes for each. None
            makes a new figure.

        cmap : str or matplotlib Colormap, default=None
            Colours of the hidden units. None makes 0 white, positive states red and negative ones
            blue. If there are negative states, 0 is in the middle of the scale, else at its end.

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
        check_plotting(f"{type(self).__name__}.plot")
        top, middle, bottom = self.axes_ = self._panels(ax)
        _draw_panel(top, self.inputs, self.feature_names, "input", "viridis", None)
        bound, signed = np.abs(self.states).max() or 1.0, self.states.min() < 0
        cmap = cmap or ("RdBu_r" if signed else "Reds")
        self.image_ = _heat_map(middle, self.states, cmap, (-bound if signed else 0, bound))
        middle.set_ylabel("hidden unit")
        limits = (0, 1) if self.prediction_name == "probability" else None
        _draw_panel(
            bottom, self.predictions, self.output_names, self.prediction_name, "Blues", limits
        )
        for panel in self.axes_:
            panel.xaxis.get_major_locator().set_params(integer=True)
            panel.set_xlim(-0.5, len(self.states) - 0.5)
        for panel in (top, middle):
            panel.tick_params(labelbottom=False)
        bottom.set_xlabel("step")
        self.ax_, self.figure_ = middle, middle.figure
        self.figure_.align_ylabels(self.axes_)
        return self

    def _panels(self, ax):
        """Make, or take, one axes for each panel."""
        import matplotlib.pyplot as plt

        self.bounding_ax_ = None
        if ax is None:
            figure = plt.figure(figsize=(7, 7), layout="constrained")
            grid = figure.add_gridspec(3, 1, height_ratios=_HEIGHTS)
        elif np.ndim(ax) == 0:
            self.bounding_ax_, figure = ax, ax.figure
            ax.set_axis_off()
            grid = ax.get_subplotspec().subgridspec(3, 1, height_ratios=_HEIGHTS)
        else:
            panels = np.ravel(np.asarray(ax, dtype=object))
            if len(panels) != 3:
                raise ValueError(f"ax holds {len(panels)} axes, but 3 are needed, or a single one.")
            return panels
        return grid.subplots(sharex=True)


def _answers(network, inputs):
    """Ask after each step; returns answers (n_steps, n_outputs) and the names of the outputs."""
    respond = getattr(network, "predict_proba", network.predict)
    if network._per_step:
        answers = respond([inputs])[0]
    else:
        answers = respond([inputs[: n + 1] for n in range(len(inputs))])
    answers = np.reshape(answers, (len(inputs), -1))
    names = [str(name) for name in getattr(network, "classes_", range(answers.shape[1]))]
    if len(names) == 2 and network.n_outputs_ == 1:  # one speaks for the other
        return answers[:, 1:], names[1:]
    return answers, names


def _draw_panel(ax, values, names, what, cmap, limits):
    """Draw a few columns as curves, more as a heat map."""
    if values.shape[1] > _MOST_LINES:
        _heat_map(ax, values, cmap, limits or (None, None))
        ax.set_ylabel(what)
        if len(names) <= _MOST_NAMES:
            ax.set_yticks(range(len(names)), names, fontsize="small")
        return
    colours = [BLUE] if values.shape[1] == 1 else [None] * values.shape[1]
    for column, name, colour in zip(values.T, names, colours, strict=True):
        ax.plot(column, "o-", markersize=4, color=colour, label=name)
    single = what == "probability" and len(names) == 1
    ax.set_ylabel(f"probability\nof {names[0]}" if single else what)
    if limits is not None:
        ax.set_ylim(limits[0] - 0.05, limits[1] + 0.05)
    if len(names) > 1:
        ax.legend(loc="center left", bbox_to_anchor=(1, 0.5), frameon=False)


def _heat_map(ax, values, cmap, limits):
    """Draw columns as rows of colours, with a scale beside them that takes no width away."""
    image = ax.imshow(
        values.T, cmap=cmap, vmin=limits[0], vmax=limits[1], aspect="auto", interpolation="nearest"
    )
    ax.figure.colorbar(image, cax=ax.inset_axes([1.02, 0, 0.025, 1]))
    ax.yaxis.get_major_locator().set_params(integer=True)
    return image
