"""Export to ONNX, a format that ONNX Runtime and other engines evaluate without Python.

Needs `skl2onnx <https://onnx.ai/sklearn-onnx/>`_: ``pip install "skrnn[onnx]"``.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from sklearn.base import is_classifier
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import ColumnTransformer, TransformedTargetRegressor
from sklearn.pipeline import make_pipeline
from sklearn.utils.validation import check_is_fitted

from skrnn._base import NeuralNetwork
from skrnn._recurrent import RecurrentNetwork
from skrnn._tables import TableTransformer
from skrnn._transformers import SequenceTransformer
from skrnn.ensemble import Ensemble
from skrnn.onnx import _converters
from skrnn.onnx._converters import is_converted, outputs_of, steps_of
from skrnn.preprocessing import PerStep, SequencePadder

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import Any, Literal

_SEQUENCE_READERS = (RecurrentNetwork, PerStep, TableTransformer, SequencePadder)
# How messages of Python start if skl2onnx converts the categories of an encoder to numbers.
_TEXT_AS_NUMBER = ("invalid literal for int()", "could not convert string to float")
_MIXED = (
    "A transformer of steps was fitted on columns of text and of numbers, but in an ONNX model all "
    "steps are the single input X, which has one type. Replace text by numbers in the table, for "
    "instance by an OrdinalEncoder that is fitted on the training table only, fit the pipeline on "
    "these numbers, and export it. OneHotEncoder accepts them."
)
_MIN_OPSET = 18  # the first in which all reductions have their axes as an input


def to_onnx(
    estimator: Any,
    *,
    lengths: Literal["input", "nan"] = "input",
    initial_types: list[tuple[str, Any]] | None = None,
    target_opset: int | None = None,
    options: dict[Any, Any] | None = None,
) -> Any:
    """Convert a fitted estimator, or a whole pipeline, to an ONNX model in float32.

    If the first step is an estimator or transformer of sequences, the model has an input ``X`` of
    shape ``(n_sequences, n_steps, n_features)``, in which shorter sequences are padded at the
    end, and an input ``lengths`` of shape ``(n_sequences,)`` and type int64. If the estimator was
    fitted with static features, they are a further input ``static`` of shape
    ``(n_sequences, n_static_features_)``. Otherwise it has an input ``X`` of shape
    ``(n_samples, n_features)``; if a later step is an estimator of sequences, NaN at the end of a
    row is padding.

    Outputs have the names of skl2onnx: ``label`` and ``probabilities`` of a classifier,
    ``variable`` of shape ``(n_samples, n_outputs)`` of a regressor, ``sequences`` and ``n_steps``
    (their lengths) of a transformer of sequences, and ``transformed_static`` if it is fitted with
    static features. For estimators with a prediction for each step, labels have the shape
    ``(n_sequences, n_steps)``, and probabilities and numbers
    ``(n_sequences, n_steps, n_outputs)``. In the padding, these are NaN and labels are arbitrary.
    Several quantiles are along the last axis of ``variable``. ``loss=Gaussian()`` gives the mean.

    With a conditional random field, the outputs are ``emissions`` of shape
    ``(n_sequences, n_steps, n_classes)``, NaN in the padding, and ``transitions`` of shape
    ``(n_classes + 1, n_classes + 1)``, from rows to columns: the last row is for the first label of
    a sequence, the last column for the last label, and forbidden transitions are ``-inf``. The user
    guide has a function that finds the best path from them.

    Parameters
    ----------
    estimator : estimator
        Fitted estimator or transformer of this package, `sklearn.pipeline.Pipeline`, or search
        such as `sklearn.model_selection.GridSearchCV`, of which the best estimator is converted.
        The members of an ensemble stand side by side in the model.
        The other steps of a pipeline must be supported by skl2onnx.

    lengths : {'input', 'nan'}, default='input'
        How the lengths of sequences are passed to the model: as an input, or by padding with
        steps that are NaN in every feature, as for the estimators.

    initial_types : list of pairs, default=None
        Names and types of the inputs, as in ``skl2onnx.convert_sklearn``, instead of those above:
        for example strings for ``PerStep(OneHotEncoder())``. A ColumnTransformer of static
        features of several types needs an input of each column ``(n_sequences, 1)``, with the name
        of the column.

    target_opset : int, default=None
        Version of the ONNX operators, at least 18. None means the newest that skl2onnx
        supports.

    options : dict, default=None
        Options of the converters of skl2onnx. By default, probabilities are an array.

    Returns
    -------
    model : onnx.ModelProto
        The model. ONNX Runtime loads the bytes of ``SerializeToString()``.

    Raises
    ------
    ImportError
        If skl2onnx is not installed.

    ValueError
        If a parameter is invalid, class labels are neither numbers nor text, a network is a
        transformer in the middle of a pipeline or in a meta-estimator of scikit-learn, a step is
        `skrnn.PerSequence`, `skrnn.ForwardImputer`, `skrnn.Frames` or `skrnn.Neighbors`, a network
        has the cell 'gru_d', a step for tables follows one that outputs sequences, the first step
        has no `n_features_in_`, a step was fitted on text and there are no `initial_types`, or a
        transformer of steps was fitted on columns of text and of numbers.

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
    if target_opset is not None and target_opset < _MIN_OPSET:
        raise ValueError(f"target_opset must be at least {_MIN_OPSET}, got {target_opset!r}.")
    estimator = getattr(estimator, "best_estimator_", estimator)
    check_is_fitted(estimator)
    steps = steps_of(estimator)
    _check_order(steps)
    if isinstance(steps[-1], Ensemble):
        _check_order(steps_of(steps[-1].estimators_[0]))
    last = steps[-1]
    if options is None and is_classifier(last):
        options = {id(last): {"zipmap": False}}
    # Without final_types, skl2onnx would add numbers to names that occur at two steps.
    names = list(outputs_of(last))
    if "sequences" in names and _n_static(map(_first, steps)):
        names.append("transformed_static")
    final_types = [(name, None) for name in names]
    types = initial_types or _initial_types([_first(step) for step in steps], lengths)
    try:
        return convert_sklearn(
            make_pipeline(*steps),
            name=type(last).__name__,  # random by default
            initial_types=types,
            final_types=final_types or None,
            target_opset=target_opset,
            options=options,
        )
    except (RuntimeError, ValueError) as error:  # a type that an operator refuses: RuntimeError
        if any(map(_mixes_types, steps)):
            raise ValueError(_MIXED) from error
        if initial_types is None and str(error).startswith(_TEXT_AS_NUMBER):
            raise ValueError(
                "A transformer was fitted on text, but by default the inputs of the model are "
                f"numbers: {types}. Pass initial_types with StringTensorType for the input of text."
            ) from error
        raise


def register_onnx_converters() -> None:
    """Register the estimators and transformers of this package with skl2onnx.

    This is required before a call of ``skl2onnx.convert_sklearn`` or ``skl2onnx.to_onnx`` with an
    estimator that contains one of skrnn. `to_onnx` of this module calls it.

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
        _converters.register()
    except ImportError as error:
        raise ImportError(
            'Export to ONNX needs skl2onnx, which is not installed: pip install "skrnn[onnx]".'
        ) from error


def _first(step: Any) -> Any:
    """Get the estimator that reads the input of a step: in an ensemble, that of a member."""
    return _first(steps_of(step.estimators_[0])[0]) if isinstance(step, Ensemble) else step


def _check_order(steps: list[Any]) -> None:
    """Raise an error for steps that have no converter or cannot be connected in a graph."""
    for step in steps:
        _refuse_around_networks(step)
        if isinstance(step, SequenceTransformer) and not isinstance(step, _SEQUENCE_READERS):
            raise ValueError(
                f"{type(step).__name__} cannot be exported to ONNX. Export the steps after it, "
                "and pass its output to the ONNX model."
            )
    for step, following in pairwise(steps):
        if isinstance(step, NeuralNetwork):
            raise ValueError(
                f"{type(step).__name__} is a transformer in the middle of a pipeline. Its "
                "hidden states cannot be exported, only its predictions as the last step."
            )
        is_reader = isinstance(_first(following), _SEQUENCE_READERS)
        if "sequences" in outputs_of(step) and not is_reader:
            raise ValueError(
                f"{type(following).__name__} follows {type(step).__name__}, which outputs "
                "sequences. Put SequencePadder(flat=True) between them to get a table."
            )


def _refuse_around_networks(step: Any) -> None:
    """Raise an error for an estimator around those of this package that would read other inputs.

    skl2onnx would pass it a table, and no lengths. Multilayer perceptrons read tables.
    """
    # The converter of CalibratedClassifierCV gives other probabilities for them.
    around_tables = isinstance(step, CalibratedClassifierCV | TransformedTargetRegressor)
    kinds = (RecurrentNetwork, SequenceTransformer) + (NeuralNetwork,) * around_tables
    inner = None if is_converted(step) else next(_parts(step, kinds), None)
    if inner is None:
        return
    advice = "Export the fitted estimators in it, and compute the rest from their outputs."
    if hasattr(step, "regressor_"):
        advice = "Export its regressor_, and invert the transformation of the target yourself."
    if hasattr(step, "cv_results_") and not hasattr(step, "best_estimator_"):
        advice = "The search has no best_estimator_. Use refit=True."
    raise ValueError(
        f"{type(step).__name__} around {type(inner).__name__} cannot be exported to ONNX. "
        "Networks, EnsembleClassifier, EnsembleRegressor, pipelines that end in one of them, and "
        f"searches over these can be. {advice}"
    )


def _parts(estimator: Any, kinds: tuple[type, ...]) -> Iterator[Any]:
    """Yield the estimators of these kinds among the parameters of an estimator."""
    for part in estimator.get_params().values():
        if hasattr(part, "get_params") and not isinstance(part, type):
            yield from [part] if isinstance(part, kinds) else _parts(part, kinds)


def _mixes_types(step: Any) -> bool:
    """Return whether a transformer encodes some columns of steps as text, and others not."""
    inner = getattr(step, "transformer_", getattr(step, "steps_", None))
    if not isinstance(step, _SEQUENCE_READERS) or not isinstance(inner, ColumnTransformer):
        return False
    encoders = [part for _, part, _ in inner.transformers_ if hasattr(part, "categories_")]
    of_text = [
        any(isinstance(category, (str, bytes)) for category in categories)
        for encoder in encoders
        for categories in encoder.categories_
    ]
    return any(of_text) and sum(of_text) < step.n_step_features_


def _n_static(steps: Iterable[Any]) -> int:
    """Get the number of static features that the first step with such features reads, or 0."""
    numbers = (getattr(step, "n_static_features_", 0) for step in steps)
    return next(filter(None, numbers), 0)


def _initial_types(steps: list[Any], lengths: str) -> list[tuple[str, Any]]:
    from skl2onnx.common.data_types import FloatTensorType, Int64TensorType

    first = steps[0]
    if isinstance(first, _SEQUENCE_READERS):
        types = [("X", FloatTensorType([None, None, first.n_step_features_]))]
        if lengths == "input":
            types.append(("lengths", Int64TensorType([None])))
        n_static = _n_static(steps)
        return types + ([("static", FloatTensorType([None, n_static]))] if n_static else [])
    if not hasattr(first, "n_features_in_"):
        raise ValueError(
            f"{type(first).__name__} has no n_features_in_. Pass initial_types, or use refit=True "
            "if it is a search."
        )
    return [("X", FloatTensorType([None, first.n_features_in_]))]
