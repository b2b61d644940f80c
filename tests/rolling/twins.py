"""Two of every process that a request goes through, and how one of them is replaced."""

import asyncio
import signal
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import psutil

from chassis.testing.eventually import eventually
from deploy.local.programs import SERVICES, Program
from deploy.local.testing import RunningSuite, patient
from tests.chaos.guest import SecondProcess

GATEWAY = "gateway"
_STOP_SECONDS = 30
_SECONDS = 120.0


class Twins:
    """The second ones beside those of a suite that runs `change` of its programs, so that every process knows both."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._seconds: dict[str, SecondProcess] = {}

    def change(self, programs: Sequence[Program]) -> Sequence[Program]:
        """The suite's programs, told of the second ones, and patient: what is slow here has not failed."""
        programs = patient(programs)
        doubled = [program for program in programs if program.name in (*SERVICES, GATEWAY)]
        self._seconds = {p.name: SecondProcess(p, self._folder / f"{p.name}-2.log") for p in doubled}
        targets = {
            f"{p.name.upper()}_TARGET": f"ipv4:127.0.0.1:{p.port},127.0.0.1:{self._seconds[p.name].program.port}"
            for p in doubled
            if p.name != GATEWAY
        }
        for name, second in self._seconds.items():
            second.program = self._told(second.program, targets)
            if name == GATEWAY:
                port = {"GATEWAY_PORT": str(second.program.port)}
                second.program = second.program.told(port)
        return [self._told(program, targets) if program in doubled else program for program in programs]

    @staticmethod
    def _told(program: Program, targets: dict[str, str]) -> Program:
        notice = {"DRAIN_NOTICE": "1", "DRAIN_TIMEOUT": "10"}
        return replace(program.told({**targets, **notice}), stop_seconds=_STOP_SECONDS)

    def gateways(self, suite: RunningSuite) -> tuple[int, int]:
        """Where both gateways listen."""
        return suite.ports(GATEWAY)["http"], self._seconds[GATEWAY].program.port

    async def join(self) -> None:
        """Start the second ones; return when all of them serve."""
        await asyncio.gather(*(second.join() for second in self._seconds.values()))

    async def leave(self) -> None:
        """End the second ones."""
        await asyncio.gather(*(second.leave(signal.SIGTERM) for second in self._seconds.values()))

    async def replace_both(self, suite: RunningSuite, name: str) -> None:
        """Replace the one, then the other: each is told to end, started again, and found by the gateways."""
        await asyncio.to_thread(suite.restart, name)
        await self._found(suite, name, suite.suite.program(name).port)
        second = self._seconds[name]
        await second.leave(signal.SIGTERM)
        await second.join()
        await self._found(suite, name, second.program.port)

    async def _found(self, suite: RunningSuite, name: str, port: int) -> None:
        """A rollout goes on when the new process is in use, not when it could be (in Kubernetes: minReadySeconds)."""
        if name == GATEWAY:
            return
        callers = (suite.pid(GATEWAY), self._seconds[GATEWAY].pid)
        await eventually(lambda: all(_connected(pid, port) for pid in callers), f"{name} is found", _SECONDS)


def _connected(pid: int, port: int) -> bool:
    return any(
        link.status == psutil.CONN_ESTABLISHED and link.raddr and link.raddr.port == port
        for link in psutil.Process(pid).net_connections(kind="tcp")
    )
