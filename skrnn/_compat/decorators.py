"""Decorators of scikit-learn, which has no annotations: what they return has the type it had."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol, TypeVar

from sklearn.base import _fit_context
from sklearn.utils import _param_validation, metaestimators

F = TypeVar("F", bound=Callable[..., Any])


class Decorator(Protocol):
    """A decorator of functions of any signature."""

    def __call__(self, function: F, /) -> F:
        """Decorate a function.

        Parameters
        ----------
        function : function
            The function.

        Returns
        -------
        decorated : function
            A function with the same signature.
        """


fit_context: Callable[..., Decorator] = _fit_context
validate_params: Callable[..., Decorator] = _param_validation.validate_params
available_if: Callable[[Callable[[Any], Any]], Decorator] = metaestimators.available_if
