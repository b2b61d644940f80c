"""The logs of all processes read as one stream."""

import io
import json
from pathlib import Path

import pytest

from deploy.local.logs import Follower, Style, last_lines, readable

LINE = {
    "title": "Buy milk", "count": 3, "event": "task_created", "level": "info", "service": "tasks",
    "timestamp": "2026-01-02T10:11:12.345678Z", "traceId": "0" * 32,
}  # fmt: skip


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_json_line_becomes_readable() -> None:
    assert list(readable(json.dumps(LINE), Style(colours=False))) == [
        '10:11:12.345 info    task_created title="Buy milk" count=3'
    ]


def test_a_trace_follows_its_line() -> None:
    rows = list(readable(json.dumps({**LINE, "exception": "Traceback\n  boom"}), Style(colours=False)))
    assert rows[1:] == ["    Traceback", "      boom"]


def test_other_lines_stay_as_they_are() -> None:
    assert [row for line in ("plain", "[1]", '"x"', "{") for row in readable(line, Style(colours=False))] == [
        "plain", "[1]", '"x"', "{"
    ]  # fmt: skip


def test_the_stream_is_prefixed_and_starts_now(tmp_path: Path) -> None:
    log = tmp_path / "tasks.log"
    log.write_text("of the run before\n")
    stream = io.StringIO()
    with Follower({"tasks": log, "gateway": tmp_path / "gateway.log"}, stream) as follower:
        with log.open("a") as file:
            file.write("one\ntwo, not whole yet")
        (tmp_path / "gateway.log").write_text("hello\n")
        follower.say("ready")
    assert sorted(stream.getvalue().splitlines()) == ["gateway │ hello", "tasks   │ one", "» ready"]


def test_the_stream_survives_rotation(tmp_path: Path) -> None:
    log = tmp_path / "tasks.log"
    stream = io.StringIO()
    with Follower({"tasks": log}, stream) as follower:
        log.write_text("one\n")
        follower.pass_on()
        with log.open("a") as file:
            file.write("two\n")
        log.rename(tmp_path / "tasks.log.1")
        log.write_text("three\n")
        follower.pass_on()
        follower.pass_on()
    assert stream.getvalue().splitlines() == ["tasks │ one", "tasks │ two", "tasks │ three"]


def test_colours_are_for_terminals_that_want_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    assert Style.of(Terminal()).colours
    assert not Style.of(io.StringIO()).colours
    monkeypatch.setenv("NO_COLOR", "1")
    assert not Style.of(Terminal()).colours


def test_the_last_lines_of_a_log(tmp_path: Path) -> None:
    log = tmp_path / "tasks.log"
    assert last_lines(log) == ["(no log)"]
    log.write_text("".join(f"{number}\n" for number in range(100)))
    assert last_lines(log, 2) == ["98", "99"]
