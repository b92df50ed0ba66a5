"""The check of parameters by scikit-learn, which has no annotations, for a type checker."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol, TypeVar

from sklearn.utils import _param_validation

F = TypeVar("F", bound=Callable[..., Any])


class Decorator(Protocol):
    """A decorator of functions of any signature."""

    def __call__(self, function: F, /) -> F:
        """Return a function with the same signature."""


validate_params: Callable[..., Decorator] = _param_validation.validate_params
