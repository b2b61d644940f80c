"""Start a session: what registration and login end with."""

import secrets
from dataclasses import dataclass, field
from datetime import timedelta

from chassis.clock import Clock, ordered_id
from services.auth.crypto.access_tokens import AccessTokens
from services.auth.domain.account import Account
from services.auth.domain.refresh_token import SECRET_BYTES, RefreshToken
from services.auth.domain.session import Session
from services.auth.store.sessions import SessionStore


@dataclass(frozen=True, slots=True)
class Tokens:
    """What a client holds: the access token, the refresh token, and how long the former is valid."""

    access: str = field(repr=False)
    refresh: str = field(repr=False)
    expires_in: timedelta


@dataclass(frozen=True, slots=True)
class StartSession:
    """Starts sessions that last `lifetime` at most."""

    sessions: SessionStore
    tokens: AccessTokens
    lifetime: timedelta
    clock: Clock

    async def __call__(self, account: Account) -> Tokens:
        """A new session of the account, with its first tokens."""
        now = self.clock.now()
        refresh = RefreshToken(ordered_id(), secrets.token_bytes(SECRET_BYTES))
        session = Session.start(account.id, refresh, now, self.lifetime)
        await self.sessions.insert(session)
        access = self.tokens.of_person(account.id, session.id, account.roles, now)
        return Tokens(access.text, refresh.text, access.expires_in)
