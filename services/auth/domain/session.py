"""A session: what begins with a login and lives by rotating refresh tokens (RFC 9700, 4.14.2)."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import Enum
from uuid import UUID

from chassis.aggregate import Aggregate
from services.auth.domain.refresh_token import RefreshToken

RECOGNISED_GENERATIONS = 5_000
"""How far back a used token is told from a forged one: more than a session has that refreshes as its tokens expire."""


class RevocationReason(Enum):
    """Why a session ended before its time."""

    LOGOUT = "logout"
    TOKEN_REUSE = "token-reuse"  # noqa: S105 - a name, not a secret


class Standing(Enum):
    """What a presented refresh token is to a session."""

    CURRENT = "current"
    """The one to rotate."""
    JUST_USED = "just-used"
    """Rotated within the grace: the twin of a concurrent refresh, or one whose answer was lost."""
    USED = "used"
    """Rotated before: somebody else may hold it."""
    FOREIGN = "foreign"
    """Never one of this session's, or the session is over."""


@dataclass(frozen=True, slots=True)
class SessionRevoked:
    """The session ended before its time."""

    reason: RevocationReason


@dataclass(kw_only=True)
class Session(Aggregate[SessionRevoked]):
    """One login on one device. `token_digest` is the SHA-256 of the current refresh token; earlier ones follow from
    the derivation. A revoked session is removed: nothing brings it back."""

    id: UUID
    account_id: UUID
    token_digest: bytes = field(repr=False)
    generation: int
    created_at: datetime
    rotated_at: datetime
    expires_at: datetime

    @classmethod
    def start(cls, account_id: UUID, token: RefreshToken, at: datetime, lifetime: timedelta) -> "Session":
        """A new session with its first refresh token."""
        return cls(
            id=token.session_id,
            account_id=account_id,
            token_digest=token.digest(),
            generation=1,
            created_at=at,
            rotated_at=at,
            expires_at=at + lifetime,
        )

    def standing(self, token: RefreshToken, key: bytes, at: datetime, grace: timedelta) -> Standing:
        """What the token is now. Only who was given a token of this session can present a used one."""
        if at >= self.expires_at:
            return Standing.FOREIGN
        if token.matches(self.token_digest):
            return Standing.CURRENT
        later = token.successor(key)
        if later.matches(self.token_digest):
            return Standing.JUST_USED if at - self.rotated_at <= grace else Standing.USED
        for _ in range(min(self.generation, RECOGNISED_GENERATIONS)):
            later = later.successor(key)
            if later.matches(self.token_digest):
                return Standing.USED
        return Standing.FOREIGN

    def rotate(self, successor: RefreshToken, at: datetime) -> None:
        """Make the successor the current token."""
        self.token_digest, self.rotated_at = successor.digest(), at
        self.generation += 1

    def revoke(self, reason: RevocationReason) -> None:
        """End it before its time."""
        self._record(SessionRevoked(reason))
