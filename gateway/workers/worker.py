"""A worker as its parent sees it."""

import asyncio
import contextlib
import signal
import socket
import sys
import time
from pathlib import Path

from gateway.workers.place import ACCEPT, READY, RETIRE, UP


class Worker:
    """A process that runs: what it has said, and what can be told to it."""

    def __init__(self, number: int, process: asyncio.subprocess.Process, control: asyncio.StreamWriter) -> None:
        self.number, self.pid, self.began = number, process.pid, time.monotonic()
        self.up = self.ready = self.accepts = self.served = False
        self.status: int | None = None
        self._process, self._control = process, control

    @classmethod
    async def start(cls, number: int, folder: Path, listener: socket.socket) -> "tuple[Worker, asyncio.StreamReader]":
        """Start one; it and what it says."""
        ours, theirs = socket.socketpair()
        ours.setblocking(False)
        with theirs:
            handed = (listener.fileno(), theirs.fileno())
            words = (str(folder), str(number), *map(str, handed))
            process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "gateway", "worker", *words, pass_fds=handed
            )
        said, control = await asyncio.open_unix_connection(sock=ours)
        return cls(number, process, control), said

    @property
    def ended(self) -> bool:
        """Whether the process has ended."""
        return self.status is not None

    @property
    def lasted(self) -> float:
        """Seconds since it was started."""
        return time.monotonic() - self.began

    def heard(self, word: bytes) -> None:
        """It said this."""
        self.up, self.ready = self.up or word == UP, self.ready or word == READY

    def accept(self) -> None:
        """Let it take connections."""
        self.accepts = self.served = True
        self._control.write(ACCEPT)

    def retire(self) -> None:
        """Let it end: another has taken its place."""
        self.accepts = False
        self._control.write(RETIRE)

    def signal(self, number: signal.Signals) -> None:
        """Send it a signal, if it has not ended yet."""
        with contextlib.suppress(ProcessLookupError):
            self._process.send_signal(number)

    async def wait(self) -> None:
        """Return when it has ended, with its `status` known."""
        self.status = await self._process.wait()
        self.accepts = False
        self._control.close()
