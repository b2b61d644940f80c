"""A session: what begins with a login and lives by rotating refresh tokens (RFC 9700, 4.14.2)."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import Enum
from uuid import UUID

from chassis.aggregate import Aggregate
from services.auth.domain.refresh_token import RefreshToken

RECOGNISED_GENERATIONS = 5_000
"""How far back a used token is told from a forged one: more than a session has that refreshes as its tokens expire."""

ROTATIONS_IN_GRACE = 16
"""How many rotations within one grace are remembered: a client that refreshes more often than that is none of ours."""


class RevocationReason(Enum):
    """Why a session ended before its time."""

    LOGOUT = "logout"
    TOKEN_REUSE = "token-reuse"  # noqa: S105 - a name, not a secret


class Standing(Enum):
    """What a presented refresh token is to a session."""

    CURRENT = "current"
    """The one to rotate."""
    JUST_USED = "just-used"
    """Rotated out within the grace: the twin of a concurrent refresh, or one whose answer was lost. However many
    rotations came after it, what it gets is the current token: a holder could have come by that one anyway, step by
    step within the grace of each, and any earlier one would end the session when it is used at last."""
    USED = "used"
    """Rotated out before that: somebody else may hold it."""
    FOREIGN = "foreign"
    """Never one of this session's, or the session is over."""


@dataclass(frozen=True, slots=True)
class SessionRevoked:
    """The session ended before its time."""

    reason: RevocationReason


@dataclass(kw_only=True)
class Session(Aggregate[SessionRevoked]):
    """One login on one device. `token_digest` is the SHA-256 of the current refresh token; earlier ones follow from
    the derivation. `rotations` are the times of the latest rotations, as far back as the grace reaches. A revoked
    session is removed: nothing brings it back."""

    id: UUID
    account_id: UUID
    token_digest: bytes = field(repr=False)
    generation: int
    created_at: datetime
    expires_at: datetime
    rotations: tuple[datetime, ...] = ()

    @classmethod
    def start(cls, account_id: UUID, token: RefreshToken, at: datetime, lifetime: timedelta) -> "Session":
        """A new session with its first refresh token."""
        return cls(
            id=token.session_id,
            account_id=account_id,
            token_digest=token.digest(),
            generation=1,
            created_at=at,
            expires_at=at + lifetime,
        )

    def standing(self, token: RefreshToken, key: bytes, at: datetime, grace: timedelta) -> Standing:
        """What the token is now. Only who was given a token of this session can present a used one."""
        line = self._line(token, key)
        if at >= self.expires_at or not line:
            return Standing.FOREIGN
        # How many rotations ago it was the current one.
        if (age := len(line) - 1) == 0:
            return Standing.CURRENT
        in_grace = age <= len(self.rotations) and at - self.rotations[-age] <= grace
        return Standing.JUST_USED if in_grace else Standing.USED

    def current(self, token: RefreshToken, key: bytes) -> RefreshToken:
        """The current token, from one that this session ever had."""
        return self._line(token, key)[-1]

    def rotate(self, successor: RefreshToken, at: datetime, grace: timedelta) -> None:
        """Make the successor the current token."""
        self.token_digest = successor.digest()
        self.generation += 1
        recent = [rotation for rotation in self.rotations if at - rotation <= grace]
        self.rotations = (*recent, at)[-ROTATIONS_IN_GRACE:]

    def _line(self, token: RefreshToken, key: bytes) -> list[RefreshToken]:
        """The tokens from this one to the current one; none when it does not lead there."""
        line = [token]
        while not line[-1].matches(self.token_digest):
            if len(line) == min(self.generation, RECOGNISED_GENERATIONS):
                return []
            line.append(line[-1].successor(key))
        return line

    def revoke(self, reason: RevocationReason) -> None:
        """End it before its time."""
        self._record(SessionRevoked(reason))
