"""Solvers as objects with parameters.

``solver="adam"`` and ``solver=Adam()`` are equivalent. The object has further parameters, which a
grid search sets by names such as ``solver__beta_1``.
"""

from __future__ import annotations

from numbers import Integral, Real
from typing import TYPE_CHECKING

from sklearn.utils._param_validation import Interval

from skrnn._estimator import Persistent
from skrnn._numeric import optimizers

if TYPE_CHECKING:
    from typing import Any


class Adam(Persistent):
    """Adam [1]_, with decoupled weight decay if it is set.

    Parameters
    ----------
    beta_1 : float, default=0.9
        Decay rate of the running mean of the gradient, in [0, 1).

    beta_2 : float, default=0.999
        Decay rate of the running mean of its square, in [0, 1).

    epsilon : float, default=1e-8
        Added to the square root of that mean, for numerical stability.

    weight_decay : float, default=0.0
        In each step, all weights and biases are multiplied by ``1 - learning_rate * weight_decay``
        (AdamW [2]_). Unlike that of `alpha`, this decay does not pass through the moments of the
        gradient.

    References
    ----------
    .. [1] D. P. Kingma and J. Ba, "Adam: a method for stochastic optimization", ICLR (2015).
    .. [2] I. Loshchilov and F. Hutter, "Decoupled weight decay regularization", ICLR (2019).

    Examples
    --------
    >>> from skrnn import Adam, SequenceRNNClassifier
    >>> SequenceRNNClassifier(solver=Adam(beta_2=0.99)).get_params()["solver__beta_2"]
    0.99
    """

    _parameter_constraints: dict[str, Any] = {
        "beta_1": [Interval(Real, 0, 1, closed="left")],
        "beta_2": [Interval(Real, 0, 1, closed="left")],
        "epsilon": [Interval(Real, 0, None, closed="neither")],
        "weight_decay": [Interval(Real, 0, None, closed="left")],
    }

    def __init__(
        self,
        *,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-8,
        weight_decay: float = 0.0,
    ) -> None:
        self._store(locals())

    def _optimizer(self) -> optimizers.AdamUpdate:
        return optimizers.AdamUpdate(self.beta_1, self.beta_2, self.epsilon, self.weight_decay)


class SGD(Persistent):
    """Stochastic gradient descent.

    Parameters
    ----------
    momentum : float, default=0.9
        Fraction of the previous step that is added to the next one, in [0, 1].

    nesterovs_momentum : bool, default=True
        Whether to use Nesterov's momentum (Nesterov, 1983).

    Examples
    --------
    >>> from skrnn import SGD
    >>> SGD(momentum=0)
    SGD(momentum=0)
    """

    _parameter_constraints: dict[str, Any] = {
        "momentum": [Interval(Real, 0, 1, closed="both")],
        "nesterovs_momentum": ["boolean"],
    }

    def __init__(self, *, momentum: float = 0.9, nesterovs_momentum: bool = True) -> None:
        self._store(locals())

    def _optimizer(self) -> optimizers.SGDUpdate:
        return optimizers.SGDUpdate(self.momentum, self.nesterovs_momentum)


class LBFGS(Persistent):
    """L-BFGS on the whole training set, by ``scipy.optimize.minimize``.

    Parameters
    ----------
    max_fun : int, default=15000
        Maximum number of evaluations of the loss.

    Examples
    --------
    >>> from skrnn import LBFGS
    >>> LBFGS(max_fun=100)
    LBFGS(max_fun=100)
    """

    _parameter_constraints: dict[str, Any] = {
        "max_fun": [Interval(Integral, 1, None, closed="left")]
    }

    def __init__(self, *, max_fun: int = 15000) -> None:
        self._store(locals())


SOLVERS = {"adam": Adam, "sgd": SGD, "lbfgs": LBFGS}
