"""Training, as a film."""

from __future__ import annotations

import base64
import copy
import warnings
from dataclasses import dataclass
from functools import partial
from numbers import Integral
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.base import clone, is_classifier
from sklearn.exceptions import ConvergenceWarning
from sklearn.inspection import DecisionBoundaryDisplay
from sklearn.metrics import log_loss, zero_one_loss
from sklearn.pipeline import Pipeline
from sklearn.utils.validation import _num_features, check_array, column_or_1d

from skrnn._base import NeuralNetwork
from skrnn.inspection._plotting import BLUE, ORANGE, PALE, check_plotting, split_pipeline

_HELD = 2000  # milliseconds for which the last frame stays, before the film begins anew
_FEW = 20  # so many points may be large


@dataclass(frozen=True)
class TrainingAnimation:
    """A film of a training, which notebooks show where it is the last line of a cell.

    Attributes
    ----------
    path : Path
        The GIF file.

    iterations : ndarray of int of shape (n_frames,)
        How many iterations had been made at each frame.

    losses : ndarray of shape (n_frames,)
        Loss on the training data at each frame.

    estimator : estimator
        The classifier of the last frame, fitted.
    """

    path: Path
    iterations: np.ndarray
    losses: np.ndarray
    estimator: Any

    def _repr_html_(self):
        data = base64.b64encode(self.path.read_bytes()).decode("ascii")
        return (
            f'<img src="data:image/gif;base64,{data}" style="max-width: 100%" '
            f'alt="Decision surface in {self.iterations[-1]} iterations of training">'
        )


def training_animation(
    classifier,
    X,
    y,
    path,
    *,
    n_iter=None,
    max_frames=50,
    frames_per_second=8,
    eps=0.5,
    grid_resolution=100,
):
    """Film how the decision surface of a classifier of two features changes in training.

    A copy of the classifier is trained and watched after each iteration:

    - a classifier of skrnn is fitted once, with all that belongs to `fit`, and observed through
      scikit-learn's callbacks;
    - any other with `partial_fit` sees all of `X` once for each iteration;
    - any other with `warm_start` is fitted again and again, with `max_iter` of 1 or one more of
      `n_estimators`.

    Each frame shows the plane around the data and is titled with the iteration and the loss on
    the training data: the mean cross-entropy, or the share of errors for a classifier without
    `predict_proba`.

    Parameters
    ----------
    classifier : estimator
        Classifier to train, which itself is not changed; also a pipeline that ends in one, whose
        earlier steps are fitted before.

    X : array-like or DataFrame of shape (n_samples, 2)
        Training data.

    y : array-like of shape (n_samples,)
        Labels.

    path : str or Path
        File to write the GIF to.

    n_iter : int, default=None
        Most iterations. None means those of `fit` for a classifier of skrnn, and otherwise the
        classifier's `n_estimators` or `max_iter`, or 100 if it has neither.

    max_frames : int, default=50
        Most frames. A longer training is shown in steps of 2, 4, 8, ... iterations; the first
        and the last are always among them.

    frames_per_second : float, default=8
        Speed of the film.

    eps : float, default=0.5
        How far the plane extends beyond the data.

    grid_resolution : int, default=100
        Number of points along each axis at which the classifier is asked.

    Returns
    -------
    animation : TrainingAnimation
        Path of the file, iteration and loss of each frame, and the trained classifier.

    Raises
    ------
    ImportError
        If Matplotlib or Pillow is not installed.

    TypeError
        If the classifier is none, or can only be trained in one go.

    ValueError
        If `X` has not two features, or a number is out of range.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from skrnn import XORMLPClassifier
    >>> from skrnn.datasets import make_xor
    >>> from skrnn.inspection import training_animation
    >>> X, y = make_xor()
    >>> clf = XORMLPClassifier(hidden_layer_sizes=4, random_state=0)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     film = training_animation(clf, X, y, Path(folder) / "xor.gif", max_frames=5)
    >>> len(film.iterations) <= 5
    True
    >>> film.estimator.predict(X)
    array([0, 1, 1, 0])
    """
    check_plotting("training_animation", "matplotlib", "PIL")
    if not eps >= 0:
        raise ValueError(f"eps must be >= 0, got {eps!r}.")
    if not frames_per_second > 0:
        raise ValueError(f"frames_per_second must be > 0, got {frames_per_second!r}.")
    for name, value, least in [
        ("n_iter", 1 if n_iter is None else n_iter, 1),
        ("max_frames", max_frames, 2),
        ("grid_resolution", grid_resolution, 2),
    ]:
        if not isinstance(value, Integral) or value < least:
            raise ValueError(f"{name} must be an integer >= {least}, got {value!r}.")
    if not is_classifier(classifier):
        raise TypeError(f"training_animation needs a classifier, got {classifier!r}.")
    if _num_features(X) != 2:
        raise ValueError(
            f"X has {_num_features(X)} features, but a plane can be drawn for exactly 2."
        )
    X = X if hasattr(X, "columns") else check_array(X)
    y = column_or_1d(y)
    reel = _record(clone(classifier), X, y, n_iter, max_frames)
    losses = np.array([_loss(fitted, X, y)[1] for _, fitted in reel])
    draw = partial(_draw, X=X, y=y, eps=eps, grid_resolution=grid_resolution)
    _write(reel, draw, Path(path), frames_per_second)
    return TrainingAnimation(Path(path), np.array([n for n, _ in reel]), losses, reel[-1][1])


# Recording -------------------------------------------------------------------------------


class _Reel:
    """Fitted models at evenly spaced iterations, with the first and the last.

    How long a training will be is not known before. When there are too many frames, every
    second one is dropped, and from there on frames are taken half as often.
    """

    def __init__(self, max_frames):
        self.max_frames = max_frames
        self.apart, self.n_seen, self.frames, self.last = 1, 0, {}, None

    def add(self, fitted):
        """Take note of the model after one more iteration; `fitted` must not change any more."""
        self.n_seen += 1
        self.last = fitted
        if self.n_seen == 1 or self.n_seen % self.apart == 0:
            self.frames[self.n_seen] = fitted
        while len(self.frames) >= self.max_frames and self.n_seen > 2:
            self.apart *= 2
            kept = [n for n in self.frames if n == 1 or n % self.apart == 0]
            self.frames = {n: self.frames[n] for n in kept}

    def cut(self):
        """List the frames as pairs of iteration and model."""
        return [*{**self.frames, self.n_seen: self.last}.items()]


class _Camera:
    """Callback of scikit-learn that adds the model of each epoch to a reel."""

    def __init__(self, reel, n_iter):
        self.reel, self.n_iter = reel, n_iter

    def setup(self, estimator, context):
        """Nothing to prepare."""

    def teardown(self, estimator, context):
        """Nothing to put away."""

    def on_fit_task_begin(self, estimator, context):
        """Nothing to see before an epoch."""

    def on_fit_task_end(self, estimator, context, *, fitted_estimator):
        """Keep the model; stop after enough iterations."""
        if context.task_name != "epoch":
            return False
        self.reel.add(fitted_estimator)
        return self.reel.n_seen == self.n_iter


def _record(classifier, X, y, n_iter, max_frames):
    """Train the classifier; returns pairs of iteration and fitted model."""
    reel = _Reel(max_frames)
    head, model = split_pipeline(classifier)
    seen = X if head is None else head.fit_transform(X, y)
    if isinstance(model, NeuralNetwork):
        others = getattr(model, "_skl_callbacks", [])
        model.set_callbacks(*others, _Camera(reel, n_iter)).fit(seen, y)
    else:
        length = n_iter or _usual_length(model)
        advance = _advance(model, seen, y)
        for _ in range(length):
            with warnings.catch_warnings():
                # One iteration is too few, which is the point.
                warnings.simplefilter("ignore", ConvergenceWarning)
                advance()
            reel.add(copy.deepcopy(model))
    if head is None:
        return reel.cut()
    name = classifier.steps[-1][0]
    return [(n, Pipeline([*head.steps, (name, fitted)])) for n, fitted in reel.cut()]


def _advance(model, X, y):
    """Get a function that trains the model by one more iteration."""
    if hasattr(model, "partial_fit"):
        return partial(model.partial_fit, X, y, classes=np.unique(y))
    parameters = model.get_params(deep=False)
    if "warm_start" not in parameters or not {"n_estimators", "max_iter"} & set(parameters):
        raise TypeError(
            f"{type(model).__name__} can only be trained in one go; expected a classifier of "
            "skrnn, or one with partial_fit, or with warm_start and max_iter or n_estimators."
        )
    name = "n_estimators" if "n_estimators" in parameters else "max_iter"
    # Boosting counts the iterations of all calls together, everything else those of one.
    grows = name == "n_estimators" or hasattr(model, "staged_predict")
    model.set_params(warm_start=True, **{name: 0 if grows else 1})

    def advance():
        if grows:
            model.set_params(**{name: getattr(model, name) + 1})
        model.fit(X, y)

    return advance


def _usual_length(model):
    parameters = model.get_params(deep=False)
    return parameters.get("n_estimators", parameters.get("max_iter", 100))


# Showing ---------------------------------------------------------------------------------


def _loss(fitted, X, y):
    """Name and value of the loss on the training data."""
    if hasattr(fitted, "predict_proba"):
        return "loss", log_loss(y, fitted.predict_proba(X), labels=fitted.classes_)
    return "share of errors", zero_one_loss(y, fitted.predict(X))


def _draw(ax, n_iter, fitted, *, X, y, eps, grid_resolution):
    """Draw what a model says of the plane."""
    from matplotlib.colors import LinearSegmentedColormap

    ax.clear()
    classes, gradual = fitted.classes_, hasattr(fitted, "predict_proba")
    look: dict[str, Any] = {"plot_method": "pcolormesh", "response_method": "predict"}
    if gradual:
        look = {"plot_method": "contourf", "response_method": "predict_proba", "levels": 20}
    if len(classes) == 2:
        look |= {"vmin": 0, "vmax": 1, "cmap": LinearSegmentedColormap.from_list("pale", PALE)}
    if len(classes) == 2 and gradual:
        look |= {"class_of_interest": classes[1], "levels": np.linspace(0, 1, 21)}
    plane = DecisionBoundaryDisplay.from_estimator(
        fitted, X, eps=eps, grid_resolution=grid_resolution, ax=ax, **look
    )
    if not hasattr(X, "columns"):  # whose names would stand there
        ax.set(xlabel="first feature", ylabel="second feature")
    if len(classes) == 2:
        colours, markers = [BLUE, ORANGE], ["o", "s"]
        ax.contour(plane.xx0, plane.xx1, plane.response, [0.5], colors="black", linewidths=1.5)
    else:
        colours, markers = plane.multiclass_colors_, ["o"] * len(classes)
    points, size = np.asarray(X), 10 if len(X) <= _FEW else 6
    for label, colour, marker in zip(classes, colours, markers, strict=True):
        ax.plot(
            *points[y == label].T, marker, color=colour, markeredgecolor="black",
            markersize=size, label=label,
        )  # fmt: skip
    name, loss = _loss(fitted, X, y)
    ax.set_title(f"Iteration {n_iter}, {name} {loss:.3f}")


def _write(reel, draw, path, frames_per_second):
    """Draw every frame of the reel and save them as a GIF."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    from PIL import Image

    figure = Figure(figsize=(5.4, 4.6), dpi=90, layout="constrained")
    canvas = FigureCanvasAgg(figure)
    ax = figure.add_subplot()
    draw(ax, *reel[-1])
    figure.legend(loc="outside right upper", frameon=False, title="class")
    canvas.draw()
    figure.set_layout_engine("none")  # the layout is found; it must not tremble between frames
    pictures = []
    for n_iter, fitted in reel:
        draw(ax, n_iter, fitted)
        canvas.draw()
        pictures.append(Image.fromarray(np.asarray(canvas.buffer_rgba())).convert("RGB"))
    durations = [1000 / frames_per_second] * (len(pictures) - 1) + [_HELD]
    pictures[0].save(
        path, "GIF", save_all=True, append_images=pictures[1:], duration=durations, loop=0
    )
