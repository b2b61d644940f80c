"""The whole suite for a test: its processes on free ports, its data in a folder of its own, ended with the block."""

import contextlib
import os
import signal
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from chassis.testing.ports import free_block
from deploy.local.programs import SERVICES, Program, kafka_bootstrap_servers, mongo_url, suite_programs
from deploy.local.settings import PORTS, LocalSettings
from deploy.local.suite import LauncherError, Suite

_OFFSETS = (0, 1, 2, 3, *(offset + step for offset in SERVICES.values() for step in (0, 1)), PORTS)
_BASES = range(15_000, 32_000 - PORTS, PORTS + 1)

Change = Callable[[Sequence[Program]], Sequence[Program]]
"""Makes other programs of a suite's own: with another environment, or with something in between."""


_PATIENCE = dict.fromkeys(("UPSTREAM_TIMEOUT", "REQUEST_TIMEOUT", "USERS_TIMEOUT"), "60")


def patient(programs: Sequence[Program]) -> Sequence[Program]:
    """A change for tests of what is answered, not when: the deadlines of requests are such that only a defect reaches
    them, on however busy a machine."""
    return [program.told(_PATIENCE) for program in programs]


@dataclass(frozen=True, slots=True)
class RunningSuite:
    """A suite that runs. A process that dies stays dead until `restart`: nothing watches it."""

    suite: Suite

    @property
    def url(self) -> str:
        """The gateway's URL."""
        return self.suite.settings.url

    @property
    def data(self) -> Path:
        """DATA_DIR: logs/<process>.log, mail/*.eml, …"""
        return self.suite.settings.data

    @property
    def mongo_url(self) -> str:
        """Where its MongoDB is."""
        return mongo_url(self.suite.settings)

    @property
    def kafka_bootstrap_servers(self) -> str:
        """Where its Kafka is."""
        return kafka_bootstrap_servers(self.suite.settings)

    def ports(self, name: str) -> dict[str, int]:
        """A process's ports by purpose: {"grpc": …, "metrics": …}."""
        return dict(self.suite.program(name).ports)

    def pid(self, name: str) -> int:
        """A process's id; 0 when it does not run."""
        return self.suite.control.states()[name].pid

    def kill(self, name: str, number: signal.Signals = signal.SIGKILL) -> None:
        """Send a signal to one process. Raises LauncherError when it does not run."""
        pid = self.pid(name)
        if not pid:  # 0 would be everything in our own process group
            raise LauncherError(f"{name} does not run")
        os.kill(pid, number)

    def restart(self, name: str) -> None:
        """Start a process, ending it before when it runs. Returns when it is well. Raises LauncherError."""
        self.suite.restart(name)

    def stop(self) -> None:
        """Stop in order, as `make stop` does. The data stay: start again with `start`."""
        self.suite.stop()

    def start(self) -> None:
        """Start again on the same ports and data. Raises LauncherError."""
        self.suite.start()


def free_settings(data: Path, **values: object) -> LocalSettings:
    """Settings of a suite on free ports with its data in `data`; `values` are fields of LocalSettings."""
    base = free_block(_BASES, _OFFSETS)
    values = {"start_timeout": 240, **values}  # so generous that only a defect reaches it
    return LocalSettings(**{"data_dir": data, "port_base": base, "gateway_port": base + PORTS, **values})  # type: ignore[arg-type]


def _unlimited(programs: Sequence[Program]) -> Sequence[Program]:
    unlimited = {"GATEWAY_RATE_LIMIT_DISABLED": "1"}
    return [program.told(unlimited) if program.name == "gateway" else program for program in programs]


@contextlib.contextmanager
def running_suite(data: Path, change: Change = list, **values: object) -> Iterator[RunningSuite]:
    """The suite inside the block, every process well, as `change` makes its programs. Raises LauncherError naming what
    is not well.

    Its gateway has no rate limits, for all of a test comes from one address. The block takes a few seconds to enter, so
    share it between tests: in a fixture of module or session scope.
    """
    settings = free_settings(data, **values)
    if settings.kind is not None:
        settings.kind.prepare()
    steps: list[str] = []
    suite = Suite(settings, change(_unlimited(suite_programs(settings))), say=steps.append)
    try:
        suite.start()
        yield RunningSuite(suite)
    finally:
        suite.stop()


__all__ = ["LauncherError", "RunningSuite", "free_settings", "patient", "running_suite"]
