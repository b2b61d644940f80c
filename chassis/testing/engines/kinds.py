"""Which engines there are, and which of them ENGINES asks for."""

import contextlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

from pydantic_settings import BaseSettings, SettingsConfigDict

from chassis.testing.engines.embedded import Embedded
from chassis.testing.engines.real import Real
from chassis.testing.engines.servers import running
from chassis.testing.ports import free_port


class EnginesKind(Protocol):
    """A MongoDB and a Kafka that this machine can run.

    `folder` is theirs within a folder that several kinds share; `kafka_settings` is what the processes' settings have
    to be besides; `kafka_stop_seconds` is how long Kafka may take to end; `kafka_ports` are those it takes of two.
    """

    @property
    def folder(self) -> str: ...
    @property
    def kafka_idempotence(self) -> bool: ...
    @property
    def kafka_settings(self) -> Mapping[str, str]: ...
    @property
    def kafka_stop_seconds(self) -> int: ...
    def prepare(self) -> None: ...
    def mongo_command(self, port: int, data: Path) -> list[str]: ...
    def mongo_url(self, port: int) -> str: ...
    def kafka_ports(self, port: int, controller_port: int) -> Mapping[str, int]: ...
    def kafka_command(self, port: int, controller_port: int, data: Path) -> list[str]: ...


KindName = Literal["embedded", "real"]
KINDS: Mapping[KindName, EnginesKind] = {"embedded": Embedded(), "real": Real()}


class EnginesSettings(BaseSettings):
    """What tests read. An environment variable is the upper-case name of its field."""

    model_config = SettingsConfigDict(extra="ignore", frozen=True, env_ignore_empty=True)

    engines: KindName | Literal["external"] = "embedded"

    @property
    def kind(self) -> EnginesKind:
        """The engines to start. With `external` ones, what a test starts for itself is embedded."""
        return KINDS["embedded" if self.engines == "external" else self.engines]


@dataclass(frozen=True, slots=True)
class Engines:
    """Where the engines are."""

    mongo_url: str
    kafka_bootstrap_servers: str
    kafka_idempotence: bool


@contextlib.contextmanager
def started_engines(folder: Path) -> Iterator[Engines]:
    """Start both engines that ENGINES asks for on free ports, with their data and logs in `folder`.

    Raises ToolError when they cannot be had.
    """
    kind = EnginesSettings().kind
    kind.prepare()
    mongo, kafka = free_port(), free_port()
    mongo_command = kind.mongo_command(mongo, folder / "mongo")
    kafka_command = kind.kafka_command(kafka, free_port(), folder / "kafka")
    with (
        running(mongo_command, folder / "mongo.log", mongo),
        running(kafka_command, folder / "kafka.log", kafka),
    ):
        yield Engines(kind.mongo_url(mongo), f"127.0.0.1:{kafka}", kind.kafka_idempotence)
