"""Several replicas behind one name: one that hangs drops out by itself, and comes back."""

import asyncio
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from chassis.errors import Error
from chassis.rpc.client import ServiceChannel
from chassis.testing.eventually import eventually

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
        assert 0 < await answered() < CALLS
        await eventually(all_answered, "the replica that hangs is left out")
        hung.send_signal(signal.SIGCONT)
        await eventually(all_answered, "both replicas answer again")
