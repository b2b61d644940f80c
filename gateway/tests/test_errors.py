"""Every error of a service is the right problem; nothing of a bug or of the inside leaves the gateway."""

import asyncio

import httpx
import pytest

from chassis.errors import (
    AlreadyExists,
    Conflict,
    DeadlineExceeded,
    Error,
    Exhausted,
    Forbidden,
    Gone,
    Invalid,
    KeyReused,
    NotFound,
    Unauthenticated,
    Unavailable,
    VersionMismatch,
    Violation,
)
from chassis.testing.eventually import eventually
from chassis.testing.http import http_client
from gateway.tests.samples import PUBLIC, SAMPLES
from gateway.tests.upstream import TASK, TASK_ID, Held, Upstream

TASK_PATH = f"/api/v1/tasks/{TASK_ID}"
SAID: list[tuple[Error, int, str, dict[str, str]]] = [
    (
        Unauthenticated("the session has ended"),
        401,
        "unauthenticated",
        {"www-authenticate": 'Bearer realm="primetrade"'},
    ),
    (NotFound("task", TASK_ID), 404, "not-found", {}),
    (VersionMismatch("task", TASK_ID, "9"), 412, "version-mismatch", {}),
    (Invalid([Violation("title", "must be shorter")]), 422, "invalid", {}),
    (KeyReused(), 422, "key-reused", {}),
    (Unavailable("the database at 10.0.0.7 is away", 2.2), 503, "unavailable", {"retry-after": "3"}),
    (DeadlineExceeded("find_one at 10.0.0.7"), 504, "deadline-exceeded", {}),
]
UNDOCUMENTED: list[tuple[Error, int, str]] = [
    (Forbidden("this needs the role operator"), 403, "forbidden"),
    (AlreadyExists("task", TASK_ID), 409, "already-exists"),
    (Gone("task", TASK_ID), 410, "gone"),
    (Conflict("the task is archived"), 409, "conflict"),
    (Exhausted("too many tasks", 60), 429, "exhausted"),
]


@pytest.mark.parametrize(("error", "status", "code", "headers"), SAID, ids=lambda value: type(value).__name__)
async def test_an_error_of_a_service_is_a_problem(
    error: Error, status: int, code: str, headers: dict[str, str], client: httpx.AsyncClient, upstream: Upstream
) -> None:
    upstream.answer("UpdateTask", error)
    response = await client.patch(TASK_PATH, json={"title": "x"})
    assert (response.status_code, response.json()["code"]) == (status, code)
    assert {name: response.headers[name] for name in headers} == headers
    assert "10.0.0.7" not in response.text


@pytest.mark.parametrize(("error", "status", "code"), UNDOCUMENTED, ids=lambda value: type(value).__name__)
async def test_an_error_no_service_promises_is_still_said_right(
    error: Error, status: int, code: str, origin: str, token: str, upstream: Upstream
) -> None:
    upstream.answer("GetTask", error)
    async with http_client() as plain:
        response = await plain.get(origin + TASK_PATH, headers={"authorization": f"Bearer {token}"})
    assert (response.status_code, response.json()["code"]) == (status, code)


async def test_a_bug_of_a_service_tells_nothing_but_its_trace(client: httpx.AsyncClient, upstream: Upstream) -> None:
    upstream.answer("GetTask", RuntimeError("password=hunter2"))
    response = await client.get(TASK_PATH, headers={"traceparent": f"00-{'ab' * 16}-{'cd' * 8}-00"})
    assert (response.status_code, response.json()["code"]) == (500, "internal")
    assert response.json()["traceId"] == "ab" * 16
    assert "hunter2" not in response.text


async def test_a_bug_of_the_gateway_tells_nothing_but_its_trace(client: httpx.AsyncClient, upstream: Upstream) -> None:
    nameless = type(TASK)()
    nameless.CopyFrom(TASK)
    nameless.ClearField("status")
    upstream.answer("GetTask", nameless)
    response = await client.get(TASK_PATH)
    assert (response.status_code, response.json()["code"]) == (500, "internal")


@pytest.mark.parametrize("name", PUBLIC)
async def test_services_that_are_away_are_503(name: str, lonely: httpx.AsyncClient) -> None:
    response = await lonely.request(SAMPLES[name].method, SAMPLES[name].path, json=SAMPLES[name].body)
    assert response.status_code == 503
    assert int(response.headers["retry-after"]) >= 1


async def test_without_the_keys_nobody_is_known(lonely: httpx.AsyncClient) -> None:
    assert (await lonely.get("/api/v1/tasks")).status_code == 503


async def test_a_service_that_is_slow_is_504(impatient: httpx.AsyncClient, upstream: Upstream) -> None:
    held = Held(TASK)
    upstream.answer("GetTask", held)

    async def too_late() -> bool:
        assert (await impatient.get(TASK_PATH)).status_code == 504
        return "GetTask" in upstream.received  # else the 0.3 s were over before the call left

    await eventually(too_late, "a call arrives and is given up")
    assert upstream.last("GetTask").seconds_left < 1.0  # of the 0.3 s that the gateway waits; gRPC rounds up
    held.go.set()


async def test_more_requests_than_can_be_held_are_sent_away(narrow: httpx.AsyncClient, upstream: Upstream) -> None:
    held = Held(TASK)
    upstream.answer("GetTask", held)
    waiting = [asyncio.create_task(narrow.get(TASK_PATH)) for _ in range(2)]
    await eventually(lambda: len(upstream.received["GetTask"]) == 2, "two requests are in flight")
    refused = await narrow.get("/api/v1/tasks")
    assert (refused.status_code, refused.headers["retry-after"]) == (503, "1")
    assert (await narrow.get("/healthz")).status_code == 200
    held.go.set()
    assert [answer.status_code for answer in await asyncio.gather(*waiting)] == [200, 200]
    assert (await narrow.get("/api/v1/tasks")).status_code == 200
