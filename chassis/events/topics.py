"""The one declaration of every topic: name, partitions, retention, limits. Start-up creates what is missing."""

from dataclasses import dataclass

from chassis.settings import Settings

MAX_BATCH_BYTES = 4 * 1024 * 1024
"""The largest record batch: an aggregate's whole pending list (at most 1 MiB) goes into one, with room to spare."""

STORY_BYTES = 64 * 1024
"""How much larger than its record a dead letter may be: it carries its story in headers."""

_DEAD_LETTER_HOURS = 30 * 24


@dataclass(frozen=True, slots=True)
class Topic:
    """A published topic of one domain."""

    domain: str

    def name(self, prefix: str) -> str:
        """The topic's name on the broker."""
        return f"{prefix}.{self.domain}.v1"

    def dead_letters(self, prefix: str, group: str) -> str:
        """Where a consumer group puts records of this topic aside."""
        return f"{self.name(prefix)}.{group}.dlq"


AUTH = Topic("auth")
USERS = Topic("users")
TASKS = Topic("tasks")
NOTIFICATIONS = Topic("notifications")
ALL = (AUTH, USERS, TASKS, NOTIFICATIONS)


def configuration(settings: Settings) -> dict[str, str]:
    """The broker-side configuration of a topic."""
    return {
        "cleanup.policy": "delete",
        "retention.ms": str(settings.kafka_retention_hours * 3_600_000),
        "max.message.bytes": str(MAX_BATCH_BYTES),
        "min.insync.replicas": str(settings.kafka_min_insync_replicas),
    }


def dead_letter_configuration(settings: Settings) -> dict[str, str]:
    """The same of a topic of dead letters: kept for 30 days, or longer where its topic is."""
    hours = max(_DEAD_LETTER_HOURS, settings.kafka_retention_hours)
    return configuration(settings) | {
        "retention.ms": str(hours * 3_600_000),
        "max.message.bytes": str(MAX_BATCH_BYTES + STORY_BYTES),
    }
