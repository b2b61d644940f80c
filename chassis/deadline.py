"""How long the caller still waits. Set by the edge, cut along the way, read by every call made for the caller."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from chassis.errors import DeadlineExceeded

_at: ContextVar[float | None] = ContextVar("deadline", default=None)


def remaining(limit: float) -> float:
    """Seconds left for a call that may take `limit` by itself. Raises DeadlineExceeded when none are left."""
    at = _at.get()
    if at is None:
        return limit
    left = at - time.monotonic()
    if left <= 0:
        raise DeadlineExceeded("the deadline of the call is over")
    return min(left, limit)


@contextmanager
def within(seconds: float) -> Iterator[None]:
    """Run the block under a deadline of at most `seconds` from now; an outer, earlier one stays in force."""
    at, outer = time.monotonic() + seconds, _at.get()
    token = _at.set(at if outer is None else min(at, outer))
    try:
        yield
    finally:
        _at.reset(token)
