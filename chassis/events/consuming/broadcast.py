"""Events heard by every process of a service, where its consumer group gives each to one: for what each remembers.

It reads its topic without a group, from its end, and commits nothing. While Kafka is away it hears late, and while it
is not running it hears nothing: what is kept by it needs a bound of its own, such as a cache's time.
"""

import asyncio
from collections.abc import Mapping

import structlog
from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from aiokafka.errors import KafkaError
from google.protobuf.message import Message

from chassis.background import Background
from chassis.events.consuming.closing import close
from chassis.events.consuming.dispatch import Handler
from chassis.events.consuming.rewinding import begins_anew
from chassis.events.envelope import Undecodable, read_event
from chassis.events.topics import Topic
from chassis.process import ready
from chassis.settings import Settings

ATTEMPT_SECONDS = 20.0
STOP_SECONDS = 3.0
PAUSE_SECONDS = 1.0

log = structlog.get_logger(__name__)


class Broadcast(Background):
    """Component: from when it is entered, every event of the topic reaches its handler in this process, as it comes.

    Entering raises EngineAway when Kafka cannot be reached. A record that cannot be read, and a type without a handler,
    are passed over: the consumer group of the service is who answers for them. What a handler raises ends the process.
    """

    def __init__(self, settings: Settings, topic: Topic, handlers: Mapping[type[Message], Handler]) -> None:
        self._settings = settings
        self._topic = topic.name(settings.kafka_prefix)
        self._handlers = {message.DESCRIPTOR.full_name: handler for message, handler in handlers.items()}
        self._kafka: AIOKafkaConsumer | None = None
        self.name = f"broadcast {self._topic}"

    async def __aenter__(self) -> None:
        where = f"Kafka at {self._settings.kafka_bootstrap_servers} ({self.name})"
        await ready(where, self._connect, self._settings.startup_timeout)
        await super().__aenter__()

    async def __aexit__(self, *error: object) -> None:
        await super().__aexit__(*error)
        if self._kafka is not None:
            await close(self._kafka, STOP_SECONDS)

    async def _connect(self) -> None:
        kafka = AIOKafkaConsumer(
            bootstrap_servers=self._settings.kafka_bootstrap_servers,
            enable_auto_commit=False,
            auto_offset_reset="latest",
        )
        partitions = [TopicPartition(self._topic, number) for number in range(self._settings.kafka_partitions)]
        try:
            async with asyncio.timeout(ATTEMPT_SECONDS):
                await kafka.start()
                kafka.assign(partitions)
                await kafka.seek_to_end(*partitions)
        except BaseException:
            await close(kafka, STOP_SECONDS)
            raise
        self._kafka = kafka

    async def _run(self) -> None:
        assert self._kafka is not None  # noqa: S101 - entered
        while True:
            try:
                fetched = await self._kafka.getmany(timeout_ms=1_000)
                if not fetched:
                    for partition in self._kafka.assignment():
                        await begins_anew(self._kafka, partition)
            except KafkaError as error:
                log.warning("broadcast_unheard", topic=self._topic, error=repr(error))
                await asyncio.sleep(PAUSE_SECONDS)
                continue
            for records in fetched.values():
                for record in records:
                    await self._hear(record)

    async def _hear(self, record: ConsumerRecord) -> None:
        try:
            event = read_event(record.headers, record.value)
            handler = self._handlers.get(event.type)
            message = event.message() if handler is not None else None
        except Undecodable:
            return
        if handler is not None:
            await handler(event, message)
