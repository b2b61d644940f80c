"""A consumer that is killed in the middle of its work: `python -m chassis.tests.doomed`. Prints what it handled."""

import asyncio
import os
import signal

from primetrade.tasks.v1 import events_pb2

from chassis.events.consuming.consumer import Consumer
from chassis.events.envelope import Event
from chassis.events.topics import TASKS
from chassis.settings import Settings


async def _handle(event: Event, _: events_pb2.TaskCreated) -> None:
    if event.sequence == 3:
        os.kill(os.getpid(), signal.SIGKILL)
    print(event.sequence, flush=True)


async def _serve() -> None:
    async with Consumer(Settings(), "watcher", [TASKS], {events_pb2.TaskCreated: _handle}):
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(_serve())
