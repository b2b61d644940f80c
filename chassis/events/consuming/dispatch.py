"""One attempt at an event: the handler of its type, in the trace of who caused it, under a deadline.

The live consumer repeats attempts until a record has ended; a redrive makes one.
"""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from aiokafka import ConsumerRecord
from google.protobuf.message import Message
from opentelemetry.trace import SpanKind

from chassis import deadline
from chassis.errors import Unavailable
from chassis.events.consuming.failures import Failure, Permanent, Superseded, is_away
from chassis.events.consuming.handler import Handler
from chassis.events.envelope import Event, Undecodable, read_event
from chassis.telemetry import traces
from chassis.telemetry.logs import telling


class Outcome(StrEnum):
    """How a record ended well: the `outcome` in metrics."""

    HANDLED = "handled"
    SKIPPED = "skipped"
    """This service has no handler for its type."""
    SUPERSEDED = "superseded"
    """Its handler has already applied a later event of the aggregate."""


@dataclass(frozen=True, slots=True)
class Failed:
    """An attempt that did not end the record."""

    failure: Failure
    error: Exception

    @property
    def reason(self) -> str:
        """The kind of failure, the error's class and what it says."""
        return f"{self.failure.value}: {type(self.error).__name__}: {self.error}"


class Dispatch:
    """The handlers of a service. Holds nothing of a record between two calls, so partitions and redrives share it.

    An attempt, and every call its handler makes, has `seconds`. `away` tells errors of an engine or neighbour that is
    away from those that may be the record's own.
    """

    def __init__(
        self,
        handlers: Mapping[type[Message], Handler],
        seconds: float,
        away: Callable[[BaseException], bool] = is_away,
    ) -> None:
        self._handlers = {message.DESCRIPTOR.full_name: handler for message, handler in handlers.items()}
        self._seconds, self._away = seconds, away

    def handler(self, event: Event) -> Handler | None:
        """What handles events of this type; None when nothing does."""
        return self._handlers.get(event.type)

    async def once(self, record: ConsumerRecord) -> Outcome | Failed:
        """Decode the record and make one attempt at it."""
        try:
            event = read_event(record.headers, record.value)
            if (handler := self.handler(event)) is None:
                return Outcome.SKIPPED
            message = event.message()
        except Undecodable as error:
            return Failed(Failure.UNDECODABLE, error)
        return await self.attempt(event, message, handler)

    async def attempt(self, event: Event, message: Message, handler: Handler) -> Outcome | Failed:
        """One attempt, which is a span of its own in the trace of who caused the event."""
        with (
            telling(event_id=event.id, event_type=event.type),
            deadline.within(self._seconds),
        ):
            try:
                with traces.continued(event.traceparent, f"process {event.type}", SpanKind.CONSUMER):
                    return await _called(handler, event, message)
            except Exception as error:
                return Failed(self._judge(error), error)
            except asyncio.CancelledError:
                if (task := asyncio.current_task()) is not None and task.cancelling():
                    raise
                # Nobody cancelled this task: a call inside the handler was, as when a channel closes under it.
                return Failed(Failure.AWAY, Unavailable("a call of the handler was cancelled"))

    def _judge(self, error: Exception) -> Failure:
        if isinstance(error, Permanent):
            return Failure.PERMANENT
        if isinstance(error, Undecodable):
            return Failure.UNDECODABLE
        return Failure.AWAY if self._away(error) else Failure.ERROR


async def _called(handler: Handler, event: Event, message: Message) -> Outcome:
    # Caught inside the span, which it does not mark as failed.
    try:
        await handler(event, message)
    except Superseded:
        return Outcome.SUPERSEDED
    return Outcome.HANDLED
