"""What a stranger with a plain Kafka client sees of a change made through REST."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any, TypeAlias
from uuid import UUID

import pytest
from aiokafka import AIOKafkaConsumer
from primetrade.tasks.v1 import events_pb2, tasks_pb2

from chassis.testing.eventually import eventually
from deploy.local.testing import RunningSuite
from tests.e2e.conftest import Person, whole

Record: TypeAlias = Any  # aiokafka.structs.ConsumerRecord, which comes without types
Reader = Callable[[str, int], Awaitable[list[Record]]]


@asynccontextmanager
async def reading(suite: RunningSuite, topic: str) -> AsyncIterator[Reader]:
    """Reads a topic from its start, without a group; yields a function that waits for a key's first n records."""
    consumer = AIOKafkaConsumer(
        topic, bootstrap_servers=suite.kafka_bootstrap_servers, group_id=None, auto_offset_reset="earliest"
    )
    await consumer.start()
    seen: list[Record] = []

    async def of(key: str, count: int) -> list[Record]:
        async def enough() -> list[Record]:
            for records in (await consumer.getmany(timeout_ms=100)).values():
                seen.extend(records)
            mine = [record for record in seen if record.key == key.encode()]
            return mine if len(mine) >= count else []

        return await eventually(enough, f"{count} records of {key}")

    try:
        yield of
    finally:
        await consumer.stop()


@pytest.fixture
async def tasks_topic(suite: RunningSuite) -> AsyncIterator[Reader]:
    async with reading(suite, "primetrade.tasks.v1") as of:
        yield of


async def test_the_event_of_a_created_task(tasks_topic: Reader, ada: Person) -> None:
    trace = "0af7651916cd43dd8448eb211c80319c"
    answer = await ada.call(
        "POST", "/tasks", json={"title": "Tell everybody", "priority": "high"},
        headers={"traceparent": f"00-{trace}-b7ad6b7169203331-00"},
    )  # fmt: skip
    task = answer.json()
    (record,) = await tasks_topic(task["id"], 1)
    headers = {name: value.decode() for name, value in record.headers}
    assert UUID(headers.pop("ce_id")).version == 7
    assert datetime.fromisoformat(headers.pop("ce_time")) >= datetime.fromisoformat(task["createdAt"])
    assert headers.pop("ce_traceparent").split("-")[1] == trace
    assert headers.pop("traceparent").split("-")[1] == trace
    assert headers == {
        "content-type": "application/protobuf",
        "ce_specversion": "1.0",
        "ce_source": "/primetrade/tasks",
        "ce_type": "primetrade.tasks.v1.TaskCreated",
        "ce_subject": task["id"],
        "ce_partitionkey": task["id"],
        "ce_dataschema": "https://type.googleapis.com/primetrade.tasks.v1.TaskCreated",
        "ce_sequence": "0000000001",
        "ce_sequencetype": "Integer",
        "ce_actor": ada.id,
    }
    published = events_pb2.TaskCreated.FromString(record.value or b"").task
    assert (published.id, published.owner_id, published.title) == (task["id"], ada.id, "Tell everybody")
    assert published.priority == tasks_pb2.TASK_PRIORITY_HIGH


async def test_a_life_in_order(tasks_topic: Reader, ada: Person) -> None:
    task = await ada.create_task()
    await ada.call("PATCH", f"/tasks/{task['id']}", json={"title": "Better"})
    await ada.call("PATCH", f"/tasks/{task['id']}", json={"title": "Better"})
    await ada.call("POST", f"/tasks/{task['id']}/complete")
    await ada.call("DELETE", f"/tasks/{task['id']}")
    records = await tasks_topic(task["id"], 5)
    headers = [dict(record.headers) for record in records]
    assert [header["ce_type"].decode().rpartition(".")[2] for header in headers] == [
        "TaskCreated", "TaskUpdated", "TaskUpdated", "TaskCompleted", "TaskDeleted"
    ]  # fmt: skip
    assert [int(header["ce_sequence"]) for header in headers] == [1, 2, 3, 4, 5]
    changed = events_pb2.TaskUpdated.FromString(records[1].value or b"")
    assert (list(changed.changed.paths), changed.task.title) == (["title"], "Better")


async def test_a_task_survives_the_kill_of_its_service_right_after_the_answer(
    suite: RunningSuite, tasks_topic: Reader, ada: Person
) -> None:
    kept: list[dict[str, str]] = []
    for _ in range(3):
        kept.append(await ada.create_task(title="Still here"))
        suite.kill("tasks")
        suite.restart("tasks")
        await whole(ada.http)
    for task in kept:
        assert (await ada.call("GET", f"/tasks/{task['id']}")).json() == task
        assert (await tasks_topic(task["id"], 1))[0].key == task["id"].encode()
