"""Neural networks that are at home in scikit-learn."""

from skrnn._input import Sequences, as_sequences
from skrnn._version import __version__ as __version__
from skrnn.compose import TableTransformer, TransformedStepTargetRegressor
from skrnn.ensemble import EnsembleClassifier, EnsembleRegressor
from skrnn.losses import CRF, Gaussian, Huber, Quantile
from skrnn.mlp import XORMLPClassifier, XORMLPRegressor
from skrnn.preprocessing import (
    ForwardImputer,
    Frames,
    Neighbors,
    PerSequence,
    PerStep,
    SequencePadder,
)
from skrnn.rnn import (
    SequenceRNNClassifier,
    SequenceRNNRegressor,
    StepRNNClassifier,
    StepRNNRegressor,
)
from skrnn.saving import load, save
from skrnn.solvers import LBFGS, SGD, Adam

__all__ = [
    "CRF",
    "LBFGS",
    "SGD",
    "Adam",
    "EnsembleClassifier",
    "EnsembleRegressor",
    "ForwardImputer",
    "Frames",
    "Gaussian",
    "Huber",
    "Neighbors",
    "PerSequence",
    "PerStep",
    "Quantile",
    "SequencePadder",
    "SequenceRNNClassifier",
    "SequenceRNNRegressor",
    "Sequences",
    "StepRNNClassifier",
    "StepRNNRegressor",
    "TableTransformer",
    "TransformedStepTargetRegressor",
    "XORMLPClassifier",
    "XORMLPRegressor",
    "as_sequences",
    "load",
    "save",
]
