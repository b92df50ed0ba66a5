"""Initial weights of recurrent networks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from skrnn._numeric.decay import init_decay
from skrnn._numeric.initializers import INITIALIZERS

if TYPE_CHECKING:
    from numpy.random import RandomState

    from skrnn._numeric.params import Params
    from skrnn._numeric.recurrent import Cell

# Weights of static features at each step, compared with those of the steps. With larger ones,
# networks learn more from static features that do not matter. With 0, networks with few sequences
# learn less from the others.
_SCALE_OF_STATIC = 0.25


def draw_weights(params: Params, init: str, cell: Cell, n_static: int, rng: RandomState) -> None:
    """Draw the initial weights of a recurrent network, in place.

    Parameters
    ----------
    params : Params
        The weights.

    init : str
        'auto', or the name of an initializer, which then draws all weights.

    cell : Cell
        The cell, which sets initial biases.

    n_static : int
        Number of static features that the first recurrent layer reads at each step.

    rng : RandomState
        Source of random numbers.
    """
    auto = init == "auto"
    input_init = INITIALIZERS["glorot_uniform" if auto else init]
    recurrent_init = INITIALIZERS["orthogonal" if auto else init]
    for name, p in params.items():
        if auto and (name in ("attention", "transitions") or name.startswith("initial")):
            continue  # weights of 0 make attention the mean, and every initial state 0
        p["W"][...] = input_init(rng, p["W"].shape)
        if auto and n_static and name in ("recurrent_0", "recurrent_0_reverse"):
            p["W"][:, -n_static:] *= _SCALE_OF_STATIC
        if "U" in p:
            p["U"][...] = recurrent_init(rng, p["U"].shape)
            cell.init_bias(p["b"])
        if "W_h" in p:
            init_decay(p)
