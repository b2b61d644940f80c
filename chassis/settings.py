"""The settings of a process: read once from the environment, typed, and wrong ones named before anything starts."""

import sys
from typing import Annotated, Literal, TypeVar
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, SecretStr, ValidationError, ValidationInfo, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

Port = Annotated[int, Field(ge=0, le=65535)]


def _host_port(value: str) -> str:
    host, _, port = value.rpartition(":")
    if not host or not port.isdigit() or not 0 < int(port) < 65536:
        raise ValueError("must be host:port")
    return value


def _bootstrap(value: str) -> str:
    for part in value.split(","):
        _host_port(part.strip())
    return value


def _mongo_url(value: SecretStr) -> SecretStr:
    if not value.get_secret_value().startswith(("mongodb://", "mongodb+srv://")):
        raise ValueError("must begin with mongodb:// or mongodb+srv://")
    return value


def _redis_url(value: SecretStr) -> SecretStr:
    text = value.get_secret_value()
    try:
        url = urlsplit(text)
        right = not text or (url.scheme in ("redis", "rediss") and bool(url.hostname) and url.port != 0)
    except ValueError:
        right = False
    if not right:
        raise ValueError("must be redis[s]://[user:password@]host[:port][/database], or empty")
    return value


def _endpoint(value: str) -> str:
    if value and not value.startswith(("http://", "https://")):
        raise ValueError("must begin with http:// or https://")
    return value


MongoUrl = Annotated[SecretStr, AfterValidator(_mongo_url)]
"""A MongoDB connection string; it may hold a password."""

RedisUrl = Annotated[SecretStr, AfterValidator(_redis_url)]
"""A Redis URL, or nothing; it may hold a password."""

Target = Annotated[str, AfterValidator(_host_port)]
"""Where a gRPC server listens, as host:port."""

Bootstrap = Annotated[str, AfterValidator(_bootstrap)]
"""Kafka's bootstrap servers, as host:port[,host:port…]."""


class Settings(BaseSettings):
    """What every process reads. An environment variable is the upper-case name of its field."""

    model_config = SettingsConfigDict(extra="ignore", frozen=True, hide_input_in_errors=True)

    log_level: Literal["debug", "info", "warning", "error"] = "info"
    metrics_host: str = "127.0.0.1"
    metrics_port: Port = Field(default=0, description="0 takes a free port")
    otlp_endpoint: Annotated[str, AfterValidator(_endpoint)] = Field(
        default="", description="OTLP/gRPC collector as http(s)://host:port; empty: no export"
    )
    trace_sample_ratio: float = Field(
        default=0.05, ge=0, le=1, description="share of traces begun here that are recorded"
    )
    startup_timeout: float = Field(default=120, gt=0, description="seconds to wait for engines before giving up")
    drain_timeout: float = Field(default=10, gt=0, description="seconds given to work in flight at SIGTERM")

    token_issuer: str = "primetrade-auth"  # noqa: S105 - a name, not a secret
    token_audience: str = "primetrade"  # noqa: S105 - a name, not a secret

    kafka_bootstrap_servers: Bootstrap = "127.0.0.1:9092"
    kafka_idempotence: bool = Field(default=True, description="off for the embedded broker, which does not know it")
    kafka_replication_factor: int = Field(default=1, ge=1)
    kafka_min_insync_replicas: int = Field(default=1, ge=1)
    kafka_partitions: int = Field(default=6, ge=1)
    kafka_retention_hours: int = Field(default=24 * 7, ge=1)
    kafka_dead_letter_retention_hours: int = Field(default=24 * 30, ge=1, description="never less than the topics'")
    kafka_session_timeout: float = Field(
        default=10, gt=0, description="seconds without a heartbeat after which a consumer's partitions go to another"
    )
    kafka_prefix: str = Field(
        default="primetrade", pattern=r"^[a-z0-9-]+$", description="first word of every topic and consumer group"
    )

    @field_validator("kafka_min_insync_replicas")
    @classmethod
    def _writable(cls, value: int, info: ValidationInfo) -> int:
        if value > info.data.get("kafka_replication_factor", value):
            raise ValueError("must be at most KAFKA_REPLICATION_FACTOR, or nothing could be written")
        return value


class ServiceSettings(Settings):
    """What every service with a gRPC server and a database reads besides."""

    grpc_host: str = "127.0.0.1"
    grpc_port: Port = Field(default=0, description="0 takes a free port")
    grpc_max_in_flight: int = Field(
        default=256, ge=1, description="calls served at once; more are refused as Unavailable"
    )
    grpc_drain_notice: float = Field(
        default=0.25, ge=0, description="seconds from saying NOT_SERVING, which clients heed, to taking no new calls"
    )

    mongo_url: MongoUrl = SecretStr("mongodb://127.0.0.1:27017/?retryWrites=false")
    mongo_driver: Literal["motor", "pymongo"] = "motor"
    mongo_database: str = Field(default="", description="the service's own name when empty")
    mongo_max_pool_size: int = Field(default=10, ge=1)
    mongo_min_pool_size: int = Field(default=5, ge=0)

    event_log_days: int = Field(
        default=30, ge=1, description="how long published events are kept in the database, to be published again"
    )

    auth_target: Target = "127.0.0.1:50051"


S = TypeVar("S", bound=BaseSettings)


def read_settings(kind: type[S]) -> S:
    """Read the settings of a process. Exits with status 2 and a line for each wrong variable, never its value."""
    try:
        return kind()
    except ValidationError as error:
        for problem in error.errors(include_input=False, include_url=False):
            variable = "_".join(str(part) for part in problem["loc"]).upper()
            print(f"setting {variable or 'values'}: {problem['msg'].removeprefix('Value error, ')}", file=sys.stderr)
        raise SystemExit(2) from None
