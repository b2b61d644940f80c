"""A neighbour that does not answer must not hold up whoever calls it: how much it may hold, and when it is left alone.

The two patterns are the bulkhead and the circuit breaker (Nygard, Release It!).
"""

import time
from collections.abc import Callable
from enum import Enum, auto

import structlog

from chassis.errors import Unavailable
from chassis.telemetry import metrics

log = structlog.get_logger(__name__)

PAUSE_SECONDS = 1.0
"""How long a neighbour is left alone before it is tried with one call."""


class Verdict(Enum):
    """What the end of a call says about the neighbour."""

    ANSWERED = auto()
    """It is there: whatever it said, it said it."""
    SILENT = auto()
    """It did not answer in all the time that it usually has, or nobody was there."""
    NONE = auto()
    """Nothing: the caller left, or gave it less time than usual."""


class Guard:
    """Stands before every call to a neighbour, and refuses with Unavailable, at once,

    - what is above `limit` calls in flight;
    - everything after `failures` silent ends in a row, until PAUSE_SECONDS are over and the neighbour's health says
      SERVING, as far as somebody asks for it and tells (`heard`). Then one call at a time is let through. The first
      answer, also one to a call from before, lets all through again.

    A call that began in an earlier state and ends silently says nothing about this one.
    """

    def __init__(self, name: str, limit: int, failures: int, now: Callable[[], float] = time.monotonic) -> None:
        self._name, self._limit, self._failures, self._now = name, limit, failures, now
        self._silent = 0
        self._open_until: float | None = None
        self._probing = False
        self._serving = True
        self._era = 0
        self.count = 0
        self._refused = {reason: metrics.upstream_refused.labels(name, reason) for reason in ("full", "open")}
        metrics.upstream_in_flight.labels(name).set_function(lambda: self.count)
        metrics.upstream_open.labels(name).set_function(lambda: int(self.open))

    @property
    def open(self) -> bool:
        """Whether calls are refused because the neighbour was silent, as an open circuit lets nothing through."""
        return self._open_until is not None

    def heard(self, serving: bool) -> None:
        """The neighbour's health was asked for: whether it says SERVING."""
        self._serving = serving

    def enter(self) -> int:
        """Take a place for a call; give back what this returns with `leave`. Raises Unavailable."""
        if self.count >= self._limit:
            raise self._refusal("full", f"{self._name} has {self._limit} calls in hand already")
        if self._open_until is not None:
            if self._probing or not self._serving or self._now() < self._open_until:
                raise self._refusal("open", f"{self._name} did not answer, and is left alone for a while")
            self._probing, self._era = True, self._era + 1
        self.count += 1
        return self._era

    def leave(self, era: int, verdict: Verdict) -> None:
        """The call that entered in this era has ended."""
        self.count -= 1
        if verdict is Verdict.ANSWERED:
            self._answered()
        elif era == self._era:
            if self._open_until is not None:
                self._probing = False
            if verdict is Verdict.SILENT:
                self._fell_silent()

    def _answered(self) -> None:
        self._silent = 0
        if self._open_until is not None:
            self._open_until, self._probing, self._era = None, False, self._era + 1
            log.info("circuit_closed", neighbour=self._name)

    def _fell_silent(self) -> None:
        self._silent += 1
        if self._silent < self._failures:
            return
        if self._open_until is None:
            self._era += 1
            log.warning("circuit_opened", neighbour=self._name, failures=self._silent)
        self._open_until = self._now() + PAUSE_SECONDS

    def _refusal(self, reason: str, message: str) -> Unavailable:
        self._refused[reason].inc()
        return Unavailable(message, PAUSE_SECONDS)
