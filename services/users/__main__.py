"""The users service: `python -m services.users serve`."""

from chassis.process import cli
from services.users.app import build
from services.users.jobs import COMMANDS
from services.users.settings import Settings

if __name__ == "__main__":
    cli("users", Settings, build, COMMANDS)
