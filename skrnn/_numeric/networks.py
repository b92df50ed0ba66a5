"""The two architectures: how layers are combined.

A network is described by plain values. `shapes` names its parameters. `run` is a layer like any
other (see ``layers``): ``raw_prediction, back = network.run(params, x, packing, rng)``, where
`params` maps the names of layers to their parameters. Pass `rng` in training only: it turns
dropout on.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, lru_cache, partial
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from skrnn._numeric.affine import dense
from skrnn._numeric.combine import add, chain, concatenate, named
from skrnn._numeric.crf import filter_labels, forbid, score_transitions
from skrnn._numeric.forward import FORWARD, forward_layer, stream_step
from skrnn._numeric.frames import frame_of_each_step, read_frames
from skrnn._numeric.lags import weigh_last_steps
from skrnn._numeric.layers import (
    POOLINGS,
    POOLINGS_OF_STREAMS,
    activate,
    dropout,
    each_step,
    pool_last_of_both,
    refuse_sparse,
    subtract_last,
)
from skrnn._numeric.packing import Packing
from skrnn._numeric.recurrent import CELLS, recurrent_layer
from skrnn._numeric.static import (
    append_static,
    dense_beside_static,
    initial_if_empty,
    put_beside,
    read_static_at_steps,
    start_from_static,
)
from skrnn._numeric.streams import StreamState

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from skrnn._numeric.params import Shapes
    from skrnn._numeric.types import Layer, Matrix, Parameters

    Names = list[tuple[str, ...]]  # of the directions of each layer
    MakeRecurrent = Callable[..., Layer]


@dataclass(frozen=True)
class MLP:
    """Dense layers with an activation between them: x (n, units[0]), output (n, units[-1])."""

    units: tuple[int, ...]
    activation: str = "relu"
    dropout: float = 0.0

    per_step = False

    @property
    def n_outputs(self) -> int:
        """Number of outputs."""
        return self.units[-1]

    @property
    def shapes(self) -> Shapes:
        """Shape of each parameter of each layer."""
        return {
            f"dense_{i}": {"W": (n_in, n_out), "b": (n_out,)}
            for i, (n_in, n_out) in enumerate(pairwise(self.units))
        }

    def work(self, n_inputs: float) -> float:
        """Count the multiplications of the largest layer for a row of so many stored values."""
        return max(n_in * n_out for n_in, n_out in pairwise((n_inputs, *self.units[1:])))

    @cached_property
    def largest(self) -> tuple[int, int]:
        """Largest number of inputs, and of weights, of a layer."""
        return _largest(self.shapes)

    @cached_property
    def run(self) -> Layer:
        """All layers as one."""
        return self.predict

    @cached_property
    def predict(self) -> Layer:
        """All layers as one."""
        first, *others = (named(name, dense) for name in self.shapes)
        between = [activate(self.activation), *_dropout_layers(self.dropout)]
        return chain(first, *(layer for other in others for layer in (*between, other)))


@dataclass(frozen=True)
class RNN:
    """Stacked recurrent layers, poolings over time, and a dense output layer.

    x (n_rows, n_features) holds packed rows, dense or in CSR format. The output is
    (n_sequences, n_outputs). Without pooling it is (n_rows, n_outputs), one row for each step,
    sequence after sequence. The results of several poolings are side by side. With
    `embedding_size`, the input of the first recurrent layer is a linear function of x with so many
    columns. A linear function of the last `skip` steps of a sequence, or of each step without
    pooling, is added to the output. The columns of x in `differences` enter the network, but not
    this function, as differences to their last value. The first layer reads frames of
    `frame_length` steps, see ``frames``. With `n_static` static features,
    ``packing.static`` holds those of each sequence. They stand beside the input of the output
    layer. With `static_at_steps`, they also stand beside each step in the input of the first
    recurrent layer. Otherwise the initial state of each recurrent layer is a function of them.

    Without hidden layers, the output layer reads the steps themselves, or their poolings. With
    `transitions`, the output is a `Chain` (see ``crf``), without pooling. `allowed` then holds the
    table of allowed transitions as bytes, or None if all are.
    """

    n_features: int
    hidden_layer_sizes: tuple[int, ...]
    n_outputs: int
    cell: str = "gru"
    activation: str = "tanh"
    bidirectional: bool = False
    pooling: str | tuple[str, ...] | None = "last"
    dropout: float = 0.0
    bptt_steps: int | None = None
    skip: int = 0
    differences: tuple[int, ...] = ()
    frame_length: int = 1
    n_static: int = 0
    embedding_size: int | None = None
    transitions: bool = False
    allowed: bytes | None = None
    static_at_steps: bool = False

    @cached_property
    def layers(self) -> Names:
        """Names of the directions of each recurrent layer: forwards, then backwards."""
        n_layers = len(self.hidden_layer_sizes)
        if self.bidirectional:
            return [(f"recurrent_{i}", f"recurrent_{i}_reverse") for i in range(n_layers)]
        return [(f"recurrent_{i}",) for i in range(n_layers)]

    @cached_property
    def initial(self) -> Names:
        """Names of the initial states that are made of static features, of each recurrent layer."""
        if not self.n_static or self.static_at_steps:
            return [()] * len(self.layers)
        return [tuple(n.replace("recurrent", "initial") for n in names) for names in self.layers]

    @property
    def needs_ends(self) -> bool:
        """Whether a step needs later steps, or several earlier ones, which streams do not have."""
        return bool(self.bidirectional or self.differences or max(self.skip, self.frame_length) > 1)

    def frames_of_steps(self, lengths: np.ndarray) -> slice | np.ndarray:
        """Find the frame of each step of sequences of these lengths."""
        length = self.frame_length
        return frame_of_each_step(lengths, length, length) if length > 1 else slice(None)

    @cached_property
    def cells(self) -> tuple[str, ...]:
        """Name of the cell of each recurrent layer."""
        above = CELLS[self.cell].above or self.cell
        return (self.cell, *[above] * len(self.hidden_layer_sizes))[: len(self.hidden_layer_sizes)]

    @cached_property
    def poolings(self) -> tuple[str, ...]:
        """Names of the poolings; none if there is an output for each step."""
        return (self.pooling,) if isinstance(self.pooling, str) else self.pooling or ()

    @property
    def per_step(self) -> bool:
        """Whether there is an output for each step."""
        return not self.poolings

    @property
    def shapes(self) -> Shapes:
        """Shape of each parameter of each layer."""
        shapes: dict[str, dict[str, tuple[int, ...]]] = {}
        n_in, sizes = self.frame_length * self.n_features, self.hidden_layer_sizes
        if self.embedding_size:
            shapes["embedding"] = {"W": (n_in, self.embedding_size)}
            n_in = self.embedding_size
        n_in += self.n_static if self.static_at_steps else 0
        for names, cell, n_units in zip(self.layers, self.cells, sizes, strict=True):
            shapes.update({name: CELLS[cell].shapes(n_in, n_units) for name in names})
            n_in = n_units * len(names)
        if "attention" in self.poolings:
            shapes["attention"] = {"W": (n_in, 1)}
        for names, n_units in zip(self.initial, self.hidden_layer_sizes, strict=True):
            shape = CELLS[self.cell].n_states, self.n_static, n_units
            shapes.update({name: {"W": shape} for name in names})
        n_in = n_in * max(len(self.poolings), 1) + self.n_static
        shapes["output"] = {"W": (n_in, self.n_outputs), "b": (self.n_outputs,)}
        if self.skip:
            shapes["skip"] = {"W": (self.skip * self.n_features, self.n_outputs)}
        if self.transitions:
            of_ends = {"start": (self.n_outputs,), "end": (self.n_outputs,)}
            shapes["transitions"] = {"W": (self.n_outputs, self.n_outputs), **of_ends}
        return shapes

    def work(self, n_sequences: float) -> float:
        """Count the multiplications of the largest layer's recurrent product at a step."""
        return CELLS[self.cell].n_gates * n_sequences * max(self.hidden_layer_sizes, default=0) ** 2

    @cached_property
    def largest(self) -> tuple[int, int]:
        """Largest number of inputs, and of weights, of a layer. Each gate is a layer."""
        return _largest(self.shapes)

    @cached_property
    def run(self) -> Layer:
        """All layers as one."""
        return self._all_layers(partial(recurrent_layer, bptt_steps=self.bptt_steps))

    @cached_property
    def predict(self) -> Layer:
        """All layers as one, without a backward pass."""
        return self._all_layers(_without_backward)

    def _all_layers(self, recurrent: MakeRecurrent) -> Layer:
        """Make the network with the recurrent layers that a function makes."""
        network = self._start(chain(*self._output_layers(recurrent)))
        if not self.skip:
            return network
        if not self.poolings:
            return add(network, chain(named("skip", dense), each_step))
        return add(network, named("skip", weigh_last_steps))

    @cached_property
    def encode(self) -> Layer:
        """All layers but the output layer, without a backward pass: the pooled last states."""
        return self._start(chain(*self._encoder_layers(_without_backward)))

    def _start(self, network: Layer) -> Layer:
        """Add what comes first: initial states from static features, frames, and differences."""
        names = [name for names in self.initial for name in names]
        network = start_from_static(network, names) if names else network
        network = read_frames(network, self.frame_length) if self.frame_length > 1 else network
        return subtract_last(network, self.differences) if self.differences else network

    def _output_layers(self, recurrent: MakeRecurrent) -> list[Layer]:
        """Make all layers, up to the output layer and the transitions.

        Without recurrent layers, the output layer reads the packed steps, which may be sparse.
        """
        if self.hidden_layer_sizes or self.poolings:
            beside = [append_static(not self.poolings)] if self.n_static else []
            layers = [*self._encoder_layers(recurrent), *beside, named("output", dense)]
        else:
            output = named("output", dense_beside_static if self.n_static else dense)
            layers = [*self._embedding_layers(), output, each_step]
        if self.transitions:
            layers.append(named("transitions", score_transitions(self.table)))
        return layers

    @cached_property
    def table(self) -> np.ndarray | None:
        """Booleans (n_outputs + 1, n_outputs + 1) of the allowed transitions, or None."""
        if self.allowed is None:
            return None
        return np.frombuffer(self.allowed, bool).reshape(self.n_outputs + 1, -1)

    def _embedding_layers(self) -> list[Layer]:
        return [named("embedding", dense)] if self.embedding_size else []

    def _encoder_layers(self, recurrent: MakeRecurrent) -> list[Layer]:
        """Make the recurrent layers, each followed by dropout, with poolings after the last.

        The embedding comes first, if there is one. The first recurrent layer may read static
        features.
        """
        after = _dropout_layers(self.dropout)
        made = [
            recurrent(names, cell, self.activation, initial=initial)
            for names, cell, initial in zip(self.layers, self.cells, self.initial, strict=True)
        ]
        if self.static_at_steps:
            made[0] = read_static_at_steps(made[0])
        first, others = made[:1] or [refuse_sparse], made[1:]
        layers = [*first, *(layer for other in others for layer in (*after, other))]
        poolings = [self._pooling(name) for name in self.poolings]
        pooling = initial_if_empty(concatenate(*poolings), *self.initial[-1:])
        layers.append(pooling if poolings else each_step)
        return [*self._embedding_layers(), *layers, *after]

    def _pooling(self, name: str) -> Layer:
        """Make a pooling of the states of the last layer."""
        if name == "last" and self.bidirectional:
            return pool_last_of_both
        return named(name, POOLINGS[name]) if name == "attention" else POOLINGS[name]

    def initial_state(self, params: Parameters, n_streams: int, static: Any = None) -> StreamState:
        """Make the state before the first step of streams: static (n_streams, n_static)."""
        n_states, dtype = CELLS[self.cell].n_states, params["output"]["W"].dtype
        if any(self.initial):
            layers = tuple(tuple(np.matmul(static, params[n]["W"])) for (n,) in self.initial)
        else:
            layers = tuple(
                tuple(np.zeros((n_streams, n_units), dtype) for _ in range(n_states))
                for n_units in self._state_sizes
            )
        return StreamState(layers, (None,) * len(self.poolings), 0, static)

    @property
    def _state_sizes(self) -> tuple[int, ...]:
        """Units of the state of each layer; without layers, one state without units."""
        return self.hidden_layer_sizes or (0,)

    def n_streams(self, state: StreamState) -> int:
        """Count the streams of a state. A state that does not fit the network is an error."""
        n_streams = len(state.layers[0][0]) if any(state.layers) else 0
        layers = [[array.shape for array in layer] for layer in state.layers]
        given = [layers, *map(_shapes, (state.pooled, (state.static,), (state.labels,)))]
        needed = self._shapes_of_state(n_streams, state.n_steps > 0)
        if given == needed:
            return n_streams
        for i, name in enumerate(("layers", "poolings", "static features", "labels")):
            if given[i] != needed[i]:
                raise ValueError(
                    f"The state does not fit this network: its {name} have shapes {given[i]}, but "
                    f"{needed[i]} are needed. Start with initial_state() of this estimator."
                )
        return n_streams

    @cached_property
    def _shapes_of_state(self) -> Callable[[int, bool], list[Any]]:
        """Function that returns the shapes of the arrays of a state, which are made once."""

        @lru_cache(maxsize=16)
        def shapes(n_streams: int, after: bool) -> list[Any]:
            sizes, *widths = self._widths_of_state[after]
            needed = [[[(n_streams, size) for size in layer] for layer in sizes]]
            return needed + [[width and (n_streams, width) for width in part] for part in widths]

        return shapes

    @property
    def _widths_of_state(self) -> tuple[Any, Any]:
        """Widths of the arrays of a state, before the first step and after it.

        Those of the layers, the poolings, the static features and the labels; None for an array
        that there is not.
        """
        inputs = self.n_features, self.embedding_size, *self.hidden_layer_sizes
        n_units = [size for size in inputs if size][-1]
        layers = [[size] * CELLS[self.cell].n_states for size in self._state_sizes]
        pooled = [n_units + 2 * (name == "attention") for name in self.poolings]
        static, labels = self.n_static or None, self.n_outputs if self.transitions else None
        before = layers, [None] * len(pooled), [static], [None]
        return before, (layers, pooled, [static], [labels])

    @np.errstate(all="ignore")  # as a decorator, it takes half the time
    def step(
        self, params: Parameters, x: Matrix, state: StreamState
    ) -> tuple[np.ndarray, StreamState]:
        """Take one step of every stream: x (n_streams, n_features).

        Returns the output for all steps so far, and the new state. With transitions, the output
        holds the emissions, and the state the probabilities of the labels.
        """
        layers, h, n_steps = [], x, state.n_steps + 1
        if self.embedding_size:
            h, _ = dense(params["embedding"], x)
        if self.static_at_steps:
            h = put_beside(h, state.static)
        for (name,), cell, start in zip(self.layers, self.cells, state.layers, strict=False):
            if cell in FORWARD:
                states = stream_step(cell, params[name], h, start, self.activation)
            else:
                options = CELLS[cell].options(self.activation)
                packing = _one_step(x.shape[0])
                states, _ = CELLS[cell].run(params[name], h, packing, start, **options)
            h = states[0]  # (n_streams, n_units)
            layers.append(states)
        if self.poolings and not layers:
            refuse_sparse(None, h)
        pooled, afters = [], []
        for name, before in zip(self.poolings, state.pooled, strict=True):
            y, after = POOLINGS_OF_STREAMS[name](params.get(name), h, before, n_steps)
            pooled.append(y)
            afters.append(after)
        if pooled:
            h = pooled[0] if len(pooled) == 1 else np.concatenate(pooled, axis=1)
        if state.static is not None:
            h = put_beside(h, state.static)
        raw, _ = dense(params["output"], h)
        if self.skip:
            raw += dense(params["skip"], x)[0]
        labels = None
        if self.transitions:
            labels = filter_labels(forbid(params["transitions"], self.table), raw, state.labels)
        of_layers = tuple(layers) or state.layers
        return raw, StreamState(of_layers, tuple(afters), n_steps, state.static, labels)


Network = MLP | RNN


def _largest(shapes: Shapes) -> tuple[int, int]:
    weights = [shape[-2:] for p in shapes.values() for shape in p.values() if len(shape) > 1]
    return max(n_in for n_in, _ in weights), max(n_in * n_out for n_in, n_out in weights)


def network_from(kind: Any, architecture: Mapping[str, Any]) -> Any:
    """Get the network of a stored architecture. It is built once."""
    return _build(kind, tuple(architecture), *architecture.values())


@lru_cache(maxsize=64)
def _build(kind: Any, names: tuple[str, ...], *values: Any) -> Any:
    return kind(**dict(zip(names, values, strict=True)))


def _without_backward(
    names: tuple[str, ...], cell: str, activation: str, initial: tuple[str, ...]
) -> Layer:
    """Make a recurrent layer without a backward pass, if there is one of the cell."""
    make = forward_layer if cell in FORWARD else recurrent_layer
    return make(names, cell, activation, initial=initial)


def _shapes(arrays: Iterable[np.ndarray | None]) -> list[tuple[int, ...] | None]:
    return [None if array is None else array.shape for array in arrays]


@lru_cache(maxsize=16)
def _one_step(n_streams: int) -> Packing:
    return Packing(np.ones(n_streams, dtype=int))


def _dropout_layers(rate: float) -> list[Layer]:
    return [dropout(rate)] if rate else []
