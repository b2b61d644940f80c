"""The auth service: `python -m services.auth serve`, or `rotate-keys`, or `operator-token`."""

from chassis.process import cli
from services.auth.app import build
from services.auth.jobs import COMMANDS
from services.auth.operator_token import operator_token
from services.auth.settings import Settings

if __name__ == "__main__":
    cli("auth", Settings, build, {**COMMANDS, "operator-token": operator_token})
