"""The notify service as tests meet it: the real composition root, spoken to through gRPC, Kafka and SMTP alone."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from google.protobuf.field_mask_pb2 import FieldMask
from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp
from primetrade.auth.v1 import auth_pb2
from primetrade.auth.v1 import events_pb2 as auth_events
from primetrade.notify.v1 import notify_pb2, notify_pb2_grpc
from primetrade.tasks.v1 import events_pb2 as task_events
from primetrade.tasks.v1 import tasks_pb2

from chassis.clock import Clock, SystemClock
from chassis.events.envelope import Event, read_event
from chassis.events.topics import AUTH, NOTIFICATIONS, TASKS, Topic
from chassis.mongo import Document, Mongo
from chassis.process import Process
from chassis.rpc.client import ServiceChannel, bearer
from chassis.rpc.server import RpcServer
from chassis.testing.engines import Engines
from chassis.testing.eventually import eventually
from chassis.testing.issuer import Issuer
from services.notify.app import SERVICE, build
from services.notify.domain.derivation import derived_id
from services.notify.settings import Settings

DUE_SOON = notify_pb2.NOTIFICATION_TYPE_TASK_DUE_SOON
COMPLETED = notify_pb2.NOTIFICATION_TYPE_TASK_COMPLETED
WELCOME = notify_pb2.NOTIFICATION_TYPE_WELCOME


def settings_for(engines: Engines, issuer: Issuer, **changed: Any) -> Settings:
    """Settings with a database and topics of their own, and every pause short."""
    own = uuid4().hex[:8]
    values: dict[str, Any] = {
        "auth_target": issuer.target,
        "mongo_url": engines.mongo_url,
        "mongo_database": f"notify-{own}",
        "mongo_min_pool_size": 0,
        "kafka_bootstrap_servers": engines.kafka_bootstrap_servers,
        "kafka_idempotence": engines.kafka_idempotence,
        "kafka_prefix": f"t{own}",
        "kafka_partitions": 2,
        "grpc_drain_notice": 0,
        # Short, because a consumer joins its group within two heartbeats, each a quarter of it.
        "kafka_session_timeout": 3,
        "mail_every": 0.05,
        "mail_first_pause": 0.05,
        "mail_longest_pause": 0.2,
        "reminders_every": 0.1,
    }
    return Settings(**{**values, **changed})


class MovedClock(SystemClock):
    """The machine's clock, put forward at will."""

    def __init__(self) -> None:
        self._ahead = timedelta()

    def now(self) -> datetime:
        return super().now() + self._ahead

    def move(self, by: timedelta) -> None:
        self._ahead += by


@dataclass
class Task:
    """A task as its service tells of it: every change is an event of the next number."""

    owner: UUID
    title: str = "Pay the rent"
    due: datetime | None = None
    status: "tasks_pb2.TaskStatus.ValueType" = tasks_pb2.TASK_STATUS_PENDING
    sequence: int = 0
    id: UUID = field(default_factory=uuid4)

    def created(self) -> Event:
        return self._event(task_events.TaskCreated(task=self._message()))

    def updated(self, **changed: Any) -> Event:
        for name, value in changed.items():
            setattr(self, name, value)
        return self._event(task_events.TaskUpdated(task=self._message(), changed=FieldMask(paths=list(changed))))

    def completed(self) -> Event:
        self.status = tasks_pb2.TASK_STATUS_COMPLETED
        return self._event(task_events.TaskCompleted(task=self._message()))

    def deleted(self) -> Event:
        return self._event(task_events.TaskDeleted(task_id=str(self.id), owner_id=str(self.owner)))

    def _message(self) -> tasks_pb2.Task:
        due = None
        if self.due is not None:
            due = Timestamp()
            due.FromDatetime(self.due)
        return tasks_pb2.Task(
            id=str(self.id), owner_id=str(self.owner), title=self.title, status=self.status, due_time=due
        )

    def _event(self, message: Message) -> Event:
        self.sequence += 1
        return event_of(message, str(self.id), self.sequence)


def event_of(message: Message, subject: str, sequence: int = 1, traceparent: str = "") -> Event:
    return Event(
        id=uuid4(),
        type=message.DESCRIPTOR.full_name,
        source="/primetrade/test",
        subject=subject,
        time=datetime.now(UTC),
        sequence=sequence,
        data=message.SerializeToString(),
        traceparent=traceparent,
    )


def registered(person: UUID, name: str = "Ada Lovelace", email: str | None = None, traceparent: str = "") -> Event:
    account = auth_pb2.Account(
        id=str(person), name=name, email=f"{person.hex}@example.com" if email is None else email, roles=["user"]
    )
    return event_of(auth_events.AccountRegistered(account=account), str(person), traceparent=traceparent)


class House:
    """A running notify service and the ways to it."""

    def __init__(self, settings: Settings, issuer: Issuer, process: Process, producer: AIOKafkaProducer) -> None:
        self.settings, self.process, self._issuer, self._producer = settings, process, issuer, producer
        port = process.component(RpcServer).port
        self.channel = ServiceChannel(f"127.0.0.1:{port}", SERVICE.full_name, timeout=20)
        self.stub = notify_pb2_grpc.NotificationsServiceStub(self.channel)

    async def publish(self, *events: Event, key: bytes | None = None) -> None:
        """Publish as a neighbour does: a plain producer, the promised headers."""
        for event in events:
            topic = AUTH if event.type.startswith("primetrade.auth.") else TASKS
            await self._producer.send_and_wait(
                self._name(topic), event.data, key=key or event.key, headers=event.headers()
            )

    async def handled(self, event: Event) -> None:
        """Wait until everything published before with this event's key has been handled."""
        if event.type.startswith("primetrade.auth."):
            mark = registered(uuid4())
            last = "deliveries", derived_id("welcome-mail", mark.id)
        else:
            task = Task(uuid4())
            mark = task.completed()
            last = "reminders", task.id
        await self.publish(mark, key=event.key)
        await eventually(lambda: self.document(*last), "the mark to be handled")

    async def document(self, collection: str, id: UUID) -> Document | None:
        return await self.process.component(Mongo).collection(collection).find_one({"_id": id})

    async def documents(self, collection: str) -> list[Document]:
        return await self.process.component(Mongo).collection(collection).find({}).to_list(None)

    async def page(self, owner: UUID, **request: Any) -> notify_pb2.ListNotificationsResponse:
        message = notify_pb2.ListNotificationsRequest(**request)
        response: notify_pb2.ListNotificationsResponse = await self.stub.ListNotifications(
            message, metadata=bearer(self.token(owner))
        )
        return response

    async def inbox(self, owner: UUID) -> list[notify_pb2.Notification]:
        return list((await self.page(owner, page_size=100)).notifications)

    async def arrived(self, owner: UUID, count: int = 1) -> list[notify_pb2.Notification]:
        """The inbox once it holds at least so many entries, latest first."""

        async def enough() -> list[notify_pb2.Notification]:
            found = await self.inbox(owner)
            return found if len(found) >= count else []

        return await eventually(enough, f"{count} entries in the inbox")

    async def mark(
        self, owner: UUID, id: str, read: bool = True, etag: str = "", mask: tuple[str, ...] = ("read",)
    ) -> notify_pb2.Notification:
        request = notify_pb2.UpdateNotificationRequest(
            notification=notify_pb2.Notification(id=id, read=read, etag=etag), update_mask=FieldMask(paths=mask)
        )
        response: notify_pb2.Notification = await self.stub.UpdateNotification(
            request, metadata=bearer(self.token(owner))
        )
        return response

    def token(self, owner: UUID) -> str:
        return self._issuer.token(str(owner), exp=2**32)

    async def published(self, subject: str, count: int) -> list[Event]:
        """All events about a subject that are on the notifications topic, once there are at least `count`."""

        async def enough() -> list[Event]:
            found = [event for event in await self.all_published() if event.subject == subject]
            return found if len(found) >= count else []

        return await eventually(enough, f"{count} events about {subject}")

    async def all_published(self, topic: Topic = NOTIFICATIONS) -> list[Event]:
        """Everything that is on a topic now."""
        kafka = self.settings.kafka_bootstrap_servers
        consumer = AIOKafkaConsumer(bootstrap_servers=kafka, auto_offset_reset="earliest")
        await consumer.start()
        try:
            partitions = [TopicPartition(self._name(topic), n) for n in range(self.settings.kafka_partitions)]
            consumer.assign(partitions)
            ends = await consumer.end_offsets(partitions)
            events = []
            for partition in partitions:
                while await consumer.position(partition) < ends[partition]:
                    for record in (await consumer.getmany(partition, timeout_ms=500)).get(partition, ()):
                        events.append(read_event(record.headers, record.value))
            return events
        finally:
            await consumer.stop()

    def _name(self, topic: Topic) -> str:
        return topic.name(self.settings.kafka_prefix)


@asynccontextmanager
async def opened(settings: Settings, issuer: Issuer, clock: Clock | None = None) -> AsyncIterator[House]:
    """The service running with these settings."""
    process = build(settings, clock)
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(process.running())
        producer = AIOKafkaProducer(
            bootstrap_servers=settings.kafka_bootstrap_servers, enable_idempotence=settings.kafka_idempotence
        )
        await producer.start()
        stack.push_async_callback(producer.stop)
        house = House(settings, issuer, process, producer)
        yield await stack.enter_async_context(_closing(house))


@asynccontextmanager
async def _closing(house: House) -> AsyncIterator[House]:
    async with house.channel:
        yield house
