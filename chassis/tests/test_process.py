"""The life of a process: parts start in order, stop in reverse, and a part that dies takes the process down."""

import asyncio
import os
import signal
import subprocess
import sys
import textwrap
from collections.abc import Iterable
from pathlib import Path

import pytest

from chassis.process import EngineAway, Process, ready
from chassis.testing.eventually import eventually


class Part:
    """Writes down what happens to it."""

    def __init__(self, name: str, story: list[str], task: "asyncio.Task[None] | None" = None) -> None:
        self.name, self.story, self.task = name, story, task

    async def __aenter__(self) -> None:
        self.story.append(f"start {self.name}")

    async def __aexit__(self, *_: object) -> None:
        self.story.append(f"stop {self.name}")

    def background(self) -> Iterable["asyncio.Task[None]"]:
        return () if self.task is None else (self.task,)


class Says:
    """A health that joins the story."""

    def __init__(self, story: list[str]) -> None:
        self.story = story

    async def serving(self) -> None:
        self.story.append("serving")

    async def draining(self) -> None:
        self.story.append("draining")


async def test_parts_start_in_order_and_stop_in_reverse() -> None:
    story: list[str] = []
    async with Process("test", [Part("engine", story), Part("server", story)], Says(story)).running():
        story.append("working")
    assert story == [
        "start engine", "start server", "serving", "working", "draining", "stop server", "stop engine"
    ]  # fmt: skip


async def test_a_part_that_cannot_start_stops_those_before_it() -> None:
    story: list[str] = []

    class Broken(Part):
        async def __aenter__(self) -> None:
            raise RuntimeError("no")

    with pytest.raises(RuntimeError):
        async with Process("test", [Part("engine", story), Broken("server", story)], Says(story)).running():
            pass
    assert story == ["start engine", "stop engine"]


async def test_a_background_task_that_ends_stops_the_process_with_status_1() -> None:
    story: list[str] = []

    async def dies() -> None:
        raise RuntimeError("the consumer broke")

    part = Part("consumer", story, asyncio.create_task(dies()))
    assert await Process("test", [part], Says(story)).serve() == 1
    assert story == ["start consumer", "serving", "draining", "stop consumer"]


async def test_sigterm_drains_and_ends_with_status_0() -> None:
    story: list[str] = []
    serving = asyncio.create_task(Process("test", [Part("server", story)], Says(story)).serve())
    await eventually(lambda: "serving" in story, "serving")
    os.kill(os.getpid(), signal.SIGTERM)
    assert await serving == 0
    assert story[-2:] == ["draining", "stop server"]


async def test_waiting_for_an_engine_names_it() -> None:
    async def away() -> None:
        raise ConnectionError("refused")

    with pytest.raises(EngineAway, match=r"MongoDB did not answer within 0 s: refused"):
        await ready("MongoDB", away, 0.2)


async def test_waiting_for_an_engine_ends_when_it_answers() -> None:
    tries = 0

    async def third_time() -> str:
        nonlocal tries
        tries += 1
        if tries < 3:
            raise ConnectionError
        return "here"

    assert await ready("MongoDB", third_time, 30) == "here"


PROGRAM = textwrap.dedent(
    """
    from chassis.process import Process, cli
    from chassis.settings import Settings

    async def hello(settings):
        print("hello")

    cli("test", Settings, lambda settings: Process("test", []), {"hello": hello})
    """
)


def run(*words: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    root = str(Path(__file__).parents[2])
    return subprocess.run(
        [sys.executable, "-c", PROGRAM, *words],
        capture_output=True, text=True, timeout=60, check=False, cwd=root, env={**os.environ, **environment},
    )  # fmt: skip


def test_a_command_runs_and_its_status_is_the_processes() -> None:
    done = run("hello")
    assert (done.returncode, done.stdout) == (0, "hello\n")


@pytest.mark.parametrize("words", [(), ("fly",), ("serve", "now")])
def test_wrong_words_say_how_to_call_it(words: tuple[str, ...]) -> None:
    done = run(*words)
    assert done.returncode == 2
    assert "serve|hello" in done.stderr


def test_a_wrong_setting_ends_the_process_before_it_starts() -> None:
    done = run("serve", LOG_LEVEL="loud")
    assert done.returncode == 2
    assert "setting LOG_LEVEL:" in done.stderr
