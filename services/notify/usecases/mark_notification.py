"""Mark an entry of an inbox as read or unread."""

from uuid import UUID

from chassis.clock import Clock
from chassis.events.publishing.races import retrying
from services.notify.domain.notification import Notification
from services.notify.store.notifications import RESOURCE, NotificationStore


async def mark_notification(
    inbox: NotificationStore, clock: Clock, owner: UUID, notification_id: UUID, read: bool, etag: str
) -> Notification:
    """Mark it; what is so already stays as it is and publishes nothing.

    Raises NotFound when the person has no such entry, VersionMismatch when `etag` is not empty nor the current one.
    """

    async def mark() -> Notification:
        notification = await inbox.load(owner, notification_id)
        notification.require_etag(etag, RESOURCE, str(notification_id))
        notification.mark(read, clock.now())
        await inbox.save(notification)
        return notification

    return await mark() if etag else await retrying(mark, notification_id)
