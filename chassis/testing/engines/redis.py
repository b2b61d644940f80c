"""A Redis of one test's own."""

from pathlib import Path

from chassis.testing.engines.interruptible import Interruptible
from chassis.testing.engines.servers import start
from chassis.testing.ports import free_port
from chassis.testing.tools.cache import installed
from chassis.testing.tools.redis import REDIS


class Redis(Interruptible):
    """Redis with its log in `folder`. Like a cache it keeps no data. Raises ToolError when this machine has none."""

    def __init__(self, folder: Path) -> None:
        self.port, self._folder = free_port(), folder

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"redis://127.0.0.1:{self.port}/0"

    def start(self) -> None:
        """Run it, ready when this returns."""
        options = ["--port", str(self.port), "--bind", "127.0.0.1", "--dir", str(self._folder), "--save", ""]
        self._process = start([str(installed(REDIS)), *options], self._folder / "redis.log", self.port)
