"""Ending a Kafka client whose broker may be away."""

import asyncio
import contextlib

import structlog
from aiokafka import AIOKafkaConsumer

from chassis.cancelling import cancel

log = structlog.get_logger(__name__)


async def close(client: AIOKafkaConsumer, seconds: float) -> None:
    """Stop the client within `seconds`, whatever the broker does; its connections are closed then."""
    # In a task of its own: stop() waits for tasks that it cancels, and ends as cancelled itself when one of them had
    # not begun, or was waiting to try again.
    stopping = asyncio.create_task(client.stop())
    await asyncio.wait({stopping}, timeout=seconds)
    if stopping.done() and not stopping.cancelled() and stopping.exception() is None:
        return
    log.warning("consumer_not_stopped", ended=stopping.done())
    await cancel([stopping])
    with contextlib.suppress(Exception):
        await asyncio.wait_for(client._client.close(), 1.0)
