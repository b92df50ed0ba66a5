"""Exchange weights with PyTorch: a ``state_dict`` into a fitted estimator, and back.

This module does not import PyTorch. A ``state_dict`` is a mapping of names to arrays, which may be
tensors or NumPy arrays.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
from sklearn.base import clone
from sklearn.utils.validation import check_is_fitted

from skrnn._base import NeuralNetwork
from skrnn._numeric.recurrent import CELLS
from skrnn._predictions import ClassPredictions
from skrnn._recurrent import RecurrentNetwork
from skrnn._to_pytorch import write_linear, write_recurrent

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any, TypeAlias, TypeVar

    from numpy.typing import ArrayLike

    from skrnn._types import Arrays, Weights

    Network = TypeVar("Network", bound=NeuralNetwork)
    Tensors: TypeAlias = Mapping[str, Any]
    Labels: TypeAlias = ArrayLike | None
    Layers: TypeAlias = dict[tuple[str, int], list[str]]  # directions of each prefix and number

# Prefix, kind, and for a recurrent layer its number and direction: "net.weight_ih_l0_reverse".
_KEY = re.compile(r"(.*\.|)(weight|bias)(?:_[ih]h_l(\d+)(_reverse|))?")


def from_state_dict(
    estimator: Network, state_dict: Tensors, *, classes: Labels = None, multilabel: bool = False
) -> Network:
    """Make a fitted estimator from the weights of a PyTorch module.

    The module has ``torch.nn.RNN``, ``GRU`` or ``LSTM`` layers, followed by one
    ``torch.nn.Linear``. Its input is the pooled states: for several poolings one after another,
    each with both directions. A second ``Linear`` called "skip", without a bias, is applied to the
    last step of a sequence, or to several last steps side by side, the newest first, and added. In
    a shorter sequence, the first step takes the place of those before it. For `StepRNNRegressor`
    it is applied to each step. If there is a buffer
    "skip.differences" (n_features,) of zeros and ones, the recurrent layers read
    ``x - differences * last_step``. A ``torch.nn.Embedding`` may precede the recurrent layers: the
    estimator then has `embedding_size`, and its input is one-hot encoded tokens, one column for
    each row of the embedding. A module that reads several steps side by side needs their number as
    `frame_length` of the estimator. For `XORMLPClassifier` and
    `XORMLPRegressor` the module has ``Linear`` layers only. Kind, sizes and directions of the
    layers are determined from the arrays. Everything else (`pooling`, `activation`) is taken from
    `estimator`; a module that applies its ``Linear`` to the last state needs ``pooling='last'``.
    The result can predict, stream and continue training like any other fitted estimator. It has no
    history: `n_iter_` is 0 and `loss_` is NaN.

    Parameters
    ----------
    estimator : estimator
        A `XORMLPClassifier`, `XORMLPRegressor` or recurrent estimator. It is cloned, not changed.

    state_dict : mapping of str to tensor or array
        The weights, with layers in the order in which the module applies them. Stacked layers of
        different sizes must be separate modules.

    classes : array-like of shape (n_classes,), default=None
        Class labels of a classifier, in the order of the outputs of the module. A single output
        needs two labels and is the raw prediction of the second class. None means 0, 1, 2, ...

    multilabel : bool, default=False
        Whether each output of the module is a binary label (as with ``BCEWithLogitsLoss``).

    Returns
    -------
    fitted : estimator
        A fitted clone of `estimator`. Its weights are float64 if any given weight is, and float32
        otherwise.

    Raises
    ------
    TypeError
        If `estimator` is not one of this package's networks, or `state_dict` is not a mapping.

    ValueError
        If the weights are not those of such a module, or do not fit the classes or the loss. Only
        `SequenceRNNRegressor` and `StepRNNRegressor` have a skip connection, and not for every
        loss.

    See Also
    --------
    to_state_dict : The opposite direction.

    Examples
    --------
    >>> import numpy as np
    >>> from skrnn import SequenceRNNClassifier
    >>> from skrnn.pytorch import from_state_dict
    >>> state_dict = {
    ...     "rnn.weight_ih_l0": np.array([[1.0]]),
    ...     "rnn.weight_hh_l0": np.array([[1.0]]),
    ...     "output.weight": np.array([[-1.0], [1.0]]),
    ...     "output.bias": np.array([0.25, -0.25]),
    ... }
    >>> estimator = SequenceRNNClassifier(pooling="last")
    >>> clf = from_state_dict(estimator, state_dict, classes=["no", "yes"])
    >>> clf.predict([[0, 0, 1, 0], [0, 0]])
    array(['yes', 'no'], dtype='<U3')
    """
    if not isinstance(estimator, NeuralNetwork):
        raise TypeError(f"estimator must be one of this package's networks, got {estimator!r}.")
    if not isinstance(state_dict, Mapping):
        raise TypeError(f"state_dict must be a mapping, got {type(state_dict).__name__}.")
    if getattr(estimator, "_random_field", lambda: None)() is not None:
        raise ValueError(
            "Weights of a conditional random field cannot be read from PyTorch. Use another loss, "
            "or pass them as init."
        )
    arrays, recurrent, linear = _read_arrays(state_dict)
    differences: tuple[int, ...] = ()
    is_recurrent = isinstance(estimator, RecurrentNetwork)
    skip = linear.pop() if is_recurrent and linear[1:] and linear[-1] == "skip." else None
    has_embedding = is_recurrent and linear[1:] and _is_embedding(arrays, linear[0])
    embedding = linear.pop(0) if has_embedding else None
    if bool(recurrent) != is_recurrent or not linear or (is_recurrent and len(linear) > 1):
        layers = "RNN, GRU or LSTM layers and one Linear, after an Embedding if there is one"
        needed = layers if is_recurrent else "only Linear layers"
        raise ValueError(
            f"For {type(estimator).__name__} the state_dict must hold {needed}; it holds "
            f"{len(recurrent)} recurrent and {len(linear)} Linear layers."
        )
    if is_recurrent:
        poolings = estimator._poolings() or (None,)
        parameters, weights = _read_recurrent(arrays, recurrent, linear[0], poolings)
        if embedding is not None:
            n_in = weights["recurrent_0"]["W"].shape[1]
            weights = {"embedding": _read_embedding(arrays, embedding, n_in), **weights}
            parameters["embedding_size"] = n_in
        if skip is not None:
            weights["skip"], differences = _read_skip(arrays, weights, estimator)
            is_last = not differences and len(weights["skip"]["W"]) == _n_features(weights)
            is_last = is_last and not estimator._per_step
            parameters["skip_connection"] = "last" if is_last else "auto"
    else:
        parameters, weights = _read_dense(arrays, linear)
    output = weights["output"] if is_recurrent else weights[next(reversed(weights))]
    estimator = clone(estimator).set_params(**parameters)
    frame_length: Any = getattr(estimator, "frame_length", "auto")
    n_features = _n_features(weights) // (1 if frame_length == "auto" else frame_length)
    y = _targets_for(estimator, output, classes, multilabel)
    # One sample for each target: sequences of one step or, for targets of steps, one sequence.
    steps = ((1, len(y)) if estimator._per_step else (len(y), 1)) if is_recurrent else (len(y),)
    X = np.zeros((*steps, n_features), output["W"].dtype)
    targets = [y] if estimator._per_step else y
    return estimator._become_fitted(X, targets, weights, differences)


def to_state_dict(estimator: NeuralNetwork, *, names: str | Sequence[str] | None = None) -> Arrays:
    """Write the weights of a fitted estimator in the format of PyTorch.

    ``module.load_state_dict({k: torch.from_numpy(v) for k, v in to_state_dict(clf).items()})``
    fills a module whose layers have these names and sizes.

    Parameters
    ----------
    estimator : estimator
        A fitted `XORMLPClassifier`, `XORMLPRegressor` or recurrent estimator.

    names : list of str, default=None
        Names of the modules. For a recurrent estimator, these are the name of the recurrent layers
        (one for each layer, if their sizes differ) and the name of the output layer, by default
        ``["gru", "output"]`` or ``["gru_0", "gru_1", "output"]``. With `embedding_size`,
        "embedding" is the first. If the fitted network has a skip connection, "skip" is the last,
        with its buffer "differences" if columns enter as differences.
        With a conditional random field, "crf" is the last, with the weights of ``torchcrf.CRF`` of
        the package pytorch-crf; forbidden transitions are -10000.
        For `XORMLPClassifier` and `XORMLPRegressor`, one for each layer, by default
        ``["0", "2", "4"]``, as in ``Sequential(Linear, ReLU, Linear, ReLU, Linear)``.

    Returns
    -------
    state_dict : dict of str to ndarray
        The weights. PyTorch adds two biases for each gate, and one of them is 0 here.

    Raises
    ------
    TypeError
        If `estimator` is not one of this package's networks.

    ValueError
        If there are too few or too many names, or PyTorch has no such layer: its ``RNN`` supports
        'tanh' and 'relu' only, and it has no layer for ``pooling='attention'``. Or if predictions
        of `Gaussian` or `Quantile` have a scale or a temperature, which weights do not contain.

    NotFittedError
        If the estimator is not fitted.

    See Also
    --------
    from_state_dict : The opposite direction.

    Examples
    --------
    >>> from skrnn import XORMLPClassifier
    >>> from skrnn.pytorch import to_state_dict
    >>> X, y = [[0, 0], [0, 1], [1, 0], [1, 1]], [0, 1, 1, 0]
    >>> clf = XORMLPClassifier((3,), random_state=0).fit(X, y)
    >>> {name: array.shape for name, array in to_state_dict(clf).items()}
    {'0.weight': (3, 2), '0.bias': (3,), '2.weight': (1, 3), '2.bias': (1,)}
    """
    if not isinstance(estimator, NeuralNetwork):
        raise TypeError(f"estimator must be one of this package's networks, got {estimator!r}.")
    check_is_fitted(estimator)
    target = estimator._fitted_target
    if getattr(target, "scale", None) is not None or getattr(target, "spread_factor", 1) != 1:
        raise ValueError(
            "A state_dict has no place for the mean and deviation of the targets, nor for the "
            f"temperature, which predict needs for {estimator}. Fit it with normalize_y=False, "
            "temperature=None and skip_connection=None, and scale the targets before."
        )
    weights = estimator._weights()
    if isinstance(estimator, RecurrentNetwork):
        layers = write_recurrent(estimator._fitted_network(), weights)
    else:
        layers = [(str(2 * i), write_linear(p)) for i, p in enumerate(weights.values())]
    default = list(dict.fromkeys(module for module, _ in layers))
    names = default if names is None else [names] if isinstance(names, str) else list(names)
    if len(names) != len(default) or len(set(names)) != len(names):
        raise ValueError(
            f"names must be {len(default)} different names, like {default}; got {names}."
        )
    prefixes = {module: name and f"{name}." for module, name in zip(default, names, strict=True)}
    return {
        prefixes[module] + name: np.array(array, order="C")
        for module, arrays in layers
        for name, array in arrays.items()
    }


def _targets_for(estimator: Any, output: Arrays, classes: Labels, multilabel: bool) -> np.ndarray:
    """Make targets that the outputs of the module fit; classes are put in their order."""
    n_outputs = output["W"].shape[1]
    if not isinstance(estimator, ClassPredictions):
        return _numbers(n_outputs, estimator._number_loss().n_columns)
    if multilabel:
        return np.zeros((2, n_outputs), dtype=int)
    y = np.asarray(np.arange(max(n_outputs, 2)) if classes is None else classes)
    _arrange(output, y, getattr(estimator, "out_activation", "auto"))
    return y


def _numbers(n_outputs: int, n_columns: int) -> np.ndarray:
    """Make targets, valid for any loss, of which each has `n_columns` outputs."""
    n_targets, rest = divmod(n_outputs, n_columns)
    if rest:
        raise ValueError(
            f"The module has {n_outputs} outputs, but the loss needs {n_columns} for each target."
        )
    return np.ones((2, n_targets) if n_targets > 1 else 2)


def _read_arrays(
    state_dict: Mapping[str, Any],
) -> tuple[Arrays, Layers, list[str]]:
    """Convert all weights to arrays of one dtype, and find the layers from their names.

    Returns ``{name: array}``, the directions of the recurrent layers ``{(prefix, number):
    directions}``, and the prefixes of the Linear layers. Modules are in order of appearance.
    """
    arrays = {}
    recurrent: dict[tuple[str, int], set[str]] = {}
    linear: dict[str, None] = {}
    for key, value in state_dict.items():
        array = np.asarray(value.detach().cpu() if hasattr(value, "detach") else value)
        if array.dtype.kind != "f":
            raise ValueError(f"{key!r} has dtype {array.dtype}; weights must be floating point.")
        if key == "skip.differences" and "skip.weight" in state_dict and array.ndim == 1:
            arrays[key] = array
            continue
        found = _KEY.fullmatch(key)
        if not found or array.ndim != (2 if found[2] == "weight" else 1):
            raise ValueError(
                f"{key!r} of shape {array.shape} is not a weight or bias of a torch.nn.RNN, GRU, "
                "LSTM (without proj_size) or Linear."
            )
        arrays[key] = array
        prefix, _, number, direction = found.groups()
        if number is None:
            linear[prefix] = None
        else:
            recurrent.setdefault((prefix, int(number)), set()).add(direction)
    dtype = np.result_type(np.float32, *(array.dtype for array in arrays.values()))
    arrays = {key: array.astype(dtype) for key, array in arrays.items()}
    prefixes = list(dict.fromkeys(prefix for prefix, _ in recurrent))
    order = sorted(recurrent, key=lambda layer: (prefixes.index(layer[0]), layer[1]))
    return arrays, {layer: sorted(recurrent[layer]) for layer in order}, list(linear)


def _read_dense(arrays: Arrays, prefixes: list[str]) -> tuple[dict[str, Any], Weights]:
    """Get the parameters and weights of a feed-forward estimator."""
    weights, hidden, n_in = {}, [], None
    for i, prefix in enumerate(prefixes):
        weights[f"dense_{i}"] = p = _read_linear(arrays, prefix, n_in)
        n_in = p["W"].shape[1]
        hidden.append(n_in)
    return {"hidden_layer_sizes": tuple(hidden[:-1])}, weights


def _read_recurrent(
    arrays: Arrays,
    layers: Layers,
    output: str,
    poolings: tuple[str | None, ...],
) -> tuple[dict[str, Any], Weights]:
    """Get the parameters and weights of a recurrent estimator."""
    directions = next(iter(layers.values()))
    if directions == ["_reverse"] or any(given != directions for given in layers.values()):
        raise ValueError("Some layers of the state_dict are bidirectional, and some are not.")
    weights, hidden, cells, n_in = {}, [], set(), None
    for i, (prefix, number) in enumerate(layers):
        for direction in directions:
            cell, p = _read_cell(arrays, prefix, f"l{number}{direction}", n_in)
            weights[f"recurrent_{i}{direction}"] = p
            cells.add(cell)
        hidden.append(p["U"].shape[2])
        n_in = hidden[-1] * len(directions)
    if len(cells) > 1:
        raise ValueError(f"All layers of the state_dict must be of one kind, got {sorted(cells)}.")
    W, n_states = _get(arrays, f"{output}weight", (None, None)), hidden[-1] * len(directions)
    if len(poolings) > 1 and W.shape[1] == n_states:
        raise ValueError(
            f"'{output}weight' has shape {W.shape}, which fits one pooling, but the estimator has "
            f"pooling={poolings}. Set pooling='last', or the pooling that the module uses."
        )
    weights["output"] = _read_linear(arrays, output, n_states * len(poolings))
    bidirectional = len(directions) == 2
    parameters = {"cell": cell, "hidden_layer_sizes": tuple(hidden), "bidirectional": bidirectional}
    return parameters | {"embedding_size": None}, weights


def _is_embedding(arrays: Arrays, prefix: str) -> bool:
    """Whether a module has no bias, and comes before all others."""
    return next(iter(arrays)) == f"{prefix}weight" and f"{prefix}bias" not in arrays


def _read_embedding(arrays: Arrays, prefix: str, n_in: int | None) -> Arrays:
    """Read the weight of an Embedding (n_tokens, n_in); that of a Linear would be transposed."""
    W = _get(arrays, f"{prefix}weight", (None, n_in))
    if len(W) == n_in and "emb" not in prefix.lower():
        raise ValueError(
            f"'{prefix}weight' of shape {W.shape} may be that of an Embedding, or of a Linear "
            "without bias. Name it 'embedding.weight' if each row is the vector of a token, and "
            "transpose it before if it is that of a Linear."
        )
    return {"W": W}


def _read_cell(arrays: Arrays, prefix: str, suffix: str, n_in: int | None) -> tuple[str, Arrays]:
    """Read one direction of a recurrent layer; returns the name of its cell, and parameters."""
    key = f"{prefix}weight_hh_{suffix}"
    U = _get(arrays, key, (None, None))
    n_rows, n_units = U.shape
    name = next((name for name, c in CELLS.items() if len(c.torch_gates) * n_units == n_rows), None)
    if name is None:
        raise ValueError(f"{key!r} has shape {U.shape}, which is not that of an RNN, GRU or LSTM.")
    W = _get(arrays, f"{prefix}weight_ih_{suffix}", (n_rows, n_in))
    b_ih = _get(arrays, f"{prefix}bias_ih_{suffix}", (n_rows,))
    b_hh = _get(arrays, f"{prefix}bias_hh_{suffix}", (n_rows,))
    cell = CELLS[name]
    order = [cell.torch_gates.index(gate) for gate in cell.gates]

    def gates(array: np.ndarray) -> np.ndarray:
        return array.reshape(cell.n_gates, n_units, *array.shape[1:])[order]

    p = {"W": gates(W).swapaxes(1, 2), "U": gates(U).swapaxes(1, 2), "b": gates(b_ih + b_hh)}
    if cell.recurrent_bias:  # the biases of this gate are not added
        gate = cell.gates.index(cell.recurrent_bias)
        p["b"][gate], p["b_rec"] = gates(b_ih)[gate], gates(b_hh)[gate]
    return name, p


def _read_linear(arrays: Arrays, prefix: str, n_in: int | None) -> Arrays:
    W = _get(arrays, f"{prefix}weight", (None, n_in)).T
    return {"W": W, "b": _get(arrays, f"{prefix}bias", (W.shape[1],))}


def _read_skip(
    arrays: Arrays, weights: Weights, estimator: RecurrentNetwork
) -> tuple[Arrays, tuple[int, ...]]:
    """Read the weights of the skip connection, and the columns that enter as differences.

    The weights are those of one step, or of several last steps.
    """
    if not estimator._takes_skip():
        raise ValueError(
            f"The state_dict holds 'skip.weight', but {estimator} has no skip connection that "
            "can be loaded. Only SequenceRNNRegressor and StepRNNRegressor have one, and not for "
            "'poisson', 'gamma', Quantile and Gaussian."
        )
    n_features, n_outputs = _n_features(weights), weights["output"]["W"].shape[1]
    n_columns = max(1, arrays["skip.weight"].shape[1] // n_features) * n_features
    W = _get(arrays, "skip.weight", (n_outputs, n_columns)).T
    differences = _read_differences(arrays, n_features)
    if estimator._per_step and (differences or n_columns > n_features):
        raise ValueError(
            "The skip connection of the state_dict reads several last steps of a sequence, or "
            f"differences to the last step, but {estimator} predicts after each step. Use "
            "SequenceRNNRegressor."
        )
    return {"W": W}, differences


def _n_features(weights: Weights) -> int:
    """Get the number of features that the first layer reads."""
    return int(weights[next(iter(weights))]["W"].shape[-2])


def _read_differences(arrays: Arrays, n_features: int) -> tuple[int, ...]:
    """Read the columns that enter as differences, which are none without the buffer."""
    key = "skip.differences"
    is_difference = _get(arrays, key, (n_features,))
    if not np.isin(is_difference, (0, 1)).all():
        raise ValueError(f"{key!r} must hold zeros and ones, got {is_difference.tolist()}.")
    return tuple(map(int, np.flatnonzero(is_difference)))


def _get(arrays: Arrays, key: str, shape: tuple[int | None, ...]) -> np.ndarray:
    """Get an array and check its shape, in which None means any size. A missing bias is 0."""
    if key not in arrays and len(shape) == 1:
        return np.zeros(shape[0] or 0)
    if key not in arrays:
        raise ValueError(f"state_dict lacks {key!r}.")
    given = arrays[key].shape
    if any(n not in (None, n_given) for n, n_given in zip(shape, given, strict=True)):
        needed = str(shape).replace("None", "any")
        raise ValueError(f"{key!r} has shape {given}, but {needed} is needed.")
    return arrays[key]


def _arrange(output: Arrays, classes: np.ndarray, out_activation: str) -> None:
    """Put the outputs in the order of the sorted classes. Two classes get a single output."""
    n_outputs = output["W"].shape[1]
    if classes.ndim != 1 or len(classes) != max(n_outputs, 2):
        raise ValueError(
            f"The module has {n_outputs} outputs, which does not fit classes={classes.tolist()}."
        )
    order = np.argsort(classes)
    for name, array in output.items():
        if n_outputs == 1:
            output[name] = array if order[0] == 0 else -array
        elif n_outputs == 2 and out_activation == "auto":
            # softmax((a, b)) is (1 - logistic(b - a), logistic(b - a)).
            output[name] = array[..., order[1:]] - array[..., order[:1]]
        else:
            output[name] = array[..., order]
