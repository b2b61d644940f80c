"""The task: an aggregate that keeps its own rules and records what happened to it."""

from dataclasses import dataclass, fields
from datetime import datetime
from enum import Enum, auto

from chassis.aggregate import Aggregate
from services.tasks.domain.events import TaskCompleted, TaskCreated, TaskDeleted, TaskEvent, TaskUpdated
from services.tasks.domain.values import Description, OwnerId, Priority, Status, TaskId, Title


class Unchanged(Enum):
    """The type of UNCHANGED, which None cannot say: a due time may be changed to none."""

    UNCHANGED = auto()


UNCHANGED = Unchanged.UNCHANGED


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """What somebody decides about a new task."""

    title: Title
    description: Description
    status: Status = Status.PENDING
    priority: Priority = Priority.MEDIUM
    due_time: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Revision:
    """What somebody decides anew about a task."""

    title: Title | Unchanged = UNCHANGED
    description: Description | Unchanged = UNCHANGED
    status: Status | Unchanged = UNCHANGED
    priority: Priority | Unchanged = UNCHANGED
    due_time: datetime | Unchanged | None = UNCHANGED


REVISABLE = tuple(field.name for field in fields(Revision))


@dataclass(kw_only=True)
class Task(Aggregate[TaskEvent]):
    """What a person has to do. `complete_time` is set exactly while the status is COMPLETED."""

    id: TaskId
    owner_id: OwnerId
    title: Title
    description: Description
    status: Status
    priority: Priority
    due_time: datetime | None
    create_time: datetime
    update_time: datetime
    complete_time: datetime | None

    @classmethod
    def create(cls, id: TaskId, owner_id: OwnerId, draft: Draft, at: datetime) -> "Task":
        """A new task, which may be completed already."""
        completed = draft.status is Status.COMPLETED
        task = cls(
            id=id,
            owner_id=owner_id,
            title=draft.title,
            description=draft.description,
            status=draft.status,
            priority=draft.priority,
            due_time=draft.due_time,
            create_time=at,
            update_time=at,
            complete_time=at if completed else None,
        )
        task._record(TaskCreated())
        if completed:
            task._record(TaskCompleted())
        return task

    def revise(self, revision: Revision, at: datetime) -> None:
        """Take over what differs. When nothing does, nothing happened."""
        changed = tuple(name for name in REVISABLE if self._differs(name, getattr(revision, name)))
        if not changed:
            return
        for name in changed:
            setattr(self, name, getattr(revision, name))
        self.update_time = at
        self._record(TaskUpdated(changed))
        if "status" in changed:
            self._status_changed(at)

    def complete(self, at: datetime) -> None:
        """Complete the task. When it is completed already, nothing happened."""
        self.revise(Revision(status=Status.COMPLETED), at)

    def delete(self) -> None:
        """The task is to be removed."""
        self._record(TaskDeleted())

    def _differs(self, name: str, value: object) -> bool:
        return value is not UNCHANGED and value != getattr(self, name)

    def _status_changed(self, at: datetime) -> None:
        if self.status is Status.COMPLETED:
            self.complete_time = at
            self._record(TaskCompleted())
        else:
            self.complete_time = None
