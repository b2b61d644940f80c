"""The tasks service as a test meets it: the real composition root on real engines, and people who call it."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from google.protobuf.field_mask_pb2 import FieldMask
from google.protobuf.timestamp_pb2 import Timestamp
from primetrade.tasks.v1 import tasks_pb2
from primetrade.tasks.v1.tasks_pb2_grpc import TasksServiceStub

from chassis.process import Process
from chassis.rpc.client import Metadata, ServiceChannel, bearer
from chassis.rpc.server import RpcServer
from chassis.testing.engines import Engines
from chassis.testing.issuer import Issuer
from services.tasks.app import TASKS_SERVICE, build
from services.tasks.settings import Settings

if TYPE_CHECKING:  # the generated module has this class for type checkers only
    from primetrade.tasks.v1.tasks_pb2_grpc import TasksServiceAsyncStub

IDEMPOTENT = {"GetTask", "ListTasks"}


def settings_for(engines: Engines, issuer: Issuer) -> Settings:
    """Settings with a database and topics that no other test has. The driver is the one that MONGO_DRIVER names."""
    name = f"t{uuid4().hex[:8]}"
    return Settings(
        auth_target=issuer.target,
        mongo_url=engines.mongo_url,
        mongo_database=f"tasks-{name}",
        kafka_prefix=name,
        kafka_bootstrap_servers=engines.kafka_bootstrap_servers,
        kafka_idempotence=engines.kafka_idempotence,
        kafka_partitions=3,
        grpc_drain_notice=0,
    )


@dataclass(frozen=True)
class Service:
    """A running tasks service and a channel to it."""

    settings: Settings
    process: Process
    issuer: Issuer
    stub: "TasksServiceAsyncStub"

    def person(self) -> "Person":
        """Somebody new, with an account and no tasks."""
        return Person(self)


@asynccontextmanager
async def serving(settings: Settings, issuer: Issuer) -> AsyncIterator[Service]:
    process = build(settings)
    async with process.running():
        target = f"127.0.0.1:{process.component(RpcServer).port}"
        async with ServiceChannel(target, TASKS_SERVICE.full_name, 30.0, IDEMPOTENT) as channel:
            yield Service(settings, process, issuer, TasksServiceStub(channel))


@dataclass
class Person:
    """Somebody who calls the service."""

    service: Service
    id: str = field(default_factory=lambda: str(uuid4()))

    def at(self, service: Service) -> "Person":
        """The same person at another process."""
        return Person(service, self.id)

    @property
    def bearer(self) -> Metadata:
        return bearer(self.service.issuer.token(self.id))

    async def create(self, title: str = "Buy milk", key: str = "", **fields: Any) -> tasks_pb2.Task:
        request = tasks_pb2.CreateTaskRequest(task=tasks_pb2.Task(title=title, **fields), request_id=key)
        return await self.service.stub.CreateTask(request, metadata=self.bearer)

    async def get(self, task_id: str) -> tasks_pb2.Task:
        return await self.service.stub.GetTask(tasks_pb2.GetTaskRequest(id=task_id), metadata=self.bearer)

    async def list(self, **arguments: Any) -> tasks_pb2.ListTasksResponse:
        return await self.service.stub.ListTasks(tasks_pb2.ListTasksRequest(**arguments), metadata=self.bearer)

    async def update(self, task_id: str, mask: Sequence[str] | None = None, **fields: Any) -> tasks_pb2.Task:
        """Change the given fields (an etag is a precondition), or those the mask names."""
        paths = [name for name in fields if name != "etag"] if mask is None else mask
        task = tasks_pb2.Task(id=task_id, **fields)
        request = tasks_pb2.UpdateTaskRequest(task=task, update_mask=FieldMask(paths=paths))
        return await self.service.stub.UpdateTask(request, metadata=self.bearer)

    async def complete(self, task_id: str, etag: str = "", key: str = "") -> tasks_pb2.Task:
        request = tasks_pb2.CompleteTaskRequest(id=task_id, etag=etag, request_id=key)
        return await self.service.stub.CompleteTask(request, metadata=self.bearer)

    async def delete(self, task_id: str, etag: str = "") -> None:
        await self.service.stub.DeleteTask(tasks_pb2.DeleteTaskRequest(id=task_id, etag=etag), metadata=self.bearer)


def timestamp(text: str) -> Timestamp:
    """The timestamp of an ISO 8601 time with offset."""
    made = Timestamp()
    made.FromDatetime(datetime.fromisoformat(text))
    return made
