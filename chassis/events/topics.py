"""The one declaration of every topic: its name, whose events it carries, and what it must be on the broker.

What differs between environments comes from the settings: partitions, replicas, replicas in sync, retention. Start-up
creates what is missing and verifies the rest (chassis/events/admin.py); docs/asyncapi.yaml is generated from here.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from chassis.settings import Settings

MAX_BATCH_BYTES = 4 * 1024 * 1024
"""The largest record batch: an aggregate's whole pending list (at most 1 MiB) goes into one, with room to spare."""

STORY_BYTES = 64 * 1024
"""How much larger than its record a dead letter may be: it carries its story in headers."""

DEAD_LETTER_PARTITIONS = 1
"""Dead letters are few and read by people, oldest first."""

_HOUR_MS = 3_600_000


@dataclass(frozen=True, slots=True)
class Topic:
    """A published topic of one domain. `owner` is the service that publishes it."""

    domain: str
    owner: str

    @property
    def contract(self) -> str:
        """The proto file whose messages are the types of its events."""
        return f"primetrade/{self.owner}/v1/events.proto"

    def name(self, prefix: str) -> str:
        """The topic's name on the broker."""
        return f"{prefix}.{self.domain}.v1"

    def dead_letters(self, prefix: str, group: str) -> str:
        """Where a consumer group puts records of this topic aside."""
        return f"{self.name(prefix)}.{group}.dlq"


AUTH = Topic("auth", owner="auth")
USERS = Topic("users", owner="users")
TASKS = Topic("tasks", owner="tasks")
NOTIFICATIONS = Topic("notifications", owner="notify")
ALL = (AUTH, USERS, TASKS, NOTIFICATIONS)


@dataclass(frozen=True, slots=True)
class Declaration:
    """What a topic is on the broker: created so, and verified at every start. `options` are Kafka's topic settings."""

    name: str
    partitions: int
    replicas: int
    options: Mapping[str, str]


def declaration(settings: Settings, topic: Topic) -> Declaration:
    """How a topic of events is declared in this environment."""
    return Declaration(
        topic.name(settings.kafka_prefix),
        settings.kafka_partitions,
        settings.kafka_replication_factor,
        _options(settings, settings.kafka_retention_hours, MAX_BATCH_BYTES),
    )


def dead_letter_declaration(settings: Settings, topic: Topic, group: str) -> Declaration:
    """How a group's dead letters of a topic are declared; never kept for less time than the topic itself."""
    return Declaration(
        topic.dead_letters(settings.kafka_prefix, group),
        DEAD_LETTER_PARTITIONS,
        settings.kafka_replication_factor,
        _options(
            settings,
            max(settings.kafka_dead_letter_retention_hours, settings.kafka_retention_hours),
            MAX_BATCH_BYTES + STORY_BYTES,
        ),
    )


def _options(settings: Settings, retention_hours: int, max_bytes: int) -> Mapping[str, str]:
    return {
        # Compaction keeps the last event of a key: it would tear holes into the numbering of an aggregate's events.
        "cleanup.policy": "delete",
        "retention.ms": str(retention_hours * _HOUR_MS),
        "retention.bytes": "-1",
        "max.message.bytes": str(max_bytes),
        "min.insync.replicas": str(settings.kafka_min_insync_replicas),
    }
