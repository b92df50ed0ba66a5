"""Small problems to learn, try out and test recurrent networks on.

The generators make problems whose answer is known exactly, in growing order of
what they ask of a memory: none (`make_gate`, `make_xor`), one step
(`make_nor_next`, `make_shift`), one bit for any length (`make_parity`) and a real
number across a long gap (`make_adding`). The loader reads a set of real sequences.

Sequences of different lengths come as a 1-D object array with one array of shape
(n_steps, n_features) per sequence.
"""

from ._gates import make_gate, make_xor
from ._make import make_adding, make_nor_next, make_parity, make_shift
from ._vowels import load_japanese_vowels

__all__ = [
    "load_japanese_vowels",
    "make_adding",
    "make_gate",
    "make_nor_next",
    "make_parity",
    "make_shift",
    "make_xor",
]
