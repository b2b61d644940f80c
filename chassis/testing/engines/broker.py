"""A Kafka of one test's own: it may be paused, killed and started again."""

import os
import signal
import subprocess
from pathlib import Path

from chassis.testing.engines.kinds import Engines, EnginesSettings
from chassis.testing.engines.servers import free_port, start, stop


class Broker:
    """The broker that ENGINES asks for, with its data in `folder`. Context manager: it runs inside the block.

    It keeps its port. What a kill leaves of its data is the kind's affair: Tansu loses everything, Apache Kafka nothing
    that it acknowledged.
    """

    def __init__(self, folder: Path) -> None:
        self.port, self._folder = free_port(), folder
        self._kind = EnginesSettings().kind
        self._command = self._kind.kafka_command(self.port, free_port(), folder / "kafka")
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> "Broker":
        self._kind.prepare()
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._process is not None:
            stop(self._process)

    @property
    def bootstrap_servers(self) -> str:
        """Where it listens."""
        return f"127.0.0.1:{self.port}"

    @property
    def kafka_idempotence(self) -> bool:
        """Whether it takes an idempotent producer."""
        return self._kind.kafka_idempotence

    def engines(self, mongo_url: str = "") -> Engines:
        """This broker beside a MongoDB."""
        return Engines(mongo_url, self.bootstrap_servers, self.kafka_idempotence)

    def start(self) -> None:
        """Run it, ready when this returns."""
        self._process = start(self._command, self._folder / "kafka.log", self.port)

    def kill(self) -> None:
        """SIGKILL. Returns when it has ended."""
        process = self._running()
        process.kill()
        process.wait()

    def pause(self) -> None:
        """SIGSTOP: its connections stay open, and nothing is answered."""
        os.kill(self._running().pid, signal.SIGSTOP)

    def resume(self) -> None:
        """SIGCONT."""
        os.kill(self._running().pid, signal.SIGCONT)

    def _running(self) -> "subprocess.Popen[bytes]":
        assert self._process is not None, "the broker has not been started"
        return self._process
