"""A broker that has lost its log gets it back, before anything new is published to it."""

import asyncio
from functools import partial

import structlog

from chassis.events.admin import Topics, WrongTopic, connected, layout
from chassis.events.publishing.continuity import Continuity, Held, Run
from chassis.events.publishing.eventlog import EventLog
from chassis.events.publishing.limits import RelayLimits
from chassis.events.publishing.producer import KafkaProducer
from chassis.events.publishing.republishing import publish_again
from chassis.events.topics import Topic
from chassis.settings import Settings
from chassis.telemetry import metrics

log = structlog.get_logger(__name__)


class Restoring:
    """Looks, for the one process that holds the lease, whether the topics still have what was acknowledged.

    A topic that has not is held, for every process of the service, until its whole event log is published again in
    order; then it comes to a new epoch. Cut anywhere it stays held, and whoever does it next begins again: repeats, and
    nothing out of order.
    """

    def __init__(
        self,
        settings: Settings,
        event_log: EventLog,
        continuity: Continuity,
        limits: RelayLimits,
        producer: KafkaProducer,
    ) -> None:
        self._settings, self._log, self._continuity = settings, event_log, continuity
        self._limits, self._producer = limits, producer
        # A live consumer hears within a quarter of its session timeout that the broker has lost its group too, and
        # stops reading. Only then is anything published: else it would read on in the new log at an offset of the old.
        self._settle = max(settings.kafka_session_timeout / 2, limits.log)

    async def run(self, topic: Topic) -> None:
        """Look once, and restore the topic when it is lost. Raises when an engine is away, WrongTopic."""
        name = topic.name(self._settings.kafka_prefix)
        await self._continuity.refresh(name)
        if not self._continuity.held(name) and await self._regressed(name):
            await asyncio.sleep(self._limits.second_look)
            if await self._regressed(name):
                log.warning("broker_lost_log", topic=name, epoch=self._continuity.epoch(name))
                metrics.relay_lost_logs.labels(name).inc()
                await self._continuity.lose(name)
        if self._continuity.held(name):
            await self._restore(topic, name)

    async def _regressed(self, name: str) -> bool:
        return await self._continuity.regressed(name, partial(self._producer.look, name))

    async def _restore(self, topic: Topic, name: str) -> None:
        await recreate(self._settings, topic)
        await asyncio.sleep(self._settle)
        run = Run(self._settings.kafka_partitions)
        producer = KafkaProducer(self._settings, run)
        try:
            count = await publish_again(self._log.read(name), producer, self._settings.kafka_partitions, self._limits)
        except Held as error:
            log.warning("restore_cut", topic=name, error=str(error))
            return
        finally:
            await producer.stop()
        await self._continuity.restored(name, run.ends)
        log.info("log_restored", topic=name, events=count, epoch=self._continuity.epoch(name))


async def recreate(settings: Settings, topic: Topic) -> None:
    """Make the topic what it is declared to be, when the broker has no such topic or an empty one of that name.

    A broker that creates topics by itself may have been asked for it by a stranger, and chosen its own partitions.
    Raises WrongTopic when it is not empty: its keys would move.
    """
    name = topic.name(settings.kafka_prefix)
    if await _partitions(settings, name) not in (0, settings.kafka_partitions):
        await _delete_empty(settings, name)
    async with Topics(settings, topic.owner, publishes=[topic]):
        pass  # entering creates it


async def _partitions(settings: Settings, name: str) -> int:
    admin = await connected(settings)
    try:
        partitions, _ = (await layout(admin)).get(name, (0, 0))
    finally:
        await admin.close()
    return partitions


async def _delete_empty(settings: Settings, name: str) -> None:
    producer = KafkaProducer(settings, Run(0))
    try:
        found = await producer.look(name)
    finally:
        await producer.stop()
    if any(found.ends.values()):
        raise WrongTopic(f"topic {name} has {found.partitions} partitions, not {settings.kafka_partitions}, and events")
    admin = await connected(settings)
    try:
        await admin.delete_topics([name])
        log.info("topic_deleted", topic=name, partitions=found.partitions)
    finally:
        await admin.close()
