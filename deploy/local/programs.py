"""The processes of the suite, as data: command, environment, ports, and how to ask each whether it is well."""

import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from enum import Enum
from pathlib import Path

from deploy.local.secrets import local_secrets
from deploy.local.settings import LocalSettings


class Group(Enum):
    """What starts and stops together. Groups start in this order and stop in reverse."""

    ENGINES = "engines"
    SERVICES = "services"
    GATEWAY = "gateway"


class Check(Enum):
    """How a process is asked whether it is well."""

    TCP = "accepts connections"
    GRPC = "gRPC health v1"
    HTTP = "/readyz"


@dataclass(frozen=True, slots=True)
class Program:
    """One process. `ports` are by purpose; the first is the one that is checked; `setting` is what moves them.

    `consumes`: it reads events, so its metrics tell a lag once it has joined its group.
    `stop_seconds` is how long it has between SIGTERM and SIGKILL.
    """

    name: str
    group: Group
    command: tuple[str, ...]
    ports: Mapping[str, int]
    check: Check
    environment: Mapping[str, str] = field(default_factory=dict)
    setting: str = "PORT_BASE"
    host: str = "127.0.0.1"
    stop_seconds: int = 4
    consumes: bool = False

    @property
    def port(self) -> int:
        """The port that is checked."""
        return next(iter(self.ports.values()))

    def told(self, variables: Mapping[str, str]) -> "Program":
        """The same with these variables in its environment."""
        return replace(self, environment={**self.environment, **variables})


SERVICES = {"auth": 10, "users": 20, "tasks": 30, "notify": 40}
"""The services, and where their ports are: gRPC at PORT_BASE plus this, metrics at the next."""

CONSUMERS = frozenset({"auth", "users", "notify"})
"""The services that react to events."""


Secrets = Callable[[Path], Mapping[str, str]]


def suite_programs(settings: LocalSettings, secrets: Secrets = local_secrets) -> list[Program]:
    """Every process of the suite, engines first, with the secrets of its folder: to be started, all of them."""
    return [*_engines(settings), *_services(settings, secrets), _gateway(settings)]


def mongo_url(settings: LocalSettings) -> str:
    """Where the suite's MongoDB is."""
    kind = settings.kind
    return settings.mongo_url.get_secret_value() if kind is None else kind.mongo_url(settings.port_base)


def kafka_bootstrap_servers(settings: LocalSettings) -> str:
    """Where the suite's Kafka is."""
    return settings.kafka_bootstrap_servers if settings.kind is None else f"127.0.0.1:{settings.port_base + 1}"


def _engines(settings: LocalSettings) -> list[Program]:
    base, data = settings.port_base, settings.data
    found = []
    if (kind := settings.kind) is not None:
        mongo = kind.mongo_command(base, data / kind.folder / "mongo")
        kafka = kind.kafka_command(base + 1, base + 3, data / kind.folder / "kafka")
        ports = kind.kafka_ports(base + 1, base + 3)
        found += [
            Program("mongo", Group.ENGINES, tuple(mongo), {"mongodb": base}, Check.TCP, stop_seconds=3),
            Program("kafka", Group.ENGINES, tuple(kafka), ports, Check.TCP, stop_seconds=kind.kafka_stop_seconds),
        ]
    if not settings.smtp_url.get_secret_value():
        sink = ("deploy.local.mailbox", "--port", str(base + 2), "--folder", str(data / "mail"))
        found.append(Program("mail", Group.ENGINES, _python(*sink), {"smtp": base + 2}, Check.TCP, stop_seconds=2))
    return found


def _services(settings: LocalSettings, secrets: Secrets) -> list[Program]:
    own = {"auth": secrets(settings.data / "secrets"), "notify": {"SMTP_URL": _smtp_url(settings)}}
    return [
        Program(
            name,
            Group.SERVICES,
            _python(f"services.{name}", "serve"),
            {"grpc": settings.port_base + offset, "metrics": settings.port_base + offset + 1},
            Check.GRPC,
            {
                **_shared(settings),
                "MONGO_URL": mongo_url(settings),
                "GRPC_HOST": "127.0.0.1",
                "GRPC_PORT": str(settings.port_base + offset),
                "METRICS_HOST": "127.0.0.1",
                "METRICS_PORT": str(settings.port_base + offset + 1),
                "DRAIN_TIMEOUT": "3",
                **own.get(name, {}),
            },
            consumes=name in CONSUMERS,
        )
        for name, offset in SERVICES.items()
    ]


def _gateway(settings: LocalSettings) -> Program:
    environment = {
        **_shared(settings),
        "GATEWAY_HOST": settings.gateway_host,
        "GATEWAY_PORT": str(settings.gateway_port),
        "DRAIN_TIMEOUT": "2",
        "DRAIN_NOTICE": "0",  # nothing stands before it that could take notice
    }
    return Program(
        "gateway", Group.GATEWAY, _python("gateway", "serve"), {"http": settings.gateway_port}, Check.HTTP,
        environment, setting="GATEWAY_PORT", host=settings.gateway_host, stop_seconds=3,
    )  # fmt: skip


def _shared(settings: LocalSettings) -> dict[str, str]:
    targets = {
        f"{name.upper()}_TARGET": f"127.0.0.1:{settings.port_base + offset}" for name, offset in SERVICES.items()
    }
    given = {"OTLP_ENDPOINT": settings.otlp_endpoint, "REDIS_URL": settings.redis_url.get_secret_value()}
    return {
        **targets,
        **{name: value for name, value in given.items() if value},
        "KAFKA_BOOTSTRAP_SERVERS": kafka_bootstrap_servers(settings),
        **(settings.kind.kafka_settings if settings.kind else {}),
    }


def _smtp_url(settings: LocalSettings) -> str:
    return settings.smtp_url.get_secret_value() or f"smtp://127.0.0.1:{settings.port_base + 2}"


def _python(*words: str) -> tuple[str, ...]:
    return (sys.executable, "-m", *words)
