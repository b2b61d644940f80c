"""One run: two of everything behind nginx, a load, every process replaced by turns, and what is left of it all."""

import asyncio
import random
import shutil
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import httpx
import uvloop

from chassis.testing.eventually import eventually
from chassis.testing.http import http_client
from deploy.local.programs import SERVICES
from deploy.local.testing import RunningSuite, running_suite
from tests.rolling.device import Account, Device
from tests.rolling.proxy import nginx
from tests.rolling.settings import RollingSettings
from tests.rolling.twins import GATEWAY, Twins

DEVICES = 16
_SECONDS = 1800.0

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Report:
    """The figures of a run."""

    engines: str
    began: datetime
    seconds: float
    replaced: Counter[str]
    account: Account
    lost: list[str]
    doubled: list[str]

    @property
    def sound(self) -> bool:
        """Whether nobody has noticed."""
        return not (self.account.failed or self.lost or self.doubled)

    def rows(self) -> list[tuple[str, str]]:
        """The figures, named."""
        return [
            ("engines", self.engines),
            ("duration", f"{self.seconds:.0f} s"),
            ("processes replaced", f"{self.replaced.total()}: {_counts(self.replaced)}"),
            ("requests", f"{self.account.total:,}: {_counts(self.account.asked)}"),
            ("**requests failed**", f"**{len(self.account.failed)}**"),
            ("**acknowledged writes lost**", f"**{len(self.lost)}**"),
            ("**tasks that nobody was told of**", f"**{len(self.doubled)}**"),
        ]

    def section(self) -> str:
        """In Markdown, under a heading with the date."""
        rows = [f"| {name} | {value} |" for name, value in self.rows()]
        return "\n".join([f"### {self.began:%Y-%m-%d}, every process replaced", "", "| | |", "|---|---:|", *rows, ""])

    def evidence(self, most: int = 20) -> str:
        """What is wrong; the first of each kind."""
        return "\n".join([*self.account.failed[:most], *self.lost[:most], *self.doubled[:most]])


def _counts(counter: Counter[str]) -> str:
    return ", ".join(f"{name} {count:,}" for name, count in counter.most_common())


def run(settings: RollingSettings, say: Say) -> Report:
    """Replace everything, evenly spread over the requests. A folder that shows why something failed stays."""
    folder = Path(tempfile.mkdtemp(prefix="primetrade-rolling-"))
    twins = Twins(folder)
    with running_suite(folder, twins.change) as suite, nginx(folder, twins.gateways(suite)) as url:
        report = uvloop.run(_replaced(suite, twins, url, settings, say))
    for name, value in report.rows():
        say(f"  {name.strip('*'):<32} {value.strip('*')}")
    if report.sound:
        shutil.rmtree(folder)
    else:
        say(f"{report.evidence()}\nThe data are in {folder}")
    return report


async def _replaced(suite: RunningSuite, twins: Twins, url: str, settings: RollingSettings, say: Say) -> Report:
    began, account, enough = datetime.now(UTC), Account(), asyncio.Event()
    replaced: Counter[str] = Counter()
    await twins.join()
    try:
        start = time.monotonic()
        limits = httpx.Limits(max_connections=None, max_keepalive_connections=DEVICES)
        async with http_client(url, limits=limits) as http:
            devices = [Device(http, account, random.Random(settings.seed + number)) for number in range(DEVICES)]
            await asyncio.gather(*(device.register() for device in devices))
            load = [asyncio.create_task(_use(device, enough)) for device in devices]
            try:
                names = (GATEWAY, *SERVICES) * settings.rounds
                for done, name in enumerate(names):
                    await _asked(account, settings.requests * done // len(names))
                    say(f"{time.monotonic() - start:5.1f} s, {account.total:,} requests: both of {name}")
                    await twins.replace_both(suite, name)
                    replaced[name] += 2
                await _asked(account, settings.requests)
            finally:
                enough.set()
                await asyncio.gather(*load)
            lost, doubled = await _compared(devices)
        seconds = time.monotonic() - start
    finally:
        await twins.leave()
    return Report(suite.suite.settings.engines, began, seconds, replaced, account, lost, doubled)


async def _asked(account: Account, requests: int) -> None:
    await eventually(lambda: account.total >= requests, f"{requests} requests", _SECONDS)


async def _use(device: Device, enough: asyncio.Event) -> None:
    while not enough.is_set():
        await device.ask()


async def _compared(devices: list[Device]) -> tuple[list[str], list[str]]:
    """What was acknowledged and is not there, and what is there that nobody was told of."""
    lost, doubled = [], []
    for device in devices:
        stored = await device.stored()
        told = device.tasks
        lost += [f"{id_} is {stored.get(id_)}, not {task}" for id_, task in told.items() if stored.get(id_) != task]
        doubled += [f"{id_}: {task}" for id_, task in stored.items() if id_ not in told]
    return lost, doubled
