"""The skip connection of a regressor, and the columns that its network reads as differences."""

from __future__ import annotations

from typing import TYPE_CHECKING

from skrnn._training.earlier import add_earlier_values
from skrnn._training.skip import (
    LEAST_EXPLAINED,
    LEAST_EXPLAINED_BY_STEP,
    choose_differences,
    choose_skip,
    fit_last_values,
    follow_level,
    spread_depends_on,
)

if TYPE_CHECKING:
    import numpy as np

    from skrnn._numeric.training import Ragged


def choose_last_step(samples: Ragged) -> np.ndarray | None:
    """Choose the weights of a skip connection from the last step; None if it is of no use."""
    least = LEAST_EXPLAINED_BY_STEP if samples.per_step else LEAST_EXPLAINED
    return choose_skip(fit_last_values(samples), least)


def choose_steps_and_differences(
    samples: Ragged, link: str
) -> tuple[np.ndarray | None, tuple[int, ...]]:
    """Choose a skip connection from one or several steps, and the columns read as differences.

    Parameters
    ----------
    samples : Ragged
        The training samples, with one row of targets for each sequence.

    link : {'identity', 'ordered', 'mean_std'}
        The function that turns outputs into predictions.

    Returns
    -------
    skip : ndarray of shape (n_steps * n_features, n_outputs) or None
        The weights of the last steps, the newest first. None if they are of no use.

    differences : tuple of int
        The columns.
    """
    last_values = fit_last_values(samples)
    skip = choose_skip(last_values)
    skip = add_earlier_values(samples, skip, choose_differences(last_values, skip))
    differences = choose_differences(last_values, skip)
    if skip is None or not differences:
        return skip, ()
    if len(skip) == samples.x.shape[1]:  # the last step only
        skip = follow_level(samples, skip, differences)
    if link != "identity" and spread_depends_on(differences, samples, skip):
        differences = ()
    return skip, differences


def differences_beside(samples: Ragged, skip: np.ndarray) -> tuple[int, ...]:
    """Choose the columns that are read as differences beside a skip connection that is given."""
    return choose_differences(fit_last_values(samples), skip)
