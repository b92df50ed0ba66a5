"""Getting more out of the machine: two threads of work, and memory that stays at hand."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from contextvars import copy_context
from functools import cache, partial
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
        self._controller = ThreadpoolController().select(user_api="blas")
        self._lock, self._users, self._limit = Lock(), 0, ExitStack()
        self._n_threads = 1

    def __enter__(self) -> int:
        """Set the limit; returns the number of threads that the BLAS had before."""
        with self._lock:
            if not self._users:
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


# Finding the libraries takes 10 ms, and only who trains or reads much needs to know them.
_blas = cache(_BLAS)


@contextmanager
def side_by_side() -> Iterator[Callable]:
    """Give a `map` whose calls share two threads, or one where the BLAS may use no more.

    So whoever has limited the BLAS, as joblib does in its worker processes, has limited this.
    The single thread of the BLAS gains too: of products as small as those of one step, it
    loses more by the hand-over to another thread than the other thread does for it.
    """
    with _blas() as n_threads:
        if n_threads < 2:
            yield map
        else:
            with ThreadPoolExecutor(max_workers=2) as pool:
                yield partial(_map_in_context, pool)


def _map_in_context(pool, function, *iterables):
    """Map in a copy of this thread's context, where NumPy keeps what ``np.errstate`` has set."""
    contexts = iter(copy_context, None)  # one for each call, as none can be in two threads
    return pool.map(lambda context, *given: context.run(function, *given), contexts, *iterables)


@cache
def keep_freed_memory() -> None:
    """Let the C library keep freed memory for the next batch, once in a process.

    As glibc begins, it hands arrays beyond some size back to the system when they are freed,
    and each batch pays for fresh pages: half the time of a step of 64 sequences and 64 units.
    A freed block of nearly 32 MiB raises that limit (M_MMAP_THRESHOLD in mallopt(3)), so that
    up to 64 MiB of free memory stay. Other C libraries lose nothing by it.
    """
    np.empty(2**25 - 2**16, np.uint8)
