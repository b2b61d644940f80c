"""deploy/nginx/nginx.conf sends to a second gateway what may be sent twice, and nothing else."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest

from chassis.testing.http import http_client
from tests.rolling.proxy import CONFIGURATION, configuration, nginx

TIMES = 6
"""More requests than can all go to one of two gateways that are asked in turn."""
KEY = {"idempotency-key": '"8e03978e-40d5-43dd-bc93-6894a57f9324"'}
ANSWER = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\nok"

Asked = list[bytes]


@asynccontextmanager
async def server(answer: bytes) -> AsyncIterator[tuple[int, Asked]]:
    """One that hears a request to its end and says that, its port, and what it heard."""
    asked: Asked = []

    async def hear(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        length = re.search(rb"(?i)^content-length: (\d+)\r$", head, re.MULTILINE)
        asked.append(head + (await reader.readexactly(int(length[1])) if length else b""))
        writer.write(answer)
        writer.close()

    listening = await asyncio.start_server(hear, "127.0.0.1", 0)
    async with listening:
        yield listening.sockets[0].getsockname()[1], asked


@asynccontextmanager
async def pair(folder: Path) -> AsyncIterator[tuple[httpx.AsyncClient, Asked, Asked]]:
    """A client of nginx before a gateway that hears and says nothing, and a sound one; what each was asked."""
    async with server(b"") as (mute, unanswered), server(ANSWER) as (sound, answered):
        with nginx(folder, [mute, sound]) as url:
            async with http_client(url) as client:
                yield client, unanswered, answered


@pytest.mark.engines
@pytest.mark.parametrize(
    ("method", "key", "again"),
    [
        ("GET", {}, True), ("HEAD", {}, True), ("OPTIONS", {}, True), ("PUT", {}, True), ("DELETE", {}, True),
        ("POST", KEY, True), ("POST", {}, False), ("PATCH", {}, False), ("PATCH", KEY, False),
        ("POST", {"idempotency-key": ""}, False),
    ],
)  # fmt: skip
async def test_only_what_may_be_sent_twice_is(tmp_path: Path, method: str, key: dict[str, str], again: bool) -> None:
    async with pair(tmp_path) as (client, unanswered, answered):
        body = b'{"title": "x"}' if method in ("POST", "PATCH", "PUT") else b""
        answers = [
            await client.request(method, "/api/v1/tasks?a=%20b", headers=key, content=body) for _ in range(TIMES)
        ]
    assert unanswered
    statuses = [answer.status_code for answer in answers]
    if again:
        assert statuses == [200] * TIMES
        assert len(answered) == TIMES
    else:
        assert sorted(set(statuses)) == [200, 502]
        assert len(answered) + len(unanswered) == TIMES
    for request in (*unanswered, *answered):
        assert request.startswith(f"{method} /api/v1/tasks?a=%20b HTTP/1.1\r\n".encode())
        assert request.endswith(b"\r\n\r\n" + body)
        assert b"\r\nX-Forwarded-For: 127.0.0.1\r\n" in request


@pytest.mark.engines
async def test_who_refuses_is_passed_over_whatever_is_asked(tmp_path: Path) -> None:
    async with server(ANSWER) as (sound, asked):
        async with server(ANSWER) as (closed, _):
            pass
        with nginx(tmp_path, [closed, sound]) as url:
            async with http_client(url) as client:
                for method in ("GET", "POST", "PATCH") * TIMES:
                    assert (await client.request(method, "/api/v1/tasks")).status_code == 200
                assert (await client.get("/metrics")).status_code == 404
    assert len(asked) == 3 * TIMES


def test_the_configuration_is_used_as_it_is_but_for_addresses(tmp_path: Path) -> None:
    text = CONFIGURATION.read_text()
    used = configuration(text, tmp_path, 8000, [8001, 8002])
    changed = [line for line in text.splitlines() if line not in used.splitlines()]
    assert [line.split()[0] for line in changed] == ["pid", "http", "server", "server", "listen"]
    with pytest.raises(LookupError):
        configuration("", tmp_path, 8000, [8001, 8002])
