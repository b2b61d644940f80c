"""The launcher: `python -m deploy.local run|start|stop|status|tail|dlq|secrets` (as the Makefile's targets)."""

import os
import signal
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from chassis.settings import read_settings
from chassis.testing.tools.cache import ToolError
from deploy.local.dead_letters import dead_letters
from deploy.local.logs import Follower
from deploy.local.programs import Secrets, kafka_bootstrap_servers, suite_programs
from deploy.local.secrets import SecretsExist, kept_secrets, local_secrets, write_environment
from deploy.local.settings import LocalSettings, missing_engines
from deploy.local.status import as_json, as_text, status_lines
from deploy.local.suite import LauncherError, Suite

Command = Callable[[LocalSettings], int]


def run(settings: LocalSettings) -> int:
    """In the foreground, with one stream of all logs, until Ctrl-C or until a process dies."""
    suite = _suite(settings)
    if suite.control.running():
        return _fail(f"it already runs: {settings.url} (`make status`, `make stop`)")
    suite = _prepared(settings)
    logs = {program.name: settings.logs / f"{program.name}.log" for program in suite.programs}
    with Follower(logs, sys.stdout) as stream:
        suite = Suite(settings, suite.programs, stream.say)
        try:
            suite.start()
            stream.say(_banner(settings))
            failure = suite.watch()
        except KeyboardInterrupt:
            failure = ""
        except LauncherError as error:
            failure = str(error)
        _ignore_signals()
        if failure:
            stream.say(f"{failure}\nthe suite goes down")
        suite.stop()
    return _fail(failure) if failure else 0


def start(settings: LocalSettings) -> int:
    """In the background. 0 only when everything is ready and nothing is degraded; else it is stopped again."""
    suite = _suite(settings)
    if suite.control.running():
        wrong = [f"{line.name}: {line.health}" for line in status_lines(suite) if line.health != "ok"]
        print(f"it already runs: {settings.url} (`make status`, `make stop`)", *wrong, sep="\n")
        return 1 if wrong else 0
    suite = _prepared(settings)
    _last_words(settings).unlink(missing_ok=True)
    try:
        suite.start(watched=not settings.restart)
    except (LauncherError, KeyboardInterrupt) as error:
        _ignore_signals()
        _fail(str(error) or "interrupted")
        suite.stop()
        return 1
    print(_banner(settings), f"Stop it with `make stop`. Logs: {settings.logs}", sep="\n")
    return 0


def stop(settings: LocalSettings) -> int:
    """In order, without losing anything."""
    suite = _suite(settings)
    if not suite.control.running():
        print("it does not run")
        return 0
    suite.stop()
    return 0


def status(settings: LocalSettings) -> int:
    """0 when everything is well, 1 when something is not, 3 when nothing runs (as systemctl has it)."""
    lines = status_lines(_suite(settings))
    if settings.format == "json":
        print(as_json(lines, settings.url))
    elif lines:
        print(as_text(lines))
    else:
        print("it does not run (`make start`, `make run`)")
        if _last_words(settings).exists():
            print(f"The last time, {_last_words(settings).read_text()}")
    return 3 if not lines else int(any(line.health != "ok" for line in lines))


def watch(settings: LocalSettings) -> int:
    """In the background: takes the suite down when a process dies. `status` tells its last words."""
    suite = _suite(settings)
    if story := suite.watch():
        _last_words(settings).write_text(story + "\n")
        print(story, "the suite goes down", sep="\n")
        suite.stop()
    return 0


def secrets(settings: LocalSettings) -> int:
    """Compose's `.env`."""
    path = Path(".env").resolve()
    try:
        write_environment(path, settings.force)
    except SecretsExist as error:
        return _fail(str(error))
    print(f"wrote {path}")
    return 0


def tail(settings: LocalSettings) -> int:
    """Live domain events, decoded, until Ctrl-C."""
    environment = {**os.environ, "KAFKA_BOOTSTRAP_SERVERS": kafka_bootstrap_servers(settings)}
    os.execve(sys.executable, [sys.executable, "-m", "chassis.events", "tail"], environment)  # noqa: S606 - our own


def dlq(settings: LocalSettings) -> int:
    """Dead letters: ARGS is a command line of `python -m chassis.events dlq`."""
    suite = _suite(settings)
    if not suite.control.running():
        return _fail("it does not run (`make start`, `make run`)")
    try:
        return dead_letters(settings, suite)
    except LauncherError as error:
        return _fail(str(error))


COMMANDS: Mapping[str, Command] = {
    "run": run,
    "start": start,
    "stop": stop,
    "status": status,
    "tail": tail,
    "dlq": dlq,
    "watch": watch,
    "secrets": secrets,
}


def main() -> None:
    """The command. Exits with its status."""
    if len(sys.argv) != 2 or sys.argv[1] not in COMMANDS:
        print(f"usage: python -m deploy.local {'|'.join(COMMANDS)}", file=sys.stderr)
        raise SystemExit(2)
    # SIGINT too: a shell without job control starts what stands before an & with it ignored.
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.default_int_handler)
    settings = read_settings(LocalSettings)
    try:
        status = COMMANDS[sys.argv[1]](settings)
    except OSError as error:
        if not _concerns(settings.data, error):
            raise
        print(f"setting DATA_DIR: {error.filename}: {error.strerror}", file=sys.stderr)
        status = 2
    raise SystemExit(status)


def _concerns(data: Path, error: OSError) -> bool:
    """Whether it is about a path in the folder, or about one that the folder is in."""
    if not isinstance(error.filename, str):
        return False
    path = Path(error.filename)
    return path.is_relative_to(data) or data.is_relative_to(path)


def _prepared(settings: LocalSettings) -> Suite:
    """The suite with all that it needs to start, secrets of its own included."""
    try:
        if settings.kind is not None:
            settings.kind.prepare()
    except ToolError as error:
        raise SystemExit(str(error)) from None
    return _suite(settings, local_secrets)


def _suite(settings: LocalSettings, secrets: Secrets = kept_secrets) -> Suite:
    """The suite as it is: to ask for it makes nothing."""
    if settings.engines == "embedded" and (why := missing_engines()):
        raise SystemExit(why)
    return Suite(settings, suite_programs(settings, secrets), lambda step: print(step, flush=True))


def _banner(settings: LocalSettings) -> str:
    json, token = "-H 'content-type: application/json'", '-H "authorization: Bearer $TOKEN"'
    ada = '{"name": "Ada", "email": "ada@example.com", "password": "analytical engine 1843"}'
    field = "python3 -c 'import json, sys; print(json.load(sys.stdin)[\"accessToken\"])'"
    return f"""
PrimeTrade Tasks is ready.
  API    {settings.url}/api/v1
  Docs   {settings.url}/docs
  Mails  {settings.data / "mail"}
Try it:
  TOKEN=$(curl -s {settings.url}/api/v1/auth/register {json} -d '{ada}' | {field})
  curl -s {settings.url}/api/v1/tasks {token} {json} -d '{{"title": "Write the first program"}}'
  curl -s {settings.url}/api/v1/tasks {token}
"""


def _last_words(settings: LocalSettings) -> Path:
    return settings.data / "run" / "last-words.txt"


def _ignore_signals() -> None:
    """The way down has begun and is bounded: another Ctrl-C cannot hasten it, only spoil it."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)


def _fail(why: str) -> int:
    print(why, file=sys.stderr, flush=True)
    return 1


if __name__ == "__main__":
    main()
