"""Callbacks for scikit-learn before 1.9, by the protocol of `sklearn.callback`.

The hooks of a callback are called in the same order and with the same arguments. Meta-estimators
of these versions do not propagate callbacks, so a context here has no parent estimator.
"""

from __future__ import annotations

import copy
from contextlib import ExitStack
from functools import wraps
from inspect import signature
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, Self, TypeVar

    F = TypeVar("F", bound=Callable[..., Any])

_HOOKS = "setup", "teardown", "on_fit_task_begin", "on_fit_task_end"
_ARGUMENTS = {"X", "y", "metadata", "fitted_estimator"}  # those that a hook may ask for by keyword


class CallbackContext:
    """One task of a fit, such as an epoch, with the callbacks of the estimator.

    Parameters
    ----------
    callbacks : list of callbacks
        The callbacks of the estimator.

    estimator_name : str
        Name of the class of the estimator.

    task_name : str
        Name of the task.

    task_id : int
        Number of the task among those of its parent.

    max_subtasks : int or None
        Largest number of subtasks; None if it is unknown.

    parent : CallbackContext or None
        The task that contains this one; None for the whole fit.
    """

    def __init__(
        self,
        callbacks: list[Any],
        estimator_name: str,
        task_name: str,
        task_id: int,
        max_subtasks: int | None,
        parent: CallbackContext | None = None,
    ) -> None:
        self._callbacks = callbacks
        self.estimator_name = estimator_name
        self.task_name = task_name
        self.task_id = task_id
        self.max_subtasks = max_subtasks
        self.parent = parent
        self._n_subtasks = 0

    def __repr__(self) -> str:
        return (
            f"CallbackContext(estimator_name={self.estimator_name!r}, "
            f"task_name={self.task_name!r}, task_id={self.task_id})"
        )

    def subcontext(self, task_name: str = "", max_subtasks: int | None = 0) -> CallbackContext:
        """Begin the next subtask.

        Parameters
        ----------
        task_name : str, default=""
            Name of the subtask.

        max_subtasks : int or None, default=0
            Largest number of subtasks of the subtask; None if it is unknown.

        Returns
        -------
        context : CallbackContext
            The context of the subtask.
        """
        task_id = self._n_subtasks
        self._n_subtasks += 1
        return CallbackContext(
            self._callbacks, self.estimator_name, task_name, task_id, max_subtasks, self
        )

    def call_on_fit_task_begin(self, *, estimator: Any, **arguments: Any) -> Self:
        """Call ``on_fit_task_begin`` of each callback.

        Parameters
        ----------
        estimator : estimator
            The estimator that is being fitted.

        **arguments : dict
            X, y, metadata and reconstruction_attributes, as in `call_on_fit_task_end`.

        Returns
        -------
        self : CallbackContext
            The context itself.
        """
        self._call("on_fit_task_begin", estimator, arguments)
        return self

    def call_on_fit_task_end(self, *, estimator: Any, **arguments: Any) -> bool:
        """Call ``on_fit_task_end`` of each callback.

        Parameters
        ----------
        estimator : estimator
            The estimator that is being fitted.

        **arguments : dict
            X, y and metadata of the task, and reconstruction_attributes: the attributes that
            make a copy of the estimator a fitted one, or a function that returns them.

        Returns
        -------
        stop : bool
            Whether a callback returned True, to end the tasks of this level.
        """
        return self._call("on_fit_task_end", estimator, arguments)

    def _call(self, name: str, estimator: Any, arguments: dict[str, Any]) -> bool:
        """Call a hook of all callbacks, each with the arguments in its signature."""
        stop = False
        values: dict[str, Any] = {}
        for callback in self._callbacks:
            hook = getattr(callback, name)
            wanted = _keyword_only(hook)
            if unknown := wanted - _ARGUMENTS:
                raise TypeError(
                    f"{name} of {type(callback).__name__} has the parameters {sorted(unknown)}; "
                    f"a callback may have {sorted(_ARGUMENTS)}."
                )
            for argument in wanted - set(values):
                if argument == "fitted_estimator":
                    values[argument] = _fitted_copy(estimator, arguments)
                else:
                    values[argument] = arguments.get(argument)
            stop |= bool(hook(estimator, self, **{key: values[key] for key in wanted}))
        return stop


def _keyword_only(hook: Callable[..., Any]) -> frozenset[str]:
    parameters = signature(hook).parameters.values()
    return frozenset(p.name for p in parameters if p.kind == p.KEYWORD_ONLY)


def _fitted_copy(estimator: Any, arguments: dict[str, Any]) -> Any:
    attributes = arguments.get("reconstruction_attributes")
    if callable(attributes):
        attributes = attributes()
    if attributes is None:
        return None
    fitted = copy.copy(estimator)
    for name, value in attributes.items():
        setattr(fitted, name, value)
    return fitted


class CallbackSupportMixin:
    """Estimators with callbacks."""

    def set_callbacks(self, *callbacks: Any) -> Self:
        """Set callbacks for the estimator.

        Parameters
        ----------
        *callbacks : callback instances
            The callbacks to set.

        Returns
        -------
        self : estimator instance
            The estimator instance itself.
        """
        for callback in callbacks:
            if isinstance(callback, type) or not all(hasattr(callback, name) for name in _HOOKS):
                raise TypeError("callbacks must be instances following the FitCallback protocol.")
        if callbacks:
            self._skl_callbacks = list(callbacks)
        else:
            self.__dict__.pop("_skl_callbacks", None)
        return self

    def __sklearn_clone__(self) -> Any:
        cloned = super().__sklearn_clone__()  # type: ignore[misc]
        if hasattr(self, "_skl_callbacks"):
            cloned._skl_callbacks = self._skl_callbacks  # shared by all clones of a search
        return cloned

    def _init_callback_context(
        self, task_name: str = "fit", max_subtasks: int | None = 0
    ) -> CallbackContext:
        """Make the context of a fit, and call ``setup`` of the callbacks."""
        callbacks = getattr(self, "_skl_callbacks", [])
        context = CallbackContext(callbacks, type(self).__name__, task_name, 0, max_subtasks)
        self._callback_fit_ctx = context
        self._skl_callbacks_to_teardown = []
        for callback in callbacks:
            self._skl_callbacks_to_teardown.append(callback)
            callback.setup(estimator=self, context=context)
        return context


def with_callbacks(method: F) -> F:
    """Decorate a method that fits: call ``teardown`` of the callbacks, whatever is raised.

    Parameters
    ----------
    method : function
        The method to decorate.

    Returns
    -------
    decorated : function
        The decorated method.
    """

    @wraps(method)
    def decorated(estimator: Any, *args: Any, **kwargs: Any) -> Any:
        try:
            return method(estimator, *args, **kwargs)
        finally:
            _tear_down(estimator)

    return cast("F", decorated)


def _tear_down(estimator: Any) -> None:
    context = estimator.__dict__.pop("_callback_fit_ctx", None)
    with ExitStack() as stack:  # calls every one, even if another raises an error
        for callback in reversed(estimator.__dict__.pop("_skl_callbacks_to_teardown", [])):
            stack.callback(callback.teardown, estimator=estimator, context=context)
