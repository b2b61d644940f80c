"""A reader without a group: every process reads all of its topics for itself, and commits nothing."""

import asyncio
import math
import time
from abc import abstractmethod
from collections.abc import Mapping, Sequence

import structlog
from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from aiokafka.errors import KafkaError, UnknownTopicOrPartitionError

from chassis.background import Background
from chassis.cancelling import cancel
from chassis.events.consuming.closing import close
from chassis.events.topics import Topic
from chassis.process import ready
from chassis.settings import Settings

ATTEMPT_SECONDS = 20.0
STOP_SECONDS = 3.0
PAUSE_SECONDS = 1.0
LOOK_SECONDS = 2.0
"""How long the broker has to tell where its log ends."""

log = structlog.get_logger(__name__)


class Groupless(Background):
    """Component: reads the topics from where `_begin` puts it, and hands each record to `_hear`, as it comes.

    Entering raises EngineAway when Kafka or a topic is not there within `patience` seconds; with a patience of None the
    process starts without them, and reads once they are there. What `_hear` raises ends the process. About every second
    it is certain how far it is (`_caught_up`), or that it is not (`_missing`): aiokafka reads silence while its broker
    is away.
    """

    _reset = "latest"
    """What the client does when the broker does not have the offset that is to be read."""
    _fetch_ms = 500

    def __init__(self, settings: Settings, topics: Sequence[Topic], purpose: str, patience: float | None) -> None:
        self._settings, self._patience = settings, patience
        self._topics = [topic.name(settings.kafka_prefix) for topic in topics]
        self._looked_at = float("-inf")
        self._ends: Mapping[TopicPartition, int] = {}
        self._kafka: AIOKafkaConsumer | None = None
        self._attempt: asyncio.Task[AIOKafkaConsumer] | None = None
        self.name = f"{purpose} {', '.join(self._topics)}"

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

    @abstractmethod
    async def _begin(self, kafka: AIOKafkaConsumer, partitions: Sequence[TopicPartition]) -> None:
        """Seek to where reading begins. Raises KafkaError."""

    @abstractmethod
    async def _hear(self, record: ConsumerRecord) -> None: ...

    @abstractmethod
    async def _listen(self, kafka: AIOKafkaConsumer) -> Sequence[ConsumerRecord]:
        """The next records, after about half a second none. Raises KafkaError."""

    def _followed(self) -> bool:
        """Whether anybody wants to know how far this is."""
        return True

    async def _told_ends(self, kafka: AIOKafkaConsumer, ends: Mapping[TopicPartition, int]) -> None:
        """The broker has told where its log ends. Raises KafkaError."""

    @abstractmethod
    def _missing(self) -> None:
        """Events may be missed, or have been: the broker does not answer, or its log began anew."""

    @abstractmethod
    def _caught_up(self, until: float) -> None:
        """Everything that the topics held at that time (`time.monotonic`) was heard, but what was `_missing`."""

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
            auto_offset_reset=self._reset,
        )
        try:
            async with asyncio.timeout(ATTEMPT_SECONDS):
                await kafka.start()
                partitions = [found for topic in self._topics for found in await _partitions(kafka, topic)]
                kafka.assign(partitions)
                await self._begin(kafka, partitions)
        except BaseException:
            await close(kafka, STOP_SECONDS)
            raise
        return kafka

    async def _run(self) -> None:
        kafka = self._kafka or await self._connected(math.inf)
        while True:
            try:
                records = await self._listen(kafka)
            except KafkaError as error:
                log.warning("broadcast_unheard", topics=self._topics, error=repr(error))
                self._uncertain()
                await asyncio.sleep(PAUSE_SECONDS)
                continue
            for record in records:
                await self._hear(record)
            if self._followed():
                await self._look(kafka)

    async def _look(self, kafka: AIOKafkaConsumer) -> None:
        """Ask the broker, once a second, where its log ends, and tell when all of that was handled."""
        try:
            async with asyncio.timeout(LOOK_SECONDS):
                if not self._ends and time.monotonic() - self._looked_at >= PAUSE_SECONDS:
                    self._looked_at = time.monotonic()
                    self._ends = await kafka.end_offsets(list(kafka.assignment()))
                    await self._told_ends(kafka, self._ends)
                if not self._ends or not await _reached(kafka, self._ends):
                    return
        except (KafkaError, TimeoutError) as error:
            log.debug("broadcast_uncertain", topics=self._topics, error=repr(error))
            self._uncertain()
        else:
            self._caught_up(self._looked_at)
            self._ends = {}

    def _uncertain(self) -> None:
        self._ends = {}  # of a log that may be another one now
        self._missing()


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
