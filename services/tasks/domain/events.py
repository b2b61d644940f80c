"""What can happen to a task. Each event tells of the task as it is after the change that recorded it."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class TaskCreated:
    """The task is new."""


@dataclass(frozen=True, slots=True)
class TaskUpdated:
    """Somebody decided otherwise; `changed` names the fields of the revision that differ now."""

    changed: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class TaskCompleted:
    """The task became completed."""


@dataclass(frozen=True, slots=True)
class TaskDeleted:
    """The task is gone."""


TaskEvent = TaskCreated | TaskUpdated | TaskCompleted | TaskDeleted
