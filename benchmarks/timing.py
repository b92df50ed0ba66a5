"""Alternating timings of several libraries, so that other load affects all of them equally."""

import gc
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from math import ceil
from time import perf_counter

import numpy as np
from report import NOT_INSTALLED, Figure

Samples = Mapping[str, np.ndarray]

LEAST_SECONDS = 0.01  # shorter calls are repeated until a sample takes this long
WARM_UP_BELOW = 0.25  # calls shorter than this are preceded by a warm-up
WARM_UP_SECONDS = 0.12  # duration of the warm-up; idle OpenBLAS threads occupy a core for 0.1 s


def alternately(calls: Mapping[str, Callable[[], object]], rounds: int) -> Samples:
    """Time each call once in every round; returns the seconds per call of each round.

    If a call is also a context manager, it is entered before each sample, and this is not timed.
    The order is reversed after every round. Each call is run before the first round, so that
    compilation and initial allocations are not timed.
    """
    plans = {name: plan(call) for name, call in calls.items()}
    samples: dict[str, list[float]] = {name: [] for name in calls}
    for index in range(rounds):
        for name in list(calls)[:: -1 if index % 2 else 1]:
            samples[name].append(one_sample(calls[name], *plans[name]))
    return {name: np.array(seconds) for name, seconds in samples.items()}


def plan(call: Callable[[], object]) -> tuple[int, bool]:
    """Return the number of calls in a sample, and whether a warm-up is needed.

    After other libraries have run, a short call needs a warm-up of the caches and cores.
    """
    seconds = one_sample(call, 1, warm_up=True)
    return ceil(LEAST_SECONDS / seconds), seconds < WARM_UP_BELOW


def one_sample(call: Callable[[], object], number: int, warm_up: bool) -> float:
    """Return the mean seconds of some calls."""
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
    """Return the median of the samples, with their quartiles."""
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
    """Return the ratio of two medians, with the quartiles of the ratios of the rounds."""
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
