"""A gateway that comes and goes: nobody is let in before it can serve, and who is there when it leaves is heard."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import pytest

from chassis.process import Process
from chassis.testing.eventually import eventually
from chassis.testing.http import http_client
from gateway.app import build
from gateway.server import HttpServer
from gateway.settings import Settings
from gateway.tests.conftest import TESTED, ready
from gateway.tests.frames import asking, meeting
from gateway.tests.raw import opened, rest
from gateway.tests.test_process import refused
from gateway.tests.upstream import Upstream

ASKING = b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"


class Gateway:
    """One that runs in this process until told to leave."""

    def __init__(self, process: Process, stack: AsyncExitStack) -> None:
        self.server, self._stack = process.component(HttpServer), stack
        self.origin = f"http://127.0.0.1:{self.server.port}"

    def leave(self) -> "asyncio.Task[None]":
        """Let it, as by SIGTERM."""
        return asyncio.create_task(self._stack.aclose())


@asynccontextmanager
async def gateway(upstream: Upstream, **settings: Any) -> AsyncIterator[Gateway]:
    targets = dict.fromkeys(("auth_target", "users_target", "tasks_target", "notify_target"), upstream.target)
    process = build(Settings.model_validate({"gateway_port": 0, **TESTED, **targets, **settings}))
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(process.running())
        found = Gateway(process, stack)
        await eventually(lambda: ready(found.origin), "the gateway is ready")
        yield found


async def test_it_gives_notice_before_it_leaves(upstream: Upstream) -> None:
    async with gateway(upstream, drain_notice=600) as leaving:
        async with http_client(leaving.origin) as client:
            assert "connection" not in (await client.get("/healthz")).headers
            task = leaving.leave()

            async def noticed() -> bool:
                answer = await client.get("/readyz")
                return answer.status_code == 503 and answer.json()["detail"] == "draining"

            await eventually(noticed, "it says so")
            for path, status in (("/healthz", 200), ("/readyz", 503), ("/api/v1/tasks", 401), ("/nowhere", 404)):
                answer = await client.get(path)
                assert (answer.status_code, answer.headers["connection"]) == (status, "close")
        assert not task.done()
        task.cancel()
        await asyncio.wait({task})


@pytest.mark.parametrize("begun", [0, 7, len(ASKING) - 1])
async def test_who_is_about_to_ask_when_it_leaves_is_answered(
    upstream: Upstream, begun: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.connection._PATIENCE_SECONDS", 60.0)
    async with gateway(upstream, header_timeout=60.0) as leaving:
        reader, writer = await opened(leaving.origin)
        writer.write(ASKING[:begun])
        await writer.drain()
        async with http_client() as client:
            await client.get(f"{leaving.origin}/healthz")  # so that what was sent before this has arrived
        task = leaving.leave()
        await eventually(lambda: not leaving.server.listening, "it accepts nothing new")
        writer.write(ASKING[begun:])
        answer = await rest(reader)
        assert answer.startswith(b"HTTP/1.1 200 ")
        assert b"\r\nconnection: close\r\n" in answer
        writer.close()
        await task


async def test_in_http_2_the_notice_is_a_goaway(upstream: Upstream) -> None:
    async with gateway(upstream, drain_notice=600, gateway_h2c=True) as leaving, meeting(leaving.origin) as peer:
        peer.ask(1, asking())
        assert "connection" not in (await peer.answer(1)).headers
        assert not peer.goaways
        task = leaving.leave()
        stream = 3
        while not peer.goaways:
            peer.ask(stream, asking())
            answer = await peer.answer(stream)
            assert (answer.status, "connection" in answer.headers) == (200, False)
            stream += 2
        assert await peer.end() == 0
        assert peer.goaways[0].last_stream_id == 2**31 - 1
        assert peer.goaways[-1].last_stream_id == stream - 2
        assert not task.done()
        task.cancel()
        await asyncio.wait({task})


async def test_who_waits_in_the_queue_when_it_leaves_is_answered(upstream: Upstream) -> None:
    async with gateway(upstream) as leaving:
        waiting = socket.create_connection(("127.0.0.1", leaving.server.port))
        waiting.setblocking(False)
        waiting.send(ASKING)
        # The server has had no turn since: the connection is in the queue of its listener.
        await leaving.server.stop_accepting()
        reader, writer = await asyncio.open_connection(sock=waiting)
        assert (await reader.readline()).startswith(b"HTTP/1.1 200 ")
        assert await refused(leaving.origin)
        writer.close()


async def test_who_never_asks_does_not_keep_it(upstream: Upstream) -> None:
    async with gateway(upstream, header_timeout=600.0, drain_timeout=600.0) as leaving:
        reader, writer = await opened(leaving.origin)
        await asyncio.wait_for(leaving.leave(), 60)
        assert await rest(reader) == b""
        writer.close()


async def test_its_port_is_closed_until_it_is_ready_for_some_seconds(upstream: Upstream) -> None:
    targets = dict.fromkeys(("auth_target", "users_target", "tasks_target", "notify_target"), upstream.target)
    process = build(Settings.model_validate({"gateway_port": 0, "start_patience": 600, **targets, "drain_notice": 0}))
    async with process.running(), http_client() as client:
        # Without its having been waited for here.
        port = process.component(HttpServer).port
        assert (await client.get(f"http://127.0.0.1:{port}/readyz")).status_code == 200
