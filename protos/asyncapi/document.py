"""The AsyncAPI document, part by part."""

from collections.abc import Mapping, Sequence
from typing import Any

from google.protobuf.descriptor import Descriptor

from chassis.events.envelope import CONTENT_TYPE
from chassis.events.topics import ALL, Declaration, Topic, dead_letter_declaration, declaration
from chassis.settings import Settings
from protos.asyncapi.contracts import Contracts
from protos.asyncapi.examples import Example, Examples
from protos.asyncapi.headers import event_headers, headers_of, story_headers
from protos.asyncapi.schemas import Schema, json_schemas, key_of
from services.auth import consumers as auth
from services.notify import consumers as notify
from services.tasks import consumers as tasks
from services.users import consumers as users

PROTOBUF = "application/vnd.google.protobuf;version=3"
BINDING = {"bindingVersion": "0.5.0"}

CONSUMERS: Mapping[str, Sequence[Topic]] = {
    "auth": auth.TOPICS,
    "notify": notify.TOPICS,
    "tasks": tasks.TOPICS,
    "users": users.TOPICS,
}

_DESCRIPTION = """\
What the services of PrimeTrade Tasks publish on Kafka, for everyone who reads the topics. docs/events.md has the
guarantees and how to make an effect single.

- Every event is published **at least once**, never before the state it tells of is durable, and never *first* after a
  later event of its aggregate. `ce_sequence` numbers the events of an aggregate without gaps.
- Records are **CloudEvents 1.0** in Kafka's binary mode; the value is the protobuf message that `ce_type` names.
- Changes are **additive**: ignore fields and types that you do not know.

Payload schemas are the protobuf contracts. `x-json-schema` names the schema of their JSON form, in which the payloads
of the examples are written; `x-example-value` is the example's value on the wire, in base64. Topic names begin with the
suite's `KAFKA_PREFIX`; partitions, replicas and retention are those of the default settings.
"""


def document() -> dict[str, Any]:
    """The whole document. Depends on the code alone, never on the environment."""
    contracts, examples = Contracts(), Examples()
    settings = Settings.model_construct()
    channels: dict[str, Any] = {}
    messages: dict[str, Any] = {}
    schemas: dict[str, Schema] = {"EventHeaders": event_headers(), "DeadLetterHeaders": story_headers()}
    for topic in ALL:
        events = contracts.messages(topic.contract)
        channels[topic.domain] = _channel(
            declaration(settings, topic), f"Events of {topic.domain}", contracts.comment(topic.contract),
            {event.name: event.full_name for event in events},
        )  # fmt: skip
        for event in events:
            example = examples.of(event, topic.owner)
            messages[event.full_name] = _message(contracts, event, topic, example)
            schemas[event.full_name] = {"schemaFormat": PROTOBUF, "schema": contracts.source(event)}
            schemas |= json_schemas(contracts, event)
        if readers := [service for service, topics in CONSUMERS.items() if topic in topics]:
            messages[f"{topic.domain}.DeadLetter"] = _dead_letter(
                topic, declaration(settings, topic).name, readers[0], settings, example
            )
        for service in readers:
            channels[_letters(topic, service)] = _channel(
                dead_letter_declaration(settings, topic, service), f"Dead letters of {topic.domain}, by {service}",
                f"Records of {topic.name(settings.kafka_prefix)} that the consumer of {service} could not handle.",
                {"DeadLetter": f"{topic.domain}.DeadLetter"},
            )  # fmt: skip
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "PrimeTrade Tasks: events",
            "version": "1.0.0",
            "description": _DESCRIPTION,
            "license": {"name": "Apache-2.0"},
        },
        "defaultContentType": CONTENT_TYPE,
        "servers": {"kafka": _server(settings)},
        "channels": channels,
        "operations": _operations(settings),
        "components": {"messages": messages, "schemas": schemas},
    }


def _server(settings: Settings) -> dict[str, Any]:
    return {
        "host": "{bootstrap}",
        "protocol": "kafka",
        "description": "The suite's Kafka.",
        "variables": {
            "bootstrap": {
                "default": settings.kafka_bootstrap_servers,
                "description": "host:port[,host:port…]; what the processes have as KAFKA_BOOTSTRAP_SERVERS.",
                "examples": ["kafka:9092"],
            }
        },
    }


def _channel(declared: Declaration, title: str, description: str, messages: Mapping[str, str]) -> dict[str, Any]:
    numbers = {name: int(value) for name, value in declared.options.items() if name != "cleanup.policy"}
    return {
        "address": declared.name,
        "title": title,
        "description": description,
        "servers": [{"$ref": "#/servers/kafka"}],
        "messages": {key: {"$ref": f"#/components/messages/{name}"} for key, name in messages.items()},
        "bindings": {
            "kafka": {
                "topic": declared.name,
                "partitions": declared.partitions,
                "replicas": declared.replicas,
                "topicConfiguration": {"cleanup.policy": declared.options["cleanup.policy"].split(","), **numbers},
                **BINDING,
            }
        },
    }


def _message(contracts: Contracts, event: Descriptor, topic: Topic, example: Example) -> dict[str, Any]:
    said = contracts.comment(event.full_name)
    return {
        "name": event.full_name,
        "title": event.name,
        "summary": said,
        "contentType": CONTENT_TYPE,
        "tags": [{"name": topic.domain}],
        "headers": headers_of(event.full_name, topic.owner),
        "payload": {"$ref": f"#/components/schemas/{event.full_name}"},
        "bindings": {
            "kafka": {"key": {"type": "string", "description": "The aggregate's id, as `ce_subject`."}, **BINDING}
        },
        "examples": [{"name": event.name, "headers": example.headers, "payload": example.data}],
        "x-json-schema": {"$ref": f"#/components/schemas/{key_of(event.full_name)}"},
        "x-example-value": example.value,
    }


def _dead_letter(topic: Topic, name: str, group: str, settings: Settings, example: Example) -> dict[str, Any]:
    told = {
        "dlq_reason": "permanent: Permanent: the event's data break a rule of this service",
        "dlq_topic": name,
        "dlq_partition": "4",
        "dlq_offset": "1027",
        "dlq_attempts": "1",
        "dlq_group": f"{settings.kafka_prefix}.{group}",
        "dlq_time": "2026-11-24T09:30:12.481220Z",
    }
    return {
        "name": f"{topic.domain}.DeadLetter",
        "title": "DeadLetter",
        "summary": f"A record of {name} that a consumer put aside: key, value and headers as they were, and its story.",
        "description": "Nothing is certain of its value: what cannot be decoded is put aside, too.",
        "contentType": CONTENT_TYPE,
        "tags": [{"name": topic.domain}, {"name": "dead-letter"}],
        "headers": {"$ref": "#/components/schemas/DeadLetterHeaders"},
        "bindings": {"kafka": {"key": {"type": "string", "description": "The record's key as it was."}, **BINDING}},
        "examples": [{"name": "DeadLetter", "headers": {**example.headers, **told}}],
    }


def _operations(settings: Settings) -> dict[str, Any]:
    operations: dict[str, Any] = {}
    for topic in ALL:
        operations[f"publish.{topic.domain}"] = {
            "action": "send",
            "channel": {"$ref": f"#/channels/{topic.domain}"},
            "title": f"{topic.owner} publishes",
            "summary": f"The {topic.owner} service tells what happened, in the order of each aggregate.",
            "bindings": {"kafka": {"clientId": {"type": "string"}, **BINDING}},
        }
    for service, topics in CONSUMERS.items():
        for topic in topics:
            group = {"type": "string", "const": f"{settings.kafka_prefix}.{service}"}
            operations[f"handle.{topic.domain}.{service}"] = {
                "action": "receive",
                "channel": {"$ref": f"#/channels/{topic.domain}"},
                "title": f"{service} handles",
                "summary": f"The consumer group of {service} handles the types it knows and skips the others.",
                "bindings": {"kafka": {"groupId": group, **BINDING}},
            }
            operations[f"putAside.{topic.domain}.{service}"] = {
                "action": "send",
                "channel": {"$ref": f"#/channels/{_letters(topic, service)}"},
                "title": f"{service} puts aside",
                "summary": "What cannot be decoded, or fails for reasons of its own, with its story in headers.",
            }
    return operations


def _letters(topic: Topic, service: str) -> str:
    return f"{topic.domain}.{service}.dlq"
