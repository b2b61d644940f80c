"""Work that repeats, and the lease that lets one process of many do it.

A lease is an economy: it keeps processes from doing the same work at the same time, most of the time. Clocks drift and
processes pause, so nothing may be unsafe when two run at once (Gray & Cheriton, "Leases", 1989).
"""

import asyncio
import contextvars
import os
import random
import socket
import time
from collections.abc import Awaitable, Callable, Coroutine
from datetime import timedelta
from typing import Any, TypeVar
from uuid import uuid4

import structlog
from pymongo.errors import DuplicateKeyError

from chassis.cancelling import cancel
from chassis.clock import Clock
from chassis.mongo import Collection, engine_calls
from chassis.telemetry import metrics

LEASES = "leases"
"""The collection of a service's database that its leases live in."""
_ENGINE_SECONDS = 5.0

log = structlog.get_logger(__name__)
T = TypeVar("T")


def holder() -> str:
    """A name for this process that no other has, past ones included."""
    return f"{socket.gethostname()}:{os.getpid()}:{uuid4().hex[:8]}"


class Lease:
    """The right to do something, held by at most one at a time while clocks agree, and free `seconds` after a crash."""

    def __init__(self, collection: Collection, name: str, holder: str, clock: Clock, seconds: float = 15) -> None:
        self.name, self.holder, self.seconds = name, holder, seconds
        self._collection, self._clock = collection, clock

    async def acquire(self) -> bool:
        """Take the lease when it is free or over, or renew it when it is ours. True when we hold it now."""
        now = self._clock.now()
        ours = {"holder": self.holder, "expires_at": now + timedelta(seconds=self.seconds)}
        with engine_calls(_ENGINE_SECONDS):
            found = await self._collection.find_one({"_id": self.name})
            if found is None:
                return await self._create(ours)
            if found["holder"] != self.holder and found["expires_at"] > now:
                return False
            unchanged = {"_id": self.name, "holder": found["holder"], "expires_at": found["expires_at"]}
            result = await self._collection.update_one(unchanged, {"$set": ours})
            return result.matched_count == 1

    async def release(self) -> None:
        """Free the lease when it is ours."""
        with engine_calls(_ENGINE_SECONDS):
            await self._collection.delete_one({"_id": self.name, "holder": self.holder})

    async def _create(self, ours: dict[str, object]) -> bool:
        try:
            await self._collection.insert_one({"_id": self.name, **ours})
        except DuplicateKeyError:
            return False
        return True


class LeaseLost(Exception):
    """Somebody else holds the lease now; what was done under it was cancelled."""


async def while_held(lease: Lease, work: Coroutine[Any, Any, T]) -> T:
    """Do the work under an acquired lease, and renew it meanwhile. Raises LeaseLost, with the work cancelled."""
    run = asyncio.create_task(work)
    try:
        while True:
            await asyncio.wait({run}, timeout=lease.seconds / 3)
            if run.done():
                return run.result()
            if not await lease.acquire():
                raise LeaseLost(lease.name)
    finally:
        if not run.done():
            await cancel([run])


class Periodic:
    """Component: runs a job at once and then `every` seconds (± `jitter` of it), in the process that holds the lease.

    A run that fails is logged and counted, and the next one comes as usual. While a run lasts its lease is renewed; one
    that loses its lease, or is under way when the process leaves, is cancelled: a job must stand being cut anywhere.
    """

    def __init__(
        self,
        name: str,
        every: float,
        run: Callable[[], Awaitable[None]],
        lease: Lease | None = None,
        jitter: float = 0.1,
    ) -> None:
        self.name = name
        self._every, self._run, self._lease, self._jitter = every, run, lease, jitter
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> None:
        # A context of its own: who entered has a deadline and a principal, the job has none.
        context = contextvars.Context()
        self._task = asyncio.get_running_loop().create_task(self._repeat(), name=self.name, context=context)

    async def __aexit__(self, *_: object) -> None:
        if self._task is not None:
            await cancel([self._task])
            self._task = None
        if self._lease is not None:
            try:
                await self._lease.release()
            except Exception as error:
                log.warning("lease_not_released", job=self.name, error=str(error))

    def background(self) -> tuple["asyncio.Task[None]", ...]:
        return (self._task,) if self._task is not None else ()

    async def _repeat(self) -> None:
        while True:
            began = time.monotonic()
            outcome = "ok"
            try:
                if self._lease is None:
                    await self._run()
                elif await self._lease.acquire():
                    await self._run_leased(self._lease)
                else:
                    outcome = "elsewhere"
            except Exception as error:
                outcome = "error"
                log.warning("job_failed", job=self.name, error=str(error), exc_info=True)
            if outcome != "elsewhere":
                metrics.jobs.labels(self.name, outcome).observe(time.monotonic() - began)
            await asyncio.sleep(self._every * random.uniform(1 - self._jitter, 1 + self._jitter))  # noqa: S311

    async def _run_leased(self, lease: Lease) -> None:
        try:
            await while_held(lease, self._once())
        except LeaseLost:
            log.warning("lease_lost", job=self.name)

    async def _once(self) -> None:
        await self._run()
