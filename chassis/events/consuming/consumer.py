"""The consumer of a service: every event of its topics handled at least once, in order within a partition.

    broker ── fetch ──> Partition (one task each) ── Handling ── Dispatch ──> handler
                            │                           └── retries, dead letters
                            └── position ──> Assignment ──> commits, lag

Offsets are committed only after a record has ended: handled, overtaken, of a type this service has no handler for, or
written to the dead letters. A crash repeats what was not committed, so handlers are idempotent.
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence

import structlog
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError
from google.protobuf.message import Message

from chassis.clock import Clock, SystemClock
from chassis.events.admin import Topics
from chassis.events.consuming.assignment import Assignment
from chassis.events.consuming.closing import close
from chassis.events.consuming.deadletter import DeadLetters
from chassis.events.consuming.failures import Permanent, Superseded, is_away
from chassis.events.consuming.handler import Handler
from chassis.events.consuming.handling import Handling, Retries
from chassis.events.consuming.partition import FETCH_RECORDS
from chassis.events.topics import MAX_BATCH_BYTES, Topic
from chassis.process import ready
from chassis.settings import Settings

__all__ = ["Consumer", "Handler", "Permanent", "Retries", "Superseded"]

log = structlog.get_logger(__name__)

LAG_SECONDS = 0.5
FETCH_SECONDS = 0.2
ATTEMPT_SECONDS = 20.0
STOP_SECONDS = 5.0
# The client would leave the group of a consumer that has not fetched for so long; one that waits for an engine has not.
_FOREVER_MS = 2**31 - 1
# How soon partitions are found that a topic did not have when the group was joined, as when it was made anew.
_METADATA_MS = 15_000


class Consumer:
    """Component: the one consumer group of a service, named `<prefix>.<service>`.

    Entering creates missing topics and the dead-letter topics, connects, and begins to join the group. Leaving
    finishes the records in hand within `settings.drain_timeout`, commits and leaves the group. Its background task
    ends, with the error, when a dead letter cannot be written or the group cannot be kept.

    `handlers` maps a protobuf class to what handles events of that type. `away` tells errors of an engine or
    neighbour that is away, which are retried without limit, from those that may be the record's own.
    """

    name = "consumer"

    def __init__(
        self,
        settings: Settings,
        service: str,
        topics: Sequence[Topic],
        handlers: Mapping[type[Message], Handler],
        *,
        retries: Retries | None = None,
        away: Callable[[BaseException], bool] = is_away,
        clock: Clock | None = None,
        dead_letter_timeout: float = 30.0,
    ) -> None:
        self._settings, self._service, self._topics = settings, service, topics
        self.group = f"{settings.kafka_prefix}.{service}"
        prefix = settings.kafka_prefix
        letters = {topic.name(prefix): topic.dead_letters(prefix, service) for topic in topics}
        clock = clock or SystemClock()
        self._dead_letters = DeadLetters(settings, self.group, letters, self._make_topics, clock, dead_letter_timeout)
        self._handling = Handling(handlers, self._dead_letters, retries or Retries(), away)
        self._kafka: AIOKafkaConsumer | None = None
        self._assignment: Assignment | None = None
        self._lag: Mapping[TopicPartition, int] = {}
        self._tasks: list[asyncio.Task[None]] = []
        self._watch: asyncio.Task[None] | None = None

    async def __aenter__(self) -> "Consumer":
        try:
            await self._make_topics()
            await self._reach("dead letters", self._dead_letters.start)
            await self._reach("consumer", self._connect)
        except BaseException:
            await self._close()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        fetch, *others = self._tasks
        await _cancelled(fetch)
        if self._assignment is not None:
            await self._assignment.close(self._settings.drain_timeout)
        for task in others:
            await _cancelled(task)
        await self._close()
        if self._watch is not None:
            await _cancelled(self._watch)

    def background(self) -> tuple["asyncio.Task[None]", ...]:
        """One task, which ends only by failure."""
        return (self._watch,) if self._watch is not None else ()

    @property
    def assigned(self) -> frozenset[TopicPartition]:
        """The partitions this member owns now; empty before it has joined and during a rebalance."""
        return frozenset(self._assignment.partitions if self._assignment is not None else ())

    def lag(self) -> Mapping[TopicPartition, int]:
        """How many records of each owned partition are not finished, measured at most a second ago while the broker
        answers. A partition not measured yet is missing."""
        return {name: records for name, records in self._lag.items() if name in self.assigned}

    def queued(self) -> Mapping[TopicPartition, int]:
        """How many fetched records of each owned partition wait here: at most QUEUE_RECORDS."""
        owned = self._assignment.partitions if self._assignment is not None else {}
        return {name: partition.queued for name, partition in owned.items()}

    async def _make_topics(self) -> None:
        async with Topics(self._settings, self._service, consumes=self._topics):
            pass  # entering creates what is missing

    async def _reach(self, what: str, attempt: Callable[[], Awaitable[None]]) -> None:
        async def bounded() -> None:
            async with asyncio.timeout(ATTEMPT_SECONDS):
                await attempt()

        where = f"Kafka at {self._settings.kafka_bootstrap_servers} ({what} of {self.group})"
        await ready(where, bounded, self._settings.startup_timeout)

    async def _connect(self) -> None:
        session_ms = int(self._settings.kafka_session_timeout * 1000)
        kafka = AIOKafkaConsumer(
            bootstrap_servers=self._settings.kafka_bootstrap_servers,
            group_id=self.group,
            client_id=self.group,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            max_partition_fetch_bytes=MAX_BATCH_BYTES,
            session_timeout_ms=session_ms,
            heartbeat_interval_ms=session_ms // 4,
            # How long the group waits for us at a rebalance: the record in hand, then two commits at worst.
            rebalance_timeout_ms=session_ms + int((self._settings.drain_timeout + 10) * 1000),
            max_poll_interval_ms=_FOREVER_MS,
            metadata_max_age_ms=_METADATA_MS,
        )
        try:
            await kafka.start()
        except BaseException:
            await kafka.stop()
            raise
        self._kafka = kafka
        failure: asyncio.Future[None] = asyncio.get_running_loop().create_future()

        def failed(error: BaseException) -> None:
            if not failure.done():
                failure.set_exception(error)

        self._assignment = Assignment(kafka, self._handling.finish, self._settings.drain_timeout, failed)
        self._watch = asyncio.create_task(_until(failure), name=f"consumer {self.group}")
        self._begin(self._fetch(kafka, self._assignment), failed)
        self._begin(self._assignment.commit_regularly(), failed)
        self._begin(self._measure(self._assignment), failed)
        kafka.subscribe([topic.name(self._settings.kafka_prefix) for topic in self._topics], listener=self._assignment)

    def _begin(self, work: Coroutine[object, object, None], failed: Callable[[BaseException], None]) -> None:
        def ended(task: asyncio.Task[None]) -> None:
            if not task.cancelled() and (error := task.exception()) is not None:
                failed(error)

        task = asyncio.create_task(work)
        task.add_done_callback(ended)
        self._tasks.append(task)

    async def _fetch(self, kafka: AIOKafkaConsumer, assignment: Assignment) -> None:
        while True:
            hungry = assignment.hungry()
            if assignment.partitions and not hungry:
                await assignment.room(FETCH_SECONDS)
                continue
            # With no partition, too: this is where the client raises what keeps it out of the group.
            try:
                fetched = await kafka.getmany(*hungry, timeout_ms=int(FETCH_SECONDS * 1000), max_records=FETCH_RECORDS)
            except KafkaError as error:
                if not error.retriable:
                    raise
                log.warning("fetch_failed", error=repr(error))
                await asyncio.sleep(FETCH_SECONDS)
                continue
            assignment.offer(fetched)

    async def _measure(self, assignment: Assignment) -> None:
        while True:
            try:
                self._lag = await assignment.measure()
            except KafkaError as error:
                log.debug("lag_unknown", error=repr(error))
            await asyncio.sleep(LAG_SECONDS)

    async def _close(self) -> None:
        if self._kafka is not None:
            await close(self._kafka, STOP_SECONDS)
        await self._dead_letters.stop()


async def _until(failure: "asyncio.Future[None]") -> None:
    await failure


async def _cancelled(task: "asyncio.Task[None]") -> None:
    """Cancel the task and wait for its end. What it raised has been told already."""
    task.cancel()
    await asyncio.wait({task})
    if not task.cancelled():
        task.exception()
