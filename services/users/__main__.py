"""The users service: `python -m services.users serve`, or `rebuild`, which makes its profiles anew from its topic."""

from chassis.process import cli
from services.users.app import COMMANDS, build
from services.users.settings import Settings

if __name__ == "__main__":
    cli("users", Settings, build, COMMANDS)
