"""A service that is away, hangs or is full takes only its own routes down."""

import asyncio
from collections.abc import AsyncIterator

import httpx
import pytest

from chassis.errors import Error, NotFound, Unauthenticated, Unavailable
from chassis.testing.eventually import eventually
from chassis.testing.issuer import Issuer
from gateway.tests.conftest import checked, served
from gateway.tests.contract import Contract
from gateway.tests.upstream import TASK, TASK_ID, Held, Upstream

TASK_PATH = f"/api/v1/tasks/{TASK_ID}"
OTHERS = ("/api/v1/users/me", "/api/v1/notifications")


@pytest.fixture
async def short(services: Upstream, contract: Contract, token: str) -> AsyncIterator[httpx.AsyncClient]:
    """A client of a gateway of its own, which gives services half a second."""
    async with served(services.target, upstream_timeout=0.5) as origin, checked(origin, contract, token) as client:
        yield client


async def others_go_on(client: httpx.AsyncClient) -> None:
    """The other services' routes are served. On a machine that is slow some answer may be late, but not for long."""

    async def served_all() -> bool:
        return [(await client.get(path)).status_code for path in OTHERS] == [200, 200]

    await eventually(served_all, "the other services' routes go on")


async def test_a_service_that_hangs_holds_no_more_than_its_share(
    services: Upstream, contract: Contract, token: str, upstream: Upstream
) -> None:
    held = Held(TASK)
    upstream.answer("GetTask", held)
    async with (
        served(services.target, max_in_flight=3, upstream_max_in_flight=2) as origin,
        checked(origin, contract, token) as client,
    ):
        waiting = [asyncio.create_task(client.get(TASK_PATH)) for _ in range(2)]
        await eventually(lambda: len(upstream.received["GetTask"]) == 2, "two calls are in the service's hands")
        for refused in (await client.get(TASK_PATH), await client.post("/api/v1/tasks", json={"title": "x"})):
            assert (refused.status_code, refused.json()["code"]) == (503, "unavailable")
            assert refused.headers["retry-after"] == "1"
        await others_go_on(client)
        assert "CreateTask" not in upstream.received
        held.go.set()
        assert [answer.status_code for answer in await asyncio.gather(*waiting)] == [200, 200]
        assert (await client.get(TASK_PATH)).status_code == 200


async def test_a_service_that_hangs_is_soon_not_waited_for(short: httpx.AsyncClient, upstream: Upstream) -> None:
    held = Held(TASK)
    upstream.answer("GetTask", held)
    assert [(await short.get(TASK_PATH)).status_code for _ in range(5)] == [504] * 5

    async def refused() -> bool:
        arrived, answer = len(upstream.received["GetTask"]), await short.get(TASK_PATH)
        if answer.status_code == 504:  # the one that is let through after each pause
            return False
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
        return len(upstream.received["GetTask"]) == arrived

    await eventually(refused, "a call is refused without asking")
    await others_go_on(short)
    held.go.set()
    await eventually(lambda: _is_200(short, TASK_PATH), "the service is asked again")


async def test_a_service_that_is_away_comes_back_by_itself(
    services: Upstream, issuer: Issuer, contract: Contract, token: str
) -> None:
    async with Upstream(issuer) as tasks:
        where = tasks.target
        async with (
            served(services.target, tasks_target=where, upstream_timeout=30.0) as origin,
            checked(origin, contract, token) as client,
        ):
            assert (await client.get(TASK_PATH)).status_code == 200
            await tasks.__aexit__()
            for _ in range(8):
                answer = await client.get(TASK_PATH)
                assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")
                assert answer.headers["retry-after"] == "1"
            await others_go_on(client)
            async with Upstream(issuer, int(where.rpartition(":")[2])):
                await eventually(lambda: _is_200(client, TASK_PATH), "the service is asked again")
                assert (await client.post("/api/v1/tasks", json={"title": "x"})).status_code == 201


async def test_clients_in_a_hurry_shut_nobody_out(client: httpx.AsyncClient, upstream: Upstream) -> None:
    held = Held(TASK)
    upstream.answer("GetTask", held)
    hurried = [client.get(TASK_PATH, headers={"prefer": "wait=1"}) for _ in range(10)]
    assert {answer.status_code for answer in await asyncio.gather(*hurried)} == {504}
    held.go.set()
    assert (await client.get(TASK_PATH)).status_code == 200


@pytest.mark.parametrize(
    "error",
    [NotFound("task", TASK_ID), Unauthenticated("who"), Unavailable("no database"), RuntimeError("a bug")],
    ids=lambda error: type(error).__name__,
)
async def test_what_a_service_says_shuts_nobody_out(
    error: Error, client: httpx.AsyncClient, upstream: Upstream
) -> None:
    upstream.answer("GetTask", error)
    statuses = {(await client.get(TASK_PATH)).status_code for _ in range(10)}
    assert len(statuses) == 1
    assert len(upstream.received["GetTask"]) >= 10
    upstream.as_usual()
    assert (await client.get(TASK_PATH)).status_code == 200


async def _is_200(client: httpx.AsyncClient, path: str) -> bool:
    return (await client.get(path)).status_code == 200
