"""Sessions that ended before their time, for as long as an access token of theirs may still be valid."""

import base64
import binascii
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

LARGEST_PAGE = 1_000

AFTERWARDS = timedelta(seconds=60)
"""How much longer than an access token lives its ended session is told. A refresh that passed the session just before
its end signs a token after it, within the deadline of its call; and the clocks of two auth processes may differ."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where in the order of their ends a session stands: the id of its last event, which ascends with time."""

    event: UUID

    @property
    def token(self) -> str:
        """The page token (AIP-158): opaque to clients."""
        return base64.urlsafe_b64encode(self.event.bytes).decode()

    @classmethod
    def parse(cls, token: str) -> "Place":
        """The place of a token. Raises ValueError unless it is one that `token` made."""
        try:
            return cls(UUID(bytes=base64.b64decode(token.encode("ascii"), altchars=b"-_", validate=True)))
        except (ValueError, binascii.Error):
            raise ValueError("must be the next_page_token of the page before") from None


@dataclass(frozen=True, slots=True)
class RevokedSession:
    """What is left of a session that ended before its time."""

    id: UUID
    revoked_at: datetime
    place: Place


@dataclass(frozen=True, slots=True)
class RevokedPage:
    """Revoked sessions in the order of their ends; `next` is None on the last page."""

    sessions: list[RevokedSession]
    next: Place | None
    retention: timedelta


def page_size(asked: int) -> int:
    """The size of a page; 0 asks for the largest. Raises ValueError."""
    if not 0 <= asked <= LARGEST_PAGE:
        raise ValueError(f"must be at most {LARGEST_PAGE:,} and not negative")
    return asked or LARGEST_PAGE
