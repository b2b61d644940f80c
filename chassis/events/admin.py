"""Topics are created from their declaration when a process starts, and never by a stray name."""

import asyncio
from collections.abc import Iterable, Mapping

import structlog
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import TopicAlreadyExistsError, for_code

from chassis.events.topics import Topic, configuration, dead_letter_configuration
from chassis.process import ready
from chassis.settings import Settings

_VISIBLE_SECONDS = 30.0

log = structlog.get_logger(__name__)


class WrongTopic(Exception):
    """A topic is not as it is declared, and cannot be made so without breaking the order of its keys."""


class Topics:
    """Component: entering waits for Kafka, creates what is missing, and verifies the rest.

    Covers what the process publishes, what it consumes and the dead letters of that, so that it does not matter which
    process of the suite starts first. Raises WrongTopic, naming topic and numbers, when a partition count differs: the
    partition of a key would change and with it the order of an aggregate's events.
    """

    name = "topics"

    def __init__(
        self, settings: Settings, service: str, publishes: Iterable[Topic] = (), consumes: Iterable[Topic] = ()
    ) -> None:
        self._settings = settings
        published, consumed = list(publishes), list(consumes)
        prefix, shared = settings.kafka_prefix, configuration(settings)
        letters = dead_letter_configuration(settings)
        self._declared = {
            **{topic.name(prefix): (settings.kafka_partitions, shared) for topic in [*published, *consumed]},
            **{topic.dead_letters(prefix, service): (1, letters) for topic in consumed},
        }

    async def __aenter__(self) -> None:
        kafka = f"Kafka at {self._settings.kafka_bootstrap_servers}"
        admin = await ready(kafka, self._connected, self._settings.startup_timeout)
        try:
            await self._create(admin)
            await self._verify(admin)
        finally:
            await admin.close()

    async def __aexit__(self, *_: object) -> None:
        return None

    def background(self) -> tuple[()]:
        return ()

    async def _connected(self) -> AIOKafkaAdminClient:
        admin = AIOKafkaAdminClient(bootstrap_servers=self._settings.kafka_bootstrap_servers)
        try:
            await admin.start()
        except BaseException:
            await admin.close()
            raise
        return admin

    async def _create(self, admin: AIOKafkaAdminClient) -> None:
        existing = await _partitions(admin)
        missing = [
            NewTopic(name, partitions, self._settings.kafka_replication_factor, topic_configs=options)
            for name, (partitions, options) in self._declared.items()
            if name not in existing
        ]
        if not missing:
            return
        answer = await admin.create_topics(missing)
        for name, code, *message in answer.topic_errors:
            # Another process may create the same topic at the same moment.
            if code not in (0, TopicAlreadyExistsError.errno):
                raise WrongTopic(f"topic {name}: {for_code(code).__name__} {' '.join(map(str, message))}".strip())
            log.info("topic_created", topic=name)

    async def _verify(self, admin: AIOKafkaAdminClient) -> None:
        """A new topic takes a moment until every broker knows it."""
        async with asyncio.timeout(_VISIBLE_SECONDS):
            while missing := self._declared.keys() - (found := await _partitions(admin)).keys():
                log.info("awaiting", what=f"topics {', '.join(sorted(missing))}")
                await asyncio.sleep(0.1)
        for name, (partitions, _) in self._declared.items():
            if found[name] != partitions:
                raise WrongTopic(f"topic {name} has {found[name]} partitions; {partitions} are declared")


async def _partitions(admin: AIOKafkaAdminClient) -> Mapping[str, int]:
    """The partition count of every topic. Asks for all: asking by name makes some brokers create the topic."""
    return {
        topic["topic"]: len(topic["partitions"])
        for topic in await admin.describe_topics()
        if topic["error_code"] == 0 and topic["partitions"]
    }
