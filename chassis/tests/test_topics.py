"""Topics are made from their declaration, by whoever starts first; one that breaks a promise stops the start."""

import asyncio
from collections.abc import Mapping
from contextlib import AsyncExitStack

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from structlog.testing import capture_logs

from chassis.events.admin import Topics, WrongTopic
from chassis.events.mismatch import Found, mismatches
from chassis.events.topics import AUTH, TASKS, Declaration, declaration
from chassis.process import EngineAway
from chassis.settings import Settings
from chassis.testing.engines import Engines
from chassis.testing.ports import free_port
from chassis.tests.notes import settings_for

HOUR_MS = 3_600_000


async def partitions(settings: Settings) -> dict[str, int]:
    """The topics under this test's prefix, and how many partitions each has."""
    admin = AIOKafkaAdminClient(bootstrap_servers=settings.kafka_bootstrap_servers)
    await admin.start()
    try:
        topics = {topic["topic"]: len(topic["partitions"]) for topic in await admin.describe_topics()}
    finally:
        await admin.close()
    return {name: count for name, count in topics.items() if name.startswith(f"{settings.kafka_prefix}.")}


async def make(settings: Settings, **changed: str) -> str:
    """Make the topic of tasks as somebody else did, with some of its options changed; its name."""
    topic = declaration(settings, TASKS)
    admin = AIOKafkaAdminClient(bootstrap_servers=settings.kafka_bootstrap_servers)
    await admin.start()
    try:
        options = {**topic.options, **changed}
        await admin.create_topics([NewTopic(topic.name, topic.partitions, 1, topic_configs=options)])
    finally:
        await admin.close()
    return topic.name


async def options(settings: Settings, name: str) -> Mapping[str, str]:
    """The options of a topic as the broker tells them."""
    admin = AIOKafkaAdminClient(bootstrap_servers=settings.kafka_bootstrap_servers)
    await admin.start()
    try:
        (answer,) = await admin.describe_configs([ConfigResource(ConfigResourceType.TOPIC, name)])
    finally:
        await admin.close()
    ((_, _, _, _, entries),) = answer.resources
    return {option: value for option, value, *_ in entries}


async def start(settings: Settings) -> None:
    async with Topics(settings, "tasks", publishes=[TASKS]):
        pass


async def test_a_process_makes_the_topics_it_names(engines: Engines) -> None:
    settings = settings_for(engines)
    for _ in range(2):
        async with Topics(settings, "notify", publishes=[TASKS], consumes=[AUTH]):
            assert await partitions(settings) == {
                TASKS.name(settings.kafka_prefix): settings.kafka_partitions,
                AUTH.name(settings.kafka_prefix): settings.kafka_partitions,
                AUTH.dead_letters(settings.kafka_prefix, "notify"): 1,
            }


async def test_whoever_asks_for_a_topic_that_is_missing_makes_none(engines: Engines) -> None:
    settings = settings_for(engines)
    missing, kafka = TASKS.name(settings.kafka_prefix), settings.kafka_bootstrap_servers
    consumer = AIOKafkaConsumer(bootstrap_servers=kafka)
    producer = AIOKafkaProducer(bootstrap_servers=kafka, enable_idempotence=False)
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka)
    async with AsyncExitStack() as clients:
        for client, end in ((consumer, consumer.stop), (producer, producer.stop), (admin, admin.close)):
            clients.push_async_callback(end)
            await client.start()
        await admin.describe_topics([missing])
        consumer.assign([TopicPartition(missing, 0)])
        await consumer.getmany(timeout_ms=300)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(1):
                await producer.send_and_wait(missing, b"")
        assert await partitions(settings) == {}


async def test_a_topic_is_made_with_what_this_environment_declares(engines: Engines) -> None:
    settings = settings_for(engines, kafka_partitions=3, kafka_retention_hours=5, kafka_dead_letter_retention_hours=9)
    async with Topics(settings, "notify", consumes=[TASKS]):
        assert await partitions(settings) == {
            TASKS.name(settings.kafka_prefix): 3,
            TASKS.dead_letters(settings.kafka_prefix, "notify"): 1,
        }
        kept = await options(settings, TASKS.name(settings.kafka_prefix))
        assert kept["cleanup.policy"] == "delete"
        assert (kept["retention.ms"], kept["retention.bytes"]) == (str(5 * HOUR_MS), "-1")
        assert (kept["min.insync.replicas"], kept["max.message.bytes"]) == ("1", str(4 * 1024 * 1024))
        letters = await options(settings, TASKS.dead_letters(settings.kafka_prefix, "notify"))
        assert letters["retention.ms"] == str(9 * HOUR_MS)
        assert int(letters["max.message.bytes"]) > int(kept["max.message.bytes"])


async def test_dead_letters_outlive_their_topic(engines: Engines) -> None:
    settings = settings_for(engines, kafka_retention_hours=24 * 365)
    async with Topics(settings, "notify", consumes=[TASKS]):
        letters = await options(settings, TASKS.dead_letters(settings.kafka_prefix, "notify"))
    assert letters["retention.ms"] == str(24 * 365 * HOUR_MS)


async def test_many_processes_may_start_at_once(engines: Engines) -> None:
    settings = settings_for(engines)
    await asyncio.gather(*(start(settings) for _ in range(6)))
    assert await partitions(settings) == {TASKS.name(settings.kafka_prefix): settings.kafka_partitions}


@pytest.mark.parametrize("declared", [5, 7])
async def test_another_number_of_partitions_is_refused_and_left_alone(engines: Engines, declared: int) -> None:
    settings = settings_for(engines)
    await start(settings)
    other = settings.model_copy(update={"kafka_partitions": declared})
    with pytest.raises(WrongTopic, match=rf"tasks\.v1: partitions: expected {declared}, found 6$"):
        await start(other)
    assert await partitions(settings) == {TASKS.name(settings.kafka_prefix): 6}


@pytest.mark.parametrize(
    ("option", "expected", "found"),
    [
        ("cleanup.policy", "delete", "compact"),
        ("retention.ms", str(168 * HOUR_MS), str(24 * HOUR_MS)),
        ("retention.bytes", "-1", "1073741824"),
        ("max.message.bytes", "4194304", "1048576"),
        ("min.insync.replicas", "1", "2"),
    ],
)
async def test_an_option_that_breaks_a_promise_is_refused_and_left_alone(
    engines: Engines, option: str, expected: str, found: str
) -> None:
    settings = settings_for(engines)
    name = await make(settings, **{option: found})
    with pytest.raises(WrongTopic, match=rf"^topic {name}: {option}: expected {expected}, found {found}$"):
        await start(settings)
    assert (await options(settings, name))[option] == found


async def test_everything_that_is_wrong_is_named_at_once(engines: Engines) -> None:
    settings = settings_for(engines)
    await make(settings, **{"cleanup.policy": "compact", "max.message.bytes": "1000"})
    with pytest.raises(WrongTopic) as refused:
        await start(settings.model_copy(update={"kafka_partitions": 7}))
    assert [setting in str(refused.value) for setting in ("partitions", "cleanup.policy", "max.message.bytes")] == [
        True, True, True,
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("option", "found"),
    [("retention.ms", "-1"), ("retention.ms", str(1000 * HOUR_MS)), ("max.message.bytes", str(8 * 1024 * 1024))],
)
async def test_more_than_was_promised_is_logged_and_left_alone(engines: Engines, option: str, found: str) -> None:
    settings = settings_for(engines)
    name = await make(settings, **{option: found})
    with capture_logs() as logs:
        await start(settings)
    told = [log for log in logs if log["event"] == "topic_differs"]
    assert [(log["topic"], log["setting"], log["found"]) for log in told] == [(name, option, found)]
    assert (await options(settings, name))[option] == found


async def test_start_says_which_kafka_did_not_answer(engines: Engines) -> None:
    servers = f"127.0.0.1:{free_port()}"
    settings = settings_for(engines, kafka_bootstrap_servers=servers, startup_timeout=0.3)
    with pytest.raises(EngineAway, match=servers):
        await start(settings)


DECLARED = Declaration("t", 6, 3, {"min.insync.replicas": "2", "retention.ms": "1000", "cleanup.policy": "delete"})


@pytest.mark.parametrize(
    ("replicas", "in_sync", "harmful"),
    [
        (3, "2", []),
        (5, "2", []),
        (5, "4", []),
        (2, "2", ["replication.factor"]),
        (3, "1", ["min.insync.replicas"]),
        (3, "4", ["min.insync.replicas"]),
        (1, "2", ["replication.factor"]),
    ],
)
def test_replicas_must_hold_what_is_promised_of_durability(replicas: int, in_sync: str, harmful: list[str]) -> None:
    found = Found(6, replicas, {**DECLARED.options, "min.insync.replicas": in_sync})
    assert [mismatch.setting for mismatch in mismatches(DECLARED, found) if not mismatch.harmless] == harmful


def test_what_the_broker_does_not_tell_is_passed_over() -> None:
    assert list(mismatches(DECLARED, Found(6, 3, {}))) == []


def test_a_topic_that_is_to_be_kept_for_ever_must_be() -> None:
    for_ever = Declaration("t", 6, 3, {"retention.ms": "-1"})
    (mismatch,) = mismatches(for_ever, Found(6, 3, {"retention.ms": "999999999999"}))
    assert not mismatch.harmless
