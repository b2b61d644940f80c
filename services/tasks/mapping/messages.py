"""Tasks and pages → messages."""

from datetime import UTC, datetime

from google.protobuf.timestamp_pb2 import Timestamp
from primetrade.tasks.v1 import tasks_pb2

from services.tasks.domain.listing import Listing, Page, TaskView
from services.tasks.domain.task import Task
from services.tasks.domain.values import Priority, Status
from services.tasks.mapping.page_token import page_token

STATUSES = {
    Status.PENDING: tasks_pb2.TASK_STATUS_PENDING,
    Status.IN_PROGRESS: tasks_pb2.TASK_STATUS_IN_PROGRESS,
    Status.COMPLETED: tasks_pb2.TASK_STATUS_COMPLETED,
}
PRIORITIES = {
    Priority.LOW: tasks_pb2.TASK_PRIORITY_LOW,
    Priority.MEDIUM: tasks_pb2.TASK_PRIORITY_MEDIUM,
    Priority.HIGH: tasks_pb2.TASK_PRIORITY_HIGH,
}
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def task_message(task: Task | TaskView) -> tasks_pb2.Task:
    """The message of a task; what a view leaves out stays unset."""
    return tasks_pb2.Task(
        id=str(task.id),
        owner_id=str(task.owner_id) if task.owner_id else "",
        title=task.title or "",
        description=task.description or "",
        status=STATUSES[task.status] if task.status else tasks_pb2.TASK_STATUS_UNSPECIFIED,
        priority=PRIORITIES[task.priority] if task.priority else tasks_pb2.TASK_PRIORITY_UNSPECIFIED,
        due_time=_timestamp(task.due_time),
        create_time=_timestamp(task.create_time),
        update_time=_timestamp(task.update_time),
        complete_time=_timestamp(task.complete_time),
        etag=task.etag or "",
    )


def page_message(page: Page, listing: Listing) -> tasks_pb2.ListTasksResponse:
    """The answer to a list."""
    return tasks_pb2.ListTasksResponse(
        tasks=[task_message(task) for task in page.tasks],
        next_page_token=page_token(listing, page.following) if page.following else "",
        total_size=page.total,
    )


def _timestamp(at: datetime | None) -> Timestamp | None:
    if at is None:
        return None
    since = at - _EPOCH
    return Timestamp(seconds=since.days * 86_400 + since.seconds, nanos=since.microseconds * 1_000)
