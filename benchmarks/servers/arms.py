"""The servers, each a process of its own with one worker and uvloop."""

import asyncio
import contextlib
import os
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil

from chassis.testing.eventually import eventually
from chassis.testing.ports import accepts, free_port

ROOT = Path(__file__).parents[2]
_APP = "benchmarks.servers.app:app"
_UVICORN = (
    "uvicorn", _APP, "--loop", "uvloop", "--log-level", "error", "--no-access-log", "--lifespan", "off",
    "--timeout-graceful-shutdown", "10",
)  # fmt: skip
_HYPERCORN = ("hypercorn", _APP, "--worker-class", "uvloop", "--log-level", "error", "--graceful-timeout", "10")
_GRANIAN = ("granian", _APP, "--interface", "asginl", "--loop", "uvloop", "--no-ws", "--log-level", "error")


@dataclass(frozen=True)
class Arm:
    """A server, and whether HTTP/2 is what is asked of it."""

    name: str
    module: Sequence[str]
    h2: bool = False

    def command(self, port: int) -> list[str]:
        """What starts it on that port."""
        place = ["--bind", f"127.0.0.1:{port}"] if self.module[0] == "hypercorn" else ["--port", str(port)]
        return [sys.executable, "-m", *self.module, *place]


OURS = Arm("the gateway's, HTTP/1.1", ("benchmarks.servers.serve",))
OURS_H2C = Arm("the gateway's, h2c", ("benchmarks.servers.serve", "--h2c"), h2=True)
HTTPTOOLS = Arm("uvicorn (httptools), HTTP/1.1", (*_UVICORN, "--http", "httptools"))
ARMS = (
    HTTPTOOLS,
    Arm("uvicorn (h11), HTTP/1.1", (*_UVICORN, "--http", "h11")),
    OURS,
    Arm("hypercorn, HTTP/1.1", _HYPERCORN),
    Arm("granian, HTTP/1.1", (*_GRANIAN, "--http", "1")),
    OURS_H2C,
    Arm("hypercorn, h2c", _HYPERCORN, h2=True),
    Arm("granian, h2c", (*_GRANIAN, "--http", "2"), h2=True),
)


class Server:
    """A server that runs."""

    def __init__(self, process: asyncio.subprocess.Process, port: int) -> None:
        self.process, self.port = process, port
        self.origin = f"http://127.0.0.1:{port}"
        self._root = psutil.Process(process.pid)

    def cpu(self) -> float:
        """Seconds of CPU, user and system, of the process and the workers it has."""
        times = [each.cpu_times() for each in (self._root, *self._root.children(recursive=True))]
        return sum(time.user + time.system for time in times)


@asynccontextmanager
async def running(arm: Arm) -> AsyncIterator[Server]:
    """The server of the arm, listening."""
    port = free_port()
    environment = {**os.environ, "PYTHONPATH": f"{ROOT}:{ROOT / 'protos' / 'gen'}"}
    process = await asyncio.create_subprocess_exec(
        *arm.command(port), cwd=ROOT, env=environment,
        stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    try:
        await eventually(lambda: accepts(port), f"{arm.name} listens")
        yield Server(process, port)
    finally:
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                process.terminate()
            try:
                await asyncio.wait_for(process.wait(), 15)
            except TimeoutError:
                process.kill()
                await process.wait()
