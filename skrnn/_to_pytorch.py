"""The layers of a network, with the names and the order of gates of PyTorch."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from skrnn._numeric.crf import forbid
from skrnn._numeric.recurrent import CELLS

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from skrnn._types import Arrays, Weights

# The score of a forbidden transition. The arithmetic of pytorch-crf has no infinity.
_FORBIDDEN = -10000.0


def write_recurrent(network: Any, weights: Weights) -> list[tuple[str, Arrays]]:
    """Write the layers of a recurrent network: default names of their modules, and arrays."""
    if "attention" in network.poolings:
        raise ValueError("PyTorch has no pooling='attention'; use 'last', 'mean' or 'max'.")
    if network.n_static:
        raise ValueError(
            "The network has static features, which have no place in the modules of PyTorch. "
            "Export it to ONNX, or fit it to X.without_static()."
        )
    cell = CELLS[network.cell]
    if not cell.torch_gates:
        supported = ", ".join(repr(name) for name, other in CELLS.items() if other.torch_gates)
        raise ValueError(f"PyTorch has no cell={network.cell!r}; it has {supported}.")
    if cell.takes_activation and network.activation not in ("tanh", "relu"):
        raise ValueError(
            f"PyTorch has no RNN with activation={network.activation!r}; it has 'tanh' and 'relu'."
        )
    order = [cell.gates.index(gate) for gate in cell.torch_gates]
    of_one_size = len(set(network.hidden_layer_sizes)) == 1
    layers = []
    if network.embedding_size:
        layers.append(("embedding", {"weight": weights["embedding"]["W"]}))
    for i, directions in enumerate(network.layers):
        module, number = (network.cell, i) if of_one_size else (f"{network.cell}_{i}", 0)
        for name, direction in zip(directions, ("", "_reverse"), strict=False):
            p = weights[name]
            arrays = {
                "weight_ih": p["W"].swapaxes(1, 2),
                "weight_hh": p["U"].swapaxes(1, 2),
                "bias_ih": p["b"],
                "bias_hh": cell.recurrent_biases(p),
            }
            end = f"_l{number}{direction}"
            layers.append((module, {k + end: np.concatenate(a[order]) for k, a in arrays.items()}))
    layers.append(("output", write_linear(weights["output"])))
    if network.skip:
        layers.append(("skip", _write_skip(weights["skip"]["W"], network)))
    if network.transitions:
        layers.append(("crf", _write_transitions(forbid(weights["transitions"], network.table))))
    return layers


def _write_skip(W: np.ndarray, network: Any) -> Arrays:
    if not network.differences:
        return {"weight": W.T}
    is_difference = np.zeros(network.n_features, W.dtype)
    is_difference[list(network.differences)] = 1
    return {"weight": W.T, "differences": is_difference}


def _write_transitions(transitions: Mapping[str, np.ndarray]) -> Arrays:
    """Write the weights of a random field with the names of pytorch-crf."""
    names = {"W": "transitions", "start": "start_transitions", "end": "end_transitions"}
    return {names[key]: np.maximum(p, _FORBIDDEN) for key, p in transitions.items()}


def write_linear(p: Arrays) -> Arrays:
    """Write an affine map as a Linear."""
    return {"weight": p["W"].T, "bias": p["b"]}
