"""What a client may wish for (RFC 7240): a shorter deadline, and to know where the time went."""

import re

import httpx
import pytest

from chassis.errors import Unavailable
from gateway.tests.samples import SAMPLES
from gateway.tests.upstream import TASK, TASK_ID, Held, Upstream

TASK_PATH = f"/api/v1/tasks/{TASK_ID}"
TIMING = re.compile(r"upstream;dur=(\d+\.\d\d), total;dur=(\d+\.\d\d)")


@pytest.mark.parametrize(
    "given",
    ["wait=60", "Wait=60", "WAIT = 60", 'wait="60"', "respond-async, wait=60", "wait=60, wait=1", "wait=60; x=y",
     "wait=60;", 'handling="a, wait=1", wait=60', "handling=lenient;wait=1, wait=60", ", wait=60,"],
)  # fmt: skip
async def test_a_client_may_wait_less_than_the_gateway_would(
    given: str, client: httpx.AsyncClient, upstream: Upstream
) -> None:
    response = await client.get(TASK_PATH, headers={"prefer": given})
    assert (response.status_code, response.headers["preference-applied"]) == (200, "wait=60")
    assert 0 < upstream.last("GetTask").seconds_left < 61  # gRPC rounds up


@pytest.mark.parametrize(
    "given",
    ["wait=121", "wait=999999999", "wait=9999999999", "wait=-1", "wait=+1", "wait=1.5", "wait=1s", "wait=0x1", "wait=",
     "wait", "wait=1 2", "wait 1", 'wait="1', "wait=٢".encode(), "waits=1", "x;wait=1", "", ",", "=1", '"wait"=1',
     "wait=1" + ", x" * 1000, "\xff"],
)  # fmt: skip
async def test_what_is_no_shorter_wait_changes_nothing(
    given: str | bytes, client: httpx.AsyncClient, upstream: Upstream
) -> None:
    value = given if isinstance(given, bytes) else given.encode("latin-1")
    response = await client.get(TASK_PATH, headers=[(b"prefer", value)])
    assert response.status_code == 200
    assert "preference-applied" not in response.headers
    assert upstream.last("GetTask").seconds_left > 60


async def test_preferences_may_stand_in_several_headers(client: httpx.AsyncClient, upstream: Upstream) -> None:
    headers = [("prefer", "server-timing"), ("prefer", "wait=60"), ("prefer", "wait=1")]
    response = await client.get(TASK_PATH, headers=headers)
    assert sorted(response.headers.get_list("preference-applied")) == ["server-timing", "wait=60"]


async def test_who_waits_no_longer_is_told(client: httpx.AsyncClient, upstream: Upstream) -> None:
    held = Held(TASK)
    upstream.answer("GetTask", held)
    response = await client.get(TASK_PATH, headers={"prefer": "wait=1"})
    assert (response.status_code, response.json()["code"]) == (504, "deadline-exceeded")
    assert response.headers["preference-applied"] == "wait=1"
    held.go.set()


async def test_who_does_not_wait_at_all_asks_nobody(client: httpx.AsyncClient, upstream: Upstream) -> None:
    response = await client.post("/api/v1/tasks", json={"title": "x"}, headers={"prefer": "wait=0"})
    assert (response.status_code, response.headers["preference-applied"]) == (504, "wait=0")
    assert not upstream.received
    assert (await client.get("/healthz", headers={"prefer": "wait=0"})).status_code == 200


async def test_who_asks_is_told_where_the_time_went(client: httpx.AsyncClient, upstream: Upstream) -> None:
    response = await client.get(TASK_PATH, headers={"prefer": "server-timing"})
    assert response.headers["preference-applied"] == "server-timing"
    upstream_ms, total_ms = _timing(response)
    assert 0 < upstream_ms < total_ms
    upstream.answer("GetTask", Unavailable("away"))
    response = await client.get(TASK_PATH, headers={"prefer": "server-timing"})
    assert response.status_code == 503
    assert _timing(response)[0] > 0
    response = await client.get("/healthz", headers={"prefer": "server-timing"})
    assert _timing(response)[0] == 0


async def test_who_does_not_ask_is_not_told(client: httpx.AsyncClient, upstream: Upstream) -> None:
    for prefer in ("", "wait=60", "x-server-timing", "server-timings", "x;server-timing"):
        assert "server-timing" not in (await client.get(TASK_PATH, headers={"prefer": prefer})).headers


@pytest.mark.parametrize("name", ["register", "login", "refresh", "logout"])
async def test_nobody_is_told_how_long_a_secret_took(name: str, client: httpx.AsyncClient, upstream: Upstream) -> None:
    sample = SAMPLES[name]
    response = await client.post(sample.path, json=sample.body, headers={"prefer": "server-timing"})
    assert response.status_code == sample.status
    assert "server-timing" not in response.headers
    assert "preference-applied" not in response.headers


def _timing(response: httpx.Response) -> tuple[float, float]:
    match = TIMING.fullmatch(response.headers["server-timing"])
    assert match is not None
    return float(match[1]), float(match[2])
