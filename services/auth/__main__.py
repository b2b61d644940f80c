"""The auth service: `python -m services.auth serve`, or `rotate-keys`."""

from chassis.process import cli
from services.auth.app import build
from services.auth.jobs import COMMANDS
from services.auth.settings import Settings

if __name__ == "__main__":
    cli("auth", Settings, build, COMMANDS)
