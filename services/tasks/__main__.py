"""The tasks service: `python -m services.tasks serve`, or `republish --since T`."""

from chassis.process import cli
from services.tasks.app import build
from services.tasks.jobs import COMMANDS
from services.tasks.settings import Settings

if __name__ == "__main__":
    cli("tasks", Settings, build, COMMANDS)
