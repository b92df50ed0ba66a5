"""Learning-rate schedules: ``factor(epoch, n_seen, max_iter, power_t)``.

The learning rate is the initial one times this factor. `epoch` is the number of epochs done,
`n_seen` the number of training samples seen in them.
"""

from __future__ import annotations

import math


def constant(epoch: int, n_seen: int, max_iter: int, power_t: float) -> float:
    """Keep the initial learning rate."""
    return 1.0


def invscaling(epoch: int, n_seen: int, max_iter: int, power_t: float) -> float:
    """``1 / (n_seen + 1) ** power_t``, as in ``MLPClassifier``."""
    return float((n_seen + 1) ** -power_t)


def cosine(epoch: int, n_seen: int, max_iter: int, power_t: float) -> float:
    """Half a cosine from 1 down to 0 at `max_iter` (Loshchilov & Hutter, 2017)."""
    return 0.5 * (1 + math.cos(math.pi * min(epoch / max_iter, 1)))


# "adaptive" has a constant factor, too: the training run divides the rate when the loss stalls.
SCHEDULES = {
    "constant": constant,
    "adaptive": constant,
    "invscaling": invscaling,
    "cosine": cosine,
}
