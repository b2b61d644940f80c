"""docs/asyncapi.yaml is the contract: every event and no other, each with an example that is one."""

import base64
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from google.protobuf.descriptor_pb2 import FileDescriptorSet
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.json_format import MessageToDict
from google.protobuf.message_factory import GetMessageClass
from grpc_tools import protoc
from jsonschema import Draft7Validator

from chassis.events.envelope import read_event
from chassis.events.topics import ALL
from protos.asyncapi.__main__ import PLACE, written
from protos.generate import HERE, includes

DOCUMENT: Mapping[str, Any] = yaml.safe_load(PLACE.read_text())
MESSAGES: Mapping[str, Any] = DOCUMENT["components"]["messages"]
SCHEMAS: Mapping[str, Any] = DOCUMENT["components"]["schemas"]
EVENTS = sorted(name for name in MESSAGES if not name.endswith(".DeadLetter"))

per_event = pytest.mark.parametrize("name", EVENTS)


def violations(schema: Mapping[str, Any], value: object) -> list[str]:
    """What is wrong with the value by a schema of the document."""
    validator = Draft7Validator(
        {**schema, "components": DOCUMENT["components"]}, format_checker=Draft7Validator.FORMAT_CHECKER
    )
    return [error.message for error in validator.iter_errors(value)]


def test_the_committed_document_is_what_the_code_generates(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KAFKA_PARTITIONS", "11")  # it tells of the defaults, wherever it is generated
    assert PLACE.read_text() == written(), "run `make protos`"


def test_every_event_of_the_contracts_is_in_it_and_no_other() -> None:
    declared = {
        f"primetrade.{file.parts[-3]}.v1.{name}"
        for file in HERE.glob("primetrade/*/v1/events.proto")
        for name in re.findall(r"^message (\w+)", file.read_text(), re.MULTILINE)
    }
    assert set(EVENTS) == declared


def test_every_topic_carries_the_events_of_its_owner() -> None:
    for topic in ALL:
        carried = DOCUMENT["channels"][topic.domain]["messages"].values()
        names = {reference["$ref"].rpartition("/")[2] for reference in carried}
        assert names == {name for name in EVENTS if name.startswith(f"primetrade.{topic.owner}.v1.")}


def test_every_reference_leads_somewhere() -> None:
    for path in re.findall(r"\$ref: '#/(.*)'", PLACE.read_text()):
        part: Any = DOCUMENT
        for step in path.split("/"):
            part = part[step]


@per_event
def test_its_example_is_a_record_as_the_envelope_promises(name: str) -> None:
    (example,) = MESSAGES[name]["examples"]
    assert violations(MESSAGES[name]["headers"], example["headers"]) == []
    headers = [(header, value.encode()) for header, value in example["headers"].items()]
    event = read_event(headers, base64.b64decode(MESSAGES[name]["x-example-value"]))
    assert event.headers() == headers
    assert (event.type, MessageToDict(event.message())) == (name, example["payload"])


@per_event
def test_the_json_form_of_its_example_follows_the_json_schema(name: str) -> None:
    (example,) = MESSAGES[name]["examples"]
    assert violations(MESSAGES[name]["x-json-schema"], example["payload"]) == []


@per_event
def test_its_payload_schema_alone_decodes_its_example(name: str, tmp_path: Path) -> None:
    """As somebody does who has nothing but this document, protoc and a record."""
    assert SCHEMAS[name]["schemaFormat"] == "application/vnd.google.protobuf;version=3"
    source, into = tmp_path / "event.proto", tmp_path / "event"
    source.write_text(SCHEMAS[name]["schema"])
    arguments = ["--include_imports", f"--descriptor_set_out={into}", f"-I{tmp_path}", includes()[-1], source.name]
    assert protoc.main(["protoc", *arguments]) == 0
    pool = DescriptorPool()
    for file in FileDescriptorSet.FromString(into.read_bytes()).file:
        pool.Add(file)
    message = GetMessageClass(pool.FindMessageTypeByName(name)).FromString(
        base64.b64decode(MESSAGES[name]["x-example-value"])
    )
    assert MessageToDict(message) == MESSAGES[name]["examples"][0]["payload"]


def test_a_schema_refuses_what_is_wrong() -> None:
    """That the checks above can fail."""
    name = "primetrade.tasks.v1.TaskUpdated"
    (example,) = MESSAGES[name]["examples"]
    wrong = json.loads(json.dumps(example))
    wrong["headers"]["ce_sequence"] = "3"
    wrong["headers"]["ce_type"] = "primetrade.tasks.v1.TaskCreated"
    del wrong["headers"]["ce_time"]
    wrong["payload"]["task"]["status"] = "DONE"
    assert len(violations(MESSAGES[name]["headers"], wrong["headers"])) == 3
    assert len(violations(MESSAGES[name]["x-json-schema"], wrong["payload"])) == 1
