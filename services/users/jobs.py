"""The periodic work of the users service, each job also a command of `python -m services.users`.

None of its own yet: the relay (chassis/events/publishing/relay.py) sweeps the outbox and purges old tombstones.
"""

from collections.abc import Awaitable, Callable, Mapping

from services.users.settings import Settings

COMMANDS: Mapping[str, Callable[[Settings], Awaitable[None]]] = {}
