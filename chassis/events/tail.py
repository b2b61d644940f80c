"""Live domain events, one line each: `python -m chassis.events tail [--from-start]`.

A line is: time, type, subject, #sequence, the actor or -, the event's data as compact JSON. Ends on Ctrl-C. It belongs
to no consumer group, so it takes nothing away from anybody.
"""

import argparse
import asyncio
import json
import signal
import sys
from collections.abc import Callable

from aiokafka import AIOKafkaConsumer, ConsumerRecord

from chassis.events.admin import Topics
from chassis.events.decoding import decoded
from chassis.events.envelope import Undecodable, read_event
from chassis.events.topics import ALL, MAX_BATCH_BYTES
from chassis.process import EngineAway
from chassis.settings import Settings, read_settings

CONNECT_SECONDS = 5.0


def line_of(record: ConsumerRecord) -> str:
    """The record in one line; what is no event says so and where it is."""
    try:
        event = read_event(record.headers, record.value)
        data = json.dumps(decoded(event), separators=(",", ":"), ensure_ascii=False)
    except Undecodable as error:
        return f"undecodable {record.topic}[{record.partition}]@{record.offset}: {error}"
    time = event.time.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return f"{time} {event.type} {event.subject} #{event.sequence} {event.actor or '-'} {data}"


async def tail(settings: Settings, *, from_start: bool, write: Callable[[str], None]) -> None:
    """Write a line for every event from now on, or from the start of the topics, until cancelled.

    Raises EngineAway when there is no broker. Events of one aggregate come in their order.
    """
    async with Topics(settings.model_copy(update={"startup_timeout": CONNECT_SECONDS}), "tail", publishes=ALL):
        pass  # entering creates what is missing, as every process does
    names = [topic.name(settings.kafka_prefix) for topic in ALL]
    client = AIOKafkaConsumer(
        *names,
        bootstrap_servers=settings.kafka_bootstrap_servers,
        auto_offset_reset="earliest" if from_start else "latest",
        max_partition_fetch_bytes=MAX_BATCH_BYTES,
    )
    try:
        await client.start()
        for partition in client.assignment():
            await client.position(partition)
        print(f"tailing {', '.join(names)} at {settings.kafka_bootstrap_servers}", file=sys.stderr, flush=True)
        async for record in client:
            write(line_of(record))
    finally:
        await client.stop()


async def _until_told(settings: Settings, from_start: bool) -> int:
    task = asyncio.create_task(tail(settings, from_start=from_start, write=lambda line: print(line, flush=True)))
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, task.cancel)
    await asyncio.wait({task})
    if not task.cancelled() and (error := task.exception()) is not None:
        if isinstance(error, BrokenPipeError):  # as in `make tail | head`
            return 0
        if not isinstance(error, EngineAway):
            raise error
        print(error, file=sys.stderr)
        return 1
    return 0


async def run(arguments: argparse.Namespace) -> int:
    """The command. Its status is 1 when there is no broker."""
    return await _until_told(read_settings(Settings), arguments.from_start)


def add_to(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add `tail` to a program's commands."""
    parser = commands.add_parser("tail", help="live domain events, decoded, one line each")
    parser.add_argument("--from-start", action="store_true", help="begin with the oldest event that is kept")
    parser.set_defaults(run=run)
