"""A task was completed."""

from uuid import UUID

from chassis.clock import Clock
from services.notify.domain.notification import Notification
from services.notify.store.notifications import NotificationStore


async def announce_completion(
    inbox: NotificationStore, clock: Clock, event_id: UUID, owner_id: UUID, task_id: UUID, title: str
) -> bool:
    """Tell a person that a task of theirs is done, once for each event. Whether this was the first time."""
    return await inbox.add(Notification.task_completed(event_id, owner_id, task_id, title, clock.now()))
