"""One record from fetch to end: attempts until it is handled, found overtaken, or put aside."""

import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import structlog
from aiokafka import ConsumerRecord
from google.protobuf.message import Message
from prometheus_client import Histogram

from chassis.backoff import Backoff
from chassis.events.consuming.deadletter import DeadLetters, Story
from chassis.events.consuming.dispatch import Dispatch, Failed, Outcome
from chassis.events.consuming.failures import Failure, is_away
from chassis.events.consuming.handler import Handler
from chassis.events.envelope import Event, Undecodable, read_event
from chassis.telemetry import metrics

log = structlog.get_logger(__name__)

ATTEMPT_SECONDS = 30.0
"""The deadline of one attempt."""
_DEAD_LETTERED, _ABANDONED = "dead_lettered", "abandoned"


@dataclass(frozen=True, slots=True)
class Retries:
    """How often and how fast a record is tried again. Times in seconds.

    `attempts` counts only failures that may be the record's own; what is away is awaited without limit.
    """

    attempts: int = 8
    errors: Backoff = field(default_factory=lambda: Backoff(first=0.1, cap=10.0))
    away: Backoff = field(default_factory=lambda: Backoff(first=0.1, cap=5.0))
    attempt_seconds: float = ATTEMPT_SECONDS


class Handling:
    """Brings records to their end. Holds nothing of a record between two calls, so partitions share it."""

    def __init__(
        self,
        handlers: Mapping[type[Message], Handler],
        dead_letters: DeadLetters,
        retries: Retries,
        away: Callable[[BaseException], bool] = is_away,
    ) -> None:
        self._dispatch = Dispatch(handlers, retries.attempt_seconds, away)
        self._dead_letters, self._retries = dead_letters, retries
        self._series: dict[tuple[str, ...], Histogram] = {}

    async def finish(self, record: ConsumerRecord, leaving: asyncio.Event) -> bool:
        """Handle the record, skip it, or put it aside; then True. False when `leaving` was set before it had ended.

        Raises DeadLetterFailed.
        """
        started, kind = time.perf_counter(), ""
        try:
            event = read_event(record.headers, record.value)
            kind = event.type
            if (handler := self._dispatch.handler(event)) is None:
                outcome: str = Outcome.SKIPPED
            else:
                outcome = await self._handle(record, event, event.message(), handler, leaving)
        except Undecodable as error:
            outcome = await self._put_aside(record, Failed(Failure.UNDECODABLE, error), attempts=1)
        self._ended(record.topic, kind, outcome).observe(time.perf_counter() - started)
        return outcome != _ABANDONED

    def _ended(self, *labels: str) -> Histogram:
        # Finding a series by its labels costs half of what observing it does, and every record needs one.
        if (series := self._series.get(labels)) is None:
            series = self._series[labels] = metrics.consumer_handled.labels(*labels)
        return series

    async def _handle(
        self, record: ConsumerRecord, event: Event, message: Message, handler: Handler, leaving: asyncio.Event
    ) -> str:
        waits = errors = 0
        while True:
            ended = await self._dispatch.attempt(event, message, handler)
            if isinstance(ended, Outcome):
                return ended
            if ended.failure is Failure.AWAY:
                waits += 1
                delay = self._retries.away.delay(waits)
            else:
                errors += 1
                delay = self._retries.errors.delay(errors)
                if ended.failure is not Failure.ERROR or errors >= self._retries.attempts:
                    return await self._put_aside(record, ended, waits + errors)
            _tell(record, event, ended, waits + errors)
            if not await _passed(delay, leaving):
                return _ABANDONED

    async def _put_aside(self, record: ConsumerRecord, failed: Failed, attempts: int) -> str:
        await self._dead_letters.put(record, Story(failed.reason, attempts))
        metrics.consumer_dead_letters.labels(record.topic, failed.failure.value).inc()
        log.error(
            "event_dead_lettered", topic=record.topic, partition=record.partition, offset=record.offset,
            reason=failed.failure.value, attempts=attempts, error=repr(failed.error), exc_info=failed.error,
        )  # fmt: skip
        return _DEAD_LETTERED


def _tell(record: ConsumerRecord, event: Event, failed: Failed, attempts: int) -> None:
    metrics.consumer_retries.labels(record.topic, failed.failure.value).inc()
    # The 1st, 2nd, 4th, 8th … attempt: an engine away for an hour fills no log.
    if attempts & (attempts - 1) == 0:
        log.warning(
            "event_retried", topic=record.topic, partition=record.partition, offset=record.offset,
            event_id=str(event.id), event_type=event.type, reason=failed.failure.value, attempts=attempts,
            error=repr(failed.error),
        )  # fmt: skip


async def _passed(seconds: float, leaving: asyncio.Event) -> bool:
    """Wait; whether the time passed, rather than `leaving` was set."""
    try:
        async with asyncio.timeout(seconds):
            await leaving.wait()
    except TimeoutError:
        return True
    return False
