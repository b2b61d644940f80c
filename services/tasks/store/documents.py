"""Documents ⇄ tasks. A document's fields are named as the contract names them; its `_id` is the task's id.

{_id: UUID, owner_id: UUID, title, description, status: "pending", priority: 2, due_time, create_time, update_time,
 complete_time?, and the machinery of chassis/events/publishing/outbox.py}
"""

from collections.abc import Collection, Iterable
from datetime import UTC, datetime

from google.protobuf.message import Message

from chassis.mongo import Document
from services.tasks.domain.events import TaskEvent
from services.tasks.domain.listing import TaskView
from services.tasks.domain.task import Task
from services.tasks.domain.values import OwnerId, Priority, Status, TaskId
from services.tasks.store.events import message_of

NEVER = datetime(9999, 12, 31, tzinfo=UTC)
"""The due time, in documents only, of a task that has none: it sorts as the latest due without a query of its own."""

_STORED_AS = {"id": "_id", "etag": "version"}


def key_of(owner: OwnerId, task_id: TaskId) -> Document:
    """The filter that names a task's document; the shard key is in it."""
    return {"_id": task_id, "owner_id": owner}


class TaskMapper:
    """How a task is stored and told."""

    resource = "task"

    def key(self, task: Task) -> Document:
        return key_of(task.owner_id, task.id)

    def fields(self, task: Task) -> Document:
        return {
            "title": task.title,
            "description": task.description,
            "status": task.status.value,
            "priority": task.priority.value,
            "due_time": task.due_time or NEVER,
            "create_time": task.create_time,
            "update_time": task.update_time,
            "complete_time": task.complete_time,
        }

    def aggregate(self, document: Document) -> Task:
        return Task(
            id=document["_id"],
            owner_id=document["owner_id"],
            title=document["title"],
            description=document["description"],
            status=Status(document["status"]),
            priority=Priority(document["priority"]),
            due_time=_due_time(document),
            create_time=document["create_time"],
            update_time=document["update_time"],
            complete_time=document.get("complete_time"),
        )

    def message(self, task: Task, event: TaskEvent) -> Message:
        return message_of(task, event)


def view_of(document: Document, names: Collection[str]) -> TaskView:
    """What a document shows of its task in the stored fields of those names."""
    shown = {name: value for name, value in document.items() if name in names}
    status, priority, version = shown.get("status"), shown.get("priority"), shown.get("version")
    return TaskView(
        id=document["_id"],
        owner_id=shown.get("owner_id"),
        title=shown.get("title"),
        description=shown.get("description"),
        status=None if status is None else Status(status),
        priority=None if priority is None else Priority(priority),
        due_time=_due_time(shown),
        create_time=shown.get("create_time"),
        update_time=shown.get("update_time"),
        complete_time=shown.get("complete_time"),
        etag=None if version is None else str(version),
    )


def stored(fields: Iterable[str]) -> frozenset[str]:
    """The names under which a document holds these fields of a task."""
    return frozenset(_STORED_AS.get(name, name) for name in fields)


def _due_time(document: Document) -> datetime | None:
    at: datetime | None = document.get("due_time")
    return None if at == NEVER else at
