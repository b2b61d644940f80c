"""One assigned partition: its records in order, one in hand at a time, in a task of its own."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence

from aiokafka import ConsumerRecord, TopicPartition

from chassis.events.topics import MAX_BATCH_BYTES

QUEUE_RECORDS = 500
"""At most so many records of a partition wait here; more stay with the broker."""
QUEUE_BYTES = MAX_BATCH_BYTES
FETCH_RECORDS = QUEUE_RECORDS // 2
"""How many records one fetch may add, so that a queue that asks for more never runs over."""


class Partition:
    """Hands records to `finish` in the order of their offsets, and knows which offset comes next.

    `finish` returns False when it gave a record up because the partition is being left. `moved` is called after
    every finished record. An error of `finish` ends the task, with the position before the record it was about.
    """

    def __init__(
        self,
        name: TopicPartition,
        finish: Callable[[ConsumerRecord, asyncio.Event], Awaitable[bool]],
        moved: Callable[[], None],
    ) -> None:
        self.name = name
        self.position: int | None = None
        """The offset after the last finished record; None before anything was fetched."""
        self.committed: int | None = None
        """The position last committed by this owner; its first position when it has not committed yet."""
        self._finish, self._moved = finish, moved
        self._queue: deque[ConsumerRecord] = deque()
        self._bytes = 0
        self._in_hand = False
        self._filled, self._leaving = asyncio.Event(), asyncio.Event()
        self.task = asyncio.create_task(self._run(), name=f"partition {name.topic}[{name.partition}]")

    @property
    def hungry(self) -> bool:
        """Whether there is room for another fetch."""
        return len(self._queue) < FETCH_RECORDS and self._bytes < QUEUE_BYTES

    @property
    def queued(self) -> int:
        """How many records wait for the one in hand."""
        return len(self._queue)

    @property
    def idle(self) -> bool:
        """Whether everything fetched is finished."""
        return not self._queue and not self._in_hand

    @property
    def dirty(self) -> bool:
        """Whether there is something to commit."""
        return self.position is not None and self.position != self.committed

    def offer(self, records: Sequence[ConsumerRecord]) -> None:
        """Take fetched records, which follow those taken before."""
        if self.position is None and records:
            self.position = self.committed = records[0].offset
        self._queue.extend(records)
        self._bytes += sum(_size(record) for record in records)
        self._filled.set()

    def forget(self) -> None:
        """Count from whatever is offered next: the log has begun anew. Only while `idle`."""
        self.position = self.committed = None

    async def leave(self, grace: float) -> None:
        """Finish the record in hand within `grace` seconds, drop the rest. Safe to call twice.

        A record between two attempts is given up at once, one still in hand after `grace` is cancelled.
        """
        self._leaving.set()
        self._filled.set()
        _, late = await asyncio.wait({self.task}, timeout=grace)
        if late:
            self.task.cancel()
            await asyncio.wait({self.task})
        self._queue.clear()
        self._bytes = 0

    async def _run(self) -> None:
        while not self._leaving.is_set():
            if not self._queue:
                self._filled.clear()
                await self._filled.wait()
                continue
            record = self._queue.popleft()
            self._bytes -= _size(record)
            self._in_hand = True
            if not await self._finish(record, self._leaving):
                return
            self._in_hand = False
            self.position = record.offset + 1
            self._moved()


def _size(record: ConsumerRecord) -> int:
    return len(record.key or b"") + len(record.value or b"")
