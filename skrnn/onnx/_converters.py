"""Converters for skl2onnx, one for each class.

skl2onnx first calls the *parser* of each step, which declares its outputs, and then the
*converters*, which add nodes. Between steps, sequences are two values: a padded batch and the
lengths.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from sklearn.compose import ColumnTransformer
from sklearn.pipeline import Pipeline, make_pipeline

from skrnn import mlp, rnn
from skrnn._numeric.crf import forbid
from skrnn._predictions import ClassPredictions
from skrnn._recurrent import RecurrentNetwork
from skrnn._tables import TableTransformer
from skrnn._transformers import first_step
from skrnn.ensemble import Ensemble, EnsembleClassifier, EnsembleRegressor, network_of
from skrnn.onnx._nodes import (
    Nodes,
    class_answers,
    class_labels,
    fill_padding,
    multilayer_perceptron,
    numbers,
    onnx_type,
    read_sequences,
    recurrent_network,
)
from skrnn.preprocessing import PerStep, SequencePadder

if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any


def register() -> None:
    """Register the converters of all classes of this package."""
    from skl2onnx import update_registered_converter

    for cls, convert in _CONVERTERS.items():
        update_registered_converter(
            cls,
            _alias(cls),
            _keep_shapes,
            convert,
            parser=_parse,
            # Pipelines ask for this option of classifiers. It has no effect.
            options={"zipmap": [True, False, "columns"]},
        )


def steps_of(estimator: Any) -> list[Any]:
    """List the steps of a pipeline and of nested ones, without those that do nothing."""
    if not isinstance(estimator, Pipeline):
        return [estimator]
    steps = [step for _, step in estimator.steps if step is not None and step != "passthrough"]
    return [inner for step in steps for inner in steps_of(step)]


def is_converted(estimator: Any) -> bool:
    """Return whether an estimator has a converter of this package."""
    return type(estimator) in _CONVERTERS


def outputs_of(model: Any) -> dict[str, Any]:
    """Get the names and types of the outputs of a model; none if it is not of this package."""
    from skl2onnx.common.data_types import FloatTensorType, Int64TensorType, guess_data_type

    if not is_converted(model):
        return {}
    if isinstance(model, Ensemble):
        outputs = outputs_of(network_of(model.estimators_[0]))
        if "emissions" in outputs:
            raise ValueError(
                "An ensemble of conditional random fields cannot be exported to ONNX, since the "
                "model has no marginal probabilities to average. Export its members."
            )
        return outputs
    if isinstance(model, SequencePadder) and model.flat:
        return {"variable": FloatTensorType([None, model.n_steps_ * model.n_step_features_])}
    if isinstance(model, PerStep | TableTransformer | SequencePadder):
        per_step = _per_step_of(model)
        width = per_step._n_features_out if per_step else model.n_step_features_
        n_steps = Int64TensorType([None])
        return {"sequences": FloatTensorType([None, None, width]), "n_steps": n_steps}
    rows = [None, None] if model._per_step else [None]
    if not isinstance(model, ClassPredictions):
        return {"variable": FloatTensorType(rows + model._target.shape)}
    probabilities = FloatTensorType([*rows, len(model.classes_)])
    if model.out_activation_ == "crf":
        n_rows = len(model.classes_) + 1
        return {"emissions": probabilities, "transitions": FloatTensorType([n_rows, n_rows])}
    classes = _class_array(model)
    if classes is None:
        return {"label": Int64TensorType(probabilities.shape), "probabilities": probabilities}
    ((_, label),) = guess_data_type(classes)
    return {"label": type(label)(rows), "probabilities": probabilities}


def _alias(cls: type) -> str:
    return f"Skrnn{cls.__name__}"


def _keep_shapes(operator: Any) -> None:
    """Do nothing, because the parser has declared the shapes of the outputs."""


def _parse(scope: Any, model: Any, inputs: Any, custom_parsers: Any = None) -> Any:
    operator = scope.declare_local_operator(_alias(type(model)), model)
    operator.inputs = list(inputs)
    outputs = outputs_of(model)
    if "sequences" in outputs:
        outputs |= _changed_outputs(model, *inputs)
    for name, kind in outputs.items():
        operator.outputs.append(scope.declare_local_variable(name, kind))
    return operator.outputs


def _changed_outputs(model: Any, X: Any, *others: Any) -> dict[str, Any]:
    """Get the names and types of outputs of a transformer of sequences that depend on its inputs.

    These are the static features, and steps that pass through a TableTransformer.
    """
    from skl2onnx.common.data_types import FloatTensorType

    outputs = {given.raw_name: given.type for given in _lengths_and_static(others)[1]}
    if isinstance(model, TableTransformer):
        if model.static_ != "passthrough":
            outputs = {"static": FloatTensorType([None, model._n_static_features_out])}
        if model.steps_ == "passthrough":
            outputs["sequences"] = type(X.type)([None, None, model.n_step_features_])
    return outputs


def _per_step_of(model: Any) -> Any:
    """Get the `PerStep` of a transformer of sequences, or None."""
    return model if isinstance(model, PerStep) else getattr(model, "_step_transformer", None)


def _lengths_and_static(inputs: Iterable[Any]) -> tuple[Any, list[Any]]:
    """Get the variable of lengths, or None, and those of static features, of all but the first."""
    from skl2onnx.common.data_types import Int64TensorType

    are_lengths = [
        isinstance(given.type, Int64TensorType) and len(given.type.shape) == 1 for given in inputs
    ]
    lengths = [given for given, is_one in zip(inputs, are_lengths, strict=True) if is_one]
    static = [given for given, is_one in zip(inputs, are_lengths, strict=True) if not is_one]
    return (lengths or [None])[0], static


def _input_sequences(nodes: Nodes, operator: Any) -> tuple[str, str, str]:
    """Read the sequences of an operator, with or without an input of lengths."""
    lengths, _ = _lengths_and_static(operator.inputs[1:])
    n_features = operator.raw_operator.n_step_features_
    lengths = None if lengths is None else lengths.full_name
    return read_sequences(nodes, operator.inputs[0].full_name, lengths, n_features)


def _convert_network(scope: Any, operator: Any, container: Any) -> None:
    model, nodes = operator.raw_operator, Nodes(scope, container)
    network = model._fitted_network()
    weights = {
        layer: {name: array.astype(np.float32) for name, array in p.items()}
        for layer, p in model._weights().items()
    }
    if isinstance(model, RecurrentNetwork):
        X, lengths, mask = _input_sequences(nodes, operator)
        given = [one.full_name for one in _lengths_and_static(operator.inputs[1:])[1]]
        static = nodes("Concat", *given, axis=1) if given else None
        of_sequences = X, lengths, mask, static
        result = recurrent_network(nodes, network, weights, *of_sequences)
    else:
        result = multilayer_perceptron(nodes, network, weights, operator.inputs[0].full_name)
    if getattr(model, "out_activation_", None) == "crf":
        emissions, transitions = operator.outputs
        nodes.name(fill_padding(nodes, mask, result, np.nan), emissions)
        nodes.name(nodes("Identity", _transition_table(network, weights)), transitions)
        return
    *label, output = operator.outputs
    if label:
        chosen, result = class_answers(nodes, result, _class_array(model), model.out_activation_)
        nodes.name(chosen, label[0])
    if model._per_step:
        result = fill_padding(nodes, mask, result, np.nan)
    if not label:
        result = numbers(nodes, result, model._fitted_target)
    nodes.name(result, output)


def _transition_table(network: Any, weights: Any) -> np.ndarray:
    """Put the transitions into a table, with the first label in the last row and so on."""
    transitions = forbid(weights["transitions"], network.table)
    table = np.zeros((network.n_outputs + 1, network.n_outputs + 1), np.float32)
    table[:-1, :-1], table[-1, :-1] = transitions["W"], transitions["start"]
    table[:-1, -1] = transitions["end"]
    return table


def _class_array(model: Any) -> np.ndarray | None:
    """Convert the classes to an array of a type that ONNX supports; None if multilabel."""
    if model._target.is_multilabel:
        return None
    classes: np.ndarray = model.classes_
    if all(isinstance(label, str) for label in classes):
        return classes.astype(str)
    # Rounding to float32 would change labels.
    dtypes = {"i": np.int64, "u": np.int64, "f": np.float64, "b": np.bool_}
    if classes.dtype.kind not in dtypes:
        raise ValueError(
            f"The classes {classes.tolist()} of {type(model).__name__} have no type in ONNX. Use "
            "numbers, booleans or strings."
        )
    return classes.astype(dtypes[classes.dtype.kind])


def _convert_ensemble(scope: Any, operator: Any, container: Any) -> None:
    """Convert the members, which read the same inputs, and average their last output."""
    # The public function would make the outputs of the members outputs of the model.
    from skl2onnx._parse import _parse_sklearn

    nodes, members = Nodes(scope, container), operator.raw_operator.estimators_
    pipelines = [make_pipeline(*steps_of(member)) for member in members]
    outputs = [_parse_sklearn(scope, pipe, operator.inputs)[-1] for pipe in pipelines]
    mean = nodes("Mean", *[output.full_name for output in outputs])
    *label, output = operator.outputs
    if label:
        classes = _class_array(network_of(members[0]))
        nodes.name(class_labels(nodes, mean, classes, 0.5), label[0])
    nodes.name(mean, output)


def _convert_tables(scope: Any, operator: Any, container: Any) -> None:
    """Convert `PerStep` and `TableTransformer`: the table of steps, and that of static features."""
    nodes, model = Nodes(scope, container), operator.raw_operator
    X, lengths, _ = _input_sequences(nodes, operator)
    per_step = _per_step_of(model)
    if per_step:
        n_features = model.n_step_features_
        table = type(operator.inputs[0].type)([None, n_features])
        rows = scope.declare_local_variable("rows", table)
        nodes.name(nodes("Reshape", X, np.array([-1, n_features])), rows)
        transformed = _transform(scope, nodes, per_step.transformer_, [rows])
        n_sequences = nodes("Shape", lengths)
        shape = nodes("Concat", n_sequences, np.array([-1, per_step._n_features_out]), axis=0)
        X = nodes("Reshape", transformed, shape)
    static = _lengths_and_static(operator.inputs[1:])[1]
    if getattr(model, "static_", "passthrough") == "passthrough":
        static = [given.full_name for given in static]
    else:
        static = [_transform(scope, nodes, model.static_, static)]
    for value, output in zip([X, lengths, *static], operator.outputs, strict=True):
        nodes.name(value, output)


def _transform(scope: Any, nodes: Nodes, transformer: Any, inputs: list[Any]) -> str:
    """Add a transformer of tables, and return its output as float32."""
    # The public function would make the output of this step an output of the model.
    from skl2onnx._parse import _parse_sklearn

    if len(inputs) == 1:
        inputs = _columns(scope, nodes, transformer, inputs[0])
    (transformed,) = _parse_sklearn(scope, transformer, inputs)
    return nodes("Cast", transformed.full_name, to=onnx_type(np.float32))


def _columns(scope: Any, nodes: Nodes, transformer: Any, table: Any) -> list[Any]:
    """Make a variable for each column, as a ColumnTransformer that selects by name needs them."""
    is_selective = isinstance(first_step(transformer), ColumnTransformer)
    names = getattr(transformer, "feature_names_in_", []) if is_selective else []
    columns = [scope.declare_local_variable(name, type(table.type)([None, 1])) for name in names]
    for k, column in enumerate(columns):
        nodes.name(nodes("Gather", table.full_name, np.array([k]), axis=1), column)
    return columns or [table]


def _convert_padder(scope: Any, operator: Any, container: Any) -> None:
    """Pad the sequences, or truncate them.

    Where the padder would raise an error because a sequence is too long, the number of filled
    steps is negative, which is an error of the runtime.
    """
    nodes, padder = Nodes(scope, container), operator.raw_operator
    X, lengths, mask = _input_sequences(nodes, operator)
    n_steps: np.ndarray | str = np.array([padder.n_steps_])
    n_features = padder.n_step_features_
    if padder.longer == "truncate":
        lengths = nodes("Min", lengths, n_steps)
    longest = nodes("ReduceMax", lengths, np.array([0]), keepdims=1)
    if padder.longer == "grow" and not padder.flat:
        n_steps = nodes("Max", longest, n_steps)
    X = fill_padding(nodes, mask, X, padder.fill_value)
    X = nodes("Slice", X, np.array([0]), longest, np.array([1]))
    n_sequences = nodes("Shape", lengths)
    shape = nodes("Concat", n_sequences, nodes("Sub", n_steps, longest), [n_features], axis=0)
    fill = nodes("Expand", np.float32(padder.fill_value), shape)
    X = nodes("Concat", X, fill, axis=1)
    if padder.flat:
        width = np.array([-1, padder.n_steps_ * n_features])
        nodes.name(nodes("Reshape", X, width), operator.outputs[0])
        return
    if not np.isnan(padder.fill_value):  # the ends can no longer be recognized
        lengths = nodes("Expand", n_steps, n_sequences)
    nodes.name(X, operator.outputs[0])
    nodes.name(lengths, operator.outputs[1])


_CONVERTERS = {
    mlp.XORMLPClassifier: _convert_network,
    mlp.XORMLPRegressor: _convert_network,
    rnn.SequenceRNNClassifier: _convert_network,
    rnn.SequenceRNNRegressor: _convert_network,
    rnn.StepRNNClassifier: _convert_network,
    rnn.StepRNNRegressor: _convert_network,
    EnsembleClassifier: _convert_ensemble,
    EnsembleRegressor: _convert_ensemble,
    PerStep: _convert_tables,
    TableTransformer: _convert_tables,
    SequencePadder: _convert_padder,
}
