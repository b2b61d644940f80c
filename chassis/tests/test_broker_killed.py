"""What holds when a broker is killed and comes back with its log: on engines that keep one. Tansu comes back empty."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest
from primetrade.tasks.v1 import events_pb2

from chassis.events.consuming.consumer import Consumer
from chassis.events.envelope import Event
from chassis.events.publishing.limits import RelayLimits
from chassis.events.topics import TASKS
from chassis.testing.engines import Broker, Engines
from chassis.testing.eventually import eventually
from chassis.tests.kafka import Publisher, committed, task_event
from chassis.tests.kafka import settings_for as consumer_settings
from chassis.tests.notes import NoteProcess, Reader, in_order, notes, settings_for

pytestmark = pytest.mark.engines

EAGER = RelayLimits(sweep_every=0.1, sweep_grace=0.5, lease=0.6, longest_pause=0.5)


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Broker]:
    with Broker(tmp_path) as started:
        yield started


async def test_what_is_written_meanwhile_follows_in_order_and_nothing_published_is_repeated(
    engines: Engines, broker: Broker
) -> None:
    settings = settings_for(broker.engines(engines.mongo_url))
    assert settings.kafka_idempotence
    async with NoteProcess(settings, limits=EAGER).running() as process, Reader(settings).reading() as reader:
        made = list(notes(20))
        for note in made:
            await process.store.insert(note)
        await eventually(lambda: reader.distinct() == 20, "the first events")
        await eventually(process.quiet, "the first events cleared")

        broker.kill()
        for note in made:
            note = await process.store.load({"_id": note.id, "owner_id": note.owner})
            note.write("meanwhile")
            await process.store.save(note)
        assert await process.unpublished() == 20
        await asyncio.to_thread(broker.start)

        await eventually(lambda: reader.distinct() == 40, "every event", seconds=60)
        await eventually(process.quiet, "everything cleared")
        assert in_order(reader)
        async with Reader(settings).reading() as late:
            await eventually(lambda: late.distinct() == 40, "every event from the start")
            assert [sequence for seen in late.sequences().values() for sequence in seen].count(1) == 20


async def test_a_consumer_goes_on_where_it_was(broker: Broker) -> None:
    handled: list[int] = []

    async def handle(event: Event, _: events_pb2.TaskCreated) -> None:
        handled.append(event.sequence)

    settings = consumer_settings(broker.engines(), kafka_partitions=1)
    async with Publisher(settings) as publisher:
        await publisher.publish(*(task_event("task", sequence) for sequence in (1, 2, 3)))
        async with Consumer(settings, "watcher", [TASKS], {events_pb2.TaskCreated: handle}) as consumer:

            async def saved() -> bool:
                return await committed(settings, consumer.group) == 3

            await eventually(saved, "the first three committed")
            broker.kill()
            await asyncio.to_thread(broker.start)
            await publisher.publish(*(task_event("task", sequence) for sequence in (4, 5, 6)))
            await eventually(lambda: handled[-1] == 6, "the rest handled", seconds=60)
    assert handled == [1, 2, 3, 4, 5, 6]
