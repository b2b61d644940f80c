"""The periodic work of the tasks service, each job also a command of `python -m services.tasks`.

None of its own yet: the outbox is swept and old tombstones are purged by the relay (chassis/events/relay.py).
"""

from collections.abc import Awaitable, Callable, Mapping

from services.tasks.settings import Settings

COMMANDS: Mapping[str, Callable[[Settings], Awaitable[None]]] = {}
