"""How long the caller still waits. Set by the edge, cut along the way, read by every call made for the caller."""

import time
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


class within:  # noqa: N801 - a context manager, used as a function
    """Run the block under a deadline of at most `seconds` from now; an outer, earlier one stays in force.

    A class, where a generator would do: every call and every event goes through here.
    """

    __slots__ = ("_seconds", "_token")

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds

    def __enter__(self) -> None:
        at, outer = time.monotonic() + self._seconds, _at.get()
        self._token = _at.set(at if outer is None else min(at, outer))

    def __exit__(self, *_: object) -> None:
        _at.reset(self._token)
