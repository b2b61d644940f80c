"""Reading a record as docs/events.md describes it, with nothing but the contracts: CloudEvents 1.0 in binary mode."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from google.protobuf.message import DecodeError, Message
from primetrade.auth.v1 import events_pb2 as auth
from primetrade.notify.v1 import events_pb2 as notify
from primetrade.tasks.v1 import events_pb2 as tasks
from primetrade.users.v1 import events_pb2 as users

from tests.chaos.observed import Record

_TYPES: dict[str, type[Message]] = {
    "primetrade.auth.v1.AccountRegistered": auth.AccountRegistered,
    "primetrade.auth.v1.SessionRevoked": auth.SessionRevoked,
    "primetrade.users.v1.ProfileCreated": users.ProfileCreated,
    "primetrade.users.v1.ProfileUpdated": users.ProfileUpdated,
    "primetrade.tasks.v1.TaskCreated": tasks.TaskCreated,
    "primetrade.tasks.v1.TaskUpdated": tasks.TaskUpdated,
    "primetrade.tasks.v1.TaskCompleted": tasks.TaskCompleted,
    "primetrade.tasks.v1.TaskDeleted": tasks.TaskDeleted,
    "primetrade.notify.v1.NotificationCreated": notify.NotificationCreated,
    "primetrade.notify.v1.NotificationUpdated": notify.NotificationUpdated,
}


class NoEvent(ValueError):
    """The record is not what the contract promises."""


@dataclass(frozen=True, slots=True)
class Event:
    """A record as an event."""

    record: Record
    id: str
    subject: str
    sequence: int
    message: Message

    @property
    def kind(self) -> str:
        """The name of its type, without the package."""
        return str(self.message.DESCRIPTOR.name)

    def __str__(self) -> str:
        return f"#{self.sequence} {self.kind} {self.id} {self.record.place}"


def event_of(record: Record) -> Event:
    """The event of a record. Raises NoEvent."""
    headers = record.headers
    try:
        subject, number, kind = headers["ce_subject"], headers["ce_sequence"], headers["ce_type"]
        if headers["ce_specversion"] != "1.0" or headers["content-type"] != "application/protobuf":
            raise NoEvent("another version or content type")
        if record.key != subject or headers["ce_partitionkey"] != subject:
            raise NoEvent("the key is not the subject")
        if len(number) != 10 or not number.isdecimal() or int(number) < 1:
            raise NoEvent(f"ce_sequence {number!r}")
        return Event(record, headers["ce_id"], subject, int(number), _TYPES[kind].FromString(record.value))
    except KeyError as missing:
        raise NoEvent(f"no header or type {missing}") from None
    except DecodeError as error:
        raise NoEvent(str(error)) from None


@dataclass(slots=True)
class Story:
    """What a topic tells of one aggregate: `told` is every event in the order of the log, repeats included; `first`
    has of each sequence the event that was seen first, in the order in which they were seen."""

    topic: str
    subject: str
    told: list[Event] = field(default_factory=list)
    first: dict[int, Event] = field(default_factory=dict)

    def add(self, event: Event) -> None:
        """The next event of the log."""
        self.told.append(event)
        self.first.setdefault(event.sequence, event)

    def events(self) -> list[Event]:
        """Each event once, by its sequence."""
        return [self.first[sequence] for sequence in sorted(self.first)]


@dataclass(slots=True)
class Log:
    """All stories by topic and subject, and the records that are none of the suite's events nor poison."""

    stories: dict[tuple[str, str], Story] = field(default_factory=dict)
    strange: list[tuple[Record, str]] = field(default_factory=list)

    @classmethod
    def of(cls, records: Iterable[Record]) -> "Log":
        """Read records; their order within a partition is that of their offsets."""
        log = cls()
        for record in sorted(records, key=lambda one: (one.topic, one.partition, one.offset)):
            if record.poison:
                continue
            try:
                event = event_of(record)
            except NoEvent as error:
                log.strange.append((record, str(error)))
            else:
                log.stories.setdefault((record.topic, event.subject), Story(record.topic, event.subject)).add(event)
        return log

    def story(self, topic: str, subject: str) -> Story:
        """The story of an aggregate; an empty one where the topic tells none."""
        return self.stories.get((topic, subject)) or Story(topic, subject)

    @property
    def told(self) -> int:
        """How many events, repeats included."""
        return sum(len(story.told) for story in self.stories.values())

    @property
    def repeats(self) -> int:
        """How many were there already."""
        return sum(len(story.told) - len(story.first) for story in self.stories.values())
