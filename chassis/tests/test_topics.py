"""Topics are made from their declaration, by whoever starts first."""

import asyncio

import pytest
from aiokafka.admin import AIOKafkaAdminClient

from chassis.events.admin import Topics, WrongTopic
from chassis.events.topics import AUTH, TASKS
from chassis.process import EngineAway
from chassis.settings import Settings
from chassis.testing.engines import Engines, free_port
from chassis.tests.notes import settings_for


async def partitions(settings: Settings) -> dict[str, int]:
    """The topics under this test's prefix, and how many partitions each has."""
    admin = AIOKafkaAdminClient(bootstrap_servers=settings.kafka_bootstrap_servers)
    await admin.start()
    try:
        topics = {topic["topic"]: len(topic["partitions"]) for topic in await admin.describe_topics()}
    finally:
        await admin.close()
    return {name: count for name, count in topics.items() if name.startswith(f"{settings.kafka_prefix}.")}


async def test_a_process_makes_the_topics_it_names(engines: Engines) -> None:
    settings = settings_for(engines)
    for _ in range(2):
        async with Topics(settings, "notify", publishes=[TASKS], consumes=[AUTH]):
            assert await partitions(settings) == {
                TASKS.name(settings.kafka_prefix): settings.kafka_partitions,
                AUTH.name(settings.kafka_prefix): settings.kafka_partitions,
                AUTH.dead_letters(settings.kafka_prefix, "notify"): 1,
            }


async def test_many_processes_may_start_at_once(engines: Engines) -> None:
    settings = settings_for(engines)

    async def start() -> None:
        async with Topics(settings, "tasks", publishes=[TASKS]):
            pass

    await asyncio.gather(*(start() for _ in range(6)))
    assert await partitions(settings) == {TASKS.name(settings.kafka_prefix): settings.kafka_partitions}


async def test_a_topic_of_another_shape_is_named(engines: Engines) -> None:
    settings = settings_for(engines)
    async with Topics(settings, "tasks", publishes=[TASKS]):
        pass
    other = settings.model_copy(update={"kafka_partitions": 7})
    with pytest.raises(WrongTopic, match=r"tasks\.v1 has 6 partitions; 7 are declared"):
        await Topics(other, "tasks", publishes=[TASKS]).__aenter__()


async def test_start_says_which_kafka_did_not_answer(engines: Engines) -> None:
    servers = f"127.0.0.1:{free_port()}"
    settings = settings_for(engines, kafka_bootstrap_servers=servers, startup_timeout=0.3)
    with pytest.raises(EngineAway, match=servers):
        await Topics(settings, "tasks", publishes=[TASKS]).__aenter__()
