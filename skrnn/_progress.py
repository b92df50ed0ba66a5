"""All that decides how a training run goes on: taken out of it, and put back."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

import numpy as np

# What of a Watch is not history: its settings and connections, and a result of the end.
_NOT_HISTORY = {"recipe", "n_samples", "validate", "report", "keep", "merit"}


@dataclass
class Progress:
    """A run as it stands between two epochs, by reference.

    A run whose progress is set to what another's `get` gave goes on as the other did, to the
    last bit.

    Parameters
    ----------
    theta : ndarray
        The weights.

    state : dict
        State of the optimizer.

    order : ndarray of int
        Order in which the last epoch saw the samples; the next one permutes it.

    rng : RandomState
        Source of orders and of dropout.

    watch : Watch
        The history.
    """

    theta: np.ndarray
    state: dict[str, Any]
    order: np.ndarray
    rng: np.random.RandomState
    watch: Any

    def get(self) -> dict[str, Any]:
        """Copy it into plain dictionaries of arrays, numbers, strings, lists and None."""
        history = {name: getattr(self.watch, name) for name in self._history()}
        return {
            "theta": self.theta.copy(),
            "state": {name: _copied(value) for name, value in self.state.items()},
            "order": self.order.copy(),
            "rng": self.rng.get_state(legacy=False),
            "history": {name: _copied(value) for name, value in history.items()},
        }

    def set(self, saved: dict[str, Any]) -> None:
        """Put back, in place, what `get` gave."""
        self.theta[...] = saved["theta"]
        self.order[...] = saved["order"]
        self.rng.set_state(saved["rng"])
        for name, value in saved["state"].items():
            if isinstance(value, np.ndarray):
                self.state[name][...] = value
            else:
                self.state[name] = value
        for name in self._history():
            setattr(self.watch, name, _copied(saved["history"][name]))

    def _history(self):
        return [f.name for f in fields(self.watch) if f.name not in _NOT_HISTORY]


def _copied(value):
    return value.copy() if isinstance(value, np.ndarray | list) else value
