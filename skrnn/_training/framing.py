"""The length of the frames that a network reads."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from scipy.sparse import issparse

from skrnn._numeric.recurrent import CELLS

if TYPE_CHECKING:
    from skrnn._numeric.networks import RNN
    from skrnn._numeric.training import Ragged

# The frames of long sequences are so long that about so many remain.
_N_FRAMES = 32


def choose_frame_length(
    frame_length: int | Literal["auto"], network: RNN, samples: Ragged, init: Any
) -> int:
    """Get the length of frames; 'auto' makes about 32 of a long sequence.

    Initial weights that are given decide themselves how many steps the first layer reads.

    Parameters
    ----------
    frame_length : int or 'auto'
        The parameter of the estimator.

    network : RNN
        The network without frames.

    samples : Ragged
        The training samples.

    init : str or dict
        How initial weights are drawn, or the weights.

    Returns
    -------
    frame_length : int
        The number of steps of a frame.

    Raises
    ------
    ValueError
        If the network reads single steps, and the parameter is larger than 1.
    """
    reads_steps = not network.hidden_layer_sizes or CELLS[network.cell].decays
    if frame_length != "auto":
        if reads_steps and frame_length > 1:
            raise ValueError(
                f"frame_length={frame_length} is not possible with hidden_layer_sizes=() or "
                "cell='gru_d', which read single steps. Use 1 or 'auto', or Frames() before the "
                "network."
            )
        return int(frame_length)
    if reads_steps or network.embedding_size or issparse(samples.x) or not network.bidirectional:
        return 1
    if isinstance(init, dict):
        given = init.get("recurrent_0")
        W = given.get("W") if isinstance(given, dict) else None
        is_known = isinstance(W, np.ndarray) and W.ndim == 3
        n_static = network.n_static if network.static_at_steps else 0
        return max(1, (W.shape[1] - n_static) // network.n_features) if is_known else 1  # type: ignore
    # By the weighted median, a weight of 2 equals a sequence twice.
    weight = samples.weight / samples.weight.max()
    median = np.quantile(samples.lengths, 0.5, weights=weight, method="inverted_cdf")
    return max(1, round(float(median) / _N_FRAMES))
