"""Small data sets for examples and tests of recurrent networks.

The generators make problems with known solutions, which require a memory of increasing size:
none (`make_gate`, `make_xor`), one step (`make_nor_next`, `make_shift`), one bit for any length
(`make_parity`), and a real number over many steps (`make_adding`). The loader returns a set of
real sequences.

Sequences of different lengths are returned as a 1-D object array with one array of shape
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
