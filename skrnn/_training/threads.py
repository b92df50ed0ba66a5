"""Threads for computations, and freed memory that stays in the process."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager, nullcontext
from contextvars import copy_context
from functools import cache, partial
from itertools import starmap
from threading import RLock
from typing import TYPE_CHECKING, Any

import numpy as np
from threadpoolctl import ThreadpoolController  # a dependency of scikit-learn

if TYPE_CHECKING:
    from skrnn._numeric.types import MapLike


@cache
def _blas_libraries() -> list[Any]:
    libraries: list[Any] = (
        ThreadpoolController().select(user_api="blas").lib_controllers
    )  # takes 10 ms
    return libraries


def _set_blas_threads(library: Any, n_threads: int) -> None:
    """Set the number of threads of a BLAS library.

    Newer versions of threadpoolctl let a single thread change OpenBLAS, and ignore all others
    until that thread ends. The thread that removes the limit need not be the one that set it.
    """
    allow_any_thread = getattr(library, "clear_controlling_thread", lambda force: None)
    allow_any_thread(force=True)
    library.set_num_threads(n_threads)
    allow_any_thread(force=True)


class _BLASLimit:
    """Limit of one BLAS thread, while at least one `thread_map` is in use.

    The limit holds for the whole process. The first user sets it and the last one removes it. If
    each user restored the number that it had found, the limit would remain after fits that overlap
    in time.

    KeyboardInterrupt may be raised after any call. So `add` registers a user before it sets the
    limit, `remove` restores the numbers before it forgets the user, and `remove` can be repeated.
    """

    def __init__(self) -> None:
        self._lock = RLock()
        self._users: set[object] = set()
        self._former: list[tuple[Any, int]] = []  # libraries and their numbers of threads

    def add(self, user: object) -> int:
        """Set the limit; returns the number of threads that the BLAS had before."""
        try:
            self._lock.acquire()
            if not self._users:
                self._former = [(lib, lib.get_num_threads() or 1) for lib in _blas_libraries()]
            n_former = max((n_threads for _, n_threads in self._former), default=1)
            self._users.add(user)
            for library, former in self._former:
                if former > 1:
                    _set_blas_threads(library, 1)
            return n_former
        finally:
            try:  # noqa: SIM105 - a call of suppress could be interrupted before the release
                self._lock.release()
            except RuntimeError:  # interrupted before the lock was acquired
                pass

    def remove(self, user: object) -> None:
        """Remove the limit if there is no other user."""
        try:
            self._lock.acquire()
            if self._users == {user}:
                for library, n_threads in self._former:
                    if n_threads > 1:
                        _set_blas_threads(library, n_threads)
            self._users.discard(user)
        finally:
            try:  # noqa: SIM105
                self._lock.release()
            except RuntimeError:
                pass

    def after_fork(self) -> None:
        """Remove the limit in a forked process, which has none of the other threads."""
        self._lock = RLock()
        for user in tuple(self._users):
            self.remove(user)


_blas_limit = _BLASLimit()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_blas_limit.after_fork)


@contextmanager
def thread_map(n_threads: int = 2) -> Iterator[MapLike]:
    """Context manager that returns a `map` whose calls run in several threads.

    There are `n_threads`, or as many as the BLAS may use outside, if these are fewer. The calls run
    in the current thread if the BLAS is limited to one thread outside, as joblib does in its worker
    processes, or if threadpoolctl does not support the BLAS. Inside, the BLAS uses one thread: it
    then adds up numbers in a fixed order, so that results do not depend on the number of threads
    by a single bit.

    An exception, such as KeyboardInterrupt, cancels the calls that have not begun. If it arrives
    before ``__enter__`` has returned or ``__exit__`` has begun, Python closes the generator.
    """
    user = object()
    try:
        n_threads = min(n_threads, _blas_limit.add(user))
        if n_threads < 2:
            yield map
            return
        pool = ThreadPoolExecutor(max_workers=n_threads)
        try:
            yield partial(_map_in_pool, pool)
        finally:
            pool.shutdown(cancel_futures=True)
    finally:
        try:
            _blas_limit.remove(user)
        finally:
            _blas_limit.remove(user)  # again, in case the first call was interrupted


def map_for(
    n_parts: int, n_rows: int, n_inputs: int, n_weights: int
) -> AbstractContextManager[MapLike]:
    """Return `thread_map` for parts of a prediction, or `map` for a small one.

    For small products OpenBLAS uses one thread, whatever its settings, so no limit is needed. To
    set and to remove it takes a tenth of the time of a prediction for a short sequence. OpenBLAS
    regards a product with a vector as small if it has fewer than 9216 multiplications, and others
    up to 2^18. Here is a margin. `n_inputs` and `n_weights` are the largest numbers of inputs and
    of weights of a layer.
    """
    if max(n_rows * n_inputs, n_weights) < 2**13 and n_rows * n_weights < 2**17:
        return nullcontext(map)
    return thread_map(min(2, n_parts))


def _map_in_pool(
    pool: ThreadPoolExecutor, function: Callable[..., Any], *iterables: Iterable[Any]
) -> Iterator[Any]:
    calls = list(zip(*iterables, strict=False))
    if len(calls) < 2:  # another thread would only cause delay
        return starmap(function, calls)
    results = [_submit(pool, function, *arguments) for arguments in calls]
    results.reverse()
    return (results.pop()() for _ in calls)  # a result that was returned is kept no longer


def _submit(
    pool: ThreadPoolExecutor, function: Callable[..., Any], *arguments: Any
) -> Callable[[], Any]:
    """Submit a call; returns a function that waits for its result.

    The call runs in a copy of the current context, which holds the settings of ``np.errstate``.
    A pool accepts no calls after the main thread has ended, although other threads may still
    fit: then the call runs in the current thread.
    """
    try:
        return pool.submit(copy_context().run, function, *arguments).result
    except RuntimeError:
        return partial(function, *arguments)


@cache
def keep_freed_memory() -> None:
    """Let the C library keep freed memory for the next batch, once in a process.

    By default, glibc returns large arrays to the system when they are freed, and each batch pays
    for fresh pages: half the time of a step of 64 sequences and 64 units. Freeing a block of
    nearly 32 MiB raises the threshold (M_MMAP_THRESHOLD in mallopt(3)), so that up to 64 MiB of
    free memory stay in the process. With other C libraries this has no effect.
    """
    np.empty(2**25 - 2**16, np.uint8)
