"""What a document has not yet published: its form in the document, in memory, and its limits."""

from collections.abc import Iterable
from dataclasses import dataclass

from chassis.events.envelope import Event
from chassis.mongo import Collection, Document

MAX_EVENTS = 1_000
"""A document with this many unpublished events takes no further ones."""
MAX_BYTES = 1024 * 1024
"""A document with this much unpublished data takes no further events."""
_RECORD_OVERHEAD = 700
"""What key, headers and framing add to an event's data in a record, at most."""


@dataclass(frozen=True, eq=False)
class Outbox:
    """A collection whose documents carry their unpublished events, and where these go. Equal only to itself."""

    collection: Collection
    topic: str
    source: str


@dataclass(slots=True)
class Pending:
    """Everything one document has not yet published, in order and without gaps; `key` is a filter that names it."""

    outbox: Outbox
    key: Document
    events: list[Event]

    @property
    def id(self) -> tuple[Outbox, object]:
        """Which document this is."""
        return self.outbox, self.key["_id"]

    @property
    def size(self) -> int:
        """Bytes of the record batch that would hold it, at most."""
        return sum(map(record_size, self.events))


def record_size(event: Event) -> int:
    """Bytes of the event's Kafka record, at most."""
    return len(event.data) + _RECORD_OVERHEAD


def data_size(events: Iterable[Event]) -> int:
    """Bytes of the events' own data."""
    return sum(len(event.data) for event in events)


def to_document(event: Event) -> Document:
    """The event as an element of a document's `pending`. Source and subject follow from the document."""
    return {
        "id": event.id,
        "type": event.type,
        "seq": event.sequence,
        "time": event.time,
        "data": event.data,
        "actor": event.actor,
        "traceparent": event.traceparent,
    }


def from_document(document: Document, source: str) -> list[Event]:
    """The unpublished events of a document."""
    subject = str(document["_id"])
    return [
        Event(
            id=stored["id"],
            type=stored["type"],
            source=source,
            subject=subject,
            time=stored["time"],
            sequence=stored["seq"],
            data=bytes(stored["data"]),
            actor=stored["actor"],
            traceparent=stored["traceparent"],
        )
        for stored in document.get("pending", ())
    ]
