"""When a person is reminded of a task.

The rule: one reminder for each task and due time, made as soon as the due time is less than a day ahead, while the task
is open and the due time has not passed. So a task that was overdue already when it got its due time gives no reminder,
nor does one whose due time passed while this service was away: "due soon" would no longer be true.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

AHEAD = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class Reminder:
    """A task as far as reminding of it goes, after the event of number `sequence`. `open` is neither completed nor
    deleted."""

    task_id: UUID
    owner_id: UUID
    title: str
    due_at: datetime | None
    open: bool
    sequence: int

    @property
    def owed_for(self) -> datetime | None:
        """The due time to remind of, now or later; None when there is nothing to remind of."""
        return self.due_at if self.open else None

    def due_soon(self, now: datetime) -> bool:
        """Whether this is the time to remind."""
        due_at = self.owed_for
        return due_at is not None and now < due_at <= now + AHEAD

    def too_late(self, now: datetime) -> bool:
        """Whether the time to remind has passed."""
        due_at = self.owed_for
        return due_at is not None and due_at <= now
