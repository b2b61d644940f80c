"""What a service remembers of its dead letters: which were redriven, and which it no longer shows.

A place may hold another letter later (a broker that lost its log starts at 0 again), so what is remembered of a place
counts only for the letter written there at that time.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from aiokafka import ConsumerRecord
from primetrade.events.v1.dead_letters_pb2 import Redrive, RedriveOutcome
from pymongo import IndexModel

from chassis.clock import Clock
from chassis.events.deadletters.letter import LetterId
from chassis.mongo import Collection, Document, Mongo
from chassis.settings import Settings

REDRIVEN, HIDDEN = "redriven", "hidden_dead_letters"
INDEXES: Mapping[str, tuple[IndexModel, ...]] = {
    REDRIVEN: (IndexModel("forget_at", expireAfterSeconds=0),),
    HIDDEN: (IndexModel("forget_at", expireAfterSeconds=0),),
}
FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Redriven:
    """One redrive: its outcome is `failed` (with the reason) or one of chassis.events.consuming.dispatch.Outcome."""

    outcome: str
    reason: str
    time: datetime
    operator: str

    @property
    def ended(self) -> bool:
        """Whether nothing is left to do."""
        return self.outcome != FAILED


def redrive_message(redriven: Redriven) -> Redrive:
    """What an operator is told of a redrive."""
    message = Redrive(
        outcome=RedriveOutcome.Value(f"REDRIVE_OUTCOME_{redriven.outcome.upper()}"),
        reason=redriven.reason,
        operator=redriven.operator,
    )
    message.time.FromDatetime(redriven.time)
    return message


class Memory:
    """Two collections of the service's database: `redriven`, by letter, and `hidden_dead_letters`, by topic.

    Both are forgotten when the broker has long deleted what they are about.
    """

    def __init__(self, settings: Settings, mongo: Mongo, clock: Clock) -> None:
        self._redriven, self._hidden = mongo.collection(REDRIVEN), mongo.collection(HIDDEN)
        self._clock = clock
        kept = max(settings.kafka_dead_letter_retention_hours, settings.kafka_retention_hours)
        # A broker deletes whole segments, some time after the last record in them is old enough.
        self._keep = timedelta(hours=2 * kept)

    async def remember(self, record: ConsumerRecord, redriven: Redriven) -> None:
        """Keep the outcome of a redrive, in place of an earlier one."""
        known = {
            "written_ms": record.timestamp,
            "outcome": redriven.outcome,
            "reason": redriven.reason,
            "time": redriven.time,
            "operator": redriven.operator,
        }
        await self._keep_one(self._redriven, str(LetterId.of(record)), known)

    async def redriven(self, records: Iterable[ConsumerRecord]) -> Mapping[int, Redriven]:
        """The last redrive of each record of one topic that had one, by offset."""
        asked = {str(LetterId.of(record)): record for record in records}
        found = await self._redriven.find({"_id": {"$in": list(asked)}}).to_list(None)
        return {
            asked[document["_id"]].offset: _redriven(document)
            for document in found
            if document["written_ms"] == asked[document["_id"]].timestamp
        }

    async def hide(self, topic: str, before: int) -> None:
        """Show no letter of the topic that is there now and has a lower offset."""
        until_ms = int(self._clock.now().timestamp() * 1000)
        await self._keep_one(self._hidden, topic, {"before": before, "until_ms": until_ms})

    async def shown(self, topic: str) -> "Shown":
        """Which letters of the topic are shown."""
        document = await self._hidden.find_one({"_id": topic})
        return Shown(document["before"], document["until_ms"]) if document else Shown(0, 0)

    async def _keep_one(self, collection: Collection, id: str, known: Document) -> None:
        known["forget_at"] = self._clock.now() + self._keep
        await collection.update_one({"_id": id}, {"$set": known}, upsert=True)


@dataclass(frozen=True, slots=True)
class Shown:
    """Letters at `before` and after, and those written later than `until_ms` wherever they are."""

    before: int
    until_ms: int

    def __call__(self, record: ConsumerRecord) -> bool:
        return bool(record.offset >= self.before or record.timestamp > self.until_ms)


def _redriven(document: Document) -> Redriven:
    return Redriven(document["outcome"], document["reason"], document["time"], document["operator"])
