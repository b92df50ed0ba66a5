"""The two architectures: how layers are put together.

A network is described by plain values. `shapes` names its parameters; `run` is a layer like
any other: ``scores, back = network.run(params, x, packing, rng)``. Dropout acts when `rng` is
given, that is, in training.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from skrnn._numeric.layers import (
    POOLINGS,
    activate,
    attend,
    attend_on,
    dense,
    dropout,
    pool_last,
    turn,
)
from skrnn._numeric.packing import Packing
from skrnn._numeric.recurrent import CELLS, recurrent, recurrent_shapes, truncated


@dataclass(frozen=True)
class MLP:
    """Dense layers with an activation between them: x (n, units[0]), scores (n, units[-1])."""

    units: tuple[int, ...]
    activation: str = "relu"
    dropout: float = 0.0

    @property
    def shapes(self):
        """Shape of each parameter of each layer."""
        return {
            f"dense_{i}": {"W": (n_in, n_out), "b": (n_out,)}
            for i, (n_in, n_out) in enumerate(pairwise(self.units))
        }

    def run(self, params, x, packing=None, rng=None):
        """Forward pass; `packing` is not looked at."""
        backs: list[tuple] = []
        for name, p in params.items():
            if backs:
                x, back_activation = activate(x, self.activation)
                x, back_dropout = dropout(x, self.dropout, rng)
                backs += [(back_activation, None), (back_dropout, None)]
            x, back_dense = dense(p, x)
            backs.append((back_dense, name))

        def back(dy, g, want_dx=False):
            for back_layer, name in reversed(backs[1:]):
                dy = back_layer(dy, g.get(name))
            back_first, name = backs[0]
            return back_first(dy, g[name], want_dx)

        return x, back


@dataclass(frozen=True)
class RNN:
    """Stacked recurrent layers, a pooling over time, and a dense output layer.

    x (rows, n_features) holds packed rows; scores are (n_sequences, n_outputs), or one row for
    each step, sequence after sequence, when `pooling` is None.
    """

    n_features: int
    hidden_layer_sizes: tuple[int, ...]
    n_outputs: int
    cell: str = "gru"
    activation: str = "tanh"
    bidirectional: bool = False
    pooling: str | None = "last"
    dropout: float = 0.0
    bptt_steps: int | None = None

    @cached_property
    def layers(self):
        """Names of the directions of each recurrent layer: forwards, then backwards."""
        directions = ("", "_reverse") if self.bidirectional else ("",)
        return [
            tuple(f"recurrent_{i}{direction}" for direction in directions)
            for i in range(len(self.hidden_layer_sizes))
        ]

    @property
    def shapes(self):
        """Shape of each parameter of each layer."""
        shapes, n_in = {}, self.n_features
        for names, n_units in zip(self.layers, self.hidden_layer_sizes, strict=True):
            shapes.update({name: recurrent_shapes(self.cell, n_in, n_units) for name in names})
            n_in = n_units * len(names)
        if self.pooling == "attention":
            shapes["attention"] = {"W": (n_in, 1)}
        shapes["output"] = {"W": (n_in, self.n_outputs), "b": (self.n_outputs,)}
        return shapes

    def work(self, n_sequences):
        """Count the multiplications of the largest layer's recurrent product at a step."""
        return CELLS[self.cell].n_gates * n_sequences * max(self.hidden_layer_sizes) ** 2

    def run(self, params, x, packing, rng=None):
        """Forward pass over packed rows."""
        y, back_encoding = self.encode(params, x, packing, rng)
        scores, back_output = dense(params["output"], y)

        def back(dscores, g, want_dx=False):
            return back_encoding(back_output(dscores, g["output"]), g, want_dx)

        return scores, back

    def encode(self, params, x, packing, rng=None):
        """Forward pass without the output layer: the pooled states of the last layer."""
        backs, layers = [], self.layers
        for names in layers:
            pooling = self.pooling if names is layers[-1] else "later"
            x, back_layer = self._directions(
                names, params, x, packing, POOLINGS.get(pooling, _stay)
            )
            back_attention = _through
            if pooling == "attention":  # over the states of both directions side by side
                x, back_attention = attend(params["attention"], x, packing)
            x, back_dropout = dropout(x, self.dropout, rng)
            backs.append((back_layer, back_attention, back_dropout))

        def back(dy, g, want_dx=False):
            for i, (back_layer, back_attention, back_dropout) in _backwards(backs):
                dy = back_attention(back_dropout(dy), g.get("attention"))
                dy = back_layer(dy, g, want_dx or i > 0)
            return dy

        return x, back

    def initial_state(self, n_streams, dtype):
        """Make the state before the first step of parallel streams."""
        n_states = CELLS[self.cell].n_states
        layers = tuple(
            tuple(np.zeros((n_streams, n_units), dtype) for _ in range(n_states))
            for n_units in self.hidden_layer_sizes
        )
        return StreamState(layers, None, 0)

    def n_streams(self, state):
        """Count the streams of a state; refuses the state of another network."""
        n_streams, n_states = len(state.layers[0][0]), CELLS[self.cell].n_states
        mine = [[(n_streams, units)] * n_states for units in self.hidden_layer_sizes]
        if mine != [[np.shape(s) for s in layer] for layer in state.layers]:
            raise ValueError("This state is that of another network; begin with initial_state().")
        pooled = self.hidden_layer_sizes[-1] + 2 * (self.pooling == "attention")
        if state.pooled is not None and np.shape(state.pooled) != (n_streams, pooled):
            raise ValueError(f"This state is not one of pooling={self.pooling!r}.")
        return n_streams

    def step(self, params, x, state):
        """Take one step of every stream: x (n_streams, n_features), scores for all so far."""
        packing, layers = _one_step(len(x)), []
        for (name,), start in zip(self.layers, state.layers, strict=True):
            states, _ = recurrent(
                self.cell, params[name], x, packing, start, **self._cell_options()
            )
            x = states[0]
            layers.append(states)
        n_steps = state.n_steps + 1
        if self.pooling == "attention":
            x, pooled = attend_on(params["attention"], x, state.pooled)
        else:
            if state.pooled is not None and self.pooling == "mean":
                x = state.pooled + (x - state.pooled) / n_steps
            elif state.pooled is not None and self.pooling == "max":
                x = np.maximum(state.pooled, x)
            pooled = x
        scores, _ = dense(params["output"], x)
        return scores, StreamState(tuple(layers), pooled, n_steps)

    def _directions(self, names, params, x, packing, read):
        """Run a layer forwards, and backwards too if it has two names; outputs side by side."""
        outputs, backs = [], []
        for name, turned in zip(names, (False, True), strict=False):
            own_x, back_turn = turn(x, packing) if turned else (x, _through)
            h, back_h = self._recurrent(params[name], own_x, packing)
            back_order = _through
            # The last state of a direction is the one at the end of its own time; whatever
            # else is read wants the steps in their common order again.
            if turned and read is not pool_last:
                h, back_order = turn(h, packing)
            y, back_read = read(h, packing)
            outputs.append(y)
            backs.append((name, back_turn, back_h, back_order, back_read))

        def back(dy, g, want_dx):
            dx = 0.0 if want_dx else None
            parts = np.split(dy, len(backs), axis=1)
            for part, (name, back_turn, back_h, back_order, back_read) in zip(
                parts, backs, strict=True
            ):
                own_dx = back_h(back_order(back_read(part)), g[name], want_dx)
                if want_dx:
                    dx = dx + back_turn(own_dx)
            return dx

        return outputs[0] if len(outputs) == 1 else np.concatenate(outputs, axis=1), back

    def _recurrent(self, p, x, packing):
        start = (0,) * CELLS[self.cell].n_states
        options = self._cell_options()
        if self.bptt_steps is None:
            states, back = recurrent(self.cell, p, x, packing, start, **options)
        else:
            states, back = truncated(self.cell, p, x, packing, start, self.bptt_steps, **options)
        return states[0], back

    def _cell_options(self):
        return {"activation": self.activation} if self.cell == "rnn" else {}


class StreamState(NamedTuple):
    """Where streams stand: states of each layer, what is pooled so far, number of steps taken."""

    layers: tuple[tuple[np.ndarray, ...], ...]
    pooled: np.ndarray | None
    n_steps: int


@lru_cache(maxsize=16)
def _one_step(n_streams):
    return Packing(np.ones(n_streams, dtype=int))


def _backwards(items):
    return reversed(list(enumerate(items)))


def _through(x, g=None):
    return x


def _stay(h, packing):
    return h, _through
