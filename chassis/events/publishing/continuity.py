"""Whether the broker still has what it acknowledged, and what every process of a service must know about that.

A document for each topic, in the service's own database:

    {_id: topic, epoch: 3, lost: false, ends: {"0": 118, "4": 97}}

`ends` holds, by partition, where the last acknowledged batch began; `epoch` counts the logs that the topic has had, and
`lost` says that the present one must be published again before anything new is. A broker that keeps its log in memory
loses it with its process; one with a disk may lose its end. Nothing else tells: an emptied broker has the same name.
"""

import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

import structlog
from aiokafka.errors import KafkaError
from pymongo.errors import DuplicateKeyError

from chassis.mongo import Collection, Document, engine_calls

COLLECTION = "broker_logs"
_PERSIST_SECONDS = 1.0

log = structlog.get_logger(__name__)


class Held(KafkaError):  # type: ignore[misc]  # aiokafka is not typed
    """Nothing new is published to the topic: what was published before is missing there, or may be."""


@dataclass(frozen=True, slots=True)
class BrokerLog:
    """A topic as one broker tells of it: its partitions, and the ends of those that this broker leads."""

    partitions: int
    ends: Mapping[int, int]


Look = Callable[[], Awaitable[BrokerLog]]
"""Asks the broker. What is compared with its answer has to be known before: an acknowledgement that comes while it is
on its way would look like a loss."""


@dataclass(slots=True)
class _Known:
    epoch: int = 0
    lost: bool = False
    ends: dict[int, int] = field(default_factory=dict)
    persisted: dict[int, int] = field(default_factory=dict)
    persisted_at: float = 0.0


class Continuity:
    """What this process knows of its topics' logs. `renewed` is told of a topic that has come to another epoch.

    The order that makes it safe: events are logged, then `confirmed`, then cleared. A log that is published again is
    read after `lost` was written, so it holds everything that was ever confirmed and cleared.
    """

    def __init__(
        self, collection: Collection, partitions: int, engine: float, renewed: Callable[[str], None] = lambda _: None
    ) -> None:
        self._collection, self._partitions, self._engine, self._renewed = collection, partitions, engine, renewed
        self._known: dict[str, _Known] = {}

    def epoch(self, topic: str) -> int:
        """Which log of the topic this process knows; 0 before it was ever asked for."""
        return self._of(topic).epoch

    def held(self, topic: str) -> bool:
        """Whether the topic waits for its log to be published again."""
        return self._of(topic).lost

    async def refresh(self, topic: str) -> None:
        """Learn what the other processes know."""
        with engine_calls(self._engine):
            found = await self._collection.find_one({"_id": topic})
            if found is None:
                found = {"_id": topic, "epoch": 1, "lost": False, "ends": {}}
                try:
                    await self._collection.insert_one(found)
                except DuplicateKeyError:
                    return await self.refresh(topic)
        return self._learn(topic, found)

    async def admit(self, topic: str, look: Look) -> None:
        """Raise Held unless the broker has everything that was acknowledged, as far as it leads the partitions."""
        await self.refresh(topic)
        if self.held(topic) or await self.regressed(topic, look):
            raise Held(f"{topic} is not what it was")

    async def regressed(self, topic: str, look: Look) -> bool:
        """Whether something that was acknowledged before the look is missing there, or a partition is."""
        ends = dict(self._of(topic).ends)
        return _regressed(await look(), self._partitions, ends)

    def acknowledged(self, topic: str, partition: int, epoch: int, begin: int) -> None:
        """A batch was acknowledged that begins at this offset."""
        known = self._of(topic)
        if known.epoch == epoch:
            known.ends[partition] = max(begin, known.ends.get(partition, -1))

    async def confirmed(self, topic: str, epoch: int) -> bool:
        """Whether the topic's log was still this one after everything that was written before this call.

        Persists the ends at most once a second, but a partition's first one before anything of it can be cleared.
        """
        known = self._of(topic)
        if known.epoch != epoch:
            return False
        ends = dict(known.ends)
        late = time.monotonic() - known.persisted_at > _PERSIST_SECONDS and ends != known.persisted
        with engine_calls(self._engine):
            if late or ends.keys() - known.persisted.keys():
                raised = {"$max": {f"ends.{partition}": begin for partition, begin in ends.items()}}
                result = await self._collection.update_one({"_id": topic, "epoch": epoch, "lost": False}, raised)
                if result.matched_count == 1:
                    known.persisted, known.persisted_at = ends, time.monotonic()
                    return True
        await self.refresh(topic)
        return self.epoch(topic) == epoch and not self.held(topic)

    async def lose(self, topic: str) -> None:
        """From now on nothing new is published to the topic, by any process, until it is `restored`."""
        await self._change(topic, lost=False, to={"lost": True})

    async def restored(self, topic: str, ends: Mapping[int, int]) -> None:
        """The whole log is published again, its batches up to those that begin at these offsets."""
        named = {str(partition): begin for partition, begin in ends.items()}
        await self._change(topic, lost=True, to={"lost": False, "epoch": self.epoch(topic) + 1, "ends": named})

    async def _change(self, topic: str, lost: bool, to: Document) -> None:
        with engine_calls(self._engine):
            unchanged = {"_id": topic, "epoch": self.epoch(topic), "lost": lost}
            await self._collection.update_one(unchanged, {"$set": to})
        await self.refresh(topic)

    def _learn(self, topic: str, found: Document) -> None:
        known, epoch = self._of(topic), int(found["epoch"])
        ends = {int(partition): int(begin) for partition, begin in found["ends"].items()}
        if epoch == known.epoch:
            known.lost = found["lost"]
            for partition, begin in ends.items():
                known.ends[partition] = max(begin, known.ends.get(partition, -1))
            return
        self._known[topic] = _Known(epoch, found["lost"], ends, dict(ends), time.monotonic())
        if known.epoch:
            log.info("log_renewed", topic=topic, epoch=epoch)
        self._renewed(topic)

    def _of(self, topic: str) -> _Known:
        return self._known.setdefault(topic, _Known())


class Run:
    """The same question for one publishing of a whole log, which begins with an empty topic: was it cut in between?"""

    def __init__(self, partitions: int) -> None:
        self.ends: dict[int, int] = {}
        self._partitions = partitions

    def epoch(self, topic: str) -> int:  # noqa: ARG002 - the guard's shape
        """One run knows one log."""
        return 0

    async def admit(self, topic: str, look: Look) -> None:
        """Raise Held when what this run has published is missing there: it must begin again."""
        ends = dict(self.ends)
        if _regressed(await look(), self._partitions, ends):
            raise Held(f"{topic} was lost again")

    def acknowledged(self, topic: str, partition: int, epoch: int, begin: int) -> None:  # noqa: ARG002 - as above
        """A batch was acknowledged that begins at this offset."""
        self.ends[partition] = max(begin, self.ends.get(partition, -1))


def _regressed(log_there: BrokerLog, partitions: int, ends: Mapping[int, int]) -> bool:
    # An end that lies before the last batch, not before the end of that: the embedded broker's counts one record of it.
    if any(log_there.ends.get(partition, begin + 1) <= begin for partition, begin in ends.items()):
        return True
    return log_there.partitions < partitions
