"""`python -m benchmarks.monolith.profile`, or `make profile OPS=list`: where the time of an operation goes.

A flame graph of each of the suite's own processes while it is asked: py-spy samples what holds the interpreter's lock,
as whether a thread waits cannot be seen on every system. Time in C that keeps the lock stands under the Python that
called it; sockets, compression and gRPC's own threads are not in it. What is measured meanwhile says little.
"""

import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path

import structlog
import uvloop
from pydantic import Field

from benchmarks.monolith.run import OURS, WENT_WRONG, both, in_production, told
from benchmarks.monolith.settings import AtOnce, BenchSettings, Operations
from benchmarks.monolith.vegeta import Failed
from chassis.settings import read_settings

_SPY = Path(sys.executable).with_name("py-spy")
_WRITING_SECONDS = 60


class ProfileSettings(BenchSettings):
    """What is profiled, and how long: `make profile OPS=get,list REQUESTS=2000`."""

    ops: Operations = ("get", "list", "create")
    c: AtOnce = (32,)
    people: int = Field(default=50, ge=1)
    requests: int = Field(default=2_000, ge=8)
    profiles: Path = Field(default=Path(".data/profiles"), description="the folder of the flame graphs")


@contextmanager
def sampled(pids: Mapping[str, int], folder: Path) -> Iterator[None]:
    """A flame graph of each of these processes for as long as the block. Raises Failed with py-spy's word."""
    folder.mkdir(parents=True, exist_ok=True)
    with ExitStack() as stack:
        for name, pid in pids.items():
            stack.enter_context(_spying(pid, folder / f"{name}.svg"))
        yield


@contextmanager
def _spying(pid: int, graph: Path) -> Iterator[None]:
    command: list[str | Path] = [_SPY, "record", "--gil", "--pid", str(pid), "--output", graph]
    spy = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)  # noqa: S603 - our own tool
    try:
        yield
    finally:
        spy.send_signal(signal.SIGINT)  # it writes what it has
        _, said = spy.communicate(timeout=_WRITING_SECONDS)
    if not graph.exists():
        raise Failed(f"py-spy drew no {graph}: {said.decode(errors='replace').strip()}")


async def profile(settings: ProfileSettings, folder: Path) -> None:
    """Ask, and look what runs. Raises Failed."""
    async with both(settings, folder, in_production) as (suite, _):
        pids = {name: process.pid for name, process in suite.processes.found.items() if name in OURS}
        for operation, at_once in settings.plan:
            told(f"{operation}, {at_once} at once")
            await suite.measured(operation, at_once, settings.requests // 4, settings.seed)
            with sampled(pids, settings.profiles / operation):
                await suite.measured(operation, at_once, settings.requests, settings.seed + 1)
            told(f"wrote {settings.profiles / operation}/*.svg")


def main() -> int:
    """The command; its status."""
    settings = read_settings(ProfileSettings)
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger("warning"))
    with tempfile.TemporaryDirectory(prefix="primetrade-bench-") as data:
        try:
            uvloop.run(profile(settings, Path(data)))
        except WENT_WRONG as error:
            print(error, file=sys.stderr)
            return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
