"""Export to ONNX, which ONNX Runtime and others evaluate without Python.

Needs `skl2onnx <https://onnx.ai/sklearn-onnx/>`_, which ``pip install skrnn[onnx]`` brings.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from sklearn.base import is_classifier
from sklearn.pipeline import Pipeline
from sklearn.utils.validation import check_is_fitted

from skrnn import _onnx_nodes as onnx_nodes
from skrnn._base import NeuralNetwork
from skrnn._onnx_nodes import Nodes
from skrnn._outputs import NeuralClassifier
from skrnn._recurrent import RecurrentNetwork
from skrnn.mlp import XORMLPClassifier
from skrnn.preprocessing import PerStep, SequencePadder
from skrnn.rnn import (
    SequenceRNNClassifier,
    SequenceRNNRegressor,
    StepRNNClassifier,
    StepRNNRegressor,
)

_NETWORKS = (
    XORMLPClassifier,
    SequenceRNNClassifier,
    SequenceRNNRegressor,
    StepRNNClassifier,
    StepRNNRegressor,
)
_READ_SEQUENCES = (RecurrentNetwork, PerStep, SequencePadder)
_LEAST_OPSET = 18  # since when reductions take their axes as an input


def to_onnx(estimator, *, lengths="input", initial_types=None, target_opset=None, options=None):
    """Convert a fitted estimator, or a whole pipeline, to an ONNX model in float32.

    A model that begins with an estimator or transformer of sequences has an input ``X`` of
    shape ``(n_sequences, n_steps, n_features)``, padded behind the ends of the shorter
    sequences, and an input ``lengths`` of one int64 for each sequence. Any other has an input
    ``X`` of shape ``(n_samples, n_features)``; a NaN tail of such rows is padding to an
    estimator of sequences that comes later.

    Outputs have the names that skl2onnx gives them: ``label`` and ``probabilities`` of a
    classifier, ``variable`` of shape ``(n_samples, n_outputs)`` of a regressor, ``sequences``
    and ``n_steps`` (their lengths) of a transformer of sequences. Answers for steps are
    ``(n_sequences, n_steps)`` labels and ``(n_sequences, n_steps, n_outputs)`` probabilities or
    predictions, which are NaN behind the ends, where labels mean nothing.

    Parameters
    ----------
    estimator : estimator
        Fitted estimator or transformer of this package, `sklearn.pipeline.Pipeline`, or search
        such as `sklearn.model_selection.GridSearchCV`, of which the best estimator is taken.
        The other steps of a pipeline must be known to skl2onnx.

    lengths : {'input', 'nan'}, default='input'
        How the model learns where sequences end: by an input of its own, or, as the estimators
        do, by the steps at the end of ``X`` that are NaN in every feature.

    initial_types : list of pairs, default=None
        Names and types of the inputs, as in `skl2onnx.convert_sklearn`, in place of those
        above: such as strings for ``PerStep(OneHotEncoder())``.

    target_opset : int, default=None
        Version of the ONNX operators, at least 18. None means the newest that skl2onnx knows.

    options : dict, default=None
        Options of the converters of skl2onnx. None asks for arrays of probabilities.

    Returns
    -------
    model : onnx.ModelProto
        The model, of which ``SerializeToString()`` is what ONNX Runtime loads.

    Raises
    ------
    ImportError
        If skl2onnx is not installed.

    ValueError
        If a parameter is invalid, class labels are neither numbers nor text, a network serves
        as a transformer in the middle of a pipeline, or sequences reach a step that reads tables.

    NotFittedError
        If the estimator is not fitted.

    Examples
    --------
    >>> import numpy as np
    >>> from skrnn import SequenceRNNClassifier
    >>> from skrnn.onnx import to_onnx
    >>> X = [[0, 0, 1], [0], [1], [0, 0], [0, 1, 0, 0], [0, 0, 0]]
    >>> clf = SequenceRNNClassifier(8, random_state=0).fit(X, [1, 0, 1, 0, 1, 0])
    >>> model = to_onnx(clf)
    >>> [given.name for given in model.graph.input], [given.name for given in model.graph.output]
    (['X', 'lengths'], ['label', 'probabilities'])
    """
    register_onnx_converters()
    from skl2onnx import convert_sklearn

    if lengths not in ("input", "nan"):
        raise ValueError(f"lengths must be 'input' or 'nan', got {lengths!r}.")
    if target_opset is not None and target_opset < _LEAST_OPSET:
        raise ValueError(f"target_opset must be at least {_LEAST_OPSET}, got {target_opset!r}.")
    estimator = getattr(estimator, "best_estimator_", estimator)
    check_is_fitted(estimator)
    names, steps = zip(*_steps("", estimator), strict=True)
    _check_order(steps)
    if options is None and is_classifier(steps[-1]):
        options = {id(steps[-1]): {"zipmap": False}}
    return convert_sklearn(
        # skl2onnx stumbles over 'passthrough', which the list of steps leaves out.
        Pipeline(list(zip(names, steps, strict=True))),
        name=type(steps[-1]).__name__,  # in place of a random one
        initial_types=initial_types or _initial_types(steps[0], lengths),
        final_types=_final_types(steps[-1]),
        target_opset=target_opset,
        options=options,
    )


def register_onnx_converters():
    """Teach skl2onnx the estimators and transformers of this package.

    `to_onnx` does this itself. It is for those who call `skl2onnx.convert_sklearn` on an
    estimator that holds one of ours.

    Raises
    ------
    ImportError
        If skl2onnx is not installed.

    Examples
    --------
    >>> from skrnn.onnx import register_onnx_converters
    >>> register_onnx_converters()
    """
    try:
        from skl2onnx import update_registered_converter
    except ImportError as error:
        raise ImportError(
            "Export to ONNX needs skl2onnx, which is not installed: pip install 'skrnn[onnx]'."
        ) from error

    zipmap = {"zipmap": [True, False, "columns"]}  # scikit-learn's pipelines ask; ours is an array
    for cls in _NETWORKS:
        update_registered_converter(
            cls,
            f"Skrnn{cls.__name__}",
            _shape_network,
            _convert_network,
            parser=_parse_network,
            options=zipmap if issubclass(cls, NeuralClassifier) else None,
        )
    transformers: dict[type, tuple] = {
        _Rows: (_shape_rows, _convert_rows, None),
        PerStep: (_shape_per_step, _convert_per_step, _parse_per_step),
        SequencePadder: (_shape_padder, _convert_padder, _parse_padder),
    }
    for transformer, (shape, convert, parse) in transformers.items():
        alias = f"Skrnn{transformer.__name__.strip('_')}"
        update_registered_converter(transformer, alias, shape, convert, parser=parse)


def _steps(name, estimator):
    """List names and steps of a pipeline, of pipelines in it too; anything else is one step."""
    if not isinstance(estimator, Pipeline):
        return [(name or "estimator", estimator)]
    prefix = f"{name}__" if name else ""
    steps = [(n, step) for n, step in estimator.steps if step is not None and step != "passthrough"]
    return [inner for n, step in steps for inner in _steps(prefix + n, step)]


def _check_order(steps):
    """Refuse what has a meaning in Python but none in a graph of batches and lengths."""
    for step, following in pairwise(steps):
        if isinstance(step, NeuralNetwork):
            raise ValueError(
                f"{type(step).__name__} stands in the middle of a pipeline, as a transformer; "
                "only its answers can be exported, not its hidden states."
            )
        if _gives_sequences(step) and not isinstance(following, _READ_SEQUENCES):
            raise ValueError(
                f"{type(following).__name__} follows on {type(step).__name__}, but would get "
                "sequences, not a table; SequencePadder(flat=True) between them makes one."
            )


def _gives_sequences(step):
    return isinstance(step, PerStep) or (isinstance(step, SequencePadder) and not step.flat)


def _final_types(last):
    """Name the outputs, of which skl2onnx would number those that share a name with a step's."""
    if _gives_sequences(last):
        return [("sequences", None), ("n_steps", None)]
    if isinstance(last, NeuralClassifier):
        return [("label", None), ("probabilities", None)]
    return [("variable", None)] if isinstance(last, (*_NETWORKS, SequencePadder)) else None


def _initial_types(first, lengths):
    from skl2onnx.common.data_types import FloatTensorType, Int64TensorType

    if not isinstance(first, _READ_SEQUENCES):
        return [("X", FloatTensorType([None, first.n_features_in_]))]
    types = [("X", FloatTensorType([None, None, first.n_step_features_]))]
    return types + ([("lengths", Int64TensorType([None]))] if lengths == "input" else [])


# skl2onnx first *parses*, which names the outputs of each step; then finds their *shapes*; and
# then *converts*, which makes the nodes. ------------------------------------------------------


def _declare(scope, alias, model, inputs, **outputs):
    operator = scope.declare_local_operator(alias, model)
    operator.inputs = list(inputs)
    for name, kind in outputs.items():
        operator.outputs.append(scope.declare_local_variable(name, kind))
    return operator.outputs


def _read(nodes, inputs, n_features):
    """Read the sequences that enter an operator, with or without lengths."""
    X, *lengths = [variable.full_name for variable in inputs]
    return onnx_nodes.read_sequences(nodes, X, lengths[0] if lengths else None, n_features)


def _parse_network(scope, model, inputs, custom_parsers=None):
    from skl2onnx.common.data_types import FloatTensorType

    alias = f"Skrnn{type(model).__name__}"
    if not isinstance(model, NeuralClassifier):
        return _declare(scope, alias, model, inputs, variable=FloatTensorType())
    kind = _label_type(model)
    return _declare(scope, alias, model, inputs, label=kind, probabilities=FloatTensorType())


def _shape_network(operator):
    model = operator.raw_operator
    rows = [None, None] if model._per_step else [None]
    *label, answers = operator.outputs
    if not label:
        answers.type.shape = [*rows, model.n_outputs_]
        return
    answers.type.shape = [*rows, len(model.classes_)]
    label[0].type.shape = [*rows, len(model.classes_)] if _is_multilabel(model) else rows


def _convert_network(scope, operator, container):
    model, nodes = operator.raw_operator, Nodes(scope, container)
    network, weights = model._fitted_network(), model._weights()
    if isinstance(model, RecurrentNetwork):
        sequences = _read(nodes, operator.inputs, model.n_step_features_)
        scores = onnx_nodes.recurrent_network(nodes, network, weights, *sequences)
    else:
        x = operator.inputs[0].full_name
        scores = onnx_nodes.multilayer_perceptron(nodes, network, weights, x)
    *label, answers = operator.outputs
    if label:
        classes = None if _is_multilabel(model) else _class_array(model)
        chosen, scores = onnx_nodes.class_answers(nodes, scores, classes, model.out_activation_)
        nodes.name(chosen, label[0])
    if model._per_step:
        scores = onnx_nodes.behind_the_ends(nodes, sequences[2], scores, np.nan)
    nodes.name(scores, answers)


def _is_multilabel(model):
    return model.out_activation_ == "logistic" and model.n_outputs_ > 1


def _class_array(model):
    """Get the classes as an array of a type that ONNX has."""
    classes = model.classes_
    if classes.dtype.kind in "iu":
        return classes.astype(np.int64)
    if classes.dtype.kind == "f":
        return classes.astype(np.float64)  # float32 would be other labels
    if classes.dtype.kind == "b":
        return classes
    if all(isinstance(label, str) for label in classes):
        return classes.astype(str)
    raise ValueError(
        f"The classes {classes.tolist()} of {type(model).__name__} have no type in ONNX; numbers, "
        "booleans and strings have one."
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


class _Rows:
    """Stands for the first half of `PerStep`, from sequences to the rows of a table."""

    def __init__(self, n_features):
        self.n_features = n_features


def _parse_per_step(scope, model, inputs, custom_parsers=None):
    """Put the transformer, whatever it is, between an operator to rows and one back again."""
    # Of all its names the one that parses a step without making it an output of the model.
    from skl2onnx._parse import _parse_sklearn
    from skl2onnx.common.data_types import FloatTensorType, Int64TensorType

    rows_type = type(inputs[0].type)
    rows, lengths = _declare(
        scope,
        "SkrnnRows",
        _Rows(model.n_step_features_),
        inputs,
        rows=rows_type([None, model.n_step_features_]),
        n_steps=Int64TensorType([None]),
    )
    transformed = _parse_sklearn(scope, model.transformer_, [rows], custom_parsers)
    inputs = [*transformed, inputs[0], lengths]
    kinds = {"sequences": FloatTensorType(), "n_steps": Int64TensorType([None])}
    return _declare(scope, "SkrnnPerStep", model, inputs, **kinds)


def _shape_rows(operator):
    operator.outputs[0].type.shape = [None, operator.raw_operator.n_features]
    operator.outputs[1].type.shape = [None]


def _convert_rows(scope, operator, container):
    nodes, n_features = Nodes(scope, container), operator.raw_operator.n_features
    X, lengths, _ = _read(nodes, operator.inputs, n_features)
    nodes.name(nodes("Reshape", X, np.array([-1, n_features])), operator.outputs[0])
    nodes.name(lengths, operator.outputs[1])


def _shape_per_step(operator):
    operator.outputs[0].type.shape = [None, None, operator.raw_operator._n_features_out]
    operator.outputs[1].type.shape = [None]


def _convert_per_step(scope, operator, container):
    nodes = Nodes(scope, container)
    rows, X, lengths = [variable.full_name for variable in operator.inputs]
    n_sequences = nodes("Slice", nodes("Shape", X), np.array([0]), np.array([1]))
    width = np.array([-1, operator.raw_operator._n_features_out])
    shape = nodes("Concat", n_sequences, width, axis=0)
    nodes.name(nodes("Reshape", rows, shape), operator.outputs[0])
    nodes.name(lengths, operator.outputs[1])


def _parse_padder(scope, model, inputs, custom_parsers=None):
    from skl2onnx.common.data_types import FloatTensorType, Int64TensorType

    if model.flat:
        return _declare(scope, "SkrnnSequencePadder", model, inputs, variable=FloatTensorType())
    kinds = {"sequences": FloatTensorType(), "n_steps": Int64TensorType([None])}
    return _declare(scope, "SkrnnSequencePadder", model, inputs, **kinds)


def _shape_padder(operator):
    padder = operator.raw_operator
    X, *lengths = operator.outputs
    width = padder.n_step_features_
    X.type.shape = [None, padder.n_steps_ * width] if padder.flat else [None, None, width]
    for variable in lengths:
        variable.type.shape = [None]


def _convert_padder(scope, operator, container):
    nodes, padder = Nodes(scope, container), operator.raw_operator
    sequences = _read(nodes, operator.inputs, padder.n_step_features_)
    results = onnx_nodes.pad(nodes, padder, *sequences)
    for value, output in zip(results, operator.outputs, strict=False):  # flat: no lengths
        nodes.name(value, output)
