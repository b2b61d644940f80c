"""The parent of the workers: it holds the socket and serves nobody itself."""

import asyncio
import shutil
import signal
import socket
import tempfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import structlog

from chassis.backoff import Backoff
from chassis.cancelling import cancel
from chassis.process import Process
from gateway.server import listen
from gateway.settings import Settings
from gateway.workers.worker import Worker

log = structlog.get_logger(__name__)

STEADY_SECONDS = 10.0
"""A worker that ends sooner is started again after a pause that grows."""
_PAUSES = Backoff(first=0.5, cap=10.0)
_MARGIN_SECONDS = 5.0
"""What a worker has at its end besides its notice and its drain time, before it is killed."""


class NoWorkers(Exception):
    """A worker could not start, and no other serves."""


@dataclass(eq=False, slots=True)
class _Seat:
    """One of the n places, and who has it."""

    worker: Worker | None = None


def parent(settings: Settings) -> Process:
    """The process that has GATEWAY_WORKERS of them."""
    return Process("gateway", [Team(settings)])


class Team:
    """Component: `gateway_workers` processes that accept from one socket, which is here as long as this is.

    So nobody in the socket's queue is lost with a worker. A worker that dies is started again, by and by more slowly; a
    task ends, with NoWorkers, when one cannot start while no other serves. SIGHUP replaces one after the other: the new
    one is ready before the old one retires, and if it never is, the rest stays as it is. Leaving this drains all at
    once, and kills who takes too long.

    The first worker accepts as soon as it runs, as a single process does, and says itself what it cannot do yet; while
    one accepts, others do when they are ready.
    """

    name = "workers"

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._seats = [_Seat() for _ in range(settings.gateway_workers)]
        self._workers: dict[Worker, asyncio.Task[None]] = {}
        """All that run, those that retire included, and who attends to each."""
        self._numbers: set[int] = set()
        self._changed = asyncio.Condition()
        self._asked = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []
        self._listener: socket.socket
        self._folder = Path()

    async def __aenter__(self) -> None:
        host = self._settings.gateway_host
        self._listener = listen(host, self._settings.gateway_port)
        self._folder = Path(tempfile.mkdtemp(prefix="primetrade-gateway-"))
        port = self._listener.getsockname()[1]
        log.info("http_listening", host=host, port=port, workers=len(self._seats))
        if not (self._settings.redis_url.get_secret_value() or self._settings.gateway_rate_limit_disabled):
            log.warning("limits_per_worker", workers=len(self._seats), remedy="REDIS_URL, where they count together")
        asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, self._asked.set)
        keeping = [asyncio.create_task(self._keep(seat), name=f"seat-{at}") for at, seat in enumerate(self._seats, 1)]
        self._tasks = [*keeping, asyncio.create_task(self._renew_when_asked(), name="renewal")]

    async def __aexit__(self, *_: object) -> None:
        asyncio.get_running_loop().remove_signal_handler(signal.SIGHUP)
        await cancel(self._tasks)
        self._listener.close()  # the last worker to close its own serves who is still in the queue
        for worker in self._workers:
            worker.signal(signal.SIGTERM)
        await self._end(list(self._workers))
        shutil.rmtree(self._folder, ignore_errors=True)

    def background(self) -> "Iterable[asyncio.Task[None]]":
        return self._tasks

    async def _keep(self, seat: _Seat) -> None:
        """Have a worker in the seat, always."""
        failures = 0
        while True:
            worker = seat.worker
            if worker is None:
                worker = seat.worker = await self._start()
                await self._admit(worker)
            await self._ended(worker)
            if seat.worker is not worker:
                continue  # another has taken its place
            seat.worker = None
            log.error("worker_ended", worker=worker.number, pid=worker.pid, status=worker.status)
            if not worker.served and not self._anybody_accepts:
                raise NoWorkers(f"worker {worker.number} ended with status {worker.status} before it served")
            failures = 1 if worker.lasted >= STEADY_SECONDS else failures + 1
            await asyncio.sleep(_PAUSES.delay(failures))

    async def _renew_when_asked(self) -> None:
        while True:
            await self._asked.wait()
            self._asked.clear()
            log.info("renewal_began")
            done = all([await self._renew(seat) for seat in self._seats])
            log.info("renewal_ended", whole=done)

    async def _renew(self, seat: _Seat) -> bool:
        """Put a new worker into the seat. False when it stays with the old one."""
        old = seat.worker
        if old is None or not old.accepts:
            return True  # it is about to be started, or has just been
        new = await self._start()
        try:
            async with asyncio.timeout(self._settings.startup_timeout):
                await self._admit(new)
        except TimeoutError:
            log.error("worker_never_ready", worker=new.number, pid=new.pid)  # noqa: TRY400 - no more is to be said
            new.signal(signal.SIGTERM)
        if not new.accepts:
            return False
        if seat.worker is not old:  # it died meanwhile, and another is about to be started in its place
            old = new
        else:
            seat.worker = new
        old.retire()
        await self._end([old])
        return True

    async def _start(self) -> Worker:
        number = next(number for number in range(1, 2 * len(self._seats) + 2) if number not in self._numbers)
        self._numbers.add(number)
        worker, said = await Worker.start(number, self._folder, self._listener)
        self._workers[worker] = asyncio.create_task(self._attend(worker, said))
        return worker

    async def _attend(self, worker: Worker, said: asyncio.StreamReader) -> None:
        while word := await said.readline():
            worker.heard(word)
            await self._tell_all()
        await worker.wait()
        self._numbers.discard(worker.number)
        del self._workers[worker]
        await self._tell_all()

    async def _admit(self, worker: Worker) -> None:
        """Return when it accepts, or has ended."""
        await self._until(lambda: worker.ended or worker.ready or (worker.up and not self._anybody_accepts))
        if not worker.ended:
            worker.accept()
            log.info("worker_serves", worker=worker.number, pid=worker.pid)

    @property
    def _anybody_accepts(self) -> bool:
        return any(worker.accepts for worker in self._workers)

    async def _ended(self, worker: Worker) -> None:
        await self._until(lambda: worker.ended)

    async def _until(self, condition: Callable[[], bool]) -> None:
        async with self._changed:
            await self._changed.wait_for(condition)

    async def _tell_all(self) -> None:
        async with self._changed:
            self._changed.notify_all()

    async def _end(self, told: Iterable[Worker]) -> None:
        """Return when those who were told to have ended. Who takes longer than a drain may is killed."""
        leaving = set(told)
        try:
            async with asyncio.timeout(self._settings.drain_notice + self._settings.drain_timeout + _MARGIN_SECONDS):
                await self._until(lambda: leaving.isdisjoint(self._workers))
        except TimeoutError:
            for worker in leaving & self._workers.keys():
                log.error("worker_killed", worker=worker.number, pid=worker.pid)  # noqa: TRY400 - nothing to trace
                worker.signal(signal.SIGKILL)
            await self._until(lambda: leaving.isdisjoint(self._workers))
