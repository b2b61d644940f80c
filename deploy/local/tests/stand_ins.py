"""A suite of stand-ins: the launcher and supervisor are real, the processes are small.

`python -m deploy.local.tests.stand_ins FOLDER PORT_BASE` is its watch.
"""

import sys
from pathlib import Path

from deploy.local.programs import Check, Group, Program
from deploy.local.settings import PORTS, LocalSettings
from deploy.local.suite import Suite

STAND_IN = Path(__file__).with_name("stand_in.py")


class StandIns:
    """A suite of an engine, two services and a gateway, and what it said while it started and stopped."""

    def __init__(self, folder: Path, settings: LocalSettings) -> None:
        self.said: list[str] = []
        self.folder, self.settings = folder, settings
        base = settings.port_base
        self.programs = [
            self._program("engine", Group.ENGINES, {"http": base}),
            self._program("reader", Group.SERVICES, {"http": base + 10, "metrics": base + 10}),
            self._program("writer", Group.SERVICES, {"http": base + 20, "metrics": base + 20}),
            self._program("gateway", Group.GATEWAY, {"http": self.settings.gateway_port}),
        ]
        watch = (sys.executable, "-m", "deploy.local.tests.stand_ins", str(folder), str(base))
        self.suite = Suite(settings, self.programs, self.said.append, watch)

    def journal(self) -> list[str]:
        """Who was told to stop, in order."""
        path = self.folder / "journal"
        return path.read_text().split() if path.exists() else []

    def _program(self, name: str, group: Group, ports: dict[str, int]) -> Program:
        command = (sys.executable, str(STAND_IN), "--name", name, "--folder", str(self.folder))
        port = str(next(iter(ports.values())))
        setting = "GATEWAY_PORT" if group is Group.GATEWAY else "PORT_BASE"
        check = Check.HTTP if group is Group.GATEWAY else Check.TCP
        return Program(name, group, (*command, "--port", port), ports, check, setting=setting)


def settings_of(folder: Path, base: int) -> LocalSettings:
    """The settings that the suite in `folder` was started with."""
    return LocalSettings(data_dir=folder / "data", port_base=base, gateway_port=base + PORTS)


if __name__ == "__main__":
    where = Path(sys.argv[1])
    standing = StandIns(where, settings_of(where, int(sys.argv[2]))).suite
    if standing.watch():
        standing.stop()
