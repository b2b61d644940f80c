"""gRPC health v1: the process under "", its gRPC services under their full names, its engines under "engine:<name>".

The process counts as serving while it takes calls. An engine that is away shows under its own name only: taking every
replica out of the balancer because they share a database that is down would help nobody.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_health.v1.health import aio as health_aio

from chassis.background import Background
from chassis.rpc.standard import Standard

SERVING = health_pb2.HealthCheckResponse.SERVING
NOT_SERVING = health_pb2.HealthCheckResponse.NOT_SERVING


class RpcHealth:
    """What the process answers to health checks. Everything is NOT_SERVING until it says otherwise."""

    def __init__(self, services: Iterable[str] = ()) -> None:
        self._servicer = health_aio.HealthServicer()
        self._names = ("", *services)

    async def serving(self) -> None:
        """The process takes calls."""
        await self._set(SERVING)

    async def draining(self) -> None:
        """The process takes no new calls."""
        await self._set(NOT_SERVING)

    async def engine(self, name: str, reachable: bool) -> None:
        """Whether an engine answers."""
        await self._servicer.set(f"engine:{name}", SERVING if reachable else NOT_SERVING)

    async def add_to(self, server: grpc.aio.Server | Standard) -> None:
        """Answer health checks on the server."""
        await self._set(NOT_SERVING)
        health_pb2_grpc.add_HealthServicer_to_server(self._servicer, server)

    async def _set(self, status: Any) -> None:
        for name in self._names:
            await self._servicer.set(name, status)


class EngineChecks(Background):
    """Component: asks each engine every `every` seconds whether it answers, and tells the health."""

    name = "engine-checks"

    def __init__(
        self, health: RpcHealth, probes: Mapping[str, Callable[[], Awaitable[None]]], every: float = 5.0
    ) -> None:
        self._health, self._probes, self._every = health, probes, every

    async def _run(self) -> None:
        while True:
            for name, probe in self._probes.items():
                await self._health.engine(name, await self._answers(probe))
            await asyncio.sleep(self._every)

    async def _answers(self, probe: Callable[[], Awaitable[None]]) -> bool:
        try:
            await asyncio.wait_for(probe(), self._every)
        except Exception:
            return False
        return True
