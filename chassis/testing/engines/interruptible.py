"""A server of one test's own: it may be paused, killed and started again."""

import os
import signal
import subprocess
from abc import ABC, abstractmethod
from typing import TypeVar

from chassis.testing.engines.servers import stop

S = TypeVar("S", bound="Interruptible")


class Interruptible(ABC):
    """Context manager: it runs inside the block. A subclass says how it is started, always on the same port."""

    _process: "subprocess.Popen[bytes] | None" = None

    def __enter__(self: S) -> S:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._process is not None:
            stop(self._process)

    @abstractmethod
    def start(self) -> None:
        """Run it, ready when this returns."""

    def kill(self) -> None:
        """SIGKILL. Returns when it has ended."""
        process = self._running()
        process.kill()
        process.wait()

    def pause(self) -> None:
        """SIGSTOP: its connections stay open, and nothing is answered. Returns when all its threads have stopped."""
        pid = self._running().pid
        os.kill(pid, signal.SIGSTOP)
        os.waitpid(pid, os.WUNTRACED)

    def resume(self) -> None:
        """SIGCONT."""
        os.kill(self._running().pid, signal.SIGCONT)

    def _running(self) -> "subprocess.Popen[bytes]":
        assert self._process is not None, "it has not been started"
        return self._process
