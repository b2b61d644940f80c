"""From a write that is acknowledged to its effect, visible in the consumer's database.

Writer and consumer share one process and one clock in both arms. Writes come at a fixed pace, so that nothing queues.
"""

import asyncio
import time
from collections.abc import Callable, Coroutine, Mapping
from functools import partial

from primetrade.tasks.v1 import events_pb2

from benchmarks.events.records import bare_consumer, bare_producer, event, settings_on
from benchmarks.rounds import Arm, Figures, percentile
from chassis.clock import SystemClock
from chassis.events.consuming.consumer import Consumer
from chassis.events.envelope import Event
from chassis.events.topics import TASKS
from chassis.mongo import Mongo
from chassis.testing.engines import Engines
from chassis.testing.eventually import eventually
from chassis.tests.notes import Note, NoteProcess

CHASSIS, BARE = "acknowledged write → effect", "bare produce → consume"
TOTAL_P50, TOTAL_P99 = "p50 ms", "p99 ms"
EFFECT_P50, EFFECT_P99 = "database write p50 ms", "database write p99 ms"
REST_P50 = "without the database write p50 ms"
_WARM = 50
_PACE_SECONDS = 0.02


def arms(engines: Engines, writes: int) -> Mapping[str, Arm]:
    """Both arms, with so many writes a round."""
    return {CHASSIS: partial(_chassis, engines, writes), BARE: partial(_bare, engines, writes)}


async def _chassis(engines: Engines, writes: int) -> Figures:
    settings = settings_on(engines)
    process = NoteProcess(settings, SystemClock())
    projections = Mongo(settings.model_copy(update={"mongo_database": f"{settings.mongo_database}-effects"}), "effects")
    effects = projections.database["effects"]
    acknowledged: dict[str, float] = {}
    visible: dict[str, float] = {}
    writing: dict[str, float] = {}

    async def apply(happened: Event, message: events_pb2.TaskUpdated) -> None:
        began = time.perf_counter()
        await effects.insert_one({"_id": happened.id, "title": message.task.title, "sequence": happened.sequence})
        visible[happened.subject] = time.perf_counter()
        writing[happened.subject] = visible[happened.subject] - began

    async def write(_: int) -> None:
        note = Note.new()
        await process.store.insert(note)
        acknowledged[str(note.id)] = time.perf_counter()

    async with (
        process.running(),
        projections,
        Consumer(settings, "effects", [TASKS], {events_pb2.TaskUpdated: apply}) as consumer,
    ):
        await eventually(lambda: len(consumer.assigned) == settings.kafka_partitions, "every partition assigned")
        await _paced(write, _WARM + writes)
        await eventually(lambda: len(visible) == _WARM + writes, "every effect")
    measured = list(acknowledged)[_WARM:]
    total = [(visible[subject] - acknowledged[subject]) * 1_000 for subject in measured]
    database = [writing[subject] * 1_000 for subject in measured]
    rest = [whole - part for whole, part in zip(total, database, strict=True)]
    return {
        TOTAL_P50: percentile(total, 50),
        TOTAL_P99: percentile(total, 99),
        EFFECT_P50: percentile(database, 50),
        EFFECT_P99: percentile(database, 99),
        REST_P50: percentile(rest, 50),
    }


async def _bare(engines: Engines, writes: int) -> Figures:
    settings = settings_on(engines)
    topic = TASKS.name(settings.kafka_prefix)
    sent: dict[bytes, float] = {}
    received: dict[bytes, float] = {}
    async with bare_producer(settings) as producer, bare_consumer(settings) as consumer:

        async def produce(number: int) -> None:
            happened = event(number)
            headers = happened.headers()
            sent[happened.key] = time.perf_counter()
            await producer.send_and_wait(topic, happened.data, happened.key, headers=headers)

        async def consume() -> None:
            while len(received) < _WARM + writes:
                for records in (await consumer.getmany(timeout_ms=200)).values():
                    for record in records:
                        received[record.key] = time.perf_counter()

        await eventually(consumer.assignment, "the bare consumer's partitions")
        async with asyncio.timeout(120):
            await asyncio.gather(consume(), _paced(produce, _WARM + writes))
    total = [(received[key] - sent[key]) * 1_000 for key in list(sent)[_WARM:]]
    return {TOTAL_P50: percentile(total, 50), TOTAL_P99: percentile(total, 99)}


async def _paced(write: Callable[[int], Coroutine[object, object, None]], times: int) -> None:
    """Begin one write each _PACE_SECONDS, whether or not those before have ended."""
    loop = asyncio.get_running_loop()
    began = loop.time()
    async with asyncio.TaskGroup() as group:
        for number in range(times):
            await asyncio.sleep(began + number * _PACE_SECONDS - loop.time())
            group.create_task(write(number))
