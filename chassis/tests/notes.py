"""What the tests of the outbox share: the smallest aggregate with events, processes that store it, a plain reader."""

import asyncio
import contextlib
from collections import defaultdict
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

from aiokafka import AIOKafkaConsumer
from google.protobuf.message import Message
from primetrade.tasks.v1 import events_pb2, tasks_pb2

from chassis.aggregate import Aggregate
from chassis.cancelling import cancel
from chassis.clock import Clock, SystemClock, ordered_id
from chassis.events.admin import Topics
from chassis.events.envelope import Event, read_event
from chassis.events.publishing.limits import RelayLimits
from chassis.events.publishing.outbox import INDEXES, AggregateStore
from chassis.events.publishing.relay import Relay
from chassis.events.topics import TASKS
from chassis.mongo import Document, Indexes, Mongo
from chassis.settings import ServiceSettings
from chassis.testing.engines import Engines

SOURCE = "/primetrade/notes"


@dataclass(frozen=True)
class Written:
    """The note has a new text."""

    text: str


@dataclass(frozen=True)
class Removed:
    """The note is gone."""


@dataclass(kw_only=True)
class Note(Aggregate[Written | Removed]):
    id: UUID
    owner: str
    text: str
    label: str | None = None
    words: list[str] = field(default_factory=list)

    @classmethod
    def new(cls, text: str = "milk", events: int = 1) -> "Note":
        note = cls(id=ordered_id(), owner="o-1", text=text)
        for _ in range(events):
            note.write(text)
        return note

    def write(self, text: str) -> None:
        self.text = text
        self._record(Written(text))

    def remove(self) -> None:
        self._record(Removed())


class NoteMapper:
    resource = "note"

    def key(self, aggregate: Note) -> Document:
        return {"_id": aggregate.id, "owner_id": aggregate.owner}

    def fields(self, aggregate: Note) -> Document:
        return {"text": aggregate.text, "label": aggregate.label, "words": aggregate.words}

    def aggregate(self, document: Document) -> Note:
        return Note(
            id=document["_id"],
            owner=document["owner_id"],
            text=document["text"],
            label=document.get("label"),
            words=document["words"],
        )

    def message(self, aggregate: Note, event: Written | Removed) -> Message:
        if isinstance(event, Removed):
            return events_pb2.TaskDeleted(task_id=str(aggregate.id), owner_id=aggregate.owner)
        return events_pb2.TaskUpdated(task=tasks_pb2.Task(id=str(aggregate.id), title=event.text))


NoteStore = AggregateStore[Note, Written | Removed]


class Hands:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.at = datetime(2030, 1, 1, tzinfo=UTC)

    def now(self) -> datetime:
        return self.at

    def move(self, **duration: float) -> None:
        self.at += timedelta(**duration)


def settings_for(engines: Engines, **changed: object) -> ServiceSettings:
    """Settings with topics and a database of their own."""
    name = f"t{uuid4().hex[:8]}"
    values: dict[str, object] = {
        "mongo_url": engines.mongo_url,
        "mongo_database": name,
        "kafka_bootstrap_servers": engines.kafka_bootstrap_servers,
        "kafka_idempotence": engines.kafka_idempotence,
        "kafka_prefix": name,
        "startup_timeout": 120,
    }
    return ServiceSettings.model_validate(ServiceSettings().model_dump() | values | changed)


class NoteProcess:
    """A process that stores notes: the components of a service, the outbox and what it needs."""

    def __init__(
        self, settings: ServiceSettings, clock: Clock | None = None, limits: RelayLimits | None = None
    ) -> None:
        self.settings, self.clock = settings, clock or SystemClock()
        self.mongo = Mongo(settings, "notes")
        self.relay = Relay(settings, self.mongo.database, self.clock, limits)
        self.notes = self.mongo.collection("notes")
        self.store: NoteStore = AggregateStore(self.notes, NoteMapper(), TASKS, SOURCE, self.relay, self.clock)

    @contextlib.asynccontextmanager
    async def stored(self) -> AsyncIterator["NoteProcess"]:
        """With MongoDB alone: nothing is published."""
        async with self.mongo, Indexes(self.mongo, {"notes": INDEXES}):
            yield self

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator["NoteProcess"]:
        """With the relay."""
        async with self.stored(), Topics(self.settings, "notes", publishes=[TASKS]), self.relay:
            yield self

    async def crash(self) -> None:
        """End as a killed process does: nothing more is published, cleared or released."""
        await cancel(self.relay.background())
        await self.mongo.__aexit__()

    async def document(self, note: Note) -> Document:
        """The note's document as it is stored."""
        found = await self.notes.find_one({"_id": note.id})
        assert found is not None
        return found

    async def write(self, note: Note, text: str) -> None:
        """Load the note, write it, save it."""
        loaded = await self.store.load({"_id": note.id, "owner_id": note.owner})
        loaded.write(text)
        await self.store.save(loaded)

    async def unpublished(self) -> int:
        """How many documents have events that are not known to be published."""
        return len([document async for document in self.notes.find({}) if "pending_since" in document])

    async def quiet(self) -> bool:
        """Whether everything is published and cleared."""
        return await self.unpublished() == 0


class Reader:
    """A plain consumer from the topic's start, and what it saw, in order."""

    def __init__(self, settings: ServiceSettings) -> None:
        self.events: list[Event] = []
        self.headers: list[Sequence[tuple[str, bytes]]] = []
        self._settings = settings

    @contextlib.asynccontextmanager
    async def reading(self) -> AsyncIterator["Reader"]:
        consumer = AIOKafkaConsumer(
            TASKS.name(self._settings.kafka_prefix),
            bootstrap_servers=self._settings.kafka_bootstrap_servers,
            auto_offset_reset="earliest",
            group_id=None,
        )
        # The embedded broker makes a topic of any name it is asked for, with partitions of its own choice.
        async with Topics(self._settings, "notes", publishes=[TASKS]):
            await consumer.start()
        task = asyncio.create_task(self._read(consumer))
        try:
            yield self
        finally:
            await cancel([task])
            await consumer.stop()

    def sequences(self) -> dict[str, list[int]]:
        """Of every aggregate, the sequences in the order they came, repeats included."""
        seen: dict[str, list[int]] = defaultdict(list)
        for event in self.events:
            seen[event.subject].append(event.sequence)
        return seen

    def first_seen(self) -> dict[str, list[int]]:
        """Of every aggregate, the sequences in the order they came first."""
        return {subject: list(dict.fromkeys(sequences)) for subject, sequences in self.sequences().items()}

    def distinct(self) -> int:
        return len({event.id for event in self.events})

    async def _read(self, consumer: AIOKafkaConsumer) -> None:
        async for record in consumer:
            self.headers.append(record.headers)
            self.events.append(read_event(record.headers, record.value))


def in_order(reader: Reader) -> bool:
    """Whether every aggregate's events were first seen as 1, 2, 3, … without gaps."""
    return all(seen == list(range(1, len(seen) + 1)) for seen in reader.first_seen().values())


def notes(count: int) -> Iterator[Note]:
    for number in range(count):
        yield Note.new(f"note {number}")
