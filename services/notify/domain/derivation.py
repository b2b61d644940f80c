"""Ids that follow from what caused something, so that a repeated cause makes nothing twice (RFC 9562, UUIDv5)."""

from datetime import datetime
from uuid import UUID, uuid5

_NAMESPACE = UUID("5f0c7f5e-6a0b-4f62-9d0c-0b7d6f1f5a3e")


def derived_id(purpose: str, event_id: UUID) -> UUID:
    """The id of what an event brings about for one purpose."""
    return uuid5(_NAMESPACE, f"{purpose}:{event_id}")


def reminder_id(task_id: UUID, due_at: datetime) -> UUID:
    """The id of the one reminder of a task and a due time; another due time has another one."""
    return uuid5(_NAMESPACE, f"due-soon:{task_id}:{due_at.isoformat(timespec='milliseconds')}")
