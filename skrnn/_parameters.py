"""The parameters that all networks have: what they accept, in the form of scikit-learn."""

from __future__ import annotations

from collections.abc import Mapping
from numbers import Integral, Real
from typing import Any

import numpy as np
from sklearn.utils._param_validation import Interval, Options, StrOptions

from skrnn._numeric.activations import ACTIVATIONS

_LARGEST_INTEGER = 2**63 - 1

CONSTRAINTS: dict[str, Any] = {
    "hidden_layer_sizes": ["array-like", Interval(Integral, 1, None, closed="left")],
    "activation": [StrOptions(set(ACTIVATIONS))],
    "alpha": [Interval(Real, 0, None, closed="left")],
    "batch_size": [StrOptions({"auto"}), Interval(Integral, 1, None, closed="left")],
    "learning_rate": [StrOptions({"constant", "invscaling", "adaptive", "cosine"})],
    "learning_rate_init": [Interval(Real, 0, None, closed="neither")],
    "max_iter": [Interval(Integral, 1, None, closed="left")],
    "random_state": ["random_state"],
    "tol": [Interval(Real, 0, None, closed="left")],
    "verbose": ["verbose"],
    "warm_start": ["boolean"],
    "early_stopping": ["boolean"],
    "validation_fraction": [Interval(Real, 0, 1, closed="left")],
    "n_iter_no_change": [Interval(Integral, 1, None, closed="left"), Options(Real, {np.inf})],
    "dropout": [Interval(Real, 0, 1, closed="left")],
    "n_init": [Interval(Integral, 1, None, closed="left")],
}


def hidden_units(sizes: Any) -> tuple[int, ...]:
    """Read `hidden_layer_sizes`, one integer or several."""
    sizes = list(sizes) if np.iterable(sizes) else [sizes]
    if not all(isinstance(n_units, Integral) and int(n_units) > 0 for n_units in sizes):
        raise ValueError(f"hidden_layer_sizes must be > 0 and integer, got {sizes}.")
    return tuple(int(n_units) for n_units in sizes)


def refuse_large_integers(parameters: Mapping[str, Any]) -> None:
    """Raise a ValueError if a parameter is an integer that NumPy does not hold."""
    for name, value in parameters.items():
        if isinstance(value, Integral) and abs(int(value)) > _LARGEST_INTEGER:
            raise ValueError(f"{name} is too large: more than {_LARGEST_INTEGER}.")
