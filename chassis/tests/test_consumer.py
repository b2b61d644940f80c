"""What a service may rely on when it handles events, on a real broker. One running consumer tells most stories, each in
a partition of its own."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
from aiokafka import ConsumerRecord, TopicPartition
from google.protobuf.message import Message
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import StatusCode
from primetrade.tasks.v1 import events_pb2
from pymongo.errors import AutoReconnect

from chassis.backoff import Backoff
from chassis.errors import DeadlineExceeded, Unavailable
from chassis.events.consuming.consumer import Consumer, Permanent, Retries, Superseded
from chassis.events.consuming.partition import QUEUE_RECORDS
from chassis.events.envelope import Event
from chassis.events.topics import TASKS
from chassis.settings import Settings
from chassis.telemetry import traces
from chassis.telemetry.logs import with_facts
from chassis.testing.engines import Engines
from chassis.testing.eventually import eventually
from chassis.testing.measured import measured
from chassis.tests.kafka import CREATED, TRACEPARENT, Publisher, dead_letters_of, settings_for, task_event

SERVICE = "watcher"
FAST = Retries(attempts=3, errors=Backoff(0.001, 0.01), away=Backoff(0.001, 0.01))


class Watcher:
    """A service's handler whose behaviour a test decides by the task's id."""

    def __init__(self) -> None:
        self.handled: dict[str, list[int]] = defaultdict(list)
        self.attempts: dict[str, int] = defaultdict(int)
        self.behaviour: dict[str, Callable[[Event], Awaitable[None]]] = {}
        self.messages: dict[str, Message] = {}
        self.context: dict[str, dict[str, object]] = {}
        self.traceparent: dict[str, str] = {}

    async def created(self, event: Event, message: events_pb2.TaskCreated) -> None:
        self.attempts[event.subject] += 1
        self.context[event.subject] = dict(with_facts(None, "", {}))
        self.traceparent[event.subject] = traces.current_traceparent()
        if (behave := self.behaviour.get(event.subject)) is not None:
            await behave(event)
        self.messages[event.subject] = message
        self.handled[event.subject].append(event.sequence)


class Service:
    """The running consumer, its handler and what publishes to it."""

    def __init__(self, settings: Settings, consumer: Consumer, watcher: Watcher, publisher: Publisher) -> None:
        self.settings, self.consumer, self.watcher, self.publisher = settings, consumer, watcher, publisher

    async def handles(self, subject: str, *sequences: int) -> None:
        await eventually(lambda: self.watcher.handled[subject] == [*sequences], f"{subject} handled {sequences}")

    async def dead_letter(self, key: bytes | None) -> ConsumerRecord:
        async def found() -> list[ConsumerRecord]:
            return [letter for letter in await dead_letters_of(self.settings, SERVICE) if letter.key == key]

        letters = await eventually(found, f"a dead letter of {key!r}")
        assert len(letters) == 1
        return letters[0]

    def counted(self, metric: str, **labels: str) -> float:
        named = {"topic": self.publisher.topic, **labels}
        return measured(f"primetrade_consumer_{metric}", **named) or 0.0


@pytest.fixture(scope="module")
async def service(engines: Engines) -> AsyncIterator[Service]:
    settings, watcher = settings_for(engines), Watcher()
    consumer = Consumer(settings, SERVICE, [TASKS], {events_pb2.TaskCreated: watcher.created}, retries=FAST)
    async with consumer, Publisher(settings) as publisher:
        await eventually(lambda: len(consumer.assigned) == settings.kafka_partitions, "all partitions assigned")
        yield Service(settings, consumer, watcher, publisher)
        assert not consumer.background()[0].done()


async def test_each_tasks_events_are_handled_in_their_order_and_the_lag_falls_to_zero(service: Service) -> None:
    async def slowly(event: Event) -> None:
        for _ in range(event.sequence % 3):
            await asyncio.sleep(0)

    tasks = [f"ordered-{number}" for number in range(6)]
    service.watcher.behaviour |= dict.fromkeys(tasks, slowly)
    for sequence in range(1, 21):
        for partition, task in enumerate(tasks):
            await service.publisher.publish(task_event(task, sequence), partition=partition)

    for task in tasks:
        await service.handles(task, *range(1, 21))
    await eventually(
        lambda: len(lag := service.consumer.lag()) == 6 and not any(lag.values()), "the lag of every partition is zero"
    )
    for partition in range(6):
        assert service.counted("lag_records", partition=str(partition)) == 0


async def test_the_handler_gets_the_message_and_the_context_of_who_caused_it(service: Service) -> None:
    exporter = InMemorySpanExporter()
    event = task_event("in-context")
    async with traces.Tracing(Settings(trace_sample_ratio=0), "watcher", exporter):
        await service.publisher.publish(event)
        await service.handles("in-context", 1)

    message = service.watcher.messages["in-context"]
    assert isinstance(message, events_pb2.TaskCreated)
    assert message.task.id == "in-context"
    assert service.watcher.context["in-context"] == {"event_id": str(event.id), "event_type": event.type}
    assert with_facts(None, "", {}) == {}
    assert service.watcher.traceparent["in-context"].split("-")[1] == TRACEPARENT.split("-")[1]
    (span,) = exporter.get_finished_spans()
    assert (span.name, span.kind.name) == (f"process {event.type}", "CONSUMER")
    assert span.parent is not None
    assert f"{span.parent.span_id:016x}" == TRACEPARENT.split("-")[2]


async def test_a_stuck_partition_stalls_no_other(service: Service) -> None:
    go_on = asyncio.Event()
    service.watcher.behaviour["stuck"] = lambda _: _waited(go_on)
    await service.publisher.publish(task_event("stuck"), task_event("behind-it"), partition=1)
    await service.publisher.publish(*(task_event("passing", number) for number in range(1, 31)), partition=2)

    await service.handles("passing", *range(1, 31))
    assert service.watcher.attempts["stuck"] == 1
    assert service.watcher.handled["behind-it"] == []
    await eventually(lambda: sum(service.consumer.lag().values()) == 2, "the lag shows the stuck partition")

    go_on.set()
    await service.handles("stuck", 1)
    await service.handles("behind-it", 1)


async def test_a_full_queue_leaves_the_rest_with_the_broker_and_loses_nothing(service: Service) -> None:
    go_on = asyncio.Event()
    service.watcher.behaviour["first-of-many"] = lambda _: _waited(go_on)
    events = [task_event("many", number) for number in range(1, 1201)]
    await service.publisher.publish(task_event("first-of-many"), partition=3)
    await asyncio.gather(*(service.publisher.publish(*events[start::40], partition=3) for start in range(40)))
    partition, queued = TopicPartition(service.publisher.topic, 3), [0]

    async def watched(_: Event) -> None:
        queued.append(service.consumer.queued()[partition])

    service.watcher.behaviour["many"] = watched
    await eventually(
        lambda: service.consumer.lag().get(partition, 0) > 2 * QUEUE_RECORDS, "the lag counts what is with the broker"
    )
    go_on.set()
    await eventually(lambda: len(service.watcher.handled["many"]) == 1200, "everything handled")
    assert sorted(service.watcher.handled["many"]) == list(range(1, 1201))
    assert QUEUE_RECORDS // 4 < max(queued) <= QUEUE_RECORDS


async def test_a_handler_that_fails_at_first_is_tried_again(service: Service) -> None:
    async def flaky(_: Event) -> None:
        if service.watcher.attempts["flaky"] < 3:
            raise RuntimeError("not yet")

    service.watcher.behaviour["flaky"] = flaky
    await service.publisher.publish(task_event("flaky"), partition=4)

    await service.handles("flaky", 1)
    assert service.watcher.attempts["flaky"] == 3
    assert service.counted("retries_total", reason="error") >= 2


async def test_a_record_that_cannot_be_handled_is_put_aside_with_its_story(service: Service) -> None:
    async def poison(_: Event) -> None:
        raise ValueError("this task makes no sense")

    service.watcher.behaviour["poison"] = poison
    event = task_event("poison")
    offset = await service.publisher.write(event.key, event.data, event.headers(), partition=5)
    await service.publisher.publish(task_event("after-poison"), partition=5)

    await service.handles("after-poison", 1)
    letter = await service.dead_letter(b"poison")
    assert letter.value == event.data
    headers = dict(letter.headers)
    assert dict(event.headers()).items() <= headers.items()
    time = headers.pop("dlq_time").decode()
    assert time.endswith("Z")
    assert {name: value for name, value in headers.items() if name.startswith("dlq_")} == {
        "dlq_reason": b"error: ValueError: this task makes no sense",
        "dlq_topic": service.publisher.topic.encode(),
        "dlq_partition": b"5",
        "dlq_offset": str(offset).encode(),
        "dlq_attempts": b"3",
        "dlq_group": service.consumer.group.encode(),
    }
    assert service.watcher.attempts["poison"] == 3
    assert service.counted("dead_letters_total", reason="error") == 1


async def test_a_permanent_error_is_put_aside_at_once(service: Service) -> None:
    async def refuse(_: Event) -> None:
        raise Permanent("the owner is gone")

    service.watcher.behaviour["hopeless"] = refuse
    await service.publisher.publish(task_event("hopeless"))

    letter = dict((await service.dead_letter(b"hopeless")).headers)
    assert letter["dlq_reason"] == b"permanent: Permanent: the owner is gone"
    assert letter["dlq_attempts"] == b"1"
    assert service.watcher.attempts["hopeless"] == 1


@pytest.mark.parametrize(
    ("key", "value", "complaint"),
    [
        (b"no-event", b"\x00\x01", b"undecodable: Undecodable: missing headers"),
        (b"tombstone", None, b"undecodable: Undecodable: missing headers"),
        (None, b"keyless", b"undecodable: Undecodable: missing headers"),
    ],
)
async def test_a_record_that_is_no_event_is_put_aside(
    service: Service, key: bytes | None, value: bytes | None, complaint: bytes
) -> None:
    follower = f"after-{key!r}"
    await service.publisher.write(key, value, [])
    await service.publisher.publish(task_event(follower))

    await service.handles(follower, 1)
    letter = await service.dead_letter(key)
    assert letter.value == value
    assert dict(letter.headers)["dlq_reason"].startswith(complaint)


async def test_data_that_are_not_of_their_type_are_put_aside(service: Service) -> None:
    await service.publisher.publish(task_event("garbled", data=b"\xff\xff"), task_event("after-garbled"))

    await service.handles("after-garbled", 1)
    assert dict((await service.dead_letter(b"garbled")).headers)["dlq_reason"].startswith(b"undecodable: ")
    assert service.watcher.attempts["garbled"] == 0


async def test_the_largest_record_still_fits_into_the_dead_letters(service: Service) -> None:
    event = task_event("huge", data=b"\xff" * (4 * 1024 * 1024 - 4096))
    await service.publisher.publish(event)

    assert (await service.dead_letter(b"huge")).value == event.data


async def test_a_type_the_service_has_no_handler_for_is_skipped_and_counted(service: Service) -> None:
    unknown = "primetrade.tasks.v2.TaskDreamt"
    await service.publisher.publish(task_event("dream", type=unknown), task_event("after-dream"))

    await service.handles("after-dream", 1)
    assert service.counted("handling_duration_seconds_count", type=unknown, outcome="skipped") == 1
    assert not [letter for letter in await dead_letters_of(service.settings, SERVICE) if letter.key == b"dream"]


async def test_an_overtaken_event_ends_at_once_and_is_counted_as_such(service: Service) -> None:
    async def overtaken(_: Event) -> None:
        raise Superseded("its second event is known")

    service.watcher.behaviour["old"] = overtaken
    exporter = InMemorySpanExporter()
    async with traces.Tracing(Settings(trace_sample_ratio=0), "watcher", exporter):
        await service.publisher.publish(task_event("old"), task_event("after-old"))
        await service.handles("after-old", 1)

    assert service.watcher.attempts["old"] == 1
    assert service.counted("handling_duration_seconds_count", type=CREATED, outcome="superseded") == 1
    assert not [letter for letter in await dead_letters_of(service.settings, SERVICE) if letter.key == b"old"]
    assert {span.status.status_code for span in exporter.get_finished_spans()} == {StatusCode.UNSET}


@pytest.mark.parametrize(
    "error",
    [
        Unavailable("the database is away"),
        AutoReconnect("the database went away"),
        TimeoutError(),
        DeadlineExceeded("too late"),
        ConnectionRefusedError(),
        asyncio.CancelledError(),
    ],
    ids=lambda error: type(error).__name__,
)
async def test_what_is_away_is_awaited_without_limit(service: Service, error: BaseException) -> None:
    task = f"patient-{type(error).__name__}"

    async def away(_: Event) -> None:
        if service.watcher.attempts[task] <= 25:
            raise error

    before = service.counted("retries_total", reason="away")
    service.watcher.behaviour[task] = away
    await service.publisher.publish(task_event(task), task_event(f"after-{task}"))

    await service.handles(task, 1)
    await service.handles(f"after-{task}", 1)
    assert service.watcher.attempts[task] == 26
    assert service.counted("retries_total", reason="away") - before == 25
    assert not [letter for letter in await dead_letters_of(service.settings, SERVICE) if letter.key == task.encode()]


async def _waited(event: asyncio.Event) -> None:
    await event.wait()
