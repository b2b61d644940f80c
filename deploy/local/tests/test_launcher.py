"""The commands, with the real processes: in the foreground until Ctrl-C, and in the background."""

import asyncio
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest

from chassis.testing.eventually import eventually
from chassis.testing.http import http_client
from deploy.local.demo.client import Api
from deploy.local.testing import free_settings

pytestmark = [pytest.mark.slow, pytest.mark.e2e, pytest.mark.xdist_group("suite")]

ROOT = Path(__file__).resolve().parents[3]
PROCESSES = ["mongo", "kafka", "mail", "auth", "users", "tasks", "notify", "gateway"]


class Launcher:
    """`python -m deploy.local …` on ports and data of its own."""

    def __init__(self, folder: Path) -> None:
        settings = free_settings(folder / "data")
        self.data, self.url = settings.data, settings.url
        ports = {"GATEWAY_PORT": str(settings.gateway_port), "PORT_BASE": str(settings.port_base)}
        self.environment = {**os.environ, **ports, "DATA_DIR": str(self.data), "START_TIMEOUT": "240"}

    def command(self, word: str, **environment: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [sys.executable, "-m", "deploy.local", word],
            cwd=ROOT, env={**self.environment, **environment}, capture_output=True, text=True, check=False,
        )  # fmt: skip

    def succeeds(self, word: str) -> None:
        done = self.command(word)
        assert done.returncode == 0, done.stdout + done.stderr

    @contextmanager
    def foreground(self, **options: Any) -> Iterator["subprocess.Popen[str]"]:
        """`run`, in a session of its own; killed if it still runs at the end."""
        with subprocess.Popen(
            [sys.executable, "-m", "deploy.local", "run"],
            cwd=ROOT, env=self.environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            start_new_session=True, **options,
        ) as process:  # fmt: skip
            try:
                yield process
            finally:
                process.kill()


@pytest.fixture
def launcher(tmp_path: Path) -> Iterator[Launcher]:
    made = Launcher(tmp_path)
    yield made
    made.command("stop")


async def test_in_the_foreground_until_ctrl_c(launcher: Launcher) -> None:
    lines: list[str] = []
    with launcher.foreground(preexec_fn=_without_job_control) as process:
        reader = threading.Thread(target=lambda: lines.extend(process.stdout or ()))
        reader.start()
        await eventually(lambda: any("is ready" in line for line in lines) or process.poll() is not None, "ready", 240)
        assert process.poll() is None, "".join(lines)
        children = psutil.Process(process.pid).children(recursive=True)
        os.killpg(process.pid, signal.SIGINT)  # what a terminal does at Ctrl-C
        status = process.wait(60)
        reader.join()
    text = "".join(lines)
    assert status == 0, text
    assert f"API    {launcher.url}/api/v1" in text
    assert f"Docs   {launcher.url}/docs" in text
    assert any(line.startswith("tasks   │ ") and "serving" in line for line in lines)
    steps = [
        "» stopping gateway",
        "» all events are published",
        "» stopping services",
        "» stopping engines",
        "» stopped",
    ]
    places = [text.index(step) for step in steps]
    assert places == sorted(places)
    assert not [child for child in children if child.is_running()]


def _without_job_control() -> None:
    """What a shell without job control does to what stands before an &."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


async def test_in_the_background(launcher: Launcher) -> None:
    launcher.succeeds("start")
    async with http_client(launcher.url) as http:
        assert (await http.get("/readyz")).json() == {"status": "ready", "degraded": []}
        await twenty_completed_tasks(http)
    launcher.succeeds("stop")  # the broker, and what nobody had read from it, is gone
    launcher.succeeds("start")
    async with http_client(launcher.url) as http:
        await find_them_told(http)

    again = launcher.command("start")
    assert (again.returncode, "it already runs" in again.stdout) == (0, True)
    foreground = launcher.command("run")
    assert (foreground.returncode, "it already runs" in foreground.stderr) == (1, True)

    told = json.loads(launcher.command("status", FORMAT="json").stdout)
    assert [process["name"] for process in told["processes"]] == PROCESSES
    assert {process["health"] for process in told["processes"]} == {"ok"}
    pids = {process["name"]: process["pid"] for process in told["processes"]}

    os.kill(pids["tasks"], signal.SIGKILL)
    await eventually(lambda: not any(psutil.pid_exists(pid) for pid in pids.values()), "the suite is down")
    status = launcher.command("status")
    assert status.returncode == 3
    assert "The last time, tasks was killed." in status.stdout
    assert "it does not run" in launcher.command("stop").stdout


ADA = {"email": "ada@example.com", "password": "analytical engine 1843"}


async def twenty_completed_tasks(http: httpx.AsyncClient) -> None:
    """Somebody registers and does much at once, right before the suite is stopped."""
    ada = Api(http).signed_in((await Api(http).post("/auth/register", {"name": "Ada", **ADA}))["accessToken"])
    tasks = await asyncio.gather(*(ada.post("/tasks", {"title": f"Task {number}"}) for number in range(20)))
    await asyncio.gather(*(ada.post(f"/tasks/{task['id']}/complete", status=200) for task in tasks))


async def find_them_told(http: httpx.AsyncClient) -> None:
    """The tasks are there, and so is all that was to be told of them."""
    ada = Api(http).signed_in((await Api(http).post("/auth/login", ADA, status=200))["accessToken"])
    assert (await ada.get("/tasks", {"status": "completed"}))["total"] == 20

    async def all_told() -> bool:
        return int((await ada.get("/notifications"))["unread"]) == 21

    await eventually(all_told, "a welcome and 20 completed tasks in the inbox")
