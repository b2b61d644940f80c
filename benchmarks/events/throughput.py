"""A backlog on its way to Kafka: from the documents of an outbox, through sweep, relay and clear; and as records that
are ready, through a producer that never waits for one before it sends the next."""

import asyncio
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import partial

from benchmarks.events.records import bare_producer, event, settings_on
from benchmarks.rounds import Arm, Figures
from chassis.clock import SystemClock
from chassis.events.admin import Topics
from chassis.events.publishing.limits import RelayLimits
from chassis.events.topics import TASKS
from chassis.telemetry import metrics
from chassis.testing.engines import Engines
from chassis.testing.eventually import eventually
from chassis.tests.notes import Note, NoteProcess

RELAY, BARE = "relay, from the outbox", "bare pipelined producer"
RATE, CPU = "events/s", "CPU µs/event"
CLEARED_RATE = "events/s until cleared"
_WRITERS = 16
_LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)
_AT_ONCE = RelayLimits(sweep_grace=0.0, sweep_every=0.02)
"""The sweep leaves young events to the writer's own relay; here nobody else has them."""


def arms(engines: Engines, events: int) -> Mapping[str, Arm]:
    """Both arms, with so many events a round, each of an aggregate of its own."""
    return {RELAY: partial(_relay, engines, events), BARE: partial(_bare, engines, events)}


async def _relay(engines: Engines, events: int) -> Figures:
    settings = settings_on(engines)
    process = NoteProcess(settings, SystemClock(), _AT_ONCE)
    topic = TASKS.name(settings.kafka_prefix)

    def published() -> float:
        samples = [sample for family in metrics.relay_published.collect() for sample in family.samples]
        return sum(one.value for one in samples if one.labels["topic"] == topic and one.name.endswith("_total"))

    async def cleared() -> bool:
        return await process.notes.find_one({"pending_since": {"$gt": _LONG_AGO}}, {"_id": 1}) is None

    async with process.stored(), Topics(settings, "bench", publishes=[TASKS]):
        await asyncio.gather(*(_backlog(process, events // _WRITERS) for _ in range(_WRITERS)))
        written = events // _WRITERS * _WRITERS
        async with process.relay:
            began, cpu = time.perf_counter(), time.process_time()
            await eventually(lambda: published() >= written, "the backlog published", 120)
            acknowledged = time.perf_counter() - began
            await eventually(cleared, "the backlog cleared", 120)
            seconds, cpu = time.perf_counter() - began, time.process_time() - cpu
    return {RATE: written / acknowledged, CLEARED_RATE: written / seconds, CPU: cpu / written * 1e6}


async def _backlog(process: NoteProcess, documents: int) -> None:
    for _ in range(documents):
        await process.store.insert(Note.new())


async def _bare(engines: Engines, events: int) -> Figures:
    settings = settings_on(engines)
    topic = TASKS.name(settings.kafka_prefix)
    records = [(made.data, made.key, made.headers()) for made in map(event, range(events))]
    async with bare_producer(settings) as producer:
        began, cpu = time.perf_counter(), time.process_time()
        sent = [await producer.send(topic, value, key, headers=headers) for value, key, headers in records]
        await asyncio.gather(*sent)
        seconds, cpu = time.perf_counter() - began, time.process_time() - cpu
    return {RATE: events / seconds, CPU: cpu / events * 1e6}
