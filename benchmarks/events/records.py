"""What the arms share: settings of their own, records as the relay writes them, and a producer and consumer without any
of our code around them."""

import contextlib
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from uuid import uuid4

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from primetrade.tasks.v1 import events_pb2, tasks_pb2

from chassis.clock import ordered_id
from chassis.events.admin import Topics
from chassis.events.envelope import Event
from chassis.events.topics import MAX_BATCH_BYTES, TASKS
from chassis.settings import ServiceSettings
from chassis.testing.engines import Engines

TYPE = "primetrade.tasks.v1.TaskUpdated"


def settings_on(engines: Engines) -> ServiceSettings:
    """Topics and a database of this round's own."""
    name = f"bench-{uuid4().hex[:8]}"
    changed = {
        "mongo_url": engines.mongo_url,
        "mongo_database": name,
        "kafka_bootstrap_servers": engines.kafka_bootstrap_servers,
        "kafka_idempotence": engines.kafka_idempotence,
        "kafka_prefix": name,
    }
    return ServiceSettings.model_validate(ServiceSettings().model_dump() | changed)


def event(number: int, *, sampled: bool = False) -> Event:
    """An event of a task of its own, told within a trace."""
    subject = str(ordered_id())
    task = tasks_pb2.Task(
        id=subject, owner_id=str(ordered_id()), title=f"Task {number}", description="What there is to do about it",
        status=tasks_pb2.TASK_STATUS_PENDING, priority=tasks_pb2.TASK_PRIORITY_HIGH, etag="1",
    )  # fmt: skip
    task.create_time.FromDatetime(datetime.now(UTC))
    return Event(
        id=ordered_id(),
        type=TYPE,
        source="/primetrade/tasks",
        subject=subject,
        time=datetime.now(UTC),
        sequence=1,
        data=events_pb2.TaskUpdated(task=task).SerializeToString(),
        actor=str(uuid4()),
        traceparent=f"00-{uuid4().hex}-b7ad6b7169203331-{int(sampled):02x}",
    )


@contextlib.asynccontextmanager
async def bare_producer(settings: ServiceSettings) -> AsyncIterator[AIOKafkaProducer]:
    """aiokafka's producer with the relay's acknowledgements and batch size. The topic of tasks is there."""
    async with Topics(settings, "bench", publishes=[TASKS]):
        producer = AIOKafkaProducer(
            bootstrap_servers=settings.kafka_bootstrap_servers, acks="all", max_batch_size=MAX_BATCH_BYTES,
            enable_idempotence=settings.kafka_idempotence,
        )  # fmt: skip
        await producer.start()
        try:
            yield producer
        finally:
            await producer.stop()


@contextlib.asynccontextmanager
async def bare_consumer(settings: ServiceSettings) -> AsyncIterator[AIOKafkaConsumer]:
    """aiokafka's consumer, in a group, on the topic of tasks from its start. It owns every partition."""
    consumer = AIOKafkaConsumer(
        TASKS.name(settings.kafka_prefix), bootstrap_servers=settings.kafka_bootstrap_servers,
        group_id=f"{settings.kafka_prefix}.bare", enable_auto_commit=False, auto_offset_reset="earliest",
        max_partition_fetch_bytes=MAX_BATCH_BYTES, session_timeout_ms=int(settings.kafka_session_timeout * 1_000),
    )  # fmt: skip
    await consumer.start()
    try:
        yield consumer
    finally:
        await consumer.stop()
