"""The forward pass of the networks as nodes of an ONNX graph.

In a graph, sequences are a padded batch ``(n_sequences, n_steps, n_features)`` and an array of
lengths. Values in the padding are ignored. Weights only have to be transposed, as gates are
stored in the order of ONNX.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, overload

import numpy as np

from skrnn._numeric.recurrent import CELLS

if TYPE_CHECKING:
    from typing import Any, Literal

    from skrnn._types import Weights


class Nodes:
    """Add nodes to a graph of skl2onnx. A call adds one node and returns the name of its output.

    Inputs are names of values, or arrays, which become constants of the graph.
    """

    def __init__(self, scope: Any, container: Any) -> None:
        self._scope, self._container = scope, container

    @overload
    def __call__(
        self, op: str, *inputs: Any, n_outputs: Literal[1] = 1, **attributes: Any
    ) -> str: ...
    @overload
    def __call__(self, op: str, *inputs: Any, n_outputs: int, **attributes: Any) -> list[str]: ...
    def __call__(
        self, op: str, *inputs: Any, n_outputs: int = 1, **attributes: Any
    ) -> str | list[str]:
        names = [given if isinstance(given, str) else self._constant(given) for given in inputs]
        outputs = [self._scope.get_unique_variable_name(op.lower()) for _ in range(n_outputs)]
        name = self._scope.get_unique_operator_name(op)
        self._container.add_node(op, names, outputs, name=name, **attributes)
        return outputs[0] if n_outputs == 1 else outputs

    def name(self, value: str, output: Any) -> None:
        """Give a value the name of an output of the operator being converted."""
        operator = self._scope.get_unique_operator_name("Identity")
        self._container.add_node("Identity", [value], [output.full_name], name=operator)

    def _constant(self, array: Any) -> str:
        from onnx import TensorProto, numpy_helper

        array = np.asarray(array)
        name: str = self._scope.get_unique_variable_name("constant")
        if array.dtype.kind == "U":
            values = np.char.encode(array, "utf-8")
            self._container.add_initializer(name, TensorProto.STRING, array.shape, values)
        else:  # as bytes, which takes less time than a list of numbers
            values = numpy_helper.from_array(array)
            self._container.add_initializer(name, values.data_type, array.shape, values)
        return name


def read_sequences(
    nodes: Nodes, X: str, lengths: str | None, n_features: int
) -> tuple[str, str, str]:
    """Read a batch, flat or not, and its lengths. If they are None, NaN at the end is padding.

    Returns the batch, the lengths, and a mask of the steps ``(n_sequences, n_steps, 1)``. In the
    batch, the padding is replaced by the first step of the sequence, a valid input for any
    transformer or network. A sequence without steps gets that of the longest sequence.
    """
    X = nodes("Reshape", X, np.array([0, -1, n_features]))
    n_steps = nodes("Gather", nodes("Shape", X), np.array(1))
    numbers = nodes("Range", np.array(1), nodes("Add", n_steps, np.array(1)), np.array(1))
    numbers = nodes("Unsqueeze", numbers, np.array([1]))  # the step of each row: 1, 2, 3, ...
    if lengths is None:
        present = nodes("Cast", nodes("Not", nodes("IsNaN", X)), to=onnx_type(np.int64))
        lengths = nodes("ReduceMax", nodes("Mul", present, numbers), np.array([1, 2]), keepdims=0)
    mask = nodes("LessOrEqual", numbers, nodes("Unsqueeze", lengths, np.array([1, 2])))
    first = nodes("Slice", X, np.array([0]), np.array([1]), np.array([1]))
    longest = nodes("ArgMax", lengths, axis=0)  # (1,)
    valid = nodes(
        "Where", _has_steps(nodes, lengths, [1, 2]), first, nodes("Gather", first, longest)
    )
    return nodes("Where", mask, X, valid), lengths, mask


def _has_steps(nodes: Nodes, lengths: str, axes: list[int]) -> str:
    """Whether each sequence has a step, with further axes of length 1."""
    return nodes("Greater", nodes("Unsqueeze", lengths, np.array(axes)), np.array(0))


def fill_padding(nodes: Nodes, mask: str, X: str, fill_value: float) -> str:
    """Set the padding to a value."""
    return nodes("Where", mask, X, np.float32(fill_value))


def multilayer_perceptron(nodes: Nodes, network: Any, weights: Weights, x: str) -> str:
    """Raw predictions ``(n_samples, n_outputs)`` of a feed-forward network."""
    for i, p in enumerate(weights.values()):
        if i:
            x = nodes(_ACTIVATIONS[network.activation], x)
        x = _dense(nodes, p, x)
    return x


def recurrent_network(
    nodes: Nodes,
    network: Any,
    weights: Weights,
    X: str,
    lengths: str,
    mask: str,
    static: str | None = None,
) -> str:
    """Raw predictions of a recurrent network: of each sequence or, without pooling, each step."""
    if network.poolings and not network.hidden_layer_sizes:
        raise ValueError(
            "Pooled steps without a recurrent layer cannot be exported to ONNX. Use "
            "hidden_layer_sizes of at least one layer."
        )
    last_steps = None
    if network.skip:
        last_steps = _last_steps(nodes, X, lengths, mask, network.skip) if network.poolings else X
    x = _differences(nodes, network, X, last_steps) if network.differences else X
    if network.frame_length > 1:
        x, lengths, mask = _frames(nodes, network, x, lengths)
    lengths_32 = nodes("Cast", lengths, to=onnx_type(np.int32))
    if network.embedding_size:
        x = nodes("MatMul", x, weights["embedding"]["W"])
    if network.static_at_steps:
        x = _append_static(nodes, x, static, per_step=True)
    x = nodes("Transpose", x, perm=[1, 0, 2])  # ONNX Runtime supports time as the first axis only
    for names, names_of_initial in zip(network.layers, network.initial, strict=True):
        initial = _initial_states(nodes, [weights[name]["W"] for name in names_of_initial], static)
        directions = [weights[name] for name in names]
        x, last = _recurrent(nodes, network, directions, x, lengths_32, initial)
    states = nodes("Transpose", x, perm=[1, 0, 2])
    if network.poolings:
        states = _pool(nodes, network.poolings, weights, states, last, lengths, mask, initial)
    if network.n_static:
        states = _append_static(nodes, states, static, per_step=not network.poolings)
    raw_prediction = _dense(nodes, weights["output"], states)
    if not network.skip:
        return raw_prediction
    return nodes("Add", raw_prediction, nodes("MatMul", last_steps, weights["skip"]["W"]))


def _last_steps(nodes: Nodes, X: str, lengths: str, mask: str, n_steps: int) -> str:
    """Get the last steps of each sequence side by side (n_sequences, n_steps * n_features).

    The newest comes first, and the first step takes the place of those before it. A sequence
    without steps has zeros.
    """
    numbers = nodes("CumSum", nodes("Cast", mask, to=onnx_type(np.int64)), np.array(1))
    steps_before = np.arange(n_steps)[None, None]
    wanted = nodes("Sub", nodes("Unsqueeze", lengths, np.array([1, 2])), steps_before)
    is_wanted = nodes("Equal", numbers, nodes("Max", wanted, np.array(1)))  # (n, n_padded, n_steps)
    is_wanted = nodes("Cast", nodes("And", is_wanted, mask), to=onnx_type(np.float32))
    steps = nodes("Where", mask, X, np.float32(0))
    last = nodes("MatMul", nodes("Transpose", is_wanted, perm=[0, 2, 1]), steps)
    return nodes("Flatten", last)


def _differences(nodes: Nodes, network: Any, X: str, last_steps: str | None) -> str:
    """Subtract the last step, the first of `last_steps`, from the columns that are differences."""
    is_difference = np.zeros(network.n_features, np.float32)
    is_difference[list(network.differences)] = 1
    end, columns = np.array([network.n_features]), np.array([1])
    last_step = nodes("Slice", last_steps, np.array([0]), end, columns)
    subtracted = nodes("Mul", last_step, is_difference)
    return nodes("Sub", X, nodes("Unsqueeze", subtracted, np.array([1])))


def _frames(nodes: Nodes, network: Any, x: str, lengths: str) -> tuple[str, str, str]:
    """Make frames of steps: the batch, the number of frames, and a mask of the frames.

    The last frame ends with the last step. The first step takes the place of those before it.
    """
    length, zero, one = np.array(network.frame_length), np.array([0]), np.array(1)
    n_frames = nodes("Div", nodes("Add", lengths, length - one), length)
    most = nodes("ReduceMax", n_frames, zero, keepdims=0)
    numbers = nodes("Unsqueeze", nodes("Range", np.array(0), nodes("Mul", most, length), one), zero)
    missing = nodes("Sub", nodes("Mul", n_frames, length), lengths)
    steps = nodes("Sub", numbers, nodes("Unsqueeze", missing, np.array([1])))  # (n, n_steps)
    last = nodes("Max", nodes("Sub", nodes("Unsqueeze", lengths, np.array([1])), one), zero)
    steps = nodes("Unsqueeze", nodes("Min", nodes("Max", steps, zero), last), np.array([2]))
    features = np.zeros((1, 1, network.n_features), np.int64)
    x = nodes("GatherElements", x, nodes("Add", steps, features), axis=1)
    shape = np.array([0, -1, network.frame_length * network.n_features])
    numbers = nodes("Unsqueeze", nodes("Range", np.array(0), most, one), np.array([0, 2]))
    mask = nodes("Less", numbers, nodes("Unsqueeze", n_frames, np.array([1, 2])))
    return nodes("Reshape", x, shape), n_frames, mask


def _initial_states(nodes: Nodes, of_directions: Any, static: str | None) -> list[str]:
    """Each kind of initial state (n_directions, n_sequences, n_units); none without static."""
    # Weights (n_directions, n_static, n_units) of each kind of state.
    return [nodes("MatMul", static, np.stack(W)) for W in zip(*of_directions, strict=True)]


def _append_static(nodes: Nodes, states: str, static: str | None, per_step: bool) -> str:
    """Put the static features beside pooled states, or beside each step of a batch."""
    if per_step:
        one = np.array([1])
        n_steps = nodes("Slice", nodes("Shape", states), one, np.array([2]))
        shape = nodes("Concat", one, n_steps, one, axis=0)
        static = nodes("Expand", nodes("Unsqueeze", static, one), shape)
    return nodes("Concat", states, static, axis=-1)


def _recurrent(
    nodes: Nodes, network: Any, directions: Any, x: str, lengths: str, initial: list[Any]
) -> tuple[str, str]:
    """Run a layer: x (n_steps, n_sequences, n_in); returns all states, and the last ones."""
    cell, n_directions, n_units = CELLS[network.cell], len(directions), directions[0]["U"].shape[2]
    if cell.onnx_operator is None:
        supported = ", ".join(repr(name) for name, other in CELLS.items() if other.onnx_operator)
        raise ValueError(f"ONNX has no operator for cell={network.cell!r}; it has {supported}.")
    W, R = (_gates_as_rows(np.stack([p[name] for p in directions])) for name in ("W", "U"))
    biases = [np.concatenate([p["b"], cell.recurrent_biases(p)]).ravel() for p in directions]
    direction = "bidirectional" if n_directions == 2 else "forward"
    attributes = {"hidden_size": n_units, "direction": direction, **cell.onnx_attributes}
    if cell.takes_activation:
        attributes["activations"] = [_ACTIVATIONS[network.activation]] * n_directions
        if network.activation == "identity":  # as an activation of a cell: 1 x + 0
            attributes["activations"] = ["Affine"] * n_directions
            attributes["activation_alpha"] = [1.0] * n_directions
            attributes["activation_beta"] = [0.0] * n_directions
    inputs, n_outputs = (x, W, R, np.stack(biases), lengths, *initial), 1 + cell.n_states
    states, last, *_ = nodes(cell.onnx_operator, *inputs, n_outputs=n_outputs, **attributes)
    # states (n_steps, n_directions, n_sequences, n_units); last without the first axis
    side_by_side = np.array([0, 0, n_directions * n_units])
    states = nodes("Reshape", nodes("Transpose", states, perm=[0, 2, 1, 3]), side_by_side)
    last = nodes("Reshape", nodes("Transpose", last, perm=[1, 0, 2]), side_by_side[1:])
    return states, last


def _gates_as_rows(A: np.ndarray) -> np.ndarray:
    """(n_directions, n_gates, n_in, n_units) -> (n_directions, n_gates * n_units, n_in)."""
    n_directions, _, n_in, _ = A.shape
    return A.swapaxes(2, 3).reshape(n_directions, -1, n_in)


_ACTIVATIONS = {"identity": "Identity", "logistic": "Sigmoid", "tanh": "Tanh", "relu": "Relu"}


def _pool(
    nodes: Nodes,
    poolings: Any,
    weights: Weights,
    states: str,
    last: str,
    lengths: str,
    mask: str,
    initial: list[Any],
) -> str:
    """Pool the states (n_sequences, n_steps, n_units) of a layer over time.

    The pooled state of a sequence without steps is the initial one.
    """
    pooled = [
        last if name == "last" else _pool_steps(nodes, name, weights, states, lengths, mask)
        for name in poolings
    ]
    side_by_side = nodes("Concat", *pooled, axis=1) if len(pooled) > 1 else pooled[0]
    of_empty: str | np.ndarray = np.array(0, np.float32)
    if initial:
        states = nodes("Transpose", initial[0], perm=[1, 0, 2])  # (n_sequences, n_directions, ...)
        of_empty = nodes("Reshape", states, np.array([0, -1]))
        of_empty = nodes("Concat", *[of_empty] * len(poolings), axis=1)
    return nodes("Where", _has_steps(nodes, lengths, [1]), side_by_side, of_empty)


def _pool_steps(
    nodes: Nodes, pooling: str, weights: Weights, states: str, lengths: str, mask: str
) -> str:
    """Pool the states of all steps; the result is arbitrary for a sequence without steps."""
    time = np.array([1])
    if pooling == "max":
        return nodes("ReduceMax", fill_padding(nodes, mask, states, -np.inf), time, keepdims=0)
    if pooling == "mean":
        total = nodes("ReduceSum", fill_padding(nodes, mask, states, 0), time, keepdims=0)
        count = nodes("Cast", nodes("Unsqueeze", lengths, time), to=onnx_type(np.float32))
        return nodes("Div", total, count)
    logits = nodes("MatMul", states, weights["attention"]["W"])
    attention = nodes("Softmax", fill_padding(nodes, mask, logits, -np.inf), axis=1)
    return nodes("ReduceSum", nodes("Mul", attention, states), time, keepdims=0)


def _dense(nodes: Nodes, p: dict[str, np.ndarray], x: str) -> str:
    return nodes("Add", nodes("MatMul", x, p["W"]), p["b"])


def class_answers(
    nodes: Nodes, raw_prediction: str, classes: np.ndarray | None, out_activation: str
) -> tuple[str, str]:
    """Compute labels and probabilities; the last axis of `raw_prediction` is the outputs."""
    if classes is None:  # multilabel
        return class_labels(nodes, raw_prediction, classes, 0), nodes("Sigmoid", raw_prediction)
    if out_activation == "logistic":  # softmax((0, a)) is (1 - logistic(a), logistic(a))
        padding = np.array([1, 0]), np.float32(0), np.array([-1])
        raw_prediction = nodes("Pad", raw_prediction, *padding)
    chosen = class_labels(nodes, raw_prediction, classes, 0)
    return chosen, nodes("Softmax", raw_prediction, axis=-1)


def class_labels(nodes: Nodes, scores: str, classes: np.ndarray | None, threshold: float) -> str:
    """Choose the class of the highest score, or, if `classes` is None, all above a threshold."""
    if classes is None:
        return nodes(
            "Cast", nodes("Greater", scores, np.float32(threshold)), to=onnx_type(np.int64)
        )
    return nodes("Gather", classes, nodes("ArgMax", scores, axis=-1, keepdims=0))


def numbers(nodes: Nodes, raw_prediction: str, target: Any) -> str:
    """Compute numbers from raw predictions, whose last axis is the outputs; NaN stays NaN."""
    last, end = np.array([-1]), np.array([target.n_outputs])
    if target.out_activation == "exp":
        return nodes("Exp", raw_prediction)
    if target.out_activation == "mean_std":
        means = nodes("Slice", raw_prediction, np.array([0]), end, last, np.array([2]))
        return _in_unit(nodes, means, target)
    if not isinstance(target.quantiles, tuple):
        return _in_unit(nodes, raw_prediction, target)
    rows = [0, 0] if target.per_step else [0]
    of_targets = np.array([*rows, -1, len(target.quantiles)])
    raw_prediction = nodes("Reshape", raw_prediction, of_targets)
    first = nodes("Slice", raw_prediction, np.array([0]), np.array([1]), last)
    gaps = nodes("Softplus", nodes("Slice", raw_prediction, np.array([1]), end, last))
    quantiles = nodes("CumSum", nodes("Concat", first, gaps, axis=-1), np.array(-1))
    if target.spread_factor != 1:
        quantiles = nodes("MatMul", quantiles, target.widening.astype(np.float32))
    quantiles = _in_unit(nodes, quantiles, target, (-1, 1))
    return nodes("Reshape", quantiles, np.array(rows + target.shape))


def _in_unit(nodes: Nodes, values: str, target: Any, shape: tuple[int, ...] = (-1,)) -> str:
    """Undo the standardization of the targets, if the weights do not."""
    if target.scale is None:
        return values
    scale, mean = (array.astype(np.float32).reshape(shape) for array in (target.scale, target.mean))
    return nodes("Add", nodes("Mul", values, scale), mean)


def onnx_type(dtype: Any) -> int:
    import onnx

    return int(onnx.helper.np_dtype_to_tensor_dtype(np.dtype(dtype)))
