"""The one place that knows aiokafka's producer, and its corners."""

import asyncio
import contextlib
from collections.abc import Sequence

import structlog
from aiokafka import AIOKafkaProducer
from aiokafka.partitioner import murmur2

from chassis.events.envelope import Event
from chassis.events.publishing.continuity import BrokerLog, Held
from chassis.events.publishing.guarded import Guard, Guarded
from chassis.events.topics import MAX_BATCH_BYTES
from chassis.settings import Settings

_REQUEST_MS = 5_000
_STOP_SECONDS = 3.0

log = structlog.get_logger(__name__)


class BatchTooLarge(ValueError):
    """The events do not fit into one record batch."""


def partition_of(key: bytes, partitions: int) -> int:
    """The partition that Kafka's default partitioner (Java's and aiokafka's) gives a record key."""
    return (int(murmur2(key)) & 0x7FFFFFFF) % partitions


class KafkaProducer:
    """Sends events as one record batch, acknowledged by all in-sync replicas, to a log that the guard admits.

    aiokafka's corners that it hides: a failed `start()` leaks unless stopped; `stop()` hangs while the broker is away;
    an error that cannot be retried poisons a producer for good, so that it is replaced. What it cannot hide: a send
    that was cancelled or timed out may still arrive, and an idempotent producer never times out at all.
    """

    def __init__(self, settings: Settings, guard: Guard) -> None:
        self._settings, self._guard = settings, guard
        self._guarded: Guarded | None = None
        self._changing = asyncio.Lock()

    async def start(self) -> None:
        """Connect. Raises aiokafka's errors when no broker answers."""
        await self._current()

    async def stop(self) -> None:
        """Close, within a few seconds even when the broker is away."""
        async with self._changing:
            guarded, self._guarded = self._guarded, None
            if guarded is not None:
                guarded.closing()
                await _closed(guarded.producer)

    async def send(self, topic: str, partition: int, events: Sequence[Event], epoch: int) -> None:
        """Publish the events as one batch, all of them or none. Returns once they are acknowledged, else raises.

        Raises Held when `epoch`, the topic's when the events were chosen, is over or its log may be lost.
        """
        if self._guard.epoch(topic) != epoch:
            raise Held(f"{topic} has come to another log")
        guarded = self._guarded or await self._current()
        if not guarded.bind(topic, epoch):
            await self._replace(guarded)
            raise Held(f"{topic} was connected to another log")
        batch = guarded.producer.create_batch()
        for event in events:
            if batch.append(timestamp=None, key=event.key, value=event.data, headers=event.headers()) is None:
                raise BatchTooLarge(f"{len(events)} events do not fit into one batch")
        batch.close()
        try:
            written = await (await guarded.producer.send_batch(batch, topic, partition=partition))
        except Exception as error:
            if not (getattr(error, "retriable", False) or isinstance(error, Held)):
                await self._replace(guarded)
            raise
        self._guard.acknowledged(topic, partition, epoch, written.offset)

    async def look(self, topic: str) -> BrokerLog:
        """The topic as the brokers tell of it now. Raises KafkaError."""
        return await (self._guarded or await self._current()).look(topic)

    async def _current(self) -> Guarded:
        async with self._changing:
            if self._guarded is None:
                self._guarded = await self._connected()
            return self._guarded

    async def _replace(self, failed: Guarded) -> None:
        async with self._changing:
            if self._guarded is failed:
                log.warning("producer_replaced")
                self._guarded = None
                failed.closing()
                await _closed(failed.producer)

    async def _connected(self) -> Guarded:
        producer = AIOKafkaProducer(
            bootstrap_servers=self._settings.kafka_bootstrap_servers,
            acks="all",
            enable_idempotence=self._settings.kafka_idempotence,
            max_batch_size=MAX_BATCH_BYTES,
            request_timeout_ms=_REQUEST_MS,
        )
        guarded = Guarded(producer, self._guard, self._settings.kafka_partitions)
        try:
            await producer.start()
        except BaseException:
            await _closed(producer)
            raise
        return guarded


async def _closed(producer: AIOKafkaProducer) -> None:
    try:
        await asyncio.wait_for(producer.stop(), _STOP_SECONDS)
    except Exception as error:
        # stop() was waiting for a broker that is away: end the sender it left running, then the connections.
        log.warning("producer_stop_cut", error=repr(error))
        for ending in (producer._sender.close, producer.client.close):
            with contextlib.suppress(Exception):
                await asyncio.wait_for(ending(), 1.0)
