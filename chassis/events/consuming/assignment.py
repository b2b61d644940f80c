"""What a member of a consumer group owns between assign and revoke: its partitions, their offsets, their lag."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence

import structlog
from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from aiokafka.abc import ConsumerRebalanceListener
from aiokafka.errors import CommitFailedError, IllegalStateError, KafkaError

from chassis.events.consuming.partition import Partition
from chassis.events.consuming.rewinding import begins_anew
from chassis.telemetry import metrics

log = structlog.get_logger(__name__)

COMMIT_RECORDS = 500
COMMIT_SECONDS = 1.0
"""Offsets are committed after so many records or so much time, whichever is first: what a crash repeats."""
COMMIT_TIMEOUT = 5.0


class Assignment(ConsumerRebalanceListener):  # type: ignore[misc]  # aiokafka is not typed
    """Opens a partition when it is assigned; at revoke finishes its record in hand, commits, and drops the rest.

    Nothing is fetched between revoke and assign: there is no partition to fetch for. `failed` is told of an error
    that must end the consumer.
    """

    def __init__(
        self,
        kafka: AIOKafkaConsumer,
        finish: Callable[[ConsumerRecord, asyncio.Event], Awaitable[bool]],
        grace: float,
        failed: Callable[[BaseException], None],
    ) -> None:
        self.partitions: dict[TopicPartition, Partition] = {}
        self._kafka, self._finish, self._grace, self._failed = kafka, finish, grace, failed
        self._finished = 0
        self._room, self._due = asyncio.Event(), asyncio.Event()
        self._committing = asyncio.Lock()
        self._over = False

    async def on_partitions_assigned(self, assigned: Iterable[TopicPartition]) -> None:
        """Called by aiokafka after a rebalance."""
        if self._over:
            return
        for name in assigned:
            self._open(name)
        log.info("partitions_assigned", partitions=sorted(f"{name.topic}[{name.partition}]" for name in assigned))

    async def on_partitions_revoked(self, _revoked: Iterable[TopicPartition]) -> None:
        """Called by aiokafka before a rebalance, which waits; heartbeats go on meanwhile."""
        # aiokafka logs what a listener raises and goes on: such an error must reach us another way.
        try:
            await self.leave(self._grace)
        except Exception as error:
            self._failed(error)

    async def leave(self, grace: float) -> None:
        """Finish what is in hand within `grace` seconds, commit, own nothing. Safe to call twice."""
        leaving = dict(self.partitions)
        await asyncio.gather(*(partition.leave(grace) for partition in leaving.values()))
        await self.commit()
        for name, partition in leaving.items():
            if self.partitions.get(name) is partition:
                del self.partitions[name]
            metrics.consumer_lag.remove(name.topic, name.partition)

    async def close(self, grace: float) -> None:
        """Leave for good: a rebalance that ends only now opens nothing."""
        self._over = True
        await self.leave(grace)

    def hungry(self) -> list[TopicPartition]:
        """The partitions with room for more records. A full one is not asked for: what the client has fetched of it
        stays there, while pausing it would throw that away and fetch it again."""
        return [name for name, partition in self.partitions.items() if partition.hungry]

    async def room(self, seconds: float) -> None:
        """Wait until a record was finished or a partition assigned, at most `seconds`."""
        self._room.clear()
        await _within(seconds, self._room)

    def offer(self, fetched: Mapping[TopicPartition, Sequence[ConsumerRecord]]) -> None:
        """Give fetched records to their partitions."""
        for name, records in fetched.items():
            # The client may fetch for a new assignment before it tells of it.
            self._open(name).offer(records)

    async def commit(self) -> None:
        """Commit what is finished. What cannot be committed now is committed next time, or handled again."""
        async with self._committing:
            moved = [partition for partition in self.partitions.values() if partition.dirty]
            positions = {partition.name: partition.position for partition in moved}
            if not positions:
                return
            try:
                async with asyncio.timeout(COMMIT_TIMEOUT):
                    await self._kafka.commit(positions)
            except (CommitFailedError, IllegalStateError) as error:
                log.info("commit_refused", error=str(error))  # the group has given the partitions to another
            except (KafkaError, TimeoutError) as error:
                log.warning("commit_failed", error=repr(error))
            else:
                for partition in moved:
                    partition.committed = positions[partition.name]

    async def commit_regularly(self) -> None:
        """Commit by count and by time, until cancelled."""
        while True:
            await _within(COMMIT_SECONDS, self._due)
            self._due.clear()
            self._finished = 0
            await self.commit()

    async def measure(self) -> Mapping[TopicPartition, int]:
        """How many records of each partition are not finished, from the broker's end offsets. Raises KafkaError.

        A partition whose log has begun anew is read from its beginning.
        """
        owned = dict(self.partitions)
        ends: Mapping[TopicPartition, int] = await self._kafka.end_offsets(list(owned)) if owned else {}
        lags = {}
        for name, end in ends.items():
            partition = owned[name]
            if self._owned_idle(partition) and await begins_anew(self._kafka, name):
                partition.forget()
                continue
            position = await self._position(partition)
            if self.partitions.get(name) is partition and position is not None:
                # The embedded broker's end offset counts one record of the last batch; a fetch tells its true end.
                lags[name] = max(end, self._kafka.highwater(name) or 0, position) - position
                metrics.consumer_lag.labels(name.topic, name.partition).set(lags[name])
        return lags

    async def _position(self, partition: Partition) -> int | None:
        """The next offset to finish. When nothing is waiting here the client knows best: it has passed offsets that
        hold no record (the end of a transaction) and knows where a partition begins of which nothing came yet."""
        if self._owned_idle(partition):
            position: int = await self._kafka.position(partition.name)
            if partition.idle:
                return position
        return partition.position

    def _owned_idle(self, partition: Partition) -> bool:
        return partition.idle and self.partitions.get(partition.name) is partition

    def _open(self, name: TopicPartition) -> Partition:
        if name not in self.partitions:
            partition = Partition(name, self._finish, self._moved)
            partition.task.add_done_callback(self._ended)
            self.partitions[name] = partition
            self._room.set()
        return self.partitions[name]

    def _moved(self) -> None:
        self._room.set()
        self._finished += 1
        if self._finished >= COMMIT_RECORDS:
            self._due.set()

    def _ended(self, task: "asyncio.Task[None]") -> None:
        if not task.cancelled() and (error := task.exception()) is not None:
            self._failed(error)


async def _within(seconds: float, event: asyncio.Event) -> None:
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        return
