"""List the sessions that ended before their time while an access token of theirs may still be valid."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from chassis.clock import Clock
from services.auth.domain.revoked_session import AFTERWARDS, Place, RevokedPage
from services.auth.store.sessions import SessionStore


@dataclass(frozen=True, slots=True)
class ListRevokedSessions:
    """Every end that is durable when the first page is asked for is on one of the pages."""

    sessions: SessionStore
    token_lifetime: timedelta
    clock: Clock

    async def __call__(self, size: int, after: Place | None, since: datetime | None) -> RevokedPage:
        """A page of them in the order of their ends: after that place, and none that ended before `since`."""
        retention = self.token_lifetime + AFTERWARDS
        oldest = self.clock.now() - retention
        found = await self.sessions.revoked(max(oldest, since or oldest), after, size + 1)
        page = found[:size]
        return RevokedPage(page, page[-1].place if len(found) > size else None, retention)
