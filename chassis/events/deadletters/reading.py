"""Reading topics of dead letters with a plain client: without a group, so that it takes nothing away from anybody."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Sequence
from contextlib import aclosing, asynccontextmanager, contextmanager
from dataclasses import dataclass

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from aiokafka.errors import KafkaError

from chassis.errors import NotFound, Unavailable
from chassis.events.consuming.closing import close
from chassis.events.deadletters.letter import LetterId
from chassis.events.topics import MAX_BATCH_BYTES, STORY_BYTES
from chassis.settings import Settings

RESOURCE = "dead letter"
PARTITION = 0
"""Topics of dead letters are declared with one partition."""
CHUNK_RECORDS = 100
ATTEMPT_SECONDS = 10.0
STOP_SECONDS = 3.0
_MORE_MS = 2_000
"""How long a record is awaited where the broker says that there is none. A fetch that is under way at another offset
may hold the broker for half a second first."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """The offsets of what a topic holds: from `begin` to before `end`."""

    begin: int
    end: int


@contextmanager
def broker_calls() -> Iterator[None]:
    """Say of a broker that fails or does not answer, in the suite's language, that it is Unavailable."""
    try:
        yield
    except (KafkaError, TimeoutError) as error:
        raise Unavailable(f"Kafka did not answer: {type(error).__name__}") from error


class Reader:
    """A connected client. Every method raises Unavailable when the broker does not answer."""

    def __init__(self, kafka: AIOKafkaConsumer) -> None:
        self._kafka = kafka

    @classmethod
    @asynccontextmanager
    async def connected(cls, settings: Settings) -> AsyncIterator["Reader"]:
        """A reader for the block. Raises Unavailable within 10 s."""
        kafka = AIOKafkaConsumer(
            bootstrap_servers=settings.kafka_bootstrap_servers,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            max_partition_fetch_bytes=MAX_BATCH_BYTES + STORY_BYTES,
        )
        try:
            with broker_calls():
                async with asyncio.timeout(ATTEMPT_SECONDS):
                    await kafka.start()
            yield cls(kafka)
        finally:
            await close(kafka, STOP_SECONDS)

    async def topics(self) -> list[str]:
        """The topics of dead letters that exist. (One that is asked for by name may be created by that.)"""
        with broker_calls():
            return sorted(name for name in await self._kafka.topics() if name.endswith(".dlq"))

    async def bounds(self, topic: str) -> Bounds:
        """What the topic holds now."""
        bounds = await self._told(TopicPartition(topic, PARTITION))
        end = bounds.end
        async for chunk in self.chunks(topic, end):
            end = chunk[-1].offset + 1
        return Bounds(bounds.begin, end)

    async def chunks(self, topic: str, start: int) -> AsyncGenerator[Sequence[ConsumerRecord], None]:
        """The records from offset `start` to the end as it is now, in order, a few at a time. Close it when you have
        seen enough."""
        place = TopicPartition(topic, PARTITION)
        bounds = await self._told(place)
        position, end = max(start, bounds.begin), bounds.end
        with broker_calls():
            self._kafka.seek(place, position)
            # The embedded broker's end counts one record of the last batch; a fetch tells its true end.
            certain = bounds.begin == end
            while position < end or not certain:
                wait = _MORE_MS if position >= end else int(ATTEMPT_SECONDS * 1000)
                fetched = await self._kafka.getmany(place, timeout_ms=wait, max_records=CHUNK_RECORDS)
                records = fetched.get(place)
                # An offset beyond the end makes the client begin again.
                if not records or records[0].offset < position:
                    break
                yield records
                position, certain = records[-1].offset + 1, True
                end = max(end, self._kafka.highwater(place) or 0)
            # What was purged meanwhile is no reason to wait for it.
            if position < end and await self._kafka.position(place) < end:
                raise TimeoutError

    async def letter(self, id: LetterId) -> ConsumerRecord:
        """The record of a dead letter. Raises NotFound when there is none at that place."""
        if id.partition == PARTITION:
            async with aclosing(self.chunks(id.topic, id.offset)) as chunks:
                first = await anext(chunks, None)
            if first and first[0].offset == id.offset:
                return first[0]
        raise NotFound(RESOURCE, str(id))

    async def _told(self, place: TopicPartition) -> Bounds:
        with broker_calls():
            async with asyncio.timeout(ATTEMPT_SECONDS):
                self._kafka.assign([place])
                begin = await self._kafka.beginning_offsets([place])
                end = await self._kafka.end_offsets([place])
        return Bounds(begin[place], end[place])
