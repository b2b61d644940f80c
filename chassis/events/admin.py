"""Topics are created from their declaration when a process starts, and never by a stray name."""

import asyncio
from collections.abc import Iterable, Mapping, Sequence

import structlog
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import TopicAlreadyExistsError, UnknownTopicOrPartitionError, for_code

from chassis.events.mismatch import Found, mismatches
from chassis.events.topics import Declaration, Topic, dead_letter_declaration, declaration
from chassis.process import ready
from chassis.settings import Settings

_VISIBLE_SECONDS = 30.0

log = structlog.get_logger(__name__)


class WrongTopic(Exception):
    """Topics are not as they are declared, in a way that breaks a promise of the events. Names each topic and setting,
    what was expected and what was found."""


class Topics:
    """Component: entering waits for Kafka, creates what is missing, and verifies the rest.

    Covers what the process publishes, what it consumes and the dead letters of that, so that it does not matter which
    process of the suite starts first. Changes no topic that exists. Raises WrongTopic, naming everything that differs
    harmfully (chassis/events/mismatch.py); what differs without harm is logged.
    """

    name = "topics"

    def __init__(
        self, settings: Settings, service: str, publishes: Iterable[Topic] = (), consumes: Iterable[Topic] = ()
    ) -> None:
        self._settings = settings
        published, consumed = list(publishes), list(consumes)
        declared = [
            *(declaration(settings, topic) for topic in [*published, *consumed]),
            *(dead_letter_declaration(settings, topic, service) for topic in consumed),
        ]
        self._declared = {topic.name: topic for topic in declared}

    async def __aenter__(self) -> None:
        kafka = f"Kafka at {self._settings.kafka_bootstrap_servers}"
        admin = await ready(kafka, lambda: connected(self._settings), self._settings.startup_timeout)
        try:
            await self._create(admin)
            await self._verify(admin)
        finally:
            await admin.close()

    async def __aexit__(self, *_: object) -> None:
        return None

    def background(self) -> tuple[()]:
        return ()

    async def _create(self, admin: AIOKafkaAdminClient) -> None:
        existing = await layout(admin)
        missing = [
            NewTopic(topic.name, topic.partitions, topic.replicas, topic_configs=dict(topic.options))
            for topic in self._declared.values()
            if topic.name not in existing
        ]
        if not missing:
            return
        answer = await admin.create_topics(missing)
        for name, code, *message in answer.topic_errors:
            if code == 0:
                log.info("topic_created", topic=name)
            # Another process may create the same topic at the same moment.
            elif code != TopicAlreadyExistsError.errno:
                raise WrongTopic(f"topic {name}: {for_code(code).__name__} {' '.join(map(str, message))}".strip())

    async def _verify(self, admin: AIOKafkaAdminClient) -> None:
        harmful = []
        for name, found in (await self._visible(admin)).items():
            for mismatch in mismatches(self._declared[name], found):
                if mismatch.harmless:
                    log.warning("topic_differs", topic=name, setting=mismatch.setting, expected=mismatch.expected,
                                found=mismatch.found)  # fmt: skip
                else:
                    harmful.append(str(mismatch))
        if harmful:
            raise WrongTopic("; ".join(harmful))

    async def _visible(self, admin: AIOKafkaAdminClient) -> Mapping[str, Found]:
        """A new topic takes a moment until every broker knows it."""
        async with asyncio.timeout(_VISIBLE_SECONDS):
            while True:
                found = await layout(admin)
                missing = self._declared.keys() - found.keys()
                if not missing:
                    options, missing = await _options(admin, list(self._declared.values()))
                if not missing:
                    return {name: Found(*found[name], options[name]) for name in self._declared}
                log.info("awaiting", what=f"topics {', '.join(sorted(missing))}")
                await asyncio.sleep(0.1)


async def connected(settings: Settings) -> AIOKafkaAdminClient:
    """A started client, to be closed. Raises KafkaError, leaving nothing open."""
    admin = AIOKafkaAdminClient(bootstrap_servers=settings.kafka_bootstrap_servers)
    try:
        await admin.start()
    except BaseException:
        await admin.close()
        raise
    return admin


async def layout(admin: AIOKafkaAdminClient) -> Mapping[str, tuple[int, int]]:
    """Of every topic, how many partitions it has and how many replicas these have at least. Asks for all topics: asking
    by name makes some brokers create the topic."""
    return {
        topic["topic"]: (len(topic["partitions"]), min(len(partition["replicas"]) for partition in topic["partitions"]))
        for topic in await admin.describe_topics()
        if topic["error_code"] == 0 and topic["partitions"]
    }


async def _options(
    admin: AIOKafkaAdminClient, topics: Sequence[Declaration]
) -> tuple[Mapping[str, Mapping[str, str]], set[str]]:
    """The declared options of each topic as they are; and the topics that the broker asked does not know yet.

    An option that the broker does not tell, as to one who may not read it, is logged and left out.
    """
    # Asks for all options: asked for some by name, the embedded broker hangs up.
    wanted = [ConfigResource(ConfigResourceType.TOPIC, topic.name) for topic in topics]
    found: dict[str, Mapping[str, str]] = {}
    unknown = set()
    for answer in await admin.describe_configs(wanted):
        for code, message, _, name, entries in answer.resources:
            if code == UnknownTopicOrPartitionError.errno:
                unknown.add(name)
                continue
            found[name] = {option: value for option, value, *_ in entries if value is not None}
            if code != 0:
                log.warning("topic_unread", topic=name, error=f"{for_code(code).__name__} {message}")
    for topic in topics:
        if untold := topic.options.keys() - found.get(topic.name, {}).keys():
            log.warning("topic_options_untold", topic=topic.name, options=sorted(untold))
    return found, unknown
