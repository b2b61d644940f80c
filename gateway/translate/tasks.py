"""Tasks."""

from collections.abc import Callable
from uuid import UUID

from google.protobuf.field_mask_pb2 import FieldMask
from primetrade.tasks.v1 import tasks_pb2

from gateway.answers import Json
from gateway.schemas.tasks import NewTask, TaskPatch, TaskQuery
from gateway.translate.times import rfc3339, timestamp

STATUS = {
    "pending": tasks_pb2.TASK_STATUS_PENDING,
    "in-progress": tasks_pb2.TASK_STATUS_IN_PROGRESS,
    "completed": tasks_pb2.TASK_STATUS_COMPLETED,
}
PRIORITY = {
    "low": tasks_pb2.TASK_PRIORITY_LOW,
    "medium": tasks_pb2.TASK_PRIORITY_MEDIUM,
    "high": tasks_pb2.TASK_PRIORITY_HIGH,
}
_STATUS_NAMES = {number: name for name, number in STATUS.items()}
_PRIORITY_NAMES = {number: name for name, number in PRIORITY.items()}
_PATHS = {
    "id": "id",
    "title": "title",
    "description": "description",
    "status": "status",
    "priority": "priority",
    "dueDate": "due_time",
    "createdAt": "create_time",
    "updatedAt": "update_time",
    "completedAt": "complete_time",
}
_MEMBERS: dict[str, Callable[[tasks_pb2.Task], object]] = {
    "id": lambda task: task.id,
    "title": lambda task: task.title,
    "description": lambda task: task.description,
    "status": lambda task: _STATUS_NAMES[task.status],
    "priority": lambda task: _PRIORITY_NAMES[task.priority],
    "dueDate": lambda task: rfc3339(task.due_time) if task.HasField("due_time") else None,
    "createdAt": lambda task: rfc3339(task.create_time),
    "updatedAt": lambda task: rfc3339(task.update_time),
    "completedAt": lambda task: rfc3339(task.complete_time) if task.HasField("complete_time") else None,
}


def task_json(task: tasks_pb2.Task) -> Json:
    """A whole task."""
    return {name: member(task) for name, member in _MEMBERS.items()}


def task_list_json(query: TaskQuery, response: tasks_pb2.ListTasksResponse) -> Json:
    """A page of tasks, each with the fields that the query asks for."""
    chosen = {name: member for name, member in _MEMBERS.items() if not query.fields or name in {"id", *query.fields}}
    return {
        "tasks": [{name: member(task) for name, member in chosen.items()} for task in response.tasks],
        "page": None if query.page_token else query.page,
        "totalPages": -(-response.total_size // query.limit),
        "total": response.total_size,
        "nextPageToken": response.next_page_token or None,
    }


def create_request(body: NewTask, key: str) -> tasks_pb2.CreateTaskRequest:
    """What creates the task."""
    return tasks_pb2.CreateTaskRequest(task=_task(body), request_id=key)


def list_request(query: TaskQuery) -> tasks_pb2.ListTasksRequest:
    """What lists the tasks."""
    name = query.sort.removeprefix("-")
    return tasks_pb2.ListTasksRequest(
        page_size=query.limit,
        page_token=query.page_token,
        skip=(query.page - 1) * query.limit,
        order_by=_PATHS[name] + (" desc" if query.sort != name else ""),
        status=STATUS[query.status] if query.status else tasks_pb2.TASK_STATUS_UNSPECIFIED,
        priority=PRIORITY[query.priority] if query.priority else tasks_pb2.TASK_PRIORITY_UNSPECIFIED,
        read_mask=FieldMask(paths=sorted(_PATHS[name] for name in query.fields)) if query.fields else None,
    )


def update_request(task_id: UUID, body: TaskPatch, etag: str) -> tasks_pb2.UpdateTaskRequest:
    """What changes the fields that the patch names."""
    task = _task(body)
    task.id, task.etag = str(task_id), etag
    paths = sorted("due_time" if name == "due_date" else name for name in body.model_fields_set)
    return tasks_pb2.UpdateTaskRequest(task=task, update_mask=FieldMask(paths=paths))


def _task(body: NewTask | TaskPatch) -> tasks_pb2.Task:
    return tasks_pb2.Task(
        title=body.title,
        description=body.description or "",
        status=STATUS[body.status],
        priority=PRIORITY[body.priority],
        due_time=timestamp(body.due_date) if body.due_date else None,
    )
