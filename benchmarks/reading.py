"""Benchmark of what happens to sequences before a network: reading, scaling and packing."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from growth import peak_memory, seconds_of
from report import Figure, Table
from sklearn.preprocessing import StandardScaler

from skrnn import PerStep, as_sequences
from skrnn._numeric.packing import Packing, take_rows

FEATURES = 2
SIZES = ((1_000_000, 3), (10_000, 300))  # sequences, steps
QUICK_SIZES = ((1_000, 3), (10, 300))
DTYPES = (np.float32, np.float64, np.int64)


class Work(NamedTuple):
    """Something to measure: its name, and the call."""

    name: str
    call: Callable[[], object]


def run(quick: bool = False) -> list[Table]:
    """Run all benchmarks of this module."""
    table = Table(
        f"Reading, scaling and packing of sequences with {FEATURES} features",
        ["sequences, steps", "what", "type", "time", "time / sequence", "memory / values"],
        note="Lists of arrays, lists of lists of lists, and Sequences, which hold one array of "
        "all steps. Scaling is PerStep(StandardScaler()).transform. Packing finds the order of the "
        "rows and takes them. The time is the minimum of three. Memory is the peak of what is "
        "allocated, divided by the size of the values: with 1, there is one copy.",
    )
    for n_sequences, n_steps in QUICK_SIZES if quick else SIZES:
        for dtype in DTYPES:
            for name, call in works(n_sequences, n_steps, dtype):
                seconds = min(seconds_of(call) for _ in range(1 if quick else 3))
                memory = peak_memory(call) / (n_sequences * n_steps * FEATURES * dtype().itemsize)
                table.add(
                    f"{n_sequences:,}, {n_steps}",
                    name,
                    dtype.__name__,
                    Figure(seconds, "s"),
                    Figure(seconds / n_sequences, "s"),
                    Figure(memory, "times"),
                )
    return [table]


def works(n_sequences: int, n_steps: int, dtype: type) -> list[Work]:
    """Make the calls for sequences of equal length and one type of values."""
    rng = np.random.default_rng(0)
    values = (100 * rng.standard_normal((n_sequences * n_steps, FEATURES))).astype(dtype)
    sequences = as_sequences(list(values.reshape(n_sequences, n_steps, FEATURES)))
    arrays = list(sequences)
    lists = [array.tolist() for array in arrays] if dtype is not np.float32 else []
    scaler = PerStep(StandardScaler()).fit(sequences)

    def pack() -> object:
        return take_rows(sequences.values, Packing(sequences.lengths).to_packed)

    found = [
        Work("read arrays", lambda: as_sequences(arrays)),
        Work("scale Sequences", lambda: scaler.transform(sequences)),
        Work("pack", pack),
    ]
    if lists:  # numbers of Python have no type of 32 bits
        found.insert(1, Work("read lists", lambda: as_sequences(lists)))
    return found
