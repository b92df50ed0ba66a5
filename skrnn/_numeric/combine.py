"""Layers that are made of layers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.random import RandomState

    from skrnn._numeric.packing import Packing
    from skrnn._numeric.types import Back, Layer, Parameters


def chain(*layers: Layer) -> Layer:
    """Run layers one after another."""

    def run(
        params: Parameters, x: Any, packing: Packing | None = None, rng: RandomState | None = None
    ) -> tuple[Any, Back]:
        backs = []
        for layer in layers:
            x, back_layer = layer(params, x, packing, rng)
            backs.append(back_layer)

        def back(dy: Any, grad: Parameters, want_dx: bool = False) -> Any:
            for back_layer in backs[:0:-1]:
                dy = back_layer(dy, grad, True)
            return backs[0](dy, grad, want_dx)

        return x, back

    return run


def named(name: str, layer: Layer) -> Layer:
    """Run a layer with the parameters of this name."""

    def run(
        params: Parameters, x: Any, packing: Packing | None = None, rng: RandomState | None = None
    ) -> tuple[Any, Back]:
        y, back_layer = layer(params[name], x, packing, rng)

        def back(dy: Any, grad: Parameters, want_dx: bool = True) -> Any:
            return back_layer(dy, grad[name], want_dx)

        return y, back

    return run


def concatenate(*layers: Layer) -> Layer:
    """Run layers of equal width on the same input, and put their outputs side by side."""
    if len(layers) == 1:
        return layers[0]

    def run(
        params: Parameters, x: Any, packing: Packing, rng: RandomState | None = None
    ) -> tuple[np.ndarray, Back]:
        outputs, backs = zip(*(layer(params, x, packing, rng) for layer in layers), strict=True)

        def back(dy: Any, grad: Parameters, want_dx: bool = True) -> Any:
            parts = np.split(dy, len(layers), axis=1)
            dxs = [back(part, grad, want_dx) for back, part in zip(backs, parts, strict=True)]
            return sum(dxs) if want_dx else None

        return np.concatenate(outputs, axis=1), back

    return run


def add(*layers: Layer) -> Layer:
    """Run layers on the same input, and add their outputs."""

    def run(
        params: Parameters, x: Any, packing: Packing, rng: RandomState | None = None
    ) -> tuple[Any, Back]:
        outputs, backs = zip(*(layer(params, x, packing, rng) for layer in layers), strict=True)

        def back(dy: Any, grad: Parameters, want_dx: bool = True) -> Any:
            dxs = [back(dy, grad, want_dx) for back in backs]
            return sum(dxs) if want_dx else None

        return sum(outputs), back

    return run
