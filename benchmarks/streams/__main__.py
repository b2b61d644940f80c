"""`python -m benchmarks.streams`, or `make bench-streams`: idle streams of one gateway, and events fanned out to them.

The gateway is a process of its own beside an issuer and a broker, all on this machine; clients are bare sockets. It
prints the figures: memory a stream, CPU of silence, events a second.
"""

import asyncio
import os
import resource
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from uuid import uuid4

import httpx
import psutil
from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from chassis.settings import read_settings
from chassis.testing.engines import Broker
from chassis.testing.eventually import eventually
from chassis.testing.issuer import Issuer
from chassis.testing.ports import free_port
from gateway.tests.conftest import ready
from gateway.tests.streams import PATH, Topics, hearing, topics
from gateway.tests.upstream import Upstream

ROOT = Path(__file__).parents[2]
PERSONS = 200
SILENCE_SECONDS = 20.0


class Size(BaseSettings):
    """`make bench-streams STREAMS=… EVENTS=…`."""

    model_config = SettingsConfigDict(extra="ignore", frozen=True)

    streams: int = Field(default=2_000, ge=PERSONS, le=10_000, description="streams, in equal parts of 200 persons")
    events: int = Field(default=2_000, ge=PERSONS, description="events, in equal parts of these persons")


class Clients:
    """Bare sockets that count the events they get."""

    def __init__(self) -> None:
        self.events = self.begun = 0
        self._tasks: list[asyncio.Task[None]] = []
        self._writers: list[asyncio.StreamWriter] = []

    async def open(self, port: int, token: str) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(f"GET {PATH} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n\r\n".encode())
        status = await reader.readline()
        if b" 200 " not in status:
            raise ConnectionError(status.decode())
        self._writers.append(writer)  # one that nobody holds is closed
        self._tasks.append(asyncio.create_task(self._count(reader)))

    async def _count(self, reader: asyncio.StreamReader) -> None:
        began = False
        async for line in reader:
            if line.startswith(b"id: ") and not began:
                began = True
                self.begun += 1
            self.events += line.startswith(b"event: ")


@asynccontextmanager
async def gateway(target: str, where: dict[str, object], size: Size) -> AsyncIterator[tuple[psutil.Process, int]]:
    """`python -m gateway serve`, and its port."""
    port = free_port()
    targets = dict.fromkeys(("AUTH_TARGET", "USERS_TARGET", "TASKS_TARGET", "NOTIFY_TARGET"), target)
    variables = {
        **targets,
        "GATEWAY_PORT": str(port),
        "GATEWAY_RATE_LIMIT_DISABLED": "1",
        "EVENT_STREAM_LIMIT": str(size.streams),
        "EVENT_STREAM_LIMIT_PER_PERSON": str(size.streams),
        "LOG_LEVEL": "warning",
        **{name.upper(): str(value) for name, value in where.items()},
    }
    environment = {**os.environ, "PYTHONPATH": f"{ROOT}:{ROOT / 'protos' / 'gen'}", **variables}
    process = await asyncio.create_subprocess_exec(sys.executable, "-m", "gateway", "serve", cwd=ROOT, env=environment)
    try:
        await eventually(lambda: _up(f"http://127.0.0.1:{port}"), "the gateway is ready")
        yield psutil.Process(process.pid), port
    finally:
        process.terminate()
        await process.wait()


async def _up(origin: str) -> bool:
    try:
        return await ready(origin)
    except httpx.TransportError:
        return False


async def measure(size: Size) -> None:
    """Open the streams, let them be silent, tell them events; print what it took."""
    persons = [str(uuid4()) for _ in range(PERSONS)]
    with tempfile.TemporaryDirectory(prefix="primetrade-streams-") as folder, Broker(Path(folder)) as broker:
        where = hearing(broker.engines())
        async with (
            Issuer() as issuer,
            Upstream(issuer) as upstream,
            topics(where) as published,
            gateway(upstream.target, where, size) as (process, port),
        ):
            clients = Clients()
            await clients.open(port, issuer.token(persons[0]))
            await eventually(lambda: clients.begun, "the first stream begins")
            before, began = process.memory_info().rss, _cpu(process)
            for number in range(1, size.streams):
                await clients.open(port, issuer.token(persons[number % PERSONS]))
            await eventually(lambda: clients.begun == size.streams, "every stream begins", seconds=120)
            opening = _cpu(process) - began
            await _silence(process, size, before, opening)
            await _fan_out(process, clients, published, size, persons)


async def _silence(process: psutil.Process, size: Size, before: int, opening: float) -> None:
    grown = process.memory_info().rss - before
    print(f"{size.streams} streams: {grown / size.streams / 1024:.1f} kB each ({grown / 2**20:.0f} MiB of memory)")
    print(f"opening one: {opening / size.streams * 1000:.2f} CPU-ms, its token verified")
    began = _cpu(process)
    await asyncio.sleep(SILENCE_SECONDS)
    print(f"silence: {(_cpu(process) - began) / SILENCE_SECONDS:.1%} of a core, heartbeats every 15 s included")


async def _fan_out(
    process: psutil.Process, clients: Clients, published: Topics, size: Size, persons: list[str]
) -> None:
    told, cpu, began = clients.events, _cpu(process), time.monotonic()
    expected = told + size.events // PERSONS * size.streams
    for number in range(size.events // PERSONS):
        await asyncio.gather(*(published.created(person, f"Task {number}") for person in persons))
    await eventually(lambda: clients.events >= expected, "everybody is told", seconds=120)
    seconds, spent, count = time.monotonic() - began, _cpu(process) - cpu, clients.events - told
    print(f"{size.events} events to {size.streams // PERSONS} streams each: {count / seconds:,.0f} a second")
    print(
        f"telling one to one: {spent / count * 1000:.3f} CPU-ms of the gateway, {count / spent:,.0f} a second of a core"
    )


def _cpu(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)


def main(size: Size) -> None:
    """The program."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, max(soft, size.streams * 2)), hard))
    asyncio.run(measure(size))


if __name__ == "__main__":
    main(read_settings(Size))
