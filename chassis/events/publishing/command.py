"""`python -m services.<name> republish --since T`: a service's event log published again, by an operator."""

import re
import sys
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TypeVar

from chassis.clock import Clock, SystemClock
from chassis.events.admin import Topics
from chassis.events.publishing import continuity, eventlog
from chassis.events.publishing.continuity import Continuity, Held
from chassis.events.publishing.eventlog import EventLog
from chassis.events.publishing.limits import RelayLimits
from chassis.events.publishing.producer import KafkaProducer
from chassis.events.publishing.republishing import publish_again
from chassis.events.topics import Topic
from chassis.mongo import Mongo
from chassis.process import EngineAway, Process, Words, ready
from chassis.settings import ServiceSettings

_DURATION = re.compile(r"(\d+)(s|m|h|d)")
_SECONDS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}

S = TypeVar("S", bound=ServiceSettings)


def since(text: str, now: datetime) -> datetime:
    """The time that an operator means: RFC 3339 with an offset, or how long ago (90s, 15m, 2h, 7d).

    Raises ValueError saying what it must be.
    """
    if duration := _DURATION.fullmatch(text):
        number, unit = duration.groups()
        try:
            return now - timedelta(seconds=int(number) * _SECONDS[unit])
        except OverflowError:
            raise ValueError(f"{text} ago is before all times") from None
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        at = None
    if at is None or at.tzinfo is None:
        raise ValueError(
            f"{text!r} is neither an RFC 3339 time (2030-01-31T08:00:00Z) nor a duration (90s, 15m, 2h, 7d)"
        )
    if at > now:
        raise ValueError(f"{text} is yet to come")
    return at.astimezone(UTC)


def republish(service: str, topics: Sequence[Topic], clock: Clock | None = None) -> Words[S]:
    """The command. The services may run meanwhile: consumers see the same events again, under the same ids.

    Exits with status 2 when the words are wrong, with 1 when an engine is away or the broker loses its log meanwhile.
    """

    async def run(settings: S, words: Sequence[str]) -> None:
        if len(words) != 2 or words[0] != "--since":
            raise _ended("it takes --since and a time", 2)
        try:
            after = since(words[1], (clock or SystemClock()).now())
        except ValueError as error:
            raise _ended(str(error), 2) from None
        try:
            await _run(service, settings, topics, after)
        except (EngineAway, Held) as error:
            raise _ended(str(error), 1) from None

    return Words(run, "--since T")


async def _run(service: str, settings: ServiceSettings, topics: Sequence[Topic], after: datetime) -> None:
    mongo = Mongo(settings, service)
    async with Process(service, [mongo, Topics(settings, service, publishes=topics)]).running():
        for topic in topics:
            name = topic.name(settings.kafka_prefix)
            count = await _publish(settings, mongo, name, after)
            print(f"{name}: {count} events since {after.isoformat()} published again")


async def _publish(settings: ServiceSettings, mongo: Mongo, topic: str, after: datetime) -> int:
    limits = RelayLimits()
    known = Continuity(mongo.database[continuity.COLLECTION], settings.kafka_partitions, limits.engine)
    producer = KafkaProducer(settings, known)

    async def whole() -> None:
        """A part of a log must not be the first thing in an emptied topic: a running service publishes all of it."""
        await known.admit(topic, partial(producer.look, topic))

    try:
        await ready(f"{topic}, as it was,", whole, settings.startup_timeout)
        logged = EventLog(mongo.database[eventlog.COLLECTION]).read(topic, after)
        return await publish_again(logged, producer, settings.kafka_partitions, limits, lambda: known.epoch(topic))
    finally:
        await producer.stop()


def _ended(why: str, status: int) -> SystemExit:
    print(f"republish: {why}", file=sys.stderr)
    return SystemExit(status)
