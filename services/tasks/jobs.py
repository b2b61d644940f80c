"""The periodic work of the tasks service, each job also a command of `python -m services.tasks`.

None of its own yet: the relay (chassis/events/publishing/relay.py) sweeps the outbox and purges old tombstones.
"""

from collections.abc import Mapping

from chassis.events.publishing.command import republish
from chassis.events.topics import TASKS
from chassis.process import Command
from services.tasks.settings import Settings

COMMANDS: Mapping[str, Command[Settings]] = {"republish": republish("tasks", [TASKS])}
