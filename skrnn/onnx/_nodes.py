"""The forward pass of the networks once more, as nodes of an ONNX graph.

Sequences travel through a graph as a rectangular batch ``(n_sequences, n_steps, n_features)``
and the lengths beside it. Nothing here depends on what stands behind the end of a sequence.
Weights need no more than a transpose, for gates are stored in the order of ONNX.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np


class Nodes:
    """Add nodes to a graph of skl2onnx: a call adds one and returns the name of its output.

    Inputs are names, or arrays, which become constants of the graph.
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
    """Read a batch, flat or not, with its lengths, or None where a NaN tail tells them.

    Returns the batch, every step behind the end of a sequence replaced by its first step (a
    value that any transformer or network can digest); the lengths; and a mask of the steps.
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
    """Scores ``(n_samples, n_outputs)`` of a feed-forward network."""
    for i, p in enumerate(weights.values()):
        if i:
            x = nodes(_ACTIVATIONS[network.activation].node, x)
        x = _dense(nodes, p, x)
    return x


def recurrent_network(nodes, network, weights, X, lengths, mask):
    """Scores of a recurrent network, of each sequence or, without pooling, of each step."""
    lengths_32 = nodes("Cast", lengths, to=_type(np.int32))
    x = nodes("Transpose", X, perm=[1, 0, 2])  # ONNX Runtime wants time first
    for names in network.layers:
        x, last = _recurrent(nodes, network, [weights[name] for name in names], x, lengths_32)
    states = nodes("Transpose", x, perm=[1, 0, 2])
    pooled = _POOLINGS[network.pooling](nodes, weights, states, last, lengths, mask)
    return _dense(nodes, weights["output"], pooled)


def _recurrent(nodes, network, directions, x, lengths):
    """Run a layer: x (n_steps, n_sequences, n_in), states of every step, and the last ones."""
    n_units = directions[0]["U"].shape[2]
    arguments = [[_ARGUMENTS[name](p) for p in directions] for name in ("W", "R", "B")]
    W, R, B = (np.stack(parts).astype(np.float32) for parts in arguments)
    direction = "bidirectional" if len(directions) == 2 else "forward"
    attributes = {"hidden_size": n_units, "direction": direction}
    if network.cell == "rnn":
        activation = _ACTIVATIONS[network.activation]
        attributes["activations"] = [activation.of_cell] * len(directions)
        if activation.of_cell == "Affine":
            attributes["activation_alpha"] = [1.0] * len(directions)
            attributes["activation_beta"] = [0.0] * len(directions)
    elif network.cell == "gru":
        attributes["linear_before_reset"] = 1
    states, last, *_ = nodes(
        network.cell.upper(),
        *(x, W, R, B, lengths),
        n_outputs=3 if network.cell == "lstm" else 2,
        **attributes,
    )
    # (n_steps, directions, n_sequences, n_units), and last without the first axis
    side_by_side = np.array([0, 0, len(directions) * n_units])
    states = nodes("Reshape", nodes("Transpose", states, perm=[0, 2, 1, 3]), side_by_side)
    last = nodes("Reshape", nodes("Transpose", last, perm=[1, 0, 2]), side_by_side[1:])
    return states, last


def _gates_as_rows(A):
    """(gates, n_in, n_units) -> (gates * n_units, n_in)."""
    return A.transpose(0, 2, 1).reshape(-1, A.shape[1])


def _biases(p):
    """Input biases, then recurrent ones, of which only the new gate of a GRU has any."""
    recurrent = np.zeros_like(p["b"])
    if "b_rec" in p:
        recurrent[2] = p["b_rec"]
    return np.concatenate([p["b"].ravel(), recurrent.ravel()])


_ARGUMENTS = {
    "W": lambda p: _gates_as_rows(p["W"]),
    "R": lambda p: _gates_as_rows(p["U"]),
    "B": _biases,
}


class _Activation(NamedTuple):
    """An activation as a node of its own, and by its name within a recurrent cell."""

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
    scores = nodes("MatMul", states, weights["attention"]["W"].astype(np.float32))
    present = nodes("Where", _per_feature(nodes, mask), scores, np.float32(-np.inf))
    shares = nodes("Softmax", present, axis=1)
    return nodes("ReduceSum", nodes("Mul", shares, states), np.array([1]), keepdims=0)


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


def class_answers(nodes, scores, classes, out_activation):
    """Read labels and probabilities off the scores, whose last axis is that of the outputs."""
    if out_activation == "softmax":
        best = nodes("ArgMax", scores, axis=-1, keepdims=0)
        return nodes("Gather", classes, best), nodes("Softmax", scores, axis=-1)
    yes = nodes("Sigmoid", scores)
    chosen = nodes("Cast", nodes("Greater", scores, np.float32(0)), to=_type(np.int64))
    if classes is None:  # multilabel
        return chosen, yes
    no = nodes("Sub", np.float32(1), yes)
    chosen = nodes("Squeeze", chosen, np.array([-1]))
    return nodes("Gather", classes, chosen), nodes("Concat", no, yes, axis=-1)


def behind_the_ends(nodes, mask, X, fill_value):
    """Write a value behind the end of every sequence."""
    return nodes("Where", _per_feature(nodes, mask), X, np.float32(fill_value))


def pad(nodes, padder, X, lengths, mask):
    """Do what a `SequencePadder` does; returns the padded batch and its lengths.

    A sequence that is too long asks for a negative number of filled steps, which ends in an
    error of the runtime, where `padder` would raise one.
    """
    n_steps, n_features = np.array([padder.n_steps_]), padder.n_step_features_
    if padder.longer == "truncate":
        lengths = nodes("Min", lengths, n_steps)
    longest = nodes("ReduceMax", lengths, np.array([0]), keepdims=1)
    target = n_steps
    if padder.longer == "grow" and not padder.flat:
        target = nodes("Max", longest, n_steps)
    X = behind_the_ends(nodes, mask, X, padder.fill_value)
    X = nodes("Slice", X, np.array([0]), longest, np.array([1]))
    n_sequences = nodes("Shape", lengths)
    shape = nodes("Concat", n_sequences, nodes("Sub", target, longest), [n_features], axis=0)
    fill = nodes("Expand", np.float32(padder.fill_value), shape)
    X = nodes("Concat", X, fill, axis=1)
    if padder.flat:
        return nodes("Reshape", X, np.array([-1, padder.n_steps_ * n_features])), lengths
    if not np.isnan(padder.fill_value):  # then nobody can tell the ends any more
        lengths = nodes("Expand", target, n_sequences)
    return X, lengths


def _per_feature(nodes, mask):
    return nodes("Unsqueeze", mask, np.array([2]))


def _type(dtype):
    import onnx

    return onnx.helper.np_dtype_to_tensor_dtype(np.dtype(dtype))
