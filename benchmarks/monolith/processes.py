"""The CPU and the memory of processes, by name."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

import psutil

LOOKS = 0.2
"""Seconds between two looks at a side."""
_SILENCE_SECONDS = 5.0

Seconds = Mapping[str, float]
"""Seconds of CPU by process."""


def difference(after: Seconds, before: Seconds) -> Seconds:
    """What came on top."""
    return {name: after[name] - before[name] for name in after}


def beyond(took: Seconds, idle: Seconds, seconds: float) -> Seconds:
    """What was taken beyond what the same time takes when nobody asks. Never less than nothing: the clock of a process
    ticks in hundredths of a second."""
    return {name: max(cpu - idle.get(name, 0.0) * seconds, 0.0) for name, cpu in took.items()}


@dataclass(frozen=True)
class Processes:
    """The processes that serve a side."""

    found: Mapping[str, psutil.Process]

    @classmethod
    def of(cls, pids: Mapping[str, int]) -> "Processes":
        """These, by their ids."""
        return cls({name: psutil.Process(pid) for name, pid in pids.items()})

    def cpu(self) -> Seconds:
        """User and system time so far, all threads together."""
        times = {name: process.cpu_times() for name, process in self.found.items()}
        return {name: float(each.user + each.system) for name, each in times.items()}

    def megabytes(self) -> Mapping[str, float]:
        """Memory that is resident now."""
        return {name: process.memory_info().rss / 2**20 for name, process in self.found.items()}

    async def idle(self, meanwhile: Callable[[], Awaitable[object]]) -> Seconds:
        """Seconds of CPU a second, now that nobody asks for more than `meanwhile` does, again and again."""
        began, before = time.perf_counter(), self.cpu()
        while (passed := time.perf_counter() - began) < _SILENCE_SECONDS:
            await meanwhile()
            await asyncio.sleep(LOOKS)
        return {name: cpu / passed for name, cpu in difference(self.cpu(), before).items()}
