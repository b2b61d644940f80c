"""What `make dlq` does for whoever runs the local suite: dead letters of every service, looked at and dealt with."""

import asyncio
import os
import sys
from collections.abc import Awaitable, Callable
from uuid import uuid4

import pytest
from aiokafka import AIOKafkaProducer

from chassis.testing.eventually import eventually
from deploy.local.testing import RunningSuite

Dlq = Callable[[str], Awaitable[tuple[int, str]]]


@pytest.fixture
def dlq(suite: RunningSuite) -> Dlq:
    """`make dlq ARGS=…`: its status, and what it printed."""
    settings = suite.suite.settings
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(path for path in sys.path if path),
        "DATA_DIR": str(suite.data),
        "PORT_BASE": str(settings.port_base),
        "GATEWAY_PORT": str(settings.gateway_port),
        "OPERATOR_NAME": "ada",
    }

    async def run(words: str) -> tuple[int, str]:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "deploy.local", "dlq", env={**environment, "ARGS": words},
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
        )  # fmt: skip
        printed, _ = await asyncio.wait_for(process.communicate(), 120)
        return process.returncode or 0, printed.decode()

    return run


@pytest.mark.slow
async def test_a_poisoned_record_is_found_with_each_of_its_readers_and_dealt_with(
    suite: RunningSuite, dlq: Dlq
) -> None:
    poison = f"poison {uuid4()}".encode()
    producer = AIOKafkaProducer(bootstrap_servers=suite.kafka_bootstrap_servers, enable_idempotence=False)
    await producer.start()
    try:
        await producer.send_and_wait("primetrade.auth.v1", poison, b"nobody", 0)
    finally:
        await producer.stop()

    async def listed() -> list[str]:
        status, printed = await dlq("list --outstanding")
        assert status == 0, printed
        letters = [line.split("  ")[0] for line in printed.splitlines() if line.startswith("primetrade.auth.v1.")]
        return (
            letters if {id.split(":")[0] for id in letters} >= {f"primetrade.auth.v1.{s}.dlq" for s in readers} else []
        )

    readers = ("users", "notify")
    letters = await eventually(listed, "the letters of both readers", seconds=90)

    status, printed = await dlq(f"redrive {letters[0]}")
    assert status == 1
    assert printed.startswith(f"{letters[0]}  failed: undecodable: ")
    status, printed = await dlq("purge primetrade.auth.v1.users.dlq --all --force")
    assert status == 0, printed
    status, printed = await dlq("list")
    assert status == 0
    left = [line.split(":")[0] for line in printed.splitlines() if line.startswith("primetrade.auth.v1.")]
    assert left == ["primetrade.auth.v1.notify.dlq"]
