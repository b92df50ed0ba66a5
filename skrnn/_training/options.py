"""The settings of a fit."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields
from numbers import Integral, Real
from typing import Any

import numpy as np

from skrnn._numeric.losses import Loss
from skrnn._training.validation import can_hold_out, has_many_steps
from skrnn.solvers import LBFGS, SGD, Adam


@dataclass(frozen=True)
class TrainingOptions:
    """Everything about training that does not depend on the data.

    The fields have the names and meanings of the parameters of the estimators.

    Parameters
    ----------
    loss : callable
        ``value, gradient = loss(raw_prediction, targets, weight)``.

    solver : Adam, SGD or LBFGS
        The solver, with its own parameters.

    batch_size : int
        Samples in a batch; the whole training set if it is not larger.

    keep_best : bool, default=False
        Whether to keep the weights of the lowest loss if the last epoch ends clearly above it.

    patience_without : float or None, default=None
        `n_iter_no_change` if `early_stopping` was chosen by 'auto' and has no effect. There is no
        warning then. None if the user set `early_stopping`.
    """

    loss: Loss
    solver: Adam | SGD | LBFGS
    alpha: float
    batch_size: int
    max_iter: int
    tol: float
    n_iter_no_change: float
    learning_rate_init: float = 0.001
    learning_rate: str = "constant"
    power_t: float = 0.5
    shuffle: bool = True
    max_grad_norm: float | None = None
    early_stopping: bool = False
    keep_best: bool = False
    patience_without: float | None = None
    verbose: bool = False

    def __post_init__(self) -> None:
        if self.early_stopping and self.uses_lbfgs:
            raise ValueError(
                "L-BFGS does not support early_stopping=True; use solver='adam' or 'sgd', or "
                "early_stopping=False."
            )

    @property
    def uses_lbfgs(self) -> bool:
        """Whether training is one call of L-BFGS."""
        return isinstance(self.solver, LBFGS)

    @classmethod
    def from_parameters(
        cls, parameters: dict[str, Any], auto: dict[str, Any], **settings: Any
    ) -> TrainingOptions:
        """Take the parameters of an estimator that have the name of a field, and other settings.

        `auto` has the values of parameters that are 'auto'. NumPy scalars become Python numbers,
        which do not overflow or change the dtype.
        """
        given = {field.name: parameters.get(field.name, field.default) for field in fields(cls)}
        if isinstance(given["early_stopping"], str):  # 'auto'
            patience = given["n_iter_no_change"]
            given["patience_without"] = math.inf if patience == "auto" else patience
        given |= {name: value for name, value in auto.items() if given[name] == "auto"}
        given |= settings
        for name, value in given.items():
            if isinstance(value, Real) and not isinstance(value, bool):
                given[name] = int(value) if isinstance(value, Integral) else float(value)
        return cls(**given)


def auto_settings(
    parameters: Mapping[str, Any],
    samples: Any,
    solver: Adam | SGD | LBFGS,
    batch_size: int,
    validates: bool,
) -> dict[str, Any]:
    """Choose the values of the parameters of recurrent estimators that are 'auto'.

    The number of epochs depends on that of the batches, so that few sequences are trained enough.
    Training stops early if the amount of training is not given and many steps have labels, which a
    network memorizes.

    Parameters
    ----------
    parameters : mapping
        The parameters of the estimator.

    samples : Ragged
        The training samples.

    solver : Adam, SGD or LBFGS
        The solver.

    batch_size : int
        The size of the batches if it is not given.

    validates : bool
        Whether there are validation samples, so that none are held out.

    Returns
    -------
    values : dict
        A value for each name.
    """
    given = batch_size if parameters["batch_size"] == "auto" else parameters["batch_size"]
    max_iter, n_iter_no_change = 200, 10.0
    follows_schedule = parameters["learning_rate"] == "cosine" and not isinstance(solver, LBFGS)
    early_stopping = parameters["early_stopping"]
    if isinstance(early_stopping, str):  # 'auto'
        is_free = follows_schedule and parameters["max_iter"] == "auto"
        early_stopping = is_free and has_many_steps(samples)
        if early_stopping and not validates:
            early_stopping = can_hold_out(samples, parameters["validation_fraction"])
    if follows_schedule:
        n_batches = count_batches(samples.n_samples, given)
        n_updates, least_epochs = (700, 30) if samples.per_step else (450, 20)
        max_iter = int(np.clip(round(n_updates / n_batches), least_epochs, 200))
        if not early_stopping:
            n_iter_no_change = np.inf  # the schedule ends training
    return {
        "batch_size": given,
        "max_iter": max_iter,
        "n_iter_no_change": n_iter_no_change,
        "early_stopping": early_stopping,
    }


def count_batches(n_samples: int, batch_size: int) -> int:
    """Count the batches of an epoch, of which the last may be smaller."""
    return math.ceil(n_samples / batch_size)
