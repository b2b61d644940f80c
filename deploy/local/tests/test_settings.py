"""Wrong settings are named before anything starts; secrets are the owner's alone."""

import base64
import importlib
import json
import os
import re
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from chassis.settings import read_settings
from deploy.local.programs import CONSUMERS, SERVICES, Group, Program, suite_programs
from deploy.local.secrets import NAMES, SecretsExist, kept_secrets, local_secrets, write_environment
from deploy.local.settings import LocalSettings, missing_engines

EXTERNAL = {
    "ENGINES": "external",
    "MONGO_URL": "mongodb://someone:secret%25@db:27017/",
    "KAFKA_BOOTSTRAP_SERVERS": "k1:9092,k2:9092",
}


@pytest.fixture(autouse=True)
def plain_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (*(field.upper() for field in LocalSettings.model_fields), "KAFKA_IDEMPOTENCE"):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.parametrize(
    ("environment", "message"),
    [
        ({"DATA_DIR": __file__}, "setting DATA_DIR: " + __file__ + " is no folder"),
        ({"DATA_DIR": "~nobody-of-that-name/data"}, "setting DATA_DIR: begins with the home of nobody known"),
        ({"DATA_DIR": 'a"b'}, "setting DATA_DIR: must have no quotes"),
        ({"DATA_DIR": "a\nb"}, "setting DATA_DIR: must have no quotes, control characters"),
        ({"DATA_DIR": "a ;b"}, "setting DATA_DIR: must have no quotes, control characters, or ; and # after a space"),
        ({"GATEWAY_PORT": "eighty"}, "setting GATEWAY_PORT: Input should be a valid integer"),
        ({"GATEWAY_PORT": "70000"}, "setting GATEWAY_PORT: Input should be less than or equal to 65535"),
        ({"PORT_BASE": "80"}, "setting PORT_BASE: Input should be greater than or equal to 1024"),
        ({"PORT_BASE": "8050"}, "GATEWAY_PORT must not be one of PORT_BASE's ports, 8050 to 8099"),
        ({"ENGINES": "imaginary"}, "setting ENGINES: Input should be 'embedded', 'real' or 'external'"),
        ({"START_TIMEOUT": "0"}, "setting START_TIMEOUT: Input should be greater than or equal to 1"),
        ({"START_TIMEOUT": "soon"}, "setting START_TIMEOUT: Input should be a valid number"),
        ({"RESTART": "perhaps"}, "setting RESTART: Input should be a valid boolean"),
        ({"FORMAT": "xml"}, "setting FORMAT: Input should be 'text' or 'json'"),
        ({"ENGINES": "external"}, "MONGO_URL and KAFKA_BOOTSTRAP_SERVERS must be given with ENGINES=external"),
        ({**EXTERNAL, "MONGO_URL": ""}, "MONGO_URL must be given with ENGINES=external"),
        ({**EXTERNAL, "KAFKA_BOOTSTRAP_SERVERS": "k1"}, "setting KAFKA_BOOTSTRAP_SERVERS: must be host:port"),
        ({**EXTERNAL, "MONGO_URL": 'mongodb://a:"b"@db'}, "setting MONGO_URL: must have no quotes"),
    ],
)
def test_a_wrong_setting_is_named(
    environment: dict[str, str], message: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(SystemExit) as exit_:
        read_settings(LocalSettings)
    told = capsys.readouterr().err
    assert exit_.value.code == 2
    assert message in told
    assert "secret" not in told


@pytest.mark.parametrize("command", ["start", "run"])
@pytest.mark.parametrize("folder", ["/proc/none", "/proc/none/below", f"{__file__}/below"])
def test_a_data_dir_that_cannot_be_made_is_named(command: str, folder: str) -> None:
    done = launched(command, DATA_DIR=folder)
    assert (done.returncode, done.stdout) == (2, "")
    assert re.fullmatch(r"setting DATA_DIR: \S+: [A-Z][a-z ]+\n", done.stderr)


def test_asking_for_what_does_not_run_makes_nothing(tmp_path: Path) -> None:
    folder = tmp_path / "typo"
    status, stop = launched("status", DATA_DIR=str(folder)), launched("stop", DATA_DIR=str(folder))
    assert (status.returncode, status.stdout) == (3, "it does not run (`make start`, `make run`)\n")
    assert (stop.returncode, stop.stdout) == (0, "it does not run\n")
    told = launched("status", DATA_DIR=str(folder), FORMAT="json")
    assert (told.returncode, json.loads(told.stdout)) == (
        3,
        {"running": False, "healthy": False, "url": "http://127.0.0.1:8080", "processes": []},
    )
    assert not folder.exists()


def launched(word: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "deploy.local", word],
        cwd=Path(__file__).parents[3], env={**os.environ, **environment}, capture_output=True, text=True, check=False,
    )  # fmt: skip


def test_empty_variables_count_as_absent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GATEWAY_PORT", "")
    monkeypatch.setenv("RESTART", "1")
    assert (LocalSettings().gateway_port, LocalSettings().restart) == (8080, True)


def test_embedded_suite_brings_its_engines(tmp_path: Path) -> None:
    programs = suite_programs(LocalSettings(data_dir=tmp_path, port_base=20_000))
    assert [program.name for program in programs] == [
        "mongo", "kafka", "mail", "auth", "users", "tasks", "notify", "gateway"
    ]  # fmt: skip
    assert [dict(program.ports) for program in programs] == [
        {"mongodb": 20_000}, {"kafka": 20_001}, {"smtp": 20_002},
        {"grpc": 20_010, "metrics": 20_011}, {"grpc": 20_020, "metrics": 20_021},
        {"grpc": 20_030, "metrics": 20_031}, {"grpc": 20_040, "metrics": 20_041}, {"http": 8080},
    ]  # fmt: skip
    tasks = _program(programs, "tasks").environment
    assert tasks["KAFKA_IDEMPOTENCE"] == "false"
    assert tasks["KAFKA_BOOTSTRAP_SERVERS"] == "127.0.0.1:20001"
    assert _program(programs, "gateway").environment["TASKS_TARGET"] == "127.0.0.1:20030"
    assert _program(programs, "notify").environment["SMTP_URL"] == "smtp://127.0.0.1:20002"


def test_real_engines_have_a_controller_and_data_of_their_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ENGINES", "real")
    programs = suite_programs(LocalSettings(data_dir=tmp_path, port_base=20_000))
    kafka = _program(programs, "kafka")
    assert dict(kafka.ports) == {"kafka": 20_001, "controller": 20_003}
    assert f"--data={tmp_path / 'real' / 'kafka'}" in kafka.command
    assert str(tmp_path / "real" / "mongo") in _program(programs, "mongo").command
    assert "KAFKA_IDEMPOTENCE" not in _program(programs, "tasks").environment


def test_external_engines_are_used_as_given(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {**EXTERNAL, "REDIS_URL": "redis://cache", "SMTP_URL": "smtp://mail:25"}.items():
        monkeypatch.setenv(name, value)
    programs = suite_programs(LocalSettings(data_dir=tmp_path))
    assert {program.group for program in programs} == {Group.SERVICES, Group.GATEWAY}
    users = _program(programs, "users").environment
    assert (users["MONGO_URL"], users["REDIS_URL"]) == (EXTERNAL["MONGO_URL"], "redis://cache")
    assert "KAFKA_IDEMPOTENCE" not in users
    assert _program(programs, "notify").environment["SMTP_URL"] == "smtp://mail:25"


def test_where_the_engines_have_no_build_it_says_the_other_ways(monkeypatch: pytest.MonkeyPatch) -> None:
    assert missing_engines() == ""
    monkeypatch.setattr("platform.machine", lambda: "aarch64")
    monkeypatch.setattr("platform.system", lambda: "Linux")
    told = missing_engines()
    assert "no build for Linux aarch64 (only for Linux x86_64 and macOS arm64)" in told
    assert "docker compose up" in told
    assert "ENGINES=external" in told


def test_who_reads_events_is_known() -> None:
    consumers = {name for name in SERVICES if importlib.import_module(f"services.{name}.consumers").TOPICS}
    assert consumers == CONSUMERS


def test_only_auth_gets_the_secrets(tmp_path: Path) -> None:
    programs = suite_programs(LocalSettings(data_dir=tmp_path))
    holders = {program.name for program in programs if set(NAMES) & set(program.environment)}
    assert holders == {"auth"}


def test_secrets_are_made_once_and_for_their_owner_only(tmp_path: Path) -> None:
    folder = tmp_path / "data" / "secrets"
    assert kept_secrets(folder) == {}
    made = local_secrets(folder)
    assert made == local_secrets(folder) == kept_secrets(folder)
    assert [len(base64.urlsafe_b64decode(made[name])) for name in NAMES] == [32] * len(NAMES)
    assert len(set(made.values())) == len(NAMES)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()} == {0o600}


def test_composes_environment_is_not_replaced_by_accident(tmp_path: Path) -> None:
    path = tmp_path / ".env"
    write_environment(path, force=False)
    first = path.read_text()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    with pytest.raises(SecretsExist, match="FORCE=1"):
        write_environment(path, force=False)
    assert path.read_text() == first
    write_environment(path, force=True)
    assert path.read_text() != first
    assert [line.partition("=")[0] for line in first.splitlines()[1:]] == list(NAMES)


def _program(programs: list[Program], name: str) -> Program:
    return next(program for program in programs if program.name == name)
