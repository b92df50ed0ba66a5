"""Neural networks that are at home in scikit-learn."""

from skrnn.mlp import XORMLPClassifier
from skrnn.preprocessing import PerStep, SequencePadder
from skrnn.rnn import SequenceRNNClassifier
from skrnn.sequences import Sequences, as_sequences
from skrnn.solvers import LBFGS, SGD, Adam

__version__ = "0.1.0"

__all__ = [
    "LBFGS",
    "SGD",
    "Adam",
    "PerStep",
    "SequencePadder",
    "SequenceRNNClassifier",
    "Sequences",
    "XORMLPClassifier",
    "as_sequences",
]
