"""The launcher starts, watches and stops a suite in order (with stand-ins for its processes)."""

import json
import os
import re
import signal
import socket
import stat
import sys
import threading
from pathlib import Path

import psutil
import pytest

from chassis.testing.eventually import eventually
from deploy.local.configuration import SOCKET_PATH_LIMIT, socket_path
from deploy.local.control import NotRunning
from deploy.local.status import as_json, as_text, status_lines
from deploy.local.suite import LauncherError
from deploy.local.testing import free_settings
from deploy.local.tests.stand_ins import StandIns


def test_starts_engines_first_and_stops_them_last(stand_ins: StandIns) -> None:
    stand_ins.suite.start()
    assert [line.health for line in status_lines(stand_ins.suite)] == ["ok"] * 4
    pids = [line.pid for line in status_lines(stand_ins.suite)]
    stand_ins.suite.stop()
    assert [step.split()[:2] for step in stand_ins.said] == [
        ["starting", "engines:"], ["starting", "services:"], ["starting", "gateway:"],
        ["stopping", "gateway:"], ["all", "events"], ["stopping", "services:"], ["stopping", "engines:"],
        ["stopped", "in"],
    ]  # fmt: skip
    journal = stand_ins.journal()
    assert (journal[0], sorted(journal[1:3]), journal[3]) == ("gateway", ["reader", "writer"], "engine")
    assert not any(psutil.pid_exists(pid) for pid in pids)
    assert not stand_ins.suite.control.running()


async def test_services_stop_only_when_everything_is_read(stand_ins: StandIns) -> None:
    stand_ins.suite.start()
    backlog = stand_ins.folder / "reader.backlog"
    backlog.write_text("3.0")
    stopping = threading.Thread(target=stand_ins.suite.stop)
    stopping.start()
    await eventually(lambda: "gateway" in stand_ins.journal(), "the gateway is told to stop")
    before = stand_ins.journal()
    backlog.write_text("0.0")
    stopping.join()
    assert before == ["gateway"]
    assert len(stand_ins.journal()) == 4


def test_a_backlog_that_stays_is_named_and_does_not_hold_the_stop(
    stand_ins: StandIns, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("deploy.local.suite.QUIET_BEFORE", 1.0)
    stand_ins.suite.start()
    (stand_ins.folder / "reader.backlog").write_text("3.0")
    stand_ins.suite.stop()
    assert any("reader has 3 records to read" in step for step in stand_ins.said)
    assert len(stand_ins.journal()) == 4


def test_a_dead_process_is_named_with_the_end_of_its_log(stand_ins: StandIns) -> None:
    stand_ins.suite.start()
    os.kill(stand_ins.suite.control.states()["writer"].pid, signal.SIGKILL)
    story = stand_ins.suite.watch()
    assert re.match(r"writer was killed\. The end of .*/writer\.log:\n  10:00:00\.123 info +serving a=1", story)


async def test_in_the_background_a_dead_process_takes_the_suite_down(stand_ins: StandIns) -> None:
    stand_ins.suite.start(watched=True)
    os.kill(stand_ins.suite.control.states()["writer"].pid, signal.SIGKILL)
    await eventually(lambda: not stand_ins.suite.control.running(), "the suite is down")
    assert sorted(stand_ins.journal()) == ["engine", "gateway", "reader"]


async def test_with_restart_a_dead_process_is_started_again(tmp_path: Path) -> None:
    made = StandIns(tmp_path, free_settings(tmp_path / "data", restart=True))
    try:
        made.suite.start()
        first = made.suite.control.states()["writer"].pid
        os.kill(first, signal.SIGKILL)

        def again() -> bool:
            return made.suite.control.states()["writer"].pid not in (0, first) and made.suite.death() is None

        await eventually(again, "the writer runs again")
    finally:
        made.suite.stop()


async def test_with_restart_a_process_that_fails_again_and_again_is_waited_for(tmp_path: Path) -> None:
    made = StandIns(tmp_path, free_settings(tmp_path / "data", restart=True))
    writer = made.programs[2]
    lasting = "import time; print('began', flush=True); time.sleep(1.2)"
    object.__setattr__(writer, "command", (sys.executable, "-S", "-c", lasting))
    object.__setattr__(writer, "ports", made.programs[0].ports)  # it seems well: the engine accepts connections there
    try:
        made.suite.start()
        log = made.settings.logs / "supervisord.log"
        backed_off = r"exited: writer .*\n(?:.*\n)*?.*spawned: 'writer'.*\n(?:.*\n)*?.*exited: writer"
        await eventually(lambda: re.search(backed_off, log.read_text()), "the writer failed twice")
        assert "success: writer" not in log.read_text()
        await eventually(lambda: made.suite.control.states()["writer"].name == "BACKOFF", "it is waited for")
    finally:
        made.suite.stop()


def test_a_data_dir_may_have_any_sign_that_supervisor_gives_a_meaning(tmp_path: Path) -> None:
    folder = tmp_path / "100% %(x)s %%s#;y"
    folder.mkdir()
    made = StandIns(folder, free_settings(folder / "data%d"))
    try:
        made.suite.start(watched=True)
        assert {line.health for line in status_lines(made.suite)} == {"ok"}
        assert "serving" in (made.settings.logs / "writer.log").read_text()
        assert (made.settings.logs / "watch.log").exists()
    finally:
        made.suite.stop()


def test_a_process_can_be_killed_and_restarted_alone(stand_ins: StandIns) -> None:
    stand_ins.suite.start()
    first = stand_ins.suite.control.states()["writer"].pid
    stand_ins.suite.restart("writer")
    second = stand_ins.suite.control.states()["writer"].pid
    os.kill(second, signal.SIGKILL)
    stand_ins.suite.restart("writer")
    assert len({first, second, stand_ins.suite.control.states()["writer"].pid}) == 3


def test_a_taken_port_is_named_with_the_setting_that_moves_it(stand_ins: StandIns) -> None:
    with socket.create_server(("127.0.0.1", stand_ins.settings.gateway_port)), pytest.raises(LauncherError) as error:
        stand_ins.suite.start()
    port = stand_ins.settings.gateway_port
    assert str(error.value) == f"port {port} (gateway's http) is taken: free it or change GATEWAY_PORT"
    with pytest.raises(NotRunning):
        stand_ins.suite.control.states()


def test_what_is_not_ready_in_time_is_named(stand_ins: StandIns) -> None:
    (stand_ins.folder / "degraded").write_text("users")
    stand_ins.suite.settings = stand_ins.suite.settings.model_copy(update={"start_timeout": 5})
    with pytest.raises(LauncherError, match=r"^gateway is not ready: degraded: users$"):
        stand_ins.suite.start()


def test_a_process_that_dies_while_starting_is_named(stand_ins: StandIns) -> None:
    broken = stand_ins.programs[1]
    object.__setattr__(broken, "command", (*broken.command, "--unknown"))
    with pytest.raises(LauncherError, match=r"(?s)reader ended with status 2.*--unknown"):
        stand_ins.suite.start()


def test_a_command_that_is_not_there_is_named(stand_ins: StandIns) -> None:
    object.__setattr__(stand_ins.programs[0], "command", ("/no/such/program",))
    with pytest.raises(LauncherError, match=r"engine: .*/no/such/program"):
        stand_ins.suite.start()


def test_status_for_people_and_for_scripts(stand_ins: StandIns) -> None:
    assert status_lines(stand_ins.suite) == []
    stand_ins.suite.start()
    lines = status_lines(stand_ins.suite)
    base = stand_ins.settings.port_base
    assert re.search(rf"^reader +running +\d+ +http:{base + 10} metrics:{base + 10} +ok$", as_text(lines), re.MULTILINE)
    told = json.loads(as_json(lines, stand_ins.settings.url))
    assert (told["running"], told["healthy"], told["url"]) == (True, True, stand_ins.settings.url)
    assert told["processes"][3] | {"pid": 0} == {
        "name": "gateway", "state": "running", "pid": 0, "ports": {"http": base + 50}, "health": "ok"
    }  # fmt: skip


def test_supervisors_files_are_for_their_owner_only(stand_ins: StandIns) -> None:
    stand_ins.suite.start()
    run = stand_ins.settings.data / "run"
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in (run, run / "supervisord.conf")}
    assert modes == {"run": 0o700, "supervisord.conf": 0o600}
    assert stat.S_IMODE(socket_path(stand_ins.settings.data).stat().st_mode) == 0o600


def test_a_long_data_dir_gets_a_short_socket(tmp_path: Path) -> None:
    deep = tmp_path / ("a" * 120)
    assert len(os.fsencode(socket_path(deep))) <= SOCKET_PATH_LIMIT
    assert socket_path(deep) != socket_path(deep / "other")
