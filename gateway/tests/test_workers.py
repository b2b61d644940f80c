"""Several processes on one port: each serves, is counted, comes back, is replaced and drained, and nobody notices."""

import asyncio
import os
import re
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import psutil
import pytest

from chassis.errors import NotFound
from chassis.settings import read_settings
from chassis.testing.eventually import eventually
from chassis.testing.http import http_client
from gateway.settings import Settings
from gateway.tests.test_process import gateway, refused, said, targets
from gateway.tests.upstream import TASK, TASK_ID, Held, Upstream
from gateway.workers.exposition import merged
from gateway.workers.start import work

# Those that share the team run in one process of the tests.
pytestmark = pytest.mark.xdist_group("workers")

_LIMITS = httpx.Limits(max_keepalive_connections=20)
_SECONDS = 240.0
"""A worker takes two seconds to start, on a machine that has nothing else to do."""
TASK_PATH = f"/api/v1/tasks/{TASK_ID}"
WORKERS = {"GATEWAY_PORT": "0", "GATEWAY_WORKERS": "2", "GATEWAY_RATE_LIMIT_DISABLED": "1", "START_PATIENCE": "0"}


class Team:
    """A gateway with two workers, and a person who asks it."""

    def __init__(self, process: asyncio.subprocess.Process, url: str, token: str) -> None:
        self.process, self.url = process, url
        self._headers = {"authorization": f"Bearer {token}"}

    def client(self, limits: httpx.Limits = _LIMITS) -> httpx.AsyncClient:
        """A client with connections of its own."""
        return http_client(self.url, headers=self._headers, limits=limits)

    @property
    def pids(self) -> set[int]:
        """The workers' process ids."""
        return {child.pid for child in psutil.Process(self.process.pid).children()}

    async def asked_by_many(self, path: str, times: int = 32) -> list[int]:
        """The statuses of so many requests at once, each over a connection of its own."""

        async with self.client(httpx.Limits(max_keepalive_connections=0)) as client:
            answers = await asyncio.gather(*(client.get(path) for _ in range(times)))
        return [answer.status_code for answer in answers]

    async def numbers(self, metric: str, labels: str = "") -> dict[str, float]:
        """What each worker says of a metric, by its number."""
        page = await eventually(self._page, "both workers tell in time", _SECONDS)
        found = re.findall(rf'^{metric}{{{labels}.*worker="(\d+)"}} (\S+)$', page, re.MULTILINE)
        return {worker: float(value) for worker, value in found}

    async def _page(self) -> str:
        async with self.client() as client:
            page = (await client.get("/metrics")).text
        return page if page.count("primetrade_build_info{") == 2 else ""

    async def whole(self) -> None:
        """Return when two workers serve."""

        async def both() -> bool:
            served = await self.numbers("primetrade_http_request_duration_seconds_count", '.*route="/healthz"')
            return set(await self.asked_by_many("/healthz")) == {200} and len(served) == len(self.pids) == 2

        await eventually(both, "two workers serve", _SECONDS)


@asynccontextmanager
async def running(token: str, upstream: Upstream, **variables: str) -> AsyncIterator[Team]:
    async with gateway(**WORKERS, **targets(upstream), **variables) as process:
        listening = await said(process, "http_listening")
        assert listening["workers"] == 2
        team = Team(process, f"http://127.0.0.1:{listening['port']}", token)
        await eventually(lambda: _is_ready(team), "the first worker is ready", _SECONDS)
        await team.whole()
        assert process.stdout is not None
        reading = asyncio.create_task(process.stdout.read())  # else its log would fill the pipe
        yield team
        if process.returncode is None:
            process.kill()
        await reading


@pytest.fixture(scope="module")
async def team(token: str, services: Upstream) -> AsyncIterator[Team]:
    async with running(token, services, DRAIN_NOTICE="0.5") as team:
        yield team


@pytest.mark.slow
async def test_a_worker_that_is_killed_comes_back_while_the_other_serves(team: Team, upstream: Upstream) -> None:
    before = team.pids
    victim = min(before)
    os.kill(victim, signal.SIGKILL)
    await eventually(lambda: victim not in team.pids, "it is dead")
    assert set(await team.asked_by_many(TASK_PATH)) == {200}
    await team.whole()
    assert len(team.pids & before) == 1


@pytest.mark.slow
async def test_every_worker_is_measured_apart(team: Team, upstream: Upstream) -> None:
    await team.whole()
    assert set(await team.numbers("primetrade_build_info")) == {"1", "2"}
    memory = await team.numbers("process_resident_memory_bytes")
    assert len(memory) == 2
    assert all(value > 10_000_000 for value in memory.values())

    async def served() -> float:
        labels = 'method="GET",route="/api/v1/tasks/{task_id}",status="404"'
        return sum((await team.numbers("primetrade_http_request_duration_seconds_count", labels)).values())

    upstream.answer("GetTask", NotFound("task", TASK_ID))
    before = await served()
    assert set(await team.asked_by_many(TASK_PATH, 20)) == {404}
    assert await served() == before + 20


@pytest.mark.slow
async def test_sighup_replaces_every_worker_and_no_request_fails(team: Team, upstream: Upstream) -> None:
    await team.whole()
    before, enough = team.pids, asyncio.Event()

    async def use() -> list[int]:
        statuses = []
        async with team.client() as client:
            while not enough.is_set():
                statuses.append((await client.get(TASK_PATH)).status_code)
                statuses.append((await client.post("/api/v1/tasks", json={"title": "x"})).status_code)
                statuses.append((await client.get("/readyz")).status_code)
        return statuses

    using = [asyncio.create_task(use()) for _ in range(6)]
    team.process.send_signal(signal.SIGHUP)
    try:
        await eventually(lambda: team.pids.isdisjoint(before) and len(team.pids) == 2, "all of them are new", _SECONDS)
    finally:
        enough.set()
    statuses = [status for used in await asyncio.gather(*using) for status in used]
    assert set(statuses) == {200, 201}
    assert await team.numbers("primetrade_build_info")


@pytest.mark.slow
async def test_sigterm_drains_every_worker(token: str, upstream: Upstream) -> None:
    async with running(token, upstream, DRAIN_NOTICE="0") as team:
        held = Held(TASK)
        upstream.answer("GetTask", held)
        asking = []

        async def everywhere() -> bool:
            asking.append(asyncio.create_task(team.asked_by_many(TASK_PATH, 8)))
            in_hand = await team.numbers("primetrade_upstream_in_flight", 'service="tasks"')
            return len([count for count in in_hand.values() if count]) == 2

        await eventually(everywhere, "both workers have requests in flight", _SECONDS)
        await eventually(lambda: len(upstream.received["GetTask"]) == 8 * len(asking), "all are in flight")
        team.process.send_signal(signal.SIGTERM)
        await eventually(lambda: refused(team.url), "the gateway accepts nothing new")
        held.go.set()
        assert {status for answers in await asyncio.gather(*asking) for status in answers} == {200}
        assert await asyncio.wait_for(team.process.wait(), 60) == 0


@pytest.mark.slow
async def test_workers_end_with_their_parent() -> None:
    async with gateway(**WORKERS) as process:
        await said(process, "worker_serves")
        children = psutil.Process(process.pid).children()
        assert len(children) == 2
        process.kill()
        await eventually(lambda: not any(child.is_running() for child in children), "the workers have ended", _SECONDS)


@pytest.mark.slow
async def test_workers_that_cannot_start_end_the_parent(tmp_path: Path) -> None:
    folder = tmp_path / ("x" * 100)  # no socket may have so long a path (unix(7))
    folder.mkdir()
    async with gateway(**WORKERS, TMPDIR=str(folder)) as process:
        failure = await said(process, "background_task_ended")
        assert "ended with status 1 before it served" in str(failure["error"])
        assert await asyncio.wait_for(process.wait(), 60) == 1


@pytest.mark.parametrize("words", [(), ("/nowhere", "1", "none", "none"), ("/nowhere", "1", "99999", "99999")])
async def test_only_a_parent_starts_workers(words: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        await work(Settings(), words)
    assert ended.value.code == 2
    assert capsys.readouterr().err.startswith("usage: python -m gateway worker FOLDER")


@pytest.mark.parametrize("value", ["0", "-1", "1000", "abc", "1.5", ""])
def test_a_wrong_number_of_workers_is_named(
    value: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("GATEWAY_WORKERS", value)
    with pytest.raises(SystemExit) as ended:
        read_settings(Settings)
    assert ended.value.code == 2
    assert capsys.readouterr().err.startswith("setting GATEWAY_WORKERS: ")


def test_pages_are_merged_family_by_family() -> None:
    page = b'# HELP a One\n# TYPE a counter\na{worker="%d"} 1.0\n# HELP b Two\n# TYPE b gauge\n'
    assert merged([page % 1, b"", page % 2]) == (
        b'# HELP a One\n# TYPE a counter\na{worker="1"} 1.0\na{worker="2"} 1.0\n# HELP b Two\n# TYPE b gauge\n'
    )


async def _is_ready(team: Team) -> bool:
    async with team.client() as client:
        try:
            return (await client.get("/readyz")).status_code == 200
        except httpx.TransportError:
            return False
