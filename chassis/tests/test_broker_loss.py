"""A broker that loses its log gets it back in order, before anything new. On a broker that keeps its log in memory."""

import tempfile
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from chassis.events.publishing.limits import RelayLimits
from chassis.events.topics import TASKS
from chassis.settings import ServiceSettings
from chassis.testing.engines import Broker, Engines
from chassis.testing.eventually import eventually
from chassis.testing.measured import measured
from chassis.tests.notes import Note, NoteProcess, Reader, in_order, notes, settings_for

EAGER = RelayLimits(
    sweep_every=0.1, sweep_grace=0.2, lease=0.6, log=0.2, second_look=0.1, clear_every=0.02, outage=0.3,
    longest_pause=0.3, batch_events=7,
)  # fmt: skip


@pytest.fixture
async def broker() -> AsyncIterator[Broker]:
    with tempfile.TemporaryDirectory() as folder, Broker(Path(folder)) as made:
        yield made


@pytest.fixture
def settings(engines: Engines, broker: Broker) -> ServiceSettings:
    where = {"kafka_bootstrap_servers": broker.bootstrap_servers, "kafka_idempotence": broker.kafka_idempotence}
    return settings_for(engines, kafka_session_timeout=0.4, **where)


async def emptied(broker: Broker, settings: ServiceSettings) -> None:
    """Kill the broker and start it again without any topic, as one that keeps its log in memory does by itself."""
    broker.kill()
    broker.start()
    admin = AIOKafkaAdminClient(bootstrap_servers=settings.kafka_bootstrap_servers)
    await admin.start()
    try:
        if names := [each["topic"] for each in await admin.describe_topics() if not each["is_internal"]]:
            await admin.delete_topics(names)
    finally:
        await admin.close()


async def create(settings: ServiceSettings, partitions: int) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=settings.kafka_bootstrap_servers)
    await admin.start()
    try:
        await admin.create_topics([NewTopic(TASKS.name(settings.kafka_prefix), partitions, 1)])
    finally:
        await admin.close()


async def written(process: NoteProcess, count: int, events: int = 3) -> list[Note]:
    made = list(notes(count))
    for note in made:
        await process.store.insert(note)
        for number in range(events - 1):
            await process.write(note, f"{number}")
    return made


async def again(process: NoteProcess, made: list[Note], text: str) -> None:
    for note in made:
        await process.write(note, text)


def lost(settings: ServiceSettings) -> float:
    name = {"topic": TASKS.name(settings.kafka_prefix)}
    return measured("primetrade_relay_lost_logs_total", **name) or 0.0


async def test_everything_is_there_again_in_order_and_new_events_flow(
    settings: ServiceSettings, broker: Broker
) -> None:
    first, second = NoteProcess(settings, limits=EAGER), NoteProcess(settings, limits=EAGER)
    async with first.running(), second.running():
        made = await written(first, 20)
        await eventually(first.quiet, "everything cleared")
        await emptied(broker, settings)
        # Written on at once, by both: held back until everything before it is there.
        await again(first, made, "after")
        await again(second, made, "and again")
        await eventually(first.quiet, "everything cleared again", seconds=60)
        async with Reader(settings).reading() as reader:
            await eventually(lambda: reader.distinct() == 20 * 5, "every event since the beginning")
            assert in_order(reader)
            await again(second, made, "live")
            await eventually(lambda: reader.distinct() == 20 * 6, "new events")
            assert in_order(reader)
        assert lost(settings) == 1


async def test_a_loss_between_two_lives_is_noticed_at_the_start(settings: ServiceSettings, broker: Broker) -> None:
    async with NoteProcess(settings, limits=EAGER).running() as process:
        made = await written(process, 10)
    assert await unpublished(settings) == 0
    await emptied(broker, settings)
    async with NoteProcess(settings).stored() as silent:
        await again(silent, made, "while nobody published")
    async with NoteProcess(settings, limits=EAGER).running() as process, Reader(settings).reading() as reader:
        await eventually(process.quiet, "everything cleared")
        await eventually(lambda: reader.distinct() == 10 * 4, "every event")
        assert in_order(reader)


async def test_a_topic_that_the_broker_made_by_itself_is_made_anew(settings: ServiceSettings, broker: Broker) -> None:
    async with NoteProcess(settings, limits=EAGER).running() as process:
        await written(process, 10)
        await eventually(process.quiet, "everything cleared")
        await emptied(broker, settings)
        await create(settings, partitions=4)
        await eventually(lambda: process.relay._continuity.epoch(TASKS.name(settings.kafka_prefix)) == 2, "restored")
        async with Reader(settings).reading() as reader:  # which verifies the partitions
            await eventually(lambda: reader.distinct() == 30, "every event")
            assert in_order(reader)


async def test_a_restore_that_is_cut_begins_again(settings: ServiceSettings, broker: Broker) -> None:
    async with NoteProcess(settings, limits=EAGER).running() as process:
        made = await written(process, 30)
        await eventually(process.quiet, "everything cleared")
        for _ in range(3):
            await emptied(broker, settings)
            await eventually(lambda: process.relay._continuity.held(TASKS.name(settings.kafka_prefix)), "held")
        await again(process, made, "after")
        await eventually(process.quiet, "everything cleared", seconds=60)
        async with Reader(settings).reading() as reader:
            await eventually(lambda: reader.distinct() == 30 * 4, "every event")
            assert in_order(reader)


async def unpublished(settings: ServiceSettings) -> int:
    async with NoteProcess(settings).stored() as silent:
        return await silent.unpublished()


async def test_a_backlog_beyond_what_memory_may_hold_is_published_in_order_when_the_broker_returns(
    settings: ServiceSettings, broker: Broker
) -> None:
    def gauge(name: str) -> float:
        return measured(name, collection="notes") or 0.0

    tight = replace(EAGER, queue_events=20, uncleared_documents=10)
    async with NoteProcess(settings, limits=tight).running() as process:
        made = await written(process, 10, events=1)
        await eventually(process.quiet, "everything cleared")
        broker.pause()
        try:
            for text in ("one", "two", "three", "four"):
                await again(process, made, text)
                assert process.relay._budget.events <= 20 + 4
            await written(process, 50, events=2)
            assert process.relay._budget.events <= 20 + 4
            await eventually(lambda: gauge("primetrade_outbox_pending_documents") == 60, "the depth")
            assert gauge("primetrade_outbox_oldest_age_seconds") > 0
        finally:
            broker.resume()
        await eventually(process.quiet, "everything published")
        async with Reader(settings).reading() as reader:
            await eventually(lambda: reader.distinct() == 10 * 5 + 50 * 2, "every event")
            assert in_order(reader)
        assert process.relay._budget.events == process.relay._budget.bytes == 0
