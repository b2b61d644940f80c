"""A broker that answers late: Toxiproxy stands before it, and the broker tells its clients to come that way."""

import asyncio
import contextlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from enum import Enum
from pathlib import Path
from typing import Any

import httpx

from chassis.testing.engines import running
from chassis.testing.ports import free_port
from chassis.testing.tools.cache import obtain
from chassis.testing.tools.toxiproxy import TOXIPROXY
from deploy.local.programs import Program


class Slowness(Enum):
    """What is done to what the broker answers. The value is a toxic and its attributes, as Toxiproxy names them."""

    LATE = ("latency", {"latency": 700, "jitter": 500})
    NARROW = ("bandwidth", {"rate": 20})
    MUTE = ("timeout", {"timeout": 0})
    """Requests arrive, answers do not: everything is written, nothing is acknowledged."""


@dataclass(frozen=True, slots=True)
class SlowBroker:
    """The way to the broker, which can be made slow. `port` is where clients have to go."""

    api: str
    port: int

    def before(self, kafka: Program) -> Program:
        """The broker as it has to be started: telling its clients to come to `port`. From now on that leads to it."""
        body = {"name": "kafka", "listen": f"127.0.0.1:{self.port}", "upstream": f"127.0.0.1:{kafka.port}"}
        _asked("POST", f"{self.api}/proxies", body)
        return replace(kafka, command=tuple(_advertising(list(kafka.command), self.port)))

    async def slow(self, slowness: Slowness, seconds: float) -> None:
        """Make it so for some seconds."""
        kind, attributes = slowness.value
        toxic = {"name": "slow", "type": kind, "stream": "downstream", "attributes": attributes}
        await asyncio.to_thread(_asked, "POST", f"{self.api}/proxies/kafka/toxics", toxic)
        try:
            await asyncio.sleep(seconds)
        finally:
            await asyncio.to_thread(_asked, "DELETE", f"{self.api}/proxies/kafka/toxics/slow")


@contextmanager
def slow_broker(folder: Path, seed: int) -> Iterator[SlowBroker]:
    """Toxiproxy inside the block, its log in the folder. Raises ToolError when it cannot be had."""
    binary, api = obtain(TOXIPROXY) / "server", free_port()
    command = [str(binary), "-host", "127.0.0.1", "-port", str(api), "-seed", str(seed)]
    with running(command, folder / "toxiproxy.log", api):
        yield SlowBroker(f"http://127.0.0.1:{api}", free_port())


def _advertising(command: list[str], port: int) -> list[str]:
    """Tansu's command has an option for it; the one that becomes Apache Kafka takes another."""
    with contextlib.suppress(ValueError):
        command[command.index("--advertised-listener-url") + 1] = f"tcp://127.0.0.1:{port}"
        return command
    return [*command, "--advertised-port", str(port)]


def _asked(method: str, url: str, body: Mapping[str, Any] | None = None) -> None:
    httpx.request(method, url, json=body, trust_env=False, timeout=10).raise_for_status()
