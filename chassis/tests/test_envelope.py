"""The envelope as its readers see it: what is promised is there, and what breaks the promise is named."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from uuid import UUID

import pytest
from primetrade.tasks.v1 import events_pb2, tasks_pb2

from chassis.events.envelope import Event, Undecodable, read_event

MESSAGE = events_pb2.TaskCreated(task=tasks_pb2.Task(id="t-1", title="Write the envelope's tests"))
TYPE = "primetrade.tasks.v1.TaskCreated"
EVENT = Event(
    id=UUID("0198c1f2-0000-7000-8000-000000000001"),
    type=TYPE,
    source="/services/tasks",
    subject="t-1",
    time=datetime(2026, 3, 1, 12, 30, 15, 250_000, tzinfo=UTC),
    sequence=42,
    data=MESSAGE.SerializeToString(),
    actor="a-7",
    traceparent="00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
)


def changed(**headers: bytes | None) -> list[tuple[str, bytes]]:
    """The event's headers with some replaced, or left out when None."""
    named = {name.replace("content_type", "content-type"): value for name, value in headers.items()}
    kept = [(name, value) for name, value in EVENT.headers() if name not in named]
    return kept + [(name, value) for name, value in named.items() if value is not None]


def test_the_headers_are_those_of_cloudevents_in_kafkas_binary_mode() -> None:
    assert EVENT.key == b"t-1"
    assert dict(EVENT.headers()) == {
        "content-type": b"application/protobuf",
        "ce_specversion": b"1.0",
        "ce_id": b"0198c1f2-0000-7000-8000-000000000001",
        "ce_source": b"/services/tasks",
        "ce_type": TYPE.encode(),
        "ce_subject": b"t-1",
        "ce_time": b"2026-03-01T12:30:15.250000Z",
        "ce_dataschema": f"https://type.googleapis.com/{TYPE}".encode(),
        "ce_sequence": b"0000000042",
        "ce_sequencetype": b"Integer",
        "ce_partitionkey": b"t-1",
        "ce_actor": b"a-7",
        "ce_traceparent": b"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        "traceparent": b"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
    }


def test_an_event_comes_back_as_it_went() -> None:
    read = read_event(EVENT.headers(), EVENT.data)
    assert read == EVENT
    assert read.message() == MESSAGE
    assert isinstance(read.message(), events_pb2.TaskCreated)


def test_actor_and_trace_are_left_out_when_there_are_none() -> None:
    event = replace(EVENT, actor="", traceparent="")
    assert not {"ce_actor", "ce_traceparent", "traceparent"} & {name for name, _ in event.headers()}
    assert read_event(event.headers(), event.data) == event


@pytest.mark.parametrize("sequence", [1, 9, 10, 99_999, 9_999_999_999])
def test_sequences_sort_as_text_as_they_do_as_numbers(sequence: int) -> None:
    written = dict(replace(EVENT, sequence=sequence).headers())["ce_sequence"]
    following = dict(replace(EVENT, sequence=sequence + 1).headers())["ce_sequence"]
    assert int(written) == sequence
    assert written < following or sequence == 9_999_999_999
    assert len(written) == 10


def test_a_time_with_another_offset_is_the_same_moment() -> None:
    event = read_event(changed(ce_time=b"2026-03-01T14:30:15.250000+02:00"), EVENT.data)
    assert event.time == EVENT.time
    assert event.time.utcoffset() == timedelta(0)
    written = dict(replace(EVENT, time=EVENT.time.astimezone(timezone(timedelta(hours=2)))).headers())["ce_time"]
    assert datetime.fromisoformat(written.decode()) == EVENT.time


def test_another_implementation_reads_it_by_the_specifications_alone() -> None:
    """The Kafka protocol binding: every header named ce_* is an attribute; the content type decides the data."""
    headers = dict(EVENT.headers())
    attributes = {name.removeprefix("ce_"): value.decode() for name, value in headers.items() if name.startswith("ce_")}
    attributes["datacontenttype"] = headers["content-type"].decode()
    for required in ("id", "source", "specversion", "type"):
        assert attributes[required]
    assert all(name.isalnum() and name == name.lower() for name in attributes)
    assert datetime.fromisoformat(attributes["time"]).tzinfo is not None
    assert json.loads(json.dumps(attributes)) == attributes
    assert events_pb2.TaskCreated.FromString(EVENT.data).task.title == "Write the envelope's tests"


def test_headers_this_version_does_not_know_are_no_matter() -> None:
    unknown = [("ce_tenant", b"north"), ("ce_odd", b"\xff"), ("x-relay", b"\xff\x00"), ("x-empty", None)]
    headers = [*EVENT.headers(), *unknown]
    assert read_event(headers, EVENT.data) == EVENT


def test_an_event_may_have_no_data_in_its_message() -> None:
    event = replace(EVENT, data=b"")
    assert read_event(event.headers(), b"").message() == events_pb2.TaskCreated()


@pytest.mark.parametrize(
    "name", ["ce_specversion", "ce_id", "ce_source", "ce_type", "ce_subject", "ce_time", "ce_sequence"]
)
@pytest.mark.parametrize("value", [None, b""], ids=["missing", "empty"])
def test_a_required_header_that_is_missing_is_named(name: str, value: bytes | None) -> None:
    with pytest.raises(Undecodable, match=f"missing headers: {name}$"):
        read_event(changed(**{name: value}), EVENT.data)


def test_all_missing_headers_are_named_at_once() -> None:
    with pytest.raises(
        Undecodable, match="ce_specversion, ce_id, ce_source, ce_type, ce_subject, ce_time, ce_sequence"
    ):
        read_event([], EVENT.data)


@pytest.mark.parametrize(
    ("headers", "complaint"),
    [
        ({"ce_id": b"not-a-uuid"}, "badly formed"),
        ({"ce_time": b"yesterday"}, "yesterday"),
        ({"ce_time": b"2026-03-01T12:30:15"}, "offset"),
        ({"ce_time": b"9999-12-31T23:59:59-01:00"}, "out of range"),
        ({"ce_time": b"0001-01-01T00:00:00+01:00"}, "out of range"),
        ({"ce_sequence": b"9223372036854775808"}, "no number from 1 to 9223372036854775807"),
        ({"ce_sequence": b"9" * 5000}, "Exceeds the limit"),
        ({"ce_sequence": b"first"}, "first"),
        ({"ce_sequence": b"1_0"}, "1_0"),
        ({"ce_sequence": b"0"}, "sequence"),
        ({"ce_sequence": b"-3"}, "sequence"),
        ({"ce_specversion": b"0.3"}, "CloudEvents 0.3"),
        ({"content_type": b"application/json"}, "content-type 'application/json'"),
        ({"content_type": None}, "content-type None"),
        ({"ce_source": b"\xff\xfe"}, "not UTF-8"),
    ],
)
def test_a_malformed_header_is_named(headers: dict[str, bytes | None], complaint: str) -> None:
    with pytest.raises(Undecodable, match=complaint):
        read_event(changed(**headers), EVENT.data)


def test_a_record_without_a_value_is_no_event() -> None:
    with pytest.raises(Undecodable, match="no value"):
        read_event(EVENT.headers(), None)


def test_data_that_are_not_of_the_type_are_undecodable() -> None:
    with pytest.raises(Undecodable, match=f"data is no {TYPE}"):
        read_event(EVENT.headers(), b"\xff\xff\xff").message()


def test_a_type_this_process_does_not_know_has_no_message() -> None:
    event = read_event(changed(ce_type=b"primetrade.tasks.v9.TaskDreamt"), EVENT.data)
    with pytest.raises(Undecodable, match=r"no message primetrade\.tasks\.v9\.TaskDreamt"):
        event.message()
