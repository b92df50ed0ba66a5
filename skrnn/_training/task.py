"""A fit and its epochs, as callbacks see them."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable


class FitTask:
    """The task of a fit. Each epoch is a subtask.

    Parameters
    ----------
    estimator : estimator
        The estimator that is being fitted.

    X, y, sample_weight : array-like
        What it is fitted to. `sample_weight` may be None.

    n_epochs : int or None
        Largest number of epochs; None if it is unknown.
    """

    def __init__(
        self, estimator: Any, X: Any, y: Any, sample_weight: Any, n_epochs: int | None
    ) -> None:
        self._context = estimator._init_callback_context(max_subtasks=n_epochs)
        metadata = None if sample_weight is None else {"sample_weight": sample_weight}
        self._task = {"estimator": estimator, "X": X, "y": y, "metadata": metadata}
        self._has_callbacks = hasattr(estimator, "_skl_callbacks")

    def begin(self) -> None:
        """Tell the callbacks that the fit begins."""
        self._context.call_on_fit_task_begin(**self._task)

    def report_epoch(self, learned: Callable[[], dict[str, Any]]) -> bool:
        """Tell the callbacks that an epoch has ended; return whether one of them stops the fit.

        `learned` returns the attributes that a fit would set now.
        """
        if not self._has_callbacks:
            return False
        epoch = self._context.subcontext(task_name="epoch")
        epoch.call_on_fit_task_begin(**self._task)
        stop: bool = epoch.call_on_fit_task_end(
            **self._task, reconstruction_attributes=lambda: copy.deepcopy(learned())
        )
        return stop

    def end(self) -> None:
        """Tell the callbacks that the fit has ended."""
        self._context.call_on_fit_task_end(**self._task, reconstruction_attributes={})
