"""Access tokens: JWT (RFC 9068) signed with Ed25519 (RFC 8037)."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID, uuid4

import jwt

from chassis.clock import Clock
from chassis.identity import SERVICE_ROLE
from chassis.tokens import ALGORITHM
from services.auth.crypto.key_ring import KeyRing

_SERVICE = "service:auth"


@dataclass(frozen=True, slots=True)
class AccessToken:
    """A signed token and how long it is valid from when it was issued."""

    text: str = field(repr=False)
    expires_in: timedelta


@dataclass(frozen=True, slots=True)
class AccessTokens:
    """Issues tokens of this issuer for this audience, valid for `lifetime`."""

    keys: KeyRing
    issuer: str
    audience: str
    lifetime: timedelta

    def issue(self, subject: str, session: str, roles: Iterable[str], at: datetime) -> AccessToken:
        """A token of the subject, from `at` on."""
        kid, private = self.keys.signing()
        issued = int(at.timestamp())
        claims = {
            "iss": self.issuer,
            "aud": self.audience,
            "sub": subject,
            "sid": session,
            "jti": str(uuid4()),
            "iat": issued,
            "exp": issued + int(self.lifetime.total_seconds()),
            "roles": list(roles),
            "scope": "",
        }
        text = jwt.encode(claims, private, algorithm=ALGORITHM, headers={"kid": kid, "typ": "at+jwt"})
        return AccessToken(text, self.lifetime)

    def of_person(self, account: UUID, session: UUID, roles: Iterable[str], at: datetime) -> AccessToken:
        """A token of a person, in a session."""
        return self.issue(str(account), str(session), roles, at)


class ServiceToken:
    """The token that auth itself calls its neighbours with: used for half of its life, then issued anew."""

    def __init__(self, tokens: AccessTokens, clock: Clock) -> None:
        self._tokens, self._clock = tokens, clock
        self._current: AccessToken | None = None
        self._renew_at: datetime | None = None

    def text(self) -> str:
        """A token that is valid for a while yet."""
        now = self._clock.now()
        if self._current is None or self._renew_at is None or now >= self._renew_at:
            self._current = self._tokens.issue(_SERVICE, _SERVICE, [SERVICE_ROLE], now)
            self._renew_at = now + self._current.expires_in / 2
        return self._current.text
