"""A page of an inbox, and where the next one begins."""

import base64
import binascii
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

from chassis.errors import Invalid
from services.notify.domain.notification import Notification

DEFAULT_PAGE = 20
LARGEST_PAGE = 100
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)
_TIME_BYTES, _ID_BYTES = 8, 16


@dataclass(frozen=True, slots=True)
class Cursor:
    """The last entry of a page; the next page begins after it."""

    created_at: datetime
    id: UUID

    @property
    def token(self) -> str:
        """The page token (AIP-158): opaque to clients, safe in a URL."""
        milliseconds = (self.created_at - _EPOCH) // _MILLISECOND
        raw = milliseconds.to_bytes(_TIME_BYTES, "big") + self.id.bytes
        return base64.urlsafe_b64encode(raw).decode()

    @classmethod
    def parse(cls, token: str) -> "Cursor":
        """The cursor of a token. Raises Invalid unless it is one that `token` made."""
        try:
            raw = base64.b64decode(token.encode("ascii"), altchars=b"-_", validate=True)
            if len(raw) != _TIME_BYTES + _ID_BYTES:
                raise ValueError(token)
            milliseconds = int.from_bytes(raw[:_TIME_BYTES], "big")
            return cls(_EPOCH + milliseconds * _MILLISECOND, UUID(bytes=raw[_TIME_BYTES:]))
        except (ValueError, binascii.Error, OverflowError):
            raise Invalid.field("page_token", "must be the next_page_token of the page before") from None


@dataclass(frozen=True, slots=True)
class InboxPage:
    """Entries of one inbox, latest first; `next` is None on the last page, `unread` counts over all pages."""

    notifications: list[Notification]
    next: Cursor | None
    unread: int


def page_size(asked: int) -> int:
    """The size of a page; 0 asks for the default. Raises Invalid."""
    if not 0 <= asked <= LARGEST_PAGE:
        raise Invalid.field("page_size", f"must be at most {LARGEST_PAGE} and not negative")
    return asked or DEFAULT_PAGE
