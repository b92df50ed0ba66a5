"""Check the state of a run that was read from a file, which anybody may have written.

The digest of a file shows damage only. A changed file with a new digest must raise an error here:
NumPy, for instance, does not check the position in the state of a random number generator.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from skrnn._training.run import Run

if TYPE_CHECKING:
    from skrnn._numeric.optimizers import State

_LARGEST = 2**63 - 1
_COUNTS = ("n_iter", "n_seen", "n_samples", "n_rollbacks", "n_stalled")
_LOSSES = ("useful_loss", "initial_loss", "best_loss", "best_score", "best_validation_loss")
_OUTCOMES = ("running", "converged", "max_fun", "stopped", "interrupted", "diverged")
# Of the integers in states of NumPy's generators, whose other integers have up to 128 bits.
_LIMITS = {"pos": 624, "buffer_pos": 4, "has_gauss": 1, "has_uint32": 1, "uinteger": 2**32 - 1}
_WEIGHTS = ("last_theta", "best_theta", "safe_theta")


def check_state(state: Any, run: Run) -> None:
    """Check that a state is one that ``run.state_dict()`` could return.

    Parameters
    ----------
    state : object
        What was read from a file.

    run : Run
        The run that is to load the state; it has not begun.

    Raises
    ------
    ValueError
        If the state has other parts, types or shapes, or values that training cannot continue
        from.
    """
    names = {"theta", "optimizer", "order", "rng", "split", "monitor"}
    _require(type(state) is dict and state.keys() == names, "parts of the state")
    n_samples = _check_split(state["split"], run)
    theta = run.params.flat
    _require(_is_like(state["theta"], theta), "weights")
    _require(_is_permutation(state["order"], n_samples), "order of the samples")
    check_generator(state["rng"], run.rng)
    _check_optimizer(state["optimizer"], run.options.solver._optimizer().start(theta))
    _check_history(state["monitor"], theta, n_samples, run)
    # Weights that overflowed in the last step of an epoch are those that the history has, too.
    same = np.array_equal(state["theta"], state["monitor"]["last_theta"], equal_nan=True)
    _require(same or np.isfinite(state["theta"]).all(), "weights")


def check_generator(state: Any, like: np.random.RandomState) -> None:
    """Check the state of a random number generator, which NumPy would use without a check.

    Parameters
    ----------
    state : object
        What ``get_state(legacy=False)`` of a generator returned.

    like : RandomState
        The generator that is to have the state.

    Raises
    ------
    ValueError
        If it is no state of such a generator, or one from which no random numbers follow.
    """
    template = like.get_state(legacy=False)
    _require(_matches(state, template), "random state")
    if template["bit_generator"] == "MT19937":
        _require(state["state"]["key"][1:].any(), "random state")


def _matches(state: Any, template: Any, name: str | None = None) -> bool:
    """Whether a part of a state has the form and the limits of that of a generator."""
    if isinstance(template, dict):
        return (
            type(state) is dict
            and state.keys() == template.keys()
            and all(_matches(state[name], part, name) for name, part in template.items())
        )
    if isinstance(template, np.ndarray):
        return _is_like(state, template)
    if isinstance(template, float):
        return _is_number(state) and math.isfinite(state)
    if isinstance(template, str):
        return bool(state == template)
    return _is_count(state, _LIMITS.get(name or "", 2**128 - 1))


def _require(is_right: object, what: str) -> None:
    if not is_right:
        raise ValueError(f"The {what} in the file cannot be those of this fit.")


def _is_count(value: object, largest: int = _LARGEST) -> bool:
    return type(value) is int and 0 <= value <= largest


def _is_number(value: object) -> bool:
    return isinstance(value, float | np.floating)


def _is_like(array: object, template: np.ndarray) -> bool:
    """Whether an array has the type and shape of another one."""
    return (
        isinstance(array, np.ndarray)
        and array.dtype == template.dtype
        and array.shape == template.shape
    )


def _is_permutation(order: Any, n: int) -> bool:
    return _is_like(order, np.empty(n, int)) and bool((np.sort(order) == np.arange(n)).all())


def _check_split(split: Any, run: Run) -> int:
    """Check the indices of training and validation samples; returns the number of the former."""
    n_samples, what = run.samples.n_samples, "training and validation samples"
    if split is None:
        _require(run.held_out is not None or not run.options.early_stopping, what)
        return n_samples
    _require(run.held_out is None and run.options.early_stopping, what)
    _require(type(split) is dict and split.keys() == {"train", "test"}, what)
    parts = split["train"], split["test"]
    _require(all(isinstance(p, np.ndarray) and p.ndim == 1 and len(p) > 1 for p in parts), what)
    _require(_is_permutation(np.concatenate(parts), n_samples), what)
    return len(split["train"])


def _check_optimizer(state: Any, fresh: State) -> None:
    if state is None:
        return
    _require(type(state) is dict and state.keys() == fresh.keys(), "state of the solver")
    for name, value in fresh.items():
        is_array = isinstance(value, np.ndarray)
        right = _is_like(state[name], value) if is_array else _is_count(state[name])
        _require(right, "state of the solver")


def _check_history(found: Any, theta: np.ndarray, n_samples: int, run: Run) -> None:
    """Check what the `Monitor` recorded, and the weights it kept."""
    what, n_iter = "history", found.get("n_iter") if type(found) is dict else None
    names = {
        *(*_COUNTS, *_LOSSES, *_WEIGHTS, "loss_curve", "validation_scores", "validation_losses"),
        *("loss_of_start", "loss_before", "loss_after", "best_validated_theta", "outcome"),
        "rate_divisor",
    }
    _require(n_iter is not None and found.keys() == names, what)
    _require(all(_is_count(found[name]) for name in _COUNTS), what)
    _require(all(_is_number(found[name]) for name in (*_LOSSES, "rate_divisor")), what)
    _require(found["rate_divisor"] >= 1 and math.isfinite(found["rate_divisor"]), what)
    _require(found["outcome"] in _OUTCOMES, what)
    _require(type(found["loss_of_start"]) is bool and found["n_samples"] == n_samples, what)
    for name in ("loss_before", "loss_after"):
        _require(found[name] is None or _is_number(found[name]), what)
    validates = run.held_out is not None or run.options.early_stopping
    for name in ("loss_curve", "validation_scores", "validation_losses"):
        length = n_iter if name == "loss_curve" or validates else 0
        curve = found[name]
        is_curve = type(curve) is list and len(curve) == length
        _require(is_curve and all(_is_number(value) for value in curve), what)
    _require(all(_is_like(found[name], theta) for name in _WEIGHTS), "weights")
    _require(np.isfinite(found["safe_theta"]).all(), "weights")
    # The last step of an epoch may have overflowed, which the next epoch would have noticed.
    is_best = n_iter and found["loss_curve"][-1] == found["best_loss"]
    last, best = found["last_theta"], found["best_theta"]
    unnoticed = is_best and np.array_equal(best, last, equal_nan=True)
    _require(unnoticed or np.isfinite(best).all(), "weights")
    validated = found["best_validated_theta"]
    is_right = _is_like(validated, theta) and np.isfinite(validated).all()
    _require(validated is None or is_right, "weights")
