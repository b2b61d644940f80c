"""The headers of records: CloudEvents in Kafka's binary mode, and the story of a dead letter."""

from collections.abc import Mapping
from typing import Any

from chassis.events.envelope import CONTENT_TYPE, SEQUENCE_DIGITS

Schema = dict[str, Any]

_TRACEPARENT = "^[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$"

_EVENT: Mapping[str, Schema] = {
    "content-type": {
        "const": CONTENT_TYPE,
        "description": "CloudEvents `datacontenttype`: the media type of the value.",
    },
    "ce_specversion": {"const": "1.0", "description": "The version of CloudEvents."},
    "ce_id": {"format": "uuid", "description": "The event's id, a UUIDv7, unique for ever. A repeat has the same."},
    "ce_source": {
        "pattern": "^/primetrade/[a-z]+$",
        "description": "The service that published: `/primetrade/<service>`.",
    },
    "ce_type": {
        "pattern": r"^primetrade\.[a-z]+\.v1\.[A-Z]\w+$",
        "description": "What happened: the full name of the value's protobuf message.",
    },
    "ce_subject": {"description": "The id of the aggregate it happened to; also the record's key."},
    "ce_time": {"format": "date-time", "description": "When it happened (RFC 3339, UTC)."},
    "ce_dataschema": {"format": "uri", "description": "The value's schema: `https://type.googleapis.com/<message>`."},
    "ce_sequence": {
        "pattern": f"^[0-9]{{{SEQUENCE_DIGITS}}}$",
        "description": "The event's number within its aggregate: 1, 2, 3, … without gaps, zero-padded, so that texts "
        "sort as numbers do (CloudEvents extension `sequence`). A loss, a repeat or a swap shows here.",
    },
    "ce_sequencetype": {"const": "Integer", "description": "How `ce_sequence` counts."},
    "ce_partitionkey": {"description": "The record's key (CloudEvents extension `partitioning`)."},
    "ce_actor": {
        "description": "The subject of the token that caused it: an account's id or `service:<name>`. Absent for "
        "background work. Our own extension.",
    },
    "ce_traceparent": {
        "pattern": _TRACEPARENT,
        "description": "The W3C trace context of the request that caused it (CloudEvents extension `distributed "
        "tracing`). Absent when there was none.",
    },
    "traceparent": {"pattern": _TRACEPARENT, "description": "The same, for tools that know no CloudEvents."},
}
_OPTIONAL = {"ce_actor", "ce_traceparent", "traceparent"}

_STORY: Mapping[str, Schema] = {
    "dlq_reason": {
        "description": "Why: `undecodable`, `permanent` or `error`, then the error's class and what it said; cut "
        "after 1,000 characters.",
    },
    "dlq_topic": {"description": "The topic the record was read from."},
    "dlq_partition": {"pattern": "^[0-9]+$", "description": "Its partition there."},
    "dlq_offset": {"pattern": "^[0-9]+$", "description": "Its offset there."},
    "dlq_attempts": {"pattern": "^[1-9][0-9]*$", "description": "How often it was tried."},
    "dlq_group": {"description": "The consumer group that put it aside."},
    "dlq_time": {"format": "date-time", "description": "When it was put aside (RFC 3339, UTC)."},
}


def event_headers() -> Schema:
    """The schema of every event's headers."""
    return {
        "type": "object",
        "title": "EventHeaders",
        "description": "CloudEvents 1.0, Kafka protocol binding, binary mode: the attributes are headers, the value is "
        "the event's protobuf message and nothing else. Values are UTF-8.",
        "properties": _texts(_EVENT),
        "required": [name for name in _EVENT if name not in _OPTIONAL],
    }


def headers_of(type_name: str, owner: str) -> Schema:
    """The schema of the headers of one type of event."""
    return {
        "type": "object",
        "allOf": [{"$ref": "#/components/schemas/EventHeaders"}],
        "properties": {
            "ce_type": {"const": type_name},
            "ce_source": {"const": f"/primetrade/{owner}"},
            "ce_dataschema": {"const": f"https://type.googleapis.com/{type_name}"},
        },
    }


def story_headers() -> Schema:
    """The schema of a dead letter's headers."""
    return {
        "type": "object",
        "title": "DeadLetterHeaders",
        "description": "The headers that the record had, whatever they were, and its story.",
        "properties": _texts(_STORY),
        "required": list(_STORY),
    }


def _texts(headers: Mapping[str, Schema]) -> Schema:
    return {name: {"type": "string", **schema} for name, schema in headers.items()}
