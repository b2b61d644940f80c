"""One run: a suite of its own, the load on it, the plan of faults, quiet, and the verdict."""

import asyncio
import contextlib
import logging
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from deploy.local.testing import RunningSuite, running_suite
from tests.chaos.checker import check
from tests.chaos.evidence import gather, keep
from tests.chaos.faults import Faults
from tests.chaos.history import History
from tests.chaos.load import Load
from tests.chaos.poison import poisoner
from tests.chaos.quiet import quiet
from tests.chaos.report import Report
from tests.chaos.schedule import planned
from tests.chaos.slow import SlowBroker, slow_broker
from tests.chaos.surroundings import Surroundings

QUIET_SECONDS = 180.0

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Trial:
    """What is tried: so many kills, in an order that follows from the seed, under a load of so many people. `pause` is
    the mean of seconds between two writes of a device."""

    seed: int
    kills: int
    people: int
    pause: float

    def run(self, say: Say) -> Report:
        """Break a suite and judge it, saying every step, the figures, and the evidence.

        A folder that shows why a promise was broken stays: data and logs of the suite, what the clients were told
        (`history.jsonl`), what was done to whom when (`faults.log`), what there was at the end (`observed.jsonl`).
        """
        folder = Path(tempfile.mkdtemp(prefix="primetrade-chaos-"))
        say(f"SEED={self.seed} KILLS={self.kills}, data in {folder}")
        with (
            _client_log(folder / "kafka-client.log"),
            slow_broker(folder, self.seed) as slow,
            running_suite(folder, Surroundings(slow).change, restart=True) as suite,
        ):
            report = asyncio.run(self._broken(suite, slow, say))
        say(report.table())
        if report.sound:
            shutil.rmtree(folder)
        else:
            say(f"{report.evidence()}\nThe data are in {folder}")
        return report

    async def _broken(self, suite: RunningSuite, slow: SlowBroker, say: Say) -> Report:
        began, start = datetime.now(UTC), time.monotonic()
        with (suite.data / "history.jsonl").open("w") as journal, (suite.data / "faults.log").open("w") as log:
            history = History(journal=journal)

            def told(what: str) -> None:
                print(f"{time.monotonic():.3f} {what}", file=log, flush=True)

            async with poisoner(suite.kafka_bootstrap_servers, self.seed) as poison:
                faults = Faults(suite, poison, slow, told)
                await self._under_load(suite, history, faults, say)
        left = await quiet(suite, QUIET_SECONDS)
        observed = await gather(suite.mongo_url, suite.kafka_bootstrap_servers, suite.data / "mail")
        report = Report(
            seed=self.seed,
            engines=suite.suite.settings.engines,
            began=began,
            seconds=time.monotonic() - start,
            killed=faults.killed,
            faults=faults.done,
            verdict=check(history, observed),
            left=left,
        )
        if not report.sound:
            keep(observed, suite.data / "observed.jsonl")
        return report

    async def _under_load(self, suite: RunningSuite, history: History, faults: Faults, say: Say) -> None:
        stop = asyncio.Event()
        load = asyncio.create_task(Load(suite.url, history, self.seed, self.people, self.pause).run(stop))
        try:
            broker = suite.suite.settings.engines != "embedded"
            for number, round_ in enumerate(planned(self.seed, self.kills, broker), 1):
                say(f"{number}: {round_}")
                await faults.play(round_)
        finally:
            stop.set()
            await load
        await faults.whole()


@contextlib.contextmanager
def _client_log(path: Path) -> Iterator[None]:
    """What our own Kafka clients say of a broker that is away goes into a file instead of between the figures."""
    client, handler = logging.getLogger("aiokafka"), logging.FileHandler(path)
    client.addHandler(handler)
    client.propagate = False
    try:
        yield
    finally:
        client.propagate = True
        client.removeHandler(handler)
        handler.close()
