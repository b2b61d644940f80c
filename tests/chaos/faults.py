"""Breaking a running suite, a round of the plan at a time, and waiting until it is whole again."""

import asyncio
import contextlib
import os
import signal
from collections import Counter
from collections.abc import Callable

from chassis.testing.eventually import eventually
from deploy.local.probes import health_of
from deploy.local.testing import RunningSuite
from tests.chaos.guest import SecondProcess
from tests.chaos.poison import Poisoner
from tests.chaos.schedule import Guest, Round
from tests.chaos.slow import SlowBroker, Slowness
from tests.chaos.surroundings import SESSION_SECONDS

WHOLE_SECONDS = 240.0
"""Until every process is well after a round: so long that only a defect takes longer, even on a busy machine."""
OVERSLEPT = 1.3
"""So many sessions long is a process frozen."""
SLOW_SECONDS = 8.0
"""For so long is the broker slow: longer than a producer waits for an answer."""


class Faults:
    """Does to the suite what a round says. `done` counts what was done, `told` hears of it."""

    def __init__(
        self, suite: RunningSuite, poisoner: Poisoner, broker: SlowBroker, told: Callable[[str], None]
    ) -> None:
        self.killed: Counter[str] = Counter()
        self.done: Counter[str] = Counter()
        self._suite, self._poisoner, self._broker, self._told = suite, poisoner, broker, told

    async def play(self, round_: Round) -> None:
        """Let everything of a round happen, and return when every process is well. Raises AssertionError otherwise."""
        await asyncio.sleep(round_.calm)
        async with asyncio.TaskGroup() as faults:
            if round_.slow is not None:
                faults.create_task(self._slow(round_.slow))
            if round_.frozen:
                faults.create_task(self._freeze(round_.frozen))
            if round_.guest is not None:
                faults.create_task(self._visit(round_.guest))
            faults.create_task(self._poison(round_.poison))
            faults.create_task(self._kill(round_))
        await self.whole()

    async def whole(self) -> None:
        """Return when every process is well. Raises AssertionError, naming those that are not."""
        unwell: dict[str, str] = {}

        async def well() -> bool:
            await asyncio.sleep(0.3)
            health = await asyncio.to_thread(health_of, self._suite.suite.programs)
            unwell.clear()
            unwell.update({name: state for name, state in health.items() if state != "ok"})
            return not unwell

        try:
            await eventually(well, "every process well", WHOLE_SECONDS)
        except AssertionError as error:
            raise AssertionError(f"{error}: {unwell}") from None

    async def _kill(self, round_: Round) -> None:
        for victim in round_.victims:
            await self._signalled(victim, signal.SIGKILL)
            self.killed[victim] += 1
            await asyncio.sleep(round_.apart)

    async def _freeze(self, name: str) -> None:
        """Stop a process for longer than its session lasts. It may be killed meanwhile, or before."""
        pid = await self._signalled(name, signal.SIGSTOP)
        try:
            await asyncio.sleep(OVERSLEPT * SESSION_SECONDS)
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)
                self._told(f"SIGCONT {name} ({pid})")
        self.done["frozen"] += 1

    async def _slow(self, slowness: Slowness) -> None:
        self._told(f"{slowness.name} broker")
        await self._broker.slow(slowness, SLOW_SECONDS)
        self.done[f"{slowness.name.lower()} broker"] += 1

    async def _visit(self, guest: Guest) -> None:
        log = self._suite.data / "logs" / f"second-{guest.service}.log"
        second = SecondProcess(self._suite.suite.program(guest.service), log)
        number: signal.Signals = signal.SIGKILL
        try:
            await second.join()
            self._told(f"a second {guest.service} joined")
            await asyncio.sleep(guest.stays)
            number = guest.leaves
        finally:
            await second.leave(number)
            self._told(f"{number.name} the second {guest.service}")
        self.done[f"second {guest.service}"] += 1

    async def _poison(self, count: int) -> None:
        for _ in range(count):
            written = await self._poisoner.write()
            self.done["poison" if written else "poison not acknowledged"] += 1

    async def _signalled(self, name: str, number: signal.Signals) -> int:
        """The id of the process that got the signal, once there was one."""

        async def sent() -> int:
            # The supervisor says 0 while it starts the next one, and 0 would be our own group.
            pid = await asyncio.to_thread(self._suite.pid, name)
            if pid:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, number)
                    return pid
            return 0

        pid = await eventually(sent, f"{name} to signal", WHOLE_SECONDS)
        self._told(f"{number.name} {name} ({pid})")
        return pid
