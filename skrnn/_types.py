"""Types of parameters that several functions and constructors have, for type checkers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, TypeAlias

import numpy as np

from skrnn.solvers import LBFGS, SGD, Adam

RandomState: TypeAlias = int | np.random.RandomState | None
HiddenLayers: TypeAlias = int | Sequence[int] | np.ndarray
Activation: TypeAlias = Literal["identity", "logistic", "tanh", "relu"]
Cell: TypeAlias = Literal["rnn", "gru", "gru_d", "lstm"]
Pooling: TypeAlias = Literal["last", "mean", "max", "attention"]
LearningRate: TypeAlias = Literal["constant", "invscaling", "adaptive", "cosine"]
Solver: TypeAlias = Literal["adam", "sgd", "lbfgs"] | Adam | SGD | LBFGS
ClassWeight: TypeAlias = dict[Any, Any] | Literal["balanced"] | None
NumberLossName: TypeAlias = Literal["squared_error", "absolute_error", "poisson", "gamma"]
Initializer: TypeAlias = Literal[
    "auto", "glorot_uniform", "he_uniform", "orthogonal", "uniform", "svd", "zeros"
]
Arrays: TypeAlias = dict[str, np.ndarray]
Weights: TypeAlias = dict[str, Arrays]  # a mapping of layers, as `weights_`
Average: TypeAlias = Literal["binary", "macro", "micro", "samples", "weighted"]
SpanAverage: TypeAlias = Literal["macro", "micro", "weighted"]
Window: TypeAlias = int | Literal["auto"] | None
ZeroDivision: TypeAlias = float | Literal["warn"]
