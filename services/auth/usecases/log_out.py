"""Log out: end the session of a refresh token."""

from dataclasses import dataclass, field
from datetime import timedelta

from chassis.clock import Clock
from chassis.errors import Invalid, NotFound
from chassis.events.publishing.races import retrying
from services.auth.domain.refresh_token import RefreshToken
from services.auth.domain.session import RevocationReason, Standing
from services.auth.store.sessions import SessionStore


@dataclass(frozen=True, slots=True)
class LogOut:
    """Any token that the session ever had ends it; one that it never had changes nothing, and is no error."""

    sessions: SessionStore
    key: bytes = field(repr=False)
    clock: Clock

    async def __call__(self, presented: str) -> None:
        """End the session. Raises Invalid when there is no token."""
        if not presented:
            raise Invalid.field("refresh_token", "is required")
        if (token := RefreshToken.parse(presented)) is not None:
            await retrying(lambda: self._end(token), token.session_id)

    async def _end(self, token: RefreshToken) -> None:
        try:
            session = await self.sessions.to_change(token.session_id)
        except NotFound:
            return
        if session.standing(token, self.key, self.clock.now(), timedelta()) is not Standing.FOREIGN:
            session.revoke(RevocationReason.LOGOUT)
            await self.sessions.remove(session)
