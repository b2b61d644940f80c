"""When a consumer commits, how it keeps its partitions while it waits, and what it leaves behind when it is told to
stop."""

import asyncio
import os
import sys
import time
from itertools import pairwise

import pytest
from aiokafka import TopicPartition
from primetrade.tasks.v1 import events_pb2
from structlog.testing import capture_logs

from chassis.backoff import Backoff
from chassis.errors import Unavailable
from chassis.events.consuming import assignment
from chassis.events.consuming.consumer import Consumer, Handler, Retries
from chassis.events.consuming.partition import FETCH_RECORDS, QUEUE_BYTES, Partition
from chassis.events.envelope import Event
from chassis.events.topics import TASKS
from chassis.settings import Settings
from chassis.testing.engines import Engines
from chassis.testing.eventually import eventually
from chassis.tests.kafka import Publisher, committed, reader, settings_for, task_event

FAST = Retries(attempts=2, errors=Backoff(0.001, 0.01), away=Backoff(0.001, 0.01))


def consumer(settings: Settings, handler: Handler) -> Consumer:
    return Consumer(settings, "watcher", [TASKS], {events_pb2.TaskCreated: handler}, retries=FAST)


class Stuck:
    """Handles everything up to an event, which it keeps in hand until it is let go."""

    def __init__(self, at: int) -> None:
        self.at, self.handled, self.go_on = at, 0, asyncio.Event()

    async def __call__(self, event: Event, _: events_pb2.TaskCreated) -> None:
        if event.sequence == self.at:
            await self.go_on.wait()
        self.handled += 1


async def publish(settings: Settings, count: int) -> None:
    async with Publisher(settings) as publisher:
        await publisher.publish(*(task_event("task", sequence) for sequence in range(1, count + 1)))


async def test_500_records_are_committed_before_any_time_has_passed(
    engines: Engines, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert assignment.COMMIT_RECORDS == 500
    monkeypatch.setattr(assignment, "COMMIT_SECONDS", 3600.0)
    settings, handler = settings_for(engines, kafka_partitions=1), Stuck(at=521)
    await publish(settings, 530)
    async with consumer(settings, handler) as member:
        await eventually(lambda: handler.handled == 520, "everything before the one in hand")
        at = await eventually(lambda: committed(settings, member.group), "a commit by count")
        assert at in range(500, 521)
        handler.go_on.set()


async def test_after_a_second_what_is_finished_is_committed_and_what_is_in_hand_is_not(engines: Engines) -> None:
    assert assignment.COMMIT_SECONDS == 1.0
    settings, handler = settings_for(engines, kafka_partitions=1), Stuck(at=3)
    await publish(settings, 5)
    async with consumer(settings, handler) as member:
        assert await eventually(lambda: committed(settings, member.group), "a commit by time") in (1, 2)

        async def caught_up() -> bool:
            return await committed(settings, member.group) == 2

        await eventually(caught_up, "the second record is committed")
        handler.go_on.set()


async def test_a_log_that_ends_before_what_was_committed_is_read_from_its_beginning(engines: Engines) -> None:
    settings, handler = settings_for(engines, kafka_partitions=1), Stuck(at=0)
    await publish(settings, 5)
    member = consumer(settings, handler)
    async with reader(settings, member.group) as stranger:
        name = TopicPartition(TASKS.name(settings.kafka_prefix), 0)
        stranger.assign([name])
        await stranger.commit({name: 118})
    async with member:
        await eventually(lambda: handler.handled == 5, "the whole log")

        async def committed_anew() -> bool:
            return await committed(settings, member.group) == 5

        await eventually(committed_anew, "a commit in the new log")
        await publish(settings, 2)
        await eventually(lambda: handler.handled == 7, "what comes after")


async def test_a_wait_longer_than_the_session_loses_no_partition(engines: Engines) -> None:
    settings = settings_for(engines, kafka_partitions=1)
    begun: list[float] = []
    handled: list[int] = []

    async def wait(event: Event, _: events_pb2.TaskCreated) -> None:
        begun.append(time.monotonic())
        if begun[-1] - begun[0] < settings.kafka_session_timeout + 1:
            raise Unavailable("the database is away")
        handled.append(event.sequence)

    # More than one fetch: a full queue asks the client for nothing meanwhile.
    await publish(settings, 2 * FETCH_RECORDS)
    retries = Retries(attempts=2, away=Backoff(0.2, 0.2))
    member = Consumer(settings, "watcher", [TASKS], {events_pb2.TaskCreated: wait}, retries=retries)
    with capture_logs() as logs:
        async with member:
            await eventually(lambda: len(handled) == 2 * FETCH_RECORDS, "handled at last", seconds=60)
    assert [entry["event"] for entry in logs].count("partitions_assigned") == 1
    assert handled == list(range(1, 2 * FETCH_RECORDS + 1))


async def test_a_long_pause_between_two_attempts_holds_up_neither_other_partitions_nor_leaving(
    engines: Engines,
) -> None:
    settings = settings_for(engines, kafka_partitions=2)
    handled: list[int] = []

    async def handle(event: Event, _: events_pb2.TaskCreated) -> None:
        if event.subject == "waiting":
            raise Unavailable("the database is away")
        handled.append(event.sequence)

    pause = Backoff(first=60, cap=60)
    member = Consumer(
        settings, "watcher", [TASKS], {events_pb2.TaskCreated: handle}, retries=Retries(away=pause, errors=pause)
    )
    async with Publisher(settings) as publisher, member:
        await publisher.publish(task_event("waiting"), partition=0)
        await publisher.publish(*(task_event("passing", sequence) for sequence in range(1, 11)), partition=1)
        await eventually(lambda: handled == list(range(1, 11)), "the other partition")
        left = time.monotonic()
    assert time.monotonic() - left < settings.drain_timeout


async def test_told_to_stop_it_finishes_the_record_in_hand_commits_it_and_ends_well(engines: Engines) -> None:
    settings = settings_for(engines, kafka_partitions=1)
    await publish(settings, 5)
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(path for path in sys.path if path),
        "KAFKA_PREFIX": settings.kafka_prefix,
        "KAFKA_PARTITIONS": "1",
    }
    told = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "chassis.tests.told", env=environment, stdout=asyncio.subprocess.PIPE
    )
    printed, _ = await asyncio.wait_for(told.communicate(), 60)
    assert [line for line in printed.decode().splitlines() if line.isdigit()] == ["1", "2", "3"]
    assert told.returncode == 0
    assert await committed(settings, f"{settings.kafka_prefix}.watcher") == 3


async def test_a_partition_is_full_by_records_and_by_bytes() -> None:
    class Record:
        def __init__(self, offset: int, size: int) -> None:
            self.offset, self.key, self.value = offset, b"", b"x" * size

    async def keep(_: object, leaving: asyncio.Event) -> bool:
        await leaving.wait()
        return False

    for count, size in ((FETCH_RECORDS + 1, 1), (2, QUEUE_BYTES)):
        partition = Partition(TopicPartition("topic", 0), keep, lambda: None)
        assert partition.hungry
        partition.offer([Record(offset, size) for offset in range(count)])
        assert not partition.hungry
        await partition.leave(5)


def test_waits_grow_to_their_cap_and_are_spread_and_never_overflow() -> None:
    backoff = Backoff(first=0.1, cap=5.0)
    highest = [max(backoff.delay(attempts) for _ in range(400)) for attempts in range(1, 8)]
    assert all(later > earlier for earlier, later in pairwise(highest[:6]))
    assert all(0.08 * 2**n < top <= 0.1 * 2**n for n, top in enumerate(highest[:6]))
    delays = [backoff.delay(10**9) for _ in range(400)]
    assert max(delays) <= 5.0
    assert min(delays) < 0.5 < 4.5 < max(delays)
