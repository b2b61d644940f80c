"""What other processes change: every process of this service hears every profile event, for its cache.

The service's consumer group gives an event to one process, which is right for its work; the cache of each process needs
it in each. So this reads the topic without a group, from its end, commits nothing, and hears late while Kafka is away:
the cache's own time bounds what that can cost.
"""

import asyncio
import contextlib
from typing import Any

import structlog
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError
from primetrade.users.v1 import events_pb2

from chassis.events.envelope import Undecodable, read_event
from chassis.events.topics import USERS
from chassis.process import ready
from chassis.settings import Settings
from services.users.mapping.requests import profile_of
from services.users.store.cache import ProfileCache

ATTEMPT_SECONDS = 20.0
STOP_SECONDS = 3.0
PAUSE_SECONDS = 1.0

log = structlog.get_logger(__name__)


class ProfileChanges:
    """Component: puts the state that each profile event tells into the cache, from when it is entered."""

    name = "profile-changes"

    def __init__(self, settings: Settings, cache: ProfileCache) -> None:
        self._settings, self._cache = settings, cache
        topic = USERS.name(settings.kafka_prefix)
        self._partitions = [TopicPartition(topic, number) for number in range(settings.kafka_partitions)]
        self._consumer: Any = None
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> None:
        where = f"Kafka at {self._settings.kafka_bootstrap_servers} (profile changes)"
        await ready(where, self._connect, self._settings.startup_timeout)
        self._task = asyncio.create_task(self._listen(), name=self.name)

    async def __aexit__(self, *_: object) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait({self._task})
        await self._close(self._consumer)

    def background(self) -> tuple["asyncio.Task[None]", ...]:
        return (self._task,) if self._task is not None else ()

    async def _connect(self) -> None:
        consumer = AIOKafkaConsumer(
            bootstrap_servers=self._settings.kafka_bootstrap_servers,
            enable_auto_commit=False,
            auto_offset_reset="latest",
        )
        try:
            async with asyncio.timeout(ATTEMPT_SECONDS):
                await consumer.start()
                consumer.assign(self._partitions)
                await consumer.seek_to_end(*self._partitions)
        except BaseException:
            await self._close(consumer)
            raise
        self._consumer = consumer

    async def _listen(self) -> None:
        while True:
            try:
                fetched = await self._consumer.getmany(timeout_ms=1_000)
            except KafkaError as error:
                log.warning("profile_changes_unheard", error=repr(error))
                await asyncio.sleep(PAUSE_SECONDS)
                continue
            for records in fetched.values():
                for record in records:
                    await self._hear(record)

    async def _hear(self, record: Any) -> None:
        # What is no profile event as promised is no news of a profile.
        with contextlib.suppress(Undecodable, ValueError):
            message = read_event(record.headers, record.value).message()
            if isinstance(message, events_pb2.ProfileCreated | events_pb2.ProfileUpdated):
                await self._cache.put(profile_of(message.profile))

    async def _close(self, consumer: Any) -> None:
        try:
            async with asyncio.timeout(STOP_SECONDS):
                await consumer.stop()
        except (TimeoutError, KafkaError) as error:
            log.warning("profile_changes_not_closed", error=repr(error))
            # stop() was waiting for a broker that is away: end the connections it left open.
            with contextlib.suppress(Exception):
                await asyncio.wait_for(consumer._client.close(), 1.0)
