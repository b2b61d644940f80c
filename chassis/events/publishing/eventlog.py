"""The event log of a service: every event that Kafka has acknowledged, kept in the service's own database.

    {_id: event id, topic, source, subject, type, seq, time, data, actor, traceparent}

A row is written after the acknowledgement and before the event leaves its document, so that at every moment an event
is in a document's `pending` or here, and can be published again to a new or emptied broker. Event ids are UUIDv7 and
ascend within an aggregate (chassis/events/publishing/outbox.py): the order of `_id` is the order of each aggregate's
events, nearly that of time, and the age of a row. So the collection needs no other index.
"""

from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from pymongo.errors import BulkWriteError
from pymongo.read_concern import ReadConcern

from chassis.clock import Clock
from chassis.events.envelope import Event
from chassis.mongo import Collection, Document

COLLECTION = "event_log"
_BATCH = 500
_DUPLICATE = 11000
_BEFORE_ALL = UUID(int=0)


@dataclass(frozen=True, slots=True)
class Logged:
    """An event that was published, and the topic it went to."""

    topic: str
    event: Event


class EventLog:
    """Rows are written once and never changed. Memory stays bounded however long the log."""

    def __init__(self, collection: Collection) -> None:
        self._collection = collection

    async def append(self, logged: Iterable[Logged]) -> None:
        """Add what is not there yet, in one command. Durable when this returns.

        The events of an aggregate must come in order: whoever sees one sees those before it, as far as they are new.
        """
        rows = [_to_row(entry) for entry in logged]
        if not rows:
            return
        try:
            # Unordered, so that a row which is there already keeps no other out. An engine still takes them in turn.
            await self._collection.insert_many(rows, ordered=False)
        except BulkWriteError as error:
            if any(failed["code"] != _DUPLICATE for failed in error.details["writeErrors"]):
                raise

    async def read(self, topic: str, since: datetime | None = None) -> AsyncIterator[Logged]:
        """The events of a topic, from a time on or all, those of an aggregate in order. One walk over the index."""
        after = _BEFORE_ALL if since is None else least_id(since)
        rows = self._collection.with_options(read_concern=ReadConcern("majority"))
        found = rows.find({"_id": {"$gte": after}, "topic": topic}).sort("_id", 1).batch_size(_BATCH)
        async for row in found:
            yield _from_row(row)

    async def purge(self, clock: Clock, keep: timedelta) -> None:
        """Delete what happened longer ago than `keep`."""
        await self._collection.delete_many({"_id": {"$lt": least_id(clock.now() - keep)}})


def least_id(at: datetime) -> UUID:
    """Below every UUIDv7 made at that time or later, above every earlier one (RFC 9562, 5.7)."""
    return UUID(int=int(at.timestamp() * 1000) << 80)


def following_id(made: UUID, last: UUID | None) -> UUID:
    """The id of an aggregate's next event: as made, unless a clock that is behind made it lower than the last one."""
    return made if last is None or made > last else UUID(int=last.int + 1)


def _to_row(entry: Logged) -> Document:
    event = entry.event
    return {
        "_id": event.id,
        "topic": entry.topic,
        "source": event.source,
        "subject": event.subject,
        "type": event.type,
        "seq": event.sequence,
        "time": event.time,
        "data": event.data,
        "actor": event.actor,
        "traceparent": event.traceparent,
    }


def _from_row(row: Document) -> Logged:
    event = Event(
        id=row["_id"],
        type=row["type"],
        source=row["source"],
        subject=row["subject"],
        time=row["time"],
        sequence=row["seq"],
        data=bytes(row["data"]),
        actor=row["actor"],
        traceparent=row["traceparent"],
    )
    return Logged(row["topic"], event)
