"""Dead letters: where a record goes that cannot be handled, with its whole story in headers.

Key, value and headers stay as they were, so that a dead letter can be inspected and redriven as it came.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

import structlog
from aiokafka import AIOKafkaProducer, ConsumerRecord
from aiokafka.errors import KafkaError

from chassis.clock import Clock
from chassis.events.admin import WrongTopic
from chassis.events.topics import MAX_BATCH_BYTES, STORY_BYTES
from chassis.process import EngineAway
from chassis.settings import Settings

log = structlog.get_logger(__name__)

REASON_CHARACTERS = 1_000
STOP_SECONDS = 5.0
PAUSE_SECONDS = 0.2


class DeadLetterFailed(Exception):
    """A dead letter could not be written. The consumer stops rather than passes the record."""


@dataclass(frozen=True, slots=True)
class Story:
    """Why a record was put aside, and after how many attempts."""

    reason: str
    attempts: int


class DeadLetters:
    """Writes dead letters of one consumer group, each acknowledged by all replicas in sync.

    `topics` maps the name of a topic to that of its dead letters; `make` makes those that a broker has lost. A write
    gives up after `timeout` seconds.
    """

    def __init__(
        self,
        settings: Settings,
        group: str,
        topics: Mapping[str, str],
        make: Callable[[], Awaitable[None]],
        clock: Clock,
        timeout: float = 30.0,
    ) -> None:
        self._settings, self._group, self._topics, self._make = settings, group, topics, make
        self._clock, self._timeout = clock, timeout
        self._producer: AIOKafkaProducer | None = None

    async def start(self) -> None:
        """Connect. Raises KafkaError, leaving nothing open."""
        producer = AIOKafkaProducer(
            bootstrap_servers=self._settings.kafka_bootstrap_servers,
            acks="all",
            enable_idempotence=self._settings.kafka_idempotence,
            max_request_size=MAX_BATCH_BYTES + STORY_BYTES,
        )
        try:
            await producer.start()
        except BaseException:
            await producer.stop()
            raise
        self._producer = producer

    async def stop(self) -> None:
        """Disconnect, within 5 s even when the broker is away."""
        if self._producer is None:
            return
        try:
            await asyncio.wait_for(self._producer.stop(), STOP_SECONDS)
        except (TimeoutError, KafkaError) as error:
            log.warning("dead_letters_not_closed", error=repr(error))
        self._producer = None

    async def put(self, record: ConsumerRecord, story: Story) -> None:
        """Write the record to the dead letters of its topic. Raises DeadLetterFailed when that is not certain."""
        if self._producer is None:
            raise DeadLetterFailed("the dead letters are closed")
        # aiokafka refuses a record with neither key nor value.
        value = b"" if record.key is None and record.value is None else record.value
        try:
            async with asyncio.timeout(self._timeout):
                await self._there(self._producer, self._topics[record.topic])
                await self._producer.send_and_wait(
                    self._topics[record.topic], value=value, key=record.key, headers=self._headers(record, story)
                )
        except (KafkaError, TimeoutError, EngineAway, WrongTopic) as error:
            where = f"{record.topic}[{record.partition}]@{record.offset}"
            raise DeadLetterFailed(
                f"{where} could not be written to {self._topics[record.topic]}: {error!r}"
            ) from error

    async def _there(self, producer: AIOKafkaProducer, topic: str) -> None:
        """Wait until the topic is there. The embedded broker acknowledges records for one that it has lost."""
        while True:
            try:
                if topic in (await producer.client.fetch_all_metadata()).topics():
                    return
                log.warning("dead_letters_lost", topic=topic)
                await self._make()
            except KafkaError as error:
                log.debug("dead_letters_unseen", topic=topic, error=repr(error))
                await asyncio.sleep(PAUSE_SECONDS)

    def _headers(self, record: ConsumerRecord, story: Story) -> list[tuple[str, bytes]]:
        told = {
            "dlq_reason": story.reason[:REASON_CHARACTERS],
            "dlq_topic": record.topic,
            "dlq_partition": str(record.partition),
            "dlq_offset": str(record.offset),
            "dlq_attempts": str(story.attempts),
            "dlq_group": self._group,
            "dlq_time": self._clock.now().isoformat().replace("+00:00", "Z"),
        }
        # A redriven record may come back: the story told is the last one.
        kept = [(name, value) for name, value in record.headers if name not in told]
        return [*kept, *((name, value.encode()) for name, value in told.items())]
