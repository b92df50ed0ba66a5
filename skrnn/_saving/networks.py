"""Check the fitted attributes of networks against each other."""

from __future__ import annotations

from dataclasses import MISSING, fields
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from skrnn._numeric.activations import ACTIVATIONS
from skrnn._numeric.layers import POOLINGS
from skrnn._numeric.networks import MLP, RNN
from skrnn._numeric.recurrent import CELLS
from skrnn._predictions import ClassPredictions
from skrnn._saving.values import (
    is_array,
    is_bool,
    is_classes,
    is_count,
    is_curve,
    is_finite,
    is_names,
    is_number,
    is_positive,
    optional,
)
from skrnn._training.scaling import TargetScale

if TYPE_CHECKING:
    from collections.abc import Callable, Container


def _is_sizes(value: Any) -> bool:
    return type(value) is tuple and all(map(is_positive, value))


def _is_columns(value: Any) -> bool:
    numbers = type(value) is tuple and all(map(is_count, value))
    return numbers and list(value) == sorted(set(value))


def _is_poolings(value: Any) -> bool:
    names = (value,) if isinstance(value, str) else value
    is_tuple = type(names) is tuple and all(type(name) is str for name in names)
    return value is None or (
        is_tuple and len(set(names)) == len(names) and set(names) <= {*POOLINGS}
    )


def _is_rate(value: Any) -> bool:
    return (is_number(value) or type(value) is int) and 0 <= value < 1


def _one_of(names: Container[str]) -> Callable[[Any], bool]:
    return lambda value: type(value) is str and value in names


_ARCHITECTURE = {
    MLP: {
        "units": lambda value: _is_sizes(value) and len(value) > 1,
        "activation": _one_of(ACTIVATIONS),
        "dropout": _is_rate,
    },
    RNN: {
        "n_features": is_positive,
        "hidden_layer_sizes": _is_sizes,
        "n_outputs": is_positive,
        "cell": _one_of(CELLS),
        "activation": _one_of(ACTIVATIONS),
        "bidirectional": is_bool,
        "pooling": _is_poolings,
        "dropout": _is_rate,
        "bptt_steps": optional(is_positive),
        "skip": lambda value: is_bool(value) or is_count(value),  # True in older files
        "differences": _is_columns,
        "frame_length": is_positive,
        "n_static": is_count,
        "embedding_size": optional(is_positive),
        "transitions": is_bool,
        "allowed": optional(lambda value: type(value) is bytes and set(value) <= {0, 1}),
        "static_at_steps": is_bool,
    },
}
_COMMON = {
    "n_features_in_": is_positive,
    "n_outputs_": is_positive,
    "out_activation_": lambda value: type(value) is str,
    "loss_curve_": is_curve,
    "validation_scores_": optional(is_curve),
    "validation_loss_curve_": optional(is_curve),
    "n_iter_": is_count,
    "t_": is_count,
    "loss_": is_number,
    "best_loss_": optional(is_number),
    "best_validation_score_": optional(is_number),
    "_architecture": lambda value: type(value) is dict,
    "_optimizer_state": optional(lambda value: type(value) is dict),
    "_target_scale": optional(lambda value: type(value) is dict),
}
_RECURRENT = {
    **_COMMON,
    "n_step_features_": is_positive,
    "_fitted_on_table": is_bool,
    "_n_columns": optional(is_positive),
    "n_static_features_": is_count,
    "_cell": _one_of(CELLS),
    "weights_": lambda value: type(value) is dict,
}
_DENSE = {
    **_COMMON,
    "n_layers_": is_positive,
    "coefs_": lambda value: type(value) is list,
    "intercepts_": lambda value: type(value) is list,
}


def _is_temperature(value: Any) -> bool:
    return is_number(value) and bool(1 <= value < np.inf)


_CLASSES: dict[str, Callable[[Any], bool]] = {
    "classes_": is_classes,
    "temperature_": optional(_is_temperature),
}


def _is_quantiles(value: Any) -> bool:
    levels = (value,) if type(value) is float else value
    return (
        type(levels) is tuple
        and len(levels) > 0
        and all(type(level) is float and 0 < level < 1 for level in levels)
        and all(a < b for a, b in pairwise(levels))
    )


_NUMBERS = {
    "_vectors": is_bool,
    "quantiles_": optional(_is_quantiles),
    "temperature_": optional(_is_temperature),
    "shrinkage_": optional(lambda value: isinstance(value, np.ndarray) and value.dtype.kind == "f"),
}


def check_network(estimator: Any, names: set[str]) -> str:
    """Check a fitted network.

    Parameters
    ----------
    estimator : NeuralNetwork
        The network. Its state may come from anywhere.

    names : set of str
        The names of its attributes that are no parameters.

    Returns
    -------
    fault : str
        The attribute that is wrong; empty if none is.
    """
    expected: dict[str, Callable[[Any], bool]]
    expected = _DENSE if estimator._network_type is MLP else _RECURRENT
    expected = expected | (_CLASSES if isinstance(estimator, ClassPredictions) else _NUMBERS)
    unknown = names - expected.keys() - {"feature_names_in_", "static_feature_names_in_", "_seen"}
    if vars(estimator).get("class_weight") is None:
        unknown -= {"class_weight"}  # a parameter of regressors in 0.1.0
    if estimator._per_step:
        unknown -= {"pooling"}  # a parameter without effect in 0.1.0
    # 0.1.0 had none of them.
    later = {"_target_scale", "quantiles_", "shrinkage_", "temperature_"}
    missing = expected.keys() - names - later
    for name in (*sorted(unknown), *sorted(missing)):
        return name
    for name, check in expected.items():
        if not check(getattr(estimator, name, None)):
            return name
    network = _network(estimator)
    if network is None:
        return "_architecture"
    if not _has_target(estimator, network):
        return "out_activation_"
    return _fault_in_names(estimator) or _fault_in_weights(estimator, network)


def _network(estimator: Any) -> MLP | RNN | None:
    """Make the architecture, or None if it is not that of the other attributes."""
    given, checks = estimator._architecture, _ARCHITECTURE[estimator._network_type]
    if given.keys() - checks.keys() or not all(checks[name](given[name]) for name in given):
        return None
    required = {f.name for f in fields(estimator._network_type) if f.default is MISSING}
    if required - given.keys():
        return None
    network = estimator._network_type(**given)
    if isinstance(network, MLP):
        ends = network.units[0], network.units[-1], len(network.units)
        is_right = ends == (estimator.n_features_in_, estimator.n_outputs_, estimator.n_layers_)
        return network if is_right else None
    found = network.n_features, network.n_outputs, network.n_static, network.cell
    e, n_labels = estimator, network.n_outputs + 1
    is_right = (
        found == (e.n_step_features_, e.n_outputs_, e.n_static_features_, e._cell)
        and bool(network.poolings) != e._per_step
        and not (network.bidirectional and not network.hidden_layer_sizes)
        and not (network.transitions and not e._per_step)
        and (bool(network.poolings) or max(network.skip, network.frame_length) < 2)
        and not (network.static_at_steps and not (network.n_static and network.hidden_layer_sizes))
        and not (network.static_at_steps and CELLS[network.cell].decays)
        and (network.allowed is None or len(network.allowed) == n_labels**2)
        and all(network.skip and column < network.n_features for column in network.differences)
    )
    return network if is_right else None


def _has_target(estimator: Any, network: Any) -> bool:
    """Whether the classes, or the form of the numbers, fit the outputs."""
    n_outputs, activation = estimator.n_outputs_, estimator.out_activation_
    if (activation == "crf") != getattr(network, "transitions", False):
        return False
    if isinstance(estimator, ClassPredictions):
        n_classes = len(estimator.classes_)
        seen = getattr(estimator, "_seen", None)
        if seen is not None and not is_array(seen, (n_classes + 1,) * 2, "b"):
            return False
        if activation == "logistic" and n_outputs == 1:
            return n_classes == 2
        return activation in ("softmax", "logistic", "crf") and n_outputs == n_classes
    quantiles = getattr(estimator, "quantiles_", None)
    if activation not in ("identity", "exp", "ordered", "mean_std"):
        return False
    if (activation == "ordered") != (quantiles is not None):
        return False
    n_targets, rest = divmod(n_outputs, estimator._target.n_columns)
    return not rest and (estimator._vectors or n_targets == 1)


def _fault_in_names(estimator: Any) -> str:
    counts = {"feature_names_in_": "n_features_in_"}
    counts["static_feature_names_in_"] = "n_static_features_"
    for name, count in counts.items():
        if hasattr(estimator, name) and not is_names(
            getattr(estimator, name), vars(estimator).get(count)
        ):
            return name
    return ""


def _fault_in_weights(estimator: Any, network: Any) -> str:
    """Check the weights, and the state of training that belongs to them."""
    name = "coefs_" if isinstance(network, MLP) else "weights_"
    if isinstance(network, MLP) and len(estimator.coefs_) != len(estimator.intercepts_):
        return name
    weights, shapes = estimator._weights(), network.shapes
    if weights.keys() != shapes.keys() or not all(type(p) is dict for p in weights.values()):
        return name
    if any(weights[layer].keys() != shapes[layer].keys() for layer in shapes):
        return name
    entries = [(weights[layer][n], shape) for layer in shapes for n, shape in shapes[layer].items()]
    if not all(is_finite(*entry) for entry in entries):
        return name
    dtypes = {array.dtype for array, _ in entries}
    if len(dtypes) > 1 or dtypes & {np.dtype(np.float16)}:
        return name
    n_trained = sum(
        p.size for layer, of_layer in weights.items() if layer != "skip" for p in of_layer.values()
    )
    if not _is_solver_state(estimator._optimizer_state, n_trained):
        return "_optimizer_state"
    scale = getattr(estimator, "_target_scale", None)
    return "" if _is_scale(scale, estimator, network) else "_target_scale"


def _is_solver_state(state: Any, n_trained: int) -> bool:
    if state is None:
        return True
    arrays = {name: value for name, value in state.items() if name != "t"}
    of_adam = arrays.keys() == {"sum", "sum_of_squares"} and is_count(state.get("t"))
    of_sgd = state.keys() == {"velocity"}
    return (of_adam or of_sgd) and all(is_finite(a, (n_trained,)) for a in arrays.values())


def _is_scale(scale: Any, estimator: Any, network: Any) -> bool:
    if scale is None:
        return True
    link = scale.get("link", "identity")  # absent in older files
    if scale.keys() | {"link"} != {field.name for field in fields(TargetScale)}:
        return False
    n_outputs, skip = estimator.n_outputs_, scale["skip"]
    n_targets = n_outputs // estimator._target.n_columns
    return (
        link == estimator.out_activation_
        and is_finite(scale["mean"], (n_targets,))
        and is_finite(scale["scale"], (n_targets,))
        and bool((scale["scale"] > 0).all())
        and is_bool(scale["standardizes"])
        and scale["differences"] == getattr(network, "differences", ())
        and (skip is None or is_finite(skip, (network.skip * network.n_features, n_targets)))
    )
