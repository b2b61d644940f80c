"""Time and ids come in from outside the domain."""

from datetime import UTC, datetime
from typing import Protocol
from uuid import UUID, uuid4

import uuid_utils.compat


class Clock(Protocol):
    """Tells the time, always in UTC."""

    def now(self) -> datetime: ...


class SystemClock:
    """The machine's clock, cut to milliseconds: what MongoDB keeps is what the domain saw."""

    def now(self) -> datetime:
        at = datetime.now(UTC)
        return at.replace(microsecond=at.microsecond // 1000 * 1000)


def random_id() -> UUID:
    """A UUIDv4 (RFC 9562): spreads evenly, so that ranges of owners shard evenly."""
    return uuid4()


def ordered_id() -> UUID:
    """A UUIDv7 (RFC 9562): later ids sort later, so that an index grows at one end."""
    return uuid_utils.compat.uuid7()
