"""A consumer that is told to stop in the middle of its work: `python -m chassis.tests.told`. Prints what it handled."""

import asyncio
import os
import signal

from primetrade.tasks.v1 import events_pb2

from chassis.events.consuming.consumer import Consumer
from chassis.events.envelope import Event
from chassis.events.topics import TASKS
from chassis.process import Process
from chassis.settings import Settings


async def _handle(event: Event, _: events_pb2.TaskCreated) -> None:
    if event.sequence == 3:
        os.kill(os.getpid(), signal.SIGTERM)
        await asyncio.sleep(0.3)  # still at work when the process has begun to stop
    print(event.sequence, flush=True)


async def _serve() -> int:
    consumer = Consumer(Settings(), "watcher", [TASKS], {events_pb2.TaskCreated: _handle})
    return await Process("told", [consumer]).serve()


if __name__ == "__main__":
    raise SystemExit(asyncio.run(_serve()))
