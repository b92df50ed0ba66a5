"""Memory that fits and predictions take, and that they free."""

import subprocess
import sys
import tracemalloc

import numpy as np
import pytest
from recipes import LAST_STATE

from skrnn import SequenceRNNClassifier, StepRNNRegressor

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
N_FEATURES = 8
STORED = {"rnn": 1, "gru": 5, "lstm": 6}  # numbers for each unit and step: gates and states


def peak_of(call):
    call()  # memory that is allocated once does not count
    tracemalloc.start()
    try:
        call()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def ragged(n, dtype=np.float32, longest=150):
    rng = np.random.default_rng(0)
    lengths = rng.integers(50, longest, n)
    return [rng.standard_normal((length, N_FEATURES)).astype(dtype) for length in lengths]


def size_of(arrays):
    return sum(array.nbytes for array in arrays)


@pytest.mark.parametrize("cell", STORED)
@pytest.mark.parametrize(
    ("n", "batch_size", "units"), [(200, 200, 64), (200, 200, 16), (300, 40, 48)]
)
@pytest.mark.parametrize("network", [LAST_STATE, {}], ids=["one direction", "default"])
def test_a_fit_takes_at_most_three_times_the_memory_of_a_batch(network, cell, n, batch_size, units):
    X, y = ragged(n), np.arange(n) % 3
    clf = SequenceRNNClassifier(units, cell=cell, batch_size=batch_size, max_iter=1, **network)
    steps = sum(sorted(map(len, X))[-batch_size:])
    states, side_by_side = (2 * units, 1) if clf.bidirectional else (units, 0)
    numbers = N_FEATURES + 1 + (STORED[cell] + 1 + side_by_side) * states
    batch = steps * numbers * X[0].itemsize
    assert peak_of(lambda: clf.fit(X, y)) - size_of(X) < 3 * batch


def test_single_precision_takes_half_the_memory():
    y = np.arange(60) % 3
    clf = SequenceRNNClassifier(32, batch_size=30, max_iter=2)
    X32, X64 = ragged(60, np.float32), ragged(60, np.float64)
    single, double = peak_of(lambda: clf.fit(X32, y)), peak_of(lambda: clf.fit(X64, y))
    assert single < 0.55 * double


@pytest.mark.parametrize("cell", STORED)
def test_predictions_are_made_in_pieces(cell):
    X = ragged(2400)
    net = StepRNNRegressor(16, cell=cell, max_iter=1).fit(X[:4], [x[:, 0] for x in X[:4]])

    def peak_without_data(X):
        data = 2 * size_of(X) + 4 * size_of(net.predict(X))  # copies of input and output
        return peak_of(lambda: net.predict(X)) - data

    assert peak_without_data(X) < 1.2 * max(peak_without_data(X[:600]), 2**24)


FITS = """
import os, warnings
import numpy as np
from skrnn import SequenceRNNClassifier, XORMLPClassifier

warnings.simplefilter("ignore")
rng = np.random.default_rng(0)
X = [rng.standard_normal((n, 3)) for n in rng.integers(2, 12, 200)]  # short, so fast
y = np.arange(200) % 3

def resident():
    with open("/proc/self/statm") as statm:
        return int(statm.read().split()[1]) * os.sysconf("SC_PAGESIZE") / 2**20

def fit(seed):
    SequenceRNNClassifier(12, max_iter=2, batch_size=200, random_state=seed).fit(X, y).predict(X)
    XORMLPClassifier(8, random_state=seed, max_iter=5).fit([x[0] for x in X], y)

for seed in range(20):
    fit(seed)
before = resident()
for seed in range(200):
    fit(seed)
print(resident() - before)
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
def test_memory_is_freed_after_200_fits():
    done = subprocess.run([sys.executable, "-c", FITS], capture_output=True, text=True, check=True)
    assert float(done.stdout) < 5  # MiB
