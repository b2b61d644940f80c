"""The container health check says what the process says."""

import asyncio
import contextlib
import http.server
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Iterator

import grpc
import pytest

from chassis.rpc.health import RpcHealth
from chassis.testing.ports import free_port


@contextlib.asynccontextmanager
async def grpc_server(health: RpcHealth) -> AsyncIterator[str]:
    server = grpc.aio.server()
    port = server.add_insecure_port("127.0.0.1:0")
    await health.add_to(server)
    await server.start()
    try:
        yield f"127.0.0.1:{port}"
    finally:
        await server.stop(None)


@contextlib.contextmanager
def http_server(status: int) -> Iterator[str]:
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status if self.path == "/readyz" else 404)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Quiet."""

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/readyz"
        finally:
            server.shutdown()
            thread.join()


async def probe(*targets: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "chassis.rpc.probe", *targets]
    return await asyncio.to_thread(subprocess.run, command, capture_output=True, text=True, timeout=30, check=False)


async def test_a_grpc_process_is_healthy_from_serving_until_draining() -> None:
    health = RpcHealth()
    async with grpc_server(health) as target:
        starting = await probe(target)
        await health.serving()
        serving = await probe(target)
        await health.draining()
        draining = await probe(target)
    assert [done.returncode for done in (starting, serving, draining)] == [1, 0, 1]
    assert draining.stderr == f"{target}: NOT_SERVING\n"


async def test_a_process_that_does_not_answer_is_not_healthy() -> None:
    target = f"127.0.0.1:{free_port()}"
    done = await probe(target)
    assert (done.returncode, done.stderr) == (1, f"{target}: UNAVAILABLE\n")


@pytest.mark.parametrize(("status", "code"), [(200, 0), (503, 1)])
async def test_an_http_process_is_healthy_when_it_says_so(status: int, code: int) -> None:
    with http_server(status) as url:
        done = await probe(url)
    assert done.returncode == code
    assert ("503" in done.stderr) == (status == 503)


async def test_it_says_how_it_is_used() -> None:
    done = await probe()
    assert done.returncode == 2
    assert done.stderr.startswith("usage: python -m chassis.rpc.probe host:port")
