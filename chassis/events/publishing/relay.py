"""The relay: carries events from the outboxes of a process to Kafka, from memory, and sweeps what was left behind."""

import asyncio
import contextvars
from collections.abc import Coroutine
from datetime import timedelta

import structlog
from aiokafka.errors import KafkaError
from pymongo.asynchronous.database import AsyncDatabase

from chassis.cancelling import cancel
from chassis.clock import Clock
from chassis.events.publishing import continuity, eventlog
from chassis.events.publishing.clearing import Clearing
from chassis.events.publishing.continuity import Continuity
from chassis.events.publishing.depth import measure
from chassis.events.publishing.eventlog import EventLog
from chassis.events.publishing.lane import Budget, Lane
from chassis.events.publishing.limits import RelayLimits
from chassis.events.publishing.pending import Outbox, Pending
from chassis.events.publishing.producer import KafkaProducer, partition_of
from chassis.events.publishing.restoring import Restoring
from chassis.events.publishing.sweep import sweep
from chassis.events.publishing.tombstones import purge
from chassis.events.topics import Topic
from chassis.mongo import Collection, Document
from chassis.process import ready
from chassis.schedule import LEASES, Lease, Periodic, holder
from chassis.settings import ServiceSettings
from chassis.telemetry import metrics

_MEASURE_EVERY = 1.0
_PURGE_EVERY = 3600.0

log = structlog.get_logger(__name__)


class Relay:
    """Component: one per process, for all its AggregateStores. Enter it after Mongo and the Topics.

    Guarantees: every event that is in a document is published at least once, as long as some process of the service
    runs; never before the write that recorded it is durable (only a successful majority write offers events, and the
    sweep reads at majority); and never after a later event of its aggregate was seen first. Late repeats are normal.

    Why the order holds: a successful compare-and-set on `version` proves that the events it loaded and its own are all
    that is unpublished of the document, without a gap; they go whole into one record batch; and only an acknowledged
    event is ever left out of a later one. Losing a queue, a process or an acknowledgement therefore only repeats.

    All of this is said of one log. When the broker has lost it, whoever holds the lease publishes the event log again,
    and until that is done no process of the service publishes anything new (chassis.events.publishing.restoring).

    Leaving publishes what is in memory, within `drain_timeout`, and clears it; the rest is left to the next sweep.
    """

    name = "relay"

    def __init__(
        self,
        settings: ServiceSettings,
        database: AsyncDatabase[Document],
        clock: Clock,
        limits: RelayLimits | None = None,
    ) -> None:
        self._settings, self._clock, self._limits = settings, clock, limits or RelayLimits()
        engine = self._limits.engine
        self._event_log = EventLog(database[eventlog.COLLECTION])
        self._continuity = Continuity(
            database[continuity.COLLECTION], settings.kafka_partitions, engine, renewed=self._renewed
        )
        self._producer = KafkaProducer(settings, self._continuity)
        self._restoring = Restoring(settings, self._event_log, self._continuity, self._limits, self._producer)
        self._clearing = Clearing(self._event_log, self._continuity, self._limits)
        self._budget = Budget(self._limits)
        self._outboxes: list[Outbox] = []
        self._topics: dict[str, Topic] = {}
        self._lanes: dict[tuple[str, int], Lane] = {}
        self._tasks: list[asyncio.Task[None]] = []
        self._open = False
        me = holder()
        sweeping = Lease(database[LEASES], "outbox-sweep", me, clock, self._limits.lease)
        purging = Lease(database[LEASES], "outbox-purge", me, clock)
        self._periodic = (
            Periodic("outbox-sweep", self._limits.sweep_every, self._sweep, sweeping),
            Periodic("outbox-measure", _MEASURE_EVERY, self._measure),
            Periodic("outbox-purge", _PURGE_EVERY, self._purge, purging),
        )

    def outbox(self, collection: Collection, topic: Topic, source: str) -> Outbox:
        """Serve this collection's outbox: its events go to the topic, from the source."""
        outbox = Outbox(collection, topic.name(self._settings.kafka_prefix), source)
        self._topics[outbox.topic] = topic
        self._outboxes.append(outbox)
        return outbox

    def offer(self, pending: Pending) -> None:
        """Publish these durable events soon. Never waits and never raises: without room the sweep publishes them."""
        if not self._open:
            metrics.relay_dropped.inc(len(pending.events))
            return
        self._lane_of(pending).offer(pending)

    async def __aenter__(self) -> None:
        kafka = f"Kafka at {self._settings.kafka_bootstrap_servers}"
        await ready(kafka, self._producer.start, self._settings.startup_timeout)
        for topic in self._topics:
            await self._continuity.refresh(topic)
        self._open = True
        self._spawn(self._clearing.run(), "relay-clearing")
        for outbox in self._outboxes:
            for partition in range(self._settings.kafka_partitions):
                self._lane(outbox.topic, partition)
        for periodic in self._periodic:
            await periodic.__aenter__()

    async def __aexit__(self, *_: object) -> None:
        for periodic in reversed(self._periodic):
            await periodic.__aexit__()
        # Nothing is lost when one of these fails: a later sweep publishes what a document still has, perhaps again.
        await _within(self._settings.drain_timeout, self._drained(), "relay_left_events")
        self._open = False
        await cancel(self._tasks)
        await _within(self._limits.engine, self._clearing.clear(), "relay_left_uncleared")
        for lane in self._lanes.values():
            lane.leave_to_sweep()
        self._tasks.clear()
        self._lanes.clear()
        await self._producer.stop()

    def background(self) -> list["asyncio.Task[None]"]:
        return [*self._tasks, *(task for periodic in self._periodic for task in periodic.background())]

    async def _drained(self) -> None:
        for lane in self._lanes.values():
            await lane.drained()

    async def _admit(self, pending: Pending) -> None:
        if not pending.events:
            # A mark with nothing behind it: the clear takes it away.
            self._clearing.acknowledged(pending, self._continuity.epoch(pending.outbox.topic))
        elif self._clearing.unpublished(pending):
            await self._lane_of(pending).admit(pending)

    def _lane_of(self, pending: Pending) -> Lane:
        key = str(pending.key["_id"]).encode()
        return self._lane(pending.outbox.topic, partition_of(key, self._settings.kafka_partitions))

    def _lane(self, topic: str, partition: int) -> Lane:
        lane = self._lanes.get((topic, partition))
        if lane is None:
            lane = Lane(topic, partition, self._producer, self._continuity, self._clearing, self._budget, self._limits)
            self._lanes[topic, partition] = lane
            self._spawn(lane.run(), f"relay-{topic}-{partition}")
        return lane

    def _spawn(self, work: Coroutine[object, object, None], name: str) -> None:
        # A context of its own: whoever offered first has a deadline and a principal, the lane has none.
        loop = asyncio.get_running_loop()
        self._tasks.append(loop.create_task(work, name=name, context=contextvars.Context()))

    def _renewed(self, topic: str) -> None:
        """What this process knows and holds is of an earlier log: the documents have what is not in the event log."""
        self._clearing.forget(topic)
        for lane in self._lanes.values():
            if lane.topic == topic:
                lane.leave_to_sweep()
                lane.reopen()

    async def _sweep(self) -> None:
        for topic in self._topics.values():
            try:
                await self._restoring.run(topic)
            except KafkaError as error:
                log.debug("kafka_unseen", topic=topic.domain, error=repr(error))
        for outbox in self._outboxes:
            if not self._continuity.held(outbox.topic):
                await sweep(outbox, self._admit, self._clock, self._limits)

    async def _measure(self) -> None:
        for topic in self._topics:
            if self._continuity.held(topic):
                await self._continuity.refresh(topic)
        for outbox in self._outboxes:
            await measure(outbox, self._clock)

    async def _purge(self) -> None:
        await self._event_log.purge(self._clock, timedelta(days=self._settings.event_log_days))
        for outbox in self._outboxes:
            await purge(outbox.collection, self._clock)


async def _within(seconds: float, work: Coroutine[object, object, None], otherwise: str) -> None:
    try:
        async with asyncio.timeout(seconds):
            await work
    except Exception as error:
        log.warning(otherwise, error=repr(error))
