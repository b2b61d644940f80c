"""Speaking with supervisord over its XML-RPC interface (supervisord.org/api.html)."""

import http.client
import subprocess
import sys
import time
import xmlrpc.client
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from supervisor.xmlrpc import Faults, SupervisorTransport

from deploy.local.configuration import socket_path

_UNEXPECTED = frozenset({"EXITED", "FATAL", "UNKNOWN"})
_ON_PURPOSE = frozenset({"STOPPING", "STOPPED"})


class NotRunning(Exception):
    """No supervisord answers for this DATA_DIR."""


class CannotStart(Exception):
    """The command of a process cannot be run."""


@dataclass(frozen=True, slots=True)
class State:
    """What supervisord knows of a process. `name` is STARTING, RUNNING, BACKOFF, STOPPING, STOPPED, EXITED or FATAL."""

    name: str
    pid: int
    exit_status: int
    error: str

    @property
    def died(self) -> bool:
        """Whether it ended, or could not start, without having been told to."""
        return self.name in _UNEXPECTED

    @property
    def stopped(self) -> bool:
        """Whether it was told to stop, or never told to start."""
        return self.name in _ON_PURPOSE

    @property
    def end(self) -> str:
        """How it ended, in words."""
        if self.name == "FATAL":
            return f"did not start: {self.error}"
        return "was killed" if self.exit_status < 0 else f"ended with status {self.exit_status}"


class Control:
    """The supervisord of one DATA_DIR. Every call raises NotRunning when there is none."""

    def __init__(self, data: Path) -> None:
        self._socket = socket_path(data)

    def running(self) -> bool:
        """Whether supervisord answers and is not going down."""
        try:
            return bool(self._call("getState")["statecode"] == 1)
        except NotRunning:
            return False

    def pid(self) -> int:
        """supervisord's process id."""
        return int(self._call("getPID"))

    def states(self) -> dict[str, State]:
        """Every process by name."""
        return {
            info["name"]: State(info["statename"], info["pid"], info["exitstatus"], info["spawnerr"])
            for info in self._call("getAllProcessInfo")
        }

    def start_group(self, name: str) -> None:
        """Begin to start every process of the group. Raises CannotStart when a command cannot be run at all."""
        failed = [
            result for result in self._call("startProcessGroup", name, False) if result["status"] != Faults.SUCCESS
        ]
        if failed:
            raise CannotStart("; ".join(f"{result['name']}: {result['description']}" for result in failed))

    def stop_group(self, name: str) -> None:
        """Stop every process of the group. Returns when all have ended."""
        self._call("stopProcessGroup", name, False)
        self._await_stop(name)

    def start(self, name: str) -> None:
        """Begin to start one process, named group:process."""
        self._call("startProcess", name, False)

    def stop(self, name: str) -> None:
        """Stop one process, named group:process. Returns when it has ended; one that has ended already is no error."""
        try:
            self._call("stopProcess", name, False)
        except xmlrpc.client.Fault as fault:
            # It died, and supervisord saw it only now.
            if fault.faultCode != Faults.NOT_RUNNING:
                raise
        self._await_stop(*name.split(":"))

    def shutdown(self) -> None:
        """Begin to end supervisord, and what still runs under it."""
        self._call("shutdown")

    def _await_stop(self, group: str, name: str = "") -> None:
        # supervisord's own waiting looks once a second; every question makes it look at once.
        while any(
            info["pid"]
            for info in self._call("getAllProcessInfo")
            if info["group"] == group and name in ("", info["name"])
        ):
            time.sleep(0.05)

    def _call(self, method: str, *arguments: object) -> Any:
        transport = SupervisorTransport(None, None, f"unix://{self._socket}")
        proxy = xmlrpc.client.ServerProxy("http://127.0.0.1", transport=transport)
        try:
            return getattr(proxy.supervisor, method)(*arguments)
        except (OSError, http.client.HTTPException, xmlrpc.client.ProtocolError) as error:
            raise NotRunning(str(error)) from None
        except xmlrpc.client.Fault as fault:
            if fault.faultString.startswith("SHUTDOWN_STATE"):
                raise NotRunning(fault.faultString) from None
            raise
        finally:
            transport.close()


def spawn_supervisord(configuration: Path, output: Path) -> "subprocess.Popen[bytes]":
    """Start supervisord in a session of its own, so that the terminal's Ctrl-C reaches the launcher alone."""
    binary = Path(sys.executable).with_name("supervisord")
    with output.open("wb") as log:
        return subprocess.Popen(  # noqa: S603 - our own command
            [binary, "-c", configuration], stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
        )
