"""A topic is read again from its start."""

from uuid import uuid4

import pytest
from aiokafka import TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, RecordsToDelete

from chassis.events.envelope import Event
from chassis.events.replay import Replay, newest
from chassis.events.topics import TASKS
from chassis.settings import Settings
from chassis.testing.engines import Engines
from chassis.tests.kafka import Publisher, settings_for, task_event


@pytest.fixture
def settings(engines: Engines) -> Settings:
    return settings_for(engines, kafka_partitions=2)


async def read(replay: Replay) -> list[Event]:
    return [event async for events in replay.catch_up() for event in events]


async def test_everything_is_read_in_the_order_of_each_partition(settings: Settings) -> None:
    async with Publisher(settings) as publisher:
        told = [[task_event(f"{partition}", number) for number in range(1, 1_500)] for partition in range(2)]
        for partition, events in enumerate(told):
            await publisher.publish(*events[:300], partition=partition)
        async with Replay(settings, [TASKS]) as replay:
            found = await read(replay)
            for partition, events in enumerate(told):
                assert [event.id for event in found if event.subject == f"{partition}"] == [
                    event.id for event in events[:300]
                ]
            assert await read(replay) == []
            for partition, events in enumerate(told):
                await publisher.publish(*events[300:310], partition=partition)
            assert {event.id for event in await read(replay)} == {
                event.id for events in told for event in events[300:310]
            }
            assert (replay.records, replay.undecodable) == (620, 0)


async def test_what_is_no_event_is_counted_and_passed_over(settings: Settings) -> None:
    async with Publisher(settings) as publisher:
        event = task_event("a")
        await publisher.write(b"a", b"nonsense", [])
        await publisher.publish(event)
        async with Replay(settings, [TASKS]) as replay:
            assert await read(replay) == [event]
            assert (replay.records, replay.undecodable) == (2, 1)


async def test_an_empty_topic_is_read_at_once(settings: Settings) -> None:
    async with Publisher(settings), Replay(settings, [TASKS]) as replay:
        assert await read(replay) == []
        assert set(replay.beginnings.values()) == {0}


@pytest.mark.engines  # the embedded broker deletes no records
async def test_a_topic_that_was_cut_says_where_it_begins(settings: Settings) -> None:
    async with Publisher(settings) as publisher:
        await publisher.publish(*(task_event("a", number) for number in range(1, 5)))
        name = TopicPartition(publisher.topic, 0)
        admin = AIOKafkaAdminClient(bootstrap_servers=settings.kafka_bootstrap_servers)
        await admin.start()
        try:
            await admin.delete_records({name: RecordsToDelete(before_offset=2)})
        finally:
            await admin.close()
        async with Replay(settings, [TASKS]) as replay:
            assert replay.beginnings[name] == 2
            assert [event.sequence for event in await read(replay)] == [3, 4]


def test_the_newest_event_of_each_subject_is_the_one_of_the_highest_number() -> None:
    subject, other = str(uuid4()), str(uuid4())
    events = [task_event(subject, 2), task_event(other, 1), task_event(subject, 3), task_event(subject, 1)]
    message = type(events[0].message())
    assert newest(events, [message]) == [events[2], events[1]]
    assert newest(events, []) == []
