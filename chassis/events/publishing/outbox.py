"""The outbox: an aggregate's document carries the events it has not yet published, written with the state they tell of.

Machinery fields of a document: `version` (saves), `sequence` (events ever recorded), `pending` (events not yet known to
be published), `pending_since` (the time of the oldest of them; absent when there are none), `last_event` (the id of the
last one ever recorded), `deleted_at` (a tombstone).
"""

import copy
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar
from uuid import UUID

from google.protobuf.message import Message
from pymongo import IndexModel
from pymongo.errors import DuplicateKeyError

from chassis.aggregate import Aggregate
from chassis.clock import Clock, ordered_id
from chassis.errors import AlreadyExists, NotFound, Unavailable, VersionMismatch
from chassis.events.envelope import Event
from chassis.events.publishing.eventlog import following_id
from chassis.events.publishing.pending import MAX_BYTES, MAX_EVENTS, Pending, data_size, from_document, to_document
from chassis.events.publishing.relay import Relay
from chassis.events.topics import Topic
from chassis.identity import peek_principal
from chassis.mongo import Collection, Document
from chassis.telemetry.traces import current_traceparent

A = TypeVar("A", bound=Aggregate[Any])
E_contra = TypeVar("E_contra", contravariant=True)
E = TypeVar("E")

INDEXES = (IndexModel("pending_since", sparse=True), IndexModel("deleted_at", sparse=True))
"""What every collection with an outbox needs: the sweep and the purge of tombstones look these up."""

_UNREAD = {"pending": 0, "pending_since": 0}


class Mapper(Protocol[A, E_contra]):
    """How one kind of aggregate is stored and told."""

    @property
    def resource(self) -> str:
        """What errors call it: "task"."""
        ...

    def key(self, aggregate: A) -> Document:
        """The filter that names its document: `_id`, and the shard key where there is one. Never changes."""
        ...

    def fields(self, aggregate: A) -> Document:
        """Every stored field but the key and the machinery, always all of them; None leaves a field out."""
        ...

    def aggregate(self, document: Document) -> A:
        """The aggregate of a stored document. The store sets version and sequence."""
        ...

    def message(self, aggregate: A, event: E_contra) -> Message:
        """The protobuf of a domain event, told right after the change."""
        ...


@dataclass(frozen=True, slots=True)
class _Memento:
    """What a document held when it was loaded; `pending` is None when it was read without it."""

    fields: Document
    pending: tuple[Event, ...] | None
    last_event: UUID | None


class AggregateStore(Generic[A, E]):
    """Loads aggregates and saves them with their events, atomically: a document's state and its `pending` change in one
    single-document compare-and-set on `version`, majority and journaled.

    Guarantees: an event is published at least once, never before the state it tells of is durable, and never after a
    later event of its aggregate was first seen. The events of an aggregate are numbered 1, 2, 3, … without gaps, and
    their ids ascend, whatever the clocks of those who save it. A save
    sets fields and appends events and never replaces the document, so it cannot bring back events cleared meanwhile.
    A removed aggregate stays as a tombstone (chassis.events.publishing.tombstones); its id must never be used again.
    """

    def __init__(
        self, collection: Collection, mapper: Mapper[A, E], topic: Topic, source: str, relay: Relay, clock: Clock
    ) -> None:
        self.collection = collection
        self._mapper, self._relay, self._clock = mapper, relay, clock
        self._outbox = relay.outbox(collection, topic, source)

    async def insert(self, aggregate: A) -> None:
        """Store a new aggregate with its events. Raises AlreadyExists when a unique index has it already."""
        key, fields = self._mapper.key(aggregate), self._mapper.fields(aggregate)
        events = self._events(aggregate, key, None)
        _require_room((), events)
        document = {**key, **{name: value for name, value in fields.items() if value is not None}}
        document |= {"version": 1, "sequence": len(events), "pending": [to_document(event) for event in events]}
        if events:
            document |= {"pending_since": events[0].time, "last_event": events[-1].id}
        try:
            await self.collection.insert_one(document)
        except DuplicateKeyError:
            raise AlreadyExists(self._mapper.resource, str(key["_id"])) from None
        self._saved(aggregate, 1, events, _Memento(_copied(fields), tuple(events), _last(events, None)))

    async def load(self, key: Document) -> A:
        """The aggregate to change and save. Raises NotFound when it is not there or was removed."""
        document = await self._found(key, None)
        pending = tuple(from_document(document, self._outbox.source))
        return self._aggregate(document, pending)

    async def read(self, key: Document) -> A:
        """The aggregate to look at: without its unpublished events, so it cannot be saved. Raises as `load`."""
        return self._aggregate(await self._found(key, _UNREAD), None)

    def aggregates(self, documents: Iterable[Document]) -> list[A]:
        """The aggregates of documents that a query on `collection` found, to look at; tombstones are left out."""
        return [self._aggregate(document, None) for document in documents if "deleted_at" not in document]

    async def save(self, aggregate: A) -> None:
        """Store what changed, with the events recorded since the load; with neither, nothing is written.

        Raises VersionMismatch when somebody saved it since the load, Unavailable when too much of it is unpublished.
        """
        memento = self._memento(aggregate)
        fields = self._mapper.fields(aggregate)
        changed = {name: value for name, value in fields.items() if memento.fields.get(name) != value}
        if changed or aggregate.recorded:
            await self._write(aggregate, memento, changed, _copied(fields))

    async def remove(self, aggregate: A) -> None:
        """Leave a tombstone: the fields go, the key and the events stay. Raises as `save`."""
        memento = self._memento(aggregate)
        fields: Document = dict.fromkeys(self._mapper.fields(aggregate))
        tombstone = {**fields, "deleted_at": self._clock.now()}
        await self._write(aggregate, memento, tombstone, fields)

    async def _write(self, aggregate: A, memento: _Memento, changed: Document, after: Document) -> None:
        """The compare-and-set. What was loaded and what is appended is all that is unpublished once it succeeds."""
        key, version = self._mapper.key(aggregate), aggregate.version + 1
        events = self._events(aggregate, key, memento.last_event)
        loaded = memento.pending or ()
        _require_room(loaded, events)
        result = await self.collection.update_one(
            {**key, "version": aggregate.version},
            _update(changed, version, aggregate.sequence + len(events), events),
        )
        if result.matched_count == 0:
            raise VersionMismatch(self._mapper.resource, str(key["_id"]))
        self._saved(aggregate, version, events, _Memento(after, (*loaded, *events), _last(events, memento.last_event)))

    def _saved(self, aggregate: A, version: int, events: Sequence[Event], memento: _Memento) -> None:
        aggregate.saved(version, aggregate.sequence + len(events), memento)
        if events:
            self._relay.offer(Pending(self._outbox, self._mapper.key(aggregate), list(memento.pending or ())))

    async def _found(self, key: Document, projection: Document | None) -> Document:
        document = await self.collection.find_one(key, projection)
        if document is None or "deleted_at" in document:
            raise NotFound(self._mapper.resource, str(key["_id"]))
        return document

    def _aggregate(self, document: Document, pending: tuple[Event, ...] | None) -> A:
        aggregate = self._mapper.aggregate(document)
        memento = _Memento(_copied(document), pending, document.get("last_event"))
        aggregate.saved(document["version"], document["sequence"], memento)
        return aggregate

    def _memento(self, aggregate: A) -> _Memento:
        memento = aggregate.memento
        if not isinstance(memento, _Memento) or memento.pending is None:
            raise TypeError(f"this {self._mapper.resource} was not loaded to be saved")
        return memento

    def _events(self, aggregate: A, key: Document, last: UUID | None) -> list[Event]:
        """What the aggregate recorded, numbered on from its last event, under ids above that one's."""
        principal, now = peek_principal(), self._clock.now()
        events = []
        for sequence, recorded in enumerate(aggregate.recorded, aggregate.sequence + 1):
            message, last = self._mapper.message(aggregate, recorded), following_id(ordered_id(), last)
            events.append(
                Event(
                    id=last,
                    type=message.DESCRIPTOR.full_name,
                    source=self._outbox.source,
                    subject=str(key["_id"]),
                    time=now,
                    sequence=sequence,
                    data=message.SerializeToString(),
                    actor=principal.subject if principal else "",
                    traceparent=current_traceparent(),
                )
            )
        return events


def _update(changed: Document, version: int, sequence: int, events: Sequence[Event]) -> Document:
    fields = {name: value for name, value in changed.items() if value is not None}
    update: Document = {"$set": {**fields, "version": version, "sequence": sequence}}
    if gone := {name: "" for name, value in changed.items() if value is None}:
        update["$unset"] = gone
    if events:
        update["$push"] = {"pending": {"$each": [to_document(event) for event in events]}}
        update["$min"] = {"pending_since": events[0].time}
        update["$set"]["last_event"] = events[-1].id
    return update


def _last(events: Sequence[Event], before: UUID | None) -> UUID | None:
    return events[-1].id if events else before


def _require_room(loaded: Sequence[Event], events: Sequence[Event]) -> None:
    """A document's whole list must fit into one record batch."""
    if not events:
        return
    if len(events) > MAX_EVENTS or data_size(events) > MAX_BYTES:
        raise ValueError("one change recorded more than a record batch may hold")
    if len(loaded) + len(events) > MAX_EVENTS or data_size(loaded) + data_size(events) > MAX_BYTES:
        raise Unavailable("too many changes of this wait to be published")


def _copied(fields: Document) -> Document:
    """Containers are copied: an aggregate may hold and change the very list that its document came with."""
    return {
        name: copy.deepcopy(value) if isinstance(value, list | dict) else value
        for name, value in fields.items()
        if name != "pending"
    }
