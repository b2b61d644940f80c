"""The tasks of the caller."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query
from primetrade.tasks.v1 import tasks_pb2
from starlette.requests import Request
from starlette.responses import Response

from chassis.errors import VersionMismatch
from gateway.answers import answer, expected_etag, resource
from gateway.documentation import IDEMPOTENCY_KEY, IF_MATCH, IF_NONE_MATCH, answers
from gateway.neighbours import neighbours
from gateway.reading.key import idempotency_key
from gateway.reading.route import Protected
from gateway.schemas.tasks import NewTask, Task, TaskList, TaskPatch, TaskQuery
from gateway.translate.tasks import create_request, list_request, task_json, task_list_json, update_request

PATH = "/api/v1/tasks"
router = APIRouter(prefix=PATH, tags=["tasks"], route_class=Protected)


@router.post(
    "",
    status_code=201,
    responses=answers({201: Task}, 410, body=True, headers=("ETag", "Location")),
    openapi_extra={"parameters": [IDEMPOTENCY_KEY]},
)
async def create_task(request: Request, body: NewTask) -> Response:
    """Create a task."""
    task = await neighbours(request).tasks.CreateTask(create_request(body, idempotency_key(request)))
    return resource(request, task_json(task), task.etag, 201, {"location": f"{PATH}/{task.id}"})


@router.get("", responses=answers({200: TaskList}))
async def list_tasks(request: Request, query: Annotated[TaskQuery, Query()]) -> Response:
    """A page of tasks, by number or by token."""
    return answer(task_list_json(query, await neighbours(request).tasks.ListTasks(list_request(query))))


@router.get(
    "/{task_id}",
    responses=answers({200: Task, 304: None}, 404, headers=("ETag",)),
    openapi_extra={"parameters": [IF_NONE_MATCH]},
)
async def get_task(request: Request, task_id: UUID) -> Response:
    """One task."""
    task = await neighbours(request).tasks.GetTask(tasks_pb2.GetTaskRequest(id=str(task_id)))
    return resource(request, task_json(task), task.etag)


@router.patch(
    "/{task_id}",
    responses=answers({200: Task}, 404, 412, body=True, headers=("ETag",)),
    openapi_extra={"parameters": [IF_MATCH]},
)
async def update_task(request: Request, task_id: UUID, body: TaskPatch) -> Response:
    """Change a task."""
    tasks, etag = neighbours(request).tasks, expected_etag(request, "task", str(task_id))
    if not body.model_fields_set:
        task = await tasks.GetTask(tasks_pb2.GetTaskRequest(id=str(task_id)))
        if etag not in ("", task.etag):
            raise VersionMismatch("task", task.id, task.etag)
    else:
        task = await tasks.UpdateTask(update_request(task_id, body, etag))
    return resource(request, task_json(task), task.etag)


@router.post(
    "/{task_id}/complete",
    responses=answers({200: Task}, 404, 410, 412, headers=("ETag",)),
    openapi_extra={"parameters": [IF_MATCH, IDEMPOTENCY_KEY]},
)
async def complete_task(request: Request, task_id: UUID) -> Response:
    """Complete a task. Completing it again changes nothing."""
    etag, key = expected_etag(request, "task", str(task_id)), idempotency_key(request)
    asked = tasks_pb2.CompleteTaskRequest(id=str(task_id), etag=etag, request_id=key)
    task = await neighbours(request).tasks.CompleteTask(asked)
    return resource(request, task_json(task), task.etag)


@router.delete(
    "/{task_id}", status_code=204, responses=answers({204: None}, 404, 412), openapi_extra={"parameters": [IF_MATCH]}
)
async def delete_task(request: Request, task_id: UUID) -> Response:
    """Delete a task."""
    etag = expected_etag(request, "task", str(task_id))
    await neighbours(request).tasks.DeleteTask(tasks_pb2.DeleteTaskRequest(id=str(task_id), etag=etag))
    return Response(status_code=204)
