"""Five thousand clients at once that send or read as slowly as they can, and one who is served all the while."""

import asyncio
import contextlib
import resource
import socket
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field

import httpx
import psutil
import pytest

from chassis.testing.eventually import eventually
from chassis.testing.http import http_client
from chassis.testing.ports import free_port
from gateway.tests.conftest import ready
from gateway.tests.raw import is_cut, narrow
from gateway.tests.test_process import gateway, targets
from gateway.tests.upstream import TASK_ID, Upstream

CONNECTIONS = 5_000
_NEEDED = 2 * CONNECTIONS
_MOST_KIB = 64
"""Of memory for each of them, about five times what it takes: only a defect reaches it."""
_FEW_FILES = ("sh", "-c", 'ulimit -S -n 256; exec "$@"', "sh")
_PAUSE = 0.1
_TURNS = 10
"""A connection sends or reads a byte in one of so many pauses."""

HEAD = b"GET /api/v1/tasks HTTP/1.1\r\nHost: x\r\nX-Slow: "
BODY = (
    "POST /api/v1/tasks HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {}\r\nContent-Type: application/json\r\n"
    'Content-Length: 60000\r\n\r\n{{"title": "'
)
LARGE = b"GET /docs/swagger-ui-bundle.js HTTP/1.1\r\nHost: x\r\n\r\n"


@pytest.fixture
def many_files() -> Iterator[None]:
    """As many open files as the system allows."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    assert hard >= _NEEDED, f"this takes {_NEEDED} open files, and the hard limit is {hard}: ulimit -H -n"
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@dataclass
class Slow(asyncio.Protocol):
    """A connection that sends a byte now and then."""

    begins: bytes
    transport: asyncio.Transport = field(init=False)
    told: bytes = b""
    over: bool = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        transport.write(self.begins)

    def data_received(self, data: bytes) -> None:
        self.told += data

    def connection_lost(self, exc: Exception | None) -> None:
        self.over = True

    def go_on(self) -> None:
        if not self.over:
            self.transport.write(b"x")


@dataclass
class Reading:
    """A connection that takes a byte of a large answer now and then."""

    socket: socket.socket

    @property
    def over(self) -> bool:
        return is_cut(self.socket)

    def go_on(self) -> None:
        with contextlib.suppress(BlockingIOError, ConnectionResetError):
            self.socket.recv(1)


@pytest.mark.alone
@pytest.mark.usefixtures("many_files")
async def test_slow_clients_are_got_rid_of_and_nobody_else_notices(token: str, upstream: Upstream) -> None:
    port = free_port()
    origin = f"http://127.0.0.1:{port}"
    # All of them have to be there before the first is got rid of, on however busy a machine. A body has 10 seconds.
    patience = {"HEADER_TIMEOUT": "60", "SEND_TIMEOUT": "30"}
    quiet = {"GATEWAY_PORT": str(port), "GATEWAY_RATE_LIMIT_DISABLED": "1", "LOG_LEVEL": "error"}
    async with (
        gateway(*_FEW_FILES, **patience, **quiet, **targets(upstream)) as started,
        http_client(origin, headers={"authorization": f"Bearer {token}"}) as client,
    ):
        await eventually(lambda: _up(origin), "the gateway is ready")
        process = psutil.Process(started.pid)
        await _ask(client)
        files, memory = process.num_fds(), process.memory_info().rss
        slow: list[Slow | Reading] = []
        async with _asking(client, slow):
            await _come(slow, port, HEAD, CONNECTIONS * 8 // 10)
            slow += [_reading(origin) for _ in range(CONNECTIONS // 10)]
            await _come(slow, port, BODY.format(token).encode(), CONNECTIONS // 10)
            await eventually(lambda: process.num_fds() >= files + CONNECTIONS, "all of them are there at once")
            grown = (process.memory_info().rss - memory) / CONNECTIONS / 1024
            print(f"{CONNECTIONS} slow connections: {grown:.1f} KiB each")
            assert grown < _MOST_KIB
            await eventually(lambda: all(one.over for one in slow), "every slow connection is closed", seconds=300)
            await eventually(lambda: process.num_fds() <= files + 10, "the gateway holds none of them")
        assert {one.told.split()[1] for one in slow if isinstance(one, Slow)} == {b"408"}


async def _come(slow: list[Slow | Reading], port: int, begins: bytes, count: int) -> None:
    """So many more, a hundred at a time: others want to connect as well."""
    loop = asyncio.get_running_loop()
    for _ in range(0, count, 100):
        opening = [loop.create_connection(lambda: Slow(begins), "127.0.0.1", port) for _ in range(100)]
        slow += [protocol for _, protocol in await asyncio.gather(*opening)]


def _reading(origin: str) -> Reading:
    client = narrow(origin)
    client.sendall(LARGE)
    client.setblocking(False)
    return Reading(client)


@contextlib.asynccontextmanager
async def _asking(client: httpx.AsyncClient, slow: list[Slow | Reading]) -> AsyncIterator[None]:
    """Somebody who asks during the block, and gets what they ask for, with the slow ones' bytes in between."""
    asking = asyncio.create_task(_ask_on(client, slow))
    try:
        yield
    finally:
        asking.cancel()
        await asyncio.wait([asking])
    if not asking.cancelled():
        asking.result()


async def _ask_on(client: httpx.AsyncClient, slow: list[Slow | Reading]) -> None:
    turn = 0
    while True:
        await _ask(client)
        await asyncio.sleep(_PAUSE)
        for one in slow[turn::_TURNS]:
            one.go_on()
        turn = (turn + 1) % _TURNS


async def _ask(client: httpx.AsyncClient) -> None:
    created = await client.post("/api/v1/tasks", json={"title": "Write the report"})
    read = await client.get(f"/api/v1/tasks/{TASK_ID}")
    assert (created.status_code, read.status_code) == (201, 200), (created.text, read.text)


async def _up(origin: str) -> bool:
    try:
        return await ready(origin)
    except httpx.TransportError:
        return False
