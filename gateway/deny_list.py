"""The sessions that ended before their time, for as long as an access token of theirs would be taken for valid."""

import heapq
import time
from collections.abc import Callable
from datetime import timedelta

from chassis.clock import Clock
from chassis.errors import Unauthenticated, Unavailable
from chassis.telemetry import metrics

BEHIND = "which sessions ended is not known"


class DenyList:
    """Knows every session that ended within the retention that auth gives, and until when it knows them all.

    It holds `limit` sessions at most: above, those go first whose tokens expire first, counted by a metric. It is
    `behind` while it was not known to be whole within `patience` seconds.
    """

    def __init__(
        self, clock: Clock, limit: int, patience: float, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._clock, self._limit, self._patience, self._monotonic = clock, limit, patience, monotonic
        self._sessions: set[str] = set()
        # (when it ended, the session), a heap: what is heard and what is asked for come in no common order.
        self._ends: list[tuple[float, str]] = []
        self._retention = float("inf")
        self._whole_at = float("-inf")

    def __len__(self) -> int:
        return len(self._sessions)

    def check(self, session: str) -> None:
        """Raise Unauthenticated for a session that ended, Unavailable while that may be so and is not known."""
        if session in self._sessions:
            raise Unauthenticated("the session has ended")
        if self.behind:
            raise Unavailable(BEHIND)

    @property
    def age(self) -> float:
        """Seconds since it was last known to be whole; infinite before it ever was."""
        return self._monotonic() - self._whole_at

    @property
    def behind(self) -> bool:
        """Whether sessions may have ended that nobody here knows of."""
        return self.age > self._patience

    def add(self, session: str, ended_at: float) -> None:
        """A session ended at that time (seconds since 1970). Telling it again changes nothing."""
        if session in self._sessions or ended_at + self._retention <= self._now():
            return
        self._sessions.add(session)
        heapq.heappush(self._ends, (ended_at, session))
        if len(self._ends) > self._limit:
            self._drop()
            metrics.deny_list_dropped.inc()

    def keep_for(self, retention: timedelta) -> None:
        """How long after a session's end no access token of it is valid any more; until told, everything is kept."""
        self._retention = retention.total_seconds()

    def confirm(self, at: float) -> None:
        """Everything that had ended at that time (`time.monotonic`) is in the list."""
        self._whole_at = max(self._whole_at, at)

    def forget(self) -> None:
        """Drop the sessions of which no access token is valid any more."""
        while self._ends and self._ends[0][0] + self._retention <= self._now():
            self._drop()

    def _drop(self) -> None:
        _, session = heapq.heappop(self._ends)
        self._sessions.remove(session)

    def _now(self) -> float:
        return self._clock.now().timestamp()
