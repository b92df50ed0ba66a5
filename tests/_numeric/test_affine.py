"""Affine maps of many rows: gradients of weights are added up over blocks of rows."""

import numpy as np
import pytest
from numpy.random import RandomState

from skrnn._numeric.affine import gradient_of_weights

# Rows of the blocks for weights of this shape: 192, or as many as take 3 * 2**18 multiplications.
BLOCKS = {(32, 32): [768, 232], (64, 60): [204] * 4 + [184], (100, 80): [192] * 5 + [40]}


@pytest.mark.parametrize("shape", BLOCKS, ids=str)
def test_gradient_of_weights_is_the_sum_over_blocks_of_rows(shape, monkeypatch):
    rng, product, n_rows = RandomState(0), np.matmul, []
    x, dy = rng.normal(size=(1000, shape[0])), rng.normal(size=(2, 1000, shape[1]))
    expected = np.einsum("ri,gro->gio", x, dy)

    def counting(a, b, **options):
        n_rows.append(b.shape[-2])
        return product(a, b, **options)

    monkeypatch.setattr(np, "matmul", counting)
    out = np.full((2, *shape), np.nan)
    gradient_of_weights(x, dy, out)
    np.testing.assert_allclose(out, expected, rtol=1e-10, atol=1e-10)
    assert n_rows == BLOCKS[shape]
