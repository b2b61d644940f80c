"""Several replicas behind one name: one that hangs drops out and comes back, one that leaves is not missed."""

import asyncio
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

import psutil
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from primetrade.notify.v1 import notify_pb2, notify_pb2_grpc

from chassis.clock import SystemClock
from chassis.errors import Error
from chassis.rpc.client import ServiceChannel
from chassis.rpc.concerns import Access
from chassis.rpc.health import RpcHealth
from chassis.rpc.server import RpcServer, Service
from chassis.settings import ServiceSettings
from chassis.testing.eventually import eventually
from chassis.tokens import RemoteKeys, TokenVerifier

CALLS = 20
"""More than can all go to one of two replicas that are used in turn."""


@asynccontextmanager
async def replica() -> AsyncIterator[tuple[asyncio.subprocess.Process, int]]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "chassis.tests.replica", stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    try:
        yield process, int(await asyncio.wait_for(process.stdout.readline(), 60))
    finally:
        process.kill()
        await process.communicate()


@pytest.mark.slow
async def test_a_replica_that_hangs_drops_out_and_comes_back() -> None:
    async with AsyncExitStack() as stack:
        (hung, one), (_, two) = [await stack.enter_async_context(replica()) for _ in range(2)]
        channel = await stack.enter_async_context(
            ServiceChannel(f"ipv4:127.0.0.1:{one},127.0.0.1:{two}", "primetrade.none", 5.0)
        )
        stub = health_pb2_grpc.HealthStub(channel)

        async def answered() -> int:
            async def asks() -> bool:
                try:
                    await stub.Check(health_pb2.HealthCheckRequest(), metadata=())
                except Error:
                    return False
                return True

            return sum(await asyncio.gather(*(asks() for _ in range(CALLS))))

        async def all_answered() -> bool:
            return await answered() == CALLS

        await eventually(all_answered, "both replicas answer")
        hung.send_signal(signal.SIGSTOP)
        await eventually(lambda: psutil.Process(hung.pid).status() == psutil.STATUS_STOPPED, "one hangs")
        assert 0 < await answered() < CALLS
        await eventually(all_answered, "the replica that hangs is left out")
        hung.send_signal(signal.SIGCONT)
        await eventually(all_answered, "both replicas answer again")


class Inbox(notify_pb2_grpc.NotificationsServiceServicer):
    """Answers at once; it counts."""

    def __init__(self) -> None:
        self.calls = 0

    async def ListNotifications(self, request: object, context: object) -> notify_pb2.ListNotificationsResponse:  # noqa: N802
        self.calls += 1
        return notify_pb2.ListNotificationsResponse()


class Serving:
    """A replica in this process."""

    def __init__(self) -> None:
        descriptor = notify_pb2.DESCRIPTOR.services_by_name["NotificationsService"]
        self.inbox, self._health = Inbox(), RpcHealth()  # type: ignore[abstract]
        access = dict.fromkeys((method.name for method in descriptor.methods), Access.PUBLIC)
        add = notify_pb2_grpc.add_NotificationsServiceServicer_to_server
        verifier = TokenVerifier(RemoteKeys(_no_keys, None), "", "", SystemClock())
        settings = ServiceSettings(drain_timeout=600)
        self._server = RpcServer(settings, [Service(descriptor, add, self.inbox, access)], verifier, self._health)

    async def start(self) -> int:
        """Its port."""
        await self._server.__aenter__()
        await self._health.serving()
        return self._server.port

    async def leave(self) -> None:
        """As a process does at SIGTERM."""
        await self._health.draining()
        await self._server.__aexit__()


async def _no_keys() -> dict[str, str]:
    return {}


async def test_a_replica_that_leaves_under_load_loses_no_call() -> None:
    leaving, staying = Serving(), Serving()
    ports = [await replica.start() for replica in (leaving, staying)]
    target = "ipv4:" + ",".join(f"127.0.0.1:{port}" for port in ports)
    # Nothing is tried again: no method is named as idempotent.
    async with ServiceChannel(target, "primetrade.notify.v1.NotificationsService", 60.0) as channel:
        stub, enough = notify_pb2_grpc.NotificationsServiceStub(channel), asyncio.Event()

        async def use() -> None:
            while not enough.is_set():
                await stub.ListNotifications(notify_pb2.ListNotificationsRequest(), metadata=())

        using = [asyncio.create_task(use()) for _ in range(CALLS)]
        try:
            await eventually(lambda: leaving.inbox.calls and staying.inbox.calls, "both are used")
            # The clients that watch its health are no calls to wait for.
            await asyncio.wait_for(leaving.leave(), 60)
            missed = staying.inbox.calls
            await eventually(lambda: staying.inbox.calls > missed + CALLS, "the other is used")
        finally:
            enough.set()
            await asyncio.gather(*using)
    await staying.leave()
