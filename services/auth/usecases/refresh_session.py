"""Refresh a session: rotate its refresh token, issue the next access token."""

from dataclasses import dataclass, field
from datetime import timedelta

from chassis.clock import Clock
from chassis.errors import Invalid, NotFound, Unauthenticated
from chassis.events.publishing.races import retrying
from services.auth.crypto.access_tokens import AccessTokens
from services.auth.domain.refresh_token import RefreshToken
from services.auth.domain.session import RevocationReason, Session, Standing
from services.auth.store.accounts import AccountStore
from services.auth.store.sessions import SessionStore
from services.auth.usecases.start_session import Tokens

REFUSED = "the refresh token is not valid"


@dataclass(frozen=True, slots=True)
class RefreshSession:
    """A token presented again within `grace` gets the session's current one; later, it ends the session."""

    sessions: SessionStore
    accounts: AccountStore
    tokens: AccessTokens
    key: bytes = field(repr=False)
    grace: timedelta
    clock: Clock

    async def __call__(self, presented: str) -> Tokens:
        """The next tokens. Raises Invalid when there is no token, Unauthenticated, always alike, when it is no good."""
        if not presented:
            raise Invalid.field("refresh_token", "is required")
        if (token := RefreshToken.parse(presented)) is None:
            raise Unauthenticated(REFUSED)
        session = await retrying(lambda: self._rotate(token), token.session_id)
        try:
            account = await self.accounts.to_read(session.account_id)
        except NotFound:
            raise Unauthenticated(REFUSED) from None
        access = self.tokens.of_person(account.id, session.id, account.roles, self.clock.now())
        return Tokens(access.text, session.current(token, self.key).text, access.expires_in)

    async def _rotate(self, token: RefreshToken) -> Session:
        try:
            session = await self.sessions.to_change(token.session_id)
        except NotFound:
            raise Unauthenticated(REFUSED) from None
        now = self.clock.now()
        standing = session.standing(token, self.key, now, self.grace)
        if standing is Standing.USED:
            session.revoke(RevocationReason.TOKEN_REUSE)
            await self.sessions.remove(session)
        if standing in (Standing.USED, Standing.FOREIGN):
            raise Unauthenticated(REFUSED)
        if standing is Standing.CURRENT:
            session.rotate(token.successor(self.key), now, self.grace)
            await self.sessions.save(session)
        return session
