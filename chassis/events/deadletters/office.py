"""The dead-letter office of a service: its letters, one more attempt at them, and their end."""

import asyncio
import contextvars
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass

import structlog
from aiokafka import ConsumerRecord, TopicPartition
from primetrade.events.v1.dead_letters_pb2 import DeadLetter

from chassis.clock import Clock
from chassis.errors import NotFound, Unavailable
from chassis.events.consuming.dispatch import Dispatch, Failed
from chassis.events.consuming.failures import Failure
from chassis.events.deadletters.letter import LetterId, in_full, summary
from chassis.events.deadletters.memory import FAILED, Memory, Redriven, redrive_message
from chassis.events.deadletters.purging import delete_before
from chassis.events.deadletters.reading import PARTITION, RESOURCE, Reader
from chassis.events.topics import Topic
from chassis.settings import Settings
from chassis.telemetry import metrics

PAGE_SECONDS = 15.0
PAGE_LOOKS = 1_000
"""After so long, or so many letters looked at, a page ends with what it has."""

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Letter:
    """A dead letter and its last redrive."""

    record: ConsumerRecord
    redriven: Redriven | None

    @property
    def outstanding(self) -> bool:
        """Whether no redrive has ended it."""
        return self.redriven is None or not self.redriven.ended

    def message(self, full: bool = False) -> DeadLetter:
        """What an operator is told of it: as in a list, or in full."""
        message = in_full(self.record) if full else summary(self.record)
        if self.redriven is not None:
            message.redrive.CopyFrom(redrive_message(self.redriven))
        return message


@dataclass(frozen=True, slots=True)
class Scope:
    """Topics of dead letters one after the other, from the letter `start` on; from the first when it is None."""

    topics: Sequence[str]
    start: LetterId | None = None

    def places(self) -> Sequence[tuple[str, int]]:
        """Each topic to read, and from which offset on."""
        if self.start is None:
            return [(topic, 0) for topic in self.topics]
        begun = self.topics.index(self.start.topic)
        return [(self.start.topic, self.start.offset), *((topic, 0) for topic in self.topics[begun + 1 :])]


@dataclass(frozen=True, slots=True)
class Page:
    """Some letters, as in a list, and where the next page begins; None after the last."""

    letters: Sequence[DeadLetter]
    next: LetterId | None


@dataclass(frozen=True, slots=True)
class Purged:
    """How many letters went, the lowest offset that stays, and whether the broker keeps what went, so that it is only
    hidden."""

    count: int
    low: int
    hidden: bool = False


class DeadLetterOffice:
    """What an operator can do with the dead letters of one service. Connects to Kafka for the time of each call.

    Every method raises Unavailable when Kafka, or an engine that the handler needs, is away. A redrive gives the record
    to the service's own handler, outside the operator's identity, deadline and trace: as the live consumer does, beside
    which it may run, because handlers are idempotent.
    """

    def __init__(
        self,
        settings: Settings,
        service: str,
        topics: Sequence[Topic],
        dispatch: Dispatch,
        memory: Memory,
        clock: Clock,
    ) -> None:
        prefix = settings.kafka_prefix
        self._letters_of = {topic.name(prefix): topic.dead_letters(prefix, service) for topic in topics}
        self.topics = tuple(sorted(self._letters_of.values()))
        self._settings, self._dispatch, self._memory, self._clock = settings, dispatch, memory, clock
        # One at a time, in the order they were put aside: redriving is for repair, not for throughput.
        self._one = asyncio.Lock()

    def topic(self, name: str) -> str:
        """The topic of dead letters of that name, or of the topic of that name. Raises NotFound when it is none of this
        service."""
        found = self._letters_of.get(name, name)
        if found not in self.topics:
            raise NotFound("topic of dead letters", name)
        return found

    async def get(self, id: LetterId) -> Letter:
        """One letter. Raises NotFound."""
        async with Reader.connected(self._settings) as reader:
            return await self._find(reader, id)

    async def page(self, scope: Scope, size: int, outstanding: bool) -> Page:
        """Up to `size` letters; only the outstanding ones if wanted."""

        async def told(letter: Letter) -> DeadLetter | None:
            return letter.message() if letter.outstanding or not outstanding else None

        return await self._gather(scope, size, told)

    async def redrive_page(self, scope: Scope, size: int, operator: str) -> Page:
        """Redrive up to `size` outstanding letters, and tell of those alone."""

        async def redriven(letter: Letter) -> DeadLetter | None:
            return (await self._redrive(letter.record, operator)).message() if letter.outstanding else None

        return await self._gather(scope, size, redriven)

    async def redrive(self, id: LetterId, operator: str) -> Letter:
        """Make one more attempt at a letter and remember its outcome. Raises NotFound."""
        async with Reader.connected(self._settings) as reader:
            letter = await self._find(reader, id)
        return await self._redrive(letter.record, operator)

    async def purge(self, topic: str, before: int | None, force: bool) -> Purged:
        """Delete the letters of a topic before an offset, or all there are now; without `force`, only count them."""
        async with Reader.connected(self._settings) as reader:
            bounds = await reader.bounds(topic)
        low = min(max(bounds.begin, (await self._memory.shown(topic)).before), bounds.end)
        until = bounds.end if before is None else min(before, bounds.end)
        if not force or until <= low:
            return Purged(max(until - low, 0), max(until, low) if force else low)
        deleted = await delete_before(self._settings, TopicPartition(topic, PARTITION), until)
        if not deleted:
            await self._memory.hide(topic, until)
        log.warning("dead_letters_purged", topic=topic, before=until, count=until - low, hidden=not deleted)
        return Purged(until - low, until, hidden=not deleted)

    async def _gather(self, scope: Scope, size: int, told: Callable[[Letter], Awaitable[DeadLetter | None]]) -> Page:
        """What `told` tells of the letters. Ends early after looking at many, or for long: the answer is awaited."""
        until, looked = time.monotonic() + PAGE_SECONDS, 0
        found: list[DeadLetter] = []
        async with aclosing(self._walk(scope)) as walk:
            async for letter in walk:
                if len(found) >= size or looked >= PAGE_LOOKS or (looked and time.monotonic() > until):
                    return Page(found, LetterId.of(letter.record))
                looked += 1
                if (message := await told(letter)) is not None:
                    found.append(message)
        return Page(found, None)

    async def _walk(self, scope: Scope) -> AsyncGenerator[Letter, None]:
        async with Reader.connected(self._settings) as reader:
            for topic, offset in scope.places():
                shown = await self._memory.shown(topic)
                async with aclosing(reader.chunks(topic, offset)) as chunks:
                    async for chunk in chunks:
                        for letter in await self._known([record for record in chunk if shown(record)]):
                            yield letter

    async def _find(self, reader: Reader, id: LetterId) -> Letter:
        if id.topic not in self.topics:
            raise NotFound(RESOURCE, str(id))
        record = await reader.letter(id)
        if not (await self._memory.shown(id.topic))(record):
            raise NotFound(RESOURCE, str(id))
        (letter,) = await self._known([record])
        return letter

    async def _known(self, records: Sequence[ConsumerRecord]) -> Sequence[Letter]:
        redriven = await self._memory.redriven(records) if records else {}
        return [Letter(record, redriven.get(record.offset)) for record in records]

    async def _redrive(self, record: ConsumerRecord, operator: str) -> Letter:
        async with self._one:
            attempt = asyncio.create_task(self._dispatch.once(record), context=contextvars.Context())
            try:
                ended = await attempt
            finally:
                attempt.cancel()
        if isinstance(ended, Failed) and ended.failure is Failure.AWAY:
            raise Unavailable(f"{LetterId.of(record)} was not handled: {ended.reason}") from ended.error
        outcome, reason = (FAILED, ended.reason) if isinstance(ended, Failed) else (ended, "")
        redriven = Redriven(outcome, reason, self._clock.now(), operator)
        await self._memory.remember(record, redriven)
        metrics.consumer_redriven.labels(record.topic, outcome).inc()
        log.warning("dead_letter_redriven", letter=str(LetterId.of(record)), outcome=outcome, reason=reason)
        return Letter(record, redriven)
