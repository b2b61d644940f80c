"""`make dlq`: the dead letters of the local suite, seen by its operator."""

import os
import shlex
import subprocess
import sys

from deploy.local.programs import Program
from deploy.local.settings import LocalSettings
from deploy.local.suite import LauncherError, Suite


def dead_letters(settings: LocalSettings, suite: Suite) -> int:
    """Run `python -m chassis.events dlq` with the words of ARGS, a token made for it, and the suite's addresses.

    Returns its status. Raises LauncherError when auth cannot make the token.
    """
    auth = suite.program("auth")
    environment = {**os.environ, **auth.environment, "TOKEN": _token(auth)}
    command = [sys.executable, "-m", "chassis.events", "dlq", *shlex.split(settings.args)]
    return subprocess.run(command, env=environment, check=False).returncode  # noqa: S603 - our own


def _token(auth: Program) -> str:
    environment = {**os.environ, **auth.environment, "STARTUP_TIMEOUT": "5", "LOG_LEVEL": "error"}
    command = [sys.executable, "-m", "services.auth", "operator-token"]
    made = subprocess.run(command, env=environment, check=False, stdout=subprocess.PIPE, text=True)  # noqa: S603
    if made.returncode != 0:
        raise LauncherError("auth made no operator's token")
    return made.stdout.strip()
