"""The timed lock after too many wrong passwords: it slows guessing, and says nothing about whom it locks."""

from dataclasses import dataclass
from datetime import datetime, timedelta


@dataclass(frozen=True, slots=True)
class Lockout:
    """`failures` wrong passwords within `duration` lock the address for `duration`."""

    failures: int
    duration: timedelta


@dataclass(frozen=True, slots=True)
class FailedLogins:
    """What is remembered of the wrong passwords given for an address, registered or not."""

    count: int = 0
    locked_until: datetime | None = None

    def locked(self, at: datetime) -> bool:
        """Whether even the right password is refused now."""
        return self.locked_until is not None and at < self.locked_until
