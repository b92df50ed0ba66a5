"""Importance of steps by occlusion."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.sparse import issparse
from sklearn.pipeline import Pipeline

from skrnn._input import Sequences, as_sequences, check_numeric, unflatten
from skrnn._input.frames import column_names, is_frame, make_frame
from skrnn.inspection._plotting import split_pipeline

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from numpy.typing import ArrayLike


def occlusion_importance(
    estimator: Any, X: Any, *, window: int = 1, baseline: ArrayLike | None = None
) -> np.ndarray:
    """Measure the importance of each step by replacing it with a baseline.

    A window of consecutive steps is replaced by a baseline, and the prediction is repeated. The
    importance of the window is the decrease of the probability of the class that was predicted
    first; for a regressor, it is the absolute change of the prediction. The importance of a step
    is the mean over all windows that contain it (Zeiler and Fergus, 2014). The estimator can be
    any estimator of sequences of numbers, such as a pipeline. If its first steps encode text or
    impute missing values, pass its last step and what they return:
    ``occlusion_importance(model[-1], model[:-1].transform(X))``.

    Parameters
    ----------
    estimator : estimator
        Fitted classifier with `predict_proba`, or regressor, with one prediction per sequence.

    X : list, tuple, object array, Series, 3-D array of sequences, or 2-D array of one feature
        Sequences of finite numbers, in any form that `skrnn.as_sequences` accepts. Static features
        stay as they are.

    window : int, default=1
        Number of consecutive steps that are replaced at once. In shorter sequences, all steps
        are replaced.

    baseline : float or array-like of shape (n_features,), default=None
        Values of replaced steps. None means the mean of each feature over all steps of `X`.

    Returns
    -------
    importances : ndarray of shape (n_sequences,) and dtype object
        One array ``(n_steps,)`` for each sequence.

    Raises
    ------
    ValueError
        If `window` is not a positive integer, if `baseline` is not finite or does not have one
        number for each feature, or if X does not hold valid sequences of numbers.

    Examples
    --------
    >>> from skrnn import SequenceRNNClassifier
    >>> from skrnn.inspection import occlusion_importance
    >>> X = [[0, 0, 1], [0], [1], [0, 0], [0, 1, 0, 0], [0, 0, 0]]
    >>> clf = SequenceRNNClassifier(8, random_state=0).fit(X, [1, 0, 1, 0, 1, 0])
    >>> importance = occlusion_importance(clf, [[0, 0, 1, 0]], baseline=0)[0]
    >>> int(importance.argmax())
    2
    """
    if not isinstance(window, int | np.integer) or window < 1:
        raise ValueError(f"window must be an integer >= 1, got {window!r}.")
    given = as_sequences(X, numeric=False)
    sequences = _check_numbers(given, estimator)
    baseline = _check_baseline(baseline, sequences.values)

    has_classes = hasattr(estimator, "predict_proba")

    def predict(sequences: Sequences) -> np.ndarray:
        return _predictions(estimator, sequences, given.values)

    importances = [
        _importance(predict, sequences[[i]], predicted, window, baseline, has_classes)
        for i, predicted in enumerate(predict(sequences))
    ]
    return unflatten(np.concatenate(importances), sequences.lengths)


def _check_numbers(sequences: Sequences, estimator: Any) -> Sequences:
    """Check that the values are finite numbers, which a baseline can replace."""
    try:
        return check_numeric(sequences)
    except (TypeError, ValueError) as error:
        transformers, last = split_pipeline(estimator)
        if transformers is not None:
            advice = (
                "occlusion_importance(model[-1], model[:-1].transform(X)), for a pipeline model"
            )
            advice += " or the best_estimator_ of a search"
        elif any(isinstance(part, Pipeline) for part in last.get_params().values()):
            name = type(last).__name__
            advice = f"fit {name} without a pipeline in it on transformed sequences, and pass these"
        else:
            raise
        fault = str(error).partition(". ")[0].removesuffix(".")
        raise type(error)(
            f"{fault}. The baseline replaces steps of X before the transformers of the estimator, "
            f"so X must hold finite numbers. Transform it first: {advice}."
        ) from error


def _check_baseline(baseline: ArrayLike | None, values: Any) -> np.ndarray:
    """Get the baseline as one number for each feature of `values`, the steps of all sequences."""
    if baseline is None:
        with np.errstate(over="ignore"):
            baseline = values.mean(axis=0)
    try:
        numbers = np.asarray(baseline, np.float64)
        # The mean of a sparse matrix is a np.matrix, which has two axes.
        numbers = numbers[0] if numbers.shape == (1, values.shape[1]) else numbers
        numbers = np.broadcast_to(numbers, values.shape[1])
    except (OverflowError, TypeError, ValueError):
        numbers = np.array(np.nan)
    if not np.isfinite(numbers).all():
        raise ValueError(
            f"baseline must be a finite number, or one for each of the {values.shape[1]} features, "
            f"got {baseline!r}."
        )
    return numbers


def _predictions(estimator: Any, sequences: Sequences, given: Any) -> np.ndarray:
    """Predict sequences; returns an array ``(n_sequences, n_outputs)``.

    If `given`, the table of all steps of X, is a frame, the steps get its names.
    """
    X: Any = sequences
    if is_frame(given):
        columns = zip(column_names(given) or [], sequences.values.T, strict=True)
        X = sequences.with_values(make_frame(dict(columns), given))
    elif not issparse(sequences.values) and sequences.static is None:
        X = list(sequences)  # other estimators may not accept Sequences
    predicted = getattr(estimator, "predict_proba", estimator.predict)(X)
    return np.reshape(predicted, (len(X), -1))


def _importance(
    predict: Callable[[Sequences], np.ndarray],
    sequence: Sequences,
    predicted: np.ndarray,
    window: int,
    baseline: np.ndarray,
    has_classes: bool,
) -> np.ndarray:
    """Replace each window of `Sequences` of one in turn, with a single call of the estimator."""
    x = sequence.values.toarray() if issparse(sequence.values) else sequence.values
    n_steps, n_features = x.shape
    width = min(window, n_steps)
    offset = np.arange(n_steps) - np.arange(n_steps - width + 1)[:, None]
    hidden = (offset >= 0) & (offset < width)  # (n_windows, n_steps)
    replaced = np.where(hidden[:, :, None], baseline, x).reshape(-1, n_features)
    static = sequence[np.zeros(len(hidden), int)].static
    repeated = predict(Sequences(replaced, np.full(len(hidden), n_steps), static=static))
    if has_classes:
        change = predicted[predicted.argmax()] - repeated[:, predicted.argmax()]
    else:
        change = np.abs(predicted - repeated).sum(axis=1)
    importance: np.ndarray = change @ hidden / hidden.sum(axis=0)
    return importance
