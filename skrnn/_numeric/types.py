"""Types of what layers take and return, for annotations: imported by type checkers only."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Protocol

from numpy.random import RandomState

# Rows of numbers: an array, or a matrix of SciPy in CSR format, which has no types.
Matrix = Any

# The arrays of a layer by name; for a network, those of its layers by the name of the layer.
Parameters = Mapping[str, Any]


# What calls a function with the items of iterables, as `map` does.
MapLike = Callable[..., Iterator[Any]]


class Back(Protocol):
    """The backward pass of a layer: writes into `grad`, and returns ``dx`` or None."""

    def __call__(self, dy: Any, grad: Parameters, want_dx: bool = ..., /) -> Any:
        """Compute ``dx``, an array like the input."""


class Layer(Protocol):
    """A layer or a network: arrays in and out, but for the `Chain` of a random field."""

    def __call__(
        self, p: Parameters, x: Any, packing: Any, rng: RandomState | None = ..., /
    ) -> tuple[Any, Back]:
        """Compute the output, and return it with the backward pass; `packing` is a `Packing`."""
