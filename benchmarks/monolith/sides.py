"""A side of the comparison: what one round of one operation took there."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from benchmarks.monolith.operations import OPERATIONS, Population
from benchmarks.monolith.processes import LOOKS, Processes, Seconds, beyond, difference
from benchmarks.monolith.vegeta import Load, load
from benchmarks.rounds import Figures, percentile

SUITE, PEER = "suite", "peer"
RATE, CPU, ANSWERED, AFTER, CLIENT = "requests/s", "CPU-ms", "CPU-ms answered", "CPU-ms after", "CPU-ms client"
PERCENTILES = {"p50 ms": 50.0, "p90 ms": 90.0, "p99 ms": 99.0, "p99.9 ms": 99.9}

# The gauges of what is on its way are measured every half second and every second.
_QUIET_FOR, _QUIET_BY = 1.2, 300.0


async def always() -> bool:
    """Of a side that has nothing to do once it has answered."""
    return True


@dataclass
class Side:
    """Where it is asked, who asks and who serves; `quiet` says whether all that follows from its answers is done."""

    name: str
    url: str
    population: Population
    processes: Processes
    folder: Path
    quiet: Callable[[], Awaitable[bool]] = always
    idle: Seconds = field(default_factory=dict)
    """Seconds of CPU a second when nobody asks; known after `rest`."""
    watched: Seconds = field(default_factory=dict)
    """The same while it is asked whether it is quiet, which takes more than nothing."""
    peak: dict[str, float] = field(default_factory=dict)
    """The most memory that was seen, in MiB, by process."""

    async def rest(self) -> None:
        """Wait until nothing is left to do, and learn what doing nothing takes."""
        await self._until_quiet()
        self.idle = await self.processes.idle(always)
        self.watched = await self.processes.idle(self.quiet)

    async def measured(self, operation: str, at_once: int, requests: int, seed: int) -> Figures:
        """One round. Raises Failed when a request was not answered as it must be."""
        chance, chosen = Random(seed), OPERATIONS[operation]
        asked = [chosen.make(self.population, chance) for _ in range(requests)]
        began, before = time.perf_counter(), self.processes.cpu()
        done = await asyncio.to_thread(load, self.url, asked, at_once, self.folder)
        answered_at, answered = time.perf_counter(), self.processes.cpu()
        self._remember()
        if chosen.writes and self.quiet is not always:
            await self._until_quiet()
        ended = time.perf_counter()
        upon = beyond(difference(answered, before), self.idle, answered_at - began)
        after = beyond(difference(self.processes.cpu(), answered), self.watched, ended - answered_at)
        return figures(done, upon, after)

    async def _until_quiet(self) -> None:
        deadline = time.monotonic() + _QUIET_BY
        since = time.monotonic()
        while time.monotonic() - since < _QUIET_FOR:
            if not await self.quiet():
                since = time.monotonic()
            if time.monotonic() > deadline:
                raise TimeoutError(f"the {self.name} has not become quiet within {_QUIET_BY:.0f} s")
            await asyncio.sleep(LOOKS)

    def _remember(self) -> None:
        for name, size in self.processes.megabytes().items():
            self.peak[name] = max(size, self.peak.get(name, 0.0))


def figures(done: Load, upon: Seconds, after: Seconds) -> Figures:
    """What a round comes to. CPU is of a request: until the last answer, after it, and both by process."""
    count, times = len(done.answers), [each.seconds * 1000 for each in done.answers]
    each = {f"{CPU} {name}": (upon[name] + after[name]) / count * 1000 for name in upon}
    found = {
        RATE: count / done.seconds,
        **{name: percentile(times, percent) for name, percent in PERCENTILES.items()},
        CPU: sum(each.values()),
        ANSWERED: sum(upon.values()) / count * 1000,
        AFTER: sum(after.values()) / count * 1000,
        CLIENT: done.cpu_seconds / count * 1000,
        **each,
    }
    return {name: round(value, 4) for name, value in found.items()}
