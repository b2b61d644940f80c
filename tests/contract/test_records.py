"""What is on the broker is what the contract says, read by those who have none of our code.

A plain consumer, the CloudEvents SDK, the schemas of docs/asyncapi.yaml, and protobuf alone.
"""

import asyncio
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from aiokafka import ConsumerRecord
from cloudevents.core.base import BaseCloudEvent
from cloudevents.core.bindings.kafka import KafkaMessage, from_binary, to_binary
from cloudevents.core.formats.json import JSONFormat
from primetrade.tasks.v1 import events_pb2

from chassis.events.consuming.consumer import Consumer, Permanent
from chassis.events.envelope import Event
from chassis.events.publishing.producer import partition_of
from chassis.events.topics import TASKS
from chassis.identity import Principal, set_principal
from chassis.settings import ServiceSettings
from chassis.telemetry.traces import continued
from chassis.testing.engines import Engines
from chassis.testing.eventually import eventually
from chassis.tests.kafka import Publisher, dead_letters_of, records_of, task_event
from chassis.tests.notes import SOURCE, Note, NoteProcess, settings_for
from tests.contract.test_asyncapi import SCHEMAS, violations

TRACE = "0af7651916cd43dd8448eb211c80319c"


class Protobuf(JSONFormat):
    """The SDK's own format hands out bytes that happen to be UTF-8 as text: protobuf's must stay bytes."""

    def read_data(self, body: bytes, datacontenttype: str | None) -> bytes:
        assert datacontenttype == "application/protobuf"
        return body


def told(record: ConsumerRecord) -> KafkaMessage:
    return KafkaMessage(headers=dict(record.headers), key=record.key, value=record.value or b"")


def texts(record: ConsumerRecord) -> dict[str, str]:
    return {name: value.decode() for name, value in record.headers}


@pytest.fixture
def settings(engines: Engines) -> ServiceSettings:
    return settings_for(engines)


async def published(settings: ServiceSettings, note: Note) -> ConsumerRecord:
    """The one record of a note that somebody stored within a trace."""
    process = NoteProcess(settings)

    async def call() -> None:
        set_principal(Principal("a-7", "s-1", frozenset(), frozenset(), process.clock.now(), "t"))
        with continued(f"00-{TRACE}-b7ad6b7169203331-00", "call"):
            await process.store.insert(note)

    async with process.running():
        await asyncio.create_task(call())
        partition = partition_of(str(note.id).encode(), settings.kafka_partitions)

        async def found() -> list[ConsumerRecord]:
            return await records_of(settings, TASKS.name(settings.kafka_prefix), partition)

        (record,) = await eventually(found, "the record")
    return record


async def test_the_cloudevents_sdk_reads_a_record(settings: ServiceSettings) -> None:
    note = Note.new("Grüße, 世界")
    record = await published(settings, note)

    event: BaseCloudEvent = from_binary(told(record), Protobuf())

    assert event.get_specversion() == "1.0"
    assert UUID(event.get_id()).version == 7
    assert event.get_source() == SOURCE
    assert event.get_type() == "primetrade.tasks.v1.TaskUpdated"
    assert event.get_subject() == str(note.id)
    time = event.get_time()
    assert time is not None
    assert timedelta() <= datetime.now(UTC) - time < timedelta(minutes=5)
    assert event.get_datacontenttype() == "application/protobuf"
    assert event.get_dataschema() == "https://type.googleapis.com/primetrade.tasks.v1.TaskUpdated"
    extensions = {name: event.get_extension(name) for name in ("sequence", "sequencetype", "partitionkey", "actor")}
    assert extensions == {
        "sequence": "0000000001", "sequencetype": "Integer", "partitionkey": str(note.id), "actor": "a-7",
    }  # fmt: skip
    assert event.get_extension("traceparent").split("-")[1] == TRACE
    data = event.get_data()
    assert isinstance(data, bytes)
    assert events_pb2.TaskUpdated.FromString(data).task.title == "Grüße, 世界"


async def test_the_cloudevents_sdk_writes_what_we_read(settings: ServiceSettings) -> None:
    """Key, value and headers survive the way through the SDK; the plain `traceparent` is none of its business."""
    record = await published(settings, Note.new())
    again = to_binary(from_binary(told(record), Protobuf()), Protobuf())
    expected = {name: value for name, value in record.headers if name != "traceparent"}
    assert (again.headers.keys(), again.value) == (expected.keys(), record.value)
    assert again.key == record.key.decode()
    assert {name: again.headers[name] for name in expected if name != "ce_time"} == {
        name: value for name, value in expected.items() if name != "ce_time"
    }
    assert datetime.fromisoformat(again.headers["ce_time"].decode()) == datetime.fromisoformat(
        expected["ce_time"].decode()
    )


async def test_a_record_has_the_headers_of_the_document(settings: ServiceSettings) -> None:
    record = await published(settings, Note.new())
    assert violations(SCHEMAS["EventHeaders"], texts(record)) == []
    assert texts(record).keys() == SCHEMAS["EventHeaders"]["properties"].keys()


async def test_a_dead_letter_has_the_story_of_the_document(settings: ServiceSettings) -> None:
    async def refuse(_: Event, __: events_pb2.TaskCreated) -> None:
        raise Permanent("not of this house")

    letter = task_event("t-1")
    async with (
        Consumer(settings, "watcher", [TASKS], {events_pb2.TaskCreated: refuse}),
        Publisher(settings) as publisher,
    ):
        await publisher.publish(letter)

        async def found() -> list[ConsumerRecord]:
            return await dead_letters_of(settings, "watcher")

        (record,) = await eventually(found, "the dead letter")
    assert violations(SCHEMAS["DeadLetterHeaders"], texts(record)) == []
    assert violations(SCHEMAS["EventHeaders"], texts(record)) == []
    declared = {*SCHEMAS["EventHeaders"]["properties"], *SCHEMAS["DeadLetterHeaders"]["properties"]}
    assert texts(record).keys() == declared
