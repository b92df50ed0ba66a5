"""Getting more out of the machine: two threads of work, and memory that stays at hand."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from contextvars import copy_context
from functools import cache, partial
from itertools import starmap
from threading import Lock

import numpy as np
from threadpoolctl import ThreadpoolController  # comes with scikit-learn


class _BLAS:
    """The threads of the BLAS, limited to one while anybody computes in threads of ours.

    The limit holds for the whole process. So the first who wants it sets it, and the last one
    takes it back: if each took back what it had found, fits that overlap in time would leave
    the process with the limit.
    """

    def __init__(self):
        self._controller = None
        self.forget()

    def forget(self):
        """Be nobody's: what a process begins with, a forked one too."""
        self._lock, self._users, self._limit, self._n_threads = Lock(), 0, ExitStack(), 1

    def __enter__(self) -> int:
        """Set the limit; returns the number of threads that the BLAS had before."""
        with self._lock:
            if not self._users:
                if self._controller is None:  # to find the libraries takes 10 ms, once
                    self._controller = ThreadpoolController().select(user_api="blas")
                infos = self._controller.info()
                self._n_threads = max((info["num_threads"] for info in infos), default=1)
                self._limit.enter_context(self._controller.limit(limits=1))
            self._users += 1
            return self._n_threads

    def __exit__(self, *exception):
        with self._lock:
            self._users -= 1
            if not self._users:
                self._limit.close()

    def after_fork(self):
        """Take the limit back in a process forked while others had set it."""
        limit = self._limit
        self.forget()
        limit.close()


_blas = _BLAS()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_blas.after_fork)


@contextmanager
def side_by_side() -> Iterator[Callable]:
    """Give a `map` whose calls share two threads, or one where the BLAS may use no more.

    So whoever has limited the BLAS before, as joblib does in its worker processes, has limited
    this. With one thread the BLAS adds up in one order, so that the bits of a result do not
    depend on the number that it may use. A BLAS that threadpoolctl does not know counts as one
    of a single thread.
    """
    with _blas as n_threads:
        if n_threads < 2:
            yield map
        else:
            with ThreadPoolExecutor(max_workers=2) as pool:
                yield partial(_map_in, pool)


def _map_in(pool, function, *iterables):
    calls = list(zip(*iterables, strict=False))
    if len(calls) < 2:  # which another thread would only delay
        return starmap(function, calls)
    results = [_begin(pool, function, *given) for given in calls]
    return (result() for result in results)


def _begin(pool, function, *given):
    """Begin a call in another thread; returns a function that waits for the result.

    The other thread works in a copy of this one's context, where NumPy keeps what
    ``np.errstate`` has set. A pool takes no more work once the main thread has ended, though
    other threads of the user may still be fitting: then the result is computed when it is
    wanted.
    """
    try:
        return pool.submit(copy_context().run, function, *given).result
    except RuntimeError:
        return partial(function, *given)


@cache
def keep_freed_memory() -> None:
    """Let the C library keep freed memory for the next batch, once in a process.

    As glibc begins, it hands arrays beyond some size back to the system when they are freed,
    and each batch pays for fresh pages: half the time of a step of 64 sequences and 64 units.
    A freed block of nearly 32 MiB raises that limit (M_MMAP_THRESHOLD in mallopt(3)), so that
    up to 64 MiB of free memory stay. Other C libraries lose nothing by it.
    """
    np.empty(2**25 - 2**16, np.uint8)
