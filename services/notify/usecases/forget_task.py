"""A task was deleted."""

from datetime import timedelta
from uuid import UUID

from chassis.clock import Clock
from services.notify.store.reminders import ReminderStore


async def forget_task(reminders: ReminderStore, clock: Clock, task_id: UUID, sequence: int, keep: timedelta) -> None:
    """Never remind of the task again. That it was deleted is remembered for `keep`, longer than any redelivery.

    Raises Superseded, having changed nothing, when something newer is known.
    """
    await reminders.forget(task_id, sequence, clock.now() + keep)
