"""Clients that send or read as slowly as they can hold neither a place among the requests nor a connection for long."""

import asyncio
import contextlib

import httpx
import pytest
from primetrade.tasks.v1 import tasks_pb2

from chassis.testing.eventually import eventually
from chassis.testing.http import http_client
from gateway.tests.conftest import served
from gateway.tests.raw import is_cut, narrow, opened
from gateway.tests.upstream import TASK, TASK_ID, Held, Upstream

TASK_PATH = f"/api/v1/tasks/{TASK_ID}"
LARGE = b"GET /docs/swagger-ui-bundle.js HTTP/1.1\r\nHost: x\r\n%b\r\n"


@pytest.mark.parametrize("connection", [b"", b"Connection: close\r\n"], ids=["kept alive", "to be closed"])
async def test_who_does_not_take_the_answeris_cut(connection: bytes, upstream: Upstream) -> None:
    async with served(upstream.target, send_timeout=0.2) as origin:
        with contextlib.closing(narrow(origin)) as client:
            client.sendall(LARGE % connection)
            await eventually(lambda: is_cut(client), "the gateway cuts the connection")


async def test_who_does_not_take_what_is_left_of_itis_cut(upstream: Upstream, token: str) -> None:
    """The rest is small enough that the gateway does not wait for it before it goes on."""
    upstream.answer("ListTasks", _page(110_000))
    asked = f"GET /api/v1/tasks HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n\r\n".encode()
    async with served(upstream.target, send_timeout=0.2, keep_alive_timeout=1) as origin:
        with contextlib.closing(narrow(origin)) as client:
            client.sendall(asked)
            await eventually(lambda: is_cut(client), "the gateway cuts the connection")


@pytest.mark.slow
async def test_who_takes_the_answer_slowly_gets_all_of_it(upstream: Upstream) -> None:
    async with served(upstream.target, send_timeout=5) as origin, http_client(origin) as client:
        whole = (await client.get("/docs/swagger-ui-bundle.js", headers={"accept-encoding": "identity"})).content
        slow = narrow(origin)
        slow.setblocking(False)
        reader, writer = await asyncio.open_connection(sock=slow, limit=4096)
        writer.write(LARGE % b"Connection: close\r\n")
        head = await reader.readuntil(b"\r\n\r\n")
        assert head.split()[1] == b"200"
        taken = bytearray()
        while part := await reader.read(16_384):
            taken += part
            await asyncio.sleep(10 * len(part) / len(whole))  # twice as long as may pass without anything taken
        assert taken == whole
        writer.close()


async def test_a_body_that_is_on_its_way_takes_no_place(narrow_origin: str, token: str, upstream: Upstream) -> None:
    head = f"POST /api/v1/tasks HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\nExpect: 100-continue\r\n"
    sent, whole = b'{"title": ', b'{"title": "x"}'
    asked = f"{head}Content-Type: application/json\r\nContent-Length: {len(whole)}\r\n\r\n".encode()
    dribbling = [await opened(narrow_origin) for _ in range(5)]
    for reader, writer in dribbling:
        writer.write(asked)
        assert b" 100 " in await reader.readuntil(b"\r\n\r\n")
        writer.write(sent)
    async with _person(narrow_origin, token) as client:
        assert (await client.get(TASK_PATH)).status_code == 200
    for reader, writer in dribbling:
        writer.write(whole.removeprefix(sent))
        assert b" 201 " in await reader.readline()
        writer.close()


async def test_a_body_that_comes_when_all_places_are_taken_is_refused(
    narrow_origin: str, token: str, upstream: Upstream
) -> None:
    held = Held(TASK)
    upstream.answer("GetTask", held)
    head = f"POST /api/v1/tasks HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\nExpect: 100-continue\r\n"
    reader, writer = await opened(narrow_origin)
    writer.write(f"{head}Content-Type: application/json\r\nContent-Length: 14\r\n\r\n".encode())
    assert b" 100 " in await reader.readuntil(b"\r\n\r\n")
    async with _person(narrow_origin, token) as client:
        waiting = [asyncio.create_task(client.get(TASK_PATH)) for _ in range(2)]
        await eventually(lambda: len(upstream.received["GetTask"]) == 2, "every place is taken")
        writer.write(b'{"title": "x"}')
        assert b" 503 " in await reader.readline()
        held.go.set()
        assert [answer.status_code for answer in await asyncio.gather(*waiting)] == [200, 200]
    writer.close()
    assert "CreateTask" not in upstream.received


async def test_a_large_body_takes_its_place_while_it_comes(narrow_origin: str, token: str, upstream: Upstream) -> None:
    head = f"POST /api/v1/tasks HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n"
    asked = f"{head}Content-Type: application/json\r\nContent-Length: 200000\r\n\r\n".encode()
    large = [await opened(narrow_origin) for _ in range(2)]
    for _, writer in large:
        writer.write(asked + b" " * 100_000)
    async with _person(narrow_origin, token) as client:
        await eventually(lambda: _is(client, 503), "every place is taken")
        for reader, writer in large:
            writer.write(b" " * 100_000)
            assert b" 400 " in await reader.readline()
            writer.close()
        assert await _is(client, 200)


async def test_an_answer_that_is_not_read_takes_no_place(narrow_origin: str, token: str, upstream: Upstream) -> None:
    upstream.answer("ListTasks", _page(1_000_000))
    asked = f"GET /api/v1/tasks HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n\r\n".encode()
    with contextlib.ExitStack() as clients:
        for number in range(1, 4):
            clients.enter_context(contextlib.closing(narrow(narrow_origin))).sendall(asked * 2)
            # The second answer waits for the first, which nobody reads.
            await eventually(lambda: len(upstream.received["ListTasks"]) == 2 * number, "both are asked for")  # noqa: B023
        async with _person(narrow_origin, token) as client:
            assert await _is(client, 200)


def _person(origin: str, token: str) -> httpx.AsyncClient:
    return http_client(origin, headers={"authorization": f"Bearer {token}"})


async def _is(client: httpx.AsyncClient, status: int) -> bool:
    return (await client.get(TASK_PATH)).status_code == status


def _page(size: int) -> tasks_pb2.ListTasksResponse:
    task = tasks_pb2.Task()
    task.CopyFrom(TASK)
    task.description = "x" * size
    return tasks_pb2.ListTasksResponse(tasks=[task], total_size=1)
