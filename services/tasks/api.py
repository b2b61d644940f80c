"""The gRPC servicer of primetrade.tasks.v1.TasksService: translates, and does nothing else."""
# ruff: noqa: N802, ARG002 - gRPC names its methods and gives each a context

from uuid import UUID

from google.protobuf.empty_pb2 import Empty
from primetrade.tasks.v1 import tasks_pb2
from primetrade.tasks.v1.tasks_pb2_grpc import TasksServiceServicer

from chassis.claims import Claims
from chassis.clock import Clock
from chassis.errors import Forbidden
from chassis.identity import current_principal
from chassis.rpc.concerns import Access, Context
from services.tasks.domain.values import OwnerId, Status, TaskId
from services.tasks.mapping.messages import page_message, task_message
from services.tasks.mapping.requests import completion_of, draft_of, listing_of, revision_of, task_id_of
from services.tasks.store.tasks import TaskStore
from services.tasks.usecases.complete_task import complete_task
from services.tasks.usecases.create_task import create_task
from services.tasks.usecases.delete_task import delete_task
from services.tasks.usecases.get_task import get_task
from services.tasks.usecases.list_tasks import list_tasks
from services.tasks.usecases.update_task import update_task

ACCESS = {
    "CreateTask": Access.USER,
    "GetTask": Access.USER,
    "ListTasks": Access.USER,
    "UpdateTask": Access.USER,
    "CompleteTask": Access.USER,
    "DeleteTask": Access.USER,
}


class TasksApi(TasksServiceServicer):
    """Each method acts for the caller: it takes that person's tasks to be all there are."""

    def __init__(self, store: TaskStore, clock: Clock, claims: Claims) -> None:
        self._store, self._clock, self._claims = store, clock, claims

    async def CreateTask(self, request: tasks_pb2.CreateTaskRequest, context: Context) -> tasks_pb2.Task:
        owner, draft = _caller(), draft_of(request)
        task = await self._claims.create(
            owner,
            request,
            lambda task_id: create_task(self._store, self._clock, owner, TaskId(task_id), draft),
            lambda task_id: get_task(self._store, owner, TaskId(task_id)),
        )
        return task_message(task)

    async def GetTask(self, request: tasks_pb2.GetTaskRequest, context: Context) -> tasks_pb2.Task:
        return task_message(await get_task(self._store, _caller(), task_id_of(request.id)))

    async def ListTasks(self, request: tasks_pb2.ListTasksRequest, context: Context) -> tasks_pb2.ListTasksResponse:
        listing, page = listing_of(request)
        return page_message(await list_tasks(self._store, _caller(), listing, page), listing)

    async def UpdateTask(self, request: tasks_pb2.UpdateTaskRequest, context: Context) -> tasks_pb2.Task:
        owner, task_id, revision = _caller(), task_id_of(request.task.id), revision_of(request)
        task = await update_task(self._store, self._clock, owner, revision, task_id=task_id, etag=request.task.etag)
        return task_message(task)

    async def CompleteTask(self, request: tasks_pb2.CompleteTaskRequest, context: Context) -> tasks_pb2.Task:
        owner, task_id = _caller(), completion_of(request)
        task = await self._claims.change(
            owner,
            request,
            task_id,
            lambda: complete_task(self._store, self._clock, owner, task_id=task_id, etag=request.etag),
            lambda: get_task(self._store, owner, task_id),
            applied=lambda task: task.status is Status.COMPLETED,
        )
        return task_message(task)

    async def DeleteTask(self, request: tasks_pb2.DeleteTaskRequest, context: Context) -> Empty:
        await delete_task(self._store, _caller(), task_id=task_id_of(request.id), etag=request.etag)
        return Empty()


def _caller() -> OwnerId:
    """The person who calls. Raises Forbidden for a caller that is none: a service has no tasks."""
    subject = current_principal().subject
    try:
        return OwnerId(UUID(subject))
    except ValueError:
        raise Forbidden("only a person has tasks") from None
