"""Both sides, started on the same engines, loaded with the same data, warmed up and measured in turn."""

import asyncio
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pymongo

from benchmarks.gateway.arms import counted
from benchmarks.monolith.collector import collecting
from benchmarks.monolith.operations import OPERATIONS
from benchmarks.monolith.peer import Peer, running_peer
from benchmarks.monolith.people import Document, peer_document, populated, suite_document
from benchmarks.monolith.processes import Processes, Seconds
from benchmarks.monolith.settings import WARM_UP, BenchSettings
from benchmarks.monolith.sides import PEER, SUITE, Side
from benchmarks.monolith.vegeta import Failed
from benchmarks.rounds import Rounds, interleaved
from chassis.testing.http import http_client
from chassis.testing.tools.cache import ToolError
from deploy.local.probes import on_the_way
from deploy.local.programs import Program
from deploy.local.testing import Change, LauncherError, RunningSuite, running_suite

MONGO, KAFKA = "mongo", "kafka"
OURS = ("gateway", "auth", "users", "tasks", "notify")
WENT_WRONG = (Failed, LauncherError, ToolError)
"""What ends a run with its own word for it."""
_A_DAY = str(24 * 3600)

Measured = Mapping[str, Rounds]
"""The rounds of both sides, by what was measured: the operation and how many at once."""


@dataclass(frozen=True, slots=True)
class Found:
    """All that a run found."""

    measured: Measured
    idle: Mapping[str, Seconds]
    peak: Mapping[str, Mapping[str, float]]
    """MiB."""


def name_of(operation: str, at_once: int) -> str:
    """What a measure is called."""
    return f"{operation} c={at_once}"


def in_production(programs: Sequence[Program]) -> Sequence[Program]:
    """A change of a suite: as in production, but that its limits are out of reach and a token is good for a day."""
    told = {"auth": {"ACCESS_TOKEN_SECONDS": _A_DAY}}
    return [program.told(told.get(program.name, {})) for program in counted(programs)]


async def run(settings: BenchSettings, folder: Path, change: Change = in_production) -> Found:
    """The whole run, its data and logs in `folder`. Raises Failed, LauncherError or ToolError."""
    async with both(settings, folder, change) as sides:
        await _warm_up(sides, settings)
        for side in sides:
            await side.rest()
        measured = {}
        for operation, at_once in settings.plan:
            told(f"{OPERATIONS[operation].title}, {at_once} at once")
            measured[name_of(operation, at_once)] = await _in_turn(sides, operation, at_once, settings)
        return Found(measured, {side.name: side.idle for side in sides}, {side.name: side.peak for side in sides})


def told(step: str) -> None:
    """Say where the run is."""
    print(f"{time.strftime('%H:%M:%S')} {step}", flush=True)


@asynccontextmanager
async def both(settings: BenchSettings, folder: Path, change: Change) -> AsyncIterator[Sequence[Side]]:
    """Both sides, ready to be asked."""
    told("starting the suite, its engines and the peer")
    for name in (SUITE, PEER):
        folder.joinpath(name).mkdir(parents=True)
    with (
        collecting() as traces,
        running_suite(folder / SUITE, change, otlp_endpoint=traces) as suite,
        running_peer(suite.mongo_url, folder / PEER) as peer,
    ):
        yield await _sides(settings, folder, suite, peer)


async def _sides(settings: BenchSettings, folder: Path, suite: RunningSuite, peer: Peer) -> Sequence[Side]:
    sizes = settings.people, settings.tasks, settings.seed
    mongo: pymongo.MongoClient[Document] = pymongo.MongoClient(suite.mongo_url, uuidRepresentation="standard")
    with mongo:
        async with http_client(suite.url) as ours, http_client(peer.url) as theirs:
            told(f"registering {settings.people} people with the suite, {settings.tasks} tasks each")
            known = await populated(ours, mongo["tasks"]["tasks"], suite_document, *sizes)
            told("and with the peer")
            known_to_peer = await populated(theirs, mongo[peer.database]["tasks"], peer_document, *sizes)
    engines = {MONGO: suite.pid(MONGO)}
    processes = {**{name: suite.pid(name) for name in OURS}, **engines, KAFKA: suite.pid(KAFKA)}
    programs = suite.suite.programs

    async def quiet() -> bool:
        return not await asyncio.to_thread(on_the_way, programs)

    return (
        Side(SUITE, suite.url, known, Processes.of(processes), folder / SUITE, quiet),
        Side(PEER, peer.url, known_to_peer, Processes.of({PEER: peer.pid, **engines}), folder / PEER),
    )


async def _warm_up(sides: Sequence[Side], settings: BenchSettings) -> None:
    """Compilers and caches first meet what is asked most."""
    told("warming up")
    for side in sides:
        for operation in ("mix", "me"):
            await side.measured(operation, 8, max(settings.requests, settings.people), settings.seed)


async def _in_turn(sides: Sequence[Side], operation: str, at_once: int, settings: BenchSettings) -> Rounds:
    seeds = {side.name: iter(range(settings.seed, settings.seed + settings.rounds + 1)) for side in sides}

    async def measured(side: Side, requests: int) -> Mapping[str, float]:
        return await side.measured(operation, at_once, requests, next(seeds[side.name]))

    many = max(settings.requests // OPERATIONS[operation].fraction, 8)
    few = max(many // WARM_UP, 8)
    await interleaved({f"{side.name}, warming up": partial(measured, side, few) for side in sides}, 1)
    return await interleaved({side.name: partial(measured, side, many) for side in sides}, settings.rounds)
