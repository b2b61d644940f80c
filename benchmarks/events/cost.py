"""CPU of one consumed message, of the whole process (user and system): the chassis and what it adds, part by part."""

import asyncio
import contextlib
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial

from aiokafka import ConsumerRecord
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult
from primetrade.tasks.v1 import events_pb2

from benchmarks.events.records import bare_consumer, bare_producer, event, settings_on
from benchmarks.rounds import Arm, Figures
from chassis.events.consuming.consumer import Consumer
from chassis.events.consuming.partition import FETCH_RECORDS
from chassis.events.envelope import Event, read_event
from chassis.events.topics import TASKS
from chassis.settings import ServiceSettings
from chassis.telemetry.traces import Tracing
from chassis.testing.engines import Engines

BARE, DECODED = "bare getmany loop", "bare loop that decodes"
CHASSIS, RECORDED = "chassis with metrics", "chassis with metrics and a recorded span"
CPU, RATE = "CPU µs/message", "messages/s"
_CHUNK = 1_000


class Meter:
    """The CPU of the process from now on, until `messages` have come; their rate from the first of them on.

    A consumer that is still joining its group pays for that, too: a few milliseconds.
    """

    def __init__(self, messages: int) -> None:
        self.done = asyncio.Event()
        self.figures: Figures = {}
        self._wanted, self._seen = messages, 0
        self._cpu, self._first = time.process_time(), 0.0

    def count(self, messages: int) -> None:
        """So many more have ended."""
        self._seen += messages
        self._first = self._first or time.perf_counter()
        if self._seen >= self._wanted and not self.done.is_set():
            seconds = time.perf_counter() - self._first
            self.figures = {CPU: (time.process_time() - self._cpu) / self._seen * 1e6, RATE: self._seen / seconds}
            self.done.set()


class Nowhere(SpanExporter):
    """Takes spans and keeps none: the collector's cost is its own."""

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:  # noqa: ARG002
        return SpanExportResult.SUCCESS


async def arms(engines: Engines, messages: int) -> Mapping[str, Arm]:
    """All arms; each reads the same messages, which are on the broker when this returns."""
    plain, sampled = (
        await _loaded(settings_on(engines), messages, sampled=False),
        await _loaded(settings_on(engines), messages, sampled=True),
    )
    return {
        BARE: partial(_bare, plain, messages, lambda _: None),
        DECODED: partial(_bare, plain, messages, _decode),
        CHASSIS: partial(_chassis, plain, messages, recorded=False),
        RECORDED: partial(_chassis, sampled, messages, recorded=True),
    }


async def _loaded(settings: ServiceSettings, messages: int, *, sampled: bool) -> ServiceSettings:
    topic = TASKS.name(settings.kafka_prefix)
    async with bare_producer(settings) as producer:
        for start in range(0, messages, _CHUNK):
            made = [event(number, sampled=sampled) for number in range(start, min(start + _CHUNK, messages))]
            sent = [await producer.send(topic, one.data, one.key, headers=one.headers()) for one in made]
            await asyncio.gather(*sent)
    return settings


def _decode(record: ConsumerRecord) -> None:
    read_event(record.headers, record.value).message()


async def _bare(settings: ServiceSettings, messages: int, use: Callable[[ConsumerRecord], None]) -> Figures:
    async with bare_consumer(settings) as consumer, asyncio.timeout(120):
        meter = Meter(messages)
        while not meter.done.is_set():
            for records in (await consumer.getmany(timeout_ms=200, max_records=FETCH_RECORDS)).values():
                for record in records:
                    use(record)
                meter.count(len(records))
    return meter.figures


async def _chassis(settings: ServiceSettings, messages: int, *, recorded: bool) -> Figures:
    tracing = Tracing(settings, "bench", Nowhere()) if recorded else contextlib.nullcontext()

    async def handle(_: Event, __: events_pb2.TaskUpdated) -> None:
        meter.count(1)

    # A group of its own for each round: it begins at the topic's start.
    consumer = Consumer(settings, f"cost-{time.monotonic_ns()}", [TASKS], {events_pb2.TaskUpdated: handle})
    meter = Meter(messages)
    async with tracing, consumer, asyncio.timeout(120):
        await meter.done.wait()
    return meter.figures
