"""A profile's events may come again, late, and out of order: an account shows the name of the newest."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID, uuid4

import pytest
from aiokafka import AIOKafkaProducer
from primetrade.users.v1 import events_pb2, users_pb2

from chassis.clock import SystemClock, ordered_id
from chassis.events.envelope import Event
from chassis.events.topics import USERS
from chassis.testing.engines import Engines
from chassis.testing.eventually import eventually
from chassis.testing.measured import measured
from services.auth.tests.world import World, running, settings


def renamed(account: str, name: str, sequence: int) -> Event:
    """ProfileUpdated, as users tells it."""
    message = events_pb2.ProfileUpdated(profile=users_pb2.Profile(id=account, name=name))
    return Event(
        id=ordered_id(),
        type=message.DESCRIPTOR.full_name,
        source="/primetrade/users",
        subject=account,
        time=SystemClock().now(),
        sequence=sequence,
        data=message.SerializeToString(),
    )


class Told:
    """A running auth service that is told of profiles."""

    def __init__(self, auth: World, producer: AIOKafkaProducer) -> None:
        self.auth, self._producer = auth, producer
        self._topic = USERS.name(auth.settings.kafka_prefix)

    def ended(self, *outcomes: str) -> int:
        """How many events have ended so."""
        found = 0.0
        for outcome in outcomes:
            labels = {"topic": self._topic, "type": "primetrade.users.v1.ProfileUpdated", "outcome": outcome}
            found += measured("primetrade_consumer_handling_duration_seconds_count", **labels) or 0
        return int(found)

    async def publish(self, *events: Event) -> None:
        """Publish events and wait until each has ended."""
        every = ("handled", "superseded", "dead_lettered")
        until = self.ended(*every) + len(events)
        for event in events:
            await self._producer.send_and_wait(self._topic, event.data, key=event.key, headers=event.headers())
        await eventually(lambda: self.ended(*every) == until, "the events to end")

    async def account(self, id: str) -> dict[str, Any]:
        """The account, without what the relay clears in its own time."""
        outbox = {"pending": 0, "pending_since": 0}
        return await self.auth.collection("accounts").find_one({"_id": UUID(id)}, outbox) or {}


@asynccontextmanager
async def telling(auth: World) -> AsyncIterator[Told]:
    producer = AIOKafkaProducer(
        bootstrap_servers=auth.settings.kafka_bootstrap_servers, enable_idempotence=auth.settings.kafka_idempotence
    )
    await producer.start()
    try:
        yield Told(auth, producer)
    finally:
        await producer.stop()


@pytest.fixture
async def told(engines: Engines) -> AsyncIterator[Told]:
    async with running(settings(engines)) as auth, telling(auth) as told:
        yield told


async def test_repeats_and_older_events_change_nothing(told: Told) -> None:
    account = (await told.auth.register(name="Ada")).account.id
    events = [renamed(account, f"Ada {number}", number) for number in range(2, 5)]
    await told.publish(events[2])
    before = await told.account(account)
    assert (before["name"], before["profile_sequence"]) == ("Ada 4", 4)
    # The same again has an end like any other; an older one is overtaken.
    await told.publish(events[2])
    assert (told.ended("handled"), told.ended("superseded")) == (2, 0)
    await told.publish(*events[:2])
    assert (told.ended("handled"), told.ended("superseded")) == (2, 2)
    assert await told.account(account) == before
    # The whole topic once more.
    await told.publish(*events)
    assert await told.account(account) == before


async def test_a_profile_without_an_account_is_passed_over(told: Told) -> None:
    await told.publish(renamed(str(uuid4()), "Nobody", 2))
    assert told.ended("handled") == 1


async def test_a_profile_of_no_id_is_put_aside_at_once(told: Told) -> None:
    await told.publish(renamed("nobody at all", "Nobody", 2))
    assert told.ended("dead_lettered") == 1
