"""A client that leaves: what is read for it is not read to its end, what it writes is written."""

import asyncio

from prometheus_client import REGISTRY

from chassis.cancelling import cancel
from chassis.testing.eventually import eventually
from gateway.tests.conftest import checked
from gateway.tests.contract import Contract
from gateway.tests.upstream import TASK, TASK_ID, Held, Upstream

TASK_PATH = f"/api/v1/tasks/{TASK_ID}"


async def test_who_leaves_takes_the_reading_along_and_leaves_the_writing(
    origin: str, contract: Contract, token: str, upstream: Upstream
) -> None:
    reading, writing, before = Held(TASK), Held(TASK), _left()
    upstream.answer("GetTask", reading)
    upstream.answer("CreateTask", writing)
    async with checked(origin, contract, token) as client:
        write = asyncio.create_task(client.post("/api/v1/tasks", json={"title": "x"}))
        await writing.asked.wait()
        read = asyncio.create_task(client.get(TASK_PATH))
        await reading.asked.wait()
        await cancel([write])
        await cancel([read])
        await asyncio.wait_for(reading.cancelled.wait(), 60)
        # The writer left before the reader did, so the gateway knows of that too.
        assert not writing.cancelled.is_set()
        writing.go.set()
        await asyncio.wait_for(writing.given.wait(), 60)
        await eventually(lambda: _left() == before + 1, "the reader is counted")
        upstream.as_usual()
        assert (await client.get(TASK_PATH)).status_code == 200


async def test_head_leaves_as_get_does(origin: str, contract: Contract, token: str, upstream: Upstream) -> None:
    reading = Held(TASK)
    upstream.answer("GetTask", reading)
    async with checked(origin, contract, token) as client:
        asking = asyncio.create_task(client.head(TASK_PATH))
        await reading.asked.wait()
        await cancel([asking])
        await asyncio.wait_for(reading.cancelled.wait(), 60)


def _left() -> float:
    labels = {"method": "GET", "route": "/api/v1/tasks/{task_id}", "status": "499"}
    return REGISTRY.get_sample_value("primetrade_http_request_duration_seconds_count", labels) or 0
