"""One example of each event: recorded from the running suite (examples.yaml), told by the envelope's own code."""

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import yaml
from google.protobuf.descriptor import Descriptor
from google.protobuf.json_format import ParseDict
from google.protobuf.message_factory import GetMessageClass

from chassis.events.envelope import Event

RECORDED = Path(__file__).with_name("examples.yaml")


@dataclass(frozen=True, slots=True)
class Example:
    """A record: its headers, its value in protobuf's JSON, and the value's bytes in base64."""

    event: Event
    data: Mapping[str, Any]

    @property
    def headers(self) -> dict[str, str]:
        """The record's headers as text."""
        return {name: value.decode() for name, value in self.event.headers()}

    @property
    def value(self) -> str:
        """The record's value."""
        return base64.b64encode(self.event.data).decode()


class Examples:
    """The recorded examples, by the full name of the event's message."""

    def __init__(self) -> None:
        self._recorded: Mapping[str, Mapping[str, Any]] = yaml.safe_load(RECORDED.read_text())

    def of(self, message: Descriptor, owner: str) -> Example:
        """The example of an event that a service publishes. Raises LookupError when none was recorded."""
        recorded = self._recorded.get(message.full_name)
        if recorded is None:
            raise LookupError(f"{RECORDED.name} has no example of {message.full_name}")
        data = recorded["data"]
        event = Event(
            id=UUID(recorded["id"]),
            type=message.full_name,
            source=f"/primetrade/{owner}",
            subject=recorded["subject"],
            time=datetime.fromisoformat(recorded["time"]),
            sequence=recorded["sequence"],
            data=ParseDict(data, GetMessageClass(message)()).SerializeToString(deterministic=True),
            actor=recorded.get("actor", ""),
            traceparent=recorded.get("traceparent", ""),
        )
        return Example(event, data)
