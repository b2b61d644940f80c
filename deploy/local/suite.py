"""Starting, watching and stopping the suite, in order.

Start: engines, then services and gateway. Stop: gateway, then services once everything written has been published and
read (the embedded broker is memory only), then engines.
"""

import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import psutil

from chassis.testing.ports import why_unusable
from deploy.local.configuration import write_configuration
from deploy.local.control import CannotStart, Control, NotRunning, spawn_supervisord
from deploy.local.logs import last_lines
from deploy.local.probes import health_of, on_the_way
from deploy.local.programs import Group, Program
from deploy.local.settings import LocalSettings

QUIET_SECONDS = 1.2
"""For so long nothing must be on its way: the gauges are measured every 0.5 s and 1 s, so each was measured anew, also
after the last consumer had published an event of its own."""
QUIET_BEFORE = 7.5
"""Until this time of a stop it waits for that. Services (4 s) and engines (3 s) have the rest of the 15 s."""
POLL_SECONDS = 0.2


class LauncherError(Exception):
    """Why the suite is not running, in words for the person who started it."""


@dataclass(frozen=True, slots=True)
class Death:
    """A process that ended without having been told to."""

    name: str
    end: str


class Suite:
    """The processes of one DATA_DIR. `say` is told every step."""

    def __init__(
        self,
        settings: LocalSettings,
        programs: Sequence[Program],
        say: Callable[[str], None],
        watch: tuple[str, ...] = (sys.executable, "-m", "deploy.local", "watch"),
    ) -> None:
        self.settings, self.programs, self._say, self._watch = settings, programs, say, watch
        self.control = Control(settings.data)
        self._daemon: subprocess.Popen[bytes] | None = None

    def start(self, watched: bool = False) -> None:
        """Start everything and return when every process is well and nothing is degraded.

        With `watched` a process of its own takes the suite down when another dies. Raises LauncherError naming what
        is taken, dead or not well within START_TIMEOUT; what did start keeps running then: call `stop`.
        """
        deadline = time.monotonic() + self.settings.start_timeout
        self._require_free_ports()
        self._spawn()
        for group in Group:
            if not self._members(group):
                continue
            self._say(f"starting {group.value}: {', '.join(program.name for program in self._members(group))}")
            try:
                self.control.start_group(group.value)
            except (CannotStart, NotRunning) as error:
                raise LauncherError(str(error)) from None
            # The gateway starts beside the services: each waits for what it needs by itself.
            if group is not Group.SERVICES:
                self._await_health([p for p in self.programs if group is Group.GATEWAY or p.group is group], deadline)
        if watched:
            self.control.start("watch")

    def stop(self) -> None:
        """Stop everything in order, in at most 15 s, saying each step. Does nothing when nothing runs."""
        began = time.monotonic()
        try:
            daemon = self.control.pid()
        except NotRunning:
            if self._daemon is not None:  # it has not come so far as to answer
                self._daemon.terminate()
                self._await_end(self._daemon.pid)
            return
        try:
            for group in reversed(Group):
                if not self._members(group):
                    continue
                if group is Group.SERVICES:
                    self._await_quiet(began + QUIET_BEFORE)
                self._say(f"stopping {group.value}: {', '.join(program.name for program in self._members(group))}")
                self.control.stop_group(group.value)
            self.control.shutdown()
        except NotRunning:
            self._say("supervisord is going down by itself")
        self._await_end(daemon)
        self._say(f"stopped in {time.monotonic() - began:.1f} s")

    def restart(self, name: str) -> None:
        """Start one process, ending it before when it runs. Returns when it is well. Raises LauncherError."""
        program = self.program(name)
        full_name = f"{program.group.value}:{name}"
        if self.control.states()[name].pid:
            self.control.stop(full_name)
        self.control.start(full_name)
        self._await_health([program], time.monotonic() + self.settings.start_timeout)

    def program(self, name: str) -> Program:
        """The program of that name. Raises LookupError."""
        for program in self.programs:
            if program.name == name:
                return program
        raise LookupError(f"no process {name}")

    def death(self, among: Sequence[Program] = ()) -> Death | None:
        """The first process that died, if any. Raises NotRunning when the suite does not run."""
        states = self.control.states()
        for program in among or self.programs:
            state = states[program.name]
            if state.name == "FATAL" if self.settings.restart else state.died:
                return Death(program.name, state.end)
        return None

    def watch(self) -> str:
        """Block until a process dies, and return the story; empty when the suite was stopped on purpose."""
        try:
            while (death := self.death()) is None:
                if all(state.stopped for name, state in self.control.states().items() if name != "watch"):
                    return ""
                time.sleep(POLL_SECONDS)
        except NotRunning:
            return ""
        return self.story(death)

    def story(self, death: Death) -> str:
        """What happened, and the last lines of that process's log."""
        log = self.settings.logs / f"{death.name}.log"
        return "\n".join([f"{death.name} {death.end}. The end of {log}:", *(f"  {line}" for line in last_lines(log))])

    def _members(self, group: Group) -> list[Program]:
        return [program for program in self.programs if program.group is group]

    def _require_free_ports(self) -> None:
        taken = [
            f"port {port} ({program.name}'s {purpose}) {why}: free it or change {program.setting}"
            for program in self.programs
            for purpose, port in program.ports.items()
            if (why := why_unusable(port, program.host))
        ]
        if taken:
            raise LauncherError("\n".join(taken))

    def _spawn(self) -> None:
        settings, data = self.settings, self.settings.data
        configuration = write_configuration(
            data,
            self.programs,
            settings.restart,
            watch=self._watch,
            environment={"DATA_DIR": str(data)},
        )
        output = settings.logs / "supervisord.out"
        self._daemon = spawn_supervisord(configuration, output)
        deadline = time.monotonic() + 15
        while not self.control.running():
            if self._daemon.poll() is not None or time.monotonic() > deadline:
                raise LauncherError(f"supervisord did not start: {output.read_text().strip()[-1000:]}")
            time.sleep(0.05)

    def _await_health(self, programs: Sequence[Program], deadline: float) -> None:
        waiting = list(programs)
        while True:
            try:
                if (death := self.death(programs)) is not None:
                    raise LauncherError(self.story(death))
            except NotRunning:
                raise LauncherError("the suite was stopped while it was starting") from None
            health = health_of(waiting)
            waiting = [program for program in programs if health.get(program.name, "ok") != "ok"]
            if not waiting:
                return
            if time.monotonic() > deadline:
                raise LauncherError("\n".join(f"{p.name} is not ready: {health[p.name]}" for p in waiting))
            time.sleep(POLL_SECONDS)

    def _await_quiet(self, deadline: float) -> None:
        states = self.control.states()
        if any(states[program.name].died for program in self._members(Group.ENGINES)):
            return None  # nothing can be published now; the outboxes keep it
        began = quiet_since = time.monotonic()
        while (now := time.monotonic()) < deadline:
            if rest := on_the_way(self.programs):
                quiet_since = time.monotonic()
            elif now - quiet_since >= QUIET_SECONDS:
                return self._say(f"all events are published and read ({now - began:.1f} s)")
            time.sleep(POLL_SECONDS)
        return self._say(f"not everything is published and read: {'; '.join(rest or ['it has just become quiet'])}")

    def _await_end(self, daemon: int, seconds: float = 5) -> None:
        deadline = time.monotonic() + seconds
        while psutil.pid_exists(daemon) if self._daemon is None else self._daemon.poll() is None:
            if time.monotonic() > deadline:
                return self._say(f"supervisord (pid {daemon}) has not ended yet")
            self.control.running()  # a question makes it look at once instead of within a second
            time.sleep(0.05)
        return None
