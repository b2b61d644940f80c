"""What holds when a consumer comes, goes, crashes, or loses its broker: nothing is lost, and little is repeated."""

import asyncio
import os
import signal
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import pytest
from aiokafka import ConsumerRecord, TopicPartition
from primetrade.tasks.v1 import events_pb2

from chassis.backoff import Backoff
from chassis.events.admin import connected, layout
from chassis.events.consuming.assignment import Assignment
from chassis.events.consuming.consumer import Consumer, Handler, Permanent, Retries
from chassis.events.consuming.deadletter import DeadLetterFailed
from chassis.events.envelope import Event
from chassis.events.topics import TASKS
from chassis.process import EngineAway
from chassis.settings import Settings
from chassis.testing.engines import Broker, Engines
from chassis.testing.eventually import eventually
from chassis.testing.measured import measured
from chassis.testing.ports import free_port
from chassis.tests.kafka import Publisher, committed, dead_letters_of, settings_for, task_event

FAST = Retries(attempts=2, errors=Backoff(0.001, 0.01), away=Backoff(0.001, 0.01))


def consumer(settings: Settings, handler: Handler, dead_letter_timeout: float = 30.0) -> Consumer:
    return Consumer(
        settings, "watcher", [TASKS], {events_pb2.TaskCreated: handler}, retries=FAST,
        dead_letter_timeout=dead_letter_timeout,
    )  # fmt: skip


@asynccontextmanager
async def joined(settings: Settings, handler: Handler) -> AsyncIterator[Consumer]:
    async with consumer(settings, handler) as member:
        await eventually(lambda: member.assigned, "the group is joined")
        yield member


@contextmanager
def own_broker(folder: Path) -> Iterator[tuple[Settings, Broker]]:
    """A broker of this test alone, which it may stop, and settings for it."""
    with Broker(folder) as broker:
        yield settings_for(broker.engines(), kafka_partitions=1, kafka_session_timeout=2), broker


async def test_what_a_killed_consumer_had_not_committed_is_handled_again(engines: Engines) -> None:
    settings = settings_for(engines, kafka_partitions=1)
    handled: list[int] = []

    async def handle(event: Event, _: events_pb2.TaskCreated) -> None:
        handled.append(event.sequence)

    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(path for path in sys.path if path),
        "KAFKA_PREFIX": settings.kafka_prefix,
        "KAFKA_PARTITIONS": "1",
    }
    doomed = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "chassis.tests.doomed", env=environment, stdout=asyncio.subprocess.PIPE
    )
    async with Publisher(settings) as publisher:
        await publisher.publish(*(task_event("task", sequence) for sequence in range(1, 6)))
    printed, _ = await asyncio.wait_for(doomed.communicate(), 60)

    assert doomed.returncode == -signal.SIGKILL
    assert [line for line in printed.decode().splitlines() if line.isdigit()] == ["1", "2"]
    async with consumer(settings, handle):
        await eventually(lambda: handled and handled[-1] == 5, "the rest handled", seconds=60)
    assert handled in ([1, 2, 3, 4, 5], [2, 3, 4, 5], [3, 4, 5])


async def test_leaving_finishes_the_record_in_hand_commits_it_and_repeats_nothing(engines: Engines) -> None:
    settings = settings_for(engines, kafka_partitions=1)
    begun = asyncio.Event()
    handled: list[int] = []

    async def handle(event: Event, _: events_pb2.TaskCreated) -> None:
        if event.sequence == 2:
            begun.set()
            await asyncio.sleep(0.2)  # still at work when the consumer is left
        handled.append(event.sequence)

    async with Publisher(settings) as publisher:
        async with consumer(settings, handle) as member:
            await publisher.publish(*(task_event("task", sequence) for sequence in range(1, 4)))
            await begun.wait()
            assert handled == [1]
        assert handled == [1, 2]
        assert await committed(settings, member.group) == 2
        gauge = {"topic": publisher.topic, "partition": "0"}
        assert measured("primetrade_consumer_lag_records", **gauge) is None

        async with consumer(settings, handle):
            await eventually(lambda: len(handled) > 2, "the rest handled")
    assert handled == [1, 2, 3]


async def test_leaving_waits_for_no_hanging_handler_longer_than_it_may(engines: Engines) -> None:
    settings = settings_for(engines, kafka_partitions=1, drain_timeout=0.2)
    begun = asyncio.Event()

    async def hang(event: Event, _: events_pb2.TaskCreated) -> None:
        if event.sequence == 2:
            begun.set()
            await asyncio.Event().wait()

    async with Publisher(settings) as publisher:
        async with consumer(settings, hang) as member:
            await publisher.publish(task_event("task", 1), task_event("task", 2))
            await begun.wait()
            started = time.monotonic()
        assert time.monotonic() - started < 5
    assert await committed(settings, member.group) == 1
    assert await dead_letters_of(settings, "watcher") == []


async def test_members_that_come_and_go_lose_nothing_and_share_the_work(engines: Engines) -> None:
    settings = settings_for(engines, kafka_partitions=4)
    handled: list[tuple[str, int]] = []
    counts = {"first": 0, "second": 0}

    def member(name: str) -> Handler:
        async def handle(event: Event, _: events_pb2.TaskCreated) -> None:
            await asyncio.sleep(0.001)
            counts[name] += 1
            handled.append((event.subject, event.sequence))

        return handle

    async def publish(publisher: Publisher, partition: int, stop: asyncio.Event) -> int:
        sequence = 0
        while not stop.is_set():
            sequence += 1
            await publisher.publish(task_event(f"task-{partition}", sequence), partition=partition)
            await asyncio.sleep(0.005)
        return sequence

    stop = asyncio.Event()
    async with joined(settings, member("first")) as first, Publisher(settings) as publisher:
        publishing = [asyncio.create_task(publish(publisher, partition, stop)) for partition in range(4)]
        async with joined(settings, member("second")) as second:
            await eventually(
                lambda: len(first.assigned) == len(second.assigned) == 2 and not first.assigned & second.assigned,
                "each member has half of the partitions",
            )
            already = counts["second"]
            await eventually(lambda: counts["second"] > already + 20, "the second member works")
        await eventually(lambda: len(first.assigned) == 4, "the first member has all partitions again")
        stop.set()
        published = await asyncio.gather(*publishing)
        wanted = {(f"task-{p}", sequence) for p in range(4) for sequence in range(1, published[p] + 1)}
        await eventually(lambda: wanted <= set(handled), "everything handled")

    assert [event for event, times in Counter(handled).items() if times > 1] == []
    for partition in range(4):
        mine = [sequence for task, sequence in handled if task == f"task-{partition}"]
        assert mine == sorted(mine)


async def test_a_dead_letter_that_cannot_be_written_ends_the_consumer_and_passes_nothing(tmp_path: Path) -> None:
    async def refuse(event: Event, _: events_pb2.TaskCreated) -> None:
        if event.sequence == 2:
            if not stopped.is_set():
                broker.pause()
                stopped.set()
            raise Permanent("never")

    stopped = asyncio.Event()
    with own_broker(tmp_path) as (settings, broker):
        async with Publisher(settings) as publisher:
            failing = consumer(settings, refuse, dead_letter_timeout=0.5)
            async with failing:
                await publisher.publish(*(task_event("task", sequence) for sequence in (1, 2, 3)))
                (task,) = failing.background()
                await eventually(task.done, "the consumer ends")
                broker.resume()
            with pytest.raises(DeadLetterFailed, match=r"tasks\.v1\[0\]@1 could not be written"):
                task.result()
            assert await committed(settings, failing.group) == 1

            async with consumer(settings, refuse) as restarted:
                await eventually(lambda: sum(restarted.lag().values()) == 0 and restarted.lag(), "all ended")
            letters = await dead_letters_of(settings, "watcher")
            assert {dict(letter.headers)["dlq_offset"] for letter in letters} == {b"1"}


async def test_a_dead_letter_whose_topic_is_gone_has_it_made_again(engines: Engines) -> None:
    async def refuse(event: Event, _: events_pb2.TaskCreated) -> None:
        raise Permanent(f"never {event.subject}")

    settings = settings_for(engines)
    async with Publisher(settings) as publisher, consumer(settings, refuse) as member:
        await publisher.publish(task_event("before"))
        await eventually(lambda: dead_letters_of(settings, "watcher"), "the first letter")
        gone = TASKS.dead_letters(settings.kafka_prefix, "watcher")
        admin = await connected(settings)
        try:
            await admin.delete_topics([gone])
            await publisher.publish(task_event("after"))

            async def there() -> bool:
                return gone in await layout(admin)

            await eventually(there, "the topic is made again")
        finally:
            await admin.close()
        letters = await eventually(lambda: dead_letters_of(settings, "watcher"), "the second letter")
        assert [letter.key for letter in letters] == [b"after"]
        (task,) = member.background()
        assert not task.done()


async def test_a_broker_that_goes_silent_and_comes_back_is_no_reason_to_stop(tmp_path: Path) -> None:
    handled: list[int] = []

    async def handle(event: Event, _: events_pb2.TaskCreated) -> None:
        handled.append(event.sequence)

    with own_broker(tmp_path) as (settings, broker):
        async with joined(settings, handle) as member, Publisher(settings) as publisher:
            await publisher.publish(task_event("task", 1))
            await eventually(lambda: handled == [1], "the first event")
            broker.pause()
            # Longer than the session: the group has given this member up when the broker is back.
            silent_until = time.monotonic() + settings.kafka_session_timeout + 1
            await eventually(lambda: time.monotonic() > silent_until, "the silence is over")
            broker.resume()
            await publisher.publish(task_event("task", 2))
            await eventually(lambda: handled[-1] == 2, "the event after the silence", seconds=60)
            assert not member.background()[0].done()


async def test_a_consumer_waits_for_a_broker_that_starts_later(tmp_path: Path) -> None:
    async def handle(event: Event, _: events_pb2.TaskCreated) -> None:
        handled.set()

    handled, broker = asyncio.Event(), Broker(tmp_path)
    settings = settings_for(broker.engines(), kafka_partitions=1)
    member = consumer(settings, handle)
    entering = asyncio.create_task(member.__aenter__())
    await asyncio.sleep(0)
    with broker:
        await entering
        async with Publisher(settings) as publisher:
            await publisher.publish(task_event("task"))
        await asyncio.wait_for(handled.wait(), 30)
        await member.__aexit__(None, None, None)


async def test_a_consumer_without_a_broker_gives_up_saying_what_it_waited_for(engines: Engines) -> None:
    async def handle(event: Event, _: events_pb2.TaskCreated) -> None:
        raise AssertionError("there is no broker")

    where = f"127.0.0.1:{free_port()}"
    settings = settings_for(engines, kafka_bootstrap_servers=where, startup_timeout=0.5)
    with pytest.raises(EngineAway, match=f"Kafka at {where} did not answer within"):
        await consumer(settings, handle).__aenter__()


async def test_a_rebalance_that_ends_while_a_consumer_leaves_opens_nothing() -> None:
    async def finish(_: ConsumerRecord, __: asyncio.Event) -> bool:
        raise AssertionError("there is no record")

    def failed(error: BaseException) -> None:
        raise error

    one, other = TopicPartition("tasks", 0), TopicPartition("tasks", 1)
    nothing_to_commit: Any = None
    assignment = Assignment(nothing_to_commit, finish, 60.0, failed)
    await assignment.on_partitions_assigned([one])
    assert list(assignment.partitions) == [one]
    await assignment.close(60.0)
    await assignment.on_partitions_assigned([one, other])
    assert not assignment.partitions
