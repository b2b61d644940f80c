"""Events heard by every process of a service, where its consumer group gives each to one: for what each remembers.

It reads its topic without a group, from its end, and commits nothing. While Kafka is away it hears late, and while it
is not running it hears nothing: what is kept by it needs a bound of its own, such as a cache's time, or a follower that
asks elsewhere for what was missed.
"""

import asyncio
import math
import time
from collections.abc import Mapping
from typing import Protocol

import structlog
from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from aiokafka.errors import KafkaError, UnknownTopicOrPartitionError
from google.protobuf.message import Message

from chassis.background import Background
from chassis.cancelling import cancel
from chassis.events.consuming.closing import close
from chassis.events.consuming.handler import Handler
from chassis.events.consuming.rewinding import begins_anew
from chassis.events.envelope import Undecodable, read_event
from chassis.events.topics import Topic
from chassis.process import ready
from chassis.settings import Settings

ATTEMPT_SECONDS = 20.0
STOP_SECONDS = 3.0
PAUSE_SECONDS = 1.0
LOOK_SECONDS = 2.0
"""How long the broker has to tell where its log ends."""
_FETCH_MS = 1_000
_FOLLOWED_FETCH_MS = 500

log = structlog.get_logger(__name__)


class Follower(Protocol):
    """Who must know whether what was heard is everything."""

    def missing(self) -> None:
        """Events may be missed, or have been: the broker does not answer, or its log began anew."""
        ...

    def caught_up(self, until: float) -> None:
        """Everything that the topic held at that time (`time.monotonic`) was handled, but what was `missing`."""
        ...


class Broadcast(Background):
    """Component: from when it is entered, every event of the topic reaches its handler in this process, as it comes.

    Entering raises EngineAway when Kafka or the topic is not there within `patience` seconds; with a patience of None
    the process starts without them, and hears once they are there. A record that cannot be read, and a type without a
    handler, are passed over: the consumer group of the service is who answers for them. What a handler raises ends the
    process. A follower is told about every second how far this is.
    """

    def __init__(
        self,
        settings: Settings,
        topic: Topic,
        handlers: Mapping[type[Message], Handler],
        patience: float | None,
        follower: Follower | None = None,
    ) -> None:
        self._settings = settings
        self._topic = topic.name(settings.kafka_prefix)
        self._handlers = {message.DESCRIPTOR.full_name: handler for message, handler in handlers.items()}
        self._patience, self._follower = patience, follower
        self._looked_at = float("-inf")
        self._ends: Mapping[TopicPartition, int] = {}
        self._kafka: AIOKafkaConsumer | None = None
        self._attempt: asyncio.Task[AIOKafkaConsumer] | None = None
        self.name = f"broadcast {self._topic}"

    async def __aenter__(self) -> None:
        if self._patience is not None:
            try:
                await self._connected(self._patience)
            except BaseException:
                await self._closed()
                raise
        await super().__aenter__()

    async def __aexit__(self, *error: object) -> None:
        await super().__aexit__(*error)
        await self._closed()

    async def _connected(self, seconds: float) -> AIOKafkaConsumer:
        where = f"Kafka at {self._settings.kafka_bootstrap_servers} ({self.name})"
        self._kafka = await ready(where, self._attempted, seconds)
        return self._kafka

    async def _attempted(self) -> AIOKafkaConsumer:
        # Not cancelled with who waits for it: aiokafka leaves a connection open that is cut while it is being opened.
        self._attempt = asyncio.create_task(self._connect(), name=f"{self.name} connecting")
        return await asyncio.shield(self._attempt)

    async def _closed(self) -> None:
        kafka, attempt = self._kafka, self._attempt
        if kafka is None and attempt is not None:
            await asyncio.wait({attempt}, timeout=STOP_SECONDS)
            await cancel([attempt])
            kafka = None if attempt.cancelled() or attempt.exception() else attempt.result()
        if kafka is not None:
            await close(kafka, STOP_SECONDS)

    async def _connect(self) -> AIOKafkaConsumer:
        kafka = AIOKafkaConsumer(
            bootstrap_servers=self._settings.kafka_bootstrap_servers,
            enable_auto_commit=False,
            auto_offset_reset="latest",
        )
        try:
            async with asyncio.timeout(ATTEMPT_SECONDS):
                await kafka.start()
                partitions = await _partitions(kafka, self._topic)
                kafka.assign(partitions)
                await kafka.seek_to_end(*partitions)
        except BaseException:
            await close(kafka, STOP_SECONDS)
            raise
        return kafka

    async def _run(self) -> None:
        kafka = self._kafka or await self._connected(math.inf)
        timeout = _FETCH_MS if self._follower is None else _FOLLOWED_FETCH_MS
        while True:
            try:
                fetched = await kafka.getmany(timeout_ms=timeout)
                if not fetched:
                    await self._begin_anew(kafka)
            except KafkaError as error:
                log.warning("broadcast_unheard", topic=self._topic, error=repr(error))
                self._uncertain()
                await asyncio.sleep(PAUSE_SECONDS)
                continue
            for records in fetched.values():
                for record in records:
                    await self._hear(record)
            if self._follower is not None:
                await self._look(kafka, self._follower)

    async def _begin_anew(self, kafka: AIOKafkaConsumer) -> None:
        for partition in kafka.assignment():
            if await begins_anew(kafka, partition):
                self._uncertain()

    async def _look(self, kafka: AIOKafkaConsumer, follower: Follower) -> None:
        """Ask the broker, once a second, where its log ends, and tell the follower when all of that was handled."""
        try:
            async with asyncio.timeout(LOOK_SECONDS):
                if not self._ends and time.monotonic() - self._looked_at >= PAUSE_SECONDS:
                    self._looked_at = time.monotonic()
                    self._ends = await kafka.end_offsets(list(kafka.assignment()))
                if not self._ends or not await _reached(kafka, self._ends):
                    return
        except (KafkaError, TimeoutError) as error:
            log.debug("broadcast_uncertain", topic=self._topic, error=repr(error))
            self._uncertain()
        else:
            follower.caught_up(self._looked_at)
            self._ends = {}

    def _uncertain(self) -> None:
        self._ends = {}  # of a log that may be another one now
        if self._follower is not None:
            self._follower.missing()

    async def _hear(self, record: ConsumerRecord) -> None:
        try:
            event = read_event(record.headers, record.value)
            handler = self._handlers.get(event.type)
            message = event.message() if handler is not None else None
        except Undecodable:
            return
        if handler is not None:
            await handler(event, message)


async def _partitions(kafka: AIOKafkaConsumer, topic: str) -> list[TopicPartition]:
    """All that the broker has of the topic: one left out would be missed in silence. Raises KafkaError for none."""
    # Asks for all topics; the client's own look-up knows only those that it reads already.
    cluster = await kafka._client.fetch_all_metadata()
    if not (numbers := cluster.partitions_for_topic(topic)):
        raise UnknownTopicOrPartitionError(f"there is no topic {topic} yet")
    return [TopicPartition(topic, number) for number in sorted(numbers)]


async def _reached(kafka: AIOKafkaConsumer, ends: Mapping[TopicPartition, int]) -> bool:
    for partition, end in ends.items():
        if await kafka.position(partition) < end:
            return False
    return True
