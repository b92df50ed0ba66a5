"""Export to ONNX, which ONNX Runtime and others evaluate without Python.

Needs `skl2onnx <https://onnx.ai/sklearn-onnx/>`_, which ``pip install skrnn[onnx]`` brings.
"""

from __future__ import annotations

from itertools import pairwise

from sklearn.base import is_classifier
from sklearn.pipeline import Pipeline
from sklearn.utils.validation import check_is_fitted

from skrnn._base import ClassPredictions, NeuralNetwork
from skrnn._recurrent import RecurrentNetwork
from skrnn.mlp import XORMLPClassifier
from skrnn.onnx import _converters as converters
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
        Names and types of the inputs, as in ``skl2onnx.convert_sklearn``, in place of those
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
        as a transformer in the middle of a pipeline, sequences reach a step that reads tables,
        or the first step does not know its number of features.

    NotFittedError
        If the estimator is not fitted.

    Examples
    --------
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

    `to_onnx` does this itself. It is for those who call ``skl2onnx.convert_sklearn`` on an
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
            converters.shape_network,
            converters.convert_network,
            parser=converters.parse_network,
            options=zipmap if issubclass(cls, ClassPredictions) else None,
        )
    transformers: dict[type, tuple] = {
        converters.Rows: (converters.shape_rows, converters.convert_rows, None),
        PerStep: (
            converters.shape_per_step,
            converters.convert_per_step,
            converters.parse_per_step,
        ),
        SequencePadder: (
            converters.shape_padder,
            converters.convert_padder,
            converters.parse_padder,
        ),
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
    if isinstance(last, ClassPredictions):
        return [("label", None), ("probabilities", None)]
    return [("variable", None)] if isinstance(last, (*_NETWORKS, SequencePadder)) else None


def _initial_types(first, lengths):
    from skl2onnx.common.data_types import FloatTensorType, Int64TensorType

    if not isinstance(first, _READ_SEQUENCES):
        if not hasattr(first, "n_features_in_"):
            raise ValueError(
                f"{type(first).__name__} does not say how many features it takes (n_features_in_); "
                "pass initial_types. Of a search, refit=True makes the best estimator."
            )
        return [("X", FloatTensorType([None, first.n_features_in_]))]
    types = [("X", FloatTensorType([None, None, first.n_step_features_]))]
    return types + ([("lengths", Int64TensorType([None]))] if lengths == "input" else [])
