"""Events heard by every process of a service, on a real broker."""

import time
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from primetrade.tasks.v1 import events_pb2

from chassis.events.admin import Topics
from chassis.events.consuming.broadcast import Broadcast
from chassis.events.envelope import Event
from chassis.events.topics import TASKS
from chassis.process import EngineAway
from chassis.settings import Settings
from chassis.testing.engines import Broker, Engines
from chassis.testing.eventually import eventually
from chassis.testing.ports import free_port
from chassis.tests.kafka import Publisher, settings_for, task_event


class Ears:
    """What one process has heard: sequences by subject."""

    def __init__(self, settings: Settings, patience: float | None = 60.0) -> None:
        self.heard: dict[str, list[int]] = defaultdict(list)
        self.until = float("-inf")
        self.missed = 0
        self.broadcast = Broadcast(settings, TASKS, {events_pb2.TaskCreated: self.created}, patience, follower=self)

    @property
    def ended(self) -> bool:
        (task,) = self.broadcast.background()
        return task.done()

    async def created(self, event: Event, message: events_pb2.TaskCreated) -> None:
        assert message.task.id == event.subject
        if event.subject == "deadly":
            raise LookupError("a bug")
        self.heard[event.subject].append(event.sequence)

    def missing(self) -> None:
        self.missed += 1

    def caught_up(self, until: float) -> None:
        self.until = until

    async def knows_that_it_is_everything(self) -> None:
        now = time.monotonic()
        await eventually(lambda: self.until >= now, "everything that there is now is known to be handled")

    async def hears(self, subject: str, *sequences: int) -> None:
        await eventually(lambda: self.heard[subject] == [*sequences], f"{subject} heard {sequences}", seconds=60)


@asynccontextmanager
async def listening(settings: Settings) -> AsyncIterator[Ears]:
    async with Topics(settings, "listener", publishes=[TASKS]):
        ears = Ears(settings)
    async with ears.broadcast:
        yield ears


async def test_every_process_hears_everything_from_when_it_listens(engines: Engines) -> None:
    settings = settings_for(engines, kafka_partitions=3)
    async with Publisher(settings) as publisher:
        await publisher.publish(task_event("before"))
        async with listening(settings) as one, listening(settings) as other:
            for partition in range(3):
                await publisher.publish(
                    task_event(f"task-{partition}", 1), task_event(f"task-{partition}", 2), partition=partition
                )
            for ears in (one, other):
                for partition in range(3):
                    await ears.hears(f"task-{partition}", 1, 2)
                assert ears.heard["before"] == []
        async with listening(settings) as later:
            await publisher.publish(task_event("task-0", 3))
            await later.hears("task-0", 3)


async def test_what_is_no_event_or_not_listened_for_is_passed_over(engines: Engines) -> None:
    settings = settings_for(engines, kafka_partitions=1)
    async with Publisher(settings) as publisher, listening(settings) as ears:
        await publisher.write(b"no-event", b"\x00", [])
        await publisher.publish(
            task_event("garbled", data=b"\xff\xff"), task_event("dream", type="primetrade.tasks.v2.TaskDreamt"),
            task_event("after"),
        )  # fmt: skip
        await ears.hears("after", 1)
        assert not ears.heard["garbled"]
        assert not ears.ended


async def test_a_bug_of_the_handler_ends_the_process_s_task(engines: Engines) -> None:
    settings = settings_for(engines, kafka_partitions=1)
    async with Publisher(settings) as publisher, listening(settings) as ears:
        await publisher.publish(task_event("deadly"))
        await eventually(lambda: ears.ended, "the task ends")
        (task,) = ears.broadcast.background()
        with pytest.raises(LookupError, match="a bug"):
            task.result()


async def test_it_hears_again_after_the_broker_was_silent(tmp_path: Path) -> None:
    with Broker(tmp_path) as broker:
        settings = settings_for(broker.engines(), kafka_partitions=1)
        async with Publisher(settings) as publisher, listening(settings) as ears:
            await publisher.publish(task_event("task", 1))
            await ears.hears("task", 1)
            broker.pause()
            broker.resume()
            await publisher.publish(task_event("task", 2))
            await ears.hears("task", 1, 2)


async def test_it_hears_again_after_the_broker_was_killed_even_with_its_log_lost(tmp_path: Path) -> None:
    with Broker(tmp_path) as broker:
        settings = settings_for(broker.engines(), kafka_partitions=4)
        async with listening(settings) as ears:
            async with Publisher(settings) as publisher:
                await publisher.publish(*(task_event("before", sequence) for sequence in range(1, 6)))
            await ears.hears("before", 1, 2, 3, 4, 5)
            broker.kill()
            broker.start()
            async with Publisher(settings) as publisher:
                await publisher.publish(task_event("after", 1), task_event("after", 2))
            await ears.hears("after", 1, 2)
            assert not ears.ended


async def test_without_a_broker_it_says_what_it_waited_for(engines: Engines) -> None:
    where = f"127.0.0.1:{free_port()}"
    settings = settings_for(engines, kafka_bootstrap_servers=where, startup_timeout=0.5)
    with pytest.raises(EngineAway, match=f"Kafka at {where} \\(broadcast .*tasks.v1\\) did not answer"):
        await Ears(settings, settings.startup_timeout).broadcast.__aenter__()


async def test_it_can_be_left_in_the_middle_of_its_attempts_to_reach_the_broker(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with Broker(tmp_path) as broker:
        async with listening(settings_for(broker.engines(), kafka_partitions=1)):
            broker.kill()
            await eventually(lambda: "Failed fetch messages" in caplog.text, "an attempt has failed")


async def test_who_follows_knows_when_everything_was_heard(engines: Engines) -> None:
    settings = settings_for(engines, kafka_partitions=3)
    async with Publisher(settings) as publisher, listening(settings) as ears:
        await ears.knows_that_it_is_everything()
        for partition in range(3):
            await publisher.publish(*(task_event("task", number) for number in range(1, 21)), partition=partition)
        await ears.knows_that_it_is_everything()
        assert len(ears.heard["task"]) == 60
        assert ears.missed == 0


async def test_who_follows_knows_when_something_may_be_missing(tmp_path: Path) -> None:
    with Broker(tmp_path) as broker:
        settings = settings_for(broker.engines(), kafka_partitions=1)
        async with Publisher(settings) as publisher, listening(settings) as ears:
            await publisher.publish(task_event("before", 1), task_event("before", 2))
            await ears.knows_that_it_is_everything()
            broker.pause()
            await eventually(lambda: ears.missed, "a silent broker was noticed")
            until = ears.until
            broker.resume()
            await eventually(lambda: ears.until > until, "it answers again")
            missed = ears.missed
            broker.kill()
            await eventually(lambda: ears.missed > missed, "a dead broker was noticed")
            broker.start()
            async with Publisher(settings) as another:
                await ears.knows_that_it_is_everything()
                await another.publish(task_event("after", 1))
                await ears.hears("after", 1)


async def test_without_patience_it_hears_once_there_is_something_to_be_heard(tmp_path: Path) -> None:
    broker = Broker(tmp_path)
    settings = settings_for(broker.engines(), kafka_partitions=2)
    ears = Ears(settings, patience=None)
    async with ears.broadcast:
        with broker:
            async with Publisher(settings) as publisher:
                await ears.knows_that_it_is_everything()
                await publisher.publish(task_event("task", 1), partition=1)
                await ears.hears("task", 1)
