"""What never becomes a request is refused like everything else, and holds neither memory nor a connection for long."""

import json
import re
from typing import Any

import httpx
import pytest
import structlog
from primetrade.auth.v1 import auth_pb2

from gateway.middleware.security_headers import HEADERS
from gateway.tests.conftest import served
from gateway.tests.raw import answered, opened, rest
from gateway.tests.upstream import TASK_ID, Held, Upstream

TASK_PATH = f"/api/v1/tasks/{TASK_ID}"
POST_CHUNKED = b"POST /api/v1/auth/login HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n"
JSON = b"Content-Type: application/json\r\n"

NO_REQUESTS: dict[str, tuple[bytes, int, str, str]] = {
    "no HTTP": (b"\x16\x03\x01\x02\x00\x01\x00", 400, "unreadable", ""),
    "no method": (b"/ HTTP/1.1\r\n\r\n", 400, "unreadable", ""),
    "no version": (b"GET /healthz HTTP/x\r\n\r\n", 400, "unreadable", "/healthz"),
    "another version": (b"GET /healthz HTTP/3.0\r\n\r\n", 400, "unreadable", "/healthz"),
    "HTTP/2": (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400, "unreadable", ""),
    "no resource": (b"GET http:// HTTP/1.1\r\n\r\n", 400, "unreadable", ""),
    "a header without a name": (b"GET /healthz HTTP/1.1\r\n: x\r\n\r\n", 400, "unreadable", "/healthz"),
    "a folded header": (b"GET /healthz HTTP/1.1\r\na: b\r\n c\x00\r\n\r\n", 400, "unreadable", "/healthz"),
    "two lengths": (POST_CHUNKED + b"Content-Length: 2\r\n\r\n{}", 400, "unreadable", "/api/v1/auth/login"),
    "no chunk": (POST_CHUNKED + JSON + b"\r\nZZ\r\n", 400, "unreadable", "/api/v1/auth/login"),
    "an unknown method": (b"FOO /healthz?x=1 HTTP/1.1\r\nHost: x\r\n\r\n", 501, "not-implemented", "/healthz"),
    "a small method": (b"get /healthz HTTP/1.1\r\nHost: x\r\n\r\n", 501, "not-implemented", "/healthz"),
    "a longer method": (b"GETS /healthz HTTP/1.1\r\nHost: x\r\n\r\n", 501, "not-implemented", "/healthz"),
    "much at once": (b"GET /healthz HTTP/1.1\r\na: " + b"x" * 65_536 + b"\r\n\r\n", 431, "headers-too-large",
                     "/healthz"),
    "much for ever": (b"GET /healthz HTTP/1.1\r\na: " + b"x" * 500_000, 431, "headers-too-large", "/healthz"),
    "many": (b"GET /healthz HTTP/1.1\r\n" + b"a: b\r\n" * 100_000, 431, "headers-too-large", "/healthz"),
    "a long path": (b"GET /" + b"x" * 500_000, 431, "headers-too-large", "/" + "x" * 1023),
    "nothing but lines": (b"\r\n" * 200_000, 431, "headers-too-large", ""),
    "trailers": (POST_CHUNKED + JSON + b"\r\n1\r\n \r\n0\r\na: " + b"x" * 500_000, 431, "headers-too-large",
                 "/api/v1/auth/login"),
}  # fmt: skip


@pytest.mark.parametrize("kind", NO_REQUESTS)
async def test_what_is_no_request_is_a_problem_too(kind: str, origin: str, upstream: Upstream) -> None:
    sent, *expected = NO_REQUESTS[kind]
    (problem,) = _problems(await answered(origin, sent))
    assert [problem["status"], problem["code"], problem["instance"]] == expected
    assert not upstream.received


async def test_a_head_that_does_not_come_in_time_is_408(upstream: Upstream) -> None:
    async with served(upstream.target, header_timeout=0.2) as origin:
        (problem,) = _problems(await answered(origin, b"GET /healthz HTTP/1.1\r\nHost: x\r\nUser-Ag"))
        assert (problem["status"], problem["code"]) == (408, "request-timeout")


@pytest.mark.parametrize("sent", [b"", b"\r\n"])
async def test_who_never_asks_is_not_waited_for(sent: bytes, upstream: Upstream) -> None:
    async with served(upstream.target, header_timeout=0.2) as origin:
        assert await answered(origin, sent) == b""


async def test_a_refused_body_cannot_be_sent_slowly_for_ever(upstream: Upstream) -> None:
    asked = b"POST /nowhere HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n"
    async with served(upstream.target, header_timeout=0.2) as origin:
        reader, writer = await opened(origin)
        writer.write(asked)
        assert (await reader.readline()).split()[1] == b"404"
        writer.write(b"x")
        await rest(reader)
        writer.close()


async def test_a_head_may_come_in_pieces_and_an_answer_may_take_its_time(upstream: Upstream) -> None:
    held = Held(auth_pb2.LoginResponse())
    upstream.answer("Login", held)
    body = b'{"email": "ada@example.com", "password": "x"}'
    parts = [
        b"POST /api/v1/auth/login HT",
        b"TP/1.1\r\nHost: x\r\n" + JSON,
        b"Content-Length: %d\r\n" % len(body),
        b"\r\n",
    ]
    async with served(upstream.target, header_timeout=1) as origin:
        reader, writer = await opened(origin)
        for part in (*parts, body):
            writer.write(part)
            await writer.drain()
        await held.asked.wait()
        assert await answered(origin, b"") == b""  # the time for a head, which begins with the connection, is over
        held.go.set()
        assert (await reader.readline()).split()[1] == b"200"
        writer.close()


async def test_what_was_asked_before_is_answered_before(origin: str, token: str, upstream: Upstream) -> None:
    asked = f"GET {TASK_PATH} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n\r\n"
    came = await answered(origin, f"{asked}{asked}nonsense\r\n".encode())
    assert re.findall(rb"HTTP/1\.1 (\d+) ", came) == [b"200", b"200", b"400"]


async def test_a_trailer_is_no_header(origin: str, token: str, upstream: Upstream) -> None:
    sent = f"GET {TASK_PATH} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
    came = await answered(origin, f"{sent}0\r\nAuthorization: Bearer {token}\r\n\r\n".encode())
    assert came.split()[1] == b"401"


async def test_an_upgrade_is_not_taken_and_hides_no_request(origin: str, token: str, upstream: Upstream) -> None:
    hidden = f"GET {TASK_PATH} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n\r\n".encode()
    head = b"POST /nowhere HTTP/1.1\r\nHost: x\r\nConnection: upgrade\r\nUpgrade: h2c\r\nContent-Length: %d\r\n\r\n"
    reader, writer = await opened(origin)
    writer.write(head % len(hidden))
    came = await reader.readline()
    writer.write(hidden)
    came += await rest(reader)
    writer.close()
    assert re.findall(rb"HTTP/1\.1 (\d+) ", came) == [b"404"]


async def test_what_is_no_request_is_logged_and_measured(origin: str, client: httpx.AsyncClient) -> None:
    with structlog.testing.capture_logs() as lines:
        await answered(origin, b"GET /healthz HTTP/3.0\r\n\r\n")
    assert [(line["method"], line["status"]) for line in lines if line["event"] == "request"] == [("GET", 400)]
    text = (await client.get("/metrics")).text
    assert 'method="GET",route="unmatched",status="400"' in text


def _problems(answered: bytes) -> list[dict[str, Any]]:
    head, _, body = answered.partition(b"\r\n\r\n")
    headers = dict(line.split(": ", 1) for line in head.decode().lower().split("\r\n")[1:])
    assert (headers["content-type"], headers["connection"]) == ("application/problem+json", "close")
    assert {name.decode() for name, _ in HEADERS} | {"x-request-id"} <= headers.keys()
    return [json.loads(body)]
