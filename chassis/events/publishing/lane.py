"""One partition's way to Kafka: a queue of documents, and one record batch in flight."""

import asyncio
import random
from collections.abc import Sequence
from dataclasses import dataclass, field

import structlog

from chassis.events.envelope import Event
from chassis.events.publishing.bulk import DocumentId
from chassis.events.publishing.clearing import Clearing
from chassis.events.publishing.continuity import Held
from chassis.events.publishing.guarded import Guard
from chassis.events.publishing.limits import RelayLimits
from chassis.events.publishing.pending import Pending
from chassis.events.publishing.producer import KafkaProducer
from chassis.telemetry import metrics

_FIRST_PAUSE = 0.05

log = structlog.get_logger(__name__)


@dataclass(slots=True)
class Budget:
    """What all lanes of a relay hold together."""

    limits: RelayLimits
    events: int = 0
    bytes: int = 0
    _moved: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def full(self) -> bool:
        """Whether nothing more may be taken."""
        return self.events >= self.limits.queue_events or self.bytes >= self.limits.queue_bytes

    def take(self, pending: Pending, sign: int = 1) -> None:
        """Count a document's events in, or out with -1."""
        self.events += sign * len(pending.events)
        self.bytes += sign * pending.size
        metrics.relay_queue.inc(sign * len(pending.events))

    async def moved(self) -> None:
        """Wait until any lane has got further: the room that one waits for may be made by another."""
        moved = self._moved
        await moved.wait()

    def tell(self) -> None:
        """A lane has got further."""
        self._moved.set()
        self._moved = asyncio.Event()


class Lane:
    """Publishes in an order that any consumer can rely on: everything unpublished of a document goes in one batch, the
    next batch leaves after the acknowledgement of the one before, a refused one is tried again before anything later.

    A round that lasts longer than `outage` empties the queue and takes nothing until it ends: the documents keep their
    events, and one sweep publishes them, where every process would publish them all. So it is while the topic is held.
    """

    def __init__(
        self,
        topic: str,
        partition: int,
        producer: KafkaProducer,
        guard: Guard,
        clearing: Clearing,
        budget: Budget,
        limits: RelayLimits,
    ) -> None:
        self.topic, self.partition = topic, partition
        self._producer, self._guard, self._clearing = producer, guard, clearing
        self._budget, self._limits = budget, limits
        self._queue: dict[DocumentId, Pending] = {}
        self._offered = asyncio.Event()
        self._busy = self._outage = False
        self._refused, self._closed_until = 0, 0.0

    @property
    def idle(self) -> bool:
        """Nothing waits and nothing is in flight."""
        return not self._queue and not self._busy

    @property
    def closed(self) -> bool:
        """Kafka does not take this partition's batches at the moment: nothing is queued.

        After a failed round one document at a time is taken, as a probe, until one is acknowledged.
        """
        probing = self._refused > 0 and not self.idle
        return self._outage or probing or asyncio.get_running_loop().time() < self._closed_until

    def offer(self, pending: Pending) -> None:
        """Queue a document's whole list; left to the sweep when there is an outage or no room. Never waits."""
        if self.closed or self._budget.full:
            metrics.relay_dropped.inc(len(pending.events))
            return
        self._enqueue(pending)

    async def admit(self, pending: Pending) -> bool:
        """For the sweep: queue as `offer` does, but wait for room. False, at once, during an outage."""
        while (len(self._queue) >= self._limits.batch_events or self._budget.full) and not self.closed:
            await self._budget.moved()
        if self.closed:
            return False
        self._enqueue(pending)
        return True

    def reopen(self) -> None:
        """Take documents again, without waiting for the end of a pause: what closed the lane is known to be over."""
        self._refused, self._closed_until = 0, 0.0

    async def drained(self) -> None:
        """Wait until nothing waits and nothing is in flight."""
        while not self.idle:
            await self._budget.moved()

    async def run(self) -> None:
        """Publish for ever."""
        while True:
            await self._offered.wait()
            await self._clearing.room()
            self._busy = True
            try:
                # What a batch leaves out as published is so in the log of this epoch, and in no other.
                epoch = self._guard.epoch(self.topic)
                if batch := self._next_batch():
                    await self._round(batch, epoch)
            finally:
                self._busy = False
                self._budget.tell()

    def _enqueue(self, pending: Pending) -> None:
        waiting = self._queue.get(pending.id)
        if waiting is not None:
            if pending.events[-1].sequence <= waiting.events[-1].sequence:
                return
            pending = _joined(waiting, pending)
            self._budget.take(waiting, -1)
        self._queue[pending.id] = pending
        self._budget.take(pending)
        self._offered.set()

    def _next_batch(self) -> list[Pending]:
        """The documents that fit, first come first; what was acknowledged since they came is left out."""
        batch: list[Pending] = []
        events = size = 0
        while self._queue:
            document, pending = next(iter(self._queue.items()))
            events, size = events + len(pending.events), size + pending.size
            if batch and (events > self._limits.batch_events or size > self._limits.batch_bytes):
                break
            del self._queue[document]
            self._budget.take(pending, -1)
            pending.events = self._clearing.unpublished(pending)
            if pending.events:
                self._budget.take(pending)
                batch.append(pending)
        if not self._queue:
            self._offered.clear()
        return batch

    async def _round(self, batch: Sequence[Pending], epoch: int) -> None:
        """Publish a batch, trying again until it is acknowledged or an outage leaves it to the sweep."""
        events = [event for pending in batch for event in pending.events]
        watch = asyncio.get_running_loop().call_later(self._limits.outage, self._shed)
        try:
            await self._publish(batch, events, epoch)
        finally:
            watch.cancel()
            self._outage = False
            for pending in batch:
                self._budget.take(pending, -1)

    async def _publish(self, batch: Sequence[Pending], events: Sequence[Event], epoch: int) -> None:
        pause = _FIRST_PAUSE
        while True:
            try:
                await self._producer.send(self.topic, self.partition, events, epoch)
                break
            except Held as error:
                log.warning("topic_held", topic=self.topic, partition=self.partition, error=str(error))
                self._outage = True
                self.leave_to_sweep()
            except Exception as error:
                metrics.relay_failures.labels(self.topic).inc()
                log.warning("batch_refused", topic=self.topic, partition=self.partition, error=repr(error))
            if self._outage:
                metrics.relay_dropped.inc(len(events))
                self._close()
                return
            await asyncio.sleep(random.uniform(pause / 2, pause))  # noqa: S311 - only spreads the processes
            pause *= 2
        self._refused = 0
        metrics.relay_published.labels(self.topic).inc(len(events))
        for pending in batch:
            self._clearing.acknowledged(pending, epoch)

    def _shed(self) -> None:
        """The round has become an outage."""
        self._outage = True
        log.warning("outage", topic=self.topic, partition=self.partition, documents_left_to_sweep=len(self._queue))
        self.leave_to_sweep()

    def leave_to_sweep(self) -> None:
        """Forget what is queued: the documents still have it."""
        metrics.relay_dropped.inc(sum(len(pending.events) for pending in self._queue.values()))
        for pending in self._queue.values():
            self._budget.take(pending, -1)
        self._queue.clear()
        self._offered.clear()
        self._budget.tell()

    def _close(self) -> None:
        """Take nothing for a while that grows with each failed round; the next offer after it is the probe."""
        pause = min(self._limits.longest_pause, self._limits.outage * 2.0**self._refused)
        self._refused += 1
        self._closed_until = asyncio.get_running_loop().time() + random.uniform(pause / 2, pause)  # noqa: S311


def _joined(waiting: Pending, offered: Pending) -> Pending:
    """The later list continues the waiting one; after a gap, what waited has been published by another process."""
    last = waiting.events[-1].sequence
    if offered.events[0].sequence > last + 1:
        return offered
    later = [event for event in offered.events if event.sequence > last]
    return Pending(waiting.outbox, waiting.key, [*waiting.events, *later])
