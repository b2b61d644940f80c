"""The aggregate of the inbox: one entry of one person."""

from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from uuid import UUID

from chassis.aggregate import Aggregate
from services.notify.domain.derivation import derived_id, reminder_id
from services.notify.domain.texts import moment, person, quoted


class Kind(Enum):
    """What an entry is about. The value is what is stored."""

    WELCOME = "welcome"
    TASK_COMPLETED = "task-completed"
    TASK_DUE_SOON = "task-due-soon"


@dataclass(frozen=True, slots=True)
class NotificationCreated:
    """It reached the inbox."""


@dataclass(frozen=True, slots=True)
class NotificationUpdated:
    """The fields of these names changed."""

    changed: tuple[str, ...]


NotificationEvent = NotificationCreated | NotificationUpdated


@dataclass(kw_only=True)
class Notification(Aggregate[NotificationEvent]):
    """An entry of a person's inbox. Its id follows from its cause, so that a repeated cause makes no second one."""

    id: UUID
    owner_id: UUID
    kind: Kind
    title: str
    body: str
    created_at: datetime
    task_id: UUID | None = None
    read_at: datetime | None = None

    @property
    def read(self) -> bool:
        """Whether the person has read it."""
        return self.read_at is not None

    @classmethod
    def welcome(cls, event_id: UUID, owner_id: UUID, name: str, at: datetime) -> "Notification":
        """The first entry of every inbox."""
        return cls._created(
            id=derived_id("welcome", event_id),
            owner_id=owner_id,
            kind=Kind.WELCOME,
            title="Welcome to PrimeTrade Tasks",
            body=f"Hello {person(name)}, your account is ready.",
            created_at=at,
        )

    @classmethod
    def task_completed(
        cls, event_id: UUID, owner_id: UUID, task_id: UUID, task_title: str, at: datetime
    ) -> "Notification":
        """A task was completed; completed once more after it was reopened, it makes another entry."""
        return cls._created(
            id=derived_id("task-completed", event_id),
            owner_id=owner_id,
            kind=Kind.TASK_COMPLETED,
            title="Task completed",
            body=f"{quoted(task_title)} is done.",
            created_at=at,
            task_id=task_id,
        )

    @classmethod
    def task_due_soon(
        cls, owner_id: UUID, task_id: UUID, task_title: str, due_at: datetime, at: datetime
    ) -> "Notification":
        """A task is due within a day: one entry for each due time it ever has."""
        return cls._created(
            id=reminder_id(task_id, due_at),
            owner_id=owner_id,
            kind=Kind.TASK_DUE_SOON,
            title="Task due soon",
            body=f"{quoted(task_title)} is due on {moment(due_at)}.",
            created_at=at,
            task_id=task_id,
        )

    def mark(self, read: bool, at: datetime) -> None:
        """Mark as read or unread; what is so already stays as it is."""
        if read == self.read:
            return
        self.read_at = at if read else None
        self._record(NotificationUpdated(("read", "read_time")))

    @classmethod
    def _created(
        cls,
        *,
        id: UUID,
        owner_id: UUID,
        kind: Kind,
        title: str,
        body: str,
        created_at: datetime,
        task_id: UUID | None = None,
    ) -> "Notification":
        notification = cls(
            id=id, owner_id=owner_id, kind=kind, title=title, body=body, created_at=created_at, task_id=task_id
        )
        notification._record(NotificationCreated())
        return notification
