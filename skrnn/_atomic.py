"""All of ``fit``, or nothing."""

from __future__ import annotations

from contextlib import contextmanager


@contextmanager
def unchanged_on_error(estimator):
    """Give an estimator its attributes back if something goes wrong."""
    before = dict(vars(estimator))
    try:
        yield
    except BaseException:
        vars(estimator).clear()
        vars(estimator).update(before)
        raise
