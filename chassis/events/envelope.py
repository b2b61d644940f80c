"""The envelope of a domain event: CloudEvents 1.0 in Kafka's binary mode.

Sources: CloudEvents 1.0.2; its Kafka protocol binding; its documented extensions `sequence` (with `sequencetype`),
`partitioning` and `distributed tracing`. Our own extension `actor` names who caused the event.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

from google.protobuf import descriptor_pool, message_factory
from google.protobuf.message import DecodeError, Message

CONTENT_TYPE = "application/protobuf"
SEQUENCE_DIGITS = 10
MAX_SEQUENCE = 2**63 - 1
"""What MongoDB's largest integer holds."""
_REQUIRED = ("ce_specversion", "ce_id", "ce_source", "ce_type", "ce_subject", "ce_time", "ce_sequence")
_READ = (*_REQUIRED, "content-type", "ce_actor", "ce_traceparent")


class Undecodable(ValueError):
    """A record that is not an event as docs/events.md promises it. Trying again cannot help."""


@dataclass(frozen=True, slots=True)
class Event:
    """One domain event. `type` is the full name of its protobuf message; `subject` and the record key are the
    aggregate's id; `sequence` numbers the events of that aggregate 1, 2, 3, … without gaps."""

    id: UUID
    type: str
    source: str
    subject: str
    time: datetime
    sequence: int
    data: bytes
    actor: str = ""
    traceparent: str = ""

    @property
    def key(self) -> bytes:
        """The Kafka record key."""
        return self.subject.encode()

    @property
    def dataschema(self) -> str:
        """The schema of `data`: its type URL, with the scheme that CloudEvents asks for and protobuf leaves out."""
        return f"https://type.googleapis.com/{self.type}"

    def headers(self) -> list[tuple[str, bytes]]:
        """The record's headers, as a list (what aiokafka wants)."""
        headers = [
            ("content-type", CONTENT_TYPE),
            ("ce_specversion", "1.0"),
            ("ce_id", str(self.id)),
            ("ce_source", self.source),
            ("ce_type", self.type),
            ("ce_subject", self.subject),
            ("ce_time", self.time.isoformat().replace("+00:00", "Z")),
            ("ce_dataschema", self.dataschema),
            ("ce_sequence", str(self.sequence).zfill(SEQUENCE_DIGITS)),
            ("ce_sequencetype", "Integer"),
            ("ce_partitionkey", self.subject),
        ]
        if self.actor:
            headers.append(("ce_actor", self.actor))
        if self.traceparent:
            headers += [("ce_traceparent", self.traceparent), ("traceparent", self.traceparent)]
        return [(name, value.encode()) for name, value in headers]

    def message(self) -> Message:
        """The event's protobuf message. Raises Undecodable when the type is not known here or the data do not parse."""
        try:
            descriptor = descriptor_pool.Default().FindMessageTypeByName(self.type)
        except KeyError:
            raise Undecodable(f"no message {self.type}") from None
        try:
            return message_factory.GetMessageClass(descriptor).FromString(self.data)
        except DecodeError as error:
            raise Undecodable(f"data is no {self.type}: {error}") from None


def read_event(headers: Iterable[tuple[str, bytes | None]], value: bytes | None) -> Event:
    """The event of a Kafka record. Raises Undecodable, saying what is wrong with the record."""
    told = dict(headers)
    try:
        texts = {name: text.decode() for name in _READ if (text := told.get(name))}
    except UnicodeDecodeError:
        raise Undecodable("a header is not UTF-8") from None
    if missing := [name for name in _REQUIRED if name not in texts]:
        raise Undecodable(f"missing headers: {', '.join(missing)}")
    if texts["ce_specversion"] != "1.0":
        raise Undecodable(f"CloudEvents {texts['ce_specversion']}")
    if texts.get("content-type") != CONTENT_TYPE:
        raise Undecodable(f"content-type {texts.get('content-type')!r}")
    if value is None:
        raise Undecodable("no value")
    try:
        return Event(
            id=UUID(texts["ce_id"]),
            type=texts["ce_type"],
            source=texts["ce_source"],
            subject=texts["ce_subject"],
            time=_time(texts["ce_time"]),
            sequence=_sequence(texts["ce_sequence"]),
            data=value,
            actor=texts.get("ce_actor", ""),
            traceparent=texts.get("ce_traceparent", ""),
        )
    except (ValueError, OverflowError) as error:  # an instant before year 1 or after 9999 in UTC overflows
        raise Undecodable(str(error)) from None


def _time(text: str) -> datetime:
    time = datetime.fromisoformat(text)
    if time.tzinfo is None:
        raise ValueError(f"ce_time {text!r} has no offset")
    return time.astimezone(UTC)


def _sequence(text: str) -> int:
    if not (text.isascii() and text.isdecimal()) or not 1 <= (number := int(text)) <= MAX_SEQUENCE:
        raise ValueError(f"ce_sequence {text[:40]!r} is no number from 1 to {MAX_SEQUENCE}")
    return number
