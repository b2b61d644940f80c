"""The periodic work of the tasks service, each job also a command of `python -m services.tasks`.

None of its own yet: the relay (chassis/events/publishing/relay.py) sweeps the outbox and purges old tombstones.
"""

from collections.abc import Awaitable, Callable, Mapping

from services.tasks.settings import Settings

COMMANDS: Mapping[str, Callable[[Settings], Awaitable[None]]] = {}
