"""The event log published again: the same events under the same ids, those of an aggregate in order."""

import asyncio
from collections.abc import AsyncIterator, Callable

import structlog
from aiokafka.errors import UnknownTopicOrPartitionError

from chassis.events.envelope import Event
from chassis.events.publishing.continuity import Held
from chassis.events.publishing.eventlog import Logged
from chassis.events.publishing.limits import RelayLimits
from chassis.events.publishing.pending import record_size
from chassis.events.publishing.producer import BatchTooLarge, KafkaProducer, partition_of
from chassis.telemetry import metrics

_FIRST_PAUSE = 0.1

log = structlog.get_logger(__name__)


async def publish_again(
    logged: AsyncIterator[Logged],
    producer: KafkaProducer,
    partitions: int,
    limits: RelayLimits,
    epoch: Callable[[], int] = lambda: 0,
) -> int:
    """Publish every entry; returns how many. One batch is in flight, and memory holds at most one of each partition.

    A batch that Kafka refuses is tried again without limit before anything later. Raises Held, also when the
    topic is gone.
    """
    batches: dict[tuple[str, int], _Batch] = {}
    count = 0

    async def flush(to: tuple[str, int], batch: "_Batch") -> None:
        await _sent(producer, *to, batch.events, epoch(), limits.longest_pause)
        metrics.relay_republished.labels(to[0]).inc(len(batch.events))

    async for entry in logged:
        to = entry.topic, partition_of(entry.event.key, partitions)
        batch = batches.setdefault(to, _Batch(limits))
        if not batch.fits(entry.event):
            await flush(to, batch)
            batch = batches[to] = _Batch(limits)
        batch.add(entry.event)
        count += 1
    for to, batch in batches.items():
        await flush(to, batch)
    return count


class _Batch:
    def __init__(self, limits: RelayLimits) -> None:
        self.events: list[Event] = []
        self._bytes, self._limits = 0, limits

    def fits(self, event: Event) -> bool:
        size = self._bytes + record_size(event)
        return not self.events or (len(self.events) < self._limits.batch_events and size <= self._limits.batch_bytes)

    def add(self, event: Event) -> None:
        self.events.append(event)
        self._bytes += record_size(event)


async def _sent(
    producer: KafkaProducer, topic: str, partition: int, events: list[Event], epoch: int, longest_pause: float
) -> None:
    pause = _FIRST_PAUSE
    while True:
        try:
            return await producer.send(topic, partition, events, epoch)
        except (Held, BatchTooLarge):
            raise
        except UnknownTopicOrPartitionError as error:
            raise Held(f"{topic} is gone") from error
        except Exception as error:
            metrics.relay_failures.labels(topic).inc()
            log.warning("batch_refused", topic=topic, partition=partition, error=repr(error))
        await asyncio.sleep(pause)
        pause = min(longest_pause, pause * 2)
