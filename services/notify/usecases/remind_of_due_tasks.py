"""Remind of every task that has come within a day of its due time."""

from chassis.clock import Clock
from services.notify.domain.reminder import AHEAD
from services.notify.store.notifications import NotificationStore
from services.notify.store.reminders import ReminderStore
from services.notify.usecases.remind_of_task import remind_of_task

BATCH = 200


async def remind_of_due_tasks(reminders: ReminderStore, inbox: NotificationStore, clock: Clock) -> None:
    """Remind of all owed reminders, the earliest due first."""
    until = clock.now() + AHEAD
    while batch := await reminders.owed(until, BATCH):
        for reminder in batch:
            await remind_of_task(reminders, inbox, clock, reminder)
