"""The arms: requests to a process, and the CPU that it took, user and system, all its threads together."""

import asyncio
import os
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from uuid import uuid4

import httpx
import psutil

from benchmarks.gateway.bare import APPLICATIONS
from benchmarks.gateway.client import ask, request
from benchmarks.rounds import Arm, Figures
from chassis.testing.eventually import eventually
from chassis.testing.http import http_client
from chassis.testing.ports import accepts, free_port
from deploy.local.probes import on_the_way
from deploy.local.programs import Program
from deploy.local.testing import RunningSuite

ROOT = Path(__file__).parents[2]
BARE = {"asgi": "bare ASGI", "raw": "FastAPI, raw response", "model": "FastAPI, response model"}
GET, GET_NEW = "gateway: GET a task", "gateway: GET a task, a token not met before"
LIST, CREATE = "gateway: list 20 tasks", "gateway: create a task"
CPU, RATE = "CPU-ms/request", "requests/s"
TASKS = "/api/v1/tasks"
_SILENCE_SECONDS = 5.0
_QUIET_SECONDS = 300.0


def counted(programs: Sequence[Program]) -> Sequence[Program]:
    """A change of a suite: its gateway counts requests as in production, up to what no round reaches."""
    limits = {f"GATEWAY_RATE_LIMIT_{name}": "100000000 per 15 minutes" for name in ("ADDRESS", "AUTH", "SUBJECT")}
    own = {**limits, "GATEWAY_RATE_LIMIT_DISABLED": "0"}
    return [program.told(own) if program.name == "gateway" else program for program in programs]


@dataclass
class Person:
    """Somebody who is logged in."""

    client: httpx.AsyncClient
    token: str
    refresh: str

    async def create(self) -> str:
        """A task of theirs; its id."""
        headers = {"authorization": f"Bearer {self.token}"}
        answer = await self.client.post(TASKS, json={"title": "Write the annual report"}, headers=headers)
        return str(answer.raise_for_status().json()["id"])

    async def new_tokens(self, count: int) -> list[str]:
        """So many tokens that the gateway has not met, each for the refresh token that came with the one before."""
        found = []
        for _ in range(count):
            answer = await self.client.post("/api/v1/auth/refresh", json={"refreshToken": self.refresh})
            tokens = answer.raise_for_status().json()
            self.refresh = tokens["refreshToken"]
            found.append(tokens["accessToken"])
        return found


@dataclass(frozen=True)
class Server:
    """A process that is asked."""

    port: int
    process: psutil.Process
    idle: float = 0.0
    """Seconds of CPU a second while nobody asks: heartbeats, Kafka, health of the services."""
    behind: Sequence[Program] = ()
    """Who has work of a request that was answered: its events."""

    async def silence(self) -> float:
        """Seconds of CPU a second, now that nobody asks."""
        cpu = self._cpu()
        await asyncio.sleep(_SILENCE_SECONDS)
        return (self._cpu() - cpu) / _SILENCE_SECONDS

    async def measured(self, requests: Callable[[], Awaitable[Sequence[bytes]]]) -> Figures:
        """What these requests and what follows from them cost it, beyond what the same time costs without them."""
        asked = await requests()
        began, cpu = time.perf_counter(), self._cpu()
        await ask(self.port, asked)
        answered = time.perf_counter()
        await eventually(self._quiet, "every event is published and read", _QUIET_SECONDS)
        cpu = max(self._cpu() - cpu - self.idle * (time.perf_counter() - began), 0.0)
        return {CPU: cpu / len(asked) * 1000, RATE: len(asked) / (answered - began)}

    async def _quiet(self) -> bool:
        return not await asyncio.to_thread(on_the_way, self.behind)

    def _cpu(self) -> float:
        times = self.process.cpu_times()
        return float(times.user + times.system)


@asynccontextmanager
async def arms(suite: RunningSuite, requests: int) -> AsyncIterator[Mapping[str, Arm]]:
    """All arms, with so many requests a round, while the block lasts."""
    async with AsyncExitStack() as stack:
        bare = {BARE[name]: await stack.enter_async_context(_serving(name)) for name in APPLICATIONS}
        client = await stack.enter_async_context(http_client(suite.url))
        gateway = Server(suite.ports("gateway")["http"], psutil.Process(suite.pid("gateway")))
        gateway = replace(gateway, idle=await gateway.silence(), behind=suite.suite.programs)
        person = await _registered(client)
        task = f"{TASKS}/{(await asyncio.gather(*(person.create() for _ in range(20))))[0]}"
        # Whoever creates is somebody else, so that the list stays as long as it is.
        author = await _registered(client)
        body = b'{"title": "Write the annual report", "priority": "high"}'

        async def same(asked: bytes, count: int = requests) -> Sequence[bytes]:
            return [asked] * count

        async def with_new_tokens() -> Sequence[bytes]:
            return [request("GET", task, token) for token in await person.new_tokens(requests // 4)]

        yield {
            **{
                # They cost so little that more of them are needed to see it.
                name: partial(server.measured, partial(same, request("GET", task), requests * 4))
                for name, server in bare.items()
            },
            GET: partial(gateway.measured, partial(same, request("GET", task, person.token))),
            GET_NEW: partial(gateway.measured, with_new_tokens),
            LIST: partial(gateway.measured, partial(same, request("GET", f"{TASKS}?limit=20", person.token))),
            CREATE: partial(gateway.measured, partial(same, request("POST", TASKS, author.token, body))),
        }


async def _registered(client: httpx.AsyncClient) -> Person:
    who = {"name": "Ada Lovelace", "email": f"{uuid4().hex}@example.com", "password": uuid4().hex}
    answer = (await client.post("/api/v1/auth/register", json=who)).raise_for_status().json()
    return Person(client, answer["accessToken"], answer["refreshToken"])


@asynccontextmanager
async def _serving(name: str) -> AsyncIterator[Server]:
    port = free_port()
    command = [sys.executable, "-m", "benchmarks.gateway.bare", name, str(port)]
    environment = {**os.environ, "PYTHONPATH": f"{ROOT}:{ROOT / 'protos' / 'gen'}"}
    process = await asyncio.create_subprocess_exec(*command, cwd=ROOT, env=environment)
    try:
        await eventually(lambda: accepts(port), f"{BARE[name]} listens")
        yield Server(port, psutil.Process(process.pid))
    finally:
        process.terminate()
        await process.wait()
