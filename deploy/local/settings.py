"""The settings of the local suite. An environment variable (or `make run NAME=value`) is the upper-case field name."""

import os
import platform
import re
import sys
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, SecretStr, TypeAdapter, ValidationError, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from chassis.settings import Bootstrap
from chassis.testing.engines import KINDS, EnginesKind

PORTS = 50
"""How many ports from PORT_BASE on belong to a suite."""

_BOOTSTRAP = TypeAdapter(Bootstrap)
_UNWRITABLE = re.compile(r"[\"'\x00-\x1f\x7f]|\s[;#]")
_EMBEDDED_ON = (("Linux", "x86_64"), ("Darwin", "arm64"))


def _plain(value: SecretStr) -> SecretStr:
    if any(character in "\"'" or not character.isprintable() for character in value.get_secret_value()):
        raise ValueError("must have no quotes or control characters; percent-encode them")
    return value


def _folder(value: Path) -> Path:
    # supervisord's configuration file has no way to write these.
    if _UNWRITABLE.search(str(value)):
        raise ValueError("must have no quotes, control characters, or ; and # after a space")
    try:
        folder = value.expanduser()
    except RuntimeError:
        raise ValueError("begins with the home of nobody known") from None
    if os.path.exists(folder) and not os.path.isdir(folder):  # neither raises, as Path's do
        raise ValueError(f"{folder} is no folder")
    return folder


def _bootstrap(value: str) -> str:
    try:
        return _BOOTSTRAP.validate_python(value) if value else value
    except ValidationError:
        raise ValueError("must be host:port[,host:port…]") from None


Url = Annotated[SecretStr, AfterValidator(_plain)]
"""An engine's URL. It may hold a password, so it is never printed."""


class LocalSettings(BaseSettings):
    """What the launcher reads. The variables of the processes (LOG_LEVEL, …) pass through it to them."""

    model_config = SettingsConfigDict(extra="ignore", frozen=True, hide_input_in_errors=True, env_ignore_empty=True)

    engines: Literal["embedded", "real", "external"] = "embedded"
    gateway_host: Literal["127.0.0.1", "0.0.0.0"] = "127.0.0.1"  # noqa: S104 - chosen by who runs it
    gateway_port: int = Field(default=8080, ge=1, le=65535)
    port_base: int = Field(default=9100, ge=1024, le=65535 - PORTS, description="first of the suite's other ports")
    data_dir: Annotated[Path, AfterValidator(_folder)] = Field(
        default=Path(".data"), description="data, logs, mails and secrets of this suite"
    )
    # With a stop after it, a start ends within 60 s either way.
    start_timeout: float = Field(default=45, ge=1, le=3600, description="seconds until every process must be well")
    restart: bool = Field(default=False, description="a process that dies is started again instead of ending the suite")
    format: Literal["text", "json"] = Field(default="text", description="of status")
    args: str = Field(default="list", description="of dlq: the rest of its command line")
    force: bool = Field(default=False, description="secrets: replace the file that exists")

    mongo_url: Url = Url("")
    kafka_bootstrap_servers: Annotated[str, AfterValidator(_bootstrap)] = ""
    redis_url: Url = Url("")
    smtp_url: Url = Url("")
    otlp_endpoint: str = Field(default="", description="OTLP/gRPC collector as http(s)://host:port; empty: no export")

    @model_validator(mode="after")
    def _consistent(self) -> "LocalSettings":
        if self.engines == "external":
            given = {"MONGO_URL": self.mongo_url, "KAFKA_BOOTSTRAP_SERVERS": self.kafka_bootstrap_servers}
            if missing := [name for name, value in given.items() if not value]:
                raise ValueError(f"{' and '.join(missing)} must be given with ENGINES=external")
        if self.port_base <= self.gateway_port < self.port_base + PORTS:
            last = self.port_base + PORTS - 1
            raise ValueError(f"GATEWAY_PORT must not be one of PORT_BASE's ports, {self.port_base} to {last}")
        return self

    @property
    def kind(self) -> EnginesKind | None:
        """The MongoDB and Kafka that the suite brings; None when it is given them by URL."""
        return None if self.engines == "external" else KINDS[self.engines]

    @property
    def url(self) -> str:
        """Where this machine reaches the gateway."""
        return f"http://127.0.0.1:{self.gateway_port}"

    @property
    def data(self) -> Path:
        """DATA_DIR, absolute."""
        return self.data_dir.resolve()

    @property
    def logs(self) -> Path:
        """Where every process's log is."""
        return self.data / "logs"


def missing_engines() -> str:
    """Why the embedded engines cannot run on this machine; empty when they can."""
    machine = (platform.system(), platform.machine())
    if machine in _EMBEDDED_ON and Path(sys.executable).with_name("secantusd-py").exists():
        return ""
    return (
        f"the embedded engines have no build for {' '.join(machine)} (only for Linux x86_64 and macOS arm64): "
        "use `docker compose up`, or ENGINES=external with MONGO_URL and KAFKA_BOOTSTRAP_SERVERS"
    )
