"""A second process of a service, on ports of its own, in the same consumer group and before the same database."""

import asyncio
import os
import signal
import subprocess
from dataclasses import replace
from pathlib import Path

from chassis.testing.eventually import eventually
from chassis.testing.ports import free_port
from deploy.local.probes import health_of
from deploy.local.programs import Program

READY_SECONDS = 120.0
LEAVING_SECONDS = 20.0


class SecondProcess:
    """Another process like that one. One that ends while it starts, because an engine just died, is started again, as
    a supervisor would."""

    def __init__(self, program: Program, log: Path) -> None:
        ports = {purpose: free_port() for purpose in program.ports}
        named = {f"{purpose.upper()}_PORT": str(port) for purpose, port in ports.items()}
        self.program = replace(program.told(named), ports=ports)
        self._log = log
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        """Its process id; 0 before it was started."""
        return self._process.pid if self._process is not None else 0

    async def join(self) -> None:
        """Return when it serves. Raises AssertionError when it does not come to that."""
        await eventually(self._serves, f"a second {self.program.name} (see {self._log})", READY_SECONDS)

    async def leave(self, number: signal.Signals) -> None:
        """End it by that signal; what does not end in time is killed."""
        if self._process is None:
            return
        self._process.send_signal(number)
        try:
            await asyncio.to_thread(self._process.wait, LEAVING_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            await asyncio.to_thread(self._process.wait)

    async def _serves(self) -> bool:
        if self._process is None or self._process.poll() is not None:
            self._process = self._started()
        await asyncio.sleep(0.3)
        return (await asyncio.to_thread(health_of, [self.program]))[self.program.name] == "ok"

    def _started(self) -> "subprocess.Popen[bytes]":
        with self._log.open("ab") as output:
            return subprocess.Popen(
                self.program.command,
                env={**os.environ, **self.program.environment},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
