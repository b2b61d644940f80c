"""Remind of one task, if this is the time."""

from chassis.clock import Clock
from services.notify.domain.notification import Notification
from services.notify.domain.reminder import Reminder
from services.notify.store.notifications import NotificationStore
from services.notify.store.reminders import ReminderStore


async def remind_of_task(reminders: ReminderStore, inbox: NotificationStore, clock: Clock, reminder: Reminder) -> None:
    """Put "due soon" into the owner's inbox when the task is due within a day, once for each due time.

    A crash before the last step repeats the others, which changes nothing.
    """
    now, due_at = clock.now(), reminder.owed_for
    if due_at is None:
        return
    if reminder.due_soon(now):
        await inbox.add(Notification.task_due_soon(reminder.owner_id, reminder.task_id, reminder.title, due_at, now))
    elif not reminder.too_late(now):
        return
    await reminders.settle(reminder)
