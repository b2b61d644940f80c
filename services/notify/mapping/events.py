"""The events of the neighbours in the words of this service. Each function raises Permanent when an event says what it
cannot: no further attempt would help."""

from datetime import UTC, datetime
from uuid import UUID

from primetrade.tasks.v1 import tasks_pb2

from chassis.events.consuming.failures import Permanent
from chassis.events.envelope import Event
from services.notify.domain.reminder import Reminder


def reminder_of(event: Event, task: tasks_pb2.Task) -> Reminder:
    """The task after this event, as far as reminding of it goes."""
    return Reminder(
        task_id=id_of(task.id),
        owner_id=id_of(task.owner_id),
        title=task.title,
        due_at=_due_at(task),
        open=task.status != tasks_pb2.TASK_STATUS_COMPLETED,
        sequence=event.sequence,
    )


def id_of(text: str) -> UUID:
    """The id that an event names."""
    try:
        return UUID(text)
    except ValueError:
        raise Permanent(f"{text[:100]!r} is no id") from None


def _due_at(task: tasks_pb2.Task) -> datetime | None:
    if not task.HasField("due_time"):
        return None
    try:
        at = task.due_time.ToDatetime(tzinfo=UTC)
    except ValueError as error:
        raise Permanent(f"the due time is none: {error}") from None
    # What the database keeps: the id of a reminder follows from it.
    return at.replace(microsecond=at.microsecond // 1000 * 1000)
