"""`make tail` as its user sees it: a process that prints a line for every event until Ctrl-C."""

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from primetrade.tasks.v1 import events_pb2, tasks_pb2

from chassis.settings import Settings
from chassis.testing.engines import Engines
from chassis.testing.ports import free_port
from chassis.tests.kafka import CREATED, Publisher, settings_for, task_event


@asynccontextmanager
async def tailing(settings: Settings, *options: str) -> AsyncIterator[asyncio.subprocess.Process]:
    """The running program, once it says that it has begun; ended by Ctrl-C, which it must take well."""
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(path for path in sys.path if path),
        "KAFKA_BOOTSTRAP_SERVERS": settings.kafka_bootstrap_servers,
        "KAFKA_PREFIX": settings.kafka_prefix,
    }
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "chassis.events", "tail", *options, env=environment,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    assert process.stderr is not None
    try:
        begun = f"tailing {settings.kafka_prefix}.auth.v1, {settings.kafka_prefix}.users.v1".encode()
        while not (told := await asyncio.wait_for(process.stderr.readline(), 30)).startswith(begun):
            assert told, "it ended before it began"
        yield process
        process.send_signal(signal.SIGINT)
        _, complaints = await asyncio.wait_for(process.communicate(), 30)
        assert (process.returncode, complaints) == (0, b"")
    finally:
        if process.returncode is None:
            process.kill()
            await process.communicate()


def beyond_json() -> bytes:
    """A task that is due at a time which JSON has no form for."""
    task = tasks_pb2.Task(id="t-3")
    task.due_time.seconds = 10**15
    return events_pb2.TaskCreated(task=task).SerializeToString()


async def line(process: asyncio.subprocess.Process) -> str:
    assert process.stdout is not None
    return (await asyncio.wait_for(process.stdout.readline(), 30)).decode().rstrip("\n")


async def test_live_events_are_printed_decoded_one_line_each(engines: Engines) -> None:
    settings = settings_for(engines)
    event = task_event("t-1", 7)
    async with tailing(settings) as process, Publisher(settings) as publisher:
        await publisher.publish(event)
        time, kind, subject, sequence, actor, data = (await line(process)).split(" ", 5)
        await publisher.write(b"t-2", b"?", [], partition=3)
        complaint = await line(process)
        await publisher.publish(task_event("t-3", data=beyond_json()), partition=3)
        other_complaint = await line(process)

    assert time == event.time.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    assert (kind, subject, sequence, actor) == (CREATED, "t-1", "#7", "a-1")
    assert json.loads(data) == {"task": {"id": "t-1", "title": "Task 7"}}
    assert complaint.startswith(f"undecodable {publisher.topic}[3]@0: missing headers: ")
    assert other_complaint.startswith(f"undecodable {publisher.topic}[3]@1: ")


async def test_from_the_start_it_prints_what_is_kept(engines: Engines) -> None:
    settings = settings_for(engines)
    async with tailing(settings), Publisher(settings) as publisher:
        await publisher.publish(task_event("t-1", 1), task_event("t-1", 2))
    async with tailing(settings, "--from-start") as process:
        assert [(await line(process)).split(" ")[3] for _ in range(2)] == ["#1", "#2"]


async def test_without_a_broker_it_says_so(engines: Engines) -> None:
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(path for path in sys.path if path),
        "KAFKA_BOOTSTRAP_SERVERS": f"127.0.0.1:{free_port()}",
    }
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "chassis.events", "tail", env=environment, stderr=asyncio.subprocess.PIPE
    )
    _, complaint = await asyncio.wait_for(process.communicate(), 30)
    assert process.returncode == 1
    assert f"Kafka at {environment['KAFKA_BOOTSTRAP_SERVERS']} did not answer" in complaint.decode()
