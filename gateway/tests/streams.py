"""Gateways with live streams on a Kafka of a test's choice, what is published there, and clients that read streams."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import httpx
from google.protobuf.message import Message
from primetrade.notify.v1 import events_pb2 as notify_events
from primetrade.notify.v1 import notify_pb2
from primetrade.tasks.v1 import events_pb2 as tasks_events
from primetrade.tasks.v1 import tasks_pb2

from chassis.clock import Clock
from chassis.events.envelope import Event
from chassis.events.topics import NOTIFICATIONS, TASKS
from chassis.process import Process
from chassis.testing.engines import Engines
from chassis.testing.eventually import eventually
from chassis.testing.http import http_client
from chassis.tests.kafka import Publisher, settings_for
from gateway.app import build
from gateway.server import HttpServer
from gateway.settings import Settings
from gateway.streaming.streams import Streams
from gateway.tests.conftest import PLENTY, TESTED, ready
from gateway.tests.upstream import NOTIFICATION, TASK

PATH = "/api/v1/events"
_SECONDS = 120.0
"""So long an event may take: only a defect reaches it, and then the test says so."""


def hearing(engines: Engines) -> dict[str, Any]:
    """Settings of a Kafka with topics of the test's own."""
    wanted = ("kafka_bootstrap_servers", "kafka_idempotence", "kafka_prefix", "kafka_partitions")
    values = settings_for(engines, kafka_partitions=2).model_dump()
    return {name: values[name] for name in wanted}


@asynccontextmanager
async def topics(where: dict[str, Any]) -> AsyncIterator["Topics"]:
    """The two topics, and who publishes to them."""
    settings = Settings.model_validate(where)
    async with Publisher(settings, TASKS) as tasks, Publisher(settings, NOTIFICATIONS) as notifications:
        yield Topics(where, tasks, notifications)


@dataclass
class Topics:
    """Publishes what the services would."""

    where: dict[str, Any]
    """Settings of a gateway that hears it."""
    tasks: Publisher
    notifications: Publisher

    async def created(self, owner: str, title: str, sequence: int = 1, partition: int = 0, **fields: Any) -> str:
        task = task_of(owner, title, **fields)
        await self.tasks.publish(event_of(tasks_events.TaskCreated(task=task), task.id, sequence), partition=partition)
        return task.id

    async def updated(self, owner: str, task_id: str, title: str, sequence: int, partition: int = 0) -> None:
        task = task_of(owner, title, id=task_id)
        await self.tasks.publish(event_of(tasks_events.TaskUpdated(task=task), task_id, sequence), partition=partition)

    async def told(self, message: Message, subject: str, sequence: int = 1) -> None:
        """Any event of a task."""
        await self.tasks.publish(event_of(message, subject, sequence))

    async def notified(self, owner: str, title: str) -> None:
        entry = notify_pb2.Notification()
        entry.CopyFrom(NOTIFICATION)
        entry.owner_id, entry.title = owner, title
        await self.notifications.publish(event_of(notify_events.NotificationCreated(notification=entry), entry.id))


def task_of(owner: str, title: str, **fields: Any) -> tasks_pb2.Task:
    task = tasks_pb2.Task()
    task.CopyFrom(TASK)
    task.MergeFrom(tasks_pb2.Task(**{"id": str(uuid4()), "owner_id": owner, "title": title, **fields}))
    return task


def event_of(message: Message, subject: str, sequence: int = 1) -> Event:
    return Event(
        id=uuid4(), type=message.DESCRIPTOR.full_name, source="/primetrade/test", subject=subject,
        time=datetime.now(UTC), sequence=sequence, data=message.SerializeToString(),
    )  # fmt: skip


@dataclass
class Gateway:
    """A running gateway."""

    process: Process
    origin: str

    @property
    def streams(self) -> Streams:
        return self.process.component(Streams)


@asynccontextmanager
async def gateway(
    target: str, where: dict[str, Any], clock: Clock | None = None, reads: bool = True, **settings: Any
) -> AsyncIterator[Gateway]:
    """A gateway that reads this Kafka, with services at the target."""
    targets = dict.fromkeys(("auth_target", "users_target", "tasks_target", "notify_target"), target)
    own = {"gateway_port": 0, **TESTED, **PLENTY}
    process = build(Settings.model_validate({**own, **targets, **where, **settings}), clock)
    async with process.running():
        origin = f"http://127.0.0.1:{process.component(HttpServer).port}"
        await eventually(lambda: ready(origin), "the gateway is ready and nothing is degraded")
        gateway = Gateway(process, origin)
        if reads:
            await eventually(lambda: gateway.streams.reading, "the log is read")
        yield gateway


@dataclass(frozen=True)
class Told:
    """An event as it came."""

    name: str
    data: dict[str, Any]
    id: str

    @property
    def what(self) -> str:
        """The event in a word."""
        told = self.data.get("task") or self.data.get("notification") or {}
        return str(told.get("title") or self.data.get("reason") or self.data.get("taskId"))


@dataclass
class Reader:
    """Reads a stream as the standard has it (WHATWG HTML, 9.2.6), and remembers the last id."""

    response: httpx.Response
    last_id: str = ""
    ids: list[str] = field(default_factory=list)
    comments: int = 0

    def __post_init__(self) -> None:
        self._lines = self.response.aiter_lines()

    async def next(self) -> Told | None:
        """The next event, None at the end."""
        async with asyncio.timeout(_SECONDS):
            return await self._next()

    async def _next(self) -> Told | None:
        name, data = "", ""
        async for line in self._lines:
            word, _, value = line.partition(": ")
            if word == "id":
                self.last_id = value
            elif word == "event":
                name = value
            elif word == "data":
                data = value
            elif word == ":":
                self.comments += 1
            elif not line:
                self.ids.append(self.last_id)
                if data:
                    return Told(name, json.loads(data), self.last_id)
        return None

    async def begun(self) -> "Reader":
        """This, once there is an id: from then on nothing is missed."""
        async for line in self._lines:
            if line.startswith("id: "):
                self.last_id = line.removeprefix("id: ")
                return self
        raise AssertionError("the stream ended before it began")

    async def named(self, name: str, **fields: Any) -> Told:
        """The next event of that name, whose notification or task has these fields; others are passed over."""
        (found,) = await self.unordered((name, fields))
        return found

    async def unordered(self, *wanted: tuple[str, Mapping[str, Any]]) -> list[Told]:
        """For each of these names and fields the next event: of several topics none is bound to come first."""
        found: dict[int, Told] = {}
        while len(found) < len(wanted):
            told = await self.next()
            assert told, f"the stream ended before {wanted}"
            about = told.data.get("task") or told.data.get("notification") or {}
            for index, (name, fields) in enumerate(wanted):
                if told.name == name and fields.items() <= about.items():
                    found.setdefault(index, told)
        return [found[index] for index in range(len(wanted))]

    async def take(self, count: int) -> list[Told]:
        """The next so many events."""
        found = [await self.next() for _ in range(count)]
        assert None not in found, f"the stream ended: {found}"
        return [told for told in found if told]

    async def says(self, *what: str) -> list[Told]:
        """The next events, which must be these."""
        found = await self.take(len(what))
        assert [told.what for told in found] == [*what]
        return found


@asynccontextmanager
async def reading(origin: str, token: str, last_id: str = "", begun: bool = True) -> AsyncIterator[Reader]:
    """A client of the stream."""
    headers = {"authorization": f"Bearer {token}"} | ({"last-event-id": last_id} if last_id else {})
    async with (
        http_client(origin) as client,
        client.stream("GET", PATH, headers=headers) as response,
    ):
        assert response.status_code == 200, (await response.aread()).decode()
        reader = Reader(response)
        if begun and not last_id:
            await reader.begun()
        yield reader
