"""The notify service: `python -m services.notify serve`, a run of one of its jobs: `remind`, `deliver`, or `rebuild`,
which makes its reminders anew from the topic of tasks."""

from chassis.process import cli
from services.notify.app import COMMANDS, build
from services.notify.settings import Settings

if __name__ == "__main__":
    cli("notify", Settings, build, COMMANDS)
