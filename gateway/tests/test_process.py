"""The process: where it listens, how it ends, what it says when it cannot start."""

import asyncio
import json
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx

from chassis.testing.eventually import eventually
from chassis.testing.http import http_client
from gateway.tests.conftest import TESTED
from gateway.tests.frames import asking, meeting
from gateway.tests.upstream import TASK, TASK_ID, Held, Upstream

ROOT = Path(__file__).parent.parent.parent
_DEADLINES = {name.upper(): str(value) for name, value in TESTED.items() if name.endswith("timeout")}


@asynccontextmanager
async def gateway(*before: str, **variables: str) -> AsyncIterator[asyncio.subprocess.Process]:
    """`python -m gateway serve` with these variables, by that command; killed if it still runs at the end. It has the
    deadlines of a test."""
    process = await asyncio.create_subprocess_exec(
        *before,
        sys.executable,
        "-m",
        "gateway",
        "serve",
        cwd=ROOT,
        env={
            **os.environ,
            "PYTHONPATH": str(ROOT / "protos" / "gen"),
            "PYTHONUNBUFFERED": "1",
            **_DEADLINES,
            **variables,
        },
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        limit=1 << 20,
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


async def said(process: asyncio.subprocess.Process, event: str) -> dict[str, object]:
    """The next log line of that event."""
    assert process.stdout is not None
    async with asyncio.timeout(60):
        async for line in process.stdout:
            if line.startswith(b"{") and (entry := json.loads(line))["event"] == event:
                found: dict[str, object] = entry
                return found
    raise AssertionError(f"the gateway never said {event}")


def targets(upstream: Upstream) -> dict[str, str]:
    return dict.fromkeys(("AUTH_TARGET", "USERS_TARGET", "TASKS_TARGET", "NOTIFY_TARGET"), upstream.target)


async def test_sigterm_lets_a_request_in_flight_end(token: str, upstream: Upstream) -> None:
    held = Held(TASK)
    upstream.answer("GetTask", held)
    async with gateway(GATEWAY_PORT="0", **targets(upstream)) as process:
        url = f"http://127.0.0.1:{(await said(process, 'http_listening'))['port']}"
        async with http_client(url, headers={"authorization": f"Bearer {token}"}) as client:
            await eventually(lambda: _is_200(client, "/readyz"), "the gateway is ready")
            asking = asyncio.create_task(client.get(f"/api/v1/tasks/{TASK_ID}"))
            await held.asked.wait()
            process.send_signal(signal.SIGTERM)
            await eventually(lambda: refused(url), "the gateway accepts nothing new")
            assert not asking.done()
            held.go.set()
            response = await asking
            assert (response.status_code, response.headers["connection"]) == (200, "close")
        assert await asyncio.wait_for(process.wait(), 30) == 0


async def test_sigterm_lets_every_stream_of_http_2_end(token: str, upstream: Upstream) -> None:
    held = Held(TASK)
    upstream.answer("GetTask", held)
    async with gateway(GATEWAY_PORT="0", GATEWAY_H2C="true", DRAIN_TIMEOUT="600", **targets(upstream)) as process:
        url = f"http://127.0.0.1:{(await said(process, 'http_listening'))['port']}"
        async with http_client(url) as client:
            await eventually(lambda: _is_200(client, "/readyz"), "the gateway is ready")
        async with meeting(url) as peer, meeting(url) as idle:
            idle.ask(1, asking())
            await idle.answer(1)
            peer.ask(1, asking(f"/api/v1/tasks/{TASK_ID}", token=token))
            await held.asked.wait()
            process.send_signal(signal.SIGTERM)
            assert await idle.end() == 0
            await peer.until(lambda: peer.goaways)
            assert peer.goaways[0].last_stream_id == 2**31 - 1
            peer.ask(3, asking())  # it was on its way
            assert (await peer.answer(3)).status == 200
            assert not peer.answers[1].ended
            held.go.set()
            assert (await peer.answer(1)).status == 200
            assert await peer.end() == 0
            assert peer.goaways[-1].last_stream_id == 3
        assert await asyncio.wait_for(process.wait(), 30) == 0


async def test_a_request_that_never_ends_does_not_keep_the_process(token: str, upstream: Upstream) -> None:
    held = Held(TASK)
    upstream.answer("GetTask", held)
    async with gateway(GATEWAY_PORT="0", DRAIN_TIMEOUT="0.5", **targets(upstream)) as process:
        url = f"http://127.0.0.1:{(await said(process, 'http_listening'))['port']}"
        async with http_client(url, headers={"authorization": f"Bearer {token}"}) as client:
            await eventually(lambda: _is_200(client, "/readyz"), "the gateway is ready")
            asking = asyncio.create_task(client.get(f"/api/v1/tasks/{TASK_ID}"))
            await held.asked.wait()
            process.send_signal(signal.SIGTERM)
            assert await asyncio.wait_for(process.wait(), 30) == 0
            await asyncio.wait({asking})
            asking.exception()
    held.go.set()


async def test_a_taken_port_is_named(upstream: Upstream) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        async with gateway(GATEWAY_PORT=str(port), **targets(upstream)) as process:
            failure = await said(process, "start_failed")
            assert "GATEWAY_PORT" in str(failure["error"])
            assert f"127.0.0.1:{port}" in str(failure["error"])
            assert await asyncio.wait_for(process.wait(), 30) == 1


async def test_every_wrong_setting_is_named() -> None:
    wrong = {
        "GATEWAY_PORT": "70000",
        "GATEWAY_WORKERS": "0",
        "START_PATIENCE": "-1",
        "DRAIN_NOTICE": "soon",
        "TASKS_TARGET": "tasks",
        "MAX_BODY_BYTES": "0",
        "MAX_HEADER_BYTES": "0",
        "MAX_HEADERS": "0",
        "HEADER_TIMEOUT": "0",
        "SEND_TIMEOUT": "0",
        "GATEWAY_H2C": "perhaps",
        "DENY_LIST_SIZE": "0",
        "DENY_LIST_PATIENCE": "1",
        "EVENT_STREAM_LIMIT": "0",
        "EVENT_STREAM_LIMIT_PER_PERSON": "none",
        "EVENT_STREAM_HEARTBEAT": "0",
        "EVENT_STREAM_SECONDS": "-1",
        "EVENT_STREAM_WINDOW_BYTES": "0",
        "EVENT_STREAM_QUEUE_BYTES": "1",
        "KAFKA_BOOTSTRAP_SERVERS": "kafka",
        "UPSTREAM_TIMEOUT": "soon",
        "REQUEST_TIMEOUT": "-1",
        "UPSTREAM_MAX_IN_FLIGHT": "0",
        "UPSTREAM_FAILURES": "0",
        "REQUIRE_PRECONDITIONS": "sometimes",
        "CORS_ORIGINS": "https://app.example,*",
    }
    async with gateway(**wrong) as process:
        output, _ = await process.communicate()
        assert process.returncode == 2
        named = {line.split(":")[0] for line in output.decode().splitlines()}
        assert named == {f"setting {variable}" for variable in wrong}


async def _is_200(client: httpx.AsyncClient, path: str) -> bool:
    return (await client.get(path)).status_code == 200


async def refused(url: str) -> bool:
    async with http_client() as plain:
        try:
            await plain.get(f"{url}/healthz")
        except httpx.ConnectError:
            return True
        except httpx.TransportError:
            return False  # it was accepted in the moment of the closing, and closed with the listener
        return False
