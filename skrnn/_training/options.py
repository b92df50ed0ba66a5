"""The settings of a fit."""

from __future__ import annotations

from dataclasses import dataclass, fields
from numbers import Integral, Real
from typing import Any

from skrnn._numeric.losses import Loss
from skrnn.solvers import LBFGS, SGD, Adam

# The largest batch that batch_size='auto' chooses. So many sequences are one batch, and a weight of
# 2 must equal a sequence twice. Methods that are random, or that choose among few samples, would
# not respect this, so 'auto' uses them with more sequences only.
LARGEST_BATCH = 32


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

    early_stopping_is_default : bool, default=False
        Whether nobody asked for `early_stopping`, so that nothing is said if it has no effect.
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
    early_stopping_is_default: bool = False
    verbose: bool = False

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
        given |= {name: value for name, value in auto.items() if given[name] == "auto"}
        given |= settings
        for name, value in given.items():
            if isinstance(value, Real) and not isinstance(value, bool):
                given[name] = int(value) if isinstance(value, Integral) else float(value)
        return cls(**given)
