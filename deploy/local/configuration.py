"""supervisord's configuration file, written for one suite (supervisord.org/configuration.html)."""

import hashlib
import os
import shlex
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path

from deploy.local.programs import Group, Program

ROOT = Path(__file__).resolve().parents[2]
SOCKET_PATH_LIMIT = 90
"""A unix socket's path is at most 104 bytes on macOS, and supervisord appends its process id while it binds."""

STEADY_SECONDS = 10
"""With RESTART=1 a process that ends sooner than this after its start counts as failing: supervisor waits 1 s, then
2 s, then 3 s, … before it starts it again, until it has lasted so long once. Nothing waits for it to become steady."""


def socket_path(data: Path) -> Path:
    """Where supervisord listens: inside DATA_DIR, or, where that is too long, in a short private folder."""
    path = data / "run" / "supervisor.sock"
    if len(os.fsencode(path)) <= SOCKET_PATH_LIMIT:
        return path
    folder = Path(tempfile.gettempdir()) / f"primetrade-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    if folder.stat().st_uid != os.getuid() or folder.stat().st_mode & 0o077:
        raise PermissionError(f"{folder} must belong to this user alone (mode 0700)")
    return folder / f"{hashlib.sha256(os.fsencode(data)).hexdigest()[:12]}.sock"


def write_configuration(
    data: Path, programs: Iterable[Program], restart: bool, watch: tuple[str, ...], environment: Mapping[str, str]
) -> Path:
    """Write the file (mode 0600: environments hold secrets) and return its path.

    `watch` is the command that takes the suite down when a process dies; supervisord keeps it running once started.
    """
    run, logs = data / "run", data / "logs"
    data.mkdir(mode=0o700, parents=True, exist_ok=True)
    run.mkdir(mode=0o700, exist_ok=True)
    logs.mkdir(exist_ok=True)
    sections = [_daemon(data), *(_program(program, logs, restart) for program in programs)]
    sections += [
        _group(group, [p.name for p in programs if p.group is group], 10 * n) for n, group in enumerate(Group, 1)
    ]
    sections.append(_watch(watch, logs, environment))
    path = run / "supervisord.conf"
    path.touch(mode=0o600)
    path.chmod(0o600)
    path.write_text("\n\n".join(section for section in sections if section) + "\n")
    return path


def _daemon(data: Path) -> str:
    return _section(
        "supervisord",
        nodaemon="true",
        silent="true",
        logfile=data / "logs" / "supervisord.log",
        logfile_maxbytes="1MB",
        logfile_backups="1",
        pidfile=data / "run" / "supervisord.pid",
        identifier="primetrade",
    ) + (
        f"\n\n[unix_http_server]\nfile = {_escaped(socket_path(data))}\nchmod = 0600"
        "\n\n[rpcinterface:supervisor]"
        "\nsupervisor.rpcinterface_factory = supervisor.rpcinterface:make_main_rpcinterface"
    )


def _program(program: Program, logs: Path, restart: bool) -> str:
    return _section(
        f"program:{program.name}",
        command=shlex.join(program.command),
        directory=ROOT,
        environment=_environment({"PYTHONUNBUFFERED": "1", **program.environment}),
        autostart="false",
        autorestart="true" if restart else "false",
        startretries="1000" if restart else "0",
        startsecs=STEADY_SECONDS if restart else "0",
        stopsignal="TERM",
        stopwaitsecs=program.stop_seconds,
        stopasgroup="true",
        killasgroup="true",
        redirect_stderr="true",
        stdout_logfile=_escaped(logs / f"{program.name}.log"),  # which supervisor expands twice
        stdout_logfile_maxbytes="10MB",
        stdout_logfile_backups="3",
    )


def _watch(command: tuple[str, ...], logs: Path, environment: Mapping[str, str]) -> str:
    return _section(
        "program:watch",
        command=shlex.join(command),
        directory=ROOT,
        environment=_environment({"PYTHONUNBUFFERED": "1", **environment}),
        autostart="false",
        autorestart="unexpected",
        redirect_stderr="true",
        stdout_logfile=_escaped(logs / "watch.log"),
        stdout_logfile_maxbytes="1MB",
        stdout_logfile_backups="1",
        priority="1",
    )


def _group(group: Group, names: list[str], priority: int) -> str:
    # A shutdown of supervisord itself stops groups by falling priority: the right order even without the launcher.
    return _section(f"group:{group.value}", programs=",".join(names), priority=priority) if names else ""


def _section(name: str, **values: object) -> str:
    return "\n".join([f"[{name}]", *(f"{key} = {_escaped(value)}" for key, value in values.items())])


def _escaped(value: object) -> str:
    return str(value).replace("%", "%%")


def _environment(values: Mapping[str, str]) -> str:
    return ",".join(f'{name}="{value}"' for name, value in values.items())
