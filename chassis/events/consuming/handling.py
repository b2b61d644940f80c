"""One record from fetch to end: decode, dispatch to its handler, retry, or put aside."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import structlog
from aiokafka import ConsumerRecord
from google.protobuf.message import Message
from opentelemetry.trace import SpanKind

from chassis import deadline
from chassis.errors import Unavailable
from chassis.events.consuming.backoff import Backoff
from chassis.events.consuming.deadletter import DeadLetters, Story
from chassis.events.consuming.failures import Failure, Permanent, is_away
from chassis.events.envelope import Event, Undecodable, read_event
from chassis.telemetry import metrics, traces

log = structlog.get_logger(__name__)

Handler = Callable[[Event, Any], Awaitable[None]]
"""A plain async function of an event and its protobuf message, which is of the class it is registered for.

It may be called again with an event it has already handled, and must then change nothing more."""


@dataclass(frozen=True, slots=True)
class Retries:
    """How often and how fast a record is tried again. Times in seconds.

    `attempts` counts only failures that may be the record's own; what is away is awaited without limit.
    """

    attempts: int = 8
    errors: Backoff = field(default_factory=lambda: Backoff(first=0.1, cap=10.0))
    away: Backoff = field(default_factory=lambda: Backoff(first=0.1, cap=5.0))
    attempt_seconds: float = 30.0
    """The deadline of one attempt, for every call the handler makes."""


class Handling:
    """Brings records to their end. Holds nothing of a record between two calls, so partitions share it."""

    def __init__(
        self,
        handlers: Mapping[type[Message], Handler],
        dead_letters: DeadLetters,
        retries: Retries,
        away: Callable[[BaseException], bool] = is_away,
    ) -> None:
        self._handlers = {message.DESCRIPTOR.full_name: handler for message, handler in handlers.items()}
        self._dead_letters, self._retries, self._away = dead_letters, retries, away

    async def finish(self, record: ConsumerRecord, leaving: asyncio.Event) -> bool:
        """Handle the record, skip it, or put it aside; then True. False when `leaving` was set before it had ended.

        Raises DeadLetterFailed.
        """
        started, kind = time.perf_counter(), ""
        try:
            event = read_event(record.headers, record.value)
            if (handler := self._handlers.get(event.type)) is None:
                outcome, kind = "skipped", event.type
            else:
                kind = event.type
                outcome = await self._handle(record, event, event.message(), handler, leaving)
        except Undecodable as error:
            outcome = await self._put_aside(record, Failure.UNDECODABLE, error, attempts=1)
        metrics.consumer_handled.labels(record.topic, kind, outcome).observe(time.perf_counter() - started)
        return outcome != "abandoned"

    async def _handle(
        self, record: ConsumerRecord, event: Event, message: Message, handler: Handler, leaving: asyncio.Event
    ) -> str:
        waits = errors = 0
        while True:
            error = await self._attempt(event, message, handler)
            if error is None:
                return "handled"
            failure = self._judge(error)
            if failure is Failure.AWAY:
                waits += 1
                delay = self._retries.away.delay(waits)
            else:
                errors += 1
                delay = self._retries.errors.delay(errors)
                if failure is not Failure.ERROR or errors >= self._retries.attempts:
                    return await self._put_aside(record, failure, error, waits + errors)
            self._tell(record, event, failure, error, waits + errors)
            if not await _passed(delay, leaving):
                return "abandoned"

    async def _attempt(self, event: Event, message: Message, handler: Handler) -> Exception | None:
        # Every attempt is a span of its own in the trace of who caused the event.
        with (
            structlog.contextvars.bound_contextvars(event_id=str(event.id), event_type=event.type),
            deadline.within(self._retries.attempt_seconds),
        ):
            try:
                with traces.continued(event.traceparent, f"process {event.type}", SpanKind.CONSUMER):
                    await handler(event, message)
            except Exception as error:
                return error
            except asyncio.CancelledError:
                if (task := asyncio.current_task()) is not None and task.cancelling():
                    raise
                # Nobody cancelled this task: a call inside the handler was, as when a channel closes under it.
                return Unavailable("a call of the handler was cancelled")
        return None

    def _judge(self, error: Exception) -> Failure:
        if isinstance(error, Permanent):
            return Failure.PERMANENT
        if isinstance(error, Undecodable):
            return Failure.UNDECODABLE
        return Failure.AWAY if self._away(error) else Failure.ERROR

    def _tell(self, record: ConsumerRecord, event: Event, failure: Failure, error: Exception, attempts: int) -> None:
        metrics.consumer_retries.labels(record.topic, failure.value).inc()
        # The 1st, 2nd, 4th, 8th … attempt: an engine away for an hour fills no log.
        if attempts & (attempts - 1) == 0:
            log.warning(
                "event_retried", topic=record.topic, partition=record.partition, offset=record.offset,
                event_id=str(event.id), event_type=event.type, reason=failure.value, attempts=attempts,
                error=repr(error),
            )  # fmt: skip

    async def _put_aside(self, record: ConsumerRecord, failure: Failure, error: Exception, attempts: int) -> str:
        reason = f"{failure.value}: {type(error).__name__}: {error}"
        await self._dead_letters.put(record, Story(reason, attempts))
        metrics.consumer_dead_letters.labels(record.topic, failure.value).inc()
        log.error(
            "event_dead_lettered", topic=record.topic, partition=record.partition, offset=record.offset,
            reason=failure.value, attempts=attempts, error=repr(error), exc_info=error,
        )  # fmt: skip
        return "dead_lettered"


async def _passed(seconds: float, leaving: asyncio.Event) -> bool:
    """Wait; whether the time passed, rather than `leaving` was set."""
    try:
        async with asyncio.timeout(seconds):
            await leaving.wait()
    except TimeoutError:
        return True
    return False
