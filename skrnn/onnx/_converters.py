"""Converters for skl2onnx: for each class a parser, a shape calculator and a converter.

skl2onnx first calls the *parsers*, which name the outputs of each step, then the *shape*
calculators, and then the *converters*, which add nodes. Between steps, sequences are two values:
a padded batch and the lengths.
"""

from __future__ import annotations

import numpy as np

from skrnn._base import ClassPredictions
from skrnn._recurrent import RecurrentNetwork
from skrnn.onnx._nodes import (
    Nodes,
    class_answers,
    fill_padding,
    multilayer_perceptron,
    pad,
    read_sequences,
    recurrent_network,
)


def _declare(scope, alias, model, inputs, **outputs):
    operator = scope.declare_local_operator(alias, model)
    operator.inputs = list(inputs)
    for name, kind in outputs.items():
        operator.outputs.append(scope.declare_local_variable(name, kind))
    return operator.outputs


def _input_sequences(nodes, inputs, n_features):
    """Read the sequences of an operator, with or without an input of lengths."""
    X, *lengths = [variable.full_name for variable in inputs]
    return read_sequences(nodes, X, lengths[0] if lengths else None, n_features)


def parse_network(scope, model, inputs, custom_parsers=None):
    from skl2onnx.common.data_types import FloatTensorType

    alias = f"Skrnn{type(model).__name__}"
    if not isinstance(model, ClassPredictions):
        return _declare(scope, alias, model, inputs, variable=FloatTensorType())
    kind = _label_type(model)
    return _declare(scope, alias, model, inputs, label=kind, probabilities=FloatTensorType())


def shape_network(operator):
    model = operator.raw_operator
    rows = [None, None] if model._per_step else [None]
    *label, output = operator.outputs
    if not label:
        output.type.shape = [*rows, model.n_outputs_]
        return
    output.type.shape = [*rows, len(model.classes_)]
    label[0].type.shape = [*rows, len(model.classes_)] if _is_multilabel(model) else rows


def convert_network(scope, operator, container):
    model, nodes = operator.raw_operator, Nodes(scope, container)
    network, weights = model._fitted_network(), model._weights()
    if isinstance(model, RecurrentNetwork):
        sequences = _input_sequences(nodes, operator.inputs, model.n_step_features_)
        raw_prediction = recurrent_network(nodes, network, weights, *sequences)
    else:
        x = operator.inputs[0].full_name
        raw_prediction = multilayer_perceptron(nodes, network, weights, x)
    *label, output = operator.outputs
    result = raw_prediction
    if label:
        classes = None if _is_multilabel(model) else _class_array(model)
        chosen, result = class_answers(nodes, raw_prediction, classes, model.out_activation_)
        nodes.name(chosen, label[0])
    if model._per_step:
        result = fill_padding(nodes, sequences[2], result, np.nan)
    nodes.name(result, output)


def _is_multilabel(model):
    return model.out_activation_ == "logistic" and model.n_outputs_ > 1


def _class_array(model):
    """Convert the classes to an array of a type that ONNX supports."""
    classes = model.classes_
    if classes.dtype.kind in "iu":
        return classes.astype(np.int64)
    if classes.dtype.kind == "f":
        return classes.astype(np.float64)  # rounding to float32 would change labels
    if classes.dtype.kind == "b":
        return classes
    if all(isinstance(label, str) for label in classes):
        return classes.astype(str)
    raise ValueError(
        f"The classes {classes.tolist()} of {type(model).__name__} have no type in ONNX. Use "
        "numbers, booleans or strings."
    )


def _label_type(model):
    from skl2onnx.common import data_types

    if _is_multilabel(model):
        return data_types.Int64TensorType()
    return {
        "i": data_types.Int64TensorType,
        "f": data_types.DoubleTensorType,
        "b": data_types.BooleanTensorType,
        "U": data_types.StringTensorType,
    }[_class_array(model).dtype.kind]()


class Rows:
    """First part of `PerStep`: converts sequences to a table of steps."""

    def __init__(self, n_features):
        self.n_features = n_features


def parse_per_step(scope, model, inputs, custom_parsers=None):
    """Parse `PerStep` as three operators: sequences to rows, its transformer, and back."""
    # The public function would make the output of this step an output of the model.
    from skl2onnx._parse import _parse_sklearn
    from skl2onnx.common.data_types import FloatTensorType, Int64TensorType

    rows_type = type(inputs[0].type)
    rows, lengths = _declare(
        scope,
        "SkrnnRows",
        Rows(model.n_step_features_),
        inputs,
        rows=rows_type([None, model.n_step_features_]),
        n_steps=Int64TensorType([None]),
    )
    transformed = _parse_sklearn(scope, model.transformer_, [rows], custom_parsers)
    inputs = [*transformed, inputs[0], lengths]
    kinds = {"sequences": FloatTensorType(), "n_steps": Int64TensorType([None])}
    return _declare(scope, "SkrnnPerStep", model, inputs, **kinds)


def shape_rows(operator):
    operator.outputs[0].type.shape = [None, operator.raw_operator.n_features]
    operator.outputs[1].type.shape = [None]


def convert_rows(scope, operator, container):
    nodes, n_features = Nodes(scope, container), operator.raw_operator.n_features
    X, lengths, _ = _input_sequences(nodes, operator.inputs, n_features)
    nodes.name(nodes("Reshape", X, np.array([-1, n_features])), operator.outputs[0])
    nodes.name(lengths, operator.outputs[1])


def shape_per_step(operator):
    operator.outputs[0].type.shape = [None, None, operator.raw_operator._n_features_out]
    operator.outputs[1].type.shape = [None]


def convert_per_step(scope, operator, container):
    nodes = Nodes(scope, container)
    rows, X, lengths = [variable.full_name for variable in operator.inputs]
    n_sequences = nodes("Slice", nodes("Shape", X), np.array([0]), np.array([1]))
    width = np.array([-1, operator.raw_operator._n_features_out])
    shape = nodes("Concat", n_sequences, width, axis=0)
    nodes.name(nodes("Reshape", rows, shape), operator.outputs[0])
    nodes.name(lengths, operator.outputs[1])


def parse_padder(scope, model, inputs, custom_parsers=None):
    from skl2onnx.common.data_types import FloatTensorType, Int64TensorType

    if model.flat:
        return _declare(scope, "SkrnnSequencePadder", model, inputs, variable=FloatTensorType())
    kinds = {"sequences": FloatTensorType(), "n_steps": Int64TensorType([None])}
    return _declare(scope, "SkrnnSequencePadder", model, inputs, **kinds)


def shape_padder(operator):
    padder = operator.raw_operator
    X, *lengths = operator.outputs
    width = padder.n_step_features_
    X.type.shape = [None, padder.n_steps_ * width] if padder.flat else [None, None, width]
    for variable in lengths:
        variable.type.shape = [None]


def convert_padder(scope, operator, container):
    nodes, padder = Nodes(scope, container), operator.raw_operator
    sequences = _input_sequences(nodes, operator.inputs, padder.n_step_features_)
    results = pad(nodes, padder, *sequences)
    for value, output in zip(results, operator.outputs, strict=False):  # flat: no lengths
        nodes.name(value, output)
