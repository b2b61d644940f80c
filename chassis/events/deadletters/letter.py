"""A dead letter: where it is, and what it tells of itself, as the message of primetrade.events.v1."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from aiokafka import ConsumerRecord, TopicPartition
from google.protobuf.struct_pb2 import Struct
from google.protobuf.timestamp_pb2 import Timestamp
from primetrade.events.v1.dead_letters_pb2 import DeadLetter, Header

from chassis.events.decoding import decoded
from chassis.events.envelope import Undecodable, read_event

DATA_BYTES = 1024 * 1024
"""A larger event is not shown as JSON: the answer must stay far below gRPC's 4 MiB."""
VALUE_BYTES = 64 * 1024
HEADERS = 100
HEADER_CHARACTERS = 4_000
FIELD_CHARACTERS = 1_000
_MAX_INT32, _MAX_INT64 = 2**31 - 1, 2**63 - 1
_ID = re.compile(r"([a-z0-9.-]+\.dlq):([0-9]{1,9}):([0-9]{1,18})", re.ASCII)


@dataclass(frozen=True, slots=True)
class LetterId:
    """The place of a dead letter, written `<topic>:<partition>:<offset>`."""

    topic: str
    partition: int
    offset: int

    def __str__(self) -> str:
        return f"{self.topic}:{self.partition}:{self.offset}"

    @classmethod
    def parse(cls, text: str) -> "LetterId":
        """The id that is written so. Raises ValueError."""
        match = _ID.fullmatch(text)
        if match is None:
            raise ValueError("must be <topic>.dlq:<partition>:<offset>")
        return cls(match[1], int(match[2]), int(match[3]))

    @classmethod
    def of(cls, record: ConsumerRecord) -> "LetterId":
        """Where the record is."""
        return cls(record.topic, record.partition, record.offset)

    @property
    def place(self) -> TopicPartition:
        """Its partition."""
        return TopicPartition(self.topic, self.partition)

    @property
    def service(self) -> str:
        """The service whose consumer put it aside: topics of dead letters are named `<topic>.<service>.dlq`."""
        return service_of(self.topic)


def service_of(topic: str) -> str:
    """The service that a topic of dead letters belongs to."""
    return topic.removesuffix(".dlq").rpartition(".")[2]


def summary(record: ConsumerRecord) -> DeadLetter:
    """What a list shows of a dead letter. A record that nobody put aside as promised shows what it has."""
    told = {name: _text(value, FIELD_CHARACTERS) for name, value in record.headers}
    return DeadLetter(
        id=str(LetterId.of(record)),
        topic=told.get("dlq_topic", ""),
        partition=_number(told, "dlq_partition", _MAX_INT32),
        offset=_number(told, "dlq_offset", _MAX_INT64),
        reason=told.get("dlq_reason", ""),
        attempts=_number(told, "dlq_attempts", _MAX_INT32),
        group=told.get("dlq_group", ""),
        create_time=_created(record),
        event_type=told.get("ce_type", ""),
        subject=told.get("ce_subject", ""),
        sequence=_number(told, "ce_sequence", _MAX_INT64),
        event_id=told.get("ce_id", ""),
    )


def in_full(record: ConsumerRecord) -> DeadLetter:
    """The same with its headers, and its event decoded or its value as it is."""
    letter = summary(record)
    letter.headers.extend(
        Header(name=name[:FIELD_CHARACTERS], value=_text(value, HEADER_CHARACTERS))
        for name, value in record.headers[:HEADERS]
    )
    if (data := _data(record)) is not None:
        letter.data.CopyFrom(data)
    else:
        letter.value = (record.value or b"")[:VALUE_BYTES]
    return letter


def _data(record: ConsumerRecord) -> Struct | None:
    if len(record.value or b"") > DATA_BYTES:
        return None
    try:
        found = decoded(read_event(record.headers, record.value))
    except Undecodable:
        return None
    data = Struct()
    data.update(found)
    return data


def _created(record: ConsumerRecord) -> Timestamp:
    # The broker's own note of the time, which the header dlq_time repeats: no header can make it wrong.
    created = Timestamp()
    created.FromDatetime(datetime.fromtimestamp(max(record.timestamp, 0) / 1000, UTC))
    return created


def _text(value: bytes | None, characters: int) -> str:
    return (value or b"")[: 4 * characters].decode(errors="backslashreplace")[:characters]


def _number(told: Mapping[str, str], name: str, highest: int) -> int:
    text = told.get(name, "")
    return min(int(text), highest) if text.isascii() and text.isdecimal() else 0
