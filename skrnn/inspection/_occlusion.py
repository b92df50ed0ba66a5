"""Importance of steps, by hiding them."""

from __future__ import annotations

import numpy as np

from skrnn._input import as_sequences, unflatten


def occlusion_importance(estimator, X, *, window=1, baseline=None):
    """Measure how much each step matters, by hiding it.

    A window of steps is replaced by a baseline, and the estimator asked again: what the
    probability of its first answer loses (for a regressor, how far the prediction moves) is the
    importance of the window; that of a step is the mean over the windows it is in (Zeiler and
    Fergus, 2014). Any estimator of sequences will do, such as a pipeline.

    Parameters
    ----------
    estimator : estimator
        Fitted classifier with `predict_proba`, or regressor, one answer for each sequence.

    X : list, tuple, object array, Series, 3-D array of sequences, or 2-D array of one feature
        Sequences in any form that `skrnn.as_sequences` reads.

    window : int, default=1
        Number of neighbouring steps hidden together. Shorter sequences are hidden whole.

    baseline : float or array-like of shape (n_features,), default=None
        What hidden steps show. None means the mean of each feature over all steps of `X`.

    Returns
    -------
    importances : ndarray of shape (n_sequences,) and dtype object
        One array ``(n_steps,)`` for each sequence.

    Raises
    ------
    ValueError
        If `window` is not a positive integer, `baseline` no finite number for each feature, or
        X holds no valid sequences.

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
    sequences = as_sequences(X)
    baseline = _read_baseline(baseline, sequences.values)
    ragged = sequences.to_ragged()
    first = _outputs(estimator, ragged)
    importances = [
        _importance(estimator, steps, before, window, baseline)
        for steps, before in zip(ragged, first, strict=True)
    ]
    return unflatten(np.concatenate(importances), sequences.lengths)


def _read_baseline(baseline, values):
    """Get the value of a hidden step, one number for each feature."""
    if baseline is None:
        with np.errstate(over="ignore"):
            baseline = values.mean(axis=0)
    try:
        read = np.broadcast_to(np.asarray(baseline, np.float64), values.shape[1])
    except (OverflowError, TypeError, ValueError):
        read = None
    if read is None or not np.isfinite(read).all():
        raise ValueError(
            f"baseline must be a finite number, or one for each of the {values.shape[1]} features, "
            f"got {baseline!r}."
        )
    return read


def _outputs(estimator, X):
    answer = getattr(estimator, "predict_proba", estimator.predict)(list(X))
    return np.reshape(answer, (len(X), -1))


def _importance(estimator, steps, before, window, baseline):
    """Hide every window of one sequence, in one call of the estimator."""
    n_steps = len(steps)
    width = min(window, n_steps)
    hidden = np.arange(n_steps) - np.arange(n_steps - width + 1)[:, None]
    hidden = (hidden >= 0) & (hidden < width)
    after = _outputs(estimator, np.where(hidden[:, :, None], baseline, steps))
    if hasattr(estimator, "predict_proba"):
        lost = before[before.argmax()] - after[:, before.argmax()]
    else:
        lost = np.abs(before - after).sum(axis=1)
    return lost @ hidden / hidden.sum(axis=0)
