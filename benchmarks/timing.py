"""Timings of several libraries taken in turn, so that what else the machine does hits all alike."""

import gc
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from math import ceil
from time import perf_counter

import numpy as np
from report import NOT_INSTALLED, Figure

Samples = Mapping[str, np.ndarray]

LEAST_SECONDS = 0.01  # shorter calls are repeated until a sample takes this long
WARM_UP_BELOW = 0.25  # before samples of shorter calls, some calls are not timed
WARM_UP_SECONDS = 0.12  # for so long; idle threads of OpenBLAS occupy a core for 0.1


def alternately(calls: Mapping[str, Callable[[], object]], rounds: int) -> Samples:
    """Time each call once in every round; returns the seconds of a call, round by round.

    A call that is a context manager too is entered before each sample, off the clock.
    The order is turned round after every round. Some calls go before the first round: what is
    compiled or allocated only once is not counted.
    """
    plans = {name: _plan(call) for name, call in calls.items()}
    samples: dict[str, list[float]] = {name: [] for name in calls}
    for index in range(rounds):
        for name in list(calls)[:: -1 if index % 2 else 1]:
            samples[name].append(_seconds(calls[name], *plans[name]))
    return {name: np.array(seconds) for name, seconds in samples.items()}


def _plan(call):
    """Choose the number of calls in a sample, and whether some that are not timed go first.

    They give a short call back the caches and cores that the others have used.
    """
    seconds = _seconds(call, 1, warm_up=True)
    return ceil(LEAST_SECONDS / seconds), seconds < WARM_UP_BELOW


def _seconds(call, number, warm_up):
    collecting = gc.isenabled()
    gc.disable()
    try:
        with call if hasattr(call, "__enter__") else nullcontext():
            if warm_up:
                until = perf_counter() + WARM_UP_SECONDS
                while perf_counter() < until:
                    call()
            start = perf_counter()
            for _ in range(number):
                call()
            return (perf_counter() - start) / number
    finally:
        if collecting:
            gc.enable()


def time_of(samples: Samples, name: str, at_most: float | None = None) -> Figure | str:
    """Median of the samples, and how far the middle half of them spreads."""
    if name not in samples:
        return NOT_INSTALLED
    return Figure(
        float(np.median(samples[name])),
        "s",
        quartiles=_quartiles(samples[name]),
        target=at_most,
        at_least=False,
    )


def ratio_of(
    samples: Samples,
    name: str,
    over: str = "skrnn",
    *,
    at_least: float | None = None,
    at_most: float | None = None,
) -> Figure | str:
    """Ratio of two medians, and the spread of the ratios of the rounds."""
    if name not in samples or over not in samples:
        return NOT_INSTALLED
    return Figure(
        float(np.median(samples[name]) / np.median(samples[over])),
        "times",
        quartiles=_quartiles(samples[name] / samples[over]),
        target=at_most if at_least is None else at_least,
        at_least=at_least is not None,
    )


def _quartiles(values):
    low, high = np.percentile(values, [25, 75])
    return float(low), float(high)
