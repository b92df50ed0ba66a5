"""Exchange weights with PyTorch: a ``state_dict`` into a fitted estimator, and back.

This module does not import PyTorch. A ``state_dict`` is a mapping of names to arrays, which may be
tensors or NumPy arrays.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

import numpy as np
from sklearn.base import clone
from sklearn.utils.validation import check_is_fitted

from skrnn._base import ClassPredictions, NeuralNetwork
from skrnn._numeric.recurrent import CELLS
from skrnn._recurrent import RecurrentNetwork

# Prefix, kind, and, for recurrent layers, product, number of the layer and direction.
_KEY = re.compile(r"(.*\.)?(weight|bias)(?:(_ih|_hh)_l(\d+)(_reverse)?)?")


def from_state_dict(estimator, state_dict, *, classes=None, multilabel=False):
    """Make a fitted estimator from the weights of a PyTorch module.

    The module has ``torch.nn.RNN``, ``GRU`` or ``LSTM`` layers, followed by one
    ``torch.nn.Linear``. For `XORMLPClassifier` it has ``Linear`` layers only. Kind, sizes and
    directions of the layers are determined from the arrays. Everything else (`pooling`,
    `activation`) is taken from `estimator`. The result can predict, stream and continue training
    like any other fitted estimator. It has no history: `n_iter_` is 0 and `loss_` is NaN.

    Parameters
    ----------
    estimator : estimator
        A `XORMLPClassifier` or recurrent estimator. It is cloned, not changed.

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
        If the weights are not those of such a module, or do not fit the classes.

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
    >>> clf = from_state_dict(SequenceRNNClassifier(), state_dict, classes=["no", "yes"])
    >>> clf.predict([[0, 0, 1, 0], [0, 0]])
    array(['yes', 'no'], dtype='<U3')
    """
    if not isinstance(estimator, NeuralNetwork):
        raise TypeError(f"estimator must be one of this package's networks, got {estimator!r}.")
    if not isinstance(state_dict, Mapping):
        raise TypeError(f"state_dict must be a mapping, got {type(state_dict).__name__}.")
    recurrent = isinstance(estimator, RecurrentNetwork)
    read = _read_recurrent if recurrent else _read_dense
    parameters, weights = read(*_group(state_dict))
    first, output = next(iter(weights.values())), next(reversed(weights.values()))
    n_features, n_outputs = first["W"].shape[-2], output["W"].shape[1]
    estimator = clone(estimator).set_params(**parameters)
    if not isinstance(estimator, ClassPredictions):
        y = np.zeros((2, n_outputs) if n_outputs > 1 else 2)
    elif multilabel:
        y = np.zeros((2, n_outputs), dtype=int)
    else:
        y = np.asarray(np.arange(max(n_outputs, 2)) if classes is None else classes)
        _arrange(output, y, getattr(estimator, "out_activation", "auto"))
    # One sample for each target: sequences of one step or, for targets of steps, one sequence.
    steps = ((1, len(y)) if estimator._per_step else (len(y), 1)) if recurrent else (len(y),)
    X = np.zeros((*steps, n_features), output["W"].dtype)
    return estimator._become_fitted(X, [y] if estimator._per_step else y, weights)


def to_state_dict(estimator, *, names=None):
    """Write the weights of a fitted estimator in the format of PyTorch.

    ``module.load_state_dict({k: torch.from_numpy(v) for k, v in to_state_dict(clf).items()})``
    fills a module whose layers have these names and sizes.

    Parameters
    ----------
    estimator : estimator
        A fitted `XORMLPClassifier` or recurrent estimator.

    names : list of str, default=None
        Names of the modules. For a recurrent estimator, these are the name of the recurrent layers
        (one for each layer, if their sizes differ) and the name of the output layer, by default
        ``["gru", "output"]`` or ``["gru_0", "gru_1", "output"]``. For `XORMLPClassifier`, one for
        each layer, by default ``["0", "2", "4"]``, as in
        ``Sequential(Linear, ReLU, Linear, ReLU, Linear)``.

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
        'tanh' and 'relu' only, and it has no layer for ``pooling='attention'``.

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
    network, weights = estimator._fitted_network(), estimator._weights()
    if not isinstance(estimator, RecurrentNetwork):
        names = _check_names(names, [str(2 * i) for i in range(len(weights))])
        return _join(zip(names, map(_write_linear, weights.values()), strict=True))
    if network.pooling == "attention":
        raise ValueError(
            "PyTorch has no layer for pooling='attention'. Use 'last', 'mean' or 'max'."
        )
    cell = CELLS[network.cell]
    if cell.takes_activation and network.activation not in ("tanh", "relu"):
        raise ValueError(
            f"PyTorch has no RNN with activation={network.activation!r}; it has 'tanh' and 'relu'."
        )
    alike = len(set(network.hidden_layer_sizes)) == 1
    numbered = [f"{network.cell}_{i}" for i in range(len(network.layers))]
    names = _check_names(names, [*([network.cell] if alike else numbered), "output"])
    modules = []
    for i, layer in enumerate(network.layers):
        module, number = (names[0], i) if alike else (names[i], 0)
        for name, direction in zip(layer, ("", "_reverse"), strict=False):
            suffix = f"l{number}{direction}"
            modules.append((module, _write_recurrent(weights[name], cell, suffix)))
    return _join([*modules, (names[-1], _write_linear(weights["output"]))])


def _join(modules):
    """Copy the arrays of named modules into one dictionary."""
    return {
        f"{module}.{name}" if module else name: np.array(array, order="C")
        for module, arrays in modules
        for name, array in arrays.items()
    }


def _check_names(names, default):
    if names is None:
        return default
    names = [names] if isinstance(names, str) else list(names)
    if len(names) != len(default) or len(set(names)) != len(names):
        raise ValueError(
            f"names must be {len(default)} different names, like {default}; got {names}."
        )
    return names


def _group(state_dict):
    """Group the arrays by layer, in one dtype.

    Returns ``{place: {direction: arrays}}`` of the recurrent layers in their order, and
    ``{prefix: arrays}`` of the Linear layers. `arrays` maps names such as "weight_ih" to arrays.
    """
    arrays = {key: _array(key, value) for key, value in state_dict.items()}
    dtype = np.result_type(np.float32, *(array.dtype for array in arrays.values()))
    modules: dict = {}
    linear: dict = {}
    for key, array in arrays.items():
        found = _KEY.fullmatch(key)
        if not found or array.ndim != (2 if found[2] == "weight" else 1):
            raise ValueError(
                f"{key!r} of shape {array.shape} is not a weight or bias of a torch.nn.RNN, "
                "GRU, LSTM (without proj_size) or Linear."
            )
        prefix, kind, product, number, direction = found.groups(default="")
        if number:
            layer = modules.setdefault(prefix, {}).setdefault(int(number), {})
            layer.setdefault(direction, {})[kind + product] = array.astype(dtype)
        else:
            linear.setdefault(prefix, {})[kind] = array.astype(dtype)
    for prefix, p in linear.items():
        if "weight" not in p:
            raise ValueError(f"state_dict has '{prefix}bias', but no '{prefix}weight'.")
    recurrent = {
        f"{prefix}*_l{number}": dict(sorted(layers[number].items()))
        for prefix, layers in modules.items()
        for number in sorted(layers)
    }
    return recurrent, linear


def _array(key, value):
    """Convert a tensor or parameter of PyTorch, or an array-like, to an array."""
    if hasattr(value, "detach"):
        value = value.detach().cpu()
    array = np.asarray(value)
    if array.dtype.kind != "f":
        raise ValueError(f"{key!r} has dtype {array.dtype}, but weights must be floating point.")
    return array


def _read_dense(recurrent, linear):
    """Read layers of `XORMLPClassifier`; returns parameters of the estimator, and weights."""
    if recurrent or not linear:
        raise ValueError(
            "For XORMLPClassifier the state_dict must hold Linear layers and nothing else; it "
            f"holds {len(recurrent)} recurrent and {len(linear)} Linear layers."
        )
    weights, n_in = {}, None
    for i, (prefix, arrays) in enumerate(linear.items()):
        weights[f"dense_{i}"] = p = _read_linear(arrays, n_in, prefix)
        n_in = p["W"].shape[1]
    units = [p["W"].shape[1] for p in weights.values()]
    return {"hidden_layer_sizes": tuple(units[:-1])}, weights


def _read_recurrent(recurrent, linear):
    """Read layers of a recurrent estimator; returns parameters of the estimator, and weights."""
    if not recurrent or len(linear) != 1:
        raise ValueError(
            "For a recurrent estimator the state_dict must hold RNN, GRU or LSTM layers and one "
            f"Linear; it holds {len(recurrent)} recurrent and {len(linear)} Linear layers."
        )
    if {tuple(layer) for layer in recurrent.values()} not in ({("",)}, {("", "_reverse")}):
        raise ValueError("Some layers of the state_dict are bidirectional, and some are not.")
    weights, hidden, cells, n_in = {}, [], set(), None
    for i, (place, layer) in enumerate(recurrent.items()):
        for direction, arrays in layer.items():
            cell, p = _read_cell(arrays, n_in, place + direction)
            weights[f"recurrent_{i}{direction}"] = p
            cells.add(cell)
        hidden.append(p["U"].shape[2])
        n_in = hidden[-1] * len(layer)
    if len(cells) > 1:
        raise ValueError(f"All layers of the state_dict must be of one kind, got {sorted(cells)}.")
    ((prefix, arrays),) = linear.items()
    weights["output"] = _read_linear(arrays, n_in, prefix)
    both = len(layer) == 2
    return {"cell": cell, "hidden_layer_sizes": tuple(hidden), "bidirectional": both}, weights


def _read_cell(arrays, n_in, where):
    """Read one direction of a recurrent layer; returns the name of its cell, and parameters."""
    if missing := {"weight_ih", "weight_hh"} - set(arrays):
        raise ValueError(f"state_dict lacks {sorted(missing)} of {where}.")
    W, U = arrays["weight_ih"], arrays["weight_hh"]
    n_units = U.shape[-1]
    n_gates = len(U) // max(n_units, 1)
    names = {len(cell.torch_gates): name for name, cell in CELLS.items()}
    if n_gates not in names:
        raise ValueError(
            f"weight_hh of {where} has shape {U.shape}, which is not that of an RNN, GRU or LSTM."
        )
    cell, n_rows = CELLS[names[n_gates]], n_gates * n_units
    b_ih, b_hh = (arrays.get(name, np.zeros(n_rows, W.dtype)) for name in ("bias_ih", "bias_hh"))
    _check_shape(U, (n_rows, n_units), f"weight_hh of {where}")
    _check_shape(W, (n_rows, n_in or W.shape[-1]), f"weight_ih of {where}")
    _check_shape(b_ih, (n_rows,), f"bias_ih of {where}")
    _check_shape(b_hh, (n_rows,), f"bias_hh of {where}")
    order = [cell.torch_gates.index(gate) for gate in cell.gates]
    # (n_gates * n_units, ...) in the order of PyTorch -> (n_gates, n_units, ...) in ours.
    W, U, b_ih, b_hh = (
        array.reshape(n_gates, n_units, *array.shape[1:])[order] for array in (W, U, b_ih, b_hh)
    )
    p = {"W": W.transpose(0, 2, 1), "U": U.transpose(0, 2, 1), "b": b_ih + b_hh}
    if cell.recurrent_bias:  # the biases of this gate are not added
        gate = cell.gates.index(cell.recurrent_bias)
        p["b"][gate], p["b_rec"] = b_ih[gate], b_hh[gate]
    return names[n_gates], p


def _write_recurrent(p, cell, suffix):
    """Write one direction of a recurrent layer."""
    order = [cell.gates.index(gate) for gate in cell.torch_gates]
    rows = cell.n_gates * p["U"].shape[2]
    return {
        f"weight_ih_{suffix}": p["W"][order].transpose(0, 2, 1).reshape(rows, -1),
        f"weight_hh_{suffix}": p["U"][order].transpose(0, 2, 1).reshape(rows, -1),
        f"bias_ih_{suffix}": p["b"][order].ravel(),
        f"bias_hh_{suffix}": cell.recurrent_biases(p)[order].ravel(),
    }


def _read_linear(arrays, n_in, prefix):
    W = arrays["weight"]
    b = arrays.get("bias", np.zeros(len(W), W.dtype))
    _check_shape(W, (len(W), n_in or W.shape[-1]), f"{prefix}weight")
    _check_shape(b, (len(W),), f"{prefix}bias")
    return {"W": W.T, "b": b}


def _write_linear(p):
    return {"weight": p["W"].T, "bias": p["b"]}


def _arrange(output, classes, out_activation):
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


def _check_shape(array, expected, where):
    if array.shape != expected:
        raise ValueError(f"{where} has shape {array.shape}, but {expected} is needed.")
