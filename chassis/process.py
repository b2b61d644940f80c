"""The life of a process: read settings, start its components in order, serve, drain and stop them in reverse.

A component is an async context manager: entering it makes it ready, leaving it finishes its work in flight and closes
it. So the order of the list is the whole plan of start and stop, and a test builds the same list.
"""

import asyncio
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

import structlog
import uvloop

from chassis.settings import Settings, read_settings
from chassis.telemetry.logs import configure_logs

log = structlog.get_logger(__name__)
S = TypeVar("S", bound=Settings)
S_contra = TypeVar("S_contra", bound=Settings, contravariant=True)
T = TypeVar("T")
C = TypeVar("C")


class Component(Protocol):
    """A part of a process with a life of its own."""

    @property
    def name(self) -> str: ...

    async def __aenter__(self) -> object: ...

    async def __aexit__(self, *exc: object) -> bool | None: ...

    def background(self) -> Iterable["asyncio.Task[None]"]:
        """The tasks that must not end while the process serves; when one does, the process stops with status 1."""
        ...


class Health(Protocol):
    """Who is told whether this process serves."""

    async def serving(self) -> None: ...

    async def draining(self) -> None: ...


class EngineAway(Exception):
    """An engine or neighbour did not answer within the start-up time."""


async def ready(what: str, attempt: Callable[[], Awaitable[T]], seconds: float) -> T:
    """Try `attempt` with growing pauses until it succeeds, saying what is awaited.

    Raises EngineAway, naming it and the last error, after `seconds`.
    """
    loop = asyncio.get_running_loop()
    deadline, pause = loop.time() + seconds, 0.1
    while True:
        try:
            return await attempt()
        except Exception as error:
            if loop.time() + pause > deadline:
                raise EngineAway(f"{what} did not answer within {seconds:.0f} s: {error}") from error
            log.info("awaiting", what=what, error=str(error)[:200])
        await asyncio.sleep(pause)
        pause = min(pause * 2, 2.0)


class Process:
    """A named list of components and the health that speaks for them."""

    def __init__(self, name: str, components: Sequence[Component], health: Health | None = None) -> None:
        self.name, self.components = name, components
        self._health = health

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Everything started and serving inside the block; drained and stopped, in reverse, when it is left."""
        async with AsyncExitStack() as stack:
            await self._start(stack)
            try:
                yield
            finally:
                await self._drain()

    def component(self, kind: type[C]) -> C:
        """The one component of that kind. Raises LookupError."""
        for component in self.components:
            if isinstance(component, kind):
                return component
        raise LookupError(f"{self.name} has no {kind.__name__}")

    async def serve(self) -> int:
        """Serve until SIGTERM or SIGINT (status 0) or until a background task ends by itself (status 1)."""
        told = asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, told.set)
        stop = asyncio.create_task(told.wait())
        async with AsyncExitStack() as stack:
            start = asyncio.create_task(self._start(stack))
            await asyncio.wait({start, stop}, return_when=asyncio.FIRST_COMPLETED)
            if not start.done():
                start.cancel()
                await asyncio.wait({start})
                return 0
            try:
                start.result()
            except Exception as error:
                log.error("start_failed", error=str(error), exc_info=not isinstance(error, EngineAway))  # noqa: TRY400
                return 1
            tasks = {task for component in self.components for task in component.background()}
            done, _ = await asyncio.wait({stop, *tasks}, return_when=asyncio.FIRST_COMPLETED)
            await self._drain()
            for task in done - {stop}:
                cause = None if task.cancelled() else task.exception()
                log.error("background_task_ended", task=task.get_name(), error=repr(cause), exc_info=cause)
        stop.cancel()
        log.info("stopped")
        return 0 if told.is_set() else 1

    async def _start(self, stack: AsyncExitStack) -> None:
        for component in self.components:
            log.debug("starting", component=component.name)
            await stack.enter_async_context(component)
        if self._health is not None:
            await self._health.serving()
        log.info("serving")

    async def _drain(self) -> None:
        log.info("draining")
        if self._health is not None:
            await self._health.draining()


@dataclass(frozen=True, slots=True)
class Words(Generic[S_contra]):
    """A command that takes the words after it; `usage` says which. It exits with status 2 when they are wrong."""

    run: Callable[[S_contra, Sequence[str]], Awaitable[None]]
    usage: str


Command = Callable[[S], Awaitable[None]] | Words[S]
"""A command of a process: of its settings, and perhaps of further words."""


def cli(
    name: str,
    settings: type[S],
    build: Callable[[S], Process],
    commands: Mapping[str, Command[S]] | None = None,
) -> None:
    """`python -m services.<name> serve`, or one of the other commands. Exits with the command's status."""
    known: Mapping[str, Command[S]] = commands or {}
    word, *further = sys.argv[1:] or [""]
    command = known.get(word)
    if (word != "serve" and command is None) or (further and not isinstance(command, Words)):
        module = name if name == "gateway" else f"services.{name}"
        usages = [f"{word} {each.usage}" if isinstance(each, Words) else word for word, each in known.items()]
        print(f"usage: python -m {module} {'|'.join(['serve', *usages])}", file=sys.stderr)
        raise SystemExit(2)
    values = read_settings(settings)
    configure_logs(name, values.log_level)
    run = _serve(build) if command is None else _once(command, further)
    raise SystemExit(uvloop.run(run(values)))


def _serve(build: Callable[[S], Process]) -> Callable[[S], Coroutine[object, object, int]]:
    async def run(settings: S) -> int:
        # Built inside the loop it will run in: a gRPC channel belongs to the loop that is current when it is made.
        return await build(settings).serve()

    return run


def _once(command: Command[S], words: Sequence[str]) -> Callable[[S], Coroutine[object, object, int]]:
    async def run(settings: S) -> int:
        if isinstance(command, Words):
            await command.run(settings, words)
        else:
            await command(settings)
        return 0

    return run
