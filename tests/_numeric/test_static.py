"""Layers that use static features, one at a time."""

import numpy as np

from skrnn._numeric.combine import concatenate
from skrnn._numeric.layers import POOLINGS
from skrnn._numeric.packing import Packing
from skrnn._numeric.static import initial_if_empty


def test_sequences_without_steps_pass_their_gradient_to_their_initial_states():
    """Two directions of one unit, and two poolings: the outputs are ``[f, b, f, b]``."""
    names, packing = ("forwards", "backwards"), Packing([1, 0, 0])
    params = {name: {"state": np.array([[[9.0], [k], [k + 1]]])} for k, name in enumerate(names)}
    grad = {name: {"state": np.ones((1, 3, 1))} for name in names}
    layer = initial_if_empty(concatenate(POOLINGS["last"], POOLINGS["mean"]), names)
    y, back = layer(params, np.array([[7.0, 8.0]]), packing)
    assert y.tolist() == [[7, 8, 7, 8], [0, 1, 0, 1], [1, 2, 1, 2]]
    dy = np.array([[1.0, 2, 3, 4], [5, 6, 7, 8], [50, 60, 70, 80]])
    assert back(dy, grad).tolist() == [[1 + 3, 2 + 4]]
    assert grad["forwards"]["state"].ravel().tolist() == [1, 1 + 5 + 7, 1 + 50 + 70]
    assert grad["backwards"]["state"].ravel().tolist() == [1, 1 + 6 + 8, 1 + 60 + 80]
