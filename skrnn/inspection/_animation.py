"""Animate the decision boundary during training."""

from __future__ import annotations

import base64
import copy
import os
import warnings
from dataclasses import dataclass
from itertools import cycle
from numbers import Integral, Real
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.base import clone, is_classifier
from sklearn.exceptions import ConvergenceWarning
from sklearn.inspection import DecisionBoundaryDisplay
from sklearn.metrics import log_loss, zero_one_loss
from sklearn.pipeline import Pipeline
from sklearn.utils._optional_dependencies import check_matplotlib_support
from sklearn.utils._param_validation import Interval
from sklearn.utils.validation import _num_features, check_array, column_or_1d

from skrnn._base import NeuralNetwork
from skrnn._compat.decorators import validate_params
from skrnn._compat.plots import DRAWS_MULTICLASS_PROBABILITIES, class_colors
from skrnn.inspection._plotting import holds_sequences, split_pipeline

if TYPE_CHECKING:
    from collections.abc import Callable

_BLUE, _ORANGE = "#0072B2", "#E69F00"  # safe for colour-blind readers (Okabe & Ito, 2008)
_PALE = ["#8CC0E0", "white", "#F5CF80"]  # the same hues, as a background of points


@dataclass(frozen=True)
class TrainingAnimation:
    """Animation of a training run. Notebooks display it as the last value of a cell.

    Attributes
    ----------
    path : Path
        The GIF file.

    iterations : ndarray of int of shape (n_frames,)
        Number of iterations before each frame.

    losses : ndarray of shape (n_frames,)
        Loss on the training data at each frame.

    estimator : estimator
        Fitted classifier of the last frame.
    """

    path: Path
    iterations: np.ndarray
    losses: np.ndarray
    estimator: Any

    def _repr_html_(self) -> str:
        data = base64.b64encode(self.path.read_bytes()).decode("ascii")
        return (
            f'<img src="data:image/gif;base64,{data}" style="max-width: 100%" '
            f'alt="Decision surface in {self.iterations[-1]} iterations of training">'
        )


@validate_params(
    {
        "path": [str, os.PathLike],
        "n_iter": [Interval(Integral, 1, None, closed="left"), None],
        "max_frames": [Interval(Integral, 2, None, closed="left")],
        "frames_per_second": [Interval(Real, 0, None, closed="neither")],
        "eps": [Interval(Real, 0, None, closed="left")],
        "grid_resolution": [Interval(Integral, 2, None, closed="left")],
    },
    prefer_skip_nested_validation=True,
)
def training_animation(
    classifier: Any,
    X: Any,
    y: Any,
    path: str | os.PathLike[str],
    *,
    n_iter: int | None = None,
    max_frames: int = 50,
    frames_per_second: float = 8,
    eps: float = 0.5,
    grid_resolution: int = 100,
) -> TrainingAnimation:
    """Animate the decision boundary of a classifier of two features during training.

    A copy of the classifier is trained, and its state after each iteration is recorded:

    - a classifier of skrnn is fitted once by `fit`, and recorded by a callback of scikit-learn;
    - another classifier with `partial_fit` is passed all of `X` once per iteration;
    - another classifier with `warm_start` is fitted repeatedly, with `max_iter=1` or with one more
      of `n_estimators`.

    Each frame shows the plane around the data. Its title is the iteration and the loss on the
    training data: the mean cross-entropy, or the share of errors for a classifier without
    `predict_proba`.

    Parameters
    ----------
    classifier : estimator
        Classifier to train; it is not changed. Or a pipeline that ends in one; its other steps
        are fitted first.

    X : array-like or DataFrame of shape (n_samples, 2)
        Training data.

    y : array-like of shape (n_samples,)
        Class labels.

    path : str or Path
        GIF file to write.

    n_iter : int, default=None
        Maximum number of iterations. None means the number that `fit` makes for a classifier of
        skrnn, and otherwise `n_estimators` or `max_iter` of the classifier, or 100 without these.

    max_frames : int, default=50
        Maximum number of frames. If there are more iterations, only every 2nd, 4th, 8th, ... is
        shown, besides the first and the last.

    frames_per_second : float, default=8
        Speed of the animation.

    eps : float, default=0.5
        Margin of the plane around the data.

    grid_resolution : int, default=100
        Number of points along each axis at which the classifier predicts.

    Returns
    -------
    animation : TrainingAnimation
        Path of the file, iteration and loss of each frame, and the trained classifier.

    Raises
    ------
    ImportError
        If Matplotlib is not installed.

    TypeError
        If `classifier` is not a classifier, or cannot be trained iteration by iteration.

    ValueError
        If `X` does not have two features, or a parameter is out of range.

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
    ...     animation = training_animation(clf, X, y, Path(folder) / "xor.gif", max_frames=5)
    >>> len(animation.iterations) <= 5
    True
    >>> animation.estimator.predict(X)
    array([0, 1, 1, 0])
    """
    check_matplotlib_support("training_animation")
    if not is_classifier(classifier):
        raise TypeError(f"training_animation needs a classifier, got {classifier!r}.")
    if holds_sequences(X):
        raise ValueError(
            "training_animation needs a table of two features, but X holds sequences. "
            "LossCurveDisplay and HiddenStateDisplay plot networks of sequences."
        )
    if _num_features(X) != 2:
        raise ValueError(f"X has {_num_features(X)} features, but a plane needs exactly 2.")
    X = X if hasattr(X, "columns") else check_array(X)
    y = column_or_1d(y)
    models = _record(clone(classifier), X, y, n_iter, max_frames)
    iterations, fitted = np.array([*models]), [*models.values()]
    if hasattr(fitted[-1], "predict_proba"):
        name, labels = "loss", fitted[-1].classes_
        losses = [log_loss(y, model.predict_proba(X), labels=labels) for model in fitted]
    else:
        name, losses = "share of errors", [zero_one_loss(y, model.predict(X)) for model in fitted]

    def draw(ax: Any, i: int) -> None:
        _draw(ax, fitted[i], X, y, eps, grid_resolution)
        ax.set_title(f"Iteration {iterations[i]}, {name} {losses[i]:.3f}")

    _save(Path(path), draw, len(fitted), 1000 / frames_per_second)
    return TrainingAnimation(Path(path), iterations, np.array(losses), fitted[-1])


# Record ----------------------------------------------------------------------------------


class _Recorder:
    """Callback of scikit-learn that records the model after each epoch.

    Records the first and the last iteration and, as the number of iterations is not known in
    advance, every iteration, then every 2nd, 4th, 8th, ..., to keep at most `max_frames` models.
    """

    def __init__(self, n_iter: int | None, max_frames: int) -> None:
        self.n_iter, self.max_frames = n_iter, max_frames
        self.n_seen, self.spacing = 0, 1
        self.models: dict[int, Any] = {}

    def add(self, model: Any) -> None:
        """Record a model, which must not change afterwards."""
        if self.n_seen % self.spacing and self.n_seen > 1:
            del self.models[self.n_seen]  # it is no longer the last
        self.n_seen += 1
        self.models[self.n_seen] = model
        while len(self.models) > self.max_frames:
            self.spacing *= 2
            kept = [n for n in self.models if n in (1, self.n_seen) or n % self.spacing == 0]
            self.models = {n: self.models[n] for n in kept}

    def setup(self, estimator: Any, context: Any) -> None:
        """Do nothing."""

    def teardown(self, estimator: Any, context: Any) -> None:
        """Do nothing."""

    def on_fit_task_begin(self, estimator: Any, context: Any) -> None:
        """Do nothing."""

    def on_fit_task_end(self, estimator: Any, context: Any, *, fitted_estimator: Any) -> bool:
        """Record the model after an epoch; returns whether to stop."""
        if context.task_name != "epoch":
            return False
        self.add(fitted_estimator)
        return self.n_seen == self.n_iter


def _record(classifier: Any, X: Any, y: Any, n_iter: int | None, max_frames: int) -> dict[int, Any]:
    """Train the classifier; returns a dict of iteration to fitted model."""
    recorder = _Recorder(n_iter, max_frames)
    transformers, model = split_pipeline(classifier)
    transformed = X if transformers is None else transformers.fit_transform(X, y)
    if isinstance(model, NeuralNetwork):
        callbacks = getattr(model, "_skl_callbacks", [])
        model.set_callbacks(*callbacks, recorder).fit(transformed, y)
    else:
        _train_in_iterations(model, transformed, y, n_iter, recorder)
    if transformers is None:
        return recorder.models
    name = classifier.steps[-1][0]
    return {n: Pipeline([*transformers.steps, (name, m)]) for n, m in recorder.models.items()}


def _train_in_iterations(
    model: Any, X: Any, y: Any, n_iter: int | None, recorder: _Recorder
) -> None:
    """Train a classifier of another library and record it after each iteration."""
    parameters = model.get_params(deep=False)
    name = "n_estimators" if "n_estimators" in parameters else "max_iter"
    warm_start = not hasattr(model, "partial_fit")
    if warm_start and not parameters.keys() >= {"warm_start", name}:
        raise TypeError(
            f"{type(model).__name__} cannot be trained iteration by iteration. Pass a classifier "
            "of skrnn, one with partial_fit, or one with warm_start and max_iter or n_estimators."
        )
    # Ensembles count the iterations of all calls of fit, other classifiers those of one call.
    is_ensemble = name == "n_estimators" or hasattr(model, "staged_predict")
    for n in range(1, 1 + (n_iter or parameters.get(name, 100))):
        with warnings.catch_warnings():  # one iteration does not converge
            warnings.simplefilter("ignore", ConvergenceWarning)
            if warm_start:
                model.set_params(warm_start=True, **{name: n if is_ensemble else 1}).fit(X, y)
            else:
                model.partial_fit(X, y, classes=np.unique(y))
        recorder.add(copy.deepcopy(model))


# Draw ------------------------------------------------------------------------------------


def _draw(ax: Any, model: Any, X: Any, y: np.ndarray, eps: float, grid_resolution: int) -> None:
    """Draw the predictions of a model on the plane, and the training data."""
    from matplotlib.colors import LinearSegmentedColormap

    n_classes = len(model.classes_)
    options: dict[str, Any] = {"response_method": "predict_proba", "levels": np.linspace(0, 1, 21)}
    drawn = n_classes == 2 or DRAWS_MULTICLASS_PROBABILITIES
    if not (drawn and hasattr(model, "predict_proba")):
        options = {"response_method": "predict", "plot_method": "pcolormesh"}
        options |= {"vmin": 0, "vmax": n_classes - 1}
    if n_classes == 2:
        options["cmap"] = LinearSegmentedColormap.from_list("pale", _PALE)
    ax.clear()
    plane = DecisionBoundaryDisplay.from_estimator(
        model, X, eps=eps, grid_resolution=grid_resolution, ax=ax, **options
    )
    if not hasattr(X, "columns"):  # the names of columns are the labels of the axes
        ax.set(xlabel="first feature", ylabel="second feature")
    if n_classes == 2:
        ax.contour(plane.xx0, plane.xx1, plane.response, [0.5], colors="black")
    colours = [_BLUE, _ORANGE] if n_classes == 2 else class_colors(plane, n_classes)
    for label, colour, marker in zip(model.classes_, colours, cycle("os^D"), strict=False):
        points = np.asarray(X)[y == label]
        ax.scatter(*points.T, s=64, color=colour, marker=marker, edgecolors="black", label=label)


def _save(path: Path, draw: Callable[[Any, int], None], n_frames: int, milliseconds: float) -> None:
    """Draw every frame and save them as a GIF, which pauses on the last one."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    from PIL import Image  # a dependency of Matplotlib

    figure = Figure(figsize=(5.4, 4.6), dpi=90, layout="constrained")
    canvas, ax = FigureCanvasAgg(figure), figure.add_subplot()
    draw(ax, -1)
    figure.legend(loc="outside right upper", title="class")
    canvas.draw()
    figure.set_layout_engine("none")  # keeps the layout of the last frame for all
    images = []
    for i in range(n_frames):
        draw(ax, i)
        canvas.draw()
        images.append(Image.fromarray(np.asarray(canvas.buffer_rgba())).convert("RGB"))
    durations = [milliseconds] * (n_frames - 1) + [2000]
    images[0].save(path, "GIF", save_all=True, append_images=images[1:], duration=durations, loop=0)
