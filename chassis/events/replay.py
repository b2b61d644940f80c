"""Reading topics again from their start, beside the live consumer and without its group."""

import asyncio
from collections.abc import AsyncIterator, Collection, Iterable, Mapping, Sequence

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from google.protobuf.message import Message

from chassis.events.consuming.closing import close
from chassis.events.envelope import Event, Undecodable, read_event
from chassis.events.topics import MAX_BATCH_BYTES, Topic
from chassis.process import ready
from chassis.settings import Settings

BATCH = 1_000
CONNECT_SECONDS = 20.0
FETCH_SECONDS = 0.2
SILENCE_SECONDS = 30.0
STOP_SECONDS = 3.0


class Silent(Exception):
    """The broker told of records and did not send them."""


class Replay:
    """Async context manager: every event of the topics from the oldest that is kept, in order within a partition.

    Enter it once the Topics are there. It takes nothing away from anybody. Should the broker delete records before they
    were read, reading raises aiokafka's OffsetOutOfRangeError rather than passes over them.
    """

    def __init__(self, settings: Settings, topics: Sequence[Topic]) -> None:
        self._settings = settings
        self._partitions = [
            TopicPartition(topic.name(settings.kafka_prefix), number)
            for topic in topics
            for number in range(settings.kafka_partitions)
        ]
        self._kafka: AIOKafkaConsumer | None = None
        self.beginnings: Mapping[TopicPartition, int] = {}
        """The offset of the oldest record kept in each partition; more than 0 when older ones were deleted."""
        self.records = 0
        """How many records were read."""
        self.undecodable = 0
        """How many of them were no events."""

    async def __aenter__(self) -> "Replay":
        where = f"Kafka at {self._settings.kafka_bootstrap_servers} (replay)"
        await ready(where, self._connect, self._settings.startup_timeout)
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._kafka is not None:
            await close(self._kafka, STOP_SECONDS)

    async def catch_up(self) -> AsyncIterator[list[Event]]:
        """What lies between the last call, or the start, and where the topics end now: part by part, each of one
        partition. Raises KafkaError, or Silent when nothing has come for SILENCE_SECONDS."""
        assert self._kafka is not None  # noqa: S101 - entered
        ends: dict[TopicPartition, int] = dict(await self._kafka.end_offsets(self._partitions))
        sure: set[TopicPartition] = set()
        loop = asyncio.get_running_loop()
        heard = loop.time()
        while behind := await self._behind(self._kafka, ends, sure):
            fetched = await self._kafka.getmany(*behind, timeout_ms=int(FETCH_SECONDS * 1000), max_records=BATCH)
            for records in fetched.values():
                heard = loop.time()
                if events := self._events(records):
                    yield events
            if loop.time() - heard > SILENCE_SECONDS:
                raise Silent(f"no records of {behind[0].topic}[{behind[0].partition}] in {SILENCE_SECONDS:.0f} s")

    async def _behind(
        self, kafka: AIOKafkaConsumer, ends: dict[TopicPartition, int], sure: set[TopicPartition]
    ) -> list[TopicPartition]:
        behind = []
        for name in self._partitions:
            position = await kafka.position(name)
            if position >= ends[name] and name not in sure:
                # The embedded broker's end offset counts one record of the last batch; its fetch tells the true end.
                ends[name] = max(ends[name], kafka.highwater(name) or 0)
                sure.add(name)
            if position < ends[name]:
                behind.append(name)
        return behind

    def _events(self, records: Sequence[ConsumerRecord]) -> list[Event]:
        self.records += len(records)
        events = []
        for record in records:
            try:
                events.append(read_event(record.headers, record.value))
            except Undecodable:
                self.undecodable += 1
        return events

    async def _connect(self) -> None:
        kafka = AIOKafkaConsumer(
            bootstrap_servers=self._settings.kafka_bootstrap_servers,
            enable_auto_commit=False,
            auto_offset_reset="none",
            max_partition_fetch_bytes=MAX_BATCH_BYTES,
        )
        try:
            async with asyncio.timeout(CONNECT_SECONDS):
                await kafka.start()
                kafka.assign(self._partitions)
                self.beginnings = await kafka.beginning_offsets(self._partitions)
                for name, offset in self.beginnings.items():
                    kafka.seek(name, offset)
        except BaseException:
            await close(kafka, STOP_SECONDS)
            raise
        self._kafka = kafka


def newest(events: Iterable[Event], types: Collection[type[Message]]) -> list[Event]:
    """Of every subject the last event that is of one of these types."""
    names = {message.DESCRIPTOR.full_name for message in types}
    last: dict[str, Event] = {}
    for event in events:
        if event.type in names and (event.subject not in last or event.sequence > last[event.subject].sequence):
            last[event.subject] = event
    return list(last.values())
