"""The last minutes of events as every gateway process keeps them: whose they are, and where in the log."""

import zlib
from collections import defaultdict, deque
from collections.abc import Mapping
from dataclasses import dataclass, field

from aiokafka import ConsumerRecord, TopicPartition

from chassis.telemetry import metrics
from gateway.streaming.cursor import Cursor, Place

_ENTRY_BYTES = 450
"""What an event costs besides its text, with its places in three lists."""


@dataclass(slots=True)
class Partition:
    """How far a partition was read, and from where on everything of it is here."""

    index: int
    start: int
    position: int
    marks: dict[int, int] = field(default_factory=dict)
    """By the position after it, the mark of every record that is here, and of the last one before."""

    def place(self) -> Place:
        return Place(self.position, self.marks.get(self.position, 0))


@dataclass(frozen=True, slots=True)
class Entry:
    """A record. One that is told to nobody has no owner and no text: it counts as a place."""

    at: float
    partition: Partition
    place: Place
    owner: str
    text: bytes

    @property
    def size(self) -> int:
        return _ENTRY_BYTES + len(self.text)


class Window:
    """Holds what was heard within `seconds`, `limit` bytes of it at most: above, the oldest goes first.

    So it costs no read of Kafka to serve whoever comes back, and none can be caused by coming back often.
    """

    def __init__(self, positions: Mapping[TopicPartition, int], seconds: float, limit: int) -> None:
        self._seconds, self._limit = seconds, limit
        self._partitions = {
            partition: Partition(index, at, at) for index, (partition, at) in enumerate(positions.items())
        }
        self._entries: deque[Entry] = deque()
        self._by_owner: dict[str, deque[Entry]] = defaultdict(deque)
        self._size = 0

    def __len__(self) -> int:
        return len(self._entries)

    @property
    def cursor(self) -> Cursor:
        """Where it ends: everything before was heard."""
        return [partition.place() for partition in self._partitions.values()]

    def add(self, record: ConsumerRecord, owner: str, text: bytes, now: float) -> None:
        """The next record of its partition; `text` is what its owner is told."""
        partition = self._partitions[TopicPartition(record.topic, record.partition)]
        place = Place(record.offset + 1, mark(record))
        partition.position, partition.marks[place.position] = place
        entry = Entry(now, partition, place, owner, text)
        self._entries.append(entry)
        if owner:
            self._by_owner[owner].append(entry)
        self._size += entry.size
        while self._size > self._limit:
            self._drop()

    def knows(self, record: ConsumerRecord) -> bool:
        """Whether it is the last record that was heard of its partition, as far as that can be told."""
        known = self._partitions[TopicPartition(record.topic, record.partition)].place()
        return known.position == record.offset + 1 and known.mark in (0, mark(record))

    def forget(self, now: float) -> None:
        """Drop what is too old."""
        while self._entries and self._entries[0].at + self._seconds < now:
            self._drop()
        metrics.event_window_events.set(len(self._entries))
        metrics.event_window_bytes.set(self._size)

    def holds(self, cursor: Cursor) -> bool | None:
        """Whether everything after the cursor is here; None when it lies beyond what was heard so far."""
        partitions = list(self._partitions.values())
        if len(cursor) != len(partitions):
            return False
        pairs = list(zip(cursor, partitions, strict=True))
        for place, partition in pairs:
            if place.position < partition.start:
                return False
            if place.position <= partition.position and place.mark != partition.marks.get(place.position, 0):
                return False
        return None if any(place.position > partition.position for place, partition in pairs) else True

    def after(self, cursor: Cursor, owner: str) -> list[tuple[Cursor, bytes]]:
        """What the owner is told after the cursor, in the order in which it was heard, each with its own cursor."""
        at, found = list(cursor), list[tuple[Cursor, bytes]]()
        for entry in self._by_owner.get(owner, ()):
            index = entry.partition.index
            if entry.place.position > at[index].position:
                at[index] = entry.place
                found.append((tuple(at), entry.text))
        return found

    def _drop(self) -> None:
        entry = self._entries.popleft()
        partition = entry.partition
        partition.marks.pop(partition.start, None)
        partition.start = entry.place.position
        self._size -= entry.size
        if entry.owner:
            own = self._by_owner[entry.owner]
            own.popleft()
            if not own:
                del self._by_owner[entry.owner]


def mark(record: ConsumerRecord) -> int:
    """What tells a record from one at the same offset of another log; published again, it has another time."""
    return zlib.crc32(b"%d %d %b" % (record.offset, record.timestamp, record.key or b"")) & 0xFFFF
