"""A task was created or changed."""

from chassis.clock import Clock
from services.notify.domain.reminder import Reminder
from services.notify.store.notifications import NotificationStore
from services.notify.store.reminders import ReminderStore
from services.notify.usecases.remind_of_task import remind_of_task


async def follow_task(reminders: ReminderStore, inbox: NotificationStore, clock: Clock, reminder: Reminder) -> None:
    """Keep the newest state of a task that was seen, and remind of it at once when it is due within a day.

    Raises Superseded, having changed nothing, for an event that is older than what is known.
    """
    await reminders.apply(reminder)
    newest = await reminders.find(reminder.task_id)
    if newest is not None:
        await remind_of_task(reminders, inbox, clock, newest)
