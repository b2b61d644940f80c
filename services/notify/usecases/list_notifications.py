"""Read an inbox."""

from uuid import UUID

from services.notify.domain.inbox import Cursor, InboxPage
from services.notify.store.notifications import NotificationStore


async def list_notifications(inbox: NotificationStore, owner: UUID, size: int, after: Cursor | None) -> InboxPage:
    """A page of a person's own inbox, latest first, and how many entries are unread in all of it."""
    found = await inbox.latest(owner, size + 1, after)
    page = found[:size]
    last = Cursor(page[-1].created_at, page[-1].id) if len(found) > size else None
    return InboxPage(page, last, await inbox.unread(owner))
