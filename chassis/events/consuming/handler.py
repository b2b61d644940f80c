"""What a process does with an event."""

from collections.abc import Awaitable, Callable
from typing import Any

from chassis.events.envelope import Event

Handler = Callable[[Event, Any], Awaitable[None]]
"""A plain async function of an event and its protobuf message, which is of the class it is registered for.

It may be called again with an event it has already handled, and must then change nothing more. Raises Superseded when a
later event of the aggregate is applied already, Permanent when no further attempt can help."""
