"""All parameters of a network in one flat vector, with a named view of each."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

Shapes = Mapping[str, Mapping[str, tuple[int, ...]]]
Arrays = Mapping[str, Mapping[str, np.ndarray]]


class Params(dict[str, dict[str, np.ndarray]]):
    """Named views into one flat vector: ``params[layer][name]``, weights before biases.

    With a single vector, an optimizer takes a few lines, and copies, clipping, weight decay and
    checks for finite values one line each. Biases are the parameters called ``b`` or ``b_...``
    (see `is_bias`). They are at the end of the vector, so that ``weights`` is a slice.

    Parameters
    ----------
    shapes : mapping of str to mapping of str to tuple of int
        Shape of each parameter of each layer.

    dtype : dtype, default=float64
        Type of the vector.

    Attributes
    ----------
    flat : ndarray of shape (n_parameters,)
        Every parameter. Change it in place, as `weights` and the named arrays are views of it.

    weights : ndarray of shape (n_weights,)
        The first part of `flat`, without the biases. The L2 penalty applies to it.

    Examples
    --------
    >>> from skrnn._numeric.params import Params
    >>> params = Params({"output": {"b": (1,), "W": (2, 1)}})
    >>> params.flat[:] = [1, 2, 3]
    >>> params["output"]["W"].ravel(), params["output"]["b"], params.weights
    (array([1., 2.]), array([3.]), array([1., 2.]))
    """

    def __init__(self, shapes: Shapes, dtype: np.typing.DTypeLike = np.float64):
        super().__init__({layer: {} for layer in shapes})
        self.shapes = shapes
        entries = [(layer, *item) for layer, p in shapes.items() for item in p.items()]
        entries.sort(key=lambda entry: is_bias(entry[1]))  # a stable sort
        self.flat = np.zeros(sum(math.prod(shape) for *_, shape in entries), dtype)
        start = 0
        for layer, name, shape in entries:
            stop = start + math.prod(shape)
            self[layer][name] = self.flat[start:stop].reshape(shape)
            start = stop
        n_weights = sum(math.prod(shape) for _, name, shape in entries if not is_bias(name))
        self.weights = self.flat[:n_weights]

    def fill(self, arrays: Arrays) -> Params:
        """Copy named arrays into the vector; exactly these names and shapes are accepted."""
        for layer, of_layer in arrays.items():
            if not isinstance(of_layer, Mapping):
                raise ValueError(
                    f"The weights given for {layer} must be a dictionary of arrays, got "
                    f"{type(of_layer).__name__}."
                )
            if unknown := [name for name in of_layer if name not in self.get(layer, {})]:
                accepted = ", ".join(f"{key}[{name!r}]" for key, p in self.items() for name in p)
                raise ValueError(
                    f"Weights are given for {layer}[{unknown[0]!r}], which the network does not "
                    f"have. It has {accepted}."
                )
        for layer, p in self.items():
            for name, array in p.items():
                if name not in arrays.get(layer, {}):
                    raise ValueError(f"The weights of {layer}[{name!r}] are missing.")
                given = _numbers(arrays[layer][name])
                if given.shape != array.shape:
                    raise ValueError(
                        f"The weights given for {layer}[{name!r}] have shape {given.shape}, but "
                        f"the network needs {array.shape}."
                    )
                if not np.isfinite(given).all():
                    raise ValueError(f"The weights given for {layer}[{name!r}] are not all finite.")
                array[...] = given
        return self

    def like(self) -> Params:
        """Make zeros with the same names, shapes and dtype, for a gradient."""
        return Params(self.shapes, self.flat.dtype)


def is_bias(name: str) -> bool:
    """Whether a parameter is a bias, to which no L2 penalty applies: ``b`` or ``b_...``."""
    return name == "b" or name.startswith("b_")


def _numbers(given: Any) -> np.ndarray:
    """Read an array of numbers. Other input becomes a scalar NaN, which has the wrong shape."""
    try:
        array = np.asarray(given)
    except ValueError:  # rows of different lengths
        return np.asarray(np.nan)
    return array if array.dtype.kind in "biufc" else np.asarray(np.nan)
