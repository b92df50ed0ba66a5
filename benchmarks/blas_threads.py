"""What a fit or predict costs matrix products in another thread, with and without its BLAS limit.

While a network is fitted or predicts, the BLAS of the process uses one thread. Run it by itself:
``OPENBLAS_NUM_THREADS=2 python benchmarks/blas_threads.py``.
"""

import threading
import warnings
from contextlib import contextmanager, nullcontext
from time import perf_counter, sleep
from unittest.mock import patch

import numpy as np
from threadpoolctl import threadpool_limits

from skrnn import SequenceRNNClassifier
from skrnn._training import threads

ROUNDS, SIZE = 5, 400
warnings.simplefilter("ignore")  # max_iter is reached


def work_of(batch_size: int, n_units: int):
    """Make a fit and a predict of a network."""
    rng = np.random.default_rng(0)
    X, y = list(rng.normal(size=(512, 30, 8)).astype(np.float32)), np.arange(512) % 2
    clf = SequenceRNNClassifier(n_units, batch_size=batch_size, max_iter=2, random_state=0)
    clf.fit(X[:batch_size], y[:batch_size])
    return {"fit": lambda: clf.fit(X, y), "predict": lambda: clf.predict(X * 4)}


@contextmanager
def products(done: list[float]):
    """Multiply matrices in another thread, and collect the seconds of each product."""
    a = np.random.default_rng(0).normal(size=(SIZE, SIZE)).astype(np.float32)
    stop = threading.Event()

    def multiply():
        while not stop.is_set():
            start = perf_counter()
            a @ a
            done.append(perf_counter() - start)

    thread = threading.Thread(target=multiply)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def seconds_of(call, beside: bool) -> tuple[float, list[float]]:
    """Time a call, and the products beside it."""
    done: list[float] = []
    with products(done) if beside else nullcontext():
        start = perf_counter()
        call()
        return perf_counter() - start, done


def main():
    """Print minima of all rounds, which other load disturbs least, in milliseconds."""
    for n_threads in (1, 2):
        alone: list[float] = []
        with threadpool_limits(n_threads, user_api="blas"), products(alone):
            sleep(2)
        print(
            f"a product of {SIZE} x {SIZE} alone, BLAS threads {n_threads}: "
            f"{min(alone) * 1e3:.2f} ms"
        )
    for batch_size, n_units in ((32, 32), (256, 128)):
        for name, call in work_of(batch_size, n_units).items():
            times: dict = {}
            for _ in range(ROUNDS):
                for limit in (True, False):
                    unlimited = patch.object(threads, "_set_blas_threads", lambda *args: None)
                    with nullcontext() if limit else unlimited:
                        own, _ = seconds_of(call, beside=False)
                        both, of_user = seconds_of(call, beside=True)
                    row = times.setdefault("with the limit" if limit else "without", ([], [], []))
                    for values, new in zip(row, ([own], [both], of_user), strict=True):
                        values.extend(new)
            print(f"{name}, batch {batch_size}, {n_units} units:")
            for kind, row in times.items():
                own, both, user = (min(values) * 1e3 for values in row)
                print(
                    f"  {kind}: {own:.0f} ms alone, {both:.0f} ms beside products, "
                    f"a product beside it {user:.2f} ms"
                )


if __name__ == "__main__":
    main()
