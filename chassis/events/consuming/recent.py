"""The last few minutes of some topics, and from then on everything: for what is handed on by its place in the log.

It reads without a group, from that long ago, and notices when it reads another log than before: that of a broker that
lost its own, or one whose end was cut off. Then it begins once more, as it did at first.
"""

import asyncio
import time
from collections.abc import Mapping, Sequence
from typing import Protocol

import structlog
from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from aiokafka.errors import KafkaError, OffsetOutOfRangeError

from chassis.events.consuming.groupless import LOOK_SECONDS, Groupless
from chassis.events.topics import Topic
from chassis.settings import Settings

STRIKES = 3
"""How often in a row, a second apart, the log must end too early to be another one."""

log = structlog.get_logger(__name__)


class Audience(Protocol):
    """Who is told what the log holds, and where."""

    def begins(self, positions: Mapping[TopicPartition, int]) -> None:
        """From these offsets on everything will be heard; what was heard before is of another log."""
        ...

    def hear(self, record: ConsumerRecord) -> None:
        """The next record of its partition."""
        ...

    def knows(self, record: ConsumerRecord) -> bool:
        """Whether this very record was the last one heard of its partition."""
        ...

    def caught_up(self, until: float) -> None:
        """Everything that the topics held at that time (`time.monotonic`) was heard."""
        ...


class Recent(Groupless):
    """Component: the audience hears what the topics got in the last `seconds`, and whatever they get.

    One record more of each partition is heard first, if there is one: by it a log can be told from another. After the
    broker was away the last record that was heard is read again, for the same reason.
    """

    _reset = "none"

    def __init__(self, settings: Settings, topics: Sequence[Topic], seconds: float, audience: Audience) -> None:
        super().__init__(settings, topics, "recent", patience=None)
        self._seconds, self._audience = seconds, audience
        self._doubtful = False
        self._expected: dict[TopicPartition, int] = {}
        """The offsets of records that are read again."""
        self._short: dict[TopicPartition, int] = {}
        self._lost = False

    async def _begin(self, kafka: AIOKafkaConsumer, partitions: Sequence[TopicPartition]) -> None:
        since = int((time.time() - self._seconds) * 1000)
        firsts = await kafka.beginning_offsets(list(partitions))
        found = await kafka.offsets_for_times(dict.fromkeys(partitions, since))
        ends = await kafka.end_offsets(list(partitions))
        positions = {}
        for partition in partitions:
            # Nothing so late: Apache Kafka answers with nothing, the embedded broker without a time.
            later = found[partition]
            at = ends[partition] if later is None or later.timestamp < 0 else later.offset
            positions[partition] = max(firsts[partition], at - 1)
            kafka.seek(partition, positions[partition])
        self._expected, self._short, self._doubtful, self._lost = {}, {}, False, False
        self._audience.begins(positions)

    async def _listen(self, kafka: AIOKafkaConsumer) -> Sequence[ConsumerRecord]:
        if self._lost:
            await self._bounded_begin(kafka)
        elif self._doubtful:
            await self._step_back(kafka)
        try:
            fetched = await kafka.getmany(timeout_ms=self._fetch_ms)
        except OffsetOutOfRangeError:
            self._lose("an offset is out of range")
            raise
        return [record for records in fetched.values() for record in records]

    async def _bounded_begin(self, kafka: AIOKafkaConsumer) -> None:
        try:
            async with asyncio.timeout(LOOK_SECONDS):
                await self._begin(kafka, list(kafka.assignment()))
        except TimeoutError as error:
            raise KafkaError("the broker does not tell where its log begins and ends") from error

    async def _step_back(self, kafka: AIOKafkaConsumer) -> None:
        """Read the last record of each partition once more."""
        try:
            async with asyncio.timeout(LOOK_SECONDS):
                firsts = await kafka.beginning_offsets(list(kafka.assignment()))
                for partition, first in firsts.items():
                    last = self._expected.get(partition, await kafka.position(partition) - 1)
                    if last >= first:
                        kafka.seek(partition, last)
                        self._expected[partition] = last
        except TimeoutError as error:
            raise KafkaError("the broker does not tell where its log begins") from error
        self._doubtful = False

    async def _hear(self, record: ConsumerRecord) -> None:
        if self._lost:
            return
        partition = TopicPartition(record.topic, record.partition)
        expected = self._expected.pop(partition, None)
        self._short.pop(partition, None)
        if expected is None:
            self._audience.hear(record)
        elif not self._audience.knows(record):
            self._lose("the last record is another one")

    async def _told_ends(self, kafka: AIOKafkaConsumer, ends: Mapping[TopicPartition, int]) -> None:
        for partition, end in ends.items():
            last = self._expected.get(partition, await kafka.position(partition) - 1)
            if last < end:
                self._short.pop(partition, None)
                continue
            # The embedded broker may tell an end that was passed already: it is lost when the last record stays away.
            self._doubtful = True
            self._short[partition] = self._short.get(partition, 0) + 1
            if self._short[partition] >= STRIKES:
                self._lose("it ends before the last record")

    def _lose(self, why: str) -> None:
        if not self._lost:
            log.warning("log_begins_anew", topics=self._topics, why=why)
        self._lost = True

    def _missing(self) -> None:
        self._doubtful = True

    def _caught_up(self, until: float) -> None:
        if not (self._lost or self._doubtful or self._expected):
            self._audience.caught_up(until)
