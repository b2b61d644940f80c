"""What the tests of events share: a publisher as plain as any stranger's, and a reader of what a topic holds."""

import contextlib
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime
from uuid import uuid4

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRecord, TopicPartition
from primetrade.tasks.v1 import events_pb2, tasks_pb2

from chassis.events.admin import Topics
from chassis.events.envelope import Event
from chassis.events.topics import TASKS, Topic
from chassis.settings import Settings
from chassis.testing.engines import Engines

CREATED = "primetrade.tasks.v1.TaskCreated"
COMPLETED = "primetrade.tasks.v1.TaskCompleted"
TRACEPARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


def settings_for(engines: Engines, **changed: object) -> Settings:
    """Settings with topics and groups of their own."""
    values: dict[str, object] = {
        "kafka_bootstrap_servers": engines.kafka_bootstrap_servers,
        "kafka_idempotence": engines.kafka_idempotence,
        "kafka_prefix": f"t{uuid4().hex[:8]}",
    }
    return Settings.model_validate(Settings().model_dump() | values | changed)


def task_event(subject: str, sequence: int = 1, type: str = CREATED, data: bytes | None = None) -> Event:
    """An event of a task named `subject`."""
    message = events_pb2.TaskCreated(task=tasks_pb2.Task(id=subject, title=f"Task {sequence}"))
    return Event(
        id=uuid4(),
        type=type,
        source="/primetrade/tasks",
        subject=subject,
        time=datetime.now(UTC),
        sequence=sequence,
        data=message.SerializeToString() if data is None else data,
        actor="a-1",
        traceparent=TRACEPARENT,
    )


class Publisher:
    """Writes records to a topic: that of tasks, if no other is named."""

    def __init__(self, settings: Settings, topic: Topic = TASKS) -> None:
        self.topic = topic.name(settings.kafka_prefix)
        self._settings, self._published = settings, topic
        self._producer: AIOKafkaProducer | None = None

    async def __aenter__(self) -> "Publisher":
        async with Topics(self._settings, "publisher", publishes=[self._published]):
            pass  # a broker may create a topic it is asked for, with any number of partitions
        self._producer = AIOKafkaProducer(
            bootstrap_servers=self._settings.kafka_bootstrap_servers,
            enable_idempotence=False,
            max_request_size=4 * 1024 * 1024,
        )
        await self._producer.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._producer is not None
        await self._producer.stop()

    async def publish(self, *events: Event, partition: int = 0) -> None:
        """Write events as the relay does."""
        for event in events:
            await self.write(event.key, event.data, event.headers(), partition)

    async def write(
        self, key: bytes | None, value: bytes | None, headers: Sequence[tuple[str, bytes]], partition: int = 0
    ) -> int:
        """Write any record; its offset."""
        assert self._producer is not None
        written = await self._producer.send_and_wait(self.topic, value, key, partition, headers=list(headers))
        offset: int = written.offset
        return offset


@contextlib.asynccontextmanager
async def reader(settings: Settings, group: str | None = None) -> AsyncIterator[AIOKafkaConsumer]:
    """A plain client without a subscription."""
    client = AIOKafkaConsumer(
        bootstrap_servers=settings.kafka_bootstrap_servers, group_id=group, enable_auto_commit=False,
        auto_offset_reset="earliest", max_partition_fetch_bytes=8 * 1024 * 1024,
    )  # fmt: skip
    await client.start()
    try:
        yield client
    finally:
        await client.stop()


async def records_of(settings: Settings, topic: str, partition: int = 0) -> list[ConsumerRecord]:
    """Everything a partition holds now."""
    name, found = TopicPartition(topic, partition), []
    async with reader(settings) as client:
        client.assign([name])
        end = (await client.end_offsets([name]))[name]
        while await client.position(name) < end:
            found.append(await client.getone(name))
    return found


async def dead_letters_of(settings: Settings, service: str) -> list[ConsumerRecord]:
    """The dead letters that a service has put aside from the topic of tasks."""
    return await records_of(settings, TASKS.dead_letters(settings.kafka_prefix, service))


async def committed(settings: Settings, group: str, partition: int = 0) -> int | None:
    """The offset a group has committed in the topic of tasks."""
    async with reader(settings, group) as client:
        offset: int | None = await client.committed(TopicPartition(TASKS.name(settings.kafka_prefix), partition))
        return offset
