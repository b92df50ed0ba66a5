"""The forward pass of the networks as nodes of an ONNX graph.

In a graph, sequences are a padded batch ``(n_sequences, n_steps, n_features)`` and an array of
lengths. Values in the padding are ignored. Weights only have to be transposed, as gates are
stored in the order of ONNX.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from skrnn._numeric.recurrent import CELLS


class Nodes:
    """Add nodes to a graph of skl2onnx. A call adds one node and returns the name of its output.

    Inputs are names of values, or arrays, which become constants of the graph.
    """

    def __init__(self, scope, container):
        self._scope, self._container = scope, container

    def __call__(self, op, *inputs, n_outputs=1, **attributes):
        names = [given if isinstance(given, str) else self._constant(given) for given in inputs]
        outputs = [self._scope.get_unique_variable_name(op.lower()) for _ in range(n_outputs)]
        name = self._scope.get_unique_operator_name(op)
        self._container.add_node(op, names, outputs, name=name, **attributes)
        return outputs[0] if n_outputs == 1 else outputs

    def name(self, value, output):
        """Give a value the name of an output of the operator being converted."""
        operator = self._scope.get_unique_operator_name("Identity")
        self._container.add_node("Identity", [value], [output.full_name], name=operator)

    def _constant(self, array):
        import onnx

        array = np.asarray(array)
        name = self._scope.get_unique_variable_name("constant")
        if array.dtype.kind == "U":
            values = [text.encode() for text in array.ravel().tolist()]
            self._container.add_initializer(name, onnx.TensorProto.STRING, array.shape, values)
        else:
            tensor = onnx.numpy_helper.from_array(np.ascontiguousarray(array))
            self._container.add_initializer(name, tensor.data_type, array.shape, tensor)
        return name


def read_sequences(nodes, X, lengths, n_features):
    """Read a batch, flat or not, and its lengths. If they are None, NaN at the end is padding.

    Returns the batch, the lengths, and a mask of the steps. In the batch, the padding is replaced
    by the first step of the sequence, a valid input for any transformer or network.
    """
    X = nodes("Reshape", X, np.array([0, -1, n_features]))
    n_steps = nodes("Gather", nodes("Shape", X), np.array(1))
    numbers = nodes("Range", np.array(1), nodes("Add", n_steps, np.array(1)), np.array(1))
    if lengths is None:
        present = nodes("Cast", nodes("Not", nodes("IsNaN", X)), to=_type(np.int64))
        present = nodes("ReduceMax", present, np.array([2]), keepdims=0)
        lengths = nodes("ReduceMax", nodes("Mul", present, numbers), np.array([1]), keepdims=0)
    mask = nodes("LessOrEqual", numbers, nodes("Unsqueeze", lengths, np.array([1])))
    first = nodes("Slice", X, np.array([0]), np.array([1]), np.array([1]))
    return nodes("Where", _per_feature(nodes, mask), X, first), lengths, mask


def multilayer_perceptron(nodes, network, weights, x):
    """Raw predictions ``(n_samples, n_outputs)`` of a feed-forward network."""
    for i, p in enumerate(weights.values()):
        if i:
            x = nodes(_ACTIVATIONS[network.activation].node, x)
        x = _dense(nodes, p, x)
    return x


def recurrent_network(nodes, network, weights, X, lengths, mask):
    """Raw predictions of a recurrent network: of each sequence or, without pooling, each step."""
    lengths_32 = nodes("Cast", lengths, to=_type(np.int32))
    x = nodes("Transpose", X, perm=[1, 0, 2])  # ONNX Runtime supports time as the first axis only
    for names in network.layers:
        x, last = _recurrent(nodes, network, [weights[name] for name in names], x, lengths_32)
    states = nodes("Transpose", x, perm=[1, 0, 2])
    pooled = _POOLINGS[network.pooling](nodes, weights, states, last, lengths, mask)
    return _dense(nodes, weights["output"], pooled)


def _recurrent(nodes, network, directions, x, lengths):
    """Run a layer: x (n_steps, n_sequences, n_in); returns all states, and the last ones."""
    cell, n_units = CELLS[network.cell], directions[0]["U"].shape[2]
    W, R, B = (
        np.stack(parts).astype(np.float32)
        for parts in zip(*(_arguments(cell, p) for p in directions), strict=True)
    )
    direction = "bidirectional" if len(directions) == 2 else "forward"
    attributes = {"hidden_size": n_units, "direction": direction, **cell.onnx_attributes}
    if cell.takes_activation:
        activation = _ACTIVATIONS[network.activation]
        attributes["activations"] = [activation.of_cell] * len(directions)
        if activation.of_cell == "Affine":
            attributes["activation_alpha"] = [1.0] * len(directions)
            attributes["activation_beta"] = [0.0] * len(directions)
    states, last, *_ = nodes(
        network.cell.upper(),
        *(x, W, R, B, lengths),
        n_outputs=1 + cell.n_states,
        **attributes,
    )
    # states (n_steps, n_directions, n_sequences, n_units); last without the first axis
    side_by_side = np.array([0, 0, len(directions) * n_units])
    states = nodes("Reshape", nodes("Transpose", states, perm=[0, 2, 1, 3]), side_by_side)
    last = nodes("Reshape", nodes("Transpose", last, perm=[1, 0, 2]), side_by_side[1:])
    return states, last


def _gates_as_rows(A):
    """(gates, n_in, n_units) -> (gates * n_units, n_in)."""
    return A.transpose(0, 2, 1).reshape(-1, A.shape[1])


def _arguments(cell, p):
    """Make the inputs W, R and B of the operator; B holds the input biases, then the recurrent."""
    biases = np.concatenate([p["b"].ravel(), cell.recurrent_biases(p).ravel()])
    return _gates_as_rows(p["W"]), _gates_as_rows(p["U"]), biases


class _Activation(NamedTuple):
    """Names of an activation: of its operator, and in the attributes of a recurrent cell."""

    node: str
    of_cell: str


_ACTIVATIONS = {
    "identity": _Activation("Identity", "Affine"),
    "logistic": _Activation("Sigmoid", "Sigmoid"),
    "tanh": _Activation("Tanh", "Tanh"),
    "relu": _Activation("Relu", "Relu"),
}


def _pool_last(nodes, weights, states, last, lengths, mask):
    return last


def _pool_mean(nodes, weights, states, last, lengths, mask):
    present = nodes("Where", _per_feature(nodes, mask), states, np.float32(0))
    total = nodes("ReduceSum", present, np.array([1]), keepdims=0)
    count = nodes("Cast", nodes("Unsqueeze", lengths, np.array([1])), to=_type(np.float32))
    return nodes("Div", total, count)


def _pool_max(nodes, weights, states, last, lengths, mask):
    present = nodes("Where", _per_feature(nodes, mask), states, np.float32(-np.inf))
    return nodes("ReduceMax", present, np.array([1]), keepdims=0)


def _pool_attention(nodes, weights, states, last, lengths, mask):
    logits = nodes("MatMul", states, weights["attention"]["W"].astype(np.float32))
    present = nodes("Where", _per_feature(nodes, mask), logits, np.float32(-np.inf))
    attention = nodes("Softmax", present, axis=1)
    return nodes("ReduceSum", nodes("Mul", attention, states), np.array([1]), keepdims=0)


def _each_step(nodes, weights, states, last, lengths, mask):
    return states


_POOLINGS = {
    "last": _pool_last,
    "mean": _pool_mean,
    "max": _pool_max,
    "attention": _pool_attention,
    None: _each_step,
}


def _dense(nodes, p, x):
    W, b = p["W"].astype(np.float32), p["b"].astype(np.float32)
    return nodes("Add", nodes("MatMul", x, W), b)


def class_answers(nodes, raw_prediction, classes, out_activation):
    """Compute labels and probabilities; the last axis of `raw_prediction` is the outputs."""
    if out_activation == "softmax":
        best = nodes("ArgMax", raw_prediction, axis=-1, keepdims=0)
        return nodes("Gather", classes, best), nodes("Softmax", raw_prediction, axis=-1)
    second = nodes("Sigmoid", raw_prediction)
    chosen = nodes("Cast", nodes("Greater", raw_prediction, np.float32(0)), to=_type(np.int64))
    if classes is None:  # multilabel
        return chosen, second
    first = nodes("Sub", np.float32(1), second)
    chosen = nodes("Squeeze", chosen, np.array([-1]))
    return nodes("Gather", classes, chosen), nodes("Concat", first, second, axis=-1)


def fill_padding(nodes, mask, X, fill_value):
    """Set the padding to a value."""
    return nodes("Where", _per_feature(nodes, mask), X, np.float32(fill_value))


def pad(nodes, padder, X, lengths, mask):
    """Apply a `SequencePadder`; returns the padded batch and its lengths.

    Where `padder` would raise an error because a sequence is too long, the number of filled steps
    is negative, which is an error of the runtime.
    """
    n_steps, n_features = np.array([padder.n_steps_]), padder.n_step_features_
    if padder.longer == "truncate":
        lengths = nodes("Min", lengths, n_steps)
    longest = nodes("ReduceMax", lengths, np.array([0]), keepdims=1)
    target = n_steps
    if padder.longer == "grow" and not padder.flat:
        target = nodes("Max", longest, n_steps)
    X = fill_padding(nodes, mask, X, padder.fill_value)
    X = nodes("Slice", X, np.array([0]), longest, np.array([1]))
    n_sequences = nodes("Shape", lengths)
    shape = nodes("Concat", n_sequences, nodes("Sub", target, longest), [n_features], axis=0)
    fill = nodes("Expand", np.float32(padder.fill_value), shape)
    X = nodes("Concat", X, fill, axis=1)
    if padder.flat:
        return nodes("Reshape", X, np.array([-1, padder.n_steps_ * n_features])), lengths
    if not np.isnan(padder.fill_value):  # the ends can no longer be recognised
        lengths = nodes("Expand", target, n_sequences)
    return X, lengths


def _per_feature(nodes, mask):
    return nodes("Unsqueeze", mask, np.array([2]))


def _type(dtype):
    import onnx

    return onnx.helper.np_dtype_to_tensor_dtype(np.dtype(dtype))
